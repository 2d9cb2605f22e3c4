"""Files of a department, one or several per delivery: what all formats and all ways to them share."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice, pairwise
from pathlib import Path
from typing import ClassVar

import pydantic

from lake.connectors.controls import Companion, digest_in, hasher, number_in
from lake.connectors.patterns import DayPattern
from lake.connectors.protocol import Arguments, Description, Fetched, FetchedFile, SourceColumn
from lake.connectors.shelf import Found, Shelf, landed_name
from lake.connectors.transports import Entry, Place, Transport, changed, transport_to
from lake.contracts.model import Cadence, Contract, Mode, Window, periods_in
from lake.errors import CitybrainError, DeliveryDamaged, SourceLate, SourceUnavailable
from lake.settings import Settings

DIGEST_ALGORITHM = "sha256-files-v1"
"""sha256 over one line ``<name> <sha256>`` per file, in order."""

_BLOCK = 1 << 20
_LONGEST_CONTROL = 1 << 20
"""Bytes a control file may have; a longer one is none."""


class FileArguments(Arguments):
    """Arguments of files.

    Attributes:
        pattern: path below the connection's folder, with the day as ``{day:%Y%m%d}`` in the name, in folders, or in
            both; the file of a week, month or quarter has its first day. ``*`` and ``?`` in a part of it stand for what
            is not known beforehand: a day may then have several files. Without a day it is a file that the department
            writes over: it is taken as it lies there, whatever the window, as a table is.
        marker: what must lie there before a day counts as delivered: ``{day:%Y%m%d}.ok``, ``{name}.done``.
        stable_for_s: seconds a file must have been left alone before it is taken.
        checksum: control file with the digest of each file: ``{name}.md5``, ``{name}.sha256``.
        record_count: control file with the number of each file's records (without its header): ``{stem}.cnt``.
        record_count_at: regular expression whose first group is that number, where the file holds several.
        timeout_s: seconds without a sign of life after which a server counts as away.
    """

    pattern: str
    marker: str | None = None
    stable_for_s: float = pydantic.Field(default=0, ge=0, le=3600)
    checksum: str | None = None
    record_count: str | None = None
    record_count_at: str | None = None
    timeout_s: float = pydantic.Field(default=60, gt=0, le=3600)

    @pydantic.field_validator("pattern")
    @classmethod
    def _only_a_day(cls, pattern: str) -> str:
        DayPattern(pattern)
        return pattern

    @pydantic.field_validator("marker", "checksum", "record_count")
    @classmethod
    def _beside_the_file(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            Companion(pattern)
        return pattern

    @pydantic.field_validator("record_count_at")
    @classmethod
    def _has_one_group(cls, pattern: str | None) -> str | None:
        import re

        try:
            if pattern is not None and re.compile(pattern).groups < 1:
                raise ValueError("has no group ( ) around the number")
        except re.error as error:
            raise ValueError(f"not a regular expression: {error.msg}") from None
        return pattern


class FileSource(ABC):
    """A folder a department puts files into, wherever it is. Subclasses know one format."""

    Arguments: ClassVar[type[FileArguments]] = FileArguments

    def __init__(self, contract: Contract, settings: Settings) -> None:
        self.arguments = self.Arguments.model_validate(contract.source.arguments)
        self._scratch = settings.staging / "tmp"
        with _told(contract):
            self._place = Place.of(settings.connection(contract.source.connection), contract.source.connection)
            self._transport()

    @classmethod
    def check(cls, contract: Contract) -> list[str]:
        """A file is delivered whole: there is nothing to overlap. And it is of one period."""
        problems = []
        if contract.overlap:
            problems.append("overlap: files are delivered whole, so windows cannot overlap; leave it out")
        pattern = DayPattern(cls.Arguments.model_validate(contract.source.arguments).pattern)
        over_a_year = Window(date(2023, 1, 1), date(2024, 1, 7))
        names = [pattern.path(period.first) for period in periods_in(contract.cadence, over_a_year)]
        if not pattern.names_day and contract.mode is Mode.DAY:
            problems.append(
                "pattern: names no day; in mode day write it as {day:%Y%m%d}, or say mode snapshot or changes"
            )
        if pattern.names_day and any(one == other for one, other in pairwise(names)):
            problems.append(f"pattern: {contract.cadence} files need names that tell one from the next")
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

    @abstractmethod
    def columns(self, path: Path, contract: Contract) -> tuple[SourceColumn, ...]:
        """Columns one file names, in its order; none where it names none. The contract may lack columns.

        Raises:
            DeliveryDamaged: the file cannot be read as what the connector takes it for.
        """

    def describe(self, contract: Contract) -> Description:
        """Columns of the newest file; first and last day by the names of the files."""
        with _told(contract), self._transport() as transport, self._folder() as folder:
            span = self._shelf(transport).span(lambda: _days_back(contract))
            if span.newest is None:
                raise SourceLate(
                    f"there is no file like {self.arguments.pattern} yet",
                    remedy="correct pattern or connection, or ask the department for a file",
                )
            target = folder / landed_name(span.newest.path)
            _copy(transport, span.newest, target, threading.Event())
            return Description(self.columns(target, contract), span.first, span.last, span.notes)

    def count(self, contract: Contract, window: Window) -> int | None:
        """Records of the window's files, each fetched, counted and forgotten."""
        total = 0
        with _told(contract, window.first), self._transport() as transport, self._folder() as folder:
            found, _ = self._found(transport, contract, window)
            with contextlib.closing(self._bring(transport, found, folder, contract)) as brought:
                for file, _ in brought:
                    total += file.records
                    (folder / file.name).unlink()
        return total

    def fetch(self, contract: Contract, window: Window, into: Path) -> Fetched:
        """Copy the window's files as they are."""
        with _told(contract, window.first), self._transport() as transport:
            found, missing = self._found(transport, contract, window)
            with contextlib.closing(self._bring(transport, found, into, contract)) as brought:
                pairs = list(brought)
        files = [file for file, _ in pairs]
        stated = [number for _, number in pairs if number is not None]
        control_total = sum(stated) if self.arguments.record_count else None
        return Fetched(tuple(files), control_total, digest_of(files), DIGEST_ALGORITHM, tuple(missing))

    def _transport(self) -> Transport:
        return transport_to(self._place, self.arguments.timeout_s)

    def _shelf(self, transport: Transport) -> Shelf:
        said = self.arguments
        marker, checksum, record_count = (
            Companion(pattern) if pattern else None for pattern in (said.marker, said.checksum, said.record_count)
        )
        return Shelf(transport, DayPattern(said.pattern), marker, checksum, record_count, said.stable_for_s)

    @contextlib.contextmanager
    def _folder(self) -> Iterator[Path]:
        """A folder in the vault for a look at files; gone afterwards."""
        self._scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="look-", dir=self._scratch) as folder:
            yield Path(folder)

    def _found(self, transport: Transport, contract: Contract, window: Window) -> tuple[list[Found], list[date]]:
        """The window's files and the days without.

        Raises:
            SourceLate: there is no file at all.
        """
        days = _days(contract, window) if DayPattern(self.arguments.pattern).names_day else [window.first]
        found, missing = self._shelf(transport).find(days)
        if not found:
            beside = [name for name in ("marker", "checksum", "record_count") if getattr(self.arguments, name)]
            raise SourceLate(
                f"no file {DayPattern(self.arguments.pattern).path(missing[0])} in the drop folder yet"
                + (f", or not its {' and '.join(beside)}" if beside else "")
                + (f", nor any of the {len(missing) - 1} after it" if len(missing) > 1 else ""),
                remedy="wait for the department, or ask it for the file",
                day=missing[0],
            )
        return found, missing

    def _bring(
        self, transport: Transport, found: list[Found], into: Path, contract: Contract
    ) -> Generator[tuple[FetchedFile, int | None], None, None]:
        """Copy files, several at a time, and give them in their order, each with what its control file counts.

        Never more than twice as many files lie ready as are read at once.
        """
        stop = threading.Event()
        coming = iter(found)
        with ThreadPoolExecutor(transport.reads_at_once) as pool:

            def begin(some: Iterable[Found]) -> list[tuple[Found, Future[_Copied]]]:
                return [(one, pool.submit(_brought, transport, one, into, stop, contract)) for one in some]

            waiting = deque(begin(islice(coming, 2 * transport.reads_at_once)))
            try:
                while waiting:
                    one, copying = waiting.popleft()
                    copied = copying.result()
                    waiting.extend(begin(islice(coming, 1)))
                    with _told(contract, one.day):
                        yield self._counted(one, copied), self._stated(one, copied)
            finally:
                stop.set()
                for _, copying in waiting:
                    copying.cancel()

    def _counted(self, one: Found, copied: _Copied) -> FetchedFile:
        records, problem = self.count_records(copied.path)
        day = one.day if DayPattern(self.arguments.pattern).names_day else None
        return FetchedFile(copied.path.name, day, copied.sha256, copied.size, records, problem)

    def _stated(self, one: Found, copied: _Copied) -> int | None:
        """Number of records the control file states, or nothing."""
        if copied.record_count is None:
            return None
        try:
            return number_in(copied.record_count, self.arguments.record_count_at)
        except ValueError as error:
            raise _bad_control(one.record_count, str(error)) from None


