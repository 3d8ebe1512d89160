// A gradient that depends on a tensor, if only with a derivative of zero: see
// Note [Linked gradients] in autograd/record.cpp.
#include "ops/ops.h"

namespace fl {
namespace {

Tensor linked(const Tensor& self, const Tensor&) { return detach_alias(self); }

const Records records = {
    Op("_linked(Tensor self, Tensor of) -> Tensor",
       "self, recorded as depending on `of` with a gradient of zero.")
        .impl<linked>()
        .derivative("self", 0, [](Grad& g) { return g.g; })
        .derivative("of", 0,
                    [](Grad& g) {
                      Tensor zero = empty(g.shape(1), g.dtype(1), g.device(1));
                      if (!zero.device().is_meta()) fill_with(zero, Scalar(0));
                      return zero;
                    }),
};

}  // namespace
}  // namespace fl
