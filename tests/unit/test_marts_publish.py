"""What is published of a build, without dbt: subjects, audiences, Chinese views, no debris, no persons, copies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
import yaml

from lake import marts
from lake.marts import changes, transform
from lake.marts.models import CONFORMED, Model
from lake.marts.people import person_columns, personal_names
from lake.marts.pins import Pins
from lake.settings import PROJECT_ROOT, Settings

DAY = date(2026, 7, 1)
HASH = "a1" * 32
TABLES = {
    "core.dim_division": "SELECT '9901' AS division_code, NULL::VARCHAR AS parent_code",
    "core.fct_meter": "SELECT 1 AS reading",
    "core.fct_call": f"SELECT i AS call_key, '{HASH}' || (9 - i) AS caller_key, '{HASH}' AS told_by "
    "FROM range(9) AS calls(i)",
    "core.tally_meter": "SELECT 1 AS numerator",
    "core.meter_touched": "SELECT 1 AS meter",
    "methods.forecast": "SELECT 1 AS value",
    "lifelines.water_daily": "SELECT '9901' AS division_code, i AS used_n, 5 AS unit_n, NULL::INTEGER AS lost_n "
    "FROM range(40) AS days(i)",
    "appeals.caller_week": f"SELECT '{HASH}' AS who, 3 AS cases_n UNION ALL SELECT '{HASH}', 4",
    "readiness.visit_list": f"SELECT '{HASH}' AS person_key, 7 AS visits_n",
}
WITHHELD = {"core.fct_call.caller_key", "core.fct_step.caller_key"}
META: dict[str, dict[str, Any]] = {
    "core.fct_meter": {"published": False},
    "core.fct_case_state": yaml.safe_load(
        (PROJECT_ROOT / "dbt_project/models/core/fct_case_state.yml").read_text(encoding="utf-8")
    )["models"][0]["config"]["meta"],
    "core.fct_step": {"recent": {"days": 31, "by": "ended_on"}},
    "lifelines.water_daily": {
        "name_zh": "供水日用量",
        "owner": "water group",
        "warnings": ["proxy"],
        "freshness": "daily",
        "graded_by": ["I15.water"],
        "example": {
            "question_zh": "今天用了多少水？",
            "sql": "SELECT sum(used_n) FROM lifelines.water_daily",
        },
    },
    "appeals.caller_week": {"example": {"question_zh": "多少？", "sql": "SELECT wrong FROM appeals.caller_week"}},
    "readiness.visit_list": {"audience": "elderly_care", "name_zh": "探访名单"},
}


def published(settings: Settings, tables: Mapping[str, str], pins: Pins) -> Path:
    """Publish a build of these tables; gives the folder."""
    build = settings.builds / pins.build_id
    build.mkdir(parents=True)
    (build / "pins.json").write_text(json.dumps(pins.to_json()))
    (build / "built.json").write_text("{}")
    nodes = {}
    with duckdb.connect(str(build / "build.duckdb")) as duck:
        for at, sql in tables.items():
            schema, name = at.split(".")
            duck.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}; CREATE TABLE {at} AS {sql}")
            columns = [row[0] for row in duck.execute(f"DESCRIBE {at}").fetchall()]
            room = schema if schema in ("core", "methods") else "marts"
            nodes[at] = SimpleNamespace(
                resource_type="model",
                unique_id=at,
                fqn=["citybrain", room, name],
                schema=schema,
                name=name,
                description="one row per thing\nAnd more.",
                columns={
                    column: SimpleNamespace(
                        name=column,
                        description=f"{column}.",
                        config=SimpleNamespace(meta={"published": False} if f"{at}.{column}" in WITHHELD else {}),
                    )
                    for column in columns
                },
                config=SimpleNamespace(meta=META.get(at, {})),
                depends_on=SimpleNamespace(nodes=[]),
            )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transform, "manifest", lambda *_: SimpleNamespace(nodes=nodes, sources={}))
        patch.setattr("lake.marts.models.names_zh", lambda _: {"division_code": "区划代码", "used_n": "用水量"})
        file: Path = marts.publish(marts.find_build(settings, pins.build_id), settings)
    return file.parent


def made_home(folder: Path) -> Settings:
    settings = Settings.from_environment(
        {"CITYBRAIN_HOME": str(folder), "CITYBRAIN_ROOT": str(PROJECT_ROOT), "CITYBRAIN_CITY": "linlan"}
    )
    settings.make_home()
    return settings


@pytest.fixture(name="home", scope="module")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = made_home(tmp_path_factory.mktemp("home"))
    published(settings, TABLES, pins_of(DAY))
    return settings


def pins_of(day: date) -> Pins:
    return Pins(day, "linlan", "Asia/Shanghai", {}, (), "s", "c")


def ask(settings: Settings, sql: str, file: str = "marts.duckdb") -> list[tuple[Any, ...]]:
    with duckdb.connect() as duck:
        duck.execute(f"ATTACH '{settings.published / 'current' / file}' AS anything (READ_ONLY); USE anything")
        return duck.execute(sql).fetchall()


SHOWN = "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE schema_name <> 'about' ORDER BY 1"


def test_marts_and_conformed_tables_are_shown_and_nothing_else(home: Settings) -> None:
    assert ask(home, SHOWN) == [
        ("appeals.caller_week",), ("core.dim_division",), ("core.fct_call",), ("lifelines.water_daily",)]  # fmt: skip
    assert ask(home, "SELECT name FROM about.models ORDER BY 1") == [
        ("caller_week",), ("dim_division",), ("fct_call",), ("water_daily",)]  # fmt: skip


def test_a_withheld_column_stays_in_the_build_and_orders_nothing(home: Settings) -> None:
    assert ask(home, "SELECT column_name FROM about.columns WHERE name = 'fct_call'") == [("call_key",), ("told_by",)]
    assert ask(home, "SELECT call_key FROM core.fct_call ORDER BY rowid") == [(i,) for i in range(9)]
    assert f"{HASH}7".encode() not in (home.published / "current" / "marts.duckdb").read_bytes()


def test_an_audience_has_its_own_file_and_nobody_else_sees_it(home: Settings) -> None:
    file = home.published / "current" / "audience" / "elderly_care.duckdb"
    assert oct(file.stat().st_mode)[-3:] == "440"
    assert ask(home, SHOWN, "audience/elderly_care.duckdb") == [("readiness.visit_list",)]
    assert HASH.encode() in file.read_bytes()
    assert ask(home, "SELECT count(*) FROM duckdb_columns() WHERE column_name = 'person_key'") == [(0,)]
    assert ask(home, "SELECT 探访名单.visits_n FROM 中文.探访名单", "audience/elderly_care.duckdb") == [(7,)]


def test_views_speak_chinese_under_any_name_of_the_file(home: Settings) -> None:
    assert ask(home, "SELECT 区划代码, sum(用水量) FROM 中文.供水日用量 GROUP BY ALL") == [("9901", 780)]
    comments = "SELECT comment FROM duckdb_columns() WHERE schema_name = '中文' AND column_name = '用水量'"
    assert ask(home, comments) == [("used_n: used_n.",)]
    assert ask(home, "SELECT view_name FROM duckdb_views() WHERE schema_name = '中文'") == [("供水日用量",)]


def test_about_says_what_each_mart_is_for(home: Settings) -> None:
    columns = "schema, name_zh, grain, owner, warnings, freshness, graded_by, row_n"
    assert ask(home, f"SELECT {columns} FROM about.models WHERE name = 'water_daily'") == [
        ("lifelines", "供水日用量", "one row per thing", "water group", "proxy", "daily", "I15.water", 40)
    ]
    assert ask(home, "SELECT meaning_zh FROM about.usage_warnings WHERE warning = 'proxy'") == [
        ("以替代指标代表未测量的量",)]  # fmt: skip
    assert ask(home, "SELECT column_name_zh, data_type FROM about.columns WHERE column_name = 'used_n'") == [
        ("用水量", "BIGINT")]  # fmt: skip
    assert ask(home, "SELECT count(*) FROM about.columns WHERE meaning IS NULL") == [(0,)]


def test_examples_that_do_not_answer_are_named(home: Settings) -> None:
    (failure,) = marts.example_failures(home)
    assert failure.startswith("appeals.caller_week: Binder Error")


def test_marts_that_do_not_count_say_why(home: Settings) -> None:
    verdicts = {one.mart: one for one in marts.count_marts(home)}
    assert verdicts["lifelines.water_daily"].why_not == (
        "division_code is constant", "unit_n is constant", "lost_n is mostly NULL")  # fmt: skip
    assert verdicts["appeals.caller_week"].why_not == ("who is constant", "graded by nothing")


def test_a_mart_with_somebody_in_it_is_found(home: Settings) -> None:
    assert person_columns(home) == ["appeals.caller_week.who", "core.fct_call.told_by"]


def shown_columns() -> Iterator[tuple[str, str, str]]:
    """Model, column and meaning of all that `marts.duckdb` shows, as the project's YAML says it."""
    for room in ("core", "marts"):
        for path in sorted((PROJECT_ROOT / "dbt_project" / "models" / room).rglob("*.yml")):
            for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models") or ():
                meta = (model.get("config") or {}).get("meta") or {}
                by_itself = room == "marts" or model["name"].startswith(CONFORMED)
                if not meta.get("published", by_itself) or meta.get("audience"):
                    continue
                for column in model["columns"]:
                    said = (column.get("config") or {}).get("meta") or {}
                    if said.get("published", True):
                        yield model["name"], column["name"], column.get("description", "")


