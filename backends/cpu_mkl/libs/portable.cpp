// Linear algebra without a library: what a build with USE_MKL=0 uses. Direct methods
// for systems; Jacobi's rotations for symmetric and singular values, which are slow for
// large matrices and accurate for all; shifted QR steps for the others.
#ifndef USE_MKL

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "linalg.h"

namespace linalg {
namespace {

template <class T>
T conj_of(T x) {
  if constexpr (std::is_same_v<T, Real<T>>)
    return x;
  else
    return std::conj(x);
}
template <class T>
Real<T> square_of(T x) {
  return Real<T>(std::norm(x));
}

// op(a)(i, j): 0 none, 1 transposed, 2 adjoint.
template <class T>
T element(const T* a, int64_t n, int64_t i, int64_t j, int op) {
  const T x = op == 0 ? a[i * n + j] : a[j * n + i];
  return op == 2 ? conj_of(x) : x;
}

// x = op(a)^-1 x, with op(a) lower or upper triangular.
template <class T>
void substitute(int64_t n, int64_t k, const T* a, T* x, bool upper, bool unit, int op) {
  const bool backwards = upper != (op != 0);
  for (int64_t step = 0; step < n; ++step) {
    const int64_t i = backwards ? n - 1 - step : step;
    for (int64_t done = 0; done < step; ++done) {
      const int64_t j = backwards ? n - 1 - done : done;
      const T by = element(a, n, i, j, op);
      for (int64_t c = 0; c < k; ++c) x[i * k + c] -= by * x[j * k + c];
    }
    if (unit) continue;
    const T pivot = element(a, n, i, i, op);
    for (int64_t c = 0; c < k; ++c) x[i * k + c] /= pivot;
  }
}

template <class T>
void swap_rows(T* a, int64_t width, int64_t i, int64_t j) {
  if (i != j) std::swap_ranges(a + i * width, a + (i + 1) * width, a + j * width);
}

// Rotates columns p and q of an [m, n] matrix: (p, q) -> (c p - conj(s) q, s p + c q).
template <class T>
void rotate(T* a, int64_t m, int64_t n, int64_t p, int64_t q, Real<T> c, T s) {
  for (int64_t i = 0; i < m; ++i) {
    const T x = a[i * n + p], y = a[i * n + q];
    a[i * n + p] = c * x - conj_of(s) * y;
    a[i * n + q] = s * x + c * y;
  }
}

// The rotation that makes two columns with these inner products orthogonal.
template <class T>
void jacobi(Real<T> alpha, Real<T> beta, T gamma, Real<T>* c, T* s) {
  using R = Real<T>;
  const R size = std::abs(gamma);
  const R zeta = (beta - alpha) / (R(2) * size);
  const R t =
      (zeta >= 0 ? R(1) : R(-1)) / (std::abs(zeta) + std::sqrt(R(1) + zeta * zeta));
  *c = R(1) / std::sqrt(R(1) + t * t);
  *s = *c * t * (gamma / size);
}

// One-sided Jacobi: makes the columns of a [m, n] orthogonal, and applies the same
// rotations to v [n, n].
template <class T>
int orthogonalise(int64_t m, int64_t n, T* a, T* v) {
  using R = Real<T>;
  const R tiny = std::numeric_limits<R>::epsilon();
  for (int sweep = 0; sweep < 60; ++sweep) {
    bool done = true;
    for (int64_t p = 0; p < n; ++p)
      for (int64_t q = p + 1; q < n; ++q) {
        R alpha = 0, beta = 0;
        T gamma = 0;
        for (int64_t i = 0; i < m; ++i) {
          alpha += square_of(a[i * n + p]);
          beta += square_of(a[i * n + q]);
          gamma += conj_of(a[i * n + p]) * a[i * n + q];
        }
        if (!(std::abs(gamma) > tiny * std::sqrt(alpha * beta))) continue;
        done = false;
        R c;
        T s;
        jacobi<T>(alpha, beta, gamma, &c, &s);
        rotate(a, m, n, p, q, c, s);
        rotate(v, n, n, p, q, c, s);
      }
    if (done) return 0;
  }
  return 1;
}

// Replaces columns [from, k) of q [m, k] by unit vectors orthogonal to those before.
template <class T>
void complete_columns(int64_t m, int64_t k, T* q, int64_t from) {
  using R = Real<T>;
  int64_t axis = 0;
  for (int64_t j = from; j < k; ++j) {
    R length = 0;
    while (length < R(0.5) / std::sqrt(R(m)) && axis < 2 * m) {
      for (int64_t i = 0; i < m; ++i) q[i * k + j] = i == axis % m ? T(1) : T(0);
      ++axis;
      for (int pass = 0; pass < 2; ++pass)
        for (int64_t p = 0; p < j; ++p) {
          T dot = 0;
          for (int64_t i = 0; i < m; ++i) dot += conj_of(q[i * k + p]) * q[i * k + j];
          for (int64_t i = 0; i < m; ++i) q[i * k + j] -= dot * q[i * k + p];
        }
      R sum = 0;
      for (int64_t i = 0; i < m; ++i) sum += square_of(q[i * k + j]);
      length = std::sqrt(sum);
    }
    for (int64_t i = 0; i < m; ++i) q[i * k + j] /= length;
  }
}

// The reflection whose adjoint takes x [n] to (beta, 0, ...), beta real: x becomes its
// vector v, with H = 1 - tau v v^H.  Signs are LAPACK's, so that Q and R are too.
template <class T>
T reflection(int64_t n, T* x, int64_t stride, T* beta) {
  using R = Real<T>;
  R below = 0;
  for (int64_t i = 1; i < n; ++i) below += square_of(x[i * stride]);
  const T alpha = x[0];
  x[0] = T(1);
  if (below == R(0) && std::imag(alpha) == R(0)) {
    *beta = alpha;
    return T(0);
  }
  const R norm = std::sqrt(below + square_of(alpha));
  *beta = T(-std::copysign(norm, std::real(alpha)));
  for (int64_t i = 1; i < n; ++i) x[i * stride] /= alpha - *beta;
  return (*beta - alpha) / *beta;
}

}  // namespace

void use_threads(int) {}

template <class T>
int cholesky(int64_t n, T* a, bool upper) {
  const auto get = [&](int64_t i, int64_t j) {
    return upper ? conj_of(a[j * n + i]) : a[i * n + j];
  };
  const auto set = [&](int64_t i, int64_t j, T x) {
    (upper ? a[j * n + i] : a[i * n + j]) = upper ? conj_of(x) : x;
  };
  for (int64_t j = 0; j < n; ++j) {
    Real<T> d = std::real(get(j, j));
    for (int64_t p = 0; p < j; ++p) d -= square_of(get(j, p));
    if (!(d > 0)) return int(j + 1);
    const Real<T> root = std::sqrt(d);
    set(j, j, T(root));
    for (int64_t i = j + 1; i < n; ++i) {
      T x = get(i, j);
      for (int64_t p = 0; p < j; ++p) x -= get(i, p) * conj_of(get(j, p));
      set(i, j, x / root);
    }
  }
  return 0;
}

template <class T>
int lu_factor(int64_t m, int64_t n, T* a, int32_t* pivots) {
  int info = 0;
  for (int64_t j = 0; j < std::min(m, n); ++j) {
    int64_t best = j;
    for (int64_t i = j + 1; i < m; ++i)
      if (std::abs(a[i * n + j]) > std::abs(a[best * n + j])) best = i;
    pivots[j] = int32_t(best + 1);
    swap_rows(a, n, j, best);
    const T pivot = a[j * n + j];
    if (pivot == T(0)) {
      if (info == 0) info = int(j + 1);
      continue;
    }
    for (int64_t i = j + 1; i < m; ++i) {
      const T by = a[i * n + j] /= pivot;
      for (int64_t c = j + 1; c < n; ++c) a[i * n + c] -= by * a[j * n + c];
    }
  }
  return info;
}

template <class T>
int lu_solve(int64_t n, int64_t k, const T* lu, const int32_t* pivots, T* b,
             int adjoint) {
  if (adjoint == 0) {
    for (int64_t i = 0; i < n; ++i) swap_rows(b, k, i, pivots[i] - 1);
    substitute(n, k, lu, b, false, true, 0);
    substitute(n, k, lu, b, true, false, 0);
  } else {
    substitute(n, k, lu, b, true, false, adjoint);
    substitute(n, k, lu, b, false, true, adjoint);
    for (int64_t i = n - 1; i >= 0; --i) swap_rows(b, k, i, pivots[i] - 1);
  }
  return 0;
}

template <class T>
int inverse(int64_t n, T* a) {
  std::vector<int32_t> pivots(size_t(n) + 1);
  const int info = lu_factor(n, n, a, pivots.data());
  if (info != 0) return info;
  std::vector<T> x(size_t(n * n));
  for (int64_t i = 0; i < n; ++i) x[size_t(i * n + i)] = T(1);
  lu_solve(n, n, a, pivots.data(), x.data(), 0);
  std::copy(x.begin(), x.end(), a);
  return 0;
}

template <class T>
void triangular_solve(int64_t n, int64_t k, const T* a, T* b, bool upper, bool unit,
                      int transpose) {
  substitute(n, k, a, b, upper, unit, transpose);
}

template <class T>
int qr(int64_t m, int64_t n, const T* a, T* q, T* r, int64_t columns) {
  const int64_t k = std::min(m, n);
  std::vector<T> work(a, a + m * n), tau(size_t(k) + 1);
  for (int64_t j = 0; j < k; ++j) {
    T* v = work.data() + j * n + j;
    T beta;
    tau[size_t(j)] = reflection(m - j, v, n, &beta);
    for (int64_t c = j + 1; c < n; ++c) {
      T dot = 0;
      for (int64_t i = j; i < m; ++i)
        dot += conj_of(work[size_t(i * n + j)]) * work[size_t(i * n + c)];
      for (int64_t i = j; i < m; ++i)
        work[size_t(i * n + c)] -=
            conj_of(tau[size_t(j)]) * dot * work[size_t(i * n + j)];
    }
    r[j * n + j] = beta;
  }
  for (int64_t i = 0; i < columns; ++i)
    for (int64_t j = 0; j < n; ++j) {
      if (i == j && i < k) continue;
      r[i * n + j] = j > i ? work[size_t(i * n + j)] : T(0);
    }
  for (int64_t i = 0; i < m * columns; ++i)
    q[i] = i / columns == i % columns ? T(1) : T(0);
  for (int64_t j = k - 1; j >= 0; --j)
    for (int64_t c = 0; c < columns; ++c) {
      T dot = 0;
      for (int64_t i = j; i < m; ++i)
        dot += conj_of(work[size_t(i * n + j)]) * q[i * columns + c];
      for (int64_t i = j; i < m; ++i)
        q[i * columns + c] -= tau[size_t(j)] * dot * work[size_t(i * n + j)];
    }
  return 0;
}

template <class T>
int svd(int64_t m, int64_t n, T* a, Real<T>* s, T* u, T* vh, bool full) {
  const bool tall = m >= n;
  const int64_t rows = tall ? m : n, k = tall ? n : m;
  std::vector<T> w(size_t(rows * k)), v(size_t(k * k));
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < k; ++j)
      w[size_t(i * k + j)] = tall ? a[i * n + j] : conj_of(a[j * n + i]);
  for (int64_t i = 0; i < k; ++i) v[size_t(i * k + i)] = T(1);
  if (orthogonalise(rows, k, w.data(), v.data()) != 0) return 1;
  std::vector<Real<T>> length(static_cast<size_t>(k));
  for (int64_t i = 0; i < rows * k; ++i)
    length[size_t(i % k)] += square_of(w[size_t(i)]);
  std::vector<int64_t> order(static_cast<size_t>(k));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t x, int64_t y) {
    return length[size_t(x)] > length[size_t(y)];
  });
  for (int64_t j = 0; j < k; ++j) s[j] = std::sqrt(length[size_t(order[size_t(j)])]);
  if (!u) return 0;
  // The long side's vectors are w's columns, the short one's are v's.
  const int64_t columns = full ? rows : k;
  std::vector<T> left(size_t(rows * columns));
  int64_t rank = 0;
  while (rank < k &&
         s[rank] > std::numeric_limits<Real<T>>::epsilon() * s[0] * Real<T>(k))
    ++rank;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < rank; ++j)
      left[size_t(i * columns + j)] = w[size_t(i * k + order[size_t(j)])] / s[j];
  complete_columns(rows, columns, left.data(), rank);
  T *longer = tall ? u : vh, *shorter = tall ? vh : u;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      (tall ? longer[i * columns + j] : longer[j * rows + i]) =
          tall ? left[size_t(i * columns + j)] : conj_of(left[size_t(i * columns + j)]);
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < k; ++j) {
      const T x = v[size_t(i * k + order[size_t(j)])];
      (tall ? shorter[j * k + i] : shorter[i * k + j]) = tall ? conj_of(x) : x;
    }
  return 0;
}

