"""The grade of record linkage on a small world, by hand."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from demo_city.grade import report as reports
from demo_city.grade.dirt import Grade
from demo_city.grade.linkage import Linkage, compare, grade_linkage, true_pairs
from demo_city.world import World
from lake.errors import BuildFailed
from lake.settings import Settings

LEFT, RIGHT = "emergency.enterprise", "market.subject"


def told(*rows: tuple[str, str, str, bool, bool]) -> pa.Table:
    names = ("source_dataset", "source_key", "entity_key", "is_uscc_corrected", "is_by_likeness")
    return pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})


def test_pairs_are_counted_by_method() -> None:
    pairs = pa.table({"left_no": ["A1", "A2", "A3", "A4"], "right_no": ["S1", "S2", "S3", "S4"]})
    grade = compare(
        pairs,
        told(
            (LEFT, "A1", "x", False, False), (RIGHT, "S1", "x", False, False),
            (LEFT, "A2", "y", False, False), (RIGHT, "S2", "y", True, False),
            (LEFT, "A3", "z", False, True), (RIGHT, "S9", "z", False, False),  # taken for another
            (RIGHT, "S3", "w", False, False),  # A4 and S4 are not in the lake
        ),
    )  # fmt: skip
    assert grade == Linkage(3, {"code": (1, 1), "corrected code": (1, 1), "likeness": (1, 0)})
    assert (grade.precision, grade.recall) == (2 / 3, 2 / 3)


def test_nothing_linked_has_no_precision() -> None:
    empty = pa.table({"left_no": pa.array([], pa.string()), "right_no": pa.array([], pa.string())})
    grade = compare(empty, told((LEFT, "A1", "x", False, False)))
    assert (grade.found_n, grade.precision, grade.recall) == (0, None, None)


def test_the_city_knows_which_numbers_are_one_firm() -> None:
    from demo_city.departments.s07_emergency import firms

    world = World(7, 0.01, "990185")
    pairs = true_pairs(world)
    assert pairs.num_rows == firms(world).rows_n > 50
    for name in ("left_no", "right_no"):
        assert len(set(pairs[name].to_pylist())) == pairs.num_rows
    assert all(number.startswith("990185") for number in pairs["right_no"].to_pylist())


def test_a_build_without_links_is_refused(tmp_path: Path) -> None:
    settings = Settings.from_environment({"CITYBRAIN_HOME": str(tmp_path), "CITYBRAIN_CITY": "linlan"})
    world = World(7, 0.01, "990185")
    with pytest.raises(BuildFailed, match="nothing is published"):
        grade_linkage(world, settings)
    build = settings.builds / "2026-06-30-0123456789ab"
    (settings.published / build.name).mkdir(parents=True)
    (settings.published / "current").symlink_to(build.name)
    with pytest.raises(BuildFailed, match="own file is gone"):
        grade_linkage(world, settings)
    build.mkdir(parents=True)
    with duckdb.connect(str(build / "build.duckdb")) as file:
        file.execute("CREATE TABLE nothing (i INTEGER)")
    with pytest.raises(BuildFailed, match=r"no core\.entity_link"):
        grade_linkage(world, settings)


def test_links_are_read_from_the_file_of_the_published_build(tmp_path: Path) -> None:
    settings = Settings.from_environment({"CITYBRAIN_HOME": str(tmp_path), "CITYBRAIN_CITY": "linlan"})
    world = World(7, 0.01, "990185")
    pair = true_pairs(world).slice(0, 1).to_pylist()[0]
    build = settings.builds / "2026-06-30-0123456789ab"
    build.mkdir(parents=True)
    (settings.published / build.name).mkdir(parents=True)
    (settings.published / "current").symlink_to(build.name)
    rows = told((LEFT, pair["left_no"], "x", False, False), (RIGHT, pair["right_no"], "x", False, False))
    with duckdb.connect(str(build / "build.duckdb")) as file:
        file.register("rows", rows)
        file.execute("CREATE SCHEMA core; CREATE TABLE core.entity_link AS SELECT * FROM rows")
    grade = grade_linkage(world, settings)
    assert (grade.true_n, grade.precision, grade.recall) == (1, 1, 1)


def test_the_grade_is_shown_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    linkage = Linkage(4, {"code": (2, 2), "likeness": (2, 1)})
    reports.show_linkage(linkage)
    reports.show_linkage(None)
    assert "4 true pairs, 4 found: precision 75.00%, recall 75.00%" in " ".join(capsys.readouterr().out.split())
    reports.write_json(Grade("b", date(2026, 7, 1), 1, 0.01), [], tmp_path / "grade.json", linkage)
    told = json.loads((tmp_path / "grade.json").read_text(encoding="utf-8"))["linkage"]
    assert told == {
        "true_n": 4, "found": {"code": [2, 2], "likeness": [2, 1]}, "found_n": 4, "precision": 0.75, "recall": 0.75,
    }  # fmt: skip
