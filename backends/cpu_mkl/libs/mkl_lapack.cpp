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

constexpr int kRow = LAPACK_ROW_MAJOR, kColumn = LAPACK_COL_MAJOR;
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

// x = op(a)^-1 x for a triangle a [n, n] and x [n, k], whose rows lie lda and ldx
// apart.
struct Triangle {
  CBLAS_UPLO uplo;
  CBLAS_TRANSPOSE op;
  CBLAS_DIAG diag;
};
template <class T>
void trsm(Triangle t, int64_t n, int64_t k, const T* a, int64_t lda, T* x,
          int64_t ldx) {
  const T one = T(1);
  const auto call = [&](auto solve, auto alpha) {
    solve(CblasRowMajor, CblasLeft, t.uplo, t.op, t.diag, li(n), li(k), alpha, a,
          ld(lda), x, ld(ldx));
  };
  if constexpr (std::is_same_v<T, float>) call(cblas_strsm, one);
  if constexpr (std::is_same_v<T, double>) call(cblas_dtrsm, one);
  if constexpr (std::is_same_v<T, std::complex<float>>) call(cblas_ctrsm, &one);
  if constexpr (std::is_same_v<T, std::complex<double>>) call(cblas_ztrsm, &one);
}

// c -= a b for a [m, k], b [k, n] and c, whose rows are ld apart.
template <class T>
void subtract_product(int64_t m, int64_t n, int64_t k, const T* a, const T* b, T* c,
                      int64_t stride) {
  const T minus = T(-1), one = T(1);
  const auto call = [&](auto gemm, auto alpha, auto beta) {
    gemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, li(m), li(n), li(k), alpha, a,
         ld(stride), b, ld(stride), beta, c, ld(stride));
  };
  if constexpr (std::is_same_v<T, float>) call(cblas_sgemm, minus, one);
  if constexpr (std::is_same_v<T, double>) call(cblas_dgemm, minus, one);
  if constexpr (std::is_same_v<T, std::complex<float>>) call(cblas_cgemm, &minus, &one);
  if constexpr (std::is_same_v<T, std::complex<double>>)
    call(cblas_zgemm, &minus, &one);
}

// Note [Row-major]
// LAPACK's matrices are stored by columns: what it is handed here it takes for the
// transpose. LAPACKE would turn every matrix before and after each call, which costs a
// fifth of solving a system of 512. So, where the mathematics allows it, the routines
// work on the transpose: the lower triangle is its upper one, its inverse is the
// inverse's transpose, and its singular vectors are ours with left and right exchanged.
// Where they cannot, transpose() turns faster than MKL does.

constexpr int64_t kTile = 16;

// to[c][r] = from[r][c] for a tile of at most kTile rows and columns. Whole lines are
// read and written, by way of a buffer: rows a power of two apart keep each other out
// of the cache.
template <class T>
void turn_tile(int64_t rows, int64_t cols, const T* from, int64_t from_ld, T* to) {
  if (rows == kTile && cols == kTile) {
    for (int64_t r = 0; r < kTile; ++r)
      for (int64_t c = 0; c < kTile; ++c) to[c * kTile + r] = from[r * from_ld + c];
    return;
  }
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c) to[c * kTile + r] = from[r * from_ld + c];
}
template <class T>
void put_tile(int64_t rows, int64_t cols, const T* tile, T* to, int64_t ld) {
  for (int64_t r = 0; r < rows; ++r) std::copy_n(tile + r * kTile, cols, to + r * ld);
}

// to [cols, rows] becomes the transpose of from [rows, cols].
template <class T>
void transpose(int64_t rows, int64_t cols, const T* from, T* to) {
  alignas(64) T tile[kTile * kTile];
  for (int64_t r = 0; r < rows; r += kTile)
    for (int64_t c = 0; c < cols; c += kTile) {
      const int64_t m = std::min(kTile, rows - r), n = std::min(kTile, cols - c);
      turn_tile(m, n, from + r * cols + c, cols, tile);
      put_tile(n, m, tile, to + c * rows + r, rows);
    }
}

