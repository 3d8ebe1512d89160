"""Lends an optimizer other parameters and another state for the length of a block."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from .optimizer import Optimizer


@contextlib.contextmanager
def swap_in_optimizer_params_and_state(
    optimizer: Optimizer,
    swapin_parameters: dict[str, Any],
    swapin_optim_state: dict[str, Any],
) -> Iterator[None]:
    """Within the block the optimizer steps these parameters with this state.

    Args:
        optimizer: gets its own back at the end.
        swapin_parameters: tensors in the order of the optimizer's parameters.
        swapin_optim_state: what ``state_dict`` returns; its tensors change in place,
            and nothing else of it.
    """
    tensors = list(swapin_parameters.values())
    saved = swapin_optim_state["param_groups"]
    wanted = [len(group["params"]) for group in optimizer.param_groups]
    given = [len(group["params"]) for group in saved]
    if wanted != given or sum(wanted) != len(tensors):
        raise ValueError(
            "swap_in_optimizer_params_and_state: expected groups of "
            f"{wanted} parameters, got groups of {given} and {len(tensors)} tensors"
        )
    numbers = [number for group in saved for number in group["params"]]
    by_number = dict(zip(numbers, tensors, strict=True))
    groups = [
        {**group, "params": [by_number[n] for n in group["params"]]} for group in saved
    ]
    state: defaultdict[Any, Any] = defaultdict(dict)
    for number, entry in swapin_optim_state["state"].items():
        state[by_number.get(number, number)] = dict(entry)
    before = optimizer.param_groups, optimizer.state
    optimizer.param_groups, optimizer.state = groups, state
    try:
        yield
    finally:
        optimizer.param_groups, optimizer.state = before
