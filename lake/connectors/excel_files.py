"""Excel workbooks as a department drops them."""

from __future__ import annotations

import errno
import posixpath
import zipfile
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Annotated, ClassVar
from xml.parsers import expat

import pydantic

from lake.connectors import biff
from lake.connectors.archives import MOST_RATIO, RATIO_FROM
from lake.connectors.files import FileArguments, FileSource
from lake.connectors.protocol import SourceColumn
from lake.contracts.model import Contract
from lake.errors import DeliveryDamaged

_LOOKED_AT = 200
"""Rows among which the header is looked for when a workbook is described."""
MOST_UNPACKED = 2 << 30
"""Bytes a workbook may unpack to; more is a mistake or an attack."""
MOST_SHARED = 256 << 20
"""Bytes of the texts that cells share: they are held in memory."""

_BOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_SHARED = "xl/sharedStrings.xml"


class ExcelArguments(FileArguments):
    """Arguments of workbooks: .xlsx, and .xls of Excel 97 and later, told apart by their bytes.

    Merged cells stand for their value in each of their cells, down and across; a row in which only they reach is no
    record. Numbers are written as short as a double allows, dates and times as the contract's format has them, in
    text columns as ISO 8601. What Excel shows as an error (``#N/A``) is that text.

    Attributes:
        sheet: name of the sheet, or a shell pattern that matches one sheet; None = the first.
        header_row: number of the row that names the columns, from 1; of several, the first.
        header_at: text of the first cell in use of the header's first row, where its number changes from file to file.
        header_rows: how many rows name the columns.
        header_separator: what stands between the names of several header rows.
        footer: what rows under the table begin with (``合计``, ``填表人``): the table ends before the first of them.
    """

    sheet: str | None = None
    header_row: int = pydantic.Field(default=1, ge=1)
    header_at: str | None = pydantic.Field(default=None, min_length=1)
    header_rows: int = pydantic.Field(default=1, ge=1, le=20)
    header_separator: str = "/"
    footer: tuple[Annotated[str, pydantic.StringConstraints(min_length=1)], ...] = ()


