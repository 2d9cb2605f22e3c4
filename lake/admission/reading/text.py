"""Delimited text files: a record is a line, or lines that quotes hold together; DuckDB parses the well-formed ones."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from lake.admission.reading.lines import LINE_LIMIT, Run, batches
from lake.admission.reading.relation import check_columns, damaged, file_table, number_of
from lake.connectors.csv_files import MOST_LINES_A_RECORD, CsvArguments
from lake.contracts.model import Contract
from lake.engine import quote_identifier, quote_literal

if TYPE_CHECKING:
    import pyarrow as pa

    from lake.landing import Landed

_CONTROL = r"\x00-\x08\x0a-\x1f"
"""All control characters but the tab, as part of an RE2 class: no field of a text file holds one."""
_CONTROL_BUT_LINE_ENDS = r"\x00-\x08\x0b-\x1f"


def read_text_files(connection: duckdb.DuckDBPyConnection, landed: Landed, scratch: Path) -> None:
    """Make ``raw`` of delimited text files."""
    contract = landed.contract
    arguments = CsvArguments.model_validate(contract.source.arguments)
    headers: set[str] = set()
    pattern = good_record(contract, multiline=arguments.multiline)

    def records(address: str, runs: Iterator[Run]) -> Iterator[Run]:
        if arguments.header:
            runs = _without_header(landed, address, runs, headers)
        return _joined(runs, contract, pattern) if arguments.multiline else runs

    connection.execute("CREATE TABLE broken (_file_no INTEGER, _record BIGINT, _problem VARCHAR, _text VARCHAR)")
    good = 0
    addresses: list[tuple[str, date | None]] = []
    for number, batch in enumerate(batches(landed, arguments.member, records, addresses)):
        good += _separate(connection, contract, batch, scratch / f"good-{number}.csv", pattern=pattern, headers=headers)
    file_table(connection, addresses)
    columns = ", ".join(quote_identifier(column.name) for column in contract.columns)
    parsed_records = _good_records(contract, scratch, multiline=arguments.multiline)
    connection.execute(
        f"CREATE VIEW raw AS SELECT _file, _record, _day, NULL::VARCHAR AS _problem, NULL::VARCHAR AS _text, {columns} "
        f"FROM {parsed_records} JOIN landed_files USING (_file_no) UNION ALL BY NAME "
        f"SELECT _file, _record, _day, _problem, _text FROM broken JOIN landed_files USING (_file_no)"
    )
    parsed = number_of(connection, f"SELECT count(_record) FROM {parsed_records}")
    if parsed != good:
        raise damaged(landed, None, f"{good} well-formed records were parsed to {parsed}")


def _without_header(landed: Landed, address: str, runs: Iterator[Run], headers: set[str]) -> Iterator[Run]:
    """Check the first line and take it off; its text goes to `headers`."""
    first = next(runs, None)
    if first is None:
        raise damaged(landed, address, "the file is empty, it has not even a header")
    header = first.lines.pop(0)
    _check_header(landed, address, None if first.problem else header)
    headers.add(header)
    if first.lines:
        yield first
    yield from runs


def _joined(runs: Iterator[Run], contract: Contract, pattern: str) -> Iterator[Run]:
    """Join an open line with those up to the next one that closes it, where that makes a well-formed record.

    An open line has an odd number of quotes. Where it does not come to a record it stands for itself, and the search
    goes on with the line after it: a lost quote costs one line, not the rest of the file.
    """
    open_: list[str] = []
    for problem, lines, size in runs:
        odd = [] if problem else [number for number, line in enumerate(lines) if line.count(contract.quote) & 1]
        if problem and open_:
            yield Run(None, open_, 0)
            open_ = []
        if problem or not (odd or open_):
            yield Run(problem, lines, size)
            continue
        found: list[str] = []
        at = 0
        for number in odd:
            group = [*open_, *lines[at : number + 1]]
            at = number + 1
            if open_ and (record := _record_of(group, pattern)):
                found.append(record)
                open_ = []
            else:
                found += group[:-1]
                open_ = group[-1:]
        open_, found = ([*open_, *lines[at:]], found) if open_ else ([], found + lines[at:])
        if len(open_) > MOST_LINES_A_RECORD:
            open_, found = [], found + open_
        yield Run(None, found, size)
    if open_:
        yield Run(None, open_, 0)


def _record_of(lines: list[str], pattern: str) -> str | None:
    record = "\n".join(lines) if len(lines) <= MOST_LINES_A_RECORD else ""
    return record if 0 < len(record) <= LINE_LIMIT and re.fullmatch(pattern, record) else None


def _good_records(contract: Contract, scratch: Path, *, multiline: bool) -> str:
    """DuckDB's parser on the records that are known to be well-formed; nothing is sniffed."""
    columns = {"_file_no": "INTEGER", "_record": "BIGINT"} | {column.name: "VARCHAR" for column in contract.columns}
    types = ", ".join(f"{quote_literal(name)}: '{type_}'" for name, type_ in columns.items())
    if not any(scratch.glob("good-*.csv")):
        (scratch / "good-none.csv").touch()
    return (
        f"read_csv({quote_literal(str(scratch / 'good-*.csv'))}, auto_detect = false, header = false, "
        f"delim = {quote_literal(contract.delimiter)}, quote = {quote_literal(contract.quote)}, "
        f"escape = {quote_literal(contract.quote)}, columns = {{{types}}}, nullstr = '', new_line = '\\n', "
        f"strict_mode = true, null_padding = false, ignore_errors = false, max_line_size = {LINE_LIMIT * 6}, "
        f"parallel = {str(not multiline).lower()})"  # a thread that starts amid a file cannot know about open quotes
    )


def _separate(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    lines: pa.Table,
    target: Path,
    *,
    pattern: str,
    headers: set[str],
) -> int:
    """Write the well-formed lines, each behind its address, to `target`; keep the others. Gives the former's number."""
    connection.register("incoming", lines)
    # A repeated header is well-formed, so it is looked for first. The pattern is the whole check of the good path;
    # only what it refuses is looked at again to say why.
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE judged AS SELECT *, CASE WHEN _problem IS NOT NULL THEN _problem "
        f"WHEN line IN ({', '.join(quote_literal(h) for h in sorted(headers)) or 'NULL'}) THEN 'header_repeated' "
        f"WHEN regexp_full_match(line, {quote_literal(pattern)}) THEN NULL "
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


def good_record(contract: Contract, *, multiline: bool = False) -> str:
    """Pattern, for RE2 and `re`, of a record with as many fields as the contract has columns and no control character.

    Args:
        contract: has delimiter, quote and columns.
        multiline: line ends may stand between quotes.
    """
    delimiter, quote = re.escape(contract.delimiter), re.escape(contract.quote)
    field = f"[^{quote}{delimiter}{_CONTROL}]*"
    if quote:
        within = f"[^{quote}{_CONTROL_BUT_LINE_ENDS if multiline else _CONTROL}]"
        field = f"(?:{field}|{quote}(?:{within}|{quote}{quote})*{quote})"
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


def _check_header(landed: Landed, name: str, header: str | None) -> None:
    if header is None:
        raise damaged(landed, name, f"the header is not {landed.contract.encoding}")
    try:
        delimiter, quote = landed.contract.delimiter, landed.contract.quote
        found = next(csv.reader([header], delimiter=delimiter, quotechar=quote)) if quote else header.split(delimiter)
    except csv.Error as error:
        raise damaged(landed, name, "the header cannot be read") from error
    check_columns(landed, name, found, ordered=True)
