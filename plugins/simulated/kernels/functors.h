// Functions of one element and of two, for hosts and GPUs alike: bool, int64_t, float,
// double and complex numbers, each where the function is defined for it.
#pragma once

#include "kernels/elements.h"
#include "kernels/special.h"

namespace simulated {

#define SIMULATED_UNARY(name, ...)                   \
  struct name {                                      \
    template <class T>                               \
    __host__ __device__ auto operator()(T x) const { \
      __VA_ARGS__                                    \
    }                                                \
  }
#define SIMULATED_BINARY(name, ...)                       \
  struct name {                                           \
    template <class T>                                    \
    __host__ __device__ auto operator()(T a, T b) const { \
      __VA_ARGS__                                         \
    }                                                     \
  }

// ---- one operand ------------------------------------------------------------------

// Integers wrap, so arithmetic on them is done without signs.
__host__ __device__ inline int64_t wrap_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
__host__ __device__ inline int64_t wrap_sub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
__host__ __device__ inline int64_t wrap_mul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

SIMULATED_UNARY(
    Neg, if constexpr (std::is_integral_v<T>) { return wrap_sub(0, x); } else {
      return -x;
    });

SIMULATED_UNARY(
    Abs,
    if constexpr (std::is_integral_v<T>) { return x < 0 ? wrap_sub(0, x) : x; } else {
      return std::abs(x);
    });

SIMULATED_UNARY(
    Sign,
    if constexpr (std::is_same_v<T, bool>) {
      return x;
    } else if constexpr (is_complex<T>) {
      const Real<T> size = std::abs(x);
      return size == 0 ? T(0) : T(x.real() / size, x.imag() / size);
    } else { return x != x ? x : static_cast<T>((x > 0) - (x < 0)); });

SIMULATED_UNARY(
    Square, if constexpr (std::is_integral_v<T>) { return wrap_mul(x, x); } else {
      return x * x;
    });

SIMULATED_UNARY(Relu, return x < 0 ? T(0) : x;);
SIMULATED_UNARY(
    BitwiseNot,
    if constexpr (std::is_same_v<T, bool>) { return !x; } else { return ~x; });
SIMULATED_UNARY(Reciprocal, return T(1) / x;);
SIMULATED_UNARY(Conj, return std::conj(x););

#define SIMULATED_ROUNDING(name, function)                            \
  SIMULATED_UNARY(                                                    \
      name, if constexpr (std::is_integral_v<T>) { return x; } else { \
        return std::function(x);                                      \
      })
SIMULATED_ROUNDING(Ceil, ceil);
SIMULATED_ROUNDING(Floor, floor);
SIMULATED_ROUNDING(Round, nearbyint);  // halves to even
SIMULATED_ROUNDING(Trunc, trunc);
#undef SIMULATED_ROUNDING
SIMULATED_UNARY(Frac, return x - std::trunc(x););

SIMULATED_UNARY(
    RealPart, if constexpr (is_complex<T>) { return x.real(); } else { return x; });
SIMULATED_UNARY(
    ImagPart, if constexpr (is_complex<T>) { return x.imag(); } else { return T(0); });
SIMULATED_UNARY(
    Angle,
    if constexpr (is_complex<T>) {
      return std::atan2(x.imag(), x.real());
    } else if constexpr (std::is_integral_v<T>) { return T(0); } else {
      return x != x ? x : x < 0 ? T(3.14159265358979323846) : T(0);
    });

SIMULATED_UNARY(LogicalNot, return x == T(0););
SIMULATED_UNARY(IsNan, return !(x == x););
SIMULATED_UNARY(
    IsInf,
    if constexpr (is_complex<T>) {
      return std::isinf(x.real()) || std::isinf(x.imag());
    } else { return std::isinf(x); });
SIMULATED_UNARY(
    IsFinite,
    if constexpr (is_complex<T>) {
      return std::isfinite(x.real()) && std::isfinite(x.imag());
    } else { return std::isfinite(x); });
SIMULATED_UNARY(
    SignBit, if constexpr (std::is_integral_v<T>) { return x < 0; } else {
      return std::signbit(x);
    });
SIMULATED_UNARY(IsPosInf, return std::isinf(x) && x > 0;);
SIMULATED_UNARY(IsNegInf, return std::isinf(x) && x < 0;);

#define SIMULATED_FUNCTION(name, function) \
  SIMULATED_UNARY(name, return std::function(x);)
SIMULATED_FUNCTION(Sqrt, sqrt);
SIMULATED_FUNCTION(Exp, exp);
SIMULATED_FUNCTION(Log, log);
SIMULATED_FUNCTION(Log10, log10);
SIMULATED_FUNCTION(Sin, sin);
SIMULATED_FUNCTION(Cos, cos);
SIMULATED_FUNCTION(Tan, tan);
SIMULATED_FUNCTION(Asin, asin);
SIMULATED_FUNCTION(Acos, acos);
SIMULATED_FUNCTION(Atan, atan);
SIMULATED_FUNCTION(Sinh, sinh);
SIMULATED_FUNCTION(Cosh, cosh);
SIMULATED_FUNCTION(Tanh, tanh);
SIMULATED_FUNCTION(Asinh, asinh);
SIMULATED_FUNCTION(Acosh, acosh);
SIMULATED_FUNCTION(Atanh, atanh);
SIMULATED_FUNCTION(Erf, erf);
SIMULATED_FUNCTION(Erfc, erfc);
#undef SIMULATED_FUNCTION
SIMULATED_UNARY(Rsqrt, return T(1) / std::sqrt(x););
SIMULATED_UNARY(
    Exp2,
    if constexpr (is_complex<T>) {
      return std::exp(x * Real<T>(0.69314718055994530942));
    } else { return std::exp2(x); });
SIMULATED_UNARY(
    Log2,
    if constexpr (is_complex<T>) {
      return std::log(x) * Real<T>(1.4426950408889634074);
    } else { return std::log2(x); });
// Complex: exp(x)·cos(y) − 1 without cancellation near 0.
SIMULATED_UNARY(
    Expm1,
    if constexpr (is_complex<T>) {
      const Real<T> half = std::sin(x.imag() / 2), size = std::exp(x.real());
      return T(std::expm1(x.real()) - 2 * size * half * half,
               size * std::sin(x.imag()));
    } else { return std::expm1(x); });
SIMULATED_UNARY(
    Log1p,
    if constexpr (is_complex<T>) {
      const Real<T> re = x.real(), im = x.imag();
      const bool near = std::abs(re) < Real<T>(0.5) && std::abs(im) < Real<T>(0.5);
      return near ? T(std::log1p(re * (2 + re) + im * im) / 2, std::atan2(im, 1 + re))
                  : std::log(x + T(1));
    } else { return std::log1p(x); });
SIMULATED_UNARY(
    Sigmoid,
    if constexpr (is_complex<T>) { return T(1) / (T(1) + std::exp(-x)); } else {
      const T small = std::exp(-std::abs(x));
      return x < 0 ? small / (1 + small) : 1 / (1 + small);
    });
SIMULATED_UNARY(ErfInv, return static_cast<T>(erfinv(static_cast<double>(x))););
SIMULATED_UNARY(LGamma, return static_cast<T>(log_gamma(static_cast<double>(x))););
SIMULATED_UNARY(DiGamma, return static_cast<T>(digamma(static_cast<double>(x))););

// ---- two operands -----------------------------------------------------------------

SIMULATED_BINARY(
    Add, if constexpr (std::is_same_v<T, bool>) { return a || b; } else if constexpr (
             std::is_integral_v<T>) { return wrap_add(a, b); } else { return a + b; });
SIMULATED_BINARY(
    Sub, if constexpr (std::is_same_v<T, bool>) { return a != b; } else if constexpr (
             std::is_integral_v<T>) { return wrap_sub(a, b); } else { return a - b; });
SIMULATED_BINARY(
    Mul, if constexpr (std::is_same_v<T, bool>) { return a && b; } else if constexpr (
             std::is_integral_v<T>) { return wrap_mul(a, b); } else { return a * b; });
SIMULATED_BINARY(Div, return a / b;);

// NaN wins.
SIMULATED_BINARY(Maximum, return a != a || a >= b ? a : b;);
SIMULATED_BINARY(Minimum, return a != a || a <= b ? a : b;);

SIMULATED_BINARY(Atan2, return std::atan2(a, b););

struct Pow {
  __host__ __device__ static int64_t whole(int64_t base, int64_t exponent) {
    if (exponent < 0) {
      if (base == 1) return 1;
      if (base == -1) return exponent % 2 == 0 ? 1 : -1;
      return 0;
    }
    int64_t out = 1;
    for (; exponent != 0; exponent >>= 1, base = wrap_mul(base, base)) {
      if (exponent & 1) out = wrap_mul(out, base);
    }
    return out;
  }
  template <class T>
  __host__ __device__ T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(whole(a, b));
    } else if constexpr (is_complex<T>) {
      return b == T(0) ? T(1) : std::pow(a, b);
    } else {
      return std::pow(a, b);
    }
  }
};

