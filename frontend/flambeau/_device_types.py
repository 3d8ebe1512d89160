"""Which types of device there are: the host's, those installed, the accelerator."""

from __future__ import annotations

from . import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The type whose memory is the interpreter's.
HOST: str = _C._host_device_type

NONE_AVAILABLE = "Cannot access accelerator device when none is available."


def installed_types() -> list[str]:
    """The device types that somebody implements, those allowed, the first choice
    first."""
    from .backends._runtime import registry

    backends = registry.backends
    if registry.allowed is None:
        kinds = [b.device_type for b in backends if b.device_type]
    else:
        kinds = [
            b.device_type
            for name in registry.allowed
            for b in backends
            if b.device_type and name in (b.name, b.device_type)
        ]
    return list(dict.fromkeys([*kinds, *_C._loaded_backends()]))


def device_count(kind: str) -> int:
    """How many devices of a type there are; 0 when its backend cannot be used."""
    try:
        return int(_C._device_count(kind))
    except RuntimeError:  # the reason comes out when the device itself is asked for
        return 0


_accelerators: dict[tuple[str, ...] | None, str] = {}


def accelerator_type() -> str | None:
    """The first type, in the order of choice, that has memory of its own and a device
    that can be used; None when there is none. Opens the backends before it."""
    from .backends._runtime import registry

    allowed = None if registry.allowed is None else tuple(registry.allowed)
    if allowed not in _accelerators:
        for kind in installed_types():
            if kind == HOST or device_count(kind) == 0:
                continue
            if not _C._device_properties(kind)["host_memory"]:
                _accelerators[allowed] = kind
                break
    return _accelerators.get(allowed)


def need_accelerator() -> str:
    """The accelerator's type; RuntimeError when there is none."""
    kind = accelerator_type()
    if kind is None:
        raise RuntimeError(NONE_AVAILABLE)
    return kind


def located(device: Any, kind: str | None = None) -> Any:
    """The device meant by a name, an index or None, with its index.

    None and an index are of the type `kind`, by default of the accelerator, or of the
    host when there is none. ValueError for a device of another type than `kind`.
    """
    index = None
    if isinstance(device, int):
        kind, index = kind or need_accelerator(), device
    elif device is not None:
        meant = _C.device(device)
        if kind is not None and meant.type != kind:
            raise ValueError(f"Expected a {kind} device, but got: {device}")
        kind, index = meant.type, meant.index
    kind = kind or accelerator_type() or HOST
    if kind == HOST:  # one device, shown without an index
        return _C.device(kind)
    if index is None or index < 0:
        index = _C._current_index(kind)
    return _C.device(kind, index)


def pinned(tensor: Any, kind: str | None = None) -> Any:
    """A copy in memory that a device, by default the accelerator, reaches by itself;
    the tensor itself when it is there. RuntimeError without such a device, and for
    tensors that are not in host memory."""
    kind = kind or need_accelerator()
    if _C._is_pinned(tensor):
        return tensor
    if not _C._in_host_memory(tensor):
        raise RuntimeError(
            f"cannot pin '{tensor.type()}' only dense CPU tensors can be pinned"
        )
    return _C._pin(tensor, kind)


_pins: dict[str, bool] = {}


def can_pin() -> bool:
    """Whether there is an accelerator with memory of the kind that `pinned` gives."""
    kind = accelerator_type()
    if kind is None:
        return False
    if kind not in _pins:
        sample = _C._ops.empty(1, dtype=_C.uint8, device=_C._host_device())
        try:
            _pins[kind] = bool(_C._is_pinned(_C._pin(sample, kind)))
        except RuntimeError:  # it has none
            _pins[kind] = False
    return _pins[kind]


class current_index:
    """A context in which another device of a type is the current one; an index of -1
    changes nothing."""

    __slots__ = ("before", "index", "kind")

    def __init__(self, kind: str, index: int) -> None:
        self.kind = kind
        self.index = index
        self.before = -1

    def __enter__(self) -> None:
        if self.index >= 0:
            self.before = _C._current_index(self.kind)
            _C._set_current_index(self.kind, self.index)

    def __exit__(self, *exc: object) -> None:
        if self.index >= 0:
            _C._set_current_index(self.kind, self.before)
