"""Wrong arguments raise PyTorch's exception types before anything is done."""

from __future__ import annotations

from typing import Any

import flambeau as torch
import pytest

CASES: list[tuple[str, type[Exception], Any]] = [
    ("view of a wrong size", RuntimeError, lambda: torch.ones(2, 3).view(4)),
    ("view across strides", RuntimeError, lambda: torch.ones(2, 3).t().view(6)),
    ("dim out of range", IndexError, lambda: torch.ones(2).sum(1)),
    ("dim twice", RuntimeError, lambda: torch.ones(2, 2).sum((0, 0))),
    ("select out of range", IndexError, lambda: torch.ones(2)[2]),
    ("slice with step 0", ValueError, lambda: torch.ones(2)[::0]),
    ("expand of another size", RuntimeError, lambda: torch.ones(2).expand(3)),
    ("cat of nothing", ValueError, lambda: torch.cat([])),
    ("cat of other sizes", RuntimeError, lambda: torch.cat([torch.ones(2, 1), torch.ones(3, 2)])),
    ("max of nothing", RuntimeError, lambda: torch.ones(0).max()),
    ("mean of integers", RuntimeError, lambda: torch.ones(2, dtype=torch.int64).mean()),
    ("mm of other sizes", RuntimeError, lambda: torch.ones(2, 3).mm(torch.ones(2, 3))),
    ("mm of other dtypes", RuntimeError, lambda: torch.ones(2, 2).mm(torch.ones(2, 2).double())),
    ("gather by floats", RuntimeError, lambda: torch.ones(2).gather(0, torch.ones(1))),
    ("gather out of range", RuntimeError, lambda: torch.ones(2).gather(0, torch.tensor([2]))),
    ("index out of range", IndexError, lambda: torch.ones(2)[torch.tensor([2])]),
    ("gradient along a dim twice", RuntimeError, lambda: torch.gradient(torch.ones(3, 3), dim=(1, 1))),
    ("gradient along no dim", IndexError, lambda: torch.gradient(torch.ones(3, 3), dim=2)),
    ("histogramdd of too many bins", RuntimeError, lambda: torch.histogramdd(torch.ones(5, 2), [1, 1, 1])),
    ("native_layer_norm by another shape", RuntimeError, lambda: torch.native_layer_norm(torch.ones(1, 6), [6], torch.ones(2), None, 1e-5)),
    ("native_group_norm by another shape", RuntimeError, lambda: torch.native_group_norm(torch.ones(1, 6), torch.ones(2), None, 1, 6, 1, 2, 1e-5)),
    ("cov with counts that are floats", RuntimeError, lambda: torch.cov(torch.ones(5), fweights=torch.ones(5))),
    ("cov with weights that are integers", RuntimeError, lambda: torch.cov(torch.ones(5), aweights=torch.tensor([1] * 5))),
    ("hypot of complex numbers", NotImplementedError, lambda: torch.hypot(torch.ones(2), torch.ones(2) * 1j)),
    ("copysign by a complex number", NotImplementedError, lambda: torch.copysign(torch.ones(2), 1j)),
    ("topk beyond the size", RuntimeError, lambda: torch.ones(2).topk(3)),
    ("inverse of a singular matrix", RuntimeError, lambda: torch.linalg.inv(torch.zeros(2, 2))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "call"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_error(kind: type[Exception], call: Any) -> None:
    # Where work is done later, errors in the data are found later, and told as such.
    device = torch._C._get_default_device()
    late = torch._C._device_properties(device)["asynchronous"]
    with pytest.raises((kind, IndexError) if late else kind):
        call()
        torch._C._synchronize(device)
