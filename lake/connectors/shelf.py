"""Which of a department's files belong to which day: found with as few questions to its server as will do."""

from __future__ import annotations

import re
import time
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from lake.connectors.controls import Companion
from lake.connectors.patterns import DayPattern, Part, day_of
from lake.connectors.transports import Entry, Transport
from lake.errors import ContractError, SourceRefused, SourceUnavailable

_FEW = 8
"""So many names of a folder are asked for one by one; for more its list is read once."""


@dataclass(frozen=True)
class Found:
    """A file of a day, and what lies beside it."""

    day: date
    entry: Entry
    checksum: Entry | None = None
    record_count: Entry | None = None


@dataclass(frozen=True)
class Span:
    """What lies in the folder altogether.

    Attributes:
        first, last: the days; None where there is no file, or the server gives no list.
        newest: the last file of the last day.
        notes: sentences for a person.
    """

    first: date | None
    last: date | None
    newest: Entry | None
    notes: tuple[str, ...] = ()


@dataclass
class Shelf:
    """A connection's folder, as one contract looks at it. Lists are read once and kept as long as the shelf.

    Attributes:
        transport: open.
        pattern: of the files.
        marker, checksum, record_count: what must lie beside a file before its day counts as there.
        stable_for_s: how long a file must have been left alone.
    """

    transport: Transport
    pattern: DayPattern
    marker: Companion | None = None
    checksum: Companion | None = None
    record_count: Companion | None = None
    stable_for_s: float = 0
    _lists: dict[str, tuple[str, list[Entry] | None]] = field(default_factory=dict, repr=False)
    """Folder → beginning that names had to have, and what is in it."""

    def find(self, days: Sequence[date]) -> tuple[list[Found], list[date]]:
        """The files of the days, by day and then by path, and the days that are not there yet.

        Raises:
            SourceUnavailable: the folder is not there, or a file is still being written.
            SourceRefused: what has a file's name is none, or a link that leads out of the folder.
            ContractError: a file has the names of two days.
        """
        candidates = self._by_list(days) if self.pattern.has_wildcard else self._by_name(days)
        if not candidates and self.transport.look("") is None:
            raise SourceRefused(
                f"the folder of connection {self.transport.place.connection!r} is not there",
                remedy="correct the path of the connection, or ask the department for the folder",
            )
        beside = {
            companion.pattern: self._named({companion.path(entry.path, day) for day, entry in candidates})
            for companion in (self.marker, self.checksum, self.record_count)
            if companion is not None
        }
        late = {
            day
            for day, entry in candidates
            for companion in (self.marker, self.checksum, self.record_count)
            if companion is not None and companion.path(entry.path, day) not in beside[companion.pattern]
        }
        found = [
            Found(
                day,
                entry,
                *(
                    beside[companion.pattern][companion.path(entry.path, day)] if companion else None
                    for companion in (self.checksum, self.record_count)
                ),
            )
            for day, entry in candidates
            if day not in late
        ]
        self._must_be_settled([one.entry for one in found])
        there = {one.day for one in found}
        return found, [day for day in days if day not in there]

    def span(self, days: Callable[[], Iterable[date]]) -> Span:
        """What lies in the folder, told from its lists.

        Args:
            days: asked where the server gives no list: the days to try, the last one first.
        """
        if not self.pattern.names_day:
            there = self.find([date.min])[0]
            return Span(None, None, there[-1].entry if there else None)
        self._read_lists({"": ""})
        if self._lists[""][1] is None:
            if self.transport.look("") is None:
                return Span(None, None, None)
            return self._span_by_name(days)
        last = next(self._walk("", 0, {}, newest=True), None)
        first = next(self._walk("", 0, {}, newest=False), None)
        if last is None or first is None:
            return Span(None, None, None, self._strangers())
        return Span(first[0], last[0], self._followed([last])[0][1], (*self._gaps(), *self._strangers()))

    def _span_by_name(self, days: Callable[[], Iterable[date]]) -> Span:
        note = "the server gives no list of its files: which days it has is known by asking for each"
        tried = list(days())
        for at in range(0, len(tried), _FEW):
            if self.pattern.has_wildcard:
                break
            found = self._by_name(tried[at : at + _FEW])
            if found:
                day, entry = max(found, key=lambda one: one[0])
                return Span(None, day, entry, (note,))
        return Span(None, None, None, (note,))

    # ---- names of the days -------------------------------------------------------------------------------------------

    def _by_name(self, days: Sequence[date]) -> list[tuple[date, Entry]]:
        """Files whose names hold nothing but the day."""
        paths = {day: self.pattern.path(day) for day in days}
        if len(set(paths.values())) < len(paths):
            raise _ambiguous(self.pattern)
        there = self._named(set(paths.values()))
        found = [(day, there[path]) for day, path in sorted(paths.items()) if path in there]
        return self._checked(found, self.pattern)

    def _by_list(self, days: Sequence[date]) -> list[tuple[date, Entry]]:
        """Files whose names hold something unknown, found in the lists of their folders."""
        at = [("", day, self.pattern.parts(day)) for day in days]
        for level in range(self.pattern.depth - 1):
            unknown = {folder for folder, _, parts in at if parts[level].names is not None}
            self._read_lists({folder: "" for folder in unknown})
            at = [
                (_joined(folder, name), day, parts)
                for folder, day, parts in at
                for name in self._folders(folder, parts[level])
            ]
        begun: dict[str, list[str]] = {}
        for folder, _, parts in at:
            begun.setdefault(folder, []).append(parts[-1].text)
        self._read_lists({folder: _beginning(texts) for folder, texts in begun.items()}, needed=True)
        names = {folder: _Names(self._listed(folder)) for folder in begun}
        found = [(day, entry) for folder, day, parts in at for entry in names[folder].matching(parts[-1])]
        found.sort(key=lambda one: (one[0], one[1].path))
        beside = {
            companion.path(entry.path, day)
            for day, entry in found
            for companion in (self.marker, self.checksum, self.record_count)
            if companion is not None
        }
        found = [(day, entry) for day, entry in found if entry.path not in beside]
        if len({entry.path for _, entry in found}) < len(found):
            raise _ambiguous(self.pattern)
        return [one for one in self._checked(found, self.pattern) if one[1].kind != "folder"]

    def _folders(self, folder: str, part: Part) -> list[str]:
        if part.names is None:
            return [part.text]
        return [
            entry.name
            for entry in self._listed(folder)
            if entry.kind in ("folder", "link") and part.matches(entry.name)
        ]

    def _checked(self, found: list[tuple[date, Entry]], pattern: DayPattern) -> list[tuple[date, Entry]]:
        """Links followed, and nothing but files; a folder may have a name that a wildcard covers."""
        followed = self._followed(found)
        for day, entry in followed:
            if entry.kind != "file" and not (entry.kind == "folder" and pattern.has_wildcard):
                raise SourceRefused(
                    "what has the file's name is not a regular file",
                    remedy="let the department deliver a file",
                    day=day,
                )
        return followed

    def _followed(self, found: list[tuple[date, Entry]]) -> list[tuple[date, Entry]]:
        followed = []
        for day, entry in found:
            real = self.transport.follow(entry) if entry.kind == "link" else entry
            if real is not None:
                followed.append((day, real))
        return followed

    # ---- names of files ----------------------------------------------------------------------------------------------

    def _named(self, paths: set[str]) -> dict[str, Entry]:
        """What has one of these paths, under the path as it was asked for."""
        by_folder: dict[str, list[str]] = {}
        for path in paths:
            by_folder.setdefault(path.rpartition("/")[0], []).append(path)
        begun = {folder: _beginning([_name(path) for path in below]) for folder, below in by_folder.items()}
        listed = {
            folder: beginning
            for folder, beginning in begun.items()
            if len(by_folder[folder]) > _FEW or self._is_listed(folder, beginning)
        }
        self._read_lists(listed)
        there: dict[str, Entry] = {}
        for folder in listed:
            names = _Names(self._listed(folder))
            there |= {path: entry for path in by_folder[folder] if (entry := names.get(_name(path)))}
        # A page of links may leave out files: what it does not name is asked for all the same.
        unsure = by_folder.keys() - listed.keys() if self.transport.can_list else by_folder.keys()
        asked = sorted(path for folder in unsure for path in by_folder[folder] if path not in there)
        with ThreadPoolExecutor(self.transport.reads_at_once) as pool:
            there |= {path: entry for path, entry in zip(asked, pool.map(self._look, asked), strict=True) if entry}
        return there

    def _look(self, path: str) -> Entry | None:
        """One file by its name, however its server spells what Unicode spells in two ways."""
        for form in dict.fromkeys((path, unicodedata.normalize("NFC", path), unicodedata.normalize("NFD", path))):
            if entry := self.transport.look(form):
                return entry
        return None

    def _listed(self, folder: str) -> list[Entry]:
        return self._lists[folder][1] or []

    def _is_listed(self, folder: str, beginning: str) -> bool:
        return folder in self._lists and beginning.startswith(self._lists[folder][0])

    def _read_lists(self, beginnings: dict[str, str], *, needed: bool = False) -> None:
        """Read the lists of folders, several at a time; `needed` where there is no other way to the files."""
        unread = sorted(folder for folder, beginning in beginnings.items() if not self._is_listed(folder, beginning))
        with ThreadPoolExecutor(self.transport.reads_at_once) as pool:
            lists = pool.map(lambda folder: self.transport.entries(folder, beginnings[folder]), unread)
            self._lists |= {folder: (beginnings[folder], found) for folder, found in zip(unread, lists, strict=True)}
        if needed and not self.transport.can_list and all(self._lists[folder][1] is None for folder in beginnings):
            raise SourceRefused(
                "the server gives no list of its files, which a pattern with * or ? needs",
                remedy="have the list switched on, or name the files without * and ?",
            )

    # ---- what is still being written ---------------------------------------------------------------------------------

    def _must_be_settled(self, entries: list[Entry]) -> None:
        if not self.stable_for_s:
            return
        oldest = datetime.now(UTC) - timedelta(seconds=self.stable_for_s)
        if any(entry.modified_at is not None and entry.modified_at > oldest for entry in entries):
            raise _still_written(self.stable_for_s)
        timeless = [entry for entry in entries if entry.modified_at is None]
        if timeless:  # no clock to ask: two looks tell
            time.sleep(self.stable_for_s)
            again = replace(self, _lists={})._named({entry.path for entry in timeless})
            now = {path: (entry.size, entry.version) for path, entry in again.items()}
            if any(now.get(entry.path) != (entry.size, entry.version) for entry in timeless):
                raise _still_written(self.stable_for_s)

    # ---- the whole folder --------------------------------------------------------------------------------------------

    def _walk(self, folder: str, level: int, said: dict[str, str], *, newest: bool) -> Iterator[tuple[date, Entry]]:
        """Files below a folder by their days, from one end; folders are opened only when they are come to."""
        fitting = []
        self._read_lists({folder: ""})
        for entry in self._listed(folder):
            more = self.pattern.read(level, entry.name)
            if more is None or any(said.get(name, value) != value for name, value in more.items()):
                continue
            day = day_of(said | more)
            fitting.append((day or date.min, entry.path, entry, said | more))
        for day, _, entry, told in sorted(fitting, key=lambda one: one[:2], reverse=newest):
            if level < self.pattern.depth - 1:
                if entry.kind in ("folder", "link"):
                    yield from self._walk(entry.path, level + 1, told, newest=newest)
            elif entry.kind in ("file", "link") and day != date.min:
                yield day, entry

    def _gaps(self) -> tuple[str, ...]:
        """How many days a flat folder lacks."""
        if self.pattern.depth > 1:
            return ()
        files = [day for day, _ in self._walk("", 0, {}, newest=False)]
        days = sorted(set(files))
        between = (days[-1] - days[0]).days + 1
        return (f"{len(files)} files of {len(days)} days lie there; {between} days are between first and last",)

    def _strangers(self) -> tuple[str, ...]:
        """Files of the folder that the pattern does not cover."""
        if self.pattern.depth > 1:
            return ()
        strange = [
            entry.name
            for entry in self._listed("")
            if entry.kind == "file" and self.pattern.read(0, entry.name) is None
        ]
        if not strange:
            return ()
        named = landed_name(min(strange))
        return (f"{len(strange)} files there are not covered by the pattern, {named} for one",)


