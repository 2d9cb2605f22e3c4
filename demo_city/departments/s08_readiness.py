"""S08 emergency management bureau: plans, drills, stocks, teams, shelters.

A plan belongs to a division, a kind of event, a level of response and a department; a few are missing, and some are not
revised when three years are over. Stocks are used up in storms and filled up by the quarter; what has expired stays in
the books as in stock.

Tables of events: ``plan`` (each version with the days it stood), ``plan_cell`` (what there should be), ``drill``,
``stock`` (each line on each day), ``team``, ``shelter``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.chance import repeated
from demo_city.city.people import person_name, phone
from demo_city.columns import Columns
from demo_city.departments.production import ALWAYS, WHOLE, area_codes, latest, of_rank, ordinal, standing, written
from demo_city.departments.protocol import Dataset, Pattern, Rows, Source, Table
from demo_city.departments.safety import active_townships
from demo_city.text import zfill

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

EVENTS: tuple[tuple[str, str, str], ...] = (
    ("11B01", "台风", "emergency"), ("11B03", "暴雨", "emergency"), ("11A02", "城市内涝", "water"),
    ("12G03", "火灾", "fire"), ("12D02", "危险化学品泄漏", "emergency"), ("12P12", "城市生命线", "housing"),
    ("13A08", "传染病", "health"), ("14A02", "群体性事件", "grid"), ("12H02", "道路交通事故", "police"),
    ("12N04", "电梯事故", "market"), ("13B03", "食品安全", "market"), ("12S01", "大型活动踩踏", "police"),
    ("11B09", "高温", "emergency"), ("11B04", "暴雪", "emergency"), ("12Q01", "水污染", "environment"),
    ("12Q02", "大气污染", "environment"), ("11B17", "大雾", "weather"), ("11C02", "地震", "emergency"),
    ("11E02", "风暴潮", "resources"), ("12C01", "建筑施工事故", "housing"), ("12P09", "油气管道", "development"),
    ("12P08", "大面积停电", "power"), ("12Q05", "供水中断", "water"), ("12U00", "能源供应中断", "development"),
    ("13C03", "一氧化碳中毒", "health"), ("13E01", "动物疫情", "agriculture"), ("14D02", "生活必需品供应", "commerce"),
    ("14H03", "信息系统瘫痪", "data_bureau"), ("12J08", "海上遇险", "maritime"), ("14C01", "金融突发事件", "finance"),
)  # fmt: skip
"""Code of the national classification, name, department that leads; counties plan for the first 15, townships for 4."""
OF_COUNTY, OF_TOWNSHIP = 15, 4
REVIEW_YEARS = 3
LEVELS = ("Ⅰ级", "Ⅱ级", "Ⅲ级", "Ⅳ级")
ITEMS: tuple[tuple[str, str, str, int, float, bool], ...] = (
    ("43B0101", "编织袋", "条", 1825, 900.0, True), ("43B0102", "救生衣", "件", 2190, 60.0, True),
    ("43B0103", "排水泵", "台", 3650, 4.0, False), ("43B0104", "冲锋舟", "艘", 3650, 2.0, False),
    ("43B0105", "铁锹", "把", 3650, 80.0, False), ("43B0106", "防汛应急灯", "个", 1095, 60.0, True),
    ("43B0301", "帐篷", "顶", 2920, 25.0, False), ("43C0401", "折叠床", "张", 2920, 60.0, False),
    ("43C0402", "棉被", "床", 1825, 120.0, False), ("43C0501", "饮用水", "瓶", 365, 1200.0, True),
    ("43C0101", "方便食品", "份", 240, 900.0, True), ("43B0401", "医用口罩", "个", 730, 6000.0, True),
    ("43B0402", "防护服", "套", 1095, 150.0, False), ("43B0403", "消毒液", "桶", 540, 60.0, True),
    ("43B0601", "吸附棉", "包", 1460, 80.0, False), ("43B0602", "正压呼吸器", "套", 2190, 12.0, False),
    ("43B0603", "堵漏工具", "套", 3650, 3.0, False), ("43B0801", "围油栏", "米", 2555, 300.0, False),
    ("4401001", "卫星电话", "部", 2190, 2.0, False), ("4401002", "对讲机", "部", 2190, 20.0, False),
    ("43B0107", "雨衣", "件", 1460, 100.0, True), ("43B0108", "警戒带", "卷", 1825, 40.0, True),
    ("43B0109", "灭火器", "具", 1825, 60.0, False), ("43B0110", "融雪剂", "袋", 730, 200.0, True),
)  # fmt: skip
"""Code (GB/T 38565), name, unit, days it keeps, least number for ten thousand people, whether storms use it up."""
BOX = 24.0
"""Pieces in a box."""
TEAMS: tuple[tuple[str, str, int], ...] = (
    ("综合应急救援队", "42E01", 28), ("防汛抢险队", "42E20", 22), ("森林消防队", "42E12", 15),
    ("危化救援队", "42E06", 18),
    ("电力抢修队", "42E17", 24), ("燃气抢修队", "42E18", 16), ("通信保障队", "42E16", 12), ("道路抢通队", "42E15", 20),
)  # fmt: skip
DRILL_KINDS = ("桌面推演", "实战演练", "双盲演练")

PLAN = (
    Pattern("review_due_missing", "No day by which it must be revised.", 0.03, "warning", "review_due_present",
            "review_due_on"),
    Pattern("revised_zero_date", "1900-01-01 for a plan that was never revised.", 0.02, "warning", "revised_date_real",
            "revised_on"),
    Pattern("level_spelling", "The level of response as a number.", 0.02, "warning", "level_known", "response_level"),
    Pattern("event_code_old", "The code of the event as an old table misspelled it.", 0.015, "warning",
        "event_code_form",
            "event_code"),
)  # fmt: skip
DRILL = (
    Pattern("more_fixed_than_found", "More issues remedied than were found.", 0.02, "warning", "fixed_within_issues",
            "fixed_n"),
    Pattern("held_zero_date", "1900-01-01 for a drill that was not held.", 0.02, "warning", "held_date_real",
        "held_on"),
)  # fmt: skip
STOCK = (
    Pattern("unit_box", "Counted in boxes where pieces are asked.", 0.015, "warning", "unit_standard", "unit"),
    Pattern("expired_in_stock", "Expired, and still in stock by its status.", 0.04, "warning", "not_expired",
        "expires_on"),
    Pattern("negative_qty", "A booking twice: less than nothing.", 0.003, "quarantine", "qty_not_negative", "qty"),
    Pattern("old_area_code", "Area code from before a merger.", 0.012, "warning", "area_code_valid", "area_code"),
)  # fmt: skip
TEAM = (
    Pattern("nobody_in_it", "A team of no people.", 0.02, "warning", "people_positive", "people_n"),
    Pattern("test_row", "A team somebody entered to try the form.", 0.006, "quarantine", "is_no_test", "team_no"),
)  # fmt: skip
SHELTER = (
    Pattern("more_people_than_room", "More people than square metres.", 0.02, "warning", "room_for_all", "capacity_n"),
    Pattern("swapped_coordinates", "Longitude and latitude in each other's place.", 0.02, "warning", "lng_in_city",
        "lng"),
)  # fmt: skip


def divisions(world: World) -> Columns:
    """City, counties and townships that are delivered: ``code key level name_zh people township_i(-1)``."""
    return world.once("s08.divisions", lambda: _divisions(world))


def _divisions(world: World) -> Columns:
    city, active = world.city, active_townships(world)
    counties = np.unique(city.township["county_i"][active])
    code = np.concatenate([["990100"], city.county["code"][counties], city.township["code"][active]]).astype(object)
    level = np.concatenate([[2], np.full(len(counties), 3), np.full(len(active), 4)])
    people = city.township["population"]
    return Columns(
        code=code,
        key=code.astype(np.int64),
        level=level,
        name_zh=np.concatenate([["临澜市"], city.county["name_zh"][counties], city.township["name_zh"][active]]).astype(
            object
        ),
        people=np.concatenate([[people.sum()], city.county["population"][counties], people[active]]),
        township_i=np.concatenate([[-1], np.full(len(counties), -1), active]),
        lng=np.concatenate([[122.95], city.county["lng"][counties], city.township["lng"][active]]),
        lat=np.concatenate([[31.75], city.county["lat"][counties], city.township["lat"][active]]),
    )


def plan_cells(world: World) -> Columns:
    """What there should be: ``division_i event level`` (0 = Ⅰ级)."""
    place = divisions(world)
    events = np.where(place["level"] == 2, len(EVENTS), np.where(place["level"] == 3, OF_COUNTY, OF_TOWNSHIP))
    levels = np.where(place["level"] == 4, 1, 4)
    division_i, n = repeated(events * levels)
    of = levels[division_i]
    return Columns(division_i=division_i, event=n // of, level=np.where(of == 1, 3, n % of))


def plans(world: World) -> Columns:
    """Versions of plans with the days they stand: ``plan_no version … first last``."""
    return world.once("s08.plans", lambda: _plans(world))


def _plans(world: World) -> Columns:
    chance, place, cell = world.chance, divisions(world), plan_cells(world)
    there = chance.happens(0.94, "s08.plan", place["key"][cell["division_i"]], cell["event"], cell["level"])
    cell = cell.where(there)
    key = (place["key"][cell["division_i"]], cell["event"], cell["level"])
    issued = np.datetime64("2016-01-01") + chance.integers(0, 3_400, "s08.issued", *key)
    gap = np.rint(365 * REVIEW_YEARS * np.where(
        chance.happens(0.2, "s08.slow", *key), 1.15 + chance.uniform("s08.slowness", *key),
        0.75 + 0.25 * chance.uniform("s08.slowness", *key),
    )).astype(np.int64)  # fmt: skip
    never = chance.happens(0.05, "s08.never", *key)
    parts = []
    for version in range(6):
        since = issued + version * gap
        until = issued + (version + 1) * gap - 1
        until = np.where(never, ALWAYS[1], until)
        stands = (until >= ALWAYS[0]) & (since <= ALWAYS[1]) & (~never | (version == 0))
        which = np.flatnonzero(stands)
        revised = np.where(version > 0, since, np.datetime64("NaT", "D"))
        parts.append(cell.where(which).with_columns(
            version=np.full(len(which), version + 1), issued=issued[which], revised=revised[which],
            due=(since + 365 * REVIEW_YEARS)[which], first=since[which], last=until[which],
        ))  # fmt: skip
    made = Columns.together(parts)
    made = made.where(np.lexsort((made["version"], made["level"], made["event"], place["key"][made["division_i"]])))
    code = place["code"][made["division_i"]]
    number = zfill(((made["event"] + 1) * 10 + made["level"] + 1).astype("U3"), 3).astype(object)
    return made.with_columns(plan_no=("YA" + code + number).astype(object))


def _plan_rows(world: World, days: Days) -> Rows:
    rows, first, last = world.once("s08.plan_rows", lambda: _plan_register(world))
    return standing(rows, days.array, first, last, rewritten=True)


def _plan_register(world: World) -> tuple[Rows, Any, Any]:
    chance, place, made = world.chance, divisions(world), plans(world)
    key = (place["key"][made["division_i"]], made["event"], made["level"])
    lot = chance.uniform("s08.plan.dirt", *key)
    has_zero = np.array(["0" in code for code, *_ in EVENTS])
    level = place["level"][made["division_i"]]
    leads = of_rank(tuple(lead for *_, lead in EVENTS), made["event"])
    base = Columns(
        number=made["plan_no"], version=made["version"], place=place["name_zh"][made["division_i"]],
        code=of_rank(tuple(code for code, *_ in EVENTS), made["event"]),
        event=of_rank(tuple(name for _, name, _ in EVENTS), made["event"]), level=of_rank(LEVELS, made["level"]),
        level_no=made["level"] + 1, area=place["code"][made["division_i"]],
        department=np.where(level == 4, "township", leads).astype(object), issued=made["issued"],
        revised=made["revised"],
        due=made["due"], extreme=chance.happens(0.35, "s08.extreme", *key),
        person=person_name(chance, "s08.contact", *key), tel=phone(chance, "s08.contact", *key),
        review_due_missing=lot < 0.03, revised_zero_date=np.isnat(made["revised"]) & (lot > 0.5) & (lot < 0.57),
        level_spelling=(lot >= 0.03) & (lot < 0.05),
        event_code_old=(lot >= 0.05) & (lot < 0.068) & has_zero[made["event"]],
    )  # fmt: skip
    rows = written(
        """
        SELECT b.number AS plan_no, 'V' || b.version || '.0' AS ver,
               b.place || b.event || '应急预案（' || b.level || '响应）'
                   AS plan_name,
               CASE WHEN b.event_code_old THEN replace(b.code, '0', 'O') ELSE b.code END AS event_code,
               b.event AS event_name,
               CASE WHEN b.level_spelling THEN b.level_no::VARCHAR ELSE b.level END AS response_level,
               b.area AS area_code, b.department AS department_key, b.issued AS issued_on,
               CASE WHEN b.revised_zero_date THEN DATE '1900-01-01' ELSE b.revised END AS revised_on,
               CASE WHEN NOT b.review_due_missing THEN b.due END AS review_due_on, '执行' AS stage,
               b.extreme::INTEGER AS has_extreme_annex, b.person AS contact, b.tel AS contact_tel, b.number AS _key,
               b.review_due_missing AS "!review_due_missing", b.revised_zero_date AS "!revised_zero_date",
               b.level_spelling AS "!level_spelling", b.event_code_old AS "!event_code_old"
        FROM b
        """,
        b=base,
    )
    return rows, made["first"], made["last"]


def drills(world: World) -> Columns:
    """Drills of the whole time: ``drill_no division_i event kind planned_on held_on issues_n fixed_n fixed_on``."""
    return world.once("s08.drills", lambda: _drills(world))


def _drills(world: World) -> Columns:
    chance, place = world.chance, divisions(world)
    a_year = np.where(place["level"] == 2, 20.0, np.where(place["level"] == 3, 12.0, 4.0))
    years = (ALWAYS[1] - ALWAYS[0]).astype(np.int64) / 365.25
    division_i, n = repeated(chance.poisson(a_year * years, "s08.drill.n", place["key"]))
    key = (place["key"][division_i], n)
    planned = ALWAYS[0] + chance.integers(0, int(years * 365), "s08.planned", *key)
    held = planned + chance.integers(-5, 25, "s08.held", *key)
    held[chance.happens(0.08, "s08.not_held", *key)] = np.datetime64("NaT")
    events = np.where(place["level"] == 2, len(EVENTS), np.where(place["level"] == 3, OF_COUNTY, OF_TOWNSHIP))
    issues = np.where(np.isnat(held), 0, chance.poisson(3.0, "s08.issues", *key))
    fixed = np.rint(issues * np.minimum(chance.uniform("s08.fixed", *key) * 1.6, 1.0)).astype(np.int64)
    return Columns(
        drill_no=("YL" + place["code"][division_i] + zfill(n.astype("U4"), 4).astype(object)).astype(object),
        division_i=division_i,
        n=n,
        event=chance.integers(0, events[division_i], "s08.drill.event", *key),
        kind=chance.choose([0.5, 0.42, 0.08], "s08.drill.kind", *key),
        planned_on=planned,
        held_on=held,
        issues_n=issues,
        fixed_n=fixed,
        fixed_on=held + chance.integers(20, 80, "s08.fixing", *key),
        people_n=np.rint(chance.lognormal(60, 0.6, "s08.people", *key)).astype(np.int64),
    )


def _drill_rows(world: World, days: Days) -> Rows:
    rows, first, last = world.once("s08.drill_rows", lambda: _drill_register(world))
    return standing(rows, days.array, first, last, rewritten=True)


def _drill_register(world: World) -> tuple[Rows, Any, Any]:
    """A drill from sixty days before its day: planned, held, its issues remedied; kept for ever."""
    chance, place, made = world.chance, divisions(world), drills(world)
    begins, ends = made["planned_on"] - 60, np.full(made.rows_n, ALWAYS[1])
    held = np.where(np.isnat(made["held_on"]), ends + 1, made["held_on"])
    fixed = np.where(np.isnat(made["fixed_on"]), ends + 1, made["fixed_on"])
    limits = [begins, np.minimum(held, ends + 1), np.minimum(fixed, ends + 1), ends + 1]
    parts = []
    for state in range(3):
        which = np.flatnonzero(limits[state + 1] > limits[state])
        parts.append(made.where(which).with_columns(
            state=np.full(len(which), state), first=limits[state][which], last=limits[state + 1][which] - 1
        ))  # fmt: skip
    both = Columns.together(parts)
    both = both.where(np.lexsort((both["state"], both["drill_no"].astype("U"))))
    key = (place["key"][both["division_i"]], both["n"])
    lot = chance.uniform("s08.drill.dirt", *key)
    base = Columns(
        number=both["drill_no"], area=place["code"][both["division_i"]], place=place["name_zh"][both["division_i"]],
        code=of_rank(tuple(code for code, *_ in EVENTS), both["event"]),
        event=of_rank(tuple(name for _, name, _ in EVENTS), both["event"]), kind=of_rank(DRILL_KINDS, both["kind"]),
        planned=both["planned_on"], held=both["held_on"], state=both["state"], people=both["people_n"],
        issues=both["issues_n"], fixed=both["fixed_n"],
        more_fixed_than_found=(both["state"] == 2) & (lot < 0.03),
        held_zero_date=(both["state"] == 0) & (lot > 0.5) & (lot < 0.6),
        person=person_name(chance, "s08.drill.leader", *key), tel=phone(chance, "s08.drill.leader", *key),
    )  # fmt: skip
    rows = written(
        """
        SELECT b.number AS drill_no, b.area AS area_code, b.place || b.event || b.kind AS drill_name,
               b.code AS event_code,
               b.kind AS drill_type, b.planned AS planned_on,
               CASE WHEN b.held_zero_date THEN DATE '1900-01-01' WHEN b.state > 0 THEN b.held END AS held_on,
               CASE WHEN b.state > 0 THEN b.people END AS people_num,
               CASE WHEN b.state > 0 THEN b.issues END AS issue_num,
               CASE WHEN b.more_fixed_than_found THEN b.issues + 3 WHEN b.state = 2 THEN b.fixed
                    WHEN b.state = 1 THEN 0 END
                   AS fixed_num,
               b.person AS leader, b.tel AS leader_tel, '联系人' || b.person || '，' || b.tel AS remark,
               b.number AS _key,
               b.more_fixed_than_found AS "!more_fixed_than_found", b.held_zero_date AS "!held_zero_date"
        FROM b
        """,
        b=base,
    )
    return rows, both["first"], both["last"]


def lines(world: World) -> Columns:
    """Lines of the stores: ``stock_no key division_i item min_qty life begins``."""
    return world.once("s08.lines", lambda: _lines(world))


def _lines(world: World) -> Columns:
    chance, place = world.chance, divisions(world)
    of_township = np.clip(np.rint(32 * np.sqrt(place["people"] / 10_000)), 8, 110)
    division_i, n = repeated(
        np.where(place["level"] == 2, 96, np.where(place["level"] == 3, 48, of_township)).astype(np.int64)
    )
    key = place["key"][division_i] * 1000 + n
    item = (n + chance.integers(0, len(ITEMS), "s08.first_item", place["key"][division_i])) % len(ITEMS)
    share = np.where(place["level"][division_i] == 4, 1.0, 0.12) / (1 + n // len(ITEMS))
    least = np.array([least for *_, least, _ in ITEMS])[item] * np.sqrt(place["people"][division_i] / 10_000) * share
    life = np.array([life for _, _, _, life, _, _ in ITEMS])[item]
    return Columns(
        stock_no=("WZ" + key.astype("U12").astype(object)).astype(object),
        key=key,
        division_i=division_i,
        n=n,
        item=item,
        min_qty=np.maximum(np.rint(least), 1),
        life=life,
        begins=ALWAYS[0] - 3650 + chance.integers(0, life, "s08.batch", key),
        late=np.where(
            chance.happens(0.3, "s08.forgets", key), np.rint(chance.lognormal(70, 0.8, "s08.forgotten", key)), -20
        ).astype(np.int64),
    )


def stocks(world: World, days: Days) -> Columns:
    """Each line on each day, true: ``line_i day qty expires_on`` (pieces)."""
    return latest(world, "s08.stocks", days, lambda: _stocks(world, days))


def _stocks(world: World, days: Days) -> Columns:
    chance, line = world.chance, lines(world)
    day = np.repeat(days.array, line.rows_n)
    line_i = np.tile(np.arange(line.rows_n), days.length)
    of = line.where(line_i)
    # A batch is replaced when it expires, a little before as a rule, weeks or months later where nobody looks.
    age = ordinal(day) - ordinal(of["begins"])
    batch = (age - np.minimum(of["late"], of["life"] - 1)) // of["life"]
    expires = of["begins"] + (batch + 1) * of["life"]
    quarter = day.astype("datetime64[M]").astype(np.int64) // 3
    filled = 0.75 + 0.9 * chance.uniform("s08.filled", of["key"], quarter)
    in_quarter = ordinal(day) - ordinal((quarter * 3).astype("datetime64[M]"))
    used = 0.0025 * in_quarter * chance.uniform("s08.used", of["key"], quarter)
    stormy = _storm_days(world, days)[np.repeat(np.arange(days.length), line.rows_n)]
    is_storm = np.array([storm for *_, storm in ITEMS])[of["item"]]
    qty = np.floor(of["min_qty"] * np.maximum(filled - used - np.where(is_storm, 0.035 * stormy, 0.0), 0.05))
    return Columns(line_i=line_i, day=day, qty=qty, expires_on=expires)


def _storm_days(world: World, days: Days) -> Any:
    """For each day how many of the quarter's days so far had more than 50 mm of rain or a storm's wind."""

    def make() -> Any:
        weather = world.life.weather_daily(WHOLE)
        hard = (weather["rain_mm"] > 50) | (weather["wind_max_ms"] > 17)
        quarter = weather["day"].astype("datetime64[M]").astype(np.int64) // 3
        total = np.cumsum(hard)
        starts = np.searchsorted(quarter, quarter)
        return total - np.where(starts > 0, total[np.maximum(starts - 1, 0)], 0)

    return world.once("s08.storms", make)[ordinal(days.array) - ordinal(ALWAYS[0])]


def _stock_rows(world: World, days: Days) -> Rows:
    chance, place, line, made = world.chance, divisions(world), lines(world), stocks(world, days)
    key = line["key"]
    lot = chance.uniform("s08.stock.dirt", key)
    township = place["township_i"][line["division_i"]]
    own = township >= 0
    code, old = area_codes(world, "s08.area", 0.02, township[own], np.maximum(township, 0), key)
    unit = of_rank(tuple(unit for _, _, unit, *_ in ITEMS), line["item"])
    of_line = Columns(
        line_i=np.arange(line.rows_n), number=line["stock_no"],
        code=of_rank(tuple(code for code, *_ in ITEMS), line["item"]),
        name=of_rank(tuple(name for _, name, *_ in ITEMS), line["item"]), unit=unit,
        store=place["name_zh"][line["division_i"]] + "应急物资储备库",
        area=np.where(own, code, place["code"][line["division_i"]]).astype(object), old_area_code=own & old,
        least=line["min_qty"], person=person_name(chance, "s08.keeper", place["key"][line["division_i"]]),
        tel=phone(chance, "s08.keeper", place["key"][line["division_i"]]), unit_box=lot < 0.015,
    )  # fmt: skip
    negative = chance.happens(0.003, "s08.negative", key[made["line_i"]], made["day"])
    stock = made.with_columns(
        negative_qty=negative, expired_in_stock=made["expires_on"] <= made["day"], place=np.arange(made.rows_n)
    )
    return written(
        f"""
        SELECT l.number AS stock_no, l.code AS item_code, l.name AS item_name, l.store AS store_name,
               l.area AS area_code,
               CASE WHEN s.negative_qty THEN -1 - s.qty WHEN l.unit_box THEN round(s.qty / {BOX}, 1)
                    ELSE s.qty END AS qty,
               CASE WHEN l.unit_box THEN '箱' ELSE l.unit END AS unit, l.least AS min_qty, s.expires_on,
               '在库' AS status,
               l.person AS keeper, l.tel AS keeper_tel, s.day AS _day, l.number AS _key, l.unit_box AS "!unit_box",
               s.expired_in_stock AS "!expired_in_stock", s.negative_qty AS "!negative_qty",
               l.old_area_code AS "!old_area_code"
        FROM s JOIN l USING (line_i) ORDER BY s.place
        """,
        s=stock,
        l=of_line,
    )


def _team_rows(world: World, days: Days) -> Rows:
    rows = world.once("s08.teams", lambda: _team_register(world))
    n = rows.table.num_rows
    return standing(rows, days.array, np.full(n, ALWAYS[0]), np.full(n, ALWAYS[1]), rewritten=True)


def teams(world: World) -> Columns:
    """Rescue teams: ``team_no key division_i kind people_n``."""
    chance, place = world.chance, divisions(world)
    division_i, n = repeated(np.where(place["level"] == 2, 8, np.where(place["level"] == 3, 7, 3)))
    key = place["key"][division_i] * 100 + n
    usual = np.array([people for *_, people in TEAMS])[n % len(TEAMS)]
    return Columns(
        team_no=("DW" + key.astype("U12").astype(object)).astype(object),
        key=key,
        division_i=division_i,
        kind=n % len(TEAMS),
        people_n=np.maximum(np.rint(usual * chance.lognormal(1.0, 0.35, "s08.team", key)), 4).astype(np.int64),
    )


def _team_register(world: World) -> Rows:
    chance, place, team = world.chance, divisions(world), teams(world)
    key, lot = team["key"], chance.uniform("s08.team.dirt", team["key"])
    base = Columns(
        number=team["team_no"], test_row=lot < 0.006, nobody_in_it=(lot >= 0.1) & (lot < 0.12),
        place=place["name_zh"][team["division_i"]], area=place["code"][team["division_i"]],
        name=of_rank(tuple(name for name, *_ in TEAMS), team["kind"]),
        code=of_rank(tuple(code for _, code, _ in TEAMS), team["kind"]), people=team["people_n"],
        person=person_name(chance, "s08.team.leader", key), tel=phone(chance, "s08.team.leader", key),
        lng=np.round(place["lng"][team["division_i"]] + 0.01 * chance.normal("s08.team.lng", key), 6),
        lat=np.round(place["lat"][team["division_i"]] + 0.01 * chance.normal("s08.team.lat", key), 6),
    )  # fmt: skip
    return written(
        """
        SELECT CASE WHEN b.test_row THEN 'TEST' || b.number ELSE b.number END AS team_no,
               CASE WHEN b.test_row THEN '测试队伍' ELSE b.place || b.name END AS team_name, b.code AS resource_code,
               b.area AS area_code, CASE WHEN b.nobody_in_it THEN 0 ELSE b.people END AS people_num, b.person AS leader,
               b.tel AS leader_tel, b.lng, b.lat,
               CASE WHEN b.test_row THEN 'TEST' || b.number ELSE b.number END AS _key,
               b.nobody_in_it AS "!nobody_in_it", b.test_row AS "!test_row"
        FROM b
        """,
        b=base,
    )


def _shelter_rows(world: World, days: Days) -> Rows:
    rows = world.once("s08.shelters", lambda: _shelter_register(world))
    n = rows.table.num_rows
    return standing(rows, days.array, np.full(n, ALWAYS[0]), np.full(n, ALWAYS[1]), rewritten=True)


def _shelter_register(world: World) -> Rows:
    chance, city, own = world.chance, world.city, world.city.shelter
    key, lot = own["key"], chance.uniform("s08.shelter.dirt", own["key"])
    base = Columns(
        number=own["shelter_no"], name=own["name_zh"], kind=own["class"], area_m2=own["area_m2"],
        capacity=own["capacity"], indoor=own["is_indoor"], area=city.township["code"][own["township_i"]],
        more_people_than_room=lot < 0.02, swapped_coordinates=(lot >= 0.02) & (lot < 0.04),
        person=person_name(chance, "s08.shelter", key), tel=phone(chance, "s08.shelter", key), lng=own["lng"],
        lat=own["lat"],
    )  # fmt: skip
    return written(
        """
        SELECT b.number AS shelter_no, b.name AS shelter_name, b.kind AS shelter_class, b.area AS area_code, b.area_m2,
               CASE WHEN b.more_people_than_room THEN b.capacity * 10 ELSE b.capacity END AS capacity,
               b.indoor::INTEGER AS is_indoor, b.person AS manager, b.tel AS manager_tel,
               CASE WHEN b.swapped_coordinates THEN b.lat ELSE b.lng END AS lng,
               CASE WHEN b.swapped_coordinates THEN b.lng ELSE b.lat END AS lat, b.number AS _key,
               b.more_people_than_room AS "!more_people_than_room", b.swapped_coordinates AS "!swapped_coordinates"
        FROM b
        """,
        b=base,
    )


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    place, plan, cell, drill, team = divisions(world), plans(world), plan_cells(world), drills(world), teams(world)
    first, last = np.datetime64(days.first, "D"), np.datetime64(days.last, "D")
    plan = plan.where((plan["first"] <= last) & (plan["last"] >= first))
    drill = drill.where(drill["planned_on"] <= last + 60)
    stock, line, shelter = stocks(world, days), lines(world), world.city.shelter
    codes = tuple(code for code, *_ in EVENTS)
    return {
        "plan": Columns(
            plan_no=plan["plan_no"], version=plan["version"], event_code=of_rank(codes, plan["event"]),
            level=plan["level"] + 1, area_code=place["code"][plan["division_i"]],
            department_key=np.where(place["level"][plan["division_i"]] == 4, "township",
                                    of_rank(tuple(lead for *_, lead in EVENTS), plan["event"])).astype(object),
            valid_from=plan["first"], valid_until=plan["last"] + 1, revised_on=plan["revised"],
            review_due_on=plan["due"],
        ).to_arrow(),
        "plan_cell": Columns(
            event_code=of_rank(codes, cell["event"]), level=cell["level"] + 1,
            area_code=place["code"][cell["division_i"]],
            scope_level=place["level"][cell["division_i"]],
        ).to_arrow(),
        "drill": Columns(
            drill_no=drill["drill_no"], event_code=of_rank(codes, drill["event"]), planned_on=drill["planned_on"],
            held_on=drill["held_on"], issues_n=drill["issues_n"], fixed_n=drill["fixed_n"], fixed_on=drill["fixed_on"],
            area_code=place["code"][drill["division_i"]],
        ).to_arrow(),
        "stock": Columns(
            stock_no=line["stock_no"][stock["line_i"]], day=stock["day"], qty=stock["qty"],
            min_qty=line["min_qty"][stock["line_i"]], expires_on=stock["expires_on"],
            item_code=of_rank(tuple(code for code, *_ in ITEMS), line["item"][stock["line_i"]]),
            area_code=place["code"][line["division_i"][stock["line_i"]]],
            township_i=place["township_i"][line["division_i"][stock["line_i"]]],
        ).to_arrow(),
        "team": Columns(
            team_no=team["team_no"], people_n=team["people_n"], area_code=place["code"][team["division_i"]],
        ).to_arrow(),
        "shelter": Columns(
            shelter_no=shelter["shelter_no"], **{"class": shelter["class"]}, area_m2=shelter["area_m2"],
            capacity=shelter["capacity"], township_i=shelter["township_i"], grid_i=shelter["grid_i"],
            lng=shelter["lng"], lat=shelter["lat"],
        ).to_arrow(),
    }  # fmt: skip


def _table(name: str, key: str, **types: str) -> Table:
    return Table(name, (key,), {key: "varchar(40)", **types}, server="mariadb")


SOURCE = Source(
    "S08",
    "应急管理局 预案、演练、物资、队伍、避难场所",
    (
        Dataset(
            "S08", "linlan.readiness.plan", "应急预案",
            _table("plan", "plan_no", issued_on="date", revised_on="date", review_due_on="date",
                   has_extreme_annex="smallint"),
            _plan_rows, PLAN,
        ),
        Dataset(
            "S08", "linlan.readiness.drill", "应急演练",
            _table("drill", "drill_no", planned_on="date", held_on="date", people_num="integer", issue_num="integer",
                   fixed_num="integer"),
            _drill_rows, DRILL,
        ),
        Dataset(
            "S08", "linlan.readiness.stock", "应急物资",
            _table("stock", "stock_no", qty="decimal(12,1)", min_qty="decimal(12,1)", expires_on="date"),
            _stock_rows, STOCK,
        ),
        Dataset(
            "S08", "linlan.readiness.team", "应急队伍",
            _table("team", "team_no", people_num="integer", lng="decimal(10,6)", lat="decimal(10,6)"), _team_rows, TEAM,
        ),
        Dataset(
            "S08", "linlan.readiness.shelter", "避难场所",
            _table("shelter", "shelter_no", area_m2="integer", capacity="integer", is_indoor="smallint",
                   lng="decimal(10,6)", lat="decimal(10,6)"),
            _shelter_rows, SHELTER,
        ),
    ),
    _events,
)  # fmt: skip
