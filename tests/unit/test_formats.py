"""What each format's reader makes of files as departments really send them, and which it refuses."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import re
import resource
import struct
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from admission_deliveries import DAY, run, totals
from format_deliveries import cells, landed, made, raw, with_arguments

from lake.connectors import open_connector
from lake.contracts.model import Contract, Window
from lake.errors import DeliveryDamaged, SchemaDrift
from lake.landing import land
from lake.settings import Settings

EXTREMES = [
    "12345678901234567890123456789012345678",
    "-0.0",
    "0.12345678901234567890123456789012345678",
    "1E+20",
    "2.2250738585072014E-308",
    "00012",
    "1900-01-01",
    "9999-12-31T23:59:59.999999",
    "𠮷䶮 🚲 ㄅ",
    " padded ",
]
"""Texts that readers like to change."""


# ---- text with line ends between quotes ------------------------------------------------------------------------------


def quoted(**changes: object) -> Contract:
    return made("csv_files", ["a", "b"], {"multiline": True}, **changes)


def test_quotes_hold_line_ends_where_the_contract_says_so(settings: Settings) -> None:
    text = 'a,b\r\n1,"two\r\nlines, ""quoted"""\r\n2,plain\r\n3,"a\n\n\nb"\r\n4,"last\nwithout end"'
    assert cells(settings, quoted(), text.encode()) == [
        (None, "1", 'two\nlines, "quoted"'),
        (None, "2", "plain"),
        (None, "3", "a\n\n\nb"),
        (None, "4", "last\nwithout end"),
    ]


def test_a_lost_quote_costs_its_line_and_not_the_rest_of_the_file(settings: Settings) -> None:
    text = (
        'a,b\n1,"lost\n2,fine\n3,"two\nlines"\n4,5" pipe\n5,"two\nlines"\n6,"lost again\n' + "7,x\n" * 600 + '8,"y\nz"'
    )
    found = cells(settings, quoted(), text.encode())
    assert [row for row in found if row[0]] == [("unbalanced_quote", None, None)] * 3
    assert [row[1] for row in found if not row[0]] == ["2", "3", "5", *["7"] * 600, "8"]


def test_bad_bytes_amid_a_record_of_many_lines_break_it_into_lines(settings: Settings) -> None:
    found = cells(settings, quoted(), b'a,b\n1,"one\n\xff\ntwo"\n2,ok\n')
    assert [row[0] for row in found] == ["unbalanced_quote", "bad_bytes", "unbalanced_quote", None]


def test_records_of_many_lines_cross_the_blocks_they_are_read_in(settings: Settings) -> None:
    note = "x" * 700 + "\n" + "汉" * 200
    text = "a,b\n" + "".join(f'{n},"{note}"\n' for n in range(3000))
    found = cells(settings, quoted(encoding="gb18030"), text.encode("gb18030"))
    assert len(found) == 3000
    assert {row[2] for row in found} == {note}


# ---- packed files ----------------------------------------------------------------------------------------------------


def zipped(members: dict[str, bytes], change: Callable[[zipfile.ZipInfo], None] = lambda entry: None) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            change(entry)
            archive.writestr(entry, content)
    return target.getvalue()


PACKED = made("csv_files", ["a", "b"])


def test_each_member_of_a_zip_has_records_of_its_own(settings: Settings) -> None:
    content = zipped(
        {"x/one.csv": b"a,b\n1,2\n3,4\n", "two.csv": b"a,b\n5,6", "read me.txt": b"!", "__MACOSX/x.csv": b"!"}
    )
    delivery = landed(settings, with_arguments(PACKED, member="*.csv"), content)
    assert delivery.delivered == 3
    assert raw(settings, delivery) == {
        ("x/one.csv", 1): (None, "1", "2"), ("x/one.csv", 2): (None, "3", "4"), ("two.csv", 1): (None, "5", "6"),
    }  # fmt: skip
    assert delivery.path_of(delivery.files[0]).read_bytes() == content if hasattr(delivery, "path_of") else True


def test_what_is_packed_is_told_by_its_bytes_and_not_by_its_name(settings: Settings) -> None:
    assert cells(settings, PACKED, gzip.compress(b"a,b\n1,2\n") * 1) == [(None, "1", "2")]
    assert cells(settings, made("csv_files", ["PK", "b"]), b"PK,b\n1,2\n") == [(None, "1", "2")]


def test_names_of_members_may_be_in_gb18030(settings: Settings) -> None:
    content = zipped({"zzzzzz.csv": b"a,b\n1,2\n"}).replace(b"zzzzzz", "水务局".encode("gb18030"))
    assert set(raw(settings, landed(settings, with_arguments(PACKED, member="水*.csv"), content))) == {
        ("水务局.csv", 1)
    }


def link(entry: zipfile.ZipInfo) -> None:
    entry.create_system, entry.external_attr = 3, 0o120777 << 16


def encrypted(content: bytes) -> bytes:
    return content.replace(b"PK\x03\x04\x14\x00\x00", b"PK\x03\x04\x14\x00\x01").replace(
        b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"
    )


def hidden_member() -> bytes:
    """Two members, of which the table of contents names one: readers disagree about such archives."""
    both, one = zipped({"a.csv": b"a,b\n1,2\n", "b.csv": b"a,b\n3,4\n"}), zipped({"a.csv": b"a,b\n1,2\n"})
    contents = one[one.index(b"PK\x01\x02") :]
    members = both[: both.index(b"PK\x01\x02")]
    return members + contents[:-6] + len(members).to_bytes(4, "little") + contents[-2:]


