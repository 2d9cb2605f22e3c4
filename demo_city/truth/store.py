"""Writes and reads the truth store: one Parquet file per table, and a DuckDB file with the same tables, commented."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from demo_city.columns import Columns
from demo_city.days import Days
from demo_city.departments.protocol import Dataset, Source
from demo_city.truth.dirt import Dirt, deliveries_of, dirt_of, stretches
from demo_city.truth.events import LOOKS_BACK, Arrivals, promised, spoiled_ids, untold_ids
from demo_city.truth.schema import TABLES
from lake.engine import quote_identifier, quote_literal

if TYPE_CHECKING:
    from demo_city.world import World

FOLDER = "truth"
FILE = "truth.duckdb"
CITY = "linlan"
DAYS_AT_ONCE = 4.0
"""Days of the whole city that are in memory at a time; at a smaller scale as many more."""


def write_truth(
    world: World,
    days: Days,
    home: Path,
    *,
    sources: Sequence[Source] | None = None,
    indicators: Sequence[str] | None = None,
    leads: Sequence[str] | None = None,
    processes: int = 2,
) -> Path:
    """Write everything that is known of the city on these days; gives the folder.

    The folder is made anew beside the old one and then takes its place.

    Args:
        world: the city.
        days: the days that are delivered.
        home: of the demo city, not of the lake.
        sources: in place of all (tests).
        indicators: in place of I01 … I26 (tests).
        leads: in place of all models that events answer (tests).
        processes: how many make the sources' rows at a time.

    Raises:
        MissingEvents: an indicator's source gives no events, or not the column it needs.
        ValueError: a source names dirt it does not declare.
    """
    from demo_city.departments import sources as all_sources

    chosen = tuple(all_sources() if sources is None else sources)
    fresh = home / f"{FOLDER}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / "events").mkdir(parents=True)
    made = _of_sources(world, days, chosen, fresh, processes)
    tables: dict[str, list[pa.Table]] = {name: [] for name in TABLES}
    tables["city"] = [_city(world, days)]
    for one in made:
        for dirt in one.dirt:
            for name in ("dataset", "written", "pattern", "dirt"):
                tables[name].append(getattr(dirt, name))
        for table in one.deliveries:
            for name, rows in table.items():
                tables[name].append(rows)
    tables["scenario"], tables["chain"], tables["precursor"] = [_scenarios(world)], *_chains(world, days)
    events = _read_events(fresh / "events")
    datasets = {dataset.dataset: dataset for source in chosen for dataset in source.datasets}
    frame = _frame(world, days, events, datasets, tables)
    _fill_indicators(tables, frame, indicators)
    _fill_leads(tables, world, days, frame, leads)
    _write(fresh, tables)
    shutil.rmtree(fresh / "events")
    target = home / FOLDER
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    return target


def read_truth(home: Path) -> duckdb.DuckDBPyConnection:
    """Open the store for reading, its tables as views.

    Args:
        home: of the demo city, or the folder of the store itself.

    Raises:
        FileNotFoundError: there is no store.
    """
    folder = home if (home / "city.parquet").exists() else home / FOLDER
    if not (folder / "city.parquet").exists():
        raise FileNotFoundError(f"no truth store in {home}: write it with `citybrain demo serve`")
    connection = duckdb.connect(config={"threads": 2})
    for name in TABLES:
        connection.execute(
            f"CREATE VIEW {quote_identifier(name)} AS SELECT * "
            f"FROM read_parquet({quote_literal(str(folder / f'{name}.parquet'))})"
        )
    return connection


@dataclass(frozen=True)
class _OfSource:
    dirt: tuple[Dirt, ...]
    deliveries: tuple[dict[str, pa.Table], ...]


def _of_sources(world: World, days: Days, chosen: Sequence[Source], folder: Path, processes: int) -> list[_OfSource]:
    """Dirt and events of all sources, the events laid into the folder; by copies of this process."""
    if processes < 2 or len(chosen) < 2:
        return [_of_source(world, days, source, folder) for source in chosen]
    _ = world.city, world.life.chains  # once, before the processes part
    _INHERITED.update(world=world, sources=chosen)
    try:
        with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
            return list(pool.map(_in_process, range(len(chosen)), [days] * len(chosen), [folder] * len(chosen)))
    finally:
        _INHERITED.clear()


_INHERITED: dict[str, Any] = {}
"""What a process that makes a source inherits; sources hold functions, which cannot be sent."""


def _in_process(number: int, days: Days, folder: Path) -> _OfSource:
    return _of_source(_INHERITED["world"], days, _INHERITED["sources"][number], folder)


def _of_one_type(tables: Sequence[pa.Table]) -> pa.Table:
    """The rows of all; a column that is empty in some stretch has no type of its own there and takes the others'."""
    types: dict[str, pa.DataType] = {}
    for table in sorted(tables, key=lambda table: -table.num_rows):
        for name, column in zip(table.column_names, table.columns, strict=True):
            types.setdefault(name, column.type)
            if column.null_count < len(column):
                types[name] = column.type
    filled = [
        pa.table({
            name: pa.nulls(table.num_rows, types[name]) if column.null_count == len(column) else column
            for name, column in zip(table.column_names, table.columns, strict=True)
        })
        for table in tables
    ]  # fmt: skip
    return pa.concat_tables(filled, promote_options="permissive")


