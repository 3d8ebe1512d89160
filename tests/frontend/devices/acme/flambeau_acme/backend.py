"""Two devices with memory of their own that can fill and copy: the least that a device
can be, so that all else falls back."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from flambeau.backends.python import Backend

Kernel = Callable[[Any], None]

_FIRST = 1 << 40  # no address of the host's, so that mistaking one for it is noticed
_BITS = {"bfloat16": "uint16"}
_ALL = [
    *("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16"),
    *("float32", "float64", "complex64", "complex128"),
]


class Memory:
    """The blocks of one device, by address."""

    def __init__(self, index: int) -> None:
        self.next = _FIRST * (index + 1)
        self.addresses: list[int] = []
        self.blocks: dict[int, bytearray] = {}

    def allocate(self, nbytes: int) -> int:
        address = self.next
        self.next = (address + nbytes + 4096) & ~63
        self.addresses.append(address)
        self.blocks[address] = bytearray(nbytes)
        return address

    def at(self, address: int) -> tuple[bytearray, int]:
        """The block that an address lies in, and how far."""
        start = self.addresses[bisect_right(self.addresses, address) - 1]
        assert start <= address <= start + len(self.blocks[start])
        return self.blocks[start], address - start

    def array(self, operand: Any) -> np.ndarray[Any, Any]:
        """The elements of an operand, bfloat16 as their bits."""
        dtype = np.dtype(_BITS.get(operand.dtype, operand.dtype))
        block, offset = self.at(operand.address)
        strides = [s * dtype.itemsize for s in operand.strides]
        return np.ndarray(operand.shape, dtype, block, offset, strides)


def copy(call: Any) -> None:
    """Elements of one dtype alone."""
    target, source = call.outputs[0], call.inputs[0]
    if target.dtype != source.dtype or source.value is not None:
        raise NotImplementedError
    np.copyto(call.device.array(target), call.device.array(source))


def fill(call: Any) -> None:
    """One number everywhere."""
    target = call.outputs[0]
    if target.dtype in _BITS:
        raise NotImplementedError
    call.device.array(target)[...] = call.inputs[0].value


class Acme(Backend):
    """The device type `acme`."""

    name = device_type = "acme"
    host_memory = False

    def count(self) -> int:
        return 2

    def open(self, index: int) -> Memory:
        return Memory(index)

    def device_name(self, index: int) -> str:
        return f"Acme No. {index}"

    def total_memory(self, index: int) -> int:
        return 1 << 30

    def kernel(self, op: str) -> tuple[Kernel, Iterable[str]] | None:
        kernels: dict[str, Kernel] = {"copy": copy, "fill": fill}
        return (kernels[op], _ALL) if op in kernels else None

    def allocate(self, device: Memory, nbytes: int) -> int:
        return device.allocate(nbytes)

    def release(self, device: Memory, address: int, nbytes: int) -> None:
        device.addresses.remove(address)
        del device.blocks[address]

    def from_host(self, device: Memory, address: int, source: memoryview) -> None:
        block, offset = device.at(address)
        block[offset : offset + source.nbytes] = source.cast("B")

    def to_host(self, device: Memory, target: memoryview, address: int) -> None:
        block, offset = device.at(address)
        target.cast("B")[:] = memoryview(block)[offset : offset + target.nbytes]

    def available(self, device: Memory) -> tuple[int, int]:
        used = sum(map(len, device.blocks.values()))
        return (1 << 30) - used, 1 << 30
