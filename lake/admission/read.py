"""Reader of landed files: every physical record gets an address, and what cannot be read is kept with its reason.

``read`` makes the relation ``raw`` in a DuckDB connection: ``_file``, ``_record``, ``_day`` (of the file, or NULL),
``_problem`` (why the record cannot be read, or NULL), ``_text`` (what a broken record holds, for its digest only) and
the contract's columns by lake name, all VARCHAR, empty text as NULL.

The address of a record of a text file is its line number, the header not counted; of a page, its index from 1; of a
workbook, its row below the header; of an extraction, its ``_record``. A record of a text file is one line.
"""

from __future__ import annotations

import csv
import difflib
import gzip
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import duckdb

from lake.contracts.model import Contract
from lake.engine import quote_identifier, quote_literal
from lake.errors import ContractError, DeliveryDamaged, SchemaDrift

if TYPE_CHECKING:
    import pyarrow as pa

    from lake.landing import Landed

CHUNK_BYTES = 1 << 20
BATCH_BYTES = 64 << 20
LINE_LIMIT = 1 << 20
"""A longer line is one broken record: no department's record is that long, and memory stays bounded."""

_GZIP_DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error)
_CONTROL = r"\x00-\x08\x0a-\x1f"
"""All control characters but the tab, as part of an RE2 class: no field of a text file holds one."""
_NOT_ASCII_COMPATIBLE = ("utf-16", "utf-32", "utf-7")


def read(connection: duckdb.DuckDBPyConnection, landed: Landed, scratch: Path) -> None:
    """Make the relation ``raw`` of a landed delivery.

    Args:
        connection: an in-memory database with the extension ``excel`` for workbooks.
        landed: the delivery.
        scratch: folder of the caller's for files that live as long as the connection.

    Raises:
        DeliveryDamaged: a file cannot be read to its end.
        SchemaDrift: columns are not the contract's.
    """
    for file in landed.files:
        if file.problem:
            raise _damaged(landed, file.name, file.problem)
    _READERS[landed.contract.source.connector](connection, landed, scratch)


# ---- text files ------------------------------------------------------------------------------------------------------


def _read_text(connection: duckdb.DuckDBPyConnection, landed: Landed, scratch: Path) -> None:
    import pyarrow as pa

    contract = landed.contract
    if contract.encoding.lower().startswith(_NOT_ASCII_COMPATIBLE):
        raise ContractError(
            f"encoding {contract.encoding} is not supported",
            remedy="ask for UTF-8 or GB18030, or add a decoder to the reader",
            dataset=contract.dataset,
        )
    connection.execute("CREATE TABLE broken (_file_no INTEGER, _record BIGINT, _problem VARCHAR, _text VARCHAR)")
    good = 0
    headers: set[str] = set()
    for number, batch in enumerate(_batches(landed, headers)):
        good += _separate(connection, contract, pa.Table.from_batches(batch), headers, scratch / f"good-{number}.csv")
    _file_table(connection, landed)
    columns = ", ".join(quote_identifier(column.name) for column in contract.columns)
    connection.execute(
        f"CREATE VIEW raw AS SELECT _file, _record, _day, NULL::VARCHAR AS _problem, NULL::VARCHAR AS _text, {columns} "
        f"FROM {_good_lines(contract, scratch)} JOIN landed_files USING (_file_no) UNION ALL BY NAME "
        f"SELECT _file, _record, _day, _problem, _text FROM broken JOIN landed_files USING (_file_no)"
    )
    parsed = _number(connection, f"SELECT count(_record) FROM {_good_lines(contract, scratch)}")
    if parsed != good:
        raise _damaged(landed, None, f"{good} well-formed lines were parsed to {parsed} records")


def _good_lines(contract: Contract, scratch: Path) -> str:
    """DuckDB's parser on the lines that are known to be well-formed; nothing is sniffed."""
    columns = {"_file_no": "INTEGER", "_record": "BIGINT"} | {column.name: "VARCHAR" for column in contract.columns}
    types = ", ".join(f"{quote_literal(name)}: '{type_}'" for name, type_ in columns.items())
    if not any(scratch.glob("good-*.csv")):
        (scratch / "good-none.csv").touch()
    return (
        f"read_csv({quote_literal(str(scratch / 'good-*.csv'))}, auto_detect = false, header = false, "
        f"delim = {quote_literal(contract.delimiter)}, quote = {quote_literal(contract.quote)}, "
        f"escape = {quote_literal(contract.quote)}, columns = {{{types}}}, nullstr = '', new_line = '\\n', "
        f"strict_mode = true, null_padding = false, ignore_errors = false, max_line_size = {LINE_LIMIT * 6})"
    )


