"""Window functions: M points, symmetric unless sym is False."""

from __future__ import annotations

import math
from typing import Any

import flambeau
from flambeau._C import Tensor


def _options(options: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    requires_grad = options.pop("requires_grad", False)
    layout = options.pop("layout", None)
    if layout is not None and layout != flambeau.strided:
        raise ValueError(
            f"a window is implemented for strided tensors only, got: {layout}"
        )
    if options.get("dtype") is None:
        options["dtype"] = flambeau.get_default_dtype()
    if options["dtype"] not in (flambeau.float32, flambeau.float64):
        raise ValueError(
            f"a window expects float32 or float64 dtypes, got: {options['dtype']}"
        )
    return options, requires_grad


def _points(name: str, M: int, sym: bool, options: dict[str, Any]) -> Any:
    """0 .. M - 1 in float64, the period, and how to finish."""
    options, requires_grad = _options(options)
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    dtype = options["dtype"]
    k = flambeau.arange(M, **{**options, "dtype": flambeau.float64})

    def finish(w: Tensor) -> Tensor:
        w = w.to(dtype)
        return w.requires_grad_() if requires_grad else w

    return k, max(M - 1 if sym else M, 1), finish


def general_cosine(M: int, *, a: Any, sym: bool = True, **options: Any) -> Tensor:
    """Σ (-1)ⁱ aᵢ cos(2πik / n)."""
    k, n, finish = _points("general_cosine", M, sym, options)
    weights = [float(w) for w in a]
    if not weights:
        raise ValueError("Coefficients cannot be empty")
    if M == 1:
        return finish(flambeau.ones_like(k))
    total = flambeau.zeros_like(k)
    for i, w in enumerate(weights):
        total = total + (-1) ** i * w * (2 * math.pi * i / n * k).cos()
    return finish(total)


def general_hamming(
    M: int, *, alpha: float = 0.54, sym: bool = True, **options: Any
) -> Tensor:
    """alpha - (1 - alpha) cos."""
    return general_cosine(M, a=[alpha, 1.0 - alpha], sym=sym, **options)


def hamming(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """0.54 - 0.46 cos."""
    return general_hamming(M, sym=sym, **options)


def hann(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """0.5 - 0.5 cos."""
    return general_hamming(M, alpha=0.5, sym=sym, **options)


def blackman(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """Blackman's window."""
    return general_cosine(M, a=[0.42, 0.5, 0.08], sym=sym, **options)


def nuttall(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """Nuttall's window of minimal side lobes."""
    weights = [0.3635819, 0.4891775, 0.1365995, 0.0106411]
    return general_cosine(M, a=weights, sym=sym, **options)


def bartlett(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """A triangle."""
    k, n, finish = _points("bartlett", M, sym, options)
    if M == 1:
        return finish(flambeau.ones_like(k))
    return finish(1 - (2 * k / n - 1).abs())


def cosine(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """Half a period of a sine."""
    k, n, finish = _points("cosine", M, sym, options)
    if M == 1:
        return finish(flambeau.ones_like(k))
    n = M if sym else M + 1
    return finish((math.pi / max(n, 1) * (k + 0.5)).sin())


def exponential(
    M: int,
    *,
    center: float | None = None,
    tau: float = 1.0,
    sym: bool = True,
    **options: Any,
) -> Tensor:
    """exp(-|k - center| / tau)."""
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    k, n, finish = _points("exponential", M, sym, options)
    middle = n / 2 if center is None and M > 1 else (center or 0.0)
    return finish((-(k - middle).abs() / tau).exp())


def gaussian(M: int, *, std: float = 1.0, sym: bool = True, **options: Any) -> Tensor:
    """exp(-((k - center) / std)² / 2)."""
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    k, n, finish = _points("gaussian", M, sym, options)
    middle = n / 2 if M > 1 else 0.0
    return finish((-(((k - middle) / std) ** 2) / 2).exp())


def kaiser(M: int, *, beta: float = 12.0, sym: bool = True, **options: Any) -> Tensor:
    """Kaiser's window."""
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    k, n, finish = _points("kaiser", M, sym, options)
    if M == 1:
        return finish(flambeau.ones_like(k))
    x = beta * (1 - (2 * k / n - 1) ** 2).clamp(min=0).sqrt()
    return finish(flambeau.i0(x) / flambeau.i0(flambeau.full_like(x, beta)))


__all__ = [
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
]
