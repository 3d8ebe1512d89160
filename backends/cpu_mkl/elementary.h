// Elementary functions on vectors of float and double, within one or two units in the
// last place. Polynomials are Chebyshev fits made with mpmath over the interval named
// beside each. Arguments for which a method does not hold go to the C library, lane by
// lane.
#pragma once

#include <cmath>
#include <limits>

#include "simd.h"

namespace FL_ISA {

template <class V>
inline constexpr bool is_float_vec = std::is_same_v<Lane<V>, float>;
template <class V>
inline constexpr Lane<V> kInf = std::numeric_limits<Lane<V>>::infinity();
template <class V>
inline constexpr Lane<V> kNan = std::numeric_limits<Lane<V>>::quiet_NaN();

// c0 + c1 x + c2 x^2 + ...
template <class V>
FL_INLINE V poly(V, Lane<V> c0) {
  return V{} + c0;
}
template <class V, class... C>
FL_INLINE V poly(V x, Lane<V> c0, C... rest) {
  return poly(x, static_cast<Lane<V>>(rest)...) * x + c0;
}

// The same, by the even and the odd powers apart: hardly more work, in half the time
// from x to the result.
template <class V>
struct Parts {
  V even, odd;
};
template <class V>
FL_INLINE Parts<V> poly_parts(V, Lane<V> c0, Lane<V> c1) {
  return {V{} + c0, V{} + c1};
}
template <class V>
FL_INLINE Parts<V> poly_parts(V square, Lane<V> c0, Lane<V> c1, Lane<V> c2) {
  return {square * c2 + c0, V{} + c1};
}
template <class V, class... C>
FL_INLINE Parts<V> poly_parts(V square, Lane<V> c0, Lane<V> c1, Lane<V> c2, Lane<V> c3,
                              C... rest) {
  const Parts<V> p = poly_parts(square, c2, c3, static_cast<Lane<V>>(rest)...);
  return {p.even * square + c0, p.odd * square + c1};
}
template <class V, class... C>
FL_INLINE V poly_split(V x, V square, C... c) {
  const Parts<V> p = poly_parts(square, static_cast<Lane<V>>(c)...);
  return p.odd * x + p.even;
}

// The lesser and the greater of `limit` and x, each in one instruction; NaN stays.
template <class V>
FL_INLINE V at_most(V x, Lane<V> limit) {
  const V bound = splat<V>(limit);
#if defined(__AVX__)
  if constexpr (sizeof(V) == 32 && is_float_vec<V>) return V(_mm256_min_ps(bound, x));
  if constexpr (sizeof(V) == 32 && !is_float_vec<V>) return V(_mm256_min_pd(bound, x));
#endif
  return x > bound ? bound : x;
}
template <class V>
FL_INLINE V at_least(V x, Lane<V> limit) {
  const V bound = splat<V>(limit);
#if defined(__AVX__)
  if constexpr (sizeof(V) == 32 && is_float_vec<V>) return V(_mm256_max_ps(bound, x));
  if constexpr (sizeof(V) == 32 && !is_float_vec<V>) return V(_mm256_max_pd(bound, x));
#endif
  return x < bound ? bound : x;
}

template <class V>
FL_INLINE V abs_of(V x) {
  using U = Mask<V>;
  if constexpr (std::is_floating_point_v<Lane<V>>) {
    return (V)((U)x & ~(U)(-(V{})));
  } else {
    return x < 0 ? -x : x;
  }
}

template <class V>
FL_INLINE V with_sign(V magnitude, V sign) {
  using U = Mask<V>;
  const U bit = (U)(-(V{}));
  return (V)(((U)magnitude & ~bit) | ((U)sign & bit));
}

// ---- rounding and roots, which the processor has ----------------------------
// Mode: 0 nearest (ties to even), 1 down, 2 up, 3 toward zero.
template <int Mode, class V>
FL_INLINE V round_to(V x) {
  constexpr int imm = Mode | 8;
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64 && is_float_vec<V>)
    return V(_mm512_roundscale_ps(x, imm));
  if constexpr (sizeof(V) == 64 && !is_float_vec<V>)
    return V(_mm512_roundscale_pd(x, imm));
#endif
#if defined(__AVX__)
  if constexpr (sizeof(V) == 32 && is_float_vec<V>) return V(_mm256_round_ps(x, imm));
  if constexpr (sizeof(V) == 32 && !is_float_vec<V>) return V(_mm256_round_pd(x, imm));
#endif
#if defined(__SSE4_1__)
  if constexpr (sizeof(V) == 16 && is_float_vec<V>) return V(_mm_round_ps(x, imm));
  if constexpr (sizeof(V) == 16 && !is_float_vec<V>) return V(_mm_round_pd(x, imm));
#endif
  return map_lanes(
      [](Lane<V> y) -> Lane<V> {
        return Mode == 0   ? std::nearbyint(y)
               : Mode == 1 ? std::floor(y)
               : Mode == 2 ? std::ceil(y)
                           : std::trunc(y);
      },
      x);
}

