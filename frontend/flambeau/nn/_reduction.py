"""The `reduction` argument of the losses and its older forms."""

from __future__ import annotations

import warnings
from typing import Any

from flambeau._C import Tensor


def get_enum(reduction: str) -> int:
    """0, 1 or 2 for "none", "mean", "sum"; ValueError for anything else."""
    if reduction == "elementwise_mean":
        warnings.warn(
            "reduction='elementwise_mean' is deprecated. Use reduction='mean' instead.",
            stacklevel=3,
        )
        return 1
    try:
        return ("none", "mean", "sum").index(reduction)
    except ValueError:
        raise ValueError(f"{reduction} is not a valid value for reduction") from None


def legacy_get_string(
    size_average: bool | None, reduce: bool | None, emit_warning: bool = True
) -> str:
    """The `reduction` that the two older arguments stood for."""
    mean = size_average is None or size_average
    keep = reduce is not None and not reduce
    reduction = "none" if keep else "mean" if mean else "sum"
    if emit_warning:
        warnings.warn(
            "size_average and reduce args will be deprecated, please use "
            f"reduction='{reduction}' instead.",
            stacklevel=3,
        )
    return reduction


def legacy_get_enum(
    size_average: bool | None, reduce: bool | None, emit_warning: bool = True
) -> int:
    """The number of `legacy_get_string`."""
    return get_enum(legacy_get_string(size_average, reduce, emit_warning))


def choose(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction asked for, whichever way."""
    if size_average is None and reduce is None:
        return reduction
    return legacy_get_string(size_average, reduce)


def apply(loss: Tensor, reduction: str) -> Any:
    """The losses as they are, their mean or their sum."""
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    get_enum(reduction)
    return loss
