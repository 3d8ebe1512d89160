"""The multi-tensor optimizer calls of ``_C._optim`` and how an optimizer feeds them.

One call steps a whole parameter group. Lists hold one tensor per parameter, in the
same order; ``steps`` are 0-d float32 tensors that the call itself increments before
use. Every update returns True when it is done and False, with nothing touched, when
some tensor is on a device, of a dtype or in a layout that no kernel covers.

==========================  =====================================================
``gather``                  ``(params, state, keys) -> tuple[list, ...] | None``:
                            of the parameters that have a gradient, the list of
                            parameters, of gradients, and of ``state[p][key]`` for
                            each key; None when such a state lacks a key
``zero_grads``              ``(params, set_to_none) -> None``
``sgd_``                    ``(params, grads, momentum_buffers, *, lr, momentum,
                            dampening, weight_decay, nesterov, maximize,
                            first_step)``; no buffers when ``momentum`` is 0; with
                            ``first_step`` a buffer is set to the gradient
``adam_``                   ``(params, grads, exp_avgs, exp_avg_sqs,
                            max_exp_avg_sqs, steps, *, lr, beta1, beta2, eps,
                            weight_decay, amsgrad, maximize, decoupled)``
``adadelta_``               ``(params, grads, square_avgs, acc_deltas, steps, *,
                            lr, rho, eps, weight_decay, maximize)``
``rmsprop_``                ``(params, grads, square_avgs, grad_avgs,
                            momentum_buffers, steps, *, lr, alpha, eps,
                            weight_decay, momentum, centered, maximize)``; the
                            lists that are not used are empty
``adagrad_``                ``(params, grads, state_sums, steps, *, lr, lr_decay,
                            weight_decay, eps, maximize)``
==========================  =====================================================

``lr`` and the other numbers are Python floats.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flambeau._C import _optim as _optim

if TYPE_CHECKING:
    from ._pointwise import PointwiseOptimizer

gather = _optim.gather
zero_grads = _optim.zero_grads


def collect(
    optimizer: PointwiseOptimizer, group: dict[str, Any], keys: tuple[str, ...]
) -> tuple[list[Any], ...]:
    """Parameters with a gradient, their gradients and states, one list per key.

    Nothing is cached between steps: one pass in C costs a few microseconds for fifty
    parameters and sees whatever was changed in groups, states or gradients.
    """
    found = gather(group["params"], optimizer.state, keys)
    if found is None:
        for param in group["params"]:
            if param.grad is not None:
                optimizer._state_of(group, param)
        found = gather(group["params"], optimizer.state, keys)
        assert found is not None  # every state has just been made
    return found
