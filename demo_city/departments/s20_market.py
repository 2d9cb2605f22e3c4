"""S20 market regulation: registered businesses, special equipment, complaints (12315) and lift rescues (96333).

Besides the city's enterprises there are the many one-person businesses only this department knows: 1.25 million in
all. A business has a new version when it reports for the year (by June, most of them late), changes, is checked, or is
cancelled. Equipment is inspected once a year, some late; its list comes whole every week.

Tables of events: ``equipment`` (each inspection's validity: a row per device and round), ``complaint``, ``food_check``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.chance import repeated
from demo_city.city.codes import uscc as credit_code
from demo_city.city.people import person_name, phone
from demo_city.columns import Columns
from demo_city.days import BEGINS_ON
from demo_city.departments.production import (
    area_codes,
    day_of,
    latest,
    mondays,
    of_rank,
    ordinal,
    stamps,
    written,
)
from demo_city.departments.protocol import Dataset, Files, Pattern, Rows, Source, Table
from demo_city.departments.safety import active_townships, after, drawn, keys, moment, per_township, pick
from demo_city.systems import writers
from demo_city.text import zfill

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

PER_PERSON = 0.162
"""Businesses per person: 1.25 million in the city."""
REPORT_DAYS = 181
"""The yearly report may be handed in from the first of January on for so many days."""
HALF_YEAR = 183
SMALL = (
    ("餐饮", "小吃店", 0.18),
    ("商铺", "便利店", 0.34),
    ("服务", "美发店", 0.2),
    ("零售", "水果店", 0.18),
    ("其他", "维修部", 0.1),
)
"""Trade, how its name ends, share of the one-person businesses."""
STATES = ("在营", "注销")
COMPLAINTS_A_DAY, RESCUES_A_DAY = 330, 18
LONGEST_CASE = 75
KINDS = ("投诉", "举报", "咨询", "电梯困人")
CATEGORIES = ("食品安全", "预付式消费", "产品质量", "价格收费", "网络购物", "广告宣传", "特种设备")
CONTENTS = (
    "在店内就餐后腹泻，怀疑食品不洁",
    "办理预付卡后商家关门失联，要求退款",
    "购买的商品使用三天即损坏，商家拒绝退换",
    "结账金额与标价不符",
    "网购商品与描述不符",
    "宣传单夸大功效",
    "电梯运行中异响、平层不准",
)
CASE_STATES = ("已受理", "办理中", "已办结")
LIFT_YEARS, OTHER_YEARS = 1, 2
EQUIPMENT_KINDS = ("电梯", "起重机械", "场内专用机动车辆", "压力容器", "锅炉", "压力管道")

LETTER = "The letter O typed for the number 0 in the credit code."
SUBJECT = (
    Pattern("uscc_letter", LETTER, 0.008, "warning", "uscc_form", "uscc"),
    Pattern("uscc_missing", "No credit code.", 0.01, "warning", "uscc_present", "uscc"),
    Pattern("status_spelling", "The status in the words of the old system.", 0.02, "warning", "status_known", "status"),
    Pattern("founded_zero_date", "1900-01-01 for the day of foundation.", 0.006, "warning", "founded_date_real",
        "founded_on"),
    Pattern("old_area_code", "Area code from before a merger.", 0.012, "warning", "area_code_valid", "area_code"),
    Pattern("test_row", "A business somebody registered to try the form.", 0.002, "quarantine", "is_no_test",
        "subject_no"),
)  # fmt: skip
EQUIPMENT = (
    Pattern("cancelled_owner", "In use by its status, but its owner has been cancelled.", 0.015, "core", None,
        "status"),
    Pattern("next_blank", "No date of the next inspection.", 0.02, "warning", "next_due_present", "next_due_on"),
    Pattern("next_before_last", "Next inspection before the last one.", 0.005, "warning", "next_after_last",
        "next_due_on"),
    Pattern("uscc_letter", LETTER, 0.01, "warning", "uscc_form", "uscc"),
    Pattern("old_area_code", "Area code from before a merger.", 0.012, "warning", "area_code_valid", "area_code"),
    Pattern("repeated", "The same device twice in one list.", 0.004, "unchanged", None, None),
)  # fmt: skip
COMPLAINT = (
    Pattern("uscc_missing", "Nobody found out which business it is about.", 0.05, "warning", "uscc_present", "uscc"),
    Pattern("closed_before_received", "Closed before it was received.", 0.002, "warning", "closed_after_received",
        "closed_at"),
    Pattern("same_call_twice", "The same complaint under a second number.", 0.01, "core", None, "complaint_no"),
    Pattern("old_area_code", "Area code from before a merger.", 0.012, "warning", "area_code_valid", "area_code"),
    Pattern("test_row", "A complaint somebody entered to try the form.", 0.003, "quarantine", "is_no_test",
        "complaint_no"),
)  # fmt: skip


def subjects(world: World) -> Columns:
    """Registered businesses: ``key township_i enterprise_i(-1: known here only) trade founded_on cancelled_on``."""
    return world.once("s20.subjects", lambda: _subjects(world))


def _subjects(world: World) -> Columns:
    chance, city = world.chance, world.city
    own, township = city.enterprise, active_townships(world)
    here = np.bincount(own["township_i"], minlength=city.township.rows_n)[township]
    people = city.township["population"][township]
    at, n = repeated(np.maximum(np.rint(people * PER_PERSON).astype(np.int64) - here, 0))
    township_i = township[at]
    key = township_i * 1_000_000 + 200_000 + n
    trade = chance.choose([share for *_, share in SMALL], "s20.trade", key)
    founded = np.datetime64("2004-01-01") + (8_200 * chance.uniform("s20.founded", key) ** 0.6).astype(np.int64)
    gone = chance.happens(0.08, "s20.gone", key)
    gone_on = np.datetime64("2024-01-15") + chance.integers(0, 1400, "s20.gone_on", key)
    small = Columns(
        key=key,
        township_i=township_i,
        enterprise_i=np.full(len(key), -1),
        trade=trade,
        is_food=trade == 0,
        founded_on=founded,
        cancelled_on=np.where(gone, np.maximum(gone_on, founded + 90), np.datetime64("NaT", "D")),
    )
    known = Columns(
        key=own["key"],
        township_i=own["township_i"],
        enterprise_i=np.arange(own.rows_n),
        trade=np.full(own.rows_n, -1),
        is_food=own["kind"] == "餐饮",
        founded_on=own["founded_on"],
        cancelled_on=own["cancelled_on"],
    )
    return Columns.together([known, small])


def _steps(world: World, what: str) -> Columns:
    step = world.life.precursors("S20")
    unknown = set(step["what"]) - {"failed_check", "food_complaint", "event"}
    if unknown:
        raise ValueError(f"S20 does not know these precursors: {', '.join(sorted(unknown))}")
    return step.where(step["what"] == what)


def _changes(world: World, days: Days) -> tuple[Any, Any]:
    """Which business has a new version on which day, by day and key."""
    chance, subject, day = world.chance, subjects(world), days.array
    key, at, on = subject["key"], [], []

    def take(which: Any, when: Any) -> None:
        kept = days.holds(when) & ~np.isnat(when)
        at.append(which[kept])
        on.append(when[kept])

    everybody = np.arange(subject.rows_n)
    take(everybody, subject["founded_on"])
    take(everybody, subject["cancelled_on"])
    for year in range(days.first.year, days.last.year + 1):
        first = np.datetime64(f"{year}-01-01")
        if first <= day[-1] and first + REPORT_DAYS > day[0]:
            reports = chance.happens(0.92, "s20.reports", key, year)
            share = chance.uniform("s20.report", key, year) ** 0.45
            take(everybody[reports], (first + np.floor(share * REPORT_DAYS).astype(np.int64))[reports])
        changes = chance.happens(0.15, "s20.changes", key, year)
        take(everybody[changes], (first + chance.integers(0, 365, "s20.change", key, year))[changes])
    food = np.flatnonzero(subject["is_food"])
    for half in range(int(ordinal(day[0])) // HALF_YEAR, int(ordinal(day[-1])) // HALF_YEAR + 1):
        take(food, _check_day(world, key[food], half))
    step = _steps(world, "failed_check")
    take(step["enterprise_i"][step["enterprise_i"] >= 0], day_of(step["at"])[step["enterprise_i"] >= 0])
    code = np.unique(np.concatenate(at) + np.concatenate(on).astype(np.int64) * 10_000_000)
    at_, on_ = code % 10_000_000, (code // 10_000_000).astype("datetime64[D]")
    gone = subject["cancelled_on"][at_]
    alive = (on_ >= subject["founded_on"][at_]) & (np.isnat(gone) | (on_ <= gone))
    return at_[alive], on_[alive]


def _check_day(world: World, key: Any, half: Any) -> Any:
    """Day of the routine check of a place that sells food, in each half-year."""
    return (np.asarray(half) * HALF_YEAR + world.chance.integers(0, HALF_YEAR, "s20.check", key, half)).astype(
        "datetime64[D]"
    )


def _last_check(world: World, at: Any, on: Any) -> tuple[Any, Any]:
    """Day and result (whether it passed) of the last check of each business on each day; NaT where nobody checks."""
    chance, subject = world.chance, subjects(world)
    key, half = subject["key"][at], ordinal(on) // HALF_YEAR
    now, before = _check_day(world, key, half), _check_day(world, key, half - 1)
    which = np.where(now <= on, half, half - 1)
    day = np.where(now <= on, now, before)
    passed = ~chance.happens(0.045, "s20.failed", key, which)
    step = _steps(world, "failed_check")
    for enterprise_i, when in zip(step["enterprise_i"], day_of(step["at"]), strict=True):
        is_it = (at == enterprise_i) & (on >= when) & (on < when + HALF_YEAR)
        day[is_it], passed[is_it] = when, False
    unchecked = ~subject["is_food"][at]
    day[unchecked] = np.datetime64("NaT")
    return day, passed


def _subject_rows(world: World, days: Days) -> Rows:
    chance, city, subject = world.chance, world.city, subjects(world)
    at, on = _changes(world, days)
    order = np.lexsort((subject["key"][at], on))
    at, on = at[order], on[order]
    of = subject.where(at)
    key, township = of["key"], of["township_i"]
    known = of["enterprise_i"] >= 0
    enterprise = city.enterprise.where(np.maximum(of["enterprise_i"], 0))
    own_code = np.where(known, enterprise["uscc"], _small_code(world, of))
    owner = person_name(chance, "legal", key)
    county = city.county["short_zh"][city.township["county_i"][township]]
    title = np.where(
        known, enterprise["name_zh"], county + owner + of_rank(tuple(end for _, end, _ in SMALL), of["trade"])
    )
    checked, passed = _last_check(world, at, on)
    trades = tuple(trade for trade, *_ in SMALL)
    area, old = area_codes(world, "s20.area", 0.012, subject["township_i"], township, key)
    lot = chance.uniform("s20.subject.dirt", key)
    gone = ~np.isnat(of["cancelled_on"]) & (of["cancelled_on"] <= on)
    base = Columns(
        number=(city.county["code"][city.township["county_i"][township]]
                + zfill(key.astype("U9"), 9).astype(object)).astype(object),
        uscc=own_code.astype(object), uscc_letter=lot < 0.008, uscc_missing=(lot >= 0.008) & (lot < 0.018),
        status_spelling=(lot >= 0.2) & (lot < 0.22), founded_zero_date=(lot >= 0.3) & (lot < 0.306),
        test_row=(lot >= 0.4) & (lot < 0.402), old_area_code=old, area=area, title=title.astype(object), owner=owner,
        tel=phone(chance, "legal", key),
        trade=np.where(known, enterprise["kind"], of_rank(trades, of["trade"])).astype(object),
        industry=np.where(known, enterprise["industry"], "F52").astype(object),
        is_small=~known, founded=of["founded_on"],
        cancelled=np.where(gone, of["cancelled_on"], np.datetime64("NaT", "D")),
        gone=gone, licence=np.where(known, enterprise["licence_until"], np.datetime64("NaT", "D")),
        address=np.where(known, enterprise["address_zh"], city.township["name_zh"][township]).astype(object),
        house=1 + key % 400, checked=checked, passed=passed,
        at=moment(on, chance.integers(8 * 3600, 18 * 3600, "s20.changed", key, on)), on=on,
    )  # fmt: skip
    return written(
        """
        SELECT CASE WHEN b.test_row THEN 'TEST' || b.number ELSE b.number END AS subject_no,
               CASE WHEN b.uscc_missing THEN NULL WHEN b.uscc_letter THEN replace(b.uscc, '0', 'O')
                    ELSE b.uscc END AS uscc,
               CASE WHEN b.test_row THEN '测试商户' ELSE b.title END AS subject_name,
               CASE WHEN b.is_small THEN '个体工商户' ELSE '企业' END AS subject_type, b.trade,
               b.industry AS industry_code,
               b.owner AS legal_rep, b.tel AS contact_tel, b.area AS area_code, b.address || b.house || '号' AS address,
               CASE WHEN b.founded_zero_date THEN DATE '1900-01-01' ELSE b.founded END AS found_date,
               b.cancelled AS cancel_date, b.licence AS licence_end_date, b.checked AS last_check_date,
               CASE WHEN b.checked IS NULL THEN NULL WHEN b.passed THEN '合格' ELSE '不合格' END
                    AS last_check_result,
               CASE WHEN b.status_spelling THEN CASE WHEN b.gone THEN '注销企业' ELSE '存续（在营、开业、在册）' END
                    WHEN b.gone THEN '注销' ELSE '在营' END AS status,
               b.at AS updated_at, b."on" AS _day,
               CASE WHEN b.test_row THEN 'TEST' || b.number ELSE b.number END AS _key,
               b.uscc_letter AS "!uscc_letter", b.uscc_missing AS "!uscc_missing",
               b.status_spelling AS "!status_spelling", b.founded_zero_date AS "!founded_zero_date",
               b.old_area_code AS "!old_area_code", b.test_row AS "!test_row"
        FROM b
        """,
        b=base,
    )


def _small_code(world: World, of: Columns) -> Any:
    city = world.city
    region = city.county["code"][city.township["county_i"][of["township_i"]]]
    if not of.rows_n:
        return np.zeros(0, dtype=object)
    return credit_code(world.chance, "s20.uscc", of["key"], region=region, is_household=True)


def devices(world: World) -> Columns:
    """Special equipment: ``code key kind township_i building_i owner_i cycle begins made_on state``."""
    return world.once("s20.devices", lambda: _devices(world))


def _devices(world: World) -> Columns:
    chance, city = world.chance, world.city
    building, firm = city.building, city.enterprise
    has_lift = building["is_high_rise"] | (
        (building["floors"] >= 7) & chance.happens(0.5, "s20.has_lift", building["key"])
    )
    lifts = np.where(has_lift, np.maximum(building["units_n"], 1) + (building["floors"] > 18) * building["units_n"], 0)
    lifts = np.where(has_lift, np.minimum(lifts, 16), 0)
    at, n = repeated(lifts)
    others = np.flatnonzero(firm["kind"] == "其他")
    keeper = pick(
        chance, firm["township_i"][others], building["township_i"][at], None, "s20.keeper", building["key"][at]
    )
    lift = Columns(
        key=building["key"][at] * 20 + n,
        kind=np.zeros(len(at), np.int64),
        township_i=building["township_i"][at],
        building_i=at,
        owner_i=np.where(keeper >= 0, others[np.maximum(keeper, 0)], -1) if len(others) else np.full(len(at), -1),
        lng=building["lng"][at],
        lat=building["lat"][at],
    )
    works = np.isin(firm["kind"], ["危化", "工业", "仓储", "建筑"])
    counts = np.where(works, chance.poisson(0.5 + np.minimum(firm["staff_n"], 400) / 45, "s20.devices", firm["key"]), 0)
    at, n = repeated(np.minimum(counts, 18))
    key = firm["key"][at]
    kind = 1 + chance.choose([0.28, 0.34, 0.26, 0.05, 0.07], "s20.device.kind", key, n)
    other = Columns(
        key=200_000_000_000 + key * 20 + n,
        kind=kind,
        township_i=firm["township_i"][at],
        building_i=firm["building_i"][at],
        owner_i=at,
        lng=firm["lng"][at],
        lat=firm["lat"][at],
    )
    made = Columns.together([lift, other])
    key = made["key"]
    cycle = 365 * np.where(made["kind"] == 0, LIFT_YEARS, np.where(made["kind"] >= 3, OTHER_YEARS, 1))
    return made.with_columns(
        code=(np.char.add("TS", zfill(key.astype("U12"), 12))).astype(object),
        cycle=cycle,
        begins=np.datetime64(BEGINS_ON, "D") - 2 * cycle + chance.integers(0, cycle, "s20.due", key),
        made_on=np.datetime64("2002-01-01") + chance.integers(0, 7_900, "s20.made", key),
        state=chance.choose([0.955, 0.04, 0.005], "s20.state", key),
        old_risk=np.where(made["owner_i"] >= 0, firm["risk"][np.maximum(made["owner_i"], 0)], 0.3),
    )


def _inspected_on(world: World, device: Columns, number: Any) -> Any:
    """Day of each device's inspection of a round: up to three weeks before it is due, or late."""
    chance, due = world.chance, device["begins"] + number * device["cycle"]
    late = chance.happens(0.03 + 0.1 * device["old_risk"], "s20.late", device["key"], number)
    delay = np.where(
        late,
        np.minimum(chance.lognormal(45, 0.8, "s20.delay", device["key"], number), 260),
        -np.floor(22 * chance.uniform("s20.early", device["key"], number)),
    )
    return due + np.rint(delay).astype(np.int64)


