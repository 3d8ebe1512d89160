// `nonzero`, `count_nonzero`, `masked_select` and `masked_scatter`: selection by masks.

#include <algorithm>
#include <atomic>
#include <bit>

#include "elements.h"
#include "masks.h"
#include "registry.h"
#include "threads.h"
#include "walk.h"

namespace FL_ISA {
namespace {

// Appends base + (positions of set bits) to out, which has room for `room` more
// numbers.
inline int64_t append_positions(uint64_t mask, int64_t base, int64_t* out,
                                int64_t room) {
  const int64_t count = std::popcount(mask);
#if defined(__AVX512F__)
  if (room >= count + 8) {
    __m512i at = _mm512_add_epi64(_mm512_set1_epi64(base),
                                  _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0));
    for (; mask != 0; mask >>= 8) {
      const auto some = static_cast<__mmask8>(mask);
      _mm512_storeu_si512(out, _mm512_maskz_compress_epi64(some, at));
      out += std::popcount(static_cast<unsigned>(some));
      at = _mm512_add_epi64(at, _mm512_set1_epi64(8));
    }
    return count;
  }
#elif defined(__AVX2__)
  if (count > kFewBits && room >= count + 8) {
    for (; mask != 0; mask >>= 8, base += 8) {
      const auto& bits = kSetBits[mask & 0xFF];
      const __m256i start = _mm256_set1_epi64x(base);
      for (int half = 0; half < 8; half += 4) {
        const __m256i at = _mm256_cvtepu8_epi64(_mm_loadu_si32(bits.data() + half));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + half),
                            _mm256_add_epi64(start, at));
      }
      out += std::popcount(mask & 0xFF);
    }
    return count;
  }
#endif
  (void)room;
  each_bit(mask, [&](int i) { *out++ = base + i; });
  return count;
}

template <class T>
void nonzero_flat(const T* x, int64_t stride, int64_t n, int64_t* out, int64_t room) {
  for (int64_t i = 0; i < n && room > 0; i += kMaskBits) {
    const uint64_t mask =
        nonzero_bits(x + i * stride, stride, std::min(kMaskBits, n - i));
    const int64_t count = append_positions(mask, i, out, room);
    out += count;
    room -= count;
  }
}

// Coordinates: the outer ones are those of the row.
template <class T>
void nonzero_rows(const fl_tensor& a, const fl_tensor& out) {
  const int last = a.ndim - 1;
  const int64_t n = a.sizes[last], stride = a.strides[last];
  int64_t* to = data_of<int64_t>(out);
  int64_t at[kMaxDims] = {};
  for (int64_t row = 0; row < a.numel / n; row++) {
    const T* x = data_of<const T>(a);
    for (int d = 0; d < last; d++) x += at[d] * a.strides[d];
    for (int64_t i = 0; i < n; i += kMaskBits) {
      const int64_t m = std::min(kMaskBits, n - i);
      each_bit(nonzero_bits(x + i * stride, stride, m), [&](int bit) {
        for (int d = 0; d < last; d++) to[d * out.strides[1]] = at[d];
        to[last * out.strides[1]] = i + bit;
        to += out.strides[0];
      });
    }
    for (int d = last - 1; d >= 0 && ++at[d] == a.sizes[d]; d--) at[d] = 0;
  }
}

fl_status nonzero(const fl_call* call) {
  const fl_tensor &a = call->in[0], &out = call->out[0];
  if (out.numel == 0) return FL_OK;
  if (a.ndim > kMaxDims) return FL_UNSUPPORTED;
  return for_dtype<kAll>(a.dtype, [&]<class T>(Type<T>) {
    if (a.ndim == 1 && out.strides[0] == 1) {
      nonzero_flat(data_of<const T>(a), a.strides[0], a.numel, data_of<int64_t>(out),
                   out.sizes[0]);
    } else {
      nonzero_rows<T>(a, out);
    }
    return FL_OK;
  });
}

// ---- counting --------------------------------------------------------------------

template <class T>
int64_t count_row(const T* x, int64_t stride, int64_t n) {
  int64_t total = 0;
  if (stride == 1) {
    // Short counts in blocks, for the sake of vectors of them.
    for (int64_t i = 0; i < n; i += 1 << 16) {
      uint32_t some = 0;
      const int64_t m = std::min<int64_t>(1 << 16, n - i);
      for (int64_t j = 0; j < m; j++) some += is_nonzero(x[i + j]);
      total += some;
    }
  } else {
    for (int64_t i = 0; i < n; i++) total += is_nonzero(x[i * stride]);
  }
  return total;
}

fl_status count_nonzero(const fl_call* call) {
  const fl_tensor& a = call->in[0];
  std::atomic<int64_t> total{0};
  if (a.ndim > kMaxDims) return FL_UNSUPPORTED;
  const auto status = for_dtype<kAll>(a.dtype, [&]<class T>(Type<T>) {
    if (a.numel == 0) return FL_OK;
    Walk walk(a);
    walk.add(a);
    walk.plan(a.strides);
    const T* x = data_of<const T>(a);
    const int64_t n = walk.inner_size(), stride = walk.inner_stride(0);
    if (walk.rows() == 1) {
      parallel_for(n, 1 << 18, [&](int64_t begin, int64_t end) {
        total += count_row(x + begin * stride, stride, end - begin);
      });
      return FL_OK;
    }
    parallel_for(walk.rows(), std::max<int64_t>(1, (1 << 17) / n),
                 [&](int64_t begin, int64_t end) {
                   int64_t some = 0;
                   walk.each(begin, end, [&](const int64_t* at) {
                     some += count_row(x + at[0], stride, n);
                   });
                   total += some;
                 });
    return FL_OK;
  });
  *data_of<int64_t>(call->out[0]) = total;
  return status;
}

