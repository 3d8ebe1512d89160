"""Dropout of elements, of channels, and the kind that keeps mean and variance."""

from __future__ import annotations

import warnings

import flambeau
from flambeau._C import Tensor, _ops

_dropout = _ops.dropout

# The value that SELU goes to at minus infinity: what alpha dropout sets.
_SELU_FLOOR = -1.7580993408473766


def _check(p: float) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Zero elements with probability p and scale the rest by 1 / (1 - p)."""
    _check(p)
    return (
        _ops.dropout_(input, p, training) if inplace else _dropout(input, p, training)
    )


def _channel_noise(input: Tensor, p: float) -> Tensor:
    """Ones and zeros, one per sample and channel, that broadcast over the rest."""
    if input.dim() < 2:
        raise RuntimeError(
            "Feature dropout requires at least 2 dimensions in the input, got shape "
            f"{tuple(input.shape)}"
        )
    shape = tuple(input.shape[:2]) + (1,) * (input.dim() - 2)
    noise = flambeau.empty(shape, dtype=input.dtype, device=input.device)
    return noise.bernoulli_(1 - p)


def _feature_dropout(input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    if not training or p == 0 or input.numel() == 0:
        return input
    noise = _channel_noise(input, p)
    if p < 1:
        noise.div_(1 - p)
    return input.mul_(noise) if inplace else input * noise


def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Dropout of whole channels of (N, C, L) or (C, L)."""
    _check(p)
    if input.dim() not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.dim()}D input. "
            "Note that dropout1d exists to provide channel-wise dropout on inputs with "
            "1 spatial dimension, a channel dimension, and an optional batch dimension "
            "(i.e. 2D or 3D inputs)."
        )
    if input.dim() == 3:
        return _feature_dropout(input, p, training, inplace)
    result = _feature_dropout(input.unsqueeze(0), p, training, inplace)
    return input if inplace else result.squeeze(0)


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Dropout of whole channels of (N, C, H, W)."""
    _check(p)
    if input.dim() not in (3, 4):
        warnings.warn(
            f"dropout2d: Received a {input.dim()}-D input to dropout2d, which is "
            "deprecated and will result in an error in a future release.",
            stacklevel=2,
        )
    if input.dim() == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that "
            "channel-wise 1D dropout behavior is desired - input is interpreted as "
            "shape (N, C, L). Use dropout1d for that.",
            stacklevel=2,
        )
    return _feature_dropout(input, p, training, inplace)


def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Dropout of whole channels of (N, C, D, H, W) or (C, D, H, W)."""
    _check(p)
    if input.dim() not in (4, 5):
        warnings.warn(
            f"dropout3d: Received a {input.dim()}-D input to dropout3d, which is "
            "deprecated and will result in an error in a future release.",
            stacklevel=2,
        )
    if input.dim() != 4:
        return _feature_dropout(input, p, training, inplace)
    result = _feature_dropout(input.unsqueeze(0), p, training, inplace)
    return input if inplace else result.squeeze(0)


def _alpha(input: Tensor, noise: Tensor, p: float, inplace: bool) -> Tensor:
    """Dropped elements go to the floor of SELU; mean and variance are restored."""
    if p == 1:
        return input.mul_(0) if inplace else input * 0
    scale = ((1 - p) * (1 + p * _SELU_FLOOR**2)) ** -0.5
    shift = -scale * p * _SELU_FLOOR
    offset = (1 - noise).mul_(scale * _SELU_FLOOR).add_(shift)
    kept = noise.mul_(scale)
    if inplace:
        return input.mul_(kept).add_(offset)
    return input * kept + offset


def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Dropout for networks of SELUs: it keeps zero mean and unit variance."""
    _check(p)
    if not training or p == 0 or input.numel() == 0:
        return input
    noise = flambeau.empty_like(input).bernoulli_(1 - p)
    return _alpha(input, noise, p, inplace)


def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """`alpha_dropout` of whole channels."""
    _check(p)
    if not training or p == 0 or input.numel() == 0:
        return input
    return _alpha(input, _channel_noise(input, p), p, inplace)
