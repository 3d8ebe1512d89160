// Moving elements about: strided gathers, transposed tiles, half-precision conversion,
// stores past the caches.
#include <algorithm>

#include "loops.h"

namespace FL_ISA {
namespace {

struct Wide {
  uint64_t low, high;
};

// Reads upwards and writes downwards: processors fetch ahead best what is read upwards.
template <class Word, bool kStream>
void reverse_words(Word* dst, const Word* src, int64_t n) {
  using V = Vec<Word>;
  constexpr int N = lanes_of<V>;
  Mask<V> backwards;
  for (int i = 0; i < N; ++i) backwards[i] = N - 1 - i;
  const Word* in = src - (n - 1);
  Word* out = dst + n;
  const Word* const end = src + 1;
  const auto one = [&] { *--out = *in++; };
  if constexpr (kStream) {
    while (in < end && reinterpret_cast<uintptr_t>(out) % kWidth != 0) one();
  }
#pragma GCC unroll 2
  for (; end - in >= N; in += N) {
    out -= N;
    const V v = __builtin_shuffle(load<V>(in), backwards);
    kStream ? stream(out, v) : store(out, v);
  }
  while (in < end) one();
}

template <class Word>
void reverse_any(void* dst, const void* src, int64_t n, bool stream) {
  auto* out = static_cast<Word*>(dst);
  const auto* in = static_cast<const Word*>(src);
  return stream ? reverse_words<Word, true>(out, in, n)
                : reverse_words<Word, false>(out, in, n);
}

template <class Word>
void gather_words(void* dst, const char* src, int64_t stride, int64_t n) {
  auto* out = static_cast<Word*>(dst);
  for (int64_t i = 0; i < n; ++i, src += stride)
    std::memcpy(out + i, src, sizeof(Word));
}

template <class Word>
void scatter_words(char* dst, int64_t stride, const void* src, int64_t n) {
  const auto* in = static_cast<const Word*>(src);
  for (int64_t i = 0; i < n; ++i, dst += stride) std::memcpy(dst, in + i, sizeof(Word));
}

template <class Word>
void transpose_words(void* dst, int64_t dst_ld, const void* src, int64_t src_ld,
                     int64_t rows, int64_t cols) {
  auto* out = static_cast<Word*>(dst);
  const auto* in = static_cast<const Word*>(src);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < cols; ++c) {
      std::memcpy(out + r * dst_ld + c, in + c * src_ld + r, sizeof(Word));
    }
  }
}

// One square of a transposition in registers: log2(L) rounds, each of which exchanges
// halves of blocks between rows `s` apart.
template <class Word>
struct Square {
  static constexpr int L = kWidth / static_cast<int>(sizeof(Word));
  using V = Vec<Word>;
  using M = Mask<V>;

  template <int S>
  static FL_INLINE void round(V* v) {
    M low, high;
    for (int i = 0; i < L; ++i) {
      low[i] = (i & S) ? L + i - S : i;
      high[i] = (i & S) ? L + i : i + S;
    }
#pragma GCC unroll 16
    for (int i = 0; i < L; ++i) {
      if (i & S) continue;
      const V a = v[i], b = v[i + S];
      v[i] = __builtin_shuffle(a, b, low);
      v[i + S] = __builtin_shuffle(a, b, high);
    }
    if constexpr (S > 1) round<S / 2>(v);
  }

  static FL_INLINE void run(Word* dst, int64_t dst_ld, const Word* src, int64_t src_ld,
                            bool past_caches) {
    V v[L];
#pragma GCC unroll 16
    for (int i = 0; i < L; ++i) v[i] = load<V>(src + i * src_ld);
    round<L / 2>(v);
#pragma GCC unroll 16
    for (int i = 0; i < L; ++i) {
      if (past_caches) {
        stream(dst + i * dst_ld, v[i]);
      } else {
        store(dst + i * dst_ld, v[i]);
      }
    }
  }
};

// A block as wide and as high as a line of the cache is long, past the caches: line by
// line, for a line that is left before it is full costs twice.
template <class Word>
FL_INLINE void stream_block(Word* dst, int64_t dst_ld, const Word* src,
                            int64_t src_ld) {
  constexpr int L = Square<Word>::L;
  constexpr int kLine = 64 / static_cast<int>(sizeof(Word));
  if constexpr (L == kLine) {
    Square<Word>::run(dst, dst_ld, src, src_ld, true);
  } else {
    alignas(64) Word block[kLine * kLine];
    for (int c = 0; c < kLine; c += L) {
      for (int r = 0; r < kLine; r += L) {
        Square<Word>::run(block + r * kLine + c, kLine, src + c * src_ld + r, src_ld,
                          false);
      }
    }
    for (int r = 0; r < kLine; ++r) {
      for (int c = 0; c < kLine; c += L) {
        stream(dst + r * dst_ld + c, load<Vec<Word>>(block + r * kLine + c));
      }
    }
  }
}

