"""PostgreSQL by DuckDB's scanner: one table or view, one snapshot, one Parquet file of exact values."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo

import pydantic

from lake.connectors.protocol import Arguments, Fetched, FetchedFile
from lake.contracts.model import Column, Contract, Mode, Window
from lake.engine import connect, quote_identifier, quote_literal
from lake.errors import (
    CitybrainError,
    ContractError,
    DeliveryDamaged,
    SchemaDrift,
    SourceRefused,
    SourceUnavailable,
    StorageFull,
)
from lake.settings import Settings

if TYPE_CHECKING:
    import duckdb

EXACT_TYPES = frozenset({"bool", "int2", "int4", "int8", "text", "varchar"})
"""Types the scanner carries without changing a value, each tested with its extremes. All others are made text on the
server: numeric loses digits and NaN, timestamptz overflows after 290279, char(n) and BC dates are spelled otherwise."""

DIGEST_ALGORITHM = "md5-sum-v1"
"""sha256 over: the column names, the number of rows, and the sums of the upper and of the lower 64 bits of the md5 of
each row's canonical text. That text is the columns in contract order, each followed by U+001F and ``0``; inside a value
U+001F becomes U+001F ``1``; NULL is U+001F ``2``. It does not depend on the order of rows."""

_WITHOUT_CONTROLS = frozenset({"bool", "int2", "int4", "int8", "numeric", "date", "timestamp", "timestamptz", "uuid"})
"""Types whose text cannot hold a control character."""

FILE_NAME = "rows.parquet"

_SESSION = {
    # Text of dates, numbers and bytes must not depend on how server, database or role are set.
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "iso_8601",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "xmloption": "content",
}
_CURSOR_TYPES = ("timestamptz", "timestamp", "date")
_SCHEMES = ("postgres", "postgresql")


class PostgresArguments(Arguments):
    """Arguments of a database.

    Attributes:
        table: ``schema.table``; views count.
    """

    table: str = pydantic.Field(pattern=r"^[^.\s]+\.[^.\s]+$")


class Source:
    """One table or view. A record is a row; the second count is the server's ``count(*)`` in the same snapshot."""

    Arguments = PostgresArguments

    def __init__(self, contract: Contract, settings: Settings) -> None:
        self.arguments = PostgresArguments.model_validate(contract.source.arguments)
        self.settings = settings
        self._conninfo = _conninfo(settings.connection(contract.source.connection), contract)
        schema, table = self.arguments.table.split(".")
        self._table = f"{quote_identifier(schema)}.{quote_identifier(table)}"

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

    def fetch(self, contract: Contract, window: Window, into: Path) -> Fetched:
        """Count and copy the window's rows in one read-only, repeatable-read transaction."""
        target = into / FILE_NAME
        with self._transaction(contract, window) as connection:
            types = self._types(connection, contract, window)
            where = self._where(contract, window, types)
            counted = self._count(connection, where)
            _copy(connection, self._select(contract, types, where), target)
        rows, content_digest = _digest(self.settings, contract, types, target)
        if rows != counted:
            raise DeliveryDamaged(
                f"the server counts {counted} rows, {rows} arrived",
                remedy="load again; if it stays so, look at the table's indexes",
                dataset=contract.dataset,
                day=window.first,
            )
        with target.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        day = window.first if window.first == window.last else None
        file_ = FetchedFile(FILE_NAME, day, sha256, target.stat().st_size, counted)
        return Fetched((file_,), counted, content_digest, DIGEST_ALGORITHM)

    @contextmanager
    def _transaction(self, contract: Contract, window: Window) -> Iterator[duckdb.DuckDBPyConnection]:
        """One snapshot of the source: the scanner keeps one server connection for a DuckDB transaction."""
        import duckdb

        connection = connect(self.settings, extensions=("postgres_scanner",))
        try:
            # The scanner's errors repeat the connection string, password included: they are never chained or quoted.
            connection.execute(f"ATTACH {quote_literal(self._conninfo)} AS source (TYPE postgres, READ_ONLY)")
            connection.execute("BEGIN")
            settings = ", ".join(
                f"set_config({quote_literal(name)}, {quote_literal(value)}, true) AS {quote_identifier(name)}"
                for name, value in _SESSION.items()
            )
            _ask(connection, f"SELECT {settings}")
            yield connection
        except duckdb.Error as error:
            raise self._ours(str(error), contract, window) from None
        finally:
            # Without it, closing after the server went away ends the whole process: the scanner rolls back in a
            # destructor, and an exception there is an abort.
            with suppress(duckdb.Error):
                connection.execute("ROLLBACK")
            connection.close()

    def _types(self, connection: duckdb.DuckDBPyConnection, contract: Contract, window: Window) -> dict[str, str]:
        """Type name of each column we may read; held against the contract.

        The system catalog is asked and not information_schema, which does not list materialised views.
        """
        found: dict[str, str] = dict(
            _ask(
                connection,
                "SELECT a.attname::text AS name, t.typname::text AS type FROM pg_catalog.pg_attribute a "
                "JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
                f"WHERE a.attrelid = {quote_literal(self._table)}::regclass AND a.attnum > 0 AND NOT a.attisdropped "
                "AND pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT') ORDER BY a.attnum",
            )
        )
        if not found:
            raise SourceRefused(
                f"we may read no column of {self.arguments.table}",
                remedy="have SELECT granted to the connection's user",
                dataset=contract.dataset,
                day=window.first,
            )
        promised = [column.source_name for column in contract.columns]
        missing = [name for name in promised if name not in found]
        unknown = [name for name in found if name not in promised]
        if missing or unknown:
            raise SchemaDrift(
                f"{self.arguments.table} has other columns than the contract: "
                + "; ".join(
                    f"{kind}: {', '.join(names)}" for kind, names in (("missing", missing), ("added", unknown)) if names
                ),
                remedy="ask the department, then write a new version of the contract",
                dataset=contract.dataset,
                day=window.first,
                column=(missing or unknown)[0],
            )
        return found

    def _where(self, contract: Contract, window: Window, types: dict[str, str]) -> str:
        """The window as a condition on the server: half-open, from local midnight to local midnight."""
        if contract.mode is Mode.SNAPSHOT:
            return ""
        name = contract.cursor if contract.mode is Mode.CHANGES else contract.partition_column
        column = contract.column(name or "")
        type_ = types[column.source_name]
        if type_ not in _CURSOR_TYPES:
            raise SchemaDrift(
                f"the window is cut by this column, which has the type {type_}, not {' or '.join(_CURSOR_TYPES)}",
                remedy="name another column in the contract, or ask the department",
                dataset=contract.dataset,
                day=window.first,
                column=column.name,
            )
        begin = _instant(window.first, contract, type_, contract.overlap)
        end = _instant(window.last + timedelta(days=1), contract, type_, timedelta(0))
        identifier = quote_identifier(column.source_name)
        return f" WHERE {identifier} >= {begin} AND {identifier} < {end}"

    def _count(self, connection: duckdb.DuckDBPyConnection, where: str) -> int:
        return int(_ask(connection, f"SELECT count(*) AS n FROM {self._table}{where}")[0][0])

    def _select(self, contract: Contract, types: dict[str, str], where: str) -> str:
        columns = ", ".join(_expression(column, types[column.source_name]) for column in contract.columns)
        key = ", ".join(quote_identifier(column.source_name) for column in contract.key)
        return f"SELECT {columns} FROM {self._table}{where}" + (f" ORDER BY {key}" if key else "")

    def _ours(self, message: str, contract: Contract, window: Window) -> CitybrainError:
        """Our error for one of the driver's, whose text may hold the password or a cell and is not repeated."""
        source = f"connection {contract.source.connection!r}"
        for pattern, kind, cause, remedy in _REASONS:
            if re.search(pattern, message):
                return kind(
                    cause.format(source=source, table=self.arguments.table),
                    remedy=remedy,
                    dataset=contract.dataset,
                    day=window.first,
                )
        return SourceUnavailable(
            f"the extraction of {self.arguments.table} from {source} broke off",
            remedy="look at the server's log; the next run tries again",
            dataset=contract.dataset,
            day=window.first,
        )


