"""A line search that meets the strong Wolfe conditions, by cubic interpolation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

C1 = 1e-4  # share of the promised decrease that is enough
C2 = 0.9  # share of the slope that may remain
MAX_STEPS = 25
TOLERANCE = 1e-9


@dataclass(slots=True)
class _Point:
    t: float
    loss: float
    grad: Any
    slope: float


def _cubic_minimum(
    a: _Point, b: _Point, bounds: tuple[float, float] | None = None
) -> float:
    """Minimum of the cubic through two points and slopes, kept within the bounds."""
    low, high = bounds if bounds is not None else (min(a.t, b.t), max(a.t, b.t))
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if square < 0:
        return (low + high) / 2.0
    d2 = square**0.5
    if a.t > b.t:
        a, b = b, a
    position = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    return min(max(position, low), high)


def strong_wolfe(
    evaluate: Callable[[float], tuple[float, Any]],
    t: float,
    direction: Any,
    loss: float,
    grad: Any,
    slope: float,
) -> tuple[float, Any, float, int]:
    """Search from length ``t``: (loss, gradient, length, number of evaluations).

    ``evaluate(t)`` gives loss and gradient at that length; ``loss``, ``grad`` and
    ``slope`` are those at length 0. Nocedal and Wright, algorithms 3.5 and 3.6.
    """

    def at(length: float) -> _Point:
        value, gradient = evaluate(length)
        # The caller changes its gradient buffers with the next evaluation.
        return _Point(length, value, gradient.clone(), float(gradient.dot(direction)))

    start = _Point(0.0, loss, grad, slope)
    scale = float(direction.abs().max())
    bracket, steps = _bracket(at, start, t)
    evaluations = steps + 1
    if len(bracket) == 2:
        evaluations += _zoom(at, start, bracket, scale, steps)
    best = min(bracket, key=lambda p: p.loss)
    return best.loss, best.grad, best.t, evaluations


def _decreases(start: _Point, point: _Point) -> bool:
    return point.loss <= start.loss + C1 * point.t * start.slope


def _bracket(
    at: Callable[[float], _Point], start: _Point, t: float
) -> tuple[list[_Point], int]:
    """Grow the length until an interval holds a good point, or one is found."""
    previous, point = start, at(t)
    steps = 0
    while steps < MAX_STEPS:
        rises = steps > 0 and point.loss >= previous.loss
        if not _decreases(start, point) or rises:
            return [previous, point], steps
        if abs(point.slope) <= -C2 * start.slope:
            return [point], steps
        if point.slope >= 0:
            return [previous, point], steps
        bounds = (point.t + 0.01 * (point.t - previous.t), point.t * 10)
        t = _cubic_minimum(previous, point, bounds)
        previous, point = point, at(t)
        steps += 1
    return [start, point], steps


def _zoom(
    at: Callable[[float], _Point],
    start: _Point,
    bracket: list[_Point],
    scale: float,
    steps: int,
) -> int:
    """Shrink the interval around a good point; returns how many points were tried."""
    tried = 0
    slow = False
    low, high = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
    while steps < MAX_STEPS:
        left, right = sorted(p.t for p in bracket)
        if (right - left) * scale < TOLERANCE:
            break
        t, slow = _inside(_cubic_minimum(bracket[0], bracket[1]), left, right, slow)
        point = at(t)
        tried += 1
        steps += 1
        if not _decreases(start, point) or point.loss >= bracket[low].loss:
            bracket[high] = point
            low, high = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
            continue
        if abs(point.slope) <= -C2 * start.slope:
            bracket[low] = point
            break
        if point.slope * (bracket[high].t - bracket[low].t) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = point
    return tried


def _inside(t: float, left: float, right: float, slow: bool) -> tuple[float, bool]:
    """Keep a trial length off the ends of its interval, where progress would stall."""
    margin = 0.1 * (right - left)
    if min(right - t, t - left) >= margin:
        return t, False
    if slow or t >= right or t <= left:
        nearer_right = abs(t - right) < abs(t - left)
        return (right - margin if nearer_right else left + margin), False
    return t, True
