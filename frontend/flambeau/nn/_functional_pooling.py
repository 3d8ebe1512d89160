"""Pooling: what the compiled functions take, and the kinds composed of them."""

from __future__ import annotations

import math
from typing import Any

import flambeau
from flambeau._C import Tensor, _nn

avg_pool1d = _nn.avg_pool1d
avg_pool2d = _nn.avg_pool2d
avg_pool3d = _nn.avg_pool3d
adaptive_avg_pool1d = _nn.adaptive_avg_pool1d

_max_pools = (_nn.max_pool1d, _nn.max_pool2d, _nn.max_pool3d)


def _max_pool(n: int, name: str) -> tuple[Any, Any]:
    """`max_poolNd` and `max_poolNd_with_indices`."""
    values = _max_pools[n - 1]
    both = getattr(_nn, f"max_pool{n}d_with_indices")

    def with_indices(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        return both(input, kernel_size, stride, padding, dilation, ceil_mode)

    def pool(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        take = both if return_indices else values
        return take(input, kernel_size, stride, padding, dilation, ceil_mode)

    pool.__name__ = pool.__qualname__ = name
    pool.__doc__ = f"""The maximum of each window of {n} dimension(s).

    return_indices: also where each maximum is, in its flattened {n}-d plane.
    """
    with_indices.__name__ = with_indices.__qualname__ = name + "_with_indices"
    with_indices.__doc__ = f"`{name}` with indices."
    return pool, with_indices


max_pool1d, max_pool1d_with_indices = _max_pool(1, "max_pool1d")
max_pool2d, max_pool2d_with_indices = _max_pool(2, "max_pool2d")
max_pool3d, max_pool3d_with_indices = _max_pool(3, "max_pool3d")


def _full_size(output_size: Any, input: Tensor, n: int) -> Any:
    """The output size with the input's own where None stands."""
    if isinstance(output_size, int):
        return output_size
    size = (output_size,) * n if output_size is None else tuple(output_size)
    if len(size) != n:
        raise RuntimeError(
            f"adaptive pool: output_size must be {n} numbers, got {tuple(size)}"
        )
    if input.dim() <= len(size):
        raise ValueError(
            f"Input dimension should be at least {len(size) + 1}, got {input.dim()}"
        )
    own = input.shape[-len(size) :]
    return [o if s is None else s for s, o in zip(size, own, strict=True)]


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The means of (H, W) cut into output_size parts; None keeps a dimension."""
    return _nn.adaptive_avg_pool2d(input, _full_size(output_size, input, 2))


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """The means of (D, H, W) cut into output_size parts; None keeps a dimension."""
    return _nn.adaptive_avg_pool3d(input, _full_size(output_size, input, 3))


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool1d` with indices."""
    return _nn.adaptive_max_pool1d_with_indices(input, output_size)


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool2d` with indices."""
    return _nn.adaptive_max_pool2d_with_indices(
        input, _full_size(output_size, input, 2)
    )


def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool3d` with indices."""
    return _nn.adaptive_max_pool3d_with_indices(
        input, _full_size(output_size, input, 3)
    )


def adaptive_max_pool1d(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> Any:
    """The maxima of L cut into output_size parts."""
    both = adaptive_max_pool1d_with_indices(input, output_size)
    return both if return_indices else both[0]


def adaptive_max_pool2d(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> Any:
    """The maxima of (H, W) cut into output_size parts; None keeps a dimension."""
    both = adaptive_max_pool2d_with_indices(input, output_size)
    return both if return_indices else both[0]


def adaptive_max_pool3d(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> Any:
    """The maxima of (D, H, W) cut into output_size parts; None keeps a dimension."""
    both = adaptive_max_pool3d_with_indices(input, output_size)
    return both if return_indices else both[0]


def _lp_pool(
    pool: Any, n: int, input: Tensor, norm: float, kernel: Any, stride: Any, ceil: bool
) -> Tensor:
    """The p-norm of windows, from the mean of powers."""
    sizes = (kernel,) * n if isinstance(kernel, int) else tuple(kernel)
    mean = pool(input.pow(norm), kernel, stride, 0, ceil)
    positive = mean.sign() * mean.abs().relu()
    return (positive * math.prod(sizes)).pow(1.0 / norm)


def lp_pool1d(
    input: Tensor,
    norm_type: float,
    kernel_size: int,
    stride: Any = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The p-norm of each window of one dimension."""
    return _lp_pool(avg_pool1d, 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor,
    norm_type: float,
    kernel_size: Any,
    stride: Any = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The p-norm of each window of two dimensions."""
    return _lp_pool(avg_pool2d, 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor,
    norm_type: float,
    kernel_size: Any,
    stride: Any = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The p-norm of each window of three dimensions."""
    return _lp_pool(avg_pool3d, 3, input, norm_type, kernel_size, stride, ceil_mode)


def _fractional_starts(u: Tensor, size: int, out: int, kernel: int) -> Tensor:
    """Where the windows start in a dimension: (N, C, out) for samples u of (N, C)."""
    last = flambeau.full_like(u, size - kernel, dtype=flambeau.int64).unsqueeze(-1)
    if out == 1:
        return last
    alpha = (size - kernel) / (out - 1)
    i = flambeau.arange(out - 1, dtype=u.dtype, device=u.device)
    u = u.unsqueeze(-1)
    starts = ((i + u) * alpha).to(flambeau.int64) - (u * alpha).to(flambeau.int64)
    return flambeau.cat([starts, last], -1)


def _fractional(
    n: int, input: Tensor, kernel_size: Any, output_size: Any, ratio: Any, samples: Any
) -> tuple[Tensor, Tensor]:
    """Values and flat indices of max pooling over windows that start at random."""
    name = f"fractional_max_pool{n}d"
    if output_size is None and ratio is None:
        raise ValueError(
            f"{name} requires specifying either an output_size or an output_ratio"
        )
    kernel = (kernel_size,) * n if isinstance(kernel_size, int) else tuple(kernel_size)
    if input.dim() not in (n + 1, n + 2) or 0 in input.shape[input.dim() - n - 1 :]:
        raise RuntimeError(
            f"{name}: expected (C, ...) or (N, C, ...) with {n} more dimensions, none "
            f"empty but N, for argument 'input', got shape {tuple(input.shape)}"
        )
    x = input if input.dim() == n + 2 else input.unsqueeze(0)
    sizes = tuple(x.shape[2:])
    if output_size is None:
        ratios = (ratio,) * n if isinstance(ratio, (int, float)) else tuple(ratio)
        out = tuple(int(s * r) for s, r in zip(sizes, ratios, strict=True))
    else:
        out = (output_size,) * n if isinstance(output_size, int) else tuple(output_size)
    for s, o, k in zip(sizes, out, kernel, strict=True):
        if o + k - 1 > s or o < 1 or k < 1:
            raise RuntimeError(
                f"{name}: pool size {kernel} and output size {out} are too large for "
                f"input of spatial size {sizes}"
            )
    if samples is None:
        samples = flambeau.rand(x.size(0), x.size(1), n, dtype=x.dtype, device=x.device)
    samples = samples[: x.size(0)]
    flat = _window_indices(samples, sizes, out, kernel)
    count = math.prod(kernel)
    lead = tuple(x.shape[:2])
    at = flat.reshape(*lead, math.prod(out) * count)
    values = x.flatten(2).gather(2, at).reshape(*lead, math.prod(out), count)
    best, which = values.max(-1)
    index = flat.reshape(*lead, math.prod(out), count)
    index = index.gather(-1, which.unsqueeze(-1)).squeeze(-1)
    shape = (*lead, *out) if input.dim() == n + 2 else (lead[1], *out)
    return best.reshape(shape), index.reshape(shape)


def _window_indices(
    samples: Tensor, sizes: Any, out: tuple[int, ...], kernel: tuple[int, ...]
) -> Tensor:
    """Flat positions (N, C, *out, *kernel) of every window's elements."""
    n = len(sizes)
    flat: Any = 0
    for d in range(n):
        # PyTorch's samples name the last dimension first in two dimensions only.
        u = samples[:, :, n - 1 - d if n == 2 else d]
        starts = _fractional_starts(u, sizes[d], out[d], kernel[d])
        offsets = flambeau.arange(kernel[d], device=samples.device)
        at = starts.unsqueeze(-1) + offsets
        shape = [1] * (2 * n)
        shape[d], shape[n + d] = out[d], kernel[d]
        flat = flat * sizes[d] + at.reshape(*at.shape[:2], *shape)
    return flat.expand(*samples.shape[:2], *out, *kernel)


def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """`fractional_max_pool2d` with indices."""
    return _fractional(
        2, input, kernel_size, output_size, output_ratio, _random_samples
    )


def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """`fractional_max_pool3d` with indices."""
    return _fractional(
        3, input, kernel_size, output_size, output_ratio, _random_samples
    )


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """Max pooling to any output size, over windows that start at random (Graham)."""
    both = _fractional(
        2, input, kernel_size, output_size, output_ratio, _random_samples
    )
    return both if return_indices else both[0]


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """`fractional_max_pool2d` of three dimensions."""
    both = _fractional(
        3, input, kernel_size, output_size, output_ratio, _random_samples
    )
    return both if return_indices else both[0]


def _unpool_size(
    sizes: Any, kernel: Any, stride: Any, padding: Any, output_size: Any
) -> list[int]:
    """The size before pooling; one that the caller gives must be within a stride."""
    n = len(kernel)
    plain = [
        (s - 1) * stride[d] + kernel[d] - 2 * padding[d]
        for d, s in enumerate(sizes[-n:])
    ]
    if output_size is None:
        return plain
    size = list(output_size)
    if len(size) == n + 2:
        size = size[2:]
    if len(size) != n:
        raise ValueError(
            f"output_size should be a sequence containing {n} or {n + 2} elements, but "
            f"it has a length of '{len(size)}'"
        )
    for d in range(n):
        if not plain[d] - stride[d] < size[d] < plain[d] + stride[d]:
            raise ValueError(
                f'invalid output_size "{size}" (dim {d} must be between '
                f"{plain[d] - stride[d]} and {plain[d] + stride[d]})"
            )
    return size


def _max_unpool(
    n: int,
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    output_size: Any,
) -> Tensor:
    def each(value: Any) -> tuple[int, ...]:
        return (value,) * n if isinstance(value, int) else tuple(value)

    kernel = each(kernel_size)
    steps = kernel if stride is None else each(stride)
    name = f"max_unpool{n}d"
    if indices.dtype != flambeau.int64:
        raise RuntimeError(
            f"{name}: expected int64 for argument 'indices', got {indices.dtype}"
        )
    if input.dim() not in (n + 1, n + 2) or input.shape != indices.shape:
        raise RuntimeError(
            f"{name}: expected (C, ...) or (N, C, ...) with {n} more dimensions for "
            f"'input' and the same shape for 'indices', got {tuple(input.shape)} and "
            f"{tuple(indices.shape)}"
        )
    for s in steps:
        if s <= 0:
            raise RuntimeError(f"{name}: strides should be greater than zero")
    if 0 in input.shape[input.dim() - n :]:
        raise RuntimeError(f"{name}: got an empty plane, shape {tuple(input.shape)}")
    size = _unpool_size(tuple(input.shape), kernel, steps, each(padding), output_size)
    lead = tuple(input.shape[: input.dim() - n])
    blank = flambeau.zeros(
        (*lead, math.prod(size)), dtype=input.dtype, device=input.device
    )
    spread = blank.scatter(-1, indices.flatten(len(lead)), input.flatten(len(lead)))
    return spread.reshape(*lead, *size)


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """Put pooled maxima back where they came from, zeros elsewhere."""
    return _max_unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """Put pooled maxima back where they came from, zeros elsewhere."""
    return _max_unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """Put pooled maxima back where they came from, zeros elsewhere."""
    return _max_unpool(3, input, indices, kernel_size, stride, padding, output_size)
