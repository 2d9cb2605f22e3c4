"""S03 city management: cases of the streets from report to archive, and the register of urban components.

A case is filed or refused, dispatched with a limit in working hours (8:30 to 17:30 on workdays) or, where it is urgent,
in hours of the clock, disposed of, checked on the spot (and sent back when it is not so), archived.

Tables of events: ``city_case`` (beside the agreed columns ``type_code deadline_h is_working_hours chain_no
delivered_on``; cancelled cases have no filing).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.chance import repeated
from demo_city.city.coordinates import to_cgcs2000_zone
from demo_city.city.people import person_name, phone
from demo_city.columns import Columns
from demo_city.departments.appeals.happenings import CASE, reports
from demo_city.departments.appeals.states import as_table, ends_of_days, first_days, times
from demo_city.departments.appeals.topics import TOPICS, text_table, topic_table
from demo_city.departments.appeals.worktime import (
    NEVER,
    after_office_hours,
    days_since_1970,
    in_office,
)
from demo_city.departments.protocol import Dataset, Files, Pattern, Rows, Source, Table
from demo_city.departments.s01_hotline import LIFE_DAYS
from demo_city.departments.safety import OLD_COUNTY, written
from demo_city.systems import writers
from demo_city.text import replace, zfill

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

ZONE, WRONG_ZONE = 41, 40
SOURCES = ("监督员上报", "公众举报", "视频智能识别", "12345转办", "领导批示")
SOURCE_WEIGHTS = (66, 13, 14, 6, 1)
REPORTED, FILED, CANCELLED, DISPATCHED, DISPOSED, SENT_BACK, DISPOSED_AGAIN, ARCHIVED = range(8)
STATUS = ("20", "30", "85", "50", "60", "90", "60", "80")
"""Codes of the national workflow after each moment: received, filed, void, in work, reported back, rework, closed."""
URGENT_HOURS, HOURS = 4, (9, 18, 45)
"""Limits: of urgent cases in hours of the clock; of the others in working hours, by how hard the topic is."""
REFUSED, BACK = 0.04, 0.07
WRONG_ZONE_SHARE, NO_UNIT, OLD_PREFIX, OTHER_PREFIX = 0.02, 0.036, 0.02, 0.006

COMPONENTS = (
    # code, name, pieces a grid
    ("0101", "上水井盖", 1.6),
    ("0102", "污水井盖", 1.9),
    ("0103", "雨水井盖", 1.8),
    ("0104", "雨水箅子", 1.2),
    ("0105", "电力井盖", 0.7),
    ("0106", "路灯", 2.1),
    ("0107", "通信交接箱", 0.3),
    ("0108", "消火栓", 0.35),
    ("0201", "停车场", 0.1),
    ("0202", "交通标志牌", 0.6),
    ("0203", "交通信号灯", 0.15),
    ("0204", "交通护栏", 0.25),
    ("0301", "公共厕所", 0.08),
    ("0302", "垃圾箱", 0.7),
    ("0303", "户外广告", 0.3),
    ("0401", "行道树", 0.9),
    ("0402", "绿地", 0.15),
    ("0501", "宣传栏", 0.12),
)
"""Classes of urban components (GB/T 30428): class and subclass, name, and how many a grid has."""

CASE_PATTERNS = (
    Pattern(
        "wrong_zone", "Projected in the neighbouring zone 40 instead of 41.", WRONG_ZONE_SHARE, "warning",
        "easting_in_zone", "x_m",
    ),
    Pattern(
        "limit_without_unit", "The limit does not say whether its hours are working hours.", NO_UNIT, "warning",
        "deadline_unit_there", "deadline_unit",
    ),
)  # fmt: skip
COMPONENT_PATTERNS = (
    Pattern(
        "old_county_prefix", "The component's number begins with the code of a county that is no more.", 0.0085,
        "warning", "component_prefix_current", "component_id",
    ),
    Pattern(
        "other_county_prefix", "The component's number begins with the code of another county.", OTHER_PREFIX, "core",
        None, "component_id",
    ),
)  # fmt: skip


def cases(world: World, days: Days) -> Columns:
    """Every case reported on the given days, clean.

    Returns:
        The reports' columns, and ``source_i limit_h is_urgent deadline is_refused is_back moments``.
    """
    chance = world.chance
    of = reports(world, days, CASE)
    key, topic = (of["event"], of["n"]), of["topic_i"]
    urgent = np.array([t.urgent for t in TOPICS])[topic]
    load = world.life.load("county", days)
    first = int(days.array[0].astype(np.int64))
    load = load[np.clip(days_since_1970(of["at"]) - first, 0, len(load) - 1)]
    uniform = {name: chance.uniform(f"s03.{name}", *key) for name in ("file", "send", "work", "check")}
    filed = of["at"] + (300 + 5000 * uniform["file"] ** 2).astype(np.int64)
    dispatched = filed + (180 + 3600 * uniform["send"] ** 2).astype(np.int64)
    dispatched = np.where(urgent, dispatched, in_office(world, dispatched, 0.1 * uniform["work"]))
    hard = np.digitize(np.array([t.workdays for t in TOPICS])[topic], [1.9, 3.5])
    limit = np.where(urgent, URGENT_HOURS, np.array(HOURS)[hard])
    deadline = np.where(urgent, dispatched + limit * 3600, after_office_hours(world, dispatched, limit))
    hours = limit * chance.lognormal(0.34, 0.75, "s03.hours", *key) * np.where(urgent, 1.0, load)
    hours = np.minimum(hours, 20 * 9.0)
    done = np.where(urgent, dispatched + (hours * 3600).astype(np.int64), after_office_hours(world, dispatched, hours))
    hurried = (done > deadline) & (deadline > dispatched + 1800) & chance.happens(0.7, "s03.hurry", *key)
    done = np.where(hurried, deadline - (120 + 1500 * uniform["work"]).astype(np.int64), done)
    back = chance.happens(BACK, "s03.back", *key)
    checked = in_office(world, done + (900 + 60_000 * uniform["check"] ** 2).astype(np.int64), uniform["work"])
    again = after_office_hours(world, checked, 2 + 14 * uniform["send"])
    archived = np.where(
        back, in_office(world, again + (900 + 30_000 * uniform["file"]).astype(np.int64), uniform["check"]), checked
    )
    refused = chance.happens(REFUSED, "s03.refused", *key)
    moments = np.full((of.rows_n, 8), NEVER)
    moments[:, REPORTED] = of["at"]
    moments[:, CANCELLED] = np.where(refused, filed, NEVER)
    for number, moment in ((FILED, filed), (DISPATCHED, dispatched), (DISPOSED, done), (ARCHIVED, archived)):
        moments[:, number] = np.where(refused, NEVER, moment)
    moments[:, SENT_BACK] = np.where(back & ~refused, checked, NEVER)
    moments[:, DISPOSED_AGAIN] = np.where(back & ~refused, again, NEVER)
    return of.with_columns(
        source_i=chance.choose(SOURCE_WEIGHTS, "s03.source", *key),
        limit_h=limit,
        is_urgent=urgent,
        deadline=deadline,
        is_refused=refused,
        is_back=back & ~refused,
        moments=moments,
    )


def _case_rows(world: World, days: Days) -> Rows:
    chance, city = world.chance, world.city
    # The same stretch as the hotline asks for, so that what both are told is made once.
    of = cases(world, days.since(LIFE_DAYS))
    seen = ends_of_days(of["moments"])
    seen = seen.where(days.holds(seen["day"].astype("datetime64[D]")))
    own = Columns({name: values[seen["case_i"]] for name, values in of.items()})
    shown = np.where(own["moments"] <= seen["moment"][:, None], own["moments"], NEVER)
    key = (own["event"], own["n"])
    x, y = to_cgcs2000_zone(own["lng"], own["lat"], ZONE)
    other_x, other_y = to_cgcs2000_zone(own["lng"], own["lat"], WRONG_ZONE)
    is_wrong = chance.happens(WRONG_ZONE_SHARE, "s03.zone", *key)
    is_sent = shown[:, DISPATCHED] < NEVER
    no_unit = chance.happens(NO_UNIT, "s03.unit", *key)
    building = np.maximum(own["building_i"], 0)
    caller = own["township_i"] * 10_000_000 + chance.integers(0, 1 << 20, "s03.caller", *key)
    departments = _departments(world, own)
    table = as_table(
        {
            "topic_i": own["topic_i"],
            "text_no": chance.integers(0, 1 << 20, "s03.text", *key) % _text_n()[own["topic_i"]],
            "rec_id": _numbers(world, own, "C"),
            "task_num": _numbers(world, own, "临数管"),
            "event_src": np.array(SOURCES, dtype=object)[own["source_i"]],
            "is_public": own["source_i"] == 1,
            "name": person_name(chance, "s03.person", caller),
            "tel": phone(chance, "s03.person.tel", caller),
            "cell_id": city.grid["grid_id"][own["grid_i"]],
            "x": np.where(is_wrong, other_x, x).round(3),
            "y": np.where(is_wrong, other_y, y).round(3),
            "address": city.building["address_zh"][building].astype(object),
            "road": city.road["name_zh"][city.building["road_i"][building]].astype(object),
            "house_no": city.building["house_no"][building],
            "report_time": times(own["at"]),
            "inst_time": times(shown[:, FILED]),
            "dispatch_time": times(shown[:, DISPATCHED]),
            "dispose_unit": pa.array(np.where(is_sent, departments, None), pa.string()),
            "deadline_h": pa.array(own["limit_h"].astype(np.float64), mask=~is_sent),
            "deadline_unit": pa.array(
                np.where(own["is_urgent"], "小时", "工时").astype(object), mask=no_unit
            ),
            "dispose_time": times(np.where(shown[:, DISPOSED_AGAIN] < NEVER, shown[:, DISPOSED_AGAIN], np.where(
                shown[:, SENT_BACK] < NEVER, NEVER, shown[:, DISPOSED]))),
            "archive_time": times(shown[:, ARCHIVED]),
            "rework_n": pa.array((shown[:, SENT_BACK] < NEVER).astype(np.int64), pa.int32()),
            "cancel_flag": np.where(shown[:, CANCELLED] < NEVER, "1", "0"),
            "status": np.array(STATUS, dtype=object)[seen["k"]],
            "updated_at": times(seen["moment"]),
            "_day": pa.array(seen["day"].astype("datetime64[D]")),
            "!wrong_zone": is_wrong,
            "!limit_without_unit": no_unit,
        }
    )  # fmt: skip
    return written(_CASE_SQL, seen=table, topics=topic_table(), texts=text_table())


_CASE_SQL = """
SELECT rec_id, task_num, event_src, case_code AS type_code, case_main AS main_type, case_sub AS sub_type, cell_id,
       x, y, address || '附近' AS address,
       replace(replace(text, '{p}', road || house_no || '号附近'), '{m}', '若干')
       || CASE WHEN is_public THEN '。举报人' || name || '，电话' || tel ELSE '。' END AS description,
       CASE WHEN is_public THEN name END AS reporter_name, CASE WHEN is_public THEN tel END AS reporter_tel,
       report_time, inst_time, dispatch_time, dispose_unit, deadline_h, deadline_unit, dispose_time, archive_time,
       rework_n, cancel_flag, status, updated_at, _day, rec_id AS _key, COLUMNS('^!.*')
