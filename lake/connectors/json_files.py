"""JSON documents as a department drops them, plain or packed: a list of objects, at the top or down a path."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pydantic

from lake.connectors.archives import DamagedArchive, PackedArguments, first_member, unpacked
from lake.connectors.files import FileArguments, FileSource
from lake.connectors.paths import name_of
from lake.connectors.protocol import SourceColumn
from lake.contracts.model import Contract
from lake.errors import DeliveryDamaged
from lake.settings import Settings

_LOOKED_AT = 2000
"""Records whose keys name the columns."""
_LIST, _ITEM = "list", "item"
DEEPEST = 500
"""A document that is nested deeper is an attack on those who parse it."""


class ItemArguments(PackedArguments):
    """Arguments of records that are JSON objects.

    A column's ``source_name`` is a key of the record, or keys with dots between them for a value further down
    (``address.city``, ``phones[0].number``), or a JSON pointer for keys that hold dots (``/a.b/c``). An object or a
    list a column stands for is its JSON text.

    Attributes:
        sparse: the department leaves keys out where there is no value. A contract's key that no record of a delivery
            has is then a missing value and no drift; keys the contract does not know are drift all the same.
    """

    sparse: bool = False


class JsonArguments(ItemArguments):
    """Arguments of JSON documents.

    Attributes:
        row_path: keys down to the list of records, with dots between them; empty = the document is the list.
    """

    row_path: str = pydantic.Field(default="", pattern=r"^([^.\[\]]+(\.[^.\[\]]+)*)?$")


class Source(FileSource):
    """JSON documents. A record is an item of the list."""

    Arguments: ClassVar[type[FileArguments]] = JsonArguments
    arguments: JsonArguments

    def __init__(self, contract: Contract, settings: Settings) -> None:
        super().__init__(contract, settings)
        self._encoding = contract.encoding

    @classmethod
    def check_text(cls, contract: Contract) -> list[str]:
        """Delimiter and quote are JSON's own."""
        return [problem for problem in super().check_text(contract) if not problem.startswith("encoding")]

    def count_records(self, path: Path) -> tuple[int, str | None]:
        """Items by ijson's streaming parser (yajl)."""
        return count_items(path, self.arguments.member, self.arguments.row_path, self._encoding)

    def columns(self, path: Path, contract: Contract) -> tuple[SourceColumn, ...]:
        """Keys of the first 2000 records of the first document, in the order they are met."""
        return columns_of(
            first_items(path, self.arguments.member, self.arguments.row_path, contract.encoding, contract.dataset)
        )


def count_items(path: Path, member: str | None, row_path: str, encoding: str) -> tuple[int, str | None]:
    """Items of the list in each document of a file, and what keeps it from being read to its end."""
    import ijson

    keys = tuple(part for part in row_path.split(".") if part)
    count = 0
    try:
        for plain in unpacked(path, member):
            has_list = False
            for depth, sign, _, _ in _events(_AsUtf8(plain, encoding), keys):
                count += sign == _ITEM
                has_list = has_list or sign == _LIST
                if depth > DEEPEST:
                    return count, f"the file is nested more than {DEEPEST} deep"
            if not has_list:
                return count, f"the file has no list of records at {row_path or 'the top'}"
    except DamagedArchive as damage:
        return count, str(damage)
    except (ijson.JSONError, ValueError) as error:
        return count, f"the file is not {encoding} JSON to its end ({type(error).__name__})"
    return count, None


def first_items(path: Path, member: str | None, row_path: str, encoding: str, dataset: str) -> list[Any]:
    """The first records of the first document.

    Raises:
        DeliveryDamaged: it is not JSON.
    """
    import ijson

    keys = tuple(part for part in row_path.split(".") if part)
    items: list[Any] = []
    builder: Any = None
    try:
        for depth, sign, event, value in _events(_AsUtf8(first_member(path, member), encoding), keys):
            if depth > DEEPEST:
                raise ValueError("nested too deep")
            if sign == _ITEM:
                builder, begun_at = ijson.ObjectBuilder(), depth
            if builder is not None:
                builder.event(event, value)
                if depth == begun_at and not event.startswith("start_") and event != "map_key":
                    items.append(builder.value)
                    builder = None
                    if len(items) == _LOOKED_AT:
                        break
    except (DamagedArchive, ijson.JSONError, ValueError) as error:
        cause = str(error) if isinstance(error, DamagedArchive) else f"it is not {encoding} JSON"
        raise DeliveryDamaged(cause, remedy="ask the department to deliver it again", dataset=dataset) from None
    return items


def _events(stream: _AsUtf8, keys: tuple[str, ...]) -> Iterator[tuple[int, str, str, Any]]:
    """Each event of a document as (its depth, `_LIST` or `_ITEM` where one begins, ijson's word for it, value).

    The depth is that of the value itself, 0 for the document. ijson's own ways to a path build a text for each level
    of nesting, which a hostile document turns into all the memory there is.
    """
    import ijson

    depth = on_path = 0  # containers open, and how many of them lead to the list
    list_at = -1
    is_next = True  # whether the next value is the next step of the path
    for event, value in ijson.basic_parse(stream):
        if event == "map_key":
            is_next = depth == on_path and list_at < 0 and value == keys[on_path - 1]
            yield depth, "", event, value
            continue
        if event in ("end_map", "end_array"):
            depth -= 1
            on_path = min(on_path, depth)
            if depth == list_at:
                list_at = -1
            yield depth, "", event, value
            continue
        begins_list = event == "start_array" and is_next and depth == on_path == len(keys)
        yield depth, _LIST if begins_list else _ITEM if depth == list_at + 1 > 0 else "", event, value
        if event == "start_map":
            on_path += is_next and depth == on_path < len(keys)
            depth += 1
        elif event == "start_array":
            list_at = depth if begins_list else list_at
            depth += 1
        is_next = False


def columns_of(items: Iterable[Any]) -> tuple[SourceColumn, ...]:
    """Columns of records: values of nested objects by their path, lists as they are."""
    kinds: dict[tuple[str, ...], str] = {}
    for item in items:
        if isinstance(item, dict):
            for parts, value in _leaves(item, ()):
                kinds[parts] = kinds.get(parts) or _kind(value)
    nested = {parts[:depth] for parts in kinds for depth in range(1, len(parts))}
    return tuple(SourceColumn(name_of(parts), kind) for parts, kind in kinds.items() if parts not in nested)


def _leaves(value: dict[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, inner in value.items():
        if isinstance(inner, dict) and inner:
            yield from _leaves(inner, (*above, key))
        else:
            yield (*above, key), inner


def _kind(value: Any) -> str:
    if value is None:
        return ""
    kinds = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return kinds.get(type(value), "")


class _AsUtf8:
    """The stream a JSON parser takes: UTF-8, without a byte order mark."""

    def __init__(self, plain: Iterator[bytes], encoding: str) -> None:
        self._plain = plain
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._first = True
        self._ahead = b""

    def read(self, size: int = -1) -> bytes:
        """Some bytes, none at the end."""
        while not self._ahead and size:
            block = next(self._plain, None)
            text = self._decoder.decode(block or b"", final=block is None)
            if self._first and text:
                text, self._first = text.removeprefix("\ufeff"), False
            self._ahead = text.encode("utf-8", "surrogatepass")
            if block is None:
                break
        size = len(self._ahead) if size < 0 else size
        found, self._ahead = self._ahead[:size], self._ahead[size:]
        return found