// The same in place.
template <class T>
void transpose_square(int64_t n, T* a) {
  alignas(64) T above[kTile * kTile], below[kTile * kTile];
  for (int64_t r = 0; r < n; r += kTile)
    for (int64_t c = r; c < n; c += kTile) {
      const int64_t rows = std::min(kTile, n - r), cols = std::min(kTile, n - c);
      turn_tile(rows, cols, a + r * n + c, n, above);
      turn_tile(cols, rows, a + c * n + r, n, below);
      put_tile(cols, rows, above, a + c * n + r, n);
      put_tile(rows, cols, below, a + r * n + c, n);
    }
}

// Where MKL solves with triangles stored by rows three times as fast as with those
// stored by columns, which are what its own factorisation has.
bool rows_are_faster() { return __builtin_cpu_is("amd"); }

// LU factors of a row-major matrix [m, n] by halves; only narrow panels are turned.
template <class T>
struct RowLu {
  static constexpr int64_t kPanel = 16;
  int64_t m, n;
  T* a;
  int32_t* pivots;
  std::vector<T> turned = std::vector<T>(size_t(m * std::min(n, kPanel)) + 1);
  int info = 0;  // the first pivot that is 0, from 1

  T* at(int64_t r, int64_t c) const { return a + r * n + c; }

  void exchange(int64_t from, int64_t to, int64_t column, int64_t count) const {
    for (int64_t i = from; i < to; ++i)
      if (T* x = at(i, column), *y = at(pivots[i] - 1, column); x != y)
        std::swap_ranges(x, x + count, y);
  }

  // Columns [j, j + w) of the rows from j on.
  int panel(int64_t j, int64_t w) {
    const int64_t rows = m - j, count = std::min(rows, w);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < w; ++c) turned[size_t(c * rows + r)] = *at(j + r, j + c);
    const int found =
        Lapack<T>::getrf(kColumn, li(rows), li(w), turned.data(), ld(rows), pivots + j);
    if (found < 0) return found;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < w; ++c) *at(j + r, j + c) = turned[size_t(c * rows + r)];
    for (int64_t i = j; i < j + count; ++i) pivots[i] += int32_t(j);
    if (found > 0 && info == 0) info = int(j) + found;
    return 0;
  }

  // What columns [j, j + w) mean for those of [c, c + count).
  void update(int64_t j, int64_t w, int64_t c, int64_t count) const {
    exchange(j, j + w, c, count);
    trsm({CblasLower, CblasNoTrans, CblasUnit}, w, count, at(j, j), n, at(j, c), n);
    if (j + w < m)
      subtract_product(m - j - w, count, w, at(j + w, j), at(j, c), at(j + w, c), n);
  }

  int factor(int64_t j, int64_t w) {
    if (w <= kPanel) return panel(j, w);
    const int64_t half = std::max(w / 2 / kPanel * kPanel, kPanel);
    if (const int bad = factor(j, half); bad < 0) return bad;
    update(j, half, j + half, w - half);
    if (const int bad = factor(j + half, w - half); bad < 0) return bad;
    exchange(j + half, j + w, j, half);
    return 0;
  }

  int run() {
    const int64_t k = std::min(m, n);
    if (k == 0) return 0;
    if (const int bad = factor(0, k); bad < 0) return bad;
    if (k < n) update(0, k, k, n - k);
    return info;
  }
};

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
  return Lapack<T>::potrf(kColumn, upper ? 'L' : 'U', li(n), a, ld(n));
}

template <class T>
int lu_factor(int64_t m, int64_t n, T* a, int32_t* pivots) {
  return guarded([&] {
    if (rows_are_faster()) return RowLu<T>{m, n, a, pivots}.run();
    std::vector<T> turned(size_t(m * n) + 1);
    transpose(m, n, a, turned.data());
    const int info =
        Lapack<T>::getrf(kColumn, li(m), li(n), turned.data(), ld(m), pivots);
    transpose(n, m, turned.data(), a);
    return info;
  });
}

