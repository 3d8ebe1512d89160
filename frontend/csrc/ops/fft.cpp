// Fourier transforms: complex, real to complex and back, over any dimensions.
#include <cmath>

#include "ops/common.h"

namespace fl {
namespace {

// The three transforms, each the others' derivative.  `dims` are those transformed; the
// last of them is the one that real transforms halve.
Tensor c2c(const Tensor& self, IntList dims, bool forward, double scale) {
  Tensor out = empty(self.sizes(), self.dtype(), self.device());
  if (out.numel() == 0) return out;
  KernelCall(self.device())
      .out(out)
      .in(make_contiguous(self))
      .attr(dims)
      .attr(forward)
      .attr(scale)
      .run(kernel<"fft_c2c">());
  return out;
}
Tensor r2c(const Tensor& self, IntList dims, double scale) {
  Dims sizes(self.sizes());
  const int64_t last = dims.back();
  sizes[last] = sizes[last] / 2 + 1;
  Tensor out = empty(sizes, complex_dtype(self.dtype()), self.device());
  if (out.numel() == 0 || self.numel() == 0) return out;
  KernelCall(self.device())
      .out(out)
      .in(make_contiguous(self))
      .attr(dims)
      .attr(scale)
      .run(kernel<"fft_r2c">());
  return out;
}
Tensor c2r(const Tensor& self, IntList dims, int64_t n, double scale) {
  Dims sizes(self.sizes());
  sizes[dims.back()] = n;
  Tensor out = empty(sizes, real_dtype(self.dtype()), self.device());
  if (out.numel() == 0 || self.numel() == 0) return out;
  KernelCall(self.device())
      .out(out)
      .in(make_contiguous(self))
      .attr(dims)
      .attr(scale)
      .run(kernel<"fft_c2r">());
  return out;
}
const OpRef c2c_op("_fft_c2c("), r2c_op("_fft_r2c("), c2r_op("_fft_c2r(");

Tensor c2c_back(Grad& g) {
  return c2c_op(g.g, g.value(1), !g.arg<bool>(2), g.value(3));
}
// Half of the spectrum came out: its gradient with zeros behind is transformed back.
Tensor r2c_back(Grad& g) {
  const auto dims = g.arg<IntList>(1);
  const int64_t last = dims.back(), n = g.shape(0)[last];
  const int64_t missing = n - g.g.sizes()[last];
  static const OpRef pad("constant_pad_nd(");
  std::vector<int64_t> widths(2 * (g.g.dim() - last), 0);
  widths.back() = missing;
  const Tensor full = missing ? pad(g.g, widths, 0) : g.g;
  return ops::real(c2c_op(full, dims, false, g.value(2)));
}
// All but the first (and for even n the last) entries stood for two.
Tensor c2r_back(Grad& g) {
  const auto dims = g.arg<IntList>(1);
  const int64_t last = dims.back(), n = g.arg<int64_t>(2);
  const Tensor grad = r2c_op(g.g, dims, g.value(3));
  const int64_t doubled = n - grad.sizes()[last];
  if (doubled <= 0) return grad;
  const int64_t m = grad.sizes()[last];
  const Tensor middle = ops::mul(ops::narrow(grad, last, 1, doubled), 2);
  const Tensor first = ops::narrow(grad, last, 0, 1);
  const Tensor rest = ops::narrow(grad, last, 1 + doubled, m - 1 - doubled);
  const Tensor parts[] = {first, middle, rest};
  return ops::cat(parts, last);
}

const Records records = {
    Op("_fft_c2c(Tensor self, int[] dims, bool forward, float scale) -> Tensor",
       "The Fourier transform of complex numbers.")
        .impl<c2c>()
        .derivative("self", 0, c2c_back),
    Op("_fft_r2c(Tensor self, int[] dims, float scale) -> Tensor",
       "Half of the spectrum of real numbers.")
        .impl<r2c>()
        .derivative("self", 0, r2c_back),
    Op("_fft_c2r(Tensor self, int[] dims, int n, float scale) -> Tensor",
       "Real numbers of half of their spectrum.")
        .impl<c2r>()
        .derivative("self", 0, c2r_back),
};

}  // namespace
}  // namespace fl
