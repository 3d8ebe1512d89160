"""The element functions: one line of OpenCL C for each, in a table for each loop.

x and y are the operands in the type to compute in, C; SPECIAL functions stand in
functions.cl. An entry is one expression for all kinds of dtypes, or one each for f
(floating point), i (integer) and b (bool); a kind that is left out is not supported.
`zero` in an expression is where a divisor of zero is told to the host.
"""

from __future__ import annotations

Functor = str | dict[str, str]


def _f(*names: str) -> dict[str, Functor]:
    return {name: {"f": f"{name}(x)"} for name in names}


UNARY: dict[str, Functor] = {
    **_f("sqrt", "rsqrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p"),
    **_f("sin", "cos", "tan", "asin", "acos", "atan"),
    **_f("sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc"),
    "erfinv": {"f": "erfinv(x)"},
    "lgamma": {"f": "isinf(x) ? (C)INFINITY : lgamma(x)"},
    "digamma": {"f": "digamma(x)"},
    "sigmoid": {"f": "1 / (1 + exp(-x))"},
    "reciprocal": {"f": "1 / x"},
    "frac": {"f": "x - trunc(x)"},
    "neg": {"f": "-x", "i": "-x"},
    "abs": {"f": "fabs(x)", "i": "x < 0 ? -x : x", "b": "x"},
    "sign": {"f": "x != x ? x : (C)((x > 0) - (x < 0))", "i": "(x > 0) - (x < 0)",
             "b": "x"},
    "sgn": {"f": "x != x ? x : (C)((x > 0) - (x < 0))", "i": "(x > 0) - (x < 0)",
            "b": "x"},
    "square": {"f": "x * x", "i": "x * x"},
    "relu": {"f": "x < 0 ? 0 : x", "i": "x < 0 ? 0 : x"},
    "ceil": {"f": "ceil(x)", "i": "x"},
    "floor": {"f": "floor(x)", "i": "x"},
    "round": {"f": "rint(x)", "i": "x"},
    "trunc": {"f": "trunc(x)", "i": "x"},
    "conj": "x",
    "bitwise_not": {"i": "~x", "b": "!x"},
}  # fmt: skip

# To bool.
TEST: dict[str, Functor] = {
    "logical_not": "x == 0",
    "isnan": {"f": "isnan(x)", "i": "0", "b": "0"},
    "isinf": {"f": "isinf(x)", "i": "0", "b": "0"},
    "isfinite": {"f": "isfinite(x)", "i": "1", "b": "1"},
    "signbit": {"f": "signbit(x)", "i": "x < 0", "b": "0"},
    "isposinf": {"f": "isinf(x) && x > 0", "i": "0", "b": "0"},
    "isneginf": {"f": "isinf(x) && x < 0", "i": "0", "b": "0"},
}

BINARY: dict[str, Functor] = {
    "add": {"f": "x + y", "i": "x + y", "b": "x | y"},
    "sub": {"f": "x - y", "i": "x - y", "b": "x ^ y"},
    "mul": {"f": "x * y", "i": "x * y", "b": "x & y"},
    "div": {"f": "x / y"},
    "pow": {"f": "pow(x, y)", "i": "int_pow(x, y)"},
    "maximum": {"f": "x > y || x != x ? x : y", "i": "x > y ? x : y", "b": "x | y"},
    "minimum": {"f": "x < y || x != x ? x : y", "i": "x < y ? x : y", "b": "x & y"},
    "atan2": {"f": "atan2(x, y)"},
    "fmod": {"f": "fmod(x, y)", "i": "zero int_fmod(x, y)"},
    "remainder": {"f": "remainder_of(x, y)", "i": "zero int_remainder(x, y)"},
    "div_floor": {"f": "div_floor(x, y)", "i": "zero int_floor(x, y)"},
    "div_trunc": {"f": "trunc(x / y)", "i": "zero int_trunc(x, y)"},
    "bitwise_and": {"i": "x & y", "b": "x & y"},
    "bitwise_or": {"i": "x | y", "b": "x | y"},
    "bitwise_xor": {"i": "x ^ y", "b": "x ^ y"},
    "shift_left": {"i": "int_left(x, y, sizeof(C))"},
    "shift_right": {"i": "int_right(x, y, sizeof(C))"},
}

# To bool.
COMPARE: dict[str, Functor] = {
    "eq": "x == y",
    "ne": "x != y",
    "lt": "x < y",
    "le": "x <= y",
    "gt": "x > y",
    "ge": "x >= y",
    "logical_and": "x != 0 && y != 0",
    "logical_or": "x != 0 || y != 0",
    "logical_xor": "(x != 0) != (y != 0)",
}

# Copies: dtypes of operand and result differ, or bits go as they are.
COPY: dict[str, Functor] = {"copy": "x", "fill": "x"}
WHERE: dict[str, Functor] = {"where": "x ? y : z"}

# Reductions: neutral element, what an element becomes, how two are combined. ACC is the
# type of sums; VALUE that of an element.
REDUCE: dict[str, tuple[str, str, str]] = {
    "sum": ("0", "x", "a + b"),
    "prod": ("1", "x", "a * b"),
    "amax": ("A_MIN", "x", "a > b || a != a ? a : b"),
    "amin": ("A_MAX", "x", "a < b || a != a ? a : b"),
    "any": ("0", "x != 0", "a | b"),
    "all": ("1", "x != 0", "a & b"),
    "count_nonzero": ("0", "x != 0", "a + b"),
    "dot": ("0", "x * y", "a + b"),
}


def expression(functor: Functor, kind: str) -> str | None:
    """The expression for a kind of dtype, None when it has none."""
    return functor if isinstance(functor, str) else functor.get(kind)
