"""Text files: a record is a line, split from the bytes; DuckDB's parser sees only the lines that are well-formed."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import duckdb

from lake.admission.reading.relation import check_columns, damaged, file_table, number_of
from lake.contracts.model import Contract
from lake.engine import quote_identifier, quote_literal
from lake.errors import ContractError

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


def read_text_files(connection: duckdb.DuckDBPyConnection, landed: Landed, scratch: Path) -> None:
    """Make ``raw`` of delimited text files."""
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
    file_table(connection, landed)
    columns = ", ".join(quote_identifier(column.name) for column in contract.columns)
    connection.execute(
        f"CREATE VIEW raw AS SELECT _file, _record, _day, NULL::VARCHAR AS _problem, NULL::VARCHAR AS _text, {columns} "
        f"FROM {_good_lines(contract, scratch)} JOIN landed_files USING (_file_no) UNION ALL BY NAME "
        f"SELECT _file, _record, _day, _problem, _text FROM broken JOIN landed_files USING (_file_no)"
    )
    parsed = number_of(connection, f"SELECT count(_record) FROM {_good_lines(contract, scratch)}")
    if parsed != good:
        raise damaged(landed, None, f"{good} well-formed lines were parsed to {parsed} records")


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
    written = number_of(connection, "SELECT count(*) FROM judged WHERE problem IS NULL")
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
        raise damaged(landed, name, "the file is empty, it has not even a header")


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
            raise damaged(landed, name, f"the archive ends early or is broken ({type(error).__name__})") from error
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
        raise damaged(landed, name, f"the header is not {landed.contract.encoding}")
    try:
        found = next(csv.reader([header], delimiter=landed.contract.delimiter, quotechar=landed.contract.quote), [])
    except csv.Error as error:
        raise damaged(landed, name, "the header cannot be read") from error
    check_columns(landed, name, found, ordered=True)
