"""A device with a bug: the reference device, one of whose kernels is wrapped by what is
planted. It stands for a vendor's kernels with the mistakes that such kernels have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

Kernel = Callable[[Any], object]
Bug = Callable[[Kernel, Any], object]


class Altered:
    """A call with other operands."""

    def __init__(self, call: Any, **other: Any) -> None:
        self._call = call
        self.__dict__.update(other)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)


def inputs(call: Any, change: Callable[[Any], Any]) -> Altered:
    """The call with each array among its inputs changed."""
    changed = tuple(x if x is None else change(x) for x in call.inputs)
    return Altered(call, inputs=changed)


# ---- bugs: each runs the right kernel wrongly ----------------------------------------
def wrong_stride(run: Kernel, call: Any) -> None:
    """Reads the operands as if they were dense."""

    def dense(x: Any) -> Any:
        if x.ndim == 0 or 0 in x.strides or x.size == 0:
            return x
        steps = np.cumprod([1, *x.shape[:0:-1]])[::-1] * x.itemsize
        return as_strided(x, x.shape, steps)

    run(inputs(call, dense))


def missed_broadcast(run: Kernel, call: Any) -> None:
    """Finds the value of a broadcast operand at its first place only."""

    def first_alone(x: Any) -> Any:
        x, steps = x.copy(), x.strides
        for dim, step in enumerate(steps):
            if step == 0 and x.shape[dim] > 1:
                np.moveaxis(x, dim, 0)[1:] = 0
        return x

    run(inputs(call, first_alone))


def off_by_one(run: Kernel, call: Any) -> None:
    """Leaves out the last element of what is reduced."""
    (out,) = call.outputs
    keep = tuple(
        slice(-1) if step == 0 and size > 1 else slice(None)
        for step, size in zip(out.strides, out.shape, strict=True)
    )
    run(Altered(call, outputs=(out[keep],), inputs=(call.inputs[0][keep],)))


def dropped_nan(run: Kernel, call: Any) -> None:
    """Takes the operand that is a number where the other is not."""
    run(call)
    (out,) = call.outputs
    if out.dtype.kind == "f":
        np.fmax(*call.inputs, out=out)


def overrun(run: Kernel, call: Any) -> None:
    """Writes whole vectors of four, beyond an end that is no multiple of it."""
    run(call)
    (out,) = call.outputs
    if out.ndim == 1 and out.size % 4 and out.strides == (out.itemsize,):
        beyond = as_strided(out, (out.size + 1,), out.strides)
        beyond[-1] = out[-1]


def wrong_wrap(run: Kernel, call: Any) -> None:
    """Counts negative indices from one before the end."""
    sizes = call.ints(0)
    first = 0 if call.op == "index_put" else 1
    given = list(call.inputs)
    for k, n in enumerate(sizes, first):
        given[k] = np.where(given[k] < 0, np.maximum(given[k] - 1, -n), given[k])
    run(Altered(call, inputs=tuple(given)))


def saturating_cast(run: Kernel, call: Any) -> None:
    """Rounds where C cuts off."""
    (x,), (out,) = call.inputs, call.outputs
    rounds = x.dtype.kind == "f" and out.dtype.kind in "iu"
    run(inputs(call, np.rint) if rounds and "bfloat16" not in call.dtypes else call)


def exclusive_scan(run: Kernel, call: Any) -> None:
    """Sums what comes before an element, without the element."""
    run(call)
    (x,), (out,) = call.inputs, call.outputs
    if "bfloat16" not in call.dtypes:
        out -= x


def unstable_sort(run: Kernel, call: Any) -> None:
    """Turns the order of equal elements around."""
    (x,) = call.inputs
    dim = call.i(0)
    if x.ndim == 0:
        run(call)
        return
    values, index = call.outputs
    run(Altered(call, inputs=(np.flip(x, dim),)))
    index[...] = x.shape[dim] - 1 - index
    assert values.shape == index.shape


def last_wins(run: Kernel, call: Any) -> None:
    """Scatter: of two additions to one place the last wins."""
    if call.i(1) != 1:
        run(call)
        return
    index, source = call.inputs
    (out,) = call.outputs
    before = np.take_along_axis(out, index, call.i(0))
    np.put_along_axis(out, index, (before + source).astype(out.dtype), call.i(0))


def ignored_beta(run: Kernel, call: Any) -> None:
    """Adds the third operand as it is."""

    def c(k: int) -> complex:
        return 1 + 0j if k == 1 and call.c(1) else complex(call.c(k))

    run(Altered(call, c=c))


def no_padding(run: Kernel, call: Any) -> None:
    """Forgets the dilation of a convolution's window: takes neighbours."""
    dilation = call.ints(2)
    if max(dilation) == 1:
        run(call)
        return
    x, w, bias = call.inputs
    (out,) = call.outputs
    run(call)
    out[..., -1] += 1
    assert x.ndim == w.ndim, bias


def ignored_offset(run: Kernel, call: Any) -> None:
    """Random numbers that hang on the seed alone."""
    last = call.n_attr - 1
    run(Altered(call, i=lambda k: 0 if k == last else call.i(k)))


def wrong_gelu(call: Any) -> None:
    """A fused kernel that is another function."""
    x, out = call.inputs[0], call.outputs[0]
    out[...] = x / (1 + np.exp(-1.6 * x))


def wrong_slope(call: Any) -> None:
    """The gradient of relu for that of gelu."""
    g, x = call.inputs
    call.outputs[0][...] = np.where(x > 0, g, 0)


@contextmanager
def planted(device: Any, kernel: str, bug: Bug) -> Iterator[None]:
    """The device with a bug in one of its kernels."""
    device.bugs[kernel] = bug
    try:
        yield
    finally:
        device.bugs.clear()


def make(base: type) -> Any:
    """A device of its own type, whose kernels look up what is planted at each call."""

    class Planted(base):  # type: ignore[misc, valid-type]
        name = device_type = "planted"

        def __init__(self) -> None:
            self.bugs: dict[str, Bug] = {}

        def kernel(self, op: str) -> Any:
            found = super().kernel(op)
            if found is None:
                return _FUSED.get(op) and (self._fused(op), ("float32", "float64"))
            run, dtypes = found

            def wrapped(call: Any) -> None:
                bug = self.bugs.get(op)
                if bug is None:
                    run(call)
                else:
                    bug(run, call)

            return wrapped, dtypes

        def _fused(self, op: str) -> Kernel:
            def wrapped(call: Any) -> None:
                if op not in self.bugs:
                    raise NotImplementedError(op)
                _FUSED[op](call)

            return wrapped

    return Planted()


_FUSED = {"gelu": wrong_gelu, "gelu_backward": wrong_slope}
