"""Calls kernels of the reference device and of the CPU on the same numbers."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

import flambeau as fl
import numpy as np
import pytest
from flambeau import _C

for package in ("flambeau_reference", "flambeau_cpu_mkl"):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"needs {package} to be installed", allow_module_level=True)

DEVICE = "reference"
TOLERANCE = {"float16": 2e-3, "bfloat16": 1.6e-2, "float32": 3e-5, "float64": 1e-9}
TOLERANCE |= {"complex64": 3e-5, "complex128": 1e-9}
REAL_OF = {"complex64": "float32", "complex128": "float64"}
FLOATS = ("float16", "bfloat16", "float32", "float64")


def dtype_of(name: str) -> Any:
    return getattr(fl, name)


def numbers(
    dtype: str, shape: Sequence[int], seed: int = 0, special: bool = False
) -> Any:
    """A tensor of random numbers, with zeros, infinities and NaN first if asked for."""
    random, size = np.random.default_rng(seed), int(np.prod(shape))
    if dtype == "bool":
        a = random.integers(0, 2, size).astype(bool)
    elif dtype == "uint8":
        a = random.integers(0, 256, size)
    elif "int" in dtype:
        a = random.integers(-100, 100, size)
    else:
        a = random.standard_normal(size) * 2
        if special:
            a[:6] = [0.0, -0.0, np.nan, np.inf, -np.inf, 1.0]
        if dtype in REAL_OF:
            a = a + 1j * random.standard_normal(size)
    return fl.from_numpy(a.reshape(shape)).to(dtype_of(dtype))


def array(t: Any) -> Any:
    """The numbers of a tensor, complex ones as pairs."""
    t = t.cpu()
    if t.dtype in (fl.complex64, fl.complex128):
        t = fl.view_as_real(t.to(fl.complex128))
    return t.to(fl.float64 if t.dtype.is_floating_point else t.dtype).numpy()


def close(found: Any, wanted: Any, tolerance: float | None = None) -> None:
    if tolerance is None:
        tolerance = TOLERANCE.get(str(wanted.dtype).rpartition(".")[2], 0.0)
    np.testing.assert_allclose(array(found), array(wanted), tolerance, tolerance)


def run(
    name: str,
    out: Any,
    *inputs: Any,
    attrs: Sequence[Any] = (),
    plain: bool = False,
    layout: Callable[[Any], Any] | None = None,
    device: str = DEVICE,
) -> list[Any]:
    """The outputs (tensors that are copied first) of a kernel on a device."""
    outs = out if isinstance(out, list) else [out]

    def there(x: Any) -> Any:
        if not isinstance(x, fl.Tensor):
            return x
        x = x.clone().to(device)
        return layout(x) if layout else x

    written = [there(x) for x in outs]
    call = _C._run_kernel if plain else _C._iterate_kernel
    call(name, written, [there(x) for x in inputs], attrs)
    return written


def agree(
    name: str, out: Any, *inputs: Any, tolerance: float | None = None, **options: Any
) -> None:
    """The kernel gives on both devices the same."""
    found = run(name, out, *inputs, **options)
    wanted = run(name, out, *inputs, device="cpu", **options)
    for one, other in zip(found, wanted, strict=True):
        close(one, other, tolerance)


def shared(names: Sequence[str]) -> list[Any]:
    """(name, dtype) of what both devices have."""
    return [
        pytest.param(name, dtype, id=f"{name}-{dtype}")
        for name in names
        for dtype in _C._kernel_dtypes(DEVICE, name)
        if dtype in _C._kernel_dtypes("cpu", name)
    ]


def empty(dtype: str, shape: Sequence[int]) -> Any:
    return fl.zeros(tuple(shape), dtype=dtype_of(dtype))


def transposed(t: Any) -> Any:
    return t.transpose(0, -1) if t.dim() > 1 else t


def stepped_back(t: Any) -> Any:
    """The same tensor, not dense in memory."""
    return fl.stack([t, t], -1)[..., 0]


def stepped(t: Any) -> Any:
    return t[..., ::2]
