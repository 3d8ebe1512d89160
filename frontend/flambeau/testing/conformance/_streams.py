"""Tests of level 1: order within a stream, events between streams, errors that surface
when the host waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import flambeau
from flambeau import _C

from ._bench import Bench
from ._case import skip

# Work that lasts long enough for another stream to overtake it.
_SIZE, _STEPS = 200_000, 30


def _needs_streams(bench: Bench) -> None:
    if not bench.properties["streams"]:
        raise skip("the device has one stream, and is synchronous")


@contextmanager
def _on(bench: Bench, stream: int) -> Iterator[None]:
    before = _C._stream_set(bench.device, stream)
    try:
        yield
    finally:
        _C._stream_set(bench.device, before)


def _slow(x: Any, steps: int = _STEPS) -> None:
    """Adds 1 to every element, `steps` times."""
    for _ in range(steps):
        x.add_(1)


def _zeros(bench: Bench) -> Any:
    return flambeau.zeros(_SIZE, device=bench.device)


def _is(x: Any, wanted: float, what: str) -> None:
    low, high = x.min().item(), x.max().item()
    assert low == high == wanted, (
        f"{what}: expected {wanted} everywhere, got {low} to {high}"
    )


def in_order(bench: Bench) -> None:
    """What is given to one stream runs in order; synchronize waits for it."""
    x = _zeros(bench)
    _slow(x)
    x.mul_(2)
    x.sub_(5)
    _C._synchronize(bench.device)
    _is(x, 2 * _STEPS - 5, "the default stream")
    if not bench.properties["streams"]:
        return
    stream = _C._stream_create(bench.device, 0)
    with _on(bench, stream):
        y = _zeros(bench)
        _slow(y)
        y.mul_(2)
        _C._stream_synchronize(bench.device, stream)
        assert _C._stream_query(bench.device, stream), "query after synchronize"
        _is(y, 2 * _STEPS, "another stream")


def current_stream(bench: Bench) -> None:
    """The current stream is what was set, for this device alone."""
    _needs_streams(bench)
    first = _C._stream_get(bench.device)
    one = _C._stream_create(bench.device, 0)
    other = _C._stream_create(bench.device, -1)
    assert len({first, one, other}) == 3, "two streams with one id"
    with _on(bench, one):
        assert _C._stream_get(bench.device) == one
        with _on(bench, other):
            assert _C._stream_get(bench.device) == other
        assert _C._stream_get(bench.device) == one
    assert _C._stream_get(bench.device) == first


def across_streams(bench: Bench) -> None:
    """A stream that waits for an event sees what was done before it was recorded; many
    times, since a race may be won by chance."""
    _needs_streams(bench)
    one = _C._stream_create(bench.device, 0)
    other = _C._stream_create(bench.device, 0)
    event = _C._event_create(bench.device, False)
    try:
        for turn in range(8):
            # Each reads what the other has written, and writes where it has read.
            with _on(bench, one):
                x = _zeros(bench)
                _slow(x)
                _C._event_record(bench.device, event, one)
            with _on(bench, other):
                _C._event_wait(bench.device, event, other)
                y = x * 3
                _C._event_record(bench.device, event, other)
            with _on(bench, one):
                _C._event_wait(bench.device, event, one)
                x.fill_(-1)
            _C._stream_synchronize(bench.device, other)
            _C._stream_synchronize(bench.device, one)
            _is(y, 3 * _STEPS, f"turn {turn}: read after the event")
            _is(x, -1, f"turn {turn}: written after the event")
    finally:
        _C._event_destroy(bench.device, event)


def events(bench: Bench) -> str:
    """An event not recorded is reached; a recorded one when its stream got there; the
    time between two is told."""
    _needs_streams(bench)
    start, end = (_C._event_create(bench.device, True) for _ in range(2))
    try:
        assert _C._event_query(bench.device, start), "an event that was never recorded"
        _C._event_synchronize(bench.device, start)
        stream = _C._stream_get(bench.device)
        x = _zeros(bench)
        _C._event_record(bench.device, start, stream)
        _slow(x)
        _C._event_record(bench.device, end, stream)
        _C._event_synchronize(bench.device, end)
        assert _C._event_query(bench.device, end), "query after synchronize"
        assert _C._event_query(bench.device, start), "an event before a reached one"
        elapsed = _C._event_elapsed(bench.device, start, end)
        assert 0 < elapsed < 60_000, f"{_STEPS} additions took {elapsed} ms"
        _is(x, _STEPS, "before the event")
    finally:
        for event in (start, end):
            _C._event_destroy(bench.device, event)
    return f"{elapsed:.3f} ms"


def memory_in_use(bench: Bench) -> None:
    """Memory given back while another stream reads it is not handed out before."""
    _needs_streams(bench)
    other = _C._stream_create(bench.device, 0)
    event = _C._event_create(bench.device, False)
    here = _C._stream_get(bench.device)
    try:
        for turn in range(4):
            x = flambeau.full((_SIZE,), 7.0, device=bench.device)
            _C._event_record(bench.device, event, here)
            with _on(bench, other):
                _C._event_wait(bench.device, event, other)
                busy = _zeros(bench)
                _slow(busy)
                y = x + busy
                _C._record_stream(x, other)
            del x
            overwritten = [
                flambeau.full((_SIZE,), -9.0, device=bench.device) for _ in range(4)
            ]
            _C._stream_synchronize(bench.device, other)
            _C._synchronize(bench.device)
            _is(y, 7 + _STEPS, f"turn {turn}")
            del overwritten
    finally:
        _C._event_destroy(bench.device, event)


def late_errors(bench: Bench) -> str:
    """An index out of range raises an error that names its op, at once or when the host
    waits; and the device goes on working."""
    if not bench.claims("float32", "gather"):
        raise skip("the device has no kernel 'gather'")
    x = flambeau.zeros(5, device=bench.device)
    index = flambeau.tensor([7], device=bench.device)
    when, told = "at once", ""
    try:
        x.gather(0, index)
        when = "at the synchronisation"
        _C._synchronize(bench.device)
    except (IndexError, RuntimeError) as error:
        told = str(error)
    assert told, "index 7 of 5 elements was read without an error"
    assert "gather" in told, f"expected 'gather' in the message, got '{told}'"
    _is(flambeau.ones(100, device=bench.device) + 1, 2, "after the error")
    return f"{when}: {told}"


TESTS: dict[str, Callable[[Bench], str | None]] = {
    "order within a stream": in_order,
    "the current stream": current_stream,
    "events between streams": across_streams,
    "events and their times": events,
    "memory that another stream uses": memory_in_use,
    "errors that come late": late_errors,
}
