"""Types of the functions in flambeau._C._linalg; made by make_stubs.py."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self, TypeAlias, overload

from . import Generator, Tensor, _Number, _bool, _float, _int, _str
from . import device as _device
from . import dtype as _dtype

def _nuclear_norm(
    input: Tensor,
    dim: Sequence[_int] | _int | None,
    keepdim: _bool,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def cholesky(
    A: Tensor, *, upper: _bool = ..., out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def cholesky_ex(
    A: Tensor,
    *,
    upper: _bool = ...,
    check_errors: _bool = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Any: ...  # (Tensor L, Tensor info)
def det(A: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def eig(
    A: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Any: ...  # (Tensor eigenvalues, Tensor eigenvectors)
def eigh(
    A: Tensor, UPLO: _str = ..., *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Any: ...  # (Tensor eigenvalues, Tensor eigenvectors)
def eigvals(A: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def eigvalsh(
    A: Tensor, UPLO: _str = ..., *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def inv(A: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def inv_ex(
    A: Tensor,
    *,
    check_errors: _bool = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Any: ...  # (Tensor inverse, Tensor info)
def matmul(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def qr(
    A: Tensor, mode: _str = ..., *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Any: ...  # (Tensor Q, Tensor R)
def slogdet(
    A: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Any: ...  # (Tensor sign, Tensor logabsdet)
def solve(
    A: Tensor,
    B: Tensor,
    *,
    left: _bool = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def solve_ex(
    A: Tensor,
    B: Tensor,
    *,
    left: _bool = ...,
    check_errors: _bool = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Any: ...  # (Tensor result, Tensor info)
def solve_triangular(
    A: Tensor,
    B: Tensor,
    *,
    upper: _bool,
    left: _bool = ...,
    unitriangular: _bool = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def svd(
    A: Tensor,
    full_matrices: _bool = ...,
    *,
    driver: _str | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Any: ...  # (Tensor U, Tensor S, Tensor Vh)
def svdvals(
    A: Tensor,
    *,
    driver: _str | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
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
