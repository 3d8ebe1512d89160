"""Loops over elements: copies, functions of one to three operands, comparisons.

One program holds all functions of a family for the dtypes, the strides' rank and the
operands' kinds (tensor, or number from the host) of a call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import functors
from ..device import SOURCES, Device, op_number
from ..dtypes import ALL, FLOATS, INTS, defines, dtype
from ..launch import Loop, Plan, walk

ROLES = "ABC"
NAMES = "xyz"

_EMPTY: Any = object()


class Family:
    """One table of functors and the template that they share."""

    def __init__(self, name: str, table: dict[str, functors.Functor]) -> None:
        self.name = name
        self.table = table

    def dtypes(self, op: str) -> tuple[str, ...]:
        """The dtypes that an op of this family takes."""
        functor = self.table[op]
        if isinstance(functor, str):
            return ALL
        kinds = {"f": FLOATS, "i": INTS, "b": ("bool",)}
        return tuple(name for kind in functor for name in kinds[kind])

    def source(self, names: tuple[str, ...], loop: Loop, scalars: list[bool]) -> str:
        """The program for these dtypes of output and inputs."""
        kind = dtype(names[1]).kind
        text = [defines("O", names[0]), f"#define C {dtype(names[1]).computed}\n"]
        text += [defines(ROLES[k], n) for k, n in enumerate(names[1:])]
        if kind == "f":
            text.append("#define FLOATING\n")
        text.append((SOURCES / "functions.cl").read_text())
        tensors = loop.tensors
        text.append(walk("WALK", loop.rank, tensors))
        numbers = "".join(
            f"{_number(n)} v{k}; "
            for k, (n, scalar) in enumerate(zip(names[1:], scalars, strict=True))
            if scalar
        )
        text.append(
            f"typedef struct {{ long o[{tensors}]; {numbers}"
            f"{loop.declare()} }} params;\n"
        )
        load = _loads(scalars)
        for op, functor in self.table.items():
            expression = functors.expression(functor, kind)
            if expression is not None:
                text.append(self._kernel(op, expression, load, loop))
        return "".join(text)

    @staticmethod
    def _kernel(op: str, expression: str, load: str, loop: Loop) -> str:
        check = ""
        if expression.startswith("zero "):
            expression = expression[5:]
            check = (
                f"    if (y == 0) {{ complain(flag, DIVIDED_BY_ZERO, {op_number(op)});"
                f" continue; }}\n"
            )
        buffers = ", ".join(f"global char* b{k}" for k in range(loop.tensors))
        store = f"    O_ST((global O_S*)(b0 + p.o[0]), at0, {expression});\n"
        return (
            f"kernel void k_{op}(const params p, {buffers},"
            f" global volatile int* flag) {{\n{loop.body(load + check + store)}}}\n"
        )


def _number(name: str) -> str:
    return "fnum" if dtype(name).kind == "f" else "inum"


def _loads(scalars: list[bool]) -> str:
    lines, tensor = [], 1
    for k, scalar in enumerate(scalars):
        role = ROLES[k]
        if scalar:
            value = f"({role}_C)p.v{k}.v"
        else:
            pointer = f"(global const {role}_S*)(b{tensor} + p.o[{tensor}])"
            value = f"{role}_LD({pointer}, at{tensor})"
            tensor += 1
        lines.append(f"    const {role}_C {NAMES[k]} = {value};\n")
    return "".join(lines)


def numbers_head(names: tuple[str, ...], scalars: list[bool], device: Device) -> str:
    """The struct format of the numbers among the operands."""
    floats = "d" if device.fp64 else "f4x"
    return "".join(
        (floats if dtype(n).kind == "f" else "q") if scalar else ""
        for n, scalar in zip(names, scalars, strict=True)
    )


def kernel_of(family: Family, op: str) -> Callable[[Any], None]:
    """The Python kernel of an op."""
    complains = "zero " in str(family.table[op])

    def prepare(device: Device, call: Any, operands: Any) -> Any:
        scalars = [o.value is not None for o in call.inputs]
        names = tuple(call.dtypes)
        tensors = [o for o in operands if o.value is None]
        loop = Loop(device, operands[0].shape, [o.strides for o in tensors])
        if not loop.numel:
            return _EMPTY
        key = (family.name, names, tuple(scalars), loop.key)
        kernel = device.kernel(
            key, lambda: family.source(names, loop, scalars), f"k_{op}"
        )
        head = f"{len(tensors)}q" + numbers_head(names[1:], scalars, device)
        return Plan(device, kernel, head, loop.tail(), (loop.items,))

    def run(call: Any) -> None:
        device, inputs = call.device, call.inputs
        out = call.outputs[0]
        operands = (out, *inputs)
        strides = tuple(o.strides if o.value is None else None for o in inputs)
        key = (op, call.dtypes, out.shape, out.strides, strides)
        plan = device.plans.get(key)
        if plan is None:
            plan = device.plans[key] = prepare(device, call, operands)
        if plan is _EMPTY:
            return
        if complains:
            device.suspect = True
        plan.run(
            [o.address for o in operands if o.value is None],
            [o.value for o in inputs if o.value is not None],
            (device.flag,),
        )

    return run


FAMILIES = (
    Family("unary", functors.UNARY),
    Family("test", functors.TEST),
    Family("binary", functors.BINARY),
    Family("compare", functors.COMPARE),
    Family("copy", functors.COPY),
    Family("where", functors.WHERE),
)


def kernels() -> dict[str, tuple[Callable[[Any], None], tuple[str, ...]]]:
    """All kernels of this file with their dtypes."""
    return {
        op: (kernel_of(family, op), family.dtypes(op))
        for family in FAMILIES
        for op in family.table
    }
