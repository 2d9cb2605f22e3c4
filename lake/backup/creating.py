"""Take a backup while the lake is at work: nobody is stopped but upkeep, and what is taken fits together."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from lake.backup import keys as keeping
from lake.backup.places import Places, local_path, mode_of, warehouse_of
from lake.backup.store import Backup, Entry, Store
from lake.boundary import boundary
from lake.errors import Busy, CitybrainError, told_when_full
from lake.ledger import Ledger
from lake.privacy import key_marks
from lake.settings import Settings
from lake.tables import Tables
from lake.upkeep import pinned_files, undisturbed

LEDGER = "ledger.jsonl.gz"
ATTEMPTS = 40
WRITERS = 4
"""Threads: many small files, each waits for the disk."""

Paths = dict[str, str]
"""Name in the backup → path it is read from."""


@dataclass(frozen=True)
class Created:
    """What a backup came to.

    Attributes:
        backup: the backup.
        new_files, new_bytes: contents the store had not yet.
        keys: purposes whose keys were put into the keys' own target.
        warnings: what should be known about it, each a sentence.
        seconds: how long it took.
    """

    backup: Backup
    new_files: int
    new_bytes: int
    keys: tuple[str, ...]
    warnings: tuple[str, ...]
    seconds: float


def create(
    folder: Path,
    settings: Settings,
    *,
    keys: Path | None = None,
    with_landing: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Created:
    """Back the home up into a store of backups; the store is made when it is not there.

    In it: every accepted table with its kept snapshots, what kept builds and issued briefs pin, the landing's records
    (manifests, contracts, commits, holds, decisions), the quarantine, the ledger, published builds, issues, alerts.
    Of a delivery that is not in a table yet the bytes are in it as well, for they are all there is of it. Not in it:
    the other deliveries' bytes (unless asked for), private build files, Data Docs, Airflow's own database.

    Args:
        folder: the store.
        settings: the home.
        keys: a folder elsewhere that the keys are copied to; None leaves them to whoever keeps them.
        with_landing: keep the bytes of all deliveries that are still there; without them no delivery can be admitted
            again under a new contract or suite after a restore.
        progress: called with a line of text before each step.

    Raises:
        CitybrainError: a target is in the wrong place, or a file that a table names is gone.
        Busy: upkeep or another backup is running, or a dataset would not keep still.
        StorageFull: the store is as it was before.
    """
    say = progress or (lambda text: None)
    began = time.monotonic()
    store = Store(folder)
    _refuse_wrong_targets(settings, store.folder, keys)
    with told_when_full(), undisturbed(settings):
        store.make()
        with store.locked():
            taking = _Taking(settings, store)
            at = _id(store)
            taking.ledger()
            tables = Tables(settings)
            pointers: dict[str, str] = {}
            for table, rooms in _datasets(settings, tables):
                say(f"taking {table}")
                listed = partial(_of_dataset, settings, tables, table, rooms, with_landing)
                if pointer := taking.still(table, listed):
                    pointers[table] = pointer
                    taking.warehouse(table, tables.named_files(pointer))
            say("taking builds, what is published, issues")
            taking.still("builds", lambda: ("", _outcome(settings)))
            lost = taking.pinned(pinned_files(settings))
            store.sync()
            boundary("backup.taken")
            entries = sorted(taking.entries.values(), key=lambda entry: entry.name)
            backup = Backup(
                id=at,
                city=settings.city,
                warehouse=warehouse_of(settings),
                with_landing=with_landing,
                files=len(entries),
                size=sum(entry.size for entry in entries),
                tables=pointers,
                key_marks=key_marks(settings),
            )
            put_apart = keeping.put(settings, keys) if keys else ()
            store.add(backup, entries)
    warnings = [*([f"{lost} files that a kept build pins are gone: its figures cannot be traced"] if lost else [])]
    if keys and keys.stat().st_dev == store.folder.stat().st_dev:
        warnings.append("keys and data lie on the same disk: whoever takes it has both")
    if not keys:
        warnings.append("the keys are not in it: keep a copy of them elsewhere (`--keys DIR`)")
    return Created(backup, taking.new_files, taking.new_bytes, put_apart, tuple(warnings), time.monotonic() - began)


class _Taking:
    """What is in the backup so far."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store, self._places = settings, store, Places(settings)
        self.entries: dict[str, Entry] = {}
        self.new_files = self.new_bytes = 0

    def still(self, what: str, listed: Callable[[], tuple[str, Paths]]) -> str:
        """Take files that belong together, as they were at one instant; gives the catalog's pointer of that instant.

        What was listed and marked alike before and after the reading was so all the time in between. A load changes a
        few small files in a moment now and then, so the second or third look finds it still.
        """
        for attempt in range(ATTEMPTS):
            with contextlib.suppress(FileNotFoundError):  # it went between listing and reading: look again
                pointer, paths = listed()
                marks = {name: self._places.of(path).mark(path) for name, path in paths.items() if path}
                taken = self._take(paths, marks)
                if listed() == (pointer, paths) and all(
                    self._places.of(paths[name]).mark(paths[name]) == mark for name, mark in marks.items()
                ):
                    self.entries |= taken
                    return pointer
            time.sleep(min(0.05 * attempt, 1.0))
        raise Busy(f"{what} changes faster than it can be read", remedy="take the backup when fewer loads are running")

    def warehouse(self, table: str, named: Mapping[str, bool]) -> None:
        """Take the files a table's metadata names; they never change, so they need no second look."""
        root, paths = warehouse_of(self._settings), {}
        # Earlier metadata is left out: nothing needs it, and a commit may remove it while it is read.
        for path in (path for path, is_needed in named.items() if is_needed):
            try:
                self._places.of(path).mark(path)
            except FileNotFoundError:
                raise CitybrainError(
                    f"table {table} names {path.rpartition('/')[2]}, which is gone",
                    remedy="see `citybrain reconcile`; load its day again, or restore the table's files",
                ) from None
            paths[f"tables/{path.removeprefix(f'{root}/')}"] = path
        self._add(paths)

    def pinned(self, files: Iterator[str]) -> int:
        """Take what kept builds pin; gives how many of the files are gone."""
        root, paths, lost = warehouse_of(self._settings).removeprefix("file://"), {}, 0
        for path in sorted(set(files)):
            name = f"tables/{path.removeprefix(f'{root}/')}"
            if name in self.entries:
                continue
            try:
                self._places.of(path).mark(path)
            except FileNotFoundError:
                lost += 1
                continue
            paths[name] = path
        self._add(paths)
        return lost

    def ledger(self) -> None:
        """Take the ledger's events: the restored one is made from the files, and held against these."""
        lines = "\n".join(
            json.dumps({"id": event.id, **asdict(event)}, ensure_ascii=False, sort_keys=True)
            for event in Ledger(self._settings).events()
        )
        self._keep(LEDGER, io.BytesIO(gzip.compress(lines.encode(), mtime=0)))

    def _add(self, paths: Paths) -> None:
        self.entries |= self._take(paths, {name: self._places.of(path).mark(path) for name, path in paths.items()})

    def _take(self, paths: Paths, marks: Mapping[str, str]) -> dict[str, Entry]:
        with ThreadPoolExecutor(WRITERS) as pool:
            made = pool.map(lambda item: self._take_one(item[0], item[1], marks.get(item[0], "")), paths.items())
            return {entry.name: entry for entry in made}

    def _take_one(self, name: str, path: str, mark: str) -> Entry:
        if local_path(path).is_symlink():
            return Entry(name, link=str(local_path(path).readlink()))
        for known in (self.entries.get(name), self._store.newest_entries.get(name)):
            if known and mark and known.mark == mark and self._store.has(known.sha256, known.size):
                return known
        with self._places.of(path).read(path) as source:
            sha256, size, is_new = self._store.put(source)
        self.new_files += is_new
        self.new_bytes += size if is_new else 0
        return Entry(name, sha256, size, mode_of(path), mark=mark)

    def _keep(self, name: str, content: io.BytesIO) -> None:
        sha256, size, is_new = self._store.put(content)
        self.new_files += is_new
        self.new_bytes += size if is_new else 0
        self.entries[name] = Entry(name, sha256, size)


