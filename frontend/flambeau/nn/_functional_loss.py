"""Losses between an input and a target of the same shape."""

from __future__ import annotations

import math
import warnings
from typing import Any

import flambeau
from flambeau._C import Tensor, _nn

from . import _reduction as red

_mse_loss = _nn.mse_loss
_logsigmoid = _nn.logsigmoid


def _pair(
    op: str, input: Tensor, target: Tensor, weight: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Both, broadcast against each other; a warning if they need to be."""
    if target.shape == input.shape:
        if weight is not None and weight.shape != input.shape:
            raise ValueError("Weights and input must have the same size.")
        return input, target
    warnings.warn(
        f"Using a target size ({target.shape}) that is different to the input size "
        f"({input.shape}) for {op}. This will likely lead to incorrect results due to "
        "broadcasting. Please ensure they have the same size.",
        stacklevel=3,
    )
    a, b = flambeau.broadcast_tensors(input, target)
    if weight is not None and weight.shape != input.shape:
        raise ValueError("Weights and input must have the same size.")
    return a, b


def _weighted(loss: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
    """The reduction of weighted losses, the mean being over the weights."""
    if weight is None:
        return red.apply(loss, reduction)
    loss = loss * weight
    if reduction == "mean":
        return loss.sum() / weight.sum()
    return red.apply(loss, reduction)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """|input - target|."""
    reduction = red.choose(size_average, reduce, reduction)
    input, target = _pair("l1_loss", input, target, weight)
    return _weighted((input - target).abs(), weight, reduction)


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """(input - target)**2."""
    if size_average is not None or reduce is not None:
        reduction = red.choose(size_average, reduce, reduction)
    if weight is not None or input.shape != target.shape:
        input, target = _pair("mse_loss", input, target, weight)
    if weight is None:
        return _mse_loss(input, target, reduction=reduction)
    return _weighted(_mse_loss(input, target, reduction="none"), weight, reduction)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """d**2 / (2 beta) where d = |input - target| < beta, else d - beta / 2."""
    reduction = red.choose(size_average, reduce, reduction)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    input, target = _pair("smooth_l1_loss", input, target)
    if beta == 0:
        return red.apply((input - target).abs(), reduction)
    return red.apply(_huber(input, target, beta) / beta, reduction)


def _huber(input: Tensor, target: Tensor, delta: float) -> Tensor:
    """d**2 / 2 where d = |input - target| < delta, else delta (d - delta / 2)."""
    distance = (input - target).abs()
    near = distance.clamp(max=delta)
    return (distance - near * 0.5) * near


def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """d**2 / 2 where d = |input - target| < delta, else delta (d - delta / 2)."""
    if not isinstance(delta, (int, float)):
        raise TypeError(f"delta must be a float or int, got: {type(delta)}")
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    input, target = _pair("huber_loss", input, target, weight)
    loss = _huber(input, target, delta)
    return red.apply(loss if weight is None else loss * weight, reduction)


class _BinaryCrossEntropy(flambeau.autograd.Function):
    """Cross-entropy of probabilities, its gradient bounded where they are 0 or 1.

    Composed of logarithms, the gradient there would be 0 times infinity.
    """

    @staticmethod
    def forward(ctx: Any, input: Tensor, target: Tensor) -> Tensor:
        ctx.save_for_backward(input, target)
        log_p = input.log().clamp_(min=-100)
        log_q = (-input).log1p_().clamp_(min=-100)
        return (target - 1) * log_q - target * log_p

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, target = ctx.saved_tensors
        grad_input = grad_target = None
        if ctx.needs_input_grad[0]:
            slope = (input * (1 - input)).clamp(min=1e-12)
            grad_input = grad * (input - target) / slope
        if ctx.needs_input_grad[1]:
            log_p = input.log().clamp(min=-100)
            log_q = (-input).log1p().clamp(min=-100)
            grad_target = grad * (log_q - log_p)
        return grad_input, grad_target


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-(t log p + (1 - t) log(1 - p)) of probabilities p, the logs bounded by -100."""
    reduction = red.choose(size_average, reduce, reduction)
    if target.shape != input.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}) is deprecated. Please ensure they have the same size."
        )
    if input.numel():
        low, high = input.detach().aminmax()
        if not (low >= 0 and high <= 1):
            raise RuntimeError("all elements of input should be between 0 and 1")
    loss = _BinaryCrossEntropy.apply(input, target)
    if weight is not None:
        loss = loss * weight
    return red.apply(loss, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """`binary_cross_entropy` of sigmoid(input), stable for large inputs.

    pos_weight: weight of the positive targets, broadcast over the batch.
    """
    reduction = red.choose(size_average, reduce, reduction)
    if target.shape != input.shape:
        raise ValueError(
            f"Target size ({target.shape}) must be the same as input size "
            f"({input.shape})"
        )
    log_p = _logsigmoid(input)
    if pos_weight is not None:
        log_p = log_p * ((pos_weight - 1) * target + 1)
    loss = (1 - target) * input - log_p
    if weight is not None:
        loss = loss * weight
    return red.apply(loss, reduction)


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """target (log target - input), where input holds log-probabilities.

    reduction: "batchmean" too, the sum over the size of dimension 0.
    log_target: the target holds log-probabilities as well.
    """
    if size_average is not None or reduce is not None:
        reduction = red.choose(size_average, reduce, reduction)
    elif reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the "
            "support size.'batchmean' divides only by the batch size, and aligns with "
            "the KL div math definition.'mean' will be changed to behave the same as "
            "'batchmean' in the next major release.",
            stacklevel=2,
        )
    if log_target:
        loss = target.exp() * (target - input)
    else:
        loss = target.xlogy(target) - target * input
    if reduction == "batchmean":
        total = loss.sum()
        return total / input.size(0) if input.dim() else total
    return red.apply(loss, reduction)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log-likelihood of a Poisson distribution of rate exp(input) or input.

    full: add Stirling's approximation of log(target!).
    """
    reduction = red.choose(size_average, reduce, reduction)
    if log_input:
        loss = input.exp() - target * input
    else:
        loss = input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        loss = loss + stirling.masked_fill(target <= 1, 0)
    return red.apply(loss, reduction)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Any,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """Negative log-likelihood of a Gaussian of mean input and variance var.

    var: a number, or of input's shape, or with its last dimension 1 or missing.
    full: add the constant log(2 pi) / 2.
    """
    if isinstance(var, (int, float)):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = var * flambeau.ones_like(input)
    elif (var < 0).any():
        raise ValueError("var has negative entry/entries")
    if var.shape != input.shape:
        if input.shape[:-1] == var.shape:
            var = var.unsqueeze(-1)
        elif (input.shape[:-1] == var.shape[:-1] and var.shape[-1] == 1) or (
            input.dim() == var.dim()
            and all(v in (1, i) for i, v in zip(input.shape, var.shape, strict=True))
        ):
            pass
        else:
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    # The bound is no part of the graph: the gradient goes to var as it is.
    bounded = var.clone()
    with flambeau.no_grad():
        bounded.clamp_(min=eps)
    loss = 0.5 * (bounded.log() + (input - target) ** 2 / bounded)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return red.apply(loss, reduction)


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """x where the target is 1, max(0, margin - x) where it is -1."""
    reduction = red.choose(size_average, reduce, reduction)
    near = input.masked_fill(target == -1, 0)
    far = (margin - input).clamp(min=0).masked_fill(target == 1, 0)
    return red.apply(near + far, reduction)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """log(1 + exp(-target input)) for targets of 1 and -1."""
    reduction = red.choose(size_average, reduce, reduction)
    return red.apply(-_logsigmoid(target * input), reduction)
