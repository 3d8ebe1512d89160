"""Agreement of a kernel's output with the oracle's: within ulps of the dtype, NaN with
NaN, infinity with infinity."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._operand import Array

# The spacing of numbers at 1.
EPS = {
    "float16": 2.0**-10,
    "bfloat16": 2.0**-7,
    "float32": 2.0**-23,
    "float64": 2.0**-52,
    "complex64": 2.0**-22,
    "complex128": 2.0**-51,
}
_LARGEST = {"float16": 65504.0, "bfloat16": 3.3895313892515355e38}
# Numbers below are subnormal, and a device may take them for zero.
_SMALLEST = {"float16": 2.0**-14, "float64": 2.0**-1022, "complex128": 2.0**-1022}


def largest(dtype: str) -> float:
    """The largest finite number of a dtype."""
    single = dtype in ("float32", "complex64")
    return _LARGEST.get(dtype, float(np.finfo("f4" if single else "f8").max))


def agreement(
    got: Array, wanted: Array, dtype: str, ulps: float, scale: Any = 0.0
) -> Array:
    """Where `got` is right: within `ulps` of the wanted value or, where terms cancel,
    of `scale`, the size of what was added up."""
    if dtype not in EPS:
        return np.asarray(got == wanted)
    with np.errstate(all="ignore"):
        magnitude = np.maximum(np.abs(wanted), scale)
        limit = EPS[dtype] * ulps * magnitude + _SMALLEST.get(dtype, 2.0**-126)
        near = np.abs(got - wanted) <= limit
        if np.iscomplexobj(wanted):
            # Signs and NaNs of complex infinities differ between libraries.
            return np.asarray(near | ~np.isfinite(wanted))
        alike = (np.isnan(got) & np.isnan(wanted)) | (got == wanted)
        over = np.abs(wanted) > largest(dtype) * (1 - EPS[dtype] * ulps)
        overflown = over & np.isinf(got) & (np.sign(got) == np.sign(wanted))
        near &= np.isfinite(wanted)
        return np.asarray(near | alike | overflown)


def check(
    what: str,
    got: Array,
    wanted: Any,
    dtype: str,
    ulps: float = 4.0,
    scale: Any = 0.0,
) -> None:
    """AssertionError that names the worst place unless all agree."""
    wanted = np.broadcast_to(np.asarray(wanted), got.shape)
    scale = np.broadcast_to(np.asarray(scale), got.shape)
    right = agreement(got, wanted, dtype, ulps, scale)
    if right.all():
        return
    wrong = np.argwhere(~right)
    at = tuple(int(i) for i in wrong[0])
    raise AssertionError(
        f"{what}: {len(wrong)} of {got.size} elements are wrong, first at {at}: "
        f"expected {wanted[at]!r}, got {got[at]!r}"
    )
