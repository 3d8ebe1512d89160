"""The pointwise kernels: name, oracle, dtypes and domain of each, a row for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import _special as sp
from .._operand import COMPLEX, FLOATS, INTEGERS
from ._pointwise_calls import Domain, Pointwise

F, INT, C, B = FLOATS, INTEGERS, COMPLEX, ("bool",)
REAL = (*F, *INT)
NUMBER = (*REAL, *C)
ANY = (*NUMBER, *B)
SMOOTH = (*F, *C)


def _unary(
    oracle: Callable[..., Any],
    names: str,
    dtypes: Sequence[str],
    low: float = -2.0,
    high: float = 2.0,
    **more: Any,
) -> Pointwise:
    return Pointwise(names, oracle, dtypes, (Domain(low, high),), **more)


def _sign(x: Any) -> Any:
    return np.where(np.isnan(x), x, np.sign(x))


def _sgn(x: Any) -> Any:
    if np.iscomplexobj(x):
        return np.where(x == 0, 0, x / np.where(x == 0, 1, np.abs(x)))
    return _sign(x)


UNARY = [
    _unary(np.negative, "neg", NUMBER, -9, 9, large=True),
    _unary(np.abs, "abs", NUMBER, -9, 9, out="real"),
    _unary(_sign, "sign", REAL, -9, 9),
    _unary(_sgn, "sgn", NUMBER, -9, 9),
    _unary(np.square, "square", NUMBER, -9, 9),
    _unary(lambda x: np.where(x < 0, 0, x), "relu", REAL, -9, 9),
    _unary(np.sqrt, "sqrt", SMOOTH, 0.1, 9),
    _unary(lambda x: 1 / np.sqrt(x), "rsqrt", SMOOTH, 0.1, 9),
    _unary(lambda x: 1 / x, "reciprocal", SMOOTH, 0.3, 9),
    _unary(np.exp, "exp", SMOOTH, -4, 4, ulps=8, large=True),
    _unary(np.exp2, "exp2", SMOOTH, -4, 4, ulps=8),
    _unary(np.expm1, "expm1", SMOOTH, -4, 4, ulps=8),
    _unary(np.log, "log", SMOOTH, 0.1, 9, ulps=8),
    _unary(np.log2, "log2", SMOOTH, 0.1, 9, ulps=8),
    _unary(np.log10, "log10", SMOOTH, 0.1, 9, ulps=8),
    _unary(np.log1p, "log1p", SMOOTH, -0.9, 9, ulps=8),
    _unary(np.sin, "sin", SMOOTH, -6, 6, ulps=8, scale=lambda x: 1.0),
    _unary(np.cos, "cos", SMOOTH, -6, 6, ulps=8, scale=lambda x: 1.0),
    _unary(np.tan, "tan", SMOOTH, -1.5, 1.5, ulps=16),
    _unary(np.arcsin, "asin", SMOOTH, -0.99, 0.99, ulps=8),
    _unary(np.arccos, "acos", SMOOTH, -0.99, 0.99, ulps=8),
    _unary(np.arctan, "atan", SMOOTH, -6, 6, ulps=8),
    _unary(np.sinh, "sinh", SMOOTH, -4, 4, ulps=8),
    _unary(np.cosh, "cosh", SMOOTH, -4, 4, ulps=8),
    _unary(np.tanh, "tanh", SMOOTH, -4, 4, ulps=8),
    _unary(np.arcsinh, "asinh", SMOOTH, -6, 6, ulps=8),
    _unary(np.arccosh, "acosh", SMOOTH, 1.1, 6, ulps=8),
    _unary(np.arctanh, "atanh", SMOOTH, -0.9, 0.9, ulps=8),
    _unary(lambda x: 1 / (1 + np.exp(-x)), "sigmoid", SMOOTH, -6, 6, ulps=8),
    _unary(np.ceil, "ceil", REAL, -9, 9),
    _unary(np.floor, "floor", REAL, -9, 9),
    _unary(np.rint, "round", REAL, -9, 9),
    _unary(np.trunc, "trunc", REAL, -9, 9),
    _unary(lambda x: x - np.trunc(x), "frac", F, -9, 9),
    _unary(sp.erf, "erf", F, -3, 3, ulps=16),
    _unary(sp.erfc, "erfc", F, -2, 3, ulps=64, edges="nan"),
    _unary(sp.erfinv, "erfinv", F, -0.95, 0.95, ulps=64, edges="nan"),
    _unary(sp.lgamma, "lgamma", F, 0.1, 30, ulps=64, edges="nan", scale=lambda x: 1.0),
    _unary(
        sp.digamma, "digamma", F, 0.1, 30, ulps=64, edges="nan", scale=lambda x: 1.0
    ),
    _unary(np.conj, "conj", C),
    _unary(np.invert, "bitwise_not", (*INT, *B), -9, 9),
    _unary(sp.i0, "i0", F, -5, 5, ulps=64, edges="nan"),
    _unary(sp.i1, "i1", F, 0.2, 5, ulps=64, edges="nan"),
    _unary(sp.i0e, "i0e", F, -5, 5, ulps=64, edges="nan"),
    _unary(sp.i1e, "i1e", F, 0.2, 5, ulps=64, edges="nan"),
    _unary(sp.ndtri, "ndtri", F, 0.05, 0.95, ulps=64, edges="nan", scale=lambda x: 0.5),
    _unary(sp.log_ndtr, "log_ndtr", F, -4, 3, ulps=64, edges="nan"),
    _unary(np.sinc, "sinc", F, -3, 3, ulps=32, edges="nan", scale=lambda x: 0.5),
    _unary(
        lambda x: np.round(x, 1),
        "round_decimals",
        F,
        -9,
        9,
        attrs=(1,),
        edges="nan",
        ulps=8,
    ),
]

TESTS = [
    _unary(np.logical_not, "logical_not", ANY, -1, 1, out="bool"),
    _unary(np.isnan, "isnan", (*F, *C), out="bool"),
    _unary(np.isinf, "isinf", (*F, *C), out="bool"),
    _unary(np.isfinite, "isfinite", (*F, *C), out="bool"),
    _unary(np.signbit, "signbit", F, out="bool"),
    _unary(np.isposinf, "isposinf", F, out="bool"),
    _unary(np.isneginf, "isneginf", F, out="bool"),
]

PARTS = [
    _unary(np.angle, "angle", C, out="real"),
    _unary(np.real, "real", C, out="real"),
    _unary(np.imag, "imag", C, out="real"),
]


def _made_complex() -> list[Pointwise]:
    return [
        Pointwise(name, oracle, (dtype,), (Domain(),) * 2, out=out, edges="")
        for name, oracle in (
            ("make_complex", lambda a, b: a + 1j * b),
            ("polar", lambda r, t: r * np.exp(1j * t)),
        )
        for dtype, out in (("float32", "complex64"), ("float64", "complex128"))
    ]


def _binary(
    oracle: Callable[..., Any],
    name: str,
    dtypes: Sequence[str],
    one: Domain | None = None,
    other: Domain | None = None,
    **more: Any,
) -> Pointwise:
    first = one or Domain(-4, 4)
    return Pointwise(name, oracle, dtypes, (first, other or first), **more)


def _subtract(a: Any, b: Any) -> Any:
    return a ^ b if np.asarray(a).dtype == np.bool_ else a - b


def _xlogy(x: Any, y: Any) -> Any:
    return np.where((x == 0) & ~np.isnan(y), 0.0, x * np.log(y))


def _multiples(a: Any, b: Any) -> Any:
    return np.trunc(a / b)


_QUARTERS = Domain(-8, 8, step=0.25)
_DIVISORS = Domain(-4, 4, step=0.5, nonzero=True)
_POSITIVE = Domain(0.5, 4)
_SMALL = Domain(0, 3)


def _sum(a: Any, b: Any) -> Any:
    return np.abs(a) + np.abs(b)


BINARY = [
    _binary(np.add, "add", ANY, large=True, scale=_sum),
    _binary(_subtract, "sub", ANY, scale=_sum),
    _binary(np.multiply, "mul", ANY, ulps=8),
    _binary(np.divide, "div", SMOOTH, other=Domain(0.5, 4), ulps=8),
    _binary(np.power, "pow", F, Domain(0.2, 3), Domain(-3, 3), ulps=16),
    _binary(np.power, "pow", INT, Domain(-3, 3), Domain(0, 4), variant="whole"),
    _binary(np.maximum, "maximum", (*REAL, *B)),
    _binary(np.minimum, "minimum", (*REAL, *B)),
    _binary(np.arctan2, "atan2", F, ulps=8),
    _binary(np.fmod, "fmod", REAL, _QUARTERS, _DIVISORS, edges="nan"),
    _binary(np.remainder, "remainder", REAL, _QUARTERS, _DIVISORS, edges="nan"),
    _binary(np.floor_divide, "div_floor", REAL, _QUARTERS, _DIVISORS, edges="nan"),
    _binary(_multiples, "div_trunc", REAL, _QUARTERS, _DIVISORS, edges="nan"),
    _binary(
        lambda a, b: a + 2 * b, "add_scaled", NUMBER, attrs=(2 + 0j,),
        scale=lambda a, b: np.abs(a) + 2 * np.abs(b), edges="nan",
    ),
    _binary(np.fmax, "fmax", REAL),
    _binary(np.fmin, "fmin", REAL),
    _binary(np.hypot, "hypot", F, edges="nan", ulps=8),
    _binary(np.copysign, "copysign", F, edges=""),
    _binary(np.nextafter, "nextafter", ("float32", "float64"), stored=True, ulps=0),
    _binary(np.logaddexp, "logaddexp", F, ulps=8, scale=lambda a, b: 1 + _sum(a, b)),
    _binary(np.logaddexp2, "logaddexp2", F, ulps=8, scale=lambda a, b: 1 + _sum(a, b)),
    _binary(np.heaviside, "heaviside", F),
    _binary(_xlogy, "xlogy", F, Domain(0, 4), _POSITIVE, edges="nan", ulps=8,
            scale=lambda x, y: np.abs(x)),
    _binary(lambda x, y: _xlogy(x, 1 + y), "xlog1py", F, Domain(0, 4), _POSITIVE,
            edges="nan", ulps=8),
    _binary(np.gcd, "gcd", INT, Domain(-9, 9)),
    _binary(np.lcm, "lcm", INT, Domain(-9, 9)),
    _binary(lambda a, b: a * 2.0**b, "ldexp", F, other=Domain(-3, 3, step=1),
            edges="nan"),
    _binary(sp.zeta, "zeta", F, Domain(1.5, 5), Domain(0.5, 5), ulps=64, edges=""),
    _binary(sp.igamma, "igamma", F, Domain(0.5, 5), Domain(0.2, 8), ulps=128,
            edges="nan", scale=lambda a, x: 0.1),
    _binary(lambda a, x: 1 - sp.igamma(a, x), "igammac", F, Domain(0.5, 5),
            Domain(0.2, 8), ulps=128, edges="nan", scale=lambda a, x: 1.0),
    Pointwise("polygamma", lambda x: sp.polygamma(1, x), F, (Domain(0.5, 8),), (1,),
              ulps=64, edges="nan"),
]  # fmt: skip

COMPARE = [
    *(
        _binary(f, name, dtypes, Domain(-3, 3, step=1), out="bool")
        for name, f, dtypes in (
            ("eq", np.equal, ANY),
            ("ne", np.not_equal, ANY),
            ("lt", np.less, (*REAL, *B)),
            ("le", np.less_equal, (*REAL, *B)),
            ("gt", np.greater, (*REAL, *B)),
            ("ge", np.greater_equal, (*REAL, *B)),
            ("logical_and", np.logical_and, ANY),
            ("logical_or", np.logical_or, ANY),
            ("logical_xor", np.logical_xor, ANY),
        )
    ),
    *(
        _binary(f, name, (*INT, *B), Domain(-9, 9))
        for name, f in (
            ("bitwise_and", np.bitwise_and),
            ("bitwise_or", np.bitwise_or),
            ("bitwise_xor", np.bitwise_xor),
        )
    ),
    _binary(np.left_shift, "shift_left", INT, Domain(0, 9), _SMALL),
    _binary(np.right_shift, "shift_right", INT, Domain(-99, 99), _SMALL),
]

_COND = Domain(dtype="bool")


def _clamp(x: Any, low: Any, high: Any) -> Any:
    return np.minimum(np.maximum(x, low), high)


def _three(a: Any, b: Any, c: Any) -> Any:
    return np.abs(a) + np.abs(b) * (1 + np.abs(c))


TERNARY = [
    Pointwise("where", np.where, ANY, (_COND, Domain(-9, 9), Domain(-9, 9)),
              ulps=0, large=True),
    Pointwise("clamp", _clamp, (*REAL, *B),
              (Domain(-9, 9), Domain(-4, 0), Domain(1, 4)), ulps=0, edges="nan"),
    Pointwise("lerp", lambda a, b, w: a + w * (b - a), SMOOTH, (Domain(),) * 3,
              edges="nan",
              scale=lambda a, b, w: (np.abs(a) + np.abs(b)) * (1 + np.abs(w)),
              ulps=8, scalar=False),
    Pointwise("addcmul", lambda a, b, c: a + 2 * b * c, NUMBER, (Domain(),) * 3,
              (2 + 0j,), edges="nan", ulps=8,
              scale=lambda a, b, c: np.abs(a) + 2 * np.abs(b * c),
              scalar=False),
    Pointwise("addcdiv", lambda a, b, c: a + 2 * b / c, SMOOTH,
              (Domain(), Domain(), _POSITIVE), (2 + 0j,), edges="nan",
              scale=lambda a, b, c: np.abs(a) + 2 * np.abs(b / c), ulps=8,
              scalar=False),
]  # fmt: skip

KERNELS = [
    row.kernel()
    for row in (
        *UNARY,
        *TESTS,
        *PARTS,
        *_made_complex(),
        *BINARY,
        *COMPARE,
        *TERNARY,
    )
]
