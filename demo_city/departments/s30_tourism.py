"""S30: how far the 71 modules of nine culture and tourism systems could be used, and who is in the venues.

A module is checked every ten minutes from the city's and each county's probe; when a probe is down the platform says
100 per cent. Venues count people in and out by half-hours: holidays and the planted crowds fill them; a gate that
counts wrong gives fewer than nobody.

Truth: ``module_day`` (day, module_no, is_up: at least 99 % of the day), ``venue_day`` (day, venue_no, visitors_n,
peak_n, capacity_n, township_i).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.city.people import phone
from demo_city.columns import Columns
from demo_city.departments.panels import (
    Panel,
    area_codes,
    arrow,
    events_table,
    old_code_pattern,
    outages,
    rounded,
    taken,
    twice_pattern,
)
from demo_city.departments.protocol import Api, Dataset, Pattern, Rows, Source
from demo_city.text import zfill

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

SYSTEMS = (
    ("全域旅游服务", 12),
    ("公共文化云", 10),
    ("文旅产业运行监测", 9),
    ("景区预约票务", 8),
    ("场馆预约", 7),
    ("文物安全监管", 6),
    ("文化市场执法", 7),
    ("非遗数字馆", 5),
    ("应急指挥调度", 7),
)
"""Nine systems with 71 modules."""
PARTS = ("首页", "检索", "地图", "预约", "支付", "核销", "统计", "消息", "投诉", "直播", "导览", "审批")
PROBE_DOWN, TWICE_RATE = 0.012, 0.001
GATE_FAULT, OLD_RATE = 0.004, 0.02
SLOTS = 48


def _modules(world: World) -> Columns:
    return world.once("s30.modules", lambda: _made(world))


def _made(world: World) -> Columns:
    chance, city = world.chance, world.city
    names = [(system, part) for system, count in SYSTEMS for part in PARTS[:count]]
    active = np.unique(np.asarray(city.township["county_i"])[np.asarray(city.township["is_active"])])
    probe = np.concatenate([["990100"], np.asarray(city.county["code"])[active]]).astype(object)
    module, place = np.divmod(np.arange(len(names) * len(probe)), len(probe))
    number = probe[place].astype(np.int64) * 100 + module
    system = np.array([one for one, _ in names], dtype=object)
    title = np.array([f"{one}-{part}" for one, part in names], dtype=object)
    return Columns(
        number=number,
        module=module,
        place=place,
        probe_no=probe[place].astype(np.int64),
        speed=chance.lognormal(260, 0.5, "s30.speed", module),
        module_no=arrow(("WL" + zfill((module + 1).astype("U3"), 3).astype(object)).astype(object)),
        probe=arrow(probe[place]),
        system=arrow(system[module]),
        title=arrow(title[module]),
        tel=arrow(phone(chance, "s30.keeper", module % 9)),
    )


def _availability(world: World, modules: Columns, days: Any) -> Any:
    """Days × (module, probe): share of the day it answers; a module that is down is down for every probe."""
    chance, numbers = world.chance, np.arange(int(modules["module"].max()) + 1)
    down = ~np.isnat(outages(chance, "s30.down", numbers, days, np.full(len(numbers), 0.04), 1.5))
    part = chance.uniform("s30.part", numbers[None, :], np.asarray(days)[:, None])
    flicker = chance.happens(0.02, "s30.flicker", numbers[None, :], np.asarray(days)[:, None])
    up = np.where(down, 0.1 + 0.6 * part, np.where(flicker, 0.9 + 0.09 * part, 0.997 + 0.003 * part))
    return up[:, modules["module"]]


def module_rows(world: World, days: Days) -> Rows:
    """Each module's day from each probe."""
    modules = _modules(world)
    panel = Panel(modules["number"], days.array, world.chance, "s30.module", twice=TWICE_RATE)
    who, at = panel.who, panel.at
    up = _availability(world, modules, days.array)[at, who]
    probe_down = world.chance.happens(PROBE_DOWN, "s30.probe", modules["probe_no"][who], panel.day)
    # Checked every ten minutes: 144 times.
    answered = np.minimum(np.rint(up * 144 - 0.5 * panel.uniform("lost")), 144)
    own = taken(
        modules,
        who,
        {"moduleId": "module_no", "probe": "probe", "systemName": "system", "moduleName": "title", "tel": "tel"},
    )
    columns = {
        "moduleId": own["moduleId"],
        "probe": own["probe"],
        "date": panel.day,
        "systemName": own["systemName"],
        "moduleName": own["moduleName"],
        "availability": np.where(probe_down, 100.0, rounded(answered / 1.44, 2)),
        "checks": np.where(probe_down, 0, 144),
        "responseMs": np.ma.MaskedArray(
            (modules["speed"][who] * (0.8 + 0.5 * panel.uniform("speed")) / np.maximum(up, 0.3)).astype(np.int64),
            probe_down,
        ),
        "keeperTel": own["tel"],
    }
    return panel.rows(columns, {"default_availability": probe_down}, ("moduleId", "probe", "date"))


