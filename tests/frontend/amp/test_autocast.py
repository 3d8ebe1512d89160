"""autocast: what it switches, nests and puts back."""

import flambeau
import pytest
from flambeau.amp import autocast, custom_bwd, custom_fwd, is_autocast_available


def product():
    return (flambeau.ones(2, 2) @ flambeau.ones(2, 2)).dtype


def test_products_are_narrow_within_the_block():
    assert product() == flambeau.float32
    with autocast("cpu"):
        assert product() == flambeau.bfloat16
        with autocast("cpu", dtype=flambeau.float16):
            assert product() == flambeau.float16
        with autocast("cpu", enabled=False):
            assert product() == flambeau.float32
        assert product() == flambeau.bfloat16
    assert product() == flambeau.float32


def test_one_switch_may_be_entered_twice():
    switch = autocast("cpu")
    with switch, switch:
        assert product() == flambeau.bfloat16
    assert product() == flambeau.float32


def test_an_exception_puts_the_state_back():
    with pytest.raises(ZeroDivisionError), autocast("cpu"):
        _ = 1 / 0
    assert product() == flambeau.float32


def test_decorator():
    assert autocast("cpu")(product)() == flambeau.bfloat16
    assert autocast("cpu")(product).__name__ == "product"


def test_state_functions():
    assert not flambeau.is_autocast_enabled("cpu")
    with autocast("cpu", dtype=flambeau.float16):
        assert flambeau.is_autocast_enabled("cpu")
        assert flambeau.get_autocast_dtype("cpu") == flambeau.float16
    assert flambeau.get_autocast_dtype("cpu") == flambeau.bfloat16


def test_gradients_come_in_the_parameters_dtype():
    w = flambeau.nn.Parameter(flambeau.ones(3, 3))
    with autocast("cpu"):
        out = flambeau.ones(2, 3) @ w
    out.sum().backward()
    assert w.grad.dtype == flambeau.float32
    assert w.grad.tolist() == [[2.0] * 3] * 3


def test_bad_arguments():
    with pytest.raises(TypeError, match="string"):
        autocast(3)
    with pytest.raises(RuntimeError, match="device type"):
        autocast("nonsense")
    with pytest.warns(UserWarning, match="bfloat16 or float16"):
        switch = autocast("cpu", dtype=flambeau.float64)
    with switch:
        assert product() == flambeau.float32
    assert is_autocast_available("cpu")
    assert not is_autocast_available("nonsense")


def test_custom_functions():
    seen = []

    class Double(flambeau.autograd.Function):
        @staticmethod
        @custom_fwd(device_type="cpu", cast_inputs=flambeau.float32)
        def forward(ctx, x):
            seen.append((x.dtype, flambeau.is_autocast_enabled("cpu")))
            return x * 2

        @staticmethod
        @custom_bwd(device_type="cpu")
        def backward(ctx, grad):
            seen.append(flambeau.is_autocast_enabled("cpu"))
            return grad * 2

    x = flambeau.ones(2, dtype=flambeau.bfloat16, requires_grad=True)
    with autocast("cpu"):
        out = Double.apply(x)
    out.sum().backward()
    assert seen == [(flambeau.float32, False), False]
    assert out.dtype == flambeau.float32
    assert x.grad.tolist() == [2.0, 2.0]
    Double.apply(x)
    assert seen[2] == (flambeau.bfloat16, False)
