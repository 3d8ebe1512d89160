// Comparisons and logic: two operands of one dtype, a bool out.
#include "kernels/functors.h"
#include "kernels/map.h"

namespace simulated {

SIMULATED_FAMILY(compare, {"eq", kAll, map2<Eq, kAll>}, {"ne", kAll, map2<Ne, kAll>},
                 {"lt", kOrdered, map2<Lt, kOrdered>},
                 {"le", kOrdered, map2<Le, kOrdered>},
                 {"gt", kOrdered, map2<Gt, kOrdered>},
                 {"ge", kOrdered, map2<Ge, kOrdered>},
                 {"logical_and", kAll, map2<LogicalAnd, kAll>},
                 {"logical_or", kAll, map2<LogicalOr, kAll>},
                 {"logical_xor", kAll, map2<LogicalXor, kAll>});

}  // namespace simulated
