"""Types of the functions in flambeau._C._linalg; made by make_stubs.py."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self, TypeAlias, overload

from . import Generator, Tensor, _Number, _bool, _float, _int, _str
from . import device as _device
from . import dtype as _dtype

def matmul(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def vector_norm(
    input: Tensor,
    ord: _float = ...,
    dim: Sequence[_int] | _int | None = ...,
    keepdim: _bool = ...,
    *,
    dtype: _dtype | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
