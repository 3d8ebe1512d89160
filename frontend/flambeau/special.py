"""Special functions: records under PyTorch's names, and formulas over them."""

from __future__ import annotations

import math

from . import _C
from . import _special_polynomials as _polynomials
from ._C import Tensor
from ._functional_math import mvlgamma
from ._functional_shape import _into
from ._special_polynomials import *  # noqa: F403

_ops = _C._ops
_special = _C._special

digamma = psi = _ops.digamma
erf = _ops.erf
erfc = _ops.erfc
erfinv = _ops.erfinv
exp2 = _ops.exp2
expit = _ops.sigmoid
expm1 = _ops.expm1
gammainc = _ops.igamma
gammaincc = _ops.igammac
gammaln = _ops.lgamma
i0 = _ops.i0
i0e = _special.i0e
i1 = _special.i1
i1e = _special.i1e
log1p = _ops.log1p
log_ndtr = _special.log_ndtr
logsumexp = _ops.logsumexp
multigammaln = mvlgamma
ndtri = _special.ndtri
polygamma = _ops.polygamma
round = _ops.round
sinc = _ops.sinc
xlog1py = _special.xlog1py
xlogy = _ops.xlogy
zeta = _special.zeta


def _real(input: Tensor) -> Tensor:
    """The values as floating point numbers."""
    if input.is_floating_point() or input.is_complex():
        return input
    return input.to(_C.get_default_dtype())


def softmax(input: Tensor, dim: int, *, dtype: _C.dtype | None = None) -> Tensor:
    """Exponentials along dim, divided by their sum."""
    return _ops.softmax(input, dim, dtype)


def log_softmax(input: Tensor, dim: int, *, dtype: _C.dtype | None = None) -> Tensor:
    """The logarithm of `softmax`."""
    return _ops.log_softmax(input, dim, dtype)


def logit(
    input: Tensor, eps: float | None = None, *, out: Tensor | None = None
) -> Tensor:
    """log(x / (1 - x)), x first clamped to [eps, 1 - eps] when eps is given."""
    x = _real(input)
    if eps is not None:
        x = x.clamp(eps, 1 - eps)
    return _into(out, (x / (1 - x)).log())


def entr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """-x log(x); 0 at 0 and -inf below."""
    x = _real(input)
    positive = x > 0
    safe = x.masked_fill(~positive, 1)
    value = (-safe * safe.log()).masked_fill(~positive, 0)
    value = value.masked_fill(x < 0, -math.inf)
    return _into(out, _ops.where(x.isnan(), x, value))


def erfcx(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """exp(x²) erfc(x), without overflow where x is large.

    By Φ, the normal distribution: erfc(x) = 2 Φ(-x √2), and log Φ is exact in its tail.
    """
    x = _real(input)
    wide = x.to(_C.float64)
    value = (wide * wide + log_ndtr(-wide * math.sqrt(2)) + math.log(2)).exp()
    return _into(out, value.to(x.dtype))


def ndtr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The area under the normal distribution up to x."""
    return _into(out, (_real(input) * -math.sqrt(0.5)).erfc() * 0.5)


__all__ = [
    *_polynomials.__all__,
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfcx",
    "erfinv",
    "exp2",
    "expit",
    "expm1",
    "gammainc",
    "gammaincc",
    "gammaln",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "log1p",
    "log_ndtr",
    "log_softmax",
    "logit",
    "logsumexp",
    "multigammaln",
    "ndtr",
    "ndtri",
    "polygamma",
    "psi",
    "round",
    "sinc",
    "softmax",
    "xlog1py",
    "xlogy",
    "zeta",
]
