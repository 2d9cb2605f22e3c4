"""A city's own thresholds and cells of standard tables, by the SQL that the macros write."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import jinja2
import pytest

MACROS = Path(__file__).parents[2] / "dbt_project" / "macros" / "thresholds.sql"
TYPES = {"band": "varchar", "r_from": "integer", "valid_from": "date", "valid_to": "date"}


@pytest.fixture(scope="module")
def macros() -> Any:
    """The macros as dbt has them, with what they ask of dbt."""
    text = re.sub(r"{% macro in_unit_test.*?{%- endmacro %}", "", MACROS.read_text(encoding="utf-8"), flags=re.DOTALL)
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    seed = SimpleNamespace(resource_type="seed", name="std_band", config=SimpleNamespace(column_types=TYPES))
    environment.globals |= {
        "ref": lambda name: name,
        "as_of": lambda: "DATE '2026-07-01'",
        "in_unit_test": lambda: False,
        "execute": True,
        "graph": SimpleNamespace(nodes={"seed": seed}),
    }
    return environment.from_string(text).module


@pytest.fixture
def duck() -> duckdb.DuckDBPyConnection:
    duck = duckdb.connect()
    duck.execute(
        """
        CREATE TABLE threshold(threshold_id VARCHAR, value DECIMAL(18, 6), valid_from DATE, valid_to DATE);
        CREATE TABLE threshold_override AS FROM threshold;
        INSERT INTO threshold VALUES ('days', 30, '2000-01-01', '2026-01-01'), ('days', 20, '2026-01-01', NULL);
        CREATE TABLE std_band AS FROM (VALUES ('red', 20, DATE '2000-01-01', NULL::DATE),
            ('orange', 15, DATE '2000-01-01', NULL), ('old', 1, DATE '2000-01-01', DATE '2020-01-01'))
            AS t(band, r_from, valid_from, valid_to);
        CREATE TABLE std_override(table_name VARCHAR, row_key VARCHAR, column_name VARCHAR, value VARCHAR,
            valid_from DATE, valid_to DATE);
        """
    )
    return duck


def test_a_city_sets_a_threshold_for_a_time(macros: Any, duck: duckdb.DuckDBPyConnection) -> None:
    def days() -> int:
        return int(duck.execute(f"SELECT {macros.threshold('days')}").fetchall()[0][0])

    assert days() == 20
    duck.execute("INSERT INTO threshold_override VALUES ('days', 12, '2025-01-01', '2026-07-01')")
    assert days() == 20, "no longer in force"
    duck.execute(
        "INSERT INTO threshold_override VALUES ('days', 14, '2026-07-01', NULL), ('other', 1, '2000-01-01', NULL)"
    )
    assert days() == 14


def test_a_city_sets_a_cell_of_a_standard_table(macros: Any, duck: duckdb.DuckDBPyConnection) -> None:
    def rows(macro: Any) -> list[tuple[Any, ...]]:
        return duck.execute(f"SELECT band, r_from FROM {macro('std_band', ['band'])} ORDER BY band").fetchall()

    assert rows(macros.std) == [("old", 1), ("orange", 15), ("red", 20)]
    duck.execute(
        "INSERT INTO std_override VALUES ('std_band', 'red', 'r_from', '18', '2026-01-01', NULL), "
        "('std_band', 'orange', 'r_from', '9', '2027-01-01', NULL), "
        "('std_other', 'red', 'r_from', '1', '2026-01-01', NULL)"
    )
    assert rows(macros.std) == [("old", 1), ("orange", 15), ("red", 18)]
    assert rows(macros.std_in_force) == [("orange", 15), ("red", 18)]
