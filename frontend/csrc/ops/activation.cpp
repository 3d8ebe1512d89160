// Activation functions: torch.relu and those of torch.nn.functional, with fused forward
// and backward kernels and, for second derivatives, the formulas behind them.
#include <cmath>

#include "ops/formula.h"
#include "ops/record.h"

namespace fl {

namespace {

using namespace ops;

// nn.functional's `inplace` argument chooses the form of the op that does the work.
template <class... A>
Tensor either(const OpRef& op, bool inplace, const Tensor& x, const A&... rest) {
  return inplace ? op.inplace(x, rest...) : op(x, rest...);
}

// ---- the normal distribution in gelu ------------------------------------------------

constexpr double kRootHalf = 0.7071067811865476;       // 1/sqrt(2)
constexpr double kRootTwoOverPi = 0.7978845608028654;  // sqrt(2/pi)
constexpr double kCubic = 0.044715;

bool tanh_form(const Value& v, const char* op) {
  std::string_view s = Unbox<std::string_view>::get(v);
  check(s == "none" || s == "tanh", op,
        ": approximate argument must be either none or ", "tanh, got '", s, "'");
  return s == "tanh";
}

Tensor gelu_formula(const Tensor& x, bool tanh_) {
  if (!tanh_) return x * 0.5 * (erf(x * kRootHalf) + 1.0);
  return x * 0.5 * (tanh((x + x * x * x * kCubic) * kRootTwoOverPi) + 1.0);
}

Tensor gelu_slope(const Tensor& x, bool tanh_) {
  if (!tanh_) {
    Tensor cdf = (erf(x * kRootHalf) + 1.0) * 0.5;
    return cdf + x * exp(x * x * -0.5) * (kRootTwoOverPi * 0.5);
  }
  Tensor t = tanh((x + x * x * x * kCubic) * kRootTwoOverPi);
  Tensor inner = (x * x * (3 * kCubic) + 1.0) * kRootTwoOverPi;
  return (t + 1.0) * 0.5 + x * 0.5 * (1.0 - t * t) * inner;
}

void gelu_kernel(Frame& f) {
  static const KernelId forward = intern_kernel("gelu"),
                        back = intern_kernel("gelu_backward");
  bool backward = f.op->schema.args.size() == 3;
  fl_attr attr{};
  attr.v.i = tanh_form(f.args[backward ? 2 : 1], "gelu");
  const PointwiseOperand operands[] = {{f.args[0]}, {f.args[1]}};
  const Tensor x(f.args[0].tensor);
  check(is_floating(x.dtype()), ErrorKind::NotImplemented,
        "\"gelu\" not implemented for '", type_name(x.dtype()), "'");
  run_pointwise(f, backward ? back : forward, Promote::Same,
                std::span(operands, backward ? 2 : 1), std::span(&attr, 1));
}

const Records gaussians = {
    Op("nn.gelu(Tensor input, *, str approximate='none') -> Tensor",
       "x·Φ(x), or its tanh approximation.")
        .impl<&gelu_kernel>()
        .out(kOutExact)
        .derivative("input", in(0),
                    [](Grad& x) {
                      static const OpRef op("nn.gelu_backward(");
                      return op(x.g, x.in(0), x.value(1));
                    })
        .decomposition<+[](const Tensor& x, const Value& a) -> Tensor {
          return gelu_formula(x, tanh_form(a, "gelu"));
        }>(),
    Op("nn.gelu_backward(Tensor grad, Tensor input, str approximate) -> Tensor",
       "The gradient of gelu.")
        .impl<&gelu_kernel>()
        .decomposition<+[](const Tensor& g, const Tensor& x, const Value& a) -> Tensor {
          return g * gelu_slope(x, tanh_form(a, "gelu"));
        }>(),
};

// ---- activations of one tensor without parameters
// ---------------------------------------

Tensor log_sigmoid_formula(const Tensor& x) {
  return minimum(x, zeros_like(x)) - log1p(exp(-abs(x)));
}
Tensor softplus_of(const Tensor& x) { return -log_sigmoid_formula(-x); }

const Records smooth = {
    Op("relu(Tensor self) -> Tensor", "max(x, 0).")
        .pointwise(Promote::Same)
        .derivative("self", kOut,
                    [](Grad& x) { return threshold_backward(x.g, x.out(), 0); })
        .inplace(),
    Op("threshold_backward(Tensor grad, Tensor self, float threshold) -> Tensor",
       "grad where self > threshold, else 0.")
        .pointwise(Promote::Same)
        .decomposition<+[](const Tensor& g, const Tensor& x, double t) -> Tensor {
          return where(gt(x, t), g, 0.0);
        }>()
        .derivative(
            "grad", in(1),
            [](Grad& x) { return threshold_backward(x.g, x.in(1), x.arg<double>(2)); })
        .derivative("self", 0, [](Grad& x) { return zeros_like(x.g); })
        .no_method(),
    Op("nn._silu(Tensor self) -> Tensor", "x·sigmoid(x).")
        .pointwise(Promote::Float, "silu")
        .derivative("self", in(0),
                    [](Grad& x) {
                      static const OpRef op("nn._silu_backward(");
                      return op(x.g, x.in(0));
                    })
        .inplace()
        .decomposition<+[](const Tensor& x) -> Tensor { return x * sigmoid(x); }>(),
    Op("nn._silu_backward(Tensor grad, Tensor self) -> Tensor", "The gradient of silu.")
        .pointwise(Promote::Same, "silu_backward")
        .decomposition<+[](const Tensor& g, const Tensor& x) -> Tensor {
          Tensor s = sigmoid(x);
          return g * (s * (x * (1.0 - s) + 1.0));
        }>(),
    Op("nn._mish(Tensor self) -> Tensor", "x·tanh(softplus(x)).")
        .pointwise(Promote::Float, "mish")
        .derivative("self", in(0),
                    [](Grad& x) {
                      static const OpRef op("nn._mish_backward(");
                      return op(x.g, x.in(0));
                    })
        .inplace()
        .decomposition<+[](const Tensor& x) -> Tensor {
          return x * tanh(softplus_of(x));
        }>(),
    Op("nn._mish_backward(Tensor grad, Tensor self) -> Tensor", "The gradient of mish.")
        .pointwise(Promote::Same, "mish_backward")
        .decomposition<+[](const Tensor& g, const Tensor& x) -> Tensor {
          Tensor t = tanh(softplus_of(x));
          return g * (t + x * sigmoid(x) * (1.0 - t * t));
        }>(),
    Op("nn._hardswish(Tensor self) -> Tensor", "x·clamp(x + 3, 0, 6)/6.")
        .pointwise(Promote::Same, "hardswish")
        .derivative("self", in(0),
                    [](Grad& x) {
                      static const OpRef op("nn._hardswish_backward(");
                      return op(x.g, x.in(0));
                    })
        .inplace()
        .decomposition<+[](const Tensor& x) -> Tensor {
          return x * clamp(x + 3.0, 0.0, 6.0) / 6.0;
        }>(),
    Op("nn._hardswish_backward(Tensor grad, Tensor self) -> Tensor",
       "The gradient of hardswish.")
        .pointwise(Promote::Same, "hardswish_backward")
        .decomposition<+[](const Tensor& g, const Tensor& x) -> Tensor {
          Tensor mid = where(le(x, 3.0), x / 3.0 + 0.5, 1.0);
          return g * where(lt(x, -3.0), 0.0, mid);
        }>(),
    Op("nn._hardsigmoid(Tensor self) -> Tensor", "clamp(x + 3, 0, 6)/6.")
        .pointwise(Promote::Same, "hardsigmoid")
        .derivative("self", in(0),
                    [](Grad& x) {
                      Tensor z = x.in(0);
                      Tensor on = logical_and(gt(z, -3.0), lt(z, 3.0));
                      return where(on, x.g / 6.0, 0.0);
                    })
        .inplace()
        .decomposition<+[](const Tensor& x) -> Tensor {
          return clamp(x + 3.0, 0.0, 6.0) / 6.0;
        }>(),
    Op("nn.logsigmoid(Tensor input) -> Tensor", "log(sigmoid(x)), exact for large |x|.")
        .pointwise(Promote::Float, "log_sigmoid")
        .out(kOutExact)
        .derivative("input", in(0),
                    [](Grad& x) {
                      static const OpRef op("nn._log_sigmoid_backward(");
                      return op(x.g, x.in(0));
                    })
        .decomposition<&log_sigmoid_formula>(),
    Op("nn._log_sigmoid_backward(Tensor grad, Tensor self) -> Tensor",
       "The gradient of logsigmoid.")
        .pointwise(Promote::Same, "log_sigmoid_backward")
        .decomposition<+[](const Tensor& g, const Tensor& x) -> Tensor {
          return g * sigmoid(-x);
        }>(),
};

// ---- activations with parameters
// -----------------------------------------------------------

Tensor elu_formula(const Tensor& x, double alpha, double scale, double input_scale) {
  Tensor low = expm1(x * input_scale) * (alpha * scale);
  return where(gt(x, 0.0), x * scale, low);
}

const Records parametric = {
    Op("nn._elu(Tensor self, float alpha, float scale, float input_scale) -> Tensor",
       "scale·x above 0, scale·alpha·(exp(input_scale·x) - 1) below.")
        .pointwise(Promote::Same, "elu")
        .derivative("self", in(0),
                    [](Grad& x) {
                      static const OpRef op("nn._elu_backward(");
                      return op(x.g, x.in(0), x.value(1), x.value(2), x.value(3));
                    })
        .inplace()
        .decomposition<&elu_formula>(),
    Op("nn._elu_backward(Tensor grad, Tensor self, float alpha, float scale, "
       "float input_scale) -> Tensor",
       "The gradient of elu.")
        .pointwise(Promote::Same, "elu_backward")
        .decomposition<+[](const Tensor& g, const Tensor& x, double alpha, double scale,
                           double input_scale) -> Tensor {
          Tensor low = exp(x * input_scale) * (alpha * scale * input_scale);
          return g * where(gt(x, 0.0), scale, low);
        }>(),
    Op("nn._leaky_relu(Tensor self, float slope) -> Tensor",
       "x above 0, slope·x below.")
        .pointwise(Promote::Same, "leaky_relu")
        .derivative("self", in(0),
                    [](Grad& x) {
                      static const OpRef op("nn._leaky_relu_backward(");
                      return op(x.g, x.in(0), x.value(1));
                    })
        .inplace()
        .decomposition<+[](const Tensor& x, double slope) -> Tensor {
          return where(gt(x, 0.0), x, x * slope);
        }>(),
    Op("nn._leaky_relu_backward(Tensor grad, Tensor self, float slope) -> Tensor",
       "The gradient of leaky_relu.")
        .pointwise(Promote::Same, "leaky_relu_backward")
        .decomposition<+[](const Tensor& g, const Tensor& x, double slope) -> Tensor {
          return where(gt(x, 0.0), g, g * slope);
        }>(),
    Op("nn._hardtanh(Tensor self, float lo, float hi) -> Tensor",
       "x, kept in [lo, hi].")
        .pointwise(Promote::Same, "hardtanh")
        .derivative("self", in(0),
                    [](Grad& x) {
                      Tensor z = x.in(0);
                      Tensor on =
                          logical_and(gt(z, x.arg<double>(1)), lt(z, x.arg<double>(2)));
                      return where(on, x.g, 0.0);
                    })
        .inplace()
        .decomposition<+[](const Tensor& x, double lo, double hi) -> Tensor {
          return clamp(x, lo, hi);
        }>(),
    Op("nn.softplus(Tensor input, float beta=1, float threshold=20) -> Tensor",
       "log(1 + exp(beta·x))/beta, and x itself where beta·x > threshold.")
        .pointwise(Promote::Same)
        .derivative("input", in(0),
                    [](Grad& x) {
                      static const OpRef op("nn._softplus_backward(");
                      return op(x.g, x.in(0), x.value(1), x.value(2));
                    })
        .out(kOutExact)
        .decomposition<+[](const Tensor& x, double beta, double threshold) -> Tensor {
          return where(gt(x * beta, threshold), x, softplus_of(x * beta) / beta);
        }>(),
    Op("nn._softplus_backward(Tensor grad, Tensor self, float beta, float threshold) "
       "-> Tensor",
       "The gradient of softplus.")
        .pointwise(Promote::Same, "softplus_backward")
        .decomposition<+[](const Tensor& g, const Tensor& x, double beta,
                           double threshold) -> Tensor {
          return where(gt(x * beta, threshold), g, g * sigmoid(x * beta));
        }>(),
};

// ---- as nn.functional has them
// ---------------------------------------------------------------

constexpr double kSeluAlpha = 1.6732632423543772, kSeluScale = 1.0507009873554805;

Tensor relu_fn(const Tensor& x, bool inplace) {
  static const OpRef op("relu(");
  return either(op, inplace, x);
}
Tensor silu_fn(const Tensor& x, bool inplace) {
  static const OpRef op("nn._silu(");
  return either(op, inplace, x);
}
Tensor mish_fn(const Tensor& x, bool inplace) {
  static const OpRef op("nn._mish(");
  return either(op, inplace, x);
}
Tensor hardswish_fn(const Tensor& x, bool inplace) {
  static const OpRef op("nn._hardswish(");
  return either(op, inplace, x);
}
Tensor hardsigmoid_fn(const Tensor& x, bool inplace) {
  static const OpRef op("nn._hardsigmoid(");
  return either(op, inplace, x);
}
Tensor elu_fn(const Tensor& x, double alpha, bool inplace) {
  static const OpRef op("nn._elu(");
  return either(op, inplace, x, alpha, 1.0, 1.0);
}
Tensor selu_fn(const Tensor& x, bool inplace) {
  static const OpRef op("nn._elu(");
  return either(op, inplace, x, kSeluAlpha, kSeluScale, 1.0);
}
Tensor celu_fn(const Tensor& x, double alpha, bool inplace) {
  static const OpRef op("nn._elu(");
  check(alpha != 0, "ZeroDivisionError: alpha cannot be 0 for CELU");
  return either(op, inplace, x, alpha, 1.0, 1.0 / alpha);
}
Tensor leaky_relu_fn(const Tensor& x, double slope, bool inplace) {
  static const OpRef op("nn._leaky_relu(");
  return either(op, inplace, x, slope);
}
Tensor hardtanh_fn(const Tensor& x, double lo, double hi, bool inplace) {
  static const OpRef op("nn._hardtanh(");
  check(lo <= hi, ErrorKind::Value, "hardtanh: min_val cannot be greater than max_val");
  check(x.dtype() != Dtype::Bool, "hardtanh: Bool inputs not supported");
  return either(op, inplace, x, lo, hi);
}
Tensor relu6_fn(const Tensor& x, bool inplace) {
  return hardtanh_fn(x, 0.0, 6.0, inplace);
}

Tensor prelu_fn(const Tensor& x, const Tensor& weight) {
  int64_t n = weight.numel();
  Tensor w = weight;
  check(w.dim() <= 1, "prelu: Expected `weight` to be a scalar or 1D tensor, but got ",
        describe(w));
  if (n != 1) {
    check(x.dim() > 0, "prelu: Not allow zero-dim input tensor.");
    int64_t channels = x.dim() > 1 ? x.size(1) : 1;
    check(channels == n,
          "prelu: Mismatch of parameter numbers and input channel size. ",
          "Found parameter numbers = ", n, " and channel size = ", channels, ".");
    std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
    shape[x.dim() > 1 ? 1 : 0] = n;
    w = reshape(w, shape);
  } else if (w.dim() > 0) {
    w = reshape(w, {});
  }
  return where(gt(x, 0.0), x, w * x);
}

const Records functional = {
    Op("nn.relu(Tensor input, bool inplace=False) -> Tensor", "max(x, 0).")
        .impl<&relu_fn>(),
    Op("nn.silu(Tensor input, bool inplace=False) -> Tensor", "x·sigmoid(x).")
        .impl<&silu_fn>(),
    Op("nn.mish(Tensor input, bool inplace=False) -> Tensor", "x·tanh(softplus(x)).")
        .impl<&mish_fn>(),
    Op("nn.hardswish(Tensor input, bool inplace=False) -> Tensor",
       "x·clamp(x + 3, 0, 6)/6.")
        .impl<&hardswish_fn>(),
    Op("nn.hardsigmoid(Tensor input, bool inplace=False) -> Tensor",
       "clamp(x + 3, 0, 6)/6.")
        .impl<&hardsigmoid_fn>(),
    Op("nn.elu(Tensor input, float alpha=1.0, bool inplace=False) -> Tensor",
       "x above 0, alpha·(exp(x) - 1) below.")
        .impl<&elu_fn>(),
    Op("nn.selu(Tensor input, bool inplace=False) -> Tensor",
       "elu with the constants of self-normalising networks.")
        .impl<&selu_fn>(),
    Op("nn.celu(Tensor input, float alpha=1.0, bool inplace=False) -> Tensor",
       "max(0, x) + min(0, alpha·(exp(x/alpha) - 1)).")
        .impl<&celu_fn>(),
    Op("nn.leaky_relu(Tensor input, float negative_slope=0.01, bool inplace=False) "
       "-> Tensor",
       "x above 0, negative_slope·x below.")
        .impl<&leaky_relu_fn>(),
    Op("nn.hardtanh(Tensor input, float min_val=-1.0, float max_val=1.0, "
       "bool inplace=False) -> Tensor",
       "x, kept in [min_val, max_val].")
        .impl<&hardtanh_fn>(),
    Op("nn.relu6(Tensor input, bool inplace=False) -> Tensor", "x, kept in [0, 6].")
        .impl<&relu6_fn>(),
    Op("nn.prelu(Tensor input, Tensor weight) -> Tensor",
       "x above 0, weight·x below, one weight for all or one a channel.")
        .impl<&prelu_fn>(),
    Op("prelu(Tensor self, Tensor weight) -> Tensor",
       "x above 0, weight·x below, one weight for all or one a channel.")
        .impl<&prelu_fn>(),
};

}  // namespace

}  // namespace fl
