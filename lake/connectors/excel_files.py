"""Excel workbooks as a department drops them."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import ClassVar

import pydantic

from lake.connectors.files import FileArguments, FileSource

MOST_UNPACKED = 2 << 30
"""Bytes a workbook may unpack to; more is a mistake or an attack."""


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

    def count(self, path: Path) -> tuple[int, str | None]:
        """Rows by openpyxl's streaming reader; the sheet's own word about its size is not believed."""
        from openpyxl import load_workbook

        try:
            with zipfile.ZipFile(path) as archive:
                if sum(part.file_size for part in archive.infolist()) > MOST_UNPACKED:
                    return 0, f"the workbook unpacks to more than {MOST_UNPACKED >> 30} GB"
            book = load_workbook(path, read_only=True, data_only=True)
            try:
                if self.arguments.sheet is not None and self.arguments.sheet not in book.sheetnames:
                    return 0, f"the workbook has no sheet {self.arguments.sheet!r}"
                sheet = book[self.arguments.sheet or book.sheetnames[0]]
                sheet.reset_dimensions()
                rows = sheet.iter_rows(min_row=self.arguments.header_row + 1, values_only=True)
                return sum(any(cell is not None for cell in row) for row in rows), None
            finally:
                book.close()
        except (OSError, MemoryError):
            raise
        except Exception as error:  # whatever a broken workbook makes the reader stumble over
            return 0, f"the workbook cannot be read ({type(error).__name__})"
