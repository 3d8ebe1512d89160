"""Tensors on any device: where they are made and moved, printed, copied and pickled."""

from __future__ import annotations

import copy
import pickle
import threading

import flambeau
import numpy as np
import pytest
from flambeau import _C
from flambeau._device_types import can_pin

HOST = _C._host_device_type


def shown(kind, index=0):
    """What a tensor's device is written as."""
    return kind if kind == HOST else f"{kind}:{index}"


# ---- default device ------------------------------------------------------------------
def test_set_default_device(device):
    flambeau.set_default_device(device)
    assert flambeau.get_default_device() == flambeau.device(shown(device))
    for t in (
        flambeau.ones(2),
        flambeau.zeros(2, 3),
        flambeau.empty(1),
        flambeau.full((2,), 7),
        flambeau.arange(4),
        flambeau.linspace(0, 1, 3),
        flambeau.eye(2),
        flambeau.rand(3),
        flambeau.randint(5, (3,)),
        flambeau.tensor([1.0, 2.0]),
        flambeau.tensor(np.ones(2)),
        flambeau.as_tensor([1.0, 2.0]),
        flambeau.as_tensor(np.ones(2)),
        flambeau.as_tensor(flambeau.ones(2, device=HOST)),
        flambeau.asarray(np.ones(2)),
        flambeau.nn.Linear(2, 2).weight,
    ):
        assert str(t.device) == shown(device)
    assert flambeau.ones(1, device=HOST).device.type == HOST
    # Memory that is shared stays where it is, as in PyTorch.
    assert flambeau.from_numpy(np.zeros(2)).device.type == HOST
    flambeau.set_default_device(None)
    assert flambeau.ones(1).device == flambeau.device(HOST)
    assert flambeau.get_default_device() == flambeau.device(HOST)


def test_device_context(device):
    with flambeau.device(device) as d:
        assert d == flambeau.device(device)
        assert str(flambeau.ones(1).device) == shown(device)
        with flambeau.device("meta"):
            assert flambeau.ones(1).is_meta
            with flambeau.device(HOST):
                assert flambeau.ones(1).is_cpu
            assert flambeau.ones(1).is_meta
        assert str(flambeau.tensor(1).device) == shown(device)
    assert flambeau.ones(1).is_cpu
    with pytest.raises(KeyError), flambeau.device(device):
        raise KeyError
    assert flambeau.ones(1).is_cpu


def test_device_as_a_decorator(device):
    @flambeau.device(device)
    def make():
        return flambeau.ones(1)

    assert str(make().device) == shown(device)
    assert flambeau.ones(1).is_cpu


def test_default_device_is_of_the_thread(device):
    """As in PyTorch: other threads keep theirs."""
    seen = []
    with flambeau.device(device):
        thread = threading.Thread(target=lambda: seen.append(flambeau.ones(1).device))
        thread.start()
        thread.join()
    assert seen == [flambeau.device(HOST)]


# ---- moving --------------------------------------------------------------------------
def test_to_and_back(device):
    t = flambeau.arange(6, dtype=flambeau.float32).reshape(2, 3)
    moved = t.to(device)
    assert str(moved.device) == shown(device)
    assert moved.tolist() == t.tolist()
    assert moved.to(device) is moved and moved.to(flambeau.device(device)) is moved
    assert moved.to(shown(device)) is moved
    assert moved.to(moved) is moved
    back = moved.cpu()
    assert back.is_cpu and back.device == flambeau.device(HOST)
    assert back.tolist() == t.tolist()
    assert (moved is t) == (device == HOST)
    both = t.to(device, flambeau.float64)
    assert both.dtype == flambeau.float64 and str(both.device) == shown(device)
    assert t.to(device=device, non_blocking=True).tolist() == t.tolist()
    assert t.to(moved).device == moved.device
    copied = moved.to(device, copy=True)
    assert copied is not moved and copied.tolist() == t.tolist()
    # A view whose elements do not follow each other.
    assert t.t().to(device).tolist() == t.t().tolist()


def test_moving_is_differentiable(device):
    x = flambeau.ones(3, requires_grad=True)
    (x.to(device) * 2).to(HOST).sum().backward()
    assert x.grad.is_cpu and x.grad.tolist() == [2.0, 2.0, 2.0]


def test_is_device(device):
    t = flambeau.ones(1, device=device)
    kinds = ("cpu", "cuda", "meta", "mps", "mtia", "xpu")
    assert [k for k in kinds if getattr(t, f"is_{k}")] == [
        k for k in kinds if k == device
    ]
    assert t.get_device() == (-1 if device == HOST else 0)


