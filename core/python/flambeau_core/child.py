"""Runs a stranger's function in a process of its own: a crash, an exit or a hang there
becomes a reason in words here."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

TIMEOUT = "FLAMBEAU_PROBE_TIMEOUT"
_SECONDS = 10.0

# What the child runs. Its answer goes through a pipe of its own, because the function
# may print; the first character says whether it returned (=) or raised (!).
_SCRIPT = """
import importlib, os, sys
answer, module, function, sys.path[:] = int(sys.argv[1]), *sys.argv[2:4], sys.argv[4:]
try:
    found = importlib.import_module(module)
    for part in function.split("."):
        found = getattr(found, part)
    value = found()
    text = "=" if value is None else "=" + (str(value) or "no reason given")
except Exception as error:
    text = f"!{type(error).__name__}: {error}"
os.write(answer, text.encode(errors="replace")[:4000])
os._exit(0)  # threads that the function left behind must not hold the process
"""


def ask(
    module: str,
    function: str,
    what: str,
    environment: dict[str, str] | None = None,
    seconds: float | None = None,
) -> str | None:
    """None when `module:function` returned None, else the reason it gave or what became
    of it, told of `what`. `environment` is added to that of this process; `seconds` is
    how long it may take (default: `timeout()`)."""
    seconds = timeout() if seconds is None else seconds
    try:
        answer, status, stderr = _run(module, function, seconds, environment)
    except OSError as error:
        return f"{what} could not be run in a process of its own: {error}"
    if answer == "=":
        return None
    if answer.startswith("="):
        return answer[1:]
    if answer.startswith("!"):
        return f"{what} raised {answer[1:]}"
    last = stderr.strip().rpartition("\n")[2][:300]
    told = f" ({last})" if last else ""
    if status is None:
        return f"{what} did not answer within {seconds:g} s ({TIMEOUT} sets how long)"
    if status < 0:
        return f"{what} was ended by {_signal_name(-status)}{told}"
    return f"{what} ended its process with status {status} and no answer{told}"


def timeout() -> float:
    """How long a probe may take, in seconds. RuntimeError when the environment says
    something that is no number."""
    text = os.environ.get(TIMEOUT, "")
    try:
        return float(text) if text else _SECONDS
    except ValueError:
        raise RuntimeError(f"{TIMEOUT}: expected seconds, got {text!r}") from None


def _run(
    module: str, function: str, seconds: float, environment: dict[str, str] | None
) -> tuple[str, int | None, str]:
    """The answer, the exit status (None: out of time) and what went to stderr."""
    reader, writer = os.pipe()
    with open(reader, "rb", buffering=0) as answers, tempfile.TemporaryFile() as errors:
        try:
            process = _start(module, function, writer, errors, environment or {})
        finally:
            os.close(writer)
        try:
            # Ready with an answer, or at the end of the last process that could give
            # one.
            ready = select.poll()
            ready.register(reader, select.POLLIN)
            answer = answers.read(4096) if ready.poll(seconds * 1000) else b""
            status = process.wait(1) if answer or ready.poll(0) else process.poll()
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _end(process)
        errors.seek(0)
        stderr = errors.read(1 << 16)
    return _text(answer), status, _text(stderr)


def _start(
    module: str,
    function: str,
    writer: int,
    errors: IO[bytes],
    environment: dict[str, str],
) -> subprocess.Popen[bytes]:
    paths = [os.path.abspath(p) for p in sys.path]
    # -I because the path is handed over as it is here; in a session of its own, so that
    # its children end with it.
    return subprocess.Popen(
        [sys.executable, "-I", "-c", _SCRIPT, str(writer), module, function, *paths],
        pass_fds=[writer],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        start_new_session=True,
        env={**os.environ, **environment},
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    # All of its session, while its own number is still taken.
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
