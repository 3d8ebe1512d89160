"""How calls read their arguments, and what they say when these do not fit."""

import inspect

import flambeau as torch
import numpy as np
import pytest


@pytest.fixture
def a():
    return torch.arange(6.0).view(2, 3)


def same(x, y):
    return x.shape == y.shape and x.tolist() == y.tolist()


def test_ints_may_be_spread(a):
    assert a.view(3, 2).shape == a.view((3, 2)).shape == a.view([3, 2]).shape
    assert a.permute(1, 0).shape == (3, 2)
    assert (
        torch.zeros(2, 3).shape
        == torch.zeros((2, 3)).shape
        == torch.zeros([2, 3]).shape
    )
    assert torch.zeros(size=(2,)).shape == (2,)
    assert torch.zeros(torch.tensor(2), np.int64(3)).shape == (2, 3)
    assert a.view(a.size(0), -1).shape == (2, 3)
    assert torch.ones(()).shape == ()


def test_names_of_functions_and_of_numpy(a):
    assert same(torch.sum(input=a, dim=1), a.sum(1))
    assert same(a.sum(axis=1, keepdims=True), a.sum(1, True))
    assert same(torch.add(a, other=a), a + a)
    assert same(torch.add(a, a, alpha=2), a + 2 * a)


def test_numbers_of_all_kinds(a):
    assert same(a + np.float32(1), a + 1)
    assert same(a * np.int64(2), a * 2)
    assert same(a * True, a)
    assert (a + 1j).dtype is torch.complex64
    assert same(torch.full((2,), torch.tensor(3.0)), torch.full((2,), 3.0))
    assert a.sum(torch.tensor(1)).shape == (2,)


def test_dtypes_by_python_types():
    assert torch.zeros(1, dtype=float).dtype is torch.float64
    assert torch.zeros(1, dtype=int).dtype is torch.int64
    assert torch.zeros(1, dtype=bool).dtype is torch.bool


def test_out(a):
    o = torch.empty(2, 3)
    assert torch.add(a, a, out=o) is o
    assert same(o, a + a)
    values, indices = torch.empty(2), torch.empty(2, dtype=torch.int64)
    got = torch.max(a, 1, out=(values, indices))
    assert got.values is values
    assert indices.tolist() == [2, 2]


def test_out_over_the_memory_of_an_operand_of_another_dtype():
    x = torch.arange(8.0)
    first_bytes = x.view(torch.uint8)[:8].view(torch.bool)
    with pytest.raises(RuntimeError, match="refer to a single memory location"):
        torch.eq(x, torch.ones(8), out=first_bytes)
    assert x.tolist() == list(range(8))


def square(dtype=torch.float32):
    return torch.arange(9).reshape(3, 3).to(dtype)


FIRST = torch.tensor([0, 1, 2])
OVER_AN_OPERAND = {
    "cat": lambda x: torch.cat([x[:1], x[1:]], out=x),
    "stack": lambda x: torch.stack([x[0], x[2]], out=x[:2]),
    "gather": lambda x: torch.gather(x, 1, square(torch.int64) % 3, out=x),
    "take": lambda x: torch.take(x, FIRST, out=x[0]),
    "masked_select": lambda x: torch.masked_select(x[0], x[0] > 0, out=x[0]),
    "the mask": lambda x: torch.masked_select(x > 9, y := x > 9, out=y),
    "index_select": lambda x: torch.index_select(x, 0, FIRST, out=x),
    "scatter": lambda x: torch.scatter(x, 1, square(torch.int64) % 3, x + 1, out=x[:2]),
    "index_add": lambda x: torch.index_add(x + 0, 0, FIRST, x, out=x),
    "kthvalue": lambda x: torch.kthvalue(
        x[0], 1, out=(x[0], torch.empty((), dtype=torch.int64))
    ),
}


@pytest.mark.parametrize("call", OVER_AN_OPERAND.values(), ids=OVER_AN_OPERAND)
def test_out_over_the_memory_of_an_operand(call):
    x = square()
    with pytest.raises(RuntimeError, match="refer to a single memory location"):
        call(x)
    assert same(x, square())


def test_out_over_the_memory_of_an_operand_that_may_be():
    x, index = square(), torch.zeros(3, 3, dtype=torch.int64)
    # What scatter writes over is what it starts from.
    assert torch.scatter(x, 1, index, 7.0, out=x) is x
    assert x[:, 0].tolist() == [7, 7, 7]
    # Parts of one storage that have no element in common.
    x = square()
    torch.cat([x[:1], x[:1]], out=x[1:])
    assert x.tolist() == [[0, 1, 2]] * 3
    # An operand without elements has no memory.
    torch.cat([x[:0], torch.ones(1, 3)], out=x[:1])
    assert x[0].tolist() == [1, 1, 1]
    x = square()
    torch.cumsum(x, 1, out=x)
    assert x[:, 2].tolist() == [3, 12, 21]


