"""Kernels along one dimension: scans, extremes with their places, sorting, softmax."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .._call import Call, Kernel
from .._operand import COMPLEX, FLOATS, INTEGERS, Array, draw, encode, lay, room, widen

_CASES: tuple[tuple[tuple[int, ...], int, str, str], ...] = (
    ((263,), 0, "dense", "dense"),
    ((1,), 0, "dense", "dense"),
    ((6, 35), 1, "dense", "transposed"),
    ((6, 35), 0, "dense", "dense"),
    ((6, 35), 1, "transposed", "stepped"),
    ((4, 9, 5), 1, "stepped", "dense"),
    ((3, 2, 300), 2, "dense", "dense"),
)
_REAL = (*INTEGERS, *FLOATS)
_ALL_REAL = ("bool", *_REAL)


@dataclass(frozen=True)
class Along:
    """A row: `oracle(*operands, dim)` gives a result for each output. `out`: the dtype
    of each ("" the operand's). `size`: of the outputs along the dimension, where it is
    not the operand's."""

    name: str
    oracle: Callable[..., Any]
    dtypes: Sequence[str]
    out: Sequence[str] = ("",)
    attrs: Sequence[Any] = ()
    size: int = 0
    inputs: int = 1
    low: float = -4.0
    high: float = 4.0
    ulps: float = 8.0
    sums: bool = False
    nan: bool = True
    in_place: bool = False
    variant: str = ""
    scale: float = 0.0
    least: int = 1

    def kernel(self) -> Kernel:
        """The row as the runner takes it."""
        calls = partial(_calls, self)
        return Kernel(self.name, "along", self.dtypes, calls, self.variant)


def _call(
    spec: Along,
    dtype: str,
    label: str,
    values: Sequence[Array],
    dim: int,
    layouts: tuple[str, str] = ("dense", "dense"),
    in_place: bool = False,
) -> Call:
    with np.errstate(all="ignore"):
        results = spec.oracle(*values, dim)
        results = results if isinstance(results, tuple) else (results,)
        sums: Any = spec.scale
        if spec.sums:
            sums = np.cumsum(np.atleast_1d(np.abs(values[0])), dim)
            sums = sums.reshape(np.shape(values[0]))
    kinds = [o or dtype for o in spec.out]
    ins = [lay(v, dtype, layouts[0]) for v in values]
    outs = [
        room(np.shape(r), kind, layouts[1])
        for kind, r in zip(kinds, results, strict=True)
    ]
    wanted = [
        widen(encode(r, kind), kind) if kind in INTEGERS or kind == "bool" else r
        for kind, r in zip(kinds, results, strict=True)
    ]
    return Call(
        label,
        spec.name,
        [ins[-1]] if in_place else outs,
        ins,
        wanted,
        (dim, *spec.attrs),
        min(spec.ulps, 2.0) if dtype in ("float16", "bfloat16") else spec.ulps,
        sums,
    )


def _calls(spec: Along, dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    def values(shape: Sequence[int]) -> list[Array]:
        return [
            draw(rng, dtype, shape, spec.low, spec.high) for _ in range(spec.inputs)
        ]

    for shape, dim, one, other in _CASES:
        if shape[dim] >= spec.least:
            label = f"{'x'.join(map(str, shape))} along {dim}, {one} to {other}"
            yield _call(spec, dtype, label, values(shape), dim, (one, other))
    yield _call(spec, dtype, "no elements", values((0, max(5, spec.least))), 1)
    if spec.in_place:
        yield _call(spec, dtype, "in place", values((5, 37)), 1, in_place=True)
    if spec.nan and dtype in FLOATS:
        for special in (np.nan, np.inf, -np.inf):
            given = values((5, 37))
            given[0][2, 30] = special
            yield _call(spec, dtype, f"a {special}", given, 1)
            yield _call(spec, dtype, f"a {special}, first dimension", given, 0)


def _over(function: Callable[[Any, int], Any]) -> Callable[[Any, int], Any]:
    """The function over at least one dimension; a number where there was one."""

    def call(x: Any, dim: int) -> Any:
        results = function(np.atleast_1d(x), dim)
        many = results if isinstance(results, tuple) else (results,)
        shaped = tuple(np.reshape(r, ()) if np.ndim(x) == 0 else r for r in many)
        return shaped if isinstance(results, tuple) else shaped[0]

    return call


def _extreme(pick: Any) -> Callable[[Any, int], Any]:
    def call(x: Any, dim: int) -> Any:
        at = np.expand_dims(pick(x, axis=dim), dim)
        return np.take_along_axis(x, at, dim), at

    return call


def _running(better: Any) -> Callable[[Any, int], Any]:
    """The last of equal elements; NaN once met stays."""

    def call(x: Any, dim: int) -> Any:
        moved = np.moveaxis(x, dim, 0)
        values, at = moved.copy(), np.zeros(moved.shape, np.int64)
        for k in range(1, len(moved)):
            nan = (moved[k] != moved[k]) if moved.dtype.kind == "f" else False
            held = (
                (values[k - 1] != values[k - 1]) if moved.dtype.kind == "f" else False
            )
            takes = nan | (better(moved[k], values[k - 1]) & ~np.asarray(held))
            values[k] = np.where(takes, moved[k], values[k - 1])
            at[k] = np.where(takes, k, at[k - 1])
        return np.moveaxis(values, 0, dim), np.moveaxis(at, 0, dim)

    return call


def _sorted(descending: bool) -> Callable[[Any, int], Any]:
    """Stable; NaN is the largest."""

    def call(x: Any, dim: int) -> Any:
        if descending:  # the order of equal ones stays: sort what is turned, turn again
            n = x.shape[dim]
            turned = np.flip(x, dim)
            at = np.flip(n - 1 - np.argsort(turned, dim, kind="stable"), dim)
        else:
            at = np.argsort(x, dim, kind="stable")
        return np.take_along_axis(x, at, dim), at

    return call


def _top(k: int, largest: bool) -> Callable[[Any, int], Any]:
    def call(x: Any, dim: int) -> Any:
        values, at = _sorted(largest)(x, dim)
        return np.take(values, range(k), dim), np.take(at, range(k), dim)

    return call


def _kth(k: int) -> Callable[[Any, int], Any]:
    def call(x: Any, dim: int) -> Any:
        values, at = _sorted(False)(x, dim)
        return np.take(values, [k - 1], dim), np.take(at, [k - 1], dim)

    return call


def _softmax(x: Any, dim: int) -> Any:
    e = np.exp(x - x.max(dim, keepdims=True))
    return e / e.sum(dim, keepdims=True)


def _log_softmax(x: Any, dim: int) -> Any:
    shifted = x - x.max(dim, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(dim, keepdims=True))


def _logcumsumexp(x: Any, dim: int) -> Any:
    return np.logaddexp.accumulate(x, dim)


def _softmax_backward(g: Any, y: Any, dim: int) -> Any:
    g, y = np.atleast_1d(g), np.atleast_1d(y)
    return y * (g - (g * y).sum(dim, keepdims=True))


def _log_softmax_backward(g: Any, y: Any, dim: int) -> Any:
    g, y = np.atleast_1d(g), np.atleast_1d(y)
    return g - np.exp(y) * g.sum(dim, keepdims=True)


_PLACE = ("", "int64")

_TABLE = [
    Along("cumsum", _over(np.cumsum), (*INTEGERS, *FLOATS, *COMPLEX), sums=True,
          in_place=True, ulps=16),
    Along("cumprod", _over(np.cumprod), FLOATS, low=0.95, high=1.05, ulps=128,
          scale=1.0),
    Along("cumprod", _over(np.cumprod), INTEGERS, low=1, high=1, ulps=128,
          variant="ones"),
    Along("cummax", _over(_running(np.greater_equal)), _ALL_REAL, _PLACE, ulps=0),
    Along("cummin", _over(_running(np.less_equal)), _ALL_REAL, _PLACE, ulps=0),
    Along("logcumsumexp", _over(_logcumsumexp), FLOATS, ulps=64, scale=4.0),
    Along("argmax", _over(lambda x, d: np.expand_dims(np.argmax(x, d), d)), _ALL_REAL,
          ("int64",), size=1, ulps=0),
    Along("argmin", _over(lambda x, d: np.expand_dims(np.argmin(x, d), d)), _ALL_REAL,
          ("int64",), size=1, ulps=0),
    Along("max_dim", _over(_extreme(np.argmax)), _ALL_REAL, _PLACE, size=1, ulps=0),
    Along("min_dim", _over(_extreme(np.argmin)), _ALL_REAL, _PLACE, size=1, ulps=0),
    Along("sort", _over(_sorted(False)), _ALL_REAL, _PLACE, (0,), ulps=0),
    Along("sort", _over(_sorted(True)), _ALL_REAL, _PLACE, (1,), ulps=0,
          variant="descending"),
    Along("topk", _top(4, True), FLOATS, _PLACE, (4, 1, 1), size=4, ulps=0, least=4),
    Along("topk", _top(4, False), FLOATS, _PLACE, (4, 0, 1), size=4, ulps=0, least=4,
          variant="smallest"),
    Along("kthvalue", _kth(3), ("float32", "float64"), _PLACE, (3,), size=1, ulps=0,
          least=5, nan=False),
    Along("softmax", _over(_softmax), FLOATS, ulps=16, scale=0.1, in_place=True),
    Along("log_softmax", _over(_log_softmax), FLOATS, ulps=16, scale=8.0,
          in_place=True),
    Along("softmax_backward", _softmax_backward, FLOATS, inputs=2, ulps=64, scale=64.0,
          nan=False),
    Along("log_softmax_backward", _log_softmax_backward, FLOATS, inputs=2, low=-2,
          high=0, ulps=64, scale=64.0, nan=False),
]  # fmt: skip

KERNELS = [row.kernel() for row in _TABLE]
