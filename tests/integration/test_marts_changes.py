"""Which published figures changed, and because of which deliveries, is a query on the published file."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from marts_lake import COLLISIONS, DEFECTS, DISTRICTS, LAST, REQUESTS, WEATHER, SyntheticLake, originals

from lake import briefs, marts
from lake.marts import changes
from lake.settings import PROJECT_ROOT, Settings


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return originals(PROJECT_ROOT / "samples" / "queens", tmp_path_factory.mktemp("originals"))


def ask(file: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(file), read_only=True) as duck:
        return duck.execute(sql).fetchall()


def test_a_late_and_a_corrected_delivery_are_named_with_what_they_changed(
    settings: Settings, source: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = SyntheticLake(settings, source)
    day, next_day = LAST - timedelta(days=7), LAST - timedelta(days=6)
    late = day - timedelta(days=3)
    for table in (REQUESTS, WEATHER):
        lake.deliver(table, f"ds <= DATE '{day}'")
    lake.deliver(COLLISIONS, f"ds <= DATE '{day}' AND ds <> DATE '{late}'")
    lake.deliver(DEFECTS, f"ds <= DATE '{day}'")
    lake.deliver(DISTRICTS)
    first = marts.publish(marts.build(settings, day, pins=lake.pins(day)), settings)
    assert ask(first, "SELECT build_no FROM about.published") == [(1,)]
    for table in ("changed_partitions", "changed_values", "restated", "changed_figures"):
        assert ask(first, f"SELECT count(*) FROM about.{table}") == [(0,)], table
    assert len(briefs.issue("B01", day, settings, scopes=["4"])) == 1
    issued = ask(
        first, f"SELECT crashes_n FROM overview.city_daily WHERE division_code = '4' AND day_on = DATE '{day}'"
    )

    # The police correct the day itself, a day of theirs comes late, and the next day comes from everybody.
    lake.deliver(
        COLLISIONS, rows=f"SELECT * FROM {COLLISIONS} WHERE ds = DATE '{day}' AND collision_id % 2 = 0", replace=True
    )
    lake.deliver(COLLISIONS, f"ds = DATE '{late}'")
    for table in (REQUESTS, DEFECTS, WEATHER):
        lake.deliver(table, f"ds = DATE '{next_day}'")
    took: list[float] = []
    write = changes.write

    def timed(*arguments: Any, **named: Any) -> None:
        begun = time.perf_counter()
        write(*arguments, **named)
        took.append(time.perf_counter() - begun)

    monkeypatch.setattr(changes, "write", timed)
    second = marts.publish(marts.build(settings, next_day, pins=lake.pins(next_day)), settings)
    assert took[0] < 10, "two seconds on a quiet machine"

    partitions = ask(second, "SELECT dataset, day, why FROM about.changed_partitions WHERE build_no = 2 ORDER BY ALL")
    assert partitions == [
        ("queens.dot.street_defect", next_day, "new"),
        ("queens.nyc311.service_request", next_day, "new"),
        ("queens.nypd.collision", late, "late"),
        ("queens.nypd.collision", day, "corrected"),
        ("queens.weather.hourly_weather", next_day, "new"),
    ]
    now = ask(second, f"SELECT crashes_n FROM overview.city_daily WHERE division_code = '4' AND day_on = DATE '{day}'")
    assert now != issued
    told = ask(
        second,
        "SELECT before, after FROM about.changed_values WHERE mart = 'city_daily' AND column_name = 'crashes_n' "
        f"AND key = 'division_code=4, day_on={day}'",
    )
    assert told == [(str(issued[0][0]), str(now[0][0]))]
    # Every difference is there, and nothing else: held against the two files without our code.
    with duckdb.connect() as duck:
        duck.execute(f"ATTACH '{first}' AS one (READ_ONLY); ATTACH '{second}' AS other (READ_ONLY)")
        columns = [name for (name,) in duck.execute(
            "SELECT column_name FROM duckdb_columns() WHERE database_name = 'one' AND table_name = 'city_daily' "
            "AND column_name NOT IN ('division_code', 'day_on')").fetchall()]  # fmt: skip
        differing = sum(
            duck.execute(
                "SELECT count(*) FROM one.overview.city_daily a JOIN other.overview.city_daily b "
                f"USING (division_code, day_on) WHERE a.{column} IS DISTINCT FROM b.{column}"
            ).fetchone()[0]
            for column in columns
        )
    counted = "SELECT count(*) FROM about.changed_values WHERE mart = 'city_daily' AND column_name <> '(row)'"
    assert ask(second, counted) == [(differing,)]

    crashes = ask(
        second,
        "SELECT before, after, list(DISTINCT dataset || ' ' || day || ' ' || why ORDER BY 1) "
        "FROM about.changed_figures WHERE figure = 'crashes' AND brief = 'B01' AND scope = '4' GROUP BY ALL",
    )
    ((before, after, because),) = crashes
    assert (float(before), float(after)) == (issued[0][0], now[0][0])
    assert {f"queens.nypd.collision {day} corrected", f"queens.nypd.collision {late} late"} <= set(because)
    # The file answers under any name it is attached by.
    with duckdb.connect() as duck:
        duck.execute(f"ATTACH '{second}' AS anything (READ_ONLY)")
        assert duck.execute("SELECT count(*) FROM anything.about.changed_figures").fetchone() != (0,)

    # A third build carries the answer on; once a correction is issued, nothing is left to restate.
    briefs.issue("B01", day, settings, scopes=["4"])
    lake.withdraw(DEFECTS, day - timedelta(days=20))
    third = marts.publish(marts.build(settings, next_day, pins=lake.pins(next_day)), settings)
    assert ask(third, "SELECT build_no, count(*) FROM about.changed_partitions GROUP BY 1 ORDER BY 1") == [
        (2, 5),
        (3, 1),
    ]
    assert ask(third, "SELECT day, why FROM about.changed_partitions WHERE build_no = 3") == [
        (day - timedelta(days=20), "withdrawn")
    ]
    assert ask(third, "SELECT figure FROM about.restated WHERE figure LIKE 'crashes%'") == []
