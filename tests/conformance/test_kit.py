"""The kit's own parts: oracles against hand-derived values, sentinels, reports, the
command and the plugin of pytest."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flambeau.testing.conformance import (
    Bench,
    Case,
    Report,
    Result,
    cases,
    l6_speed,
    random_numbers,
)
from flambeau.testing.conformance import _special as special
from flambeau.testing.conformance._case import FAILED, PASSED, SKIPPED, run, skip
from flambeau.testing.conformance._compare import agreement
from flambeau.testing.conformance._names import FUSED, PRIMITIVES
from flambeau.testing.conformance._operand import (
    encode,
    from_bfloat16,
    lay,
    room,
    to_bfloat16,
)
from flambeau.testing.conformance.specs import KERNELS, _philox
from flambeau.testing.samples import leaves

KERNELS_PAGE = Path(__file__).resolve().parents[2] / "docs/extending/kernels.md"


# ---- oracles -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("got", "wanted"),
    [
        (special.digamma(np.array(1.0)), -0.5772156649015329),
        (special.zeta(np.array(2.0), np.array(1.0)), math.pi**2 / 6),
        (special.zeta(np.array(3.0), np.array(1.0)), 1.2020569031595942),
        (special.polygamma(1, np.array(1.0)), math.pi**2 / 6),
        (special.igamma(np.array(1.0), np.array(2.0)), 1 - math.exp(-2)),
        (special.i0(np.array(1.0)), 1.2660658777520084),
        (special.i1(np.array(1.0)), 0.5651591039924851),
        (special.i0e(np.array(2.0)), 2.2795853023360673 * math.exp(-2)),
        (special.erfinv(special.erf(np.array(0.3))), 0.3),
        (special.ndtri(np.array(0.975)), 1.959963984540054),
        (special.log_ndtr(np.array(0.0)), math.log(0.5)),
    ],
)
def test_special_functions(got: Any, wanted: float) -> None:
    np.testing.assert_allclose(got, wanted, 1e-14)


def test_philox_known_answers() -> None:
    # Random123's kat_vectors for philox4x32-10.
    assert [int(w) for w in _philox.words(4, 0, 0)] == [
        0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8
    ]  # fmt: skip


def test_bfloat16_rounds_to_even() -> None:
    exact = np.array([1.0, -2.5, 2.0**-130, np.inf], np.float32)
    assert np.array_equal(from_bfloat16(to_bfloat16(exact)), exact)
    halves = np.array([1 + 2.0**-8, 1 + 3 * 2.0**-8], np.float32)
    assert from_bfloat16(to_bfloat16(halves)).tolist() == [1.0, 1 + 2.0**-6]
    assert np.isnan(from_bfloat16(to_bfloat16(np.array([np.nan]))))[0]


def test_agreement() -> None:
    one, next_one = np.array([1.0]), np.array([1.0 + 2.0**-23])
    assert agreement(next_one, one, "float32", 1)[0]
    assert not agreement(next_one, one, "float32", 0.5)[0]
    assert agreement(np.array([np.inf]), np.array([1e39]), "float32", 1)[0]
    assert not agreement(np.array([np.inf]), np.array([1e38]), "float32", 1)[0]
    assert not agreement(np.array([np.nan]), one, "float32", 1e9)[0]
    assert not agreement(one, np.array([np.nan]), "float32", 1e9)[0]
    assert agreement(np.array([3]), np.array([3]), "int32", 0)[0]


@pytest.mark.parametrize("layout", ["dense", "transposed", "stepped"])
@pytest.mark.parametrize("dtype", ["bool", "int16", "bfloat16", "complex64"])
def test_operands_hold_their_values_and_a_rim(layout: str, dtype: str) -> None:
    values = np.arange(30).reshape(5, 6) % 2
    operand = lay(values, dtype, layout)
    assert (
        np.array_equal(operand.values(), encode(values, dtype) != 0) or dtype != "bool"
    )
    assert np.array_equal(operand.values().real, values)
    rim = operand.rim()
    assert (~rim).sum() == 30
    assert rim[:5].all() and rim[-5:].all()
    assert set(room((5, 6), dtype, layout).block.view(np.uint8)) == {0xA5}


# ---- tables --------------------------------------------------------------------------
def test_names_are_those_of_the_page() -> None:
    primitive: set[str] = set()
    fused: set[str] = set()
    for line in KERNELS_PAGE.read_text().splitlines():
        if not line.startswith("| `"):
            continue
        last = ""
        for found in re.finditer(r"`([^`]*)`( \(P)?", line.split("|")[1]):
            for name in found.group(1).split():
                if name.startswith(("_", "…")):
                    name = last + "_backward"
                elif not name.endswith("_backward"):
                    last = name
                (primitive if found.group(2) else fused).add(name)
    assert primitive == PRIMITIVES
    # "`silu …` and `…_backward`" stands for each of them; diag_embed is made of views.
    assert fused - {"diag_embed"} <= FUSED
    assert {n for n in FUSED - fused if not n.endswith("_backward")} == set()


def test_every_primitive_has_a_row() -> None:
    assert sorted(PRIMITIVES - {k.name for k in KERNELS}) == []
    assert sorted({k.name for k in KERNELS} - PRIMITIVES - FUSED) == []
    labels = [str(k) + d for k in KERNELS for d in k.dtypes]
    assert len(labels) == len(set(labels))


def test_calls_are_the_same_each_time() -> None:
    kernel = next(k for k in KERNELS if k.name == "add")
    one, other = (
        list(kernel.calls("float32", np.random.default_rng(3))) for _ in range(2)
    )
    assert [c.label for c in one] == [c.label for c in other]
    for a, b in zip(one, other, strict=True):
        assert np.array_equal(a.wanted[0], b.wanted[0], equal_nan=True)


# ---- cases and reports ---------------------------------------------------------------
def _raise(error: Exception) -> Any:
    raise error


def test_what_comes_of_a_case() -> None:
    def result(what: Any) -> Result:
        return run(Case(1, "family", "name", what))

    assert result(lambda: "told").status == PASSED
    assert result(lambda: "told").detail == "told"
    assert result(lambda: _raise(AssertionError("wrong"))).detail == "wrong"
    failed = result(lambda: _raise(ValueError("bad")))
    assert (failed.status, failed.detail[:15]) == (FAILED, "ValueError: bad")
    assert result(lambda: _raise(skip("none"))).status == SKIPPED
    with pytest.raises(KeyboardInterrupt):
        run(Case(1, "f", "n", lambda: (_ for _ in ()).throw(KeyboardInterrupt)))


def _results(*statuses: tuple[int, str]) -> list[Result]:
    return [
        Result(f"L{level}/f/{k}", level, "f", str(k), "", status, "", 0.0)
        for k, (level, status) in enumerate(statuses)
    ]


@pytest.mark.parametrize(
    ("statuses", "reached"),
    [
        ([(0, PASSED), (1, PASSED)], 1),
        ([(0, PASSED), (1, FAILED), (2, PASSED)], 0),
        ([(0, FAILED), (1, PASSED)], -1),
        ([(0, PASSED), (2, PASSED)], 0),
        ([], -1),
    ],
)
def test_level_reached(statuses: list[tuple[int, str]], reached: int) -> None:
    assert Report(Bench("cpu"), _results(*statuses)).level_reached() == reached


def test_report_tells_failures_and_counts() -> None:
    report = Report(Bench("cpu"), _results((0, PASSED), (0, PASSED), (1, FAILED)))
    text = report.text()
    assert "level reached: L0" in text
    assert "failures:\nL1/f/2" in text
    data = json.loads(json.dumps(report.data()))
    assert data["summary"]["L0"][PASSED] == 2
    assert data["summary"]["L1"][FAILED] == 1
    assert data["backend"] == "cpu_mkl"
    assert [c["id"] for c in data["cases"]] == ["L0/f/0", "L0/f/1", "L1/f/2"]


def test_case_names_are_unique() -> None:
    names = [c.id for c in cases(Bench("cpu"))]
    assert len(names) == len(set(names))
    with pytest.raises(ValueError, match="expected a level from 0 to 5, got 7"):
        list(cases(Bench("cpu"), 7))


# ---- the command ---------------------------------------------------------------------
def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_command_and_json(tmp_path: Path) -> None:
    file = tmp_path / "cpu.json"
    done = _run("flambeau.testing.conformance", "cpu", "--level", "2", "--only",
                "pointwise/add", "--json", str(file))  # fmt: skip
    assert done.returncode == 0, done.stderr
    data = json.loads(file.read_text())
    assert {c["status"] for c in data["cases"]} == {PASSED}
    assert "L2/pointwise/add[float32]" in {c["id"] for c in data["cases"]}
    assert data["measurements"] == []
    assert "pointwise" in done.stdout


def test_command_says_what_is_claimed() -> None:
    done = _run("flambeau.testing.conformance", "cpu", "--mode", "support")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines() if line]
    rows = {first: rest for first, *rest in lines}
    assert "f32" in rows["matmul"]
    assert f"{len(PRIMITIVES)} of {len(PRIMITIVES)} primitives" in done.stdout


def test_command_measures() -> None:
    done = _run(
        "flambeau.testing.conformance", "cpu", "--mode", "perf", "--only", "add"
    )
    assert done.returncode == 0, done.stderr
    assert "us a call" in done.stdout
    assert re.search(r"add +1048576 +[\d.]+", done.stdout)


@pytest.mark.parametrize(
    "measured", l6_speed._TABLE, ids=lambda m: f"{m.name} {m.size}"
)
def test_what_is_measured_can_be_called(measured: Any) -> None:
    call = measured.make("cpu")
    one, other = list(leaves(call())), list(leaves(call()))
    if measured.name == "a training step":
        assert one == [None]
    else:
        assert [x.shape for x in one] == [x.shape for x in other]
        assert {x.device.type for x in one} == {"cpu"}


def test_command_without_such_a_device() -> None:
    done = _run("flambeau.testing.conformance", "nowhere")
    assert done.returncode == 2
    assert "device 'nowhere' needs a backend" in done.stderr


def test_pytest_items() -> None:
    plugins = ("-p", "flambeau.testing.pytest_plugin", "-p", "no:cacheprovider")
    kit = ("--pyargs", "flambeau.testing.conformance", "--device", "cpu")
    done = _run("pytest", *plugins, *kit, "--level", "0", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


# ---- the devices at hand -------------------------------------------------------------
def _devices() -> list[str]:
    from flambeau.backends import installed

    return sorted({b.device_type for b in installed() if b.device_type})


def test_one_seed_gives_the_same_numbers_everywhere() -> None:
    usable = []
    for device in _devices():
        try:
            Bench(device)
        except RuntimeError:
            continue  # what is not usable here is told by `flambeau doctor`
        usable.append(device)
    assert "cpu" in usable
    usable.remove("cpu")
    for seed in (0, 1234):
        assert random_numbers(["cpu", *usable], seed) == []
