"""A built and published home: its models' unit tests, its SQL, its numbers, its file, and what failure leaves of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
import yaml
from marts_lake import COLLISIONS, DEFECTS, DISTRICTS, REQUESTS, SyntheticLake, originals
from sqlglot import exp

from lake import marts
from lake.errors import BuildFailed
from lake.ledger import PartitionState
from lake.marts import indicators, transform
from lake.marts.indicators import VersionMissing
from lake.marts.query import QuestionRefused
from lake.settings import PROJECT_ROOT, Settings

DAY = date(2022, 10, 22)
PROJECT = PROJECT_ROOT / "dbt_project"


@dataclass
class Town:
    """A home with one published build, and a second one that is built only."""

    settings: Settings
    lake: SyntheticLake
    first: marts.Build
    second: marts.Build


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    home = tmp_path_factory.mktemp("home")
    settings = Settings.from_environment({"CITYBRAIN_HOME": str(home), "CITYBRAIN_ROOT": str(PROJECT_ROOT)})
    settings.make_home()
    lake = SyntheticLake(settings, originals(PROJECT_ROOT / "samples" / "queens", tmp_path_factory.mktemp("originals")))
    for table in (REQUESTS, DEFECTS):
        lake.deliver(table, f"ds <= DATE '{DAY}'")
    lake.deliver(COLLISIONS, f"ds <= DATE '{DAY - timedelta(days=3)}'")
    lake.deliver(DISTRICTS)  # the weather was never loaded
    held = [
        PartitionState("queens.nypd.collision", DAY - timedelta(days=2), "held", 31, 0, 0, 0, "d", "2022-10-23T06:00"),
        PartitionState(
            "queens.dot.street_defect", DAY, "committed", 40, 38, 2, 0, "d", "2022-10-23T06:00",
            ({"id": "few_rows", "column": None, "failed_n": 1, "reason": "few", "reason_zh": "记录偏少"},),
        ),
    ]  # fmt: skip
    first = marts.build(settings, DAY, pins=lake.pins(DAY, held))
    marts.publish(first, settings)
    for table in (REQUESTS, DEFECTS):
        lake.deliver(table, f"ds = DATE '{DAY + timedelta(days=1)}'")
    second = marts.build(settings, DAY + timedelta(days=1), pins=lake.pins(DAY + timedelta(days=1), held))
    return Town(settings, lake, first, second)


def ask(town: Town, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(town.settings.published / town.first.build_id / "marts.duckdb"), read_only=True) as duck:
        duck.execute("SET TimeZone = 'UTC'")
        return duck.execute(sql).fetchall()


# --- the models -----------------------------------------------------------------------------------------------------


def test_the_unit_tests_of_this_citys_own_models_and_clock_pass(town: Town, tmp_path: Path) -> None:
    """Those that every city has run on Linlan, see test_linlan_whole."""
    from lake.marts import pins

    read = pins.read(town.first.folder)
    assert read is not None
    shutil.copy(town.first.folder / "build.duckdb", tmp_path / "build.duckdb")
    own = ["path:models/staging/queens", "dim_reporting_window", "fct_case", "fct_weather_daily"]
    nodes = transform.invoke(
        town.settings,
        read,
        tmp_path,
        tmp_path / "build.duckdb",
        ["test", "--select", *(f"test_type:unit,{which}" for which in own)],
    )
    examples = [node for node in nodes if node.node.resource_type == "unit_test"]
    assert {node.node.name: str(node.status) for node in examples if str(node.status) != "pass"} == {}
    assert {node.node.tested_node_unique_id.split(".")[-1] for node in examples} == {
        "input_case", "stg_nypd__collision", "dim_reporting_window", "fct_case", "fct_weather_daily"}  # fmt: skip


def compiled(town: Town) -> dict[str, exp.Expression]:
    """SQL of every model, of a build from scratch and of one that was carried on."""
    models = {}
    for build in (town.first, town.second):
        folder = build.folder / "target" / "compiled" / "citybrain" / "models"
        files = [path for path in folder.rglob("*.sql") if not any(part.endswith(".yml") for part in path.parts)]
        log = json.loads((build.folder / transform.LOG).read_text(encoding="utf-8"))
        built = {node["node"].split(".")[-1] for node in log["nodes"] if node["node"].startswith("model.")}
        steps = {path.stem for path in (PROJECT / "models" / "methods").glob("*.py")}
        assert {path.stem for path in files} == built - steps and len(files) >= 45
        for path in files:
            tree = sqlglot.parse_one(path.read_text(encoding="utf-8"), read="duckdb")
            models[f"{build.build_id}/{path.stem}"] = tree
    return models


CLOCKS = {"now", "today", "current_date", "current_time", "current_timestamp", "current_datetime", "localtime",
          "localtimestamp", "get_current_time", "get_current_timestamp", "transaction_timestamp", "random", "rand",
          "uuid", "gen_random_uuid", "uuidv4", "uuidv7", "txid_current", "nextval"}  # fmt: skip


def clocks_in(tree: exp.Expression) -> set[str]:
    named = {(f.name if isinstance(f, exp.Anonymous) else f.sql_name()).lower() for f in tree.find_all(exp.Func)}
    bare = {column.name.lower() for column in tree.find_all(exp.Column) if not column.table}
    return (named | bare) & CLOCKS


def test_no_model_looks_at_the_clock_or_throws_dice(town: Town) -> None:
    assert {name: clocks_in(tree) for name, tree in compiled(town).items() if clocks_in(tree)} == {}
    for clock in ("now()", "current_date", "today()", "random()", "current_timestamp"):
        assert clocks_in(sqlglot.parse_one(f"select {clock}", read="duckdb")), clock


STRUCTURAL = {"0", "1", "-1"}
ALLOWED: dict[str, str] = {
    # numbers
    "7": "days in a week, by which an expectation steps back",
    "24": "hours in a day, to turn a threshold in days into hours",
    "3600": "seconds in an hour",
    "3600.0": "seconds in an hour",
    "100.0": "per cent",
    "1000": "thousandths: the unit of the map thresholds",
    "1000000": "square metres in a square kilometre",
    "0.09290304": "square metres in a square foot, exact",
    "0.5": "the median, which a column's name says",
    "0.9": "the 90th percentile, which a column's name says",
    # words of core itself
    "appeals": "measure of city_daily, kept in the seed case_source",
    "defects": "measure of city_daily, kept in the seed case_source",
    "appeals_n": "name of a column that was unpivoted",
    "defects_n": "name of a column that was unpivoted",
    "crashes_n": "name of a column that was unpivoted",
    "boundary": "subject of the seed feed",
    "crash": "subject of the seed feed",
    "weather": "subject of the seed feed",
    "committed": "state of the ledger",
    "day": "label form of the seed reporting_window_kind",
    "month": "label form of the seed reporting_window_kind",
    "noon": "label form of the seed reporting_window_kind",
    "quarter": "label form of the seed reporting_window_kind",
    "months": "label form of the seed reporting_window_kind",
}


def literals_in(tree: exp.Expression) -> set[str]:
    """Numbers outside types, and strings compared to something; ids of thresholds are names, not values."""
    found = set()
    comparisons = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.In, exp.Like, exp.ILike, exp.RegexpLike)
    for literal in tree.find_all(exp.Literal):
        parent = literal.parent
        if not literal.is_string:
            if not isinstance(parent, exp.DataTypeParam):
                found.add(literal.this)
        elif isinstance(parent, comparisons) or (isinstance(parent, exp.If) and literal.arg_key == "this"):
            beside = parent.this
            if not (isinstance(beside, exp.Column) and beside.name == "threshold_id"):
                found.add(literal.this)
    return found


def test_no_threshold_and_no_code_stands_in_sql(town: Town) -> None:
    used = {literal for tree in compiled(town).values() for literal in literals_in(tree)}
    assert used - STRUCTURAL - set(ALLOWED) == set()
    assert set(ALLOWED) - used == set(), "an allowance nobody needs any more"
    planted = sqlglot.parse_one(
        "select 1 from c where c.age > 30 and c.agency in ('DEP') and c.s like 'x%'", read="duckdb"
    )
    assert literals_in(planted) == {"1", "30", "DEP", "x%"}


def test_core_and_marts_know_no_city() -> None:
    for room in ("models/core", "models/marts", "macros"):
        for path in (PROJECT / room).rglob("*.sql"):
            assert not re.search(r"queens|nyc|new.york|nypd|linlan|9901", path.read_text(encoding="utf-8"), re.I), path


# --- the numbers ----------------------------------------------------------------------------------------------------


def test_daily_numbers_equal_those_counted_from_the_originals(town: Town) -> None:
    by_day = "timezone('America/New_York', created_at)::DATE"
    expected = town.lake.source.execute(
        f"SELECT {by_day} AS day, count(DISTINCT unique_key) FROM {REQUESTS} WHERE ds <= DATE '{DAY}' "
        "GROUP BY 1 ORDER BY 1"
    ).fetchall()
    rows = ask(town, "SELECT day_on, appeals_n FROM overview.city_daily WHERE division_code = '4' ORDER BY 1")
    assert rows == expected and len(rows) == 83
    (still_open,) = town.lake.source.execute(
        f"SELECT count(*) FROM (SELECT unique_key, arg_max(status = 'Closed' AND closed_at IS NOT NULL, ds) AS closed "
        f"FROM {DEFECTS} WHERE ds <= DATE '{DAY}' GROUP BY 1) WHERE NOT closed"
    ).fetchone()
    assert ask(town, f"SELECT open_end_n FROM appeals.hotline_performance WHERE window_id = 'natural_day:{DAY}' "
                     "AND division_code = '4' AND source_system = 'patrol'") == [(still_open,)]  # fmt: skip


def test_the_city_is_its_divisions_and_what_lies_in_none(town: Town) -> None:
    assert ask(
        town,
        """
        SELECT count(*) FILTER (WHERE whole <> parts + nowhere), count(*) FROM (
            SELECT day_on, sum(appeals_n) FILTER (WHERE division_code = '4') AS whole,
                   sum(appeals_n) FILTER (WHERE division_code <> '4') AS parts,
                   (SELECT count(*) FROM core.fct_case AS c WHERE c.created_on = d.day_on AND c.division_code IS NULL
                    AND c.source_system = 'hotline') AS nowhere
            FROM overview.city_daily AS d GROUP BY day_on)""",
    ) == [(0, 83)]


def test_a_day_that_is_not_in_is_null_and_not_zero(town: Town) -> None:
    rows = ask(
        town,
        "SELECT crashes_n IS NULL, precipitation_mm IS NULL, crashes_expected_n IS NULL FROM overview.city_daily "
        f"WHERE division_code = '4' AND day_on > DATE '{DAY - timedelta(days=4)}' ORDER BY day_on",
    )
    assert rows == [(False, True, False), (True, True, False), (True, True, False), (True, True, False)]


def test_about_says_what_is_late_held_and_doubted(town: Town) -> None:
    fresh = {
        row[0]: row[1:] for row in ask(town, "SELECT dataset, last_day_on, due_day_on, state FROM about.freshness")
    }
    assert fresh["queens.nypd.collision"] == (DAY - timedelta(days=3), DAY - timedelta(days=3), "on_time")
    assert fresh["queens.weather.hourly_weather"] == (None, date(2022, 9, 30), "overdue")
    assert fresh["queens.dot.street_defect"] == (DAY, DAY, "on_time")
    assert ask(town, "SELECT dataset, day, check_id, failed_n, reason FROM about.warnings") == [
        ("queens.dot.street_defect", DAY, "few_rows", 1, "记录偏少")
    ]
    assert ask(town, f"SELECT state, delivered FROM about.counts WHERE day = DATE '{DAY - timedelta(days=2)}' "
                     "AND dataset = 'queens.nypd.collision'") == [("held", 31)]  # fmt: skip
    assert ask(town, "SELECT build_id, as_of FROM about.build") == [(town.first.build_id, DAY)]


# --- the published file ---------------------------------------------------------------------------------------------


def test_every_table_says_its_grain_and_every_column_its_meaning(town: Town) -> None:
    assert ask(town, "SELECT name FROM about.models WHERE grain NOT LIKE 'one row%' OR row_n < 0") == []
    assert (
        ask(town, "SELECT table_name FROM duckdb_tables() WHERE comment IS NULL OR comment NOT LIKE 'one row%'") == []
    )
    columns = ask(town, "SELECT schema, name, column_name, data_type FROM about.columns WHERE schema <> 'about'")
    assert ask(town, "SELECT name, column_name FROM about.columns WHERE meaning IS NULL AND name <> 'columns'") == []
    assert {kind for *_, kind in columns if kind in ("DOUBLE", "FLOAT", "HUGEINT")} == set()
    assert {f"{schema}.{name}" for schema, name, *_ in columns if schema != "core"} == {
        "overview.city_daily", "appeals.hotline_performance", "appeals.hotline_topic_week", "appeals.response_time",
        "public_safety.traffic_blackspot", "data.access_audit", "data.data_lifecycle", "data.data_quality",
        "data.open_data_catalog"}  # fmt: skip


def test_built_tables_equal_their_column_contracts(town: Town) -> None:
    built = {}
    for path in (PROJECT / "column_contracts").glob("*.yml"):
        contract = yaml.safe_load(path.read_text(encoding="utf-8"))
        if contract["built"]:
            built[contract["table"]] = [(c["name"], c["type"].upper().replace(" ", "")) for c in contract["columns"]]
    actual: dict[str, list[tuple[str, str]]] = {}
    with duckdb.connect(str(town.first.folder / "build.duckdb"), read_only=True) as duck:
        rows = duck.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE schema_name = 'core' "
            "ORDER BY table_name, column_index"
        ).fetchall()
    for name, column, kind in rows:
        actual.setdefault(name, []).append((column, kind.replace(" ", "")))
    assert len(actual) >= 14
    assert {name: columns for name, columns in actual.items() if name in built} == {
        name: columns for name, columns in built.items() if name in actual
    }


def test_nobody_can_write_into_a_published_file(town: Town) -> None:
    file = town.settings.published / town.first.build_id / "marts.duckdb"
    assert {path.name for path in file.parent.iterdir()} == {"marts.duckdb", "history"}
    assert {oct(path.stat().st_mode)[-3:] for path in file.parent.rglob("*.*")} == {"444"}
    assert (town.settings.published / "current").readlink() == Path(town.first.build_id)


def test_a_question_reads_and_does_nothing_else(town: Town, tmp_path: Path) -> None:
    answer = marts.query(town.settings, "SELECT count(*) AS n FROM overview.city_daily")
    assert (answer.columns, answer.rows) == (["n"], [(83 * 15,)])
    assert marts.query(town.settings, "FROM overview.city_daily LIMIT 1").rows
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    for sql in (f"SELECT * FROM read_csv('{secret}')", f"SELECT * FROM '{secret}'", "SELECT getenv('HOME')",
                "SELECT CAST(name_zh AS INTEGER) FROM core.dim_admin_division"):  # fmt: skip
        with pytest.raises(QuestionRefused) as refused:
            marts.query(town.settings, sql)
        assert "皇后" not in str(refused.value)
    with pytest.raises(QuestionRefused, match=r'Did you mean "city_daily".*`about.models` lists tables'):
        marts.query(town.settings, "FROM overview.city_dayly")
    with pytest.raises(VersionMissing, match="'queens' have no catalogue of indicators"):
        indicators.catalogue(town.settings)


def test_a_reader_keeps_its_build_while_the_next_one_comes_and_goes(town: Town, tmp_path: Path) -> None:
    settings = copy_of(town, tmp_path)
    path = settings.published / "current" / "marts.duckdb"
    with duckdb.connect(str(path.resolve()), read_only=True) as reader:
        marts.publish(marts.find_build(settings, town.second.build_id), settings)
        assert reader.execute("SELECT build_id FROM about.build").fetchone() == (town.first.build_id,)
    assert marts.query(settings, "SELECT build_id FROM about.build").rows == [(town.second.build_id,)]
    assert marts.rollback(settings) == town.first.build_id
    assert marts.query(settings, "SELECT build_id FROM about.build").rows == [(town.first.build_id,)]
    with pytest.raises(BuildFailed):
        marts.rollback(settings)
    with pytest.raises(BuildFailed):
        marts.rollback(settings, to="2022-10-01-000000000000")


# --- failure --------------------------------------------------------------------------------------------------------


def copy_of(town: Town, folder: Path) -> Settings:
    shutil.copytree(
        town.settings.home, folder / "home", symlinks=True, ignore=shutil.ignore_patterns("tables", "*.lock")
    )
    return replace(town.settings, home=folder / "home", catalog_uri=f"sqlite:///{folder}/home/catalog.db")


def test_a_failing_test_names_itself_and_leaves_what_is_published(town: Town, tmp_path: Path) -> None:
    settings = copy_of(town, tmp_path)
    root = tmp_path / "root"
    shutil.copytree(PROJECT, root / "dbt_project", ignore=shutil.ignore_patterns("target", "logs"))
    (root / "contracts").symlink_to(PROJECT_ROOT / "contracts")
    (root / "dbt_project" / "tests" / "nobody_lives_in_401.sql").write_text(
        "select name_zh from {{ ref('dim_admin_division') }} where division_code = '401'"
    )
    broken = replace(settings, root=root)
    lake = SyntheticLake(broken, town.lake.source)
    lake.files = town.lake.files
    with pytest.raises(BuildFailed) as failure:
        marts.build(broken, DAY, pins=lake.pins(DAY))
    assert "test nobody_lives_in_401 failed in 1 rows" in str(failure.value)
    assert (settings.published / "current").readlink() == Path(town.first.build_id)
    (folder,) = [f for f in settings.builds.iterdir() if f.name not in (town.first.build_id, town.second.build_id)]
    log = json.loads((folder / "log.json").read_text())
    assert [node["rows_failed"] for node in log["nodes"] if node["status"] == "fail"] == [1]
    left = b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.suffix not in (".duckdb", ".csv"))
    assert "阿斯托利亚".encode() not in left, "a cell in a log"
    with pytest.raises(BuildFailed):
        marts.find_build(broken, folder.name)


SCRIPT = """
import json, sys
from datetime import date
from pathlib import Path
from lake import marts
from lake.marts.pins import Pins
from lake.settings import Settings
settings = Settings.from_environment()
pins = Pins.from_json(json.loads(Path(sys.argv[1]).read_text()))
marts.publish(marts.build(settings, pins.as_of, pins=pins), settings)
"""


@pytest.mark.parametrize(
    ("boundary", "shown"),
    [
        ("build.prepared", "first"),
        ("publish.written", "first"),
        ("publish.copied", "first"),
        ("publish.linked", "second"),
    ],
)
def test_killed_anywhere_readers_see_a_whole_build_and_the_next_run_ends_it(
    town: Town, tmp_path: Path, boundary: str, shown: str
) -> None:
    settings = copy_of(town, tmp_path)
    pins = town.second.folder / "pins.json"
    if boundary.startswith("build."):
        shutil.rmtree(settings.builds / town.second.build_id)
    environment = {
        "CITYBRAIN_HOME": str(settings.home),
        "CITYBRAIN_ROOT": str(PROJECT_ROOT),
        "PATH": os.environ["PATH"],
        "CITYBRAIN_PARSED": os.environ["CITYBRAIN_PARSED"],
    }
    command = [sys.executable, "-c", SCRIPT, str(pins)]
    killed = subprocess.run(command, env={**environment, "CITYBRAIN_DIE_AT": boundary}, cwd=PROJECT_ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    expected = getattr(town, shown).build_id
    assert marts.query(settings, "SELECT build_id FROM about.build").rows == [(expected,)]
    subprocess.run(command, env=environment, cwd=PROJECT_ROOT, check=True)
    assert marts.query(settings, "SELECT build_id FROM about.build").rows == [(town.second.build_id,)]
    assert {path.name for path in settings.published.iterdir()} == {
        "current", town.first.build_id, town.second.build_id}  # fmt: skip
    assert (settings.builds / town.second.build_id / "published.json").exists()