// The same for rows of the result that lie whole pages apart, which memory is slow to
// write a line of each in turn: several lines of a row together, by way of a buffer.
template <class Word>
void stream_pages(Word* dst, int64_t dst_ld, const Word* src, int64_t src_ld,
                  int64_t rows, int64_t cols) {
  constexpr int kSize = sizeof(Word), kLine = 64 / kSize, L = Square<Word>::L;
  constexpr int64_t kHigh = 1024 / kSize, kRoom = 65536 / kSize;
  // Rows of the buffer are a little longer, to lie in different places of the cache.
  constexpr int64_t kGap = 32 / kSize;
  alignas(64) Word buffer[kRoom + kHigh * kGap];
  const int64_t height = std::min(rows, kHigh);
  const int64_t width = std::min(cols, kRoom / height / kLine * kLine);
  for (int64_t r = 0; r < rows; r += height) {
    const int64_t h = std::min(height, rows - r);
    for (int64_t c = 0; c < cols; c += width) {
      const int64_t w = std::min(width, cols - c);
      for (int64_t j = 0; j < w; j += L) {
        for (int64_t i = 0; i < h; i += L) {
          Square<Word>::run(buffer + i * (width + kGap) + j, width + kGap,
                            src + (c + j) * src_ld + r + i, src_ld, false);
        }
      }
      for (int64_t i = 0; i < h; ++i) {
        stream_copy(dst + (r + i) * dst_ld + c, buffer + i * (width + kGap), w * kSize);
      }
    }
  }
}

// In whole squares of S; the edges are left to the caller.
template <int S, class Word, class F>
FL_INLINE void each_square(Word* dst, int64_t dst_ld, const Word* src, int64_t src_ld,
                           int64_t rows, int64_t cols, bool columns_first, F&& f) {
  if (columns_first) {
    for (int64_t c = 0; c + S <= cols; c += S) {
      for (int64_t r = 0; r + S <= rows; r += S) {
        f(dst + r * dst_ld + c, src + c * src_ld + r);
      }
    }
    return;
  }
  for (int64_t r = 0; r + S <= rows; r += S) {
    for (int64_t c = 0; c + S <= cols; c += S) {
      f(dst + r * dst_ld + c, src + c * src_ld + r);
    }
  }
}

template <class Word>
void transpose_squares(void* dst, int64_t dst_ld, const void* src, int64_t src_ld,
                       int64_t rows, int64_t cols, bool past) {
  constexpr int kSize = sizeof(Word), kLine = 64 / kSize, L = Square<Word>::L;
  auto* out = static_cast<Word*>(dst);
  const auto* in = static_cast<const Word*>(src);
  past = past && std::min(rows, cols) >= kLine &&
         (reinterpret_cast<uintptr_t>(dst) | (dst_ld * kSize)) % 64 == 0;
  const int64_t side = past ? kLine : L;
  const int64_t whole_rows = rows / side * side, whole_cols = cols / side * side;
  if (past && dst_ld * kSize % 4096 == 0 && kWidth < 64) {
    stream_pages(out, dst_ld, in, src_ld, whole_rows, whole_cols);
  } else if (past) {
    // Along the lines of the source, which the processor fetches ahead.
    each_square<kLine>(
        out, dst_ld, in, src_ld, rows, cols, true,
        [=](Word* to, const Word* from) { stream_block(to, dst_ld, from, src_ld); });
  } else {
    // Rows of the result that are pages apart fall on the same places of the cache.
    each_square<L>(out, dst_ld, in, src_ld, rows, cols, dst_ld * kSize < 4096,
                   [=](Word* to, const Word* from) {
                     Square<Word>::run(to, dst_ld, from, src_ld, false);
                   });
  }
  if (whole_cols < cols) {
    transpose_words<Word>(out + whole_cols, dst_ld, in + whole_cols * src_ld, src_ld,
                          whole_rows, cols - whole_cols);
  }
  transpose_words<Word>(out + whole_rows * dst_ld, dst_ld, in + whole_rows, src_ld,
                        rows - whole_rows, cols);
}

template <class Half>
void widen_all(float* dst, const uint16_t* src, int64_t n, bool past) {
  constexpr int N = kWidth / 4;
  int64_t i = 0;
#pragma GCC unroll 2
  for (; i + N <= n; i += N) {
    const auto v = widen<N>(load<Vec<uint16_t, N>>(src + i), Half{});
    past ? stream(dst + i, v) : store(dst + i, v);
  }
  if (i < n) {
    const int rest = static_cast<int>(n - i);
    store_some(dst + i, widen<N>(load_some<Vec<uint16_t, N>>(src + i, rest), Half{}),
               rest);
  }
}