def _in_force(world: World, device: Columns, on: Any) -> Any:
    """Round whose inspection is the last one that has taken place on a day."""
    number = (ordinal(on) - ordinal(device["begins"])) // device["cycle"] + 1
    for _ in range(2):
        number = np.where(_inspected_on(world, device, number) > on, number - 1, number)
    return number


def _is_left(world: World, device: Columns) -> Any:
    """Which devices stay in the register as they are when their firm is gone: half of them are never signed off."""
    return world.chance.happens(0.5, "s20.signed_off", device["key"])


def _equipment_rows(world: World, days: Days) -> Rows:
    chance, city, one = world.chance, world.city, devices(world)
    one = one.where(np.argsort(one["key"], kind="stable"))
    weeks = mondays(days)
    week = np.repeat(weeks, one.rows_n)
    device = one.where(np.tile(np.arange(one.rows_n), len(weeks)))
    # The list of a week is drawn up on its last day.
    number = _in_force(world, device, week + 6)
    last = _inspected_on(world, device, number)
    due = device["begins"] + (number + 1) * device["cycle"]
    key = device["key"]
    twice = chance.happens(0.004, "s20.device.twice", key, week)
    order = np.argsort(np.concatenate([np.arange(device.rows_n), np.flatnonzero(twice)]), kind="stable")
    repeated_ = np.concatenate([np.zeros(device.rows_n, bool), np.ones(int(twice.sum()), bool)])[order]
    place = np.concatenate([np.arange(device.rows_n), np.flatnonzero(twice)])[order]
    device, week, last, due, key = device.where(place), week[place], last[place], due[place], key[place]
    owned = device["owner_i"] >= 0
    firm = city.enterprise.where(np.maximum(device["owner_i"], 0))
    cancelled = owned & ~np.isnat(firm["cancelled_on"]) & (firm["cancelled_on"] <= week + 6)
    in_use = device["state"] == 0
    lot = chance.uniform("s20.device.dirt", key)
    area, old = area_codes(world, "s20.device.area", 0.012, one["township_i"], device["township_i"], key)
    live = cancelled & _is_left(world, device)
    state = np.where(cancelled & ~live, 2, device["state"])
    where = np.where(
        device["building_i"] >= 0, city.building["address_zh"][np.maximum(device["building_i"], 0)], firm["address_zh"]
    )
    base = Columns(
        code=device["code"], kind=of_rank(EQUIPMENT_KINDS, device["kind"]),
        firm=np.where(owned, firm["name_zh"], None).astype(object),
        uscc=np.where(owned, firm["uscc"], None).astype(object),
        uscc_letter=owned & (lot < 0.01), area=area, old_area_code=old, address=where.astype(object),
        keeper=person_name(chance, "s20.device.keeper", key), tel=phone(chance, "s20.device.keeper", key),
        made=device["made_on"], last=last, due=due, next_blank=(lot >= 0.1) & (lot < 0.12),
        next_before_last=(lot >= 0.2) & (lot < 0.205), state=of_rank(("在用", "停用", "报废"), state),
        cancelled_owner=live & in_use, lng=device["lng"], lat=device["lat"], week=week, repeated=repeated_,
    )  # fmt: skip
    return written(
        """
        SELECT b.code AS "设备代码", b.kind AS "设备种类", b.firm AS "使用单位",
               CASE WHEN b.uscc_letter THEN replace(b.uscc, '0', 'O') ELSE b.uscc END AS "统一社会信用代码",
               b.area AS "区划代码", b.address AS "使用地点", b.keeper AS "安全管理员", b.tel AS "联系电话",
               strftime(b.made, '%Y-%m-%d') AS "制造日期", strftime(b.last, '%Y-%m-%d') AS "上次检验日期",
               CASE WHEN b.next_blank THEN NULL
                    WHEN b.next_before_last THEN strftime(b.last - INTEGER '365', '%Y-%m-%d')
                    ELSE strftime(b.due, '%Y-%m-%d') END AS "下次检验日期",
               b.state AS "使用状态", printf('%.6f', b.lng) AS "经度", printf('%.6f', b.lat) AS "纬度",
               CASE WHEN ord(right(b.tel, 1)) % 8 = 0 THEN '如遇故障请致电' || b.keeper || b.tel END AS "备注",
               b.week AS _day, b.code AS _key, b.cancelled_owner AS "!cancelled_owner", b.next_blank AS "!next_blank",
               b.next_before_last AS "!next_before_last", b.uscc_letter AS "!uscc_letter",
               b.old_area_code AS "!old_area_code", b.repeated AS "!repeated"
        FROM b
        """,
        b=base,
    )


