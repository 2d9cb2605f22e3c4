"""The demo city as its engineers have it: every real system, every contract, the marts, a brief, the grade."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
import sqlglot
from linlan_lake import UNTIL, Linlan, Story, loaded
from marts_lake import CARRIED, build_unchecked, carried, differences, elsewhere
from test_linlan_core import ALLOWED_HERE
from test_marts_built import ALLOWED, STRUCTURAL, clocks_in, literals_in

from demo_city.days import Days
from demo_city.departments import datasets
from demo_city.grade.indicators import grade_indicators
from demo_city.truth import read_truth, write_truth
from lake import marts
from lake.contracts import load_contracts
from lake.contracts.model import Contract, Treatment
from lake.engine import connect
from lake.marts import pins as pinning
from lake.marts import transform
from lake.marts.people import person_columns
from lake.reconcile import reconcile
from lake.settings import Settings

DAYS = 15
FIRST = UNTIL - timedelta(days=DAYS - 1)


@pytest.fixture(scope="module")
def linlan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Linlan]:
    """Two weeks of it."""
    with loaded(tmp_path_factory.mktemp("linlan"), DAYS) as made:
        yield made


def test_every_source_has_contracts_and_every_contract_a_source(linlan: Linlan) -> None:
    delivered = {dataset.dataset: dataset for dataset in datasets()}
    assert set(delivered) == {contract.dataset for contract in load_contracts(linlan.settings)}
    assert {dataset.source for dataset in delivered.values()} == {f"S{number:02}" for number in range(1, 36)}


def test_no_record_is_lost_and_what_is_refused_is_told(linlan: Linlan) -> None:
    told = {dataset: str(error) for dataset, error in linlan.refused.items()}
    for message in told.values():
        assert "dataset=linlan." in message and "day=2026-" in message and "Remedy:" in message
    accounts = reconcile(linlan.settings)
    assert accounts and not [account for account in accounts if account.unaccounted]
    assert sum(account.delivered for account in accounts) > 20_000


def test_no_personal_value_of_the_departments_is_in_the_lake(linlan: Linlan) -> None:
    personal: set[str] = set()
    contracts = {contract.dataset: contract for contract in load_contracts(linlan.settings)}
    for dataset in datasets():
        rows = dataset.rows(linlan.departments.world, Days(FIRST, UNTIL)).table
        for column in _personal(contracts[dataset.dataset]):
            if column in rows.column_names:
                texts = rows.column(column).cast("string").unique().to_pylist()
                personal |= {text for text in texts if text and len(text) >= 7 and not text.isspace()}
    # A business may stand where a person does; its name is on its door.
    personal -= set(linlan.departments.world.city.enterprise["name_zh"])
    assert len(personal) > 3_000
    with connect(linlan.settings) as connection:
        connection.execute("CREATE TABLE personal AS SELECT unnest($texts) AS value", {"texts": sorted(personal)})
        found = [hit for path in _tables(linlan.settings) for hit in _hits(connection, path)]
    assert found == []


def _personal(contract: Contract) -> list[str]:
    """Columns that the lake must not hold as they are delivered."""
    return [column.source_name for column in contract.columns if column.treatment is not Treatment.KEEP]


def _tables(settings: Settings) -> list[Path]:
    return [
        path for path in settings.home.rglob("*.parquet") if not {"landing", "quarantine", "staging"} & set(path.parts)
    ]


def _hits(connection: duckdb.DuckDBPyConnection, path: Path) -> list[tuple[str, str]]:
    """File and column in which a personal value stands as a cell."""
    described = connection.execute(f"DESCRIBE SELECT * FROM read_parquet('{path}')").fetchall()
    texts = [name for name, kind, *_ in described if kind == "VARCHAR"]
    return [
        (path.name, name)
        for name in texts
        if connection.execute(
            f"""SELECT count(*) FROM read_parquet('{path}') AS told JOIN personal ON told."{name}" = personal.value"""
        ).fetchone()[0]
    ]


@pytest.fixture(scope="module")
def published(linlan: Linlan) -> Linlan:
    """Its marts, built from scratch and published."""
    marts.publish(marts.build(linlan.settings, UNTIL), linlan.settings)
    return linlan


@pytest.mark.timeout(900)
def test_eight_builds_in_any_order_equal_one_from_scratch(linlan: Linlan, tmp_path: Path) -> None:
    story = Story(linlan.settings, tmp_path / "home", first=UNTIL - timedelta(days=5))
    settings, lake = story.settings, story.lake
    builds = [build_unchecked(settings, lake, story.told_to, *CARRIED)]
    while story.told_to < UNTIL:
        builds.append(build_unchecked(settings, lake, story.next_day(), *CARRIED))
    # Back to an earlier day, and forward again with all that was held back.
    builds.append(build_unchecked(settings, lake, UNTIL - timedelta(days=3), *CARRIED))
    story.finish()
    builds.append(build_unchecked(settings, lake, UNTIL))
    assert [carried(made) for made in builds] == [False] + [True] * 7
    other = elsewhere(settings, tmp_path / "scratch")
    assert differences(builds[-1], build_unchecked(other, lake, UNTIL)) == {}


def test_every_mart_answers_its_own_question_and_the_cookbook_runs(published: Linlan) -> None:
    failures = marts.example_failures(published.settings) + marts.cookbook_failures(published.settings)
    # Two weeks of one township leave many a question without an answer; none may fail to be asked.
    assert [failure for failure in failures if "answers nothing" not in failure] == []


def test_no_threshold_code_or_clock_stands_in_the_sql_of_a_model(published: Linlan) -> None:
    build = published.settings.builds / (published.settings.published / "current").readlink().name
    compiled = build / "target" / "compiled" / "citybrain" / "models"
    trees = {
        path.stem: sqlglot.parse_one(path.read_text(encoding="utf-8"), read="duckdb")
        for path in compiled.rglob("*.sql")
        if not any(part.endswith(".yml") for part in path.parts)
    }
    assert len(trees) >= 250
    found = {name: literals_in(tree) - STRUCTURAL - set(ALLOWED) - set(ALLOWED_HERE) for name, tree in trees.items()}
    assert {name: sorted(literals) for name, literals in found.items() if literals} == {}
    used = {literal for tree in trees.values() for literal in literals_in(tree)}
    assert set(ALLOWED_HERE) - used == set(), "an allowance nobody needs any more"
    assert {name: clocks_in(tree) for name, tree in trees.items() if clocks_in(tree)} == {}


def test_a_fact_that_is_carried_on_names_every_table_it_stands_on(published: Linlan) -> None:
    build = published.settings.builds / (published.settings.published / "current").readlink().name
    pins = pinning.read(build)
    assert pins is not None
    manifest = transform.manifest(published.settings, pins, build)

    def tables(node: str) -> set[str]:
        if node in manifest.sources:
            return {manifest.sources[node].name} if manifest.sources[node].source_name == "lake" else set()
        above = manifest.nodes[node].depends_on.nodes if node.startswith("model.") else ()
        return set().union(*map(tables, above))

    unnamed = {}
    for name, node in manifest.nodes.items():
        asks_itself = any(re.search(r"_(touched|retold|link_day)$", above) for above in node.depends_on_nodes)
        if node.config.materialized == "incremental" and not asks_itself:
            hook = " ".join(hook.sql for hook in node.config.pre_hook)
            named = set(re.findall(r"'(\w+__\w+)'", hook))
            moved = {"grid__grid_register"} if "placed=true" in hook else set()
            unnamed[node.name] = tables(name) - named - moved
    assert len(unnamed) >= 25
    assert {name: sorted(left) for name, left in unnamed.items() if left} == {}


def test_every_worked_example_of_a_model_comes_out(published: Linlan, tmp_path: Path) -> None:
    build = published.settings.builds / (published.settings.published / "current").readlink().name
    pins = pinning.read(build)
    assert pins is not None
    shutil.copy(build / "build.duckdb", tmp_path / "build.duckdb")
    nodes = transform.invoke(
        published.settings, pins, tmp_path, tmp_path / "build.duckdb", ["test", "--select", "test_type:unit"]
    )
    examples = [node for node in nodes if node.node.resource_type == "unit_test"]
    assert {node.node.name: str(node.status) for node in examples if str(node.status) != "pass"} == {}
    tested = {node.node.tested_node_unique_id.split(".")[-1] for node in examples}
    # Those of New York's clock run on Queens: test_marts_built.
    assert {"fct_case_state", "city_daily", "hotline_performance", "hotline_topic_week", "response_time",
            "traffic_blackspot"} <= tested  # fmt: skip


def test_no_key_of_a_person_is_in_a_mart(published: Linlan) -> None:
    assert person_columns(published.settings) == []


def test_indicators_are_right_or_say_that_they_are_not_complete(published: Linlan, tmp_path: Path) -> None:
    write_truth(published.departments.world, Days(FIRST, UNTIL), tmp_path, leads=[])
    with read_truth(tmp_path) as truth:
        lines = grade_indicators(truth, published.settings)
    # Terms of two weeks and more leave nothing of some indicators complete after two weeks.
    graded = {line.indicator_id for line in lines if line.right or line.cautious}
    assert len(graded) >= 16, graded
    values = sum(line.values for line in lines)
    wrong = {
        (line.indicator_id, line.part, line.variant): line.wrong - line.wrong_unrecoverable
        for line in lines
        if line.wrong > line.wrong_unrecoverable
    }
    assert sum(wrong.values()) <= 0.03 * values, wrong
    assert sum(line.right + line.cautious for line in lines) >= 0.6 * values