def hashed_names() -> set[str]:
    """Names the contracts of both cities give to columns that tell persons apart."""
    home = {"CITYBRAIN_HOME": "unused", "CITYBRAIN_ROOT": str(PROJECT_ROOT)}
    return set().union(
        *(personal_names(Settings.from_environment({**home, "CITYBRAIN_CITY": city})) for city in ("linlan", "queens"))
    )


def test_no_key_of_a_person_or_a_dwelling_is_shown() -> None:
    shown = list(shown_columns())
    assert {("fct_case", "happening_key"), ("township_load", "tasks_n")} <= {
        (model, column) for model, column, _ in shown
    }
    names = hashed_names()
    assert [f"{model}.{column}" for model, column, _ in shown if column in names] == []
    # A hash the source made, or one of an address, has a name that others have too: its meaning says what it is.
    assert [
        f"{model}.{column}" for model, column, said in shown if re.match(r"(keyed )?hash\b|.*\bhashed\b", said, re.I)
    ] == []


def digested(sql: str) -> Iterator[str]:
    """What stands in the brackets of every digest of a text of SQL."""
    for call in re.finditer(r"\b(?:md5|sha256|hash)\(", sql):
        depth, end = 1, call.end()
        while depth and end < len(sql):
            depth += {"(": 1, ")": -1}.get(sql[end], 0)
            end += 1
        yield sql[call.end() : end - 1]


