"""Delimited text files, plain or gzipped, as a department drops them."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from lake.connectors.files import FileArguments, FileSource, blocks
from lake.connectors.protocol import SourceColumn
from lake.contracts.model import Contract
from lake.errors import DeliveryDamaged

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 31
"""zlib's word for "a gzip member, header and checksum included"."""
_AT_MOST = 1 << 20
"""Bytes unpacked at a time, however well they were packed."""


class CsvArguments(FileArguments):
    """Arguments of CSV drops.

    Attributes:
        header: the first line of each file names the columns.
    """

    header: bool = True


class Source(FileSource):
    """CSV drops. A record is a physical line; the last one needs no line end."""

    Arguments: ClassVar[type[FileArguments]] = CsvArguments
    arguments: CsvArguments

    @classmethod
    def check_text(cls, contract: Contract) -> list[str]:
        """Lines are told by the byte 0x0A, which holds in ASCII's relatives only."""
        problems = []
        if contract.encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32", "utf16", "utf32")):
            problems.append(f"encoding: {contract.encoding} has no line ends of one byte; have the files sent in utf-8")
        if len(contract.delimiter) != 1:
            problems.append("delimiter: must be one character")
        if len(contract.quote) > 1:
            problems.append("quote: must be one character, or empty")
        return problems

    def count_records(self, path: Path) -> tuple[int, str | None]:
        """Physical lines of the unpacked bytes less the header; up to the damage when the archive is damaged."""
        packed = path.suffix == ".gz"
        lines, last, problem = 0, b"\n", None
        try:
            for block in unpacked(path) if packed else blocks(path):
                lines += block.count(b"\n")
                last = block[-1:]
        except _DamagedArchive as damage:
            problem = str(damage)
        lines += last != b"\n"
        return max(lines - self.arguments.header, 0), problem

    def columns(self, path: Path, contract: Contract) -> tuple[SourceColumn, ...]:
        """Names of the header; none where there is no header."""
        if not self.arguments.header:
            return ()
        head = b""
        for block in unpacked(path) if path.suffix == ".gz" else blocks(path):
            head += block
            if b"\n" in head or len(head) > _AT_MOST:
                break
        try:
            line = head.partition(b"\n")[0].removesuffix(b"\r").decode(contract.encoding).removeprefix("\ufeff")
        except UnicodeDecodeError:
            raise DeliveryDamaged(
                f"the header is not {contract.encoding}",
                remedy="state the encoding the department writes",
                dataset=contract.dataset,
            ) from None
        names = next(csv.reader([line], delimiter=contract.delimiter, quotechar=contract.quote or None), [])
        return tuple(SourceColumn(name) for name in names)


class _DamagedArchive(Exception):
    """The gzip file cannot be read to its end."""


def unpacked(path: Path) -> Iterator[bytes]:
    """The bytes inside a gzip file of one or more members, a megabyte at a time at most."""
    member, begun, seen = zlib.decompressobj(_GZIP_WINDOW), False, False
    for block in blocks(path):
        rest = block
        while rest:
            if not begun and seen and not rest.strip(b"\0"):
                break  # padding after the last member is no damage
            begun = seen = True
            try:
                plain = member.decompress(rest, _AT_MOST)
            except zlib.error:
                raise _DamagedArchive("the gzip archive is damaged") from None
            if plain:
                yield plain
            rest = member.unconsumed_tail or member.unused_data
            if member.eof:
                member, begun = zlib.decompressobj(_GZIP_WINDOW), False
    if begun or not seen:
        raise _DamagedArchive("the gzip archive is truncated")
