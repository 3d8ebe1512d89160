"""The parametrizations that everyone needs: orthogonal, weight and spectral norm."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau._C import Tensor

from .. import functional as F
from ..modules.module import Module
from .parametrize import register_parametrization
from .spectral_norm import _output_dim
from .weight_norm import norm_except_dim

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


class _WeightNorm(Module):
    """g v / |v|, with g the norms over all dimensions but `dim`."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return weight_v * (weight_g / norm_except_dim(weight_v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except_dim(weight, self.dim), weight


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Make a parameter the product of its lengths by slices of `dim` and directions.

    The parameters trained are `parametrizations.weight.original0` (lengths) and
    `original1` (directions). State dicts of `nn.utils.weight_norm` load.
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def compatible(state_dict: Any, prefix: str, *rest: Any) -> None:
        old = (f"{prefix}{name}_g", f"{prefix}{name}_v")
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                new = f"{prefix}parametrizations.{name}.original{i}"
                state_dict[new] = state_dict.pop(key)

    module._register_load_state_dict_pre_hook(compatible)
    return module


class _SpectralNorm(Module):
    """A weight over its largest singular value, by the power method."""

    def __init__(
        self,
        weight: Tensor,
        n_power_iterations: int = 1,
        dim: int = 0,
        eps: float = 1e-12,
    ) -> None:
        super().__init__()
        ndim = weight.dim()
        if not -ndim <= dim < ndim:
            raise IndexError(
                "Dimension out of range (expected to be in range of "
                f"[-{ndim}, {ndim - 1}] but got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                "Expected n_power_iterations to be positive, but got "
                f"n_power_iterations={n_power_iterations}"
            )
        self.dim = dim if dim >= 0 else dim + ndim
        self.eps = eps
        if ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = self._matrix(weight)
            rows, columns = matrix.shape
            u = matrix.new_empty(rows).normal_(0, 1)
            v = matrix.new_empty(columns).normal_(0, 1)
            self.register_buffer("_u", F.normalize(u, dim=0, eps=eps))
            self.register_buffer("_v", F.normalize(v, dim=0, eps=eps))
            self._power_method(matrix, 15)

    def _matrix(self, weight: Tensor) -> Tensor:
        if self.dim != 0:
            weight = weight.movedim(self.dim, 0)
        return weight.flatten(1)

    def _power_method(self, matrix: Tensor, steps: int) -> None:
        with flambeau.no_grad():
            for _ in range(steps):
                self._u.copy_(F.normalize(matrix @ self._v, dim=0, eps=self.eps))
                self._v.copy_(F.normalize(matrix.t() @ self._u, dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.dim() == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._matrix(weight)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        # The graph of this call must not see the next call's changes.
        u, v = self._u.clone(), self._v.clone()
        return weight / u.dot(matrix @ v)

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(
    module: Any,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Any:
    """Divide a parameter by its largest singular value.

    dim: the dimension of the outputs; 1 for transposed convolutions, else 0.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(
            f"Module '{module}' has no parameter or buffer with name '{name}'"
        )
    if dim is None:
        dim = _output_dim(module)
    norm = _SpectralNorm(weight, n_power_iterations, dim, eps)
    return register_parametrization(module, name, norm)


class _Orthogonal(Module):
    """A matrix with orthonormal rows or columns, from one without constraints.

    orthogonal_map: "matrix_exp" and "cayley" of a skew-symmetric matrix, or
    "householder" products. base: an orthogonal matrix that the map starts at, so that
    any one can be reached and assigned.
    """

    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, use_base: bool) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ValueError(
                "The householder parametrization does not support complex tensors."
            )
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        base = None
        if use_base:
            n, k = weight.size(-2), weight.size(-1)
            tall = weight if n >= k else weight.mT
            base = _complete(tall.detach())
        self.register_buffer("base", base)

    def forward(self, x: Tensor) -> Tensor:
        n, k = x.size(-2), x.size(-1)
        wide = n < k
        if wide:
            x, n, k = x.mT, k, n
        if self.orthogonal_map == "householder":
            q = _householder(x)
        else:
            q = self._of_skew(x, n, k)
        return q.mT if wide else q

    def _of_skew(self, x: Tensor, n: int, k: int) -> Tensor:
        low = x.tril()
        if n != k:
            blank = x.new_zeros(*x.shape[:-2], n, n - k)
            low = flambeau.cat([low, blank], -1)
        skew = low - low.mH
        if self.orthogonal_map == "matrix_exp":
            q = flambeau.linalg.matrix_exp(skew)
        else:
            eye = flambeau.eye(n, dtype=x.dtype, device=x.device)
            q = flambeau.linalg.solve(eye + skew * 0.5, eye - skew * 0.5)
        q = q[..., :k]
        return q if self.base is None else self.base @ q

    def right_inverse(self, q: Tensor) -> Tensor:
        if q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a "
                f"tensor of shape {q.shape}."
            )
        n, k = q.size(-2), q.size(-1)
        tall = q if n >= k else q.mT
        if self.base is None:
            result = _reflectors(tall)
            return result if n >= k else result.mT
        size = min(n, k)
        self.base = _complete(tall)
        # The skew part is zero; its diagonal, which the map drops, marks the form.
        blank = flambeau.zeros_like(tall)
        blank.diagonal(dim1=-2, dim2=-1)[..., :size].fill_(1.0)
        return blank if n >= k else blank.mT


def _complete(tall: Tensor) -> Tensor:
    """A square orthogonal matrix whose first columns span and match `tall`'s."""
    n, k = tall.size(-2), tall.size(-1)
    q, r = flambeau.linalg.qr(tall, mode="complete" if n != k else "reduced")
    signs = r.diagonal(dim1=-2, dim2=-1).sgn()
    q = q.clone()
    q[..., :k] = q[..., :k] * signs.unsqueeze(-2)
    return q


def _householder(x: Tensor) -> Tensor:
    """The product of the reflections whose vectors lie below x's diagonal."""
    low = x.tril(-1)
    k = x.size(-1)
    eye = flambeau.eye(x.size(-2), k, dtype=x.dtype, device=x.device)
    vectors = low + eye
    tau = 2.0 / (1.0 + (low * low).sum(-2))
    q = eye.expand_as(x)
    for i in range(k - 1, -1, -1):
        v = vectors[..., i : i + 1]
        q = q - tau[..., i : i + 1].unsqueeze(-1) * v @ (v.mT @ q)
    return q * x.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)


def _reflectors(q: Tensor) -> Tensor:
    """The reflections' vectors, below a diagonal of signs, whose product is q."""
    rest = q.clone()
    out = flambeau.zeros_like(q)
    k = q.size(-1)
    for i in range(k):
        column = rest[..., i:, i]
        alpha = column[..., :1]
        sign = flambeau.where(alpha >= 0, 1.0, -1.0).to(q.dtype)
        length = column.norm(2, -1, keepdim=True)
        head = alpha + sign * length
        v = column / head
        v[..., 0] = 1.0
        out[..., i + 1 :, i] = v[..., 1:]
        tau = 2.0 / (v * v).sum(-1, keepdim=True)
        v = v.unsqueeze(-1)
        block = rest[..., i:, i:]
        rest[..., i:, i:] = block - tau.unsqueeze(-1) * v @ (v.mT @ block)
    signs = rest.diagonal(dim1=-2, dim2=-1).sign()
    out.diagonal(dim1=-2, dim2=-1).copy_(signs)
    return out


def orthogonal(
    module: Any,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Any:
    """Keep a matrix, or a batch of them, orthogonal: orthonormal rows or columns.

    orthogonal_map: "matrix_exp", "cayley" or "householder"; if None, "matrix_exp" for
    square and complex matrices and "householder" for others.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(
            f"Module '{module}' has no parameter or buffer with name '{name}'"
        )
    if weight.dim() < 2:
        raise ValueError(
            "Expected a matrix or batch of matrices. Got a tensor of "
            f"{weight.dim()} dimensions."
        )
    if orthogonal_map is None:
        square = weight.size(-2) == weight.size(-1)
        plain = square or weight.is_complex()
        orthogonal_map = "matrix_exp" if plain else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(
            'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". '
            f"Got: {orthogonal_map}"
        )
    base = use_trivialization and orthogonal_map != "householder"
    q = _Orthogonal(weight, orthogonal_map, base)
    return register_parametrization(module, name, q, unsafe=True)
