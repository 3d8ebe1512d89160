"""Level 6: time and memory of each op, as a table."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flambeau
from flambeau import _C, nn

from ._bench import Bench
from ._report import table
from .l3_composites import counted

_SECONDS = 0.15  # for each op
_F = nn.functional


@dataclass(frozen=True)
class Measured:
    """An op at a size: what to call, the bytes that it must move, its operations."""

    name: str
    size: str
    make: Callable[[Any], Callable[[], Any]]
    moved: float = 0.0
    operations: float = 0.0


def _pointwise(name: str, n: int, operands: int = 1) -> Measured:
    def make(device: Any) -> Callable[[], Any]:
        given = [flambeau.rand(n, device=device) for _ in range(operands)]
        op = getattr(flambeau, name)
        return lambda: op(*given)

    return Measured(name, str(n), make, moved=4.0 * n * (operands + 1))


def _on(call: Callable[..., Any], *shapes: tuple[int, ...]) -> Any:
    def make(device: Any) -> Callable[[], Any]:
        given = [flambeau.rand(shape, device=device) for shape in shapes]
        return lambda: call(*given)

    return make


def _step(device: Any) -> Callable[[], Any]:
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10)).to(device)
    optimizer = flambeau.optim.Adam(model.parameters())
    x = flambeau.rand(64, 64, device=device)
    y = flambeau.zeros(64, dtype=flambeau.int64, device=device)

    def step() -> None:
        optimizer.zero_grad()
        _F.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step


_N, _BIG = 1 << 10, 1 << 20
_TABLE = [
    *(_pointwise("add", n, 2) for n in (1, _N, _BIG)),
    *(_pointwise(name, _BIG) for name in ("exp", "tanh", "sqrt", "sum")),
    Measured("copy, transposed", "1024x1024",
             _on(lambda x: x.t().contiguous(), (1024, 1024)), moved=8.0 * _BIG),
    Measured("cumsum", str(_BIG), _on(lambda x: x.cumsum(0), (_BIG,)),
             moved=8.0 * _BIG),
    Measured("amax over rows", "1024x1024", _on(lambda x: x.amax(1), (1024, 1024)),
             moved=4.0 * _BIG),
    Measured("softmax", "1024x1024", _on(lambda x: x.softmax(1), (1024, 1024)),
             moved=8.0 * _BIG),
    Measured("sort", "256x1024", _on(lambda x: x.sort(1), (256, 1024)), moved=4e6),
    Measured("layer_norm", "1024x1024",
             _on(lambda x: _F.layer_norm(x, (1024,)), (1024, 1024)), moved=8.0 * _BIG),
    *(
        Measured("matmul", f"{n}x{n}", _on(lambda a, b: a @ b, (n, n), (n, n)),
                 operations=2.0 * n**3)
        for n in (32, 256, 512)
    ),
    Measured("conv2d", "8x16x32x32, 3x3",
             _on(lambda x, w: _F.conv2d(x, w, padding=1), (8, 16, 32, 32),
                 (16, 16, 3, 3)),
             operations=2.0 * 8 * 16 * 16 * 9 * 1024),
    Measured("rand", str(_BIG), lambda d: lambda: flambeau.rand(_BIG, device=d),
             moved=4.0 * _BIG),
    Measured("a training step", "64x64, 2 layers", _step),
]  # fmt: skip


def measure(bench: Bench, only: str = "") -> list[dict[str, Any]]:
    """A record for each op: microseconds a call, how long the host is held, rates and
    the peak of memory over what the operands take."""
    with counted(bench):
        return [_measure(bench, m) for m in _TABLE if only in m.name]


def _measure(bench: Bench, m: Measured) -> dict[str, Any]:
    device = bench.device
    call = m.make(device)
    call()
    _C._synchronize(device)
    gc.collect()
    before = _C._memory_stats(device)["allocated_bytes.all.current"]
    _C._reset_peak_memory_stats(device)
    call()
    _C._synchronize(device)
    peak = _C._memory_stats(device)["allocated_bytes.all.peak"] - before
    count, taken, held = 1, 0.0, 0.0
    best = best_held = float("inf")
    while taken < _SECONDS:
        start = time.perf_counter()
        for _ in range(count):
            call()
        held = time.perf_counter() - start
        _C._synchronize(device)
        spent = time.perf_counter() - start
        taken += spent
        if count > 1 or spent > _SECONDS / 4:
            best, best_held = min(best, spent / count), min(best_held, held / count)
        if spent < _SECONDS / 8:
            count *= 2
    record: dict[str, Any] = {
        "op": m.name,
        "size": m.size,
        "microseconds": round(best * 1e6, 3),
        "host_microseconds": round(best_held * 1e6, 3),
        "peak_bytes": peak,
    }
    if m.moved:
        record["gigabytes_per_second"] = round(m.moved / best / 1e9, 3)
    if m.operations:
        record["gigaflops"] = round(m.operations / best / 1e9, 3)
    return record


def text(records: list[dict[str, Any]]) -> str:
    """The records as a table."""
    head = (
        "op",
        "size",
        "us a call",
        "us of the host",
        "GB/s",
        "GFLOP/s",
        "peak bytes",
    )
    rows = [head]
    for r in records:
        rows.append(
            (
                r["op"],
                r["size"],
                f"{r['microseconds']:.1f}",
                f"{r['host_microseconds']:.1f}",
                f"{r.get('gigabytes_per_second', '')}",
                f"{r.get('gigaflops', '')}",
                str(r["peak_bytes"]),
            )
        )
    return table(rows)
