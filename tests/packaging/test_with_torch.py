"""Flambeau and PyTorch train in one process, whichever is imported first, and share one
OpenMP runtime."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

if importlib.util.find_spec("torch") is None:
    pytest.skip("PyTorch is not installed", allow_module_level=True)

TRAIN = """
def train(torch):
    torch.manual_seed(0)
    x = torch.randn(256, 64)
    y = (x[:, 0] > 0).long()
    model = torch.nn.Sequential(
        torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for step in range(40):
        loss = torch.nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
"""

BOTH = """
import {first} as one
import {second} as two
a, b = train(one), train(two)
c = train(one)
assert a == c, "training beside the other changed the result"
for losses in (a, b):
    assert losses[-1] < 0.1 * losses[0], losses
import os
# Maps name a library's file several times; one runtime is one file.
with open("/proc/self/maps") as maps:
    found = {{line.split()[-1] for line in maps if "libgomp" in line}}
    runtimes = {{os.path.realpath(path) for path in found}}
    maps.seek(0)
    intel = {{line.split()[-1] for line in maps if "libiomp" in line}}
assert len(runtimes) == 1, runtimes
assert not intel, intel
print("fine")
"""


@pytest.mark.parametrize(
    ("first", "second"), [("torch", "flambeau"), ("flambeau", "torch")]
)
def test_both_train_in_one_process(first, second):
    done = subprocess.run(
        [sys.executable, "-c", TRAIN + BOTH.format(first=first, second=second)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout.endswith("fine\n"), done.stdout + done.stderr
