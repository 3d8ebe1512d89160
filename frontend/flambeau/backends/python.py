"""Backends written in Python: the base class, and what a kernel is given.

A manifest with `"module": "acme.backend:Acme"` in place of `"library"` names a class of
this kind (or a function that returns an instance). It is imported and called at the
first use of the device. What each kernel computes is told in docs/extending/kernels.md,
as for compiled backends; both go through the same table. `python -m flambeau.backends
new acme --python` writes a whole package.

    class Acme(Backend):
        name = device_type = "acme"

        def kernel(self, op):
            return {"add": (add, ["float32", "float64"])}.get(op)

    def add(call):
        np.add(*call.inputs, out=call.outputs[0])

A kernel takes one argument, which has

- `outputs`, `inputs`: tuples with an operand each, None for an optional one that is
  absent. On a device in host memory an operand is a NumPy array over the tensor's own
  memory, with its strides (a host scalar: an array of no dimensions; bfloat16: its
  bits, as uint16). Elsewhere it is a record with `address` (an int), `shape`, `strides`
  (in elements), `dtype` (a str) and `value`: a number for a host scalar, None
  otherwise.
- `dtypes`: the names of the dtypes of outputs and then inputs, "" for an absent one.
- `i(k)`, `f(k)`, `c(k)`, `ints(k)`: attribute k as int, float, complex or list of int;
  which one holds is fixed for each kernel. `n_attr` counts them.
- `op`: the kernel's name; `device`: what `open` returned; `stream`: an int, 0 for the
  default one.

It is done when it returns. What it raises becomes the error of the op and its cause:
NotImplementedError says that this call is not supported (the host then falls back),
IndexError, MemoryError and numpy.linalg.LinAlgError keep their meaning.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Kernel = Callable[[Any], object]

__all__ = ["Backend"]


class Backend:
    """A device type in Python. Subclasses set `name` and `device_type`, and override
    what the device has of its own; as it stands it is one device in host memory."""

    name: str
    device_type: str
    build_info = ""
    host_memory = True  # NumPy arrays over the tensors' memory can be made
    asynchronous = False  # kernels return before they have run
    alignment = 64  # bytes

    def count(self) -> int:
        """How many devices of this type there are."""
        return 1

    def open(self, index: int) -> object:
        """Called once for each device; what it returns is given to the other calls."""
        return index

    def device_name(self, index: int) -> str:
        """What the device is called."""
        return self.name

    def total_memory(self, index: int) -> int:
        """Bytes; 0 when unknown."""
        return 0

    def synchronize(self, device: Any) -> None:
        """Wait until all work is done; raise what went wrong in it."""

    def kernel(self, op: str) -> tuple[Kernel, Iterable[str]] | None:
        """The kernel of a name and the dtypes it takes (of the first input, or of the
        output where there is none); None when the device has none. Asked once."""
        raise NotImplementedError

    # ---- memory: needed only of devices that are not in host memory -----------------
    def allocate(self, device: Any, nbytes: int) -> int:
        """An address, unique among all blocks; the host adds byte offsets to it.
        MemoryError when there is none left."""
        raise NotImplementedError

    def release(self, device: Any, address: int, nbytes: int) -> None:
        """Give a block back."""
        raise NotImplementedError

    def from_host(self, device: Any, address: int, source: memoryview) -> None:
        """Copy bytes to the device, after all work that was given to it before."""
        raise NotImplementedError

    def to_host(self, device: Any, target: memoryview, address: int) -> None:
        """Copy bytes from the device, after all work that was given to it before."""
        raise NotImplementedError

    def available(self, device: Any) -> tuple[int, int]:
        """(free, total) bytes of the device."""
        return 0, 0
