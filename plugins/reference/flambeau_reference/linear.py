"""Matrix products, convolutions and their gradients."""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .dtypes import INEXACT, NUMBERS, inputs, store


def matmul(call: Any) -> None:
    a, b, c = inputs(call)
    alpha, beta = (
        z if a.dtype.kind == "c" else a.dtype.type(z.real)
        for z in (call.c(0), call.c(1))
    )
    values = alpha * np.matmul(a, b)
    if c is not None:
        values = values + beta * c
    store(call.outputs[0], call.dtypes[0], values)


def dot(call: Any) -> None:
    store(call.outputs[0], call.dtypes[0], np.dot(*inputs(call)))


# ---- convolution: x [n, g·c, *in], w [g·o, c, *k], y [n, g·o, *out] ------------------
class Spec(NamedTuple):
    """The attributes of a convolution."""

    stride: list[int]
    padding: list[int]
    dilation: list[int]
    groups: int
    transposed: int

    @classmethod
    def of(cls, call: Any) -> Spec:
        return cls(call.ints(0), call.ints(1), call.ints(2), call.i(3), call.i(4))


def windows(x: Any, kernel: tuple[int, ...], size: tuple[int, ...], s: Spec) -> Any:
    """Of x padded with zeros what each place of an output of `size` sees:
    [g, n, *out, c, *k]."""
    needed = [
        max(i + p, (o - 1) * t + (k - 1) * d + 1)
        for i, p, o, t, k, d in zip(
            x.shape[2:], s.padding, size, s.stride, kernel, s.dilation, strict=True
        )
    ]
    padded = np.zeros((*x.shape[:2], *needed), x.dtype)
    inside = tuple(slice(p, p + i) for p, i in zip(s.padding, x.shape[2:], strict=True))
    padded[(..., *inside)] = x
    n, c = x.shape[0], x.shape[1] // s.groups
    by_n, by_c, *by = padded.strides
    return as_strided(
        padded,
        (s.groups, n, *size, c, *kernel),
        (
            by_c * c,
            by_n,
            *(b * t for b, t in zip(by, s.stride, strict=True)),
            by_c,
            *(b * d for b, d in zip(by, s.dilation, strict=True)),
        ),
    )


def grouped(y: Any, groups: int) -> Any:
    """[n, g·o, *out] as matrices [g, n·out, o]."""
    n, channels = y.shape[:2]
    y = y.reshape(n, groups, channels // groups, -1).transpose(1, 0, 3, 2)
    return y.reshape(groups, -1, channels // groups)


def correlate(x: Any, w: Any, size: tuple[int, ...], s: Spec) -> Any:
    """The convolution itself."""
    seen = windows(x, w.shape[2:], size, s)
    outs = w.shape[0] // s.groups
    weights = w.reshape(s.groups, outs, -1)
    rows = seen.reshape(s.groups, -1, weights.shape[2])
    y = np.matmul(rows, weights.transpose(0, 2, 1))
    y = y.reshape(s.groups, x.shape[0], -1, outs).transpose(1, 0, 3, 2)
    return y.reshape(x.shape[0], w.shape[0], *size)


def spread(y: Any, w: Any, size: tuple[int, ...], s: Spec) -> Any:
    """Its gradient to x: each element of y goes back to where its window was."""
    n, groups, kernel, out = y.shape[0], s.groups, w.shape[2:], y.shape[2:]
    c = w.shape[1]
    weights = w.reshape(groups, w.shape[0] // groups, -1)
    parts = np.matmul(grouped(y, groups), weights)
    parts = parts.reshape(groups, n, *out, c, *kernel)
    parts = np.moveaxis(parts, 2 + len(out), 2)  # [g, n, c, *out, *k]
    spans = [
        max(i + p, (o - 1) * t + (k - 1) * d + 1)
        for i, p, o, t, k, d in zip(
            size, s.padding, out, s.stride, kernel, s.dilation, strict=True
        )
    ]
    x = np.zeros((groups, n, c, *spans), parts.dtype)
    for place in product(*map(range, kernel)):
        at = tuple(
            slice(k * d, k * d + (o - 1) * t + 1, t)
            for k, d, o, t in zip(place, s.dilation, out, s.stride, strict=True)
        )
        x[(..., *at)] += parts[(..., *place)]
    inside = tuple(slice(p, p + i) for p, i in zip(s.padding, size, strict=True))
    x = x[(..., *inside)].swapaxes(0, 1)
    return x.reshape(n, groups * c, *size)


def weigh(y: Any, x: Any, kernel: tuple[int, ...], s: Spec) -> Any:
    """Its gradient to w."""
    seen = windows(x, kernel, y.shape[2:], s)
    by_output = grouped(y, s.groups)
    rows = seen.reshape(s.groups, by_output.shape[1], -1)
    w = np.matmul(by_output.transpose(0, 2, 1), rows)
    return w.reshape(y.shape[1], x.shape[1] // s.groups, *kernel)


def convolution(call: Any) -> None:
    """Transposed, it is the gradient to the input of a convolution with the same w."""
    (x, w, bias), out, s = inputs(call), call.outputs[0], Spec.of(call)
    y = (spread if s.transposed else correlate)(x, w, out.shape[2:], s)
    if bias is not None:
        y = y + bias.reshape(-1, *[1] * len(s.stride))
    store(out, call.dtypes[0], y)


def convolution_input_grad(call: Any) -> None:
    (g, w), out, s = inputs(call), call.outputs[0], Spec.of(call)
    x = (correlate if s.transposed else spread)(g, w, out.shape[2:], s)
    store(out, call.dtypes[0], x)


def convolution_weight_grad(call: Any) -> None:
    (g, x), out, s = inputs(call), call.outputs[0], Spec.of(call)
    if s.transposed:
        g, x = x, g
    store(out, call.dtypes[0], weigh(g, x, out.shape[2:], s))


KERNELS = {
    "matmul": (matmul, NUMBERS),
    "dot": (dot, NUMBERS),
    "convolution": (convolution, INEXACT),
    "convolution_input_grad": (convolution_input_grad, INEXACT),
    "convolution_weight_grad": (convolution_weight_grad, INEXACT),
}
