"""The departments' file formats: the same rows are the same bytes, and readers find in them what was written."""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
import zipfile
from datetime import date, datetime

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapefile
from lxml import etree

from demo_city.chance import Chance
from demo_city.days import Days
from demo_city.departments.protocol import Dataset, Drift, Files
from demo_city.systems import writers
from demo_city.systems.deliveries import drifted, fates_of, name_of, periods

DAY = date(2026, 6, 1)
POINT = '{"type":"Point","coordinates":[122.5,31.5]}'
TABLE = pa.table(
    {
        "街道": ["永安里", "永安里", "海港,东", None],
        "说明": ['他说"好"', "两行\n文字", "", None],
        "件数": pa.array([1, 2, None, 4], pa.int64()),
        "均值": [1.0, 2.5, None, 0.1],
        "日期": pa.array([date(2026, 6, 1), None, date(1900, 1, 1), date(2026, 6, 3)]),
        "时间": pa.array([datetime(2026, 6, 1, 8, 5), None, None, datetime(2026, 6, 3)], pa.timestamp("s")),
        "geometry": [POINT, POINT, None, POINT],
        "_day": pa.array([DAY] * 4),
    }
)
WRITERS = {
    "csv": writers.csv(gz=True),
    "excel": writers.excel(
        title="{day:%Y年%m月}汇总表", merged=("街道",), footer=("合计：{n}",), serial_dates=("日期",)
    ),
    "json lines": writers.json_lines(),
    "parquet": writers.parquet(),
    "geojson": writers.geojson(name="demo"),
    "shapefile": writers.shapefile_zip(encoding="gb18030"),
    "xml": writers.cap_xml(),
}


@pytest.fixture(scope="module")
def twice() -> dict[str, tuple[bytes, bytes]]:
    """Everything written, and again when the clock shows another time."""
    first = {name: write(TABLE, DAY) for name, write in WRITERS.items()}
    time.sleep(2.1)  # a zip's times go by two seconds
    return {name: (first[name], write(TABLE, DAY)) for name, write in WRITERS.items()}


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_rows_are_the_same_bytes(twice: dict[str, tuple[bytes, bytes]], name: str) -> None:
    assert twice[name][0] == twice[name][1]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("quoting", ["needed", "all"])
def test_csv_says_what_the_table_says(encoding: str, quoting: str) -> None:
    content = writers.csv(encoding=encoding, quoting=quoting, line_end="\r\n")(TABLE, DAY)

    rows = list(csv.DictReader(io.StringIO(content.decode(encoding), newline="")))

    assert rows[0] == {
        "街道": "永安里", "说明": '他说"好"', "件数": "1", "均值": "1", "日期": "2026-06-01",
        "时间": "2026-06-01 08:05:00", "geometry": POINT,
    }  # fmt: skip
    assert [row["说明"] for row in rows] == ['他说"好"', "两行\n文字", "", ""]
    assert rows[3]["街道"] == "" and rows[2]["街道"] == "海港,东"


def test_many_days_are_the_files_of_each_day() -> None:
    write = writers.csv(gz=True, mixed="_gbk")
    table = TABLE.append_column("_gbk", pa.array([False, True, False, False]))
    offsets, days = [0, 1, 1, 4], [DAY] * 3

    made = writers.many(write, table, offsets, days)

    assert made == [write(table.slice(0, 1), DAY), write(table.slice(1, 0), DAY), write(table.slice(1, 3), DAY)]
    assert gzip.decompress(made[1]).decode() == "街道,说明,件数,均值,日期,时间,geometry\n"
    assert "永安里".encode("gb18030") in gzip.decompress(made[2]), "one row in another encoding in the midst of a file"


def test_excel_has_title_merged_cells_serial_dates_and_footer() -> None:
    header = [["区域", "情况", "情况", None, "日期", None, None], [None, "说明", "件数", "均值", None, "时间", "位置"]]
    write = writers.excel(title="{day:%Y年%m月}表", header_rows=header, merged=("街道",), footer=("合计：{n}",),
                          serial_dates=("日期",))  # fmt: skip

    sheet = openpyxl.load_workbook(io.BytesIO(write(TABLE, DAY))).active

    assert sheet["A1"].value == "2026年06月表" and sheet["E4"].value == 46174
    assert [sheet[cell].value for cell in ("C5", "D5", "E5", "F4", "A7")] == [
        2,
        2.5,
        None,
        datetime(2026, 6, 1, 8, 5),
        None,
    ]
    assert [sheet["B4"].value, sheet["B5"].value] == ['他说"好"', "两行\n文字"]
    assert {str(cells) for cells in sheet.merged_cells.ranges} == {"A1:G1", "A2:A3", "B2:C2", "E2:E3", "A4:A5"}
    assert [sheet["B3"].value, sheet["D3"].value, sheet["A8"].value] == ["说明", "均值", "合计：4"]
    days = [DAY, date(2026, 6, 2), date(2026, 6, 3)]
    each = [
        write(TABLE.slice(first, last - first), day)
        for first, last, day in zip([0, 1, 1], [1, 1, 4], days, strict=True)
    ]
    assert writers.many(write, TABLE, [0, 1, 1, 4], days) == each, "a day without rows is a workbook too"
    assert writers.many(write, TABLE, [1, 1, 4], days[1:]) == each[1:]


