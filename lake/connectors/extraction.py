"""What extractions from databases share: one table or view, one window, one snapshot, one Parquet file of exact values.

An engine's file says how to open a session, how to list the columns, how each type is asked for so that no digit
changes, and how rows get into the file. What is asked, what is held against what, and the errors are the same here.
"""

from __future__ import annotations

import abc
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pydantic

from lake.connectors.protocol import Arguments, Description, Fetched, FetchedFile, SourceColumn
from lake.connectors.silence import Silence
from lake.contracts import drift
from lake.contracts.model import Contract, Mode, Window
from lake.engine import connect, quote_identifier
from lake.errors import CitybrainError, DeliveryDamaged, SchemaDrift, SourceRefused, SourceUnavailable, StorageFull
from lake.settings import Settings

DIGEST_ALGORITHM = "md5-sum-v1"
"""sha256 over: the column names, the number of rows, and the sums of the upper and of the lower 64 bits of the md5 of
each row's canonical text. That text is the columns in contract order, each followed by U+001F and ``0``; inside a value
U+001F becomes U+001F ``1``; NULL is U+001F ``2``. It does not depend on the order of rows."""

FILE_NAME, KEYS_NAME = "rows.parquet", "keys.parquet"

MOST_WITHOUT_CURSOR = 10_000
"""Rows without a cursor come with every window, to be held back; more of them than this is a cursor that is none."""

CONNECT_TIMEOUT_S = 15.0
"""Seconds of silence until a session is open."""
_PORTS = {
    "postgres": 5432, "postgresql": 5432, "mysql": 3306, "mariadb": 3306, "oracle": 1521, "mssql": 1433, "dm": 5236,
}  # fmt: skip

Session = TypeVar("Session")


class TableArguments(Arguments):
    """Arguments of a database.

    Attributes:
        table: ``schema.table``, or the table's name alone where it lies in the login's own schema (PostgreSQL: on its
            search path; MySQL, MariaDB: in the connection's database); views count.
        timeout_s: seconds without a byte, either way, after which the server counts as away. A query that sorts or
            counts is silent for as long as that takes.
    """

    table: str = pydantic.Field(pattern=r"^[^.\s]+(\.[^.\s]+)?$")
    timeout_s: float = pydantic.Field(default=900, gt=0, le=86_400)


class Clock(StrEnum):
    """What a column that cuts windows holds."""

    INSTANT = "instant"
    """A point in time, whatever the zone; asked for and compared in UTC."""
    LOCAL = "local"
    """Date and time on the wall, in the contract's zone."""
    DAY = "day"
    """A civil date."""


@dataclass(frozen=True)
class TableColumn:
    """A column of a table.

    Attributes:
        said: what the source says of it; its `type` is the server's, in full.
        kind: the type without its arguments, as the engine's file knows it.
        has_no_controls: its text cannot hold a control character.
    """

    said: SourceColumn
    kind: str
    has_no_controls: bool = False

    @property
    def name(self) -> str:
        """As the department writes it."""
        return self.said.name


Reason = tuple[str, type[CitybrainError], str, str]
"""Pattern of a driver's or a server's message, our error, its cause with ``{source}`` and ``{table}``, the remedy."""

FULL_DISK: Reason = (
    r"No space left on device|Disk quota exceeded",
    StorageFull,
    "the disk is full",
    "make room under the home folder, then load again",
)


