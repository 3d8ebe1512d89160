"""`einsum`: sums of products named by letters, contracted from left to right."""

from __future__ import annotations

from typing import Any

from . import _C
from ._C import Tensor

_ops = _C._ops
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def einsum(*args: Any) -> Tensor:
    """Sums of products: `einsum("ij,jk->ik", a, b)`.

    An ellipsis stands for dimensions that broadcast; without "->" the letters that
    occur once come out, in alphabetical order. RuntimeError where sizes disagree.
    """
    equation, operands = _arguments(args)
    if not operands:
        raise ValueError("einsum(): must provide at least one operand")
    inputs, output = _parse(equation, operands)
    terms = [_single(t, names) for t, names in zip(operands, inputs, strict=False)]
    sizes = _sizes(terms)
    result, names = terms[0]
    result, names = _drop(result, names, [n for _, n in terms[1:]], output)
    for i, (t, other) in enumerate(terms[1:], 1):
        later = [n for _, n in terms[i + 1 :]]
        t, other = _drop(t, other, [names, *later], output)
        keep = set(output).union(*later)
        result, names = _pair(result, names, t, other, keep, sizes)
    return _ordered(result, names, output)


def _arguments(args: tuple[Any, ...]) -> tuple[str, list[Tensor]]:
    if len(args) < 2 and not (args and isinstance(args[0], str)):
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or "
            "at "
            "least one operand and its subscripts list"
        )
    if isinstance(args[0], Tensor):
        return _from_sublists(args)
    operands = list(args[1:])
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = list(operands[0])
    return args[0], operands


def _from_sublists(args: tuple[Any, ...]) -> tuple[str, list[Tensor]]:
    def text(subscripts: Any) -> str:
        out = ""
        for s in subscripts:
            if s is Ellipsis:
                out += "..."
            elif isinstance(s, int) and 0 <= s < len(_LETTERS):
                out += _LETTERS[s]
            else:
                raise ValueError(
                    f"einsum(): subscript {s} is not within the valid range [0, 52)"
                )
        return out

    pairs = len(args) // 2
    equation = ",".join(text(args[2 * i + 1]) for i in range(pairs))
    if len(args) % 2:
        equation += "->" + text(args[-1])
    return equation, [args[2 * i] for i in range(pairs)]


def _parse(equation: str, operands: list[Tensor]) -> tuple[list[list[str]], list[str]]:
    """One name per dimension of each operand and of the output.

    Names of dimensions under an ellipsis are digits, counted from the right.
    """
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    parts = left.split(",")
    if len(parts) != len(operands):
        raise RuntimeError(
            "einsum(): fewer or more operands were provided than specified in the "
            f"equation: {len(operands)} for {equation!r}"
        )
    inputs = [
        _names(p, t.dim(), i)
        for i, (p, t) in enumerate(zip(parts, operands, strict=False))
    ]
    hidden = max((sum(n.isdigit() for n in names) for names in inputs), default=0)
    ellipsis = [str(d) for d in reversed(range(hidden))]
    if not arrow:
        once = [n for n in sorted({*left} & {*_LETTERS}) if left.count(n) == 1]
        return inputs, ellipsis + once
    before, dots, after = right.partition("...")
    output = [*before, *(ellipsis if dots else []), *after]
    known = {n for names in inputs for n in names}
    for n in output:
        if n not in known and not n.isdigit():
            raise RuntimeError(
                f"einsum(): output subscript {n} does not appear in the equation for "
                "any input operand"
            )
        if output.count(n) > 1:
            raise RuntimeError(
                f"einsum(): output subscript {n} appears more than once in the output"
            )
    return inputs, output


def _names(part: str, dims: int, which: int) -> list[str]:
    before, dots, after = part.partition("...")
    for c in before + after:
        if c not in _LETTERS:
            raise RuntimeError(
                f"einsum(): invalid subscript given for operand {which}: '{c}', "
                "subscripts must be in [a-zA-Z]"
            )
    hidden = dims - len(before) - len(after)
    if hidden < 0 or (hidden and not dots):
        raise RuntimeError(
            "einsum(): the number of subscripts in the equation "
            f"({len(before + after)}) "
            f"does not match the number of dimensions ({dims}) for operand {which}"
            + ("" if hidden < 0 else " and no ellipsis was given")
        )
    return [*before, *(str(d) for d in reversed(range(hidden))), *after]


def _single(t: Tensor, names: list[str]) -> tuple[Tensor, list[str]]:
    """Repeated names become diagonals."""
    d = 0
    while d < len(names):
        first = names.index(names[d])
        if first == d:
            d += 1
            continue
        if t.size(first) != t.size(d):
            raise RuntimeError(
                f"einsum(): subscript {names[d]} is repeated but the sizes don't "
                "match: "
                f"{t.size(d)} != {t.size(first)}"
            )
        t = t.diagonal(0, first, d).movedim(-1, first)
        names = names[:d] + names[d + 1 :]
    return t, list(names)


