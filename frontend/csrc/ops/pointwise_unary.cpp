// Pointwise ops of one tensor: arithmetic, exponentials, trigonometry, rounding,
// special functions and tests.
#include <cmath>

#include "ops/compose.h"
#include "ops/formula.h"
#include "ops/record.h"

namespace fl {

namespace {

using namespace ops;

// Rounding an integer is copying it.
template <int k>
void rounding(Frame& f) {
  static const KernelId ids[] = {intern_kernel("ceil"), intern_kernel("floor"),
                                 intern_kernel("round"), intern_kernel("trunc"),
                                 intern_kernel("copy")};
  TensorImpl* t = f.args[0].tensor;
  check(!is_complex(t->dtype), ErrorKind::NotImplemented, f.op->name(),
        ": not implemented for complex tensors");
  const PointwiseOperand operands[] = {{f.args[0]}};
  run_pointwise(f, is_integral(t->dtype) ? ids[4] : ids[k], Promote::Same, operands,
                {});
}

void negate(Frame& f) {
  check(f.args[0].tensor->dtype != Dtype::Bool,
        "Negation, the `-` operator, on a bool ",
        "tensor is not supported. If you are trying to invert a mask, use the `~` or ",
        "`logical_not()` operator instead.");
  run_pointwise_record(f);
}

void absolute(Frame& f) {
  check(!f.inplace || !is_complex(f.args[0].tensor->dtype),
        "In-place abs is not supported for complex tensors.");
  run_pointwise_record(f);
}

// Integers are always finite numbers: nothing is looked at.
template <bool answer>
void number_test(Frame& f) {
  const Tensor t(f.args[0].tensor);
  if (is_differentiable(t.dtype())) return run_pointwise_record(f);
  f.out = empty_like(t, Dtype::Bool);
  fill_with(f.out, Scalar(answer));
}

Tensor positive(const Tensor& self) {
  check(self.dtype() != Dtype::Bool, "The `+` operator, on a bool tensor is not ",
        "supported.");
  return self;
}

Tensor conj_op(const Tensor& self) {
  static const OpRef op("_conj(");
  return is_complex(self.dtype()) ? op(self) : self;
}

// Truth values are squared as the numbers that they stand for.
void squared(Frame& f) {
  if (f.args[0].tensor->dtype != Dtype::Bool) return run_pointwise_record(f);
  f.out = to_dtype(Tensor(f.args[0].tensor), Dtype::Int64);
}

// sgn of a complex number is z/|z|; its derivative moves along the circle.
Tensor sgn_grad(Grad& x) {
  if (!x.complex_input(0)) return zeros_like(x.g);
  Tensor z = x.in(0), s = x.out(), a = abs(z);
  Tensor radial = real(x.g * cj(s));
  return where(eq(a, 0.0), 0.0, (x.g - radial * s) / a);
}

Tensor round_decimals(const Tensor& self, int64_t decimals) {
  double p = std::pow(10.0, static_cast<double>(std::llabs(decimals)));
  return decimals >= 0 ? round(self * p) / p : round(self / p) * p;
}

constexpr double kLog2 = 0.6931471805599453, kLog10 = 2.302585092994046;
constexpr double kTwoOverRootPi = 1.1283791670955126;

Tensor d_exp(Grad& x) { return x.g * cj(x.out()); }
Tensor d_zero(Grad& x) { return zeros_like(x.g); }

const Records arithmetic = {
    Op("neg(Tensor self) -> Tensor", "Negates each element.")
        .pointwise(Promote::Same)
        .impl<&negate>()
        .derivative("self", 0, [](Grad& x) { return -x.g; })
        .inplace()
        .out(kOutExact)
        .alias("negative"),
    Op("positive(Tensor self) -> Tensor", "Returns the tensor itself; refuses bool.")
        .impl<&positive>(),
    Op("abs(Tensor self) -> Tensor",
       "The absolute value of each element; of a complex one, its modulus.")
        .pointwise(Promote::ToReal)
        .impl<&absolute>()
        .derivative("self", in(0), [](Grad& x) { return x.g * sgn(x.in(0)); })
        .inplace()
        .out()
        .alias("absolute"),
    Op("sign(Tensor self) -> Tensor", "-1, 0 or 1 by the sign of each element.")
        .pointwise(Promote::Same)
        .derivative("self", 0, d_zero)
        .inplace()
        .out(kOutExact),
    Op("sgn(Tensor self) -> Tensor", "The sign; of a complex z, z/|z|, or 0 at 0.")
        .pointwise(Promote::Same)
        .derivative("self", in(0) | kOut, sgn_grad)
        .inplace()
        .out(kOutExact),
    Op("sqrt(Tensor self) -> Tensor", "The square root of each element.")
        .pointwise(Promote::Float)
        .derivative("self", kOut, [](Grad& x) { return x.g / cj(2.0 * x.out()); })
        .inplace()
        .out(),
    Op("rsqrt(Tensor self) -> Tensor", "1 over the square root of each element.")
        .pointwise(Promote::Float)
        .derivative("self", kOut,
                    [](Grad& x) {
                      Tensor y = x.out();
                      return x.g * cj(y * y * y) * -0.5;
                    })
        .inplace()
        .out(),
    Op("reciprocal(Tensor self) -> Tensor", "1 over each element.")
        .pointwise(Promote::Float)
        .derivative("self", kOut,
                    [](Grad& x) {
                      Tensor y = x.out();
                      return -x.g * cj(y * y);
                    })
        .inplace()
        .out(),
    Op("square(Tensor self) -> Tensor", "The square of each element.")
        .pointwise(Promote::Same)
        .impl<&squared>()
        .derivative("self", in(0), [](Grad& x) { return x.g * cj(x.in(0) * 2); })
        .inplace()
        .out(),
};

const Records exponentials = {
    Op("exp(Tensor self) -> Tensor", "e to the power of each element.")
        .pointwise(Promote::Float)
        .derivative("self", kOut, d_exp)
        .inplace()
        .out(),
    Op("exp2(Tensor self) -> Tensor", "2 to the power of each element.")
        .pointwise(Promote::Float)
        .derivative("self", kOut, [](Grad& x) { return x.g * cj(x.out()) * kLog2; })
        .inplace()
        .out(),
    Op("expm1(Tensor self) -> Tensor", "exp(x) - 1, exact near 0.")
        .pointwise(Promote::Float)
        .derivative("self", kOut, [](Grad& x) { return x.g * cj(x.out() + 1.0); })
        .inplace()
        .out(),
    Op("log(Tensor self) -> Tensor", "The natural logarithm of each element.")
        .pointwise(Promote::Float)
        .derivative("self", in(0), [](Grad& x) { return x.g / cj(x.in(0)); })
        .inplace()
        .out(),
    Op("log2(Tensor self) -> Tensor", "The logarithm to base 2.")
        .pointwise(Promote::Float)
        .derivative("self", in(0), [](Grad& x) { return x.g / cj(x.in(0) * kLog2); })
        .inplace()
        .out(),
    Op("log10(Tensor self) -> Tensor", "The logarithm to base 10.")
        .pointwise(Promote::Float)
        .derivative("self", in(0), [](Grad& x) { return x.g / cj(x.in(0) * kLog10); })
        .inplace()
        .out(),
    Op("log1p(Tensor self) -> Tensor", "log(1 + x), exact near 0.")
        .pointwise(Promote::Float)
        .derivative("self", in(0), [](Grad& x) { return x.g / cj(x.in(0) + 1.0); })
        .inplace()
        .out(),
    Op("sigmoid(Tensor self) -> Tensor", "1 / (1 + exp(-x)).")
        .pointwise(Promote::Float)
        .derivative("self", kOut,
                    [](Grad& x) {
                      Tensor y = x.out();
                      return x.complex_input(0) ? x.g * cj(y * (1.0 - y))
                                                : sigmoid_backward(x.g, y);
                    })
        .inplace()
        .out(),
    Op("sigmoid_backward(Tensor grad, Tensor output) -> Tensor", "grad·y·(1−y).")
        .pointwise(Promote::Same)
        .no_method()
        .decomposition<+[](const Tensor& g, const Tensor& y) -> Tensor {
          return g * (y * (1.0 - y));
        }>(),
    Op("tanh_backward(Tensor grad, Tensor output) -> Tensor", "grad·(1−y²).")
        .pointwise(Promote::Same)
        .no_method()
        .decomposition<+[](const Tensor& g, const Tensor& y) -> Tensor {
          return g * (1.0 - y * y);
        }>(),
};

const Records trigonometry = {
    Op("sin(Tensor self) -> Tensor", "The sine of each element, in radians.")
        .pointwise(Promote::Float)
        .derivative("self", in(0), [](Grad& x) { return x.g * cj(cos(x.in(0))); })
        .inplace()
        .out(),
    Op("cos(Tensor self) -> Tensor", "The cosine of each element, in radians.")
        .pointwise(Promote::Float)
        .derivative("self", in(0), [](Grad& x) { return -x.g * cj(sin(x.in(0))); })
        .inplace()
        .out(),
    Op("tan(Tensor self) -> Tensor", "The tangent of each element, in radians.")
        .pointwise(Promote::Float)
        .derivative("self", kOut,
                    [](Grad& x) { return x.g * cj(square(x.out()) + 1.0); })
        .inplace()
        .out(),
    Op("asin(Tensor self) -> Tensor", "The inverse sine, in radians.")
        .pointwise(Promote::Float)
        .derivative("self", in(0),
                    [](Grad& x) { return x.g * cj(rsqrt(1.0 - square(x.in(0)))); })
        .inplace()
        .out()
        .alias("arcsin"),
    Op("acos(Tensor self) -> Tensor", "The inverse cosine, in radians.")
        .pointwise(Promote::Float)
        .derivative("self", in(0),
                    [](Grad& x) { return -x.g * cj(rsqrt(1.0 - square(x.in(0)))); })
        .inplace()
        .out()
        .alias("arccos"),
    Op("atan(Tensor self) -> Tensor", "The inverse tangent, in radians.")
        .pointwise(Promote::Float)
        .derivative("self", in(0),
                    [](Grad& x) { return x.g / cj(square(x.in(0)) + 1.0); })
        .inplace()
        .out()
        .alias("arctan"),
    Op("sinh(Tensor self) -> Tensor", "The hyperbolic sine.")
        .pointwise(Promote::Float)
        .derivative("self", in(0), [](Grad& x) { return x.g * cj(cosh(x.in(0))); })
        .inplace()
        .out(),
    Op("cosh(Tensor self) -> Tensor", "The hyperbolic cosine.")
        .pointwise(Promote::Float)
        .derivative("self", in(0), [](Grad& x) { return x.g * cj(sinh(x.in(0))); })
        .inplace()
        .out(),
    Op("tanh(Tensor self) -> Tensor", "The hyperbolic tangent.")
        .pointwise(Promote::Float)
        .derivative("self", kOut,
                    [](Grad& x) {
                      Tensor y = x.out();
                      return x.complex_input(0) ? x.g * cj(1.0 - y * y)
                                                : tanh_backward(x.g, y);
                    })
        .inplace()
        .out(),
    Op("asinh(Tensor self) -> Tensor", "The inverse hyperbolic sine.")
        .pointwise(Promote::Float)
        .derivative("self", in(0),
                    [](Grad& x) { return x.g * cj(rsqrt(square(x.in(0)) + 1.0)); })
        .inplace()
        .out()
        .alias("arcsinh"),
    Op("acosh(Tensor self) -> Tensor", "The inverse hyperbolic cosine.")
        .pointwise(Promote::Float)
        .derivative("self", in(0),
                    [](Grad& x) {
                      Tensor z = x.in(0);
                      return x.g * cj(rsqrt(z - 1.0) * rsqrt(z + 1.0));
                    })
        .inplace()
        .out()
        .alias("arccosh"),
    Op("atanh(Tensor self) -> Tensor", "The inverse hyperbolic tangent.")
        .pointwise(Promote::Float)
        .derivative("self", in(0),
                    [](Grad& x) { return x.g / cj(1.0 - square(x.in(0))); })
        .inplace()
        .out()
        .alias("arctanh"),
    Op("deg2rad(Tensor self) -> Tensor", "Degrees to radians.")
        .impl<+[](const Tensor& a) -> Tensor { return a * (M_PI / 180.0); }>()
        .inplace()
        .out(),
    Op("rad2deg(Tensor self) -> Tensor", "Radians to degrees.")
        .impl<+[](const Tensor& a) -> Tensor { return a * (180.0 / M_PI); }>()
        .inplace()
        .out(),
    Op("sinc(Tensor self) -> Tensor", "sin(πx)/(πx), 1 at 0.")
        .pointwise(Promote::Float)
        .decomposition<&composed::sinc>()
        .derivative("self", in(0),
                    [](Grad& x) {
                      Tensor z = x.in(0), p = z * M_PI;
                      Tensor d = (p * cos(p) - sin(p)) / (p * z);
                      return x.g * cj(where(eq(z, 0.0), 0.0, d));
                    })
        .inplace()
        .out(),
};

const Records roundings = {
    Op("ceil(Tensor self) -> Tensor", "The least integer not below each element.")
        .impl<&rounding<0>>()
        .derivative("self", 0, d_zero)
        .inplace()
        .out(kOutExact),
    Op("floor(Tensor self) -> Tensor", "The greatest integer not above each element.")
        .impl<&rounding<1>>()
        .derivative("self", 0, d_zero)
        .inplace()
        .out(kOutExact),
    Op("round(Tensor self) -> Tensor", "The nearest integer, halves to even.")
        .impl<&rounding<2>>()
        .derivative("self", 0, d_zero)
        .inplace()
        .out(kOutExact),
    Op("round(Tensor self, *, int decimals) -> Tensor",
       "Rounds to a number of decimal places.")
        .impl<&round_decimals>()
        .inplace()
        .out(kOutExact),
    Op("trunc(Tensor self) -> Tensor", "Drops the fraction of each element.")
        .impl<&rounding<3>>()
        .derivative("self", 0, d_zero)
        .inplace()
        .out(kOutExact)
        .alias("fix"),
    Op("frac(Tensor self) -> Tensor", "The fraction of each element, with its sign.")
        .pointwise(Promote::Same)
        .derivative("self", 0, [](Grad& x) { return x.g; })
        .inplace()
        .out(kOutExact),
};

void polygamma_run(Frame& f) {
  check(f.args[0].i >= 0, "polygamma(n, x) does not support negative n, got ",
        f.args[0].i);
  run_pointwise_record(f);
}

const Records special = {
    Op("erf(Tensor self) -> Tensor", "The error function.")
        .pointwise(Promote::Float)
        .derivative(
            "self", in(0),
            [](Grad& x) { return x.g * exp(-square(x.in(0))) * kTwoOverRootPi; })
        .inplace()
        .out(),
    Op("erfc(Tensor self) -> Tensor", "1 - erf(x), exact for large x.")
        .pointwise(Promote::Float)
        .derivative(
            "self", in(0),
            [](Grad& x) { return x.g * exp(-square(x.in(0))) * -kTwoOverRootPi; })
        .inplace()
        .out(),
    Op("erfinv(Tensor self) -> Tensor", "The inverse of erf on (-1, 1).")
        .pointwise(Promote::Float)
        .derivative("self", kOut,
                    [](Grad& x) { return x.g * exp(square(x.out())) / kTwoOverRootPi; })
        .inplace()
        .out(),
    Op("lgamma(Tensor self) -> Tensor", "The logarithm of |Γ(x)|.")
        .pointwise(Promote::Float)
        .derivative("self", in(0), [](Grad& x) { return x.g * digamma(x.in(0)); })
        .inplace()
        .out(),
    Op("digamma(Tensor self) -> Tensor", "The derivative of lgamma.")
        .pointwise(Promote::Float)
        .derivative("self", in(0), [](Grad& x) { return x.g * polygamma(1, x.in(0)); })
        .inplace()
        .out(),
    Op("polygamma(int n, Tensor self) -> Tensor", "The n-th derivative of digamma.")
        .pointwise(Promote::Float)
        .impl<&polygamma_run>()
        .derivative(
            "self", in(1),
            [](Grad& x) { return x.g * polygamma(x.arg<int64_t>(0) + 1, x.in(1)); })
        .no_method()
        .out(),
    Op("i0(Tensor self) -> Tensor", "The modified Bessel function of order 0.")
        .pointwise(Promote::Float)
        .derivative("self", in(0),
                    [](Grad& x) {
                      static const OpRef i1("special.i1(");
                      return x.g * i1(x.in(0));
                    })
        .inplace()
        .out(),
    Op("special.i1(Tensor self) -> Tensor", "The modified Bessel function of order 1.")
        .pointwise(Promote::Float)
        .derivative("self", in(0) | kOut,
                    [](Grad& x) {
                      static const OpRef i0("i0(");
                      Tensor z = x.in(0);
                      Tensor safe = where(eq(z, 0.0), 1.0, z);
                      Tensor d = i0(z) - x.out() / safe;
                      return x.g * where(eq(z, 0.0), 0.5, d);
                    })
        .no_method()
        .out(),
    Op("special.i0e(Tensor self) -> Tensor", "exp(-|x|)·i0(x).")
        .pointwise(Promote::Float)
        .derivative("self", in(0) | kOut,
                    [](Grad& x) {
                      static const OpRef i1e("special.i1e(");
                      Tensor z = x.in(0);
                      return x.g * (i1e(z) - sgn(z) * x.out());
                    })
        .no_method()
        .out(),
    Op("special.i1e(Tensor self) -> Tensor", "exp(-|x|)·i1(x).")
        .pointwise(Promote::Float)
        .derivative("self", in(0) | kOut,
                    [](Grad& x) {
                      static const OpRef i0e("special.i0e(");
                      Tensor z = x.in(0);
                      Tensor safe = where(eq(z, 0.0), 1.0, z);
                      Tensor d = i0e(z) - x.out() * (sgn(z) + reciprocal(safe));
                      return x.g * where(eq(z, 0.0), 0.5, d);
                    })
        .no_method()
        .out(),
    Op("special.ndtri(Tensor self) -> Tensor",
       "The inverse of the normal distribution function.")
        .pointwise(Promote::Float)
        .derivative("self", kOut,
                    [](Grad& x) {
                      return x.g * exp(square(x.out()) / 2.0) * std::sqrt(2 * M_PI);
                    })
        .no_method()
        .out(),
    Op("special.log_ndtr(Tensor self) -> Tensor",
       "The logarithm of the normal distribution function.")
        .pointwise(Promote::Float)
        .derivative("self", in(0) | kOut,
                    [](Grad& x) {
                      Tensor e = exp(square(x.in(0)) / -2.0 - x.out());
                      return x.g * e / std::sqrt(2 * M_PI);
                    })
        .no_method()
        .out(),
};

Tensor real_of_real(const Tensor& a) { return a; }
Tensor conj_physical(const Tensor& a) { return is_complex(a.dtype()) ? conj(a) : a; }
Tensor angle(const Tensor& a) {
  static const OpRef op("_angle(");
  return op(is_integral(a.dtype()) ? cast_to(a, default_dtype()) : a);
}

const Records tests = {
    Op("logical_not(Tensor self) -> Tensor", "True where an element is zero.")
        .pointwise(Promote::Bool)
        .not_differentiable()
        .inplace()
        .out(),
    Op("bitwise_not(Tensor self) -> Tensor", "Flips every bit; of bool, the negation.")
        .pointwise(Promote::Integral)
        .not_differentiable()
        .inplace()
        .out(kOutExact),
    Op("isnan(Tensor self) -> Tensor", "True where an element is not a number.")
        .pointwise(Promote::Bool)
        .impl<&number_test<false>>()
        .not_differentiable(),
    Op("isinf(Tensor self) -> Tensor", "True where an element is infinite.")
        .pointwise(Promote::Bool)
        .impl<&number_test<false>>()
        .not_differentiable(),
    Op("isfinite(Tensor self) -> Tensor", "True where an element is finite.")
        .pointwise(Promote::Bool)
        .impl<&number_test<true>>()
        .not_differentiable(),
    Op("isposinf(Tensor self) -> Tensor", "True where an element is +inf.")
        .pointwise(Promote::Bool)
        .impl<&number_test<false>>()
        .not_differentiable()
        .out(kOutExact),
    Op("isneginf(Tensor self) -> Tensor", "True where an element is -inf.")
        .pointwise(Promote::Bool)
        .impl<&number_test<false>>()
        .not_differentiable()
        .out(kOutExact),
    Op("signbit(Tensor self) -> Tensor", "True where the sign bit is set.")
        .pointwise(Promote::Bool)
        .not_differentiable()
        .out(kOutExact),
    Op("_conj(Tensor self) -> Tensor", "The complex conjugate.")
        .pointwise(Promote::Same, "conj")
        .derivative("self", 0, [](Grad& x) { return conj(x.g); }),
    Op("conj(Tensor self) -> Tensor", "The complex conjugate; a real tensor itself.")
        .impl<&conj_op>(),
    Op("conj_physical(Tensor self) -> Tensor", "The complex conjugate, computed now.")
        .impl<&conj_physical>()
        .inplace()
        .out(kOutExact),
    Op("resolve_conj(Tensor self) -> Tensor",
       "The tensor itself: nothing is lazy here.")
        .impl<&real_of_real>(),
    Op("resolve_neg(Tensor self) -> Tensor", "The tensor itself: nothing is lazy here.")
        .impl<&real_of_real>(),
    Op("angle(Tensor self) -> Tensor", "The argument of each element, in radians.")
        .impl<&angle>()
        .out(),
    Op("_angle(Tensor self) -> Tensor", "The argument of floating or complex numbers.")
        .pointwise(Promote::ToReal, "angle")
        .decomposition<&composed::angle>()
        .derivative("self", in(0),
                    [](Grad& x) {
                      if (!x.complex_input(0)) return zeros_like(x.g);
                      static const OpRef complex("complex(");
                      Tensor z = x.in(0), re = real(z), im = imag(z);
                      Tensor n = re * re + im * im;
                      Tensor d = complex(-im / n * x.g, re / n * x.g);
                      return where(eq(n, 0.0), 0.0, d);
                    }),
};

}  // namespace

}  // namespace fl