class _Names:
    """A folder's list, by name."""

    def __init__(self, entries: list[Entry]) -> None:
        self._exact = {entry.name: entry for entry in entries}
        self._spelled = sorted((unicodedata.normalize("NFC", name), name) for name in self._exact)

    def get(self, name: str) -> Entry | None:
        """What has this name, spelled so if there is one."""
        if name in self._exact:
            return self._exact[name]
        plain = unicodedata.normalize("NFC", name)
        at = bisect_left(self._spelled, (plain, ""))
        spelled, known = self._spelled[at] if at < len(self._spelled) else ("", "")
        return self._exact[known] if spelled == plain else None

    def matching(self, part: Part) -> Iterator[Entry]:
        """What a part of a pattern covers."""
        if part.names is None:
            if entry := self.get(part.text):
                yield entry
            return
        for at in range(bisect_left(self._spelled, (part.text, "")), len(self._spelled)):
            plain, name = self._spelled[at]
            if not plain.startswith(part.text):
                break
            if part.matches(plain):
                yield self._exact[name]


def landed_name(path: str) -> str:
    """Name in a delivery of what a department calls so: one folder's name, told apart from every other path.

    Folders are joined by ``__``. What a reader takes for a wildcard or an address (``* ? [ ] { } ! # % \\``), what
    cannot be shown, a leading dot, and ``_`` where it could be taken for the joint are written as ``%XX``.
    """
    parts = path.split("/")
    name = "__".join(_safe(part, joined=len(parts) > 1) for part in parts)
    if name.startswith("."):
        name = f"%2E{name[1:]}"
    encoded = name.encode()
    if len(encoded) <= _LONGEST:
        return name
    tail = encoded[-60:].decode(errors="ignore")
    return f"{encoded[: _LONGEST - 80].decode(errors='ignore')}~{_digest(path)}~{tail}"


