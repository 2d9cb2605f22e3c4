"""Days in the names of files: from ``2020/2020-12-28.csv`` to the pattern ``{day:%Y}/{day:%Y-%m-%d}.csv``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from statistics import median

from lake.contracts.model import Cadence, period_of

_FORMS = (
    # How a name writes a day, most telling first: regular expression, strftime, whether it says the day of the month.
    (r"(?<!\d)(?:19|20)\d{2}-\d{2}-\d{2}(?!\d)", "%Y-%m-%d", True),
    (r"(?<!\d)(?:19|20)\d{2}_\d{2}_\d{2}(?!\d)", "%Y_%m_%d", True),
    (r"(?<!\d)(?:19|20)\d{2}\.\d{2}\.\d{2}(?!\d)", "%Y.%m.%d", True),
    (r"(?<!\d)(?:19|20)\d{2}年\d{2}月\d{2}日", "%Y年%m月%d日", True),
    (r"(?<!\d)(?:19|20)\d{6}(?!\d)", "%Y%m%d", True),
    (r"(?<!\d)(?:19|20)\d{2}-\d{2}(?!\d)", "%Y-%m", False),
    (r"(?<!\d)(?:19|20)\d{2}_\d{2}(?!\d)", "%Y_%m", False),
    (r"(?<!\d)(?:19|20)\d{2}年\d{2}月", "%Y年%m月", False),
    (r"(?<!\d)(?:19|20)\d{4}(?!\d)", "%Y%m", False),
)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")
_GAP_DAYS = {Cadence.QUARTERLY: 80, Cadence.MONTHLY: 26, Cadence.WEEKLY: 7}
"""Least days between most files of a series for it to be of this cadence."""
_FEW = 2
"""So few files tell no week from a stray day, and no quarter from months that are missing."""


@dataclass(frozen=True)
class Dated:
    """A file by its name.

    Attributes:
        path: below the folder.
        size: bytes.
        pattern: the name with ``{day:…}`` in place of its day; the name itself where it has none.
        day: the day it names, the first of the month where it names a month; None where it names none.
        names_day: whether the day of the month is in the name.
    """

    path: str
    size: int
    pattern: str
    day: date | None = None
    names_day: bool = False


@dataclass(frozen=True)
class Series:
    """Files whose names differ by their day only.

    Attributes:
        pattern: see `Dated`.
        files: by day.
        cadence: how far apart they are.
    """

    pattern: str
    files: tuple[Dated, ...]
    cadence: Cadence

    @property
    def is_dated(self) -> bool:
        """Whether the pattern names a day."""
        return self.files[0].day is not None


def read_name(path: str, size: int = 0) -> Dated:
    """Find the day in a file's name. Of several days the first that is whole counts; equal ones become the day too."""
    for expression, form, names_day in _FORMS:
        for found in re.finditer(expression, path):
            day = _parsed(found[0], form)
            if day is not None:
                return Dated(path, size, _pattern(path, day, names_day), day, names_day)
    return Dated(path, size, _escaped(path))


def series_of(files: Iterable[tuple[str, int]]) -> list[Series]:
    """Files in series, the one with most files first, then by name.

    Args:
        files: (path below the folder, bytes).
    """
    groups: dict[str, list[Dated]] = {}
    for path, size in files:
        dated = read_name(path, size)
        groups.setdefault(dated.pattern, []).append(dated)
    found = [
        Series(pattern, tuple(sorted(group, key=lambda file: (file.day or date.min, file.path))), _cadence(group))
        for pattern, group in groups.items()
    ]
    return sorted(found, key=lambda series: (-len(series.files), series.pattern))


def _pattern(path: str, day: date, names_day: bool) -> str:
    """The name with every writing of this very day, month or year replaced."""
    spans: list[tuple[int, int, str]] = []
    for expression, form, whole in _FORMS:
        if whole and not names_day:
            continue
        wanted = day if whole else day.replace(day=1)
        for found in re.finditer(expression, path):
            if _parsed(found[0], form) == wanted and not _overlaps(found.span(), spans):
                spans.append((*found.span(), f"{{day:{form}}}"))
    for found in _YEAR.finditer(path):
        # A year alone is part of the day only where it is a folder: elsewhere it may be anything.
        is_folder = path[: found.start()].endswith("/") or found.start() == 0
        is_folder &= path[found.end() : found.end() + 1] == "/"
        if is_folder and int(found[0]) == day.year and not _overlaps(found.span(), spans):
            spans.append((*found.span(), "{day:%Y}"))
    parts, at = [], 0
    for start, end, text in sorted(spans):
        parts += [_escaped(path[at:start]), text]
        at = end
    return "".join([*parts, _escaped(path[at:])])


def _overlaps(span: tuple[int, int], spans: list[tuple[int, int, str]]) -> bool:
    return any(span[0] < end and start < span[1] for start, end, _ in spans)


def _parsed(text: str, form: str) -> date | None:
    try:
        return datetime.strptime(text, form).date()
    except ValueError:
        return None


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _cadence(group: list[Dated]) -> Cadence:
    """The longest whose first days the names say and whose length most of them lie apart; months at least where they
    say no day."""
    days = sorted({file.day for file in group if file.day})
    if not days:
        return Cadence.DAILY
    gap = median([(after - before).days for before, after in pairwise(days)] or [0])
    for cadence, least in _GAP_DAYS.items():
        is_told = cadence is Cadence.MONTHLY or len(days) > _FEW
        if is_told and gap >= least and all(period_of(cadence, day).first == day for day in days):
            return cadence
    return Cadence.DAILY if group[0].names_day else Cadence.MONTHLY
