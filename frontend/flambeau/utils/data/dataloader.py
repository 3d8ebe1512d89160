"""DataLoader: iterates over a dataset in batches, in the process that asks."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import flambeau
from flambeau._device_types import can_pin

from .collate import default_collate, default_convert
from .dataset import IterableDataset, Subset, TensorDataset
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

__all__ = ["DataLoader", "get_worker_info"]

T_co = TypeVar("T_co", covariant=True)

_FIXED = {
    "batch_sampler",
    "batch_size",
    "dataset",
    "drop_last",
    "persistent_workers",
    "sampler",
}


def get_worker_info() -> Any:
    """What a worker process knows of itself; None, because loading has no workers."""
    return None


class _Endless(Sampler[None]):
    """Stands for the sampler of a stream, which has no indices."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


class DataLoader(Generic[T_co]):
    """Batches of a dataset.

    Args:
        dataset: a Dataset, anything with ``__getitem__`` and ``__len__``, or an
            IterableDataset.
        batch_size: samples in a batch; None gives samples one by one, not collated.
        shuffle: a new random order in each pass.
        sampler: gives the indices, instead of ``shuffle``.
        batch_sampler: gives lists of indices, instead of ``batch_size``, ``shuffle``,
            ``sampler`` and ``drop_last``.
        num_workers: must be 0 for now; NotImplementedError says so.
        collate_fn: joins a list of samples into a batch.
        pin_memory: move batches to page-locked memory where there is an accelerator.
        drop_last: leave out a last batch that is shorter.
        generator: source of the random order; the global one where None.

    The other arguments are about worker processes; values that PyTorch refuses without
    workers raise ValueError here too.
    """

    _initialized = False

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(
            num_workers,
            timeout,
            multiprocessing_context,
            prefetch_factor,
            persistent_workers,
        )
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.in_order = in_order
        self.persistent_workers = persistent_workers
        self.generator = generator
        self._streams = isinstance(dataset, IterableDataset)
        if self._streams:
            _check_stream(shuffle, sampler, batch_sampler)
        _check_exclusive(batch_size, shuffle, sampler, batch_sampler, drop_last)
        if batch_sampler is not None:
            batch_size, drop_last = None, False
        self.batch_size = batch_size
        self.drop_last = drop_last
        if sampler is None:
            sampler = self._default_sampler(bool(shuffle))
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        if collate_fn is None:
            collate_fn = default_collate if self._auto_collation else default_convert
        self.collate_fn = collate_fn
        self._initialized = True

    def _default_sampler(self, shuffle: bool) -> Iterable[Any]:
        if self._streams:
            return _Endless()
        if shuffle:
            return RandomSampler(self.dataset, generator=self.generator)
        return SequentialSampler(self.dataset)

    def __setattr__(self, name: str, value: Any) -> None:
        if self._initialized and name in _FIXED:
            raise ValueError(
                f"DataLoader: {name!r} cannot change once the loader is made; make a "
                "new one"
            )
        super().__setattr__(name, value)

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    @property
    def multiprocessing_context(self) -> Any:
        """The context of the workers: None, there are none."""
        return None

    def check_worker_number_rationality(self) -> None:
        """Warn of more workers than processors; with no workers there is nothing to."""

    def __iter__(self) -> Iterator[Any]:
        return _Batches(self)

    def __len__(self) -> int:
        if not self._streams:
            return len(self._index_sampler)
        n = len(self.dataset)
        if self.batch_size is None:
            return n
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


