"""Padding, shuffles of pixels and channels, windows, and sampling on a grid."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau._C import Tensor, _nn, _ops

fold = _nn.fold
unfold = _nn.unfold


def pad(
    input: Tensor, pad: Any, mode: str = "constant", value: float | None = None
) -> Tensor:
    """Widen dimensions, the last first: pad = (left, right, top, bottom, ...).

    mode: "constant" (of `value`), "reflect", "replicate" or "circular". The last three
    take the last one, two or three dimensions of a batch or of one sample.
    """
    pad = [int(p) for p in pad]
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pad) > 2 * input.dim():
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input "
            f"dimension but got padding length {len(pad)} and input of dimension "
            f"{input.dim()}"
        )
    if mode == "constant":
        return _ops.constant_pad_nd(input, pad, 0.0 if value is None else value)
    if value is not None and value != 0:
        raise ValueError(f'Padding mode "{mode}" doesn\'t take in value argument')
    n = len(pad) // 2
    if mode not in _PAD_INDEX:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if not (1 <= n <= 3 and input.dim() in (n + 1, n + 2)):
        raise NotImplementedError(
            "Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for "
            f"now, got shape {tuple(input.shape)} and padding {tuple(pad)}"
        )
    if 0 in input.shape[1:]:
        raise RuntimeError(
            f"pad: expected no empty dimension but the batch for mode {mode!r}, got "
            f"shape {tuple(input.shape)}"
        )
    for i in range(n):
        left, right = pad[2 * i], pad[2 * i + 1]
        if left or right:
            input = _pad_one(input, input.dim() - 1 - i, left, right, mode)
    return input


def _pad_one(input: Tensor, dim: int, left: int, right: int, mode: str) -> Tensor:
    """One dimension widened by elements picked from it."""
    size = input.size(dim)
    limit = {"reflect": size - 1, "circular": size}.get(mode)
    if limit is not None and max(left, right) > limit:
        raise RuntimeError(
            f"pad: expected at most {limit} for mode {mode!r} at dimension {dim}, got "
            f"({left}, {right}) for shape {tuple(input.shape)}"
        )
    if size + left + right <= 0:
        raise RuntimeError(
            f"pad: padding ({left}, {right}) leaves nothing of dimension {dim} of "
            "shape "
            f"{tuple(input.shape)}"
        )
    if mode == "circular" and min(left, right) < 0:
        # What is cut off does not come back at the other end.
        start, stop = max(-left, 0), size - max(-right, 0)
        input = input.narrow(dim, start, stop - start)
        left, right, size = max(left, 0), max(right, 0), stop - start
    at = flambeau.arange(-left, size + right, device=input.device)
    return input.index_select(dim, _PAD_INDEX[mode](at, size))


def _reflected(at: Tensor, size: int) -> Tensor:
    return (size - 1) - ((size - 1) - at.abs()).abs()


_PAD_INDEX: dict[str, Any] = {
    "reflect": _reflected,
    "replicate": lambda at, size: at.clamp(0, size - 1),
    "circular": lambda at, size: at % size,
}


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(..., C r**2, H, W) to (..., C, H r, W r)."""
    r = upscale_factor
    if input.dim() < 3:
        raise RuntimeError(
            "pixel_shuffle expects input to have at least 3 dimensions, but got input "
            f"with {input.dim()} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(
            f"pixel_shuffle expects a positive upscale_factor, but got {r}"
        )
    *lead, c, h, w = input.shape
    if c % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by "
            f"the square of upscale_factor, but input.size(-3)={c} is not divisible by "
            f"{r * r}"
        )
    k = len(lead)
    x = input.reshape(*lead, c // (r * r), r, r, h, w)
    x = x.permute(*range(k), k, k + 3, k + 1, k + 4, k + 2)
    return x.reshape(*lead, c // (r * r), h * r, w * r)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(..., C, H r, W r) to (..., C r**2, H, W)."""
    r = downscale_factor
    if input.dim() < 3:
        raise RuntimeError(
            "pixel_unshuffle expects input to have at least 3 dimensions, but got "
            "input "
            f"with {input.dim()} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(
            f"pixel_unshuffle expects a positive downscale_factor, but got {r}"
        )
    *lead, c, h, w = input.shape
    if h % r or w % r:
        raise RuntimeError(
            "pixel_unshuffle expects height and width to be divisible by "
            f"downscale_factor, but input.size(-2)={h} or input.size(-1)={w} is not "
            f"divisible by {r}"
        )
    k = len(lead)
    x = input.reshape(*lead, c, h // r, r, w // r, r)
    x = x.permute(*range(k), k, k + 2, k + 4, k + 1, k + 3)
    return x.reshape(*lead, c * r * r, h // r, w // r)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Interleave the groups of channels of (N, C, ...)."""
    if input.dim() < 3:
        raise RuntimeError(
            "channel_shuffle expects input with > 2 dims, but got input with sizes "
            f"{tuple(input.shape)}"
        )
    n, c = input.shape[:2]
    if groups <= 0:
        raise RuntimeError(
            f"Number of groups to divide channels in must be positive. Value of "
            f"groups:{groups}"
        )
    if c % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {c} channels and "
            f"{groups} groups."
        )
    rest = tuple(input.shape[2:])
    x = input.reshape(n, groups, c // groups, *rest).transpose(1, 2)
    return x.reshape(n, c, *rest)


native_channel_shuffle = channel_shuffle


def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Tensor:
    """The grid of (N, H, W, 2) or (N, D, H, W, 3) that theta makes of the unit one.

    theta: (N, 2, 3) or (N, 3, 4). size: (N, C, H, W) or (N, C, D, H, W).
    """
    if not theta.is_floating_point():
        raise ValueError(
            f"Expected theta to have floating point type, but got {theta.dtype}"
        )
    size = tuple(size)
    n = len(size) - 2
    if n not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine "
            f"transforms, respectively. Got size {size}."
        )
    if theta.dim() != 3 or tuple(theta.shape[1:]) != (n, n + 1):
        raise ValueError(
            f"Expected a batch of {n}D affine matrices of shape Nx{n}x{n + 1} for size "
            f"{size}. Got {tuple(theta.shape)}."
        )
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    spatial = size[2:]
    axes = []
    for d, length in enumerate(reversed(spatial)):
        line = _unit_line(length, bool(align_corners), theta)
        shape = [1] * n
        shape[n - 1 - d] = length
        axes.append(line.reshape(shape).expand(spatial))
    axes.append(flambeau.ones_like(axes[0]))
    base = flambeau.stack(axes, -1).reshape(1, -1, n + 1).expand(size[0], -1, -1)
    return base.bmm(theta.transpose(1, 2)).reshape(size[0], *spatial, n)


def _unit_line(length: int, align_corners: bool, like: Tensor) -> Tensor:
    """Pixel centres of a line from -1 to 1."""
    options: dict[str, Any] = {"dtype": like.dtype, "device": like.device}
    if length <= 1:
        return flambeau.zeros(length, **options)
    line = flambeau.linspace(-1, 1, length, **options)
    return line if align_corners else line * ((length - 1) / length)


GRID_SAMPLE_INTERPOLATION_MODES = {"bilinear": 0, "nearest": 1, "bicubic": 2}
GRID_SAMPLE_PADDING_MODES = {"zeros": 0, "border": 1, "reflection": 2}


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """The values of input at the grid's places, -1 to 1 being its extent.

    input: (N, C, H, W) or (N, C, D, H, W). grid: (N, ..., 2) in the order x, y or
    (N, ..., 3) in the order x, y, z.
    """
    from ._grid import sample

    if mode not in GRID_SAMPLE_INTERPOLATION_MODES:
        raise ValueError(
            "nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or "
            f"'bicubic', but got: '{mode}'"
        )
    if padding_mode not in GRID_SAMPLE_PADDING_MODES:
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', "
            f"'border', or 'reflection', but got: '{padding_mode}'"
        )
    return sample(input, grid, mode, padding_mode, bool(align_corners))