template <class V>
FL_INLINE V vsqrt(V x) {
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64 && is_float_vec<V>) return V(_mm512_sqrt_ps(x));
  if constexpr (sizeof(V) == 64 && !is_float_vec<V>) return V(_mm512_sqrt_pd(x));
#endif
#if defined(__AVX__)
  if constexpr (sizeof(V) == 32 && is_float_vec<V>) return V(_mm256_sqrt_ps(x));
  if constexpr (sizeof(V) == 32 && !is_float_vec<V>) return V(_mm256_sqrt_pd(x));
#endif
#if defined(__SSE2__)
  if constexpr (sizeof(V) == 16 && is_float_vec<V>) return V(_mm_sqrt_ps(x));
  if constexpr (sizeof(V) == 16 && !is_float_vec<V>) return V(_mm_sqrt_pd(x));
#endif
  return map_lanes([](Lane<V> y) { return std::sqrt(y); }, x);
}

// x * 2^n for whole n, exact until the last step also where the result is subnormal.
template <class V>
FL_INLINE V scale2(V x, V n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64 && is_float_vec<V>) return V(_mm512_scalef_ps(x, n));
  if constexpr (sizeof(V) == 64 && !is_float_vec<V>) return V(_mm512_scalef_pd(x, n));
#endif
  using T = Lane<V>;
  using I = Lane<Mask<V>>;
  constexpr int bits = std::is_same_v<T, float> ? 23 : 52;
  constexpr I bias = std::is_same_v<T, float> ? 127 : 1023;
  // Conversion of double to int64 has no instruction before AVX-512: go through the
  // mantissa of a large number.
  constexpr T big = std::is_same_v<T, float> ? T(0x1.8p23) : T(0x1.8p52);
  const auto whole = (Mask<V>)(n + big) - (Mask<V>)(V{} + big);
  const auto half = whole >> 1;
  return x * (V)((half + bias) << bits) * (V)((whole - half + bias) << bits);
}

// ---- exponentials -----------------------------------------------------------
// exp(r) - 1 for |r| <= ln(2)/2.
template <class V>
FL_INLINE V expm1_small(V r) {
  const V z = r * r;
  if constexpr (is_float_vec<V>) {
    const V q = poly_split(r, z, 0.5000000013f, 0.1666666668f, 4.166646484e-2f,
                           8.333310917e-3f, 1.393365896e-3f, 1.989100078e-4f);
    return z * q + r;
  } else {
    const V q = poly_split(r, z, 0.5, 0.16666666666666671, 4.16666666666666698e-2,
                           8.33333333332612936e-3, 1.38888888888837442e-3,
                           1.98412698748407686e-4, 2.48015873255621258e-5,
                           2.75572553746587421e-6, 2.75572736248664763e-7,
                           2.51052276365517591e-8, 2.09146945603515916e-9);
    return z * q + r;
  }
}

template <class V>
inline constexpr int kMantissa = is_float_vec<V> ? 23 : 52;
template <class V>
inline constexpr int kExponentBias = is_float_vec<V> ? 127 : 1023;

// A number rounded to a whole one by adding it to so large a number that its last bits
// are the whole one, plus `offset`.
template <class V>
struct Rounded {
  V n;
  Mask<V> bits;  // n + offset, below the exponent of the large number
};

template <int kOffset, class V>
FL_INLINE Rounded<V> round_by_adding(V x, Lane<V> factor) {
  using T = Lane<V>;
  constexpr T large = (is_float_vec<V> ? T(0x1.8p23) : T(0x1.8p52)) + kOffset;
  const V sum = x * factor + large;
  return {sum - large, (Mask<V>)sum};
}