class TableSource(abc.ABC, Generic[Session]):
    """One table or view. A record is a row; the second count is the server's ``count(*)`` in the rows' snapshot."""

    Arguments: ClassVar[type[TableArguments]] = TableArguments
    clocks: ClassVar[Mapping[str, Clock]]
    """Kinds a window may be cut by."""
    reasons: ClassVar[tuple[Reason, ...]]
    """How messages are sorted; the first that matches counts."""

    def __init__(self, contract: Contract, settings: Settings) -> None:
        self.arguments = self.Arguments.model_validate(contract.source.arguments)
        self.settings = settings
        # An empty schema is the login's own.
        self._schema, _, self._name = self.arguments.table.rpartition(".")
        self._server = urlsplit(settings.connection(contract.source.connection))

    # ---- what an engine's file says ----------------------------------------------------------------------------------

    @abc.abstractmethod
    def _session(self, contract: Contract, day: date | None) -> AbstractContextManager[Session]:
        """A session of the server, set so that no text depends on how server or user are set up."""

    @abc.abstractmethod
    def _columns(self, session: Session) -> Sequence[TableColumn]:
        """Columns of the table that we may read, in its order."""

    @abc.abstractmethod
    def _ask(self, session: Session, sql: str) -> list[tuple[Any, ...]]:
        """A small answer."""

    @abc.abstractmethod
    def _extract(self, session: Session, columns: str, rest: str, order: str, target: Path) -> int:
        """Write ``SELECT <columns> <rest> <order>`` to a Parquet file, streaming, with `_record` from 1 on before it.

        Returns:
            ``count(*)`` of `rest` in the same snapshot.
        """

    @abc.abstractmethod
    def _value(self, column: TableColumn) -> str:
        """A column as it is asked for: as it is where that is exact, else as text, times in ISO 8601."""

    @abc.abstractmethod
    def _moment(self, clock: Clock, at: datetime) -> str:
        """A literal of a column of such a kind. `at` is in UTC for an instant."""

    def _quoted(self, name: str) -> str:
        return quote_identifier(name)

    # ---- what all of them do -----------------------------------------------------------------------------------------

    @classmethod
    def check(cls, contract: Contract) -> list[str]:
        """A window needs a column to cut by."""
        problems = [
            f"{name}: means something for text files only; leave it out"
            for name, default in (("encoding", "utf-8"), ("delimiter", ","), ("quote", '"'))
            if getattr(contract, name) != default
        ]
        if contract.mode is Mode.CHANGES and contract.cursor is None:
            problems.append("cursor: changes of a table are found by a cursor; name the column")
        if contract.mode is Mode.DAY and contract.partition_column is None:
            problems.append("partition_column: mode day cuts by it; name the column")
        if contract.overlap and contract.mode is not Mode.CHANGES:
            problems.append(f"overlap: means something in mode changes only, not in {contract.mode}")
        names = {column.name for column in contract.columns}
        problems += [
            f"{setting}: no column {name!r}"
            for setting, name in (("cursor", contract.cursor), ("partition_column", contract.partition_column))
            if name is not None and name not in names
        ]
        return problems

    def describe(self, contract: Contract) -> Description:
        """Columns of the table, and from which day to which it reaches where the contract names a column for that."""
        with self._opened(contract, None) as session:
            columns = self._readable(session, contract, None)
            name = _cutting_column(contract)
            column = next((column for column in columns if name == column.name), None)
            first = last = None
            notes = []
            if column is not None and (clock := self.clocks.get(column.kind)) is not None:
                quoted = self._quoted(column.name)
                first, last = (
                    _day(
                        self._ask(
                            session,
                            f"SELECT {self._value(column)} AS v FROM "
                            f"(SELECT {which}({quoted}) AS {quoted} FROM {self._table}) s",
                        )[0][0],
                        clock,
                        contract,
                    )
                    for which in ("min", "max")
                )
                without = int(
                    self._ask(session, f"SELECT count(*) AS n FROM {self._table} WHERE {quoted} IS NULL")[0][0]
                )
                if without:
                    notes.append(f"{without} rows have no {column.name}; they come with every window and are held back")
            elif column is not None:
                notes.append(f"{column.name} is {column.said.type}: no window can be cut by it")
        return Description(tuple(column.said for column in columns), first, last, tuple(notes))

    def count(self, contract: Contract, window: Window) -> int:
        """The server's ``count(*)`` of the window."""
        with self._opened(contract, window.first) as session:
            where = self._where(contract, window, self._readable(session, contract, window.first))
            return int(self._ask(session, f"SELECT count(*) AS n FROM {self._table}{where}")[0][0])

    def fetch(self, contract: Contract, window: Window, into: Path) -> Fetched:
        """Count and copy the window's rows in one snapshot; rows without a cursor come too, to be held back."""
        target = into / FILE_NAME
        with self._opened(contract, window.first) as session:
            columns = _promised(contract, window, self._readable(session, contract, window.first), self.arguments.table)
            where = self._where(contract, window, columns)
            counted = self._extract(
                session, self._values(columns), f"FROM {self._table}{where}", self._order(contract), target
            )
        rows, content_digest = _digest(self.settings, columns, target)
        self._hold_against(rows, counted, contract, window.first)
        self._refuse_an_empty_cursor(contract, window, target)
        with target.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        day = window.first if window.first == window.last else None
        file_ = FetchedFile(FILE_NAME, day, sha256, target.stat().st_size, counted)
        return Fetched((file_,), counted, content_digest, DIGEST_ALGORITHM)

    def keys(self, contract: Contract, into: Path) -> Path:
        """All keys the table holds now, for withdrawals by comparison.

        Returns:
            `into` / ``keys.parquet``: `_record`, and the key columns by their source names, each value as `fetch`
            writes it. As many rows as the server counted in the same snapshot.

        Raises:
            As `fetch` does.
        """
        target, names = into / KEYS_NAME, [column.source_name for column in contract.key]
        with self._opened(contract, None) as session:
            of_name = {column.name: column for column in self._readable(session, contract, None)}
            if missing := [name for name in names if name not in of_name]:
                raise _drift(self.arguments.table, missing, [], contract, None)
            counted = self._extract(
                session,
                self._values([of_name[name] for name in names]),
                f"FROM {self._table}",
                self._order(contract),
                target,
            )
        self._hold_against(_rows(self.settings, target), counted, contract, None)
        return target

    @contextmanager
    def _opened(self, contract: Contract, day: date | None) -> Iterator[Session]:
        """A session that does not wait for ever: no driver knows a limit to a server's silence."""
        host, port = self._server.hostname or "localhost", self._server.port or _PORTS.get(self._server.scheme, 0)
        with Silence(host, port, min(CONNECT_TIMEOUT_S, self.arguments.timeout_s)) as silence:
            try:
                with self._session(contract, day) as session:
                    silence.after_s = self.arguments.timeout_s
                    yield session
            except SourceUnavailable:
                if not silence.has_ended:
                    raise
                raise SourceUnavailable(
                    f"the server of connection {contract.source.connection!r} was silent for {silence.after_s:g} s",
                    remedy="look at the server and the network; the next run tries again. Where a query takes longer "
                    "before its first row, set timeout_s in the contract's arguments",
                    dataset=contract.dataset,
                    day=day,
                ) from None

    @property
    def _table(self) -> str:
        return ".".join(self._quoted(name) for name in (self._schema, self._name) if name)

    def _readable(self, session: Session, contract: Contract, day: date | None) -> Sequence[TableColumn]:
        if columns := self._columns(session):
            return columns
        raise SourceRefused(
            f"there is no table {self.arguments.table}, or we may read no column of it",
            remedy="correct the table in the contract, or have SELECT granted to the connection's user",
            dataset=contract.dataset,
            day=day,
        )

    def _values(self, columns: Sequence[TableColumn]) -> str:
        return ", ".join(f"{self._value(column)} AS {self._quoted(column.name)}" for column in columns)

    def _order(self, contract: Contract) -> str:
        key = ", ".join(self._quoted(column.source_name) for column in contract.key)
        return f" ORDER BY {key}" if key else ""

    def _where(self, contract: Contract, window: Window, columns: Sequence[TableColumn]) -> str:
        """The window as a condition on the server: half-open, from local midnight to local midnight.

        What has no value there belongs to no window and would never be fetched: it comes with each of them.
        """
        name = _cutting_column(contract)
        if name is None:
            return ""
        column = next((column for column in columns if column.name == name), None)
        if column is None:
            raise _drift(self.arguments.table, [name], [], contract, window.first)
        clock = self.clocks.get(column.kind)
        if clock is None:
            raise SchemaDrift(
                f"the window is cut by this column, which has the type {column.kind}, "
                f"not {' or '.join(sorted(self.clocks))}",
                remedy="name another column in the contract, or ask the department",
                dataset=contract.dataset,
                day=window.first,
                column=name,
            )
        begin = self._moment(clock, _instant(window.first, contract, clock) - contract.overlap)
        end = self._moment(clock, _instant(window.last + timedelta(days=1), contract, clock))
        return f" WHERE {self._within(self._quoted(name), begin, end)}"

    def _within(self, quoted: str, begin: str, end: str) -> str:
        return f"({quoted} >= {begin} AND {quoted} < {end} OR {quoted} IS NULL)"

    def _hold_against(self, rows: int, counted: int, contract: Contract, day: date | None) -> None:
        if rows != counted:
            raise DeliveryDamaged(
                f"the server counts {counted} rows, {rows} arrived",
                remedy="load again; if it stays so, look at the table's indexes",
                dataset=contract.dataset,
                day=day,
            )

    def _refuse_an_empty_cursor(self, contract: Contract, window: Window, target: Path) -> None:
        name = _cutting_column(contract)
        if name is None:
            return
        without = _rows(self.settings, target, f" WHERE {quote_identifier(name)} IS NULL")
        if without > MOST_WITHOUT_CURSOR:
            raise SchemaDrift(
                f"{without} rows of {self.arguments.table} have no value here; they belong to no day, and would come "
                "anew with each",
                remedy="have the department fill the column, name another one, or take the table as a snapshot",
                dataset=contract.dataset,
                day=window.first,
                column=name,
            )

    def _ours(self, message: str, contract: Contract, day: date | None) -> CitybrainError:
        """Our error for one of the driver's, whose text may hold the password or a cell and is not repeated."""
        source = f"connection {contract.source.connection!r}"
        for pattern, kind, cause, remedy in (FULL_DISK, *self.reasons):
            if re.search(pattern, message):
                return kind(
                    cause.format(source=source, table=self.arguments.table),
                    remedy=remedy,
                    dataset=contract.dataset,
                    day=day,
                )
        return SourceUnavailable(
            f"the extraction of {self.arguments.table} from {source} broke off",
            remedy="look at the server's log; the next run tries again",
            dataset=contract.dataset,
            day=day,
        )


