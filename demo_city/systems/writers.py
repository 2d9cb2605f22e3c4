"""File formats of the departments: each factory gives a function from a day's rows to the bytes of the day's file.

The same rows are the same bytes, whenever and wherever they are written: archives carry no time of writing. Columns
are written in the order of the table, under its names. DuckDB makes the text; there is no loop over rows where the
format allows it.

    from demo_city.systems import writers
    Files("crash_{day:%Y%m%d}.csv.gz", writers.csv(encoding="gb18030", gz=True), way="folder")

Texts and times as cells: dates ``2026-06-30``, timestamps ``2026-06-30 08:05:00``, whole doubles without ``.0``, flags
``true`` and ``false``, a missing value as nothing. A department that writes otherwise delivers a text column.
"""

from __future__ import annotations

import gzip
import io
import itertools
import json
import os
import re
import threading
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.engine import quote_identifier, quote_literal

Writer = Callable[[pa.Table, date], bytes]

FIXED_TIME = (1980, 1, 1, 0, 0, 0)
"""Time of every member of an archive: the earliest a zip can say."""
_EXCEL_EPOCH = date(1899, 12, 30)
CGCS2000 = (
    'GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,'
    '298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'
)
"""Text of a ``.prj`` for longitude and latitude in CGCS2000."""
CGCS2000_ZONE_41 = (
    'PROJCS["CGCS2000_3_Degree_GK_Zone_41",' + CGCS2000 + ',PROJECTION["Gauss_Kruger"],'
    'PARAMETER["False_Easting",41500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",123.0],'
    'PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
)
"""Text of a ``.prj`` for metres in the city's zone, easting with the zone's number before it."""


def csv(
    *,
    encoding: str = "utf-8",
    delimiter: str = ",",
    gz: bool = False,
    header: bool = True,
    quoting: str = "needed",
    line_end: str = "\n",
    null: str = "",
    date_format: str = "%Y-%m-%d",
    timestamp_format: str = "%Y-%m-%d %H:%M:%S",
    mixed: str | None = None,
) -> Writer:
    r"""Delimited text.

    Args:
        encoding: ``utf-8``, ``utf-8-sig`` (with a byte order mark) or ``gb18030``.
        delimiter: between cells: ``,``, ``|``, a tab …
        gz: packed by gzip.
        header: the first line names the columns.
        quoting: ``needed`` (cells with delimiter, quote or line end), ``all`` (every cell that has a value) or
            ``none`` (as is: what the department's own export does wrongly).
        line_end: ``\n`` or ``\r\n``.
        null: text of a missing value.
        date_format: strftime pattern of date columns.
        timestamp_format: strftime pattern of timestamp columns.
        mixed: name of a flag column that is not written; rows where it is true are encoded as GB18030 in the midst of
            a file that says it is UTF-8, as happens where two clerks' exports are put together.
    """
    if quoting not in ("needed", "all", "none"):
        raise ValueError(f"quoting is needed, all or none, not {quoting!r}")
    return _Csv(encoding, gz, mixed, delimiter, header, quoting, line_end, null, date_format, timestamp_format)


def json_lines(*, encoding: str = "utf-8", gz: bool = False, sparse: bool = False, mixed: str | None = None) -> Writer:
    """A JSON object a line; with `sparse` keys without a value are left out. `mixed` as in `csv`."""
    return _JsonLines(encoding, gz, mixed, sparse)


def json_records(table: pa.Table, *, sparse: bool = False) -> pa.Array:
    """The rows as JSON objects: an array of texts."""
    names = [name for name in table.column_names if not name.startswith("_")]
    fields = ", ".join(f"{quote_identifier(name)} := {_json_cell(table, name)}" for name in names)
    if not names:
        return pa.array(["{}"] * table.num_rows, pa.large_string())
    made = f"to_json(struct_pack({fields}))::VARCHAR"
    if sparse:
        made = f"json_merge_patch('{{}}', {made})::VARCHAR"
    return _one_column(table, made)


