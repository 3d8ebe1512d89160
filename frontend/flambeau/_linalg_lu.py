"""LU factors: computing, unpacking and using them."""

from __future__ import annotations

from typing import Any

from . import _C
from ._C import Tensor
from ._functional_shape import _into, broadcast_shapes
from .return_types import _named

_ops = _C._ops
solve_triangular = _C._linalg.solve_triangular
_lu_result = _named("linalg_lu", ("P", "L", "U"))
_lu_factor_result = _named("linalg_lu_factor", ("LU", "pivots"))
_lu_factor_ex_result = _named("linalg_lu_factor_ex", ("LU", "pivots", "info"))


def _eye(n: int, like: Tensor) -> Tensor:
    return _ops.eye(n, dtype=like.dtype, device=like.device)


def _factors(A: Tensor, pivot: bool, check_errors: bool) -> Any:
    """`_lu_factor`, with a history where one is wanted."""
    packed, pivots, info = _ops._lu_factor(A, pivot, check_errors)
    if _C.is_grad_enabled() and A.requires_grad:
        rows = _permutation(pivots, A.size(-2))
        order = _eye(A.size(-2), A)[rows].mT.contiguous()
        if A.size(-1) == A.size(-2):
            packed = _ops._lu_of(A, packed, order)
        else:
            packed = _rectangular(order.mT @ A, packed)
    return packed, pivots, info


def _rectangular(A: Tensor, packed: Tensor) -> Tensor:
    """The packed factors of A = L U with a history: those of the leading square, and
    what lies below or beside it by solving with them."""
    k = min(A.shape[-2:])
    one = _eye(k, A).expand(*A.shape[:-2], k, k)
    square = _ops._lu_of(A[..., :k, :k], packed[..., :k, :k].contiguous(), one)
    if A.size(-2) > k:
        below = solve_triangular(square, A[..., k:, :], upper=True, left=False)
        return _ops.cat([square, below], -2)
    beside = solve_triangular(square, A[..., k:], upper=False, unitriangular=True)
    return _ops.cat([square, beside], -1)


# ---- LU ---------------------------------------------------------------------------
def lu_factor(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """The packed factors of P A = L U, and the row exchanges (from 1)."""
    lu, pivots, _ = _factors(A, pivot, True)
    if out is not None:
        return _lu_factor_result((_into(out[0], lu), _into(out[1], pivots)))
    return _lu_factor_result((lu, pivots))


def lu_factor_ex(
    A: Tensor, *, pivot: bool = True, check_errors: bool = False, out: Any = None
) -> Any:
    """`lu_factor`, and where it failed."""
    parts: Any = _factors(A, pivot, check_errors)
    if out is not None:
        parts = [_into(to, t) for to, t in zip(out, parts, strict=False)]
    return _lu_factor_ex_result(parts)


def lu_solve(
    LU: Tensor,
    pivots: Tensor,
    B: Tensor,
    *,
    left: bool = True,
    adjoint: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """x of A x = B by the packed factors of A."""
    if not left:
        x = lu_solve(LU, pivots, B.mH, adjoint=not adjoint)
        return _into(out, x.mH)
    lead = broadcast_shapes(LU.shape[:-2], B.shape[:-2])
    lu = LU.expand(*lead, *LU.shape[-2:])
    rhs = B.expand(*lead, *B.shape[-2:])
    p = pivots.expand(*lead, pivots.size(-1))
    if _C.is_grad_enabled() and (LU.requires_grad or B.requires_grad):
        order, lower, upper = _lu_unpack(lu, p)
        if adjoint:
            y = solve_triangular(upper.mH, rhs, upper=False)
            return order @ solve_triangular(lower.mH, y, upper=True, unitriangular=True)
        y = solve_triangular(lower, order.mT @ rhs, upper=False, unitriangular=True)
        return solve_triangular(upper, y, upper=True)
    return _into(out, _ops._lu_solve(lu, p, rhs, 2 if adjoint else 0))


def _permutation(pivots: Tensor, n: int) -> Tensor:
    """The rows' order after the exchanges."""
    flat = pivots.reshape(-1, pivots.size(-1)).tolist()
    orders = []
    for exchanges in flat:
        order = list(range(n))
        for i, p in enumerate(exchanges):
            order[i], order[p - 1] = order[p - 1], order[i]
        orders.append(order)
    index = _C.tensor(orders, dtype=_C.int64, device=pivots.device)
    return index.reshape(*pivots.shape[:-1], n)


def _lu_unpack(
    LU_data: Tensor,
    LU_pivots: Tensor,
    unpack_data: bool = True,
    unpack_pivots: bool = True,
    *,
    out: Any = None,
) -> Any:
    """(P, L, U) of packed factors."""
    m, n = LU_data.shape[-2:]
    k = min(m, n)
    none = LU_data.new_empty(0)
    p, lower, upper = none, none, none
    if unpack_pivots:
        rows = _permutation(LU_pivots, m)
        p = _eye(m, LU_data)[rows].mT.contiguous()
    if unpack_data:
        lower = LU_data[..., :, :k].tril(-1) + _eye(m, LU_data)[:, :k]
        upper = LU_data[..., :k, :].triu()
    if out is not None:
        return _lu_result(
            [_into(to, t) for to, t in zip(out, (p, lower, upper), strict=False)]
        )
    return _lu_result((p, lower, upper))


def lu(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """P, L and U of A = P L U."""
    packed, pivots, _ = _factors(A, pivot, False)
    return _lu_unpack(packed, pivots, out=out)
