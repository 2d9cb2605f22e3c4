"""Packed files: gzip and zip unpacked in a stream for the second count, within limits.

A zip is walked by the headers that stand before each member, as one reads it from a pipe, and its table of contents
is compared at the end; admission reads by the table of contents. An archive the two ways disagree about is damaged.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from lake.connectors.files import FileArguments

MOST_UNPACKED = 32 << 30
"""Bytes the members of one archive may unpack to."""
MOST_RATIO = 200
"""Unpacked bytes per packed byte of an archive that unpacks to more than `RATIO_FROM`; text packs 5 to 60 fold."""
RATIO_FROM = 64 << 20
MOST_MEMBERS = 10_000

GZIP_MAGIC, ZIP_MAGICS = b"\x1f\x8b", (b"PK\x03\x04", b"PK\x05\x06")
"""No text in any encoding we know begins like this."""
OTHER_ARCHIVES = {
    b"Rar!\x1a\x07": "RAR",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}

_BLOCK = 1 << 20
_GZIP_WINDOW, _ZIP_WINDOW = 31, -15
"""zlib's words for "a gzip member, header and checksum included" and for "nothing but the packed bytes"."""
_LOCAL, _CENTRAL, _DESCRIPTOR = b"PK\x03\x04", b"PK\x01\x02", b"PK\x07\x08"
_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_ENCRYPTED, _SIZES_BEHIND, _UTF_8 = 1 << 0, 1 << 3, 1 << 11
_UNKNOWN = 0xFFFFFFFF
_LINK, _KIND = 0o120000, 0o170000
_LONGEST_NAME = 1024


class DamagedArchive(Exception):
    """The file cannot be unpacked to its end, or must not be; the text says why."""


class PackedArguments(FileArguments):
    """Arguments of files that may come packed.

    A file that begins as gzip or zip is unpacked while it is read and counted; its bytes stay packed in the landing.
    An archive inside an archive, an encrypted member, a member named with a path that leads out, a link, and an
    archive that unpacks to more than 32 GiB or 200 times its size are refused.

    Attributes:
        member: which members of a zip are read, as a shell pattern (``*.csv``, ``data/2023*``; ``*`` crosses ``/``);
            None = all of them. A zip in which no member matches is damaged.
    """

    member: str | None = None


def unpacked(path: Path, member: str | None = None, suffix: str = "") -> Iterator[Iterator[bytes]]:
    """The bytes of a file, a megabyte at a time at most: one stream, or one for each member of a zip that matches.

    Each stream must be read to its end before the next one is asked for. `suffix` narrows the members down further, in
    upper or lower case.

    Raises:
        DamagedArchive: while it is read.
    """
    with path.open("rb") as file:
        magic = file.read(8)
        file.seek(0)
        for start, name in OTHER_ARCHIVES.items():
            if magic.startswith(start):
                raise DamagedArchive(f"it is a {name} archive; only gzip and zip are unpacked")
        limit = _Limit(path.stat().st_size)
        own_suffix = path.suffix.lower()
        if not magic and own_suffix in (".zip", ".gz"):
            raise DamagedArchive("the file is empty")
        if magic.startswith(ZIP_MAGICS) or own_suffix == ".zip":
            yield from _members(file, member, suffix, limit)
        elif magic.startswith(GZIP_MAGIC) or own_suffix == ".gz":
            yield _not_packed_twice(_gunzipped(file, limit))
        else:
            yield iter(lambda: file.read(_BLOCK), b"")


def first_member(path: Path, member: str | None = None) -> Iterator[bytes]:
    """The bytes of the first file in it, or of the file itself; of an archive without one, nothing."""
    for plain in unpacked(path, member):  # what is unpacked is open as long as the walk goes on
        yield from plain
        return


def is_wanted(name: str, member: str | None) -> bool:
    """Whether a member is read. Folders are none, and what macOS puts beside files holds no data."""
    return not name.endswith("/") and not name.startswith("__MACOSX/") and (not member or fnmatchcase(name, member))


class _Limit:
    """Counts what is unpacked."""

    def __init__(self, packed: int) -> None:
        self._most = min(MOST_UNPACKED, max(packed * MOST_RATIO, RATIO_FROM))
        self._unpacked = 0

    def passed(self, plain: bytes) -> bytes:
        self._unpacked += len(plain)
        if self._unpacked > self._most:
            raise DamagedArchive(
                f"the archive unpacks to more than {self._most >> 20} MiB; it is refused as an archive bomb"
            )
        return plain


