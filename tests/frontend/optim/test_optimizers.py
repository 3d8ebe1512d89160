"""Every optimizer against PyTorch, option by option, where PyTorch is installed."""

import copy
import math
import pickle

import flambeau
import pytest
from flambeau import optim

CASES = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5, "maximize": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("Adam", {}),
    ("Adam", {"weight_decay": 0.1, "amsgrad": True}),
    ("Adam", {"maximize": True, "betas": (0.8, 0.99), "eps": 1e-3}),
    ("Adam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("AdamW", {"weight_decay": 0.1}),
    ("AdamW", {"amsgrad": True, "foreach": True}),
    ("AdamW", {"fused": True}),
    ("Adadelta", {"lr": 0.5, "weight_decay": 0.1}),
    ("Adadelta", {"maximize": True}),
    ("Adagrad", {"lr_decay": 0.1, "weight_decay": 0.1}),
    ("Adagrad", {"initial_accumulator_value": 0.5, "maximize": True}),
    ("Adamax", {"weight_decay": 0.1}),
    ("NAdam", {"weight_decay": 0.1}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"weight_decay": 0.1, "betas": (0.9, 0.9)}),
    ("RMSprop", {"weight_decay": 0.1}),
    ("RMSprop", {"centered": True, "momentum": 0.9, "maximize": True}),
    ("Rprop", {}),
    ("ASGD", {"t0": 2, "lambd": 0.1, "weight_decay": 0.1}),
    ("Adafactor", {"weight_decay": 0.1}),
    ("Muon", {"adjust_lr_fn": "match_rms_adamw"}),
    ("Muon", {"nesterov": False}),
]
STEPS = 8


def values(shape, seed):
    """Numbers without a pattern, the same on every framework."""
    n = math.prod(shape)
    return [math.sin(12.9898 * (i + 1) + 78.233 * (seed + 1)) for i in range(n)]


def start(framework, dtype, name, shapes):
    kind = getattr(framework, dtype)
    return [
        framework.nn.Parameter(
            framework.tensor(values(shape, i), dtype=kind).reshape(shape)
        )
        for i, shape in enumerate(shapes)
    ]


def set_grads(framework, params, step):
    for i, p in enumerate(params):
        grad = framework.tensor(values(tuple(p.shape), 10 * step + i), dtype=p.dtype)
        p.grad = grad.reshape(tuple(p.shape))


def run(framework, name, options, dtype="float64", shapes=None):
    """Parameters after each step, and the optimizer."""
    shapes = shapes or ([(3, 4)] if name == "Muon" else [(3, 4), (5,), ()])
    params = start(framework, dtype, name, shapes)
    opt = getattr(framework.optim, name)(params, **options)
    history = []
    for step in range(STEPS):
        set_grads(framework, params, step)
        opt.step()
        history.append([p.detach().reshape(-1).tolist() for p in params])
    return history, opt


