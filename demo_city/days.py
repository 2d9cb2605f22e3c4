"""A stretch of days, both ends included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

BEGINS_ON = date(2024, 1, 1)
"""First day the city knows weather and plans for; nothing is delivered of earlier days."""
ENDS_ON = date(2027, 12, 31)


@dataclass(frozen=True)
class Days:
    """Days `first` to `last`, both included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if not BEGINS_ON <= self.first <= self.last <= ENDS_ON:
            raise ValueError(
                f"the demo city lives from {BEGINS_ON} to {ENDS_ON}; asked for {self.first} to {self.last}"
            )

    @property
    def array(self) -> npt.NDArray[np.datetime64]:
        """The days as ``datetime64[D]``."""
        return np.arange(np.datetime64(self.first, "D"), np.datetime64(self.last, "D") + 1)

    @property
    def length(self) -> int:
        """Number of days."""
        return (self.last - self.first).days + 1

    def since(self, days: int) -> Days:
        """These days and so many before them, but none before the city began."""
        return Days(max(self.first - timedelta(days=days), BEGINS_ON), self.last)

    def holds(self, days: npt.NDArray[np.datetime64]) -> npt.NDArray[np.bool_]:
        """Which of these days (or times) lie within."""
        on = days.astype("datetime64[D]")
        return np.asarray((on >= np.datetime64(self.first, "D")) & (on <= np.datetime64(self.last, "D")))

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=number) for number in range(self.length))
