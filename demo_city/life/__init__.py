"""What moves the city: calendar, weather, scenarios, chains of precursors, rhythms, the queues of its departments."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from demo_city.columns import Columns
from demo_city.days import BEGINS_ON, ENDS_ON, Days
from demo_city.life.calendar import calendar_of, on_days
from demo_city.life.chains import EVENT, KINDS, chains_of
from demo_city.life.rhythm import rhythm_of
from demo_city.life.scenarios import places_of, scenario_steps, scenarios_of
from demo_city.life.weather import daily_weather, hourly_weather, warnings_of

if TYPE_CHECKING:
    from demo_city.world import World

__all__ = ["EVENT", "KINDS", "Life"]

QUEUES = {"city": (1.4, 0.2), "county": (1.42, 0.25), "township": (1.42, 0.35)}
"""Capacity of a group of departments on workdays and on free days, in average days of appeals."""
TOPICS = ("拆迁补偿", "欠薪", "物业矛盾", "学位分配", "征地补偿", "停车收费")
"""What chains of petitions are about."""


class Life:
    """The life of one world. Everything covers the whole time of the city and is cut to the days asked for."""

    def __init__(self, world: World) -> None:
        self._world = world

    def calendar(self, days: Days) -> Columns:
        """See `demo_city.life.calendar.calendar_of`."""
        return calendar_of(days)

    def is_workday(self, days: Any) -> Any:
        """Whether each of these days or times is a workday."""
        return on_days("is_workday", days)

    def next_school_day(self, days: Any) -> Any:
        """Each day itself when school is kept on it, else the next day it is."""
        whole = Days(BEGINS_ON, ENDS_ON).array
        kept = np.flatnonzero(on_days("is_school_term", whole))
        position = (np.asarray(days).astype("datetime64[D]") - whole[0]).astype(np.int64)
        return whole[kept[np.minimum(np.searchsorted(kept, position), len(kept) - 1)]]

    def weather(self, days: Days) -> Columns:
        """Hour by hour; see `demo_city.life.weather.hourly_weather`."""
        return self._hourly.where(days.holds(self._hourly["hour"]))

    def weather_daily(self, days: Days) -> Columns:
        """Day by day; see `demo_city.life.weather.daily_weather`."""
        return self._daily.where(days.holds(self._daily["day"]))

    def warnings(self, days: Days) -> Columns:
        """Signals of the weather bureau issued on these days; see `demo_city.life.weather.warnings_of`."""
        return self._warnings.where(days.holds(self._warnings["issued_at"]))

    def rhythm(self, kind: str, days: Days) -> Any:
        """Days × hours; see `demo_city.life.rhythm`."""
        return self._rhythm(kind)[days.holds(self._daily["day"])]

    def hours(self, kind: str, days: Any, stream: str, *keys: Any) -> Any:
        """Second of the day (0 to 86,399) for events on `days`, drawn by the rhythm of `kind` on each day.

        Args:
            kind: of rhythm.
            days: ``datetime64[D]``, one for each event.
            stream, keys: name and keys of the draw, besides the day.
        """
        whole = self._rhythm(kind)
        edges = np.cumsum(whole, axis=1)
        position = (np.asarray(days).astype("datetime64[D]") - np.datetime64(BEGINS_ON, "D")).astype(np.int64)
        # One search over all days: each day's edges lie in an interval of their own.
        edges = edges / edges[:, -1:] + np.arange(len(edges))[:, None]
        uniform = self._world.chance.uniform(stream, days, *keys)
        hour = np.searchsorted(edges.ravel(), position + uniform, side="right") - position * 24
        second = self._world.chance.integers(0, 3600, f"{stream}.second", days, *keys)
        return np.clip(hour, 0, 23) * 3600 + second

    def load(self, group: str, days: Days) -> Any:
        """For each day: by what factor (1 or more) the group's handling takes longer, its queue being full.

        Groups: ``city``, ``county``, ``township`` departments. Appeals arrive by their rhythm, are worked off by a
        capacity that is small on free days; the factor grows with the days of work that wait.
        """
        return self._load(group)[days.holds(self._daily["day"])]

    @cached_property
    def scenarios(self) -> Columns:
        """See `demo_city.life.scenarios.scenarios_of`, with ``township_i`` and ``grid_i`` (-1: the whole city)."""
        return places_of(self._world, scenarios_of(self._world))

    def strength(self, kind: str, days: Days, *, rest: float = 1.0) -> Any:
        """For each day: the factor of the scenarios of `kind`, which swell and ebb; `rest` outside of them."""
        day = days.array
        factor = np.full(len(day), float(rest))
        own = self.scenarios.where(self.scenarios["kind"] == kind)
        for first, last, strength in zip(own["from_on"], own["to_on"], own["strength"], strict=True):
            length = (last - first).astype(int) + 1
            at = (day - first).astype(np.int64)
            shape = np.where((at >= 0) & (at < length), np.sin(np.pi * (at + 0.5) / length), 0.0)
            factor = np.maximum(factor, rest + (strength - rest) * shape)
        return factor

    @cached_property
    def chains(self) -> Columns:
        """See `demo_city.life.chains.chains_of`."""
        return self._made_chains[0]

    @cached_property
    def steps(self) -> Columns:
        """Every record that chains and scenarios make departments hold, by time; see `precursors`."""
        of_chains = self._made_chains[1]
        topic = np.where(
            np.isin(of_chains["kind"], ["petition"]),
            np.array(TOPICS, dtype=object)[of_chains["chain_no"] % len(TOPICS)],
            np.array([kind.title_zh for kind in KINDS], dtype=object)[of_chains["chain_no"] // 10_000_000 - 1],
        )
        both = Columns.together([of_chains.with_columns(topic=topic), scenario_steps(self._world, self.scenarios)])
        return both.where(np.lexsort((both["step_no"], both["chain_no"], both["at"])))

    def precursors(self, source: str, days: Days | None = None) -> Columns:
        """What a source must record because of chains and scenarios, by time.

        Returns:
            ``chain_no step_no source kind what at topic township_i grid_i building_i flat_i enterprise_i school_i``;
            `what` is ``event`` for the chain's event itself; `chain_no` from 900,000,000 on is a scenario's number; -1:
            no such place.
        """
        own = self.steps.where(self.steps["source"] == source)
        return own if days is None else own.where(days.holds(own["at"]))

    @cached_property
    def _made_chains(self) -> tuple[Columns, Columns]:
        return chains_of(self._world)

    @cached_property
    def _hourly(self) -> Columns:
        return hourly_weather(self._world.chance, scenarios_of(self._world))

    @cached_property
    def _daily(self) -> Columns:
        return daily_weather(self._hourly)

    @cached_property
    def _warnings(self) -> Columns:
        return warnings_of(self._hourly, scenarios_of(self._world))

    def _rhythm(self, kind: str) -> Any:
        return self._world.once(
            ("rhythm", kind),
            lambda: rhythm_of(kind, calendar_of(Days(BEGINS_ON, ENDS_ON)), self._hourly, self._daily),
        )

    def _load(self, group: str) -> Any:
        return self._world.once(("load", group), lambda: self._queue(*QUEUES[group]))

    def _queue(self, on_workdays: float, on_free_days: float) -> Any:
        arriving = self._rhythm("appeal").sum(axis=1)
        capacity = np.where(on_days("is_workday", self._daily["day"]), on_workdays, on_free_days)
        waiting, queue = 0.0, np.zeros(len(arriving))
        for day, (comes, goes) in enumerate(zip(arriving, capacity, strict=True)):
            waiting = max(0.0, waiting + comes - goes)
            queue[day] = waiting
        return 1.0 + queue / 3.0
