"""Activations and what goes with them in backward passes: fused pointwise kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _special as sp
from .._operand import FLOATS
from ._pointwise_calls import Domain, Pointwise

_X, _G = Domain(-4, 4), Domain()
_ALPHA, _SCALE = 1.6732632423543772, 1.0507009873554805


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _gelu(x: Any) -> Any:
    return x / 2 * (1 + sp.erf(x / np.sqrt(2)))


def _gelu_slope(x: Any) -> Any:
    normal = np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    return (1 + sp.erf(x / np.sqrt(2))) / 2 + x * normal


def _tanh_argument(x: Any) -> Any:
    return np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)


def _gelu_tanh_slope(x: Any) -> Any:
    t = np.tanh(_tanh_argument(x))
    inner = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x * x)
    return (1 + t) / 2 + x / 2 * (1 - t * t) * inner


def _silu_slope(x: Any) -> Any:
    s = _sigmoid(x)
    return s * (1 + x * (1 - s))


def _mish_slope(x: Any) -> Any:
    t = np.tanh(np.log1p(np.exp(x)))
    return t + x * (1 - t * t) * _sigmoid(x)


def _elu(alpha: float, scale: float, steep: float) -> tuple[Any, Any]:
    return (
        lambda x: scale * np.where(x > 0, x, alpha * np.expm1(x * steep)),
        lambda x: scale * np.where(x > 0, 1, alpha * steep * np.exp(x * steep)),
    )


def _softplus(x: Any) -> Any:
    return np.where(2 * x > 3, x, np.log1p(np.exp(2 * x)) / 2)


# name, value, slope, attributes, variant
_Row = tuple[str, Callable[..., Any], Callable[..., Any], tuple[Any, ...], str]
_TABLE: list[_Row] = [
    ("gelu", _gelu, _gelu_slope, (0,), "erf"),
    ("gelu", lambda x: x / 2 * (1 + np.tanh(_tanh_argument(x))), _gelu_tanh_slope, (1,),
     "tanh"),
    ("silu", lambda x: x * _sigmoid(x), _silu_slope, (), ""),
    ("mish", lambda x: x * np.tanh(np.log1p(np.exp(x))), _mish_slope, (), ""),
    ("hardswish", lambda x: x * np.clip(x + 3, 0, 6) / 6,
     lambda x: np.where(x <= -3, 0, np.where(x >= 3, 1, x / 3 + 0.5)), (), ""),
    ("hardsigmoid", lambda x: np.clip(x + 3, 0, 6) / 6,
     lambda x: np.where((x > -3) & (x < 3), 1 / 6, 0), (), ""),
    ("log_sigmoid", lambda x: -np.log1p(np.exp(-x)), lambda x: 1 - _sigmoid(x), (), ""),
    ("selu", *_elu(_ALPHA, _SCALE, 1.0), (), ""),
    ("elu", *_elu(0.5, 2.0, 1.5), (0.5, 2.0, 1.5), ""),
    ("leaky_relu", lambda x: np.where(x > 0, x, x / 8),
     lambda x: np.where(x > 0, 1, 1 / 8), (0.125,), ""),
    ("hardtanh", lambda x: np.clip(x, -0.5, 1.5),
     lambda x: np.where((x > -0.5) & (x < 1.5), 1, 0), (-0.5, 1.5), ""),
    ("softplus", _softplus, lambda x: np.where(2 * x > 3, 1, _sigmoid(2 * x)),
     (2.0, 3.0), ""),
]  # fmt: skip


def _backward(slope: Callable[..., Any]) -> Callable[..., Any]:
    return lambda g, x: g * slope(x)


def _rows() -> list[Pointwise]:
    rows = []
    for name, value, slope, attrs, variant in _TABLE:
        common: dict[str, Any] = {
            "attrs": attrs,
            "variant": variant,
            "edges": "nan",
            "ulps": 32,
        }
        rows += [
            Pointwise(name, value, FLOATS, (_X,), scale=lambda x: 0.5, **common),
            Pointwise(
                f"{name}_backward",
                _backward(slope),
                FLOATS,
                (_G, _X),
                scale=lambda g, x: np.abs(g),
                scalar=False,
                **{**common, "edges": ""},
            ),
        ]
    return rows


def _gradient(
    name: str, oracle: Callable[..., Any], *attrs: float, n: int
) -> Pointwise:
    return Pointwise(
        name,
        oracle,
        FLOATS,
        (Domain(),) * n,
        attrs,
        edges="",
        ulps=8,
        scalar=False,
        scale=lambda g, *rest: np.abs(g) * (1 + sum(np.abs(r) for r in rest)) ** 2,
    )


KERNELS = [
    row.kernel()
    for row in (
        *_rows(),
        _gradient(
            "threshold_backward", lambda g, x: np.where(x > 0.25, g, 0), 0.25, n=2
        ),
        _gradient("sigmoid_backward", lambda g, y: g * y * (1 - y), n=2),
        _gradient("tanh_backward", lambda g, y: g * (1 - y * y), n=2),
        _gradient("mse_backward", lambda g, a, b: g * (a - b), 0.5, n=3),
        Pointwise(
            "masked_scale",
            lambda x, m: np.where(m, x * 2.5, 0),
            FLOATS,
            (Domain(), Domain(dtype="bool")),
            (2.5,),
            edges="",
            scalar=False,
        ),
    )
]
