"""Samples of the pointwise ops: tables of names, domains and dtypes."""

from __future__ import annotations

from typing import Any

from ._sample import (
    ANY,
    BOOL,
    C128,
    F32,
    F64,
    FLOATS,
    I64,
    NUMBERS,
    REALS,
    SMOOTH,
    ErrorSample,
    Maker,
    Op,
    Sample,
)

_DTYPES: dict[str, tuple[Any, ...]] = {
    "f": FLOATS,
    "r": REALS,
    "n": NUMBERS,
    "s": SMOOTH,
    "a": ANY,
    "i": (I64,),
    "b": (I64, BOOL),
    "c": (F64, F32, I64, C128, BOOL),
}

# name, domain, dtypes (a letter of the above), then "-" without a gradient, "1" with
# one that is constant; the names after it are the same op's.
_UNARY = """
abs -2 2 n absolute
neg -2 2 n negative
positive -2 2 n
sign -2 2 r -
sgn -2 2 r -
sqrt 0.1 3 n
rsqrt 0.2 3 n
reciprocal 0.5 2 n
square -2 2 n
exp -2 2 n
exp2 -2 2 n
expm1 -2 2 r
log 0.2 3 n
log2 0.2 3 n
log10 0.2 3 n
log1p -0.8 3 r
sigmoid -3 3 r
sin -3 3 n
cos -3 3 n
tan -1.2 1.2 n
asin -0.9 0.9 r arcsin
acos -0.9 0.9 r arccos
atan -3 3 r arctan
sinh -2 2 n
cosh -2 2 n
tanh -2 2 n
asinh -3 3 r arcsinh
acosh 1.2 4 r arccosh
atanh -0.9 0.9 r arctanh
deg2rad -180 180 r
rad2deg -3 3 r
sinc -2 2 r
ceil -3 3 r -
floor -3 3 r -
round -3 3 r -
trunc -3 3 r - fix
frac 0.1 0.9 f
erf -2 2 r
erfc -2 2 r
erfinv -0.9 0.9 r
lgamma 0.3 4 r
digamma 0.3 4 r
i0 -3 3 r
special.i1 -3 3 r
special.i0e 0.2 3 r
special.i1e 0.2 3 r
special.ndtri 0.1 0.9 f
special.log_ndtr -2 2 r
relu -2 2 r
logical_not -2 2 c -
bitwise_not -9 9 b -
isnan -2 2 n -
isinf -2 2 n -
isfinite -2 2 n -
isposinf -2 2 r -
isneginf -2 2 r -
signbit -2 2 r -
conj_physical -2 2 n
angle 0.2 2 n 1
nn.logsigmoid -3 3 f
nn.relu -2 2 f
nn.silu -2 2 f
nn.mish -2 2 f
nn.hardswish -2 2 f
nn.hardsigmoid -2 2 f
nn.selu -2 2 f
nn.relu6 0.5 5 f
"""

_BINARY = """
mul -2 2 n multiply
true_divide 0.5 2 n
floor_divide 1 9 r -
fmod 1.1 1.9 f
remainder 1.1 1.9 f
atan2 0.2 2 r arctan2
hypot 0.2 2 f
copysign 0.2 2 r
nextafter -2 2 f -
logaddexp -2 2 f
logaddexp2 -2 2 f
heaviside -2 2 r -
xlogy 0.2 2 r
special.xlog1py 0.2 2 r
special.zeta 1.5 4 f -
igamma 0.5 3 f -
igammac 0.5 3 f -
gcd -9 9 i -
lcm -9 9 i -
maximum -2 2 r
minimum -2 2 r
fmax -2 2 r
fmin -2 2 r
eq -2 2 c -
ne -2 2 c - not_equal
lt -2 2 a - less
le -2 2 a - less_equal
gt -2 2 a - greater
ge -2 2 a - greater_equal
logical_and -2 2 c -
logical_or -2 2 c -
logical_xor -2 2 c -
bitwise_and -9 9 b -
bitwise_or -9 9 b -
bitwise_xor -9 9 b -
bitwise_left_shift 0 5 i -
bitwise_right_shift 0 5 i -
"""

