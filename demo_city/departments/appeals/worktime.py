"""Hours and days in which offices work: deadlines in workdays, answers in office hours. Seconds since 1970, local."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from demo_city.days import BEGINS_ON, ENDS_ON, Days

if TYPE_CHECKING:
    from demo_city.world import World

DAY_S = 86_400
OPENS_S, CLOSES_S = 8.5 * 3600, 17.5 * 3600
NEVER = np.iinfo(np.int64).max // 4
"""A moment that does not come."""


def workdays(world: World) -> Any:
    """Numbers of all workdays (days since 1970), ascending."""
    whole = Days(BEGINS_ON, ENDS_ON).array
    return world.once("appeals.workdays", lambda: whole[world.life.is_workday(whole)].astype(np.int64))


def days_since_1970(seconds: Any) -> Any:
    """Day number of each moment."""
    return np.floor_divide(seconds, DAY_S)


def after_workdays(world: World, seconds: Any, count: Any) -> Any:
    """The end of office hours `count` workdays after each moment's day."""
    all_ = workdays(world)
    at = np.searchsorted(all_, days_since_1970(seconds), "right") - 1 + np.asarray(count)
    return (all_[np.clip(at, 0, len(all_) - 1)] * DAY_S + CLOSES_S).astype(np.int64)


def in_office(world: World, seconds: Any, uniform: Any) -> Any:
    """Each moment moved into office hours: later on its day, else anywhere in the next workday's hours.

    Args:
        seconds: moments.
        uniform: in [0, 1), where in the office hours a moved moment comes to lie.
    """
    all_ = workdays(world)
    day, second = days_since_1970(seconds), np.mod(seconds, DAY_S)
    at = np.minimum(np.searchsorted(all_, day, "left"), len(all_) - 1)
    is_open = (all_[at] == day) & (second >= OPENS_S) & (second < CLOSES_S)
    early = (all_[at] == day) & (second < OPENS_S)
    at = np.where((all_[at] == day) & ~is_open & ~early, np.minimum(at + 1, len(all_) - 1), at)
    moved = all_[at] * DAY_S + OPENS_S + np.asarray(uniform) * (CLOSES_S - OPENS_S)
    return np.where(is_open, seconds, np.floor(moved)).astype(np.int64)


def after_office_hours(world: World, seconds: Any, hours: Any) -> Any:
    """The moment when so many hours of office time have passed."""
    all_ = workdays(world)
    at = np.searchsorted(all_, days_since_1970(seconds), "left")
    is_open = all_[np.minimum(at, len(all_) - 1)] == days_since_1970(seconds)
    within = np.where(is_open, np.clip(np.mod(seconds, DAY_S) - OPENS_S, 0, CLOSES_S - OPENS_S), 0)
    whole = at * (CLOSES_S - OPENS_S) + within + np.asarray(hours) * 3600
    day, rest = np.divmod(whole, CLOSES_S - OPENS_S)
    return (all_[np.minimum(day.astype(np.int64), len(all_) - 1)] * DAY_S + OPENS_S + rest).astype(np.int64)


def by_day(world: World, values: Any, seconds: Any) -> Any:
    """The value of each moment's day, of one value for each day the city lives."""
    first = int(np.datetime64(BEGINS_ON, "D").astype(np.int64))
    return np.asarray(values)[np.clip(days_since_1970(seconds) - first, 0, len(values) - 1)]
