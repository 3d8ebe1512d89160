// Sine, cosine, tangent and their inverses on vectors of float and double: the part of
// elementary.h that works with angles.
#pragma once

#include "elementary.h"

namespace FL_ISA {

// ---- circular functions -----------------------------------------------------
// A function of the library for each lane, out of the way of the vectors' loop.
template <class F, class V>
__attribute__((noinline)) V far_lanes(F f, V x) {
  return map_lanes(f, x);
}

template <class V>
struct Turned {
  V r;        // in [-pi/4, pi/4]
  Mask<V> q;  // the quarter turns taken off, modulo 4
};

template <class V>
inline constexpr Lane<V> kTurnLimit = is_float_vec<V> ? Lane<V>(8192) : Lane<V>(1e6);

template <class V>
FL_INLINE Turned<V> reduce_turn(V x) {
  const auto [n, q] = round_by_adding<0>(x, Lane<V>(0x1.45f306dc9c883p-1));
  if constexpr (is_float_vec<V>) {
    return {((x - n * 0x1.92p+0f) - n * 0x1.fb4p-12f) - n * 0x1.444p-24f -
                n * 0x1.68c234c4c6629p-39f,
            q};
  } else {
    return {
        ((x - n * 0x1.921fb544p+0) - n * 0x1.0b4611a6p-34) - n * 0x1.3198a2e037073p-69,
        q};
  }
}

template <class V>
FL_INLINE V sin_small(V r) {
  const V z = r * r;
  if constexpr (is_float_vec<V>) {
    return r * z *
               poly(z, -0.1666666666f, 8.333331866e-3f, -1.984008201e-4f,
                    2.724931405e-6f) +
           r;
  } else {
    return r * z *
               poly(z, -0.166666666666666646, 8.33333333333092456e-3,
                    -1.98412698367224178e-4, 2.75573160838163586e-6,
                    -2.50511279440141876e-8, 1.5917848524808261e-10) +
           r;
  }
}

template <class V>
FL_INLINE V cos_small(V r) {
  using T = Lane<V>;
  const V z = r * r;
  V p;
  if constexpr (is_float_vec<V>) {
    p = poly(z, 4.166666465e-2f, -1.38883007e-3f, 2.454743721e-5f);
  } else {
    p = poly(z, 4.16666666666666654e-2, -1.38888888888873823e-3, 2.48015872987430693e-5,
             -2.75573172600088382e-7, 2.08761438279931325e-9, -1.13824567780613058e-11);
  }
  return (z * z * p - z * T(0.5)) + 1;
}

template <class V>
FL_INLINE V sin_turned(V r, Mask<V> q) {
  using M = Mask<V>;
  constexpr int top = sizeof(Lane<V>) * 8 - 1;
  const V out = (q << top) < 0 ? cos_small(r) : sin_small(r);
  return (V)((M)out ^ ((q & 2) << (top - 1)));
}

template <class V>
FL_INLINE V vsin(V x) {
  using T = Lane<V>;
  if (any_lane(abs_of(x) > kTurnLimit<V>)) {
    return far_lanes([](T a) { return std::sin(a); }, x);
  }
  const auto [r, q] = reduce_turn(x);
  return x == 0 ? x : sin_turned(r, q);
}

template <class V>
FL_INLINE V vcos(V x) {
  using T = Lane<V>;
  if (any_lane(abs_of(x) > kTurnLimit<V>)) {
    return far_lanes([](T a) { return std::cos(a); }, x);
  }
  const auto [r, q] = reduce_turn(x);
  return sin_turned(r, q + 1);
}

template <class V>
FL_INLINE V vtan(V x) {
  using T = Lane<V>;
  if (any_lane(abs_of(x) > kTurnLimit<V>)) {
    return far_lanes([](T a) { return std::tan(a); }, x);
  }
  const auto [r, q] = reduce_turn(x);
  const V s = sin_small(r), c = cos_small(r);
  const V out = (q & 1) != 0 ? -c / s : s / c;
  return x == 0 ? x : out;
}

// ---- inverse circular functions ---------------------------------------------
template <class V>
FL_INLINE V vatan(V x) {
  using T = Lane<V>;
  const V a = abs_of(x);
  // Above tan(3 pi/8) by the reciprocal, above tan(pi/8) about pi/4.
  const auto high = a > T(2.41421356237309504880);
  const auto middle = a > T(0.41421356237309504880);
  const V top = high ? V{} - 1 : (middle ? a - 1 : a);
  const V bottom = high ? a : (middle ? a + 1 : V{} + 1);
  const V t = top / bottom;
  const V z = t * t;
  V p;
  if constexpr (is_float_vec<V>) {
    p = poly(z, -0.3333333176f, 0.1999954031f, -0.1426394975f, 0.1074366832f,
             -6.451718869e-2f);
  } else {
    p = poly(z, -0.333333333333333302, 0.199999999999955165, -0.142857142846656808,
             0.111111110151870187, -9.09090457530648908e-2, 7.69218312537689209e-2,
             -6.6645105255089366e-2, 5.85814090486632828e-2, -5.08540783458948426e-2,
             3.92304477847930952e-2, -1.91754047111049337e-2);
  }
  constexpr T half_pi = T(0x1.921fb54442d18p+0);
  constexpr T half_pi_low = is_float_vec<V> ? T(0x1.921fb54442d18p+0 - double(half_pi))
                                            : T(0x1.1a62633145c07p-54);
  const V base = high ? V{} + half_pi : (middle ? V{} + half_pi / 2 : V{});
  const V low = high ? V{} + half_pi_low : (middle ? V{} + half_pi_low / 2 : V{});
  return with_sign(base + ((t * z * p + low) + t), x);
}

// asin(x) - x over x^3, for z = x^2 <= 1/4.
template <class V>
FL_INLINE V asin_poly(V z) {
  if constexpr (is_float_vec<V>) {
    return poly(z, 0.1666666634f, 7.500094761e-2f, 4.459931916e-2f, 3.110172783e-2f,
                1.714371682e-2f, 3.370072632e-2f);
  } else {
    return poly(z, 0.166666666666666678, 7.49999999999842426e-2, 4.46428571463733809e-2,
                3.03819441370852143e-2, 2.23721730020055974e-2, 1.73523912659092279e-2,
                1.39712353011245391e-2, 1.14789526902573867e-2, 1.0324318288744112e-2,
                5.45087818772054995e-3, 1.74193579648848572e-2, -1.48814093928180666e-2,
                2.87784426125930408e-2);
  }
}

template <class V>
FL_INLINE V vasin(V x) {
  using T = Lane<V>;
  const V a = abs_of(x);
  const auto big = a > T(0.5);
  const V z = big ? (1 - a) * T(0.5) : a * a;
  const V s = big ? vsqrt(z) : a;
  const V p = s * z * asin_poly(z) + s;
  constexpr T half_pi = T(0x1.921fb54442d18p+0);
  constexpr T low = is_float_vec<V> ? T(0x1.921fb54442d18p+0 - double(half_pi))
                                    : T(0x1.1a62633145c07p-54);
  return with_sign(big ? half_pi - (2 * p - low) : p, x);
}

template <class V>
FL_INLINE V vacos(V x) {
  using T = Lane<V>;
  const V a = abs_of(x);
  const auto big = a > T(0.5);
  const V z = big ? (1 - a) * T(0.5) : a * a;
  const V s = big ? vsqrt(z) : x;
  const V p = s * z * asin_poly(z) + s;
  constexpr T half_pi = T(0x1.921fb54442d18p+0);
  constexpr T low = is_float_vec<V> ? T(0x1.921fb54442d18p+0 - double(half_pi))
                                    : T(0x1.1a62633145c07p-54);
  const V outer = x > 0 ? 2 * p : 2 * half_pi - (2 * p - 2 * low);
  return big ? outer : half_pi - (p - low);
}

}  // namespace FL_ISA
