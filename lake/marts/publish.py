"""Shows a build: a fresh file with core, marts and about, then one swap of the link ``published/current``.

A reader that has the old file open keeps it; a reader that comes later gets the new one; nobody waits, and nobody
sees half a build. Only a copy is published, for a dropped table leaves its values in a file's bytes.

Each subject of the marts is a schema of the file, beside ``core`` and ``about``; there is nothing in ``main``. DuckDB
names the catalog of ``marts.duckdb`` ``marts``: a schema of that name would make ``marts.city_daily`` ambiguous.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from lake.boundary import boundary
from lake.engine import connect, quote_identifier, quote_literal
from lake.errors import BuildFailed, told_when_full
from lake.ledger import Ledger, published_event
from lake.marts import about, changes, history, transform
from lake.marts import models as told
from lake.marts import pins as pinning
from lake.marts.build import Build, find_build
from lake.marts.models import Model
from lake.marts.pins import Pins, write_json
from lake.marts.transform import PRIVATE_FILE
from lake.settings import Settings

FILE = "marts.duckdb"
AUDIENCES = "audience"
"""Folder of the files that one audience alone may read: they hold what `marts.duckdb` never does."""
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
    zh = told.names_zh(settings.root / "dbt_project")
    # One thread: the order of rows, and so the file, is the same every time.
    with connect(settings) as duck:
        duck.execute("SET threads = 1")
        duck.execute(f"ATTACH {quote_literal(str(build.folder / PRIVATE_FILE))} AS private (READ_ONLY)")
        _write(duck, incoming / FILE, pins, told.published(manifest), zh)
        for audience in told.audiences(manifest):
            file = incoming / AUDIENCES / f"{audience}.duckdb"
            file.parent.mkdir(exist_ok=True)
            _write(duck, file, pins, told.published(manifest, audience), zh)
            _finish(duck, file, zh, mode=0o440)
        earlier = _earlier(settings)
        history.write(duck, incoming, told.published(manifest), earlier[1].parent if earlier else None)
        duck.execute("DETACH private")
        changes.write(
            duck,
            incoming / FILE,
            pins=pins,
            earlier=earlier,
            manifest=manifest,
            settings=settings,
        )
        _finish(duck, incoming / FILE, zh, mode=0o444)
    boundary("publish.written")
    if target.exists():  # a folder without its file: nothing that was ever shown
        shutil.rmtree(target)
    incoming.rename(target)
    _sync(settings.published)


def _write(duck: Any, file: Path, pins: Pins, shown: Sequence[Model], zh: Mapping[str, str]) -> None:
    """A fresh file with these tables, what is said of them, and their Chinese views."""
    duck.execute(f"ATTACH {quote_literal(str(file))} AS fresh")
    for schema in dict.fromkeys(model.schema for model in shown):
        duck.execute(f"CREATE SCHEMA fresh.{quote_identifier(schema)}")
    counted = []
    for model in shown:
        # Ordered by what is shown: an order by what is withheld would tell something of it.
        made = duck.execute(f"CREATE TABLE fresh.{model.at} AS SELECT * FROM ({_rows(model, pins.as_of)}) ORDER BY ALL")
        counted.append((model, int((made.fetchone() or (0,))[0])))
        _comment(duck, f"fresh.{model.at}", model, pins.as_of)
    about.write(duck, "fresh", pins, counted, zh)
    about.write_chinese(duck, "fresh", [model for model in shown if model.room == told.MARTS], zh)
    duck.execute("DETACH fresh")


def _rows(model: Model, as_of: date) -> str:
    rows = f"SELECT {model.shown} FROM private.{model.at}"
    if model.recent is None:
        return rows
    return f"{rows} WHERE (CAST({model.recent.by} AS DATE) > DATE '{model.recent.after(as_of)}') IS NOT FALSE"


def _finish(duck: Any, file: Path, zh: Mapping[str, str], *, mode: int) -> None:
    """The last table, and nobody writes any more."""
    duck.execute(f"ATTACH {quote_literal(str(file))} AS fresh")
    about.write_columns(duck, "fresh", zh)
    duck.execute("CHECKPOINT fresh")
    duck.execute("DETACH fresh")
    file.chmod(mode)
    _sync(file)


def _earlier(settings: Settings) -> tuple[Pins | None, Path] | None:
    """Pins and file of what readers see now."""
    now = current(settings)
    file = settings.published / (now or "") / FILE
    return (pinning.read(settings.builds / str(now)), file) if now and file.exists() else None


def _comment(duck: Any, at: str, model: Model, as_of: date) -> None:
    meaning = f"{model.grain}. {model.description}".strip()
    if (part := history.part_shown(model, as_of)) is not None:
        meaning += f" Here: {part}."
    said = [f"COMMENT ON TABLE {at} IS {quote_literal(meaning)}"]
    said += [
        f"COMMENT ON COLUMN {at}.{quote_identifier(column)} IS {quote_literal(column_meaning)}"
        for column, column_meaning in model.columns.items()
    ]
    duck.execute("; ".join(said))


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