def test_other_formats_hold_every_row() -> None:
    lines = [json.loads(line) for line in writers.json_lines(sparse=True)(TABLE, DAY).decode().splitlines()]
    assert lines[0]["均值"] == 1.0 and lines[2] == {"街道": "海港,东", "说明": "", "日期": "1900-01-01"}
    features = json.loads(writers.geojson()(TABLE, DAY))["features"]
    assert features[0]["geometry"]["coordinates"] == [122.5, 31.5] and features[2]["geometry"] is None
    assert pq.read_table(io.BytesIO(writers.parquet()(TABLE, DAY))).num_rows == 4
    xml = etree.fromstring(
        writers.cap_xml()(pa.table({"identifier": ["A"], "info/event": ["大风"], "info/@n": ["1"]}), DAY)
    )
    found = xml.find("{*}alert/{*}info")
    assert found.get("n") == "1" and found.findtext("{*}event") == "大风"
    archive = zipfile.ZipFile(io.BytesIO(writers.shapefile_zip(encoding="gb18030")(TABLE, DAY)))
    parts = {kind: io.BytesIO(archive.read(f"data.{kind}")) for kind in ("shp", "shx", "dbf")}
    read = shapefile.Reader(**parts, encoding="gb18030")
    assert [record["街道"] for record in read.records()] == ["永安里", "永安里", "海港,东", ""]


def _files(**more: object) -> Dataset:
    return Dataset(
        "S99", "linlan.test.file", "", Files("f_{day:%Y%m%d}*.csv", writers.csv(), **more), lambda w, d: None
    )


def test_deliveries_are_late_missing_and_double_at_the_declared_rates_whatever_the_stretch() -> None:
    dataset = _files(late=0.1, missing=0.05, double=0.08)
    year = Days(date(2025, 1, 1), date(2026, 12, 31))

    made = fates_of(Chance(5), dataset, year)

    share = {name: sum(one.pattern == name for one in made) / len(made) for name in ("late", "missing", "double")}
    assert share == pytest.approx({"late": 0.1, "missing": 0.05, "double": 0.08}, abs=0.03)
    assert all((one.delivered_on is None) == (one.pattern == "missing") for one in made)
    assert all(
        1 <= (one.delivered_on - one.day).days <= 3 for one in made if one.pattern == "late" and one.delivered_on
    )
    parts = [Days(date(2025, 1, 1), date(2025, 5, 4)), Days(date(2025, 5, 5), date(2026, 12, 31))]
    assert made == [one for part in parts for one in fates_of(Chance(5), dataset, part)]


def test_periods_are_delivered_when_they_end() -> None:
    days = Days(date(2026, 5, 2), date(2026, 6, 30))

    assert periods("week", days)[0] == date(2026, 4, 27) and periods("week", days)[-1] == date(2026, 6, 22)
    assert periods("month", days) == [date(2026, 5, 1), date(2026, 6, 1)]
    assert periods("quarter", days) == [date(2026, 4, 1)]


def test_a_file_that_comes_again_has_a_name_of_its_own_where_the_pattern_allows() -> None:
    system = _files().system
    assert isinstance(system, Files)
    assert [str(name_of(system, DAY)), str(name_of(system, DAY, again=True))] == [
        "f_20260601.csv", "f_20260601_again.csv",
    ]  # fmt: skip


def test_a_drift_holds_for_its_day_only() -> None:
    drift = Drift(DAY, added={"新列": "x"}, renamed={"件数": "数量"}, dropped=("均值",))
    table = TABLE.select(["街道", "件数", "均值"])

    assert drifted(table, (drift,), DAY).column_names == ["街道", "数量", "新列"]
    assert drifted(table, (drift,), date(2026, 6, 2)).column_names == table.column_names
