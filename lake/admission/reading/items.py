"""JSON: pages of an API, documents, lines and GeoJSON. A record is an item; what it holds is read by DuckDB.

DuckDB's JSON keeps whole numbers of any length, but turns what has a point or an exponent into a double. Records with
numbers a double may not hold are read once more by Python, which gives the digits as they are written.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from lake.admission.reading.cells import Cells
from lake.admission.reading.lines import batches
from lake.admission.reading.packed import Plain, parts
from lake.admission.reading.relation import check_columns, damaged
from lake.connectors.json_files import JsonArguments
from lake.connectors.json_lines_files import JsonLinesArguments
from lake.connectors.paths import parse, pointer
from lake.engine import quote_literal

if TYPE_CHECKING:
    import pyarrow as pa

    from lake.landing import Landed

LONGEST_ITEM = 64 << 20
"""Letters a record may have, and a value on the way to the list: it is held in memory whole."""

_BATCH = 8 << 20
_READ = 1 << 20
_INEXACT = (
    r"[\[:,\s]-?(?:"
    + "|".join(rf"\d{{{whole},}}\.\d{{{16 - whole},}}" for whole in range(1, 16))
    + r"|\d{16,}\.\d|\d+(?:\.\d+)?[eE])"
)
"""Text that may hold a number of more than 15 digits with a point, or one with an exponent."""
_RAW, _RAW_END = "\ue000", "\ue001"
_MARKED = re.compile(f'"{_RAW}([^{_RAW_END}]*){_RAW_END}"')

Path_ = tuple[str, ...]


def read_pages(connection: duckdb.DuckDBPyConnection, landed: Landed, scratch: Path) -> None:
    """Make ``raw`` of the pages an API gave."""
    arguments = landed.contract.source.arguments
    items = _Items(connection, landed, sparse=bool(arguments.get("sparse", False)))
    path = str(arguments.get("items_path", "items"))
    # Some APIs say `null`, or leave the list out, where there is nothing.
    without = frozenset(file.name for file in landed.files if file.records == 0)
    _read_lists(landed, items, None, tuple(part for part in path.split(".") if part), without)


def read_documents(connection: duckdb.DuckDBPyConnection, landed: Landed, scratch: Path) -> None:
    """Make ``raw`` of JSON documents."""
    arguments = JsonArguments.model_validate(landed.contract.source.arguments)
    items = _Items(connection, landed, sparse=arguments.sparse)
    _read_lists(landed, items, arguments.member, tuple(part for part in arguments.row_path.split(".") if part))


def read_geojson(connection: duckdb.DuckDBPyConnection, landed: Landed, scratch: Path) -> None:
    """Make ``raw`` of feature collections; the geometry stays GeoJSON text."""
    arguments = JsonLinesArguments.model_validate(landed.contract.source.arguments)
    items = _Items(connection, landed, sparse=arguments.sparse, below=("properties",), beside="geometry")
    _read_lists(landed, items, arguments.member, ("features",))


def read_json_lines(connection: duckdb.DuckDBPyConnection, landed: Landed, scratch: Path) -> None:
    """Make ``raw`` of JSON lines."""
    arguments = JsonLinesArguments.model_validate(landed.contract.source.arguments)
    items = _Items(connection, landed, sparse=arguments.sparse)
    addresses: list[tuple[str, date | None]] = []
    for batch in batches(landed, arguments.member, lambda _, runs: runs, addresses):
        items.add(batch.rename_columns(["_file_no", "_record", "_problem", "item"]))
    items.finish(addresses)


class _Items:
    """Takes records as JSON text and makes ``raw`` of them.

    Args:
        connection, landed: of the delivery.
        sparse: keys may be left out.
        below: where the columns' names begin, from the record.
        beside: a column's name that begins at the record all the same.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        landed: Landed,
        *,
        sparse: bool,
        below: Path_ = (),
        beside: str | None = None,
    ) -> None:
        self._connection, self._landed, self._sparse = connection, landed, sparse
        self._below = below
        self._cells = Cells(connection, landed.contract)
        names = [column.source_name for column in landed.contract.columns]
        self._paths = {name: (name,) if name == beside else (*below, *parse(name)) for name in names}
        self._leaf = {path: name for name, path in self._paths.items() if name != beside}
        self._inner = sorted({path[:depth] for path in self._leaf for depth in range(len(below), len(path))})
        self._found = {beside} if beside in names else set()
        self._any = False

    def add(self, batch: pa.Table) -> None:
        """Take a batch of (_file_no, _record, _problem, item)."""
        self._connection.register("incoming_items", batch)
        self._connection.execute(
            f"CREATE TEMP TABLE judged AS SELECT _file_no, _record, item, {self._problem()} AS problem "
            "FROM incoming_items"
        )
        self._connection.unregister("incoming_items")
        self._look_at_keys()
        self._read_exactly()
        listed = ", ".join(quote_literal(pointer(path)) for path in self._paths.values())
        cells = ", ".join(f"cells[{number}]" for number in range(1, len(self._paths) + 1))
        self._cells.add(
            f"SELECT _file_no, _record, problem, CASE WHEN problem IS NOT NULL THEN item END, {cells} FROM ("
            f"SELECT judged.*, coalesce(exact.cells, CASE WHEN problem IS NULL THEN json_extract_string(item, "
            f"[{listed}]) END) AS cells FROM judged LEFT JOIN exact USING (_file_no, _record))"
        )
        self._connection.execute("DROP TABLE judged; DROP TABLE exact")

    def finish(self, addresses: list[tuple[str, date | None]]) -> None:
        """Refuse keys that are not the contract's, and make ``raw``.

        Raises:
            SchemaDrift: with the keys that are missing or unknown.
        """
        if self._any:
            found = self._found | (set(self._paths) if self._sparse else set())
            check_columns(self._landed, None, sorted(found), ordered=False)
        self._cells.finish(addresses)

    def _problem(self) -> str:
        """What is wrong with a record: SQL of a reason, or NULL."""
        repeated = " OR ".join(
            f"len(json_keys(item, {at})) <> len(list_distinct(json_keys(item, {at})))"
            for at in (quote_literal(pointer(path)) for path in self._inner)
        )
        others = " OR ".join(
            f"json_type(item, {quote_literal(pointer(path))}) NOT IN ({self._kinds(path)})" for path in self._inner
        )
        return (
            r"CASE WHEN _problem IS NOT NULL THEN _problem WHEN regexp_full_match(item, '\s*') THEN 'blank_line' "
            "WHEN NOT json_valid(item) THEN 'not_json' WHEN json_type(item) <> 'OBJECT' THEN 'not_an_object' "
            f"WHEN coalesce({repeated}, false) THEN 'key_repeated' "
            f"WHEN coalesce({others}, false) THEN 'not_an_object' END"
        )

    def _kinds(self, path: Path_) -> str:
        """JSON types that can hold the columns below a path."""
        next_parts = {leaf[len(path)] for leaf in self._leaf if leaf[: len(path)] == path}
        return "'OBJECT', 'NULL'" + (", 'ARRAY'" if all(part.isdigit() for part in next_parts) else "")

    def _look_at_keys(self) -> None:
        """Note which names are there, those the contract does not know included."""
        for path in self._inner:
            at = quote_literal(pointer(path))
            keys = self._connection.execute(
                f"SELECT DISTINCT unnest(json_keys(item, {at})) FROM judged WHERE problem IS NULL "
                f"AND json_type(item, {at}) = 'OBJECT'"
            ).fetchall()
            longest = self._connection.execute(
                f"SELECT max(json_array_length(item, {at})) FROM judged WHERE problem IS NULL "
                f"AND json_type(item, {at}) = 'ARRAY'"
            ).fetchone()
            positions = range((longest[0] if longest else None) or 0)
            self._any = self._any or bool(keys)
            for part in [*(row[0] for row in keys), *map(str, positions)]:
                child = (*path, part)
                if child in self._leaf:
                    self._found.add(self._leaf[child])
                elif child not in self._inner:
                    self._found.add(pointer(child[len(self._below) :])[1:].replace("/", "."))
            if positions:  # a shorter list is no other list
                below = [name for leaf, name in self._leaf.items() if leaf[: len(path)] == path]
                self._found.update(below)

    def _read_exactly(self) -> None:
        """Make the table ``exact`` of the cells of records that hold numbers a double may change."""
        self._connection.execute("CREATE TEMP TABLE exact (_file_no INTEGER, _record BIGINT, cells VARCHAR[])")
        rows = self._connection.execute(
            "SELECT _file_no, _record, item FROM judged WHERE problem IS NULL AND regexp_matches(item, ?)", [_INEXACT]
        )
        found: list[tuple[int, int, list[str | None]]] = []
        while some := rows.fetchmany(5000):
            for file_no, record, item in some:
                if (cells := self._exact_cells(item)) is not None:
                    found.append((file_no, record, cells))
        if found:
            import pyarrow as pa

            table = pa.table(
                {
                    "_file_no": pa.array([row[0] for row in found], pa.int32()),
                    "_record": pa.array([row[1] for row in found], pa.int64()),
                    "cells": pa.array([row[2] for row in found], pa.list_(pa.string())),
                }
            )
            self._connection.register("exactly", table)
            self._connection.execute("INSERT INTO exact FROM exactly")
            self._connection.unregister("exactly")

    def _exact_cells(self, item: str) -> list[str | None] | None:
        """Cells with every number as it is written; None where doubles hold them all."""
        changed = False

        def keep(written: str) -> str:
            nonlocal changed
            changed = changed or repr(float(written)) != written
            return f"{_RAW}{written}{_RAW_END}"

        try:
            record = json.loads(item, parse_float=keep, parse_int=lambda written: f"{_RAW}{written}{_RAW_END}")
        except (ValueError, RecursionError):  # DuckDB takes a comma too much, Python does not
            return None
        return [_cell(record, path) for path in self._paths.values()] if changed else None


