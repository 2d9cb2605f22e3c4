"""Delimited text files as a department drops them, plain or packed."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from lake.connectors.archives import DamagedArchive, PackedArguments, unpacked
from lake.connectors.files import FileArguments, FileSource
from lake.connectors.lines import LineCount, first_line, text_problems
from lake.connectors.protocol import SourceColumn
from lake.contracts.model import Contract
from lake.settings import Settings

MOST_LINES_A_RECORD = 500
MOST_LETTERS_A_RECORD = 1 << 20
"""A text field with more lines, or a record with more letters, is no record but a lost quote."""


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]")
"""Characters no field may have; the tab and, between quotes, line feeds are none of them."""


class CsvArguments(PackedArguments):
    """Arguments of CSV drops; encoding, delimiter and quote are the contract's.

    Attributes:
        header: the first line of each file names the columns.
        multiline: text between quotes may hold line ends. A record is then a line, or the lines from one whose quotes
            are not closed to the one that closes them, where together they have the contract's number of fields (at
            most 500 lines and 1,048,576 letters); an open line that comes to no record is a broken record of its own.
            Line ends within a field become single line feeds.
    """

    header: bool = True
    multiline: bool = False


class Source(FileSource):
    """CSV drops. A record is a physical line, the last one needs no line end; see `CsvArguments.multiline`."""

    Arguments: ClassVar[type[FileArguments]] = CsvArguments
    arguments: CsvArguments

    def __init__(self, contract: Contract, settings: Settings) -> None:
        super().__init__(contract, settings)
        self._contract = contract

    @classmethod
    def check_text(cls, contract: Contract) -> list[str]:
        """Lines are told by the byte 0x0A, which holds in ASCII's relatives only."""
        problems = text_problems(contract)
        if len(contract.delimiter) != 1:
            problems.append("delimiter: must be one character")
        if len(contract.quote) > 1:
            problems.append("quote: must be one character, or empty")
        if contract.source.arguments.get("multiline") and not contract.quote:
            problems.append("argument multiline: means something with quotes only")
        return problems

    def count_records(self, path: Path) -> tuple[int, str | None]:
        """Physical lines of the unpacked bytes less the headers; up to the damage when the archive is damaged."""
        joined, lines = 0, LineCount(around=int(self.arguments.header))
        try:
            for plain in unpacked(path, self.arguments.member):
                if self.arguments.multiline:
                    joined += self._count_joined(plain)
                else:
                    lines.read(plain)
        except DamagedArchive as damage:
            return joined + lines.records, str(damage)
        return joined + lines.records, None

    def columns(self, path: Path, contract: Contract) -> tuple[SourceColumn, ...]:
        """Names of the header; none where there is no header."""
        if not self.arguments.header:
            return ()
        line = first_line(path, self.arguments.member, contract)
        names = next(csv.reader([line], delimiter=contract.delimiter, quotechar=contract.quote or None), [])
        return tuple(SourceColumn(name) for name in names)

    def _count_joined(self, plain: Iterator[bytes]) -> int:
        """Records of one stream where quotes may hold line ends; None among its lines is one nobody can read."""
        records = -int(self.arguments.header)
        quote = self._contract.quote
        open_: list[str] = []
        for number, line in enumerate(_texts(plain, self._contract.encoding)):
            records += 1  # its own, until it closes an earlier line
            if number < self.arguments.header:
                continue
            if line is None or len(open_) >= MOST_LINES_A_RECORD:
                open_ = []
            is_odd = line is not None and line.count(quote) % 2 == 1
            if line is not None and open_ and is_odd and self._is_record("\n".join([*open_, line])):
                records -= len(open_)
                open_ = []
            elif line is not None and is_odd:
                open_ = [line]
            elif line is not None and open_:
                open_.append(line)
        return max(records, 0)

    def _is_record(self, text: str) -> bool:
        if len(text) > MOST_LETTERS_A_RECORD or _CONTROL.search(text):
            return False
        fields = _fields(text, self._contract.delimiter, self._contract.quote)
        return fields is not None and fields == (len(self._contract.columns) or fields)


def _texts(plain: Iterator[bytes], encoding: str) -> Iterator[str | None]:
    """Lines as text; None for one that is too long or not in the encoding."""
    tail = b""
    for block in plain:
        lines = (tail + block).split(b"\n")
        tail = lines.pop()[: MOST_LETTERS_A_RECORD * 8]
        for line in lines:
            yield _text(line, encoding)
    if tail:
        yield _text(tail, encoding)


def _text(line: bytes, encoding: str) -> str | None:
    try:
        text = line.removesuffix(b"\r").decode(encoding)
    except UnicodeDecodeError:
        return None
    return text if len(text) <= MOST_LETTERS_A_RECORD else None


def _fields(text: str, delimiter: str, quote: str) -> int | None:
    """Number of fields of a record, None where quotes stand where none may; letter by letter, as no parser does it."""
    at = fields = 0
    while True:
        if text.startswith(quote, at):
            at = text.find(quote, at + 1)
            while at >= 0 and text.startswith(quote, at + 1):
                at = text.find(quote, at + 2)
            if at < 0:
                return None
            at += 1
        else:
            end = text.find(delimiter, at)
            end = len(text) if end < 0 else end
            if quote in text[at:end] or "\n" in text[at:end]:
                return None
            at = end
        fields += 1
        if at == len(text):
            return fields
        if not text.startswith(delimiter, at):
            return None
        at += 1
