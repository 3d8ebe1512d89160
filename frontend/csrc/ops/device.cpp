// Moving a tensor to another device, as an op: gradients move back.
#include "ops/ops.h"

namespace fl {
namespace {

Tensor to_device(const Tensor& self, Device device, bool non_blocking) {
  DeviceRuntime& to = runtime(device);
  if (&to == self->device) return detach_alias(self);
  Tensor out = empty(self.sizes(), self.dtype(), to);
  if (!to.is_meta()) copy_into(out, self, non_blocking);
  return out;
}

const Records records = {
    Op("_to_device(Tensor self, Device device, bool non_blocking=False) -> Tensor",
       "A copy of a tensor on another device.")
        .impl<to_device>()
        .derivative("self", 0,
                    [](Grad& g) {
                      static const OpRef move("_to_device(");
                      return move(g.g, g.device(0).device);
                    }),
};

}  // namespace
}  // namespace fl
