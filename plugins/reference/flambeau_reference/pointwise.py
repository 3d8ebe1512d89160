"""Pointwise kernels: the operands have the same sizes, NumPy does the loop.

A line of the tables is a name, a function of widened arrays, and the dtypes it takes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import special
from .dtypes import (
    ALL,
    COMPLEX,
    FLOATS,
    INEXACT,
    INTEGRAL,
    INTS,
    NUMBERS,
    ORDERED,
    REAL,
    inputs,
    store,
    widen,
)

Function = Callable[..., Any]


def elementwise(function: Function) -> Function:
    """A kernel that stores function(*inputs)."""

    def kernel(call: Any) -> None:
        dtypes = call.dtypes
        values = function(*map(widen, call.inputs, dtypes[1:]))
        store(call.outputs[0], dtypes[0], values)

    return kernel


# ---- conversion ----------------------------------------------------------------------
def copy(call: Any) -> None:
    """As a C cast does it: what is out of range gives what the processor gives."""
    (out,), (a,), (to, source) = call.outputs, call.inputs, call.dtypes
    if to == source:
        np.copyto(out, a)
        return
    a = widen(a, source)
    if source in COMPLEX and to not in COMPLEX and to != "bool":
        a = a.real
    if a.dtype.kind == "f" and to in ("uint8", "int8", "int16"):
        a = a.astype(np.int32)  # so that they wrap
    store(out, to, a)


# ---- functions of one operand --------------------------------------------------------
def floating(function: Function) -> Function:
    """For rounding, which leaves integers alone."""
    return lambda a: function(a) if a.dtype.kind == "f" else a


def relu(a: Any) -> Any:
    return np.where(a < 0, a.dtype.type(0), a)


def sigmoid(a: Any) -> Any:
    # The form whose exponential cannot overflow.
    e = np.exp(np.where(a.real < 0, a, -a))
    return np.where(a.real < 0, e, 1) / (1 + e)


def signbit(a: Any) -> Any:
    return np.signbit(a) if a.dtype.kind == "f" else a < 0


def frac(a: Any) -> Any:
    return a - np.trunc(a)


def angle(a: Any) -> Any:
    # np.angle of -0.0 is pi.
    return np.angle(a if a.dtype.kind == "c" else a + 0.0)


Table = dict[str, tuple[Function, tuple[str, ...]]]


def numpys(names: str, dtypes: tuple[str, ...]) -> Table:
    """Those that NumPy has by the same name."""
    return {name: (getattr(np, name), dtypes) for name in names.split()}


UNARY: Table = {
    "neg": (np.negative, NUMBERS),
    "sign": (lambda a: a if a.dtype.kind == "b" else np.sign(a), ORDERED),
    "sgn": (lambda a: a if a.dtype.kind == "b" else special.sgn(a), ALL),
    "relu": (relu, REAL),
    "ceil": (floating(np.ceil), REAL),
    "floor": (floating(np.floor), REAL),
    "round": (floating(np.rint), REAL),
    "trunc": (floating(np.trunc), REAL),
    "frac": (frac, FLOATS),
    "reciprocal": (lambda a: 1 / a, INEXACT),
    "rsqrt": (lambda a: 1 / np.sqrt(a), INEXACT),
    "sigmoid": (sigmoid, INEXACT),
    "bitwise_not": (np.invert, INTEGRAL),
    "expm1": (special.expm1, INEXACT),
    "log1p": (special.log1p, INEXACT),
    "erf": (special.erf, FLOATS),
    "erfc": (special.erfc, FLOATS),
    "erfinv": (special.erfinv, FLOATS),
    "lgamma": (special.lgamma, FLOATS),
    "digamma": (special.digamma, FLOATS),
    # Not primitives, but a line each.
    "ndtri": (special.ndtri, FLOATS),
    "angle": (angle, INEXACT),
    **numpys("abs square", NUMBERS),
    **numpys("sqrt exp exp2 log log2 log10 sin cos tan sinh cosh tanh", INEXACT),
    **numpys("asin acos atan asinh acosh atanh real imag", INEXACT),
    **numpys("conj", COMPLEX),
    **numpys("i0 sinc", FLOATS),
}

TESTS: Table = {
    "isposinf": (lambda a: a == np.inf, REAL),
    "isneginf": (lambda a: a == -np.inf, REAL),
    "signbit": (signbit, REAL),
    "eq": (np.equal, ALL),
    "ne": (np.not_equal, ALL),
    "lt": (np.less, ORDERED),
    "le": (np.less_equal, ORDERED),
    "gt": (np.greater, ORDERED),
    "ge": (np.greater_equal, ORDERED),
    **numpys("isnan isinf isfinite", ALL),
    **numpys("logical_not logical_and logical_or logical_xor", ALL),
}


# ---- functions of two operands -------------------------------------------------------
def or_bool(function: Function, on_bool: Function) -> Function:
    """For arithmetic that NumPy does not do on bools."""
    return lambda a, b: (on_bool if a.dtype.kind == "b" else function)(a, b)


def dividing(function: Function) -> Function:
    """For division of integers, where a zero divisor is an error."""

    def divide(a: Any, b: Any) -> Any:
        if a.dtype.kind != "f" and not b.all():
            raise ZeroDivisionError("integer division by zero")
        if a.dtype.kind == "b":
            a, b = a.view(np.uint8), b.view(np.uint8)
        return function(a, b)

    return divide


def power(a: Any, b: Any) -> Any:
    if a.dtype.kind in "fc":
        return np.power(a, b)
    if a.dtype.kind == "b":
        return a | ~b
    # 1 and -1 have powers with negative exponents; of other integers they are cut to 0.
    odd = np.where(b & 1, a, a.dtype.type(1))
    return np.where(
        b >= 0, np.power(a, np.maximum(b, 0)), np.where(abs(a) == 1, odd, 0)
    )


def integer_quotient(a: Any, b: Any) -> Any:
    """Towards zero; the least integer by -1 wraps."""
    q = np.floor_divide(a, b)
    return q + ((q * b != a) & ((a < 0) != (b < 0)))


BINARY: Table = {
    "add": (np.add, ALL),
    "sub": (or_bool(np.subtract, np.logical_xor), ALL),
    "mul": (np.multiply, ALL),
    "div": (np.true_divide, INEXACT),
    "pow": (power, ALL),
    "fmod": (dividing(np.fmod), ORDERED),
    "remainder": (dividing(np.remainder), ORDERED),
    "div_floor": (dividing(np.floor_divide), ORDERED),
    "shift_left": (np.left_shift, INTS),
    "shift_right": (np.right_shift, INTS),
    **numpys("maximum minimum", ORDERED),
    **numpys("atan2", FLOATS),
    **numpys("bitwise_and bitwise_or bitwise_xor", INTEGRAL),
    # Not primitives, but a line each.
    "ldexp": (lambda a, b: a * np.exp2(b), FLOATS),
    "xlogy": (special.xlogy, FLOATS),
    "xlog1py": (special.xlog1py, FLOATS),
    "make_complex": (special.joined, ("float32", "float64")),
    "polar": (special.polar, ("float32", "float64")),
    **numpys("fmax fmin", ORDERED),
    **numpys("heaviside", REAL),
    **numpys("hypot copysign logaddexp logaddexp2", FLOATS),
    **numpys("gcd lcm", INTS),
}

KERNELS: Table = {
    name: (elementwise(function), dtypes)
    for name, (function, dtypes) in (UNARY | TESTS | BINARY).items()
}


def where(call: Any) -> None:
    """Moves elements as they are, so bfloat16 needs no widening."""
    condition, a, b = call.inputs
    np.copyto(call.outputs[0], np.where(condition, a, b))


def add_scaled(call: Any) -> None:
    (a, b), alpha = inputs(call), call.c(0)
    if a.dtype.kind == "b":
        values = a | b if alpha else a
    else:
        values = a + b * a.dtype.type(alpha if a.dtype.kind == "c" else alpha.real)
    store(call.outputs[0], call.dtypes[0], values)


def round_decimals(call: Any) -> None:
    (a,), decimals = inputs(call), call.i(0)
    ten = 10.0 ** abs(decimals)
    values = np.rint(a * ten) / ten if decimals >= 0 else np.rint(a / ten) * ten
    store(call.outputs[0], call.dtypes[0], values)


def div_trunc(call: Any) -> None:
    """What is cut is the quotient as the device's users see it: of at least float32."""
    a, b = inputs(call)
    if a.dtype.kind != "f":
        values = dividing(integer_quotient)(a, b)
    else:
        values = a / b
        if call.dtypes[0] != "float64":
            values = values.astype(np.float32)
        values = np.trunc(values)
    store(call.outputs[0], call.dtypes[0], values)


def nextafter(call: Any) -> None:
    """In the dtype's own precision."""
    np.nextafter(*call.inputs, out=call.outputs[0])


KERNELS |= {
    "copy": (copy, ALL),
    "fill": (copy, ALL),
    "where": (where, ALL),
    "div_trunc": (div_trunc, ORDERED),
    "add_scaled": (add_scaled, ALL),
    "round_decimals": (round_decimals, FLOATS),
    "nextafter": (nextafter, ("float32", "float64")),
}
