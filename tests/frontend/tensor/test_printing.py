"""repr of tensors, character by character."""

import flambeau as torch
import pytest

CASES = [
    (lambda: torch.tensor([1.0, 2.5]), "tensor([1.0000, 2.5000])"),
    (lambda: torch.tensor([1.0, 2.0]), "tensor([1., 2.])"),
    (lambda: torch.tensor([1, -20]), "tensor([  1, -20])"),
    (lambda: torch.tensor(3.14159), "tensor(3.1416)"),
    (lambda: torch.tensor([True, False]), "tensor([ True, False])"),
    (lambda: torch.tensor([]), "tensor([])"),
    (lambda: torch.zeros(0, 2), "tensor([], size=(0, 2))"),
    (lambda: torch.tensor([1e-5, 1.0]), "tensor([1.0000e-05, 1.0000e+00])"),
    (lambda: torch.tensor([1e9]), "tensor([1.0000e+09])"),
    (
        lambda: torch.tensor([float("nan"), float("inf"), 1.0]),
        "tensor([nan, inf, 1.])",
    ),
    (
        lambda: torch.tensor([[1.0, 2.0], [3.0, 4.5]]),
        "tensor([[1.0000, 2.0000],\n        [3.0000, 4.5000]])",
    ),
    (
        lambda: torch.tensor([1.0], dtype=torch.float64),
        "tensor([1.], dtype=flambeau.float64)",
    ),
    (
        lambda: torch.tensor([1], dtype=torch.int32),
        "tensor([1], dtype=flambeau.int32)",
    ),
    (
        lambda: torch.tensor([1.0], requires_grad=True),
        "tensor([1.], requires_grad=True)",
    ),
    (
        lambda: torch.tensor([1.0], requires_grad=True) * 2,
        "tensor([2.], grad_fn=<MulBackward0>)",
    ),
    (
        lambda: torch.empty(2, device="meta"),
        "tensor(..., device='meta', size=(2,))",
    ),
    (lambda: torch.tensor([1 + 2j]), "tensor([1.+2.j])"),
    (
        lambda: torch.arange(2000),
        "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])",
    ),
    (
        lambda: torch.zeros(2, 1, 2),
        "tensor([[[0., 0.]],\n\n        [[0., 0.]]])",
    ),
]


@pytest.mark.parametrize(("make", "want"), CASES, ids=[w[:30] for _, w in CASES])
def test_repr(make, want):
    assert repr(make()) == want


def test_options():
    t = torch.tensor([1.23456789])
    try:
        torch.set_printoptions(precision=2)
        assert repr(t) == "tensor([1.23])"
        torch.set_printoptions(sci_mode=True, precision=4)
        assert repr(t) == "tensor([1.2346e+00])"
        torch.set_printoptions(threshold=3, edgeitems=1)
        assert repr(torch.arange(5)) == "tensor([0,  ..., 4])"
    finally:
        torch.set_printoptions(profile="default")


def test_like_pytorch():
    """The same text as PyTorch's, where it is installed."""
    peer = pytest.importorskip("torch")
    generator = peer.Generator().manual_seed(0)
    for shape in [(3,), (2, 3), (40,), (2, 2, 2), (1, 30)]:
        for scale in (1, 1e-6, 1e6, 1e12):
            values = peer.randn(shape, generator=generator) * scale
            ours = torch.tensor(values.tolist())
            assert repr(ours) == repr(values)
            whole = (values / scale * 100).long()
            assert repr(torch.tensor(whole.tolist())) == repr(whole)
    for special in ([0.0, 1e-3], [float("inf"), 1.5], [1e8, 1.0], [1e4, 0.5], [0.0]):
        assert repr(torch.tensor(special)) == repr(peer.tensor(special))
    assert repr(torch.tensor([1.5 + 2j, 3j])) == repr(peer.tensor([1.5 + 2j, 3j]))
