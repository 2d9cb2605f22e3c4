"""Text files of fixed width as a department's mainframe writes them, plain or packed."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import pydantic

from lake.connectors.archives import DamagedArchive, PackedArguments, unpacked
from lake.connectors.files import FileArguments, FileSource
from lake.connectors.lines import LineCount, text_problems
from lake.connectors.protocol import SourceColumn
from lake.contracts.model import Contract


class Field(pydantic.BaseModel):
    """Where a column stands in a line.

    Attributes:
        name: the column's ``source_name``.
        width: how long it is, in the unit of the arguments.
        start: where it begins, from 1; None = behind the field before it. What no field covers is left aside.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    name: str
    width: int = pydantic.Field(ge=1)
    start: int | None = pydantic.Field(default=None, ge=1)


class FixedWidthArguments(PackedArguments):
    """Arguments of files of fixed width; the encoding is the contract's.

    Blanks around a cell are padding and taken off; zeros stay.

    Attributes:
        fields: the columns with their widths, in the order of the contract.
        unit: whether widths count bytes, as mainframes do, or characters. In GB18030 a Chinese character is 2 or 4
            bytes long.
        length: length of a line without its end; None = up to the end of the last field.
        stripped: lines may lack the blanks at their end.
        header_lines, trailer_lines: lines before and after the records (titles, totals), which are no records.
    """

    fields: tuple[Field, ...] = pydantic.Field(min_length=1)
    unit: Literal["bytes", "characters"] = "bytes"
    length: int | None = pydantic.Field(default=None, ge=1)
    stripped: bool = False
    header_lines: int = pydantic.Field(default=0, ge=0, le=100)
    trailer_lines: int = pydantic.Field(default=0, ge=0, le=100)

    @pydantic.model_validator(mode="after")
    def _fits(self) -> FixedWidthArguments:
        if len({field.name for field in self.fields}) < len(self.fields):
            raise ValueError("a field is there twice")
        if self.length is not None and self.length < max(end for _, end in self.spans()):
            raise ValueError("length ends before the last field does")
        return self

    def spans(self) -> tuple[tuple[int, int], ...]:
        """Beginning, from 0, and end of each field."""
        spans: list[tuple[int, int]] = []
        for field in self.fields:
            start = field.start - 1 if field.start else (spans[-1][1] if spans else 0)
            spans.append((start, start + field.width))
        return tuple(spans)

    def line_length(self) -> int:
        """Length of a whole line in the unit."""
        return self.length or max(end for _, end in self.spans())


class Source(FileSource):
    """Files of fixed width. A record is a physical line; the last one needs no line end."""

    Arguments: ClassVar[type[FileArguments]] = FixedWidthArguments
    arguments: FixedWidthArguments

    @classmethod
    def check_text(cls, contract: Contract) -> list[str]:
        """Fields and columns must be the same; there is neither delimiter nor quote."""
        told = [problem for problem in super().check_text(contract) if not problem.startswith("encoding")]
        told += text_problems(contract)
        names = [field.name for field in FixedWidthArguments.model_validate(contract.source.arguments).fields]
        columns = [column.source_name for column in contract.columns]
        if columns and names != columns:
            told.append("argument fields: must name the contract's columns, in their order")
        return told

    def count_records(self, path: Path) -> tuple[int, str | None]:
        """Physical lines of the unpacked bytes less those before and after the records."""
        around = self.arguments.header_lines + self.arguments.trailer_lines
        lines = LineCount(around)
        try:
            for plain in unpacked(path, self.arguments.member):
                lines.read(plain)
                if lines.lines < around:
                    return lines.records, "there are fewer lines than headers and trailers"
        except DamagedArchive as damage:
            return lines.records, str(damage)
        return lines.records, None

    def columns(self, path: Path, contract: Contract) -> tuple[SourceColumn, ...]:
        """The fields of the arguments: a line says nothing about itself."""
        return tuple(
            SourceColumn(field.name, f"{field.width} {self.arguments.unit}") for field in self.arguments.fields
        )