PLAIN = zipped({"a.csv": b"a,b\n" + b"1,2\n" * 500})
REFUSED = {
    "bomb": (zipped({"a.csv": b"a,b\n" + b"0" * (80 << 20)}), "archive bomb"),
    "gzip bomb": (gzip.compress(b"a,b\n" + b"0" * (80 << 20)), "archive bomb"),
    "archive in archive": (zipped({"a.csv": PLAIN}), "holds an archive"),
    "gzip in zip": (zipped({"a.csv": gzip.compress(b"a,b\n")}), "holds an archive"),
    "gzip in gzip": (gzip.compress(gzip.compress(b"a,b\n")), "holds an archive"),
    "up and out": (zipped({"../../etc/cron.d/x": b"a,b\n"}), "a path that leads out"),
    "absolute": (zipped({"/etc/passwd": b"a,b\n"}), "a path that leads out"),
    "drive": (zipped({"C:/x.csv": b"a,b\n"}), "a path that leads out"),
    "backslash": (zipped({"a.csv": b"a,b\n"}).replace(b"a.csv", b"..\\sv"), "a path that leads out"),
    "link": (zipped({"a.csv": b"/etc/passwd"}, link), "is a link"),
    "encrypted": (encrypted(PLAIN), "encrypted"),
    "bzip2 in zip": (
        PLAIN.replace(b"PK\x03\x04\x14\x00\x00\x00\x08", b"PK\x03\x04\x14\x00\x00\x00\x0c"),
        "by method 12",
    ),
    "hidden member": (hidden_member(), "table of contents"),
    "too many members": (zipped({f"{n}.csv": b"" for n in range(10_001)}), "more than 10000 members"),
    "rar": (b"Rar!\x1a\x07\x01\x00", "RAR"),
    "nothing of that name": (zipped({"a.txt": b""}), "no member"),
    "cut in a member": (PLAIN[:40], "damaged|truncated"),
    "cut in the contents": (PLAIN[:-30], "truncated"),
    "cut at the very end": (PLAIN[:-1], "truncated"),
    "more behind": (PLAIN + b"x", "behind"),
    "checksum": (PLAIN.replace((PLAIN[14:18]), b"1234", 1), "checksum"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_archives_that_are_bombs_traps_or_broken_are_refused_and_kept(name: str, settings: Settings) -> None:
    content, told = REFUSED[name]
    delivery = landed(settings, with_arguments(PACKED, member="*.csv" if "name" in name else None), content)
    with pytest.raises(DeliveryDamaged, match=told):
        run(delivery, settings)
    assert (delivery.folder / "files" / delivery.files[0].name).read_bytes() == content


def test_the_reader_has_limits_of_its_own(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = landed(settings, PACKED, PLAIN)
    monkeypatch.setattr("lake.admission.reading.packed.MOST_UNPACKED", 1000)
    with pytest.raises(DeliveryDamaged, match="more than any delivery"):
        run(delivery, settings)


# ---- JSON ------------------------------------------------------------------------------------------------------------


def as_json(text: str) -> str:
    """A value as it would stand in JSON: numbers bare."""
    return text if text[0] in "-123456789" or (text.startswith("0.") and "T" not in text) else json.dumps(text)


NUMBERS = [
    text for text in EXTREMES if text[0] in "-012" and "0001" not in text and ":" not in text and text[4:5] != "-"
]


@pytest.mark.parametrize("connector", ["json_files", "json_lines_files", "http_json", "geojson_files"])
def test_json_numbers_keep_the_digits_they_are_written_with(connector: str, settings: Settings) -> None:
    record = ", ".join(f'"n{n}": {text}' for n, text in enumerate(NUMBERS))
    record = f'{{"id": 1, {record}, "coordinates": [116.123456789012345678, 1], "text": "1.1234567890123456789"}}'
    names = ["id", *(f"n{n}" for n in range(len(NUMBERS))), "coordinates", "text"]
    wanted = ("1", *NUMBERS, "[116.123456789012345678,1]", "1.1234567890123456789")
    if connector == "http_json":
        from admission_deliveries import by_hand

        from lake.contracts.model import Window

        page = f'{{"items": [{record}]}}'.encode()
        delivery = by_hand(settings, made(connector, names), Window(DAY, DAY), {"page.json": (page, 1)})
        assert list(raw(settings, delivery).values()) == [(None, *wanted)]
        return
    if connector == "geojson_files":
        record = f'{{"type": "Feature", "properties": {record}, "geometry": null}}'
        content = f'{{"features": [{record}]}}'
        names, wanted = [*names, "geometry"], (*wanted, None)
    else:
        content = record if "lines" in connector else f"[{record}]"
    assert cells(settings, made(connector, names), content.encode()) == [(None, *wanted)]


NESTED = made(
    "json_files", ["id", "at.city", "at.zip", "phones[0].n", "phones[1].n", "/a.b", "tags"], {"row_path": "data.rows"}
)


def test_columns_name_values_down_the_record(settings: Settings) -> None:
    records = [
        {"id": 1, "at": {"city": "皇后", "zip": "00501"}, "phones": [{"n": "1"}, {"n": "2"}], "a.b": "", "tags": ["x"]},
        {"id": 2, "at": None, "phones": [{"n": "3"}], "a.b": None, "tags": {}},
        {"id": 3, "at": {"city": None, "zip": "1"}, "phones": [], "a.b": True, "tags": "𠮷"},
    ]
    text = json.dumps({"head": {"rows": [1]}, "data": {"other": [[]], "rows": records}, "more": [1, {"data": 2}]})
    assert cells(settings, NESTED, ("\ufeff " + text + "\n").encode()) == [
        (None, "1", "皇后", "00501", "1", "2", None, '["x"]'),
        (None, "2", None, None, "3", None, None, "{}"),
        (None, "3", None, "1", None, None, "true", "𠮷"),
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"at": {"city": 1, "zip": 2, "street": 3}}, "added 'at.street'"),
        ({"phones": [{"n": 1}, {"n": 2}, {"n": 3}]}, "added 'phones.2'"),
        ({"phones": [{"n": 1, "kind": 2}]}, "added 'phones.0.kind'"),
        ({"new": 1}, "added 'new'"),
    ],
)
def test_what_the_contract_does_not_name_is_drift_at_every_depth(
    change: dict[str, object], told: str, settings: Settings
) -> None:
    record = {"id": 1, "at": {"city": 1, "zip": 2}, "phones": [{"n": 1}], "a.b": 1, "tags": 1} | change
    with pytest.raises(SchemaDrift, match=told):
        cells(settings, NESTED, json.dumps({"data": {"rows": [record]}}).encode())


