"""S25: the financial office's weekly list of projects that people lost or fear to lose money with.

Most projects stay small. Before investors gather, a project's claims rise week by week: chains tell when, and the
planted mass-risk case is one of them. One project comes under several names, sums are typed in yuan.

Truth: ``project_week`` (project_no, week_on, claims_n, people_n, chain_no: 0 for a project that leads to nothing,
township_i).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.chance import repeated
from demo_city.city.codes import uscc
from demo_city.city.people import person_name, phone
from demo_city.columns import Columns
from demo_city.days import BEGINS_ON
from demo_city.departments.panels import area_codes, arrow, events_table, mondays, old_code_pattern, rounded, rows_of
from demo_city.departments.protocol import Dataset, Files, Pattern, Rows, Source
from demo_city.systems import writers

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

KINDS = ("非法集资", "私募", "保交楼", "预付卡", "养老服务")
WORDS = ("鼎盛", "恒信", "汇丰源", "金澜", "聚宝", "万通", "瑞祥", "安康", "优品", "东方汇", "海纳", "德信")
TAILS = ("财富", "优选", "投资", "商城", "康养", "置业", "花苑", "健身", "教育", "私募基金")
IN_YUAN, NO_PROJECT, OTHER_NAME, OLD_RATE = 0.02, 0.02, 0.10, 0.02
PROJECTS_PER_PERSON = 2.6e-5
"""Small projects of the four years, so that some fifty are on the list of a week."""
STEP, WEEKLY = 1, 0


def _projects(world: World) -> Columns:
    return world.once("s25.projects", lambda: _made(world))


def _made(world: World) -> Columns:
    """Every project with the weeks it is on the list and how its claims grow."""
    chance, city, life = world.chance, world.city, world.life
    township = city.township
    active = np.flatnonzero(township["is_active"])
    code = np.asarray(township["code"]).astype(np.int64)
    counts = chance.poisson(
        np.asarray(township["population"])[active] * PROJECTS_PER_PERSON, "s25.projects", code[active]
    )
    at, running = repeated(counts)
    township_i = active[at]
    number = code[township_i] * 1000 + running
    first = np.datetime64(BEGINS_ON, "D") - 200 + chance.integers(0, 1560, "s25.from", number)
    lasts = np.clip(chance.lognormal(230, 0.6, "s25.lasts", number), 30, 900).astype(np.int64)
    kind = chance.choose([0.25, 0.12, 0.2, 0.35, 0.08], "s25.kind", number)
    none = np.zeros(len(number), np.int64)
    parts = [
        Columns(number=number, chain_no=none, township_i=township_i, kind=kind, from_on=first, to_on=first + lasts)
    ]
    steps = life.precursors("S25")
    unknown = set(steps["what"]) - {"clue"}
    if unknown:
        raise ValueError(f"S25 does not know the precursors {sorted(unknown)}")
    chain, which = np.unique(steps["chain_no"], return_index=True)
    # Steps come by time: the first of each chain is where its project comes on the list.
    begins = steps["at"][which].astype("datetime64[D]")
    ends = np.full(len(chain), np.datetime64("NaT", "D"))
    for register, name, until in ((life.chains, "chain_no", "event_at"), (life.scenarios, "scenario_no", "to_on")):
        order = np.argsort(register[name])
        found = np.searchsorted(register[name][order], chain)
        place = order[np.minimum(found, max(len(order) - 1, 0))] if len(order) else np.zeros(len(chain), int)
        is_one = register[name][place] == chain if len(order) else np.zeros(len(chain), bool)
        ends = np.where(is_one, register[until][place].astype("datetime64[D]") if len(order) else ends, ends)
    parts.append(
        Columns(
            number=chain + 10**13,
            chain_no=chain,
            township_i=steps["township_i"][which],
            kind=np.where(chance.happens(0.6, "s25.chain.kind", chain), 0, 1),
            from_on=begins,
            to_on=ends + 14,
        )
    )
    made = Columns.together(parts)
    # Its own name: the planted case has the scenario's.
    number = made["number"]
    name = (
        np.array(WORDS, dtype=object)[chance.integers(0, len(WORDS), "s25.word", number)]
        + np.array(TAILS, dtype=object)[chance.integers(0, len(TAILS), "s25.tail", number)]
    )
    scenarios = life.scenarios
    for scenario_no, topic in zip(scenarios["scenario_no"], scenarios["topic_zh"], strict=True):
        name = np.where(made["chain_no"] == scenario_no, topic, name)
    area, is_old = area_codes(world, made["township_i"], number, "s25", OLD_RATE)
    return made.with_columns(
        name=name.astype(object),
        uscc=uscc(chance, "s25.uscc", number),
        area=area.astype(object),
        is_old=is_old,
        size=np.clip(chance.lognormal(320, 1.0, "s25.amount", number), 70, 40_000),
    )


def _weeks(world: World, weeks: Any) -> Columns:
    """What is on the list of each week: a line for each project, and one for each clue that came in."""
    chance, projects = world.chance, _projects(world)
    ends = weeks + 6
    on = (projects["from_on"][None, :] <= ends[:, None]) & (weeks[:, None] <= projects["to_on"][None, :])
    at, who = np.nonzero(on)
    week, number = weeks[at], projects["number"][who]
    age = np.maximum((week - projects["from_on"][who]).astype(np.int64) // 7, 0)
    whole = np.maximum((projects["to_on"][who] - projects["from_on"][who]).astype(np.int64) / 7, 1)
    is_chain = projects["chain_no"][who] > 0
    mean = np.where(is_chain, 2.0 + 26.0 * np.clip(age / whole, 0, 1) ** 1.6, 0.9)
    claims = chance.poisson(mean, "s25.claims", number, week)
    # People so far: what the claims of the weeks before add up to on average, as far as the office knows.
    people = np.where(is_chain, 5 + age * 2 + 26 * whole / 2.6 * np.clip(age / whole, 0, 1) ** 2.6, 4 + 0.9 * age)
    weekly = Columns(
        week=week,
        who=who,
        clue=number,
        sort=np.full(len(at), WEEKLY),
        claims=claims,
        people=people.astype(np.int64) + claims,
        age=age,
    )
    steps = world.life.precursors("S25")
    order = np.argsort(projects["chain_no"], kind="stable")
    of = order[np.searchsorted(projects["chain_no"][order], steps["chain_no"])]
    day = steps["at"].astype("datetime64[D]")
    monday = day - ((day.astype(np.int64) + 3) % 7).astype("timedelta64[D]")
    here = np.isin(monday, weeks)
    single = Columns(
        week=monday[here],
        who=of[here],
        clue=10**17 + steps["chain_no"][here] * 10**8 + steps["step_no"][here],
        sort=np.full(int(here.sum()), STEP),
        claims=np.ones(int(here.sum()), np.int64),
        people=np.ones(int(here.sum()), np.int64),
        age=np.zeros(int(here.sum()), np.int64),
    )
    made = Columns.together([weekly, single])
    kind = projects["kind"][made["who"]]
    return made.where(np.lexsort((made["clue"], made["sort"], kind, made["week"])))


def clue_rows(world: World, days: Days) -> Rows:
    """The workbook of each week."""
    chance, projects = world.chance, _projects(world)
    made = _weeks(world, mondays(days))
    who, week, clue = made["who"], made["week"], made["clue"]
    number, keys = projects["number"][who], (clue, week)
    kind = projects["kind"][who]
    drawn = chance.uniform("s25.fault", *keys)
    yuan, nowhere = drawn < IN_YUAN, (drawn >= 0.5) & (drawn < 0.5 + NO_PROJECT)
    other = chance.happens(OTHER_NAME, "s25.other", *keys)
    amount = rounded(projects["size"][who] * (1 + 0.05 * made["age"]), 2)
    amount = np.where(yuan, rounded(amount * 10_000, 2), amount)
    name = projects["name"][who]
    tail = np.array(["（线上平台）", "项目", "公司"], dtype=object)[clue % 3]
    reporter, tel = person_name(chance, "s25.reporter", *keys), phone(chance, "s25.reporter.tel", *keys)
    summary = reporter + "（" + tel + "）反映在" + name + "投入资金到期无法兑付，要求退款"
    is_home = kind == 2
    delay = np.where(is_home, 20 + 7 * made["age"], 0)
    step = np.where(made["age"] > 20, "处置中", "核查中").astype(object)
    project_no = ("XM" + number.astype("U16").astype(object)).astype(object)
    columns = {
        "线索编号": ("XS" + clue.astype("U20").astype(object)).astype(object),
        "周起始日": week,
        "类型": np.array(KINDS, dtype=object)[kind],
        "项目编号": np.where(nowhere, None, project_no),
        "项目名称": np.where(other, name + tail, name),
        "主体代码": projects["uscc"][who],
        "属地代码": projects["area"][who],
        "本周新增诉求": made["claims"],
        "累计涉及人数": made["people"],
        "涉及金额": amount,
        "延期天数": np.ma.MaskedArray(delay, ~is_home),
        "是否停工": np.where(is_home, np.where(delay > 200, "是", "否"), None),
        "处置状态": step,
        "举报人": reporter,
        "举报人电话": tel,
        "情况简述": summary,
    }
    flags = {
        "amount_in_yuan": yuan,
        "project_missing": nowhere,
        "other_name": other,
        "old_area_code": projects["is_old"][who],
    }
    return rows_of(columns, flags, ("线索编号", "周起始日"), week)


def events(world: World, days: Days) -> Mapping[str, pa.Table]:
    """See the module."""
    projects = _projects(world)
    made = _weeks(world, mondays(days))
    made = made.where(made["sort"] == WEEKLY)
    who = made["who"]
    return {
        "project_week": events_table(
            {
                "project_no": arrow("XM" + projects["number"][who].astype("U16").astype(object)),
                "week_on": made["week"],
                "claims_n": made["claims"],
                "people_n": made["people"],
                "chain_no": projects["chain_no"][who],
                "township_i": projects["township_i"][who],
            }
        )
    }


SOURCE = Source(
    "S25",
    "地方金融管理局 涉众金融风险",
    (
        Dataset(
            "S25",
            "linlan.finance.clue_week",
            "涉众金融风险与保交楼线索周报",
            Files(
                "XS_{day:%Y%m%d}.xlsx",
                writers.excel(
                    title="涉众金融风险线索周报（{day:%Y年%m月%d日}起一周，演示数据）",
                    merged=("周起始日", "类型"),
                    footer=("合计：{n} 条", "填报人：市地方金融管理局"),
                ),
                every="week",
                late=0.04,
            ),
            clue_rows,
            (
                Pattern("amount_in_yuan", "Yuan for ten thousands.", IN_YUAN, "warning", "amount_in_wan", "amount_wan"),
                Pattern(
                    "project_missing",
                    "The project's number is missing.",
                    NO_PROJECT,
                    "warning",
                    "project_known",
                    "project_no",
                ),
                Pattern("other_name", "The project goes by another name.", OTHER_NAME, "core", None, "project_name"),
                old_code_pattern(OLD_RATE),
            ),
        ),
    ),
    events,
)
