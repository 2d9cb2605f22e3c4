"""The data tests of a build: dbt writes their SQL once for as long as the project stays, each build only runs it.

dbt spends a tenth of a second on a test, DuckDB a thousandth; with a test or two per model that was half of a build's
fixed cost. What is run is what dbt compiles, so `dbt test` finds the same.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb


@dataclass(frozen=True)
class Check:
    """One data test, compiled.

    Attributes:
        id, name: dbt's.
        sql: gives the rows that are wrong.
        counted: how many of them there are, as SQL; dbt's ``fail_calc``.
        is_warning: a failure is told and stops nothing.
    """

    id: str
    name: str
    sql: str
    counted: str
    is_warning: bool


@dataclass(frozen=True)
class Checked:
    """What one test came to.

    Attributes:
        check: the test.
        status: ``pass``, ``warn``, ``fail`` or ``error``.
        failures: rows that are wrong; None when it could not be run.
        seconds: it took.
        message: of the database; never shown, for it may quote a cell.
    """

    check: Check
    status: str
    failures: int | None
    seconds: float
    message: str | None = None


def compiled_of(nodes: Sequence[Any]) -> list[Check]:
    """The tests among dbt's compiled nodes, by id."""
    found = [
        Check(
            node.unique_id,
            node.name,
            node.compiled_code,
            node.config.fail_calc,
            str(node.config.severity).lower() == "warn",
        )
        for node in nodes
        if node.resource_type == "test"
    ]
    return sorted(found, key=lambda check: check.id)


def run_checks(duck: Any, checks: Sequence[Check]) -> Iterator[Checked]:
    """Run every test, whatever the one before came to."""
    for check in checks:
        begun = time.perf_counter()
        try:
            row = duck.execute(f"SELECT {check.counted} FROM ({check.sql}\n) AS wrong").fetchone()
        except duckdb.Error as error:
            yield Checked(check, "error", None, time.perf_counter() - begun, str(error))
            continue
        failures = int((row or (0,))[0] or 0)
        status = "pass" if not failures else "warn" if check.is_warning else "fail"
        yield Checked(check, status, failures, time.perf_counter() - begun)
