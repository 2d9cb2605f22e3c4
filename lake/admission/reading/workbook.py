"""Workbooks: a record is a row below the header with something in it; merged cells repeat their value."""

from __future__ import annotations

import errno
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from lake.admission.reading.cells import BATCH_RECORDS, Cells, table_of
from lake.admission.reading.relation import addresses_of, check_columns, damaged
from lake.admission.reading.sheets import Area, Book, Cell, OldBook, Row, moment_of
from lake.connectors.biff import MAGIC
from lake.connectors.excel_files import ExcelArguments
from lake.contracts.model import Column

if TYPE_CHECKING:
    from lake.landing import Landed

_SERIAL = re.compile(r"\d{1,6}(\.\d+)?")


def read_workbooks(connection: duckdb.DuckDBPyConnection, landed: Landed, scratch: Path) -> None:
    """Make ``raw`` of workbooks."""
    from lxml import etree
    from python_calamine import CalamineError

    cells = Cells(connection, landed.contract)
    for number, file in enumerate(landed.files):
        try:
            with (landed.folder / "files" / file.name).open("rb") as opened:
                is_old = opened.read(len(MAGIC)) == MAGIC
                book: Book | OldBook = OldBook(opened) if is_old else Book(opened)
                for numbers, rows, problems in _batches(landed, file.name, book):
                    cells.add(table_of(number, numbers, list(zip(*rows, strict=True)), problems))
        except (
            CalamineError,
            zipfile.BadZipFile,
            KeyError,
            ValueError,
            IndexError,
            etree.XMLSyntaxError,
            EOFError,
            OSError,
        ) as error:
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                raise  # the disk's fault; EINVAL is a place before the file's beginning
            cause = f"it is not a workbook we can read ({type(error).__name__})"
            raise damaged(landed, file.name, cause) from None
    cells.finish(addresses_of(landed))


Batch = tuple[list[int], list[list[str | None]], list[str | None]]


def _batches(landed: Landed, name: str, book: Book | OldBook) -> Iterator[Batch]:
    """Records as (numbers, rows of cells, problems)."""
    arguments = ExcelArguments.model_validate(landed.contract.source.arguments)
    part = book.part_of(arguments.sheet)
    if part is None:
        raise damaged(landed, name, f"the workbook has no sheet {arguments.sheet or '1'!r}")
    texts = [_text_in(column, is_1904=book.is_1904) for column in landed.contract.columns]
    table = _Table(arguments, book.merged(part))
    batch: Batch = ([], [], [])
    for number, row in table.records(book.rows(part)):
        if number == 0:
            check_columns(landed, name, table.header, ordered=True)
            continue
        filled = table.filled(row)
        batch[0].append(number)
        batch[1].append([text(filled[place]) if place in filled else None for place, text in enumerate(texts)])
        batch[2].append(_problem(filled, len(texts)))
        if len(batch[0]) == BATCH_RECORDS:
            yield batch
            batch = ([], [], [])
    if not table.header:
        raise damaged(landed, name, "the sheet is empty, it has not even a header")
    if batch[0]:
        yield batch


def _problem(row: Row, width: int) -> str | None:
    if any(cell.is_uncomputed for cell in row.values()):
        return "formula_without_result"
    if not any(cell.text for cell in row.values()):
        return "blank_line"
    if any(place >= width and cell.text for place, cell in row.items()):
        return "too_many_fields"
    return None


class _Table:
    """Finds header, records and end of the table on a sheet."""

    def __init__(self, arguments: ExcelArguments, areas: list[Area]) -> None:
        self._arguments = arguments
        self._areas, self._next = areas, 0
        self._active: list[tuple[Area, Cell]] = []
        self._number = 0
        self.header: list[str] = []

    def records(self, rows: Iterator[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
        """(0, …) once the header is whole, then (number below the header, row) of each record."""
        first = None if self._arguments.header_at else self._arguments.header_row
        names: list[dict[int, str]] = []
        for number, row in rows:
            self._number = number
            start = _first_text(row)
            if first is None and start == self._arguments.header_at:
                first = number
            if first is None or number < first:
                self.filled(row)
                continue
            last = first + self._arguments.header_rows - 1
            if number <= last:
                names.append({place: cell.text for place, cell in self.filled(row).items()})
                continue
            if not self.header:
                yield self._take_header(names), {}
            if start and start.startswith(self._arguments.footer):
                return
            if any(not cell.is_uncomputed for cell in row.values()):
                yield number - last, row
            else:
                self.filled(row)
        if not self.header and names:
            yield self._take_header(names), {}

    def filled(self, row: Row) -> Row:
        """The row with what merged cells repeat."""
        number = self._number
        while self._next < len(self._areas) and self._areas[self._next][0] <= number:
            area = self._areas[self._next]
            self._next += 1
            if area[0] == number and (cell := row.get(area[1])) is not None:
                self._active.append((area, cell))
        if not self._active:
            return row
        self._active = [(area, cell) for area, cell in self._active if area[2] >= number]
        filled = dict(row)
        width = len(self.header) or _MOST_COLUMNS
        for (_, left, _, right), cell in self._active:
            for place in range(left, min(right + 1, max(width, left + 1))):
                filled.setdefault(place, cell)
        return filled

    def _take_header(self, names: list[dict[int, str]]) -> int:
        width = max((max((place for place, text in row.items() if text), default=-1) + 1 for row in names), default=0)
        for place in range(width):
            parts = dict.fromkeys(row[place] for row in names if row.get(place))
            self.header.append(self._arguments.header_separator.join(parts))
        return 0


_MOST_COLUMNS = 1 << 14
"""Columns a sheet can have."""


def _first_text(row: Row) -> str:
    """Text of the first cell that has one, blanks around it taken off."""
    return next((cell.text.strip() for _, cell in sorted(row.items()) if cell.text.strip()), "")


def _text_in(column: Column, *, is_1904: bool) -> Callable[[Cell], str]:
    """How a cell of a column is written out. Dates are numbers in a workbook, and not always formatted as dates."""
    is_time = column.type in ("DATE", "TIMESTAMPTZ", "TIMESTAMP")
    format_ = (column.format or ("%Y-%m-%d" if column.type == "DATE" else "%Y-%m-%dT%H:%M:%S")) if is_time else None

    def text(cell: Cell) -> str:
        serial: Any = cell.serial
        if is_time and serial is None and _SERIAL.fullmatch(cell.text):
            serial = float(cell.text)
        if serial is None or not (is_time or cell.is_date):
            return cell.text
        if format_ is None and serial < 1:
            return _time_of_day(serial)
        moment = moment_of(serial, is_1904=is_1904)
        if moment is None:
            return cell.text
        return moment.strftime(format_) if format_ else _canonical(moment)

    return text


def _canonical(moment: datetime) -> str:
    if moment.microsecond:
        return moment.isoformat(timespec="milliseconds")
    return moment.date().isoformat() if moment.time() == datetime.min.time() else moment.isoformat()


def _time_of_day(serial: float) -> str:
    seconds = round(serial * 86_400)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
