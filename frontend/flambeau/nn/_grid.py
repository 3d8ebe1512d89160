"""How `grid_sample` works: source places, padding, and the weighted gathers."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau._C import Tensor


def _check(input: Tensor, grid: Tensor, mode: str) -> None:
    n = input.dim() - 2
    if n not in (2, 3) or grid.dim() != input.dim():
        raise RuntimeError(
            "grid_sample: expected 4D or 5D input and grid with same number of "
            f"dimensions, got shapes {tuple(input.shape)} and {tuple(grid.shape)}"
        )
    if input.size(0) != grid.size(0) or grid.size(-1) != n:
        raise RuntimeError(
            f"grid_sample: expected grid of batch size {input.size(0)} and last "
            f"dimension {n}, got shape {tuple(grid.shape)}"
        )
    if input.dtype != grid.dtype or input.device != grid.device:
        raise RuntimeError(
            "grid_sample: expected one dtype and device, got "
            f"{input.dtype} on {input.device} and {grid.dtype} on {grid.device}"
        )
    if 0 in input.shape[2:]:
        raise RuntimeError(
            "grid_sample: expected input to have non-empty spatial dimensions, got "
            f"shape {tuple(input.shape)}"
        )
    if mode == "bicubic" and n == 3:
        raise RuntimeError("grid_sample: bicubic interpolation only supports 4D input")


def _unnormalize(x: Tensor, size: int, align: bool) -> Tensor:
    if align:
        return (x + 1) * ((size - 1) / 2)
    return ((x + 1) * size - 1) / 2


def _reflect(x: Tensor, low2: int, high2: int) -> Tensor:
    """Mirror x into [low2 / 2, high2 / 2]."""
    if low2 == high2:
        return flambeau.zeros_like(x)
    low, span = low2 / 2, (high2 - low2) / 2
    x = (x - low).abs()
    with flambeau.no_grad():
        turns = (x / span).floor()
        odd = turns % 2 == 1
    extra = x - turns * span
    return flambeau.where(odd, span - extra, extra) + low


def _padded(x: Tensor, size: int, padding: str, align: bool) -> Tensor:
    """Places brought inside the image, as the padding mode says."""
    if padding == "reflection":
        x = _reflect(x, 0, 2 * (size - 1)) if align else _reflect(x, -1, 2 * size - 1)
    if padding != "zeros":
        x = x.clamp(0, size - 1)
    return x


def _gather(input: Tensor, at: list[Tensor], sizes: Any) -> Tensor:
    """Values (N, C, P) at whole places; zero outside."""
    inside: Any = None
    flat: Any = 0
    for place, size in zip(at, sizes, strict=True):
        ok = (place >= 0) & (place <= size - 1)
        inside = ok if inside is None else inside & ok
        flat = flat * size + place.clamp(0, size - 1)
    flat = flat.unsqueeze(1).expand(-1, input.size(1), -1)
    values = input.flatten(2).gather(2, flat)
    return values * inside.unsqueeze(1).to(values.dtype)


def _whole(x: Tensor) -> Tensor:
    """Integer places; what is not finite goes outside."""
    with flambeau.no_grad():
        if x.dtype in (flambeau.float16, flambeau.bfloat16):
            x = x.float()
        return x.nan_to_num(-100.0, 2.0**30, -(2.0**30)).clamp(-(2**30), 2**30).long()


def _linear(input: Tensor, places: list[Tensor], sizes: Any) -> Tensor:
    """Bilinear or trilinear: a weighted sum over the corners around each place."""
    floors = [p.detach().floor() for p in places]
    high = [p - f for p, f in zip(places, floors, strict=True)]
    whole = [_whole(f) for f in floors]
    total: Any = None
    for corner in range(2 ** len(places)):
        at, weight = [], None
        for d, (w, h) in enumerate(zip(whole, high, strict=True)):
            up = corner >> (len(places) - 1 - d) & 1
            at.append(w + up)
            part = h if up else 1 - h
            weight = part if weight is None else weight * part
        assert weight is not None
        term = _gather(input, at, sizes) * weight.unsqueeze(1)
        total = term if total is None else total + term
    return total


def cubic_weights(t: Tensor, a: float = -0.75) -> list[Tensor]:
    """The four weights of cubic convolution for an offset t in [0, 1)."""

    def near(x: Tensor) -> Tensor:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: Tensor) -> Tensor:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def _cubic(
    input: Tensor, places: list[Tensor], sizes: Any, padding: str, align: bool
) -> Tensor:
    """Bicubic: sixteen taps, each brought inside by itself."""
    floors = [p.detach().floor() for p in places]
    weights = [cubic_weights(p - f) for p, f in zip(places, floors, strict=True)]
    taps = [
        [_whole(_padded(f + k, size, padding, align)) for k in (-1, 0, 1, 2)]
        for f, size in zip(floors, sizes, strict=True)
    ]
    total: Any = None
    for i in range(4):
        row: Any = None
        for j in range(4):
            value = _gather(input, [taps[0][i], taps[1][j]], sizes)
            term = value * weights[1][j].unsqueeze(1)
            row = term if row is None else row + term
        row = row * weights[0][i].unsqueeze(1)
        total = row if total is None else total + row
    return total


def sample(input: Tensor, grid: Tensor, mode: str, padding: str, align: bool) -> Tensor:
    """`grid_sample` with its arguments read."""
    _check(input, grid, mode)
    sizes = tuple(input.shape[2:])
    n = len(sizes)
    flat = grid.reshape(grid.size(0), -1, n)
    # The grid names the innermost dimension first.
    places = [_unnormalize(flat[:, :, n - 1 - d], sizes[d], align) for d in range(n)]
    if mode == "bicubic":
        out = _cubic(input, places, sizes, padding, align)
    else:
        places = [
            _padded(p, size, padding, align)
            for p, size in zip(places, sizes, strict=True)
        ]
        if mode == "bilinear":
            out = _linear(input, places, sizes)
        else:
            out = _gather(input, [_whole(p.round()) for p in places], sizes)
            if grid.requires_grad:
                # No gradient reaches the grid, yet it is zero rather than missing.
                out = out + 0 * grid.sum()
    return out.reshape(*input.shape[:2], *grid.shape[1:-1])
