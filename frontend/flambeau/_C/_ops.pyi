"""Types of the functions in flambeau._C._ops; made by make_stubs.py."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self, TypeAlias, overload

from . import Generator, Tensor, _Number, _bool, _float, _int, _str
from . import device as _device
from . import dtype as _dtype

def __rpow__(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _adaptive_avg_pool(
    input: Tensor,
    size: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _adaptive_avg_pool_backward(
    grad: Tensor,
    size: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _adaptive_max_pool(
    input: Tensor,
    size: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
def _angle(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def _as_strided(
    input: Tensor,
    size: Sequence[_int] | _int,
    stride: Sequence[_int] | _int,
    storage_offset: _int,
    input_stride: Sequence[_int] | _int,
    input_offset: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    scale: _float,
    causal: _bool,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
def _attention_backward(
    grad: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    out: Tensor,
    lse: Tensor,
    mask: Tensor | None,
    scale: _float,
    causal: _bool,
) -> tuple[Tensor, Tensor, Tensor]: ...
def _avg_pool(
    input: Tensor,
    size: Sequence[_int] | _int,
    kernel_size: Sequence[_int] | _int,
    stride: Sequence[_int] | _int,
    padding: Sequence[_int] | _int,
    count_include_pad: _bool,
    divisor: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _avg_pool_backward(
    grad: Tensor,
    size: Sequence[_int] | _int,
    kernel_size: Sequence[_int] | _int,
    stride: Sequence[_int] | _int,
    padding: Sequence[_int] | _int,
    count_include_pad: _bool,
    divisor: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: _bool,
    momentum: _float,
    eps: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor, Tensor]: ...
def _batch_norm_backward(
    grad: Tensor,
    input: Tensor,
    mean: Tensor,
    rstd: Tensor,
    weight: Tensor | None,
    training: _bool,
    eps: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor, Tensor]: ...
def _col2im(
    input: Tensor,
    output_size: Sequence[_int] | _int,
    kernel_size: Sequence[_int] | _int,
    dilation: Sequence[_int] | _int,
    padding: Sequence[_int] | _int,
    stride: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _conj(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def _convolution_input_grad(
    grad: Tensor,
    weight: Tensor,
    input_size: Sequence[_int] | _int,
    stride: Sequence[_int] | _int,
    padding: Sequence[_int] | _int,
    dilation: Sequence[_int] | _int,
    transposed: _bool,
    output_padding: Sequence[_int] | _int,
    groups: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _convolution_weight_grad(
    grad: Tensor,
    input: Tensor,
    weight_size: Sequence[_int] | _int,
    stride: Sequence[_int] | _int,
    padding: Sequence[_int] | _int,
    dilation: Sequence[_int] | _int,
    transposed: _bool,
    output_padding: Sequence[_int] | _int,
    groups: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: _int,
    reduction: _int,
    smoothing: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor, Tensor]: ...
def _cross_entropy_backward(
    grad: Tensor,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    lse: Tensor,
    total: Tensor,
    ignore_index: _int,
    reduction: _int,
    smoothing: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _dropout(
    input: Tensor, p: _float, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> tuple[Tensor, Tensor]: ...
def _eig(
    A: Tensor, vectors: _bool, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> tuple[Tensor, Tensor]: ...
def _eigh(
    A: Tensor,
    upper: _bool,
    vectors: _bool,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
def _embed_view(
    grad: Tensor,
    input_size: Sequence[_int] | _int,
    size: Sequence[_int] | _int,
    stride: Sequence[_int] | _int,
    offset: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _embedding_backward(
    grad: Tensor,
    input: Tensor,
    rows: _int,
    padding_idx: _int,
    scale_grad_by_freq: _bool,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _extract_view(
    input: Tensor,
    size: Sequence[_int] | _int,
    stride: Sequence[_int] | _int,
    offset: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _fft_c2c(
    input: Tensor,
    dims: Sequence[_int] | _int,
    forward: _bool,
    scale: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _fft_c2r(
    input: Tensor,
    dims: Sequence[_int] | _int,
    n: _int,
    scale: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _fft_r2c(
    input: Tensor,
    dims: Sequence[_int] | _int,
    scale: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _group_norm(
    input: Tensor,
    num_groups: _int,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor, Tensor]: ...
def _group_norm_backward(
    grad: Tensor,
    input: Tensor,
    mean: Tensor,
    rstd: Tensor,
    weight: Tensor | None,
    num_groups: _int,
    eps: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor, Tensor]: ...
def _gru_cell(
    gi: Tensor, gh: Tensor, h: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> tuple[Tensor, Tensor]: ...
def _gru_cell_backward(
    dh: Tensor,
    gi: Tensor,
    gh: Tensor,
    saved: Tensor,
    h: Tensor,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor, Tensor]: ...
def _im2col(
    input: Tensor,
    kernel_size: Sequence[_int] | _int,
    dilation: Sequence[_int] | _int,
    padding: Sequence[_int] | _int,
    stride: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _layer_norm(
    input: Tensor,
    n: _int,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor, Tensor]: ...
def _layer_norm_backward(
    grad: Tensor,
    input: Tensor,
    mean: Tensor,
    rstd: Tensor,
    weight: Tensor | None,
    n: _int,
    eps: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor, Tensor]: ...
def _linked(
    input: Tensor, of: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def _log_softmax_backward(
    grad: Tensor,
    output: Tensor,
    dim: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _lstm_cell(
    gates: Tensor, c: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> tuple[Tensor, Tensor, Tensor]: ...
def _lstm_cell_backward(
    dh: Tensor | None,
    dc: Tensor | None,
    gates: Tensor,
    active: Tensor,
    c: Tensor,
    next: Tensor,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
def _lstm_layer(
    gx: Tensor,
    w_hh: Tensor,
    h0: Tensor,
    c0: Tensor,
    reverse: _bool,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor, Tensor]: ...
def _lstm_layer_backward(
    dhs: Tensor | None,
    dcs: Tensor | None,
    gx: Tensor,
    w_hh: Tensor,
    h0: Tensor,
    c0: Tensor,
    cs: Tensor,
    gates: Tensor,
    reverse: _bool,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor, Tensor]: ...
def _lstsq(
    A: Tensor,
    B: Tensor,
    rcond: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor, Tensor]: ...
def _lu_factor(
    A: Tensor,
    pivot: _bool,
    check_errors: _bool,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor, Tensor]: ...
def _lu_of(
    A: Tensor, LU: Tensor, P: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def _lu_solve(
    LU: Tensor,
    pivots: Tensor,
    B: Tensor,
    adjoint: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _masked_scale(
    input: Tensor,
    mask: Tensor,
    scale: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _max_pool(
    input: Tensor,
    kernel_size: Sequence[_int] | _int,
    stride: Sequence[_int] | _int,
    padding: Sequence[_int] | _int,
    dilation: Sequence[_int] | _int,
    size: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
def _max_pool_backward(
    grad: Tensor,
    indices: Tensor,
    input_size: Sequence[_int] | _int,
    kernel_size: Sequence[_int] | _int,
    stride: Sequence[_int] | _int,
    padding: Sequence[_int] | _int,
    dilation: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _mse_loss(
    input: Tensor,
    target: Tensor,
    reduction: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _mse_loss_backward(
    grad: Tensor,
    input: Tensor,
    target: Tensor,
    scale: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: _int,
    reduction: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
def _nll_loss_backward(
    grad: Tensor,
    target: Tensor,
    weight: Tensor | None,
    total: Tensor,
    sizes: Sequence[_int] | _int,
    ignore_index: _int,
    reduction: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _norm(
    input: Tensor,
    p: _float,
    dim: Sequence[_int] | _int,
    keepdim: _bool,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _pinv(
    A: Tensor, P: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def _qr(
    A: Tensor, complete: _bool, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> tuple[Tensor, Tensor]: ...
def _rms_norm(
    input: Tensor,
    n: _int,
    weight: Tensor | None,
    eps: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
def _rms_norm_backward(
    grad: Tensor,
    input: Tensor,
    rstd: Tensor,
    weight: Tensor | None,
    n: _int,
    eps: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
def _roll(
    input: Tensor,
    shifts: Sequence[_int] | _int,
    dims: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _softmax_backward(
    grad: Tensor,
    output: Tensor,
    dim: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _solve(
    a: Tensor, b: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> tuple[Tensor, Tensor]: ...
def _solve_triangular(
    a: Tensor,
    b: Tensor,
    upper: _bool,
    unit: _bool,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _svd(
    A: Tensor,
    full: _bool,
    vectors: _bool,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor, Tensor]: ...
def _to_copy(
    input: Tensor,
    dtype: _dtype,
    device: _device | _str | _int,
    memory_format: Any,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
    requires_grad: _bool = ...,
) -> Tensor: ...
def _to_device(
    input: Tensor,
    device: _device | _str | _int,
    non_blocking: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
    requires_grad: _bool = ...,
) -> Tensor: ...
def _to_dtype(
    input: Tensor, dtype: _dtype, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def _upsample(
    input: Tensor,
    size: Sequence[_int] | _int,
    mode: _int,
    align_corners: _bool,
    scales: Sequence[_float],
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _upsample_backward(
    grad: Tensor,
    size: Sequence[_int] | _int,
    mode: _int,
    align_corners: _bool,
    scales: Sequence[_float],
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def _var(
    input: Tensor,
    dim: Sequence[_int] | _int,
    correction: _float,
    keepdim: _bool,
    root: _bool,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def abs(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def abs_(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def absolute(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def absolute_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def acos(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def acos_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def acosh(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def acosh_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def add(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    alpha: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def add_(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    alpha: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def addbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: _Number = ...,
    alpha: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def addbmm_(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: _Number = ...,
    alpha: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def addcdiv(
    input: Tensor,
    tensor1: Tensor,
    tensor2: Tensor,
    *,
    value: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def addcdiv_(
    input: Tensor,
    tensor1: Tensor,
    tensor2: Tensor,
    *,
    value: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def addcmul(
    input: Tensor,
    tensor1: Tensor,
    tensor2: Tensor,
    *,
    value: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def addcmul_(
    input: Tensor,
    tensor1: Tensor,
    tensor2: Tensor,
    *,
    value: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def addmm(
    input: Tensor,
    mat1: Tensor,
    mat2: Tensor,
    *,
    beta: _Number = ...,
    alpha: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def addmm_(
    input: Tensor,
    mat1: Tensor,
    mat2: Tensor,
    *,
    beta: _Number = ...,
    alpha: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def addmv(
    input: Tensor,
    mat: Tensor,
    vec: Tensor,
    *,
    beta: _Number = ...,
    alpha: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def addmv_(
    input: Tensor,
    mat: Tensor,
    vec: Tensor,
    *,
    beta: _Number = ...,
    alpha: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def addr(
    input: Tensor,
    vec1: Tensor,
    vec2: Tensor,
    *,
    beta: _Number = ...,
    alpha: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def addr_(
    input: Tensor,
    vec1: Tensor,
    vec2: Tensor,
    *,
    beta: _Number = ...,
    alpha: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def adjoint(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def all(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
@overload
def all(
    input: Tensor,
    dim: _int,
    keepdim: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def all(
    input: Tensor,
    dim: Sequence[_int] | _int | None = ...,
    keepdim: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def amax(
    input: Tensor,
    dim: Sequence[_int] | _int = ...,
    keepdim: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def amin(
    input: Tensor,
    dim: Sequence[_int] | _int = ...,
    keepdim: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def aminmax(
    input: Tensor,
    *,
    dim: _int | None = ...,
    keepdim: _bool = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Any: ...  # (Tensor min, Tensor max)
def angle(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def any(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
@overload
def any(
    input: Tensor,
    dim: _int,
    keepdim: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def any(
    input: Tensor,
    dim: Sequence[_int] | _int | None = ...,
    keepdim: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def arange(
    end: _Number,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def arange(
    start: _Number,
    end: _Number,
    step: _Number = ...,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def arccos(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def arccos_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def arccosh(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def arccosh_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def arcsin(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def arcsin_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def arcsinh(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def arcsinh_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def arctan(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def arctan2(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def arctan2_(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def arctan_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def arctanh(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def arctanh_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def argmax(
    input: Tensor,
    dim: _int | None = ...,
    keepdim: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def argmin(
    input: Tensor,
    dim: _int | None = ...,
    keepdim: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def argsort(
    input: Tensor,
    dim: _int = ...,
    descending: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def argsort(
    input: Tensor,
    *,
    stable: _bool,
    dim: _int = ...,
    descending: _bool = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def argwhere(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def as_strided(
    input: Tensor,
    size: Sequence[_int] | _int,
    stride: Sequence[_int] | _int,
    storage_offset: _int | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def as_strided_(
    input: Tensor,
    size: Sequence[_int] | _int,
    stride: Sequence[_int] | _int,
    storage_offset: _int | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def as_strided_scatter(
    input: Tensor,
    src: Tensor,
    size: Sequence[_int] | _int,
    stride: Sequence[_int] | _int,
    storage_offset: _int | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def asin(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def asin_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def asinh(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def asinh_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def atan(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def atan2(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def atan2_(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def atan_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def atanh(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def atanh_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def baddbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: _Number = ...,
    alpha: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def baddbmm_(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: _Number = ...,
    alpha: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def bernoulli(
    input: Tensor,
    *,
    generator: Generator | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def bernoulli(
    input: Tensor,
    p: _float,
    *,
    generator: Generator | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def bincount(
    input: Tensor,
    weights: Tensor | None = ...,
    minlength: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def bitwise_and(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def bitwise_and_(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def bitwise_left_shift(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def bitwise_left_shift_(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def bitwise_not(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def bitwise_not_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def bitwise_or(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def bitwise_or_(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def bitwise_right_shift(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def bitwise_right_shift_(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def bitwise_xor(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def bitwise_xor_(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def bmm(
    input: Tensor, mat2: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def broadcast_to(
    input: Tensor,
    size: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def bucketize(
    input: Tensor,
    boundaries: Tensor,
    *,
    out_int32: _bool = ...,
    right: _bool = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def bucketize(
    input: _Number,
    boundaries: Tensor,
    *,
    out_int32: _bool = ...,
    right: _bool = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def cat(
    tensors: Sequence[Tensor],
    dim: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def ceil(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def ceil_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def chunk(
    input: Tensor,
    chunks: _int,
    dim: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, ...]: ...
def clamp(
    input: Tensor,
    min: Tensor | _Number | None = ...,
    max: Tensor | _Number | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def clamp_(
    input: Tensor,
    min: Tensor | _Number | None = ...,
    max: Tensor | _Number | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def clamp_max(
    input: Tensor,
    max: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def clamp_max_(
    input: Tensor,
    max: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def clamp_min(
    input: Tensor,
    min: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def clamp_min_(
    input: Tensor,
    min: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def clip(
    input: Tensor,
    min: Tensor | _Number | None = ...,
    max: Tensor | _Number | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def clip_(
    input: Tensor,
    min: Tensor | _Number | None = ...,
    max: Tensor | _Number | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def clone(
    input: Tensor,
    *,
    memory_format: Any = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def column_stack(
    tensors: Sequence[Tensor], *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def complex(
    real: Tensor, imag: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def concat(
    tensors: Sequence[Tensor],
    dim: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def concatenate(
    tensors: Sequence[Tensor],
    dim: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def conj(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def conj_physical(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def conj_physical_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def constant_pad_nd(
    input: Tensor,
    pad: Sequence[_int] | _int,
    value: _Number = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def convolution(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[_int] | _int,
    padding: Sequence[_int] | _int,
    dilation: Sequence[_int] | _int,
    transposed: _bool,
    output_padding: Sequence[_int] | _int,
    groups: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def copysign(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def copysign_(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def cos(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def cos_(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def cosh(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def cosh_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def count_nonzero(
    input: Tensor,
    dim: Sequence[_int] | _int | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def cummax(
    input: Tensor, dim: _int, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Any: ...  # (Tensor values, Tensor indices)
def cummin(
    input: Tensor, dim: _int, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Any: ...  # (Tensor values, Tensor indices)
def cumprod(
    input: Tensor,
    dim: _int,
    *,
    dtype: _dtype | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def cumprod_(
    input: Tensor,
    dim: _int,
    *,
    dtype: _dtype | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def cumsum(
    input: Tensor,
    dim: _int,
    *,
    dtype: _dtype | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def cumsum_(
    input: Tensor,
    dim: _int,
    *,
    dtype: _dtype | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def deg2rad(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def deg2rad_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def detach(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def diag(
    input: Tensor,
    diagonal: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def diag_embed(
    input: Tensor,
    offset: _int = ...,
    dim1: _int = ...,
    dim2: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def diagflat(
    input: Tensor, offset: _int = ..., *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def diagonal(
    input: Tensor,
    offset: _int = ...,
    dim1: _int = ...,
    dim2: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def diagonal_scatter(
    input: Tensor,
    src: Tensor,
    offset: _int = ...,
    dim1: _int = ...,
    dim2: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def digamma(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def digamma_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def div(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    rounding_mode: _str | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def div_(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    rounding_mode: _str | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def divide(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    rounding_mode: _str | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def divide_(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    rounding_mode: _str | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def dot(
    input: Tensor, tensor: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def dropout(
    input: Tensor,
    p: _float,
    train: _bool,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def dropout_(
    input: Tensor,
    p: _float,
    train: _bool,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def dsplit(
    input: Tensor, sections: _int, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> tuple[Tensor, ...]: ...
@overload
def dsplit(
    input: Tensor,
    indices: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, ...]: ...
def dstack(
    tensors: Sequence[Tensor], *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def empty(
    size: Sequence[_int] | _int,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    memory_format: Any = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def empty(
    *sizes: _int,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    memory_format: Any = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def empty_like(
    input: Tensor,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    memory_format: Any = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def empty_strided(
    size: Sequence[_int] | _int,
    stride: Sequence[_int] | _int,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def empty_strided(
    *sizes: _int,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def eq(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def eq_(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def erf(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def erf_(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def erfc(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def erfc_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def erfinv(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def erfinv_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def exp(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def exp2(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def exp2_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def exp_(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def expm1(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def expm1_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def eye(
    n: _int,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def eye(
    n: _int,
    m: _int,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def fill(
    input: Tensor,
    value: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def fill_(
    input: Tensor,
    value: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def fix(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def fix_(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def flatten(
    input: Tensor,
    start_dim: _int = ...,
    end_dim: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def flip(
    input: Tensor,
    dims: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def fliplr(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def flipud(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def float_power(
    input: Tensor | _Number,
    exponent: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def float_power_(
    input: Tensor | _Number,
    exponent: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def floor(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def floor_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def floor_divide(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def floor_divide_(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def fmax(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def fmin(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def fmod(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def fmod_(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def frac(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def frac_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def full(
    size: Sequence[_int] | _int,
    fill_value: _Number,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def full(
    *sizes: _int,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def full_like(
    input: Tensor,
    fill_value: _Number,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    memory_format: Any = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def gather(
    input: Tensor,
    dim: _int,
    index: Tensor,
    *,
    sparse_grad: _bool = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def gcd(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def gcd_(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def ge(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def ge_(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def ger(
    input: Tensor, vec2: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def greater(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def greater_(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def greater_equal(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def greater_equal_(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def gru_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = ...,
    b_hh: Tensor | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def gt(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def gt_(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def heaviside(
    input: Tensor, values: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def heaviside_(
    input: Tensor, values: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def histc(
    input: Tensor,
    bins: _int = ...,
    min: _Number = ...,
    max: _Number = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def hsplit(
    input: Tensor, sections: _int, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> tuple[Tensor, ...]: ...
@overload
def hsplit(
    input: Tensor,
    indices: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, ...]: ...
def hstack(
    tensors: Sequence[Tensor], *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def hypot(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def hypot_(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def i0(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def i0_(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def igamma(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def igamma_(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def igammac(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def igammac_(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def imag(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def index(
    input: Tensor,
    indices: Sequence[Tensor | None],
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def index_add(
    input: Tensor,
    dim: _int,
    index: Tensor,
    source: Tensor,
    *,
    alpha: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def index_add_(
    input: Tensor,
    dim: _int,
    index: Tensor,
    source: Tensor,
    *,
    alpha: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def index_copy(
    input: Tensor,
    dim: _int,
    index: Tensor,
    source: Tensor,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def index_copy_(
    input: Tensor,
    dim: _int,
    index: Tensor,
    source: Tensor,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def index_fill(
    input: Tensor,
    dim: _int,
    index: Tensor,
    value: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def index_fill_(
    input: Tensor,
    dim: _int,
    index: Tensor,
    value: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def index_put(
    input: Tensor,
    indices: Sequence[Tensor | None],
    values: Tensor,
    accumulate: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def index_put_(
    input: Tensor,
    indices: Sequence[Tensor | None],
    values: Tensor,
    accumulate: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def index_reduce(
    input: Tensor,
    dim: _int,
    index: Tensor,
    source: Tensor,
    reduce: _str,
    *,
    include_self: _bool = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def index_reduce_(
    input: Tensor,
    dim: _int,
    index: Tensor,
    source: Tensor,
    reduce: _str,
    *,
    include_self: _bool = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def index_select(
    input: Tensor,
    dim: _int,
    index: Tensor,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def inner(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def isfinite(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def isinf(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def isnan(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def isneginf(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def isposinf(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def kthvalue(
    input: Tensor,
    k: _int,
    dim: _int = ...,
    keepdim: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Any: ...  # (Tensor values, Tensor indices)
def lcm(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def lcm_(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def ldexp(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def ldexp_(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def le(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def le_(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def lerp(
    input: Tensor,
    end: Tensor,
    weight: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def lerp_(
    input: Tensor,
    end: Tensor,
    weight: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def less(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def less_(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def less_equal(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def less_equal_(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def lgamma(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def lgamma_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def linspace(
    start: _Number,
    end: _Number,
    steps: _int,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def log(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def log10(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def log10_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def log1p(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def log1p_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def log2(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def log2_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def log_(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def log_softmax(
    input: Tensor,
    dim: _int,
    dtype: _dtype | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def logaddexp(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def logaddexp2(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def logcumsumexp(
    input: Tensor, dim: _int, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def logical_and(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def logical_and_(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def logical_not(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def logical_not_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def logical_or(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def logical_or_(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def logical_xor(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def logical_xor_(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def logspace(
    start: _Number,
    end: _Number,
    steps: _int,
    base: _float = ...,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def logsumexp(
    input: Tensor,
    dim: Sequence[_int] | _int,
    keepdim: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def lstm_cell(
    input: Tensor,
    hx: Sequence[Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = ...,
    b_hh: Tensor | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
def lt(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def lt_(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def masked_fill(
    input: Tensor,
    mask: Tensor,
    value: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def masked_fill_(
    input: Tensor,
    mask: Tensor,
    value: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def masked_scatter(
    input: Tensor,
    mask: Tensor,
    source: Tensor,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def masked_scatter_(
    input: Tensor,
    mask: Tensor,
    source: Tensor,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def masked_select(
    input: Tensor, mask: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def matmul(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def max(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
@overload
def max(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def max(
    input: Tensor,
    dim: _int,
    keepdim: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Any: ...  # (Tensor values, Tensor indices)
def maximum(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def mean(
    input: Tensor,
    *,
    dtype: _dtype | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def mean(
    input: Tensor,
    dim: Sequence[_int] | _int | None,
    keepdim: _bool = ...,
    *,
    dtype: _dtype | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def median(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def median(
    input: Tensor,
    dim: _int,
    keepdim: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Any: ...  # (Tensor values, Tensor indices)
@overload
def min(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
@overload
def min(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def min(
    input: Tensor,
    dim: _int,
    keepdim: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Any: ...  # (Tensor values, Tensor indices)
def minimum(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def mm(
    input: Tensor, mat2: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def moveaxis(
    input: Tensor,
    source: _int,
    destination: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def moveaxis(
    input: Tensor,
    source: Sequence[_int] | _int,
    destination: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def movedim(
    input: Tensor,
    source: _int,
    destination: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def movedim(
    input: Tensor,
    source: Sequence[_int] | _int,
    destination: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def msort(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def mul(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def mul_(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def multinomial(
    input: Tensor,
    num_samples: _int,
    replacement: _bool = ...,
    *,
    generator: Generator | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def multiply(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def multiply_(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def mv(
    input: Tensor, vec: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def nanmean(
    input: Tensor,
    dim: Sequence[_int] | _int | None = ...,
    keepdim: _bool = ...,
    *,
    dtype: _dtype | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def nanmedian(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def nanmedian(
    input: Tensor,
    dim: _int,
    keepdim: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Any: ...  # (Tensor values, Tensor indices)
def nansum(
    input: Tensor,
    dim: Sequence[_int] | _int | None = ...,
    keepdim: _bool = ...,
    *,
    dtype: _dtype | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def narrow(
    input: Tensor,
    dim: _int,
    start: _int,
    length: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def narrow(
    input: Tensor,
    dim: _int,
    start: Tensor,
    length: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def ne(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def ne_(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def neg(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def neg_(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def negative(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def negative_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def nextafter(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def nextafter_(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def nonzero(
    input: Tensor,
    *,
    as_tuple: _bool = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def norm(
    input: Tensor,
    p: _float | None = ...,
    dim: Sequence[_int] | _int | None = ...,
    keepdim: _bool = ...,
    dtype: _dtype | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def norm(
    input: Tensor,
    p: _str,
    dim: Sequence[_int] | _int | None = ...,
    keepdim: _bool = ...,
    dtype: _dtype | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def normal(
    mean: _float,
    std: _float,
    size: Sequence[_int] | _int,
    *,
    generator: Generator | None = ...,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def normal(
    mean: Tensor,
    std: Tensor,
    *,
    generator: Generator | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def normal(
    mean: Tensor,
    std: _float = ...,
    *,
    generator: Generator | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def normal(
    mean: _float,
    std: Tensor,
    *,
    generator: Generator | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def not_equal(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def not_equal_(
    input: Tensor,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def ones(
    size: Sequence[_int] | _int,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def ones(
    *sizes: _int,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def ones_like(
    input: Tensor,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    memory_format: Any = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def outer(
    input: Tensor, vec2: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def permute(
    input: Tensor,
    dims: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def polar(
    abs: Tensor, angle: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def polygamma(
    n: _int, input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def positive(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def pow(
    input: Tensor | _Number,
    exponent: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def pow_(
    input: Tensor | _Number,
    exponent: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def prelu(
    input: Tensor, weight: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def prod(
    input: Tensor,
    *,
    dtype: _dtype | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def prod(
    input: Tensor,
    dim: _int,
    keepdim: _bool = ...,
    *,
    dtype: _dtype | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def put(
    input: Tensor,
    index: Tensor,
    source: Tensor,
    accumulate: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def put_(
    input: Tensor,
    index: Tensor,
    source: Tensor,
    accumulate: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def rad2deg(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def rad2deg_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def rand(
    size: Sequence[_int] | _int,
    *,
    generator: Generator | None = ...,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def rand(
    *sizes: _int,
    generator: Generator | None = ...,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def rand_like(
    input: Tensor,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    memory_format: Any = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def randint(
    high: _int,
    size: Sequence[_int] | _int,
    *,
    generator: Generator | None = ...,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def randint(
    low: _int,
    high: _int,
    size: Sequence[_int] | _int,
    *,
    generator: Generator | None = ...,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def randint_like(
    input: Tensor,
    high: _int,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    memory_format: Any = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def randint_like(
    input: Tensor,
    low: _int,
    high: _int,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    memory_format: Any = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def randn(
    size: Sequence[_int] | _int,
    *,
    generator: Generator | None = ...,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def randn(
    *sizes: _int,
    generator: Generator | None = ...,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def randn_like(
    input: Tensor,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    memory_format: Any = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def randperm(
    n: _int,
    *,
    generator: Generator | None = ...,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def range(
    start: _Number,
    end: _Number,
    step: _Number = ...,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def ravel(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def real(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def reciprocal(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def reciprocal_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def relu(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def relu_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def remainder(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def remainder_(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def repeat_interleave(
    input: Tensor,
    repeats: _int,
    dim: _int | None = ...,
    *,
    output_size: _int | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def repeat_interleave(
    input: Tensor,
    repeats: Tensor,
    dim: _int | None = ...,
    *,
    output_size: _int | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def repeat_interleave(
    repeats: Tensor,
    *,
    output_size: _int | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def reshape(
    input: Tensor,
    shape: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def resolve_conj(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def resolve_neg(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def rnn_relu_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = ...,
    b_hh: Tensor | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def rnn_tanh_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = ...,
    b_hh: Tensor | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def roll(
    input: Tensor,
    shifts: Sequence[_int] | _int,
    dims: Sequence[_int] | _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def rot90(
    input: Tensor,
    k: _int = ...,
    dims: Sequence[_int] | _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def round(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def round(
    input: Tensor, *, decimals: _int, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def round_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def round_(
    input: Tensor, *, decimals: _int, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def row_stack(
    tensors: Sequence[Tensor], *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def rsqrt(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def rsqrt_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def rsub(
    input: Tensor,
    other: Tensor | _Number,
    *,
    alpha: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def scalar_tensor(
    s: _Number,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def scatter(
    input: Tensor,
    dim: _int,
    index: Tensor,
    src: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def scatter(
    input: Tensor,
    dim: _int,
    index: Tensor,
    value: _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def scatter(
    input: Tensor,
    dim: _int,
    index: Tensor,
    src: Tensor | _Number,
    *,
    reduce: _str,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def scatter(
    input: Tensor,
    dim: _int,
    index: Tensor,
    value: _Number,
    *,
    reduce: _str,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def scatter_(
    input: Tensor,
    dim: _int,
    index: Tensor,
    src: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def scatter_(
    input: Tensor,
    dim: _int,
    index: Tensor,
    value: _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def scatter_(
    input: Tensor,
    dim: _int,
    index: Tensor,
    src: Tensor | _Number,
    *,
    reduce: _str,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def scatter_(
    input: Tensor,
    dim: _int,
    index: Tensor,
    value: _Number,
    *,
    reduce: _str,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def scatter_add(
    input: Tensor,
    dim: _int,
    index: Tensor,
    src: Tensor,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def scatter_add_(
    input: Tensor,
    dim: _int,
    index: Tensor,
    src: Tensor,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def scatter_reduce(
    input: Tensor,
    dim: _int,
    index: Tensor,
    src: Tensor,
    reduce: _str,
    *,
    include_self: _bool = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def scatter_reduce_(
    input: Tensor,
    dim: _int,
    index: Tensor,
    src: Tensor,
    reduce: _str,
    *,
    include_self: _bool = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def searchsorted(
    sorted_sequence: Tensor,
    input: Tensor,
    *,
    out_int32: _bool = ...,
    right: _bool = ...,
    side: _str | None = ...,
    sorter: Tensor | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def searchsorted(
    sorted_sequence: Tensor,
    input: _Number,
    *,
    out_int32: _bool = ...,
    right: _bool = ...,
    side: _str | None = ...,
    sorter: Tensor | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def select(
    input: Tensor,
    dim: _int,
    index: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def select_scatter(
    input: Tensor,
    src: Tensor,
    dim: _int,
    index: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def sgn(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def sgn_(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def sigmoid(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def sigmoid_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def sigmoid_backward(
    grad: Tensor, output: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def sign(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def sign_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def signbit(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def sin(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def sin_(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def sinc(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def sinc_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def sinh(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def sinh_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def slice(
    input: Tensor,
    dim: _int = ...,
    start: _int | None = ...,
    end: _int | None = ...,
    step: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: _int = ...,
    start: _int | None = ...,
    end: _int | None = ...,
    step: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def softmax(
    input: Tensor,
    dim: _int,
    dtype: _dtype | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def sort(
    input: Tensor,
    dim: _int = ...,
    descending: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Any: ...  # (Tensor values, Tensor indices)
@overload
def sort(
    input: Tensor,
    *,
    stable: _bool | None,
    dim: _int = ...,
    descending: _bool = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Any: ...  # (Tensor values, Tensor indices)
@overload
def split(
    input: Tensor,
    split_size: _int,
    dim: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, ...]: ...
@overload
def split(
    input: Tensor,
    split_size: Sequence[_int] | _int,
    dim: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, ...]: ...
@overload
def split(
    tensor: Tensor,
    split_size_or_sections: _int,
    dim: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, ...]: ...
@overload
def split(
    tensor: Tensor,
    split_size_or_sections: Sequence[_int] | _int,
    dim: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, ...]: ...
def split_with_sizes(
    input: Tensor,
    split_sizes: Sequence[_int] | _int,
    dim: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, ...]: ...
def sqrt(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def sqrt_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def square(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def square_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def squeeze(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def squeeze(
    input: Tensor, dim: _int, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def squeeze(
    input: Tensor,
    dim: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def stack(
    tensors: Sequence[Tensor],
    dim: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def std(
    input: Tensor,
    unbiased: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def std(
    input: Tensor,
    dim: Sequence[_int] | _int | None,
    unbiased: _bool = ...,
    keepdim: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def std(
    input: Tensor,
    dim: Sequence[_int] | _int | None = ...,
    *,
    correction: _Number | None = ...,
    keepdim: _bool = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def std_mean(
    input: Tensor,
    unbiased: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
@overload
def std_mean(
    input: Tensor,
    dim: Sequence[_int] | _int | None,
    unbiased: _bool = ...,
    keepdim: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
@overload
def std_mean(
    input: Tensor,
    dim: Sequence[_int] | _int | None = ...,
    *,
    correction: _Number | None = ...,
    keepdim: _bool = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
def sub(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    alpha: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def sub_(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    alpha: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def subtract(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    alpha: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def subtract_(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    alpha: _Number = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def sum(
    input: Tensor,
    *,
    dtype: _dtype | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def sum(
    input: Tensor,
    dim: Sequence[_int] | _int | None,
    keepdim: _bool = ...,
    *,
    dtype: _dtype | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def swapaxes(
    input: Tensor,
    axis0: _int,
    axis1: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def swapdims(
    input: Tensor,
    dim0: _int,
    dim1: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def t(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def take(
    input: Tensor, index: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def take_along_dim(
    input: Tensor,
    indices: Tensor,
    dim: _int | None = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def tan(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def tan_(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def tanh(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def tanh_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def tanh_backward(
    grad: Tensor, output: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def tensor_split(
    input: Tensor,
    sections: _int,
    dim: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, ...]: ...
@overload
def tensor_split(
    input: Tensor,
    indices: Sequence[_int] | _int,
    dim: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, ...]: ...
@overload
def tensor_split(
    input: Tensor,
    tensor_indices_or_sections: Tensor,
    dim: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, ...]: ...
def threshold_backward(
    grad: Tensor,
    input: Tensor,
    threshold: _float,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def tile(
    input: Tensor,
    dims: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def topk(
    input: Tensor,
    k: _int,
    dim: _int = ...,
    largest: _bool = ...,
    sorted: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Any: ...  # (Tensor values, Tensor indices)
def transpose(
    input: Tensor,
    dim0: _int,
    dim1: _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def tril(
    input: Tensor,
    diagonal: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def tril_(
    input: Tensor,
    diagonal: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def tril_indices(
    row: _int,
    col: _int,
    offset: _int = ...,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def triu(
    input: Tensor,
    diagonal: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def triu_(
    input: Tensor,
    diagonal: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def triu_indices(
    row: _int,
    col: _int,
    offset: _int = ...,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def true_divide(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def true_divide_(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def trunc(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def trunc_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def unbind(
    input: Tensor, dim: _int = ..., *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> tuple[Tensor, ...]: ...
def unflatten(
    input: Tensor,
    dim: _int,
    sizes: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def unsafe_chunk(
    input: Tensor,
    chunks: _int,
    dim: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, ...]: ...
def unsafe_split(
    input: Tensor,
    split_size: _int,
    dim: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, ...]: ...
def unsafe_split_with_sizes(
    input: Tensor,
    split_sizes: Sequence[_int] | _int,
    dim: _int = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, ...]: ...
def unsqueeze(
    input: Tensor, dim: _int, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def var(
    input: Tensor,
    unbiased: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def var(
    input: Tensor,
    dim: Sequence[_int] | _int | None,
    unbiased: _bool = ...,
    keepdim: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def var(
    input: Tensor,
    dim: Sequence[_int] | _int | None = ...,
    *,
    correction: _Number | None = ...,
    keepdim: _bool = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def var_mean(
    input: Tensor,
    unbiased: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
@overload
def var_mean(
    input: Tensor,
    dim: Sequence[_int] | _int | None,
    unbiased: _bool = ...,
    keepdim: _bool = ...,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
@overload
def var_mean(
    input: Tensor,
    dim: Sequence[_int] | _int | None = ...,
    *,
    correction: _Number | None = ...,
    keepdim: _bool = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, Tensor]: ...
def vdot(
    input: Tensor, other: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def view_as_complex(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
def view_as_real(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def vsplit(
    input: Tensor, sections: _int, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> tuple[Tensor, ...]: ...
@overload
def vsplit(
    input: Tensor,
    indices: Sequence[_int] | _int,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> tuple[Tensor, ...]: ...
def vstack(
    tensors: Sequence[Tensor], *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def where(
    condition: Tensor,
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def where(
    condition: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> tuple[Tensor, ...]: ...
def xlogy(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def xlogy_(
    input: Tensor | _Number,
    other: Tensor | _Number,
    *,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def zero(input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...) -> Tensor: ...
def zero_(
    input: Tensor, *, out: Tensor | tuple[Tensor, ...] | None = ...
) -> Tensor: ...
@overload
def zeros(
    size: Sequence[_int] | _int,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
@overload
def zeros(
    *sizes: _int,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
def zeros_like(
    input: Tensor,
    *,
    dtype: _dtype | None = ...,
    layout: Any = ...,
    device: _device | _str | _int | None = ...,
    pin_memory: _bool | None = ...,
    requires_grad: _bool | None = ...,
    memory_format: Any = ...,
    out: Tensor | tuple[Tensor, ...] | None = ...,
) -> Tensor: ...
