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
from datetime import date
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
_UNIX_SERIAL = 25569
"""1970-01-01 as Excel counts days."""
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
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

    return _Xml(root, record, namespace)


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

    Text formats and workbooks make the lines of all days in one go: a year of small files in a second.
    """
    begin = offsets[0]
    table, offsets = table.slice(begin, offsets[-1] - begin), [at - begin for at in offsets]
    if isinstance(write, _Lines):
        return write.many(table, offsets)
    if isinstance(write, (_Excel, _Xml)):
        return write.many(table, offsets, days)
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
    """The parts of a workbook, written as text: cell objects of a library take a hundred times as long."""

    title: str | None
    header_rows: Sequence[Sequence[str | None]] | None
    merged: tuple[str, ...]
    footer: tuple[str, ...]
    sheet: str
    serial_dates: frozenset[str] = field(default_factory=frozenset)

    def __call__(self, table: pa.Table, day: date) -> bytes:
        return self.many(table, [0, table.num_rows], [day])[0]

    def many(self, table: pa.Table, offsets: Sequence[int], days: Sequence[date]) -> list[bytes]:
        shown = _shown(table)
        titles_n = self.title is not None
        header, header_merges = self._header(shown, titles_n + 1)
        top = titles_n + len(header) + 1
        lines, ends, merges = self._rows(shown, np.asarray(offsets, np.int64), top)
        made = []
        for number, day in enumerate(days):
            first, last = offsets[number], offsets[number + 1]
            placed = {"day": day, "n": last - first}
            title = [_text_row(1, [self.title.format(**placed)])] if self.title is not None else []
            body = lines[ends[first] : ends[last]].decode()
            footer = [_text_row(at, [text.format(**placed)]) for at, text in enumerate(self.footer, top + last - first)]
            of_title = [(1, 1, 1, shown.num_columns)] if title else []
            cells = [one for one in of_title + header_merges + merges[number] if one[:2] != one[2:]]
            made.append(_workbook(self.sheet, "".join([*title, *header, body, *footer]), cells))
        return made

    def _rows(self, table: pa.Table, offsets: Any, top: int) -> tuple[bytes, Any, list[list[Any]]]:
        """The rows of all days as XML, where each ends, and for each day the cells that are one."""
        merges: list[list[Any]] = [[] for _ in offsets[1:]]
        number = np.arange(table.num_rows) - np.repeat(offsets[:-1], np.diff(offsets)) + top
        for name, begins in self._runs(table, offsets).items():
            column = table.column_names.index(name) + 1
            starts = np.flatnonzero(begins)
            ends = np.append(starts[1:], table.num_rows)[: len(starts)] - 1
            of_day = np.searchsorted(offsets, starts, side="right") - 1
            for day, above, below in zip(of_day, number[starts], number[ends], strict=True):
                merges[day].append((int(above), column, int(below), column))
            told = pc.if_else(pa.array(begins), table.column(name), pa.scalar(None, table.schema.field(name).type))
            table = table.set_column(column - 1, name, told)
        cells = [
            f"coalesce({_excel_cell(one.type, one.name, _letter(column), one.name in self.serial_dates)}, '')"
            for column, one in enumerate(table.schema, 1)
        ]
        numbered = table.append_column("_r", pa.array(number.astype("U9")))
        lines = _one_column(numbered, f"'<row r=\"' || _r || '\">' || {' || '.join(cells)} || '</row>'")
        ends = np.frombuffer(lines.buffers()[1], np.int64)[: len(lines) + 1]
        return bytes(lines.buffers()[2] or b""), ends, merges

    def _header(self, table: pa.Table, top: int) -> tuple[list[str], list[tuple[int, int, int, int]]]:
        """The rows that name the columns, and which of their cells are one: top, left, bottom, right."""
        rows = [list(row) for row in self.header_rows or [table.column_names]]
        if any(len(row) > table.num_columns for row in rows):
            raise ValueError(f"a header row names more than the {table.num_columns} columns")
        rows = [row + [None] * (table.num_columns - len(row)) for row in rows]
        for column in range(table.num_columns):
            # A column that came by drift has no name of its own in the rows above: the table's name stands there.
            if all(row[column] is None for row in rows):
                rows[0][column] = table.column_names[column]
        shown: list[list[str | None]] = [[None] * table.num_columns for _ in rows]
        done: set[tuple[int, int]] = set()
        merges = []
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
                shown[number][column] = text
                merges.append((top + number, column + 1, top + below, last + 1))
        return [_text_row(number, row) for number, row in enumerate(shown, top)], merges

    def _runs(self, table: pa.Table, offsets: Any) -> dict[str, np.ndarray[Any, Any]]:
        """For each merged column, which rows begin a run; a day's first row always does."""
        made, begins = {}, np.zeros(table.num_rows, bool)
        begins[offsets[:-1][offsets[:-1] < table.num_rows]] = True
        for name in self.merged:
            if name not in table.column_names:
                continue
            codes = table.column(name).combine_chunks().dictionary_encode(null_encoding="encode")
            values = codes.indices.to_numpy(zero_copy_only=False)
            begins = begins.copy()
            begins[1:] |= values[1:] != values[:-1]
            made[name] = begins
        return made


