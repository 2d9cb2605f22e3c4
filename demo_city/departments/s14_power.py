"""S14: energy of a day in five bands, of flagged flats, merchants and firms, and the total of each building.

Cooling and heating follow the weather, firms the workdays. A flat really let by the bed uses more, and more of it at
night; an old person's meter that stands still for days tells of an accident; wiring that fails rings the building's
alarm. Dirt: estimated readings, readings below zero, a changed meter's count taken for use, no reading, old area codes.

Truth: ``power_state`` (meter_no, address_no, what, from_on, to_on, township_i): what a meter's figures show while it
lasts: ``group_rental``, ``live_in`` (people live in a shop or store), ``closed_active`` (a cancelled firm that works
on), ``stopped`` (a firm stands still), ``zero_usage``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.city.people import person_name, phone
from demo_city.columns import Columns
from demo_city.departments.panels import (
    Panel,
    area_codes,
    arrow,
    old_code_pattern,
    outages,
    put,
    rounded,
    taken,
    twice_pattern,
)
from demo_city.departments.protocol import Dataset, Files, Pattern, Rows, Source
from demo_city.systems import writers
from demo_city.text import zfill

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

RENTED, CARE, SHOP, FIRM, BUILDING = range(5)
KIND_ZH = ("出租", "关爱", "商户", "企业", "楼栋合计")
SHOPS = ("餐饮", "商铺")
BANDS = ("KWH_22_06", "KWH_06_10", "KWH_10_14", "KWH_14_18", "KWH_18_22")
SHARES = np.array(
    [
        [0.21, 0.17, 0.17, 0.15, 0.30],
        [0.20, 0.20, 0.20, 0.18, 0.22],
        [0.09, 0.12, 0.27, 0.24, 0.28],
        [0.16, 0.21, 0.25, 0.24, 0.14],
        [0.22, 0.17, 0.16, 0.15, 0.30],
    ]
)
"""Of a day's energy, by kind and band."""
GROUP_SHARES = np.array([0.38, 0.14, 0.11, 0.10, 0.27])
LIVE_IN_SHARES = np.array([0.33, 0.15, 0.17, 0.14, 0.21])
ESTIMATED, NEGATIVE, SWAPPED, NO_READING = 0.02, 0.002, 0.0008, 0.004
OLD_RATE, TWICE_RATE = 0.015, 0.001


def group_flats(world: World, days: Any) -> tuple[Any, Any]:
    """Flats that are ever really let by the bed, and days × those flats: whether they are on that day."""

    def found() -> Any:
        return np.flatnonzero(~np.isnat(world.city.flat["group_from"]))

    flat_i = world.once("networks.group_flats", found)
    flat = world.city.flat
    day = np.asarray(days)[:, None]
    return flat_i, (day >= flat["group_from"][flat_i]) & (day < flat["group_to"][flat_i])


def flat_addresses(world: World, flat_i: Any) -> Any:
    """Addresses of flats in words, as the register has them."""
    flat, building = world.city.flat, world.city.building
    own = {name: np.asarray(flat[name])[flat_i].astype("U3") for name in ("unit_no", "floor", "room")}
    door = own["floor"].astype(object) + zfill(own["room"], 2).astype(object)
    street = np.asarray(building["address_zh"], dtype=object)[np.asarray(flat["building_i"])[flat_i]]
    return street + own["unit_no"].astype(object) + "单元" + door + "室"


def silent_flats(world: World) -> Columns:
    """Flats of old people whose meters stand still before an accident: ``flat_i from_on to_on`` (both included)."""
    steps = world.life.precursors("S14")
    steps = steps.where(steps["what"] == "zero_usage")
    chains = world.life.chains
    order = np.argsort(chains["chain_no"])
    at = order[np.searchsorted(chains["chain_no"][order], steps["chain_no"])] if steps.rows_n else np.zeros(0, int)
    return Columns(
        flat_i=steps["flat_i"],
        from_on=steps["at"].astype("datetime64[D]"),
        to_on=chains["event_at"][at].astype("datetime64[D]"),
    )


