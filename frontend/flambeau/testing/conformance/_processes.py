"""Tests of level 1: the device in forked and in new processes, and one that is lost."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable

import flambeau

from ._bench import Bench
from ._case import skip

_SECONDS = 60


def fork(bench: Bench) -> str:
    """A forked child can use a synchronous device in host memory; of any other it is
    told in words that it cannot. The parent goes on."""
    x = flambeau.ones(1000, device=bench.device)
    told = _in_fork(lambda: f"{(x + 1).sum().item():g}")
    synchronous = not bench.properties["asynchronous"]
    if bench.properties["host_memory"] and synchronous:
        assert told == "=2000", f"expected 2000 in the child, got {told!r}"
    else:
        assert told.startswith("RuntimeError") and "fork" in told, (
            f"expected a RuntimeError that tells of the fork, got {told!r}"
        )
    assert (x + 1).sum().item() == 2000, "the parent cannot use it any more"
    return told


def _in_fork(work: Callable[[], str]) -> str:
    """What the work gives in a forked child, after '='; or the error."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            try:
                text = "=" + work()
            except Exception as error:
                kind = RuntimeError if isinstance(error, RuntimeError) else type(error)
                text = f"{kind.__name__}: {error}"
            os.write(writer, text.encode()[:4000])
        finally:
            os._exit(0)  # nothing of the parent is torn down here
    os.close(writer)
    try:
        ready = select.select([reader], [], [], _SECONDS)[0]
        text = os.read(reader, 4000).decode() if ready else ""
        if not ready:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    finally:
        os.close(reader)
    if not ready:
        return f"no answer within {_SECONDS} s"
    return text or f"ended by {status}"


_SPAWNED = """
import sys
sys.path[:] = {path!r}
import flambeau
x = flambeau.arange(10, device={device!r})
print((x * x).sum().item())
"""

_LOST = """
import sys
sys.path[:] = {path!r}
import flambeau
told = []
for turn in range(3):
    try:
        x = flambeau.ones(1000, device={device!r})
        for _ in range(20):
            x = x + 1
        x.sum().item()
        told.append("worked")
    except RuntimeError as error:
        told.append(str(error).replace("\\n", " "))
host = flambeau.ones(3).sum().item()
print("|".join([*told, str(host)]))
"""


def _python(
    bench: Bench, code: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    script = code.format(path=sys.path, device=str(bench.device))
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
        env={**os.environ, **(environment or {})},
    )


def spawn(bench: Bench) -> None:
    """A new process can use the device while this one does."""
    done = _python(bench, _SPAWNED)
    if "needs a backend" in done.stderr:
        raise skip("the backend was opened in this process, and is not installed")
    assert done.stdout.strip() == "285", (
        f"expected 285, got {done.stdout.strip()!r} {done.stderr.strip()[-300:]}"
    )


def lost(bench: Bench) -> str:
    """A device that is lost says so, and again at each later use; the host goes on."""
    variable = f"FLAMBEAU_{bench.device_type.upper()}_INJECT"
    index = bench.device.index or 0
    done = _python(bench, _LOST, {variable: f"device_lost:{index}:5"})
    assert done.returncode == 0, f"the process ended: {done.stderr.strip()[-300:]}"
    *turns, host = done.stdout.strip().split("|")
    if turns == ["worked"] * 3:
        raise skip(f"the device does not take faults from {variable}")
    assert float(host) == 3, f"the host computed {host}"
    first = next(k for k, t in enumerate(turns) if t != "worked")
    for told in turns[first:]:
        assert "lost" in told, f"expected a message that it is lost, got {told!r}"
    return turns[-1]


def injected_memory(bench: Bench) -> str:
    """An allocation that the device refuses once is tried again, and succeeds."""
    variable = f"FLAMBEAU_{bench.device_type.upper()}_INJECT"
    index = bench.device.index or 0
    done = _python(bench, _RETRIED, {variable: f"out_of_memory:{index}:1:1"})
    assert done.returncode == 0, f"the process ended: {done.stderr.strip()[-300:]}"
    value, retries = done.stdout.split()
    assert float(value) == 8e6, f"expected 8e6, got {value}"
    if int(retries) == 0:
        raise skip(f"the device does not take faults from {variable}")
    return f"{retries} retries"


_RETRIED = """
import sys
sys.path[:] = {path!r}
import flambeau
from flambeau import _C
flambeau.empty(1000, device={device!r})
held = [flambeau.ones(1000000, device={device!r}) for _ in range(8)]
total = sum(x.sum().item() for x in held)
print(total, _C._memory_stats({device!r})["num_alloc_retries"])
"""


TESTS: dict[str, Callable[[Bench], str | None]] = {
    "fork": fork,
    "spawn": spawn,
    "device lost": lost,
    "an allocation refused once": injected_memory,
}