_REASONS: tuple[tuple[str, type[CitybrainError], str, str], ...] = (
    (
        r"No space left on device|Disk quota exceeded",
        StorageFull,
        "the disk is full",
        "make room under the home folder, then load again",
    ),
    (
        r"password authentication failed|no password supplied|no pg_hba\.conf entry|authentication failed",
        SourceRefused,
        "{source}: the server refuses our user or password",
        "have the credentials renewed and set the connection anew",
    ),
    (
        r"(role|database) \".*\" does not exist|is not permitted to log in",
        SourceRefused,
        "{source}: the server does not know the user or the database",
        "correct the connection",
    ),
    (
        r"permission denied",
        SourceRefused,
        "{source}: we may not read {table}",
        "have SELECT granted to the connection's user",
    ),
    (
        r"(relation|schema) \".*\" does not exist",
        SourceRefused,
        "{source}: there is no table {table}",
        "correct the table in the contract, or ask the department where it went",
    ),
    (
        r"column .* does not exist",
        SchemaDrift,
        "{table} lost a column while it was read",
        "load again to see which one",
    ),
    (
        r"[Ii]nvalid (unicode|byte sequence)|not valid UTF|invalid UTF",
        DeliveryDamaged,
        "{table} holds text that is not valid in the database's own encoding",
        "ask the department to repair the text",
    ),
    (
        r"Unable to connect|could not connect|[Cc]onnection refused|starting up|shutting down|too many (clients|conn)",
        SourceUnavailable,
        "{source}: the server does not answer",
        "look at the server and the network; the next run tries again",
    ),
)
"""How the driver's and the server's messages are sorted; the first that matches counts."""