def _separate(
    connection: duckdb.DuckDBPyConnection, contract: Contract, lines: pa.Table, headers: set[str], target: Path
) -> int:
    """Write the well-formed lines, each behind its address, to `target`; keep the others. Gives the former's number."""
    connection.register("incoming", lines)
    # A repeated header is well-formed, so it is looked for first. The pattern is the whole check of the good path;
    # only what it refuses is looked at again to say why.
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE judged AS SELECT *, CASE WHEN _problem IS NOT NULL THEN _problem "
        f"WHEN line IN ({', '.join(quote_literal(h) for h in sorted(headers)) or 'NULL'}) THEN 'header_repeated' "
        f"WHEN regexp_full_match(line, {quote_literal(good_line(contract))}) THEN NULL "
        f"ELSE {_why_broken(contract)} END AS problem FROM incoming"
    )
    connection.unregister("incoming")
    delimiter = quote_literal(contract.delimiter)
    connection.execute(
        f"COPY (SELECT _file_no || {delimiter} || _record || {delimiter} || line FROM judged WHERE problem IS NULL) "
        f"TO {quote_literal(str(target))} (FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE '', ESCAPE '')"
    )
    connection.execute(
        "INSERT INTO broken SELECT _file_no, _record, problem, line FROM judged WHERE problem IS NOT NULL"
    )
    written = _number(connection, "SELECT count(*) FROM judged WHERE problem IS NULL")
    connection.execute("DROP TABLE judged")
    return written


def good_line(contract: Contract) -> str:
    """RE2 pattern of a whole line with as many fields as the contract has columns and no control character."""
    delimiter, quote = re.escape(contract.delimiter), re.escape(contract.quote)
    field = f"[^{quote}{delimiter}{_CONTROL}]*"
    if quote:
        field = f"(?:{field}|{quote}(?:[^{quote}{_CONTROL}]|{quote}{quote})*{quote})"
    return f"{field}(?:{delimiter}{field}){{{len(contract.columns) - 1}}}"


def _why_broken(contract: Contract) -> str:
    delimiter, quote = quote_literal(contract.delimiter), re.escape(contract.quote)
    bare, odd_quotes = "line", "false"
    if quote:
        bare = f"regexp_replace(line, {quote_literal(f'(?s){quote}[^{quote}]*{quote}')}, '', 'g')"
        odd_quotes = f"(length(line) - length(replace(line, {quote_literal(contract.quote)}, ''))) % 2 = 1"
    fields = f"(length({bare}) - length(replace({bare}, {delimiter}, '')) + 1)"
    return (
        "CASE WHEN contains(line, chr(0)) THEN 'nul_byte' "
        r"WHEN regexp_full_match(line, '\s*') THEN 'blank_line' "
        f"WHEN {odd_quotes} THEN 'unbalanced_quote' "
        f"WHEN {fields} < {len(contract.columns)} THEN 'too_few_fields' "
        f"WHEN {fields} > {len(contract.columns)} THEN 'too_many_fields' "
        f"WHEN regexp_matches(line, '[{_CONTROL}]') THEN 'control_character' "
        "ELSE 'stray_quote' END"
    )