template <class T>
void triangular_solve(int64_t n, int64_t k, const T* a, T* b, bool upper, bool unit,
                      int transpose) {
  constexpr CBLAS_TRANSPOSE ops[] = {CblasNoTrans, CblasTrans, CblasConjTrans};
  trsm({upper ? CblasUpper : CblasLower, ops[transpose],
        unit ? CblasUnit : CblasNonUnit},
       n, k, a, n, b, k);
}

template <class T>
int lu_solve(int64_t n, int64_t k, const T* lu, const int32_t* pivots, T* b,
             int adjoint) {
  const auto exchange = [&](int64_t i) {
    const int64_t j = pivots[i] - 1;
    if (j != i && j >= 0 && j < n)
      std::swap_ranges(b + i * k, b + (i + 1) * k, b + j * k);
  };
  if (adjoint == 0)
    for (int64_t i = 0; i < n; ++i) exchange(i);
  triangular_solve(n, k, lu, b, adjoint != 0, adjoint == 0, adjoint);
  triangular_solve(n, k, lu, b, adjoint == 0, adjoint != 0, adjoint);
  if (adjoint != 0)
    for (int64_t i = n - 1; i >= 0; --i) exchange(i);
  return 0;
}

template <class T>
int inverse(int64_t n, T* a) {
  return guarded([&] {
    std::vector<lapack_int> pivots(size_t(n) + 1);
    const bool by_rows = rows_are_faster();
    int info = by_rows
                   ? lu_factor(n, n, a, pivots.data())
                   : Lapack<T>::getrf(kColumn, li(n), li(n), a, ld(n), pivots.data());
    if (info != 0) return info;
    if (by_rows) transpose_square(n, a);
    info = Lapack<T>::getri(kColumn, li(n), a, ld(n), pivots.data());
    if (by_rows) transpose_square(n, a);
    return info;
  });
}

template <class T>
int qr(int64_t m, int64_t n, const T* a, T* q, T* r, int64_t columns) {
  return guarded([&] {
    const int64_t k = std::min(m, n);
    std::vector<T> work(size_t(m * std::max(n, columns)) + 1), tau(size_t(k) + 1);
    transpose(m, n, a, work.data());
    int info = Lapack<T>::geqrf(kColumn, li(m), li(n), work.data(), ld(m), tau.data());
    if (info != 0) return info;
    for (int64_t i = 0; i < columns; ++i) std::fill_n(r + i * n, std::min(i, n), T(0));
    for (int64_t j = 0; j < n; ++j)
      for (int64_t i = 0; i < std::min(j + 1, columns); ++i)
        r[i * n + j] = work[size_t(j * m + i)];
    std::fill(work.begin() + m * k, work.end(), T(0));
    info = Lapack<T>::orgqr(kColumn, li(m), li(columns), li(k), work.data(), ld(m),
                            tau.data());
    transpose(columns, m, work.data(), q);
    return info;
  });
}

template <class T>
int svd(int64_t m, int64_t n, T* a, Real<T>* s, T* u, T* vh, bool full) {
  const char job = u == nullptr ? 'N' : full ? 'A' : 'S';
  const int64_t k = full ? m : std::min(m, n);
  T none;
  return Lapack<T>::gesdd(kColumn, job, li(n), li(m), a, ld(n), s, vh ? vh : &none,
                          ld(n), u ? u : &none, ld(k));
}

template <class T>
int eigh(int64_t n, T* a, Real<T>* w, bool vectors, bool upper) {
  // The lower triangle of columns is the faster one.
  if (!upper) transpose_square(n, a);
  const int info =
      Lapack<T>::syevd(kColumn, vectors ? 'V' : 'N', 'L', li(n), a, ld(n), w);
  if (!vectors) return info;
  transpose_square(n, a);
  if constexpr (kComplex<T>)  // the upper triangle of rows was taken for the
                              // transpose's
    for (int64_t i = 0; upper && i < n * n; ++i) a[i] = std::conj(a[i]);
  return info;
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
