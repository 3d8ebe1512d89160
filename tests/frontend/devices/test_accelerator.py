"""flambeau.accelerator, the modules of devices, and what an index alone means."""

from __future__ import annotations

import subprocess
import sys

import flambeau
import pytest
from flambeau import _C, accelerator

HAVE = accelerator.current_accelerator() is not None
no_accelerator = pytest.mark.skipif(HAVE, reason="an accelerator is here")
with_accelerator = pytest.mark.skipif(not HAVE, reason="no accelerator is here")
NONE = "Cannot access accelerator device when none is available"


@no_accelerator
def test_none_here_as_in_pytorch():
    assert accelerator.is_available() is False
    assert accelerator.device_count() == 0
    for call in (
        accelerator.current_device_index,
        accelerator.current_stream,
        accelerator.synchronize,
        accelerator.memory_allocated,
        accelerator.memory_stats,
        accelerator.empty_cache,
        accelerator.get_memory_info,
        lambda: accelerator.set_device_index(0),
        lambda: flambeau.device(0),
        lambda: flambeau.ones(2).to(0),
        lambda: flambeau.ones(2, device=0),
        lambda: flambeau.ones(2).pin_memory(),
    ):
        with pytest.raises(RuntimeError, match=NONE):
            call()
    assert flambeau.get_device_module() is flambeau.cpu
    assert flambeau.Stream().device == flambeau.device("cpu")


@with_accelerator
def test_it_has_memory_of_its_own():
    found = accelerator.current_accelerator(check_available=True)
    assert found.index is None
    assert not _C._device_properties(found.type)["host_memory"]
    assert accelerator.is_available() is True
    module = flambeau.get_device_module()
    assert accelerator.device_count() == module.device_count() > 0
    assert module is flambeau.get_device_module(found)


@with_accelerator
def test_an_index_is_the_accelerators():
    kind = accelerator.current_accelerator().type
    assert flambeau.device(0) == flambeau.device(f"{kind}:0")
    assert flambeau.ones(2).to(0).device == flambeau.device(kind, 0)
    assert flambeau.ones(2, device=0).device == flambeau.device(kind, 0)
    assert flambeau.Stream(0).device == flambeau.device(kind, 0)
    with pytest.raises(RuntimeError, match="negative"):
        flambeau.device(-1)


@with_accelerator
def test_current_index():
    kind = accelerator.current_accelerator().type
    assert accelerator.current_device_index() == 0
    with accelerator.device_index(None):
        assert accelerator.current_device_index() == 0
    accelerator.set_device_index(-1)
    assert accelerator.current_device_index() == 0
    with pytest.raises(ValueError, match="doesn't match the current accelerator"):
        accelerator.set_device_index("meta:0")
    with pytest.raises(ValueError, match="with a specified index or an integer"):
        accelerator.set_device_index(kind)
    if accelerator.device_count() < 2:
        return
    module = flambeau.get_device_module(kind)
    with accelerator.device_index(1):
        assert accelerator.current_device_index() == 1 == module.current_device()
        assert flambeau.ones(1, device=kind).device.index == 1
        assert accelerator.current_stream().device.index == 1
        with module.device(0):
            assert flambeau.ones(1, device=kind).device.index == 0
        with module.device_of(flambeau.ones(1)):
            assert module.current_device() == 1
        with module.device(-1), module.device(None):
            assert module.current_device() == 1
    assert accelerator.current_device_index() == 0
    accelerator.set_device_index(f"{kind}:1")
    assert module.current_device() == 1
    assert flambeau.ones(1).to(kind).device.index == 1
    assert flambeau.ones(1, device=f"{kind}:0").to(kind).device.index == 1
    accelerator.set_device_index(0)
    with flambeau.Stream(f"{kind}:1"):
        assert accelerator.current_device_index() == 1
    assert accelerator.current_device_index() == 0


