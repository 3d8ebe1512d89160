"""Options of the linear cross-entropy."""

from __future__ import annotations

from typing import Any

__all__ = ["LinearCrossEntropyOptions"]


class LinearCrossEntropyOptions:
    """How PyTorch cuts the batch of `linear_cross_entropy` into chunks to save memory.

    Flambeau computes it in one piece: the options are checked and kept, no more.
    """

    def __init__(
        self,
        allow_retain_graph: bool = False,
        batch_chunk_size: int | None = None,
        chunking_method: str | None = "auto",
        acc_policy: str = "auto",
        acc_dtype: Any = None,
    ) -> None:
        if acc_policy not in ("accurate", "balanced", "compact", "auto"):
            raise ValueError(
                "LinearCrossEntropyOptions: expected 'accurate', 'balanced', 'compact' "
                f"or 'auto' for argument 'acc_policy', got {acc_policy!r}"
            )
        if batch_chunk_size is not None and batch_chunk_size <= 0:
            raise ValueError(
                "LinearCrossEntropyOptions: expected a positive number for argument "
                f"'batch_chunk_size', got {batch_chunk_size}"
            )
        self.allow_retain_graph = allow_retain_graph
        self.batch_chunk_size = batch_chunk_size
        self.chunking_method = chunking_method
        self.acc_policy = acc_policy
        self.acc_dtype = acc_dtype

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, LinearCrossEntropyOptions)
        return same and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{k}={v!r}" for k, v in vars(self).items())
        return f"LinearCrossEntropyOptions({fields})"