def _datasets(settings: Settings, tables: Tables) -> list[tuple[str, tuple[str, str] | None]]:
    """Every table with the department and name of its rooms; also what was landed and never committed."""
    rooms = {
        f"{folder.parent.name}__{folder.name}": (folder.parent.name, folder.name)
        for room in (settings.landing, settings.quarantine)
        for folder in room.glob("[!.]*/[!.]*")
        if folder.is_dir()
    }
    return [(table, rooms.get(table)) for table in sorted({*tables.names(), *rooms})]


def _of_dataset(
    settings: Settings, tables: Tables, table: str, rooms: tuple[str, str] | None, with_landing: bool
) -> tuple[str, Paths]:
    """Catalog's pointer, and the records of landing and quarantine that go with it."""
    pointer = tables.metadata_location(table) if table in tables.names() else ""
    paths: Paths = {}
    if pointer:
        paths[f"tables/{pointer.removeprefix(f'{warehouse_of(settings)}/')}"] = pointer
    if rooms:
        paths |= _named(settings, settings.landing.joinpath(*rooms).glob("*.json"))
        for folder in sorted(settings.landing.joinpath(*rooms).glob("[!.]*")):
            if folder.is_dir():
                paths |= _named(settings, (path for path in folder.iterdir() if path.suffix == ".json"))
                is_finished = (folder / "commit.json").exists() and not any(
                    (folder / name).exists() for name in ("admitting.json", "held.json")
                )
                if with_landing or not is_finished:
                    paths |= _named(settings, (folder / "files").rglob("*"))
        paths |= _named(settings, settings.quarantine.joinpath(*rooms).glob("*.parquet"))
    return pointer, paths


