"""The primitive kernels are enough: every op and its gradient, on a device without a
single fused kernel and without help from another device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flambeau
import flambeau.nn.functional as F
import pytest
from flambeau import _C, nn
from flambeau.testing.samples import Op, Sample
from op_harness import cases, copied, function, np, same, tensors, transform
from primitives import HELPED, both, primitives_only

# Nothing is written to what these return.
UNWRITTEN = {"empty", "empty_like", "new_empty", "new_empty_strided"}


def run(op: Op, sample: Sample) -> Any:
    """The op's results on a copy of the sample; bfloat16, which NumPy lacks, widened."""
    again = copied(sample)
    found = function(op)(*again.args, **again.kwargs)
    return transform(found, lambda x: x.float() if x.dtype is _C.bfloat16 else x)


@pytest.mark.parametrize(("op", "dtype"), cases(lambda op: op.name not in UNWRITTEN))
def test_forward(op: Op, dtype: Any) -> None:
    for sample in op.samples(dtype):
        fused, composed = both(lambda s=sample: list(tensors(run(op, s))))
        same(composed, fused)


def gradients(op: Op, sample: Sample) -> list[Any]:
    """Of all outputs, weighted by fixed numbers, to all inputs that want one."""
    inputs = [
        x
        for x in tensors([*sample.args, *sample.kwargs.values()])
        if isinstance(x, _C.Tensor) and x.requires_grad
    ]
    outputs = [
        x
        for x in tensors(function(op)(*sample.args, **sample.kwargs))
        if isinstance(x, _C.Tensor) and x.requires_grad
    ]
    weights = np.random.default_rng(0)
    given = [
        _C.tensor(weights.uniform(-1, 1, tuple(x.shape)).tolist(), dtype=x.dtype)
        for x in outputs
    ]
    if not outputs:
        return []
    found = flambeau.autograd.grad(outputs, inputs, given, allow_unused=True)
    return [x for x in found if x is not None]


@pytest.mark.parametrize(
    ("op", "dtype"), cases(lambda op: op.grad, (_C.float64, _C.complex128))
)
def test_gradient(op: Op, dtype: Any) -> None:
    for sample in op.samples(dtype, requires_grad=True):
        fused, composed = both(lambda s=sample: gradients(op, s))
        same(composed, fused)


# ---- what samples do not reach -------------------------------------------------------


def test_random_numbers_are_the_kernels() -> None:
    """The same seed gives the same integers, truth values and, nearly, reals."""

    def draw() -> list[Any]:
        x = flambeau.empty(101)
        wide = flambeau.empty(101, dtype=flambeau.float64)
        p = flambeau.rand(101)
        exact = [
            flambeau.randperm(1500),
            flambeau.bernoulli(p),
            flambeau.empty(101).bernoulli_(0.3),
            flambeau.empty(101, dtype=flambeau.float64).bernoulli_(0.7),
            F.dropout(flambeau.ones(101), 0.3) != 0,
        ]
        near = [
            x.clone().exponential_(2.0),
            wide.clone().exponential_(2.0),
            x.clone().cauchy_(1.0, 0.5),
            wide.clone().log_normal_(),
            x.clone().log_normal_(),
            x.clone().geometric_(0.3),
        ]
        return [exact, near]

    (exact, near), (found_exact, found_near) = both(draw)
    same(found_exact, exact, exact=True)
    for a, b in zip(found_near, near, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=3e-4, atol=1e-6)


def test_half_precision_is_summed_in_single() -> None:
    def measure() -> list[Any]:
        x = flambeau.full((70000,), 1.5, dtype=flambeau.float16)
        return [x.mean(), x[:1000].var(), x[:1000].norm(1.0)]

    fused, composed = both(measure)
    assert composed[0].item() == 1.5
    same(composed, fused)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("transposed", [False, True])