def parquet(*, compression: str = "zstd") -> Writer:
    """Parquet with the table's own types."""

    def write(table: pa.Table, day: date) -> bytes:
        sink = pa.BufferOutputStream()
        shown = _shown(table).replace_schema_metadata(None)
        pq.write_table(shown, sink, compression=compression)
        return sink.getvalue().to_pybytes()

    return write


def excel(
    *,
    title: str | None = None,
    header_rows: Sequence[Sequence[str | None]] | None = None,
    merged: Sequence[str] = (),
    footer: Sequence[str] = (),
    sheet: str = "Sheet1",
    serial_dates: Sequence[str] = (),
) -> Writer:
    """An Excel workbook as an office clerk makes it.

    Args:
        title: text of a first row, merged over all columns; ``{day:%Y年%m月}`` and ``{n}`` (number of rows) stand in
            it as in `str.format`.
        header_rows: rows that name the columns, one cell for each column; equal neighbours in a row are merged across,
            None goes on from the cell above (merged down). Left out: one row with the table's column names.
        merged: columns whose runs of equal values are one merged cell; runs of a later column end where those of an
            earlier one do.
        footer: rows below the table, a text each (``合计：{n} 件``, ``填表人：张三``), with the same placeholders.
        sheet: name of the sheet.
        serial_dates: columns of dates or timestamps that are written as a bare number, days since 1899-12-30; others
            are real dates with a number format.
    """
    return _Excel(title, header_rows, tuple(merged), tuple(footer), sheet, frozenset(serial_dates))


def cap_xml(
    *, root: str = "alerts", record: str = "alert", namespace: str = "urn:oasis:names:tc:emergency:cap:1.2"
) -> Writer:
    """XML with one element a row; Common Alerting Protocol 1.2 by default.

    A column's name is a path below the record, as the lake's contract names it: ``identifier``, ``info/event``,
    ``info/area/areaDesc``, ``@id``. Elements come in the order of the columns; columns of one parent that stand
    together share its element. A missing value leaves its element out. Meant for the few warnings of a day: it goes
    row by row.
    """

    def write(table: pa.Table, day: date) -> bytes:
        from lxml import etree

        shown = _shown(table)
        top = etree.Element(_in(namespace, root), nsmap={None: namespace} if namespace else None)
        cells = [_texts(shown, name).to_pylist() for name in shown.column_names]
        for number in range(shown.num_rows):
            element = etree.SubElement(top, _in(namespace, record))
            made: dict[str, Any] = {"": element}
            for path, texts in zip(shown.column_names, cells, strict=True):
                if texts[number] is None:
                    continue
                parent, _, leaf = path.rpartition("/")
                above = _element(made, parent, namespace)
                if leaf.startswith("@"):
                    above.set(leaf[1:], texts[number])
                else:
                    etree.SubElement(above, _in(namespace, leaf)).text = texts[number]
        return bytes(etree.tostring(top, xml_declaration=True, encoding="UTF-8", pretty_print=True))

    return write


def geojson(*, geometry: str = "geometry", name: str | None = None, gz: bool = False) -> Writer:
    """A feature collection; the column `geometry` holds GeoJSON text (a text that is no JSON breaks the file)."""

    def write(table: pa.Table, day: date) -> bytes:
        shown = _shown(table)
        properties = [column for column in shown.column_names if column != geometry]
        fields = ", ".join(f"{quote_identifier(column)} := {_json_cell(shown, column)}" for column in properties)
        made = (
            f'\'{{"type":"Feature","properties":\' || {f"to_json(struct_pack({fields}))" if fields else repr("{}")}'
            f" || ',\"geometry\":' || coalesce({quote_identifier(geometry)}, 'null') || '}}'"
        )
        features = ",\n".join(_one_column(shown, made).to_pylist())
        said = f'"name":{json.dumps(name, ensure_ascii=False)},' if name else ""
        return _packed(f'{{"type":"FeatureCollection",{said}"features":[\n{features}\n]}}\n'.encode(), gz)

    return write