OF_ANOTHER_DTYPE = {
    "gather": lambda x, o: torch.gather(x, 1, square(torch.int64) % 3, out=o),
    "index_select": lambda x, o: torch.index_select(x, 0, FIRST, out=o),
    "take": lambda x, o: torch.take(x, FIRST, out=o),
    "mm": lambda x, o: torch.mm(x, x, out=o),
    "addmm": lambda x, o: torch.addmm(x, x, x, out=o),
    "softmax": lambda x, o: torch.softmax(x, 0, out=o),
    "amax": lambda x, o: torch.amax(x, 0, out=o),
    "aminmax": lambda x, o: torch.aminmax(x, dim=0, out=(torch.empty(3), o)),
    "sort": lambda x, o: torch.sort(x, out=(o, torch.empty(0, dtype=torch.int64))),
    "max": lambda x, o: torch.max(x, 0, out=(o, torch.empty(0, dtype=torch.int64))),
    "floor": lambda x, o: torch.floor(x, out=o),
    "where": lambda x, o: torch.where(x > 1, x, x, out=o),
    "gelu": lambda x, o: torch.nn.functional.gelu(x, out=o),
    "tril": lambda x, o: torch.tril(x, out=o),
}


@pytest.mark.parametrize("call", OF_ANOTHER_DTYPE.values(), ids=OF_ANOTHER_DTYPE)
def test_out_of_another_dtype(call):
    out = torch.full((3, 3), 5.0, dtype=torch.float64)
    with pytest.raises(RuntimeError, match="Expected out tensor to have dtype Float"):
        call(square(), out)
    assert same(out, torch.full((3, 3), 5.0, dtype=torch.float64))


def test_out_of_another_dtype_to_which_is_cast(a):
    for call in (
        lambda o: torch.add(a, a, out=o),
        lambda o: torch.sum(a, 0, out=o),
        lambda o: torch.cat([a, a], out=o),
        lambda o: torch.exp(a, out=o),
    ):
        out = torch.empty(0, dtype=torch.float64)
        assert call(out) is out
        assert out.numel()
    with pytest.raises(RuntimeError, match="can't be cast"):
        torch.cat([a, a], out=torch.empty(0, dtype=torch.int64))


def test_addbmm_of_integers_by_numbers_that_are_not():
    x = torch.ones(2, 2, dtype=torch.int32)
    got = torch.addbmm(x, x.expand(3, 2, 2), x.expand(3, 2, 2), beta=1.6, alpha=2.2)
    assert got.dtype is torch.int32
    assert got.tolist() == [[13, 13]] * 2  # 1·1 + 2·6, as PyTorch has it


def test_float_power_in_place_needs_doubles():
    x = torch.tensor([2.0, 3.0])
    with pytest.raises(RuntimeError, match="dtype"):
        x.float_power_(2)
    assert x.double().float_power_(2).tolist() == [4, 9]


@pytest.mark.parametrize("name", ["logical_and", "logical_or", "logical_xor", "fmod"])
def test_tensors_where_no_number_will_do(name):
    x = torch.tensor([1, 0, 2])
    with pytest.raises(TypeError, match="must be Tensor, not int"):
        getattr(torch, name)(2, x)


@pytest.mark.parametrize(
    ("operand", "number", "dtype"),
    [
        (torch.int32, 2, torch.int32),
        (torch.int32, 2.5, torch.float32),
        (torch.bool, 2, torch.int64),
        (torch.uint8, True, torch.uint8),
        (torch.float64, 2.5, torch.float64),
        (torch.float16, 2, torch.float16),
        (torch.float32, 2j, torch.complex64),
    ],
)
def test_dtype_of_a_tensor_and_a_number(operand, number, dtype):
    x = torch.tensor([1, 1]).to(operand)
    for got in (x + number, number + x, torch.where(x == 1, x, number)):
        assert got.dtype is dtype
    assert (x + number).tolist() == [1 + number] * 2
    assert torch.where(x == 0, x, number).tolist() == [number] * 2


def test_named_tuples(a):
    r = a.max(1)
    values, indices = r
    assert r.values is values
    assert r.indices is indices
    assert type(r).__name__ == "max"
    assert isinstance(r, tuple)
    assert isinstance(r, torch.return_types.max)


def test_in_place_forms(a):
    b = a.clone()
    assert b.add_(1) is b
    assert same(b, a + 1)
    b += 1
    assert same(b, a + 2)
    assert torch.relu_(b) is b


