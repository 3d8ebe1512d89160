"""Anomaly mode: backward tells which forward line made a bad gradient."""

from __future__ import annotations

from flambeau import _C

__all__ = ["detect_anomaly", "set_detect_anomaly"]


class detect_anomaly:
    """In it, ops remember where they were called, and backward raises RuntimeError for
    gradients that are NaN (check_nan) and warns with the forward traceback."""

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan

    def __enter__(self) -> None:
        self.before = _C.is_anomaly_enabled(), _C.is_anomaly_check_nan_enabled()
        _C._set_anomaly(True, self.check_nan)

    def __exit__(self, *exc: object) -> None:
        _C._set_anomaly(*self.before)


class set_detect_anomaly:
    """Sets anomaly mode at once; as a context manager, until the block ends."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.before = _C.is_anomaly_enabled(), _C.is_anomaly_check_nan_enabled()
        _C._set_anomaly(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        _C._set_anomaly(*self.before)