def _of_source(world: World, days: Days, source: Source, folder: Path) -> _OfSource:
    from demo_city.systems.deliveries import fates_of

    step = max(1, int(DAYS_AT_ONCE / world.scale))
    dirt, laid = [], []
    for dataset in source.datasets:
        dirt.append(dirt_of(world, dataset, days, step))
        fates = fates_of(world.chance, dataset, days)
        laid.append(deliveries_of(dataset, days, fates))
    if source.events is not None:
        _lay_events(world, days.since(LOOKS_BACK.get(source.id, 0)), source, folder, step)
    return _OfSource(tuple(dirt), tuple(laid))


def _lay_events(world: World, days: Days, source: Source, folder: Path, step: int) -> None:
    parts: dict[str, list[pa.Table]] = {}
    for stretch in stretches(days, step):
        for name, table in source.events(world, stretch).items():  # type: ignore[misc]
            parts.setdefault(name, []).append(table)
    for name, tables in parts.items():
        whole = _of_one_type(tables)
        if len(tables) > 1:  # what stands for longer than a stretch is told in each
            with duckdb.connect(config={"threads": 1}) as connection:
                whole = connection.execute("SELECT DISTINCT * FROM whole ORDER BY ALL").to_arrow_table()
        pq.write_table(whole, folder / "events" / f"{source.id}.{name}.parquet")


def _read_events(folder: Path) -> dict[str, pa.Table]:
    """Events by name of the table; those of several sources (inspections) one after the other."""
    found: dict[str, list[pa.Table]] = {}
    for path in sorted(folder.glob("*.parquet")):
        found.setdefault(path.stem.partition(".")[2], []).append(pq.read_table(path))
    return {name: _of_one_type(tables) for name, tables in found.items()}


def _city(world: World, days: Days) -> pa.Table:
    return _table(
        "city",
        city=[CITY],
        seed=[world.seed],
        scale=[world.scale],
        county=[world.county_code],
        first_on=[days.first],
        last_on=[days.last],
    )


def _scenarios(world: World) -> pa.Table:
    of = world.life.scenarios
    city = world.city
    return _table(
        "scenario",
        scenario_no=of["scenario_no"],
        kind=of["kind"],
        title_zh=of["title_zh"],
        from_on=of["from_on"].astype("datetime64[D]"),
        to_on=of["to_on"].astype("datetime64[D]"),
        township_code=_named(city.township["code"], of["township_i"]),
        grid_id=_named(city.grid["grid_id"], of["grid_i"]),
        topic_zh=of["topic_zh"],
        strength=of["strength"],
    )


def _chains(world: World, days: Days) -> tuple[list[pa.Table], list[pa.Table]]:
    city, chains, steps = world.city, world.life.chains, world.life.steps
    chain = _table(
        "chain",
        chain_no=chains["chain_no"],
        kind=chains["kind"],
        event_at=chains["event_at"].astype("datetime64[s]"),
        township_code=_named(city.township["code"], chains["township_i"]),
        grid_id=_named(city.grid["grid_id"], chains["grid_i"]),
        building_no=_named(city.building["building_no"], chains["building_i"]),
        flat_no=_named(city.flat["flat_no"], chains["flat_i"]),
        enterprise_uscc=_named(city.enterprise["uscc"], chains["enterprise_i"]),
        school_no=_named(city.school["school_no"], chains["school_i"]),
        severity=chains["severity"],
        is_within=days.holds(chains["event_at"]),
    )
    signs = steps.where((steps["what"] != "event") & np.isin(steps["chain_no"], chains["chain_no"]))
    order = np.argsort(chains["chain_no"])
    event_at = chains["event_at"][order][np.searchsorted(chains["chain_no"][order], signs["chain_no"])]
    precursor = _table(
        "precursor",
        chain_no=signs["chain_no"],
        step_no=signs["step_no"],
        source=signs["source"],
        what=signs["what"],
        at=signs["at"].astype("datetime64[s]"),
        lead_days=(event_at - signs["at"]) / np.timedelta64(1440, "m"),
        is_within=days.holds(signs["at"]),
    )
    return [chain], [precursor]


