// Scaled dot-product attention: one fused kernel, or the composition that it stands
// for.
#include <cmath>

#include "ops/common.h"

namespace fl {
namespace {

using Two = std::array<Tensor, 2>;
using Three = std::array<Tensor, 3>;

// Keys and values of fewer heads serve several queries each.
Tensor repeat_heads(const Tensor& t, int64_t heads) {
  const int64_t have = t.sizes()[1];
  if (have == heads) return t;
  const int64_t each = heads / have;
  const Tensor wide =
      ops::expand(ops::unsqueeze(t, 2),
                  IntList{t.sizes()[0], have, each, t.sizes()[2], t.sizes()[3]});
  return ops::reshape(wide, IntList{t.sizes()[0], heads, t.sizes()[2], t.sizes()[3]});
}
Tensor causal_mask(int64_t t, int64_t s, DeviceRuntime& device) {
  const Tensor all = empty(IntList{t, s}, Dtype::Bool, device);
  fill_values(all, Scalar(true));
  return ops::tril(all, 0);
}
// Scores after masking, before softmax: [b, h, t, s].
Tensor scores(const Tensor& q, const Tensor& k, const Tensor& mask, double scale,
              bool causal) {
  Tensor s = ops::mul(ops::matmul(q, ops::transpose(k, -2, -1)), scale);
  if (causal) {
    const Tensor keep = causal_mask(q.size(-2), k.size(-2), q.device());
    s = ops::masked_fill(s, ops::logical_not(keep), -INFINITY);
  }
  if (!mask.defined()) return s;
  if (mask.dtype() == Dtype::Bool) {
    return ops::masked_fill(s, ops::logical_not(mask), -INFINITY);
  }
  return ops::add(s, mask);
}
// Rows in which nothing may be looked at are zero, not NaN.
Tensor weights_of(const Tensor& s) {
  const Tensor w = ops::softmax(s, -1);
  const Tensor empty_row = ops::eq(ops::amax(s, IntList{-1}, true), -INFINITY);
  return ops::masked_fill(w, empty_row, 0);
}

Two attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
              double scale, bool causal) {
  const int64_t b = q.sizes()[0], h = q.sizes()[1], t = q.sizes()[2], s = k.sizes()[2];
  Tensor out = empty(IntList{b, h, t, v.sizes()[3]}, q.dtype(), q.device());
  // What the backward pass takes from every score keeps more than half precision.
  Tensor lse = empty(IntList{b, h, t}, promote(q.dtype(), Dtype::Float32), q.device());
  if (out.numel() == 0 || s == 0) {
    fill_values(out, Scalar(0)), fill_values(lse, Scalar(-INFINITY));
    return {out, lse};
  }
  Tensor m = mask;
  if (m.defined()) {
    const IntList sizes = lse.sizes();
    const int64_t full[] = {sizes[0], sizes[1], sizes[2], s};
    int64_t strides[4];
    broadcast_strides(m, IntList(full, 4), strides);
    m = alias(m, IntList(full, 4), IntList(strides, 4), m.offset());
  }
  KernelCall call(q.device());
  call.out(out).out(lse).in(q).in(k).in(v).in(m).attr(scale).attr(causal);
  if (q.sizes()[3] == v.sizes()[3] && call.try_run(kernel<"attention">())) {
    return {out, lse};
  }
  const Tensor score = scores(q, repeat_heads(k, h), mask, scale, causal);
  out = ops::matmul(weights_of(score), repeat_heads(v, h));
  return {out, ops::logsumexp(cast_to(score, lse.dtype()), IntList{-1}, false)};
}

Three attention_parts(const Tensor& g, const Tensor& q, const Tensor& k0,
                      const Tensor& v0, const Tensor&, const Tensor&,
                      const Tensor& mask, double scale, bool causal) {
  const int64_t h = q.sizes()[1];
  const Tensor k = repeat_heads(k0, h), v = repeat_heads(v0, h);
  const Tensor p = weights_of(scores(q, k, mask, scale, causal));
  const Tensor dp = ops::matmul(g, ops::transpose(v, -2, -1));
  const Tensor along = ops::sum_dim(ops::mul(dp, p), IntList{-1}, true);
  const Tensor ds = ops::mul(ops::mul(p, ops::sub(dp, along)), scale);
  const auto fold = [&](const Tensor& t, const Tensor& like) {
    const int64_t have = like.sizes()[1];
    if (have == h) return t;
    const IntList size = t.sizes();
    const int64_t parts[] = {size[0], have, h / have, size[2], size[3]};
    return ops::sum_dim(ops::reshape(t, IntList(parts, 5)), IntList{2}, false);
  };
  return {ops::matmul(ds, k), fold(ops::matmul(ops::transpose(ds, -2, -1), q), k0),
          fold(ops::matmul(ops::transpose(p, -2, -1), g), v0)};
}
Three attention_grad(const Tensor& g, const Tensor& q, const Tensor& k, const Tensor& v,
                     const Tensor& out, const Tensor& lse, const Tensor& mask,
                     double scale, bool causal) {
  Tensor dq = empty(q.sizes(), q.dtype(), q.device());
  Tensor dk = empty(k.sizes(), k.dtype(), k.device());
  Tensor dv = empty(v.sizes(), v.dtype(), v.device());
  if (g.numel() == 0 || k.numel() == 0) {
    fill_values(dq, 0), fill_values(dk, 0), fill_values(dv, 0);
    return {dq, dk, dv};
  }
  Tensor m = mask;
  if (m.defined()) {
    const int64_t full[] = {q.sizes()[0], q.sizes()[1], q.sizes()[2], k.sizes()[2]};
    int64_t strides[4];
    broadcast_strides(m, IntList(full, 4), strides);
    m = alias(m, IntList(full, 4), IntList(strides, 4), m.offset());
  }
  KernelCall call(q.device());
  call.out(dq).out(dk).out(dv);
  call.in(g).in(q).in(k).in(v).in(out).in(lse).in(m).attr(scale).attr(causal);
  if (q.sizes()[3] == v.sizes()[3] && call.try_run(kernel<"attention_backward">())) {
    return {dq, dk, dv};
  }
  return attention_parts(g, q, k, v, out, lse, mask, scale, causal);
}
void attention_back(Grad& g, std::vector<Tensor>& out) {
  static const OpRef op("_attention_backward(");
  const auto d = op.all(g.g, g.in(0), g.in(1), g.in(2), g.out(0), g.out(1), g.in(3),
                        g.value(4), g.value(5));
  for (int i = 0; i < 3; ++i) {
    if (g.needs(i)) put(g, out, i, d[i]);
  }
}

void check_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                     const Tensor& mask, bool causal, bool gqa) {
  const char* op = "scaled_dot_product_attention";
  check(q.dim() >= 2 && k.dim() >= 2 && v.dim() >= 2, op, ": Expected query, key, and ",
        "value to all be at least 2 dimensional, but got ", describe(q), ", ",
        describe(k), ", ", describe(v));
  check(q.dtype() == k.dtype() && q.dtype() == v.dtype(), op, ": Expected query, key, ",
        "and value to have the same dtype, but got ", describe(q), ", ", describe(k),
        ", ", describe(v));
  check_same_device(op, "query", q, "key", k);
  check_same_device(op, "query", q, "value", v);
  check(!mask.defined() || !causal, op,
        ": Explicit attn_mask should not be set when is_causal=True");
  check(!mask.defined() || mask.dtype() == Dtype::Bool || mask.dtype() == q.dtype(), op,
        ": Expected attn_mask dtype to be bool or to match query dtype, but got ",
        describe(mask), " for ", describe(q));
  check(q.size(-1) == k.size(-1) && k.size(-2) == v.size(-2), op,
        ": expected query and ",
        "key to agree in the last dimension, key and value in the one before, but got ",
        describe(q), ", ", describe(k), ", ", describe(v));
  check(!gqa || (q.dim() >= 3 && k.size(-3) > 0 && q.size(-3) % k.size(-3) == 0), op,
        ": expected the heads of key to divide those of query, got ", describe(q), ", ",
        describe(k));
}
// All but heads, length and features made one.
Tensor four(const Tensor& t) {
  if (t.dim() == 4) return t;
  if (t.dim() == 3) return ops::unsqueeze(t, 1);
  if (t.dim() == 2) return ops::unsqueeze(ops::unsqueeze(t, 0), 0);
  const int64_t n = t.dim();
  return ops::reshape(t, IntList{count(t.sizes().first(n - 3)), t.sizes()[n - 3],
                                 t.sizes()[n - 2], t.sizes()[n - 1]});
}
Tensor composed(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
                double dropout, bool causal, double scale) {
  static const OpRef drop("dropout(");
  Tensor w = weights_of(scores(q, k, mask, scale, causal));
  if (dropout > 0) w = drop(w, dropout, true);
  return ops::matmul(w, v);
}
Tensor sdpa(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
            double dropout, bool causal, std::optional<double> given, bool gqa) {
  static const OpRef op("_attention(");
  check_attention(q, k, v, mask, causal, gqa);
  const double scale = given.value_or(
      1.0 / std::sqrt(std::max<double>(static_cast<double>(q.size(-1)), 1)));
  const int64_t n = q.dim();
  const auto lead = [](const Tensor& t) { return t.sizes().first(t.dim() - 2); };
  const bool same = k.dim() == n && v.dim() == n && IntList(lead(q)).equals(lead(k)) &&
                    IntList(lead(q)).equals(lead(v));
  const bool grouped = gqa && n == 4 && k.dim() == 4 && v.dim() == 4 &&
                       k.sizes()[1] == v.sizes()[1] && k.sizes()[0] == q.sizes()[0] &&
                       v.sizes()[0] == q.sizes()[0];
  const bool flat_mask = !mask.defined() || n == 4 || mask.dim() <= 2;
  const bool fusable = (same || grouped) && flat_mask && dropout == 0 &&
                       is_floating(q.dtype()) &&
                       !(mask.defined() && mask.requires_grad() && tls.grad_enabled);
  if (!fusable) {
    if (!gqa || k.size(-3) == q.size(-3)) {
      return composed(q, k, v, mask, dropout, causal, scale);
    }
    const auto widen = [&](const Tensor& t) {
      static const OpRef repeat("repeat_interleave(Tensor self, int");
      return repeat(t, q.size(-3) / t.size(-3), -3);
    };
    return composed(q, widen(k), widen(v), mask, dropout, causal, scale);
  }
  const Tensor out = op(four(q), four(k), four(v), mask, scale, causal);
  if (n == 4) return out;
  Dims sizes(q.sizes());
  sizes[sizes.n - 1] = v.size(-1);
  return ops::reshape(out, sizes);
}

const Records records = {
    Op("nn.scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, "
       "Tensor? attn_mask=None, float dropout_p=0.0, bool is_causal=False, *, "
       "float? scale=None, bool enable_gqa=False) -> Tensor",
       "softmax(query key^T scale + mask) value.")
        .impl<sdpa>()
        .autocast(Autocast::Lower),
    Op("_attention(Tensor query, Tensor key, Tensor value, Tensor? mask, float scale, "
       "bool causal) -> (Tensor, Tensor)",
       "Attention over [b, h, t, d], with the logsumexp of each row's scores.")
        .impl<attention>()
        .nondifferentiable_output(1)
        .derivatives(in(0, 1, 2, 3) | kOut | kOut1, attention_back),
    Op("_attention_backward(Tensor grad, Tensor query, Tensor key, Tensor value, "
       "Tensor out, Tensor lse, Tensor? mask, float scale, bool causal) "
       "-> (Tensor, Tensor, Tensor)",
       "The gradients of query, key and value.")
        .impl<attention_grad>()
        .decomposition<attention_parts>(),
};

}  // namespace
}  // namespace fl
