"""Parquet files of a department: a record is a row, its number its place in the file; every value as its exact text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from lake.admission.reading.relation import addresses_of, check_columns, control_character, damaged, file_table
from lake.engine import quote_identifier, quote_literal

if TYPE_CHECKING:
    from lake.landing import Landed


def read_parquet_files(connection: duckdb.DuckDBPyConnection, landed: Landed, scratch: Path) -> None:
    """Make ``raw`` of Parquet files; empty text is NULL."""
    file_table(connection, addresses_of(landed))
    columns = landed.contract.columns
    alike: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for file in landed.files:
        path = quote_literal(str(landed.folder / "files" / file.name))
        try:
            described = connection.execute(f"DESCRIBE {_scan([path])}").fetchall()
            # The footer says what is there; only reading it all says that it can be read.
            connection.execute(f"SELECT bit_xor(hash(rows)) FROM ({_scan([path])}) AS rows")
        except duckdb.Error as error:
            raise damaged(landed, file.name, f"it is not Parquet we can read ({type(error).__name__})") from None
        schema = tuple((name, type_) for name, type_, *_ in described)
        check_columns(landed, file.name, [name for name, _ in schema], ordered=False)
        alike.setdefault(tuple(sorted(schema)), []).append(path)
    selects = []
    for schema, paths in alike.items():
        type_of = dict(schema)
        cells = ", ".join(
            f"nullif({_text(column.source_name, type_of[column.source_name])}, '') AS {quote_identifier(column.name)}"
            for column in columns
            if column.source_name in type_of
        )
        selects.append(
            f"SELECT parse_filename(filename) AS _file, file_row_number + 1 AS _record, {cells} FROM "
            f"({_scan(paths, ', filename = true, file_row_number = true')})"
        )
    names = ", ".join(quote_identifier(column.name) for column in columns)
    empty = (
        f"SELECT ''::VARCHAR AS _file, 0::BIGINT AS _record, {', '.join(['NULL::VARCHAR'] * len(columns))} WHERE false"
    )
    connection.execute(
        f"CREATE VIEW raw AS SELECT _file, _record, _day, CASE {control_character(f'concat_ws(chr(9), {names})')} END "
        f"AS _problem, NULL::VARCHAR AS _text, {names} FROM ({' UNION ALL BY NAME '.join(selects) or empty}) "
        "JOIN landed_files USING (_file)"
    )


def _scan(paths: list[str], more: str = "") -> str:
    return f"SELECT * FROM read_parquet([{', '.join(paths)}], hive_partitioning = false{more})"


def _text(name: str, type_: str) -> str:
    """SQL of a value's canonical text."""
    value = quote_identifier(name)
    if type_.endswith("]") or type_.startswith(("STRUCT", "MAP", "UNION")):
        return f"to_json({value})::VARCHAR"
    if type_ == "BLOB":
        return f"lower(hex({value}))"
    if type_ in ("FLOAT", "DOUBLE"):
        return f"CASE WHEN isnan({value}) THEN 'NaN' ELSE {value}::VARCHAR END"
    if type_.startswith("DECIMAL"):
        return rf"regexp_replace({value}::VARCHAR, '^(-?)\.', '\10.')"
    return f"{value}::VARCHAR"
