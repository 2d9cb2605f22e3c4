"""Errors a tired engineer can act on: each names the dataset, the day, the column, the cause and the remedy.

No message ever quotes a cell: values of departments may be personal. A record is named by its address instead.
Every class carries the exit status the command line ends with.
"""

from __future__ import annotations

import contextlib
import errno
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, ClassVar


class CitybrainError(Exception):
    """Base of every error the lake raises on purpose.

    Args:
        cause: what is wrong, in words, without a cell's value.
        remedy: what the reader can do about it.
        dataset: dataset id such as ``queens.dot.street_defect``.
        day: business day, or the first day of a range.
        column: column name as the contract spells it.
        record: address of the record, ``<delivery>/<file>#<number>``.

    Attributes:
        files: addresses of the delivered files that are at fault, where it can be told.
    """

    exit_code = 1
    files: tuple[str, ...] = ()
    runbook: ClassVar[str | None] = None
    """Name of the page in ``docs/runbooks/`` that says what to do at night."""

    def __init__(
        self,
        cause: str,
        *,
        remedy: str,
        dataset: str | None = None,
        day: date | str | None = None,
        column: str | None = None,
        record: str | None = None,
    ) -> None:
        self.cause, self.remedy = cause, remedy
        self.dataset, self.day, self.column, self.record = dataset, day, column, record
        where = " ".join(
            f"{name}={value}"
            for name, value in (("dataset", dataset), ("day", day), ("column", column), ("record", record))
            if value is not None
        )
        super().__init__(f"{f'[{where}] ' if where else ''}{cause}. Remedy: {remedy}.")


class ContractError(CitybrainError):
    """A contract, a suite or a city file is wrong; the cause names file and line."""

    exit_code = 2
    runbook = "wrong-setup"


class ContractViolation(CitybrainError):
    """The delivery breaks its contract as a whole (columns renamed, encoding wrong, file damaged). Not retried."""

    exit_code = 3
    runbook = "held-delivery"