def _cutting_column(contract: Contract) -> str | None:
    """Source name of the column windows are cut by; None where the table is taken whole."""
    name = {Mode.CHANGES: contract.cursor, Mode.DAY: contract.partition_column}.get(contract.mode)
    return next((column.source_name for column in contract.columns if column.name == name), name)


def _promised(contract: Contract, window: Window, found: Sequence[TableColumn], table: str) -> Sequence[TableColumn]:
    """The table's columns in the contract's order, which must be all of them.

    Where the contract lets unknown columns stay in the landing, they come along behind the others.
    """
    of_name = {column.name: column for column in found}
    promised = [column.source_name for column in contract.columns]
    missing = [name for name in promised if name not in of_name]
    unknown = [name for name in of_name if name not in promised]
    changed = drift.compare(contract, [(column.name, column.said.type) for column in found], ordered=False)
    if changed is not None and not drift.is_kept_in_landing(contract, changed):
        raise _drift(table, missing, unknown, contract, window.first).with_changes(changed)
    return [of_name[name] for name in (*promised, *unknown)]


def _drift(
    table: str, missing: Sequence[str], unknown: Sequence[str], contract: Contract, day: date | None
) -> SchemaDrift:
    return SchemaDrift(
        f"{table} has other columns than the contract: "
        + "; ".join(
            f"{kind}: {', '.join(names)}" for kind, names in (("missing", missing), ("added", unknown)) if names
        ),
        remedy="ask the department; `citybrain contract diff` shows it column by column, `citybrain contract evolve` "
        "writes the next version of the contract",
        dataset=contract.dataset,
        day=day,
        column=[*missing, *unknown][0],
    )


