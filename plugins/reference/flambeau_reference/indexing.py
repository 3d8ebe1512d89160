"""Reading and writing at indices, and making sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .dtypes import ALL, INTEGRAL, inputs, store, widen

MODES = (None, np.add, np.multiply, np.maximum, np.minimum)


def check(index: Any, least: int, dim: int, size: int) -> None:
    """IndexError when an index is not in [least, size)."""
    bad = (index < least) | (index >= size)
    if bad.any():
        raise IndexError(
            f"index {index[bad].flat[0]} is out of bounds for dimension {dim} with "
            f"size {size}"
        )


def mesh(index: Any, dim: int, size: int) -> tuple[Any, ...]:
    """What to index an array with, so that `index` is used along `dim` and every other
    dimension follows index's own."""
    check(index, 0, dim, size)
    places = list(np.ogrid[tuple(slice(n) for n in index.shape)])
    places[dim] = index
    return tuple(places)


def write(out: Any, dtype: str, at: tuple[Any, ...], values: Any, mode: int) -> None:
    """out[at] op= values, one after the other where indices are equal."""
    operation = MODES[mode]
    if operation is None:
        out[at] = values
        return
    wide = widen(out, dtype)
    if wide is out:
        wide = out.copy()
    operation.at(wide, at, widen(values, dtype))
    store(out, dtype, wide)


# ---- along one dimension -------------------------------------------------------------
def gather(call: Any) -> None:
    out, a, index = map(np.atleast_1d, (*call.outputs, *call.inputs))
    dim = call.i(0)
    np.copyto(out, a[mesh(index, dim, a.shape[dim])])


def scatter(call: Any) -> None:
    out, index = map(np.atleast_1d, (call.outputs[0], call.inputs[0]))
    dim, source = call.i(0), call.inputs[1]
    if source.ndim:
        source = source[tuple(slice(n) for n in index.shape)]
    at = mesh(index, dim, out.shape[dim])
    write(out, call.dtypes[0], at, source, call.i(1))


# ---- at any dimensions ---------------------------------------------------------------
def addressed(view: Any, indices: Any, call: Any) -> tuple[Any, tuple[Any, ...]]:
    """The memory behind a view with stride 0 on the indexed dimensions: an array with
    those dimensions at its end, and what to index it with."""
    sizes, strides = call.ints(0), call.ints(1)
    for k, (index, size) in enumerate(zip(indices, sizes, strict=True)):
        check(index, -size, k, size)  # a negative one counts from the end, as in NumPy
    kept = [d for d, stride in enumerate(view.strides) if stride]
    memory = as_strided(
        view,
        (*(view.shape[d] for d in kept), *sizes),
        (*(view.strides[d] for d in kept), *(s * view.itemsize for s in strides)),
    )
    mesh = np.ogrid[tuple(slice(n) for n in view.shape)]
    return memory, (*(mesh[d] for d in kept), *indices)


def index(call: Any) -> None:
    if call.outputs[0].size:
        memory, at = addressed(call.inputs[0], call.inputs[1:], call)
        np.copyto(call.outputs[0], memory[at])


def index_put(call: Any) -> None:
    (*indices, values) = call.inputs
    if call.outputs[0].size:
        memory, at = addressed(call.outputs[0], indices, call)
        write(memory, call.dtypes[0], at, values, call.i(2))


# ---- counting and sequences ----------------------------------------------------------
def count_nonzero(call: Any) -> None:
    np.copyto(call.outputs[0], np.count_nonzero(inputs(call)[0]))


def iota(call: Any) -> None:
    out, dtype = call.outputs[0], call.dtypes[0]
    steps = np.arange(out.size)
    if dtype in INTEGRAL:
        start, step = np.array([call.i(0), call.i(1)])
        store(out, dtype, start + steps * step)
    else:
        store(out, dtype, call.c(0).real + steps * call.c(1).real)


KERNELS = {
    "gather": (gather, ALL),
    "scatter": (scatter, ALL),
    "index": (index, ALL),
    "index_put": (index_put, ALL),
    "count_nonzero": (count_nonzero, ALL),
    "iota": (iota, ALL),
}
