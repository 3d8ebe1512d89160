"""Streams, in which the work of a device runs in order, and events, points in them.

The classes are the same for every device. One that has no streams of its own has its
default stream alone: work is done when a call returns, and an event is reached as soon
as it is recorded.
"""

from __future__ import annotations

from threading import local
from time import perf_counter
from typing import Any

from . import _C
from ._device_types import located

__all__ = ["Event", "Stream"]


class _Entered(local):
    """What the `with` blocks around the thread's current line have to put back."""

    def __init__(self) -> None:
        self.before: list[tuple[Any, int, int]] = []


_entered = _Entered()


def enter(stream: Stream) -> None:
    """Send work to a stream and make its device the current one, until `leave`."""
    device = stream.device
    index = -1 if device.index is None else _C._current_index(device.type)
    stream_id = _C._stream_set(device, stream.stream_id)
    if index >= 0:
        _C._set_current_index(device.type, device.index)
    _entered.before.append((device, index, stream_id))


def leave() -> None:
    """Put back what the last `enter` of this thread found."""
    device, index, stream_id = _entered.before.pop()
    _C._stream_set(device, stream_id)
    if index >= 0:
        _C._set_current_index(device.type, index)


def current_stream(device: Any, cls: type[Stream] | None = None) -> Stream:
    """The stream that this thread's work goes to, on a device with its index."""
    return (cls or Stream)(device, stream_id=_C._stream_get(device))


class Stream:
    """An order of work on a device; a context in which work goes to it.

    Args:
        device: the accelerator by default, or the host when there is none.
        priority: a negative one is served first, where the device has priorities.
    """

    # Modules like `flambeau.cuda` have a subclass for their type of device.
    _kind: str | None = None

    def __init__(
        self, device: Any = None, priority: int = 0, *, stream_id: int | None = None
    ) -> None:
        self.device = located(device, self._kind)
        self.priority = priority
        if stream_id is None:
            stream_id = _C._stream_create(self.device, priority)
        self.stream_id: int = stream_id

    @property
    def device_type(self) -> str:
        """The type of its device."""
        return str(self.device.type)

    @property
    def device_index(self) -> int:
        """The index of its device; -1 for the host."""
        return -1 if self.device.index is None else int(self.device.index)

    def synchronize(self) -> None:
        """Wait until all work in it is done. RuntimeError for what went wrong there."""
        _C._stream_synchronize(self.device, self.stream_id)

    def query(self) -> bool:
        """True when all work in it is done."""
        return bool(_C._stream_query(self.device, self.stream_id))

    def wait_event(self, event: Event) -> None:
        """Let later work in this stream wait for an event."""
        event.wait(self)

    def wait_stream(self, stream: Stream) -> None:
        """Let later work in this stream wait for the work that another has now."""
        self.wait_event(stream.record_event())

    def record_event(self, event: Event | None = None) -> Event:
        """Record an event, a new one by default, behind the work given so far."""
        if event is None:
            event = Event(self.device)
        event.record(self)
        return event

    def is_capturing(self) -> bool:
        """False: graphs are not captured."""
        return False

    def __enter__(self) -> Stream:
        enter(self)
        return self

    def __exit__(self, *exc: object) -> None:
        leave()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Stream):
            return NotImplemented
        return (self.device, self.stream_id) == (other.device, other.stream_id)

    def __hash__(self) -> int:
        return hash((self.device, self.stream_id))

    def __reduce__(self) -> Any:
        raise TypeError("cannot pickle 'flambeau.Stream' object: it is of this process")

    def __repr__(self) -> str:
        return (
            f"flambeau.Stream device_type={self.device.type}, "
            f"device_index={self.device_index}, stream_id={self.stream_id}"
        )


class StreamContext:
    """Within the block, work goes to the stream; None changes nothing."""

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        if self.stream is not None:
            enter(self.stream)

    def __exit__(self, *exc: object) -> None:
        if self.stream is not None:
            leave()


