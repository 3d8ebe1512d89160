"""Along one dimension: argmax, argmin, cumsum, cumprod, sort."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from ..device import SOURCES, Device
from ..dtypes import ALL, FLOATS, INTS, accumulator, defines, dtype
from ..launch import LIGHT, LIMIT, Plan, Strides
from .reduce import Nests

LONG_LINE = 256  # elements; a shorter line is the work of one item
MANY = 1024  # lines; as many keep all units busy with one item each
RUN = 16  # of the runs that sort.cl begins with

BETTER = {
    "argmax": "((a) > (b) || ((a) != (a) && (b) == (b)))",
    "argmin": "((a) < (b) || ((a) != (a) && (b) == (b)))",
}
SCANS = {"cumsum": ("0", "(a) + (b)"), "cumprod": ("1", "(a) * (b)")}
BEFORE = {
    False: "((a) < (b) || ((b) != (b) && (a) == (a)))",
    True: "((a) > (b) || ((a) != (a) && (b) == (b)))",
}

_EMPTY: Any = object()


def _nests(shape: Strides, dim: int, out: Strides, inputs: list[Strides]) -> Nests:
    dim %= len(shape)
    return Nests(shape, tuple(d == dim for d in range(len(shape))), out, inputs)


def _struct(device: Device, nests: Nests, tensors: int) -> str:
    return (
        f"#define GROUP {device.group}\n{nests.declare()}"
        f"typedef struct {{ long o[{tensors}]; uint outs, count; NESTS }} params;\n"
    )


def _along_source(device: Device, op: str, names: tuple[str, ...], nests: Nests) -> str:
    text = defines("O", names[0]) + defines("A", names[1]) + _struct(device, nests, 2)
    if op in BETTER:
        text += f"#define BETTER(a, b) {BETTER[op]}\n"
    else:
        init, combine = SCANS[op]
        text += f"#define ACC {accumulator(names[1])}\n#define INIT ((ACC){init})\n"
        text += f"#define COMBINE(a, b) ({combine})\n"
    return text + (SOURCES / "along.cl").read_text()


def _prepare_along(call: Any) -> Any:
    device, op, out, a = call.device, call.op, call.outputs[0], call.inputs[0]
    names = tuple(call.dtypes)
    inputs = [a.strides] if op in BETTER else [out.strides, a.strides]
    nests = _nests(a.shape, call.i(0), out.strides, inputs)
    if not nests.outs or not nests.count:
        return _EMPTY
    by_item = nests.count <= LONG_LINE or nests.outs >= MANY
    kernel = device.kernel(
        ("along", op, names, nests.key),
        lambda: _along_source(device, op, names, nests),
        "by_item" if by_item else "by_group",
    )
    tail = struct.pack("<2I", nests.outs, nests.count) + nests.tail()
    items = nests.outs if by_item else nests.outs * device.group
    return Plan(device, kernel, "2q", tail, (items,))


def along(call: Any) -> None:
    """argmax, argmin, cumsum, cumprod."""
    device, out, a = call.device, call.outputs[0], call.inputs[0]
    key = (call.op, call.dtypes, a.shape, out.strides, a.strides, call.i(0))
    plan = device.plans.get(key)
    if plan is None:
        plan = device.plans[key] = _prepare_along(call)
    if plan is not _EMPTY:
        plan.run((out.address, a.address))


class Sorting:
    """The kernels of one sort, and the sizes of the buffers between them."""

    def __init__(self, device: Device, names: tuple[str, ...], nests: Nests,
                 descending: bool) -> None:  # fmt: skip
        self.numel = nests.outs * nests.count
        if self.numel >= LIMIT:
            raise NotImplementedError("opencl: more than 2^31 elements")
        self.device, self.size = device, dtype(names[2]).size

        def source() -> str:
            return (
                defines("A", names[2])
                + _struct(device, nests, 3)
                + f"#define BEFORE(a, b) {BEFORE[descending]}\n"
                + (SOURCES / "sort.cl").read_text()
            )

        key = ("sort", names, nests.key, descending)
        tail = struct.pack("<2I", nests.outs, nests.count) + nests.tail()
        runs = -(-nests.count // RUN)
        load, merge, store = (
            device.kernel(key, source, n)
            for n in ("load_runs", "merge_runs", "store_line")
        )
        self.load = Plan(device, load, "3q", tail, (nests.outs * runs,))
        self.store = Plan(device, store, "3q", tail, (self.numel,), LIGHT)
        self.merges, width = [], RUN
        while width < nests.count:
            sizes = struct.pack("<4I", nests.outs, nests.count, width, 0)
            self.merges.append(Plan(device, merge, "", sizes, (self.numel,), LIGHT))
            width *= 2

    def run(self, addresses: tuple[int, ...]) -> None:
        """Queue all of them."""
        device = self.device
        with device.lock:  # nobody else may have the buffers meanwhile
            keys = [device.scratch(f"keys{k}", self.numel * self.size) for k in (0, 1)]
            places = [device.scratch(f"places{k}", self.numel * 4) for k in (0, 1)]
            self.load.run(addresses, (), (keys[0], places[0]))
            for merge in self.merges:
                merge.run((), (), (keys[0], places[0], keys[1], places[1]))
                keys.reverse()
                places.reverse()
            self.store.run(addresses, (), (keys[0], places[0]))


def sort(call: Any) -> None:
    """Values and positions, stable."""
    device, a = call.device, call.inputs[0]
    values, places = call.outputs
    key: tuple[Any, ...] = (
        "sort",
        call.dtypes,
        a.shape,
        a.strides,
        values.strides,
        places.strides,
    )
    key += (call.i(0), call.i(1))
    plan = device.plans.get(key)
    if plan is None:
        strides = [a.strides, values.strides, places.strides]
        nests = _nests(a.shape, call.i(0), values.strides, strides)
        if nests.outs and nests.count:
            plan = Sorting(device, tuple(call.dtypes), nests, bool(call.i(1)))
        else:
            plan = _EMPTY
        device.plans[key] = plan
    if plan is not _EMPTY:
        plan.run((values.address, places.address, a.address))


def kernels() -> dict[str, tuple[Callable[[Any], None], tuple[str, ...]]]:
    """All kernels of this file with their dtypes."""
    return {
        "argmax": (along, ALL),
        "argmin": (along, ALL),
        "cumsum": (along, (*INTS, *FLOATS)),
        "cumprod": (along, (*INTS, *FLOATS)),
        "sort": (sort, ALL),
    }
