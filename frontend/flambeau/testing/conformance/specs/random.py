"""Random kernels against Philox in NumPy: integers and uniforms bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from .._call import Call, Kernel
from .._operand import FLOATS, INTEGERS, Array, draw, encode, lay, room, widen
from . import _philox

SEED, OFFSET = 0x0123456789ABCDEF, 0x76543210FEDCBA98
SIZES = (0, 1, 2, 3, 4, 5, 31, 257, 10_007)

Make = Callable[[int, str], Array]


def _row(
    name: str,
    dtypes: Sequence[str],
    attrs: Sequence[Any],
    make: Make,
    ulps: float = 0.0,
    scale: float | Callable[[Array], Any] = 0.0,
    variant: str = "",
) -> Kernel:
    def calls(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
        for n in SIZES:
            with np.errstate(all="ignore"):
                wanted = make(n, dtype)
            exact = dtype not in FLOATS or ulps == 0
            if exact:
                wanted = widen(encode(wanted, dtype), dtype)
            loose = min(ulps, 2.0) if dtype in ("float16", "bfloat16") else ulps
            yield Call(
                f"{n} elements",
                name,
                [room((n,), dtype)],
                [],
                [wanted],
                (*attrs, SEED, OFFSET),
                0.0 if exact else loose,
                scale(wanted) if callable(scale) else scale,
            )

    return Kernel(name, "random", dtypes, calls, variant)


def _u(n: int, dtype: str) -> Array:
    return _philox.uniform(n, dtype, SEED, OFFSET)


def _z(n: int, dtype: str) -> Array:
    return _philox.normal(n, dtype, SEED, OFFSET)


def _unit(n: int, dtype: str) -> Array:
    """Uniform in [0, 1): what rounds to 1 becomes the value below."""
    u = _u(n, dtype)
    stored = widen(encode(u, dtype), dtype)
    below = {"float16": 1 - 2.0**-11, "bfloat16": 1 - 2.0**-8}.get(dtype, 1.0)
    return np.where(stored >= 1, below, stored)


def _whole(n: int, dtype: str) -> Array:
    return _philox.randint(n, -3 if dtype != "uint8" else 0, 100, SEED, OFFSET)


def _exponential(n: int, dtype: str) -> Array:
    tiny = 2.0**-54 if dtype == "float64" else 2.0**-25
    return np.maximum(-np.log1p(-_u(n, dtype)), tiny) / 1.5


def _cauchy(n: int, dtype: str) -> Array:
    u = _u(n, dtype)
    middle = 2.0**-54 if dtype == "float64" else 2.0**-25
    turn = np.where(u > 0.5, u - 1, u) + middle  # the tangent's period, kept exact
    return 0.5 - 2 / np.tan(np.pi * turn)


def _geometric(n: int, dtype: str) -> Array:
    tails = np.ceil(np.log1p(-_u(n, dtype)) / np.log1p(-0.25))
    return np.asarray(np.maximum(1, tails))


def _given(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    """A probability for each element, in float32 and in float64."""
    for kind in ("float32", "float64"):
        for n in (5, 257):
            p = draw(rng, kind, (n,), 0.1, 0.9)
            wanted = (_u(n, dtype) < p).astype(np.float64)
            yield Call(
                f"{n} probabilities in {kind}",
                "bernoulli",
                [room((n,), dtype)],
                [lay(p, kind)],
                [widen(encode(wanted, dtype), dtype)],
                (0.0, SEED, OFFSET),
                0.0,
            )


def _dropout(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    for shape, layout in (
        ((37,), "dense"),
        ((6, 35), "dense"),
        ((6, 35), "transposed"),
    ):
        x = draw(rng, dtype, shape, 1, 2)
        # The mask hangs on the place of an element, not on its memory.
        kept = (_philox.uniform(x.size, "float32", SEED, OFFSET) < 0.75).reshape(shape)
        outs = [room(shape, dtype, layout), room(shape, "bool", layout)]
        yield Call(
            f"{'x'.join(map(str, shape))}, {layout}",
            "dropout",
            outs,
            [lay(x, dtype, layout)],
            [np.where(kept, x / 0.75, 0), kept],
            (0.25, SEED, OFFSET),
            2.0,
        )


def _ints(low: int, high: int, dtypes: Sequence[str]) -> Kernel:
    make = partial(_philox.randint, low=low, high=high, seed=SEED, offset=OFFSET)
    return _row(
        "randint", dtypes, (low, high), lambda n, _: make(n), variant=f"{low}_{high}"
    )


_EXACT = ("float32", "float64")
_SIGNED = INTEGERS[1:]

KERNELS = [
    _row("uniform", FLOATS, (0.0, 1.0), _unit),
    _row("uniform", FLOATS, (-2.0, 3.0), lambda n, d: -2 + 5 * _u(n, d), 2.0, 3.0,
         variant="scaled"),
    _row("normal", FLOATS, (0.0, 1.0), _z, 32.0, 1.0),
    _row("normal", FLOATS, (3.0, 0.5), lambda n, d: 3 + _z(n, d) / 2, 32.0, 3.0,
         variant="scaled"),
    _ints(0, 100, (*INTEGERS, *FLOATS)),
    _ints(0, 2, ("bool",)),
    _ints(-5, 2, (*_SIGNED, *FLOATS)),
    _ints(-(2**62), 2**62 + 1, ("int64",)),
    _row("bernoulli", ("bool", *INTEGERS, *FLOATS), (0.3,),
         lambda n, d: (_u(n, d) < 0.3).astype(np.float64)),
    Kernel("bernoulli", "random", ("bool", *FLOATS), _given, "given"),
    _row("exponential", _EXACT, (1.5, 0.0), _exponential, 32.0),
    _row("geometric", (*_EXACT, "int64", "int32"), (0.25, 0.0), _geometric),
    _row("cauchy", _EXACT, (0.5, 2.0), _cauchy, 64.0, lambda x: 1 + x * x),
    _row("log_normal", _EXACT, (0.5, 0.25), lambda n, d: np.exp(0.5 + _z(n, d) / 4),
         32.0),
    _row("randperm", ("int64",), (), lambda n, _: _philox.permutation(n, SEED, OFFSET)),
    Kernel("dropout", "random", ("float16", "bfloat16", "float32"), _dropout),
]  # fmt: skip