def _batches(landed: Landed, headers: set[str]) -> Iterator[list[pa.RecordBatch]]:
    """Lines of all files with their addresses, in batches of about `BATCH_BYTES`; header lines go to `headers`."""
    import pyarrow as pa

    batch: list[pa.RecordBatch] = []
    size = 0
    for number, file in enumerate(landed.files):
        record = 0
        for problem, lines, length in _lines(landed, file.name, headers):
            count = len(lines)
            batch.append(
                pa.RecordBatch.from_arrays(
                    [
                        pa.repeat(pa.scalar(number, pa.int32()), count),
                        pa.array(range(record + 1, record + count + 1), pa.int64()),
                        pa.repeat(pa.scalar(problem, pa.string()), count),
                        pa.array(lines, pa.string()),
                    ],
                    names=["_file_no", "_record", "_problem", "line"],
                )
            )
            record += count
            size += length
            if size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def _lines(landed: Landed, name: str, headers: set[str]) -> Iterator[tuple[str | None, list[str], int]]:
    """Runs of lines of one file, the header taken off: (problem or None, lines, bytes)."""
    contract = landed.contract
    header_expected = contract.source.arguments.get("header", True)
    first = True
    for block in _blocks(landed, name):
        runs = _decoded(block, contract.encoding)
        if first:
            first = False
            problem, lines = runs[0]
            lines[0] = lines[0].removeprefix("\ufeff")
            if header_expected:
                header = lines.pop(0)
                _check_header(landed, name, None if problem else header)
                headers.add(header)
        for problem, lines in runs:
            if lines:
                yield problem, lines, len(block)
    if first and header_expected:
        raise _damaged(landed, name, "the file is empty, it has not even a header")


def _blocks(landed: Landed, name: str) -> Iterator[bytes]:
    """Whole lines of a file, about `CHUNK_BYTES` at a time, without the last line's end."""
    tail = b""
    with _opened(landed.folder / "files" / name) as stream:
        try:
            while chunk := stream.read(CHUNK_BYTES):
                block, newline, rest = (tail + chunk).rpartition(b"\n")
                if newline:
                    yield block
                tail = rest[: LINE_LIMIT * 8]
        except _GZIP_DAMAGE as error:
            raise _damaged(landed, name, f"the archive ends early or is broken ({type(error).__name__})") from error
    if tail:
        yield tail


def _opened(path: Path) -> AbstractContextManager[IO[bytes]]:
    if path.name.endswith(".gz"):
        return cast("AbstractContextManager[IO[bytes]]", gzip.open(path, "rb"))
    return path.open("rb")


def _decoded(block: bytes, encoding: str) -> list[tuple[str | None, list[str]]]:
    """Lines of a block as text. A block without a bad byte is one run; in the others each line stands for itself."""
    try:
        text = block.decode(encoding)
    except UnicodeDecodeError:
        return [_decoded_line(line, encoding) for line in block.split(b"\n")]
    if "\r" in text:
        text = text.replace("\r\n", "\n").removesuffix("\r")
    lines = text.split("\n")
    if len(text) > LINE_LIMIT and any(len(line) > LINE_LIMIT for line in lines):
        return [("line_too_long", [line[:64]]) if len(line) > LINE_LIMIT else (None, [line]) for line in lines]
    return [(None, lines)]


def _decoded_line(line: bytes, encoding: str) -> tuple[str | None, list[str]]:
    line = line.removesuffix(b"\r")
    if len(line) > LINE_LIMIT:
        return "line_too_long", [line[:64].decode("latin-1")]
    try:
        return None, [line.decode(encoding)]
    except UnicodeDecodeError:
        return "bad_bytes", [line.decode("latin-1")]


def _check_header(landed: Landed, name: str, header: str | None) -> None:
    if header is None:
        raise _damaged(landed, name, f"the header is not {landed.contract.encoding}")
    try:
        found = next(csv.reader([header], delimiter=landed.contract.delimiter, quotechar=landed.contract.quote), [])
    except csv.Error as error:
        raise _damaged(landed, name, "the header cannot be read") from error
    _check_columns(landed, name, found, ordered=True)


# ---- JSON pages and GeoJSON ------------------------------------------------------------------------------------------


def _read_pages(connection: duckdb.DuckDBPyConnection, landed: Landed, scratch: Path) -> None:
    path = landed.contract.source.arguments.get("items_path", "items")
    prefix = "".join(f".{quote_identifier(part)}" for part in path.split(".") if part)
    _items(connection, landed, f"${prefix}", "$")
    names = [column.source_name for column in landed.contract.columns]
    _raw_of_items(connection, landed, [f"$.{quote_identifier(name)}" for name in names])


