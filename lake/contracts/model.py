"""What a contract says, once read: plain, frozen, complete. How it is written is `lake.contracts.reader`’s matter."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

_DATASET_ID = re.compile(r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")


class Mode(StrEnum):
    """How deliveries add up to a table (invariant 2)."""

    CHANGES = "changes"
    """Partition = delivery day; deliveries are added, never extracted over; current = last version by key."""
    DAY = "day"
    """Partition = event day; a re-delivery replaces the day."""
    SNAPSHOT = "snapshot"
    """Partition = as-of day, replaced whole; what is absent is withdrawn."""


class Cadence(StrEnum):
    """How often a department delivers. The partition key is the first day of the time a delivery is of."""

    DAILY = "daily"
    """One delivery, or one question to the source, for each day."""
    WEEKLY = "weekly"
    """One for each week, Monday to Sunday, when it has ended; its key is the Monday."""
    MONTHLY = "monthly"
    """One for each month, when it has ended; its key is the first of the month."""
    QUARTERLY = "quarterly"
    """One for each quarter, when it has ended; its key is the first of January, April, July or October."""


class Withdrawal(StrEnum):
    """How a withdrawn record is seen."""

    TOMBSTONE = "tombstone"
    """By a mark in the record; `tombstone` says which."""
    ABSENCE = "absence"
    """It is not in the day or the register that is delivered anew."""
    KEY_COMPARISON = "key_comparison"
    """The source deletes without a word: its keys are compared with the lake's; `keyComparison` says when."""
    UNSEEN = "unseen"
    """Not at all."""


class AdditionalColumns(StrEnum):
    """What becomes of a delivery with a column that the contract does not know."""

    HOLD = "hold"
    """It is held until a person has decided about the column."""
    KEEP_IN_LANDING = "keep_in_landing"
    """It is loaded without the column, which stays in the landed bytes until a version takes it up."""


@dataclass(frozen=True)
class Tombstone:
    """The mark by which a source says that a record is withdrawn.

    Attributes:
        column: lake name of the column that has the mark.
        values: texts, as delivered, that mean withdrawn.
    """

    column: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class KeyComparison:
    """When the keys of a source are compared with the lake's, and where they are.

    Attributes:
        every: ``daily``, ``weekly`` or ``monthly``.
        arguments: of the connector, in place of the contract's own: ``pattern`` of a file with all keys, say. Nothing
            where the source answers queries.
        most_withdrawn: share of the lake's current keys that may be missing without a person's word, 0 to 1.
    """

    every: str
    arguments: dict[str, Any] = field(default_factory=dict)
    most_withdrawn: float = 0.1

    @property
    def days(self) -> int:
        """Days from one comparison to the next."""
        return {"daily": 1, "weekly": 7, "monthly": 28}[self.every]


class Treatment(StrEnum):
    """What happens to a column at admission (invariant 10)."""

    KEEP = "keep"
    """As it is."""
    DROP = "drop"
    """Stays in the vault; the lake never holds it."""
    HMAC = "hmac"
    """Keyed hash, HMAC-SHA256 in lower hex, key of `Column.purpose`."""


@dataclass(frozen=True)
class Column:
    """One column of a dataset.

    Attributes:
        name: name in the lake, snake_case.
        source_name: name as the department delivers it.
        type: DuckDB type in the lake: VARCHAR, BIGINT, INTEGER, BOOLEAN, DATE, TIMESTAMPTZ, DECIMAL(p,s), DOUBLE.
        field_id: Iceberg field id; never reused in a dataset's life.
        format: strptime format of dates and times; None = ISO 8601.
        required: a missing value quarantines the record.
        key_position: 1, 2 … in the key; None outside it.
        unit: unit, or None.
        title_zh: Chinese label.
        description: meaning, in English.
        classification: L1 public, L2 internal, L3 sensitive, L4 highly sensitive.
        treatment: what admission does with it.
        purpose: name of the key for HMAC.
    """

    name: str
    source_name: str
    type: str
    field_id: int
    format: str | None = None
    required: bool = False
    key_position: int | None = None
    unit: str | None = None
    title_zh: str = ""
    description: str = ""
    classification: str = "L1"
    treatment: Treatment = Treatment.KEEP
    purpose: str | None = None

    @property
    def lake_type(self) -> str:
        """Type after treatment: a hash is text."""
        return "VARCHAR" if self.treatment is Treatment.HMAC else self.type


