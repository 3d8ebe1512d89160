// The error function and functions of two operands on vectors, beside the elementary
// ones.
#pragma once

#include "circular.h"

namespace FL_ISA {

// ---- powers -----------------------------------------------------------------
#if defined(__FMA__)
template <class V>
FL_INLINE V fused(V a, V b, V c) {
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64 && is_float_vec<V>) return V(_mm512_fmadd_ps(a, b, c));
  if constexpr (sizeof(V) == 64 && !is_float_vec<V>) return V(_mm512_fmadd_pd(a, b, c));
#endif
  if constexpr (sizeof(V) == 32 && is_float_vec<V>) return V(_mm256_fmadd_ps(a, b, c));
  if constexpr (sizeof(V) == 32 && !is_float_vec<V>) return V(_mm256_fmadd_pd(a, b, c));
  return a * b + c;
}

// |x|^y for normal |x| and finite y: the logarithm as a sum of two floats.
template <class V>
FL_INLINE V pow_magnitude(V x, V y) {
  const auto [e, f] = split_normal(x);
  const V ff = f * f;
  const V p = poly_split(f, ff, 0.3333333299f, -0.2500000224f, 0.2000014091f,
                         -0.166665988f, 0.1427651843f, -0.1248591946f, 0.1129427611f,
                         -0.1055737346f, 8.443794547e-2f, -3.599657371e-2f);
  const V ff_low = fused(f, f, -ff);
  // log(1+f) = f - ff/2 + (f ff p - ff_low/2)
  const V small = fused(ff * f, p, ff_low * -0.5f);
  const V half = ff * -0.5f;
  const V high = f + half;
  const V rest = (half - (high - f)) + small;
  const V log_high = high + rest;
  const V log_low = rest - (log_high - high);
  // Times log2(e), plus the exponent.
  const V c_high = V{} + 0x1.715476p+0f, c_low = V{} + 0x1.4ae0bf85ddf44p-26f;
  const V t = log_high * c_high;
  const V t_low = fused(log_high, c_high, -t) + (log_high * c_low + log_low * c_high);
  const V sum = e + t;
  const V sum_low = (t - (sum - e)) + t_low;
  const V l = sum + sum_low;
  const V l_low = sum_low - (l - sum);
  // Times y.
  const V z = y * l;
  const V z_low = fused(y, l, -z) + y * l_low;
  const V inner = at_most(at_least(z, -170.0f), 160.0f);
  const auto [n, bits] = round_by_adding<2 * kExponentBias<V>>(inner, 1.0f);
  const V r = (inner - n) + (inner == z ? z_low : V{});
  return scale_by(expm1_small(r * 0x1.62e42fefa39efp-1f) + 1, bits);
}
#endif

template <class V>
__attribute__((noinline)) V pow_lanes(V x, V y) {
  using T = Lane<V>;
  return map_lanes([](T a, T b) { return std::pow(a, b); }, x, y);
}

template <class V>
FL_INLINE V vpow(V x, V y) {
#if defined(__FMA__)
  if constexpr (is_float_vec<V> && sizeof(V) == kWidth) {
    const V a = abs_of(x);
    if (!any_odd(a) && !any_lane(~(abs_of(y) < kInf<V>))) {
      const V out = pow_magnitude(a, y);
      if (!any_lane(x < 0)) return out;
      const auto whole = round_to<3>(y) == y;
      const V half = y * 0.5f;
      const auto odd = whole & (round_to<3>(half) != half);
      const V negative = whole ? (odd ? -out : out) : V{} + kNan<V>;
      return x < 0 ? negative : out;
    }
  }
#endif
  return pow_lanes(x, y);
}

// ---- the error function -----------------------------------------------------
// exp(x^2) erfc(x) for x >= 0, by a polynomial in u = (x - 2) / (x + 2).
template <class V>
FL_INLINE V verfcx(V x) {
  const V u = (x - 2) / (x + 2);
  V p;
  if constexpr (is_float_vec<V>) {
    p = poly(u, 1.276978382f, -9.276381642e-2f, -0.1660304917f, 0.164050926f,
             -5.421831327e-2f, -8.030125678e-3f, 8.711948244e-3f, 1.251411226e-3f,
             -1.427799261e-3f, -4.018811283e-4f, 1.754952066e-4f, 8.270895293e-5f);
  } else {
    p = poly(u, 1.27697838155252872, -9.27638265857459381e-2, -0.166030397615290052,
             0.164051280033434412, -5.4220000991976164e-2, -8.03401508217597728e-3,
             8.72265387365324761e-3, 1.27133896231383342e-3, -1.45681391203982645e-3,
             -4.54340801834674365e-4, 2.06366865610201026e-4, 1.51039023702244466e-4,
             -1.50770085694207442e-6, -3.64227102337801351e-5, -1.35015514944756246e-5,
             3.70838853303315673e-6, 5.24702671236676732e-6, 1.51101491569492129e-6,
             -7.36229152696368238e-7, -8.50218898198653183e-7, -2.16746400706947959e-7,
             1.60026486939814513e-7, 1.31281872275461155e-7, 8.06777323977163469e-9,
             -2.23086123997358177e-8, -6.57371728773721683e-9);
  }
  return p / (1 + 2 * x);
}

// exp(-x^2): x in two parts, the square of the first of which is exact.
template <class V>
FL_INLINE V vexp_square(V x) {
  using M = Mask<V>;
  constexpr int cut = is_float_vec<V> ? 12 : 27;
  const V high = (V)((M)x >> cut << cut);
  const V rest = (high - x) * (high + x);  // at most a few hundredths
  return vexp(-high * high) * (expm1_small(rest) + 1);
}

