"""Functions of the long tail that are formulas over other ops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from . import _C
from ._C import Tensor
from ._functional_shape import _into

_ops = _C._ops


def trace(input: Tensor) -> Tensor:
    """The sum of the diagonal of a matrix."""
    if input.dim() != 2:
        raise RuntimeError(
            f"trace: expected a matrix, but got shape {tuple(input.shape)}"
        )
    return input.diagonal().sum()


def kron(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Kronecker product: a block input[i, j] * other for every i, j."""
    n = max(input.dim(), other.dim())
    a = input.reshape([1] * (n - input.dim()) + list(input.shape))
    b = other.reshape([1] * (n - other.dim()) + list(other.shape))
    shape_a = [s for size in a.shape for s in (size, 1)]
    shape_b = [s for size in b.shape for s in (1, size)]
    sizes = [x * y for x, y in zip(a.shape, b.shape, strict=False)]
    return _into(out, (a.reshape(shape_a) * b.reshape(shape_b)).reshape(sizes))


def cross(
    input: Tensor, other: Tensor, dim: int | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The cross product of vectors of 3 along dim, by default the first of size 3."""
    if dim is None:
        if input.dim() != other.dim():
            raise RuntimeError(
                "linalg.cross: inputs must have the same number of dimensions."
            )
        found = [d for d, n in enumerate(input.shape) if n == 3]
        if not found:
            raise RuntimeError("no dimension of size 3 in input")
        dim = found[0]
    from .linalg import cross as along

    return _into(out, along(input, other, dim=dim))


# ---- distances
# --------------------------------------------------------------------------
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of input - other."""
    return (input - other).norm(p)


def cdist(
    x1: Tensor,
    x2: Tensor,
    p: float = 2.0,
    compute_mode: str | None = "use_mm_for_euclid_dist_if_necessary",
) -> Tensor:
    """p-norm distances between the rows of x1 (..., P, M) and x2 (..., R, M)."""
    if x1.dim() < 2 or x2.dim() < 2:
        raise RuntimeError(
            "cdist only supports at least 2D tensors, X1 and X2 got: "
            f"{x1.dim()}D and {x2.dim()}D"
        )
    if x1.size(-1) != x2.size(-1):
        raise RuntimeError(
            "X1 and X2 must have the same number of columns. "
            f"X1: {x1.size(-1)} X2: {x2.size(-1)}"
        )
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    modes = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist",
             "donot_use_mm_for_euclid_dist")  # fmt: skip
    if compute_mode is not None and compute_mode not in modes:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    large = max(x1.size(-2), x2.size(-2)) > 25 and compute_mode != modes[2]
    if p == 2 and (large or compute_mode == modes[1]):
        square = (x1 * x1).sum(-1, keepdim=True) + (x2 * x2).sum(-1).unsqueeze(-2)
        square = square - 2 * (x1 @ x2.mT)
        positive = square > 0
        root = square.masked_fill(~positive, 1).sqrt()
        return root.masked_fill(~positive, 0)
    gap = x1.unsqueeze(-2) - x2.unsqueeze(-3)
    if x1.size(-1) == 0:
        return gap.sum(-1)
    return _C._linalg.vector_norm(gap, p, -1)


def renorm(
    input: Tensor, p: float, dim: int, maxnorm: float, *, out: Tensor | None = None
) -> Tensor:
    """Slices along dim scaled down to a p-norm of at most maxnorm."""
    if input.dim() < 2:
        raise RuntimeError("renorm: input needs at least 2 dimensions")
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    over = [d for d in range(input.dim()) if d != dim % input.dim()]
    norm = _C._linalg.vector_norm(input, p, over, True)
    scale = _ops.where(norm > maxnorm, maxnorm / (norm + 1e-7), _ops.ones_like(norm))
    return _into(out, input * scale)


