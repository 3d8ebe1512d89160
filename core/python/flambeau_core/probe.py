"""Asks, before a backend is opened, whether the machine has what it needs.

A manifest's `probe` is either conditions as data, all of which must hold:

    {"paths": ["/dev/nvidiactl"], "machines": ["x86_64"], "systems": ["Linux"]}

or the name of a function, `"package.module:function"`, that returns None when the
device is usable and otherwise the reason in words. A probe creates no context on the
device. A function runs in a process of its own (see child.py), so that whatever it does
to itself stays there; conditions cost nothing.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .manifest import Manifest

_answers: dict[str, str | None] = {}  # of functions: each is asked once per process


def unusable(manifest: Manifest) -> str | None:
    """None when the probe holds or there is none; else why the backend is of no use
    here."""
    probe = manifest.probe
    if probe is None:
        return None
    if isinstance(probe, dict):
        return _conditions(probe)
    module, _, function = probe.partition(":")
    if not module or not function:
        return (
            f"expected 'module:function' or conditions for 'probe', got {probe!r:.60}"
        )
    if probe not in _answers:
        from . import child

        _answers[probe] = child.ask(module, function, f"its probe {probe}")
    return _answers[probe]


def _conditions(probe: dict[str, Any]) -> str | None:
    unknown = sorted(set(probe) - {"paths", "machines", "systems"})
    if unknown:
        return f"unknown conditions in 'probe': {', '.join(unknown)}"
    for name, values in probe.items():
        if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
            return f"expected a list of str for '{name}' in 'probe', got {values!r:.60}"
    for path in probe.get("paths", []):
        if not os.path.exists(path):
            return f"{path} is not there"
    machine = os.uname()
    for name, here in (("machines", machine.machine), ("systems", machine.sysname)):
        wanted = probe.get(name)
        if wanted and here not in wanted:
            return f"made for {', '.join(wanted)}, not for {here}"
    return None
