"""S12 housing and construction bureau: building sites, their dust, residential estates, dangerous buildings.

A site reports once a week from its beginning; some go on reporting as if at work when they are finished. A dust device
measures every hour what the weather and the work of the day make of it, sticks at one value now and then, or is off.

Tables of events: ``dust_hour`` (what really was in the air), ``site_state``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.city.people import person_name, phone
from demo_city.columns import Columns
from demo_city.departments.production import (
    ALWAYS,
    area_codes,
    day_of,
    latest,
    mondays,
    of_rank,
    ordinal,
    standing,
    written,
)
from demo_city.departments.protocol import Dataset, Files, Pattern, Rows, Source, Table
from demo_city.departments.safety import moment
from demo_city.systems import writers

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

UPLOADING = 0.45
"""Share of large sites with a device whose device reports to the city's platform."""
GOES_ON = 130
"""Days for which a finished site that nobody closes goes on reporting."""
STAGES = ("基础施工", "主体施工", "装饰装修", "竣工验收")
WORKS = ("无", "深基坑", "高支模", "起重机械安拆", "脚手架")
DIG = "管线开挖"
RAIN_WASHES = 0.16
"""Share of the dust that a millimetre of rain in the hour takes out of the air."""

SITE = (
    Pattern("finished_but_active", "Finished and accepted, but still at work by its status.", 0.06, "core", None,
        "status"),
    Pattern("permit_missing", "No building permit's number.", 0.03, "warning", "permit_present", "permit_no"),
    Pattern("swapped_coordinates", "Longitude and latitude in each other's place.", 0.015, "warning", "lng_in_city",
        "lng"),
    Pattern("old_area_code", "Area code from before a merger.", 0.015, "warning", "area_code_valid", "area_code"),
    Pattern("end_before_start", "Planned end before the beginning.", 0.01, "warning", "end_after_start",
        "planned_end_on"),
)  # fmt: skip
DUST = (
    Pattern("flat_line", "The device repeats one value for eight hours or more.", 0.012, "core", None, "pm10"),
    Pattern("milligrams", "Milligrams per cubic metre where micrograms are asked.", 0.02, "warning", "pm10_plausible",
        "pm10"),
    Pattern("missing_code", "9999 for a device that is off.", 0.004, "quarantine", "pm10_possible", "pm10"),
)  # fmt: skip
COMMUNITY = (
    Pattern("households_in_words", "Number of households in words, such as 约350户.", 0.02, "quarantine", "typing",
        "households_n"),
    Pattern("year_zero", "1900 where nobody knows when it was built.", 0.03, "warning", "built_year_real",
        "built_year"),
    Pattern("old_area_code", "Area code from before a merger.", 0.03, "warning", "area_code_valid", "area_code"),
)  # fmt: skip
DANGEROUS = (
    Pattern("grade_spelling", "The grade in another spelling: c, Ｃ级.", 0.05, "warning", "grade_known", "grade"),
    Pattern("address_missing", "No address.", 0.02, "warning", "address_present", "address_key"),
    Pattern("repeated", "The same building twice in one sheet.", 0.02, "unchanged", None, None),
)  # fmt: skip


def sites(world: World) -> Columns:
    """Building sites and, of the scenarios, permits to dig: ``site_no key … until works is_dig lags``."""
    return world.once("s12.sites", lambda: _sites(world))


def _sites(world: World) -> Columns:
    chance, city = world.chance, world.city
    own, step = city.site, world.life.precursors("S12")
    unknown = set(step["what"]) - {"dig_unprotected"}
    if unknown:
        raise ValueError(f"S12 does not know these precursors: {', '.join(sorted(unknown))}")
    n = step.rows_n
    code = city.township["code"][step["township_i"]]
    number = (7000 + step["chain_no"] % 1000).astype("U4").astype(object)
    digs = Columns(
        site_no=("G" + code + number).astype(object),
        name_zh=city.township["name_zh"][step["township_i"]] + "道路管线开挖工程",
        grid_i=step["grid_i"],
        township_i=step["township_i"],
        key=step["township_i"] * 1_000_000 + 900_000 + step["chain_no"] % 1000,
        lng=city.grid["lng"][step["grid_i"]],
        lat=city.grid["lat"][step["grid_i"]],
        from_on=day_of(step["at"]),
        to_on=day_of(step["at"]) + 30,
        is_large=np.zeros(n, bool),
        has_dust_device=np.zeros(n, bool),
        area_m2=np.full(n, 600),
        builder_zh=np.full(n, "临澜市政工程有限公司", dtype=object),
    )
    both = Columns.together([own, digs])
    key, is_dig = both["key"], np.arange(both.rows_n) >= own.rows_n
    works = chance.choose([0.55, 0.15, 0.1, 0.12, 0.08], "s12.works", key)
    digs_too = ~is_dig & chance.happens(0.15, "s12.digs", key)
    return both.with_columns(
        works=np.where(is_dig | digs_too, DIG, of_rank(WORKS, works)).astype(object),
        protection=np.where(is_dig, "无", np.where(digs_too, "有", "不涉及")).astype(object),
        goes_on=~is_dig & chance.happens(0.35, "s12.goes_on", key),
        weekday=chance.integers(0, 7, "s12.weekday", key),
        stops=~is_dig & chance.happens(0.04, "s12.stops", key),
    )


