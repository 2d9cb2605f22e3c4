"""Days in China: holidays, make-up workdays, school terms, seasons.

Holiday schedules of 2024 to 2026 as the State Council published them. 2027 is not published yet: there the city keeps
the legal holidays on their usual days, without make-up workdays, which is a guess and nothing more.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from demo_city.columns import Columns
from demo_city.days import BEGINS_ON, ENDS_ON, Days

HOLIDAYS: tuple[tuple[str, str, str], ...] = (
    ("元旦", "2024-01-01", "2024-01-01"),
    ("春节", "2024-02-10", "2024-02-17"),
    ("清明节", "2024-04-04", "2024-04-06"),
    ("劳动节", "2024-05-01", "2024-05-05"),
    ("端午节", "2024-06-08", "2024-06-10"),
    ("中秋节", "2024-09-15", "2024-09-17"),
    ("国庆节", "2024-10-01", "2024-10-07"),
    ("元旦", "2025-01-01", "2025-01-01"),
    ("春节", "2025-01-28", "2025-02-04"),
    ("清明节", "2025-04-04", "2025-04-06"),
    ("劳动节", "2025-05-01", "2025-05-05"),
    ("端午节", "2025-05-31", "2025-06-02"),
    ("国庆节中秋节", "2025-10-01", "2025-10-08"),
    ("元旦", "2026-01-01", "2026-01-03"),
    ("春节", "2026-02-15", "2026-02-23"),
    ("清明节", "2026-04-04", "2026-04-06"),
    ("劳动节", "2026-05-01", "2026-05-05"),
    ("端午节", "2026-06-19", "2026-06-21"),
    ("中秋节", "2026-09-25", "2026-09-27"),
    ("国庆节", "2026-10-01", "2026-10-07"),
    ("元旦", "2027-01-01", "2027-01-01"),
    ("春节", "2027-02-05", "2027-02-11"),
    ("清明节", "2027-04-05", "2027-04-05"),
    ("劳动节", "2027-05-01", "2027-05-03"),
    ("端午节", "2027-06-09", "2027-06-09"),
    ("中秋节", "2027-09-15", "2027-09-15"),
    ("国庆节", "2027-10-01", "2027-10-07"),
)
"""Name, first and last day of each block."""
MAKE_UP: tuple[str, ...] = (
    "2024-02-04", "2024-02-18", "2024-04-07", "2024-04-28", "2024-05-11", "2024-09-14", "2024-09-29", "2024-10-12",
    "2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11",
    "2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10",
)  # fmt: skip
"""Weekend days that are worked."""
TERMS: tuple[tuple[str, str], ...] = (
    ("2024-01-01", "2024-01-26"),
    ("2024-02-26", "2024-06-30"),
    ("2024-09-01", "2025-01-17"),
    ("2025-02-17", "2025-06-30"),
    ("2025-09-01", "2026-01-30"),
    ("2026-03-02", "2026-06-30"),
    ("2026-09-01", "2027-01-22"),
    ("2027-02-22", "2027-06-30"),
    ("2027-09-01", "2027-12-31"),
)
"""First and last day of each school term."""


def calendar_of(days: Days) -> Columns:
    """``day is_workday is_holiday holiday_name block_id block_day_no is_makeup is_school_term weekday season``.

    ``block_id`` is such as ``2026春节``, empty on other days; ``weekday`` 0 is Monday; school terms leave out weekends
    and holidays.
    """
    whole = _WHOLE
    return whole.where(days.holds(whole["day"]))


def on_days(column: str, days: Any) -> Any:
    """A column of the calendar for any days (``datetime64``), in their order."""
    position = (np.asarray(days).astype("datetime64[D]") - np.datetime64(BEGINS_ON, "D")).astype(np.int64)
    return _WHOLE[column][np.clip(position, 0, _WHOLE.rows_n - 1)]


def _made() -> Columns:
    day = np.arange(np.datetime64(BEGINS_ON, "D"), np.datetime64(ENDS_ON, "D") + 1)
    weekday = (day.astype(np.int64) + 3) % 7
    name = np.full(len(day), "", dtype=object)
    block = np.full(len(day), "", dtype=object)
    number = np.zeros(len(day), np.int64)
    for title, first, last in HOLIDAYS:
        within = (day >= np.datetime64(first)) & (day <= np.datetime64(last))
        name[within], block[within] = title, f"{date.fromisoformat(first).year}{title}"
        number[within] = np.arange(within.sum()) + 1
    is_holiday = number > 0
    is_makeup = np.isin(day, np.array(MAKE_UP, dtype="datetime64[D]"))
    is_workday = ((weekday < 5) & ~is_holiday) | is_makeup
    in_term = np.zeros(len(day), bool)
    for first, last in TERMS:
        in_term |= (day >= np.datetime64(first)) & (day <= np.datetime64(last))
    month = day.astype("datetime64[M]").astype(np.int64) % 12 + 1
    season = np.array(["winter", "spring", "summer", "autumn"], dtype=object)[(month % 12) // 3]
    return Columns(
        day=day,
        is_workday=is_workday,
        is_holiday=is_holiday,
        holiday_name=name,
        block_id=block,
        block_day_no=number,
        is_makeup=is_makeup,
        is_school_term=in_term & is_workday,
        weekday=weekday,
        season=season,
    )


_WHOLE = _made()
