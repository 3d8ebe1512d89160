"""Functions that compare tensors, find values in them, or count them."""

from __future__ import annotations

from typing import Any

from . import _C
from ._C import Tensor
from ._functional_shape import _into

_ops = _C._ops

_COUNTABLE = (_C.uint8, _C.int8, _C.int16, _C.int32, _C.int64)


def _check_close(name: str, a: Tensor, b: Tensor, rtol: float, atol: float) -> None:
    for given in (a, b):
        if not isinstance(given, Tensor):
            raise TypeError(f"{name}: expected Tensors, got {type(given).__name__}")
    if a.dtype != b.dtype:
        raise RuntimeError(
            f"{name}: expected 'input' and 'other' to have the same dtype, got "
            f"{a.dtype} and {b.dtype}"
        )
    if rtol < 0 or atol < 0:
        raise RuntimeError(
            f"{name}: rtol and atol must be greater than or equal to zero, but got "
            f"{rtol} and {atol}"
        )


def isclose(
    input: Tensor,
    other: Tensor,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> Tensor:
    """Where |input - other| <= atol + rtol * |other|, or both are the same infinity."""
    _check_close("isclose", input, other, rtol, atol)
    close = input == other
    if equal_nan and (input.is_floating_point() or input.is_complex()):
        close = close | (input.isnan() & other.isnan())
    if rtol == 0 and atol == 0:
        return close
    if input.dtype == _C.bool:
        input, other = input.to(_C.uint8), other.to(_C.uint8)
    if not (input.is_floating_point() or input.is_complex()):
        gap = (input - other).abs().to(_C.get_default_dtype())
        return close | (gap <= atol + (rtol * other).abs())
    gap = (input - other).abs()
    return close | (gap.isfinite() & (gap <= atol + (rtol * other).abs()))


def allclose(
    input: Tensor,
    other: Tensor,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> bool:
    """Whether `isclose` holds everywhere."""
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape and the same values; NaN equals nothing."""
    if input.dtype != other.dtype:
        raise RuntimeError(
            f"Expected object of data type {input.dtype} but got data type "
            f"{other.dtype} for argument #2 'other' in call to equal"
        )
    if input.device != other.device:
        raise RuntimeError(
            "Cannot compare two tensors on different devices. Got: "
            f"{input.device} and {other.device}"
        )
    return input.shape == other.shape and bool((input == other).all())


def isreal(input: Tensor) -> Tensor:
    """Where the imaginary part is zero."""
    if input.is_complex():
        return input.imag == 0
    return _ops.ones_like(input, dtype=_C.bool)


def isin(
    elements: Any,
    test_elements: Any,
    *,
    assume_unique: bool = False,
    invert: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Where elements are among test_elements; either may be a number."""
    if not isinstance(elements, Tensor) and not isinstance(test_elements, Tensor):
        raise TypeError("isin: expected a Tensor for 'elements' or 'test_elements'")
    if not isinstance(elements, Tensor):
        elements = _C.tensor(elements, device=test_elements.device)
    if not isinstance(test_elements, Tensor):
        test_elements = _C.tensor(test_elements, device=elements.device)
    dtype = _C.promote_types(elements.dtype, test_elements.dtype)
    values = elements.to(dtype)
    known = test_elements.to(dtype).flatten().sort()[0]
    if known.numel() == 0:
        found = _ops.zeros_like(values, dtype=_C.bool)
    else:
        at = _ops.searchsorted(known, values).clamp(max=known.numel() - 1)
        found = known[at] == values
    return _into(out, ~found if invert else found)


# ---- distinct values
# -------------------------------------------------------------------
def _changes(rows: Tensor) -> Tensor:
    """Where, along dim 0, a row differs from the one before; the first does."""
    n = rows.size(0)
    new = _ops.ones(n, dtype=_C.bool, device=rows.device)
    if n > 1:
        differ = rows[1:] != rows[:-1]
        new[1:] = differ.flatten(1).any(1) if differ.dim() > 1 else differ
    return new


def _runs(new: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Where runs start, which run each row is in, and how long each is."""
    starts = new.nonzero().flatten()
    inverse = new.to(_C.int64).cumsum(0) - 1
    ends = _ops.cat([starts[1:], starts.new_full((1,), n)]) if n else starts
    return starts, inverse, ends - starts


def _result(
    values: Tensor,
    inverse: Tensor,
    counts: Tensor,
    want_inverse: bool,
    want_counts: bool,
) -> Any:
    if want_inverse and want_counts:
        return values, inverse, counts
    if want_inverse:
        return values, inverse
    return (values, counts) if want_counts else values


def _sort_rows(rows: Tensor) -> Tensor:
    """The order that sorts rows (n, ...) lexicographically, stable."""
    flat = rows.reshape(rows.size(0), -1)
    order = _ops.arange(flat.size(0), device=rows.device)
    for column in reversed(range(flat.size(1))):
        key = flat[:, column][order]
        order = order[key.argsort(stable=True)]
    return order


def _by_dim(input: Tensor, dim: int) -> Tensor:
    if (
        input.size(dim) == 0
        and input.numel() == 0
        and 0 in (s for d, s in enumerate(input.shape) if d != dim % input.dim())
    ):
        raise RuntimeError(
            "unique: there are 0 sized dimensions, and they aren't selected by `dim`, "
            "so "
            "unique cannot be applied"
        )
    return input.movedim(dim, 0)


def _unique_by_counting(
    input: Tensor, want_inverse: bool
) -> tuple[Tensor, Tensor, Tensor] | None:
    """Values, inverse and counts, where integers lie so close that none is sorted."""
    n = input.numel()
    if n < 256 or input.dtype not in _COUNTABLE:
        return None
    least, most = (int(x) for x in _ops.aminmax(input))
    if most - least >= n:
        return None
    place = input.flatten().to(_C.int64)
    place = place - least if least else place
    counts = _ops.bincount(place)
    present = counts.nonzero().flatten()
    values = (present + least).to(input.dtype)
    inverse = place
    if want_inverse:
        rank = (counts != 0).to(_C.int64).cumsum(0) - 1
        inverse = rank[place].reshape(input.shape)
    return values, inverse, counts[present]


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements, or slices along dim, sorted.

    return_inverse: also where each element went; return_counts: also how often.
    """
    with _C._GradGuard(0, -1):
        if dim is None:
            counted = _unique_by_counting(input, return_inverse)
            if counted is not None:
                return _result(*counted, return_inverse, return_counts)
            ordered, order = input.flatten().sort(stable=True)
        else:
            rows = _by_dim(input, dim)
            order = _sort_rows(rows)
            ordered = rows[order]
        starts, run, counts = _runs(_changes(ordered), ordered.size(0))
        inverse = order
        if return_inverse:
            inverse = _ops.empty_like(order).scatter_(0, order, run)
        values = ordered[starts]
        if dim is None:
            inverse = inverse.reshape(input.shape)
        else:
            values = values.movedim(0, dim)
    return _result(values, inverse, counts, return_inverse, return_counts)


def unique_consecutive(
    input: Tensor,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """Runs of equal elements, or of equal slices along dim, made one."""
    with _C._GradGuard(0, -1):
        rows = input.flatten() if dim is None else _by_dim(input, dim)
        starts, inverse, counts = _runs(_changes(rows), rows.size(0))
        values = rows[starts]
        if dim is None:
            inverse = inverse.reshape(input.shape)
        else:
            values = values.movedim(0, dim)
    return _result(values, inverse, counts, return_inverse, return_counts)


def mode(
    input: Tensor, dim: int = -1, keepdim: bool = False, *, out: Any = None
) -> Any:
    """The most frequent value along dim, the smallest of several, and a place of it."""
    from .return_types import mode as result_type

    if input.dim() == 0:
        both = (input.clone(), _ops.zeros_like(input, dtype=_C.int64))
        if out is not None:
            both = (_into(out[0], both[0]), _into(out[1], both[1]))
        return result_type(both)
    if input.size(dim) == 0:
        raise IndexError(f"mode(): Expected reduction dim {dim} to have non-zero size.")
    with _C._GradGuard(0, -1):
        ordered, order = input.sort(dim=dim, stable=True)
        n = input.size(dim)
        place = _ops.arange(n, device=input.device)
        shape = [1] * input.dim()
        shape[dim] = n
        place = place.reshape(shape).expand(input.shape)
        new = _ops.ones_like(ordered, dtype=_C.bool)
        if n > 1:
            differ = ordered.narrow(dim, 1, n - 1) != ordered.narrow(dim, 0, n - 1)
            new.narrow(dim, 1, n - 1).copy_(differ)
        start = _ops.where(new, place, 0).cummax(dim)[0]
        length = place - start + 1
        longest = length.argmax(dim, keepdim=True)
        index = order.gather(dim, longest)
    values = input.gather(dim, index)
    if not keepdim:
        values, index = values.squeeze(dim), index.squeeze(dim)
    if out is not None:
        return result_type((_into(out[0], values), _into(out[1], index)))
    return result_type((values, index))


# ---- quantiles and histograms
# ------------------------------------------------------------
def _quantile(
    input: Tensor,
    q: Any,
    dim: int | None,
    keepdim: bool,
    interpolation: str,
    skip_nan: bool,
) -> Tensor:
    if input.dtype not in (_C.float32, _C.float64):
        raise RuntimeError(
            "quantile() input tensor must be either float or double dtype"
        )
    if not isinstance(q, Tensor):
        if not 0 <= q <= 1:
            raise RuntimeError(f"quantile() q must be in the range [0, 1] but got {q}")
        q = _C.tensor(q, dtype=input.dtype, device=input.device)
    if q.dim() > 1:
        raise RuntimeError("quantile() q must be a scalar or 1D tensor")
    if q.dtype != input.dtype:
        raise RuntimeError("quantile() q tensor must be same dtype as the input tensor")
    if interpolation not in ("linear", "lower", "higher", "midpoint", "nearest"):
        raise RuntimeError(
            "quantile() interpolation must be one of linear, lower, higher, midpoint "
            "or "
            f"nearest, but got {interpolation}"
        )
    if input.numel() == 0:
        raise RuntimeError("quantile() input tensor must be non-empty")
    if q.numel() and not bool(((q >= 0) & (q <= 1)).all()):
        raise RuntimeError("quantile() q values must be in the range [0, 1]")
    x = input.flatten() if dim is None else input.movedim(dim, -1)
    if x.dim() == 0:
        x = x.reshape(1)
    ordered = x.sort(-1)[0]
    bad = ordered.isnan()
    count = (
        ordered.size(-1) - bad.sum(-1, keepdim=True) if skip_nan else ordered.size(-1)
    )
    rank = q.reshape(-1) * (count - 1)
    if not skip_nan:
        rank = rank.expand([*ordered.shape[:-1], q.numel()])
    else:
        rank = rank.clamp(min=0)
    result = _interpolate(ordered, rank, interpolation)
    if not skip_nan:
        result = result.masked_fill(bad.any(-1, keepdim=True), float("nan"))
    return _quantile_shape(result, input, q, dim, keepdim)


def _interpolate(ordered: Tensor, rank: Tensor, how: str) -> Tensor:
    if how == "lower":
        return ordered.gather(-1, rank.floor().to(_C.int64))
    if how == "higher":
        return ordered.gather(-1, rank.ceil().to(_C.int64))
    if how == "nearest":
        return ordered.gather(-1, rank.round().to(_C.int64))
    below = rank.floor()
    low = ordered.gather(-1, below.to(_C.int64))
    high = ordered.gather(-1, rank.ceil().to(_C.int64))
    weight = _ops.full_like(rank, 0.5) if how == "midpoint" else rank - below
    return low.lerp(high, weight)


def _quantile_shape(
    result: Tensor, input: Tensor, q: Tensor, dim: int | None, keepdim: bool
) -> Tensor:
    result = result.movedim(-1, 0)
    if keepdim:
        sizes = [1] * input.dim()
        if dim is not None and input.dim():
            sizes = list(input.shape)
            sizes[dim] = 1
        result = result.reshape([q.numel(), *sizes])
    elif input.dim() == 0:
        result = result.reshape(q.numel())
    return result if q.dim() else result.squeeze(0)


def quantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """The q-th quantiles (0 <= q <= 1) along dim; several stand in a first
    dimension."""
    return _into(out, _quantile(input, q, dim, keepdim, interpolation, False))


def nanquantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """The q-th quantiles along dim of what is not NaN."""
    return _into(out, _quantile(input, q, dim, keepdim, interpolation, True))


def histogram(
    input: Tensor,
    bins: Any,
    *,
    range: Any = None,
    weight: Tensor | None = None,
    density: bool = False,
    out: Any = None,
) -> Any:
    """How many elements (or what weight of them) fall into bins, and the bins'
    edges."""
    from .return_types import histogram as result_type

    x = input.flatten()
    if isinstance(bins, Tensor):
        edges = bins
    else:
        edges = _edges(x, bins, range)
    n = edges.numel() - 1
    inside = (x >= edges[0]) & (x <= edges[-1])
    at = (_ops.searchsorted(edges, x.contiguous(), right=True) - 1).clamp(0, n - 1)
    each = _ops.ones_like(x) if weight is None else weight.flatten()
    hist = _ops.zeros(n, dtype=input.dtype, device=input.device)
    hist = hist.index_add(0, at[inside], each[inside])
    if density:
        hist = hist / hist.sum() / edges.diff()
    if out is not None:
        return result_type((_into(out[0], hist), _into(out[1], edges)))
    return result_type((hist, edges))


def _edges(x: Tensor, bins: int, limits: Any) -> Tensor:
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins}")
    if limits is not None:
        low, high = (float(v) for v in limits)
    elif x.numel():
        low, high = float(x.min()), float(x.max())
    else:
        low, high = 0.0, 1.0
    if low > high:
        raise RuntimeError(
            f"torch.histogram(): min should not exceed max, but got {low} and {high}"
        )
    if low == high:
        low, high = low - 0.5, high + 0.5
    return _ops.linspace(low, high, bins + 1, dtype=x.dtype, device=x.device)


def histogramdd(
    input: Tensor,
    bins: Any,
    *,
    range: Any = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Any:
    """A histogram over all columns of points (..., D), and the edges of each."""
    from .return_types import histogramdd as result_type

    points = input.reshape(-1, input.size(-1))
    d = points.size(1)
    counts = [bins] * d if isinstance(bins, int) else list(bins)
    if len(counts) != d:
        raise RuntimeError(
            "histogramdd: The size of bins must be equal to the innermost dimension of "
            f"the input, got {len(counts)} for input of size {list(input.shape)}"
        )
    pairs = [
        None if range is None else range[2 * i : 2 * i + 2]
        for i, _ in enumerate(counts)
    ]
    edges = [
        b if isinstance(b, Tensor) else _edges(points[:, i], b, pairs[i])
        for i, b in enumerate(counts)
    ]
    inside = _ops.ones(points.size(0), dtype=_C.bool, device=input.device)
    at = _ops.zeros(points.size(0), dtype=_C.int64, device=input.device)
    for i, e in enumerate(edges):
        x, n = points[:, i].contiguous(), e.numel() - 1
        inside &= (x >= e[0]) & (x <= e[-1])
        at = at * n + (_ops.searchsorted(e, x, right=True) - 1).clamp(0, n - 1)
    sizes = [e.numel() - 1 for e in edges]
    total = 1
    for n in sizes:
        total *= n
    each = _ops.ones_like(points[:, 0]) if weight is None else weight.flatten()
    flat = _ops.zeros(total, dtype=input.dtype, device=input.device)
    hist = flat.index_add(0, at[inside], each[inside]).reshape(sizes)
    if density:
        hist = hist / hist.sum()
        for i, e in enumerate(edges):
            shape = [1] * d
            shape[i] = -1
            hist = hist / e.diff().reshape(shape)
    return result_type((hist, tuple(edges)))


__all__ = [
    "allclose",
    "equal",
    "histogram",
    "histogramdd",
    "isclose",
    "isin",
    "isreal",
    "mode",
    "nanquantile",
    "quantile",
    "unique",
    "unique_consecutive",
]