def complaints(world: World, days: Days) -> Columns:
    """Complaints and rescues received on these days, clean.

    ``number township_i day n kind category enterprise_i building_i at accepted_at closed_at is_test``.
    """
    return latest(world, "s20.complaints", days, lambda: _complaints(world, days))


def _complaints(world: World, days: Days) -> Columns:
    chance, city = world.chance, world.city
    rhythm = world.life.rhythm("appeal", days).sum(axis=1)
    usual = drawn(world, days, "s20.complaint", per_township(world, COMPLAINTS_A_DAY), rhythm)
    key = keys(usual)
    category = chance.choose([0.22, 0.16, 0.22, 0.14, 0.16, 0.08, 0.02], "s20.category", *key)
    shops = np.flatnonzero(np.isin(city.enterprise["kind"], ["餐饮", "商铺", "其他"]))
    food = np.flatnonzero(city.enterprise["kind"] == "餐饮")
    of_shop = pick(chance, city.enterprise["township_i"][shops], usual["township_i"], None, "s20.of", *key)
    of_food = pick(chance, city.enterprise["township_i"][food], usual["township_i"], None, "s20.of.food", *key)
    enterprise_i = np.where(of_shop >= 0, shops[np.maximum(of_shop, 0)], -1)
    enterprise_i = np.where((category == 0) & (of_food >= 0), food[np.maximum(of_food, 0)], enterprise_i)
    parts = [Columns(
        township_i=usual["township_i"], n=usual["n"], kind=chance.choose([0.62, 0.2, 0.18], "s20.kind", *key),
        category=category, enterprise_i=enterprise_i, building_i=np.full(usual.rows_n, -1),
        at=moment(usual["day"], world.life.hours("appeal", usual["day"], "s20.at", usual["township_i"], usual["n"])),
    )]  # fmt: skip
    device = devices(world)
    lifts = np.flatnonzero(device["kind"] == 0)
    keeper = np.full(city.building.rows_n + 1, -1)
    keeper[device["building_i"][lifts]] = device["owner_i"][lifts]
    stuck = drawn(world, days, "s20.rescue", per_township(world, RESCUES_A_DAY), np.ones(days.length))
    which = pick(chance, device["township_i"][lifts], stuck["township_i"], None, "s20.lift", *keys(stuck))
    stuck, which = stuck.where(which >= 0), which[which >= 0]
    step = _steps(world, "event")
    step = step.where(days.holds(step["at"]))
    where = np.concatenate([device["building_i"][lifts[which]] if len(lifts) else which, step["building_i"]])
    parts.append(Columns(
        township_i=np.concatenate([stuck["township_i"], step["township_i"]]),
        n=np.concatenate([3000 + stuck["n"], 5000 + step["chain_no"] % 2000]),
        kind=np.full(stuck.rows_n + step.rows_n, 3), category=np.full(stuck.rows_n + step.rows_n, 6),
        enterprise_i=keeper[where], building_i=where,
        at=np.concatenate([
            moment(stuck["day"], world.life.hours("appeal", stuck["day"], "s20.stuck", stuck["township_i"],
                stuck["n"])),
            step["at"].astype("datetime64[s]"),
        ]),
    ))  # fmt: skip
    step = _steps(world, "food_complaint")
    step = step.where(days.holds(step["at"]))
    parts.append(Columns(
        township_i=step["township_i"], n=7000 + (step["chain_no"] * 13 + step["step_no"]) % 2900,
        kind=np.zeros(step.rows_n, np.int64), category=np.zeros(step.rows_n, np.int64),
        enterprise_i=step["enterprise_i"], building_i=np.full(step.rows_n, -1), at=step["at"].astype("datetime64[s]"),
    ))  # fmt: skip
    made = Columns.together(parts)
    made = made.where(np.lexsort((made["n"], made["township_i"], made["at"])))
    key = (made["township_i"], day_of(made["at"]), made["n"])
    rescue = made["kind"] == 3
    accepted = after(made["at"], np.where(rescue, 1.0, chance.lognormal(600, 0.9, "s20.accept", *key)))
    needed = np.where(
        rescue, chance.lognormal(24, 0.4, "s20.freed", *key), chance.lognormal(9 * 1440, 0.7, "s20.close", *key)
    )
    closed = after(accepted, np.minimum(needed, (LONGEST_CASE - 10) * 1440))
    closed[~rescue & chance.happens(0.02, "s20.open", *key)] = np.datetime64("NaT")
    return made.with_columns(
        number=("TS" + stamps(made["at"]) + city.township["code"][made["township_i"]]
                + zfill(made["n"].astype("U4"), 4).astype(object)).astype(object),
        accepted_at=accepted,
        closed_at=closed,
        is_test=(made["n"] < 3000) & chance.happens(0.003, "s20.test", *key),
    )  # fmt: skip


