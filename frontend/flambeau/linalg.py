"""Linear algebra on batches of matrices: (..., m, n)."""

from __future__ import annotations

import math
from typing import Any

from . import _C
from ._C import Tensor
from ._functional_math import vander as _vander
from ._functional_shape import _flat_args, _into
from ._linalg_lu import _eye, lu, lu_factor, lu_factor_ex, lu_solve
from .return_types import _named

_ops = _C._ops
_records = _C._linalg

cholesky = _records.cholesky
cholesky_ex = _records.cholesky_ex
det = _records.det
eig = _records.eig
eigh = _records.eigh
eigvals = _records.eigvals
eigvalsh = _records.eigvalsh
inv = _records.inv
inv_ex = _records.inv_ex
matmul = _records.matmul
qr = _records.qr
slogdet = _records.slogdet
solve = _records.solve
solve_ex = _records.solve_ex
solve_triangular = _records.solve_triangular
svd = _records.svd
svdvals = _records.svdvals
vector_norm = _records.vector_norm
LinAlgError = _C._LinAlgError

_lstsq_result = _named(
    "linalg_lstsq", ("solution", "residuals", "rank", "singular_values")
)


def _square(name: str, A: Tensor) -> None:
    if A.dim() < 2:
        raise RuntimeError(
            f"{name}: The input tensor A must have at least 2 dimensions."
        )
    if A.size(-1) != A.size(-2):
        raise RuntimeError(
            f"{name}: A must be batches of square matrices, but they are "
            f"{A.size(-2)} by {A.size(-1)} matrices"
        )


