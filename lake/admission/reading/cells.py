"""Where formats without a parser in DuckDB put what they read: cells as text, batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import duckdb

from lake.admission.reading.relation import control_character, file_table
from lake.contracts.model import Contract
from lake.engine import quote_identifier

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_RECORDS = 20_000


class Cells:
    """Collects records and makes the relation ``raw`` of them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
        self._connection = connection
        self._names = [column.name for column in contract.columns]
        columns = ", ".join(f"{quote_identifier(name)} VARCHAR" for name in self._names)
        connection.execute(
            f"CREATE TABLE cells (_file_no INTEGER, _record BIGINT, _problem VARCHAR, _text VARCHAR, {columns})"
        )

    def add(self, batch: pa.Table | str) -> None:
        """Take records.

        Args:
            batch: a table, or SQL of a relation, of (_file_no, _record, _problem, _text, cells …), cells VARCHAR in the
                contract's order, empty text and NULL alike missing. What no digest could bear becomes a problem here.
        """
        from_ = batch
        if not isinstance(batch, str):
            self._connection.register("incoming_cells", batch)
            from_ = "FROM incoming_cells"
        names = [quote_identifier(f"c{number}") for number in range(len(self._names))]
        values = ", ".join(f"nullif({name}, '')" for name in names)
        together = f"concat_ws(chr(9), {', '.join(names)})"
        self._connection.execute(
            f"INSERT INTO cells SELECT _file_no, _record, CASE WHEN _problem IS NOT NULL THEN _problem "
            f"{control_character(together)} END, _text, {values} "
            f"FROM ({from_}) AS incoming(_file_no, _record, _problem, _text, {', '.join(names)})"
        )
        if not isinstance(batch, str):
            self._connection.unregister("incoming_cells")

    def finish(self, addresses: Sequence[tuple[str, date | None]]) -> None:
        """Make ``raw``; `addresses` by file number."""
        file_table(self._connection, addresses)
        names = ", ".join(quote_identifier(name) for name in self._names)
        self._connection.execute(
            f"CREATE VIEW raw AS SELECT _file, _record, _day, _problem, _text, {names} "
            "FROM cells JOIN landed_files USING (_file_no)"
        )


def table_of(
    file_no: int,
    numbers: Sequence[int],
    columns: Sequence[Sequence[str | None]],
    problems: Sequence[str | None] | None = None,
    texts: Sequence[str | None] | None = None,
) -> pa.Table:
    """Records of one part as a table for `Cells.add`.

    Args:
        file_no: of the part they are in.
        numbers: of the records.
        columns: cells, column by column.
        problems: why records cannot be read; None = all can.
        texts: what tells a broken record from others.
    """
    import pyarrow as pa

    text, count = pa.string(), len(numbers)
    arrays = [
        pa.repeat(pa.scalar(file_no, pa.int32()), count),
        pa.array(numbers, pa.int64()),
        pa.array(problems or [None] * count, text),
        pa.array(texts or [None] * count, text),
        *(pa.array(column, text) for column in columns),
    ]
    return pa.Table.from_arrays(arrays, names=[str(number) for number in range(len(arrays))])


def broken(file_no: int, records: Sequence[tuple[int, str, str]], width: int) -> pa.Table:
    """Records nobody can read, each (number, problem, what tells it from others), as a table for `Cells.add`."""
    numbers, problems, texts = zip(*records, strict=True)
    return table_of(file_no, numbers, [[None] * len(numbers)] * width, problems, texts)
