"""What `flambeau doctor` adds to the plugin manager's report: backends tried in a
process of their own, devices with their memory, settings."""

from __future__ import annotations

import os

from flambeau_core import child, doctor
from flambeau_core.selection import VARIABLE

from flambeau import _C
from flambeau.__config__ import build_info
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
    info = build_info()
    toggles = ", ".join(f"{k}={int(v)}" for k, v in info["toggles"].items())
    lines = [
        f"Flambeau {__version__}",
        f"  built by {info['compiler']}, {info['build_type']}, for Python "
        f"{info['python']}: {toggles}",
        f"  speaks version {spoken} of the contract with devices (ABI)",
        "",
        doctor.report(registry, _trial, _devices),
        "",
        *_settings(),
    ]
    return "\n".join(lines)


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
    """What holds in this process, and which variable of the environment said so."""
    allowed = registry.allowed
    rows = [
        ("backends", ", ".join(allowed) if allowed else "all, by score", VARIABLE),
        ("default device", str(_C._get_default_device()), DEVICE),
        ("fallback policy", str(_C._fallback_policy()), FALLBACK),
    ]
    lines = []
    for name, value, variable in rows:
        said = f"  ({variable})" if os.environ.get(variable) else ""
        lines.append(f"  {name}: {value}{said}")
    return ["Settings", *lines]
