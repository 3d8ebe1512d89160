"""Fourier transforms: complex, real and Hermitian, over one, two or all dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from . import _C
from ._C import Tensor
from ._functional_shape import _into

_ops = _C._ops
_NORMS = ("backward", "ortho", "forward", None)


def _scale(name: str, norm: str | None, forward: bool, n: int) -> float:
    """What the sums are multiplied by; n elements were transformed."""
    if norm not in _NORMS:
        raise RuntimeError(f'{name}: Invalid normalization mode: "{norm}"')
    if norm == "ortho":
        return 1.0 / math.sqrt(max(n, 1))
    whole = (norm == "forward") == forward
    return 1.0 / max(n, 1) if whole else 1.0


def _floating(name: str, x: Tensor) -> Tensor:
    if x.is_floating_point() or x.is_complex():
        if x.dtype in (_C.float16, _C.bfloat16):
            raise RuntimeError(f"{name}: Unsupported dtype {x.dtype}")
        return x
    return x.to(_C.get_default_dtype())


def _complex(name: str, x: Tensor) -> Tensor:
    x = _floating(name, x)
    if x.is_complex():
        return x
    return x.to(_C.complex128 if x.dtype == _C.float64 else _C.complex64)


def _fit(x: Tensor, dim: int, n: int) -> Tensor:
    """Cut, or filled up with zeros, to n along dim."""
    have = x.size(dim)
    if have == n:
        return x
    if have > n:
        return x.narrow(dim, 0, n)
    after = x.dim() - 1 - dim
    return _ops.constant_pad_nd(x, [0, 0] * after + [0, n - have], 0)


def _length(name: str, n: int | None, otherwise: int) -> int:
    size = otherwise if n is None else n
    if size < 1:
        raise RuntimeError(f"{name}: Invalid number of data points ({size}) specified")
    return size


def _dim(x: Tensor, dim: int) -> int:
    d = x.dim()
    if not -max(d, 1) <= dim < max(d, 1):
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-max(d, 1)}, "
            f"{max(d, 1) - 1}], but got {dim})"
        )
    if d == 0:
        raise IndexError("Dimension specified as -1 but tensor has no dimensions")
    return dim % d


def _transform(
    name: str, input: Tensor, n: int | None, dim: int, norm: str | None, forward: bool
) -> Tensor:
    d = _dim(input, dim)
    x = _complex(name, input)
    x = _fit(x, d, _length(name, n, x.size(d)))
    return _ops._fft_c2c(x, [d], forward, _scale(name, norm, forward, x.size(d)))


def fft(
    input: Tensor,
    n: int | None = None,
    dim: int = -1,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The Fourier transform along dim, of n points."""
    return _into(out, _transform("fft", input, n, dim, norm, True))