def _not_packed_twice(plain: Iterator[bytes]) -> Iterator[bytes]:
    head = b""
    for block in plain:
        if len(head) < 8:
            head += block[:8]
            if head.startswith((GZIP_MAGIC, *ZIP_MAGICS, *OTHER_ARCHIVES)):
                raise DamagedArchive("the archive holds an archive; have the files packed once")
        yield block


def _gunzipped(file: IO[bytes], limit: _Limit) -> Iterator[bytes]:
    """The bytes inside a gzip file of one or more members."""
    member, begun, seen = zlib.decompressobj(_GZIP_WINDOW), False, False
    while block := file.read(_BLOCK):
        rest = block
        while rest:
            if not begun and seen and not rest.strip(b"\0"):
                break  # padding after the last member is no damage
            begun = seen = True
            try:
                plain = member.decompress(rest, _BLOCK)
            except zlib.error:
                raise DamagedArchive("the gzip archive is damaged") from None
            if plain:
                yield limit.passed(plain)
            rest = member.unconsumed_tail or member.unused_data
            if member.eof:
                member, begun = zlib.decompressobj(_GZIP_WINDOW), False
    if begun or not seen:
        raise DamagedArchive("the gzip archive is truncated")


# ---- zip -------------------------------------------------------------------------------------------------------------