_LONGEST = 240
_UNSAFE = set("*?[]{}!#%\\")


def _safe(part: str, *, joined: bool) -> str:
    written = []
    for at, sign in enumerate(part):
        beside = part[at - 1 : at] == "_" or at in (0, len(part) - 1)
        if sign in _UNSAFE or not sign.isprintable() or (joined and sign == "_" and beside):
            written += [f"%{byte:02X}" for byte in sign.encode(errors="surrogateescape")]
        else:
            written.append(sign)
    return "".join(written)


def _digest(path: str) -> str:
    import hashlib

    return hashlib.sha256(path.encode(errors="surrogateescape")).hexdigest()[:16]


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _beginning(names: list[str]) -> str:
    """What names have in common, as far as there is one way to spell it."""
    least, most = min(names), max(names)
    alike = next((at for at, sign in enumerate(least) if most[at : at + 1] != sign), len(least))
    return re.split(r"[^ -~]", least[:alike])[0]


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _ambiguous(pattern: DayPattern) -> ContractError:
    return ContractError(
        f"the pattern {pattern.pattern} gives one file to several days of the window",
        remedy="write the whole day into the pattern, or load shorter windows",
    )


def _still_written(stable_for_s: float) -> SourceUnavailable:
    return SourceUnavailable(
        f"a file is still being written: it changed less than {stable_for_s:g} s ago",
        remedy="try again when the department has written it to its end",
    )
