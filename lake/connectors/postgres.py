"""PostgreSQL by DuckDB's scanner: all of an extraction in one read-only, repeatable-read transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

from lake.connectors.extraction import Clock, Reason, TableColumn, TableSource
from lake.connectors.protocol import SourceColumn
from lake.contracts.model import Contract
from lake.engine import connect, quote_identifier, quote_literal
from lake.errors import ContractError, DeliveryDamaged, SchemaDrift, SourceRefused, SourceUnavailable
from lake.settings import Settings

if TYPE_CHECKING:
    import duckdb

EXACT_TYPES = frozenset({"bool", "int2", "int4", "int8", "text", "varchar"})
"""Types the scanner carries without changing a value, each tested with its extremes. All others are made text on the
server: numeric loses digits and NaN, timestamptz overflows after 290279, char(n) and BC dates are spelled otherwise."""

_WITHOUT_CONTROLS = frozenset({"bool", "int2", "int4", "int8", "numeric", "date", "timestamp", "timestamptz", "uuid"})
"""Types whose text cannot hold a control character."""

_SESSION = {
    # Text of dates, numbers and bytes must not depend on how server, database or role are set.
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "iso_8601",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "xmloption": "content",
}
_SCHEMES = ("postgres", "postgresql")


class Source(TableSource["duckdb.DuckDBPyConnection"]):
    """One table or view of ``postgresql://user:password@host:5432/database``; libpq's options after a ``?``.

    A record is a row; the second count is the server's ``count(*)`` in the same snapshot.
    """

    clocks: ClassVar = {"timestamptz": Clock.INSTANT, "timestamp": Clock.LOCAL, "date": Clock.DAY}
    reasons: ClassVar[tuple[Reason, ...]] = (
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
            r"Unable to connect|could not connect|[Cc]onnection refused|starting up|shutting down|too many (cl|conn)",
            SourceUnavailable,
            "{source}: the server does not answer",
            "look at the server and the network; the next run tries again",
        ),
    )

    def __init__(self, contract: Contract, settings: Settings) -> None:
        super().__init__(contract, settings)
        self._conninfo = _conninfo(settings.connection(contract.source.connection), contract)

    @contextmanager
    def _session(self, contract: Contract, day: date | None) -> Iterator[duckdb.DuckDBPyConnection]:
        """One snapshot of the source: the scanner keeps one server connection for a DuckDB transaction."""
        import duckdb

        connection = connect(self.settings, extensions=("postgres_scanner",))
        try:
            # The scanner's errors repeat the connection string, password included: they are emptied, never quoted.
            connection.execute(f"ATTACH {quote_literal(self._conninfo)} AS source (TYPE postgres, READ_ONLY)")
            connection.execute("BEGIN")
            settings = ", ".join(
                f"set_config({quote_literal(name)}, {quote_literal(value)}, true) AS {quote_identifier(name)}"
                for name, value in _SESSION.items()
            )
            self._ask(connection, f"SELECT {settings}")
            yield connection
        except duckdb.Error as error:
            told = self._ours(str(error), contract, day)
            error.args = ()  # it hangs on to ours as its context
            raise told from None
        finally:
            # Without it, closing after the server went away ends the whole process: the scanner rolls back in a
            # destructor, and an exception there is an abort.
            with suppress(duckdb.Error):
                connection.execute("ROLLBACK")
            connection.close()

    def _columns(self, session: duckdb.DuckDBPyConnection) -> Sequence[TableColumn]:
        """The system catalog is asked and not information_schema, which does not list materialised views."""
        rows = self._ask(session, _column_query(self._table))
        return [
            TableColumn(
                # The numbers of an index begin at 0.
                SourceColumn(name, type_, not required, None if position is None else position + 1, comment),
                kind,
                kind in _WITHOUT_CONTROLS,
            )
            for name, kind, type_, required, position, comment in rows
        ]

    def _ask(self, session: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = session.execute(
            f"SELECT * FROM postgres_query('source', {quote_literal(sql)})"
        ).fetchall()
        return rows

    def _extract(self, session: duckdb.DuckDBPyConnection, columns: str, rest: str, order: str, target: Path) -> int:
        counted = int(self._ask(session, f"SELECT count(*) AS n {rest}")[0][0])
        _copy(session, f"SELECT {columns} {rest}{order}", target)
        return counted

    def _value(self, column: TableColumn) -> str:
        name = quote_identifier(column.name)
        if column.kind in EXACT_TYPES:
            return name
        if column.kind in ("timestamptz", "timestamp"):
            return f"replace(replace({name}::text, ' ', 'T'), 'TBC', ' BC')"
        return f"{name}::text"

    def _moment(self, clock: Clock, at: datetime) -> str:
        if clock is Clock.INSTANT:
            return f"timestamptz {quote_literal(f'{at.isoformat()}+00')}"
        if clock is Clock.LOCAL:
            return f"timestamp {quote_literal(at.isoformat())}"
        return f"date {quote_literal(at.date().isoformat())}"


def _column_query(table: str) -> str:
    return (
        "SELECT a.attname::text AS name, t.typname::text AS kind, format_type(a.atttypid, a.atttypmod) AS type, "
        "a.attnotnull AS required, array_position(i.indkey::int2[], a.attnum) AS key_position, "
        "coalesce(col_description(a.attrelid, a.attnum), '') AS comment "
        "FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
        "LEFT JOIN pg_catalog.pg_index i ON i.indrelid = a.attrelid AND i.indisprimary "
        f"WHERE a.attrelid = {quote_literal(table)}::regclass AND a.attnum > 0 AND NOT a.attisdropped "
        "AND pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT') ORDER BY a.attnum"
    )


def _copy(connection: duckdb.DuckDBPyConnection, select: str, target: Path) -> None:
    """Stream the rows into Parquet in the order the server gives them: one row group in memory at a time."""
    connection.execute(
        f"COPY (SELECT row_number() OVER () AS _record, * FROM postgres_query('source', {quote_literal(select)})) "
        f"TO {quote_literal(str(target))} (FORMAT parquet, COMPRESSION zstd)"
    )


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
