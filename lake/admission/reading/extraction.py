"""Extractions of databases, landed as Parquet: a record is a row, its address is ``_record``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from lake.admission.reading.relation import addresses_of, check_columns, control_character, damaged, file_table
from lake.engine import quote_identifier, quote_literal

if TYPE_CHECKING:
    from lake.landing import Landed


def read_extraction(connection: duckdb.DuckDBPyConnection, landed: Landed, scratch: Path) -> None:
    """Make ``raw`` of the rows a database connector landed; empty text is NULL."""
    paths = [landed.folder / "files" / file.name for file in landed.files]
    files = ", ".join(quote_literal(str(path)) for path in paths)
    values = ", ".join(
        f"nullif({quote_identifier(column.source_name)}::VARCHAR, '') AS {quote_identifier(column.name)}"
        for column in landed.contract.columns
    )
    names = ", ".join(quote_identifier(column.name) for column in landed.contract.columns)
    file_table(connection, addresses_of(landed))
    try:
        described = connection.execute(f"SELECT * FROM read_parquet([{files}], filename = true) LIMIT 0").description
    except duckdb.Error as error:
        raise damaged(landed, None, f"it is not Parquet we can read ({type(error).__name__})") from None
    found = [column[0] for column in described or () if column[0] not in ("_record", "_counted", "filename")]
    check_columns(landed, None, found, ordered=False)
    connection.execute(
        f"CREATE VIEW raw AS SELECT *, CASE {control_character(f'concat({names})')} END AS _problem FROM "
        f"(SELECT _file, _record, _day, NULL::VARCHAR AS _text, {values} FROM read_parquet([{files}], filename = true) "
        "JOIN landed_files ON _file = parse_filename(filename))"
    )
