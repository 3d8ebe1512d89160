"""The reductions: `out` has the sizes of the operand, stride 0 along what is
reduced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .._call import Call, Kernel
from .._operand import (
    COMPLEX,
    FLOATS,
    INTEGERS,
    REAL_OF,
    Array,
    Operand,
    draw,
    encode,
    lay,
    room,
    widen,
)

# shape, reduced dimensions, layout of the operand
_CASES: tuple[tuple[tuple[int, ...], tuple[int, ...], str], ...] = (
    ((263,), (0,), "dense"),
    ((1,), (0,), "dense"),
    ((7,), (0,), "dense"),
    ((33,), (0,), "stepped"),
    ((6, 35), (1,), "dense"),
    ((6, 35), (0,), "dense"),
    ((6, 35), (0, 1), "transposed"),
    ((6, 35), (1,), "transposed"),
    ((4, 5, 9), (1,), "dense"),
    ((4, 5, 9), (0, 2), "stepped"),
    ((2, 3, 4, 5), (1, 3), "dense"),
    ((9, 4), (), "dense"),
)


@dataclass(frozen=True)
class Reduction:
    """A row: `oracle(x, axes)` gives a result for each output. `out`: "", "real" or a
    name. `sums`: rounding is measured against the sum of the absolute values."""

    name: str
    oracle: Callable[[Any, tuple[int, ...]], Any]
    dtypes: Sequence[str]
    out: str = ""
    attrs: Sequence[Any] = ()
    low: float = -4.0
    high: float = 4.0
    ulps: float = 8.0
    sums: bool = False
    empty: bool = True
    specials: Sequence[float] = (np.nan, np.inf, -np.inf)
    variant: str = ""
    outputs: int = 1
    least: int = 1  # elements that a result needs
    least_scale: float = 0.0  # below it rounding is not relative

    def kernel(self) -> Kernel:
        """The row as the runner takes it."""
        calls = partial(_calls, self)
        return Kernel(self.name, "reduction", self.dtypes, calls, self.variant)


def _kept(shape: Sequence[int], axes: Sequence[int]) -> tuple[int, ...]:
    return tuple(1 if d in axes else n for d, n in enumerate(shape))


def _call(
    spec: Reduction,
    dtype: str,
    label: str,
    values: Array,
    axes: tuple[int, ...],
    layout: str = "dense",
) -> Call:
    out = REAL_OF.get(dtype, dtype) if spec.out == "real" else spec.out or dtype
    kept = _kept(values.shape, axes)
    with np.errstate(all="ignore"):
        results = spec.oracle(values, axes)
        results = results if isinstance(results, tuple) else (results,)
        wanted = [np.asarray(r).reshape(kept) for r in results]
        if out in INTEGERS or out == "bool":
            wanted = [widen(encode(w, out), out) for w in wanted]
        scale = (
            np.sum(np.abs(values), axis=axes).reshape(kept)
            if spec.sums
            else (np.full(kept, spec.least_scale))
        )
    outs = [room(kept, out).expanded(values.shape) for _ in wanted]
    return Call(
        label,
        spec.name,
        outs,
        [lay(values, dtype, layout)],
        [np.broadcast_to(w, values.shape) for w in wanted],
        spec.attrs,
        # A half may be added up in float32 in any order, and is rounded once.
        min(spec.ulps, 2.0) if dtype in ("float16", "bfloat16") else spec.ulps,
        np.broadcast_to(scale, values.shape) if values.size else 0.0,
    )


def _calls(spec: Reduction, dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    def values(shape: Sequence[int]) -> Array:
        return draw(rng, dtype, shape, spec.low, spec.high)

    for shape, axes, layout in _CASES:
        reduced = int(np.prod([shape[d] for d in axes], dtype=int))
        if reduced >= spec.least:
            label = f"{'x'.join(map(str, shape))} over {axes}, {layout}"
            yield _call(spec, dtype, label, values(shape), axes, layout)
    yield _large(spec, dtype, rng)
    if spec.least <= 1:
        made = _call(spec, dtype, "no dimensions", values((1,)).reshape(()), ())
        made.iterate = True
        yield made
    if spec.empty:
        yield _nothing(spec, dtype)
    if dtype in FLOATS:
        for special in spec.specials:
            x = values((5, 37))
            x[2, 30] = special
            yield _call(spec, dtype, f"a {special}", x, (1,))
            yield _call(spec, dtype, f"a {special}, first dimension", x, (0,))


def _large(spec: Reduction, dtype: str, rng: np.random.Generator) -> Call:
    """Enough for several threads or blocks; the products stay near 1."""
    x = draw(rng, dtype, (3, 20_011), spec.low, spec.high)
    if spec.name == "prod":
        x = np.ones_like(x)
        x[:, ::4001] = draw(rng, dtype, x[:, ::4001].shape, 1, 2)
    return _call(spec, dtype, "large", x, (1,))


def _nothing(spec: Reduction, dtype: str) -> Call:
    """Over nothing every element is the neutral one, and is written although the sizes
    that the kernel is given have a 0."""
    wide = np.empty((3, 0), draw(np.random.default_rng(0), dtype, (1,)).dtype)
    made = _call(spec, dtype, "no elements", wide, (1,))
    with np.errstate(all="ignore"):
        results = spec.oracle(wide, (1,))
    results = results if isinstance(results, tuple) else (results,)
    made.checked = [
        Operand(o.block, o.dtype, (3,), (1,), o.offset) for o in made.outputs
    ]
    made.wanted, made.scale = [np.asarray(r).reshape(3) for r in results], 0.0
    return made


def _norm(p: float) -> Callable[[Any, tuple[int, ...]], Any]:
    def value(x: Any, axes: tuple[int, ...]) -> Any:
        m = np.abs(x)
        if p == 0:
            return (m != 0).sum(axes).astype(float)
        if np.isinf(p):
            return m.max(axes) if p > 0 else m.min(axes)
        return (m**p).sum(axes) ** (1 / p)

    return value


def _logsumexp(x: Any, axes: tuple[int, ...]) -> Any:
    if 0 in x.shape:
        return np.full([n for d, n in enumerate(x.shape) if d not in axes], -np.inf)
    top = x.max(axes, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    return np.log(np.exp(x - top).sum(axes)) + top.reshape(
        [n for d, n in enumerate(x.shape) if d not in axes]
    )


def _mean(x: Any, axes: tuple[int, ...]) -> Any:
    return x.sum(axes) / np.prod([x.shape[d] for d in axes], dtype=float)


def _var(root: bool) -> Callable[[Any, tuple[int, ...]], Any]:
    def value(x: Any, axes: tuple[int, ...]) -> Any:
        var = x.var(axis=axes, ddof=1)
        return np.sqrt(var) if root else var

    return value


_ALL = ("bool", *INTEGERS, *FLOATS, *COMPLEX)
_NUMBERS = _ALL[1:]
_SMOOTH = (*FLOATS, *COMPLEX)

_ALL_SPECIAL = (np.nan, np.inf, -np.inf)
# Whether the mean of infinity is infinite or not a number is left to the algorithm.
_NAN = (np.nan,)

_TABLE = [
    Reduction("sum", lambda x, a: x.sum(a), _NUMBERS, sums=True),
    Reduction("sum_to", lambda x, a: x.sum(a), _NUMBERS, sums=True),
    Reduction("prod", lambda x, a: x.prod(a), FLOATS, low=0.9, high=1.1, ulps=64),
    Reduction("prod", lambda x, a: x.prod(a), INTEGERS, low=1, high=1, ulps=0,
              variant="ones"),
    Reduction("prod", lambda x, a: x.prod(a), COMPLEX, low=0.65, high=0.75, ulps=256,
              variant="turns"),
    Reduction("amax", lambda x, a: x.max(a), (*_ALL[:6], *FLOATS), empty=False, ulps=0),
    Reduction("amin", lambda x, a: x.min(a), (*_ALL[:6], *FLOATS), empty=False, ulps=0),
    Reduction("any", lambda x, a: (x != 0).any(a), _ALL, "bool", low=0, high=1),
    Reduction("all", lambda x, a: (x != 0).all(a), _ALL, "bool", low=0, high=1),
    Reduction("any", lambda x, a: (x != 0).any(a), INTEGERS, "bool", low=0, high=0,
              variant="zeros"),
    Reduction("all", lambda x, a: (x != 0).all(a), _NUMBERS, "bool", low=1, high=1,
              variant="ones"),
    Reduction("mean", _mean, _SMOOTH, sums=True),
    *(
        Reduction("norm", _norm(p), _SMOOTH, "real", (p,), ulps=32, empty=False,
                  variant=f"p{p:g}", specials=_ALL_SPECIAL if 0 < p < np.inf else ())
        for p in (0.0, 1.0, 2.0, 3.0, np.inf, -np.inf)
    ),
    Reduction("var", _var(False), FLOATS, "real", (1.0, 0), ulps=32, empty=False,
              least=2, specials=_NAN),
    Reduction("var", _var(True), FLOATS, "real", (1.0, 1), ulps=32, empty=False,
              least=2, variant="std", specials=_NAN),
    Reduction("var_mean", lambda x, a: (_var(False)(x, a), _mean(x, a)), FLOATS,
              "real", (1.0, 0), sums=True, ulps=16, empty=False, least=2,
              specials=_NAN),
    Reduction("logsumexp", _logsumexp, FLOATS, ulps=16, empty=False, least_scale=1.0),
]  # fmt: skip

KERNELS = [row.kernel() for row in _TABLE]
