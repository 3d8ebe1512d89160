// Pointwise ops with a formula over primitive ones: what a device without their kernels
// computes.  Activations stand beside their records.
#include <cmath>
#include <numbers>

#include "ops/compose.h"
#include "ops/formula.h"
#include "ops/record.h"

namespace fl::composed {

using namespace ops;

Tensor clamp(const Tensor& x, const Value& lo, const Value& hi) {
  const Tensor low = lo.none() ? x : maximum(x, lo);
  return hi.none() ? low : minimum(low, hi);
}

// By the form that is exact at both ends.
Tensor lerp(const Tensor& a, const Tensor& b, const Operand& w) {
  const Tensor apart = b - a;
  if (!w.value.is_tensor()) {
    const Scalar s = w.value.scalar();
    const std::complex<double> c(s.real(), s.imag());
    const Operand rest = s.kind == Scalar::Kind::Complex ? Operand(Scalar(1.0 - c))
                                                         : Operand(1.0 - s.real());
    return std::abs(c) < 0.5 ? a + apart * w : b - apart * rest;
  }
  const Tensor t(w.value.tensor);
  return where(lt(abs(t), 0.5), a + apart * t, b - apart * (1.0 - t));
}

Tensor addcmul(const Tensor& a, const Tensor& b, const Tensor& c, const Scalar& value) {
  const Tensor product = b * c;
  return a + (value.equals(1) ? product : product * Operand(value));
}
Tensor addcdiv(const Tensor& a, const Tensor& b, const Tensor& c, const Scalar& value) {
  const Tensor quotient = b / c;
  return a + (value.equals(1) ? quotient : quotient * Operand(value));
}

Tensor fmax(const Tensor& a, const Tensor& b) {
  return where(isnan(b), a, where(isnan(a), b, maximum(a, b)));
}
Tensor fmin(const Tensor& a, const Tensor& b) {
  return where(isnan(b), a, where(isnan(a), b, minimum(a, b)));
}

void check_real(const char* op, Dtype d) {
  check(!is_complex(d), ErrorKind::NotImplemented, "\"", op, "\" not implemented for '",
        type_name(d), "'");
}

// Scaled by the larger one, so that no square overflows.
Tensor hypot(const Tensor& a, const Tensor& b) {
  check_real("hypot", promote(a.dtype(), b.dtype()));
  const Tensor x = abs(a), y = abs(b), top = maximum(x, y);
  const Tensor ratio = where(eq(top, 0), 0, minimum(x, y) / top);
  const Tensor length = top * sqrt(ratio * ratio + 1.0);
  return where(logical_or(isinf(x), isinf(y)), INFINITY, length);
}

Tensor copysign(const Tensor& a, const Operand& b) {
  const Value left(a);
  const PointwiseOperand both[] = {{left}, {b.value}};
  const Dtype d = common_dtype(Promote::Float, both);
  check_real("copysign", d);
  const Tensor size = abs(to_dtype(a, d));
  if (!b.value.is_tensor()) {
    return std::signbit(b.value.scalar().real()) ? -size : size;
  }
  static const OpRef sign("signbit(");
  return where(sign(Tensor(b.value.tensor)), -size, size);
}

// The bits of floating point numbers, as integers, are in the order of magnitudes.
Tensor nextafter(const Tensor& a, const Tensor& b) {
  static const OpRef bits("view(Tensor self, ScalarType"), sign("signbit(");
  const Value left(a), right(b);
  const PointwiseOperand both[] = {{left}, {right}};
  const Dtype d = common_dtype(Promote::Same, both);
  const int64_t size = item_size(d);
  const Dtype whole = size == 8   ? Dtype::Int64
                      : size == 4 ? Dtype::Int32
                                  : Dtype::Int16;
  const Tensor x = make_contiguous(to_dtype(a, d)), y = to_dtype(b, d);
  const Tensor away = eq(gt(y, x), gt(x, 0));  // from zero
  const Tensor i = bits(x, whole);
  const Tensor moved = bits(where(away, i + 1, i - 1), d);
  const Tensor one = empty({}, whole, x.device());
  fill_values(one, Scalar(1));
  const Tensor least = bits(one, d);
  const Tensor next = where(eq(x, 0), where(sign(y), -least, least), moved);
  const Tensor out = where(eq(x, y), y, next);
  return where(logical_or(isnan(x), isnan(y)), x + y, out);
}

Tensor logaddexp(const Tensor& a, const Tensor& b) {
  if (is_complex(a.dtype()) || is_complex(b.dtype())) return log(exp(a) + exp(b));
  const Tensor top = maximum(a, b), low = minimum(a, b);
  return where(isinf(top), top, top + log1p(exp(low - top)));
}
Tensor logaddexp2(const Tensor& a, const Tensor& b) {
  const Tensor top = maximum(a, b), low = minimum(a, b);
  const Tensor sum = top + log1p(exp2(low - top)) * std::numbers::log2e;
  return where(isinf(top), top, sum);
}

Tensor heaviside(const Tensor& a, const Tensor& at_zero) {
  return where(eq(a, 0), at_zero, to_dtype(gt(a, 0), a.dtype()));
}

namespace {
// a times the logarithm l of b: 0 where a is 0, NaN where b is.
Tensor times_log(const Operand& a, const Operand& l, const Operand& b) {
  Tensor out = mul(a, l);
  if (a.value.is_tensor()) {
    out = where(eq(Tensor(a.value.tensor), 0), 0, out);
  } else if (a.value.scalar().equals(0)) {
    out = zeros_like(out);
  }
  if (b.value.is_tensor()) return where(isnan(Tensor(b.value.tensor)), NAN, out);
  return std::isnan(b.value.scalar().real()) ? out * NAN : out;
}
}  // namespace
Tensor xlogy(const Operand& a, const Operand& b) {
  const bool tensor = b.value.is_tensor();
  return times_log(a,
                   tensor ? Operand::own(log(Tensor(b.value.tensor)))
                          : Operand(std::log(b.value.scalar().real())),
                   b);
}
Tensor xlog1py(const Operand& a, const Operand& b) {
  const bool tensor = b.value.is_tensor();
  return times_log(a,
                   tensor ? Operand::own(log1p(Tensor(b.value.tensor)))
                          : Operand(std::log1p(b.value.scalar().real())),
                   b);
}

// Euclid, all pairs at once, until the last remainder is 0.
Tensor gcd(const Tensor& a, const Tensor& b) {
  static const OpRef any("any(Tensor self)");
  const Value left(a), right(b);
  const PointwiseOperand both[] = {{left}, {right}};
  const Dtype d = common_dtype(Promote::Integral, both);
  Tensor x = abs(to_dtype(a, d)), y = abs(to_dtype(b, d));
  while (item(any(y)).to_bool()) {
    const Tensor done = eq(y, 0);
    const Tensor rest = remainder(x, where(done, 1, y));
    x = where(done, x, y);
    y = where(done, 0, rest);
  }
  return x.numel() == 1 && y.dim() > x.dim() ? expand(x, y.sizes()) : x;
}
Tensor lcm(const Tensor& a, const Tensor& b) {
  const Tensor g = composed::gcd(a, b);
  return abs(floor_divide(a, where(eq(g, 0), 1, g)) * b);
}

Tensor sinc(const Tensor& x) {
  const Tensor t = x * std::numbers::pi;
  return where(eq(x, 0), 1, sin(t) / t);
}

Tensor angle(const Tensor& x) {
  if (is_complex(x.dtype())) return atan2(imag(x), real(x));
  return where(isnan(x), x, to_dtype(lt(x, 0), x.dtype()) * std::numbers::pi);
}

void rectangular(const Tensor& out, const Tensor& real, const Tensor& imag) {
  const Tensor parts = view_as_real(out);
  copy_into(select(parts, -1, 0), real);
  copy_into(select(parts, -1, 1), imag);
}
void polar(const Tensor& out, const Tensor& abs, const Tensor& angle) {
  rectangular(out, abs * cos(angle), abs * sin(angle));
}

}  // namespace fl::composed
