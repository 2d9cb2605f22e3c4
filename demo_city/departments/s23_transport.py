"""S23 transport: electronic waybills of dangerous goods, monitored vehicles, buses from stop to stop, bridges.

Waybills are messages of a queue that a sink writes to Parquet, so a message may come twice. The vehicles are the
lorries and coaches of the traffic police's register: their plates hash to the same. A bridge is inspected once a year
and may be found worse.

Tables of events: ``waybill`` (``is_late``: on the way for more than a day) and ``bridge_grade``
(``bridge_no inspected_on grade`` of every inspection).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from demo_city.chance import repeated
from demo_city.city.people import person_name, phone
from demo_city.columns import Columns
from demo_city.days import BEGINS_ON
from demo_city.departments.protocol import Dataset, Files, Pattern, Rows, Source, Table
from demo_city.departments.s05_traffic_police import HAZARDOUS_FROM, commercial_vehicles
from demo_city.departments.safety import (
    active_townships,
    after,
    drawn,
    keys,
    moment,
    numbered,
    old_codes,
    pick,
    statement,
    written,
)
from demo_city.systems import writers
from demo_city.text import zfill

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

PER_FIRM = 3.3
"""Waybills a day of an enterprise of dangerous goods: 3,000 of the 900 firms of the whole city."""
GOODS: dict[str, tuple[str, str]] = {
    "甲醇": ("UN1230", "3"), "液氨": ("UN1005", "2.3"), "苯乙烯": ("UN2055", "3"), "环氧乙烷": ("UN1040", "2.3"),
    "液氯": ("UN1017", "2.3"), "丙烯腈": ("UN1093", "3"), "氢气": ("UN1049", "2.1"), "液化石油气": ("UN1075", "2.1"),
    "硝酸": ("UN2031", "8"), "双氧水": ("UN2014", "5.1"), "汽油": ("UN1203", "3"), "二甲苯": ("UN1307", "3"),
}  # fmt: skip
"""UN number and class (UN model regulations)."""
NEVER_ARRIVES = 0.008
LONGEST_DAYS = 4
PAIRS_PER_PERSON = 60_000 / 7_700_000 * 1.1
"""Pairs of stops with passengers; those with fewer than five on a day are not delivered."""
LEAST_TRIPS = 5
WORSENS = 0.05

WAYBILL_DIRT = (
    Pattern(
        "sent_again", "The queue gave the message out twice: the same row again at the end of the day.", 0.012,
        "unchanged",
    ),
    Pattern("un_missing", "No UN number.", 0.025, "warning", "un_there", "un_no"),
    Pattern("un_malformed", "The UN number is written UN-1230.", 0.006, "warning", "un_well_formed", "un_no"),
    Pattern("quantity_in_kg", "Kilograms where tonnes are asked.", 0.008, "warning", "quantity_possible", "quantity_t"),
    Pattern("old_area_code", "Area code from before a merger.", 0.012, "warning", "area_code_current", "origin_code"),
    Pattern("test_row", "A waybill to try the system.", 0.002, "quarantine", "not_a_test", "goods"),
)  # fmt: skip
VEHICLE_DIRT = (
    Pattern(
        "drift", "The receiver drifts: more kilometres than a day has room for.", 0.002, "warning", "km_possible", "km"
    ),
    Pattern("offline", "The receiver was off all day: zeros that say nothing.", 0.012, "core", None, "online_min"),
    Pattern("carrier_missing", "No credit code of the carrier.", 0.015, "warning", "carrier_there", "carrier_uscc"),
    Pattern("repeated", "The same record twice in a file.", 0.003, "unchanged"),
)  # fmt: skip
BUS_DIRT = (
    Pattern("line_in_words", "The line is written 12路 instead of L0012.", 0.02, "warning", "line_well_formed", "line"),
    Pattern("trips_sentinel", "999999 for a counter that failed.", 0.001, "quarantine", "trips_possible", "trips_n"),
    Pattern("repeated", "The same record twice in a file.", 0.003, "unchanged"),
)  # fmt: skip
BRIDGE_DIRT = (
    Pattern("grade_roman", "The grade is a Roman numeral.", 0.01, "quarantine", "typing", "grade"),
    Pattern("grade_missing", "No grade.", 0.012, "warning", "grade_there", "grade"),
    Pattern("coordinates_swapped", "Longitude and latitude are swapped.", 0.01, "warning", "lng_in_city", "lng"),
    Pattern("old_area_code", "Area code from before a merger.", 0.015, "warning", "area_code_current", "area_code"),
)


def waybills(world: World, days: Days) -> Columns:
    """Waybills issued on these days, by firms of dangerous goods."""
    return world.once(("s23.waybills", days), lambda: _waybills(world, days))


def _waybills(world: World, days: Days) -> Columns:
    chance, firm = world.chance, world.city.enterprise
    hazardous = np.flatnonzero(firm["kind"] == "危化")
    firms_n = np.bincount(firm["township_i"][hazardous], minlength=world.city.township.rows_n)
    factor = np.where(world.life.is_workday(days.array), 1.15, 0.6)
    made = drawn(world, days, "s23.waybill", PER_FIRM * firms_n, factor)
    key = keys(made)
    shipper = hazardous[
        pick(chance, firm["township_i"][hazardous], made["township_i"], None, "s23.shipper", *key)
    ] if len(hazardous) else np.zeros(0, np.int64)  # fmt: skip
    issued = moment(made["day"], chance.integers(6 * 3600, 19 * 3600, "s23.issued", *key))
    departed = after(issued, chance.lognormal(55.0, 0.6, "s23.departed", *key))
    arrived = after(departed, np.minimum(chance.lognormal(170.0, 0.8, "s23.arrived", *key), 1380.0))
    lorries = commercial_vehicles(world)
    lorries = lorries.where((lorries["kind"] == 3) & (lorries["lot"] > HAZARDOUS_FROM))
    lorry = pick(chance, lorries["township_i"], made["township_i"], None, "s23.lorry", *key)
    plate = lorries["plate"][lorry] if lorries.rows_n else np.full(made.rows_n, None, dtype=object)
    return made.with_columns(
        waybill_no=numbered("YD", made),
        shipper_i=shipper,
        issued_at=issued,
        departed_at=departed,
        arrived_at=arrived,
        never=chance.happens(NEVER_ARRIVES, "s23.never", *key),
        quantity_t=np.round(np.clip(chance.lognormal(18.0, 0.5, "s23.quantity", *key), 0.5, 33.0), 2),
        goes_out=chance.happens(0.6, "s23.goes_out", *key),
        plate=np.where(lorry >= 0, plate, None),
        driver=np.where(lorry >= 0, lorries["n"][lorry] if lorries.rows_n else 0, 0),
        is_test=chance.happens(0.002, "s23.test", *key),
    )


def _waybill_rows(world: World, days: Days) -> Rows:
    chance, city = world.chance, world.city
    made = waybills(world, days.since(LONGEST_DAYS))
    position = np.concatenate([np.arange(made.rows_n), np.flatnonzero(~made["never"])])
    is_done = np.arange(len(position)) >= made.rows_n
    updated = np.where(is_done, made["arrived_at"][position], made["issued_at"][position])
    day = updated.astype("datetime64[D]")
    key = (*keys(made.where(position)), is_done.astype(np.int64))
    # What the queue gives out again lies behind the other messages of the day.
    again = np.flatnonzero(chance.happens(0.0122, "s23.again", *key))
    day = np.concatenate([day, day[again]])
    is_again = np.arange(len(day)) >= len(position)
    position, is_done = np.concatenate([position, position[again]]), np.concatenate([is_done, is_done[again]])
    updated = np.concatenate([updated, updated[again]])
    now = days.holds(day)
    position, is_done, updated, day, is_again = (one[now] for one in (position, is_done, updated, day, is_again))
    of = made.where(position)
    key = keys(of)
    code, is_old = old_codes(world, "s23.old_code", 0.012, of["township_i"], *key)
    lot = chance.uniform("s23.un", *key)
    firm = of["shipper_i"]
    other = chance.integers(0, city.township.rows_n, "s23.destination", *key)
    kilograms = chance.happens(0.008, "s23.kilograms", *key) & (of["quantity_t"] > 1)
    goods = ", ".join(f"('{name}', '{un}', '{kind}')" for name, (un, kind) in GOODS.items())
    return written(
        f"""
        WITH goods AS (SELECT * FROM (VALUES {goods}) AS g(chem, un, kind))
        SELECT waybill_no AS "waybillNo",
               CASE WHEN lot < 0.025 THEN NULL WHEN lot < 0.031 THEN replace(g.un, 'UN', 'UN-') ELSE g.un END AS "unNo",
               CASE WHEN is_test THEN '测试' ELSE chem END AS "goodsName", g.kind AS "goodsClass",
               round(quantity_t * CASE WHEN kilograms THEN 1000 ELSE 1 END, 2)::DECIMAL(12, 2) AS "quantity",
               uscc AS "shipperUscc", shipper AS "shipperName", area_code AS "originCode",
               CASE WHEN goes_out THEN '外市' ELSE destination END AS "destinationCode", plate AS "plateNo",
               driver AS "driverName", phone AS "driverPhone", issued_at AS "issuedAt",
               CASE WHEN is_done THEN departed_at END AS "departedAt",
               CASE WHEN is_done THEN arrived_at END AS "arrivedAt",
               CASE WHEN is_done THEN '已完成' ELSE '在途' END AS status,
               '押运员' || driver || '，电话' || phone AS remark, updated AS "updatedAt",
               day AS _day, waybill_no AS _key, is_again AS "!sent_again",
               lot < 0.025 AND NOT is_again AS "!un_missing",
               lot >= 0.025 AND lot < 0.031 AND NOT is_again AS "!un_malformed",
               kilograms AND NOT is_again AS "!quantity_in_kg", is_old AND NOT is_again AS "!old_area_code",
               is_test AND NOT is_again AS "!test_row"
        FROM waybill LEFT JOIN goods AS g USING (chem) ORDER BY day, is_again, updated, waybill_no
        """,
        waybill=Columns(
            {name: of[name] for name in ("waybill_no", "issued_at", "departed_at", "arrived_at", "quantity_t",
                                         "goes_out", "is_test", "plate")}
        ).with_columns(
            chem=np.asarray(city.enterprise["chem_zh"])[firm],
            uscc=np.asarray(city.enterprise["uscc"])[firm],
            shipper=np.asarray(city.enterprise["name_zh"])[firm],
            area_code=code,
            is_old=is_old,
            destination=np.asarray(city.township["code"])[other],
            driver=person_name(chance, "s23.driver", of["township_i"], of["driver"]),
            phone=phone(chance, "s23.driver_phone", of["township_i"], of["driver"]),
            lot=lot,
            kilograms=kilograms,
            is_done=is_done,
            is_again=is_again,
            updated=updated,
            day=day,
        ),
    )  # fmt: skip


def _vehicle_rows(world: World, days: Days) -> Rows:
    chance, city, fleet = world.chance, world.city, commercial_vehicles(world)
    carriers = np.flatnonzero(city.enterprise["kind"] == "物流")
    carrier = pick(
        chance, city.enterprise["township_i"][carriers], fleet["township_i"], None, "s23.carrier", fleet["township_i"],
        fleet["n"],
    )  # fmt: skip
    carrier = np.where(carrier >= 0, carriers[carrier] if len(carriers) else -1, -1)
    risk = np.where(carrier >= 0, city.enterprise["risk"][carrier], 0.4)
    careless = chance.lognormal(1.0, 0.7, "s23.careless", fleet["township_i"], fleet["n"]) * (0.4 + 2.5 * risk)
    share = np.where(world.life.is_workday(days.array), 0.9, 0.6)
    ordinal = days.array.astype(np.int64)
    runs = (
        chance.uniform("s23.runs", ordinal[:, None], fleet["township_i"][None, :], fleet["n"][None, :]) < share[:, None]
    ) & (fleet["registered_on"][None, :] <= days.array[:, None])
    day, vehicle = np.nonzero(runs)
    key = (ordinal[day], fleet["township_i"][vehicle], fleet["n"][vehicle])
    is_coach = fleet["kind"][vehicle] == 5
    km = np.round(np.minimum(chance.lognormal(np.where(is_coach, 190.0, 230.0), 0.55, "s23.km", *key), 1100.0), 1)
    lot = chance.uniform("s23.vehicle_dirt", *key)
    off = lot < 0.012
    times = 1 + ((lot >= 0.5) & (lot < 0.503))
    of = np.repeat(np.arange(len(day)), times)
    table = Columns(
        vehicle_id=np.char.add("YS99", np.char.add(
            zfill(fleet["township_i"].astype("U3"), 3), zfill(fleet["n"].astype("U7"), 7)
        )).astype(object)[vehicle],
        plate=fleet["plate"][vehicle],
        uscc=np.where(carrier >= 0, np.asarray(city.enterprise["uscc"])[carrier], None)[vehicle],
        kind=np.where(
            is_coach, np.where(fleet["lot"][vehicle] > 0.6, "班线客运", "旅游包车"),
            np.where(fleet["lot"][vehicle] > HAZARDOUS_FROM, "危货运输", "重型货车"),
        ).astype(object),
        day=days.array[day],
        km=np.where(off, 0.0, np.where((lot >= 0.2) & (lot < 0.202), km + 3000, km)),
        online=np.where(off, 0, np.minimum(chance.integers(240, 1320, "s23.online", *key), 1440)),
        overspeed=np.where(off, 0, chance.poisson(0.35 * careless[vehicle], "s23.overspeed", *key)),
        fatigue=np.where(off, 0, chance.poisson(0.06 * careless[vehicle], "s23.fatigue", *key)),
        night=np.where(off, 0.0, np.round(km * 0.15 * chance.uniform("s23.night", *key), 1)),
        off=off, drifts=(lot >= 0.2) & (lot < 0.202), lost=(lot >= 0.3) & (lot < 0.315),
    )  # fmt: skip
    return written(
        """
        SELECT vehicle_id AS "vehicleId", plate AS "plateNo", CASE WHEN NOT lost THEN uscc END AS "carrierUscc",
               kind AS "vehicleKind", day AS "runDate", km::DECIMAL(9, 1) AS km, online::INTEGER AS "onlineMin",
               overspeed::INTEGER AS "overspeedCount", fatigue::INTEGER AS "fatigueCount",
               night::DECIMAL(9, 1) AS "nightKm", day AS _day, vehicle_id || '|' || strftime(day, '%Y-%m-%d') AS _key,
               drifts AND NOT again AS "!drift", off AND NOT again AS "!offline",
               lost AND NOT again AS "!carrier_missing", again AS "!repeated"
        FROM ran ORDER BY day, vehicle_id, again
        """,
        ran=table.where(of).with_columns(again=repeated(times)[1] > 0),
    )


def _bus_rows(world: World, days: Days) -> Rows:
    chance, register = world.chance, world.city.township
    township = active_townships(world)
    people = np.asarray(register["population"])[township]
    position, n = repeated(np.rint(people * PAIRS_PER_PERSON).astype(np.int64))
    of = township[position]
    stops = np.maximum(people // 500, 12)[position]
    lines = np.maximum(people // 9_000, 2)[position]
    line = of * 8 + chance.integers(0, lines, "s23.line", of, n)
    # Each pair once: from stop n to one of the others, in turn.
    board = n % stops
    alight = (board + 1 + n // stops % (stops - 1)) % stops
    usual = chance.lognormal(15.0, 0.75, "s23.usual", of, n)
    calendar = world.life.calendar(days)
    factor = np.where(calendar["is_workday"], 1.0, 0.75) * np.asarray(
        world.life.strength("holiday_crowd", days)
    ) ** 0.5  # fmt: skip
    ordinal = days.array.astype(np.int64)
    trips = chance.poisson(usual[None, :] * factor[:, None], "s23.trips", ordinal[:, None], of[None, :], n[None, :])
    day, pair = np.nonzero(trips >= LEAST_TRIPS)
    key = (ordinal[day], of[pair], n[pair])
    lot = chance.uniform("s23.bus_dirt", *key)
    times = 1 + ((lot >= 0.5) & (lot < 0.503))
    row = np.repeat(np.arange(len(day)), times)
    table = Columns(
        pair_no=(of * 1_000_000 + n)[pair], township_i=of[pair], line=line[pair], board=board[pair],
        alight=alight[pair], day=days.array[day], trips=trips[day, pair], words=lot < 0.02,
        failed=(lot >= 0.2) & (lot < 0.201),
    )  # fmt: skip
    return written(
        """
        SELECT lpad(pair_no::VARCHAR, 9, '0') AS "pairNo", day AS "runDate",
               CASE WHEN words THEN line || '路' ELSE 'L' || lpad(line::VARCHAR, 4, '0') END AS "lineNo",
               'ST' || t.code || lpad(board::VARCHAR, 3, '0') AS "boardStop",
               'ST' || t.code || lpad(alight::VARCHAR, 3, '0') AS "alightStop", t.code AS "areaCode",
               CASE WHEN failed THEN 999999 ELSE trips END::INTEGER AS trips, day AS _day,
               lpad(pair_no::VARCHAR, 9, '0') || '|' || strftime(day, '%Y-%m-%d') AS _key,
               words AND NOT again AS "!line_in_words", failed AND NOT again AS "!trips_sentinel",
               again AS "!repeated"
        FROM rode JOIN townships AS t USING (township_i) ORDER BY day, pair_no, again
        """,
        rode=table.where(row).with_columns(again=repeated(times)[1] > 0),
        townships=Columns(township_i=np.arange(register.rows_n), code=np.asarray(register["code"])),
    )


def bridge_inspections(world: World) -> Columns:
    """Inspections of the city's years, and the one before: ``bridge_i on grade``; the grade holds until the next."""
    return world.once("s23.bridges", lambda: _bridge_inspections(world))


