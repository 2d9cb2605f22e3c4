"""Workbooks: a record is a row below the header with something in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from lake.admission.reading.relation import check_columns, damaged
from lake.engine import quote_identifier, quote_literal

if TYPE_CHECKING:
    from lake.landing import Landed


def read_workbooks(connection: duckdb.DuckDBPyConnection, landed: Landed, scratch: Path) -> None:
    """Make ``raw`` of workbooks."""
    contract = landed.contract
    sheet = contract.source.arguments.get("sheet")
    header_row = int(contract.source.arguments.get("header_row", 1))
    options = "all_varchar = true, header = false, stop_at_empty = false" + (
        f", sheet = {quote_literal(sheet)}" if sheet else ""
    )
    declared = ", ".join(f"{quote_identifier(column.name)} VARCHAR" for column in contract.columns)
    connection.execute(
        f"CREATE TABLE raw (_file VARCHAR, _record BIGINT, _day DATE, _problem VARCHAR, _text VARCHAR, {declared})"
    )
    for file in landed.files:
        source = f"read_xlsx({quote_literal(str(landed.folder / 'files' / file.name))}, {options})"
        try:
            width = len(connection.execute(f"SELECT * FROM {source} LIMIT 0").description or ())
            cells = [f"c{number}" for number in range(width)]
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE sheet AS SELECT row_number() OVER () - {header_row} AS _row, * "
                f"FROM (FROM {source}) AS sheet({', '.join(cells)})"
            )
        except duckdb.Error as error:
            raise damaged(landed, file.name, f"it is not a workbook we can read ({type(error).__name__})") from None
        header = connection.execute(f"SELECT {', '.join(cells)} FROM sheet WHERE _row = 0").fetchone()
        if header is None:
            raise damaged(landed, file.name, "the sheet is empty, it has not even a header")
        found = list(header)
        while found and found[-1] is None:
            found.pop()
        check_columns(landed, file.name, [str(name or "") for name in found], ordered=True)
        values = ", ".join(
            _workbook_cell(cell, column.type, column.format)
            for cell, column in zip(cells, contract.columns, strict=False)
        )
        # A row without a single cell is no record: workbooks end, and are broken up, by such rows.
        empty = " AND ".join(f"{cell} IS NULL" for cell in cells)
        blank = " AND ".join(f"coalesce({cell}, '') = ''" for cell in cells)
        connection.execute(
            f"INSERT INTO raw SELECT ?, _row, ?::DATE, CASE WHEN {blank} THEN 'blank_line' END, NULL, {values} "
            f"FROM sheet WHERE _row > 0 AND NOT ({empty})",
            [file.name, file.day],
        )
        connection.execute("DROP TABLE sheet")


def _workbook_cell(cell: str, type_: str, format_: str | None) -> str:
    """Text of a cell. Dates are numbers in a workbook (days since 1899-12-30): written out as the contract has them."""
    if type_ not in ("DATE", "TIMESTAMPTZ", "TIMESTAMP"):
        return (
            f"CASE WHEN {cell} = 'nan' THEN 'NaN' ELSE nullif({cell}, '') END"  # a number that is none, as XML has it
        )
    as_written = format_ or ("%Y-%m-%d" if type_ == "DATE" else "%Y-%m-%dT%H:%M:%S")
    moment = f"TIMESTAMP '1899-12-30' + to_seconds(round({cell}::DOUBLE * 86400))"
    is_number = rf"regexp_full_match({cell}, '\d{{1,6}}(\.\d+)?')"
    return f"CASE WHEN {is_number} THEN strftime({moment}, {quote_literal(as_written)}) ELSE nullif({cell}, '') END"
