"""What the modules of devices (flambeau.cpu, .cuda, one for each type) have in common:
memory, the current device, random numbers, streams."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import flambeau

from . import _C
from ._device_types import (
    HOST,
    accelerator_type,
    current_index,
    device_count,
    installed_types,
    located,
)
from ._streams import Event, Stream, StreamContext, current_stream

__all__ = ["DeviceModule", "get_device_module"]


class DeviceModule:
    """The functions of one type of device; each module makes them its own.

    `device` is None for the current one, an index, a device or its name.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._stream_class = type("Stream", (Stream,), {"_kind": kind})

    def _device(self, device: Any = None) -> Any:
        return located(device, self._kind)

    # ---- which devices there are ----------------------------------------------------
    def is_available(self) -> bool:
        """True when a device of this type can be used."""
        return self.device_count() > 0

    def device_count(self) -> int:
        """How many devices of this type there are; 0 without a backend."""
        return device_count(self._kind)

    def current_device(self) -> int:
        """The index of the current device. RuntimeError without a backend."""
        self.init()
        return int(_C._current_index(self._kind))

    def set_device(self, device: Any) -> None:
        """Choose the device that one without an index means; a negative index does
        nothing."""
        if isinstance(device, int) and device < 0:
            return
        where = self._device(device)
        if where.index is not None:
            _C._set_current_index(self._kind, where.index)

    def get_device_name(self, device: Any = None) -> str:
        """What the device is called."""
        return str(_C._device_name(self._device(device)))

    def get_device_properties(self, device: Any = None) -> Any:
        """name, total_memory (bytes), and what the device can do."""
        return SimpleNamespace(**_C._device_properties(self._device(device)))

    def is_bf16_supported(self, including_emulation: bool = True) -> bool:
        """True when the device has bfloat16 numbers; False without a backend."""
        if not self.is_available():
            return False
        return "bfloat16" in _C._kernel_dtypes(self._device(), "copy")

    def synchronize(self, device: Any = None) -> None:
        """Wait until all work on the device is done."""
        _C._synchronize(self._device(device))

    def is_initialized(self) -> bool:
        """True when the backend of this type was opened."""
        return self._kind in _C._loaded_backends()

    def init(self) -> None:
        """Open the backend. RuntimeError when there is none."""
        _C._device_count(self._kind)

    # ---- memory ---------------------------------------------------------------------
    def memory_stats(self, device: Any = None) -> dict[str, int]:
        """Counters of the caching allocator, by PyTorch's names (bytes, counts); none
        before the backend was opened."""
        if not self.is_initialized():
            return {}
        return dict(_C._memory_stats(self._device(device)))

    def memory_allocated(self, device: Any = None) -> int:
        """Bytes that tensors hold now."""
        return self.memory_stats(device).get("allocated_bytes.all.current", 0)

    def max_memory_allocated(self, device: Any = None) -> int:
        """The most bytes that tensors have held."""
        return self.memory_stats(device).get("allocated_bytes.all.peak", 0)

    def memory_reserved(self, device: Any = None) -> int:
        """Bytes taken from the device, kept for later included."""
        return self.memory_stats(device).get("reserved_bytes.all.current", 0)

    def max_memory_reserved(self, device: Any = None) -> int:
        """The most bytes taken from the device."""
        return self.memory_stats(device).get("reserved_bytes.all.peak", 0)

    def reset_peak_memory_stats(self, device: Any = None) -> None:
        """Count peaks from now on."""
        if self.is_initialized():
            _C._reset_peak_memory_stats(self._device(device))

    def reset_accumulated_memory_stats(self, device: Any = None) -> None:
        """Nothing: totals are never reset."""

    def empty_cache(self) -> None:
        """Give unused memory of every device of this type back to it."""
        if self.is_initialized():
            for index in range(self.device_count()):
                _C._empty_cache(self._device(index))

    def mem_get_info(self, device: Any = None) -> tuple[int, int]:
        """(free, total) bytes of the device."""
        free, total = _C._memory_available(self._device(device))
        return int(free), int(total)

    def memory_summary(self, device: Any = None, abbreviated: bool = False) -> str:
        """The counters as text."""
        stats = self.memory_stats(device)
        return "\n".join(f"{name:40} {value:>16,}" for name, value in stats.items())

    # ---- random numbers: one generator for all devices, so that a seed means the same
    # on each; without a device of this type nothing is seeded ------------------------
    def manual_seed(self, seed: int) -> None:
        """Start the random numbers again."""
        if self.is_available():
            flambeau.manual_seed(seed)

    manual_seed_all = manual_seed

    def seed(self) -> None:
        """Start from a seed of the system."""
        if self.is_available():
            flambeau.seed()

    seed_all = seed

    def initial_seed(self) -> int:
        """The seed that the random numbers started from."""
        self.init()
        return int(flambeau.initial_seed())

    def get_rng_state(self, device: Any = None) -> Any:
        """The state of the random numbers, a uint8 tensor in host memory."""
        self.init()
        return flambeau.get_rng_state()

    def set_rng_state(self, new_state: Any, device: Any = None) -> None:
        """Go back to a state."""
        self.init()
        flambeau.set_rng_state(new_state)

    def get_rng_state_all(self) -> list[Any]:
        """The states of all devices."""
        return [flambeau.get_rng_state() for _ in range(self.device_count())]

    def set_rng_state_all(self, new_states: Any) -> None:
        """Go back to states."""
        for state in new_states:
            self.set_rng_state(state)

    # ---- streams --------------------------------------------------------------------
    def current_stream(self, device: Any = None) -> Stream:
        """The stream that this thread's work goes to."""
        return current_stream(self._device(device), self._stream_class)

    def default_stream(self, device: Any = None) -> Stream:
        """The stream that work goes to where no other was chosen."""
        return self._stream_class(self._device(device), stream_id=0)

    def stream(self, stream: Stream | None) -> StreamContext:
        """A context in which work goes to the stream; None changes nothing."""
        return StreamContext(stream)

    def set_stream(self, stream: Stream | None) -> None:
        """Choose the stream that this thread's work goes to from now on."""
        if stream is not None:
            set_stream(stream)


