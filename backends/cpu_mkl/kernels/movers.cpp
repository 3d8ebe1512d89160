// Moving elements about: strided gathers, transposed tiles, half-precision conversion,
// stores past the caches.
#include <algorithm>

#include "loops.h"

namespace FL_ISA {
namespace {

struct Wide {
  uint64_t low, high;
};

// Elements in reverse order, a vector at a time; what is left is done by the caller.
template <class Word>
int64_t reverse_words(Word* out, const char* src, int64_t n) {
  using V = Vec<Word>;
  constexpr int N = lanes_of<V>;
  Mask<V> backwards;
  for (int i = 0; i < N; ++i) backwards[i] = N - 1 - i;
  int64_t i = 0;
  for (; i + N <= n; i += N) {
    const char* from = src - (i + N - 1) * static_cast<int64_t>(sizeof(Word));
    store(out + i, __builtin_shuffle(load<V>(from), backwards));
  }
  return i;
}

template <class Word>
void gather_words(void* dst, const char* src, int64_t stride, int64_t n) {
  auto* out = static_cast<Word*>(dst);
  if constexpr (sizeof(Word) <= 8) {
    if (stride == -static_cast<int64_t>(sizeof(Word))) {
      const int64_t done = reverse_words(out, src, n);
      out += done;
      src += done * stride;
      n -= done;
    }
  }
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

// Stores a whole aligned line past the caches, where vectors are that long.
template <class V>
FL_INLINE void stream_vector(void* p, V v) {
#if defined(__AVX512F__)
  _mm512_stream_si512(static_cast<__m512i*>(p), __m512i(v));
#else
  store(p, v);
#endif
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
        stream_vector(dst + i * dst_ld, v[i]);
      } else {
        store(dst + i * dst_ld, v[i]);
      }
    }
  }
};

template <class Word>
void transpose_squares(void* dst, int64_t dst_ld, const void* src, int64_t src_ld,
                       int64_t rows, int64_t cols, bool stream) {
  constexpr int64_t L = Square<Word>::L;
  auto* out = static_cast<Word*>(dst);
  const bool aligned =
      (reinterpret_cast<uintptr_t>(dst) | (dst_ld * sizeof(Word))) % 64 == 0;
  const bool past = stream && aligned && kWidth == 64;
  const auto* in = static_cast<const Word*>(src);
  const int64_t whole_rows = rows / L * L, whole_cols = cols / L * L;
  for (int64_t r = 0; r < whole_rows; r += L) {
    for (int64_t c = 0; c < whole_cols; c += L) {
      Square<Word>::run(out + r * dst_ld + c, dst_ld, in + c * src_ld + r, src_ld,
                        past);
    }
  }
  if (whole_cols < cols) {
    transpose_words<Word>(out + whole_cols, dst_ld, in + whole_cols * src_ld, src_ld,
                          whole_rows, cols - whole_cols);
  }
  transpose_words<Word>(out + whole_rows * dst_ld, dst_ld, in + whole_rows, src_ld,
                        rows - whole_rows, cols);
}

template <class Half>
void widen_all(float* dst, const uint16_t* src, int64_t n) {
  constexpr int N = kWidth / 4;
  int64_t i = 0;
  for (; i + N <= n; i += N) {
    store(dst + i, widen<N>(load<Vec<uint16_t, N>>(src + i), Half{}));
  }
  if (i < n) {
    const int rest = static_cast<int>(n - i);
    store_some(dst + i, widen<N>(load_some<Vec<uint16_t, N>>(src + i, rest), Half{}),
               rest);
  }
}

template <class Half>
void narrow_all(uint16_t* dst, const float* src, int64_t n) {
  constexpr int N = kWidth / 4;
  int64_t i = 0;
  for (; i + N <= n; i += N) {
    store(dst + i, narrow<N>(load<Vec<float, N>>(src + i), Half{}));
  }
  if (i < n) {
    const int rest = static_cast<int>(n - i);
    store_some(dst + i, narrow<N>(load_some<Vec<float, N>>(src + i, rest), Half{}),
               rest);
  }
}

}  // namespace

void gather_strided(int size, void* dst, const void* src, int64_t stride, int64_t n) {
  const char* in = static_cast<const char*>(src);
  if (stride == size) {
    std::memcpy(dst, src, n * size);
    return;
  }
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
#if defined(__x86_64__)
  const int64_t head =
      std::min<int64_t>(bytes, (-reinterpret_cast<intptr_t>(out)) & (kWidth - 1));
  std::memcpy(out, in, head);
  int64_t i = head;
  for (; i + kWidth <= bytes; i += kWidth) {
#if defined(__AVX512F__)
    _mm512_stream_si512(reinterpret_cast<__m512i*>(out + i),
                        _mm512_loadu_si512(in + i));
#elif defined(__AVX2__)
    _mm256_stream_si256(reinterpret_cast<__m256i*>(out + i),
                        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + i)));
#else
    _mm_stream_si128(reinterpret_cast<__m128i*>(out + i),
                     _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + i)));
#endif
  }
  std::memcpy(out + i, in + i, bytes - i);
#else
  std::memcpy(out, in, bytes);
#endif
}

void stream_fence() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

void widen_row(int dtype, float* dst, const void* src, int64_t n) {
  const auto* in = static_cast<const uint16_t*>(src);
  if (dtype == FL_FLOAT16) return widen_all<float16>(dst, in, n);
  widen_all<bfloat16>(dst, in, n);
}

void narrow_row(int dtype, void* dst, const float* src, int64_t n) {
  auto* out = static_cast<uint16_t*>(dst);
  if (dtype == FL_FLOAT16) return narrow_all<float16>(out, src, n);
  narrow_all<bfloat16>(out, src, n);
}

}  // namespace FL_ISA
