// Arithmetic on two operands, and shifts and integer division, which look at the dtype.
#include "kernels/functors.h"
#include "kernels/map.h"

namespace simulated {
namespace {

// Shifts by the width of the dtype or more, or by less than nothing, give what is left
// after all bits have gone.
struct ShiftLeft {
  __device__ int64_t operator()(int64_t a, int64_t b, int bits) const {
    if (b < 0 || b >= bits) return 0;
    return static_cast<int64_t>(static_cast<uint64_t>(a) << b);
  }
};
struct ShiftRight {
  __device__ int64_t operator()(int64_t a, int64_t b, int bits) const {
    if (b < 0 || b >= bits) return a < 0 ? -1 : 0;
    return a >> b;
  }
};

template <class F>
__global__ void shift_kernel(Param<Shape> shape, Param<View> out, Param<View> a,
                             Param<View> b, int bits, F f) {
  SIMT_GRID_LOOP(i, shape.numel) {
    const auto x = a.get<int64_t>(offset_of(shape, a, i));
    const auto y = b.get<int64_t>(offset_of(shape, b, i));
    out.put(offset_of(shape, out, i), f(x, y, bits));
  }
}

template <class F>
void shift(const Launch& l) {
  const Shape shape = shape_of(l.out());
  const int bits = static_cast<int>(8 * bytes_of(l.out().dtype));
  SIMT_LAUNCH((shift_kernel<F>), shape.numel, shape, view_of(l.out()), view_of(l.in(0)),
              view_of(l.in(1)), bits, F{});
}

template <class C, class F>
__global__ void divide_kernel(Param<Shape> shape, Param<View> out, Param<View> a,
                              Param<View> b, Trap* trap, F f) {
  SIMT_GRID_LOOP(i, shape.numel) {
    const C x = a.get<C>(offset_of(shape, a, i));
    const C y = b.get<C>(offset_of(shape, b, i));
    if (y == C(0)) trap->code = Trap::kZeroDivision;
    out.put(offset_of(shape, out, i), f(x, y));
  }
}

// Integers, for which a zero divisor is an error, and floats, for which it is not.
template <class F>
void divide_by(const Launch& l) {
  map2<F, kFloats>(l);
  const Shape shape = shape_of(l.out());
  for_type<kInts | kBool>(l.in().dtype, [&]<class C>(Type<C>) {
    SIMT_LAUNCH((divide_kernel<C, F>), shape.numel, shape, view_of(l.out()),
                view_of(l.in(0)), view_of(l.in(1)), l.trap, F{});
  });
}

}  // namespace

SIMULATED_FAMILY(binary, {"add", kAll, map2<Add, kAll>}, {"sub", kAll, map2<Sub, kAll>},
                 {"mul", kAll, map2<Mul, kAll>}, {"div", kInexact, map2<Div, kInexact>},
                 {"pow", kAll, map2<Pow, kAll>},
                 {"maximum", kOrdered, map2<Maximum, kOrdered>},
                 {"minimum", kOrdered, map2<Minimum, kOrdered>},
                 {"atan2", kFloats, map2<Atan2, kFloats>},
                 {"fmod", kOrdered, divide_by<FMod>},
                 {"remainder", kOrdered, divide_by<Remainder>},
                 {"div_floor", kOrdered, divide_by<DivFloor>},
                 {"div_trunc", kOrdered, divide_by<DivTrunc>},
                 {"bitwise_and", kInts | kBool, map2<BitAnd, kInts | kBool>},
                 {"bitwise_or", kInts | kBool, map2<BitOr, kInts | kBool>},
                 {"bitwise_xor", kInts | kBool, map2<BitXor, kInts | kBool>},
                 {"shift_left", kInts, shift<ShiftLeft>},
                 {"shift_right", kInts, shift<ShiftRight>});

}  // namespace simulated
