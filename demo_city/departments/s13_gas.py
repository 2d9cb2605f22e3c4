"""S13 six gas companies: visits to their users, and alarms. One thing in six layouts.

Every user is due once in 500 workdays. Nobody is at home in one visit of six: two more attempts follow, weeks later.
What is found is a hazard of grade 1 to 3; when it is remedied the company goes again and writes that too. Users of a
chain of precursors keep a hazard of grade 1 until the event; a damaged main brings a burst of alarms.

The companies agree on nothing: headers, order, dates, encoding, delimiter, code books; some write a visit to a locked
door as a checked user.

Tables of events: ``gas_check`` (visits that were to be a check, and when what they found was remedied), ``gas_alarm``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.city.people import person_name, phone
from demo_city.columns import Columns
from demo_city.departments.production import (
    WHOLE,
    area_codes,
    codes_between,
    day_of,
    latest,
    of_rank,
    ordinal,
    stamps,
    workday_from,
    written,
)
from demo_city.departments.protocol import Dataset, Files, Pattern, Rows, Source
from demo_city.departments.safety import drawn, keys, moment, per_township, pick
from demo_city.systems import writers
from demo_city.text import zfill

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

CYCLE = 500
"""Workdays within which every user is to be visited."""
URBAN, RURAL = 0.92, 0.55
"""Share of flats that have piped gas."""
ABSENT, REFUSED = 0.15, 0.015
"""Visits that find nobody, and that are not let in."""
LOOK_BACK = 240
"""Days from a first attempt to the last remedy that is written of it."""
ALARMS_A_DAY = 200
LEL_PPM = 500.0
"""Parts per million in one per cent of the lower explosive limit of methane (5 % by volume)."""
HOME = (0, 3, 1, 4, 2, 5, 2, 0)
"""Company that has most of each county; the others share the rest."""
CHECK, LOCKED, REFUSAL, REMEDY = range(4)
FINDINGS = (
    ("软管老化开裂，连接处有漏气", "灶具无熄火保护装置且漏气", "热水器烟道未伸出室外"),
    ("软管超长穿墙", "燃气表锈蚀", "厨房改为卧室"),
    ("阀门操作不便", "立管被包裹", "未安装报警器"),
)


@dataclass(frozen=True)
class Company:
    """One company's way of writing.

    Attributes:
        key: of its dataset, ``check_<key>``.
        name: Chinese name.
        prefix: of its users' numbers.
        headers: its words for visit, user, name, telephone, address, area, day, kind, result, grade, finding, remedied,
            minutes and inspector, in our order.
        order: in which order it writes them.
        date: strftime pattern of its dates.
        results: its codes of: in order, hazard found, nobody at home, refused, remedied.
        grades: its codes of no hazard and the grades 1 to 3.
        encoding, delimiter, quoting: of its files.
        zero_date: it writes 1900-01-01 where nothing has been remedied yet, now and then.
    """

    key: str
    name: str
    prefix: str
    headers: tuple[str, ...]
    order: tuple[int, ...]
    date: str
    results: tuple[str, ...]
    grades: tuple[str, ...]
    encoding: str = "utf-8"
    delimiter: str = ","
    quoting: str = "needed"
    zero_date: bool = False


COMPANIES = (
    Company(
        "yuanwang", "远望燃气", "YW",
        ("安检单号", "用户编号", "户名", "联系电话", "用气地址", "所属镇街", "安检日期", "作业类型", "安检结果",
         "隐患等级", "隐患内容", "整改日期", "入户时长", "安检员"),
        tuple(range(14)), "%Y-%m-%d", ("0", "1", "9", "8", "2"), ("0", "1", "2", "3"),
    ),
    Company(
        "donghai", "东海燃气", "DH",
        ("工单号", "燃气户号", "用户姓名", "手机", "地址", "区划代码", "上门日期", "工单类型", "结论",
         "隐患分级", "隐患描述", "处理日期", "在户分钟", "工作人员"),
        (0, 6, 7, 1, 2, 4, 3, 5, 8, 9, 10, 11, 13, 12), "%Y/%m/%d",
        ("合格", "不合格", "到访不遇", "拒绝入户", "已整改"),
        ("无", "一级", "二级", "三级"), encoding="gb18030", zero_date=True,
    ),
    Company(
        "minsheng", "民生燃气", "MS",
        ("AJDH", "YHBH", "YHMC", "LXDH", "YHDZ", "XZQH", "AJRQ", "AJLX", "AJJG", "YHDJ", "YHNR", "ZGRQ", "RHSC", "AJY"),
        (1, 2, 3, 4, 5, 0, 6, 7, 8, 9, 10, 11, 12, 13), "%Y%m%d", ("A", "B", "D", "E", "C"), ("N", "1", "2", "3"),
        delimiter="|",
    ),
    Company(
        "huaran", "华燃天然气", "HR",
        ("QMNUM", "VERTRAG", "NAME1", "TELF1", "STRAS", "REGIOGROUP", "AUSVN", "QMART", "URCOD", "FEGRP", "FETXT",
         "AUSBS", "DAUER", "ERNAM"),
        (0, 1, 5, 6, 7, 8, 9, 11, 12, 13, 2, 3, 4, 10), "%d.%m.%Y", ("01", "02", "03", "04", "05"),
        ("00", "10", "20", "30"), encoding="gb18030", delimiter="\t", quoting="none",
    ),
    Company(
        "xingyuan", "兴源燃气", "XY",
        ("记录编号", "客户编号", "客户名称", "客户电话", "装表地址", "乡镇代码", "检查日期", "类别", "检查情况",
         "隐患级别", "备注", "整改完成", "时长分钟", "检查人"),
        (6, 0, 7, 8, 9, 1, 2, 3, 4, 5, 11, 10, 12, 13), "%Y-%m-%d 00:00:00",
        ("正常", "异常", "锁门", "拒访", "复检合格"),
        ("-", "Ⅰ", "Ⅱ", "Ⅲ"), delimiter=";", zero_date=True,
    ),
    Company(
        "gangxin", "港新燃气", "GX",
        ("序号", "用户号", "姓名", "电话", "地址", "街道编码", "日期", "任务", "是否合格", "等级", "问题",
         "闭环日期", "用时", "员工"),
        (0, 2, 3, 1, 5, 4, 6, 8, 7, 9, 11, 10, 13, 12), "%Y年%m月%d日", ("Y", "N", "W", "J", "F"), ("", "A", "B", "C"),
        encoding="gb18030", quoting="all",
    ),
)  # fmt: skip
KINDS = ("入户安检", "入户安检", "入户安检", "隐患复查")
ALARM_KINDS = ("户内报警器", "可燃气体探测器", "调压站", "管网巡检")
ALARM_RESULTS = ("误报", "用户操作不当", "燃气泄漏", "管道破损")

FIXED_BEFORE = Pattern(
    "fixed_before_visit", "Remedied before the visit that found it.", 0.0025, "warning", "fixed_after_visit", "fixed_on"
)
CHECKED = (
    Pattern("absent_as_checked", "Nobody was at home; written as a checked user in order.", 0.02, "warning",
            "visit_took_time", "minutes_n"),
    Pattern("user_missing", "No user's number.", 0.004, "warning", "user_present", "user_key"),
    Pattern("repeated", "The same visit twice in one file.", 0.01, "unchanged", None, None),
    Pattern("old_area_code", "Area code from before a merger.", 0.01, "warning", "area_code_valid", "area_code"),
)  # fmt: skip
ZERO_DATE = Pattern(
    "zero_date", "1900-01-01 for a remedy that has not come.", 0.02, "warning", "fixed_date_real", "fixed_on"
)
GBK_BYTES = Pattern("gbk_bytes", "A row in GB18030 amid a file in UTF-8.", 0.003, "quarantine", None, None)
ALARM = (
    Pattern("lel_as_ppm", "Per cent of the explosive limit written as ppm.", 0.02, "warning", "ppm_plausible", "ppm"),
    Pattern("arrived_before_alarm", "Arrived before the alarm: the clock of the detector is wrong.", 0.006, "warning",
            "arrived_after_alarm", "arrived_at"),
    Pattern("test_alarm", "A detector that is being tested.", 0.015, "quarantine", "is_no_test", "alarm_no"),
    Pattern("old_area_code", "Area code from before a merger.", 0.01, "warning", "area_code_valid", "area_code"),
    Pattern("repeated", "The same alarm twice in one file.", 0.008, "unchanged", None, None),
)  # fmt: skip


def users(world: World) -> Columns:
    """Users of piped gas: ``flat_i key company township_i building_i carelessness first`` (their turn in the cycle)."""
    return world.once("s13.users", lambda: _users(world))


def _users(world: World) -> Columns:
    chance, city = world.chance, world.city
    flat, building = city.flat, city.building
    key, township, of = flat["key"], flat["township_i"], flat["building_i"]
    in_chain = np.zeros(flat.rows_n, bool)
    steps = world.life.precursors("S13")["flat_i"]
    in_chain[steps[steps >= 0]] = True
    has = chance.happens(np.where(city.township["is_urban"][township], URBAN, RURAL), "s13.has", key) | in_chain
    at = np.flatnonzero(has)
    village = city.grid["village_i"][building["grid_i"]]
    home = np.array(HOME)[city.township["county_i"][building["township_i"]]]
    other = chance.integers(0, len(COMPANIES), "s13.other", city.village["key"])[village]
    is_other = chance.happens(0.4, "s13.is_other", city.village["key"])[village]
    company = np.where(is_other, other, home)
    age = np.clip((2026 - building["built_year"]) / 30, 0, 1)
    key, of = key[at], of[at]
    return Columns(
        flat_i=at,
        key=key,
        company=company[of],
        township_i=township[at],
        building_i=of,
        carelessness=0.25 + 0.7 * age[of] + 0.5 * (1 - flat["wealth"][at]),
        first=chance.integers(0, CYCLE, "s13.turn", key),
    )


def _workdays(world: World) -> Any:
    return world.once("s13.workdays", lambda: WHOLE.array[world.life.is_workday(WHOLE.array)])


def activities(world: World, days: Days) -> Columns:
    """What the companies' people did on these days, clean.

    ``user_i on kind attempt grade finding fixed_on n``: kind `CHECK`, `LOCKED`, `REFUSAL` or `REMEDY` (a second visit
    that sees the hazard of `grade` remedied); `grade` 0 is no hazard.
    """
    return latest(world, "s13.activities", days, lambda: _activities(world, days))


def _activities(world: World, days: Days) -> Columns:
    visited = checks(world, days.since(LOOK_BACK))
    again = visited.where(~np.isnat(visited["fixed_on"]) & (visited["fixed_on"] > visited["on"]))
    remedy = again.with_columns(
        on=again["fixed_on"], kind=np.full(again.rows_n, REMEDY), attempt=again["attempt"] + 5,
    )  # fmt: skip
    later = visited["fixed_on"] > visited["on"]
    fixed_then = np.where(later, np.datetime64("NaT"), visited["fixed_on"]).astype("datetime64[D]")
    both = Columns.together([visited.with_columns(fixed_on=fixed_then), remedy])
    both = both.where(days.holds(both["on"]))
    user = users(world)
    return both.where(np.lexsort((both["attempt"], user["key"][both["user_i"]], both["on"])))


def checks(world: World, days: Days) -> Columns:
    """Visits that were to be a check on these days, with what became of what they found."""
    return latest(world, "s13.checks", days, lambda: _checks(world, days))


def _checks(world: World, days: Days) -> Columns:
    chance, user, workday = world.chance, users(world), _workdays(world)
    low = max(int(np.searchsorted(workday, np.datetime64(days.first))) - 90, 0)
    high = int(np.searchsorted(workday, np.datetime64(days.last), "right"))
    parts = []
    for cycle in range(low // CYCLE, max(high - 1, 0) // CYCLE + 1):
        turn = user["first"] + cycle * CYCLE
        who = np.flatnonzero((turn >= low) & (turn < high))
        key, at = user["key"][who], turn[who]
        for attempt in range(3):
            lot = chance.uniform("s13.door", key, cycle, attempt)
            kind = np.where(lot < ABSENT, LOCKED, np.where(lot < ABSENT + REFUSED, REFUSAL, CHECK))
            inside = at < len(workday)
            who, key, at, kind = who[inside], key[inside], at[inside], kind[inside]
            parts.append(
                Columns(user_i=who, on=workday[at], kind=kind, attempt=np.full(len(who), cycle * 10 + attempt))
            )
            missed = np.flatnonzero(kind != CHECK)
            who, key = who[missed], key[missed]
            at = at[missed] + 12 + chance.integers(0, 20, "s13.again", key, cycle, attempt)
    made = Columns.together(parts)
    made = made.where(days.holds(made["on"]))
    key = (user["key"][made["user_i"]], made["attempt"])
    care = user["carelessness"][made["user_i"]]
    found = (made["kind"] == CHECK) & chance.happens(0.07 * care, "s13.found", *key)
    grade = np.where(found, 1 + chance.choose([0.07, 0.33, 0.6], "s13.grade", *key), 0)
    wait = chance.lognormal(np.array([1, 2.5, 16.0, 28.0])[grade], 0.8, "s13.wait", *key)
    at_once = (grade == 1) & chance.happens(0.7, "s13.at_once", *key)
    at_once |= (grade == 3) & chance.happens(0.25, "s13.at_once", *key)
    fixed = workday_from(world, made["on"] + np.ceil(np.minimum(wait, 120)).astype(np.int64))
    fixed = np.where(at_once, made["on"], fixed)
    never = (grade == 0) | chance.happens(np.array([0, 0.02, 0.12, 0.2])[grade], "s13.never", *key)
    fixed[never] = np.datetime64("NaT")
    made = made.with_columns(grade=grade, fixed_on=fixed)
    return _with_chains(world, days, made)


def _with_chains(world: World, days: Days, made: Columns) -> Columns:
    """The users of chains have a hazard of grade 1 that stays until days after the event, and no check in between."""
    user = users(world)
    step = _steps(world, "hazard_unfixed")
    position = np.full(world.city.flat.rows_n, -1)
    position[user["flat_i"]] = np.arange(user.rows_n)
    user_i = position[step["flat_i"]]
    first, last = day_of(step["at"]), day_of(step["event_at"])
    quiet = np.isin(made["user_i"] * 100_000 + ordinal(made["on"]), codes_between(user_i, first, last))
    held = days.holds(first)
    planted = Columns(
        user_i=user_i,
        on=first,
        kind=np.full(step.rows_n, CHECK),
        attempt=np.full(step.rows_n, 90),
        grade=np.ones(step.rows_n, np.int64),
        fixed_on=workday_from(world, last + 4),
    ).where(held)
    return Columns.together([made.where(~quiet), planted])


def _steps(world: World, what: str) -> Columns:
    def make() -> Columns:
        step = world.life.precursors("S13")
        unknown = set(step["what"]) - {"hazard_unfixed", "leak_alarm", "main_damage"}
        if unknown:
            raise ValueError(f"S13 does not know these precursors: {', '.join(sorted(unknown))}")
        chain = world.life.chains
        when = dict(zip(chain["chain_no"].tolist(), chain["event_at"].tolist(), strict=True))
        event = [when.get(*of) for of in zip(step["chain_no"].tolist(), step["at"].tolist(), strict=True)]
        return step.with_columns(event_at=np.array(event, dtype="datetime64[m]"))

    found = world.once("s13.steps", make)
    return found.where(found["what"] == what)


def _check_rows(company: int, world: World, days: Days) -> Rows:
    chance, user, city = world.chance, users(world), world.city
    style = COMPANIES[company]
    made = activities(world, days)
    made = made.where(user["company"][made["user_i"]] == company)
    made = made.with_columns(repeated=np.zeros(made.rows_n, bool))
    twice = np.flatnonzero(chance.happens(0.0101, "s13.twice", user["key"][made["user_i"]], made["attempt"]))
    second = made.where(twice).with_columns(repeated=np.ones(len(twice), bool))
    order = np.argsort(np.concatenate([np.arange(made.rows_n), twice]), kind="stable")
    made = Columns.together([made, second]).where(order)
    of = user.where(made["user_i"])
    key = (of["key"], made["attempt"])
    own = user["township_i"][user["company"] == company]
    area, old = area_codes(world, "s13.area", 0.01, own, of["township_i"], *key)
    locked = made["kind"] == LOCKED
    lot = chance.uniform("s13.dirt", *key)
    hidden = locked & chance.happens(0.17, "s13.hidden", *key)
    is_open = (made["grade"] > 0) & np.isnat(made["fixed_on"])
    has_fix = (made["kind"] == CHECK) & (made["grade"] > 0) & ~is_open
    result = np.select(
        [hidden, locked, made["kind"] == REFUSAL, made["kind"] == REMEDY, made["grade"] > 0], [0, 2, 3, 4, 1], 0
    )
    texts = np.array([text for group in FINDINGS for text in group], dtype=object)
    finding = texts[np.maximum(made["grade"] - 1, 0) * 3 + chance.integers(0, 3, "s13.finding", *key)]
    base = Columns(
        # The user's own number may not be read from it: the lake hashes that one and keeps this one.
        visit=(style.prefix + stamps(made["on"])
               + (of["key"] * 48_271 % 2_147_483_647).astype("U10").astype(object) + "-"
               + made["attempt"].astype("U3").astype(object)).astype(object),
        user_no=(style.prefix + zfill(of["key"].astype("U10"), 10).astype(object)).astype(object),
        person=person_name(chance, "flat.person", of["key"]),
        tel=phone(chance, "flat.phone", of["key"]),
        address=city.address_of_flat(of["flat_i"]),
        area=area, old_area_code=old,
        on=made["on"],
        kind=of_rank(KINDS, made["kind"]),
        result=of_rank(style.results, result),
        grade=of_rank(style.grades, np.where(hidden | (made["kind"] == REFUSAL), 0, made["grade"])),
        finding=np.where(made["grade"] > 0, finding, ""),
        fixed_on=made["fixed_on"],
        minutes=np.where(hidden, 0, np.where(np.isin(made["kind"], [CHECK, REMEDY]), 6 + of["key"] % 19, -1)),
        inspector=person_name(chance, "s13.inspector", of["township_i"], of["key"] % 7),
        absent_as_checked=hidden, repeated=made["repeated"],
        user_missing=lot < 0.004,
        fixed_before_visit=has_fix & chance.happens(0.0 if style.zero_date else 0.11, "s13.fixed_before", *key),
        zero_date=is_open & chance.happens(0.4 if style.zero_date else 0.0, "s13.zero_date", *key),
        gbk_bytes=(lot > 0.5) & (lot < 0.503) & (style.key == "yuanwang"),
    )  # fmt: skip
    cells = {
        0: "b.visit", 1: "CASE WHEN NOT b.user_missing THEN b.user_no END", 2: "b.person", 3: "b.tel", 4: "b.address",
        5: "b.area", 6: f"strftime(b.\"on\", '{style.date}')", 7: "b.kind", 8: "b.result", 9: "b.grade",
        10: "b.finding || CASE WHEN b.finding <> '' AND ord(right(b.tel, 1)) % 3 = 0 "
            "THEN '，已告知用户' || b.person || '（' || b.tel || '）' ELSE '' END",
        11: f"CASE WHEN b.zero_date THEN strftime(DATE '1900-01-01', '{style.date}') WHEN b.fixed_before_visit THEN "
            f"strftime(b.\"on\" - INTEGER '9', '{style.date}') ELSE strftime(b.fixed_on, '{style.date}') END",
        12: "CASE WHEN b.minutes >= 0 THEN b.minutes::VARCHAR END", 13: "b.inspector",
    }  # fmt: skip
    listed = ", ".join(f'{cells[number]} AS "{style.headers[number]}"' for number in style.order)
    flags = ["absent_as_checked", "user_missing", "repeated", "old_area_code"]
    flags += ["zero_date" if style.zero_date else "fixed_before_visit"]
    flags += ["gbk_bytes"] if style.key == "yuanwang" else []
    shown = ", b.gbk_bytes AS _gbk" if style.key == "yuanwang" else ""
    return written(
        f"""
        SELECT {listed}, b."on" AS _day{shown}, b.visit AS _key, {", ".join(f'b.{flag} AS "!{flag}"' for flag in flags)}
        FROM b
        """,
        b=base,
    )


def alarms(world: World, days: Days) -> Columns:
    """Alarms of these days, clean: ``alarm_no at township_i grid_i user_i(-1) kind result ppm arrived_at is_test``."""
    return latest(world, "s13.alarms", days, lambda: _alarms(world, days))


def _alarms(world: World, days: Days) -> Columns:
    chance, user, city = world.chance, users(world), world.city
    winter = np.cos((ordinal(days.array) % 365.25 - 15) / 365.25 * 2 * np.pi)
    usual = drawn(world, days, "s13.alarm", per_township(world, ALARMS_A_DAY), 1.0 + 0.25 * winter)
    key = keys(usual)
    who = pick(chance, user["township_i"], usual["township_i"], None, "s13.alarm.user", *key)
    usual = usual.where(who >= 0)
    who, key = who[who >= 0], keys(usual)
    at = moment(usual["day"], world.life.hours("appeal", usual["day"], "s13.alarm.at", usual["township_i"], usual["n"]))
    result = chance.choose([0.62, 0.28, 0.1], "s13.alarm.result", *key)
    parts = [Columns(
        at=at, township_i=usual["township_i"], grid_i=city.building["grid_i"][user["building_i"][who]], user_i=who,
        kind=np.where(chance.happens(0.12, "s13.alarm.outside", *key), 1, 0), result=result,
        number=usual["n"], is_test=chance.happens(0.015, "s13.alarm.test", *key),
    )]  # fmt: skip
    position = np.full(city.flat.rows_n + 1, -1)
    position[user["flat_i"]] = np.arange(user.rows_n)
    for what, first in (("leak_alarm", 5000), ("main_damage", 9000)):
        step = _steps(world, what)
        step = step.where(days.holds(step["at"]))
        grid = city.building["grid_i"][user["building_i"]]
        of_grid = pick(chance, grid, step["grid_i"], None, "s13.step.user", step["chain_no"], step["step_no"])
        who = np.where(step["flat_i"] >= 0, position[step["flat_i"]], of_grid if what == "leak_alarm" else -1)
        parts.append(Columns(
            at=step["at"].astype("datetime64[s]"), township_i=step["township_i"], grid_i=step["grid_i"], user_i=who,
            kind=np.full(step.rows_n, 3 if what == "main_damage" else 0),
            result=np.full(step.rows_n, 3 if what == "main_damage" else 2),
            number=first + (step["chain_no"] * 31 + step["step_no"] * 7) % 4000,
            is_test=np.zeros(step.rows_n, bool),
        ))  # fmt: skip
    made = Columns.together(parts)
    made = made.where(np.lexsort((made["number"], made["township_i"], made["at"])))
    key = (made["township_i"], day_of(made["at"]), made["number"])
    real = made["result"] >= 2
    usual_ppm = np.where(real, 9_000, np.where(made["result"] == 1, 4_000, 2_600))
    ppm = np.rint(chance.lognormal(usual_ppm, 0.5, "s13.ppm", *key))
    wait = chance.lognormal(26.0, 0.45, "s13.arrive", *key)
    return made.with_columns(
        alarm_no=("BJ" + stamps(made["at"]) + city.township["code"][made["township_i"]]
                  + zfill(made["number"].astype("U5"), 5).astype(object)).astype(object),
        ppm=np.clip(ppm, 2000, 49_000),
        arrived_at=made["at"] + np.rint(wait * 60).astype("timedelta64[s]"),
    )  # fmt: skip


def _alarm_rows(world: World, days: Days) -> Rows:
    chance, user, city = world.chance, users(world), world.city
    made = alarms(world, days).with_columns(repeated=np.zeros(alarms(world, days).rows_n, bool))
    key = (made["township_i"], day_of(made["at"]), made["number"])
    twice = np.flatnonzero(chance.happens(0.008, "s13.alarm.twice", *key))
    second = made.where(twice).with_columns(repeated=np.ones(len(twice), bool))
    order = np.argsort(np.concatenate([np.arange(made.rows_n), twice]), kind="stable")
    made = Columns.together([made, second]).where(order)
    key = (made["township_i"], day_of(made["at"]), made["number"])
    area, old = area_codes(world, "s13.alarm.area", 0.01, user["township_i"], made["township_i"], *key)
    has = made["user_i"] >= 0
    of = user.where(np.maximum(made["user_i"], 0))
    lot = chance.uniform("s13.alarm.dirt", *key)
    base = Columns(
        alarm_no=made["alarm_no"], test_alarm=made["is_test"], at=made["at"], arrived_at=made["arrived_at"],
        kind=of_rank(ALARM_KINDS, made["kind"]), result=of_rank(ALARM_RESULTS, made["result"]), ppm=made["ppm"],
        company=np.where(has, of_rank(tuple(company.name for company in COMPANIES), of["company"]), COMPANIES[0].name),
        user_no=np.where(has, of_rank(tuple(company.prefix for company in COMPANIES), of["company"])
                         + zfill(of["key"].astype("U10"), 10).astype(object), None),
        person=np.where(has, person_name(chance, "flat.person", of["key"]), None),
        tel=np.where(has, phone(chance, "flat.phone", of["key"]), None),
        address=np.where(has, city.address_of_flat(of["flat_i"]), city.grid["name_zh"][made["grid_i"]]),
        area=area, old_area_code=old, lng=city.grid["lng"][made["grid_i"]], lat=city.grid["lat"][made["grid_i"]],
        lel_as_ppm=lot < 0.02, arrived_before_alarm=(lot >= 0.02) & (lot < 0.026), repeated=made["repeated"],
    )  # fmt: skip
    return written(
        f"""
        SELECT CASE WHEN b.test_alarm THEN 'TEST' || b.alarm_no ELSE b.alarm_no END AS "报警编号",
               b.company AS "燃气公司",
               strftime(b.at, '%Y-%m-%d %H:%M:%S') AS "报警时间", b.kind AS "报警类型", b.user_no AS "用户编号",
               b.person AS "用户姓名", b.tel AS "联系电话", b.address AS "报警地址",
               b.area AS "镇街代码",
               printf('%.6f', b.lng) AS "经度", printf('%.6f', b.lat) AS "纬度",
               CASE WHEN b.lel_as_ppm THEN printf('%.1f', b.ppm / {LEL_PPM})
                    ELSE printf('%.0f', b.ppm) END AS "浓度ppm",
               strftime(CASE WHEN b.arrived_before_alarm THEN b.at - INTERVAL 40 MINUTE ELSE b.arrived_at END,
                        '%Y-%m-%d %H:%M:%S') AS "到场时间", b.result AS "处置结果", b.at::DATE AS _day,
               CASE WHEN b.test_alarm THEN 'TEST' || b.alarm_no ELSE b.alarm_no END AS _key,
               b.lel_as_ppm AS "!lel_as_ppm", b.arrived_before_alarm AS "!arrived_before_alarm",
               b.test_alarm AS "!test_alarm", b.old_area_code AS "!old_area_code", b.repeated AS "!repeated"
        FROM b
        """,
        b=base,
    )


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    user, seen, heard = users(world), checks(world, days), alarms(world, days)
    of = user.where(seen["user_i"])
    return {
        "gas_check": Columns(
            user_no=(of_rank(tuple(company.prefix for company in COMPANIES), of["company"])
                     + zfill(of["key"].astype("U10"), 10).astype(object)).astype(object),
            company=of_rank(tuple(company.key for company in COMPANIES), of["company"]),
            checked_on=seen["on"], is_entered=seen["kind"] == CHECK, attempt=seen["attempt"] % 10,
            hazard_level=seen["grade"], fixed_on=seen["fixed_on"], township_i=of["township_i"], flat_i=of["flat_i"],
            building_i=of["building_i"],
        ).to_arrow(),
        "gas_alarm": Columns(
            alarm_no=heard["alarm_no"], at=heard["at"], arrived_at=heard["arrived_at"],
            result=of_rank(ALARM_RESULTS, heard["result"]), ppm=heard["ppm"], township_i=heard["township_i"],
            grid_i=heard["grid_i"], is_real=~heard["is_test"],
        ).to_arrow(),
    }  # fmt: skip


def _dataset(number: int, company: Company) -> Dataset:
    patterns = (
        *CHECKED,
        ZERO_DATE if company.zero_date else FIXED_BEFORE,
        *((GBK_BYTES,) if company.key == "yuanwang" else ()),
    )
    mixed = "_gbk" if company.key == "yuanwang" else None
    return Dataset(
        "S13",
        f"linlan.gas.check_{company.key}",
        f"{company.name}入户安检",
        Files(
            f"check_{company.key}_{{day:%Y%m%d}}.csv",
            writers.csv(encoding=company.encoding, delimiter=company.delimiter, quoting=company.quoting, mixed=mixed),
            late=0.02,
            missing=0.006,
            double=0.01,
        ),
        functools.partial(_check_rows, number),
        patterns,
    )


SOURCE = Source(
    "S13",
    "六家燃气公司 入户安检与报警",
    (
        *(_dataset(number, company) for number, company in enumerate(COMPANIES)),
        Dataset(
            "S13", "linlan.gas.alarm", "燃气报警",
            Files("gas_alarm_{day:%Y%m%d}.csv", writers.csv(encoding="gb18030"), late=0.01), _alarm_rows, ALARM,
        ),
    ),
    _events,
)  # fmt: skip
