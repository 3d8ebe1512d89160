// Every call into MKL's LAPACK.
#include <algorithm>
#include <complex>
#include <new>
#include <vector>

#define MKL_Complex8 std::complex<float>
#define MKL_Complex16 std::complex<double>
#include <mkl.h>

#include "linalg.h"

namespace linalg {
namespace {

// The routines of one type under one name.
template <class T>
struct Lapack;
#define FL_LAPACK(T, p, orthogonal, symmetric)                  \
  template <>                                                   \
  struct Lapack<T> {                                            \
    static constexpr auto potrf = LAPACKE_##p##potrf;           \
    static constexpr auto getrf = LAPACKE_##p##getrf;           \
    static constexpr auto getrs = LAPACKE_##p##getrs;           \
    static constexpr auto getri = LAPACKE_##p##getri;           \
    static constexpr auto geqrf = LAPACKE_##p##geqrf;           \
    static constexpr auto gesdd = LAPACKE_##p##gesdd;           \
    static constexpr auto geev = LAPACKE_##p##geev;             \
    static constexpr auto gelsd = LAPACKE_##p##gelsd;           \
    static constexpr auto orgqr = LAPACKE_##p##orthogonal##gqr; \
    static constexpr auto syevd = LAPACKE_##p##symmetric##evd;  \
  }
FL_LAPACK(float, s, or, sy);
FL_LAPACK(double, d, or, sy);
FL_LAPACK(std::complex<float>, c, un, he);
FL_LAPACK(std::complex<double>, z, un, he);
#undef FL_LAPACK

constexpr int kRow = LAPACK_ROW_MAJOR;
constexpr int kNoMemory = LAPACK_WORK_MEMORY_ERROR;

lapack_int li(int64_t n) { return lapack_int(n); }
// Leading dimensions are at least 1, also of empty matrices.
lapack_int ld(int64_t n) { return lapack_int(std::max<int64_t>(n, 1)); }

template <class T>
constexpr bool kComplex = !std::is_same_v<T, Real<T>>;

// Runs f, whose vectors may not find memory.
template <class F>
int guarded(F&& f) {
  try {
    return f();
  } catch (const std::bad_alloc&) {
    return kNoMemory;
  }
}

void trsm(CBLAS_UPLO u, CBLAS_TRANSPOSE t, CBLAS_DIAG d, int64_t n, int64_t k,
          const float* a, float* b) {
  cblas_strsm(CblasRowMajor, CblasLeft, u, t, d, li(n), li(k), 1.f, a, ld(n), b, ld(k));
}
void trsm(CBLAS_UPLO u, CBLAS_TRANSPOSE t, CBLAS_DIAG d, int64_t n, int64_t k,
          const double* a, double* b) {
  cblas_dtrsm(CblasRowMajor, CblasLeft, u, t, d, li(n), li(k), 1.0, a, ld(n), b, ld(k));
}
void trsm(CBLAS_UPLO u, CBLAS_TRANSPOSE t, CBLAS_DIAG d, int64_t n, int64_t k,
          const std::complex<float>* a, std::complex<float>* b) {
  const std::complex<float> one = 1;
  cblas_ctrsm(CblasRowMajor, CblasLeft, u, t, d, li(n), li(k), &one, a, ld(n), b,
              ld(k));
}
void trsm(CBLAS_UPLO u, CBLAS_TRANSPOSE t, CBLAS_DIAG d, int64_t n, int64_t k,
          const std::complex<double>* a, std::complex<double>* b) {
  const std::complex<double> one = 1;
  cblas_ztrsm(CblasRowMajor, CblasLeft, u, t, d, li(n), li(k), &one, a, ld(n), b,
              ld(k));
}

// A column of LAPACK's packed real eigenvectors: pairs are real and imaginary part.
template <class R>
void unpack_vectors(int64_t n, const R* packed, const R* imaginary,
                    std::complex<R>* v) {
  for (int64_t j = 0; j < n; ++j) {
    const bool pair = imaginary[j] != R(0) && j + 1 < n;
    for (int64_t i = 0; i < n; ++i) {
      const R re = packed[i * n + j], im = pair ? packed[i * n + j + 1] : R(0);
      v[i * n + j] = {re, im};
      if (pair) v[i * n + j + 1] = {re, -im};
    }
    if (pair) ++j;
  }
}

}  // namespace

void use_threads(int n) {
  mkl_set_num_threads_local(n);
  LAPACKE_set_nancheck(0);
}

template <class T>
int cholesky(int64_t n, T* a, bool upper) {
  return Lapack<T>::potrf(kRow, upper ? 'U' : 'L', li(n), a, ld(n));
}

template <class T>
int lu_factor(int64_t m, int64_t n, T* a, int32_t* pivots) {
  return Lapack<T>::getrf(kRow, li(m), li(n), a, ld(n), pivots);
}

template <class T>
int lu_solve(int64_t n, int64_t k, const T* lu, const int32_t* pivots, T* b,
             int adjoint) {
  return Lapack<T>::getrs(kRow, "NTC"[adjoint], li(n), li(k), lu, ld(n), pivots, b,
                          ld(k));
}

template <class T>
int inverse(int64_t n, T* a) {
  return guarded([&] {
    std::vector<lapack_int> pivots(size_t(n) + 1);
    const int info = Lapack<T>::getrf(kRow, li(n), li(n), a, ld(n), pivots.data());
    return info != 0 ? info : Lapack<T>::getri(kRow, li(n), a, ld(n), pivots.data());
  });
}

template <class T>
void triangular_solve(int64_t n, int64_t k, const T* a, T* b, bool upper, bool unit,
                      int transpose) {
  constexpr CBLAS_TRANSPOSE ops[] = {CblasNoTrans, CblasTrans, CblasConjTrans};
  trsm(upper ? CblasUpper : CblasLower, ops[transpose], unit ? CblasUnit : CblasNonUnit,
       n, k, a, b);
}

template <class T>
int qr(int64_t m, int64_t n, const T* a, T* q, T* r, int64_t columns) {
  return guarded([&] {
    const int64_t k = std::min(m, n);
    std::vector<T> work(a, a + m * n), tau(size_t(k) + 1);
    int info = Lapack<T>::geqrf(kRow, li(m), li(n), work.data(), ld(n), tau.data());
    if (info != 0) return info;
    for (int64_t i = 0; i < columns; ++i)
      for (int64_t j = 0; j < n; ++j)
        r[i * n + j] = j >= i ? work[size_t(i * n + j)] : T(0);
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < columns; ++j)
        q[i * columns + j] = j < k ? work[size_t(i * n + j)] : T(0);
    return int(
        Lapack<T>::orgqr(kRow, li(m), li(columns), li(k), q, ld(columns), tau.data()));
  });
}

