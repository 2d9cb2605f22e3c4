"""JSON lines as a department drops them, plain or packed: an object a line."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import ClassVar

from lake.connectors.archives import DamagedArchive, first_member, unpacked
from lake.connectors.files import FileArguments, FileSource
from lake.connectors.json_files import ItemArguments, columns_of
from lake.connectors.lines import LineCount, text_problems
from lake.connectors.protocol import SourceColumn
from lake.contracts.model import Contract
from lake.errors import DeliveryDamaged

_LOOKED_AT = 2000
"""Lines whose keys name the columns."""
_LONGEST_LINE = 16 << 20


class JsonLinesArguments(ItemArguments):
    """Arguments of JSON lines; the encoding is the contract's."""


class Source(FileSource):
    """JSON lines. A record is a physical line, be it blank; the last one needs no line end."""

    Arguments: ClassVar[type[FileArguments]] = JsonLinesArguments
    arguments: JsonLinesArguments

    @classmethod
    def check_text(cls, contract: Contract) -> list[str]:
        """Delimiter and quote are JSON's own."""
        told = [problem for problem in super().check_text(contract) if not problem.startswith("encoding")]
        return told + text_problems(contract)

    def count_records(self, path: Path) -> tuple[int, str | None]:
        """Physical lines of the unpacked bytes; up to the damage when the archive is damaged."""
        lines = LineCount()
        try:
            for plain in unpacked(path, self.arguments.member):
                lines.read(plain)
        except DamagedArchive as damage:
            return lines.records, str(damage)
        return lines.records, None

    def columns(self, path: Path, contract: Contract) -> tuple[SourceColumn, ...]:
        """Keys of the first 2000 lines that are objects, in the order they are met."""
        items, tail = [], b""
        try:
            for block in islice(first_member(path, self.arguments.member), _LONGEST_LINE >> 20):
                *lines, tail = (tail + block).split(b"\n")
                items += lines
                if len(items) >= _LOOKED_AT:
                    break
            else:
                items.append(tail)
        except DamagedArchive as damage:
            raise DeliveryDamaged(
                str(damage), remedy="ask the department to deliver it again", dataset=contract.dataset
            ) from None
        found = []
        for line in items[:_LOOKED_AT]:
            try:
                found.append(json.loads(line.decode(contract.encoding).removeprefix("\ufeff")))
            except (ValueError, RecursionError):
                continue
        return columns_of(found)
