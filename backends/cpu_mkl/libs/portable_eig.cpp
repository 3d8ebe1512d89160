// Eigenvalues and vectors of general matrices without a library: Hessenberg form by
// reflections, Schur form by shifted QR steps, vectors by substitution.
#ifndef USE_MKL

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "linalg.h"

namespace linalg {
namespace {

using C = std::complex<double>;

struct Square {
  int64_t n;
  std::vector<C> data;
  explicit Square(int64_t size) : n(size), data(size_t(size * size)) {}
  C& operator()(int64_t i, int64_t j) { return data[size_t(i * n + j)]; }
};

// h = q^H a q with zeros below the first subdiagonal.
void hessenberg(Square& h, Square& q) {
  const int64_t n = h.n;
  std::vector<C> v(static_cast<size_t>(n));
  for (int64_t k = 0; k + 2 < n; ++k) {
    double sum = 0;
    for (int64_t i = k + 1; i < n; ++i) sum += std::norm(h(i, k));
    const double norm = std::sqrt(sum);
    if (norm == 0) continue;
    const C head = h(k + 1, k);
    const C sign = std::abs(head) == 0 ? C(1) : head / std::abs(head);
    for (int64_t i = k + 1; i < n; ++i) v[size_t(i)] = h(i, k);
    v[size_t(k + 1)] += sign * norm;
    double length = 0;
    for (int64_t i = k + 1; i < n; ++i) length += std::norm(v[size_t(i)]);
    for (int64_t j = 0; j < n; ++j) {
      C dot = 0;
      for (int64_t i = k + 1; i < n; ++i) dot += std::conj(v[size_t(i)]) * h(i, j);
      for (int64_t i = k + 1; i < n; ++i) h(i, j) -= 2.0 / length * dot * v[size_t(i)];
    }
    for (Square* m : {&h, &q})
      for (int64_t i = 0; i < n; ++i) {
        C dot = 0;
        for (int64_t j = k + 1; j < n; ++j) dot += (*m)(i, j) * v[size_t(j)];
        for (int64_t j = k + 1; j < n; ++j)
          (*m)(i, j) -= 2.0 / length * dot * std::conj(v[size_t(j)]);
      }
  }
}

// Of the two eigenvalues of the last 2 by 2 block, the one nearer to its corner.
C shift_of(Square& h, int64_t k) {
  const C a = h(k - 1, k - 1), b = h(k - 1, k), c = h(k, k - 1), d = h(k, k);
  const C half = 0.5 * (a + d), root = std::sqrt(0.25 * (a - d) * (a - d) + b * c);
  return std::abs(half + root - d) < std::abs(half - root - d) ? half + root
                                                               : half - root;
}

// One QR step on rows and columns [lo, hi], kept up on the whole of h and q.
void qr_step(Square& h, Square& q, int64_t lo, int64_t hi, C shift) {
  const int64_t n = h.n;
  std::vector<double> cosine(size_t(hi - lo));
  std::vector<C> sine(size_t(hi - lo));
  for (int64_t i = lo; i <= hi; ++i) h(i, i) -= shift;
  for (int64_t i = lo; i < hi; ++i) {
    const C x = h(i, i), y = h(i + 1, i);
    const double r = std::hypot(std::abs(x), std::abs(y));
    double& c = cosine[size_t(i - lo)];
    C& s = sine[size_t(i - lo)];
    if (r == 0) {
      c = 1, s = 0;
    } else if (std::abs(x) == 0) {
      c = 0, s = std::conj(y) / r;
    } else {
      c = std::abs(x) / r;
      s = x / std::abs(x) * std::conj(y) / r;
    }
    for (int64_t j = i; j < n; ++j) {
      const C u = h(i, j), w = h(i + 1, j);
      h(i, j) = c * u + s * w;
      h(i + 1, j) = -std::conj(s) * u + c * w;
    }
  }
  for (int64_t i = lo; i < hi; ++i) {
    const double c = cosine[size_t(i - lo)];
    const C s = sine[size_t(i - lo)];
    const auto columns = [&](Square& m, int64_t end) {
      for (int64_t r = 0; r < end; ++r) {
        const C u = m(r, i), w = m(r, i + 1);
        m(r, i) = c * u + std::conj(s) * w;
        m(r, i + 1) = -s * u + c * w;
      }
    };
    columns(h, std::min(hi, i + 1) + 1);
    columns(q, n);
  }
  for (int64_t i = lo; i <= hi; ++i) h(i, i) += shift;
}

int schur(Square& h, Square& q) {
  const double tiny = std::numeric_limits<double>::epsilon();
  int64_t hi = h.n - 1;
  for (int steps = 0; hi > 0;) {
    int64_t lo = hi;
    while (lo > 0 && std::abs(h(lo, lo - 1)) >
                         tiny * (std::abs(h(lo, lo)) + std::abs(h(lo - 1, lo - 1))))
      --lo;
    if (lo > 0) h(lo, lo - 1) = 0;
    if (lo == hi) {
      --hi;
      steps = 0;
      continue;
    }
    if (++steps > 100) return int(hi + 1);
    const C shift =
        steps % 11 == 10 ? h(hi, hi) + std::abs(h(hi, hi - 1)) : shift_of(h, hi);
    qr_step(h, q, lo, hi, shift);
  }
  return 0;
}

}  // namespace

template <class T>
int eig(int64_t n, T* a, Complex<T>* w, Complex<T>* v) {
  using Out = Complex<T>;
  Square h(n), q(n);
  double size = 0;
  for (int64_t i = 0; i < n * n; ++i) {
    h.data[size_t(i)] = C(a[i]);
    size = std::max(size, std::abs(h.data[size_t(i)]));
    if (!std::isfinite(std::abs(h.data[size_t(i)]))) return 1;
  }
  for (int64_t i = 0; i < n; ++i) q(i, i) = 1;
  hessenberg(h, q);
  if (const int info = schur(h, q); info != 0) return info;
  for (int64_t i = 0; i < n; ++i) w[i] = Out(h(i, i));
  if (!v) return 0;
  std::vector<C> x(static_cast<size_t>(n));
  for (int64_t k = 0; k < n; ++k) {
    x[size_t(k)] = 1;
    for (int64_t i = k - 1; i >= 0; --i) {
      C sum = 0;
      for (int64_t j = i + 1; j <= k; ++j) sum += h(i, j) * x[size_t(j)];
      C gap = h(i, i) - h(k, k);
      const double least =
          std::numeric_limits<double>::epsilon() * std::max(size, 1e-300);
      if (std::abs(gap) < least) gap = least;
      x[size_t(i)] = -sum / gap;
    }
    double length = 0;
    std::vector<C> column(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j <= k; ++j) column[size_t(i)] += q(i, j) * x[size_t(j)];
      length += std::norm(column[size_t(i)]);
    }
    for (int64_t i = 0; i < n; ++i)
      v[i * n + k] = Out(column[size_t(i)] / std::sqrt(length));
  }
  return 0;
}

template int eig(int64_t, float*, std::complex<float>*, std::complex<float>*);
template int eig(int64_t, double*, std::complex<double>*, std::complex<double>*);
template int eig(int64_t, std::complex<float>*, std::complex<float>*,
                 std::complex<float>*);
template int eig(int64_t, std::complex<double>*, std::complex<double>*,
                 std::complex<double>*);

}  // namespace linalg

#endif  // USE_MKL