def _site_rows(world: World, days: Days) -> Rows:
    chance, site, day = world.chance, sites(world), days.array
    until = site["to_on"] + np.where(site["goes_on"], GOES_ON, 0)
    turn = (ordinal(day)[:, None] + 3) % 7 == site["weekday"][None, :]
    opens, ends = day[:, None] == site["from_on"][None, :], day[:, None] == site["to_on"][None, :]
    within = (day[:, None] >= site["from_on"][None, :]) & (day[:, None] <= until[None, :])
    day_at, at = np.nonzero(within & (turn | opens | ends))
    of, on = site.where(at), day[day_at]
    key = of["key"]
    order = np.lexsort((key, on))
    of, on, key = of.where(order), on[order], key[order]
    length = np.maximum((of["to_on"] - of["from_on"]).astype(np.int64), 1)
    share = np.clip((on - of["from_on"]).astype(np.int64) / length, 0, 1)
    done = on >= of["to_on"]
    area, old = area_codes(world, "s12.area", 0.015, site["township_i"], of["township_i"], key)
    second = chance.integers(9 * 3600, 17 * 3600, "s12.report", key, on)
    base = Columns(
        site_no=of["site_no"], name_zh=of["name_zh"],
        permit_no=("JSGC" + key.astype("U12").astype(object)).astype(object),
        permit_missing=chance.happens(0.03, "s12.permit", key), area=area, old_area_code=old,
        builder=of["builder_zh"], manager=person_name(chance, "s12.manager", key),
        tel=phone(chance, "s12.manager", key),
        address=world.city.grid["name_zh"][of["grid_i"]], lng=of["lng"], lat=of["lat"],
        swapped_coordinates=chance.happens(0.015, "s12.swapped", key),
        stage=of_rank(STAGES, np.where(done, 3, np.minimum((share * 3).astype(np.int64), 2))),
        works=of["works"], protection=of["protection"], device=of["has_dust_device"], area_m2=of["area_m2"],
        from_on=of["from_on"], to_on=of["to_on"], end_before_start=chance.happens(0.01, "s12.end", key),
        progress=np.rint(100 * share).astype(np.int64), done=done, finished_but_active=done & of["goes_on"],
        stops=of["stops"] & (share > 0.6) & ~done, at=moment(on, second), on=on,
    )  # fmt: skip
    return written(
        """
        SELECT b.site_no, CASE WHEN NOT b.permit_missing THEN b.permit_no END AS permit_no, b.name_zh AS site_name,
               b.area AS area_code, b.builder AS builder_name, b.manager AS manager_name, b.tel AS manager_tel,
               b.address || '，项目经理' || b.manager || '，电话' || b.tel AS remark,
               CASE WHEN b.swapped_coordinates THEN b.lat ELSE b.lng END AS lng,
               CASE WHEN b.swapped_coordinates THEN b.lng ELSE b.lat END AS lat, b.stage, b.works AS hazard_works,
               b.protection AS pipe_protection, b.device::INTEGER AS has_dust_device, b.area_m2,
               b.from_on AS start_date,
               CASE WHEN b.end_before_start THEN b.from_on - INTEGER '30' ELSE b.to_on END AS plan_end_date,
               CASE WHEN b.done THEN b.to_on END AS actual_end_date, b.progress AS progress_pct,
               CASE WHEN b.finished_but_active THEN '在建' WHEN b.done THEN '完工' WHEN b.stops THEN '停工'
                    ELSE '在建' END
                   AS status,
               b.at AS updated_at, b."on" AS _day, b.site_no AS _key,
               b.finished_but_active AS "!finished_but_active", b.permit_missing AS "!permit_missing",
               b.swapped_coordinates AS "!swapped_coordinates", b.old_area_code AS "!old_area_code",
               b.end_before_start AS "!end_before_start"
        FROM b
        """,
        b=base,
    )


