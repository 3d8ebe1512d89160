// Linear algebra on one row-major matrix, and Fourier transforms along one dimension:
// by MKL (mkl_lapack.cpp, mkl_fft.cpp), or by our own code where that is left out
// (portable*.cpp). T is float, double or a complex of either; R its real type. An int
// result is LAPACK's info: 0, or what failed.
#pragma once

#include <complex>
#include <cstdint>

namespace linalg {

template <class T>
struct RealOf {
  using type = T;
};
template <class R>
struct RealOf<std::complex<R>> {
  using type = R;
};
template <class T>
using Real = typename RealOf<T>::type;
template <class T>
using Complex = std::complex<Real<T>>;

// Threads that the library may use for the calls that follow on this thread.
void use_threads(int n);

// The factor takes the place of a's lower (upper) triangle; the other is left.
template <class T>
int cholesky(int64_t n, T* a, bool upper);
// Pivots count from 1.
template <class T>
int lu_factor(int64_t m, int64_t n, T* a, int32_t* pivots);
// adjoint: 0 none, 1 transposed, 2 adjoint. b [n, k] becomes x.
template <class T>
int lu_solve(int64_t n, int64_t k, const T* lu, const int32_t* pivots, T* b,
             int adjoint);
template <class T>
int inverse(int64_t n, T* a);
template <class T>
void triangular_solve(int64_t n, int64_t k, const T* a, T* b, bool upper, bool unit,
                      int transpose);
// q [m, columns] holds a's columns and is replaced; r [columns, n] gets the upper part.
// Columns is m (complete) or min(m, n).
template <class T>
int qr(int64_t m, int64_t n, const T* a, T* q, T* r, int64_t columns);
// a is destroyed; u [m, m or min], vh [n or min, n] may be null together.
template <class T>
int svd(int64_t m, int64_t n, T* a, Real<T>* s, T* u, T* vh, bool full);
// a becomes the eigenvectors, when these are wanted.
template <class T>
int eigh(int64_t n, T* a, Real<T>* w, bool vectors, bool upper);
// a is destroyed; v may be null.
template <class T>
int eig(int64_t n, T* a, Complex<T>* w, Complex<T>* v);
// b [max(m, n), k] becomes x in its first n rows.
template <class T>
int lstsq(int64_t m, int64_t n, int64_t k, T* a, T* b, Real<T>* s, int64_t* rank,
          Real<T> rcond);

// `count` transforms of length n: element i of transform j at i * stride + j *
// distance.
struct Lines {
  int64_t n, count;
  int64_t in_stride, in_distance, out_stride, out_distance;
};
// False: the library failed. c2c may be in place when the strides are equal.
template <class R>
bool fft_c2c(const Lines& l, const std::complex<R>* in, std::complex<R>* out,
             bool forward, double scale);
template <class R>
bool fft_r2c(const Lines& l, const R* in, std::complex<R>* out, double scale);
// n is the length of the real output; what lies in `in` may be changed.
template <class R>
bool fft_c2r(const Lines& l, std::complex<R>* in, R* out, double scale);

}  // namespace linalg
