"""Sheets of .xlsx workbooks as rows of text, in a stream: every value as it is stored, dates written out."""

from __future__ import annotations

import math
import posixpath
import re
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import IO, Any, NamedTuple

Row = dict[int, "Cell"]
Area = tuple[int, int, int, int]
"""First row, first column, last row, last column of merged cells; rows from 1, columns from 0."""


class Cell(NamedTuple):
    """One cell.

    Attributes:
        text: its value; a number as a double's shortest text, an error as Excel shows it (``#N/A``).
        serial: days since the workbook's epoch, where it is a number.
        is_date: whether the cell is formatted as a date or time.
        is_uncomputed: a formula without a result.
    """

    text: str
    serial: float | None = None
    is_date: bool = False
    is_uncomputed: bool = False


class Book:
    """An .xlsx workbook.

    Raises:
        ValueError, KeyError, zipfile.BadZipFile, lxml.etree.XMLSyntaxError: it is none, or is damaged.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._archive = zipfile.ZipFile(file)
        self._sheets: list[tuple[str, str]] = []
        self.is_1904 = False
        self._read_book()
        self._texts = list(self._shared_texts())
        self._dates = self._date_styles()

    def part_of(self, sheet: str | None) -> str | None:
        """Part of the sheet of that name, or of the one the pattern matches; the first for None."""
        named = [part for name, part in self._sheets if sheet is None or name == sheet]
        named = named or [part for name, part in self._sheets if sheet and fnmatchcase(name, sheet)]
        return named[0] if len(named) == 1 or (named and sheet is None) else None

    def merged(self, part: str) -> list[Area]:
        """Merged cells of a sheet by their first row."""
        # They stand behind the rows they are about, so the bytes are searched before the rows are read.
        areas, tail = [], b""
        with self._archive.open(part) as stream:
            while block := stream.read(1 << 20):
                block = tail + block
                end = 0
                for found in _MERGED.finditer(block):
                    first, last = (_column(found[name].decode()) for name in (1, 3))
                    areas.append((int(found[2]), first, int(found[4]), last))
                    end = found.end()
                tail = block[max(end, len(block) - _LONGEST_MERGED) :]
        return sorted(set(areas))

    def rows(self, part: str) -> Iterator[tuple[int, Row]]:
        """Rows that have cells with something in them, each with its number from 1."""
        from lxml import etree

        number = 0
        with self._archive.open(part) as stream:
            for _, row in etree.iterparse(stream, tag="{*}row", resolve_entities=False, no_network=True):
                number = int(row.get("r") or number + 1)
                cells: Row = {}
                place = -1
                for element in row:
                    reference = element.get("r")
                    place = _column(reference.rstrip("0123456789")) if reference else place + 1
                    if (cell := self._cell(element)) is not None:
                        cells[place] = cell
                yield number, cells
                row.clear(keep_tail=False)
                while row.getprevious() is not None:
                    del row.getparent()[0]

    def _cell(self, element: Any) -> Cell | None:
        kind, value, formula = element.get("t"), None, False
        for child in element:
            tag = child.tag.rpartition("}")[2]
            if tag == "v":
                value = child.text or ""
            elif tag == "is":
                return Cell(_text_of(child))
            elif tag == "f":
                formula = True
        if not value:
            return Cell("", is_uncomputed=True) if formula and kind != "str" else None
        if kind == "s":
            return Cell(self._texts[int(value)])
        if kind == "b":
            return Cell("true" if value == "1" else "false")
        if kind in ("str", "e", "d", "inlineStr"):
            return Cell(value)
        number = float(value)
        style = element.get("s")
        return Cell(number_text(number, value), number, bool(style) and int(style) in self._dates)

    def _read_book(self) -> None:
        from lxml import etree

        target = {relation.get("Id"): relation.get("Target") for relation in self._parsed("xl/_rels/workbook.xml.rels")}
        book = self._parsed("xl/workbook.xml")
        for element in book.iter("{*}workbookPr", "{*}sheet"):
            if etree.QName(element).localname == "workbookPr":
                self.is_1904 = element.get("date1904") in ("1", "true")
                continue
            relation = next(value for key, value in element.attrib.items() if key.endswith("}id"))
            part = target[relation]
            absolute = part.lstrip("/") if part.startswith("/") else posixpath.normpath(posixpath.join("xl", part))
            self._sheets.append((element.get("name"), absolute))

    def _parsed(self, part: str) -> Any:
        from lxml import etree

        with self._archive.open(part) as stream:
            parser = etree.XMLParser(resolve_entities=False, no_network=True)
            return etree.parse(stream, parser).getroot()

    def _shared_texts(self) -> Iterator[str]:
        from lxml import etree

        with suppress(KeyError), self._archive.open("xl/sharedStrings.xml") as stream:
            for _, item in etree.iterparse(stream, tag="{*}si", resolve_entities=False, no_network=True):
                yield _text_of(item)
                item.clear(keep_tail=False)
                while item.getprevious() is not None:
                    del item.getparent()[0]

    def _date_styles(self) -> set[int]:
        """Numbers of the cell styles that show a date or a time."""
        if "xl/styles.xml" not in self._archive.namelist():
            return set()
        styles = self._parsed("xl/styles.xml")
        codes = {int(f.get("numFmtId")): f.get("formatCode") or "" for f in styles.iter("{*}numFmt")}
        formats = styles.find("{*}cellXfs")
        numbers = [int(style.get("numFmtId") or 0) for style in (formats if formats is not None else ())]
        return {
            place
            for place, number in enumerate(numbers)
            if (is_date_format(codes[number]) if number in codes else number in _BUILT_IN_DATES)
        }


class OldBook:
    """An .xls workbook, by calamine. It is held in memory whole; its sheets have 65,536 rows at most.

    Raises:
        python_calamine.CalamineError: it is none, or is damaged.
    """

    is_1904 = False  # calamine gives dates as dates

    def __init__(self, file: IO[bytes]) -> None:
        from python_calamine import CalamineWorkbook

        file.seek(0)
        self._book = CalamineWorkbook.from_filelike(file)

    def part_of(self, sheet: str | None) -> str | None:
        """Name of the first sheet that is, or matches, the one asked for."""
        names = self._book.sheet_names
        return next((name for name in names if sheet is None or fnmatchcase(name, sheet)), None)

    def merged(self, part: str) -> list[Area]:
        """Merged cells of a sheet by their first row."""
        areas = self._book.get_sheet_by_name(part).merged_cell_ranges or []
        return sorted((top + 1, left, bottom + 1, right) for (top, left), (bottom, right) in areas)

    def rows(self, part: str) -> Iterator[tuple[int, Row]]:
        """Rows with a value that is not the empty text, each with its number from 1."""
        for number, values in enumerate(self._book.get_sheet_by_name(part).to_python(skip_empty_area=False), start=1):
            cells = {place: _old_cell(value) for place, value in enumerate(values) if value != ""}
            if cells:
                yield number, cells


def _old_cell(value: Any) -> Cell:
    if isinstance(value, bool):
        return Cell(str(value).lower())
    if isinstance(value, int | float):
        return Cell(number_text(float(value)), float(value))
    if isinstance(value, str):
        return Cell(value)
    if isinstance(value, timedelta):
        since = value
    elif isinstance(value, time):
        since = timedelta(hours=value.hour, minutes=value.minute, seconds=value.second, microseconds=value.microsecond)
    else:
        moment = value if isinstance(value, datetime) else datetime.combine(value, time())
        since = moment - (_FIRST_DAY if moment >= datetime(1900, 3, 1) else _FIRST_DAY + timedelta(days=1))
    serial = since / timedelta(days=1)
    return Cell(number_text(serial), serial, is_date=True)


_BUILT_IN_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
"""Formats a workbook need not spell out, those of Chinese, Japanese and Korean Excel included."""
_NO_LETTERS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?![hms]+\])[^\]]*\]', re.IGNORECASE)
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s+ref\s*=\s*["\']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})["\']')
_LONGEST_MERGED = 80
_FIRST_DAY, _FIRST_DAY_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)
_NO_SUCH_DAY = 60
"""Excel believes that there was a 29 February 1900."""


def is_date_format(code: str) -> bool:
    """Whether a number format shows a date or a time."""
    return re.search("[ymdhs]", _NO_LETTERS.sub("", code.partition(";")[0]), re.IGNORECASE) is not None


def number_text(number: float, stored: str = "") -> str:
    """A double as text: whole numbers without a point as far as doubles hold them all, others shortest."""
    if stored.isdigit() and len(stored) <= 15:
        return stored
    if math.isnan(number):
        return "NaN"
    if number.is_integer() and abs(number) < 1e15 and (number or not stored.startswith("-")):
        return str(int(number))
    return repr(number)


def moment_of(serial: float, *, is_1904: bool) -> datetime | None:
    """The moment a number of days stands for, to the millisecond; None where it stands for none."""
    first = _FIRST_DAY_1904 if is_1904 else _FIRST_DAY
    if not 0 <= serial < 2_958_466 or (not is_1904 and _NO_SUCH_DAY <= serial < _NO_SUCH_DAY + 1):
        return None
    if not is_1904 and serial < _NO_SUCH_DAY:
        first += timedelta(days=1)
    return first + timedelta(milliseconds=round(serial * 86_400_000))


def _text_of(element: Any) -> str:
    """Text of a string item, its runs joined; the reading aid above characters is none of it."""
    texts = []
    for child in element:
        tag = child.tag.rpartition("}")[2]
        if tag == "t":
            texts.append(child.text or "")
        elif tag == "r":
            texts += [run.text or "" for run in child if run.tag.rpartition("}")[2] == "t"]
    return "".join(texts)


def _column(letters: str) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - 64
    return place - 1