def marked(days: Any, things_n: int, which: Any, from_on: Any, to_on: Any) -> Any:
    """Days × things: true for the given things between two days, both included; `which` -1 is left out."""
    grid = np.zeros((len(days), things_n), bool)
    if not len(days):
        return grid
    for after in range(int((to_on - from_on).astype(int).max(initial=-1)) + 1):
        on = from_on + after
        there = (which >= 0) & (on <= to_on) & (on >= days[0]) & (on <= days[-1])
        grid[np.searchsorted(days, on[there]), which[there]] = True
    return grid


def position_of(register: Any, wanted: Any) -> Any:
    """Where each wanted number stands in a list of different numbers; -1 where it does not."""
    order = np.argsort(register)
    if not len(order):
        return np.full(len(wanted), -1)
    at = order[np.minimum(np.searchsorted(register, wanted, sorter=order), len(order) - 1)]
    return np.where(np.asarray(register)[at] == wanted, at, -1)


def _meters(world: World) -> Columns:
    return world.once("s14.meters", lambda: _made(world))


def _made(world: World) -> Columns:
    """Every meter on the list: rented and care flats, merchants, firms, buildings."""
    chance, city = world.chance, world.city
    flat, building, enterprise = city.flat, city.building, city.enterprise
    rented = np.flatnonzero(flat["is_rental"])
    care = np.flatnonzero(flat["elderly_alone"])
    of_kind = np.asarray(enterprise["kind"]).astype(str)
    is_shop = np.isin(of_kind, SHOPS)
    share = np.select([of_kind == "危化", of_kind == "工业", is_shop], [1.0, 0.6, 0.36], 0.2)
    listed = enterprise["is_key_fire_unit"] | chance.happens(share, "s14.listed", enterprise["key"])
    anomalous = world.life.precursors("S14")
    anomalous = anomalous["building_i"][anomalous["what"] == "power_anomaly"]
    totals = (building["community_i"] >= 0) & (building["kind"] == "住宅")
    totals[anomalous] = True
    parts = [
        (RENTED, rented),
        (CARE, care),
        (SHOP, np.flatnonzero(is_shop & listed)),
        (FIRM, np.flatnonzero(~is_shop & listed)),
        (BUILDING, np.flatnonzero(totals)),
    ]
    kind = np.concatenate([np.full(len(at), number) for number, at in parts])
    thing = np.concatenate([at for _, at in parts])
    is_flat, is_firm = kind <= CARE, (kind == SHOP) | (kind == FIRM)
    none = np.full(len(kind), -1)
    flat_i = np.where(is_flat, thing, none)
    enterprise_i = np.where(is_firm, thing, none)
    of_flat = flat["building_i"][np.maximum(flat_i, 0)]
    of_firm = enterprise["building_i"][np.maximum(enterprise_i, 0)]
    building_i = np.where(is_flat, of_flat, np.where(is_firm, of_firm, thing))
    township_i = np.where(
        is_firm,
        enterprise["township_i"][np.maximum(enterprise_i, 0)],
        building["township_i"][np.maximum(building_i, 0)],
    )
    key = np.where(
        is_flat,
        flat["key"][np.maximum(flat_i, 0)],
        np.where(is_firm, enterprise["key"][np.maximum(enterprise_i, 0)], building["key"][np.maximum(building_i, 0)]),
    )
    # By township, so that a smaller city's file is the greater one's cut.
    order = np.lexsort((key, kind, township_i))
    kind, thing, flat_i, enterprise_i, building_i, township_i, key = (
        values[order] for values in (kind, thing, flat_i, enterprise_i, building_i, township_i, key)
    )
    number = kind * 10**12 + key
    is_flat, is_firm, is_building = kind <= CARE, (kind == SHOP) | (kind == FIRM), kind == BUILDING
    f, e, b = np.maximum(flat_i, 0), np.maximum(enterprise_i, 0), np.maximum(building_i, 0)
    people = np.maximum(flat["residents_n"][f], 1)
    staff = np.maximum(enterprise["staff_n"][e], 1) if enterprise.rows_n else np.ones(len(e))
    size = chance.lognormal(1.0, 0.45, "s14.size", number)
    mean = np.select(
        [kind == RENTED, kind == CARE, kind == SHOP, kind == FIRM],
        [
            (1.6 + 1.5 * people + 2.0 * flat["wealth"][f]) * size**0.6,
            2.4 * size**0.6,
            (9 + 5.0 * staff) * size,
            (20 + 11.0 * staff) * size,
        ],
        building["flats_n"][b] * 6.3 + building["floors"][b] * building["units_n"][b] * 1.5 + 8,
    )
    mean = np.minimum(mean, 250_000)
    is_group = is_flat & ~np.isnat(flat["group_from"][f])
    code, is_old = area_codes(world, township_i, number, "s14", OLD_RATE)
    text = zfill(key.astype("U12"), 12).astype(object)
    prefix = np.array(["99R", "99C", "99M", "99E", "99B"], dtype=object)[kind]
    address = np.asarray(building["address_zh"], dtype=object)[b]
    address[building_i < 0] = "厂区"
    address[is_flat] = flat_addresses(world, flat_i[is_flat])
    numbers = np.asarray(flat["flat_no"]).astype("U20")[f].astype(object)
    of_building = np.asarray(building["building_no"], dtype=object)[b]
    name = person_name(chance, "s14.account", number)
    uscc = np.asarray(enterprise["uscc"], dtype=object)[e] if enterprise.rows_n else numbers
    firm_name = np.asarray(enterprise["name_zh"], dtype=object)[e] if enterprise.rows_n else name
    live_in = is_firm & chance.happens(0.012, "s14.live_in", number)
    cancelled = enterprise["cancelled_on"][e] if enterprise.rows_n else np.full(len(e), np.datetime64("NaT", "D"))
    cancelled = np.where(is_firm, cancelled, np.datetime64("NaT", "D"))
    return Columns(
        number=number,
        kind=kind,
        flat_i=flat_i,
        enterprise_i=enterprise_i,
        building_i=np.where(is_firm, -1, building_i),
        township_i=township_i,
        mean=mean,
        is_group=is_group,
        group_factor=chance.uniform("s14.group", number) * 1.3 + 2.0,
        group_from=np.where(is_group, flat["group_from"][f], np.datetime64("NaT", "D")),
        group_to=np.where(is_group, flat["group_to"][f], np.datetime64("NaT", "D")),
        submeters=np.where(
            is_group & chance.happens(0.6, "s14.submeter", number),
            chance.integers(2, 7, "s14.submeter.n", number),
            chance.happens(0.004, "s14.submeter.other", number) & is_flat,
        ),
        live_in=live_in,
        cancelled_on=cancelled,
        works_on=is_firm & chance.happens(0.05, "s14.works_on", number),
        wiring=0.004 * chance.lognormal(1.0, 1.2, "s14.wiring", number),
        is_old=is_old,
        meter_no=arrow(prefix + text),
        kind_zh=arrow(np.array(KIND_ZH, dtype=object)[kind]),
        address_no=arrow(np.where(is_flat, numbers, np.where(is_firm, uscc, of_building))),
        building_no=arrow(np.where(building_i < 0, None, of_building)),
        code=arrow(code),
        name=arrow(np.where(is_firm, firm_name, np.where(is_building, "楼栋合计", name))),
        tel=arrow(np.where(is_building, None, phone(chance, "s14.account.tel", number))),
        address=arrow(address),
        area=arrow(np.where(is_flat, flat["area_m2"][f], np.nan)),
        capacity=arrow(rounded(np.maximum(mean / 24 * 4, 8), 0)),
    )


