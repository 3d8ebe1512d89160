"""autocast and GradScaler: a setting for each type of device."""

from __future__ import annotations

import flambeau
import pytest
from flambeau import _C

HOST = _C._host_device_type


def default_dtype(kind):
    return flambeau.bfloat16 if kind == HOST else flambeau.float16


def test_default_dtype(device):
    assert flambeau.get_autocast_dtype(device) == default_dtype(device)
    assert flambeau.is_autocast_enabled(device) is False
    assert flambeau.amp.is_autocast_available(device)


@pytest.mark.parametrize("dtype", [None, flambeau.bfloat16])
def test_matmul_is_narrow(device, dtype):
    a = flambeau.eye(4, device=device)
    with flambeau.autocast(device, dtype=dtype):
        assert flambeau.is_autocast_enabled(device)
        b = a @ a
        assert b.dtype == (dtype or default_dtype(device))
        assert flambeau.nn.functional.mse_loss(b, b).dtype == flambeau.float32
        assert (a + 1).dtype == flambeau.float32
        with flambeau.autocast(device, enabled=False):
            assert (a @ a).dtype == flambeau.float32
        assert (a @ a).dtype == b.dtype
    assert (a @ a).dtype == flambeau.float32
    assert flambeau.equal(b.float().cpu(), flambeau.eye(4))


def test_types_do_not_disturb_each_other(other):
    there, here = flambeau.eye(2, device=other), flambeau.eye(2)
    with flambeau.autocast(other):
        assert (there @ there).dtype == flambeau.float16
        assert (here @ here).dtype == flambeau.float32
        with flambeau.autocast(HOST):
            assert (there @ there).dtype == flambeau.float16
            assert (here @ here).dtype == flambeau.bfloat16
    with flambeau.autocast(HOST):
        assert (there @ there).dtype == flambeau.float32


def test_set_dtype(device):
    before = flambeau.get_autocast_dtype(device)
    try:
        flambeau.set_autocast_dtype(device, flambeau.bfloat16)
        assert flambeau.get_autocast_dtype(device) == flambeau.bfloat16
        a = flambeau.eye(2, device=device)
        with flambeau.autocast(device):
            assert (a @ a).dtype == flambeau.bfloat16
    finally:
        flambeau.set_autocast_dtype(device, before)


def test_training_under_autocast(device):
    flambeau.manual_seed(0)
    model = flambeau.nn.Linear(4, 1).to(device)
    x = flambeau.rand(8, 4).to(device)
    optimizer = flambeau.optim.SGD(model.parameters(), lr=0.1)
    scaler = flambeau.amp.GradScaler(device, init_scale=4.0)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        with flambeau.autocast(device, dtype=flambeau.bfloat16):
            loss = (model(x).float() - 1).square().mean()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
    assert model.weight.dtype == flambeau.float32
    assert losses[-1] < losses[0] / 4
    assert scaler.get_scale() == 4.0


def test_scaler_skips_a_step_with_infinities(device):
    p = flambeau.nn.Parameter(flambeau.ones(2, device=device))
    optimizer = flambeau.optim.SGD([p], lr=1.0)
    scaler = flambeau.amp.GradScaler(device, init_scale=8.0)
    scaler.scale(p.sum() * float("inf")).backward()
    scaler.step(optimizer)
    scaler.update()
    assert p.tolist() == [1.0, 1.0] and scaler.get_scale() == 4.0


def test_a_device_that_is_not_here():
    with pytest.warns(UserWarning, match="'mtia' is not available"):
        context = flambeau.autocast("mtia")
    with context:
        assert not flambeau.is_autocast_enabled("mtia")
    assert flambeau.get_autocast_dtype("mtia") == flambeau.float16
    assert not flambeau.amp.is_autocast_available("nosuch")
    with pytest.raises(RuntimeError, match="expected a known device type"):
        flambeau.autocast("nosuch")


def test_custom_function(device):
    class Double(flambeau.autograd.Function):
        @staticmethod
        @flambeau.amp.custom_fwd(device_type=device, cast_inputs=flambeau.float32)
        def forward(ctx, x):
            assert x.dtype == flambeau.float32
            assert not flambeau.is_autocast_enabled(device)
            return x * 2

        @staticmethod
        @flambeau.amp.custom_bwd(device_type=device)
        def backward(ctx, g):
            return g * 2

    x = flambeau.ones(2, device=device, dtype=default_dtype(device), requires_grad=True)
    with flambeau.autocast(device):
        y = Double.apply(x)
    assert y.dtype == flambeau.float32
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_checkpointed_segment(device):
    flambeau.manual_seed(0)
    model = flambeau.nn.Sequential(
        flambeau.nn.Linear(4, 4), flambeau.nn.Dropout(0.5), flambeau.nn.Linear(4, 1)
    ).to(device)
    x = flambeau.rand(3, 4).to(device)
    grads = []
    for checkpointed in (False, True):
        model.zero_grad()
        flambeau.manual_seed(1)
        with flambeau.autocast(device, dtype=flambeau.bfloat16):
            if checkpointed:
                run = flambeau.utils.checkpoint.checkpoint
                out = run(model, x, use_reentrant=False)
            else:
                out = model(x)
        out.float().sum().backward()
        grads.append([p.grad.tolist() for p in model.parameters()])
    assert grads[0] == grads[1]
