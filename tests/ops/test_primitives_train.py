"""The primitive kernels are enough to train: models and optimizers without a single
fused kernel give the losses that they give with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flambeau
import flambeau.nn.functional as F
import pytest
from flambeau import _C, nn
from flambeau._device_types import device_count, installed_types
from flambeau.backends import set_fallback_policy
from op_harness import np, same
from primitives import HOST, both


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
    "train",
    [train_mlp, train_cnn, train_recurrent, train_gpt],
    ids=lambda train: train.__name__,
)
def test_training(train: Callable[[], list[float]]) -> None:
    fused, composed = both(train)
    np.testing.assert_allclose(composed, fused, rtol=2e-5)
    assert len(set(fused)) == 3


OTHERS = [
    kind
    for kind in installed_types()
    if kind != HOST and device_count(kind) and _C._kernel_dtypes(kind, "convolution")
] or [pytest.param(None, marks=pytest.mark.skip(reason="no other device is here"))]


@pytest.mark.parametrize(
    "train",
    [train_mlp, train_cnn, train_recurrent, train_gpt],
    ids=lambda train: train.__name__,
)
@pytest.mark.parametrize("device", OTHERS)
def test_training_on_a_device_by_itself(
    device: str, train: Callable[[], list[float]]
) -> None:
    """The same numbers, without a kernel of the host's."""
    flambeau.manual_seed(0)
    wanted = train()
    flambeau.manual_seed(0)
    with flambeau.device(device), set_fallback_policy("error"):
        found = train()
    np.testing.assert_allclose(found, wanted, rtol=1e-4)


def optimizers() -> dict[str, Callable[[Any], Any]]:
    """Every optimizer that has a kernel, with the options that change its formula."""
    optim = flambeau.optim
    return {
        "sgd": lambda p: optim.SGD(
            p, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True
        ),
        "adam": lambda p: optim.Adam(p, lr=0.1, amsgrad=True, weight_decay=0.01),
        "adamw": lambda p: optim.AdamW(p, lr=0.1, maximize=True),
        "rmsprop": lambda p: optim.RMSprop(p, lr=0.1, momentum=0.5, centered=True),
        "adagrad": lambda p: optim.Adagrad(p, lr=0.1, lr_decay=0.1),
        "adadelta": lambda p: optim.Adadelta(p, lr=0.5, weight_decay=0.01),
    }


@pytest.mark.parametrize("name", optimizers())
def test_optimizer(name: str) -> None:
    def steps() -> list[Any]:
        params = [flambeau.randn(3, 4).requires_grad_(), flambeau.zeros(5)]
        params[1].requires_grad_()
        optimizer = optimizers()[name](params)
        for _ in range(3):
            for p in params:
                p.grad = flambeau.randn(*p.shape)
            nn.utils.clip_grad_norm_(params, 1.0)
            optimizer.step()
        return [p.detach() for p in params]

    fused, composed = both(steps)
    same(composed, fused)
