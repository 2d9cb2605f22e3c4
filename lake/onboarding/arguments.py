"""What a format's connector has to be told, read off a file: the list in a document, the sheet, the row of names."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lake.connectors.archives import DamagedArchive, first_member, is_wanted

_MOST_BYTES = 64 << 20
"""A document larger than this is not searched: its row path has to be said."""
_ROWS = 60

Found = tuple[dict[str, Any], list[str]]
"""Arguments, and what a person should know, a sentence each."""


def find_arguments(connector: str, path: Path, known: Mapping[str, Any]) -> Found:
    """Arguments the connector needs for files like this one, besides those that are known."""
    arguments, notes = _member(path) if "member" not in known else ({}, [])
    if (look := _LOOKS.get(connector)) is not None:
        more, told = look(path, {**known, **arguments})
        arguments |= {name: value for name, value in more.items() if name not in known}
        notes += told
    return arguments, notes


def _member(path: Path) -> Found:
    """The files of a zip that are meant, where some of another kind lie beside them: those that are most in bytes."""
    if path.suffix.lower() != ".zip" or not zipfile.is_zipfile(path):
        return {}, []
    sizes: Counter[str] = Counter()
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if is_wanted(entry.filename, None):
                sizes[Path(entry.filename).suffix] += entry.file_size
    if len(sizes) < 2:
        return {}, []
    kind = sizes.most_common(1)[0][0]
    return {"member": f"*{kind}"}, [f"the archive holds other files than *{kind}; they are not read"]


def _json(path: Path, known: Mapping[str, Any]) -> Found:
    """The largest list of objects at the top or one or two keys down."""
    document = _document(path, known.get("member"))
    if document is None or isinstance(document, list):
        return {}, []
    lists = sorted(_lists(document, ()), key=lambda found: -found[1])
    if not lists:
        return {}, ["no list of objects was found in the document"]
    path_ = str(known.get("row_path") or lists[0][0])
    others = [f"the document has another list of objects: {name} ({n})" for name, n in lists if name != path_]
    return {"row_path": path_}, others[:5]


def _lists(node: Any, above: tuple[str, ...]) -> list[tuple[str, int]]:
    if not isinstance(node, dict) or len(above) > 2:
        return []
    found = []
    for key, value in node.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            found.append((".".join((*above, key)), len(value)))
        found += _lists(value, (*above, key))
    return found


def _document(path: Path, member: str | None) -> Any:
    data = b""
    try:
        for block in first_member(path, member):
            data += block
            if len(data) > _MOST_BYTES:
                return None
        return json.loads(data.decode("utf-8-sig"))
    except (DamagedArchive, ValueError, RecursionError):
        return None  # the connector says what is wrong with it


def _workbook(path: Path, known: Mapping[str, Any]) -> Found:
    """The sheet with most rows, and the first row nearly all columns of which have a text."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with CalamineWorkbook.from_path(path) as book:
            sheets = {name: book.get_sheet_by_name(name) for name in book.sheet_names}
            sizes = {name: sheet.total_height or 0 for name, sheet in sheets.items()}
            sheet = known.get("sheet") or max(sizes, key=lambda name: sizes[name])
            rows = sheets[sheet].to_python(skip_empty_area=False, nrows=_ROWS)
    except (CalamineError, KeyError, ValueError):
        return {}, []
    widths = [sum(cell not in ("", None) for cell in row) for row in rows]
    enough = 0.8 * max(widths, default=0)
    header = next(
        (
            number
            for number, (row, width) in enumerate(zip(rows, widths, strict=True), start=1)
            if width >= enough and all(isinstance(cell, str) for cell in row if cell not in ("", None))
        ),
        1,
    )
    arguments: dict[str, Any] = {}
    if sheet != next(iter(sheets)):
        arguments["sheet"] = sheet
    if header != 1:
        arguments["header_row"] = header
    others = [f"{name} ({size} rows)" for name, size in sizes.items() if name != sheet and size]
    return arguments, [f"the workbook has other sheets: {', '.join(others)}"] if others else []


_LOOKS: dict[str, Callable[[Path, Mapping[str, Any]], Found]] = {"json_files": _json, "excel_files": _workbook}