def test_no_key_of_our_own_is_made_of_a_person() -> None:
    person = re.compile(rf"\b(?:{'|'.join(sorted(hashed_names()))})\b")
    assert [bool(person.search(one)) for one in digested("md5('a' || f(g(c.caller_key), 1)), caller_key, md5(b)")] == [
        True, False]  # fmt: skip
    project = PROJECT_ROOT / "dbt_project"
    found = {
        path.name
        for room in ("models", "macros")
        for path in (project / room).rglob("*.sql")
        if any(person.search(one) for one in digested(path.read_text(encoding="utf-8")))
    }
    # Digests by which a change of a case's links and of a grid is seen; neither is shown.
    assert found == {"cases.sql", "dim_grid.sql"}
    assert {"link_digest", "digest"} & {column for _, column, _ in shown_columns()} == set()


def test_parquet_copies_hold_the_same_rows(home: Settings) -> None:
    folder: Path = marts.write_parquet(home)
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet") if path.parent.name != "about"}
    assert files == {
        "appeals/caller_week.parquet", "core/dim_division.parquet", "core/fct_call.parquet",
        "lifelines/water_daily.parquet",
    }  # fmt: skip
    with duckdb.connect() as duck:
        copied = duck.execute(f"SELECT count(*), sum(used_n) FROM '{folder}/lifelines/water_daily.parquet'").fetchone()
    assert copied == (40, 780)
    assert marts.write_parquet(home) == folder
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".")]


STEPS = (
    "SELECT i AS step_key, DATE '2026-03-20' + CAST(i AS INTEGER) AS ended_on, 'somebody' AS caller_key "
    "FROM range({}) AS days(i)"
)


