"""S29: alarms of some twenty small systems in communities, charging places, registered e-bikes.

Bikes in lifts before a fire, a care device that falls silent before an accident, and in flats let by the bed more bikes
and more of them in the lift. Dirt: heartbeats and tests sent as alarms, handled before it rang, watt-hours, bikes
without a flat.

Truth: ``smart_alarm`` (alarm_no, at, kind, is_real, township_i, building_i), ``ebike_flat`` (month, flat_i, bikes_n).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.chance import repeated
from demo_city.city.people import identity_number, person_name, phone, plate
from demo_city.columns import Columns
from demo_city.departments.panels import (
    Panel,
    area_codes,
    arrow,
    events_table,
    moments,
    month_firsts,
    old_code_pattern,
    rounded,
    rows_of,
    scattered,
    stamped,
    taken,
    twice_pattern,
)
from demo_city.departments.protocol import Dataset, Files, Pattern, Rows, Source
from demo_city.departments.s14_power import group_flats
from demo_city.systems import writers
from demo_city.text import zfill

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

KINDS = (
    # kind, a day in a community of 500 households, share that is real, system, whether it is about a flat
    ("梯控电瓶车", 0.9, 0.93, "TK", True),
    ("烟感报警", 0.35, 0.12, "YG", True),
    ("可燃气体", 0.12, 0.15, "RQ", True),
    ("消防通道占用", 0.5, 0.85, "TD", False),
    ("门磁异常", 0.4, 0.3, "MC", True),
    ("高空抛物", 0.06, 0.5, "PW", False),
    ("设备离线", 0.25, 0.8, "SB", True),
    ("充电过热", 0.15, 0.4, "CD", False),
)
LIFT, SILENT = 0, 6
CARE_SILENT = "关爱设备失联"
HEARTBEAT, TEST, HANDLED_EARLY = 0.02, 0.003, 0.004
OLD_RATE, TWICE_RATE = 0.02, 0.002
IN_WATT_HOURS, NO_ENERGY = 0.002, 0.01
NO_FLAT, NO_DATE = 0.012, 0.004


# ---------------------------------------------------------------- alarms


def _drawn(world: World, days: Days) -> Columns:
    """Alarms of communities, of flats let by the bed and of chains, by time within each day."""
    chance, city, life = world.chance, world.city, world.life
    community, building, flat = city.community, city.building, city.flat
    day = days.array
    mean = np.array([per_day for _, per_day, *_ in KINDS]) / 500
    expected = np.asarray(community["households_n"], dtype=np.float64)[:, None] * mean[None, :]
    kind_no = np.arange(len(KINDS))
    counts = chance.poisson(
        expected[None], "s29.alarm", day[:, None, None], community["key"][None, :, None], kind_no[None, None, :]
    )
    position, running = repeated(counts)
    at, community_i, kind = np.unravel_index(position, counts.shape)
    on, key = day[at], np.asarray(community["key"])[community_i]
    draw = (key, on, kind, running)
    # Any flat of the community: its buildings, and their flats, lie together.
    where = np.asarray(building["community_i"])
    order = np.argsort(where, kind="stable")
    first = np.searchsorted(where[order], community_i, "left")
    last = np.searchsorted(where[order], community_i, "right")
    pick = first + np.floor(chance.uniform("s29.building", *draw) * (last - first)).astype(np.int64)
    building_i = order[pick]
    flat_of = np.searchsorted(flat["building_i"], building_i, "left")
    flat_n = np.searchsorted(flat["building_i"], building_i, "right") - flat_of
    flat_i = flat_of + np.floor(chance.uniform("s29.flat", *draw) * np.maximum(flat_n, 1)).astype(np.int64)
    parts = [
        Columns(
            number=key * 1000 + kind * 100 + running,
            on=on,
            second=life.hours("grid", on, "s29.at", key, kind, running),
            kind=kind,
            building_i=building_i,
            flat_i=flat_i,
            is_true=chance.happens(np.array([share for _, _, share, *_ in KINDS])[kind], "s29.true", *draw),
            is_chain=np.zeros(len(on), bool),
        )
    ]
    group_i, let = group_flats(world, day)
    number = np.asarray(flat["key"])[group_i]
    high = np.asarray(building["floors"])[flat["building_i"][group_i]] >= 7
    lifts = chance.poisson(np.where(let & high[None, :], 0.28, 0.0), "s29.group", number[None, :], day[:, None])
    position, running = repeated(lifts)
    at, who = np.divmod(position, max(len(group_i), 1))
    second = (61_200 + 25_000 * chance.uniform("s29.group.at", number[who], day[at], running)).astype(np.int64)
    parts.append(
        Columns(
            number=10**15 + number[who] * 10 + running,
            on=day[at],
            second=second,
            kind=np.full(len(at), LIFT),
            building_i=np.asarray(flat["building_i"])[group_i][who],
            flat_i=group_i[who],
            is_true=np.ones(len(at), bool),
            is_chain=np.zeros(len(at), bool),
        )
    )
    steps = life.precursors("S29", days)
    on = steps["at"].astype("datetime64[D]")
    parts.append(
        Columns(
            number=10**17 + steps["chain_no"] * 10**8 + steps["step_no"],
            on=on,
            second=(steps["at"] - on).astype("timedelta64[s]").astype(np.int64),
            kind=np.where(steps["what"] == "lift_alarm", LIFT, SILENT),
            building_i=steps["building_i"],
            flat_i=steps["flat_i"],
            is_true=np.ones(steps.rows_n, bool),
            is_chain=np.ones(steps.rows_n, bool),
        )
    )
    unknown = set(steps["what"]) - {"lift_alarm", "device_silent"}
    if unknown:
        raise ValueError(f"S29 does not know the precursors {sorted(unknown)}")
    made = Columns.together(parts)
    return made.where(np.lexsort((made["number"], made["second"], made["on"])))


def alarm_rows(world: World, days: Days) -> Rows:
    """Alarms of each day, by time."""
    chance, city = world.chance, world.city
    flat, building, grid = city.flat, city.building, city.grid
    made = _drawn(world, days)
    keys = (made["number"], made["on"])
    twice = chance.happens(TWICE_RATE, "s29.twice", *keys)
    at = np.repeat(np.arange(made.rows_n), 1 + twice)
    again = np.concatenate([np.zeros(min(len(at), 1), bool), at[1:] == at[:-1]])
    made, keys = made.where(at), tuple(key[at] for key in keys)
    kind, building_i = made["kind"], made["building_i"]
    of_flat = np.array([about for *_, about in KINDS])[kind] & (made["flat_i"] >= 0)
    flat_i = np.where(of_flat, made["flat_i"], -1)
    f = np.maximum(flat_i, 0)
    drawn = np.where(made["is_chain"], 1.0, chance.uniform("s29.fault", *keys))
    beat, test = drawn < HEARTBEAT, (drawn >= HEARTBEAT) & (drawn < HEARTBEAT + TEST)
    silent = made["is_chain"] & (kind == SILENT)
    names = np.array([name for name, *_ in KINDS], dtype=object)[kind]
    names = np.where(beat, np.where(made["number"] % 3 == 0, "HEARTBEAT", "心跳"), np.where(silent, CARE_SILENT, names))
    asked = chance.uniform("s29.result", *keys)
    result = np.where(asked < 0.15, "未处置", np.where(made["is_true"], "真实", "误报"))
    result = np.where(test, "测试", result).astype(object)
    taken_s = np.clip(chance.lognormal(1500, 1.1, "s29.takes", *keys), 30, 80_000).astype(np.int64)
    early = (drawn >= 0.5) & (drawn < 0.5 + HANDLED_EARLY) & (asked >= 0.15)
    start = moments(made["on"], made["second"])
    handled = start + np.where(early, -taken_s, taken_s).astype("timedelta64[s]")
    township_i = np.asarray(building["township_i"])[building_i]
    area, is_old = area_codes(world, township_i, np.asarray(building["key"])[building_i], "s29", OLD_RATE)
    floor = np.where(of_flat, np.asarray(flat["floor"])[f], 1)
    room = floor.astype("U3").astype(object) + zfill(np.asarray(flat["room"])[f].astype("U2"), 2).astype(object)
    person = np.asarray(flat["key"])[f]
    resident, tel = person_name(chance, "s29.resident", person), phone(chance, "s29.resident.tel", person)
    noted = of_flat & chance.happens(0.12, "s29.remark", *keys)
    remark = "已电话告知" + room + "室住户" + resident + "（" + tel + "），嘱其将电动车移至楼下充电"
    app = np.array([code for *_, code, _ in KINDS], dtype=object)[kind]
    of_building = np.asarray(building["building_no"]).astype("U20").astype(object)[building_i]
    number = stamped(made["on"], "%Y%m%d") + made["number"].astype("U20").astype(object)
    columns = {
        "id": app + number,
        "time": start,
        "appId": app + (township_i % 3 + 1).astype("U2").astype(object),
        "deviceId": app
        + np.where(of_flat, person, np.asarray(building["key"])[building_i]).astype("U20").astype(object),
        "type": names,
        "building": of_building,
        "flatCode": np.where(of_flat, np.asarray(flat["flat_no"]).astype("U20").astype(object)[f], None),
        "floor": np.ma.MaskedArray(floor, ~of_flat),
        "room": np.where(of_flat, room, None),
        "areaCode": area,
        "gridId": np.asarray(grid["grid_id"])[np.asarray(building["grid_i"])[building_i]],
        "resident": np.where(of_flat, resident, None),
        "tel": np.where(of_flat, tel, None),
        "result": result,
        "handledTime": np.where(asked < 0.15, np.datetime64("NaT", "s"), handled),
        "remark": np.where(noted, remark, None),
    }
    flags = {"heartbeat": beat, "test_alarm": test, "handled_early": early & ~beat & ~test, "old_area_code": is_old}
    return rows_of(columns, flags, ("id",), made["on"], again)


# ---------------------------------------------------------------- charging places


def _sites(world: World) -> Columns:
    return world.once("s29.sites", lambda: _sites_made(world))


def _sites_made(world: World) -> Columns:
    chance, community, grid = world.chance, world.city.community, world.city.grid
    counts = 1 + chance.poisson(np.asarray(community["households_n"]) / 450, "s29.sites", community["key"])
    at, running = repeated(counts)
    number = np.asarray(community["key"])[at] * 100 + running
    area, is_old = area_codes(world, np.asarray(community["township_i"])[at], number, "s29.site", OLD_RATE)
    grid_i = np.asarray(community["grid_i"])[at]
    lng, lat = scattered(chance, grid, grid_i, number, "s29.site")
    households = np.asarray(community["households_n"])[at] / counts[at]
    return Columns(
        number=number,
        ports=np.maximum(np.rint(households * 0.07 * chance.lognormal(1.0, 0.5, "s29.ports", number)), 2).astype(
            np.int64
        ),
        bad=chance.lognormal(0.012, 1.0, "s29.bad", number),
        is_old=is_old,
        site_no=arrow("CD" + number.astype("U16").astype(object)),
        community=arrow(np.asarray(community["community_id"])[at]),
        area=arrow(area),
        grid=arrow(np.asarray(grid["grid_id"])[grid_i]),
        lng=arrow(lng),
        lat=arrow(lat),
        tel=arrow(phone(chance, "s29.site.keeper", np.asarray(community["key"])[at])),
    )


def charging_rows(world: World, days: Days) -> Rows:
    """Each charging place's day."""
    sites = _sites(world)
    panel = Panel(sites["number"], days.array, world.chance, "s29.charging", twice=TWICE_RATE)
    who, ports = panel.who, sites["ports"][panel.who]
    weather = world.life.weather_daily(days)
    cold = 1 + np.clip(8 - weather["temp_mean_c"], 0, 12) * 0.02 - np.clip(weather["rain_mm"], 0, 60) * 0.004
    charges = panel.poisson(ports * 1.7 * cold[panel.at], "charges")
    kwh = rounded(charges * (0.55 + 0.3 * panel.uniform("kwh")), 2)
    drawn = panel.uniform("fault")
    watt = (drawn < IN_WATT_HOURS) & (kwh >= 5.01)
    unread = (drawn >= 0.5) & (drawn < 0.5 + NO_ENERGY)
    own = taken(
        sites,
        who,
        {
            "siteId": "site_no",
            "communityId": "community",
            "areaCode": "area",
            "gridId": "grid",
            "lng": "lng",
            "lat": "lat",
            "keeperTel": "tel",
        },
    )
    columns = {
        "siteId": own["siteId"],
        "date": panel.day,
        **{name: own[name] for name in ("communityId", "areaCode", "gridId", "lng", "lat")},
        "ports": ports,
        "charges": charges,
        "kwh": np.ma.MaskedArray(np.where(watt, rounded(kwh * 1000, 0), kwh), unread),
        "faults": panel.poisson(ports * sites["bad"][who], "faults"),
        "overheat": panel.poisson(ports * sites["bad"][who] * 0.2, "overheat"),
        "keeperTel": own["keeperTel"],
    }
    flags = {"watt_hours": watt, "energy_missing": unread, "old_area_code": sites["is_old"][who]}
    return panel.rows(columns, flags, ("siteId", "date"))


