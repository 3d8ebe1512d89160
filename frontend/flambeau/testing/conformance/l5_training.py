"""Level 5: models train as on the host, and all that goes with it: random numbers,
checkpoints across devices, autocast, loading data, copies and printing."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import flambeau
from flambeau import nn, optim
from flambeau.utils.data import DataLoader, TensorDataset

from ._bench import HOST, Bench
from ._case import FALLBACK, Case, Outcome, skip, unclaimed
from ._same import random_numbers
from .l3_composites import array, counted

_STEPS = 6


def cases(bench: Bench) -> Iterator[Case]:
    """One for each."""
    for name, test in _TESTS.items():
        yield Case(5, "training", name, partial(_helped, bench, test))


def _helped(bench: Bench, test: Callable[[Bench], str | None]) -> str:
    with counted(bench) as helped:
        told = test(bench) or ""
    if helped:
        raise Outcome(FALLBACK, f"falls back for {', '.join(sorted(helped))}")
    return told


# ---- models --------------------------------------------------------------------------
def _cnn() -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3, stride=2),
        nn.GELU(),
        nn.Flatten(),
        nn.Linear(8, 10),
    )


def _attention() -> Any:
    return nn.Sequential(
        nn.Linear(8, 16),
        nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True),
        nn.LayerNorm(16),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


class _Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 12, batch_first=True)
        self.gru = nn.GRU(12, 10, batch_first=True)

    def forward(self, x: Any) -> Any:
        return self.gru(self.lstm(x)[0])[0][:, -1]


def _data(shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Inputs, and classes that can be learnt from them."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((32, *shape)).astype(np.float32)
    y = x.reshape(32, -1)[:, :10].argmax(1)
    return flambeau.from_numpy(x), flambeau.from_numpy(y)


def _losses(model: Any, make: Any, data: tuple[Any, Any], device: Any) -> list[float]:
    model = model.to(device)
    optimizer = make(model.parameters())
    x, y = (t.to(device) for t in data)
    losses = []
    for _ in range(_STEPS):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def _trainer(model: Any, shape: tuple[int, ...], make: Any) -> Callable[[Bench], str]:
    return partial(_trains, model, shape, make)


def _trains(model: Any, shape: tuple[int, ...], make: Any, bench: Bench) -> str:
    """The losses go down, and are the host's."""
    flambeau.manual_seed(0)
    built = model()
    wanted = _losses(copy.deepcopy(built), make, _data(shape), HOST)
    found = _losses(built, make, _data(shape), bench.device)
    assert found[-1] < found[0], f"the loss does not go down: {found}"
    np.testing.assert_allclose(found, wanted, 2e-3, 2e-4)
    return f"loss {found[0]:.4f} to {found[-1]:.4f}"


def _sgd(parameters: Any) -> Any:
    return optim.SGD(parameters, 0.05, momentum=0.9, weight_decay=1e-3)


def _adam(parameters: Any) -> Any:
    return optim.AdamW(parameters, 3e-3)


# ---- random numbers ------------------------------------------------------------------
def same_numbers(bench: Bench) -> None:
    """One seed gives the numbers that the host has, bit for bit for integers and
    uniforms."""
    wrong = random_numbers([HOST, str(bench.device)])
    assert not wrong, "; ".join(wrong)


def generator_state(bench: Bench) -> None:
    """The state of the generator, saved and set again, gives the same numbers."""
    generator = flambeau.Generator(bench.device)
    generator.manual_seed(5)
    flambeau.rand(10, device=bench.device, generator=generator)
    state = generator.get_state()
    one = flambeau.rand(10, device=bench.device, generator=generator)
    generator.set_state(state)
    other = flambeau.rand(10, device=bench.device, generator=generator)
    assert np.array_equal(array(one), array(other))


def dropout(bench: Bench) -> None:
    """What is dropped is what the host drops, in the forward and the backward pass."""
    masks = []
    for device in (HOST, bench.device):
        flambeau.manual_seed(3)
        x = flambeau.ones(40, 50, device=device, requires_grad=True)
        y = nn.functional.dropout(x, 0.4)
        y.sum().backward()
        assert np.array_equal(array(y), array(x.grad)), f"on {device}"
        masks.append(array(y) != 0)
    assert np.array_equal(*masks), f"{(masks[0] != masks[1]).sum()} of 2000 differ"


