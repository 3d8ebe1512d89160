"""What happens when a device lacks a kernel: the CPU's runs instead, under a policy.

The operands are copied to the host, the CPU's kernel runs, its outputs are copied back.
"""

from __future__ import annotations

from flambeau import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

POLICIES = ("error", "warn", "allow")


class set_fallback_policy:
    """Choose what happens when a kernel would run on the CPU instead of its device:
    `"error"` raises, `"warn"` warns once for each kernel and device, `"allow"` says
    nothing. In a `with` statement the policy before comes back at the end.

    ValueError for any other word. The default is `"warn"`, or FLAMBEAU_FALLBACK.

        >>> with flambeau.backends.set_fallback_policy("error"):
        ...     flambeau.backends.fallback_policy()
        'error'
    """

    def __init__(self, policy: str) -> None:
        if policy not in POLICIES:
            raise ValueError(
                f"set_fallback_policy: expected one of {', '.join(POLICIES)} for "
                f"argument 'policy', got {policy!r}"
            )
        self.previous: str = _C._set_fallback_policy(policy)

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _C._set_fallback_policy(self.previous)


def fallback_policy() -> str:
    """`"error"`, `"warn"` or `"allow"`."""
    return str(_C._fallback_policy())


def fallback_counts(device: object = None) -> dict[tuple[str, str], int]:
    """How often each kernel of each device ran on the CPU instead: `{(device, kernel):
    n}`, since the start or `reset_fallback_counts`.

    `device` asks for one device ("acme:0") or all of a type ("acme").
    """
    wanted = None if device is None else str(device)
    return {
        (where, kernel): n
        for where, kernel, n in _C._fallback_counts()
        if wanted is None or wanted in (where, where.partition(":")[0])
    }


def reset_fallback_counts() -> None:
    """Count from zero again."""
    _C._reset_fallback_counts()
