"""Samples of pools, plain and adaptive."""

from __future__ import annotations

from typing import Any

from ._sample import ErrorSample, Maker, Op, Sample


def _shape(n: int) -> tuple[int, ...]:
    return (1, 2, *((5,) * n)) if n < 3 else (1, 1, 3, 4, 3)


def _max(n: int, indices: bool) -> Op:
    def build(t: Maker) -> list[Sample]:
        x = t.wide(*_shape(n))
        return [Sample(x, 2), Sample(x, 3, 2, 1, ceil_mode=True), Sample(x[0], 2, 1)]

    def errors(t: Maker) -> list[ErrorSample]:
        return [ErrorSample(RuntimeError, t(*_shape(n)), 2, 1, 2)]

    suffix = "_with_indices" if indices else ""
    return Op(f"nn.max_pool{n}d{suffix}", build, errors=errors)


def _average(n: int) -> Op:
    def build(t: Maker) -> list[Sample]:
        x = t(*_shape(n))
        return [
            Sample(x, 2),
            Sample(x, 3, 2, 1, count_include_pad=False),
            Sample(x, 3, 2, 1, ceil_mode=True),
        ]

    return Op(f"nn.avg_pool{n}d", build)


def _adaptive(name: str, n: int) -> Op:
    def build(t: Maker) -> list[Sample]:
        x: Any = t.wide(*_shape(n))
        return [Sample(x, 2), Sample(x, (3,) * n)]

    return Op(name, build)


OPS = [
    *(_max(n, indices) for n in (1, 2, 3) for indices in (False, True)),
    *(_average(n) for n in (1, 2, 3)),
    *(_adaptive(f"nn.adaptive_avg_pool{n}d", n) for n in (1, 2, 3)),
    *(_adaptive(f"nn.adaptive_max_pool{n}d_with_indices", n) for n in (1, 2, 3)),
]