_NUMPY = (
    "abs negative sign sqrt square exp exp2 expm1 log log2 log10 log1p sin cos tan "
    "arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh deg2rad rad2deg sinc "
    "ceil floor trunc isnan isinf isfinite signbit multiply true_divide fmod "
    "remainder arctan2 hypot copysign nextafter logaddexp logaddexp2 heaviside gcd "
    "lcm maximum minimum fmax fmin not_equal less less_equal greater greater_equal "
    "logical_and logical_or logical_xor logical_not bitwise_and bitwise_or "
    "bitwise_xor"
)


def _numpy(name: str) -> str | None:
    return name if name in _NUMPY.split() else None


def _unary(low: float, high: float) -> Any:
    def build(t: Maker) -> list[Sample]:
        return [
            Sample(t(2, 3, low=low, high=high)),
            Sample(t(5, low=low, high=high)),
            Sample(t(low=low, high=high)),
        ]

    return build


def _binary(low: float, high: float) -> Any:
    def build(t: Maker) -> list[Sample]:
        def x(*shape: int) -> Any:
            return t(*shape, low=low, high=high)

        return [Sample(x(2, 3), x(2, 3)), Sample(x(2, 3), x(3)), Sample(x(2, 1), x())]

    return build


def _mismatch(t: Maker) -> list[ErrorSample]:
    return [ErrorSample(RuntimeError, t(2, 3), t(2, 2))]


def _not_a_tensor(t: Maker) -> list[ErrorSample]:
    return [ErrorSample(TypeError, "x"), ErrorSample(TypeError)]


def _read(table: str, build: Any, errors: Any) -> list[Op]:
    made = []
    for line in table.strip().splitlines():
        name, low, high, letter, *rest = line.split()
        names = [name, *(n for n in rest if n not in "-1")]
        made += [
            Op(
                each,
                build(float(low), float(high)),
                _DTYPES[letter],
                grad="-" not in rest,
                gradgrad="1" not in rest,
                pointwise=True,
                numpy=_numpy(each),
                errors=errors,
            )
            for each in names
        ]
    return made


def _op(name: str, build: Any, dtypes: Any = FLOATS, **kwargs: Any) -> Op:
    return Op(name, build, dtypes, pointwise=kwargs.pop("pointwise", True), **kwargs)


def _with(*calls: Any) -> Any:
    """Calls of one tensor each: (extra arguments, keyword arguments)."""

    def build(t: Maker) -> list[Sample]:
        return [Sample(t(2, 3), *args, **kwargs) for args, kwargs in calls]

    return build


def _alpha(t: Maker) -> list[Sample]:
    return [
        Sample(t(2, 3), t(3)),
        Sample(t(2, 3), t(2, 1), alpha=3),
        Sample(t(2, 3), 2),
    ]


def _divide(t: Maker) -> list[Sample]:
    return [
        Sample(t(2, 3), t(3, low=1, high=3)),
        Sample(t(2, 3), 2),
        *(
            Sample(t.plain(2, 3, low=-9, high=9), t.plain(3, low=1, high=3), **mode)
            for mode in ({"rounding_mode": "floor"}, {"rounding_mode": "trunc"})
            if not t.dtype.is_complex
        ),
    ]


def _powers(t: Maker) -> list[Sample]:
    x = t(2, 3, low=0.5, high=2)
    return [Sample(x, t(3, low=1, high=3)), Sample(x, 2), Sample(2, t(3, low=0))]


def _clamps(one: bool) -> Any:
    def build(t: Maker) -> list[Sample]:
        x = t(2, 3)
        if one:
            return [Sample(x, 1), Sample(x, t(3))]
        return [
            Sample(x, -1, 1),
            Sample(x, max=1),
            Sample(x, t(3, low=-2, high=-1), t(2, 1, low=0, high=1)),
        ]

    return build


