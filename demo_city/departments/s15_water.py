"""S15: the water network's telemetry by hour, use by meter and day, and the depth at points that flood.

Use has a morning and an evening, pressure falls as it rises; a leak is loud at night for days before the road sinks.
Flood points fill when rain outruns the drain. Sensors stick, lose their signal, send kilopascals for megapascals,
centimetres for metres, litres for cubic metres.

Truth: ``flood_point_event`` (flood_point_no, begins_at, ends_at, depth_m, township_i, grid_i), ``pipe_leak`` (at,
grid_i, township_i), ``usage_day`` (flat_i, day, m3, is_group).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.chance import repeated
from demo_city.city.people import person_name, phone
from demo_city.columns import Columns
from demo_city.days import BEGINS_ON, Days
from demo_city.departments.panels import (
    Panel,
    area_codes,
    arrow,
    events_table,
    joined,
    old_code_pattern,
    outages,
    put,
    rounded,
    scattered,
    taken,
    twice_pattern,
)
from demo_city.departments.protocol import Dataset, Drift, Files, Pattern, Rows, Source
from demo_city.departments.s14_power import flat_addresses, marked, position_of, silent_flats
from demo_city.systems import writers
from demo_city.text import zfill

if TYPE_CHECKING:
    from demo_city.world import World

POINT_KINDS = ("压力", "流量", "水质", "泵站")
PRESSURE, FLOW, QUALITY, PUMP = range(4)
POINTS_OF_TOWNSHIP = (8, 3, 1, 3)
LEAK_KIND = "渗漏"
DEMAND = np.array(
    [0.55, 0.45, 0.40, 0.38, 0.42, 0.62, 1.05, 1.45, 1.40, 1.20, 1.10, 1.12, 1.15, 1.02, 0.95, 0.98, 1.10, 1.30, 1.50,
     1.52, 1.42, 1.20, 0.95, 0.72]
)  # fmt: skip
"""Of a day's mean, by hour."""
UNIT_WRONG, LOST, STUCK = 0.004, 0.006, 0.02
OLD_RATE, TWICE_RATE = 0.02, 0.0005
USAGE = {"negative": 0.0015, "litres": 0.002, "offline": 0.006}
CENTIMETRES, GAUGE_OFF, GAUGE_STUCK = 0.03, 0.01, 0.05


# ---------------------------------------------------------------- telemetry


def _points(world: World) -> Columns:
    return world.once("s15.points", lambda: _points_made(world))


def _points_made(world: World) -> Columns:
    """Points of the control system: pressure, flow, quality and pumping stations of each township."""
    city = world.city
    township_i, kind_of = np.flatnonzero(city.township["is_active"]), np.repeat(np.arange(4), POINTS_OF_TOWNSHIP)
    at, of = np.divmod(np.arange(len(township_i) * len(kind_of)), len(kind_of))
    township_i, kind = township_i[at], kind_of[of]
    number = np.asarray(city.township["code"]).astype(np.int64)[township_i] * 100 + of
    return _placed(world, number, township_i, kind, "s15.point", np.array(["PT", "FT", "QT", "PS"], dtype=object)[kind])


def _loggers(world: World) -> Columns:
    return world.once("s15.loggers", lambda: _loggers_made(world))


def _loggers_made(world: World) -> Columns:
    """Leak loggers: in half of the grids, and wherever a leak will be heard."""
    grid = world.city.grid
    has = world.chance.happens(0.5, "s15.logger", grid["key"])
    steps = world.life.precursors("S15")
    has[steps["grid_i"][steps["what"] == "pipe_leak"]] = True
    grid_i = np.flatnonzero(has)
    number = np.asarray(grid["grid_id"]).astype(np.int64)[grid_i]
    township_i = np.asarray(grid["township_i"])[grid_i]
    return _placed(world, number, township_i, np.full(len(grid_i), 4), "s15.logger", "LN", grid_i)


