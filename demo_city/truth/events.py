"""The departments' clean events: which table comes with which dataset, when its deliveries arrive, what is spoiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo_city.columns import Columns
from demo_city.days import Days
from demo_city.departments.protocol import Dataset, Files
from demo_city.text import replace

if TYPE_CHECKING:
    from demo_city.world import World

LOOKS_BACK = {"S07": 240, "S13": 365, "S19": 900, "S32": 150}
"""Days before the delivered ones whose events count too: hazards still open, visits of a year, orders under way, weeks
that say what is usual."""


@dataclass(frozen=True)
class Origin:
    """Where a table of events is delivered.

    Attributes:
        dataset: that tells of them.
        id: column of the table that is the first part of the dataset's key; empty where rows are no events.
        key: in its place, the whole key of each row as dirt names it.
    """

    dataset: str
    id: str = ""
    key: Callable[[Columns], Any] | None = None


def _air_key(of: Columns) -> Any:
    hour = np.datetime_as_string(of["at"].astype("datetime64[m]"), unit="m")
    names = np.char.add(np.char.add(of["station"].astype(str), "|"), of["item"].astype(str))
    return np.char.add(np.char.add(names, "|"), replace(hour, "T", "|"))


def _dust_key(of: Columns) -> Any:
    hour = replace(np.datetime_as_string(of["at"].astype("datetime64[h]"), unit="h"), "-", "")
    return np.char.add(np.char.add("D", of["site_no"].astype(str)), replace(hour, "T", ""))


def _check_key(of: Columns) -> Any:
    names = np.char.add(np.char.add(of["period"].astype(str), "|"), of["scope"].astype(str))
    return np.char.add(np.char.add(names, "|"), of["indicator"].astype(str))


ORIGINS: dict[str, Origin] = {
    "hotline_case": Origin("linlan.hotline.work_order", "case_no"),
    "grid_event": Origin("linlan.grid.event", "event_id"),
    "city_case": Origin("linlan.citymgmt.case", "rec_id"),
    "police_incident": Origin("linlan.police.incident", "id"),
    "crash": Origin("linlan.traffic_police.crash", "crash_id"),
    "vehicle_month": Origin("linlan.traffic_police.vehicle"),
    "fire_alarm": Origin("linlan.fire.alarm", "alarm_no"),
    "hazard": Origin("linlan.emergency.hazard", "hazard_no"),
    "accident": Origin("linlan.emergency.accident", "accident_no"),
    "petition": Origin("linlan.petition.petition", "no"),
    "dispute": Origin("linlan.mediation.dispute", "no"),
    "ems_call": Origin("linlan.health.ems_call", "no"),
    "disease_week": Origin("linlan.health.disease_week"),
    "air_hour": Origin("linlan.environment.air_hour", key=_air_key),
    "water_section_month": Origin("linlan.environment.water_section"),
    "emission_day": Origin("linlan.environment.emission_hour"),
    "equipment": Origin("linlan.market.equipment", "equip_code"),
    "dust_hour": Origin("linlan.housing.dust_hour", key=_dust_key),
    "lead": Origin("linlan.command.lead", "lead_no"),
    "instruction": Origin("linlan.command.instruction", "no"),
    "econ_month": Origin("linlan.statistics.indicator_month"),
    "grid_party": Origin("linlan.party.grid_party"),
    "module_day": Origin("linlan.tourism.module_day"),
    "rating": Origin("linlan.app.rating", "rating_no"),
    "health_check": Origin("linlan.assessment.health_check", key=_check_key),
    "survey": Origin("linlan.assessment.survey", "no"),
}
"""Tables of events by name."""

SPOILS = ("quarantine", "never")
"""Patterns caught so leave a row unusable, or wrong without anybody's knowing."""

