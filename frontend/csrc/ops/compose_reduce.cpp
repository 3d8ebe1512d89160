// Reductions with a formula out of sums and extremes: mean, norm, variance.
#include <cmath>

#include "ops/compose.h"
#include "ops/formula.h"

namespace fl::composed {
namespace {

// Half precision is summed in single precision, as kernels do.
Tensor wide(const Tensor& x) {
  const bool half = x.dtype() == Dtype::Float16 || x.dtype() == Dtype::BFloat16;
  return half ? cast_to(x, Dtype::Float32) : x;
}
Tensor summed(const Tensor& x, uint64_t mask, bool keepdim) {
  return reduce(kernel<"sum">(), x, mask, keepdim, x.dtype(), Scalar(0));
}

}  // namespace

Tensor mean(const Tensor& x, uint64_t mask, bool keepdim) {
  const Tensor sum = summed(wide(x), mask, keepdim);
  return cast_to(sum / reduced_count(x.sizes(), mask), x.dtype());
}

Tensor norm(const Tensor& x, double p, uint64_t mask, bool keepdim) {
  const Dtype to = real_dtype(x.dtype());
  const Tensor size = ops::abs(wide(x));
  if (std::isinf(p)) {
    const KernelId k = p > 0 ? kernel<"amax">() : kernel<"amin">();
    return cast_to(reduce(k, size, mask, keepdim, size.dtype(), Scalar(0)), to);
  }
  if (p == 0) {
    const Tensor hits = ops::to_dtype(ops::ne(size, 0), size.dtype());
    return cast_to(summed(hits, mask, keepdim), to);
  }
  if (p == 1) return cast_to(summed(size, mask, keepdim), to);
  if (p == 2) return cast_to(ops::sqrt(summed(size * size, mask, keepdim)), to);
  const Tensor sum = summed(ops::pow(size, p), mask, keepdim);
  return cast_to(ops::pow(sum, 1.0 / p), to);
}

Tensor var(const Tensor& given, double correction, bool root, uint64_t mask,
           bool keepdim) {
  const Tensor x = wide(given);
  const auto n = static_cast<double>(reduced_count(x.sizes(), mask));
  const Tensor apart = x - summed(x, mask, true) / n;
  const Tensor out =
      summed(apart * apart, mask, keepdim) / std::max(n - correction, 0.0);
  return cast_to(root ? ops::sqrt(out) : out, given.dtype());
}

}  // namespace fl::composed
