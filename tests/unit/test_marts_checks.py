"""Data tests run without dbt: each says what it came to, and none keeps the next from running."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from lake.errors import BuildFailed
from lake.marts import transform
from lake.marts.checks import Check, compiled_of, run_checks
from lake.marts.pins import Pins
from lake.settings import PROJECT_ROOT, Settings


def check(name: str, sql: str, *, is_warning: bool = False) -> Check:
    return Check(f"test.citybrain.{name}", name, sql, "count(*)", is_warning)


def test_every_test_runs_and_says_what_it_came_to() -> None:
    checks = [
        check("good", "SELECT 1 WHERE false"),
        check("wrong", "SELECT i FROM range(3) AS rows(i) -- three"),
        check("doubtful", "SELECT 1", is_warning=True),
        check("broken", "SELECT wrong FROM nowhere"),
        check("after", "SELECT 1 WHERE false"),
    ]
    with duckdb.connect() as duck:
        came = list(run_checks(duck, checks))
    assert [(one.check.name, one.status, one.failures) for one in came] == [
        ("good", "pass", 0), ("wrong", "fail", 3), ("doubtful", "warn", 1), ("broken", "error", None),
        ("after", "pass", 0)]  # fmt: skip


def test_tests_are_taken_from_what_dbt_compiled() -> None:
    def node(name: str, kind: str, severity: str) -> SimpleNamespace:
        config = SimpleNamespace(fail_calc="count(*)", severity=severity)
        return SimpleNamespace(unique_id=name, name=name, compiled_code="SELECT 1", config=config, resource_type=kind)

    found = compiled_of([node("b", "test", "WARN"), node("a", "test", "ERROR"), node("m", "model", "ERROR")])
    assert [(one.id, one.is_warning) for one in found] == [("a", False), ("b", True)]


def test_a_build_ends_with_the_names_of_its_failed_tests_and_no_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings.from_environment({"CITYBRAIN_HOME": str(tmp_path), "CITYBRAIN_ROOT": str(PROJECT_ROOT)})
    settings.make_home()
    pins = Pins(date(2026, 7, 1), "queens", "America/New_York", {}, (), "s", "c")
    folder = tmp_path / "builds" / pins.build_id
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "build.duckdb")) as duck:
        duck.execute("CREATE SCHEMA core; CREATE TABLE core.dim AS SELECT 'somebody' AS name")
    checks = [
        check("named", 'SELECT name FROM "build".core.dim WHERE name IS NOT NULL'),
        check("cast", 'SELECT 1 FROM "build".core.dim WHERE CAST(name AS INTEGER) > 0'),
        check("doubted", "SELECT 1", is_warning=True),
    ]
    monkeypatch.setattr(transform, "lay", lambda *_: None)
    monkeypatch.setattr(transform, "invoke", lambda *_: [])
    monkeypatch.setattr(transform, "manifest", lambda *_: None)
    monkeypatch.setattr(transform, "broken_promises", lambda *_: [])
    monkeypatch.setattr(transform, "_checks", lambda *_: checks)
    with pytest.raises(BuildFailed) as failure:
        transform.run(settings, pins, folder, folder / "build.duckdb", with_seeds=True)
    assert "test named failed in 1 rows; test cast could not be made (Conversion Error)" in str(failure.value)
    log = (folder / "log.json").read_text(encoding="utf-8")
    assert "somebody" not in log and "somebody" not in str(failure.value)
    assert [node["status"] for node in json.loads(log)["nodes"]] == ["fail", "error", "warn"]
    monkeypatch.setattr(transform, "_checks", lambda *_: checks[2:])
    done = transform.run(settings, pins, folder, folder / "build.duckdb", with_seeds=True)
    assert (done.tests, done.warned) == (1, ["doubted"])
