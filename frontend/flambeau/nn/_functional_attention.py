"""Attention: the compiled function, and the multi-head one around it."""

from __future__ import annotations

import math
from typing import Any

import flambeau
from flambeau._C import Tensor, _nn, _ops

scaled_dot_product_attention = _nn.scaled_dot_product_attention

_linear = _nn.linear
_softmax = _ops.softmax


def canonical_mask(
    mask: Tensor | None,
    mask_name: str,
    other_type: Any,
    other_name: str,
    target_type: Any,
    check_other: bool = True,
) -> Tensor | None:
    """A mask to be added: where a boolean one is true, minus infinity."""
    if mask is None:
        return None
    if mask.dtype != flambeau.bool and not mask.is_floating_point():
        raise RuntimeError(
            f"{mask_name}: expected a bool or floating point dtype, got {mask.dtype}"
        )
    if check_other and other_type is not None and mask.dtype != other_type:
        import warnings

        warnings.warn(
            f"Support for mismatched {mask_name} and {other_name} is deprecated. Use "
            "same type for both instead.",
            stacklevel=3,
        )
    if mask.is_floating_point():
        return mask
    blank = flambeau.zeros_like(mask, dtype=target_type)
    return blank.masked_fill_(mask, float("-inf"))


def _project(
    q: Tensor, k: Tensor, v: Tensor, weight: Tensor, bias: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values by one weight of three rows of blocks."""
    size = q.size(-1)
    if k is v:
        if q is k:
            first, second, third = _linear(q, weight, bias).chunk(3, -1)
            return first, second, third
        wq, wkv = weight.split([size, 2 * size])
        bq, bkv = (None, None) if bias is None else bias.split([size, 2 * size])
        second, third = _linear(k, wkv, bkv).chunk(2, -1)
        return _linear(q, wq, bq), second, third
    return _project_apart((q, k, v), weight.chunk(3), bias)


def _project_apart(
    inputs: tuple[Tensor, Tensor, Tensor], weights: Any, bias: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values by a weight each, the bias being cut in three."""
    for name, w in zip("qkv", weights, strict=True):
        if w is None:
            raise AssertionError(
                f"use_separate_proj_weight is True but {name}_proj_weight is None"
            )
    biases = (None,) * 3 if bias is None else bias.chunk(3)
    q, k, v = (
        _linear(x, w, b) for x, w, b in zip(inputs, weights, biases, strict=True)
    )
    return q, k, v


def _check_shapes(
    query: Tensor, key: Tensor, value: Tensor, padding: Any, mask: Any, heads: int
) -> bool:
    """Whether there is a batch dimension; AssertionError for shapes that don't fit."""
    batched = query.dim() == 3
    if query.dim() not in (2, 3):
        raise AssertionError(
            "query should be unbatched 2D or batched 3D tensor but received "
            f"{query.dim()}-D query tensor"
        )
    n = query.dim()
    if key.dim() != n or value.dim() != n:
        raise AssertionError(
            f"For {'batched' if batched else 'unbatched'} ({n}-D) `query`, expected "
            f"`key` and `value` to be {n}-D but found {key.dim()}-D and "
            f"{value.dim()}-D tensors respectively"
        )
    if padding is not None and padding.dim() != n - 1:
        raise AssertionError(
            f"For {n}-D `query`, expected `key_padding_mask` to be `None` or {n - 1}-D "
            f"but found {padding.dim()}-D tensor instead"
        )
    if mask is not None and mask.dim() not in (2, 3):
        raise AssertionError(
            f"expected `attn_mask` to be `None`, 2-D or 3-D but found {mask.dim()}-D "
            "tensor instead"
        )
    if mask is not None and not batched and mask.dim() == 3:
        wanted = (heads, query.shape[0], key.shape[0])
        if tuple(mask.shape) != wanted:
            raise AssertionError(
                f"Expected `attn_mask` shape to be {wanted} but got {tuple(mask.shape)}"
            )
    return batched


def _heads(x: Tensor, batch_heads: int, head_dim: int) -> Tensor:
    """(L, N, E) to (N heads, L, head_dim)."""
    return x.reshape(x.shape[0], batch_heads, head_dim).transpose(0, 1)


def _merged_mask(
    attn_mask: Tensor | None, padding: Tensor | None, n: int, heads: int, source: int
) -> Tensor | None:
    """Both masks as one to be added to (N heads, L, S) scores."""
    if padding is None:
        return attn_mask
    if tuple(padding.shape) != (n, source):
        raise AssertionError(
            f"expecting key_padding_mask shape of {(n, source)}, but got "
            f"{tuple(padding.shape)}"
        )
    wide = padding.reshape(n, 1, 1, source).expand(-1, heads, -1, -1)
    wide = wide.reshape(n * heads, 1, source)
    return wide if attn_mask is None else attn_mask + wide


def _attend(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout: float
) -> tuple[Tensor, Tensor]:
    """The weighted values and the weights of (N heads, L, E) queries."""
    scaled = q * math.sqrt(1.0 / q.size(-1))
    scores = scaled @ k.transpose(-2, -1)
    if mask is not None:
        scores = scores + mask
    weights = _softmax(scores, -1)
    if dropout > 0.0:
        weights = flambeau.dropout(weights, dropout, True)
    return weights @ v, weights


def _pad_keys(t: Tensor | None) -> Tensor | None:
    """A mask widened by one key that is not masked."""
    return None if t is None else flambeau.constant_pad_nd(t, [0, 1], 0.0)


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Multi-head attention of (L, N, E) queries on (S, N, E) keys and values.

    Returns the output and, if `need_weights`, the attention weights: (N, L, S), or
    (N, heads, L, S) if not averaged. Without a batch the N is missing everywhere.
    """
    batched = _check_shapes(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = _add_batch(query, key, value)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    _check_sizes(
        query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight
    )
    length, n, embed_dim = query.shape
    rows, head_dim = n * num_heads, embed_dim // num_heads
    longer = bias_k is not None or add_zero_attn
    mask, padding, causal = _read_masks(
        attn_mask,
        key_padding_mask,
        is_causal,
        need_weights or longer,
        query.dtype,
        (rows, length, key.shape[0]),
    )
    if use_separate_proj_weight:
        weights = (q_proj_weight, k_proj_weight, v_proj_weight)
        q, k, v = _project_apart((query, key, value), weights, in_proj_bias)
    elif in_proj_weight is None:
        raise AssertionError(
            "use_separate_proj_weight is False but in_proj_weight is None"
        )
    else:
        q, k, v = _project(query, key, value, in_proj_weight, in_proj_bias)
    if (bias_k is None) != (bias_v is None):
        raise AssertionError("bias_k and bias_v must both be given or both be None")
    if bias_k is not None and bias_v is not None:
        if static_k is not None or static_v is not None:
            raise AssertionError("bias cannot be added to static key or value.")
        k = flambeau.cat([k, bias_k.repeat(1, n, 1)])
        v = flambeau.cat([v, bias_v.repeat(1, n, 1)])
        mask, padding = _pad_keys(mask), _pad_keys(padding)
    q = _heads(q, rows, head_dim)
    k = _static(static_k, "static_k", rows, head_dim, k)
    v = _static(static_v, "static_v", rows, head_dim, v)
    if add_zero_attn:
        blank = k.new_zeros(rows, 1, head_dim)
        k, v = flambeau.cat([k, blank], 1), flambeau.cat([v, blank], 1)
        mask, padding = _pad_keys(mask), _pad_keys(padding)
    mask = _merged_mask(mask, padding, n, num_heads, k.size(1))
    dropout = dropout_p if training else 0.0
    scores: Tensor | None = None
    if need_weights:
        out, scores = _attend(q, k, v, mask, dropout)
        scores = scores.reshape(n, num_heads, length, -1)
        scores = scores.mean(1) if average_attn_weights else scores
    else:
        out = _attend_fused(q, k, v, mask, dropout, causal, n)
    out = out.transpose(0, 1).reshape(length, n, embed_dim)
    out = _linear(out, out_proj_weight, out_proj_bias)
    if not batched:
        return out.squeeze(1), None if scores is None else scores.squeeze(0)
    return out, scores


def _add_batch(
    query: Tensor, key: Tensor, value: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """All with a batch of one; what was one tensor stays one."""
    same_kv, same_qk = key is value, query is key
    query = query.unsqueeze(1)
    key = query if same_qk else key.unsqueeze(1)
    return query, key, key if same_kv else value.unsqueeze(1)


def _check_sizes(
    query: Tensor, key: Tensor, value: Tensor, wanted: int, heads: int, separate: bool
) -> None:
    """AssertionError for sizes that don't fit."""
    embed_dim = query.shape[-1]
    if embed_dim != wanted:
        raise AssertionError(
            f"was expecting embedding dimension of {wanted}, but got {embed_dim}"
        )
    if embed_dim % heads:
        raise AssertionError(
            f"embed_dim {embed_dim} not divisible by num_heads {heads}"
        )
    if separate:
        if key.shape[:2] != value.shape[:2]:
            raise AssertionError(
                f"key's sequence and batch dims {tuple(key.shape[:2])} do not match "
                f"value's {tuple(value.shape[:2])}"
            )
    elif key.shape != value.shape:
        raise AssertionError(
            f"key shape {tuple(key.shape)} does not match value shape "
            f"{tuple(value.shape)}"
        )


def _read_masks(
    attn_mask: Tensor | None,
    padding: Tensor | None,
    is_causal: bool,
    must_read: bool,
    dtype: Any,
    shape: tuple[int, int, int],
) -> tuple[Tensor | None, Tensor | None, bool]:
    """Both masks to be added, and whether the causal hint stands in for the first."""
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint: is_causal only promises "
            "that attn_mask is the causal one"
        )
    padding = canonical_mask(
        padding,
        "key_padding_mask",
        None if attn_mask is None else attn_mask.dtype,
        "attn_mask",
        dtype,
    )
    if is_causal and padding is None and not must_read:
        return None, None, True
    attn_mask = canonical_mask(attn_mask, "attn_mask", None, "", dtype, False)
    if attn_mask is not None:
        wanted = shape[1:] if attn_mask.dim() == 2 else shape
        if tuple(attn_mask.shape) != wanted:
            raise RuntimeError(
                f"The shape of the {attn_mask.dim()}D attn_mask is "
                f"{tuple(attn_mask.shape)}, but should be {wanted}."
            )
        if attn_mask.dim() == 2:
            attn_mask = attn_mask.unsqueeze(0)
    return attn_mask, padding, False


def _attend_fused(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None,
    dropout: float,
    causal: bool,
    n: int,
) -> Tensor:
    """The weighted values of (N heads, L, E) queries, by the compiled function."""
    rows, length, head_dim = q.shape
    q, k, v = (t.reshape(n, rows // n, -1, head_dim) for t in (q, k, v))
    if mask is not None:
        one = mask.size(0) == 1
        mask = mask.unsqueeze(0) if one else mask.reshape(n, rows // n, *mask.shape[1:])
    out = scaled_dot_product_attention(q, k, v, mask, dropout, causal)
    return out.reshape(rows, length, head_dim)


def _static(
    given: Tensor | None, name: str, rows: int, head_dim: int, projected: Tensor
) -> Tensor:
    """Keys or values by head: those given, or the projected ones."""
    if given is None:
        return _heads(projected, rows, head_dim)
    if given.size(0) != rows or given.size(2) != head_dim:
        raise AssertionError(
            f"expecting {name} of shape ({rows}, S, {head_dim}), but got "
            f"{tuple(given.shape)}"
        )
    return given
