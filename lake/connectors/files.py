"""Files in a drop folder, one per business day or month: the part that CSV, Excel and GeoJSON drops share."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import date
from pathlib import Path, PurePosixPath
from string import Formatter
from typing import ClassVar
from urllib.parse import unquote, urlsplit

import pydantic

from lake.connectors.protocol import Arguments, Fetched, FetchedFile, SourceColumn
from lake.contracts.model import Cadence, Contract, Window
from lake.errors import ContractError, SourceLate, SourceRefused, SourceUnavailable
from lake.settings import Settings

DIGEST_ALGORITHM = "sha256-files-v1"
"""sha256 over one line ``<name> <sha256>`` per file, in order."""

_BLOCK = 1 << 20


class FileArguments(Arguments):
    """Arguments of a drop folder.

    Attributes:
        pattern: path below the folder, with the day as ``{day:%Y%m%d}``; a month's file has its first day.
    """

    pattern: str

    @pydantic.field_validator("pattern")
    @classmethod
    def _only_a_day(cls, pattern: str) -> str:
        try:
            fields = [
                (name, spec, conversion) for _, name, spec, conversion in Formatter().parse(pattern) if name is not None
            ]
        except ValueError as error:
            raise ValueError(f"not a pattern: {error}") from None
        if not fields:
            raise ValueError("names no day; write it as {day:%Y%m%d}")
        for name, spec, conversion in fields:
            if name != "day" or not spec or "%" not in spec or "{" in spec or conversion:
                raise ValueError("may hold nothing but {day:<strftime format>}")
        if pattern.startswith("/") or ".." in PurePosixPath(pattern).parts:
            raise ValueError("leaves its folder")
        return pattern


class FileSource(ABC):
    """A folder a department drops files into. Subclasses say how the records of one file are counted."""

    Arguments: ClassVar[type[FileArguments]] = FileArguments

    def __init__(self, contract: Contract, settings: Settings) -> None:
        self.arguments = self.Arguments.model_validate(contract.source.arguments)
        self.folder = _folder_of(settings.connection(contract.source.connection), contract)

    @classmethod
    def check(cls, contract: Contract) -> list[str]:
        """A file is delivered whole: there is nothing to overlap."""
        problems = []
        if contract.overlap:
            problems.append("overlap: files are delivered whole, so windows cannot overlap; leave it out")
        return problems + cls.check_text(contract)

    @classmethod
    def check_text(cls, contract: Contract) -> list[str]:
        """Settings of text files that this format has no use for."""
        return [
            f"{name}: means something for text files only; leave it out"
            for name, default in (("encoding", "utf-8"), ("delimiter", ","), ("quote", '"'))
            if getattr(contract, name) != default
        ]

    @abstractmethod
    def count_records(self, path: Path) -> tuple[int, str | None]:
        """Second count: physical records of a landed file, and what keeps it from being read to its end."""

    def columns(self, path: Path, contract: Contract) -> tuple[SourceColumn, ...]:
        """Columns one file names, in its order; none where it names none. The contract may lack columns.

        Raises:
            DeliveryDamaged: the file cannot be read as what the connector takes it for.
        """
        return ()

    def fetch(self, contract: Contract, window: Window, into: Path) -> Fetched:
        """Copy the window's files as they are."""
        if not self.folder.is_dir():
            raise SourceUnavailable(
                f"the drop folder of connection {contract.source.connection!r} is not there",
                remedy="mount it, or correct the connection",
                dataset=contract.dataset,
                day=window.first,
            )
        files: list[FetchedFile] = []
        missing: list[date] = []
        for day in _days(contract, window):
            relative = self.arguments.pattern.format(day=day)
            source = self._find(relative, contract, day)
            if source is None:
                missing.append(day)
                continue
            target = into / relative.replace("/", "__")
            sha256, size = _copy(source, target, contract, day)
            records, problem = self.count_records(target)
            files.append(FetchedFile(target.name, day, sha256, size, records, problem))
        if not files:
            raise SourceLate(
                f"no file {self.arguments.pattern.format(day=missing[0])} in the drop folder yet"
                + (f", nor any of the {len(missing) - 1} after it" if len(missing) > 1 else ""),
                remedy="wait for the department, or ask it for the file",
                dataset=contract.dataset,
                day=missing[0],
            )
        return Fetched(tuple(files), None, digest_of(files), DIGEST_ALGORITHM, tuple(missing))

    def _find(self, relative: str, contract: Contract, day: date) -> Path | None:
        """The file behind a name, links followed, as long as it stays in the folder; None when there is none."""
        folder = self.folder.resolve()
        try:
            path = (folder / relative).resolve(strict=True)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _of_system(error, contract, day) from None
        if not path.is_relative_to(folder):
            raise SourceRefused(
                "the file is a link that leads out of the drop folder",
                remedy="let the department deliver the file itself",
                dataset=contract.dataset,
                day=day,
            )
        if not path.is_file():
            raise SourceRefused(
                "what has the file's name is not a regular file",
                remedy="let the department deliver a file",
                dataset=contract.dataset,
                day=day,
            )
        return path


def digest_of(files: list[FetchedFile]) -> str:
    """Content digest of a delivery of files; see `DIGEST_ALGORITHM`."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name} {file.sha256}\n".encode())
    return digest.hexdigest()


def blocks(path: Path) -> Iterator[bytes]:
    """The bytes of a file, a megabyte at a time."""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def _days(contract: Contract, window: Window) -> list[date]:
    """The days that have a file of their own: each day, or the first of each month."""
    if contract.cadence is Cadence.MONTHLY:
        return sorted({day.replace(day=1) for day in window.days()})
    return window.days()


def _copy(source: Path, target: Path, contract: Contract, day: date) -> tuple[str, int]:
    """Copy the bytes; give their sha256 and number. A file that is still being written is not taken."""
    digest, size = hashlib.sha256(), 0
    try:
        reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise _of_system(error, contract, day) from None
    with open(reading, "rb", buffering=0) as file, target.open("xb") as copy:  # noqa: PTH123 - a descriptor, not a path
        before = os.fstat(reading)
        if not stat.S_ISREG(before.st_mode):
            raise SourceRefused(
                "what has the file's name is not a regular file",
                remedy="let the department deliver a file",
                dataset=contract.dataset,
                day=day,
            )
        while True:
            try:
                block = file.read(_BLOCK)
            except OSError as error:
                raise _of_system(error, contract, day) from None
            if not block:
                break
            digest.update(block)
            copy.write(block)
            size += len(block)
        after = os.fstat(reading)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or size != after.st_size:
        raise SourceUnavailable(
            "the file changed while it was copied",
            remedy="try again when the department has written it to its end",
            dataset=contract.dataset,
            day=day,
        )
    return digest.hexdigest(), size


def _of_system(error: OSError, contract: Contract, day: date) -> SourceRefused | SourceUnavailable:
    if error.errno in (errno.EACCES, errno.EPERM, errno.ELOOP):
        return SourceRefused(
            f"the file may not be read ({os.strerror(error.errno)})",
            remedy="have the rights of the drop folder corrected",
            dataset=contract.dataset,
            day=day,
        )
    return SourceUnavailable(
        f"the drop folder cannot be read ({os.strerror(error.errno or 0)})",
        remedy="look at the mount of the drop folder",
        dataset=contract.dataset,
        day=day,
    )


def _folder_of(uri: str, contract: Contract) -> Path:
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise ContractError(
            f"connection {contract.source.connection!r} is not a folder",
            remedy="give it as file:///absolute/path",
            dataset=contract.dataset,
        )
    return Path(unquote(parts.path))
