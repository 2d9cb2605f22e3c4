"""S19 health: notifiable diseases by week of onset, and calls of 120; counts only, nobody's case.

Reports of a week come in for two months: each day's file has the weeks whose number changed, with the number as it is
now. Calls follow weather (heat stroke, carbon monoxide), the day's course, and what other sources know: every crash
with somebody hurt is a call, every outbreak of food poisoning several.

Tables of events: ``ems_call`` (also ``grid_i building_i patients_n``) and ``disease_week`` with ``n_week0`` to
``n_week6``: cases known that many weeks after the week's end.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.chance import repeated
from demo_city.columns import Columns
from demo_city.days import BEGINS_ON, Days
from demo_city.departments.protocol import Dataset, Files, Pattern, Rows, Source
from demo_city.departments.s05_traffic_police import crashes
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
    per_township,
    pick,
    statement,
    written,
)
from demo_city.systems import writers

if TYPE_CHECKING:
    from demo_city.world import World

DISEASES: tuple[tuple[str, str, str, float, float, float, float], ...] = (
    ("D01", "流行性感冒", "丙类", 900.0, 0.55, 2, 2.5),
    ("D02", "手足口病", "丙类", 130.0, 0.75, 24, 2.0),
    ("D03", "其他感染性腹泻病", "丙类", 110.0, 0.35, 30, 3.0),
    ("D04", "肺结核", "乙类", 45.0, 0.12, 12, 9.0),
    ("D05", "病毒性肝炎", "乙类", 70.0, 0.06, 10, 7.0),
    ("D06", "梅毒", "乙类", 38.0, 0.05, 26, 8.0),
    ("D07", "猩红热", "乙类", 5.0, 0.60, 20, 2.5),
    ("D08", "流行性腮腺炎", "丙类", 8.0, 0.30, 22, 2.5),
    ("D09", "百日咳", "乙类", 20.0, 0.55, 21, 4.0),
    ("D10", "细菌性和阿米巴性痢疾", "乙类", 3.0, 0.55, 31, 3.0),
    ("D11", "新型冠状病毒感染", "乙类", 160.0, 0.35, 30, 2.5),
    ("D12", "淋病", "乙类", 8.0, 0.12, 32, 6.0),
    ("D13", "急性出血性结膜炎", "丙类", 3.0, 0.55, 35, 2.5),
    ("D14", "登革热", "乙类", 0.6, 0.95, 37, 3.0),
    ("D15", "布鲁氏菌病", "乙类", 0.6, 0.35, 24, 12.0),
    ("D16", "伤寒和副伤寒", "乙类", 0.4, 0.45, 30, 6.0),
    ("D17", "风疹", "丙类", 0.8, 0.45, 18, 3.0),
    ("D18", "疟疾", "乙类", 0.2, 0.20, 30, 3.0),
    ("D19", "流行性出血热", "乙类", 0.4, 0.50, 47, 4.0),
    ("D20", "发热伴血小板减少综合征", "丙类", 0.5, 0.85, 25, 4.0),
)
"""Code, name, class, cases a year per 100,000, swing and peak week of the season, mean days until a case is reported.

Sizes are of the order one sees in a Chinese city of the lower Yangtze; they stand for no published series.
"""
FLU, DIARRHOEA = 0, 2
VERSIONS = np.array([7, 8, 9, 10, 11, 12, 13, 14, 16, 18, 21, 25, 28, 35, 42, 49, 56])
"""Days after a week's Monday on which its number may change; after the last it is final."""
BY_REPORT = 0.03
"""Share of weeks, diseases and counties that are first counted by date of report: the week before is in them too."""
CALLS = 780.0
CATEGORIES: tuple[tuple[str, float], ...] = (
    ("创伤跌倒", 21.0), ("胸痛心悸", 9.0), ("脑卒中", 7.0), ("呼吸困难", 6.0), ("腹痛", 8.0), ("发热", 5.0),
    ("意识障碍", 6.0), ("醉酒", 6.0), ("转院", 12.0), ("产科", 2.0), ("精神异常", 2.0), ("药物中毒", 1.0),
    ("其他", 8.0), ("交通事故", 4.0), ("食物中毒", 0.3), ("中暑", 0.05), ("一氧化碳中毒", 0.05),
)  # fmt: skip
UNCONSCIOUS, TRAFFIC, FOOD, HEAT, MONOXIDE, BELLY = 6, 13, 14, 15, 16, 4
HEAT_N, MONOXIDE_N, CRASH_N = 20_000, 40_000, 100_000_000
"""First running numbers of calls of these kinds; those of chains begin in between."""