def _cell(value: Any, path: Path_) -> str | None:
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float | str):  # NaN and Infinity are no JSON, but are met
        text = str(value)
        return text[1:-1] if text.startswith(_RAW) and text.endswith(_RAW_END) else text
    return _MARKED.sub(r"\1", json.dumps(value, ensure_ascii=False, separators=(",", ":")))


# ---- documents, in a stream ------------------------------------------------------------------------------------------


def _read_lists(
    landed: Landed, items: _Items, member: str | None, row_path: Path_, without: frozenset[str] = frozenset()
) -> None:
    """Take the list of each document; those in `without` may have none, as the count of records bears out."""
    addresses: list[tuple[str, date | None]] = []
    for part in parts(landed, member):
        number = len(addresses)
        addresses.append((part.address, part.day))
        first, size = 1, 0
        batch: list[str] = []
        for text in _Document(landed, part.address, part.stream).items(row_path, needed=part.address not in without):
            size += len(text)
            batch.append(text)
            if size >= _BATCH:
                items.add(_table_of(number, first, batch))
                first, batch, size = first + len(batch), [], 0
        if batch:
            items.add(_table_of(number, first, batch))
    items.finish(addresses)


def _table_of(file_no: int, first: int, texts: list[str]) -> pa.Table:
    import pyarrow as pa

    return pa.table(
        {
            "_file_no": pa.repeat(pa.scalar(file_no, pa.int32()), len(texts)),
            "_record": pa.array(range(first, first + len(texts)), pa.int64()),
            "_problem": pa.repeat(pa.scalar(None, pa.string()), len(texts)),
            "item": pa.array(texts, pa.string()),
        }
    )


