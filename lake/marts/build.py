"""From pins to a built and tested private file: one dbt run over `lake.*` views, carried on from the build before."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from lake.boundary import boundary
from lake.engine import connect, quote_identifier, quote_literal
from lake.errors import Busy, told_when_full
from lake.marts import pins as pinning
from lake.marts import transform
from lake.marts.pins import PinnedTable, Pins, write_json
from lake.marts.transform import PRIVATE_FILE
from lake.settings import Settings
from lake.warehouse import open_warehouse

LOCK_PATIENCE_S = 900.0
RECORD = "built.json"


@dataclass(frozen=True)
class Build:
    """A build whose tests passed.

    Attributes:
        build_id: ``<as_of>-<12 hex>``.
        folder: its room under ``builds/``: pins, private file, dbt's logs.
        is_new: False when the same pins had been built before and nothing was done.
    """

    build_id: str
    folder: Path
    is_new: bool


def build(settings: Settings, as_of: date, *, pins: Pins | None = None) -> Build:
    """Build and test the marts as of a day. What is published stays as it is; see `publish`.

    Args:
        settings: home, city, limits.
        as_of: the day the build speaks for; later partitions are not read.
        pins: what to read; None = every table as it is now.

    Raises:
        BuildFailed: dbt or a test failed; the folder keeps its log, without cells.
        Busy: another build has been running for longer than we waited.
        StorageFull: what is published stays as it is.
    """
    from filelock import FileLock, Timeout

    settings.make_home()
    try:
        with told_when_full(day=as_of), FileLock(settings.home / "marts.lock", timeout=LOCK_PATIENCE_S):
            pins = pins or pinning.collect(settings, as_of)
            folder = settings.builds / pins.build_id
            if is_built(settings, pins.build_id):
                return Build(pins.build_id, folder, is_new=False)
            _run(settings, pins, folder)
            return Build(pins.build_id, folder, is_new=True)
    except Timeout as error:
        raise Busy(
            "another build of the marts holds the lock",
            remedy="wait for it to end, or stop the process that runs it",
            day=as_of,
        ) from error


def is_built(settings: Settings, build_id: str) -> bool:
    """Whether the build was finished and its tables still exist, in the private file or published."""
    folder = settings.builds / build_id
    finished = (folder / RECORD).exists() and (folder / PRIVATE_FILE).exists()
    return finished or (settings.published / build_id / "marts.duckdb").exists()


def find_build(settings: Settings, build_id: str) -> Build:
    """A build made before, by its id.

    Raises:
        BuildFailed: there is none, or it was not finished.
    """
    if not is_built(settings, build_id):
        raise transform.failed(
            f"there is no finished build {build_id!r}", "list the folder builds/, or run `citybrain marts build`"
        )
    return Build(build_id, settings.builds / build_id, is_new=False)


def _run(settings: Settings, pins: Pins, folder: Path) -> None:
    if folder.exists():  # what a failed or killed build left
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    write_json(folder / "pins.json", pins.to_json())
    boundary("build.pinned")
    earlier = _carry_forward(settings, pins, folder / PRIVATE_FILE)
    changed = pins.changed_since(earlier)
    _make_lake(settings, pins, changed, folder / PRIVATE_FILE)
    boundary("build.prepared")
    outcome = transform.run(settings, pins, folder, folder / PRIVATE_FILE, with_seeds=earlier is None)
    write_json(
        folder / RECORD,
        {
            "build_id": pins.build_id,
            "as_of": str(pins.as_of),
            "carried_from": earlier.build_id if earlier else None,
            "partitions_changed": len(changed),
            "models": outcome.models,
            "tests": outcome.tests,
            "warned": outcome.warned,
        },
    )
    boundary("build.tested")


def _carry_forward(settings: Settings, pins: Pins, private: Path) -> Pins | None:
    """Start from the published build's private file when only data differ; gives the pins it was built from."""
    current = settings.published / "current"
    if not current.is_symlink():
        return None
    folder = settings.builds / current.readlink().name
    earlier = pinning.read(folder)
    if earlier is None or not (folder / PRIVATE_FILE).exists() or not (folder / RECORD).exists():
        return None
    if _frame(earlier) != _frame(pins):
        return None
    shutil.copyfile(folder / PRIVATE_FILE, private)
    return earlier


def _frame(pins: Pins) -> tuple[object, ...]:
    """What must be the same for a build to go on from another: everything but the data and the day."""
    columns = {name: table.columns for name, table in pins.tables.items()}
    return pins.city, pins.zone, pins.seeds_hash, pins.code_hash, columns


