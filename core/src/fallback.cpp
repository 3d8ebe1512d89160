// The fallback through the host.  Note [Fallback]: operands are strided views into
// blocks of device memory, and several may share bytes (an output that is an input).
// So what moves are byte ranges: the extents of all operands, merged where they
// overlap, are copied to the host, the host's kernel of the same name runs on views
// with the same strides, and the ranges that hold outputs are copied back.
#include "flambeau/fallback.h"

#include <algorithm>
#include <cstdint>
#include <memory>

#include "flambeau/error.h"

namespace fl {

void (*warn_hook)(const std::string&) = nullptr;

namespace {

FallbackPolicy policy = FallbackPolicy::Warn;
std::vector<FallbackCount>& counts() {
  static auto* list = new std::vector<FallbackCount>;
  return *list;
}

constexpr size_t kAlign = 64;

// A range of device memory and its copy on the host, congruent modulo kAlign.
struct Range {
  char *lo, *hi;
  bool written;
  std::unique_ptr<char[]> block;
  char* host = nullptr;

  void allocate() {
    const auto skew = reinterpret_cast<uintptr_t>(lo) % kAlign;
    block = std::make_unique<char[]>(static_cast<size_t>(hi - lo) + 2 * kAlign);
    const auto at = reinterpret_cast<uintptr_t>(block.get());
    host = block.get() + (kAlign - at % kAlign) + skew;
  }
};

bool has_data(const fl_tensor& t) {
  return t.ndim >= 0 && t.numel > 0 && !(t.flags & FL_HOST_SCALAR);
}

// `reach`: sizes and strides of dimensions along which the kernel finds its own way.
Range extent(const fl_tensor& t, bool written, const fl_attr* reach) {
  const int64_t item = item_size(static_cast<Dtype>(t.dtype));
  int64_t lo = 0, hi = 0;
  const auto widen = [&](int64_t size, int64_t stride) {
    (stride < 0 ? lo : hi) += stride * (size - 1);
  };
  for (int d = 0; d < t.ndim; ++d) widen(t.sizes[d], t.strides[d]);
  for (int64_t k = 0; reach && k < reach[0].count; ++k) {
    widen(reach[0].v.ints[k], reach[1].v.ints[k]);
  }
  char* data = static_cast<char*>(t.data);
  return {data + lo * item, data + (hi + 1) * item, written, nullptr};
}

// Where a kernel goes by indices, an operand has stride 0, and attributes tell how far
// it reaches: the first input of `index`, the output of `index_put` (kernels.md).
std::vector<Range> ranges_of(const fl_call& call, KernelId id) {
  static const KernelId from = intern_kernel("index"), to = intern_kernel("index_put");
  std::vector<Range> all;
  for (int i = 0; i < call.n_out; ++i) {
    const fl_attr* reach = id == to && i == 0 ? call.attr : nullptr;
    if (has_data(call.out[i])) all.push_back(extent(call.out[i], true, reach));
  }
  for (int i = 0; i < call.n_in; ++i) {
    const fl_attr* reach = id == from && i == 0 ? call.attr : nullptr;
    if (has_data(call.in[i])) all.push_back(extent(call.in[i], false, reach));
  }
  std::sort(all.begin(), all.end(),
            [](const Range& a, const Range& b) { return a.lo < b.lo; });
  std::vector<Range> merged;
  for (Range& r : all) {
    if (!merged.empty() && r.lo < merged.back().hi) {
      merged.back().hi = std::max(merged.back().hi, r.hi);
      merged.back().written |= r.written;
    } else {
      merged.push_back(std::move(r));
    }
  }
  return merged;
}

fl_tensor moved(const fl_tensor& t, const std::vector<Range>& ranges) {
  if (!has_data(t)) return t;
  fl_tensor out = t;
  char* data = static_cast<char*>(t.data);
  for (const Range& r : ranges) {
    if (data >= r.lo && data < r.hi) {
      out.data = r.host + (data - r.lo);
      return out;
    }
  }
  fail(ErrorKind::Runtime, "fallback: internal: an operand lies in no range");
}

bool run_on_host(const fl_call& call, DeviceRuntime& device, fl_kernel kernel,
                 KernelId id) {
  fl_call copy = call;
  if (device.host_memory) {
    device.synchronize();
    return try_kernel(kernel, copy, host_runtime(), id);
  }
  const char* name = kernel_name(id);
  std::vector<Range> ranges = ranges_of(call, id);
  for (Range& r : ranges) {
    r.allocate();
    device.to_host(r.host, r.lo, static_cast<size_t>(r.hi - r.lo), name);
  }
  std::vector<fl_tensor> views;
  views.reserve(static_cast<size_t>(call.n_out + call.n_in));
  for (int i = 0; i < call.n_out; ++i) views.push_back(moved(call.out[i], ranges));
  for (int i = 0; i < call.n_in; ++i) views.push_back(moved(call.in[i], ranges));
  copy.out = views.data();
  copy.in = views.data() + call.n_out;
  if (!try_kernel(kernel, copy, host_runtime(), id)) return false;
  for (const Range& r : ranges) {
    if (r.written) {
      device.from_host(r.lo, r.host, static_cast<size_t>(r.hi - r.lo), name);
    }
  }
  return true;
}

void note(DeviceRuntime& device, KernelId id) {
  for (FallbackCount& c : counts()) {
    if (c.device == device.device && c.kernel == id) {
      ++c.calls;
      return;
    }
  }
  counts().push_back({device.device, id, 1});
  if (policy == FallbackPolicy::Warn && warn_hook) {
    warn_hook(concat("'", kernel_name(id), "' has no kernel on device '",
                     to_string(device.device), "': it runs on '", kHostDeviceType,
                     "', with copies both ways. FLAMBEAU_FALLBACK=allow, or ",
                     "flambeau.backends.set_fallback_policy('allow'), silences this; ",
                     "'error' forbids it"));
  }
}

}  // namespace

FallbackPolicy fallback_policy() { return policy; }
void set_fallback_policy(FallbackPolicy p) { policy = p; }
std::vector<FallbackCount> fallback_counts() { return counts(); }
void reset_fallback_counts() { counts().clear(); }

std::string fall_back(const fl_call& call, DeviceRuntime& device, KernelId id,
                      Dtype main) {
  if (device.device.type == kHostType)
    return "it is the device that others fall back on";
  if (policy == FallbackPolicy::Error) {
    return "the fallback policy is 'error'";
  }
  DeviceRuntime* host;
  try {
    host = &host_runtime();
  } catch (const Error& e) {
    if (e.kind == ErrorKind::PythonSet) throw;
    return e.what();
  }
  const fl_kernel kernel = host->find(id, main);
  if (!kernel) return concat("'", kHostDeviceType, "' has none either");
  note(device, id);
  if (run_on_host(call, device, kernel, id)) return "";
  return concat("'", kHostDeviceType, "' does not support this call either");
}

}  // namespace fl
