"""Excel workbooks as a department drops them."""

from __future__ import annotations

import posixpath
import zipfile
from pathlib import Path
from typing import IO, ClassVar
from xml.parsers import expat

import pydantic

from lake.connectors.files import FileArguments, FileSource
from lake.connectors.protocol import SourceColumn
from lake.contracts.model import Contract
from lake.errors import DeliveryDamaged

MOST_UNPACKED = 2 << 30
"""Bytes a workbook may unpack to; more is a mistake or an attack."""

_BOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"


class ExcelArguments(FileArguments):
    """Arguments of workbooks.

    Attributes:
        sheet: name of the sheet; None = the first.
        header_row: number of the row that names the columns, from 1.
    """

    sheet: str | None = None
    header_row: int = pydantic.Field(default=1, ge=1)


class Source(FileSource):
    """Workbooks. A record is a row below the header with something in at least one of its cells."""

    Arguments: ClassVar[type[FileArguments]] = ExcelArguments
    arguments: ExcelArguments

    def count_records(self, path: Path) -> tuple[int, str | None]:
        """Rows that the sheet's XML holds, streamed; the sheet's own word about its size is not believed."""
        try:
            with zipfile.ZipFile(path) as archive:
                if sum(part.file_size for part in archive.infolist()) > MOST_UNPACKED:
                    return 0, f"the workbook unpacks to more than {MOST_UNPACKED >> 30} GB"
                sheet = _part_of(archive, self.arguments.sheet)
                if sheet is None:
                    return 0, f"the workbook has no sheet {self.arguments.sheet or '1'!r}"
                counter = _RowCounter(after=self.arguments.header_row)
                with archive.open(sheet) as xml:
                    counter.read(xml)
                return counter.rows, None
        except (OSError, MemoryError):
            raise
        except Exception as error:  # whatever a broken workbook makes the readers stumble over
            return 0, f"the workbook cannot be read ({type(error).__name__})"

    def columns(self, path: Path, contract: Contract) -> tuple[SourceColumn, ...]:
        """Names of the header row."""
        from python_calamine import CalamineError, CalamineWorkbook

        try:
            with CalamineWorkbook.from_path(path) as book:
                sheet = book.get_sheet_by_name(self.arguments.sheet or book.sheet_names[0])
                rows = sheet.to_python(skip_empty_area=False, nrows=self.arguments.header_row)
        except (CalamineError, IndexError) as error:
            raise DeliveryDamaged(
                f"it is not a workbook we can read ({type(error).__name__})",
                remedy="ask the department to deliver it again",
                dataset=contract.dataset,
            ) from None
        names = [str(cell) for cell in rows[-1]] if len(rows) == self.arguments.header_row else []
        while names and not names[-1]:
            names.pop()
        return tuple(SourceColumn(name) for name in names)


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
    """Counts rows that hold a value, below the header."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.rows = 0
        self._after, self._number = after, 0
        self._in_value = self._has_value = False

    def start(self, name: str, values: dict[str, str]) -> None:
        if name == "row":
            self._number = int(values.get("r", self._number + 1))
            self._has_value = False
        elif name == "is":  # text kept in the cell itself, be it empty
            self._has_value = True
        elif name == "v":
            self._in_value = True

    def end(self, name: str) -> None:
        if name == "row":
            self.rows += self._has_value and self._number > self._after
        elif name == "v":
            self._in_value = False

    def text(self, text: str) -> None:
        if self._in_value:
            self._has_value = True


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
        return None
    target = next(relation["Target"] for relation in relations.found if relation["Id"] == named[0]["id"])
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))


def _refuse(*_: object) -> None:
    raise ValueError("the workbook declares an entity")
