"""The state of random numbers: one seed for all devices."""

from __future__ import annotations

from ._C import default_generator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ._C import Tensor

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


class fork_rng:
    """Put the state of random numbers back when the block ends; `enabled=False` does
    nothing. The one generator serves all devices, so `devices` is of no account."""

    def __init__(
        self,
        devices: Iterable[Any] | None = None,
        enabled: bool = True,
        device_type: str = "cuda",
    ) -> None:
        self.enabled = enabled

    def __enter__(self) -> None:
        if self.enabled:
            self.state = get_rng_state()

    def __exit__(self, *exc: object) -> None:
        if self.enabled:
            set_rng_state(self.state)
