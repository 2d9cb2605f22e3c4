"""What the sources of production and of standing resources (S07 S08 S12 S13 S20 S33 S35) have in common.

Draws by township, moments and the making of rows are those of `demo_city.departments.safety`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from demo_city.days import BEGINS_ON, ENDS_ON, Days
from demo_city.departments import safety
from demo_city.departments.protocol import Rows
from demo_city.text import replace

if TYPE_CHECKING:
    from demo_city.columns import Columns
    from demo_city.world import World

T = TypeVar("T")
ALWAYS = np.datetime64(BEGINS_ON, "D"), np.datetime64(ENDS_ON, "D")
"""First and last day of what is always so."""
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


def written(sql: str, **relations: Columns) -> Rows:
    """`safety.written` with columns of texts that stay such when no row, or no row with a text, is there."""
    import pyarrow as pa

    def arrow(values: Any) -> pa.Array:
        return pa.array(values, pa.string()) if values.dtype == object else pa.array(values)

    return safety.written(
        sql,
        **{name: pa.table({key: arrow(values) for key, values in of.items()}) for name, of in relations.items()},
    )


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


def area_codes(world: World, stream: str, rate: float, register: Any, townships: Any, *keys: Any) -> tuple[Any, Any]:
    """Area codes of townships, some as they were before the mergers, and where that is so.

    Args:
        world: of which city.
        stream: name of the draw.
        rate: share of all things whose code is old; only townships that had another code can have it.
        register: townships of the things of the register the rows are about.
        townships: townships of the rows.
        keys: of the draw.
    """
    had = world.city.township["old_code"] != ""
    share = had[register].mean() if len(register) else 0.0
    is_old = had[townships] & world.chance.happens(min(rate / max(share, 0.05), 1.0), stream, *keys)
    code = np.where(is_old, world.city.township["old_code"][townships], world.city.township["code"][townships])
    return code.astype(object), is_old


def of_rank(values: tuple[str, ...], positions: Any) -> Any:
    """Texts by position."""
    return np.array(values, dtype=object)[np.asarray(positions)]


def stamps(days: Any) -> Any:
    """Days as ``20260630``."""
    days = day_of(days)
    return replace(days.astype("U10"), "-", "").astype(object) if len(days) else np.zeros(0, dtype=object)


def mondays(days: Days) -> Any:
    """The Mondays among the days."""
    day = days.array
    return day[(day.astype(np.int64) + 3) % 7 == 0]


def firsts_of_months(days: Days, every: int = 1) -> Any:
    """First days of months (of quarters: `every` 3) among the days."""
    day = days.array
    month = day.astype("datetime64[M]")
    return day[(month.astype("datetime64[D]") == day) & (month.astype(np.int64) % every == 0)]


def standing(rows: Rows, days: Any, first: Any, last: Any, *, rewritten: bool = False) -> Rows:
    """A register as it stands on each of several days: its rows, day after day.

    Args:
        rows: a row per thing and version, without ``_day``.
        days: the days.
        first: day from which each version stands.
        last: day up to which it does, both included.
        rewritten: a table that the department's system writes anew every Monday, and a row when it changes; between
            them what stands there stands.
    """
    import pyarrow as pa

    days = np.asarray(days).astype("datetime64[D]")
    stands = (days[:, None] >= first[None, :]) & (days[:, None] <= last[None, :])
    if rewritten:
        stands &= ((ordinal(days) + 3) % 7 == 0)[:, None] | (days[:, None] == first[None, :])
    day_at, row_at = np.nonzero(stands)
    table = rows.table.take(pa.array(row_at)).append_column("_day", pa.array(days[day_at]))
    dirt_row = rows.dirt.column("row").to_numpy()
    place = np.full((len(days), rows.table.num_rows), -1)
    place[day_at, row_at] = np.arange(len(day_at))
    at = place[:, dirt_row].ravel()
    dirt = rows.dirt.take(pa.array(np.tile(np.arange(len(dirt_row)), len(days))))
    dirt = dirt.set_column(dirt.schema.get_field_index("row"), "row", pa.array(at, pa.int64()))
    return Rows(table, dirt.filter(pa.array(at >= 0)))


def through(days: Days, number: int) -> Days:
    """The stretch up to so many days after the last day, but none after the city's end."""
    return Days(days.first, min(days.last + timedelta(days=number), ENDS_ON))


def day_of(moment: Any) -> Any:
    """``datetime64[D]`` of moments."""
    return np.asarray(moment).astype("datetime64[D]")
