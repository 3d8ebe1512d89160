"""Functions that rearrange, combine or join tensors, composed of views and `cat`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from . import _C
from ._C import Size, Tensor

_ops = _C._ops


def _flat_args(args: tuple[Any, ...]) -> list[Any]:
    """The tensors of `f(a, b)` or `f([a, b])`."""
    if len(args) == 1 and isinstance(args[0], (list, tuple)):
        return list(args[0])
    return list(args)


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that tensors of these shapes (or lengths) broadcast to."""
    sizes = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    out = [1] * max((len(s) for s in sizes), default=0)
    for size in sizes:
        if any(n < 0 for n in size):
            raise RuntimeError(
                f"Trying to create tensor with negative dimension ({min(size)})"
            )
        for i, n in enumerate(reversed(size), 1):
            if n == 1 or n == out[-i]:
                continue
            if out[-i] != 1:
                raise RuntimeError(
                    "Shape mismatch: objects cannot be broadcast to a single shape: "
                    f"{sizes}"
                )
            out[-i] = n
    return Size(out)


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors expanded to their common shape."""
    given = _flat_args(tensors)
    shape = broadcast_shapes(*(t.shape for t in given))
    return tuple(t.expand(shape) for t in given)


def _each(function: Any, tensors: tuple[Any, ...]) -> Any:
    given = _flat_args(tensors)
    if len(tensors) == 1 and isinstance(tensors[0], Tensor):
        return function(tensors[0])
    return tuple(function(t) for t in given)


def _at_least_1d(t: Tensor) -> Tensor:
    return t if t.dim() else t.reshape(1)


def _at_least_2d(t: Tensor) -> Tensor:
    return t if t.dim() >= 2 else _at_least_1d(t).unsqueeze(0)


def _at_least_3d(t: Tensor) -> Tensor:
    return t if t.dim() >= 3 else _at_least_2d(t).unsqueeze(-1)


def atleast_1d(*tensors: Any) -> Any:
    """Each tensor with at least one dimension."""
    return _each(_at_least_1d, tensors)


def atleast_2d(*tensors: Any) -> Any:
    """Each tensor with at least two dimensions."""
    return _each(_at_least_2d, tensors)


def atleast_3d(*tensors: Any) -> Any:
    """Each tensor with at least three dimensions."""
    return _each(_at_least_3d, tensors)


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Grids of coordinates of 1-D tensors: each varies along a dimension of its own.

    indexing: "ij" (the default) or "xy", which swaps the first two dimensions.
    """
    given = _flat_args(tensors)
    if not given:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    order = "ij" if indexing is None else indexing
    if order not in ("ij", "xy"):
        raise RuntimeError(
            'torch.meshgrid: indexing must be one of "xy" or "ij", but received: '
            f"{indexing}"
        )
    for t in given:
        if t.dim() > 1:
            raise RuntimeError(
                "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: "
                f"{t.dim()}-D"
            )
        if t.dtype != given[0].dtype or t.device != given[0].device:
            raise RuntimeError(
                "meshgrid expects all tensors to have the same dtype and device"
            )
    swap = order == "xy" and len(given) >= 2
    if swap:
        given[0], given[1] = given[1], given[0]
    shape = [t.numel() for t in given]
    grids = []
    for d, t in enumerate(given):
        sizes = [1] * len(given)
        sizes[d] = t.numel()
        grids.append(t.reshape(sizes).expand(shape))
    if swap:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


