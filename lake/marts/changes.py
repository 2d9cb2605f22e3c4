"""What a build changed of what was published before: values, the deliveries behind them, and issued figures.

The tables lie in ``about`` of every published file and are carried on from file to file, bounded, so that the current
file answers for the last weeks. The same build after the same build gives the same rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from lake.engine import quote_identifier, quote_literal
from lake.ledger import COMPARED, Ledger
from lake.marts import models as told
from lake.marts.build import fill
from lake.marts.models import Model
from lake.marts.pins import PinnedTable, Pins
from lake.settings import Settings

NEW, LATE, CORRECTED, WITHDRAWN = "new", "late", "corrected", "withdrawn"
ROW, MORE = "(row)", "(more)"
KEEP_BUILDS = 60
"""Published builds whose changes a file answers for."""
KEEP_VALUES = 50_000
"""Changed values a file holds at most, the newest builds first."""
KEEP_OF_MART = 500
"""Changed values of one mart that a build tells; of more it tells how many, for in a big city a day changes most of
what counts a window that is still open."""
KEEP_FIGURES = 2_000
"""Issued figures looked at again at each publication, the newest periods first."""
_BATCH = 200
Shapes = dict[tuple[str, str, str], list[tuple[str, str]]]
"""Names and types of columns by catalog, schema and table."""
_TABLE = re.compile(r"\b(\w+)\.(\w+)\b")

TABLES: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    "published": (
        "one row per build that was published, the last of them",
        {
            "build_no": ("INTEGER", "Order of publication."),
            "build_id": ("VARCHAR", "Build."),
            "as_of": ("DATE", "The day it speaks for."),
        },
    ),
    "feeds": (
        "one row per mart and dataset it is made from",
        {"mart": ("VARCHAR", "Mart."), "dataset": ("VARCHAR", "Dataset id.")},
    ),
    "changed_partitions": (
        "one row per build and partition that differs from the build published before",
        {
            "build_no": ("INTEGER", "Build, see about.published."),
            "dataset": ("VARCHAR", "Dataset id."),
            "day": ("DATE", "Partition."),
            "delivery": ("VARCHAR", "The newest delivery of the day; empty when the day is gone."),
            "why": ("VARCHAR", "new, late (a day before the earlier build's), corrected, or withdrawn."),
        },
    ),
    "changed_values": (
        "one row per build and published value that differs from the build published before",
        {
            "build_no": ("INTEGER", "Build, see about.published."),
            "previous_build_id": ("VARCHAR", "The build it is compared with."),
            "mart": ("VARCHAR", "Mart."),
            "key": ("VARCHAR", "Key of the row: column=value, in the order of the mart's key."),
            "column_name": (
                "VARCHAR",
                "Column; (row) for a row that is gone, or is there now for an earlier day; (more) says how many more "
                "of the mart changed.",
            ),
            "before": ("VARCHAR", "Value then, as text."),
            "after": ("VARCHAR", "Value now, as text."),
        },
    ),
    "restated": (
        "one row per figure of an issued brief that this build would say otherwise",
        {
            "brief": ("VARCHAR", "Brief."),
            "period": ("VARCHAR", "Period of the issue, as its folder has it."),
            "scope": ("VARCHAR", "Division code."),
            "issue_no": ("INTEGER", "Number of the period's last issue."),
            "figure": ("VARCHAR", "Figure id, as in figures.json."),
            "title_zh": ("VARCHAR", "Chinese title."),
            "before": ("VARCHAR", "Value as issued; NULL when it had none."),
            "after": ("VARCHAR", "Value by this build."),
            "mart": ("VARCHAR", "Mart it is read from."),
            "issued_build_id": ("VARCHAR", "Build it was issued from."),
        },
    ),
}
"""Table: (what one row is, column: (type, meaning))."""

CHANGED_FIGURES = """
CREATE VIEW {catalog}.about.changed_figures AS
SELECT restated.brief, restated.period, restated.scope, restated.figure, restated.title_zh, restated.before,
    restated.after, partition.dataset, partition.day, partition.delivery, partition.why, published.build_id
FROM about.restated AS restated
INNER JOIN about.feeds AS feed ON restated.mart = feed.mart
INNER JOIN about.published AS issued ON restated.issued_build_id = issued.build_id
INNER JOIN about.changed_partitions AS partition
    ON feed.dataset = partition.dataset AND partition.build_no > issued.build_no
