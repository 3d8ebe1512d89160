"""Tests of level 1: blocks of memory, transfers, statistics, and running out."""

from __future__ import annotations

import gc
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

import flambeau
from flambeau import _C

from ._bench import HOST, Bench
from ._case import skip

# A device with no more than this can be filled up.
_SMALL = 2 << 30


def _stats(bench: Bench) -> dict[str, int]:
    gc.collect()
    found: dict[str, int] = dict(_C._memory_stats(bench.device))
    return found


def _now(bench: Bench, what: str) -> int:
    return _stats(bench)[f"{what}.all.current"]


def allocation(bench: Bench) -> None:
    """Blocks of all sizes come and go, and are counted."""
    before = _now(bench, "allocated_bytes"), _now(bench, "allocation")
    sizes = (1, 7, 64, 513, 4096, 100_003, 1 << 20, (4 << 20) + 1)
    held = [flambeau.empty(n, dtype=flambeau.uint8, device=bench.device) for n in sizes]
    asked = _now(bench, "allocated_bytes") - before[0]
    blocks = _now(bench, "allocation") - before[1]
    assert blocks == len(sizes), f"expected {len(sizes)} more blocks, got {blocks}"
    assert asked >= sum(sizes), f"expected {sum(sizes)} more bytes, got {asked}"
    addresses = sorted((t.data_ptr(), t.numel()) for t in held)
    for (one, size), (other, _) in pairwise(addresses):
        assert one + size <= other, "two blocks overlap"
    del held
    left = _now(bench, "allocated_bytes"), _now(bench, "allocation")
    assert left == before, f"expected statistics as before, {before}, got {left}"


def reuse(bench: Bench) -> None:
    """A block given back is used again: nothing more is taken from the device."""
    for _ in range(3):
        flambeau.empty(300_000, device=bench.device)
    reserved = _now(bench, "reserved_bytes")
    for _ in range(50):
        flambeau.empty(300_000, device=bench.device)
    grown = _now(bench, "reserved_bytes") - reserved
    assert grown <= 0, f"50 blocks of one size, one after the other, took {grown} bytes"


def separate(bench: Bench) -> None:
    """What is written to one tensor is not seen in another."""
    count = 40
    tensors = [
        flambeau.full((n % 7 * 100 + 1,), n, dtype=flambeau.int32, device=bench.device)
        for n in range(count)
    ]
    for n, t in enumerate(tensors):
        values = t.cpu().numpy()
        assert (values == n).all(), f"tensor {n} holds {np.unique(values)[:5]}"


def transfers(bench: Bench) -> None:
    """Bytes arrive as they were sent, from and to any place of a block."""
    rng = np.random.default_rng(0)
    for size in (0, 1, 3, 255, 4097, 1 << 20):
        sent = rng.integers(0, 256, size, np.uint8)
        there = flambeau.from_numpy(sent.copy()).to(bench.device)
        assert np.array_equal(there.cpu().numpy(), sent), f"{size} bytes"
        if size > 200:
            part = there[13:-7].cpu().numpy()
            assert np.array_equal(part, sent[13:-7]), f"{size} bytes from the middle"
            again = there[5:].clone()[5:]
            assert np.array_equal(again.cpu().numpy(), sent[10:]), f"{size}, on it"


def nothing(bench: Bench) -> None:
    """Tensors without elements need no memory and can be used."""
    t = flambeau.empty((0, 3), device=bench.device)
    assert (t + 1).shape == (0, 3)
    assert t.cpu().numel() == 0
    assert flambeau.zeros(0, device=bench.device).sum().item() == 0


def free_memory(bench: Bench) -> str:
    """What is free is part of what there is."""
    free, total = _C._memory_available(bench.device)
    if not total:
        raise skip("the device does not tell how much memory is free")
    assert 0 <= free <= total, f"{free} bytes are free of {total}"
    told = bench.properties["total_memory"]
    assert not told or total <= told, f"{total} bytes in all, but the device has {told}"
    return f"{free} of {total} bytes are free"


def out_of_memory(bench: Bench) -> str:
    """Asking for too much raises OutOfMemoryError in words; nothing else is lost."""
    kept = flambeau.arange(1000, device=bench.device)
    before = _stats(bench)["num_ooms"]
    try:
        flambeau.empty(1 << 52, dtype=flambeau.uint8, device=bench.device)
    except flambeau.OutOfMemoryError as error:
        told = str(error)
    else:
        raise AssertionError("2**52 bytes were allocated")
    assert bench.device_type in told, (
        f"expected the device in the message, got {told!r}"
    )
    assert _stats(bench)["num_ooms"] == before + 1, "num_ooms was not counted"
    assert (kept + 1).sum().item() == 500_500, "the device does not work any more"
    return told


def retry(bench: Bench) -> str:
    """When the device is full of blocks that are kept for later, they are given back
    and the allocation is tried again."""
    total = bench.properties["total_memory"]
    if not total or total > _SMALL:
        raise skip(f"needs a device with at most {_SMALL >> 30} GiB of memory")
    _C._empty_cache(bench.device)
    retries = _stats(bench)["num_alloc_retries"]
    # Blocks of a size that fits no later request, together most of the memory.
    piece = max(1 << 20, total // 20)
    pieces: list[Any] = []
    try:
        while True:
            pieces.append(
                flambeau.empty(piece, dtype=flambeau.uint8, device=bench.device)
            )
    except flambeau.OutOfMemoryError:
        pass
    half = len(pieces) * piece // 2
    del pieces
    gc.collect()
    big = flambeau.empty(half, dtype=flambeau.uint8, device=bench.device)
    assert big.numel() == half
    done = _stats(bench)["num_alloc_retries"] - retries
    assert done >= 1, "the allocation succeeded without a retry being counted"
    return f"{done} retries"


def other_host(bench: Bench) -> None:
    """Copies between the device and the host's tensors, strided and with a cast."""
    x = flambeau.arange(60, dtype=flambeau.float32).reshape(5, 12)
    there = x.to(bench.device)
    strided = flambeau.zeros(12, 5, device=HOST)
    strided.copy_(there.t())
    assert np.array_equal(strided.numpy(), x.numpy().T)
    back = flambeau.zeros(5, 24, dtype=flambeau.float64, device=bench.device)[:, ::2]
    back.copy_(x)
    assert np.array_equal(back.cpu().numpy(), x.numpy())


TESTS: dict[str, Callable[[Bench], str | None]] = {
    "allocation and statistics": allocation,
    "blocks are used again": reuse,
    "tensors are separate": separate,
    "transfers": transfers,
    "no elements": nothing,
    "copies across devices": other_host,
    "free memory": free_memory,
    "out of memory": out_of_memory,
    "out of memory, tried again": retry,
}