@dataclass(frozen=True)
class ColumnsChanged:
    """How the columns a source delivered differ from the contract's: names and types only, never a cell.

    Attributes:
        found: name and the source's word for the type (empty where it has none) of every column, in the source's
            order; nothing where hardly a name is known, for then a record may stand where names should.
        added, removed: names at the source; names of the contract that are not there any more.
        renamed: the contract's name and the one that seems to have taken its place.
        retyped: name, the contract's type, and the type or ``TYPE with format`` that every value fits.
        reordered: the same columns in another order, where the order counts.
        file: the file it was seen in, or None.
    """

    found: tuple[tuple[str, str], ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    retyped: tuple[tuple[str, str, str], ...] = ()
    reordered: bool = False
    file: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The same, as JSON gives it back."""
        content: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return content

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> ColumnsChanged:
        """Read back what `as_dict` gave, or JSON made of it."""
        lists: dict[str, Any] = {
            name: tuple(tuple(each) if isinstance(each, list | tuple) else each for each in content.get(name, ()))
            for name in ("found", "added", "removed", "renamed", "retyped")
        }
        return cls(**lists, reordered=bool(content.get("reordered")), file=content.get("file"))


class SchemaDrift(ContractViolation):
    """Columns were renamed, added, removed, retyped or put in another order at the source.

    Attributes:
        changed: what exactly, where it could be told column by column.
    """

    runbook = "schema-change"
    changed: ColumnsChanged | None = None

    def with_changes(self, changed: ColumnsChanged) -> SchemaDrift:
        """The same error that knows what changed."""
        self.changed = changed
        self.files = (changed.file,) if changed.file else ()
        return self


class DeliveryDamaged(ContractViolation):
    """The delivery cannot be read to its end: truncated archive, wrong magic bytes, a control total that differs."""


class PartitionHeld(CitybrainError):
    """A critical expectation failed: nothing was committed, the batch is staged and listed. Not retried."""

    exit_code = 4
    runbook = "held-delivery"


class SourceUnavailable(CitybrainError):
    """The source does not answer (connection refused, 429, 5xx, time-out). Retried."""

    exit_code = 5
    runbook = "slow-or-cut-network"


class SourceLate(CitybrainError):
    """The source answers, but the day asked for is not there yet. Retried until the deadline."""

    exit_code = 6
    runbook = "late-source"


class SourceRefused(CitybrainError):
    """The source refuses us: wrong or missing credentials, or it does not know the table or path. Not retried."""

    exit_code = 7
    runbook = "late-source"


class Busy(CitybrainError):
    """Another load of the same dataset holds the lock for longer than we waited. Retried."""

    exit_code = 8


class Unaccounted(CitybrainError):
    """A delivered record is neither accepted, quarantined nor unchanged; nothing is committed. Not retried."""

    exit_code = 9
    runbook = "held-delivery"


class BuildFailed(CitybrainError):
    """dbt failed or a test of the built marts did; the published build stays as it was. Not retried."""

    exit_code = 10
    runbook = "failed-build"


class BriefRefused(CitybrainError):
    """A brief cannot be issued: a number without a slot, a figure missing, formats that disagree. Not retried."""

    exit_code = 11
    runbook = "refused-brief"


class StorageFull(CitybrainError):
    """The disk is full; what was half-written has been removed. Retried."""

    exit_code = 12
    runbook = "storage"


class StorageUnavailable(CitybrainError):
    """The store of the accepted tables, or the database of catalog and ledger, does not answer. Retried."""

    exit_code = 13
    runbook = "storage"


class StorageShut(CitybrainError):
    """A file or room of the home is shut to us: not our user's, or on a disk that has gone read-only. Not retried."""

    exit_code = 14
    runbook = "storage"


@contextlib.contextmanager
def told_when_full(*, dataset: str | None = None, day: date | None = None) -> Iterator[None]:
    """Say that the disk is full or shut, or that store or database of the lake are away, whoever found out: Parquet,
    JSON, Iceberg, SQLite, PostgreSQL, each has an error of its own.

    Raises:
        StorageFull, StorageShut, StorageUnavailable: in place of such an error; others pass.
    """
    try:
        yield
    except CitybrainError:
        raise
    except Exception as error:
        if _is_behind(error, _FULL, _FULL_WORDS):
            raise StorageFull(
                "the disk is full; what was there before is as it was, and nothing is half done",
                remedy="make room, then run it again: it goes on where it stopped",
                dataset=dataset,
                day=day,
            ) from None
        if _is_behind(error, _SHUT, _SHUT_WORDS):
            raise StorageShut(
                f"{_path_of(error) or 'a part of the home'} is shut to us: not our user's, or on a disk that has gone "
                "read-only; what was there before is as it was",
                remedy="give it to our user, or have the disk seen to; `citybrain doctor --offline` looks at all rooms",
                dataset=dataset,
                day=day,
            ) from None
        if not (what := _what_is_away(error)):
            raise
        raise StorageUnavailable(
            f"{what} does not answer or refuses us ({type(error).__name__})",
            remedy="see that it runs and that its address and credentials are right, then run it again",
            dataset=dataset,
            day=day,
        ) from None


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_WORDS = ("disk is full", "disk I/O error", "No space left")
_SHUT = (errno.EACCES, errno.EPERM, errno.EROFS)
_SHUT_WORDS = ("readonly database", "unable to open database file", "Read-only file system")


def _is_behind(error: BaseException | None, numbers: tuple[int, ...], words: tuple[str, ...]) -> bool:
    """Whether the disk is behind an error: SQLite's own may hide behind that of a rollback."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in numbers:
            return True
        if any(word in str(error) for word in words):
            return True
        error = error.__cause__ or error.__context__
    return False


def _path_of(error: BaseException | None) -> str:
    """The file that the disk's own error speaks of; Arrow's names it in its text only."""
    while error is not None:
        if isinstance(error, OSError) and error.filename:
            return str(error.filename)
        if isinstance(error, OSError) and (named := re.search(r"'(/[^']+)'", str(error))):
            return named[1]
        error = error.__cause__ or error.__context__
    return ""


def _what_is_away(error: BaseException | None) -> str:
    """Which part of the lake's own storage an error comes from, told by its class and words; empty for none."""
    while error is not None:
        kind = f"{type(error).__module__}.{type(error).__name__}"
        if kind in ("sqlalchemy.exc.OperationalError", "sqlalchemy.exc.InterfaceError"):
            return "the database of catalog and ledger"
        if isinstance(error, OSError) and error.errno is None and "AWS Error" in str(error):
            return "the store of the accepted tables"
        error = error.__cause__ or error.__context__
    return ""
