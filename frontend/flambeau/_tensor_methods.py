"""Methods of Tensor that are functions of `flambeau.functional`, loaded when called."""

from __future__ import annotations

from . import _C
from ._C import Tensor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NAMES = """
allclose corrcoef cov cross diff dist equal frexp histogram isclose isreal kron mode
mvlgamma nan_to_num nan_to_num_ nanquantile quantile renorm trace unique
unique_consecutive det inverse logdet matrix_exp matrix_power pinverse slogdet cholesky
cholesky_inverse cholesky_solve qr svd lu lu_solve triangular_solve orgqr stft istft
hardshrink logit narrow_copy nonzero_static
""".split()
# In place: the result is written back.
_INPLACE = """logit mvlgamma renorm""".split()


def _method(name: str) -> Any:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        from . import functional

        return getattr(functional, name)(self, *args, **kwargs)

    method.__name__ = name
    method.__qualname__ = f"Tensor.{name}"
    method.__doc__ = f"`flambeau.{name}` of this tensor."
    return method


def _inplace(name: str) -> Any:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        from . import functional

        result = getattr(functional, name)(self, *args, **kwargs)
        if result.is_floating_point() and not (
            self.is_floating_point() or self.is_complex()
        ):
            raise RuntimeError(
                f"{name}_: result type {result.dtype} can't be cast to the desired "
                f"output type {self.dtype}"
            )
        return self.copy_(result)

    method.__name__ = name + "_"
    method.__qualname__ = f"Tensor.{name}_"
    method.__doc__ = f"`flambeau.{name}`, in place."
    return method


def _sum_to_size(self: Tensor, *size: Any) -> Tensor:
    """Sum over the dimensions that a tensor of this size was broadcast along."""
    target = tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else size
    lead = self.dim() - len(target)
    fits = lead >= 0 and all(
        n in (1, have)
        for n, have in zip(target, self.shape[max(lead, 0) :], strict=False)
    )
    if not fits:
        raise RuntimeError(
            f"size {{{list(target)}}} is not expandable to size {{{list(self.shape)}}}."
        )
    over = [d for d in range(self.dim()) if d < lead or target[d - lead] == 1]
    over = [d for d in over if d < lead or self.size(d) != 1]
    result = self.sum(over, keepdim=True) if over else self
    if not (result.is_floating_point() or result.is_complex()):
        result = result.to(_C.int64)
    return result.reshape(target)


def _is_same_size(self: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape."""
    return self.shape == other.shape


for _n in _NAMES:
    if not hasattr(Tensor, _n):
        setattr(Tensor, _n, _method(_n))
for _n in _INPLACE:
    setattr(Tensor, _n + "_", _inplace(_n))
Tensor.sum_to_size = _sum_to_size
Tensor.__rdiv__ = Tensor.__rtruediv__  # type: ignore[attr-defined]
Tensor.is_same_size = _is_same_size