# ---- along a dimension
# ------------------------------------------------------------------
def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The n-th differences of neighbours along dim."""
    if input.dim() == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    parts = [t for t in (prepend, input, append) if t is not None]
    x = _ops.cat(parts, dim) if len(parts) > 1 else input
    for _ in range(min(n, x.size(dim))):
        m = max(x.size(dim) - 1, 0)
        high, low = x.narrow(dim, min(1, x.size(dim)), m), x.narrow(dim, 0, m)
        x = high ^ low if x.dtype == _C.bool else high - low
    return _into(out, x.clone() if n == 0 else x)


def _widths(y: Tensor, x: Tensor | None, dx: float, dim: int) -> Any:
    if x is None:
        return dx
    if x.dim() == 1:
        if x.size(0) != y.size(dim):
            raise RuntimeError(
                "trapezoid: There must be one `x` value for each sample point"
            )
        shape = [1] * y.dim()
        shape[dim] = -1
        return diff(x).reshape(shape)
    return diff(x, dim=dim if x.dim() == y.dim() else -1)


def trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1
) -> Tensor:
    """The integral along dim by the trapezoidal rule."""
    n = y.size(dim)
    if n == 0:
        return y.sum(dim)
    middle = (y.narrow(dim, 1, n - 1) + y.narrow(dim, 0, n - 1)) * 0.5
    return (middle * _widths(y, x, dx, dim)).sum(dim)


def trapz(
    y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1
) -> Tensor:
    """The older name of `trapezoid`."""
    return trapezoid(y, x, dx=dx, dim=dim)


def cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1
) -> Tensor:
    """Running integrals along dim by the trapezoidal rule."""
    n = y.size(dim)
    middle = (y.narrow(dim, 1, n - 1) + y.narrow(dim, 0, n - 1)) * 0.5
    return (middle * _widths(y, x, dx, dim)).cumsum(dim)


def gradient(
    input: Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1
) -> tuple[Tensor, ...]:
    """Central differences along dims, one-sided at the ends.

    spacing: a distance, one per dim, or the coordinates along each dim.
    """
    dims = list(range(input.dim())) if dim is None else dim
    dims = [dims] if isinstance(dims, int) else list(dims)
    for d in dims:
        if not -input.dim() <= d < input.dim():
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-input.dim()}, "
                f"{input.dim() - 1}], but got {d})"
            )
    dims = [d % input.dim() for d in dims]
    for d in dims:
        if dims.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    spacing = 1 if spacing is None else spacing
    if not isinstance(spacing, (list, tuple)):
        spacing = [spacing] * len(dims)
    if len(spacing) != len(dims):
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar, or as long "
            "as "
            f"dim ({len(dims)}), got {len(spacing)}"
        )
    if edge_order not in (1, 2):
        raise RuntimeError(
            "torch.gradient only supports edge_order=1 and edge_order=2."
        )
    return tuple(
        _gradient_along(input, d, h, edge_order)
        for d, h in zip(dims, spacing, strict=False)
    )


def _gradient_along(x: Tensor, d: int, h: Any, order: int) -> Tensor:
    n = x.size(d)
    if n < order + 1:
        raise RuntimeError(
            "torch.gradient expected each dimension size to be at least edge_order+1"
        )
    if isinstance(h, Tensor) and h.dim() == 1:
        shape = [1] * x.dim()
        shape[d] = -1
        steps = diff(h).reshape(shape)
    else:
        shape = [1] * x.dim()
        shape[d] = n - 1
        one = _ops.ones(shape, dtype=x.dtype, device=x.device)
        steps = one * h
    slopes = diff(x, dim=d) / steps

    def at(t: Tensor, i: int, m: int = 1) -> Tensor:
        return t.narrow(d, i, m)

    parts = []
    if n > 2:
        left, right = at(steps, 0, n - 2), at(steps, 1, n - 2)
        inner = at(slopes, 0, n - 2) * right + at(slopes, 1, n - 2) * left
        parts = [inner / (left + right)]
    if order == 1 or n < 3:
        first, last = at(slopes, 0), at(slopes, n - 2)
    else:
        bend = (at(slopes, 1) - at(slopes, 0)) / (at(steps, 0) + at(steps, 1))
        first = at(slopes, 0) - bend * at(steps, 0)
        bend = (at(slopes, n - 2) - at(slopes, n - 3)) / (
            at(steps, n - 2) + at(steps, n - 3)
        )
        last = at(slopes, n - 2) + bend * at(steps, n - 2)
    return _ops.cat([first, *parts, last], d)


# ---- statistics
# ---------------------------------------------------------------------------
def cov(
    input: Tensor,
    *,
    correction: int = 1,
    fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:
    """The covariances of variables (rows) over observations (columns)."""
    if input.dim() > 2:
        raise RuntimeError(
            "cov(): expected input to have two or fewer dimensions but got an input "
            f"with {input.dim()} dimensions"
        )
    if input.dtype == _C.bool:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x = input.reshape(1, -1) if input.dim() < 2 else input
    if not (x.is_floating_point() or x.is_complex()):
        x = x.to(_C.get_default_dtype())
    w = _weights(x, fweights, aweights)
    if w is None:
        total: Any = x.size(1)
        mean = x.mean(1, keepdim=True) if x.size(1) else x.sum(1, keepdim=True)
    else:
        total = w.sum()
        mean = (x * w).sum(1, keepdim=True) / total
    norm = total - correction
    if aweights is not None and w is not None and correction:
        norm = total - correction * (w * aweights).sum() / total
    centred = x - mean
    weighted = centred if w is None else centred * w
    norm = norm.clamp(min=0) if isinstance(norm, Tensor) else max(norm, 0)
    product = weighted @ centred.mH
    return (product / norm).squeeze()


def _weights(x: Tensor, fweights: Any, aweights: Any) -> Tensor | None:
    for name, w in (("fweights", fweights), ("aweights", aweights)):
        if w is None:
            continue
        if w.dim() > 1 or w.numel() != x.size(1):
            raise RuntimeError(
                f"cov(): expected {name} to have one or fewer dimensions and as many "
                f"elements as there are observations ({x.size(1)}), got shape "
                f"{tuple(w.shape)}"
            )
        counts = not (w.is_floating_point() or w.is_complex() or w.dtype == _C.bool)
        if counts != (name == "fweights"):
            kind = "an integral" if name == "fweights" else "a floating point"
            raise RuntimeError(
                f"cov(): expected {name} to have {kind} dtype but got {w.dtype}"
            )
        if w.numel() and bool((w < 0).any()):
            raise RuntimeError(f"cov(): {name} cannot be negative")
    if fweights is None or aweights is None:
        w = fweights if aweights is None else aweights
        return w
    return fweights * aweights


def corrcoef(input: Tensor) -> Tensor:
    """The correlations of variables (rows) over observations (columns)."""
    if input.dim() > 2:
        raise RuntimeError(
            "corrcoef(): expected input to have two or fewer dimensions but got an "
            f"input with {input.dim()} dimensions"
        )
    c = cov(input)
    if c.dim() == 0:
        return c / c
    d = c.diagonal()
    root = (d.real if d.is_complex() else d).sqrt()
    c = c / root.unsqueeze(1) / root.unsqueeze(0)
    if c.is_complex():
        return _ops.complex(c.real.clamp(-1, 1), c.imag.clamp(-1, 1))
    return c.clamp(-1, 1)


# ---- elementwise
# ---------------------------------------------------------------------------
def nan_to_num(
    input: Tensor,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """NaN and infinities replaced: by 0 and the dtype's extremes unless given."""
    if input.is_complex():
        parts = (nan_to_num(p, nan, posinf, neginf) for p in (input.real, input.imag))
        return _into(out, _ops.complex(*parts))
    if not input.is_floating_point():
        return _into(out, input.clone())
    from ._type_info import finfo

    limits = finfo(input.dtype)
    high = limits.max if posinf is None else posinf
    low = limits.min if neginf is None else neginf
    x = input.masked_fill(input.isnan(), 0.0 if nan is None else nan)
    x = x.masked_fill(input == math.inf, high)
    return _into(out, x.masked_fill(input == -math.inf, low))


