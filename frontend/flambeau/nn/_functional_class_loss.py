"""Losses against class labels."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau._C import Tensor, _nn

from . import _reduction as red

_cross_entropy = _nn.cross_entropy
_nll_loss = _nn.nll_loss
_logsigmoid = _nn.logsigmoid


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-input[n, target[n]] of log-probabilities (N, C, ...), weighted by class."""
    reduction = red.choose(size_average, reduce, reduction)
    return _nll_loss(
        input, target, weight=weight, ignore_index=ignore_index, reduction=reduction
    )


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy of logits (N, C, ...) or (C).

    target: class indices (N, ...), or probabilities of input's shape.
    """
    if size_average is not None or reduce is not None:
        reduction = red.choose(size_average, reduce, reduction)
    if target.is_floating_point() and target.shape == input.shape:
        if ignore_index >= 0:
            raise RuntimeError(
                "ignore_index is not supported for floating point target"
            )
        return _soft_cross_entropy(input, target, weight, reduction, label_smoothing)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(
            f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}"
        )
    return _cross_entropy(
        input,
        target,
        weight=weight,
        ignore_index=ignore_index,
        reduction=reduction,
        label_smoothing=label_smoothing,
    )


def _soft_cross_entropy(
    input: Tensor, target: Tensor, weight: Any, reduction: str, smoothing: float
) -> Tensor:
    """Cross-entropy against probabilities; the mean is over the samples."""
    dim = 0 if input.dim() == 1 else 1
    n_class = input.size(dim)
    if not 0.0 <= smoothing <= 1.0:
        raise RuntimeError(
            f"label_smoothing must be between 0.0 and 1.0. Got: {smoothing}"
        )
    if weight is not None and tuple(weight.shape) != (n_class,):
        raise RuntimeError(
            "cross_entropy: weight tensor should be defined either for all "
            f"{n_class} classes or no classes but got weight tensor of shape: "
            f"{tuple(weight.shape)}"
        )
    if smoothing > 0:
        target = target * (1 - smoothing) + smoothing / n_class
    loss = input.log_softmax(dim) * target
    if weight is not None:
        shape = [1] * input.dim()
        shape[dim] = n_class
        loss = loss * weight.reshape(shape)
    if reduction == "mean":
        if input.numel() == 0:
            return -loss.sum() * float("nan")
        return -loss.sum() / (input.numel() // n_class)
    if reduction == "sum":
        return -loss.sum()
    red.get_enum(reduction)
    return -loss.sum(dim)


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Tensor:
    """`cross_entropy(linear(input, linear_weight, linear_bias), target)`.

    linear_weight: (C, in_features) or (C, d1, ..., in_features), the logits then being
    (N, C, d1, ...).
    options: a `LinearCrossEntropyOptions`; it concerns memory alone, not the values.
    """
    _check_linear(input, linear_weight, linear_bias, weight, label_smoothing)
    extra = linear_weight.shape[1:-1]
    flat_weight = linear_weight.flatten(0, -2) if extra else linear_weight
    flat_bias = linear_bias.flatten() if linear_bias is not None else None
    logits = _nn.linear(input, flat_weight, flat_bias)
    if extra:
        logits = logits.unflatten(-1, tuple(linear_weight.shape[:-1]))
    ignored = -100 if ignore_index is None else ignore_index
    if ignore_index is not None and target.is_floating_point():
        raise RuntimeError(
            "ignore_index cannot be specified when target contains probabilities"
        )
    return cross_entropy(
        logits,
        target,
        weight=weight,
        reduction=reduction,
        ignore_index=ignored,
        label_smoothing=label_smoothing,
    )


def _check_linear(
    input: Tensor, linear_weight: Tensor, bias: Any, weight: Any, smoothing: float
) -> None:
    """RuntimeError unless the shapes fit."""
    if linear_weight.dim() < 2:
        raise RuntimeError(
            "expected linear_weight with dimensionality at least 2, got "
            f"{linear_weight.dim()}"
        )
    shape = tuple(linear_weight.shape)
    if input.dim() not in (1, 2):
        raise RuntimeError(
            f"expected input with dimensionality 1 or 2, got {input.dim()}"
        )
    if input.size(-1) != shape[-1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), got "
            f"{input.size(-1)} and {shape[-1]}, respectively"
        )
    if len(shape) > 2 and input.dim() == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {shape} requires "
            f"batched input, (N, {shape[-1]}), got unbatched input with shape "
            f"{tuple(input.shape)}"
        )
    if bias is not None and tuple(bias.shape) != shape[:-1]:
        raise RuntimeError(
            f"expected linear_bias shape {shape[:-1]}, got {tuple(bias.shape)}"
        )
    if weight is not None and tuple(weight.shape) != shape[:1]:
        raise RuntimeError(
            f"expected weight shape to be {shape[:1]}, got {tuple(weight.shape)}"
        )
    if not 0.0 <= smoothing <= 1.0:
        raise RuntimeError(
            f"expected label_smoothing to be in range [0, 1], got {smoothing}"
        )


def _rows(
    op: str, input: Tensor, target: Tensor, per_class: bool
) -> tuple[Tensor, Tensor]:
    """Input as (N, C) and target as (N) or (N, C)."""
    shape, got = tuple(input.shape), tuple(target.shape)
    fits = got == (shape if per_class else shape[:-1])
    if not per_class and len(shape) == 1 and got == (1,):
        fits = True
    if len(shape) not in (1, 2) or 0 in shape[-1:] or not fits:
        if len(shape) == 0 and len(got) <= 1 and target.numel() == 1:
            target = target.reshape(1, 1) if per_class else target.reshape(1)
            return input.reshape(1, 1), target
        raise RuntimeError(
            f"{op}: expected a vector or matrix for argument 'input' and "
            f"{'its shape' if per_class else 'one class a row'} for argument 'target', "
            f"got shapes {shape} and {got}"
        )
    if len(shape) == 1:
        return input.unsqueeze(0), target.reshape(
            1, -1
        ) if per_class else target.reshape(1)
    return input, target


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """sum over classes i != y of max(0, margin - x[y] + x[i])**p, over C."""
    reduction = red.choose(size_average, reduce, reduction)
    red.get_enum(reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.dim() != 1:
        raise ValueError("weight must be one-dimensional")
    x, y = _rows("multi_margin_loss", input, target, False)
    at = y.unsqueeze(1)
    loss = (margin - x.gather(1, at) + x).clamp(min=0)
    if p == 2:
        loss = loss * loss
    if weight is not None:
        if weight.numel() != x.size(1):
            raise RuntimeError(
                f"multi_margin_loss: expected {x.size(1)} elements for argument "
                f"'weight', got shape {tuple(weight.shape)}"
            )
        loss = loss * weight.index_select(0, y).unsqueeze(1)
    loss = loss.scatter(1, at, 0).sum(1) / x.size(1)
    if reduction == "none" and target.dim() == 0:
        return loss.squeeze(0)
    if reduction == "none" and input.dim() == 1 and target.dim() == 1:
        return loss.reshape(target.shape)
    return red.apply(loss, reduction)


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """sum over labels y and other classes i of max(0, 1 - x[y] + x[i]), over C.

    target: the labels of each sample, ended by -1; shaped as the input.
    """
    reduction = red.choose(size_average, reduce, reduction)
    red.get_enum(reduction)
    x, y = _rows("multilabel_margin_loss", input, target, True)
    if y.numel() and not ((y >= -1) & (y < x.size(1))).all():
        raise RuntimeError(
            f"multilabel_margin_loss: expected labels from -1 to {x.size(1) - 1} for "
            "argument 'target', got others"
        )
    live = (y < 0).cumsum(1) == 0
    label = y.clamp(min=0)
    is_label = flambeau.zeros_like(x).scatter_add_(1, label, live.to(x.dtype)) > 0
    pairs = (1 - x.gather(1, label).unsqueeze(2) + x.unsqueeze(1)).clamp(min=0)
    dead = ~live.unsqueeze(2) | is_label.unsqueeze(1)
    loss = pairs.masked_fill(dead, 0).sum((1, 2)) / x.size(1)
    if reduction == "none" and input.dim() < 2:
        return loss.squeeze(0)
    return red.apply(loss, reduction)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The mean over classes of the binary cross-entropy of sigmoid(input)."""
    reduction = red.choose(size_average, reduce, reduction)
    # -(t log s(x) + (1 - t) log s(-x)), and log s(-x) = log s(x) - x
    loss = (1 - target) * input - _logsigmoid(input)
    if weight is not None:
        loss = loss * weight
    return red.apply(loss.sum(-1) / input.size(-1), reduction)
