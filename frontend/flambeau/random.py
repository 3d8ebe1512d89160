"""The state of random numbers: one seed for all devices."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ._C import Tensor, default_generator

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

__all__ = [
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
]


def manual_seed(seed: int) -> Any:
    """Start the random numbers of every device again from a seed of 64 bits."""
    return default_generator.manual_seed(int(seed))


def seed() -> Any:
    """Start from a seed of the system, and return it."""
    return default_generator.seed()


def initial_seed() -> Any:
    """The seed that the random numbers started from."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state, as a uint8 tensor for set_rng_state."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Go back to a state that get_rng_state gave."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(
    devices: Iterable[Any] | None = None,
    enabled: bool = True,
    device_type: str = "cuda",
) -> Generator[None, None, None]:
    """Put the state of random numbers back when the block ends."""
    if not enabled:
        yield
        return
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)
