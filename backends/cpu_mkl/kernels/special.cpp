// Special functions of single numbers. All compute in double.
#include "scalarmath.h"

#include <algorithm>
#include <cstdint>

namespace FL_ISA {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double lgamma_double(double x) {
  int sign;
  return ::lgamma_r(x, &sign);
}

// Reflection for negative x, recurrence up to 10, then the asymptotic series.
double digamma_double(double x) {
  if (x == 0) return std::copysign(kInfinity, -x);
  if (std::isinf(x)) return x > 0 ? x : kNaN;
  double out = 0;
  if (x < 0) {
    double whole;
    const double part = std::modf(x, &whole);
    if (part == 0) return kNaN;
    out = -kPi / std::tan(kPi * part);
    x = 1 - x;
  }
  for (; x < 10; ++x) out -= 1 / x;
  const double z = 1 / (x * x);
  // Bernoulli numbers B_2k / 2k.
  const double series =
      z * (1. / 12 -
           z * (1. / 120 -
                z * (1. / 252 -
                     z * (1. / 240 - z * (1. / 132 - z * (691. / 32760 - z / 12))))));
  return out + std::log(x) - 0.5 / x - series;
}

// Solves erfc(x) = q for 0 < q <= 1 by Halley's iteration.
double erfc_inverse(double q) {
  if (q <= 0) return kInfinity;
  // Winitzki's approximation, good to 2e-3, or for tails the leading asymptotic term.
  const double w = std::log(q) + std::log(2 - q);
  const double a = 2 / (kPi * 0.147) + 0.5 * w;
  double x = std::sqrt(std::sqrt(a * a - w / 0.147) - a);
  if (!(x > 0)) x = 0;
  for (int i = 0; i < 4; ++i) {
    const double error = std::erfc(x) - q;
    const double u = error * (std::sqrt(kPi) / 2) * std::exp(x * x);
    x += u / (1 - x * u);
  }
  return x;
}

double erfinv_double(double y) {
  const double a = std::abs(y);
  if (!(a <= 1)) return kNaN;
  if (a == 1) return std::copysign(kInfinity, y);
  if (a > 0.5) return std::copysign(erfc_inverse(1 - a), y);
  const double w = std::log1p(-a * a);
  const double b = 2 / (kPi * 0.147) + 0.5 * w;
  double x = std::sqrt(std::max(0.0, std::sqrt(b * b - w / 0.147) - b));
  if (a < 1e-4) x = a * std::sqrt(kPi) / 2;
  for (int i = 0; i < 3; ++i) {
    const double u = (std::erf(x) - a) * (std::sqrt(kPi) / 2) * std::exp(x * x);
    x -= u / (1 + x * u);
  }
  return std::copysign(x, y);
}

double ndtri_double(double p) {
  if (!(p >= 0 && p <= 1)) return kNaN;
  if (p == 0) return -kInfinity;
  if (p == 1) return kInfinity;
  const double root = std::sqrt(2.0);
  if (p > 0.25 && p < 0.75) return root * erfinv_double(2 * p - 1);
  return p < 0.5 ? -root * erfc_inverse(2 * p) : root * erfc_inverse(2 * (1 - p));
}

// exp(-|x|) I_order(|x|): the power series, or far out the asymptotic one.
double bessel_scaled(int order, double a) {
  if (std::isinf(a)) return 0;
  if (a < 25) {
    const double q = a * a / 4;
    double term = order == 0 ? 1 : a / 2, sum = term;
    for (int k = 1; term > sum * 1e-17 && k < 200; ++k) {
      term *= q / (static_cast<double>(k) * (k + order));
      sum += term;
    }
    return sum * std::exp(-a);
  }
  const double mu = 4.0 * order * order;
  double term = 1, sum = 1;
  for (int k = 1; k < 40; ++k) {
    const double odd = 2 * k - 1;
    const double next = term * -(mu - odd * odd) / (8 * a * k);
    if (std::abs(next) > std::abs(term) || std::abs(next) < 1e-17) break;
    term = next;
    sum += term;
  }
  return sum / std::sqrt(2 * kPi * a);
}

// Euler-Maclaurin: the first terms one by one, the rest by integral and corrections.
double zeta_double(double x, double q) {
  if (x == 1) return kInfinity;
  if (!(x > 1)) return kNaN;
  if (q <= 0) {
    if (q == std::floor(q)) return kInfinity;
    if (x != std::floor(x)) return kNaN;
  }
  double sum = 0;
  int n = 0;
  for (; n < 12 || q + n < 9; ++n) {
    const double term = std::pow(q + n, -x);
    sum += term;
    if (n > 12 && std::abs(term) < 1e-17 * std::abs(sum)) return sum;
    if (n > 10000000) break;
  }
  const double a = q + n;
  const double power = std::pow(a, -x);
  sum += power * a / (x - 1) + 0.5 * power;
  // B_2k / (2k)!
  static constexpr double bernoulli[] = {
      1. / 12,           -1. / 720,
      1. / 30240,        -1. / 1209600,
      1. / 47900160.,    -691. / 1307674368000.,
      1. / 74724249600., -3617. / 10670622842880000.};
  double factor = x * power / a;
  for (int k = 0; k < 8; ++k) {
    const double term = bernoulli[k] * factor;
    sum += term;
    if (std::abs(term) < 1e-17 * std::abs(sum)) break;
    factor *= (x + 2 * k + 1) * (x + 2 * k + 2) / (a * a);
  }
  return sum;
}

// The lower function by its power series.
double gamma_series(double a, double x) {
  double term = 1 / a, sum = term;
  for (int k = 1; k < 20000 && term > sum * 1e-17; ++k) {
    term *= x / (a + k);
    sum += term;
  }
  return sum * std::exp(a * std::log(x) - x - lgamma_double(a));
}

// The upper function by Lentz's continued fraction.
double gamma_fraction(double a, double x) {
  constexpr double tiny = 1e-300;
  double b = x + 1 - a, c = 1 / tiny, d = 1 / b, h = d;
  for (int k = 1; k < 20000; ++k) {
    const double n = -k * (k - a);
    b += 2;
    d = n * d + b;
    if (std::abs(d) < tiny) d = tiny;
    c = b + n / c;
    if (std::abs(c) < tiny) c = tiny;
    d = 1 / d;
    h *= d * c;
    if (std::abs(d * c - 1) < 1e-16) break;
  }
  return h * std::exp(a * std::log(x) - x - lgamma_double(a));
}

double igamma_double(double a, double x, bool upper) {
  if (!(a >= 0) || !(x >= 0)) return kNaN;
  if (a == 0) return x > 0 ? (upper ? 0 : 1) : kNaN;
  if (x == 0) return upper ? 1 : 0;
  if (std::isinf(a)) return std::isinf(x) ? kNaN : (upper ? 1 : 0);
  if (std::isinf(x)) return upper ? 0 : 1;
  if (x < a + 1) {
    const double p = gamma_series(a, x);
    return upper ? 1 - p : p;
  }
  const double q = gamma_fraction(a, x);
  return upper ? q : 1 - q;
}

}  // namespace

