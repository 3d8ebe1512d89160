"""The report of `flambeau doctor` and of `python -m flambeau.backends`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .discovery import Backend
    from .registry import Registry

HEADER = ("backend", "device", "package", "score", "state")


def examine(registry: Registry) -> list[tuple[str, ...]]:
    """One row for each installed backend, opening those that would be used."""
    for device_type in dict.fromkeys(b.device_type for b in registry.backends):
        if device_type:
            try:
                registry.resolve(device_type)
            except RuntimeError:  # the reason is kept with the backend, and shown below
                continue
    return [_row(registry, backend) for backend in registry.backends]


def table(rows: Sequence[Sequence[str]], header: Sequence[str] = HEADER) -> str:
    """Columns as wide as their widest cell."""
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def report(registry: Registry) -> str:
    """The table, then the details of what was built, then what plugins have to say."""
    rows = examine(registry)
    parts = [table(rows) if rows else "no backend is installed"]
    for backend in registry.backends:
        manifest = backend.manifest
        if manifest and (manifest.toggles or manifest.versions):
            toggles = [f"{k}={int(v)}" for k, v in manifest.toggles.items()]
            versions = [f"{k} {v}" for k, v in manifest.versions.items() if v]
            parts.append(f"{manifest.name}: {', '.join(toggles + versions)}")
    for name in registry.plugins.names:
        reason = registry.plugins.broken.get(name)
        parts.append(f"plugin {name}: {reason or 'loaded'}")
    for lines in registry.plugins.announce("flambeau_doctor_report"):
        parts += lines
    return "\n".join(parts)


def _row(registry: Registry, backend: Backend) -> tuple[str, ...]:
    manifest = backend.manifest
    score = str(manifest.score) if manifest else "-"
    device = backend.device_type or "-"
    return backend.name, device, backend.entry.origin, score, _state(registry, backend)


def _state(registry: Registry, backend: Backend) -> str:
    if backend.loaded:
        return "loaded"
    if backend.reason:
        return backend.reason
    candidates = registry.candidates(backend.device_type)
    if backend not in candidates:
        return f"not allowed (allowed: {', '.join(registry.allowed or [])})"
    return f"not opened: {candidates[0].name} comes first"
