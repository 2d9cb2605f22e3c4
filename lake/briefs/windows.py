"""Which days a brief is about, and which days it compares them with (comparison bases of the domain report)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from lake.briefs.numbers import WEEKDAYS, span_text
from lake.errors import ContractError

WEEK = timedelta(days=7)
DAY, WEEK_KIND = "natural_day", "week_mon_sun"


@dataclass(frozen=True)
class Holiday:
    """A day's place in a holiday block: ``name_zh`` and the number of the day in it, from 1."""

    name_zh: str
    day_no: int


HolidayOf = Callable[[date], Holiday | None]
FindHoliday = Callable[[int, Holiday], date | None]
"""The date that holds the same place in the same holiday of a year, or None."""


@dataclass(frozen=True)
class Period:
    """Whole civil days, both ends included.

    Attributes:
        kind: ``natural_day``, ``week_mon_sun``, ``latest`` (last day a late source has) or ``year_to_date``.
    """

    kind: str
    first: date
    last: date

    @property
    def key(self) -> str:
        """Folder name of an issue: ``2023-04-03``, ``2023-W13``."""
        if self.kind == WEEK_KIND:
            year, week, _ = self.last.isocalendar()
            return f"{year}-W{week:02d}"
        return self.last.isoformat()

    def label(self, seen_from: date | None = None) -> str:
        """``4月3日``, ``3月27日至4月2日``; the year where it is not that of `seen_from`."""
        return span_text(self.first, self.last, seen_from)

    @property
    def long_label(self) -> str:
        """With year and weekday or week number, for the head of a brief."""
        if self.kind == WEEK_KIND:
            return f"{self.first.year}年{span_text(self.first, self.last)}（第{self.last.isocalendar().week}周）"
        return f"{self.last.year}年{self.last.month}月{self.last.day}日 {WEEKDAYS[self.last.weekday()]}"


def period_for(cadence: str, day: date) -> Period:
    """The period a brief of `cadence` issued for business day `day` is about.

    A daily brief is about the day; a weekly one about the last Monday–Sunday week that ended on or before it.
    """
    if cadence == "daily":
        return Period(DAY, day, day)
    if cadence == "weekly":
        sunday = day - timedelta(days=(day.weekday() + 1) % 7)
        return Period(WEEK_KIND, sunday - timedelta(days=6), sunday)
    raise ContractError(f"unknown cadence {cadence!r} of a brief", remedy="daily or weekly")


def previous(period: Period) -> Period:
    """环比: the window of equal length just before."""
    length = period.last - period.first + timedelta(days=1)
    return Period(period.kind, period.first - length, period.last - length)


def last_year(period: Period, holiday_of: HolidayOf, find_holiday: FindHoliday) -> Period | None:
    """同比: the window of last year that is like this one.

    A holiday meets the same day of the same holiday; a day the same weekday 52 weeks before; a week the same ISO week
    (week 53 meets week 52 where last year has none); a year to date the same days of the calendar, 29 February left
    out. None when last year's calendar does not know the holiday.
    """
    if period.kind == "year_to_date":
        return Period(period.kind, date(period.first.year - 1, 1, 1), _same_date_last_year(period.last))
    if period.kind == WEEK_KIND:
        year, week, _ = period.last.isocalendar()
        sunday = _sunday_of(year - 1, week)
        return Period(period.kind, sunday - timedelta(days=6), sunday)
    if (holiday := holiday_of(period.last)) is not None:
        found = find_holiday(period.last.year - 1, holiday)
        return None if found is None else Period(period.kind, found, found)
    return Period(period.kind, period.first - 52 * WEEK, period.last - 52 * WEEK)


def year_to_date(last: date) -> Period:
    """累计: 1 January to `last`."""
    return Period("year_to_date", date(last.year, 1, 1), last)


def _same_date_last_year(day: date) -> date:
    leap_day = (day.month, day.day) == (2, 29)
    return date(day.year - 1, day.month, 28 if leap_day else day.day)


def _sunday_of(year: int, week: int) -> date:
    try:
        return date.fromisocalendar(year, week, 7)
    except ValueError:
        return date.fromisocalendar(year, week - 1, 7)
