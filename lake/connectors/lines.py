"""Physical lines of text drops: what the counts of line formats share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lake.connectors.archives import DamagedArchive, first_member
from lake.contracts.model import Contract
from lake.errors import DeliveryDamaged

_LONGEST_FIRST = 1 << 20


def lines_in(plain: Iterator[bytes]) -> int:
    """Physical lines of a stream; the last one needs no line end."""
    lines, last = 0, b"\n"
    for block in plain:
        lines += block.count(b"\n")
        last = block[-1:] or last
    return lines + (last != b"\n")


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
