"""XML documents: a record is an element at a path, read by lxml in a stream without entities, network and DTDs."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from lake.admission.reading.cells import BATCH_RECORDS, Cells, table_of
from lake.admission.reading.packed import Part, parts
from lake.admission.reading.relation import check_columns, damaged
from lake.connectors.xml_files import DEEPEST, XmlArguments, declared_encoding

if TYPE_CHECKING:
    from lake.landing import Landed

_CHUNK = 1 << 18
_READ = "_read"
_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"
"""Attributes of this namespace (nil, type) are about the document and no data."""

Steps = tuple[str, ...]


def read_xml(connection: duckdb.DuckDBPyConnection, landed: Landed, scratch: Path) -> None:
    """Make ``raw`` of XML documents."""
    arguments = XmlArguments.model_validate(landed.contract.source.arguments)
    names = [column.source_name for column in landed.contract.columns]
    rows = _Rows(landed, tuple(arguments.row_path.split("/")), names)
    cells = Cells(connection, landed.contract)
    addresses: list[tuple[str, date | None]] = []
    any_record = False
    for part in parts(landed, arguments.member):
        number = len(addresses)
        addresses.append((part.address, part.day))
        first = 1
        batch: list[list[str | None]] = []
        for row in rows.of(part):
            batch.append(row)
            if len(batch) == BATCH_RECORDS:
                cells.add(table_of(number, range(first, first + len(batch)), list(zip(*batch, strict=True))))
                first, batch = first + len(batch), []
        if batch:
            cells.add(table_of(number, range(first, first + len(batch)), list(zip(*batch, strict=True))))
        any_record = any_record or first > 1 or bool(batch)
    if any_record:
        found = rows.found | set(names) if arguments.sparse else rows.found
        check_columns(landed, None, sorted(found), ordered=False)
    cells.finish(addresses)


class _Rows:
    """Records of documents as rows of cells.

    Args:
        landed: the delivery.
        steps: names from the root to the record.
        names: the columns' paths, as `XmlArguments` has them.
    """

    def __init__(self, landed: Landed, steps: Steps, names: list[str]) -> None:
        self.found: set[str] = set()
        """Paths met in records and, of those the contract names, around them."""
        self._landed, self._steps, self._names = landed, steps, names
        self._place = {name: place for place, name in enumerate(names)}
        self._around = {name: (name.count("../"), name.rpartition("../")[2]) for name in names if "../" in name}
        # An element a column stands for is one text, whatever is in it.
        self._whole = {name for name in names if not name.startswith(("@", "../"))}

    def of(self, part: Part) -> Iterator[list[str | None]]:
        """Rows of one document.

        Raises:
            DeliveryDamaged: it is not XML to its end, or holds what no data need.
        """
        from lxml import etree

        try:
            yield from self._walk(part)
        except (etree.XMLSyntaxError, UnicodeDecodeError, LookupError, ValueError) as error:
            cause = f"the file is not XML to its end ({type(error).__name__})"
            raise damaged(self._landed, part.address, cause) from None

    def _walk(self, part: Part) -> Iterator[list[str | None]]:
        from lxml import etree

        head = part.stream.read(_CHUNK)
        encoding = declared_encoding(head)
        decoder = codecs.getincrementaldecoder(encoding)() if encoding else None
        parser = etree.XMLPullParser(
            events=("start", "end"),
            encoding="utf-8" if decoder else None,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        at: list[str] = []
        steps = list(self._steps)
        count, parent_met, others = 0, len(steps) == 1, set[str]()
        block = head
        while True:
            parser.feed(decoder.decode(block, final=not block).encode() if decoder else block)
            if not block:
                parser.close()
            for event, element in parser.read_events():
                if event == "start":
                    at.append(_name(element.tag))
                    if len(at) == 1 and element.getroottree().docinfo.internalDTD is not None:
                        self._refuse_entities(part, element.getroottree().docinfo.internalDTD)
                    if len(at) > DEEPEST:
                        raise damaged(self._landed, part.address, f"it is nested more than {DEEPEST} deep")
                    continue
                if at == steps:
                    count += 1
                    yield self._row(element)
                    _let_go(element)
                elif len(at) <= len(steps) and at[:-1] == steps[: len(at) - 1]:
                    parent_met = parent_met or at == steps[:-1]
                    if len(at) == len(steps) and len(element):
                        others.add(at[-1])
                    self._end_beside(part, element, at)
                at.pop()
            if not block:
                break
            block = part.stream.read(_CHUNK)
        if not count and (others or not parent_met):
            there = f"; there is {', '.join(sorted(others))[:200]}" if others else ""
            raise damaged(self._landed, part.address, f"there is no {'/'.join(steps)}{there}")

    def _refuse_entities(self, part: Part, dtd: Any) -> None:
        if next(iter(dtd.iterentities()), None) is not None:
            raise damaged(self._landed, part.address, "the file declares an entity; no data need one, attacks do")

    def _end_beside(self, part: Part, element: Any, at: list[str]) -> None:
        """An element beside or around records has ended: keep it for those to come if they need it, else let it go."""
        levels = len(self._steps) - len(at) + 1
        if not any(up == levels and path.split("/")[0] == at[-1] for up, path in self._around.values()):
            _let_go(element)
            return
        step = self._steps[len(at) - 1]
        if any(_name(before.tag) == step for before in element.itersiblings(preceding=True)):
            raise damaged(
                self._landed, part.address, f"{'../' * levels}{at[-1]} stands behind the records it belongs to"
            )

    def _row(self, element: Any) -> list[str | None]:
        values: dict[str, list[str]] = {}
        self._collect(element, "", values)
        for name, (levels, path) in self._around.items():
            holder = element
            for _ in range(levels):
                holder = holder.getparent() if holder is not None else None
            if holder is not None and (texts := list(_texts(holder, path.split("/")))):
                values[name] = texts
        self.found.update(values)
        row: list[str | None] = [None] * len(self._names)
        for name, texts in values.items():
            if (place := self._place.get(name)) is not None:
                row[place] = texts[0] if len(texts) == 1 else json.dumps(texts, ensure_ascii=False)
        return row

    def _collect(self, element: Any, path: str, values: dict[str, list[str]]) -> None:
        """Texts of an element and of all below it, by path."""
        for name, value in element.attrib.items():
            if name.startswith(_INSTANCE):
                continue
            values.setdefault(f"{path}/@{_name(name)}" if path else f"@{_name(name)}", []).append(value)
        has_elements = len(element) > 0
        own = path or "."
        if own in self._whole and has_elements:
            values.setdefault(own, []).append(_as_text(element))
            return
        if not has_elements:
            if path or (element.text and element.text.strip()) or "." in self._whole:
                values.setdefault(own, []).append(element.text or "")
            return
        if any(text and text.strip() for text in (element.text, *(child.tail for child in element))):
            # Text beside elements: its place is lost unless the contract takes the element whole.
            values.setdefault(own, []).append(_as_text(element))
        for child in element:
            self._collect(child, f"{path}/{_name(child.tag)}" if path else _name(child.tag), values)


def _let_go(element: Any) -> None:
    """Free what was read. One empty element stays, to tell that it was there."""
    element.clear(keep_tail=False)
    element.set(_READ, "")
    while (before := element.getprevious()) is not None and before.get(_READ) is not None:
        element.getparent().remove(before)


def _texts(element: Any, path: list[str]) -> Iterator[str]:
    step, rest = path[0], path[1:]
    if step.startswith("@"):
        yield from (value for name, value in element.attrib.items() if _name(name) == step[1:])
        return
    for child in element:
        if _name(child.tag) == step:
            if rest:
                yield from _texts(child, rest)
            else:
                yield _as_text(child) if len(child) else child.text or ""


def _as_text(element: Any) -> str:
    from lxml import etree

    text: str = etree.tostring(element, encoding="unicode", with_tail=False)
    return text


def _name(tag: str) -> str:
    return tag.rpartition("}")[2]
