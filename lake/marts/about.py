"""The schema ``about`` of a published file: which build, how fresh, how much, what was doubted, what is in it."""

from __future__ import annotations

from datetime import date
from typing import Any

from lake.engine import quote_literal
from lake.ledger import COMMITTED, HELD
from lake.marts.build import fill
from lake.marts.pins import Pins
from lake.watch.freshness import arrival

TABLES: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    "build": (
        "one row: the build in this file",
        {
            "build_id": ("VARCHAR", "Day and digest of the pins."),
            "as_of": ("DATE", "The day the build speaks for."),
            "city": ("VARCHAR", "City id."),
            "zone": ("VARCHAR", "Zone of civil days."),
            "seeds_hash": ("VARCHAR", "Digest of the seeds."),
            "code_hash": ("VARCHAR", "Digest of the models."),
        },
    ),
    "freshness": (
        "one row per dataset of the city",
        {
            "dataset": ("VARCHAR", "Dataset id."),
            "title_zh": ("VARCHAR", "Chinese title."),
            "department": ("VARCHAR", "Department that delivers it."),
            "last_day_on": ("DATE", "Last day that is in; NULL when nothing ever was."),
            "due_day_on": ("DATE", "Last day that should be in on as_of."),
            "state": (
                "VARCHAR",
                "on_time; late; overdue: late by a day or more; held: a later day came and a check held it back.",
            ),
        },
    ),
    "counts": (
        "one row per dataset and day",
        {
            "dataset": ("VARCHAR", "Dataset id."),
            "day": ("DATE", "Partition."),
            "state": ("VARCHAR", "committed or held."),
            "delivered": ("BIGINT", "Records delivered."),
            "accepted": ("BIGINT", "Records in the lake."),
            "quarantined": ("BIGINT", "Records held back."),
            "unchanged": ("BIGINT", "Records the lake held already."),
        },
    ),
    "warnings": (
        "one row per dataset, day and check of severity warning that failed",
        {
            "dataset": ("VARCHAR", "Dataset id."),
            "day": ("DATE", "Partition."),
            "check_id": ("VARCHAR", "Check, see the dataset's suite."),
            "column_name": ("VARCHAR", "Column checked; NULL for a check of the table."),
            "failed_n": ("BIGINT", "Records that failed."),
            "reason": ("VARCHAR", "Why it matters, in Chinese where the suite says it in Chinese."),
        },
    ),
    "models": (
        "one row per table of core and marts",
        {
            "schema": ("VARCHAR", "core, or the subject of the mart."),
            "name": ("VARCHAR", "Table."),
            "grain": ("VARCHAR", "What one row is."),
            "description": ("VARCHAR", "What to know."),
            "row_n": ("BIGINT", "Rows."),
        },
    ),
}
"""Table: (what one row is, column: (type, meaning))."""


def rows(pins: Pins, models: list[tuple[Any, ...]]) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of every table of ``about``, in the order of their columns."""
    return {
        "build": [(pins.build_id, str(pins.as_of), pins.city, pins.zone, pins.seeds_hash, pins.code_hash)],
        "freshness": _freshness(pins),
        "counts": [
            (row.dataset, str(row.day), row.state, row.delivered, row.accepted, row.quarantined, row.unchanged)
            for row in pins.partitions
        ],
        "warnings": [
            (row.dataset, str(row.day), warning["id"], warning.get("column"), warning["failed_n"],
             warning.get("reason_zh") or warning.get("reason"))
            for row in pins.partitions
            for warning in row.warnings
        ],
        "models": models,
    }  # fmt: skip


def write(duck: Any, catalog: str, pins: Pins, models: list[tuple[Any, ...]]) -> None:
    """Create and fill the schema in an attached file."""
    duck.execute(f"CREATE SCHEMA {catalog}.about")
    for table, content in rows(pins, models).items():
        grain, columns = TABLES[table]
        made = ", ".join(f'"{name}" {kind}' for name, (kind, _) in columns.items())
        fill(duck, f"{catalog}.about.{table}", made, content)
        duck.execute(f"COMMENT ON TABLE {catalog}.about.{table} IS {quote_literal(grain)}")
        for name, (_, meaning) in columns.items():
            duck.execute(f'COMMENT ON COLUMN {catalog}.about.{table}."{name}" IS {quote_literal(meaning)}')


def _freshness(pins: Pins) -> list[tuple[Any, ...]]:
    found = []
    for table in sorted(pins.tables.values(), key=lambda table: table.dataset):
        own = [row for row in pins.partitions if row.dataset == table.dataset]
        last = max((row.day for row in own if row.state == COMMITTED), default=None)
        # A month's file may end before its month: the last day that is in is the last with a record.
        newest = max((row.day for row in own if row.state == COMMITTED and row.delivered), default=last)
        is_held = any(row.state == HELD and (last is None or row.day > last) for row in own)
        overdue_on = table.overdue_on or date.min
        state = arrival(last, is_held=is_held, due=table.due_on, overdue=overdue_on)
        found.append(
            (table.dataset, table.title_zh, table.department, str(newest) if newest else None, str(table.due_on), state)
        )
    return found