UNTOLD: dict[tuple[str, str], tuple[str, ...]] = {
    ("air_hour", "at"): ("stuck",),
    ("air_hour", "value"): ("pm_inverted",),
    ("dust_hour", "at"): ("flat_line",),
    ("dust_hour", "pm10"): ("milligrams",),
    ("ems_call", "arrived_at"): ("arrived_before_dispatch", "arrival_missing"),
    ("equipment", "next_due_on"): ("next_blank", "next_before_last"),
    ("fire_alarm", "arrived_at"): ("arrived_before_call",),
    ("hazard", "due_on"): ("due_is_found",),
    ("health_check", "self"): ("unit_in_cell",),
    ("health_check", "third"): ("third_missing",),
    ("hotline_case", "deadline_at"): ("deadline_missing",),
    ("instruction", "due_at"): ("due_before_issued",),
    ("lead", "result"): ("result_says_nothing",),
    ("lead", "verified_at"): ("verified_before_pushed",),
    ("police_incident", "arrived_at"): ("arrived_before_call",),
    ("survey", "score"): ("all_fives", "score_out_of_range"),
    ("survey", "weight"): ("weight_missing",),
}
"""Patterns that leave a column of a table of events without what stood there, which no other cell of the row tells: a
reader sees that it is wrong, and cannot mend it."""


class Arrivals:
    """On which day a delivery can be read first.

    Args:
        world: the city.
        days: days that are delivered.
        datasets: by id.
    """

    def __init__(self, world: World, days: Days, datasets: Mapping[str, Dataset]) -> None:
        self._world, self._days, self._datasets = world, days, datasets
        self._kept: dict[str, tuple[Any, Any]] = {}

    def known_on(self, table: str, delivered: Any) -> Any:
        """Day at whose end the delivery of each of these days is there; NaT where it never is, or there is none."""
        origin = ORIGINS.get(table)
        dataset = self._datasets.get(origin.dataset) if origin else None
        if dataset is None or not isinstance(dataset.system, Files):
            return delivered
        keys, arrives = self._of(dataset)
        at = np.searchsorted(keys, delivered, side="right") - 1
        inside = (at >= 0) & ~np.isnat(delivered)
        return np.where(inside, arrives[np.maximum(at, 0)], delivered) if len(keys) else delivered

    def _of(self, dataset: Dataset) -> tuple[Any, Any]:
        """First days of a dataset's deliveries, and when each is there."""
        from demo_city.systems.deliveries import fates_of

        if dataset.dataset not in self._kept:
            fates = fates_of(self._world.chance, dataset, self._days)
            self._kept[dataset.dataset] = (
                np.array([fate.day for fate in fates], "datetime64[D]"),
                np.array([fate.delivered_on for fate in fates], "datetime64[D]"),
            )
        return self._kept[dataset.dataset]


def promised(world: World, dataset: Dataset, days: Days) -> list[tuple[date, date | None]]:
    """Last day each delivery of a dataset speaks for, and the day at whose end it is there; None: never."""
    from demo_city.systems.deliveries import end_of, fates_of

    if not isinstance(dataset.system, Files):
        return [(day, day) for day in days]
    return [
        (end_of(dataset.system.every, fate.day), fate.delivered_on) for fate in fates_of(world.chance, dataset, days)
    ]


def untold_ids(table: str, column: str, dirt: pa.Table) -> Callable[[Columns], Any]:
    """For a table's events: whether the last row of each does not tell what stands in a column; see `UNTOLD`."""
    return _touched(table, dirt, pc.is_in(dirt["pattern"], pa.array(UNTOLD[table, column])))


def spoiled_ids(table: str, dirt: pa.Table) -> Callable[[Columns], Any]:
    """For a table's events: whether the last row of each is held back, or wrong without a sign."""
    return _touched(table, dirt, pc.is_in(dirt["caught_by"], pa.array(SPOILS)))


def _touched(table: str, dirt: pa.Table, which: Any) -> Callable[[Columns], Any]:
    """For a table's events: whether the last row of each is among these rows of the dirt."""
    origin = ORIGINS.get(table)
    if origin is None or not (origin.id or origin.key):
        return lambda columns: np.zeros(columns.rows_n, bool)
    of_table = pc.and_(pc.equal(dirt["dataset"], origin.dataset), pc.is_null(dirt["replaced_on"]))
    keys = np.array([key for key in dirt.filter(pc.and_(of_table, which))["key"].to_pylist() if key is not None], str)
    if origin.key is None:
        keys = np.array([key.split("|")[0] for key in keys], dtype=str)
    else:  # some stations call the first hour of a day 24:00
        keys = replace(keys, "|24:00", "|00:00")
    ids = np.unique(keys)

    def touched(columns: Columns) -> Any:
        return np.isin(columns[origin.id].astype(str) if origin.key is None else origin.key(columns), ids)

    return touched
