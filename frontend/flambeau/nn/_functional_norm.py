"""Normalization, and the small layers' functions that no other file is about."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau._C import Tensor, _nn

from ._functional_pooling import avg_pool2d

group_norm = _nn.group_norm
layer_norm = _nn.layer_norm

_batch_norm = _nn.batch_norm
_rms_norm = _nn.rms_norm


def rms_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """x / sqrt(mean(x**2) + eps) over the last dimensions, times weight.

    eps: that of the input's dtype if None.
    """
    if not input.is_complex():
        return _rms_norm(input, normalized_shape, weight, eps)
    dims = [-1 - d for d in range(len(tuple(normalized_shape)))]
    if eps is None:
        eps = flambeau.finfo(input.dtype).eps
    square = (input * input).mean(dims, keepdim=True)
    result = input * (square + eps).rsqrt()
    return result if weight is None else result * weight


def _check_many(size: Any, what: str = "training") -> None:
    """Statistics of one value are no statistics."""
    count = size[0]
    for n in size[2:]:
        count *= n
    if count == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when {what}, got input size "
            f"{tuple(size)}"
        )


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / sqrt(var + eps) weight + bias for each channel of (N, C, ...).

    training: use the batch's statistics and move the running ones towards them.
    """
    if training:
        _check_many(input.shape)
        if eps <= 0.0:
            raise ValueError(
                f"batch_norm eps must be positive during training, but got {eps}"
            )
    return _batch_norm(
        input, running_mean, running_var, weight, bias, training, momentum, eps
    )


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """`batch_norm` with statistics for each sample of (N, C, ...)."""
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise RuntimeError(
                "Expected running_mean and running_var to be defined when "
                "use_input_stats is false"
            )
        return _batch_norm(
            input, running_mean, running_var, weight, bias, False, momentum, eps
        )
    per_channel = 1
    for size in input.shape[2:]:
        per_channel *= size
    if per_channel == 1:
        raise ValueError(
            "Expected more than 1 spatial element when training, got input size "
            f"{input.shape}"
        )
    n, c = input.shape[:2]
    means, variances = (
        None if t is None else t.detach().repeat(n) for t in (running_mean, running_var)
    )
    scale, shift = (None if t is None else t.repeat(n) for t in (weight, bias))
    as_one = input.reshape(1, n * c, *input.shape[2:])
    out = _batch_norm(as_one, means, variances, scale, shift, True, momentum, eps)
    with flambeau.no_grad():
        for running, each in ((running_mean, means), (running_var, variances)):
            if running is not None and each is not None:
                running.copy_(each.reshape(n, c).mean(0))
    return out.reshape(input.shape)


def local_response_norm(
    input: Tensor,
    size: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
) -> Tensor:
    """x / (k + alpha mean(x**2 over `size` channels around))**beta."""
    if input.dim() < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality input (got {input.dim()} dimensions)"
        )
    if input.numel() == 0:
        return input
    squares = (input * input).flatten(2).unsqueeze(1)
    padded = flambeau.constant_pad_nd(squares, [0, 0, size // 2, (size - 1) // 2])
    mean = avg_pool2d(padded, (size, 1), 1).squeeze(1).reshape(input.shape)
    return input / (mean * alpha + k).pow(beta)


def bilinear(
    input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None
) -> Tensor:
    """`x1 @ weight[k] @ x2 + bias[k]` for each k, over any batch dimensions."""
    lead = tuple(input1.shape[:-1])
    if tuple(input2.shape[:-1]) != lead:
        raise RuntimeError(
            "bilinear(): input batch dimensions do not match, got shapes "
            f"{tuple(input1.shape)} and {tuple(input2.shape)}"
        )
    if (input1.shape[-1], input2.shape[-1]) != tuple(weight.shape[1:]):
        raise RuntimeError(
            "bilinear(): input sizes do not match weight, got shapes "
            f"{tuple(input1.shape)}, {tuple(input2.shape)} and {tuple(weight.shape)}"
        )
    if bias is not None and tuple(bias.shape) != tuple(weight.shape[:1]):
        raise RuntimeError(
            "bilinear(): bias size does not match weight size, got "
            f"{tuple(bias.shape)} and {tuple(weight.shape)}"
        )
    out, n1, n2 = weight.shape
    x1, x2 = input1.reshape(-1, n1), input2.reshape(-1, n2)
    half = (x1 @ weight.transpose(0, 1).reshape(n1, out * n2)).reshape(-1, out, n2)
    result = half.matmul(x2.unsqueeze(-1)).squeeze(-1)
    if bias is not None:
        result = result + bias
    return result.reshape(*lead, out)


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """Convolution over time of (time, batch, channels), weight (K, in, out)."""
    out = _nn.conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, 1, pad)
    return out.permute(2, 0, 1)
