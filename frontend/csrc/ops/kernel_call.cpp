// From tensors to fl_call: plain kernels, iterated kernels, and copies.
#include <algorithm>
#include <cstring>

#include "flambeau/fallback.h"
#include "flambeau/iter.h"
#include "flambeau/stream.h"
#include "ops/op.h"

namespace fl {

fl_tensor view_of(const Tensor& t) {
  fl_tensor v;
  v.data = t.device().is_meta() ? nullptr : t.data();
  v.sizes = t->sizes;
  v.strides = t->strides;
  v.numel = t->numel;
  v.ndim = t->ndim;
  v.dtype = static_cast<uint16_t>(t->dtype);
  v.flags = 0;
  return v;
}

fl_tensor absent() {
  fl_tensor v{};
  v.ndim = -1;
  return v;
}

namespace {
// The last resort of a call that has no other: the host, or an error in words.
void without_kernel(const fl_call& call, KernelId id, Dtype d, DeviceRuntime& device) {
  const std::string why_not = fall_back(call, device, id, d);
  if (why_not.empty()) return;
  const bool is_host = device.device.type == kHostType;
  fail(ErrorKind::NotImplemented, "\"", kernel_name(id), "\" not implemented for '",
       type_name(d), "' on device '", to_string(device.device), "'",
       is_host ? "" : concat(", and cannot fall back: ", why_not));
}
}  // namespace

// ---- plain
// ----------------------------------------------------------------------------

fl_tensor KernelCall::keep(const Tensor& t) {
  if (!t.defined()) return absent();
  new (kept(n_kept_++)) Tensor(t);
  return view_of(t);
}
KernelCall& KernelCall::out(const Tensor& t) {
  check(n_out_ < kMostOut, "kernel call: too many outputs");
  outs_[n_out_++] = keep(t);
  return *this;
}
KernelCall& KernelCall::in(const Tensor& t) {
  check(n_in_ < kMostIn, "kernel call: too many inputs");
  ins_[n_in_++] = keep(t);
  return *this;
}
KernelCall& KernelCall::attr(int64_t v) {
  attrs_[n_attr_].v.i = v;
  attrs_[n_attr_++].count = 0;
  return *this;
}
KernelCall& KernelCall::attr(double v) {
  attrs_[n_attr_].v.f = v;
  attrs_[n_attr_++].count = 0;
  return *this;
}
KernelCall& KernelCall::attr(const Scalar& v) {
  attrs_[n_attr_].v.c[0] = v.real();
  attrs_[n_attr_].v.c[1] = v.imag();
  attrs_[n_attr_++].count = 0;
  return *this;
}
KernelCall& KernelCall::attr(IntList v) {
  attrs_[n_attr_].v.ints = v.data();
  attrs_[n_attr_++].count = static_cast<int64_t>(v.size());
  return *this;
}

fl_call KernelCall::make() {
  fl_call c{};
  c.n_out = n_out_;
  c.n_in = n_in_;
  c.n_attr = n_attr_;
  c.out = outs_;
  c.in = ins_;
  c.attr = attrs_;
  return c;
}

bool KernelCall::try_run(KernelId id) {
  if (device_.is_meta()) return true;
  const fl_tensor& main = n_in_ > 0 && ins_[0].ndim >= 0 ? ins_[0] : outs_[0];
  fl_kernel k = device_.find(id, static_cast<Dtype>(main.dtype));
  if (!k) return false;
  fl_call c = make();
  return try_kernel(k, c, device_, id);
}
bool KernelCall::try_run(const char* kernel) { return try_run(intern_kernel(kernel)); }

void KernelCall::run(KernelId id) {
  if (try_run(id)) return;
  const fl_tensor& main = n_in_ > 0 && ins_[0].ndim >= 0 ? ins_[0] : outs_[0];
  without_kernel(make(), id, static_cast<Dtype>(main.dtype), device_);
}
void KernelCall::run(const char* kernel) { run(intern_kernel(kernel)); }

// ---- iterated
// --------------------------------------------------------------------------

bool run_iterated(DeviceRuntime& device, KernelId kernel, Dtype main, int n_out,
                  std::span<const IterOperand> operands, IntList sizes,
                  std::span<const fl_attr> attrs, bool must) {
  if (device.is_meta()) return true;
  fl_kernel k = device.find(kernel, main);
  if (!k && !must) return false;
  IterPlan p;
  p.n = static_cast<int>(operands.size());
  p.ndim = static_cast<int>(sizes.size());
  check(p.n <= kMaxOperands, kernel_name(kernel), ": too many operands");
  std::copy(sizes.begin(), sizes.end(), p.sizes);
  for (int i = 0; i < p.n; ++i) {
    if (operands[i].strides) {
      std::copy_n(operands[i].strides, p.ndim, p.strides[i]);
    } else {
      std::fill_n(p.strides[i], p.ndim, 0);
    }
  }
  p.plan();
  fl_tensor t[kMaxOperands];
  int64_t numel = p.numel();
  for (int i = 0; i < p.n; ++i) {
    t[i].data = operands[i].data;
    t[i].sizes = p.sizes;
    t[i].strides = p.strides[i];
    t[i].numel = numel;
    t[i].ndim = p.ndim;
    t[i].dtype = static_cast<uint16_t>(operands[i].dtype);
    t[i].flags = operands[i].strides ? 0 : FL_HOST_SCALAR;
  }
  fl_call c{};
  c.n_out = n_out;
  c.n_in = p.n - n_out;
  c.n_attr = static_cast<int>(attrs.size());
  c.out = t;
  c.in = t + n_out;
  c.attr = attrs.data();
  if (k && try_kernel(k, c, device, kernel)) return true;
  if (must) without_kernel(c, kernel, main, device);
  return must;
}

void broadcast_strides(const Tensor& t, IntList sizes, int64_t* strides) {
  int lead = static_cast<int>(sizes.size()) - t->ndim;
  std::fill_n(strides, std::max(lead, 0), 0);
  for (int d = 0; d < t->ndim; ++d) {
    strides[lead + d] = t->sizes[d] == 1 ? 0 : t->strides[d];
  }
}

// ---- copies
// ------------------------------------------------------------------------------

namespace {

void copy_within(const Tensor& dst, const Tensor& src) {
  static const KernelId kCopy = intern_kernel("copy");
  int64_t strides[kMaxDims];
  broadcast_strides(src, dst.sizes(), strides);
  const IterOperand ops[] = {{dst.data(), dst->strides, dst.dtype()},
                             {src.data(), strides, src.dtype()}};
  run_iterated(dst.device(), kCopy, src.dtype(), 1, ops, dst.sizes());
}

// From memory that a device reaches by itself bytes may still be moving when the call
// returns: only when the caller said so.
bool move_pinned(const Tensor& dst, const Tensor& src, size_t bytes) {
  const bool up = src->storage->pinned;
  if (!up && !dst->storage->pinned) return false;
  DeviceRuntime& device = up ? dst.device() : src.device();
  const fl_memory_table* m = device.backend->api->memory;
  const auto move = up ? (FL_HAS(m, from_pinned) ? m->from_pinned : nullptr)
                       : (FL_HAS(m, to_pinned) ? m->to_pinned : nullptr);
  if (!move) return false;
  device.check_usable();
  check_status(
      move(device.handle, current_stream(device), dst.data(), src.data(), bytes),
      device, "copy");
  return true;
}

// Both dense and of one dtype; bytes move as they are.
void copy_across(const Tensor& dst, const Tensor& src, bool non_blocking) {
  size_t bytes = static_cast<size_t>(src.numel() * item_size(src.dtype()));
  DeviceRuntime &to = dst.device(), &from = src.device();
  if (from.host_memory && from.asynchronous) from.synchronize();
  if (to.host_memory && to.asynchronous) to.synchronize();
  if (from.host_memory && to.host_memory) {
    std::memcpy(dst.data(), src.data(), bytes);
  } else if (non_blocking && move_pinned(dst, src, bytes)) {
    return;
  } else if (from.host_memory) {
    to.from_host(dst.data(), src.data(), bytes, "copy");
  } else if (to.host_memory) {
    from.to_host(dst.data(), src.data(), bytes, "copy");
  } else {
    std::vector<char> host(bytes);
    from.to_host(host.data(), src.data(), bytes, "copy");
    to.from_host(dst.data(), host.data(), bytes, "copy");
  }
}

}  // namespace

void copy_into(const Tensor& dst, const Tensor& src_, bool non_blocking) {
  Tensor src = src_;
  if (dst.numel() == 0 || dst.device().is_meta()) return;
  check(!src.device().is_meta(), "copy_: cannot copy out of a meta tensor: no data");
  if (dst->device == src->device) {
    if (overlaps(dst, src)) {
      if (dst->offset == src->offset && dst.sizes().equals(src.sizes()) &&
          dst.strides().equals(src.strides()) && dst.dtype() == src.dtype()) {
        return;
      }
      Tensor apart = empty(src.sizes(), src.dtype(), src.device());
      copy_within(apart, src);
      src = apart;
    }
    return copy_within(dst, src);
  }
  // Cast on the source, move bytes, then spread on the destination.
  Tensor sent = make_contiguous(cast_to(src, dst.dtype()));
  if (dst.contiguous() && dst.sizes().equals(sent.sizes())) {
    return copy_across(dst, sent, non_blocking);
  }
  Tensor landed = empty(sent.sizes(), sent.dtype(), dst.device());
  copy_across(landed, sent, non_blocking);
  copy_within(dst, landed);
}

void fill_with(const Tensor& dst, const Scalar& value) {
  if (dst.numel() == 0) return;
  static const KernelId kFill = intern_kernel("fill");
  alignas(16) char one[16];
  value.store(dst.dtype(), one);
  const IterOperand ops[] = {{dst.data(), dst->strides, dst.dtype()},
                             {one, nullptr, dst.dtype()}};
  run_iterated(dst.device(), kFill, dst.dtype(), 1, ops, dst.sizes());
}

Tensor cast_to(const Tensor& t, Dtype dtype) {
  if (t.dtype() == dtype) return t;
  Tensor out = empty_like(t, dtype);
  copy_into(out, t);
  return out;
}

Tensor make_contiguous(const Tensor& t) {
  if (t.contiguous()) return t;
  Tensor out = empty(t.sizes(), t.dtype(), t.device());
  copy_into(out, t);
  return out;
}

}  // namespace fl
