"""Oracle, SQL Server and Dameng by their Python drivers: rows by the batch into Arrow, batches into Parquet.

DuckDB has no scanner for them. The drivers are an extra of the package, ``drivers``; which one is used follows from the
scheme of the connection's address. Drivers hand over Python values, so here, and only here, a value is touched one by
one; memory is bounded by the size of a batch, which follows the width of the rows.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lake.connectors.dialects import DIALECTS, Dialect
from lake.connectors.extraction import Clock, TableColumn, TableSource
from lake.connectors.protocol import Description, SourceColumn
from lake.contracts.model import Contract
from lake.errors import CitybrainError, ContractError, DeliveryDamaged, SourceUnavailable
from lake.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_BYTES, ROW_GROUP_BYTES = 8_000_000, 64_000_000
MOST_ROWS, FIRST_ROWS = 20_000, 500
"""How many rows are asked for at once: few at first, then as many as make a batch."""


class Connected:
    """A connection in one instant of reading, and the way to speak with it."""

    def __init__(self, connection: Any, dialect: Dialect) -> None:
        self.connection, self.dialect = connection, dialect
        self.cannot_promise = dialect.begin(connection)


class Source(TableSource[Connected]):
    """One table or view. A record is a row; the second count is the server's ``count(*)`` in the same transaction."""

    def __init__(self, contract: Contract, settings: Settings) -> None:
        super().__init__(contract, settings)
        self._parts = urlsplit(settings.connection(contract.source.connection))
        dialect = DIALECTS.get(self._parts.scheme)
        if dialect is None:
            raise ContractError(
                f"connection {contract.source.connection!r} is not an address of a database we know",
                remedy="give it as <scheme>://user:password@host:port/database with one of " + ", ".join(DIALECTS),
                dataset=contract.dataset,
            )
        self._dialect = dialect()
        self.clocks, self.reasons = dialect.clocks, dialect.reasons  # type: ignore[misc]

    def describe(self, contract: Contract) -> Description:
        """See `TableSource`; the notes say what the server does not let us promise."""
        said = super().describe(contract)
        with self._session(contract, None) as session:
            return Description(said.columns, said.first_day, said.last_day, (*said.notes, *session.cannot_promise))

    @contextmanager
    def _session(self, contract: Contract, day: date | None) -> Iterator[Connected]:
        driver = _driver(self._dialect.driver, contract)
        connection = None
        try:
            connection = self._connected(driver, contract, day)
            yield Connected(connection, self._dialect)
        except driver.Error as error:
            # What drivers say may hold a cell or the address: it is sorted, never chained or quoted.
            told = self._ours(self._dialect.told(error), contract, day)
            error.args = ()  # it hangs on to ours as its context
            raise told from None
        finally:
            if connection is not None:
                for end in (connection.rollback, connection.close):
                    with suppress(Exception):  # of a connection that is gone drivers raise anything
                        end()

    def _connected(self, driver: Any, contract: Contract, day: date | None) -> Any:
        try:
            return self._dialect.connect(driver, self._parts)
        except OSError:  # some drivers let it through
            raise SourceUnavailable(
                f"connection {contract.source.connection!r}: the server cannot be reached",
                remedy="look at host and port of the connection, the server and the network",
                dataset=contract.dataset,
                day=day,
            ) from None

    def _columns(self, session: Connected) -> Sequence[TableColumn]:
        rows = self._ask(session, self._dialect.columns(self._schema, self._name))
        return [
            TableColumn(
                SourceColumn(name, type_, nullable == "Y", None if position is None else int(position), comment or ""),
                self._dialect.kind(type_),
            )
            for name, type_, nullable, position, comment in rows
        ]

    def _ask(self, session: Connected, sql: str) -> list[tuple[Any, ...]]:
        cursor = session.connection.cursor()
        try:
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()]
        finally:
            cursor.close()

    def _extract(self, session: Connected, columns: str, rest: str, order: str, target: Path) -> int:
        counted = int(self._ask(session, f"SELECT count(*) AS n {rest}")[0][0])
        _copy(session, f"SELECT {columns} {rest}{order}", target)
        return counted

    def _value(self, column: TableColumn) -> str:
        return self._dialect.value(column)

    def _moment(self, clock: Clock, at: datetime) -> str:
        return self._dialect.moment(clock, at)


def _copy(session: Connected, select: str, target: Path) -> None:
    """Stream the rows into Parquet in the order the server gives them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    cursor = session.dialect.cursor(session.connection)
    cursor.arraysize = FIRST_ROWS
    try:
        cursor.execute(select)
        names = [column[0] for column in cursor.description or ()]
        schema = pa.schema([("_record", pa.int64()), *((name, pa.string()) for name in names)])
        with pq.ParquetWriter(target, schema, compression="zstd") as writer:
            waiting: list[pa.RecordBatch] = []
            for batch in _batches(cursor, schema):
                waiting.append(batch)
                if sum(one.nbytes for one in waiting) >= ROW_GROUP_BYTES:
                    writer.write_table(pa.Table.from_batches(waiting, schema))
                    waiting = []
            if waiting:
                writer.write_table(pa.Table.from_batches(waiting, schema))
    finally:
        with suppress(Exception):  # what went wrong before is what counts
            cursor.close()


def _batches(cursor: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    record, ask_for = 1, FIRST_ROWS
    while True:
        rows = cursor.fetchmany(ask_for)
        if not rows:
            return
        arrays = [pa.array(range(record, record + len(rows)), pa.int64())]
        for name, cells in zip(schema.names[1:], zip(*rows, strict=True), strict=True):
            # Nearly all is text already; looking costs little, and nothing else may pass unlooked at.
            arrays.append(pa.array([c if c is None or type(c) is str else _text(c, name) for c in cells], pa.string()))
        batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
        yield batch
        record += len(rows)
        ask_for = max(1, min(MOST_ROWS, BATCH_BYTES * len(rows) // max(1, batch.nbytes)))


def _text(cell: Any, column: str) -> str:
    """Text of what a driver hands over exactly: whole numbers, floats to the last bit, bytes, and LOBs of either."""
    if hasattr(cell, "read"):
        cell = cell.read()
    if isinstance(cell, bytes | bytearray | memoryview):
        return "\\x" + bytes(cell).hex()
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, str):
        return str(cell)
    if isinstance(cell, int | float):
        return repr(cell)
    raise DeliveryDamaged(
        f"the driver hands over {type(cell).__name__}, whose text could differ from the value",
        remedy="leave the column out by a view, and tell us its type",
        column=column,
    )


def _driver(name: str, contract: Contract) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise CitybrainError(
            f"the driver {name} is not installed",
            remedy="install the extra `drivers`, see docs/how-to/connect-a-database.md",
            dataset=contract.dataset,
        ) from None
