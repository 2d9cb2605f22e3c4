"""Lines of landed text files with their addresses: split from the bytes, decoded block by block, never by a parser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from lake.admission.reading.packed import Part, Plain, parts
from lake.contracts.model import Contract
from lake.errors import ContractError

if TYPE_CHECKING:
    import pyarrow as pa

    from lake.landing import Landed

CHUNK_BYTES = 1 << 20
BATCH_BYTES = 64 << 20
LINE_LIMIT = 1 << 20
"""A longer line is one broken record: no department's record is that long, and memory stays bounded."""

_NOT_ASCII_COMPATIBLE = ("utf-16", "utf-32", "utf-7")


class Run(NamedTuple):
    """Lines that follow each other and share a fate.

    Attributes:
        problem: why they cannot be read, or None.
        lines: their text, without line ends; of a broken line at least what tells it from others.
        size: bytes they came from, about.
    """

    problem: str | None
    lines: list[str]
    size: int


Format = Callable[[str, Iterator[Run]], Iterator[Run]]
"""What a format makes of one part's lines, given its address: takes headers off, joins lines to records."""


def batches(
    landed: Landed, member: str | None, records: Format, addresses: list[tuple[str, date | None]]
) -> Iterator[pa.Table]:
    """Records of all parts as tables of (_file_no, _record, _problem, line), about `BATCH_BYTES` each.

    Args:
        landed: the delivery; its contract has the encoding.
        member: which members of a zip.
        records: see `Format`.
        addresses: gets (address, day) of each part; ``_file_no`` is the place in it.
    """
    import pyarrow as pa

    check_encoding(landed.contract)
    batch: list[pa.RecordBatch] = []
    size = 0
    for part in parts(landed, member):
        number = len(addresses)
        addresses.append((part.address, part.day))
        record = 0
        for problem, lines, length in records(part.address, runs_of(part, landed.contract.encoding)):
            count = len(lines)
            batch.append(
                pa.RecordBatch.from_arrays(
                    [
                        pa.repeat(pa.scalar(number, pa.int32()), count),
                        pa.array(range(record + 1, record + count + 1), pa.int64()),
                        pa.repeat(pa.scalar(problem, pa.string()), count),
                        pa.array(lines, pa.string()),
                    ],
                    names=["_file_no", "_record", "_problem", "line"],
                )
            )
            record += count
            size += length
            if size >= BATCH_BYTES:
                yield pa.Table.from_batches(batch)
                batch, size = [], 0
    if batch:
        yield pa.Table.from_batches(batch)


def blocks(stream: Plain) -> Iterator[bytes]:
    """Whole lines of a stream, about `CHUNK_BYTES` at a time, without the last line's end."""
    tail = b""
    while chunk := stream.read(CHUNK_BYTES):
        block, newline, rest = (tail + chunk).rpartition(b"\n")
        if newline:
            yield block
        tail = rest[: LINE_LIMIT * 8]
    if tail:
        yield tail


def check_encoding(contract: Contract) -> None:
    """Refuse encodings whose line ends are not the byte 0x0A."""
    if contract.encoding.lower().startswith(_NOT_ASCII_COMPATIBLE):
        raise ContractError(
            f"encoding {contract.encoding} is not supported",
            remedy="ask for UTF-8 or GB18030, or add a decoder to the reader",
            dataset=contract.dataset,
        )


def runs_of(part: Part, encoding: str) -> Iterator[Run]:
    """Runs of lines of one part, the byte order mark taken off."""
    first = True
    for block in blocks(part.stream):
        decoded = _decoded(block, encoding)
        if first:
            first = False
            decoded[0][1][0] = decoded[0][1][0].removeprefix("\ufeff")
        for problem, lines in decoded:
            yield Run(problem, lines, len(block) if len(decoded) == 1 else sum(map(len, lines)))


def _decoded(block: bytes, encoding: str) -> list[tuple[str | None, list[str]]]:
    """Lines of a block as text. A block without a bad byte is one run; in the others each line stands for itself."""
    try:
        text = block.decode(encoding)
    except UnicodeDecodeError:
        return [_decoded_line(line, encoding) for line in block.split(b"\n")]
    if "\r" in text:
        text = text.replace("\r\n", "\n").removesuffix("\r")
    lines = text.split("\n")
    if len(text) > LINE_LIMIT and any(len(line) > LINE_LIMIT for line in lines):
        return [("line_too_long", [line[:64]]) if len(line) > LINE_LIMIT else (None, [line]) for line in lines]
    return [(None, lines)]


def _decoded_line(line: bytes, encoding: str) -> tuple[str | None, list[str]]:
    line = line.removesuffix(b"\r")
    try:
        text = line.decode(encoding)
    except UnicodeDecodeError:
        return "bad_bytes", [line[:LINE_LIMIT].decode("latin-1")]
    return ("line_too_long", [text[:64]]) if len(text) > LINE_LIMIT else (None, [text])
