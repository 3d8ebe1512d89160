"""Lets the tests of ops import what stands beside them; what is known to fail.

    pytest tests/ops --device reference

runs them on another device: the samples are made on the default one.
"""

import sys
from pathlib import Path

import flambeau
import pytest

sys.path.insert(0, str(Path(__file__).parent))

# Tests that fail, and why; one that passes must leave this table.
KNOWN: dict[str, str] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", help="the device to test; else the default one")


def pytest_configure(config: pytest.Config) -> None:
    # Without a value where this file is met after the command line has been read.
    device = config.getoption("--device", default=None)
    if device:
        flambeau.set_default_device(device)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the known failures."""
    for item in items:
        if item.name in KNOWN and Path(__file__).parent == item.path.parent:
            item.add_marker(pytest.mark.xfail(reason=KNOWN[item.name], strict=True))
