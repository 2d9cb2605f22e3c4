"""MySQL and MariaDB by DuckDB's scanner: rows and their count by one statement, which is one snapshot.

The scanner streams only outside its own transaction; inside it, it holds a whole answer in memory. So the extraction is
a single ``SELECT`` that carries the count of its rows as a column: InnoDB reads all of a statement as of one instant.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

from lake.connectors.extraction import Clock, Reason, TableColumn, TableSource
from lake.connectors.protocol import SourceColumn
from lake.contracts.model import Contract
from lake.engine import connect, quote_identifier, quote_literal
from lake.errors import ContractError, SchemaDrift, SourceRefused, SourceUnavailable
from lake.settings import Settings

if TYPE_CHECKING:
    import duckdb

EXACT_TYPES = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "float", "double"})
"""Types the scanner carries without changing a value, each tested with its extremes (tinyint(1) by a setting). They
travel in binary: a float made text by the server would keep six digits. All others are made text on the server; even
text, for the scanner takes what has a collation `…_bin`, as MariaDB's JSON has, for bytes."""

_WITHOUT_CONTROLS = frozenset(
    {"tinyint", "smallint", "mediumint", "int", "bigint", "float", "double", "decimal", "year", "bit"}
    | {"date", "datetime", "timestamp", "time"}
)
_BYTES, _SHAPE = "concat(char(92 using utf8mb4), 'x', lower(hex({0})))", "ST_AsText({0})"
_AS_TEXT = {
    # As it is handed out unless the server's mode says PAD_CHAR_TO_FULL_LENGTH.
    "char": "trim(trailing ' ' from {0})",
    "bit": "lpad(bin({0}), {1}, '0')",
    "datetime": "replace(cast({0} AS char), ' ', 'T')",
    "timestamp": "concat(replace(cast({0} AS char), ' ', 'T'), '+00')",
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), _BYTES),
    **dict.fromkeys(("geometry", "point", "linestring", "polygon", "geometrycollection", "geomcollection"), _SHAPE),
    **dict.fromkeys(("multipoint", "multilinestring", "multipolygon"), _SHAPE),
}
"""How a type is made text: {0} is the column, {1} the first number of its type. Others are cast."""

_SETTINGS = {
    "mysql_session_time_zone": "+00:00",
    "mysql_tinyint1_as_boolean": "false",
    "mysql_bit1_as_boolean": "false",
    "mysql_pool_enable_reaper_thread": "false",
}
_OPTIONS = frozenset({"ssl_mode", "ssl_ca", "ssl_capath", "ssl_cert", "ssl_key", "ssl_cipher", "compression", "socket"})
_SCHEMES = ("mysql", "mariadb")
_SECRET, _IN_SECRET = "source_credentials", ("host", "port", "user", "password", "database")
_CONNECT_TIMEOUT_S = 10.0


