"""Gather, scatter and indexing, sequences of numbers, joining and turning."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .._call import Call, Kernel
from .._operand import (
    COMPLEX,
    FLOATS,
    INTEGERS,
    Array,
    Operand,
    draw,
    encode,
    lay,
    room,
    widen,
)

ANY = ("bool", *INTEGERS, *FLOATS, *COMPLEX)
NUMBERS = ANY[1:]
I64 = "int64"


def _values(rng: np.random.Generator, dtype: str, shape: Sequence[int]) -> Array:
    """Whole numbers, whose sums every dtype holds."""
    x = draw(rng, dtype, shape, 0, 4)
    return x if x.dtype.kind == "b" else np.round(x)


def _copied(values: Array, dtype: str, layout: str = "dense") -> Operand:
    """An output that is also read: it starts with these values."""
    return lay(values, dtype, layout)


def _move(
    name: str,
    label: str,
    out: tuple[Array, str, str],
    ins: Sequence[Any],
    *attrs: Any,
) -> Call:
    """A call that moves values: it must be exact. `out`: (wanted, dtype, layout)."""
    wanted, dtype, layout = out
    given = [x if x is None or isinstance(x, Operand) else lay(x, I64) for x in ins]
    target = room(np.shape(wanted), dtype, layout)
    return Call(label, name, [target], given, [wanted], attrs, 0.0)


def _layouts() -> Iterator[tuple[str, str]]:
    yield from (
        ("dense", "dense"),
        ("transposed", "stepped"),
        ("stepped", "transposed"),
    )


def _gather(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    for one, other in _layouts():
        for dim in range(3):
            shape = [4, 5, 6]
            x = _values(rng, dtype, shape)
            shape[dim] = 9
            index = rng.integers(0, x.shape[dim], shape)
            wanted = np.take_along_axis(x, index, dim)
            ins = (lay(x, dtype, one), lay(index, I64, other))
            label = f"dimension {dim}, {one} to {other}"
            yield _move("gather", label, (wanted, dtype, other), ins, dim)
    x = _values(rng, dtype, (4, 5))
    few = np.array([[4], [0]])
    wanted = np.take_along_axis(x[:2], few, 1)
    yield _move("gather", "a part", (wanted, dtype, "dense"), (lay(x, dtype), few), 1)
    none = np.empty((0, 5), np.int64)
    yield _move(
        "gather", "no indices", (x[:0], dtype, "dense"), (lay(x, dtype), none), 0
    )
    bad = _move(
        "gather",
        "index too large",
        (x[:, :1], dtype, "dense"),
        (lay(x, dtype), np.full((4, 1), 5)),
        1,
    )
    bad.raises = (IndexError, "index")
    yield bad


_MODES = ("set", "add", "multiply", "amax", "amin")


def _scattered(x: Array, index: Array, src: Array, dim: int, mode: int) -> Array:
    out = x.copy()
    combine: list[Callable[[Any, Any], Any]] = [
        lambda a, b: b,
        lambda a, b: a + b,
        lambda a, b: a * b,
        np.maximum,
        np.minimum,
    ]
    for at in np.ndindex(index.shape):
        to = (*at[:dim], int(index[at]), *at[dim + 1 :])
        out[to] = combine[mode](out[to], src[at])
    return out


def _scatter(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    modes = [m for m in range(5) if m < 3 or dtype not in COMPLEX]
    for mode in modes if dtype != "bool" else [0]:
        for dim, (one, other) in (
            (0, ("dense", "transposed")),
            (1, ("stepped", "dense")),
        ):
            x = _values(rng, dtype, (5, 6))
            # Without repetitions: which of equal indices is set last has no order.
            index = np.argsort(rng.random((5, 6)), axis=dim)
            if mode:
                index = rng.integers(0, x.shape[dim], (5, 6))
            src = np.minimum(_values(rng, dtype, (5, 6)).real, 2).astype(x.dtype)
            wanted = _scattered(x, index, src, dim, mode)
            yield Call(
                f"{_MODES[mode]}, dimension {dim}, {one}",
                "scatter",
                [_copied(x, dtype, one)],
                [lay(index, I64, other), lay(src, dtype, other)],
                [widen(encode(wanted, dtype), dtype)],
                (dim, mode),
                2.0,
            )
    x = _values(rng, dtype, (5, 6))
    index = np.array([[5], [0], [2]])
    wanted = _scattered(x, index, np.ones((3, 1), x.dtype), 1, 0)
    yield Call(
        "a host scalar",
        "scatter",
        [_copied(x, dtype)],
        [lay(index, I64), 1],
        [wanted],
        (1, 0),
        0.0,
    )


def _index_select(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    for one, other in _layouts():
        for dim in (0, 1):
            x = _values(rng, dtype, (5, 6))
            index = rng.integers(0, x.shape[dim], 9)
            out = (np.take(x, index, dim), dtype, other)
            ins = (lay(x, dtype, one), index)
            yield _move(
                "index_select", f"dimension {dim}, {one} to {other}", out, ins, dim
            )


def _index_add(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    for dim, layout in ((0, "dense"), (1, "stepped")):
        x = _values(rng, dtype, (5, 6))
        index = rng.integers(0, x.shape[dim], 7)
        shape = [5, 6]
        shape[dim] = 7
        src = _values(rng, dtype, shape)
        wanted = x.copy()
        key: tuple[Any, ...] = (index,) if dim == 0 else (slice(None), index)
        np.add.at(wanted, key, 2 * src)
        yield Call(
            f"dimension {dim}, {layout}",
            "index_add",
            [_copied(x, dtype, layout)],
            [lay(index, I64), lay(src, dtype)],
            [widen(encode(wanted, dtype), dtype)],
            (dim, 2.0),
            2.0,
        )


def _indexed(x: Operand, count: int, shape: Sequence[int]) -> tuple[Operand, Any, Any]:
    """The operand with stride 0 on its first `count` dimensions, as `index` takes it:
    (view, sizes, strides) of the indexed dimensions."""
    rest, strides = x.shape[count:], x.strides[count:]
    view = Operand(
        x.block, x.dtype, (*shape, *rest), (*(0 for _ in shape), *strides), x.offset
    )
    return view, list(x.shape[:count]), list(x.strides[:count])


def _spread(index: Array, rest: int, shape: Sequence[int]) -> Operand:
    """An index, broadcast over the dimensions that are not indexed."""
    laid = lay(index.reshape(*index.shape, *[1] * rest), I64)
    return laid.expanded(shape)


def _index(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    for layout in ("dense", "transposed", "stepped"):
        x = _values(rng, dtype, (5, 6, 3))
        i, j = rng.integers(-5, 5, (2, 4)), rng.integers(-6, 6, (2, 4))
        for keys in ((i,), (i, j)):
            n = len(keys)
            wanted = x[keys]
            view, sizes, strides = _indexed(lay(x, dtype, layout), n, (2, 4))
            ins = [view, *(_spread(k, 3 - n, wanted.shape) for k in keys)]
            out = (wanted, dtype, "dense")
            yield _move("index", f"{n} indices, {layout}", out, ins, sizes, strides)
    for wrong in (5, -6):
        view, sizes, strides = _indexed(lay(x, dtype), 1, (2,))
        ins = [view, _spread(np.array([0, wrong]), 2, (2, 6, 3))]
        call = _move(
            "index", f"index {wrong}", (x[:2], dtype, "dense"), ins, sizes, strides
        )
        call.raises = (IndexError, "index")
        yield call


def _index_put(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    for layout in ("dense", "transposed"):
        for accumulate in (0, 1) if dtype != "bool" else (0,):
            x = _values(rng, dtype, (5, 6, 3))
            rows = rng.permutation(5)[:4] - 5
            if accumulate:
                rows = rng.integers(-5, 5, 4)
            values = _values(rng, dtype, (4, 6, 3))
            wanted = x.copy()
            if accumulate:
                np.add.at(wanted, rows, values)
            else:
                wanted[rows] = values
            whole = _copied(x, dtype, layout)
            view, sizes, strides = _indexed(whole, 1, (4,))
            yield Call(
                f"{'accumulate' if accumulate else 'set'}, {layout}",
                "index_put",
                [view],
                [_spread(rows, 2, (4, 6, 3)), lay(values, dtype)],
                [widen(encode(wanted, dtype), dtype)],
                (sizes, strides, accumulate),
                2.0,
                checked=[whole],
            )


def _embedding(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    table = _values(rng, dtype, (9, 7))
    for shape in ((13,), (2, 3), (0,)):
        index = rng.integers(0, 9, shape)
        yield _move(
            "embedding",
            f"indices {shape}",
            (table[index], dtype, "dense"),
            (lay(table, dtype), index),
        )


def _embedding_backward(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    for padding in (-1, 3):
        index = rng.integers(0, 9, (2, 6))
        g = _values(rng, dtype, (2, 6, 7))
        wanted = np.zeros((9, 7), g.dtype)
        np.add.at(wanted, index[index != padding], g[index != padding])
        yield Call(
            f"padding {padding}",
            "embedding_backward",
            [room((9, 7), dtype)],
            [lay(g, dtype), lay(index, I64)],
            [wanted],
            (padding,),
            2.0,
        )


def _cat(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    for dim, layout in ((0, "dense"), (1, "stepped"), (1, "transposed")):
        shapes = [[4, 5] for _ in range(3)]
        for shape, n in zip(shapes, (1, 0, 6), strict=True):
            shape[dim] = n
        parts = [_values(rng, dtype, s) for s in shapes]
        ins = [lay(p, dtype, layout) for p in parts]
        out = (np.concatenate(parts, dim), dtype, layout)
        yield _move("cat", f"dimension {dim}, {layout}", out, ins, dim)


def _turned(name: str, oracle: Callable[[Array], Array], *attrs: Any) -> Any:
    def calls(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
        for one, other in _layouts():
            x = _values(rng, dtype, (4, 5, 6))
            out = (oracle(x), dtype, other)
            yield _move(name, f"{one} to {other}", out, [lay(x, dtype, one)], *attrs)

    return calls


def _searchsorted(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    for right in (0, 1):
        rows = np.sort(_values(rng, dtype, (3, 7)), 1)
        x = _values(rng, dtype, (3, 5))
        side: Any = "right" if right else "left"
        wanted = np.stack(
            [np.searchsorted(a, b, side) for a, b in zip(rows, x, strict=True)]
        )
        for out in ("int64", "int32"):
            yield _move(
                "searchsorted",
                f"{side} to {out}",
                (wanted, out, "dense"),
                (lay(rows, dtype), lay(x, dtype)),
                right,
            )


_REAL = ("bool", *INTEGERS, *FLOATS)

KERNELS = [
    Kernel("gather", "index", ANY, _gather),
    Kernel("scatter", "index", ANY, _scatter),
    Kernel("index_select", "index", ANY, _index_select),
    Kernel("index_add", "index", NUMBERS, _index_add),
    Kernel("index", "index", ANY, _index),
    Kernel("index_put", "index", ANY, _index_put),
    Kernel("embedding", "index", FLOATS, _embedding),
    Kernel("embedding_backward", "index", FLOATS, _embedding_backward),
    Kernel("cat", "index", ANY, _cat),
    Kernel("flip", "index", ANY, _turned("flip", lambda x: np.flip(x, (0, 2)), [0, 2])),
    Kernel("roll", "index", ANY,
           _turned("roll", lambda x: np.roll(x, (1, -2), (1, 2)), [1, 2], [1, -2])),
    Kernel("tril", "index", ANY, _turned("tril", lambda x: np.tril(x, 1), 1)),
    Kernel("triu", "index", ANY, _turned("triu", lambda x: np.triu(x, -1), -1)),
    Kernel("searchsorted", "index", _REAL, _searchsorted),
]  # fmt: skip
