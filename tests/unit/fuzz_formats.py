"""Fuzzer of the formats: valid files, spoilt by every means, through the real landing and admission.

A file may be refused with an error of ours, or its records are each in exactly one place. All else is a finding:
another exception, a process that dies or hangs, a record lost, a cell in an error's text.

    python tests/unit/fuzz_formats.py --minutes 60 --processes 2
"""

from __future__ import annotations

import argparse
import base64
import functools
import gzip
import io
import json
import multiprocessing
import resource
import signal
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
from admission_deliveries import COLUMNS, HEADER, contract, deliver, quarantined, rows, run, totals, unchanged
from hypothesis import HealthCheck, given, seed
from hypothesis import settings as how
from hypothesis import strategies as st

from lake.contracts.model import Column, Contract, Mode
from lake.errors import CitybrainError, SchemaDrift, Unaccounted
from lake.settings import Settings

DAY = date(2023, 3, 1)
SECRET = "Quillfeather"
"""Stands in a cell of every seed; no error may repeat it."""
CASE_SECONDS = 60
MEMORY_BYTES = 6 << 30
RECORDS = [
    ["1", "03/01/2023 09:00:00 AM", "plain", "1.50", SECRET, "n"],
    ["2", "03/01/2023 10:00:00 PM", '路灯, "不亮"', "-0.01", f"{SECRET} 李", ""],
    ["3", "03/01/2023 11:30:00 PM", "", "9999999.99", SECRET, "line"],
    ["4", "not a time", "x", "1e3", SECRET, "n"],
]
NAMES = HEADER.split(",")


@dataclass(frozen=True)
class Format:
    """A format: the contract that reads it, and one valid file: what is in it, and how that is packed."""

    connector: str
    suffix: str
    inside: Callable[[], bytes]
    arguments: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    packed: Callable[[bytes], bytes] = bytes

    def contract(self) -> Contract:
        pattern = f"drop_{{day:%Y%m%d}}{self.suffix}"
        return contract(self.connector, Mode.CHANGES, arguments={"pattern": pattern, **self.arguments}, **self.changes)


def _csv(encoding: str = "utf-8") -> bytes:
    quoted = [['"' + cell.replace('"', '""') + '"' if set(cell) & set(',"\n') else cell for cell in r] for r in RECORDS]
    return "\n".join([HEADER, *(",".join(record) for record in quoted), ""]).encode(encoding)


def _objects() -> list[dict[str, str | None]]:
    return [{name: cell or None for name, cell in zip(NAMES, record, strict=True)} for record in RECORDS]


def _json() -> bytes:
    return json.dumps({"data": {"rows": _objects()}}, ensure_ascii=False).encode()


def _json_lines() -> bytes:
    return b"".join(json.dumps(item, ensure_ascii=False).encode() + b"\n" for item in _objects())


def _xml() -> bytes:
    tags = "".join(
        "<row>" + "".join(f"<{n}>{_escaped(c)}</{n}>" for n, c in zip(NAMES, record, strict=True)) + "</row>"
        for record in RECORDS
    )
    return f'<?xml version="1.0" encoding="UTF-8"?><feed><rows>{tags}</rows></feed>'.encode()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


@functools.cache  # a workbook says when it was made: the same one for all cases, or none could be tried again
def _workbook() -> bytes:
    book = openpyxl.Workbook()
    for record in [NAMES, *RECORDS]:
        book.active.append(record)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


_SHEET = "xl/worksheets/sheet1.xml"


def _sheet() -> bytes:
    with zipfile.ZipFile(io.BytesIO(_workbook())) as book:
        return book.read(_SHEET)


def _with_sheet(sheet: bytes) -> bytes:
    """The workbook with another sheet in the place of its own."""
    with zipfile.ZipFile(io.BytesIO(_workbook())) as book:
        return _zip({name: sheet if name == _SHEET else book.read(name) for name in book.namelist()})


