"""The adaptive softmax for many classes of uneven frequency."""

from __future__ import annotations

from typing import Any, NamedTuple

import flambeau
from flambeau._C import Tensor

from .. import functional as F
from .container import ModuleList, Sequential
from .linear import Linear
from .module import Module

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class _ASMoutput(NamedTuple):
    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-softmax by clusters of classes, the frequent ones first (Grave et al., 2016).

    cutoffs: the first class of each cluster after the head, rising.
    div_value: how much smaller each next cluster's projection is.
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Any,
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        rising = cutoffs == sorted(set(cutoffs))
        whole = all(int(c) == c for c in cutoffs)
        if not rising or min(cutoffs) <= 0 or max(cutoffs) > n_classes - 1 or not whole:
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in "
                "an "
                "increasing order, where each value is between 1 and n_classes-1"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        options = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **options)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            hidden = int(in_features // div_value ** (i + 1))
            size = self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(
                Sequential(
                    Linear(in_features, hidden, bias=False, **options),
                    Linear(hidden, size, bias=False, **options),
                )
            )

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        self.head.reset_parameters()
        for projection in self.tail:
            for layer in projection.children():
                layer.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        """Log-probabilities of the targets (N), and their mean negated."""
        batched = target_.dim() > 0
        if batched:
            if input_.shape[0] != target_.shape[0]:
                raise RuntimeError(
                    "Input and target should have the same size in the batch dimension."
                )
            if input_.dim() != 2:
                raise RuntimeError(
                    "1D target tensor expects 2D input tensors, but found inputs with "
                    f"size {tuple(input_.shape)}"
                )
        elif input_.dim() != 1:
            raise RuntimeError(
                "0D target tensor expects 1D input tensors, but found inputs with size "
                f"{tuple(input_.shape)}"
            )
        input = input_ if batched else input_.unsqueeze(0)
        target = target_ if batched else target_.unsqueeze(0)
        if target.numel() and not (
            int(target.min()) >= 0 and int(target.max()) < self.n_classes
        ):
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in "
                f"range [{int(target.min())}, {int(target.max())}] were found. "
            )
        output = self._log_prob_of(input, target)
        loss = (-output).mean()
        return _ASMoutput(output if batched else output.squeeze(0), loss)

    def _log_prob_of(self, input: Tensor, target: Tensor) -> Tensor:
        """The head's log-probability of the class or its cluster, plus the tail's."""
        head = F.log_softmax(self.head(input), 1)
        column = target
        tail = flambeau.zeros_like(head[:, 0])
        for i in range(self.n_clusters):
            low, high = self.cutoffs[i], self.cutoffs[i + 1]
            mine = (target >= low) & (target < high)
            rows = mine.nonzero().squeeze(1)
            if rows.numel() == 0:
                continue
            column = column.masked_fill(mine, self.shortlist_size + i)
            within = F.log_softmax(self.tail[i](input.index_select(0, rows)), 1)
            local = (target.index_select(0, rows) - low).unsqueeze(1)
            tail = tail.index_copy(0, rows, within.gather(1, local).squeeze(1))
        return head.gather(1, column.unsqueeze(1)).squeeze(1) + tail

    def log_prob(self, input: Tensor) -> Tensor:
        """Log-probabilities (N, n_classes) of every class."""
        head = F.log_softmax(self.head(input), 1)
        parts = [head[:, : self.shortlist_size]]
        for i in range(self.n_clusters):
            within = F.log_softmax(self.tail[i](input), 1)
            parts.append(within + head[:, self.shortlist_size + i].unsqueeze(1))
        return flambeau.cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of each row, tails computed only where needed."""
        head = self.head(input)
        best = head.argmax(1)
        if bool((best < self.shortlist_size).all()):
            return best
        rows = (best >= self.shortlist_size).nonzero().squeeze(1)
        precise = self.log_prob(input.index_select(0, rows)).argmax(1)
        return best.index_copy(0, rows, precise)