class _Batches:
    """One pass over a loader."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        if loader.timeout != 0:
            raise AssertionError(
                "DataLoader: expected timeout=0 without workers, got "
                f"{loader.timeout}: there is nobody to wait for"
            )
        self._loader = loader
        self._collate = loader.collate_fn
        self._indices = iter(loader._index_sampler)
        self._pin = loader.pin_memory and _can_pin()
        if loader._streams:
            self._fetch: Callable[[Any], Any] = self._stream_fetch()
        elif not loader._auto_collation:
            self._fetch = lambda index: self._collate(loader.dataset[index])
        else:
            self._fetch = _batch_fetch(loader.dataset, self._collate)

    def __iter__(self) -> _Batches:
        return self

    def __next__(self) -> Any:
        batch = self._fetch(next(self._indices))
        return pin(batch) if self._pin else batch

    def __len__(self) -> int:
        return len(self._loader._index_sampler)

    def _stream_fetch(self) -> Callable[[Any], Any]:
        samples = iter(self._loader.dataset)
        collate = self._collate
        if self._loader.batch_sampler is None:
            return lambda _: collate(next(samples))
        drop_last = self._loader.drop_last

        def fetch(places: list[None]) -> Any:
            batch = list(itertools.islice(samples, len(places)))
            if not batch or (drop_last and len(batch) < len(places)):
                raise StopIteration
            return collate(batch)

        return fetch


def _batch_fetch(
    dataset: Any, collate: Callable[[list[Any]], Any]
) -> Callable[[list[Any]], Any]:
    """What gives the batch at a list of indices."""
    if collate is default_collate:
        at_once = _gather_rows(dataset)
        if at_once is not None:
            return at_once
    many = getattr(dataset, "__getitems__", None)
    if callable(many):
        return lambda indices: collate(many(indices))
    return lambda indices: collate([dataset[i] for i in indices])


def _gather_rows(dataset: Any) -> Callable[[list[int]], Any] | None:
    """For tensors the rows of a batch come by one index, equal to stacking them."""
    if type(dataset) is TensorDataset:
        tensors = dataset.tensors

        def fetch(indices: list[int]) -> Any:
            if min(indices) < 0:
                indices = [i + len(dataset) if i < 0 else i for i in indices]
            where = flambeau.tensor(indices)
            return [t.index_select(0, where.to(t.device)) for t in tensors]

        return fetch
    if type(dataset) is Subset:
        inner = _gather_rows(dataset.dataset)
        if inner is not None:
            chosen = dataset.indices
            return lambda indices: inner([int(chosen[i]) for i in indices])
    return None


def _can_pin() -> bool:
    possible = can_pin()
    if not possible:
        accelerator = flambeau.accelerator.current_accelerator()
        why = (
            "there is no accelerator"
            if accelerator is None
            else f"device '{accelerator}' has no pinned memory"
        )
        warnings.warn(
            f"DataLoader: pin_memory=True has no effect: {why}",
            UserWarning,
            stacklevel=4,
        )
    return possible


def pin(data: Any) -> Any:
    """Copy the tensors in a batch to page-locked memory, within containers too."""
    if isinstance(data, flambeau.Tensor) or hasattr(data, "pin_memory"):
        return data.pin_memory()
    if isinstance(data, (str, bytes)):
        return data
    if isinstance(data, Mapping):
        return {key: pin(value) for key, value in data.items()}
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*map(pin, data))
    if isinstance(data, Sequence):
        return [pin(value) for value in data]
    return data


def _check_workers(
    num_workers: int,
    timeout: float,
    multiprocessing_context: Any,
    prefetch_factor: int | None,
    persistent_workers: bool,
) -> None:
    if num_workers < 0:
        raise ValueError(
            f"DataLoader: expected num_workers >= 0, got {num_workers}; 0 loads in "
            "this process"
        )
    if timeout < 0:
        raise ValueError(f"DataLoader: expected timeout >= 0, got {timeout}")
    if num_workers > 0:
        raise NotImplementedError(
            f"DataLoader: expected num_workers=0, got {num_workers}: this version has "
            "no worker processes yet. Pass num_workers=0 to load in this process; with "
            "numpy rows or tensors that is often faster than workers"
        )
    for name, given in (
        ("prefetch_factor", prefetch_factor is not None),
        ("persistent_workers", persistent_workers),
        ("multiprocessing_context", multiprocessing_context is not None),
    ):
        if given:
            raise ValueError(
                f"DataLoader: expected no {name!r} with num_workers=0: it is about "
                "worker processes"
            )


def _check_stream(shuffle: Any, sampler: Any, batch_sampler: Any) -> None:
    options = {"sampler": sampler, "batch_sampler": batch_sampler}
    if shuffle:
        options["shuffle"] = shuffle
    for name, value in options.items():
        if value is not None:
            raise ValueError(
                f"DataLoader: expected no {name!r} for an IterableDataset, whose order "
                f"is its own, got {value!r}"
            )


def _check_exclusive(
    batch_size: Any, shuffle: Any, sampler: Any, batch_sampler: Any, drop_last: Any
) -> None:
    if sampler is not None and shuffle:
        raise ValueError(
            "DataLoader: expected at most one of 'sampler' and 'shuffle', got both"
        )
    if batch_sampler is not None:
        if batch_size != 1 or shuffle or sampler is not None or drop_last:
            raise ValueError(
                "DataLoader: expected 'batch_sampler' without 'batch_size', 'shuffle', "
                "'sampler' and 'drop_last', which it decides"
            )
    elif batch_size is None and drop_last:
        raise ValueError(
            "DataLoader: expected drop_last=False with batch_size=None, which makes no "
            "batches"
        )
