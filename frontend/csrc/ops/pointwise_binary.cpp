// Pointwise ops of two operands: arithmetic, comparison, logic, bits, extrema.
#include <cmath>

#include "ops/compose.h"
#include "ops/formula.h"
#include "ops/record.h"

namespace fl {

namespace {

using namespace ops;

Dtype dtype_of(const Value& v) {
  return v.is_tensor() ? v.tensor->dtype : v.scalar().dtype();
}

// ---- add and sub: with a factor on the second operand
// --------------------------------

void check_alpha(const Frame& f, const Scalar& alpha) {
  Dtype a = dtype_of(f.args[0]), b = dtype_of(f.args[1]);
  check(alpha.kind != Scalar::Kind::Bool || (a == Dtype::Bool && b == Dtype::Bool),
        f.op->name(), ": Boolean alpha only supported for Boolean results.");
  check(alpha.is_integral() || !is_integral(a) || !is_integral(b), f.op->name(),
        ": For integral input tensors, argument alpha must not be a floating point ",
        "number.");
}

// other is brought to the result's dtype first, in which alpha is exact.
template <bool minus>
Tensor scaled_parts(const Operand& self, const Operand& other, const Scalar& alpha) {
  const PointwiseOperand both[] = {{self.value}, {other.value}};
  const Dtype d = common_dtype(Promote::Same, both);
  const auto at = [d](const Operand& o) {
    return o.value.is_tensor() ? Operand::own(to_dtype(Tensor(o.value.tensor), d)) : o;
  };
  const Tensor scaled = mul(at(other), alpha);
  return minus ? sub(at(self), scaled) : add(at(self), scaled);
}

void add_alpha(Frame& f) {
  static const KernelId plain = intern_kernel("add");
  static const KernelId scaled = intern_kernel("add_scaled");
  const PointwiseOperand operands[] = {{f.args[0]}, {f.args[1]}};
  const Value& a = f.args[2];
  if (a.tag == Tag::Int && a.i == 1) {
    return run_pointwise(f, plain, Promote::Same, operands, {}, nullptr);
  }
  Scalar alpha = a.scalar();
  check_alpha(f, alpha);
  fl_attr attr{};
  attr.v.c[0] = alpha.real();
  attr.v.c[1] = alpha.imag();
  run_pointwise(f, scaled, Promote::Same, operands, std::span(&attr, 1),
                composite_of<&scaled_parts<false>>);
}

void sub_alpha(Frame& f) {
  static const KernelId plain = intern_kernel("sub");
  static const KernelId scaled = intern_kernel("add_scaled");
  check(
      dtype_of(f.args[0]) != Dtype::Bool && dtype_of(f.args[1]) != Dtype::Bool,
      "Subtraction, the `-` operator, with a bool tensor is not supported. If you are ",
      "trying to invert a mask, use the `~` or `logical_not()` operator instead.");
  const PointwiseOperand operands[] = {{f.args[0]}, {f.args[1]}};
  const Value& a = f.args[2];
  if (a.tag == Tag::Int && a.i == 1) {
    return run_pointwise(f, plain, Promote::Same, operands, {}, nullptr);
  }
  Scalar alpha = a.scalar();
  check_alpha(f, alpha);
  fl_attr attr{};
  attr.v.c[0] = -alpha.real();
  attr.v.c[1] = -alpha.imag();
  run_pointwise(f, scaled, Promote::Same, operands, std::span(&attr, 1),
                composite_of<&scaled_parts<true>>);
}

Tensor times_alpha(Grad& x, double sign) {
  Scalar a = x.value(2).scalar();
  if (a.equals(sign)) return x.g;
  if (a.kind == Scalar::Kind::Complex) {
    return x.g * Operand(Scalar(sign * std::complex<double>(a.f, -a.im)));
  }
  return x.g * (sign * a.real());
}

Tensor rsub(const Tensor& self, const Operand& other, const Value& alpha) {
  static const OpRef op("sub(");
  return op(other.value, self, alpha);
}

// ---- division
// ------------------------------------------------------------------------

void divide(Frame& f) {
  static const KernelId truth = intern_kernel("div"), down = intern_kernel("div_floor"),
                        zero = intern_kernel("div_trunc");
  const PointwiseOperand operands[] = {{f.args[0]}, {f.args[1]}};
  const Value& mode = f.args[2];
  if (mode.none()) return run_pointwise(f, truth, Promote::Float, operands, {});
  std::string_view m = Unbox<std::string_view>::get(mode);
  check(m == "trunc" || m == "floor", f.op->name(),
        ": expected rounding_mode to be one ",
        "of None, 'trunc', or 'floor' but found '", m, "'");
  run_pointwise(f, m == "floor" ? down : zero, Promote::Same, operands, {});
}

void floor_divide_op(Frame& f) {
  static const KernelId down = intern_kernel("div_floor");
  const PointwiseOperand operands[] = {{f.args[0]}, {f.args[1]}};
  run_pointwise(f, down, Promote::Same, operands, {});
}

Tensor div_self(Grad& x) {
  if (!x.value(2).none()) return zeros_like(x.g);
  return x.g / cj(x.operand(1));
}
Tensor div_other(Grad& x) {
  if (!x.value(2).none()) return zeros_like(x.g);
  Tensor b = x.in(1);
  return -x.g * cj((Tensor(1.0 / b) * x.operand(0)) / b);
}

// ---- pow
// -----------------------------------------------------------------------------

void power(Frame& f) {
  static const KernelId kPow = intern_kernel("pow"), kSquare = intern_kernel("square"),
                        kSqrt = intern_kernel("sqrt"), kCopy = intern_kernel("copy");
  const Value& e = f.args[1];
  if (e.is_number() && f.args[0].is_tensor()) {
    Scalar s = e.scalar();
    Dtype d = f.args[0].tensor->dtype;
    bool integers = is_integral(d) && s.is_integral();
    check(!(integers && s.i < 0), "pow: Integers to negative integer powers are not ",
          "allowed.");
    bool same = integers || is_floating(d) || is_complex(d);
    const PointwiseOperand one[] = {{f.args[0]}};
    if (same && d != Dtype::Bool && s.kind != Scalar::Kind::Complex) {
      if (s.equals(2)) return run_pointwise(f, kSquare, Promote::Same, one, {});
      if (s.equals(1)) return run_pointwise(f, kCopy, Promote::Same, one, {});
      if (s.equals(0.5) && !is_integral(d)) {
        return run_pointwise(f, kSqrt, Promote::Same, one, {});
      }
    }
  }
  const PointwiseOperand operands[] = {{f.args[0]}, {e}};
  run_pointwise(f, kPow, Promote::Same, operands, {});
}

Tensor pow_self(Grad& x) {
  const Value& e = x.value(1);
  if (e.tag != Tag::Tensor) {
    Scalar s = e.scalar();
    if (s.equals(0)) return zeros_like(x.g);
    if (s.equals(2)) return x.g * cj(x.in(0) * 2);
    if (s.kind == Scalar::Kind::Complex) {
      auto c = std::complex<double>(s.f, s.im);
      return x.g * cj(pow(x.in(0), Operand(Scalar(c - 1.0))) * Operand(s));
    }
    return x.g * cj(pow(x.in(0), s.real() - 1.0) * s.real());
  }
  Tensor b = x.in(1);
  Tensor d = b * pow(x.operand(0), b - 1);
  return where(eq(b, 0.0), 0.0, x.g * cj(d));
}
Tensor pow_exponent(Grad& x) {
  Operand base = x.operand(0);
  Tensor e = x.in(1), y = x.out();
  if (!base.value.is_tensor()) {
    Scalar s = base.value.scalar();
    if (s.equals(0)) return where(ge(e, 0.0), 0.0, x.g * y);
    bool real = s.imag() == 0 && s.real() > 0;
    Scalar l = real ? Scalar(std::log(s.real()))
                    : Scalar(std::log(std::complex<double>(s.real(), s.imag())));
    return x.g * cj(y * Operand(l));
  }
  Tensor b = x.in(0);
  Tensor d = x.g * cj(y * log(b));
  Tensor at_zero = is_complex(e.dtype()) ? logical_and(eq(b, 0.0), ge(real(e), 0.0))
                                         : logical_and(eq(b, 0.0), ge(e, 0.0));
  return where(at_zero, 0.0, d);
}

Tensor rpow(const Tensor& self, const Operand& other) {
  static const OpRef op("pow(Operand self");
  return op(other.value, self);
}

// ---- extrema: ties share the gradient
// ---------------------------------------------------

Tensor larger(Grad& x, bool first, bool want_max) {
  Operand a = x.operand(first ? 0 : 1), b = x.operand(first ? 1 : 0);
  Tensor won = want_max ? gt(a, b) : lt(a, b);
  Tensor tie = eq(a, b);
  return where(tie, x.g * 0.5, where(won, x.g, 0.0));
}

// fmax and fmin ignore NaN: the other operand takes all.
Tensor ignoring_nan(Grad& x, bool first, bool want_max) {
  Tensor a = x.in(0), b = x.in(1);
  Tensor mine = logical_or(want_max ? ge(a, b) : le(a, b), isnan(b));
  return where(first ? mine : logical_not(mine), x.g, 0.0);
}

const Records arithmetic = {
    Op("add(Operand self, Operand other, *, Scalar alpha=1) -> Tensor",
       "self + alpha·other, broadcast and promoted.")
        .impl<&add_alpha>()
        .derivative("self", 0, [](Grad& x) { return x.g; })
        .derivative("other", 0, [](Grad& x) { return times_alpha(x, 1); })
        .inplace()
        .out(),
    Op("sub(Operand self, Operand other, *, Scalar alpha=1) -> Tensor",
       "self - alpha·other, broadcast and promoted.")
        .impl<&sub_alpha>()
        .derivative("self", 0, [](Grad& x) { return x.g; })
        .derivative("other", 0, [](Grad& x) { return times_alpha(x, -1); })
        .inplace()
        .out()
        .alias("subtract"),
    Op("rsub(Tensor self, Operand other, *, Scalar alpha=1) -> Tensor",
       "other - alpha·self.")
        .impl<&rsub>(),
    Op("mul(Operand self, Operand other) -> Tensor", "The product of each pair.")
        .pointwise(Promote::Same)
        .derivative("self", in(1), [](Grad& x) { return x.g * cj(x.operand(1)); })
        .derivative("other", in(0), [](Grad& x) { return x.g * cj(x.operand(0)); })
        .inplace()
        .out()
        .alias("multiply"),
    Op("div(Operand self, Operand other, *, str? rounding_mode=None) -> Tensor",
       "The quotient: true, or rounded towards zero ('trunc') or down ('floor').")
        .impl<&divide>()
        .derivative("self", in(1), div_self)
        .derivative("other", in(0, 1), div_other)
        .inplace()
        .out()
        .alias("divide"),
    Op("true_divide(Operand self, Operand other) -> Tensor", "The true quotient.")
        .pointwise(Promote::Float, "div")
        .derivative("self", in(1), [](Grad& x) { return x.g / cj(x.operand(1)); })
        .derivative("other", in(0, 1),
                    [](Grad& x) {
                      Tensor b = x.in(1);
                      return -x.g * cj((Tensor(1.0 / b) * x.operand(0)) / b);
                    })
        .inplace()
        .out(),
    Op("floor_divide(Operand self, Operand other) -> Tensor",
       "The quotient rounded down.")
        .impl<&floor_divide_op>()
        .not_differentiable()
        .inplace()
        .out(),
    Op("fmod(Tensor self, Operand other) -> Tensor",
       "The remainder with the sign of self.")
        .pointwise(Promote::Same)
        .derivative("self", 0, [](Grad& x) { return x.g; })
        .derivative("other", in(0, 1),
                    [](Grad& x) {
                      static const OpRef div("div(");
                      return -x.g * div(x.operand(0).value, x.in(1), "trunc");
                    })
        .inplace()
        .out(),
    Op("remainder(Operand self, Operand other) -> Tensor",
       "The remainder with the sign of other.")
        .pointwise(Promote::Same)
        .derivative("self", 0, [](Grad& x) { return x.g; })
        .derivative("other", in(0, 1),
                    [](Grad& x) {
                      static const OpRef div("div(");
                      return -x.g * div(x.operand(0).value, x.in(1), "floor");
                    })
        .inplace()
        .out(),
    Op("pow(Operand self, Operand exponent) -> Tensor", "self to the power exponent.")
        .impl<&power>()
        .derivative("self", in(0, 1), pow_self)
        .derivative("exponent", in(0, 1) | kOut, pow_exponent)
        .inplace()
        .out(),
    Op("__rpow__(Tensor self, Operand other) -> Tensor", "other to the power self.")
        .impl<&rpow>(),
    Op("atan2(Tensor self, Tensor other) -> Tensor",
       "The angle of the point (other, self), in radians.")
        .pointwise(Promote::Float)
        .derivative("self", in(0, 1),
                    [](Grad& x) {
                      Tensor a = x.in(0), b = x.in(1);
                      return x.g * (b / (a * a + b * b));
                    })
        .derivative("other", in(0, 1),
                    [](Grad& x) {
                      Tensor a = x.in(0), b = x.in(1);
                      return x.g * (-a / (a * a + b * b));
                    })
        .inplace()
        .out()
        .alias("arctan2"),
    Op("hypot(Tensor self, Tensor other) -> Tensor", "sqrt(self² + other²).")
        .pointwise(Promote::Same)
        .decomposition<&composed::hypot>()
        .derivative("self", in(0) | kOut,
                    [](Grad& x) { return x.g * (x.in(0) / x.out()); })
        .derivative("other", in(1) | kOut,
                    [](Grad& x) { return x.g * (x.in(1) / x.out()); })
        .inplace()
        .out(),
    Op("copysign(Tensor self, Operand other) -> Tensor",
       "The magnitude of self with the sign of other.")
        .pointwise(Promote::Float)
        .decomposition<&composed::copysign>()
        .derivative("self", in(0) | kOut,
                    [](Grad& x) {
                      Tensor a = x.in(0);
                      return where(eq(a, 0.0), 0.0, x.g * (x.out() / a));
                    })
        .derivative("other", 0, [](Grad& x) { return zeros_like(x.g); })
        .inplace()
        .out(),
    Op("nextafter(Tensor self, Tensor other) -> Tensor",
       "The next number from self towards other.")
        .pointwise(Promote::Same)
        .decomposition<&composed::nextafter>()
        .derivative("self", in(0, 1),
                    [](Grad& x) { return where(ne(x.in(0), x.in(1)), x.g, 0.0); })
        .derivative("other", 0, [](Grad& x) { return zeros_like(x.g); })
        .inplace()
        .out(),
    Op("logaddexp(Tensor self, Tensor other) -> Tensor", "log(exp(self) + exp(other)).")
        .pointwise(Promote::Float)
        .decomposition<&composed::logaddexp>()
        .derivative("self", in(0) | kOut,
                    [](Grad& x) { return x.g * cj(exp(x.in(0) - x.out())); })
        .derivative("other", in(1) | kOut,
                    [](Grad& x) { return x.g * cj(exp(x.in(1) - x.out())); })
        .out(),
    Op("logaddexp2(Tensor self, Tensor other) -> Tensor", "log2(2^self + 2^other).")
        .pointwise(Promote::Float)
        .decomposition<&composed::logaddexp2>()
        .derivative("self", in(0) | kOut,
                    [](Grad& x) {
                      static const OpRef exp2("exp2(");
                      return x.g * exp2(x.in(0) - x.out());
                    })
        .derivative("other", in(1) | kOut,
                    [](Grad& x) {
                      static const OpRef exp2("exp2(");
                      return x.g * exp2(x.in(1) - x.out());
                    })
        .out(),
    Op("heaviside(Tensor self, Tensor values) -> Tensor",
       "0 below zero, 1 above, `values` at zero.")
        .pointwise(Promote::Same)
        .decomposition<&composed::heaviside>()
        .not_differentiable()
        .inplace()
        .out(kOutExact),
    Op("xlogy(Operand self, Operand other) -> Tensor",
       "self·log(other), 0 where self is 0.")
        .pointwise(Promote::Float)
        .decomposition<&composed::xlogy>()
        .derivative("self", in(0, 1),
                    [](Grad& x) {
                      Tensor a = x.in(0);
                      Operand b = x.operand(1);
                      Tensor l = b.value.is_tensor()
                                     ? log(x.in(1))
                                     : ops::add(zeros_like(a),
                                                std::log(b.value.scalar().real()));
                      Tensor none = logical_and(eq(a, 0.0), le(b, 0.0));
                      return x.g * where(none, 0.0, l);
                    })
        .derivative("other", in(0, 1),
                    [](Grad& x) { return x.g * x.operand(0) / x.operand(1); })
        .inplace()
        .out(),
    Op("special.xlog1py(Operand self, Operand other) -> Tensor",
       "self·log1p(other), 0 where self is 0.")
        .pointwise(Promote::Float)
        .decomposition<&composed::xlog1py>()
        .derivative("self", in(0, 1),
                    [](Grad& x) {
                      Tensor a = x.in(0);
                      Operand b = x.operand(1);
                      Tensor l = b.value.is_tensor()
                                     ? log1p(x.in(1))
                                     : ops::add(zeros_like(a),
                                                std::log1p(b.value.scalar().real()));
                      Tensor none = logical_and(eq(a, 0.0), le(b, -1.0));
                      return x.g * where(none, 0.0, l);
                    })
        .derivative("other", in(0, 1),
                    [](Grad& x) { return x.g * x.operand(0) / (x.in(1) + 1.0); })
        .no_method()
        .out(),
    Op("special.zeta(Operand self, Operand other) -> Tensor",
       "The Hurwitz zeta function.")
        .pointwise(Promote::Float, "zeta")
        .not_differentiable()
        .no_method()
        .out(),
    Op("igamma(Tensor self, Tensor other) -> Tensor",
       "The regularised lower incomplete gamma function.")
        .pointwise(Promote::Float)
        .not_differentiable()
        .inplace()
        .out(),
    Op("igammac(Tensor self, Tensor other) -> Tensor",
       "The regularised upper incomplete gamma function.")
        .pointwise(Promote::Float)
        .not_differentiable()
        .inplace()
        .out(),
    Op("gcd(Tensor self, Tensor other) -> Tensor", "The greatest common divisor.")
        .pointwise(Promote::Integral)
        .decomposition<&composed::gcd>()
        .not_differentiable()
        .inplace()
        .out(),
    Op("lcm(Tensor self, Tensor other) -> Tensor", "The least common multiple.")
        .pointwise(Promote::Integral)
        .decomposition<&composed::lcm>()
        .not_differentiable()
        .inplace()
        .out(),
    Op("ldexp(Tensor self, Tensor other) -> Tensor", "self·2^other.")
        .impl<+[](const Tensor& a, const Tensor& b) -> Tensor {
          static const OpRef exp2("exp2(");
          return a * exp2(b);
        }>()
        .inplace()
        .out(),
    Op("float_power(Operand self, Operand exponent) -> Tensor",
       "pow in float64, or complex128 for complex operands.")
        .impl<+[](const Operand& a, const Operand& b) -> Tensor {
          auto wide = [](const Operand& o) {
            return is_complex(dtype_of(o.value)) ? Dtype::Complex128 : Dtype::Float64;
          };
          Dtype d = promote(wide(a), wide(b));
          Tensor x =
              a.value.is_tensor() ? to_dtype(Tensor(a.value.tensor), d) : Tensor();
          Tensor y =
              b.value.is_tensor() ? to_dtype(Tensor(b.value.tensor), d) : Tensor();
          return pow(x.defined() ? Operand(x) : a, y.defined() ? Operand(y) : b);
        }>()
        .inplace()
        .out(kOutExact),
};

const Records extrema = {
    Op("maximum(Tensor self, Tensor other) -> Tensor", "The larger of each pair.")
        .pointwise(Promote::Same)
        .derivative("self", in(0, 1), [](Grad& x) { return larger(x, true, true); })
        .derivative("other", in(0, 1), [](Grad& x) { return larger(x, false, true); })
        .out(),
    Op("minimum(Tensor self, Tensor other) -> Tensor", "The smaller of each pair.")
        .pointwise(Promote::Same)
        .derivative("self", in(0, 1), [](Grad& x) { return larger(x, true, false); })
        .derivative("other", in(0, 1), [](Grad& x) { return larger(x, false, false); })
        .out(),
    Op("fmax(Tensor self, Tensor other) -> Tensor", "The larger, NaN ignored.")
        .pointwise(Promote::Same)
        .decomposition<&composed::fmax>()
        .derivative("self", in(0, 1),
                    [](Grad& x) { return ignoring_nan(x, true, true); })
        .derivative("other", in(0, 1),
                    [](Grad& x) { return ignoring_nan(x, false, true); })
        .out(),
    Op("fmin(Tensor self, Tensor other) -> Tensor", "The smaller, NaN ignored.")
        .pointwise(Promote::Same)
        .decomposition<&composed::fmin>()
        .derivative("self", in(0, 1),
                    [](Grad& x) { return ignoring_nan(x, true, false); })
        .derivative("other", in(0, 1),
                    [](Grad& x) { return ignoring_nan(x, false, false); })
        .out(),
};

const Records comparisons = {
    Op("eq(Tensor self, Operand other) -> Tensor", "self == other.")
        .pointwise(Promote::Bool)
        .not_differentiable()
        .inplace()
        .out(),
    Op("ne(Tensor self, Operand other) -> Tensor", "self != other.")
        .pointwise(Promote::Bool)
        .not_differentiable()
        .inplace()
        .out()
        .alias("not_equal"),
    Op("lt(Tensor self, Operand other) -> Tensor", "self < other.")
        .pointwise(Promote::Bool)
        .not_differentiable()
        .inplace()
        .out()
        .alias("less"),
    Op("le(Tensor self, Operand other) -> Tensor", "self <= other.")
        .pointwise(Promote::Bool)
        .not_differentiable()
        .inplace()
        .out()
        .alias("less_equal"),
    Op("gt(Tensor self, Operand other) -> Tensor", "self > other.")
        .pointwise(Promote::Bool)
        .not_differentiable()
        .inplace()
        .out()
        .alias("greater"),
    Op("ge(Tensor self, Operand other) -> Tensor", "self >= other.")
        .pointwise(Promote::Bool)
        .not_differentiable()
        .inplace()
        .out()
        .alias("greater_equal"),
    Op("logical_and(Tensor self, Tensor other) -> Tensor", "Truth of both.")
        .pointwise(Promote::BoolOnly)
        .not_differentiable()
        .inplace()
        .out(),
    Op("logical_or(Tensor self, Tensor other) -> Tensor", "Truth of either.")
        .pointwise(Promote::BoolOnly)
        .not_differentiable()
        .inplace()
        .out(),
    Op("logical_xor(Tensor self, Tensor other) -> Tensor", "Truth of exactly one.")
        .pointwise(Promote::BoolOnly)
        .not_differentiable()
        .inplace()
        .out(),
};

const Records bits = {
    Op("bitwise_and(Operand self, Operand other) -> Tensor", "Bits set in both.")
        .pointwise(Promote::Integral)
        .not_differentiable()
        .inplace()
        .out(),
    Op("bitwise_or(Operand self, Operand other) -> Tensor", "Bits set in either.")
        .pointwise(Promote::Integral)
        .not_differentiable()
        .inplace()
        .out(),
    Op("bitwise_xor(Operand self, Operand other) -> Tensor", "Bits set in exactly one.")
        .pointwise(Promote::Integral)
        .not_differentiable()
        .inplace()
        .out(),
    Op("bitwise_left_shift(Operand self, Operand other) -> Tensor",
       "Bits moved to the left.")
        .pointwise(Promote::Integral, "shift_left")
        .not_differentiable()
        .inplace()
        .out(),
    Op("bitwise_right_shift(Operand self, Operand other) -> Tensor",
       "Bits moved to the right, the sign kept.")
        .pointwise(Promote::Integral, "shift_right")
        .not_differentiable()
        .inplace()
        .out(),
};

}  // namespace

}  // namespace fl