def _read_geojson(connection: duckdb.DuckDBPyConnection, landed: Landed, scratch: Path) -> None:
    _items(connection, landed, "$.features", "$.properties", beside=("geometry",))
    _raw_of_items(
        connection,
        landed,
        [
            "$.geometry" if column.source_name == "geometry" else f"$.properties.{quote_identifier(column.source_name)}"
            for column in landed.contract.columns
        ],
    )


def _items(
    connection: duckdb.DuckDBPyConnection, landed: Landed, path: str, fields: str, beside: tuple[str, ...] = ()
) -> None:
    """Make the table ``items`` of (_file, _day, _record, item); refuse what is no JSON and unknown keys."""
    _file_table(connection, landed)
    files = ", ".join(quote_literal(str(landed.folder / "files" / file.name)) for file in landed.files)
    connection.execute("CREATE TABLE items (_file VARCHAR, _day DATE, _record BIGINT, item JSON)")
    if not files:
        return
    pages = f"(SELECT parse_filename(filename) AS _file, content FROM read_text([{files}]))"
    try:
        kinds = connection.execute(
            f"SELECT _file, CASE WHEN json_valid(content) THEN coalesce(json_type(content, ?), '') END FROM {pages}",
            [path],
        ).fetchall()
        for name, kind in kinds:
            if kind is None:
                raise _damaged(landed, name, "the page is not JSON to its end")
            if kind != "ARRAY":
                raise _damaged(landed, name, f"the page has no list of records at {path}")
        connection.execute(
            f"INSERT INTO items SELECT _file, _day, unnest(range(1, len(found) + 1)), unnest(found) FROM "
            f"(SELECT _file, json_extract(content, ?) AS found FROM {pages}) JOIN landed_files USING (_file)",
            [f"{path}[*]"],
        )
    except duckdb.Error as error:
        raise _damaged(landed, None, f"a page is not valid UTF-8 JSON ({type(error).__name__})") from None
    found = connection.execute(
        "SELECT DISTINCT unnest(json_keys(item, ?)) FROM items WHERE json_type(item, ?) = 'OBJECT'", [fields, fields]
    ).fetchall()
    if found:
        _check_columns(landed, None, [*(row[0] for row in found), *beside], ordered=False)


def _raw_of_items(connection: duckdb.DuckDBPyConnection, landed: Landed, paths: list[str]) -> None:
    values = ", ".join(
        f"nullif(cells[{number}], '') AS {quote_identifier(column.name)}"
        for number, column in enumerate(landed.contract.columns, start=1)
    )
    listed = ", ".join(quote_literal(path) for path in paths)
    connection.execute(
        f"CREATE TABLE raw AS SELECT _file, _record, _day, CASE WHEN json_type(item) <> 'OBJECT' THEN 'not_an_object' "
        f"{_control_character('array_to_string(cells, chr(9))')} END AS _problem, NULL::VARCHAR AS _text, {values} "
        f"FROM (SELECT *, json_extract_string(item, [{listed}]) AS cells FROM items)"
    )
    connection.execute("DROP TABLE items")


# ---- workbooks -------------------------------------------------------------------------------------------------------


def _read_workbooks(connection: duckdb.DuckDBPyConnection, landed: Landed, scratch: Path) -> None:
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
            raise _damaged(landed, file.name, f"it is not a workbook we can read ({type(error).__name__})") from None
        header = connection.execute(f"SELECT {', '.join(cells)} FROM sheet WHERE _row = 0").fetchone()
        if header is None:
            raise _damaged(landed, file.name, "the sheet is empty, it has not even a header")
        found = list(header)
        while found and found[-1] is None:
            found.pop()
        _check_columns(landed, file.name, [str(name or "") for name in found], ordered=True)
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


# ---- extractions -----------------------------------------------------------------------------------------------------


