"""The simulated device below the frontend: memory, queues, events and faults, through
the tables of the contract."""

from __future__ import annotations

import ctypes as C
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

PACKAGE = importlib.util.find_spec("flambeau_simulated")
if PACKAGE is None or PACKAGE.origin is None:
    pytest.skip("needs flambeau_simulated to be installed", allow_module_level=True)
LIBRARY = Path(PACKAGE.origin).parent / "libflambeau_simulated.so"

from device_harness import Block, DeviceBackend, h  # noqa: E402

DEVICE_LOST = 6


@pytest.fixture
def device() -> Iterator[DeviceBackend]:
    """A fresh device 0."""
    d = DeviceBackend(LIBRARY)
    yield d
    d.library.flambeau_simulated_inject(0, b"none", C.c_int64(0), C.c_int64(0))
    d.device.close(d.handle)


def inject(d: DeviceBackend, kind: str, after: int = 0, times: int = 1) -> None:
    done = d.library.flambeau_simulated_inject(
        0, kind.encode(), C.c_int64(after), C.c_int64(times)
    )
    assert done == 0


def statistic(d: DeviceBackend, name: str) -> int:
    d.library.flambeau_simulated_statistic.restype = C.c_int64
    return int(d.library.flambeau_simulated_statistic(0, name.encode()))


class Vector:
    """An array with its mirror on the device."""

    def __init__(self, d: DeviceBackend, values: Any) -> None:
        self.device = d
        self.array = np.array(values, np.float32)
        self.blocks = d.mirror([self.array])
        self.block: Block = self.blocks[0]

    def read(self, stream: Any = None) -> list[float]:
        self.block.download(stream)
        return self.array.tolist()


def run(d: DeviceBackend, op: str, out: Vector, *ins: Any, stream: Any = None) -> None:
    vectors = [v for v in (out, *ins) if isinstance(v, Vector)]
    arrays = [v.array if isinstance(v, Vector) else v for v in ins]
    blocks = [v.block for v in vectors]
    d.good(d.launch(op, [out.array], arrays, [], blocks, stream))


def number(x: float) -> Any:
    return h.Scalar(x, "float32")


def make(function: Callable[..., int], d: DeviceBackend, *args: Any) -> int:
    out = C.c_void_p()
    d.good(function(d.handle, *args, C.byref(out)))
    assert out.value is not None
    return out.value


# ---- memory -------------------------------------------------------------------------


