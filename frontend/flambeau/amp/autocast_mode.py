"""``autocast``: the switch of the mode that runs matrix products in a narrow dtype.

The mode itself stands in the op call; here are its state, for each device type and
thread, and what sets it for the length of a block.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import flambeau
from flambeau._C import (
    _device_count,
    _get_autocast,
    _host_device_type,
    _set_autocast,
)

__all__ = ["autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]


# -- the state -----------------------------------------------------------------------
def is_autocast_available(device_type: str) -> bool:
    """Whether autocast knows the device type, even where no device is there."""
    if not isinstance(device_type, str):
        raise TypeError(
            "is_autocast_available: expected a string for argument 'device_type', got "
            f"{type(device_type).__name__}"
        )
    return _has_module(device_type) or _is_usable(device_type)


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Whether autocast is on for the device type ("cuda" where none is given)."""
    return bool(_get_autocast(device_type or "cuda")[0])


def set_autocast_enabled(device_type: Any, enabled: bool | None = None) -> None:
    """Switch autocast for a device type ("cuda" where only a bool is given)."""
    if enabled is None:
        enabled = device_type
        device_type = "cuda"
    _, dtype, cache = _get_autocast(device_type)
    _set_autocast(device_type, enabled, dtype, cache)


def get_autocast_dtype(device_type: str) -> Any:
    """The dtype that autocast runs narrow ops in."""
    return _get_autocast(device_type)[1]


def set_autocast_dtype(device_type: str, dtype: Any) -> None:
    """Choose the dtype that autocast runs narrow ops in."""
    enabled, _, cache = _get_autocast(device_type)
    _set_autocast(device_type, enabled, dtype, cache)


def is_autocast_cache_enabled() -> bool:
    """Whether a weight is cast once for all its uses in a block."""
    return bool(_get_autocast(_host_device_type)[2])


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Choose whether a weight is cast once for all its uses in a block."""
    before, dtype, _ = _get_autocast(_host_device_type)
    _set_autocast(_host_device_type, before, dtype, enabled)


def clear_autocast_cache() -> None:
    """Forget the weights that were cast in this block."""
    _set_autocast(_host_device_type, *_get_autocast(_host_device_type))


def get_autocast_cpu_dtype() -> Any:
    """The dtype that autocast runs narrow ops in on the CPU."""
    return get_autocast_dtype(_host_device_type)


def get_autocast_gpu_dtype() -> Any:
    """The dtype that autocast runs narrow ops in on CUDA devices."""
    return get_autocast_dtype("cuda")


# -- the switch ----------------------------------------------------------------------
class autocast:
    """Within the block, or the decorated function, matrix products run in ``dtype``.

    Args:
        device_type: "cpu", "cuda", ...: ops on this kind of device are affected.
        dtype: bfloat16 or float16; the device's own choice where None.
        enabled: False switches an outer autocast off.
        cache_enabled: cast a weight once for all its uses.
    """

    def __init__(
        self,
        device_type: str,
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if not isinstance(device_type, str):
            raise TypeError(
                "autocast: expected a string for argument 'device_type', got "
                f"{type(device_type).__name__}"
            )
        if not is_autocast_available(device_type):
            raise RuntimeError(
                f"autocast: expected a known device type, got {device_type!r}"
            )
        if dtype is None:
            dtype = get_autocast_dtype(device_type)
        if cache_enabled is None:
            cache_enabled = is_autocast_cache_enabled()
        self.device = device_type
        self.fast_dtype = dtype
        if enabled and dtype not in (flambeau.bfloat16, flambeau.float16):
            warnings.warn(
                f"autocast: expected bfloat16 or float16 for argument 'dtype', got "
                f"{dtype}; autocast is off",
                stacklevel=2,
            )
            enabled = False
        if enabled and not _is_usable(device_type):
            warnings.warn(
                f"autocast: the device {device_type!r} is not available; autocast is "
                "off",
                stacklevel=2,
            )
            enabled = False
        self._enabled = enabled
        self._cache_enabled = cache_enabled
        self._before: list[Any] = []

    def __enter__(self) -> autocast:
        before = _set_autocast(
            self.device, self._enabled, self.fast_dtype, self._cache_enabled
        )
        self._before.append(before)
        return self

    def __exit__(self, *exc_info: object) -> None:
        _set_autocast(self.device, *self._before.pop())

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(func)
        def within(*args: Any, **kwargs: Any) -> Any:
            with self:
                return func(*args, **kwargs)

        return within


def _has_module(device_type: str) -> bool:
    """Whether the package has a module for devices of this type, as flambeau.cuda: to
    ask for one that is not installed is then no mistake of name."""
    module = getattr(flambeau, device_type, None)
    return getattr(module, "_device_type", None) == device_type


def _is_usable(device_type: str) -> bool:
    try:
        return bool(_device_count(device_type) > 0)
    except RuntimeError:  # nothing installed has this device
        return False


# -- autograd functions under autocast -----------------------------------------------
def _cast(value: Any, device_type: str, dtype: Any) -> Any:
    """Float tensors of the device type in ``dtype``, within containers too."""
    if isinstance(value, flambeau.Tensor):
        eligible = (
            value.is_floating_point()
            and value.device.type == device_type
            and value.dtype != flambeau.float64
        )
        return value.to(dtype) if eligible else value
    if isinstance(value, (str, bytes)):
        return value
    if isinstance(value, Mapping):
        return {k: _cast(v, device_type, dtype) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_cast(v, device_type, dtype) for v in value)
    return value


def custom_fwd(
    fwd: Callable[..., Any] | None = None,
    *,
    device_type: str,
    cast_inputs: Any = None,
) -> Any:
    """Decorate the ``forward`` of an autograd Function to be used under autocast.

    With ``cast_inputs``, a dtype, the forward gets its tensors in it, with autocast
    off; without, it runs under the autocast of its caller.
    """
    if fwd is None:
        return functools.partial(
            custom_fwd, device_type=device_type, cast_inputs=cast_inputs
        )
    function = fwd

    @functools.wraps(function)
    def forward(*args: Any, **kwargs: Any) -> Any:
        ctx = args[0]
        enabled = is_autocast_enabled(device_type)
        ctx._dtype = get_autocast_dtype(device_type)
        ctx._fwd_used_autocast = enabled and cast_inputs is None
        if not enabled or cast_inputs is None:
            return function(*args, **kwargs)
        args = _cast(args, device_type, cast_inputs)
        kwargs = _cast(kwargs, device_type, cast_inputs)
        with autocast(device_type, enabled=False):
            return function(*args, **kwargs)

    return forward


def custom_bwd(
    bwd: Callable[..., Any] | None = None, *, device_type: str
) -> Callable[..., Any]:
    """Decorate the ``backward`` whose ``forward`` has ``custom_fwd``: same autocast."""
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)
    function = bwd

    @functools.wraps(function)
    def backward(*args: Any, **kwargs: Any) -> Any:
        ctx = args[0]
        enabled = ctx._fwd_used_autocast
        with autocast(device_type, dtype=ctx._dtype, enabled=enabled):
            return function(*args, **kwargs)

    return backward
