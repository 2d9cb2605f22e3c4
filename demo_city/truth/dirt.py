"""Which rows are dirty, and which versions of a row a reader can see on which day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.days import BEGINS_ON, Days
from demo_city.departments.protocol import Api, Dataset, Files, Table
from demo_city.truth.schema import TABLES

if TYPE_CHECKING:
    from demo_city.systems.deliveries import Delivery
    from demo_city.world import World

_NEVER = np.datetime64("NaT", "D")


@dataclass(frozen=True)
class Dirt:
    """What is to be known of one dataset's rows: rows of the tables ``dataset``, ``written``, ``pattern``, ``dirt``."""

    dataset: pa.Table
    written: pa.Table
    pattern: pa.Table
    dirt: pa.Table


def is_overwritten(system: Table | Api | Files) -> bool:
    """Whether a later version of a key takes the place of the earlier one."""
    return bool(getattr(system, "key", ())) and (isinstance(system, Table) or getattr(system, "by", "") == "update")


def dirt_of(world: World, dataset: Dataset, days: Days, step: int) -> Dirt:
    """Go through a dataset's rows, `step` days at a time.

    Raises:
        ValueError: the module names dirt of a pattern it does not declare, or of a row that is not there.
    """
    from demo_city.systems.deliveries import first_of, periods

    every = getattr(dataset.system, "every", "day")
    # A week that began before the first day is delivered at its end; one that has not ended is not.
    keys_due = np.array(periods(every, days), dtype="datetime64[D]")
    days = Days(max(first_of(every, days.first), BEGINS_ON), days.last)
    key = _physical_key(dataset.system) if is_overwritten(dataset.system) else ()
    seen: list[tuple[Any, Any, Any]] = []  # day, hash of the key, whether it takes the key away
    dirty: list[tuple[Any, Any, Any]] = []  # position among all rows, pattern, key
    before = 0
    for stretch in stretches(days, step):
        rows = dataset.rows(world, stretch)
        day = rows.table.column("_day").to_numpy(zero_copy_only=False).astype("datetime64[D]")
        gone = (
            rows.table.column("_is_deleted").to_numpy(zero_copy_only=False).astype(bool)
            if "_is_deleted" in rows.table.column_names
            else np.zeros(len(day), bool)
        )
        at = rows.dirt.column("row").to_numpy(zero_copy_only=False).astype(np.int64)
        if len(at) and (at.min() < 0 or at.max() >= len(day)):
            raise ValueError(f"{dataset.dataset}: dirt of a row that is not there")
        pattern, keys, hashes = _texts(rows.dirt, "pattern"), _texts(rows.dirt, "key"), _hashed(rows.table, key)
        if every != "day":
            due = np.isin(day, keys_due)
            place = np.cumsum(due) - 1
            kept = due[at]
            at, pattern, keys = place[at[kept]], pattern[kept], keys[kept]
            day, hashes, gone = day[due], hashes[due], gone[due]
        seen.append((day, hashes, gone))
        dirty.append((before + at, pattern, keys))
        before += len(day)
    day, hashes, gone = (np.concatenate([part[n] for part in seen]) for n in range(3))
    at, pattern, keys = (np.concatenate([part[n] for part in dirty]) for n in range(3))
    declared = {one.name: one for one in dataset.patterns}
    if unknown := set(pattern) - set(declared):
        raise ValueError(f"{dataset.dataset}: patterns that are not declared: {', '.join(sorted(unknown))}")
    replaced = _replaced(day, hashes) if key else np.full(len(day), _NEVER)
    number = _within_day(day)
    of = [declared[name] for name in pattern]
    n = len(at)
    return Dirt(
        dataset=_table(
            "dataset",
            source=[dataset.source],
            dataset=[dataset.dataset],
            title_zh=[dataset.title],
            system=[type(dataset.system).__name__.lower()],
            is_overwritten=[bool(key)],
            every=[every],
            rows_n=[len(day)],
        ),
        written=_written(dataset.dataset, day[~gone], replaced[~gone]),
        pattern=_table(
            "pattern",
            source=[dataset.source] * len(declared),
            dataset=[dataset.dataset] * len(declared),
            pattern=list(declared),
            meaning=[one.meaning for one in declared.values()],
            rate=[one.rate for one in declared.values()],
            caught_by=[one.caught_by for one in declared.values()],
            rule=[one.rule for one in declared.values()],
            column_name=[one.column for one in declared.values()],
            level=["row"] * len(declared),
        ),
        dirt=_table(
            "dirt",
            source=[dataset.source] * n,
            dataset=[dataset.dataset] * n,
            pattern=list(pattern),
            day=day[at],
            row_no=number[at],
            key=list(keys),
            replaced_on=replaced[at],
            caught_by=[one.caught_by for one in of],
            rule=[one.rule for one in of],
            column_name=[one.column for one in of],
        ),
    )


