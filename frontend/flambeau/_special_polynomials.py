"""Orthogonal polynomials by their recurrences, elementwise in degree and argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import _C
from ._C import Tensor
from ._functional_shape import _into, broadcast_tensors

_ops = _C._ops

# step(k, x, p, q): the polynomial of degree k + 1 from those of degrees k and k - 1.
_Step = Callable[[int, Tensor, Tensor, Tensor], Tensor]
_First = Callable[[Tensor], Tensor]


def _floating(x: Any, like: Any) -> Tensor:
    device = like.device if isinstance(like, Tensor) else None
    t = x if isinstance(x, Tensor) else _C.tensor(x, device=device)
    if t.is_floating_point():
        return t
    return t.to(_C.get_default_dtype())


def _polynomial(name: str, doc: str, first: _First, step: _Step) -> Any:
    def polynomial(input: Any, n: Any, *, out: Tensor | None = None) -> Tensor:
        if not isinstance(input, Tensor) and not isinstance(n, Tensor):
            raise TypeError(f"{name}: expected a Tensor for 'input' or 'n'")
        x = _floating(input, n)
        degree = n if isinstance(n, Tensor) else _C.tensor(n, device=x.device)
        if degree.is_floating_point() and isinstance(input, Tensor):
            x = x.to(_C.promote_types(x.dtype, degree.dtype))
        x, degree = broadcast_tensors(x, degree.detach().trunc().to(_C.int64))
        most = int(degree.max()) if degree.numel() else 0
        before, now = _ops.ones_like(x), first(x)
        result = _ops.where(degree == 0, before, _ops.zeros_like(x))
        for k in range(1, most + 1):
            result = _ops.where(degree == k, now, result)
            if k < most:
                before, now = now, step(k, x, now, before)
        return _into(out, result)

    polynomial.__name__ = polynomial.__qualname__ = name
    polynomial.__doc__ = f"{doc} of degree n at each element; 0 for n < 0."
    return polynomial


def _chebyshev(x: Tensor, p: Tensor, q: Tensor) -> Tensor:
    return 2 * x * p - q


def _shifted(first: _First) -> _First:
    return lambda x: first(2 * x - 1)


def _kinds() -> dict[str, _First]:
    return {
        "t": lambda x: x,
        "u": lambda x: 2 * x,
        "v": lambda x: 2 * x - 1,
        "w": lambda x: 2 * x + 1,
    }


for _kind, _start in _kinds().items():
    _name = f"chebyshev_polynomial_{_kind}"
    globals()[_name] = _polynomial(
        _name,
        f"The Chebyshev polynomial {_kind.upper()}",
        _start,
        lambda k, x, p, q: _chebyshev(x, p, q),
    )
    _name = f"shifted_chebyshev_polynomial_{_kind}"
    globals()[_name] = _polynomial(
        _name,
        f"The Chebyshev polynomial {_kind.upper()} of 2x - 1",
        _shifted(_start),
        lambda k, x, p, q: _chebyshev(2 * x - 1, p, q),
    )
hermite_polynomial_h = _polynomial(
    "hermite_polynomial_h",
    "The physicist's Hermite polynomial",
    lambda x: 2 * x,
    lambda k, x, p, q: 2 * x * p - 2 * k * q,
)
hermite_polynomial_he = _polynomial(
    "hermite_polynomial_he",
    "The probabilist's Hermite polynomial",
    lambda x: x,
    lambda k, x, p, q: x * p - k * q,
)
laguerre_polynomial_l = _polynomial(
    "laguerre_polynomial_l",
    "The Laguerre polynomial",
    lambda x: 1 - x,
    lambda k, x, p, q: ((2 * k + 1 - x) * p - k * q) / (k + 1),
)
legendre_polynomial_p = _polynomial(
    "legendre_polynomial_p",
    "The Legendre polynomial",
    lambda x: x,
    lambda k, x, p, q: ((2 * k + 1) * x * p - k * q) / (k + 1),
)

__all__ = [
    *(f"chebyshev_polynomial_{k}" for k in "tuvw"),
    "hermite_polynomial_h",
    "hermite_polynomial_he",
    "laguerre_polynomial_l",
    "legendre_polynomial_p",
    *(f"shifted_chebyshev_polynomial_{k}" for k in "tuvw"),
]
