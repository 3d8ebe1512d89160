"""What the frontend makes of a device that is written in Python: the reference device
in use, with the CPU beside it."""

from __future__ import annotations

import importlib.util
import threading
from typing import Any

import flambeau as fl
import numpy as np
import pytest
from flambeau import _C, nn
from flambeau.backends import (
    fallback_counts,
    reset_fallback_counts,
    set_fallback_policy,
)
from flambeau.nn import functional as F

for package in ("flambeau_reference", "flambeau_cpu_mkl"):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"needs {package} to be installed", allow_module_level=True)

DEVICE = "reference"


def test_boots() -> None:
    t = fl.full((2, 3), 2.5, device=DEVICE)
    assert str(t.device) == "reference:0" or str(t.device) == DEVICE
    assert t.tolist() == [[2.5] * 3] * 2
    assert t.to(fl.int32).cpu().numpy().tolist() == [[2] * 3] * 2
    assert (
        fl.get_device_name(DEVICE) == "reference"
        if hasattr(fl, "get_device_name")
        else 1
    )


def test_primitives_do_not_fall_back() -> None:
    reset_fallback_counts()
    with set_fallback_policy("error"):
        x = fl.arange(24.0, device=DEVICE).reshape(4, 6).requires_grad_()
        y = (x.exp().log() @ x.t()).softmax(-1).sum()
        y = (
            y
            + x.sort(-1)[0]
            .gather(1, fl.zeros(4, 1, dtype=fl.int64, device=DEVICE))
            .sum()
        )
        y = (
            y
            + F.conv2d(x.reshape(1, 1, 4, 6), fl.ones(1, 1, 2, 2, device=DEVICE)).mean()
        )
        y.backward()
    assert fallback_counts(DEVICE) == {}
    assert x.grad is not None
    assert bool(x.grad.isfinite().all())


def test_fill_and_copy_are_enough_to_boot() -> None:
    """Everything else then runs by fallback on the CPU, gradients included."""
    from flambeau_reference.backend import KERNELS

    wanted = gradients("cpu")
    _C._hide_kernels(DEVICE, [name for name in KERNELS if name not in ("copy", "fill")])
    try:
        reset_fallback_counts()
        with set_fallback_policy("allow"):
            found = gradients(DEVICE)
    finally:
        _C._hide_kernels(DEVICE, [])
    assert {"matmul", "convolution"} <= {name for _, name in fallback_counts(DEVICE)}
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one.cpu().numpy(), other.numpy(), 1e-9, 1e-12)


def test_one_seed_gives_the_same_numbers() -> None:
    drawn = {}
    for device in ("cpu", DEVICE):
        fl.manual_seed(7)
        drawn[device] = [
            fl.rand(1001, device=device),
            fl.randint(0, 1000, (1001,), device=device),
            fl.randperm(101, device=device),
            fl.rand(33, device=device, dtype=fl.float64),
            F.dropout(fl.ones(1001, device=device), 0.3),
        ]
    for one, other in zip(*drawn.values(), strict=True):
        assert np.array_equal(one.cpu().numpy(), other.cpu().numpy())


def gradients(device: str) -> list[Any]:
    """Of a small network's parameters, which begin the same on every device."""
    fl.manual_seed(3)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(36, 5),
    ).double()
    model = model.to(device)
    x = fl.linspace(-1, 1, 72, dtype=fl.float64).reshape(2, 1, 6, 6).to(device)
    loss = F.cross_entropy(model(x), fl.tensor([1, 3], device=device))
    loss.backward()
    return [loss.detach(), *(p.grad for p in model.parameters())]


def test_gradients_are_the_cpus() -> None:
    for one, other in zip(gradients(DEVICE), gradients("cpu"), strict=True):
        np.testing.assert_allclose(one.cpu().numpy(), other.numpy(), 1e-9, 1e-12)


def test_gradcheck_of_inputs_that_are_not_on_the_default_device() -> None:
    x = fl.tensor([0.3, -0.7, 1.1], dtype=fl.float64, device=DEVICE, requires_grad=True)
    assert fl.autograd.gradcheck(fl.sin, (x,))


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_factorisations(dtype: str) -> None:
    random = np.random.default_rng(0)
    a = random.standard_normal((3, 4, 4))
    if dtype.startswith("complex"):
        a = a + 1j * random.standard_normal((3, 4, 4))
    a = a.astype(dtype)
    t = fl.from_numpy(a).to(DEVICE)
    eps = 1e-4 if dtype in ("float32", "complex64") else 1e-11

    def near(found: Any, wanted: Any) -> None:
        np.testing.assert_allclose(found.cpu().numpy(), wanted, eps, eps)

    square = t @ t.mH + fl.eye(4, dtype=t.dtype, device=DEVICE)
    low = fl.linalg.cholesky(square)
    near(low @ low.mH, square.cpu().numpy())
    near(fl.linalg.inv(t) @ t, np.broadcast_to(np.eye(4), a.shape))
    near(fl.linalg.solve(t, square), np.linalg.solve(a, square.cpu().numpy()))
    q, r = fl.linalg.qr(t[:, :, :3])
    near(q @ r, a[:, :, :3])
    u, s, vh = fl.linalg.svd(t[:, :3], full_matrices=False)
    near(u @ (s[..., None] * vh), a[:, :3])
    w, v = fl.linalg.eigh(square)
    near(square @ v, (v * w[:, None]).cpu().numpy())
    w, v = fl.linalg.eig(t)
    near(t.to(v.dtype) @ v, (v * w[:, None]).cpu().numpy())
    found = fl.linalg.lstsq(t[:, :, :3], square)
    near(found.solution, np.linalg.pinv(a[:, :, :3]) @ square.cpu().numpy())
    with pytest.raises(fl.linalg.LinAlgError):
        fl.linalg.cholesky(-square)
    with pytest.raises(fl.linalg.LinAlgError):
        fl.linalg.inv(t * 0)


@pytest.mark.parametrize("n", [8, 9])
def test_fourier(n: int) -> None:
    a = np.random.default_rng(1).standard_normal((3, n))
    t = fl.from_numpy(a).to(DEVICE)
    spectrum = fl.fft.fft2(t)
    np.testing.assert_allclose(spectrum.cpu().numpy(), np.fft.fft2(a), 1e-11, 1e-11)
    back = fl.fft.ifft2(spectrum).real
    np.testing.assert_allclose(back.cpu().numpy(), a, 1e-11, 1e-11)
    half = fl.fft.rfft(t, norm="ortho")
    np.testing.assert_allclose(
        half.cpu().numpy(), np.fft.rfft(a, norm="ortho"), 1e-11, 1e-11
    )
    back = fl.fft.irfft(half, n, norm="ortho")
    np.testing.assert_allclose(back.cpu().numpy(), a, 1e-11, 1e-11)


def test_kernels_of_several_threads_and_of_numpy_as_it_was_set() -> None:
    """Warnings are off inside a kernel, and nowhere else."""
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(200):
                x = fl.tensor([-1.0, 0.0, 1e300], dtype=fl.float64, device=DEVICE)
                assert bool(x.log()[0].isnan())
                assert (x * x)[2].item() == float("inf")
        except BaseException as error:
            failed.append(error)

    with np.errstate(all="raise"):
        threads = [threading.Thread(target=work) for _ in range(3)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert failed == []
        with pytest.raises(FloatingPointError):
            np.float64(1) / np.float64(0)
