"""The kit's cases as pytest's items; see pytest_plugin.py for the options."""

from __future__ import annotations

from typing import Any

import pytest

from flambeau.testing.conformance import Bench, Case, cases
from flambeau.testing.conformance._case import FAILED, PASSED, run
from flambeau.testing.conformance._run import TOP


def pytest_generate_tests(metafunc: Any) -> None:
    """One item for each case of the device that is asked for."""
    device = metafunc.config.getoption("--device", "cpu")
    level = metafunc.config.getoption("--level", None)
    found = cases(Bench(device), TOP if level is None else level)
    metafunc.parametrize("case", [pytest.param(c, id=c.id) for c in found])


def test_case(case: Case) -> None:
    """Fails as the case does; what the device does not claim is skipped."""
    result = run(case)
    if result.status == FAILED:
        pytest.fail(result.detail, pytrace=False)
    if result.status != PASSED:
        pytest.skip(f"{result.status}: {result.detail}")