template <class T>
T digamma(T x) {
  return static_cast<T>(digamma_double(x));
}
template <class T>
T erfinv(T y) {
  return static_cast<T>(erfinv_double(y));
}
template <class T>
T ndtri(T p) {
  return static_cast<T>(ndtri_double(p));
}
template <class T>
T bessel_i0e(T x) {
  return static_cast<T>(bessel_scaled(0, std::abs(x)));
}
template <class T>
T bessel_i1e(T x) {
  return static_cast<T>(std::copysign(bessel_scaled(1, std::abs(x)), x));
}
template <class T>
T zeta(T x, T q) {
  return static_cast<T>(zeta_double(x, q));
}
template <class T>
T polygamma(int64_t n, T x) {
  if (n == 0) return digamma(x);
  const double order = static_cast<double>(n) + 1;
  const double out = std::exp(lgamma_double(order)) * zeta_double(order, x);
  return static_cast<T>(n % 2 == 0 ? -out : out);
}
template <class T>
T igamma(T a, T x) {
  return static_cast<T>(igamma_double(a, x, false));
}
template <class T>
T igammac(T a, T x) {
  return static_cast<T>(igamma_double(a, x, true));
}

template float digamma(float);
template double digamma(double);
template float erfinv(float);
template double erfinv(double);
template float ndtri(float);
template double ndtri(double);
template float bessel_i0e(float);
template double bessel_i0e(double);
template float bessel_i1e(float);
template double bessel_i1e(double);
template float zeta(float, float);
template double zeta(double, double);
template float polygamma(int64_t, float);
template double polygamma(int64_t, double);
template float igamma(float, float);
template double igamma(double, double);
template float igammac(float, float);
template double igammac(double, double);

}  // namespace FL_ISA
