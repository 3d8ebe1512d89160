"""GradScaler: a loss scaled up so that float16 gradients do not vanish."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from enum import Enum
from typing import Any

import flambeau

from .autocast_mode import _is_usable

__all__ = ["GradScaler", "OptState"]


class OptState(Enum):
    """How far an optimizer has come since the last update."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


class GradScaler:
    """Scales losses, unscales gradients, skips steps with infinities, adapts the scale.

    Args:
        device: the device type of the scale.
        init_scale: the first scale.
        growth_factor: for the scale after ``growth_interval`` steps without infinities.
        backoff_factor: for the scale after a step with infinities.
        growth_interval: a number of steps.
        enabled: False makes every method do nothing but its plain part.
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device = device
        self._enabled = enabled
        if enabled and not _is_usable(device):
            warnings.warn(
                f"GradScaler: the device {device!r} is not available; scaling is off",
                stacklevel=2,
            )
            self._enabled = False
        if self._enabled:
            if growth_factor <= 1.0:
                raise AssertionError(
                    f"GradScaler: expected growth_factor > 1, got {growth_factor}"
                )
            if backoff_factor >= 1.0:
                raise AssertionError(
                    f"GradScaler: expected backoff_factor < 1, got {backoff_factor}"
                )
        self._init_scale = init_scale
        self._scale: Any = None
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._growth_tracker = 0
        self._states: dict[int, dict[str, Any]] = {}

    def _scale_on(self, device: Any) -> Any:
        if self._scale is None:
            self._scale = flambeau.full(
                (), self._init_scale, dtype=flambeau.float32, device=device
            )
        return self._scale.to(device)

    def _state_of(self, optimizer: Any) -> dict[str, Any]:
        fresh = {"stage": OptState.READY, "found_inf": {}}
        return self._states.setdefault(id(optimizer), fresh)

    def scale(self, outputs: Any) -> Any:
        """The tensors times the scale; containers are scaled entry by entry."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, flambeau.Tensor):
            return outputs * self._scale_on(outputs.device)
        if isinstance(outputs, Iterable):
            scaled = [self.scale(output) for output in outputs]
            return (
                type(outputs)(scaled) if isinstance(outputs, (list, tuple)) else scaled
            )
        raise ValueError(
            "GradScaler.scale: expected a tensor or an iterable of tensors, got "
            f"{type(outputs).__name__}"
        )

    def unscale_(self, optimizer: Any) -> None:
        """Divide the optimizer's gradients by the scale, for clipping before a step."""
        if not self._enabled:
            return
        state = self._state_of(optimizer)
        if state["stage"] is not OptState.READY:
            done = state["stage"].name.lower()
            raise RuntimeError(
                "GradScaler.unscale_: expected an optimizer neither unscaled nor "
                f"stepped since the last update(), got one that is {done}"
            )
        state["found_inf"] = self._unscale_grads(optimizer)
        state["stage"] = OptState.UNSCALED

    def _unscale_grads(self, optimizer: Any) -> dict[Any, Any]:
        """Unscale in place; for each device a count of gradients with an infinity."""
        found: dict[Any, Any] = {}
        inverse: dict[Any, Any] = {}
        with flambeau.no_grad():
            for group in optimizer.param_groups:
                for param in group["params"]:
                    grad = param.grad
                    if grad is None:
                        continue
                    if grad.dtype == flambeau.float16:
                        raise ValueError(
                            "GradScaler.unscale_: expected gradients wider than "
                            "float16, whose small values are lost when unscaled; keep "
                            "the parameters in float32"
                        )
                    device = grad.device
                    if device not in found:
                        inverse[device] = self._scale_on(device).reciprocal()
                        found[device] = flambeau.zeros((), device=device)
                    grad.mul_(inverse[device])
                    found[device] += (~flambeau.isfinite(grad)).any()
        return found

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """``optimizer.step()``, left out where a gradient is infinite or NaN."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError(
                "GradScaler.step: expected no closure: its losses would be unscaled"
            )
        state = self._state_of(optimizer)
        if state["stage"] is OptState.STEPPED:
            raise RuntimeError(
                "GradScaler.step: expected update() after the optimizer's last step"
            )
        if state["stage"] is OptState.READY:
            self.unscale_(optimizer)
        if not state["found_inf"]:
            raise AssertionError(
                "GradScaler.step: expected gradients in the optimizer, got none"
            )
        result = None
        if not sum(flag.item() for flag in state["found_inf"].values()):
            result = optimizer.step(*args, **kwargs)
        state["stage"] = OptState.STEPPED
        return result

    def update(self, new_scale: Any = None) -> None:
        """Adapt the scale to what the steps found, or set it to ``new_scale``."""
        if not self._enabled:
            return
        if self._scale is None:
            raise AssertionError("GradScaler.update: expected a call of scale() before")
        if new_scale is not None:
            self._scale.fill_(float(new_scale))
        else:
            self._adapt()
        self._states = {}

    def _adapt(self) -> None:
        flags = [f for s in self._states.values() for f in s["found_inf"].values()]
        if not flags:
            raise AssertionError(
                "GradScaler.update: expected a step() or unscale_() before"
            )
        if any(flag.item() for flag in flags):
            self._scale *= self._backoff_factor
            self._growth_tracker = 0
            return
        self._growth_tracker += 1
        if self._growth_tracker >= self._growth_interval:
            self._growth_tracker = 0
            if math.isfinite(self._scale.item() * self._growth_factor):
                self._scale *= self._growth_factor

    # -- what it is set to -------------------------------------------------------------
    def get_scale(self) -> float:
        """The scale, 1.0 where scaling is off."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else float(self._scale.item())

    def get_growth_factor(self) -> float:
        """The factor of a growing scale."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Choose the factor of a growing scale."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """The factor of a shrinking scale."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Choose the factor of a shrinking scale."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """How many good steps make the scale grow."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Choose how many good steps make the scale grow."""
        self._growth_interval = new_interval

    def is_enabled(self) -> bool:
        """Whether anything is scaled."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """Scale and settings, empty where scaling is off."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._growth_tracker,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` of an enabled scaler returned."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "GradScaler.load_state_dict: expected the state of an enabled scaler, "
                "got an empty one"
            )
        self._init_scale = state_dict["scale"]
        if self._scale is not None:
            self._scale.fill_(state_dict["scale"])
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._growth_tracker = state_dict["_growth_tracker"]

    def __getstate__(self) -> dict[str, Any]:
        if self._enabled and self._states:
            raise AssertionError(
                "GradScaler: expected update() before pickling: optimizers have "
                "stepped since"
            )
        state = self.__dict__.copy()
        state["_init_scale"], state["_scale"] = self.get_scale(), None
        return state
