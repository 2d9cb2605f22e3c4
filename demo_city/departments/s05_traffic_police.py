"""S05 traffic police: crashes, violations and the register of vehicles, over the one-way gateway.

Crashes lie on roads, at junctions by how dangerous they are, and follow weather and rush hours. A crash comes with the
day it was recorded, again when its cause is settled, and again when somebody dies of it within thirty days. Violations
are those of cameras and patrols; the register is the whole fleet, once a month.

Further table of events: ``vehicle_month`` (vehicles by township at the end of each month, and how many are overdue).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.chance import repeated
from demo_city.city.people import identity_number, person_name, phone, plate
from demo_city.columns import Columns
from demo_city.departments.protocol import Dataset, Drift, Files, Pattern, Rows, Source
from demo_city.departments.safety import (
    active_townships,
    after,
    chained,
    drawn,
    keys,
    moment,
    nearby,
    numbered,
    old_codes,
    old_share,
    per_township,
    pick,
    statement,
    written,
)  # fmt: skip
from demo_city.systems import writers
from demo_city.text import zfill

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

CRASHES = 550.0
VIOLATIONS = 9_000.0
VEHICLES_PER_PERSON = 0.337
"""2.6 million vehicles, electric bicycles not counted, for 7.7 million people."""
HAZARDOUS_FROM = 0.9
"""Lorries whose lot is above it carry dangerous goods."""
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
AT_JUNCTION = 0.45
FATAL, INJURY = 0.0017, 0.021
"""Shares of crashes: about one death and eleven crashes with injuries a day."""
DIES_LATER = 0.35
CORRECTED_WITHIN = 30
"""Days in which deaths are counted to a crash; nothing of it changes after them."""

FORMS = ("碰撞运动车辆", "碰撞静止车辆", "追尾碰撞", "刮撞行人", "侧翻", "撞固定物", "碾压", "其他")
FORM_WEIGHTS = (38.0, 14.0, 25.0, 7.0, 3.0, 9.0, 1.0, 3.0)
VEHICLE_PAIRS = (
    "小型汽车;小型汽车", "小型汽车;电动自行车", "小型汽车;行人", "重型货车;电动自行车", "重型货车;小型汽车", "小型汽车",
    "电动自行车;电动自行车", "摩托车;小型汽车", "大型客车;小型汽车", "电动自行车;行人", "面包车;小型汽车",
)  # fmt: skip
PAIR_WEIGHTS = (44.0, 21.0, 4.0, 1.6, 3.0, 9.0, 6.0, 4.0, 1.0, 2.4, 4.0)
CAUSES = (
    "未按规定让行", "未保持安全距离", "违反交通信号", "超速行驶", "变更车道影响他车", "疲劳驾驶", "酒后驾驶",
    "逆向行驶", "路面湿滑操作不当", "其他影响安全行为",
)  # fmt: skip
CAUSE_WEIGHTS = (26.0, 24.0, 9.0, 6.0, 13.0, 2.0, 2.0, 5.0, 1.5, 11.5)
OPEN_CAUSE = "调查中"
VIOLATION_KINDS = (
    ("10391", "机动车违反规定停放", 0, 100, 34.0),
    ("13441", "违反禁令标志指示", 1, 100, 16.0),
    ("13453", "违反禁止标线指示", 1, 100, 14.0),
    ("16251", "驾驶机动车违反道路交通信号灯通行", 6, 200, 8.0),
    ("16361", "超速未达20%", 3, 100, 11.0),
    ("17212", "超速20%以上未达50%", 6, 200, 2.0),
    ("11011", "驾驶人未按规定使用安全带", 1, 50, 6.0),
    ("12231", "驾驶时拨打接听手持电话", 2, 50, 3.0),
    ("20011", "电动自行车驾乘人员未戴安全头盔", 0, 20, 4.0),
    ("16371", "载物超过核定载质量未达30%", 1, 300, 1.0),
    ("17121", "饮酒后驾驶机动车", 12, 1000, 0.3),
    ("12401", "疲劳驾驶中型以上载客载货汽车", 3, 300, 0.3),
    ("10471", "运输车辆未采取措施防止物料飘散", 1, 300, 0.4),
)
"""Code, meaning, points, fine in yuan, weight."""

AREA_CODE = ("area_code_current", "area_code")
CRASH_DIRT = (
    Pattern(
        "stake_text", "The stake is written K12+300 instead of kilometres.", 0.12, "warning", "stake_is_number", "stake"
    ),
    Pattern("unknown_road", "The road is none of the register: 999999.", 0.02, "warning", "road_known", "road_code"),
    Pattern("old_area_code", "Area code from before a merger.", 0.015, "warning", *AREA_CODE),
    Pattern("coordinates_swapped", "Longitude and latitude are swapped.", 0.006, "warning", "lng_in_city", "lng"),
    Pattern("coordinates_zero", "Longitude and latitude are 0.", 0.01, "warning", "lng_in_city", "lng"),
    Pattern(
        "time_1900", "The time of the crash is 1900-01-01: the form was saved empty.", 0.003, "quarantine",
        "crashed_in_our_time", "crashed_at",
    ),
    Pattern("test_row", "A row that was typed to try the system.", 0.002, "quarantine", "not_a_test", "form"),
    Pattern(
        "deaths_too_few", "Somebody died of it later: the number of deaths grows with a later version.", 0.0007,
        "corrected", None, "deaths_30d_n",
    ),
)  # fmt: skip
VIOLATION_DIRT = (
    Pattern("old_area_code", "Area code from before a merger.", 0.015, "warning", *AREA_CODE),
    Pattern("unknown_road", "The road is none of the register: 999999.", 0.015, "warning", "road_known", "road_code"),
    Pattern("plate_missing", "The camera read no plate.", 0.01, "warning", "plate_there", "plate_key"),
    Pattern(
        "speed_impossible", "A radar reading of more than 300 km/h.", 0.001, "warning", "speed_possible", "speed_kmh"
    ),
    Pattern("repeated", "The same record twice in a file.", 0.004, "unchanged", None, None),
    Pattern("test_row", "A camera's trial picture.", 0.001, "quarantine", "not_a_test", "violation_code"),
)  # fmt: skip
VEHICLE_DIRT = (
    Pattern("old_area_code", "Area code from before a merger.", 0.03, "warning", *AREA_CODE),
    Pattern(
        "date_1900", "First registration on 1900-01-01: an empty date of the old system.", 0.002, "warning",
        "registered_in_our_time", "registered_on",
    ),
    Pattern(
        "scrapped_valid", "Reported scrapped, yet inspected until a later day.", 0.004, "core", None, "inspected_until"
    ),
)  # fmt: skip


def junctions(world: World) -> Columns:
    """The register's junctions with the kilometre of their road at which they lie."""
    return world.once("s05.junctions", lambda: _junctions(world))


