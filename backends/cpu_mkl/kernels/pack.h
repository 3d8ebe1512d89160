// Packing of matrices into the panels that tiles read.
#pragma once

#include <algorithm>

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
// Writes the transpose of the 8 by 8 block at `at` of eight rows to dst (rows `ds`).
FL_INLINE void transpose_block(const float* const (&rows)[8], int64_t at, float* dst,
                               int64_t ds) {
  __m256 r[8], t[8];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    // Halves of rows i and i + 4 together: what is left are shuffles within halves.
    const float *a = rows[i] + at, *b = rows[i + 4] + at;
    r[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(a)),
                                _mm_loadu_ps(b), 1);
    r[i + 4] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(a + 4)),
                                    _mm_loadu_ps(b + 4), 1);
  }
#pragma GCC unroll 2
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
FL_INLINE void transpose_block(const double* const (&rows)[4], int64_t at, double* dst,
                               int64_t ds) {
  __m256d r[4];
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    const double *a = rows[i] + at, *b = rows[i + 2] + at;
    r[i] = _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(a)),
                                _mm_loadu_pd(b), 1);
    r[i + 2] = _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(a + 2)),
                                    _mm_loadu_pd(b + 2), 1);
  }
#pragma GCC unroll 2
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

// Rows contiguous along k, whole blocks of them at a time: slots of a block beyond the
// last row repeat it. Returns the slots that are written.
template <class T>
int pack_transposed(T* __restrict dst, int slots, int rows, int64_t k, View<T> src) {
  int i0 = 0;
  if constexpr (kTransposeBlock<T> > 0) {
    constexpr int B = kTransposeBlock<T>;
    for (; i0 < rows && i0 + B <= slots; i0 += B) {
      const T* from[B];
      for (int i = 0; i < B; ++i)
        from[i] = src.data + std::min(i0 + i, rows - 1) * src.rs;
      int64_t p = 0;
      for (; p + B <= k; p += B) transpose_block(from, p, dst + p * slots + i0, slots);
      for (; p < k; ++p)
        for (int i = 0; i < B; ++i) dst[p * slots + i0 + i] = from[i][p];
    }
  }
  return i0;
}

// Columns of rows, a vector at a time. Returns the slots that are written.
template <class T>
int pack_vectors(T* __restrict dst, int slots, int rows, int64_t k, View<T> src) {
  constexpr int L = kLanes<T>;
  const int whole = rows / L * L, left = rows - whole;
  for (int64_t p = 0; p < k; ++p, dst += slots) {
    const T* from = src.data + p * src.cs;
    for (int i = 0; i < whole; i += L) store(dst + i, load<Vec<T>>(from + i));
    if (left > 0) store(dst + whole, load_some<Vec<T>>(from + whole, left));
  }
  return whole + (left > 0 ? L : 0);
}

// Packs `rows` rows of k values so that dst[p * slots + i] = src(i, p); what lies in
// the slots beyond them is finite where src is.
template <class T>
void pack(T* __restrict dst, int slots, int rows, int64_t k, View<T> src) {
  int i0 = 0;
  if (src.cs == 1)
    i0 = pack_transposed(dst, slots, rows, k, src);
  else if (src.rs == 1 && slots % kLanes<T> == 0)
    i0 = pack_vectors(dst, slots, rows, k, src);
  for (; i0 < slots; ++i0) {
    const T* from = src.data + std::min(i0, rows - 1) * src.rs;
    for (int64_t p = 0; p < k; ++p) dst[p * slots + i0] = from[p * src.cs];
  }
}

// n contiguous halves as floats.
template <class S>
void widen_run(float* __restrict dst, const S* src, int64_t n) {
  constexpr int L = kLanes<float>;
  int64_t i = 0;
  for (; i + L <= n; i += L)
    store(dst + i, widen<L>(load<Vec<uint16_t, L>>(src + i), S{}));
  for (; i < n; ++i) dst[i] = read(src[i]);
}

// The same from a narrower type. Halves are widened a few steps of k at a time, in the
// order in which they lie.
template <class T, class S>
  requires(!std::is_same_v<T, S>)
void pack(T* __restrict dst, int slots, int rows, int64_t k, View<S> src) {
  if constexpr (std::is_same_v<Compute<S>, T>) {
    constexpr int64_t kSteps = 64;
    static_assert(kTileCols<T> >= kRowSlots<T>);
    T wide[kTileCols<T> * kSteps];  // no panel has more slots
    for (int64_t p = 0; p < k && (src.cs == 1 || src.rs == 1); p += kSteps) {
      const int64_t steps = std::min(kSteps, k - p);
      const bool along = src.cs == 1;
      const View<S> from = src.at(0, p);
      for (int64_t j = 0; j < (along ? rows : steps); ++j)
        widen_run(wide + j * (along ? kSteps : rows),
                  from.data + j * (along ? src.rs : src.cs), along ? steps : rows);
      const View<T> part = {wide, along ? kSteps : 1, along ? 1 : rows};
      pack(dst + p * slots, slots, rows, steps, part);
    }
    if (src.cs == 1 || src.rs == 1) return;
  }
  for (int i = 0; i < slots; ++i) {
    const S* from = src.data + std::min(i, rows - 1) * src.rs;
    for (int64_t p = 0; p < k; ++p) dst[p * slots + i] = T(read(from[p * src.cs]));
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
      const T* from[B];
      for (int q = 0; q < B; ++q) from[q] = src + (i + q) * srs;
      int64_t j = 0;
      for (; j + B <= cols; j += B) transpose_block(from, j, dst + j * drs + i, drs);
      for (; j < cols; ++j)
        for (int q = 0; q < B; ++q) dst[j * drs + i + q] = src[(i + q) * srs + j];
    }
  }
  for (; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j) dst[j * drs + i] = src[i * srs + j];
}

}  // namespace FL_ISA
