"""`interpolate` and its older names."""

from __future__ import annotations

import math
import warnings
from typing import Any

import flambeau
from flambeau._C import Tensor, _nn

from ._functional_pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
)

_MODES: dict[tuple[str, int], Any] = {
    ("nearest", 1): _nn.upsample_nearest1d,
    ("nearest", 2): _nn.upsample_nearest2d,
    ("nearest", 3): _nn.upsample_nearest3d,
    ("linear", 1): _nn.upsample_linear1d,
    ("bilinear", 2): _nn.upsample_bilinear2d,
    ("trilinear", 3): _nn.upsample_trilinear3d,
    ("bicubic", 2): _nn.upsample_bicubic2d,
}
_AREA = (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)
_WINDOWED = ("bilinear", "bicubic", "lanczos")


def _read_size(
    input: Tensor, size: Any, scale_factor: Any, recompute: bool | None
) -> tuple[list[int], list[float] | None]:
    """The output size, and the scales by which source places are found, if given."""
    n = input.dim() - 2
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is not None:
        sizes = list(size) if isinstance(size, (list, tuple)) else [size] * n
        if len(sizes) != n:
            raise ValueError(
                "Input and output must have the same number of spatial dimensions, but "
                f"got input with spatial dimensions of {list(input.shape[2:])} and "
                f"output size of {size}. Please provide input tensor in (N, C, d1, d2, "
                "...,dK) format and output size in (o1, o2, ...,oK) format."
            )
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with a size.")
        return [int(s) for s in sizes], None
    if scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    many = isinstance(scale_factor, (list, tuple))
    scales = list(scale_factor) if many else [scale_factor] * n
    if len(scales) != n:
        raise ValueError(
            "Input and scale_factor must have the same number of spatial dimensions, "
            f"but got input with spatial dimensions of {list(input.shape[2:])} and "
            f"scale_factor of shape {scale_factor}. Please provide input tensor in "
            "(N, C, d1, d2, ...,dK) format and scale_factor in (s1, s2, ...,sK) format."
        )
    scales = [float(s) for s in scales]
    sizes = [math.floor(i * s) for i, s in zip(input.shape[2:], scales, strict=True)]
    return sizes, None if recompute else scales


def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Resize (N, C, ...) of one to three spatial dimensions, to a size or by a factor.

    mode: "nearest", "nearest-exact", "area", "linear" (3-d input), "bilinear",
    "bicubic" (4-d), "trilinear" (5-d).
    antialias: for "bilinear" and "bicubic", widen the filter when shrinking.
    """
    if mode in ("nearest", "area", "nearest-exact") and align_corners is not None:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: "
            "linear | bilinear | bicubic | trilinear"
        )
    sizes, scales = _read_size(input, size, scale_factor, recompute_scale_factor)
    n = input.dim() - 2
    if antialias and not (mode in _WINDOWED and n == 2):
        raise ValueError(
            "Anti-alias option is restricted to bilinear and bicubic modes and "
            "requires a 4-D tensor as input"
        )
    align = bool(align_corners)
    if mode == "area" and 1 <= n <= 3:
        return _AREA[n - 1](input, sizes if n > 1 else sizes[0])
    if mode == "nearest-exact" and 1 <= n <= 3:
        return _nearest_exact(input, sizes, scales)
    if antialias and mode != "lanczos":
        return _antialiased(input, sizes, scales, mode, align)
    function = _MODES.get((mode, n))
    if function is None:
        raise NotImplementedError(
            "Input Error: Only 3D, 4D and 5D input Tensors supported (got "
            f"{input.dim()}D) for the modes: nearest | linear | bilinear | bicubic | "
            f"trilinear | area | nearest-exact (got {mode})"
        )
    scale_args: Any = [None] * n if scales is None else scales
    if mode == "nearest":
        return function(input, sizes, *scale_args)
    if input.dtype == flambeau.uint8 and n == 2:
        _check_sizes(input, sizes)
        matrices = (
            _taps(function, input.size(2 + d), sizes[d], scale_args[d], align)
            for d in range(2)
        )
        return _resized_bytes(input, *matrices)
    return function(input, sizes, align, *scale_args)


def _check_sizes(input: Tensor, sizes: list[int]) -> None:
    if min(sizes) <= 0 or 0 in input.shape[1:]:
        raise RuntimeError(
            "interpolate: Input and output sizes should be greater than 0, but got "
            f"input shape {tuple(input.shape)} and output size {tuple(sizes)}"
        )


def _nearest_exact(
    input: Tensor, sizes: list[int], scales: list[float] | None
) -> Tensor:
    """The pixel whose area holds the output pixel's centre."""
    _check_sizes(input, sizes)
    for d, out in enumerate(sizes):
        size = input.size(2 + d)
        step = size / out if scales is None else 1.0 / scales[d]
        at = [min(int((i + 0.5) * step), size - 1) for i in range(out)]
        index = flambeau.tensor(at, dtype=flambeau.int64, device=input.device)
        input = input.index_select(2 + d, index)
    return input


