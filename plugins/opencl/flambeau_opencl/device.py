"""One OpenCL device: its queue, its memory, its programs, and errors in the data."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyopencl as cl

# Note [Addresses]
# A cl_mem is a handle, not a pointer, and the host adds byte offsets to what it is
# given. So an address is made up: the number of the block in the upper bits, the
# offset in it below. Finding the buffer of an operand is then a shift and an index into
# a list, no search, and a view at the very end of a block still belongs to it. Shared
# virtual memory would give true pointers, but OpenCL 1.2 has none, and later versions
# leave it to the device.
BLOCK_SHIFT = 40
OFFSET_MASK = (1 << BLOCK_SHIFT) - 1

SOURCES = Path(__file__).parent / "cl"
FLAGS = {1: IndexError, 2: RuntimeError}
MESSAGES = {1: "index out of range", 2: "ZeroDivisionError"}

# The numbers by which kernels name their op when they complain, and back.
OP_NUMBERS: dict[str, int] = {}


def op_number(op: str) -> int:
    """The number that stands for an op in the device's error flag."""
    return OP_NUMBERS.setdefault(op, len(OP_NUMBERS) + 1)


class Device:
    """What `open` returns. One queue, in order: an address that was given back may be
    given out again at once, since whoever writes there comes later in the queue."""

    def __init__(self, device: Any) -> None:
        self.device = device
        self.context = cl.Context([device])
        self.queue = cl.CommandQueue(self.context, device)
        self.fp64 = "cl_khr_fp64" in device.extensions
        self.atomics64 = "cl_khr_int64_base_atomics" in device.extensions
        # How simple kernels are cut: elements in an item, items in a group.
        cpu = bool(device.type & cl.device_type.CPU)
        self.run, self.group = (64, 16) if cpu else (1, 128)
        self.lock = threading.RLock()  # arguments belong to a kernel until it is queued
        self.blocks: list[Any] = [None]  # block 0: no address is 0
        self.vacant: list[int] = []
        self.used = 0
        self.plans: dict[Any, Any] = {}
        self._programs: dict[Any, Any] = {}
        self._kernels: dict[Any, Any] = {}
        self._scratch: dict[str, Any] = {}
        self.flag = self.buffer(8)
        self.suspect = False  # a kernel that may complain was queued
        cl.enqueue_copy(self.queue, self.flag, np.zeros(2, np.int32))

    # ---- memory ---------------------------------------------------------------------
    def buffer(self, nbytes: int) -> Any:
        """A new cl_mem; MemoryError when there is none left."""
        if nbytes > self.device.max_mem_alloc_size:
            raise MemoryError(
                f"opencl: {nbytes} bytes are more than the device gives at once "
                f"({self.device.max_mem_alloc_size})"
            )
        try:
            return cl.Buffer(self.context, cl.mem_flags.READ_WRITE, nbytes)
        except cl.MemoryError as error:
            raise MemoryError(f"opencl: no {nbytes} bytes left: {error}") from None

    def allocate(self, nbytes: int) -> int:
        """The address of a new block. What is written behind 8-bit elements by way of
        32-bit atomics stays inside, since sizes are rounded up."""
        size = (max(nbytes, 1) + 63) & ~63
        if self.used + size > self.device.global_mem_size:
            raise MemoryError(
                f"opencl: {nbytes} bytes asked for, "
                f"{self.device.global_mem_size - self.used} of "
                f"{self.device.global_mem_size} are free"
            )
        block = self.buffer(size)
        with self.lock:
            self.used += size
            if self.vacant:
                number = self.vacant.pop()
                self.blocks[number] = block
            else:
                number = len(self.blocks)
                self.blocks.append(block)
        return number << BLOCK_SHIFT

    def release(self, address: int, nbytes: int) -> None:
        """Gives a block back; OpenCL keeps it until the work in the queue is done."""
        with self.lock:
            number = address >> BLOCK_SHIFT
            self.blocks[number].release()
            self.blocks[number] = None
            self.vacant.append(number)
            self.used -= (max(nbytes, 1) + 63) & ~63

    def scratch(self, name: str, nbytes: int) -> Any:
        """A buffer for the kernels of one op. The queue is in order, so the next call
        may have the same."""
        have = self._scratch.get(name)
        if have is None or have.size < nbytes:
            have = self._scratch[name] = self.buffer(max(nbytes, 4096))
        return have

    def write(self, address: int, source: memoryview) -> None:
        """Host bytes to the device; returns when `source` may change."""
        host = np.frombuffer(source, np.uint8)
        if host.size:
            block, offset = self.blocks[address >> BLOCK_SHIFT], address & OFFSET_MASK
            cl.enqueue_copy(
                self.queue, block, host, dst_offset=offset, is_blocking=True
            )

    def read(self, target: memoryview, address: int) -> None:
        """Device bytes to the host, after all work; raises what went wrong in it."""
        host = np.frombuffer(target, np.uint8)
        if host.size:
            block, offset = self.blocks[address >> BLOCK_SHIFT], address & OFFSET_MASK
            cl.enqueue_copy(
                self.queue, host, block, src_offset=offset, is_blocking=True
            )
        self.check()

    # ---- errors ---------------------------------------------------------------------
    def synchronize(self) -> None:
        """Waits for all work; raises what went wrong in it."""
        self.queue.finish()
        self.check()

    def check(self) -> None:
        """Raises the first error in the data since the last check, naming its op."""
        if not self.suspect:
            return
        flag = np.empty(2, np.int32)
        cl.enqueue_copy(self.queue, flag, self.flag, is_blocking=True)
        self.suspect = False
        what, number = flag.tolist()
        if not what:
            return
        cl.enqueue_copy(self.queue, self.flag, np.zeros(2, np.int32))
        op = next(name for name, n in OP_NUMBERS.items() if n == number)
        raise FLAGS[what](f"{op}: {MESSAGES[what]}")

    # ---- programs -------------------------------------------------------------------
    def kernel(self, key: Any, source: Callable[[], str], name: str) -> Any:
        """A kernel of the program of `key`, which is built at its first use. Drivers
        cache binaries on disk by themselves."""
        found = self._kernels.get((key, name))
        if found is None:
            program = self._programs.get(key)
            if program is None:
                program = self._programs[key] = self._build(source())
            found = self._kernels[key, name] = cl.Kernel(program, name)
        return found

    def _build(self, source: str) -> Any:
        text = (SOURCES / "prelude.cl").read_text() + source
        options = [
            "-w",
            "-DHAVE_FP64" if self.fp64 else "-cl-single-precision-constant",
        ]
        with warnings.catch_warnings():  # a compiler's remarks are not the user's
            warnings.simplefilter("ignore", cl.CompilerWarning)
            return cl.Program(self.context, text).build(options)
