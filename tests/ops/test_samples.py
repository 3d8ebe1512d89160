"""Every sample: its value against NumPy, its first and its second derivative."""

from __future__ import annotations

import flambeau as torch
import numpy as np
import pytest
from samples import ALL, VIEWS, Sample

DIFFERENTIABLE = [s for s in ALL if s.differentiable]


def _name(sample: Sample) -> str:
    return sample.name


def _tensors(sample: Sample, requires_grad: bool = False) -> list[torch.Tensor]:
    return [
        torch.tensor(a, dtype=torch.float64, requires_grad=requires_grad)
        for a in sample.arrays
    ]


@pytest.mark.parametrize("sample", ALL, ids=_name)
def test_value(sample: Sample) -> None:
    got = sample.call(*_tensors(sample))
    want = sample.expect(*sample.arrays)
    np.testing.assert_allclose(got.cpu().numpy(), want, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("sample", ALL, ids=_name)
def test_value_of_strided_inputs(sample: Sample) -> None:
    if sample.name in ("view", "as_strided"):
        pytest.skip("is about the very strides of its input")
    inputs = []
    for a in sample.arrays:
        wide = torch.zeros((*np.shape(a), 2), dtype=torch.float64)
        wide[..., 0] = torch.tensor(a)
        inputs.append(wide[..., 0])
    want = sample.expect(*sample.arrays)
    np.testing.assert_allclose(
        sample.call(*inputs).cpu().numpy(), want, rtol=1e-9, atol=1e-10
    )


@pytest.mark.parametrize("sample", DIFFERENTIABLE, ids=_name)
def test_gradient(sample: Sample) -> None:
    assert torch.autograd.gradcheck(sample.call, _tensors(sample, True))


@pytest.mark.parametrize("sample", DIFFERENTIABLE, ids=_name)
def test_second_gradient(sample: Sample) -> None:
    inputs = _tensors(sample, True)
    assert torch.autograd.gradgradcheck(sample.call, inputs)


@pytest.mark.parametrize("sample", [s for s in VIEWS if s.name != "split"], ids=_name)
def test_view_shares_memory(sample: Sample) -> None:
    (x,) = _tensors(sample)
    view = sample.call(x)
    x.fill_(3.0)
    assert (view == 3.0).all()
