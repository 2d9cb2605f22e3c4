"""The schema ``about`` of a published file: which build, how fresh, how much, what was doubted, what is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from lake.engine import quote_identifier, quote_literal
from lake.ledger import COMMITTED, HELD
from lake.marts.build import fill
from lake.marts.history import part_shown
from lake.marts.models import WARNINGS, Model
from lake.marts.pins import Pins
from lake.watch.freshness import arrival

Rows = Sequence[tuple[Any, ...]]

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
            "name_zh": ("VARCHAR", "Chinese name: of a mart, also of its view in the schema 中文."),
            "grain": ("VARCHAR", "What one row is."),
            "description": ("VARCHAR", "What to know."),
            "owner": ("VARCHAR", "Who answers for it."),
            "warnings": ("VARCHAR", "What to beware of, see about.usage_warnings."),
            "not_observed": ("VARCHAR", "Columns that do not vary or are empty in this city's data."),
            "freshness": ("VARCHAR", "How often it has something new: daily, weekly, monthly, quarterly."),
            "graded_by": ("VARCHAR", "What its numbers are held against."),
            "row_n": ("BIGINT", "Rows in this file."),
            "part_shown": ("VARCHAR", "Which rows these are, and where the others lie; NULL: all."),
        },
    ),
    "usage_warnings": (
        "one row per word a mart may warn with",
        {
            "warning": ("VARCHAR", "Word, as in about.models."),
            "meaning": ("VARCHAR", "What it says."),
            "meaning_zh": ("VARCHAR", "The same in Chinese."),
        },
    ),
    "open_data": (
        "one row per mart of which township by month counts leave the house",
        {
            "schema": ("VARCHAR", "Subject."),
            "name": ("VARCHAR", "Mart."),
            "title_zh": ("VARCHAR", "Title of the open dataset."),
            "measures": ("VARCHAR", "Counts that leave, each small-cell protected by itself."),
        },
    ),
    "examples": (
        "one row per mart that has an example: a question, and the query that answers it",
        {
            "schema": ("VARCHAR", "Subject."),
            "name": ("VARCHAR", "Mart."),
            "question_zh": ("VARCHAR", "Question, as an analyst asks it."),
            "sql": ("VARCHAR", "Query to run on this file."),
        },
    ),
}
"""Table: (what one row is, column: (type, meaning))."""


COLUMNS = (
    "one row per column of this file",
    {
        "schema": ("VARCHAR", "Schema."),
        "name": ("VARCHAR", "Table or view."),
        "column_name": ("VARCHAR", "Column."),
        "column_name_zh": ("VARCHAR", "Its Chinese name, the same in every table."),
        "data_type": ("VARCHAR", "Type."),
        "meaning": ("VARCHAR", "Meaning."),
    },
)
CHINESE = "中文"
"""Schema of the views with Chinese names."""


def rows(pins: Pins, shown: Sequence[tuple[Model, int]], zh: Mapping[str, str]) -> dict[str, Rows]:
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
        "models": [
            (model.schema, model.name, model.meta.get("name_zh") or zh.get(model.name), model.grain, model.description,
             model.meta.get("owner"), _listed(model, "warnings"), _listed(model, "not_observed"),
             model.meta.get("freshness"), _listed(model, "graded_by"), row_n,
             part_shown(model, pins.as_of))
            for model, row_n in shown
        ],
        "usage_warnings": [(word, *meanings) for word, meanings in WARNINGS.items()],
        "open_data": [
            (model.schema, model.name, said["title_zh"], ", ".join(said["measures"]))
            for model, _ in shown
            if (said := model.meta.get("open_data"))
        ],
        "examples": [(model.schema, model.name, *model.example) for model, _ in shown if model.example],
    }  # fmt: skip


def _listed(model: Model, what: str) -> str | None:
    return ", ".join(model.said(what)) or None


def write(duck: Any, catalog: str, pins: Pins, shown: Sequence[tuple[Model, int]], zh: Mapping[str, str]) -> None:
    """Create and fill the schema in an attached file.

    Args:
        duck: connection.
        catalog: name the file is attached by.
        pins: of the build.
        shown: what the file shows, and how many rows of it.
        zh: Chinese names of tables and columns.
    """
    duck.execute(f"CREATE SCHEMA {catalog}.about")
    for table, content in rows(pins, shown, zh).items():
        _table(duck, f"{catalog}.about.{table}", TABLES[table], content)
    if any((model.schema, model.name) == ("core", "dim_indicator") for model, _ in shown):
        duck.execute(
            f"CREATE VIEW {catalog}.about.indicators AS SELECT * FROM core.dim_indicator;"
            f"COMMENT ON VIEW {catalog}.about.indicators IS 'one row per indicator and version: the catalogue'"
        )


def write_columns(duck: Any, catalog: str, zh: Mapping[str, str]) -> None:
    """``about.columns``: what every column of the finished file means; written last."""
    _table(duck, f"{catalog}.about.columns", COLUMNS, [])
    found = duck.execute(
        "SELECT schema_name, table_name, column_name, data_type, comment FROM duckdb_columns() "
        f"WHERE NOT internal AND database_name = {quote_literal(catalog)} AND schema_name <> {quote_literal(CHINESE)} "
        "ORDER BY schema_name, table_name, column_index"
    ).fetchall()
    _table(
        duck,
        f"{catalog}.about.columns",
        COLUMNS,
        [(schema, table, column, zh.get(column), kind, comment) for schema, table, column, kind, comment in found],
    )


def write_chinese(duck: Any, catalog: str, marts: Sequence[Model], zh: Mapping[str, str]) -> None:
    """A view per mart under its Chinese name, its columns too. A mart without a name, or one that another has, has no
    view; a column without one keeps its own."""
    taken: set[str] = set()
    statements = [f"CREATE SCHEMA {catalog}.{CHINESE}"]
    for model in marts:
        table = model.meta.get("name_zh") or zh.get(model.name)
        if table is None or table in taken:
            continue
        taken.add(table)
        shown: dict[str, str] = {}
        for column in model.columns:
            alias = zh.get(column, column)
            shown[column if alias in shown.values() else alias] = column
        listed = ", ".join(
            f"{quote_identifier(column)} AS {quote_identifier(alias)}" for alias, column in shown.items()
        )
        at = f"{catalog}.{CHINESE}.{quote_identifier(table)}"
        # Without the catalog, so that the view finds its table by whatever name the file is attached.
        statements.append(f"CREATE VIEW {at} AS SELECT {listed} FROM {model.at}")
        statements.append(f"COMMENT ON VIEW {at} IS {quote_literal(f'{model.schema}.{model.name}：{model.grain}')}")
        statements += [
            f"COMMENT ON COLUMN {at}.{quote_identifier(alias)} IS {quote_literal(f'{column}: {model.columns[column]}')}"
            for alias, column in shown.items()
        ]
    before = duck.execute("SELECT current_database()").fetchone()[0]
    duck.execute(f"USE {catalog}")
    duck.execute("; ".join(statements))
    duck.execute(f"USE {before}")


def _table(duck: Any, at: str, made: tuple[str, dict[str, tuple[str, str]]], content: Rows) -> None:
    grain, columns = made
    fill(duck, at, ", ".join(f'"{name}" {kind}' for name, (kind, _) in columns.items()), content)
    comments = [f"COMMENT ON TABLE {at} IS {quote_literal(grain)}"]
    comments += [f'COMMENT ON COLUMN {at}."{name}" IS {quote_literal(said)}' for name, (_, said) in columns.items()]
    duck.execute("; ".join(comments))


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
