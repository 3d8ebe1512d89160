"""The one registry of backends of this process, wired to the extension."""

from __future__ import annotations

import os

from flambeau_core.registry import Registry
from flambeau_core.selection import VARIABLE, parse

from flambeau import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flambeau_core.discovery import Backend
    from flambeau_core.plugins import Plugins

DEVICE = "FLAMBEAU_DEVICE"


def _advice(device_type: str) -> str:
    from ._advice import advice

    return advice(device_type)


def _open(library: str, name: str) -> None:
    _C._open_backend(library, name)


registry = Registry(_open, _advice)


def start() -> None:
    """Called once by `import flambeau`: obeys the environment, opens nothing.

    RuntimeError when FLAMBEAU_BACKENDS names what is not installed, or FLAMBEAU_DEVICE
    is not the name of a device.
    """
    wanted = os.environ.get(VARIABLE)
    if wanted:
        registry.allow(parse(wanted), VARIABLE)
    _C._set_device_resolver(registry.resolve)
    device = os.environ.get(DEVICE)
    if device:
        try:
            _C._set_default_device(device)
        except RuntimeError as error:
            raise RuntimeError(f"{DEVICE}: {error}") from None


def installed() -> list[Backend]:
    """Every backend that is installed, the best score first; opens none."""
    return list(registry.backends)


def allowed() -> list[str] | None:
    """The names allowed by `select` or FLAMBEAU_BACKENDS, in order; None when all
    are."""
    return None if registry.allowed is None else list(registry.allowed)


def select(*names: str) -> None:
    """Allow only these backends, in this order; with no name, all of them.

    A name is that of a backend (`"cpu_mkl"`) or of a device (`"cpu"`). RuntimeError
    when it is not installed, or when a backend already in use would be forbidden.
    """
    registry.allow(names or None, "flambeau.backends.select")


def plugins() -> Plugins:
    """The plugins of the group `flambeau.plugins`."""
    return registry.plugins


def explain(op: str, device: object = None) -> str:
    """How `op` runs on `device`: fused kernel, decomposition or fallback, and why.

    `device` defaults to the default device. RuntimeError when there is no such op or
    device.
    """
    if device is None:
        device = _C._get_default_device()
    return str(_C._explain(op, str(device)))


def doctor() -> str:
    """A table of the backends installed, what loads, and what not and why."""
    from flambeau_core.doctor import report

    return report(registry)
