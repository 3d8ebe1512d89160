"""Indexing against NumPy, and what refuses to be an index."""

import flambeau as torch
import numpy as np
import pytest

BASE = np.arange(24, dtype=np.float32).reshape(2, 3, 4)

BASIC = [
    0,
    -1,
    slice(None),
    slice(1, None),
    slice(None, None, 2),
    slice(5, 9),
    slice(-2, None),
    None,
    Ellipsis,
    (0, 1),
    (0, 1, 2),
    (slice(None), 1),
    (Ellipsis, 0),
    (0, Ellipsis),
    (None, 0, None, slice(1, 3)),
    (slice(None), slice(None, None, 2), slice(1, None)),
    (0, slice(0, 0)),
]
ADVANCED = [
    [0, 1, 1],
    ([0, 1], [1, 2]),
    (slice(None), [0, 2]),
    (slice(None), [0, 2], [1, 3]),
    ([1, 0], slice(None), [1, 3]),
    (0, [0, 2]),
    (Ellipsis, [3, 0]),
    np.array([[0, 1], [1, 0]]),
    np.array([True, False]),
    (slice(None), np.array([True, False, True])),
    BASE > 10,
    ([0], None, [1]),
    True,
    False,
]


def as_index(index):
    if isinstance(index, tuple):
        return tuple(as_index(i) for i in index)
    return torch.tensor(index) if isinstance(index, np.ndarray) else index


@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("index", BASIC, ids=str)
def test_basic_index_is_a_view(index, requires_grad):
    t = torch.tensor(BASE, requires_grad=requires_grad)
    got = t[index]
    want = BASE[index]
    assert tuple(got.shape) == want.shape
    assert np.array_equal(got.detach().numpy(), want)
    assert got.requires_grad is requires_grad
    assert got.untyped_storage().data_ptr() == t.untyped_storage().data_ptr()


@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("index", ADVANCED, ids=lambda i: str(i).replace("\n", ""))
def test_advanced_index_copies(index, requires_grad):
    t = torch.tensor(BASE, requires_grad=requires_grad)
    got = t[as_index(index)]
    want = BASE[index]
    assert tuple(got.shape) == want.shape
    assert np.array_equal(got.detach().numpy(), want)


@pytest.mark.parametrize(
    "index", BASIC + ADVANCED, ids=lambda i: str(i).replace("\n", "")
)
def test_setitem_number(index):
    t, want = torch.tensor(BASE), BASE.copy()
    t[as_index(index)] = -1.5
    want[index] = -1.5
    assert np.array_equal(t.numpy(), want)


@pytest.mark.parametrize("index", BASIC[:6] + ADVANCED[:6], ids=str)
def test_setitem_tensor_broadcasts(index):
    t, want = torch.tensor(BASE), BASE.copy()
    row = np.array([1, 2, 3, 4], np.float32)[: want[index].shape[-1] or None]
    if want[index].shape[-1] not in (1, len(row)):
        row = row[:1]
    t[as_index(index)] = torch.tensor(row)
    want[index] = row
    assert np.array_equal(t.numpy(), want)


def test_setitem_drops_leading_ones():
    t = torch.zeros(3)
    t[1:] = torch.ones(1, 1, 2)
    assert t.tolist() == [0.0, 1.0, 1.0]


def test_setitem_keeps_history():
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    y[0] = 5
    y.backward(torch.ones(3))
    assert x.grad.tolist() == [0.0, 2.0, 2.0]


def test_setitem_value_gets_gradient():
    v = torch.tensor(2.0, requires_grad=True)
    t = torch.zeros(3)
    t[1] = v * 3
    t.backward(torch.ones(3))
    assert v.grad.item() == 3.0


def test_index_by_tensor_of_no_dimensions():
    t = torch.tensor(BASE)
    assert np.array_equal(t[torch.tensor(1)].numpy(), BASE[1])
    assert t[torch.tensor(1), 0, torch.tensor(2)].item() == BASE[1, 0, 2]


@pytest.mark.parametrize(
    ("index", "error"),
    [
        (2, IndexError),
        (-3, IndexError),
        ((0, 0, 0, 0), IndexError),
        ("x", IndexError),
        (1.5, IndexError),
        ((Ellipsis, Ellipsis), IndexError),
        (slice(None, None, -1), ValueError),
        (slice(None, None, 0), ValueError),
        ([0, 5], IndexError),
    ],
    ids=str,
)
def test_bad_index(index, error):
    with pytest.raises(error):
        torch.tensor(BASE)[index]


def test_mask_of_wrong_shape():
    with pytest.raises(IndexError, match="mask"):
        torch.tensor(BASE)[torch.tensor([True, False, True])]


def test_float_tensor_is_no_index():
    with pytest.raises(IndexError):
        torch.tensor(BASE)[torch.tensor([0.0])]


def test_zero_dimensional():
    t = torch.tensor(3.0)
    assert t[()].item() == 3.0
    assert t[None].shape == (1,)
    assert t[...].item() == 3.0
    with pytest.raises(IndexError):
        t[0]


def test_delete_is_refused():
    t = torch.ones(2)
    with pytest.raises(TypeError):
        del t[0]


def test_iteration_and_membership():
    t = torch.tensor(BASE)
    assert [x.shape for x in t] == [(3, 4), (3, 4)]
    assert 5 in t
    assert 99 not in t
    assert len(t) == 2
    with pytest.raises(TypeError):
        iter(torch.tensor(1))
    with pytest.raises(TypeError):
        len(torch.tensor(1))


@pytest.mark.parametrize("offset", [-(2**63), -2, -1, 0, 1, 3, 2**63 - 1])
def test_diagonal(offset):
    a = BASE[0]
    want = a.diagonal(min(max(offset, -9), 9))
    got = torch.tensor(a).diagonal(offset)
    assert tuple(got.shape) == want.shape
    assert np.array_equal(got.numpy(), want)
