"""What the frontend makes of memory that it cannot read and of work that is done later:
the simulated device in use, with the CPU beside it."""

from __future__ import annotations

import ctypes as C
import importlib.util
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flambeau as fl
import numpy as np
import pytest
from flambeau.nn import functional as F

for package in ("flambeau_simulated", "flambeau_cpu_mkl"):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"needs {package} to be installed", allow_module_level=True)

DEVICE = "simulated"
# Its own module: `flambeau.accelerator` may be another device that is installed.
SIMULATED = fl.get_device_module(DEVICE)


@pytest.fixture
def library() -> Iterator[Any]:
    """The functions for tests, with no faults planned before and after."""
    spec = importlib.util.find_spec("flambeau_simulated")
    assert spec is not None and spec.origin is not None
    lib = C.CDLL(str(Path(spec.origin).parent / "libflambeau_simulated.so"))
    fl.zeros(1, device=DEVICE).cpu()
    yield lib
    inject(lib, "none")
    lib.flambeau_simulated_resume(0)


def inject(
    lib: Any, kind: str, after: int = 0, times: int = 1, device: int = 0
) -> None:
    done = lib.flambeau_simulated_inject(
        device, kind.encode(), C.c_int64(after), C.c_int64(times)
    )
    assert done == 0


def on(x: Any) -> Any:
    return fl.tensor(x, device=DEVICE)


# ---- tensors ------------------------------------------------------------------------


def test_values_travel() -> None:
    x = fl.ones(3, device=DEVICE) + 1
    assert x.device.type == DEVICE
    assert x.tolist() == [2.0] * 3
    assert x.cpu().numpy().tolist() == [2.0] * 3
    assert float(x[0]) == 2 and int(x[1]) == 2 and bool(x[2]) and x[0].item() == 2
    assert "device='simulated:0'" in repr(x) and "2., 2., 2." in repr(x)
    with pytest.raises(TypeError, match="simulated"):
        x.numpy()


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int64", "float16", "bfloat16", "float32", "complex64"]
)
def test_views_and_casts(dtype: str) -> None:
    kind = getattr(fl, dtype)
    host = fl.arange(24).reshape(2, 3, 4).to(kind)
    there = host.to(DEVICE)
    for view in (
        lambda t: t,
        lambda t: t.transpose(0, 2),
        lambda t: t[:, 1:, ::2],
        lambda t: t[1].t().contiguous(),
        lambda t: t.reshape(4, 6)[:, [0, 3, -1]],
        lambda t: t.expand(2, 2, 3, 4)[1],
        lambda t: t.to(fl.float64 if dtype != "complex64" else fl.complex128),
    ):
        assert fl.equal(view(there).cpu(), view(host))


def test_writing_into_views() -> None:
    x, y = fl.zeros(4, 5), fl.zeros(4, 5, device=DEVICE)
    for t in (x, y):
        t[1:3, ::2] = 7
        t[0] = fl.arange(5.0, device=t.device)
        t[:, 4].add_(1)
        t.t()[2].copy_(fl.ones(4))
        t[t > 6] = -1.5
    assert fl.equal(x, y.cpu())


def test_gradients() -> None:
    w = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    x = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    grads = []
    for device in ("cpu", DEVICE):
        weight = fl.tensor(w, device=device, requires_grad=True)
        inputs = fl.tensor(x, device=device)
        loss = F.cross_entropy(
            (inputs @ weight).tanh(), fl.tensor([0, 2, 1, 1, 0], device=device)
        )
        loss.backward()
        assert weight.grad is not None and weight.grad.device.type == device
        grads.append(weight.grad.cpu().numpy())
    np.testing.assert_allclose(grads[1], grads[0], rtol=1e-5, atol=1e-7)


def test_one_seed_one_sequence() -> None:
    drawn = []
    for device in ("cpu", DEVICE):
        fl.manual_seed(5)
        drawn.append(
            [
                fl.rand(1001, device=device).cpu(),
                fl.randint(-5, 100, (77,), device=device).cpu(),
                fl.rand(33, dtype=fl.float64, device=device).cpu(),
            ]
        )
    for a, b in zip(*drawn, strict=True):
        assert fl.equal(a, b)


def test_two_devices() -> None:
    a = fl.arange(6.0, device="simulated:0")
    b = a.to("simulated:1")
    assert str(b.device) == "simulated:1"
    assert (b * 2).tolist() == [0.0, 2, 4, 6, 8, 10]
    with pytest.raises(RuntimeError, match="simulated:0.*simulated:1"):
        a + b
    b.copy_(a + 1)
    assert b.tolist() == [1.0, 2, 3, 4, 5, 6]
    with pytest.raises(RuntimeError, match="there are 2 devices"):
        fl.zeros(1, device="simulated:2")


def test_pickles(tmp_path: Path) -> None:
    x = fl.arange(5, device="simulated:1")
    back = pickle.loads(pickle.dumps(x))
    assert back.device == x.device and fl.equal(back.cpu(), x.cpu())
    fl.save({"x": x, "y": x[1:3]}, tmp_path / "x.pt")
    loaded = fl.load(tmp_path / "x.pt")
    assert str(loaded["y"].device) == "simulated:1"
    assert loaded["y"].tolist() == [1, 2]
    assert fl.load(tmp_path / "x.pt", map_location="cpu")["x"].tolist() == [
        0,
        1,
        2,
        3,
        4,
    ]


# ---- streams ------------------------------------------------------------------------


