"""Freshness by hand-written cases: when data is due, when it is late, and which day has an unusual size."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from lake.contracts.model import Cadence, Contract, Mode, Source, Withdrawal, due_instant, last_due
from lake.ledger import COMMITTED, HELD, PartitionState
from lake.watch.freshness import Freshness, arrival, freshness, volume

ZONE = ZoneInfo("America/New_York")
DAILY = Contract(
    "queens.dot.defect", "1.0.0", date(2020, 1, 1), "病害", "", "", Mode.DAY, Cadence.DAILY, ZONE.key,
    Source("csv_files", "none"), (), Withdrawal.UNSEEN, due_at=time(6, 30),
)  # fmt: skip
LAGGING = replace(DAILY, publication_lag_days=3)
MONTHLY = replace(DAILY, cadence=Cadence.MONTHLY)
SNAPSHOT = replace(MONTHLY, mode=Mode.SNAPSHOT)
WITHIN_FOUR_DAYS = replace(DAILY, latency=timedelta(days=4))
WITHIN_SIX_HOURS = replace(DAILY, latency=timedelta(hours=6))
WEEKLY = replace(DAILY, frequency=timedelta(days=7))
LAST = date(2023, 4, 3)  # a Monday


def state(day: date, records: int = 10, what: str = COMMITTED) -> PartitionState:
    return PartitionState(DAILY.dataset, day, what, records, records, 0, 0, "d", "2023-04-04T05:00:00+00:00")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def see(contract: Contract, states: list[PartitionState], when: str) -> Freshness:
    (found,) = freshness([contract], states, at(when))
    return found


@pytest.mark.parametrize(
    ("contract", "last", "when", "expected"),
    [
        # The day after the 3rd is the 4th, due on the 5th at 06:30.
        (DAILY, LAST, "2023-04-05T06:29", ("on_time", date(2023, 4, 4), "2023-04-05T06:30", 0.0)),
        (DAILY, LAST, "2023-04-05T09:00", ("late", date(2023, 4, 4), "2023-04-05T06:30", 2.5)),
        (DAILY, LAST, "2023-04-06T06:30", ("overdue", date(2023, 4, 4), "2023-04-05T06:30", 24.0)),
        # Published three days late: after the 31st comes the 1st, with the key of the 4th.
        (LAGGING, date(2023, 3, 31), "2023-04-05T06:29", ("on_time", date(2023, 4, 1), "2023-04-05T06:30", 0.0)),
        (LAGGING, date(2023, 3, 31), "2023-04-05T06:31", ("late", date(2023, 4, 1), "2023-04-05T06:30", 0.0)),
        # March is in; April is due on 3 May.
        (MONTHLY, date(2023, 3, 31), "2023-05-03T06:00", ("on_time", date(2023, 4, 1), "2023-05-03T06:30", 0.0)),
        (MONTHLY, date(2023, 3, 31), "2023-05-03T18:30", ("late", date(2023, 4, 1), "2023-05-03T06:30", 12.0)),
        (SNAPSHOT, date(2023, 3, 1), "2023-05-04T07:00", ("overdue", date(2023, 4, 1), "2023-05-03T06:30", 24.5)),
        # A latency counts from the end of the day: the 4th ends at midnight to the 5th.
        (WITHIN_FOUR_DAYS, LAST, "2023-04-08T23:59", ("on_time", date(2023, 4, 4), "2023-04-09T00:00", 0.0)),
        (WITHIN_SIX_HOURS, LAST, "2023-04-05T07:00", ("late", date(2023, 4, 4), "2023-04-05T06:00", 1.0)),
        # Weekly: after the 3rd the 10th at the latest.
        (WEEKLY, LAST, "2023-04-11T06:00", ("on_time", date(2023, 4, 10), "2023-04-11T06:30", 0.0)),
        # The clocks went forward in the night to 12 March: a day on the clock, 23 hours in fact.
        (DAILY, date(2023, 3, 9), "2023-03-12T06:30", ("late", date(2023, 3, 10), "2023-03-11T06:30", 23.0)),
    ],
)
def test_when_a_dataset_is_late(
    contract: Contract, last: date, when: str, expected: tuple[str, date, str, float]
) -> None:
    found = see(contract, [state(last)], when)
    assert (found.state, found.expected, found.due, found.late_hours) == (
        expected[0], expected[1], at(expected[2]), expected[3],
    )  # fmt: skip


def test_a_dataset_that_never_came_is_late_since_its_last_time() -> None:
    found = see(DAILY, [], "2023-04-05T09:00")
    assert (found.state, found.newest, found.late_hours) == ("late", None, 2.5)


def test_what_came_and_was_held_is_held_and_not_only_late() -> None:
    found = see(DAILY, [state(LAST), state(date(2023, 4, 4), what=HELD)], "2023-04-05T09:00")
    assert (found.state, found.held_days) == ("held", (date(2023, 4, 4),))
    on_time = see(DAILY, [state(LAST), state(date(2023, 4, 4), what=HELD)], "2023-04-05T06:00")
    assert on_time.state == "on_time"
    earlier = see(DAILY, [state(LAST), state(date(2023, 3, 30), what=HELD)], "2023-04-05T09:00")
    assert earlier.state == "late"


def test_a_gap_before_the_newest_day_is_seen() -> None:
    days = [LAST - timedelta(days=n) for n in range(20) if n not in (3, 4)]
    missing = see(DAILY, [state(day) for day in days], "2023-04-04T09:00").missing
    assert missing == (LAST - timedelta(days=4), LAST - timedelta(days=3))
    assert see(WEEKLY, [state(day) for day in days], "2023-04-04T09:00").missing == ()


@pytest.mark.parametrize(
    ("records", "usual", "verdict"),
    [
        (0, 40.0, "empty"), (0, 0.0, "usual"), (19, 40.0, "low"), (21, 40.0, "usual"), (79, 40.0, "usual"),
        (81, 40.0, "high"), (1, 4.0, "usual"), (0, 1.0, "empty"), (9, 4.0, "usual"), (40, None, "unknown"),
    ],
)  # fmt: skip
def test_a_day_of_unusual_size(records: int, usual: float | None, verdict: str) -> None:
    assert volume(records, usual) == verdict


def test_a_day_is_held_against_its_own_weekday() -> None:
    """Mondays have 100, other days 10: a Monday with 12 is low, though every other day has fewer."""
    days = [LAST - timedelta(days=n) for n in range(1, 60)]
    states = [state(day, 100 if day.weekday() == 0 else 10) for day in days]
    found = see(DAILY, [*states, state(LAST, 12)], "2023-04-04T09:00")
    assert (found.usual, found.records, found.volume, found.is_well) == (100.0, 12, "low", False)
    assert see(DAILY, [*states, state(LAST, 0)], "2023-04-04T09:00").volume == "empty"
    assert see(DAILY, states[20:], "2023-03-15T09:00").volume == "usual"


@pytest.mark.parametrize(
    ("newest", "is_held", "expected"),
    [
        (LAST, False, "on_time"), (date(2023, 4, 2), False, "late"), (date(2023, 4, 2), True, "held"),
        (date(2023, 4, 1), False, "overdue"), (None, False, "late"),
    ],
)  # fmt: skip
def test_a_build_states_the_same_without_a_clock(newest: date | None, is_held: bool, expected: str) -> None:
    assert arrival(newest, is_held=is_held, due=LAST, overdue=date(2023, 4, 2)) == expected


def test_what_must_be_in_for_a_business_day() -> None:
    assert last_due(DAILY, LAST) == LAST
    # What may come four days after its day has ended is due on the 4th for the day that ended with 30 March.
    assert last_due(WITHIN_FOUR_DAYS, LAST) == date(2023, 3, 30)
    assert due_instant(WITHIN_FOUR_DAYS, date(2023, 3, 30), ZONE.key) == at("2023-04-04T00:00")
    assert last_due(WEEKLY, LAST) == date(2023, 3, 28)
