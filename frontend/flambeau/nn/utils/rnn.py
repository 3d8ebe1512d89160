"""Packing and padding of sequences of uneven lengths."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Self

import flambeau
from flambeau import _C
from flambeau._C import Tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class PackedSequence_(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(PackedSequence_):
    """Sequences step by step, without the padding.

    data: (total steps, ...), all samples' first elements first, the longest sample
    leading. batch_sizes: how many samples have each step, an int64 tensor on the CPU.
    sorted_indices, unsorted_indices: the order by length, and the way back.
    """

    def __new__(
        cls,
        data: Any,
        batch_sizes: Any = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        if batch_sizes is None:
            if not isinstance(data, (list, tuple)) or len(data) != 2:
                raise AssertionError(
                    "PackedSequence: expected (data, batch_sizes) if only one argument "
                    "is given"
                )
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if not _C._in_host_memory(batch_sizes):
            raise ValueError(
                "batch_sizes should always be on CPU. Instances of PackedSequence "
                "should never be created manually. They should be instantiated by "
                "functions like pack_sequence and pack_padded_sequence in "
                f"nn.utils.rnn, got device {batch_sizes.device}"
            )
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def pin_memory(self) -> PackedSequence:
        """The same in page-locked memory."""
        return type(self)(
            self.data.pin_memory(),
            self.batch_sizes,
            _maybe(self.sorted_indices, "pin_memory"),
            _maybe(self.unsorted_indices, "pin_memory"),
        )

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The same with data, and the orders, on a device or of a dtype."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        kwargs = {k: v for k, v in kwargs.items() if k not in ("device", "dtype")}
        orders = (
            None if t is None else t.to(data.device, **kwargs)
            for t in (self.sorted_indices, self.unsorted_indices)
        )
        return type(self)(data, self.batch_sizes, *orders)

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The same on a CUDA device."""
        return self.to(self.data.cuda(*args, **kwargs).device)

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The same on the CPU."""
        return self.to("cpu")

    def double(self) -> PackedSequence:
        """The same as float64."""
        return self.to(dtype=flambeau.float64)

    def float(self) -> PackedSequence:
        """The same as float32."""
        return self.to(dtype=flambeau.float32)

    def half(self) -> PackedSequence:
        """The same as float16."""
        return self.to(dtype=flambeau.float16)

    def long(self) -> PackedSequence:
        """The same as int64."""
        return self.to(dtype=flambeau.int64)

    def int(self) -> PackedSequence:
        """The same as int32."""
        return self.to(dtype=flambeau.int32)

    def short(self) -> PackedSequence:
        """The same as int16."""
        return self.to(dtype=flambeau.int16)

    def char(self) -> PackedSequence:
        """The same as int8."""
        return self.to(dtype=flambeau.int8)

    def byte(self) -> PackedSequence:
        """The same as uint8."""
        return self.to(dtype=flambeau.uint8)

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on a CUDA device."""
        return bool(self.data.is_cuda)

    def is_pinned(self) -> bool:
        """Whether the data is in page-locked memory."""
        return bool(self.data.is_pinned())


def _host_ints(values: list[int]) -> Tensor:
    """Counts, which Python reads one by one: they stay in host memory."""
    return flambeau.tensor(values, dtype=flambeau.int64, device=_C._host_device())


