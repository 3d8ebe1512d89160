"""The examples run from the command line, as their first lines say."""

import os
import subprocess
import sys
from pathlib import Path

import flambeau
import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(script, *arguments):
    """What the example prints."""
    found = [str(Path(flambeau.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / script), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, found))},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_digits(tmp_path):
    for module in ("matplotlib", "sklearn", "tqdm"):
        pytest.importorskip(module)
    printed = run("digits.py", "--out", str(tmp_path), "--seed", "1")
    accuracy = float(printed.split("test accuracy ")[1].split("%")[0])
    assert accuracy >= 98.5
    weights = flambeau.load(tmp_path / "digits.pt")
    assert weights["look.0.weight"].shape == (32, 1, 3, 3)
    for picture in ("loss.png", "misread.png"):
        assert (tmp_path / picture).read_bytes()[:4] == b"\x89PNG"


def test_gpt(tmp_path):
    pytest.importorskip("tqdm")
    text = tmp_path / "text.txt"
    text.write_text("the cat sat on the mat. " * 200)
    small = ["--steps", "40", "--batch", "8", "--context", "32", "--layers", "1"]
    small += ["--heads", "2", "--width", "32", "--lr", "0.01", "--sample", "30"]
    printed = run("gpt.py", "--text", str(text), "--out", str(tmp_path), *small)
    loss = float(printed.split("unread text ")[1].split()[0])
    assert loss < 1.0, "the text repeats itself, so that little is left to guess"
    written = printed.split("-" * 72)[1]
    assert set(written) <= set(text.read_text() + "\n")
    assert len(written) >= 30