@dataclass(frozen=True)
class Source:
    """Where the dataset comes from.

    Attributes:
        connector: name of a file under `lake/connectors/`, such as postgres or csv_files.
        connection: connection id, resolved by `Settings.connection`.
        arguments: the connector's own arguments, checked against its model.
    """

    connector: str
    connection: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Contract:
    """A dataset as its department promises it.

    Attributes:
        dataset: id ``<city>.<department>.<name>``.
        version: semantic version of the contract.
        valid_from: first business day it applies to.
        title_zh: Chinese title.
        title_en: English title.
        owner: department that answers for it.
        mode: how deliveries add up to the table.
        cadence: how often the department delivers.
        source: where it comes from.
        cursor: lake name of the column versions are ordered by (changes); None = the delivery orders them.
        partition_column: lake name of the date or timestamp column that gives the event day (day).
        overlap: how far a window reaches back over its predecessor (changes).
        recapture_days: how many earlier days each daily load fetches again (day).
        publication_lag_days: a run for business day D loads event day D minus this.
        withdrawal: how a withdrawn record is seen.
        tombstone: the mark of a withdrawn record (withdrawal tombstone).
        key_comparison: when and where keys are compared (withdrawal key_comparison).
        additional_columns: what becomes of a delivery with a column the contract does not know.
        zone: IANA zone of local times and of civil dates.
        encoding, delimiter, quote: of text files.
        null_markers: cell texts that mean missing, beside the empty text.
        due_at: local time on the day after the business day by which it must be in.
        retention_days: days the landed bytes stay before the purge keeps only counts and hashes.
        latency: how long after the end of its day (or week, month, quarter) data must be in; None = `due_at` says it.
        frequency: at least how often new data comes; None = as often as the cadence says.
        columns: one or more, in the order of the contract.
        path: the file it was read from.
    """

    dataset: str
    version: str
    valid_from: date
    title_zh: str
    title_en: str
    owner: str
    mode: Mode
    cadence: Cadence
    zone: str
    source: Source
    columns: tuple[Column, ...]
    withdrawal: Withdrawal
    cursor: str | None = None
    partition_column: str | None = None
    overlap: timedelta = timedelta(0)
    recapture_days: int = 0
    publication_lag_days: int = 0
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    null_markers: tuple[str, ...] = ()
    due_at: time = time(6, 30)
    retention_days: int = 400
    latency: timedelta | None = None
    frequency: timedelta | None = None
    path: str = ""
    tombstone: Tombstone | None = None
    key_comparison: KeyComparison | None = None
    additional_columns: AdditionalColumns = AdditionalColumns.HOLD

    def __post_init__(self) -> None:
        if not _DATASET_ID.match(self.dataset):
            raise ValueError(f"dataset id {self.dataset!r} is not <city>.<department>.<name> in snake_case")

    @property
    def city(self) -> str:
        """First part of the id."""
        return self.dataset.split(".")[0]

    @property
    def department(self) -> str:
        """Second part of the id."""
        return self.dataset.split(".")[1]

    @property
    def name(self) -> str:
        """Last part of the id."""
        return self.dataset.split(".")[2]

    @property
    def table(self) -> str:
        """Name of the accepted table and of its view in dbt's schema ``lake``: ``<department>__<name>``."""
        return f"{self.department}__{self.name}"

    @property
    def key(self) -> tuple[Column, ...]:
        """Key columns in order."""
        return tuple(sorted((c for c in self.columns if c.key_position), key=lambda c: c.key_position or 0))

    @property
    def kept(self) -> tuple[Column, ...]:
        """Columns the lake holds, after treatment."""
        return tuple(c for c in self.columns if c.treatment is not Treatment.DROP)

    @property
    def purposes(self) -> tuple[str, ...]:
        """Names of the keys its hashed columns need, by name."""
        return tuple(sorted({c.purpose for c in self.columns if c.treatment is Treatment.HMAC and c.purpose}))

    @property
    def is_by_file(self) -> bool:
        """Whether the department hands over files, each of its own day; otherwise the source answers queries."""
        return self.source.connector.endswith("_files")

    def column(self, name: str) -> Column:
        """Column by its lake name; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True)
class Window:
    """Business days a load covers, both ends included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"window ends ({self.last}) before it begins ({self.first})")

    def days(self) -> list[date]:
        """Every day, in order."""
        return [self.first + timedelta(days=i) for i in range((self.last - self.first).days + 1)]

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}..{self.last}"


