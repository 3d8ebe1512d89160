"""Entry points and manifests: found as data, the broken ones kept with their reason."""

from __future__ import annotations

import sys
import time

import pytest
from flambeau_core import discovery, entry_points


def find(site):
    return discovery.find([str(site.root)])


def test_entry_points_agree_with_importlib_metadata():
    from importlib.metadata import entry_points as reference

    ours = {(e.group, e.name, e.value) for e in entry_points.scan()}
    theirs = {
        (e.group, e.name, e.value)
        for group in (entry_points.BACKENDS, entry_points.PLUGINS)
        for e in reference(group=group)
    }
    assert ours >= theirs


def test_parse_reads_sections_and_skips_comments(site):
    text = "# x\n[other]\na = b\n[flambeau.backends]\n; y\nq = pkg.sub:attr [extra]\n\n"
    site.metadata("some-thing", text, "2.5")
    (entry,) = entry_points.scan([str(site.root)])
    assert (entry.name, entry.module, entry.origin) == (
        "q",
        "pkg.sub",
        "some-thing 2.5",
    )


def test_first_distribution_on_the_path_wins(site, tmp_path):
    line = "[flambeau.backends]\nx = {}\n"
    site.metadata("dup", line.format("first"))
    other = type(site)(tmp_path / "other")
    other.root.mkdir()
    other.metadata("dup", line.format("second"), "2.0")
    found = entry_points.scan([str(site.root), str(other.root)])
    assert [e.value for e in found] == ["first"]


def test_paths_that_are_not_folders_are_skipped(tmp_path):
    (tmp_path / "file.zip").write_bytes(b"")
    paths = [str(tmp_path / "missing"), str(tmp_path / "file.zip")]
    assert entry_points.scan(paths) == []


def test_backend_is_found_without_being_imported(site):
    site.backend()
    (backend,) = find(site)
    assert backend.reason == ""
    assert backend.manifest.library == str(site.root / "flambeau_acme" / "libacme.so")
    assert "flambeau_acme" not in sys.modules


def test_best_score_comes_first_and_equal_scores_by_name(site):
    site.backend("p1", name="plain", score=10)
    site.backend("p2", name="zeta", score=90)
    site.backend("p3", name="alpha", score=90)
    assert [b.name for b in find(site)] == ["alpha", "zeta", "plain"]


def test_manifest_elsewhere_on_the_path_is_found(site, tmp_path, monkeypatch):
    # As after an editable installation: metadata here, package there.
    site.metadata("far-away", "[flambeau.backends]\nfar = far_package\n")
    package = tmp_path / "src" / "far_package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('must not be imported')\n")
    (package / "manifest.json").write_text(
        '{"name": "far", "device_type": "far", "abi": {"min": 1, "max": 1},'
        ' "library": "x.so", "score": 1}'
    )
    monkeypatch.syspath_prepend(str(package.parent))
    (backend,) = find(site)
    assert (backend.reason, backend.name) == ("", "far")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"score": "high"}, "expected int for 'score', got 'high'"),
        ({"score": True}, "expected int for 'score', got True"),
        ({"library": None}, "expected either 'library' or 'module', got neither"),
        ({"module": "a.b:C"}, "expected either 'library' or 'module', got both"),
        ({"library": None, "module": "a.b"}, "expected 'package.module:Name'"),
        ({"abi": None}, "manifest.json has no 'abi'"),
        ({"abi": {"min": 1}}, "manifest.json has no 'max'"),
        ({"abi": {"min": 2, "max": 1}}, "expected 1 <= min <= max for 'abi'"),
        ({"device_type": "Acme:0"}, "for 'device_type', got 'Acme:0'"),
        ({"name": "a,b"}, "for 'name', got 'a,b'"),
        ({"probe": 5}, "expected str or dict for 'probe', got 5"),
        ({"toggles": []}, "expected dict for 'toggles', got []"),
        ({"toggles": {"X": []}}, "expected bool for 'X' of 'toggles', got []"),
        ({"versions": {"x": 1}}, "expected str for 'x' of 'versions', got 1"),
    ],
)
def test_malformed_manifest_is_kept_with_its_reason(site, fields, message):
    site.backend(**fields)
    (backend,) = find(site)
    name = fields.get("name", "acme")
    assert backend.manifest is None
    assert backend.reason.startswith(f"backend '{name}' of flambeau-acme 1.0: ")
    assert message in backend.reason


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[1]", "expected an object"),
        ("", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_manifest_that_is_no_object(site, text, message):
    site.raw_backend("flambeau_acme", text)
    (backend,) = find(site)
    assert message in backend.reason


def test_a_backend_in_python_needs_no_version_and_no_library(site):
    site.backend(library=None, abi=None, module="flambeau_acme.device:Acme")
    (backend,) = find(site)
    assert backend.reason == ""
    manifest = backend.manifest
    assert (manifest.library, manifest.module) == ("", "flambeau_acme.device:Acme")
    assert "flambeau_acme" not in sys.modules


def test_manifest_that_is_not_there(site):
    site.metadata("ghost", "[flambeau.backends]\nghost = ghost_package\n")
    (backend,) = find(site)
    assert "cannot read" in backend.reason
    assert backend.name == "ghost"


def test_broken_ones_do_not_hide_the_others(site):
    site.raw_backend("broken_one", "{", "broken")
    site.backend("works", name="works")
    assert {b.name: bool(b.reason) for b in find(site)} == {
        "works": False,
        "broken": True,
    }


def test_ten_plugins_are_found_in_five_milliseconds(site):
    for i in range(10):
        site.backend(f"package_{i}", name=f"backend_{i}")
    for i in range(90):
        site.metadata(f"other-{i}", "[console_scripts]\nx = y:z\n")
    best = 1.0
    for _ in range(20):  # the machine may be busy
        start = time.process_time()
        assert len(find(site)) == 10
        best = min(best, time.process_time() - start)
    assert best < 0.005
