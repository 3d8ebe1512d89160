"""The backends that are installed, each with its manifest or with the reason why
not."""

from __future__ import annotations

from . import entry_points

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .entry_points import EntryPoint
    from .manifest import Manifest


class Backend:
    """An installed backend and what became of it."""

    __slots__ = ("entry", "loaded", "manifest", "reason")

    def __init__(
        self, entry: EntryPoint, manifest: Manifest | None, reason: str
    ) -> None:
        self.entry = entry
        self.manifest = manifest
        self.reason = (
            reason  # why it cannot be used; empty while nothing is known against it
        )
        self.loaded = False

    @property
    def name(self) -> str:
        """The backend's name, from its manifest if that could be read."""
        return self.manifest.name if self.manifest else self.entry.name

    @property
    def device_type(self) -> str:
        """The device that it implements; empty when its manifest could not be read."""
        return self.manifest.device_type if self.manifest else ""

    def __repr__(self) -> str:
        state = self.reason or ("loaded" if self.loaded else "not opened")
        return f"<Backend {self.name}: device '{self.device_type}', {state}>"


def find(paths: Iterable[str] | None = None) -> list[Backend]:
    """All backends along `paths` (default: sys.path), the best score first."""
    from . import manifest as manifests

    backends = []
    for entry in entry_points.scan(paths):
        if entry.group != entry_points.BACKENDS:
            continue
        try:
            backends.append(Backend(entry, manifests.load(entry), ""))
        except manifests.ManifestError as error:
            backends.append(Backend(entry, None, str(error)))
    backends.sort(key=lambda b: (-b.manifest.score if b.manifest else 0, b.name))
    return backends