@pytest.mark.parametrize(("name", "options"), CASES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_steps_equal_pytorchs(name, options, dtype):
    torch = pytest.importorskip("torch")
    ours, opt = run(flambeau, name, options, dtype)
    theirs, ref = run(torch, name, options, dtype)
    loose = name == "Muon"  # it computes in bfloat16
    tol = {"rel": 2e-2, "abs": 2e-2} if loose else {"rel": 2e-5, "abs": 1e-6}
    for got, want in zip(ours, theirs, strict=True):
        for g, w in zip(got, want, strict=True):
            assert g == pytest.approx(w, **tol)
    ours, theirs = opt.state_dict(), ref.state_dict()
    assert ours["param_groups"] == theirs["param_groups"]
    assert list(ours["param_groups"][0]) == list(theirs["param_groups"][0])
    assert ours["state"].keys() == theirs["state"].keys()
    for key, want in theirs["state"].items():
        got = ours["state"][key]
        assert got.keys() == want.keys()
        for entry in want:
            assert tuple(got[entry].shape) == tuple(want[entry].shape), entry
            assert (
                str(got[entry].dtype).split(".")[-1]
                == (str(want[entry].dtype).split(".")[-1])
            )
            assert got[entry].reshape(-1).tolist() == pytest.approx(
                want[entry].reshape(-1).tolist(), **tol
            )


def test_adam_by_hand():
    p = flambeau.nn.Parameter(flambeau.tensor([1.0], dtype=flambeau.float64))
    opt = optim.Adam([p], lr=0.5, betas=(0.5, 0.75), eps=0.0)
    p.grad = flambeau.tensor([2.0], dtype=flambeau.float64)
    opt.step()  # both means are unbiased, so the first step is lr * sign(g)
    assert p.item() == pytest.approx(0.5)
    p.grad = flambeau.tensor([-1.0], dtype=flambeau.float64)
    opt.step()  # m = 0.5 - 0.5, so the parameter rests
    assert p.item() == pytest.approx(0.5)
    state = opt.state[p]
    assert state["step"].item() == 2
    assert state["exp_avg"].item() == pytest.approx(0.0)
    assert state["exp_avg_sq"].item() == pytest.approx(0.75 * 1 + 0.25 * 1)


def test_sgd_momentum_by_hand():
    p = flambeau.nn.Parameter(flambeau.tensor([1.0]))
    opt = optim.SGD([p], lr=0.5, momentum=0.5)
    for want in (0.5, -0.25, -1.125):  # buffers 1, 1.5, 1.75
        p.grad = flambeau.tensor([1.0])
        opt.step()
        assert p.item() == pytest.approx(want)


def test_a_late_gradient_starts_its_own_momentum_and_count():
    a = flambeau.nn.Parameter(flambeau.tensor([1.0]))
    b = flambeau.nn.Parameter(flambeau.tensor([1.0]))
    sgd = optim.SGD([a, b], lr=0.5, momentum=0.5)
    a.grad = flambeau.tensor([1.0])
    sgd.step()
    assert b not in sgd.state or "momentum_buffer" not in sgd.state[b]
    b.grad = flambeau.tensor([1.0])
    sgd.step()
    assert a.item() == pytest.approx(-0.25)
    assert b.item() == pytest.approx(0.5)
    adam = optim.Adam([a, b])
    b.grad = None
    adam.step()
    b.grad = flambeau.tensor([1.0])
    adam.step()
    assert adam.state[a]["step"].item() == 2
    assert adam.state[b]["step"].item() == 1


def test_changes_between_steps_are_seen():
    p = flambeau.nn.Parameter(flambeau.zeros(2))
    opt = optim.SGD([p], lr=1.0, momentum=0.5)
    p.grad = flambeau.ones(2)
    opt.step()
    opt.state[p]["momentum_buffer"] = flambeau.zeros(2)
    opt.param_groups[0]["lr"] = 10.0
    opt.step()
    assert p.tolist() == [-11.0, -11.0]
    opt.state.clear()
    opt.step()
    assert p.tolist() == [-21.0, -21.0]
    q = flambeau.nn.Parameter(flambeau.zeros(1))
    opt.add_param_group({"params": q, "lr": 2.0})
    p.grad, q.grad = None, flambeau.ones(1)
    opt.step()
    assert q.tolist() == [-2.0]
    assert p.tolist() == [-21.0, -21.0]


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_tensor_lr(name):
    a, _ = run(flambeau, name, {"lr": 0.01})
    b, _ = run(flambeau, name, {"lr": flambeau.tensor(0.01, dtype=flambeau.float64)})
    for x, y in zip(a, b, strict=True):
        for g, w in zip(x, y, strict=True):
            assert g == pytest.approx(w)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_checkpoint_resumes_where_it_stopped(name, options):
    want, _ = run(flambeau, name, options)
    shapes = [(3, 4)] if name == "Muon" else [(3, 4), (5,), ()]
    params = start(flambeau, "float64", name, shapes)
    opt = getattr(optim, name)(params, **options)
    for step in range(STEPS):
        if step == 4:
            saved = copy.deepcopy(opt.state_dict())
            opt = getattr(optim, name)(params, **options)
            opt.load_state_dict(saved)
        set_grads(flambeau, params, step)
        opt.step()
    for p, w in zip(params, want[-1], strict=True):
        assert p.detach().reshape(-1).tolist() == pytest.approx(w, rel=1e-9, abs=1e-12)


def test_state_dict_goes_to_and_from_pytorch():
    torch = pytest.importorskip("torch")
    _, ours = run(flambeau, "Adam", {})
    _, theirs = run(torch, "Adam", {})

    def convert(value, framework):
        if isinstance(value, dict):
            return {k: convert(v, framework) for k, v in value.items()}
        if hasattr(value, "tolist"):
            name = str(value.dtype).split(".")[-1]
            return framework.tensor(value.tolist(), dtype=getattr(framework, name))
        return value

    theirs.load_state_dict(convert(ours.state_dict(), torch))
    ours.load_state_dict(convert(theirs.state_dict(), flambeau))
    assert ours.state[ours.param_groups[0]["params"][0]]["step"].item() == STEPS


def test_state_follows_the_parameters_dtype_but_steps_stay():
    p = flambeau.nn.Parameter(flambeau.ones(2, dtype=flambeau.float64))
    opt = optim.Adam([p])
    saved = {
        "state": {
            0: {
                "step": flambeau.tensor(3.0),
                "exp_avg": flambeau.ones(2),
                "exp_avg_sq": flambeau.ones(2),
            }
        },
        "param_groups": opt.state_dict()["param_groups"],
    }
    opt.load_state_dict(saved)
    assert opt.state[p]["exp_avg"].dtype == flambeau.float64
    assert opt.state[p]["step"].dtype == flambeau.float32
    saved["state"][0]["step"] = 3  # as old checkpoints have it
    opt.load_state_dict(saved)
    assert isinstance(opt.state[p]["step"], flambeau.Tensor)
    p.grad = flambeau.ones(2, dtype=flambeau.float64)
    opt.step()
    assert opt.state[p]["step"].item() == 4


def test_lbfgs_finds_the_minimum_of_rosenbrocks_function():
    p = flambeau.nn.Parameter(flambeau.tensor([-1.2, 1.0], dtype=flambeau.float64))
    opt = optim.LBFGS(
        [p], max_iter=99, tolerance_change=0.0, line_search_fn="strong_wolfe"
    )

    def closure():
        opt.zero_grad()
        loss = (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2
        loss.backward()
        return loss

    first = opt.step(closure)
    assert first.item() == pytest.approx(24.2)
    assert p.tolist() == pytest.approx([1.0, 1.0], abs=1e-6)


def test_lbfgs_wants_one_group_a_closure_and_a_known_search():
    ps = [flambeau.nn.Parameter(flambeau.ones(1)) for _ in range(2)]
    with pytest.raises(ValueError, match="one parameter group"):
        optim.LBFGS([{"params": [p]} for p in ps])
    with pytest.raises(TypeError, match="closure"):
        optim.LBFGS(ps).step()
    opt = optim.LBFGS(ps, line_search_fn="golden")

    def closure():
        for p in ps:
            p.grad = p.detach().clone()
        return flambeau.tensor(1.0)

    with pytest.raises(RuntimeError, match="strong_wolfe"):
        opt.step(closure)


def test_differentiable_steps_carry_gradients_to_the_gradient():
    g = flambeau.tensor([2.0, 3.0], dtype=flambeau.float64, requires_grad=True)
    p = flambeau.zeros(2, dtype=flambeau.float64, requires_grad=True).clone()
    p.retain_grad()
    opt = optim.SGD([p], lr=0.5, differentiable=True)
    p.grad = g * g
    opt.step()
    p.sum().backward()
    assert g.grad.tolist() == [-2.0, -3.0]


def test_complex_parameters_are_pairs_of_real_ones():
    z = flambeau.nn.Parameter(
        flambeau.tensor([1 + 2j, -1 + 0.5j], dtype=flambeau.complex64)
    )
    r = flambeau.nn.Parameter(flambeau.tensor([[1.0, 2.0], [-1.0, 0.5]]))
    for name in ("Adam", "RMSprop", "Rprop", "Adagrad", "NAdam"):
        a, b = getattr(optim, name)([z]), getattr(optim, name)([r])
        for step in range(3):
            set_grads(flambeau, [r], step)
            z.grad = flambeau.view_as_complex(r.grad)
            a.step()
            b.step()
        got = flambeau.view_as_real(z.detach()).reshape(-1).tolist()
        want = r.detach().reshape(-1).tolist()
        assert got == pytest.approx(want, rel=1e-5, abs=1e-6), name


def test_pickle_and_deepcopy_keep_everything_but_hooks():
    p = flambeau.nn.Parameter(flambeau.ones(2))
    opt = optim.Adam([p], lr=0.5)
    p.grad = flambeau.ones(2)
    opt.step()
    opt.register_step_post_hook(lambda *_: None)
    for other in (copy.deepcopy(opt), pickle.loads(pickle.dumps(opt))):
        assert other.param_groups[0]["lr"] == 0.5
        (state,) = other.state.values()
        assert state["step"].item() == 1
        q = other.param_groups[0]["params"][0]
        q.grad = flambeau.ones(2)
        other.step()
        assert state["step"].item() == 2
    assert opt.state[p]["step"].item() == 1


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop"])
def test_layouts_of_parameters_and_gradients_do_not_matter(name):
    options = {"momentum": 0.9} if name == "SGD" else {}

    def last(arrange, arrange_grad):
        start = flambeau.tensor(values((2, 3, 4, 5), 0)).reshape(2, 3, 4, 5)
        p = flambeau.nn.Parameter(arrange(start))
        opt = getattr(optim, name)([p], lr=0.1, **options)
        for step in range(3):
            grad = flambeau.tensor(values((2, 3, 4, 1), step)).reshape(2, 3, 4, 1)
            p.grad = arrange_grad(grad.expand(2, 3, 4, 5))
            opt.step()
        return p.detach().contiguous().reshape(-1).tolist()

    def last_dim_first(t):
        return t.permute(3, 0, 1, 2).contiguous().permute(1, 2, 3, 0)

    want = last(lambda t: t, lambda g: g.contiguous())
    for arrange in (lambda t: t, last_dim_first):
        for arrange_grad in (lambda g: g, last_dim_first):
            assert last(arrange, arrange_grad) == pytest.approx(want, rel=1e-6)


def test_a_step_counts_as_a_change_in_place():
    p = flambeau.nn.Parameter(flambeau.ones(2))
    out = (p * p).sum()
    opt = optim.Adam([p])
    p.grad = flambeau.ones(2)
    opt.step()
    with pytest.raises(RuntimeError, match="in-?place"):
        out.backward()


@pytest.mark.parametrize("name", ["SGD", "AdamW", "Adagrad", "NAdam"])
def test_groups_of_several_dtypes(name):
    options = {"momentum": 0.9} if name == "SGD" else {}
    dtypes = ("float32", "float64", "bfloat16")

    def last(together):
        params = [p for d in dtypes for p in start(flambeau, d, name, [(3, 4), (5,)])]
        parts = [params] if together else [[p] for p in params]
        opts = [getattr(optim, name)(part, lr=0.1, **options) for part in parts]
        for step in range(3):
            set_grads(flambeau, params, step)
            for opt in opts:
                opt.step()
        return [p.detach().reshape(-1).tolist() for p in params]

    for got, want in zip(last(True), last(False), strict=True):
        assert got == pytest.approx(want)
