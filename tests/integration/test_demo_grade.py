"""`citybrain demo grade` against a lake that was loaded for real: as it is, and falsified."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
import trial_city
from typer.testing import CliRunner

from demo_city.cli import app
from demo_city.grade import report as reports
from demo_city.grade.dirt import Grade, grade_dirt
from demo_city.grade.product import read_product
from demo_city.truth import read_truth, write_truth
from demo_city.world import World
from lake.contracts.model import Window
from lake.errors import SchemaDrift
from lake.load import load
from lake.settings import Settings

SEED = 5
"""Of this one deliveries come late, twice and never."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Settings]:
    """The city's home with its truth, and a lake that has loaded it. Shared: copy before you change."""
    room = tmp_path_factory.mktemp("trial")
    world = World(SEED, 0.01)
    drop = trial_city.laid(room / "city", world)
    write_truth(world, trial_city.DAYS, room / "city", sources=[trial_city.SOURCE], indicators=[], leads=[])
    settings = Settings.from_environment(
        {
            "CITYBRAIN_CITY": "linlan",
            "CITYBRAIN_HOME": str(room / "lake"),
            "CITYBRAIN_ROOT": str(trial_city.project(room / "project")),
            "CITYBRAIN_CONN_TRIAL_DROP": drop.as_uri(),
        }
    )
    settings.make_home()
    drift, a_day = trial_city.DRIFTS_ON, timedelta(days=1)
    load(trial_city.DATASET, Window(trial_city.DAYS.first, drift - a_day), settings)
    with pytest.raises(SchemaDrift):
        load(trial_city.DATASET, Window(drift, drift), settings)
    load(trial_city.DATASET, Window(drift + a_day, trial_city.DAYS.last), settings)
    trial_city.publish(settings, trial_city.DAYS.last)
    return room / "city", settings


def graded(home: Path, settings: Settings) -> Grade:
    with read_truth(home) as truth:
        return grade_dirt(truth, read_product(settings, truth))


def test_everything_catchable_is_found_and_nothing_else(made: tuple[Path, Settings], tmp_path: Path) -> None:
    home, settings = made
    grade = graded(home, settings)
    assert not grade.findings and not grade.not_loaded
    assert (reports.missed(grade), reports.wrongly(grade)) == (0, 0)
    assert grade.good_rows > 2000
    by_pattern = {line.pattern: line for line in grade.patterns}
    with read_truth(home) as truth:
        planted = dict(truth.execute("SELECT pattern, count(*) FROM dirt GROUP BY pattern").fetchall())
        planted |= dict(truth.execute("SELECT pattern, count(*) FROM delivery_dirt GROUP BY pattern").fetchall())
    assert {name: line.planted for name, line in by_pattern.items()} == planted
    for name in ("test_row", "word_for_number", "negative", "too_high", "sent_twice", "late", "missing", "double"):
        assert by_pattern[name].caught == by_pattern[name].catchable > 0, name
    assert by_pattern["drift_renamed"].caught == 1
    assert (by_pattern["wrong_place"].catchable, by_pattern["wrong_place"].note) == (0, "not graded here")

    environment = {"CITYBRAIN_CITY": "linlan", "CITYBRAIN_HOME": str(settings.home),
                   "CITYBRAIN_ROOT": str(settings.root)}  # fmt: skip
    told = CliRunner().invoke(
        app, ["grade", "--home", str(home), "--json", str(tmp_path / "grade.json")], env=environment
    )
    assert told.exit_code == 0, told.output
    assert "0.0000%" in told.output
    assert json.loads((tmp_path / "grade.json").read_text())["is_well"] is True


def _without_a_quarantined_row(settings: Settings) -> None:
    path = max((settings.quarantine / "trial" / "reading").glob("*.parquet"), key=lambda path: path.stat().st_size)
    duckdb.execute(f"COPY (SELECT * FROM read_parquet('{path}') OFFSET 1) TO '{path}.new' (FORMAT parquet)")
    Path(f"{path}.new").replace(path)


def _published(statement: str) -> Callable[[Settings], None]:
    def change(settings: Settings) -> None:
        with duckdb.connect(str(settings.published / "current" / "marts.duckdb")) as published:
            (changed,) = published.execute(statement).fetchone() or (0,)
            assert changed

    return change


ONE_DAY = "day = (SELECT max(day) FROM about.{} WHERE {})"


@pytest.mark.parametrize(
    ("falsify", "missed", "wrongly", "finding"),
    [
        (_without_a_quarantined_row, 1, 0, "records are said to be held back"),
        (_published(f"DELETE FROM about.warnings WHERE check_id = 'not_negative' "
                    f"AND {ONE_DAY.format('warnings', 'true')}"), None, 0, None),
        (_published("UPDATE about.warnings SET failed_n = failed_n + 4 WHERE check_id = 'not_too_high' "
                    f"AND {ONE_DAY.format('warnings', 'true')}"), 0, 4, None),
        (_published(f"UPDATE about.counts SET accepted = accepted - 2 "
                    f"WHERE {ONE_DAY.format('counts', 'accepted > 0')}"), 0, 0, "2 rows fewer than were written"),
        (_published("UPDATE about.counts SET state = 'committed' WHERE state = 'held'"), None, 0, "rows fewer than"),
        (_published(f"DELETE FROM about.counts WHERE {ONE_DAY.format('counts', 'accepted > 0')}"), None, None,
         "not there"),
    ],
    ids=["row gone", "warning gone", "warnings too many", "count altered", "hold hidden", "day gone"],
)  # fmt: skip
def test_a_falsified_table_is_noticed(
    made: tuple[Path, Settings], tmp_path: Path, falsify: Callable[[Settings], None],
    missed: int | None, wrongly: int | None, finding: str | None,
) -> None:  # fmt: skip
    home, settings = made
    copy = replace(settings, home=tmp_path / "lake")
    for room in ("published", "quarantine"):
        shutil.copytree(settings.home / room, copy.home / room, symlinks=True)
    falsify(copy)
    grade = graded(home, copy)
    assert not reports.is_well(grade)
    if missed is not None:
        assert reports.missed(grade) == missed
    if wrongly is not None:
        assert reports.wrongly(grade) == wrongly
    assert (
        any(finding in told for told in grade.findings) if finding else reports.missed(grade) + reports.wrongly(grade)
    )