def _bridge_inspections(world: World) -> Columns:
    chance, bridge = world.chance, world.city.bridge
    number = np.arange(-1, 4)
    key = bridge["key"]
    offset = chance.integers(0, 365, "s23.inspected", key)
    late = np.where(chance.happens(0.05, "s23.deferred", key[:, None], number[None, :]), 120, 0)
    worse = chance.happens(WORSENS, "s23.worse", key[:, None], number[None, :]) & (number >= 0)
    grade = np.minimum(bridge["grade"][:, None] + np.cumsum(worse, axis=1), 5)
    on = np.datetime64(BEGINS_ON, "D") + (offset[:, None] + 365 * number[None, :] + late)
    return Columns(bridge_i=np.repeat(np.arange(len(key)), len(number)), on=on.ravel(), grade=grade.ravel())


def _bridge_rows(world: World, days: Days) -> Rows:
    chance, bridge, made = world.chance, world.city.bridge, bridge_inspections(world)
    at = np.tile(np.arange(bridge.rows_n), days.length)
    day = np.repeat(days.array, bridge.rows_n)
    month = day.astype("datetime64[M]").astype(np.int64)
    key = (bridge["key"][at], month)
    code, is_old = old_codes(world, "s23.bridge.old", 0.015, bridge["township_i"][at], *key)
    lot = chance.uniform("s23.bridge_dirt", *key)
    return written(
        """
        SELECT b.bridge_no, b.name_zh AS bridge_name, b.road_code, s.area_code,
               CASE WHEN s.swapped THEN b.lat ELSE b.lng END AS lng,
               CASE WHEN s.swapped THEN b.lng ELSE b.lat END AS lat,
               b.built_year, b.length_m,
               CASE WHEN s.lost THEN NULL WHEN s.roman THEN ['Ⅰ', 'Ⅱ', 'Ⅲ', 'Ⅳ', 'Ⅴ'][i.grade]
                    ELSE i.grade::VARCHAR END AS grade,
               i."on" AS inspected_on, i."on" + 365 AS next_due_on,
               CASE WHEN i.grade = 5 THEN '封闭' WHEN i.grade = 4 THEN '限载' ELSE '正常' END AS status,
               s.day AS _day, b.bridge_no AS _key, s.roman AS "!grade_roman", s.lost AS "!grade_missing",
               s.swapped AS "!coordinates_swapped", s.is_old AS "!old_area_code"
        FROM shown AS s JOIN bridges AS b USING (bridge_i)
        ASOF JOIN inspected AS i ON s.bridge_i = i.bridge_i AND s.day >= i."on" ORDER BY s.day, b.bridge_no
        """,
        shown=Columns(
            bridge_i=at, day=day, area_code=code, is_old=is_old, roman=lot < 0.01, lost=(lot >= 0.3) & (lot < 0.312),
            swapped=(lot >= 0.6) & (lot < 0.61),
        ),
        bridges=bridge.with_columns(
            bridge_i=np.arange(bridge.rows_n), road_code=np.asarray(world.city.road["code"])[bridge["road_i"]]
        ),
        inspected=made,
    )  # fmt: skip


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    made, inspected = waybills(world, days), bridge_inspections(world)
    inspected = inspected.where(days.holds(inspected["on"]))
    return {
        "waybill": statement(
            """
            SELECT waybill_no, issued_at, CASE WHEN NOT never THEN arrived_at END AS arrived_at, quantity_t,
                   township_i::INTEGER AS township_i, shipper_i::INTEGER AS enterprise_i, never AS is_late,
                   day AS delivered_on, NOT is_test AS is_real
            FROM waybill ORDER BY issued_at, waybill_no
            """,
            waybill=made,
        ),
        "bridge_grade": pa.table(
            {
                "bridge_no": pa.array(world.city.bridge["bridge_no"][inspected["bridge_i"]], pa.string()),
                "inspected_on": pa.array(inspected["on"]),
                "grade": pa.array(inspected["grade"], pa.int32()),
            }
        ),
    }


