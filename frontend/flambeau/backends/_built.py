"""Whether an installed backend was built with a library, from its manifest."""

from __future__ import annotations


def built_with(toggle: str) -> bool:
    """True when the CPU backend that would be used has `toggle` on."""
    from ._runtime import registry

    for backend in registry.candidates("cpu"):
        if backend.manifest and not backend.reason:
            return bool(backend.manifest.toggles.get(toggle, False))
    return False
