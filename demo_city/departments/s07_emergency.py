"""S07 emergency management bureau: hazardous chemicals, dual prevention, law enforcement, accidents.

Every hazard comes from an inspection that found it, so that inspections' findings and the hazards' register agree. A
hazard lives: found, entered, reminded of, overdue, closed, accepted; each is a version. The enterprises' hidden risk
decides how much is found, how late inspections come and how long hazards stay open; those of chains of precursors have
an overdue inspection, hazards that nobody closes, or a gap in their self-checks before the accident.

Tables of events: ``hazard``, ``inspection``, ``accident``; and ``major_hazard_day`` (stock, limit and R of GB 18218 of
every major hazard source).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.chance import repeated
from demo_city.city.people import person_name, phone
from demo_city.columns import Columns
from demo_city.days import BEGINS_ON
from demo_city.departments.production import (
    ALWAYS,
    WHOLE,
    area_codes,
    codes_between,
    day_of,
    latest,
    of_rank,
    ordinal,
    rank_within,
    stamps,
    standing,
    workday_from,
    written,
)
from demo_city.departments.protocol import Api, Dataset, Pattern, Rows, Source, Table
from demo_city.departments.safety import active_townships, drawn, keys, moment, per_township, pick
from demo_city.text import zfill

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

SUPERVISED = ("危化", "工业", "仓储", "建筑")
"""Kinds of enterprises under the bureau's eye."""
LONGEST_LIFE = 240
"""Days after which nothing happens to a hazard any more."""
LONGEST_ENTRY = 16
"""Days after which even the slowest clerk has entered an inspection."""
SPECIAL_A_DAY = 260
"""Random and special inspections in the whole city on an average day."""
SUDDEN_A_YEAR = 2.5e-5
"""Accidents a person and year that nothing announced."""
INSPECTORS = 6
"""Of each township."""
KINDS = ("执法检查", "专家检查", "双随机抽查", "企业自查")
SELF = 3
DEPARTMENTS = ("镇街应急办", "县级应急局", "市应急局")
SOURCE_OF_KIND = ("执法", "专家", "执法", "自查")
CHEMICALS: tuple[tuple[str, str, float, float], ...] = (
    ("液氨", "7664-41-7", 10, 2.0),
    ("液氯", "7782-50-5", 5, 4.0),
    ("液化石油气", "68476-85-7", 50, 1.5),
    ("氢气", "1333-74-0", 5, 1.5),
    ("甲醇", "67-56-1", 500, 1.0),
    ("汽油", "86290-81-5", 200, 1.0),
    ("二甲苯", "1330-20-7", 5000, 1.0),
    ("环氧乙烷", "75-21-8", 10, 2.0),
    ("苯乙烯", "100-42-5", 500, 1.0),
    ("丙烯腈", "107-13-1", 50, 1.0),
    ("硝酸", "7697-37-2", 100, 1.0),
    ("双氧水", "7722-84-1", 200, 1.0),
    ("甲苯", "108-88-3", 500, 1.0),
    ("氯乙烯", "75-01-4", 50, 1.5),
    ("丙酮", "67-64-1", 500, 1.0),
)
"""Name, CAS number, critical quantity in tonnes and correction β (GB 18218-2018; some by their class)."""
EXPOSED = ((0, 0.5), (1, 1.0), (30, 1.2), (50, 1.5), (100, 2.0))
"""From how many exposed people on which α holds (GB 18218-2018, table 5)."""
LIKELIHOOD, EXPOSURE, CONSEQUENCE = (0.5, 1.0, 3.0, 6.0, 10.0), (0.5, 1.0, 2.0, 3.0, 6.0), (1, 3, 7, 15, 40, 100)
MAJOR_FROM = 160
"""L·E·C from which a hazard is a major one."""
CATEGORIES = ("消防安全", "用电安全", "特殊作业", "危险化学品", "有限空间", "设备设施", "安全管理", "厂房建筑")
TEXTS: tuple[tuple[str, str], ...] = (
    ("消防安全", "灭火器压力不足，未及时更换"),
    ("消防安全", "疏散通道堆放货物，安全出口上锁"),
    ("消防安全", "自动喷淋系统末端试水无压力"),
    ("用电安全", "配电箱箱门未接地，线路私拉乱接"),
    ("用电安全", "防爆区域使用非防爆电器"),
    ("特殊作业", "动火作业票未按规定审批，现场无监护人"),
    ("特殊作业", "高处作业人员未系安全带"),
    ("危险化学品", "储罐液位计失灵，高液位报警未投用"),
    ("危险化学品", "可燃气体探测器超期未检定"),
    ("有限空间", "有限空间未设置警示标识，未配备检测仪"),
    ("设备设施", "压力表超期未检，安全阀铅封缺失"),
    ("设备设施", "行车限位器失效，吊钩无防脱装置"),
    ("安全管理", "新进员工三级安全教育缺失，台账不全"),
    ("安全管理", "未制定年度应急演练计划"),
    ("厂房建筑", "厂房夹层擅自改作员工宿舍"),
    ("厂房建筑", "钢结构立柱锈蚀，未采取加固措施"),
)
COPIED = "现场检查发现消防器材摆放不规范，已责令限期整改。"
"""The text that is pasted where nobody wants to write one."""
GRADES = ("一般", "较大", "重大", "特别重大")
CODE_OF_KIND = {"危化": "12D03", "工业": "12F00", "仓储": "12G01", "建筑": "12C01"}

