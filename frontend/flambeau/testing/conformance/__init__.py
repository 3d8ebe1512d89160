"""The conformance kit: says of a device what is right, what is missing, how fast it is.

    python -m flambeau.testing.conformance DEVICE [--level L] [--mode M] [--json FILE]
    pytest --pyargs flambeau.testing.conformance --device DEVICE

What is expected comes from the device's own table of kernels: claimed and wrong is an
error, unclaimed is listed. Levels: 0 the contract itself, 1 runtime, 2 primitives
against a float64 oracle, 3 composites, 4 gradients, 5 training, 6 speed. Needs NumPy.
The guide is docs/extending/conformance.md.
"""

from __future__ import annotations

from ._bench import Bench
from ._case import Case, Outcome, Result
from ._report import LEVELS, Report
from ._run import MODES, cases, run
from ._same import random_numbers

__all__ = [
    "LEVELS",
    "MODES",
    "Bench",
    "Case",
    "Outcome",
    "Report",
    "Result",
    "cases",
    "random_numbers",
    "run",
]