template <class T>
int svd(int64_t m, int64_t n, T* a, Real<T>* s, T* u, T* vh, bool full) {
  const char job = u == nullptr ? 'N' : full ? 'A' : 'S';
  const int64_t k = full ? m : std::min(m, n);
  T none;
  return Lapack<T>::gesdd(kRow, job, li(m), li(n), a, ld(n), s, u ? u : &none, ld(k),
                          vh ? vh : &none, ld(n));
}

template <class T>
int eigh(int64_t n, T* a, Real<T>* w, bool vectors, bool upper) {
  return Lapack<T>::syevd(kRow, vectors ? 'V' : 'N', upper ? 'U' : 'L', li(n), a, ld(n),
                          w);
}

template <class T>
int eig(int64_t n, T* a, Complex<T>* w, Complex<T>* v) {
  const char job = v ? 'V' : 'N';
  if constexpr (kComplex<T>) {
    T none;
    return Lapack<T>::geev(kRow, 'N', job, li(n), a, ld(n), w, &none, ld(n),
                           v ? v : &none, ld(n));
  } else {
    return guarded([&] {
      std::vector<T> parts(size_t(2 * n + 1)), vectors(v ? size_t(n * n + 1) : 1);
      T* imaginary = parts.data() + n;
      T none;
      const int info = Lapack<T>::geev(kRow, 'N', job, li(n), a, ld(n), parts.data(),
                                       imaginary, &none, ld(n), vectors.data(), ld(n));
      if (info != 0) return info;
      for (int64_t i = 0; i < n; ++i) w[i] = {parts[size_t(i)], imaginary[i]};
      if (v) unpack_vectors(n, vectors.data(), imaginary, v);
      return 0;
    });
  }
}

template <class T>
int lstsq(int64_t m, int64_t n, int64_t k, T* a, T* b, Real<T>* s, int64_t* rank,
          Real<T> rcond) {
  lapack_int found = 0;
  const int info =
      Lapack<T>::gelsd(kRow, li(m), li(n), li(k), a, ld(n), b, ld(k), s, rcond, &found);
  *rank = found;
  return info;
}

#define FL_INSTANTIATE(T)                                                          \
  template int cholesky(int64_t, T*, bool);                                        \
  template int lu_factor(int64_t, int64_t, T*, int32_t*);                          \
  template int lu_solve(int64_t, int64_t, const T*, const int32_t*, T*, int);      \
  template int inverse(int64_t, T*);                                               \
  template void triangular_solve(int64_t, int64_t, const T*, T*, bool, bool, int); \
  template int qr(int64_t, int64_t, const T*, T*, T*, int64_t);                    \
  template int svd(int64_t, int64_t, T*, Real<T>*, T*, T*, bool);                  \
  template int eigh(int64_t, T*, Real<T>*, bool, bool);                            \
  template int eig(int64_t, T*, Complex<T>*, Complex<T>*);                         \
  template int lstsq(int64_t, int64_t, int64_t, T*, T*, Real<T>*, int64_t*, Real<T>)
FL_INSTANTIATE(float);
FL_INSTANTIATE(double);
FL_INSTANTIATE(std::complex<float>);
FL_INSTANTIATE(std::complex<double>);

}  // namespace linalg
