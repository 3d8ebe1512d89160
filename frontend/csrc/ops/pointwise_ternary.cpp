// Pointwise ops of three operands and choices: where, masked_fill, clamp, lerp,
// addcmul, addcdiv, and numbers made of parts.
#include "ops/compose.h"
#include "ops/formula.h"
#include "ops/record.h"

namespace fl {

namespace {

using namespace ops;

// ---- where and masked_fill
// -----------------------------------------------------------

Tensor as_condition(const char* op, const Value& v) {
  check(v.is_tensor(), ErrorKind::Type, op,
        ": expected a tensor for argument "
        "'condition'");
  Tensor c(v.tensor);
  if (c.dtype() == Dtype::Bool) return c;
  check(c.dtype() == Dtype::UInt8, op,
        ": expected condition to be a boolean tensor, but ", "got a tensor with dtype ",
        type_name(c.dtype()));
  return cast_to(c, Dtype::Bool);
}

void where_op(Frame& f) {
  static const KernelId k = intern_kernel("where");
  Tensor c = as_condition("where", f.args[0]);
  const Value condition(c);
  const PointwiseOperand operands[] = {{condition, true}, {f.args[1]}, {f.args[2]}};
  run_pointwise(f, k, Promote::Same, operands, {});
}

// The value takes the tensor's dtype, which never grows.
Tensor fill_value(const Tensor& self, const Value& v) {
  if (v.is_tensor()) {
    check(v.tensor->ndim == 0,
          "masked_fill: only supports a 0-dimensional value tensor, ",
          "but got a tensor with ", int(v.tensor->ndim), " dimension(s).");
    check(can_cast(v.tensor->dtype, self.dtype()), "masked_fill: value of dtype ",
          short_name(v.tensor->dtype), " cannot be converted to ",
          short_name(self.dtype()), " without loss");
    return cast_to(Tensor(v.tensor), self.dtype());
  }
  Scalar s = v.scalar();
  check(can_cast(s.dtype(), self.dtype()) || s.is_integral() ||
            (s.kind == Scalar::Kind::Float && s.f == static_cast<double>(s.to_int())),
        "value cannot be converted to type ", short_name(self.dtype()),
        " without overflow");
  Tensor t = empty({}, self.dtype(), self.device());
  fill_with(t, s);
  return t;
}

void masked_fill_op(Frame& f) {
  static const KernelId k = intern_kernel("where");
  Tensor self(f.args[0].tensor), mask(f.args[1].tensor);
  check(mask.dtype() == Dtype::Bool,
        "masked_fill_ only supports boolean masks, but got ", "mask with dtype ",
        short_name(mask.dtype()));
  if (f.args[2].is_tensor()) {
    const Tensor v = fill_value(self, f.args[2]);
    const Value fill(v);
    const PointwiseOperand operands[] = {{f.args[1], true}, {fill}, {f.args[0]}};
    return run_pointwise(f, k, Promote::Same, operands, {});
  }
  // A number stays a number: nothing is allocated for it.
  Scalar s = f.args[2].scalar();
  alignas(16) char raw[16];
  if (is_integral(self.dtype()) && !s.is_integral()) fill_value(self, f.args[2]);
  check(is_complex(self.dtype()) || s.kind != Scalar::Kind::Complex,
        "value cannot be converted to type ", short_name(self.dtype()),
        " without overflow");
  s.store(self.dtype(), raw);
  const Value exact(Scalar::load(self.dtype(), raw));
  const PointwiseOperand operands[] = {{f.args[1], true}, {exact}, {f.args[0]}};
  run_pointwise(f, k, Promote::Same, operands, {});
}

// ---- clamp
// ------------------------------------------------------------------------------

void clamp_op(Frame& f) {
  static const KernelId both = intern_kernel("clamp"), low = intern_kernel("maximum"),
                        high = intern_kernel("minimum");
  const Value &lo = f.args[1], &hi = f.args[2];
  check(!lo.none() || !hi.none(),
        "clamp: At least one of 'min' or 'max' must not be None");
  check(!is_complex(f.args[0].tensor->dtype), ErrorKind::NotImplemented,
        "clamp is not supported for complex types");
  if (lo.none() || hi.none()) {
    const PointwiseOperand operands[] = {{f.args[0]}, {lo.none() ? hi : lo}};
    return run_pointwise(f, lo.none() ? high : low, Promote::Same, operands, {});
  }
  const PointwiseOperand operands[] = {{f.args[0]}, {lo}, {hi}};
  run_pointwise(f, both, Promote::Same, operands, {});
}

Tensor inside(Grad& x) {
  Tensor a = x.in(0), ok;
  if (!x.value(1).none() || x.needs(1)) ok = ge(a, x.operand(1));
  if (x.node.values[2].tag != Tag::None) {
    Tensor below = le(a, x.operand(2));
    ok = ok.defined() ? logical_and(ok, below) : below;
  }
  return where(ok, x.g, 0.0);
}
Tensor at_low(Grad& x) {
  Tensor hit = lt(x.in(0), x.operand(1));
  if (x.value(2).tag != Tag::None)
    hit = logical_and(hit, lt(x.operand(1), x.operand(2)));
  return where(hit, x.g, 0.0);
}
Tensor at_high(Grad& x) {
  Tensor hit = gt(x.in(0), x.operand(2));
  if (x.value(1).tag != Tag::None)
    hit = logical_or(hit, gt(x.operand(1), x.operand(2)));
  return where(hit, x.g, 0.0);
}

Tensor clamp_min(const Tensor& a, const Operand& lo) {
  static const OpRef op("clamp(");
  return op(a, lo.value, Value());
}
Tensor clamp_max(const Tensor& a, const Operand& hi) {
  static const OpRef op("clamp(");
  return op(a, Value(), hi.value);
}

// ---- lerp, addcmul, addcdiv
// -----------------------------------------------------------------

void same_dtype(const Frame& f, int i, int j) {
  if (!f.args[i].is_tensor() || !f.args[j].is_tensor()) return;
  Dtype a = f.args[i].tensor->dtype, b = f.args[j].tensor->dtype;
  check(a == b, f.op->name(), ": expected dtype ", short_name(a), " for `",
        f.op->schema.args[j].name, "` but got dtype ", short_name(b));
}

void lerp_op(Frame& f) {
  static const KernelId k = intern_kernel("lerp");
  same_dtype(f, 0, 1);
  same_dtype(f, 0, 2);
  check(!is_integral(f.args[0].tensor->dtype), ErrorKind::NotImplemented,
        "\"lerp\" not implemented for '", type_name(f.args[0].tensor->dtype), "'");
  const PointwiseOperand operands[] = {{f.args[0]}, {f.args[1]}, {f.args[2]}};
  run_pointwise(f, k, Promote::Same, operands, {});
}

void no_integer_division(Frame& f) {
  bool integers = is_integral(f.args[0].tensor->dtype) &&
                  is_integral(f.args[1].tensor->dtype) &&
                  is_integral(f.args[2].tensor->dtype);
  check(!integers,
        "Integer division with addcdiv is no longer supported; use (input + ",
        "value * torch.trunc(tensor1 / tensor2)) or give floating tensors.");
  run_pointwise_record(f);
}

Operand value_of(Grad& x) { return cj(Operand(x.value(3))); }

const Records choices = {
    Op("where(Tensor condition, Operand self, Operand other) -> Tensor",
       "self where the condition holds, other elsewhere.")
        .impl<&where_op>()
        .derivative("self", in(0), [](Grad& x) { return where(x.in(0), x.g, 0.0); })
        .derivative("other", in(0), [](Grad& x) { return where(x.in(0), 0.0, x.g); })
        .no_method()
        .out(kOutExact),
    Op("where(Tensor self, Tensor condition, Operand other) -> Tensor",
       "self where the condition holds, other elsewhere.")
        .impl<+[](const Tensor& self, const Tensor& c, const Operand& other) -> Tensor {
          return where(c, self, other);
        }>()
        .method_only(),
    Op("masked_fill(Tensor self, Tensor mask, Operand value) -> Tensor",
       "A copy with `value` where the mask is true.")
        .impl<&masked_fill_op>()
        .derivative("self", in(1), [](Grad& x) { return where(x.in(1), 0.0, x.g); })
        .derivative("value", in(1),
                    [](Grad& x) { return sum(where(x.in(1), x.g, 0.0)); })
        .inplace(),
    Op("clamp(Tensor self, Operand? min=None, Operand? max=None) -> Tensor",
       "Each element, brought into [min, max].")
        .impl<&clamp_op>()
        .decomposition<&composed::clamp>()
        .derivative("self", in(0, 1, 2), inside)
        .derivative("min", in(0, 1, 2), at_low)
        .derivative("max", in(0, 1, 2), at_high)
        .inplace()
        .out()
        .alias("clip"),
    Op("clamp_min(Tensor self, Operand min) -> Tensor", "Each element, at least min.")
        .impl<&clamp_min>()
        .inplace()
        .out(),
    Op("clamp_max(Tensor self, Operand max) -> Tensor", "Each element, at most max.")
        .impl<&clamp_max>()
        .inplace()
        .out(),
};

const Records blends = {
    Op("lerp(Tensor self, Tensor end, Operand weight) -> Tensor",
       "self + weight·(end - self).")
        .impl<&lerp_op>()
        .decomposition<&composed::lerp>()
        .derivative("self", in(2),
                    [](Grad& x) {
                      Operand w = x.operand(2);
                      if (w.value.is_tensor()) return x.g * cj(1.0 - x.in(2));
                      Scalar s = w.value.scalar();
                      std::complex<double> c(1.0 - s.real(), s.imag());
                      return s.kind == Scalar::Kind::Complex ? x.g * Operand(Scalar(c))
                                                             : x.g * c.real();
                    })
        .derivative("end", in(2), [](Grad& x) { return x.g * cj(x.operand(2)); })
        .derivative("weight", in(0, 1),
                    [](Grad& x) { return x.g * cj(x.in(1) - x.in(0)); })
        .inplace()
        .out(),
    Op("addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> "
       "Tensor",
       "self + value·tensor1·tensor2.")
        .pointwise(Promote::Same)
        .decomposition<&composed::addcmul>()
        .derivative("self", 0, [](Grad& x) { return x.g; })
        .derivative("tensor1", in(2),
                    [](Grad& x) { return x.g * cj(x.in(2)) * value_of(x); })
        .derivative("tensor2", in(1),
                    [](Grad& x) { return x.g * cj(x.in(1)) * value_of(x); })
        .inplace()
        .out(),
    Op("addcdiv(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> "
       "Tensor",
       "self + value·tensor1/tensor2.")
        .pointwise(Promote::Same)
        .impl<&no_integer_division>()
        .decomposition<&composed::addcdiv>()
        .derivative("self", 0, [](Grad& x) { return x.g; })
        .derivative("tensor1", in(2),
                    [](Grad& x) { return x.g * value_of(x) / cj(x.in(2)); })
        .derivative("tensor2", in(1, 2),
                    [](Grad& x) {
                      Tensor b = x.in(2);
                      return -x.g * value_of(x) * cj(x.in(1) / (b * b));
                    })
        .inplace()
        .out(),
};

void from_parts(Frame& f) {
  static const KernelId rect = intern_kernel("make_complex"),
                        polar = intern_kernel("polar");
  Tensor a(f.args[0].tensor), b(f.args[1].tensor);
  check(a.dtype() == b.dtype(), f.op->name(), ": Expected object of scalar type ",
        type_name(a.dtype()), " but got scalar type ", type_name(b.dtype()),
        " for second argument");
  check(a.dtype() == Dtype::Float32 || a.dtype() == Dtype::Float64, f.op->name(),
        ": Expected both inputs to be Half, Float or Double tensors but got ",
        type_name(a.dtype()), " and ", type_name(b.dtype()));
  std::vector<int64_t> sizes = broadcast_shapes(a.sizes(), b.sizes(), f.op->name());
  Tensor out = empty(sizes, complex_dtype(a.dtype()), a.device());
  if (out.numel() > 0 && !a.device().is_meta()) {
    int64_t sa[64], sb[64];
    broadcast_strides(a, sizes, sa);
    broadcast_strides(b, sizes, sb);
    const IterOperand operands[] = {{out.data(), out->strides, out.dtype()},
                                    {a.data(), sa, a.dtype()},
                                    {b.data(), sb, b.dtype()}};
    bool is_polar = f.op->schema.name == "polar";
    if (!run_iterated(a.device(), is_polar ? polar : rect, a.dtype(), 1, operands,
                      sizes, {}, false)) {
      (is_polar ? composed::polar : composed::rectangular)(out, a, b);
    }
  }
  f.out = out;
}

const Records parts = {
    Op("complex(Tensor real, Tensor imag) -> Tensor", "real + i·imag.")
        .impl<&from_parts>()
        .derivative("real", 0, [](Grad& x) { return ops::real(x.g); })
        .derivative("imag", 0, [](Grad& x) { return ops::imag(x.g); })
        .out(kOutExact),
    Op("polar(Tensor abs, Tensor angle) -> Tensor", "abs·(cos(angle) + i·sin(angle)).")
        .impl<&from_parts>()
        .derivative("abs", in(1),
                    [](Grad& x) {
                      Tensor a = x.in(1);
                      return ops::real(x.g) * cos(a) + ops::imag(x.g) * sin(a);
                    })
        .derivative("angle", in(0, 1),
                    [](Grad& x) {
                      Tensor a = x.in(1);
                      return x.in(0) *
                             (ops::imag(x.g) * cos(a) - ops::real(x.g) * sin(a));
                    })
        .out(kOutExact),
};

}  // namespace

}  // namespace fl
