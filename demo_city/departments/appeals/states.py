"""States of a case from day to day: it may change several times a day; its table shows what stood at the day's end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from demo_city.columns import Columns
from demo_city.departments.appeals.worktime import DAY_S, NEVER, days_since_1970

FOR_EVER = np.iinfo(np.int64).max // DAY_S
"""A day that does not come."""


def ends_of_days(moments: Any) -> Columns:
    """The last moment of each day on which a case changed.

    Args:
        moments: cases × moments (seconds since 1970, NEVER where one does not happen), in the order in which they come.

    Returns:
        ``case_i``, ``k`` (number of the moment), ``moment``, ``day`` and ``next_day`` (of its next change, FOR_EVER
        when there is none), days since 1970.
    """
    day = np.where(moments < NEVER, days_since_1970(moments), FOR_EVER)
    next_day = np.full(len(moments), FOR_EVER)
    parts = []
    for k in reversed(range(moments.shape[1])):
        there = moments[:, k] < NEVER
        at = np.flatnonzero(there & (day[:, k] != next_day))
        parts.append(
            Columns(
                case_i=at,
                k=np.full(len(at), k),
                moment=moments[at, k],
                day=day[at, k],
                next_day=next_day[at],
            )
        )
        next_day = np.where(there, day[:, k], next_day)
    return Columns.together(parts)


def times(seconds: Any) -> pa.Array:
    """Moments as timestamps, NEVER as a missing value."""
    return pa.array(np.where(seconds < NEVER, seconds, 0).astype("datetime64[s]"), mask=seconds >= NEVER)


def until(moments: Any, moment: Any) -> Any:
    """Moments that have come by another moment; the others are NEVER."""
    return np.where(moments <= moment, moments, NEVER)


def first_days(seen: Columns, cases_n: int) -> Any:
    """The first day of each case among rows with ``case_i`` and ``day``."""
    order = np.lexsort((seen["day"], seen["case_i"]))
    return seen["day"][order][np.searchsorted(seen["case_i"][order], np.arange(cases_n), "left")]


def as_table(columns: Mapping[str, Any]) -> pa.Table:
    """Columns as an Arrow table: texts are texts and places numbers even where there is no row to tell it by."""
    return pa.table({
        name: pa.array(values, pa.string()) if isinstance(values, np.ndarray) and values.dtype.kind in "OU" else values
        for name, values in columns.items()
    })  # fmt: skip
