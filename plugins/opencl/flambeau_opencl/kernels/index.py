"""gather, scatter, index and index_put: one template reads, one writes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from ..device import SOURCES, Device, op_number
from ..dtypes import ALL, Dtype, defines, dtype
from ..launch import Loop, Plan, walk
from .pointwise import numbers_head

SET = 0
# What scatter's modes do to x, the element that is there.
COMBINE = {
    1: "x + v",
    2: "x * v",
    3: "!(x >= v) && x == x ? v : x",
    4: "!(x <= v) && x == x ? v : x",
}
COMBINE_BOOL = {1: "x | v", 2: "x & v", 3: "x | v", 4: "x & v"}

_EMPTY: Any = object()


def _words(d: Dtype) -> str:
    """How an element of 4 or 8 bytes becomes a word for an exchange, and back."""
    if d.size < 4:
        return ""
    word = "uint" if d.size == 4 else "ulong"
    return f"#define FROM_WORD(w) as_{d.stored}(w)\n#define TO_WORD(v) as_{word}(v)\n"


class Access:
    """One way of reading or writing at indices, for the shapes of one call."""

    def __init__(self, op: str, name: str, mode: int | None, wrap: bool) -> None:
        self.op, self.name, self.mode, self.wrap = op, name, mode, wrap

    def plan(
        self,
        device: Device,
        loop: Loop,
        scalar: bool,
        indices: int,
        where: tuple[list[int], list[int]],
    ) -> Plan:
        """The plan; `where` has sizes and strides of the indexed dimensions."""
        d = dtype(self.name)
        if self.mode and d.size == 8 and not device.atomics64:
            raise NotImplementedError(f"{self.op}: no 64-bit atomics on this device")
        key = (self.op, self.name, self.mode, loop.key, scalar, indices)
        kernel = device.kernel(
            key,
            lambda: self._source(loop, scalar, indices),
            "take" if self.mode is None else "put",
        )
        tensors = loop.tensors
        head = f"{tensors}q" + numbers_head((self.name,), [scalar], device)
        tail = struct.pack(f"<{2 * indices}q", *where[0], *where[1]) + loop.tail()
        return Plan(device, kernel, head, tail, (loop.items,))

    def _source(self, loop: Loop, scalar: bool, indices: int) -> str:
        tensors, d = loop.tensors, dtype(self.name)
        number = "fnum" if d.kind == "f" else "inum"
        held = f"{number} v;" if scalar else ""
        reads = self.mode is None
        text = [
            defines("O", self.name),
            _words(d),
            walk("WALK", loop.rank, tensors),
            f"#define O_SIZE {d.size}\n",
            f"typedef struct {{ long o[{tensors}]; {held} long sizes[{indices}], ",
            f"steps[{indices}]; {loop.declare()} }} params;\n",
        ]
        if self.mode:
            table = COMBINE_BOOL if d.kind == "b" else COMBINE
            text.append(f"#define COMBINE(x, v) ({table[self.mode]})\n")
            text.append((SOURCES / "atomic.cl").read_text())
        buffers = ", ".join(f"global char* b{k}" for k in range(tensors))
        statements = self._place(1 if reads else 0, tensors - indices, tensors)
        statements += self._move(scalar)
        text.append(
            f"kernel void {'take' if reads else 'put'}(const params p, {buffers},"
            f" global volatile int* flag) {{\n{loop.body(statements, False)}}}\n"
        )
        return "".join(text)

    def _place(self, operand: int, first: int, end: int) -> str:
        """Statements that find the place in an operand; the indices are first..end."""
        text = f"    long place = at{operand};\n"
        wrap = "if (x < 0) x += p.sizes[{0}]; " if self.wrap else ""
        for n, k in enumerate(range(first, end)):
            text += (
                f"    {{ long x = ((global const long*)(b{k} + p.o[{k}]))[at{k}]; "
                f"{wrap.format(n)}if (x < 0 || x >= p.sizes[{n}]) {{ complain(flag, "
                f"BAD_INDEX, {op_number(self.op)}); continue; }} "
                f"place += x * p.steps[{n}]; }}\n"
            )
        return text

    def _move(self, scalar: bool) -> str:
        """The statement that moves one element, bits as they are where that will do."""
        out = "(global O_S*)(b0 + p.o[0])"
        if self.mode is None:
            source = "((global const O_S*)(b1 + p.o[1]))[place]"
            return f"    ({out})[at0] = {source};\n"
        value = "p.v.v" if scalar else "O_LD((global const O_S*)(b1 + p.o[1]), at1)"
        if self.mode == SET:
            return f"    O_ST({out}, place, {value});\n"
        return f"    combine_at(b0 + p.o[0], place, (O_C)({value}));\n"


def _launch(
    call: Any,
    key: tuple[Any, ...],
    operands: list[Any],
    scalar: Any,
    prepare: Callable[[], Any],
) -> None:
    device = call.device
    plan = device.plans.get(key)
    if plan is None:
        plan = device.plans[key] = prepare()
    if plan is not _EMPTY:
        device.suspect = True
        numbers = () if scalar is None else (scalar,)
        plan.run([o.address for o in operands], numbers, (device.flag,))


def _without(strides: tuple[int, ...], dim: int) -> tuple[int, ...]:
    return (*strides[:dim], 0, *strides[dim + 1 :])


def gather(call: Any) -> None:
    """out[i] = a[i, but index[i] along dim]."""
    out, (a, index) = call.outputs[0], call.inputs
    key: tuple[Any, ...] = (
        "gather",
        out.dtype,
        index.shape,
        a.shape,
        a.strides,
        out.strides,
    )
    key += (index.strides, call.i(0))

    def prepare() -> Any:
        dim = call.i(0) % len(a.shape)
        strides = [out.strides, _without(a.strides, dim), index.strides]
        loop = Loop(call.device, index.shape, strides)
        if not loop.numel:
            return _EMPTY
        where = [a.shape[dim]], [a.strides[dim]]
        access = Access("gather", out.dtype, None, False)
        return access.plan(call.device, loop, False, 1, where)

    _launch(call, key, [out, a, index], None, prepare)


def scatter(call: Any) -> None:
    """out[i, but index[i] along dim] op= src[i]."""
    out, (index, src) = call.outputs[0], call.inputs
    scalar = src.value is not None
    source = [] if scalar else [src]
    key: tuple[Any, ...] = (
        "scatter",
        out.dtype,
        index.shape,
        out.shape,
        out.strides,
        index.strides,
    )
    key += (None if scalar else src.strides, call.i(0), call.i(1))

    def prepare() -> Any:
        dim = call.i(0) % len(out.shape)
        strides = [_without(out.strides, dim), *(s.strides for s in source)]
        loop = Loop(call.device, index.shape, [*strides, index.strides])
        if not loop.numel:
            return _EMPTY
        where = [out.shape[dim]], [out.strides[dim]]
        access = Access("scatter", out.dtype, call.i(1), False)
        return access.plan(call.device, loop, scalar, 1, where)

    _launch(call, key, [out, *source, index], src.value, prepare)


def _many(call: Any, out: Any, other: Any, indices: Any, mode: int | None) -> None:
    """index and index_put; out and other as strided over out's sizes."""
    sizes, steps = tuple(call.ints(0)), tuple(call.ints(1))
    scalar = other.value is not None
    operands = [out, *([] if scalar else [other]), *indices]
    key: tuple[Any, ...] = (call.op, call.dtypes, out.shape, sizes, steps, mode)
    key += tuple(None if o.value is not None else o.strides for o in operands)

    def prepare() -> Any:
        loop = Loop(call.device, out.shape, [o.strides for o in operands])
        if not loop.numel:
            return _EMPTY
        access = Access(call.op, out.dtype, mode, True)
        where = list(sizes), list(steps)
        return access.plan(call.device, loop, scalar, len(indices), where)

    _launch(call, (*key, scalar), operands, other.value, prepare)


def index(call: Any) -> None:
    """out = self at the indices."""
    _many(call, call.outputs[0], call.inputs[0], call.inputs[1:], None)


def index_put(call: Any) -> None:
    """out at the indices = values, or += values."""
    values = call.inputs[-1]
    mode = 1 if call.i(2) else SET
    _many(call, call.outputs[0], values, call.inputs[:-1], mode)


def kernels() -> dict[str, tuple[Callable[[Any], None], tuple[str, ...]]]:
    """All kernels of this file with their dtypes (scatter's first operand: int64)."""
    return {
        "gather": (gather, ALL),
        "scatter": (scatter, ("int64",)),
        "index": (index, ALL),
        "index_put": (index_put, ALL),
    }
