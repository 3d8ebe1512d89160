"""Not primitives, but nothing composes them: Fourier transforms, and factorisations of
batches [b, m, n] of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dtypes import COMPLEX, inputs, store

SINGLES = ("float32", "float64")
FIELDS = SINGLES + COMPLEX


def store_all(call: Any, *values: Any) -> None:
    """To the outputs that are there."""
    for out, dtype, value in zip(call.outputs, call.dtypes, values, strict=False):
        if out is not None and value is not None:
            store(out, dtype, value)


# ---- Fourier transforms; the scale is an attribute -----------------------------------
def fft_c2c(call: Any) -> None:
    a, dims = inputs(call)[0], call.ints(0)
    forward, back = np.fft.fftn, np.fft.ifftn
    values = forward(a, axes=dims) if call.i(1) else back(a, axes=dims, norm="forward")
    store_all(call, values * call.f(2))


def fft_r2c(call: Any) -> None:
    store_all(call, np.fft.rfftn(inputs(call)[0], axes=call.ints(0)) * call.f(1))


def fft_c2r(call: Any) -> None:
    dims = call.ints(0)
    sizes = [call.outputs[0].shape[d] for d in dims]
    values = np.fft.irfftn(inputs(call)[0], sizes, dims, norm="forward")
    store_all(call, values * call.f(1))


# ---- factorisations; info is 0, or the first column (from 1) that is at fault --------
def transposed(a: Any, conjugate: bool = True) -> Any:
    return a.swapaxes(1, 2).conj() if conjugate else a.swapaxes(1, 2)


def factors(a: Any) -> bool:
    try:
        np.linalg.cholesky(a)
    except np.linalg.LinAlgError:
        return False
    return True


def cholesky(call: Any) -> None:
    a, upper = inputs(call)[0], call.i(0)
    if upper:
        a = transposed(a)
    info = [0 if factors(m) else 1 for m in a]
    for i, m in enumerate(a):
        while info[i] and factors(m[: info[i], : info[i]]):
            info[i] += 1
    low = np.tril(a)
    good = np.equal(info, 0)
    low[good] = np.linalg.cholesky(a[good])
    store_all(call, transposed(low) if upper else low, info)


def lu(a: Any) -> tuple[Any, Any, Any]:
    """L below U, the row (from 1) that changed places with each, info."""
    a = a.copy()
    k = min(a.shape[1:])
    pivots, info = np.zeros((len(a), k), np.int32), np.zeros(len(a), np.int32)
    for i, m in enumerate(a):
        for j in range(k):
            size = np.abs(m[j:, j].real) + np.abs(m[j:, j].imag)  # as LAPACK's
            p = j + int(np.argmax(size))
            pivots[i, j] = p + 1
            m[[j, p]] = m[[p, j]]
            if m[j, j] == 0:
                info[i] = info[i] or j + 1
                continue
            m[j + 1 :, j] /= m[j, j]
            m[j + 1 :, j + 1 :] -= np.outer(m[j + 1 :, j], m[j, j + 1 :])
    return a, pivots, info


def lu_factor(call: Any) -> None:
    store_all(call, *lu(inputs(call)[0]))


def substitute(a: Any, b: Any, upper: bool, unit: bool) -> Any:
    """x of a x = b with a triangular; a zero on the diagonal gives inf and NaN."""
    x, n = b.copy(), a.shape[1]
    for k in reversed(range(n)) if upper else range(n):
        done = slice(k + 1, n) if upper else slice(k)
        row = x[:, k] - np.matmul(a[:, k : k + 1, done], x[:, done])[:, 0]
        x[:, k] = row if unit else row / a[:, k, k, None]
    return x


def solved(a: Any, pivots: Any, b: Any, adjoint: int) -> Any:
    """x of A x = b, of Aᵀ x = b or of Aᴴ x = b, with the factors of A."""
    b = b.copy()
    if adjoint:
        a = transposed(a, adjoint == 2)
        b = substitute(a, substitute(a, b, False, False), True, True)
    rows = range(a.shape[1])
    for i, changes in enumerate(pivots):
        for j in reversed(rows) if adjoint else rows:
            p = changes[j] - 1
            b[i, [j, p]] = b[i, [p, j]]
    return b if adjoint else substitute(a, substitute(a, b, False, True), True, False)


def lu_solve(call: Any) -> None:
    store_all(call, solved(*inputs(call), call.i(0)))


def inv(call: Any) -> None:
    a, pivots, info = lu(inputs(call)[0])
    one = np.broadcast_to(np.eye(a.shape[1], dtype=a.dtype), a.shape)
    store_all(call, solved(a, pivots, one, 0), info)


def triangular_solve(call: Any) -> None:
    a, b = inputs(call)
    upper, unit, transpose = call.i(0), call.i(1), call.i(2)
    if transpose:
        a, upper = transposed(a, transpose == 2), not upper
    store_all(call, substitute(a, b, upper, unit))


def qr(call: Any) -> None:
    mode = "complete" if call.i(0) else "reduced"
    store_all(call, *np.linalg.qr(inputs(call)[0], mode))


def svd(call: Any) -> None:
    a, full, vectors = inputs(call)[0], bool(call.i(0)), bool(call.i(1))
    found = np.linalg.svd(a, full, vectors)
    store_all(call, *(found if vectors else (None, found)))


def eigh(call: Any) -> None:
    store_all(call, *np.linalg.eigh(inputs(call)[0], "U" if call.i(0) else "L"))


def eig(call: Any) -> None:
    store_all(call, *np.linalg.eig(inputs(call)[0]))


def lstsq(call: Any) -> None:
    a, b = inputs(call)
    found = [np.linalg.lstsq(m, y, call.f(0)) for m, y in zip(a, b, strict=True)]
    store_all(call, *(np.array([f[k] for f in found]) for k in (0, 2, 3)))


KERNELS = {
    "fft_c2c": (fft_c2c, COMPLEX),
    "fft_r2c": (fft_r2c, SINGLES),
    "fft_c2r": (fft_c2r, COMPLEX),
    **{
        f.__name__: (f, FIELDS)
        for f in (
            cholesky, eig, eigh, inv, lstsq, lu_factor, lu_solve, qr, svd,
            triangular_solve,
        )
    },
}  # fmt: skip