FROM seen JOIN topics USING (topic_i) JOIN texts USING (topic_i, text_no)
ORDER BY _day, updated_at, rec_id
"""


def _text_n() -> Any:
    return np.array([len(topic.texts) for topic in TOPICS])


def _numbers(world: World, of: Columns, head: str) -> Any:
    day = replace(days_since_1970(of["at"]).astype("datetime64[D]").astype(str), "-", "")
    code = np.array([text[3:] for text in world.city.township["code"]])[of["township_i"]]
    serial = zfill(of["serial"].astype("U5"), 5)
    return np.char.add(np.char.add(np.char.add(head, day), code), serial).astype(object)


def _departments(world: World, of: Columns) -> Any:
    """Name of the unit that disposes of each case: an office of the city, or the county's government."""
    register = world.city.department
    keys = list(register["department_key"])
    own = np.array([keys.index(topic.department) for topic in TOPICS])[of["topic_i"]]
    counties = np.array([keys.index(f"county_{code}") for code in world.city.county["code"]])
    county = counties[world.city.township["county_i"][of["township_i"]]]
    to_county = world.chance.happens(0.6, "s03.county", of["event"], of["n"])
    return register["name_zh"].astype(object)[np.where(to_county, county, own)]


def components(world: World) -> Columns:
    """Every component: ``township_i grid_i type_i serial key lng lat made_on gone_on component_id old other``."""
    return world.once("s03.components", lambda: _components(world))


