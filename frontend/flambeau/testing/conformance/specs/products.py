"""Matrix products, linear layers and convolutions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
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

_SIZES = (
    (1, 1, 1, 1),
    (1, 5, 7, 3),
    (3, 4, 6, 5),
    (2, 33, 17, 9),
    (1, 70, 65, 70),
    (2, 3, 0, 4),
    (1, 1, 40, 8),
    (1, 8, 40, 1),
)


def _small(rng: np.random.Generator, dtype: str, shape: Sequence[int]) -> Array:
    x = draw(rng, dtype, shape, -2, 2)
    return np.minimum(x, 1) if dtype in ("uint8", "int8") else x


def _ulps(dtype: str) -> float:
    # Halves are added up in float32 and rounded once.
    return 2.0 if dtype in ("float16", "bfloat16") else 8.0


def _product(
    label: str,
    dtype: str,
    a: Operand,
    b: Operand,
    out: Operand,
    c: Operand | None = None,
    alpha: complex = 1 + 0j,
    beta: complex = 0j,
) -> Call:
    x, y = a.values(), b.values()
    wanted = x @ y
    scale: Any = np.abs(x).astype(float) @ np.abs(y).astype(float)
    if dtype not in INTEGERS:
        wanted, scale = alpha * wanted, scale * abs(alpha)
        if c is not None:
            wanted = wanted + beta * c.values()
            scale = scale + abs(beta) * np.abs(c.values())
        if dtype not in COMPLEX:
            wanted = wanted.real
    else:
        wanted = widen(encode(wanted, dtype), dtype)
    return Call(
        label, "matmul", [out], [a, b, c], [wanted], (alpha, beta), _ulps(dtype), scale
    )


def _matmul(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    for batch, m, k, n in _SIZES:
        layouts = itertools.product(("dense", "turned"), repeat=2)
        for one, other in layouts if m < 70 else [("dense", "dense")]:
            a = _matrix(_small(rng, dtype, (batch, m, k)), dtype, one)
            b = _matrix(_small(rng, dtype, (batch, k, n)), dtype, other)
            label = f"{batch}x{m}x{k}x{n}, {one} by {other}"
            yield _product(label, dtype, a, b, room((batch, m, n), dtype))
    a = lay(_small(rng, dtype, (3, 4, 6)), dtype, "stepped")
    b = lay(_small(rng, dtype, (1, 6, 5)), dtype).expanded((3, 6, 5))
    yield _product("batch stride 0", dtype, a, b, room((3, 4, 5), dtype, "stepped"))
    b = lay(_small(rng, dtype, (3, 6, 5)), dtype)
    yield _product("output turned", dtype, a, b, _turned_room((3, 4, 5), dtype))
    if dtype in INTEGERS:
        return
    for shape in ((3, 4, 5), (1, 1, 5), (1, 4, 1)):
        c = lay(_small(rng, dtype, shape), dtype).expanded((3, 4, 5))
        yield _product(
            f"plus {shape}", dtype, a, b, room((3, 4, 5), dtype), c, 2 + 0j, 0.5 + 0j
        )
    if dtype in FLOATS:
        yield from _special_products(dtype, rng)


def _special_products(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    x, y = _small(rng, dtype, (1, 4, 6)), _small(rng, dtype, (1, 6, 5))
    x[0, 2, 3] = np.nan
    a, b = lay(x, dtype), lay(y, dtype)
    call = _product("a NaN", dtype, a, b, room((1, 4, 5), dtype))
    call.scale = np.nan_to_num(call.scale)
    yield call
    # beta = 0: what c holds does not count, and the output is written, not read.
    nothing = lay(np.full((1, 4, 5), np.nan), dtype)
    a = lay(_small(rng, dtype, (1, 4, 6)), dtype)
    clean = _product("output holds NaN", dtype, a, b, nothing)
    yield clean


def _matrix(values: Array, dtype: str, layout: str) -> Operand:
    """Rows or columns together in memory."""
    if layout == "dense":
        return lay(values, dtype)
    turned = lay(np.swapaxes(values, 1, 2), dtype)
    (b, n, m), (s, t, u) = turned.shape, turned.strides
    return Operand(turned.block, dtype, (b, m, n), (s, u, t), turned.offset)


def _turned_room(shape: tuple[int, int, int], dtype: str) -> Operand:
    b, m, n = shape
    made = room((b, n, m), dtype)
    s, t, u = made.strides
    return Operand(made.block, dtype, shape, (s, u, t), made.offset)


def _dot(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    for n, layout in ((0, "dense"), (1, "dense"), (263, "dense"), (65, "stepped")):
        a, b = _small(rng, dtype, (n,)), _small(rng, dtype, (n,))
        wanted = np.asarray((a * b).sum())
        if dtype in INTEGERS:
            wanted = widen(encode(wanted, dtype), dtype)
        yield Call(
            f"{n} elements, {layout}",
            "dot",
            [room((), dtype)],
            [lay(a, dtype, layout), lay(b, dtype, layout)],
            [wanted],
            (),
            _ulps(dtype),
            np.abs(a * b).sum(),
        )


def _linear(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    for (m, k, n), bias, activation in (
        ((5, 7, 3), True, 0),
        ((33, 17, 9), False, 0),
        ((6, 40, 65), True, 1),
        ((1, 8, 4), True, 0),
        ((0, 3, 4), True, 0),
    ):
        x, w = _small(rng, dtype, (m, k)), _small(rng, dtype, (n, k))
        b = _small(rng, dtype, (n,))
        wanted = x @ w.T + (b if bias else 0)
        scale = np.abs(x) @ np.abs(w.T) + np.abs(b)
        if activation:
            wanted = np.maximum(wanted, 0)
        yield Call(
            f"{m}x{k}x{n}{' relu' * activation}",
            "linear",
            [room((m, n), dtype)],
            [lay(x, dtype), lay(w, dtype), lay(b, dtype) if bias else None],
            [wanted],
            (activation,),
            _ulps(dtype),
            scale,
        )


# ---- convolutions: x, w, stride, padding, dilation, groups, transposed, output padding
_CONVOLUTIONS: tuple[tuple[Any, ...], ...] = (
    ((2, 3, 9), (4, 3, 3), (1,), (0,), (1,), 1, 0, (0,)),
    ((1, 2, 9), (2, 2, 3), (2,), (2,), (2,), 1, 0, (0,)),
    ((2, 3, 6, 7), (4, 3, 3, 2), (1, 1), (1, 0), (1, 1), 1, 0, (0, 0)),
    ((1, 4, 7, 6), (6, 2, 3, 3), (2, 1), (1, 2), (1, 2), 2, 0, (0, 0)),
    ((2, 4, 5, 5), (4, 1, 3, 3), (1, 1), (1, 1), (1, 1), 4, 0, (0, 0)),
    ((2, 3, 4, 4), (5, 3, 1, 1), (1, 1), (0, 0), (1, 1), 1, 0, (0, 0)),
    (
        (1, 2, 4, 4, 5),
        (3, 2, 2, 2, 2),
        (1, 1, 2),
        (0, 1, 1),
        (1, 1, 1),
        1,
        0,
        (0, 0, 0),
    ),
    ((2, 4, 5), (4, 3, 3), (2,), (1,), (1,), 1, 1, (1,)),
    ((1, 4, 4, 3), (4, 2, 3, 2), (2, 1), (1, 0), (1, 2), 2, 1, (1, 0)),
)


def _sizes_after(case: tuple[Any, ...]) -> tuple[int, ...]:
    """Of the output."""
    x, w, stride, padding, dilation, groups, transposed, extra = case
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, w[2:], strict=True)]
    geometry = zip(x[2:], stride, padding, spans, extra, strict=True)
    if transposed:
        sizes = [(n - 1) * s - 2 * p + k + e for n, s, p, k, e in geometry]
        return (x[0], w[1] * groups, *sizes)
    return (x[0], w[0], *((n + 2 * p - k) // s + 1 for n, s, p, k, _ in geometry))


def _pairs(case: tuple[Any, ...]) -> Iterator[tuple[Any, Any, Any]]:
    """What a convolution is by its definition: y[one] += x[other] @ w[taps], for every
    place of the window, tap and group; keys of (x, y, w)."""
    x, w, stride, padding, dilation, groups, transposed, _ = case
    y = _sizes_after(case)
    ins, outs = x[1] // groups, y[1] // groups
    moving, limits = (x[2:], y[2:]) if transposed else (y[2:], x[2:])
    places = itertools.product(*map(range, moving))
    for place, tap in itertools.product(places, itertools.product(*map(range, w[2:]))):
        other = tuple(
            p * s + t * d - pad
            for p, s, t, d, pad in zip(
                place, stride, tap, dilation, padding, strict=True
            )
        )
        if any(o < 0 or o >= n for o, n in zip(other, limits, strict=True)):
            continue
        source, target = (place, other) if transposed else (other, place)
        for g in range(groups):
            i, o = slice(g * ins, (g + 1) * ins), slice(g * outs, (g + 1) * outs)
            rows = i if transposed else o
            yield (
                (slice(None), i, *source),
                (slice(None), o, *target),
                (rows, slice(None), *tap),
            )


def _forward(x: Array, w: Array, case: tuple[Any, ...]) -> Array:
    y = np.zeros(_sizes_after(case))
    for one, other, taps in _pairs(case):
        y[other] += x[one] @ (w[taps] if case[6] else w[taps].T)
    return y


def _attrs(case: tuple[Any, ...]) -> tuple[Any, ...]:
    _, _, stride, padding, dilation, groups, transposed, extra = case
    return (
        list(stride),
        list(padding),
        list(dilation),
        groups,
        transposed,
        list(extra),
    )


def _label(case: tuple[Any, ...]) -> str:
    kind = "transposed " if case[6] else ""
    return f"{kind}{'x'.join(map(str, case[0]))} by {'x'.join(map(str, case[1]))}"


def _convolution(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
    for k, case in enumerate(_CONVOLUTIONS):
        x, w = _small(rng, dtype, case[0]), _small(rng, dtype, case[1])
        y = _forward(x, w, case)
        bias = _small(rng, dtype, (y.shape[1],)) if k % 2 == 0 else None
        if bias is not None:
            y = y + bias.reshape(-1, *[1] * (y.ndim - 2))
        scale = _forward(np.abs(x), np.abs(w), case) + 2
        layout = "stepped" if k % 3 == 1 else "dense"
        yield Call(
            _label(case),
            "convolution",
            [room(y.shape, dtype)],
            [
                lay(x, dtype, layout),
                lay(w, dtype),
                bias if bias is None else lay(bias, dtype),
            ],
            [y],
            _attrs(case),
            _ulps(dtype),
            scale,
        )


def _gradients(
    case: tuple[Any, ...], x: Array, w: Array, g: Array
) -> tuple[Array, Array]:
    """Of sum(g * y), with respect to x and to w."""
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for one, other, taps in _pairs(case):
        dx[one] += g[other] @ (w[taps].T if case[6] else w[taps])
        dw[taps] += x[one].T @ g[other] if case[6] else g[other].T @ x[one]
    return dx, dw


def _gradient(of_input: bool) -> Any:
    name = f"convolution_{'input' if of_input else 'weight'}_grad"

    def calls(dtype: str, rng: np.random.Generator) -> Iterator[Call]:
        for case in (_CONVOLUTIONS[1], _CONVOLUTIONS[4], _CONVOLUTIONS[8]):
            x, w = _small(rng, dtype, case[0]), _small(rng, dtype, case[1])
            g = _small(rng, dtype, _sizes_after(case))
            wanted = _gradients(case, x, w, g)
            bounds = _gradients(case, np.abs(x), np.abs(w), np.abs(g))
            k = 0 if of_input else 1
            yield Call(
                _label(case),
                name,
                [room(wanted[k].shape, dtype)],
                [lay(g, dtype), lay((w, x)[k], dtype)],
                [wanted[k]],
                _attrs(case),
                _ulps(dtype),
                bounds[k],
            )

    return calls


KERNELS = [
    Kernel("matmul", "products", (*INTEGERS, *FLOATS, *COMPLEX), _matmul),
    Kernel("dot", "products", (*INTEGERS, *FLOATS, *COMPLEX), _dot),
    Kernel("linear", "products", FLOATS, _linear),
    Kernel("convolution", "products", FLOATS, _convolution),
    Kernel("convolution_input_grad", "products", FLOATS, _gradient(True)),
    Kernel("convolution_weight_grad", "products", FLOATS, _gradient(False)),
]
