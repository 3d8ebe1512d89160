"""Runs a test that takes `device` once for each device at hand, and keeps what a test
changes for all of a process."""

from __future__ import annotations

from collections.abc import Iterator

import flambeau
import pytest
from flambeau import _C
from flambeau._device_types import device_count, installed_types


def usable() -> list[str]:
    """The installed device types that have a device, the host's first."""
    kinds = [k for k in installed_types() if device_count(k)]
    return sorted(kinds, key=lambda k: k != _C._host_device_type)


DEVICES = usable()
OTHERS = [k for k in DEVICES if k != _C._host_device_type]
WITH_MEMORY = [k for k in OTHERS if not _C._device_properties(k)["host_memory"]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`device`: all; `other`: not the host; `remote`: with memory of its own."""
    for name, kinds in (
        ("device", DEVICES),
        ("other", OTHERS),
        ("remote", WITH_MEMORY),
    ):
        if name in metafunc.fixturenames:
            skip = pytest.mark.skip(reason=f"no backend of the kind '{name}' is here")
            metafunc.parametrize(
                name, kinds or [pytest.param(None, marks=skip, id="none")]
            )


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    """Default device, current devices and the fallback policy are put back."""
    default = _C._get_default_device()
    current = {kind: _C._current_index(kind) for kind in DEVICES}
    with flambeau.backends.set_fallback_policy("allow"):
        yield
    _C._set_default_device(default)
    for kind, index in current.items():
        _C._set_current_index(kind, index)
