"""Old workbooks (.xls, Excel 97 to 2003) as far as counting their rows needs: the container, then its records."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
LARGEST = 256 << 20
"""Bytes of an old workbook; its 65,536 rows seldom take a tenth of it."""

_END = 0xFFFFFFFE
_BOF, _EOF, _SHEET, _PASSWORD, _SST, _CONTINUE = 0x809, 0x0A, 0x85, 0x2F, 0xFC, 0x3C
_NUMBER, _RK, _MULRK, _LABEL, _RSTRING, _LABELSST, _BOOLERR = 0x203, 0x27E, 0xBD, 0x204, 0xD6, 0xFD, 0x205
_FORMULA, _STRING = 0x06, 0x207


class Unreadable(Exception):
    """The workbook cannot be read, or must not be; the text says why."""


def rows(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[int, str]]:
    """Rows of a sheet that hold a value: (number from 1, text of the first value; ``#`` for one that is no text).

    Args:
        path: the file.
        wanted: tells from a sheet's name whether it is the one; the first that is.

    Raises:
        Unreadable: see there.
    """
    try:
        yield from _rows(_stream(path), wanted)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise Unreadable(f"the workbook cannot be read ({type(error).__name__})") from None


def _stream(path: Path) -> bytes:
    """The workbook inside its container."""
    if path.stat().st_size > LARGEST:
        raise Unreadable(f"the workbook is larger than {LARGEST >> 20} MiB")
    data = path.read_bytes()
    size = 1 << struct.unpack_from("<H", data, 30)[0]
    if size not in (512, 4096):
        raise Unreadable("the workbook cannot be read (sector size)")
    directory, cutoff, mini_fat, _, difat, _ = struct.unpack_from("<I4xIIIII", data, 48)
    table = list(struct.unpack_from("<109I", data, 76))
    seen = 0
    while difat < _END:
        *more, difat = struct.unpack_from(f"<{size // 4}I", data, (difat + 1) * size)
        table += more
        seen += 1
        if seen > len(data) // size:
            raise Unreadable("the workbook cannot be read (a chain without an end)")
    fat: list[int] = []
    for sector in table:
        if sector < _END:
            fat += struct.unpack_from(f"<{size // 4}I", data, (sector + 1) * size)

    def chained(start: int, of: list[int], unit: int, source: bytes, shift: int) -> bytes:
        parts, at, met = [], start, 0
        while at < _END:
            parts.append(source[(at + shift) * unit : (at + shift + 1) * unit])
            at, met = of[at], met + 1
            if met > len(of):
                raise Unreadable("the workbook cannot be read (a chain without an end)")
        return b"".join(parts)

    entries = chained(directory, fat, size, data, 1)
    found: dict[str, tuple[int, int]] = {}
    for at in range(0, len(entries) - 127, 128):
        length = struct.unpack_from("<H", entries, at + 64)[0]
        name = entries[at : at + max(length - 2, 0)].decode("utf-16-le", "replace")
        found[name] = struct.unpack_from("<II", entries, at + 116)
    if "EncryptedPackage" in found:
        raise Unreadable("the workbook is encrypted; have it sent without a password")
    if "Workbook" not in found:
        raise Unreadable("the file is no workbook of Excel 97 or later; have it saved as .xlsx")
    start, length = found["Workbook"]
    if length >= cutoff:
        return chained(start, fat, size, data, 1)[:length]
    small = chained(mini_fat, fat, size, data, 1)
    minis = struct.unpack(f"<{len(small) // 4}I", small)
    root = chained(found["Root Entry"][0], fat, size, data, 1)
    return chained(start, list(minis), 64, root, 0)[:length]


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes, int]]:
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        yield kind, stream[at + 4 : at + 4 + length], at
        at += 4 + length
    raise Unreadable("the workbook is truncated")


def _rows(stream: bytes, wanted: Callable[[str], bool]) -> Iterator[tuple[int, str]]:
    sheets: list[tuple[str, int]] = []
    texts: list[str] = []
    shared: list[bytes] = []
    previous = 0
    for kind, body, at in _records(stream, 0):
        if at == 0 and (kind != _BOF or struct.unpack_from("<H", body)[0] != 0x600):
            raise Unreadable("the workbook is older than Excel 97; have it saved as .xlsx")
        if kind == _PASSWORD:
            raise Unreadable("the workbook is encrypted; have it sent without a password")
        if kind == _SHEET and body[5] == 0:
            raw, is_wide = body[8:], body[7] & 1
            sheets.append((raw.decode("utf-16-le" if is_wide else "latin-1"), struct.unpack_from("<I", body)[0]))
        elif kind == _SST or (kind == _CONTINUE and previous == _SST):
            shared.append(body)
        previous = kind if kind != _CONTINUE else previous
        if kind == _EOF:
            break
    if shared:
        texts = list(_shared_texts(shared))
    offset = next((offset for name, offset in sheets if wanted(name)), None)
    if offset is None:
        raise Unreadable("the workbook has no such sheet")
    yield from _rows_of(stream, offset, texts)


def _rows_of(stream: bytes, offset: int, texts: list[str]) -> Iterator[tuple[int, str]]:
    found: dict[int, tuple[int, str]] = {}
    depth, pending = 0, (0, 0)
    for kind, body, _ in _records(stream, offset):
        if kind in (_BOF, _EOF):
            depth += 1 if kind == _BOF else -1
            if not depth:
                break
            continue
        if depth > 1 or len(body) < 2:
            continue
        value = ""
        if kind == _STRING:
            (row, column), value = pending, _plain_text(body)
        elif kind in _CELLS and len(body) >= 6:
            row, column = pending = struct.unpack_from("<HH", body)
            value = _value(kind, body, texts)
        if value == _ERROR and kind in (_BOOLERR, _FORMULA):
            raise Unreadable("the sheet holds errors (#N/A), which only .xlsx keeps for us; have it saved as .xlsx")
        if value and (row not in found or column < found[row][0]):
            found[row] = (column, value)
    for row in sorted(found):
        yield row + 1, found[row][1]


def _value(kind: int, body: bytes, texts: list[str]) -> str:
    """Text of a cell, `_ERROR`, or a sign for a value that is neither; empty for none, or one that follows."""
    if kind == _LABELSST:
        place: int = struct.unpack_from("<I", body, 6)[0]
        return texts[place]
    if kind in (_LABEL, _RSTRING):
        return _plain_text(body[6:])
    if kind == _FORMULA and body[12:14] == b"\xff\xff":
        return {1: "#", 2: _ERROR}.get(body[6], "")
    return _ERROR if kind == _BOOLERR and body[7] else "#"


_ERROR = "!"
_CELLS = frozenset({_NUMBER, _RK, _MULRK, _LABEL, _RSTRING, _LABELSST, _BOOLERR, _FORMULA})


def _plain_text(body: bytes) -> str:
    length, flags = struct.unpack_from("<HB", body)
    return body[3 : 3 + length * 2].decode("utf-16-le") if flags & 1 else body[3 : 3 + length].decode("latin-1")


def _shared_texts(bodies: list[bytes]) -> Iterator[str]:
    """Texts that cells share. One may be cut by the end of a record; its letters then begin with new flags."""
    count = struct.unpack_from("<I", bodies[0], 4)[0]
    part, at = 0, 8

    def take(size: int) -> bytes:
        nonlocal part, at
        taken = b""
        while size > 0:
            if at >= len(bodies[part]):
                part, at = part + 1, 0
            piece = bodies[part][at : at + size]
            at, size = at + len(piece), size - len(piece)
            taken += piece
        return taken

    for _ in range(count):
        letters, flags = struct.unpack("<HB", take(3))
        runs = struct.unpack("<H", take(2))[0] if flags & 8 else 0
        aid = struct.unpack("<I", take(4))[0] if flags & 4 else 0
        text = ""
        while letters:
            if at >= len(bodies[part]):
                part, at = part + 1, 1
                flags = bodies[part][0]
            width = 2 if flags & 1 else 1
            here = min(letters, (len(bodies[part]) - at) // width)
            if not here:
                raise Unreadable("the workbook cannot be read (shared texts)")
            text += take(here * width).decode("utf-16-le" if width == 2 else "latin-1", "replace")
            letters -= here
        take(runs * 4 + aid)
        yield text
