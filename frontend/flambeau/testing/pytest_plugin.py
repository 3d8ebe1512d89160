"""The options of `pytest --pyargs flambeau.testing.conformance --device DEVICE`.

Installed, the plugin is found through its entry point; it adds its options only to
runs that ask for the kit, since `--device` is a name that others use too. In a source
tree it is named: `pytest -p flambeau.testing.pytest_plugin --pyargs ...`.
"""

from __future__ import annotations

from typing import Any

_KIT = "flambeau.testing.conformance"


def pytest_load_initial_conftests(
    early_config: Any, parser: Any, args: list[str]
) -> None:
    """Before the arguments are read: adds the options where the kit is asked for."""
    if any(_KIT in str(a).replace("/", ".") for a in args):
        add_options(parser)


def add_options(parser: Any) -> None:
    """--device and --level; once, by whichever way the plugin came."""
    group = parser.getgroup("conformance", "conformance of a Flambeau device")
    if any("--device" in option.names() for option in group.options):
        return
    group.addoption("--device", default="cpu", help="the device to test (default: cpu)")
    group.addoption(
        "--level", type=int, default=None, help="test up to this level (default: all)"
    )
