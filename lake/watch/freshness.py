"""How fresh each dataset is against what its contract promises, and whether its newest day has the usual size."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from lake.contracts.model import Cadence, Contract, Mode, due_instant, period_of, window_of
from lake.ledger import COMMITTED, HELD, PartitionState

ON_TIME, LATE, OVERDUE = "on_time", "late", "overdue"
OVERDUE_AFTER = timedelta(days=1)
WEEKS_BEFORE = 8
ENOUGH_BEFORE = 4
"""Of so many days before, so many must be known, or nothing is said about the size."""
SURPRISE = 3.0
"""Standard deviations of a Poisson count that a day must be off by, beside half or double of the usual."""


@dataclass(frozen=True)
class Freshness:
    """One dataset at one instant.

    Attributes:
        dataset, title_zh, department: of the contract.
        newest: newest day that is in; None when nothing ever was.
        expected: data day that is to come next.
        due: when it must be in.
        state: ``on_time``; ``late``; ``overdue``, that is late by a day or more; ``held``: it came and was held back.
        late_hours: hours since `due`; 0 when on time.
        held_days: days that were delivered and wait for a decision.
        missing: days of the last eight weeks that are not in although later ones are.
        records: records of the newest day.
        usual: median of the same weekday of eight weeks (of the last eight deliveries of a snapshot); None = unknown.
        volume: ``usual``, ``low``, ``high``, ``empty``, or ``unknown`` when too few days are known.
        at: when the newest day came in, ISO 8601; empty when nothing ever did.
    """

    dataset: str
    title_zh: str
    department: str
    newest: date | None
    expected: date
    due: datetime
    state: str
    late_hours: float
    held_days: tuple[date, ...]
    missing: tuple[date, ...]
    records: int | None
    usual: float | None
    volume: str
    at: str

    @property
    def is_well(self) -> bool:
        """Nothing that anybody has to look at."""
        return self.state == ON_TIME and self.volume in ("usual", "unknown")


def arrival(newest: date | None, *, is_held: bool, due: date, overdue: date) -> str:
    """State of a dataset by days alone, as a build states it, which knows no clock.

    Args:
        newest: newest day that is in.
        is_held: whether a later one is held back.
        due: last day that must be in.
        overdue: last day that had to be in a day before.
    """
    if newest is not None and newest >= due:
        return ON_TIME
    if is_held:
        return HELD
    if newest is None:  # nothing ever came: late since its newest time
        return LATE if due > overdue else OVERDUE
    return LATE if newest >= overdue else OVERDUE


def freshness(contracts: Sequence[Contract], states: Sequence[PartitionState], at: datetime) -> list[Freshness]:
    """Every dataset at an instant, in order of the contracts, by what the lake holds now of the days before it."""
    by_dataset: dict[str, list[PartitionState]] = {}
    for state in states:
        by_dataset.setdefault(state.dataset, []).append(state)
    return [_of(contract, by_dataset.get(contract.dataset, []), at) for contract in contracts]


def _of(contract: Contract, states: Sequence[PartitionState], at: datetime) -> Freshness:
    known = {state.day: state for state in states if state.state == COMMITTED and state.day <= at.date()}
    newest = max(known, default=None)
    held = tuple(sorted(s.day for s in states if s.state == HELD and s.day <= at.date()))
    key = _newest_due_key(contract, at) if newest is None else _key_after(contract, newest)
    due, window = due_instant(contract, key, contract.zone), window_of(contract, key)
    late = max(timedelta(0), at.astimezone(UTC) - due.astimezone(UTC))  # hours that passed, whatever the clocks did
    state = ON_TIME
    if late:
        is_held = any(day >= window.first for day in held)
        state = HELD if is_held else OVERDUE if late >= OVERDUE_AFTER else LATE
    records = None if newest is None else _size(contract, known[newest])
    usual = None if newest is None else _usual(contract, known, newest)
    return Freshness(
        dataset=contract.dataset,
        title_zh=contract.title_zh,
        department=contract.department,
        newest=newest,
        expected=window.first,
        due=due,
        state=state,
        late_hours=round(late / timedelta(hours=1), 1),
        held_days=held,
        missing=_missing(contract, known, newest),
        records=records,
        usual=usual,
        volume=volume(records, usual),
        at="" if newest is None else known[newest].at,
    )


def volume(records: int | None, usual: float | None) -> str:
    """Whether a count is what its likes are: half or double of them, and more than chance, is told."""
    if records is None or usual is None:
        return "unknown"
    if records == 0 and usual >= 1:
        return "empty"
    is_surprise = abs(records - usual) > SURPRISE * math.sqrt(max(usual, 1.0))
    if is_surprise and records < usual / 2:
        return "low"
    return "high" if is_surprise and records > usual * 2 else "usual"


def _key_after(contract: Contract, day: date) -> date:
    """Partition key of the delivery that comes after the one with this data day."""
    key = day + timedelta(days=contract.publication_lag_days)
    if contract.cadence is Cadence.DAILY:
        return key + (contract.frequency or timedelta(days=1))
    return period_of(contract.cadence, key).last + timedelta(days=1)


def _newest_due_key(contract: Contract, at: datetime) -> date:
    """Newest partition key whose time has come; for a dataset of which nothing was ever in."""
    key = period_of(contract.cadence, at.date()).first
    while due_instant(contract, key, contract.zone) > at:
        key = period_of(contract.cadence, key - timedelta(days=1)).first
    return key


def _size(contract: Contract, state: PartitionState) -> int:
    """Records that a day brought. Where windows overlap, what was held already says nothing about the day."""
    brought = state.accepted + state.quarantined
    return brought if contract.mode is Mode.CHANGES else brought + state.unchanged


def _usual(contract: Contract, known: dict[date, PartitionState], newest: date) -> float | None:
    if contract.mode is Mode.SNAPSHOT:
        before = sorted(day for day in known if day < newest)[-WEEKS_BEFORE:]
    else:
        before = [day for n in range(1, WEEKS_BEFORE + 1) if (day := newest - timedelta(weeks=n)) in known]
    if len(before) < ENOUGH_BEFORE:
        return None
    return float(statistics.median(_size(contract, known[day]) for day in before))


def _missing(contract: Contract, known: dict[date, PartitionState], newest: date | None) -> tuple[date, ...]:
    if newest is None or contract.cadence is not Cadence.DAILY or contract.frequency not in (None, timedelta(days=1)):
        return ()
    first = max(min(known), newest - timedelta(weeks=WEEKS_BEFORE))
    days = [first + timedelta(days=n) for n in range((newest - first).days)]
    return tuple(day for day in days if day not in known)
