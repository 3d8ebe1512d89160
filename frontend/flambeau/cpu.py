"""The CPU: memory, streams."""

from __future__ import annotations

from ._devices import public

globals().update(public("cpu"))