def shapefile_zip(
    *,
    geometry: str = "geometry",
    stem: str = "data",
    encoding: str = "utf-8",
    prj: str | None = CGCS2000,
    lengths: Mapping[str, int] | None = None,
) -> Writer:
    """A zipped shapefile: ``.shp``, ``.shx``, ``.dbf``, ``.cpg`` and, unless left out, ``.prj``.

    The column `geometry` holds GeoJSON text of one kind (points, lines or polygons); the other columns become
    attributes, names cut to 10 bytes as the format demands.

    Args:
        geometry: name of that column.
        stem: name of the members; ``{day:%Y%m%d}`` may stand in it.
        encoding: of names and texts, said in the ``.cpg``.
        prj: text of the coordinate system.
        lengths: bytes of text attributes, 80 unless said.
    """

    def write(table: pa.Table, day: date) -> bytes:
        return _shapefile(_shown(table), day, geometry, stem.format(day=day), encoding, prj, lengths or {})

    return write


def many(write: Writer, table: pa.Table, offsets: Sequence[int], days: Sequence[date]) -> list[bytes]:
    """Files of many days at once: the rows ``offsets[i]`` to ``offsets[i + 1]`` are those of ``days[i]``.

    Text formats make the lines of all days in one go: a year of small files in a second.
    """
    if isinstance(write, _Lines):
        return write.many(table, offsets)
    return [
        write(table.slice(offsets[number], offsets[number + 1] - offsets[number]), day)
        for number, day in enumerate(days)
    ]


@dataclass(frozen=True)
class _Lines:
    """A text file of a line for each row."""

    encoding: str
    gz: bool
    mixed: str | None

    def __call__(self, table: pa.Table, day: date) -> bytes:
        return self.many(table, [0, table.num_rows])[0]

    def many(self, table: pa.Table, offsets: Sequence[int]) -> list[bytes]:
        names = [name for name in table.column_names if not name.startswith("_") and name != self.mixed]
        lines = self.lines(table.select(names))
        head = self.head(names)
        ends = np.frombuffer(lines.buffers()[1], np.int64)[lines.offset : lines.offset + len(lines) + 1]
        text = lines.buffers()[2]
        whole = memoryview(text) if text is not None else memoryview(b"")
        flags = None
        if self.mixed is not None and self.mixed in table.column_names:
            flags = table.column(self.mixed).to_numpy(zero_copy_only=False).astype(bool)
        made = []
        for first, last in itertools.pairwise(offsets):
            if flags is not None and flags[first:last].any():
                parts = [
                    (bytes(whole[ends[row] : ends[row + 1]]).decode(), "gb18030" if flags[row] else self.encoding)
                    for row in range(first, last)
                ]
                body = head.encode(self.encoding) + b"".join(part.encode(_plain(code)) for part, code in parts)
            else:
                body = self._encoded(head, bytes(whole[ends[first] : ends[last]]))
            made.append(_packed(body, self.gz))
        return made

    def _encoded(self, head: str, body: bytes) -> bytes:
        if self.encoding in ("utf-8", "utf-8-sig"):
            return head.encode(self.encoding) + body if head or body else head.encode(self.encoding)
        return (head + body.decode()).encode(self.encoding)

    def lines(self, table: pa.Table) -> pa.Array:
        """A text for each row, its line end included; large strings in one piece."""
        raise TypeError(type(self).__name__)

    def head(self, names: Sequence[str]) -> str:
        """What stands before the first row."""
        return ""


