"""Weeks and quarters: which days belong together, when their data is due, and which key the clock gives them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from lake.connectors import check_arguments
from lake.contracts.model import (
    Cadence,
    Contract,
    Mode,
    Source,
    Window,
    Withdrawal,
    due_on,
    key_text,
    last_due,
    period_of,
    periods_in,
    window_of,
)
from lake.ledger import COMMITTED, HELD, PartitionState
from lake.onboarding.series import series_of
from lake.watch.freshness import freshness

CITY = ZoneInfo("Asia/Shanghai")
WEEKLY = Contract(
    "queens.dot.defect", "1.0.0", date(2020, 1, 1), "病害", "", "", Mode.SNAPSHOT, Cadence.WEEKLY, CITY.key,
    Source("csv_files", "none", {"pattern": "{day:%Y%m%d}.csv"}), (), Withdrawal.ABSENCE,
)  # fmt: skip
QUARTERLY = replace(WEEKLY, cadence=Cadence.QUARTERLY)
YEARS = Window(date(2023, 1, 1), date(2025, 12, 31))


@pytest.mark.parametrize(
    ("cadence", "count", "lengths"),
    [
        (Cadence.DAILY, 1096, {1}), (Cadence.WEEKLY, 158, {7}), (Cadence.MONTHLY, 36, {28, 29, 30, 31}),
        (Cadence.QUARTERLY, 12, {90, 91, 92}),
    ],
)  # fmt: skip
def test_every_day_is_in_exactly_one_period(cadence: Cadence, count: int, lengths: set[int]) -> None:
    periods = periods_in(cadence, YEARS)
    assert len(periods) == count and {len(period.days()) for period in periods} == lengths
    assert all(after.first == before.last + timedelta(days=1) for before, after in pairwise(periods))
    assert all(period_of(cadence, day) == period for period in periods for day in period.days())
    firsts = {Cadence.WEEKLY: lambda d: d.isoweekday() == 1, Cadence.QUARTERLY: lambda d: f"{d:%m%d}" in QUARTERS}
    assert all(firsts.get(cadence, bool)(period.first) for period in periods)


QUARTERS = ("0101", "0401", "0701", "1001")


@pytest.mark.parametrize(
    ("contract", "key", "loads", "due"),
    [
        # Monday to Sunday; over the turn of the year; the lag is taken off first.
        (WEEKLY, date(2026, 6, 22), Window(date(2026, 6, 22), date(2026, 6, 28)), date(2026, 6, 29)),
        (WEEKLY, date(2025, 12, 29), Window(date(2025, 12, 29), date(2026, 1, 4)), date(2026, 1, 5)),
        (replace(WEEKLY, publication_lag_days=7), date(2026, 6, 22), Window(date(2026, 6, 15), date(2026, 6, 21)),
         date(2026, 6, 29)),
        (QUARTERLY, date(2026, 4, 1), Window(date(2026, 4, 1), date(2026, 6, 30)), date(2026, 7, 5)),
        (QUARTERLY, date(2025, 10, 1), Window(date(2025, 10, 1), date(2025, 12, 31)), date(2026, 1, 5)),
        (replace(QUARTERLY, latency=timedelta(days=20)), date(2026, 1, 1), Window(date(2026, 1, 1), date(2026, 3, 31)),
         date(2026, 4, 21)),
    ],
)  # fmt: skip
def test_what_a_key_loads_and_when_it_is_due(contract: Contract, key: date, loads: Window, due: date) -> None:
    assert (window_of(contract, key), due_on(contract, key)) == (loads, due)
    # It must be in for the business day before it is due, and for no earlier one.
    assert last_due(contract, due - timedelta(days=1)) == key
    assert last_due(contract, due - timedelta(days=2)) < key


def test_the_week_and_the_quarter_are_late_from_their_own_time_on() -> None:
    def seen(contract: Contract, newest: date, when: str, *held: date) -> tuple[str, date]:
        states = [PartitionState(contract.dataset, newest, COMMITTED, 9, 9, 0, 0, "d", "at")]
        states += [PartitionState(contract.dataset, day, HELD, 9, 0, 0, 0, "d", "at") for day in held]
        at = datetime.fromisoformat(when).replace(tzinfo=CITY)
        (found,) = freshness([contract], states, at)
        assert found.missing == ()
        return found.state, found.expected

    assert seen(WEEKLY, date(2026, 6, 15), "2026-06-29T06:29") == ("on_time", date(2026, 6, 22))
    assert seen(WEEKLY, date(2026, 6, 15), "2026-06-29T06:31") == ("late", date(2026, 6, 22))
    assert seen(WEEKLY, date(2026, 6, 15), "2026-06-30T07:00") == ("overdue", date(2026, 6, 22))
    assert seen(WEEKLY, date(2026, 6, 15), "2026-06-29T07:00", date(2026, 6, 22)) == ("held", date(2026, 6, 22))
    assert seen(QUARTERLY, date(2026, 1, 1), "2026-07-05T06:00") == ("on_time", date(2026, 4, 1))
    assert seen(QUARTERLY, date(2026, 1, 1), "2026-07-05T09:00") == ("late", date(2026, 4, 1))
    (never,) = freshness([QUARTERLY], [], datetime(2026, 7, 4, 9, tzinfo=CITY))
    assert never.expected == date(2026, 1, 1)


def test_how_a_period_is_said() -> None:
    assert key_text(WEEKLY, date(2026, 6, 24)) == "the week of 2026-06-22"
    assert key_text(QUARTERLY, date(2026, 4, 1)) == "quarter 2 of 2026"


def test_names_must_tell_one_period_from_the_next() -> None:
    def problems(cadence: Cadence, pattern: str) -> list[str]:
        return check_arguments(replace(WEEKLY, cadence=cadence, source=Source("csv_files", "x", {"pattern": pattern})))

    assert problems(Cadence.WEEKLY, "w_{day:%G%V}.csv") == problems(Cadence.QUARTERLY, "q_{day:%Y%m}.csv") == []
    assert "weekly files need names" in problems(Cadence.WEEKLY, "w_{day:%Y%m}.csv")[0]
    assert "quarterly files need names" in problems(Cadence.QUARTERLY, "q_{day:%Y}.csv")[0]


@pytest.mark.parametrize(
    ("names", "cadence"),
    [
        (["20260601", "20260608", "20260622"], Cadence.WEEKLY),
        (["20260602", "20260609", "20260616"], Cadence.DAILY),  # Tuesdays: no key of a week
        (["20260601", "20260608"], Cadence.DAILY),
        (["20250701", "20251001", "20260101", "20260401"], Cadence.QUARTERLY),
        (["202507", "202510", "202601"], Cadence.QUARTERLY),
        (["202507", "202510"], Cadence.MONTHLY),
        (["20260501", "20260601"], Cadence.MONTHLY),
    ],
)
def test_a_draft_tells_the_cadence_by_the_names(names: list[str], cadence: Cadence) -> None:
    (series,) = series_of([(f"x_{name}.csv", 1) for name in names])
    assert series.cadence is cadence


def test_history_leaves_the_period_that_is_not_over_to_its_own_run() -> None:
    from citybrain_airflow.work import history_windows

    first, last = date(2025, 5, 27), date(2026, 6, 30)
    weeks, quarters = (history_windows(contract, first, last) for contract in (WEEKLY, QUARTERLY))
    assert (weeks[0].first, weeks[-1].last) == (date(2025, 5, 26), date(2026, 6, 28))
    assert (quarters[0].first, quarters[-1].last) == (date(2025, 4, 1), date(2026, 6, 30))
