// Products of matrices as kernels call them: a library's where that is worth it, else
// our own; split over the threads; for every data type.
#pragma once

#include <type_traits>

#include "dtypes.h"
#include "gemm.h"
#include "product.h"
#include "threads.h"

namespace FL_ISA {

// The type in which products of T are summed. Integers wrap around.
template <class T>
using Sum = std::conditional_t<std::is_integral_v<T>,
                               std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>,
                               Compute<T>>;

// Fills in a leading dimension and whether that is of the transpose; false where the
// strides are none that a library knows.
template <class T>
bool blas_layout(View<T> v, int64_t rows, int64_t cols, int64_t* ld, bool* transposed) {
  if ((v.cs == 1 || cols == 1) && (v.rs >= cols || rows == 1)) {
    *transposed = false;
    *ld = rows == 1 ? cols : v.rs;
    return true;
  }
  *transposed = true;
  *ld = cols == 1 ? rows : v.cs;
  return (v.rs == 1 || rows == 1) && *ld >= rows;
}

template <class T>
bool run_library(const gemm::Problem& p) {
  if constexpr (std::is_same_v<T, float>) return gemm::run_float(p);
  if constexpr (std::is_same_v<T, double>) return gemm::run_double(p);
  if constexpr (std::is_same_v<T, bfloat16>) return gemm::run_bfloat16(p);
  if constexpr (std::is_same_v<T, float16>) return gemm::run_float16(p);
  if constexpr (std::is_same_v<T, complex64>) return gemm::run_complex64(p);
  if constexpr (std::is_same_v<T, complex128>) return gemm::run_complex128(p);
  return false;
}

template <class T>
bool describe(gemm::Problem* p, int64_t m, int64_t n, int64_t k, View<T> a, View<T> b,
              T* c, int64_t crs) {
  *p = {};
  p->m = m, p->n = n, p->k = k;
  p->a = a.data, p->b = b.data, p->c = c;
  p->ldc = m == 1 ? n : crs;
  p->alpha[0] = 1;
  return p->ldc >= n && k > 0 && blas_layout(a, m, k, &p->lda, &p->ta) &&
         blas_layout(b, k, n, &p->ldb, &p->tb);
}

// A library knows no bias and no relu: rows of c start as the bias, or are mended
// after.
template <class T>
bool library_product(int64_t m, int64_t n, int64_t k, View<T> a, View<T> b, T* c,
                     int64_t crs, const Epilogue<T>& e) {
  gemm::Problem p;
  if (m * n * k < 32 * 32 * 32 || !describe(&p, m, n, k, a, b, c, crs)) return false;
  if (std::is_same_v<T, float> && !gemm::float_is_worth(m, n, k)) return false;
  p.alpha[0] = double(e.alpha);
  const bool start = (e.bias || e.row_bias) && !e.accumulate;
  p.beta[0] = e.accumulate || start ? 1 : 0;
  if (start)
    for (int64_t i = 0; i < m; ++i) {
      T* row = c + i * crs;
      const T add = e.row_bias ? e.row_bias[i] : T(0);
      if (e.bias)
        for (int64_t j = 0; j < n; ++j) row[j] = e.bias[j] + add;
      else
        std::fill_n(row, n, add);
    }
  if (!run_library<T>(p)) return false;
  const bool late = (e.bias || e.row_bias) && e.accumulate;
  if (late || e.relu)
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j) {
        T v = c[i * crs + j];
        if (late)
          v += (e.bias ? e.bias[j] : T(0)) + (e.row_bias ? e.row_bias[i] : T(0));
        c[i * crs + j] = e.relu && v < T(0) ? T(0) : v;
      }
  return true;
}

// On this thread.
template <class T, class S>
bool multiply_here(int64_t m, int64_t n, int64_t k, View<S> a, View<S> b, T* c,
                   int64_t crs, const Epilogue<T>& e) {
  if constexpr (std::is_same_v<T, S> && std::is_floating_point_v<T>)
    if (library_product<T>(m, n, k, a, b, c, crs, e)) return true;
  return product<T, S>(m, n, k, a, b, c, crs, e);
}

// Multiplications that take some 20 us.
constexpr int64_t kInlineWork = int64_t{1} << (kWidth == 64 ? 21 : 20);

// c[m, n] = epilogue(a[m, k] b[k, n]), over the threads; a part takes whole tiles of
// the longer side of c. False: no memory.
template <class T, class S>
bool multiply(int64_t m, int64_t n, int64_t k, View<S> a, View<S> b, T* c, int64_t crs,
              const Epilogue<T>& e) {
  const int64_t parts = threads::count();
  if (parts == 1 || m * n * k <= kInlineWork)
    return multiply_here<T, S>(m, n, k, a, b, c, crs, e);
  const bool by_rows = m > n;
  const int64_t unit = by_rows ? kTileRows<T> : kTileCols<T>;
  const int64_t units = ceil_div(by_rows ? m : n, unit);
  bool ok = true;
  parallel_for(units, ceil_div(units, parts), [&](int64_t begin, int64_t end) {
    const int64_t from = begin * unit, to = std::min(end * unit, by_rows ? m : n);
    Epilogue<T> here = e;
    bool done;
    if (by_rows) {
      if (e.row_bias) here.row_bias += from;
      done = multiply_here<T, S>(to - from, n, k, a.at(from, 0), b, c + from * crs, crs,
                                 here);
    } else {
      if (e.bias) here.bias += from;
      done =
          multiply_here<T, S>(m, to - from, k, a, b.at(0, from), c + from, crs, here);
    }
    if (!done) __atomic_store_n(&ok, false, __ATOMIC_RELAXED);
  });
  return ok;
}

}  // namespace FL_ISA