INNER JOIN about.published AS published ON partition.build_no = published.build_no
"""
"""Why a figure changed: what came, since it was issued, of the datasets its mart is made from."""


def write(
    duck: Any,
    file: Path,
    *,
    pins: Pins,
    earlier: tuple[Pins | None, Path] | None,
    manifest: Any,
    settings: Settings,
) -> None:
    """Add the tables to a file that has its marts and ``about``.

    Args:
        duck: a connection with nothing of the file attached.
        file: the file that is going to be published.
        pins: of its build.
        earlier: pins (None when they are gone) and file of the build published before; None for the first.
        manifest: dbt's, for keys and lineage.
        settings: landing and issues.
    """
    # By this name the SQL of issued figures finds its tables.
    duck.execute(f"ATTACH {quote_literal(str(file))} AS marts")
    keys, feeds = _keys(manifest), sorted(_feeds(manifest, pins))
    try:
        before = None
        if earlier is not None:
            duck.execute(f"ATTACH {quote_literal(str(earlier[1]))} AS before (READ_ONLY)")
            before = _build_of(duck)
        number = _last_number(duck) if before else 0
        content: dict[str, list[tuple[Any, ...]]] = {
            "published": [(number + 1, pins.build_id, str(pins.as_of))],
            "feeds": feeds,
            "changed_partitions": [],
            "changed_values": [],
            "restated": [],
        }
        if before is not None and earlier is not None:
            if earlier[0] is not None:
                content["changed_partitions"] = [
                    (number + 1, *row) for row in _partitions(earlier[0], pins, _comparisons(settings))
                ]
            shapes = _shapes(duck)
            content["changed_values"] = [
                (number + 1, before[0], mart.name, *row)
                for mart, key in keys
                for row in _values(duck, shapes, mart, key, before[1])
            ]
            content["restated"] = list(_restated(duck, settings, pins.build_id, told.marts(manifest)))
        for table, rows in content.items():
            _make(duck, table, rows, number, is_carried=before is not None)
        duck.execute("USE marts")
        duck.execute(CHANGED_FIGURES.format(catalog="marts"))
        duck.execute("COMMENT ON VIEW about.changed_figures IS 'one row per restated figure and partition behind it'")
        meanings = TABLES["published"][1] | TABLES["changed_partitions"][1] | TABLES["restated"][1]
        for (name,) in duck.execute("SELECT column_name FROM (DESCRIBE about.changed_figures)").fetchall():
            duck.execute(f"COMMENT ON COLUMN about.changed_figures.{name} IS {quote_literal(meanings[name][1])}")
        duck.execute("USE memory")
        duck.execute("CHECKPOINT marts")
    finally:
        duck.execute("USE memory")
        duck.execute("DETACH marts")
        if earlier is not None:
            duck.execute("DETACH before")


def _build_of(duck: Any) -> tuple[str, date] | None:
    found: tuple[str, date] | None = duck.execute("SELECT build_id, as_of FROM before.about.build").fetchone()
    return found


def _has(duck: Any, catalog: str, schema: str, table: str) -> bool:
    return bool(
        duck.execute(
            "SELECT 1 FROM duckdb_tables() WHERE database_name = ? AND schema_name = ? AND table_name = ?",
            [catalog, schema, table],
        ).fetchone()
    )


def _last_number(duck: Any) -> int:
    """Number of the build in the file before; 0 when it is older than these tables."""
    if not _has(duck, "before", "about", "published"):
        return 0
    row = duck.execute("SELECT max(build_no) FROM before.about.published").fetchone()
    return int(row[0] or 0) if row else 0


def _make(duck: Any, table: str, rows: Sequence[tuple[Any, ...]], number: int, *, is_carried: bool) -> None:
    """Create and fill a table: what the file before had of the last builds, and this build's rows."""
    grain, columns = TABLES[table]
    at = f"marts.about.{table}"
    fill(duck, at, ", ".join(f'"{name}" {kind}' for name, (kind, _) in columns.items()), rows)
    if is_carried and "build_no" in columns and _has(duck, "before", "about", table):
        names = ", ".join(columns)
        room = f"LIMIT {max(KEEP_VALUES - len(rows), 0)}" if table == "changed_values" else ""
        own = "" if table != "published" else f" AND build_id NOT IN (SELECT build_id FROM {at})"
        duck.execute(
            f"INSERT INTO {at} SELECT {names} FROM before.about.{table} "
            f"WHERE build_no > {number - KEEP_BUILDS}{own} ORDER BY build_no DESC, {names} {room}"
        )
    duck.execute(f"COMMENT ON TABLE {at} IS {quote_literal(grain)}")
    for name, (_, meaning) in columns.items():
        duck.execute(f'COMMENT ON COLUMN {at}."{name}" IS {quote_literal(meaning)}')