def test_keys_may_be_left_out_where_the_contract_says_so(settings: Settings) -> None:
    of = made("json_files", ["a", "b.c"])
    with pytest.raises(SchemaDrift, match=r"removed 'b\.c'"):
        cells(settings, of, b'[{"a": 1}]')
    assert cells(settings, with_arguments(of, sparse=True), b'[{"a": 2}]') == [(None, "2", None)]


def test_each_way_an_item_is_broken_has_its_own_reason(settings: Settings) -> None:
    items = ['{"a": 1, "a": 2}', "7", '{"a": {"x": 1}}', '{"a": "\\ud842"}', '{"a": "\\u0000"}', '{"a": 1}']
    of = made("json_files", ["a"])
    assert [row[0] for row in cells(settings, of, f"[{','.join(items)}]".encode())] == [
        "key_repeated", "not_an_object", None, "not_json", "nul_byte", None,
    ]  # fmt: skip
    nested = made("json_files", ["a.x"])
    assert [row[0] for row in cells(settings, nested, b'[{"a": 1}, {"a": {"x": 1}}]')] == ["not_an_object", None]


def test_a_broken_json_line_affects_no_other(settings: Settings) -> None:
    lines = ['{"a": 1}', '{"a": 2', "", "[3]", '{"a": "\xff"}', '{"a": 5} {"a": 6}', '{"a": "四"}']
    content = "\n".join(lines).encode("gb18030").replace("\xff".encode("gb18030"), b"\xff")
    assert cells(settings, made("json_lines_files", ["a"], encoding="gb18030"), content) == [
        (None, "1"), ("not_json", None), ("blank_line", None), ("not_an_object", None), ("bad_bytes", None),
        ("not_json", None), (None, "四"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[",
        b'[{"a": 1}',
        b'[{"a": 1},',
        b'{"rows": []}',
        b'[{"a": 1}] x',
        b'[{"a": \xff}]',
        b"[" * 100_000,
        b'{"a": 1}',
    ],
)
def test_a_document_that_is_no_list_to_its_end_holds_the_delivery(content: bytes, settings: Settings) -> None:
    with pytest.raises(DeliveryDamaged):
        run(landed(settings, made("json_files", ["a"]), content), settings)


def test_long_documents_are_read_in_a_stream(settings: Settings) -> None:
    records = [{"a": n, "text": "长" * (n % 300)} for n in range(10_000)]
    content = json.dumps({"x": {"y": records}}, ensure_ascii=False, indent=1).encode()
    found = cells(settings, made("json_files", ["a", "text"], {"row_path": "x.y"}), gzip.compress(content))
    assert [row[1] for row in found] == [str(record["a"]) for record in records]
    assert [row[2] or "" for row in found] == [record["text"] for record in records]


# ---- fixed width -----------------------------------------------------------------------------------------------------


def fixed(*widths: int, **arguments: object) -> Contract:
    names = [f"f{number}" for number in range(len(widths))]
    fields = [{"name": name, "width": width} for name, width in zip(names, widths, strict=True)]
    encoding = arguments.pop("encoding", "utf-8")
    return made("fixed_width_files", names, {"fields": fields} | arguments, encoding=encoding)


def test_widths_count_bytes_as_mainframes_do(settings: Settings) -> None:
    rows = [("007", "水务局", "1.50"), ("8", "𠮷䶮", " "), ("9", "a", "0")]
    lines = [
        b"".join(cell.strip().encode("gb18030").ljust(width) for cell, width in zip(row, (4, 10, 6), strict=True))
        for row in rows
    ]
    lines[2:2] = [lines[0][:-1], lines[0] + b" ", b"", lines[0][:4] + b"\xff" * 10 + lines[0][14:], b"\x00" * 20]
    assert len(lines[1]) == 20
    found = cells(settings, fixed(4, 10, 6, encoding="gb18030"), b"\r\n".join(lines))
    assert found == [
        (None, "007", "水务局", "1.50"), (None, "8", "𠮷䶮", None), ("line_too_short", None, None, None),
        ("line_too_long", None, None, None), ("blank_line", None, None, None), ("bad_bytes", None, None, None),
        ("nul_byte", None, None, None), (None, "9", "a", "0"),
    ]  # fmt: skip


def test_a_character_cut_by_a_width_is_a_bad_record_and_no_other(settings: Settings) -> None:
    content = "水务局ab\n12345678\n".encode("gb18030")
    assert [row[0] for row in cells(settings, fixed(5, 3, encoding="gb18030"), content)] == ["bad_bytes", None]
    by_letter = fixed(3, 2, encoding="gb18030", unit="characters")
    assert cells(settings, by_letter, "水务局ab\n𠮷12cd\n".encode("gb18030")) == [
        (None, "水务局", "ab"), (None, "𠮷12", "cd"),
    ]  # fmt: skip


def test_titles_totals_gaps_and_stripped_blanks_of_fixed_width(settings: Settings) -> None:
    of = fixed(3, 3, header_lines=2, trailer_lines=1, stripped=True, length=9)
    of = with_arguments(of, fields=[{"name": "f0", "width": 3}, {"name": "f1", "width": 3, "start": 6}])
    content = b"TITLE\n2023-03-01\nabcXXdef!\nab\nTOTAL 2"
    assert cells(settings, of, content) == [(None, "abc", "def"), (None, "ab", None)]
    with pytest.raises(DeliveryDamaged, match="fewer lines"):
        run(landed(settings, of, b"TITLE\n"), settings)
    many = b"t\nt\n" + b"\n".join(b"%-9d" % n for n in range(120_000)) + b"\nTOTAL"
    assert [row[1] for row in cells(settings, fixed(9, header_lines=2, trailer_lines=1), many)][-1] == "119999"


# ---- XML -------------------------------------------------------------------------------------------------------------

CAP = """<?xml version="1.0" encoding="%s"?>
<!-- a weather warning -->
<cap:alert xmlns:cap="urn:oasis:names:tc:emergency:cap:1.2" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <cap:identifier>A&amp;1</cap:identifier><cap:sent>2023-03-01T08:00:00+08:00</cap:sent>
  <cap:info><cap:severity level="2">Severe</cap:severity>
    <cap:area xsi:nil="false"><cap:areaDesc>%s</cap:areaDesc>
      <cap:geocode><name>a</name><value>1</value></cap:geocode></cap:area>
    <cap:area id="x"><cap:areaDesc>two</cap:areaDesc>
      <cap:polygon>1,2</cap:polygon><cap:polygon>3,4</cap:polygon></cap:area>
  </cap:info>
  <cap:info><cap:severity>Minor</cap:severity>
    <cap:area><cap:areaDesc/><cap:note>a <![CDATA[<b>]]></cap:note></cap:area></cap:info>
</cap:alert>"""
AREAS = ["../../identifier", "../severity", "../severity/@level", "areaDesc", "geocode", "polygon", "@id", "note"]
WARNING = made("xml_files", AREAS, {"row_path": "alert/info/area"})


@pytest.mark.parametrize(("declared", "encoding"), [("UTF-8", "utf-8"), ("GB2312", "gb18030"), ("UTF-16", "utf-16")])
def test_warnings_with_areas_in_informations(declared: str, encoding: str, settings: Settings) -> None:
    content = (CAP % (declared, "福田区𠮷")).encode(encoding)
    geocode = '<cap:geocode xmlns:cap="urn:oasis:names:tc:emergency:cap:1.2" '
    geocode += 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><name>a</name><value>1</value></cap:geocode>'
    assert cells(settings, WARNING, content) == [
        (None, "A&1", "Severe", "2", "福田区𠮷", geocode, None, None, None),
        (None, "A&1", "Severe", "2", "two", None, '["1,2", "3,4"]', "x", None),
        (None, "A&1", "Minor", None, None, None, None, None, "a <b>"),
    ]


BOMB = '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(10)
)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (f"{BOMB}]><r><i><a>&k;</a></i></r>", "declares an entity"),
        ('<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><i><a>&x;</a></i></r>', "declares an entity"),
        ('<!DOCTYPE r [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x"> %x;]><r><i><a>1</a></i></r>', "declares an entity"),
        ("<r>" + "<i>" * 300 + "</i>" * 300 + "</r>", "deep"),
        ("<r><i><a>1</a></i>", "not XML to its end"),
        ("<r><i><a>1</a></i></r><r/>", "not XML to its end"),
        ("<r><i><a>\x01</a></i></r>", "not XML to its end"),
        ("", "empty"),
        ("<s><i><a>1</a></i></s>", "there is no r/i"),
        ("<r><j><a>1</a></j></r>", "there is no r/i; there is j"),
        ("<r><i><a>1</a></i><b>late</b></r>", "stands behind"),
    ],
)
def test_xml_that_is_a_trap_or_broken_is_refused_by_both_readers(content: str, told: str, settings: Settings) -> None:
    of = made("xml_files", ["a", "../b"], {"row_path": "r/i"})
    delivery = landed(settings, of, content.encode())
    with pytest.raises(DeliveryDamaged, match=told):
        run(delivery, settings)
    if delivery.files[0].problem:  # the reader does not lean on the count
        believed = dataclasses.replace(delivery, files=(dataclasses.replace(delivery.files[0], problem=None),))
        with pytest.raises(DeliveryDamaged):
            run(believed, settings)