SOURCE = Source(
    "S23",
    "交通运输局 危货运单、两客一危、公交与桥梁",
    (
        Dataset(
            "S23",
            "linlan.transport.waybill",
            "危险货物电子运单",
            Files("waybill/dt={day:%Y-%m-%d}/part-0*.parquet", writers.parquet(), way="s3", late=0.01, double=0.01),
            _waybill_rows,
            WAYBILL_DIRT,
        ),
        Dataset(
            "S23",
            "linlan.transport.vehicle_day",
            "两客一危车辆日报",
            Files("vehicle_day/dt={day:%Y-%m-%d}/part-0*.parquet", writers.parquet(), way="s3", late=0.01),
            _vehicle_rows,
            VEHICLE_DIRT,
        ),
        Dataset(
            "S23",
            "linlan.transport.bus_od_day",
            "公交站点客流",
            Files("bus_od_day/dt={day:%Y-%m-%d}/part-0*.parquet", writers.parquet(), way="s3", missing=0.005),
            _bus_rows,
            BUS_DIRT,
        ),
        Dataset(
            "S23",
            "linlan.transport.bridge",
            "桥梁台账",
            Table(
                "bridge", ("bridge_no",),
                {"bridge_no": "varchar(40)", "lng": "numeric(9,6)", "lat": "numeric(9,6)", "built_year": "integer",
                 "length_m": "integer", "grade": "varchar(8)", "inspected_on": "date", "next_due_on": "date"},
                "MySQL 5.7", "mariadb",
            ),
            _bridge_rows,
            BRIDGE_DIRT,
        ),
    ),
    _events,
)  # fmt: skip
