"""Derived is derived: building day by day, whatever arrives in whatever order, equals building from scratch."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from marts_lake import (
    COLLISIONS,
    DEFECTS,
    DISTRICTS,
    LAST,
    REQUESTS,
    WEATHER,
    SyntheticLake,
    carried,
    differences,
    elsewhere,
    originals,
)

from lake import marts
from lake.settings import PROJECT_ROOT, Settings


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return originals(PROJECT_ROOT / "samples" / "queens", tmp_path_factory.mktemp("originals"))


def build(settings: Settings, lake: SyntheticLake, as_of: date) -> marts.Build:
    made = marts.build(settings, as_of, pins=lake.pins(as_of))
    marts.publish(made, settings)
    return made


def from_scratch(settings: Settings, lake: SyntheticLake, as_of: date, home: Path) -> marts.Build:
    return marts.build(elsewhere(settings, home), as_of, pins=lake.pins(as_of))


@pytest.mark.long  # every day's eight builds are those of the demo city, with every model: test_linlan_whole
def test_eight_builds_in_any_order_equal_one_from_scratch(settings: Settings, source: Any, tmp_path: Path) -> None:
    lake = SyntheticLake(settings, source)
    day = LAST - timedelta(days=7)  # Sunday 2022-10-16
    after = [day + timedelta(days=n) for n in range(8)]
    steps: list[marts.Build] = []

    # 1. History: everything but one early week of patrols and one of weather.
    gap = "ds NOT BETWEEN DATE '2022-08-29' AND DATE '2022-09-04'"
    for table in (REQUESTS, COLLISIONS):
        lake.deliver(table, f"ds <= DATE '{day}'")
    for table in (DEFECTS, WEATHER):
        lake.deliver(table, f"ds <= DATE '{day}' AND {gap}")
    lake.deliver(DISTRICTS)
    steps.append(build(settings, lake, day))
    # 2. An ordinary day; the police are late.
    for table in (REQUESTS, DEFECTS, WEATHER):
        lake.deliver(table, f"ds = DATE '{after[1]}'")
    steps.append(build(settings, lake, after[1]))
    # 3. The police deliver two days at once, patrols miss one.
    for table in (REQUESTS, WEATHER):
        lake.deliver(table, f"ds = DATE '{after[2]}'")
    lake.deliver(COLLISIONS, f"ds BETWEEN DATE '{after[1]}' AND DATE '{after[2]}'")
    steps.append(build(settings, lake, after[2]))
    # 4. A correction: the same file day again, with every second defect closed and moved off the map.
    lake.deliver(
        DEFECTS,
        rows=f"SELECT * REPLACE ('Closed' AS status, created_at + INTERVAL 5 HOUR AS closed_at, 0 AS latitude, "
        f"0 AS longitude) FROM {DEFECTS} WHERE ds = DATE '{after[1]}' AND unique_key % 2 = 0",
    )
    lake.deliver(REQUESTS, f"ds = DATE '{after[3]}'")
    steps.append(build(settings, lake, after[3]))
    # 5. A day replaced: a third of its crashes are gone, another third happened the day before.
    kept = f"SELECT * FROM {COLLISIONS} WHERE ds = DATE '{day}' AND collision_id % 3 = 0"
    moved = (
        f"SELECT * REPLACE (DATE '{after[0] - timedelta(days=1)}' AS crash_on, "
        f"DATE '{after[0] - timedelta(days=1)}' AS ds) FROM {COLLISIONS} "
        f"WHERE ds = DATE '{day}' AND collision_id % 3 = 1 UNION ALL "
        f"SELECT * FROM {COLLISIONS} WHERE ds = DATE '{after[0] - timedelta(days=1)}'"
    )
    lake.deliver(COLLISIONS, rows=f"{kept} UNION ALL {moved}", replace=True)
    lake.deliver(DEFECTS, f"ds = DATE '{after[4]}'")
    # And a fifth of Monday's defects is withdrawn by a mark that says nothing but which.
    lake.deliver(
        DEFECTS,
        rows=f"SELECT * REPLACE (DATE '{after[4]}' AS ds, NULL AS created_at, NULL AS status) FROM {DEFECTS} "
        f"WHERE ds = DATE '{after[1]}' AND unique_key % 5 = 0",
        withdrawn=True,
    )
    steps.append(build(settings, lake, after[4]))
    # 6. Backfill out of order: the early week at last, older versions of cases that are known to be closed.
    lake.deliver(DEFECTS, f"NOT ({gap})")
    lake.deliver(WEATHER, f"NOT ({gap})")
    lake.deliver(REQUESTS, f"ds BETWEEN DATE '{after[4]}' AND DATE '{after[5]}'")
    steps.append(build(settings, lake, after[5]))
    # 7. Back to an earlier day: what came later must be forgotten.
    steps.append(build(settings, lake, after[1]))
    assert differences(steps[-1], from_scratch(settings, lake, after[1], tmp_path / "scratch-7")) == {}
    # 8. Forward again; a day of patrols is withdrawn, and the borders of two districts change.
    lake.withdraw(DEFECTS, day)
    lake.deliver(
        DISTRICTS,
        rows=f"SELECT * REPLACE (CASE boro_cd WHEN 401 THEN 402 WHEN 402 THEN 401 ELSE boro_cd END AS boro_cd, "
        f"DATE '2022-10-01' AS ds) FROM {DISTRICTS}",
    )
    for table in (REQUESTS, DEFECTS, COLLISIONS, WEATHER):
        lake.deliver(table, f"ds > DATE '{after[5]}'")
    steps.append(build(settings, lake, LAST))

    assert [carried(step) for step in steps] == [False] + [True] * 7
    with duckdb.connect(str(steps[-1].folder / "build.duckdb"), read_only=True) as duck:
        gone = "SELECT count(*) FROM core.fct_case_state WHERE is_withdrawn AND known_to_on IS NULL"
        (withdrawn,) = duck.execute(gone).fetchone() or (0,)
        (counted,) = duck.execute(
            "SELECT count(*) FROM core.fct_case SEMI JOIN (SELECT case_key FROM core.fct_case_state "
            "WHERE is_withdrawn AND known_to_on IS NULL) USING (case_key)"
        ).fetchone() or (0,)
    assert withdrawn > 10 and counted == 0
    assert differences(steps[-1], from_scratch(settings, lake, LAST, tmp_path / "scratch-8")) == {}
    assert differences(steps[6], steps[1]) != {}, "the late crashes of step 3 are known in step 7"


def test_an_unchanged_lake_is_not_built_again(settings: Settings, source: Any) -> None:
    lake = SyntheticLake(settings, source)
    lake.deliver(REQUESTS, "ds = DATE '2022-10-17'")
    lake.deliver(DISTRICTS)
    first = build(settings, lake, date(2022, 10, 17))
    again = marts.build(settings, date(2022, 10, 17), pins=lake.pins(date(2022, 10, 17)))
    assert (first.is_new, again.is_new, again.build_id) == (True, False, first.build_id)
