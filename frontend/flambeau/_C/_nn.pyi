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
def adaptive_avg_pool1d(
    input: Tensor,
    output_size: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def adaptive_avg_pool2d(
    input: Tensor,
    output_size: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def adaptive_avg_pool3d(
    input: Tensor,
    output_size: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def adaptive_max_pool1d_with_indices(
    input: Tensor,
    output_size: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
def adaptive_max_pool2d_with_indices(
    input: Tensor,
    output_size: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
def adaptive_max_pool3d_with_indices(
    input: Tensor,
    output_size: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
def avg_pool1d(
    input: Tensor,
    kernel_size: Sequence[_int] | _int,
    stride: Sequence[_int] | _int | None = ...,
    padding: Sequence[_int] | _int = ...,
    ceil_mode: _bool = ...,
    count_include_pad: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def avg_pool2d(
    input: Tensor,
    kernel_size: Sequence[_int] | _int,
    stride: Sequence[_int] | _int | None = ...,
    padding: Sequence[_int] | _int = ...,
    ceil_mode: _bool = ...,
    count_include_pad: _bool = ...,
    divisor_override: _int | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def avg_pool3d(
    input: Tensor,
    kernel_size: Sequence[_int] | _int,
    stride: Sequence[_int] | _int | None = ...,
    padding: Sequence[_int] | _int = ...,
    ceil_mode: _bool = ...,
    count_include_pad: _bool = ...,
    divisor_override: _int | None = ...,
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
def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: _int = ...,
    scale_grad_by_freq: _bool = ...,
    sparse: _bool = ...,
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
def gru(
    input: Tensor,
    hx: Tensor,
    params: Sequence[Tensor],
    has_biases: _bool,
    num_layers: _int,
    dropout: _float,
    train: _bool,
    bidirectional: _bool,
    batch_first: _bool,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
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
def lstm(
    input: Tensor,
    hx: Sequence[Tensor],
    params: Sequence[Tensor],
    has_biases: _bool,
    num_layers: _int,
    dropout: _float,
    train: _bool,
    bidirectional: _bool,
    batch_first: _bool,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor, Tensor]: ...
def max_pool1d(
    input: Tensor,
    kernel_size: Sequence[_int] | _int,
    stride: Sequence[_int] | _int | None = ...,
    padding: Sequence[_int] | _int = ...,
    dilation: Sequence[_int] | _int = ...,
    ceil_mode: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Sequence[_int] | _int,
    stride: Sequence[_int] | _int | None = ...,
    padding: Sequence[_int] | _int = ...,
    dilation: Sequence[_int] | _int = ...,
    ceil_mode: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
def max_pool2d(
    input: Tensor,
    kernel_size: Sequence[_int] | _int,
    stride: Sequence[_int] | _int | None = ...,
    padding: Sequence[_int] | _int = ...,
    dilation: Sequence[_int] | _int = ...,
    ceil_mode: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Sequence[_int] | _int,
    stride: Sequence[_int] | _int | None = ...,
    padding: Sequence[_int] | _int = ...,
    dilation: Sequence[_int] | _int = ...,
    ceil_mode: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
def max_pool3d(
    input: Tensor,
    kernel_size: Sequence[_int] | _int,
    stride: Sequence[_int] | _int | None = ...,
    padding: Sequence[_int] | _int = ...,
    dilation: Sequence[_int] | _int = ...,
    ceil_mode: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Sequence[_int] | _int,
    stride: Sequence[_int] | _int | None = ...,
    padding: Sequence[_int] | _int = ...,
    dilation: Sequence[_int] | _int = ...,
    ceil_mode: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
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
def rnn_relu(
    input: Tensor,
    hx: Tensor,
    params: Sequence[Tensor],
    has_biases: _bool,
    num_layers: _int,
    dropout: _float,
    train: _bool,
    bidirectional: _bool,
    batch_first: _bool,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
def rnn_tanh(
    input: Tensor,
    hx: Tensor,
    params: Sequence[Tensor],
    has_biases: _bool,
    num_layers: _int,
    dropout: _float,
    train: _bool,
    bidirectional: _bool,
    batch_first: _bool,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = ...,
    dropout_p: _float = ...,
    is_causal: _bool = ...,
    *,
    scale: _float | None = ...,
    enable_gqa: _bool = ...,
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
def upsample_bicubic2d(
    input: Tensor,
    output_size: Sequence[_int] | _int,
    align_corners: _bool,
    scales_h: _float | None = ...,
    scales_w: _float | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def upsample_bilinear2d(
    input: Tensor,
    output_size: Sequence[_int] | _int,
    align_corners: _bool,
    scales_h: _float | None = ...,
    scales_w: _float | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def upsample_linear1d(
    input: Tensor,
    output_size: Sequence[_int] | _int,
    align_corners: _bool,
    scales: _float | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def upsample_nearest1d(
    input: Tensor,
    output_size: Sequence[_int] | _int,
    scales: _float | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def upsample_nearest2d(
    input: Tensor,
    output_size: Sequence[_int] | _int,
    scales_h: _float | None = ...,
    scales_w: _float | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def upsample_nearest3d(
    input: Tensor,
    output_size: Sequence[_int] | _int,
    scales_d: _float | None = ...,
    scales_h: _float | None = ...,
    scales_w: _float | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def upsample_trilinear3d(
    input: Tensor,
    output_size: Sequence[_int] | _int,
    align_corners: _bool,
    scales_d: _float | None = ...,
    scales_h: _float | None = ...,
    scales_w: _float | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