@dataclass(frozen=True)
class _Copied:
    """A file that arrived, and the control file with the number of its records."""

    path: Path
    sha256: str
    size: int
    record_count: bytes | None


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
    """The days that have files of their own: each day, or the first of each week, month or quarter."""
    return [period.first for period in periods_in(contract.cadence, window)]


def _days_back(contract: Contract) -> Iterable[date]:
    """Days to ask a server for that gives no list, the last one first: of two months, or of two years."""
    today = date.today()
    days = 61 if contract.cadence is Cadence.DAILY else 730
    return reversed(_days(contract, Window(today - timedelta(days=days - 1), today)))


@contextlib.contextmanager
def _told(contract: Contract, day: date | None = None) -> Iterator[None]:
    """Let an error name dataset and day where it does not yet."""
    try:
        yield
    except CitybrainError as error:
        if error.dataset is not None:
            raise
        raise type(error)(
            error.cause,
            remedy=error.remedy,
            dataset=contract.dataset,
            day=error.day or day,
            column=error.column,
            record=error.record,
        ) from None


def _brought(transport: Transport, one: Found, into: Path, stop: threading.Event, contract: Contract) -> _Copied:
    """One file, and what lies beside it, held against each other. A digest that differs is looked at twice."""
    with _told(contract, one.day):
        path = into / landed_name(one.entry.path)
        record_count = _small(transport, one.record_count)
        checksum = _small(transport, one.checksum)
        if checksum is None:
            sha256, size, _ = _copy(transport, one.entry, path, stop)
            return _Copied(path, sha256, size, record_count)
        try:
            algorithm, stated = digest_in(checksum, one.entry.name)
        except ValueError as error:
            raise _bad_control(one.checksum, str(error)) from None
        for _ in range(2):
            sha256, size, digest = _copy(transport, one.entry, path, stop, algorithm)
            if digest == stated:
                return _Copied(path, sha256, size, record_count)
            path.unlink()
        raise DeliveryDamaged(
            f"the {algorithm} of {path.name} is not the one its control file states",
            remedy="ask the department to deliver the file again; nothing of it was kept, its own copy is untouched",
        )


