// Arithmetic on two operands of one dtype: one line of the table for each operation.
#include <atomic>
#include <numeric>

#include "complex.h"
#include "loops.h"
#include "scalarmath.h"

namespace FL_ISA {
namespace {

constexpr uint32_t kNumbers = kReal | kComplex;

template <uint32_t Set, auto Op>
fl_status same(const fl_call* call) {
  return for_dtype<Set>(call->in[0].dtype, [&](auto t) {
    using T = Compute<typename decltype(t)::type>;
    return map<T, T, T>(call, Op);
  });
}

// Op on numbers; OpBool on bytes of 0 and 1.
template <uint32_t Set, auto Op, auto OpBool>
fl_status or_bool(const fl_call* call) {
  if (call->in[0].dtype == FL_BOOL) return map<boolean, boolean, boolean>(call, OpBool);
  return same<Set, Op>(call);
}

template <auto Op>
fl_status floats(const fl_call* call) {
  return map_floats<2>(call, [](auto) { return Op; });
}

template <auto Op>
fl_status lanes(const fl_call* call) {
  return map_floats<2>(
      call, [](auto) { return [](auto x, auto y) { return map_lanes(Op, x, y); }; },
      kHeavy);
}

// ---- division and remainder -------------------------------------------------
// Op(a, b) on integers; a zero divisor is an error. -1 is set apart: the least integer
// divided by it overflows, and traps on some processors.
template <auto Op>
fl_status divide_ints(const fl_call* call) {
  std::atomic<bool> zero{false};
  const fl_status status = for_dtype<kInts | kBool>(call->in[0].dtype, [&](auto t) {
    using S = typename decltype(t)::type;
    using T = std::conditional_t<std::is_same_v<S, boolean>, uint8_t, S>;
    return map<T, T, T>(
        call,
        [&zero](auto a, auto b) {
          const auto bad = b == 0;
          if (any_lane(bad)) {
            zero.store(true, std::memory_order_relaxed);
            b = bad ? b + 1 : b;
          }
          return map_lanes(Op, a, b);
        },
        1.0f);
  });
  if (status == FL_OK && zero.load(std::memory_order_relaxed)) {
    return fail(call, "ZeroDivisionError");
  }
  return status;
}

constexpr auto int_trunc = [](auto a, auto b) -> decltype(a) {
  if (std::is_signed_v<decltype(a)> && b == decltype(a)(-1)) {
    return static_cast<decltype(a)>(0 - static_cast<uint64_t>(a));
  }
  return a / b;
};

constexpr auto int_fmod = [](auto a, auto b) -> decltype(a) {
  if (std::is_signed_v<decltype(a)> && b == decltype(a)(-1)) return 0;
  return a % b;
};

constexpr auto int_floor = [](auto a, auto b) -> decltype(a) {
  const auto q = int_trunc(a, b);
  return int_fmod(a, b) != 0 && ((a < 0) != (b < 0)) ? q - 1 : q;
};

constexpr auto int_remainder = [](auto a, auto b) -> decltype(a) {
  const decltype(a) r = int_fmod(a, b);
  return r != 0 && ((r < 0) != (b < 0)) ? r + b : r;
};

template <auto OpInt, auto Op>
fl_status divide(const fl_call* call) {
  if (((kFloats >> call->in[0].dtype) & 1) != 0) return floats<Op>(call);
  return divide_ints<OpInt>(call);
}

constexpr auto quotient = [](auto a, auto b) { return a / b; };

// ---- powers -----------------------------------------------------------------
constexpr auto int_pow = [](auto base, auto exponent) -> decltype(base) {
  using T = decltype(base);
  if (exponent < 0) {
    if (base == 1) return 1;
    if (base == T(-1)) return exponent % 2 == 0 ? T(1) : T(-1);
    return 0;
  }
  uint64_t out = 1, b = static_cast<uint64_t>(base);
  for (auto e = static_cast<uint64_t>(exponent); e != 0; e >>= 1, b *= b) {
    if (e & 1) out *= b;
  }
  return static_cast<T>(out);
};

// x^k sqrt(x) for k > 0, of which -0 gives 0 and -inf inf.
template <int kTimes, class V>
FL_INLINE V times_root(V x) {
  V out = vsqrt(x);
  for (int i = 0; i < kTimes; ++i) out = out * x;
  return x == -kInf<V> ? -x : abs_of(out);
}

// A repeated exponent, if it is one of those with a form of its own: f(functor).
template <class T, class F>
fl_status pow_special(T exponent, F&& f, bool& found) {
  found = true;
  if (exponent == T(2)) return f([](auto x, auto) { return x * x; });
  if (exponent == T(3)) return f([](auto x, auto) { return x * x * x; });
  if (exponent == T(0.5)) return f([](auto x, auto) { return vsqrt(x); });
  if (exponent == T(1.5)) return f([](auto x, auto) { return times_root<1>(x); });
  if (exponent == T(2.5)) return f([](auto x, auto) { return times_root<2>(x); });
  if (exponent == T(-0.5)) return f([](auto x, auto) { return 1 / vsqrt(x); });
  if (exponent == T(-1)) return f([](auto x, auto) { return 1 / x; });
  if (exponent == T(-2)) return f([](auto x, auto) { return 1 / (x * x); });
  if (exponent == T(1)) return f([](auto x, auto) { return x; });
  found = false;
  return FL_OK;
}

bool is_repeated(const fl_tensor& t) {
  if ((t.flags & FL_HOST_SCALAR) != 0 || t.numel == 1) return true;
  for (int d = 0; d < t.ndim; ++d) {
    if (t.strides[d] != 0 && t.sizes[d] != 1) return false;
  }
  return true;
}

fl_status pow_floats(const fl_call* call) {
  return for_dtype<kFloats>(call->in[0].dtype, [&](auto t) {
    using S = typename decltype(t)::type;
    using T = Compute<S>;
    const fl_tensor& b = call->in[1];
    if (b.numel != 0 && is_repeated(b)) {
      S raw;
      std::memcpy(&raw, b.data, sizeof(S));
      bool found;
      const fl_status status = pow_special(
          read(raw), [&](auto op) { return map<T, T, T>(call, op); }, found);
      if (found) return status;
    }
    return map<T, T, T>(call, [](auto x, auto y) { return vpow(x, y); }, 2 * kMath);
  });
}

fl_status pow_any(const fl_call* call) {
  const int dtype = call->in[0].dtype;
  if (((kFloats >> dtype) & 1) != 0) return pow_floats(call);
  return for_dtype<kInts | kBool | kComplex>(dtype, [&](auto t) {
    using S = typename decltype(t)::type;
    if constexpr (is_complex<S>) {
      return map<S, S, S>(
          call,
          [](auto x, auto y) {
            return map_complex(
                [](auto a, auto b) {
                  return b == decltype(b)(0) ? decltype(a)(1) : std::pow(a, b);
                },
                x, y);
          },
          kHeavy);
    } else {
      using T = std::conditional_t<std::is_same_v<S, boolean>, uint8_t, S>;
      return map<T, T, T>(
          call, [](auto x, auto y) { return map_lanes(int_pow, x, y); }, 2.0f);
    }
  });
}

// ---- others -----------------------------------------------------------------
fl_status add_scaled(const fl_call* call) {
  if (call->in[0].dtype == FL_BOOL) {
    const bool keep = call->attr[0].v.c[0] != 0;
    return map<boolean, boolean, boolean>(
        call, [keep](auto a, auto b) { return keep ? a | b : a; });
  }
  return for_dtype<kNumbers>(call->in[0].dtype, [&](auto t) {
    using T = Compute<typename decltype(t)::type>;
    const T alpha = attr_c<T>(call, 0);
    return map<T, T, T>(call, [alpha](auto a, auto b) {
      if constexpr (is_complex<T>) {
        return a + csplat<Real<T>, lanes_of<decltype(a.re)>>(alpha) * b;
      } else {
        return a + alpha * b;
      }
    });
  });
}

constexpr auto fmax_of = [](auto a, auto b) { return (a > b) | (b != b) ? a : b; };
constexpr auto fmin_of = [](auto a, auto b) { return (a < b) | (b != b) ? a : b; };

constexpr auto step = [](auto x, auto v) {
  using V = decltype(x);
  const V out = x > 0 ? V{} + 1 : (x == 0 ? v : V{});
  return x != x ? x : out;
};

constexpr auto xlogy = [](auto x, auto y) {
  const auto out = x * vlog(y);
  return y != y ? y : (x == 0 ? decltype(x){} : out);
};
constexpr auto xlog1py = [](auto x, auto y) {
  const auto out = x * vlog1p(y);
  return y != y ? y : (x == 0 ? decltype(x){} : out);
};

template <auto Op>
fl_status int_lanes(const fl_call* call) {
  return for_dtype<kInts>(call->in[0].dtype, [&](auto t) {
    using T = typename decltype(t)::type;
    return map<T, T, T>(
        call, [](auto a, auto b) { return map_lanes(Op, a, b); }, kHeavy);
  });
}

constexpr auto gcd_of = [](auto a, auto b) -> decltype(a) {
  uint64_t x = a < 0 ? 0 - static_cast<uint64_t>(a) : static_cast<uint64_t>(a);
  uint64_t y = b < 0 ? 0 - static_cast<uint64_t>(b) : static_cast<uint64_t>(b);
  return static_cast<decltype(a)>(std::gcd(x, y));
};
constexpr auto lcm_of = [](auto a, auto b) -> decltype(a) {
  const auto g = static_cast<uint64_t>(gcd_of(a, b));
  if (g == 0) return 0;
  const uint64_t x = a < 0 ? 0 - static_cast<uint64_t>(a) : static_cast<uint64_t>(a);
  const uint64_t y = b < 0 ? 0 - static_cast<uint64_t>(b) : static_cast<uint64_t>(b);
  return static_cast<decltype(a)>(x / g * y);
};

// Shifts by the width of the type or more, or by less than nothing, give what is left
// after all bits are shifted out.
constexpr auto shift_left = [](auto a, auto b) -> decltype(a) {
  constexpr auto bits = static_cast<decltype(b)>(sizeof(a) * 8);
  if (b < 0 || b >= bits) return 0;
  return static_cast<decltype(a)>(static_cast<uint64_t>(a) << b);
};
constexpr auto shift_right = [](auto a, auto b) -> decltype(a) {
  constexpr auto bits = static_cast<decltype(b)>(sizeof(a) * 8);
  if (b < 0 || b >= bits) return a < 0 ? decltype(a)(-1) : decltype(a)(0);
  return a >> b;
};

fl_status polygamma_of(const fl_call* call) {
  const int64_t n = call->attr[0].v.i;
  return map_floats<1>(
      call,
      [n](auto) {
        return [n](auto x) {
          return map_lanes([n](auto y) { return polygamma(n, y); }, x);
        };
      },
      kHeavy);
}

constexpr auto add = [](auto a, auto b) { return a + b; };
constexpr auto sub = [](auto a, auto b) { return a - b; };
constexpr auto mul = [](auto a, auto b) { return a * b; };
constexpr auto maximum = [](auto a, auto b) { return max_nan(a, b); };
constexpr auto minimum = [](auto a, auto b) { return min_nan(a, b); };
constexpr auto bit_and = [](auto a, auto b) { return a & b; };
constexpr auto bit_or = [](auto a, auto b) { return a | b; };
constexpr auto bit_xor = [](auto a, auto b) { return a ^ b; };

}  // namespace

FL_FAMILY(
    binary, {"add", or_bool<kNumbers, add, bit_or>, kAll},
    {"sub", or_bool<kNumbers, sub, bit_xor>, kAll},
    {"mul", or_bool<kNumbers, mul, bit_and>, kAll},
    {"div", same<kFloats | kComplex, quotient>, kFloats | kComplex},
    {"add_scaled", add_scaled, kAll}, {"pow", pow_any, kAll},
    {"maximum", or_bool<kReal, maximum, bit_or>, kReal | kBool},
    {"minimum", or_bool<kReal, minimum, bit_and>, kReal | kBool},
    {"fmax", or_bool<kReal, fmax_of, bit_or>, kReal | kBool},
    {"fmin", or_bool<kReal, fmin_of, bit_and>, kReal | kBool},
    {"fmod", divide<int_fmod, [](auto a, auto b) { return vfmod(a, b); }>,
     kReal | kBool},
    {"remainder",
     divide<int_remainder, [](auto a, auto b) { return vremainder(a, b); }>,
     kReal | kBool},
    {"div_floor", divide<int_floor, [](auto a, auto b) { return vdiv_floor(a, b); }>,
     kReal | kBool},
    {"div_trunc", divide<int_trunc, [](auto a, auto b) { return round_to<3>(a / b); }>,
     kReal | kBool},
    {"atan2", floats<[](auto y, auto x) { return vatan2(y, x); }>, kFloats},
    {"hypot", floats<[](auto x, auto y) { return vhypot(x, y); }>, kFloats},
    {"copysign", floats<[](auto a, auto b) { return with_sign(abs_of(a), b); }>,
     kFloats},
    {"nextafter", lanes<[](auto a, auto b) { return std::nextafter(a, b); }>, kSingles},
    {"logaddexp", floats<[](auto a, auto b) { return vlogaddexp(a, b); }>, kFloats},
    {"logaddexp2", floats<[](auto a, auto b) { return vlogaddexp2(a, b); }>, kFloats},
    {"heaviside", same<kReal, step>, kReal}, {"xlogy", floats<xlogy>, kFloats},
    {"xlog1py", floats<xlog1py>, kFloats},
    {"ldexp", floats<[](auto a, auto b) { return a * vexp2(b); }>, kFloats},
    {"gcd", int_lanes<gcd_of>, kInts}, {"lcm", int_lanes<lcm_of>, kInts},
    {"zeta", lanes<[](auto a, auto b) { return zeta(a, b); }>, kFloats},
    {"igamma", lanes<[](auto a, auto b) { return igamma(a, b); }>, kFloats},
    {"igammac", lanes<[](auto a, auto b) { return igammac(a, b); }>, kFloats},
    {"polygamma", polygamma_of, kFloats},
    {"bitwise_and", or_bool<kInts, bit_and, bit_and>, kInts | kBool},
    {"bitwise_or", or_bool<kInts, bit_or, bit_or>, kInts | kBool},
    {"bitwise_xor", or_bool<kInts, bit_xor, bit_xor>, kInts | kBool},
    {"shift_left", int_lanes<shift_left>, kInts},
    {"shift_right", int_lanes<shift_right>, kInts});

}  // namespace FL_ISA