def _components(world: World) -> Columns:
    chance, city = world.chance, world.city
    grid = city.grid
    mean = np.array([each for _, _, each in COMPONENTS])
    kinds = np.arange(len(COMPONENTS))
    counts = chance.poisson(
        np.broadcast_to(mean, (grid.rows_n, len(kinds))), "s03.components", grid["key"][:, None], kinds
    )
    at, n = repeated(counts)
    grid_i, type_i = np.unravel_index(at, counts.shape)
    township = grid["township_i"][grid_i]
    key = (grid["key"][grid_i], type_i, n)
    # Numbered within township and type, in the order of the grids.
    group = township * 100 + type_i
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], group[order], "left")
    serial = np.zeros(len(group), np.int64)
    serial[order] = np.arange(len(group)) - starts + 1
    half_m = 450 * np.sqrt(grid["area_km2"][grid_i])
    east = (2 * chance.uniform("s03.component.east", *key) - 1) * half_m
    north = (2 * chance.uniform("s03.component.north", *key) - 1) * half_m
    lat = grid["lat"][grid_i] + north / 110_940
    lng = grid["lng"][grid_i] + east / (111_320 * np.cos(np.radians(lat)))
    made_on = np.datetime64("2012-01-01") + chance.integers(0, 4900, "s03.component.made", *key)
    gone = chance.happens(0.08, "s03.component.gone", *key)
    gone_on = np.datetime64("2024-01-01") + chance.integers(0, 1460, "s03.component.gone_on", *key)
    code = np.array([text[:6] for text in city.township["code"]])[township]
    before = np.array([[*OLD_COUNTY.get(text, (text,)), text][0] for text in city.county["code"]])
    old_code = before[city.township["county_i"][township]]
    lot = chance.uniform("s03.component.prefix", *key)
    is_old, is_other = (old_code != code) & (lot < OLD_PREFIX), lot > 1 - OTHER_PREFIX
    others = np.array(city.county["code"].astype("U6"))
    other = others[
        (city.township["county_i"][township] + 1 + np.floor(7 * lot * 1e3 % 7).astype(np.int64)) % len(others)
    ]
    is_other &= other != code
    prefix = np.where(is_old, old_code, np.where(is_other, other, code))
    tail = np.char.add(
        np.array([each for each, _, _ in COMPONENTS])[type_i], zfill((township * 1000 + serial).astype("U6"), 6)
    )
    return Columns(
        township_i=township,
        grid_i=grid_i,
        type_i=type_i,
        key=grid["key"][grid_i],
        n=n,
        lng=lng,
        lat=lat,
        made_on=made_on,
        gone_on=np.where(gone, gone_on, np.datetime64("NaT")),
        component_id=np.char.add(prefix, tail).astype(object),
        is_old=is_old,
        is_other=is_other,
    )


