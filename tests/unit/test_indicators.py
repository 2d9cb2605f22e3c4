"""The catalogue of indicators: versions that follow each other, and a change computed backwards."""

from __future__ import annotations

import ast
import csv
import json
import re
from datetime import date
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from lake.cli import app
from lake.marts.indicators import VersionMissing, backcast
from lake.settings import Settings

PROJECT = Path(__file__).parents[2] / "dbt_project"
SEEDS = PROJECT / "seeds" / "std"


def seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def test_every_indicator_is_a_chain_of_versions_and_its_headline_is_a_part() -> None:
    parts = {(row["indicator_id"], row["part"], row["variant"]) for row in seed("indicator_part")}
    chains: dict[str, list[dict[str, str]]] = {}
    for row in seed("indicator"):
        assert (row["indicator_id"], row["part"], row["variant"]) in parts, row
        chains.setdefault(row["indicator_id"], []).append(row)
    assert set(chains) == {f"I{number:02d}" for number in range(1, 27)} == {part[0] for part in parts}
    for name, chain in chains.items():
        assert [int(row["version"]) for row in chain] == list(range(1, len(chain) + 1)), name
        assert all(earlier["valid_to"] == later["valid_from"] for earlier, later in pairwise(chain)), name
        assert chain[-1]["valid_to"] == "" and all(row["change_zh"] for row in chain[1:]), name


def test_the_roll_up_asks_of_each_model_the_inputs_it_stands_on() -> None:
    macros = (PROJECT / "macros" / "indicators.sql").read_text(encoding="utf-8")
    listed = dict(re.findall(r"'((?:tally|measure|unknown)_\w+)': (\[[^\]]*\])", macros))
    is_one = re.compile("(tally|measure|unknown)_").match
    models = {path.stem: path for path in (PROJECT / "models").rglob("*.sql") if is_one(path.name)}
    assert set(listed) == set(models)
    for name, path in models.items():
        fed_by = re.search(r"fed_by\(([^)]*)\)", path.read_text(encoding="utf-8"))
        assert set(ast.literal_eval(listed[name])) == set(re.findall(r"'(\w+)'", fed_by[1] if fed_by else "")), name


@pytest.fixture
def published(settings: Settings) -> Settings:
    """Two versions of I04 over two weeks: 80 satisfied and 10 nearly of 100, then none visited."""
    folder = settings.published / "current"
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "marts.duckdb")) as duck:
        duck.execute(
            """
            CREATE SCHEMA core; CREATE SCHEMA overview;
            CREATE TABLE core.dim_indicator AS FROM (VALUES
              ('I04', 1, '综合满意率', 'plain', 'HL06', NULL, 'satisfaction_rate', 'plain', DATE '2000-01-01',
               DATE '2026-01-01'),
              ('I04', 2, '综合满意率', '0.9', 'HL06', '折算', 'satisfaction_rate', 'weighted', DATE '2026-01-01', NULL),
              ('I01', 1, '受理诉求量', 'count', 'HL14', NULL, 'accepted', '', DATE '2000-01-01', NULL))
              AS t(indicator_id, version, name_zh, formula, std_no, change_zh, part, variant, valid_from_on,
                   valid_to_on);
            CREATE TABLE overview.indicator_value AS
            SELECT 'I04' AS indicator_id, 'satisfaction_rate' AS part, * REPLACE (value::DOUBLE AS value) FROM (VALUES
              ('plain', 'week', DATE '2026-05-04', DATE '2026-05-10', 'city', 'c', 0.90),
              ('weighted', 'week', DATE '2026-05-04', DATE '2026-05-10', 'city', 'c', 0.89),
              ('weighted', 'week', DATE '2026-05-11', DATE '2026-05-17', 'city', 'c', NULL),
              ('plain', 'day', DATE '2026-05-04', DATE '2026-05-04', 'city', 'c', 0.5))
              AS t(variant, window_kind, first_on, last_on, scope, division_code, value)
            """
        )
    return settings


def test_the_newest_two_versions_are_computed_over_the_same_windows(published: Settings) -> None:
    both = backcast(published, "I04", window_kind="week")
    assert (both.old.version, both.new.version) == (1, 2)
    assert [(one.first_on, one.old, one.new) for one in both.windows] == [
        (date(2026, 5, 4), 0.90, 0.89),
        (date(2026, 5, 11), None, None),
    ]
    assert both.windows[0].difference == pytest.approx(-0.01) and both.windows[1].difference is None
    with pytest.raises(VersionMissing, match="no two versions"):
        backcast(published, "I01")
    with pytest.raises(VersionMissing, match="no version 7"):
        backcast(published, "I04", new=7)


def test_the_difference_is_printed(published: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYBRAIN_HOME", str(published.home))
    monkeypatch.setenv("CITYBRAIN_CITY", published.city)
    shown = CliRunner().invoke(app, ["indicator", "diff", "I04", "--window", "week"])
    assert shown.exit_code == 0 and "-0.0100" in shown.stdout and "1 of 2 windows differ" in shown.stdout
    told = CliRunner().invoke(app, ["indicator", "diff", "I04", "--window", "week", "--json"])
    assert [row["new"] for row in json.loads(told.stdout)] == [0.89, None]