@dataclass(frozen=True)
class _Csv(_Lines):
    delimiter: str
    header: bool
    quoting: str
    line_end: str
    null: str
    date_format: str
    timestamp_format: str

    def lines(self, table: pa.Table) -> pa.Array:
        cells = [self._cell(table, name) for name in table.column_names]
        between = f" || {quote_literal(self.delimiter)} || "
        return _one_column(table, f"{between.join(cells)} || {quote_literal(self.line_end)}")

    def head(self, names: Sequence[str]) -> str:
        if not self.header:
            return ""
        special = (self.delimiter, '"', "\n", "\r")
        quoted = (
            '"' + name.replace('"', '""') + '"'
            if self.quoting == "all" or (self.quoting == "needed" and any(mark in name for mark in special))
            else name
            for name in names
        )
        return self.delimiter.join(quoted) + self.line_end

    def _cell(self, table: pa.Table, name: str) -> str:
        kind = table.schema.field(name).type
        text = _text_cell(kind, quote_identifier(name), self.date_format, self.timestamp_format)
        missing = quote_literal(self.null)
        if self.quoting == "all":
            return f"coalesce('\"' || replace({text}, '\"', '\"\"') || '\"', {missing})"
        if self.quoting == "needed" and (_is_text(kind) or pa.types.is_nested(kind)):
            # Most columns never need it; a look at the whole column is cheaper than at each cell in the text below.
            column = table.column(name)
            marks = f'[{re.escape(self.delimiter)}"\r\n]'
            if not _is_text(kind) or pc.any(pc.match_substring_regex(column, marks)).as_py():
                needs = f"regexp_matches({text}, {quote_literal(marks)})"
                quoted = f"'\"' || replace({text}, '\"', '\"\"') || '\"'"
                text = f"CASE WHEN {needs} THEN {quoted} ELSE {text} END"
        return f"coalesce({text}, {missing})" if table.column(name).null_count or not _is_text(kind) else f"({text})"


@dataclass(frozen=True)
class _JsonLines(_Lines):
    sparse: bool

    def lines(self, table: pa.Table) -> pa.Array:
        records = json_records(table, sparse=self.sparse)
        return pc.binary_join_element_wise(records, pa.scalar("\n", records.type), pa.scalar("", records.type))


@dataclass(frozen=True)
class _Excel:
    title: str | None
    header_rows: Sequence[Sequence[str | None]] | None
    merged: tuple[str, ...]
    footer: tuple[str, ...]
    sheet: str
    serial_dates: frozenset[str] = field(default_factory=frozenset)

    def __call__(self, table: pa.Table, day: date) -> bytes:
        from openpyxl import Workbook

        shown = _shown(table)
        book = Workbook()
        sheet = book.active
        sheet.title = self.sheet
        width, top = shown.num_columns, 1
        if self.title is not None:
            sheet.cell(1, 1, self.title.format(day=day, n=shown.num_rows))
            self._merge(sheet, 1, 1, 1, width)
            top = 2
        top += self._write_header(sheet, shown, top)
        columns = [self._values(shown, name) for name in shown.column_names]
        formats = [_number_format(shown.schema.field(name).type) for name in shown.column_names]
        runs = self._runs(shown)
        for number, (name, values) in enumerate(zip(shown.column_names, columns, strict=True), 1):
            firsts = runs.get(name)
            for row, value in enumerate(values):
                if value is None or (firsts is not None and not firsts[row]):
                    continue
                cell = sheet.cell(top + row, number, value)
                if formats[number - 1] and name not in self.serial_dates:
                    cell.number_format = formats[number - 1]
            if firsts is not None:
                starts = np.flatnonzero(firsts)
                for start, stop in zip(starts, [*starts[1:], len(firsts)][: len(starts)], strict=True):
                    self._merge(sheet, top + int(start), number, top + int(stop) - 1, number)
        for number, text in enumerate(self.footer):
            sheet.cell(top + shown.num_rows + number, 1, text.format(day=day, n=shown.num_rows))
        return _saved(book)

    def _write_header(self, sheet: Any, table: pa.Table, top: int) -> int:
        rows = [list(row) for row in self.header_rows or [table.column_names]]
        if any(len(row) > table.num_columns for row in rows):
            raise ValueError(f"a header row names more than the {table.num_columns} columns")
        rows = [row + [None] * (table.num_columns - len(row)) for row in rows]
        if len(rows) > 1:
            for column in range(table.num_columns):
                # A column that came by drift has no name of its own in the rows above: the table's name stands there.
                if all(row[column] is None for row in rows):
                    rows[0][column] = table.column_names[column]
        done: set[tuple[int, int]] = set()
        for number, row in enumerate(rows):
            for column, text in enumerate(row):
                if text is None or (number, column) in done:
                    continue
                last, below = column, number
                while last + 1 < len(row) and row[last + 1] == text:
                    last += 1
                if last == column:
                    while below + 1 < len(rows) and rows[below + 1][column] is None:
                        below += 1
                done |= {(line, place) for line in range(number, below + 1) for place in range(column, last + 1)}
                sheet.cell(top + number, column + 1, text)
                self._merge(sheet, top + number, column + 1, top + below, last + 1)
        return len(rows)

    def _values(self, table: pa.Table, name: str) -> list[Any]:
        values = table.column(name).to_pylist()
        if name in self.serial_dates:
            return [None if value is None else _serial(value) for value in values]
        return [
            value if isinstance(value, (str, int, float, date, type(None))) else _plainly(value) for value in values
        ]

    def _runs(self, table: pa.Table) -> dict[str, np.ndarray[Any, Any]]:
        """For each merged column, which rows begin a run."""
        made, begins = {}, np.zeros(table.num_rows, bool)
        begins[:1] = True
        for name in self.merged:
            if name not in table.column_names:
                continue
            values = np.asarray(table.column(name).to_pylist(), dtype=object)
            begins = begins.copy()
            begins[1:] |= values[1:] != values[:-1]
            made[name] = begins
        return made

    @staticmethod
    def _merge(sheet: Any, top: int, left: int, bottom: int, right: int) -> None:
        if (top, left) != (bottom, right):
            sheet.merge_cells(start_row=top, start_column=left, end_row=bottom, end_column=right)