def _make_lake(settings: Settings, pins: Pins, changed: list[tuple[str, date]], private: Path) -> None:
    files = readable_files(settings, pins)
    with connect(settings, private, reads=itertools.chain(*files.values())) as duck:
        duck.execute("CREATE SCHEMA IF NOT EXISTS lake")
        for name, table in pins.tables.items():
            duck.execute(f"CREATE OR REPLACE VIEW lake.{quote_identifier(name)} AS {view_sql(table, files[name])}")
        fill(
            duck, "lake.parameters", "as_of DATE, city VARCHAR, zone VARCHAR", [(str(pins.as_of), pins.city, pins.zone)]
        )
        fill(
            duck,
            "lake.datasets",
            "dataset VARCHAR, table_name VARCHAR, department VARCHAR, title_zh VARCHAR, is_gapless BOOLEAN, "
            "due_on DATE",
            [
                (table.dataset, name, table.department, table.title_zh, table.is_gapless, str(table.due_on))
                for name, table in pins.tables.items()
            ],
        )
        departments = {table.dataset: table.department for table in pins.tables.values()}
        fill(
            duck,
            "lake.partitions",
            "dataset VARCHAR, department VARCHAR, day DATE, state VARCHAR, delivered BIGINT, accepted BIGINT, "
            "quarantined BIGINT, unchanged BIGINT",
            [
                (row.dataset, departments[row.dataset], str(row.day), row.state,
                 row.delivered, row.accepted, row.quarantined, row.unchanged)
                for row in pins.partitions
            ],
        )  # fmt: skip
        _fill_promises(duck, pins)
        fill(duck, "lake.changed", "table_name VARCHAR, ds DATE", [(name, str(day)) for name, day in changed])


def _fill_promises(duck: Any, pins: Pins) -> None:
    """What the contracts promise, what was doubted, and when deliveries came."""
    tables = sorted(pins.tables.values(), key=lambda table: table.dataset)
    names = ("owner", "title_en", "version", "mode", "cadence", "connector", "valid_from", "due_at", "retention_days")
    fill(
        duck,
        "lake.contracts",
        "dataset VARCHAR, owner VARCHAR, title_en VARCHAR, version VARCHAR, mode VARCHAR, cadence VARCHAR, "
        "connector VARCHAR, valid_from DATE, due_at TIME, retention_days INTEGER",
        [(table.dataset, *(table.promise.get(name) for name in names)) for table in tables],
    )
    keys = ("name", "title_zh", "type", "classification", "treatment", "purpose", "is_key", "is_kept")
    fill(
        duck,
        "lake.columns",
        "dataset VARCHAR, position INTEGER, column_name VARCHAR, title_zh VARCHAR, type VARCHAR, "
        "classification VARCHAR, treatment VARCHAR, purpose VARCHAR, is_key BOOLEAN, is_kept BOOLEAN",
        [
            (table.dataset, number, *(column[key] for key in keys))
            for table in tables
            for number, column in enumerate(table.promise.get("columns", ()), 1)
        ],
    )
    fill(
        duck,
        "lake.warnings",
        "dataset VARCHAR, day DATE, check_id VARCHAR, column_name VARCHAR, failed_n BIGINT",
        [
            (row.dataset, str(row.day), warning["id"], warning.get("column"), warning["failed_n"])
            for row in pins.partitions
            for warning in row.warnings
        ],
    )
    fill(
        duck,
        "lake.deliveries",
        "dataset VARCHAR, period_on DATE, ends_on DATE, came_on DATE, is_observed BOOLEAN",
        [
            (table.dataset, str(day), str(came.ends_on), str(came.came_on) if came.came_on else None, came.is_observed)
            for table in tables
            for day, came in sorted(table.arrivals.items())
        ],
    )


def readable_files(settings: Settings, pins: Pins) -> dict[str, list[str]]:
    """The pinned files of each table by the paths they are read at: those of a bucket have copies on this machine."""
    every = [file.path for table in pins.tables.values() for file in table.files]
    at = dict(zip(every, open_warehouse(settings).readable(every), strict=True))
    return {name: [at[file.path] for file in table.files] for name, table in pins.tables.items()}


def view_sql(table: PinnedTable, files: Sequence[str] | None = None) -> str:
    """SELECT over the pinned files, columns found by field id, so a renamed or re-added column reads right.

    Args:
        table: columns, and files by their own paths.
        files: the paths to read them at, where these are others.
    """
    if not table.files:
        empty = ", ".join(f"CAST(NULL AS {c.type}) AS {quote_identifier(c.name)}" for c in table.columns)
        return f"SELECT {empty} WHERE false"
    schema = ", ".join(
        f"{c.field_id}: {{name: {quote_literal(c.name)}, type: {quote_literal(c.type)}, default_value: NULL}}"
        for c in table.columns
    )
    paths = ", ".join(map(quote_literal, files or [file.path for file in table.files]))
    return f"SELECT * FROM read_parquet([{paths}], hive_partitioning = false, schema = MAP {{{schema}}})"


def fill(duck: Any, table: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Make a small table from rows, out of one JSON text: thousands of single inserts take seconds, and a query with
    parameters makes DuckDB import pandas, which takes two more.

    Args:
        duck: connection.
        table: name with its schema.
        columns: names and types, as in CREATE TABLE; ``", "`` stands between two columns only.
        rows: cells that JSON knows; dates as text.
    """
    kinds = [column.split(" ", 1)[1] for column in columns.split(", ")]
    picked = ", ".join(f"CAST(row ->> {i} AS {kind})" for i, kind in enumerate(kinds))
    text = quote_literal(json.dumps(rows, ensure_ascii=False))
    duck.execute(f"CREATE OR REPLACE TABLE {table} ({columns})")
    duck.execute(f"INSERT INTO {table} SELECT {picked} FROM (SELECT unnest(CAST({text} AS JSON[])) AS row)")
