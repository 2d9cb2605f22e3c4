"""An answer as a file that leaves the house: CSV, workbook or Parquet."""

from __future__ import annotations

from pathlib import Path

from lake.engine import connect, quote_identifier, quote_literal
from lake.errors import CitybrainError
from lake.marts.query import QuestionRefused, asked
from lake.settings import Settings

FORMULA_STARTS = r"^[=+\-@\t\r\n＝＋－＠]"
"""A text that begins so is a formula to a spreadsheet, whoever wrote it (OWASP, "CSV Injection")."""

_FORMATS = {
    ".csv": "FORMAT csv, HEADER true",
    ".xlsx": "FORMAT xlsx, HEADER true",
    ".parquet": "FORMAT parquet, COMPRESSION zstd",
}
_BOM = b"\xef\xbb\xbf"
_BLOCK = 1 << 20


class ExportRefused(CitybrainError):
    """The file cannot be written as asked."""

    exit_code = 2


def export(settings: Settings, sql: str, target: Path, *, overwrite: bool = False) -> int:
    """Write the answer to a question into a file, the format by its suffix; gives the number of rows.

    In CSV and workbooks a text that a spreadsheet would take for a formula gets an apostrophe in front, headers
    included. CSV begins with a byte order mark, without which Excel misreads Chinese. Parquet is exact.

    Args:
        settings: the city's home.
        sql: one SELECT on the published marts.
        target: ``.csv``, ``.xlsx`` or ``.parquet``; appears whole or not at all.
        overwrite: replace a file that is there.

    Raises:
        ExportRefused: unknown suffix, a file in the way, no such folder, or more rows than a sheet holds.
        QuestionRefused, BuildFailed: as `lake.marts.query`.
    """
    import duckdb

    options = _FORMATS.get(target.suffix)
    if options is None:
        raise ExportRefused(
            f"no export to {target.suffix or 'a name without suffix'}", remedy=f"use {', '.join(_FORMATS)}"
        )
    if not target.parent.is_dir():
        raise ExportRefused("the folder of the file is not there", remedy="make it, or correct the path")
    if target.exists() and not overwrite:
        raise ExportRefused(f"{target.name} is there already", remedy="choose another name, or add --force")
    unfinished = target.with_name(f".{target.stem}.unfinished{target.suffix}")
    try:
        with asked(settings, sql) as answer, connect(settings, extensions=("excel",)) as writer:
            writer.register("answer", answer.to_arrow_reader(100_000))
            columns = writer.execute("DESCRIBE answer").fetchall()
            listed = ", ".join(
                _column(name, type_, is_exact=target.suffix == ".parquet") for name, type_, *_ in columns
            )
            written = writer.execute(
                f"COPY (SELECT {listed} FROM answer) TO {quote_literal(str(unfinished))} ({options})"
            ).fetchone()
        if target.suffix == ".csv":
            _mark(unfinished)
        unfinished.replace(target)
    except duckdb.Error as error:
        if "1048576" in str(error):
            raise ExportRefused("more rows than a sheet holds", remedy="ask for less, or export to .csv") from None
        raise QuestionRefused(
            f"DuckDB stopped with {type(error).__name__}", remedy="simplify the types asked for"
        ) from None
    finally:
        unfinished.unlink(missing_ok=True)
    return int(written[0]) if written else 0


def _column(name: str, type_: str, *, is_exact: bool) -> str:
    """One column as it is written, under a name that is no formula either."""
    identifier = quote_identifier(name)
    if is_exact:
        return identifier
    starts = quote_literal(FORMULA_STARTS)
    shown = f"CASE WHEN regexp_matches({identifier}, {starts}) THEN '''' || {identifier} ELSE {identifier} END"
    header = f"'{name}" if name[:1] in "=+-@\t\r\n＝＋－＠" else name
    return f"{shown if type_ == 'VARCHAR' else identifier} AS {quote_identifier(header)}"


def _mark(file: Path) -> None:
    """Put the byte order mark in front."""
    marked = file.with_name(f"{file.name}.marked")
    with file.open("rb") as plain, marked.open("wb") as copy:
        copy.write(_BOM)
        while block := plain.read(_BLOCK):
            copy.write(block)
    marked.replace(file)
