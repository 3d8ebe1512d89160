"""Matrix products and convolutions, which share their tiles."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pyopencl as cl

from ..device import SOURCES, Device
from ..dtypes import FLOATS, INTS, accumulator, defines, dtype
from ..launch import LIMIT, Plan, index_type

TILE = 64

_EMPTY: Any = object()


def _source(name: str, file: str, tensors: int, more: str) -> str:
    sums = accumulator(name)
    floating = dtype(name).kind == "f"
    plain = sums == dtype(name).stored
    add = "fma(a, b, c)" if floating else "((a) * (b) + (c))"
    text = [
        defines("O", name),
        defines("A", name),
        f"#define T {sums}\n#define T16 {sums}16\n#define NUMBER "
        f"{'fnum' if floating else 'inum'}\n",
        f"#define MULTIPLY_ADD(a, b, c) {add}\n",
        f"#define TILE_K {16 if sums in ('double', 'long') else 32}\n",
        f"#define TENSORS {tensors}\n#define LOAD16(at) vload16(0, at)\n{more}",
        "#define PLAIN\n" if plain else "",
        (SOURCES / file).read_text(),
        (SOURCES / "product.cl").read_text(),
    ]
    return "".join(text)


def _buffers(tensors: int, more: str = "") -> str:
    names = ", ".join(f"global char* b{k}" for k in range(tensors))
    return f"#define BUFFERS {names}{more}\n"


def _tiles(m: int, n: int, batches: int) -> tuple[int, int, int]:
    return -(-n // TILE) * TILE, -(-m // TILE), batches


# ---- matmul --------------------------------------------------------------------------
def _matmul_plan(device: Device, out: Any, inputs: list[Any]) -> Any:
    batches, m, n = out.shape
    k = inputs[0].shape[2]
    if not batches * m * n:
        return _EMPTY
    if max(m, n, k) >= LIMIT:
        raise NotImplementedError("matmul: more than 2^31 rows or columns")
    name, tensors = out.dtype, 1 + len(inputs)
    more = _buffers(tensors) + ("#define WITH_C\n" if tensors == 4 else "")
    kernel = device.kernel(
        ("matmul", name, tensors),
        lambda: _source(name, "matmul.cl", tensors, more),
        "product",
    )
    strides = [o.strides for o in inputs] + [(0, 0, 0)] * (3 - len(inputs))
    tail = struct.pack("<12q", *(x for s in (*strides, out.strides) for x in s))
    tail += struct.pack("<4i", m, n, k, 0)
    floats = "2d" if device.fp64 else "f4xf4x"
    head = f"{tensors}q" + (floats if dtype(name).kind == "f" else "2q")
    return Plan(device, kernel, head, tail, _tiles(m, n, batches), (TILE, 1, 1))


def matmul(call: Any) -> None:
    """alpha a b + beta c."""
    device, out = call.device, call.outputs[0]
    inputs = [o for o in call.inputs if o is not None]
    strides = tuple(o.strides for o in inputs)
    key = ("matmul", out.dtype, out.shape, out.strides, inputs[0].shape, strides)
    plan = device.plans.get(key)
    if plan is None:
        plan = device.plans[key] = _matmul_plan(device, out, inputs)
    if plan is not _EMPTY:
        numbers = call.c(0).real, call.c(1).real
        if dtype(out.dtype).kind != "f":
            numbers = int(numbers[0]), int(numbers[1])
        plan.run([out.address, *(o.address for o in inputs)], numbers)


# ---- convolution ---------------------------------------------------------------------
def _three(values: Any, fill: int) -> tuple[int, ...]:
    """Three spatial dimensions, those in front filled up."""
    return (*(fill,) * (3 - len(values)), *values)


class Geometry:
    """A convolution in three dimensions, as the kernel has it."""

    def __init__(self, call: Any) -> None:
        out, x, w = call.outputs[0], call.inputs[0], call.inputs[1]
        self.stride = _three(call.ints(0), 1)
        self.padding = _three(call.ints(1), 0)
        self.dilation = _three(call.ints(2), 1)
        self.groups, self.transposed = call.i(3), bool(call.i(4))
        self.in_size = _three(x.shape[2:], 1)
        self.out_size = _three(out.shape[2:], 1)
        self.window = _three(w.shape[2:], 1)
        self.x = (*x.strides[:2], *_three(x.strides[2:], 0))
        self.out = (*out.strides[:2], *_three(out.strides[2:], 0))
        self.w = (*w.strides[:2], *_three(w.strides[2:], 0))
        self.images = out.shape[0]
        self.outs = out.shape[1] // self.groups
        self.channels = x.shape[1] // self.groups
        if any(index_type(o.shape, [o.strides]) == "long" for o in (out, x, w)):
            raise NotImplementedError("convolution: more than 2^31 elements")

    @property
    def strided_back(self) -> bool:
        """Whether only some places of the input are filled."""
        return self.transposed and self.stride != (1, 1, 1)

    @property
    def masked(self) -> bool:
        """Whether the places of the window fit into one mask."""
        return not self.strided_back and math.prod(self.window) <= 64

    def table(self) -> np.ndarray[Any, Any]:
        """What convolution.cl wants to know of each k."""
        c, z, y, x = np.meshgrid(
            np.arange(self.channels),
            *(np.arange(n) for n in self.window),
            indexing="ij",
        )
        channel_step = self.w[0] if self.transposed else self.w[1]
        weight = c * channel_step + z * self.w[2] + y * self.w[3] + x * self.w[4]
        sign = -1 if self.transposed else 1
        places = [sign * d * p for d, p in zip(self.dilation, (z, y, x), strict=True)]
        from_x = c * self.x[1]
        if not self.strided_back:
            from_x = from_x + sum(
                p * s for p, s in zip(places, self.x[2:], strict=True)
            )
        taps = np.broadcast_to(
            np.arange(math.prod(self.window)).reshape(self.window), c.shape
        )
        return np.stack([weight, from_x, *places, taps]).astype(np.int32)

    def tail(self) -> bytes:
        """The struct after the offsets."""
        step: tuple[int, ...]
        back: tuple[int, ...]
        if self.transposed:  # w is [c, o, ...], and out + padding is where in began
            rows, group = self.w[1], self.channels * self.w[0]
            step, back, origin = (1, 1, 1), self.stride, self.padding
        else:
            rows, group = self.w[0], self.outs * self.w[0]
            step, back = self.stride, (1, 1, 1)
            origin = tuple(-p for p in self.padding)
        m, n, k = self.sizes
        return struct.pack("<10q", *self.x, *self.out) + struct.pack(
            "<5q15i5i",
            rows,
            group,
            self.channels * self.x[1],
            self.outs * self.out[1],
            self.bias_step,
            *self.in_size,
            *self.out_size,
            *step,
            *origin,
            *back,
            0, m, n, k, math.prod(self.window),
        )  # fmt: skip

    bias_step = 0

    @property
    def sizes(self) -> tuple[int, int, int]:
        """m, n, k of the product of one group of channels."""
        n = self.images * math.prod(self.out_size)
        return self.outs, n, self.channels * math.prod(self.window)


class Convolution:
    """A plan and the table that goes with it."""

    def __init__(self, device: Device, call: Any) -> None:
        g = Geometry(call)
        name, bias = call.outputs[0].dtype, call.inputs[2]
        tensors = 3
        more = "#define STRIDED_BACK\n" if g.strided_back else ""
        if g.masked:
            more += "#define MASKED\n"
        if bias is not None:
            tensors, g.bias_step = 4, bias.strides[0]
            more += "#define WITH_BIAS\n"
        more += _buffers(tensors, ", global const int* tables")
        kernel = device.kernel(
            ("convolution", name, tensors, g.strided_back, g.masked),
            lambda: _source(name, "convolution.cl", tensors, more),
            "product",
        )
        m, n, _ = g.sizes
        table = g.table()
        self.table = device.buffer(max(table.nbytes, 4))
        cl.enqueue_copy(device.queue, self.table, table, is_blocking=True)
        size = _tiles(m, n, g.groups)
        self.plan = Plan(device, kernel, f"{tensors}q", g.tail(), size, (TILE, 1, 1))


def convolution(call: Any) -> None:
    """Plain and transposed, one to three dimensions."""
    device, out, inputs = call.device, call.outputs[0], call.inputs
    present = [out, *(o for o in inputs if o is not None)]
    shapes = tuple((o.shape, o.strides) for o in present)
    spec = tuple(tuple(call.ints(k)) for k in range(3))
    key = ("convolution", out.dtype, shapes, spec, call.i(3), call.i(4))
    found = device.plans.get(key)
    if found is None:
        empty = 0 in out.shape
        found = device.plans[key] = _EMPTY if empty else Convolution(device, call)
    if found is not _EMPTY:
        found.plan.run([o.address for o in present], (), (found.table,))


def kernels() -> dict[str, tuple[Callable[[Any], None], tuple[str, ...]]]:
    """All kernels of this file with their dtypes."""
    return {
        "matmul": (matmul, (*INTS, *FLOATS)),
        "convolution": (convolution, FLOATS),
    }
