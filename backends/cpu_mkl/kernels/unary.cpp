// Functions of one operand.
#include <bit>

#include "loops.h"
#include "vecmath.h"

namespace FL_ISA {
namespace {

// One line for each operation: a functor on vectors.
#define FL_UNARY(Name, expression)       \
  struct Name {                          \
    template <class V>                   \
    FL_INLINE V operator()(V x) const {  \
      return expression;                 \
    }                                    \
  };
// The same by a scalar function, for what has no vector form.
#define FL_LANES(Name, expression)                                        \
  struct Name {                                                           \
    template <class V>                                                    \
    FL_INLINE V operator()(V v) const {                                   \
      using T = Lane<V>;                                                  \
      return map_lanes([](T x) { return static_cast<T>(expression); }, v); \
    }                                                                     \
  };

FL_UNARY(Neg, -x)
FL_UNARY(Sqrt, vsqrt(x))
FL_UNARY(Exp, vexp(x))
FL_UNARY(Exp2, vexp2(x))
FL_UNARY(Expm1, vexpm1(x))
FL_UNARY(Log, vlog(x))
FL_UNARY(Log2, vlog2(x))
FL_UNARY(Log10, vlog10(x))
FL_UNARY(Log1p, vlog1p(x))
FL_UNARY(Sin, vsin(x))
FL_UNARY(Cos, vcos(x))
FL_UNARY(Tan, vtan(x))
FL_UNARY(Asin, vasin(x))
FL_UNARY(Acos, vacos(x))
FL_UNARY(Atan, vatan(x))
FL_UNARY(Sinh, vsinh(x))
FL_UNARY(Cosh, vcosh(x))
FL_UNARY(Tanh, vtanh(x))
FL_UNARY(Asinh, vasinh(x))
FL_UNARY(Acosh, vacosh(x))
FL_UNARY(Atanh, vatanh(x))
FL_UNARY(Sigmoid, vsigmoid(x))
FL_UNARY(Erf, verf(x))

template <class Op>
fl_status floats(const fl_call* call) {
  return for_dtype<kFloats>(call->in[0].dtype, [&](auto t) {
    using T = Compute<typename decltype(t)::type>;
    return map<T, T>(call, Op{}, kMath);
  });
}

}  // namespace

FL_FAMILY(unary, {"sqrt", floats<Sqrt>, kFloats}, {"exp", floats<Exp>, kFloats},
          {"exp2", floats<Exp2>, kFloats}, {"expm1", floats<Expm1>, kFloats},
          {"log", floats<Log>, kFloats}, {"log2", floats<Log2>, kFloats},
          {"log10", floats<Log10>, kFloats}, {"log1p", floats<Log1p>, kFloats},
          {"sin", floats<Sin>, kFloats}, {"cos", floats<Cos>, kFloats},
          {"tan", floats<Tan>, kFloats}, {"asin", floats<Asin>, kFloats},
          {"acos", floats<Acos>, kFloats}, {"atan", floats<Atan>, kFloats},
          {"sinh", floats<Sinh>, kFloats}, {"cosh", floats<Cosh>, kFloats},
          {"tanh", floats<Tanh>, kFloats}, {"asinh", floats<Asinh>, kFloats},
          {"acosh", floats<Acosh>, kFloats}, {"atanh", floats<Atanh>, kFloats},
          {"sigmoid", floats<Sigmoid>, kFloats}, {"erf", floats<Erf>, kFloats});

}  // namespace FL_ISA
