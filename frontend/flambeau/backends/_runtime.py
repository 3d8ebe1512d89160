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
FALLBACK = "FLAMBEAU_FALLBACK"
ABI = (1, 1)  # the oldest and the newest version of backend.h that this host speaks


def _advice(device_type: str) -> str:
    from ._advice import advice

    return advice(device_type)


def _open(library: str, name: str) -> None:
    _C._open_backend(library, name)


def _open_python(instance: object, name: str) -> None:
    _C._open_python_backend(instance, name)


registry = Registry(_open, _advice, open_python=_open_python, abi=ABI)


def start() -> None:
    """Called once by `import flambeau`: obeys the environment, opens nothing.

    RuntimeError when FLAMBEAU_BACKENDS names what is not installed, FLAMBEAU_DEVICE is
    not the name of a device, or FLAMBEAU_FALLBACK not a policy.
    """
    wanted = os.environ.get(VARIABLE)
    if wanted:
        registry.allow(parse(wanted), VARIABLE)
    _C._set_device_resolver(registry.resolve)
    for variable, use in (
        (DEVICE, _C._set_process_default_device),
        (FALLBACK, _set_policy),
    ):
        value = os.environ.get(variable)
        if value:
            try:
                use(value)
            except (RuntimeError, ValueError) as error:
                raise RuntimeError(f"{variable}: {error}") from None


def _set_policy(policy: str) -> None:
    _C._set_fallback_policy(policy)


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
    """What is installed, what loads, what is chosen and why not, and how much memory
    there is: the text of `flambeau doctor`.

    Opens the backends that would be used, each in a process of its own first.
    """
    from ._doctor import report

    return report()
