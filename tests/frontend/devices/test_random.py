"""One seed means the same numbers on every device; generators and states on each."""

from __future__ import annotations

import copy
import pickle

import flambeau
import pytest
from flambeau import _C

HOST = _C._host_device_type
DRAWS = {
    "rand": lambda d, g=None: flambeau.rand(1000, device=d, generator=g),
    "randint": lambda d, g=None: flambeau.randint(100, (1000,), device=d, generator=g),
    "randperm": lambda d, g=None: flambeau.randperm(100, device=d, generator=g),
    "bernoulli_": lambda d, g=None: flambeau.empty(100, device=d).bernoulli_(
        0.3, generator=g
    ),
    "uniform_": lambda d, g=None: flambeau.empty(33, device=d).uniform_(
        -1, 2, generator=g
    ),
}


@pytest.mark.parametrize("name", DRAWS)
def test_same_bits_on_every_device(device, name):
    draw = DRAWS[name]
    flambeau.manual_seed(12)
    expected = draw(HOST)
    next_one = flambeau.rand(3)
    flambeau.manual_seed(12)
    got = draw(device)
    assert str(got.device).startswith(device)
    assert flambeau.equal(got.cpu(), expected.cpu())
    # As many draws were taken, so that what follows is the same too.
    assert flambeau.equal(flambeau.rand(3), next_one)


@pytest.mark.parametrize("name", DRAWS)
def test_generator(device, name):
    g = flambeau.Generator(device=device)
    assert g.device == flambeau.ones(1, device=device).device
    g.manual_seed(7)
    expected = DRAWS[name](HOST, flambeau.Generator().manual_seed(7))
    assert flambeau.equal(DRAWS[name](device, g).cpu(), expected)
    state = g.get_state()
    assert state.is_cpu and state.dtype == flambeau.uint8
    one = DRAWS[name](device, g)
    g.set_state(state)
    assert flambeau.equal(one, DRAWS[name](device, g))
    assert g.clone_state().device == g.device
    g.set_state(state.to(device))
    assert flambeau.equal(one, DRAWS[name](device, g))


def test_generator_copied_and_pickled(device):
    g = flambeau.Generator(device=device).manual_seed(2**64 - 5)
    flambeau.rand(3, generator=g, device=device)
    for new in (pickle.loads(pickle.dumps(g)), copy.deepcopy(g)):
        assert new.device == g.device and new.initial_seed() == 2**64 - 5
        assert flambeau.equal(new.get_state(), g.get_state())
        state = g.get_state()
        expected = flambeau.rand(3, generator=g, device=device)
        assert flambeau.equal(flambeau.rand(3, generator=new, device=device), expected)
        g.set_state(state)


def test_generator_of_no_device():
    with pytest.raises(RuntimeError, match="device 'nosuch' needs a backend"):
        flambeau.Generator(device="nosuch")


def test_normals_agree(device):
    flambeau.manual_seed(3)
    expected = flambeau.randn(1000, dtype=flambeau.float64)
    flambeau.manual_seed(3)
    got = flambeau.randn(1000, dtype=flambeau.float64, device=device).cpu()
    flambeau.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)


def test_module_states(device):
    module = flambeau.get_device_module(device)
    module.manual_seed(21)
    assert module.initial_seed() == 21
    state = module.get_rng_state()
    a = flambeau.rand(4, device=device)
    module.set_rng_state(state, device)
    assert flambeau.equal(a, flambeau.rand(4, device=device))
    states = module.get_rng_state_all()
    assert len(states) == module.device_count()
    b = flambeau.rand(4, device=device)
    module.set_rng_state_all(states)
    assert flambeau.equal(b, flambeau.rand(4, device=device))
    module.manual_seed_all(21)
    assert flambeau.equal(a, flambeau.rand(4, device=device))
    module.seed()
    assert module.initial_seed() != 21


def test_fork_rng(device):
    flambeau.manual_seed(1)
    with flambeau.random.fork_rng(device_type=device):
        first = flambeau.rand(3, device=device)
    with flambeau.random.fork_rng(devices=[], device_type=device):
        again = flambeau.rand(3, device=device)
    assert flambeau.equal(first, again)
    with flambeau.random.fork_rng(enabled=False):
        flambeau.rand(3)
    assert not flambeau.equal(flambeau.rand(3), first.cpu())


def test_fork_rng_as_a_decorator():
    @flambeau.random.fork_rng()
    def draw(n):
        """Draws."""
        return flambeau.rand(n)

    flambeau.manual_seed(2)
    first = draw(4)
    assert flambeau.equal(first, draw(4)) and draw.__doc__ == "Draws."


def test_fork_rng_of_no_device():
    with pytest.raises(RuntimeError, match="nosuch"):
        flambeau.random.fork_rng(device_type="nosuch")
    with flambeau.random.fork_rng(device_type="meta"):
        pass
    with flambeau.random.fork_rng(device_type="cuda"):  # known, if not here
        pass


def test_dropout_is_the_same(device):
    x = flambeau.ones(200)
    flambeau.manual_seed(4)
    expected = flambeau.nn.functional.dropout(x, 0.4)
    flambeau.manual_seed(4)
    got = flambeau.nn.functional.dropout(x.to(device), 0.4)
    assert flambeau.equal(got.cpu(), expected)


def test_initial_parameters_are_the_same(device):
    flambeau.manual_seed(8)
    expected = flambeau.nn.Linear(5, 4)
    flambeau.manual_seed(8)
    got = flambeau.nn.Linear(5, 4, device=device)
    for a, b in zip(got.parameters(), expected.parameters(), strict=True):
        assert flambeau.equal(a.cpu(), b)


def test_copied_modules_stay(device):
    model = flambeau.nn.Linear(2, 2, device=device)
    other = copy.deepcopy(model)
    assert other.weight.device == model.weight.device
    assert flambeau.equal(other.weight, model.weight)
    assert other.weight is not model.weight
