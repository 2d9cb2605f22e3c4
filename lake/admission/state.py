"""What admission takes beside a delivery, and what it hands on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lake.contracts.model import Contract
    from lake.landing import Landed


@dataclass(frozen=True)
class HeldContent:
    """What the lake holds already of the days a delivery may repeat.

    Attributes:
        files: pinned Parquet files of the accepted table, partitions of the window and its overlap (mode changes);
            paths as the pin spells them.
        quarantine_files: quarantine of earlier deliveries; the delivery's own file is passed over.
        live_digests: per day the content digest of what the table holds (modes day and snapshot).
        snapshot_id: snapshot the files were pinned at; kept for the commit.
    """

    files: tuple[str, ...] = ()
    quarantine_files: tuple[Path, ...] = ()
    live_digests: Mapping[date, str] = field(default_factory=dict)
    snapshot_id: int | None = None


@dataclass(frozen=True)
class DayCount:
    """One day's account: delivered = accepted + quarantined + unchanged.

    Attributes:
        day: partition day; a record whose day cannot be told counts on its file's day, else the window's first.
        digest: digest of the day's delivered content, equal whenever the content is, in any order.
    """

    day: date
    delivered: int
    accepted: int
    quarantined: int
    unchanged: int
    digest: str


@dataclass(frozen=True)
class Warning_:
    """A check of severity warning that did not hold; it travels to the brief's data note.

    Attributes:
        id: id of the expectation in its suite.
        type: Great Expectations type.
        column: lake name of the column, or None for the table.
        failed_n: rows that do not hold it; None when the check is about the table.
        checked_n: rows it was asked of; None likewise.
        reason, reason_zh: why it matters, in words.
        owner: who acts on it.
        day: day the failing rows belong to; None for a check of the whole delivery.
    """

    id: str
    type: str
    column: str | None
    failed_n: int | None
    checked_n: int | None
    reason: str
    reason_zh: str
    owner: str
    day: date | None = None

    def as_dict(self) -> dict[str, Any]:
        """The same, as JSON takes it."""
        return asdict(self) | {"day": str(self.day) if self.day else None}


@dataclass(frozen=True)
class Aside:
    """A file of a range that is held back while the others go on; its day is as it was.

    Attributes:
        day: the file's.
        file: its name in the delivery.
        records: by the second count.
        kind: class of the error.
        cause, remedy: the error's, in words.
        column: column it is about, or None.
        drift: `lake.errors.ColumnsChanged.as_dict`, or None.
    """

    day: date
    file: str
    records: int
    kind: str
    cause: str
    remedy: str
    column: str | None = None
    drift: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """The same, as JSON takes it."""
        return asdict(self) | {"day": str(self.day)}


@dataclass(frozen=True)
class Admitted:
    """A delivery whose every record is accepted, quarantined or unchanged, ready for the commit.

    Attributes:
        landed: the delivery.
        days: the account, a line per day of the window that the source had.
        reasons: records held back, by reason; a record with two reasons counts under both.
        warnings: failed checks of severity warning.
        staged: Parquet files for the commit, one day each.
        replaced_days: days whose rows the staged files take the place of (modes day and snapshot).
        by: the versions of the contract it was admitted by, oldest first.
        aside: files that are held back, by day.
    """

    landed: Landed
    days: tuple[DayCount, ...]
    reasons: dict[str, int]
    warnings: tuple[Warning_, ...]
    staged: tuple[Path, ...]
    replaced_days: tuple[date, ...]
    by: tuple[Contract, ...] = ()
    aside: tuple[Aside, ...] = ()
