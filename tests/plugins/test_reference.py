"""The reference device: its kernels against those of the CPU backend, on the same
numbers."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import flambeau as fl
import numpy as np
import pytest
from flambeau import _C
from reference_calls import (
    DEVICE,
    FLOATS,
    REAL_OF,
    TOLERANCE,
    agree,
    array,
    close,
    dtype_of,
    empty,
    numbers,
    run,
    shared,
    stepped,
    stepped_back,
    transposed,
)

# Whole vectors of any processor: what is left over loses the sign of its first zero in
# the CPU's kernels.
SHAPE = (4, 32)
KERNELS_PAGE = Path(__file__).parents[2] / "docs" / "extending" / "kernels.md"

UNARY = """neg abs sign sqrt rsqrt reciprocal exp exp2 expm1 log log2 log10 log1p sin
cos tan asin acos atan sinh cosh tanh asinh acosh atanh sigmoid square ceil floor round
trunc frac erf erfc erfinv lgamma digamma relu sgn conj bitwise_not sinc i0 ndtri angle
real imag logical_not isnan isinf isfinite signbit isposinf isneginf""".split()
BINARY = """add sub mul div pow maximum minimum atan2 fmod remainder div_floor div_trunc
eq ne lt le gt ge logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor
shift_left shift_right fmax fmin hypot copysign logaddexp logaddexp2 heaviside gcd lcm
ldexp xlogy xlog1py nextafter make_complex polar""".split()
TRUTHS = """logical_not isnan isinf isfinite signbit isposinf isneginf eq ne lt le gt ge
logical_and logical_or logical_xor""".split()
DIVIDING = ("fmod", "remainder", "div_floor", "div_trunc")
IN_UNIT = ("asin", "acos", "atanh", "erfinv", "ndtri")


# ---- the table -----------------------------------------------------------------------
def primitives() -> list[str]:
    """The names that kernels.md marks P."""
    names: list[str] = []
    for row in KERNELS_PAGE.read_text(encoding="utf-8").splitlines():
        first = row.split("|")[1] if row.startswith("| `") else ""
        for group, mark in re.findall(r"`([^`]*)`\s*(\(P[^)]*\))?", first):
            names += group.split() if mark else []
    return names


def test_has_every_primitive() -> None:
    names = primitives()
    assert len(names) > 60
    assert {"copy", "logical_and", "convolution"} <= set(names)
    assert [n for n in names if not _C._kernel_dtypes(DEVICE, n)] == []


def test_takes_every_dtype_that_the_cpu_takes() -> None:
    missing = {
        name: lost
        for name in primitives()
        if (
            lost := {*_C._kernel_dtypes("cpu", name)}
            - {*_C._kernel_dtypes(DEVICE, name)}
        )
    }
    assert missing == {}


# ---- pointwise -----------------------------------------------------------------------
def result_dtype(name: str, dtype: str) -> str:
    if name in TRUTHS:
        return "bool"
    if name in ("make_complex", "polar"):
        return {"float32": "complex64", "float64": "complex128"}[dtype]
    to_real = name in ("abs", "angle", "real", "imag")
    return REAL_OF.get(dtype, dtype) if to_real else dtype


@pytest.mark.parametrize(("name", "dtype"), shared(UNARY))
def test_unary(name: str, dtype: str) -> None:
    # The CPU's complex reciprocal of 0 and infinity is not C's.
    special = not (name == "reciprocal" and dtype in REAL_OF)
    a = numbers(dtype, SHAPE, special=special)
    if name in IN_UNIT:
        a = a / 8
    out = empty(result_dtype(name, dtype), a.shape)
    for layout in (None, transposed, stepped):
        agree(name, out, a, layout=layout)
    agree(name, out[:0], a[:0])


@pytest.mark.parametrize(("name", "dtype"), shared(BINARY))
def test_binary(name: str, dtype: str) -> None:
    special = not (name in ("div", "pow") and dtype in REAL_OF)
    a, b = (numbers(dtype, SHAPE, seed, special) for seed in (1, 2))
    b = b.flip(-1)
    if name in DIVIDING and dtype not in FLOATS:
        b = b + (b == 0).to(b.dtype)
    out = empty(result_dtype(name, dtype), a.shape)
    for layout in (None, transposed, stepped):
        agree(name, out, a, b, layout=layout)
    agree(name, out, a, b[:1])
    agree(name, out, a[:, :1], b)
    if out.dtype == a.dtype:
        agree(name, out, a, True if dtype == "bool" else 3)
        x = a.to(DEVICE)
        _C._iterate_kernel(name, [x], [x, b.to(DEVICE)])
        close(x, run(name, out, a, b, device="cpu")[0])


@pytest.mark.parametrize("name", DIVIDING)
def test_division_of_integers(name: str) -> None:
    for dtype in ("int8", "int16", "int32", "int64"):
        least = np.iinfo(dtype).min
        a = fl.tensor([least, least, 7, -7, -8, 8], dtype=dtype_of(dtype))
        b = fl.tensor([-1, 3, -3, 3, 2, -2], dtype=dtype_of(dtype))
        agree(name, a, a, b)
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            run(name, a, a, fl.zeros_like(b))


def test_quotients_are_cut_after_they_are_rounded() -> None:
    for dtype, wanted in (("float16", 10), ("bfloat16", 9), ("float32", 10)):
        a, b = (fl.tensor([x], dtype=dtype_of(dtype)) for x in (1.0, 0.1))
        assert run("div_trunc", a, a, b)[0].item() == wanted  # as PyTorch's
        agree("div_trunc", a, a, b)


@pytest.mark.parametrize("source", _C._kernel_dtypes(DEVICE, "copy"))
def test_copy(source: str) -> None:
    for target in _C._kernel_dtypes(DEVICE, "copy"):
        a = numbers(source, SHAPE, special=True)
        agree("copy", empty(target, a.shape), a)
        agree("copy", empty(target, a.shape), a, layout=transposed)
        if source in FLOATS:
            wide = fl.tensor(
                [300.7, -300.2, 1e5, -1e5, 3e9, -3e9, 1e19, -1e19, 1e30, 254.9, -1.5,
                 65519.0, 65520.0, 3.389e38, 3.4e38]
            )  # fmt: skip
            wide = wide.to(dtype_of(source))
            agree("copy", empty(target, wide.shape), wide, tolerance=0.0)


@pytest.mark.parametrize("dtype", _C._kernel_dtypes(DEVICE, "copy"))
def test_where_and_fill(dtype: str) -> None:
    a, b = numbers(dtype, SHAPE, 1, True), numbers(dtype, SHAPE, 2, True)
    condition = numbers("bool", SHAPE)
    agree("where", a, condition, a, b, tolerance=0.0)
    agree("where", a, condition, a[:1], b[:, :1], tolerance=0.0, layout=transposed)
    agree("fill", a, True if dtype == "bool" else 3)
    agree("fill", a, True if dtype == "bool" else 3, layout=stepped)
    agree("add_scaled", a, a, b, attrs=[2 + 0j])


def test_bfloat16_rounds_once() -> None:
    values = [1 + 2.0**-8, 1 + 2.0**-8 + 2.0**-40, 1 + 3 * 2.0**-8, -1 - 2.0**-8]
    values += [1 + 3 * 2.0**-8 - 2.0**-40, 2.0**-134, 3 * 2.0**-135, 1e-45, 3.3e38]
    found = fl.tensor(values, dtype=fl.float64, device=DEVICE).to(fl.bfloat16)
    for value, got in zip(values, array(found).tolist(), strict=True):
        exponent = max(np.frexp(abs(value))[1] - 1, -126) - 7
        unit = Fraction(2) ** int(exponent)
        assert Fraction(got) == round(Fraction(value) / unit) * unit  # ties to even


# ---- reductions, and along one dimension ---------------------------------------------
@pytest.mark.parametrize(
    ("name", "dtype"), shared(["sum", "prod", "amax", "amin", "any", "all"])
)
def test_reduction(name: str, dtype: str) -> None:
    special = name not in ("sum", "prod")
    a = numbers(dtype, (4, 5, 6), special=special)
    if name == "prod":
        a = numbers(dtype, (4, 5, 6)) / 2 if dtype in TOLERANCE else a
    out = "bool" if name in ("any", "all") else dtype
    for kept in ((4, 1, 1), (1, 5, 1), (1, 1, 6), (4, 1, 6), (1, 1, 1), (4, 5, 6)):
        into = empty(out, kept)
        agree(name, into, a)
        agree(name, into.transpose(0, 2), a.transpose(0, 2), layout=transposed)


@pytest.mark.parametrize(
    ("name", "dtype"), shared(["cumsum", "cumprod", "argmax", "argmin", "sort"])
)
def test_along(name: str, dtype: str) -> None:
    special = name not in ("cumsum", "cumprod")
    a = numbers(dtype, (4, 7, 3), special=special)
    if name == "cumprod" and dtype in TOLERANCE:
        a = a / 2
    for dim in range(3):
        if name in ("argmax", "argmin"):
            shape = [1 if d == dim else n for d, n in enumerate(a.shape)]
            out, rest = [empty("int64", shape)], [[dim]]
        elif name == "sort":
            out = [empty(dtype, a.shape), empty("int64", a.shape)]
            rest = [[dim, 0], [dim, 1]]
        else:
            out, rest = [empty(dtype, a.shape)], [[dim]]
        for attrs in rest:
            agree(name, out, a, attrs=attrs, plain=True)
            agree(name, out, a, attrs=attrs, plain=True, layout=lambda t: t.flip(1))


# ---- indexing ------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", _C._kernel_dtypes(DEVICE, "gather"))
def test_gather_and_scatter(dtype: str) -> None:
    # NaN in a product of complex numbers is no matter of agreement.
    special = dtype not in REAL_OF
    a, source = (numbers(dtype, s, 1, special) for s in ((4, 9), (6, 12)))
    random = np.random.default_rng(3)
    for dim in (0, 1):
        index = fl.from_numpy(random.integers(0, a.shape[dim], (4, 9)))[:3]
        agree("gather", empty(dtype, index.shape), a, index, attrs=[dim], plain=True)
        for mode in range(3 if dtype in REAL_OF else 5):
            agree("scatter", a, index, source[:3, :9], attrs=[dim, mode], plain=True)
        for wrong in (a.shape[dim], -1):
            bad = index.clone()
            bad[1, 2] = wrong
            with pytest.raises(IndexError, match=f"index {wrong} is out of bounds"):
                run(
                    "gather", empty(dtype, index.shape), a, bad, attrs=[dim], plain=True
                )


@pytest.mark.parametrize("dtype", _C._kernel_dtypes(DEVICE, "index"))
def test_index_and_index_put(dtype: str) -> None:
    for device in ("cpu", DEVICE):
        a = numbers(dtype, (5, 6, 7), 1).to(device)
        i, j = (fl.tensor(x, device=device) for x in ([0, -5, 4, 0], [-7, 2, 6, -7]))
        b = numbers(dtype, (4, 6), 2).to(device)
        picked = a[i, :, j]
        put, added = a.clone(), a.clone()
        put[i[:3], :, j[:3]] = b[:3]
        added.index_put_((i.reshape(4, 1), fl.arange(6, device=device), j[:, None]), b,
                         accumulate=True)  # fmt: skip
        with pytest.raises(IndexError, match="out of bounds"):
            a[i, :, j + 1]
        if device == "cpu":
            wanted = (picked, put, added)
    for one, other in zip((picked, put, added), wanted, strict=True):
        close(one, other)


@pytest.mark.parametrize("dtype", _C._kernel_dtypes(DEVICE, "iota"))
def test_iota_and_count(dtype: str) -> None:
    whole = dtype in ("bool", "uint8", "int8", "int16", "int32", "int64")
    attrs = [-3, 7] if whole else [-3.25 + 0j, 0.5 + 0j]
    agree("iota", empty(dtype, [9]), attrs=attrs, plain=True)
    agree("iota", empty(dtype, [9]), attrs=attrs, plain=True, layout=stepped)
    a = numbers(dtype, SHAPE, special=True)
    agree("count_nonzero", empty("int64", []), a, plain=True)


# ---- random numbers ------------------------------------------------------------------
@pytest.mark.parametrize("seed", [0, 12345678901234567, -5])
@pytest.mark.parametrize("offset", [3, 2**40 + 1])
def test_random(seed: int, offset: int) -> None:
    for n in (1, 7, 1003):
        for dtype in FLOATS:
            out = empty(dtype, [n])
            for ends in ([0.0, 1.0], [-1.3, 2.7], [1.0, 1.01], [-1e-3, 7e4]):
                agree("uniform", out, attrs=[*ends, seed, offset], plain=True,
                      tolerance=0.0)  # fmt: skip
            agree("normal", out, attrs=[0.5, 2.0, seed, offset], plain=True)
        for dtype in _C._kernel_dtypes(DEVICE, "randint"):
            agree("randint", empty(dtype, [n]), attrs=[-3, 9, seed, offset], plain=True)
        for low, high in ((-(2**63), 2**63 - 1), (0, 2**33 + 7)):
            out = empty("int64", [n])
            agree("randint", out, attrs=[low, high, seed, offset], plain=True)


# ---- products ------------------------------------------------------------------------
@pytest.mark.parametrize(("name", "dtype"), shared(["matmul"]))
def test_products(name: str, dtype: str) -> None:
    a, b, c = (numbers(dtype, s, k) for k, s in enumerate([(2, 3, 6), (2, 6, 5), (5,)]))
    loose = 4e-2 if dtype in ("float16", "bfloat16") else None
    out = empty(dtype, (2, 3, 5))
    agree(name, out, a, b, None, attrs=[2 + 0j, 0j], plain=True, tolerance=loose)
    c = c.expand(2, 3, 5)
    agree(name, out, a, b, c, attrs=[2 + 0j, 3 + 0j], plain=True, tolerance=loose)
    x, y = numbers(dtype, [7], 3), numbers(dtype, [7], 4)
    agree("dot", empty(dtype, []), x, y, plain=True, tolerance=loose)


@pytest.mark.parametrize("spatial", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("transpose", [0, 1])
@pytest.mark.parametrize(
    "form", [(1, 0, 1, 0), (2, 1, 1, 1), (2, 2, 2, 1), (3, 1, 2, 2)]
)
def test_convolution(
    spatial: int, groups: int, transpose: int, form: tuple[int, int, int, int]
) -> None:
    stride, padding, dilation, extra = form
    size, kernel = (9, 8, 7)[:spatial], (3, 2, 2)[:spatial]
    if transpose:
        shape, weight = (
            (4, 6 // groups),
            [
                (n - 1) * stride - 2 * padding + dilation * (k - 1) + 1 + extra
                for n, k in zip(size, kernel, strict=True)
            ],
        )
    else:
        shape, weight = (
            (6, 4 // groups),
            [
                (n + 2 * padding - dilation * (k - 1) - 1) // stride + 1
                for n, k in zip(size, kernel, strict=True)
            ],
        )
    x, w = numbers("float64", (2, 4, *size)), numbers("float64", (*shape, *kernel), 1)
    y, bias = numbers("float64", (2, 6, *weight), 2), numbers("float64", [6], 3)
    attrs = [*([v] * spatial for v in form[:3]), groups, transpose, [extra] * spatial]
    agree("convolution", y, x, w, bias, attrs=attrs, plain=True)
    agree("convolution", y, x, w, None, attrs=attrs, plain=True, layout=stepped_back)
    agree("convolution_input_grad", x, y, w, attrs=attrs, plain=True)
    agree("convolution_weight_grad", w, y, x, attrs=attrs, plain=True)
