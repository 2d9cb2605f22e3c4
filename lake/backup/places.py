"""The one way a backup touches a file of the home or of the warehouse, wherever that is.

A path is a local one, ``file:///…``, or an object of the warehouse's bucket, ``s3://bucket/key``.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Protocol

from lake.settings import Settings
from lake.warehouse import open_warehouse


class Place(Protocol):
    """Files by path."""

    def mark(self, path: str) -> str:
        """A short text that differs when the content does; FileNotFoundError when there is no such file."""

    def read(self, path: str) -> BinaryIO:
        """Open for reading."""

    def write(self, path: str) -> contextlib.AbstractContextManager[BinaryIO]:
        """Open for writing; folders are made as needed."""


class LocalPlace:
    """Files of this machine."""

    def mark(self, path: str) -> str:
        """Size, time and inode: a file put in another's place has another inode."""
        found = local_path(path).stat()
        return f"{found.st_size}-{found.st_mtime_ns}-{found.st_ino}"

    def read(self, path: str) -> BinaryIO:
        """Open for reading."""
        return local_path(path).open("rb")

    def write(self, path: str) -> BinaryIO:
        """Open for writing; folders are made as needed."""
        target = local_path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        return target.open("wb")


class BucketPlace:
    """Objects of the warehouse's bucket; they never change under their name."""

    def __init__(self, settings: Settings) -> None:
        self._warehouse = open_warehouse(settings)
        self._there: set[str] = set()

    def mark(self, path: str) -> str:
        """The same for every object; a table is listed when one of it is not known yet."""
        if path not in self._there:
            table = re.split(r"/(?:data|metadata)/", path)[0]
            self._there |= {stored.path for stored in self._warehouse.listed(table)}
        if path not in self._there:
            raise FileNotFoundError(path)
        return "object"

    def read(self, path: str) -> BinaryIO:
        """Open for reading."""
        opened: BinaryIO = self._warehouse.stream(path)
        return opened

    @contextlib.contextmanager
    def write(self, path: str) -> Iterator[BinaryIO]:
        """Write on this machine, then bring it in whole."""
        desk = self._warehouse.desk(path)
        with desk.open("wb") as file:
            yield file
        self._warehouse.bring_in([(desk, path)])


class Places:
    """The place of each path."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._local = settings, LocalPlace()

    def of(self, path: str) -> Place:
        """By the path's scheme."""
        return self._bucket if path.startswith("s3://") else self._local

    @cached_property
    def _bucket(self) -> BucketPlace:
        return BucketPlace(self._settings)


def local_path(path: str) -> Path:
    """The path without its scheme."""
    return Path(path.removeprefix("file://"))


def warehouse_of(settings: Settings) -> str:
    """Root of the accepted tables as the catalog spells it: ``file:///…`` or ``s3://…``."""
    return settings.warehouse if settings.bucket else f"file://{settings.tables}"


def mode_of(path: str) -> int:
    """Permission bits of a local file; those of the warehouse's files elsewhere."""
    return local_path(path).stat().st_mode & 0o777 if "://" not in path or path.startswith("file:") else 0o644
