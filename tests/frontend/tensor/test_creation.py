"""tensor, as_tensor, from_numpy, frombuffer, DLPack, typed tensors, and back."""

import gc
import math

import flambeau as torch
import numpy as np
import pytest


@pytest.mark.parametrize(
    ("data", "dtype", "shape"),
    [
        (1, torch.int64, ()),
        (1.5, torch.float32, ()),
        (True, torch.bool, ()),
        (1j, torch.complex64, ()),
        ([], torch.float32, (0,)),
        ([[]], torch.float32, (1, 0)),
        ([1, 2.5], torch.float32, (2,)),
        ([True, 2], torch.int64, (2,)),
        ([[1, 2], [3, 4]], torch.int64, (2, 2)),
        (((1.0,), (2.0,)), torch.float32, (2, 1)),
        (range(3), torch.int64, (3,)),
        ([np.float64(1), np.float64(2)], torch.float64, (2,)),
        (np.arange(3), torch.int64, (3,)),
        (np.float32(2), torch.float32, ()),
        ([np.arange(2), np.arange(2)], torch.int64, (2, 2)),
        ([1 + 2j, 1], torch.complex64, (2,)),
    ],
    ids=str,
)
def test_inferred(data, dtype, shape):
    t = torch.tensor(data)
    assert t.dtype is dtype
    assert tuple(t.shape) == shape
    want = np.asarray(list(data) if isinstance(data, range) else data)
    assert np.array_equal(t.numpy(), want.reshape(shape))


def test_of_tensors_and_numbers():
    t = torch.tensor([torch.tensor(1.0), 2.0])
    assert t.tolist() == [1.0, 2.0]


def test_default_dtype_decides():
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.tensor(1.0).dtype is torch.float64
        assert torch.tensor(1j).dtype is torch.complex128
        assert torch.zeros(2).dtype is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ("abc", TypeError),
        ({"a": 1}, TypeError),
        ([[1, 2], [3]], ValueError),
        ([1, [2]], (ValueError, TypeError)),
        (None, (TypeError, RuntimeError)),
        pytest.param(object(), (TypeError, RuntimeError), id="object"),
    ],
    ids=str,
)
def test_bad_data(data, error):
    with pytest.raises(error):
        torch.tensor(data)


def test_overflow():
    with pytest.raises(RuntimeError):
        torch.tensor(300, dtype=torch.uint8)
    with pytest.raises(RuntimeError):
        torch.tensor(2**70)


def test_tensor_copies_as_tensor_shares():
    a = np.zeros(3, np.float32)
    copy, shared = torch.tensor(a), torch.as_tensor(a)
    a[0] = 7
    assert copy.tolist() == [0, 0, 0]
    assert shared.tolist() == [7, 0, 0]
    t = torch.ones(2)
    assert torch.as_tensor(t) is t
    assert torch.as_tensor(t, dtype=torch.float64).dtype is torch.float64


def test_from_numpy_both_ways():
    a = np.arange(6, dtype=np.int32).reshape(2, 3)
    t = torch.from_numpy(a)
    t[0, 0] = 42
    assert a[0, 0] == 42
    assert t.numpy().ctypes.data == a.ctypes.data
    assert torch.from_numpy(a.T).stride() == (1, 3)
    del a
    gc.collect()
    assert t[1, 2].item() == 5


@pytest.mark.parametrize(
    ("array", "error"),
    [
        (np.arange(4)[::-1], ValueError),
        (np.array(["a"]), TypeError),
        (np.array([object()]), TypeError),
        ([1, 2], TypeError),
        (np.zeros(2, dtype=[("a", "i2"), ("b", "i4")])["b"], ValueError),
    ],
    ids=["negative", "str", "object", "list", "record"],
)
def test_from_numpy_refuses(array, error):
    with pytest.raises(error):
        torch.from_numpy(array)


