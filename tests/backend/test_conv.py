"""Convolutions and their gradients against PyTorch in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harness import Backend, bfloat16, values

torch = pytest.importorskip("torch")
F = torch.nn.functional
TOLERANCE = {"float16": 2e-2, "bfloat16": 1e-1, "float32": 2e-5, "float64": 1e-12}


@pytest.fixture(scope="module")
def backend() -> Backend:
    return Backend()


def cast(a: np.ndarray, dtype: str) -> np.ndarray:
    return bfloat16(a) if dtype == "bfloat16" else np.asarray(a).astype(dtype)


def new(shape: Any, dtype: str) -> np.ndarray:
    return cast(np.full(tuple(shape), 3.0), dtype)


def close(got: np.ndarray, want: Any, dtype: str, terms: int) -> None:
    t = TOLERANCE[dtype]
    np.testing.assert_allclose(
        np.asarray(values(got), np.float64),
        want.detach().numpy(),
        rtol=t,
        atol=t * terms**0.5,
    )


# n, ci, co, groups, input size, kernel, stride, padding, dilation
CASES = [
    (2, 3, 4, 1, (7,), (3,), (1,), (1,), (1,)),
    (1, 4, 6, 2, (20,), (5,), (2,), (2,), (2,)),
    (1, 1, 1, 1, (1, 1), (1, 1), (1, 1), (0, 0), (1, 1)),
    (2, 3, 5, 1, (6, 7), (3, 3), (1, 1), (1, 1), (1, 1)),
    (2, 3, 5, 1, (9, 8), (3, 3), (2, 2), (1, 1), (1, 1)),
    (2, 3, 5, 1, (12, 11), (3, 2), (3, 1), (2, 0), (1, 3)),
    (3, 4, 4, 4, (10, 9), (3, 3), (1, 1), (1, 1), (1, 1)),
    (2, 4, 8, 4, (10, 37), (3, 3), (2, 2), (1, 1), (1, 1)),
    (2, 6, 9, 3, (8, 8), (2, 2), (2, 2), (0, 0), (1, 1)),
    (2, 16, 20, 1, (8, 8), (1, 1), (1, 1), (0, 0), (1, 1)),
    (2, 16, 20, 1, (9, 9), (1, 1), (2, 2), (0, 0), (1, 1)),
    (2, 16, 20, 1, (5, 5), (1, 1), (1, 1), (2, 2), (1, 1)),
    (40, 20, 50, 1, (4, 4), (3, 3), (1, 1), (1, 1), (1, 1)),
    (3, 64, 64, 1, (16, 16), (3, 3), (1, 1), (1, 1), (1, 1)),
    (1, 3, 20, 1, (30, 31), (7, 7), (2, 2), (3, 3), (1, 1)),
    (2, 1, 32, 1, (28, 28), (3, 3), (1, 1), (0, 0), (1, 1)),
    (2, 4, 6, 1, (6, 6), (3, 3), (1, 1), (4, 4), (2, 2)),
    (2, 4, 6, 1, (7, 7), (2, 2), (4, 4), (0, 0), (1, 1)),
    (1, 2, 3, 1, (5, 6, 7), (3, 3, 3), (1, 1, 1), (1, 1, 1), (1, 1, 1)),
    (2, 4, 6, 2, (5, 6, 7), (2, 3, 1), (2, 1, 3), (1, 0, 1), (1, 2, 1)),
    (1, 600, 40, 1, (6, 6), (3, 3), (1, 1), (1, 1), (1, 1)),
    # Winograd's tiles cut off at the edges, channels that fill no panel, groups.
    (3, 17, 33, 1, (13, 11), (3, 3), (1, 1), (0, 0), (1, 1)),
    (2, 36, 44, 2, (9, 14), (3, 3), (1, 1), (2, 2), (1, 1)),
    # Both remainders of a stride of 2, several tasks, rows of several vectors.
    (2, 20, 24, 1, (13, 18), (3, 3), (2, 2), (1, 1), (1, 1)),
    (1, 3, 20, 1, (70, 66), (7, 7), (2, 2), (3, 3), (1, 1)),
    (1, 3, 3, 3, (9, 75), (3, 3), (1, 1), (1, 1), (1, 1)),
]


def run_case(backend: Backend, case: Any, dtype: str, transposed: bool) -> None:
    n, ci, co, groups, size, kernel, stride, padding, dilation = case
    dims = len(size)
    rng = np.random.default_rng(0)
    x = cast(rng.standard_normal((n, ci, *size)), dtype)
    wshape = (ci, co // groups) if transposed else (co, ci // groups)
    w = cast(rng.standard_normal((*wshape, *kernel)), dtype)
    b = cast(rng.standard_normal(co), dtype)
    tx, tw, tb = (
        torch.tensor(np.array(values(a), np.float64), requires_grad=True)
        for a in (x, w, b)
    )
    extra = tuple(min(s, d) - 1 for s, d in zip(stride, stride, strict=True))
    if transposed:
        f = [F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d][dims - 1]
        ty = f(tx, tw, tb, stride, padding, extra, groups, dilation)
    else:
        f = [F.conv1d, F.conv2d, F.conv3d][dims - 1]
        ty = f(tx, tw, tb, stride, padding, dilation, groups)
    attrs = [stride, padding, dilation, groups, int(transposed), extra]
    terms = ci // groups * int(np.prod(kernel))
    for bias in (b, None):
        y = new(ty.shape, dtype)
        backend("convolution", y, x, w, bias, attrs=attrs)
        want = ty if bias is not None else ty - tb.reshape(-1, *[1] * dims)
        close(y, want, dtype, terms)
    g = cast(rng.standard_normal(ty.shape), dtype)
    ty.backward(torch.tensor(np.array(values(g), np.float64)))
    dx, dw = new(x.shape, dtype), new(w.shape, dtype)
    backend("convolution_input_grad", dx, g, w, attrs=attrs)
    close(dx, tx.grad, dtype, co // groups * int(np.prod(kernel)))
    backend("convolution_weight_grad", dw, g, x, attrs=attrs)
    close(dw, tw.grad, dtype, n * int(np.prod(ty.shape[2:])))


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("transposed", [False, True])
def test_convolution(backend: Backend, case: Any, dtype: str, transposed: bool) -> None:
    if transposed and any(
        p > d * (k - 1) for k, p, d in zip(case[5], case[7], case[8], strict=True)
    ):
        pytest.skip("transposed: the padding would crop below an empty output")
    run_case(backend, case, dtype, transposed)


def test_larger_than_the_caches(backend: Backend) -> None:
    case = (1, 1, 20, 1, (660, 640), (7, 7), (2, 2), (3, 3), (1, 1))
    run_case(backend, case, "float32", False)


@pytest.mark.parametrize("width", [*range(1, 20), 31, 57, 63, 64, 65, 72, 130])
def test_depthwise_rows(backend: Backend, width: int) -> None:
    for padding in ((1, 1), (2, 9)):
        case = (1, 3, 3, 3, (4, width), (3, 3), (1, 1), padding, (1, 1))
        run_case(backend, case, "float32", False)


@pytest.mark.parametrize("case", [CASES[0], CASES[5], CASES[13]], ids=str)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision(backend: Backend, case: Any, dtype: str) -> None:
    run_case(backend, case, dtype, False)


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_agree(backend: Backend, threads: int) -> None:
    backend.set_num_threads(threads)
    try:
        for case in CASES:
            run_case(backend, case, "float32", False)
    finally:
        backend.set_num_threads(1)


def test_strided_operands(backend: Backend) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 8, 9, 6)).transpose(0, 3, 1, 2)  # channels last
    w = rng.standard_normal((3, 3, 6, 4)).transpose(3, 2, 0, 1)
    y = np.zeros((2, 8, 9, 4)).transpose(0, 3, 1, 2)
    attrs = [(1, 1), (1, 1), (1, 1), 1, 0, (0, 0)]
    backend("convolution", y, x, w, None, attrs=attrs)
    want = F.conv2d(torch.tensor(x), torch.tensor(w), padding=1)
    close(y, want, "float64", 54)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_columns(backend: Backend, dtype: str) -> None:
    rng = np.random.default_rng(0)
    x = cast(rng.standard_normal((2, 3, 9, 8)), dtype)
    kernel, dilation, padding, stride = (3, 2), (2, 1), (1, 2), (2, 1)
    tx = torch.tensor(np.array(values(x), np.float64), requires_grad=True)
    ty = F.unfold(tx, kernel, dilation, padding, stride)
    y = new(ty.shape, dtype)
    backend("im2col", y, x, attrs=[kernel, dilation, padding, stride])
    close(y, ty, dtype, 1)
    g = cast(rng.standard_normal(ty.shape), dtype)
    ty.backward(torch.tensor(np.array(values(g), np.float64)))
    dx = new(x.shape, dtype)
    backend("col2im", dx, g, attrs=[kernel, dilation, padding, stride])
    close(dx, tx.grad, dtype, 6)