def _zip(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()


def _parquet() -> bytes:
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file, duckdb.connect() as made:
        values = ", ".join(
            "(" + ", ".join("'" + c.replace("'", "''") + "'" for c in record) + ")" for record in RECORDS
        )
        names = ", ".join(f'"{name}"' for name in NAMES)
        made.execute(f"COPY (SELECT * FROM (VALUES {values}) AS t({names})) TO '{file.name}' (FORMAT parquet)")
        return Path(file.name).read_bytes()


def _geojson() -> bytes:
    features = [
        {"type": "Feature", "properties": item, "geometry": {"type": "Point", "coordinates": [120.8, 32.0]}}
        for item in _objects()
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False).encode()


_FIELDS = [{"name": name, "width": width} for name, width in zip(NAMES, (6, 24, 24, 12, 24, 6), strict=True)]


def _fixed_width() -> bytes:
    return b"".join(
        b"".join(c.encode("gb18030").ljust(f["width"]) for c, f in zip(record, _FIELDS, strict=True)) + b"\n"
        for record in RECORDS
    )


_SHAPE_COLUMNS = (
    *COLUMNS,
    Column("geometry", "geometry", "VARCHAR", 7),
)


def _shapes() -> dict[str, bytes]:
    """The parts of a shapefile of points."""
    import shapefile

    parts = {suffix: io.BytesIO() for suffix in ("shp", "shx", "dbf")}
    with shapefile.Writer(**parts, encoding="gb18030") as made:
        for name in NAMES:
            made.field(name, "C", 40)
        for number, record in enumerate(RECORDS):
            made.point(120.0 + number, 32.0)
            made.record(*record)
    return {suffix: part.getvalue() for suffix, part in parts.items()}


def _dbf() -> bytes:
    return _shapes()["dbf"]


def _with_dbf(dbf: bytes) -> bytes:
    return _zip({f"areas.{suffix}": part for suffix, part in (_shapes() | {"dbf": dbf}).items()})


FORMATS = {
    "csv": Format("csv_files", ".csv", _csv),
    "csv_multiline": Format("csv_files", ".csv", _csv, {"multiline": True}),
    "csv_gb18030": Format("csv_files", ".csv", lambda: _csv("gb18030"), changes={"encoding": "gb18030"}),
    "csv_gz": Format("csv_files", ".csv.gz", _csv, packed=lambda plain: gzip.compress(plain, mtime=0)),
    "csv_zip": Format("csv_files", ".zip", _csv, {"member": "*.csv"}, packed=lambda plain: _zip({"a.csv": plain})),
    "fixed_width": Format("fixed_width_files", ".txt", _fixed_width, {"fields": _FIELDS}, {"encoding": "gb18030"}),
    "xml": Format("xml_files", ".xml", _xml, {"row_path": "feed/rows/row", "sparse": True}),
    "xml_gz": Format(
        "xml_files",
        ".xml.gz",
        _xml,
        {"row_path": "feed/rows/row", "sparse": True},
        packed=lambda p: gzip.compress(p, mtime=0),
    ),
    "parquet": Format("parquet_files", ".parquet", _parquet),
    "shapefile": Format(
        "shapefile_files", ".zip", _dbf, changes={"columns": _SHAPE_COLUMNS, "encoding": "gb18030"}, packed=_with_dbf
    ),
    "json": Format("json_files", ".json", _json, {"row_path": "data.rows"}),
    "json_lines": Format("json_lines_files", ".jsonl", _json_lines),
    "excel": Format("excel_files", ".xlsx", _sheet, packed=_with_sheet),
    "geojson": Format("geojson_files", ".geojson", _geojson),
}

TOKENS = [
    b'"', b'""', b",", b"\n", b"\r\n", b"\r", b"\x00", b"\x1f", b"\x1e", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80",
    b"\xc0\xaf", b"\x81\x30\x81\x30", b"{", b"}", b"[", b"]", b":", b"null", b"1e999", b"NaN", b"-0", b"9" * 40,
    b"\\u0000", b"\\ud800", b"<", b">", b"</row>", b"<row>", b"<![CDATA[", b"]]>", b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
    b"&a;", b"&#0;", b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"\x1f\x8b\x08", b"PAR1", b"../", b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x80", b"xl/workbook.xml", HEADER.encode(), b"A" * 4096, "𠮷".encode(), "路".encode("gb18030"),
]  # fmt: skip
CHANGE = st.tuples(
    st.sampled_from(["insert", "replace", "delete", "flip", "repeat", "cut", "swap"]),
    st.integers(0, 1 << 16),
    st.integers(0, 64),
    st.sampled_from(TOKENS),
)


def spoilt(content: bytes, changes: list[tuple[str, int, int, bytes]]) -> bytes:
    """A file after some changes, one after the other."""
    for kind, where, length, token in changes:
        at = where % (len(content) + 1)
        before, middle, after = content[:at], content[at : at + length], content[at + length :]
        content = {
            "insert": before + token + content[at:],
            "replace": before + token + after,
            "delete": before + after,
            "flip": before + bytes(byte ^ (1 << (length % 8)) for byte in middle[:1]) + middle[1:] + after,
            "repeat": before + middle * 3 + after,
            "cut": before,
            "swap": after + middle + before,
        }[kind]
    return content


def judge(made: Format, content: bytes, room: Path) -> str:
    """What became of a file: the error that refused it, or ``accounted``.

    Raises:
        AssertionError: something was lost, or an error says what stood in a cell.
    """
    home = Settings.from_environment({"CITYBRAIN_HOME": str(room / "home")})
    home.make_home()
    try:
        admitted = run(deliver(home, made.contract(), {DAY: content}), home, accept_anyway="fuzzed")
    except Unaccounted as error:
        raise AssertionError(f"lost: {error}") from error
    except CitybrainError as error:
        # An unknown column's name is shown, for people have to know it. Where a file's damage makes one name of a name
        # and a cell, nobody can tell.
        assert SECRET not in str(error) or isinstance(error, SchemaDrift), "an error says what stands in a cell"
        assert error.remedy
        assert error.dataset == "queens.dep.thing"
        return type(error).__name__
    addresses = [*rows(admitted.staged, "_file, _record"), *quarantined(home, admitted), *unchanged(home, admitted)]
    assert not [address for address, times in Counter(addresses).items() if times > 1], "a record is in two places"
    delivered, *places = totals(admitted)
    assert delivered == sum(places) == len(addresses) == admitted.landed.delivered
    return "accounted"


def fuzz(name: str, number: int, examples: int) -> Counter[str]:
    """Judge so many spoilt files of a format; gives how they ended. The seed decides which they are."""
    made, ends = FORMATS[name], Counter[str]()
    inside = made.inside()

    @seed(number)
    @how(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(CHANGE, max_size=6), st.lists(CHANGE, max_size=2))
    def case(within: list[tuple[str, int, int, bytes]], without: list[tuple[str, int, int, bytes]]) -> None:
        content = spoilt(made.packed(spoilt(inside, within)), without)
        _last_case(name, content)
        signal.alarm(CASE_SECONDS)
        try:
            with tempfile.TemporaryDirectory() as room:
                ends[judge(made, content, Path(room))] += 1
        finally:
            signal.alarm(0)

    case()
    return ends


_case_file: Path | None = None


def _last_case(name: str, content: bytes) -> None:
    """Write down what is tried, for the parent of a process that dies of it."""
    if _case_file is not None:
        _case_file.write_text(json.dumps({"format": name, "content": base64.b64encode(content).decode()}))


def _batch(name: str, number: int, examples: int, case_file: Path, answer: Any) -> None:
    global _case_file
    _case_file = case_file
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        answer.send(("ended", fuzz(name, number, examples)))
    except BaseException as error:
        answer.send(("found", "".join(traceback.format_exception(error))[-4000:]))


def main() -> int:
    """Fuzz until the time is up; exit status 1 when something was found."""
    parser = argparse.ArgumentParser(description="Fuzz the file formats.")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--examples", type=int, default=300, help="spoilt files a batch")
    parser.add_argument("--seed", type=int, default=1, help="number of the first batch")
    parser.add_argument("--format", choices=FORMATS, action="append", help="default: all")
    asked = parser.parse_args()
    names, until = asked.format or list(FORMATS), time.monotonic() + asked.minutes * 60
    ends: dict[str, Counter[str]] = {name: Counter() for name in names}
    findings: list[str] = []
    running: list[tuple[str, int, Path, Any, Any]] = []
    number, room = asked.seed, Path(tempfile.mkdtemp(prefix="fuzz-"))
    spawn = multiprocessing.get_context("spawn")
    while running or time.monotonic() < until:
        while len(running) < asked.processes and time.monotonic() < until:
            name, case_file = names[number % len(names)], room / f"case-{number}.json"
            mine, theirs = spawn.Pipe()
            process = spawn.Process(target=_batch, args=(name, number, asked.examples, case_file, theirs))
            process.start()
            theirs.close()
            running.append((name, number, case_file, process, mine))
            number += 1
        for batch in list(running):
            name, which, case_file, process, mine = batch
            process.join(0.2)
            if process.is_alive() and not mine.poll():
                continue
            try:
                kind, told = mine.recv()
            except EOFError:
                process.join()
                kind, told = "found", f"the process died with {process.exitcode}; the case is {case_file}"
            process.join()
            running.remove(batch)
            if kind == "ended":
                ends[name] += told
                case_file.unlink(missing_ok=True)
            else:
                findings.append(f"{name}, batch {which}: {told}")
                print(f"FOUND {findings[-1]}\n  kept: {case_file}", flush=True)
            print(f"{sum(sum(e.values()) for e in ends.values())} cases, {len(findings)} findings", flush=True)
    print("| format | cases | ends |\n|---|---|---|")
    for name, counted in ends.items():
        print(f"| {name} | {sum(counted.values())} | {', '.join(f'{k} {n}' for k, n in counted.most_common())} |")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
