"""The demo city's public safety (S04 S05 S06 S17 S18 S19 S22 S23): rows, dirt, contracts and truth agree."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from demo_city.days import BEGINS_ON, ENDS_ON, Days
from demo_city.departments import (
    s04_police,
    s05_traffic_police,
    s06_fire,
    s17_weather,
    s18_hydrology,
    s19_health,
    s22_education,
    s23_transport,
)
from demo_city.departments.protocol import Rows
from demo_city.world import World
from lake.admission.row_rules import compile_rule
from lake.admission.suites import Severity, read_suite
from lake.admission.typing import cast_sql
from lake.contracts import contract_for
from lake.contracts.model import Contract, Treatment
from lake.settings import Settings

MODULES = (
    s04_police,
    s05_traffic_police,
    s06_fire,
    s17_weather,
    s18_hydrology,
    s19_health,
    s22_education,
    s23_transport,
)
DATASETS = {dataset.dataset: dataset for module in MODULES for dataset in module.SOURCE.datasets}
SETTINGS = Settings(root=Path(__file__).parents[2], home=Path("var"), city="linlan")
DAYS = Days(date(2026, 5, 31), date(2026, 6, 13))
"""A first of a month, the change of the datum and the rainstorm of June lie in it."""
YEAR = Days(date(2025, 7, 1), date(2026, 6, 30))
SEED = 5
BY_TRAIT = {
    "zero_finding", "bulk_entry", "received_utc", "old_datum_unlabelled", "stuck", "revised_later",
    "by_reporting_date", "old_area_code", "grade_roman", "grade_missing", "coordinates_swapped", "test_alert",
    "cancel_without_issue", "effective_utc", "loss_unknown", "loss_in_yuan",
}  # fmt: skip
"""Patterns that a place, an officer or a day has, not each row for itself; and those of too few rows."""


@cache
def world() -> World:
    return World(SEED)


@cache
def rows(name: str) -> Rows:
    return DATASETS[name].rows(world(), DAYS)


def contract_of(name: str) -> Contract:
    return contract_for(name, DAYS.last, SETTINGS)


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_rows_are_those_of_their_days_in_whatever_pieces(name: str) -> None:
    made, fresh = rows(name), _fresh()
    later = DATASETS[name].rows(fresh, Days(DAYS.first + timedelta(days=9), DAYS.last))
    first = DATASETS[name].rows(fresh, Days(DAYS.first, DAYS.first + timedelta(days=8)))
    assert made.table.num_rows > 0
    assert made.table.equals(pa.concat_tables([first.table, later.table]))
    moved = later.dirt.set_column(0, "row", pc.add(later.dirt["row"], first.table.num_rows))
    assert made.dirt.equals(pa.concat_tables([first.dirt, moved]))


@cache
def _fresh() -> World:
    return World(SEED)


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_the_gate_finds_the_dirt_that_is_told_and_no_more(name: str) -> None:
    made, contract = rows(name), contract_of(name)
    # Each row's key is the one the lake will write.
    parts = [made.table[column.source_name].cast(pa.string()) for column in contract.key]
    key = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, "|")
    assert made.dirt["key"].equals(pc.take(key, made.dirt["row"]))
    told: dict[str | None, set[int]] = {}
    rule_of = {pattern.name: pattern for pattern in DATASETS[name].patterns}
    for row, pattern in zip(made.dirt["row"].to_pylist(), made.dirt["pattern"].to_pylist(), strict=True):
        told.setdefault(rule_of[pattern].rule, set()).add(row)
        told.setdefault(rule_of[pattern].caught_by, set()).add(row)
    again = told.get("unchanged", set())
    failing = _failing(made.table, contract)
    uncast = failing.pop("typing")  # such rows never come before the rules
    assert uncast == told.get("typing", set())
    for rule, found in failing.items():
        assert found - again - uncast == told.get(rule, set()) - uncast, rule
    # What repeats is like an earlier row, and nothing else does.
    shown = made.table.drop_columns(["_day"])
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("shown", shown.append_column("n", pa.array(range(shown.num_rows))))
        every = ", ".join(f'"{column}"' for column in shown.column_names)
        if not name.endswith("bridge"):  # a register that is given every day anew
            sql = f"SELECT n FROM shown QUALIFY row_number() OVER (PARTITION BY {every} ORDER BY n) > 1"
            assert {row for (row,) in connection.execute(sql).fetchall()} == again


def _failing(table: pa.Table, contract: Contract) -> dict[str, set[int]]:
    """Rows that fail the rules of the suite, cast as admission casts; ``typing`` has the cells that do not cast."""
    columns, bad = [], []
    for column in contract.columns:
        text = f'"{column.source_name}"::VARCHAR'
        if pa.types.is_floating(table.schema.field(column.source_name).type):
            text = f"regexp_replace({text}, '\\.0$', '')"
        for marker in contract.null_markers:
            text = f"nullif({text}, '{marker}')"
        cast = cast_sql(text, column.type, column.format, contract.zone)
        columns.append(f'{cast} AS "{column.name}"')
        bad.append(f"({text} IS NOT NULL AND {cast} IS NULL)")
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'Asia/Shanghai'")
        connection.register("delivered", table.append_column("n", pa.array(range(table.num_rows))))
        connection.execute(f"CREATE TABLE typed AS SELECT n, {', '.join(columns)} FROM delivered")
        tests = {"typing": f"SELECT n FROM delivered WHERE {' OR '.join(bad)}"}
        for expectation in read_suite(contract, SETTINGS).expectations:
            unique = expectation.type.endswith("_unique")  # of rows without the repetitions only
            if expectation.is_row_level and expectation.severity is not Severity.CRITICAL and not unique:
                tests[expectation.id] = f"SELECT n FROM typed WHERE {compile_rule(expectation, 'typed').fails}"
        return {rule: {row for (row,) in connection.execute(sql).fetchall()} for rule, sql in tests.items()}


def test_dirt_is_as_frequent_as_declared() -> None:
    checked = 0
    for name, dataset in DATASETS.items():
        made = rows(name)
        for pattern in dataset.patterns:
            planted = pc.sum(pc.equal(made.dirt["pattern"], pattern.name)).as_py() or 0
            expected = pattern.rate * made.table.num_rows
            if pattern.name not in BY_TRAIT and expected >= 15:
                checked += 1
                assert abs(planted - expected) <= 4 * np.sqrt(expected) + 0.1 * expected, (name, pattern.name)
    assert checked >= 15


PERSONAL = r"(?:^|[^0-9A-Za-z])1[02]\d{9}(?:[^0-9A-Za-z]|$)|澜[A-Z][0-9A-Z]{5}"
"""A telephone or a plate of the city."""


def test_every_kept_column_is_free_of_people() -> None:
    seen = 0
    for name in DATASETS:
        contract, table = contract_of(name), rows(name).table
        for column in contract.columns:
            text = table[column.source_name].cast(pa.string())
            is_personal = pc.any(pc.match_substring_regex(text, PERSONAL)).as_py()
            seen += bool(is_personal)
            assert not (is_personal and column.treatment is Treatment.KEEP), (name, column.name)
    assert seen >= 15  # plates, telephones, texts


def test_wet_and_foggy_hours_have_more_crashes() -> None:
    made, hourly = s05_traffic_police.crashes(world(), YEAR), world().life.weather(YEAR)
    hour = (made["at"].astype("datetime64[h]") - hourly["hour"][0]).astype(np.int64)
    counts = np.bincount(hour, minlength=hourly.rows_n)
    daytime = (np.arange(hourly.rows_n) % 24 >= 7) & (np.arange(hourly.rows_n) % 24 < 20)
    wet = hourly["rain_mm"] > 3
    assert counts[wet & daytime].mean() > 1.25 * counts[~wet & daytime].mean()
    rush = np.isin(np.arange(hourly.rows_n) % 24, (7, 8, 17))
    assert counts[rush].mean() > 1.5 * counts.mean()


def test_deaths_are_restated_within_thirty_days_and_only_upwards() -> None:
    made = s05_traffic_police.crashes(world(), Days(BEGINS_ON, ENDS_ON))
    later = ~np.isnat(made["corrected_on"])
    wait = (made["corrected_on"] - made["day"])[later].astype(np.int64)
    assert later.sum() >= 3 and wait.min() >= 1 and wait.max() < 30
    assert (made["deaths_final"] - made["deaths_first"] == later).all()


def test_diseases_become_known_over_weeks() -> None:
    weeks = s19_health.SOURCE.events(world(), YEAR)["disease_week"].to_pandas()
    known = weeks[[f"n_week{k}" for k in range(7)]].to_numpy()
    assert (np.diff(known, axis=1) >= 0).all() and (known[:, -1] <= weeks["n_final"]).all()
    assert 0.5 < known[:, 0].sum() / weeks["n_final"].sum() < 0.95
    flu = weeks[weeks["disease"] == "D01"].groupby(weeks["week_on"].astype(str).str[:7])["n_final"].sum()
    assert flu["2025-12"] > 4 * flu["2025-08"]


def test_what_is_planted_is_there() -> None:
    life = world().life
    fires = s06_fire.SOURCE.events(world(), YEAR)["fire_alarm"]
    steps = life.precursors("S06", YEAR)
    events = steps.where(steps["what"] == "event")
    assert events.rows_n >= 5
    assert set(events["at"].tolist()) <= set(np.asarray(fires["at"]).astype("datetime64[m]").tolist())
    crash = life.precursors("S05", YEAR)
    assert crash.rows_n == (s05_traffic_police.crashes(world(), YEAR)["chain_no"] >= 0).sum() > 0
    absent = s22_education.SOURCE.events(world(), YEAR)["school_absence"].to_pandas()
    cluster = absent[absent["is_cluster"]]
    assert len(cluster) and (cluster["symptom_n"] >= 10).all()
    assert life.precursors("S22", YEAR)["school_i"].min() >= 0
    calls = s19_health.SOURCE.events(world(), YEAR)["ems_call"].to_pandas()
    poisoned = life.precursors("S19", YEAR)
    assert (poisoned["kind"] == "food").any() and (calls["category"] == "食物中毒").sum() >= 3
    hurt = s05_traffic_police.crashes(world(), YEAR)
    assert (calls["category"] == "交通事故").sum() >= ((hurt["injuries"] + hurt["deaths_final"]) > 0).sum() - 1
