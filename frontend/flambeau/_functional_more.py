"""Functions that PyTorch keeps beside their usual forms: native_* and others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import _C
from ._C import Tensor
from ._functional_shape import _into

_ops = _C._ops


def empty_permuted(
    size: Sequence[int], physical_layout: Sequence[int], **options: Any
) -> Tensor:
    """Values not set; the dimensions lie in memory in the order physical_layout."""
    order = [int(d) for d in physical_layout]
    if sorted(order) != list(range(len(size))):
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the "
            f"physical_layout, or it is no permutation: {list(size)}, {order}"
        )
    requires_grad = options.pop("requires_grad", False)
    flat = _ops.empty([size[d] for d in order], **options)
    inverse = [order.index(d) for d in range(len(order))]
    result = flat.permute(inverse)
    return result.requires_grad_() if requires_grad else result


def nonzero_static(
    input: Tensor, *, size: int, fill_value: int = -1, out: Tensor | None = None
) -> Tensor:
    """`nonzero` with a given number of rows; those too many are fill_value."""
    if size < 0:
        raise RuntimeError(f"nonzero_static: 'size' must be non-negative, got {size}")
    rows = _ops.nonzero(input)[:size]
    result = rows.new_full((size, input.dim()), fill_value)
    result[: rows.size(0)] = rows
    return _into(out, result)


def resize_as_(
    input: Tensor, the_template: Tensor, *, memory_format: Any = None
) -> Tensor:
    """The size of another tensor, in place."""
    return input.resize_as_(the_template, memory_format=memory_format)


def native_layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Layer norm, and the mean and 1 / deviation of each part."""
    shape = list(normalized_shape)
    n = 1
    for s in shape:
        n *= s
    if list(input.shape[input.dim() - len(shape) :]) != shape or not shape:
        raise RuntimeError(
            f"Given normalized_shape={shape}, expected input with shape [*, {shape}], "
            f"but got input of size {list(input.shape)}"
        )
    for name, factor in (("weight", weight), ("bias", bias)):
        if factor is not None and list(factor.shape) != shape:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got "
                f"{name} of shape {list(factor.shape)} and normalized_shape = {shape}"
            )
    y, mean, rstd = _ops._layer_norm(input, n, weight, bias, eps)
    lead = [*input.shape[: input.dim() - len(shape)], *(1 for _ in shape)]
    return y, mean.reshape(lead), rstd.reshape(lead)


def native_group_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    N: int,
    C: int,
    HxW: int,
    group: int,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Group norm, and the mean and 1 / deviation of each group."""
    for name, factor in (("weight", weight), ("bias", bias)):
        if factor is not None and list(factor.shape) != [C]:
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of "
                f"channels in input, but got {name} of shape {list(factor.shape)} and "
                f"{C} channels"
            )
    y, mean, rstd = _ops._group_norm(input.reshape(N, C, HxW), group, weight, bias, eps)
    return y.reshape(input.shape), mean, rstd


def native_batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Batch norm, and in training the mean and 1 / deviation of each channel."""
    y, mean, rstd = _ops._batch_norm(
        input, weight, bias, running_mean, running_var, training, momentum, eps
    )
    if not training:
        mean, rstd = input.new_empty(0), input.new_empty(0)
    return y, mean, rstd


def grid_sampler(
    input: Tensor,
    grid: Tensor,
    interpolation_mode: int,
    padding_mode: int,
    align_corners: bool,
) -> Tensor:
    """`nn.functional.grid_sample` with its modes as numbers."""
    from .nn.functional import grid_sample

    modes = ("bilinear", "nearest", "bicubic")
    paddings = ("zeros", "border", "reflection")
    return grid_sample(
        input,
        grid,
        mode=modes[interpolation_mode],
        padding_mode=paddings[padding_mode],
        align_corners=align_corners,
    )


grid_sampler_2d = grid_sampler_3d = grid_sampler

__all__ = [
    "empty_permuted",
    "grid_sampler",
    "grid_sampler_2d",
    "grid_sampler_3d",
    "native_batch_norm",
    "native_group_norm",
    "native_layer_norm",
    "nonzero_static",
    "resize_as_",
]
