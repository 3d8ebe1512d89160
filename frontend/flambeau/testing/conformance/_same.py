"""One seed gives the same random numbers on every device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import flambeau

Make = Callable[[str], Any]

# Bit for bit.
_EXACT: dict[str, Make] = {
    "rand float32": lambda d: flambeau.rand(1001, device=d),
    "rand float64": lambda d: flambeau.rand(77, dtype=flambeau.float64, device=d),
    "rand float16": lambda d: flambeau.rand(1001, dtype=flambeau.float16, device=d),
    "uniform": lambda d: flambeau.empty(333, device=d).uniform_(0, 4),
    "randint": lambda d: flambeau.randint(-5, 1000, (500,), device=d),
    "randint int32": lambda d: flambeau.randint(
        9, (500,), dtype=flambeau.int32, device=d
    ),
    "randperm": lambda d: flambeau.randperm(300, device=d),
    "bernoulli": lambda d: flambeau.empty(500, device=d).bernoulli_(0.3),
    "dropout": lambda d: flambeau.nn.functional.dropout(
        flambeau.ones(500, device=d), 0.5
    ),
}
# Through logarithms and the like: but for rounding.
_NEAR: dict[str, Make] = {
    "randn float32": lambda d: flambeau.randn(1001, device=d),
    "randn float64": lambda d: flambeau.randn(77, dtype=flambeau.float64, device=d),
    "exponential": lambda d: flambeau.empty(500, device=d).exponential_(2.0),
}


def _numbers(device: str, seed: int) -> dict[str, Any]:
    """In one sequence, so that the generator advances alike too."""
    flambeau.manual_seed(seed)
    made = {**_EXACT, **_NEAR}
    return {name: make(device).cpu().numpy() for name, make in made.items()}


def random_numbers(devices: Sequence[str], seed: int = 1234) -> list[str]:
    """What differs between devices for one seed, in words; empty when all agree.

    Integers and uniforms must be equal bit for bit, normal and exponential numbers but
    for rounding.

    >>> random_numbers(["cpu", "cpu"])
    []
    """
    first, *rest = devices
    wanted = _numbers(first, seed)
    wrong = []
    for device in rest:
        found = _numbers(device, seed)
        for name, values in wanted.items():
            tolerance = 0.0
            if name in _NEAR:
                tolerance = 1e-12 if values.dtype == np.float64 else 1e-5
            bad = ~np.isclose(found[name], values, tolerance, tolerance)
            if bad.any():
                k = int(np.flatnonzero(bad)[0])
                wrong.append(
                    f"{name}: {bad.sum()} of {bad.size} numbers of {device} are not "
                    f"those of {first}, first {found[name][k]!r} for {values[k]!r}"
                )
    return wrong
