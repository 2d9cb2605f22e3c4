"""Files of the departments: laid into drops on the day they come, whole, and never written in place."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from demo_city.days import BEGINS_ON, Days
from demo_city.departments.protocol import Dataset, Files
from demo_city.systems import writers
from demo_city.systems.deliveries import Delivery, drifted, fates_of, name_of
from demo_city.systems.s3 import BUCKET
from demo_city.systems.sftp import OUT

if TYPE_CHECKING:
    from demo_city.world import World


@dataclass(frozen=True)
class Drops:
    """The drops of one home.

    Attributes:
        folder: of all of them.
    """

    folder: Path

    def of(self, way: str, department: str) -> Path:
        """Where a department's files lie: its folder, its SFTP account's ``out``, its prefix in the bucket."""
        if way == "folder":
            return self.folder / "folder" / department
        if way == "sftp":
            return self.folder / "sftp" / department / OUT
        if way == "s3":
            return self.folder / "s3" / BUCKET / department
        raise ValueError(f"files come by folder, sftp or s3, not by {way!r}")

    def through(self, dataset: str) -> date | None:
        """Last day whose files are there; None: none yet."""
        note = self.folder / "through" / dataset
        return date.fromisoformat(note.read_text()) if note.exists() else None

    def lay(self, world: World, dataset: Dataset, days: Days, first: date) -> int:
        """Lay the files that come on these days: those of their own day, late ones, and those that come again.

        Args:
            world: of the home.
            dataset: whose files.
            days: on which they come.
            first: the home's first day; what ended before it was never delivered.

        Returns:
            How many rows they hold.
        """
        system = dataset.system
        if not isinstance(system, Files):
            raise TypeError(f"{dataset.dataset} is no file")
        place, rows_n = self.of(system.way, dataset.department), 0
        place.mkdir(parents=True, exist_ok=True)
        fates = fates_of(world.chance, dataset, Days(max(first, BEGINS_ON), days.last))
        coming = [fate for fate in fates if fate.delivered_on and days.first <= fate.delivered_on <= days.last]
        again = [fate for fate in fates if fate.again_on and days.first <= fate.again_on <= days.last]
        for day, content, number in contents_of(world, dataset, coming):
            _deliver(place / name_of(system, day), content)
            rows_n += number
        for fate in again:
            original = place / name_of(system, fate.day)
            _deliver(place / name_of(system, fate.day, again=True), original.read_bytes())
        note = self.folder / "through" / dataset.dataset
        note.parent.mkdir(parents=True, exist_ok=True)
        _deliver(note, str(days.last).encode())
        return rows_n


def contents_of(world: World, dataset: Dataset, coming: list[Delivery]) -> Iterator[tuple[date, bytes, int]]:
    """Day, bytes and number of rows of each of these files."""
    system = dataset.system
    if not isinstance(system, Files):
        raise TypeError(f"{dataset.dataset} is no file")
    odd = {drift.on for drift in system.drifts}
    for run in _runs(sorted(fate.day for fate in coming), system.every):
        table = dataset.rows(world, Days(run[0], run[-1])).table
        table, offsets = _of_days(table, run)
        shown = table.select([name for name in table.column_names if name not in ("_day", "_is_deleted")])
        # Days of the usual layout are written together, the others by themselves.
        for is_odd, pairs in itertools.groupby(enumerate(run), lambda pair: pair[1] in odd):
            numbers = [number for number, _ in pairs]
            parts = [[number] for number in numbers] if is_odd else [numbers]
            for part in parts:
                those = [run[number] for number in part]
                cuts = offsets[part[0] : part[-1] + 2]
                rows = drifted(shown, system.drifts, those[0]) if is_odd else shown
                contents = writers.many(system.write, rows, cuts, those)
                for day, content, (begin, end) in zip(those, contents, itertools.pairwise(cuts), strict=True):
                    yield day, content, end - begin


def _runs(days: list[date], every: str) -> Iterator[list[date]]:
    """Days that follow each other, a run at a time; weeks and longer all at once, for there is nothing between."""
    if every != "day":
        yield from [days] if days else []
        return
    grouped = itertools.groupby(enumerate(days), lambda pair: pair[1].toordinal() - pair[0])
    for _, pairs in grouped:
        yield [day for _, day in pairs]


def _of_days(table: pa.Table, days: list[date]) -> tuple[pa.Table, list[int]]:
    """The rows of these days, where each day's begin, and the end."""
    column = table.column("_day").to_numpy(zero_copy_only=False).astype("M8[D]")
    if len(column) and not (column[1:] >= column[:-1]).all():
        raise ValueError("the rows of a stretch are those of its days, one after the other")
    wanted = np.isin(column, np.array(days, "M8[D]"))
    if not wanted.all():
        table, column = table.filter(pa.array(wanted)), column[wanted]
    return table, [*np.searchsorted(column, np.array(days, "M8[D]")).tolist(), len(column)]


def _deliver(path: Path, content: bytes) -> None:
    """Put a file whole; a reader that has an older one open keeps it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".part-{uuid.uuid4().hex}")
    part.write_bytes(content)
    part.replace(path)