def test_several_of_a_type(other):
    if flambeau.get_device_module(other).device_count() < 2:
        pytest.skip(f"there is one device of type {other}")
    a = flambeau.ones(3, device=f"{other}:0")
    b = a.to(f"{other}:1")
    assert str(b.device) == f"{other}:1" and b.get_device() == 1
    assert b.tolist() == [1.0, 1.0, 1.0]
    assert a.device != b.device and a.to(b).device == b.device
    assert (b + b).device == b.device
    with pytest.raises(RuntimeError, match=f"{other}:0.*{other}:1|same device"):
        a + b


def test_unknown_devices():
    with pytest.raises(RuntimeError, match="device 'nosuch' needs a backend"):
        flambeau.ones(1).to("nosuch")
    with pytest.raises(RuntimeError, match="Invalid device string: 'No such'"):
        flambeau.ones(1).to("No such")


def test_index_out_of_range(device):
    with pytest.raises(RuntimeError, match=f"{device}:99|device 99|index"):
        flambeau.ones(1, device=f"{device}:99")


# ---- printing ------------------------------------------------------------------------
def test_printing(device):
    where = "" if device == HOST else f", device='{device}:0'"
    t = flambeau.tensor([1.0, 2.5], device=device)
    assert repr(t) == f"tensor([1.0000, 2.5000]{where})"
    with flambeau.device(device):  # the default device changes nothing, as in PyTorch
        assert repr(t) == f"tensor([1.0000, 2.5000]{where})"
    p = flambeau.nn.Parameter(t)
    assert (
        repr(p) == "Parameter containing:\n"
        f"tensor([1.0000, 2.5000]{where}, requires_grad=True)"
    )
    assert repr(flambeau.empty(0, device=device)) == f"tensor([]{where})"
    assert str(t.device) == shown(device)
    big = flambeau.zeros(2000, device=device)
    assert repr(big) == f"tensor([0., 0., 0.,  ..., 0., 0., 0.]{where})"
    b = flambeau.tensor([0.5], dtype=flambeau.bfloat16, device=device)
    assert repr(b) == f"tensor([0.5000]{where}, dtype=flambeau.bfloat16)"
    assert f"{flambeau.tensor(2.5, device=device):.1f}" == "2.5"


# ---- copies and pickles --------------------------------------------------------------
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", "bfloat16", "complex64"])
def test_pickle_and_deepcopy(device, dtype):
    t = flambeau.tensor([[0, 1, 1], [1, 0, 1]], device=device).to(
        getattr(flambeau, dtype)
    )
    for new in (
        pickle.loads(pickle.dumps(t)),
        pickle.loads(pickle.dumps(t.t())),
        copy.deepcopy(t),
        copy.copy(t),
    ):
        assert new.device == t.device and new.dtype == t.dtype
        values = new.tolist() if new.shape == t.shape else new.t().tolist()
        assert values == t.tolist()


def test_pickle_keeps_what_is_on_a_tensor(device):
    p = flambeau.nn.Parameter(flambeau.ones(2, device=device), requires_grad=False)
    p.note = "mine"
    for new in (pickle.loads(pickle.dumps(p)), copy.copy(p)):
        assert type(new) is flambeau.nn.Parameter and not new.requires_grad
        assert new.device == p.device and new.note == "mine"
    empty = pickle.loads(pickle.dumps(flambeau.empty(0, 3, device=device)))
    assert empty.shape == (0, 3) and str(empty.device) == shown(device)


def test_pickled_device(device):
    for d in (flambeau.device(device), flambeau.device(device, 0)):
        assert pickle.loads(pickle.dumps(d)) == d
        assert copy.deepcopy(d) == d


def test_pickled_meta_tensor():
    t = pickle.loads(pickle.dumps(flambeau.empty(2, 3, device="meta")))
    assert t.is_meta and t.shape == (2, 3)


# ---- NumPy, DLPack -------------------------------------------------------------------
def test_numpy(device):
    t = flambeau.tensor([1.0, 2.0], device=device)
    if _C._device_properties(device)["host_memory"]:
        array = t.numpy()
        array[0] = 5  # the same memory
        assert t.tolist() == [5.0, 2.0]
    else:
        with pytest.raises(TypeError, match=f"can't convert {device}:0 device type"):
            t.numpy()
        assert t.numpy(force=True).tolist() == [1.0, 2.0]
    assert flambeau.tensor(np.array([3, 4]), device=device).tolist() == [3, 4]


