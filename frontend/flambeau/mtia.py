"""MTIA devices: the same functions, truthful about there being none."""

from __future__ import annotations

from ._devices import public

globals().update(public("mtia"))
