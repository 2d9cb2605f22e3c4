"""The demo city's production (S07 S08 S12 S13 S20 S33 S35): rows, dirt and truth agree with each other."""

from __future__ import annotations

import functools
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from demo_city.days import Days
from demo_city.departments import (
    s07_emergency,
    s08_readiness,
    s12_housing,
    s13_gas,
    s20_market,
    s33_assessment,
    s35_resources,
)
from demo_city.departments.protocol import Dataset, Rows
from demo_city.world import World
from lake.admission.row_rules import compile_rule
from lake.admission.suites import read_suite
from lake.admission.typing import cast_sql
from lake.contracts import contract_for
from lake.contracts.model import Contract, Treatment
from lake.settings import Settings

MODULES = (s07_emergency, s08_readiness, s12_housing, s13_gas, s20_market, s33_assessment, s35_resources)
DATASETS = {dataset.dataset: dataset for module in MODULES for dataset in module.SOURCE.datasets}
ROOT = Path(__file__).parents[2]
DAYS = Days(date(2026, 5, 25), date(2026, 6, 7))
SEED = 7


@pytest.fixture(scope="module")
def world() -> World:
    return World(SEED, 0.01)


@pytest.fixture(scope="module")
def again() -> World:
    return World(SEED, 0.01)


@pytest.fixture(scope="module")
def made(world: World) -> dict[str, Rows]:
    """Three weeks of every dataset; of the quarterly ones half a year."""
    return {name: dataset.rows(world, _days_of(dataset)) for name, dataset in DATASETS.items()}


def _days_of(dataset: Dataset) -> Days:
    return Days(date(2026, 1, 1), DAYS.last) if getattr(dataset.system, "every", "") == "quarter" else DAYS


@functools.cache
def _contract(name: str) -> tuple[Contract, Settings]:
    settings = Settings(root=ROOT, home=ROOT / "var", city="linlan")
    return contract_for(name, DAYS.last, settings), settings


def _typed(connection: duckdb.DuckDBPyConnection, rows: Rows, contract: Contract) -> None:
    """The table ``typed``: the rows as admission casts them, hashed columns as they are; ``n`` is the row's place."""
    table = rows.table.append_column("n", pa.array(range(rows.table.num_rows), pa.int64()))
    connection.register("delivered", table)
    kinds = {field.name: field.type for field in table.schema}

    def text(name: str) -> str:
        kind = kinds[name]
        if pa.types.is_timestamp(kind):
            return f"strftime(\"{name}\", '%Y-%m-%d %H:%M:%S')"
        return f'"{name}"::VARCHAR'

    cells = []
    for column in contract.columns:
        cell = f"nullif({text(column.source_name)}, '')"
        cast = (
            cast_sql("cell", column.type, column.format, contract.zone)
            if column.treatment is Treatment.KEEP
            else "cell"
        )
        cells.append((column.name, cell, cast))
    inner = ", ".join(f'{cell} AS "c_{name}"' for name, cell, _ in cells)
    outer = ", ".join(
        f'{(cast or "").replace("cell", chr(34) + "c_" + name + chr(34))} AS "{name}"' for name, _, cast in cells
    )
    raw = ", ".join(f'"c_{name}"' for name, *_ in cells)
    connection.execute(
        f"CREATE TABLE typed AS SELECT n, ds, {outer}, {raw} FROM (SELECT n, _day AS ds, {inner} FROM delivered)"
    )


@pytest.mark.parametrize("name", DATASETS)
def test_every_rule_fails_on_the_rows_that_are_planted_for_it_and_on_no_other(name: str, made: dict[str, Rows]) -> None:
    dataset, rows = DATASETS[name], made[name]
    contract, settings = _contract(name)
    shown = [column for column in rows.table.column_names if not column.startswith("_")]
    assert shown == [column.source_name for column in contract.columns if column.source_name != "crs"]
    of_pattern = {pattern.name: pattern for pattern in dataset.patterns}
    planted: dict[str, set[int]] = {pattern.rule: set() for pattern in dataset.patterns if pattern.rule}
    for row, pattern in zip(rows.dirt["row"].to_pylist(), rows.dirt["pattern"].to_pylist(), strict=True):
        if of_pattern[pattern].rule:
            planted[of_pattern[pattern].rule].add(row)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'Asia/Shanghai'")
        _typed(connection, rows, contract)
        uncast = " OR ".join(
            f'("c_{c.name}" IS NOT NULL AND "{c.name}" IS NULL)'
            for c in contract.columns
            if c.treatment is Treatment.KEEP
        )
        required = " OR ".join(f'"{c.name}" IS NULL' for c in contract.columns if c.required)
        found = {r for (r,) in connection.execute(f"SELECT n FROM typed WHERE {uncast}").fetchall()}
        assert found == planted.pop("typing", set())
        missing = {r for (r,) in connection.execute(f"SELECT n FROM typed WHERE {required}").fetchall()} - found
        assert missing <= {r for rule in planted.values() for r in rule}, "required cells that are not there"
        for expectation in read_suite(contract, settings).expectations:
            if not expectation.is_row_level or expectation.severity == "critical":
                continue
            rule = compile_rule(expectation, "typed")
            failing = {r for (r,) in connection.execute(f"SELECT n FROM typed WHERE {rule.fails}").fetchall()}
            wanted = planted.pop(expectation.id, set())
            assert failing == wanted, f"{expectation.id}: {len(failing)} rows fail, {len(wanted)} are planted"
        assert not planted, f"rules the suite does not have: {sorted(planted)}"


