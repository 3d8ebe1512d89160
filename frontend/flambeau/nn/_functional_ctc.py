"""Connectionist temporal classification."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau._C import Tensor

from . import _reduction as red

# Note [CTC]
# The target of length S becomes 2 S + 1 states, blanks around every label. alpha[t, s]
# is the log-probability of all ways to be in state s after t + 1 steps, beta[t, s] of
# all ways on from there, both counting step t (Graves et al., 2006). The gradient is
# that of the loss by the logits of a softmax that made log_probs, which is what callers
# apply: exp(log_probs) - posterior.


def _states(targets: Tensor, lengths: Tensor, width: int, blank: int) -> Any:
    """The states' labels (N, 2 S + 1), and where a step may skip the blank before."""
    n = lengths.numel()
    labels = targets.new_full((n, 2 * width + 1), blank)
    if width:
        if targets.dim() == 2:
            labels[:, 1::2] = targets[:, :width]
        else:
            ends = lengths.cumsum(0)
            starts = (ends - lengths).unsqueeze(1)
            at = starts + flambeau.arange(width, device=targets.device)
            if targets.numel():
                flat = targets.index_select(
                    0, at.clamp(max=targets.numel() - 1).reshape(-1)
                )
                labels[:, 1::2] = flat.reshape(n, width)
        dead = flambeau.arange(width, device=targets.device) >= lengths.unsqueeze(1)
        labels[:, 1::2] = labels[:, 1::2].masked_fill(dead, blank)
    skip = flambeau.zeros_like(labels, dtype=flambeau.bool)
    skip[:, 2:] = (labels[:, 2:] != blank) & (labels[:, 2:] != labels[:, :-2])
    return labels, skip


def _shift(x: Tensor, by: int, fill: float) -> Tensor:
    """The states moved on by `by` (back if negative), `fill` coming in."""
    if by > 0:
        return flambeau.constant_pad_nd(x, [by, 0], fill)[:, : x.size(1)]
    return flambeau.constant_pad_nd(x, [0, -by], fill)[:, -by:]


_NEVER = float("-inf")


