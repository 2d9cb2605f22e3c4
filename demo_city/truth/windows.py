"""Windows of days: natural days, weeks from Monday to Sunday, months, quarters, and years of twelve months."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from demo_city.days import Days

KINDS = ("day", "week", "month", "quarter", "year")


@dataclass(frozen=True)
class Windows:
    """Windows of one kind that lie wholly within some days, in order.

    Attributes:
        kind: one of `KINDS`; a ``year`` is the twelve months up to the end of a month, so years overlap.
        first, last: days, both included (``datetime64[D]``).
    """

    kind: str
    first: Any
    last: Any

    @property
    def n(self) -> int:
        """How many there are."""
        return len(self.first)

    def holding(self, on: Any) -> Any:
        """Position of the window each day lies in, -1 where none does; of kinds that do not overlap."""
        on = on.astype("datetime64[D]")
        if not self.n:
            return np.full(len(on), -1)
        at = np.searchsorted(self.first, on, side="right") - 1
        inside = (at >= 0) & (on <= self.last[np.maximum(at, 0)]) & ~np.isnat(on)
        return np.where(inside, at, -1)


def windows_of(kind: str, days: Days) -> Windows:
    """All whole windows of a kind within the days; ValueError for a kind that is none."""
    array = days.array
    if kind == "day":
        return Windows(kind, array, array)
    if kind == "week":
        first = array[(array.astype(np.int64) + 3) % 7 == 0]
        return _within(kind, first, first + 6, array[-1])
    months = np.unique(array.astype("datetime64[M]"))
    if kind == "month":
        first = months
        ends = months + 1
    elif kind == "quarter":
        first = months[months.astype(np.int64) % 3 == 0]
        ends = first + 3
    elif kind == "year":
        first, ends = months - 11, months + 1
    else:
        raise ValueError(f"{kind!r} is no kind of window")
    first, last = first.astype("datetime64[D]"), ends.astype("datetime64[D]") - 1
    inside = first >= array[0]
    return _within(kind, first[inside], last[inside], array[-1])


def _within(kind: str, first: Any, last: Any, end: Any) -> Windows:
    inside = last <= end
    return Windows(kind, first[inside], last[inside])