def _frame(
    world: World,
    days: Days,
    events: Mapping[str, pa.Table],
    datasets: Mapping[str, Dataset],
    tables: Mapping[str, list[pa.Table]],
) -> Any:
    from demo_city.truth.indicators import Frame

    arrivals = Arrivals(world, days, datasets)
    known = _together("dirt", tables["dirt"])
    kept: dict[str, Any] = {}

    def spoiled(table: str, columns: Columns) -> Any:
        if table not in kept:
            kept[table] = spoiled_ids(table, known)
        return kept[table](columns)

    def untold(table: str, column: str, columns: Columns) -> Any:
        return untold_ids(table, column, known)(columns)

    due = [fate for dataset in datasets.values() for fate in promised(world, dataset, days)]
    columns = {name: _columns(_together(name, tables[name])) for name in ("written", "dirt")}
    return Frame(
        world,
        days,
        events,
        arrivals.known_on,
        spoiled,
        Columns(
            ends_on=np.array([ends for ends, _ in due], "datetime64[D]"),
            arrives_on=np.array([there for _, there in due], "datetime64[D]"),
        ),
        columns["written"],
        columns["dirt"],
        untold,
    )


def _columns(table: pa.Table) -> Columns:
    return Columns({name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names})


def _fill_indicators(tables: dict[str, list[pa.Table]], frame: Any, chosen: Sequence[str] | None) -> None:
    from demo_city.truth import indicators

    indicators.compute(frame, tuple(chosen) if chosen is not None else None)
    tables["indicator"] = frame.made
    parts = [part for part in indicators.parts() if chosen is None or part.indicator in chosen]
    tables["indicator_part"] = [
        _table(
            "indicator_part",
            indicator_id=[part.indicator for part in parts],
            part=[part.name for part in parts],
            variant=[part.variant for part in parts],
            title_zh=[part.title_zh for part in parts],
            unit=[part.unit for part in parts],
            windows=[" ".join(part.windows) for part in parts],
            scopes=[" ".join(part.scopes) for part in parts],
            definition=[part.definition for part in parts],
        )
    ]


def _fill_leads(
    tables: dict[str, list[pa.Table]], world: World, days: Days, frame: Any, chosen: Sequence[str] | None
) -> None:
    from demo_city.truth import leads

    found = leads.true_leads(world, days, frame, chosen)
    tables["lead"] = [found]
    counts = dict(
        zip(*(column.to_pylist() for column in found.group_by("model_id").aggregate([([], "count_all")]).columns),
            strict=True)
    )  # fmt: skip
    models = leads.models()
    tables["lead_model"] = [
        _table(
            "lead_model",
            model_id=[model for model, _, _ in models],
            has_answer=[known for _, known, _ in models],
            rule=[rule for _, _, rule in models],
            leads_n=[counts.get(model, 0) for model, _, _ in models],
        )
    ]


def _write(folder: Path, tables: Mapping[str, Iterable[pa.Table]]) -> None:
    for name in TABLES:
        pq.write_table(_together(name, tables[name]), folder / f"{name}.parquet", compression="zstd")
    with duckdb.connect(str(folder / FILE)) as connection:
        for name, table in TABLES.items():
            connection.execute(
                f"CREATE TABLE {quote_identifier(name)} AS SELECT * "
                f"FROM read_parquet({quote_literal(str(folder / f'{name}.parquet'))})"
            )
            connection.execute(f"COMMENT ON TABLE {quote_identifier(name)} IS {quote_literal(table.grain)}")
            for column in table.columns:
                connection.execute(
                    f"COMMENT ON COLUMN {quote_identifier(name)}.{quote_identifier(column.name)} "
                    f"IS {quote_literal(column.meaning)}"
                )


def _together(name: str, parts: Iterable[pa.Table]) -> pa.Table:
    return pa.concat_tables([TABLES[name].arrow.empty_table(), *parts])


def _named(register: Any, at: Any) -> Any:
    """Numbers of things by position; None for -1."""
    at = np.asarray(at)
    if not len(register):
        return np.full(len(at), None, dtype=object)
    return np.where(at >= 0, np.asarray(register)[np.maximum(at, 0)].astype(str).astype(object), None)


def _table(name: str, **columns: Any) -> pa.Table:
    schema = TABLES[name].arrow
    return pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)