def _junctions(world: World) -> Columns:
    register, road = world.city.junction, world.city.road
    of = np.asarray(register["road_i"])
    bearing = np.radians(np.asarray(road["bearing"])[of])
    lat = np.asarray(road["lat"])[of]
    east = (np.asarray(register["lng"]) - np.asarray(road["lng"])[of]) * 111.32 * np.cos(np.radians(lat))
    north = (np.asarray(register["lat"]) - lat) * 110.94
    length = np.asarray(road["length_km"])[of]
    return Columns(
        **{name: np.asarray(values) for name, values in register.items()},
        km=np.round(np.clip(east * np.sin(bearing) + north * np.cos(bearing) + length / 2, 0, length), 2),
    )


def _along(world: World, road_i: Any, km: Any) -> tuple[Any, Any]:
    """Points of roads: straight lines around their middle, kilometre 0 at the end from which the bearing is told."""
    road = world.city.road
    bearing = np.radians(np.asarray(road["bearing"])[road_i])
    from_middle = km - np.asarray(road["length_km"])[road_i] / 2
    lat = np.asarray(road["lat"])[road_i]
    lng = np.asarray(road["lng"])[road_i]
    return (
        lng + from_middle * np.sin(bearing) / (111.32 * np.cos(np.radians(lat))),
        lat + from_middle * np.cos(bearing) / 110.94,
    )


