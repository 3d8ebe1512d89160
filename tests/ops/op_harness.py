"""Calls the ops of the records, and PyTorch's where it is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
from flambeau import _C
from flambeau.testing.samples import OPS, Op, copied, function, method, transform
from flambeau.testing.samples import leaves as tensors

Tensor = _C.Tensor
TORCH: Any = None
if importlib.util.find_spec("torch"):
    import torch as TORCH

RECORDS: dict[str, list[Any]] = {}
for _space, _name, *_rest in _C._all_schemas():
    RECORDS.setdefault(f"{_space}.{_name}" if _space else _name, []).append(_rest)
BY_NAME = {op.name: op for op in OPS}


def record(name: str) -> tuple[str, bool, bool]:
    """(forms, is a method, is a function), of any of the op's overloads."""
    rows = RECORDS[name]
    return (
        "".join(r[2] for r in rows),
        any(r[3] for r in rows),
        any(r[4] for r in rows),
    )


def oracle(op: Op) -> Callable[..., Any] | None:
    """The op as PyTorch has it; None where PyTorch is not installed."""
    if TORCH is None:
        return None
    space, _, name = op.name.rpartition(".")
    where = TORCH.nn.functional if space == "nn" else TORCH
    if op.oracle:
        where, name = TORCH, op.oracle
        for part in name.split("."):
            where = getattr(where, part)
        return where
    if space in ("linalg", "special"):
        where = getattr(TORCH, space)
    found = getattr(where, name, None) if space or name not in METHODS else None
    if callable(found) and not isinstance(found, (type, TORCH.dtype)):
        return found
    return method(name if hasattr(TORCH.Tensor, name) else name + "_")


METHODS = {n for n in RECORDS if "." not in n and not record(n)[2]}


def convert(x: Any) -> Any:
    """An argument for PyTorch."""
    if isinstance(x, Tensor):
        t = TORCH.from_numpy(x.detach().cpu().numpy().copy())
        return t.requires_grad_(x.requires_grad)
    if isinstance(x, (list, tuple)):
        return type(x)(convert(y) for y in x)
    if isinstance(x, dict):
        return {k: convert(v) for k, v in x.items()}
    if isinstance(x, _C.dtype):
        return getattr(TORCH, str(x).rpartition(".")[2])
    return x


def array(x: Any) -> Any:
    """A leaf of a result as a NumPy array."""
    if hasattr(x, "detach"):
        return x.detach().cpu().resolve_conj().resolve_neg().numpy()
    return np.asarray(x)


def same(found: Any, wanted: Any, exact: bool = False) -> None:
    """Equal structure, shapes and dtypes; values within rounding."""
    ours, theirs = list(tensors(found)), list(tensors(wanted))
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        a, b = array(one), array(other)
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        coarse = a.dtype in (np.float32, np.complex64)
        tolerance = 0 if exact else (2e-5 if coarse else 1e-9)
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def cases(keep: Callable[[Op], bool], dtypes: Any = None) -> list[Any]:
    """(op, dtype) as parameters of a test."""
    import pytest

    return [
        pytest.param(op, dtype, id=f"{op.name}-{str(dtype).rpartition('.')[2]}")
        for op in OPS
        if keep(op)
        for dtype in op.dtypes
        if dtypes is None or dtype in dtypes
    ]