def _hat(x: float) -> float:
    return max(0.0, 1.0 - abs(x))


def _cubic(x: float) -> float:
    """Keys' cubic with a = -0.5, the filter that image libraries shrink with."""
    x, a = abs(x), -0.5
    if x < 1:
        return ((a + 2) * x - (a + 3)) * x * x + 1
    return (((x - 5) * x + 8) * x - 4) * a if x < 2 else 0.0


def _filter_matrix(
    size: int, out: int, scale: float | None, mode: str, align: bool
) -> list[list[float]]:
    """Row i holds the weights of the input pixels in output pixel i."""
    if align:
        step = (size - 1) / (out - 1) if out > 1 else 0.0
    else:
        step = size / out if scale is None else 1.0 / scale
    kernel, reach = (_hat, 1.0) if mode == "bilinear" else (_cubic, 2.0)
    widen = max(step, 1.0)
    support = reach * widen
    rows = []
    for i in range(out):
        centre = step * (i + 0.5)
        first = max(int(centre - support + 0.5), 0)
        last = min(int(centre + support + 0.5), size)
        taps = [kernel((j - centre + 0.5) / widen) for j in range(first, last)]
        total = sum(taps) or 1.0
        row = [0.0] * size
        row[first:last] = [t / total for t in taps]
        rows.append(row)
    return rows


def _antialiased(
    input: Tensor, sizes: list[int], scales: Any, mode: str, align: bool
) -> Tensor:
    """Resize (N, C, H, W) by one product with a filter matrix per dimension."""
    _check_sizes(input, sizes)
    whole = input.dtype == flambeau.uint8
    rows, columns = (
        flambeau.tensor(
            _filter_matrix(
                input.size(2 + d),
                sizes[d],
                None if scales is None else scales[d],
                mode,
                align,
            ),
            dtype=flambeau.float64 if whole else input.dtype,
            device=input.device,
        )
        for d in range(2)
    )
    if whole:
        return _resized_bytes(input, rows, columns)
    return rows @ (input @ columns.t())


def _taps(
    function: Any, size: int, out: int, scale: float | None, align: bool
) -> Tensor:
    """The matrix of a resizing function along one dimension: a row per output pixel."""
    one = flambeau.eye(size, dtype=flambeau.float64).reshape(1, size, 1, size)
    return function(one, [1, out], align, None, scale).reshape(size, out).t()


def _resized_bytes(input: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Resize bytes as image libraries do: columns first, then rows, each rounded, with
    weights of 16 bits."""
    x = input.to(flambeau.float64)
    for d, matrix in ((3, columns), (2, rows)):
        bits = 15 - math.frexp(float(matrix.max()))[1]
        unit = 2.0**bits
        weights = (matrix * unit).round().to(input.device) / unit
        x = (x.movedim(d, -1) @ weights.t() + 0.5).floor().clamp(0, 255)
        x = x.movedim(-1, d)
    return x.to(flambeau.uint8).contiguous()


def upsample(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """The older name of `interpolate`."""
    warnings.warn(
        "`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` "
        "instead.",
        stacklevel=2,
    )
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(
    input: Tensor, size: Any = None, scale_factor: Any = None
) -> Tensor:
    """`interpolate` with mode "nearest"."""
    warnings.warn(
        "`nn.functional.upsample_nearest` is deprecated. Use "
        "`nn.functional.interpolate` instead.",
        stacklevel=2,
    )
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(
    input: Tensor, size: Any = None, scale_factor: Any = None
) -> Tensor:
    """`interpolate` with mode "bilinear" and aligned corners."""
    warnings.warn(
        "`nn.functional.upsample_bilinear` is deprecated. Use "
        "`nn.functional.interpolate` instead.",
        stacklevel=2,
    )
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)
