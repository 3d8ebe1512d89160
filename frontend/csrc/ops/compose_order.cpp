// Order out of sort, argmax and searching by halves: extremes with their places, topk,
// running extremes, sorted sequences, counting.
#include <cmath>

#include "ops/compose.h"

namespace fl::composed {
namespace {

Two sorted(const Tensor& x, int64_t dim, bool descending) {
  Two out{empty(x.sizes(), x.dtype(), x.device()),
          empty(x.sizes(), Dtype::Int64, x.device())};
  KernelCall(x.device())
      .out(out[0])
      .out(out[1])
      .in(x)
      .attr(dim)
      .attr(descending)
      .run(kernel<"sort">());
  return out;
}
// A copy, which keeps nothing else of t alive.
Tensor part(const Tensor& t, int64_t dim, int64_t start, int64_t n) {
  const Tensor some = ops::narrow(t, dim, start, n);
  const Tensor out = empty(some.sizes(), t.dtype(), t.device());
  put_values(out, some);
  return out;
}
Two part(const Two& both, int64_t dim, int64_t start, int64_t n) {
  return {part(both[0], dim, start, n), part(both[1], dim, start, n)};
}

// Note [Scans by doubling]
// An associative operation is scanned in log2(n) steps: in the step of width s every
// element takes in the one s places before it, which stands for s elements already.
struct Halves {
  Tensor head, left, right;
};
Halves halves(const Tensor& t, int64_t dim, int64_t s) {
  const int64_t n = t.sizes()[dim];
  return {ops::narrow(t, dim, 0, s), ops::narrow(t, dim, 0, n - s),
          ops::narrow(t, dim, s, n - s)};
}
Tensor joined(const Tensor& head, const Tensor& rest, int64_t dim) {
  const Tensor parts[] = {head, rest};
  return ops::cat(parts, dim);
}

}  // namespace

template <bool largest>
Two extreme_dim(const Tensor& x, int64_t dim) {
  static const OpRef high("argmax("), low("argmin(");
  const Tensor at = (largest ? high : low)(x, dim, true);
  return {ops::gather(x, dim, at), at};
}
template Two extreme_dim<true>(const Tensor&, int64_t);
template Two extreme_dim<false>(const Tensor&, int64_t);

Two topk(const Tensor& x, int64_t dim, int64_t k, bool largest) {
  return part(sorted(x, dim, largest), dim, 0, k);
}
Two kthvalue(const Tensor& x, int64_t dim, int64_t k) {
  return part(sorted(x, dim, false), dim, k - 1, 1);
}

// Of equal elements the last one counts, and of NaN, which is larger and smaller than
// all numbers, too.
Two running_extreme(const Tensor& x, int64_t dim, bool largest) {
  const int64_t n = x.sizes()[dim];
  Dims shape;
  for (int64_t d = 0; d < x.dim(); ++d) shape.push(d == dim ? n : 1);
  Tensor v = x;
  Tensor at = ops::expand(ops::reshape(counting(n, x.device()), shape), x.sizes());
  for (int64_t s = 1; s < n; s *= 2) {
    const Halves h = halves(v, dim, s), i = halves(at, dim, s);
    Tensor later = largest ? ops::ge(h.right, h.left) : ops::le(h.right, h.left);
    if (is_floating(x.dtype())) later = ops::logical_or(later, ops::isnan(h.right));
    v = joined(h.head, ops::where(later, h.right, h.left), dim);
    at = joined(i.head, ops::where(later, i.right, i.left), dim);
  }
  return {v.same(x) ? ops::clone(x) : v, make_contiguous(at)};
}

Tensor logcumsumexp(const Tensor& x, int64_t dim) {
  Tensor v = x;
  for (int64_t s = 1; s < x.sizes()[dim]; s *= 2) {
    const Halves h = halves(v, dim, s);
    v = joined(h.head, logaddexp(h.left, h.right), dim);
  }
  return v.same(x) ? ops::clone(x) : v;
}

// How many elements of the sequence come before each value, by halving what is left:
// the same number of steps for all.
Tensor searchsorted(const Tensor& s, const Tensor& v, Dtype dtype, bool right) {
  const bool floating = is_floating(s.dtype());
  const int64_t along = v.dim() - 1;
  const Tensor bad = floating ? ops::isnan(v) : Tensor();  // NaN, the largest
  const auto before = [&](const Tensor& at) {
    const Tensor key = ops::gather(s, s.dim() == 1 ? 0 : along, at);
    const Tensor less = right ? ops::le(key, v) : ops::lt(key, v);
    if (!floating) return less;
    const Tensor number = ops::logical_not(ops::isnan(key));
    return ops::logical_or(less, right ? bad : ops::logical_and(bad, number));
  };
  Tensor base = zeros(v.sizes(), Dtype::Int64, v.device());
  int64_t n = s.sizes()[s.dim() - 1];
  for (; n > 1; n -= n / 2) {
    const int64_t half = n / 2;
    base = ops::add(base, ops::mul(before(ops::add(base, half - 1)), half));
  }
  return cast_to(ops::add(base, before(base)), dtype);
}

Tensor bincount(const Tensor& x, const Tensor& weights, int64_t n, Dtype dtype) {
  Tensor w = weights;
  if (!w.defined()) {
    w = empty(x.sizes(), dtype, x.device());
    fill_values(w, Scalar(1));
  }
  return ops::scatter_add(zeros(IntList{n}, dtype, x.device()), 0, x, w);
}

// Numbers outside and NaN go to a bin behind the last; `hi` belongs to the last.
Tensor histc(const Tensor& given, int64_t bins, double lo, double hi) {
  const bool half = given.dtype() == Dtype::Float16 || given.dtype() == Dtype::BFloat16;
  const Tensor x =
      ops::reshape(half ? cast_to(given, Dtype::Float32) : given, IntList{-1});
  const Tensor inside = ops::logical_and(ops::ge(x, lo), ops::le(x, hi));
  const Tensor safe = ops::where(inside, x, lo);
  const double scale = static_cast<double>(bins) / (hi - lo);
  const Tensor bin = ops::minimum(
      ops::to_dtype(ops::mul(ops::sub(safe, lo), scale), Dtype::Int64), bins - 1);
  const Tensor at = ops::where(inside, bin, bins);
  const Tensor counts = bincount(at, Tensor(), bins + 1, Dtype::Int64);
  return cast_to(ops::narrow(counts, 0, 0, bins), given.dtype());
}

}  // namespace fl::composed
