"""S18 water resources: levels, rain and tides by the hour, and the patrols along rivers.

River stages follow the city's rain of the last day or two and drain slowly; at the coast the moon moves them twice a
day. On 1 June 2026 the bureau went over from the Wusong datum to the national one of 1985: from then on levels are
lower by 1.93 m. Some stations' loggers followed weeks later, and nothing in their rows says so.

Further table of events: ``level_day`` (highest true level by station and day above the 1985 datum, warning level).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from demo_city.chance import repeated
from demo_city.city.people import person_name, phone
from demo_city.columns import Columns
from demo_city.departments.protocol import Dataset, Pattern, Rows, Source, Table
from demo_city.departments.safety import (
    active_townships,
    drawn,
    keys,
    moment,
    nearby,
    numbered,
    old_codes,
    per_township,
    pick,
    statement,
    written,
)

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

STATIONS_BEYOND_ONE = 164 / 136
"""Stations of a township beyond its first: 300 in the whole city."""
DATUM_ON = date(2026, 6, 1)
WUSONG_M = 1.93
"""How much higher a level is above the Wusong datum than above that of 1985 (a round figure of the demo city)."""
LATE_LOGGERS, LATE_DAYS = 0.12, 21
STUCK_HOURS = 14
PATROLS = 1_800.0
RAIN_MEMORY_H = 72
FINDINGS = ("垃圾漂浮物", "违规排污", "违章搭建", "非法捕捞", "河岸坍塌", "水质异常")

LEVEL_DIRT = (
    Pattern(
        "old_datum_unlabelled", "Still above the Wusong datum after the change, and says 1985.", 0.003, "core", None,
        "level_m",
    ),
    Pattern(
        "stuck", f"The float is stuck: one level for {STUCK_HOURS} hours.", 0.006, "core", None, "level_m"
    ),
    Pattern(
        "level_spike", "A radar echo: a level no river has.", 0.0006, "quarantine", "level_possible", "level_m"
    ),
    Pattern("level_missing", "The logger sent no level.", 0.006, "warning", "level_there", "level_m"),
)  # fmt: skip
PATROL_DIRT = (
    Pattern(
        "no_distance", "Signed in at the office: a patrol of no length.", 0.03, "warning", "distance_walked",
        "distance_km",
    ),
    Pattern("coordinates_swapped", "Longitude and latitude are swapped.", 0.008, "warning", "lng_in_city", "lng"),
    Pattern("old_area_code", "Area code from before a merger.", 0.015, "warning", "area_code_current", "area_code"),
    Pattern("test_row", "A patrol to try the app.", 0.002, "quarantine", "not_a_test", "river"),
)  # fmt: skip


def stations(world: World) -> Columns:
    """``code name_zh township_i n kind tide_m base_m warning_m is_late`` (metres above the 1985 datum)."""
    return world.once("s18.stations", lambda: _stations(world))


def _stations(world: World) -> Columns:
    chance, register = world.chance, world.city.township
    township = active_townships(world)
    more = 1 + chance.happens(STATIONS_BEYOND_ONE - 1, "s18.more", township)
    position, n = repeated(1 + more)
    township = township[position]
    coastal = np.asarray(register["is_coastal"])[township] & (n == 0)
    kind = np.where(coastal, "潮位站", np.where(n == 0, "水位站", "闸上站")).astype(object)
    base = np.round(1.6 + 0.5 * chance.normal("s18.base", township, n), 2)
    return Columns(
        code=np.char.add("4", (1_100_000 + township * 10 + n).astype(str)).astype(object),
        name_zh=register["name_zh"][township] + kind,
        township_i=township,
        n=n,
        tide_m=np.where(coastal, 1.9 + 0.3 * chance.normal("s18.tide", township, n), 0.0),
        base_m=base,
        response=np.clip(chance.lognormal(1.0, 0.35, "s18.response", township, n), 0.4, 2.5),
        warning_m=np.round(base + np.where(coastal, 2.9, 1.15), 2),
        is_coastal=coastal,
        is_late=chance.happens(LATE_LOGGERS, "s18.late", township, n),
    )  # fmt: skip


def _levels(world: World, days: Days) -> Columns:
    """True levels of every hour at every station, above the 1985 datum."""
    chance, at = world.chance, stations(world)
    weather = world.life.weather(days.since(RAIN_MEMORY_H // 24))
    # What fell drains away with a half-life of some 20 hours.
    weights = np.exp(-np.arange(RAIN_MEMORY_H) / 28.0)
    swollen = np.convolve(weather["rain_mm"], weights)[: weather.rows_n]
    now = days.holds(weather["hour"])
    hour, swollen, rain = weather["hour"][now], swollen[now], weather["rain_mm"][now]
    stamp = hour.astype(np.int64)
    moon = np.cos(stamp / 12.42 * 2 * np.pi) * (1 + 0.35 * np.cos(stamp / (14.77 * 24) * 2 * np.pi))
    row, station = np.repeat(np.arange(len(hour)), at.rows_n), np.tile(np.arange(at.rows_n), len(hour))
    key = (stamp[row], at["township_i"][station], at["n"][station])
    surge = 0.02 * np.maximum(weather["wind_ms"][now] - 8, 0)[row] * at["is_coastal"][station]
    level = (
        at["base_m"][station]
        + 0.0085 * swollen[row] * at["response"][station]
        + at["tide_m"][station] * 0.5 * moon[row]
        + surge
        + 0.008 * chance.normal("s18.noise", *key)
    )
    fallen = np.where(rain[row] > 0, rain[row] * chance.lognormal(0.88, 0.5, "s18.rain", *key), 0.0)
    return Columns(
        hour=hour.astype("datetime64[s]")[row], station_i=station, level_m=np.round(level, 2),
        rain_mm=np.round(np.minimum(fallen, 140.0), 1), stamp=key[0], township_i=key[1], n=key[2],
    )  # fmt: skip


def _level_rows(world: World, days: Days) -> Rows:
    chance, at = world.chance, stations(world)
    made = _levels(world, days)
    station, day = made["station_i"], made["hour"].astype("datetime64[D]")
    hour_no = made["stamp"] % 24
    place = (made["township_i"], made["n"])
    # A stuck float shows the level at which it stuck, until the evening.
    sticks = chance.happens(0.0103, "s18.stuck", day, *place)
    from_hour = chance.integers(0, 24 - STUCK_HOURS, "s18.stuck_from", day, *place)
    is_stuck = sticks & (hour_no >= from_hour) & (hour_no < from_hour + STUCK_HOURS)
    begin = np.arange(made.rows_n) - (hour_no - from_hour) * at.rows_n
    level = np.where(is_stuck, made["level_m"][np.clip(begin, 0, max(made.rows_n - 1, 0))], made["level_m"])
    change = np.datetime64(DATUM_ON)
    is_new = day >= change
    behind = is_new & at["is_late"][station] & (day < change + LATE_DAYS)
    shown = np.where(~is_new | behind, level + WUSONG_M, level)
    lot = chance.uniform("s18.level_dirt", made["stamp"], *place)
    spike, silent = lot < 0.0006, (lot >= 0.5) & (lot < 0.506)
    return written(
        """
        SELECT s.code || strftime(hour, '%Y%m%d%H') AS rec_id, s.code AS stcd, s.name_zh AS stnm, hour AS tm,
               CASE WHEN silent THEN NULL WHEN spike THEN round(shown + 30, 2) ELSE shown END AS z, rain_mm AS drp,
               CASE WHEN is_new THEN '1985国家高程基准' ELSE '吴淞高程' END AS datum, kind AS sttp,
               round(s.warning_m + CASE WHEN is_new THEN 0 ELSE 1.93 END, 2) AS wrz,
               t.code AS addvcd, hour::DATE AS _day, s.code || strftime(hour, '%Y%m%d%H') AS _key,
               behind AND NOT spike AND NOT silent AS "!old_datum_unlabelled",
               is_stuck AND NOT spike AND NOT silent AS "!stuck", spike AS "!level_spike", silent AS "!level_missing"
        FROM made JOIN stations AS s USING (station_i) JOIN townships AS t USING (township_i) ORDER BY hour, s.code
        """,
        made=Columns(
            hour=made["hour"], station_i=station, shown=np.round(shown, 2), rain_mm=made["rain_mm"], is_new=is_new,
            behind=behind, is_stuck=is_stuck, spike=spike, silent=silent,
        ),
        stations=Columns(
            station_i=np.arange(at.rows_n), code=at["code"], name_zh=at["name_zh"], warning_m=at["warning_m"],
            township_i=at["township_i"], kind=np.where(at["is_coastal"], "潮位", "河道").astype(object),
        ),
        townships=Columns(
            township_i=np.arange(world.city.township.rows_n), code=np.asarray(world.city.township["code"])
        ),
    )  # fmt: skip


def _patrol_rows(world: World, days: Days) -> Rows:
    chance, city = world.chance, world.city
    factor = np.where(world.life.is_workday(days.array), 1.15, 0.6)
    made = drawn(world, days, "s18.patrol", per_township(world, PATROLS), factor)
    key = keys(made)
    grid = pick(chance, city.grid["township_i"], made["township_i"], None, "s18.patrol_grid", *key)
    lng, lat = nearby(chance, city.grid["lng"][grid], city.grid["lat"][grid], 150.0, "s18.patrol_at", *key)
    river = chance.integers(0, 12, "s18.river", *key)
    chief = chance.integers(0, 9, "s18.chief", *key)
    code, is_old = old_codes(world, "s18.old_code", 0.015, made["township_i"], *key)
    found = chance.poisson(0.12, "s18.found", *key)
    return written(
        """
        SELECT patrol_no AS xh_id, began AS kssj, began + to_seconds(minutes * 60) AS jssj,
               CASE WHEN is_test THEN '测试河道' ELSE river END AS hdmc, level AS hzjb, chief AS hzxm, phone AS hzdh,
               area_code AS xzqh, CASE WHEN swapped THEN lat ELSE lng END AS jd,
               CASE WHEN swapped THEN lng ELSE lat END AS wd, CASE WHEN idle THEN 0.00 ELSE km END AS xhlc,
               found AS fxwt, CASE WHEN found > 0 THEN finding END AS wtlx,
               CASE WHEN found > 0 THEN chief || '发现' || finding || '，已拍照上报，电话' || phone END AS bz,
               began::DATE AS _day, patrol_no AS _key, idle AS "!no_distance", swapped AS "!coordinates_swapped",
               is_old AS "!old_area_code", is_test AS "!test_row"
        FROM patrol ORDER BY began, patrol_no
        """,
        patrol=Columns(
            patrol_no=numbered("XH", made),
            began=moment(made["day"], chance.integers(7 * 3600, 17 * 3600, "s18.began", *key)),
            minutes=chance.integers(15, 120, "s18.minutes", *key),
            river=city.township["name_zh"][made["township_i"]]
            + np.array([*"一二三四五六七八九十", "十一", "十二"], dtype=object)[river] + "号河",
            level=np.array(["村级", "镇级", "县级", "市级"], dtype=object)[
                chance.choose([70, 22, 7, 1], "s18.level", *key)
            ],
            chief=person_name(chance, "s18.chief_name", made["township_i"], chief),
            phone=phone(chance, "s18.chief_phone", made["township_i"], chief),
            area_code=code,
            is_old=is_old,
            lng=np.round(lng, 6),
            lat=np.round(lat, 6),
            km=np.round(0.3 + chance.lognormal(1.8, 0.5, "s18.km", *key), 2),
            found=found,
            finding=np.array(FINDINGS, dtype=object)[chance.integers(0, len(FINDINGS), "s18.finding", *key)],
            idle=chance.happens(0.03, "s18.idle", *key),
            swapped=chance.happens(0.008, "s18.swapped", *key),
            is_test=chance.happens(0.002, "s18.patrol_test", *key),
        ),
    )  # fmt: skip


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    at = stations(world)
    return {
        "level_day": statement(
            """
            SELECT hour::DATE AS day, s.code AS station, s.township_i::INTEGER AS township_i,
                   max(level_m) AS level_max_m, any_value(s.warning_m) AS warning_m, round(sum(rain_mm), 1) AS rain_mm
            FROM made JOIN stations AS s USING (station_i) GROUP BY ALL ORDER BY day, station
            """,
            made=_levels(world, days),
            stations=Columns(
                station_i=np.arange(at.rows_n), code=at["code"], township_i=at["township_i"], warning_m=at["warning_m"]
            ),
        )
    }


SOURCE = Source(
    "S18",
    "水利局 水雨情与河长巡查",
    (
        Dataset(
            "S18",
            "linlan.hydrology.level_hour",
            "逐小时水位雨量",
            Table(
                "st_river_hour", (),
                {"rec_id": "varchar(32)", "tm": "timestamp(0)", "z": "numeric(8,2)", "drp": "numeric(7,1)",
                 "wrz": "numeric(8,2)"},
                "SQL Server 2016",
            ),
            _level_rows,
            LEVEL_DIRT,
        ),
        Dataset(
            "S18",
            "linlan.hydrology.patrol",
            "河长巡河",
            Table(
                "hz_patrol", (),
                {"xh_id": "varchar(40)", "kssj": "timestamp(0)", "jssj": "timestamp(0)", "jd": "numeric(9,6)",
                 "wd": "numeric(9,6)", "xhlc": "numeric(8,2)", "fxwt": "integer"},
                "SQL Server 2016",
            ),
            _patrol_rows,
            PATROL_DIRT,
        ),
    ),
    _events,
)  # fmt: skip
