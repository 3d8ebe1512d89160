"""Names of linear algebra that `flambeau` itself has, older than its module."""

from __future__ import annotations

import math
from typing import Any

from . import _C
from ._C import Tensor
from ._functional_shape import _into
from ._linalg_lu import (
    _eye,
    _factors,
    _lu_factor_ex_result,
    _lu_factor_result,
    lu_solve,
)
from ._linalg_lu import _lu_unpack as _lu_unpack
from .return_types import _named

_ops = _C._ops
_records = _C._linalg
cholesky = _records.cholesky
qr = _records.qr
slogdet = _records.slogdet
solve_triangular = _records.solve_triangular
svd = _records.svd


def _pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """The pseudo-inverse."""
    from .linalg import pinv

    return pinv(input, rcond)


def _logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant; NaN where that is negative."""
    sign, size = slogdet(input)
    if input.is_complex():
        return sign.log() + size
    return _ops.where(sign == -1, math.nan, size)


def _cholesky(
    input: Tensor, upper: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The older name of `linalg.cholesky`."""
    return _into(out, cholesky(input, upper=upper))


def _cholesky_solve(
    input: Tensor, L: Tensor, upper: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """x of A x = input by the Cholesky factor L of A."""
    low = L.mH if upper else L
    y = solve_triangular(low, input, upper=False)
    return _into(out, solve_triangular(low.mH, y, upper=True))


def _cholesky_inverse(
    L: Tensor, upper: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The inverse of A by its Cholesky factor L."""
    one = _eye(L.size(-1), L).expand(L.shape)
    return _into(out, _cholesky_solve(one, L, upper))


def _qr(input: Tensor, some: bool = True, *, out: Any = None) -> Any:
    """The older name of `linalg.qr`."""
    return qr(input, "reduced" if some else "complete", out=out)


_svd_result = _named("svd", ("U", "S", "V"))


def _svd(
    input: Tensor, some: bool = True, compute_uv: bool = True, *, out: Any = None
) -> Any:
    """U, S and V of input = U diag(S) Vᴴ."""
    u, s, vh = svd(input, full_matrices=not some)
    if not compute_uv:
        u, vh = _ops.zeros_like(u), _ops.zeros_like(vh)
    parts = [u, s, vh.mH]
    if out is not None:
        parts = [_into(to, t) for to, t in zip(out, parts, strict=False)]
    return _svd_result(parts)


def _lu(
    A: Tensor, pivot: bool = True, get_infos: bool = False, *, out: Any = None
) -> Any:
    """The packed factors, the row exchanges, and where that failed if get_infos."""
    parts = _factors(A, pivot, not get_infos)[: 3 if get_infos else 2]
    if out is not None:
        parts = [_into(to, t) for to, t in zip(out, parts, strict=False)]
    return (_lu_factor_ex_result if get_infos else _lu_factor_result)(parts)


def _lu_solve(
    b: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Tensor | None = None
) -> Tensor:
    """x of A x = b by the packed factors of A."""
    return lu_solve(LU_data, LU_pivots, b, out=out)


_triangular_result = _named("triangular_solve", ("solution", "cloned_coefficient"))


def _triangular_solve(
    b: Tensor,
    A: Tensor,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
    *,
    out: Any = None,
) -> Any:
    """x of A x = b for triangular A, or of its transpose."""
    a = A.mT if transpose else A
    x = solve_triangular(a, b, upper=upper != transpose, unitriangular=unitriangular)
    parts = (x, A.clone())
    if out is not None:
        parts = (_into(out[0], parts[0]), _into(out[1], parts[1]))
    return _triangular_result(parts)
