# Types of the multi-tensor optimizer calls; optim/_multi_tensor.py says what they do.
# Written by hand: these functions are no ops and have no schemas.
from collections.abc import Mapping
from typing import Any

from . import Tensor

_Tensors = list[Tensor]

def gather(
    params: _Tensors, state: Mapping[Tensor, dict[str, Any]], keys: tuple[str, ...], /
) -> tuple[_Tensors, ...] | None: ...
def zero_grads(params: _Tensors, set_to_none: bool, /) -> None: ...
def sgd_(
    params: _Tensors,
    grads: _Tensors,
    momentum_buffers: _Tensors,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
    first_step: bool,
) -> bool: ...
def adam_(
    params: _Tensors,
    grads: _Tensors,
    exp_avgs: _Tensors,
    exp_avg_sqs: _Tensors,
    max_exp_avg_sqs: _Tensors,
    steps: _Tensors,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    amsgrad: bool,
    maximize: bool,
    decoupled: bool,
) -> bool: ...
def adadelta_(
    params: _Tensors,
    grads: _Tensors,
    square_avgs: _Tensors,
    acc_deltas: _Tensors,
    steps: _Tensors,
    lr: float,
    rho: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> bool: ...
def rmsprop_(
    params: _Tensors,
    grads: _Tensors,
    square_avgs: _Tensors,
    grad_avgs: _Tensors,
    momentum_buffers: _Tensors,
    steps: _Tensors,
    lr: float,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    centered: bool,
    maximize: bool,
) -> bool: ...
def adagrad_(
    params: _Tensors,
    grads: _Tensors,
    state_sums: _Tensors,
    steps: _Tensors,
    lr: float,
    lr_decay: float,
    weight_decay: float,
    eps: float,
    maximize: bool,
) -> bool: ...
