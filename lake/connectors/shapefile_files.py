"""Shapefiles as a department drops them: zipped, or their parts side by side."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from lake.connectors.archives import DamagedArchive, PackedArguments, unpacked
from lake.connectors.files import FileArguments, FileSource
from lake.connectors.protocol import SourceColumn
from lake.contracts.model import Contract
from lake.errors import DeliveryDamaged

_HEADER = 100
_SHAPEFILE = 9994
_MOST_FIELDS = 2048


class ShapefileArguments(PackedArguments):
    """Arguments of shapefiles: a zip of one or several, or parts side by side, for which the pattern ends in ``.*``.

    A column's ``source_name`` is the name of an attribute; ``geometry`` is the geometry as GeoJSON text in the file's
    own coordinates; ``crs``, where the contract has it, is the text of the ``.prj`` that says which they are.
    Attributes keep the text they are stored as, blanks around them taken off. Dates are written as ISO 8601; a number
    of nothing but asterisks and a date of zeros are missing values. The texts' encoding is the contract's where that
    is not utf-8, else what the ``.cpg`` says, else what the ``.dbf`` says.

    Attributes:
        member: which ``.shp`` of a zip, as a shell pattern; None = all of them.
        crs: name of the coordinate system the ``.prj`` must state (``CGCS2000``, ``GCS_WGS_1984``); any other is
            drift. None = it is not looked at.
    """

    crs: str | None = None


class Source(FileSource):
    """Shapefiles. A record is a shape with its row of attributes, be the row marked deleted."""

    Arguments: ClassVar[type[FileArguments]] = ShapefileArguments
    arguments: ShapefileArguments

    @classmethod
    def check_text(cls, contract: Contract) -> list[str]:
        """Delimiter and quote mean nothing here."""
        return [problem for problem in super().check_text(contract) if not problem.startswith("encoding")]

    def count_records(self, path: Path) -> tuple[int, str | None]:
        """Shapes by the headers before each; parts other than ``.shp`` hold none of their own."""
        suffix = path.suffix.lower()
        try:
            if suffix != ".shp" and not _is_zip(path):
                return 0, None
            records = 0
            for plain in unpacked(path, self.arguments.member, ".shp"):
                records += _shapes_in(plain)
        except DamagedArchive as damage:
            return 0, str(damage)
        return records, None

    def columns(self, path: Path, contract: Contract) -> tuple[SourceColumn, ...]:
        """Fields of the first table of attributes, then the geometry; none of a part that is no table."""
        if path.suffix.lower() != ".dbf" and not _is_zip(path):
            return ()
        try:
            for plain in unpacked(path, None, ".dbf"):
                head = b""
                for block in plain:
                    head += block[: _MOST_FIELDS * 32 - len(head)]
                if fields := _fields(head, contract.encoding):
                    return (*fields, SourceColumn("geometry", "geometry"))
        except DamagedArchive as damage:
            raise _damaged(str(damage), contract) from None
        raise _damaged("there is no table of attributes (.dbf) in it", contract)


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"PK" or path.suffix.lower() == ".zip"


def _shapes_in(plain: Iterator[bytes]) -> int:
    """Shapes of a ``.shp``, told by the headers before each.

    Raises:
        DamagedArchive: it is none, ends amid a shape, or elsewhere than it says.
    """
    ahead = b""
    for block in plain:
        ahead += block
        if len(ahead) >= _HEADER:
            break
    if len(ahead) < _HEADER or struct.unpack(">i", ahead[:4])[0] != _SHAPEFILE:
        raise DamagedArchive("the file is no shapefile")
    left = struct.unpack(">i", ahead[24:28])[0] * 2 - _HEADER
    ahead = ahead[_HEADER:]
    shapes, to_skip = 0, 0
    while True:
        skipped = min(to_skip, len(ahead))
        ahead, to_skip, left = ahead[skipped:], to_skip - skipped, left - skipped
        if not to_skip and len(ahead) >= 8:
            to_skip = struct.unpack_from(">i", ahead, 4)[0] * 2
            if to_skip < 4:
                raise DamagedArchive("the shapefile is damaged: a shape of no length")
            ahead, left = ahead[8:], left - 8
            shapes += 1
            continue
        block = next(plain, b"")
        if not block:
            break
        ahead += block
    if to_skip or ahead or left:
        raise DamagedArchive("the shapefile is truncated, or holds more than it says")
    return shapes


def _fields(head: bytes, encoding: str) -> tuple[SourceColumn, ...]:
    """Fields of a table of attributes; none when it is no such table."""
    if len(head) < 33 or head[0] not in (3, 4, 5, 0x30, 0x31, 0x83, 0x8B, 0xF5):
        return ()
    length = struct.unpack_from("<H", head, 8)[0]
    if length < 33 or head[length - 1 : length] != b"\r":
        return ()
    found = []
    for start in range(32, length - 1, 32):
        name = head[start : start + 11].partition(b"\0")[0]
        found.append(SourceColumn(_name(name, encoding), chr(head[start + 11])))
    return tuple(found)


def _name(raw: bytes, encoding: str) -> str:
    for candidate in (encoding, "gb18030"):
        try:
            return raw.decode(candidate)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def _damaged(cause: str, contract: Contract) -> DeliveryDamaged:
    return DeliveryDamaged(cause, remedy="ask the department to deliver it again", dataset=contract.dataset)
