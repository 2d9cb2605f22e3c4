"""How a department writes its text files: encoding, delimiter, quote, header. Found by looking, stated in the contract.

Nothing here guesses where it can be checked: an encoding is one the bytes can be decoded by to the last one, a
delimiter one that gives nearly every line the same number of fields.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lake.connectors.archives import DamagedArchive, first_member
from lake.errors import DeliveryDamaged

HEAD_LINES = 400
"""Lines of a file that are looked at for its form."""
FEW_LINES = 20
HEAD_BYTES = 1 << 20
DELIMITERS = (",", ";", "\t", "|", "^", "~")
_STEADY = 0.9
"""So many lines of one width show that quotes are quotes."""
QUOTES = ('"', "'", "")
_VALUE = re.compile(
    # A cell no one would give as the name of a column: a number, a date, a time, a coordinate, an address of a machine.
    r"[+-]?[\d.,\s]*\d[\d.,]*%?|\d{1,4}[-/.年]\d{1,2}([-/.月]\d{1,4}日?)?([ T].*)?|\d{1,2}:\d{2}.*|\S+@\S+\.\S+"
)
_NULLS = frozenset({"", "NA", "N/A", "NULL", "null", "NaN", "nan", "-", "--", r"\N", "None"})


@dataclass(frozen=True)
class TextForm:
    """How one text file is written.

    Attributes:
        encoding: ``utf-8``, ``gb18030`` or ``latin-1``.
        has_bom: it begins with U+FEFF.
        delimiter, quote: one character each; no quote = ''.
        header: names in its first line; None where that is a record.
        fields: fields of most lines.
        is_header_sure: whether the values below tell names from records.
        steady: share of lines that have `fields` fields.
    """

    encoding: str
    has_bom: bool
    delimiter: str
    quote: str
    header: tuple[str, ...] | None
    fields: int
    is_header_sure: bool = True
    steady: float = 1.0


def read_form(
    path: Path,
    member: str | None,
    *,
    encoding: str | None = None,
    has_header: bool | None = None,
    like: TextForm | None = None,
) -> TextForm:
    """Look at a text file, packed or not.

    Args:
        path: the file.
        member: of an archive.
        encoding: what is known of it.
        has_header: what the caller knows.
        like: a sibling's form, kept where the file's first lines fit it.

    Raises:
        DeliveryDamaged: the file is empty, or not one of text.
    """
    bom = like.has_bom if like else False
    if encoding is None:
        encoding, bom = _encoding_of(path, member)
    lines = _head(path, member, encoding, most=HEAD_LINES if like is None else FEW_LINES)
    if not lines:
        raise _unreadable(path, "is empty")
    if like and all(len(_cells(line, like.delimiter, like.quote)) == like.fields for line in lines):
        delimiter, quote, fields, steady = like.delimiter, like.quote, like.fields, 1.0
    else:
        delimiter, quote, fields, steady = _split_by(lines)
    first = _cells(lines[0], delimiter, quote)
    rest = [_cells(line, delimiter, quote) for line in lines[1:]]
    is_header, is_sure = _is_header(first, [row for row in rest if len(row) == len(first)])
    if has_header is not None:
        is_header, is_sure = has_header, True
    return TextForm(encoding, bom, delimiter, quote, tuple(first) if is_header else None, fields, is_sure, steady)


def first_line(path: Path, member: str | None, encoding: str) -> str:
    """The first line of a file, without its end and mark; what cannot be decoded stands as U+FFFD."""
    lines = _head(path, member, encoding, most=1)
    return lines[0] if lines else ""


def cells_of(line: str, form: TextForm) -> list[str]:
    """Fields of a line as its form has them."""
    return _cells(line, form.delimiter, form.quote)


def encoding_of(paths: Sequence[Path], member: str | None) -> tuple[str, list[Path]]:
    """The encoding most files are in, and the files it does not fit.

    UTF-8 is tried to the last byte, then GB18030, whose pairs of high bytes Chinese text has and European text has
    not; what is neither is Latin-1, where every byte is a letter.
    """
    found = {path: _encoding_of(path, member)[0] for path in paths}
    # A file of plain ASCII is UTF-8 and GB18030 alike, so one file that is not decides.
    special = Counter(encoding for encoding in found.values() if encoding != "utf-8")
    if not special:
        return "utf-8", []
    encoding = special.most_common(1)[0][0]
    others = [path for path, own in found.items() if own != encoding and not _is_ascii(path, member)]
    if len(others) * 2 > len(found):
        return "utf-8", [path for path, own in found.items() if own != "utf-8"]
    return encoding, others


def _blocks(path: Path, member: str | None) -> Iterator[bytes]:
    """The bytes of a file; of an archive those of its first member."""
    try:
        yield from first_member(path, member)
    except DamagedArchive as damage:
        raise _unreadable(path, f"is a damaged archive: {damage}") from None


def _encoding_of(path: Path, member: str | None) -> tuple[str, bool]:
    """The encoding, by all bytes of the file, and whether a mark is before them."""
    bom, first, high, paired = False, True, 0, 0
    fitting = {name: codecs.getincrementaldecoder(name)() for name in ("utf-8", "gb18030")}
    for block in _blocks(path, member):
        if first:
            first, bom = False, block.startswith(codecs.BOM_UTF8)
            if block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in block[:4096]:
                raise _unreadable(path, "is not text of one byte a line end (UTF-16, or no text at all)")
        for name, decoder in list(fitting.items()):
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                del fitting[name]
        if "utf-8" not in fitting and high < 100_000:
            runs = re.findall(rb"[\x80-\xff]+", block)
            high += sum(len(run) for run in runs)
            paired += sum(len(run) - len(run) % 2 for run in runs)
    for name, decoder in list(fitting.items()):
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            del fitting[name]
    if "utf-8" in fitting:
        return "utf-8", bom
    if "gb18030" in fitting and paired > 0.8 * high:
        return "gb18030", False
    if bom:
        return "utf-8", bom  # the mark says it; what does not fit is a bad byte
    return "latin-1", False


def _is_ascii(path: Path, member: str | None) -> bool:
    return all(block.isascii() for block in _blocks(path, member))


def _head(path: Path, member: str | None, encoding: str, most: int = HEAD_LINES) -> list[str]:
    data = b""
    for block in _blocks(path, member):
        data += block
        if len(data) >= HEAD_BYTES or data.count(b"\n") >= most:
            break
    whole = data.rpartition(b"\n")[0] if data.count(b"\n") >= most or len(data) >= HEAD_BYTES else data
    text = whole.decode(encoding, errors="replace").removeprefix("\ufeff")
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return [line for line in lines if line.strip()][:most]


def _split_by(lines: Sequence[str]) -> tuple[str, str, int, float]:
    """Delimiter, quote, number of fields and the share of lines that have it: the pair that is steadiest."""
    best: tuple[float, int, str, str] | None = None
    for quote in QUOTES:
        for delimiter in DELIMITERS:
            if (quote == "'" and not _quotes_fields(lines, delimiter)) or (not quote and best and best[0] >= _STEADY):
                continue
            counts = Counter(len(_cells(line, delimiter, quote)) for line in lines)
            fields, times = max(counts.items(), key=lambda item: (item[1], item[0]))
            steady = times / len(lines)
            if fields > 1 and (best is None or (round(steady, 2), fields) > (round(best[0], 2), best[1])):
                best = (steady, fields, delimiter, quote)
    if best is None or best[0] < 0.5:
        return ",", '"', 1, 1.0
    return best[2], best[3], best[1], best[0]


def _quotes_fields(lines: Sequence[str], delimiter: str) -> bool:
    """Whether apostrophes stand around fields and not within words."""
    fields = [field for line in lines for field in line.split(delimiter) if "'" in field]
    return bool(fields) and sum(field[:1] == "'" == field[-1:] for field in fields) > 0.9 * len(fields)


def _cells(line: str, delimiter: str, quote: str) -> list[str]:
    if not quote:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter, quotechar=quote), [])
    except csv.Error:
        return [line]


def _is_header(first: Sequence[str], rest: Sequence[Sequence[str]]) -> tuple[bool, bool]:
    """Whether the first line names columns, and whether that is sure."""
    names = [cell.strip() for cell in first]
    given = [name for name in names if name]
    if len(given) * 2 < len(names) or len(set(given)) < len(given) or any(_VALUE.fullmatch(name) for name in given):
        return False, True
    if not rest:
        return True, False
    columns = [[row[place].strip() for row in rest] for place in range(len(names))]
    told = [[cell for cell in column if cell not in _NULLS] for column in columns]
    if any(name and name in column for name, column in zip(names, told, strict=True)):
        return False, False  # a name that is also a value
    contrast = any(
        column and sum(bool(_VALUE.fullmatch(cell)) for cell in column) > 0.8 * len(column) for column in told
    )
    return True, contrast


def _unreadable(path: Path, why: str) -> DeliveryDamaged:
    return DeliveryDamaged(f"{path.name} {why}", remedy="ask the department for a file of text, in UTF-8 best")