class Event:
    """A point in a stream that the host and other streams can wait for.

    Args:
        device: the accelerator by default, or the host when there is none. Without an
            index, the event belongs to the device where it is recorded first.
        enable_timing: whether `elapsed_time` will be asked for.
        blocking, interprocess: accepted, without effect.
    """

    _kind: str | None = None

    def __init__(
        self,
        device: Any = None,
        *,
        enable_timing: bool = False,
        blocking: bool = False,
        interprocess: bool = False,
    ) -> None:
        self._handle: int | None = None
        self._home: Any = None  # the device, from the first recording on
        self._time: float | None = None  # where the device has no clock: the host's
        self.device = located(device, self._kind)
        if device is None or (
            not isinstance(device, int) and _C.device(device).index is None
        ):
            self.device = _C.device(self.device.type)
        self.enable_timing = enable_timing

    @property
    def event_id(self) -> int:
        """What the device knows it by; 0 before it is recorded."""
        return self._handle or 0

    def _stream(self) -> Stream:
        return current_stream(located(self._home or self.device))

    def record(self, stream: Stream | None = None) -> None:
        """Put it behind the work that a stream has now, by default the current one."""
        if stream is None:
            stream = self._stream()
        if self._home is None:
            self._bind(stream.device)
        if stream.device != self._home:
            raise RuntimeError(
                f"Event.record: expected a stream of {self._home}, where the event was "
                f"recorded first, got one of {stream.device}"
            )
        _C._event_record(self._home, self._handle, stream.stream_id)
        if not self._handle:
            self._time = perf_counter()

    def _bind(self, device: Any) -> None:
        mine = self.device
        if device.type != mine.type or mine.index not in (None, device.index):
            raise RuntimeError(
                f"Event.record: expected a stream of {mine}, the event's device, got "
                f"one of {device}"
            )
        self._handle = _C._event_create(device, self.enable_timing)
        self._home = self.device = device

    def wait(self, stream: Stream | None = None) -> None:
        """Let later work in a stream, by default the current one, wait for it."""
        if self._home is None:
            return
        if stream is None:
            stream = self._stream()
        if stream.device == self._home:
            _C._event_wait(self._home, self._handle, stream.stream_id)
        else:  # devices know nothing of each other, so the host waits
            self.synchronize()

    def synchronize(self) -> None:
        """Wait until it is reached."""
        if self._home is not None:
            _C._event_synchronize(self._home, self._handle)

    def query(self) -> bool:
        """True when it is reached, or was never recorded."""
        return self._home is None or bool(_C._event_query(self._home, self._handle))

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds from this event to a later one.

        ValueError when one of them was not recorded, is not reached, or was made
        without `enable_timing`.
        """
        both = (self, end_event)
        if not all(e.enable_timing for e in both):
            raise ValueError(
                "Both events must be created with argument 'enable_timing=True'."
            )
        if not all(e._home is not None for e in both):
            raise ValueError(
                "Both events must be recorded before calculating elapsed time."
            )
        if not all(e.query() for e in both):
            raise ValueError(
                "Both events must be completed before calculating elapsed time."
            )
        if self._home != end_event._home:
            raise ValueError(
                f"Event.elapsed_time: expected events of one device, got {self._home} "
                f"and {end_event._home}"
            )
        if self._time is not None and end_event._time is not None:
            return (end_event._time - self._time) * 1e3
        return float(_C._event_elapsed(self._home, self._handle, end_event._handle))

    # The function is kept as a default: at the end of a process the module is empty.
    def __del__(self, destroy: Any = _C._event_destroy) -> None:
        if getattr(self, "_handle", None):
            destroy(self._home, self._handle)

    def __reduce__(self) -> Any:
        raise TypeError("cannot pickle 'flambeau.Event' object: it is of this process")

    def __repr__(self) -> str:
        index = -1 if self.device.index is None else self.device.index
        return (
            f"flambeau.Event device_type={self.device.type}, device_index={index}, "
            f"event_flag={int(self.enable_timing)}, event_id={self.event_id}"
        )
