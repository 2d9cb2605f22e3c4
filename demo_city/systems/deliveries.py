"""Which file comes on which day: late, missing, double, with another layout.

A file of a day (week, month, quarter) is there at the end of its last day unless it is late; the lake, which asks on
the morning after, finds it then. What becomes of a delivery depends on seed, dataset and day alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from demo_city.departments.protocol import Dataset, Drift, Files

if TYPE_CHECKING:
    from demo_city.chance import Chance
    from demo_city.days import Days
    from demo_city.world import World

MOST_DAYS_LATE = 3


@dataclass(frozen=True)
class Delivery:
    """One file's way.

    Attributes:
        day: the day it speaks for; of a week its Monday, of a month or quarter its first day.
        pattern: ``late``, ``missing``, ``double``, or nothing: in time and once.
        delivered_on: day at whose end it is there; None: never.
        again_on: day at whose end it is there a second time; None: it comes once.
    """

    day: date
    pattern: str
    delivered_on: date | None
    again_on: date | None = None


def deliveries(world: World, dataset: Dataset, days: Days) -> pa.Table:
    """What becomes of the deliveries whose day, week, month or quarter ends within `days`.

    Returns:
        ``dataset, day, pattern, delivered_on``, one row per delivery, by day: see `Delivery`. `pattern` is empty for
        those as promised. Datasets that are no files have none.
    """
    fates = fates_of(world.chance, dataset, days)
    return pa.table(
        {
            "dataset": pa.array([dataset.dataset] * len(fates), pa.string()),
            "day": pa.array([fate.day for fate in fates], pa.date32()),
            "pattern": pa.array([fate.pattern for fate in fates], pa.string()),
            "delivered_on": pa.array([fate.delivered_on for fate in fates], pa.date32()),
        }
    )


def fates_of(chance: Chance, dataset: Dataset, days: Days) -> list[Delivery]:
    """The same as a list; nothing for tables and APIs."""
    system = dataset.system
    if not isinstance(system, Files):
        return []
    keys = periods(system.every, days)
    if not keys:
        return []
    array = np.array(keys, dtype="datetime64[D]")
    drawn = chance.uniform(f"delivery.{dataset.dataset}", array)
    delay = chance.integers(1, MOST_DAYS_LATE + 1, f"delivery.{dataset.dataset}.delay", array)
    made = []
    for key, number, late_by in zip(keys, drawn, delay, strict=True):
        ends = end_of(system.every, key)
        if number < system.missing:
            made.append(Delivery(key, "missing", None))
        elif number < system.missing + system.late:
            made.append(Delivery(key, "late", ends + timedelta(days=int(late_by))))
        elif number < system.missing + system.late + system.double:
            made.append(Delivery(key, "double", ends, ends + timedelta(days=1)))
        else:
            made.append(Delivery(key, "", ends))
    return made


def periods(every: str, days: Days) -> list[date]:
    """First days of the periods (``day``, ``week``, ``month``, ``quarter``) that end within `days`."""
    firsts = sorted({first_of(every, day) for day in days})
    return [first for first in firsts if days.first <= end_of(every, first) <= days.last]


def first_of(every: str, day: date) -> date:
    """First day of the period in which `day` lies."""
    if every == "week":
        return day - timedelta(days=day.weekday())
    if every == "month":
        return day.replace(day=1)
    if every == "quarter":
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    if every == "day":
        return day
    raise ValueError(f"a file comes every day, week, month or quarter, not every {every!r}")


def end_of(every: str, first: date) -> date:
    """Last day of the period that begins on `first`."""
    if every == "day":
        return first
    if every == "week":
        return first + timedelta(days=6)
    months = 1 if every == "month" else 3
    return (first + timedelta(days=31 * months)).replace(day=1) - timedelta(days=1)


def name_of(system: Files, day: date, *, again: bool = False) -> PurePosixPath:
    """Path of a day's file below the department's folder.

    A `*` in the pattern is what the department adds: nothing for the first file, ``_again`` for the one that comes
    again. Without one it comes again under its own name.
    """
    return PurePosixPath(system.pattern.format(day=day).replace("*", "_again" if again else ""))


def drifted(table: pa.Table, drifts: tuple[Drift, ...], day: date) -> pa.Table:
    """The rows in the layout of that day's file."""
    for drift in drifts:
        if drift.on != day:
            continue
        kept = [name for name in table.column_names if name not in drift.dropped]
        table = table.select(kept).rename_columns([drift.renamed.get(name, name) for name in kept])
        table = _with(table, drift.added)
    return table


def _with(table: pa.Table, texts: Mapping[str, str]) -> pa.Table:
    for name, text in texts.items():
        table = table.append_column(name, pa.array([text] * table.num_rows, pa.string()))
    return table