def _saved(book: Any) -> bytes:
    """The workbook's bytes without the time of writing in them."""
    raw = io.BytesIO()
    book.save(raw)
    with zipfile.ZipFile(raw) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    stamp = rb"\g<1>2000-01-01T00:00:00Z\g<2>"
    pattern = rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(</dcterms)"
    return _zipped(
        (name, re.sub(pattern, stamp, content) if name == "docProps/core.xml" else content) for name, content in members
    )


def _zipped(members: Iterable[tuple[str, bytes]]) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            about = zipfile.ZipInfo(name, FIXED_TIME)
            about.compress_type = zipfile.ZIP_DEFLATED
            about.external_attr = 0o644 << 16
            archive.writestr(about, content)
    return raw.getvalue()


def _shapefile(
    table: pa.Table, day: date, geometry: str, stem: str, encoding: str, prj: str | None, lengths: Mapping[str, int]
) -> bytes:
    import shapefile

    parts = {name: io.BytesIO() for name in ("shp", "shx", "dbf")}
    names = [name for name in table.column_names if name != geometry]
    shapes = [None if text is None else json.loads(text) for text in table.column(geometry).to_pylist()]
    kinds = {shape["type"].removeprefix("Multi") for shape in shapes if shape}
    if len(kinds) > 1:
        raise ValueError(f"a shapefile holds geometries of one kind, not {sorted(kinds)}")
    kind = {"Point": shapefile.POINT, "LineString": shapefile.POLYLINE, "Polygon": shapefile.POLYGON}
    writer = shapefile.Writer(shapeType=kind[kinds.pop()] if kinds else shapefile.POINT, encoding=encoding, **parts)
    for name in names:
        writer.field(_cut(name, encoding), *_attribute(table.schema.field(name).type, lengths.get(name, 80)))
    columns = [_attribute_values(table, name, lengths.get(name, 80), encoding) for name in names]
    for number, shape in enumerate(shapes):
        writer.null() if shape is None else writer.shape(shape)
        writer.record(*(column[number] for column in columns))
    writer.close()
    table_bytes = bytearray(parts["dbf"].getvalue())
    table_bytes[1:4] = bytes((day.year - 1900, day.month, day.day))  # the format's "last update": today otherwise
    members = [
        (f"{stem}.shp", parts["shp"].getvalue()),
        (f"{stem}.shx", parts["shx"].getvalue()),
        (f"{stem}.dbf", bytes(table_bytes)),
        (f"{stem}.cpg", encoding.upper().encode()),
    ]
    return _zipped([*members, *([(f"{stem}.prj", prj.encode())] if prj else [])])


def _attribute(kind: pa.DataType, length: int) -> tuple[Any, ...]:
    if pa.types.is_integer(kind):
        return ("N", 18, 0)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return ("N", 19, 8)
    if pa.types.is_date(kind):
        return ("D",)
    return ("C", length)


