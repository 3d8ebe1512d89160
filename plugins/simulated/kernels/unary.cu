// Functions of one operand.
#include "kernels/functors.h"
#include "kernels/map.h"

namespace simulated {

SIMULATED_FAMILY(
    unary,
    // any number
    {"neg", kNumbers, map1<Neg, kNumbers>}, {"abs", kNumbers, map1<Abs, kNumbers>},
    {"sign", kOrdered, map1<Sign, kOrdered>}, {"sgn", kAll, map1<Sign, kAll>},
    {"square", kNumbers, map1<Square, kNumbers>}, {"relu", kReal, map1<Relu, kReal>},
    {"bitwise_not", kInts | kBool, map1<BitwiseNot, kInts | kBool>},
    {"reciprocal", kInexact, map1<Reciprocal, kInexact>},
    {"conj", kComplex, map1<Conj, kComplex>}, {"ceil", kReal, map1<Ceil, kReal>},
    {"floor", kReal, map1<Floor, kReal>}, {"round", kReal, map1<Round, kReal>},
    {"trunc", kReal, map1<Trunc, kReal>}, {"frac", kFloats, map1<Frac, kFloats>},
    {"angle", kNumbers, map1<Angle, kNumbers>},
    {"real", kNumbers, map1<RealPart, kNumbers>},
    {"imag", kNumbers, map1<ImagPart, kNumbers>},
    // tests
    {"logical_not", kAll, map1<LogicalNot, kAll>},
    {"isnan", kInexact, map1<IsNan, kInexact>},
    {"isinf", kInexact, map1<IsInf, kInexact>},
    {"isfinite", kInexact, map1<IsFinite, kInexact>},
    {"signbit", kReal, map1<SignBit, kReal>},
    {"isposinf", kFloats, map1<IsPosInf, kFloats>},
    {"isneginf", kFloats, map1<IsNegInf, kFloats>},
    // elementary functions
    {"sqrt", kInexact, map1<Sqrt, kInexact>},
    {"rsqrt", kInexact, map1<Rsqrt, kInexact>}, {"exp", kInexact, map1<Exp, kInexact>},
    {"exp2", kInexact, map1<Exp2, kInexact>},
    {"expm1", kInexact, map1<Expm1, kInexact>}, {"log", kInexact, map1<Log, kInexact>},
    {"log2", kInexact, map1<Log2, kInexact>},
    {"log10", kInexact, map1<Log10, kInexact>},
    {"log1p", kInexact, map1<Log1p, kInexact>}, {"sin", kInexact, map1<Sin, kInexact>},
    {"cos", kInexact, map1<Cos, kInexact>}, {"tan", kInexact, map1<Tan, kInexact>},
    {"asin", kInexact, map1<Asin, kInexact>}, {"acos", kInexact, map1<Acos, kInexact>},
    {"atan", kInexact, map1<Atan, kInexact>}, {"sinh", kInexact, map1<Sinh, kInexact>},
    {"cosh", kInexact, map1<Cosh, kInexact>}, {"tanh", kInexact, map1<Tanh, kInexact>},
    {"asinh", kInexact, map1<Asinh, kInexact>},
    {"acosh", kInexact, map1<Acosh, kInexact>},
    {"atanh", kInexact, map1<Atanh, kInexact>},
    {"sigmoid", kInexact, map1<Sigmoid, kInexact>},
    {"erf", kFloats, map1<Erf, kFloats>}, {"erfc", kFloats, map1<Erfc, kFloats>},
    {"erfinv", kFloats, map1<ErfInv, kFloats>},
    {"lgamma", kFloats, map1<LGamma, kFloats>},
    {"digamma", kFloats, map1<DiGamma, kFloats>});

}  // namespace simulated
