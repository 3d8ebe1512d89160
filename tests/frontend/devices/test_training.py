"""Modules and optimizers on any device: the same numbers as on the host."""

from __future__ import annotations

import copy
import pickle

import flambeau
import pytest
from flambeau import _C
from flambeau.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

HOST = _C._host_device_type
OPTIMIZERS = {
    "Adadelta": {},
    "Adafactor": {},
    "Adagrad": {},
    "Adam": {"amsgrad": True},
    "AdamW": {},
    "Adamax": {},
    "ASGD": {},
    "NAdam": {},
    "RAdam": {},
    "RMSprop": {"centered": True, "momentum": 0.5},
    "Rprop": {},
    "SGD": {"momentum": 0.9, "nesterov": True, "lr": 0.05},
}


def model_on(device):
    flambeau.manual_seed(0)
    nn = flambeau.nn
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 2)).to(device)


def train(model, optimizer, device, steps=4):
    x = flambeau.linspace(-2, 2, 30).reshape(6, 5).to(device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = model(x).square().sum()
        loss.backward()
        optimizer.step()
    return [p.detach().cpu() for p in model.parameters()]


def close(a, b):
    for x, y in zip(a, b, strict=True):
        flambeau.testing.assert_close(x, y, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("default", [False, True], ids=["", "as-default"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer(device, name, default):
    make = getattr(flambeau.optim, name)
    reference = model_on(HOST)
    expected = train(reference, make(reference.parameters(), **OPTIMIZERS[name]), HOST)
    with flambeau.device(device if default else HOST):
        model = model_on(device)
        optimizer = make(model.parameters(), **OPTIMIZERS[name])
        close(train(model, optimizer, device), expected)
    for param, state in optimizer.state.items():
        if "step" in state:  # where reading it does not wait for the device
            assert _C._in_host_memory(state["step"]) and state["step"].item() == 4
        for key, value in state.items():
            if key not in ("step", "mu_product") and isinstance(value, flambeau.Tensor):
                assert value.device == param.device


@pytest.mark.parametrize("name", ["Adam", "AdamW", "SGD", "Adagrad"])
def test_without_a_fused_kernel(device, name):
    """A device that lacks the fused step composes it."""
    expected = train(
        m := model_on(HOST),
        getattr(flambeau.optim, name)(m.parameters(), lr=0.05),
        HOST,
    )
    kernels = ["adam", "sgd", "adadelta", "rmsprop", "adagrad"]
    _C._hide_kernels(device, kernels)
    try:
        model = model_on(device)
        optimizer = getattr(flambeau.optim, name)(model.parameters(), lr=0.05)
        close(train(model, optimizer, device), expected)
    finally:
        _C._hide_kernels(device, [])


@pytest.mark.parametrize("name", ["Adam", "AdamW", "SGD", "Adagrad"])
def test_fused_keeps_counts_on_the_device(device, name):
    make = getattr(flambeau.optim, name)
    expected = train(m := model_on(HOST), make(m.parameters(), lr=0.05), HOST)
    model = model_on(device)
    optimizer = make(model.parameters(), lr=0.05, fused=True)
    close(train(model, optimizer, device), expected)
    steps = [s["step"] for s in optimizer.state.values() if "step" in s]
    assert all(s.device == model[0].weight.device and s.item() == 4 for s in steps)


def test_optimizer_copied_and_pickled(device):
    model = model_on(device)
    optimizer = flambeau.optim.Adam(model.parameters(), lr=0.05)
    train(model, optimizer, device, 2)
    both = copy.deepcopy((model, optimizer))
    again = pickle.loads(pickle.dumps((model, optimizer)))
    expected = train(model, optimizer, device, 2)
    for other_model, other in (both, again):
        assert other_model[0].weight.device == model[0].weight.device
        moments = other.state[other_model[0].weight]["exp_avg"]
        assert moments.device == model[0].weight.device
        close(train(other_model, other, device, 2), expected)


def test_moving_a_module(other):
    model = model_on(HOST)
    model(flambeau.ones(1, 5)).sum().backward()
    before = [p.tolist() for p in model.parameters()]
    weight = model[0].weight
    assert model.to(other) is model and model[0].weight is weight
    for p in model.parameters():
        assert p.device.type == other == p.grad.device.type
    assert [p.tolist() for p in model.parameters()] == before
    model.to(other, flambeau.float64)
    assert {p.dtype for p in model.parameters()} == {flambeau.float64}
    model.cpu()
    assert all(p.is_cpu for p in model.parameters())


def test_meta_to_device(device):
    model = flambeau.nn.Linear(3, 2, device="meta").to_empty(device=device)
    assert model.weight.device == flambeau.ones(1, device=device).device
    model.reset_parameters()
    assert model(flambeau.ones(2, 3, device=device)).shape == (2, 2)


def test_recurrent_network_with_packed_sequences(device):
    flambeau.manual_seed(0)
    rnn = flambeau.nn.GRU(3, 4, batch_first=True)
    x = flambeau.rand(3, 5, 3)
    lengths = [2, 5, 3]

    def run(rnn, x):
        packed = pack_padded_sequence(x, lengths, True, enforce_sorted=False)
        out, h = rnn(packed)
        padded, got = pad_packed_sequence(out, batch_first=True)
        assert got.tolist() == lengths and _C._in_host_memory(got)
        return padded.detach().cpu(), h.detach().cpu()

    expected = run(rnn, x)
    with flambeau.device(device):
        close(run(rnn.to(device), x.to(device)), expected)


def test_lists_of_parameters_say_where_they_are(other):
    params = flambeau.nn.ParameterList([flambeau.ones(2, device=other)])
    assert f"of size 2 ({other}:0)]" in repr(params)


def test_saved_on_cpu(device):
    x = flambeau.arange(3.0, device=device).requires_grad_()
    with flambeau.autograd.graph.save_on_cpu(pin_memory=True):
        y = (x * x).sum()
    y.backward()
    assert x.grad.device == x.device and x.grad.tolist() == [0.0, 2.0, 4.0]


def test_averaged_model(device):
    model = model_on(device)
    average = flambeau.optim.swa_utils.AveragedModel(model)
    average.update_parameters(model)
    assert average.module[0].weight.device == model[0].weight.device
    assert flambeau.equal(average.module[0].weight, model[0].weight)


def test_batches_from_a_loader(device):
    data = flambeau.utils.data.TensorDataset(flambeau.arange(6.0).reshape(3, 2))
    seen = [b.to(device) for (b,) in flambeau.utils.data.DataLoader(data, batch_size=2)]
    assert [b.tolist() for b in seen] == [[[0.0, 1.0], [2.0, 3.0]], [[4.0, 5.0]]]
    assert all(b.device.type == device for b in seen)
