"""What device modules (flambeau.cpu, .cuda, ...) have in common: memory and streams."""

from __future__ import annotations

from typing import Any

import flambeau

from . import _C

__all__ = ["DeviceModule", "get_device_module"]


class Stream:
    """An order of work on a device. One per device: work runs in the order of calls."""

    def __init__(self, device: Any = None, priority: int = 0, **kwargs: Any) -> None:
        self.device = device

    def synchronize(self) -> None:
        """Wait until all work is done."""
        _C._synchronize(self.device or "cpu")

    def wait_stream(self, stream: Any) -> None:
        """Later work waits for the other stream: it does in any case."""

    def wait_event(self, event: Any) -> None:
        """Later work waits for the event: it does in any case."""

    def record_event(self, event: Any = None) -> Any:
        """An event at this point."""
        return event or Event()

    def query(self) -> bool:
        """True when all work is done."""
        return True

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *exc: object) -> None:
        pass


class Event:
    """A point in a stream."""

    def __init__(self, enable_timing: bool = False, **kwargs: Any) -> None:
        self._time = 0.0

    def record(self, stream: Any = None) -> None:
        """Put it behind the work given so far."""
        from time import perf_counter

        self._time = perf_counter()

    def synchronize(self) -> None:
        """Wait until it is reached."""

    def wait(self, stream: Any = None) -> None:
        """Let a stream wait until it is reached."""

    def query(self) -> bool:
        """True when it is reached."""
        return True

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds from this event to another."""
        return (end_event._time - self._time) * 1e3


class DeviceModule:
    """The functions of one type of device; each module makes them its own."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def _device(self, device: Any = None) -> str:
        if device is None:
            return self.kind
        if isinstance(device, int):
            return f"{self.kind}:{device}"
        return str(device)

    # ---- which devices there are ----------------------------------------------------
    def is_available(self) -> bool:
        """True when a device of this type can be used."""
        return self.device_count() > 0

    def device_count(self) -> int:
        """How many devices of this type there are; 0 without a backend."""
        try:
            return int(_C._device_count(self.kind))
        except RuntimeError:
            return 0

    def current_device(self) -> int:
        """The index of the current device."""
        return 0

    def set_device(self, device: Any) -> None:
        """Choose the current device; there is one only."""

    def get_device_name(self, device: Any = None) -> str:
        """What the device is called."""
        return str(_C._device_name(self._device(device)))

    def synchronize(self, device: Any = None) -> None:
        """Wait until all work on the device is done."""
        _C._synchronize(self._device(device))

    def is_initialized(self) -> bool:
        """True when the backend of this type was opened."""
        return self.kind in _C._loaded_backends()

    def init(self) -> None:
        """Open the backend. RuntimeError when there is none."""
        _C._device_count(self.kind)

    # ---- memory ---------------------------------------------------------------------
    def memory_stats(self, device: Any = None) -> dict[str, int]:
        """Counters of the caching allocator, by PyTorch's names (bytes, counts)."""
        return dict(_C._memory_stats(self._device(device)))

    def _stat(self, name: str, device: Any) -> int:
        if self.device_count() == 0:
            return 0
        return self.memory_stats(device)[name]

    def memory_allocated(self, device: Any = None) -> int:
        """Bytes that tensors hold now."""
        return self._stat("allocated_bytes.all.current", device)

    def max_memory_allocated(self, device: Any = None) -> int:
        """The most bytes that tensors have held."""
        return self._stat("allocated_bytes.all.peak", device)

    def memory_reserved(self, device: Any = None) -> int:
        """Bytes taken from the device, kept for later included."""
        return self._stat("reserved_bytes.all.current", device)

    def max_memory_reserved(self, device: Any = None) -> int:
        """The most bytes taken from the device."""
        return self._stat("reserved_bytes.all.peak", device)

    def reset_peak_memory_stats(self, device: Any = None) -> None:
        """Count peaks from now on."""
        if self.device_count():
            _C._reset_peak_memory_stats(self._device(device))

    def reset_accumulated_memory_stats(self, device: Any = None) -> None:
        """Nothing: totals are never reset."""

    def empty_cache(self) -> None:
        """Give unused memory back to the device."""
        if self.device_count():
            _C._empty_cache(self.kind)

    def mem_get_info(self, device: Any = None) -> tuple[int, int]:
        """(free, total) bytes of the device."""
        total = int(_C._total_memory(self._device(device)))
        return total - self.memory_reserved(device), total

    def memory_summary(self, device: Any = None, abbreviated: bool = False) -> str:
        """The counters as text."""
        stats = self.memory_stats(device)
        return "\n".join(f"{name:40} {value:>16,}" for name, value in stats.items())

    # ---- random numbers: one generator for all devices ------------------------------
    def manual_seed(self, seed: int) -> None:
        """Start the random numbers again."""
        flambeau.manual_seed(seed)

    def manual_seed_all(self, seed: int) -> None:
        """Start the random numbers again."""
        flambeau.manual_seed(seed)

    def initial_seed(self) -> int:
        """The seed that the random numbers started from."""
        return int(flambeau.initial_seed())

    def seed(self) -> None:
        """Start from a seed of the system."""
        flambeau.seed()

    seed_all = seed

    def get_rng_state(self, device: Any = None) -> Any:
        """The state of the random numbers."""
        return flambeau.get_rng_state()

    def set_rng_state(self, new_state: Any, device: Any = None) -> None:
        """Go back to a state."""
        flambeau.set_rng_state(new_state)

    def get_rng_state_all(self) -> list[Any]:
        """The states of all devices."""
        return [flambeau.get_rng_state() for _ in range(self.device_count())]

    def set_rng_state_all(self, new_states: list[Any]) -> None:
        """Go back to states."""
        for state in new_states[:1]:
            flambeau.set_rng_state(state)

    # ---- streams
    # ----------------------------------------------------------------------
    def current_stream(self, device: Any = None) -> Stream:
        """The stream that work goes to."""
        return Stream(self._device(device))

    default_stream = current_stream

    def stream(self, stream: Any) -> Any:
        """A context in which work goes to the stream."""
        return stream or Stream(self.kind)

    def set_stream(self, stream: Any) -> None:
        """Choose the stream that work goes to; there is one only."""

    def device(self, device: Any) -> Any:
        """A context in which the device is the current one."""
        return Stream(device)


def public(kind: str) -> dict[str, Any]:
    """The names that the module of a device type has."""
    module = DeviceModule(kind)
    names = [n for n in dir(DeviceModule) if not n.startswith("_")]
    found: dict[str, Any] = {n: getattr(module, n) for n in names}
    found |= {"Stream": Stream, "Event": Event}
    return found


def get_device_module(device: Any = None) -> Any:
    """flambeau.cuda, flambeau.cpu, ...: by a device; default: the default device."""
    kind = device if isinstance(device, str) else None
    if kind is None:
        chosen = flambeau.get_default_device() if device is None else device
        kind = chosen.type
    return getattr(flambeau, kind.split(":")[0])
