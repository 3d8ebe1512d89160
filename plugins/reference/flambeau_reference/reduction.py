"""Reductions, and what runs along one dimension: scans, extremes, sort."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .dtypes import ALL, FLOATS, NUMBERS, ORDERED, inputs, store

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
def along(function: Function) -> Function:
    """A kernel that stores function(input, dim), one array for each output."""

    def kernel(call: Any) -> None:
        values = function(inputs(call)[0], call.i(0))
        for out, dtype, value in zip(call.outputs, call.dtypes, values, strict=False):
            store(out, dtype, value)

    return kernel


def running(name: str) -> Function:
    """cummax and cummin: of equal elements the last, and NaN from the first one on."""
    extreme = getattr(np, name)

    def scan(a: Any, dim: int) -> tuple[Any, Any]:
        values = extreme.accumulate(a, axis=dim)
        shape = [-1 if d == dim else 1 for d in range(a.ndim)]
        at = np.arange(a.shape[dim]).reshape(shape)
        here = np.where((a == values) | (a != a), at, 0)
        return values, np.maximum.accumulate(here, axis=dim)

    return scan


def sort(call: Any) -> None:
    """Stable, NaN the largest; descending is ascending seen from behind."""
    dim, backwards = call.i(0), call.i(1)
    a = inputs(call)[0]
    if backwards:
        a = np.flip(a, dim)
    order = np.argsort(a, axis=dim, kind="stable")
    if backwards:
        order = a.shape[dim] - 1 - np.flip(order, dim)
    np.copyto(call.outputs[0], np.take_along_axis(call.inputs[0], order, dim))
    np.copyto(call.outputs[1], order)


KERNELS: dict[str, tuple[Function, tuple[str, ...]]] = {
    "sum": (reduction(lambda a, axes: np.sum(a, axis=axes)), ALL),
    "prod": (reduction(lambda a, axes: np.prod(a, axis=axes)), ALL),
    "amax": (reduction(lambda a, axes: np.max(a, axis=axes)), ORDERED),
    "amin": (reduction(lambda a, axes: np.min(a, axis=axes)), ORDERED),
    "any": (reduction(lambda a, axes: np.any(a, axis=axes)), ALL),
    "all": (reduction(lambda a, axes: np.all(a, axis=axes)), ALL),
    "cumsum": (along(lambda a, d: [np.cumsum(a, axis=d)]), NUMBERS),
    "cumprod": (along(lambda a, d: [np.cumprod(a, axis=d)]), NUMBERS),
    "argmax": (along(lambda a, d: [np.argmax(a, axis=d, keepdims=True)]), ORDERED),
    "argmin": (along(lambda a, d: [np.argmin(a, axis=d, keepdims=True)]), ORDERED),
    "sort": (sort, ORDERED),
    # Not primitives, but short.
    "cummax": (along(running("maximum")), ORDERED),
    "cummin": (along(running("minimum")), ORDERED),
    "logcumsumexp": (along(lambda a, d: [np.logaddexp.accumulate(a, d)]), FLOATS),
}
