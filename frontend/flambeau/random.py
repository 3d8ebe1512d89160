"""The state of random numbers: one seed for all devices."""

from __future__ import annotations

from . import _C
from ._C import default_generator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
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
    nothing. The one generator serves all devices, so `devices` is of no account.

    RuntimeError for a device type that is not installed and has no module.
    """

    def __init__(
        self,
        devices: Iterable[Any] | None = None,
        enabled: bool = True,
        device_type: str | None = None,
    ) -> None:
        self.enabled = enabled
        if device_type not in (None, _C._meta_device_type):
            from ._devices import get_device_module

            get_device_module(device_type)

    def __enter__(self) -> None:
        if self.enabled:
            self.state = get_rng_state()

    def __exit__(self, *exc: object) -> None:
        if self.enabled:
            set_rng_state(self.state)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """As a decorator: each call in a block of its own."""

        def forked(*args: Any, **kwargs: Any) -> Any:
            with type(self)(enabled=self.enabled):
                return function(*args, **kwargs)

        for name in ("__module__", "__name__", "__qualname__", "__doc__"):
            setattr(forked, name, getattr(function, name))
        return forked