# ---------------------------------------------------------------- e-bikes


def _bikes(world: World) -> Columns:
    return world.once("s29.bikes", lambda: _bikes_made(world))


def _bikes_made(world: World) -> Columns:
    """Every bike that is ever registered in a community with the app: from when until when it is on the list."""
    chance, city = world.chance, world.city
    flat, building, community = city.flat, city.building, city.community
    community_i = np.asarray(building["community_i"])[flat["building_i"]]
    with_app = chance.happens(0.65, "s29.app", community["key"]) if community.rows_n else np.zeros(0, bool)
    is_group = ~np.isnat(flat["group_from"])
    has = (community_i >= 0) & with_app[np.maximum(community_i, 0)] if community.rows_n else community_i >= 0
    flat_i = np.flatnonzero(has)
    key = np.asarray(flat["key"])[flat_i]
    plain = np.minimum(chance.poisson(0.24 * np.asarray(flat["residents_n"])[flat_i], "s29.bikes", key), 3)
    grouped = np.where(is_group[flat_i], chance.integers(4, 10, "s29.bikes.group", key), 0)
    at, running = repeated(plain + grouped)
    flat_i, key = flat_i[at], key[at]
    of_group = running >= plain[at]
    number = key * 20 + running
    days = np.datetime64("2019-04-01") + chance.integers(0, 3000, "s29.registered", number)
    lag = chance.integers(3, 60, "s29.registered.group", number)
    registered = np.where(of_group, np.asarray(flat["group_from"])[flat_i] + lag, days)
    gone = np.where(of_group, np.asarray(flat["group_to"])[flat_i] + 45, np.datetime64("2099-01-01"))
    township_i = np.asarray(flat["township_i"])[flat_i]
    area, is_old = area_codes(world, township_i, number, "s29.bike", OLD_RATE)
    drawn = chance.uniform("s29.bike.fault", number)
    nowhere, undated = drawn < NO_FLAT, (drawn >= 0.5) & (drawn < 0.5 + NO_DATE)
    building_i = np.asarray(flat["building_i"])[flat_i]
    flat_no = np.asarray(flat["flat_no"])[flat_i].astype("U20").astype(object)
    return Columns(
        number=number,
        flat_i=flat_i,
        registered_on=registered,
        gone_on=gone,
        is_old=is_old,
        nowhere=nowhere,
        undated=undated,
        bike_no=arrow("DJ" + number.astype("U16").astype(object)),
        plate=arrow(plate(chance, "s29.bike.plate", number)),
        name=arrow(person_name(chance, "s29.bike.owner", number)),
        tel=arrow(phone(chance, "s29.bike.tel", number)),
        identity=arrow(identity_number(chance, "s29.bike.identity", number)),
        community=arrow(np.asarray(community["community_id"])[community_i[flat_i]]),
        building=arrow(np.asarray(building["building_no"])[building_i]),
        flat_no=arrow(np.where(nowhere, None, flat_no)),
        area=arrow(area),
        battery=arrow(np.where(chance.happens(0.35, "s29.bike.battery", number), "锂电池", "铅酸").astype(object)),
        registered=arrow(np.where(undated, np.datetime64("1900-01-01"), registered)),
    )