def _sizes(terms: list[tuple[Tensor, list[str]]]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for i, (t, names) in enumerate(terms):
        for n, size in zip(names, t.shape, strict=False):
            have = sizes.get(n, 1)
            if have != 1 and size != 1 and have != size:
                raise RuntimeError(
                    f"einsum(): subscript {n} has size {size} for operand {i} which "
                    f"does not broadcast with previously seen size {have}"
                )
            sizes[n] = size if have == 1 else have
    return sizes


def _drop(
    t: Tensor, names: list[str], others: list[list[str]], output: list[str]
) -> tuple[Tensor, list[str]]:
    """Sum over what nobody else wants."""
    wanted = set(output).union(*others) if others else set(output)
    over = [d for d, n in enumerate(names) if n not in wanted]
    if not over:
        return t, names
    return t.sum(over), [n for n in names if n in wanted]


def _pair(
    a: Tensor,
    names_a: list[str],
    b: Tensor,
    names_b: list[str],
    keep: set[str],
    sizes: dict[str, int],
) -> tuple[Tensor, list[str]]:
    """The product of two terms, summed over names that are not kept."""
    common = [n for n in names_a if n in names_b]
    # A size of one under a common name broadcasts: it cannot be part of a product of
    # matrices, and is summed over (trivially) or left to the batch.
    summed = []
    for n in common:
        if n in keep:
            continue
        x, y = a.size(names_a.index(n)), b.size(names_b.index(n))
        if x == y:
            summed.append(n)
        elif x == 1:
            b, names_b = _without(b, names_b, n)
            a, names_a = _squeezed(a, names_a, n)
        else:
            a, names_a = _without(a, names_a, n)
            b, names_b = _squeezed(b, names_b, n)
    batch = [n for n in names_a if n in names_b and n not in summed]
    free_a = [n for n in names_a if n not in batch and n not in summed]
    free_b = [n for n in names_b if n not in batch and n not in summed]
    if not summed:
        return _elementwise(a, names_a, b, names_b, batch, free_a, free_b)
    left = _matrix(a, names_a, batch, free_a, summed, sizes)
    right = _matrix(b, names_b, batch, summed, free_b, sizes)
    shape = [sizes[n] for n in batch] + [a.size(names_a.index(n)) for n in free_a]
    shape += [b.size(names_b.index(n)) for n in free_b]
    return (left @ right).reshape(shape), batch + free_a + free_b


def _without(t: Tensor, names: list[str], n: str) -> tuple[Tensor, list[str]]:
    return t.sum(names.index(n)), [m for m in names if m != n]


def _squeezed(t: Tensor, names: list[str], n: str) -> tuple[Tensor, list[str]]:
    return t.squeeze(names.index(n)), [m for m in names if m != n]


def _elementwise(
    a: Tensor,
    names_a: list[str],
    b: Tensor,
    names_b: list[str],
    batch: list[str],
    free_a: list[str],
    free_b: list[str],
) -> tuple[Tensor, list[str]]:
    left = a.permute([names_a.index(n) for n in batch + free_a])
    right = b.permute([names_b.index(n) for n in batch + free_b])
    left = left.reshape([*left.shape, *(1 for _ in free_b)])
    n = len(batch)
    right = right.reshape([*right.shape[:n], *(1 for _ in free_a), *right.shape[n:]])
    return left * right, batch + free_a + free_b


def _matrix(
    t: Tensor,
    names: list[str],
    batch: list[str],
    rows: list[str],
    columns: list[str],
    sizes: dict[str, int],
) -> Tensor:
    """As [batch, rows, columns]; sizes of one in the batch are expanded."""
    order = batch + rows + columns
    t = t.permute([names.index(n) for n in order])
    full = [sizes[n] for n in batch] + list(t.shape[len(batch) :])
    t = t.expand(full)
    m = k = 1
    for s in full[len(batch) : len(batch) + len(rows)]:
        m *= s
    for s in full[len(batch) + len(rows) :]:
        k *= s
    lead = 1
    for s in full[: len(batch)]:
        lead *= s
    return t.reshape([lead, m, k] if batch else [m, k])


def _ordered(t: Tensor, names: list[str], output: list[str]) -> Tensor:
    over = [d for d, n in enumerate(names) if n not in output]
    if over:
        t, names = t.sum(over), [n for n in names if n in output]
    order = [names.index(n) for n in output if n in names]
    if order != list(range(len(order))):
        t = t.permute(order)
    return t
