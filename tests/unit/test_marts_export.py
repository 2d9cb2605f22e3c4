"""What leaves the house as a file is data, not a program."""

from __future__ import annotations

from pathlib import Path

import duckdb
import openpyxl
import pytest

from lake.errors import CitybrainError
from lake.marts import export
from lake.settings import Settings

EVIL = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1"]
HARMLESS = ["路灯不亮", "a=b", " -", "", "'quoted", 'comma, "quote"\nline']


@pytest.fixture
def published(settings: Settings) -> Settings:
    folder = settings.published / "b"
    folder.mkdir()
    with duckdb.connect(str(folder / "marts.duckdb")) as made:
        made.execute(
            "CREATE TABLE t AS SELECT unnest(?::VARCHAR[]) AS note, -1.50::DECIMAL(9,2) AS cost_yuan", [EVIL + HARMLESS]
        )
    (settings.published / "current").symlink_to("b")
    return settings


def texts(path: Path) -> list[str]:
    """The first column as a spreadsheet would read it."""
    if path.suffix == ".xlsx":
        sheet = openpyxl.load_workbook(path).active
        cells = [row[0] for row in sheet.iter_rows(min_row=2)]
        assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}, "a cell is a formula"
        return [str(cell.value or "") for cell in cells]
    with duckdb.connect() as reader:
        rows = reader.execute("SELECT * FROM read_csv(?, header = true, all_varchar = true)", [str(path)]).fetchall()
    return [row[0] or "" for row in rows]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_text_is_no_formula(published: Settings, tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"out{suffix}"
    assert export(published, "SELECT note FROM t", target) == len(EVIL + HARMLESS)
    expected = [f"'{text}" for text in EVIL] + HARMLESS
    if suffix == ".xlsx":
        expected = [text.replace("\r", "\n") for text in expected]  # XML knows one line end
    assert texts(target) == expected


def test_a_header_is_no_formula_and_a_number_stays_one(published: Settings, tmp_path: Path) -> None:
    export(published, 'SELECT cost_yuan AS "=1+1" FROM t LIMIT 1', tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text(encoding="utf-8-sig").split() == ["'=1+1", "-1.50"]
    assert (tmp_path / "out.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_parquet_is_exact(published: Settings, tmp_path: Path) -> None:
    export(published, "SELECT note FROM t", tmp_path / "out.parquet")
    with duckdb.connect() as reader:
        rows = reader.execute("SELECT note FROM read_parquet(?)", [str(tmp_path / "out.parquet")]).fetchall()
    assert [row[0] for row in rows] == EVIL + HARMLESS


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("SELECT 1", "out.txt"),
        ("SELECT 1", "there.csv"),
        ("SELECT 1", "nowhere/out.csv"),
        ("DROP TABLE t", "out.csv"),
        ("SELECT * FROM read_text('/etc/passwd')", "out.csv"),
    ],
)
def test_what_may_not_be_written_leaves_nothing_behind(
    published: Settings, tmp_path: Path, sql: str, name: str
) -> None:
    (tmp_path / "there.csv").write_text("mine")
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(CitybrainError) as raised:
        export(published, sql, tmp_path / name)
    assert raised.value.remedy
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert (tmp_path / "there.csv").read_text() == "mine"