// ---- masks -----------------------------------------------------------------------

// Appends the elements of n <= kMaskBits of x whose bits are set to out, which has room
// for `room` more.
template <class T>
inline void append_elements(const T* x, int64_t stride, int64_t n, uint64_t mask,
                            T* out, int64_t room) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    if (stride == 1 && room >= kMaskBits) {
      for (; mask != 0; mask >>= 16, x += 16) {
        const auto some = static_cast<__mmask16>(mask);
        const __m512i v = _mm512_maskz_loadu_epi32(some, x);
        _mm512_storeu_si512(out, _mm512_maskz_compress_epi32(some, v));
        out += std::popcount(static_cast<unsigned>(some));
      }
      return;
    }
  } else if constexpr (sizeof(T) == 8) {
    if (stride == 1 && room >= kMaskBits) {
      for (; mask != 0; mask >>= 8, x += 8) {
        const auto some = static_cast<__mmask8>(mask);
        const __m512i v = _mm512_maskz_loadu_epi64(some, x);
        _mm512_storeu_si512(out, _mm512_maskz_compress_epi64(some, v));
        out += std::popcount(static_cast<unsigned>(some));
      }
      return;
    }
  }
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4) {
    if (stride == 1 && n == kMaskBits && room >= kMaskBits &&
        std::popcount(mask) > kFewBits) {
      for (; mask != 0; mask >>= 8, x += 8) {
        const __m256i from = _mm256_cvtepu8_epi32(
            _mm_loadl_epi64(reinterpret_cast<const __m128i*>(&kSetBits[mask & 0xFF])));
        const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                            _mm256_permutevar8x32_epi32(v, from));
        out += std::popcount(mask & 0xFF);
      }
      return;
    }
  }
#endif
  (void)room;
  (void)n;
  each_bit(mask, [&](int i) { *out++ = x[i * stride]; });
}

fl_status masked_select(const fl_call* call) {
  const fl_tensor &a = call->in[0], &mask = call->in[1], &out = call->out[0];
  if (out.numel == 0) return FL_OK;
  if (a.ndim > kMaxDims) return FL_UNSUPPORTED;
  Walk walk(a);
  walk.add(a);
  walk.add(mask);
  walk.plan(nullptr);
  const int64_t n = walk.inner_size();
  const int64_t step = walk.inner_stride(0), mask_step = walk.inner_stride(1);
  const int64_t out_step = out.ndim == 0 ? 1 : out.strides[0];
  return for_bits(a.dtype, [&]<class T>(Type<T>) {
    T* to = data_of<T>(out);
    int64_t room = out.numel;
    walk.each(0, walk.rows(), [&](const int64_t* at) {
      const T* x = data_of<const T>(a) + at[0];
      const boolean* m = data_of<const boolean>(mask) + at[1];
      for (int64_t i = 0; i < n; i += kMaskBits) {
        const int64_t some = std::min(kMaskBits, n - i);
        const uint64_t bits = nonzero_bits(m + i * mask_step, mask_step, some);
        if (out_step == 1) {
          append_elements(x + i * step, step, some, bits, to, room);
          to += std::popcount(bits);
        } else {
          each_bit(bits, [&](int bit) {
            *to = x[(i + bit) * step];
            to += out_step;
          });
        }
        room -= std::popcount(bits);
      }
    });
    return FL_OK;
  });
}

fl_status masked_scatter(const fl_call* call) {
  const fl_tensor &mask = call->in[0], &source = call->in[1], &out = call->out[0];
  if (out.numel == 0) return FL_OK;
  if (out.ndim > kMaxDims) return FL_UNSUPPORTED;
  Walk walk(out);
  walk.add(out);
  walk.add(mask);
  walk.plan(nullptr);
  const int64_t n = walk.inner_size();
  const int64_t step = walk.inner_stride(0), mask_step = walk.inner_stride(1);
  return for_bits(out.dtype, [&]<class T>(Type<T>) {
    const T* from = data_of<const T>(source);
    int64_t left = source.numel;
    walk.each(0, walk.rows(), [&](const int64_t* at) {
      T* y = data_of<T>(out) + at[0];
      const boolean* m = data_of<const boolean>(mask) + at[1];
      for (int64_t i = 0; i < n && left >= 0; i += kMaskBits) {
        const uint64_t bits =
            nonzero_bits(m + i * mask_step, mask_step, std::min(kMaskBits, n - i));
        left -= std::popcount(bits);
        if (left >= 0) each_bit(bits, [&](int bit) { y[(i + bit) * step] = *from++; });
      }
    });
    if (left >= 0) return FL_OK;
    return fail(call,
                "masked_scatter: expected as many elements of source as the mask "
                "selects, got fewer");
  });
}

}  // namespace

FL_FAMILY(masked, {"nonzero", nonzero, kAll}, {"count_nonzero", count_nonzero, kAll},
          {"masked_select", masked_select, kAll},
          {"masked_scatter", masked_scatter, kAll});

}  // namespace FL_ISA
