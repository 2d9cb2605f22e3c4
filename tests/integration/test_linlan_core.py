"""Every model of the demo city over a lake in which nothing is: its SQL stands, its worked examples come out, and no
threshold, code or clock is in it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
import sqlglot
import yaml
from test_marts_built import ALLOWED, STRUCTURAL, clocks_in, literals_in

from lake.engine import connect
from lake.marts import pins as pinning
from lake.marts import transform
from lake.marts.build import _make_lake
from lake.settings import PROJECT_ROOT, Settings

pytestmark = pytest.mark.long  # tests/integration/test_linlan_whole.py asks the same of two weeks of rows

TODAY = date(2026, 6, 30)
PRIVATE = "build.duckdb"
PROJECT = PROJECT_ROOT / "dbt_project"
ALLOWED_HERE: dict[str, str] = {
    "0.05": "the 5th percentile, which a column's name says",
    "1.0": "one, where a quotient must not be whole",
    "2": "squares, and both sides of an interval",
    "3": "months in a quarter, terms of a mean",
    "4": "steps of a scale of five points",
    "60": "seconds in a minute, minutes in an hour",
    "100": "per cent",
    "1000.0": "metres in a kilometre, residents of a rate",
    "10000": "万, by which yuan and residents are counted",
    "10000.0": "the same",
    "86400.0": "seconds in a day",
    "万": "the character by which an amount in words says ten thousand",
    **dict.fromkeys(("red", "orange", "yellow", "blue"), "colour of a risk, key of the seed of the four colours"),
    **dict.fromkeys(
        ("equipment", "events", "hazards", "inherent", "inspection", "overdue"),
        "component made in the same statement, weighed by a seed",
    ),
    **dict.fromkeys(("appeal", "complaint", "gas_alarm", "hazard"), "kind of sign made in the same statement"),
    **dict.fromkeys(
        ("enterprises", "fires", "gas_alarms", "lifts", "sites", "sources"), "factor made in the same statement"
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private file with all of Linlan's models over empty tables; their tests hold, their unit tests were run."""
    settings = Settings.from_environment(
        {
            "CITYBRAIN_HOME": str(tmp_path_factory.mktemp("home")),
            "CITYBRAIN_ROOT": str(PROJECT_ROOT),
            "CITYBRAIN_CITY": "linlan",
        }
    )
    settings.make_home()
    made = settings.builds / "empty"
    made.mkdir(parents=True)
    pins = pinning.collect(settings, TODAY)
    _make_lake(settings, pins, [], made / PRIVATE)
    outcome = transform.run(settings, pins, made, made / PRIVATE, with_seeds=True)
    assert outcome.models >= 250 and outcome.tests >= 250
    nodes = transform.invoke(settings, pins, made, made / PRIVATE, ["test", "--select", "test_type:unit"])
    transform.write_json(
        made / "unit_tests.json",
        {node.node.name: str(node.status) for node in nodes if node.node.resource_type == "unit_test"},
    )
    with connect(settings, made / PRIVATE, read_only=True) as duck:
        built = duck.execute(
            "SELECT table_name, list((column_name, replace(data_type, ' ', '')) ORDER BY column_index) "
            "FROM duckdb_columns() WHERE schema_name = 'core' AND database_name = current_database() GROUP BY 1"
        ).fetchall()
    (made / "core.json").write_text(json.dumps(dict(built)), encoding="utf-8")
    return made


def test_every_worked_example_comes_out(folder: Path) -> None:
    statuses = json.loads((folder / "unit_tests.json").read_text(encoding="utf-8"))
    assert {name: status for name, status in statuses.items() if status != "pass"} == {}
    assert len(statuses) >= 25


@pytest.fixture(scope="module")
def trees(folder: Path) -> dict[str, sqlglot.exp.Expression]:
    compiled = folder / "target" / "compiled" / "citybrain" / "models"
    return {
        path.stem: sqlglot.parse_one(path.read_text(encoding="utf-8"), read="duckdb")
        for path in compiled.rglob("*.sql")
        if not any(part.endswith(".yml") for part in path.parts)
    }


def test_no_threshold_and_no_code_stands_in_sql(trees: dict[str, sqlglot.exp.Expression]) -> None:
    found = {name: literals_in(tree) - STRUCTURAL - set(ALLOWED) - set(ALLOWED_HERE) for name, tree in trees.items()}
    assert {name: sorted(literals) for name, literals in found.items() if literals} == {}
    used = {literal for tree in trees.values() for literal in literals_in(tree)}
    assert set(ALLOWED_HERE) - used == set(), "an allowance nobody needs any more"


def test_no_model_looks_at_the_clock_or_throws_dice(trees: dict[str, sqlglot.exp.Expression]) -> None:
    assert {name: clocks_in(tree) for name, tree in trees.items() if clocks_in(tree)} == {}


def test_the_core_is_what_was_promised(folder: Path) -> None:
    promised = {}
    for path in (PROJECT / "column_contracts").glob("*.yml"):
        contract = yaml.safe_load(path.read_text(encoding="utf-8"))
        if contract["built"]:
            promised[contract["table"]] = {c["name"]: c["type"].upper().replace(" ", "") for c in contract["columns"]}
    built = json.loads((folder / "core.json").read_text(encoding="utf-8"))
    assert len(promised) >= 40
    wrong = {
        table: sorted(set(columns.items()) - {(name, kind) for name, kind in built.get(table, [])})
        for table, columns in promised.items()
    }
    assert {table: columns for table, columns in wrong.items() if columns} == {}