def _component_rows(world: World, days: Days) -> Rows:
    chance, city, all_ = world.chance, world.city, components(world)
    mondays = days.array[(days.array.astype(np.int64) + 3) % 7 == 0]
    week = np.repeat(mondays, all_.rows_n)
    own = all_.where(np.tile(np.arange(all_.rows_n), len(mondays)))
    there = (own["made_on"] <= week) & ~(own["gone_on"] <= week)
    week, own = week[there], own.where(there)
    key = (own["key"], own["type_i"], own["n"])
    x, y = to_cgcs2000_zone(own["lng"], own["lat"], ZONE)
    month = week.astype("datetime64[M]").astype(np.int64)
    state = chance.choose((0.955, 0.03, 0.01, 0.005), "s03.component.state", *key, month)
    keys = dict(zip(city.department["department_key"], city.department["name_zh"], strict=True))
    owners = np.array([keys[k] for k in ("citymgmt", "water", "transport", "power", "forestry")], dtype=object)
    owner = np.array([{"01": 1, "02": 2, "03": 0, "04": 4, "05": 0}[code[:2]] for code, _, _ in COMPONENTS])
    changed = np.maximum(own["made_on"], week - 7 * (1 + chance.integers(0, 60, "s03.component.changed", *key, month)))
    table = as_table(
        {
            "OBJID": own["component_id"],
            "OBJNAME": np.array([name for _, name, _ in COMPONENTS], dtype=object)[own["type_i"]],
            "OBJCODE": np.array([code for code, _, _ in COMPONENTS], dtype=object)[own["type_i"]],
            "DEPTNAME1": np.full(own.rows_n, keys["citymgmt"], dtype=object),
            "DEPTNAME2": owners[owner[own["type_i"]]],
            "BGID": city.grid["grid_id"][own["grid_i"]],
            "OBJSTATE": np.array(["完好", "破损", "丢失", "占用"], dtype=object)[state],
            "X": x.round(3),
            "Y": y.round(3),
            "ORDATE": pa.array(own["made_on"]),
            "CHDATE": pa.array(changed),
            "DATASOURCE": np.array(["实地普查", "图纸采集", "动态更新"], dtype=object)[
                chance.choose((6, 2, 2), "s03.component.source", *key)
            ],
            "_day": pa.array(week),
            "!old_county_prefix": own["is_old"],
            "!other_county_prefix": own["is_other"],
        }
    )
    return written('SELECT *, "OBJID" AS _key FROM seen ORDER BY _day, "BGID", "OBJID"', seen=table)


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    of = cases(world, days)
    moments = of["moments"]
    codes = np.array([topic.code for topic in TOPICS], dtype=object)
    case_codes = np.array([topic.case_code for topic in TOPICS], dtype=object)
    made = as_table(
        {
            "rec_id": _numbers(world, of, "C"),
            "reported_at": times(of["at"]),
            "filed_at": times(moments[:, FILED]),
            "dispatched_at": times(moments[:, DISPATCHED]),
            "deadline_at": times(np.where(of["is_refused"], NEVER, of["deadline"])),
            "deadline_h": of["limit_h"].astype(np.float64),
            "is_working_hours": ~of["is_urgent"],
            "disposed_at": times(np.where(of["is_back"], moments[:, DISPOSED_AGAIN], moments[:, DISPOSED])),
            "archived_at": times(moments[:, ARCHIVED]),
            "rework_n": pa.array(of["is_back"].astype(np.int64), pa.int32()),
            "is_cancelled": of["is_refused"],
            "township_i": of["township_i"].astype(np.int32),
            "grid_i": of["grid_i"],
            "category": codes[of["topic_i"]],
            "type_code": case_codes[of["topic_i"]],
            "same_event": of["event"],
            "chain_no": of["chain_no"],
            "delivered_on": pa.array(first_days(ends_of_days(moments), of.rows_n).astype("datetime64[D]")),
        }
    )
    return {"city_case": made.sort_by([("reported_at", "ascending"), ("rec_id", "ascending")])}


_CASE_TYPES = {
    "rec_id": "varchar(24)",
    "x": "numeric(12,3)",
    "y": "numeric(12,3)",
    "report_time": "timestamp(0)",
    "inst_time": "timestamp(0)",
    "dispatch_time": "timestamp(0)",
    "deadline_h": "numeric(6,1)",
    "dispose_time": "timestamp(0)",
    "archive_time": "timestamp(0)",
    "rework_n": "integer",
    "updated_at": "timestamp(0)",
}

SOURCE = Source(
    "S03",
    "市城市管理局 数字城管系统",
    (
        Dataset(
            "S03",
            "linlan.citymgmt.case",
            "城市管理案卷",
            Table("to_rec", ("rec_id",), _CASE_TYPES, stands_for="Oracle 12c with PostGIS"),
            _case_rows,
            CASE_PATTERNS,
        ),
        Dataset(
            "S03",
            "linlan.citymgmt.component",
            "城市管理部件",
            Files("component_{day:%Y%m%d}.csv", writers.csv(), every="week", late=0.04),
            _component_rows,
            COMPONENT_PATTERNS,
        ),
    ),
    _events,
)
