"""Matrix products, convolutions and their gradients."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np

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

    def plane(self, shape: Any, kernel: Any, out: Any, dtype: Any) -> tuple[Any, Any]:
        """Zeros [n, g, c, *spans] wherever windows of a padded x lie, and where in them
        x itself lies."""
        n, channels, *size = shape
        spans = [
            max(i + p, (o - 1) * t + (k - 1) * d + 1)
            for i, p, k, o, t, d in zip(
                size, self.padding, kernel, out, self.stride, self.dilation, strict=True
            )
        ]
        inside = (slice(p, p + i) for p, i in zip(self.padding, size, strict=True))
        grouped = (n, self.groups, channels // self.groups)
        return np.zeros((*grouped, *spans), dtype), (..., *inside)

    def padded(self, x: Any, kernel: Any, out: Any) -> Any:
        """The plane with x in it."""
        plane, inside = self.plane(x.shape, kernel, out, x.dtype)
        plane[inside] = x.reshape(*plane.shape[:3], *x.shape[2:])
        return plane

    def taps(self, kernel: Any, out: Any) -> Iterator[tuple[Any, Any]]:
        """Each place of the kernel, and all places of the plane that it sees."""
        for place in product(*map(range, kernel)):
            at = (
                slice(k * d, k * d + (o - 1) * t + 1, t)
                for k, o, t, d in zip(
                    place, out, self.stride, self.dilation, strict=True
                )
            )
            yield (..., *place), (..., *at)


def correlate(x: Any, w: Any, size: tuple[int, ...], s: Spec) -> Any:
    """The convolution itself."""
    n, c, kernel = len(x), w.shape[1], w.shape[2:]
    plane = s.padded(x, kernel, size)
    w = w.reshape(s.groups, -1, c, *kernel)
    y = 0
    for place, at in s.taps(kernel, size):
        y = y + np.matmul(w[place], plane[at].reshape(n, s.groups, c, -1))
    return np.reshape(y, (n, -1, *size))


def spread(y: Any, w: Any, size: tuple[int, ...], s: Spec) -> Any:
    """Its gradient to x: each element of y goes back to where its window was."""
    n, c, kernel, out = len(y), w.shape[1], w.shape[2:], y.shape[2:]
    x, inside = s.plane((n, c * s.groups, *size), kernel, out, y.dtype)
    w = w.reshape(s.groups, -1, c, *kernel).swapaxes(1, 2)
    y = y.reshape(n, s.groups, w.shape[2], -1)
    for place, at in s.taps(kernel, out):
        x[at] += np.matmul(w[place], y).reshape(n, s.groups, c, *out)
    return x[inside].reshape(n, -1, *size)


def weigh(y: Any, x: Any, kernel: tuple[int, ...], s: Spec) -> Any:
    """Its gradient to w."""
    out = y.shape[2:]
    plane = s.padded(x, kernel, out)
    n, groups, c = plane.shape[:3]
    y = y.reshape(n, groups, y.shape[1] // groups, -1)
    w = np.empty((*y.shape[1:3], c, *kernel), x.dtype)
    for place, at in s.taps(kernel, out):
        seen = plane[at].reshape(n, groups, c, -1).swapaxes(2, 3)
        w[place] = np.matmul(y, seen).sum(0)
    return w.reshape(-1, c, *kernel)


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