def _listed(bikes: Columns, firsts: Any) -> Any:
    """Months × bikes: on the list at the month's end."""
    ends = (firsts.astype("datetime64[M]") + 1).astype("datetime64[D]") - 1
    return (bikes["registered_on"][None, :] <= ends[:, None]) & (ends[:, None] < bikes["gone_on"][None, :])


def bike_rows(world: World, days: Days) -> Rows:
    """The list of each month."""
    bikes, firsts = _bikes(world), month_firsts(days)
    panel = Panel(
        bikes["number"], firsts, world.chance, "s29.bike", there=_listed(bikes, firsts).T, twice=TWICE_RATE / 2
    )
    columns = taken(
        bikes,
        panel.who,
        {
            "登记号": "bike_no",
            "号牌": "plate",
            "车主": "name",
            "电话": "tel",
            "身份证号": "identity",
            "小区编号": "community",
            "楼栋编码": "building",
            "地址编码": "flat_no",
            "区划代码": "area",
            "电池类型": "battery",
            "登记日期": "registered",
        },
    )
    flags = {name: bikes[which][panel.who] for name, which in (
        ("flat_missing", "nowhere"), ("date_1900", "undated"), ("old_area_code", "is_old")
    )}  # fmt: skip
    return panel.rows(columns, flags, ("登记号",))


