"""GradScaler: scaling, skipping, adapting, and its state."""

import pickle

import flambeau
import pytest
from flambeau.amp import GradScaler


def setup(**options):
    p = flambeau.nn.Parameter(flambeau.tensor([1.0, 2.0]))
    opt = flambeau.optim.SGD([p], lr=0.5)
    options = {"init_scale": 8.0, "growth_interval": 2, **options}
    return p, opt, GradScaler("cpu", **options)


def test_a_step_is_the_same_as_without_scaling():
    p, opt, scaler = setup()
    loss = scaler.scale((p * p).sum())
    assert loss.item() == 40.0
    loss.backward()
    assert p.grad.tolist() == [16.0, 32.0]
    scaler.unscale_(opt)
    assert p.grad.tolist() == [2.0, 4.0]
    scaler.step(opt)
    scaler.update()
    assert p.tolist() == [0.0, 0.0]


def test_infinities_skip_the_step_and_shrink_the_scale():
    p, opt, scaler = setup()
    for bad in (float("inf"), float("nan")):
        scaler.scale(p.sum()).backward()
        p.grad[1] = bad
        before, scale = p.tolist(), scaler.get_scale()
        assert scaler.step(opt) is None
        scaler.update()
        assert p.tolist() == before
        assert scaler.get_scale() == scale * 0.5
        opt.zero_grad()


def test_the_scale_grows_after_good_steps():
    p, opt, scaler = setup()
    scales = []
    for _ in range(4):
        opt.zero_grad()
        scaler.scale(p.sum()).backward()
        scaler.step(opt)
        scaler.update()
        scales.append(scaler.get_scale())
    assert scales == [8.0, 16.0, 16.0, 32.0]
    scaler.scale(p.sum())
    scaler.update(3.0)
    assert scaler.get_scale() == 3.0


def test_containers_are_scaled():
    p, _, scaler = setup()
    scaled = scaler.scale([p, (p, p)])
    assert scaled[1][0].tolist() == [8.0, 16.0]
    with pytest.raises(ValueError, match="tensor"):
        scaler.scale(3)


def test_wrong_order():
    p, opt, scaler = setup()
    with pytest.raises(AssertionError, match="scale"):
        scaler.update()
    scaler.scale(p.sum()).backward()
    with pytest.raises(AssertionError, match="step"):
        scaler.update()
    scaler.unscale_(opt)
    with pytest.raises(RuntimeError, match="unscaled"):
        scaler.unscale_(opt)
    with pytest.raises(RuntimeError, match="closure"):
        scaler.step(opt, closure=lambda: 1)
    scaler.step(opt)
    with pytest.raises(RuntimeError, match="update"):
        scaler.step(opt)
    with pytest.raises(AssertionError, match="pickling"):
        pickle.dumps(scaler)
    scaler.update()
    opt.zero_grad()
    with pytest.raises(AssertionError, match="gradients"):
        scaler.step(opt)


def test_float16_gradients_are_refused():
    p = flambeau.nn.Parameter(flambeau.ones(1, dtype=flambeau.float16))
    opt = flambeau.optim.SGD([p], lr=0.5)
    scaler = GradScaler("cpu")
    p.grad = flambeau.ones(1, dtype=flambeau.float16)
    with pytest.raises(ValueError, match="float16"):
        scaler.unscale_(opt)


def test_disabled():
    p, opt, scaler = setup(enabled=False)
    loss = p.sum()
    assert scaler.scale(loss) is loss
    loss.backward()
    scaler.step(opt)
    scaler.update()
    assert p.tolist() == [0.5, 1.5]
    assert scaler.state_dict() == {}
    assert scaler.get_scale() == 1.0


def test_state():
    p, opt, scaler = setup()
    scaler.scale(p.sum()).backward()
    scaler.step(opt)
    scaler.update()
    state = scaler.state_dict()
    assert state == {
        "scale": 8.0,
        "growth_factor": 2.0,
        "backoff_factor": 0.5,
        "growth_interval": 2,
        "_growth_tracker": 1,
    }
    other = GradScaler("cpu")
    other.load_state_dict(state)
    assert other.state_dict() == state
    assert pickle.loads(pickle.dumps(scaler)).state_dict() == state
    with pytest.raises(RuntimeError, match="empty"):
        other.load_state_dict({})


def test_arguments():
    with pytest.raises(AssertionError, match="growth_factor"):
        GradScaler("cpu", growth_factor=0.5)
    with pytest.raises(AssertionError, match="backoff_factor"):
        GradScaler("cpu", backoff_factor=1.5)


def test_older_names_on_machines_without_cuda():
    from flambeau.cuda.amp import GradScaler as Older
    from flambeau.cuda.amp import autocast

    if flambeau.cuda.is_available():
        pytest.skip("there is a CUDA device")
    assert flambeau.cuda.amp.autocast is autocast
    with pytest.warns(UserWarning, match="not available"):
        scaler = Older()
    assert not scaler.is_enabled()
    with pytest.warns(UserWarning, match="not available"):
        switch = autocast()
    with switch:
        assert not flambeau.is_autocast_enabled("cuda")