class _Walk:
    """Reads on through a zip and never back."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._ahead, self.position = file, b"", 0

    def peek(self, size: int) -> bytes:
        if len(self._ahead) < size:
            self._ahead += self._file.read(size - len(self._ahead))
        return self._ahead[:size]

    def exactly(self, size: int) -> bytes:
        found = self.peek(size)
        if len(found) < size:
            raise DamagedArchive("the zip archive is truncated")
        self._ahead = self._ahead[size:]
        self.position += size
        return found

    def some(self, most: int) -> bytes:
        return self.exactly(max(1, min(most, len(self.peek(min(most, _BLOCK))))))

    def give_back(self, rest: bytes) -> None:
        self._ahead = rest + self._ahead
        self.position -= len(rest)


def _members(file: IO[bytes], pattern: str | None, suffix: str, limit: _Limit) -> Iterator[Iterator[bytes]]:
    walk = _Walk(file)
    found: list[tuple[int, bytes]] = []
    matched = 0
    while walk.peek(4) == _LOCAL:
        offset = walk.position
        _, flags, method, _, _, crc, packed, size, name_length, extra_length = struct.unpack(
            "<4xHHHHHIIIHH", walk.exactly(30)
        )
        raw_name, extra = walk.exactly(name_length), walk.exactly(extra_length)
        found.append((offset, raw_name))
        if len(found) > MOST_MEMBERS:
            raise DamagedArchive(f"the zip archive has more than {MOST_MEMBERS} members")
        name = _checked_name(raw_name, flags)
        if flags & _ENCRYPTED:
            raise DamagedArchive("a member of the zip archive is encrypted; have it sent without a password")
        if method not in (0, 8):
            raise DamagedArchive(f"a member of the zip archive is packed by method {method}; only deflate is unpacked")
        size, packed = _sizes(extra, size, packed)
        expected = None if flags & _SIZES_BEHIND else (crc, packed, size)
        if method == 0 and expected is None and name[-1:] != "/":
            raise DamagedArchive("a member of the zip archive says neither its size nor its end")
        plain = _stored(walk, packed, expected, limit) if method == 0 else _inflated(walk, expected, limit)
        if is_wanted(name, pattern) and name.lower().endswith(suffix):
            matched += 1
            yield _not_packed_twice(plain)
        for _ in plain:
            pass  # what is left aside, or was not read to its end
    _check_contents(walk, found)
    if not matched:
        raise DamagedArchive(
            "no member of the zip archive has the contract's name" if pattern or suffix else "the zip is empty"
        )


def _checked_name(raw: bytes, flags: int) -> str:
    name = member_name(raw, utf_8=bool(flags & _UTF_8))
    parts = name.split("/")
    if (
        not name
        or len(name) > _LONGEST_NAME
        or name.startswith("/")
        or ".." in parts
        or "\\" in name
        or re.match("[A-Za-z]:", name)
        or any(ord(letter) < 32 for letter in name)
    ):
        raise DamagedArchive("a member of the zip archive has a path that leads out of it")
    return name


def member_name(raw: bytes, *, utf_8: bool) -> str:
    """Name of a member. Chinese systems write GB18030 without saying so; a zip can say nothing but UTF-8."""
    for encoding in ("utf-8",) if utf_8 else ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("cp437")


def _sizes(extra: bytes, size: int, packed: int) -> tuple[int, int]:
    """Sizes of a member, out of the extra field where they do not fit 32 bits."""
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        if kind == 1:
            wide = [value for (value,) in struct.iter_unpack("<Q", extra[4 : 4 + length // 8 * 8])]
            if size == _UNKNOWN and wide:
                size = wide.pop(0)
            if packed == _UNKNOWN and wide:
                packed = wide.pop(0)
        extra = extra[4 + length :]
    return size, packed


_Expected = tuple[int, int, int] | None
"""Checksum, packed and plain size as the header has them; None where they stand behind the member."""


def _stored(walk: _Walk, packed: int, expected: _Expected, limit: _Limit) -> Iterator[bytes]:
    crc, left = 0, packed
    while left:
        plain = walk.some(min(left, _BLOCK))
        left -= len(plain)
        crc = zlib.crc32(plain, crc)
        yield limit.passed(plain)
    if expected is not None:
        _check_sum(expected, (crc, packed, packed))


def _inflated(walk: _Walk, expected: _Expected, limit: _Limit) -> Iterator[bytes]:
    engine = zlib.decompressobj(_ZIP_WINDOW)
    crc = size = 0
    start = walk.position
    while not engine.eof:
        block = engine.unconsumed_tail or walk.some(_BLOCK)
        try:
            plain = engine.decompress(block, _BLOCK)
        except zlib.error:
            raise DamagedArchive("a member of the zip archive is damaged") from None
        if plain:
            crc = zlib.crc32(plain, crc)
            size += len(plain)
            yield limit.passed(plain)
    walk.give_back(engine.unused_data)
    counted = (crc, walk.position - start, size)
    if expected is not None:
        _check_sum(expected, counted)
        return
    for layout in ("<4sIII", "<4sIQQ", "<III", "<IQQ"):
        behind = walk.peek(struct.calcsize(layout))
        wanted = (_DESCRIPTOR, *counted) if "s" in layout else counted
        if len(behind) == struct.calcsize(layout) and struct.unpack(layout, behind) == wanted:
            walk.exactly(len(behind))
            return
    raise DamagedArchive("a member of the zip archive does not match its checksum")


def _check_sum(expected: tuple[int, int, int], counted: tuple[int, int, int]) -> None:
    if expected != counted:
        raise DamagedArchive("a member of the zip archive does not match its checksum")


def _check_contents(walk: _Walk, found: list[tuple[int, bytes]]) -> None:
    """Compare the table of contents with the members met, and read on to the archive's end."""
    listed: list[tuple[int, bytes]] = []
    while walk.peek(4) == _CENTRAL:
        entry = struct.unpack("<4xHHHHHHIIIHHHHHII", walk.exactly(46))
        packed, size, name_length, extra_length, comment_length = entry[7:12]
        made_by, attributes, offset = entry[0] >> 8, entry[14], entry[15]
        name, extra = walk.exactly(name_length), walk.exactly(extra_length)
        walk.exactly(comment_length)
        if offset == _UNKNOWN:
            offset = _wide_offset(extra, (size == _UNKNOWN) + (packed == _UNKNOWN))
        if made_by == 3 and (attributes >> 16) & _KIND == _LINK:
            raise DamagedArchive("a member of the zip archive is a link")
        listed.append((offset, name))
    if walk.peek(4) == _END_64:
        walk.exactly(struct.unpack("<4xQ", walk.exactly(12))[0])
    if walk.peek(4) == _LOCATOR_64:
        walk.exactly(20)
    if walk.peek(4) != _END:
        raise DamagedArchive("the zip archive is truncated or damaged")
    walk.exactly(struct.unpack("<20xH", walk.exactly(22))[0])  # a comment is the last thing in it
    if walk.peek(1):
        raise DamagedArchive("something stands behind the zip archive's end")
    if sorted(listed) != sorted(found):
        raise DamagedArchive("the zip archive's table of contents is not what it holds")


def _wide_offset(extra: bytes, before: int) -> int:
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        wide = extra[4 : 4 + length]
        if kind == 1 and len(wide) >= 8 * (before + 1):
            return int(struct.unpack_from("<Q", wide, 8 * before)[0])
        extra = extra[4 + length :]
    return -1