def _complaint_rows(world: World, days: Days) -> Rows:
    chance, city = world.chance, world.city
    made = complaints(world, days.since(LONGEST_CASE))
    twice = np.flatnonzero(chance.happens(0.01, "s20.call_twice", made["township_i"], day_of(made["at"]), made["n"]))
    again = made.where(twice)
    again = again.with_columns(number=again["number"] + "A", same_call_twice=np.ones(len(twice), bool))
    made = Columns.together([made.with_columns(same_call_twice=np.zeros(made.rows_n, bool)), again])
    times = [made["at"], made["accepted_at"], made["closed_at"]]
    parts = []
    for state, at in enumerate(times):
        stands = days.holds(at) & ~np.isnat(at)
        for later in times[state + 1 :]:
            stands &= day_of(later) != day_of(at)
        which = np.flatnonzero(stands)
        parts.append(made.where(which).with_columns(state=np.full(len(which), state), updated_at=at[which]))
    found = Columns.together(parts)
    found = found.where(np.lexsort((found["number"].astype("U"), day_of(found["updated_at"]))))
    key = (found["township_i"], day_of(found["at"]), found["n"])
    named = found["enterprise_i"] >= 0
    firm = city.enterprise.where(np.maximum(found["enterprise_i"], 0))
    in_building = found["building_i"] >= 0
    place = city.building["address_zh"][np.maximum(found["building_i"], 0)]
    area, old = area_codes(world, "s20.complaint.area", 0.012, active_townships(world), found["township_i"], *key)
    lot = chance.uniform("s20.complaint.dirt", *key)
    closed = found["state"] == 2
    base = Columns(
        number=found["number"], test_row=found["is_test"], kind=of_rank(KINDS, found["kind"]),
        category=of_rank(CATEGORIES, found["category"]), text=of_rank(CONTENTS, found["category"]),
        uscc=np.where(named, firm["uscc"], None).astype(object), named=named,
        uscc_missing=~named | (lot < 0.05),
        area=area, old_area_code=old, person=person_name(chance, "s20.caller", *key), tel=phone(chance, "s20.caller",
            *key),
        address=np.where(in_building, place, np.where(named, firm["address_zh"], "")).astype(object),
        at=found["at"], accepted=found["accepted_at"], closed_at=found["closed_at"], state=found["state"],
        closed=closed,
        closed_before_received=closed & (lot > 0.5) & (lot < 0.506),
        amount=np.where(found["category"] == 1, np.rint(chance.lognormal(1800, 0.9, "s20.amount", *key)), 0),
        result=of_rank(("调解成功", "调解不成", "立案查处", "不予受理", "已解救"),
                       np.where(found["kind"] == 3, 4, chance.choose([0.6, 0.2, 0.08, 0.12], "s20.result", *key))),
        same_call_twice=found["same_call_twice"], updated_at=found["updated_at"],
    )  # fmt: skip
    return written(
        """
        SELECT CASE WHEN b.test_row THEN 'TEST' || b.number ELSE b.number END AS complaint_no, b.kind AS complaint_type,
               b.category, CASE WHEN NOT b.uscc_missing THEN b.uscc END AS uscc, b.area AS area_code,
               b.person AS complainant,
               b.tel AS complainant_tel, b.address AS place,
               b.text || CASE WHEN b.amount > 0 THEN '，涉及金额' || b.amount::BIGINT || '元' ELSE '' END
                   || '。来电人' || b.person
                   || '，电话' || b.tel AS content,
               CASE WHEN b.amount > 0 THEN b.amount END AS amount_yuan, b.at AS received_at,
               CASE WHEN b.state >= 1 THEN b.accepted END AS accepted_at,
               CASE WHEN b.closed_before_received THEN b.at - INTERVAL 26 HOUR WHEN b.closed THEN b.closed_at END
                   AS closed_at,
               CASE WHEN b.closed THEN b.result END AS result, ['已受理', '办理中', '已办结'][b.state + 1] AS status,
               b.updated_at, b.updated_at::DATE AS _day,
               CASE WHEN b.test_row THEN 'TEST' || b.number ELSE b.number END AS _key,
               b.uscc_missing AS "!uscc_missing",
               b.closed_before_received AS "!closed_before_received", b.same_call_twice AS "!same_call_twice",
               b.old_area_code AS "!old_area_code", b.test_row AS "!test_row"
        FROM b
        """,
        b=base,
    )


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    city, device, heard = world.city, devices(world), complaints(world, days)
    first, last = np.datetime64(days.first, "D"), np.datetime64(days.last, "D")
    rounds = []
    owner = np.maximum(device["owner_i"], 0)
    cancelled = np.where(device["owner_i"] >= 0, city.enterprise["cancelled_on"][owner], np.datetime64("NaT", "D"))
    signed_off = np.where(_is_left(world, device), np.datetime64("NaT", "D"), cancelled)
    number = _in_force(world, device, np.full(device.rows_n, first))
    for step in range(days.length // 365 + 3):
        since = _inspected_on(world, device, number + step)
        until = _inspected_on(world, device, number + step + 1) - 1
        which = np.flatnonzero((since <= last) & (until >= first))
        rounds.append(Columns(
            equip_code=device["code"], kind=of_rank(EQUIPMENT_KINDS, device["kind"]), valid_from=since,
            valid_until=until,
            next_due_on=device["begins"] + (number + step + 1) * device["cycle"], township_i=device["township_i"],
            building_i=device["building_i"], enterprise_i=device["owner_i"],
            is_in_use=device["state"] == 0,
            cycle_days=device["cycle"],
            signed_off_on=signed_off,
            owner_cancelled_on=cancelled,
        ).where(which))  # fmt: skip
    subject = subjects(world)
    food = np.flatnonzero(subject["is_food"])
    checks = []
    for half in range(int(ordinal(first)) // HALF_YEAR, int(ordinal(last)) // HALF_YEAR + 1):
        on = _check_day(world, subject["key"][food], half)
        passed = ~world.chance.happens(0.045, "s20.failed", subject["key"][food], half)
        checks.append(Columns(
            at=on, is_passed=passed, township_i=subject["township_i"][food], enterprise_i=subject["enterprise_i"][food]
        ).where(days.holds(on)))  # fmt: skip
    step = _steps(world, "failed_check")
    planted = Columns(
        at=day_of(step["at"]), is_passed=np.zeros(step.rows_n, bool), township_i=step["township_i"],
        enterprise_i=step["enterprise_i"],
    ).where(days.holds(step["at"]))  # fmt: skip
    return {
        "equipment": Columns.together(rounds).to_arrow(),
        "complaint": Columns(
            no=heard["number"], at=heard["at"], closed_at=heard["closed_at"], kind=of_rank(KINDS, heard["kind"]),
            category=of_rank(CATEGORIES, heard["category"]), township_i=heard["township_i"],
            enterprise_i=heard["enterprise_i"], building_i=heard["building_i"], delivered_on=day_of(heard["at"]),
            is_real=~heard["is_test"],
        ).to_arrow(),
        "food_check": Columns.together([*checks, planted]).to_arrow(),
    }  # fmt: skip


SOURCE = Source(
    "S20",
    "市场监督管理局 市场主体、特种设备、12315",
    (
        Dataset(
            "S20", "linlan.market.subject", "市场主体",
            Table(
                "subject", ("subject_no",),
                {
                    "subject_no": "varchar(32)", "found_date": "date", "cancel_date": "date",
                    "licence_end_date": "date",
                    "last_check_date": "date", "updated_at": "timestamp(0)",
                },
                stands_for="Oracle 19c",
            ),
            _subject_rows, SUBJECT,
        ),
        Dataset(
            "S20", "linlan.market.equipment", "特种设备",
            Files("equipment_{day:%Y%m%d}.csv", writers.csv(encoding="gb18030"), every="week", late=0.04),
            _equipment_rows, EQUIPMENT,
        ),
        Dataset(
            "S20", "linlan.market.complaint", "12315投诉举报与电梯困人",
            Table(
                "complaint", ("complaint_no",),
                {
                    "complaint_no": "varchar(40)", "amount_yuan": "numeric(12,2)", "received_at": "timestamp(0)",
                    "accepted_at": "timestamp(0)", "closed_at": "timestamp(0)", "updated_at": "timestamp(0)",
                },
                stands_for="Oracle 19c",
            ),
            _complaint_rows, COMPLAINT,
        ),
    ),
    _events,
)  # fmt: skip
