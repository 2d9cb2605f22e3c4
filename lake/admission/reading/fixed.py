"""Files of fixed width: a record is a line, cut column by column; widths may count bytes or characters."""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Iterator
from datetime import date
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from lake.admission.reading.cells import Cells, broken, table_of
from lake.admission.reading.lines import Run, check_encoding, runs_of
from lake.admission.reading.packed import parts
from lake.connectors.fixed_width_files import FixedWidthArguments

if TYPE_CHECKING:
    import pyarrow as pa

    from lake.landing import Landed

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f]")
_ONE_BYTE_EACH = "latin-1"


def read_fixed_width(connection: duckdb.DuckDBPyConnection, landed: Landed, scratch: Path) -> None:
    """Make ``raw`` of files of fixed width."""
    check_encoding(landed.contract)
    arguments = FixedWidthArguments.model_validate(landed.contract.source.arguments)
    # Where bytes are counted each becomes a letter, the line is cut, and the cells are decoded.
    inner = landed.contract.encoding if arguments.unit == "bytes" else None
    cells = Cells(connection, landed.contract)
    addresses: list[tuple[str, date | None]] = []
    for part in parts(landed, arguments.member):
        number = len(addresses)
        addresses.append((part.address, part.day))
        record = 1
        lines = runs_of(part, _ONE_BYTE_EACH if inner else landed.contract.encoding)
        for run in _records(lines, arguments, inner):
            for table in _cut(run, number, record, arguments, inner):
                cells.add(table)
            record += len(run.lines)
    cells.finish(addresses)


def _records(runs: Iterator[Run], arguments: FixedWidthArguments, inner: str | None) -> Iterator[Run]:
    """Lines without those before and after the records."""
    before, after = arguments.header_lines, arguments.trailer_lines
    held: deque[tuple[str | None, str]] = deque()  # the last ones met: perhaps the trailer
    for number, (problem, lines, size) in enumerate(runs):
        if number == 0 and inner:
            lines[0] = lines[0].removeprefix(codecs.BOM_UTF8.decode(_ONE_BYTE_EACH))
        skipped = min(before, len(lines))
        before -= skipped
        if not after:
            yield Run(problem, lines[skipped:], size)
            continue
        held.extend((problem, line) for line in lines[skipped:])
        passed = [held.popleft() for _ in range(len(held) - after)]
        for fate, some in groupby(passed, key=itemgetter(0)):
            yield Run(fate, [line for _, line in some], size)


def _cut(run: Run, file_no: int, first: int, arguments: FixedWidthArguments, inner: str | None) -> Iterator[pa.Table]:
    """A run as tables of cells, and of what is broken."""
    width, length = len(arguments.fields), arguments.line_length()
    lines = run.lines
    if arguments.stripped:
        lines = [line.ljust(length) if line.strip() else line for line in lines]
    problems = [run.problem or _problem(line, length) for line in lines]
    good = [place for place, problem in enumerate(problems) if problem is None]
    if good and (columns := _columns([lines[place] for place in good], arguments, inner)) is not None:
        yield table_of(file_no, [first + place for place in good], columns)
    else:
        rows = {}
        for place in good:
            if (cells := _columns([lines[place]], arguments, inner)) is None:
                problems[place] = _why(lines[place])
            else:
                rows[first + place] = [cell for (cell,) in cells]
        if rows:
            yield table_of(file_no, list(rows), list(zip(*rows.values(), strict=True)))
    bad = [(first + place, problem, run.lines[place]) for place, problem in enumerate(problems) if problem]
    if bad:
        yield broken(file_no, bad, width)


def _columns(lines: list[str], arguments: FixedWidthArguments, inner: str | None) -> list[list[str]] | None:
    """Cells column by column; None where one of the lines has bytes or characters no field may have."""
    if _CONTROL.search("".join(lines)):
        return None
    columns = []
    for start, end in arguments.spans():
        cells = [line[start:end].strip(" ") for line in lines]
        if inner:
            together = "\n".join(cells)
            if not together.isascii():
                try:
                    cells = together.encode(_ONE_BYTE_EACH).decode(inner).split("\n")
                except UnicodeDecodeError:
                    return None
        columns.append(cells)
    return columns


def _problem(line: str, length: int) -> str | None:
    if not line.strip():
        return "blank_line"
    if len(line) != length:
        return "line_too_short" if len(line) < length else "line_too_long"
    return None


def _why(line: str) -> str:
    if "\x00" in line:
        return "nul_byte"
    return "control_character" if _CONTROL.search(line) else "bad_bytes"