def test_a_table_of_the_last_days_is_whole_in_its_history(tmp_path: Path) -> None:
    home = made_home(tmp_path)
    nothing = published(home, {"core.fct_step": STEPS.format(0)}, pins_of(date(2026, 6, 30)))
    assert [path.name for path in nothing.rglob("*.parquet")] == ["none.parquet"]
    assert marts.query(home, "SELECT count(*), max(ended_on) FROM history.core.fct_step").rows == [(0, None)]

    first = published(home, {"core.fct_step": STEPS.format(103) + " UNION ALL SELECT 999, NULL, NULL"}, pins_of(DAY))
    held = "SELECT count(*), min(ended_on)::VARCHAR, count(*) FILTER (WHERE ended_on IS NULL) FROM core.fct_step"
    assert ask(home, held) == [(31, "2026-06-01", 1)]
    assert marts.query(home, held.replace("core.", "history.core.")).rows == [(104, "2026-03-20", 1)]
    columns = "SELECT column_name FROM (DESCRIBE history.core.fct_step)"
    assert marts.query(home, columns).rows == [("step_key",), ("ended_on",)]
    part = (
        "rows with ended_on after 2026-05-31, or NULL; "
        "all of them lie beside this file in history/core/fct_step/*.parquet"
    )
    assert ask(home, "SELECT part_shown FROM about.models") == [(part,)]
    assert part in ask(home, "SELECT comment FROM duckdb_tables() WHERE table_name = 'fct_step'")[0][0]
    months = {path.name: path.stat().st_ino for path in (first / "history/core/fct_step").iterdir()}
    assert sorted(months) == [*(f"2026-0{month}.parquet" for month in (3, 4, 5, 6)), "undated.parquet"]

    # A day more, and one of May told otherwise: the other months are the same files as before.
    later = (
        STEPS.format(104).replace("i AS step_key", "if(i = 50, -1, i) AS step_key")
        + " UNION ALL SELECT 999, NULL, NULL"
    )
    second = published(home, {"core.fct_step": later}, pins_of(date(2026, 7, 2)))
    again = {path.name: path.stat().st_ino for path in (second / "history/core/fct_step").iterdir()}
    assert {name for name in again if again[name] != months.get(name)} == {"2026-05.parquet", "2026-07.parquet"}
    whole = "SELECT count(*), min(step_key) FROM history.core.fct_step"
    assert marts.query(home, whole).rows == [(105, -1)]
    assert not list(marts.write_parquet(home).rglob("fct_step.parquet"))
    assert {path.stat().st_mode & 0o777 for path in second.rglob("*.parquet")} == {0o444}


# Days before DAY on which a version was known from and to; whether it says closed, void, withdrawn.
STATES = """
    SELECT case_key, DATE '2026-07-01' - from_n AS known_from_on, DATE '2026-07-01' - to_n AS known_to_on, is_closed,
        is_void, is_withdrawn
    FROM (VALUES
        ('open for months', 90, NULL, false, false, false),
        ('closed long ago', 90, 80, false, false, false), ('closed long ago', 80, NULL, true, false, false),
        ('closed lately', 60, 5, false, false, false), ('closed lately', 5, NULL, true, false, false),
        ('opened again', 70, 60, false, false, false), ('opened again', 60, 20, true, false, false),
        ('opened again', 20, NULL, false, false, false),
        ('taken back', 50, 40, false, false, false), ('taken back', 40, NULL, false, true, false),
        ('gone', 45, 30, false, false, false), ('gone', 30, NULL, false, false, true),
        ('of yesterday', 1, NULL, true, false, false)
    ) AS told(case_key, from_n, to_n, is_closed, is_void, is_withdrawn)
"""


def test_what_was_open_on_a_day_of_the_last_month_is_told_without_the_history(tmp_path: Path) -> None:
    home = made_home(tmp_path)
    published(home, {"core.fct_case_state": STATES}, pins_of(DAY))
    opened = (
        "SELECT day_on::VARCHAR, list(case_key ORDER BY case_key) FILTER (WHERE NOT is_closed AND NOT is_void "
        "AND NOT is_withdrawn) FROM {}.fct_case_state, "
        "(SELECT unnest(range(DATE '2026-06-01', DATE '2026-07-02', INTERVAL 1 DAY))::DATE AS day_on) AS asked "
        "WHERE known_from_on <= day_on AND (known_to_on IS NULL OR day_on < known_to_on) GROUP BY ALL ORDER BY ALL"
    )
    told = marts.query(home, opened.format("core")).rows
    assert told == marts.query(home, opened.format("history.core")).rows
    assert len(told) == 31 and told[0][1] == ["closed lately", "open for months"]
    held = "SELECT list(case_key ORDER BY ALL) FROM (SELECT DISTINCT case_key FROM core.fct_case_state)"
    assert marts.query(home, held).rows == [
        (["closed lately", "gone", "of yesterday", "open for months", "opened again"],)
    ]


def test_a_mart_that_changed_all_over_tells_some_and_how_many_more() -> None:
    mart = Model("", "marts", "lifelines", "water", "", "", {}, {})
    with duckdb.connect() as duck:
        for catalog, used in (("before", 1), ("marts", 2)):
            duck.execute(f"ATTACH ':memory:' AS {catalog}; CREATE SCHEMA {catalog}.lifelines")
            duck.execute(
                f"CREATE TABLE {catalog}.lifelines.water AS SELECT i AS no, {used} AS n FROM range(600) AS t(i)"
            )
        told = changes._values(duck, changes._shapes(duck), mart, ["no"], DAY)
    assert told[0] == ("no=0", "n", "1", "2")
    assert told[500:] == [("", "(more)", None, "100")]