def dust(world: World, days: Days) -> Columns:
    """Every hour at every device that should report, true: ``site_i hour day pm10 is_off spell``."""
    return latest(world, "s12.dust", days, lambda: _dust(world, days))


def _dust(world: World, days: Days) -> Columns:
    chance, site = world.chance, sites(world)
    has = site["is_large"] & site["has_dust_device"] & chance.happens(UPLOADING, "s12.uploads", site["key"])
    weather = world.life.weather(days)
    hour = weather["hour"]
    day = day_of(hour)
    own = np.flatnonzero(has)
    open_ = (day[:, None] >= site["from_on"][own][None, :]) & (day[:, None] <= site["to_on"][own][None, :])
    hour_at, at = np.nonzero(open_)
    site_i = own[at]
    key, stamp = site["key"][site_i], hour.astype(np.int64)[hour_at]
    clock = stamp % 24
    month = hour.astype("datetime64[M]").astype(np.int64)[hour_at] % 12
    season = 1.0 + 0.35 * np.cos((month - 0.5) / 12 * 2 * np.pi)
    works = np.where((clock >= 7) & (clock < 18), 1.0, 0.25) * np.where(world.life.is_workday(day)[hour_at], 1.0, 0.6)
    dirty = chance.lognormal(34.0, 0.7, "s12.dirty", key)
    week = ordinal(day)[hour_at] // 7
    heavy = chance.lognormal(1.0, 0.5, "s12.heavy", key, week)
    wind = np.clip(weather["wind_ms"][hour_at], 0.5, 20)
    level = 42 * season * (1.25 - 0.05 * np.minimum(wind, 9)) + dirty * heavy * works * (0.7 + 0.08 * wind)
    level = level * np.exp(-RAIN_WASHES * np.minimum(weather["rain_mm"][hour_at], 12))
    level = level * chance.lognormal(1.0, 0.22, "s12.pm10", key, stamp)
    return Columns(
        site_i=site_i,
        hour=hour[hour_at].astype("datetime64[s]"),
        day=day[hour_at],
        key=key,
        stamp=stamp,
        pm10=np.clip(np.round(level, 1), 6, 1500),
        is_off=chance.happens(0.03, "s12.off", key, ordinal(day)[hour_at] // 3),
    )


def _dust_rows(world: World, days: Days) -> Rows:
    chance, site = world.chance, sites(world)
    made = dust(world, days)
    made = made.where(~made["is_off"])
    made = made.where(np.lexsort((made["stamp"], made["key"], made["day"])))
    key, day, clock = made["key"], ordinal(made["day"]), made["stamp"] % 24
    begins = chance.integers(0, 14, "s12.flat.from", key, day)
    flat = chance.happens(0.03, "s12.flat", key, day) & (clock >= begins) & (clock < begins + 10)
    stuck_at = np.round(30 + 120 * chance.uniform("s12.flat.value", key, day), 1)
    lot = chance.uniform("s12.dust.dirt", key, made["stamp"])
    wrong_unit = chance.happens(0.02, "s12.unit", key, made["stamp"] // 6)
    base = Columns(
        site_no=site["site_no"][made["site_i"]], hour=made["hour"], day=made["day"],
        pm10=np.where(flat, stuck_at, made["pm10"]), missing_code=lot < 0.004,
        milligrams=wrong_unit & (lot >= 0.004), flat_line=flat & (lot >= 0.004),
        pm25=np.round(made["pm10"] * (0.35 + 0.2 * chance.uniform("s12.pm25", key, made["stamp"])), 1),
        noise=np.round(48 + 18 * ((clock > 6) & (clock < 19)) + 5 * chance.normal("s12.noise", key, made["stamp"]), 1),
    )  # fmt: skip
    return written(
        """
        SELECT 'D' || b.site_no || strftime(b.hour, '%Y%m%d%H') AS record_no, b.site_no, 'D' || b.site_no AS device_no,
               b.hour AS stat_hour,
               CASE WHEN b.missing_code THEN 9999 WHEN b.milligrams THEN round(b.pm10 / 1000, 3)
                    ELSE b.pm10 END AS pm10,
               b.pm25, b.noise AS noise_db, b.hour + INTERVAL 65 MINUTE AS created_at, b.day AS _day,
               'D' || b.site_no || strftime(b.hour, '%Y%m%d%H') AS _key, b.flat_line AS "!flat_line",
               b.milligrams AS "!milligrams", b.missing_code AS "!missing_code"
        FROM b
        """,
        b=base,
    )


def _community_rows(world: World, days: Days) -> Rows:
    rows = world.once("s12.communities", lambda: _communities(world))
    n = rows.table.num_rows
    return standing(rows, mondays(days), np.full(n, ALWAYS[0]), np.full(n, ALWAYS[1]))


def _communities(world: World) -> Rows:
    chance, city = world.chance, world.city
    own = city.community.where(
        np.lexsort((city.community["key"], city.township["code"][city.community["township_i"]].astype("U")))
    )
    key, township = own["key"], own["township_i"]
    area, old = area_codes(world, "s12.community.area", 0.03, township, township, key)
    base = Columns(
        county=city.county["name_zh"][city.township["county_i"][township]], township=city.township["name_zh"][township],
        number=own["community_id"], name_zh=own["name_zh"], area=area, old_area_code=old, built=own["built_year"],
        year_zero=chance.happens(0.03, "s12.year", key), buildings=own["buildings_n"], households=own["households_n"],
        households_in_words=chance.happens(0.02, "s12.words", key), managed=own["has_property_firm"],
        firm=own["property_firm_zh"], manager=person_name(chance, "s12.property", key),
        tel=phone(chance, "s12.property", key),
    )  # fmt: skip
    return written(
        """
        SELECT b.county AS "县区", b.township AS "镇街", b.number::VARCHAR AS "小区编号", b.name_zh AS "小区名称",
               b.area AS "区划代码", CASE WHEN b.year_zero THEN 1900 ELSE b.built END AS "建成年份",
               b.buildings AS "楼栋数",
               CASE WHEN b.households_in_words THEN '约' || b.households || '户'
                    ELSE b.households::VARCHAR END AS "户数",
               CASE WHEN b.managed THEN '是' ELSE '否' END AS "是否实施物业管理",
               CASE WHEN b.managed THEN b.firm END AS "物业企业", CASE WHEN b.managed THEN b.manager END AS "项目经理",
               CASE WHEN b.managed THEN b.tel END AS "联系电话", b.number::VARCHAR AS _key,
               b.households_in_words AS "!households_in_words", b.year_zero AS "!year_zero",
               b.old_area_code AS "!old_area_code"
        FROM b
        """,
        b=base,
    )


def _dangerous_rows(world: World, days: Days) -> Rows:
    rows, first, last = world.once("s12.dangerous", lambda: _dangerous(world))
    return standing(rows, mondays(days), first, last)


def _dangerous(world: World) -> tuple[Rows, Any, Any]:
    """Dangerous buildings from the day they were appraised to the day they are pulled down or repaired."""
    chance, city = world.chance, world.city
    at = np.flatnonzero(city.building["danger"] != "")
    own = city.building.where(at)
    order = np.lexsort((own["key"], city.township["code"][own["township_i"]].astype("U")))
    own = own.where(order)
    key, township = own["key"], own["township_i"]
    first = ALWAYS[0] + chance.integers(-400, 700, "s12.appraised", key)
    worst = own["danger"] == "D"
    last = first + np.rint(chance.lognormal(np.where(worst, 420, 900), 0.6, "s12.repaired", key)).astype(np.int64)
    twice = chance.happens(0.02, "s12.dangerous.twice", key)
    base = Columns(
        county=city.county["name_zh"][city.township["county_i"][township]], township=city.township["name_zh"][township],
        area=city.township["code"][township],
        number=own["building_no"], address=own["address_zh"],
        address_missing=chance.happens(0.02, "s12.no_address", key),
        owner=person_name(chance, "s12.owner", key), tel=phone(chance, "s12.owner", key), grade=own["danger"],
        grade_spelling=chance.happens(0.05, "s12.spelling", key), first=first, built=own["built_year"],
        floors=own["floors"], lived_in=chance.happens(np.where(worst, 0.25, 0.7), "s12.lived_in", key),
        measure=of_rank(("拆除", "加固", "腾空观察"), chance.choose([0.3, 0.5, 0.2], "s12.measure", key)),
        repeated=np.zeros(own.rows_n, bool), n=np.arange(own.rows_n),
    )  # fmt: skip
    second = base.where(twice).with_columns(repeated=np.ones(int(twice.sum()), bool))
    both = Columns.together([base, second])
    both = both.where(np.lexsort((both["repeated"], both["n"])))
    rows = written(
        """
        SELECT b.county AS "县区", b.township AS "镇街", b.area AS "区划代码", b.number::VARCHAR AS "房屋编号",
               CASE WHEN NOT b.address_missing THEN b.address END AS "房屋地址", b.owner AS "产权人",
               b.tel AS "联系电话",
               CASE WHEN b.grade_spelling THEN CASE WHEN b.built % 2 = 0 THEN lower(b.grade) ELSE b.grade || '类' END
                    ELSE b.grade || '级' END AS "鉴定等级",
               strftime(b.first, '%Y/%m/%d') AS "鉴定日期", b.built AS "建成年份", b.floors AS "层数",
               CASE WHEN b.lived_in THEN '是' ELSE '否' END AS "是否住人", b.measure AS "处置措施",
               CASE WHEN b.lived_in THEN '现住户' || b.owner || '，' || b.tel END AS "备注", b.number::VARCHAR AS _key,
               b.grade_spelling AS "!grade_spelling", b.address_missing AS "!address_missing", b.repeated AS "!repeated"
        FROM b
        """,
        b=both,
    )
    return rows, np.maximum(first, ALWAYS[0])[both["n"]], last[both["n"]]


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    site, seen = sites(world), dust(world, days)
    day = days.array
    day_at, at = np.nonzero((day[:, None] >= site["from_on"][None, :]) & (day[:, None] <= site["to_on"][None, :]))
    return {
        "dust_hour": Columns(
            site_i=seen["site_i"], site_no=site["site_no"][seen["site_i"]], at=seen["hour"], pm10=seen["pm10"],
            is_reported=~seen["is_off"], township_i=site["township_i"][seen["site_i"]],
        ).to_arrow(),
        "site_state": Columns(
            site_no=site["site_no"][at], day=day[day_at], township_i=site["township_i"][at], grid_i=site["grid_i"][at],
            is_unprotected=site["protection"][at] == "无",
        ).to_arrow(),
    }  # fmt: skip


SOURCE = Source(
    "S12",
    "住房和城乡建设局 工地、扬尘、小区、危房",
    (
        Dataset(
            "S12", "linlan.housing.site", "建筑工地",
            Table(
                "site", ("site_no",),
                {
                    "site_no": "varchar(32)", "lng": "numeric(10,6)", "lat": "numeric(10,6)",
                    "has_dust_device": "smallint",
                    "area_m2": "integer", "start_date": "date", "plan_end_date": "date", "actual_end_date": "date",
                    "progress_pct": "integer", "updated_at": "timestamp(0)",
                },
                stands_for="SQL Server 2019",
            ),
            _site_rows, SITE,
        ),
        Dataset(
            "S12", "linlan.housing.dust_hour", "工地扬尘小时值",
            Table(
                "dust_hour", (),
                {
                    "record_no": "varchar(48)", "stat_hour": "timestamp(0)", "pm10": "numeric(9,3)",
                    "pm25": "numeric(9,1)",
                    "noise_db": "numeric(6,1)", "created_at": "timestamp(0)",
                },
                stands_for="SQL Server 2019",
            ),
            _dust_rows, DUST,
        ),
        Dataset(
            "S12", "linlan.housing.community", "住宅小区台账",
            Files(
                "community_{day:%Y%m%d}.xlsx",
                writers.excel(title="临澜市住宅小区台账（演示数据）{day:%Y年%m月%d日}", merged=("县区", "镇街"),
                              footer=("合计：{n} 个",)),
                every="week", late=0.05,
            ),
            _community_rows, COMMUNITY,
        ),
        Dataset(
            "S12", "linlan.housing.dangerous_building", "危险房屋台账",
            Files(
                "dangerous_building_{day:%Y%m%d}.xlsx",
                writers.excel(title="临澜市危险房屋台账（演示数据）{day:%Y年%m月%d日}", merged=("县区", "镇街"),
                              footer=("填表单位：住房和城乡建设局房屋安全科",)),
                every="week", late=0.05,
            ),
            _dangerous_rows, DANGEROUS,
        ),
    ),
    _events,
)  # fmt: skip
