"""backward and grad: accumulation, options, errors, hooks, modes."""

import gc
import weakref

import flambeau as torch
import pytest


@pytest.fixture
def x():
    return torch.tensor([1.0, 2.0, 3.0], requires_grad=True)


def ones():
    return torch.ones(3)


def test_accumulates(x):
    (x * x).backward(ones())
    (x * x).backward(ones())
    assert x.grad.tolist() == [4, 8, 12]


def test_scalar_needs_no_gradient(x):
    (x * x).sum().backward()
    assert x.grad.tolist() == [2, 4, 6]


@pytest.mark.parametrize(
    "call",
    [
        lambda x: (x * 2).backward(),
        lambda x: torch.ones(1).backward(),
        lambda x: (x * 2).backward(torch.ones(2)),
        lambda x: torch.autograd.grad(x * 2, torch.ones(3, requires_grad=True), ones()),
        lambda x: torch.autograd.grad(x * 2, torch.ones(3), ones()),
        lambda x: torch.autograd.backward(x * 2, ones(), inputs=[]),
    ],
)
def test_errors(x, call):
    with pytest.raises(RuntimeError):
        call(x)


def test_second_backward_needs_retain_graph(x):
    y = x * x
    y.backward(ones(), retain_graph=True)
    y.backward(ones())
    with pytest.raises(RuntimeError, match="second time"):
        y.backward(ones())


def test_grad_options(x):
    unused = torch.ones(2, requires_grad=True)
    g, none = torch.autograd.grad(x * x, (x, unused), ones(), allow_unused=True)
    assert g.tolist() == [2, 4, 6]
    assert none is None
    _, zeros = torch.autograd.grad(x * x, (x, unused), ones(), materialize_grads=True)
    assert zeros.tolist() == [0, 0]
    assert x.grad is None
    with pytest.raises(ValueError):
        torch.autograd.grad(x, x, ones(), allow_unused=False, materialize_grads=True)


def test_second_derivative(x):
    (g,) = torch.autograd.grad(x * x * x, x, ones(), create_graph=True)
    (gg,) = torch.autograd.grad(g, x, ones())
    assert gg.tolist() == [6, 12, 18]


def test_batched(x):
    (rows,) = torch.autograd.grad(x * x, x, torch.eye(3), is_grads_batched=True)
    assert rows.tolist() == [[2, 0, 0], [0, 4, 0], [0, 0, 6]]


def test_backward_inputs(x):
    y = torch.ones(3, requires_grad=True)
    (x * y).backward(ones(), inputs=[x])
    assert x.grad.tolist() == [1, 1, 1]
    assert y.grad is None


def test_hooks(x):
    seen = []
    handle = x.register_hook(lambda g: seen.append(g.tolist()))
    replace = x.register_hook(lambda g: g * 10)
    (x * 1).backward(ones())
    assert seen == [[1, 1, 1]]
    assert x.grad.tolist() == [10, 10, 10]
    handle.remove()
    replace.remove()
    (x * 1).backward(ones())
    assert len(seen) == 1
    assert x.grad.tolist() == [11, 11, 11]


def test_hook_on_result_and_retain_grad(x):
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 3)
    (y * 1).backward(ones())
    assert y.grad.tolist() == [3, 3, 3]
    assert x.grad.tolist() == [6, 6, 6]
    assert y.retains_grad


def test_post_accumulate_hook(x):
    seen = []
    x.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.tolist()))
    (x * 2).backward(ones())
    assert seen == [[2, 2, 2]]
    with pytest.raises(RuntimeError):
        (x * 2).register_post_accumulate_grad_hook(print)


def test_node_hooks(x):
    y = x * 2
    before, after = [], []
    y.grad_fn.register_prehook(lambda grads: before.append(grads[0].tolist()))
    y.grad_fn.register_hook(lambda gi, go: after.append((len(gi), go[0].tolist())))
    y.backward(ones())
    assert before == [[1, 1, 1]]
    assert after[0][1] == [1, 1, 1]


def test_hook_errors_come_through(x):
    def bad(grad):
        raise KeyError("mine")

    x.register_hook(bad)
    with pytest.raises(KeyError, match="mine"):
        (x * 2).backward(ones())
    with pytest.raises(RuntimeError):
        torch.ones(1).register_hook(print)


def test_nodes(x):
    y = x * 2
    assert y.grad_fn.name() == "MulBackward0"
    assert type(y.grad_fn).__name__ == "MulBackward0"
    leaf = y.grad_fn.next_functions[0][0]
    assert leaf.name() == "AccumulateGrad"
    assert leaf.variable is x
    assert y.grad_fn is y.grad_fn
    y.grad_fn.metadata["k"] = 1
    assert y.grad_fn.metadata == {"k": 1}


def test_in_place_errors(x):
    with pytest.raises(RuntimeError, match="leaf"):
        x.add_(1)
    y = x * 2
    z = y * y
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward(ones())


