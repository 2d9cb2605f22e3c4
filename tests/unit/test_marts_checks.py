"""Data tests run without dbt: each says what it came to, and none keeps the next from running."""

from __future__ import annotations

from types import SimpleNamespace

import duckdb

from lake.marts.checks import Check, compiled_of, run_checks


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
