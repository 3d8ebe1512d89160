"""Switches of recording, as context managers and decorators."""

from __future__ import annotations

from flambeau import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = [
    "enable_grad",
    "inference_mode",
    "no_grad",
    "set_grad_enabled",
    "set_multithreading_enabled",
]

_GENERATOR = 0x20  # of a code object's flags


def _decorate(guard: Any, function: Any) -> Any:
    """`function` run under a fresh copy of the guard at each call."""
    from functools import wraps

    if isinstance(function, type):
        function.__init__ = _decorate(guard, function.__init__)  # type: ignore[misc]
        return function
    code = getattr(function, "__code__", None)
    if code is not None and code.co_flags & _GENERATOR:
        return _decorate_generator(guard, function)

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with guard.clone():
            return function(*args, **kwargs)

    return wrapper


def _decorate_generator(guard: Any, function: Any) -> Any:
    """The mode holds while the generator runs, not while it waits."""
    from functools import wraps

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        generator = function(*args, **kwargs)
        with guard.clone():
            try:
                value = next(generator)
            except StopIteration as stop:
                return stop.value
        while True:
            try:
                sent = yield value
            except GeneratorExit:
                with guard.clone():
                    generator.close()
                raise
            except BaseException as error:
                with guard.clone():
                    try:
                        value = generator.throw(error)
                    except StopIteration as stop:
                        return stop.value
            else:
                with guard.clone():
                    try:
                        value = generator.send(sent)
                    except StopIteration as stop:
                        return stop.value

    return wrapper


class _Mode(_C._GradGuard):
    """A guard that also decorates functions, generators and classes."""

    def __call__(self, function: Any) -> Any:
        return _decorate(self, function)

    def clone(self) -> Any:
        """A guard like this one."""
        return type(self)()


class no_grad(_Mode):
    """Ops in it are not recorded: results do not require grad."""

    def __new__(cls, orig_func: Callable[..., Any] | None = None) -> Any:
        self = _C._GradGuard.__new__(cls, 0, -1)
        return self if orig_func is None else self(orig_func)


class enable_grad(_Mode):
    """Ops in it are recorded, within no_grad too."""

    def __new__(cls, orig_func: Callable[..., Any] | None = None) -> Any:
        self = _C._GradGuard.__new__(cls, 1, -1)
        return self if orig_func is None else self(orig_func)


class inference_mode(_Mode):
    """Like no_grad; tensors made in it can never take part in recording."""

    mode: bool

    def __new__(cls, mode: Any = True) -> Any:
        on = mode if isinstance(mode, bool) else True
        self: Any = _C._GradGuard.__new__(cls, 0 if on else 1, 1 if on else 0)
        self.mode = on
        return self if isinstance(mode, bool) else self(mode)

    def clone(self) -> Any:
        return type(self)(self.mode)


class set_grad_enabled(_Mode):
    """Turns recording on or off: at once, and until the `with` block ends if used
    so."""

    mode: bool
    before: bool

    def __new__(cls, mode: bool) -> Any:
        self: Any = _C._GradGuard.__new__(cls, 1 if mode else 0, -1)
        self.mode = bool(mode)
        self.before = _C.is_grad_enabled()
        _C._set_grad_enabled(self.mode)
        return self

    def __enter__(self) -> None:
        _C._set_grad_enabled(self.before)  # what the block's end goes back to
        super().__enter__()

    def __call__(self, function: Any) -> Any:
        _C._set_grad_enabled(self.before)
        return super().__call__(function)

    def clone(self) -> Any:
        return type(self)(self.mode)

    def __repr__(self) -> str:
        return f"set_grad_enabled(mode={self.mode})"


class set_multithreading_enabled:
    """Backward runs in the thread that called it whatever `mode` says."""

    def __init__(self, mode: bool) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        pass
