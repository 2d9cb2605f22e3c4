"""The demo city's networks (S11 S14 S15 S16 S21 S24 S25 S27 S28 S29 S30 S34): rows, dirt and truth agree."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from demo_city.days import Days
from demo_city.departments import (
    s11_rental,
    s14_power,
    s15_water,
    s16_environment,
    s21_civil,
    s24_statistics,
    s25_finance,
    s27_device,
    s28_express,
    s29_smart,
    s30_tourism,
    s34_party,
)
from demo_city.departments.protocol import Rows
from demo_city.world import World
from lake.admission.row_rules import compile_rule
from lake.admission.suites import Severity, read_suite
from lake.admission.typing import cast_sql
from lake.contracts import contract_for
from lake.contracts.model import Contract
from lake.settings import Settings

MODULES = (
    s11_rental,
    s14_power,
    s15_water,
    s16_environment,
    s21_civil,
    s24_statistics,
    s25_finance,
    s27_device,
    s28_express,
    s29_smart,
    s30_tourism,
    s34_party,
)
DATASETS = {dataset.dataset: dataset for module in MODULES for dataset in module.SOURCE.datasets}
ROOT = Path(__file__).parents[2]
SETTINGS = Settings(root=ROOT, home=ROOT / "var", city="linlan")
DAYS = Days(date(2026, 5, 31), date(2026, 6, 4))
"""A Monday that is the first of a month among them."""


@pytest.fixture(scope="module")
def world() -> World:
    return World(11, 0.01)


@pytest.fixture(scope="module")
def made(world: World) -> dict[str, Rows]:
    return {name: dataset.rows(world, DAYS) for name, dataset in DATASETS.items()}


def test_rows_are_those_of_their_days_whoever_asks(made: dict[str, Rows]) -> None:
    other = World(11, 0.01)
    for name, dataset in DATASETS.items():
        parts = [dataset.rows(other, Days(*ends)) for ends in _pieces()]
        assert pa.concat_tables(part.table for part in parts).equals(made[name].table), name
        rows = np.cumsum([0, *(part.table.num_rows for part in parts)])
        dirt = [
            (row + before, pattern, key)
            for before, part in zip(rows, parts, strict=False)
            for row, pattern, key in zip(*part.dirt.to_pydict().values(), strict=True)
        ]
        assert dirt == list(zip(*made[name].dirt.to_pydict().values(), strict=True)), name


def _pieces() -> Iterator[tuple[date, date]]:
    yield date(2026, 5, 31), date(2026, 6, 1)
    yield date(2026, 6, 2), date(2026, 6, 4)


def test_a_smaller_city_is_a_cut_of_the_greater_one() -> None:
    day = Days(date(2026, 6, 1), date(2026, 6, 1))
    small, great = World(11, 0.003), World(11, 0.012)
    for name, area in AREAS.items():
        tables = [DATASETS[name].rows(world, day).table for world in (small, great)]
        with duckdb.connect() as connection:
            connection.register("a", tables[0])
            connection.register("b", tables[1])
            connection.register("shared", pa.table({"code": sorted(_codes(small) & _codes(great))}))
            shared = f'SELECT * FROM a WHERE "{area}" IN (FROM shared)'
            row = connection.execute(
                f"SELECT count(*), (SELECT count(*) FROM ({shared})) FROM ({shared} EXCEPT ALL FROM b)"
            )
            found = row.fetchone()
        assert found is not None and found[0] == 0 and found[1] > 0, name


AREAS = {
    "linlan.rental.tenancy": "XZJDDM",
    "linlan.power.meter_day": "ORG_AREA",
    "linlan.device.status_day": "townshipCode",
    "linlan.express.building_day": "AREA_CODE",
    "linlan.smart.alarm": "areaCode",
}


def _codes(world: World) -> set[str]:
    return set(world.city.township["code"][world.city.township["is_active"]])


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_the_gate_sees_the_dirt_and_nothing_else(name: str, made: dict[str, Rows]) -> None:
    dataset, rows = DATASETS[name], made[name]
    contract = contract_for(name, DAYS.last, SETTINGS)
    delivered = [column for column in rows.table.column_names if not column.startswith("_")]
    assert [column.source_name for column in contract.columns] == delivered
    dirty: dict[str, set[int]] = {pattern.name: set() for pattern in dataset.patterns}
    for row, pattern in zip(rows.dirt["row"].to_pylist(), rows.dirt["pattern"].to_pylist(), strict=True):
        dirty[pattern].add(row)
    # Of a row that is there twice the gate sees one.
    twice = dirty.get("sent_twice", set())
    failing = _failing(rows, contract)
    for pattern in dataset.patterns:
        expected = dirty[pattern.name]
        rate = len(expected) / rows.table.num_rows
        slack = 4 * np.sqrt(pattern.rate / rows.table.num_rows)
        if pattern.name in BY_ROW:
            assert abs(rate - pattern.rate) <= slack + 0.15 * pattern.rate, (pattern.name, rate, pattern.rate)
        if pattern.rule in failing:
            assert expected <= failing[pattern.rule], pattern.name
    caught = set().union(*failing.values()) - twice
    assert caught <= set().union(*dirty.values()), sorted(caught - set().union(*dirty.values()))[:5]
    # A row is told by the key that the lake will have.
    at = rows.dirt["row"].to_numpy()
    names = [column.source_name for column in contract.key]
    texts = [rows.table.column(one).take(pa.array(at)).cast(pa.string()).to_pylist() for one in names]
    assert ["|".join(parts) for parts in zip(*texts, strict=True)] == rows.dirt["key"].to_pylist()


BY_ROW = ("estimated", "negative", "meter_swap", "no_reading", "signal_lost", "offline", "flagged", "minus_99",
          "limit_missing", "many_spellings", "heartbeat", "gate_fault", "footnote")  # fmt: skip
"""Patterns drawn for each row; those that a thing has for long come in lumps."""


def _failing(rows: Rows, contract: Contract) -> dict[str, set[int]]:
    """Rows that fail each rule of the suite when they are cast as admission casts them; ``typing`` for a bad cell."""
    kinds = {field.name: field.type for field in rows.table.schema}
    columns, bad = [], []
    for column in contract.columns:
        cell = f'"{column.source_name}"'
        text = (
            f"regexp_replace({cell}::VARCHAR, '\\.0$', '')"
            if pa.types.is_floating(kinds[column.source_name])
            else f"{cell}::VARCHAR"
        )
        cast = cast_sql(text, column.type, column.format, contract.zone)
        columns.append(f'{cast} AS "{column.name}"')
        bad.append(f"({cell} IS NOT NULL AND {cast} IS NULL)")
    found: dict[str, set[int]] = {}
    with duckdb.connect(config={"threads": 1}) as connection:
        numbered = rows.table.append_column("n", pa.array(np.arange(rows.table.num_rows)))
        connection.register("delivered", numbered)
        connection.execute(f"CREATE TABLE typed AS SELECT n, {', '.join(columns)} FROM delivered")
        tests = {"typing": f"SELECT n FROM delivered WHERE {' OR '.join(bad)}"}
        for expectation in read_suite(contract, SETTINGS).expectations:
            if expectation.is_row_level and expectation.severity is not Severity.CRITICAL:
                tests[expectation.id] = f"SELECT n FROM typed WHERE {compile_rule(expectation, 'typed').fails}"
        for name, sql in tests.items():
            found[name] = set(connection.execute(sql).fetchnumpy()["n"].tolist())
    return found


def test_flats_let_by_the_bed_differ_from_their_peers(world: World, made: dict[str, Rows]) -> None:
    flat = world.city.flat
    first, last = np.datetime64(DAYS.first), np.datetime64(DAYS.last)
    group = np.flatnonzero((flat["group_from"] <= first - 30) & (flat["group_to"] > last))
    assert len(group) >= 5
    numbers = pa.array(np.asarray(flat["flat_no"])[group].astype("U20"))
    with duckdb.connect() as connection:
        connection.register("power", made["linlan.power.meter_day"].table)
        connection.register("water", made["linlan.water.usage_day"].table)
        connection.register("groups", pa.table({"flat_no": numbers}))
        night: dict[bool, float] = dict(
            connection.execute(
                "SELECT ADDR_KEY IN (FROM groups), median(KWH_22_06 / KWH) FROM power "
                "WHERE CONS_SORT = '出租' AND KWH > 0.5 AND READ_TYPE = '实抄' GROUP BY 1"
            ).fetchall()
        )
        used: dict[bool, float] = dict(
            connection.execute(
                'SELECT "地址编码" IN (FROM groups), median("用水量") FROM water '
                'WHERE "用水量" BETWEEN 0 AND 30 GROUP BY 1'
            ).fetchall()
        )
    assert night[True] > night[False] + 0.1
    assert used[True] > 1.8 * used[False]
    bikes = s29_smart.events(world, DAYS)["ebike_flat"]
    of = dict(zip(bikes["flat_i"].to_pylist(), bikes["bikes_n"].to_pylist(), strict=True))
    # Only communities with the app register bikes.
    assert np.mean([of.get(int(one), 0) >= 4 for one in group]) > 0.3
    assert np.mean([count >= 4 for count in of.values()]) < 0.1


def test_heat_and_storm_show_in_power_water_and_depth(world: World) -> None:
    weather = world.life.weather_daily(Days(date(2026, 5, 1), date(2026, 6, 30)))
    hot, wet = weather["day"][weather["temp_max_c"].argmax()], weather["day"][weather["rain_mm"].argmax()]
    mild = np.datetime64("2026-05-12")

    def on(day: np.datetime64, dataset: str, column: str) -> float:
        table = DATASETS[dataset].rows(world, Days(day.item(), day.item())).table
        return float(np.nansum(np.clip(table.column(column).to_numpy(), 0, 2.5e3)))

    assert on(hot, "linlan.power.meter_day", "KWH") > 1.15 * on(mild, "linlan.power.meter_day", "KWH")
    assert on(wet, "linlan.water.flood_point", "depth") > 3 * on(mild, "linlan.water.flood_point", "depth")


def test_every_precursor_is_recorded(world: World) -> None:
    """Each kind of record that chains and scenarios want of these sources is there, at its place and on its day."""
    life = world.life
    begun = np.datetime64("2025-01-01")
    wanted = {
        "S14": ("power_anomaly", "zero_usage"),
        "S15": ("pipe_leak",),
        "S16": ("event",),
        "S21": ("visit_overdue",),
        "S25": ("clue",),
        "S29": ("lift_alarm", "device_silent"),
    }
    for source, whats in wanted.items():
        steps = life.precursors(source)
        assert set(steps["what"]) <= set(whats)
        for what in whats:
            own = steps.where((steps["what"] == what) & (steps["at"] >= begun))
            if own.rows_n:
                assert _is_recorded(world, what, own.where([0])), (source, what)


def _is_recorded(world: World, what: str, step: dict[str, np.ndarray]) -> bool:  # type: ignore[type-arg]
    city, on = world.city, step["at"][0].astype("datetime64[D]")
    monday = on - int((on.astype(np.int64) + 3) % 7)

    def rows(name: str, day: np.datetime64) -> pa.Table:
        return DATASETS[name].rows(world, Days(day.item(), day.item())).table

    with duckdb.connect() as connection:
        if what in ("power_anomaly", "zero_usage"):
            table = rows("linlan.power.meter_day", on)
            test = (
                "LEAK_CNT >= 5 AND ADDR_KEY = ?"
                if what == "power_anomaly"
                else "coalesce(KWH, 0) <= 3 AND ADDR_KEY = ?"
            )
            if what == "power_anomaly":
                of = city.building["building_no"][step["building_i"][0]]
            else:
                of = city.flat["flat_no"][step["flat_i"][0]]
        elif what == "pipe_leak":
            table, test = rows("linlan.water.telemetry_hour", on), "coalesce(NOISE_DB, 60) > 50 AND GRID = ?"
            of = city.grid["grid_id"][step["grid_i"][0]]
        elif what == "event":
            table = rows("linlan.environment.emission_hour", on)
            test, of = "value > 1.5 * permitLimit AND creditCode = ?", city.enterprise["uscc"][step["enterprise_i"][0]]
        elif what == "visit_overdue":
            sunday = monday + 6
            table, of = rows("linlan.civil.elder_care", monday), city.flat["flat_no"][step["flat_i"][0]]
            test = f"ZJTF <= DATE '{sunday}' - 7 AND DZBM = ?"
        elif what == "clue":
            table, test = rows("linlan.finance.clue_week", monday), '"线索编号" LIKE ?'
            of = f"XS%{step['chain_no'][0]}%{step['step_no'][0]}"
        else:
            table = rows("linlan.smart.alarm", on)
            kind = "梯控电瓶车" if what == "lift_alarm" else "关爱设备失联"
            test, of = f"type = '{kind}' AND building = ?", city.building["building_no"][step["building_i"][0]]
        connection.register("t", table)
        found = connection.execute(f"SELECT count(*) FROM t WHERE {test}", [str(of)]).fetchone()
    return bool(found and found[0])