def _maybe(tensor: Tensor | None, method: str) -> Tensor | None:
    return None if tensor is None else getattr(tensor, method)()


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes one."""
    if permutation is None:
        return None
    steps = flambeau.arange(permutation.numel(), device=permutation.device)
    return flambeau.empty_like(permutation).scatter_(0, permutation, steps)


def pack_padded_sequence(
    input: Tensor,
    lengths: Any,
    batch_first: bool = False,
    enforce_sorted: bool = True,
) -> PackedSequence:
    """Pack (T, B, ...), or (B, T, ...) if batch_first, padded after each length.

    enforce_sorted: the lengths must fall; if false, the samples are sorted first.
    """
    if not isinstance(lengths, Tensor):
        lengths = _host_ints(list(lengths))
    elif not _C._in_host_memory(lengths):
        raise RuntimeError(
            "'lengths' argument should be a 1D CPU int64 tensor, but got "
            f"{lengths.dim()}D {lengths.device} {lengths.dtype} tensor"
        )
    if lengths.dtype != flambeau.int64 or lengths.dim() != 1:
        raise RuntimeError(
            "'lengths' argument should be a 1D CPU int64 tensor, but got "
            f"{lengths.dim()}D {lengths.dtype} tensor"
        )
    order = None
    if not enforce_sorted:
        lengths, order = flambeau.sort(lengths, descending=True)
        order = order.to(input.device)
        input = input.index_select(0 if batch_first else 1, order)
    steps_first = input.transpose(0, 1) if batch_first else input
    data, sizes = _pack(steps_first, lengths.tolist())
    return PackedSequence(data, sizes, order, None)


def _pack(input: Tensor, lengths: list[int]) -> tuple[Tensor, Tensor]:
    """Data and batch sizes of (T, B, ...) by falling lengths."""
    if len(lengths) != input.size(1):
        raise RuntimeError(
            "Expected `len(lengths)` to be equal to batch_size, but got "
            f"{len(lengths)} "
            f"(batch_size={input.size(1)})"
        )
    if not lengths or lengths[-1] <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in "
            "'lengths' that is <= 0"
        )
    if lengths != sorted(lengths, reverse=True):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` "
            "is True. You can pass `enforce_sorted=False` to pack_padded_sequence "
            "and/or pack_sequence to sidestep this requirement if you do not need ONNX "
            "exportability."
        )
    if lengths[0] > input.size(0):
        raise RuntimeError(
            f"Expected lengths of at most {input.size(0)} steps, got {lengths[0]}"
        )
    sizes, live = [], len(lengths)
    for t in range(lengths[0]):
        while lengths[live - 1] <= t:
            live -= 1
        sizes.append(live)
    # Runs of steps with equally many samples are cut out in one piece each.
    parts, start = [], 0
    for t in range(1, len(sizes) + 1):
        if t == len(sizes) or sizes[t] != sizes[start]:
            run = input[start:t, : sizes[start]]
            parts.append(run.reshape(-1, *input.shape[2:]))
            start = t
    data = parts[0] if len(parts) == 1 else flambeau.cat(parts)
    return data, _host_ints(sizes)


def _lengths_of(batch_sizes: list[int]) -> list[int]:
    """The length of each sample, falling."""
    lengths = [0] * (batch_sizes[0] if batch_sizes else 0)
    for size in batch_sizes:
        for sample in range(size):
            lengths[sample] += 1
    return lengths


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Undo `pack_padded_sequence`: (T, B, ...) and the lengths, in the first order.

    total_length: T, at least the longest length.
    """
    data, batch_sizes, _, back = sequence
    sizes = batch_sizes.tolist()
    steps = len(sizes)
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                "Expected total_length to be at least the length of the longest "
                f"sequence in input, but got total_length={total_length} and max "
                f"sequence length being {steps}"
            )
        steps = total_length
    lengths = _lengths_of(sizes)
    columns = []
    offsets = [0]
    for size in sizes:
        offsets.append(offsets[-1] + size)
    # Sample b's step t lies at offsets[t] + b: one gather, then the padding.
    for t in range(steps):
        for b in range(len(lengths)):
            columns.append(offsets[t] + b if t < lengths[b] else -1)
    at = flambeau.tensor(columns, dtype=flambeau.int64, device=data.device)
    picked = data.index_select(0, at.clamp(min=0))
    if -1 in columns:
        dead = (at < 0).reshape(-1, *[1] * (data.dim() - 1))
        picked = picked.masked_fill(dead, padding_value)
    padded = picked.reshape(steps, len(lengths), *data.shape[1:])
    if batch_first:
        padded = padded.transpose(0, 1)
    out_lengths = _host_ints(lengths)
    if back is None:
        return padded, out_lengths
    padded = padded.index_select(0 if batch_first else 1, back)
    return padded, out_lengths.index_select(0, back.to(out_lengths.device))


def pad_sequence(
    sequences: Any,
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Tensors of (length, ...) as one (T, B, ...), or (B, T, ...) if batch_first.

    padding_side: "right" or "left", where the padding goes.
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            "pad_sequence: Expected iterable for input sequences, but got arg of type: "
            f"{type(sequences)}"
        )
    if isinstance(sequences, Tensor):
        sequences = sequences.unbind(0)
    sequences = list(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(
            f"padding_side should be either 'right' or 'left', got '{padding_side}'"
        )
    trailing = sequences[0].shape[1:]
    longest = max(s.size(0) for s in sequences)
    rows = []
    for s in sequences:
        if s.shape[1:] != trailing:
            raise RuntimeError(
                "pad_sequence: expected sequences equal but for their lengths, got "
                f"shapes {tuple(sequences[0].shape)} and {tuple(s.shape)}"
            )
        missing = longest - s.size(0)
        if missing:
            sides = [0, missing] if padding_side == "right" else [missing, 0]
            none = [0, 0] * (s.dim() - 1)
            s = flambeau.constant_pad_nd(s, none + sides, padding_value)
        rows.append(s)
    return flambeau.stack(rows, 0 if batch_first else 1)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """The tensors that `pad_sequence` joined."""
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [
        row[:length]
        for row, length in zip(
            padded_sequences.unbind(0), lengths.tolist(), strict=True
        )
    ]


def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> PackedSequence:
    """Pack tensors of (length, ...)."""
    sequences = list(sequences)
    lengths = _host_ints([s.size(0) for s in sequences])
    return pack_padded_sequence(
        pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted
    )


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The tensors that `pack_sequence` packed."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