def _instant(day: date, contract: Contract, clock: Clock) -> datetime:
    """Begin of a local day."""
    midnight = datetime.combine(day, time.min)
    if clock is Clock.INSTANT:
        return midnight.replace(tzinfo=ZoneInfo(contract.zone)).astimezone(UTC).replace(tzinfo=None)
    return midnight


def _day(text: object, clock: Clock, contract: Contract) -> date | None:
    """The civil day of a value as it is asked for; None where the calendar has no such day."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return (at.astimezone(ZoneInfo(contract.zone)) if clock is Clock.INSTANT else at).date()


def _digest(settings: Settings, columns: Sequence[TableColumn], file: Path) -> tuple[int, str]:
    """Number of rows of the landed file and digest of their content; see `DIGEST_ALGORITHM`."""
    cells = [f"{quote_identifier(column.name)}::VARCHAR" for column in columns]
    text = "concat_ws(chr(31) || '0', {}, '')"
    plain = text.format(", ".join(f"coalesce({cell}, chr(31) || '2')" for cell in cells))
    escaped = text.format(
        ", ".join(f"coalesce(replace({cell}, chr(31), chr(31) || '1'), chr(31) || '2')" for cell in cells)
    )
    # Hardly a row has anything to escape, and looking is a third cheaper than replacing.
    looked_at = [cell for column, cell in zip(columns, cells, strict=True) if not column.has_no_controls]
    to_escape = " OR ".join(f"contains({cell}, chr(31))" for cell in looked_at) or "false"
    connection = connect(settings)
    try:
        row = connection.execute(
            "SELECT count(*), coalesce(sum((h >> 64)::HUGEINT), 0), "
            "coalesce(sum((h & 18446744073709551615)::HUGEINT), 0) "
            f"FROM (SELECT md5_number(CASE WHEN {to_escape} THEN {escaped} ELSE {plain} END) AS h "
            "FROM read_parquet(?))",
            [str(file)],
        ).fetchone()
    finally:
        connection.close()
    count, upper, lower = row or (0, 0, 0)
    digest = hashlib.sha256()
    for part in (*(column.name for column in columns), str(count), str(upper), str(lower)):
        digest.update(f"{len(part)}:{part}\n".encode())
    return int(count), digest.hexdigest()


def _rows(settings: Settings, file: Path, where: str = "") -> int:
    connection = connect(settings)
    try:
        row = connection.execute(f"SELECT count(*) FROM read_parquet(?){where}", [str(file)]).fetchone()
        return int(row[0]) if row else 0
    finally:
        connection.close()