def test_graph_is_freed():
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    ref = weakref.ref(y.grad_fn)
    del y
    gc.collect()
    assert ref() is None


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_modes(x, mode):
    with mode():
        assert not torch.is_grad_enabled()
        y = x * 2
        with torch.enable_grad():
            assert torch.is_grad_enabled()
        assert not torch.is_grad_enabled()
    assert not y.requires_grad
    assert y.is_inference() is (mode is torch.inference_mode)
    assert torch.is_grad_enabled()


def test_modes_as_decorators(x):
    @torch.no_grad()
    def f():
        return torch.is_grad_enabled()

    @torch.no_grad
    def g():
        return torch.is_grad_enabled()

    @torch.no_grad()
    def numbers():
        got = yield torch.is_grad_enabled()
        yield got, torch.is_grad_enabled()

    assert f() is False
    assert g() is False
    it = numbers()
    assert next(it) is False
    assert torch.is_grad_enabled()
    assert it.send(5) == (5, False)
    with pytest.raises(ValueError), torch.no_grad():
        raise ValueError
    assert torch.is_grad_enabled()


def test_set_grad_enabled():
    torch.set_grad_enabled(False)
    try:
        assert not torch.is_grad_enabled()
        with torch.set_grad_enabled(True):
            assert torch.is_grad_enabled()
        assert not torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)
    with torch.set_grad_enabled(False):
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()


def test_saved_tensor_hooks(x):
    log = []

    def pack(t):
        log.append("pack")
        return t.detach().clone()

    def unpack(t):
        log.append("unpack")
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        y = x * x
    y.backward(ones())
    assert "pack" in log and "unpack" in log
    assert x.grad.tolist() == [2, 4, 6]


def test_multi_grad_hook(x):
    y = torch.ones(3, requires_grad=True)
    got = []
    handle = torch.autograd.graph.register_multi_grad_hook(
        (x, y), lambda grads: got.append([g.tolist() for g in grads])
    )
    (x * y).backward(ones())
    assert got == [[[1, 1, 1], [1, 2, 3]]]
    handle.remove()


def test_anomaly(x):
    warned = pytest.warns(UserWarning, match="forward")
    raised = pytest.raises(RuntimeError, match="nan")
    with torch.autograd.detect_anomaly(), warned, raised:
        (x * float("nan")).backward(ones())


@pytest.mark.parametrize(
    "op",
    [
        torch.relu,
        torch.nn.functional.leaky_relu,
        torch.nn.functional.hardtanh,
        lambda x: torch.nn.functional.max_pool1d(x[None], 2, 1),
        lambda x: torch.nn.functional.avg_pool1d(x[None], 2, 1),
        lambda x: torch.nn.functional.adaptive_avg_pool1d(x[None], 2),
        lambda x: torch.nn.functional.adaptive_max_pool1d(x[None], 2),
        lambda x: torch.nn.functional.nll_loss(x, torch.tensor(1)),
    ],
)
def test_second_derivative_of_piecewise_linear_ops_is_zero(x, op):
    y = op(x)
    (g,) = torch.autograd.grad(y, x, torch.ones_like(y), create_graph=True)
    (gg,) = torch.autograd.grad(g.sum(), x)
    assert gg.tolist() == [0, 0, 0]


def test_a_pool_as_a_part_of_a_second_derivative():
    """d/dx of |d/dx sum(pool(x²))|², worked out by hand: each x is in one window."""
    x = torch.tensor([[1.0, 2.0, 3.0, 5.0]], requires_grad=True)
    y = torch.nn.functional.avg_pool1d(x * x, 2)  # its gradient: x
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    assert g.tolist() == [[1, 2, 3, 5]]
    (g * g).sum().backward()
    assert x.grad.tolist() == [[2, 4, 6, 10]]


def test_nextafter():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = torch.tensor([1.0, 5.0], requires_grad=True)
    torch.nextafter(x, y).sum().backward()
    assert x.grad.tolist() == [0, 1]  # PyTorch's: 0 where the two are equal
    assert y.grad.tolist() == [0, 0]


def test_largest_of_complex_numbers():
    x = torch.tensor([0.3 + 0.4j, 1.7 - 2.9j, 0j], requires_grad=True)
    torch.linalg.vector_norm(x, float("inf")).backward()
    size = abs(1.7 - 2.9j)
    want = torch.tensor([0j, (1.7 - 2.9j) / size, 0j])
    assert torch.allclose(x.grad, want)


@pytest.mark.parametrize("through_grad", [False, True])
def test_gradient_through_a_view_whose_base_was_written(through_grad):
    def gradient(loss, x):
        if through_grad:
            return torch.autograd.grad(loss, x)[0].tolist()
        loss.backward()
        return x.grad.tolist()

    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 1
    view = y.view(3, 1)
    y.mul_(2)
    assert gradient((view * view).sum(), x) == [8, 16, 24]  # d (2 x)²

    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 1
    part, rest = y[:2], y.expand(2, 3)
    part.mul_(3)  # and now by way of another view
    assert gradient((rest * torch.tensor([1.0, 10.0, 100.0])).sum(), x) == [6, 60, 200]
