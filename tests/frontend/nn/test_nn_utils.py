"""Gradient clipping, vectors of parameters, weight norms, parametrizations, fusion."""

import copy

import flambeau
import pytest
from flambeau import nn
from flambeau.nn import init
from flambeau.nn.utils import parametrizations, parametrize


def with_grads(*values):
    params = []
    for value in values:
        p = nn.Parameter(flambeau.zeros(len(value)))
        p.grad = flambeau.tensor(value)
        params.append(p)
    return params


def test_clip_grad_norm():
    params = with_grads([3.0], [4.0])
    total = nn.utils.clip_grad_norm_(params, 1.0)
    assert float(total) == 5
    assert abs(float(params[0].grad) - 0.6) < 1e-5
    assert float(nn.utils.clip_grad_norm_(params, 10.0, float("inf"))) == pytest.approx(
        0.8, abs=1e-5
    )
    assert abs(float(params[1].grad) - 0.8) < 1e-5
    bad = with_grads([float("nan")])
    with pytest.raises(RuntimeError, match="non-finite"):
        nn.utils.clip_grad_norm_(bad, 1.0, error_if_nonfinite=True)
    assert float(nn.utils.get_total_norm([])) == 0


def test_clip_grad_value():
    params = with_grads([-3.0, 0.5, 2.0])
    nn.utils.clip_grad_value_(params, 1.0)
    assert params[0].grad.tolist() == [-1.0, 0.5, 1.0]


def test_parameters_to_vector_and_back():
    net = nn.Linear(2, 1)
    vector = nn.utils.parameters_to_vector(net.parameters())
    assert vector.shape == (3,)
    nn.utils.vector_to_parameters(flambeau.tensor([1.0, 2.0, 3.0]), net.parameters())
    assert net.weight.tolist() == [[1.0, 2.0]]
    assert net.bias.tolist() == [3.0]


def test_weight_norm_keeps_the_weight():
    net = nn.Linear(3, 2)
    x = flambeau.ones(1, 3)
    before, weight = net(x), net.weight.detach().clone()
    nn.utils.weight_norm(net)
    assert set(net.state_dict()) == {"bias", "weight_g", "weight_v"}
    assert flambeau.allclose(net(x), before, atol=1e-6)
    net(x).sum().backward()
    assert net.weight_g.grad.shape == (2, 1)
    with pytest.raises(RuntimeError, match="two weight_norm"):
        nn.utils.weight_norm(net)
    nn.utils.remove_weight_norm(net)
    assert flambeau.allclose(net.weight, weight, atol=1e-6)
    assert isinstance(net.weight, nn.Parameter)
    with pytest.raises(ValueError, match="not found"):
        nn.utils.remove_weight_norm(net)


def test_spectral_norm_finds_the_largest_singular_value():
    flambeau.manual_seed(0)
    net = nn.Linear(2, 2, bias=False)
    with flambeau.no_grad():
        net.weight.copy_(flambeau.tensor([[4.0, 0.0], [0.0, 1.0]]))
    nn.utils.spectral_norm(net, n_power_iterations=20)
    net(flambeau.ones(1, 2))
    want = flambeau.tensor([[1.0, 0.0], [0.0, 0.25]])
    assert flambeau.allclose(net.weight, want, atol=1e-4)
    assert "weight_orig" in net.state_dict()
    assert net.state_dict()._metadata[""]["spectral_norm"] == {"weight.version": 1}
    nn.utils.remove_spectral_norm(net)
    assert set(net.state_dict()) == {"weight"}
    other = parametrizations.spectral_norm(nn.Linear(2, 2, bias=False))
    with flambeau.no_grad():
        other.parametrizations.weight.original.copy_(want * 4)
    for _ in range(20):
        got = other.weight
    assert flambeau.allclose(got, want, atol=1e-3)


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).transpose(-1, -2)

    def right_inverse(self, x):
        return x.triu()


class Double(nn.Module):
    def forward(self, x):
        return x * 2

    def right_inverse(self, x):
        return x / 2


