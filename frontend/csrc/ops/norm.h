// What layer, RMS, group and batch norm share: how the input is seen, the composition
// of ops behind the fused kernels, and its gradients.
#pragma once

#include "ops/common.h"

namespace fl {

using Three = std::array<Tensor, 3>;

// Note [Norms]
// All four are one formula over a reshaped input: subtract the mean over some
// dimensions (RMS norm does not), divide by the root of the mean square, scale and
// shift by weights that are broadcast.  They differ in the shape, in what is reduced,
// and in how the weights lie.  The fused kernels are optimisations of the compositions
// below.
struct Layout {
  Dims shape, reduced, affine;
  bool centred = true;
};

inline Layout rows_layout(const Tensor& x, int64_t n, bool centred) {
  Layout l;
  l.shape.push(n ? x.numel() / n : 0), l.shape.push(n);
  l.reduced.push(1);
  l.affine.push(1), l.affine.push(n);
  l.centred = centred;
  return l;
}
inline Layout group_layout(const Tensor& x, int64_t groups) {
  Layout l;
  const int64_t n = x.sizes()[0], c = x.sizes()[1];
  const int64_t rest = x.numel() ? x.numel() / (n * c) : 0;
  l.shape.push(n), l.shape.push(groups), l.shape.push(c / groups), l.shape.push(rest);
  l.reduced.push(2), l.reduced.push(3);
  l.affine.push(1), l.affine.push(groups), l.affine.push(c / groups), l.affine.push(1);
  return l;
}
inline Layout batch_layout(const Tensor& x) {
  Layout l;
  const int64_t n = x.sizes()[0], c = x.sizes()[1];
  l.shape.push(n), l.shape.push(c), l.shape.push(x.numel() ? x.numel() / (n * c) : 0);
  l.reduced.push(0), l.reduced.push(2);
  l.affine.push(1), l.affine.push(c), l.affine.push(1);
  return l;
}

struct Stats {
  Tensor mean, rstd;  // with the reduced dimensions as ones; mean undefined for RMS
};
inline Stats statistics(const Layout& l, const Tensor& x, double eps) {
  Stats s;
  Tensor d = x;
  if (l.centred) {
    s.mean = ops::mean_dim(x, l.reduced, true);
    d = ops::sub(x, s.mean);
  }
  s.rstd = ops::rsqrt(ops::add(ops::mean_dim(ops::mul(d, d), l.reduced, true), eps));
  return s;
}
inline Tensor normalized(const Tensor& x, const Stats& s) {
  return ops::mul(s.mean.defined() ? ops::sub(x, s.mean) : x, s.rstd);
}
inline Tensor affine(const Layout& l, const Tensor& y, const Tensor& w,
                     const Tensor& b) {
  Tensor out = y;
  if (w.defined()) out = ops::mul(out, ops::reshape(w, l.affine));
  if (b.defined()) out = ops::add(out, ops::reshape(b, l.affine));
  return out;
}
// (dx, dw, db); `fixed`: the statistics do not depend on x.
inline Three gradients(const Layout& l, const Tensor& grad, const Tensor& input,
                       const Tensor& w, const Stats& s, bool fixed) {
  const Tensor g = ops::reshape(grad, l.shape);
  const Tensor hat = normalized(ops::reshape(input, l.shape), s);
  const Tensor gw = w.defined() ? ops::mul(g, ops::reshape(w, l.affine)) : g;
  Tensor inner = gw;
  if (!fixed) {
    const Tensor along = ops::mean_dim(ops::mul(gw, hat), l.reduced, true);
    inner = ops::sub(gw, ops::mul(hat, along));
    if (l.centred) inner = ops::sub(inner, ops::mean_dim(gw, l.reduced, true));
  }
  Three out{ops::reshape(ops::mul(inner, s.rstd), input.sizes()), Tensor(), Tensor()};
  if (w.defined()) {
    out[1] = ops::reshape(sum_to(ops::mul(g, hat), l.affine), IntList{w.numel()});
    out[2] = ops::reshape(sum_to(g, l.affine), IntList{w.numel()});
  }
  return out;
}

inline int64_t normalized_size(const char* op, const Tensor& x, IntList shape,
                               const Tensor& w, const Tensor& b) {
  const int64_t n = static_cast<int64_t>(shape.size());
  check(n > 0, op, ": expected normalized_shape to be at least 1-dimensional");
  check(x.dim() >= n && x.sizes().last(n).size() == shape.size() &&
            std::equal(shape.begin(), shape.end(), x.sizes().end() - n),
        op, ": given normalized_shape=", to_string(shape),
        ", expected input with a shape that ends so, but got ", describe(x));
  check(!w.defined() || w.sizes().equals(shape), op, ": expected weight to be of same ",
        "shape as normalized_shape ", to_string(shape), ", got ", describe(w));
  check(!b.defined() || b.sizes().equals(shape), op, ": expected bias to be of same ",
        "shape as normalized_shape ", to_string(shape), ", got ", describe(b));
  check(is_floating(x.dtype()), op, ": expected a floating point dtype for argument ",
        "'input', got ", describe(x));
  return count(shape);
}
inline bool mixed(const Tensor& x, const Tensor& w, const Tensor& b) {
  return (w.defined() && w.dtype() != x.dtype()) ||
         (b.defined() && b.dtype() != x.dtype());
}
// Neither kernels nor their gradients see strides.
inline Tensor packed(const Tensor& t) { return t.defined() ? make_contiguous(t) : t; }
inline Tensor stat(const Tensor& x, IntList sizes) {
  return empty(sizes, x.dtype(), x.device());
}

}  // namespace fl