def _on_roads(world: World, of: Columns, stream: str, at_junction: float) -> Columns:
    """Where on its township's roads each thing happens: ``road_i km lng lat junction_i`` (-1 between junctions)."""
    chance, road, crossing = world.chance, world.city.road, junctions(world)
    key = keys(of)
    danger = np.asarray(crossing["danger"], dtype=np.float64)
    junction = pick(chance, crossing["township_i"], of["township_i"], danger, f"{stream}.junction", *key)
    junction = np.where(chance.happens(at_junction, f"{stream}.crossing", *key), junction, -1)
    length = np.asarray(road["length_km"], dtype=np.float64)
    road_i = pick(chance, np.asarray(road["township_i"]), of["township_i"], length, f"{stream}.road", *key)
    at = np.maximum(junction, 0)
    has = (junction >= 0) & (crossing.rows_n > 0)
    road_i = np.where(has, crossing["road_i"][at], road_i) if crossing.rows_n else road_i
    km = np.round(length[road_i] * chance.uniform(f"{stream}.km", *key), 2)
    km = np.where(has, crossing["km"][at], km) if crossing.rows_n else km
    lng, lat = _along(world, road_i, km)
    if crossing.rows_n:
        lng = np.where(has, crossing["lng"][at], lng)
        lat = np.where(has, crossing["lat"][at], lat)
    lng, lat = nearby(chance, lng, lat, 12.0, f"{stream}.near", *key)
    return Columns(
        road_i=road_i, km=km, lng=np.round(lng, 6), lat=np.round(lat, 6), junction_i=np.where(has, junction, -1)
    )


def crashes(world: World, days: Days) -> Columns:
    """Crashes of these days, by day and township: where, when, what, and how the number of deaths came to be known."""
    return world.once(("s05.crashes", days), lambda: _crashes(world, days))


def _crashes(world: World, days: Days) -> Columns:
    chance = world.chance
    rhythm = world.life.rhythm("crash", days).sum(axis=1)
    made = drawn(world, days, "s05.crash", per_township(world, CRASHES), rhythm)
    key = keys(made)
    made = made.with_columns(
        at=moment(made["day"], world.life.hours("crash", made["day"], "s05.at", made["township_i"], made["n"])),
        chain_no=np.full(made.rows_n, -1),
        is_event=np.zeros(made.rows_n, bool),
        **_on_roads(world, made, "s05", AT_JUNCTION),
    )
    chained = _chained(world, days)
    if chained.rows_n:
        made = Columns.together([made, Columns({name: chained[name] for name in made})])
    made = made.where(np.lexsort((made["n"], made["township_i"], made["day"])))
    key = keys(made)
    hourly = world.life.weather(days)
    hour = (made["at"].astype("datetime64[h]") - hourly["hour"][0]).astype(np.int64) if made.rows_n else made["n"]
    rain, fog = hourly["rain_mm"][hour], hourly["vis_m"][hour] < 500
    clock = hour % 24
    sky = np.where(fog, 4, np.where(rain > 2.5, 3, np.where(rain > 0.1, 2, (hourly["rh_pct"][hour] > 84).astype(int))))
    is_dark = (clock < 6) | (clock >= 19)
    # Night, fog and speed make crashes worse; rain makes more of the light ones.
    worse = np.where(is_dark, 1.5, 0.85) * np.where(fog, 2.0, 1.0)
    severity = chance.uniform("s05.severity", *key)
    is_chain = made["chain_no"] >= 0
    is_fatal = np.where(is_chain, made["is_event"], severity < FATAL * worse)
    is_injury = np.where(is_chain, (severity < 0.6) | made["is_event"], severity < (FATAL + INJURY) * worse)
    deaths = np.where(is_fatal, 1 + chance.choose([0.88, 0.09, 0.02, 0.01], "s05.deaths", *key), 0)
    later = is_fatal & chance.happens(DIES_LATER, "s05.later", *key)
    corrected = made["day"] + chance.integers(1, CORRECTED_WITHIN, "s05.corrected", *key)
    vehicles = chance.choose(PAIR_WEIGHTS, "s05.vehicles", *key)
    # People on foot or on two wheels are those who are hurt.
    vehicles = np.where(is_injury & chance.happens(0.55, "s05.weak", *key), chance.choose(
        [0, 5, 2, 1.4, 0, 0, 0, 0.6, 0, 0.4, 0], "s05.weak_vehicles", *key), vehicles)  # fmt: skip
    cause = chance.choose(CAUSE_WEIGHTS, "s05.cause", *key)
    cause = np.where((rain > 0.5) & chance.happens(0.3, "s05.slippery", *key), 8, cause)
    return made.with_columns(
        crash_id=numbered("SG", made),
        weather=sky,
        light=np.where(is_dark, np.where(chance.happens(0.7, "s05.lit", *key), 1, 2), 0),
        is_wet=(rain > 0.1) | (sky >= 2),
        form=chance.choose(FORM_WEIGHTS, "s05.form", *key),
        vehicles=vehicles,
        cause=cause,
        deaths_first=np.where(later, deaths - 1, deaths),
        deaths_final=deaths,
        corrected_on=np.where(later, corrected, np.datetime64("NaT", "D")),
        injuries=np.where(
            is_injury, np.maximum(1 + chance.choose([0.7, 0.2, 0.07, 0.03], "s05.hurt", *key) - is_fatal, 0) + later, 0
        ),
        is_general=is_injury | is_fatal | chance.happens(0.05, "s05.general", *key) | is_chain,
        is_test=chance.happens(0.002, "s05.is_test", *key) & ~is_injury & ~is_chain,
        recorded_at=after(made["at"], chance.lognormal(45.0, 0.7, "s05.recorded", *key)),
        settled_at=moment(
            made["day"] + chance.integers(3, 13, "s05.settled", *key),
            chance.integers(9 * 3600, 17 * 3600, "s05.settled_at", *key),
        ),
        corrected_at=moment(corrected, chance.integers(9 * 3600, 17 * 3600, "s05.corrected_at", *key)),
    )