def _attribute_values(table: pa.Table, name: str, length: int, encoding: str) -> list[Any]:
    kind = table.schema.field(name).type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_date(kind):
        return list(table.column(name).to_pylist())
    # Cut at whole characters: half a character is not what an export writes.
    return [
        "" if text is None else text.encode(encoding)[:length].decode(encoding, "ignore")
        for text in _texts(table, name).to_pylist()
    ]


def _cut(name: str, encoding: str) -> str:
    return name.encode(encoding)[:10].decode(encoding, "ignore")


_local = threading.local()


def _duck() -> duckdb.DuckDBPyConnection:
    """This thread's DuckDB, made once: a connection costs more than a small file."""
    if getattr(_local, "process", None) != os.getpid():
        _local.process, _local.duck = os.getpid(), duckdb.connect(config={"threads": 1})
        _local.duck.execute("SET arrow_large_buffer_size = true")
        _local.duck.execute("SET TimeZone = 'UTC'")
    return _local.duck  # type: ignore[no-any-return]


def _one_column(table: pa.Table, expression: str) -> pa.Array:
    """What an expression gives for each row, in order: large strings in one piece, beginning at offset 0."""
    duck = _duck()
    duck.register("the_rows", table)
    try:
        column = duck.execute(f"SELECT {expression} FROM the_rows").to_arrow_table().column(0)
    finally:
        duck.unregister("the_rows")
    column = column.cast(pa.large_string())
    chunks = column.chunks or [pa.array([], pa.large_string())]
    return chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks)


def _texts(table: pa.Table, name: str) -> pa.Array:
    return _one_column(table.select([name]), _text_cell(table.schema.field(name).type, quote_identifier(name)))


def _text_cell(
    kind: pa.DataType, column: str, date_format: str = "%Y-%m-%d", timestamp_format: str = "%Y-%m-%d %H:%M:%S"
) -> str:
    """SQL text of a cell as text, or NULL."""
    if _is_text(kind):
        return column
    if pa.types.is_timestamp(kind):
        return f"strftime({column}::TIMESTAMP, {quote_literal(timestamp_format)})"
    if pa.types.is_date(kind):
        return f"strftime({column}, {quote_literal(date_format)})"
    if pa.types.is_floating(kind):
        return f"regexp_replace({column}::VARCHAR, '\\.0$', '')"
    if pa.types.is_nested(kind):
        return f"to_json({column})::VARCHAR"
    return f"{column}::VARCHAR"


def _json_cell(table: pa.Table, name: str) -> str:
    """SQL text of a cell as JSON writes it: numbers and flags as they are, times as text."""
    kind, column = table.schema.field(name).type, quote_identifier(name)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _text_cell(kind, column)
    return column


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _shown(table: pa.Table) -> pa.Table:
    return table.select([name for name in table.column_names if not name.startswith("_")])


def _packed(content: bytes, gz: bool) -> bytes:
    return gzip.compress(content, compresslevel=6, mtime=0) if gz else content


def _plain(encoding: str) -> str:
    return "utf-8" if encoding == "utf-8-sig" else encoding


def _serial(value: date | datetime) -> float:
    """Days since Excel's beginning; a time of day is the fraction."""
    if isinstance(value, datetime):
        seconds = value.hour * 3600 + value.minute * 60 + value.second
        return (value.date() - _EXCEL_EPOCH).days + round(seconds / 86400, 8)
    return (value - _EXCEL_EPOCH).days


def _number_format(kind: pa.DataType) -> str | None:
    if pa.types.is_timestamp(kind):
        return "yyyy-mm-dd hh:mm:ss"
    return "yyyy-mm-dd" if pa.types.is_date(kind) else None


def _plainly(value: Any) -> Any:
    from decimal import Decimal

    return float(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def _in(namespace: str, name: str) -> str:
    return f"{{{namespace}}}{name}" if namespace else name


def _element(made: dict[str, Any], path: str, namespace: str) -> Any:
    """The element at a path below the record, made when it is not there yet."""
    from lxml import etree

    if path not in made:
        parent, _, leaf = path.rpartition("/")
        made[path] = etree.SubElement(_element(made, parent, namespace), _in(namespace, leaf))
    return made[path]