class Source(FileSource):
    """Workbooks. A record is a row below the header with something in at least one of its cells."""

    Arguments: ClassVar[type[FileArguments]] = ExcelArguments
    arguments: ExcelArguments

    def count_records(self, path: Path) -> tuple[int, str | None]:
        """Rows that the sheet's XML holds, streamed; the sheet's own word about its size is not believed."""
        with path.open("rb") as file:
            head = file.read(512)
        if head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<":
            return 0, "the file is HTML or XML by the name of a workbook; have it saved as .xlsx"
        if head.startswith(biff.MAGIC):
            return self._count_old(path)
        try:
            with zipfile.ZipFile(path) as archive:
                if (problem := _too_large(archive, path.stat().st_size)) is not None:
                    return 0, problem
                sheet = _part_of(archive, self.arguments.sheet)
                if sheet is None:
                    return 0, f"the workbook has no sheet {self.arguments.sheet or '1'!r}"
                needs_texts = self.arguments.header_at or self.arguments.footer
                counter = _RowCounter(self.arguments, _shared_texts(archive) if needs_texts else [])
                with archive.open(sheet) as xml:
                    counter.read(xml)
                return counter.rows, None
        except MemoryError:
            raise
        except Exception as error:  # whatever a broken workbook makes the readers stumble over
            if isinstance(error, OSError) and error.errno != errno.EINVAL:  # a place before the file's beginning
                raise
            return 0, f"the workbook cannot be read ({type(error).__name__})"

    def _count_old(self, path: Path) -> tuple[int, str | None]:
        """Rows of an .xls between header and footer that hold a value."""
        said, count = self.arguments, 0
        after = None if said.header_at else said.header_row + said.header_rows - 1
        try:
            for number, text in biff.rows(path, lambda name: said.sheet is None or fnmatchcase(name, said.sheet)):
                first = text.strip()
                if after is None and first == said.header_at:
                    after = number + said.header_rows - 1
                if after is not None and number > after:
                    if first and first.startswith(said.footer):
                        break
                    count += 1
        except biff.Unreadable as error:
            return count, str(error)
        return count, None

    def columns(self, path: Path, contract: Contract) -> tuple[SourceColumn, ...]:
        """Names of the header, those of several rows joined, merged cells taken into account."""
        from python_calamine import CalamineError, CalamineWorkbook

        said = self.arguments
        try:
            with CalamineWorkbook.from_path(path) as book:
                names = [n for n in book.sheet_names if said.sheet in (None, n)]
                names = names or [n for n in book.sheet_names if fnmatchcase(n, said.sheet or "")]
                sheet = book.get_sheet_by_name(names[0])
                rows = [[str(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False, nrows=_LOOKED_AT)]
                merged = sheet.merged_cell_ranges or []
        except (CalamineError, IndexError, OSError) as error:
            raise DeliveryDamaged(
                f"it is not a workbook we can read, or has no such sheet ({type(error).__name__})",
                remedy="ask the department to deliver it again, or correct the sheet",
                dataset=contract.dataset,
            ) from None
        first = said.header_row - 1
        if said.header_at:
            starts = [next((cell.strip() for cell in row if cell.strip()), "") for row in rows]
            first = starts.index(said.header_at) if said.header_at in starts else len(rows)
        for (top, left), (bottom, right) in merged:
            for row in rows[top : bottom + 1]:
                row[left : right + 1] = [rows[top][left]] * len(row[left : right + 1])
        header = rows[first : first + said.header_rows]
        joined = [
            said.header_separator.join(dict.fromkeys(part for part in column if part))
            for column in zip(*header, strict=True)
        ]
        while joined and not joined[-1]:
            joined.pop()
        return tuple(SourceColumn(name) for name in joined)


def _too_large(archive: zipfile.ZipFile, packed: int) -> str | None:
    unpacked = sum(part.file_size for part in archive.infolist())
    if unpacked > min(MOST_UNPACKED, max(packed * MOST_RATIO, RATIO_FROM)):
        return f"the workbook unpacks to {unpacked >> 20} MiB; it is refused as an archive bomb"
    if any(part.file_size > MOST_SHARED for part in archive.infolist() if part.filename == _SHARED):
        return f"the workbook's texts take more than {MOST_SHARED >> 20} MiB; have it sent as CSV"
    return None


class _Reader:
    """Streaming XML that refuses entities: a workbook needs none, an attack does. Names are told without prefixes."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.EntityDeclHandler = _refuse
        self._parser.StartElementHandler = lambda name, values: self.start(name.rpartition(":")[2], values)
        self._parser.EndElementHandler = lambda name: self.end(name.rpartition(":")[2])
        self._parser.CharacterDataHandler = self.text

    def read(self, xml: IO[bytes]) -> None:
        self._parser.ParseFile(xml)

    def start(self, name: str, values: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def text(self, text: str) -> None:
        """Text within an element."""


class _RowCounter(_Reader):
    """Counts rows that hold a value, between header and footer."""

    def __init__(self, arguments: ExcelArguments, shared: list[str]) -> None:
        super().__init__()
        self.rows = 0
        self._shared, self._footer, self._header_at = shared, arguments.footer, arguments.header_at
        self._after = None if arguments.header_at else arguments.header_row + arguments.header_rows - 1
        self._header_rows = arguments.header_rows
        self._number = 0
        self._has_value = self._has_ended = self._in_value = self._in_aid = False
        self._kind, self._value, self._first = "", "", ""

    def start(self, name: str, values: dict[str, str]) -> None:
        if name == "row":
            self._number = int(values.get("r", self._number + 1))
            self._has_value, self._first = False, ""
        elif name == "c":
            self._kind, self._value = values.get("t", ""), ""
        elif name == "is":  # text kept in the cell itself, be it empty
            self._has_value = True
        elif name == "rPh":
            self._in_aid = True
        elif name in ("v", "t"):
            self._in_value = not self._in_aid

    def end(self, name: str) -> None:
        if name == "row":
            if self._after is None and self._first == self._header_at:
                self._after = self._number + self._header_rows - 1
            is_below = self._after is not None and self._number > self._after
            self._has_ended = self._has_ended or (
                is_below and bool(self._first) and self._first.startswith(self._footer)
            )
            self.rows += is_below and self._has_value and not self._has_ended
        elif name == "c" and self._value and not self._first:
            text = self._shared[int(self._value)] if self._kind == "s" and self._shared else self._value
            self._first = text.strip()
        elif name == "rPh":
            self._in_aid = False
        elif name in ("v", "t"):
            self._in_value = False

    def text(self, text: str) -> None:
        if self._in_value:
            self._has_value = True
            self._value += text


class _Texts(_Reader):
    """Collects the texts that cells share."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._parts: list[str] = []
        self._in_text = self._in_aid = False

    def start(self, name: str, values: dict[str, str]) -> None:
        if name == "si":
            self._parts = []
        elif name == "rPh":
            self._in_aid = True
        elif name == "t":
            self._in_text = not self._in_aid

    def end(self, name: str) -> None:
        if name == "si":
            self.found.append("".join(self._parts))
        elif name == "rPh":
            self._in_aid = False
        elif name == "t":
            self._in_text = False

    def text(self, text: str) -> None:
        if self._in_text:
            self._parts.append(text)


def _shared_texts(archive: zipfile.ZipFile) -> list[str]:
    texts = _Texts()
    if _SHARED in archive.namelist():
        with archive.open(_SHARED) as xml:
            texts.read(xml)
    return texts.found


class _Attributes(_Reader):
    """Collects the attributes of every element of one name, in order."""

    def __init__(self, element: str) -> None:
        super().__init__()
        self.found: list[dict[str, str]] = []
        self._element = element

    def start(self, name: str, values: dict[str, str]) -> None:
        if name == self._element:
            self.found.append({key.rpartition(":")[2]: value for key, value in values.items()})


def _part_of(archive: zipfile.ZipFile, sheet: str | None) -> str | None:
    """Name of the archive's part that holds a sheet, or the first sheet; None when there is none."""
    sheets, relations = _Attributes("sheet"), _Attributes("Relationship")
    for reader, part in ((sheets, _BOOK), (relations, _RELATIONS)):
        with archive.open(part) as xml:
            reader.read(xml)
    named = [found for found in sheets.found if sheet in (None, found["name"])]
    if not named:
        named = [found for found in sheets.found if fnmatchcase(found["name"], sheet or "")]
        if len(named) != 1:
            return None
    target = next(relation["Target"] for relation in relations.found if relation["Id"] == named[0]["id"])
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))


def _refuse(*_: object) -> None:
    raise ValueError("the workbook declares an entity")
