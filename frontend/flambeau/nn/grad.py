"""Gradients of convolutions by their inputs and weights, as functions."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau._C import Tensor, _nn

__all__: list[str] = [f"conv{n}d_{by}" for n in (1, 2, 3) for by in ("input", "weight")]


def _gradient(
    n: int,
    input: Tensor,
    weight: Tensor,
    by: Tensor,
    grad_output: Tensor,
    options: tuple[Any, ...],
) -> Tensor:
    """By the derivative of the convolution itself, which is linear in both."""
    with flambeau.enable_grad():
        out = getattr(_nn, f"conv{n}d")(input, weight, None, *options)
        return flambeau.autograd.grad(out, by, grad_output)[0]


def _by_input(n: int) -> Any:
    def function(
        input_size: Any,
        weight: Tensor,
        grad_output: Tensor,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        blank = flambeau.zeros(
            input_size, dtype=grad_output.dtype, device=grad_output.device
        ).requires_grad_()
        options = (stride, padding, dilation, groups)
        return _gradient(n, blank, weight, blank, grad_output, options)

    function.__name__ = function.__qualname__ = f"conv{n}d_input"
    function.__doc__ = f"The gradient of `conv{n}d` by an input of this size."
    return function


def _by_weight(n: int) -> Any:
    def function(
        input: Tensor,
        weight_size: Any,
        grad_output: Tensor,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        blank = flambeau.zeros(
            weight_size, dtype=grad_output.dtype, device=grad_output.device
        ).requires_grad_()
        options = (stride, padding, dilation, groups)
        return _gradient(n, input, blank, blank, grad_output, options)

    function.__name__ = function.__qualname__ = f"conv{n}d_weight"
    function.__doc__ = f"The gradient of `conv{n}d` by a weight of this size."
    return function


conv1d_input, conv2d_input, conv3d_input = (_by_input(n) for n in (1, 2, 3))
conv1d_weight, conv2d_weight, conv3d_weight = (_by_weight(n) for n in (1, 2, 3))
