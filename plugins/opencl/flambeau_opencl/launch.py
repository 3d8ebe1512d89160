"""From operands to a queued kernel: what of a call can be prepared is kept in a plan.

A kernel's first argument is a struct by value, then come the buffers. The struct begins
with the byte offsets of the tensors in their buffers and the numbers from the host,
which change from call to call; what follows (sizes, strides) is packed once for each
plan.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from typing import Any

import pyopencl as cl

from .device import BLOCK_SHIFT, OFFSET_MASK, Device

GROUP = 128  # work items in a group, one size for all simple kernels
LIMIT = 1 << 31  # elements; above, 32-bit indices do not reach: the host falls back
RANKS = (0, 1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 48, 64)

_enqueue = cl.enqueue_nd_range_kernel
# set_arg takes bytes, too, but tries other kinds of arguments first, which takes 10 µs.
_set_bytes = getattr(cl.Kernel, "_set_arg_buf", cl.Kernel.set_arg)

Strides = tuple[int, ...]


class Plan:
    """One kernel with everything that does not change between calls."""

    __slots__ = ("buffers", "device", "groups", "head", "kernel", "size", "tail")

    def __init__(
        self,
        device: Device,
        kernel: Any,
        head: str,
        tail: bytes,
        size: tuple[int, ...],
        group: tuple[int, ...] = (GROUP,),
    ) -> None:
        self.device = device
        self.kernel = kernel
        self.head = struct.Struct("<" + head).pack
        self.tail = tail
        self.groups = group
        self.size = tuple(-(-n // g) * g for n, g in zip(size, group, strict=True))

    def run(
        self,
        addresses: Iterable[int],
        numbers: Iterable[float] = (),
        extra: Iterable[Any] = (),
    ) -> None:
        """Queue it: tensors by address, numbers, then buffers that are not tensors."""
        device, kernel = self.device, self.kernel
        blocks = device.blocks
        offsets = []
        with device.lock:
            i = 0
            for address in addresses:
                i += 1
                offsets.append(address & OFFSET_MASK)
                kernel.set_arg(i, blocks[address >> BLOCK_SHIFT])
            for buffer in extra:
                i += 1
                kernel.set_arg(i, buffer)
            _set_bytes(kernel, 0, self.head(*offsets, *numbers) + self.tail)
            _enqueue(device.queue, kernel, self.size, self.groups)


# ---- loop nests ----------------------------------------------------------------------
class Loop:
    """A loop nest over operands of the same sizes: neighbours that can be merged are
    merged, sizes of one dropped. `rank` 0: all operands are contiguous."""

    def __init__(self, shape: Sequence[int], strides: Sequence[Strides]) -> None:
        self.numel = math.prod(shape)
        if self.numel >= LIMIT:
            raise NotImplementedError("opencl: more than 2^31 elements")
        self.shape, self.strides = merge(shape, strides)
        flat = all(s in ((1,), ()) for s in self.strides)
        self.rank = 0 if flat else rank_of(len(self.shape))
        self.index = index_type(self.shape, self.strides)

    def tail(self) -> bytes:
        """n, dimensions and strides, as `declare` has them."""
        out = struct.pack("<I4x", self.numel)
        if self.rank:
            out += pack_dims(self.shape, self.rank)
            out += pack_strides(self.strides, self.rank, self.index)
        return out

    def declare(self, tensors: int) -> str:
        """The members of the struct that `tail` fills."""
        if not self.rank:
            return "uint n, unused;"
        return (
            f"uint n, unused; dim d[{self.rank}]; "
            f"{self.index} s[{max(tensors, 1)}][{self.rank}];"
        )


def merge(
    shape: Sequence[int], strides: Sequence[Strides]
) -> tuple[tuple[int, ...], list[Strides]]:
    """Dimensions in order, those of one dropped, neighbours merged if possible."""
    sizes: list[int] = []
    steps: list[list[int]] = []
    for d, size in enumerate(shape):
        if size == 1:
            continue
        mine = [s[d] for s in strides]
        if sizes and all(a == b * size for a, b in zip(steps[-1], mine, strict=True)):
            sizes[-1] *= size
            steps[-1] = mine
        else:
            sizes.append(size)
            steps.append(mine)
    return tuple(sizes), [tuple(s[k] for s in steps) for k in range(len(strides))]


def rank_of(n: int) -> int:
    """The next rank that programs are generated for."""
    return next(r for r in RANKS if r >= n)


def index_type(shape: Sequence[int], strides: Iterable[Strides]) -> str:
    """The C type that holds all element offsets."""
    reach = max(
        (
            sum((n - 1) * abs(s) for n, s in zip(shape, st, strict=True))
            for st in strides
        ),
        default=0,
    )
    return "int" if reach < LIMIT else "long"


def pack_dims(shape: Sequence[int], rank: int) -> bytes:
    """`dim` records, ones in front up to the rank."""
    out = b""
    for given in (*(1,) * (rank - len(shape)), *shape):
        size = max(given, 1)  # over nothing nobody walks
        shift = (size - 1).bit_length()
        multiplier = ((1 << 32) * ((1 << shift) - size)) // size + 1
        out += struct.pack("<IIII", size, multiplier, shift, 0)
    return out


def pack_strides(strides: Sequence[Strides], rank: int, index: str) -> bytes:
    """Strides in elements, zeros in front up to the rank; padded to 8 bytes."""
    flat = [x for s in strides for x in (*(0,) * (rank - len(s)), *s)]
    out = struct.pack(f"<{len(flat)}{'i' if index == 'int' else 'q'}", *flat)
    return out + bytes(-len(out) % 8)


def walk(name: str, rank: int, tensors: int) -> str:
    """A macro NAME(i, d, s, at): adds to at[k] the offset of element i in operand k."""
    if rank == 0:
        body = [f"at[{k}] += (i);" for k in range(tensors)]
    else:
        body = ["uint r_ = (i);"]
        for d in range(rank - 1, 0, -1):
            body.append(f"{{ const uint q_ = divide(r_, d_[{d}]);")
            body.append(f"const uint c_ = r_ - q_ * d_[{d}].size;")
            body += [f"at[{k}] += c_ * s_[{k}][{d}];" for k in range(tensors)]
            body.append("r_ = q_; }")
        body += [f"at[{k}] += r_ * s_[{k}][0];" for k in range(tensors)]
    text = " \\\n  ".join(body)
    return f"#define {name}(i, d_, s_, at) {{ \\\n  {text} }}\n"
