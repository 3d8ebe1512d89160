"""Random numbers out of Philox, and the numbers of a sequence."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from ..device import SOURCES, Device
from ..dtypes import ALL, FLOATS, INTS, defines, dtype
from ..launch import LIGHT, LIMIT, Loop, Plan, walk


def _bfloat16(x: float) -> int:
    bits = int(np.float32(x).view(np.uint32))
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


def bounds(name: str, high: float) -> tuple[float, float]:
    """The end of a range as the dtype has it, and the largest number below it."""
    if name == "bfloat16":
        bits = _bfloat16(high)
        below = 0x8001 if bits & 0x7FFF == 0 else bits + (1 if bits >> 15 else -1)
        both = np.array([bits << 16, below << 16], np.uint32).view(np.float32)
        return float(both[0]), float(both[1])
    kind = np.dtype(name).type
    top = kind(high)
    return float(top), float(np.nextafter(top, kind(-np.inf)))


def _plan(device: Device, op: str, name: str, n: int) -> Plan:
    """The kernel of one op for n elements of a dtype."""
    if n >= LIMIT:
        raise NotImplementedError("opencl: more than 2^31 elements")
    integers = op == "randint"
    wide = dtype(name).size == 8

    def source() -> str:
        return (
            defines("O", name)
            + ("#define INTEGERS\n" if integers else "")
            + ("#define WIDE\n" if wide else "")
            + f"#define W {'double' if name == 'float64' else 'float'}\n"
            + (SOURCES / "random.cl").read_text()
        )

    kernel = device.kernel(("random", integers, name), source, op)
    numbers = "2q" if integers else "4d" if device.fp64 else "f4xf4xf4xf4x"
    blocks = -(-n // (2 if wide or integers else 4))
    tail = struct.pack("<I4x", n)
    return Plan(device, kernel, "q2q" + numbers, tail, (blocks,), LIGHT)


def _fetch(call: Any) -> Plan | None:
    """The plan of a call; None when there is nothing to fill."""
    out = call.outputs[0]
    n = 1
    for size in out.shape:
        n *= size
    key = (call.op, out.dtype, n)
    plan = call.device.plans.get(key)
    if plan is None and n:
        plan = call.device.plans[key] = _plan(call.device, call.op, out.dtype, n)
    return plan  # type: ignore[no-any-return]


def uniform(call: Any) -> None:
    """low + u (high - low)."""
    plan = _fetch(call)
    if plan is not None:
        out, low, high = call.outputs[0], call.f(0), call.f(1)
        numbers = (call.i(2), call.i(3), low, high - low, *bounds(out.dtype, high))
        plan.run((out.address,), numbers)


def normal(call: Any) -> None:
    """mean + deviation z."""
    plan = _fetch(call)
    if plan is not None:
        numbers = (call.i(2), call.i(3), call.f(0), call.f(1), 0.0, 0.0)
        plan.run((call.outputs[0].address,), numbers)


def randint(call: Any) -> None:
    """low + words modulo the range, which is unsigned."""
    plan = _fetch(call)
    if plan is not None:
        low = call.i(0)
        span = (call.i(1) - low) % (1 << 64)
        span -= (span >> 63) << 64
        plan.run((call.outputs[0].address,), (call.i(2), call.i(3), low, span))


def _iota_source(name: str, loop: Loop) -> str:
    number = "fnum" if dtype(name).kind == "f" else "inum"
    return (
        defines("O", name)
        + walk("WALK", loop.rank, 1)
        + f"typedef struct {{ long o[1]; {number} start, step; {loop.declare()} }}"
        " params;\n"
        "kernel void iota(const params p, global char* b0) {\n"
        + loop.body(
            f"    const uint at = i * {loop.run} + j;\n"
            "    O_ST((global O_S*)(b0 + p.o[0]), at0, p.start.v + at * p.step.v);\n"
        )
        + "}\n"
    )


def iota(call: Any) -> None:
    """start + i step, in double or int64."""
    device, out = call.device, call.outputs[0]
    floating = dtype(out.dtype).kind == "f"
    key = ("iota", out.dtype, out.shape, out.strides)
    plan = device.plans.get(key)
    if plan is None:
        loop = Loop(device, out.shape, [out.strides])
        if not loop.numel:
            return
        name = out.dtype
        kernel = device.kernel(
            ("iota", name, loop.key),
            lambda: _iota_source(name, loop),
            "iota",
        )
        head = "q2q" if not floating else "q2d" if device.fp64 else "qf4xf4x"
        plan = device.plans[key] = Plan(
            device, kernel, head, loop.tail(), (loop.items,)
        )
    if floating:
        plan.run((out.address,), (call.c(0).real, call.c(1).real))
    else:
        plan.run((out.address,), (call.i(0), call.i(1)))


def kernels() -> dict[str, tuple[Callable[[Any], None], tuple[str, ...]]]:
    """All kernels of this file with their dtypes."""
    return {
        "uniform": (uniform, FLOATS),
        "normal": (normal, FLOATS),
        "randint": (randint, ALL),
        "iota": (iota, (*INTS, *FLOATS)),
    }