def _inside(world: World, days: Days) -> tuple[Any, Any, Any]:
    """Days × venues × half-hours: people who come, go, and are inside; what is really so."""
    chance, venue, day = world.chance, world.city.venue, days.array
    key, capacity = np.asarray(venue["key"]), np.asarray(venue["capacity"], dtype=np.float64)
    calendar, weather = world.life.calendar(days), world.life.weather_daily(days)
    free = ~np.asarray(world.life.is_workday(day), dtype=bool)
    holiday = np.asarray(calendar["is_holiday"], dtype=bool)
    factor = np.where(holiday, 2.4, np.where(free, 1.7, 0.8)) * world.life.strength("holiday_crowd", days)
    factor = (
        factor * np.clip(1 - weather["rain_mm"] / 70, 0.25, 1) * np.clip(1.25 - weather["gust_max_ms"] / 60, 0.2, 1)
    )
    noise = chance.lognormal(1.0, 0.2, "s30.crowd", key[None, :], day[:, None])
    visitors = capacity[None, :] * 0.55 * factor[:, None] * noise
    half = np.arange(SLOTS)
    comes = np.exp(-(((half - 20) / 4.0) ** 2)) + 0.8 * np.exp(-(((half - 29) / 3.5) ** 2))
    comes = np.where((half >= 16) & (half < 36), comes, 0)
    jitter = 0.8 + 0.4 * chance.uniform("s30.slot", key[None, :, None], day[:, None, None], half[None, None, :])
    came = np.rint(visitors[:, :, None] * comes / comes.sum() * jitter).astype(np.int64)
    total = came.cumsum(axis=2)
    left_by = np.zeros_like(total)
    left_by[:, :, 4:] = total[:, :, :-4] * 9 // 10  # most stay two hours
    left_by[:, :, 38:] = total[:, :, 38:]
    went = np.diff(left_by, axis=2, prepend=0)
    return came, went, total - left_by


def venue_rows(world: World, days: Days) -> Rows:
    """Each venue's half-hours."""
    venue = world.city.venue
    own = world.once("s30.venues", lambda: _venues(world))
    panel = Panel(venue["key"], days.array, world.chance, "s30.venue", slots=SLOTS, twice=TWICE_RATE)
    came, went, inside = (values[panel.at, panel.who, panel.slot] for values in _inside(world, days))
    fault = panel.happens(GATE_FAULT, "gate")
    inside = np.where(fault, -1 - (inside * 0.1 + 40 * panel.uniform("gate.by")).astype(np.int64), inside)
    texts = taken(
        own, panel.who, {"venueId": "no", "name": "name", "type": "kind", "areaCode": "code", "gridId": "grid"}
    )
    columns = {
        "venueId": texts["venueId"],
        "date": panel.day,
        "slot": panel.slot,
        "name": texts["name"],
        "type": texts["type"],
        "areaCode": texts["areaCode"],
        "gridId": texts["gridId"],
        "capacity": np.asarray(venue["capacity"])[panel.who],
        "in": came,
        "out": went,
        "inside": inside,
    }
    flags = {"gate_fault": fault, "old_area_code": own["is_old"][panel.who]}
    return panel.rows(columns, flags, ("venueId", "date", "slot"))


def _venues(world: World) -> Columns:
    venue, grid = world.city.venue, world.city.grid
    code, is_old = area_codes(world, venue["township_i"], venue["key"], "s30", OLD_RATE)
    return Columns(
        no=arrow(venue["venue_no"]),
        name=arrow(venue["name_zh"]),
        kind=arrow(venue["kind"]),
        code=arrow(code),
        grid=arrow(np.asarray(grid["grid_id"])[venue["grid_i"]]),
        is_old=is_old,
    )


def events(world: World, days: Days) -> Mapping[str, pa.Table]:
    """See the module."""
    modules, venue, day = _modules(world), world.city.venue, days.array
    own = np.flatnonzero(modules["place"] == 0)
    up = _availability(world, modules, day)[:, own]
    at, who = np.divmod(np.arange(up.size), len(own))
    came, _, inside = _inside(world, days)
    on, place = np.divmod(np.arange(came.shape[0] * came.shape[1]), came.shape[1])
    return {
        "module_day": events_table(
            {"day": day[at], "module_no": modules["module_no"].take(pa.array(own[who])), "is_up": (up >= 0.99).ravel(),
             "availability": rounded(up.ravel(), 5)}
        ),
        "venue_day": events_table(
            {
                "day": day[on],
                "venue_no": np.asarray(venue["venue_no"])[place],
                "visitors_n": came.sum(axis=2).ravel(),
                "peak_n": inside.max(axis=2).ravel(),
                "capacity_n": np.asarray(venue["capacity"])[place],
                "township_i": np.asarray(venue["township_i"])[place],
            }
        ),
    }  # fmt: skip


SOURCE = Source(
    "S30",
    "文化广电和旅游局 九大系统",
    (
        Dataset(
            "S30",
            "linlan.tourism.module_day",
            "文旅九大系统模块可用率",
            Api("/api/modules/daily", "page"),
            module_rows,
            (
                Pattern(
                    "default_availability",
                    "The probe was down; the availability of 100 is a default.",
                    PROBE_DOWN,
                    "warning",
                    "was_checked",
                    "checked_n",
                ),
                twice_pattern(TWICE_RATE),
            ),
        ),
        Dataset(
            "S30",
            "linlan.tourism.venue_day",
            "场馆景区客流",
            Api("/api/venues/flow", "page"),
            venue_rows,
            (
                Pattern(
                    "gate_fault",
                    "The gate gives fewer than nobody.",
                    GATE_FAULT,
                    "warning",
                    "inside_is_counted",
                    "inside_n",
                ),
                old_code_pattern(OLD_RATE),
                twice_pattern(TWICE_RATE),
            ),
        ),
    ),
    events,
)