def test_reflected_operators(a):
    a = a + 1
    assert same(1 - a, -(a - 1))
    assert (2 / a)[0, 0].item() == 2
    assert (2**a)[0, 0].item() == 2
    assert (7 // a).shape == a.shape
    assert (7 % a)[1, 0].item() == 3
    assert same(~torch.tensor([True]), torch.tensor([False]))
    assert same(abs(-a), a)
    assert same(+a, a)
    assert (torch.tensor([1]) << 2).item() == 4


def test_comparisons_with_strangers(a):
    assert (a == None) is False  # noqa: E711
    assert (a != "x") is True
    with pytest.raises(TypeError):
        a < "x"  # noqa: B015
    with pytest.raises(TypeError):
        a + "x"
    with pytest.raises(TypeError):
        a @ 2


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda a: a.add("x"), ["add()", "'other'", "str", "Tensor or Number"]),
        (lambda a: a.view("x"), ["view", "str"]),
        (lambda a: torch.relu(), ["relu()", "missing", "'self'"]),
        (lambda a: torch.relu(a, 1), ["relu()"]),
        (lambda a: torch.relu(a, nope=1), ["relu()", "nope"]),
        (lambda a: torch.relu(3), ["relu()", "Tensor", "int"]),
        (lambda a: a.sum(1, 2), ["sum()", "expected one of"]),
        (lambda a: a.sum(0, dim=1), ["sum()"]),
        (lambda a: torch.zeros("a"), ["zeros"]),
        (lambda a: torch.zeros(1.5), ["zeros"]),
        (lambda a: torch.zeros(1, dtype="float"), ["dtype", "str"]),
        (lambda a: torch.cat([1, 2]), ["cat", "list of int"]),
        (lambda a: torch.Tensor.add(1, 2), ["add"]),
    ],
)
def test_type_errors_name_things(a, call, words):
    with pytest.raises(TypeError) as e:
        call(a)
    for word in words:
        assert word in str(e.value)


def test_runtime_errors(a):
    with pytest.raises(RuntimeError, match="Invalid device string"):
        torch.zeros(1, device="c p u")
    with pytest.raises(RuntimeError, match="negative dimension"):
        torch.zeros(-1)
    with pytest.raises(RuntimeError):
        a + torch.ones(4)
    with pytest.raises(IndexError):
        a.sum(2)
    with pytest.raises(AttributeError, match="not built yet"):
        torch.no_such_function  # noqa: B018


def test_factory_keywords():
    t = torch.zeros(
        2,
        dtype=torch.float64,
        layout=torch.strided,
        device="cpu",
        requires_grad=True,
        pin_memory=False,
    )
    assert t.requires_grad
    with pytest.raises(RuntimeError):
        torch.zeros(1, dtype=torch.int64, requires_grad=True)


def test_memory_formats():
    x = torch.arange(24.0).view(1, 2, 3, 4)
    y = x.contiguous(memory_format=torch.channels_last)
    assert y.stride() == (24, 1, 8, 2)
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert not y.is_contiguous()
    assert y.tolist() == x.tolist()
    assert x.to(memory_format=torch.channels_last).stride() == y.stride()
    with pytest.raises(RuntimeError):
        torch.ones(2).contiguous(memory_format=torch.channels_last)


def test_introspection():
    assert torch.add.__name__ == "add"
    assert torch.Tensor.add.__qualname__ == "Tensor.add"
    assert "add(" in torch.add.__doc__
    assert "other" in inspect.signature(torch.add).parameters
    assert "torch" not in repr(torch.add)


def test_devices():
    d = torch.device("cuda:1")
    assert (d.type, d.index) == ("cuda", 1)
    assert torch.device("cuda", 1) == d
    assert torch.device(type="cpu") == torch.device("cpu")
    assert str(d) == "cuda:1"
    assert repr(torch.device("cpu")) == "device(type='cpu')"
    assert len({torch.device("cpu"), torch.device("cpu")}) == 1
    assert torch.ones(1).device == torch.device("cpu")
    with torch.device("meta"):
        assert torch.ones(1).is_meta
    assert not torch.ones(1).is_meta
    for bad in ("", "cpu:", "cpu:-1", "CPU"):
        with pytest.raises(RuntimeError):
            torch.device(bad)


def test_type_info():
    assert torch.finfo(torch.float32).eps == 2**-23
    assert torch.finfo().max == torch.finfo(torch.float32).max
    assert torch.finfo(torch.float16).tiny == 2**-14
    assert torch.iinfo(torch.int8).min == -128
    assert torch.iinfo(torch.uint8).max == 255
    for bad in (torch.int8, torch.bool):
        with pytest.raises(TypeError):
            torch.finfo(bad)
    with pytest.raises(TypeError):
        torch.iinfo(torch.float32)
    for dtype, resolution in (
        (torch.float16, 1e-3),
        (torch.bfloat16, 1e-2),
        (torch.float32, 1e-6),
        (torch.float64, 1e-15),
    ):
        assert torch.finfo(dtype).resolution == pytest.approx(resolution)


def test_generators():
    g = torch.Generator().manual_seed(7)
    first = torch.rand(4, generator=g)
    state = g.get_state()
    second = torch.rand(4, generator=g)
    assert first.tolist() != second.tolist()
    g.set_state(state)
    assert torch.rand(4, generator=g).tolist() == second.tolist()
    torch.manual_seed(3)
    x = torch.randn(3)
    torch.manual_seed(3)
    assert torch.randn(3).tolist() == x.tolist()
    with torch.random.fork_rng():
        torch.randn(3)
    assert torch.initial_seed() == 3
