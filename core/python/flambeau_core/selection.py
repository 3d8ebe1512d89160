"""Which backends may be used, and in which order: `FLAMBEAU_BACKENDS` or a call."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .discovery import Backend

VARIABLE = "FLAMBEAU_BACKENDS"


def parse(text: str) -> list[str]:
    """The names in a comma-separated list, in order, without repetition."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def check(names: Sequence[str], backends: Sequence[Backend], source: str) -> None:
    """RuntimeError when a name is neither that of a backend nor that of a device."""
    known = {b.name for b in backends} | {
        b.device_type for b in backends if b.device_type
    }
    unknown = [name for name in names if name not in known]
    if not unknown:
        return
    installed = ", ".join(f"{b.name} (device '{b.device_type}')" for b in backends)
    raise RuntimeError(
        f"{source}: expected names of installed backends or of their devices, got "
        f"{', '.join(repr(name) for name in unknown)}; installed: {installed or 'none'}"
    )


def candidates(
    device_type: str, backends: Sequence[Backend], allowed: Sequence[str] | None
) -> list[Backend]:
    """Those that may implement a device, the first to be tried first.

    Without a list of those allowed the score decides; with one, its order does, and the
    score only among several that one entry of the list names.
    """
    matching = [b for b in backends if b.device_type == device_type]
    if allowed is None:
        return matching
    ordered = [
        b for name in allowed for b in matching if name in (b.name, b.device_type)
    ]
    return list(dict.fromkeys(ordered))
