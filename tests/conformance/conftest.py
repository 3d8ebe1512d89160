"""Makes `planted` importable by the tests beside it, and the device with the bugs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import flambeau
import pytest
from flambeau import _C

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def device() -> Any:
    """The reference device as a type of its own, in which bugs can be planted."""
    backend = pytest.importorskip("flambeau_reference.backend")
    import planted

    made = planted.make(backend.Reference)
    _C._open_python_backend(made, made.name)
    assert (flambeau.ones(2, device="planted") + 1).tolist() == [2, 2]
    return made