LETTER = "The letter O typed for the number 0 in the credit code."
ENTERPRISE = (
    Pattern("uscc_letter", LETTER, 0.012, "warning", "uscc_form", "uscc"),
    Pattern("uscc_missing", "No credit code.", 0.02, "warning", "uscc_present", "uscc"),
    Pattern("swapped_coordinates", "Longitude and latitude in each other's place.", 0.015, "warning", "lng_in_city",
            "lng"),
    Pattern("old_area_code", "Area code from before a merger.", 0.02, "warning", "area_code_valid", "area_code"),
    Pattern("licence_zero_date", "1900-01-01 for a licence without an end.", 0.01, "warning", "licence_date_real",
            "licence_until"),
)  # fmt: skip
HAZARD = (
    Pattern("uscc_letter", LETTER, 0.012, "warning", "uscc_form", "uscc"),
    Pattern("uscc_missing", "No credit code.", 0.02, "warning", "uscc_present", "uscc"),
    Pattern("due_is_found", "Due on the day it was found.", 0.02, "warning", "due_after_found", "due_on"),
    Pattern("closed_without_photo", "Closed without a photograph.", 0.03, "warning", "closed_with_photo",
            "photos_after_n"),
    Pattern("closed_before_found", "Closed before it was found.", 0.002, "warning", "closed_after_found", "closed_on"),
    Pattern("copied_text", "One text pasted into hazards of many enterprises.", 0.06, "core", None, "description_key"),
    Pattern("lec_wrong", "D is not the product of L, E and C.", 0.008, "core", None, "d_value"),
    Pattern("old_area_code", "Area code from before a merger.", 0.01, "warning", "area_code_valid", "area_code"),
    Pattern("test_row", "A row somebody entered to try the form.", 0.003, "quarantine", "is_no_test", "hazard_no"),
)  # fmt: skip
INSPECTION = (
    Pattern("uscc_letter", LETTER, 0.01, "warning", "uscc_form", "uscc"),
    Pattern("old_area_code", "Area code from before a merger.", 0.01, "warning", "area_code_valid", "area_code"),
    Pattern("entered_before", "Entered before it took place.", 0.004, "warning", "entered_after_checked", "entered_at"),
    Pattern("bulk_entry", "Two weeks' checks entered within one minute.", 0.05, "core", None, "entered_at"),
)  # fmt: skip
ACCIDENT = (
    Pattern("loss_in_yuan", "Loss written in yuan where ten thousands of yuan are asked.", 0.04, "warning",
            "loss_plausible", "loss_wan"),
    Pattern("grade_wrong", "The grade does not follow from deaths, injuries and loss.", 0.03, "core", None, "grade"),
    Pattern("deaths_corrected", "Deaths of a version that a later one corrects.", 0.06, "corrected", None, "deaths_n"),
)  # fmt: skip
MAJOR_HAZARD = (
    Pattern("stuck_sensor", "The level gauge is stuck: the same stock for days.", 0.03, "core", None, "stock_t"),
    Pattern("stock_in_kg", "Stock in kilograms where tonnes are asked.", 0.006, "warning", "stock_within_tank",
            "stock_t"),
    Pattern("stock_missing_code", "-99 for a gauge that is off.", 0.005, "quarantine", "stock_not_negative", "stock_t"),
)  # fmt: skip


def firms(world: World) -> Columns:
    """The enterprises under supervision.

    ``enterprise_i firm_key ent_id township_i risk kind is_hazchem is_dual is_bulk cycle uscc name …``; ``firm_key``
    (township's code × 100,000 + running number) is the same at every scale.
    """
    return world.once("s07.firms", lambda: _firms(world))


def _firms(world: World) -> Columns:
    chance, register = world.chance, world.city.enterprise
    at = np.flatnonzero(np.isin(register["kind"], SUPERVISED))
    own = register.where(at)
    township = own["township_i"]
    key = world.city.township["code"].astype(np.int64)[township] * 100_000 + rank_within(township)
    steps = world.life.precursors("S07")
    of_chain = np.isin(at, steps["enterprise_i"][steps["what"] == "selfcheck_gap"])
    is_hazchem = own["kind"] == "危化"
    risk = own["risk"]
    is_dual = is_hazchem | of_chain | chance.happens(0.05 + 0.12 * risk, "s07.dual", key)
    cycle = np.where(is_hazchem, 45, np.where(risk > 0.7, 120, np.where(own["kind"] == "建筑", 180, 365)))
    names = [name for name, *_ in CHEMICALS]
    known = np.array([names.index(name) if name in names else -1 for name in own["chem_zh"]], dtype=np.int64)
    chemical = np.where(known >= 0, known, chance.integers(0, len(CHEMICALS), "s07.chemical", key))
    return Columns(
        enterprise_i=at,
        firm_key=key,
        ent_id=("AJ" + key.astype("U14").astype(object)).astype(object),
        township_i=township,
        grid_i=own["grid_i"],
        address=own["address_zh"],
        risk=risk,
        kind=own["kind"],
        industry=own["industry"],
        uscc=own["uscc"],
        name_zh=own["name_zh"],
        staff_n=own["staff_n"],
        lng=own["lng"],
        lat=own["lat"],
        founded_on=own["founded_on"],
        cancelled_on=own["cancelled_on"],
        licence_until=own["licence_until"],
        is_hazchem=is_hazchem,
        is_dual=is_dual,
        is_bulk=is_dual & chance.happens(0.05, "s07.bulk", key),
        cycle=cycle,
        chemical=chemical,
        sources_n=np.where(
            is_hazchem, 1 + chance.happens(0.6, "s07.second", key) + chance.happens(0.25, "s07.third", key), 0
        ),
    )


def major_sources(world: World) -> Columns:
    """Major hazard sources: ``source_no firm_i key chemical limit_t design_t alpha beta``."""
    return world.once("s07.sources", lambda: _major_sources(world))


def _major_sources(world: World) -> Columns:
    chance, firm = world.chance, firms(world)
    firm_i, n = repeated(firm["sources_n"])
    key = firm["firm_key"][firm_i]
    chemical = (firm["chemical"][firm_i] + n * 7) % len(CHEMICALS)
    limit = np.array([quantity for _, _, quantity, _ in CHEMICALS])[chemical]
    exposed = chance.lognormal(35.0, 1.0, "s07.exposed", key, n)
    levels = np.searchsorted([people for people, _ in EXPOSED], np.rint(exposed), "right") - 1
    return Columns(
        source_no=("ZD" + key.astype("U14").astype(object) + (n + 1).astype("U1").astype(object)).astype(object),
        firm_i=firm_i,
        key=key * 10 + n,
        chemical=chemical,
        limit_t=limit.astype(np.float64),
        design_t=np.round(limit * chance.lognormal(4.0, 0.9, "s07.design", key, n), 1),
        alpha=np.array([alpha for _, alpha in EXPOSED])[levels],
        beta=np.array([beta for *_, beta in CHEMICALS])[chemical],
    )


def _steps(world: World, what: str) -> Columns:
    """Steps of chains and scenarios of one kind with the firm they are about, and when their event comes."""

    def make() -> Columns:
        step = world.life.precursors("S07")
        firm = firms(world)
        at = np.full(world.city.enterprise.rows_n + 1, -1)
        at[firm["enterprise_i"]] = np.arange(firm.rows_n)
        known = at[step["enterprise_i"]]  # -1 finds the last place, which is -1
        drawn_ = pick(world.chance, firm["township_i"], step["township_i"], None, "s07.step", step["chain_no"])
        chain = world.life.chains
        when = dict(zip(chain["chain_no"].tolist(), chain["event_at"].tolist(), strict=True))
        event = np.array(
            [when.get(*of) for of in zip(step["chain_no"].tolist(), step["at"].tolist(), strict=True)],
            dtype="datetime64[m]",
        )
        return step.with_columns(firm_i=np.where(known >= 0, known, drawn_), event_at=event)

    found = world.once("s07.steps", make)
    unknown = set(found["what"]) - {"overdue_inspection", "overdue_hazard", "selfcheck_gap", "event"}
    if unknown:
        raise ValueError(f"S07 does not know these precursors: {', '.join(sorted(unknown))}")
    return found.where((found["what"] == what) & (found["firm_i"] >= 0))


def inspections(world: World, days: Days) -> Columns:
    """Inspections that took place on these days, clean.

    ``firm_i kind checked_at next_due_on findings_n inspector entered_at is_bulk n``; the key of one is the firm, the
    day and `n`.
    """
    return latest(world, "s07.inspections", days, lambda: _inspections(world, days))


