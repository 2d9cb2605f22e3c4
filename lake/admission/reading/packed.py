"""Landed files, packed or not, as streams of plain bytes: gzip and zip by Python's own readers."""

from __future__ import annotations

import errno
import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from lake.admission.reading.relation import damaged
from lake.connectors.archives import MOST_MEMBERS, MOST_UNPACKED, is_wanted, member_name

if TYPE_CHECKING:
    from lake.landing import Landed

_DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError)
_UTF_8 = 1 << 11


class Part(NamedTuple):
    """One stream of records: a file, or a member of a zip.

    Attributes:
        address: what stands in ``_file``: the landed file's name, for a member ``<file>!<member>``.
        day: the file's.
        stream: its plain bytes.
    """

    address: str
    day: date | None
    stream: Plain


class Plain:
    """Plain bytes that were perhaps packed: says that they are damaged in the one way admission knows."""

    def __init__(self, landed: Landed, address: str, file: IO[bytes]) -> None:
        self._landed, self._address, self._file = landed, address, file
        self._left = MOST_UNPACKED

    def read(self, size: int) -> bytes:
        """The next `size` bytes; fewer at the end.

        Raises:
            DeliveryDamaged: the archive ends early, is broken, or unpacks to more than any delivery has.
        """
        try:
            found = self._file.read(size)
        except _DAMAGE as error:
            cause = f"the archive ends early or is broken ({type(error).__name__})"
            raise damaged(self._landed, self._address, cause) from None
        self._left -= len(found)
        if self._left < 0:
            raise damaged(self._landed, self._address, "the archive unpacks to more than any delivery has")
        return found


def parts(landed: Landed, member: str | None = None) -> Iterator[Part]:
    """The streams of a delivery in order, those of a zip by its table of contents. Each is closed before the next.

    Args:
        landed: the delivery.
        member: which members of a zip, see `lake.connectors.archives.PackedArguments`.

    Raises:
        DeliveryDamaged: a zip cannot be opened.
    """
    for file in landed.files:
        path = landed.folder / "files" / file.name
        with ExitStack() as stack:
            opened = stack.enter_context(path.open("rb"))
            magic = opened.read(4)
            opened.seek(0)
            suffix = path.suffix.lower()
            if magic[:2] == b"\x1f\x8b" or suffix == ".gz":
                unpacked = cast("IO[bytes]", stack.enter_context(gzip.open(opened, "rb")))
                yield Part(file.name, file.day, Plain(landed, file.name, unpacked))
            elif magic in (b"PK\x03\x04", b"PK\x05\x06") or suffix == ".zip":
                try:
                    archive = stack.enter_context(zipfile.ZipFile(opened))
                except _DAMAGE as error:
                    raise damaged(landed, file.name, f"it is no zip we can read ({type(error).__name__})") from None
                entries = archive.infolist()
                if len(entries) > MOST_MEMBERS:
                    raise damaged(landed, file.name, f"the zip archive has more than {MOST_MEMBERS} members")
                for entry in entries:
                    name = _name_of(entry)
                    if not is_wanted(name, member):
                        continue
                    address = f"{file.name}!{name}"
                    try:
                        stream = archive.open(entry)
                    except (*_DAMAGE, OSError) as error:
                        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                            raise
                        cause = f"the member cannot be unpacked ({type(error).__name__})"
                        raise damaged(landed, address, cause) from None
                    with stream:
                        yield Part(address, file.day, Plain(landed, address, stream))
            else:
                yield Part(file.name, file.day, Plain(landed, file.name, opened))


def _name_of(entry: zipfile.ZipInfo) -> str:
    if entry.flag_bits & _UTF_8:
        return entry.orig_filename
    return member_name(entry.orig_filename.encode("cp437"), utf_8=False)
