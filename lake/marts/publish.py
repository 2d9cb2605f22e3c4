"""Shows a build: a fresh file with core, marts and about, then one swap of the link ``published/current``.

A reader that has the old file open keeps it; a reader that comes later gets the new one; nobody waits, and nobody
sees half a build. Only a copy is published, for a dropped table leaves its values in a file's bytes.

The marts lie in the file's schema ``main``: DuckDB names the catalog of ``marts.duckdb`` ``marts``, and with a schema
of the same name it refuses ``marts.city_daily`` as ambiguous. This way that name works, whether a client opens the
file or attaches it, and so does ``city_daily`` alone.
"""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lake.boundary import boundary
from lake.engine import connect, quote_identifier, quote_literal
from lake.errors import BuildFailed, told_when_full
from lake.ledger import Ledger, published_event
from lake.marts import about, changes, transform
from lake.marts import pins as pinning
from lake.marts.build import Build, find_build
from lake.marts.pins import Pins, write_json
from lake.marts.transform import PRIVATE_FILE
from lake.settings import Settings

FILE = "marts.duckdb"
SCHEMAS = {"core": "core", "marts": "main"}
"""Schema in the private file: schema in the published one."""
RECORD = "published.json"


def publish(build: Build, settings: Settings) -> Path:
    """Make a build what readers see; gives the file. Publishing what is current already changes nothing.

    Killed at any instant and run again, it ends in the same state.
    """
    from filelock import FileLock

    with told_when_full(), FileLock(settings.home / "marts.lock"):
        target = settings.published / build.build_id
        if not (target / FILE).exists():
            _copy(build, settings, target)
        boundary("publish.copied")
        _point(settings, build.build_id)
        boundary("publish.linked")
        if not (build.folder / RECORD).exists():
            write_json(
                build.folder / RECORD,
                {
                    "build_id": build.build_id,
                    "as_of": build.build_id[:10],
                    "published_at": datetime.now(UTC).isoformat(),
                },
            )
        Ledger(settings).record([published_event(build.folder)])
    return target / FILE


def rollback(settings: Settings, to: str | None = None) -> str:
    """Let ``published/current`` point at an earlier build; gives its id.

    Args:
        settings: home.
        to: build id; None = the one published before the current.

    Raises:
        BuildFailed: there is no such published build.
    """
    from filelock import FileLock

    with FileLock(settings.home / "marts.lock"):
        wanted = to or _before_current(settings)
        if not (settings.published / wanted / FILE).exists():
            raise BuildFailed(
                f"build {wanted!r} is not among the published ones",
                remedy="name one of the folders of published/, or publish a build with `citybrain marts publish`",
            )
        _point(settings, wanted)
    return wanted


def current(settings: Settings) -> str | None:
    """Id of the build readers see; None before the first."""
    link = settings.published / "current"
    return link.readlink().name if link.is_symlink() else None


def _before_current(settings: Settings) -> str:
    records = [json.loads(path.read_text(encoding="utf-8")) for path in settings.builds.glob(f"*/{RECORD}")]
    order = [record["build_id"] for record in sorted(records, key=lambda record: str(record["published_at"]))]
    order = [build_id for build_id in order if (settings.published / build_id / FILE).exists()]
    now = current(settings)
    if now not in order or order.index(now) == 0:
        raise BuildFailed(
            "no build was published before the current one", remedy="name the build with --to, or build again"
        )
    return str(order[order.index(now) - 1])


