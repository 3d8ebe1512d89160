"""The OpenCL device: what it offers, and how it does through the frontend."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import flambeau as fl
import numpy as np
import pytest
from flambeau import nn
from opencl_calls import Device, needs_device

pytestmark = needs_device
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def run() -> Device:
    return Device()


# ---- what is there -------------------------------------------------------------------
def primitives():
    text = (ROOT / "docs/extending/kernels.md").read_text()
    names = []
    for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE):
        for group, mark in re.findall(r"`([^`]+)`( \(P[^)]*\))?", row):
            names += group.split() if mark else []
    return names


def test_every_primitive_and_no_fused_kernel(run):
    names = primitives()
    assert len(names) > 60
    assert set(run.backend._kernels) == set(names)


def test_devices_and_memory(run):
    backend, device = run.backend, run.handle
    assert backend.count() >= 1
    assert backend.device_name(0)
    free, total = backend.available(device)
    assert 0 < free <= total == backend.total_memory(0)
    one, two = backend.allocate(device, 100), backend.allocate(device, 0)
    assert backend.available(device)[0] == free - 128 - 64
    text = np.frombuffer(b"0123456789", np.uint8)
    backend.from_host(device, one + 90, text)
    back = np.zeros(4, np.uint8)
    backend.to_host(device, back, one + 93)
    assert back.tobytes() == b"3456"
    backend.release(device, one, 100)
    assert backend.allocate(device, 5) == one  # its number is given out again
    backend.release(device, one, 5)
    backend.release(device, two, 0)
    assert backend.available(device)[0] == free
    with pytest.raises(MemoryError, match="opencl: .* bytes"):
        backend.allocate(device, total * 2)


@pytest.mark.parametrize("folder", ["empty", "missing"])
def test_no_platform_is_said_in_words(tmp_path, folder):
    if folder == "empty":
        (tmp_path / folder).mkdir()
    code = "from flambeau_opencl.platforms import probe; print(probe())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "OCL_ICD_VENDORS": str(tmp_path / folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "there is no OpenCL device" in done.stdout
    assert str(tmp_path / folder) in done.stdout
    assert "pocl-opencl-icd" in done.stdout


# ---- through the frontend ------------------------------------------------------------
@pytest.fixture
def alone():
    """Nothing may fall back on the CPU."""
    with fl.backends.set_fallback_policy("error"):
        yield


def both(f, *arrays):
    """What a function of tensors gives on the CPU and on the device."""
    out = []
    for device in ("cpu", "opencl"):
        tensors = [fl.tensor(a, device=device) for a in arrays]
        out.append(f(*tensors).cpu().numpy())
    return out


def test_tensors_move_and_print():
    a = np.arange(12, dtype=np.float32).reshape(3, 4)
    t = fl.tensor(a).to("opencl")
    assert str(t.device) == "opencl:0"
    assert "device='opencl:0'" in repr(t)
    np.testing.assert_array_equal(t.t()[1:, ::2].cpu().numpy(), a.T[1:, ::2])
    t[1] = fl.tensor(7.0)
    a[1] = 7
    np.testing.assert_array_equal(t.cpu().numpy(), a)
    assert t.sum().item() == a.sum()


@pytest.mark.parametrize("make", ["rand", "randn", "randint", "uniform"])
def test_one_seed_gives_the_same_numbers(make):
    found = []
    for device in ("cpu", "opencl"):
        fl.manual_seed(5)
        f = {
            "rand": lambda d: fl.rand(1001, device=d),
            "randn": lambda d: fl.randn(1001, device=d),
            "randint": lambda d: fl.randint(-3, 1000, (1001,), device=d),
            "uniform": lambda d: fl.empty(64, device=d).uniform_(0, 4),
        }[make]
        found.append(f(device).cpu().numpy())
    if make == "randn":
        np.testing.assert_allclose(*found, rtol=3e-6, atol=3e-6)
    else:
        np.testing.assert_array_equal(*found)


@pytest.mark.usefixtures("alone")
def test_composites_run_on_primitives_alone():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((4, 6, 5)).astype("float32")
    w = rng.standard_normal((5, 7)).astype("float32")
    for f in (
        lambda a, b: (a @ b).softmax(-1),
        lambda a, b: nn.functional.gelu(a) @ b,
        lambda a, b: nn.functional.layer_norm(a, (5,)) @ b,
        lambda a, b: a.std(dim=(0, 2)) + b.mean(),
        lambda a, b: a.sort(dim=1)[0] @ b,
        lambda a, b: a.cumsum(1).topk(3, dim=1)[0].mean(0) @ b,
        lambda a, b: fl.cat([a, a.flip(0)], 2)[a.new_tensor([3, 0]).long()],
        lambda a, b: nn.functional.max_pool1d(a, 2, padding=1),
    ):
        np.testing.assert_allclose(*both(f, x, w), rtol=2e-5, atol=2e-5)


def test_gradients_are_those_of_the_cpu():
    fl.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(2, 5, 3, stride=2, padding=1), nn.BatchNorm2d(5), nn.ReLU(),
        nn.ConvTranspose2d(5, 3, 3, stride=2), nn.Flatten(), nn.Linear(363, 4),
    )  # fmt: skip
    x = fl.randn(6, 2, 9, 9)
    target = fl.tensor([0, 3, 1, 2, 2, 0])
    grads = []
    for device in ("cpu", "opencl"):
        model.to(device).zero_grad()
        y = model(x.to(device))
        nn.functional.cross_entropy(y, target.to(device)).backward()
        grads.append([p.grad.cpu().numpy() for p in model.parameters()])
    for one, two in zip(*grads, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-5)


@pytest.mark.usefixtures("alone")
def test_a_small_network_learns():
    fl.manual_seed(2)
    x = fl.rand(256, 2, device="opencl") * 2 - 1
    inside = ((x * x).sum(1) < 0.5).long()
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2)).to("opencl")
    optimizer = fl.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(120):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), inside).backward()
        optimizer.step()
    right = (model(x).argmax(1) == inside).float().mean().item()
    assert right > 0.95


def test_errors_in_the_data_name_their_op():
    table = fl.zeros(3, 2, device="opencl")
    with pytest.raises(IndexError, match="index: index out of range"):
        table[fl.tensor([5], device="opencl")].cpu()
    whole = fl.tensor([1, 2], device="opencl")
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        whole.div(fl.tensor([0, 1], device="opencl"), rounding_mode="floor").cpu()
    assert whole.cpu().tolist() == [1, 2]


def test_complex_numbers_fall_back():
    with fl.backends.set_fallback_policy("allow"):
        fl.backends.reset_fallback_counts()
        z = fl.complex(fl.ones(3, device="opencl"), fl.arange(3.0, device="opencl"))
        total = (z * z).sum()
        counts = fl.backends.fallback_counts("opencl")
    assert total.cpu().item() == complex(3 - 5, 6)
    assert {name for device, name in counts} >= {"mul", "sum"}


def test_digits_are_read_with_primitives_alone(tmp_path):
    for module in ("matplotlib", "sklearn", "tqdm"):
        pytest.importorskip(module)
    arguments = ["--device", "opencl", "--epochs", "8", "--out", str(tmp_path)]
    found = [str(Path(fl.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    path = os.pathsep.join(filter(None, found))
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples/digits.py"), *arguments],
        env={**os.environ, "PYTHONPATH": path, "FLAMBEAU_FALLBACK": "error"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    accuracy = float(done.stdout.split("test accuracy ")[1].split("%")[0])
    assert accuracy >= 98.5