def test_the_host_faults_on_device_memory(device: DeviceBackend) -> None:
    code = f"""
import ctypes, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from device_harness import DeviceBackend
d = DeviceBackend({str(LIBRARY)!r})
address = d.allocate(64)
print("allocated", flush=True)
ctypes.string_at(address, 1)
print("read", flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stdout == "allocated\n"
    assert done.returncode == -11  # SIGSEGV


def test_properties_and_limits(device: DeviceBackend) -> None:
    free, total = C.c_uint64(), C.c_uint64()
    device.good(device.memory.available(device.handle, C.byref(free), C.byref(total)))
    assert total.value == 1 << 30
    assert free.value == total.value
    address = device.allocate(1000)
    assert address % 256 == 0
    device.good(device.memory.available(device.handle, C.byref(free), C.byref(total)))
    assert total.value - free.value == 1024
    with pytest.raises(h.KernelError) as e:
        device.allocate(1 << 30)
    assert e.value.status == h.OUT_OF_MEMORY
    device.release(address, 1000)
    device.release(device.allocate(1 << 30), 1 << 30)
    assert statistic(device, "memory") == 0


def test_holes_are_joined(device: DeviceBackend) -> None:
    third = (1 << 30) // 4
    parts = [device.allocate(third) for _ in range(4)]
    for order in ([1, 2, 0, 3], [3, 0, 2, 1]):
        for i in order:
            device.release(parts[i], third)
        whole = device.allocate(1 << 30)
        device.release(whole, 1 << 30)
        parts = [device.allocate(third) for _ in range(4)]


@pytest.mark.parametrize("count", [1, 100, 1024, 100_000])
def test_copies(device: DeviceBackend, count: int) -> None:
    x = Vector(device, np.arange(count))
    x.array[:] = -1
    assert x.read() == list(range(count))


def test_pinned_memory(device: DeviceBackend) -> None:
    x = Vector(device, range(1000))
    pinned = make(device.memory.allocate_host, device, 4000)
    view = np.ctypeslib.as_array((C.c_float * 1000).from_address(pinned))
    memory, handle, at = device.memory, device.handle, x.block.address
    device.good(memory.to_pinned(handle, None, pinned, at, 4000))
    device.synchronize()
    assert view.tolist() == list(range(1000))
    view[:] = 7
    device.good(memory.from_pinned(handle, None, at, pinned, 4000))
    assert x.read() == [7.0] * 1000
    elsewhere = np.zeros(1000, np.float32).ctypes.data
    with pytest.raises(h.KernelError, match="not pinned"):
        device.good(memory.from_pinned(handle, None, at, elsewhere, 4000))
    memory.release_host(handle, pinned, 4000)


def test_addresses_of_others_are_refused(device: DeviceBackend) -> None:
    x = Vector(device, range(8))
    other = DeviceBackend(LIBRARY, index=1)
    y = Vector(other, range(8))
    with pytest.raises(h.KernelError, match="add: .* not in this device's memory"):
        run(device, "add", x, x, y)
    there = np.zeros(8, np.float32).ctypes.data
    with pytest.raises(h.KernelError, match="not in this device's memory"):
        other.good(other.memory.from_host(other.handle, None, there, there, 32))
    other.device.close(other.handle)


# ---- queues -------------------------------------------------------------------------


def test_calls_return_before_they_have_run(device: DeviceBackend) -> None:
    x = Vector(device, [1, 2, 3])
    device.library.flambeau_simulated_hold(0)
    for _ in range(5):
        run(device, "add", x, x, number(1))
    assert statistic(device, "launched") == 5
    assert statistic(device, "executed") == 0
    assert device.streams.query(device.handle, None) == 0
    device.library.flambeau_simulated_resume(0)
    device.synchronize()
    assert device.streams.query(device.handle, None) == 1
    assert statistic(device, "executed") == 5
    assert x.read() == [6, 7, 8]


def test_more_calls_than_the_queue_holds(device: DeviceBackend) -> None:
    x = Vector(device, [0, 0])
    for _ in range(5000):
        run(device, "add", x, x, number(1))
    assert x.read() == [5000, 5000]


def test_a_call_is_copied(device: DeviceBackend) -> None:
    """Sizes, strides and numbers may be gone when it runs."""
    x = Vector(device, range(6))
    device.library.flambeau_simulated_hold(0)
    three = number(3)
    run(device, "mul", x, x, three)
    three.array[:] = 100
    del three
    assert x.read() == [0, 3, 6, 9, 12, 15]


@pytest.mark.parametrize("ordered", [False, True])
def test_streams_are_ordered_by_events_alone(
    device: DeviceBackend, ordered: bool
) -> None:
    s = device.streams
    first, second = (make(s.create, device, 0) for _ in range(2))
    event = make(s.event_create, device, 0)
    x, y = Vector(device, [0] * 8), Vector(device, [0] * 8)
    device.synchronize()
    for round_ in range(20):
        device.library.flambeau_simulated_hold(0)
        run(device, "add", x, x, number(1), stream=first)
        if ordered:
            device.good(s.event_record(device.handle, event, first))
            device.good(s.event_wait(device.handle, event, second))
        run(device, "mul", y, x, number(10), stream=second)
        seen = y.read(second)[0]
        assert seen == 10 * (round_ + 1 if ordered else round_)
        device.synchronize()
    s.event_destroy(device.handle, event)
    s.destroy(device.handle, first)
    s.destroy(device.handle, second)


@pytest.mark.parametrize("waits", [False, True])
def test_the_default_stream_waits_for_no_other(
    device: DeviceBackend, waits: bool
) -> None:
    s = device.streams
    side = make(s.create, device, 0)
    event = make(s.event_create, device, 0)
    x = Vector(device, [1] * 4)
    device.synchronize()
    device.library.flambeau_simulated_hold(0)
    run(device, "add", x, x, number(1), stream=side)
    if waits:
        device.good(s.event_record(device.handle, event, side))
        device.good(s.event_wait(device.handle, event, None))
    run(device, "mul", x, x, number(5))
    device.synchronize()
    assert x.read() == [10 if waits else 6] * 4


def test_events(device: DeviceBackend) -> None:
    s = device.streams
    start, end = (make(s.event_create, device, 1) for _ in range(2))
    handle, ms = device.handle, C.c_double()
    assert s.event_query(handle, start) == 1  # never recorded: counts as reached
    device.good(s.event_wait(handle, start, None))
    device.good(s.event_synchronize(handle, start))
    x = Vector(device, np.zeros(200_000))
    device.library.flambeau_simulated_hold(0)
    device.good(s.event_record(handle, start, None))
    run(device, "exp", x, x)
    device.good(s.event_record(handle, end, None))
    assert s.event_query(handle, end) == 0
    with pytest.raises(h.KernelError, match="must have been recorded and reached"):
        device.good(s.event_elapsed(handle, start, end, C.byref(ms)))
    device.good(s.event_synchronize(handle, end))
    assert s.event_query(handle, end) == 1
    device.good(s.event_elapsed(handle, start, end, C.byref(ms)))
    assert 0.1 < ms.value < 10_000
    untimed = make(s.event_create, device, 0)
    with pytest.raises(h.KernelError, match="made with timing"):
        device.good(s.event_elapsed(handle, start, untimed, C.byref(ms)))
    for event in (start, end, untimed):
        s.event_destroy(handle, event)


def test_streams_run_out_and_come_back(device: DeviceBackend) -> None:
    s = device.streams
    made = [make(s.create, device, 0) for _ in range(63)]
    assert len(set(made)) == 63
    with pytest.raises(h.KernelError, match="no more streams"):
        make(s.create, device, 0)
    for stream in made:
        s.destroy(device.handle, stream)
    assert make(s.create, device, 0) in made


# ---- errors -------------------------------------------------------------------------


def index_error(d: DeviceBackend) -> int:
    a, out = np.zeros(4, np.float32), np.zeros(2, np.float32)
    index = np.array([1, 9])
    blocks = d.mirror([a, out, index])
    return d.launch("gather", [out], [a, index], [0], blocks)


def test_errors_in_data_come_out_later(device: DeviceBackend) -> None:
    assert index_error(device) == h.OK
    x = Vector(device, [1.0])
    run(device, "add", x, x, number(1))  # goes on meanwhile
    with pytest.raises(h.KernelError) as e:
        device.synchronize()
    assert e.value.status == h.INDEX_ERROR
    assert e.value.message == (
        "gather: index 9 is out of bounds for dimension 0 with size 4"
    )
    device.synchronize()  # forgotten
    assert x.read() == [2.0]


def test_integers_divided_by_zero(device: DeviceBackend) -> None:
    a, b = np.array([4, 5, 6]), np.array([2, 0, 3])
    blocks = device.mirror([a, b])
    assert device.launch("div_floor", [a], [a, b], [], blocks) == h.OK
    with pytest.raises(h.KernelError, match="div_floor: ZeroDivisionError"):
        blocks[0].download()


def test_out_of_memory_is_injected(device: DeviceBackend) -> None:
    inject(device, "out_of_memory", after=1, times=2)
    device.allocate(64)
    for _ in range(2):
        with pytest.raises(h.KernelError) as e:
            device.allocate(64)
        assert e.value.status == h.OUT_OF_MEMORY
    device.allocate(64)


def test_deferred_error_is_injected(device: DeviceBackend) -> None:
    x = Vector(device, [1.0])
    inject(device, "deferred_error", after=1)
    run(device, "add", x, x, number(1))
    run(device, "mul", x, x, number(5))
    run(device, "add", x, x, number(1))
    with pytest.raises(h.KernelError, match="mul: injected fault"):
        device.synchronize()
    assert x.read() == [3.0]


def test_lost_device_refuses_everything(device: DeviceBackend) -> None:
    x = Vector(device, [1.0])
    inject(device, "device_lost", after=1)
    run(device, "add", x, x, number(1))
    s, handle = device.streams, device.handle
    attempts: list[Callable[[], Any]] = [
        lambda: run(device, "add", x, x, number(1)),
        lambda: run(device, "add", x, x, number(1)),
        device.synchronize,
        lambda: device.allocate(8),
        x.read,
        lambda: make(s.create, device, 0),
        lambda: device.good(s.synchronize(handle, None)),
    ]
    for attempt in attempts:
        with pytest.raises(h.KernelError, match="simulated:0.* was lost") as e:
            attempt()
        assert e.value.status == DEVICE_LOST


def test_a_forked_child_is_refused(device: DeviceBackend) -> None:
    x = Vector(device, [1.0])
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            run(device, "add", x, x, number(1))
            os.write(write, b"it ran")
        except h.KernelError as e:
            os.write(write, e.message.encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as pipe:
        assert "opened before fork()" in pipe.read()
    run(device, "add", x, x, number(1))
    assert x.read() == [2.0]


SETTINGS = """
import sys
sys.path.insert(0, {folder!r})
from device_harness import DeviceBackend
import ctypes as C
try:
    d = DeviceBackend({library!r}, index={index})
    free, total = C.c_uint64(), C.c_uint64()
    d.memory.available(d.handle, C.byref(free), C.byref(total))
    print(d.device.count(), total.value)
except Exception as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("variables", "index", "printed"),
    [
        ({}, 1, "2 1073741824"),
        ({"MEMORY": "1048576", "DEVICES": "3"}, 2, "3 1048576"),
        ({"DEVICES": "1"}, 1, "there is no such device"),
        ({"MEMORY": "much"}, 0, "FLAMBEAU_SIMULATED_MEMORY: expected a positive"),
        ({"ORDER": "backwards"}, 0, "FLAMBEAU_SIMULATED_ORDER: expected latest"),
        ({"INJECT": "fire:0:0"}, 0, "FLAMBEAU_SIMULATED_INJECT: expected kind"),
        ({"INJECT": "out_of_memory:1:0"}, 0, "2 1073741824"),
    ],
)
def test_settings(variables: dict[str, str], index: int, printed: str) -> None:
    environment = {
        **os.environ,
        **{f"FLAMBEAU_SIMULATED_{k}": v for k, v in variables.items()},
    }
    code = SETTINGS.format(
        folder=str(Path(__file__).parent), library=str(LIBRARY), index=index
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed in done.stdout