def test_parametrization():
    net = nn.Linear(3, 3)
    kind = type(net)
    parametrize.register_parametrization(net, "weight", Symmetric())
    assert flambeau.equal(net.weight, net.weight.t())
    assert parametrize.is_parametrized(net, "weight")
    assert not parametrize.is_parametrized(net, "bias")
    assert isinstance(net, kind)
    assert set(net.state_dict()) == {"bias", "parametrizations.weight.original"}
    before = net.weight.detach().clone()
    parametrize.register_parametrization(net, "weight", Double())
    assert flambeau.allclose(net.weight, before * 2)
    net.weight = before
    assert flambeau.allclose(net.weight, before)
    with parametrize.cached():
        assert net.weight is net.weight
    assert net.weight is not net.weight
    net(flambeau.ones(1, 3)).sum().backward()
    assert net.parametrizations.weight.original.grad is not None
    other = copy.deepcopy(net)
    assert flambeau.allclose(other.weight, net.weight)
    with flambeau.no_grad():
        other.parametrizations.weight.original.zero_()
    assert not flambeau.allclose(other.weight, net.weight)
    parametrize.remove_parametrizations(net, "weight")
    assert type(net) is kind
    assert isinstance(net.weight, nn.Parameter)
    assert flambeau.allclose(net.weight, before)


def test_parametrization_is_refused():
    net = nn.Linear(2, 2)

    class Wider(nn.Module):
        def forward(self, x):
            return flambeau.cat([x, x])

    with pytest.raises(ValueError, match="shape"):
        parametrize.register_parametrization(net, "weight", Wider())
    with pytest.raises(ValueError, match="does not have"):
        parametrize.register_parametrization(net, "nothing", Double())
    parametrize.register_parametrization(net, "weight", Wider(), unsafe=True)
    assert net.weight.shape == (4, 2)
    with pytest.raises(RuntimeError, match="state_dict"):
        net.__getstate__()


def test_weight_norm_parametrization_loads_the_older_form():
    old, new = nn.Linear(3, 2), nn.Linear(3, 2)
    nn.utils.weight_norm(old)
    parametrizations.weight_norm(new)
    new.load_state_dict(old.state_dict())
    old(flambeau.ones(1, 3))
    assert flambeau.allclose(old.weight, new.weight, atol=1e-6)


@pytest.mark.parametrize("orthogonal_map", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5)])
def test_orthogonal(orthogonal_map, shape):
    flambeau.manual_seed(0)
    net = nn.Linear(shape[1], shape[0], bias=False).double()
    parametrizations.orthogonal(net, orthogonal_map=orthogonal_map)
    small = min(shape)

    def gap(w):
        product = w.t() @ w if shape[0] >= shape[1] else w @ w.t()
        return float((product - flambeau.eye(small).double()).detach().abs().max())

    assert gap(net.weight) < 1e-8
    target = init.orthogonal_(flambeau.empty(shape, dtype=flambeau.float64))
    net.weight = target
    assert flambeau.allclose(net.weight, target, atol=1e-7)
    net(flambeau.ones(1, shape[1]).double()).sum().backward()
    with flambeau.no_grad():
        original = net.parametrizations.weight.original
        original.add_(original.grad, alpha=0.1)
    assert gap(net.weight) < 1e-8


def test_fusing_batch_norm():
    flambeau.manual_seed(0)
    conv, norm = nn.Conv1d(2, 3, 2), nn.BatchNorm1d(3)
    norm(conv(flambeau.randn(4, 2, 5)))
    conv.eval()
    norm.eval()
    x = flambeau.randn(2, 2, 5)
    fused = nn.utils.fuse_conv_bn_eval(conv, norm)
    assert flambeau.allclose(fused(x), norm(conv(x)), atol=1e-5)
    linear = nn.Linear(2, 3, bias=False).eval()
    y = flambeau.randn(4, 2)
    together = nn.utils.fuse_linear_bn_eval(linear, norm)
    assert flambeau.allclose(together(y), norm(linear(y)), atol=1e-5)
    with pytest.raises(AssertionError, match="eval"):
        nn.utils.fuse_conv_bn_eval(conv.train(), norm)


