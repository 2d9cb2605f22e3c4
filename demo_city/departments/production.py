"""What the sources of production and of standing resources (S07 S08 S12 S13 S20 S33 S35) have in common.

Draws by township, moments and the making of rows are those of `demo_city.departments.safety`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from demo_city.days import BEGINS_ON, ENDS_ON, Days

if TYPE_CHECKING:
    from demo_city.columns import Columns
    from demo_city.world import World

T = TypeVar("T")
WHOLE = Days(BEGINS_ON, ENDS_ON)
CREDIT_CODE = "^[0-9A-HJ-NPQRTUWXY]{18}$"
"""Form of a unified social credit code: no I, O, S, V, Z."""


def latest(world: World, name: str, days: Days, make: Callable[[], T]) -> T:
    """What `make` gives for a stretch of days, kept until another stretch is asked for.

    Several datasets and the truth are made of the same events; keeping every day that was ever asked for would grow
    without end.
    """
    kept: dict[Days, T] = world.once(("latest", name), dict)
    made = kept.get(days)
    if made is None:
        made = make()
        kept.clear()
        kept[days] = made
    return made


def rank_within(groups: Any) -> Any:
    """Running number of each thing among those of its group, in the order given."""
    groups = np.asarray(groups)
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(groups) else np.zeros(0, np.int64)
    number = np.arange(len(groups)) - np.repeat(starts, np.diff(np.r_[starts, len(groups)]))
    made = np.empty(len(groups), np.int64)
    made[order] = number
    return made


def workday_from(world: World, days: Any) -> Any:
    """Each day itself when it is a workday, else the next one."""

    def make() -> Any:
        worked = np.flatnonzero(world.life.is_workday(WHOLE.array))
        at = np.minimum(np.searchsorted(worked, np.arange(WHOLE.length)), len(worked) - 1)
        return WHOLE.array[worked[at]]

    following = world.once("production.workdays", make)
    position = (np.asarray(days).astype("datetime64[D]") - WHOLE.array[0]).astype(np.int64)
    return following[np.clip(position, 0, WHOLE.length - 1)]


def ordinal(days: Any) -> Any:
    """Days as whole numbers, for codes of a thing and a day."""
    return np.asarray(days).astype("datetime64[D]").astype(np.int64)


def codes_between(things: Any, first: Any, last: Any) -> Any:
    """Codes ``thing × 100,000 + day`` of every day of every stretch, both ends included; for `np.isin`."""
    first, last = ordinal(first), ordinal(last)
    length = np.maximum(last - first + 1, 0)
    at = np.repeat(np.arange(len(length)), length)
    starts = np.cumsum(length) - length
    return np.asarray(things)[at] * 100_000 + first[at] + np.arange(len(at)) - starts[at]


def addresses(world: World, building_i: Any) -> Any:
    """Addresses of buildings as a department writes them; empty where there is none (-1)."""
    import pyarrow as pa

    wanted, where = np.unique(np.asarray(building_i), return_inverse=True)
    with world.connect() as connection:
        connection.register("wanted", pa.table({"n": np.arange(len(wanted)), "building_i": wanted}))
        found = connection.execute(
            "SELECT CASE WHEN building_i < 0 THEN '' ELSE address_of_building(building_i) END AS address "
            "FROM wanted ORDER BY n"
        ).to_arrow_table()
    texts = np.array(found.column("address").to_pylist() or [""], dtype=object)
    return texts[where] if len(where) else np.zeros(0, dtype=object)


def at_end(day: Any) -> Any:
    """``datetime64[s]`` of the last second of a day."""
    return np.asarray(day).astype("datetime64[D]").astype("datetime64[s]") + np.timedelta64(86_399, "s")


def of_rank(values: tuple[str, ...], positions: Any) -> Any:
    """Texts by position."""
    return np.array(values, dtype=object)[np.asarray(positions)]


def mondays(days: Days) -> Any:
    """The Mondays among the days."""
    day = days.array
    return day[(day.astype(np.int64) + 3) % 7 == 0]


def firsts_of_months(days: Days, every: int = 1) -> Any:
    """First days of months (of quarters: `every` 3) among the days."""
    day = days.array
    month = day.astype("datetime64[M]")
    return day[(month.astype("datetime64[D]") == day) & (month.astype(np.int64) % every == 0)]


def on_each(day: Any, things: Columns) -> tuple[Columns, Any]:
    """Every thing on every day, day by day: the things, repeated, and the day of each row."""
    day = np.asarray(day)
    return things.where(np.tile(np.arange(things.rows_n), len(day))), np.repeat(day, things.rows_n)


def before(days: Days, number: int) -> Days:
    """The stretch from so many days before to the last day."""
    return days.since(number)


def through(days: Days, number: int) -> Days:
    """The stretch up to so many days after the last day, but none after the city's end."""
    return Days(days.first, min(days.last + timedelta(days=number), ENDS_ON))


def day_of(moment: Any) -> Any:
    """``datetime64[D]`` of moments."""
    return np.asarray(moment).astype("datetime64[D]")


def as_date(day: Any) -> date:
    """A day as Python has it."""
    return np.datetime64(day, "D").astype(object)
