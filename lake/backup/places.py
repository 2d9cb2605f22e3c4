"""The one way a backup touches a file of the home or of the warehouse, wherever that is.

A path is a local one, ``file:///…``, or one that fsspec knows by its scheme, such as ``s3://bucket/key``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from lake.settings import Settings


class Place(Protocol):
    """Files by path."""

    def mark(self, path: str) -> str:
        """A short text that differs when the content does; FileNotFoundError when there is no such file."""

    def read(self, path: str) -> BinaryIO:
        """Open for reading."""

    def write(self, path: str) -> BinaryIO:
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


class RemotePlace:
    """Objects of a store that fsspec reaches; they never change under their name."""

    def __init__(self, scheme: str, options: Mapping[str, Any]) -> None:
        import fsspec

        self._files = fsspec.filesystem(scheme, **options)

    def mark(self, path: str) -> str:
        """Size and the store's own tag."""
        found = self._files.info(path)
        return f"{found['size']}-{found.get('ETag', found.get('LastModified', ''))}".replace('"', "")

    def read(self, path: str) -> BinaryIO:
        """Open for reading."""
        opened: BinaryIO = self._files.open(path, "rb")
        return opened

    def write(self, path: str) -> BinaryIO:
        """Open for writing; the object is there when it is closed."""
        opened: BinaryIO = self._files.open(path, "wb")
        return opened


class Places:
    """The place of each path."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[str, Place] = {}

    def of(self, path: str) -> Place:
        """By the path's scheme."""
        scheme = path.partition("://")[0] if "://" in path else "file"
        if scheme not in self._known:
            self._known[scheme] = LocalPlace() if scheme == "file" else RemotePlace(scheme, _options(self._settings))
        return self._known[scheme]


def local_path(path: str) -> Path:
    """The path without its scheme."""
    return Path(path.removeprefix("file://"))


def warehouse_of(settings: Settings) -> str:
    """Root of the accepted tables as the catalog spells it: ``file:///…`` or ``s3://…``."""
    return settings.warehouse if settings.bucket else f"file://{settings.tables}"


def mode_of(path: str) -> int:
    """Permission bits of a local file; those of the warehouse's files elsewhere."""
    return local_path(path).stat().st_mode & 0o777 if "://" not in path or path.startswith("file:") else 0o644


def _options(settings: Settings) -> dict[str, Any]:
    bucket = settings.bucket
    if bucket is None:
        return {}
    arguments = {"region_name": bucket.region} | ({"endpoint_url": bucket.endpoint} if bucket.endpoint else {})
    return {"key": bucket.key, "secret": bucket.secret, "client_kwargs": arguments}