@dataclass(frozen=True)
class _Xml:
    root: str
    record: str
    namespace: str

    def __call__(self, table: pa.Table, day: date) -> bytes:
        return self.many(table, [0, table.num_rows], [day])[0]

    def many(self, table: pa.Table, offsets: Sequence[int], days: Sequence[date]) -> list[bytes]:
        from lxml import etree

        shown = _all_texts(_shown(table))
        rows = shown.to_pylist()
        made = []
        for first, last in itertools.pairwise(offsets):
            top = etree.Element(
                _in(self.namespace, self.root), nsmap={None: self.namespace} if self.namespace else None
            )
            for row in rows[first:last]:
                self._write(etree.SubElement(top, _in(self.namespace, self.record)), row)
            made.append(bytes(etree.tostring(top, xml_declaration=True, encoding="UTF-8", pretty_print=True)))
        return made

    def _write(self, element: Any, row: Mapping[str, str | None]) -> None:
        from lxml import etree

        made: dict[str, Any] = {"": element}
        for path, text in row.items():
            if text is None:
                continue
            parent, _, leaf = path.rpartition("/")
            above = _element(made, parent, self.namespace)
            if leaf.startswith("@"):
                above.set(leaf[1:], text)
            else:
                etree.SubElement(above, _in(self.namespace, leaf)).text = text


_BOOK_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
    '<Override PartName="/xl/styles.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" '
    'Target="worksheets/sheet1.xml"/>'
    '<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" '
    'Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><numFmts count="2">'
    '<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>'
    '<fonts count="1"><font><sz val="11"/><name val="宋体"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}
"""What every workbook holds besides its one sheet; cell styles 1 and 2 are a date and a time."""
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def _workbook(name: str, rows: str, merges: Sequence[tuple[int, int, int, int]]) -> bytes:
    """A workbook of one sheet. Texts stand in their cells, which spares a table of shared texts."""
    refs = "".join(
        f'<mergeCell ref="{_letter(left)}{above}:{_letter(right)}{below}"/>' for above, left, below, right in merges
    )
    merged = f'<mergeCells count="{len(merges)}">{refs}</mergeCells>' if merges else ""
    book = (
        f'<workbook xmlns="{_MAIN}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        f'<sheets><sheet name="{_escaped(name)}" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    sheet = f'<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData>{merged}</worksheet>'
    parts = {**_BOOK_PARTS, "xl/workbook.xml": book, "xl/worksheets/sheet1.xml": sheet}
    return _zipped((part, (_XML + text).encode()) for part, text in parts.items())


def _text_row(number: int, texts: Sequence[str | None]) -> str:
    cells = "".join(
        f'<c r="{_letter(column)}{number}" t="inlineStr"><is><t xml:space="preserve">{_escaped(text)}</t></is></c>'
        for column, text in enumerate(texts, 1)
        if text is not None
    )
    return f'<row r="{number}">{cells}</row>'


def _excel_cell(kind: pa.DataType, name: str, letter: str, is_serial: bool) -> str:
    """SQL text of a cell's XML; NULL for a cell without a value."""
    column = quote_identifier(name)
    begin = f"'<c r=\"{letter}' || _r || '\""
    if pa.types.is_boolean(kind):
        return f"{begin} t=\"b\"><v>' || {column}::INTEGER || '</v></c>'"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        style = "" if is_serial else f' s="{2 if pa.types.is_timestamp(kind) else 1}"'
        days = f"(epoch({column}::TIMESTAMP) / 86400.0 + {_UNIX_SERIAL})"
        number = f"regexp_replace(round({days}, 8)::VARCHAR, '\\.0$', '')"
        return f"{begin}{style}><v>' || {number} || '</v></c>'"
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return f"{begin}><v>' || {_text_cell(kind, column)} || '</v></c>'"
    text = _text_cell(kind, column)
    for mark, name_of in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = f"replace({text}, '{mark}', '{name_of}')"
    return f'{begin} t="inlineStr"><is><t xml:space="preserve">\' || {text} || \'</t></is></c>\''


def _letter(number: int) -> str:
    """A column's name: 1 is A, 27 is AA."""
    made = ""
    while number:
        number, rest = divmod(number - 1, 26)
        made = chr(65 + rest) + made
    return made


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


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
    texts = _all_texts(table.select(names)) if names else table
    columns = [_attribute_values(table, texts, name, lengths.get(name, 80), encoding) for name in names]
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


def _attribute_values(table: pa.Table, texts: pa.Table, name: str, length: int, encoding: str) -> list[Any]:
    kind = table.schema.field(name).type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_date(kind):
        return list(table.column(name).to_pylist())
    # Cut at whole characters: half a character is not what an export writes.
    return [
        "" if text is None else text.encode(encoding)[:length].decode(encoding, "ignore")
        for text in texts.column(name).to_pylist()
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


def _all_texts(table: pa.Table) -> pa.Table:
    """The table with every cell as text, or missing."""
    cells = ", ".join(
        f"{_text_cell(one.type, quote_identifier(one.name))} AS {quote_identifier(one.name)}" for one in table.schema
    )
    duck = _duck()
    duck.register("the_rows", table)
    try:
        return duck.execute(f"SELECT {cells} FROM the_rows").to_arrow_table()
    finally:
        duck.unregister("the_rows")


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


def _in(namespace: str, name: str) -> str:
    return f"{{{namespace}}}{name}" if namespace else name


def _element(made: dict[str, Any], path: str, namespace: str) -> Any:
    """The element at a path below the record, made when it is not there yet."""
    from lxml import etree

    if path not in made:
        parent, _, leaf = path.rpartition("/")
        made[path] = etree.SubElement(_element(made, parent, namespace), _in(namespace, leaf))
    return made[path]
