"""What every indicator is computed with: windows by divisions, events as known at the cut-off, rows that result.

An event is *known* for a window when a delivery of the window's last day, or of an earlier one, that had arrived by the
next morning told of it (`Events.known`); a fact that came later than the event (dispatched, closed, corrected) is known
from the day it happened on. An event is *lost* when no delivery ever tells of it, or when the cell that counts is wrong
in a way that nothing delivered reveals; a window with a lost event is not recoverable. Nothing has happened yet that
happens after the last delivered day: the city's clock stands there, for the truth as for its departments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.columns import Columns
from demo_city.days import Days
from demo_city.truth.schema import TABLES
from demo_city.truth.windows import Windows, windows_of

if TYPE_CHECKING:
    from demo_city.world import World

NEVER = np.datetime64("NaT", "D")
ALL = ("day", "week", "month")
EVERYWHERE = ("city", "county", "township")


class MissingEvents(LookupError):
    """A source does not give the table, or the column, that an indicator is computed from."""


@dataclass(frozen=True)
class Part:
    """One number of an indicator.

    Attributes:
        indicator: ``I01`` … ``I26``.
        name: of the part.
        title_zh: Chinese name.
        unit: of the value.
        definition: formula, and where it is not the general rule, window, scope and cut-off.
        windows, scopes: for which it is given.
        variant: where a definition has named variants, or the part is one of several of a kind.
    """

    indicator: str
    name: str
    title_zh: str
    unit: str
    definition: str
    windows: tuple[str, ...] = ALL
    scopes: tuple[str, ...] = EVERYWHERE
    variant: str = ""


@dataclass(frozen=True)
class Figures:
    """A part's values for all windows of one kind: arrays of windows × divisions.

    Attributes:
        numerator, denominator, known_numerator, known_denominator: the value is their quotient; without a denominator
            the numerator is the value.
        lost: how many of what counts no delivery tells, or a reason for all.
        factor: the quotient is multiplied by it (10,000 for a rate per ten thousand).
    """

    numerator: Any
    known_numerator: Any
    denominator: Any = None
    known_denominator: Any = None
    lost: Any = None
    reason: str = "part of what counts was never delivered, or is wrong in a way nothing delivered tells"
    factor: float = 1.0


@dataclass(frozen=True)
class Events:
    """A source's clean events, placed and dated.

    Attributes:
        columns: as the source gives them.
        place: leaf of the divisions each lies in, see `Divisions`.
        known: first day (``datetime64[D]``) with whose end a delivery tells of it that had arrived by the next morning;
            NaT where none ever does.
        lost: whether no delivery tells of it rightly.
    """

    columns: Columns
    place: Any
    known: Any
    lost: Any

    def __getitem__(self, name: str) -> Any:
        return self.columns[name]

    def where(self, which: Any) -> Events:
        """Those of a mask."""
        return Events(self.columns.where(which), self.place[which], self.known[which], self.lost[which])

    @property
    def n(self) -> int:
        """How many."""
        return len(self.place)


class Divisions:
    """City, counties and townships that are delivered.

    A *leaf* is where an event can lie: an active township, a county when nothing finer is known, or the city.

    Attributes:
        scopes, codes: of the divisions, city first, then counties, then townships.
        population: residents of each (of its active townships).
        leaves_n: number of leaves.
        within: leaves × divisions, 1 where a leaf lies in a division.
    """

    def __init__(self, world: World, city_code: str = "990100") -> None:
        township, county = world.city.township, world.city.county
        self._active = np.flatnonzero(township["is_active"])
        county_of = township["county_i"][self._active]
        self._counties = np.unique(county_of)
        n, m = len(self._active), len(self._counties)
        self.scopes = np.array(["city", *["county"] * m, *["township"] * n], dtype=object)
        self.codes = np.array(
            [city_code, *county["code"][self._counties], *township["code"][self._active]], dtype=object
        )
        self.leaves_n = n + m + 1
        self.within = np.zeros((self.leaves_n, 1 + m + n))
        self.within[:, 0] = 1
        self.within[np.arange(n), 1 + np.searchsorted(self._counties, county_of)] = 1
        self.within[np.arange(n), 1 + m + np.arange(n)] = 1
        self.within[n + np.arange(m), 1 + np.arange(m)] = 1
        self._leaf_of_township = np.full(len(township["code"]), n + m)
        self._leaf_of_township[self._active] = np.arange(n)
        self._leaf_of_county = np.full(len(county["code"]), n + m)
        self._leaf_of_county[self._counties] = n + np.arange(m)
        self.township_leaves = n
        people = np.zeros(self.leaves_n)
        people[:n] = township["population"][self._active]
        self.population = people @ self.within

    @property
    def n(self) -> int:
        """Number of divisions."""
        return len(self.codes)

    def leaf_of_township(self, township_i: Any) -> Any:
        """Leaf of each township; of -1 the city."""
        township_i = np.asarray(township_i).astype(np.int64)
        return np.where(township_i < 0, self.leaves_n - 1, self._leaf_of_township[township_i])

    def leaf_of_county(self, county_i: Any) -> Any:
        """Leaf of each county; of -1 the city."""
        county_i = np.asarray(county_i).astype(np.int64)
        return np.where(county_i < 0, self.leaves_n - 1, self._leaf_of_county[county_i])

    def leaf_of_code(self, codes: Any) -> Any:
        """Leaf of each division code, 6, 9 or more digits; of any other code the city."""
        townships = self.codes[self.scopes == "township"].astype(str)
        counties = self.codes[self.scopes == "county"].astype(str)
        known = {code: leaf for leaf, code in enumerate([*townships, *counties])}
        texts, which = np.unique(np.asarray(codes).astype(str), return_inverse=True)
        leaves = [known.get(text[:9], known.get(text[:6], self.leaves_n - 1)) for text in texts]
        return np.array(leaves, dtype=np.int64)[which] if len(texts) else np.zeros(0, np.int64)

    def up(self, leaves: Any) -> Any:
        """Sums of windows × leaves as windows × divisions."""
        return leaves @ self.within


class Frame:
    """Windows, divisions and events of one city and period.

    Args:
        world: the city.
        days: days that are delivered.
        tables: clean events by name of the table.
        known_on: gives, for a table and the days of delivery of its events, the day they are known from.
        spoiled: gives, for a table and its rows, which events' final row is wrong beyond repair.
        deliveries: ``ends_on arrives_on``, one row per delivery that is due, of every dataset.
        written: ``day rows_n`` of every dataset.
        dirty: ``dataset day row_no caught_by column_name`` of every dirty row.
        untold: gives, for a table, a column and its rows, of which events the last row does not tell what stands there.
    """

    def __init__(
        self,
        world: World,
        days: Days,
        tables: Mapping[str, pa.Table],
        known_on: Callable[[str, Any], Any] | None = None,
        spoiled: Callable[[str, Columns], Any] | None = None,
        deliveries: Columns | None = None,
        written: Columns | None = None,
        dirty: Columns | None = None,
        untold: Callable[[str, str, Columns], Any] | None = None,
    ) -> None:
        self.world, self.days = world, days
        self.divisions = Divisions(world)
        self._tables, self._known_on, self._spoiled, self._untold = tables, known_on, spoiled, untold
        self.deliveries, self.written, self.dirty = deliveries or Columns(), written or Columns(), dirty or Columns()
        self._windows: dict[str, Windows] = {}
        self._kept: dict[str, Events] = {}
        self.made: list[pa.Table] = []

    def windows(self, kind: str) -> Windows:
        """All whole windows of a kind."""
        if kind not in self._windows:
            self._windows[kind] = windows_of(kind, self.days)
        return self._windows[kind]

    def events(self, table: str, *needed: str, at: str = "township_i", first_on: str | None = None) -> Events:
        """The real events of a table.

        Args:
            table: its name.
            needed: columns that must be there.
            at: column that places them: ``township_i`` or ``county_i``; empty = the city as a whole.
            first_on: column whose day they are known from where the table has no ``delivered_on``.

        Raises:
            MissingEvents: no source gives the table or a column.
        """
        columns = self.table(table, *needed, *([at] if at else []))
        if table not in self._kept:
            self._kept[table] = self._placed(table, columns, at, first_on)
        return self._kept[table]

    def known_from(self, table: str, on: Any) -> Any:
        """Day from which the deliveries of these days are known; NaT where they never came."""
        on = np.asarray(on).astype("datetime64[D]")
        return on if self._known_on is None else self._known_on(table, on)

    def table(self, table: str, *needed: str) -> Columns:
        """The real rows of a table as they are.

        Raises:
            MissingEvents: no source gives the table or a column.
        """
        if table not in self._tables:
            raise MissingEvents(f"no source gives the events {table!r}")
        columns = self._columns(table)
        absent = [name for name in needed if name not in columns]
        if absent:
            raise MissingEvents(
                f"the events {table!r} have no column {', '.join(absent)}; they have {', '.join(columns)}"
            )
        return columns

    def without(self, table: str, column: str, events: Events) -> Events:
        """The same events; those of which the last row does not tell what stands in a column are lost."""
        if self._untold is None:
            return events
        return replace(events, lost=events.lost | self._untold(table, column, events.columns))

    def tally(self, windows: Windows, on: Any, place: Any, weight: Any = None, known: Any = None) -> Any:
        """Windows × divisions: how many (or how much) lies in each; with `known` only what was known at the cut-off."""
        n, leaves = windows.n, self.divisions.leaves_n
        if windows.kind == "year":
            made = np.zeros((n, leaves))
            on = on.astype("datetime64[D]")
            for number in range(n):
                inside = (on >= windows.first[number]) & (on <= windows.last[number])
                if known is not None:
                    inside &= known <= windows.last[number]
                made[number] = np.bincount(place[inside], None if weight is None else weight[inside], minlength=leaves)[
                    :leaves
                ]
            return self.divisions.up(made)
        at = windows.holding(on)
        inside = at >= 0
        if known is not None:
            inside = inside & (known <= windows.last[np.maximum(at, 0)]) if n else inside
        cell = at[inside] * leaves + place[inside]
        amounts = None if weight is None else np.asarray(weight, np.float64)[inside]
        return self.divisions.up(np.bincount(cell, amounts, minlength=n * leaves)[: n * leaves].reshape(n, leaves))

    def stock(self, windows: Windows, begins: Any, ends: Any, place: Any, weight: Any = None) -> Any:
        """Windows × divisions: how many are there at the end of each window: begun by its last day, not yet ended."""
        made = np.zeros((windows.n, self.divisions.leaves_n))
        for number, last in enumerate(windows.last):
            there = (begins <= last) & ~(ends <= last)
            made[number] = np.bincount(
                place[there], None if weight is None else weight[there], minlength=self.divisions.leaves_n
            )
        return self.divisions.up(made)

    def quantiles(self, windows: Windows, on: Any, place: Any, value: Any, share: float, known: Any = None) -> Any:
        """Windows × divisions: the quantile, linear between the two nearest; NaN where there is nothing."""
        at = windows.holding(on)
        inside = (at >= 0) & ~np.isnan(value)
        if known is not None and windows.n:
            inside &= known <= windows.last[np.maximum(at, 0)]
        at, place, value = at[inside], place[inside], value[inside]
        made = np.full((windows.n, self.divisions.n), np.nan)
        for level in ("city", "county", "township"):
            of = np.flatnonzero(self.divisions.scopes == level)
            member = self.divisions.within[:, of]
            which, has = member.argmax(axis=1)[place], member.any(axis=1)[place]
            cell, values = (at * len(of) + which)[has], value[has]
            order = np.lexsort((values, cell))
            cell, values = cell[order], values[order]
            cells, starts, counts = np.unique(cell, return_index=True, return_counts=True)
            if not len(cells):
                continue
            where = starts + (counts - 1) * share
            low = np.floor(where).astype(np.int64)
            high = np.minimum(low + 1, starts + counts - 1)
            made[cells // len(of), of[cells % len(of)]] = values[low] + (values[high] - values[low]) * (where - low)
        return made

    def count(
        self, part: Part, events: Events, on: Any, weight: Any = None, known: Any = None, known_weight: Any = None
    ) -> None:
        """Write a count (or a sum) of events by their day.

        Args:
            part: what it is.
            events: those that count.
            on: the day, or time, that puts them into a window.
            weight: what is summed in place of 1.
            known: day from which they count as known, where it is later than that of the event.
            known_weight: what was known of the weight, where it was corrected.
        """
        known = events.known if known is None else _later(events.known, known)
        for kind in part.windows:
            windows = self.windows(kind)
            self.write(
                part,
                windows,
                Figures(
                    self.tally(windows, on, events.place, weight),
                    self.tally(windows, on, events.place, weight if known_weight is None else known_weight, known),
                    lost=self.tally(windows, on, events.place, events.lost.astype(float)),
                ),
            )

    def share(
        self,
        part: Part,
        events: Events,
        on: Any,
        hits: Any,
        known_hits: Any = None,
        known: Any = None,
        weight: Any = None,
        factor: float = 1.0,
    ) -> None:
        """Write the share of events that are so, of those whose day lies in the window.

        Args:
            part: what it is.
            events: the denominator.
            on: the day, or time, that puts them into a window.
            hits: how much each counts in the numerator, 0 to 1.
            known_hits: day from which the hit is known; before it counts as none.
            known: as in `count`.
            weight: of each, in numerator and denominator.
            factor: the share is multiplied by it.
        """
        known = events.known if known is None else _later(events.known, known)
        base = np.ones(events.n) if weight is None else np.asarray(weight, np.float64)
        hits = np.asarray(hits, np.float64) * base
        hit_known = known if known_hits is None else _later(known, known_hits)
        for kind in part.windows:
            windows = self.windows(kind)
            self.write(
                part,
                windows,
                Figures(
                    self.tally(windows, on, events.place, hits),
                    self.tally(windows, on, events.place, hits, hit_known),
                    self.tally(windows, on, events.place, base),
                    self.tally(windows, on, events.place, base, known),
                    lost=self.tally(windows, on, events.place, events.lost.astype(float)),
                    factor=factor,
                ),
            )

    def per_people(
        self,
        part: Part,
        events: Events,
        on: Any,
        per: float,
        weight: Any = None,
        known_weight: Any = None,
        known: Any = None,
    ) -> None:
        """Write a count (or a sum) per so many residents of the division."""
        known = events.known if known is None else _later(events.known, known)
        for kind in part.windows:
            windows = self.windows(kind)
            people = np.tile(self.divisions.population, (windows.n, 1))
            self.write(
                part,
                windows,
                Figures(
                    self.tally(windows, on, events.place, weight),
                    self.tally(windows, on, events.place, weight if known_weight is None else known_weight, known),
                    people,
                    people,
                    lost=self.tally(windows, on, events.place, events.lost.astype(float)),
                    factor=per,
                ),
            )

    def quantile(self, part: Part, events: Events, on: Any, value: Any, share: float, known: Any = None) -> None:
        """Write a quantile of a measure of the events whose day lies in the window."""
        known = events.known if known is None else _later(events.known, known)
        for kind in part.windows:
            windows = self.windows(kind)
            self.write(
                part,
                windows,
                Figures(
                    self.quantiles(windows, on, events.place, value, share),
                    self.quantiles(windows, on, events.place, value, share, known),
                    lost=self.tally(windows, on, events.place, events.lost.astype(float)),
                ),
            )

    def write(self, part: Part, windows: Windows, figures: Figures) -> None:
        """Take a part's figures of one kind of window into the table ``indicator``."""
        columns = np.flatnonzero(np.isin(self.divisions.scopes, part.scopes))
        if not windows.n or not len(columns):
            return
        shape = (windows.n, len(columns))

        def picked(values: Any) -> Any:
            return np.broadcast_to(values, (windows.n, self.divisions.n))[:, columns].astype(np.float64)

        numerator, known = picked(figures.numerator), picked(figures.known_numerator)
        denominator = None if figures.denominator is None else picked(figures.denominator)
        final = numerator if denominator is None else _quotient(numerator, denominator) * figures.factor
        if figures.known_denominator is not None:
            known = _quotient(known, picked(figures.known_denominator)) * figures.factor
        lost = np.zeros(shape, bool) if figures.lost is None else picked(figures.lost) > 0
        n = lost.size
        schema = TABLES["indicator"].arrow
        columns_made = {
            "indicator_id": _same(part.indicator, n),
            "part": _same(part.name, n),
            "variant": _same(part.variant, n),
            "window_kind": _same(windows.kind, n),
            "first_on": pa.array(np.repeat(windows.first, len(columns))),
            "last_on": pa.array(np.repeat(windows.last, len(columns))),
            "scope": pa.array(np.tile(self.divisions.scopes[columns], windows.n)),
            "division_code": pa.array(np.tile(self.divisions.codes[columns], windows.n)),
            "value_known": _numbers(known),
            "value_final": _numbers(final),
            "numerator": _numbers(numerator),
            "denominator": pa.nulls(n, pa.float64()) if denominator is None else _numbers(denominator),
            "is_recoverable": pa.array(~lost.ravel()),
            "reason": pa.array(np.where(lost.ravel(), figures.reason, None), pa.string()),
        }
        self.made.append(pa.table([columns_made[name].cast(schema.field(name).type) for name in schema.names], schema))

    def everywhere(self, value: float) -> Any:
        """One value for every division."""
        return np.full((1, self.divisions.n), value)

    def _columns(self, table: str) -> Columns:
        made = Columns(
            {
                name: self._so_far(name, _numpy(column))
                for name, column in zip(self._tables[table].column_names, self._tables[table].columns, strict=True)
            }
        )
        return made.where(made["is_real"].astype(bool)) if "is_real" in made else made

    def _so_far(self, name: str, values: Any) -> Any:
        """What has not happened by the end of the last day is not there yet; a term that is set is."""
        if values.dtype.kind != "M" or name in _TERMS:
            return values
        return np.where(values.astype("datetime64[D]") <= self.days.array[-1], values, np.datetime64("NaT"))

    def _placed(self, table: str, columns: Columns, at: str, first_on: str | None) -> Events:
        n = columns.rows_n
        place = {
            "": lambda: np.full(n, self.divisions.leaves_n - 1),
            "township_i": lambda: self.divisions.leaf_of_township(columns["township_i"]),
            "county_i": lambda: self.divisions.leaf_of_county(columns["county_i"]),
        }[at]()
        if "delivered_on" in columns:
            delivered = columns["delivered_on"].astype("datetime64[D]")
            known = self.known_from(table, delivered)
        elif first_on is not None:
            known = self.known_from(table, columns[first_on])
        else:
            raise MissingEvents(f"the events {table!r} do not say when they were delivered (delivered_on)")
        lost = np.isnat(known) | (known > self.days.array[-1])
        if table in _BY_UPDATE:
            lost = lost | self._over_before(columns)
        if self._spoiled is not None:
            lost = lost | self._spoiled(table, columns)
        return Events(columns, place, known, lost)

    def _over_before(self, columns: Columns) -> Any:
        """Which events nothing more happened to from the first delivered day on: no delivery has them."""
        facts = [day(values) for name, values in columns.items() if values.dtype.kind == "M" and name not in _TERMS]
        newest = np.fmax.reduce(facts)
        return newest < self.days.array[0]