def _keys(manifest: Any) -> list[tuple[Model, list[str]]]:
    """Key columns of each mart, as its test `sound` names them, or its first test that columns are unique together."""
    keys: dict[str, list[str]] = {}
    for _, node in sorted(manifest.nodes.items()):
        test = getattr(node, "test_metadata", None)
        model = getattr(node, "attached_node", None)
        named = {"sound": "key", "unique_together": "columns"}.get(test.name) if test is not None else None
        if test is None or named is None or model is None:
            continue
        columns = [str(column) for column in test.kwargs[named]]
        if model not in keys or (len(columns), columns) < (len(keys[model]), keys[model]):
            keys[model] = columns
    return [(model, keys[model.id]) for model in told.marts(manifest) if model.id in keys]


def _feeds(manifest: Any, pins: Pins) -> Iterator[tuple[str, str]]:
    """Mart and dataset of every accepted table upstream of a mart."""
    for mart in told.marts(manifest):
        seen: set[str] = set()
        left = [mart.id]
        while left:
            parent = left.pop()
            if parent in seen:
                continue
            seen.add(parent)
            above = manifest.nodes.get(parent)
            left += getattr(above.depends_on, "nodes", []) if above is not None else []  # a seed depends on none
        for source_id in seen:
            source = manifest.sources.get(source_id)
            if source is not None and source.schema == "lake" and source.identifier in pins.tables:
                yield mart.name, pins.tables[source.identifier].dataset


def _comparisons(settings: Settings) -> set[str]:
    """Deliveries that brought withdrawals which a comparison of keys found."""
    return {str(event.payload.get("delivery")) for event in Ledger(settings).events(kind=COMPARED)}


def _partitions(before: Pins, now: Pins, withdrawals: set[str]) -> Iterator[tuple[str, str, str, str]]:
    """Dataset, day, delivery and why of every partition whose content differs; files merged by upkeep do not."""
    delivery_of = {(row.dataset, row.day): row.delivery for row in now.partitions}
    for name, day in now.changed_since(before):
        table, earlier = now.tables[name], before.tables.get(name)
        old, new = _files(earlier, day), _files(table, day)
        if len(old) > len(new) == 1 and sum(old.values()) == sum(new.values()):
            continue  # upkeep merged the day's files
        delivery = delivery_of.get((table.dataset, day), "") if new else ""
        if not new or delivery in withdrawals:
            why = WITHDRAWN
        elif old and not set(old) <= set(new):
            why = CORRECTED
        else:
            why = LATE if old or day <= before.as_of else NEW
        yield table.dataset, str(day), delivery, why


def _files(table: PinnedTable | None, day: date) -> dict[str, int]:
    return {file.path: file.records for file in table.files if file.day == day} if table is not None else {}


def _values(duck: Any, shapes: Shapes, mart: Model, key: Sequence[str], as_of: date) -> list[tuple[Any, ...]]:
    """Key, column, before and after of every value of a mart that differs; of new rows only those of earlier days."""
    columns = shapes.get(("marts", mart.schema, mart.name), [])
    before = shapes.get(("before", mart.schema, mart.name))
    if before is None:
        return []
    if columns != before:
        return []  # another shape: the models were changed, and every value may have
    at = f"{quote_identifier(mart.schema)}.{quote_identifier(mart.name)}"
    duck.execute(
        f"CREATE OR REPLACE TEMP TABLE now AS SELECT * FROM marts.{at} EXCEPT SELECT * FROM before.{at};"
        f"CREATE OR REPLACE TEMP TABLE was AS SELECT * FROM before.{at} EXCEPT SELECT * FROM marts.{at}"
    )
    same = " AND ".join(f"was.{quote_identifier(c)} IS NOT DISTINCT FROM now.{quote_identifier(c)}" for c in key)
    told = {
        side: "concat_ws(', ', "
        + ", ".join(f"{quote_literal(c + '=')} || coalesce({side}.{quote_identifier(c)}::VARCHAR, '')" for c in key)
        + ")"
        for side in ("was", "now")
    }
    # All columns in one join: one for each would be two thousand small ones in a publication.
    cells = ", ".join(
        f"{{'name': {quote_literal(name)}, 'was': was.{quote_identifier(name)}::VARCHAR, "
        f"'now': now.{quote_identifier(name)}::VARCHAR, "
        f"'differs': was.{quote_identifier(name)} IS DISTINCT FROM now.{quote_identifier(name)}}}"
        for name, _ in columns
        if name not in key
    )
    parts = []
    if cells:
        parts.append(
            "SELECT key, cell.name AS column_name, cell.was, cell.now FROM "
            f"(SELECT {told['now']} AS key, unnest([{cells}]) AS cell FROM was JOIN now ON {same}) WHERE cell.differs"
        )
    parts.append(f"SELECT {told['was']}, '{ROW}', 'there', NULL FROM was ANTI JOIN now ON {same}")
    days = [name for name, kind in columns if name in key and kind == "DATE"]
    if days:
        early = f"now.{quote_identifier(days[0])} <= DATE '{as_of}'"
        parts.append(
            f"SELECT {told['now']}, '{ROW}', NULL, 'there' FROM (SELECT * FROM now WHERE {early}) AS now "
            f"ANTI JOIN was ON {same}"
        )
    duck.execute(f"CREATE OR REPLACE TEMP TABLE differing AS {' UNION ALL '.join(parts)}")
    rows: list[tuple[Any, ...]] = duck.execute(f"FROM differing ORDER BY ALL LIMIT {KEEP_OF_MART}").fetchall()
    more = duck.execute(f"SELECT count(*) - {KEEP_OF_MART} FROM differing").fetchone()[0]
    return rows + ([("", MORE, None, str(more))] if more > 0 else [])


