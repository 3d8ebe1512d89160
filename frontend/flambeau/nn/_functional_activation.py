"""Activation functions, softmax and its kin."""

from __future__ import annotations

import warnings
from typing import Any

import flambeau
from flambeau._C import Tensor, _nn, _ops

celu = _nn.celu
elu = _nn.elu
gelu = _nn.gelu
hardsigmoid = _nn.hardsigmoid
hardswish = _nn.hardswish
hardtanh = _nn.hardtanh
leaky_relu = _nn.leaky_relu
logsigmoid = _nn.logsigmoid
mish = _nn.mish
prelu = _nn.prelu
relu = _nn.relu
relu6 = _nn.relu6
selu = _nn.selu
sigmoid = _ops.sigmoid
silu = _nn.silu
softplus = _nn.softplus
tanh = _ops.tanh

_softmax = _ops.softmax
_log_softmax = _ops.log_softmax


def relu_(input: Tensor) -> Tensor:
    """`relu` in place."""
    return input.relu_()


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`celu` in place."""
    return celu(input, alpha, True)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`elu` in place."""
    return elu(input, alpha, True)


def selu_(input: Tensor) -> Tensor:
    """`selu` in place."""
    return selu(input, True)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """`hardtanh` in place."""
    return hardtanh(input, min_val, max_val, True)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """`leaky_relu` in place."""
    return leaky_relu(input, negative_slope, True)


def threshold(
    input: Tensor, threshold: float, value: float, inplace: bool = False
) -> Tensor:
    """x where x > threshold, else value."""
    below = input <= threshold
    if inplace:
        return input.masked_fill_(below, value)
    return input.masked_fill(below, value)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """`threshold` in place."""
    return input.masked_fill_(input <= threshold, value)


def _give(result: Tensor, out: Tensor | None) -> Tensor:
    """The result, or `out` with it."""
    if out is None:
        return result
    if out.shape != result.shape:
        out.resize_(result.shape)
    return out.copy_(result)


def hardshrink(
    input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None
) -> Tensor:
    """x where |x| > lambd, else 0."""
    return _give(input.masked_fill(input.abs() <= lambd, 0), out)


def softshrink(
    input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None
) -> Tensor:
    """x moved towards 0 by lambd, and 0 within it."""
    if lambd < 0:
        raise RuntimeError(
            f"lambda must be greater or equal to 0, but found to be {lambd}."
        )
    _needs_float("softshrink", input)
    return _give(input - input.clamp(-lambd, lambd), out)


def _needs_float(op: str, input: Tensor) -> None:
    if not input.is_floating_point():
        raise NotImplementedError(
            f"{op}: expected a floating point dtype for argument 'input', got "
            f"{input.dtype}"
        )


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x)."""
    return input - input.tanh()


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|)."""
    return input / (input.abs() + 1)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """The first half along `dim` times the sigmoid of the second."""
    if input.dim() == 0:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    size = input.size(dim)
    if size % 2:
        raise RuntimeError(
            f"Halving dimension must be even, but dimension {dim % input.dim()} is "
            f"size {size}"
        )
    half = size // 2
    return input.narrow(dim, 0, half) * input.narrow(dim, half, half).sigmoid()


def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """Leaky ReLU whose slope is drawn per element in training, else the mean slope."""
    if lower > upper:
        raise RuntimeError(f"rrelu: expected lower <= upper, got {lower} and {upper}")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    slope = flambeau.empty_like(input).uniform_(lower, upper)
    slope.masked_fill_(input > 0, 1)
    return input.mul_(slope) if inplace else input * slope


def rrelu_(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
) -> Tensor:
    """`rrelu` in place."""
    return rrelu(input, lower, upper, training, True)


def _implicit_dim(name: str, ndim: int, stacklevel: int) -> int:
    """The dimension that a softmax took before it had to be named."""
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to "
        "include dim=X as an argument.",
        stacklevel=stacklevel + 1,
    )
    return 0 if ndim in (0, 1, 3) else 1


def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """exp(x) / sum(exp(x)) along `dim`, cast to `dtype` first if given."""
    if dim is None:
        dim = _implicit_dim("softmax", input.dim(), _stacklevel)
    if dtype is None:
        return _softmax(input, dim)
    return _softmax(input, dim, dtype=dtype)


def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """Softmax of -x along `dim`."""
    if dim is None:
        dim = _implicit_dim("softmin", input.dim(), _stacklevel)
    return softmax(-input, dim, dtype=dtype)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """log(softmax(x)) along `dim`, cast to `dtype` first if given."""
    if dim is None:
        dim = _implicit_dim("log_softmax", input.dim(), _stacklevel)
    if dtype is None:
        return _log_softmax(input, dim)
    return _log_softmax(input, dim, dtype=dtype)


def gumbel_softmax(
    logits: Tensor,
    tau: float = 1,
    hard: bool = False,
    eps: float = 1e-10,
    dim: int = -1,
) -> Tensor:
    """A sample of the Gumbel-softmax distribution with temperature `tau`.

    hard: one-hot values, with the gradient of the soft sample.
    """
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    noise = -flambeau.empty_like(logits).exponential_().log()
    soft = _softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    best = soft.max(dim, keepdim=True)[1]
    one_hot = flambeau.zeros_like(logits).scatter_(dim, best, 1.0)
    return one_hot - soft.detach() + soft
