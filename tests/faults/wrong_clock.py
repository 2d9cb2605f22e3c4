"""A machine whose clock is wrong: when the lake, or the library of its tables, looks at it, it is off by so much."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo

import pyiceberg.catalog.sql
import pyiceberg.table.metadata  # noqa: F401 - so that they are there to be changed

import lake.load
import lake.upkeep  # noqa: F401

_REAL = datetime


class _Kind(type):
    """The wrong clock's times are times, and the others' too."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _REAL)


@contextmanager
def wrong_clock(off: timedelta) -> Iterator[None]:
    """Set the clock off. Time itself goes on as it does: what waits for so many seconds waits for them."""

    class Wrong(datetime, metaclass=_Kind):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return _REAL.now(tz) + off

    seconds, real_time, real_ns = off.total_seconds(), time.time, time.time_ns
    changed = [
        (module, name)
        for module in list(sys.modules.values())
        if getattr(module, "__name__", "").split(".")[0] in ("lake", "pyiceberg")
        for name, value in list(vars(module).items())
        if value is _REAL
    ]
    for module, name in changed:
        setattr(module, name, Wrong)
    time.time = lambda: real_time() + seconds
    time.time_ns = lambda: real_ns() + int(seconds * 1e9)
    try:
        yield
    finally:
        time.time, time.time_ns = real_time, real_ns
        for module, name in changed:
            setattr(module, name, _REAL)
