"""Asks, before a backend's library is opened, whether the machine has what it needs.

A manifest's `probe` is either conditions as data, all of which must hold:

    {"paths": ["/dev/nvidiactl"], "machines": ["x86_64"], "systems": ["Linux"]}

or the name of a function, `"package.module:function"`, that returns None when the
device is usable and otherwise the reason in words. A probe creates no context on the
device.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .manifest import Manifest


def unusable(manifest: Manifest) -> str | None:
    """None when the probe holds or there is none; else why the backend is of no use
    here."""
    probe = manifest.probe
    if probe is None:
        return None
    if isinstance(probe, dict):
        return _conditions(probe)
    if not isinstance(probe, str) or ":" not in probe:
        return (
            f"expected 'module:function' or conditions for 'probe', got {probe!r:.60}"
        )
    return _call(probe)


def _conditions(probe: dict[str, list[str]]) -> str | None:
    for path in probe.get("paths", []):
        if not os.path.exists(path):
            return f"{path} is not there"
    machine = os.uname()
    if probe.get("machines") and machine.machine not in probe["machines"]:
        return f"made for {', '.join(probe['machines'])}, not for {machine.machine}"
    if probe.get("systems") and machine.sysname not in probe["systems"]:
        return f"made for {', '.join(probe['systems'])}, not for {machine.sysname}"
    unknown = sorted(set(probe) - {"paths", "machines", "systems"})
    return f"unknown conditions in 'probe': {', '.join(unknown)}" if unknown else None


def _call(probe: str) -> str | None:
    import importlib

    module, _, function = probe.partition(":")
    try:
        answer = getattr(importlib.import_module(module), function)()
    except Exception as error:  # a stranger's code: whatever it raises is the reason
        return f"its probe {probe} raised {type(error).__name__}: {error}"
    return None if answer is None else str(answer)
