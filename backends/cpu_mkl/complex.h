// Arithmetic on vectors of complex numbers, and elementary functions of them.
#pragma once

#include "vecmath.h"

namespace FL_ISA {

template <class C>
inline constexpr bool is_cvec = false;
template <class T, int N>
inline constexpr bool is_cvec<CVec<T, N>> = true;

template <class T, int N>
FL_INLINE CVec<T, N> operator+(CVec<T, N> a, CVec<T, N> b) {
  return {a.re + b.re, a.im + b.im};
}
template <class T, int N>
FL_INLINE CVec<T, N> operator-(CVec<T, N> a, CVec<T, N> b) {
  return {a.re - b.re, a.im - b.im};
}
template <class T, int N>
FL_INLINE CVec<T, N> operator-(CVec<T, N> a) {
  return {-a.re, -a.im};
}
template <class T, int N>
FL_INLINE CVec<T, N> operator*(CVec<T, N> a, CVec<T, N> b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
// The divisor is scaled by its larger part, so that its square neither overflows nor
// vanishes.
template <class T, int N>
FL_INLINE CVec<T, N> operator/(CVec<T, N> a, CVec<T, N> b) {
  const auto re = abs_of(b.re), im = abs_of(b.im);
  const auto scale = re > im ? re : im;
  const auto c = b.re / scale, d = b.im / scale;
  const auto norm = (c * c + d * d) * scale;
  return {(a.re * c + a.im * d) / norm, (a.im * c - a.re * d) / norm};
}

template <class T, int N>
FL_INLINE CVec<T, N> csplat(std::complex<T> z) {
  return {splat<Vec<T, N>>(z.real()), splat<Vec<T, N>>(z.imag())};
}

template <class T, int N>
FL_INLINE Vec<T, N> vabs(CVec<T, N> a) {
  return vhypot(a.re, a.im);
}

template <class T, int N>
FL_INLINE CVec<T, N> choose(Mask<Vec<T, N>> m, CVec<T, N> a, CVec<T, N> b) {
  return {m ? a.re : b.re, m ? a.im : b.im};
}
template <class V>
FL_INLINE V choose(Mask<V> m, V a, V b) {
  return m ? a : b;
}

// Which lanes are not zero.
template <class V>
FL_INLINE auto nonzero(V a) {
  if constexpr (is_cvec<V>) {
    return (a.re != 0) | (a.im != 0);
  } else {
    return a != 0;
  }
}

template <class V>
FL_INLINE auto equal(V a, V b) {
  if constexpr (is_cvec<V>) {
    return (a.re == b.re) & (a.im == b.im);
  } else {
    return a == b;
  }
}

// A function of std::complex on each lane.
template <class F, class T, int N, class... W>
FL_INLINE CVec<T, N> map_complex(F f, CVec<T, N> a, W... rest) {
  CVec<T, N> out{};
#pragma GCC unroll 1
  for (int i = 0; i < N; ++i) {
    const std::complex<T> z = f(std::complex<T>(a.re[i], a.im[i]),
                                std::complex<T>(rest.re[i], rest.im[i])...);
    out.re[i] = z.real();
    out.im[i] = z.imag();
  }
  return out;
}

}  // namespace FL_ISA
