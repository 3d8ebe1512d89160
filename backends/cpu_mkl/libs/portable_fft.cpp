// Fourier transforms without a library: mixed radix over the prime factors of the
// length, and Bluestein's convolution for large primes. Computed in double.
#ifndef USE_MKL

#include <cmath>
#include <numbers>
#include <vector>

#include "linalg.h"

namespace linalg {
namespace {

using C = std::complex<double>;
constexpr int64_t kDirect = 64;  // primes above this go through a convolution

int64_t smallest_factor(int64_t n) {
  for (int64_t p = 2; p * p <= n; ++p)
    if (n % p == 0) return p;
  return n;
}

C root(int64_t k, int64_t n, double sign) {
  const double angle = sign * 2 * std::numbers::pi * double(k) / double(n);
  return {std::cos(angle), std::sin(angle)};
}

class Transform {
 public:
  Transform(int64_t n, bool forward)
      : n_(n), sign_(forward ? -1.0 : 1.0), roots_(static_cast<size_t>(n)) {
    for (int64_t k = 0; k < n; ++k) roots_[size_t(k)] = root(k, n, sign_);
  }
  // out[k] = sum over j of in[j * stride] w^jk; in and out do not overlap.
  void run(const C* in, C* out) const { step(n_, in, 1, out); }

 private:
  void step(int64_t n, const C* in, int64_t stride, C* out) const {
    if (n == 1) {
      *out = *in;
      return;
    }
    const int64_t p = smallest_factor(n), m = n / p;
    if (p == n)
      return n <= kDirect ? direct(n, in, stride, out) : bluestein(n, in, stride, out);
    for (int64_t r = 0; r < p; ++r) step(m, in + r * stride, stride * p, out + r * m);
    std::vector<C> part(static_cast<size_t>(p));
    const int64_t unit = n_ / n;  // roots of n among those of the whole
    for (int64_t k = 0; k < m; ++k) {
      for (int64_t r = 0; r < p; ++r)
        part[size_t(r)] = out[r * m + k] * roots_[size_t(r * k * unit)];
      for (int64_t q = 0; q < p; ++q) {
        C sum = part[0];
        for (int64_t r = 1; r < p; ++r)
          sum += part[size_t(r)] * roots_[size_t(r * q % p * (n_ / p))];
        out[q * m + k] = sum;
      }
    }
  }

  void direct(int64_t n, const C* in, int64_t stride, C* out) const {
    for (int64_t k = 0; k < n; ++k) {
      C sum = 0;
      for (int64_t j = 0; j < n; ++j)
        sum += in[j * stride] * roots_[size_t(j * k % n * (n_ / n))];
      out[k] = sum;
    }
  }

  // jk = (j^2 + k^2 - (k - j)^2) / 2 makes the transform a convolution.
  void bluestein(int64_t n, const C* in, int64_t stride, C* out) const {
    int64_t size = 1;
    while (size < 2 * n - 1) size *= 2;
    std::vector<C> chirp(static_cast<size_t>(n)), a(static_cast<size_t>(size)), b(a),
        fa(a), fb(a);
    for (int64_t j = 0; j < n; ++j)
      chirp[size_t(j)] = root(j * j % (2 * n), 2 * n, sign_);
    for (int64_t j = 0; j < n; ++j) {
      a[size_t(j)] = in[j * stride] * chirp[size_t(j)];
      b[size_t(j)] = std::conj(chirp[size_t(j)]);
      if (j > 0) b[size_t(size - j)] = b[size_t(j)];
    }
    const Transform there(size, true), back(size, false);
    there.run(a.data(), fa.data());
    there.run(b.data(), fb.data());
    for (size_t j = 0; j < fa.size(); ++j) fa[j] *= fb[j];
    back.run(fa.data(), a.data());
    for (int64_t k = 0; k < n; ++k)
      out[k] = a[size_t(k)] * chirp[size_t(k)] / double(size);
  }

  int64_t n_;
  double sign_;
  std::vector<C> roots_;
};

// Runs all lines: get(line, i) reads an input, put(line, k, value) takes a result.
template <class Get, class Put>
void for_each_line(const Lines& l, bool forward, int64_t outputs, Get get, Put put) {
  const Transform transform(l.n, forward);
  std::vector<C> in(static_cast<size_t>(l.n)), out(in);
  for (int64_t j = 0; j < l.count; ++j) {
    for (int64_t i = 0; i < l.n; ++i) in[size_t(i)] = get(j, i);
    transform.run(in.data(), out.data());
    for (int64_t k = 0; k < outputs; ++k) put(j, k, out[size_t(k)]);
  }
}

}  // namespace

template <class R>
bool fft_c2c(const Lines& l, const std::complex<R>* in, std::complex<R>* out,
             bool forward, double scale) {
  for_each_line(
      l, forward, l.n,
      [&](int64_t j, int64_t i) { return C(in[j * l.in_distance + i * l.in_stride]); },
      [&](int64_t j, int64_t k, C v) {
        out[j * l.out_distance + k * l.out_stride] = std::complex<R>(v * scale);
      });
  return true;
}

template <class R>
bool fft_r2c(const Lines& l, const R* in, std::complex<R>* out, double scale) {
  for_each_line(
      l, true, l.n / 2 + 1,
      [&](int64_t j, int64_t i) { return C(in[j * l.in_distance + i * l.in_stride]); },
      [&](int64_t j, int64_t k, C v) {
        out[j * l.out_distance + k * l.out_stride] = std::complex<R>(v * scale);
      });
  return true;
}

template <class R>
bool fft_c2r(const Lines& l, std::complex<R>* in, R* out, double scale) {
  const auto half = [&](int64_t j, int64_t i) {
    return C(in[j * l.in_distance + i * l.in_stride]);
  };
  for_each_line(
      l, false, l.n,
      [&](int64_t j, int64_t i) {
        if (i == 0 || 2 * i == l.n) return C(half(j, i).real());
        return 2 * i < l.n ? half(j, i) : std::conj(half(j, l.n - i));
      },
      [&](int64_t j, int64_t k, C v) {
        out[j * l.out_distance + k * l.out_stride] = R(v.real() * scale);
      });
  return true;
}

#define FL_INSTANTIATE(R)                                                             \
  template bool fft_c2c(const Lines&, const std::complex<R>*, std::complex<R>*, bool, \
                        double);                                                      \
  template bool fft_r2c(const Lines&, const R*, std::complex<R>*, double);            \
  template bool fft_c2r(const Lines&, std::complex<R>*, R*, double)
FL_INSTANTIATE(float);
FL_INSTANTIATE(double);

}  // namespace linalg

#endif  // USE_MKL
