// Selection out of gather, scatter and running sums: index_select, index_add, flip,
// triangles, and what masks pick out.
#include "ops/compose.h"

namespace fl::composed {
namespace {

// A vector of indices as wide as what it selects.
Tensor spread(const Tensor& index, int64_t dim, IntList sizes) {
  Dims strides;
  strides.n = static_cast<int>(sizes.size());
  std::fill_n(strides.v, strides.n, 0);
  strides[dim] = index.dim() ? index.strides()[0] : 0;
  return alias(index, sizes, strides, index.offset());
}
Tensor line(const Tensor& t) { return ops::reshape(t, IntList{-1}); }

// Where each true element stands among the true ones, from 0.
Tensor ranks(const Tensor& mask) {
  return ops::sub(ops::cumsum(ops::to_dtype(mask, Dtype::Int64), 0), 1);
}
// The positions of the n true elements of a vector: every element's position is
// written to its rank, those of false ones to a place behind the last.
Tensor places(const Tensor& mask, int64_t n) {
  const Tensor to = ops::where(mask, ranks(mask), n);
  const Tensor out = empty(IntList{n + 1}, Dtype::Int64, mask.device());
  KernelCall(mask.device())
      .out(out)
      .in(to)
      .in(counting(mask.numel(), mask.device()))
      .attr(int64_t{0})
      .attr(int64_t{0})
      .run(kernel<"scatter">());
  return ops::narrow(out, 0, 0, n);
}

}  // namespace

Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index) {
  Dims sizes(x.sizes());
  sizes[dim] = index.numel();
  const Tensor out = empty(sizes, x.dtype(), x.device());
  if (out.numel() == 0) return out;
  KernelCall(x.device())
      .out(out)
      .in(x)
      .in(spread(index, dim, sizes))
      .attr(dim)
      .run(kernel<"gather">());
  return out;
}

void index_add(const Tensor& out, int64_t dim, const Tensor& index, const Tensor& src,
               const Scalar& alpha) {
  const Tensor from =
      alpha.equals(1) ? src : cast_to(ops::mul(src, alpha), src.dtype());
  KernelCall(out.device())
      .out(out)
      .in(spread(index, dim, from.sizes()))
      .in(from)
      .attr(dim)
      .attr(int64_t{1})
      .run(kernel<"scatter">());
}

Tensor flip(const Tensor& x, IntList dims) {
  Tensor out = x;
  for (int64_t d : dims) {
    const int64_t n = x.sizes()[d];
    out = ops::index_select(out, d, counting(n, x.device(), n - 1, -1));
  }
  return out;
}

Tensor triangle(const Tensor& x, int64_t k, bool lower) {
  const Tensor rows = ops::unsqueeze(counting(x.size(-2), x.device(), k), 1);
  const Tensor columns = counting(x.size(-1), x.device());
  return ops::where(lower ? ops::le(columns, rows) : ops::ge(columns, rows), x, 0);
}

void nonzero(const Tensor& out, const Tensor& x) {
  const Tensor at = places(line(ops::ne(x, 0)), out.sizes()[0]);
  int64_t step = 1;
  for (int64_t d = x.dim() - 1; d >= 0; --d) {
    const int64_t n = x.sizes()[d];
    copy_into(ops::select(out, 1, d), ops::remainder(ops::floor_divide(at, step), n));
    step *= n;
  }
}

Tensor masked_select(const Tensor& x, const Tensor& mask, int64_t n) {
  return ops::index_select(line(x), 0, places(line(mask), n));
}

void masked_scatter(const Tensor& out, const Tensor& mask, const Tensor& source) {
  if (source.numel() == 0) return;  // nothing is true then
  const Tensor flat = line(mask);
  const Tensor from = ops::where(flat, ranks(flat), 0);
  const Tensor picked = ops::index_select(line(source), 0, from);
  copy_into(out, ops::where(mask, ops::reshape(picked, out.sizes()), out));
}

}  // namespace fl::composed
