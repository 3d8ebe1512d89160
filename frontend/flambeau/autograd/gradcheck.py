"""gradcheck: derivatives by autograd against derivatives by finite differences."""

from __future__ import annotations

import sys
import warnings
from types import ModuleType
from typing import Any

from flambeau import _C
from flambeau._C import Tensor

from . import grad as _grad

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """Raised by gradcheck and gradgradcheck."""


def _tuple(x: Any) -> tuple[Any, ...]:
    return tuple(x) if isinstance(x, (tuple, list)) else (x,)


def _differentiable(x: Any) -> bool:
    return isinstance(x, Tensor) and (x.is_floating_point() or x.is_complex())


def _outputs(func: Any, inputs: tuple[Any, ...]) -> tuple[Tensor, ...]:
    return tuple(o for o in _tuple(func(*inputs)) if _differentiable(o))


def _column(func: Any, inputs: tuple[Any, ...], flat: Tensor, k: int, step: Any) -> Any:
    """Central difference of all outputs along one element of one input."""
    before = flat[k].clone()
    flat[k] = before + step
    high = [o.detach().clone() for o in _outputs(func, inputs)]
    flat[k] = before - step
    low = [o.detach().clone() for o in _outputs(func, inputs)]
    flat[k] = before
    return [
        ((h - lo) / (2 * step)).reshape(-1) for h, lo in zip(high, low, strict=True)
    ]


def _numeric(func: Any, inputs: tuple[Any, ...], x: Tensor, eps: float) -> list[Tensor]:
    """Per output, the matrix d output / d x, [elements of x, elements of output].

    For complex x, entry k holds conj of d/dre + i d/dim: what autograd's gradient of
    the real part would be, output by output.
    """
    flat = x.data.reshape(-1)  # writes through .data leave versions alone
    if flat.data_ptr() != x.data_ptr():
        raise ValueError("gradcheck: expected contiguous inputs")
    columns: list[list[Any]] = []
    for k in range(x.numel()):
        real = _column(func, inputs, flat, k, eps)
        if x.is_complex():
            imag = _column(func, inputs, flat, k, eps * 1j)
            columns.append([(r, i * 1j) for r, i in zip(real, imag, strict=True)])
        else:
            columns.append(real)
    return columns  # type: ignore[return-value]


def _analytic(
    output: Tensor, inputs: tuple[Any, ...], x: Tensor, direction: Tensor
) -> Tensor:
    if not output.requires_grad:
        return _C._ops.zeros_like(x)
    (g,) = _grad((output,), (x,), (direction,), retain_graph=True, allow_unused=True)
    return _C._ops.zeros_like(x) if g is None else g.detach()


def _compare(
    analytic: Tensor, numeric: Tensor, atol: float, rtol: float, where: str, n: int
) -> None:
    close = (analytic - numeric).abs() <= atol + rtol * numeric.abs()
    if bool(close.all()):
        return
    raise GradcheckError(
        f"Jacobian mismatch for {where}, element {n} of the output:\n"
        f"numerical: {numeric.tolist()}\nanalytical: {analytic.tolist()}"
    )


def _expected(
    columns: Any, i: int, j: int, x: Tensor, output: Tensor, by: complex
) -> Any:
    """What the gradient of x is when the output's element j has gradient `by`."""
    values = []
    for column in columns:
        if x.is_complex():
            re, im = column[i][0][j].item(), column[i][1][j].item()
            # d Re(conj(by) * out) along the real and the imaginary axis
            a = (complex(by).conjugate() * re).real
            b = (complex(by).conjugate() * im).real
            values.append(complex(a, b))
        else:
            d = column[i][j].item()
            values.append((complex(by).conjugate() * d).real)
    return _C.tensor(values, dtype=x.dtype, device=x.device).reshape(x.shape)


def _check_pair(
    columns: Any,
    outputs: tuple[Tensor, ...],
    inputs: tuple[Any, ...],
    where: tuple[int, int],
    atol: float,
    rtol: float,
) -> None:
    i, position = where
    x, output = inputs[position], outputs[i]
    for j in range(output.numel()):
        for by in (1, 1j) if output.is_complex() else (1,):
            direction = _C._ops.zeros_like(output).reshape(-1)
            direction[j] = by
            direction = direction.reshape(output.shape)
            found = _analytic(output, inputs, x, direction)
            wanted = _expected(columns, i, j, x, output, by)
            text = f"output {i} with respect to input {position}"
            _compare(found, wanted, atol, rtol, text, j)


def gradcheck(
    func: Any,
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """True when autograd's gradients of func agree with finite differences.

    inputs: tensors, float64 or complex128 where they require grad. GradcheckError, or
    False without raise_exception, when they differ by more than atol + rtol * |value|.
    """
    try:
        _gradcheck(func, _tuple(inputs), eps, atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _gradcheck(
    func: Any, inputs: tuple[Any, ...], eps: float, atol: float, rtol: float
) -> None:
    watched = [
        i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad
    ]
    if not watched:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but "
            "none of "
            "the them have requires_grad=True."
        )
    for i in watched:
        if inputs[i].dtype not in (_C.float64, _C.complex128):
            warnings.warn(
                f"gradcheck: input {i} is not of double precision, so that finite "
                "differences are likely to be too coarse.",
                stacklevel=3,
            )
    with _C._GradGuard(1, -1):
        outputs = _outputs(func, inputs)
        if not any(o.requires_grad for o in outputs):
            if any(o.numel() for o in outputs):
                raise ValueError("gradcheck: no output of func requires grad")
            return
        for position in watched:
            columns = _numeric(func, inputs, inputs[position], eps)
            for i in range(len(outputs)):
                _check_pair(columns, outputs, inputs, (i, position), atol, rtol)


def gradgradcheck(
    func: Any,
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """gradcheck of the gradients of func: its second derivatives.

    grad_outputs: where the first backward starts from; random by default.
    """
    xs = _tuple(inputs)
    if grad_outputs is None:
        grads = tuple(
            _C._ops.randn_like(o, memory_format=_C.contiguous_format).requires_grad_(
                True
            )
            for o in _outputs(func, xs)
            if o.requires_grad
        )
    else:
        grads = _tuple(grad_outputs)
    count = len(xs)

    def first(*everything: Any) -> Any:
        these, starts = everything[:count], everything[count:]
        watched = tuple(x for x in these if isinstance(x, Tensor) and x.requires_grad)
        outputs = tuple(o for o in _outputs(func, these) if o.requires_grad)
        found = _grad(outputs, watched, starts, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(
        first,
        xs + grads,
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
    )


class _Callable(ModuleType):
    # Importing this module puts it in the place of the function autograd.gradcheck.
    def __call__(self, *args: Any, **kwargs: Any) -> bool:
        return gradcheck(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