@with_accelerator
def test_memory():
    kind = accelerator.current_accelerator().type
    module = flambeau.get_device_module(kind)
    before = accelerator.memory_allocated()
    t = flambeau.empty(1 << 20, dtype=flambeau.uint8, device=kind)
    assert accelerator.memory_allocated() - before >= 1 << 20
    assert accelerator.max_memory_allocated() >= before + (1 << 20)
    assert accelerator.memory_reserved() >= accelerator.memory_allocated()
    del t
    assert accelerator.memory_allocated() == before == module.memory_allocated()
    accelerator.reset_peak_memory_stats()
    assert accelerator.max_memory_allocated() == before
    accelerator.empty_cache()
    assert accelerator.memory_reserved() >= before
    free, total = accelerator.get_memory_info()
    assert 0 <= free <= total and (free, total) == module.mem_get_info()
    assert accelerator.memory_stats()["allocated_bytes.all.current"] == before
    dtypes = accelerator.get_device_capability()["supported_dtypes"]
    assert flambeau.float32 in dtypes


@with_accelerator
def test_older_names_warn():
    with pytest.warns(FutureWarning, match="current_device_index"):
        assert accelerator.current_device_idx() == 0
    with pytest.warns(FutureWarning, match="set_device_index"):
        accelerator.set_device_idx(0)


# ---- modules -------------------------------------------------------------------------
def test_module_of_every_device(device):
    module = flambeau.get_device_module(device)
    assert module is flambeau.get_device_module(flambeau.device(device))
    assert module is getattr(flambeau, device)
    assert module.__name__ == f"flambeau.{device}"
    assert module.is_available() and module.device_count() >= 1
    module.init()
    assert module.is_initialized()
    assert isinstance(module.get_device_name(), str) and module.get_device_name()
    assert module.get_device_properties().name == module.get_device_name(0)
    module.synchronize()
    module.synchronize(device)
    assert isinstance(module.memory_summary(), str)
    module.reset_peak_memory_stats()
    module.reset_accumulated_memory_stats()
    module.empty_cache()
    module.set_device(0)
    assert module.current_device() == (
        _C._host_device_type if device == _C._host_device_type else 0
    )


def test_a_device_that_is_not_here():
    assert not flambeau.mtia.is_available()
    assert flambeau.mtia.device_count() == 0
    assert flambeau.mtia.memory_allocated() == 0
    assert flambeau.mtia.memory_stats() == {}
    assert flambeau.mtia.is_bf16_supported() is False
    state = flambeau.get_rng_state()
    flambeau.mtia.manual_seed(3)  # silently nothing, as in PyTorch
    flambeau.mtia.manual_seed_all(3)
    assert flambeau.equal(state, flambeau.get_rng_state())
    for call in (
        flambeau.mtia.current_device,
        flambeau.mtia.get_rng_state,
        flambeau.mtia.synchronize,
        flambeau.mtia.Stream,
        flambeau.mtia.init,
    ):
        with pytest.raises(RuntimeError, match="device 'mtia' needs a backend"):
            call()


def test_get_device_module_errors():
    with pytest.raises(RuntimeError, match=r"Device 'nosuch' .* 'flambeau\.nosuch'"):
        flambeau.get_device_module("nosuch")
    with pytest.raises(RuntimeError, match="Invalid value of device '3'"):
        flambeau.get_device_module(3)
    with pytest.raises(AttributeError, match="no attribute 'nosuch'"):
        _ = flambeau.nosuch


def test_register_device_module():
    code = """
import types, flambeau
module = types.ModuleType("mine")
flambeau._register_device_module("widget", module)
assert flambeau.widget is module
assert flambeau.get_device_module("widget:1") is module
import flambeau.widget
try:
    flambeau._register_device_module("widget", module)
except RuntimeError as error:
    assert "already been registered" in str(error)
else:
    raise SystemExit("no error")
"""
    subprocess.run([sys.executable, "-c", code], check=True)