def _outcome(settings: Settings) -> Paths:
    """What was made of the tables: pins and records of builds, the published files, issues, alerts, marks of keys."""
    return {
        **_named(settings, settings.builds.glob("[!.]*/*.json")),
        **_named(settings, settings.issues.glob("[!.]*/**/*")),
        # Not the copies in `parquet/`: they are the file's rows once more.
        **_named(settings, settings.published.glob("[!.]*/*")),
        **_named(settings, settings.published.glob("[!.]*/audience/*")),
        **_named(settings, settings.published.glob("[!.]*/history/*/*/*")),
        **_named(settings, settings.published.glob("current")),
        **_named(settings, settings.home.glob("key_marks/*")),
        **_named(settings, settings.home.glob("watch/*.jsonl")),
    }


def _named(settings: Settings, paths: Iterator[Path]) -> Paths:
    now = settings.published / "current"
    return {
        str(path.relative_to(settings.home)): str(path)
        for path in sorted(paths)
        if not path.name.startswith(".")
        and (path.is_symlink() or path.is_file())
        and now not in path.parents  # a link to a folder that is listed under its own name
    }


def _refuse_wrong_targets(settings: Settings, folder: Path, keys: Path | None) -> None:
    if folder.is_relative_to(settings.home) or settings.home.is_relative_to(folder):
        raise CitybrainError(
            "a backup within the home goes when the home goes", remedy="name a folder elsewhere, best on another disk"
        )
    if keys is None:
        return
    apart = keys.resolve()
    for other, what in ((folder, "the backup"), (settings.home, "the home")):
        if apart.is_relative_to(other) or other.is_relative_to(apart):
            raise CitybrainError(
                f"the keys would lie with {what}: whoever takes it could compute every hash",
                remedy="give `--keys` a folder of its own, best on a medium that is locked away",
            )


def _id(store: Store) -> str:
    """UTC to the second; a second one within it waits its turn."""
    known = {backup.id for backup in store.backups()}
    while (at := datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")) in known:
        time.sleep(0.1)
    return at