def test_read_only_array_warns():
    a = np.arange(3)
    a.flags.writeable = False
    with pytest.warns(UserWarning, match="not writable"):
        torch.from_numpy(a)


def test_numpy_refuses_what_requires_grad():
    t = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="detach"):
        t.numpy()
    assert t.numpy(force=True).tolist() == [1, 1]
    assert t.detach().numpy().tolist() == [1, 1]


def test_numpy_interop():
    t = torch.ones(2)
    assert isinstance(t + np.ones(2), torch.Tensor)
    assert isinstance(np.ones(2, np.float32) * t, torch.Tensor)
    assert np.sin(t).tolist() == pytest.approx([math.sin(1)] * 2)
    assert (t * np.float64(3)).dtype is torch.float32
    assert np.asarray(t, dtype=np.float64).dtype == np.float64
    assert memoryview(t).tolist() == [1.0, 1.0]


def test_dlpack_both_ways():
    a = np.arange(6.0).reshape(2, 3)
    t = torch.from_dlpack(a)
    t[0, 0] = 9
    assert a[0, 0] == 9
    back = np.from_dlpack(torch.ones(2, 3).t())
    assert back.shape == (3, 2)
    assert torch.ones(1).__dlpack_device__() == (1, 0)
    with pytest.raises(ValueError, match="gradient"):
        torch.ones(2, requires_grad=True).__dlpack__()


def test_frombuffer():
    raw = bytearray(np.arange(4, dtype=np.int16).tobytes())
    t = torch.frombuffer(raw, dtype=torch.int16, count=2, offset=2)
    assert t.tolist() == [1, 2]
    t[0] = 7
    assert raw[2] == 7
    with pytest.raises(ValueError):
        torch.frombuffer(raw, dtype=torch.int32, offset=3)
    with pytest.raises(ValueError):
        torch.frombuffer(bytearray(), dtype=torch.int8)


def test_typed_makers():
    assert torch.LongTensor([1, 2]).dtype is torch.int64
    assert torch.FloatTensor(2, 3).shape == (2, 3)
    assert isinstance(torch.ones(1), torch.FloatTensor)
    assert not isinstance(torch.ones(1), torch.LongTensor)


def test_legacy_constructor():
    assert torch.Tensor(2, 3).shape == (2, 3)
    assert torch.Tensor([1, 2]).tolist() == [1.0, 2.0]
    assert torch.Tensor().shape == (0,)
    assert torch.Tensor(torch.Size([2])).shape == (2,)
    with pytest.raises(TypeError):
        torch.Tensor("x")


def test_item_and_conversions():
    assert torch.tensor(3).item() == 3
    assert isinstance(torch.tensor(True).item(), bool)
    assert torch.tensor(1 + 2j).item() == 1 + 2j
    assert float(torch.tensor([2])) == 2.0
    assert int(torch.tensor(2.7)) == 2
    assert [10, 20, 30][torch.tensor(1)] == 20
    assert f"{torch.tensor(1.5):.2f}" == "1.50"
    with pytest.raises(RuntimeError):
        torch.ones(2).item()
    with pytest.raises(RuntimeError):
        bool(torch.ones(2))
    with pytest.raises(RuntimeError):
        bool(torch.ones(0))
    with pytest.raises(TypeError):
        [1][torch.tensor(0.0)]


def test_tolist_of_views():
    t = torch.arange(6).view(2, 3).t()
    assert t.tolist() == [[0, 3], [1, 4], [2, 5]]
    assert torch.tensor(2.5).tolist() == 2.5
    assert torch.zeros(2, 0).tolist() == [[], []]


def test_logspace_of_integers_counts_whole_exponents():
    powers = torch.logspace(4.3, 1.2, 2, dtype=torch.int64)
    assert powers.tolist() == [10000, 10]  # PyTorch's: 10^4 and 10^1
    assert torch.logspace(0.5, 1.5, 2).tolist() == pytest.approx([10**0.5, 10**1.5])
