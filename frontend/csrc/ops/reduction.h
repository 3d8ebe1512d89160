// Reductions over some dimensions: which ones, what comes out, and the kernel call.
#pragma once

#include "ops/common.h"

namespace fl {

using OptDims = std::optional<IntList>;

// Bits of the dims to reduce; none or an empty list means all.
uint64_t reduced_dims(const char* op, const Tensor& t, OptDims dims);
Dims reduced_sizes(const Tensor& t, uint64_t mask, bool keepdim);
int64_t reduced_count(IntList sizes, uint64_t mask);

// Runs an iterated reduction kernel; over no elements every output is `neutral`.
Tensor reduce(KernelId kernel, const Tensor& self, uint64_t mask, bool keepdim,
              Dtype dtype, const Scalar& neutral, std::span<const fl_attr> attrs = {},
              bool must = true);
// The same; undefined where the device lacks the kernel, which is to be composed then.
inline Tensor try_reduce(KernelId kernel, const Tensor& self, uint64_t mask,
                         bool keepdim, Dtype dtype, const Scalar& neutral,
                         std::span<const fl_attr> attrs = {}) {
  return reduce(kernel, self, mask, keepdim, dtype, neutral, attrs, false);
}

// The reduced tensor with dimensions of size 1 put back where it lacks them.
Tensor restore_dims(const Tensor& reduced, uint64_t mask, int64_t ndim, bool keepdim);
// mask of a derivative's input, from its dims argument (which may be None)
uint64_t grad_mask(Grad& g, int dims_arg);

// Kernels along one dimension want at least one.
inline Tensor at_least_1d(const Tensor& t) {
  return t.dim() ? t : alias(t, IntList{1}, IntList{1}, t.offset());
}
inline Tensor same_shape(const Tensor& result, const Tensor& like) {
  if (like.dim() == result.dim()) return result;
  return alias(result, like.sizes(), like.strides(), result.offset());
}

}  // namespace fl
