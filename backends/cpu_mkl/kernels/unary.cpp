// Functions of one operand: one line of the table for each.
#include <algorithm>

#include "complex.h"
#include "loops.h"
#include "scalarmath.h"

namespace FL_ISA {
namespace {

constexpr uint32_t kFloatsAndComplex = kFloats | kComplex;
constexpr uint32_t kNumbers = kReal | kComplex;

// Op on vectors, for floating-point operands.
template <auto Op>
fl_status floats(const fl_call* call) {
  return map_floats<1>(call, [](auto) { return Op; });
}

// Op on single numbers, for what has no vector form.
template <auto Op>
fl_status lanes(const fl_call* call) {
  return map_floats<1>(
      call, [](auto) { return [](auto x) { return map_lanes(Op, x); }; }, kHeavy);
}

template <uint32_t Set, auto Op>
fl_status same(const fl_call* call) {
  return for_dtype<Set>(call->in[0].dtype, [&](auto t) {
    using T = Compute<typename decltype(t)::type>;
    return map<T, T>(call, Op);
  });
}

// Floats by Op on vectors, complex numbers by OpC on std::complex.
template <auto Op, auto OpC>
fl_status both(const fl_call* call) {
  return for_dtype<kFloatsAndComplex>(call->in[0].dtype, [&](auto t) {
    using T = Compute<typename decltype(t)::type>;
    if constexpr (is_complex<T>) {
      return map<T, T>(call, [](auto z) { return map_complex(OpC, z); }, kHeavy);
    } else {
      return map<T, T>(call, Op, kMath);
    }
  });
}

template <uint32_t Set, auto Op>
fl_status test(const fl_call* call) {
  return for_dtype<Set>(call->in[0].dtype, [&](auto t) {
    using T = Compute<typename decltype(t)::type>;
    return map<boolean, T>(call, Op);
  });
}

// To the real dtype that belongs to the operand's.
template <auto Op>
fl_status to_real(const fl_call* call) {
  return for_dtype<kNumbers>(call->in[0].dtype, [&](auto t) {
    using T = Compute<typename decltype(t)::type>;
    return map<Real<T>, T>(call, Op);
  });
}

constexpr auto magnitude = [](auto x) {
  if constexpr (is_cvec<decltype(x)>) {
    return vabs(x);
  } else if constexpr (std::is_unsigned_v<Lane<decltype(x)>>) {
    return x;
  } else {
    return abs_of(x);
  }
};

constexpr auto sign = [](auto x) {
  using V = decltype(x);
  if constexpr (is_cvec<V>) {
    const auto a = vabs(x);
    const auto zero = a == 0;
    return V{zero ? a : x.re / a, zero ? a : x.im / a};
  } else {
    const V out = (x > 0 ? V{} + 1 : V{}) - (x < 0 ? V{} + 1 : V{});
    return x != x ? x : out;
  }
};

constexpr auto angle_of = [](auto x) {
  using V = decltype(x);
  if constexpr (is_cvec<V>) {
    return vatan2(x.im, x.re);
  } else if constexpr (std::is_floating_point_v<Lane<V>>) {
    const V out = x < 0 ? V{} + Lane<V>(3.14159265358979323846) : V{};
    return x != x ? x : out;
  } else {
    return V{};
  }
};

constexpr auto real_part = [](auto x) {
  if constexpr (is_cvec<decltype(x)>) {
    return x.re;
  } else {
    return x;
  }
};

constexpr auto imag_part = [](auto x) {
  if constexpr (is_cvec<decltype(x)>) {
    return x.im;
  } else {
    return decltype(x){};
  }
};

constexpr auto reciprocal = [](auto x) {
  if constexpr (is_cvec<decltype(x)>) {
    return decltype(x){x.re * 0 + 1, x.im * 0} / x;
  } else {
    return 1 / x;
  }
};

constexpr auto square = [](auto x) { return x * x; };

// Rounds to a number of decimals, ties to even in the scaled number.
fl_status round_decimals(const fl_call* call) {
  const int64_t decimals = call->attr[0].v.i;
  return map_floats<1>(call, [&](auto t) {
    using T = decltype(t);
    const T ten = static_cast<T>(std::pow(10.0, std::abs(double(decimals))));
    return [=](auto x) {
      using V = decltype(x);
      const V up = decimals >= 0 ? x * ten : x / ten;
      const V whole = round_to<0>(up);
      return decimals >= 0 ? whole / ten : whole * ten;
    };
  });
}

fl_status bitwise_not(const fl_call* call) {
  if (call->in[0].dtype == FL_BOOL) {
    return map<boolean, boolean>(call, [](auto x) { return x == 0; });
  }
  return same<kInts, [](auto x) { return ~x; }>(call);
}

// Rounding of integers is a copy.
template <int Mode>
fl_status rounded(const fl_call* call) {
  return for_dtype<kReal>(call->in[0].dtype, [&](auto t) {
    using T = Compute<typename decltype(t)::type>;
    return map<T, T>(call, [](auto x) {
      if constexpr (std::is_floating_point_v<Lane<decltype(x)>>) {
        return round_to<Mode>(x);
      } else {
        return x;
      }
    });
  });
}

constexpr auto sinc = [](auto x) {
  using V = decltype(x);
  const V y = x * Lane<V>(3.14159265358979323846);
  return x == 0 ? V{} + 1 : vsin(y) / y;
};

constexpr auto log_ndtr = [](auto x) {
  using V = decltype(x);
  using T = Lane<V>;
  const V t = x * T(0.70710678118654752440);
  const V low = vlog(verfcx(abs_of(t)) * T(0.5)) - t * t;
  const V high = vlog1p(verfc(t) * T(-0.5));
  return x == -kInf<V> ? x : (x < -1 ? low : high);
};

}  // namespace

FL_FAMILY(
    unary,
    // any number
    {"neg", same<kNumbers, [](auto x) { return -x; }>, kNumbers},
    {"abs", to_real<magnitude>, kNumbers},
    {"sign", same<kReal | kBool, sign>, kReal | kBool},
    {"sgn", same<kNumbers | kBool, sign>, kNumbers | kBool},
    {"square", same<kNumbers, square>, kNumbers},
    {"relu", same<kReal, [](auto x) { return x < 0 ? decltype(x){} : x; }>, kReal},
    {"bitwise_not", bitwise_not, kInts | kBool},
    {"reciprocal", same<kFloatsAndComplex, reciprocal>, kFloatsAndComplex},
    {"ceil", rounded<2>, kReal}, {"floor", rounded<1>, kReal},
    {"round", rounded<0>, kReal}, {"trunc", rounded<3>, kReal},
    {"frac", floats<[](auto x) { return x - round_to<3>(x); }>, kFloats},
    {"round_decimals", round_decimals, kFloats},
    // complex parts
    {"angle", to_real<angle_of>, kNumbers}, {"real", to_real<real_part>, kNumbers},
    {"imag", to_real<imag_part>, kNumbers},
    {"conj", same<kComplex, [](auto z) { return decltype(z){z.re, -z.im}; }>, kComplex},
    // tests
    {"logical_not", test<kAll, [](auto x) { return ~nonzero(x); }>, kAll},
    {"isnan",
     test<kFloatsAndComplex,
          [](auto x) {
            if constexpr (is_cvec<decltype(x)>) {
              return (x.re != x.re) | (x.im != x.im);
            } else {
              return x != x;
            }
          }>,
     kFloatsAndComplex},
    {"isinf",
     test<kFloatsAndComplex,
          [](auto x) {
            if constexpr (is_cvec<decltype(x)>) {
              using V = decltype(x.re);
              return (abs_of(x.re) == kInf<V>) | (abs_of(x.im) == kInf<V>);
            } else {
              return abs_of(x) == kInf<decltype(x)>;
            }
          }>,
     kFloatsAndComplex},
    {"isfinite",
     test<kFloatsAndComplex,
          [](auto x) {
            if constexpr (is_cvec<decltype(x)>) {
              using V = decltype(x.re);
              return (abs_of(x.re) < kInf<V>)&(abs_of(x.im) < kInf<V>);
            } else {
              return abs_of(x) < kInf<decltype(x)>;
            }
          }>,
     kFloatsAndComplex},
    {"signbit",
     test<kReal,
          [](auto x) {
            using V = decltype(x);
            if constexpr (std::is_unsigned_v<Lane<V>>) {
              return V{};
            } else {
              return (Mask<V>)x < 0;
            }
          }>,
     kReal},
    {"isposinf", test<kFloats, [](auto x) { return x == kInf<decltype(x)>; }>, kFloats},
    {"isneginf", test<kFloats, [](auto x) { return x == -kInf<decltype(x)>; }>,
     kFloats},
    // elementary functions
    {"sqrt", both<[](auto x) { return vsqrt(x); }, [](auto z) { return std::sqrt(z); }>,
     kFloatsAndComplex},
    {"rsqrt",
     both<[](auto x) { return 1 / vsqrt(x); },
          [](auto z) { return decltype(z)(1) / std::sqrt(z); }>,
     kFloatsAndComplex},
    {"exp", both<[](auto x) { return vexp(x); }, [](auto z) { return std::exp(z); }>,
     kFloatsAndComplex},
    {"exp2",
     both<[](auto x) { return vexp2(x); },
          [](auto z) {
            return std::exp(z * decltype(z.real())(0.69314718055994530942));
          }>,
     kFloatsAndComplex},
    {"expm1",
     both<[](auto x) { return vexpm1(x); },
          [](auto z) {
            // exp(x)cos(y) - 1 with no cancellation near 0.
            const auto half = std::sin(z.imag() / 2);
            const auto e = std::exp(z.real());
            return decltype(z)(std::expm1(z.real()) - 2 * e * half * half,
                               e * std::sin(z.imag()));
          }>,
     kFloatsAndComplex},
    {"log", both<[](auto x) { return vlog(x); }, [](auto z) { return std::log(z); }>,
     kFloatsAndComplex},
    {"log2",
     both<[](auto x) { return vlog2(x); },
          [](auto z) {
            return std::log(z) * decltype(z.real())(1.4426950408889634074);
          }>,
     kFloatsAndComplex},
    {"log10",
     both<[](auto x) { return vlog10(x); }, [](auto z) { return std::log10(z); }>,
     kFloatsAndComplex},
    {"log1p",
     both<[](auto x) { return vlog1p(x); },
          [](auto z) {
            using T = decltype(z.real());
            const T x = z.real(), y = z.imag();
            const bool near = std::isless(std::max(std::abs(x), std::abs(y)), T(0.5));
            return near ? decltype(z)(std::log1p(x * (2 + x) + y * y) / 2,
                                      std::atan2(y, 1 + x))
                        : std::log(z + T(1));
          }>,
     kFloatsAndComplex},
    {"sin", both<[](auto x) { return vsin(x); }, [](auto z) { return std::sin(z); }>,
     kFloatsAndComplex},
    {"cos", both<[](auto x) { return vcos(x); }, [](auto z) { return std::cos(z); }>,
     kFloatsAndComplex},
    {"tan", both<[](auto x) { return vtan(x); }, [](auto z) { return std::tan(z); }>,
     kFloatsAndComplex},
    {"asin", both<[](auto x) { return vasin(x); }, [](auto z) { return std::asin(z); }>,
     kFloatsAndComplex},
    {"acos", both<[](auto x) { return vacos(x); }, [](auto z) { return std::acos(z); }>,
     kFloatsAndComplex},
    {"atan", both<[](auto x) { return vatan(x); }, [](auto z) { return std::atan(z); }>,
     kFloatsAndComplex},
    {"sinh", both<[](auto x) { return vsinh(x); }, [](auto z) { return std::sinh(z); }>,
     kFloatsAndComplex},
    {"cosh", both<[](auto x) { return vcosh(x); }, [](auto z) { return std::cosh(z); }>,
     kFloatsAndComplex},
    {"tanh", both<[](auto x) { return vtanh(x); }, [](auto z) { return std::tanh(z); }>,
     kFloatsAndComplex},
    {"asinh",
     both<[](auto x) { return vasinh(x); }, [](auto z) { return std::asinh(z); }>,
     kFloatsAndComplex},
    {"acosh",
     both<[](auto x) { return vacosh(x); }, [](auto z) { return std::acosh(z); }>,
     kFloatsAndComplex},
    {"atanh",
     both<[](auto x) { return vatanh(x); }, [](auto z) { return std::atanh(z); }>,
     kFloatsAndComplex},
    {"sigmoid",
     both<[](auto x) { return vsigmoid(x); },
          [](auto z) { return decltype(z)(1) / (decltype(z)(1) + std::exp(-z)); }>,
     kFloatsAndComplex},
    // special functions
    {"erf", floats<[](auto x) { return verf(x); }>, kFloats},
    {"erfc", floats<[](auto x) { return verfc(x); }>, kFloats},
    {"erfinv", lanes<[](auto x) { return erfinv(x); }>, kFloats},
    {"lgamma", lanes<[](auto x) { return lgamma_of(x); }>, kFloats},
    {"digamma", lanes<[](auto x) { return digamma(x); }>, kFloats},
    {"i0", lanes<[](auto x) { return bessel_i0e(x) * std::exp(std::abs(x)); }>,
     kFloats},
    {"i1", lanes<[](auto x) { return bessel_i1e(x) * std::exp(std::abs(x)); }>,
     kFloats},
    {"i0e", lanes<[](auto x) { return bessel_i0e(x); }>, kFloats},
    {"i1e", lanes<[](auto x) { return bessel_i1e(x); }>, kFloats},
    {"ndtri", lanes<[](auto x) { return ndtri(x); }>, kFloats},
    {"log_ndtri", floats<log_ndtr>, kFloats}, {"log_ndtr", floats<log_ndtr>, kFloats},
    {"sinc", floats<sinc>, kFloats});

}  // namespace FL_ISA
