"""Samples of random ops where chance has no part: what they do at the ends."""

from __future__ import annotations

from ._sample import FLOATS, Op, Sample

OPS = [
    Op("dropout", lambda t: [Sample(t(2, 3), 0.5, False), Sample(t(2, 3), 1.0, True)]),
    Op(
        "bernoulli",
        lambda t: [Sample(t.mask(2, 3).to(t.dtype))],
        FLOATS,
        grad=False,
        forms=False,
    ),
]

# Their distributions are tested in tests/frontend and tests/backend.
CHANCE = [
    "rand",
    "randn",
    "rand_like",
    "randn_like",
    "randint",
    "randint_like",
    "randperm",
    "normal",
    "multinomial",
    "uniform",
    "exponential",
    "geometric",
    "cauchy",
    "log_normal",
    "random",
]