def stretches(days: Days, step: int) -> Iterator[Days]:
    """The days cut into pieces of `step` days."""
    first = days.first
    while first <= days.last:
        last = min(first + timedelta(days=step - 1), days.last)
        yield Days(first, last)
        first = last + timedelta(days=1)


def deliveries_of(dataset: Dataset, days: Days, fates: Sequence[Delivery]) -> dict[str, pa.Table]:
    """Deliveries that are not as promised, and their patterns, as the systems will lay them.

    Args:
        dataset: one of files.
        days: days that are delivered.
        fates: of `demo_city.systems.deliveries.fates_of`.
    """
    system = dataset.system
    if not isinstance(system, Files):
        return {}
    caught_by = {"late": "late", "missing": "missing", "double": "unchanged"}
    found = [
        (fate.day, fate.pattern, fate.again_on or fate.delivered_on, None, caught_by[fate.pattern])
        for fate in fates
        if fate.pattern
    ]
    for drift in system.drifts:
        for kind, columns in (
            ("drift_added", drift.added),
            ("drift_renamed", drift.renamed),
            ("drift_dropped", drift.dropped),
        ):
            if columns and days.first <= drift.on <= days.last:
                found.append((drift.on, kind, drift.on, ", ".join(columns), "held"))
    found.sort(key=lambda row: (row[0], row[1]))
    n = len(found)
    declared = [
        ("late", "The delivery comes one to three days late.", system.late, "late"),
        ("missing", "The delivery never comes.", system.missing, "missing"),
        ("double", "The delivery comes again the next day, unchanged.", system.double, "unchanged"),
        *((f"drift_{name}", f"The layout of one day's file differs: a column {name}.", 1 / days.length, "held")
          for name in ("added", "renamed", "dropped") if any(getattr(drift, name) for drift in system.drifts)),
    ]  # fmt: skip
    declared = [row for row in declared if row[2] > 0]
    return {
        "delivery_dirt": _table(
            "delivery_dirt",
            source=[dataset.source] * n,
            dataset=[dataset.dataset] * n,
            day=[row[0] for row in found],
            pattern=[row[1] for row in found],
            arrives_on=[row[2] for row in found],
            detail=[row[3] for row in found],
            caught_by=[row[4] for row in found],
        ),
        "pattern": _table(
            "pattern",
            source=[dataset.source] * len(declared),
            dataset=[dataset.dataset] * len(declared),
            pattern=[row[0] for row in declared],
            meaning=[row[1] for row in declared],
            rate=[row[2] for row in declared],
            caught_by=[row[3] for row in declared],
            rule=[None] * len(declared),
            column_name=[None] * len(declared),
            level=["delivery"] * len(declared),
        ),
    }


def _physical_key(system: Any) -> tuple[str, ...]:
    return tuple(system.key)


def _hashed(table: pa.Table, key: tuple[str, ...]) -> Any:
    """A 64-bit number for each row's key; 0 for all where there is none."""
    if not key:
        return np.zeros(table.num_rows, np.uint64)
    import pandas as pd

    frame = table.select(list(key)).to_pandas()
    return pd.util.hash_pandas_object(frame.astype(str), index=False).to_numpy()


def _replaced(day: Any, hashes: Any) -> Any:
    """Day of the next version of the same key; NaT where it is the last."""
    order = np.lexsort((np.arange(len(day)), day, hashes))
    replaced = np.full(len(day), _NEVER)
    same = hashes[order][1:] == hashes[order][:-1]
    replaced[order[:-1][same]] = day[order[1:][same]]
    return replaced


def _within_day(day: Any) -> Any:
    """Running number of each row among the rows of its day, from 1."""
    order = np.argsort(day, kind="stable")
    ordered = day[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(day) else np.zeros(0, np.int64)
    number = np.arange(len(day)) - np.repeat(starts, np.diff(np.r_[starts, len(day)])) + 1
    made = np.empty(len(day), np.int64)
    made[order] = number
    return made


def _written(dataset: str, day: Any, replaced: Any) -> pa.Table:
    days = day.astype(np.int64)
    until = np.where(np.isnat(replaced), np.iinfo(np.int32).max, replaced.astype(np.int64))
    pairs, counts = np.unique(np.stack([days, until]), axis=1, return_counts=True) if len(day) else (
        np.zeros((2, 0), np.int64), np.zeros(0, np.int64)
    )  # fmt: skip
    ends = pairs[1].astype("datetime64[D]")
    ends[pairs[1] == np.iinfo(np.int32).max] = _NEVER
    return _table(
        "written",
        dataset=[dataset] * len(counts),
        day=pairs[0].astype("datetime64[D]"),
        replaced_on=ends,
        rows_n=counts,
    )


def _texts(table: pa.Table, name: str) -> Any:
    return table.column(name).to_numpy(zero_copy_only=False)


def _table(name: str, **columns: Any) -> pa.Table:
    schema = TABLES[name].arrow
    return pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)