def _ask(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = connection.execute(
        f"SELECT * FROM postgres_query('source', {quote_literal(sql)})"
    ).fetchall()
    return rows


def _copy(connection: duckdb.DuckDBPyConnection, select: str, target: Path) -> None:
    """Stream the rows into Parquet in the order the server gives them: one row group in memory at a time."""
    connection.execute(
        f"COPY (SELECT row_number() OVER () AS _record, * FROM postgres_query('source', {quote_literal(select)})) "
        f"TO {quote_literal(str(target))} (FORMAT parquet, COMPRESSION zstd)"
    )


def _expression(column: Column, type_: str) -> str:
    """One column as it is asked for: exact types as they are, times of the clock in ISO 8601, the rest as text."""
    name = quote_identifier(column.source_name)
    if type_ in EXACT_TYPES:
        return name
    if type_ in ("timestamptz", "timestamp"):
        return f"replace(replace({name}::text, ' ', 'T'), 'TBC', ' BC') AS {name}"
    return f"{name}::text AS {name}"


def _instant(day: date, contract: Contract, type_: str, back: timedelta) -> str:
    """Begin of a local day, less the overlap, as a literal of the column's type."""
    midnight = datetime.combine(day, time.min)
    if type_ == "timestamptz":
        instant = midnight.replace(tzinfo=ZoneInfo(contract.zone)).astimezone(UTC) - back
        return f"timestamptz {quote_literal(instant.isoformat())}"
    if type_ == "timestamp":
        return f"timestamp {quote_literal((midnight - back).isoformat())}"
    return f"date {quote_literal((midnight - back).date().isoformat())}"


def _digest(settings: Settings, contract: Contract, types: dict[str, str], file: Path) -> tuple[int, str]:
    """Number of rows of the landed file and digest of their content; see `DIGEST_ALGORITHM`."""
    names = [column.source_name for column in contract.columns]
    cells = [f"{quote_identifier(name)}::VARCHAR" for name in names]
    text = "concat_ws(chr(31) || '0', {}, '')"
    plain = text.format(", ".join(f"coalesce({cell}, chr(31) || '2')" for cell in cells))
    escaped = text.format(
        ", ".join(f"coalesce(replace({cell}, chr(31), chr(31) || '1'), chr(31) || '2')" for cell in cells)
    )
    # Hardly a row has anything to escape, and looking is a third cheaper than replacing.
    looked_at = [cell for name, cell in zip(names, cells, strict=True) if types[name] not in _WITHOUT_CONTROLS]
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
    for part in (*names, str(count), str(upper), str(lower)):
        digest.update(f"{len(part)}:{part}\n".encode())
    return int(count), digest.hexdigest()


def _conninfo(uri: str, contract: Contract) -> str:
    """libpq's key-value form of a URI, with a limit to how long connecting may take."""
    parts = urlsplit(uri)
    if parts.scheme not in _SCHEMES:
        raise ContractError(
            f"connection {contract.source.connection!r} is not a PostgreSQL address",
            remedy="give it as postgresql://user:password@host:port/database",
            dataset=contract.dataset,
        )
    values = {
        "connect_timeout": "10",
        "application_name": "citybrain",
        "keepalives_idle": "60",
        "client_encoding": "UTF8",
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "host": unquote(parts.hostname or ""),
        "port": str(parts.port or ""),
        "dbname": unquote(parts.path.lstrip("/")),
    } | dict(parse_qsl(parts.query))
    return " ".join(
        "{}='{}'".format(key, value.replace("\\", r"\\").replace("'", r"\'")) for key, value in values.items() if value
    )