def cartesian_prod(*tensors: Any) -> Tensor:
    """All combinations of one element of each 1-D tensor, a row each."""
    given = _flat_args(tensors)
    for t in given:
        if t.dim() != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(t.shape)}")
    if len(given) == 1:
        return given[0]
    return _ops.stack([g.flatten() for g in meshgrid(*given)], dim=1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All combinations of r elements of a 1-D tensor, a row each."""
    if input.dim() != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return input.new_empty(0)
    pick = itertools.combinations_with_replacement if with_replacement else None
    rows = list((pick or itertools.combinations)(range(input.numel()), r))
    index = _C.tensor(rows, dtype=_C.int64, device=input.device).reshape(-1, r)
    return input[index]


def block_diag(*tensors: Any) -> Tensor:
    """Matrices along the diagonal of one."""
    blocks = []
    for i, t in enumerate(_flat_args(tensors)):
        if t.dim() > 2:
            raise RuntimeError(
                "torch.block_diag: Input tensors must have 2 or fewer dimensions. "
                f"Input {i} has {t.dim()} dimensions"
            )
        blocks.append(_at_least_2d(t))
    if not blocks:
        return _ops.empty((1, 0))
    dtype = blocks[0].dtype
    for b in blocks:
        dtype = _C.promote_types(dtype, b.dtype)
    width = sum(b.size(1) for b in blocks)
    rows, at = [], 0
    for b in blocks:
        rest = width - at - b.size(1)
        rows.append(_ops.constant_pad_nd(b.to(dtype), (at, rest), 0))
        at += b.size(1)
    return _ops.cat(rows)


# ---- sums of products ----------------------------------------------------------------
def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """Sums of products over dims: a number of the last of a and first of b, or
    lists."""
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.dim(), b.dim()):
            raise RuntimeError(
                "tensordot expects dims < ndim_a or ndim_b, but got "
                f"dims={dims} for {a.dim()}-D and {b.dim()}-D"
            )
        over_a, over_b = list(range(a.dim() - dims, a.dim())), list(range(dims))
    else:
        over_a, over_b = ([d] if isinstance(d, int) else list(d) for d in dims)
    if len(over_a) != len(over_b):
        raise RuntimeError("both dimension lists should have the same length")
    over_a = [d % a.dim() for d in over_a]
    over_b = [d % b.dim() for d in over_b]
    for x, y in zip(over_a, over_b, strict=False):
        n, m = a.size(x), b.size(y)
        if n == m:
            continue
        if n == 1:
            b = b.sum(y, keepdim=True, dtype=b.dtype)
        elif m == 1:
            a = a.sum(x, keepdim=True, dtype=a.dtype)
        else:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {n} in dim "
                f"{x} and second has size {m} in dim {y}"
            )
    free_a = [d for d in range(a.dim()) if d not in over_a]
    free_b = [d for d in range(b.dim()) if d not in over_b]
    k = 1
    for d in over_a:
        k *= a.size(d)
    rows = [a.size(d) for d in free_a]
    columns = [b.size(d) for d in free_b]
    m = _product(rows)
    n = _product(columns)
    left = a.permute(free_a + over_a).reshape(m, k)
    right = b.permute(over_b + free_b).reshape(k, n)
    return _into(out, (left @ right).reshape(rows + columns))


def _product(sizes: Sequence[int]) -> int:
    n = 1
    for s in sizes:
        n *= s
    return n


def _into(out: Tensor | None, result: Tensor) -> Tensor:
    """The result, or `out` holding it."""
    if out is None:
        return result
    if not _C.can_cast(result.dtype, out.dtype):
        raise RuntimeError(
            f"result type {result.dtype} can't be cast to the desired output type "
            f"{out.dtype}"
        )
    with _C._GradGuard(0, -1):
        out.resize_(result.shape)
        out.copy_(result)
    return out


def chain_matmul(*matrices: Any, out: Tensor | None = None) -> Tensor:
    """The product of matrices, in the cheapest order."""
    from .linalg import multi_dot

    given = _flat_args(matrices)
    if len(given) == 1:
        return _into(out, given[0])
    return multi_dot(given, out=out)


# ---- copies of views -----------------------------------------------------------------
def _copied(name: str, view: Any) -> Any:
    def copy(*args: Any, out: Any = None, **kwargs: Any) -> Any:
        result = view(*args, **kwargs)
        if isinstance(result, (tuple, list)):
            if out is None:
                return tuple(packed(t) for t in result)
            for to, t in zip(out, result, strict=False):
                _into(to, t)
            return None
        return packed(result) if out is None else _into(out, result)

    def packed(view: Tensor) -> Tensor:
        return view.clone(memory_format=_C.contiguous_format)

    copy.__name__ = copy.__qualname__ = name
    copy.__doc__ = f"`{name.removesuffix('_copy')}`, copied: no view of its input."
    return copy


def _method(name: str) -> Any:
    return lambda input, *args, **kwargs: getattr(input, name)(*args, **kwargs)


_VIEWS = """as_strided detach diagonal expand narrow permute select split
split_with_sizes squeeze t transpose unbind unfold unsqueeze view view_as_complex
view_as_real""".split()
for _name in _VIEWS:
    _view = getattr(_ops, _name, None) or _method(_name)
    globals()[_name + "_copy"] = _copied(_name + "_copy", _view)
slice_copy = _copied("slice_copy", _ops.slice)
alias_copy = _copied("alias_copy", lambda input: input)


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """The coordinates, in a shape, of elements numbered in row-major order."""
    sizes = [shape] if isinstance(shape, int) else [int(s) for s in shape]
    if indices.is_floating_point() or indices.is_complex() or indices.dtype == _C.bool:
        raise ValueError(
            f"expected 'indices' to be an integer tensor, but got {indices.dtype}"
        )
    if any(s < 0 for s in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {shape}")
    indices = indices.to(_C.int64)
    coordinates = []
    for size in reversed(sizes):
        coordinates.append(indices % size)
        indices = indices // size
    return tuple(reversed(coordinates))


__all__ = [
    "alias_copy",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "block_diag",
    "broadcast_shapes",
    "broadcast_tensors",
    "cartesian_prod",
    "chain_matmul",
    "combinations",
    "meshgrid",
    "slice_copy",
    "tensordot",
    "unravel_index",
    *(n + "_copy" for n in _VIEWS),
]