def _inspections(world: World, days: Days) -> Columns:
    chance, firm = world.chance, firms(world)
    parts = [_scheduled(world, days), _special(world, days), _self_checks(world, days)]
    overdue, gap = _steps(world, "overdue_inspection"), _steps(world, "selfcheck_gap")
    cycle = np.maximum(firm["cycle"][overdue["firm_i"]], 60)
    quiet = codes_between(
        overdue["firm_i"], day_of(overdue["at"]) - cycle, day_of(overdue["event_at"]) + np.timedelta64(2, "D")
    )
    silent = codes_between(gap["firm_i"], day_of(gap["at"]), day_of(gap["event_at"]))
    made = Columns.together(parts)
    code = made["firm_i"] * 100_000 + ordinal(made["on"])
    kept = np.where(made["kind"] == SELF, ~np.isin(code, silent), ~np.isin(code, quiet))
    last = Columns(
        firm_i=overdue["firm_i"],
        on=day_of(overdue["at"]) - cycle,
        kind=np.zeros(overdue.rows_n, np.int64),
        next_due_on=day_of(overdue["at"]),
        n=60 + rank_within(overdue["firm_i"]),
    )
    before_gap = Columns(
        firm_i=gap["firm_i"],
        on=day_of(gap["at"]),
        kind=np.full(gap.rows_n, SELF),
        next_due_on=np.full(gap.rows_n, np.datetime64("NaT"), "datetime64[D]"),
        n=80 + rank_within(gap["firm_i"]),
    )
    planted = [one.where(days.holds(one["on"])) for one in (last, before_gap)]
    made = Columns.together([made.where(kept), *planted])
    ends = firm["cancelled_on"][made["firm_i"]]
    made = made.where((np.isnat(ends) | (made["on"] < ends)) & (made["on"] >= firm["founded_on"][made["firm_i"]]))
    key = (firm["firm_key"][made["firm_i"]], made["on"], made["n"])
    is_self = made["kind"] == SELF
    risk = firm["risk"][made["firm_i"]]
    township = firm["township_i"][made["firm_i"]]
    inspector = np.where(
        is_self, firm["firm_key"][made["firm_i"]], township * 10 + chance.integers(0, INSPECTORS, "s07.who", *key)
    )
    is_lenient = ~is_self & chance.happens(0.1, "s07.lenient", inspector)
    expected = np.where(is_self, 0.02 + 0.14 * risk, np.where(made["kind"] == 2, 0.4 + 1.4 * risk, 0.6 + 2.0 * risk))
    second = chance.integers(8 * 3600 + 1800, 16 * 3600 + 1800, "s07.second", *key)
    checked = moment(made["on"], second)
    lag = np.where(is_self, 3 + 30 * chance.uniform("s07.lag", *key), chance.lognormal(70, 0.8, "s07.lag", *key))
    entered = checked + np.rint(np.minimum(lag, 8 * 1440) * 60).astype("timedelta64[s]")
    bulk = is_self & firm["is_bulk"][made["firm_i"]]
    fortnight = made["on"] + (13 - ordinal(made["on"]) % 14)
    at_once = moment(fortnight, 17 * 3600 + 29 * 60 + chance.integers(0, 50, "s07.at_once", *key))
    return made.with_columns(
        checked_at=checked,
        entered_at=np.where(bulk, np.maximum(at_once, checked + np.timedelta64(60, "s")), entered),
        is_bulk=bulk,
        inspector=inspector,
        findings_n=chance.poisson(expected * np.where(is_lenient, 0.03, 1.0), "s07.findings", *key),
    )


