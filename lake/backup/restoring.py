"""Bring a home back from a backup: into an empty one, under the same path or another, whole or marked as not whole."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lake.backup import keys as keeping
from lake.backup.creating import LEDGER
from lake.backup.places import Places, warehouse_of
from lake.backup.store import Backup, Entry, Store
from lake.boundary import boundary
from lake.errors import CitybrainError, told_when_full
from lake.ledger import Ledger
from lake.settings import Settings
from lake.tables import Tables
from lake.upkeep import undisturbed
from lake.warehouse import open_warehouse

UNFINISHED = "restoring.json"
"""In the home as long as a restore is not through: the same restore may then go on, and nothing else may begin."""
READERS = 4


@dataclass(frozen=True)
class Restored:
    """What a restore came to.

    Attributes:
        backup: what was restored.
        events: events of the ledger, made again from the files.
        events_lost: events of the backup's ledger that the files do not tell of; 0 but for a damaged home.
        without_bytes: deliveries that cannot be admitted again, for their bytes are not in the backup.
        without_keys: purposes whose key is not there: until it is, nothing that needs it can be loaded.
        is_moved: the home has another path than the one it was taken from, and its tables name the new one.
        seconds: how long it took.
    """

    backup: Backup
    events: int
    events_lost: int
    without_bytes: int
    without_keys: tuple[str, ...]
    is_moved: bool
    seconds: float


def restore(
    folder: Path,
    settings: Settings,
    *,
    which: str | None = None,
    keys: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Restored:
    """Restore a backup into an empty home; killed and run again it goes on.

    The catalog learns of the tables last, and the ledger is made from the files. Every content is held against its
    digest on the way.

    Args:
        folder: the store of backups.
        settings: the home, and its catalog.
        which: id of the backup; None = the newest whole one.
        keys: the folder the keys were put apart in.
        progress: called with a line of text before each step.

    Raises:
        CitybrainError: the home is not empty, a content is missing or changed, a key is not there.
    """
    say = progress or (lambda text: None)
    began = time.monotonic()
    store = Store(folder)
    backup = store.backup(which)
    if backup.city != settings.city:
        raise CitybrainError(f"the backup is of {backup.city!r}", remedy=f"set CITYBRAIN_CITY={backup.city}")
    found = keeping.find(backup.city, backup.key_marks, keys) if keys else {}
    settings.make_home()
    with told_when_full(), undisturbed(settings):
        _refuse_unless_empty(settings, backup)
        entries = store.entries(backup)
        _refuse_damaged(store, entries)
        (settings.home / UNFINISHED).write_text(json.dumps({"backup": backup.id}))
        say(f"restoring {len(entries)} files of {backup.id}")
        after = warehouse_of(settings)
        is_moved = backup.warehouse != after
        # Metadata that has to name another place is written there when it does, and not before.
        desk = settings.staging / "restoring" if is_moved else None
        _give_out(settings, store, entries, desk)
        boundary("restore.files")
        for purpose, key in found.items():
            _write_key(settings.keys / f"{purpose}.key", key)
        tables = Tables(settings)
        pointers = {table: after + was.removeprefix(backup.warehouse) for table, was in backup.tables.items()}
        if desk is not None:
            say(f"the tables lie under {after} now")
            _move_pins(settings, backup.warehouse.removeprefix("file://"), after.removeprefix("file://"))
            for pointer in pointers.values():
                tables.write_paths(pointer, backup.warehouse, after, desk)
            _bring_in(settings, desk)
        known = set(tables.names())
        for table, pointer in pointers.items():
            if table not in known:
                tables.enter(table, pointer)
        boundary("restore.entered")
        events = Ledger(settings).rebuild()
        os.sync()
        (settings.home / UNFINISHED).unlink()
    return Restored(
        backup=backup,
        events=events,
        events_lost=len(_kept_events(store, entries) - {event.id for event in Ledger(settings).events()}),
        without_bytes=_without_bytes(settings),
        without_keys=tuple(p for p in backup.key_marks if not (settings.keys / f"{p}.key").exists()),
        is_moved=is_moved,
        seconds=time.monotonic() - began,
    )


def _refuse_unless_empty(settings: Settings, backup: Backup) -> None:
    unfinished = settings.home / UNFINISHED
    if unfinished.exists():
        begun = json.loads(unfinished.read_text())["backup"]
        if begun == backup.id:
            return
        raise CitybrainError(
            f"a restore of {begun} was begun here and did not end", remedy=f"run it again with --backup {begun}"
        )
    rooms = (settings.landing, settings.quarantine, settings.keys, settings.builds, settings.published,
             settings.issues, settings.home / "watch")  # fmt: skip
    full = [f"{room.name}/" for room in rooms if any(path.is_file() for path in room.rglob("*"))]
    warehouse = open_warehouse(settings)
    full += [warehouse.root] * any(True for _ in warehouse.listed(warehouse.root))
    full += ["the catalog"] * bool(Tables(settings).names())
    if full:
        raise CitybrainError(
            f"the home is not empty: {', '.join(full)} holds something",
            remedy="set CITYBRAIN_HOME to an empty folder (CITYBRAIN_CATALOG_URI, CITYBRAIN_WAREHOUSE likewise), "
            "look at what is there, and move it away only when you are sure",
        )


def _refuse_damaged(store: Store, entries: Sequence[Entry]) -> None:
    bad = [entry.name for entry in entries if entry.link is None and not store.has(entry.sha256, entry.size)]
    if bad:
        raise CitybrainError(
            f"{len(bad)} files of the backup are missing or cut short, the first {bad[0]}",
            remedy="see `citybrain backup verify` for all of them, and restore another backup with --backup",
        )


def _give_out(settings: Settings, store: Store, entries: Sequence[Entry], desk: Path | None) -> None:
    places, root = Places(settings), warehouse_of(settings)
    vault = (settings.landing.name, settings.quarantine.name)

    def give(entry: Entry) -> None:
        if entry.name == LEDGER:
            return
        room, _, rest = entry.name.partition("/")
        if room == settings.tables.name:
            is_metadata = rest.split("/")[-2] == "metadata"
            path = f"{desk}/{rest}" if desk is not None and is_metadata else f"{root}/{rest}"
            with places.of(path).write(path) as target:
                store.copy(entry, target.write)
            return
        at = settings.home / entry.name
        _make_folders(at.parent, settings.home, 0o700 if room in vault else 0o755)
        if entry.link is not None:
            at.unlink(missing_ok=True)
            at.symlink_to(entry.link)
            return
        at.unlink(missing_ok=True)
        with os.fdopen(os.open(at, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            store.copy(entry, file.write)
        at.chmod(entry.mode)

    with ThreadPoolExecutor(READERS) as pool:
        for _ in pool.map(give, entries):
            pass


def _bring_in(settings: Settings, desk: Path) -> None:
    places, root = Places(settings), warehouse_of(settings)
    for copy in sorted(path for path in desk.rglob("*") if path.is_file()):
        path = f"{root}/{copy.relative_to(desk)}"
        with copy.open("rb") as source, places.of(path).write(path) as target:
            shutil.copyfileobj(source, target)
    shutil.rmtree(desk)


def _make_folders(folder: Path, top: Path, mode: int) -> None:
    if folder != top and not folder.is_dir():
        _make_folders(folder.parent, top, mode)
        folder.mkdir(mode=mode, exist_ok=True)


def _write_key(path: Path, key: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key)


def _move_pins(settings: Settings, before: str, after: str) -> None:
    for path in settings.builds.glob("*/pins.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        for table in content["tables"].values():
            for file in table["files"]:
                if file["path"].startswith(f"{before}/"):
                    file["path"] = after + file["path"].removeprefix(before)
        path.write_text(json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True), encoding="utf-8")


def _kept_events(store: Store, entries: Sequence[Entry]) -> set[str]:
    packed = io.BytesIO()
    store.copy(next(entry for entry in entries if entry.name == LEDGER), packed.write)
    return {json.loads(line)["id"] for line in gzip.decompress(packed.getvalue()).splitlines()}


def _without_bytes(settings: Settings) -> int:
    return sum(
        not (manifest.parent / "files").is_dir() and not json.loads(manifest.read_bytes())["purged_at"]
        for manifest in settings.landing.glob("[!.]*/*/*/manifest.json")
    )
