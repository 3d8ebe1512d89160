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

LIGHT = (128,)  # the group of items that have little to do each
LIMIT = 1 << 31  # elements; above, 32-bit indices do not reach: the host falls back
RANKS = (
    1,
    3,
    6,
    12,
    24,
    64,
)  # that programs are made for: few, a division more is cheap

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
        group: tuple[int, ...] | None = None,
    ) -> None:
        self.device = device
        self.kernel = kernel
        self.head = struct.Struct("<" + head).pack
        self.tail = tail
        self.groups = group or (device.group,)
        self.size = tuple(
            -(-n // g) * g for n, g in zip(size, self.groups, strict=True)
        )

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
    merged, sizes of one dropped.

    A work item takes a run of elements of the innermost dimension, `Device.run` of them
    at most: one on a graphics processor, where neighbours read side by side, many on a
    CPU, whose compiler makes vector instructions of the loop, and which divides for the
    place of the first one alone. Steps of 0 and 1 in a run are constants of a program.
    """

    def __init__(
        self, device: Device, shape: Sequence[int], strides: Sequence[Strides]
    ) -> None:
        self.numel = math.prod(shape)
        if self.numel >= LIMIT:
            raise NotImplementedError("opencl: more than 2^31 elements")
        sizes, steps = merge(shape, strides)
        self.tensors, self.run = len(strides), device.run
        self.index = index_type(sizes, steps)
        self.inner = sizes[-1] if sizes else self.numel
        self.steps = tuple(s[-1] if s else 1 for s in steps)
        chunks = -(-self.inner // self.run)
        self._shape = (*sizes[:-1], chunks)
        self._strides = [
            (*s[:-1], step * self.run)
            for s, step in zip(steps, self.steps, strict=True)
        ]
        self.rank = rank_of(len(self._shape))
        self.items = math.prod(self._shape) if self.numel else 0

    @property
    def key(self) -> tuple[Any, ...]:
        """What a program depends on."""
        return self.rank, self.index, self.known

    @property
    def known(self) -> Strides | None:
        """The steps that are written into the program."""
        return self.steps if all(s in (0, 1) for s in self.steps) else None

    def tail(self) -> bytes:
        """Counts, dimensions and strides, as `declare` has them."""
        return (
            struct.pack("<II", self.items, self.inner)
            + pack_dims(self._shape, self.rank)
            + pack_strides(self._strides, self.rank, self.index)
            + pack_strides([self.steps], self.tensors, self.index)
        )

    def declare(self) -> str:
        """The members of the struct that `tail` fills."""
        n = self.tensors
        pad = [f"int pad{k};" if self.index == "int" else "" for k in (1, 2)]
        return (
            f"uint items, inner; dim d[{self.rank}]; {self.index} s[{n}][{self.rank}]; "
            f"{pad[0] if n * self.rank % 2 else ''} {self.index} t[{n}]; "
            f"{pad[1] if n % 2 else ''}"
        )

    def body(self, statements: str, independent: bool = True) -> str:
        """A kernel's body: statements for each element, which find the offset of
        operand k in atk. `independent`: in any order."""
        steps = self.known or [f"p.t[{k}]" for k in range(self.tensors)]
        offsets = "".join(
            f"    const {self.index} at{k} = from[{k}] + ({self.index})j * {step};\n"
            for k, step in enumerate(steps)
        )
        last = f"p.d[{self.rank - 1}]"
        pragma = "INDEPENDENT\n" if independent else ""
        return (
            "  const uint i = get_global_id(0);\n  if (i >= p.items) return;\n"
            f"  {self.index} from[{self.tensors}] = {{0}};\n"
            "  WALK(i, p.d, p.s, from)\n"
            f"  const uint chunk = i - divide(i, {last}) * {last}.size;\n"
            f"  const uint run = min({self.run}u, p.inner - chunk * {self.run});\n"
            f"{pragma}  for (uint j = 0; j < run; j++) {{\n{offsets}{statements}  }}\n"
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
    body = ["uint r_ = (i);"]
    for d in range(rank - 1, 0, -1):
        body.append(f"{{ const uint q_ = divide(r_, d_[{d}]);")
        body.append(f"const uint c_ = r_ - q_ * d_[{d}].size;")
        body += [f"at[{k}] += c_ * s_[{k}][{d}];" for k in range(tensors)]
        body.append("r_ = q_; }")
    body += [f"at[{k}] += r_ * s_[{k}][0];" for k in range(tensors)]
    text = " \\\n  ".join(body)
    return f"#define {name}(i, d_, s_, at) {{ \\\n  {text} }}\n"
