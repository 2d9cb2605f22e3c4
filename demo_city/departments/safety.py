"""What the sources of public safety (S04 S05 S06 S17 S18 S19 S22 S23) have in common: draws by township, places, text.

Everything is drawn for a township and a day under the number that the thing has there, so that a row is the same
whatever else is made: in pieces, at another scale, by another process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa

from demo_city.chance import Chance, repeated
from demo_city.columns import Columns
from demo_city.departments.protocol import Rows
from demo_city.text import replace, zfill

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

OLD_COUNTY = {"990113": ("990102", "990111"), "990114": ("990184",), "990185": ("990121",)}
"""Codes a county-level unit had before it was merged or renamed."""
OLD_AREA = "^(990102|990111|990184|990121)"
"""Of area codes that are no longer valid."""
FLAG = "!"
"""Marks, in what a statement of `written` gives, the column that says which rows are dirty in one way."""


def written(sql: str, **relations: pa.Table | Columns | Mapping[str, Any]) -> Rows:
    """Rows from one statement over some tables.

    Args:
        sql: gives the department's columns and ``_day`` in the order of delivery; where rows are dirty also ``_key``
            and a flag for each pattern, named ``!pattern``.
        relations: tables the statement reads, by name.
    """
    made = statement(sql, **relations)
    flags = [name for name in made.column_names if name.startswith(FLAG)]
    table = made.drop_columns([*flags, *(["_key"] if "_key" in made.column_names else [])])
    positions, names = [], []
    for number, flag in enumerate(flags):
        at = np.flatnonzero(made.column(flag).to_numpy(zero_copy_only=False).astype(bool))
        positions.append(at)
        names.append(np.full(len(at), number))
    row = np.concatenate([np.zeros(0, np.int64), *positions])
    which = np.concatenate([np.zeros(0, np.int64), *names])
    order = np.lexsort((which, row))
    row, which = row[order], which[order]
    patterns = np.array([flag.removeprefix(FLAG) for flag in flags], dtype=object)
    key = made.column("_key").take(pa.array(row)) if "_key" in made.column_names else pa.array([], pa.string())
    dirt = pa.table({"row": pa.array(row, pa.int64()), "pattern": pa.array(patterns[which], pa.string()), "key": key})
    return Rows(table, dirt)


def statement(sql: str, **relations: pa.Table | Columns | Mapping[str, Any]) -> pa.Table:
    """What one statement gives over some tables, which it knows by these names."""
    with duckdb.connect(config={"threads": 1}) as connection:
        for name, relation in relations.items():
            connection.register(name, relation if isinstance(relation, pa.Table) else Columns(relation).to_arrow())
        return connection.execute(sql).to_arrow_table()


def active_townships(world: World) -> Any:
    """Positions of the townships that are delivered."""
    return np.flatnonzero(world.city.township["is_active"])


def per_township(world: World, per_day: float, weight: str = "population") -> Any:
    """How many of a city-wide daily number fall to each township on average: its share of all people (or area)."""
    of = np.asarray(world.city.township[weight], dtype=np.float64)
    return per_day * of / of.sum()


def drawn(world: World, days: Days, stream: str, mean: Any, factor: Any) -> Columns:
    """Things that happen in townships on days.

    Args:
        world: of which city.
        days: the days.
        stream: name of what happens; also of the numbers drawn for it.
        mean: expected number a day for each township of the register (active or not).
        factor: days, or days × townships, by which the day's number is higher or lower.

    Returns:
        ``township_i``, ``day`` and ``n``, the running number in the township on the day: the keys of all further draws.
    """
    township = active_townships(world)
    day = days.array
    factor = np.asarray(factor, dtype=np.float64)
    factor = factor[:, None] if factor.ndim == 1 else factor[:, township]
    expected = np.asarray(mean)[township][None, :] * factor
    counts = world.chance.poisson(expected, f"{stream}.n", day[:, None], township[None, :])
    position, running = repeated(counts)
    return Columns(
        township_i=township[position % len(township)], day=day[position // len(township)], n=running
    )  # fmt: skip


def keys(of: Columns) -> tuple[Any, Any, Any]:
    """Keys of draws about things that `drawn` gave."""
    return of["township_i"], of["day"], of["n"]


def pick(chance: Chance, owner: Any, wanted: Any, weights: Any, stream: str, *keys: Any) -> Any:
    """A thing of a register for each wanted owner, by weight.

    Args:
        chance: of the seed.
        owner: for each thing of the register the position of what it belongs to, such as its township.
        wanted: owners for which one is drawn.
        weights: of the things, 0 or more; nothing = all alike.
        stream: name of the draw.
        keys: of the draw.

    Returns:
        Positions in the register, -1 where the owner has none.
    """
    owner, wanted = np.asarray(owner), np.asarray(wanted)
    if not len(owner):
        return np.full(len(wanted), -1)
    order = np.argsort(owner, kind="stable")
    # Whole numbers: what lies before a township in the register may not move a draw within it by a rounding error.
    whole = np.ones(len(owner), np.int64) if weights is None else np.rint(np.asarray(weights) * 1e6).astype(np.int64)
    edges = np.concatenate([np.zeros(1, np.int64), np.cumsum(whole[order])])
    first = np.searchsorted(owner[order], wanted, "left")
    last = np.searchsorted(owner[order], wanted, "right")
    total = edges[last] - edges[first]
    target = edges[first] + np.floor(chance.uniform(stream, *keys) * total).astype(np.int64)
    at = np.clip(np.searchsorted(edges, target, "right") - 1, 0, len(order) - 1)
    return np.where(total > 0, order[at], -1)


def nearby(chance: Chance, lng: Any, lat: Any, metres: float, stream: str, *keys: Any) -> tuple[Any, Any]:
    """Points around others: normally scattered, `metres` the standard deviation in each direction."""
    east = chance.normal(f"{stream}.east", *keys) * metres
    north = chance.normal(f"{stream}.north", *keys) * metres
    return np.asarray(lng) + east / (111_320 * np.cos(np.radians(lat))), np.asarray(lat) + north / 110_940


def moment(day: Any, second: Any) -> Any:
    """``datetime64[s]`` of a day and a second of it."""
    return np.asarray(day).astype("datetime64[s]") + np.asarray(second).astype("timedelta64[s]")


def after(moments: Any, minutes: Any) -> Any:
    """So many minutes later, to the second."""
    return np.asarray(moments).astype("datetime64[s]") + np.rint(np.asarray(minutes) * 60).astype("timedelta64[s]")


def old_codes(world: World, stream: str, rate: float, townships: Any, *keys: Any) -> tuple[Any, Any]:
    """Area codes of townships, some as they were before the mergers, and where that is so.

    A township that has always had its code keeps it; the others have the old one so much more often that `rate` is the
    share of all rows.
    """
    register = world.city.township
    code, old = np.asarray(register["code"]), np.asarray(register["old_code"])
    had = old != ""
    is_old = had[townships] & world.chance.happens(min(rate / old_share(world), 1.0), stream, *keys)
    return np.where(is_old, old[townships], code[townships]), is_old


def old_share(world: World) -> float:
    """Share of the whole city's people in townships that had another code: the same at every scale."""
    register = world.city.township
    people = np.asarray(register["population"], dtype=np.float64)
    return float(people[np.asarray(register["old_code"]) != ""].sum() / people.sum())


