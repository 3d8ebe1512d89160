// Losses with kernels of their own: cross-entropy, negative log-likelihood, squared
// error.
#include <cmath>

#include "ops/common.h"

namespace fl {
namespace {

using Two = std::array<Tensor, 2>;
using Three = std::array<Tensor, 3>;

enum Reduction : int64_t { kNone, kMean, kSum };

int64_t reduction_of(std::string_view text) {
  if (text == "mean") return kMean;
  if (text == "none") return kNone;
  if (text == "sum") return kSum;
  fail(ErrorKind::Value, std::string(text), " is not a valid value for reduction");
}

void check_classes(const char* op, const Tensor& input, const Tensor& target,
                   const Tensor& weight, int64_t classes) {
  check(target.dtype() == Dtype::Int64 || target.dtype() == Dtype::UInt8, op,
        ": expected scalar type Long for argument 'target', got ", describe(target));
  check(is_floating(input.dtype()), op,
        ": expected a floating point dtype for argument ", "'input', got ",
        describe(input));
  check_same_device(op, "input", input, "target", target);
  check(!weight.defined() || (weight.dim() == 1 && weight.sizes()[0] == classes), op,
        ": weight tensor should be defined either for all ", classes,
        " classes or no classes but got weight tensor ", describe(weight));
  check(!weight.defined() || weight.dtype() == input.dtype(), op,
        ": expected scalar type ", type_name(input.dtype()),
        " for argument 'weight', got ", describe(weight));
}

// What each class weighs in each row's loss, [n, c]; and the rows' weights [n].
struct Weights {
  Tensor each, row;
};
Weights weights(const Tensor& x, const Tensor& target, const Tensor& weight,
                int64_t ignore, double smoothing) {
  const int64_t c = x.sizes()[1];
  const Tensor kept = ops::ne(target, ignore);
  const Tensor safe = ops::where(kept, target, 0);
  const Tensor valid = ops::to_dtype(kept, x.dtype());
  const Tensor row =
      weight.defined() ? ops::mul(valid, ops::index_select(weight, 0, safe)) : valid;
  const Tensor none = zeros(x.sizes(), x.dtype(), x.device());
  const Tensor hot = ops::mul(row, 1.0 - smoothing);
  Tensor each = ops::scatter(none, 1, ops::unsqueeze(safe, 1), ops::unsqueeze(hot, 1));
  if (smoothing > 0) {
    Tensor even =
        ops::mul(ops::unsqueeze(valid, 1), smoothing / static_cast<double>(c));
    if (weight.defined()) even = ops::mul(even, ops::unsqueeze(weight, 0));
    each = ops::add(each, even);
  }
  return {each, row};
}
// The gradient of each row's loss.
Tensor per_row(const Tensor& g, const Tensor& total, int64_t reduction, int64_t n) {
  if (reduction == kNone) return ops::unsqueeze(g, 1);
  const Tensor one = reduction == kMean ? ops::div(g, total) : g;
  return ops::expand(one, IntList{n, 1});
}

Tensor reduced(const Tensor& each, const Tensor& total, int64_t reduction) {
  if (reduction == kNone) return each;
  return reduction == kSum ? ops::sum(each) : ops::div(ops::sum(each), total);
}

// ---- cross-entropy: rows [n, c]
// ------------------------------------------------------
Three cross_entropy_rows(const Tensor& input, const Tensor& target,
                         const Tensor& weight, int64_t ignore, int64_t reduction,
                         double smoothing) {
  const Tensor x = make_contiguous(input), t = make_contiguous(target);
  const Tensor w =
      weight.defined() ? make_contiguous(cast_to(weight, x.dtype())) : weight;
  const int64_t n = x.sizes()[0];
  Tensor loss = reduction == kNone ? empty(IntList{n}, x.dtype(), x.device())
                                   : empty({}, x.dtype(), x.device());
  // What the backward pass takes from every logit keeps more than half precision.
  const Dtype wide = promote(x.dtype(), Dtype::Float32);
  Three out{loss, empty(IntList{n}, wide, x.device()), empty({}, wide, x.device())};
  if (n == 0) {
    fill_values(out[0], Scalar(reduction == kMean ? NAN : 0.0));
    fill_values(out[2], Scalar(0));
    return out;
  }
  KernelCall call(x.device());
  call.out(out[0]).out(out[1]).out(out[2]).in(x).in(t).in(w);
  call.attr(ignore).attr(reduction).attr(smoothing);
  if (call.try_run(kernel<"cross_entropy">())) return out;
  const Tensor logits = cast_to(x, wide);
  const Weights a = weights(logits, t, w, ignore, smoothing);
  const Tensor each = ops::neg(
      ops::sum_dim(ops::mul(a.each, ops::log_softmax(logits, 1)), IntList{1}, false));
  out[1] = ops::logsumexp(logits, IntList{1}, false);
  out[2] = ops::sum(a.row);
  out[0] = cast_to(reduced(each, out[2], reduction), x.dtype());
  return out;
}
Tensor cross_entropy_parts(const Tensor& g, const Tensor& x, const Tensor& target,
                           const Tensor& weight, const Tensor&, const Tensor& total,
                           int64_t ignore, int64_t reduction, double smoothing) {
  const Tensor logits = ops::to_dtype(x, total.dtype());
  const Weights a = weights(logits, target, weight, ignore, smoothing);
  const Tensor all = ops::sum_dim(a.each, IntList{1}, true);
  const Tensor rise = ops::sub(ops::mul(ops::softmax(logits, 1), all), a.each);
  const Tensor by = per_row(g, total, reduction, x.sizes()[0]);
  return ops::to_dtype(ops::mul(rise, by), x.dtype());
}
Tensor cross_entropy_grad(const Tensor& g, const Tensor& input, const Tensor& target,
                          const Tensor& weight, const Tensor& lse, const Tensor& total,
                          int64_t ignore, int64_t reduction, double smoothing) {
  const Tensor x = make_contiguous(input);
  Tensor dx = empty(x.sizes(), x.dtype(), x.device());
  if (dx.numel() == 0) return dx;
  KernelCall call(x.device());
  call.out(dx).in(make_contiguous(g)).in(x).in(make_contiguous(target));
  call.in(weight.defined() ? make_contiguous(cast_to(weight, x.dtype())) : weight);
  call.in(lse).in(total).attr(ignore).attr(reduction).attr(smoothing);
  // The main operand is the gradient, of x's dtype.
  if (call.try_run(kernel<"cross_entropy_backward">())) return dx;
  return cross_entropy_parts(g, x, target, weight, lse, total, ignore, reduction,
                             smoothing);
}
Tensor cross_entropy_back(Grad& g) {
  static const OpRef op("_cross_entropy_backward(");
  return op(g.g, g.in(0), g.in(1), g.in(2), g.out(1), g.out(2), g.value(3), g.value(4),
            g.value(5));
}

// (N, C, d1, ...) as rows [N d1 ..., C].
Tensor class_rows(const Tensor& input) {
  const int64_t n = input.dim();
  if (n == 2) return input;
  if (n == 1) return ops::unsqueeze(input, 0);
  Dims order;
  order.push(0);
  for (int64_t d = 2; d < n; ++d) order.push(d);
  order.push(1);
  return ops::reshape(ops::permute(input, order), IntList{-1, input.sizes()[1]});
}
void check_target(const char* op, const Tensor& input, const Tensor& target) {
  const int64_t n = input.dim();
  check(n > 0, op, ": expected at least a 1-dimensional input, got ", describe(input));
  if (n == 1) {
    check(target.dim() == 0 || (target.dim() == 1 && target.numel() == 1),
          ErrorKind::Value, op, ": expected a 0-D target for input ", describe(input),
          ", got ", describe(target));
    return;
  }
  check(target.dim() > 0 && target.sizes()[0] == input.sizes()[0], ErrorKind::Value, op,
        ": expected input batch_size (", input.sizes()[0],
        ") to match target batch_size, got ", describe(target));
  check(target.dim() == n - 1 &&
            std::equal(target.sizes().begin() + 1, target.sizes().end(),
                       input.sizes().begin() + 2),
        op, ": expected target of input's sizes without the classes, got ",
        describe(target), " for ", describe(input));
}
Tensor cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight,
                     int64_t ignore, std::string_view how, double smoothing) {
  static const OpRef op("_cross_entropy(");
  const int64_t reduction = reduction_of(how);
  check_target("cross_entropy", input, target);
  const int64_t c = input.sizes()[input.dim() == 1 ? 0 : 1];
  check_classes("cross_entropy", input, target, weight, c);
  if (input.dim() == 2) {
    return op(input, target, weight, ignore, reduction, smoothing);
  }
  const Tensor rows = ops::reshape(target, IntList{-1});
  const Tensor loss = op(class_rows(input), rows, weight, ignore, reduction, smoothing);
  return reduction == kNone ? ops::reshape(loss, target.sizes()) : loss;
}

// ---- negative log-likelihood: [n, c, l]
// ------------------------------------------------
Tensor to_rows(const Tensor& logp) {  // [n, c, l] -> [n l, c]
  return ops::reshape(ops::transpose(logp, 1, 2), IntList{-1, logp.sizes()[1]});
}
Two nll(const Tensor& input, const Tensor& target, const Tensor& weight, int64_t ignore,
        int64_t reduction) {
  const Tensor x = make_contiguous(input), t = make_contiguous(target);
  const Tensor w =
      weight.defined() ? make_contiguous(cast_to(weight, x.dtype())) : weight;
  Tensor loss = reduction == kNone ? empty(t.sizes(), x.dtype(), x.device())
                                   : empty({}, x.dtype(), x.device());
  Tensor total = empty({}, x.dtype(), x.device());
  if (t.numel() == 0) {
    fill_values(loss, Scalar(reduction == kMean ? NAN : 0.0));
    fill_values(total, Scalar(0));
    return {loss, total};
  }
  KernelCall call(x.device());
  call.out(loss).out(total).in(x).in(t).in(w).attr(ignore).attr(reduction);
  if (call.try_run(kernel<"nll_loss">())) return {loss, total};
  const Tensor rows = cast_to(to_rows(x), promote(x.dtype(), Dtype::Float32));
  const Weights a = weights(rows, ops::reshape(t, IntList{-1}), w, ignore, 0);
  const Tensor each = ops::neg(ops::sum_dim(ops::mul(a.each, rows), IntList{1}, false));
  const Tensor sum = ops::sum(a.row);
  loss = cast_to(reduced(each, sum, reduction), x.dtype());
  if (reduction == kNone) loss = ops::reshape(loss, t.sizes());
  return {loss, cast_to(sum, x.dtype())};
}
Tensor nll_parts(const Tensor& g, const Tensor& target, const Tensor& weight,
                 const Tensor& total, IntList sizes, int64_t ignore,
                 int64_t reduction) {
  const int64_t n = sizes[0], c = sizes[1], l = sizes[2];
  const Tensor model = empty(IntList{n * l, c}, g.dtype(), g.device());
  const Weights a =
      weights(model, ops::reshape(target, IntList{-1}), weight, ignore, 0);
  const Tensor flat = reduction == kNone ? ops::reshape(g, IntList{-1}) : g;
  const Tensor rows =
      ops::neg(ops::mul(a.each, per_row(flat, total, reduction, n * l)));
  return ops::transpose(ops::reshape(rows, IntList{n, l, c}), 1, 2);
}
Tensor nll_grad(const Tensor& g, const Tensor& target, const Tensor& weight,
                const Tensor& total, IntList sizes, int64_t ignore, int64_t reduction) {
  Tensor dx = empty(sizes, g.dtype(), g.device());
  if (dx.numel() == 0) return dx;
  KernelCall call(g.device());
  call.out(dx).in(make_contiguous(g)).in(make_contiguous(target));
  call.in(weight.defined() ? make_contiguous(cast_to(weight, g.dtype())) : weight);
  call.in(total).attr(ignore).attr(reduction);
  if (call.try_run(kernel<"nll_loss_backward">())) return dx;
  return nll_parts(g, target, weight, total, sizes, ignore, reduction);
}
Tensor nll_back(Grad& g) {
  static const OpRef op("_nll_loss_backward(");
  return op(g.g, g.in(1), g.in(2), g.out(1), g.shape(0), g.value(3), g.value(4));
}
Tensor nll_loss(const Tensor& input, const Tensor& target, const Tensor& weight,
                int64_t ignore, std::string_view how) {
  static const OpRef op("_nll_loss(");
  const int64_t reduction = reduction_of(how);
  check_target("nll_loss", input, target);
  const int64_t one = input.dim() == 1;
  const int64_t n = one ? 1 : input.sizes()[0], c = input.sizes()[one ? 0 : 1];
  check_classes("nll_loss", input, target, weight, c);
  const int64_t l = one ? 1 : count(input.sizes().subspan(2));
  const Tensor loss =
      op(ops::reshape(input, IntList{n, c, l}), ops::reshape(target, IntList{n, l}),
         weight, ignore, reduction);
  return reduction == kNone ? ops::reshape(loss, target.sizes()) : loss;
}

// ---- squared error
// ------------------------------------------------------------------------
Tensor mse(const Tensor& input, const Tensor& target, int64_t reduction) {
  const Tensor d = ops::sub(input, target), squares = ops::mul(d, d);
  if (reduction == kNone) return squares;
  return reduction == kMean ? ops::mean(squares) : ops::sum(squares);
}
Tensor mse_parts(const Tensor& g, const Tensor& a, const Tensor& b, double scale) {
  return ops::mul(ops::mul(ops::sub(a, b), 2.0 * scale), g);
}
Tensor mse_grad(const Tensor& g, const Tensor& a, const Tensor& b, double scale) {
  const auto shape = broadcast_shapes(a.sizes(), b.sizes(), "mse_loss");
  if (a.dtype() != b.dtype() || g.dtype() != a.dtype())
    return mse_parts(g, a, b, scale);
  Tensor out = empty(shape, a.dtype(), a.device());
  if (out.numel() == 0) return out;
  int64_t strides[3][kMaxDims];
  broadcast_strides(g, shape, strides[0]);
  broadcast_strides(a, shape, strides[1]);
  broadcast_strides(b, shape, strides[2]);
  if (out.device().is_meta()) return out;
  const IterOperand operands[] = {{out.data(), out->strides, out.dtype()},
                                  {g.data(), strides[0], g.dtype()},
                                  {a.data(), strides[1], a.dtype()},
                                  {b.data(), strides[2], b.dtype()}};
  fl_attr attr = {};
  attr.v.f = scale;
  if (run_iterated(out.device(), kernel<"mse_backward">(), a.dtype(), 1, operands,
                   shape, std::span(&attr, 1), false)) {
    return out;
  }
  return mse_parts(g, a, b, scale);
}
void mse_back(Grad& g, std::vector<Tensor>& out) {
  static const OpRef op("_mse_loss_backward(");
  double scale = 1;
  if (g.arg<int64_t>(2) == kMean) {
    const auto shape = broadcast_shapes(g.shape(0), g.shape(1), "mse_loss");
    scale = 1.0 / static_cast<double>(count(shape));
  }
  const Tensor d = op(g.g, g.in(0), g.in(1), scale);
  if (g.needs(0)) put(g, out, 0, d);
  if (g.needs(1)) put(g, out, 1, ops::neg(d));
}
Tensor mse_loss(const Tensor& input, const Tensor& target, std::string_view how) {
  static const OpRef op("_mse_loss(");
  return op(input, target, reduction_of(how));
}

const Records records = {
    Op("nn.cross_entropy(Tensor input, Tensor target, Tensor? weight=None, *, "
       "int ignore_index=-100, str reduction='mean', float label_smoothing=0.0) "
       "-> Tensor",
       "The negative log-likelihood of softmax against class indices.")
        .impl<cross_entropy>()
        .autocast(Autocast::Float32),
    Op("_cross_entropy(Tensor input, Tensor target, Tensor? weight, int ignore_index, "
       "int reduction, float smoothing) -> (Tensor, Tensor, Tensor)",
       "Cross-entropy of rows, with their logsumexp and the total weight.")
        .impl<cross_entropy_rows>()
        .nondifferentiable_output(1)
        .nondifferentiable_output(2)
        .derivative("input", in(0, 1, 2) | kOut1 | kOut2, cross_entropy_back),
    Op("_cross_entropy_backward(Tensor grad, Tensor input, Tensor target, "
       "Tensor? weight, Tensor lse, Tensor total, int ignore_index, int reduction, "
       "float smoothing) -> Tensor",
       "The gradient of cross-entropy.")
        .impl<cross_entropy_grad>()
        .decomposition<cross_entropy_parts>(),
    Op("nn.nll_loss(Tensor input, Tensor target, Tensor? weight=None, *, "
       "int ignore_index=-100, str reduction='mean') -> Tensor",
       "The negative log-probability of class indices.")
        .impl<nll_loss>()
        .autocast(Autocast::Float32),
    Op("_nll_loss(Tensor input, Tensor target, Tensor? weight, int ignore_index, "
       "int reduction) -> (Tensor, Tensor)",
       "Negative log-likelihood of [n, c, l], with the total weight.")
        .impl<nll>()
        .nondifferentiable_output(1)
        .derivative("input", in(1, 2) | kOut1 | kLinked, nll_back),
    Op("_nll_loss_backward(Tensor grad, Tensor target, Tensor? weight, Tensor total, "
       "int[] sizes, int ignore_index, int reduction) -> Tensor",
       "The gradient of the negative log-likelihood.")
        .impl<nll_grad>()
        .decomposition<nll_parts>(),
    Op("nn.mse_loss(Tensor input, Tensor target, *, str reduction='mean') -> Tensor",
       "The mean of squared differences.")
        .impl<mse_loss>()
        .autocast(Autocast::Float32),
    Op("_mse_loss(Tensor input, Tensor target, int reduction) -> Tensor",
       "Squared differences, reduced or not.")
        .impl<mse>()
        .derivatives(in(0, 1), mse_back),
    Op("_mse_loss_backward(Tensor grad, Tensor input, Tensor target, float scale) "
       "-> Tensor",
       "The gradient of squared differences to the first argument.")
        .impl<mse_grad>()
        .decomposition<mse_parts>(),
};

}  // namespace
}  // namespace fl
