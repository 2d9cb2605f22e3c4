"""One day of every source as files: for measuring, and for looking at what a department would deliver."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from demo_city.days import Days
from demo_city.departments import sources
from demo_city.departments.protocol import Dataset, Files
from demo_city.systems import writers
from demo_city.systems.deliveries import Delivery, name_of, periods
from demo_city.systems.drops import contents_of
from demo_city.systems.generation import HEAVY_FIRST
from demo_city.world import World


@dataclass(frozen=True)
class Made:
    """What a source wrote on the day.

    Attributes:
        source, title: which.
        rows_n: rows in its files.
        seconds: it took, without making the city itself.
    """

    source: str
    title: str
    rows_n: int
    seconds: float


def write_day(
    day: date,
    into: Path,
    *,
    seed: int,
    scale: float,
    county: str | None,
    tables: str,
    processes: int,
    only: Collection[str] | None = None,
) -> Iterator[Made]:
    """Write one day's deliveries of all sources; what is delivered by week, month or quarter when it ends that day.

    Args:
        day: the day.
        into: gets a folder for each department.
        seed, scale, county: of the city.
        tables: ``csv`` or ``parquet``: how rows of tables and APIs are written.
        processes: how many make it.
        only: ids of the sources; None: all.

    Yields:
        What each source wrote, as it is done.
    """
    order = sorted(
        (one.id for one in sources() if only is None or one.id in only),
        key=lambda name: (name not in HEAVY_FIRST, name),
    )
    if processes <= 1:
        world = World(seed, scale, county)
        yield from (_write_source(source, day, into, world, tables) for source in order)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _begin, (seed, scale, county)) as pool:
        futures = [pool.submit(_write_here, source, day, into, tables) for source in order]
        for future in as_completed(futures):
            yield future.result()


_own_world: World


def _begin(seed: int, scale: float, county: str | None) -> None:
    global _own_world  # noqa: PLW0603  one world for all the sources that this process makes
    _own_world = World(seed, scale, county)


def _write_here(source: str, day: date, into: Path, tables: str) -> Made:
    return _write_source(source, day, into, _own_world, tables)


def _write_source(source_id: str, day: date, into: Path, world: World, tables: str) -> Made:
    source = next(one for one in sources() if one.id == source_id)
    began, rows_n = time.perf_counter(), 0
    for dataset in source.datasets:
        folder = into / dataset.department
        folder.mkdir(parents=True, exist_ok=True)
        rows_n += (
            _write_files(dataset, day, folder, world)
            if isinstance(dataset.system, Files)
            else _write_rows(dataset, day, folder, world, tables)
        )
    return Made(source.id, source.title, rows_n, time.perf_counter() - began)


def _write_files(dataset: Dataset, day: date, folder: Path, world: World) -> int:
    system, rows_n = dataset.system, 0
    if not isinstance(system, Files):
        raise TypeError(dataset.dataset)
    due = [Delivery(key, "", day) for key in periods(system.every, Days(day, day))]
    for key, content, number in contents_of(world, dataset, due):
        path = folder / name_of(system, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        rows_n += number
    return rows_n


def _write_rows(dataset: Dataset, day: date, folder: Path, world: World, tables: str) -> int:
    table = dataset.rows(world, Days(day, day)).table
    write = writers.csv() if tables == "csv" else writers.parquet()
    name = dataset.dataset.rpartition(".")[2]
    (folder / f"{name}_{day:%Y%m%d}.{tables}").write_bytes(write(table, day))
    return int(table.num_rows)
