"""One Python object per tensor; attributes; copies; pickles; subclasses."""

import copy
import gc
import pickle
import weakref

import flambeau as torch
import pytest


class Marked(torch.Tensor):
    """A subclass with state."""


def test_same_object_comes_back():
    p = torch.ones(2, requires_grad=True)
    (p * 2).backward(torch.ones(2))
    assert p.grad is p.grad
    assert p.add_.__self__ is p
    with torch.no_grad():
        assert p.add_(1) is p


def test_object_with_state_outlives_its_last_reference():
    p = torch.Tensor._make_subclass(Marked, torch.ones(2), True)
    p.tag = "kept"
    y = p * 2
    del p
    gc.collect()
    found = y.grad_fn.next_functions[0][0].variable
    assert type(found) is Marked
    assert found.tag == "kept"
    ref = weakref.ref(found)
    del found
    gc.collect()
    assert ref() is not None
    del y
    gc.collect()
    assert ref() is None


def test_plain_objects_die_at_once():
    t = torch.ones(2)
    ref = weakref.ref(t)
    del t
    assert ref() is None


def test_attributes_and_cycles():
    t = torch.ones(2)
    t.note = {"self": t}
    ref = weakref.ref(t)
    del t
    gc.collect()
    assert ref() is None


def test_deepcopy():
    p = torch.ones(2, requires_grad=True)
    (p * 3).backward(torch.ones(2))
    p.note = [1]
    q = copy.deepcopy(p)
    assert q is not p
    assert q.requires_grad
    assert q.grad.tolist() == [3, 3]
    assert q.note == [1] and q.note is not p.note
    assert q.data_ptr() != p.data_ptr()
    with pytest.raises(RuntimeError, match="leaves"):
        copy.deepcopy(p * 2)
    m = torch.Tensor._make_subclass(Marked, torch.ones(1))
    assert type(copy.deepcopy(m)) is Marked


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.bfloat16, torch.bool, torch.complex64, torch.int8]
)
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_pickle(dtype, shape):
    t = torch.ones(shape, dtype=dtype)
    back = pickle.loads(pickle.dumps(t))
    assert back.dtype is dtype
    assert back.shape == t.shape
    assert bool((back == t).all())


def test_pickle_keeps_attributes():
    t = torch.ones(2, 3).t()
    t.note = "x"
    back = pickle.loads(pickle.dumps(t))
    assert back.note == "x"
    assert back.tolist() == t.tolist()
    p = torch.ones(1, requires_grad=True)
    assert pickle.loads(pickle.dumps(p)).requires_grad


@pytest.mark.parametrize(
    "thing",
    [
        torch.float32,
        torch.device("cpu"),
        torch.Size([2, 3]),
        torch.strided,
        torch.channels_last,
        torch.relu,
    ],
    ids=str,
)
def test_small_things_pickle(thing):
    assert pickle.loads(pickle.dumps(thing)) == thing
    assert copy.deepcopy(thing) == thing


def test_subclass_with_slots_and_finaliser():
    log = []

    class Slotted(torch.Tensor):
        __slots__ = ("extra",)

    class Final(torch.Tensor):
        def __del__(self):
            log.append("gone")

    s = Slotted([1.0])
    s.extra = 3
    assert s.extra == 3
    f = Final([1.0])
    assert isinstance(f, torch.Tensor)
    del f, s
    gc.collect()
    assert log == ["gone"]


def test_hash_is_identity():
    a, b = torch.ones(1), torch.ones(1)
    assert len({a, b}) == 2
    assert a in {a: 1}


def test_data_and_its_version():
    t = torch.ones(3, requires_grad=True)
    before = t._version
    t.data.add_(1)
    assert t._version == before
    t.data = torch.zeros(2)
    assert t.shape == (2,)
    assert t.requires_grad
    with pytest.raises(TypeError):
        t.data = 3


def test_grad_checks():
    t = torch.ones(3, requires_grad=True)
    for wrong in (torch.ones(2), torch.ones(3, dtype=torch.float64)):
        with pytest.raises(RuntimeError):
            t.grad = wrong
    with pytest.raises(TypeError):
        t.grad = 3
    t.grad = torch.ones(3)
    assert t.grad.tolist() == [1, 1, 1]
    t.grad = None
    assert t.grad is None


def test_views_know_their_base():
    t = torch.ones(4)
    assert t[1:]._base is t
    assert t[1:][1:]._base is t
    assert t._base is None


def test_to_is_itself_when_nothing_changes():
    t = torch.ones(2)
    assert t.to(torch.float32) is t
    assert t.to("cpu") is t
    assert t.to(torch.device("cpu")) is t
    assert t.float() is t
    assert t.cpu() is t
    assert t.contiguous() is t
    assert t.to(torch.float32, copy=True) is not t
    assert t.to(torch.ones(1, dtype=torch.int32)).dtype is torch.int32
    assert t.to(dtype=torch.float16).dtype is torch.float16
    assert t.type(torch.int64).dtype is torch.int64
    assert t.type("torch.DoubleTensor").dtype is torch.float64


def test_sizes():
    t = torch.ones(2, 3)
    assert isinstance(t.shape, torch.Size)
    assert t.shape == (2, 3)
    assert t.size(-1) == 3
    assert t.shape[:1] == torch.Size([2])
    assert isinstance(t.shape[1:], torch.Size)
    assert torch.Size([2, 3]).numel() == 6
    assert repr(t.shape) == "flambeau.Size([2, 3])"
    with pytest.raises(IndexError):
        t.size(2)
    with pytest.raises(TypeError):
        torch.Size([1.5])


def test_layouts():
    t = torch.ones(2)
    assert t.layout is torch.strided
    for name in ("coo", "csr", "csc", "bsr", "bsc"):
        other = getattr(torch, f"sparse_{name}")
        assert isinstance(other, torch.layout)
        assert t.layout != other
        assert pickle.loads(pickle.dumps(other)) is other
        with pytest.raises(NotImplementedError, match="layouts"):
            torch.ones(2, layout=other)
    with pytest.raises(ValueError, match="strided"):
        torch.signal.windows.hann(4, layout=torch.sparse_coo)


def test_the_conjugate_of_a_real_tensor_is_the_tensor():
    t = torch.ones(2)
    assert torch.conj_physical(t) is t
    out = torch.empty(2)
    assert torch.conj_physical(t, out=out) is out
    assert out.tolist() == [1, 1]
    z = torch.tensor([1 + 2j])
    assert torch.conj_physical(z).tolist() == [1 - 2j]


def test_copies_of_views_are_contiguous():
    t = torch.arange(6).reshape(2, 3)
    for packed in (
        torch.transpose_copy(t, 0, 1),
        torch.t_copy(t),
        *torch.split_copy(t, 2, 1),
    ):
        assert packed.is_contiguous()
    assert torch.transpose_copy(t, 0, 1).tolist() == [[0, 3], [1, 4], [2, 5]]