_TERMS = {
    "deadline_at",
    "first_deadline_at",
    "delivered_on",
    "due_at",
    "due_on",
    "expires_on",
    "next_due_on",
    "planned_on",
    "review_due_on",
    "valid_until",
}
"""Columns of times that are set beforehand, or are none of an event's own."""
_BY_UPDATE = {"hazard", "instruction", "lead"}
"""Delivered anew whenever something happens to them; those from before the first day come so, or not at all."""


def _later(left: Any, right: Any) -> Any:
    """The later of two days; NaT where either is."""
    right = np.asarray(right).astype("datetime64[D]")
    return np.where(np.isnat(left) | np.isnat(right), NEVER, np.maximum(left, right))


def day(times: Any) -> Any:
    """The civil day of times."""
    return np.asarray(times).astype("datetime64[D]")


def wilson(hits: Any, n: Any, z: float = 1.959964) -> tuple[Any, Any]:
    """Bounds of the 95 % interval of a share (Wilson 1927); NaN where n is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = hits / n
        middle = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return middle - half, middle + half


def _quotient(numerator: Any, denominator: Any) -> Any:
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator != 0)


def _numbers(values: Any) -> pa.Array:
    flat = values.ravel()
    return pa.array(flat, mask=~np.isfinite(flat))


def _same(text: str, n: int) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), n)


def _numpy(column: pa.ChunkedArray) -> Any:
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return column.to_numpy(zero_copy_only=False)
    if column.null_count and pa.types.is_boolean(kind):
        return column.cast(pa.int8()).to_numpy(zero_copy_only=False).astype(np.float64)
    return column.to_numpy(zero_copy_only=False)