template <class V>
FL_INLINE V verfc(V x) {
  using T = Lane<V>;
  constexpr T end = is_float_vec<V> ? T(10.1) : T(26.6);
  const V a = abs_of(x);
  const V inner = a > end ? V{} + end : a;
  const V product = verfcx(inner) * vexp_square(inner);
  const V tail = a > end ? V{} : product;
  return x < 0 ? 2 - tail : tail;
}

// For float, 1 - exp(-x G(x)), with G fitted to -log(erfc(x)) / x on [0, 4].
template <class V>
FL_INLINE V verf(V x) {
  V a = abs_of(x);
  if constexpr (is_float_vec<V>) {
    a = at_most(a, 4.0f);
    const V g =
        poly_split(a, a * a, 0.6366195674f, 0.1027733609f, -1.912138603e-2f,
                   -2.581503948e-4f, 1.823030723e-3f, -7.718797463e-4f, 1.880921764e-4f,
                   -2.874358177e-5f, 2.55876506e-6f, -1.013977274e-7f) *
            a +
        1.128379171f;
    const auto [r, bits] = reduce_exp<kExponentBias<V>>(-a * g);
    const V scale = power_of_two<V>(bits);
    return with_sign((1 - scale) - scale * expm1_small(r), x);
  } else {
    const V z = x * x;
    const V near = x * poly(z, 0.128379167095512574, -0.376126389031837524,
                            0.112837916709551202, -2.68661706451298408e-2,
                            5.22397762542329831e-3, -8.5483270219348296e-4,
                            1.20553329028887354e-4, -1.49256475675193321e-5,
                            1.64620454414684189e-6, -1.63646421581676153e-7,
                            1.4792401209404813e-8, -1.21645600572834501e-9,
                            8.70904512905310669e-11, -4.23094582429533782e-12) +
                   x;
    a = a > 6 ? V{} + 6.0 : a;
    const V far = with_sign(1 - verfcx(a) * vexp(-a * a), x);
    return abs_of(x) > 1 ? far : near;
  }
}

// ---- two operands -----------------------------------------------------------
template <class V>
FL_INLINE V vhypot(V x, V y) {
  const V a = abs_of(x), b = abs_of(y);
  const V big = a > b ? a : b, small = a > b ? b : a;
  const V q = small / big;
  V out = big * vsqrt(1 + q * q);
  out = big == 0 ? big : out;
  out = (a != a) | (b != b) ? V{} + kNan<V> : out;
  return (a == kInf<V>) | (b == kInf<V>) ? V{} + kInf<V> : out;
}

template <class V>
FL_INLINE V vatan2(V y, V x) {
  using T = Lane<V>;
  const auto usual = (x != 0) & (abs_of(x) < kInf<V>)&(abs_of(y) < kInf<V>);
  if (any_lane(~usual)) {
    return map_lanes([](T a, T b) { return std::atan2(a, b); }, y, x);
  }
  constexpr T pi = T(0x1.921fb54442d18p+1);
  const V out = vatan(y / x);
  return x < 0 ? out + with_sign(V{} + pi, y) : out;
}

// fmod: exact where the quotient is small; other lanes go to the library.
template <class V>
FL_INLINE V vfmod(V x, V y) {
  using T = Lane<V>;
#if defined(__FMA__)
  if constexpr (sizeof(V) == kWidth) {
    constexpr T limit = is_float_vec<V> ? T(0x1p22) : T(0x1p51);
    const V a = abs_of(x), b = abs_of(y);
    const V quotient = a / b;
    constexpr T tiny = is_float_vec<V> ? T(1e-30) : T(1e-290);
    const auto usual = (quotient < limit) & (b > tiny) & (b < kInf<V>);
    if (!any_lane(~usual)) {
      // The rounded quotient may be one too large; then the remainder is negative.
      V r = fused(-round_to<3>(quotient), b, a);
      r = r < 0 ? r + b : r;
      r = r >= b ? r - b : r;
      return with_sign(r, x);
    }
  }
#endif
  return map_lanes([](T a, T b) { return std::fmod(a, b); }, x, y);
}

// The remainder with the sign of the divisor, as Python has it.
template <class V>
FL_INLINE V vremainder(V x, V y) {
  const V r = vfmod(x, y);
  return (r != 0) & ((r < 0) != (y < 0)) ? r + y : r;
}

template <class V>
FL_INLINE V vdiv_floor(V x, V y) {
  using T = Lane<V>;
  const V r = vfmod(x, y);
  V q = (x - r) / y;
  q = (r != 0) & ((r < 0) != (y < 0)) ? q - 1 : q;
  V whole = round_to<1>(q);
  whole = q - whole > T(0.5) ? whole + 1 : whole;
  whole = q == 0 ? with_sign(V{}, x / y) : whole;
  return y == 0 ? x / y : whole;
}

template <class V>
FL_INLINE V vlogaddexp(V a, V b) {
  using T = Lane<V>;
  const V high = max_nan(a, b);
  const V out = high + vlog1p(vexp(-abs_of(a - b)));
  return a == b ? a + T(0.69314718055994530942) : out;
}

template <class V>
FL_INLINE V vlogaddexp2(V a, V b) {
  using T = Lane<V>;
  const V high = max_nan(a, b);
  const V out = high + vlog1p(vexp2(-abs_of(a - b))) * T(1.4426950408889634074);
  return a == b ? a + 1 : out;
}

}  // namespace FL_ISA