def test_convolution_gradients(groups: int, transposed: bool) -> None:
    """Strides that leave input over, dilation, padding, groups and bias."""

    def measure() -> list[Any]:
        x = flambeau.randn(2, 4, 11, 9, dtype=flambeau.float64, requires_grad=True)
        shape = (4, 6 // groups, 3, 2) if transposed else (6, 4 // groups, 3, 2)
        w = flambeau.randn(*shape, dtype=flambeau.float64, requires_grad=True)
        b = flambeau.randn(6, dtype=flambeau.float64, requires_grad=True)
        if transposed:
            y = F.conv_transpose2d(
                x, w, b, (3, 2), (2, 1), (2, 1), groups, dilation=(1, 3)
            )
        else:
            y = F.conv2d(x, w, b, (3, 2), (2, 1), (2, 3), groups)
        y.square().sum().backward()
        return [y, x.grad, w.grad, b.grad]

    fused, composed = both(measure)
    same(composed, fused)


def test_windows_of_nothing_but_minus_infinity() -> None:
    """The indices of a maximum that padding ties with lie within the input."""

    def measure() -> list[Any]:
        x = flambeau.full((1, 1, 5, 5), -float("inf"), requires_grad=True)
        y = F.max_pool2d(x, 3, stride=2, padding=1)
        y.sum().backward()
        return [y, x.grad]

    fused, composed = both(measure)
    same(composed, fused)


def test_not_a_number_and_infinity_stay_where_they_are() -> None:
    """A composed mean or resampling spreads neither beyond its windows."""

    def measure() -> list[Any]:
        x = flambeau.arange(49.0).reshape(1, 1, 7, 7)
        x[0, 0, 2, 3], x[0, 0, 5, 5] = float("nan"), float("inf")
        return [
            F.avg_pool2d(x, 3, 2, 1),
            F.adaptive_avg_pool2d(x, (3, 2)),
            F.max_pool2d(x, 2),
            F.interpolate(x, size=(3, 10), mode="nearest"),
            flambeau.cummax(x, 3)[0],
            flambeau.sort(x.flatten())[0],
            flambeau.topk(x.flatten(), 3)[0],
            flambeau.logcumsumexp(x.flatten() - 60, 0),
        ]

    fused, composed = both(measure)
    same(composed, fused)


def test_half_precision_of_losses_and_attention() -> None:
    """What kernels promise of dtypes holds of the compositions, which sum wide."""

    def measure() -> list[Any]:
        x = flambeau.randn(64, 10).bfloat16().requires_grad_()
        y = flambeau.randint(0, 10, (64,))
        q = flambeau.randn(2, 2, 5, 8).bfloat16().requires_grad_()
        loss = F.cross_entropy(x, y, label_smoothing=0.1)
        loss = loss + F.nll_loss(F.log_softmax(x, 1), y)
        seen = F.scaled_dot_product_attention(q, q, q, is_causal=True)
        (loss + seen.sum()).backward()
        assert loss.dtype is x.grad.dtype is seen.dtype is flambeau.bfloat16
        found = [loss, x.grad, seen, q.grad]
        return [t.detach().float().numpy() for t in found]

    for a, b in zip(*both(measure), strict=True):
        np.testing.assert_allclose(b, a, rtol=0.03, atol=0.02)


def helped_calls() -> dict[str, Callable[[], Any]]:
    """A call of each kernel of HELPED."""
    a = flambeau.tensor([[2.0, 0.5], [0.5, 1.0]])
    x, special, linalg = flambeau.tensor([0.25, 0.5]), flambeau.special, flambeau.linalg
    lu = linalg.lu_factor(a)
    return {
        "cholesky": lambda: linalg.cholesky(a),
        "lu_factor": lambda: linalg.lu_factor(a),
        "lu_solve": lambda: linalg.lu_solve(*lu, a),
        "triangular_solve": lambda: linalg.solve_triangular(a, a, upper=True),
        "inv": lambda: linalg.inv(a),
        "qr": lambda: linalg.qr(a),
        "svd": lambda: linalg.svd(a),
        "eigh": lambda: linalg.eigh(a),
        "eig": lambda: linalg.eig(a),
        "lstsq": lambda: linalg.lstsq(a, a),
        "fft_c2c": lambda: flambeau.fft.fft(a + 0j),
        "fft_r2c": lambda: flambeau.fft.rfft(a),
        "fft_c2r": lambda: flambeau.fft.irfft(a + 0j),
        "i0": lambda: flambeau.i0(x),
        "i1": lambda: special.i1(x),
        "i0e": lambda: special.i0e(x),
        "i1e": lambda: special.i1e(x),
        "ndtri": lambda: special.ndtri(x),
        "log_ndtr": lambda: special.log_ndtr(x),
        "zeta": lambda: special.zeta(x + 2, x),
        "igamma": lambda: flambeau.igamma(x, x),
        "igammac": lambda: flambeau.igammac(x, x),
        "polygamma": lambda: flambeau.polygamma(1, x),
    }


@pytest.mark.parametrize("kernel", HELPED)
def test_what_needs_help_is_listed(kernel: str) -> None:
    """Alone, a device without these kernels says which one it lacks."""
    call = helped_calls()[kernel]
    call()
    with (
        primitives_only(helped=False),
        pytest.raises(NotImplementedError, match=f'"{kernel}" not implemented'),
    ):
        call()
