"""The plugins of the group `flambeau.plugins`, called through pluggy at coarse events.

pluggy is imported when there is a plugin to call: a process without plugins never pays.
"""

from __future__ import annotations

from . import entry_points

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    import pluggy


class Plugins:
    """The plugins of one process, and the reasons of those that could not be loaded."""

    def __init__(self, paths: Iterable[str] | None = None) -> None:
        self._entries = [
            e for e in entry_points.scan(paths) if e.group == entry_points.PLUGINS
        ]
        self._manager: pluggy.PluginManager | None = None
        self.broken: dict[str, str] = {}

    @property
    def names(self) -> list[str]:
        """The names of all plugins that are installed."""
        return [e.name for e in self._entries]

    @property
    def manager(self) -> pluggy.PluginManager:
        """pluggy's manager, with every plugin that loads registered."""
        if self._manager is None:
            import pluggy

            from . import hookspecs

            self._manager = pluggy.PluginManager(hookspecs.PROJECT)
            self._manager.add_hookspecs(hookspecs)
            for entry in self._entries:
                self._load(entry)
        return self._manager

    def register(self, plugin: object, name: str | None = None) -> None:
        """Register a module or object with hooks by hand, as tests and applications
        do."""
        self.manager.register(plugin, name)
        self.manager.check_pending()

    def announce(self, hook: str, **arguments: Any) -> list[Any]:
        """Call a hook of every plugin; what a plugin raises becomes a warning with its
        name.

        Returns what the plugins answered, the last registered first.
        """
        if self._manager is None and not self._entries:
            return []
        try:
            return list(getattr(self.manager.hook, hook)(**arguments))
        except (Exception, SystemExit) as error:  # it must not take the device away
            self._warn(f"a plugin failed in {hook}: {type(error).__name__}: {error}")
            return []

    def _load(self, entry: entry_points.EntryPoint) -> None:
        import importlib

        assert self._manager is not None
        module, _, attribute = entry.value.partition(":")
        try:
            plugin: object = importlib.import_module(module.strip())
            for part in filter(None, attribute.strip().split(".")):
                plugin = getattr(plugin, part)
            self._manager.register(plugin, entry.name)
            self._manager.check_pending()
        except (Exception, SystemExit) as error:  # stored, for `flambeau doctor`
            if self._manager.has_plugin(entry.name):
                self._manager.unregister(name=entry.name)
            self.broken[entry.name] = f"{type(error).__name__}: {error}"
            self._warn(
                f"plugin '{entry.name}' of {entry.origin}: {self.broken[entry.name]}"
            )

    @staticmethod
    def _warn(message: str) -> None:
        import warnings

        warnings.warn(message, RuntimeWarning, stacklevel=3)