def _copy(
    transport: Transport, entry: Entry, target: Path, stop: threading.Event, algorithm: str | None = None
) -> tuple[str, int, str]:
    """Copy the bytes; give their sha256, their number, and their digest by another algorithm if one is asked for."""
    digest, other, size = hashlib.sha256(), hasher(algorithm) if algorithm else None, 0
    with target.open("xb") as copy, contextlib.closing(_bytes_of(transport, entry)) as arriving:
        for block in arriving:
            if stop.is_set():
                break
            digest.update(block)
            if other is not None:
                other.update(block)
            copy.write(block)
            size += len(block)
    if entry.size is not None and size != entry.size and not stop.is_set():
        raise changed()
    return digest.hexdigest(), size, other.hexdigest() if other is not None else ""


def _small(transport: Transport, entry: Entry | None) -> bytes | None:
    """A control file's bytes."""
    if entry is None:
        return None
    content = bytearray()
    with contextlib.closing(_bytes_of(transport, entry)) as arriving:
        for block in arriving:
            content += block
            if len(content) > _LONGEST_CONTROL:
                raise _bad_control(entry, f"is longer than {_LONGEST_CONTROL >> 20} MB")
    return bytes(content)


def _bytes_of(transport: Transport, entry: Entry) -> Generator[bytes, None, None]:
    try:
        yield from transport.read(entry)
    except FileNotFoundError:
        raise SourceUnavailable(
            "the file was in the list and is gone", remedy="try again when the department has put it back"
        ) from None


def _bad_control(entry: Entry | None, problem: str) -> DeliveryDamaged:
    name = landed_name(entry.path) if entry else ""
    return DeliveryDamaged(
        f"the control file {name} {problem}", remedy="ask the department what it writes there, and correct the contract"
    )
