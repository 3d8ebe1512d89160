// Batch norm: statistics over all but the channels, with running ones kept aside.
#include "ops/norm.h"

namespace fl {
namespace {

bool stats_differ(const Tensor& x, const Tensor& mean) {
  return mean.defined() && mean.dtype() != x.dtype();
}

// New running statistics are written in place; the variance is the unbiased one.
void update(const Tensor& x, const Stats& s, const Tensor& mean, const Tensor& var,
            double momentum, double eps) {
  const int64_t c = x.sizes()[1];
  const double n = static_cast<double>(c ? x.numel() / c : 0);
  const Tensor square = ops::sub(ops::pow(s.rstd, -2), eps);
  const Tensor unbiased = ops::mul(square, n / std::max(n - 1, 1.0));
  const auto mix = [&](const Tensor& to, const Tensor& from) {
    const Tensor flat = ops::reshape(from, IntList{c});
    put_values(to, ops::add(ops::mul(to, 1 - momentum), ops::mul(flat, momentum)));
  };
  if (mean.defined()) mix(mean, s.mean);
  if (var.defined()) mix(var, unbiased);
}

Three train(const Tensor& x, const Tensor& w, const Tensor& b, const Tensor& mean,
            const Tensor& var, double momentum, double eps) {
  const int64_t n = x.sizes()[0], c = x.sizes()[1];
  Tensor y = empty(x.sizes(), x.dtype(), x.device());
  Three out{y, stat(x, IntList{c}), stat(x, IntList{c})};
  if (mean.defined()) bump_version(mean);
  if (var.defined()) bump_version(var);
  if (y.numel() == 0) {
    fill_values(out[1], 0), fill_values(out[2], 0);
    return out;
  }
  const int64_t size[] = {n, c, x.numel() / (n * c)};
  const Tensor wc = packed(w), bc = packed(b);
  const Tensor mc = packed(mean), vc = packed(var);
  Geometry yg, xg;
  KernelCall call(x.device());
  call.out(yg.rows(y, IntList(size, 3))).out(out[1]).out(out[2]);
  call.in(xg.rows(x, IntList(size, 3))).in(wc).in(bc).in(mc).in(vc);
  call.attr(momentum).attr(eps);
  if (!mixed(x, w, b) && !stats_differ(x, mean) &&
      call.try_run(kernel<"batch_norm_train">())) {
    if (mean.defined() && !mc.same(mean)) put_values(mean, mc);
    if (var.defined() && !vc.same(var)) put_values(var, vc);
    return out;
  }
  const Layout l = batch_layout(x);
  const Dtype wide = promote(x.dtype(), Dtype::Float32);
  const Tensor parts = cast_to(ops::reshape(x, l.shape), wide);
  const Stats s = statistics(l, parts, eps);
  update(x, s, mean, var, momentum, eps);
  const Tensor r = affine(l, normalized(parts, s), w, b);
  return {ops::reshape(cast_to(r, x.dtype()), x.sizes()),
          cast_to(ops::reshape(s.mean, IntList{c}), x.dtype()),
          cast_to(ops::reshape(s.rstd, IntList{c}), x.dtype())};
}

Three evaluate(const Tensor& x, const Tensor& w, const Tensor& b, const Tensor& mean,
               const Tensor& var, double eps) {
  const int64_t n = x.sizes()[0], c = x.sizes()[1];
  Tensor y = empty(x.sizes(), x.dtype(), x.device());
  const Tensor rstd = ops::rsqrt(ops::add(var, eps));
  if (y.numel() == 0) return {y, ops::clone(mean), rstd};
  const int64_t size[] = {n, c, x.numel() / (n * c)};
  Geometry yg, xg;
  KernelCall call(x.device());
  call.out(yg.rows(y, IntList(size, 3))).in(xg.rows(x, IntList(size, 3)));
  call.in(packed(w)).in(packed(b)).in(packed(mean)).in(packed(var)).attr(eps);
  if (!mixed(x, w, b) && !stats_differ(x, mean) &&
      call.try_run(kernel<"batch_norm_eval">())) {
    return {y, ops::clone(mean), rstd};
  }
  const Layout l = batch_layout(x);
  const Stats s{ops::reshape(mean, l.affine), ops::reshape(rstd, l.affine)};
  const Tensor r = affine(l, normalized(ops::reshape(x, l.shape), s), w, b);
  return {ops::reshape(cast_to(r, x.dtype()), x.sizes()), ops::clone(mean), rstd};
}

Three fused(const Tensor& input, const Tensor& w, const Tensor& b, const Tensor& mean,
            const Tensor& var, bool training, double momentum, double eps) {
  const Tensor x = make_contiguous(input);
  return training ? train(x, w, b, mean, var, momentum, eps)
                  : evaluate(x, w, b, mean, var, eps);
}

Three parts_back(const Tensor& grad, const Tensor& input, const Tensor& mean,
                 const Tensor& rstd, const Tensor& w, bool training, double eps) {
  const Layout l = batch_layout(input);
  const Tensor wide = ops::reshape(input, l.shape);
  const Stats s =
      training ? statistics(l, wide, eps)
               : Stats{ops::reshape(mean, l.affine), ops::reshape(rstd, l.affine)};
  return gradients(l, grad, input, w, s, !training);
}
Three fused_back(const Tensor& grad, const Tensor& input, const Tensor& mean,
                 const Tensor& rstd, const Tensor& w, bool training, double eps) {
  const Tensor g = make_contiguous(grad), x = make_contiguous(input), wc = packed(w);
  const int64_t n = x.sizes()[0], c = x.sizes()[1];
  Tensor dx = empty(x.sizes(), x.dtype(), x.device()), dw, db;
  if (w.defined()) dw = stat(x, IntList{c}), db = stat(x, IntList{c});
  if (x.numel() == 0 && dw.defined()) fill_values(dw, 0), fill_values(db, 0);
  if (x.numel() == 0) return {dx, dw, db};
  const int64_t size[] = {n, c, x.numel() / (n * c)};
  Geometry og, gg, xg;
  KernelCall call(x.device());
  call.out(og.rows(dx, IntList(size, 3))).out(dw).out(db);
  call.in(gg.rows(g, IntList(size, 3))).in(xg.rows(x, IntList(size, 3)));
  call.in(wc).in(mean).in(rstd).attr(training);
  if (!mixed(x, w, grad) && !stats_differ(x, mean) &&
      call.try_run(kernel<"batch_norm_backward">())) {
    return {dx, dw, db};
  }
  return parts_back(grad, input, mean, rstd, w, training, eps);
}
void derivative(Grad& g, std::vector<Tensor>& out) {
  static const OpRef op("_batch_norm_backward(");
  const auto d =
      op.all(g.g, g.in(0), g.out(1), g.out(2), g.in(1), g.value(5), g.value(7));
  put(g, out, 0, d[0]);
  if (g.needs(1)) put(g, out, 1, d[1]);
  if (!g.needs(2)) return;
  if (d[2].defined()) return put(g, out, 2, d[2]);
  const Tensor wide = ops::reshape(g.g, batch_layout(g.g).shape);
  const Tensor sum = sum_to(wide, IntList{1, g.shape(2)[0], 1});
  put(g, out, 2, ops::reshape(sum, g.shape(2)));
}

Tensor batch_norm(const Tensor& input, const Tensor& mean, const Tensor& var,
                  const Tensor& w, const Tensor& b, bool training, double momentum,
                  double eps, bool) {
  static const OpRef op("_batch_norm(");
  check(input.dim() >= 2, "batch_norm: expected at least 2 dimensions for argument ",
        "'input', got ", describe(input));
  check(is_floating(input.dtype()), "batch_norm: expected a floating point dtype for ",
        "argument 'input', got ", describe(input));
  const auto vector = [&](const char* name, const Tensor& t) {
    check(!t.defined() || t.numel() == input.sizes()[1], "batch_norm: expected ", name,
          " to contain ", input.sizes()[1], " elements, got ", describe(t));
  };
  vector("running_mean", mean), vector("running_var", var);
  vector("weight", w), vector("bias", b);
  check(
      training || (mean.defined() && var.defined()),
      "batch_norm: expected running_mean and running_var to be defined in evaluation ",
      "mode");
  return op(input, w, b, mean, var, training, momentum, eps);
}

const Records records = {
    Op("nn.batch_norm(Tensor input, Tensor? running_mean, Tensor? running_var, "
       "Tensor? weight=None, Tensor? bias=None, bool training=False, "
       "float momentum=0.1, float eps=1e-05, bool cudnn_enabled=True) -> Tensor",
       "Each channel with mean 0 and variance 1 over the batch, scaled and shifted.")
        .impl<batch_norm>(),
    Op("_batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, "
       "Tensor? running_var, bool training, float momentum, float eps) "
       "-> (Tensor, Tensor, Tensor)",
       "Batch norm, with the mean and 1 / deviation of each channel.")
        .impl<fused>()
        .nondifferentiable_output(1)
        .nondifferentiable_output(2)
        .derivatives(in(0, 1) | kOut1 | kOut2, derivative),
    Op("_batch_norm_backward(Tensor grad, Tensor input, Tensor mean, Tensor rstd, "
       "Tensor? weight, bool training, float eps) -> (Tensor, Tensor, Tensor)",
       "The gradients of input, weight and bias.")
        .impl<fused_back>()
        .decomposition<parts_back>(),
};

}  // namespace
}  // namespace fl