template <class V>
struct Reduced {
  V r;           // x = n ln(2) + r
  Mask<V> bits;  // n + an offset, below bits that a shift takes out
};

template <int kOffset, class V>
FL_INLINE Reduced<V> reduce_exp(V x) {
  using T = Lane<V>;
  const auto [n, bits] = round_by_adding<kOffset>(x, T(0x1.71547652b82fep+0));
  if constexpr (is_float_vec<V>) {
    return {(x - n * 0x1.62ep-1f) - n * 0x1.0bfbe8e7bcd5ep-15f, bits};
  } else {
    return {(x - n * 0x1.62e42fefap-1) - n * 0x1.cf79abc9e3b3ap-40, bits};
  }
}

// 2^n from n + the bias, for a normal result.
template <class V>
FL_INLINE V power_of_two(Mask<V> bits) {
  return (V)(bits << kMantissa<V>);
}

// x * 2^n from n + twice the bias, as scale2.
template <class V>
FL_INLINE V scale_by(V x, Mask<V> bits) {
  using U = Vec<std::make_unsigned_t<Lane<Mask<V>>>, lanes_of<V>>;
  const Mask<V> half = (Mask<V>)((U)bits >> 1);
  return x * power_of_two<V>(half) * power_of_two<V>(bits - half);
}

template <class V>
FL_INLINE V vexp(V x) {
  using T = Lane<V>;
  constexpr T low = std::is_same_v<T, float> ? T(-104) : T(-746);
  constexpr T high = std::is_same_v<T, float> ? T(89) : T(710);
  x = at_most(at_least(x, low), high);
#if defined(__AVX512F__)
  const V n = round_to<0>(x * T(0x1.71547652b82fep+0));
  const V r = is_float_vec<V>
                  ? (x - n * T(0x1.62ep-1)) - n * T(0x1.0bfbe8e7bcd5ep-15)
                  : (x - n * T(0x1.62e42fefap-1)) - n * T(0x1.cf79abc9e3b3ap-40);
  return scale2(expm1_small(r) + 1, n);
#else
  const auto [r, bits] = reduce_exp<2 * kExponentBias<V>>(x);
  return scale_by(expm1_small(r) + 1, bits);
#endif
}

template <class V>
FL_INLINE V vexpm1(V x) {
  using T = Lane<V>;
  constexpr T low = std::is_same_v<T, float> ? T(-30) : T(-60);
  constexpr T high = std::is_same_v<T, float> ? T(89) : T(710);
  // Half of 2^n (p + 1) - 1 = 2^n p + (2^n - 1), for 2^128 is infinite though the
  // result may not be.
  const auto [r, bits] =
      reduce_exp<kExponentBias<V> - 1>(at_most(at_least(x, low), high));
  const V scale = power_of_two<V>(bits);
  const V half = scale * expm1_small(r) + (scale - T(0.5));
  return x == 0 ? x : half + half;
}

template <class V>
FL_INLINE V vexp2(V x) {
  using T = Lane<V>;
  constexpr T low = std::is_same_v<T, float> ? T(-151) : T(-1076);
  constexpr T high = std::is_same_v<T, float> ? T(129) : T(1025);
  x = at_most(at_least(x, low), high);
  const auto [n, bits] = round_by_adding<2 * kExponentBias<V>>(x, T(1));
  return scale_by(expm1_small((x - n) * T(0x1.62e42fefa39efp-1)) + 1, bits);
}

template <class V>
FL_INLINE V vsigmoid(V x) {
  return 1 / (1 + vexp(-x));
}

template <class V>
FL_INLINE V vtanh(V x) {
  using T = Lane<V>;
  constexpr T high = std::is_same_v<T, float> ? T(20) : T(44);
  const auto [r, bits] = reduce_exp<kExponentBias<V>>(at_most(abs_of(x) * 2, high));
  const V scale = power_of_two<V>(bits);
  const V t = scale * expm1_small(r) + (scale - 1);
  return with_sign(t / (t + 2), x);
}

