"""assert_close: values, shapes, dtypes and devices, with the worst differences told."""

from __future__ import annotations

import math
from typing import Any

from flambeau import _C
from flambeau._C import Tensor

__all__ = ["assert_allclose", "assert_close", "default_tolerances"]

_TOLERANCES: dict[Any, tuple[float, float]] = {
    _C.float16: (1e-3, 1e-5),
    _C.bfloat16: (1.6e-2, 1e-5),
    _C.float32: (1.3e-6, 1e-5),
    _C.float64: (1e-7, 1e-7),
    _C.complex64: (1.3e-6, 1e-5),
    _C.complex128: (1e-7, 1e-7),
}


def default_tolerances(*inputs: Any) -> tuple[float, float]:
    """(rtol, atol): the coarsest of the dtypes of these tensors or dtypes."""
    dtypes = [x.dtype if isinstance(x, Tensor) else x for x in inputs]
    pairs = [_TOLERANCES.get(d, (0.0, 0.0)) for d in dtypes]
    return max(r for r, _ in pairs), max(a for _, a in pairs)


class _Options:
    def __init__(self, **kwargs: Any) -> None:
        self.__dict__.update(kwargs)

    rtol: float | None
    atol: float | None
    equal_nan: bool
    check_device: bool
    check_dtype: bool
    check_layout: bool
    check_stride: bool
    allow_subclasses: bool
    msg: Any


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: Any = None,
) -> None:
    """AssertionError unless |actual - expected| <= atol + rtol * |expected| everywhere.

    Tensors, numbers, and sequences and mappings of them. Tolerances default by dtype;
    both or none must be given. TypeError for what cannot be compared.
    """
    if (rtol is None) != (atol is None):
        raise ValueError(
            "rtol and atol must both be specified or both be unspecified, got "
            f"rtol={rtol} and atol={atol}"
        )
    options = _Options(
        rtol=rtol,
        atol=atol,
        equal_nan=equal_nan,
        check_device=check_device,
        check_dtype=check_dtype,
        check_layout=check_layout,
        check_stride=check_stride,
        allow_subclasses=allow_subclasses,
        msg=msg,
    )
    _compare(actual, expected, options, "")


def assert_allclose(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = True,
    msg: str = "",
) -> None:
    """An old name of assert_close, without checks of dtype and device."""
    assert_close(
        _tensor(actual),
        _tensor(expected),
        rtol=rtol,
        atol=atol,
        equal_nan=equal_nan,
        check_device=False,
        check_dtype=False,
        msg=msg or None,
    )


