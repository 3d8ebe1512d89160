"""The calls that test a pointwise kernel: one generator for the whole family."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from .._call import Call, Input, Kernel
from .._operand import (
    COMPLEX,
    FLOATS,
    REAL_OF,
    Array,
    Operand,
    draw,
    encode,
    lay,
    room,
    widen,
)

# Of both signs: zeros, units, ties, infinities, NaN, the large and the small.
EDGES = (0.0, 1.0, 0.5, 2.5, 1e-4, 60.0, 1e4, np.inf)
TAILS = (1, 3, 8, 17, 33)


@dataclass(frozen=True)
class Domain:
    """From where an operand is drawn."""

    low: float = -2.0
    high: float = 2.0
    dtype: str = ""  # when not the case's own
    step: float = 0.0  # multiples of it, for results that must not hang on rounding
    nonzero: bool = False

    def draw(self, rng: np.random.Generator, dtype: str, shape: Sequence[int]) -> Array:
        """Values in a wide type."""
        x = draw(rng, self.dtype or dtype, shape, self.low, self.high)
        if self.step and x.dtype.kind == "f":
            x = np.round(x / self.step) * self.step
        if self.nonzero and x.dtype.kind != "b":
            x = np.where(x == 0, 1, x)
        return x


@dataclass(frozen=True)
class Pointwise:
    """A row of the table. `oracle` takes the operands in wide types; `out` is the dtype
    of the output: "" the operands' own, "real", or a name. `edges` tells how much of
    the special values is defined: "all", "nan" or ""."""

    name: str
    oracle: Callable[..., Any]
    dtypes: Sequence[str]
    domains: Sequence[Domain] = (Domain(),)
    attrs: Sequence[Any] = ()
    ulps: float = 4.0
    scale: Callable[..., Any] | None = None
    edges: str = "all"
    out: str = ""
    variant: str = ""
    scalar: bool = True  # the last operand may be a number of the host
    stored: bool = False  # the oracle works in the dtype itself
    large: bool = False

    def kernel(self) -> Kernel:
        """The row as the runner takes it."""
        calls = partial(_calls, self)
        return Kernel(self.name, "pointwise", self.dtypes, calls, self.variant)

    def out_dtype(self, dtype: str) -> str:
        """Of the output."""
        if self.out == "real":
            return REAL_OF.get(dtype, dtype)
        return self.out or dtype

    def draws(
        self, rng: np.random.Generator, dtype: str, *shapes: Sequence[int]
    ) -> list[Array]:
        """Values of the operands; one shape stands for all."""
        given = shapes * len(self.domains) if len(shapes) == 1 else shapes
        pairs = zip(self.domains, given, strict=True)
        return [d.draw(rng, dtype, shape) for d, shape in pairs]

    def dtype_of(self, operand: int, dtype: str) -> str:
        """Of an operand."""
        return self.domains[operand].dtype or dtype


def _wanted(spec: Pointwise, dtype: str, values: Sequence[Any]) -> tuple[Any, Any]:
    """(what must come out, the scale of its rounding)."""
    out = spec.out_dtype(dtype)
    with np.errstate(all="ignore"):
        if spec.stored:
            stored = [encode(v, dtype) for v in values]
            return widen(np.asarray(spec.oracle(*stored)), out), 0.0
        wanted = np.asarray(spec.oracle(*values))
        scale = spec.scale(*values) if spec.scale else 0.0
    if out in FLOATS or out in COMPLEX:
        return wanted, scale
    return widen(encode(wanted, out), out), scale


def _call(
    spec: Pointwise,
    dtype: str,
    label: str,
    inputs: Sequence[Operand | int | float | complex | bool],
    out: Operand,
    iterate: bool = False,
) -> Call:
    values = [x.values() if isinstance(x, Operand) else np.asarray(x) for x in inputs]
    wanted, scale = _wanted(spec, dtype, values)
    loose = 2.0 if dtype in ("float16", "bfloat16") else spec.ulps
    return Call(
        label,
        spec.name,
        [out],
        list(inputs),
        [wanted],
        spec.attrs,
        min(spec.ulps, loose),
        scale,
        iterate=iterate,
    )


def _edges(spec: Pointwise, dtype: str) -> list[Array]:
    """Special values, each with each for two operands."""
    if not spec.edges or dtype not in FLOATS:
        return []
    some = (np.nan, 0.5) if spec.edges == "nan" else (*EDGES, np.nan)
    one = np.array([s * e for e in some for s in (1, -1)])
    if spec.edges == "nan":
        one = np.array(some)
    given = [d for d in spec.domains if not d.dtype]
    count = len(one) ** min(len(given), 2)
    grids = np.meshgrid(one, one, indexing="ij") if len(given) > 1 else [one]
    flat = iter([g.reshape(-1) for g in grids])
    made = []
    for d in spec.domains:
        if d.dtype:
            made.append(np.arange(count) % 2 == 0)
        else:
            made.append(next(flat, np.full(count, 0.5)))
    return [x if x.dtype == np.bool_ else widen(encode(x, dtype), dtype) for x in made]


def _calls(spec: Pointwise, dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    out = spec.out_dtype(dtype)
    make = partial(_call, spec, dtype)
    n = len(spec.domains)

    def operands(values: Sequence[Array], *layouts: str) -> list[Operand]:
        kinds = layouts or ("dense",)
        return [
            lay(v, spec.dtype_of(k, dtype), kinds[k % len(kinds)])
            for k, v in enumerate(values)
        ]

    def same(label: str, shape: tuple[int, ...], *layouts: str, to: str) -> Call:
        ins = operands(spec.draws(rng, dtype, shape), *layouts)
        return make(label, ins, room(shape, out, to))

    yield same("dense", (263,), to="dense")
    for size in TAILS:
        yield same(f"size {size}", (size,), to="dense")
    if spec.large:
        yield same("large", (70_003,), to="dense")
    yield same("two dimensions", (5, 7), to="dense")
    yield same("strided", (6, 5), "stepped", "transposed", to="transposed")
    yield same("strided output", (4, 3, 5), "transposed", "dense", to="stepped")
    edges = _edges(spec, dtype)
    if edges:
        yield make("special values", operands(edges), room(edges[0].shape, out))
    yield _broadcast(spec, dtype, rng)
    ins = operands(spec.draws(rng, dtype, *[(6, 5)] * (n - 1), (6, 1)))
    yield make(
        "stride 0", [*ins[:-1], ins[-1].expanded((6, 5))], room((6, 5), out, "stepped")
    )
    for label, shape in (("no elements", (0, 3)), ("no dimensions", ())):
        ins = operands(spec.draws(rng, dtype, shape))
        yield make(label, ins, room(shape, out), iterate=True)
    yield from _in_place(spec, dtype, rng)
    if n > 1 and spec.scalar and out == spec.dtype_of(n - 1, dtype):
        ins = operands(spec.draws(rng, dtype, *[(5, 7)] * (n - 1), ()))
        number = ins[-1].values()[()].item()
        yield make("host scalar", [*ins[:-1], number], room((5, 7), out))


def _broadcast(spec: Pointwise, dtype: str, rng: np.random.Generator) -> Call:
    shapes = [(4, 1, 3), (5, 1), (3,)][: len(spec.domains)]
    ins = [
        lay(v, spec.dtype_of(k, dtype))
        for k, v in enumerate(spec.draws(rng, dtype, *shapes))
    ]
    out = room((4, 5, 3), spec.out_dtype(dtype))
    made = _call(spec, dtype, "broadcast", ins, out, iterate=True)
    wanted = np.broadcast_to(made.wanted[0], out.shape)
    return replace(made, wanted=[wanted])


def _in_place(spec: Pointwise, dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    """The output is the operand itself: same address, same strides."""
    target = next(k for k, d in enumerate(spec.domains) if not d.dtype)
    if spec.out_dtype(dtype) != dtype:
        return
    for label, shape, layout in (
        ("in place", (37,), "dense"),
        ("in place, strided", (6, 5), "stepped"),
    ):
        ins = [
            lay(v, spec.dtype_of(k, dtype), layout)
            for k, v in enumerate(spec.draws(rng, dtype, shape))
        ]
        yield _call(spec, dtype, label, ins, ins[target])


def optional(call: Call, inputs: Sequence[Input], wanted: Any) -> Call:
    """The same call with other operands."""
    return replace(call, inputs=list(inputs), wanted=[wanted])