def test_dlpack(device):
    t = flambeau.tensor([[1.0, 2.0], [3.0, 4.0]], device=device)
    if _C._device_properties(device)["host_memory"]:
        assert t.__dlpack_device__() == (1, 0)
        assert np.from_dlpack(t).tolist() == t.tolist()
        return
    if flambeau.accelerator.current_accelerator().type != device:
        # The specification has one number for devices that it does not know.
        with pytest.raises(RuntimeError, match=f"no code for device {device}:0"):
            t.__dlpack_device__()
        return
    code, index = t.__dlpack_device__()
    assert code != 1 and index == 0
    assert flambeau.from_dlpack(t).tolist() == t.tolist()
    assert flambeau.from_dlpack(t).device == t.device
    on_host = t.__dlpack__(dl_device=(1, 0), max_version=(1, 0))
    assert flambeau.from_dlpack(on_host).tolist() == t.tolist()
    with pytest.raises(BufferError, match="cannot export"):
        t.__dlpack__(dl_device=(1, 0), copy=False)


# ---- pinned memory -------------------------------------------------------------------
def pinned_or_skip(remote):
    """A pinned tensor."""
    try:
        return flambeau.arange(10.0).pin_memory(remote)
    except RuntimeError as error:
        if f"device '{remote}:0' has no pinned memory" not in str(error):
            raise
        pytest.skip(f"{remote} offers no pinned memory")


def test_pinned_memory(remote):
    assert not flambeau.arange(10.0).is_pinned()
    pinned = pinned_or_skip(remote)
    assert pinned.is_pinned() and pinned.is_cpu
    assert pinned[2:].is_pinned()
    assert pinned.tolist() == list(map(float, range(10)))
    assert pinned.pin_memory(remote) is pinned
    moved = pinned.to(remote, non_blocking=True)
    assert moved.tolist() == pinned.tolist()
    with pytest.raises(RuntimeError, match="only dense CPU tensors can be pinned"):
        moved.pin_memory(remote)
    back = flambeau.zeros(10).pin_memory(remote)
    back.copy_(moved * 2, non_blocking=True)
    flambeau.get_device_module(remote).synchronize()
    assert back.tolist() == [2.0 * i for i in range(10)]


def test_pinned_memory_in_flight(remote):
    """Freed while its bytes may still be moving."""
    pinned_or_skip(remote)
    moved = []
    for i in range(30):
        source = flambeau.full((1 << 14,), float(i)).pin_memory(remote)
        moved.append(source.to(remote, non_blocking=True))
        del source
    assert [m.sum().item() / (1 << 14) for m in moved] == list(range(30))


def test_factories_pin(remote):
    pinned_or_skip(remote)
    if flambeau.accelerator.current_accelerator().type != remote:
        pytest.skip("another device is the accelerator")
    for t in (
        flambeau.empty(3, pin_memory=True),
        flambeau.zeros(2, pin_memory=True),
        flambeau.tensor([1.0], pin_memory=True),
        flambeau.ones(1).new_tensor([2], pin_memory=True),
        flambeau.rand(3, pin_memory=True),
    ):
        assert t.is_pinned()
    assert not flambeau.empty(3).is_pinned()
    data = flambeau.utils.data.TensorDataset(flambeau.arange(4.0))
    loader = flambeau.utils.data.DataLoader(data, batch_size=2, pin_memory=True)
    batches = [b for (b,) in loader]
    assert all(b.is_pinned() for b in batches)
    assert [b.tolist() for b in batches] == [[0.0, 1.0], [2.0, 3.0]]


def test_loader_without_pinned_memory():
    if can_pin():
        pytest.skip("the accelerator here has pinned memory")
    data = flambeau.utils.data.TensorDataset(flambeau.arange(2.0))
    loader = flambeau.utils.data.DataLoader(data, pin_memory=True)
    with pytest.warns(UserWarning, match="pin_memory=True has no effect"):
        (first, _) = (b for (b,) in loader)
    assert not first.is_pinned()
    if flambeau.accelerator.is_available():
        with pytest.raises(RuntimeError, match="has no pinned memory"):
            flambeau.empty(3, pin_memory=True)
    else:
        with pytest.raises(RuntimeError, match="Cannot access accelerator"):
            flambeau.empty(3, pin_memory=True)