def _tensor(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else _C.as_tensor(x)


def _fail(options: _Options, text: str, where: str) -> None:
    full = text + (f"\nThe failure occurred for item {where}" if where else "")
    if callable(options.msg):
        full = options.msg(full)
    elif options.msg is not None:
        full = options.msg
    raise AssertionError(full)


def _compare(actual: Any, expected: Any, options: _Options, where: str) -> None:
    if isinstance(actual, Tensor) and isinstance(expected, Tensor):
        _compare_tensors(actual, expected, options, where)
    elif isinstance(actual, str) or isinstance(expected, str):
        raise TypeError(
            "No comparison pair was able to handle inputs of type "
            f"{type(actual)} and {type(expected)}."
        )
    elif isinstance(actual, dict) and isinstance(expected, dict):
        if actual.keys() != expected.keys():
            _fail(
                options,
                f"The keys of the mappings do not match: missing "
                f"{sorted(expected.keys() - actual.keys())}, additional "
                f"{sorted(actual.keys() - expected.keys())}",
                where,
            )
        for key in actual:
            _compare(actual[key], expected[key], options, f"{where}[{key!r}]")
    elif _is_sequence(actual) and _is_sequence(expected):
        if len(actual) != len(expected):
            _fail(
                options,
                f"The length of the sequences mismatch: {len(actual)} != "
                f"{len(expected)}",
                where,
            )
        for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
            _compare(a, e, options, f"{where}[{i}]")
    elif actual is None or expected is None:
        if actual is not expected:
            _fail(options, f"None mismatch: {actual} is not {expected}", where)
    else:
        _compare_others(actual, expected, options, where)


def _is_sequence(x: Any) -> bool:
    return isinstance(x, (list, tuple))


def _compare_others(actual: Any, expected: Any, options: _Options, where: str) -> None:
    """Numbers, arrays, or a tensor beside one of them."""
    if type(actual) is bool or type(expected) is bool:
        if bool(actual) != bool(expected):
            _fail(options, f"Booleans mismatch: {actual} is not {expected}", where)
        return
    for x in (actual, expected):
        if not isinstance(x, (int, float, complex, Tensor)) and not hasattr(
            x, "__array_interface__"
        ):
            raise TypeError(f"assert_close: cannot compare a {type(x).__name__}")
    both = isinstance(actual, (int, float, complex)) and isinstance(
        expected, (int, float, complex)
    )
    a = _C.as_tensor(actual, dtype=_number_dtype(actual) if both else None)
    e = _C.as_tensor(expected, dtype=_number_dtype(expected) if both else None)
    if isinstance(actual, Tensor) != isinstance(expected, Tensor) and not both:
        raise TypeError(
            f"assert_close: cannot compare {type(actual).__name__} with "
            f"{type(expected).__name__}"
        )
    relaxed = _Options(
        **{**options.__dict__, "check_dtype": options.check_dtype and both}
    )
    _compare_tensors(a, e, relaxed if not both else _numbers(options), where)


def _numbers(options: _Options) -> _Options:
    return _Options(**{**options.__dict__, "check_dtype": False})


def _number_dtype(x: Any) -> Any:
    kinds = {int: _C.int64, float: _C.float64, complex: _C.complex128}
    return kinds.get(type(x))


def _compare_tensors(a: Tensor, e: Tensor, options: _Options, where: str) -> None:
    def mismatch(what: str, left: Any, right: Any) -> None:
        _fail(
            options,
            f"The values for attribute '{what}' do not match: {left} != {right}.",
            where,
        )

    if a.shape != e.shape:
        mismatch("shape", a.shape, e.shape)
    if options.check_device and a.device != e.device:
        mismatch("device", a.device, e.device)
    if options.check_dtype and a.dtype != e.dtype:
        mismatch("dtype", a.dtype, e.dtype)
    if options.check_stride and a.stride() != e.stride():
        mismatch("stride()", a.stride(), e.stride())
    if options.rtol is None or options.atol is None:
        rtol, atol = default_tolerances(a, e)
    else:
        rtol, atol = options.rtol, options.atol
    with _C._GradGuard(0, -1):
        kind = _C.promote_types(a.dtype, e.dtype)
        if kind in (_C.float16, _C.bfloat16):
            kind = _C.float32
        left, right = a.detach().cpu().to(kind), e.detach().cpu().to(kind)
        _compare_values(left, right, rtol, atol, options, where)


def _close(a: Tensor, e: Tensor, rtol: float, atol: float, equal_nan: bool) -> Tensor:
    if not (a.is_floating_point() or a.is_complex()):
        if rtol == 0 and atol == 0:
            return a == e
        a, e = a.double(), e.double()
    ok = a == e
    ok = ok | (((a - e).abs() <= atol + rtol * e.abs()) & e.isfinite() & a.isfinite())
    if equal_nan:
        ok = ok | (a.isnan() & e.isnan())
    return ok


def _compare_values(
    a: Tensor, e: Tensor, rtol: float, atol: float, options: _Options, where: str
) -> None:
    ok = _close(a, e, rtol, atol, options.equal_nan)
    if bool(ok.all()):
        return
    bad = int((~ok).sum().item())
    if a.numel() == 1:
        text = (
            f"Scalars are not close!\n\nExpected {e.item()} but got {a.item()}.\n"
            f"Absolute difference: {abs(a.item() - e.item())} (up to {atol} allowed)\n"
            f"Relative difference: {_relative(a.item(), e.item())} (up to {rtol} "
            "allowed)"
        )
        _fail(options, text, where)
    wide = _C.complex128 if a.is_complex() else _C.float64
    difference = (a.to(wide) - e.to(wide)).abs().flatten()
    relative = difference / e.to(wide).abs().flatten()
    difference = difference.masked_fill(ok.flatten(), 0)
    relative = relative.masked_fill(ok.flatten(), 0)
    worst, most = int(difference.argmax().item()), int(relative.argmax().item())
    text = (
        f"Tensor-likes are not close!\n\nMismatched elements: {bad} / {a.numel()} "
        f"({100 * bad / a.numel():.1f}%)\n"
        f"Greatest absolute difference: {difference[worst].item()} at index "
        f"{_position(worst, a)} (up to {atol} allowed)\n"
        f"Greatest relative difference: {relative[most].item()} at index "
        f"{_position(most, a)} (up to {rtol} allowed)"
    )
    _fail(options, text, where)


def _relative(a: Any, e: Any) -> float:
    return abs(a - e) / abs(e) if e else math.inf


def _position(flat: int, t: Tensor) -> tuple[int, ...]:
    out = []
    for n in reversed(t.shape):
        out.append(flat % n)
        flat //= n
    return tuple(reversed(out))