def _chained(world: World, days: Days) -> Columns:
    """Crashes of the chains: at one place of one road, the same for the whole chain."""
    chance, city = world.chance, world.city
    steps = chained(world, days, "S05", ("event", "crash"))
    road_i = pick(chance, np.asarray(city.road["township_i"]), steps["township_i"], None, "s05.spot", steps["chain_no"])
    length = np.asarray(city.road["length_km"], dtype=np.float64)[road_i]
    km = length * chance.uniform("s05.spot_km", steps["chain_no"]) + 0.04 * chance.normal(
        "s05.spot_near", steps["chain_no"], steps["step_no"]
    )
    lng, lat = nearby(
        chance, city.grid["lng"][steps["grid_i"]], city.grid["lat"][steps["grid_i"]], 35.0, "s05.spot_at",
        steps["chain_no"], steps["step_no"],
    )  # fmt: skip
    return Columns(
        township_i=steps["township_i"],
        day=steps["day"],
        n=steps["n"],
        at=steps["at"].astype("datetime64[s]"),
        chain_no=steps["chain_no"],
        is_event=steps["what"] == "event",
        road_i=road_i,
        km=np.round(np.clip(km, 0, length), 2),
        lng=np.round(lng, 6),
        lat=np.round(lat, 6),
        junction_i=np.full(steps.rows_n, -1),
    )


