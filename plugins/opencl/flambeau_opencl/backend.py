"""The OpenCL backend: devices and memory by way of pyopencl, kernels from tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

from flambeau.backends.python import Backend

from . import platforms


class OpenCL(Backend):
    """Every OpenCL device of the machine, graphics processors first."""

    name = device_type = "opencl"
    host_memory = False
    asynchronous = True  # kernels are queued; errors in the data come out later

    @cached_property
    def _devices(self) -> list[Any]:
        return platforms.devices()

    @cached_property
    def _kernels(self) -> dict[str, tuple[Callable[[Any], object], Iterable[str]]]:
        from . import kernels

        return kernels.table()

    @property
    def build_info(self) -> str:  # type: ignore[override]
        """Which drivers are behind the devices."""
        return "; ".join(f"{d.name}, {d.platform.version}" for d in self._devices)

    def count(self) -> int:
        """How many devices there are."""
        return len(self._devices)

    def open(self, index: int) -> Any:
        """A context and a queue for one device."""
        from .device import Device

        return Device(self._devices[index])

    def device_name(self, index: int) -> str:
        """The name that the driver gives."""
        return str(self._devices[index].name).strip()

    def total_memory(self, index: int) -> int:
        """Bytes."""
        return int(self._devices[index].global_mem_size)

    def synchronize(self, device: Any) -> None:
        """Waits for the queue, and raises what went wrong in it."""
        device.synchronize()

    def kernel(self, op: str) -> tuple[Callable[[Any], object], Iterable[str]] | None:
        """The kernel of a name and its dtypes."""
        found = self._kernels.get(op)
        if found is None or all("cl_khr_fp64" in d.extensions for d in self._devices):
            return found
        run, dtypes = found
        return run, [name for name in dtypes if name != "float64"]

    def allocate(self, device: Any, nbytes: int) -> int:
        """An address in a range of our own."""
        return int(device.allocate(nbytes))

    def release(self, device: Any, address: int, nbytes: int) -> None:
        """Gives a block back."""
        device.release(address, nbytes)

    def from_host(self, device: Any, address: int, source: memoryview) -> None:
        """Copies to the device, in the queue's order."""
        device.write(address, source)

    def to_host(self, device: Any, target: memoryview, address: int) -> None:
        """Copies from the device when the queue is done; raises what went wrong."""
        device.read(target, address)

    def available(self, device: Any) -> tuple[int, int]:
        """(free, total) bytes."""
        total = int(device.device.global_mem_size)
        return total - device.used, total