// Division of integers: 0 where the divisor is; the kernel tells the host. -1 is set
// apart because the least integer divided by it overflows.
__host__ __device__ inline int64_t divide(int64_t a, int64_t b) {
  return b == 0 ? 0 : b == -1 ? wrap_sub(0, a) : a / b;
}
__host__ __device__ inline int64_t rest(int64_t a, int64_t b) {
  return b == 0 || b == -1 ? 0 : a % b;
}

SIMULATED_BINARY(
    FMod,
    if constexpr (std::is_integral_v<T>) { return static_cast<T>(rest(a, b)); } else {
      return std::fmod(a, b);
    });

// The sign of the divisor, as in Python.
SIMULATED_BINARY(
    Remainder,
    if constexpr (std::is_integral_v<T>) {
      const int64_t r = rest(a, b);
      return static_cast<T>(r != 0 && ((r < 0) != (int64_t{b} < 0)) ? r + b : r);
    } else {
      const T r = std::fmod(a, b);
      return r != 0 && ((r < 0) != (b < 0)) ? r + b : r;
    });

SIMULATED_BINARY(
    DivTrunc,
    if constexpr (std::is_integral_v<T>) { return static_cast<T>(divide(a, b)); } else {
      return std::trunc(a / b);
    });

// Python's a // b: exact even where a / b is rounded up to a whole number.
SIMULATED_BINARY(
    DivFloor,
    if constexpr (std::is_integral_v<T>) {
      const int64_t q = divide(a, b), r = rest(a, b);
      return static_cast<T>(r != 0 && ((r < 0) != (int64_t{b} < 0)) ? q - 1 : q);
    } else {
      if (b == 0) return a / b;
      const T r = std::fmod(a, b);
      T q = (a - r) / b;
      if (r != 0 && ((r < 0) != (b < 0))) q -= 1;
      if (q == 0) return std::copysign(T(0), a / b);
      const T down = std::floor(q);
      return q - down > T(0.5) ? down + 1 : down;
    });

SIMULATED_BINARY(
    BitAnd,
    if constexpr (std::is_same_v<T, bool>) { return a && b; } else { return a & b; });
SIMULATED_BINARY(
    BitOr,
    if constexpr (std::is_same_v<T, bool>) { return a || b; } else { return a | b; });
SIMULATED_BINARY(
    BitXor,
    if constexpr (std::is_same_v<T, bool>) { return a != b; } else { return a ^ b; });

SIMULATED_BINARY(Eq, return a == b;);
SIMULATED_BINARY(Ne, return a != b;);
SIMULATED_BINARY(Lt, return a < b;);
SIMULATED_BINARY(Le, return a <= b;);
SIMULATED_BINARY(Gt, return a > b;);
SIMULATED_BINARY(Ge, return a >= b;);
SIMULATED_BINARY(LogicalAnd, return a != T(0) && b != T(0););
SIMULATED_BINARY(LogicalOr, return a != T(0) || b != T(0););
SIMULATED_BINARY(LogicalXor, return (a != T(0)) != (b != T(0)););

}  // namespace simulated
