"""Choosing and opening: order, allow-list, probes, fallback, and the reasons that are
kept."""

from __future__ import annotations

import pytest
from flambeau_core import selection
from flambeau_core.doctor import report
from flambeau_core.registry import Registry


class Opener:
    """Stands for the extension: records what is opened, refuses what it is told to."""

    def __init__(self, **refuse):
        self.opened = []
        self.refuse = refuse

    def __call__(self, library, name):
        self.opened.append(name)
        if name in self.refuse:
            raise RuntimeError(self.refuse[name])


def make(site, **refuse):
    opener = Opener(**refuse)
    registry = Registry(opener, lambda d: f"pip install flambeau-{d}", [str(site.root)])
    return registry, opener


def test_the_best_score_is_opened_once(site):
    site.backend("plain", name="plain", score=10)
    site.backend("fast", name="fast", score=90)
    registry, opener = make(site)
    registry.resolve("acme")
    registry.resolve("acme")
    assert opener.opened == ["fast"]


def test_nothing_is_opened_before_a_device_is_used(site):
    site.backend()
    registry, opener = make(site)
    registry.allow(["acme"], "test")
    assert [b.loaded for b in registry.backends] == [False]
    assert opener.opened == []


def test_the_allow_list_orders(site):
    site.backend("plain", name="plain", score=10)
    site.backend("fast", name="fast", score=90)
    registry, opener = make(site)
    registry.allow(["plain", "fast"], "test")
    registry.resolve("acme")
    assert opener.opened == ["plain"]


def test_a_device_name_in_the_allow_list_means_all_its_backends(site):
    site.backend("plain", name="plain", score=10)
    site.backend("fast", name="fast", score=90)
    registry, _ = make(site)
    registry.allow(["acme"], "test")
    assert [b.name for b in registry.candidates("acme")] == ["fast", "plain"]


def test_unknown_name_in_the_allow_list(site):
    site.backend()
    registry, _ = make(site)
    with pytest.raises(
        RuntimeError, match=r"VAR: expected names .* got 'acmee'; .*acme"
    ):
        registry.allow(["acmee"], "VAR")


def test_forbidden_device_says_who_forbids_it(site):
    site.backend("one", name="one", device_type="one")
    site.backend("two", name="two", device_type="two")
    registry, opener = make(site)
    registry.allow(["one"], "FLAMBEAU_BACKENDS")
    with pytest.raises(RuntimeError, match="FLAMBEAU_BACKENDS allows only one"):
        registry.resolve("two")
    assert opener.opened == []


def test_a_backend_in_use_cannot_be_forbidden(site):
    site.backend("one", name="one", device_type="one")
    site.backend("two", name="two", device_type="two")
    registry, _ = make(site)
    registry.resolve("one")
    with pytest.raises(RuntimeError, match="'one' is in use"):
        registry.allow(["two"], "select")
    assert registry.allowed is None


def test_missing_device_says_what_to_install(site):
    registry, _ = make(site)
    with pytest.raises(
        RuntimeError, match=r"'cpu' needs a backend; pip install flambeau-cpu"
    ):
        registry.resolve("cpu")


def test_refusal_is_stored_and_not_tried_again(site):
    site.backend()
    registry, opener = make(site, acme="built for ABI 9")
    for _ in range(2):
        with pytest.raises(
            RuntimeError, match=r"acme \(flambeau-acme 1.0\): built for ABI 9"
        ):
            registry.resolve("acme")
    assert opener.opened == ["acme"]


def test_next_backend_is_used_with_a_warning(site):
    site.backend("plain", name="plain", score=10)
    site.backend("fast", name="fast", score=90)
    registry, opener = make(site, fast="no licence")
    with pytest.warns(RuntimeWarning, match="using backend 'plain'.*fast: no licence"):
        registry.resolve("acme")
    assert opener.opened == ["fast", "plain"]


def test_broken_manifest_is_mentioned_when_its_device_may_be_meant(site):
    site.raw_backend("flambeau_acme", "{")
    registry, _ = make(site)
    with pytest.raises(RuntimeError, match="needs a backend.*is not JSON"):
        registry.resolve("acme")


@pytest.mark.parametrize(
    ("probe", "reason"),
    [
        ({"paths": ["/nonexistent/device"]}, "/nonexistent/device is not there"),
        ({"machines": ["pdp11"]}, "made for pdp11"),
        ({"systems": ["Plan9"]}, "made for Plan9"),
        ({"pahts": []}, "unknown conditions in 'probe': pahts"),
        ({"paths": "/"}, "expected a list of str for 'paths'"),
        ("no_colon", "expected 'module:function'"),
    ],
)
def test_probe_gives_the_reason_and_opens_nothing(site, probe, reason):
    site.backend(probe=probe)
    registry, opener = make(site)
    with pytest.raises(RuntimeError, match=reason):
        registry.resolve("acme")
    assert opener.opened == []