def test_elements_nobody_named_are_drift(settings: Settings) -> None:
    of = made("xml_files", ["a", "c", "d", "e"], {"row_path": "r/i", "sparse": True})
    assert cells(settings, of, b"<r><t>title</t><i><a> 1 </a></i><i/></r>") == [(None, " 1 ", *[None] * 3), (None,) * 5]
    with pytest.raises(SchemaDrift, match="removed 'x'"):
        cells(settings, made("xml_files", ["a", "x"], {"row_path": "r/i"}), b"<r><i><a>1</a></i></r>")
    for inner in ("<b>1</b>", "<a b='1'/>", "<a/>text"):
        with pytest.raises(SchemaDrift):
            cells(settings, of, f"<r><i>{inner}</i></r>".encode())


def test_a_long_document_does_not_stay_in_memory(settings: Settings) -> None:
    row = "<i><a>%d</a><b>" + "x" * 200 + "</b></i><other><z>" + "y" * 200 + "</z></other>"
    content = ("<r>" + "".join(row % n for n in range(15_000)) + "</r>").encode()
    of = made("xml_files", ["a", "b"], {"row_path": "r/i"})
    delivery = landed(settings, of, gzip.compress(content))
    assert delivery.delivered == 15_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert len(raw(settings, delivery)) == 15_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


# ---- Parquet ---------------------------------------------------------------------------------------------------------


def parquet(columns: dict[str, pa.Array], **options: Any) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target, **options)
    return target.getvalue()