def _crash_rows(world: World, days: Days) -> Rows:
    chance, city = world.chance, world.city
    made = crashes(world, days.since(CORRECTED_WITHIN + 2))
    died = ~np.isnat(made["corrected_on"])
    versions = [
        (np.ones(made.rows_n, bool), made["recorded_at"]),
        (made["is_general"], np.maximum(made["settled_at"], after(made["recorded_at"], 60))),
        (died, np.maximum(made["corrected_at"], after(made["recorded_at"], 90))),
    ]
    position = np.concatenate([np.flatnonzero(has) for has, _ in versions])
    updated = np.concatenate([at[has] for has, at in versions])
    number = np.repeat(np.arange(3), [int(has.sum()) for has, _ in versions])
    now = days.holds(updated)
    position, updated, number = position[now], updated[now], number[now]
    of = made.where(position)
    key = (*keys(of), number)
    code, is_old = old_codes(world, "s05.old_code", 0.015, of["township_i"], *key)
    is_known = ~of["is_general"] | (updated >= of["settled_at"])
    is_corrected = ~np.isnat(of["corrected_on"]) & (updated >= versions[2][1][position])
    deaths = np.where(is_corrected, of["deaths_final"], of["deaths_first"])
    road_i = of["road_i"]
    road_code = np.asarray(city.road["code"])[road_i]
    where = chance.uniform("s05.where", *keys(of))
    form = np.array(FORMS, dtype=object)[of["form"]]
    return written(
        """
        SELECT crash_id AS "SGBH",
               CASE WHEN empty THEN '1900-01-01 00:00:00' ELSE strftime("at", '%Y-%m-%d %H:%M:%S') END AS "SGFSSJ",
               area_code AS "XZQH", CASE WHEN no_road THEN '999999' ELSE road_code END AS "LH", road_name AS "LM",
               CASE WHEN as_text THEN 'K' || floor(km)::INTEGER || '+' ||
                        lpad(round((km - floor(km)) * 1000)::INTEGER::VARCHAR, 3, '0')
                    ELSE printf('%.2f', km) END AS "GLS",
               road_name || printf('%.1f', km) || '公里附近' AS "SGDD",
               CASE WHEN zero THEN '0' WHEN swapped THEN printf('%.6f', lat) ELSE printf('%.6f', lng) END AS "JD",
               CASE WHEN zero THEN '0' WHEN swapped THEN printf('%.6f', lng) ELSE printf('%.6f', lat) END AS "WD",
               CASE WHEN is_test THEN '测试' ELSE form END AS "SGXT", deaths AS "SWRS30", injuries AS "SSRS",
               vehicles AS "CLLX", plate_1 AS "HPHM1", CASE WHEN contains(vehicles, ';') THEN plate_2 END AS "HPHM2",
               person AS "DSRXM", identity AS "DSRSFZ", phone AS "DSRDH", cause AS "SGYY",
               ['晴', '阴', '小雨', '大雨', '雾'][weather + 1] AS "TQ",
               ['白天', '夜间有路灯照明', '夜间无路灯照明'][light + 1] AS "ZMTJ",
               CASE WHEN is_wet THEN '潮湿' ELSE '干燥' END AS "LMZK",
               CASE WHEN is_general THEN '一般程序' ELSE '简易程序' END AS "CLCX", loss AS "CCSS",
               '当事人' || person || '（电话' || phone || '）驾驶' || plate_1 || '行驶至' || road_name || '处发生'
                   || form || CASE WHEN is_test THEN '，测试数据' ELSE '' END AS "JYAQ",
               strftime(updated, '%Y-%m-%d %H:%M:%S') AS "GXSJ",
               updated::DATE AS _day, crash_id AS _key, as_text AS "!stake_text", no_road AS "!unknown_road",
               is_old AS "!old_area_code", swapped AS "!coordinates_swapped", zero AS "!coordinates_zero",
               empty AS "!time_1900", is_test AS "!test_row", too_few AS "!deaths_too_few"
        FROM crash ORDER BY updated, crash_id, number
        """,
        crash=Columns(
            crash_id=of["crash_id"],
            at=of["at"],
            area_code=code,
            is_old=is_old,
            road_code=road_code,
            road_name=np.asarray(city.road["name_zh"])[road_i],
            km=of["km"],
            lng=of["lng"],
            lat=of["lat"],
            form=form,
            deaths=deaths,
            injuries=of["injuries"] - (is_corrected & (of["injuries"] > 0)),
            vehicles=np.array(VEHICLE_PAIRS, dtype=object)[of["vehicles"]],
            plate_1=plate(chance, "s05.plate_1", *keys(of)),
            plate_2=plate(chance, "s05.plate_2", *keys(of)),
            person=person_name(chance, "s05.person", *keys(of)),
            identity=identity_number(chance, "s05.identity", *keys(of)),
            phone=phone(chance, "s05.phone", *keys(of)),
            cause=np.where(is_known, np.array(CAUSES, dtype=object)[of["cause"]], OPEN_CAUSE),
            weather=of["weather"],
            light=of["light"],
            is_wet=of["is_wet"],
            is_general=of["is_general"],
            loss=np.rint(chance.lognormal(np.where(of["is_general"], 9000.0, 1800.0), 0.9, "s05.loss", *keys(of))),
            updated=updated,
            number=number,
            as_text=chance.happens(0.12, "s05.stake_text", *keys(of)),
            no_road=chance.happens(0.02, "s05.no_road", *key),
            swapped=where < 0.006,
            zero=(where >= 0.5) & (where < 0.51),
            empty=chance.happens(0.003, "s05.empty", *key),
            is_test=of["is_test"],
            too_few=deaths < of["deaths_final"],
        ),
    )


