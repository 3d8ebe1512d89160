"""Inputs of ops as data: a name, how to call it, and its value by NumPy in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flambeau as torch
import numpy as np


@dataclass(frozen=True)
class Sample:
    """One call: arrays become float64 tensors, in order, before `call` is run."""

    name: str
    call: Callable[..., Any]
    expect: Callable[..., Any]
    arrays: tuple[Any, ...]
    differentiable: bool = True


_RNG = np.random.default_rng(7)


def _a(*shape: int) -> np.ndarray:
    return _RNG.uniform(-2.0, 2.0, shape)


def _positive(*shape: int) -> np.ndarray:
    return _RNG.uniform(0.5, 2.0, shape)


def _spd(n: int) -> np.ndarray:
    m = _a(n, n)
    return m @ m.T + n * np.eye(n)


def _softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _norm(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    m, v = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - m) / np.sqrt(v + 1e-5)


_INDEX = [2, 0, 1, 2]


def _index() -> Any:
    return torch.tensor(_INDEX)


def _windows_1d(x: np.ndarray, k: int, s: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(x, k, -1)[..., ::s, :]


def _S(name: str, call: Any, expect: Any, *arrays: Any, diff: bool = True) -> Sample:
    return Sample(name, call, expect, arrays, diff)


VIEWS = [
    _S("view", lambda x: x.view(2, 6), lambda x: x.reshape(2, 6), _a(3, 4)),
    _S("expand", lambda x: x.expand(3, 2, 4), lambda x: x + np.zeros((3, 2, 4)), _a(2, 1)),
    _S("permute", lambda x: x.permute(2, 0, 1), lambda x: x.transpose(2, 0, 1), _a(2, 3, 4)),
    _S("transpose", lambda x: x.transpose(0, -1), lambda x: x.swapaxes(0, -1), _a(2, 3, 4)),
    _S("t", lambda x: x.t(), lambda x: x.T, _a(2, 3)),
    _S("squeeze", lambda x: x.squeeze(1), lambda x: x.squeeze(1), _a(2, 1, 3)),
    _S("unsqueeze", lambda x: x.unsqueeze(-1), lambda x: x[..., None], _a(2, 3)),
    _S("select", lambda x: x.select(1, -1), lambda x: x[:, -1], _a(2, 3)),
    _S("slice", lambda x: x[:, 1::2], lambda x: x[:, 1::2], _a(2, 5)),
    _S("narrow", lambda x: x.narrow(0, 1, 2), lambda x: x[1:3], _a(4, 2)),
    _S("diagonal", lambda x: x.diagonal(1), lambda x: x.diagonal(1), _a(3, 4)),
    _S("unfold", lambda x: x.unfold(0, 3, 1), lambda x: _windows_1d(x, 3, 1), _a(6)),
    _S("as_strided", lambda x: x.as_strided((2, 2), (1, 2), 1),
       lambda x: np.array([[x[1], x[3]], [x[2], x[4]]]), _a(6)),
    _S("split", lambda x: torch.cat(x.split(2)[::-1]),
       lambda x: np.concatenate([x[4:], x[2:4], x[:2]]), _a(5, 2)),
    _S("unbind", lambda x: x.unbind(1)[1], lambda x: x[:, 1], _a(2, 3)),
    _S("movedim", lambda x: x.movedim(0, 2), lambda x: np.moveaxis(x, 0, 2), _a(2, 3, 4)),
    _S("flatten", lambda x: x.flatten(1), lambda x: x.reshape(2, -1), _a(2, 3, 4)),
]  # fmt: skip

COPIES = [
    _S("cat", lambda x, y: torch.cat([x, y], 1), lambda x, y: np.concatenate([x, y], 1),
       _a(2, 3), _a(2, 1)),
    _S("stack", lambda x, y: torch.stack([x, y], -1), lambda x, y: np.stack([x, y], -1),
       _a(2, 3), _a(2, 3)),
    _S("repeat", lambda x: x.repeat(2, 3), lambda x: np.tile(x, (2, 3)), _a(2, 2)),
    _S("repeat_interleave", lambda x: x.repeat_interleave(2, 1), lambda x: x.repeat(2, 1),
       _a(2, 2)),
    _S("roll", lambda x: x.roll((1, -1), (0, 1)), lambda x: np.roll(x, (1, -1), (0, 1)),
       _a(3, 4)),
    _S("flip", lambda x: x.flip(0, 1), lambda x: x[::-1, ::-1], _a(2, 3)),
    _S("rot90", lambda x: x.rot90(1), lambda x: np.rot90(x), _a(2, 3)),
    _S("tril", lambda x: x.tril(-1), lambda x: np.tril(x, -1), _a(3, 4)),
    _S("triu", lambda x: x.triu(1), lambda x: np.triu(x, 1), _a(3, 4)),
    _S("diag_embed", lambda x: x.diag_embed(1), lambda x: np.diag(x, 1), _a(3)),
]  # fmt: skip

REDUCTIONS = [
    _S("sum", lambda x: x.sum(1, keepdim=True), lambda x: x.sum(1, keepdims=True), _a(2, 3)),
    _S("mean", lambda x: x.mean((0, 2)), lambda x: x.mean((0, 2)), _a(2, 3, 4)),
    _S("prod", lambda x: x.prod(1), lambda x: x.prod(1), _a(2, 3)),
    _S("prod of a zero", lambda x: x.prod(), lambda x: x.prod(), np.array([2.0, 0.0, 3.0])),
    _S("amax", lambda x: x.amax(0), lambda x: x.max(0), _a(3, 4)),
    _S("min", lambda x: x.min(1).values, lambda x: x.min(1), _a(3, 4)),
    _S("argmax", lambda x: x.argmax(1), lambda x: x.argmax(1), _a(3, 4), diff=False),
    _S("any", lambda x: (x > 0).any(0), lambda x: (x > 0).any(0), _a(3, 4), diff=False),
    _S("var", lambda x: x.var(1), lambda x: x.var(1, ddof=1), _a(3, 4)),
    _S("std", lambda x: x.std(unbiased=False), lambda x: x.std(), _a(3, 4)),
    _S("norm", lambda x: x.norm(3, 1), lambda x: (abs(x) ** 3).sum(1) ** (1 / 3), _a(3, 4)),
    _S("logsumexp", lambda x: x.logsumexp(0), lambda x: np.log(np.exp(x).sum(0)), _a(3, 4)),
    _S("cumsum", lambda x: x.cumsum(1), lambda x: x.cumsum(1), _a(2, 4)),
    _S("cumprod", lambda x: x.cumprod(1), lambda x: x.cumprod(1), _a(2, 4)),
    _S("cumprod of zeros", lambda x: x.cumprod(0), lambda x: x.cumprod(0),
       np.array([1.5, 0.0, 2.0, 0.0])),
    _S("cummax", lambda x: x.cummax(0).values, lambda x: np.maximum.accumulate(x), _a(5)),
    _S("softmax", lambda x: x.softmax(-1), _softmax, _a(2, 4)),
    _S("log_softmax", lambda x: x.log_softmax(-1), lambda x: np.log(_softmax(x)), _a(2, 4)),
    _S("sort", lambda x: x.sort(1, descending=True).values, lambda x: -np.sort(-x, 1),
       _a(3, 4)),
    _S("topk", lambda x: x.topk(2).values, lambda x: -np.sort(-x, -1)[..., :2], _a(3, 4)),
    _S("median", lambda x: x.median(1).values, lambda x: np.sort(x, 1)[:, 1], _a(3, 4)),
]  # fmt: skip

INDEXING = [
    _S("index", lambda x: x[_index()], lambda x: x[_INDEX], _a(3, 2)),
    _S("index of masks", lambda x: x[torch.tensor([True, False, True])],
       lambda x: x[[0, 2]], _a(3, 2)),
    _S("index_select", lambda x: x.index_select(1, _index()), lambda x: x[:, _INDEX],
       _a(2, 3)),
    _S("gather", lambda x: x.gather(0, _index().reshape(2, 2)),
       lambda x: np.take_along_axis(x, np.array(_INDEX).reshape(2, 2), 0), _a(3, 2)),
    _S("index_add", lambda x, y: x.index_add(0, _index(), y),
       lambda x, y: x + np.stack([y[1], y[2], y[0] + y[3]]), _a(3, 2), _a(4, 2)),
    _S("scatter", lambda x, y: x.scatter(0, torch.tensor([[2, 0]]), y),
       lambda x, y: np.array([[x[0, 0], y[0, 1]], x[1], [y[0, 0], x[2, 1]]]),
       _a(3, 2), _a(1, 2)),
    _S("masked_select", lambda x: x.masked_select(torch.tensor([True, False, True])),
       lambda x: x[:, [0, 2]].ravel(), _a(2, 3)),
    _S("take", lambda x: x.take(torch.tensor([3, -1])), lambda x: x.take([3, -1]), _a(2, 3)),
]  # fmt: skip

PRODUCTS = [
    _S("mm", lambda x, y: x.mm(y), lambda x, y: x @ y, _a(2, 3), _a(3, 4)),
    _S("bmm", lambda x, y: x.bmm(y), lambda x, y: x @ y, _a(2, 2, 3), _a(2, 3, 2)),
    _S("matmul", lambda x, y: x @ y, lambda x, y: x @ y, _a(2, 1, 2, 3), _a(3, 3, 2)),
    _S("mv", lambda x, y: x.mv(y), lambda x, y: x @ y, _a(2, 3), _a(3)),
    _S("dot", lambda x, y: x.dot(y), lambda x, y: x @ y, _a(3), _a(3)),
    _S("outer", lambda x, y: x.outer(y), np.outer, _a(2), _a(3)),
    _S("addmm", lambda b, x, y: torch.addmm(b, x, y, beta=0.5, alpha=2),
       lambda b, x, y: 0.5 * b + 2 * x @ y, _a(4), _a(2, 3), _a(3, 4)),
    _S("linear", lambda x, w, b: torch.nn.functional.linear(x, w, b),
       lambda x, w, b: x @ w.T + b, _a(2, 2, 3), _a(4, 3), _a(4)),
    _S("einsum", lambda x, y: torch.einsum("bij,bjk->ik", x, y),
       lambda x, y: np.einsum("bij,bjk->ik", x, y), _a(2, 2, 3), _a(2, 3, 2)),
    _S("tensordot", lambda x, y: torch.tensordot(x, y, 1),
       lambda x, y: np.tensordot(x, y, 1), _a(2, 3), _a(3, 2)),
    _S("inv", lambda x: torch.linalg.inv(x), np.linalg.inv, _spd(3)),
    _S("det", lambda x: torch.linalg.det(x), np.linalg.det, _spd(3)),
    _S("solve", lambda x, y: torch.linalg.solve(x, y), np.linalg.solve, _spd(3), _a(3, 2)),
    _S("svdvals", lambda x: torch.linalg.svdvals(x),
       lambda x: np.linalg.svd(x, compute_uv=False), _a(3, 4)),
    _S("matrix_exp", lambda x: torch.linalg.matrix_exp(x),
       lambda x: sum(np.linalg.matrix_power(x, k) / np.prod(np.arange(1.0, k + 1))
                     for k in range(30)), 0.3 * _a(3, 3)),
]  # fmt: skip

_F = torch.nn.functional
LAYERS = [
    _S("layer_norm", lambda x: _F.layer_norm(x, (4,)), lambda x: _norm(x, (1,)), _a(3, 4)),
    _S("batch_norm", lambda x: _F.batch_norm(x, None, None, training=True),
       lambda x: _norm(x, (0, 2)), _a(3, 2, 4)),
    _S("group_norm", lambda x: _F.group_norm(x, 1), lambda x: _norm(x, (1, 2)), _a(3, 2, 4)),
    _S("rms_norm", lambda x: _F.rms_norm(x, (4,), eps=0.0),
       lambda x: x / np.sqrt((x * x).mean(1, keepdims=True)), _a(3, 4)),
    _S("cross_entropy", lambda x: _F.cross_entropy(x, _index()),
       lambda x: -np.log(_softmax(x))[range(4), _INDEX].mean(), _a(4, 3)),
    _S("mse_loss", lambda x, y: _F.mse_loss(x, y), lambda x, y: ((x - y) ** 2).mean(),
       _a(3, 2), _a(3, 2)),
    _S("embedding", lambda w: _F.embedding(_index(), w), lambda w: w[_INDEX], _a(3, 2)),
    _S("conv1d", lambda x, w: _F.conv1d(x, w),
       lambda x, w: np.einsum("nclk,ock->nol", _windows_1d(x, 3, 1), w), _a(2, 2, 5),
       _a(3, 2, 3)),
    _S("max_pool1d", lambda x: _F.max_pool1d(x, 2), lambda x: _windows_1d(x, 2, 2).max(-1),
       _a(1, 2, 6)),
    _S("avg_pool1d", lambda x: _F.avg_pool1d(x, 3, 1),
       lambda x: _windows_1d(x, 3, 1).mean(-1), _a(1, 2, 6)),
    _S("attention",
       lambda q, k, v: _F.scaled_dot_product_attention(q, k, v, scale=1.0),
       lambda q, k, v: _softmax(q @ k.swapaxes(-1, -2)) @ v,
       _a(1, 2, 3, 4), _a(1, 2, 5, 4), _a(1, 2, 5, 4)),
    _S("pad", lambda x: _F.pad(x, (1, -1), value=2.0),
       lambda x: np.pad(x, ((0, 0), (1, 0)), constant_values=2.0)[:, :-1], _a(2, 3)),
]  # fmt: skip

ALL = VIEWS + COPIES + REDUCTIONS + INDEXING + PRODUCTS + LAYERS
