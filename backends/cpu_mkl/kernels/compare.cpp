// Comparisons and logic: two operands of one dtype, a bool out.
#include "complex.h"
#include "loops.h"

namespace FL_ISA {
namespace {

template <uint32_t Set, auto Op>
fl_status compare(const fl_call* call) {
  return for_dtype<Set>(call->in[0].dtype, [&](auto t) {
    using T = Compute<typename decltype(t)::type>;
    return map<boolean, T, T>(call, Op);
  });
}

constexpr auto eq = [](auto a, auto b) { return equal(a, b); };
constexpr auto ne = [](auto a, auto b) { return ~equal(a, b); };
constexpr auto lt = [](auto a, auto b) { return a < b; };
constexpr auto le = [](auto a, auto b) { return a <= b; };
constexpr auto gt = [](auto a, auto b) { return a > b; };
constexpr auto ge = [](auto a, auto b) { return a >= b; };
constexpr auto both = [](auto a, auto b) { return nonzero(a) & nonzero(b); };
constexpr auto either = [](auto a, auto b) { return nonzero(a) | nonzero(b); };
constexpr auto one = [](auto a, auto b) { return nonzero(a) ^ nonzero(b); };
constexpr uint32_t kOrdered = kReal | kBool;

}  // namespace

FL_FAMILY(compare, {"eq", compare<kAll, eq>, kAll}, {"ne", compare<kAll, ne>, kAll},
          {"lt", compare<kOrdered, lt>, kOrdered},
          {"le", compare<kOrdered, le>, kOrdered},
          {"gt", compare<kOrdered, gt>, kOrdered},
          {"ge", compare<kOrdered, ge>, kOrdered},
          {"logical_and", compare<kAll, both>, kAll},
          {"logical_or", compare<kAll, either>, kAll},
          {"logical_xor", compare<kAll, one>, kAll});

}  // namespace FL_ISA