def _weather(world: World, days: Days) -> tuple[Any, Any]:
    """By day: factor of homes, factor of firms."""
    weather = world.life.weather_daily(days)
    mean, high = weather["temp_mean_c"], weather["temp_max_c"]
    cooling = np.maximum(mean - 25, 0) * 0.07 + np.maximum(high - 34, 0) * 0.06
    heating = np.maximum(9 - mean, 0) * 0.045
    storm = np.clip((weather["gust_max_ms"] - 20) / 60, 0, 0.35)
    work = np.where(world.life.is_workday(days.array), 1.0, 0.55)
    return (1 + cooling + heating) * (1 - 0.3 * storm), work * (1 + 0.35 * cooling) * (1 - storm)


def meter_rows(world: World, days: Days) -> Rows:
    """Every meter's day."""
    meters, day_all = _meters(world), days.array
    panel = Panel(meters["number"], day_all, world.chance, "s14", twice=TWICE_RATE)
    who, at, day = panel.who, panel.at, panel.day
    of_home, of_firm = _weather(world, days)
    kind = meters["kind"][who]
    is_firm = (kind == SHOP) | (kind == FIRM)
    holiday = np.asarray(world.life.calendar(days)["is_holiday"], dtype=bool)[at]
    factor = np.where(kind == FIRM, of_firm[at], np.where(kind == SHOP, 0.7 + 0.3 * of_home[at], of_home[at]))
    factor = np.where((kind == SHOP) & holiday, factor * 1.12, factor)
    kwh = meters["mean"][who] * factor * (0.78 + 0.44 * panel.uniform("noise"))
    grouped = meters["is_group"][who] & (day >= meters["group_from"][who]) & (day < meters["group_to"][who])
    kwh = np.where(grouped, kwh * meters["group_factor"][who], kwh)

    still = _still(world, meters, day_all)[at, who]
    kwh = np.where(still, np.where(kind == FIRM, kwh * 0.01, kwh * 0.06), kwh)
    closed = is_firm & (meters["cancelled_on"][who] <= day)
    kwh = np.where(closed & ~meters["works_on"][who], 0.0, kwh)
    zero = _zero(world, meters, day_all)[at, who]
    kwh = np.where(zero, 0.0, kwh)

    shares = SHARES[kind]
    shares = np.where(grouped[:, None], GROUP_SHARES, shares)
    live_in = meters["live_in"][who]
    shares = np.where(live_in[:, None], LIVE_IN_SHARES, shares)
    # Five small numbers out of one hash: the bands differ from day to day by up to a sixth.
    bits = world.chance.bits("s14.bands", panel.number, day)[:, None] >> np.arange(0, 60, 12, dtype=np.uint64)
    shares = shares * (0.84 + 0.32 / 4096 * (bits & np.uint64(4095)).astype(np.float64))
    shares /= shares.sum(axis=1, keepdims=True)

    fault = panel.uniform("fault")
    estimated = fault < ESTIMATED
    edges = np.cumsum([ESTIMATED, NEGATIVE, SWAPPED, NO_READING])
    negative = (fault >= edges[0]) & (fault < edges[1])
    swapped = (fault >= edges[1]) & (fault < edges[2])
    missing = (fault >= edges[2]) & (fault < edges[3])
    kwh = np.where(estimated, meters["mean"][who], kwh)
    kwh = np.where(negative, -1 - kwh, kwh)
    kwh = np.where(swapped, 999_999 - 40_000 * panel.uniform("swap"), kwh)
    bands = rounded(shares * kwh[:, None], 2)
    kwh = rounded(bands.sum(axis=1), 2)

    leak = panel.poisson(meters["wiring"][who], "leak")
    alarm = _anomaly(world, meters, day_all)[at, who]
    leak = np.where(alarm, leak + 5 + (20 * panel.uniform("alarm")).astype(np.int64), leak)
    overload = panel.poisson(np.where(grouped, 0.12, 0.006), "overload") + np.where(alarm, leak // 2, 0)
    own = taken(
        meters,
        who,
        {
            "METER_NO": "meter_no",
            "CONS_SORT": "kind_zh",
            "ADDR_KEY": "address_no",
            "BUILDING_NO": "building_no",
            "ORG_AREA": "code",
            "CONS_NAME": "name",
            "CONS_TEL": "tel",
            "ELEC_ADDR": "address",
            "BUILD_AREA": "area",
            "CAPACITY": "capacity",
        },
    )
    columns = {
        "METER_NO": own.pop("METER_NO"),
        "DATA_DATE": day,
        **{name: values for name, values in own.items() if name != "CAPACITY"},
        "KWH": np.ma.MaskedArray(kwh, missing),
        **{name: np.ma.MaskedArray(bands[:, number], missing) for number, name in enumerate(BANDS)},
        "LEAK_CNT": leak,
        "OVERLOAD_CNT": overload,
        "SUB_METER": np.where(grouped | ~meters["is_group"][who], meters["submeters"][who], 0).astype(np.int64),
        "CAPACITY": own["CAPACITY"],
        "READ_TYPE": put(pa.repeat(pa.scalar("实抄"), panel.rows_n), estimated, "估抄"),
    }
    flags = {
        "estimated": estimated,
        "negative": negative,
        "meter_swap": swapped,
        "no_reading": missing,
        "old_area_code": meters["is_old"][who],
    }
    return panel.rows(columns, flags, ("METER_NO", "DATA_DATE"))


def _still(world: World, meters: Columns, days: Any) -> Any:
    """Days × meters: homes nobody is in and firms that stand still."""
    away = np.select([meters["kind"] == CARE, meters["kind"] == RENTED, meters["kind"] == FIRM], [0.012, 0.03, 0.008])
    return ~np.isnat(outages(world.chance, "s14.still", meters["number"], days, away, 5.0))


def _zero(world: World, meters: Columns, days: Any) -> Any:
    silent = silent_flats(world)
    at = position_of(np.where(meters["kind"] == CARE, meters["flat_i"], -2), silent["flat_i"])
    return marked(days, meters.rows_n, at, silent["from_on"], silent["to_on"])


def _anomaly(world: World, meters: Columns, days: Any) -> Any:
    steps = world.life.precursors("S14")
    steps = steps.where(steps["what"] == "power_anomaly")
    at = position_of(np.where(meters["kind"] == BUILDING, meters["building_i"], -2), steps["building_i"])
    on = steps["at"].astype("datetime64[D]")
    return marked(days, meters.rows_n, at, on, on)


def events(world: World, days: Days) -> Mapping[str, pa.Table]:
    """See the module."""
    meters, day = _meters(world), days.array
    first, last = day[0], day[-1]
    flat = meters["is_group"] & (meters["group_from"] <= last) & (meters["group_to"] > first)
    closed = meters["works_on"] & (meters["cancelled_on"] <= last)
    silent = silent_flats(world)
    at = position_of(np.where(meters["kind"] == CARE, meters["flat_i"], -2), silent["flat_i"])
    there = (at >= 0) & (silent["from_on"] <= last) & (silent["to_on"] >= first)
    since = outages(world.chance, "s14.still", meters["number"], day, np.where(meters["kind"] == FIRM, 0.008, 0.0), 5.0)
    where, firm = np.nonzero(~np.isnat(since))
    stops, lasted = np.unique(np.column_stack([firm, since[where, firm].astype(np.int64)]), axis=0, return_counts=True)
    stopped_on = stops[:, 1].astype("datetime64[D]")
    parts = [
        ("group_rental", np.flatnonzero(flat), meters["group_from"][flat], meters["group_to"][flat] - 1),
        ("live_in", np.flatnonzero(meters["live_in"]), None, None),
        ("closed_active", np.flatnonzero(closed), meters["cancelled_on"][closed], None),
        ("stopped", stops[:, 0], stopped_on, stopped_on + lasted - 1),
        ("zero_usage", at[there], silent["from_on"][there], silent["to_on"][there]),
    ]
    made = []
    for what, who, from_on, to_on in parts:
        n = len(who)
        start = np.full(n, first) if from_on is None else from_on
        end = np.full(n, last) if to_on is None else to_on
        at_rows = pa.array(np.asarray(who, dtype=np.int64))
        made.append(
            pa.table(
                {
                    "meter_no": meters["meter_no"].take(at_rows),
                    "address_no": meters["address_no"].take(at_rows),
                    "what": pa.array([what] * n, pa.string()),
                    "from_on": arrow(start),
                    "to_on": arrow(end),
                    "township_i": arrow(meters["township_i"][who]),
                }
            )
        )
    return {"power_state": pa.concat_tables(made).combine_chunks()}


SOURCE = Source(
    "S14",
    "供电公司 用电信息采集",
    (
        Dataset(
            "S14",
            "linlan.power.meter_day",
            "用电量日数据",
            Files("meter_day/YDXX_{day:%Y%m%d}.csv", writers.csv(), way="sftp", late=0.01, missing=0.004, double=0.004),
            meter_rows,
            (
                Pattern(
                    "estimated",
                    "The reading is estimated: the meter's mean once more.",
                    ESTIMATED,
                    "warning",
                    "reading_was_taken",
                    "reading",
                ),
                Pattern("negative", "Energy below zero.", NEGATIVE, "quarantine", "kwh_not_negative", "kwh"),
                Pattern(
                    "meter_swap",
                    "The count of a changed meter is taken for the day's energy.",
                    SWAPPED,
                    "quarantine",
                    "kwh_within_reason",
                    "kwh",
                ),
                Pattern("no_reading", "The meter did not answer.", NO_READING, "warning", "kwh_present", "kwh"),
                old_code_pattern(OLD_RATE),
                twice_pattern(TWICE_RATE),
            ),
        ),
    ),
    events,
)