def nan_to_num_(
    input: Tensor,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
) -> Tensor:
    """`nan_to_num`, in place."""
    return input.copy_(nan_to_num(input, nan, posinf, neginf))


def frexp(input: Tensor, *, out: Any = None) -> Any:
    """(mantissa, exponent): input = mantissa * 2**exponent, 0.5 <= |mantissa| < 1."""
    from .return_types import frexp as result_type

    if not input.is_floating_point():
        raise RuntimeError(
            f"torch.frexp() only supports floating-point dtypes, got {input.dtype}"
        )
    with _C._GradGuard(0, -1):
        x = input.detach()
        fine = x.isfinite() & (x != 0)
        size = x.abs().masked_fill(~fine, 1).to(_C.float64)
        exponent = size.log2().floor() + 1
        # The logarithm of a number just below a power of two may round up to it.
        exponent = exponent - ((size / exponent.exp2()) < 0.5).to(_C.float64)
        exponent = exponent + ((size / exponent.exp2()) >= 1.0).to(_C.float64)
        exponent = exponent.masked_fill(~fine, 0)
        scale = (-exponent).exp2()
        power = exponent.to(_C.int32)
    mantissa = (input.to(_C.float64) * scale).to(input.dtype)
    if out is not None:
        return result_type((_into(out[0], mantissa), _into(out[1], power)))
    return result_type((mantissa, power))


