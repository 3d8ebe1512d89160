"""The primitive kernels are enough: every op, its gradient and whole models, on a
device without a single fused kernel and without help from another device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import flambeau
import flambeau.nn.functional as F
import pytest
from flambeau import _C, nn
from flambeau.backends import set_fallback_policy
from flambeau.testing.conformance._names import FUSED
from flambeau.testing.samples import Op, Sample
from op_harness import cases, copied, function, np, same, tensors, transform

HOST = "cpu"

LINALG = "matrix factorisations have no composition: LAPACK on the host does them"
FFT = "Fourier transforms have no composition: the host does them"
SPECIAL = "a rare special function without a short formula"

# Kernels that are not composed, and why: a device without them is helped by the host.
HELPED = {
    **dict.fromkeys(
        "cholesky lu_factor lu_solve triangular_solve inv qr svd eigh eig lstsq".split(),
        LINALG,
    ),
    **dict.fromkeys("fft_c2c fft_r2c fft_c2r".split(), FFT),
    **dict.fromkeys(
        "i0 i1 i0e i1e ndtri log_ndtr zeta igamma igammac polygamma".split(), SPECIAL
    ),
}


@contextmanager
def primitives_only() -> Iterator[None]:
    """The host's device as one that has neither fused kernels nor another to help."""
    _C._hide_kernels(HOST, sorted(FUSED - HELPED.keys()))
    try:
        with set_fallback_policy("error"):
            yield
    finally:
        _C._hide_kernels(HOST, [])


def both(call: Callable[[], Any]) -> tuple[Any, Any]:
    """The results with fused kernels and without."""
    flambeau.manual_seed(0)
    fused = call()
    with primitives_only():
        flambeau.manual_seed(0)
        composed = call()
    return fused, composed


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


# ---- whole models ------------------------------------------------------------------


def losses(
    model: nn.Module, loss: Callable[[nn.Module], Any], optimizer: Any
) -> list[float]:
    """Of three steps."""
    found = []
    for _ in range(3):
        optimizer.zero_grad()
        value = loss(model)
        value.backward()
        optimizer.step()
        found.append(value.item())
    return found


def train_mlp() -> list[float]:
    model = nn.Sequential(
        nn.Linear(8, 16), nn.GELU(), nn.LayerNorm(16), nn.Dropout(0.2), nn.Linear(16, 4)
    )
    x, y = flambeau.randn(12, 8), flambeau.randint(0, 4, (12,))
    adam = flambeau.optim.AdamW(model.parameters(), lr=1e-2)
    return losses(model, lambda m: F.cross_entropy(m(x), y, label_smoothing=0.1), adam)


def train_cnn() -> list[float]:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.SiLU(),
        nn.MaxPool2d(2, stride=2),
        nn.Conv2d(8, 8, 3, stride=2, groups=2),
        nn.GroupNorm(2, 8),
        nn.AvgPool2d(2, padding=1),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.AdaptiveAvgPool2d(3),
        nn.Flatten(),
        nn.Linear(72, 5),
        nn.LogSoftmax(-1),
    )
    x, y = flambeau.randn(4, 3, 12, 12), flambeau.randint(0, 5, (4,))
    sgd = flambeau.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    return losses(model, lambda m: F.nll_loss(m(x), y), sgd)


class Recurrent(nn.Module):
    """Embedded tokens through a two-way LSTM and a GRU."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(11, 6, padding_idx=0)
        self.lstm = nn.LSTM(6, 7, num_layers=2, bidirectional=True)
        self.gru = nn.GRU(14, 5)
        self.out = nn.Linear(5, 1)

    def forward(self, tokens: Any) -> Any:
        return self.out(self.gru(self.lstm(self.table(tokens))[0])[0][-1])


def train_recurrent() -> list[float]:
    model = Recurrent()
    tokens, y = flambeau.randint(0, 11, (6, 3)), flambeau.randn(3, 1)
    rms = flambeau.optim.RMSprop(model.parameters(), lr=1e-2)
    return losses(model, lambda m: F.mse_loss(m(tokens), y), rms)


class Block(nn.Module):
    """A transformer's block, causal."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.RMSNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Any) -> Any:
        b, t, c = x.shape
        parts = self.qkv(self.before(x)).reshape(b, t, 3, self.heads, c // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(seen.transpose(1, 2).reshape(b, t, c))
        return x + self.down(F.gelu(self.up(self.between(x)), approximate="tanh"))


def train_gpt() -> list[float]:
    model = nn.ModuleDict(
        {
            "tokens": nn.Embedding(17, 16),
            "places": nn.Embedding(8, 16),
            "blocks": nn.Sequential(Block(16, 4), Block(16, 4)),
            "head": nn.Linear(16, 17, bias=False),
        }
    )
    text = flambeau.randint(0, 17, (2, 9))

    def loss(m: Any) -> Any:
        x = m["tokens"](text[:, :-1]) + m["places"](flambeau.arange(8))
        logits = m["head"](m["blocks"](x))
        return F.cross_entropy(logits.reshape(-1, 17), text[:, 1:].reshape(-1))

    adam = flambeau.optim.Adam(model.parameters(), lr=3e-3)
    return losses(model, loss, adam)


@pytest.mark.parametrize(
    "train", [train_mlp, train_cnn, train_recurrent, train_gpt], ids=str
)
def test_training(train: Callable[[], list[float]]) -> None:
    fused, composed = both(train)
    np.testing.assert_allclose(composed, fused, rtol=2e-5)
    assert len(set(fused)) == 3


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