def _read_parquet(connection: duckdb.DuckDBPyConnection, landed: Landed, scratch: Path) -> None:
    paths = [landed.folder / "files" / file.name for file in landed.files]
    files = ", ".join(quote_literal(str(path)) for path in paths)
    values = ", ".join(
        f"nullif({quote_identifier(column.source_name)}::VARCHAR, '') AS {quote_identifier(column.name)}"
        for column in landed.contract.columns
    )
    names = ", ".join(quote_identifier(column.name) for column in landed.contract.columns)
    _file_table(connection, landed)
    try:
        described = connection.execute(f"SELECT * FROM read_parquet([{files}], filename = true) LIMIT 0").description
    except duckdb.Error as error:
        raise _damaged(landed, None, f"it is not Parquet we can read ({type(error).__name__})") from None
    found = [column[0] for column in described or () if column[0] not in ("_record", "filename")]
    _check_columns(landed, None, found, ordered=False)
    connection.execute(
        f"CREATE VIEW raw AS SELECT *, CASE {_control_character(f'concat({names})')} END AS _problem FROM "
        f"(SELECT _file, _record, _day, NULL::VARCHAR AS _text, {values} FROM read_parquet([{files}], filename = true) "
        "JOIN landed_files ON _file = parse_filename(filename))"
    )


# ---- shared ----------------------------------------------------------------------------------------------------------

_READERS: dict[str, Callable[[duckdb.DuckDBPyConnection, Landed, Path], None]] = {
    "csv_files": _read_text,
    "http_json": _read_pages,
    "geojson_files": _read_geojson,
    "excel_files": _read_workbooks,
    "postgres": _read_parquet,
}


def _control_character(text: str) -> str:
    """Branches of a CASE for what the digest's separators and C readers could not bear."""
    return (
        f"WHEN contains({text}, chr(0)) THEN 'nul_byte' "
        f"WHEN contains({text}, chr(31)) OR contains({text}, chr(30)) THEN 'control_character'"
    )


def _file_table(connection: duckdb.DuckDBPyConnection, landed: Landed) -> None:
    connection.execute("CREATE TABLE landed_files (_file_no INTEGER, _file VARCHAR, _day DATE)")
    rows: list[tuple[int, str, date | None]] = [(n, file.name, file.day) for n, file in enumerate(landed.files)]
    if rows:
        connection.execute(
            "INSERT INTO landed_files SELECT unnest(?::INTEGER[]), unnest(?::VARCHAR[]), unnest(?::DATE[])",
            [[row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]],
        )


def _check_columns(landed: Landed, name: str | None, found: Sequence[str], *, ordered: bool) -> None:
    expected = [column.source_name for column in landed.contract.columns]
    if list(found) == expected or (not ordered and sorted(found) == sorted(expected)):
        return
    raise SchemaDrift(
        f"{f'{name}: ' if name else ''}columns are not the contract's: {_difference(expected, found)}",
        remedy="ask the department whether this stays; if so, write a new version of the contract with valid_from, "
        "then resume the delivery, which is kept as landed",
        dataset=landed.contract.dataset,
        day=landed.window.first,
    )


def _difference(expected: Sequence[str], found: Sequence[str]) -> str:
    """What changed, in words. Where hardly a name is known, it may be a record that stands there: no name is shown."""
    if sorted(found) == sorted(expected):
        return "the order of the columns changed"
    removed, added = [n for n in expected if n not in found], [n for n in found if n not in expected]
    if len(removed) * 2 > len(expected):
        return (
            f"only {len(expected) - len(removed)} of {len(expected)} names are there among {len(found)}; "
            "the header is missing, the delimiter another, or nearly all was renamed"
        )
    renamed = []
    for old in list(removed):
        close = difflib.get_close_matches(old, added, n=1, cutoff=0.5)
        same_place = found[expected.index(old)] if len(found) == len(expected) else None
        new = close[0] if close else same_place
        if new in added:
            renamed.append(f"{old!r} to {new[:60]!r}")
            removed.remove(old)
            added.remove(new)
    parts = [
        f"{word} {', '.join(names)}"
        for word, names in (
            ("renamed", renamed),
            ("removed", [repr(name) for name in removed]),
            ("added", [repr(name[:60]) for name in added]),
        )
        if names
    ]
    return "; ".join(parts) or "a column is there twice"


def _damaged(landed: Landed, name: str | None, cause: str) -> DeliveryDamaged:
    return DeliveryDamaged(
        f"{name}: {cause}" if name else cause,
        remedy="ask the department to deliver it again; what was landed is kept",
        dataset=landed.contract.dataset,
        day=landed.window.first,
    )


def _number(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row: Any = connection.execute(sql).fetchone()
    return int(row[0])