def mvlgamma(input: Tensor, p: int, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension p."""
    if p < 1:
        raise RuntimeError(f"p has to be greater than or equal to 1, got {p}")
    if not input.is_floating_point():
        input = input.to(_C.get_default_dtype())
    shift = _ops.arange(p, dtype=input.dtype, device=input.device) * 0.5
    terms = (input.unsqueeze(-1) - shift).lgamma()
    constant = p * (p - 1) * 0.25 * math.log(math.pi)
    return _into(out, terms.sum(-1) + constant)


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Powers of a vector as columns, from the highest unless increasing."""
    if x.dim() != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    n = x.size(0) if N is None else N
    if n < 0:
        raise RuntimeError("N must be non-negative.")
    if not (x.is_floating_point() or x.is_complex()):
        x = x.to(_C.int64)
    if n == 0:
        return x.new_empty((x.size(0), 0))
    ones = _ops.ones_like(x).unsqueeze(1)
    if n == 1:
        return ones
    powers = _ops.cumprod(x.unsqueeze(1).expand(x.size(0), n - 1), 1)
    result = _ops.cat([ones, powers], 1)
    return result if increasing else result.flip(1)


# ---- windows
# --------------------------------------------------------------------------------
def _window(
    length: int, periodic: bool, weights: Sequence[float], options: dict[str, Any]
) -> Tensor:
    """Sums of cosines: weights[k] * cos(2 pi k i / n)."""
    requires_grad = options.pop("requires_grad", False)
    options.pop("layout", None)
    options.pop("pin_memory", None)
    if length < 0:
        raise RuntimeError(f"window_length must be non-negative, got {length}")
    dtype = options.get("dtype") or _C.get_default_dtype()
    if not dtype.is_floating_point:
        raise RuntimeError(
            f"window functions expect a floating point dtype, got {dtype}"
        )
    n = length if periodic else length - 1
    if length == 1:
        window = _ops.ones(1, **options)
    else:
        wide = {**options, "dtype": _C.float64}
        angle = _ops.arange(length, **wide) * (2 * math.pi / max(n, 1))
        total = _ops.zeros(length, **wide)
        for k, w in enumerate(weights):
            total = total + w * (k * angle).cos()
        window = total.to(dtype)
    return window.requires_grad_() if requires_grad else window


def hann_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """A raised cosine of window_length points."""
    return _window(window_length, periodic, (0.5, -0.5), options)


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    **options: Any,
) -> Tensor:
    """alpha - beta cos of window_length points."""
    return _window(window_length, periodic, (alpha, -beta), options)


def blackman_window(
    window_length: int, periodic: bool = True, **options: Any
) -> Tensor:
    """Blackman's window of window_length points."""
    return _window(window_length, periodic, (0.42, -0.5, 0.08), options)


def bartlett_window(
    window_length: int, periodic: bool = True, **options: Any
) -> Tensor:
    """A triangle of window_length points."""
    if window_length <= 1:
        return _ops.ones(window_length, **options)
    n = window_length if periodic else window_length - 1
    x = _ops.arange(window_length, **{"dtype": _C.get_default_dtype(), **options})
    return 1 - (2 * x / n - 1).abs()


def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, **options: Any
) -> Tensor:
    """Kaiser's window of window_length points."""
    if window_length <= 1:
        return _ops.ones(window_length, **options)
    n = window_length if periodic else window_length - 1
    x = _ops.arange(window_length, **{"dtype": _C.get_default_dtype(), **options})
    ratio = 2 * x / n - 1
    top = _ops.i0(beta * (1 - ratio * ratio).clamp(min=0).sqrt())
    return top / _ops.i0(_C.tensor(beta, dtype=x.dtype, device=x.device))


# ---- random
# ---------------------------------------------------------------------------------
def poisson(input: Tensor, generator: Any = None) -> Tensor:
    """Numbers of Poisson distributions with the rates `input`."""
    if input.numel() and bool((input < 0).any()):
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    with _C._GradGuard(0, -1):
        rate = input.to(_C.float64)
        # Arrivals within a unit of time, in batches until every process has passed it.
        time, count = _ops.zeros_like(rate), _ops.zeros_like(rate)
        if rate.numel() == 0:
            return input.clone()
        while True:
            step = _ops.empty_like(rate).exponential_(generator=generator)
            time = time + step
            live = time <= rate
            if not bool(live.any()):
                return count.to(input.dtype)
            count = count + live.to(_C.float64)


def binomial(count: Tensor, prob: Tensor, generator: Any = None) -> Tensor:
    """How many of `count` trials succeed, each with probability `prob`."""
    from ._functional_shape import broadcast_tensors

    n, p = broadcast_tensors(count, prob)
    with _C._GradGuard(0, -1):
        most = int(n.max()) if n.numel() else 0
        hits = _ops.zeros_like(n)
        for i in range(most):
            u = _ops.empty_like(hits).uniform_(generator=generator)
            hits = hits + ((u < p) & (n > i)).to(hits.dtype)
    return hits


__all__ = [
    "bartlett_window",
    "binomial",
    "blackman_window",
    "cdist",
    "corrcoef",
    "cov",
    "cross",
    "cumulative_trapezoid",
    "diff",
    "dist",
    "frexp",
    "gradient",
    "hamming_window",
    "hann_window",
    "kaiser_window",
    "kron",
    "mvlgamma",
    "nan_to_num",
    "nan_to_num_",
    "poisson",
    "renorm",
    "trace",
    "trapezoid",
    "trapz",
    "vander",
]