CHAIN_N = 10_000
"""Running numbers from here on belong to chains: no township has so many of a thing in a day."""


def chained(world: World, days: Days, source: str, whats: tuple[str, ...], others: tuple[str, ...] = ()) -> Columns:
    """What chains and scenarios make a source record on these days.

    Args:
        world: of which city.
        days: the days.
        source: its id.
        whats: the kinds of records that are wanted.
        others: those that are made elsewhere in the source's module.

    Returns:
        The steps with ``day`` and ``n``, so that `keys` fits them as it fits what `drawn` gives.

    Raises:
        ValueError: there is a kind that is in neither list.
    """
    steps = world.life.precursors(source, days)
    unknown = sorted(set(steps["what"].tolist()) - {*whats, *others}) if steps.rows_n else []
    if unknown:
        raise ValueError(f"{source} knows no precursor {', '.join(unknown)}")
    steps = steps.where(np.isin(steps["what"].astype(str), whats)) if steps.rows_n else steps
    number = CHAIN_N + steps["chain_no"] % 10_000 * 1000 + steps["step_no"]
    return steps.with_columns(day=steps["at"].astype("datetime64[D]"), n=number)


def severity_of(world: World, chain_no: Any) -> Any:
    """Severity (1 to 4) of chains, 0 for what belongs to none."""
    chains = world.life.chains
    order = np.argsort(chains["chain_no"], kind="stable")
    known = chains["chain_no"][order]
    at = np.clip(np.searchsorted(known, chain_no), 0, max(len(known) - 1, 0))
    if not len(known):
        return np.zeros(len(chain_no), np.int64)
    return np.where(known[at] == chain_no, chains["severity"][order][at], 0)


def numbered(prefix: str, of: Columns) -> Any:
    """Numbers as a department gives them: day, township, running number."""
    day = replace(of["day"].astype("datetime64[D]").astype(str), "-", "")
    place, number = zfill(of["township_i"].astype(str), 3), zfill(of["n"].astype(str), 4)
    return np.char.add(np.char.add(np.char.add(prefix, day), place), number).astype(object)
