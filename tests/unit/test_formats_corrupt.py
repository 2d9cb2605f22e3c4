"""Nothing lost, format by format: whatever is spoilt, each physical record is in exactly one place or all are held."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from admission_deliveries import quarantined, rows, run, totals, unchanged
from format_deliveries import landed, made
from test_formats import shapefile_parts, shared, workbook, zipped

from lake.contracts.model import Column, Contract
from lake.errors import DeliveryDamaged, SchemaDrift
from lake.settings import Settings

FIRST = date(2023, 1, 1)
LINES = 14
TRIES = 10
COLUMNS = (Column("id", "a", "BIGINT", 1, required=True, key_position=1), Column("text", "b", "VARCHAR", 2))
TEXTS = ["plain", "汉字", "𠮷 🚲", 'a "quoted" word', "", "x,y", "two\nlines"]
NOISE = (b"\xff", b"\x00", b"\x1f", b'"', b"\n", b"{", b"]", b"7", b"\xed\xa0\x80", b"\r\n\n", b"<", b"&")


def columns(connector: str, arguments: dict[str, Any] | None = None) -> Contract:
    return made(connector, [], {"pattern": "d_{day:%Y%m%d}.dat", **(arguments or {})}, columns=COLUMNS)


# ---- formats of lines: a spoilt line affects no other ----------------------------------------------------------------


def json_line(number: int, text: str) -> bytes:
    return json.dumps({"a": number, "b": text}, ensure_ascii=False).encode()


def fixed_line(number: int, text: str) -> bytes:
    return f"{number:>6}".encode() + text.replace("\n", " ").encode().ljust(30)


def csv_record(number: int, text: str) -> bytes:
    return f"{number},".encode() + b'"' + text.replace('"', '""').encode() + b'"'


LINE_FORMATS: dict[str, tuple[Contract, Callable[[int, str], bytes], bytes]] = {
    "json_lines_files": (columns("json_lines_files"), json_line, b""),
    "fixed_width_files": (
        columns("fixed_width_files", {"fields": [{"name": "a", "width": 6}, {"name": "b", "width": 30}]}),
        fixed_line,
        b"",
    ),
    "csv_files": (columns("csv_files", {"multiline": True}), csv_record, b"a,b\n"),
}


def spoilt(record: bytes, chance: random.Random) -> bytes:
    """A record spoilt without a line end and without a quote, so that it stays one and opens none."""
    at = chance.randrange(len(record) + 1)
    match chance.randrange(4):
        case 0:
            return record[:at] + chance.choice([b"\xff", b"\x00", b"\x1f", b"\xed\xa0\x80"]) + record[at:]
        case 1:
            return b"" if b'"' in record else record[:at]
        case 2:
            return b"not a number"
        case _:
            return b" "


@pytest.mark.parametrize("connector", LINE_FORMATS)
@pytest.mark.parametrize("packed", [bytes, gzip.compress, lambda plain: zipped({"m.txt": plain})])
def test_a_spoilt_record_affects_no_other(connector: str, packed: Callable[[bytes], bytes], settings: Settings) -> None:
    of, write, header = LINE_FORMATS[connector]
    chance = random.Random(connector)
    files, intact, expected = {}, {}, 0
    for file in range(8):
        day = FIRST + timedelta(days=file)
        records = []
        for place in range(1, chance.randint(1, LINES)):
            number = file * 100 + place
            record = write(number, chance.choice(TEXTS))
            if chance.random() < 0.35 and b"\n" not in record:
                record = spoilt(record, chance)
            else:
                intact[day, place] = number
            records.append(record)
        expected += len(records)
        files[day] = packed(header + b"".join(record + b"\n" for record in records))
    admitted = run(landed(settings, of, files), settings, accept_anyway="spoilt on purpose")
    assert totals(admitted)[0] == expected
    accepted = {(ds, record): key for ds, record, key in rows(admitted.staged, "ds, _record, id")}
    assert {address: accepted.get(address) for address in intact} == intact


# ---- all formats: noise anywhere -------------------------------------------------------------------------------------

BASES: dict[str, tuple[Contract, bytes]] = {
    name: (of, header + b"\n".join(write(n, TEXTS[n % len(TEXTS)]) for n in range(8)) + b"\n")
    for name, (of, write, header) in LINE_FORMATS.items()
} | {
    "json_files": (
        columns("json_files", {"row_path": "d.rows"}),
        json.dumps({"d": {"rows": [{"a": n, "b": text} for n, text in enumerate(TEXTS)]}}).encode(),
    ),
    "geojson_files": (
        columns("geojson_files"),
        json.dumps({"features": [{"properties": {"a": n, "b": text}} for n, text in enumerate(TEXTS)]}).encode(),
    ),
    "xml_files": (
        columns("xml_files", {"row_path": "r/i", "sparse": True}),
        b"<r>" + b"".join(f"<i><a>{n}</a><b>{t}</b></i>".encode() for n, t in enumerate(TEXTS)) + b"</r>",
    ),
    "excel_files": (columns("excel_files"), shared(workbook(("a", "b"), *enumerate(TEXTS)))),
    "shapefile_files": (
        made(
            "shapefile_files", ["名称", "CODE", "AREA", "SINCE", "OPEN", "geometry"], {"pattern": "d_{day:%Y%m%d}.dat"}
        ),
        zipped(shapefile_parts()),
    ),
}


def noisy(content: bytes, chance: random.Random) -> bytes:
    spoilt_ = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(spoilt_) + 1)
        spoilt_[at : at + chance.randint(0, 3)] = chance.choice(NOISE)
    return bytes(spoilt_[: chance.randrange(len(spoilt_))] if chance.random() < 0.1 else spoilt_)


@pytest.mark.parametrize("connector", BASES)
def test_noise_holds_a_file_or_leaves_each_record_in_one_place(connector: str, settings: Settings) -> None:
    of, content = BASES[connector]
    chance = random.Random(connector)
    held = 0
    for _ in range(TRIES):
        spoilt_ = noisy(content, chance)
        delivery = landed(settings, of, spoilt_)
        assert (delivery.folder / "files" / delivery.files[0].name).read_bytes() == spoilt_
        try:
            admitted = run(delivery, settings, accept_anyway="noise on purpose")
        except (DeliveryDamaged, SchemaDrift):
            held += 1
            continue
        places = Counter([*rows(admitted.staged, "_file, _record"), *quarantined(settings, admitted)])
        places.update(unchanged(settings, admitted))
        assert set(places.values()) <= {1}
        assert places.total() == totals(admitted)[0] == delivery.delivered
    assert held < TRIES or connector not in LINE_FORMATS  # documents and archives are damaged by nearly any noise
