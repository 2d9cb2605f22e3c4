"""A folder of this machine, or one mounted into it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from lake.connectors.transports import BLOCK, Entry, Place, Transport, changed
from lake.errors import SourceRefused, SourceUnavailable


class Way(Transport):
    """``file:///absolute/path``. Links are followed as long as they stay in the folder."""

    def __init__(self, place: Place, timeout_s: float) -> None:
        super().__init__(place, timeout_s)
        if place.host not in (None, "localhost") or place.user is not None or not place.path.startswith("/"):
            raise place.wrong("is not a folder", "give it as file:///absolute/path")
        self._folder = Path(place.path)

    def open(self) -> None:
        """Find the folder."""
        if not self._folder.is_dir():
            raise SourceUnavailable(
                f"the drop folder of connection {self.place.connection!r} is not there",
                remedy="mount it, or correct the connection",
            )
        self._folder = self._folder.resolve()

    def entries(self, folder: str, prefix: str = "") -> list[Entry] | None:
        """One look at each name."""
        try:
            with os.scandir(self._folder / folder) as found:
                return [self._entry(f"{folder}/{one.name}" if folder else one.name, one) for one in found]
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _of_system(error) from None

    def look(self, path: str) -> Entry | None:
        """One name, links followed."""
        found = self._find(path)
        if found is None:
            return None
        try:
            seen = found.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _of_system(error) from None
        return _of_stat(path, seen)

    def read(self, entry: Entry) -> Iterator[bytes]:
        """The bytes; what is not a regular file of the folder is not opened."""
        found = self._find(entry.path)
        if found is None:
            raise FileNotFoundError(entry.path)
        try:
            reading = os.open(found, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _of_system(error) from None
        with open(reading, "rb", buffering=0) as file:  # noqa: PTH123 - a descriptor, not a path
            before, size = os.fstat(reading), 0
            if not stat.S_ISREG(before.st_mode):
                raise _not_a_file()
            while True:
                try:
                    block = file.read(BLOCK)
                except OSError as error:
                    raise _of_system(error) from None
                if not block:
                    break
                yield block
                size += len(block)
            after = os.fstat(reading)
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or size != after.st_size:
            raise changed()

    def _entry(self, path: str, found: os.DirEntry[str]) -> Entry:
        if found.is_symlink():
            return Entry(path, "link")
        try:
            return _of_stat(path, found.stat(follow_symlinks=False))
        except FileNotFoundError:
            return Entry(path, "other")

    def _find(self, path: str) -> Path | None:
        """The file behind a name, links followed, as long as it stays in the folder; None when there is none."""
        try:
            found = (self._folder / path).resolve(strict=True)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except RuntimeError:  # Python's word for links that go round in a circle
            raise _of_system(OSError(errno.ELOOP, "")) from None
        except OSError as error:
            raise _of_system(error) from None
        if not found.is_relative_to(self._folder):
            raise SourceRefused(
                "the file is a link that leads out of the drop folder",
                remedy="let the department deliver the file itself",
            )
        return found


def _of_stat(path: str, seen: os.stat_result) -> Entry:
    kind = "file" if stat.S_ISREG(seen.st_mode) else "folder" if stat.S_ISDIR(seen.st_mode) else "other"
    when = datetime.fromtimestamp(seen.st_mtime, UTC)
    return Entry(path, kind, seen.st_size, f"{seen.st_mtime_ns}", when)  # type: ignore[arg-type]


def _not_a_file() -> SourceRefused:
    return SourceRefused("what has the file's name is not a regular file", remedy="let the department deliver a file")


def _of_system(error: OSError) -> SourceRefused | SourceUnavailable:
    if error.errno in (errno.EACCES, errno.EPERM, errno.ELOOP):
        return SourceRefused(
            f"the file may not be read ({os.strerror(error.errno)})",
            remedy="have the rights of the drop folder corrected",
        )
    return SourceUnavailable(
        f"the drop folder cannot be read ({os.strerror(error.errno or 0)})",
        remedy="look at the mount of the drop folder",
    )
