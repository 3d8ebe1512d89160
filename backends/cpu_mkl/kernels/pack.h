// Packing of matrices into the panels that tiles read.
#pragma once

#include "tile.h"

namespace FL_ISA {

// A matrix in memory: element (i, j) at data[i * rs + j * cs].
template <class T>
struct View {
  const T* data;
  int64_t rs, cs;
  View<T> at(int64_t i, int64_t j) const { return {data + i * rs + j * cs, rs, cs}; }
  View<T> transposed() const { return {data, cs, rs}; }
};

#if defined(__AVX2__)
// Writes the transpose of the 8 by 8 block at src (rows `rs` apart) to dst (rows `ds`).
inline void transpose_block(const float* src, int64_t rs, float* dst, int64_t ds) {
  __m256 r[8], t[8];
  for (int i = 0; i < 4; ++i) {
    // Halves of rows i and i + 4 together: what is left are shuffles within halves.
    r[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(src + i * rs)),
                                _mm_loadu_ps(src + (i + 4) * rs), 1);
    r[i + 4] =
        _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(src + i * rs + 4)),
                             _mm_loadu_ps(src + (i + 4) * rs + 4), 1);
  }
  for (int h = 0; h < 8; h += 4) {
    t[h] = _mm256_unpacklo_ps(r[h], r[h + 1]);
    t[h + 1] = _mm256_unpackhi_ps(r[h], r[h + 1]);
    t[h + 2] = _mm256_unpacklo_ps(r[h + 2], r[h + 3]);
    t[h + 3] = _mm256_unpackhi_ps(r[h + 2], r[h + 3]);
    _mm256_storeu_ps(dst + h * ds, _mm256_shuffle_ps(t[h], t[h + 2], 0x44));
    _mm256_storeu_ps(dst + (h + 1) * ds, _mm256_shuffle_ps(t[h], t[h + 2], 0xee));
    _mm256_storeu_ps(dst + (h + 2) * ds, _mm256_shuffle_ps(t[h + 1], t[h + 3], 0x44));
    _mm256_storeu_ps(dst + (h + 3) * ds, _mm256_shuffle_ps(t[h + 1], t[h + 3], 0xee));
  }
}
inline void transpose_block(const double* src, int64_t rs, double* dst, int64_t ds) {
  __m256d r[4];
  for (int i = 0; i < 2; ++i) {
    r[i] = _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(src + i * rs)),
                                _mm_loadu_pd(src + (i + 2) * rs), 1);
    r[i + 2] =
        _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(src + i * rs + 2)),
                             _mm_loadu_pd(src + (i + 2) * rs + 2), 1);
  }
  for (int h = 0; h < 4; h += 2) {
    _mm256_storeu_pd(dst + h * ds, _mm256_unpacklo_pd(r[h], r[h + 1]));
    _mm256_storeu_pd(dst + (h + 1) * ds, _mm256_unpackhi_pd(r[h], r[h + 1]));
  }
}
template <class T>
constexpr int kTransposeBlock = std::is_same_v<T, float>    ? 8
                                : std::is_same_v<T, double> ? 4
                                                            : 0;
#else
template <class T>
constexpr int kTransposeBlock = 0;
#endif

// Packs `rows` rows of k values so that dst[p * slots + i] = src(i, p); slots beyond
// the rows become zero. S may be narrower than T.
template <class T, class S>
void pack(T* __restrict dst, int slots, int rows, int64_t k, View<S> src) {
  if (rows < slots) std::memset(dst, 0, size_t(k) * size_t(slots) * sizeof(T));
  int i0 = 0;
  if constexpr (std::is_same_v<S, T>) {
    if constexpr (kTransposeBlock<T> > 0) {
      constexpr int B = kTransposeBlock<T>;
      for (; src.cs == 1 && i0 + B <= rows; i0 += B) {
        const T* from = src.data + i0 * src.rs;
        int64_t p = 0;
        for (; p + B <= k; p += B)
          transpose_block(from + p, src.rs, dst + p * slots + i0, slots);
        for (; p < k; ++p)
          for (int i = 0; i < B; ++i) dst[p * slots + i0 + i] = from[i * src.rs + p];
      }
    }
    if (src.rs == 1 && src.cs != 1) {
      for (int64_t p = 0; p < k; ++p) {
        const T* from = src.data + p * src.cs;
        T* to = dst + p * slots;
        int i = 0;
        for (; i + kLanes<T> <= rows; i += kLanes<T>)
          store(to + i, load<Vec<T>>(from + i));
        if (i < rows)
          store_some(to + i, load_some<Vec<T>>(from + i, rows - i), rows - i);
      }
      return;
    }
  }
  for (; i0 < rows; ++i0) {
    const S* from = src.data + i0 * src.rs;
    for (int64_t p = 0; p < k; ++p) dst[p * slots + i0] = T(read(from[p * src.cs]));
  }
}

// dst(j, i) = src(i, j) for a [rows, cols] matrix, both with contiguous rows.
template <class T>
void transpose_matrix(int64_t rows, int64_t cols, const T* src, int64_t srs, T* dst,
                      int64_t drs) {
  int64_t i = 0;
  if constexpr (kTransposeBlock<T> > 0) {
    constexpr int B = kTransposeBlock<T>;
    for (; i + B <= rows; i += B) {
      int64_t j = 0;
      for (; j + B <= cols; j += B)
        transpose_block(src + i * srs + j, srs, dst + j * drs + i, drs);
      for (; j < cols; ++j)
        for (int q = 0; q < B; ++q) dst[j * drs + i + q] = src[(i + q) * srs + j];
    }
  }
  for (; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j) dst[j * drs + i] = src[i * srs + j];
}

}  // namespace FL_ISA