def _shapes(duck: Any) -> Shapes:
    """Columns of every table of both files, asked once: DuckDB goes through all of them each time."""
    rows = duck.execute(
        "SELECT database_name, schema_name, table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE database_name IN ('marts', 'before') ORDER BY database_name, schema_name, table_name, column_index"
    ).fetchall()
    found: Shapes = {}
    for catalog, schema, table, name, kind in rows:
        found.setdefault((catalog, schema, table), []).append((name, kind))
    return found


def _restated(duck: Any, settings: Settings, build_id: str, marts: Sequence[Model]) -> Iterator[tuple[Any, ...]]:
    """Figures of each period's last issue that the file answers otherwise than they were issued."""
    figures = _issued(settings, build_id)[:KEEP_FIGURES]
    duck.execute("USE marts")
    try:
        answers = _answers(duck, list(dict.fromkeys(figure["sql"] for *_, figure in figures)))
    finally:
        duck.execute("USE memory")
    for manifest, scope, figure in figures:
        if figure["sql"] not in answers:
            continue  # the table it was read from is gone
        was, now = figure["value"], answers[figure["sql"]]
        if (None if was is None else float(was)) == (None if now is None else float(now)) or now is None:
            continue
        read = {f"{schema}.{name}" for schema, name in _TABLE.findall(figure["sql"])}
        mart = next((mart.name for mart in marts if f"{mart.schema}.{mart.name}" in read), "")
        yield (
            manifest["brief"], manifest["period"]["key"], scope, manifest["issue_no"], figure["id"],
            figure["title_zh"], None if was is None else str(was), str(now), mart, manifest["build_id"],
        )  # fmt: skip


def _issued(settings: Settings, build_id: str) -> list[tuple[dict[str, Any], str, dict[str, Any]]]:
    """Manifest, scope and figure of the last issue of every period and scope, the newest periods first."""
    last: dict[tuple[str, str, str], dict[str, Any]] = {}
    folders: dict[tuple[str, str, str], Path] = {}
    for path in sorted(settings.issues.glob("*/*/*/issue-*/manifest.json")):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        place = (path.parents[3].name, path.parents[2].name, path.parents[1].name)
        if place not in last or manifest["issue_no"] > last[place]["issue_no"]:
            last[place], folders[place] = manifest, path.parent
    found: list[tuple[dict[str, Any], str, dict[str, Any]]] = []
    newest = sorted(last, key=lambda place: (last[place]["period"]["last"], place), reverse=True)
    for place in newest:
        if last[place]["build_id"] == build_id:
            continue
        content = json.loads((folders[place] / "figures.json").read_text(encoding="utf-8"))
        found += [(last[place], place[2], figure) for figure in content["figures"]]
        if len(found) >= KEEP_FIGURES:
            break
    return found


def _answers(duck: Any, queries: list[str]) -> dict[str, Any]:
    """First value of each query's first row; queries that cannot be asked any more are left out."""
    found: dict[str, Any] = {}
    for start in range(0, len(queries), _BATCH):
        batch = queries[start : start + _BATCH]
        try:
            found |= dict(zip(batch, _ask(duck, batch), strict=True))
        except duckdb.Error:
            for query in batch:
                try:
                    found[query] = _ask(duck, [query])[0]
                except duckdb.Error:
                    continue
    return found


def _ask(duck: Any, queries: Sequence[str]) -> Sequence[Any]:
    row = duck.execute("SELECT " + ", ".join(f"(SELECT * FROM ({query}) LIMIT 1)" for query in queries))
    return tuple(row.fetchone() or ())