def test_probe_that_holds(site):
    site.backend(probe={"paths": ["/"]})
    registry, opener = make(site)
    registry.resolve("acme")
    assert opener.opened == ["acme"]


def test_parse_of_the_variable():
    assert selection.parse(" cpu, cuda ,,cpu") == ["cpu", "cuda"]
    assert selection.parse("") == []


PLUGIN = """
from flambeau_core.hookspecs import hookimpl
seen = []
@hookimpl
def flambeau_backend_loaded(manifest): seen.append(manifest.name)
@hookimpl
def flambeau_device_available(device_type): seen.append(device_type)
@hookimpl
def flambeau_doctor_report(): return ["listener: " + ",".join(seen)]
"""


def test_plugins_hear_of_the_events(site, monkeypatch):
    monkeypatch.syspath_prepend(str(site.root))
    site.backend()
    site.plugin("listener_a", PLUGIN)
    registry, _ = make(site)
    registry.resolve("acme")
    assert "listener: acme,acme" in report(registry)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise ValueError('boom')", "ValueError: boom"),
        (
            "from flambeau_core.hookspecs import hookimpl\n"
            "@hookimpl\ndef flambeau_backend_laoded(): pass\n",
            "flambeau_backend_laoded",
        ),
        (
            "from flambeau_core.hookspecs import hookimpl\n"
            "@hookimpl\ndef flambeau_backend_loaded(wrong): pass\n",
            "wrong",
        ),
    ],
)
def test_broken_plugin_warns_and_leaves_the_device(site, monkeypatch, source, reason):
    name = f"plugin_{abs(hash(source))}"
    monkeypatch.syspath_prepend(str(site.root))
    site.backend()
    site.plugin(name, source)
    registry, opener = make(site)
    with pytest.warns(RuntimeWarning, match=reason):
        registry.resolve("acme")
    assert opener.opened == ["acme"]
    assert f"\n  {name}: " in report(registry)
    assert reason in report(registry)


def test_plugin_that_raises_in_a_hook_warns(site, monkeypatch):
    monkeypatch.syspath_prepend(str(site.root))
    site.backend()
    site.plugin(
        "raises_in_hook",
        "from flambeau_core.hookspecs import hookimpl\n"
        "@hookimpl\ndef flambeau_backend_loaded(): raise KeyError('gone')\n",
    )
    registry, _ = make(site)
    with pytest.warns(
        RuntimeWarning, match="flambeau_backend_loaded: KeyError: 'gone'"
    ):
        registry.resolve("acme")


def test_report_lists_every_backend_and_its_state(site):
    site.backend("fast", name="fast", score=90, toggles={"USE_X": True})
    site.backend("plain", name="plain", score=10)
    site.backend("other", name="other", device_type="other")
    site.raw_backend("broken_one", "{", "broken")
    registry, _ = make(site, other="needs a key")
    text = report(registry)
    table, _, rest = text.partition("\n\n")
    rows = {line.split()[0]: line.split() for line in table.splitlines()}
    assert rows["backend"][-3:] == ["ABI", "loads", "chosen"]
    assert rows["fast"] == ["fast", "acme", "fast", "1.0", "90", "1", "yes", "yes"]
    assert rows["plain"][-2:] == ["?", "no"]
    assert rows["other"][-2:] == ["no", "no"]
    assert rows["broken"][-4:] == ["-", "-", "no", "no"]
    assert "plain: fast comes first" in rest
    assert "other: needs a key" in rest
    assert "is not JSON" in rest
    assert "fast: USE_X=1" in rest


def test_report_tries_each_backend_elsewhere_before_it_opens_it(site):
    site.backend("fast", name="fast", score=90)
    site.backend("plain", name="plain", score=10)
    registry, opener = make(site)
    text = report(registry, lambda b: "crashed" if b.name == "fast" else "")
    assert opener.opened == ["plain"]
    assert "fast: crashed" in text
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line}
    assert rows["fast"][-2:] == ["no", "no"]
    assert rows["plain"][-2:] == ["yes", "yes"]


def test_report_asks_for_the_devices_of_what_is_open(site):
    site.backend("one", name="one", device_type="one")
    site.backend("two", name="two", device_type="two")
    registry, _ = make(site, two="broken")
    asked = []
    report(registry, None, lambda d: asked.append(d) or [(d, "n", "m", "1", "2")])
    assert asked == ["one"]


def test_report_says_who_is_not_allowed(site):
    site.backend("one", name="one", device_type="one")
    site.backend("two", name="two", device_type="two")
    registry, _ = make(site)
    registry.allow(["two"], "select")
    assert "one: not allowed (allowed: two)" in report(registry)