# ---- norms
# ------------------------------------------------------------------------------
def matrix_norm(
    A: Tensor,
    ord: Any = "fro",
    dim: Any = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """The norm of matrices: "fro", "nuc", or ord of ±1, ±2, ±inf."""
    dims = tuple(dim)
    if len(dims) != 2 or A.dim() < 2:
        raise RuntimeError(
            "linalg.matrix_norm: dim must be a 2-tuple and A of at least 2 dimensions. "
            f"Got {dims} and shape {tuple(A.shape)}"
        )
    if dtype is not None:
        A = A.to(dtype)
    if not (A.is_floating_point() or A.is_complex()):
        raise RuntimeError(
            "linalg.matrix_norm: Expected a floating point or complex tensor as input. "
            f"Got {A.dtype}"
        )
    rows, columns = (d % A.dim() for d in dims)
    if rows == columns:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got {dims}")
    if ord == "fro":
        return _into(out, vector_norm(A, 2, [rows, columns], keepdim))
    if ord in ("nuc", 2, -2):
        s = svdvals(A.movedim((rows, columns), (-2, -1)))
        pick = {"nuc": lambda t: t.sum(-1), 2: lambda t: t.amax(-1)}
        value = pick.get(ord, lambda t: t.amin(-1))(s)
        if keepdim:
            low, high = sorted((rows, columns))
            value = value.unsqueeze(low).unsqueeze(high)
        return _into(out, value)
    if ord not in (1, -1, math.inf, -math.inf):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    over, then = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = vector_norm(A, 1, over, True)
    value = sums.amax(then, True) if ord > 0 else sums.amin(then, True)
    if not keepdim:
        value = value.squeeze((rows, columns))
    return _into(out, value)


def norm(
    A: Tensor,
    ord: Any = None,
    dim: Any = None,
    keepdim: bool = False,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
) -> Tensor:
    """A vector's or a matrix's norm, by the number of dims; of all elements by
    default."""
    dims = [dim] if isinstance(dim, int) else dim
    if ord is None:
        return _into(out, vector_norm(A, 2, dims, keepdim, dtype=dtype))
    if (
        isinstance(ord, str)
        or (dims is not None and len(dims) == 2)
        or (dims is None and A.dim() == 2)
    ):
        if dims is None and A.dim() != 2:
            raise RuntimeError(
                "linalg.norm: If dim is not specified but ord is, the input must be "
                "1D or "
                f"2D. Got {A.dim()}D."
            )
        found = (-2, -1) if dims is None else dims
        return matrix_norm(A, ord, found, keepdim, dtype=dtype, out=out)
    if dims is None and A.dim() > 2:
        raise RuntimeError(
            "linalg.norm: If dim is not specified but ord is, the input must be 1D or "
            "2D. "
            f"Got {A.dim()}D."
        )
    return _into(out, vector_norm(A, ord, dims, keepdim, dtype=dtype))


def cond(A: Tensor, p: Any = None, *, out: Tensor | None = None) -> Tensor:
    """How much a relative error grows: norm(A) norm(A⁻¹), by singular values for ±2."""
    if A.dim() < 2:
        raise RuntimeError(
            "linalg.cond: The input tensor must have at least 2 dimensions."
        )
    if p in (None, 2, -2):
        s = svdvals(A)
        if A.numel() == 0:
            return _into(out, s.new_zeros(A.shape[:-2]))
        value = s[..., 0] / s[..., -1]
        return _into(out, 1 / value if p == -2 else value)
    _square("linalg.cond", A)
    inverse, info = inv_ex(A)
    value = matrix_norm(A, p) * matrix_norm(inverse, p)
    return _into(out, value.masked_fill(info != 0, math.inf))


# ---- ranks and pseudo-inverses
# -----------------------------------------------------------
def _tolerance(A: Tensor, top: Tensor, atol: Any, rtol: Any) -> Tensor:
    from ._type_info import finfo

    if rtol is None:
        given = atol is not None and (isinstance(atol, Tensor) or atol > 0)
        rtol = 0.0 if given else finfo(top.dtype).eps * max(A.size(-2), A.size(-1))
    if atol is None:
        atol = 0.0
    relative = rtol * top
    if not isinstance(atol, Tensor):
        return relative.clamp(min=atol)
    return _ops.maximum(relative, atol.to(top.dtype))


def _spectrum(A: Tensor, hermitian: bool) -> Tensor:
    return eigvalsh(A).abs() if hermitian else svdvals(A)


def matrix_rank(
    A: Tensor,
    tol: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """How many singular values are above max(atol, rtol * the largest)."""
    if A.dim() < 2:
        raise RuntimeError(
            "linalg.matrix_rank: The input tensor A must have at least 2 dimensions."
        )
    if A.numel() == 0:
        return _into(out, _ops.zeros(A.shape[:-2], dtype=_C.int64, device=A.device))
    if tol is not None:
        atol, rtol = tol, 0.0
    with _C._GradGuard(0, -1):
        s = _spectrum(A.detach(), hermitian)
        limit = _tolerance(A, s.amax(-1), atol, rtol)
        return _into(out, (s > limit.unsqueeze(-1)).sum(-1))


def pinv(
    A: Tensor,
    rcond: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """The pseudo-inverse; singular values not above max(atol, rtol * largest) are
    zero."""
    if A.dim() < 2:
        raise RuntimeError(
            "linalg.pinv: The input tensor must have at least 2 dimensions."
        )
    if rcond is not None:
        rtol = rcond
    if A.numel() == 0:
        return _into(out, A.mH.clone())
    with _C._GradGuard(0, -1):
        result = _pinv_values(A.detach(), hermitian, atol, rtol)
    return _into(out, _ops._pinv(A, result))


def _pinv_values(A: Tensor, hermitian: bool, atol: Any, rtol: Any) -> Tensor:
    if hermitian:
        w, u = eigh(A)
        size, v = w.abs(), u
    else:
        u, w, vh = svd(A, full_matrices=False)
        size, v = w, vh.mH
    small = size <= _tolerance(A, size.amax(-1), atol, rtol).unsqueeze(-1)
    inverse = (1 / w.masked_fill(small, 1)).masked_fill(small, 0)
    return (v * inverse.unsqueeze(-2).to(v.dtype)) @ u.mH


def lstsq(
    A: Tensor,
    B: Tensor,
    rcond: float | None = None,
    *,
    driver: str | None = None,
    out: Any = None,
) -> Any:
    """The shortest x for which |A x - B| is least."""
    from ._type_info import finfo

    if A.dim() < 2 or B.dim() < 1:
        raise RuntimeError(
            "torch.linalg.lstsq: input must have at least 2 dimensions and other at "
            "least 1."
        )
    if A.dtype != B.dtype:
        raise RuntimeError(
            "torch.linalg.lstsq: Expected input and other to have the same dtype, but "
            "got "
            f"input's dtype {A.dtype} and other's dtype {B.dtype}"
        )
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(
            "torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, "
            "gelsd, "
            "gelss)"
        )
    vector = B.dim() == A.dim() - 1 and B.shape == A.shape[:-1]
    rhs = B.unsqueeze(-1) if vector else B
    if rhs.dim() < 2 or rhs.size(-2) != A.size(-2):
        raise RuntimeError(
            "torch.linalg.lstsq: input.size(-2) should match other.size(-2), got "
            f"{tuple(A.shape)} and {tuple(B.shape)}"
        )
    from ._functional_shape import broadcast_shapes

    lead = broadcast_shapes(A.shape[:-2], rhs.shape[:-2])
    a = A.expand(*lead, *A.shape[-2:])
    rhs = rhs.expand(*lead, *rhs.shape[-2:])
    limit = finfo(A.dtype).eps * max(A.shape[-2:]) if rcond is None else rcond
    x, rank, s = _ops._lstsq(a, rhs, float(limit))
    if _C.is_grad_enabled() and (A.requires_grad or B.requires_grad):
        x = pinv(a, limit) @ rhs
    m, n = A.shape[-2:]
    full = m > n and bool((rank == n).all()) and driver != "gelsy"
    residuals = (a @ x - rhs).abs().square().sum(-2) if full else x.new_empty(0).real
    none = _ops.empty(0, dtype=s.dtype, device=s.device)
    if driver in (None, "gels", "gelsy"):
        s = none
    if driver == "gels":
        rank = _ops.empty(0, dtype=_C.int64, device=s.device)
    parts = [x.squeeze(-1) if vector else x, residuals, rank, s]
    if out is not None:
        parts = [_into(to, t) for to, t in zip(out, parts, strict=False)]
    return _lstsq_result(parts)


# ---- powers and products
# --------------------------------------------------------------------
def matrix_power(A: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """A multiplied by itself n times; the inverse's powers for negative n."""
    _square("linalg.matrix_power", A)
    if n < 0:
        return matrix_power(inv(A), -n, out=out)
    if n == 0:
        everywhere = _ops.ones_like(A, dtype=_C.bool)
        return _into(out, _ops.where(everywhere, _eye(A.size(-1), A), A))
    result: Any = None
    base = A
    while n:
        if n & 1:
            result = base if result is None else result @ base
        n >>= 1
        if n:
            base = base @ base
    return _into(out, A.clone() if result is A else result)


def matrix_exp(A: Tensor) -> Tensor:
    """The exponential of square matrices, by scaling, a Padé quotient and squaring.

    Higham, The scaling and squaring method for the matrix exponential revisited, 2005.
    """
    _square("linalg.matrix_exp", A)
    if not (A.is_floating_point() or A.is_complex()):
        raise RuntimeError(
            "linalg.matrix_exp: Expected a floating point or complex tensor, got "
            f"{A.dtype}"
        )
    if A.numel() == 0:
        return A.clone()
    if A.dtype in (_C.float16, _C.bfloat16):
        return matrix_exp(A.to(_C.float32)).to(A.dtype)
    with _C._GradGuard(0, -1):
        size = float(A.detach().abs().sum(-2).amax().to(_C.float64))
    squarings = max(0, math.ceil(math.log2(size / 5.37))) if size > 5.37 else 0
    x = A / 2**squarings
    c = [
        64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800,
        129060195264000, 10559470521600, 670442572800, 33522128640, 1323241920,
        40840800, 960960, 16380, 182, 1,
    ]  # fmt: skip
    one = _eye(A.size(-1), A)
    x2 = x @ x
    x4 = x2 @ x2
    x6 = x4 @ x2
    u = x6 @ (c[13] * x6 + c[11] * x4 + c[9] * x2)
    u = x @ (u + c[7] * x6 + c[5] * x4 + c[3] * x2 + c[1] * one)
    v = x6 @ (c[12] * x6 + c[10] * x4 + c[8] * x2)
    v = v + c[6] * x6 + c[4] * x4 + c[2] * x2 + c[0] * one
    result = solve(v - u, v + u)
    for _ in range(squarings):
        result = result @ result
    return result


def multi_dot(tensors: Any, *, out: Tensor | None = None) -> Tensor:
    """The product of matrices in the cheapest order; the first and last may be
    vectors."""
    given = _flat_args((tensors,))
    if len(given) < 2:
        raise RuntimeError("linalg.multi_dot(): expected at least 2 tensors")
    first, last = given[0].dim() == 1, given[-1].dim() == 1
    chain = list(given)
    if first:
        chain[0] = chain[0].unsqueeze(0)
    if last:
        chain[-1] = chain[-1].unsqueeze(-1)
    for i, t in enumerate(chain):
        if t.dim() != 2:
            raise RuntimeError(
                f"linalg.multi_dot(): tensor {i} must be 2D but got {given[i].dim()}D"
            )
    result = _cheapest(chain)
    if first:
        result = result.squeeze(0)
    if last:
        result = result.squeeze(-1)
    return _into(out, result)


def _cheapest(chain: list[Tensor]) -> Tensor:
    """The chain's product, split where the sum of costs is least."""
    n = len(chain)
    p = [t.size(0) for t in chain] + [chain[-1].size(1)]
    cost = [[0.0] * n for _ in range(n)]
    cut = [[0] * n for _ in range(n)]
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i][j], cut[i][j] = min(
                (cost[i][k] + cost[k + 1][j] + p[i] * p[k + 1] * p[j + 1], k)
                for k in range(i, j)
            )

    def product(i: int, j: int) -> Tensor:
        if i == j:
            return chain[i]
        return product(i, cut[i][j]) @ product(cut[i][j] + 1, j)

    return product(0, n - 1)


# ---- vectors
# --------------------------------------------------------------------------------
def cross(
    input: Tensor, other: Tensor, *, dim: int = -1, out: Tensor | None = None
) -> Tensor:
    """The cross product of vectors of 3 along dim."""
    if input.dim() != other.dim():
        raise RuntimeError(
            "linalg.cross: inputs must have the same number of dimensions."
        )
    if input.size(dim) != 3 or other.size(dim) != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got "
            f"{input.size(dim)} and {other.size(dim)}"
        )
    a1, a2 = input.roll(-1, dim), input.roll(-2, dim)
    b1, b2 = other.roll(-1, dim), other.roll(-2, dim)
    return _into(out, a1 * b2 - a2 * b1)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """Sums of products along dim; x is conjugated."""
    return _into(out, (x.conj() * y).sum(dim))


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """A diagonal of the last two dimensions, a view."""
    return A.diagonal(offset, dim1, dim2)


def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """Powers 0, 1, ... of vectors (..., n) as columns."""
    n = x.size(-1) if N is None else N
    if n <= 1:
        raise RuntimeError("linalg.vander: N must be greater than 1.")
    if x.dim() == 1:
        return _vander(x, n, increasing=True)
    if x.dim() == 0:
        x = x.reshape(1)
    if not (x.is_floating_point() or x.is_complex()):
        x = x.to(_C.int64)
    ones = _ops.ones_like(x).unsqueeze(-1)
    powers = x.unsqueeze(-1).expand(*x.shape, n - 1).cumprod(-1)
    return _ops.cat([ones, powers], -1)


def householder_product(
    input: Tensor, tau: Tensor, *, out: Tensor | None = None
) -> Tensor:
    """The first columns of the product of reflections I - tau v vᴴ."""
    m, n = input.shape[-2:]
    if m < n or n < tau.size(-1):
        raise RuntimeError(
            "torch.linalg.householder_product: input.shape[-2] must be greater than or "
            "equal to input.shape[-1], and that to tau.shape[-1], got "
            f"{tuple(input.shape)} and {tuple(tau.shape)}"
        )
    q = _eye(m, input)[:, :n].expand(*input.shape[:-2], m, n)
    place = _ops.arange(m, device=input.device)
    for i in reversed(range(tau.size(-1))):
        v = input[..., :, i].masked_fill(place < i, 0).masked_fill(place == i, 1)
        v = v.unsqueeze(-1)
        q = q - tau[..., i, None, None] * (v @ (v.mH @ q))
    return _into(out, q.clone() if tau.size(-1) == 0 else q)


# ---- tensors as matrices
# -----------------------------------------------------------------
def tensorinv(A: Tensor, ind: int = 2, *, out: Tensor | None = None) -> Tensor:
    """The inverse of A seen as a matrix of its first ind dimensions by the rest."""
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    rows, columns = list(A.shape[:ind]), list(A.shape[ind:])
    if math.prod(rows) != math.prod(columns):
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == "
            f"prod(self.shape[:ind]), but got {math.prod(columns)} != {math.prod(rows)}"
        )
    n = math.prod(rows)
    return _into(out, inv(A.reshape(n, n)).reshape(columns + rows))


def tensorsolve(
    A: Tensor, B: Tensor, dims: Any = None, *, out: Tensor | None = None
) -> Tensor:
    """x of tensordot(A, x, x.ndim) = B."""
    a = A
    if dims is not None:
        moved = [d % A.dim() for d in dims]
        a = A.permute([d for d in range(A.dim()) if d not in moved] + moved)
    shape = list(a.shape[B.dim() :])
    if math.prod(shape) != B.numel():
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            f"prod(self.shape[:other.ndim]), but got {math.prod(shape)} != {B.numel()}"
        )
    flat = a.reshape(B.numel(), B.numel())
    return _into(out, solve(flat, B.flatten()).reshape(shape))


__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "householder_product",
    "inv",
    "inv_ex",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_ex",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]