@pytest.mark.parametrize("name", DATASETS)
def test_dirt_names_the_key_and_comes_as_often_as_it_says(name: str, made: dict[str, Rows]) -> None:
    dataset, rows = DATASETS[name], made[name]
    contract, _ = _contract(name)
    keys = [rows.table[column.source_name] for column in sorted(contract.key, key=lambda c: c.key_position or 0)]
    texts = [[str(value) for value in column.take(rows.dirt["row"]).to_pylist()] for column in keys]
    assert ["|".join(parts) for parts in zip(*texts, strict=True)] == rows.dirt["key"].to_pylist()
    counts, n = Counter(rows.dirt["pattern"].to_pylist()), rows.table.num_rows
    assert set(counts) <= {pattern.name for pattern in dataset.patterns}
    for pattern in dataset.patterns:
        # A register's row is dirty on every day it stands: what counts is how many things there are.
        things = n / (len(set(rows.table["_day"].to_pylist())) if _is_register(dataset) else 1)
        spread = 4.5 * np.sqrt(pattern.rate * max(things, 1)) + 0.5 * pattern.rate * things + 3
        assert abs(counts[pattern.name] * things / max(n, 1) - pattern.rate * things) <= spread, pattern.name


def _is_register(dataset: Dataset) -> bool:
    return _contract(dataset.dataset)[0].mode == "snapshot"


@pytest.mark.parametrize("name", DATASETS)
def test_a_stretch_of_days_is_its_days_one_after_the_other(name: str, world: World, again: World) -> None:
    dataset = DATASETS[name]
    last = _days_of(dataset).first if getattr(dataset.system, "every", "") in ("month", "quarter") else date(2026, 6, 7)
    days = Days(last - timedelta(days=10), last + timedelta(days=3))
    middle = days.first + timedelta(days=4)
    parts = [Days(days.first, middle), Days(middle + timedelta(days=1), days.last)]
    whole, pieces = dataset.rows(world, days), [dataset.rows(again, part) for part in parts]
    assert whole.table.equals(
        pa.concat_tables([piece.table for piece in pieces], promote_options="permissive").cast(whole.table.schema)
    )
    shift = [0, pieces[0].table.num_rows]
    rows = [row + by for piece, by in zip(pieces, shift, strict=True) for row in piece.dirt["row"].to_pylist()]
    assert whole.dirt["row"].to_pylist() == rows
    assert whole.dirt["key"].to_pylist() == [key for piece in pieces for key in piece.dirt["key"].to_pylist()]


def test_what_comes_before_an_event_is_recorded(world: World) -> None:
    days = Days(date(2024, 6, 1), date(2026, 11, 30))
    firm, steps = s07_emergency.firms(world), world.life.precursors("S07", days)
    event_at = dict(zip(world.life.chains["chain_no"].tolist(), world.life.chains["event_at"], strict=True))
    seen, found = s07_emergency.inspections(world, days), s07_emergency.hazards(world, days)
    hit = s07_emergency.accidents(world)
    told = Counter()
    for what, at, chain, enterprise in zip(
        steps["what"], steps["at"], steps["chain_no"].tolist(), steps["enterprise_i"], strict=True
    ):
        if chain not in event_at:
            continue
        end = event_at[chain]
        own = seen["firm_i"] == int(np.flatnonzero(firm["enterprise_i"] == enterprise)[0])
        within = (
            own
            & (seen["checked_at"] >= at.astype("M8[D]") + 1)
            & (seen["checked_at"] < min(end, np.datetime64(days.last)))
        )
        if what == "overdue_inspection":
            assert not (within & (seen["kind"] != s07_emergency.SELF)).any()
        elif what == "selfcheck_gap":
            assert not (within & (seen["kind"] == s07_emergency.SELF)).any()
        elif what == "overdue_hazard":
            one = found.where(found["found_at"] == at.astype("M8[s]"))
            assert one.rows_n and one["due_on"][0] < end and not one["closed_at"][0] < end
        else:
            assert (hit["at"] == at.astype("M8[s]")).any()
        told[what] += 1
    assert set(told) == {"overdue_inspection", "selfcheck_gap", "overdue_hazard", "event"}
    heard = s13_gas.alarms(world, days)
    wanted = world.life.precursors("S13", days)
    wanted = wanted["at"][np.isin(wanted["what"], ["leak_alarm", "main_damage"])]
    assert len(wanted) and set(wanted.astype("M8[s]")) <= set(heard["at"])