def set_stream(stream: Stream) -> None:
    """Send the thread's work to a stream, whose device becomes the current one."""
    _C._stream_set(stream.device, stream.stream_id)
    if stream.device.index is not None:
        _C._set_current_index(stream.device.type, stream.device.index)


def _classes(kind: str, streams: type[Stream]) -> dict[str, Any]:
    """The classes of a device type's module."""

    class device(current_index):
        """A context in which a device is the current one; None, a negative index and
        the host change nothing."""

        def __init__(self, device: Any) -> None:
            unset = device is None or (isinstance(device, int) and device < 0)
            index = None if unset else located(device, kind).index
            super().__init__(kind, -1 if index is None else index)

    class device_of(device):
        """A context in which the device of a tensor is the current one."""

        def __init__(self, obj: Any) -> None:
            mine = obj.device.type == kind
            super().__init__(obj.device if mine else None)

    class DeviceEvent(Event):
        _kind = kind

        def __init__(
            self,
            enable_timing: bool = False,
            blocking: bool = False,
            interprocess: bool = False,
        ) -> None:
            super().__init__(enable_timing=enable_timing)

    DeviceEvent.__name__ = DeviceEvent.__qualname__ = "Event"
    DeviceEvent.__doc__ = Event.__doc__
    return {
        "Event": DeviceEvent,
        "Stream": streams,
        "StreamContext": StreamContext,
        "device": device,
        "device_of": device_of,
    }


def public(kind: str) -> dict[str, Any]:
    """The names that the module of a device type has."""
    module = DeviceModule(kind)
    names = [n for n in dir(DeviceModule) if not n.startswith("_")]
    found: dict[str, Any] = {n: getattr(module, n) for n in names}
    return {**found, **_classes(kind, module._stream_class), "_device_type": kind}


_modules: dict[str, Any] = {}  # of device types that the package has no file for


def module_of(kind: str) -> Any:
    """The module of an installed device type; None when it is not installed."""
    if kind not in _modules and kind in installed_types():
        name = f"flambeau.{kind}"
        module = ModuleType(name, f"Devices of type {kind}: memory, streams, seeds.")
        vars(module).update(public(kind))
        _modules[kind] = module
        sys.modules.setdefault(name, module)
    return _modules.get(kind)


def _register_device_module(device_type: str, module: Any) -> None:
    """Make a module that of a device type, `flambeau.<device_type>`.

    RuntimeError when the type has one of its own already.
    """
    kind = _C.device(device_type).type
    if kind in vars(flambeau) or f"flambeau.{kind}" in sys.modules:
        raise RuntimeError(
            f"The runtime module of '{kind}' has already been registered with "
            f"'{getattr(flambeau, kind)}'"
        )
    setattr(flambeau, kind, module)
    sys.modules[f"flambeau.{kind}"] = _modules[kind] = module


def get_device_module(device: Any = None) -> Any:
    """flambeau.cuda, flambeau.cpu, ...: by a device or its name; by default that of the
    accelerator, or of the host when there is none."""
    if device is None:
        kind = accelerator_type() or HOST
    elif isinstance(device, (str, _C.device)):
        kind = _C.device(device).type
    else:
        raise RuntimeError(
            f"Invalid value of device '{device}', expect flambeau.device, str, or None"
        )
    if kind in _modules:
        return _modules[kind]
    found = getattr(flambeau, kind, None)
    if getattr(found, "_device_type", None) == kind:
        return found
    found = module_of(kind)  # of a type that is called like another module
    if found is None:
        raise RuntimeError(
            f"Device '{kind}' does not have a corresponding module registered as "
            f"'flambeau.{kind}'."
        )
    return found
