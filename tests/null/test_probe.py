"""Probes that are functions: whatever they do, the answer is a reason in words, asked
once, and the process that asked goes on."""

from __future__ import annotations

import time

import pytest
from flambeau_core import child, probe
from flambeau_core.registry import Registry

PROBE = "import ctypes, os, signal, subprocess, sys, threading, time\n"


@pytest.fixture
def ask(site, monkeypatch):
    """Resolves device acme, whose probe is a function with this body; returns the
    reason, or None when the backend opened."""
    monkeypatch.setattr(probe, "_answers", {})
    monkeypatch.syspath_prepend(str(site.root))

    def run(body, timeout="20"):
        monkeypatch.setenv(child.TIMEOUT, timeout)
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        (site.root / "acme_probe.py").write_text(f"{PROBE}def usable():\n{lines}")
        site.backend(probe="acme_probe:usable")
        opened = []
        registry = Registry(lambda _, name: opened.append(name), str, [str(site.root)])
        try:
            registry.resolve("acme")
        except RuntimeError:
            assert opened == []
            return registry.backends[0].reason
        assert opened == ["acme"]
        return None

    return run


def test_none_means_usable(ask):
    assert ask("print('chatter'); sys.stderr.write('more'); return None") is None


def test_words_are_the_reason(ask):
    assert ask("return 'no Acme card in any slot'") == "no Acme card in any slot"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise ValueError('boom')", "raised ValueError: boom"),
        ("import no_such_module_x", "raised ModuleNotFoundError: No module named"),
        ("ctypes.string_at(0)", "was ended by SIGSEGV"),
        ("os.abort()", "was ended by SIGABRT"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "was ended by SIGKILL"),
        ("os._exit(0)", "ended its process with status 0 and no answer"),
        ("os._exit(3)", "ended its process with status 3 and no answer"),
        ("sys.exit('too old')", "status 1 and no answer (too old)"),
        (
            "os.write(2, b'x' * 1000000 + b'\\nlast words\\n'); os._exit(4)",
            "with status 4",
        ),
    ],
)
def test_what_becomes_of_it_is_the_reason(ask, body, reason):
    told = ask(body)
    assert told.startswith("its probe acme_probe:usable ")
    assert reason in told


@pytest.mark.parametrize(
    "body",
    [
        "time.sleep(60)",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass",
        # A process of its own that holds every pipe open.
        "if os.fork() == 0: time.sleep(60)\ntime.sleep(60)",
    ],
)
def test_a_hang_is_ended(ask, body):
    start = time.monotonic()
    assert "did not answer within 0.5 s" in ask(body, timeout="0.5")
    assert time.monotonic() - start < 10


def test_a_thread_left_behind_does_not_hold_the_answer(ask):
    start = time.monotonic()
    assert ask("threading.Thread(target=time.sleep, args=[60]).start()") is None
    assert time.monotonic() - start < 10


def test_a_process_left_behind_does_not_hold_the_answer(ask):
    start = time.monotonic()
    body = "if os.fork() == 0:\n    os.setsid(); time.sleep(15); os._exit(0)"
    assert ask(body) is None
    assert time.monotonic() - start < 10


def test_the_answer_is_kept(site, monkeypatch, tmp_path):
    monkeypatch.setattr(probe, "_answers", {})
    monkeypatch.syspath_prepend(str(site.root))
    log = tmp_path / "log"
    (site.root / "counting_probe.py").write_text(
        f"def usable():\n    open({str(log)!r}, 'a').write('x')\n    return 'never'\n"
    )
    site.backend(probe="counting_probe:usable")
    for _ in range(2):  # a second registry asks the same question
        registry = Registry(lambda *_: None, str, [str(site.root)])
        for _ in range(2):
            with pytest.raises(RuntimeError, match="never"):
                registry.resolve("acme")
    assert log.read_text() == "x"


def test_conditions_start_no_process(site, monkeypatch):
    monkeypatch.setattr(child.subprocess, "Popen", None)
    site.backend(probe={"paths": ["/"], "systems": ["Linux"]})
    opened = []
    registry = Registry(lambda _, n: opened.append(n), str, [str(site.root)])
    registry.resolve("acme")
    assert opened == ["acme"]


def test_without_an_interpreter_to_run_it_the_reason_says_so(ask, monkeypatch):
    monkeypatch.setattr(child.sys, "executable", "/no/such/python")
    assert "could not be run in a process of its own" in ask("return None")