class _Document:
    """Walks through one JSON document and gives the items of a list as they are written; all else is only looked at."""

    def __init__(self, landed: Landed, address: str, stream: Plain) -> None:
        self._landed, self._address, self._stream = landed, address, stream
        self._decoder = codecs.getincrementaldecoder(landed.contract.encoding)()
        # Numbers are kept as text: Python refuses to convert those with more than 4300 digits.
        decoder: Any = json.JSONDecoder(parse_int=str, parse_float=str)
        self._scan: Callable[[str, int], tuple[Any, int]] = decoder.scan_once
        self._text, self._at, self._ended = "", 0, False
        self._met = False

    def items(self, path: Path_, *, needed: bool) -> Iterator[str]:
        """The items' texts.

        Raises:
            DeliveryDamaged: it is not JSON to its end, or has no such list.
        """
        self._read_on()
        self._text = self._text.removeprefix("\ufeff")
        yield from self._below(path)
        if self._letter():
            raise self._damaged("something stands behind the document's end")
        if needed and not self._met:
            raise self._damaged(f"there is no list of records at {'.'.join(path) or 'the top'}")

    def _below(self, path: Path_) -> Iterator[str]:
        opening = self._letter()
        if path and opening == "{":
            yield from self._object(path)
        elif not path and opening == "[":
            self._met = True
            yield from self._list()
        else:
            self._value()

    def _list(self) -> Iterator[str]:
        self._at += 1
        if self._letter() == "]":
            self._at += 1
            return
        while True:
            self._letter()
            yield self._value()
            if not self._goes_on("]"):
                return

    def _object(self, path: Path_) -> Iterator[str]:
        self._at += 1
        if self._letter() == "}":
            self._at += 1
            return
        while True:
            if self._letter() != '"':
                raise self._damaged("it is not JSON to its end")
            key = json.loads(self._value())
            if self._letter() != ":":
                raise self._damaged("it is not JSON to its end")
            self._at += 1
            self._letter()
            if key == path[0]:
                yield from self._below(path[1:])
            else:
                self._value()
            if not self._goes_on("}"):
                return

    def _goes_on(self, closing: str) -> bool:
        letter = self._letter()
        if letter not in (",", closing) or not letter:
            raise self._damaged("it is not JSON to its end")
        self._at += 1
        return letter == ","

    def _letter(self) -> str:
        """The next letter that is no white space, without passing it; empty at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in " \t\n\r":
                    return self._text[self._at]
                self._at += 1
            if not self._read_on():
                return ""

    def _value(self) -> str:
        """Text of the value that begins here; passes it."""
        while True:
            try:
                _, end = self._scan(self._text, self._at)
            except (StopIteration, ValueError):
                end = None
            except RecursionError:
                raise self._damaged("it is nested too deep") from None
            if end is not None and (end < len(self._text) or self._ended):
                text = self._text[self._at : end]
                self._at = end
                return text
            if len(self._text) - self._at > LONGEST_ITEM:
                raise self._damaged("it is not JSON to its end, or holds a record that is too long")
            if not self._read_on() and end is None:
                raise self._damaged("it is not JSON to its end")

    def _read_on(self) -> bool:
        """Read as much again as is ahead, so that a long value is looked at a few times only."""
        if self._ended:
            return False
        ahead = self._text[self._at :]
        block = self._stream.read(max(_READ, len(ahead)))
        self._ended = not block
        try:
            self._text, self._at = ahead + self._decoder.decode(block, final=not block), 0
        except UnicodeDecodeError:
            raise self._damaged(f"it is not {self._landed.contract.encoding}") from None
        return True

    def _damaged(self, cause: str) -> Exception:
        return damaged(self._landed, self._address, cause)
