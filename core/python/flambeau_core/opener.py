"""Opens one backend, a library or a class in Python; whatever is wrong with it becomes
its reason in words."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from .manifest import Manifest


class Opener:
    """How the host opens libraries and backends in Python, and the oldest and the
    newest version of the contract that it speaks (None: only the library is asked)."""

    def __init__(
        self,
        library: Callable[[str, str], None],
        python: Callable[[object, str], None] | None,
        abi: tuple[int, int] | None,
    ) -> None:
        self._library = library
        self._python = python
        self._abi = abi

    def open(self, manifest: Manifest) -> str:
        """Why the backend cannot be used; empty when it is open."""
        from . import probe

        reason = self._version(manifest) or probe.unusable(manifest)
        if reason:
            return reason
        try:
            if manifest.library:
                self._library(manifest.library, manifest.name)
            else:
                self._open_python(manifest)
        except _Failed as error:
            return str(error)
        except RuntimeError as error:
            return str(error) or "it cannot be opened, and gave no reason"
        return ""

    def _open_python(self, manifest: Manifest) -> None:
        if self._python is None:
            raise _Failed("it is written in Python, which this host does not open")
        instance = _load(manifest.module)
        try:
            self._python(instance, manifest.name)
        except RuntimeError:
            raise
        except Exception as error:  # its attributes may be code, and raise anything
            raise _Failed(_told(manifest.module, error)) from error

    def _version(self, manifest: Manifest) -> str:
        # The library is asked once more when it is open; a manifest that says so before
        # spares the process a library that is of no use.
        low, high = manifest.abi_min, manifest.abi_max
        if self._abi is None or high == 0:
            return ""
        oldest, newest = self._abi
        if low <= newest and high >= oldest:
            return ""
        remedy = "flambeau" if low > newest else manifest.distribution
        return (
            f"it speaks version {_range(low, high)} of the contract with devices, this "
            f"flambeau {_range(oldest, newest)}: update {remedy}"
        )


class _Failed(Exception):
    """A backend's own Python raised; the message says what and where."""


def _load(name: str) -> object:
    """What `package.module:Name` makes when it is called."""
    import importlib

    module, _, attribute = name.partition(":")
    try:
        found: object = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
        if not callable(found):
            raise TypeError(f"expected a class or a function, got {found!r:.60}")
        return found()
    except (Exception, SystemExit) as error:  # a stranger's code may raise anything
        raise _Failed(_told(name, error)) from error


def _told(name: str, error: BaseException) -> str:
    place = _place(error.__traceback__)
    return f"{name} raised {type(error).__name__}: {error}{place}"


def _place(traceback: TracebackType | None) -> str:
    """Where in the stranger's code it happened, if it got there."""
    last = ""
    while traceback is not None:
        path = traceback.tb_frame.f_code.co_filename
        if path != __file__ and "importlib" not in path:
            last = f" ({path}, line {traceback.tb_lineno})"
        traceback = traceback.tb_next
    return last


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"