def _violation_rows(world: World, days: Days) -> Rows:
    chance, city = world.chance, world.city
    rhythm = world.life.rhythm("traffic", days).sum(axis=1)
    made = drawn(world, days, "s05.violation", per_township(world, VIOLATIONS), rhythm)
    key = keys(made)
    at = moment(made["day"], world.life.hours("traffic", made["day"], "s05.violated", made["township_i"], made["n"]))
    place = _on_roads(world, made, "s05.violation", 0.7)
    kind = chance.choose([weight for *_, weight in VIOLATION_KINDS], "s05.violation.kind", *key)
    speeding = np.isin(kind, [4, 5])
    code, is_old = old_codes(world, "s05.violation.old", 0.015, made["township_i"], *key)
    wild = speeding & chance.happens(0.001 / 0.13, "s05.violation.wild", *key)
    # A driver collects more than one: plates are drawn from a fleet of the township, a few of them often.
    fleet = np.maximum(np.asarray(city.township["population"])[made["township_i"]] // 3, 10)
    car = np.floor(fleet * chance.uniform("s05.violation.car", *key) ** 1.8).astype(np.int64)
    times = 1 + chance.happens(0.004, "s05.violation.twice", *key)
    of = np.repeat(np.arange(made.rows_n), times)
    again = repeated(times)[1] > 0
    kinds = ", ".join(f"('{one}', '{meaning}', {points}, {fine})" for one, meaning, points, fine, _ in VIOLATION_KINDS)
    return written(
        f"""
        WITH kinds AS (SELECT row_number() OVER () - 1 AS kind, *
                       FROM (VALUES {kinds}) AS k(code, meaning, points, fine))
        SELECT id AS "WFBH", strftime("at", '%Y-%m-%d %H:%M:%S') AS "WFSJ", area_code AS "XZQH",
               CASE WHEN no_road THEN '999999' ELSE road_code END AS "LH", printf('%.2f', km) AS "GLS",
               printf('%.6f', lng) AS "JD", printf('%.6f', lat) AS "WD",
               CASE WHEN NOT no_plate THEN plate END AS "HPHM", vehicle AS "CLLX",
               CASE WHEN is_test THEN '00000' ELSE k.code END AS "WFXW",
               CASE WHEN is_test THEN '测试抓拍' ELSE k.meaning END AS "WFNR", k.points AS "WFJFS", k.fine AS "FKJE",
               CASE WHEN is_camera THEN '电子警察' ELSE '现场执法' END AS "CJFS", speed AS "SCZ",
               "at"::DATE AS _day, id AS _key, is_old AND NOT again AS "!old_area_code",
               no_road AND NOT again AS "!unknown_road", no_plate AND NOT again AS "!plate_missing",
               wild AND NOT again AS "!speed_impossible", again AS "!repeated", is_test AND NOT again AS "!test_row"
        FROM violation AS v JOIN kinds AS k USING (kind) ORDER BY "at", id, again
        """,
        violation=Columns(
            id=numbered("WF", made)[of],
            at=at[of],
            area_code=code[of],
            is_old=is_old[of],
            road_code=np.asarray(city.road["code"])[place["road_i"]][of],
            km=place["km"][of],
            lng=place["lng"][of],
            lat=place["lat"][of],
            plate=plate(chance, "s05.fleet", made["township_i"], car)[of],
            vehicle=np.array(["小型汽车", "重型货车", "摩托车", "大型客车", "电动自行车"], dtype=object)[
                np.where(kind == 8, 4, np.where(np.isin(kind, [9, 11, 12]), 1, chance.choose(
                    [86, 6, 6, 2], "s05.violation.vehicle", *key)))
            ][of],
            kind=kind[of],
            is_camera=chance.happens(0.78, "s05.violation.camera", *key)[of],
            speed=np.where(
                wild, 301 + chance.integers(0, 600, "s05.violation.wild_speed", *key),
                np.where(speeding, chance.integers(64, 140, "s05.violation.speed", *key), 0),
            )[of],
            no_road=chance.happens(0.015, "s05.violation.no_road", *key)[of],
            no_plate=chance.happens(0.01, "s05.violation.no_plate", *key)[of],
            wild=wild[of],
            again=again,
            is_test=chance.happens(0.001, "s05.violation.test", *key)[of],
        ),
    )  # fmt: skip


def vehicles(world: World) -> Columns:
    """The fleet of the delivered townships, vehicles registered until the end of the city's time included."""
    return world.once("s05.vehicles", lambda: _vehicles(world))


def _vehicles(world: World) -> Columns:
    chance, register = world.chance, world.city.township
    township = active_townships(world)
    people = np.asarray(register["population"])[township]
    position, n = repeated(np.rint(people * VEHICLES_PER_PERSON * 1.12).astype(np.int64))
    township = township[position].astype(np.int32)
    n = n.astype(np.int32)
    # A tenth is registered in the four years of the city's time, the rest in the fourteen before.
    age = chance.uniform("s05.vehicle.age", township, n)
    registered = np.datetime64("2027-12-31") - np.floor(6500 * age**1.25).astype(np.int64)
    kind = chance.choose([88.0, 5.0, 4.0, 1.2, 1.3, 0.5], "s05.vehicle.kind", township, n).astype(np.int8)
    lot = chance.uniform("s05.vehicle.lot", township, n).astype(np.float32)
    overdue = lot < np.array([0.028, 0.05, 0.16, 0.015, 0.02, 0.01])[kind]
    return Columns(
        township_i=township, n=n, registered_on=registered, kind=kind, lot=lot, is_overdue=overdue,
        inspected_in=chance.integers(0, 365, "s05.vehicle.inspection", township, n).astype(np.int16),
    )  # fmt: skip


def _vehicle_bits(world: World, fleet: Columns) -> Any:
    """Forty random bits of each vehicle: plate, owner and telephone are made of them."""
    return (world.chance.bits("s05.vehicle.name", fleet["township_i"], fleet["n"]) >> np.uint64(24)).astype(np.int64)


def commercial_vehicles(world: World) -> Columns:
    """Heavy lorries and coaches of the register, which the transport bureau follows too, with ``plate``.

    `kind` is 3 for lorries and 5 for coaches; a lorry with a `lot` above `HAZARDOUS_FROM` carries dangerous goods.
    """
    fleet = vehicles(world)
    own = fleet.where(np.isin(fleet["kind"], (3, 5)))
    bits = _vehicle_bits(world, own)
    letter = np.array(list(LETTERS), dtype=object)[bits % 8]
    number = zfill((bits // 8 % 100_000).astype("U5"), 5).astype(object)
    return own.with_columns(plate="澜" + letter + number)


def _months(days: Days) -> Any:
    """First days of the months that lie in the stretch."""
    day = days.array
    return day[day == day.astype("datetime64[M]").astype("datetime64[D]")]


def _vehicle_rows(world: World, days: Days) -> Rows:
    chance, month = world.chance, _months(days)
    fleet = vehicles(world).where(slice(None if len(month) else 0))
    register = world.city.township
    old = np.asarray(register["old_code"])
    from demo_city.city.people import GIVEN, SURNAMES

    surnames, given = ("[" + ", ".join(f"'{one}'" for one in names) + "]" for names in (SURNAMES, GIVEN))
    is_old = chance.happens(0.03 / old_share(world), "s05.vehicle.old", fleet["township_i"], fleet["n"])
    is_old &= (old != "")[fleet["township_i"]]
    # The text of a vehicle is the same in every month: it is made once, and months only choose and add dates.
    return written(
        f"""
        WITH text AS MATERIALIZED (
            SELECT v.*, lpad(v.township_i::VARCHAR, 3, '0') || lpad(v.n::VARCHAR, 7, '0') AS id,
                   CASE WHEN is_old THEN t.old_code ELSE t.code END AS area_code,
                   '澜' || substr('{LETTERS}', (bits % 8)::INTEGER + 1, 1)
                       || lpad((bits // 8 % 100000)::VARCHAR, 5, '0') AS plate,
                   {surnames}[(bits // 1000000 % {len(SURNAMES)})::INTEGER + 1]
                       || {given}[(bits // 70000000 % {len(GIVEN)})::INTEGER + 1]
                       || {given}[(bits // 4900000000 % {len(GIVEN)})::INTEGER + 1] AS owner,
                   '12' || lpad((bits // 7 % 1000000000)::VARCHAR, 9, '0') AS phone
            FROM fleet AS v JOIN townships AS t USING (township_i)),
             dated AS (
            SELECT text.*, m.month, last_day(m.month) AS as_of,
                   CASE WHEN is_overdue THEN last_day(m.month) - (inspected_in + 20)::INTEGER
                        ELSE last_day(m.month) + (inspected_in + 1)::INTEGER END AS inspected_until
            FROM text JOIN months AS m ON registered_on <= last_day(m.month))
        SELECT 'XH99' || id AS "XH", plate AS "HPHM",
               ['小型汽车', '小型新能源汽车', '摩托车', '重型货车', '轻型货车', '大型客车'][kind + 1] AS "CLLX",
               CASE kind WHEN 3 THEN CASE WHEN lot > {HAZARDOUS_FROM} THEN '危化品运输' ELSE '货运' END
                         WHEN 4 THEN '货运'
                         WHEN 5 THEN CASE WHEN lot > 0.6 THEN '公路客运' WHEN lot > 0.5 THEN '校车' ELSE '旅游客运' END
                         ELSE '非营运' END AS "SYXZ",
               owner AS "SYR", phone AS "SJHM", area_code AS "XZQH",
               CASE WHEN empty THEN '1900-01-01' ELSE strftime(registered_on, '%Y-%m-%d') END AS "CCDJRQ",
               strftime(inspected_until, '%Y-%m-%d') AS "YXQZ",
               strftime(as_of + (inspected_in % 360)::INTEGER, '%Y-%m-%d') AS "BXZZRQ",
               CASE WHEN scrapped THEN '报废' WHEN is_overdue THEN '逾期未检验' ELSE '正常' END AS "ZT",
               month AS _day, 'XH99' || id AS _key, is_old AS "!old_area_code", empty AS "!date_1900",
               scrapped AND NOT is_overdue AS "!scrapped_valid"
        FROM dated ORDER BY month, township_i, n
        """,
        fleet=fleet.with_columns(
            bits=_vehicle_bits(world, fleet),
            is_old=is_old,
            empty=(fleet["lot"] >= 0.4) & (fleet["lot"] < 0.402),
            scrapped=(fleet["lot"] >= 0.7) & (fleet["lot"] < 0.704),
        ),
        months=Columns(month=month),
        townships=Columns(
            township_i=np.arange(len(old)).astype(np.int32), code=np.asarray(register["code"]), old_code=old
        ),
    )


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    made = crashes(world, days)
    fleet, month = vehicles(world), _months(days)
    return {
        "crash": statement(
            """
            SELECT crash_id, "at", deaths_first, deaths_final, corrected_on, injuries,
                   form, township_i::INTEGER AS township_i, road_i::INTEGER AS road_i, lng, lat, is_general, km,
                   recorded_at::DATE AS delivered_on, NOT is_test AS is_real
            FROM crash ORDER BY "at", crash_id
            """,
            crash=made.with_columns(form=np.array(FORMS, dtype=object)[made["form"]]),
        ),
        "vehicle_month": statement(
            """
            SELECT month, township_i, count(*) AS vehicles_n, count(*) FILTER (is_overdue) AS overdue_n
            FROM fleet JOIN months ON registered_on <= last_day(month) GROUP BY ALL ORDER BY month, township_i
            """,
            fleet=Columns({name: fleet[name] for name in ("township_i", "registered_on", "is_overdue")}),
            months=Columns(month=month),
        ),
    }


SOURCE = Source(
    "S05",
    "公安局交警支队 事故、违法与车驾管",
    (
        Dataset(
            "S05",
            "linlan.traffic_police.crash",
            "交通事故",
            Files(
                "crash_{day:%Y%m%d}*.csv.gz", writers.csv(encoding="gb18030", gz=True), way="folder", late=0.02,
                missing=0.005, double=0.01,
            ),
            _crash_rows,
            CRASH_DIRT,
        ),
        Dataset(
            "S05",
            "linlan.traffic_police.violation",
            "交通违法",
            Files(
                "violation_{day:%Y%m%d}*.csv.gz", writers.csv(encoding="gb18030", gz=True), way="folder", late=0.01,
                double=0.01, drifts=(Drift(date(2026, 6, 9), renamed={"WFXW": "WFXWDM"}),),
            ),
            _violation_rows,
            VIOLATION_DIRT,
        ),
        Dataset(
            "S05",
            "linlan.traffic_police.vehicle",
            "机动车登记",
            Files(
                "vehicle_{day:%Y%m}.csv.gz", writers.csv(encoding="gb18030", gz=True), way="folder", every="month"
            ),
            _vehicle_rows,
            VEHICLE_DIRT,
        ),
    ),
    _events,
)  # fmt: skip
