"""The report of `flambeau doctor` and of `python -m flambeau.backends`: what is
installed, what loads, what is chosen and why not, and what each was built with."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .discovery import Backend
    from .manifest import Manifest
    from .registry import Registry

    # The reason why a backend does not open in a process of its own; empty if it does.
    Trial = Callable[[Backend], str]
    # What there is to say of each device of a type, in the columns of DEVICES.
    Devices = Callable[[str], Sequence[Sequence[str]]]

HEADER = ("backend", "device", "package", "score", "ABI", "loads", "chosen")
DEVICES = ("device", "name", "memory", "free", "total")


def report(
    registry: Registry, trial: Trial | None = None, devices: Devices | None = None
) -> str:
    """The whole report. Opens the backends that would be used, each only after `trial`
    opened it elsewhere: a library that crashes must not end the doctor."""
    why = {b: trial(b) for b in registry.backends if trial and _untried(b)}
    for backend, reason in why.items():
        if reason and not backend.reason:
            backend.reason = reason
    types = dict.fromkeys(b.device_type for b in registry.backends if b.device_type)
    for device_type in types:
        _resolve(registry, device_type)
    rows = [_row(registry, b, b in why) for b in registry.backends]
    parts = [table(rows, HEADER) if rows else "no backend is installed"]
    parts += _section("Why not", _reasons(registry))
    parts += _section("Built with", [_built(b) for b in registry.backends])
    if devices:
        opened = [t for t in types if any(b.loaded for b in registry.candidates(t))]
        found = [line for t in opened for line in devices(t)]
        parts += ["", table(found, DEVICES)] if found else []
    parts += _section("Plugins", _plugins(registry))
    return "\n".join(parts)


def table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    """Columns as wide as their widest cell."""
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _untried(backend: Backend) -> bool:
    return not backend.loaded and not backend.reason and backend.manifest is not None


def _resolve(registry: Registry, device_type: str) -> None:
    import warnings

    with warnings.catch_warnings():
        # Which one stands in for which is in the table.
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            registry.resolve(device_type)
        except RuntimeError:  # the reason is kept with the backend, and shown there
            return


def _section(title: str, lines: Sequence[str]) -> list[str]:
    """A title and its lines, none when all are empty."""
    full = ["  " + line.replace("\n", "\n    ") for line in lines if line]
    return ["", title, *full] if full else []


def _row(registry: Registry, backend: Backend, tried: bool) -> tuple[str, ...]:
    manifest = backend.manifest
    loads = "no" if backend.reason else "yes" if tried or backend.loaded else "?"
    return (
        backend.name,
        backend.device_type or "-",
        backend.entry.origin,
        str(manifest.score) if manifest else "-",
        _abi(manifest),
        loads,
        "yes" if backend.loaded else "no",
    )


def _abi(manifest: Manifest | None) -> str:
    if manifest is None:
        return "-"
    low, high = manifest.abi_min, manifest.abi_max
    return "any" if high == 0 else str(low) if low == high else f"{low}-{high}"


def _reasons(registry: Registry) -> list[str]:
    """For each backend that is not chosen, why."""
    lines = []
    for backend in registry.backends:
        if backend.loaded:
            continue
        candidates = registry.candidates(backend.device_type)
        if backend.reason:
            # A malformed manifest's reason names the backend itself.
            named = backend.manifest is None
            lines.append(
                backend.reason if named else f"{backend.name}: {backend.reason}"
            )
        elif backend not in candidates:
            allowed = ", ".join(registry.allowed or [])
            lines.append(f"{backend.name}: not allowed (allowed: {allowed})")
        else:
            used = next((b.name for b in candidates if b.loaded), candidates[0].name)
            lines.append(f"{backend.name}: {used} comes first")
    return lines


def _built(backend: Backend) -> str:
    """Toggles, versions and instruction sets, as far as the manifest tells."""
    manifest = backend.manifest
    if manifest is None:
        return ""
    groups = [
        [f"{name}={int(value)}" for name, value in manifest.toggles.items()],
        [f"{name} {value}" for name, value in manifest.versions.items() if value],
        [f"kernels for {', '.join(manifest.isas)}"] if manifest.isas else [],
    ]
    told = "; ".join(", ".join(group) for group in groups if group)
    told = told or manifest.description
    return f"{manifest.name}: {told}" if told else ""


def _plugins(registry: Registry) -> list[str]:
    """What became of each plugin, and what they have to say."""
    plugins = registry.plugins
    said = [
        line for lines in plugins.announce("flambeau_doctor_report") for line in lines
    ]
    state = [f"{name}: {plugins.broken.get(name, 'loaded')}" for name in plugins.names]
    return state + said
