"""XML as a department drops it, plain or packed: records are the elements at a path."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar
from xml.parsers import expat

import pydantic

from lake.connectors.archives import DamagedArchive, PackedArguments, first_member, unpacked
from lake.connectors.files import FileArguments, FileSource
from lake.connectors.protocol import SourceColumn
from lake.contracts.model import Contract
from lake.errors import DeliveryDamaged

DEEPEST = 200
"""A document that is nested deeper is an attack on those who parse it."""
_LOOKED_AT = 2000
"""Records whose elements name the columns."""
_DECLARED = re.compile(rb"""^(?:\xef\xbb\xbf)?\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]+)["']""")


class XmlArguments(PackedArguments):
    """Arguments of XML documents. Names are told without their namespaces; the document declares its encoding.

    A column's ``source_name`` is a path from the record: ``title``, ``point/lat``, ``@id``, ``area/@code``, ``.`` for
    the record's own text; ``../sent`` is a child of the element around the record, and must stand before it. Several
    elements of one path are a JSON list of their texts; an element that has elements itself is its XML text.

    Attributes:
        row_path: names of the elements from the document's root down to the record: ``feed/entry``.
        sparse: the department leaves elements out where there is no value. A contract's path that no record of a
            delivery has is then a missing value and no drift; elements the contract does not know are drift.
    """

    row_path: str = pydantic.Field(pattern=r"^[^/@.\s]+(/[^/@\s]+)*$")
    sparse: bool = False


class Source(FileSource):
    """XML documents. A record is an element at the path."""

    Arguments: ClassVar[type[FileArguments]] = XmlArguments
    arguments: XmlArguments

    def count_records(self, path: Path) -> tuple[int, str | None]:
        """Elements at the path by expat's streaming parser."""
        steps = tuple(self.arguments.row_path.split("/"))
        records = 0
        try:
            for plain in unpacked(path, self.arguments.member):
                counter = _Walk(lambda at: at == steps)
                for count in counter.read(plain):
                    records += count
        except DamagedArchive as damage:
            return records, str(damage)
        except _Refused as refusal:
            return records, str(refusal)
        except (expat.ExpatError, UnicodeDecodeError, LookupError, ValueError) as error:
            return records, f"the file is not XML to its end ({type(error).__name__})"
        return records, None

    def columns(self, path: Path, contract: Contract) -> tuple[SourceColumn, ...]:
        """Attributes and elements without elements of the first 2000 records, in the order they are met.

        What stands around the records (``../sent``) is named too.
        """
        steps = tuple(self.arguments.row_path.split("/"))
        names = _Names(steps)
        seen = 0
        walk = _Walk(lambda at: at == steps)
        walk.told = names.take
        try:
            for count in walk.read(first_member(path, self.arguments.member)):
                seen += count
                if seen >= _LOOKED_AT:
                    break
        except (DamagedArchive, _Refused, expat.ExpatError, UnicodeDecodeError, LookupError, ValueError) as error:
            cause = str(error) if isinstance(error, DamagedArchive | _Refused) else "it is not XML to its end"
            raise DeliveryDamaged(
                cause, remedy="ask the department to deliver it again", dataset=contract.dataset
            ) from None
        return tuple(SourceColumn(name) for name in (*names.around, *names.within))


class _Refused(Exception):
    """What no document of a department needs and an attack does."""


class _Names:
    """Collects the paths of columns: of elements within records, and of those beside the way to them."""

    def __init__(self, steps: tuple[str, ...]) -> None:
        self._steps = steps
        self.within: dict[str, None] = {}
        self.around: dict[str, None] = {}

    def take(self, at: tuple[str, ...], attributes: list[str], is_leaf: bool) -> None:
        """Look at an element that has ended."""
        depth = len(self._steps)
        if at[:depth] == self._steps:
            path = "/".join(at[depth:])
            if is_leaf and (path or not attributes):
                self.within.setdefault(path or ".")
            for name in attributes:
                self.within.setdefault(f"{path}/@{name}" if path else f"@{name}")
        elif is_leaf and len(at) > 1 and at[:-1] == self._steps[: len(at) - 1]:
            self.around.setdefault("../" * (depth - len(at) + 1) + at[-1])


class _Walk:
    """Walks through a document and counts the elements at places; refuses entities, whatever they stand for."""

    def __init__(self, is_counted: Callable[[tuple[str, ...]], bool]) -> None:
        self._is_counted = is_counted
        self._count = 0
        self._at: tuple[str, ...] = ()
        self._open: list[tuple[list[str], bool]] = []
        self.told: Callable[[tuple[str, ...], list[str], bool], None] | None = None
        """Gets (path, names of attributes, whether it has no elements) of each element that ends."""

    def read(self, plain: Iterator[bytes]) -> Iterator[int]:
        """Read on; gives the number of places met in each block."""
        parser: expat.XMLParserType | None = None
        decoder: codecs.IncrementalDecoder | None = None
        for block in plain:
            if parser is None:
                encoding = declared_encoding(block)
                decoder = codecs.getincrementaldecoder(encoding)() if encoding else None
                parser = self._parser("utf-8" if decoder else None)
            parser.Parse(decoder.decode(block).encode() if decoder else block, False)
            count, self._count = self._count, 0
            yield count
        if parser is None:
            raise _Refused("the file is empty")
        parser.Parse(decoder.decode(b"", final=True).encode() if decoder else b"", True)
        yield self._count

    def _parser(self, encoding: str | None) -> expat.XMLParserType:
        parser = expat.ParserCreate(encoding)
        parser.buffer_text = True
        parser.EntityDeclHandler = _refuse_entity
        parser.ExternalEntityRefHandler = _refuse_entity
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        return parser

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._at = (*self._at, name.rpartition(":")[2])
        if len(self._at) > DEEPEST:
            raise _Refused(f"the file is nested more than {DEEPEST} deep")
        if self.told:
            if self._open:
                self._open[-1] = (self._open[-1][0], False)
            named = [key.rpartition(":")[2] for key in attributes if not key.startswith(("xmlns", "xsi:"))]
            self._open.append((named, True))

    def _end(self, name: str) -> None:
        self._count += self._is_counted(self._at)
        if self.told:
            self.told(self._at, *self._open.pop())
        self._at = self._at[:-1]


def declared_encoding(head: bytes) -> str | None:
    """Python's name of a document's encoding where parsers in C do not know it; None where they do.

    GB2312 and GBK are read as GB18030, which has all of their characters: what says GB2312 seldom keeps to it.
    """
    found = _DECLARED.match(head[:400])
    name = found[1].decode().lower() if found else "utf-8"
    if name in ("gb2312", "gbk", "gb18030", "cp936", "x-gbk"):
        return "gb18030"
    return None if name in ("utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "utf-16") else name


def _refuse_entity(*_: object) -> int:
    raise _Refused("the file declares an entity; no data need one, attacks do")
