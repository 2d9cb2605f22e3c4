"""Things that stand still seen day after day: meters, devices, stations, staircases.

The sources of the networks (S11 S14 S15 S16 S21 S24 S25 S27 S28 S29 S30 S34) deliver the same things every day. A
thing's own columns are made once for a world; a stretch of days is laid out day by day, the measured columns are drawn
for all of it at once, and the thing's columns are taken by position. Every draw is keyed by the thing's lasting number
and the day, so a row is the same in whatever stretch, at whatever scale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo_city.columns import Columns
from demo_city.days import BEGINS_ON, Days
from demo_city.departments.protocol import Pattern, Rows, no_dirt

if TYPE_CHECKING:
    from demo_city.chance import Chance
    from demo_city.world import World

SENT_TWICE = "sent_twice"
OLD_CODE = "old_area_code"


class Panel:
    """Things × days, day after day: row `r` is thing ``who[r]`` on ``day[r]``.

    Args:
        numbers: the lasting number of each thing, its key in every draw.
        days: ``datetime64[D]``, ascending; of a weekly or monthly list its Mondays or first days.
        chance: of the seed.
        stream: name of the dataset; also of the draws made here.
        slots: rows of one thing and day, such as hours.
        there: things × days (or nothing): which of them there are on a day.
        twice: share of rows that are written a second time, right after the first.
    """

    def __init__(
        self,
        numbers: Any,
        days: Any,
        chance: Chance,
        stream: str,
        *,
        slots: int = 1,
        there: Any = None,
        twice: float = 0.0,
    ) -> None:
        self.chance, self.stream, self.days = chance, stream, np.asarray(days)
        numbers = np.asarray(numbers, dtype=np.int64)
        shape = (len(self.days), len(numbers), slots)
        rows = np.arange(shape[0] * shape[1] * shape[2])
        if there is not None:
            rows = rows[np.repeat(np.asarray(there).T.ravel(), slots)]
        if twice:
            at, who, slot = np.unravel_index(rows, shape)
            again = chance.happens(twice, f"{stream}.{SENT_TWICE}", numbers[who], self.days[at], slot)
            rows = np.repeat(rows, 1 + again)
            self.again = np.concatenate([np.zeros(min(len(rows), 1), bool), rows[1:] == rows[:-1]])
        else:
            self.again = np.zeros(len(rows), bool)
        self.at, self.who, self.slot = np.unravel_index(rows, shape)
        self.number, self.day = numbers[self.who], self.days[self.at]

    @property
    def rows_n(self) -> int:
        """Number of rows."""
        return len(self.who)

    def uniform(self, name: str) -> Any:
        """A number in [0, 1) for each row."""
        return self.chance.uniform(f"{self.stream}.{name}", self.number, self.day, *self._slot())

    def normal(self, name: str) -> Any:
        """A standard normal number for each row."""
        return self.chance.normal(f"{self.stream}.{name}", self.number, self.day, *self._slot())

    def happens(self, rate: Any, name: str) -> Any:
        """Whether something of this probability is so, for each row."""
        return self.uniform(name) < rate

    def poisson(self, mean: Any, name: str) -> Any:
        """How many of something, for each row."""
        return self.chance.poisson(mean, f"{self.stream}.{name}", self.number, self.day, *self._slot())

    def rows(
        self, columns: Mapping[str, Any], flags: Mapping[str, Any], key: Sequence[str], *, day: Any = None
    ) -> Rows:
        """The rows as delivered, with their dirt.

        Args:
            columns: arrays by physical name, in the department's order; those of things already taken by `who`.
            flags: for each pattern which rows are so.
            key: physical names of the key in the contract's order.
            day: the delivery of each row, if not the panel's own day.
        """
        return rows_of(columns, flags, key, self.day if day is None else day, self.again)

    def _slot(self) -> tuple[Any, ...]:
        return (self.slot,) if self.slot.any() else (np.zeros(1, np.int64),)


def rows_of(
    columns: Mapping[str, Any], flags: Mapping[str, Any], key: Sequence[str], day: Any, again: Any = None
) -> Rows:
    """Rows and their dirt from arrays; of a row written twice the second is nothing but that.

    Args:
        columns: arrays by physical name: numpy, masked numpy (masked = missing) or Arrow.
        flags: for each pattern which rows are so.
        key: physical names of the key.
        day: the delivery of each row.
        again: which rows repeat the one before.
    """
    table = pa.table({**{name: arrow(values) for name, values in columns.items()}, "_day": arrow(day)})
    first = np.ones(table.num_rows, bool) if again is None else ~again
    found = [(np.flatnonzero(np.asarray(flag) & first), name) for name, flag in flags.items()]
    if again is not None and again.any():
        found.append((np.flatnonzero(again), SENT_TWICE))
    row = np.concatenate([np.zeros(0, np.int64), *(at for at, _ in found)])
    name = np.concatenate([np.zeros(0, object), *(np.full(len(at), name, dtype=object) for at, name in found)])
    if not len(row):
        return Rows(table, no_dirt())
    order = np.argsort(row, kind="stable")
    row, name = row[order], name[order]
    parts = [pc.cast(table.column(part).take(pa.array(row)), pa.string()).combine_chunks() for part in key]
    texts = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, "|")
    dirt = pa.table({"row": pa.array(row, pa.int64()), "pattern": pa.array(name, pa.string()), "key": texts})
    return Rows(table, dirt)


def arrow(values: Any) -> pa.Array:
    """An array as Arrow has it: days as date32, times to the second, masked values missing, NaN and NaT missing."""
    if isinstance(values, pa.ChunkedArray):
        return values.combine_chunks()
    if isinstance(values, pa.Array):
        return values
    if isinstance(values, np.ma.MaskedArray):
        return arrow_of(values.data, np.ma.getmaskarray(values))
    return arrow_of(np.asarray(values), None)


def arrow_of(values: Any, mask: Any) -> pa.Array:
    """As `arrow`, with the mask beside the values."""
    kind = values.dtype.kind
    if kind == "M":
        is_day = np.datetime_data(values.dtype)[0] == "D"
        values, type_ = (values, pa.date32()) if is_day else (values.astype("datetime64[s]"), pa.timestamp("s"))
        return pa.array(values, type_, mask=mask)
    if kind == "f":
        return pa.array(values, pa.float64(), mask=mask, from_pandas=True)
    if kind in "OU":
        return pa.array(values, pa.string(), mask=mask)
    return pa.array(values, mask=mask)


def taken(register: Mapping[str, Any], who: Any, names: Mapping[str, str] | Sequence[str]) -> dict[str, pa.Array]:
    """Columns of things, one value for each row: physical name → Arrow array.

    Args:
        register: the things' columns, as Arrow arrays or numpy.
        who: position of the thing for each row.
        names: names in the register, or physical name → name in the register.
    """
    pairs = names.items() if isinstance(names, Mapping) else ((name, name) for name in names)
    at = pa.array(who)
    return {physical: arrow(register[name]).take(at) for physical, name in pairs}


def put(values: pa.Array, which: Any, others: Any) -> pa.Array:
    """The same values with others (an array as long, or one value) where `which` is true."""
    if isinstance(others, (np.ndarray, list)):
        others = arrow(np.asarray(others))
    elif not isinstance(others, pa.Array):
        others = pa.scalar(others, values.type)
    return pc.if_else(pa.array(np.asarray(which)), others, values)


def rounded(values: Any, places: int) -> Any:
    """Numbers as an instrument shows them."""
    return np.round(np.asarray(values, dtype=np.float64), places) + 0.0  # no -0.0


def area_codes(world: World, townships: Any, numbers: Any, stream: str, rate: float) -> tuple[Any, Any]:
    """Township codes of things, and of which the department still has the code from before the mergers.

    Args:
        world: of which city.
        townships: position of each thing's township.
        numbers: their lasting numbers.
        stream: name of the draw.
        rate: share of all things of the whole city.
    """
    register = world.city.township
    code, old = np.asarray(register["code"]), np.asarray(register["old_code"])
    people = np.asarray(register["population"], dtype=np.float64)
    had = old != ""
    share = people[had].sum() / people.sum()
    is_old = had[townships] & world.chance.happens(min(rate / share, 1.0), f"{stream}.{OLD_CODE}", numbers)
    return np.where(is_old, old[townships], code[townships]), is_old


def old_code_pattern(rate: float, column: str = "township_code") -> Pattern:
    """The pattern of `area_codes`: warned about by the rule every suite of a place has."""
    return Pattern(
        OLD_CODE,
        "The area code is one from before the mergers of 2022 and 2023.",
        rate,
        "warning",
        "township_code_current",
        column,
    )


def twice_pattern(rate: float) -> Pattern:
    """The pattern of a row that is written a second time."""
    return Pattern(SENT_TWICE, "The row is there a second time, unchanged.", rate, "unchanged")


def exclusive(chance: Chance, stream: str, numbers: Any, rates: Mapping[str, float]) -> dict[str, Any]:
    """For each thing at most one of several lasting faults: name → which have it."""
    drawn = chance.uniform(stream, numbers)
    edges = np.concatenate([[0.0], np.cumsum(list(rates.values()))])
    return {name: (drawn >= edges[at]) & (drawn < edges[at + 1]) for at, name in enumerate(rates)}


def day_numbers(days: Any) -> Any:
    """Days since the city began."""
    return (np.asarray(days).astype("datetime64[D]") - np.datetime64(BEGINS_ON, "D")).astype(np.int64)


def outages(chance: Chance, stream: str, numbers: Any, days: Any, proneness: Any, median_days: float) -> Any:
    """When things are out of order: days × things, the first day of the outage, NaT where there is none.

    In each fortnight a thing falls out with the probability `proneness`, for a lognormal number of days (at most 28).
    """
    at = day_numbers(days)
    numbers, block = np.asarray(numbers), at // 14
    found = np.full((len(at), len(numbers)), np.datetime64("NaT"), dtype="datetime64[D]")
    if not len(at) or not len(numbers):
        return found
    blocks = np.arange(block.min() - 2, block.max() + 1)
    keys = (numbers[None, :], blocks[:, None])
    begins = blocks[:, None] * 14 + chance.integers(0, 14, f"{stream}.begins", *keys)
    lasts = np.clip(np.ceil(chance.lognormal(median_days, 1.0, f"{stream}.lasts", *keys)), 1, 28)
    lasts = np.where(chance.happens(np.asarray(proneness)[None, :], stream, *keys), lasts, 0)
    first = np.datetime64(BEGINS_ON, "D")
    for back in (2, 1, 0):
        of = block - back - blocks[0]
        start = begins[of]
        out = (at[:, None] >= start) & (at[:, None] < start + lasts[of])
        found = np.where(out, first + start, found)
    return found


def mondays(days: Days) -> Any:
    """The Mondays among the days."""
    array = days.array
    return array[(array.astype(np.int64) + 3) % 7 == 0]


def month_firsts(days: Days) -> Any:
    """The first days of months among the days."""
    array = days.array
    return array[array == array.astype("datetime64[M]").astype("datetime64[D]")]


def moments(days: Any, seconds: Any) -> Any:
    """``datetime64[s]`` of days and seconds of them."""
    return np.asarray(days).astype("datetime64[s]") + np.asarray(seconds).astype(np.int64).astype("timedelta64[s]")


def scattered(chance: Chance, grid: Columns, grid_i: Any, numbers: Any, stream: str) -> tuple[Any, Any]:
    """Longitude and latitude of things within their grids, to six decimals."""
    reach = np.sqrt(np.asarray(grid["area_km2"], dtype=np.float64)[grid_i]) * 0.35
    east = (chance.uniform(f"{stream}.east", numbers) * 2 - 1) * reach / 95.0
    north = (chance.uniform(f"{stream}.north", numbers) * 2 - 1) * reach / 111.0
    return rounded(np.asarray(grid["lng"])[grid_i] + east, 6), rounded(np.asarray(grid["lat"])[grid_i] + north, 6)


def events_table(columns: Mapping[str, Any]) -> pa.Table:
    """A table of clean events from arrays."""
    return pa.table({name: arrow(values) for name, values in columns.items()})


def joined(parts: Sequence[tuple[Mapping[str, Any], Mapping[str, Any], Any, Any]], key: Sequence[str]) -> Rows:
    """Rows of several panels, day after day, within a day one panel after the other.

    Args:
        parts: for each its columns (the same names), its flags, the days of its rows, and which repeat the one before.
        key: physical names of the key.
    """
    day = np.concatenate([np.asarray(days) for *_, days, _ in parts])
    again = np.concatenate([twice for *_, twice in parts])
    order = np.argsort(day, kind="stable")
    at = pa.array(order)
    columns = {name: pa.concat_arrays([arrow(part[0][name]) for part in parts]).take(at) for name in parts[0][0]}
    names = dict.fromkeys(name for _, flags, _, _ in parts for name in flags)
    flags = {
        name: np.concatenate([np.asarray(own.get(name, np.zeros(len(days), bool))) for _, own, days, _ in parts])[order]
        for name in names
    }
    return rows_of(columns, flags, key, day[order], again[order])


def texts_of(values: Any, places: int) -> Any:
    """Numbers as texts with so many decimals."""
    values = np.asarray(values)
    return np.char.mod(f"%.{places}f", values).astype(object) if len(values) else np.zeros(0, object)


def stamped(days: Any, pattern: str) -> Any:
    """Days as texts by a strftime pattern."""
    texts = pc.strftime(arrow(np.asarray(days).astype("datetime64[D]")), format=pattern)
    return np.asarray(texts.to_numpy(zero_copy_only=False), dtype=object)
