"""The coarse events that a plugin may listen to; none is ever on the path of an op.

A plugin is a module or object named by an entry point of the group `flambeau.plugins`.
Its functions are marked with `hookimpl` and may take any subset of the arguments below.
"""

from __future__ import annotations

import pluggy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .manifest import Manifest

PROJECT = "flambeau"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def flambeau_backend_loaded(manifest: Manifest) -> None:
    """A backend's library was opened, and it agreed on a version."""


@hookspec
def flambeau_device_available(device_type: str, backend: str) -> None:
    """Tensors can live on a device from now on; `backend` names who implements it."""


@hookspec
def flambeau_doctor_report() -> list[str]:  # type: ignore[empty-body]
    """Lines that a plugin adds to the report of `flambeau doctor`."""
