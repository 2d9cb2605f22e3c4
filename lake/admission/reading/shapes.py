"""Shapefiles: a record is a shape with its row of attributes. Attributes are cut from the table as it is stored."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import duckdb

from lake.admission.reading.cells import Cells, table_of
from lake.admission.reading.packed import parts
from lake.admission.reading.relation import check_columns, damaged
from lake.connectors.archives import is_wanted
from lake.connectors.shapefile_files import ShapefileArguments
from lake.errors import SchemaDrift

if TYPE_CHECKING:
    from lake.landing import Landed

_PARTS = (".shp", ".dbf", ".prj", ".cpg")
_BATCH = 5000
_CHUNK = 1 << 20
_ONE_BYTE_EACH = "latin-1"
_CHINESE_DRIVERS = (0x4D, 0x7A)
"""What a table says of its encoding by one byte: code page 936."""
_BINARY = {"I": "<i", "B": "<d", "O": "<d"}


def read_shapefiles(connection: duckdb.DuckDBPyConnection, landed: Landed, scratch: Path) -> None:
    """Make ``raw`` of shapefiles."""
    arguments = ShapefileArguments.model_validate(landed.contract.source.arguments)
    cells = Cells(connection, landed.contract)
    addresses: list[tuple[str, date | None]] = []
    for layer in _layers(landed, arguments, scratch):
        number = len(addresses)
        addresses.append((layer.address, layer.day))
        _read_layer(landed, layer, number, arguments, cells)
        for path in layer.paths.values():
            path.unlink()
    cells.finish(addresses)


class _Layer(NamedTuple):
    address: str
    day: date | None
    paths: dict[str, Path]


def _layers(landed: Landed, arguments: ShapefileArguments, scratch: Path) -> Iterator[_Layer]:
    """The shapefiles of a delivery, their parts unpacked under names of our own."""
    met: dict[str, _Layer] = {}
    for part in parts(landed, None):
        at = PurePosixPath(part.address)
        kind = at.suffix.lower()
        if kind not in _PARTS:
            continue
        layer = met.setdefault(str(at.with_suffix("")).lower(), _Layer(part.address, part.day, {}))
        if kind == ".shp":
            met[str(at.with_suffix("")).lower()] = layer._replace(address=part.address)
        target = scratch / f"layer-{len(met)}{kind}"
        layer.paths[kind] = target
        with target.open("wb") as file:
            while block := part.stream.read(_CHUNK):
                file.write(block)
    for layer in met.values():
        member = layer.address.partition("!")[2]
        if ".shp" not in layer.paths or (member and not is_wanted(member, arguments.member)):
            continue
        if ".dbf" not in layer.paths:
            raise damaged(landed, layer.address, "the shapefile has no table of attributes (.dbf)")
        yield layer


class _Field(NamedTuple):
    name: str
    kind: str
    start: int
    end: int


def _read_layer(landed: Landed, layer: _Layer, file_no: int, arguments: ShapefileArguments, cells: Cells) -> None:
    crs = _text(layer.paths.get(".prj")).strip()
    stated = re.match(r'\s*\w+\s*\[\s*"([^"]*)"', crs)
    if arguments.crs is not None and (stated is None or stated[1] != arguments.crs):
        raise SchemaDrift(
            f"{layer.address}: its coordinates are in {stated[1] if stated else 'no system it states'}, "
            f"the contract says {arguments.crs}",
            remedy="ask the department; transform the coordinates or write a new version of the contract",
            dataset=landed.contract.dataset,
            day=landed.window.first,
        )
    names = [column.source_name for column in landed.contract.columns]
    with layer.paths[".dbf"].open("rb") as table, layer.paths[".shp"].open("rb") as shapes:
        count, length, encoding, fields = _structure(landed, layer, table)
        own = {"geometry"} | ({"crs"} if "crs" in names and not any(f.name == "crs" for f in fields) else set())
        check_columns(landed, layer.address, [*(field.name for field in fields), *own], ordered=False)
        geometries = _geometries(landed, layer, shapes)
        for first in range(0, count, _BATCH):
            many = min(_BATCH, count - first)
            block = table.read(many * length)
            if len(block) < many * length:
                raise damaged(landed, layer.address, "the table of attributes ends early")
            text = block.decode(_ONE_BYTE_EACH)
            rows = [text[at : at + length] for at in range(0, len(text), length)]
            columns: dict[str, Sequence[str | None]] = {}
            problems: list[str | None] = [{" ": None, "*": "marked_deleted"}.get(row[0], "bad_bytes") for row in rows]
            for field in fields:
                columns[field.name] = _cells(rows, field, encoding, problems)
            columns["geometry"] = [next(geometries, _TOO_FEW) for _ in rows]
            if _TOO_FEW in columns["geometry"]:
                raise damaged(landed, layer.address, f"there are fewer shapes than the {count} rows of attributes")
            if "crs" in own:
                columns["crs"] = [crs] * many
            texts = [row if problem else None for row, problem in zip(rows, problems, strict=True)]
            numbers = range(first + 1, first + many + 1)
            cells.add(table_of(file_no, numbers, [columns[name] for name in names], problems, texts))
        if next(geometries, _TOO_FEW) is not _TOO_FEW:
            raise damaged(landed, layer.address, f"there are more shapes than the {count} rows of attributes")


_TOO_FEW = "\0"


def _structure(landed: Landed, layer: _Layer, table: IO[bytes]) -> tuple[int, int, str, list[_Field]]:
    """Number of rows, length of a row, encoding and fields; the table is left at its first row."""
    head = table.read(32)
    if len(head) < 32:
        raise damaged(landed, layer.address, "the table of attributes is no .dbf")
    count, header, length = struct.unpack("<IHH", head[4:12])
    encoding = _encoding(landed, layer, head[29])
    described = table.read(max(header - 32, 0))
    fields: list[_Field] = []
    at = 1
    for start in range(0, len(described) - 32, 32):
        entry = described[start : start + 32]
        if entry[:1] == b"\r":
            break
        kind = chr(entry[11])
        width = entry[16] + (256 * entry[17] if kind == "C" else 0)
        if kind not in "CNFDL" and struct.calcsize(_BINARY.get(kind, "")) != width:
            raise damaged(
                landed, layer.address, f"attribute {len(fields) + 1} is of type {kind!r}, which we cannot read"
            )
        raw_name = entry[:11].partition(b"\0")[0]
        name = raw_name.decode(encoding, "replace")
        fields.append(_Field(name, kind, at, at + width))
        at += width
    if not fields or at != length:
        raise damaged(landed, layer.address, "the table of attributes is damaged: its fields do not make up its rows")
    return count, length, encoding, fields


def _encoding(landed: Landed, layer: _Layer, driver: int) -> str:
    if landed.contract.encoding != "utf-8":
        return landed.contract.encoding
    stated = _text(layer.paths.get(".cpg")).strip().lower().replace("ansi ", "").replace("cp", "")
    if stated in ("936", "gbk", "gb2312", "gb18030") or (not stated and driver in _CHINESE_DRIVERS):
        return "gb18030"
    return {"utf-8": "utf-8", "utf8": "utf-8", "65001": "utf-8"}.get(stated, "latin-1" if stated else "utf-8")


def _cells(rows: list[str], field: _Field, encoding: str, problems: list[str | None]) -> Sequence[str | None]:
    """Cells of one attribute; where one cannot be read, its record's problem is noted."""
    if field.kind in _BINARY:
        unpack = struct.Struct(_BINARY[field.kind]).unpack
        return [str(unpack(row[field.start : field.end].encode(_ONE_BYTE_EACH))[0]) for row in rows]
    cells = [row[field.start : field.end].strip(" \0") for row in rows]
    if field.kind in "NFD":  # what writers put where there is no value
        cells = ["" if not cell.strip("*") or (field.kind == "D" and not cell.strip("0")) else cell for cell in cells]
    if field.kind == "D":
        return [f"{cell[:4]}-{cell[4:6]}-{cell[6:]}" if re.fullmatch(r"\d{8}", cell) else cell for cell in cells]
    if field.kind == "L":
        meaning = {**dict.fromkeys("TtYy", "true"), **dict.fromkeys("FfNn", "false"), "?": ""}
        return [meaning.get(cell, cell) for cell in cells]
    decoded = []
    for place, cell in enumerate(cells):
        text = cell
        if not cell.isascii():
            try:
                text = cell.encode(_ONE_BYTE_EACH).decode(encoding)
            except UnicodeDecodeError:
                problems[place] = problems[place] or "bad_bytes"
        decoded.append(text)
    return decoded


def _geometries(landed: Landed, layer: _Layer, shapes: IO[bytes]) -> Iterator[str | None]:
    """Geometries as GeoJSON text, in order; None for a shape that is none."""
    import shapefile

    try:
        with shapefile.Reader(shp=shapes) as reader:
            for shape in reader.iterShapes():
                yield None if shape.shapeType == shapefile.NULL else _geojson(shape)
    except (shapefile.ShapefileException, struct.error, ValueError, IndexError, TypeError, EOFError) as error:
        raise damaged(landed, layer.address, f"the shapes cannot be read ({type(error).__name__})") from None


def _geojson(shape: Any) -> str:
    return json.dumps(shape.__geo_interface__, separators=(",", ":"), allow_nan=False)


def _text(path: Path | None) -> str:
    return path.read_text(encoding="utf-8", errors="replace")[:65536] if path else ""