template <class T>
int eigh(int64_t n, T* a, Real<T>* w, bool vectors, bool upper) {
  using R = Real<T>;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < i; ++j) {
      if (upper)
        a[i * n + j] = conj_of(a[j * n + i]);
      else
        a[j * n + i] = conj_of(a[i * n + j]);
    }
  std::vector<T> v(size_t(n * n));
  for (int64_t i = 0; i < n; ++i) v[size_t(i * n + i)] = T(1);
  bool done = n < 2;
  for (int sweep = 0; sweep < 60 && !done; ++sweep) {
    done = true;
    for (int64_t p = 0; p < n; ++p)
      for (int64_t q = p + 1; q < n; ++q) {
        const R app = std::real(a[p * n + p]), aqq = std::real(a[q * n + q]);
        const T apq = a[p * n + q];
        const R least =
            std::numeric_limits<R>::epsilon() * std::sqrt(std::abs(app * aqq));
        if (!(std::abs(apq) > least) || std::abs(apq) < std::numeric_limits<R>::min())
          continue;
        done = false;
        R c;
        T s;
        jacobi<T>(app, aqq, apq, &c, &s);
        rotate(a, n, n, p, q, c, s);
        for (int64_t j = 0; j < n; ++j) {  // the same from the left
          const T x = a[p * n + j], y = a[q * n + j];
          a[p * n + j] = c * x - s * y;
          a[q * n + j] = conj_of(s) * x + c * y;
        }
        rotate(v.data(), n, n, p, q, c, s);
      }
  }
  if (!done) return 1;
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t x, int64_t y) {
    return std::real(a[x * n + x]) < std::real(a[y * n + y]);
  });
  for (int64_t j = 0; j < n; ++j)
    w[j] = std::real(a[order[size_t(j)] * n + order[size_t(j)]]);
  if (vectors)
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j)
        a[i * n + j] = v[size_t(i * n + order[size_t(j)])];
  return 0;
}