def _step(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """log(exp a + exp b + exp c), also where all three are minus infinity."""
    top = flambeau.maximum(flambeau.maximum(a, b), c)
    safe = top.masked_fill(top == _NEVER, 0.0)
    return ((a - safe).exp() + (b - safe).exp() + (c - safe).exp()).log() + safe


def _forward_pass(emit: Tensor, skip: Tensor) -> list[Tensor]:
    """alpha for every step; `emit` is (T, N, states)."""
    alpha = flambeau.full_like(emit[0], _NEVER)
    alpha[:, :2] = emit[0][:, :2]
    all_steps = [alpha]
    for t in range(1, emit.size(0)):
        jump = _shift(alpha, 2, _NEVER).masked_fill(~skip, _NEVER)
        alpha = _step(alpha, _shift(alpha, 1, _NEVER), jump) + emit[t]
        all_steps.append(alpha)
    return all_steps


def _backward_pass(
    emit: Tensor, skip: Tensor, final: Tensor, lengths: Tensor
) -> list[Tensor]:
    """beta for every step; each sample starts at its own last one."""
    beta = flambeau.full_like(emit[0], _NEVER)
    steps: list[Tensor] = []
    for t in range(emit.size(0) - 1, -1, -1):
        jump = _shift(beta.masked_fill(~skip, _NEVER), -2, _NEVER)
        on = _step(beta, _shift(beta, -1, _NEVER), jump) + emit[t]
        last = (lengths - 1 == t).unsqueeze(1)
        start = emit[t].masked_fill(~final, _NEVER)
        beta = flambeau.where(last, start, on)
        beta = beta.masked_fill((lengths - 1 < t).unsqueeze(1), _NEVER)
        steps.append(beta)
    return steps[::-1]


class _CTC(flambeau.autograd.Function):
    """Losses (N) of log_probs (T, N, C), with the gradient that the note describes."""

    @staticmethod
    def forward(
        ctx: Any,
        log_probs: Tensor,
        labels: Tensor,
        skip: Tensor,
        input_lengths: Tensor,
        target_lengths: Tensor,
        zero_infinity: bool,
    ) -> Tensor:
        steps = log_probs.size(0)
        n, width = labels.shape
        at = labels.unsqueeze(0).expand(steps, n, width)
        emit = log_probs.gather(2, at)
        alphas = flambeau.stack(_forward_pass(emit, skip))
        state = flambeau.arange(width, device=labels.device)
        ends = 2 * target_lengths.unsqueeze(1)
        final = (state == ends) | (state == ends - 1)
        last = (input_lengths - 1).clamp(min=0).reshape(1, n, 1).expand(1, n, width)
        arrived = alphas.gather(0, last).squeeze(0).masked_fill(~final, _NEVER)
        loss = -flambeau.logsumexp(arrived, 1)
        empty = flambeau.where(target_lengths == 0, 0.0, float("inf")).to(loss.dtype)
        loss = flambeau.where(input_lengths == 0, empty, loss)
        ctx.save_for_backward(log_probs, labels, emit, alphas, skip, final)
        ctx.lengths, ctx.zero_infinity = input_lengths, zero_infinity
        ctx.loss = loss.detach()
        return loss.masked_fill(loss == float("inf"), 0) if zero_infinity else loss

    @staticmethod
    @flambeau.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Any:
        log_probs, labels, emit, alphas, skip, final = ctx.saved_tensors
        lengths, loss = ctx.lengths, ctx.loss
        betas = flambeau.stack(_backward_pass(emit, skip, final, lengths))
        # alpha and beta both count the emission of their step.
        paths = (alphas + betas - emit + loss.reshape(1, -1, 1)).exp()
        paths = paths.masked_fill(alphas + betas == _NEVER, 0)
        at = labels.unsqueeze(0).expand_as(paths)
        posterior = flambeau.zeros_like(log_probs).scatter_add(2, at, paths)
        result = (log_probs.exp() - posterior) * grad.reshape(1, -1, 1)
        steps = flambeau.arange(log_probs.size(0), device=lengths.device)
        over = steps.unsqueeze(1) >= lengths.unsqueeze(0)
        result = result.masked_fill(over.unsqueeze(2), 0)
        if ctx.zero_infinity:
            lost = (loss == float("inf")).reshape(1, -1, 1)
            result = result.masked_fill(lost, 0)
        return result, None, None, None, None, None


def _lengths(values: Any, like: Tensor) -> Tensor:
    if isinstance(values, Tensor):
        if values.is_floating_point():
            raise RuntimeError(
                f"ctc_loss: expected integral lengths, got {values.dtype}"
            )
        return values.to(like.device, flambeau.int64).reshape(-1)
    return flambeau.tensor(list(values), dtype=flambeau.int64, device=like.device)


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """-log of the targets' probability under log_probs, (T, N, C) or (T, C).

    targets: (N, S), or all in one row; lengths: one for each sample.
    reduction: "mean" divides each loss by its target's length first.
    zero_infinity: count targets too long for their input as 0.
    """
    batched = log_probs.dim() == 3
    if not batched:
        log_probs = log_probs.unsqueeze(1)
    steps, n, classes = log_probs.shape
    ins, outs = _lengths(input_lengths, log_probs), _lengths(target_lengths, log_probs)
    if not 0 <= blank < classes:
        raise RuntimeError(f"ctc_loss: blank must be in label range, got {blank}")
    if ins.numel() != n or outs.numel() != n:
        raise RuntimeError(
            "ctc_loss: input_lengths and target_lengths must be of size batch_size "
            f"{n},"
            f" got {ins.numel()} and {outs.numel()}"
        )
    if n and not (int(ins.min()) >= 0 and int(ins.max()) <= steps):
        raise RuntimeError(
            f"ctc_loss: Expected input_lengths to have value at most {steps} and at "
            f"least 0, but got {ins.tolist()}"
        )
    longest = int(outs.max()) if n else 0
    if n and int(outs.min()) < 0:
        raise RuntimeError(
            f"ctc_loss: Expected target_lengths to have value at least 0, but got "
            f"{outs.tolist()}"
        )
    if targets.dim() == 1 and batched and int(outs.sum()) != targets.numel():
        raise RuntimeError(
            f"ctc_loss: Expected tensor to have size {int(outs.sum())} at dimension 0, "
            f"but got size {targets.numel()} for argument 'targets'"
        )
    if targets.dim() == 2 and targets.size(1) < longest:
        raise RuntimeError(
            f"ctc_loss: Expected tensor to have size at least {longest} at dimension "
            "1, "
            f"but got size {targets.size(1)} for argument 'targets'"
        )
    goal = targets.to(log_probs.device, flambeau.int64)
    labels, skip = _states(goal, outs, longest, blank)
    loss = _CTC.apply(log_probs, labels, skip, ins, outs, zero_infinity)
    if reduction == "mean":
        return (loss / outs.clamp(min=1).to(loss.dtype)).mean()
    if reduction == "none" and not batched:
        return loss.squeeze(0)
    return red.apply(loss, reduction)
