"""Opens the backend of a device at its first use, and keeps the reasons of those that
fail."""

from __future__ import annotations

from _thread import RLock

from . import opener, selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .discovery import Backend
    from .plugins import Plugins


class Registry:
    """The installed backends of one process.

    `open_backend(library, name)` opens a library, `open_python(instance, name)` takes a
    backend written in Python; both raise RuntimeError with the reason when they cannot.
    `advice(device_type)` says what to do about a device that nobody implements; `abi`
    is the oldest and the newest version of the contract that the host speaks.
    """

    def __init__(
        self,
        open_backend: Callable[[str, str], None],
        advice: Callable[[str], str],
        paths: Iterable[str] | None = None,
        *,
        open_python: Callable[[object, str], None] | None = None,
        abi: tuple[int, int] | None = None,
    ) -> None:
        self._opener = opener.Opener(open_backend, open_python, abi)
        self._advice = advice
        self._paths = None if paths is None else list(paths)
        self._backends: list[Backend] | None = None
        self._plugins: Plugins | None = None
        self._allowed: list[str] | None = None
        self._allowed_by = ""
        self._lock = RLock()
        self._opening: set[Backend] = set()
        self.abi = abi

    @property
    def backends(self) -> list[Backend]:
        """Everything installed, the best score first; found at the first look."""
        if self._backends is None:
            from . import discovery

            self._backends = discovery.find(self._paths)
        return self._backends

    @property
    def plugins(self) -> Plugins:
        """The plugins that listen to the coarse events."""
        if self._plugins is None:
            from .plugins import Plugins

            self._plugins = Plugins(self._paths)
        return self._plugins

    @property
    def allowed(self) -> list[str] | None:
        """The names allowed, in order; None when all are."""
        return self._allowed

    def allow(self, names: Sequence[str] | None, source: str) -> None:
        """Allow only these backends, in this order; None allows all.

        RuntimeError when a name is not installed, or one in use would be forbidden.
        """
        if names is not None:
            selection.check(names, self.backends, source)
            for backend in self._backends or []:
                if backend.loaded and not {backend.name, backend.device_type} & set(
                    names
                ):
                    raise RuntimeError(
                        f"{source}: backend '{backend.name}' is in use and cannot be "
                        f"forbidden any more; choose before the first use of a device"
                    )
        self._allowed = None if names is None else list(names)
        self._allowed_by = source

    def candidates(self, device_type: str) -> list[Backend]:
        """The backends that may implement a device, in the order in which they are
        tried."""
        return selection.candidates(device_type, self.backends, self._allowed)

    def resolve(self, device_type: str) -> None:
        """Open the backend of a device; RuntimeError with every reason when none
        opens."""
        with self._lock:
            failed: list[Backend] = []
            for backend in self.candidates(device_type):
                if backend.loaded or self._open(backend):
                    if failed:
                        self._warn_of(failed, backend)
                    return
                failed.append(backend)
            raise RuntimeError(self.explain_missing(device_type, failed))

    def explain_missing(self, device_type: str, failed: Sequence[Backend]) -> str:
        """Why a device has no backend, and what to do."""
        if failed:
            reasons = "; ".join(
                f"{b.name} ({b.entry.origin}): {b.reason}" for b in failed
            )
            return f"device '{device_type}': its backend cannot be used: {reasons}"
        forbidden = [b.name for b in self.backends if b.device_type == device_type]
        if forbidden:
            return (
                f"device '{device_type}': {', '.join(forbidden)} is installed, but "
                f"{self._allowed_by} allows only {', '.join(self._allowed or [])}"
            )
        message = f"device '{device_type}' needs a backend; {self._advice(device_type)}"
        broken = [b.reason for b in self.backends if b.manifest is None]
        return "; ".join([message, *broken])

    def _open(self, backend: Backend) -> bool:
        manifest = backend.manifest
        if backend.reason or manifest is None:
            return False
        if backend in self._opening:  # its own Python asked for its device
            raise RuntimeError(
                f"device '{backend.device_type}': backend '{backend.name}' uses its "
                f"device while it is being opened"
            )
        self._opening.add(backend)
        try:
            backend.reason = self._opener.open(manifest)
        finally:
            self._opening.discard(backend)
        if backend.reason:
            return False
        backend.loaded = True
        self.plugins.announce("flambeau_backend_loaded", manifest=manifest)
        self.plugins.announce(
            "flambeau_device_available",
            device_type=manifest.device_type,
            backend=manifest.name,
        )
        return True

    @staticmethod
    def _warn_of(failed: Sequence[Backend], used: Backend) -> None:
        import warnings

        reasons = "; ".join(f"{b.name}: {b.reason}" for b in failed)
        warnings.warn(
            f"device '{used.device_type}': using backend '{used.name}', because the "
            f"one preferred cannot be used: {reasons}",
            RuntimeWarning,
            stacklevel=2,
        )
