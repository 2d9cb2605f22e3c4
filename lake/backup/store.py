"""Where backups are kept: contents by their SHA-256, and per backup one list of what lies where.

    citybrain-backups.json      what this folder is
    objects/ab/abcdef…          contents, never changed, never written twice
    backups/<id>/backup.json    what the backup is; appears with its folder, in one rename, when all contents are there
    backups/<id>/files.jsonl.gz one line a file: name, digest, size, mode

The store holds the vault's records: it is 0700, its files 0600.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from lake.boundary import boundary
from lake.errors import Busy, CitybrainError

FORMAT = 1
MARK, SUMMARY, FILES = "citybrain-backups.json", "backup.json", "files.jsonl.gz"
PIECE = 1 << 20


@dataclass(frozen=True)
class Entry:
    """One file of a backup.

    Attributes:
        name: path below the home; for files of the warehouse ``tables/`` and the path below its root.
        sha256: digest of the content; empty for a link.
        size: bytes.
        mode: permission bits.
        link: what a symbolic link points at, else None.
        mark: what told that the file is unchanged since, so that the next backup need not read it.
    """

    name: str
    sha256: str = ""
    size: int = 0
    mode: int = 0o600
    link: str | None = None
    mark: str = ""


@dataclass(frozen=True)
class Backup:
    """A whole backup.

    Attributes:
        id: when it was begun, UTC, ``20230404T051500Z``; ids sort by time.
        city: whose home.
        warehouse: root of the accepted tables as the catalog spells it.
        with_landing: whether the bytes of all deliveries within retention are in it, or only of unfinished ones.
        files, size: how many, and their bytes together.
        tables: table name → metadata location, the catalog's pointers.
        key_marks: purpose → fingerprint of the key that the data's hashes were made with.
    """

    id: str
    city: str
    warehouse: str
    with_landing: bool
    files: int
    size: int
    tables: dict[str, str]
    key_marks: dict[str, str]

    @property
    def at(self) -> datetime:
        """When it was begun."""
        return datetime.strptime(self.id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


@dataclass(frozen=True)
class Damage:
    """A file of a backup that could not be restored: ``missing``, ``changed`` or ``unlisted`` (the list itself)."""

    backup: str
    name: str
    kind: str
    object: str


class Store:
    """A folder of backups.

    Args:
        folder: best on another disk, mounted at all times.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def make(self) -> None:
        """Make the store; a folder that holds something else is refused."""
        if self.folder.is_dir() and any(self.folder.iterdir()) and not (self.folder / MARK).exists():
            raise CitybrainError(
                f"{self.folder} holds something that is not a store of backups",
                remedy="name an empty folder, or one that `citybrain backup create` made",
            )
        for room in (self.folder, self._objects, self._incoming, self._backups):
            room.mkdir(mode=0o700, parents=True, exist_ok=True)
            room.chmod(0o700)
        mark = self.folder / MARK
        if not mark.exists():
            _write(mark, json.dumps({"format": FORMAT}).encode())

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One writer at a time; what a killed one left half-written is swept away first."""
        import filelock

        try:
            with filelock.FileLock(self.folder / ".lock", timeout=10, mode=0o600):
                for room in (self._incoming, self._backups):
                    for left in room.glob("*" if room == self._incoming else ".*"):
                        shutil.rmtree(left) if left.is_dir() else left.unlink()
                yield
        except filelock.Timeout as error:
            raise Busy(
                "another backup is being written to this store", remedy="wait for it; its process holds .lock"
            ) from error

    def backups(self) -> list[Backup]:
        """Every whole backup, oldest first. What has no complete list is none."""
        if not (self.folder / MARK).exists():
            raise CitybrainError(
                f"{self.folder} is no store of backups", remedy="name the folder `citybrain backup create` was given"
            )
        found = []
        for summary in sorted(self._backups.glob(f"[0-9]*/{SUMMARY}")):
            content = json.loads(summary.read_text(encoding="utf-8"))
            del content["list_sha256"]
            found.append(Backup(**content))
        return found

    def backup(self, which: str | None = None) -> Backup:
        """The backup of an id, or the newest.

        Raises:
            CitybrainError: there is none.
        """
        found = {backup.id: backup for backup in self.backups()}
        if which is None and found:
            return found[max(found)]
        if which is None or which not in found:
            raise CitybrainError(
                f"no backup {which or ''!r} in {self.folder}", remedy="see `citybrain backup list` for those there are"
            )
        return found[which]

    def entries(self, backup: Backup) -> list[Entry]:
        """Every file of a backup, in order of name.

        Raises:
            CitybrainError: the list is damaged.
        """
        folder = self._backups / backup.id
        expected = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))["list_sha256"]
        try:
            packed = (folder / FILES).read_bytes()
        except FileNotFoundError:
            packed = b""
        if hashlib.sha256(packed).hexdigest() != expected:
            raise CitybrainError(
                f"the list of files of backup {backup.id} is damaged", remedy="restore from another backup"
            )
        return [Entry(**json.loads(line)) for line in gzip.decompress(packed).splitlines()]

    def add(self, backup: Backup, entries: Iterable[Entry]) -> None:
        """Make a backup whole: its contents are in the store, its list appears in one step."""
        incoming = self._backups / f".{backup.id}"
        incoming.mkdir(mode=0o700)
        lines = "\n".join(json.dumps(asdict(entry), ensure_ascii=False, sort_keys=True) for entry in entries)
        packed = gzip.compress(lines.encode(), mtime=0)
        _write(incoming / FILES, packed)
        summary = asdict(backup) | {"list_sha256": hashlib.sha256(packed).hexdigest()}
        _write(incoming / SUMMARY, json.dumps(summary, ensure_ascii=False, indent=1, sort_keys=True).encode())
        boundary("backup.listed")
        incoming.rename(self._backups / backup.id)
        _sync(self._backups)

    def put(self, source: BinaryIO) -> tuple[str, int, bool]:
        """Keep a content; gives its digest, its size, and whether the store had it not yet."""
        half = self._incoming / uuid.uuid4().hex
        digest, size = hashlib.sha256(), 0
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            while piece := source.read(PIECE):
                digest.update(piece)
                size += len(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        name = digest.hexdigest()
        if self.has(name, size):
            half.unlink()
            return name, size, False
        target = self.object(name)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        boundary("backup.object")
        half.replace(target)
        return name, size, True

    def has(self, sha256: str, size: int) -> bool:
        """Whether a content is there in its full length."""
        try:
            return self.object(sha256).stat().st_size == size
        except FileNotFoundError:
            return False

    def object(self, sha256: str) -> Path:
        """Where a content lies."""
        return self._objects / sha256[:2] / sha256

    def copy(self, entry: Entry, write: Callable[[bytes], Any]) -> None:
        """Give a content out, piece by piece.

        Raises:
            CitybrainError: it is missing, or not what it was.
        """
        digest = hashlib.sha256()
        try:
            with self.object(entry.sha256).open("rb") as file:
                while piece := file.read(PIECE):
                    digest.update(piece)
                    write(piece)
        except FileNotFoundError:
            raise self._damaged(entry, "missing from the store") from None
        if digest.hexdigest() != entry.sha256:
            raise self._damaged(entry, "changed in the store")

    def verify(self, which: str | None = None, *, quick: bool = False) -> list[Damage]:
        """Hold every content of one backup, or of all, against its digest; `quick` looks at lengths only."""
        found: list[Damage] = []
        known: dict[str, str | None] = {}
        for backup in [self.backup(which)] if which else self.backups():
            try:
                entries = self.entries(backup)
            except CitybrainError:
                found.append(Damage(backup.id, FILES, "unlisted", str(self._backups / backup.id / FILES)))
                continue
            for entry in entries:
                if entry.link is None:
                    if entry.sha256 not in known:
                        known[entry.sha256] = self._state(entry, quick)
                    if kind := known[entry.sha256]:
                        found.append(Damage(backup.id, entry.name, kind, str(self.object(entry.sha256))))
        return found

    def prune(self, keep: int) -> tuple[int, int]:
        """Remove all but the newest backups and the contents only they named; gives backups and bytes that went."""
        if keep < 1:
            raise CitybrainError("no backup would be left", remedy="keep at least one")
        with self.locked():
            backups = self.backups()
            wanted = {entry.sha256 for backup in backups[-keep:] for entry in self.entries(backup)}
            gone = backups[:-keep]
            for backup in gone:
                shutil.rmtree(self._backups / backup.id)
            freed = 0
            for path in self._objects.glob("*/*"):
                if path.name not in wanted:
                    freed += path.stat().st_size
                    path.unlink()
        return len(gone), freed

    @cached_property
    def newest_entries(self) -> dict[str, Entry]:
        """Files of the newest backup by name: what has the same mark is not read again."""
        try:
            return {entry.name: entry for entry in self.entries(self.backup())}
        except CitybrainError:
            return {}

    def sync(self) -> None:
        """Have the names of all contents on the disk."""
        for folder in self._objects.iterdir():
            _sync(folder)
        _sync(self._objects)

    @property
    def _objects(self) -> Path:
        return self.folder / "objects"

    @property
    def _incoming(self) -> Path:
        return self.folder / "incoming"

    @property
    def _backups(self) -> Path:
        return self.folder / "backups"

    def _state(self, entry: Entry, quick: bool) -> str | None:
        if not self.object(entry.sha256).exists():
            return "missing"
        if not self.has(entry.sha256, entry.size):
            return "changed"
        if quick:
            return None
        with self.object(entry.sha256).open("rb") as file:
            return None if hashlib.file_digest(file, "sha256").hexdigest() == entry.sha256 else "changed"

    def _damaged(self, entry: Entry, how: str) -> CitybrainError:
        return CitybrainError(
            f"{entry.name} is {how} ({self.object(entry.sha256)})",
            remedy="see `citybrain backup verify` for all that is damaged, and restore another backup",
        )


def _write(path: Path, content: bytes) -> None:
    half = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