def _scheduled(world: World, days: Days) -> Columns:
    """Inspections by plan: due once a cycle, a little early as a rule, late where the enterprise is a risky one."""
    chance, firm = world.chance, firms(world)
    cycle, key = firm["cycle"], firm["firm_key"]
    begins = np.datetime64(BEGINS_ON, "D") - cycle + chance.integers(0, cycle, "s07.plan", key)
    number = (ordinal(days.first) - ordinal(begins)) // cycle - 1
    rounds = days.length // int(cycle.min()) + 4 if len(cycle) else 0
    which = np.maximum(number[:, None], 0) + np.arange(rounds)[None, :]
    firm_i = np.repeat(np.arange(firm.rows_n), rounds)
    which, key, cycle = which.ravel(), key[firm_i], cycle[firm_i]
    due = begins[firm_i] + which * cycle
    late = chance.happens(0.03 + 0.3 * firm["risk"][firm_i] ** 2, "s07.is_late", key, which)
    delay = np.where(
        late,
        np.minimum(chance.lognormal(22, 0.7, "s07.late", key, which), 0.7 * cycle),
        -np.floor(chance.uniform("s07.early", key, which) * np.minimum(12, cycle // 5)),
    )
    on = workday_from(world, due + np.rint(delay).astype(np.int64))
    kind = np.where(chance.happens(0.25, "s07.expert", key, which), 1, 0)
    return Columns(firm_i=firm_i, on=on, kind=kind, next_due_on=due + cycle, n=np.zeros(len(on), np.int64)).where(
        days.holds(on)
    )


def _special(world: World, days: Days) -> Columns:
    """Drawn by lot, and campaigns: on workdays, anybody."""
    firm = firms(world)
    factor = 1.45 * world.life.is_workday(days.array)
    made = drawn(world, days, "s07.special", per_township(world, SPECIAL_A_DAY), factor)
    firm_i = pick(world.chance, firm["township_i"], made["township_i"], None, "s07.special.firm", *keys(made))
    return Columns(
        firm_i=firm_i,
        on=made["day"],
        kind=np.full(made.rows_n, 2),
        next_due_on=np.full(made.rows_n, np.datetime64("NaT"), "datetime64[D]"),
        n=1 + made["n"] % 50,
    ).where(firm_i >= 0)


def _self_checks(world: World, days: Days) -> Columns:
    """What enterprises with dual prevention check themselves: nearly every day, others on workdays only."""
    chance, firm = world.chance, firms(world)
    own = np.flatnonzero(firm["is_dual"])
    day = days.array
    works = world.life.is_workday(day)
    likely = np.where(firm["is_hazchem"][own][None, :], 0.93, np.where(works, 0.86, 0.08)[:, None])
    day_at, at = np.nonzero(chance.happens(likely, "s07.self", day[:, None], firm["firm_key"][own][None, :]))
    none = np.full(len(at), np.datetime64("NaT"), "datetime64[D]")
    return Columns(
        firm_i=own[at], on=day[day_at], kind=np.full(len(at), SELF), next_due_on=none, n=np.full(len(at), 55)
    )


def hazards(world: World, days: Days) -> Columns:
    """Hazards found on these days, with their whole life, clean.

    ``hazard_no firm_i found_at entered_at due_on reminded_at overdue_at closed_at accepted_at kind is_major l e c
    source text``; times of what does not happen are NaT.
    """
    return latest(world, "s07.hazards", days, lambda: _hazards(world, days))


def _hazards(world: World, days: Days) -> Columns:
    chance, firm, seen = world.chance, firms(world), inspections(world, days)
    at, n = repeated(seen["findings_n"])
    of = seen.where(at)
    made = Columns(
        firm_i=of["firm_i"],
        found_at=of["checked_at"],
        entered_at=of["entered_at"],
        kind=of["kind"],
        n=of["n"] * 20 + np.minimum(n, 19),
        event_at=np.full(of.rows_n, np.datetime64("NaT"), "datetime64[m]"),
    )
    step = _steps(world, "overdue_hazard")
    step = step.where(days.holds(step["at"]))
    planted = Columns(
        firm_i=step["firm_i"],
        found_at=step["at"].astype("datetime64[s]"),
        entered_at=step["at"].astype("datetime64[s]") + np.timedelta64(2400, "s"),
        kind=np.zeros(step.rows_n, np.int64),
        n=1990 + rank_within(step["firm_i"]) % 10,
        event_at=step["event_at"],
    )
    made = Columns.together([made, planted])
    on = day_of(made["found_at"])
    made = made.where(np.lexsort((made["n"], firm["firm_key"][made["firm_i"]], on)))
    on = day_of(made["found_at"])
    key = (firm["firm_key"][made["firm_i"]], on, made["n"])
    risk, of_chain = firm["risk"][made["firm_i"]], ~np.isnat(made["event_at"])
    l_at = chance.choose([0.18, 0.34, 0.3, 0.14, 0.04], "s07.l", *key)
    e_at = chance.choose([0.15, 0.3, 0.25, 0.2, 0.1], "s07.e", *key)
    c_at = np.minimum(chance.choose([0.2, 0.33, 0.27, 0.14, 0.05, 0.01], "s07.c", *key) + (risk > 0.8) + of_chain, 5)
    l_value, e_value, c_value = np.array(LIKELIHOOD)[l_at], np.array(EXPOSURE)[e_at], np.array(CONSEQUENCE)[c_at]
    is_major = (l_value * e_value * c_value) >= MAJOR_FROM
    usual = np.array([5, 7, 10, 15])[chance.choose([0.2, 0.35, 0.25, 0.2], "s07.allowed", *key)]
    allowed = np.where(of_chain, 7, np.where(is_major, 30, usual))
    load = world.once("s07.load", lambda: world.life.load("county", WHOLE))[ordinal(on) - ordinal(BEGINS_ON)]
    needed = chance.lognormal(0.42 * allowed * (0.6 + 0.9 * risk) * np.minimum(load, 2.0), 0.75, "s07.needed", *key)
    never = chance.happens(0.02, "s07.never", *key) | (needed > LONGEST_LIFE - 30)
    closed = made["found_at"] + np.rint(needed * 86_400).astype("timedelta64[s]")
    closed = _office_hours(world, day_of(closed), "s07.closing", key)
    closed = np.maximum(closed, made["entered_at"] + np.timedelta64(3600, "s"))
    after_event = made["event_at"].astype("datetime64[s]") + (
        86_400 * (3 + 20 * chance.uniform("s07.after_event", *key))
    ).astype("timedelta64[s]")
    closed = np.where(of_chain, after_event, closed)
    nothing = np.datetime64("NaT")
    closed[never & ~of_chain] = nothing
    due = on + allowed
    afterwards = 1 + chance.integers(0, 4, "s07.accepting", *key)
    accepted = _office_hours(world, day_of(closed) + afterwards, "s07.accepted", key)
    reminded = _office_hours(world, due - 2, "s07.reminding", key)
    is_open = np.isnat(closed) | (closed > reminded)
    reminded[~(is_open & chance.happens(0.6, "s07.reminded", *key) & (reminded > made["entered_at"]))] = nothing
    overdue = moment(due + 1, 600 + chance.integers(0, 600, "s07.overdue", *key))
    overdue[~(np.isnat(closed) | (closed > overdue))] = nothing
    overdue = np.where(overdue <= made["entered_at"], made["entered_at"] + np.timedelta64(300, "s"), overdue)
    text = chance.integers(0, len(TEXTS), "s07.text", *key)
    stamp = stamps(on)
    number = made["n"].astype("U6")
    return made.with_columns(
        hazard_no=("YH" + stamp + firm["firm_key"][made["firm_i"]].astype("U14").astype(object)
                   + zfill(number, 4).astype(object)).astype(object),
        due_on=due,
        reminded_at=reminded,
        overdue_at=overdue,
        closed_at=closed,
        accepted_at=accepted,
        is_major=is_major,
        l=l_value,
        e=e_value,
        c=c_value.astype(np.float64),
        text=text,
        is_test=~of_chain & chance.happens(0.003, "s07.test", *key),
    )  # fmt: skip


def _office_hours(world: World, on: Any, stream: str, key: tuple[Any, ...]) -> Any:
    """A moment between nine and five on the day or the next workday."""
    day = np.where(np.isnat(on), np.datetime64(BEGINS_ON, "D"), on)
    made = moment(workday_from(world, day), world.chance.integers(9 * 3600, 17 * 3600, stream, *key))
    made[np.isnat(on)] = np.datetime64("NaT")
    return made


STATES = ("待整改", "已催办", "超期未整改", "已整改待验收", "已验收销号")


def _hazard_versions(world: World, days: Days) -> Columns:
    """Each hazard as it stood at the end of every day on which something happened to it."""
    made = hazards(world, days.since(LONGEST_LIFE + LONGEST_ENTRY))
    times = [made[name] for name in ("entered_at", "reminded_at", "overdue_at", "closed_at", "accepted_at")]
    # Of several things on one day the last stands; what comes later in life comes later in the list.
    parts = []
    for state, at in enumerate(times):
        day = day_of(at)
        stands = days.holds(day) & ~np.isnat(at)
        for later in times[state + 1 :]:
            stands &= ~(day_of(later) == day)
        is_after_close = np.zeros(len(at), bool) if state > 2 else (at > made["closed_at"])
        which = np.flatnonzero(stands & ~is_after_close)
        parts.append(made.where(which).with_columns(state=np.full(len(which), state), updated_at=at[which]))
    found = Columns.together(parts)
    return found.where(np.lexsort((found["hazard_no"].astype("U"), day_of(found["updated_at"]))))


def _spoilt_codes(world: World, stream: str, firm: Columns, letter: float, missing: float, *keys: Any) -> Columns:
    lot = world.chance.uniform(stream, *keys)
    is_letter, is_missing = lot < letter, (lot >= letter) & (lot < letter + missing)
    return Columns(uscc=firm["uscc"], uscc_letter=is_letter, uscc_missing=is_missing)


_USCC = "CASE WHEN b.uscc_missing THEN NULL WHEN b.uscc_letter THEN replace(b.uscc, '0', 'O') ELSE b.uscc END"


def _hazard_rows(world: World, days: Days) -> Rows:
    chance, made = world.chance, _hazard_versions(world, days)
    firm = firms(world).where(made["firm_i"])
    key = (firm["firm_key"], day_of(made["found_at"]), made["n"])
    everywhere = firms(world)["township_i"]
    area, old = area_codes(world, "s07.hazard.area", 0.01, everywhere, firm["township_i"], *key)
    closed = made["state"] >= 3
    due_is_found = chance.happens(0.02, "s07.due_is_found", *key)
    base = Columns(
        **_spoilt_codes(world, "s07.hazard.uscc", firm, 0.012, 0.02, *key),
        hazard_no=made["hazard_no"],
        ent_id=firm["ent_id"],
        name_zh=firm["name_zh"],
        area=area,
        old_area_code=old,
        source=of_rank(SOURCE_OF_KIND, made["kind"]),
        is_major=made["is_major"],
        category=of_rank(tuple(category for category, _ in TEXTS), made["text"]),
        text=of_rank(tuple(text for _, text in TEXTS), made["text"]),
        spot=chance.integers(1, 40, "s07.spot", *key),
        where=of_rank(("一号车间", "二号车间", "原料仓库", "成品库", "配电房", "罐区", "食堂", "装卸区"),
                      chance.integers(0, 8, "s07.where", *key)),
        l=made["l"], e=made["e"], c=made["c"],
        lec_wrong=chance.happens(0.008, "s07.lec", *key),
        found_at=made["found_at"],
        due_on=np.where(due_is_found, day_of(made["found_at"]), made["due_on"]),
        due_is_found=due_is_found,
        closed_at=made["closed_at"],
        accepted_at=made["accepted_at"],
        closed=closed,
        closed_before_found=closed & chance.happens(0.004, "s07.early_close", *key),
        closed_without_photo=closed & chance.happens(0.048, "s07.photo", *key),
        copied_text=chance.happens(0.06, "s07.copied", *key),
        test_row=made["is_test"],
        photos=chance.integers(1, 5, "s07.photos", *key),
        state=made["state"],
        person=person_name(chance, "s07.responsible", firm["firm_key"]),
        tel=phone(chance, "s07.responsible", firm["firm_key"]),
        updated_at=made["updated_at"],
    )  # fmt: skip
    states = ", ".join(f"'{state}'" for state in STATES)
    return written(
        f"""
        SELECT CASE WHEN b.test_row THEN 'TEST' || b.hazard_no ELSE b.hazard_no END AS "hazardNo", b.ent_id AS "entId",
               {_USCC} AS "uscc",
               CASE WHEN b.test_row THEN '测试企业' ELSE b.name_zh END AS "entName", b.area AS "areaCode",
               b.source AS "source", CASE WHEN b.is_major THEN '重大' ELSE '一般' END AS "hazardLevel",
               b.category AS "category",
               CASE WHEN b.copied_text THEN '{COPIED}'
                    WHEN b.spot % 5 = 0 THEN b."where" || b.spot || '号位' || b.text || '，联系人' || b.person || '（'
                        || b.tel || '）'
                    ELSE b."where" || b.spot || '号位' || b.text END AS "description",
               b.l AS "lValue", b.e AS "eValue", b.c AS "cValue",
               round(b.l * b.e * b.c, 1) + CASE WHEN b.lec_wrong THEN 50 ELSE 0 END AS "dValue",
               b.found_at AS "foundTime", b.found_at::DATE AS "foundDate", b.due_on AS "dueDate",
               CASE WHEN b.closed_before_found THEN b.found_at::DATE - (1 + b.spot)::INTEGER
                    WHEN b.closed THEN b.closed_at::DATE END AS "closedDate",
               CASE WHEN b.state = 4 THEN b.accepted_at::DATE END AS "acceptedDate",
               [{states}][b.state + 1] AS "status", b.photos AS "photoBefore",
               CASE WHEN b.closed_without_photo THEN 0 WHEN b.closed THEN b.photos END AS "photoAfter",
               b.person AS "responsiblePerson", b.tel AS "responsibleTel", b.updated_at AS "updatedAt",
               b.updated_at::DATE AS _day,
               CASE WHEN b.test_row THEN 'TEST' || b.hazard_no ELSE b.hazard_no END AS _key,
               b.uscc_letter AS "!uscc_letter", b.uscc_missing AS "!uscc_missing", b.due_is_found AS "!due_is_found",
               b.closed_without_photo AS "!closed_without_photo", b.closed_before_found AS "!closed_before_found",
               b.copied_text AS "!copied_text", b.lec_wrong AS "!lec_wrong", b.old_area_code AS "!old_area_code",
               b.test_row AS "!test_row"
        FROM b
        """,
        b=base,
    )


def _inspection_rows(world: World, days: Days) -> Rows:
    chance = world.chance
    made = inspections(world, days.since(LONGEST_ENTRY))
    firm = firms(world)
    made = made.where(days.holds(made["entered_at"]))
    made = made.where(np.lexsort((made["n"], made["on"], firm["firm_key"][made["firm_i"]], day_of(made["entered_at"]))))
    firm = firm.where(made["firm_i"])
    key = (firm["firm_key"], made["on"], made["n"])
    everywhere = firms(world)["township_i"]
    area, old = area_codes(world, "s07.inspection.area", 0.01, everywhere, firm["township_i"], *key)
    is_self = made["kind"] == SELF
    base = Columns(
        **_spoilt_codes(world, "s07.inspection.uscc", firm, 0.01, 0.0, *key),
        firm_key=firm["firm_key"],
        n=made["n"],
        on=made["on"],
        ent_id=firm["ent_id"],
        area=area,
        old_area_code=old,
        kind=of_rank(KINDS, made["kind"]),
        dept=np.where(is_self, "企业", of_rank(DEPARTMENTS, chance.choose([0.55, 0.37, 0.08], "s07.dept", *key))),
        inspector=person_name(chance, "s07.inspector", made["inspector"]),
        is_self=is_self,
        checked_at=made["checked_at"],
        entered_at=made["entered_at"],
        entered_before=~made["is_bulk"] & chance.happens(0.0042, "s07.before", *key),
        bulk_entry=made["is_bulk"],
        findings_n=made["findings_n"],
        next_due_on=made["next_due_on"],
    )  # fmt: skip
    return written(
        f"""
        SELECT 'JC' || strftime(b."on", '%Y%m%d') || b.firm_key || lpad(b.n::VARCHAR, 2, '0') AS "inspectionNo",
               b.ent_id AS "entId", {_USCC} AS "uscc", b.area AS "areaCode", b.kind AS "kind", b.dept AS "department",
               b.inspector AS "inspector", b.checked_at AS "checkTime", b.findings_n AS "findings",
               CASE WHEN b.findings_n > 0 THEN '发现隐患' ELSE '未发现隐患' END AS "result",
               b.next_due_on AS "nextDueDate",
               CASE WHEN b.entered_before THEN b.checked_at - INTERVAL 95 MINUTE ELSE b.entered_at END AS "entryTime",
               b.entered_at AS "updatedAt", b.entered_at::DATE AS _day,
               'JC' || strftime(b."on", '%Y%m%d') || b.firm_key || lpad(b.n::VARCHAR, 2, '0') AS _key,
               b.uscc_letter AS "!uscc_letter", b.old_area_code AS "!old_area_code",
               b.entered_before AS "!entered_before", b.bulk_entry AS "!bulk_entry"
        FROM b
        """,
        b=base,
    )


def accidents(world: World) -> Columns:
    """Every accident of the city's time, clean: those of chains, and as many again that nothing announced.

    ``accident_no firm_i at reported_at corrected_at deaths deaths_first injuries loss_wan grade``.
    """
    return world.once("s07.accidents", lambda: _accidents(world))


def _accidents(world: World) -> Columns:
    chance, firm, city = world.chance, firms(world), world.city
    event = _steps(world, "event")
    of_chain = dict(zip(world.life.chains["chain_no"].tolist(), world.life.chains["severity"].tolist(), strict=True))
    township = active_townships(world)
    people = city.township["population"][township]
    counts = chance.poisson(people * SUDDEN_A_YEAR * WHOLE.length / 365.25, "s07.sudden", township)
    at, n = repeated(counts)
    own = township[at]
    firm_i = pick(chance, firm["township_i"], own, 0.2 + firm["risk"], "s07.sudden.firm", own, n)
    on = WHOLE.array[chance.integers(0, WHOLE.length, "s07.sudden.on", own, n)]
    sudden = Columns(
        firm_i=firm_i,
        at=moment(on, chance.integers(7 * 3600, 21 * 3600, "s07.sudden.at", own, n)),
        severity=1 + chance.choose([0.85, 0.12, 0.03], "s07.sudden.severity", own, n),
        key=own * 10_000 + n,
    ).where(firm_i >= 0)
    known = Columns(
        firm_i=event["firm_i"],
        at=event["at"].astype("datetime64[s]"),
        severity=np.array([of_chain.get(number, 1) for number in event["chain_no"].tolist()], dtype=np.int64),
        key=event["chain_no"],
    )
    made = Columns.together([known, sudden])
    made = made.where(np.lexsort((made["key"], made["at"])))
    key = made["key"]
    low, high = np.array([0, 1, 3, 10])[made["severity"] - 1], np.array([2, 3, 6, 14])[made["severity"] - 1]
    light = (made["severity"] == 1) & chance.happens(0.75, "s07.no_death", key)
    deaths = np.where(light, 0, chance.integers(low, high, "s07.deaths", key))
    injuries = chance.poisson(np.array([0.9, 2.0, 6.0, 20.0])[made["severity"] - 1], "s07.injuries", key)
    usual_loss = np.array([35.0, 180.0, 900.0, 4200.0])[made["severity"] - 1]
    loss = np.minimum(np.round(3 + chance.lognormal(usual_loss, 0.6, "s07.loss", key), 1), 9_000)
    corrected = (deaths > 0) & chance.happens(0.2, "s07.corrected", key)
    delay = np.where(chance.happens(0.12, "s07.late_report", key), 60 + 900 * chance.uniform("s07.delay", key),
                     8 + 50 * chance.uniform("s07.delay", key))  # fmt: skip
    reported = made["at"] + np.rint(delay * 60).astype("timedelta64[s]")
    corrected_at = reported + (86_400 * (1.5 + 25 * chance.uniform("s07.correcting", key))).astype("timedelta64[s]")
    corrected_at[~corrected] = np.datetime64("NaT")
    stamp = stamps(made["at"])
    return made.with_columns(
        accident_no=("SG" + stamp + firm["firm_key"][made["firm_i"]].astype("U14").astype(object)).astype(object),
        reported_at=reported,
        corrected_at=corrected_at,
        deaths=deaths,
        deaths_first=np.where(corrected, deaths - 1, deaths),
        injuries=injuries,
        loss_wan=loss,
        grade=_grade(deaths, injuries, loss),
        grade_first=_grade(np.where(corrected, deaths - 1, deaths), injuries, loss),
    )


def _grade(deaths: Any, injuries: Any, loss: Any) -> Any:
    """Grade by 国务院令 493, article 3, as position in `GRADES`: the worst of the three."""
    return np.maximum.reduce([
        np.searchsorted([3, 10, 30], deaths, "right"),
        np.searchsorted([10, 50, 100], injuries, "right"),
        np.searchsorted([1000.0, 5000.0, 10000.0], loss, "right"),
    ])  # fmt: skip


def _accident_rows(world: World, days: Days) -> Rows:
    chance, made, firm = world.chance, accidents(world), firms(world)
    first = made.with_columns(
        deaths_n=made["deaths_first"], grade_n=made["grade_first"], updated_at=made["reported_at"],
        deaths_corrected=~np.isnat(made["corrected_at"]),
    )  # fmt: skip
    second = made.where(~np.isnat(made["corrected_at"]))
    second = second.with_columns(
        deaths_n=second["deaths"], grade_n=second["grade"], updated_at=second["corrected_at"],
        deaths_corrected=np.zeros(second.rows_n, bool),
    )  # fmt: skip
    both = Columns.together([first, second])
    both = both.where(days.holds(both["updated_at"]))
    both = both.where(np.lexsort((both["key"], both["updated_at"])))
    of, key = firm.where(both["firm_i"]), both["key"]
    base = Columns(
        accident_no=both["accident_no"], ent_id=of["ent_id"], name_zh=of["name_zh"],
        area=world.city.township["code"][of["township_i"]],
        category=np.array([CODE_OF_KIND[kind] for kind in of["kind"]], dtype=object),
        at=both["at"], reported_at=both["reported_at"], deaths_n=both["deaths_n"], injuries=both["injuries"],
        loss=both["loss_wan"],
        loss_in_yuan=chance.happens(0.04, "s07.yuan", key),
        grade=of_rank(GRADES, both["grade_n"]),
        grade_wrong=chance.happens(0.03, "s07.wrong_grade", key),
        other_grade=of_rank(GRADES, (both["grade_n"] + 1) % 3),
        deaths_corrected=both["deaths_corrected"],
        person=person_name(chance, "s07.responsible", of["firm_key"]),
        tel=phone(chance, "s07.responsible", of["firm_key"]),
        updated_at=both["updated_at"],
    )  # fmt: skip
    return written(
        """
        SELECT b.accident_no AS "accidentNo", b.ent_id AS "entId", b.area AS "areaCode", b.category AS "eventCode",
               b.at AS "happenTime", b.reported_at AS "reportTime", b.deaths_n AS "deaths", b.injuries AS "injuries",
               CASE WHEN b.loss_in_yuan THEN round(b.loss * 10000, 1) ELSE b.loss END AS "directLoss",
               CASE WHEN b.grade_wrong THEN b.other_grade ELSE b.grade END AS "grade",
               strftime(b.at, '%m月%d日%H时许') || '，' || b.name_zh || '发生一起生产安全事故，现场负责人' || b.person
                   || '（电话' || b.tel || '）报告。' AS "brief",
               b.updated_at AS "updatedAt", b.updated_at::DATE AS _day, b.accident_no AS _key,
               b.loss_in_yuan AS "!loss_in_yuan", b.grade_wrong AS "!grade_wrong",
               b.deaths_corrected AS "!deaths_corrected"
        FROM b
        """,
        b=base,
    )


def _enterprise_rows(world: World, days: Days) -> Rows:
    rows, first, last = world.once("s07.register", lambda: _register(world))
    return standing(rows, days.array, first, last, rewritten=True)


def _register(world: World) -> tuple[Rows, Any, Any]:
    """The register, with the days from and up to which each row stands: an enterprise that is cancelled has two."""
    one = _registered(world)
    ends = one["cancelled_on"]
    gone = np.flatnonzero(~np.isnat(ends))
    both = Columns.together([one.with_columns(is_gone=np.zeros(one.rows_n, bool)),
                             one.where(gone).with_columns(is_gone=np.ones(len(gone), bool))])  # fmt: skip
    first = np.concatenate([np.full(one.rows_n, ALWAYS[0]), ends[gone]])
    last = np.concatenate([np.where(np.isnat(ends), ALWAYS[1], ends - 1), np.full(len(gone), ALWAYS[1])])
    order = np.argsort(both["ent_id"].astype("U"), kind="stable")
    rows = written(
        f"""
        SELECT b.ent_id, {_USCC} AS uscc, b.name_zh AS ent_name, b.area AS area_code, b.kind AS ent_type,
               b.industry AS industry_code, b.colour AS risk_colour, b.is_hazchem::INTEGER AS is_hazchem,
               b.is_dual::INTEGER AS is_dual_prevention, b.chemical AS chem_name, b.cas AS cas_no, b.stock AS qty_t,
               b.r AS major_hazard_r, b.level AS major_hazard_level, b.licence_no,
               CASE WHEN b.licence_zero_date THEN DATE '1900-01-01' ELSE b.licence_until END AS licence_until,
               b.staff_n, b.legal AS legal_rep, b.officer AS safety_officer, b.tel AS officer_tel, b.address,
               CASE WHEN b.swapped_coordinates THEN b.lat ELSE b.lng END AS lng,
               CASE WHEN b.swapped_coordinates THEN b.lng ELSE b.lat END AS lat,
               CASE WHEN b.is_gone THEN '注销' ELSE '在营' END AS status, b.ent_id AS _key,
               b.uscc_letter AS "!uscc_letter", b.uscc_missing AS "!uscc_missing",
               b.swapped_coordinates AS "!swapped_coordinates", b.old_area_code AS "!old_area_code",
               b.licence_zero_date AS "!licence_zero_date"
        FROM b
        """,
        b=both.where(order),
    )
    return rows, first[order], last[order]


def _registered(world: World) -> Columns:
    """What the bureau holds of each enterprise, dirt included: it stays as it is until somebody looks."""
    chance, firm, sources = world.chance, firms(world), major_sources(world)
    key = firm["firm_key"]
    stock = np.bincount(sources["firm_i"], weights=sources["design_t"], minlength=firm.rows_n)
    r = np.bincount(
        sources["firm_i"],
        weights=sources["alpha"] * sources["beta"] * 0.7 * sources["design_t"] / sources["limit_t"],
        minlength=firm.rows_n,
    )
    level = np.searchsorted([10.0, 50.0, 100.0], r, "right")
    shown = np.clip(firm["risk"] + 0.12 * chance.normal("s07.colour", key), 0, 1)
    lot = chance.uniform("s07.register.uscc", key)
    area, old = area_codes(world, "s07.register.area", 0.02, firm["township_i"], firm["township_i"], key)
    return Columns(
        ent_id=firm["ent_id"], uscc=firm["uscc"], uscc_letter=lot < 0.012, uscc_missing=(lot >= 0.012) & (lot < 0.032),
        name_zh=firm["name_zh"], area=area, old_area_code=old, kind=firm["kind"], industry=firm["industry"],
        colour=of_rank(("蓝", "黄", "橙", "红"), np.searchsorted([0.5, 0.72, 0.88], shown, "right")),
        is_hazchem=firm["is_hazchem"], is_dual=firm["is_dual"],
        chemical=np.where(firm["is_hazchem"], of_rank(tuple(name for name, *_ in CHEMICALS), firm["chemical"]), None),
        cas=np.where(firm["is_hazchem"], of_rank(tuple(cas for _, cas, *_ in CHEMICALS), firm["chemical"]), None),
        stock=np.round(stock, 1), r=np.round(r, 2),
        level=np.where(firm["is_hazchem"], of_rank(("四级", "三级", "二级", "一级"), level), None),
        licence_no=("澜安许证字" + (key % 10_000_000).astype("U7").astype(object)).astype(object),
        licence_until=firm["licence_until"],
        licence_zero_date=chance.happens(0.01, "s07.licence", key),
        staff_n=firm["staff_n"],
        legal=person_name(chance, "legal", world.city.enterprise["key"][firm["enterprise_i"]]),
        officer=person_name(chance, "s07.responsible", key),
        tel=phone(chance, "s07.responsible", key),
        address=firm["address"],
        lng=firm["lng"], lat=firm["lat"],
        swapped_coordinates=chance.happens(0.015, "s07.swapped", key),
        cancelled_on=firm["cancelled_on"],
    )  # fmt: skip


def stocks(world: World, days: Days) -> Columns:
    """Stock of every major hazard source on every day, true: ``source_i day stock_t r alarms_n``."""
    return latest(world, "s07.stocks", days, lambda: _stocks(world, days))


def _stocks(world: World, days: Days) -> Columns:
    chance, source, firm = world.chance, major_sources(world), firms(world)
    day = np.repeat(days.array, source.rows_n)
    source_i = np.tile(np.arange(source.rows_n), days.length)
    key = source["key"][source_i]
    risk = firm["risk"][source["firm_i"]][source_i]
    level = _level(world, key, day, risk)
    stock = np.round(source["design_t"][source_i] * level, 2)
    return Columns(
        source_i=source_i,
        day=day,
        stock_t=stock,
        r=np.round(source["alpha"][source_i] * source["beta"][source_i] * stock / source["limit_t"][source_i], 3),
        alarms_n=chance.poisson(0.08 + 0.9 * np.maximum(risk - 0.5, 0) + 2.0 * (level > 0.9), "s07.alarms", key, day),
    )


def _major_hazard_rows(world: World, days: Days) -> Rows:
    chance, source, firm = world.chance, major_sources(world), firms(world)
    made = stocks(world, days)
    of = source.where(made["source_i"])
    key, number = of["key"], ordinal(made["day"])
    spell = number // 11
    stuck = chance.happens(0.04, "s07.stuck", key, spell) & (number % 11 > 0)
    since = (spell * 11).astype("datetime64[D]")
    lot = chance.uniform("s07.stock.dirt", key, made["day"])
    stock_then = np.round(of["design_t"] * _level(world, key, since, firm["risk"][of["firm_i"]]), 2)
    owner = firm.where(of["firm_i"])
    base = Columns(
        source_no=of["source_no"], ent_id=owner["ent_id"], day=made["day"],
        area=world.city.township["code"][owner["township_i"]],
        chemical=of_rank(tuple(name for name, *_ in CHEMICALS), of["chemical"]),
        cas=of_rank(tuple(cas for _, cas, *_ in CHEMICALS), of["chemical"]),
        stock=np.where(stuck, stock_then, made["stock_t"]), stuck_sensor=stuck & ~(lot < 0.011),
        stock_in_kg=lot < 0.006, stock_missing_code=(lot >= 0.006) & (lot < 0.011),
        limit_t=of["limit_t"], design_t=of["design_t"], alarms_n=made["alarms_n"],
        handled_n=np.rint(made["alarms_n"] * (0.8 + 0.2 * chance.uniform("s07.handled", key, made["day"]))).astype(int),
        person=person_name(chance, "s07.responsible", owner["firm_key"]),
    )  # fmt: skip
    return written(
        """
        SELECT b.source_no, b.day AS stat_date, b.ent_id, b.area AS area_code, b.chemical AS chem_name, b.cas AS cas_no,
               CASE WHEN b.stock_missing_code THEN -99 WHEN b.stock_in_kg THEN round(b.stock * 1000, 2) ELSE b.stock END
                   AS stock_t,
               b.limit_t, b.design_t AS design_max_t, b.alarms_n AS alarm_num, b.handled_n AS handled_num,
               b.person AS charge_person, b.day + INTEGER '1' + TIME '00:20:00' AS created_at,
               b.day AS _day, b.source_no || '|' || strftime(b.day, '%Y-%m-%d') AS _key,
               b.stuck_sensor AS "!stuck_sensor", b.stock_in_kg AS "!stock_in_kg",
               b.stock_missing_code AS "!stock_missing_code"
        FROM b
        """,
        b=base,
    )


def _level(world: World, key: Any, day: Any, risk: Any) -> Any:
    """How full each tank is, 0 to 1: levels nine days apart, straight lines between them, and what the day brings."""
    chance, number = world.chance, ordinal(day)
    knot, share = number // 9, (number % 9) / 9
    level = (1 - share) * chance.uniform("s07.level", key, knot) + share * chance.uniform("s07.level", key, knot + 1)
    level = 0.15 + 0.68 * level + 0.22 * np.maximum(risk - 0.6, 0) + 0.02 * chance.normal("s07.level.day", key, day)
    return np.clip(level, 0.05, 1)


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    firm, found, seen, hit = firms(world), hazards(world, days), inspections(world, days), accidents(world)
    hit = hit.where(days.holds(hit["at"]))
    stock = stocks(world, days)
    source = major_sources(world).where(stock["source_i"])
    return {
        "hazard": Columns(
            hazard_no=found["hazard_no"], found_on=day_of(found["found_at"]), due_on=found["due_on"],
            closed_on=day_of(found["closed_at"]), accepted_on=day_of(found["accepted_at"]), is_major=found["is_major"],
            township_i=firm["township_i"][found["firm_i"]], enterprise_i=firm["enterprise_i"][found["firm_i"]],
            source=of_rank(SOURCE_OF_KIND, found["kind"]), delivered_on=day_of(found["entered_at"]),
            entered_at=found["entered_at"], reminded_at=found["reminded_at"], overdue_at=found["overdue_at"],
            is_real=~found["is_test"],
        ).to_arrow(),
        "inspection": Columns(
            dept=of_rank(KINDS, seen["kind"]), at=seen["checked_at"], township_i=firm["township_i"][seen["firm_i"]],
            enterprise_i=firm["enterprise_i"][seen["firm_i"]], findings_n=seen["findings_n"],
            next_due_on=seen["next_due_on"], delivered_on=day_of(seen["entered_at"]),
        ).to_arrow(),
        "accident": Columns(
            accident_no=hit["accident_no"], at=hit["at"], deaths=hit["deaths"], deaths_first=hit["deaths_first"],
            corrected_on=day_of(hit["corrected_at"]), injuries=hit["injuries"], loss_wan=hit["loss_wan"],
            grade=of_rank(GRADES, hit["grade"]), reported_at=hit["reported_at"],
            category=np.array([CODE_OF_KIND[kind] for kind in firm["kind"][hit["firm_i"]]], dtype=object),
            township_i=firm["township_i"][hit["firm_i"]], enterprise_i=firm["enterprise_i"][hit["firm_i"]],
            delivered_on=day_of(hit["reported_at"]),
        ).to_arrow(),
        "major_hazard_day": Columns(
            source_no=source["source_no"], day=stock["day"], stock_t=stock["stock_t"], limit_t=source["limit_t"],
            design_t=source["design_t"], r=stock["r"], alarms_n=stock["alarms_n"],
            township_i=firm["township_i"][source["firm_i"]], enterprise_i=firm["enterprise_i"][source["firm_i"]],
        ).to_arrow(),
    }  # fmt: skip


SOURCE = Source(
    "S07",
    "应急管理局 危化品、双重预防、执法与事故",
    (
        Dataset(
            "S07", "linlan.emergency.enterprise", "监管企业",
            Table(
                "enterprise", ("ent_id",),
                {
                    "ent_id": "varchar(20)", "is_hazchem": "smallint", "is_dual_prevention": "smallint",
                    "qty_t": "decimal(12,1)", "major_hazard_r": "decimal(10,2)", "licence_until": "date",
                    "staff_n": "integer", "lng": "decimal(10,6)", "lat": "decimal(10,6)",
                },
                server="mariadb",
            ),
            _enterprise_rows, ENTERPRISE,
        ),
        Dataset(
            "S07", "linlan.emergency.hazard", "隐患台账",
            Api("/api/v1/hazards", "page", by="update", key=("hazardNo",)), _hazard_rows, HAZARD,
        ),
        Dataset(
            "S07", "linlan.emergency.inspection", "检查记录",
            Api("/api/v1/inspections", "page", by="update", key=("inspectionNo",)), _inspection_rows, INSPECTION,
        ),
        Dataset(
            "S07", "linlan.emergency.accident", "生产安全事故",
            Api("/api/v1/accidents", "page", by="update", key=("accidentNo",)), _accident_rows, ACCIDENT,
        ),
        Dataset(
            "S07", "linlan.emergency.major_hazard_day", "重大危险源日报",
            Table(
                "major_hazard_day", (),
                {
                    "source_no": "varchar(20)", "stat_date": "date", "stock_t": "decimal(14,2)",
                    "limit_t": "decimal(10,1)", "design_max_t": "decimal(12,1)", "alarm_num": "integer",
                    "handled_num": "integer", "created_at": "timestamp(0)",
                },
                server="mariadb",
            ),
            _major_hazard_rows, MAJOR_HAZARD,
        ),
    ),
    _events,
)  # fmt: skip
