// The functions that <cmath> lacks, in double.
#pragma once

#include <cmath>
#include <limits>

#include "kernels/simt.h"

namespace simulated {

// The sign that lgamma leaves in a global would be a race.
__host__ __device__ inline double log_gamma(double x) {
  int sign;
  return ::lgamma_r(x, &sign);
}

// ψ(x): reflection for negative x, recurrence up to 12, then the asymptotic series
// (Abramowitz and Stegun 6.3.7, 6.3.5, 6.3.18).
__host__ __device__ inline double digamma(double x) {
  constexpr double kPi = 3.14159265358979323846;
  if (x == 0) return std::copysign(std::numeric_limits<double>::infinity(), -x);
  double out = 0;
  if (x < 0) {
    if (x == std::floor(x)) return std::numeric_limits<double>::quiet_NaN();
    out = -kPi / std::tan(kPi * (x - std::floor(x)));
    x = 1 - x;
  }
  for (; x < 12; x += 1) out -= 1 / x;
  if (std::isinf(x)) return x;
  // B_2k / 2k for k = 1, 2, ...
  constexpr double terms[] = {1. / 12,  -1. / 120,      1. / 252, -1. / 240,
                              1. / 132, -691. / 32760., 1. / 12};
  const double step = 1 / (x * x);
  double power = step, sum = 0;
  for (double t : terms) {
    sum += t * power;
    power *= step;
  }
  return out + std::log(x) - 0.5 / x - sum;
}

// The x with erf(x) = y, by Newton's iteration on the side (erf or erfc) that keeps its
// digits.
__host__ __device__ inline double erfinv(double y) {
  const double a = std::abs(y);
  if (!(a <= 1)) return std::numeric_limits<double>::quiet_NaN();
  if (a == 1) return std::copysign(std::numeric_limits<double>::infinity(), y);
  constexpr double kHalfRootPi = 0.88622692545275801365;
  // A start that is good to some per cent: exact to first order at 0, and in the tail
  // erfc(x) is about exp(-x²).
  const double tail = std::sqrt(-std::log((1 - a) * (1 + a)));
  double x = a < 0.7 ? a * kHalfRootPi * (1 + a * a * 0.2618) : tail * 0.92;
  for (int i = 0; i < 40; ++i) {
    const double error = a < 0.5 ? std::erf(x) - a : (1 - a) - std::erfc(x);
    const double slope = std::exp(-x * x) / kHalfRootPi;
    const double step = error / slope;
    // Halley's correction makes the tail converge from either side.
    const double next = x - step / (1 + x * step);
    if (std::abs(next - x) <= 1e-16 * x) return std::copysign(next, y);
    x = next;
  }
  return std::copysign(x, y);
}

}  // namespace simulated
