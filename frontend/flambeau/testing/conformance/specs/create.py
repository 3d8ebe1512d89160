"""Kernels that make or count elements: copies with casts, fills, sequences, masks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .._call import Call, Kernel
from .._operand import (
    COMPLEX,
    DTYPES,
    FLOATS,
    INTEGERS,
    Array,
    draw,
    encode,
    lay,
    room,
    widen,
)

ANY = DTYPES
I64 = "int64"


def _cast(x: Array, dtype: str) -> Array:
    """C's conversion; to bool, what is not 0; to real numbers, the real part."""
    if dtype == "bool":
        return np.asarray(x != 0)
    if x.dtype.kind == "c" and dtype not in COMPLEX:
        x = x.real
    return widen(encode(x, dtype), dtype)


def _copy(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    for to in DTYPES:
        unsigned = to == "uint8" and dtype in (*FLOATS, *COMPLEX)
        low = 0.0 if unsigned else -4.0  # what C leaves open is not asked for
        for one, other in (
            ("dense", "dense"),
            ("transposed", "stepped"),
            ("stepped", "transposed"),
        ):
            x = draw(rng, dtype, (5, 7), low, 4)
            yield Call(
                f"to {to}, {one} to {other}",
                "copy",
                [room((5, 7), to, other)],
                [lay(x, dtype, one)],
                [_cast(x, to)],
                (),
                0.0,
            )
    x = draw(rng, dtype, (70_003,), 0, 4)
    yield Call("large", "copy", [room(x.shape, dtype)], [lay(x, dtype)], [x], (), 0.0)
    for label, shape in (("no elements", (0, 3)), ("no dimensions", ())):
        x = draw(rng, dtype, shape, 0, 4)
        yield Call(
            label,
            "copy",
            [room(shape, dtype)],
            [lay(x, dtype)],
            [x],
            (),
            0.0,
            iterate=True,
        )
    x = draw(rng, dtype, (4, 1, 3), 0, 4)
    wanted = np.broadcast_to(x, (4, 5, 3))
    yield Call(
        "broadcast",
        "copy",
        [room((4, 5, 3), dtype)],
        [lay(x, dtype)],
        [wanted],
        (),
        0.0,
        iterate=True,
    )
    if dtype in FLOATS:
        special = np.array([np.nan, np.inf, -np.inf, 0.0, 1.0])
        yield Call(
            "special values",
            "copy",
            [room((5,), dtype)],
            [lay(special, dtype)],
            [special],
            (),
            0.0,
        )
        yield Call(
            "special values to bool",
            "copy",
            [room((5,), "bool")],
            [lay(special, dtype)],
            [special != 0],
            (),
            0.0,
        )


def _fill(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    value: Any = draw(rng, dtype, (), 1, 4)[()].item()
    for shape, layout in (
        ((263,), "dense"),
        ((70_003,), "dense"),
        ((5, 7), "transposed"),
        ((4, 3, 5), "stepped"),
        ((0,), "dense"),
        ((), "dense"),
    ):
        label = f"{'x'.join(map(str, shape)) or 'no dimensions'}, {layout}"
        yield Call(
            label,
            "fill",
            [room(shape, dtype, layout)],
            [value],
            [np.full(shape, value)],
            (),
            0.0,
            iterate=shape == (),
        )
    if dtype in FLOATS:
        for value in (float("nan"), float("inf")):
            yield Call(
                f"with {value}",
                "fill",
                [room((5,), dtype)],
                [value],
                [np.full(5, value)],
                (),
                0.0,
            )


def _iota(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    whole = dtype in INTEGERS
    for n, layout in ((0, "dense"), (1, "dense"), (37, "dense"), (37, "stepped")):
        attrs = (3, 2) if whole else (complex(-3), complex(0.5))
        wanted = 3 + 2 * np.arange(n) if whole else -3 + 0.5 * np.arange(n)
        yield Call(
            f"{n} elements, {layout}",
            "iota",
            [room((n,), dtype, layout)],
            [],
            [wanted],
            attrs,
            0.0,
        )


def _linspace(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    for n in (0, 1, 2, 11, 100):
        yield Call(
            f"{n} elements",
            "linspace",
            [room((n,), dtype)],
            [],
            [np.linspace(-1.5, 2.5, n)],
            (-1.5, 2.5),
            2.0,
            2.0,
        )


def _sparse(rng: np.random.Generator, dtype: str, shape: tuple[int, ...]) -> Array:
    x = draw(rng, dtype, shape, 1, 4)
    return np.where(rng.random(shape) < 0.6, np.zeros_like(x), x)


def _count_nonzero(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    for shape, layout in (
        ((263,), "dense"),
        ((6, 35), "transposed"),
        ((4, 5, 6), "stepped"),
        ((0, 3), "dense"),
        ((), "dense"),
        ((70_003,), "dense"),
    ):
        x = np.asarray(_sparse(rng, dtype, shape))
        yield Call(
            f"{'x'.join(map(str, shape))}, {layout}",
            "count_nonzero",
            [room((), I64)],
            [lay(x, dtype, layout)],
            [np.array(np.count_nonzero(x))],
        )


def _nonzero(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    for shape, layout in (
        ((37,), "dense"),
        ((6, 35), "transposed"),
        ((4, 5, 6), "stepped"),
    ):
        x = _sparse(rng, dtype, shape)
        wanted = np.argwhere(x)
        yield Call(
            f"{'x'.join(map(str, shape))}, {layout}",
            "nonzero",
            [room(wanted.shape, I64)],
            [lay(x, dtype, layout)],
            [wanted],
        )


def _masked_select(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    for layout in ("dense", "transposed", "stepped"):
        x, mask = draw(rng, dtype, (6, 35), 0, 4), draw(rng, "bool", (6, 35))
        yield Call(
            layout,
            "masked_select",
            [room((int(mask.sum()),), dtype)],
            [lay(x, dtype, layout), lay(mask, "bool", layout)],
            [x[mask]],
            (),
            0.0,
        )


def _masked_scatter(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    for layout in ("dense", "transposed"):
        x, mask = draw(rng, dtype, (6, 35), 0, 4), draw(rng, "bool", (6, 35))
        source = draw(rng, dtype, (210,), 0, 4)
        wanted = x.copy()
        wanted[mask] = source[: mask.sum()]
        yield Call(
            layout,
            "masked_scatter",
            [lay(x, dtype, layout)],
            [lay(mask, "bool"), lay(source, dtype)],
            [wanted],
            (),
            0.0,
        )


def _bincount(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    for n in (0, 3, 300):
        x = rng.integers(0, 10, n)
        yield Call(
            f"{n} elements",
            "bincount",
            [room((12,), I64)],
            [lay(x, I64)],
            [np.bincount(x, minlength=12)],
        )
    weights = np.round(draw(rng, "float64", (n,), 0, 4))
    yield Call(
        "weights",
        "bincount",
        [room((12,), "float64")],
        [lay(x, I64), lay(weights, "float64")],
        [np.bincount(x, weights, minlength=12)],
    )


def _histc(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    for layout in ("dense", "transposed"):
        # In the middles of bins, so that no edge hangs on rounding.
        x = rng.integers(-20, 20, (6, 35)) / 2 + 0.25
        wanted = np.histogram(x, 16, (-8, 8))[0]
        yield Call(
            layout,
            "histc",
            [room((16,), dtype)],
            [lay(x, dtype, layout)],
            [wanted],
            (-8.0, 8.0),
            0.0,
        )


KERNELS = [
    Kernel("copy", "copy", ANY, _copy),
    Kernel("fill", "copy", ANY, _fill),
    Kernel("iota", "create", (*INTEGERS, *FLOATS), _iota),
    Kernel("linspace", "create", FLOATS, _linspace),
    Kernel("count_nonzero", "create", ANY, _count_nonzero),
    Kernel("nonzero", "create", ANY, _nonzero),
    Kernel("masked_select", "create", ANY, _masked_select),
    Kernel("masked_scatter", "create", ANY, _masked_scatter),
    Kernel("bincount", "create", (I64,), _bincount),
    Kernel("histc", "create", ("float32", "float64"), _histc),
]
