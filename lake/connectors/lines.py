"""Physical lines of text drops: what the counts of line formats share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lake.connectors.archives import DamagedArchive, first_member
from lake.contracts.model import Contract
from lake.errors import DeliveryDamaged

_LONGEST_FIRST = 1 << 20


class LineCount:
    """Counts the physical lines of streams, up to the damage where one is damaged; the last needs no line end.

    Args:
        around: lines of each stream that are no records.
    """

    def __init__(self, around: int = 0) -> None:
        self._around = around
        self._before, self._lines, self._last = 0, 0, b"\n"

    @property
    def records(self) -> int:
        """Lines of all streams so far, less those around the records."""
        return self._before + max(self.lines - self._around, 0)

    @property
    def lines(self) -> int:
        """Lines of the last stream."""
        return self._lines + (self._last != b"\n")

    def read(self, plain: Iterator[bytes]) -> None:
        """Count a stream."""
        self._before, self._lines, self._last = self.records, 0, b"\n"
        for block in plain:
            self._lines += block.count(b"\n")
            self._last = block[-1:] or self._last


def text_problems(contract: Contract) -> list[str]:
    """What is wrong with the encoding of a format that is told into lines by the byte 0x0A."""
    if contract.encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32", "utf16", "utf32")):
        return [f"encoding: {contract.encoding} has no line ends of one byte; have the files sent in utf-8"]
    return []


def first_line(path: Path, member: str | None, contract: Contract) -> str:
    """The first line of a file, or of the first member that matches, in the contract's encoding.

    Raises:
        DeliveryDamaged: the file cannot be unpacked, or the line is in another encoding.
    """
    head = b""
    try:
        for block in first_member(path, member):
            head += block
            if b"\n" in head or len(head) > _LONGEST_FIRST:
                break
        return head.partition(b"\n")[0].removesuffix(b"\r").decode(contract.encoding).removeprefix("\ufeff")
    except DamagedArchive as damage:
        raise DeliveryDamaged(
            str(damage), remedy="ask the department to deliver it again", dataset=contract.dataset
        ) from None
    except UnicodeDecodeError:
        raise DeliveryDamaged(
            f"the first line is not {contract.encoding}",
            remedy="state the encoding the department writes",
            dataset=contract.dataset,
        ) from None
