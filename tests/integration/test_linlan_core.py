"""Linlan's way into the core, without its departments: codes, places and states by hand-written rows, and its SQL."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import sqlglot
from test_marts_built import ALLOWED, STRUCTURAL, clocks_in, literals_in

from lake.marts import pins as pinning
from lake.marts import transform
from lake.marts.build import _make_lake
from lake.settings import PROJECT_ROOT, Settings

TODAY = date(2026, 6, 30)
PRIVATE = "build.duckdb"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private file with Linlan's seeds and staging over empty tables, its unit tests run."""
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
    nodes = transform.invoke(
        settings, pins, made, made / PRIVATE, ["build", "--select", "path:seeds", "path:models/staging"]
    )
    by_kind: dict[str, dict[str, str]] = {}
    for node in nodes:
        by_kind.setdefault(str(node.node.resource_type), {})[node.node.name] = str(node.status)
    transform.write_json(made / "nodes.json", by_kind)
    return made


def test_linlans_codes_places_and_states_come_out_as_the_seeds_say(folder: Path) -> None:
    import json

    nodes = json.loads((folder / "nodes.json").read_text(encoding="utf-8"))
    bad = {
        name: status for kind in nodes.values() for name, status in kind.items() if status not in ("success", "pass")
    }
    assert bad == {}
    assert set(nodes["unit_test"]) == {
        "old_codes_odd_names_and_void_cases_of_linlan", "a_place_in_metres_of_either_zone_comes_to_its_degrees",
    }  # fmt: skip
    assert {"input_case", "input_division", "input_traffic_crash", "input_weather_hour"} <= set(nodes["model"])


def test_no_threshold_code_or_clock_stands_in_linlans_sql(folder: Path) -> None:
    compiled = folder / "target" / "compiled" / "citybrain" / "models" / "staging" / "linlan"
    trees = {
        path.stem: sqlglot.parse_one(path.read_text(encoding="utf-8"), read="duckdb")
        for path in compiled.rglob("*.sql")
        if path.stem.startswith(("stg_", "input_"))
    }
    assert len(trees) == 10
    found = {name: literals_in(tree) - STRUCTURAL - set(ALLOWED) for name, tree in trees.items()}
    assert {name: literals for name, literals in found.items() if literals} == {}
    assert {name for name, tree in trees.items() if clocks_in(tree)} == set()