class Source(TableSource["duckdb.DuckDBPyConnection"]):
    """One table or view of ``mysql://user:password@host:3306/database?ssl_mode=required``, or ``mariadb://``.

    A record is a row; the second count is the server's ``count(*)`` in the same statement.
    """

    clocks: ClassVar = {"timestamp": Clock.INSTANT, "datetime": Clock.LOCAL, "date": Clock.DAY}
    reasons: ClassVar[tuple[Reason, ...]] = (
        (
            r"Access denied for user .* to database|Unknown database",
            SourceRefused,
            "{source}: the server does not know the database, or does not let us in",
            "correct the connection, or have the user let in",
        ),
        (
            r"Access denied for user|not allowed to connect|is blocked because|Authentication plugin|password has exp",
            SourceRefused,
            "{source}: the server refuses our user or password",
            "have the credentials renewed and set the connection anew",
        ),
        (
            r"command denied to user",
            SourceRefused,
            "{source}: we may not read {table}",
            "have SELECT granted to the connection's user",
        ),
        (
            r"Table .* doesn't exist",
            SourceRefused,
            "{source}: there is no table {table}",
            "correct the table in the contract, or ask the department where it went",
        ),
        (
            r"Unknown column",
            SchemaDrift,
            "{table} lost a column while it was read",
            "load again to see which one",
        ),
        (
            r"SSL|TLS",
            SourceRefused,
            "{source}: no encrypted connection comes about",
            "set ssl_mode and ssl_ca of the connection as the server asks for",
        ),
        (
            r"Can't connect|Unknown MySQL server host|Too many connections|Lost connection|gone away|timed out|"
            r"Connection refused|not known|unreachable|shutdown in progress",
            SourceUnavailable,
            "{source}: the server does not answer",
            "look at the server and the network; the next run tries again",
        ),
    )

    def __init__(self, contract: Contract, settings: Settings) -> None:
        super().__init__(contract, settings)
        self._address = _address(settings.connection(contract.source.connection), contract)
        self._schema = self._schema or self._address["database"]

    @contextmanager
    def _session(self, contract: Contract, day: date | None) -> Iterator[duckdb.DuckDBPyConnection]:
        import duckdb

        connection = connect(self.settings, extensions=("mysql_scanner",))
        try:
            self._reach(contract, day)
            for name, value in _SETTINGS.items():
                connection.execute(f"SET {name} = {quote_literal(value)}")
            # A secret, since the scanner takes a text with a ? in the password for a URI, and repeats it in errors.
            connection.execute(f"CREATE TEMPORARY SECRET {_SECRET} (TYPE mysql, {_secret(self._address)})")
            options = quote_literal(_dsn(self._address))
            connection.execute(f"ATTACH {options} AS source (TYPE mysql, SECRET {_SECRET}, READ_ONLY)")
            self._refuse_dirty_reads(connection, contract, day)
            yield connection
        except duckdb.Error as error:
            told = self._ours(str(error), contract, day)
            error.args = ()  # it hangs on to ours as its context
            raise told from None
        finally:
            connection.close()

    def _reach(self, contract: Contract, day: date | None) -> None:
        """Knock first: the scanner knows no limit to how long connecting may take."""
        if "socket" in self._address:
            return
        try:
            where = (self._address["host"], int(self._address["port"]))
            socket.create_connection(where, _CONNECT_TIMEOUT_S).close()
        except OSError:
            raise self._ours("Can't connect", contract, day) from None

    def _refuse_dirty_reads(self, session: duckdb.DuckDBPyConnection, contract: Contract, day: date | None) -> None:
        sql = "SHOW VARIABLES WHERE Variable_name IN ('tx_isolation', 'transaction_isolation')"
        if any(value == "READ-UNCOMMITTED" for _, value in self._ask(session, sql)):
            raise SourceRefused(
                f"connection {contract.source.connection!r}: the server reads what is not committed",
                remedy="have transaction_isolation set to READ-COMMITTED or REPEATABLE-READ",
                dataset=contract.dataset,
                day=day,
            )

    def _columns(self, session: duckdb.DuckDBPyConnection) -> Sequence[TableColumn]:
        rows = self._ask(session, _column_query(self._schema, self._name))
        return [
            TableColumn(
                SourceColumn(name, type_, nullable == "YES", None if position is None else int(position), comment),
                kind,
                kind in _WITHOUT_CONTROLS,
            )
            for name, kind, type_, nullable, position, comment in rows
        ]

    def _ask(self, session: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = session.execute(
            f"SELECT * FROM mysql_query('source', {quote_literal(sql)})"
        ).fetchall()
        return rows

    def _extract(self, session: duckdb.DuckDBPyConnection, columns: str, rest: str, order: str, target: Path) -> int:
        select = f"SELECT (SELECT count(*) {rest}) AS _counted, {columns} {rest}{order}"
        for _ in range(3):
            _copy(session, select, target)
            row = session.execute("SELECT any_value(_counted) FROM read_parquet(?)", [str(target)]).fetchone()
            if row and row[0] is not None:
                return int(row[0])
            # No row came, and with it no count. Rows that were written since make us read once more.
            counted = int(self._ask(session, f"SELECT count(*) AS n {rest}")[0][0])
            if not counted:
                break
        return counted

    def _value(self, column: TableColumn) -> str:
        name = self._quoted(column.name)
        if column.kind in EXACT_TYPES:
            return name
        number = re.search(r"\d+", column.said.type)
        return _AS_TEXT.get(column.kind, "cast({0} AS char)").format(name, number[0] if number else 1)

    def _moment(self, clock: Clock, at: datetime) -> str:
        if clock is Clock.DAY:
            return quote_literal(at.date().isoformat())
        return quote_literal(at.isoformat(" "))

    def _within(self, quoted: str, begin: str, end: str) -> str:
        """MySQL's other way to say that there is no date is 0000-00-00."""
        return f"({quoted} >= {begin} AND {quoted} < {end} OR {quoted} IS NULL OR {quoted} < '1000-01-01')"

    def _quoted(self, name: str) -> str:
        return quote_identifier(name, "`")


def _column_query(schema: str, table: str) -> str:
    return (
        "SELECT c.column_name AS n, lower(c.data_type) AS k, cast(c.column_type AS char) AS t, "
        "c.is_nullable AS o, s.seq_in_index AS p, c.column_comment AS d FROM information_schema.columns c "
        "LEFT JOIN information_schema.statistics s ON s.table_schema = c.table_schema AND "
        "s.table_name = c.table_name AND s.column_name = c.column_name AND s.index_name = 'PRIMARY' "
        f"WHERE c.table_schema = {_text(schema)} AND c.table_name = {_text(table)} ORDER BY c.ordinal_position"
    )


def _copy(connection: duckdb.DuckDBPyConnection, select: str, target: Path) -> None:
    """Stream the rows into Parquet in the order the server gives them: one row group in memory at a time."""
    connection.execute(
        f"COPY (SELECT row_number() OVER () AS _record, * FROM mysql_query('source', {quote_literal(select)})) "
        f"TO {quote_literal(str(target))} (FORMAT parquet, COMPRESSION zstd)"
    )


def _text(value: str) -> str:
    """A string by its bytes: whether a backslash escapes is the server's setting."""
    return f"convert(x'{value.encode().hex()}' using utf8mb4)"


def _address(uri: str, contract: Contract) -> dict[str, str]:
    """Parts of a URI by the scanner's names for them."""
    parts = urlsplit(uri)
    options = dict(parse_qsl(parts.query))
    if parts.scheme not in _SCHEMES or options.keys() - _OPTIONS:
        raise ContractError(
            f"connection {contract.source.connection!r} is not an address of MySQL or MariaDB",
            remedy="give it as mysql://user:password@host:port/database, after a ? at most "
            + ", ".join(sorted(_OPTIONS)),
            dataset=contract.dataset,
        )
    return {
        "host": unquote(parts.hostname or "localhost"),
        "port": str(parts.port or 3306),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "database": unquote(parts.path.lstrip("/")),
    } | options


def _secret(address: dict[str, str]) -> str:
    return ", ".join(f"{name} {quote_literal(address[name])}" for name in _IN_SECRET)


def _dsn(address: dict[str, str]) -> str:
    """What is no secret, as the scanner's text of a connection."""
    return " ".join(
        '{}="{}"'.format(name, value.replace("\\", r"\\").replace('"', r"\""))
        for name, value in address.items()
        if name not in _IN_SECRET
    )