def ifft(
    input: Tensor,
    n: int | None = None,
    dim: int = -1,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The inverse of `fft`."""
    return _into(out, _transform("ifft", input, n, dim, norm, False))


def _real(name: str, input: Tensor) -> Tensor:
    if input.is_complex():
        raise RuntimeError(f"{name} expects a real input tensor, but got {input.dtype}")
    return _floating(name, input)


def rfft(
    input: Tensor,
    n: int | None = None,
    dim: int = -1,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The half of the spectrum of real numbers that determines the rest."""
    d = _dim(input, dim)
    x = _real("rfft", input)
    x = _fit(x, d, _length("rfft", n, x.size(d)))
    scale = _scale("rfft", norm, True, x.size(d))
    return _into(out, _ops._fft_r2c(x, [d], scale))


def irfft(
    input: Tensor,
    n: int | None = None,
    dim: int = -1,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The inverse of `rfft`: n real numbers."""
    d = _dim(input, dim)
    x = _complex("irfft", input)
    size = _length("irfft", n, 2 * (x.size(d) - 1))
    x = _fit(x, d, size // 2 + 1)
    return _into(out, _ops._fft_c2r(x, [d], size, _scale("irfft", norm, False, size)))


def hfft(
    input: Tensor,
    n: int | None = None,
    dim: int = -1,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The real spectrum of a signal that is Hermitian in time; half of it is given."""
    d = _dim(input, dim)
    x = _complex("hfft", input)
    size = _length("hfft", n, 2 * (x.size(d) - 1))
    x = _fit(x, d, size // 2 + 1).conj()
    return _into(out, _ops._fft_c2r(x, [d], size, _scale("hfft", norm, True, size)))


def ihfft(
    input: Tensor,
    n: int | None = None,
    dim: int = -1,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The inverse of `hfft`."""
    d = _dim(input, dim)
    x = _real("ihfft", input)
    x = _fit(x, d, _length("ihfft", n, x.size(d)))
    scale = _scale("ihfft", norm, False, x.size(d))
    return _into(out, _ops._fft_r2c(x, [d], scale).conj())


# ---- several dimensions
# ----------------------------------------------------------------
def _plan(name: str, x: Tensor, s: Any, dim: Any) -> tuple[list[int], list[int | None]]:
    """The dimensions, and the sizes wanted (None: as they are)."""
    sizes = None if s is None else [s] if isinstance(s, int) else list(s)
    if dim is None:
        n = x.dim() if sizes is None else len(sizes)
        if n > x.dim():
            raise RuntimeError(
                f"{name}: Got shape with {n} values but input tensor only has "
                f"{x.dim()} "
                "dimensions."
            )
        dims = list(range(x.dim() - n, x.dim()))
    else:
        dims = [_dim(x, d) for d in ([dim] if isinstance(dim, int) else dim)]
    if len(set(dims)) != len(dims):
        raise RuntimeError("FFT dims must be unique")
    if sizes is not None and len(sizes) != len(dims):
        raise RuntimeError(
            f"{name}: When given, dim and shape arguments must have the same length"
        )
    wanted: list[int | None] = (
        [None] * len(dims) if sizes is None else [None if n == -1 else n for n in sizes]
    )
    return dims, wanted


def _fit_all(
    name: str, x: Tensor, dims: Sequence[int], sizes: Sequence[int | None]
) -> Tensor:
    for d, n in zip(dims, sizes, strict=False):
        x = _fit(x, d, _length(name, n, x.size(d)))
    return x


def _count(x: Tensor, dims: Sequence[int]) -> int:
    n = 1
    for d in dims:
        n *= x.size(d)
    return n


def _many(
    name: str, input: Tensor, s: Any, dim: Any, norm: str | None, forward: bool
) -> Tensor:
    x = _complex(name, input)
    dims, sizes = _plan(name, x, s, dim)
    x = _fit_all(name, x, dims, sizes)
    scale = _scale(name, norm, forward, _count(x, dims))
    if not dims:
        return x.clone()
    return _ops._fft_c2c(x, dims, forward, scale)


def _need_dims(name: str, dims: Sequence[int]) -> None:
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")


def fftn(
    input: Tensor,
    s: Any = None,
    dim: Any = None,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The Fourier transform over dims, all by default, of s points."""
    return _into(out, _many("fftn", input, s, dim, norm, True))


def ifftn(
    input: Tensor,
    s: Any = None,
    dim: Any = None,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The inverse of `fftn`."""
    return _into(out, _many("ifftn", input, s, dim, norm, False))


def rfftn(
    input: Tensor,
    s: Any = None,
    dim: Any = None,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Half of the spectrum of real numbers over dims; the last dim is halved."""
    x = _real("rfftn", input)
    dims, sizes = _plan("rfftn", x, s, dim)
    _need_dims("rfftn", dims)
    x = _fit_all("rfftn", x, dims, sizes)
    scale = _scale("rfftn", norm, True, _count(x, dims))
    half = _ops._fft_r2c(x, dims[-1:], scale)
    if len(dims) > 1:
        half = _ops._fft_c2c(half, dims[:-1], True, 1.0)
    return _into(out, half)


def _hermitian(
    name: str, input: Tensor, s: Any, dim: Any, norm: str | None, forward: bool
) -> Tensor:
    """Real numbers of half a spectrum over dims."""
    x = _complex(name, input)
    dims, sizes = _plan(name, x, s, dim)
    _need_dims(name, dims)
    last = _length(name, sizes[-1], 2 * (x.size(dims[-1]) - 1))
    x = _fit_all(name, x, dims, [*sizes[:-1], last // 2 + 1])
    total = _count(x, dims[:-1]) * last
    if len(dims) > 1:
        x = _ops._fft_c2c(x, dims[:-1], forward, 1.0)
    if forward:
        x = x.conj()
    return _ops._fft_c2r(x, dims[-1:], last, _scale(name, norm, forward, total))


def irfftn(
    input: Tensor,
    s: Any = None,
    dim: Any = None,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The inverse of `rfftn`."""
    return _into(out, _hermitian("irfftn", input, s, dim, norm, False))


def hfftn(
    input: Tensor,
    s: Any = None,
    dim: Any = None,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The real spectrum over dims of a signal that is Hermitian in time."""
    return _into(out, _hermitian("hfftn", input, s, dim, norm, True))


def ihfftn(
    input: Tensor,
    s: Any = None,
    dim: Any = None,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The inverse of `hfftn`."""
    x = _real("ihfftn", input)
    dims, sizes = _plan("ihfftn", x, s, dim)
    _need_dims("ihfftn", dims)
    x = _fit_all("ihfftn", x, dims, sizes)
    scale = _scale("ihfftn", norm, False, _count(x, dims))
    half = _ops._fft_r2c(x, dims[-1:], scale).conj()
    if len(dims) > 1:
        half = _ops._fft_c2c(half, dims[:-1], False, 1.0)
    return _into(out, half)


def _planar(name: str, many: Any) -> Any:
    def transform(
        input: Tensor,
        s: Any = None,
        dim: Any = (-2, -1),
        norm: str | None = None,
        *,
        out: Tensor | None = None,
    ) -> Tensor:
        return many(input, s, dim, norm, out=out)

    transform.__name__ = transform.__qualname__ = name
    transform.__doc__ = f"`{many.__name__}` over two dimensions, by default the last."
    return transform


fft2 = _planar("fft2", fftn)
ifft2 = _planar("ifft2", ifftn)
rfft2 = _planar("rfft2", rfftn)
irfft2 = _planar("irfft2", irfftn)
hfft2 = _planar("hfft2", hfftn)
ihfft2 = _planar("ihfft2", ihfftn)


# ---- frequencies
# --------------------------------------------------------------------------
def fftfreq(
    n: int, d: float = 1.0, *, out: Tensor | None = None, **options: Any
) -> Tensor:
    """The frequencies of `fft` of n points that are d apart: 0, 1, ..., -1 over n d."""
    requires_grad = options.pop("requires_grad", False)
    half = (n - 1) // 2 + 1
    steps = _ops.cat(
        [_ops.arange(half, **options), _ops.arange(-(n // 2), 0, **options)]
    )
    dtype = options.get("dtype") or _C.get_default_dtype()
    result = _into(out, steps.to(dtype) * (1.0 / (n * d)))
    return result.requires_grad_() if requires_grad else result


def rfftfreq(
    n: int, d: float = 1.0, *, out: Tensor | None = None, **options: Any
) -> Tensor:
    """The frequencies of `rfft` of n points that are d apart."""
    requires_grad = options.pop("requires_grad", False)
    dtype = options.get("dtype") or _C.get_default_dtype()
    steps = _ops.arange(n // 2 + 1, **options)
    result = _into(out, steps.to(dtype) * (1.0 / (n * d)))
    return result.requires_grad_() if requires_grad else result


def _shifted(x: Tensor, dim: Any, back: bool) -> Tensor:
    dims = list(range(x.dim())) if dim is None else dim
    dims = [dims] if isinstance(dims, int) else list(dims)
    if not dims:
        return x.clone()
    shifts = [(x.size(d) + 1) // 2 if back else x.size(d) // 2 for d in dims]
    return _ops.roll(x, shifts, dims)


def fftshift(input: Tensor, dim: Any = None) -> Tensor:
    """The spectrum with frequency 0 in the middle."""
    return _shifted(input, dim, False)


def ifftshift(input: Tensor, dim: Any = None) -> Tensor:
    """The inverse of `fftshift`."""
    return _shifted(input, dim, True)


__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "hfft2",
    "hfftn",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "ihfft2",
    "ihfftn",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]