# ---- serialization -------------------------------------------------------------------
def checkpoints(bench: Bench) -> None:
    """A checkpoint saved on the device loads on the host and back, with its values."""
    flambeau.manual_seed(0)
    model = _cnn().to(bench.device)
    saved = {
        "model": model.state_dict(),
        "half": flambeau.ones(3).half().to(bench.device),
    }
    file = io.BytesIO()
    flambeau.save(saved, file)

    def load(**how: Any) -> Any:
        file.seek(0)
        return flambeau.load(file, **how)

    for how, device in (
        ({}, bench.device_type),
        ({"map_location": HOST}, flambeau.device(HOST).type),
        ({"map_location": bench.device}, bench.device_type),
        ({"map_location": lambda storage, _: storage}, flambeau.device(HOST).type),
    ):
        found = load(**how)
        for name, tensor in saved["model"].items():
            got = found["model"][name]
            assert got.device.type == device, f"{how}: {name} is on {got.device}"
            assert np.array_equal(array(got), array(tensor)), f"{how}: {name}"
        assert found["half"].dtype is flambeau.float16
    model.load_state_dict(load(map_location=HOST)["model"])


def copies(bench: Bench) -> None:
    """Pickled, deeply copied and printed, a tensor stays what and where it is."""
    x = flambeau.arange(6, dtype=flambeau.float32).reshape(2, 3).to(bench.device)
    for name, again in (
        ("pickle", pickle.loads(pickle.dumps(x))),
        ("deepcopy", copy.deepcopy(x)),
        ("clone", x.clone()),
    ):
        assert again.device == x.device, f"{name}: on {again.device}"
        assert np.array_equal(array(again), array(x)), name
    text = repr(x)
    assert "5." in text, f"expected the values, got {text}"
    assert bench.is_host() or bench.device_type in text, (
        f"expected the device, got {text}"
    )


def autocast(bench: Bench) -> str:
    """Under autocast products are in bfloat16, gradients in the parameters' dtype, and
    the result is near that of float32."""
    if not bench.claims("bfloat16", "matmul"):
        raise skip("the device does not claim 'matmul' in bfloat16")
    flambeau.manual_seed(0)
    layer = nn.Linear(32, 16).to(bench.device)
    x = flambeau.randn(8, 32, device=bench.device)
    with flambeau.autocast(bench.device_type, dtype=flambeau.bfloat16):
        y = layer(x)
        loss = (y.float() ** 2).mean()
    assert y.dtype is flambeau.bfloat16, f"expected bfloat16, got {y.dtype}"
    loss.backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.dtype is flambeau.float32
    error = np.abs(array(y.float()) - array(layer(x))).max()
    assert 0 < error < 0.05, f"differs from float32 by {error}"
    return f"differs from float32 by {error:.4f}"


def loading(bench: Bench) -> str:
    """Batches of a DataLoader, with and without workers, reach the device whole."""
    x = flambeau.arange(100, dtype=flambeau.float32).reshape(50, 2)
    data = TensorDataset(x, flambeau.arange(50))
    for workers in (0, 1):
        seen: list[int] = []
        try:
            batches = iter(DataLoader(data, 8, shuffle=True, num_workers=workers))
        except NotImplementedError:
            return "without workers, which this version has not"
        for batch, index in batches:
            there = batch.to(bench.device)
            assert np.array_equal(array(there.sum(1)), array(index) * 4.0 + 1)
            seen += index.tolist()
        assert sorted(seen) == list(range(50)), f"{workers} workers"
    return "with and without workers"


def pinned(bench: Bench) -> None:
    """Pinned memory is the host's, and goes to the device and back."""
    if bench.properties["host_memory"]:
        raise skip("the device is in host memory")
    x = flambeau.arange(1000, dtype=flambeau.float32)
    try:
        held = x.pin_memory(bench.device)
    except RuntimeError as error:
        if "no pinned memory" in str(error):
            raise unclaimed("the device offers none") from None
        raise
    assert held.is_pinned() and np.array_equal(held.numpy(), x.numpy())
    there = held.to(bench.device, non_blocking=True) + 1
    assert np.array_equal(array(there), x.numpy() + 1)


_TESTS: dict[str, Callable[[Bench], str | None]] = {
    "a convolutional network, SGD": _trainer(_cnn, (1, 8, 8), _sgd),
    "attention, AdamW": _trainer(_attention, (4, 8), _adam),
    "recurrent layers, AdamW": _trainer(_Recurrent, (4, 8), _adam),
    "one seed, the host's numbers": same_numbers,
    "the generator's state": generator_state,
    "dropout": dropout,
    "checkpoints across devices": checkpoints,
    "copies and printing": copies,
    "autocast": autocast,
    "loading data": loading,
    "pinned memory": pinned,
}
