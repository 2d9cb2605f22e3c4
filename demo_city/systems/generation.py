"""Makes what the departments write and brings it into their systems, up to a day; by several processes if need be.

Each dataset goes on from where it stands, so nothing has to be done twice, whoever was killed when.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa

from demo_city.days import Days
from demo_city.departments import sources
from demo_city.departments.protocol import Api, Dataset, Source, Table
from demo_city.departments.s32_command import answers
from demo_city.systems.drops import Drops
from demo_city.systems.inbox import received
from demo_city.systems.records import Records
from demo_city.systems.tables import MariaTables, PostgresTables
from demo_city.world import World

Progress = Callable[[str], None]

HEAVY_FIRST = ("S14", "S27", "S28", "S02", "S01", "S15", "S16", "S29", "S11", "S23")
"""Sources with the most rows begin, so that no process works alone at the end."""
ANSWERED_BY = "S32"
"""The source in whose tables the inboxes' leads are answered."""
_ROW_DAYS = 2.0
"""Days at scale 1 that are made in one piece: as many rows as fit well into memory."""


@dataclass(frozen=True)
class Place:
    """Where the systems of a home are; goes to other processes as it is.

    Attributes:
        home: the folder.
        seed, scale, county: of the city.
        first: first day that was delivered.
        postgres: address of the server's own role, with ``{database}``.
        maria: port and password of the MariaDB's root; None where there is none.
        only: ids of the sources that are served; None: all.
    """

    home: Path
    seed: int
    scale: float
    county: str | None
    first: date
    postgres: str
    maria: tuple[int, str] | None
    only: tuple[str, ...] | None = None

    def serves(self, source_id: str) -> bool:
        """Whether this source is served."""
        return self.only is None or source_id in self.only

    def world(self) -> World:
        """The city."""
        return World(self.seed, self.scale, self.county)

    @property
    def inbox(self) -> Path:
        """What the inboxes took."""
        return self.home / "inbox.jsonl"

    def drops(self) -> Drops:
        """Files."""
        return Drops(self.home / "files")

    def records(self, dataset: Dataset) -> Records:
        """An API's records."""
        return Records(self.home / "api" / dataset.dataset)

    def tables(self, dataset: Dataset) -> PostgresTables | MariaTables:
        """A table's database."""
        if isinstance(dataset.system, Table) and dataset.system.server == "mariadb" and self.maria:
            return MariaTables(*self.maria, dataset.department)
        return PostgresTables(self.postgres.format(database=dataset.department))


def bring(place: Place, until: date, *, processes: int = 1, world: World | None = None, say: Progress = print) -> None:
    """Bring every dataset to the end of `until`.

    Args:
        place: the home.
        until: the day.
        processes: how many make it, each some sources.
        world: the city where it is already known in this process.
        say: told what is done.
    """
    order = sorted((one for one in sources() if place.serves(one.id)), key=lambda source: _rank(source.id))
    if processes <= 1:
        world = world or place.world()
        for source in order:
            say(_bring_source(place, until, source.id, world))
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(place,)) as pool:
        futures = [pool.submit(_bring_one, place, until, source.id) for source in order]
        try:
            for future in as_completed(futures):
                say(future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def bring_dataset(place: Place, until: date, dataset: Dataset, world: World) -> int:
    """Bring one dataset to the end of `until`; gives the number of rows that were written."""
    store = None if not isinstance(dataset.system, Table) else place.tables(dataset)
    records = place.records(dataset) if isinstance(dataset.system, Api) else None
    if store is not None:
        held = store.through(dataset.system.name)  # type: ignore[union-attr]
    else:
        held = records.through if records is not None else place.drops().through(dataset.dataset)
    rows_n = 0
    for days in stretches(held + timedelta(days=1) if held else place.first, until, place.scale):
        if store is None and records is None:
            rows_n += place.drops().lay(world, dataset, days, place.first)
            continue
        table = dataset.rows(world, days).table
        if dataset.source == ANSWERED_BY and (taken := received(place.inbox)):
            answered = answers(world, dataset.dataset, taken, days)
            table = pa.concat_tables([table, answered.select(table.column_names).cast(table.schema)])
        rows_n += table.num_rows
        if store is not None:
            store.put(dataset, table, days.last)
        if records is not None:
            records.put(dataset, table, days.last)
    return rows_n


def stretches(first: date, last: date, scale: float) -> Iterator[Days]:
    """Days to be made in one piece, so that memory stays bounded at every scale."""
    length = max(1, int(_ROW_DAYS / max(scale, 1e-6)))
    while first <= last:
        until = min(first + timedelta(days=length - 1), last)
        yield Days(first, until)
        first = until + timedelta(days=1)


def _rank(source: str) -> tuple[int, str]:
    return (HEAVY_FIRST.index(source) if source in HEAVY_FIRST else len(HEAVY_FIRST), source)


_own_world: World | None = None


def _begin(place: Place) -> None:
    global _own_world  # noqa: PLW0603  one world for all the sources that this process makes
    _own_world = place.world()


def _bring_one(place: Place, until: date, source: str) -> str:
    return _bring_source(place, until, source, _own_world or place.world())


def _bring_source(place: Place, until: date, source_id: str, world: World) -> str:
    source = _source(source_id)
    began, rows_n = time.monotonic(), 0
    for dataset in source.datasets:
        try:
            rows_n += bring_dataset(place, until, dataset, world)
        except Exception as error:
            told = str(error).partition("\n")[0]
            raise RuntimeError(f"{dataset.dataset}: {type(error).__name__}: {told}") from error
    seconds = time.monotonic() - began
    return f"{source.id} {source.title}  {rows_n:,} rows in {seconds:.1f} s"


def _source(source_id: str) -> Source:
    return next(source for source in sources() if source.id == source_id)
