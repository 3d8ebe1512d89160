"""LBFGS: a quasi-Newton method with limited memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flambeau

from ._pointwise import require
from ._wolfe import strong_wolfe
from .optimizer import Optimizer, ParamsT

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """Minimises over all parameters, one group only, by up to ``max_iter`` iterations.

    ``step`` needs a closure that clears the gradients, computes the loss and calls
    ``backward``. ``line_search_fn`` is None (steps of length ``lr``) or
    "strong_wolfe". Nocedal and Wright, "Numerical Optimization", algorithm 7.4.
    """

    _tensor_steps = False

    def __init__(
        self,
        params: ParamsT,
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        if isinstance(lr, flambeau.Tensor):
            one = lr.numel() == 1
            require("LBFGS", one, "a 1-element tensor lr", f"shape {lr.shape}")
        require("LBFGS", lr >= 0.0, "lr >= 0", lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        groups = len(self.param_groups)
        require("LBFGS", groups == 1, "one parameter group", groups)
        self._params = self.param_groups[0]["params"]

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._params = self.param_groups[0]["params"]

    # -- the parameters as one vector --------------------------------------------------
    def _flat_grad(self) -> Any:
        pieces = []
        for param in self._params:
            grad = param.grad
            if grad is None:
                grad = flambeau.zeros_like(param)
            elif grad.is_sparse:
                grad = grad.to_dense()
            if flambeau.is_complex(grad):
                grad = flambeau.view_as_real(grad)
            pieces.append(grad.detach().reshape(-1))
        return flambeau.cat(pieces)

    def _move(self, length: float, direction: Any) -> None:
        offset = 0
        for param in self._params:
            if flambeau.is_complex(param):
                param = flambeau.view_as_real(param)
            count = param.numel()
            piece = direction[offset : offset + count].view(param.shape)
            param.add_(piece, alpha=length)
            offset += count

    def _try(
        self, closure: Callable[[], Any], start: list[Any], t: float, d: Any
    ) -> tuple[float, Any]:
        """Loss and gradient at ``start + t * d``; the parameters stay at ``start``."""
        self._move(t, d)
        loss = float(closure())
        grad = self._flat_grad()
        for param, value in zip(self._params, start, strict=True):
            param.copy_(value)
        return loss, grad

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Iterate; returns the loss before the first move."""
        if closure is None:
            raise TypeError("LBFGS.step: expected a function for argument 'closure'")

        def evaluate() -> Any:
            with flambeau.enable_grad():
                return closure()

        with flambeau.no_grad():
            first_loss = evaluate()
            self._minimise(evaluate, float(first_loss))
        return first_loss

    def _minimise(self, closure: Callable[[], Any], loss: float) -> None:
        group = self.param_groups[0]
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        state["func_evals"] += 1
        grad = self._flat_grad()
        if grad.abs().max() <= group["tolerance_grad"]:
            return
        lr = float(group["lr"])
        evals, iteration = 1, 0
        while iteration < group["max_iter"]:
            iteration += 1
            state["n_iter"] += 1
            direction = self._direction(state, group, grad)
            previous_grad, previous_loss = grad.clone(), loss
            t = lr
            if state["n_iter"] == 1:
                t = min(1.0, 1.0 / float(grad.abs().sum())) * lr
            slope = float(grad.dot(direction))
            done = slope > -group["tolerance_change"]
            if not done:
                spent, t, loss, grad = self._search(
                    closure, t, direction, loss, grad, slope, iteration
                )
                evals += spent
                state["func_evals"] += spent
                done = (
                    iteration == group["max_iter"]
                    or evals >= group["max_eval"]
                    or bool(grad.abs().max() <= group["tolerance_grad"])
                    or _length(direction, t) <= group["tolerance_change"]
                    or abs(loss - previous_loss) < group["tolerance_change"]
                )
            state.update(
                d=direction, t=t, prev_flat_grad=previous_grad, prev_loss=previous_loss
            )
            if done:
                return

    def _search(
        self,
        closure: Callable[[], Any],
        t: float,
        direction: Any,
        loss: float,
        grad: Any,
        slope: float,
        iteration: int,
    ) -> tuple[int, float, float, Any]:
        """Move along the direction: (evaluations, length, loss and gradient there)."""
        group = self.param_groups[0]
        kind = group["line_search_fn"]
        if kind is not None:
            if kind != "strong_wolfe":
                raise RuntimeError(
                    "LBFGS.step: expected None or 'strong_wolfe' for line_search_fn, "
                    f"got {kind!r}"
                )
            start = [p.clone() for p in self._params]
            found = strong_wolfe(
                lambda length: self._try(closure, start, length, direction),
                t,
                direction,
                loss,
                grad,
                slope,
            )
            loss, grad, t, spent = found
            self._move(t, direction)
            return spent, t, loss, grad
        self._move(t, direction)
        if iteration == group["max_iter"]:  # nobody will ask for this gradient
            return 0, t, loss, grad
        return 1, t, float(closure()), self._flat_grad()

    def _direction(
        self, state: dict[str, Any], group: dict[str, Any], grad: Any
    ) -> Any:
        """Minus the approximate inverse Hessian times the gradient."""
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
            return grad.neg()
        y = grad.sub(state["prev_flat_grad"])
        s = state["d"].mul(state["t"])
        curvature = float(y.dot(s))
        if curvature > 1e-10:
            if len(state["old_dirs"]) == group["history_size"]:
                for key in ("old_dirs", "old_stps", "ro"):
                    state[key].pop(0)
            state["old_dirs"].append(y)
            state["old_stps"].append(s)
            state["ro"].append(1.0 / curvature)
            state["H_diag"] = curvature / float(y.dot(y))
        return _two_loops(state, group["history_size"], grad)


def _two_loops(state: dict[str, Any], history_size: int, grad: Any) -> Any:
    """The two-loop recursion over the stored differences."""
    ys, ss, ro = state["old_dirs"], state["old_stps"], state["ro"]
    al = state.setdefault("al", [None] * history_size)
    q = grad.neg()
    for i in reversed(range(len(ys))):
        al[i] = float(ss[i].dot(q)) * ro[i]
        q.add_(ys[i], alpha=-al[i])
    r = q.mul(state["H_diag"])
    for i in range(len(ys)):
        beta = float(ys[i].dot(r)) * ro[i]
        r.add_(ss[i], alpha=al[i] - beta)
    return r


def _length(direction: Any, t: float) -> float:
    return float(direction.mul(t).abs().max())
