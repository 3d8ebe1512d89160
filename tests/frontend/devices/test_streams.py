"""Streams and events: one set of classes for devices with and without streams."""

from __future__ import annotations

import pickle
import threading
import time

import flambeau
import pytest
from flambeau import _C


def has_streams(kind):
    return _C._device_properties(kind)["streams"]


def test_stream_attributes(device):
    s = flambeau.Stream(device)
    assert s.device.type == device == s.device_type
    host = device == _C._host_device_type
    assert s.device.index == (None if host else 0)
    assert s.device_index == (-1 if host else 0)
    assert isinstance(s.stream_id, int)
    assert (
        repr(s) == f"flambeau.Stream device_type={device}, device_index="
        f"{s.device_index}, stream_id={s.stream_id}"
    )
    assert s.is_capturing() is False


def test_streams_compare_by_device_and_id(device):
    module = flambeau.get_device_module(device)
    default = module.default_stream()
    assert default == flambeau.Stream(device, stream_id=0)
    assert hash(default) == hash(flambeau.Stream(device, stream_id=0))
    assert isinstance(default, module.Stream) and isinstance(default, flambeau.Stream)
    assert default != "stream" and default != 0
    if has_streams(device):
        assert flambeau.Stream(device) != flambeau.Stream(device)
        assert flambeau.Stream(device) != default
    else:
        assert flambeau.Stream(device) == default


def test_they_cannot_be_pickled(device):
    for thing in (flambeau.Stream(device), flambeau.Event(device)):
        with pytest.raises(
            TypeError, match=r"cannot pickle 'flambeau\.(Stream|Event)'"
        ):
            pickle.dumps(thing)


def test_context_sets_and_restores(device):
    module = flambeau.get_device_module(device)
    before = module.current_stream()
    a, b = flambeau.Stream(device), flambeau.Stream(device)
    with a as entered:
        assert entered is a and module.current_stream() == a
        with b:
            assert module.current_stream() == b
            with a:  # the same one again
                assert module.current_stream() == a
            assert module.current_stream() == b
        assert module.current_stream() == a
    assert module.current_stream() == before
    with pytest.raises(KeyError), a:
        raise KeyError("x")
    assert module.current_stream() == before


def test_module_stream_context(device):
    module = flambeau.get_device_module(device)
    before, s = module.current_stream(), module.Stream()
    with module.stream(s):
        assert module.current_stream() == s
        with module.stream(None):
            assert module.current_stream() == s
    assert module.current_stream() == before
    module.set_stream(s)
    assert module.current_stream() == s
    module.set_stream(before)
    assert module.current_stream() == before


def test_current_stream_is_of_the_thread(device):
    module = flambeau.get_device_module(device)
    seen = []
    with flambeau.Stream(device) as s:
        thread = threading.Thread(target=lambda: seen.append(module.current_stream()))
        thread.start()
        thread.join()
        assert module.current_stream() == s
    assert seen == [module.default_stream()]


def test_work_in_streams_is_ordered_by_events(device):
    a, b = flambeau.Stream(device), flambeau.Stream(device)
    x = flambeau.arange(1000, device=device)
    a.wait_stream(flambeau.get_device_module(device).current_stream())
    with a:
        y = x * 3
        done = a.record_event()
    b.wait_event(done)
    with b:
        z = y + 1
        z.record_stream(b)
    b.synchronize()
    assert b.query()
    assert z.tolist() == [3 * i + 1 for i in range(1000)]
    done.synchronize()
    assert done.query()


def test_event_before_it_is_recorded(device):
    e = flambeau.Event(device)
    assert e.query() is True
    e.synchronize()
    e.wait()  # of no account
    assert e.event_id == 0 and e.device.type == device
    assert repr(e).startswith(f"flambeau.Event device_type={device}, device_index=-1")


def test_elapsed_time(device):
    start = flambeau.Event(device, enable_timing=True)
    end = flambeau.Event(device, enable_timing=True)
    start.record()
    start.synchronize()
    time.sleep(0.02)
    end.record()
    end.synchronize()
    assert 15 <= start.elapsed_time(end) < 5000


def test_elapsed_time_errors(device):
    timed = flambeau.Event(device, enable_timing=True)
    with pytest.raises(ValueError, match="enable_timing=True"):
        timed.elapsed_time(flambeau.Event(device))
    with pytest.raises(ValueError, match="must be recorded"):
        timed.elapsed_time(flambeau.Event(device, enable_timing=True))


def test_module_event(device):
    module = flambeau.get_device_module(device)
    e = module.Event(True)
    assert e.enable_timing and e.device.type == device
    assert isinstance(e, flambeau.Event)
    e.record(module.current_stream())
    e.synchronize()
    assert e.query()


def test_event_stays_on_its_device(other):
    e = flambeau.Event(f"{other}:0")
    host = flambeau.Stream(_C._host_device_type)
    with pytest.raises(RuntimeError, match=f"expected a stream of {other}:0"):
        e.record(host)
    e.record()
    with pytest.raises(RuntimeError, match="got one of cpu"):
        host.record_event(e)
    host.wait_event(e)  # the host waits itself
    assert e.query()


def test_record_stream_of_another_device(other):
    t = flambeau.ones(3, device=other)
    t.record_stream(flambeau.get_device_module(other).current_stream())
    with pytest.raises(RuntimeError, match=f"expected a stream of {other}:0, got one"):
        t.record_stream(flambeau.Stream(_C._host_device_type))


def test_module_refuses_other_devices(other):
    module = flambeau.get_device_module(other)
    with pytest.raises(ValueError, match=f"Expected a {other} device, but got: cpu"):
        module.current_stream("cpu")
    with pytest.raises(ValueError, match="Expected a cpu device"):
        flambeau.cpu.synchronize(other)


def test_many_streams_and_dropped_events(remote):
    streams = [flambeau.Stream(remote, priority=-(i % 2)) for i in range(40)]
    x = flambeau.ones(64, device=remote)
    results = []
    for s in streams:
        s.wait_stream(flambeau.get_device_module(remote).default_stream())
        with s:
            results.append(x + 1)
            s.record_event()  # dropped at once
    flambeau.get_device_module(remote).synchronize()
    assert all(r.sum().item() == 128 for r in results)


@pytest.mark.parametrize("inside", [False, True])
def test_backward_of_what_another_stream_computed(device, inside):
    """Gradients are right and ready on the current stream, as in PyTorch."""

    def loss(w):
        y = w
        for _ in range(12):
            y = (y @ w).tanh() + w
        return y.sum()

    reference = flambeau.full((64, 64), 0.01, requires_grad=True)
    loss(reference).backward()
    s = flambeau.Stream(device)
    for _ in range(5):
        w = flambeau.full((64, 64), 0.01, device=device, requires_grad=True)
        s.wait_stream(flambeau.get_device_module(device).current_stream())
        with s:
            out = loss(w)
            if inside:
                out.backward()
                done = s.record_event()
        if inside:
            done.wait()
        else:
            out.backward()
        flambeau.testing.assert_close(w.grad.cpu(), reference.grad, rtol=1e-4, atol=0)
