"""Lets pytest take --device and --level when it is pointed at this folder."""

from __future__ import annotations

from typing import Any

from flambeau.testing.pytest_plugin import add_options


def pytest_addoption(parser: Any) -> None:
    """Called before the arguments are read."""
    add_options(parser)