template <class V>
FL_INLINE V vsinh(V x) {
  using T = Lane<V>;
  const V t = vexpm1(abs_of(x));
  // Near the end of the range exp(x)/2 is finite though exp(x) is not.
  constexpr T edge = std::is_same_v<T, float> ? T(88) : T(709);
  const V half = vexp(abs_of(x) * T(0.5));
  const V out = abs_of(x) > edge ? T(0.5) * half * half : T(0.5) * (t + t / (t + 1));
  return with_sign(out, x);
}

template <class V>
FL_INLINE V vcosh(V x) {
  using T = Lane<V>;
  const V half = vexp(abs_of(x) * T(0.5));
  const V e = half * half;
  constexpr T edge = std::is_same_v<T, float> ? T(88) : T(709);
  const V f = vexp(abs_of(x));
  return abs_of(x) > edge ? T(0.5) * half * half
                          : T(0.5) * f + T(0.5) / (e == e ? f : e);
}

// ---- logarithms -------------------------------------------------------------
template <class V>
struct Split {
  V e, f;  // x = 2^e (1 + f), f in [-0.25, 0.5)
};

// Of positive normal numbers.
template <class V>
FL_INLINE Split<V> split_normal(V x) {
  using T = Lane<V>;
  using M = Mask<V>;
  const M whole = ((M)x - (M)(V{} + T(0.75))) >> kMantissa<V>;
  const V m = (V)((M)x - (whole << kMantissa<V>));
  if constexpr (is_float_vec<V>) {
    return {convert<float>(whole), m - 1};
  } else {
    // Whole numbers of at most 11 bits become floating through a large number's
    // mantissa: int64 has no conversion before AVX-512.
    constexpr T large = T(0x1.8p52);
    return {(V)(whole + (M)(V{} + large)) - large, m - 1};
  }
}

template <class V>
FL_INLINE Split<V> split_log(V x) {
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64 && is_float_vec<V>) {
    const V m = _mm512_getmant_ps(x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_src);
    return {V(_mm512_getexp_ps(x)) - V(_mm512_getexp_ps(m)), m - 1};
  } else if constexpr (sizeof(V) == 64) {
    const V m = _mm512_getmant_pd(x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_src);
    return {V(_mm512_getexp_pd(x)) - V(_mm512_getexp_pd(m)), m - 1};
  }
#endif
  using T = Lane<V>;
  constexpr T tiny = std::numeric_limits<T>::min();
  constexpr T lift = std::is_same_v<T, float> ? T(0x1p25) : T(0x1p54);
  const auto small = x < tiny;
  const auto [e, f] = split_normal(small ? x * lift : x);
  return {small ? e - (std::is_same_v<T, float> ? T(25) : T(54)) : e, f};
}

// Whether a lane is anything but a positive normal number.
template <class V>
FL_INLINE bool any_odd(V x) {
  using M = Mask<V>;
  using U = Vec<std::make_unsigned_t<Lane<M>>, lanes_of<V>>;
  // One up in the exponent, infinities and NaN become negative, and what is below the
  // normal numbers stays below twice the least of them.
  const U least = (U)(V{} + std::numeric_limits<Lane<V>>::min());
  return any_lane((M)((U)x + least) < (M)(least + least));
}

// log(1 + f) = f + log_rest(f) for f in [-0.25, 0.5).
template <class V>
FL_INLINE V log_rest(V f) {
  using T = Lane<V>;
  if constexpr (is_float_vec<V>) {
    const V ff = f * f;
    const V p = poly_split(f, ff, 0.3333333299f, -0.2500000224f, 0.2000014091f,
                           -0.166665988f, 0.1427651843f, -0.1248591946f, 0.1129427611f,
                           -0.1055737346f, 8.443794547e-2f, -3.599657371e-2f);
    return ff * (f * p - T(0.5));
  } else {
    const V s = f / (f + 2);
    const V z = s * s;
    const V r =
        z * poly(z, 0.666666666666666667, 0.39999999999999907, 0.28571428571490346,
                 0.222222222064410072, 0.181818201985876019, 0.153844708965783321,
                 0.133393937833383132, 0.116175153315034651, 0.124231140560780846);
    const V half = f * f * T(0.5);
    return s * (half + r) - half;
  }
}

// Infinity, NaN, zero and negative numbers put right in a logarithm of x.
template <class V>
FL_INLINE V fix_log(V out, V x) {
  out = x == kInf<V> ? x : out;
  out = x == 0 ? V{} - kInf<V> : out;
  return (x < 0) | (x != x) ? V{} + kNan<V> : out;
}

