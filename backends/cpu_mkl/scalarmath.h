// Special functions of single numbers, for which vectors are not worth their code.
#pragma once

#include <cmath>
#include <limits>

namespace FL_ISA {

template <class T>
T digamma(T x);
template <class T>
T erfinv(T y);
template <class T>
T ndtri(T p);
template <class T>
T bessel_i0e(T x);
template <class T>
T bessel_i1e(T x);
// Hurwitz's zeta function: the sum of (q + k)^-x.
template <class T>
T zeta(T x, T q);
template <class T>
T polygamma(int64_t n, T x);
// The regularised incomplete gamma functions, lower and upper.
template <class T>
T igamma(T a, T x);
template <class T>
T igammac(T a, T x);

inline float lgamma_of(float x) {
  int sign;
  return ::lgammaf_r(x, &sign);
}
inline double lgamma_of(double x) {
  int sign;
  return ::lgamma_r(x, &sign);
}

}  // namespace FL_ISA
