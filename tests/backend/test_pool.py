"""Pooling, resampling and padding against PyTorch in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harness import INDEX_ERROR, Backend, KernelError, bfloat16, values

torch = pytest.importorskip("torch")
F = torch.nn.functional
TOLERANCE = {"bfloat16": 3e-2, "float32": 1e-5, "float64": 1e-12}
DTYPES = list(TOLERANCE)


@pytest.fixture(scope="module")
def backend() -> Backend:
    return Backend()


def cast(a: np.ndarray, dtype: str) -> np.ndarray:
    return bfloat16(a) if dtype == "bfloat16" else np.asarray(a).astype(dtype)


def new(shape: Any, dtype: str) -> np.ndarray:
    return cast(np.full(tuple(shape), 3.0), dtype)


def leaf(a: np.ndarray) -> Any:
    return torch.tensor(np.array(values(a), np.float64), requires_grad=True)


def close(got: np.ndarray, want: Any, dtype: str) -> None:
    t = TOLERANCE[dtype]
    want = want.detach().numpy()
    np.testing.assert_allclose(
        np.asarray(values(got), np.float64), want, rtol=t, atol=4 * t
    )


MAX = [  # size, kernel, stride, padding, dilation
    ((9,), (3,), (2,), (1,), (1,)),
    ((32, 32), (2, 2), (2, 2), (0, 0), (1, 1)),
    ((7, 40), (3, 3), (1, 1), (1, 1), (1, 1)),
    ((11, 12), (3, 2), (3, 1), (1, 1), (2, 3)),
    ((5, 6, 7), (2, 3, 2), (2, 1, 3), (1, 1, 0), (1, 1, 1)),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", MAX, ids=str)
def test_max_pool(backend: Backend, dtype: str, case: Any) -> None:
    size, *attrs = case
    x = cast(np.random.default_rng(0).standard_normal((2, 3, *size)), dtype)
    if dtype != "bfloat16":
        x.reshape(-1)[3] = np.nan
    tx = leaf(x)
    f = [F.max_pool1d, F.max_pool2d, F.max_pool3d][len(size) - 1]
    ty, ti = f(tx, *attrs, return_indices=True)
    y, index = new(ty.shape, dtype), np.zeros(tuple(ty.shape), np.int64)
    backend("max_pool", [y, index], x, attrs=attrs)
    close(y, ty, dtype)
    np.testing.assert_array_equal(index, ti.numpy())
    g = cast(np.random.default_rng(1).standard_normal(ty.shape), dtype)
    ty.backward(leaf(g).detach())
    dx = new(x.shape, dtype)
    backend("max_pool_backward", dx, g, index, attrs=attrs)
    close(dx, tx.grad, dtype)


def test_bad_index(backend: Backend) -> None:
    index = np.full((1, 1, 2), 9)
    with pytest.raises(KernelError) as caught:
        attrs = [(1,), (1,), (0,), (1,)]
        backend(
            "max_pool_backward",
            np.ones((1, 1, 2)),
            np.ones((1, 1, 2)),
            index,
            attrs=attrs,
        )
    assert caught.value.status == INDEX_ERROR


AVERAGE = [  # size, kernel, stride, padding
    ((9,), (3,), (2,), (1,)),
    ((32, 32), (2, 2), (2, 2), (0, 0)),
    ((7, 40), (3, 3), (1, 1), (1, 1)),
    ((5, 6, 7), (2, 3, 2), (2, 1, 3), (1, 1, 1)),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", AVERAGE, ids=str)
@pytest.mark.parametrize("count", [True, False])
@pytest.mark.parametrize("divisor", [None, 5])
def test_avg_pool(
    backend: Backend, dtype: str, case: Any, count: bool, divisor: int | None
) -> None:
    size, kernel, stride, padding = case
    if len(size) == 1 and divisor:
        pytest.skip("avg_pool1d has no divisor argument to compare with")
    x = cast(np.random.default_rng(0).standard_normal((2, 3, *size)), dtype)
    tx = leaf(x)
    f = [F.avg_pool1d, F.avg_pool2d, F.avg_pool3d][len(size) - 1]
    extra = (divisor,) if len(size) > 1 else ()
    ty = f(tx, kernel, stride, padding, False, count, *extra)
    attrs = [kernel, stride, padding, int(count), divisor or 0]
    y = new(ty.shape, dtype)
    backend("avg_pool", y, x, attrs=attrs)
    close(y, ty, dtype)
    g = cast(np.random.default_rng(1).standard_normal(ty.shape), dtype)
    ty.backward(leaf(g).detach())
    dx = new(x.shape, dtype)
    backend("avg_pool_backward", dx, g, attrs=attrs)
    close(dx, tx.grad, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "case",
    [((9,), (4,)), ((8, 40), (1, 1)), ((7, 9), (3, 9)), ((4, 5, 6), (2, 7, 3))],
    ids=str,
)
def test_adaptive(backend: Backend, dtype: str, case: Any) -> None:
    size, out = case
    x = cast(np.random.default_rng(0).standard_normal((2, 3, *size)), dtype)
    tx = leaf(x)
    d = len(size) - 1
    ty = [F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d][d](
        tx, out
    )
    y = new(ty.shape, dtype)
    backend("adaptive_avg_pool", y, x)
    close(y, ty, dtype)
    g = cast(np.random.default_rng(1).standard_normal(ty.shape), dtype)
    ty.backward(leaf(g).detach())
    dx = new(x.shape, dtype)
    backend("adaptive_avg_pool_backward", dx, g)
    close(dx, tx.grad, dtype)
    f = [F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d][d]
    ty, ti = f(tx, out, return_indices=True)
    index = np.zeros(tuple(ty.shape), np.int64)
    backend("adaptive_max_pool", [y, index], x)
    close(y, ty, dtype)
    np.testing.assert_array_equal(index, ti.numpy())


MODES = {1: ["nearest", "linear", "nearest-exact"], 3: ["nearest", "trilinear"]}
MODES[2] = ["nearest", "bilinear", "bicubic", "nearest-exact"]
CODE = {"linear": 1, "bilinear": 1, "trilinear": 1, "bicubic": 2}
CODE |= {"nearest": 0, "nearest-exact": 3}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "case", [((9,), (20,)), ((8, 7), (16, 14)), ((9, 12), (4, 30)), ((3, 4, 5), (6, 3, 11))],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("align", [False, True])
def test_upsample(backend: Backend, dtype: str, case: Any, align: bool) -> None:
    size, out = case
    x = cast(np.random.default_rng(0).standard_normal((2, 3, *size)), dtype)
    for mode in MODES[len(size)]:
        if align and "nearest" in mode:
            continue
        tx = leaf(x)
        ty = F.interpolate(
            tx, out, mode=mode, align_corners=align if CODE[mode] in (1, 2) else None
        )
        attrs = [CODE[mode], int(align), *[0.0] * len(size)]
        y = new(ty.shape, dtype)
        backend("upsample", y, x, attrs=attrs)
        close(y, ty, dtype)
        g = cast(np.random.default_rng(1).standard_normal(ty.shape), dtype)
        ty.backward(leaf(g).detach())
        dx = new(x.shape, dtype)
        backend("upsample_backward", dx, g, attrs=attrs)
        close(dx, tx.grad, dtype)


def test_upsample_by_factor(backend: Backend) -> None:
    x = np.random.default_rng(0).standard_normal((1, 2, 7, 9))
    ty = F.interpolate(
        leaf(x), scale_factor=(1.7, 2.3), mode="bilinear", recompute_scale_factor=False
    )
    y = new(ty.shape, "float64")
    backend("upsample", y, x, attrs=[1, 0, 1.7, 2.3])
    close(y, ty, "float64")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "case", [((9,), (3, 8)), ((5, 7), (2, 6, 4, 1)), ((3, 4, 5), (1, 2, 3, 0, 2, 1))]
)
def test_pad(backend: Backend, dtype: str, case: Any) -> None:
    size, padding = case
    x = cast(np.random.default_rng(0).standard_normal((2, 3, *size)), dtype)
    for code, mode in enumerate(("reflect", "replicate")):
        tx = leaf(x)
        ty = F.pad(tx, padding, mode=mode)
        y = new(ty.shape, dtype)
        backend("pad", y, x, attrs=[padding, code])
        close(y, ty, dtype)
        g = cast(np.random.default_rng(1).standard_normal(ty.shape), dtype)
        ty.backward(leaf(g).detach())
        dx = new(x.shape, dtype)
        backend("pad_backward", dx, g, attrs=[padding, code])
        close(dx, tx.grad, dtype)