D = Decimal
MOMENT = 1_677_661_200_123_456_789
PARQUET: list[tuple[Any, pa.DataType, str | None]] = [
    (D("0.12345678901234567890123456789012345678"), pa.decimal128(38, 38), "0.12345678901234567890123456789012345678"),
    (D("-99999999999999999999999999999999999999"), pa.decimal128(38, 0), "-99999999999999999999999999999999999999"),
    (-0.0, pa.float64(), "-0.0"),
    (1e20, pa.float64(), "1e+20"),
    (5e-324, pa.float64(), "5e-324"),
    (float("nan"), pa.float64(), "NaN"),
    (0.1, pa.float32(), "0.1"),
    (2**64 - 1, pa.uint64(), "18446744073709551615"),
    (-(2**63), pa.int64(), "-9223372036854775808"),
    (date(1, 1, 1), pa.date32(), "0001-01-01"),
    (date(9999, 12, 31), pa.date32(), "9999-12-31"),
    (MOMENT, pa.timestamp("ns"), "2023-03-01 09:00:00.123456789"),
    (datetime(9999, 12, 31, 23, 59, 59, 999999), pa.timestamp("us"), "9999-12-31 23:59:59.999999"),
    (MOMENT // 1000 * 1000, pa.timestamp("ns", "Asia/Shanghai"), "2023-03-01 09:00:00.123456+00"),
    (time(23, 59, 59, 999999), pa.time64("us"), "23:59:59.999999"),
    (b"\x00\xff", pa.binary(), "00ff"),
    ("𠮷\n00012 ", pa.string(), "𠮷\n00012 "),
    ("", pa.string(), None),
    (True, pa.bool_(), "true"),
    ([1, None], pa.list_(pa.int64()), "[1,null]"),
    ({"a": D("1.10"), "b": {"c": "x"}},
     pa.struct([("a", pa.decimal128(38, 2)), ("b", pa.struct([("c", pa.string())]))]),
     '{"a":1.10,"b":{"c":"x"}}'),
    ([("k", 1)], pa.map_(pa.string(), pa.int64()), '{"k":1}'),
    (None, pa.null(), None),
]  # fmt: skip


def test_every_parquet_type_keeps_its_extreme_values(settings: Settings) -> None:
    columns = {f"c{n}": pa.array([value], type_) for n, (value, type_, _) in enumerate(PARQUET)}
    assert cells(settings, made("parquet_files", list(columns)), parquet(columns)) == [
        (None, *(text for _, _, text in PARQUET))
    ]


def test_parquet_files_of_different_types_and_orders_are_one_delivery(settings: Settings) -> None:
    files = {
        DAY: parquet({"a": pa.array([1, 2]), "b": pa.array(["x\0", "y"])}),
        date(2023, 3, 2): parquet({"b": pa.array([D("1.50")]), "a": pa.array(["3"])}),
    }
    delivery = landed(settings, made("parquet_files", ["a", "b"]), files)
    assert list(raw(settings, delivery).values()) == [("nul_byte", "1", "x\0"), (None, "2", "y"), (None, "3", "1.50")]
    with pytest.raises(SchemaDrift, match="added 'c'"):
        cells(settings, made("parquet_files", ["a", "b"]), parquet({n: pa.array([1]) for n in "abc"}))


def test_parquet_that_duckdb_would_change_or_cannot_read_is_refused(settings: Settings) -> None:
    wide = pa.array([D("1." + "1" * 50)], pa.decimal256(60, 50))
    fine = pa.array([MOMENT], pa.timestamp("ns", "UTC"))
    content = parquet({"a": pa.array(range(5000)), "b": pa.array([f"text {n}" for n in range(5000)])}, compression=None)
    at = content.rindex(b"text 4000")
    for broken, told in (
        (parquet({"a": wide, "b": wide}), "more than 38 digits"),
        (parquet({"a": fine, "b": fine}), "finer than a microsecond"),
        (content[:-20], "not Parquet"),
        (content[: at - 4] + b"\xff\xff\xff\x7f" + content[at:], "not Parquet"),
    ):
        with pytest.raises(DeliveryDamaged, match=told):
            run(landed(settings, made("parquet_files", ["a", "b"]), broken), settings)


# ---- workbooks -------------------------------------------------------------------------------------------------------


def workbook(*rows: tuple[Any, ...], merge: tuple[str, ...] = (), title: str = "表1", **formats: str) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    for cell, code in formats.items():
        sheet[cell].number_format = code
    for area in merge:
        sheet.merge_cells(area)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def rewritten(content: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """A workbook with one of its parts changed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return zipped(parts | {part: change(parts[part])})


def shared(content: bytes) -> bytes:
    """The workbook with its texts in the list that Excel keeps for them."""
    texts: list[bytes] = []

    def keep(found: re.Match[bytes]) -> bytes:
        texts.append(found[2])
        return found[1] + b't="s"><v>%d</v></c>' % (len(texts) - 1)

    pattern = rb'(<c r="\w+"(?: s="\d+")? )t="inlineStr"><is>(.*?)</is></c>'
    content = rewritten(content, SHEET, lambda xml: re.sub(pattern, keep, xml))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    listed = b"".join(b"<si>%s</si>" % text for text in texts)
    space = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return zipped(parts | {TEXTS: b'<sst xmlns="%s">%s</sst>' % (space, listed)})


SHEET, TEXTS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
REPORT = workbook(
    ("街道事件月报", None, None, None),
    (),
    ("街道", "事件", None, "备注"),
    (None, "受理", "办结", None),
    ("南头", 10, 9, "一"),
    (None, 20, 18, None),
    (None, None, None, None),
    ("粤海", 30, 30, "二"),
    ("  合计", 60, 57, None),
    ("填表人：张三", None, None, "2023-03-01"),
    merge=("A1:D1", "A3:A4", "B3:C3", "D3:D4", "A5:A7", "D5:D6", "A10:C10"),
)


def test_a_report_with_title_two_header_rows_merged_cells_and_totals(settings: Settings) -> None:
    arguments = {"header_row": 3, "header_rows": 2, "footer": ["合计", "填表人"], "sheet": "表*"}
    of = made("excel_files", ["街道", "事件/受理", "事件/办结", "备注"], arguments)
    delivery = landed(settings, of, shared(REPORT))
    wanted = {1: ("南头", "10", "9", "一"), 2: ("南头", "20", "18", "一"), 4: ("粤海", "30", "30", "二")}
    assert {at: row[1:] for (_, at), row in raw(settings, delivery).items()} == wanted
    assert delivery.delivered == 3
    elsewhere = {**arguments, "header_row": 1, "header_at": "街道"}
    found = raw(settings, landed(settings, made("excel_files", [c.source_name for c in of.columns], elsewhere), REPORT))
    assert {at: row[1:] for (_, at), row in found.items()} == wanted
    source = open_connector(of, dataclasses.replace(settings, environment={"CITYBRAIN_CONN_DROP": "file:///tmp"}))
    assert [c.name for c in source.columns(delivery.folder / "files" / "drop_20230301.dat", of)] == [
        c.source_name for c in of.columns
    ]


def test_values_of_cells_keep_their_text(settings: Settings) -> None:
    rows = [
        ("00012", "00012"), (302, "302"), (1.1, "1.1"), (1e20, "1e+20"), (-0.0, "-0.0"), (1e-7, "1e-07"),
        (12345678901234, "12345678901234"), ("𠮷🚲", "𠮷🚲"), (True, "true"), (" x ", " x "), ("1.10", "1.10"),
        (date(1900, 3, 1), "1900-03-01"), (date(9999, 12, 31), "9999-12-31"),
        (datetime(2023, 3, 1, 8, 59, 59), "2023-03-01T08:59:59"), (datetime(2023, 3, 1, 8, 59, 59, 500000),
         "2023-03-01T08:59:59.500"), (time(9, 5), "09:05:00"), (timedelta(hours=30), "1900-01-01T06:00:00"),
        (44986, "2023-03-01"), (44986, "44986"), (0.5, "0.5"),
    ]  # fmt: skip
    formats = {"A19": "yyyy年m月d日", "A20": '"day"0', "A21": "[Red]0.0;-0.0"}
    found = cells(settings, made("excel_files", ["a"]), workbook(("a",), *((value,) for value, _ in rows), **formats))
    assert [row[1] for row in found] == [text for _, text in rows]


def test_errors_uncomputed_formulas_and_cells_beside_the_table_are_seen(settings: Settings) -> None:
    content = workbook(("a", "b"), ("#N/A", 1), ("=1+1", 2), (3, 4, "beside"), ("x", "y"))
    text, error = b'<c r="A2" t="inlineStr"><is><t>#N/A</t></is></c>', b'<c r="A2" t="e"><v>#N/A</v></c>'
    content = rewritten(content, SHEET, lambda xml: xml.replace(text, error))
    assert cells(settings, made("excel_files", ["a", "b"]), content) == [
        (None, "#N/A", "1"), ("formula_without_result", None, "2"), ("too_many_fields", "3", "4"), (None, "x", "y"),
    ]  # fmt: skip


def test_pronunciation_aids_and_formats_within_a_cell_are_no_text(settings: Settings) -> None:
    runs = '<r><t>深</t></r><r><rPr><b/></rPr><t>圳</t></r><rPh sb="0" eb="1"><t>shēn</t></rPh>'
    content = shared(workbook(("a",), ("深圳",), ("合计",)))
    content = rewritten(content, TEXTS, lambda xml: xml.replace("<t>深圳</t>".encode(), runs.encode()))
    assert cells(settings, made("excel_files", ["a"], {"footer": ["合计"]}), content) == [(None, "深圳")]


ENTITY = b'<!DOCTYPE worksheet [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (zipped({"xl/workbook.xml": b"0" * (80 << 20)}), "bomb"),
        (rewritten(REPORT, SHEET, lambda xml: ENTITY + xml.replace(b"<v>10</v>", b"<v>&b;</v>")), "cannot be read"),
        (rewritten(REPORT, SHEET, lambda xml: xml[:-40]), "cannot be read"),
        (REPORT[:-100], "cannot be read"),
        # The table of contents says of itself that it lies further on, so that all members begin before the file does.
        (
            REPORT[:-6] + (int.from_bytes(REPORT[-6:-2], "little") + 9000).to_bytes(4, "little") + REPORT[-2:],
            "cannot be",
        ),
        (b"<html><table><tr><td>1</td></tr></table></html>", "HTML"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "cannot be read"),
        (workbook(("a",), title="other"), "no sheet"),
    ],
)
def test_workbooks_that_are_traps_or_broken_are_refused(content: bytes, told: str, settings: Settings) -> None:
    of = made("excel_files", ["a"], {"sheet": "表*"})
    delivery = landed(settings, of, content)
    with pytest.raises(DeliveryDamaged, match=told):
        run(delivery, settings)
    believed = dataclasses.replace(delivery, files=(dataclasses.replace(delivery.files[0], problem=None),))
    with pytest.raises((DeliveryDamaged, SchemaDrift)):
        run(believed, settings)


# ---- shapefiles ------------------------------------------------------------------------------------------------------

CGCS = 'GEOGCS["CGCS2000",DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]]]'
SHAPES = ["名称", "CODE", "AREA", "SINCE", "OPEN", "geometry", "crs"]


def shapefile_parts(encoding: str = "gb18030") -> dict[str, bytes]:
    import shapefile

    shp, shx, dbf = io.BytesIO(), io.BytesIO(), io.BytesIO()
    writer = shapefile.Writer(shp=shp, shx=shx, dbf=dbf, shapeType=shapefile.POLYGON, encoding=encoding)
    for name, kind, width, decimals in (
        ("名称", "C", 20, 0), ("CODE", "C", 6, 0), ("AREA", "N", 25, 15), ("SINCE", "D", 8, 0), ("OPEN", "L", 1, 0),
    ):  # fmt: skip
        writer.field(name, kind, size=width, decimal=decimals)
    writer.poly([[(113.123456789012345, 22.5), (114.0, 22.5), (114.0, 23.0), (113.123456789012345, 22.5)]])
    writer.record("福田区𠮷", "000440", "1", date(1900, 1, 1), True)
    writer.null()
    writer.record("", "", None, None, None)
    writer.close()
    table = dbf.getvalue()
    exact = b"1234567.123456789012345".rjust(25)
    at = table.index(b"000440") + 6
    return {
        "m.shp": shp.getvalue(), "m.shx": shx.getvalue(), "m.dbf": table[:at] + exact + table[at + 25 :],
        "m.prj": CGCS.encode(), "m.cpg": b"GBK\n",
    }  # fmt: skip


def test_a_shapefile_keeps_attributes_as_stored_and_its_coordinates(settings: Settings) -> None:
    of = made("shapefile_files", SHAPES, {"crs": "CGCS2000"})
    ring = "[[113.12345678901235,22.5],[114.0,22.5],[114.0,23.0],[113.12345678901235,22.5]]"
    wanted = [
        (None, "福田区𠮷", "000440", "1234567.123456789012345", "1900-01-01", "true",
         f'{{"type":"Polygon","coordinates":[{ring}]}}', CGCS),
        (None, None, None, None, None, None, None, CGCS),
    ]  # fmt: skip
    parts = shapefile_parts()
    found = cells(settings, of, zipped({f"地图/{name}": content for name, content in parts.items()}))
    assert [(row[0], *(cell.replace("], [", "],[") if cell else cell for cell in row[1:])) for row in found] == wanted
    folder = settings.home.parent / "drop"
    beside = with_arguments(of, pattern="drop_{day:%Y%m%d}.*")
    for old in folder.iterdir():
        old.unlink()
    for name, content in parts.items():
        (folder / f"drop_20230301{name[1:]}").write_bytes(content)
    with_drop = dataclasses.replace(settings, environment={"CITYBRAIN_CONN_DROP": f"file://{folder}"})
    delivery = land(beside, Window(DAY, DAY), with_drop)
    assert [row[1] for row in raw(settings, delivery).values()] == ["福田区𠮷", None]
    assert totals(run(delivery, settings)) == (2, 1, 1, 0)
    assert totals(run(landed(settings, of, zipped(parts)), settings)) == (2, 1, 1, 0)


def test_rows_marked_deleted_and_bad_bytes_are_records_too(settings: Settings) -> None:
    parts = shapefile_parts()
    at = parts["m.dbf"].index("福".encode("gb18030"))
    deleted = parts["m.dbf"][: at - 1] + b"*" + parts["m.dbf"][at:]
    bad = parts["m.dbf"][:at] + b"\xff\xff" + parts["m.dbf"][at + 2 :]
    of = made("shapefile_files", SHAPES)
    assert [r[0] for r in cells(settings, of, zipped(parts | {"m.dbf": deleted}))] == ["marked_deleted", None]
    assert [r[0] for r in cells(settings, of, zipped(parts | {"m.dbf": bad}))] == ["bad_bytes", None]


SHAPE_PARTS = shapefile_parts()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"m.shp": SHAPE_PARTS["m.shp"][:-3]}, "truncated"),
        ({"m.shp": SHAPE_PARTS["m.shp"] + b"x"}, "truncated"),
        ({"m.dbf": SHAPE_PARTS["m.dbf"][:-20]}, "ends early"),
        ({"m.dbf": SHAPE_PARTS["m.dbf"][:4] + b"\1" + SHAPE_PARTS["m.dbf"][5:]}, "more shapes"),
        ({"m.dbf": b""}, "no .dbf"),
        ({"m.prj": b'GEOGCS["GCS_WGS_1984"]'}, "GCS_WGS_1984"),
        ({"m.prj": b""}, "no system"),
    ],
)
def test_shapefiles_whose_parts_do_not_fit_are_refused(change: dict[str, bytes], told: str, settings: Settings) -> None:
    of = made("shapefile_files", SHAPES, {"crs": "CGCS2000"})
    with pytest.raises((DeliveryDamaged, SchemaDrift), match=told):
        run(landed(settings, of, zipped(SHAPE_PARTS | change)), settings)


def old_workbook(rows: list[tuple[Any, ...]], merge: tuple[int, int, int, int], *, more: bytes = b"") -> bytes:
    """An .xls by hand: texts in the shared list (cut by a CONTINUE), numbers, dates as style 1, booleans."""

    def record(kind: int, body: bytes) -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    texts = [cell for row in rows for cell in row if isinstance(cell, str)]
    listed = b"".join(
        struct.pack("<HB", len(text.encode("utf-16-le")) // 2, 1) + text.encode("utf-16-le") for text in texts
    )
    cut = 3 + 2  # amid the first text: what follows begins with flags of its own
    styles = b"".join(record(0xE0, struct.pack("<HH16x", 0, number)) for number in (0, 14))
    shared_texts = record(0xFC, struct.pack("<II", len(texts), len(texts)) + listed[:cut]) + record(
        0x3C, b"\1" + listed[cut:]
    )
    name = "表".encode("utf-16-le")
    sheet_size = 4 + 8 + len(name)
    start = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0)) + more + styles
    offset = len(start) + sheet_size + len(shared_texts) + 4
    body = start + record(0x85, struct.pack("<IBBBB", offset, 0, 0, 1, 1) + name) + shared_texts + record(0x0A, b"")
    body += record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    text = iter(range(len(texts)))
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            match cell:
                case bool():
                    body += record(0x205, struct.pack("<HHHBB", y, x, 0, cell, 0))
                case date():
                    body += record(0x203, struct.pack("<HHHd", y, x, 1, (cell - date(1899, 12, 30)).days))
                case float() | int():
                    body += record(0x203, struct.pack("<HHHd", y, x, 0, cell))
                case str():
                    body += record(0xFD, struct.pack("<HHHI", y, x, 0, next(text)))
                case BaseException():
                    body += record(0x205, struct.pack("<HHHBB", y, x, 0, 0x2A, 1))
    body += record(0xE5, struct.pack("<HHHHH", 1, *merge)) + record(0x0A, b"")
    body = body.ljust(max(4096, -(-len(body) // 512) * 512), b"\0")
    sectors = len(body) // 512
    fat = struct.pack(
        "<128I", 0xFFFFFFFD, 0xFFFFFFFE, *range(3, sectors + 2), 0xFFFFFFFE, *[0xFFFFFFFF] * (126 - sectors)
    )

    def entry(label: str, kind: int, begin: int, size: int, child: int) -> bytes:
        coded = (label + "\0").encode("utf-16-le")
        tree = struct.pack("<HBBIII", len(coded), kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child)
        return coded.ljust(64, b"\0") + tree + bytes(36) + struct.pack("<IQ", begin, size)

    directory = entry("Root Entry", 5, 0xFFFFFFFE, 0, 1) + entry("Workbook", 2, 2, len(body), 0xFFFFFFFF)
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    head += struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)
    return head + fat + directory.ljust(512, b"\0") + body


OLD = [
    ("月报", None, None), ("街道", "日期", "件数"), ("南头𠮷", date(2023, 3, 1), 10.0), (None, date(9999, 12, 31), 1.1),
    (), ("粤海", True, "00012"), ("合计", None, 11),
]  # fmt: skip


def test_old_workbooks_are_read_too(settings: Settings) -> None:
    of = made("excel_files", ["街道", "日期", "件数"], {"header_row": 2, "footer": ["合计"], "sheet": "表"})
    delivery = landed(settings, of, old_workbook(OLD, (2, 3, 0, 0)))
    assert (delivery.files[0].problem, delivery.delivered) == (None, 3)
    assert {at: row for (_, at), row in raw(settings, delivery).items()} == {
        1: (None, "南头𠮷", "2023-03-01", "10"),
        2: (None, "南头𠮷", "9999-12-31", "1.1"),
        4: (None, "粤海", "true", "00012"),
    }
    locked = struct.pack("<HH", 0x2F, 6) + bytes(6)
    for content, told in (
        (old_workbook([("a",), (ValueError(),)], (0, 0, 0, 0)), "holds errors"),
        (old_workbook(OLD, (2, 3, 0, 0), more=locked), "encrypted"),
        (old_workbook(OLD, (2, 3, 0, 0))[:1500], "cannot be read|truncated"),
    ):
        with pytest.raises(DeliveryDamaged, match=told):
            run(landed(settings, of, content), settings)


# ---- what files say about themselves ---------------------------------------------------------------------------------


def described(settings: Settings, of: Contract, content: bytes) -> list[str]:
    """Names of the columns, asked for as one asks before there is a contract with columns."""
    without = dataclasses.replace(of, columns=())
    folder = settings.home.parent / "drop"
    folder.mkdir(exist_ok=True)
    (folder / "drop_20230301.dat").write_bytes(content)
    with_drop = dataclasses.replace(settings, environment={"CITYBRAIN_CONN_DROP": f"file://{folder}"})
    return [column.name for column in open_connector(without, with_drop).describe(without).columns]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda plain: zipped({"m": plain})])
def test_files_name_their_columns_packed_or_not(pack: Callable[[bytes], bytes], settings: Settings) -> None:
    record = {"a": 1, "b": {"c": [1], "d.e": 2}, "f": None}
    features = {"features": [{"properties": record}]}
    fields = [{"name": "x", "width": 3}, {"name": "y", "width": 2}]
    for connector, arguments, content, wanted in (
        ("csv_files", {}, '\ufeff街道,"b, c"\r\n1,2'.encode(), ["街道", "b, c"]),
        ("csv_files", {"header": False}, b"1,2", []),
        ("fixed_width_files", {"fields": fields}, b"", ["x", "y"]),
        ("json_lines_files", {}, json.dumps(record).encode() + b"\nbroken", ["a", "b.c", "/b/d.e", "f"]),
        ("json_files", {"row_path": "r.s"}, json.dumps({"r": {"s": [record]}}).encode(), ["a", "b.c", "/b/d.e", "f"]),
        ("geojson_files", {}, json.dumps(features).encode(), ["a", "b.c", "/b/d.e", "f", "geometry"]),
        ("xml_files", {"row_path": "alert/info/area"}, (CAP % ("utf-8", "x")).encode(),
         ["../../identifier", "../../sent", "../severity", "areaDesc", "geocode/name", "geocode/value", "polygon",
          "@id", "note"]),
        ("shapefile_files", {}, zipped(SHAPE_PARTS), [*SHAPES[:5], "geometry"]),
    ):  # fmt: skip
        packed = content if connector == "shapefile_files" else pack(content)
        assert described(settings, made(connector, ["a"], arguments), packed) == wanted, connector
    assert described(settings, made("parquet_files", ["a"]), parquet({"a": pa.array([1]), "b": pa.array([2])})) == [
        "a",
        "b",
    ]
    assert described(settings, made("excel_files", ["a"]), workbook(("a", "b"), (1, 2))) == ["a", "b"]
    with pytest.raises(DeliveryDamaged):
        described(settings, made("json_files", ["a"]), b"[" * 100_000)
