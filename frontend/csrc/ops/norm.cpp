// Normalisation: layer, RMS, group and batch norm by fused kernels, with the
// composition that stands in for them and that second derivatives run through.
#include "ops/norm.h"

namespace fl {
namespace {

using Two = std::array<Tensor, 2>;

// ---- layer norm --------------------------------------------------------------------
Three layer_norm_fused(const Tensor& input, int64_t n, const Tensor& w, const Tensor& b,
                       double eps) {
  const Tensor x = make_contiguous(input);
  const int64_t m = n ? x.numel() / n : 0;
  Tensor y = empty(x.sizes(), x.dtype(), x.device());
  Three out{y, stat(x, IntList{m}), stat(x, IntList{m})};
  if (y.numel() == 0) return out;
  const Tensor wc = packed(w), bc = packed(b);
  Geometry yg, xg, wg, bg;
  KernelCall call(x.device());
  call.out(yg.rows(y, IntList{m, n})).out(out[1]).out(out[2]);
  call.in(xg.rows(x, IntList{m, n}));
  call.in(wc.defined() ? wg.rows(wc, IntList{n}) : absent());
  call.in(bc.defined() ? bg.rows(bc, IntList{n}) : absent());
  if (!mixed(x, w, b) && call.attr(eps).try_run(kernel<"layer_norm">())) return out;
  const Layout l = rows_layout(x, n, true);
  const Tensor rows = ops::reshape(x, l.shape);
  const Stats s = statistics(l, rows, eps);
  const Tensor r = affine(l, normalized(rows, s), w, b);
  return {ops::reshape(cast_to(r, x.dtype()), x.sizes()),
          ops::reshape(s.mean, IntList{m}), ops::reshape(s.rstd, IntList{m})};
}
Three layer_norm_parts_back(const Tensor& grad, const Tensor& input, const Tensor&,
                            const Tensor&, const Tensor& w, int64_t n, double eps) {
  const Layout l = rows_layout(input, n, true);
  const Stats s = statistics(l, ops::reshape(input, l.shape), eps);
  return gradients(l, grad, input, w, s, false);
}
Three layer_norm_back(const Tensor& grad, const Tensor& input, const Tensor& mean,
                      const Tensor& rstd, const Tensor& w, int64_t n, double eps) {
  const Tensor g = make_contiguous(grad), x = make_contiguous(input), wc = packed(w);
  const int64_t m = n ? x.numel() / n : 0;
  Tensor dx = empty(x.sizes(), x.dtype(), x.device()), dw, db;
  if (w.defined()) dw = stat(x, IntList{n}), db = stat(x, IntList{n});
  if (x.numel() == 0 && dw.defined()) fill_values(dw, 0), fill_values(db, 0);
  if (x.numel() == 0) return {dx, dw, db};
  Geometry og, gg, xg, wg;
  KernelCall call(x.device());
  call.out(og.rows(dx, IntList{m, n})).out(dw).out(db);
  call.in(gg.rows(g, IntList{m, n})).in(xg.rows(x, IntList{m, n})).in(mean).in(rstd);
  call.in(wc.defined() ? wg.rows(wc, IntList{n}) : absent());
  if (!mixed(x, w, grad) && call.try_run(kernel<"layer_norm_backward">())) {
    return {dx, dw, db};
  }
  return layer_norm_parts_back(grad, input, mean, rstd, w, n, eps);
}
Tensor like_weight(Grad& g, const Tensor& grad, int arg) {
  return ops::reshape(grad, g.shape(arg));
}
void layer_norm_derivative(Grad& g, std::vector<Tensor>& out) {
  static const OpRef op("_layer_norm_backward(");
  const auto d =
      op.all(g.g, g.in(0), g.out(1), g.out(2), g.in(2), g.value(1), g.value(4));
  put(g, out, 0, d[0]);
  if (g.needs(2)) put(g, out, 2, like_weight(g, d[1], 2));
  if (!g.needs(3)) return;
  const bool weighted = d.size() > 2 && d[2].defined();
  put(g, out, 3, weighted ? like_weight(g, d[2], 3) : sum_to(g.g, g.shape(3)));
}
Tensor layer_norm(const Tensor& input, IntList shape, const Tensor& w, const Tensor& b,
                  double eps, bool) {
  static const OpRef op("_layer_norm(");
  return op(input, normalized_size("layer_norm", input, shape, w, b), w, b, eps);
}

// ---- RMS norm
// ------------------------------------------------------------------------
Two rms_norm_fused(const Tensor& input, int64_t n, const Tensor& w, double eps) {
  const Tensor x = make_contiguous(input), wc = packed(w);
  const int64_t m = n ? x.numel() / n : 0;
  Tensor y = empty(x.sizes(), x.dtype(), x.device()), rstd = stat(x, IntList{m});
  if (y.numel() == 0) return {y, rstd};
  Geometry yg, xg, wg;
  KernelCall call(x.device());
  call.out(yg.rows(y, IntList{m, n})).out(rstd).in(xg.rows(x, IntList{m, n}));
  call.in(wc.defined() ? wg.rows(wc, IntList{n}) : absent()).attr(eps);
  if (!mixed(x, w, x) && call.try_run(kernel<"rms_norm">())) return {y, rstd};
  const Layout l = rows_layout(x, n, false);
  const Tensor rows = ops::reshape(x, l.shape);
  const Stats s = statistics(l, rows, eps);
  const Tensor r = affine(l, normalized(rows, s), w, Tensor());
  return {ops::reshape(cast_to(r, x.dtype()), x.sizes()),
          ops::reshape(s.rstd, IntList{m})};
}
Two rms_norm_parts_back(const Tensor& grad, const Tensor& input, const Tensor&,
                        const Tensor& w, int64_t n, double eps) {
  const Layout l = rows_layout(input, n, false);
  const Stats s = statistics(l, ops::reshape(input, l.shape), eps);
  const Three d = gradients(l, grad, input, w, s, false);
  return {d[0], d[1]};
}
Two rms_norm_back(const Tensor& grad, const Tensor& input, const Tensor& rstd,
                  const Tensor& w, int64_t n, double eps) {
  const Tensor g = make_contiguous(grad), x = make_contiguous(input), wc = packed(w);
  const int64_t m = n ? x.numel() / n : 0;
  Tensor dx = empty(x.sizes(), x.dtype(), x.device()), dw;
  if (w.defined()) dw = stat(x, IntList{n});
  if (x.numel() == 0 && dw.defined()) fill_values(dw, 0);
  if (x.numel() == 0) return {dx, dw};
  Geometry og, gg, xg, wg;
  KernelCall call(x.device());
  call.out(og.rows(dx, IntList{m, n})).out(dw);
  call.in(gg.rows(g, IntList{m, n})).in(xg.rows(x, IntList{m, n})).in(rstd);
  call.in(wc.defined() ? wg.rows(wc, IntList{n}) : absent());
  if (!mixed(x, w, grad) && call.try_run(kernel<"rms_norm_backward">()))
    return {dx, dw};
  return rms_norm_parts_back(grad, input, rstd, w, n, eps);
}
void rms_norm_derivative(Grad& g, std::vector<Tensor>& out) {
  static const OpRef op("_rms_norm_backward(");
  const auto d = op.all(g.g, g.in(0), g.out(1), g.in(2), g.value(1), g.value(3));
  put(g, out, 0, d[0]);
  if (g.needs(2)) put(g, out, 2, like_weight(g, d[1], 2));
}
Tensor rms_norm(const Tensor& input, IntList shape, const Tensor& w,
                std::optional<double> eps) {
  static const OpRef op("_rms_norm(");
  const int64_t n = normalized_size("rms_norm", input, shape, w, Tensor());
  double least = 1.1920928955078125e-07;  // of float32 and below, as PyTorch computes
  if (input.dtype() == Dtype::Float64) least = 2.220446049250313e-16;
  return op(input, n, w, eps.value_or(least));
}

// ---- group norm
// ------------------------------------------------------------------------
Three group_norm_fused(const Tensor& input, int64_t groups, const Tensor& w,
                       const Tensor& b, double eps) {
  const Tensor x = make_contiguous(input), wc = packed(w), bc = packed(b);
  const int64_t n = x.sizes()[0], c = x.sizes()[1];
  Tensor y = empty(x.sizes(), x.dtype(), x.device());
  Three out{y, stat(x, IntList{n, groups}), stat(x, IntList{n, groups})};
  if (y.numel() == 0) return out;
  const int64_t size[] = {n, c, x.numel() / (n * c)};
  Geometry yg, xg;
  KernelCall call(x.device());
  call.out(yg.rows(y, IntList(size, 3))).out(out[1]).out(out[2]);
  call.in(xg.rows(x, IntList(size, 3))).in(wc).in(bc).attr(groups).attr(eps);
  if (!mixed(x, w, b) && call.try_run(kernel<"group_norm">())) return out;
  const Layout l = group_layout(x, groups);
  const Tensor parts = ops::reshape(x, l.shape);
  const Stats s = statistics(l, parts, eps);
  const Tensor r = affine(l, normalized(parts, s), w, b);
  return {ops::reshape(cast_to(r, x.dtype()), x.sizes()),
          ops::reshape(s.mean, IntList{n, groups}),
          ops::reshape(s.rstd, IntList{n, groups})};
}
Three group_norm_parts_back(const Tensor& grad, const Tensor& input, const Tensor&,
                            const Tensor&, const Tensor& w, int64_t groups,
                            double eps) {
  const Layout l = group_layout(input, groups);
  const Stats s = statistics(l, ops::reshape(input, l.shape), eps);
  return gradients(l, grad, input, w, s, false);
}
Three group_norm_back(const Tensor& grad, const Tensor& input, const Tensor& mean,
                      const Tensor& rstd, const Tensor& w, int64_t groups, double eps) {
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
  call.in(mean).in(rstd).in(wc).attr(groups);
  if (!mixed(x, w, grad) && call.try_run(kernel<"group_norm_backward">())) {
    return {dx, dw, db};
  }
  return group_norm_parts_back(grad, input, mean, rstd, w, groups, eps);
}
void group_norm_derivative(Grad& g, std::vector<Tensor>& out) {
  static const OpRef op("_group_norm_backward(");
  const auto d =
      op.all(g.g, g.in(0), g.out(1), g.out(2), g.in(2), g.value(1), g.value(4));
  put(g, out, 0, d[0]);
  if (g.needs(2)) put(g, out, 2, d[1]);
  if (!g.needs(3)) return;
  if (d[2].defined()) return put(g, out, 3, d[2]);
  const Tensor wide = ops::reshape(g.g, batch_layout(g.g).shape);
  put(g, out, 3, ops::reshape(sum_to(wide, IntList{1, g.shape(3)[0], 1}), g.shape(3)));
}
Tensor group_norm(const Tensor& input, int64_t groups, const Tensor& w, const Tensor& b,
                  double eps, bool) {
  static const OpRef op("_group_norm(");
  check(input.dim() >= 2,
        "group_norm: expected at least 2 dimensions for input tensor, ", "got ",
        describe(input));
  const int64_t c = input.sizes()[1];
  check(groups > 0 && c % groups == 0,
        "group_norm: expected number of channels in input ",
        "to be divisible by num_groups, but got ", describe(input),
        " and num_groups=", groups);
  const auto vector = [&](const char* name, const Tensor& t) {
    check(!t.defined() || (t.dim() == 1 && t.sizes()[0] == c), "group_norm: expected ",
          name, " to be a vector of size equal to the number of channels in input (", c,
          "), got ", describe(t));
  };
  vector("weight", w);
  vector("bias", b);
  return op(input, groups, w, b, eps);
}

const char* const kGrad = "The gradients of input, weight and bias.";

const Records norms = {
    Op("nn.layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, "
       "Tensor? bias=None, float eps=1e-05, bool cudnn_enable=True) -> Tensor",
       "Each part of a shape with mean 0 and variance 1, scaled and shifted.")
        .impl<layer_norm>()
        .autocast(Autocast::Float32),
    Op("_layer_norm(Tensor input, int n, Tensor? weight, Tensor? bias, float eps) "
       "-> (Tensor, Tensor, Tensor)",
       "Layer norm of rows of n, with the mean and 1 / deviation of each.")
        .impl<layer_norm_fused>()
        .nondifferentiable_output(1)
        .nondifferentiable_output(2)
        .derivatives(in(0, 2) | kOut1 | kOut2, layer_norm_derivative),
    Op("_layer_norm_backward(Tensor grad, Tensor input, Tensor mean, Tensor rstd, "
       "Tensor? weight, int n, float eps) -> (Tensor, Tensor, Tensor)",
       kGrad)
        .impl<layer_norm_back>()
        .decomposition<layer_norm_parts_back>(),
    Op("nn.rms_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, "
       "float? eps=None) -> Tensor",
       "Each part of a shape divided by its root mean square, scaled.")
        .impl<rms_norm>(),
    Op("_rms_norm(Tensor input, int n, Tensor? weight, float eps) -> (Tensor, Tensor)",
       "RMS norm of rows of n, with 1 / root mean square of each.")
        .impl<rms_norm_fused>()
        .nondifferentiable_output(1)
        .derivatives(in(0, 2) | kOut1, rms_norm_derivative),
    Op("_rms_norm_backward(Tensor grad, Tensor input, Tensor rstd, Tensor? weight, "
       "int n, float eps) -> (Tensor, Tensor)",
       kGrad)
        .impl<rms_norm_back>()
        .decomposition<rms_norm_parts_back>(),
    Op("nn.group_norm(Tensor input, int num_groups, Tensor? weight=None, "
       "Tensor? bias=None, float eps=1e-05, bool cudnn_enabled=True) -> Tensor",
       "Groups of channels with mean 0 and variance 1, scaled and shifted.")
        .impl<group_norm>()
        .autocast(Autocast::Float32),
    Op("_group_norm(Tensor input, int num_groups, Tensor? weight, Tensor? bias, "
       "float eps) -> (Tensor, Tensor, Tensor)",
       "Group norm, with the mean and 1 / deviation of each group.")
        .impl<group_norm_fused>()
        .nondifferentiable_output(1)
        .nondifferentiable_output(2)
        .derivatives(in(0, 2) | kOut1 | kOut2, group_norm_derivative),
    Op("_group_norm_backward(Tensor grad, Tensor input, Tensor mean, Tensor rstd, "
       "Tensor? weight, int num_groups, float eps) -> (Tensor, Tensor, Tensor)",
       kGrad)
        .impl<group_norm_back>()
        .decomposition<group_norm_parts_back>(),
};

}  // namespace
}  // namespace fl