def _placed(
    world: World, number: Any, township_i: Any, kind: Any, stream: str, prefix: Any, grid_i: Any = None
) -> Columns:
    chance, grid = world.chance, world.city.grid
    if grid_i is None:
        first = np.searchsorted(grid["township_i"], township_i, "left")
        last = np.searchsorted(grid["township_i"], township_i, "right")
        grid_i = first + np.floor(chance.uniform(f"{stream}.grid", number) * (last - first)).astype(np.int64)
    area, is_old = area_codes(world, township_i, number, stream, OLD_RATE)
    lng, lat = scattered(chance, grid, grid_i, number, stream)
    return Columns(
        number=number,
        kind=kind,
        grid_i=grid_i,
        township_i=township_i,
        trait=chance.lognormal(1.0, 0.35, f"{stream}.trait", number),
        is_old=is_old,
        tag=arrow(prefix + number.astype("U18").astype(object)),
        kind_zh=arrow(np.array([*POINT_KINDS, LEAK_KIND], dtype=object)[kind]),
        area=arrow(area),
        grid=arrow(np.asarray(grid["grid_id"])[grid_i]),
        lng=arrow(lng),
        lat=arrow(lat),
    )


def telemetry_rows(world: World, days: Days) -> Rows:
    """Every point's hours, and what the loggers heard at three."""
    key = ("TAG", "DATE", "HOUR")
    return joined([_measured(world, days), _heard(world, days)], key)


