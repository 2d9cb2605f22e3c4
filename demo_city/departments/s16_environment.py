"""S16: air by station and hour, emissions by outlet and hour, water by river section and four hours.

The items of one station and hour fit each other: PM10 holds PM2.5, NOX holds NO and NO2, ozone wants sun and heat,
wind thins and rain washes. Outlets exceed their permits at times, most of all where a plant calls itself stopped and
is not; the evening of an odour shows at the plant's outlet. Rivers get worse after rain.

Truth: ``air_hour`` (station, item, at, value, is_valid, county_i), ``emission_day`` (outlet_no, enterprise_i, item,
day, value, hours_over_n, limit, is_stopped, township_i), ``water_section_month`` (section, month, class, township_i),
``odour`` (at, enterprise_i, township_i).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.city.people import person_name, phone
from demo_city.columns import Columns
from demo_city.days import BEGINS_ON, Days
from demo_city.departments.panels import (
    Panel,
    area_codes,
    arrow,
    day_numbers,
    events_table,
    old_code_pattern,
    outages,
    put,
    rounded,
    taken,
    texts_of,
    twice_pattern,
)
from demo_city.departments.protocol import Api, Dataset, Pattern, Rows, Source, Table

if TYPE_CHECKING:
    from demo_city.world import World

AIR = ("PM2.5", "PM10", "SO2", "NO2", "NO", "NOX", "CO", "O3", "TEMP", "RH")
AIR_UNIT = ("μg/m³", "μg/m³", "μg/m³", "μg/m³", "μg/m³", "μg/m³", "mg/m³", "μg/m³", "℃", "%")
PM25, PM10, SO2, NO2, NO, NOX, CO, O3, TEMP, RH = range(10)
PM25_OF_MONTH = np.array([52, 46, 40, 34, 29, 23, 17, 17, 22, 30, 40, 50.0])
FLAGS = np.array([None, "B", "D", "M", "C"], dtype=object)
MINUS_99, HOUR_24, INVERTED, STUCK = 0.003, 0.02, 0.002, 0.012
OLD_RATE, TWICE_RATE = 0.02, 0.0005
GAS = (("颗粒物", 10.0), ("SO2", 35.0), ("NOX", 50.0), ("非甲烷总烃", 60.0), ("NH3", 8.0))
WASTE = (("COD", 50.0), ("NH3-N", 5.0), ("TP", 0.5), ("TN", 15.0), ("SS", 10.0))
"""Items of gas and waste water with the usual limit of a permit."""
LIMIT_MISSING, CEMS_99, CEMS_FLAGGED = 0.004, 0.002, 0.008
SECTION_ITEMS = ("DO", "CODMn", "COD", "BOD5", "NH3-N", "TP", "TN", "F", "PH")
CLASSES = {
    "DO": (7.5, 6, 5, 3, 2),
    "CODMn": (2, 4, 6, 10, 15),
    "COD": (15, 15, 20, 30, 40),
    "BOD5": (3, 3, 4, 6, 10),
    "NH3-N": (0.15, 0.5, 1.0, 1.5, 2.0),
    "TP": (0.02, 0.1, 0.2, 0.3, 0.4),
    "F": (1, 1, 1, 1.5, 1.5),
}
"""GB 3838-2002, classes I to V in mg/L; total nitrogen is left out for rivers."""
SECTION_HOURS = np.arange(0, 24, 4)
BELOW_LIMIT, SECTION_99, SECTION_FLAGGED = 0.004, 0.003, 0.006
RIVERS = ("通澜河", "九曲河", "如澜运河", "望洲河", "启新河", "东灶港", "北凌河", "焦港河")


# ---------------------------------------------------------------- air


def _stations(world: World) -> Columns:
    return world.once("s16.stations", lambda: _stations_made(world))


def _stations_made(world: World) -> Columns:
    """A station in every street and town, and in some of the special zones: 105 in the whole city."""
    chance, township = world.chance, world.city.township
    code = np.asarray(township["code"]).astype(np.int64)
    special = np.asarray(township["code"]).astype("U9").astype(object)
    is_special = np.array([text[6] == "4" for text in special])
    has = np.asarray(township["is_active"]) & (~is_special | chance.happens(0.35, "s16.station", code))
    township_i = np.flatnonzero(has)
    number = code[township_i]
    area, is_old = area_codes(world, township_i, number, "s16", OLD_RATE)
    item = np.arange(10)
    at, it = np.divmod(np.arange(len(township_i) * 10), 10)
    name = np.asarray(township["name_zh"], dtype=object)[township_i] + "站"
    return Columns(
        number=number[at] * 10 + item[it],
        station=at,
        item=it,
        township_i=township_i[at],
        is_old=is_old[at],
        dirt_trait=chance.lognormal(1.0, 0.15, "s16.station.trait", number)[at],
        code=arrow(("A" + number.astype("U9").astype(object))[at]),
        name=arrow(name[at]),
        item_zh=arrow(np.array(AIR, dtype=object)[it]),
        unit=arrow(np.array(AIR_UNIT, dtype=object)[it]),
        area=arrow(area[at]),
        lng=arrow(rounded(np.asarray(township["lng"])[township_i][at], 6)),
        lat=arrow(rounded(np.asarray(township["lat"])[township_i][at], 6)),
    )


def _air(world: World, days: Days) -> Any:
    """Days × stations × hours × items: what is really in the air."""
    chance, stations = world.chance, _stations(world)
    first = stations["item"] == 0
    number, trait = stations["number"][first], stations["dirt_trait"][first]
    day = days.array
    weather = {name: values.reshape(-1, 1, 24) for name, values in world.life.weather(days).items()}
    month = day.astype("datetime64[M]").astype(np.int64) % 12
    hour = np.arange(24)
    # An episode lasts about three days: the mean of three days' numbers.
    wander = sum(chance.normal("s16.episode", day - back) for back in range(3)) / np.sqrt(3)
    still = np.clip(3.2 / np.maximum(weather["wind_ms"], 0.8), 0.35, 1.9) ** 0.6
    washed = np.clip(1 - 0.25 * np.sqrt(weather["rain_mm"]), 0.3, 1)
    keys = (number[None, :, None], day[:, None, None], hour[None, None, :])
    rush = 1 + 0.45 * np.exp(-((hour - 8) ** 2) / 5) + 0.5 * np.exp(-((hour - 18.5) ** 2) / 6)
    base = PM25_OF_MONTH[month] * np.exp(0.42 * wander)
    noise = np.exp(0.18 * chance.normal("s16.pm25", *keys))
    pm25 = base[:, None, None] * still * washed * trait[None, :, None] * (0.9 + 0.1 * rush) * noise
    pm10 = pm25 * (1.3 + 0.55 * chance.uniform("s16.pm10", *keys)) + 2
    gas = np.exp(0.2 * chance.normal("s16.gas", *keys))
    no2 = (14 + 0.35 * base[:, None, None]) * still * rush * trait[None, :, None] * gas
    no = no2 * (0.12 + 0.25 * chance.uniform("s16.no", *keys)) * rush
    so2 = (6 + 0.06 * base[:, None, None]) * still * gas
    co = 0.35 + 0.006 * pm25 + 0.1 * chance.uniform("s16.co", *keys)
    sun = np.clip(np.sin((hour - 6) / 14 * np.pi), 0, None) ** 1.3
    clear = np.where(weather["rain_mm"] > 0.1, 0.45, 1.0)
    ozone = 38 + sun * clear * np.clip(5.2 * (weather["temp_c"] - 6), 10, 170) - 0.25 * no2
    ozone = np.maximum(ozone * (0.9 + 0.2 * chance.uniform("s16.o3", *keys)), 4)
    temp = weather["temp_c"] + 0.6 * chance.normal("s16.t", number[None, :, None], day[:, None, None], 0)
    humid = np.broadcast_to(weather["rh_pct"], pm25.shape)
    stack = [pm25, pm10, so2, no2, no, no2 + 1.53 * no, co, ozone, np.broadcast_to(temp, pm25.shape), humid]
    return np.stack(
        [rounded(values, 1 if number == TEMP else 2 if number == CO else 0) for number, values in enumerate(stack)],
        axis=-1,
    )


def _air_flags(world: World, days: Days) -> Any:
    """Days × (station, item) × hours: 0 valid, else the place in `FLAGS`."""
    chance, stations, day = world.chance, _stations(world), days.array[:, None]
    item, of = stations["number"][None, :], stations["number"][None, :] // 10
    hour = np.arange(24)

    def window(rate: float, stream: str, number: Any, longest: int) -> Any:
        begins = chance.integers(0, 20, f"{stream}.begins", number, day)[..., None]
        lasts = chance.integers(2, longest, f"{stream}.lasts", number, day)[..., None]
        return chance.happens(rate, stream, number, day)[..., None] & (hour >= begins) & (hour < begins + lasts)

    storm = np.clip((world.life.weather_daily(days)["gust_max_ms"] - 24) / 60, 0, 0.4)
    flag = np.where(window(0.010, "s16.bad", item, 9), 1, 0)
    cut = window(0.006, "s16.cut", of, 6) | window(storm[:, None], "s16.storm", of, 12)
    flag = np.where(cut, 2, flag)
    flag = np.where(window(0.02, "s16.maintained", of, 5), 3, flag)
    weekly = (day_numbers(day) + of) % 7 == 0
    return np.where(weekly[..., None] & (hour == 4) & (stations["item"] < TEMP)[None, :, None], 4, flag)


def air_rows(world: World, days: Days) -> Rows:
    """Every station, item and hour."""
    stations = _stations(world)
    panel = Panel(stations["number"], days.array, world.chance, "s16.air", slots=24, twice=TWICE_RATE)
    who, at, slot, day = panel.who, panel.at, panel.slot, panel.day
    air = _air(world, days)
    station, item = stations["station"][who], stations["item"][who]
    value = air[at, station, slot, item]
    inverted = (item == PM25) & panel.happens(INVERTED * 10, "inverted")
    value = np.where(inverted, rounded(air[at, station, slot, PM10] * 1.2 + 1, 0), value)
    flag = _air_flags(world, days)[at, who, slot]
    since = outages(world.chance, "s16.stuck", stations["number"], days.array, np.full(stations.rows_n, STUCK), 1.2)
    is_stuck = (~np.isnat(since)[at, who]) & (slot > 0) & (flag == 0)
    value = np.where(is_stuck, air[at, station, 0, item], value)
    void = (flag == 0) & panel.happens(MINUS_99, "void")
    value = np.where(void, -99.0, value)
    late = (slot == 0) & world.chance.happens(HOUR_24, "s16.hour", stations["number"][who] // 10, day)
    own = taken(
        stations,
        who,
        {
            "stationCode": "code",
            "item": "item_zh",
            "stationName": "name",
            "areaCode": "area",
            "lng": "lng",
            "lat": "lat",
            "unit": "unit",
        },
    )
    hours = arrow(np.array([f"{number:02d}:00" for number in range(24)], dtype=object)).take(pa.array(slot))
    columns = {
        "stationCode": own["stationCode"],
        "item": own["item"],
        "date": day,
        "hour": put(hours, late, "24:00"),
        **{name: own[name] for name in ("stationName", "areaCode", "lng", "lat")},
        "value": np.ma.MaskedArray(value, flag == 2),
        "unit": own["unit"],
        "flag": arrow(FLAGS).take(pa.array(flag)),
    }
    flags = {
        "flagged": flag > 0,
        "minus_99": void,
        "hour_24": late,
        "pm_inverted": inverted & (flag == 0) & ~void & ~is_stuck,
        "stuck": is_stuck & ~void,
        "old_area_code": stations["is_old"][who],
    }
    return panel.rows(columns, flags, ("stationCode", "item", "date", "hour"))


# ---------------------------------------------------------------- emissions


def _outlets(world: World) -> Columns:
    return world.once("s16.outlets", lambda: _outlets_made(world))


def _outlets_made(world: World) -> Columns:
    """Outlets of the bigger chemical and industrial firms × five items; of a smaller plant that will smell the two."""
    chance, enterprise = world.chance, world.city.enterprise
    kind, staff = np.asarray(enterprise["kind"]).astype(str), np.asarray(enterprise["staff_n"])
    lot = chance.uniform("s16.outlet", enterprise["key"])
    has = ((kind == "危化") & (lot < 0.03)) | ((kind == "工业") & (staff >= 60) & (lot < 0.02))
    is_big = has.copy()
    smells = world.life.precursors("S16")
    smells = smells["enterprise_i"][smells["what"] == "event"]
    has[smells] = True
    enterprise_i = np.flatnonzero(has)
    key = np.asarray(enterprise["key"])[enterprise_i]
    is_gas = np.isin(enterprise_i, smells) | chance.happens(0.6, "s16.outlet.gas", key)
    area, is_old = area_codes(world, np.asarray(enterprise["township_i"])[enterprise_i], key, "s16.outlet", OLD_RATE)
    at, it = np.divmod(np.arange(len(enterprise_i) * 5), 5)
    kept = is_big[enterprise_i][at] | (it >= 3)
    at, it = at[kept], it[kept]
    names = np.array([[name for name, _ in GAS], [name for name, _ in WASTE]], dtype=object)
    limits = np.array([[limit for _, limit in GAS], [limit for _, limit in WASTE]])
    medium = np.where(is_gas, 0, 1)[at]
    strict = np.where(chance.happens(0.3, "s16.outlet.strict", key), 0.6, 1.0)[at]
    number = key[at] * 10 + it
    return Columns(
        number=number,
        key=key[at],
        enterprise_i=enterprise_i[at],
        township_i=np.asarray(enterprise["township_i"])[enterprise_i][at],
        item=it,
        is_gas=is_gas[at],
        limit=rounded(limits[medium, it] * strict, 3),
        level=np.clip(chance.lognormal(0.42, 0.3, "s16.outlet.level", number), 0.08, 0.8),
        cheats=chance.happens(0.08, "s16.outlet.cheats", key)[at],
        risk=np.asarray(enterprise["risk"])[enterprise_i][at],
        flow=chance.lognormal(1.0, 0.8, "s16.outlet.flow", key)[at] * np.where(is_gas[at], 18_000, 60),
        is_old=is_old[at],
        outlet_no=arrow((np.where(is_gas, "DA", "DW").astype(object) + key.astype("U12").astype(object))[at]),
        item_zh=arrow(names[medium, it]),
        uscc=arrow(np.asarray(enterprise["uscc"])[enterprise_i][at]),
        name=arrow(np.asarray(enterprise["name_zh"])[enterprise_i][at]),
        area=arrow(area[at]),
        medium=arrow(np.where(is_gas, "废气", "废水").astype(object)[at]),
        unit=arrow(np.where(is_gas, "mg/m³", "mg/L").astype(object)[at]),
        tel=arrow(phone(chance, "s16.contact.tel", key)[at]),
        contact=arrow(person_name(chance, "s16.contact", key)[at]),
    )


def _emissions(world: World, days: Days) -> tuple[Any, Any, Any]:
    """Days × (outlet, item) × hours: value; days × (outlet, item): standing still by its own word, and really."""
    chance, outlets, day = world.chance, _outlets(world), days.array
    hour = np.arange(24)
    key, number = outlets["key"], outlets["number"]
    stopped = ~np.isnat(outages(chance, "s16.stopped", key, day, np.full(len(key), 0.03), 6.0))
    still = stopped & ~outlets["cheats"][None, :]
    noise = chance.uniform("s16.emission", number[None, :, None], day[:, None, None], hour[None, None, :])
    share = outlets["level"][None, :, None] * (0.7 + 0.6 * noise)
    bad = chance.happens(
        0.006 + 0.03 * np.asarray(outlets["risk"])[None, :] ** 2, "s16.excess", number[None, :], day[:, None]
    )
    begins = chance.integers(0, 18, "s16.excess.begins", number[None, :], day[:, None])[..., None]
    within = bad[..., None] & (hour >= begins) & (hour < begins + 6)
    share = np.where(within, 1.05 + 0.9 * noise, share)
    smell = _smell(world, days)
    share = np.where(smell, 1.6 + 2.4 * noise, share)
    share = np.where(still[..., None] & ~smell, 0.004 * noise, share)
    return rounded(share * outlets["limit"][None, :, None], 3), stopped, still


def _smell(world: World, days: Days) -> Any:
    """Days × (outlet, item) × hours of the evenings that smell: hydrocarbons and ammonia, from an hour before."""
    outlets = _outlets(world)
    grid = np.zeros((days.length, outlets.rows_n, 24), bool)
    steps = world.life.precursors("S16", days)
    steps = steps.where(steps["what"] == "event")
    for enterprise_i, at in zip(steps["enterprise_i"], steps["at"], strict=True):
        own = np.flatnonzero((outlets["enterprise_i"] == enterprise_i) & (outlets["item"] >= 3))
        hour = int(at.astype("datetime64[h]").astype(np.int64) % 24)
        on = int((at.astype("datetime64[D]") - days.array[0]).astype(np.int64))
        grid[on, own, max(hour - 1, 0) : min(hour + 4, 24)] = True
    return grid


def emission_rows(world: World, days: Days) -> Rows:
    """Every outlet, item and hour."""
    outlets = _outlets(world)
    panel = Panel(outlets["number"], days.array, world.chance, "s16.cems", slots=24, twice=TWICE_RATE)
    who, at, slot = panel.who, panel.at, panel.slot
    values, stopped, still = _emissions(world, days)
    value = values[at, who, slot]
    drawn = panel.uniform("flag")
    flag = np.where(drawn < CEMS_FLAGGED, 1 + (drawn * 1e6).astype(np.int64) % 4, 0)
    void = (drawn >= 0.5) & (drawn < 0.5 + CEMS_99)
    unlimited = (drawn >= 0.7) & (drawn < 0.7 + LIMIT_MISSING)
    flow = outlets["flow"][who] * (0.85 + 0.3 * panel.uniform("flow"))
    own = taken(
        outlets,
        who,
        {
            "outletNo": "outlet_no",
            "item": "item_zh",
            "creditCode": "uscc",
            "companyName": "name",
            "areaCode": "area",
            "medium": "medium",
            "unit": "unit",
            "contactTel": "tel",
            "contactName": "contact",
        },
    )
    columns = {
        "outletNo": own["outletNo"],
        "item": own["item"],
        "date": panel.day,
        "hour": slot,
        **{name: own[name] for name in ("creditCode", "companyName", "areaCode", "medium")},
        "value": np.where(void, -99.0, value),
        "permitLimit": np.ma.MaskedArray(outlets["limit"][who], unlimited),
        "unit": own["unit"],
        "flow": rounded(np.where(still[at, who], 0.0, flow), 1),
        "state": put(put(pa.repeat(pa.scalar("正常"), panel.rows_n), stopped[at, who], "停产"), flag == 3, "维护"),
        "flag": arrow(FLAGS).take(pa.array(flag)),
        "contactTel": own["contactTel"],
        "contactName": own["contactName"],
    }
    flags = {
        "flagged": flag > 0,
        "minus_99": void,
        "limit_missing": unlimited,
        "old_area_code": outlets["is_old"][who],
    }
    return panel.rows(columns, flags, ("outletNo", "item", "date", "hour"))


# ---------------------------------------------------------------- river sections


def _sections(world: World) -> Columns:
    return world.once("s16.sections", lambda: _sections_made(world))


def _sections_made(world: World) -> Columns:
    chance, township = world.chance, world.city.township
    code = np.asarray(township["code"]).astype(np.int64)
    has = np.asarray(township["is_active"]) & chance.happens(0.82, "s16.section", code)
    township_i = np.flatnonzero(has)
    number = code[township_i]
    area, is_old = area_codes(world, township_i, number, "s16.section", OLD_RATE)
    target = 2 + chance.choose([0.25, 0.6, 0.15], "s16.section.target", number)
    at, it = np.divmod(np.arange(len(township_i) * len(SECTION_ITEMS)), len(SECTION_ITEMS))
    river = np.array(RIVERS, dtype=object)[chance.integers(0, len(RIVERS), "s16.section.river", number)]
    name = river + np.asarray(township["name_zh"], dtype=object)[township_i] + "断面"
    return Columns(
        number=number[at] * 10 + it,
        item=it,
        township_i=township_i[at],
        target=target[at],
        # How near to the end of its class the section is on a common day; above 1 it fails.
        burden=chance.lognormal(0.72, 0.22, "s16.section.burden", number * 10)[at]
        * chance.lognormal(0.85, 0.18, "s16.section.item", number[at] * 10 + it),
        is_old=is_old[at],
        code=arrow(("D" + number.astype("U9").astype(object))[at]),
        name=arrow(name[at]),
        river=arrow(river[at]),
        area=arrow(area[at]),
        item_zh=arrow(np.array(SECTION_ITEMS, dtype=object)[it]),
    )


def _water(world: World, days: Days) -> Any:
    """Days × (section, item) × six hours: concentrations."""
    chance, sections, day = world.chance, _sections(world), days.array
    reach = Days(max(days.since(2).first, BEGINS_ON), days.last)
    rain = world.life.weather_daily(reach)["rain_mm"]
    rain = np.concatenate([np.zeros(days.length + 2 - len(rain)), rain])
    flushed = 1 + 0.006 * (rain[2:] + 0.7 * rain[1:-1] + 0.4 * rain[:-2]).clip(0, 130)
    warm = 1 + 0.12 * np.sin((day_numbers(day) % 365 - 110) / 365 * 2 * np.pi)
    noise = chance.normal(
        "s16.water", sections["number"][None, :, None], day[:, None, None], SECTION_HOURS[None, None, :]
    )
    load = sections["burden"][None, :, None] * (flushed * warm)[:, None, None] * np.exp(0.10 * noise)
    item, target = sections["item"], sections["target"]
    end = np.array([CLASSES.get(name, (1.0,) * 5) for name in SECTION_ITEMS])[item, target - 1]
    found = load * end[None, :, None]
    # Oxygen falls where the others rise; total nitrogen and acidity belong to no class of a river.
    oxygen = end[None, :, None] * (1.75 - 0.8 * np.minimum(load, 1.9)) * (1.1 - 0.1 * warm)[:, None, None]
    found = np.where((item == 0)[None, :, None], np.maximum(oxygen, 0.3), found)
    found = np.where((item == 6)[None, :, None], 1.6 + 1.2 * load, found)
    found = np.where((item == 8)[None, :, None], 7.6 + 0.15 * noise, found)
    return rounded(found, 3)


def section_rows(world: World, days: Days) -> Rows:
    """Every section, item and four hours."""
    sections = _sections(world)
    panel = Panel(sections["number"], days.array, world.chance, "s16.section", slots=6)
    who = panel.who
    value = _water(world, days)[panel.at, who, panel.slot]
    drawn = panel.uniform("flag")
    void = drawn < SECTION_99
    flagged = (drawn >= 0.3) & (drawn < 0.3 + SECTION_FLAGGED)
    trace = np.isin(sections["item"][who], [4, 5]) & (drawn >= 0.6) & (drawn < 0.6 + BELOW_LIMIT * 9 / 2)
    text = np.where(void, "-99", texts_of(value, 3)).astype(object)
    text = np.where(trace, np.where(sections["item"][who] == 4, "0.025L", "0.010L"), text)
    own = taken(
        sections,
        who,
        {
            "section_no": "code",
            "item": "item_zh",
            "section_name": "name",
            "river": "river",
            "area_code": "area",
        },
    )
    columns = {
        "section_no": own["section_no"],
        "item": own["item"],
        "sampled_on": panel.day,
        "hour_no": SECTION_HOURS[panel.slot],
        "section_name": own["section_name"],
        "river": own["river"],
        "target_class": sections["target"][who],
        "area_code": own["area_code"],
        "value_text": text,
        "flag": np.where(flagged, "M", None),
    }
    flags = {
        "minus_99": void,
        "flagged": flagged,
        "below_detection": trace,
        "old_area_code": sections["is_old"][who],
    }
    return panel.rows(columns, flags, ("section_no", "item", "sampled_on", "hour_no"))


def _classes(world: World, days: Days) -> Columns:
    """Class of each section by the means of each month that lies wholly within the days."""
    sections, day = _sections(world), days.array
    month = day.astype("datetime64[M]")
    found = []
    for one in np.unique(month):
        last = (one + 1).astype("datetime64[D]") - 1
        if one.astype("datetime64[D]") < day[0] or last > day[-1]:
            continue
        whole = Days(one.astype("datetime64[D]").item(), last.item())
        mean = _water(world, whole).mean(axis=(0, 2))
        ends = np.array([CLASSES.get(name, (np.inf,) * 5) for name in SECTION_ITEMS])[sections["item"]]
        worse = np.where((sections["item"] == 0)[:, None], mean[:, None] < ends, mean[:, None] > ends)
        grade = (1 + worse.sum(axis=1)).reshape(-1, len(SECTION_ITEMS)).max(axis=1)
        first = sections["item"] == 0
        found.append(
            Columns(
                section=np.asarray(sections["code"].to_pylist(), dtype=object)[first],
                month=np.full(len(grade), one.astype("datetime64[D]")),
                **{"class": grade},
                township_i=sections["township_i"][first],
            )
        )
    empty = {
        "section": np.zeros(0, object),
        "month": np.zeros(0, "datetime64[D]"),
        "class": np.zeros(0, int),
        "township_i": np.zeros(0, int),
    }
    return Columns.together(found) if found else Columns(empty)


def events(world: World, days: Days) -> Mapping[str, pa.Table]:
    """See the module."""
    stations, outlets, day = _stations(world), _outlets(world), days.array
    panel = Panel(stations["number"], day, world.chance, "s16.air", slots=24)
    value = _air(world, days)[panel.at, stations["station"][panel.who], panel.slot, stations["item"][panel.who]]
    flag = _air_flags(world, days)[panel.at, panel.who, panel.slot]
    county = np.asarray(world.city.township["county_i"])[stations["township_i"]]
    emission, stopped, _ = _emissions(world, days)
    at, who = np.divmod(np.arange(days.length * outlets.rows_n), max(outlets.rows_n, 1))
    odour = world.life.precursors("S16", days)
    odour = odour.where(odour["what"] == "event")
    return {
        "air_hour": events_table(
            {
                **taken(stations, panel.who, {"station": "code", "item": "item_zh"}),
                "at": panel.day.astype("datetime64[s]") + (panel.slot * 3600).astype("timedelta64[s]"),
                "value": value,
                "is_valid": flag == 0,
                "county_i": county[panel.who],
            }
        ),
        "emission_day": events_table(
            {
                **taken(outlets, who, {"outlet_no": "outlet_no", "item": "item_zh"}),
                "enterprise_i": outlets["enterprise_i"][who],
                "day": day[at],
                "value": rounded(emission.mean(axis=2).ravel(), 4),
                "hours_over_n": (emission > outlets["limit"][None, :, None]).sum(axis=2).ravel(),
                "limit": outlets["limit"][who],
                "is_stopped": stopped.ravel(),
                "township_i": outlets["township_i"][who],
            }
        ),
        "water_section_month": events_table(_classes(world, days)),
        "odour": events_table(
            {"at": odour["at"], "enterprise_i": odour["enterprise_i"], "township_i": odour["township_i"]}
        ),
    }


def _flagged(rate: float) -> Pattern:
    return Pattern("flagged", "The value carries a flag: it is not valid.", rate, "warning", "not_flagged", "flag")


def _void(rate: float) -> Pattern:
    return Pattern("minus_99", "-99 stands for no value, without a flag.", rate, "quarantine", "value_is_one", "value")


SOURCE = Source(
    "S16",
    "生态环境局 空气 排放 断面",
    (
        Dataset(
            "S16",
            "linlan.environment.air_hour",
            "空气质量站点小时值",
            Api("/v2/air/hours", "cursor"),
            air_rows,
            (
                _flagged(0.013),
                _void(MINUS_99),
                Pattern(
                    "hour_24",
                    "The first hour of the day is called 24:00.",
                    HOUR_24 / 24,
                    "warning",
                    "hour_of_a_day",
                    "hour",
                ),
                Pattern("pm_inverted", "PM2.5 is more than the PM10 it is a part of.", INVERTED, "core", None, "value"),
                Pattern(
                    "stuck", "The instrument repeats its value to the digit all day.", 0.006, "core", None, "value"
                ),
                old_code_pattern(OLD_RATE),
                twice_pattern(TWICE_RATE),
            ),
        ),
        Dataset(
            "S16",
            "linlan.environment.emission_hour",
            "企业排放在线监测小时值",
            Api("/v2/emission/hours", "cursor"),
            emission_rows,
            (
                _flagged(CEMS_FLAGGED),
                _void(CEMS_99),
                Pattern(
                    "limit_missing",
                    "The permit's limit is not given.",
                    LIMIT_MISSING,
                    "warning",
                    "limit_present",
                    "limit_value",
                ),
                old_code_pattern(OLD_RATE),
                twice_pattern(TWICE_RATE),
            ),
        ),
        Dataset(
            "S16",
            "linlan.environment.water_section",
            "地表水断面水质",
            Table(
                "water_section",
                (),
                {
                    "section_no": "varchar(16)",
                    "item": "varchar(16)",
                    "sampled_on": "date",
                    "hour_no": "integer",
                    "target_class": "integer",
                    "area_code": "varchar(12)",
                    "value_text": "varchar(16)",
                    "flag": "varchar(4)",
                },
                "SQL Server 2016",
            ),
            section_rows,
            (
                _void(SECTION_99),
                _flagged(SECTION_FLAGGED),
                Pattern(
                    "below_detection",
                    "Below what the laboratory can see: the limit with an L.",
                    BELOW_LIMIT,
                    "quarantine",
                    "typing",
                    "value",
                ),
                old_code_pattern(OLD_RATE),
            ),
        ),
    ),
    events,
)
