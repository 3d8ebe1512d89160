"""Reductions, and what runs along one dimension: scans, extremes, sort."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .dtypes import ALL, NUMBERS, ORDERED, inputs, store

Function = Callable[..., Any]


# ---- over the dimensions where the output has stride 0 -------------------------------
def reduced(out: Any) -> tuple[tuple[int, ...], Any]:
    """Those dimensions, and the output without them."""
    axes = tuple(d for d, stride in enumerate(out.strides) if stride == 0)
    if out.size:
        return axes, out[(*(slice(None) if s else 0 for s in out.strides), ...)]
    kept = [(n, s) for n, s in zip(out.shape, out.strides, strict=True) if s]
    return axes, as_strided(out, [n for n, _ in kept], [s for _, s in kept])


def reduction(function: Function) -> Function:
    """A kernel that stores function(input, dimensions)."""

    def kernel(call: Any) -> None:
        axes, out = reduced(call.outputs[0])
        store(out, call.dtypes[0], function(inputs(call)[0], axes))

    return kernel


# ---- along one dimension, the first attribute ----------------------------------------
def along(function: Function, **options: Any) -> Function:
    """A kernel that stores function(input, dim)."""

    def kernel(call: Any) -> None:
        values = function(inputs(call)[0], call.i(0), **options)
        store(call.outputs[0], call.dtypes[0], values)

    return kernel


def sort(call: Any) -> None:
    """Stable, NaN the largest; descending is ascending seen from behind."""
    dim, backwards = call.i(0), call.i(1)
    a = np.atleast_1d(inputs(call)[0])
    if backwards:
        a = np.flip(a, dim)
    order = np.argsort(a, axis=dim, kind="stable")
    if backwards:
        order = a.shape[dim] - 1 - np.flip(order, dim)
    values, indices = call.outputs
    values[...] = np.take_along_axis(np.atleast_1d(call.inputs[0]), order, dim)
    indices[...] = order


KERNELS: dict[str, tuple[Function, tuple[str, ...]]] = {
    "sum": (reduction(np.sum), ALL),
    "prod": (reduction(np.prod), ALL),
    "amax": (reduction(np.max), ORDERED),
    "amin": (reduction(np.min), ORDERED),
    "any": (reduction(np.any), ALL),
    "all": (reduction(np.all), ALL),
    "cumsum": (along(np.cumsum), NUMBERS),
    "cumprod": (along(np.cumprod), NUMBERS),
    "argmax": (along(np.argmax, keepdims=True), ORDERED),
    "argmin": (along(np.argmin, keepdims=True), ORDERED),
    "sort": (sort, ORDERED),
}