def test_functional_call():
    from flambeau.nn.utils.stateless import functional_call

    net = nn.Linear(2, 1)
    weight = net.weight
    new = {"weight": flambeau.ones(1, 2), "bias": flambeau.zeros(1)}
    assert functional_call(net, new, flambeau.ones(1, 2)).tolist() == [[2.0]]
    assert net.weight is weight
    with pytest.raises(RuntimeError, match="missing keys"):
        functional_call(net, {"bias": new["bias"]}, flambeau.ones(1, 2), strict=True)


def test_initializations():
    flambeau.manual_seed(0)
    w = flambeau.empty(64, 32)
    assert abs(float(init.kaiming_normal_(w).std()) - (2 / 32) ** 0.5) < 0.02
    assert float(init.xavier_uniform_(w).abs().max()) <= (6 / 96) ** 0.5
    assert init.calculate_gain("tanh") == 5 / 3
    q = init.orthogonal_(w.double(), gain=2)
    eye = flambeau.eye(32).double() * 4
    assert flambeau.allclose(q.t() @ q, eye, atol=1e-8)
    cut = init.trunc_normal_(flambeau.empty(10_000), std=2.0, a=-1, b=3)
    assert float(cut.min()) >= -1
    assert float(cut.max()) <= 3
    assert init.eye_(flambeau.empty(2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]
    delta = init.dirac_(flambeau.empty(2, 1, 3), groups=2)
    assert delta.tolist() == [[[0, 1, 0]], [[0, 1, 0]]]
    assert int((init.sparse_(flambeau.empty(10, 4), 0.3) == 0).sum()) == 12
    with pytest.raises(ValueError, match="fewer than 2"):
        init.xavier_normal_(flambeau.empty(3))
    with pytest.raises(ValueError, match="Unsupported nonlinearity"):
        init.calculate_gain("sine")
    with pytest.warns(FutureWarning, match="deprecated"):
        init.uniform(flambeau.empty(2))
    with pytest.warns(UserWarning, match="no-op"):
        init.kaiming_uniform_(flambeau.empty(0, 3))


def test_pruning():
    from flambeau.nn.utils import prune

    net = nn.Linear(3, 2, bias=False)
    with flambeau.no_grad():
        net.weight.copy_(flambeau.tensor([[1.0, -5.0, 3.0], [4.0, 2.0, 6.0]]))
    prune.l1_unstructured(net, "weight", amount=2)
    assert net.weight.tolist() == [[0, -5, 3], [4, 0, 6]]
    assert set(net.state_dict()) == {"weight_orig", "weight_mask"}
    prune.l1_unstructured(net, "weight", amount=0.25)
    assert net.weight.tolist() == [[0, -5, 0], [4, 0, 6]]
    assert prune.is_pruned(net)
    net(flambeau.ones(1, 3)).sum().backward()
    assert net.weight_orig.grad.tolist() == [[0, 1, 0], [1, 0, 1]]
    prune.ln_structured(net, "weight", amount=1, n=2, dim=0)
    assert net.weight.tolist() == [[0, 0, 0], [4, 0, 6]]
    prune.remove(net, "weight")
    assert not prune.is_pruned(net)
    assert isinstance(net.weight, nn.Parameter)
    assert net.weight.tolist() == [[0, 0, 0], [4, 0, 6]]
    other = nn.Linear(1, 1, bias=False)
    with flambeau.no_grad():
        other.weight.fill_(5)
    prune.global_unstructured(
        [(net, "weight"), (other, "weight")], prune.L1Unstructured, amount=5
    )
    assert net.weight.tolist() == [[0, 0, 0], [0, 0, 6]]
    assert other.weight.tolist() == [[5]]
    with pytest.raises(ValueError, match="range"):
        prune.random_unstructured(other, "weight", amount=1.5)
    with pytest.raises(ValueError, match="has to be pruned"):
        prune.remove(nn.Linear(1, 1), "weight")