def events(world: World, days: Days) -> Mapping[str, pa.Table]:
    """See the module."""
    made = _drawn(world, days)
    drawn = np.where(made["is_chain"], 1.0, world.chance.uniform("s29.fault", made["number"], made["on"]))
    bikes, firsts = _bikes(world), month_firsts(days)
    at, who = np.nonzero(_listed(bikes, firsts))
    code, count = np.unique(at * world.city.flat.rows_n + bikes["flat_i"][who], return_counts=True)
    kinds = np.array([kind for kind, *_ in KINDS], dtype=object)
    return {
        "smart_alarm": events_table(
            {
                "at": moments(made["on"], made["second"]),
                "kind": kinds[made["kind"]],
                "is_real": made["is_true"] & (drawn >= HEARTBEAT + TEST),
                "township_i": np.asarray(world.city.building["township_i"])[made["building_i"]],
                "building_i": made["building_i"],
                "flat_i": made["flat_i"],
            }
        ),
        "ebike_flat": events_table(
            {
                "month": firsts[code // max(world.city.flat.rows_n, 1)],
                "flat_i": code % max(world.city.flat.rows_n, 1),
                "bikes_n": count,
            }
        ),
    }


SOURCE = Source(
    "S29",
    "住房和城乡建设局 智慧社区小程序",
    (
        Dataset(
            "S29",
            "linlan.smart.alarm",
            "社区小程序与梯控告警",
            Files("alarm/GJ_{day:%Y%m%d}.jsonl", writers.json_lines(), late=0.008, missing=0.004),
            alarm_rows,
            (
                Pattern(
                    "heartbeat", "A heartbeat is sent as an alarm.", HEARTBEAT, "quarantine", "not_a_heartbeat", "kind"
                ),
                Pattern("test_alarm", "A test of the system.", TEST, "quarantine", "not_a_test_alarm", "result"),
                Pattern(
                    "handled_early",
                    "Handled before it rang.",
                    HANDLED_EARLY * 0.85,
                    "warning",
                    "handled_after_alarm",
                    "handled_at",
                ),
                old_code_pattern(OLD_RATE),
                twice_pattern(TWICE_RATE),
            ),
        ),
        Dataset(
            "S29",
            "linlan.smart.charging_day",
            "电动自行车充电点日数据",
            Files("charging/CD_{day:%Y%m%d}.jsonl", writers.json_lines(), late=0.008, missing=0.004),
            charging_rows,
            (
                Pattern(
                    "watt_hours", "Watt-hours for kilowatt-hours.", IN_WATT_HOURS, "warning", "kwh_within_reason", "kwh"
                ),
                Pattern("energy_missing", "The place was not read.", NO_ENERGY, "warning", "kwh_present", "kwh"),
                old_code_pattern(OLD_RATE),
                twice_pattern(TWICE_RATE),
            ),
        ),
        Dataset(
            "S29",
            "linlan.smart.ebike",
            "电动自行车登记",
            Files("ebike/DDC_{day:%Y%m}.csv", writers.csv(encoding="gb18030"), every="month"),
            bike_rows,
            (
                Pattern("flat_missing", "The bike has no flat.", NO_FLAT, "warning", "flat_known", "flat_no"),
                Pattern(
                    "date_1900",
                    "The day of registration is 1900-01-01.",
                    NO_DATE,
                    "warning",
                    "registered_in_our_time",
                    "registered_on",
                ),
                old_code_pattern(OLD_RATE),
                twice_pattern(TWICE_RATE / 2),
            ),
        ),
    ),
    events,
)
