"""The device under test: its properties, and running one of its kernels on tensors that
lie as a call wants them."""

from __future__ import annotations

from typing import Any

import numpy as np

import flambeau
from flambeau import _C

from ._call import Call
from ._operand import Array, Operand, widen

# The device whose results others are compared with, and where values are made.
HOST = "cpu"


class Bench:
    """One device. Raises RuntimeError with the reason when it cannot be used."""

    def __init__(self, device: str) -> None:
        self.device = flambeau.device(device)
        self.device_type = self.device.type
        flambeau.empty(1, device=self.device)  # opens the backend
        self.properties: dict[str, Any] = _C._device_properties(self.device)
        self._dtypes: dict[str, list[str]] = {}

    def dtypes(self, kernel: str) -> list[str]:
        """The dtypes that the device claims for a kernel; none when it has none."""
        if kernel not in self._dtypes:
            self._dtypes[kernel] = list(_C._kernel_dtypes(self.device, kernel))
        return self._dtypes[kernel]

    def claims(self, dtype: str, *kernels: str) -> bool:
        """Whether all of these kernels take the dtype."""
        return all(dtype in self.dtypes(k) for k in kernels)

    def is_host(self) -> bool:
        """Whether it is the device that others are compared with."""
        return self.device == flambeau.device(HOST)

    def bytes_of(self, block: Array) -> Any:
        """A tensor on the device with a copy of a block's bytes."""
        return flambeau.from_numpy(block.view(np.uint8).copy()).to(self.device)

    def run(self, call: Call) -> dict[int, Array]:
        """Run a call; the blocks of its operands afterwards, by the block's id."""
        blocks: dict[int, Any] = {}

        def tensor(x: Operand) -> Any:
            whole = blocks.get(id(x.block))
            if whole is None:
                whole = blocks[id(x.block)] = self.bytes_of(x.block)
            flat = whole.view(getattr(flambeau, x.dtype))
            return flat.as_strided(x.shape, x.strides, x.offset)

        made: dict[int, Any] = {}

        def once(x: Any) -> Any:
            if not isinstance(x, Operand):
                return x
            if id(x) not in made:  # in place: the very same tensor
                made[id(x)] = tensor(x)
            return made[id(x)]

        outputs = [once(x) for x in call.outputs]
        inputs = [once(x) for x in call.inputs]
        enter = _C._iterate_kernel if call.iterate else _C._run_kernel
        enter(call.name, outputs, inputs, list(call.attrs))
        return {k: t.cpu().numpy() for k, t in blocks.items()}


def check_rims(call: Call, after: dict[int, Array]) -> None:
    """AssertionError unless everything beside the outputs is as it was."""
    written: dict[int, Array] = {}
    operands = [x for x in (*call.outputs, *call.inputs) if isinstance(x, Operand)]
    for x in operands:
        written.setdefault(id(x.block), np.ones(x.block.size, np.bool_))
    for x in call.checked or call.outputs:
        written[id(x.block)] &= x.rim()
    for x in operands:
        before = x.block
        now = after[id(before)].view(before.dtype)
        changed = written[id(before)] & _differ(now, before)
        if changed.any():
            kind = "output" if any(x is o for o in call.outputs) else "input"
            places = np.flatnonzero(changed)
            raise AssertionError(
                f"{call.label}: wrote {len(places)} elements beside the {kind}, first "
                f"at element {int(places[0])} of its block (the view begins at "
                f"{x.offset})"
            )


def _differ(one: Array, other: Array) -> Array:
    """Bitwise, so that NaN is equal to itself."""
    width = one.dtype.itemsize
    a, b = (
        one.view(np.uint8).reshape(-1, width),
        other.view(np.uint8).reshape(-1, width),
    )
    return np.asarray((a != b).any(1))


def values_after(x: Operand, after: dict[int, Array]) -> Array:
    """The numbers of an operand after the call."""
    return widen(x.view(after[id(x.block)].view(x.block.dtype)), x.dtype)