def period_of(cadence: Cadence, day: date) -> Window:
    """The day, week (from its Monday), month or quarter that holds a day; its first day is the partition key."""
    if cadence is Cadence.DAILY:
        return Window(day, day)
    if cadence is Cadence.WEEKLY:
        monday = day - timedelta(days=day.weekday())
        return Window(monday, monday + timedelta(days=6))
    months = 1 if cadence is Cadence.MONTHLY else 3
    first = day.replace(month=day.month - (day.month - 1) % months, day=1)
    month_after = (first + timedelta(days=31 * months)).replace(day=1)  # 93 days never reach beyond it
    return Window(first, month_after - timedelta(days=1))


def periods_in(cadence: Cadence, window: Window) -> list[Window]:
    """The days, weeks, months or quarters a window touches, in order; the outer ones may reach over its ends."""
    periods, day = [], window.first
    while day <= window.last:
        periods.append(period_of(cadence, day))
        day = periods[-1].last + timedelta(days=1)
    return periods


def window_of(contract: Contract, business_day: date) -> Window:
    """Window that the run with this partition key loads: the day, or its period, less the publication lag."""
    return period_of(contract.cadence, business_day - timedelta(days=contract.publication_lag_days))


CLOSES_AFTER_DAYS = {Cadence.DAILY: 0, Cadence.WEEKLY: 0, Cadence.MONTHLY: 2, Cadence.QUARTERLY: 4}
"""Days a department has to close its period: a day is due on the day after, a week on the Monday after it, a month on
the third of the next, a quarter on the fifth of the next."""


def due_on(contract: Contract, business_day: date) -> date:
    """Civil day on which the delivery with this partition key must be in."""
    if contract.latency is not None:
        return due_instant(contract, business_day, contract.zone).date()
    last = period_of(contract.cadence, business_day).last
    return last + timedelta(days=1 + CLOSES_AFTER_DAYS[contract.cadence])


def due_instant(contract: Contract, business_day: date, zone: str) -> datetime:
    """Instant by which the delivery with this partition key must be in.

    By the contract's `latency`, counted from the end of its last day; where it has none, at `due_at` of `due_on`.
    """
    if contract.latency is not None:
        after = window_of(contract, business_day).last + timedelta(days=1)
        # Counted on the city's clock: two days later is the same time of day, whatever the clocks did in between.
        return datetime.combine(after, time.min, ZoneInfo(zone)) + contract.latency
    return datetime.combine(due_on(contract, business_day), contract.due_at, ZoneInfo(zone))


def last_due(contract: Contract, as_of: date) -> date:
    """Newest partition key that must be in when business day `as_of` is due.

    That day, or the first of the last week, month or quarter that has closed; earlier where the contract grants a
    latency, or a frequency within which a daily delivery may come on any day.
    """
    key = period_of(contract.cadence, as_of).first
    while due_on(contract, key) > as_of + timedelta(days=1):
        key = period_of(contract.cadence, key - timedelta(days=1)).first
    if contract.cadence is Cadence.DAILY and contract.frequency is not None:
        return key - contract.frequency + timedelta(days=1)
    return key


def key_text(contract: Contract, day: date) -> str:
    """A partition as people say it: 2026-06-30, the week of 2026-06-29, 2026-06, quarter 2 of 2026."""
    first = period_of(contract.cadence, day).first
    return {
        Cadence.DAILY: str(day),
        Cadence.WEEKLY: f"the week of {first}",
        Cadence.MONTHLY: f"{first:%Y-%m}",
        Cadence.QUARTERLY: f"quarter {(first.month + 2) // 3} of {first.year}",
    }[contract.cadence]