template <class Half>
void narrow_all(uint16_t* dst, const float* src, int64_t n, bool past) {
  constexpr int N = kWidth / 4;
  const auto two = [src](int64_t i) {
    using V = Vec<float, N>;
    const V a = load<V>(src + i), b = load<V>(src + i + N);
#if !defined(__AVX512F__)
    if constexpr (std::is_same_v<Half, bfloat16>) {
      return (Vec<uint16_t>)pack_halves(round_bfloat16(a), round_bfloat16(b));
    }
#endif
    return join(narrow<N>(a, Half{}), narrow<N>(b, Half{}));
  };
  int64_t i = 0;
  for (; i + 2 * N <= n; i += 2 * N) {
    past ? stream(dst + i, two(i)) : store(dst + i, two(i));
  }
  for (; i < n; i += N) {
    const int rest = static_cast<int>(std::min<int64_t>(N, n - i));
    const auto v = rest == N ? load<Vec<float, N>>(src + i)
                             : load_some<Vec<float, N>>(src + i, rest);
    const auto h = narrow<N>(v, Half{});
    rest == N ? store(dst + i, h) : store_some(dst + i, h, rest);
  }
}

}  // namespace

void gather_strided(int size, void* dst, const void* src, int64_t stride, int64_t n) {
  const char* in = static_cast<const char*>(src);
  if (stride == size) {
    std::memcpy(dst, src, n * size);
    return;
  }
  if (stride == -size && size <= 8) return reverse_copy(size, dst, src, n, false);
  switch (size) {
    case 1:
      return gather_words<uint8_t>(dst, in, stride, n);
    case 2:
      return gather_words<uint16_t>(dst, in, stride, n);
    case 4:
      return gather_words<uint32_t>(dst, in, stride, n);
    case 8:
      return gather_words<uint64_t>(dst, in, stride, n);
    default:
      return gather_words<Wide>(dst, in, stride, n);
  }
}

void reverse_copy(int size, void* dst, const void* src, int64_t n, bool stream) {
  switch (size) {
    case 1:
      return reverse_any<uint8_t>(dst, src, n, stream);
    case 2:
      return reverse_any<uint16_t>(dst, src, n, stream);
    case 4:
      return reverse_any<uint32_t>(dst, src, n, stream);
    default:
      return reverse_any<uint64_t>(dst, src, n, stream);
  }
}

void scatter_strided(int size, void* dst, int64_t stride, const void* src, int64_t n) {
  char* out = static_cast<char*>(dst);
  if (stride == size) {
    std::memcpy(dst, src, n * size);
    return;
  }
  switch (size) {
    case 1:
      return scatter_words<uint8_t>(out, stride, src, n);
    case 2:
      return scatter_words<uint16_t>(out, stride, src, n);
    case 4:
      return scatter_words<uint32_t>(out, stride, src, n);
    case 8:
      return scatter_words<uint64_t>(out, stride, src, n);
    default:
      return scatter_words<Wide>(out, stride, src, n);
  }
}

void transpose(int size, void* dst, int64_t dst_ld, const void* src, int64_t src_ld,
               int64_t rows, int64_t cols, bool stream) {
  switch (size) {
    case 1:
      return transpose_words<uint8_t>(dst, dst_ld, src, src_ld, rows, cols);
    case 2:
      return transpose_words<uint16_t>(dst, dst_ld, src, src_ld, rows, cols);
    case 4:
      return transpose_squares<uint32_t>(dst, dst_ld, src, src_ld, rows, cols, stream);
    case 8:
      return transpose_squares<uint64_t>(dst, dst_ld, src, src_ld, rows, cols, stream);
    default:
      return transpose_words<Wide>(dst, dst_ld, src, src_ld, rows, cols);
  }
}

void stream_copy(void* dst, const void* src, int64_t bytes) {
  auto* out = static_cast<char*>(dst);
  const auto* in = static_cast<const char*>(src);
  using V = Vec<uint8_t>;
  const int64_t head =
      std::min<int64_t>(bytes, (-reinterpret_cast<intptr_t>(out)) & (kWidth - 1));
  std::memcpy(out, in, head);
  int64_t i = head;
  // A line at a time: with more loads before their stores, a Zen 3 copies a third less.
  for (; i + 64 <= bytes; i += 64) {
    V v[64 / kWidth];
    for (int k = 0; k < 64 / kWidth; ++k) v[k] = load<V>(in + i + k * kWidth);
    for (int k = 0; k < 64 / kWidth; ++k) stream(out + i + k * kWidth, v[k]);
  }
  std::memcpy(out + i, in + i, bytes - i);
}

void stream_fence() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

void widen_row(int dtype, float* dst, const void* src, int64_t n, bool past) {
  const auto* in = static_cast<const uint16_t*>(src);
  if (dtype == FL_FLOAT16) return widen_all<float16>(dst, in, n, past);
  widen_all<bfloat16>(dst, in, n, past);
}

void narrow_row(int dtype, void* dst, const float* src, int64_t n, bool past) {
  auto* out = static_cast<uint16_t*>(dst);
  if (dtype == FL_FLOAT16) return narrow_all<float16>(out, src, n, past);
  narrow_all<bfloat16>(out, src, n, past);
}

}  // namespace FL_ISA