# Of small townships most weeks have no case: the larger the scale, the more rows are changes.
WEEK_DIRT = (
    Pattern("revised_later", "More cases of the week become known later.", 0.08, "corrected", None, "cases_n"),
    Pattern(
        "by_reporting_date", "Counted by date of report, not of onset: too many for the week.", 0.028, "warning",
        "by_onset", "basis",
    ),
)  # fmt: skip
CALL_DIRT = (
    Pattern(
        "arrived_before_dispatch", "Arrived before the ambulance was sent: the tablet's clock.", 0.006, "warning",
        "arrived_after_dispatch", "arrived_at",
    ),
    Pattern(
        "arrival_missing", "Nobody pressed the button on arrival.", 0.015, "warning", "arrived_there", "arrived_at"
    ),
    Pattern("old_area_code", "Area code from before a merger.", 0.012, "warning", "area_code_current", "area_code"),
    Pattern("repeated", "The same record twice in a file.", 0.004, "unchanged", None, None),
    Pattern("test_row", "A call to try the system.", 0.003, "quarantine", "not_a_test", "category"),
)  # fmt: skip


def disease_weeks(world: World, weeks: Any) -> Columns:
    """Cases by disease, week (Mondays) and township, and how many of them are known on each day of `VERSIONS`.

    Returns:
        ``disease week_on township_i n_final`` and ``known`` (rows × versions).
    """
    chance = world.chance
    township = active_townships(world)
    people = np.asarray(world.city.township["population"], dtype=np.float64)[township]
    week_no = _ordinal(weeks)
    disease = np.arange(len(DISEASES))
    yearly, swing, peak, delay = (np.array([row[at] for row in DISEASES]) for at in (3, 4, 5, 6))
    of_year = (weeks - weeks.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64) / 7
    season = 1 + swing[:, None] * np.cos((of_year[None, :] - peak[:, None]) / 52.18 * 2 * np.pi)
    mean = yearly[:, None] / 52.18 * season
    mean = mean * chance.lognormal(1.0, 0.12, "s19.week", disease[:, None], week_no[None, :])
    mean[FLU] *= _flu(world, weeks)
    local = chance.lognormal(1.0, 0.25, "s19.local", disease[:, None], township[None, :])
    expected = mean[:, :, None] * local[:, None, :] * people / 1e5
    key = (disease[:, None, None], week_no[None, :, None], township[None, None, :])
    cases = chance.poisson(expected, "s19.cases", *key) + _outbreaks(world, weeks, township)
    position = np.arange(cases.size)
    lot = chance.uniform("s19.reported", *key).ravel()
    share = _reported(delay)[position // (len(weeks) * len(township))]
    known = np.floor(cases.ravel()[:, None] * share + lot[:, None]).astype(np.int64)
    return Columns(
        disease=position // (len(weeks) * len(township)),
        week_on=weeks[position // len(township) % len(weeks)],
        township_i=township[position % len(township)],
        n_final=cases.ravel(),
        known=np.minimum(known, cases.ravel()[:, None]),
    )


def _reported(delay: Any) -> Any:
    """Share of a week's cases that is known so many days after its Monday (diseases × versions), 1 at the last."""
    onset = np.arange(7) + 0.5
    since = np.maximum(VERSIONS[None, None, :] - onset[None, :, None], 0.0)
    share = (1 - np.exp(-since / delay[:, None, None])).mean(axis=1)
    share[:, -1] = 1.0
    return share


def _flu(world: World, weeks: Any) -> Any:
    """Strength of the flu by week: the mean of its days."""
    if not len(weeks):
        return np.ones(0)
    first = weeks.min().astype(object)
    days = Days(first, weeks.max().astype(object) + timedelta(days=6))
    strength = np.asarray(world.life.strength("flu", days))
    at = (weeks - np.datetime64(first, "D")).astype(np.int64)
    return strength[at[:, None] + np.arange(7)].mean(axis=1)


def _outbreaks(world: World, weeks: Any, township: Any) -> Any:
    """Cases of the school outbreaks: in the week of the event and the one before."""
    extra = np.zeros((len(DISEASES), len(weeks), len(township)), np.int64)
    chains = world.life.chains
    own = chains.where(chains["kind"] == "school_cluster")
    if not own.rows_n or not len(weeks):
        return extra
    size = 8 + world.chance.integers(0, 25, "s19.outbreak", own["chain_no"])
    disease = np.where(world.chance.happens(0.5, "s19.outbreak_kind", own["chain_no"]), FLU, DIARRHOEA)
    monday = own["event_at"].astype("datetime64[D]")
    monday = monday - ((monday.astype(np.int64) + 3) % 7)
    place = np.searchsorted(township, own["township_i"])
    for before, share in ((0, 0.65), (7, 0.35)):
        at = np.searchsorted(weeks, monday - before)
        there = (at < len(weeks)) & (weeks[np.minimum(at, len(weeks) - 1)] == monday - before)
        np.add.at(extra, (disease[there], at[there], place[there]), np.rint(size[there] * share).astype(np.int64))
    return extra


def _ordinal(days: Any) -> Any:
    return days.astype("datetime64[D]").astype(np.int64)


def _mondays(first: Any, last: Any) -> Any:
    """Mondays from `first` to `last`, none before the city began."""
    begin = np.maximum(np.datetime64(first, "D"), np.datetime64(BEGINS_ON, "D"))
    begin = begin + (-(begin.astype(np.int64) + 3)) % 7
    return np.arange(begin, np.datetime64(last, "D") + 1, 7)


def _week_rows(world: World, days: Days) -> Rows:
    chance, city = world.chance, world.city
    weeks = _mondays(days.array[0] - int(VERSIONS[-1]), days.array[-1] - int(VERSIONS[0]))
    made = disease_weeks(world, weeks)
    # By county: the townships that are delivered.
    county = np.asarray(city.township["county_i"])[made["township_i"]]
    counties = np.unique(county)
    shape = (len(DISEASES), len(weeks), len(counties), len(VERSIONS))
    known = np.zeros(shape, np.int64)
    week_at = np.searchsorted(weeks, made["week_on"])
    np.add.at(known, (made["disease"], week_at, np.searchsorted(counties, county)), made["known"])
    disease, week, place, version = (
        at.ravel() for at in np.indices(shape)
    )  # fmt: skip
    key = (disease, _ordinal(weeks)[week], counties[place])
    number = known.ravel()
    # Who counts by date of report has the end of the week before in it as well, until somebody notices.
    by_report = chance.happens(BY_REPORT, "s19.by_report", *key) & (VERSIONS[version] < 14)
    early = np.where(by_report, 1 + np.rint(number * 0.2).astype(np.int64), 0)
    shown = (number + early).reshape(shape)
    changed = np.ones(shape, bool)
    changed[..., 1:] = (shown[..., 1:] != shown[..., :-1]) | (by_report.reshape(shape)[..., 1:] != by_report.reshape(
        shape)[..., :-1])  # fmt: skip
    day = weeks[week] + VERSIONS[version]
    now = changed.ravel() & days.holds(day)
    names = ", ".join(f"('{row[0]}', '{row[1]}', '{row[2]}')" for row in DISEASES)
    return written(
        f"""
        WITH diseases AS (SELECT row_number() OVER () - 1 AS disease, * FROM (VALUES {names}) AS d(code, title, class))
        SELECT d.code AS "JBDM", d.title AS "JBMC", d.class AS "JBLB", strftime(week_on, '%Y-%m-%d') AS "FBZ",
               c.code AS "XZQH", n AS "BLS", CASE WHEN by_report THEN '报告日期' ELSE '发病日期' END AS "TJKJ",
               strftime(day, '%Y-%m-%d') || ' 18:00:00' AS "GXSJ", day AS _day,
               d.code || '|' || strftime(week_on, '%Y-%m-%d') || '|' || c.code AS _key,
               n < n_final AND NOT by_report AS "!revised_later", by_report AS "!by_reporting_date"
        FROM made JOIN diseases AS d USING (disease) JOIN county AS c USING (county_i)
        ORDER BY day, d.code, week_on, c.code
        """,
        made=Columns(
            disease=disease[now],
            week_on=weeks[week[now]],
            county_i=counties[place[now]],
            n=shown.ravel()[now],
            n_final=np.repeat(known[..., -1].ravel(), len(VERSIONS))[now],
            by_report=by_report[now],
            day=day[now],
        ),
        county=Columns(county_i=np.arange(city.county.rows_n), code=city.county["code"]),
    )


def calls(world: World, days: Days) -> Columns:
    """Calls of 120 on these days."""
    return world.once(("s19.calls", days), lambda: _calls(world, days))


def _calls(world: World, days: Days) -> Columns:
    chance, city = world.chance, world.city
    usual = drawn(world, days, "s19.call", per_township(world, CALLS), world.life.rhythm("ems", days).sum(axis=1))
    kind = chance.choose([weight for _, weight in CATEGORIES], "s19.kind", *keys(usual))
    weather = world.life.weather_daily(days)
    hot = np.maximum(weather["temp_max_c"] - 34, 0) * 11.0
    cold = np.maximum(3 - weather["temp_min_c"], 0) * 1.6
    heat = drawn(world, days, "s19.heat", per_township(world, 1.0), hot)
    gas = drawn(world, days, "s19.monoxide", per_township(world, 1.0), cold)
    parts = [
        _of_kind(world, usual, kind, "ems"),
        _of_kind(world, heat.with_columns(n=heat["n"] + HEAT_N), np.full(heat.rows_n, HEAT), "crash"),
        _of_kind(world, gas.with_columns(n=gas["n"] + MONOXIDE_N), np.full(gas.rows_n, MONOXIDE), "fire"),
        _of_crashes(world, days),
        _of_chains(world, days),
    ]
    made = Columns.together(part for part in parts if part.rows_n)
    made = made.where(days.holds(made["at"]))
    made = made.where(np.lexsort((made["n"], made["township_i"], made["day"])))
    key = keys(made)
    hour = (made["at"] - made["at"].astype("datetime64[D]")).astype(np.int64) // 3600
    slow = np.where(np.isin(hour, [7, 8, 17, 18]), 1.2, 1.0) * np.where(
        city.township["is_urban"][made["township_i"]], 1.0, 1.4
    )
    dispatched = after(made["at"], chance.lognormal(1.5, 0.45, "s19.dispatched", *key))
    arrived = after(dispatched, chance.lognormal(8.6 * slow, 0.4, "s19.arrived", *key))
    lng, lat = nearby(chance, made["lng"], made["lat"], 25.0, "s19.near", *key)
    return made.with_columns(
        call_no=numbered("JZ", made),
        dispatched_at=dispatched,
        arrived_at=arrived,
        hospital_at=after(arrived, 12 + chance.lognormal(17.0, 0.5, "s19.hospital_at", *key)),
        hospital_i=pick(
            chance, city.hospital["township_i"], made["township_i"], 1.0 * city.hospital["beds_n"], "s19.hospital", *key
        ),
        lng=np.round(lng, 3),
        lat=np.round(lat, 3),
        is_test=chance.happens(0.003, "s19.test", *key) & (made["n"] < HEAT_N),
        is_empty=chance.happens(0.05, "s19.empty", *key),
    )


def _of_kind(world: World, made: Columns, kind: Any, rhythm: str) -> Columns:
    chance, building, key = world.chance, world.city.building, keys(made)
    place = pick(chance, building["township_i"], made["township_i"], 1.0 + building["flats_n"], "s19.place", *key)
    second = world.life.hours(rhythm, made["day"], "s19.at", made["township_i"], made["n"])
    return made.with_columns(
        at=moment(made["day"], second),
        kind=kind,
        grid_i=building["grid_i"][place],
        building_i=place,
        lng=building["lng"][place],
        lat=building["lat"][place],
        patients_n=1 + chance.happens(0.02, "s19.two", *key),
    )


def _of_crashes(world: World, days: Days) -> Columns:
    """A call for each crash with somebody hurt or dead, from its place."""
    chance, city = world.chance, world.city
    made = crashes(world, days.since(1))  # a call may come after midnight
    hurt = made.where((made["injuries"] + made["deaths_final"]) > 0)
    key = keys(hurt)
    return Columns(
        township_i=hurt["township_i"],
        day=hurt["day"],
        n=hurt["n"] + CRASH_N,
        at=after(hurt["at"], 1 + chance.lognormal(4.0, 0.6, "s19.crash_call", *key)),
        kind=np.full(hurt.rows_n, TRAFFIC),
        grid_i=pick(chance, city.grid["township_i"], hurt["township_i"], None, "s19.crash_grid", *key),
        building_i=np.full(hurt.rows_n, -1),
        lng=hurt["lng"],
        lat=hurt["lat"],
        patients_n=np.maximum(hurt["injuries"] + hurt["deaths_final"], 1),
    )


def _of_chains(world: World, days: Days) -> Columns:
    """Outbreaks of food poisoning are several calls within hours, the other events one."""
    chance, city = world.chance, world.city
    steps = chained(world, days.since(1), "S19", ("event",))
    kind = steps["kind"].astype(str)
    counts = np.where(kind == "food", 3 + chance.integers(0, 4, "s19.chain_n", steps["chain_no"]), 1)
    which, running = repeated(counts)
    of, kind = steps.where(which), kind[which]
    key = (of["chain_no"], running)
    at = after(of["at"], running * chance.integers(4, 30, "s19.chain_after", *key))
    housed = of["building_i"] >= 0
    return Columns(
        township_i=of["township_i"],
        day=at.astype("datetime64[D]"),
        n=of["n"] * 10 + running,
        at=at,
        kind=np.select([kind == "food", kind == "elderly"], [FOOD, UNCONSCIOUS], BELLY),
        grid_i=of["grid_i"],
        building_i=of["building_i"],
        lng=np.where(housed, city.building["lng"][of["building_i"]], city.grid["lng"][of["grid_i"]]),
        lat=np.where(housed, city.building["lat"][of["building_i"]], city.grid["lat"][of["grid_i"]]),
        patients_n=np.where(kind == "food", 1 + chance.integers(0, 3, "s19.chain_patients", *key), 1),
    )


def _call_rows(world: World, days: Days) -> Rows:
    chance, city = world.chance, world.city
    made = calls(world, days)
    key = keys(made)
    code, is_old = old_codes(world, "s19.old_code", 0.012, made["township_i"], *key)
    times = 1 + chance.happens(0.004, "s19.twice", *key)
    of = np.repeat(np.arange(made.rows_n), times)
    lot = chance.uniform("s19.arrival", *key)
    table = Columns(
        {name: made[name] for name in ("call_no", "at", "dispatched_at", "arrived_at", "hospital_at", "lng", "lat",
                                       "patients_n", "is_test", "is_empty")}
    ).with_columns(
        category=np.array([name for name, _ in CATEGORIES], dtype=object)[made["kind"]],
        area_code=code,
        is_old=is_old,
        grid_id=city.grid["grid_id"][made["grid_i"]],
        place=np.where(
            made["building_i"] >= 0, city.building["building_no"][made["building_i"]].astype(str),
            np.char.add("road", np.char.mod("%.3f", made["lng"] + made["lat"])),
        ).astype(object),
        hospital=city.hospital["name_zh"][made["hospital_i"]],
        early=lot < 0.006,
        silent=(lot >= 0.5) & (lot < 0.515),
    )  # fmt: skip
    return written(
        """
        SELECT call_no AS "HJBH", strftime("at", '%Y-%m-%d %H:%M:%S') AS "HJSJ",
               strftime(dispatched_at, '%Y-%m-%d %H:%M:%S') AS "PCSJ",
               CASE WHEN NOT silent THEN strftime(CASE WHEN early THEN dispatched_at - INTERVAL 3 MINUTE
                    ELSE arrived_at END, '%Y-%m-%d %H:%M:%S') END AS "DDSJ",
               CASE WHEN NOT is_empty THEN strftime(hospital_at, '%Y-%m-%d %H:%M:%S') END AS "DYSJ",
               CASE WHEN is_test THEN '测试' ELSE category END AS "HJLB", patients_n AS "RS", area_code AS "XZQH",
               grid_id AS "WGBH", md5('120/' || place) AS "DD_HASH", printf('%.3f', lng) AS "JD",
               printf('%.3f', lat) AS "WD", hospital AS "JZJG", CASE WHEN is_empty THEN '1' ELSE '0' END AS "KC",
               "at"::DATE AS _day, call_no AS _key, early AND NOT again AS "!arrived_before_dispatch",
               silent AND NOT again AS "!arrival_missing", is_old AND NOT again AS "!old_area_code",
               again AS "!repeated", is_test AND NOT again AS "!test_row"
        FROM call ORDER BY "at", call_no, again
        """,
        call=table.where(of).to_arrow().append_column("again", pa.array(repeated(times)[1] > 0)),
    )


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    made = calls(world, days)
    weeks = disease_weeks(world, _mondays(days.array[0], days.array[-1]))
    after_weeks = {f"n_week{k}": weeks["known"][:, np.searchsorted(VERSIONS, 7 + 7 * k)] for k in range(7)}
    return {
        "ems_call": statement(
            """
            SELECT call_no AS no, "at", dispatched_at, arrived_at, category, patients_n,
                   township_i::INTEGER AS township_i, grid_i::INTEGER AS grid_i, building_i::INTEGER AS building_i,
                   day AS delivered_on, NOT is_test AS is_real
            FROM call ORDER BY "at", call_no
            """,
            call=made.with_columns(
                category=np.array([name for name, _ in CATEGORIES], dtype=object)[made["kind"]],
                day=made["at"].astype("datetime64[D]"),
            ),
        ),
        "disease_week": statement(
            f"""
            SELECT code AS disease, title AS disease_zh, week_on, township_i::INTEGER AS township_i, n_final,
                   {", ".join(after_weeks)}
            FROM week ORDER BY week_on, code, township_i
            """,
            week=Columns(
                code=np.array([row[0] for row in DISEASES], dtype=object)[weeks["disease"]],
                title=np.array([row[1] for row in DISEASES], dtype=object)[weeks["disease"]],
                week_on=weeks["week_on"],
                township_i=weeks["township_i"],
                n_final=weeks["n_final"],
                **after_weeks,
            ),
        ),
    }


SOURCE = Source(
    "S19",
    "卫生健康委 传染病监测与120急救",
    (
        Dataset(
            "S19",
            "linlan.health.disease_week",
            "传染病周报",
            Files("disease/FB_{day:%Y%m%d}*.csv", writers.csv(), late=0.01, missing=0.003, double=0.01),
            _week_rows,
            WEEK_DIRT,
        ),
        Dataset(
            "S19",
            "linlan.health.ems_call",
            "120急救调度",
            Files("ems/JZ_{day:%Y%m%d}*.csv", writers.csv(encoding="gb18030"), late=0.02, missing=0.005, double=0.01),
            _call_rows,
            CALL_DIRT,
        ),
    ),
    _events,
)
