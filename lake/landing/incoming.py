"""Where a delivery lies while it is being fetched, and what becomes of it when its process dies."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from pathlib import Path
from types import TracebackType
from uuid import uuid4

from lake.landing.manifest import FILES
from lake.settings import Settings

INCOMING = ".incoming"
_DAY_S = 86_400.0


class Incoming:
    """A folder of one's own under ``.incoming``, locked as long as its process lives, gone afterwards.

    The lock is a file beside the folder: the system lets go of it when the process dies, however it dies.
    """

    def __init__(self, settings: Settings) -> None:
        self._room = settings.landing / INCOMING

    def __enter__(self) -> Incoming:
        self._room.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            self.folder = self._room / uuid4().hex
            self._lock = _lock_of(self.folder)
            self._descriptor = os.open(self._lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            if _is_ours(self._descriptor):
                break
            os.close(self._descriptor)  # a sweep was quicker between making the file and locking it
        (self.folder / FILES).mkdir(mode=0o700, parents=True)
        self.folder.chmod(0o700)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.unlink(missing_ok=True)
        os.close(self._descriptor)


def sweep(settings: Settings) -> int:
    """Remove what dead processes left under ``.incoming``; give how many folders that were."""
    room, swept = settings.landing / INCOMING, 0
    if not room.is_dir():
        return 0
    for lock in room.glob("*.lock"):
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        if _is_ours(descriptor):
            swept += _remove(lock.with_suffix(""))
            lock.unlink(missing_ok=True)
        os.close(descriptor)
    for folder in room.iterdir():
        if folder.is_dir() and not _lock_of(folder).exists() and time.time() - folder.stat().st_mtime > _DAY_S:
            swept += _remove(folder)
    return swept


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _is_ours(descriptor: int) -> bool:
    """Whether the lock could be taken, on a file that still has its name."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return os.fstat(descriptor).st_nlink > 0


def _remove(folder: Path) -> bool:
    was_there = folder.exists()
    shutil.rmtree(folder, ignore_errors=True)
    return was_there
