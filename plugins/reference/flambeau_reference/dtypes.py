"""The data types: groups of names, widening to the precision that kernels compute in,
and rounding back.

Kernels see bfloat16 as its bits in uint16; everything else is a NumPy dtype.
"""

from __future__ import annotations

from typing import Any

import numpy as np

BOOL = ("bool",)
INTS = ("uint8", "int8", "int16", "int32", "int64")
FLOATS = ("float16", "bfloat16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
INEXACT = FLOATS + COMPLEX
INTEGRAL = BOOL + INTS
REAL = INTS + FLOATS
ORDERED = BOOL + REAL
NUMBERS = REAL + COMPLEX
ALL = BOOL + NUMBERS

# What is computed in. Integers stay as they are: they wrap around in their own width.
WIDER = {
    "float16": np.dtype("float64"),
    "float32": np.dtype("float64"),
    "complex64": np.dtype("complex128"),
}


def from_bfloat16(bits: Any) -> Any:
    """Float64 values of bfloat16 bits."""
    return (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64)


def to_bfloat16(values: Any) -> Any:
    """Bits of the nearest bfloat16 values, ties to even; NaN stays NaN."""
    wide = np.asarray(values, np.float64)
    # Through float32 rounded to odd: what was cut off stays visible in the last bit, so
    # that rounding twice gives what rounding once would.
    near = np.asarray(wide.astype(np.float32))
    bits = near.view(np.uint32) - (np.abs(near) > np.abs(wide))
    bits = bits | (near != wide)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(wide), bits >> 16 | 0x40, rounded).astype(np.uint16)


def widen(operand: Any, dtype: str) -> Any:
    """An operand in the precision that kernels compute in; None stays None."""
    if dtype in WIDER:
        return operand.astype(WIDER[dtype])
    return from_bfloat16(operand) if dtype == "bfloat16" else operand


def inputs(call: Any) -> list[Any]:
    """All inputs of a call, widened."""
    return [*map(widen, call.inputs, call.dtypes[len(call.outputs) :])]


def store(out: Any, dtype: str, values: Any) -> None:
    """Write values to an output, rounded to its dtype."""
    out[...] = to_bfloat16(values) if dtype == "bfloat16" else np.asarray(values)
