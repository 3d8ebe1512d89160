// Tables that compositions read: numbers from the host and regular sequences.
#include "ops/compose.h"

#include <cstring>

namespace fl::composed {
namespace {

Tensor on(const Tensor& host, DeviceRuntime& device) {
  if (&host.device() == &device) return host;
  const Tensor out = empty(host.sizes(), host.dtype(), device);
  put_values(out, host);
  return out;
}
// start + i step in double, then in out's dtype.
void iota(const Tensor& out, double start, double step) {
  if (out.numel() == 0) return;
  KernelCall(out.device())
      .out(out)
      .attr(Scalar(start))
      .attr(Scalar(step))
      .run(kernel<"iota">());
}

}  // namespace

Tensor from_host(std::span<const int64_t> values, IntList sizes,
                 DeviceRuntime& device) {
  const Tensor t = empty(sizes, Dtype::Int64, host_runtime());
  if (!values.empty()) std::memcpy(t.data(), values.data(), values.size_bytes());
  return on(t, device);
}
Tensor from_host(std::span<const double> values, IntList sizes, Dtype dtype,
                 DeviceRuntime& device) {
  const Tensor t = empty(sizes, Dtype::Float64, host_runtime());
  if (!values.empty()) std::memcpy(t.data(), values.data(), values.size_bytes());
  return on(cast_to(t, dtype), device);
}

Tensor counting(int64_t n, DeviceRuntime& device, int64_t start, int64_t step) {
  const Tensor out = empty(IntList{n}, Dtype::Int64, device);
  if (n) KernelCall(device).out(out).attr(start).attr(step).run(kernel<"iota">());
  return out;
}

// From both ends, so that the last number is the end itself.
void linspace(const Tensor& out, double start, double end) {
  const int64_t n = out.numel(), half = (n + 1) / 2;
  const double step = n > 1 ? (end - start) / static_cast<double>(n - 1) : 0;
  const Dtype d = is_floating(out.dtype()) ? out.dtype() : Dtype::Float64;
  const Tensor low = empty(IntList{half}, d, out.device());
  const Tensor high = empty(IntList{n - half}, d, out.device());
  iota(low, start, step);
  iota(high, end, -step);
  copy_into(ops::narrow(out, 0, 0, half), low);
  if (n > half) copy_into(ops::narrow(out, 0, half, n - half), flip(high, IntList{0}));
}

}  // namespace fl::composed