template <class T>
int lstsq(int64_t m, int64_t n, int64_t k, T* a, T* b, Real<T>* s, int64_t* rank,
          Real<T> rcond) {
  const int64_t least = std::min(m, n);
  std::vector<T> u(size_t(m * least)), vh(size_t(least * n)), y(size_t(least * k));
  if (svd(m, n, a, s, u.data(), vh.data(), false) != 0) return 1;
  if (rcond < 0) rcond = std::numeric_limits<Real<T>>::epsilon();
  *rank = 0;
  for (int64_t i = 0; i < least; ++i) {
    if (!(s[i] > rcond * s[0])) continue;
    ++*rank;
    for (int64_t r = 0; r < m; ++r)
      for (int64_t c = 0; c < k; ++c)
        y[size_t(i * k + c)] += conj_of(u[size_t(r * least + i)]) * b[r * k + c] / s[i];
  }
  for (int64_t j = 0; j < n; ++j)
    for (int64_t c = 0; c < k; ++c) {
      T x = 0;
      for (int64_t i = 0; i < least; ++i)
        x += conj_of(vh[size_t(i * n + j)]) * y[size_t(i * k + c)];
      b[j * k + c] = x;
    }
  return 0;
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
  template int lstsq(int64_t, int64_t, int64_t, T*, T*, Real<T>*, int64_t*, Real<T>)
FL_INSTANTIATE(float);
FL_INSTANTIATE(double);
FL_INSTANTIATE(std::complex<float>);
FL_INSTANTIATE(std::complex<double>);

}  // namespace linalg

#endif  // USE_MKL
