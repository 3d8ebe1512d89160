"""The names of all kernels, as docs/extending/kernels.md has them; a test compares."""

from __future__ import annotations

# What a new device should supply to run everything by itself.
PRIMITIVES = frozenset(
    """
    copy fill
    neg abs sign sqrt rsqrt reciprocal exp exp2 expm1 log log2 log10 log1p sin cos tan
    asin acos atan sinh cosh tanh asinh acosh atanh sigmoid square ceil floor round
    trunc frac erf erfc erfinv lgamma digamma relu sgn conj bitwise_not
    logical_not isnan isinf isfinite signbit isposinf isneginf
    add sub mul div pow maximum minimum atan2 fmod remainder div_floor div_trunc
    eq ne lt le gt ge logical_and logical_or logical_xor
    bitwise_and bitwise_or bitwise_xor shift_left shift_right where
    uniform normal randint
    sum prod amax amin any all
    cumsum cumprod argmax argmin sort gather scatter
    iota index index_put count_nonzero
    matmul dot convolution
    """.split()
)

# Fused forms of what Flambeau composes; a device may leave them out.
FUSED = frozenset(
    """
    i0 i1 i0e i1e ndtri log_ndtr sinc round_decimals angle real imag make_complex polar
    add_scaled fmax fmin hypot copysign nextafter logaddexp logaddexp2 heaviside xlogy
    xlog1py gcd lcm ldexp zeta igamma igammac polygamma clamp lerp addcmul addcdiv
    gelu gelu_backward silu silu_backward mish mish_backward hardswish
    hardswish_backward hardsigmoid hardsigmoid_backward log_sigmoid
    log_sigmoid_backward selu selu_backward
    elu elu_backward leaky_relu leaky_relu_backward hardtanh hardtanh_backward
    softplus softplus_backward threshold_backward sigmoid_backward tanh_backward
    mse_backward dropout masked_scale
    bernoulli exponential geometric cauchy log_normal randperm
    mean norm var var_mean logsumexp sum_to
    cummax cummin logcumsumexp max_dim min_dim topk kthvalue softmax log_softmax
    softmax_backward log_softmax_backward index_select index_add flip roll cat
    searchsorted tril triu
    linspace nonzero masked_select masked_scatter bincount embedding embedding_backward
    histc
    linear convolution_input_grad convolution_weight_grad im2col col2im
    layer_norm layer_norm_backward rms_norm rms_norm_backward group_norm
    group_norm_backward batch_norm_train batch_norm_eval batch_norm_backward
    cross_entropy cross_entropy_backward nll_loss nll_loss_backward attention
    attention_backward lstm_cell lstm_cell_backward gru_cell gru_cell_backward
    lstm_layer lstm_layer_backward
    max_pool max_pool_backward avg_pool avg_pool_backward adaptive_avg_pool
    adaptive_avg_pool_backward adaptive_max_pool upsample upsample_backward pad
    pad_backward
    cholesky lu_factor lu_solve triangular_solve inv qr svd eigh eig lstsq
    fft_c2c fft_r2c fft_c2r
    adam sgd adadelta rmsprop adagrad scale_by norms
    """.split()
)
