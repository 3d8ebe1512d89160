"""What `flambeau doctor` adds to the plugin manager's report: backends tried in a
process of their own, devices with their memory, settings."""

from __future__ import annotations

import os

from flambeau_core import child, doctor
from flambeau_core.selection import VARIABLE

from flambeau import _C
from flambeau.version import __version__

from ._runtime import ABI, DEVICE, FALLBACK, registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flambeau_core.discovery import Backend

_TRIED = "FLAMBEAU_TRIED"  # the device type of the backend to be tried, for the child


def report() -> str:
    """The whole report."""
    oldest, newest = ABI
    spoken = str(newest) if oldest == newest else f"{oldest} to {newest}"
    head = f"Flambeau {__version__}, contract with devices (ABI): version {spoken}"
    body = doctor.report(registry, _trial, _devices)
    return "\n".join([head, "", body, "", *_settings()])


def open_tried() -> str | None:
    """Run in the child: why the backend does not open; None when it does."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # told by the parent
        try:
            registry.resolve(os.environ[_TRIED])
        except RuntimeError as error:
            reasons = [b.reason for b in registry.backends if b.reason]
            return reasons[0] if len(reasons) == 1 else str(error)
    return None


def _trial(backend: Backend) -> str:
    environment = {
        VARIABLE: backend.name,
        _TRIED: backend.device_type,
        DEVICE: "",
        FALLBACK: "",
    }
    # The child asks the backend's probe first, which has a time of its own.
    seconds = 2 * child.timeout() + 10
    answer = child.ask(__name__, "open_tried", "opening it", environment, seconds)
    return answer or ""


def _devices(device_type: str) -> list[tuple[str, ...]]:
    """A line for each device of a type whose backend is open."""
    lines = []
    for index in range(_C._device_count(device_type)):
        device = f"{device_type}:{index}"
        try:
            lines.append(_device(device))
        except RuntimeError as error:  # one that is broken does not hide the others
            lines.append((device, f"cannot be opened: {error}", "", "", ""))
    return lines


def _device(device: str) -> tuple[str, ...]:
    properties = _C._device_properties(device)
    kinds = ["of the host" if properties["host_memory"] else "of its own"]
    kinds += [kind for kind in ("asynchronous", "streams") if properties[kind]]
    free, total = _C._memory_available(device)
    total = total or properties["total_memory"]
    memory = (_size(free) if total and free else "-", _size(total) if total else "-")
    return (device, properties["name"], ", ".join(kinds), *memory)


def _size(count: int) -> str:
    for unit, shift in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if count >= 1 << shift:
            return f"{count / (1 << shift):.1f} {unit}"
    return f"{count} bytes"


def _settings() -> list[str]:
    """What the environment says, and what holds where it says nothing."""
    defaults = {
        VARIABLE: "all, the best score first",
        DEVICE: str(_C._get_default_device()),
        FALLBACK: str(_C._fallback_policy()),
    }
    lines = []
    for name, value in defaults.items():
        given = os.environ.get(name)
        lines.append(f"  {name}: {given or f'not set ({value})'}")
    return ["Settings", *lines]
