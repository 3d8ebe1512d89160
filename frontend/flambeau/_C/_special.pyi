"""Types of the functions in flambeau._C._special; made by make_stubs.py."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self, TypeAlias, overload

from . import Generator, Tensor, _Number, _bool, _float, _int, _str
from . import device as _device
from . import dtype as _dtype

def i0e(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def i1(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def i1e(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def log_ndtr(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def ndtri(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def xlog1py(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def zeta(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