@pytest.mark.parametrize("ordered", [False, True])
def test_a_missing_event_gives_wrong_results(library: Any, ordered: bool) -> None:
    side = fl.Stream(DEVICE)
    x, y = fl.zeros(8, device=DEVICE), fl.zeros(8, device=DEVICE)
    SIMULATED.synchronize()
    library.flambeau_simulated_hold(0)
    x.add_(1)
    if ordered:
        side.wait_stream(SIMULATED.current_stream())
    with side:
        y.copy_(x * 10)
        seen = y.tolist()
    SIMULATED.synchronize()
    assert seen == [10.0 if ordered else 0.0] * 8


def test_calls_return_at_once(library: Any) -> None:
    x = fl.zeros(4, device=DEVICE)
    SIMULATED.synchronize()
    library.flambeau_simulated_hold(0)
    y = (x + 1) * 2
    assert not SIMULATED.current_stream().query()
    library.flambeau_simulated_resume(0)
    assert y.tolist() == [2.0] * 4
    assert SIMULATED.current_stream().query()


# ---- errors -------------------------------------------------------------------------


def test_errors_in_data_name_their_op(library: Any) -> None:
    x = fl.arange(4.0, device=DEVICE)
    y = x.gather(0, on([1, 9]))
    z = x + 1
    with pytest.raises(
        IndexError, match="gather: index 9 is out of bounds for dimension 0 with size 4"
    ):
        y.cpu()
    assert z.tolist() == [1.0, 2, 3, 4]
    on([4, 5]) // on([2, 0])
    with pytest.raises(RuntimeError, match="div_floor: ZeroDivisionError"):
        SIMULATED.synchronize()
    inject(library, "deferred_error")
    x * 2
    with pytest.raises(RuntimeError, match="mul: injected fault"):
        SIMULATED.synchronize()
    SIMULATED.synchronize()


def test_out_of_memory_frees_the_cache_and_tries_again(library: Any) -> None:
    assert fl.zeros(1000, device=DEVICE).sum().item() == 0
    inject(library, "out_of_memory")
    x = fl.ones(77_777, device=DEVICE)
    assert x.sum().item() == 77_777
    quarter = 1 << 26
    kept = [fl.empty(quarter, device=DEVICE) for _ in range(3)]
    del kept  # in the cache: a larger block fits only when they are given back
    whole = fl.empty(3 * quarter + 1000, device=DEVICE)
    with pytest.raises(fl.OutOfMemoryError, match="simulated"):
        fl.empty(3 * quarter, device=DEVICE)
    del whole
    SIMULATED.empty_cache()


def run_python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_lost_device() -> None:
    code = """
import flambeau as fl
x = fl.ones(3, device="simulated:0")
y = fl.ones(3, device="simulated:1")
for i in range(3):
    try:
        for _ in range(10):
            x = x + 1
        print("still there")
    except RuntimeError as error:
        print(error)
print((y + 1).tolist())
del x
"""
    out = run_python(code, FLAMBEAU_SIMULATED_INJECT="device_lost:0:4").splitlines()
    assert len(out) == 4
    assert all("lost" in line for line in out[:3])
    assert all("simulated:0" in line for line in out[:3])
    assert out[3] == "[2.0, 2.0, 2.0]"


def test_fork_is_refused_and_spawn_works() -> None:
    code = """
import os, sys
import flambeau as fl
x = fl.ones(3, device="simulated")
if os.fork() == 0:
    try:
        print(x + 1)
    except RuntimeError as error:
        print(error, flush=True)
    print(fl.ones(2).tolist(), flush=True)
    os._exit(0)
os.wait()
print((x + 1).tolist(), flush=True)
import subprocess
again = "import flambeau as fl; print(fl.ones(1, device='simulated').tolist())"
subprocess.run([sys.executable, "-c", again], check=True)
"""
    refused, host, parent, spawned = run_python(code).splitlines()
    assert "fork" in refused and "simulated" in refused and "spawn" in refused
    assert host == "[1.0, 1.0]"
    assert parent == "[2.0, 2.0, 2.0]"
    assert spawned == "[1.0]"


@pytest.mark.parametrize("recorded", [False, True])
def test_memory_is_reused_too_early_unless_recorded(
    library: Any, recorded: bool
) -> None:
    side = fl.Stream(DEVICE)
    a = fl.full((1000,), 3.0, device=DEVICE)
    SIMULATED.synchronize()
    library.flambeau_simulated_hold(0)
    with side:
        b = a * 2
    if recorded:
        a.record_stream(side)
    address = a.data_ptr()
    del a
    again = fl.full((1000,), -1.0, device=DEVICE)  # runs first, for it came last
    assert (again.data_ptr() == address) is not recorded
    SIMULATED.synchronize()
    with side:
        assert b[0].item() == (6 if recorded else -2)


def test_threads_with_a_stream_each() -> None:
    sums: dict[int, float] = {}

    def work(step: int) -> None:
        with fl.Stream(DEVICE):
            t = fl.zeros(64, device=DEVICE)
            for _ in range(500):
                t.add_(step)
            sums[step] = t.sum().item()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sums == {k: 64.0 * 500 * k for k in range(1, 5)}


def test_pinned_memory_moves_meanwhile(library: Any) -> None:
    host = fl.arange(1000.0).pin_memory(DEVICE)
    there = fl.zeros(1000, device=DEVICE)
    SIMULATED.synchronize()
    library.flambeau_simulated_hold(0)
    there.copy_(host, non_blocking=True)
    back = fl.zeros(1000).pin_memory(DEVICE)
    back.copy_(there * 2, non_blocking=True)
    assert back.sum().item() == 0
    SIMULATED.synchronize()
    assert fl.equal(back, fl.arange(1000.0) * 2)
