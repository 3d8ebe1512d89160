// C++ names of the ops, for derivatives, compositions and the bindings: each goes
// through call(), so it is recorded, traced and cast like a call from Python.
#pragma once

#include "ops/op.h"

namespace fl::ops {

// ---- pointwise, one operand ------------------------------------------------
inline Tensor neg(const Tensor& a) {
  static const OpRef op("neg(");
  return op(a);
}
inline Tensor abs(const Tensor& a) {
  static const OpRef op("abs(");
  return op(a);
}
inline Tensor sign(const Tensor& a) {
  static const OpRef op("sign(");
  return op(a);
}
inline Tensor sqrt(const Tensor& a) {
  static const OpRef op("sqrt(");
  return op(a);
}
inline Tensor rsqrt(const Tensor& a) {
  static const OpRef op("rsqrt(");
  return op(a);
}
inline Tensor reciprocal(const Tensor& a) {
  static const OpRef op("reciprocal(");
  return op(a);
}
inline Tensor exp(const Tensor& a) {
  static const OpRef op("exp(");
  return op(a);
}
inline Tensor exp2(const Tensor& a) {
  static const OpRef op("exp2(");
  return op(a);
}
inline Tensor expm1(const Tensor& a) {
  static const OpRef op("expm1(");
  return op(a);
}
inline Tensor log(const Tensor& a) {
  static const OpRef op("log(");
  return op(a);
}
inline Tensor log2(const Tensor& a) {
  static const OpRef op("log2(");
  return op(a);
}
inline Tensor log10(const Tensor& a) {
  static const OpRef op("log10(");
  return op(a);
}
inline Tensor log1p(const Tensor& a) {
  static const OpRef op("log1p(");
  return op(a);
}
inline Tensor sin(const Tensor& a) {
  static const OpRef op("sin(");
  return op(a);
}
inline Tensor cos(const Tensor& a) {
  static const OpRef op("cos(");
  return op(a);
}
inline Tensor tan(const Tensor& a) {
  static const OpRef op("tan(");
  return op(a);
}
inline Tensor asin(const Tensor& a) {
  static const OpRef op("asin(");
  return op(a);
}
inline Tensor acos(const Tensor& a) {
  static const OpRef op("acos(");
  return op(a);
}
inline Tensor atan(const Tensor& a) {
  static const OpRef op("atan(");
  return op(a);
}
inline Tensor sinh(const Tensor& a) {
  static const OpRef op("sinh(");
  return op(a);
}
inline Tensor cosh(const Tensor& a) {
  static const OpRef op("cosh(");
  return op(a);
}
inline Tensor tanh(const Tensor& a) {
  static const OpRef op("tanh(");
  return op(a);
}
inline Tensor asinh(const Tensor& a) {
  static const OpRef op("asinh(");
  return op(a);
}
inline Tensor acosh(const Tensor& a) {
  static const OpRef op("acosh(");
  return op(a);
}
inline Tensor atanh(const Tensor& a) {
  static const OpRef op("atanh(");
  return op(a);
}
inline Tensor sigmoid(const Tensor& a) {
  static const OpRef op("sigmoid(");
  return op(a);
}
inline Tensor square(const Tensor& a) {
  static const OpRef op("square(");
  return op(a);
}
inline Tensor ceil(const Tensor& a) {
  static const OpRef op("ceil(");
  return op(a);
}
inline Tensor floor(const Tensor& a) {
  static const OpRef op("floor(");
  return op(a);
}
inline Tensor round(const Tensor& a) {
  static const OpRef op("round(Tensor self)");
  return op(a);
}
inline Tensor trunc(const Tensor& a) {
  static const OpRef op("trunc(");
  return op(a);
}
inline Tensor frac(const Tensor& a) {
  static const OpRef op("frac(");
  return op(a);
}
inline Tensor erf(const Tensor& a) {
  static const OpRef op("erf(");
  return op(a);
}
inline Tensor erfc(const Tensor& a) {
  static const OpRef op("erfc(");
  return op(a);
}
inline Tensor erfinv(const Tensor& a) {
  static const OpRef op("erfinv(");
  return op(a);
}
inline Tensor lgamma(const Tensor& a) {
  static const OpRef op("lgamma(");
  return op(a);
}
inline Tensor digamma(const Tensor& a) {
  static const OpRef op("digamma(");
  return op(a);
}
inline Tensor relu(const Tensor& a) {
  static const OpRef op("relu(");
  return op(a);
}
inline Tensor sgn(const Tensor& a) {
  static const OpRef op("sgn(");
  return op(a);
}
inline Tensor conj(const Tensor& a) {
  static const OpRef op("conj(");
  return op(a);
}
inline Tensor bitwise_not(const Tensor& a) {
  static const OpRef op("bitwise_not(");
  return op(a);
}
inline Tensor logical_not(const Tensor& a) {
  static const OpRef op("logical_not(");
  return op(a);
}
inline Tensor isnan(const Tensor& a) {
  static const OpRef op("isnan(");
  return op(a);
}
inline Tensor isinf(const Tensor& a) {
  static const OpRef op("isinf(");
  return op(a);
}
inline Tensor isfinite(const Tensor& a) {
  static const OpRef op("isfinite(");
  return op(a);
}
inline Tensor angle(const Tensor& a) {
  static const OpRef op("angle(");
  return op(a);
}
inline Tensor real(const Tensor& a) {
  static const OpRef op("real(");
  return op(a);
}
inline Tensor imag(const Tensor& a) {
  static const OpRef op("imag(");
  return op(a);
}
inline Tensor silu(const Tensor& a) {
  static const OpRef op("nn.silu(");
  return op(a);
}
// ---- pointwise, several operands -------------------------------------------
inline Tensor add(const Operand& a, const Operand& b) {
  static const OpRef op("add(");
  return op(a.value, b.value);
}
inline Tensor sub(const Operand& a, const Operand& b) {
  static const OpRef op("sub(");
  return op(a.value, b.value);
}
inline Tensor mul(const Operand& a, const Operand& b) {
  static const OpRef op("mul(");
  return op(a.value, b.value);
}
inline Tensor div(const Operand& a, const Operand& b) {
  static const OpRef op("div(");
  return op(a.value, b.value);
}
inline Tensor pow(const Operand& a, const Operand& b) {
  static const OpRef op("pow(");
  return op(a.value, b.value);
}
inline Tensor maximum(const Operand& a, const Operand& b) {
  static const OpRef op("maximum(");
  return op(a.value, b.value);
}
inline Tensor minimum(const Operand& a, const Operand& b) {
  static const OpRef op("minimum(");
  return op(a.value, b.value);
}
inline Tensor atan2(const Operand& a, const Operand& b) {
  static const OpRef op("atan2(");
  return op(a.value, b.value);
}
inline Tensor fmod(const Operand& a, const Operand& b) {
  static const OpRef op("fmod(");
  return op(a.value, b.value);
}
inline Tensor remainder(const Operand& a, const Operand& b) {
  static const OpRef op("remainder(");
  return op(a.value, b.value);
}
inline Tensor floor_divide(const Operand& a, const Operand& b) {
  static const OpRef op("floor_divide(");
  return op(a.value, b.value);
}
inline Tensor fmax(const Operand& a, const Operand& b) {
  static const OpRef op("fmax(");
  return op(a.value, b.value);
}
inline Tensor fmin(const Operand& a, const Operand& b) {
  static const OpRef op("fmin(");
  return op(a.value, b.value);
}
inline Tensor hypot(const Operand& a, const Operand& b) {
  static const OpRef op("hypot(");
  return op(a.value, b.value);
}
inline Tensor copysign(const Operand& a, const Operand& b) {
  static const OpRef op("copysign(");
  return op(a.value, b.value);
}
inline Tensor logaddexp(const Operand& a, const Operand& b) {
  static const OpRef op("logaddexp(");
  return op(a.value, b.value);
}
inline Tensor xlogy(const Operand& a, const Operand& b) {
  static const OpRef op("xlogy(");
  return op(a.value, b.value);
}
inline Tensor eq(const Operand& a, const Operand& b) {
  static const OpRef op("eq(");
  return op(a.value, b.value);
}
inline Tensor ne(const Operand& a, const Operand& b) {
  static const OpRef op("ne(");
  return op(a.value, b.value);
}
inline Tensor lt(const Operand& a, const Operand& b) {
  static const OpRef op("lt(");
  return op(a.value, b.value);
}
inline Tensor le(const Operand& a, const Operand& b) {
  static const OpRef op("le(");
  return op(a.value, b.value);
}
inline Tensor gt(const Operand& a, const Operand& b) {
  static const OpRef op("gt(");
  return op(a.value, b.value);
}
inline Tensor ge(const Operand& a, const Operand& b) {
  static const OpRef op("ge(");
  return op(a.value, b.value);
}
inline Tensor logical_and(const Operand& a, const Operand& b) {
  static const OpRef op("logical_and(");
  return op(a.value, b.value);
}
inline Tensor logical_or(const Operand& a, const Operand& b) {
  static const OpRef op("logical_or(");
  return op(a.value, b.value);
}
inline Tensor logical_xor(const Operand& a, const Operand& b) {
  static const OpRef op("logical_xor(");
  return op(a.value, b.value);
}
inline Tensor bitwise_and(const Operand& a, const Operand& b) {
  static const OpRef op("bitwise_and(");
  return op(a.value, b.value);
}
inline Tensor bitwise_or(const Operand& a, const Operand& b) {
  static const OpRef op("bitwise_or(");
  return op(a.value, b.value);
}
inline Tensor bitwise_xor(const Operand& a, const Operand& b) {
  static const OpRef op("bitwise_xor(");
  return op(a.value, b.value);
}
inline Tensor where(const Tensor& cond, const Operand& a, const Operand& b) {
  static const OpRef op("where(");
  return op(cond, a.value, b.value);
}
inline Tensor clamp(const Tensor& a, const Value& lo, const Value& hi) {
  static const OpRef op("clamp(");
  return op(a, lo, hi);
}
inline Tensor masked_fill(const Tensor& a, const Tensor& mask, const Operand& value) {
  static const OpRef op("masked_fill(");
  return op(a, mask, value.value);
}
inline Tensor threshold_backward(const Tensor& g, const Tensor& x, const Scalar& t) {
  static const OpRef op("threshold_backward(");
  return op(g, x, t);
}
inline Tensor sigmoid_backward(const Tensor& g, const Tensor& y) {
  static const OpRef op("sigmoid_backward(");
  return op(g, y);
}
inline Tensor tanh_backward(const Tensor& g, const Tensor& y) {
  static const OpRef op("tanh_backward(");
  return op(g, y);
}
inline Tensor polygamma(int64_t n, const Tensor& a) {
  static const OpRef op("polygamma(");
  return op(n, a);
}
// ---- views -----------------------------------------------------------------
inline Tensor view(const Tensor& a, IntList size) {
  static const OpRef op("view(Tensor self, int");
  return op(a, size);
}
inline Tensor reshape(const Tensor& a, IntList shape) {
  static const OpRef op("reshape(");
  return op(a, shape);
}
inline Tensor expand(const Tensor& a, IntList size) {
  static const OpRef op("expand(");
  return op(a, size);
}
inline Tensor permute(const Tensor& a, IntList dims) {
  static const OpRef op("permute(");
  return op(a, dims);
}
inline Tensor transpose(const Tensor& a, int64_t d0, int64_t d1) {
  static const OpRef op("transpose(Tensor self, int");
  return op(a, d0, d1);
}
inline Tensor t(const Tensor& a) {
  static const OpRef op("t(");
  return op(a);
}
inline Tensor squeeze(const Tensor& a, int64_t dim) {
  static const OpRef op("squeeze(Tensor self, int dim");
  return op(a, dim);
}
inline Tensor unsqueeze(const Tensor& a, int64_t dim) {
  static const OpRef op("unsqueeze(");
  return op(a, dim);
}
inline Tensor select(const Tensor& a, int64_t dim, int64_t index) {
  static const OpRef op("select(");
  return op(a, dim, index);
}
inline Tensor slice(const Tensor& a, int64_t dim, int64_t start, int64_t end,
                    int64_t step) {
  static const OpRef op("slice(");
  return op(a, dim, start, end, step);
}
inline Tensor narrow(const Tensor& a, int64_t dim, int64_t start, int64_t length) {
  static const OpRef op("narrow(");
  return op(a, dim, start, length);
}
inline Tensor as_strided(const Tensor& a, IntList size, IntList stride,
                         int64_t offset) {
  static const OpRef op("as_strided(");
  return op(a, size, stride, offset);
}
inline Tensor diagonal(const Tensor& a, int64_t offset, int64_t d0, int64_t d1) {
  static const OpRef op("diagonal(");
  return op(a, offset, d0, d1);
}
inline Tensor detach(const Tensor& a) {
  static const OpRef op("detach(");
  return op(a);
}
inline Tensor mT(const Tensor& a) {
  static const OpRef op("mT(");
  return op(a);
}
inline Tensor view_as_real(const Tensor& a) {
  static const OpRef op("view_as_real(");
  return op(a);
}
inline Tensor view_as_complex(const Tensor& a) {
  static const OpRef op("view_as_complex(");
  return op(a);
}
// ---- copies and conversions ------------------------------------------------
inline Tensor clone(const Tensor& a) {
  static const OpRef op("clone(");
  return op(a);
}
inline Tensor contiguous(const Tensor& a) {
  static const OpRef op("contiguous(");
  return op(a);
}
inline Tensor to_dtype(const Tensor& a, Dtype dtype) {
  static const OpRef op("_to_dtype(");
  return op(a, dtype);
}
// ---- reductions ------------------------------------------------------------
inline Tensor sum(const Tensor& a) {
  static const OpRef op("sum(Tensor self, *");
  return op(a);
}
inline Tensor sum_dim(const Tensor& a, IntList dim, bool keepdim) {
  static const OpRef op("sum(Tensor self, int[");
  return op(a, dim, keepdim);
}
inline Tensor mean(const Tensor& a) {
  static const OpRef op("mean(Tensor self, *");
  return op(a);
}
inline Tensor mean_dim(const Tensor& a, IntList dim, bool keepdim) {
  static const OpRef op("mean(Tensor self, int[");
  return op(a, dim, keepdim);
}
inline Tensor prod(const Tensor& a) {
  static const OpRef op("prod(Tensor self, *");
  return op(a);
}
inline Tensor amax(const Tensor& a, IntList dim, bool keepdim) {
  static const OpRef op("amax(");
  return op(a, dim, keepdim);
}
inline Tensor amin(const Tensor& a, IntList dim, bool keepdim) {
  static const OpRef op("amin(");
  return op(a, dim, keepdim);
}
inline Tensor cumsum(const Tensor& a, int64_t dim) {
  static const OpRef op("cumsum(");
  return op(a, dim);
}
inline Tensor logsumexp(const Tensor& a, IntList dim, bool keepdim) {
  static const OpRef op("logsumexp(");
  return op(a, dim, keepdim);
}
inline Tensor softmax(const Tensor& a, int64_t dim) {
  static const OpRef op("softmax(");
  return op(a, dim);
}
inline Tensor log_softmax(const Tensor& a, int64_t dim) {
  static const OpRef op("log_softmax(");
  return op(a, dim);
}
inline Tensor flip(const Tensor& a, IntList dims) {
  static const OpRef op("flip(");
  return op(a, dims);
}
// ---- indexing --------------------------------------------------------------
inline Tensor gather(const Tensor& a, int64_t dim, const Tensor& index) {
  static const OpRef op("gather(");
  return op(a, dim, index);
}
inline Tensor scatter(const Tensor& a, int64_t dim, const Tensor& index,
                      const Operand& src) {
  static const OpRef op("scatter(");
  return op(a, dim, index, src.value);
}
inline Tensor scatter_add(const Tensor& a, int64_t dim, const Tensor& index,
                          const Tensor& src) {
  static const OpRef op("scatter_add(");
  return op(a, dim, index, src);
}
inline Tensor index_select(const Tensor& a, int64_t dim, const Tensor& index) {
  static const OpRef op("index_select(");
  return op(a, dim, index);
}
inline Tensor index_add(const Tensor& a, int64_t dim, const Tensor& index,
                        const Tensor& src) {
  static const OpRef op("index_add(");
  return op(a, dim, index, src);
}
inline Tensor index(const Tensor& a, TensorList indices) {
  static const OpRef op("index(");
  return op(a, indices);
}
inline Tensor index_put(const Tensor& a, TensorList indices, const Tensor& values,
                        bool accumulate) {
  static const OpRef op("index_put(");
  return op(a, indices, values, accumulate);
}
inline Tensor cat(TensorList tensors, int64_t dim) {
  static const OpRef op("cat(");
  return op(tensors, dim);
}
inline Tensor stack(TensorList tensors, int64_t dim) {
  static const OpRef op("stack(");
  return op(tensors, dim);
}
inline Tensor tril(const Tensor& a, int64_t k) {
  static const OpRef op("tril(");
  return op(a, k);
}
inline Tensor triu(const Tensor& a, int64_t k) {
  static const OpRef op("triu(");
  return op(a, k);
}
// ---- making ----------------------------------------------------------------
inline Tensor zeros_like(const Tensor& a) {
  static const OpRef op("zeros_like(");
  return op(a);
}
inline Tensor ones_like(const Tensor& a) {
  static const OpRef op("ones_like(");
  return op(a);
}
// ---- matrix products -------------------------------------------------------
inline Tensor matmul(const Tensor& a, const Tensor& b) {
  static const OpRef op("matmul(");
  return op(a, b);
}
inline Tensor mm(const Tensor& a, const Tensor& b) {
  static const OpRef op("mm(");
  return op(a, b);
}
inline Tensor bmm(const Tensor& a, const Tensor& b) {
  static const OpRef op("bmm(");
  return op(a, b);
}
inline Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b) {
  static const OpRef op("nn.linear(");
  return op(x, w, b);
}

}  // namespace fl::ops
