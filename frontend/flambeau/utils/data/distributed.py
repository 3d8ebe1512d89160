"""The sampler that shares a dataset out among processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import flambeau

from .sampler import Sampler

__all__ = ["DistributedSampler"]


class DistributedSampler(Sampler[int]):
    """Every ``num_replicas``-th index, beginning at ``rank``.

    All processes get the same number: the order is filled up from its start, or with
    ``drop_last`` cut. ``shuffle`` reorders by ``seed`` and the epoch of ``set_epoch``.
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            num_replicas, rank = _from_group(num_replicas, rank)
        if not 0 <= rank < num_replicas:
            raise ValueError(
                f"DistributedSampler: expected 0 <= rank < {num_replicas}, got {rank}"
            )
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        n = len(dataset)
        self.num_samples = n // num_replicas if drop_last else -(-n // num_replicas)
        self.total_size = self.num_samples * num_replicas
        self.shuffle = shuffle
        self.seed = seed

    def __iter__(self) -> Iterator[int]:
        n = len(self.dataset)
        if self.shuffle:
            generator = flambeau.Generator().manual_seed(self.seed + self.epoch)
            order = flambeau.randperm(n, generator=generator).tolist()
        else:
            order = list(range(n))
        if not self.drop_last and order:
            times = -(-self.total_size // n)
            order = order * times
        return iter(order[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass; call it before each epoch."""
        self.epoch = epoch


def _from_group(num_replicas: int | None, rank: int | None) -> tuple[int, int]:
    distributed = getattr(flambeau, "distributed", None)
    if distributed is None or not distributed.is_available():
        raise RuntimeError(
            "DistributedSampler: expected num_replicas and rank, because "
            "flambeau.distributed is not available to ask"
        )
    if num_replicas is None:
        num_replicas = distributed.get_world_size()
    if rank is None:
        rank = distributed.get_rank()
    return int(num_replicas), int(rank)