def _three(**scale: float) -> Any:
    def build(t: Maker) -> list[Sample]:
        denominators = t(3, low=1, high=2)
        return [
            Sample(t(2, 3), t(2, 3), denominators),
            Sample(t(2, 3), t(2, 1), denominators, **scale),
        ]

    return build


_MIXED = [
    _op("add", _alpha, NUMBERS, errors=_mismatch, numpy=None),
    *(_op(n, _alpha, NUMBERS, errors=_mismatch) for n in ("sub", "subtract", "rsub")),
    *(_op(n, _divide, NUMBERS, errors=_mismatch) for n in ("div", "divide")),
    _op("pow", _powers, REALS, errors=_mismatch),
    _op("float_power", _powers, FLOATS),
    _op("ldexp", lambda t: [Sample(t(2, 3), t.ints(2, 3, high=4))]),
    *(_op(n, _clamps(False), REALS) for n in ("clamp", "clip")),
    *(_op(n, _clamps(True), REALS) for n in ("clamp_min", "clamp_max")),
    _op("lerp", lambda t: [Sample(t(2, 3), t(3), 0.25), Sample(t(2), t(2), t(2))]),
    _op("addcmul", _three(value=0.5), errors=None),
    _op("addcdiv", _three(value=0.5), errors=None),
    _op("complex", lambda t: [Sample(t(2, 3), t(3))]),
    _op("polar", lambda t: [Sample(t(2, 3, low=0.5), t(2, 3))]),
    _op(
        "where",
        lambda t: [
            Sample(t.mask(2, 3), t(2, 3), t(3)),
            Sample(t.mask(2, 1), t(2, 3), 1.0),
        ],
        forms=False,
        numpy="where",
    ),
    _op(
        "masked_fill",
        lambda t: [Sample(t(2, 3), t.mask(3), 2), Sample(t(2), t.mask(2), t())],
        NUMBERS,
        pointwise=False,
        errors=lambda t: [ErrorSample(RuntimeError, t(2, 3), t.mask(2), 1)],
    ),
    _op(
        "polygamma",
        lambda t: [Sample(n, t(2, 3, low=0.5, high=3)) for n in (1, 2)],
        errors=lambda t: [ErrorSample(RuntimeError, -1, t(2))],
    ),
    _op("nn.gelu", _with(((), {}), ((), {"approximate": "tanh"}))),
    _op("nn.softplus", _with(((), {}), ((), {"beta": 2, "threshold": 3}))),
    _op("nn.elu", _with(((), {}), ((0.5,), {}))),
    _op("nn.celu", _with(((), {}), ((0.5,), {}))),
    _op("nn.leaky_relu", _with(((), {}), ((0.2,), {}))),
    _op("nn.hardtanh", _with(((), {}), ((-0.5, 0.7), {}))),
    *(
        _op(
            n, lambda t: [Sample(t(2, 3, 2), t(3)), Sample(t(4), t(1))], pointwise=False
        )
        for n in ("nn.prelu", "prelu")
    ),
    _op(
        "nn.gelu_backward",
        lambda t: [Sample(t(2, 3), t(2, 3), approximate=a) for a in ("none", "tanh")],
        oracle="ops.aten.gelu_backward",
        gradgrad=False,
    ),
    _op(
        "threshold_backward",
        lambda t: [Sample(t(2, 3), t.plain(2, 3), 0.5)],
        oracle="ops.aten.threshold_backward",
    ),
    _op(
        "sigmoid_backward",
        lambda t: [Sample(t(2, 3), t(2, 3, low=0.1, high=0.9))],
        oracle="ops.aten.sigmoid_backward",
    ),
    _op(
        "tanh_backward",
        lambda t: [Sample(t(2, 3), t(2, 3, low=-0.9, high=0.9))],
        oracle="ops.aten.tanh_backward",
    ),
    *(
        _op(n, lambda t: [Sample(t(2, 3))], NUMBERS, view=n == "positive")
        for n in ("conj", "resolve_conj", "resolve_neg")
    ),
]

OPS = [
    *_read(_UNARY, _unary, _not_a_tensor),
    *_read(_BINARY, _binary, _mismatch),
    *_MIXED,
]
