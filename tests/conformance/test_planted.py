"""The kit finds what it is for: a bug of each kind, planted in a right device."""

from __future__ import annotations

from typing import Any

import planted
import pytest
from flambeau import _C
from flambeau.testing.conformance import Bench, Case, Result, cases
from flambeau.testing.conformance._case import FAILED, PASSED, run
from flambeau.testing.conformance.l2_primitives import cases as primitives

# case, kernel, bug, words of what the kit must say
BUGS = [
    ("pointwise/add[float32]", "add", planted.wrong_stride, "strided"),
    ("pointwise/mul[int32]", "mul", planted.wrong_stride, "strided"),
    ("pointwise/sub[float64]", "sub", planted.missed_broadcast, "broadcast"),
    ("pointwise/where[float32]", "where", planted.missed_broadcast, "broadcast"),
    ("reduction/sum[float32]", "sum", planted.off_by_one, "263 over (0,)"),
    ("reduction/amax[int64]", "amax", planted.off_by_one, "of"),
    ("pointwise/maximum[float32]", "maximum", planted.dropped_nan, "special values"),
    ("pointwise/mul[float32]", "mul", planted.overrun, "beside the output"),
    ("index/index[float32]", "index", planted.wrong_wrap, "indices"),
    ("index/index_put[float32]", "index_put", planted.wrong_wrap, "set"),
    ("copy/copy[float32]", "copy", planted.saturating_cast, "to uint8"),
    ("along/cumsum[float64]", "cumsum", planted.exclusive_scan, "along"),
    ("along/sort[int8]", "sort", planted.unstable_sort, "output 1"),
    ("index/scatter[float32]", "scatter", planted.last_wins, "add"),
    ("products/matmul[float32]", "matmul", planted.ignored_beta, "plus"),
    ("products/convolution[float32]", "convolution", planted.no_padding, "by"),
    ("random/uniform[float32]", "uniform", planted.ignored_offset, "elements"),
    ("random/randint.0_100[int64]", "randint", planted.ignored_offset, "elements"),
]


def _case(bench: Bench, name: str, level: int = 2) -> Case:
    found = [c for c in cases(bench, level) if c.id == f"L{level}/{name}"]
    assert len(found) == 1, f"{len(found)} cases are called {name}"
    return found[0]


def _judged(bench: Bench, name: str, level: int = 2) -> Result:
    return run(_case(bench, name, level))


@pytest.fixture(scope="module")
def bench(device: Any) -> Bench:
    return Bench("planted")


def test_without_bugs_the_primitives_pass(bench: Bench) -> None:
    names = {f"L2/{bug[0]}" for bug in BUGS}
    results = [run(c) for c in primitives(bench) if c.id in names]
    assert len(results) == len(names)
    assert [(r.id, r.detail) for r in results if r.status != PASSED] == []


@pytest.mark.parametrize(
    ("name", "kernel", "bug", "words"),
    BUGS,
    ids=[f"{b[2].__name__}-{b[1]}" for b in BUGS],
)
def test_a_bug_is_found(
    device: Any, bench: Bench, name: str, kernel: str, bug: planted.Bug, words: str
) -> None:
    with planted.planted(device, kernel, bug):
        result = _judged(bench, name)
    assert result.status == FAILED
    assert words in result.detail, result.detail
    # The detail holds what is wrong, and with the bug gone the case passes again.
    assert "calls fail" in result.detail
    assert _judged(bench, name).status == PASSED


def test_a_fused_kernel_that_is_another_function(device: Any, bench: Bench) -> None:
    with planted.planted(device, "gelu", planted.wrong_gelu):
        result = _judged(bench, "fused nn/nn.gelu[float32]", 3)
        assert result.status == FAILED
        assert "fused" in result.detail
        assert _judged(bench, "nn/nn.gelu[float32]", 3).status == FAILED


def test_a_wrong_gradient(device: Any, bench: Bench) -> None:
    with planted.planted(device, "gelu_backward", planted.wrong_slope):
        assert _judged(bench, "nn/nn.gelu[float32]", 4).status == FAILED
        assert _judged(bench, "gradcheck nn/nn.gelu[float64]", 4).status == FAILED
    assert _judged(bench, "nn/nn.gelu[float32]", 4).status == PASSED


def test_other_random_numbers(device: Any, bench: Bench) -> None:
    with planted.planted(device, "uniform", planted.ignored_offset):
        result = _judged(bench, "training/one seed, the host's numbers", 5)
        assert result.status == FAILED
        assert "rand float32" in result.detail or "uniform" in result.detail


def test_a_race_between_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device whose streams do not wait for events."""
    pytest.importorskip("flambeau_simulated")
    bench = Bench("simulated")
    name = "streams/events between streams"
    assert _judged(bench, name, 1).status == PASSED
    monkeypatch.setattr(_C, "_event_wait", lambda *_: None)
    result = _judged(bench, name, 1)
    assert result.status == FAILED
    assert "the event" in result.detail


def test_memory_handed_out_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that forgets which streams use a block."""
    pytest.importorskip("flambeau_simulated")
    bench = Bench("simulated")
    name = "streams/memory that another stream uses"
    assert _judged(bench, name, 1).status == PASSED
    monkeypatch.setattr(_C, "_record_stream", lambda *_: None)
    assert _judged(bench, name, 1).status == FAILED
