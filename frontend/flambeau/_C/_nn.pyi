"""Types of the functions in flambeau._C._nn; made by make_stubs.py."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self, TypeAlias, overload

from . import Generator, Tensor, _Number, _bool, _float, _int, _str
from . import device as _device
from . import dtype as _dtype

def _elu(
    input: Tensor,
    alpha: _float,
    scale: _float,
    input_scale: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _elu_(
    input: Tensor,
    alpha: _float,
    scale: _float,
    input_scale: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _elu_backward(
    grad: Tensor,
    input: Tensor,
    alpha: _float,
    scale: _float,
    input_scale: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _hardsigmoid(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def _hardsigmoid_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def _hardswish(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def _hardswish_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def _hardswish_backward(
    grad: Tensor, input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def _hardtanh(
    input: Tensor,
    lo: _float,
    hi: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _hardtanh_(
    input: Tensor,
    lo: _float,
    hi: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _leaky_relu(
    input: Tensor, slope: _float, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def _leaky_relu_(
    input: Tensor, slope: _float, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def _leaky_relu_backward(
    grad: Tensor,
    input: Tensor,
    slope: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _log_sigmoid_backward(
    grad: Tensor, input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def _mish(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def _mish_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def _mish_backward(
    grad: Tensor, input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def _silu(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def _silu_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def _silu_backward(
    grad: Tensor, input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def _softplus_backward(
    grad: Tensor,
    input: Tensor,
    beta: _float,
    threshold: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = ...,
    bias: Tensor | None = ...,
    training: _bool = ...,
    momentum: _float = ...,
    eps: _float = ...,
    cudnn_enabled: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def celu(
    input: Tensor,
    alpha: _float = ...,
    inplace: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = ...,
    stride: Sequence[_int] | _int = ...,
    padding: Sequence[_int] | _int = ...,
    dilation: Sequence[_int] | _int = ...,
    groups: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = ...,
    stride: Sequence[_int] | _int = ...,
    padding: _str = ...,
    dilation: Sequence[_int] | _int = ...,
    groups: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = ...,
    stride: Sequence[_int] | _int = ...,
    padding: Sequence[_int] | _int = ...,
    dilation: Sequence[_int] | _int = ...,
    groups: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = ...,
    stride: Sequence[_int] | _int = ...,
    padding: _str = ...,
    dilation: Sequence[_int] | _int = ...,
    groups: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = ...,
    stride: Sequence[_int] | _int = ...,
    padding: Sequence[_int] | _int = ...,
    dilation: Sequence[_int] | _int = ...,
    groups: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = ...,
    stride: Sequence[_int] | _int = ...,
    padding: _str = ...,
    dilation: Sequence[_int] | _int = ...,
    groups: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = ...,
    stride: Sequence[_int] | _int = ...,
    padding: Sequence[_int] | _int = ...,
    output_padding: Sequence[_int] | _int = ...,
    groups: _int = ...,
    dilation: Sequence[_int] | _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = ...,
    stride: Sequence[_int] | _int = ...,
    padding: Sequence[_int] | _int = ...,
    output_padding: Sequence[_int] | _int = ...,
    groups: _int = ...,
    dilation: Sequence[_int] | _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = ...,
    stride: Sequence[_int] | _int = ...,
    padding: Sequence[_int] | _int = ...,
    output_padding: Sequence[_int] | _int = ...,
    groups: _int = ...,
    dilation: Sequence[_int] | _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = ...,
    *,
    ignore_index: _int = ...,
    reduction: _str = ...,
    label_smoothing: _float = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def elu(
    input: Tensor,
    alpha: _float = ...,
    inplace: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def fold(
    input: Tensor,
    output_size: Sequence[_int] | _int,
    kernel_size: Sequence[_int] | _int,
    dilation: Sequence[_int] | _int = ...,
    padding: Sequence[_int] | _int = ...,
    stride: Sequence[_int] | _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def gelu(
    input: Tensor,
    *,
    approximate: _str = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def gelu_backward(
    grad: Tensor,
    input: Tensor,
    approximate: _str,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def group_norm(
    input: Tensor,
    num_groups: _int,
    weight: Tensor | None = ...,
    bias: Tensor | None = ...,
    eps: _float = ...,
    cudnn_enabled: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def hardsigmoid(
    input: Tensor,
    inplace: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def hardswish(
    input: Tensor,
    inplace: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def hardtanh(
    input: Tensor,
    min_val: _float = ...,
    max_val: _float = ...,
    inplace: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[_int] | _int,
    weight: Tensor | None = ...,
    bias: Tensor | None = ...,
    eps: _float = ...,
    cudnn_enable: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def leaky_relu(
    input: Tensor,
    negative_slope: _float = ...,
    inplace: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def linear(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def logsigmoid(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def mish(
    input: Tensor,
    inplace: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def mse_loss(
    input: Tensor,
    target: Tensor,
    *,
    reduction: _str = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = ...,
    *,
    ignore_index: _int = ...,
    reduction: _str = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def prelu(
    input: Tensor, weight: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def relu(
    input: Tensor,
    inplace: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def relu6(
    input: Tensor,
    inplace: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def rms_norm(
    input: Tensor,
    normalized_shape: Sequence[_int] | _int,
    weight: Tensor | None = ...,
    eps: _float | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def selu(
    input: Tensor,
    inplace: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def silu(
    input: Tensor,
    inplace: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def softplus(
    input: Tensor,
    beta: _float = ...,
    threshold: _float = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def unfold(
    input: Tensor,
    kernel_size: Sequence[_int] | _int,
    dilation: Sequence[_int] | _int = ...,
    padding: Sequence[_int] | _int = ...,
    stride: Sequence[_int] | _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