template <class Log, class V>
FL_INLINE V log_any(V x) {
  return fix_log(Log::of(split_log(x)), x);
}
template <class Log, class V>
__attribute__((noinline)) V log_odd(V x) {
  return log_any<Log>(x);
}

// A logarithm of x: before AVX-512, numbers that are positive and normal throughout a
// vector go a shorter way.
template <class Log, class V>
FL_INLINE V log_by(V x) {
#if !defined(__AVX512F__)
  if constexpr (sizeof(V) == kWidth) {
    if (__builtin_expect(any_odd(x), 0)) return log_odd<Log>(x);
    return Log::of(split_normal(x));
  }
#endif
  return log_any<Log>(x);
}

struct NaturalLog {
  template <class V>
  static FL_INLINE V of(Split<V> x) {
    const auto [e, f] = x;
    if constexpr (is_float_vec<V>) {
      return (log_rest(f) + e * 0x1.0bfbe8e7bcd5ep-15f + f) + e * 0x1.62ep-1f;
    } else {
      return (log_rest(f) + e * 0x1.cf79abc9e3b3ap-40 + f) + e * 0x1.62e42fefap-1;
    }
  }
};

struct BinaryLog {
  template <class V>
  static FL_INLINE V of(Split<V> x) {
    using T = Lane<V>;
    const auto [e, f] = x;
    // log2(e) in two parts, so that the leading product is exact enough.
    constexpr T low =
        std::is_same_v<T, float> ? T(0x1.4ae0bf85ddf44p-26) : T(0x1.777d0ffda0d24p-56);
    constexpr T high =
        std::is_same_v<T, float> ? T(0x1.7154760000000p+0) : T(0x1.71547652b82fep+0);
    const V c = log_rest(f);
    return (f * low + c * high) + f * high + e;
  }
};

struct DecimalLog {
  template <class V>
  static FL_INLINE V of(Split<V> x) {
    const auto [e, f] = x;
    const V l = log_rest(f) + f;
    if constexpr (is_float_vec<V>) {
      return (l * 0.43429448190325182765f + e * 0x1.3509f79fef312p-18f) +
             e * 0x1.344p-2f;
    } else {
      return (l * 0.43429448190325182765 + e * 0x1.79fef311f12b3p-38) +
             e * 0x1.34413509ep-2;
    }
  }
};

template <class V>
FL_INLINE V vlog(V x) {
  return log_by<NaturalLog>(x);
}
template <class V>
FL_INLINE V vlog2(V x) {
  return log_by<BinaryLog>(x);
}
template <class V>
FL_INLINE V vlog10(V x) {
  return log_by<DecimalLog>(x);
}

template <class V>
FL_INLINE V vlog1p(V x) {
  const V u = x + 1;
  // What rounding took from u, as a first-order correction.
  const V lost = x - (u - 1);
  const V out = vlog(u) + lost / u;
  const V near = u == 1 ? x : out;
  return u == kInf<V> ? u : (x == -1 ? V{} - kInf<V> : near);
}

// ---- inverse hyperbolic functions -------------------------------------------
template <class V>
FL_INLINE V vasinh(V x) {
  using T = Lane<V>;
  const V a = abs_of(x);
  const V square = a * a;
  // log1p(a + a^2 / (1 + sqrt(a^2 + 1))); far out log(2a).
  const V near = vlog1p(a + square / (1 + vsqrt(square + 1)));
  constexpr T far = is_float_vec<V> ? T(1e9) : T(1e100);
  const V out = a > far ? vlog(a) + T(0.69314718055994530942) : near;
  return with_sign(out, x);
}

template <class V>
FL_INLINE V vacosh(V x) {
  using T = Lane<V>;
  const V t = x - 1;
  const V near = vlog1p(t + vsqrt(2 * t + t * t));
  constexpr T far = is_float_vec<V> ? T(1e9) : T(1e100);
  const V out = x > far ? vlog(x) + T(0.69314718055994530942) : near;
  return x < 1 ? V{} + kNan<V> : out;
}

template <class V>
FL_INLINE V vatanh(V x) {
  using T = Lane<V>;
  const V a = abs_of(x);
  return with_sign(T(0.5) * vlog1p(2 * a / (1 - a)), x);
}

}  // namespace FL_ISA
