"""Look-ups in tables of vectors, and one-hot vectors."""

from __future__ import annotations

import flambeau
from flambeau._C import Tensor, _nn

_embedding = _nn.embedding


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """int64 vectors with a one at each index; as many classes as needed if -1."""
    if tensor.dtype != flambeau.int64:
        raise RuntimeError(
            "one_hot is only applicable to index tensor of type LongTensor, got "
            f"{tensor.dtype}"
        )
    if tensor.numel() == 0:
        if num_classes <= 0:
            raise RuntimeError(
                "Can not infer total number of classes from empty tensor."
            )
        return flambeau.empty(
            (*tensor.shape, num_classes), dtype=tensor.dtype, device=tensor.device
        )
    low, high = (int(v) for v in tensor.aminmax())
    if low < 0:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        num_classes = high + 1
    elif num_classes < 1:
        raise RuntimeError("num_classes should be positive")
    elif high >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    blank = flambeau.zeros(
        (*tensor.shape, num_classes), dtype=tensor.dtype, device=tensor.device
    )
    return blank.scatter_(-1, tensor.unsqueeze(-1), 1)


def _row(op: str, padding_idx: int, rows: int) -> int:
    """The padding row counted from the start; AssertionError if there is none."""
    if not -rows <= padding_idx < rows:
        raise AssertionError(f"{op}: Padding_idx must be within num_embeddings")
    return padding_idx % rows


def _renormalize(
    weight: Tensor, index: Tensor, max_norm: float, norm_type: float
) -> None:
    """Shorten, in place, the rows looked up that are longer than max_norm."""
    with flambeau.no_grad():
        used = index.reshape(-1).unique()
        rows = weight.index_select(0, used)
        length = rows.norm(norm_type, 1, keepdim=True)
        factor = flambeau.where(
            length > max_norm, max_norm / (length + 1e-7), flambeau.ones_like(length)
        )
        weight.index_copy_(0, used, rows * factor)


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of weight (num, dim) at integer indices of any shape.

    padding_idx: a row that gets no gradient.
    max_norm: shorten, in place, the rows used to this `norm_type`-norm.
    """
    if weight.dim() != 2:
        raise RuntimeError(
            f"'weight' must be 2-D, got shape {tuple(weight.shape)} in embedding"
        )
    if padding_idx is not None:
        padding_idx = _row("embedding", padding_idx, weight.size(0))
    if max_norm is not None:
        _renormalize(weight, input, max_norm, norm_type)
    return _embedding(
        input,
        weight,
        padding_idx=-1 if padding_idx is None else padding_idx,
        scale_grad_by_freq=scale_grad_by_freq,
        sparse=sparse,
    )


def _bags(offsets: Tensor, count: int, include_last: bool) -> tuple[Tensor, int]:
    """The bag of each of `count` indices, and how many bags there are."""
    n_bags = offsets.numel() - int(include_last)
    if n_bags == 0:
        return offsets.new_empty(0, dtype=flambeau.int64), 0
    starts = offsets[:n_bags].to(flambeau.int64)
    if int(starts[0]) != 0:
        raise RuntimeError(
            "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to "
            f"start from position 0. However, got {int(starts[0])}"
        )
    if int(starts[-1]) > count:
        raise RuntimeError(
            f"offsets[-1] can not be greater than input's length {count} but got "
            f"offsets[-1] of {int(starts[-1])}"
        )
    marks = starts.new_zeros(count + 1).index_add_(0, starts, starts.new_ones(n_bags))
    return marks[:count].cumsum(0) - 1, n_bags


def _read_bags(
    input: Tensor, offsets: Tensor | None, per_sample: Tensor | None, last: bool
) -> tuple[Tensor, Tensor, int, Tensor | None]:
    """Flat indices, the bag of each, the number of bags, and flat weights."""
    if input.dtype not in (flambeau.int64, flambeau.int32):
        raise RuntimeError(
            "embedding_bag: expected int32 or int64 for argument 'input', got "
            f"{input.dtype}"
        )
    if per_sample is not None and per_sample.shape != input.shape:
        raise ValueError(
            "embedding_bag: If per_sample_weights "
            f"({tuple(per_sample.shape)}) is not None, then it must have the same "
            "shape "
            f"as the input ({tuple(input.shape)})"
        )
    if input.dim() == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a "
                "mini-batch of fixed length sequences. However, found offsets of type "
                f"{type(offsets)}"
            )
        n, length = input.shape
        bag = flambeau.arange(n, device=input.device).repeat_interleave(length)
        flat = None if per_sample is None else per_sample.reshape(-1)
        return input.reshape(-1), bag, n, flat
    if input.dim() != 1:
        raise ValueError(
            "input has to be 1D or 2D Tensor, but got Tensor of dimension "
            f"{input.dim()}"
        )
    if offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    if offsets.dim() != 1:
        raise ValueError("offsets has to be a 1D Tensor")
    bag, n = _bags(offsets, input.numel(), last)
    return input, bag, n, per_sample


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The sum, mean or max of the rows of each bag of indices.

    input: (B, L), a bag a row, or flat with `offsets` where each bag starts.
    per_sample_weights: factors of the rows, for mode "sum".
    padding_idx: an index that counts for nothing.
    """
    if weight.dtype == flambeau.int64 and input.is_floating_point():
        raise ValueError(
            "Argument order of nn.functional.embedding_bag was changed. Usage "
            "`embedding_bag(weight, input, ...)` is deprecated, and should now be "
            "`embedding_bag(input, weight, ...)`."
        )
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and (scale_grad_by_freq or sparse):
        raise ValueError(
            "max mode does not support scaling the gradient by the frequency, or "
            "sparse weights"
        )
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is "
            "only "
            f"supported for mode='sum' (got mode='{mode}')."
        )
    index, bag, n_bags, factors = _read_bags(
        input, offsets, per_sample_weights, include_last_offset
    )
    if padding_idx is not None:
        padding_idx = _row("embedding_bag", padding_idx, weight.size(0))
        keep = (index != padding_idx).nonzero().squeeze(1)
        index, bag = index.index_select(0, keep), bag.index_select(0, keep)
        factors = None if factors is None else factors.index_select(0, keep)
    rows = embedding(
        index, weight, None, max_norm, norm_type, scale_grad_by_freq, sparse
    )
    if factors is not None:
        rows = rows * factors.unsqueeze(1)
    return _pool_bags(rows, bag, n_bags, mode)


def _pool_bags(rows: Tensor, bag: Tensor, n_bags: int, mode: str) -> Tensor:
    """Each bag's sum, mean or maximum of its rows; zeros for an empty one."""
    blank = rows.new_zeros(n_bags, rows.size(1))
    if mode == "max":
        at = bag.unsqueeze(1).expand_as(rows)
        return blank.scatter_reduce(0, at, rows, "amax", include_self=False)
    total = blank.index_add(0, bag, rows)
    if mode == "sum":
        return total
    ones = rows.new_ones(rows.size(0))
    count = rows.new_zeros(n_bags).index_add_(0, bag, ones)
    return total / count.clamp_(min=1).unsqueeze(1)
