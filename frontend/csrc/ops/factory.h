// What every op that makes a tensor understands: dtype, layout, device, pin_memory,
// requires_grad, in this order from some argument on.
#pragma once

#include <string>

#include "ops/common.h"

namespace fl {

// Set by the bindings: a copy in memory that the accelerator reaches by itself.
inline Tensor (*pin_hook)(const Tensor&) = nullptr;

struct Options {
  Dtype dtype;
  DeviceRuntime& device;
  bool pinned, requires_grad;

  // `at` is the index of the argument `dtype`.  An out= tensor decides where neither
  // dtype nor device is given.
  Options(const Frame& f, int at, Dtype otherwise, DeviceRuntime* like = nullptr)
      : dtype(!f.args[at].none()  ? f.args[at].dtype
              : f.given.defined() ? f.given.dtype()
                                  : otherwise),
        device(!f.args[at + 2].none() ? runtime(f.args[at + 2].device)
               : f.given.defined()    ? f.given.device()
               : like                 ? *like
                                      : default_runtime()),
        pinned(!f.args[at + 3].none() && f.args[at + 3].i),
        requires_grad(!f.args[at + 4].none() && f.args[at + 4].i) {}

  void finish(Frame& f, Tensor t) const {
    if (pinned) t = pin_hook(t);
    if (requires_grad) {
      check(is_differentiable(dtype), "Only Tensors of floating point and complex ",
            "dtype can require gradients, got ", short_name(dtype));
      set_requires_grad(t, true);
    }
    f.out = std::move(t);
  }
};

// "zeros(int[] size, *, " and the options that all take; kept for good.
inline const char* with_options(const char* head, const char* tail = "") {
  return (new std::string(std::string(head) +
                          "ScalarType? dtype=None, Object? layout=None, "
                          "Device? device=None, bool? pin_memory=False, "
                          "bool? requires_grad=False" +
                          tail + ") -> Tensor"))
      ->c_str();
}
inline const char* like_options(const char* head) {
  return with_options(head, ", int? memory_format=None");
}

// Whether to lay a tensor like another one out as that is, or in row-major order, or
// with channels last: torch.memory_format as a number.
enum MemoryFormat : int64_t {
  kContiguousFormat = 0,
  kPreserveFormat = 1,
  kChannelsLast = 2,
  kChannelsLast3d = 3,
};
Tensor empty_in_format(const Tensor& like, Dtype dtype, DeviceRuntime& device,
                       int64_t format);
inline int64_t format_of(const Value& v) { return v.none() ? kPreserveFormat : v.i; }

}  // namespace fl