def _measured(world: World, days: Days) -> tuple[Mapping[str, Any], Mapping[str, Any], Any, Any]:
    points, day = _points(world), days.array
    panel = Panel(points["number"], day, world.chance, "s15.point", slots=24, twice=TWICE_RATE)
    who, at, slot, kind = panel.who, panel.at, panel.slot, points["kind"][panel.who]
    weather = world.life.weather_daily(days)
    hot = 1 + np.clip(weather["temp_mean_c"] - 22, 0, None) * 0.012 + (weather["temp_max_c"] > 35) * 0.06
    rain = world.life.weather(days)["rain_mm"].reshape(-1, 24)
    drained = _within_hours(world, days, 6)
    wobble = panel.uniform("wobble")
    demand = DEMAND[slot] * hot[at] * (0.94 + 0.12 * wobble)
    trait = points["trait"][who]
    pressure = rounded(np.clip(0.375 - 0.055 * (demand - 1) + 0.03 * (np.minimum(trait, 2) - 1), 0.08, 0.6), 4)
    flow = rounded(160 * trait * demand, 2)
    turbid = rounded(np.clip(0.22 * trait * (0.8 + 0.4 * wobble) + 0.004 * rain[at, slot], 0.02, 4), 3)
    chlorine = rounded(np.clip(0.62 - 0.08 * (trait - 1) - 0.06 * wobble, 0.02, 1.2), 3)
    level = rounded(np.clip(0.9 + 0.5 * wobble + 0.045 * drained[at, slot] * np.minimum(trait, 2), 0.4, 7.5), 3)
    pumps = np.minimum(drained[at, slot] // 8 + (wobble > 0.5), 6).astype(np.int64)
    # A stuck sensor repeats the first hour of the day it stuck on.
    since = outages(world.chance, "s15.stuck", points["number"], day, np.full(points.rows_n, STUCK), 1.5)[at, who]
    stuck = ~np.isnat(since)
    held = world.chance.uniform("s15.held", panel.number, np.where(stuck, since, panel.day))
    pressure = np.where(stuck, rounded(0.30 + 0.1 * held, 4), pressure)
    flow, level = (
        np.where(stuck, rounded(160 * trait * (0.8 + 0.3 * held), 2), flow),
        np.where(stuck, rounded(0.9 + 0.4 * held, 3), level),
    )
    drawn = panel.uniform("fault")
    lost = drawn < LOST
    wrong = (drawn >= 0.5) & (drawn < 0.5 + UNIT_WRONG * 15 / 11) & np.isin(kind, [PRESSURE, PUMP]) & ~stuck
    pressure = np.where(wrong, rounded(pressure * 1000, 1), pressure)
    level = np.where(wrong, rounded(level * 100, 1), level)

    def of(number: int, values: Any) -> Any:
        return np.ma.MaskedArray(values, (kind != number) | lost)

    own = _own(points, who)
    columns = {
        "TAG": own["TAG"],
        "DATE": panel.day,
        "HOUR": slot,
        **{name: own[name] for name in ("KIND", "AREA", "GRID", "LNG", "LAT")},
        "P_MPA": of(PRESSURE, pressure),
        "Q_M3H": of(FLOW, flow),
        "NTU": of(QUALITY, turbid),
        "CL": of(QUALITY, chlorine),
        "LEVEL_M": of(PUMP, level),
        "PUMP_ON": of(PUMP, pumps),
        "NOISE_DB": np.full(panel.rows_n, np.nan),
        "Q": put(pa.repeat(pa.scalar("good"), panel.rows_n), lost, "lost"),
    }
    flags = {
        "stuck": stuck & ~lost,
        "signal_lost": lost,
        "unit_kpa": wrong & (kind == PRESSURE) & ~lost,
        "unit_cm": wrong & (kind == PUMP) & ~lost,
        "old_area_code": points["is_old"][who],
    }
    return columns, flags, panel.day, panel.again


def _heard(world: World, days: Days) -> tuple[Mapping[str, Any], Mapping[str, Any], Any, Any]:
    loggers, day = _loggers(world), days.array
    panel = Panel(loggers["number"], day, world.chance, "s15.logger", twice=TWICE_RATE)
    who = panel.who
    leaks = _leaks(world)
    at = position_of(loggers["grid_i"], leaks["grid_i"])
    on = leaks["at"].astype("datetime64[D]")
    loud = marked(day, loggers.rows_n, at, on, on + 2)[panel.at, who]
    wobble = panel.uniform("wobble")
    noise = rounded(np.where(loud, 58 + 18 * wobble, 6 + 22 * wobble * np.minimum(loggers["trait"][who], 1.5)), 1)
    lost = panel.happens(LOST, "lost")
    own = _own(loggers, who)
    nothing = np.full(panel.rows_n, np.nan)
    columns = {
        "TAG": own["TAG"],
        "DATE": panel.day,
        "HOUR": np.full(panel.rows_n, 3),
        **{name: own[name] for name in ("KIND", "AREA", "GRID", "LNG", "LAT")},
        **{name: nothing for name in ("P_MPA", "Q_M3H", "NTU", "CL", "LEVEL_M")},
        "PUMP_ON": np.ma.MaskedArray(np.zeros(panel.rows_n, np.int64), np.ones(panel.rows_n, bool)),
        "NOISE_DB": np.ma.MaskedArray(noise, lost),
        "Q": put(pa.repeat(pa.scalar("good"), panel.rows_n), lost, "lost"),
    }
    return columns, {"signal_lost": lost, "old_area_code": loggers["is_old"][who]}, panel.day, panel.again


def _own(things: Columns, who: Any) -> dict[str, pa.Array]:
    names = {"TAG": "tag", "KIND": "kind_zh", "AREA": "area", "GRID": "grid", "LNG": "lng", "LAT": "lat"}
    return taken(things, who, names)


def _leaks(world: World, days: Days | None = None) -> Columns:
    steps = world.life.precursors("S15", days)
    return steps.where(steps["what"] == "pipe_leak")


def _within_hours(world: World, days: Days, hours: int) -> Any:
    """Days × 24: rain of each hour and those before it."""
    reach = Days(max(days.since(1).first, BEGINS_ON), days.last)
    rain = world.life.weather(reach)["rain_mm"]
    total = np.cumsum(np.concatenate([np.zeros(hours), rain]))
    return (total[hours:] - total[:-hours])[-24 * days.length :].reshape(-1, 24)


# ---------------------------------------------------------------- use of water


def _meters(world: World) -> Columns:
    return world.once("s15.meters", lambda: _meters_made(world))


def _meters_made(world: World) -> Columns:
    """Remote meters of care flats and of two rented flats in five; what the others use is not known by the day."""
    chance, city = world.chance, world.city
    flat, building = city.flat, city.building
    care = np.asarray(flat["elderly_alone"])
    listed = flat["is_rental"] & chance.happens(0.4, "s15.remote", flat["key"])
    flat_i = np.flatnonzero(listed | care)
    number = np.asarray(flat["key"])[flat_i]
    building_i = np.asarray(flat["building_i"])[flat_i]
    township_i = np.asarray(flat["township_i"])[flat_i]
    area, is_old = area_codes(world, township_i, number, "s15.meter", OLD_RATE)
    people = np.maximum(np.asarray(flat["residents_n"])[flat_i], 1)
    return Columns(
        number=number,
        flat_i=flat_i,
        township_i=township_i,
        is_care=care[flat_i],
        mean=(0.04 + 0.115 * people) * chance.lognormal(1.0, 0.3, "s15.size", number),
        group_from=np.asarray(flat["group_from"])[flat_i],
        group_to=np.asarray(flat["group_to"])[flat_i],
        is_old=is_old,
        meter_no=arrow("S" + zfill(number.astype("U12"), 12).astype(object)),
        flat_no=arrow(np.asarray(flat["flat_no"])[flat_i].astype("U20").astype(object)),
        building_no=arrow(np.asarray(building["building_no"])[building_i]),
        area=arrow(area),
        name=arrow(person_name(chance, "s15.account", number)),
        tel=arrow(phone(chance, "s15.account.tel", number)),
        address=arrow(flat_addresses(world, flat_i)),
    )


def _used(world: World, days: Days, panel: Panel) -> tuple[Any, Any]:
    """Cubic metres of each row, and whether the flat is let by the bed on that day."""
    meters = _meters(world)
    weather = world.life.weather_daily(days)
    hot = 1 + np.clip(weather["temp_mean_c"] - 20, 0, None) * 0.015 + (weather["temp_max_c"] > 35) * 0.08
    who, day = panel.who, panel.day
    grouped = (day >= meters["group_from"][who]) & (day < meters["group_to"][who])
    used = meters["mean"][who] * hot[panel.at] * (0.6 + 0.8 * panel.uniform("noise")) * np.where(grouped, 3.1, 1.0)
    away = np.where(meters["is_care"], 0.012, 0.03)
    still = ~np.isnat(outages(world.chance, "s15.still", meters["number"], days.array, away, 5.0))[panel.at, who]
    silent = silent_flats(world)
    at = position_of(meters["flat_i"], silent["flat_i"])
    zero = marked(days.array, meters.rows_n, at, silent["from_on"], silent["to_on"])[panel.at, who]
    return rounded(np.where(zero | still, 0.0, used), 3), grouped


def usage_rows(world: World, days: Days) -> Rows:
    """Every remote meter's day."""
    meters = _meters(world)
    panel = Panel(meters["number"], days.array, world.chance, "s15.usage", twice=TWICE_RATE)
    who = panel.who
    used, grouped = _used(world, days, panel)
    night = rounded(used * np.where(grouped, 0.34, 0.14) * (0.7 + 0.6 * panel.uniform("night")), 3)
    drawn, edges = panel.uniform("fault"), np.cumsum(list(USAGE.values()))
    negative, litres = drawn < edges[0], (drawn >= edges[0]) & (drawn < edges[1])
    # A thousand times nothing is nothing: only water that ran shows the wrong unit.
    litres &= used >= 0.031
    offline = (drawn >= edges[1]) & (drawn < edges[2])
    used = np.where(negative, -rounded(0.2 + 3 * panel.uniform("back"), 3), np.where(litres, used * 1000, used))
    own = taken(
        meters,
        who,
        {
            "表号": "meter_no",
            "地址编码": "flat_no",
            "楼栋编码": "building_no",
            "区划代码": "area",
            "户名": "name",
            "电话": "tel",
            "地址": "address",
        },
    )
    columns = {
        "表号": own.pop("表号"),
        "日期": panel.day,
        **own,
        "用水量": np.ma.MaskedArray(rounded(used, 3), offline),
        "夜间水量": np.ma.MaskedArray(night, offline),
        "表状态": put(put(pa.repeat(pa.scalar("正常"), panel.rows_n), negative, "换表"), offline, "离线"),
    }
    flags = {"negative": negative, "litres": litres, "offline": offline, "old_area_code": meters["is_old"][who]}
    return panel.rows(columns, flags, ("表号", "日期"))


# ---------------------------------------------------------------- flood points


def _depths(world: World, days: Days) -> Any:
    """Days × points × hours: depth in metres. A point fills by rain above what its drain takes, and runs dry slowly."""
    point = world.city.flood_point
    reach = Days(max(days.since(1).first, BEGINS_ON), days.last)
    rain = world.life.weather(reach)["rain_mm"]
    trait = np.asarray(point["depth_trait"], dtype=np.float64)
    # Local rain: a cell of a storm is heavier here than there; water stands some six hours.
    day_of = np.repeat(reach.array, 24)
    local = world.chance.lognormal(1.0, 0.25, "s15.rain", np.asarray(point["key"])[None, :], day_of[:, None])
    excess = np.maximum(rain[:, None] * local - 12.0, 0.0)
    kernel = np.exp(-np.arange(10) / 2.5)
    water = sum(
        weight * np.concatenate([np.zeros((back, excess.shape[1])), excess[: len(excess) - back]])
        for back, weight in enumerate(kernel)
    )
    depth = np.minimum(0.011 * water * (0.4 + 1.2 * trait[None, :]), 1.6)
    depth = np.where(depth < 0.02, 0.0, depth)[-24 * days.length :]
    local_rain = np.round(rain[:, None] * local, 1)[-24 * days.length :]
    shape = (days.length, 24, len(trait))
    return depth.reshape(shape).transpose(0, 2, 1), local_rain.reshape(shape).transpose(0, 2, 1)


def flood_rows(world: World, days: Days) -> Rows:
    """Every flood point's hours."""
    chance, point = world.chance, world.city.flood_point
    panel = Panel(point["key"], days.array, chance, "s15.flood", slots=24, twice=TWICE_RATE)
    who, at, slot = panel.who, panel.at, panel.slot
    own = world.once("s15.flood", lambda: _gauges(world))
    depths, rain = _depths(world, days)
    depth = rounded(depths[at, who, slot], 3)
    # New firmware on some gauges, for some days: centimetres.
    since = outages(chance, "s15.cm", point["key"], days.array, np.full(point.rows_n, CENTIMETRES * 3), 6.0)[at, who]
    wet_cm = ~np.isnat(since) & (depth >= 0.026)
    stuck = ~np.isnat(
        outages(chance, "s15.gauge", point["key"], days.array, np.full(point.rows_n, GAUGE_STUCK), 2.0)[at, who]
    )
    stuck &= ~wet_cm
    held = rounded(0.03 + 0.3 * chance.uniform("s15.gauge.held", panel.number), 3)
    off = panel.happens(GAUGE_OFF, "off")
    depth = np.where(stuck, held, np.where(wet_cm, rounded(depth * 100, 1), depth))
    texts = taken(
        own,
        who,
        {
            "pointNo": "no",
            "name": "name",
            "areaCode": "area",
            "gridId": "grid",
            "lng": "lng",
            "lat": "lat",
            "keeperTel": "tel",
        },
    )
    columns = {
        "pointNo": texts["pointNo"],
        "date": panel.day,
        "hour": slot,
        **{name: texts[name] for name in ("name", "areaCode", "gridId", "lng", "lat")},
        "depth": np.ma.MaskedArray(depth, off),
        "rain": rain[at, who, slot],
        "battery": 60 + (panel.number * 7 + panel.day.astype(np.int64) * 3) % 41,
        "keeperTel": texts["keeperTel"],
    }
    flags = {
        "unit_cm": wet_cm & ~off,
        "stuck": stuck & ~off,
        "offline": off,
        "old_area_code": own["is_old"][who],
    }
    return panel.rows(columns, flags, ("pointNo", "date", "hour"))


def _gauges(world: World) -> Columns:
    chance, point, grid = world.chance, world.city.flood_point, world.city.grid
    area, is_old = area_codes(world, point["township_i"], point["key"], "s15.flood", OLD_RATE)
    return Columns(
        is_old=is_old,
        no=arrow(point["flood_point_no"]),
        name=arrow(point["name_zh"]),
        area=arrow(area),
        grid=arrow(np.asarray(grid["grid_id"])[point["grid_i"]]),
        lng=arrow(point["lng"]),
        lat=arrow(point["lat"]),
        tel=arrow(phone(chance, "s15.flood.keeper", point["key"])),
    )


def events(world: World, days: Days) -> Mapping[str, pa.Table]:
    """See the module."""
    point, meters = world.city.flood_point, _meters(world)
    depths, _ = _depths(world, days)
    series = depths.transpose(1, 0, 2).reshape(point.rows_n, -1)
    wet = np.concatenate([np.zeros((point.rows_n, 1), bool), series >= 0.15, np.zeros((point.rows_n, 1), bool)], axis=1)
    edge = np.diff(wet.astype(np.int8), axis=1)
    who, begins = np.nonzero(edge == 1)
    _, ends = np.nonzero(edge == -1)
    at, running = repeated(ends - begins)
    deepest = np.zeros(len(begins))
    np.maximum.at(deepest, at, series[who[at], begins[at] + running])
    start = days.array[0].astype("datetime64[s]")
    leaks = _leaks(world, days)
    panel = Panel(meters["number"], days.array, world.chance, "s15.usage")
    used, grouped = _used(world, days, panel)
    return {
        "flood_point_event": events_table(
            {
                "flood_point_no": np.asarray(point["flood_point_no"])[who],
                "begins_at": start + (begins * 3600).astype("timedelta64[s]"),
                "ends_at": start + (ends * 3600).astype("timedelta64[s]"),
                "depth_m": rounded(deepest, 3),
                "township_i": np.asarray(point["township_i"])[who],
                "grid_i": np.asarray(point["grid_i"])[who],
            }
        ),
        "pipe_leak": events_table({"at": leaks["at"], "grid_i": leaks["grid_i"], "township_i": leaks["township_i"]}),
        "usage_day": events_table(
            {"flat_i": meters["flat_i"][panel.who], "day": panel.day, "m3": used, "is_group": grouped}
        ),
    }


SOURCE = Source(
    "S15",
    "水务集团 供水 排水 易涝点",
    (
        Dataset(
            "S15",
            "linlan.water.telemetry_hour",
            "供排水遥测小时值",
            Files("scada/SCADA_{day:%Y%m%d}.csv", writers.csv(), late=0.008, missing=0.004, double=0.004),
            telemetry_rows,
            (
                Pattern("stuck", "The sensor repeats its last value to the digit.", 0.0045, "core", None, "quality"),
                Pattern("signal_lost", "No signal in this hour.", LOST, "warning", "signal_there", "quality"),
                Pattern(
                    "unit_kpa",
                    "Kilopascals for megapascals.",
                    0.0026,
                    "warning",
                    "pressure_in_mpa",
                    "pressure_mpa",
                ),
                Pattern("unit_cm", "Centimetres for metres.", 0.001, "warning", "level_in_metres", "level_m"),
                old_code_pattern(OLD_RATE),
                twice_pattern(TWICE_RATE),
            ),
        ),
        Dataset(
            "S15",
            "linlan.water.usage_day",
            "用水量日数据",
            Files(
                "usage/YSL_{day:%Y%m%d}.csv",
                writers.csv(encoding="gb18030"),
                late=0.01,
                missing=0.004,
                double=0.004,
                drifts=(Drift(date(2025, 10, 22), renamed={"用水量": "日用水量"}),),
            ),
            usage_rows,
            (
                Pattern(
                    "negative",
                    "Water below zero: a meter changed or fitted the wrong way round.",
                    USAGE["negative"],
                    "quarantine",
                    "m3_not_negative",
                    "m3",
                ),
                Pattern("litres", "Litres for cubic metres.", 0.0019, "warning", "m3_within_reason", "m3"),
                Pattern("offline", "The meter did not answer.", USAGE["offline"], "warning", "m3_present", "m3"),
                old_code_pattern(OLD_RATE),
                twice_pattern(TWICE_RATE),
            ),
        ),
        Dataset(
            "S15",
            "linlan.water.flood_point",
            "易涝点积水监测",
            Files("flood/YLD_{day:%Y%m%d}.jsonl", writers.json_lines(), late=0.006, missing=0.003),
            flood_rows,
            (
                Pattern("unit_cm", "Centimetres for metres.", 0.0015, "warning", "depth_in_metres", "depth_m"),
                Pattern("stuck", "A dirty gauge shows the same depth in any weather.", 0.013, "core", None, "depth_m"),
                Pattern("offline", "The gauge did not answer.", GAUGE_OFF, "warning", "depth_present", "depth_m"),
                old_code_pattern(OLD_RATE),
                twice_pattern(TWICE_RATE),
            ),
        ),
    ),
    events,
)
