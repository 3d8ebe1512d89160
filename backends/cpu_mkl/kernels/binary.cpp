// Arithmetic on two operands of one dtype.
#include "loops.h"

namespace FL_ISA {
namespace {

struct Add {
  template <class V>
  V operator()(V a, V b) const {
    return a + b;
  }
};

template <class Op, uint32_t Set>
fl_status binary(const fl_call* call) {
  return for_dtype<Set>(call->in[0].dtype, [&](auto t) {
    using T = Compute<typename decltype(t)::type>;
    return map<T, T, T>(call, Op{});
  });
}

}  // namespace

FL_FAMILY(binary, {"add", binary<Add, kReal>, kReal});

}  // namespace FL_ISA
