"""S28: parcels and meals by staircase and day, added up by four platforms, only where five people or more received.

A flat let by the bed draws more parcels, more late meals and ever new names. On a day when a platform delivers nothing
all sums are lower. Dirt: a platform missing, fewer than five recipients told, a share in percent.

Truth: ``staircase_day`` (unit_key, day, parcels_n, meals_n, late_meals_n, has_group, township_i), all four platforms.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.columns import Columns
from demo_city.departments.panels import (
    Panel,
    area_codes,
    arrow,
    events_table,
    old_code_pattern,
    rounded,
    taken,
    twice_pattern,
)
from demo_city.departments.protocol import Dataset, Drift, Files, Pattern, Rows, Source
from demo_city.departments.s14_power import group_flats
from demo_city.systems import writers

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

PLATFORMS = 4
LEAST = 5
PLATFORM_MISSING, TOO_FEW, IN_PERCENT = 0.02, 0.0025, 0.001
OLD_RATE, TWICE_RATE = 0.02, 0.0005


def _staircases(world: World) -> tuple[Columns, Any]:
    """Staircases, and groups of houses in villages, with the people of their flats, and for each flat its staircase."""
    return world.once("s28.staircases", lambda: _made(world))


def _made(world: World) -> tuple[Columns, Any]:
    city = world.city
    flat, building = city.flat, city.building
    in_estate = np.asarray(building["community_i"])[flat["building_i"]] >= 0
    # A building's flats lie together; in a village a building is a group of houses, which count as one staircase.
    code = np.asarray(flat["building_i"]) * 100 + np.where(in_estate, flat["unit_no"], 1)
    listed, unit_of = np.unique(code, return_inverse=True)
    building_i, unit_no = np.divmod(listed, 100)
    number = np.asarray(building["key"])[building_i] * 100 + unit_no
    people = np.bincount(unit_of, weights=np.asarray(flat["residents_n"]), minlength=len(listed))
    wealth = np.bincount(unit_of, weights=np.asarray(flat["wealth"]), minlength=len(listed))
    households = np.bincount(unit_of, minlength=len(listed))
    most = np.zeros(len(listed))
    np.maximum.at(most, unit_of, np.asarray(flat["residents_n"]))
    township_i, grid_i = np.asarray(building["township_i"])[building_i], np.asarray(building["grid_i"])[building_i]
    area, is_old = area_codes(world, township_i, number, "s28", OLD_RATE)
    of_building = np.asarray(building["building_no"]).astype("U20")[building_i]
    made = Columns(
        number=number,
        people=people,
        trait=world.chance.lognormal(1.0, 0.22, "s28.trait", number) * (0.6 + 0.8 * wealth / np.maximum(households, 1)),
        most=most,
        township_i=township_i,
        is_old=is_old,
        unit_key=arrow(np.char.add(np.char.add(of_building, "-"), unit_no.astype("U3")).astype(object)),
        building_no=arrow(of_building.astype(object)),
        area=arrow(area),
        grid=arrow(np.asarray(city.grid["grid_id"])[grid_i]),
        households=arrow(households),
    )
    return made, unit_of


def _received(world: World, days: Days) -> tuple[Any, Any, Any, Any]:
    """Days × staircases: parcels, meals, late meals of all platforms, and flats let by the bed."""
    chance, day = world.chance, days.array[:, None]
    stairs, of_flat = _staircases(world)
    flat_i, let = group_flats(world, days.array)
    groups = np.zeros((days.length, stairs.rows_n))
    np.add.at(groups.T, of_flat[flat_i], let.T)
    rhythm = world.life.rhythm("parcel", days).sum(axis=1)
    weather = world.life.weather_daily(days)
    indoors = 1 + np.clip(weather["rain_mm"], 0, 50) * 0.006 + np.clip(weather["temp_max_c"] - 33, 0, 6) * 0.03
    storm = np.clip(1 - np.clip(weather["gust_max_ms"] - 22, 0, 30) / 30, 0.1, 1)
    number = stairs["number"][None, :]
    people, trait = stairs["people"][None, :], stairs["trait"][None, :]
    parcels = chance.poisson(
        (0.26 * people * trait + 5.5 * groups) * (rhythm * storm)[:, None], "s28.parcels", number, day
    )
    meals = chance.poisson(
        (0.13 * people * trait + 2.2 * groups) * (indoors * storm)[:, None], "s28.meals", number, day
    )
    late = chance.poisson((0.011 * people * trait + 2.6 * groups) * storm[:, None], "s28.late", number, day)
    return parcels, meals + late, late, groups


def building_rows(world: World, days: Days) -> Rows:
    """Every staircase where five people or more received something."""
    stairs, _ = _staircases(world)
    parcels, meals, late, groups = _received(world, days)
    number, day = stairs["number"][None, :], days.array[:, None]
    noise = world.chance.uniform("s28.recipients", number, day)
    recipients = np.rint(parcels * (0.68 + 0.1 * noise) + meals * 0.8).astype(np.int64)
    recipients = np.minimum(recipients, np.maximum(stairs["people"][None, :] + 8 * groups, 1)).astype(np.int64)
    told = (recipients >= 1) & (recipients < LEAST) & world.chance.happens(0.02, "s28.few", number, day)
    panel = Panel(
        stairs["number"],
        days.array,
        world.chance,
        "s28",
        there=((recipients >= LEAST) | told).T,
        twice=TWICE_RATE,
    )
    who, at = panel.who, panel.at
    # A platform that delivers nothing takes its share of everything with it.
    missing = world.chance.happens(PLATFORM_MISSING, "s28.platform", np.zeros(days.length, np.int64), days.array)[at]
    kept = np.where(missing, 0.74 + 0.06 * panel.uniform("kept"), 1.0)
    few = told[at, who]
    parcels, meals = (np.floor(values[at, who] * kept).astype(np.int64) for values in (parcels, meals))
    late = np.minimum(np.floor(late[at, who] * kept).astype(np.int64), meals)
    got = recipients[at, who]
    got = np.where(few, got, np.maximum(np.floor(got * kept), LEAST)).astype(np.int64)
    share = np.where(meals > 0, late / np.maximum(meals, 1), 0.0)
    percent = panel.happens(IN_PERCENT * 2.8, "percent") & (share >= 0.015)
    month = panel.day.astype("datetime64[M]").astype(np.int64)
    of_month = world.chance.poisson(np.where(groups[at, who] > 0, 12.5, 0.9), "s28.names", panel.number, month)
    own = taken(
        stairs,
        who,
        {
            "UNIT_KEY": "unit_key",
            "BUILDING_NO": "building_no",
            "AREA_CODE": "area",
            "GRID_ID": "grid",
            "HOUSEHOLDS": "households",
        },
    )
    columns = {
        "UNIT_KEY": own["UNIT_KEY"],
        "STAT_DATE": panel.day,
        **{name: own[name] for name in ("BUILDING_NO", "AREA_CODE", "GRID_ID")},
        "PARCELS": parcels,
        "MEALS": meals,
        "MEALS_22_02": late,
        "NIGHT_SHARE": rounded(np.where(percent, share * 100, share), 4),
        "RECIPIENTS": got,
        "RECIPIENTS_30D": stairs["most"][who].astype(np.int64) + 1 + of_month,
        "HOUSEHOLDS": own["HOUSEHOLDS"],
        "PLATFORMS": np.where(missing, PLATFORMS - 1, PLATFORMS),
    }
    flags = {
        "platform_missing": missing,
        "below_five": few,
        "share_in_percent": percent,
        "old_area_code": stairs["is_old"][who],
    }
    return panel.rows(columns, flags, ("UNIT_KEY", "STAT_DATE"))


def events(world: World, days: Days) -> Mapping[str, pa.Table]:
    """See the module."""
    stairs, _ = _staircases(world)
    parcels, meals, late, groups = _received(world, days)
    at, who = np.divmod(np.arange(parcels.size), stairs.rows_n)
    return {
        "staircase_day": events_table(
            {
                **taken(stairs, who, {"unit_key": "unit_key"}),
                "day": days.array[at],
                "parcels_n": parcels.ravel(),
                "meals_n": meals.ravel(),
                "late_meals_n": late.ravel(),
                "has_group": groups.ravel() > 0,
                "township_i": stairs["township_i"][who],
            }
        )
    }


_NEW_COLUMN = (Drift(date(2026, 6, 12), added={"PLATFORM_VER": "V3.2"}),)
SOURCE = Source(
    "S28",
    "邮政管理局 快递外卖楼栋汇总",
    (
        Dataset(
            "S28",
            "linlan.express.building_day",
            "楼栋快递外卖日汇总",
            Files("LDHZ_{day:%Y%m%d}.csv", writers.csv(), late=0.01, missing=0.005, double=0.005, drifts=_NEW_COLUMN),
            building_rows,
            (
                Pattern(
                    "platform_missing",
                    "One of four platforms delivered nothing on this day.",
                    PLATFORM_MISSING,
                    "warning",
                    "all_platforms",
                    "platforms_n",
                ),
                Pattern(
                    "below_five",
                    "Fewer than five recipients are told.",
                    TOO_FEW,
                    "quarantine",
                    "five_or_more",
                    "recipients_n",
                ),
                Pattern(
                    "share_in_percent", "The share is in percent.", IN_PERCENT, "warning", "share_is_one", "night_share"
                ),
                old_code_pattern(OLD_RATE),
                twice_pattern(TWICE_RATE),
            ),
        ),
    ),
    events,
)