def _copy(build: Build, settings: Settings, target: Path) -> None:
    find_build(settings, build.build_id)
    pins = pinning.read(build.folder)
    if pins is None:
        raise BuildFailed(f"build {build.build_id!r} has no pins", remedy="run `citybrain marts build` again")
    incoming = settings.published / f".incoming-{build.build_id}"
    shutil.rmtree(incoming, ignore_errors=True)
    incoming.mkdir(parents=True)
    manifest = transform.manifest(settings, pins, build.folder)
    documents = _documents(manifest)
    # One thread: the order of rows, and so the file, is the same every time.
    with connect(settings) as duck:
        duck.execute("SET threads = 1")
        duck.execute(f"ATTACH {quote_literal(str(build.folder / PRIVATE_FILE))} AS private (READ_ONLY)")
        duck.execute(f"ATTACH {quote_literal(str(incoming / FILE))} AS fresh")
        models = []
        for schema, shown in SCHEMAS.items():
            duck.execute(f"CREATE SCHEMA IF NOT EXISTS fresh.{shown}")
            for (name,) in _tables(duck, schema):
                grain, description, columns = documents[schema, name]
                at = f"fresh.{shown}.{quote_identifier(name)}"
                duck.execute(
                    f"CREATE TABLE {at} AS SELECT * FROM private.{schema}.{quote_identifier(name)} ORDER BY ALL"
                )
                _comment(duck, at, grain, description, columns)
                (row_n,) = duck.execute(f"SELECT count(*) FROM {at}").fetchone() or (0,)
                models.append((schema, name, grain, description, row_n))
        about.write(duck, "fresh", pins, models)
        duck.execute(
            "CREATE VIEW fresh.about.columns AS SELECT "
            "CASE schema_name WHEN 'main' THEN 'marts' ELSE schema_name END AS schema, table_name AS name, "
            "column_name, data_type, comment AS meaning FROM duckdb_columns() "
            "WHERE schema_name IN ('core', 'main', 'about') "
            "AND NOT internal AND database_name = current_database() ORDER BY schema, name, column_index"
        )
        duck.execute("DETACH private")
        duck.execute("CHECKPOINT fresh")
        duck.execute("DETACH fresh")
        changes.write(
            duck,
            incoming / FILE,
            pins=pins,
            earlier=_earlier(settings),
            manifest=manifest,
            settings=settings,
        )
    (incoming / FILE).chmod(0o444)
    _sync(incoming / FILE)
    boundary("publish.written")
    if target.exists():  # a folder without its file: nothing that was ever shown
        shutil.rmtree(target)
    incoming.rename(target)
    _sync(settings.published)


def _earlier(settings: Settings) -> tuple[Pins | None, Path] | None:
    """Pins and file of what readers see now."""
    now = current(settings)
    file = settings.published / (now or "") / FILE
    return (pinning.read(settings.builds / str(now)), file) if now and file.exists() else None


def _tables(duck: Any, schema: str) -> list[tuple[str]]:
    found: list[tuple[str]] = duck.execute(
        "SELECT table_name FROM duckdb_tables() "
        f"WHERE database_name = 'private' AND schema_name = {quote_literal(schema)} ORDER BY 1"
    ).fetchall()
    return found


def _documents(manifest: Any) -> dict[tuple[str, str], tuple[str, str, dict[str, str]]]:
    """Schema and name of every model to its grain, the rest of its description, and its columns' meanings."""
    found = {}
    for node in manifest.nodes.values():
        if node.resource_type == "model":
            grain, _, rest = node.description.strip().partition("\n")
            columns = {column.name: " ".join(column.description.split()) for column in node.columns.values()}
            found[node.schema, node.name] = (grain, " ".join(rest.split()), columns)
    return found


def _comment(duck: Any, at: str, grain: str, description: str, columns: dict[str, str]) -> None:
    duck.execute(f"COMMENT ON TABLE {at} IS {quote_literal(f'{grain}. {description}'.strip())}")
    for column, meaning in columns.items():
        duck.execute(f"COMMENT ON COLUMN {at}.{quote_identifier(column)} IS {quote_literal(meaning)}")


def _point(settings: Settings, build_id: str) -> None:
    """Swap the link in one step; a link to a folder, for the file's own name must not change."""
    if current(settings) == build_id:
        return
    beside = settings.published / f".current-{os.getpid()}"
    beside.unlink(missing_ok=True)
    beside.symlink_to(build_id)
    beside.replace(settings.published / "current")
    _sync(settings.published)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
