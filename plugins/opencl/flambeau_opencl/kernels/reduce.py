"""Reductions: sums, products, extremes, truth, counting, and the dot product."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from ..device import SOURCES, Device
from ..dtypes import ALL, FLOATS, INTS, accumulator, defines
from ..functors import REDUCE
from ..launch import (
    LIMIT,
    Plan,
    Strides,
    index_type,
    merge,
    pack_dims,
    pack_strides,
    rank_of,
    walk,
)

LONG_RUN = 64  # elements; a shorter run is the work of one item
MANY = 4096  # outputs; as many keep all units busy with one item each
CHUNK = 8192  # elements that one group reduces at least, when it shares an output
INTEGERS = ("any", "all", "count_nonzero")  # counted in integers, whatever comes in

_EMPTY: Any = object()


class Nests:
    """The two loop nests of a reduction: over its outputs, and over what is reduced."""

    def __init__(
        self,
        shape: tuple[int, ...],
        reduced: tuple[bool, ...],
        out: Strides,
        inputs: list[Strides],
    ) -> None:
        kept = [d for d, gone in enumerate(reduced) if not gone]
        gone = [d for d, gone in enumerate(reduced) if gone]

        def pick(dims: list[int], s: Strides) -> Strides:
            return tuple(s[d] for d in dims)

        self.outs = self.count = 1
        for d in kept:
            self.outs *= shape[d]
        for d in gone:
            self.count *= shape[d]
        if self.outs >= LIMIT or self.count >= LIMIT:
            raise NotImplementedError("opencl: more than 2^31 elements")
        self.kept, kept_strides = merge(
            pick(kept, shape), [pick(kept, s) for s in (out, *inputs)]
        )
        self.along, along_strides = merge(
            pick(gone, shape), [pick(gone, s) for s in inputs]
        )
        # One rank for both: a division more is cheaper than a program more.
        self.ranks = (rank_of(max(len(self.kept), len(self.along))),) * 2
        self.index = index_type(shape, (*inputs,))
        if index_type(self.kept, kept_strides) == "long":
            self.index = "long"
        self._strides = kept_strides, along_strides

    @property
    def key(self) -> tuple[Any, ...]:
        """What a program depends on."""
        return (*self.ranks, self.index)

    def tail(self) -> bytes:
        """Dimensions and strides as `declare` has them."""
        return (
            pack_dims(self.kept, self.ranks[0])
            + pack_dims(self.along, self.ranks[1])
            + pack_strides(self._strides[0], self.ranks[0], self.index)
            + pack_strides(self._strides[1], self.ranks[1], self.index)
        )

    def declare(self) -> str:
        """Macros of the two nests, and the members of the struct that `tail` fills."""
        n, (kept, along) = len(self._strides[1]), self.ranks
        # pack_strides pads to 8 bytes, the compiler must, too.
        pad = "int pad{};" if self.index == "int" else ""
        return (
            f"typedef {self.index} idx;\n"
            + walk("KEPT", kept, n + 1)
            + walk("ALONG", along, n)
            + f"#define NESTS dim kd[{kept}]; dim ad[{along}]; "
            f"idx ks[{n + 1}][{kept}]; "
            f"{pad.format(1) if (n + 1) * kept % 2 else ''} "
            f"idx as[{n}][{along}]; {pad.format(2) if n * along % 2 else ''}\n"
        )


def _source(device: Device, op: str, names: tuple[str, ...], nests: Nests) -> str:
    group, runs = device.group, device.run > 1
    init, each, combine = REDUCE[op]
    n = len(names) - 1
    roles = "AB"[:n]
    acc = "long" if op in INTEGERS else accumulator(names[1])
    last = nests.ranks[1] - 1
    loads = ", ".join(
        f"{r}_LD(b{k + 1}, at[{k}] + (idx)(j) * p.as[{k}][{last}])"
        for k, r in enumerate(roles)
    )
    inputs = [f"global const {r}_S* b{k + 1}" for k, r in enumerate(roles)]
    names_of = [
        f"(global const {r}_S*)(b{k + 1} + p.o[{k + 1}])" for k, r in enumerate(roles)
    ]
    parameters = [f"{r}_C {v}" for r, v in zip(roles, "xy", strict=False)]
    text = [
        defines("O", names[0]),
        *(defines(r, name) for r, name in zip(roles, names[1:], strict=True)),
        f"#define ACC {acc}\n#define INIT ((ACC)({init}))\n#define INPUTS {n}\n",
        f"inline ACC each({', '.join(parameters)}) {{ return {each}; }}\n",
        f"#define GROUP {group}\n{'#define RUNS' if runs else ''}\n",
        f"inline ACC combine(ACC a, ACC b) {{ return {combine}; }}\n",
        f"#define LOADS(j) {loads}\n#define INPUT_POINTERS {', '.join(inputs)}\n",
        f"#define INPUT_POINTER_NAMES {', '.join(f'b{k + 1}' for k in range(n))}\n",
        f"#define ALONG_RANK {nests.ranks[1]}\n",
        f"#define INPUT_NAMES {', '.join(names_of)}\n",
        f"#define BUFFERS {', '.join(f'global char* b{k + 1}' for k in range(n))}\n",
        nests.declare(),
        f"typedef struct {{ long o[{n + 1}]; uint outs, count, splits, chunk; NESTS }}"
        f" params;\n",
        (SOURCES / "reduce.cl").read_text(),
    ]
    return "".join(text)


class Reduction:
    """The kernels that one call takes: one, or two where groups share an output."""

    def __init__(
        self, device: Device, op: str, names: tuple[str, ...], nests: Nests
    ) -> None:
        key = ("reduce", op, names, nests.key)

        def plan(name: str, items: int, splits: int, chunk: int) -> Plan:
            kernel = device.kernel(key, lambda: _source(device, op, names, nests), name)
            counts = struct.pack("<4I", nests.outs, nests.count, splits, chunk)
            return Plan(
                device, kernel, f"{len(names)}q", counts + nests.tail(), (items,)
            )

        self.device, self.parts = device, 0
        self.second: Plan | None = None
        if nests.count <= LONG_RUN or nests.outs >= MANY:
            self.first = plan("by_item", nests.outs, 1, nests.count)
            return
        splits = max(1, min(nests.count // CHUNK, 256 // nests.outs))
        chunk = -(-nests.count // splits)
        self.parts = 8 * nests.outs * splits
        self.first = plan("by_group", nests.outs * splits * device.group, splits, chunk)
        if splits > 1:
            self.second = plan("by_parts", nests.outs, splits, chunk)

    def run(self, addresses: list[int]) -> None:
        """Queue the kernels."""
        if not self.parts:
            self.first.run(addresses)
            return
        with self.device.lock:  # nobody else may have the buffer meanwhile
            parts = (self.device.scratch("reduce", self.parts),)
            self.first.run(addresses, (), parts)
            if self.second is not None:
                self.second.run(addresses, (), parts)


def _reduced(op: str, out: Any, first: Any) -> tuple[tuple[bool, ...], Strides]:
    """Which dimensions go, and the strides of the output over all of them."""
    if op in ("dot", "count_nonzero"):
        return (True,) * len(first.shape), (0,) * len(first.shape)
    gone = tuple(
        s == 0 or n == 1 for s, n in zip(out.strides, first.shape, strict=True)
    )
    return gone, out.strides


def kernel_of(op: str) -> Callable[[Any], None]:
    """The Python kernel of a reduction."""

    def prepare(call: Any) -> Any:
        out, first = call.outputs[0], call.inputs[0]
        reduced, strides = _reduced(op, out, first)
        inputs = [o.strides for o in call.inputs]
        nests = Nests(first.shape, reduced, strides, inputs)
        if not nests.outs:
            return _EMPTY
        return Reduction(call.device, op, tuple(call.dtypes), nests)

    def run(call: Any) -> None:
        device, out, inputs = call.device, call.outputs[0], call.inputs
        strides = tuple(o.strides for o in inputs)
        key = (op, call.dtypes, inputs[0].shape, out.strides, strides)
        plan = device.plans.get(key)
        if plan is None:
            plan = device.plans[key] = prepare(call)
        if plan is not _EMPTY:
            plan.run([out.address, *(o.address for o in inputs)])

    return run


def kernels() -> dict[str, tuple[Callable[[Any], None], tuple[str, ...]]]:
    """All kernels of this file with their dtypes."""
    dtypes = {"amax": ALL, "amin": ALL, "any": ALL, "all": ALL, "count_nonzero": ALL}
    return {op: (kernel_of(op), dtypes.get(op, (*INTS, *FLOATS))) for op in REDUCE}
