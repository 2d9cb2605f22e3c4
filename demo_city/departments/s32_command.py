"""S32 command centre: leads pushed to the departments, instructions, and the steps of each instruction.

A lead has a version whenever something happened to it: pushed, signed for, verified, closed (see `command_leads`). An
instruction comes from a verified lead or from a leader's word and goes through 制定 审核 发布 执行 评估 反馈; several
units carry it out, each with steps of its own; some are looked at again. What the inbox took goes the same way
(`answers`). Truth: ``lead`` (with ``is_true``, ``basis`` and ``is_handled``) and ``instruction`` (with the end of every
stage).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.chance import repeated
from demo_city.city.people import person_name, phone
from demo_city.columns import Columns
from demo_city.departments.command_leads import (
    INBOX_KEYS,
    LONGEST_LIFE,
    MODELS,
    NUMBER_OF,
    RESULTS,
    SEVERITIES,
    SUBJECTS,
    leads,
    load_at,
    received_leads,
    versions,
)
from demo_city.departments.production import latest
from demo_city.departments.protocol import Dataset, Pattern, Rows, Source, Table
from demo_city.departments.safety import drawn, old_codes, per_township, statement, written
from demo_city.text import replace, zfill

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

INSTRUCTION_LIFE = 120
"""Days after which nothing happens to an instruction any more."""
ORDERS_A_DAY = 190.0
"""Instructions in the whole city on an average day that no lead led to."""
FROM_LEAD = np.array([0.95, 0.7, 0.45, 0.25])
"""Share of verified leads of each severity that lead to an instruction."""
LEAD_ORDERS, ORDERS, INBOX_ORDERS = 10**14, 2 * 10**14, 3 * 10**14
"""Keys of instructions lie above those of leads."""
STAGES = ("制定", "审核", "发布", "执行", "评估", "反馈")
UNITS = ("镇街", "公安", "城管", "住建", "应急", "消防", "市监", "生态", "水务", "交通", "卫健", "民政")
TITLES = (
    "风险隐患专项整治",
    "重点场所安全检查",
    "群众集中诉求处置",
    "恶劣天气应对部署",
    "节假日安全保障",
    "舆情信息核处",
)
DUE_DAYS = np.array([1, 3, 7, 15])
STALLED = 0.03
RECHECKED, PASSED = 0.5, 0.9

LEAD_DIRT = (
    Pattern("old_area_code", "Area code from before the mergers.", 0.015, "warning", "area_code_current", "area_code"),
    Pattern("test_lead", "A test of the platform's.", 0.002, "quarantine", "not_a_test", "subject_kind"),
    Pattern(
        "verified_before_pushed", "Verified before it was pushed: the time was entered by hand.", 0.003, "warning",
        "verified_after_pushed", "verified_at",
    ),
    Pattern("model_id_form", "The model's number as an older version wrote it.", 0.004, "warning", "model_id_form",
            "model_id"),
    Pattern("result_says_nothing", "Closed with a result that says nothing: read.", 0.0045, "warning", "result_known",
            "result"),
    Pattern("pushed_twice", "The same lead once more under another number.", 0.003, "core"),
)  # fmt: skip
INSTRUCTION_DIRT = (
    Pattern("old_area_code", "Area code from before the mergers.", 0.015, "warning", "area_code_current", "area_code"),
    Pattern("due_before_issued", "Due before it was issued.", 0.0026, "warning", "due_after_issued", "due_at"),
    Pattern(
        "rechecked_before_finished", "Rechecked before it was finished.", 0.0012, "warning", "rechecked_after_finished",
        "rechecked_at",
    ),
)  # fmt: skip
STEP_DIRT = (
    Pattern("stage_skipped", "The step before it is missing: nobody reviewed the instruction.", 0.001, "core"),
    Pattern("back_dated", "Finished before it was begun: the time was set back.", 0.006, "warning",
            "finished_after_started", "finished_at"),
)  # fmt: skip


# ---- leads -----------------------------------------------------------------------------------------------------------


def _lead_rows(world: World, days: Days) -> Rows:
    return _leads_written(world, leads(world, days.since(LONGEST_LIFE)), days)


def _leads_written(world: World, own: Columns, days: Days, numbers: Any = None) -> Rows:
    """Versions of leads on these days.

    Args:
        world: of which city.
        own: the leads.
        days: the days.
        numbers: their numbers, where the lake gave them one; nothing: the centre's own, with its dirt.
    """
    chance, city = world.chance, world.city
    is_own = numbers is None
    number = _numbered("XS", own) if is_own else np.asarray(numbers, dtype=object)
    again = np.zeros(own.rows_n, bool)
    if is_own:  # the same lead under another number goes beside it
        twice = np.flatnonzero(chance.happens(0.003, "s32.pushed_twice", own["key"]))
        order = np.argsort(np.concatenate([np.arange(own.rows_n), twice + 0.5]), kind="stable")
        own = own.where(np.concatenate([np.arange(own.rows_n), twice])[order])
        again = np.concatenate([again, np.ones(len(twice), bool)])[order]
        number = np.concatenate([number, number[twice] + "F"])[order]
    key = own["key"]
    at, updated = versions(own, ("pushed_at", "accepted_at", "verified_at", "closed_at"), days)
    code, is_old = old_codes(world, "s32.old_code", 0.015 if is_own else 0.0, own["township_i"], key)
    contact, contact_tel = person_name(chance, "s32.contact", key), phone(chance, "s32.contact_tel", key)
    drawn_dirt = {
        name: chance.happens(rate * is_own, f"s32.{name}", key)
        for name, rate in (
            ("test", 0.002), ("verified_before", 0.006), ("model_form", 0.004), ("no_result", 0.012),
        )
    }  # fmt: skip
    relation = Columns(
        number=number,
        model=np.array([one.id for one in MODELS], dtype=object)[own["model"]],
        channel=np.full(own.rows_n, "模型推送" if is_own else "收件箱", dtype=object),
        subject_kind=np.array(["网格", "楼栋", "房屋", "单位", "学校"], dtype=object)[
            np.array([SUBJECTS.index(kind) for kind in own["subject"]], dtype=np.int64)
        ],
        subject_no=_subject_no(world, own),
        address=_addresses(world, own),
        code=code,
        severity=np.array(SEVERITIES, dtype=object)[own["severity"]],
        recipient=np.array([one.recipient for one in MODELS], dtype=object)[own["model"]],
        handler=person_name(chance, "s32.handler", own["township_i"], own["model"] % 7),
        handler_tel=phone(chance, "s32.handler_tel", own["township_i"], own["model"] % 7),
        contact=contact,
        contact_tel=contact_tel,
        pushed_at=own["pushed_at"],
        due_at=own["due_at"],
        accepted_at=own["accepted_at"],
        verified_at=own["verified_at"],
        closed_at=own["closed_at"],
        verdict=np.array(RESULTS, dtype=object)[own["verdict"]],
        is_old=is_old,
        again=again,
        grid_id=np.where(own["grid_i"] >= 0, city.grid["grid_id"][own["grid_i"]], None),
        **drawn_dirt,
    )
    return written(
        """
        SELECT number AS lead_id,
               CASE WHEN model_form THEN lower(model[1]) || '-' || model[2:] ELSE model END AS model_id,
               channel, CASE WHEN test THEN '测试' ELSE subject_kind END AS subject_kind, subject_no,
               address AS subject_address, grid_id, code AS area_code, severity, recipient AS recipient_unit,
               handler AS handler_name, handler_tel, pushed_at, due_at,
               CASE WHEN accepted_at <= updated THEN accepted_at END AS accepted_at,
               CASE WHEN verified_at <= updated
                    THEN CASE WHEN verified_before THEN pushed_at - INTERVAL 31 HOUR ELSE verified_at END
               END AS verified_at,
               CASE WHEN no_result AND closed_at <= updated THEN '已阅' WHEN verified_at <= updated THEN verdict
               END AS result,
               CASE WHEN closed_at <= updated THEN closed_at END AS closed_at,
               CASE WHEN closed_at <= updated THEN '已办结' WHEN verified_at <= updated THEN '处置中'
                    WHEN accepted_at <= updated THEN '已签收' ELSE '待签收' END AS status,
               CASE WHEN verified_at <= updated THEN '已到' || coalesce(address, '现场') || '核查，联系人' || contact
                    || '，电话' || contact_tel || '，' || verdict END AS result_note,
               updated AS updated_at, updated::DATE AS _day, number AS _key,
               is_old AS "!old_area_code", test AS "!test_lead",
               coalesce(verified_before AND verified_at <= updated, false) AS "!verified_before_pushed",
               model_form AS "!model_id_form",
               coalesce(no_result AND closed_at <= updated, false) AS "!result_says_nothing",
               again AS "!pushed_twice"
        FROM version JOIN lead ON lead_i = i ORDER BY updated, i
        """,
        version=Columns(i=at, updated=updated),
        lead=relation.with_columns(lead_i=np.arange(own.rows_n)),
    )


def _subject_no(world: World, own: Columns) -> Any:
    """Numbers under which departments know the subjects."""
    made = np.full(own.rows_n, None, dtype=object)
    for kind, column in NUMBER_OF.items():
        which = (own["subject"] == kind) & (own["subject_i"] >= 0)
        made[which] = getattr(world.city, kind)[column][own["subject_i"][which]].astype(str)
    return made


def _addresses(world: World, own: Columns) -> Any:
    """Where the subjects are, in words; nothing for a grid."""
    city = world.city
    building, flat = own["building_i"], own["subject"] == "flat"
    made = np.where(building >= 0, city.building["address_zh"][building], None).astype(object)
    at = own["subject_i"][flat]
    room = (
        city.flat["unit_no"][at].astype(str).astype(object) + "单元" + city.flat["floor"][at].astype(str).astype(object)
    )
    made[flat] = made[flat] + room + zfill(city.flat["room"][at].astype(str), 2).astype(object) + "室"
    firm = (own["subject"] == "enterprise") & (own["subject_i"] >= 0)
    made[firm] = city.enterprise["address_zh"][own["subject_i"][firm]]
    return made


# ---- instructions ----------------------------------------------------------------------------------------------------


def instructions(world: World, days: Days) -> Columns:
    """Instructions begun on these days: from leads that were verified, and from leaders' words.

    Returns:
        ``key lead_no title township_i level begun_at drafted_at reviewed_at issued_at executed_at assessed_at
        finished_at due_at rechecked_at is_passed units_n``, in the order they began; NaT = never.
    """
    return latest(world, "s32.instructions", days, lambda: _instructions(world, days))


def _instructions(world: World, days: Days) -> Columns:
    return with_stages(world, _ordered(world, leads(world, days.since(LONGEST_LIFE)), days, None))


def _ordered(world: World, own: Columns, days: Days, numbers: Any) -> Columns:
    """What is ordered on these days: what leads lead to, and, beside the inbox, what leaders say."""
    chance = world.chance
    number = _numbered("XS", own) if numbers is None else np.asarray(numbers, dtype=object)
    led = (own["verdict"] == 0) & ~np.isnat(own["verified_at"])
    led &= chance.happens(FROM_LEAD[own["severity"]], "s32.led", own["key"])
    at = np.where(led, own["verified_at"], np.datetime64("1970-01-01", "s"))
    led &= days.holds(at)
    of_leads = Columns(
        key=LEAD_ORDERS + own["key"][led],
        lead_no=number[led],
        title=np.array(["预警线索处置：" + one.id for one in MODELS], dtype=object)[own["model"][led]],
        township_i=own["township_i"][led],
        level=own["severity"][led],
        begun_at=own["verified_at"][led],
    )
    if numbers is not None:
        return of_leads
    factor = np.where(world.life.is_workday(days.array), 1.25, 0.4)
    said = drawn(world, days, "s32.order", per_township(world, ORDERS_A_DAY), factor)
    keys = (said["township_i"], said["day"], said["n"])
    second = 8 * 3600 + chance.integers(0, 10 * 3600, "s32.order_at", *keys)
    by_word = Columns(
        key=ORDERS + (said["day"].astype(np.int64) * 1000 + said["township_i"]) * 10_000 + said["n"],
        lead_no=np.full(said.rows_n, None, dtype=object),
        title=np.array(TITLES, dtype=object)[chance.integers(0, len(TITLES), "s32.order_title", *keys)],
        township_i=said["township_i"],
        level=chance.choose([0.08, 0.22, 0.4, 0.3], "s32.order_level", *keys),
        begun_at=said["day"].astype("datetime64[s]") + second.astype("timedelta64[s]"),
    )
    made = Columns.together([of_leads, by_word])
    return made.where(np.lexsort((made["key"], made["begun_at"])))


def with_stages(world: World, of: Columns) -> Columns:
    """The same instructions with the end of each stage, by the departments' speed and load."""
    chance, key = world.chance, of["key"]
    load = load_at(world, "county", of["begun_at"])
    hurry = np.array([0.3, 0.7, 1.0, 1.3])[of["level"]]
    drafted = _later(of["begun_at"], chance.lognormal(4.0, 0.7, "s32.draft", key) * hurry)
    reviewed = _later(drafted, chance.lognormal(6.0, 0.9, "s32.review", key) * hurry)
    issued = _later(reviewed, chance.lognormal(2.0, 0.6, "s32.issue", key) * hurry)
    units_n = 1 + chance.poisson(3.6, "s32.units", key)
    last = of["begun_at"] + np.timedelta64(INSTRUCTION_LIFE - 2, "D")
    unit = _units(world, of.with_columns(issued_at=issued, units_n=units_n, load=load * hurry, last=last))
    executed = np.full(of.rows_n, np.datetime64("1970-01-01", "s"))
    np.maximum.at(executed, unit["of"], unit["executed_at"])  # NaT wins: one that stalls holds the whole
    assessed = _later(executed, chance.lognormal(20.0, 0.8, "s32.assess", key) * load)
    fed_back = np.full(of.rows_n, np.datetime64("1970-01-01", "s"))
    np.maximum.at(fed_back, unit["of"], assessed[unit["of"]] + unit["feedback_s"].astype("timedelta64[s]"))
    finished = np.where(np.isnat(executed) | (fed_back > last), np.datetime64("NaT", "s"), fed_back)
    assessed = np.where(np.isnat(executed) | (assessed > last), np.datetime64("NaT", "s"), assessed)
    rechecked = _later(finished, chance.lognormal(9 * 24.0, 0.5, "s32.recheck_after", key))
    none = ~chance.happens(RECHECKED, "s32.rechecked", key) | (rechecked > last)
    return of.with_columns(
        drafted_at=drafted,
        reviewed_at=reviewed,
        issued_at=issued,
        executed_at=executed,
        assessed_at=assessed,
        finished_at=finished,
        due_at=(issued.astype("datetime64[D]") + DUE_DAYS[of["level"]] + 1).astype("datetime64[s]") - 1,
        rechecked_at=np.where(none, np.datetime64("NaT", "s"), rechecked),
        is_passed=chance.happens(PASSED, "s32.passed", key),
        units_n=units_n,
        load=load * hurry,
        last=last,
    )


def _units(world: World, of: Columns) -> Columns:
    """Who carries an instruction out: one row per unit, in their order: when it was done, how long it takes to tell."""
    chance = world.chance
    at, number = repeated(of["units_n"])
    key = of["key"][at]
    executed = _later(of["issued_at"][at], chance.lognormal(60.0, 0.8, "s32.execute", key, number) * of["load"][at])
    stalled = chance.happens(STALLED / 4.6, "s32.stalled", key, number) | (executed > of["last"][at])
    return Columns(
        of=at,
        number=number,
        unit=chance.integers(0, len(UNITS), "s32.unit", key, number),
        executed_at=np.where(stalled, np.datetime64("NaT", "s"), executed),
        feedback_s=np.rint(chance.lognormal(6 * 3600, 0.8, "s32.feedback", key, number)).astype(np.int64),
    )


def _instruction_rows(world: World, days: Days) -> Rows:
    return _instructions_written(world, instructions(world, days.since(INSTRUCTION_LIFE)), days)


def _instructions_written(world: World, own: Columns, days: Days, *, is_own: bool = True) -> Rows:
    chance, key = world.chance, own["key"]
    names = ("begun_at", "drafted_at", "reviewed_at", "issued_at", "executed_at", "assessed_at", "finished_at")
    at, updated = versions(own, (*names, "rechecked_at"), days)
    code, is_old = old_codes(world, "s32.order.old_code", 0.015 * is_own, own["township_i"], key)
    relation = own.with_columns(
        number=_numbered("ZL", own, "begun_at"),
        instruction_i=np.arange(own.rows_n),
        code=code,
        is_old=is_old,
        level=np.array(SEVERITIES, dtype=object)[own["level"]],
        receiver=np.array(UNITS, dtype=object)[chance.integers(0, len(UNITS), "s32.receiver", key)],
        issuer=person_name(chance, "s32.issuer", key % 97),
        contact=person_name(chance, "s32.order_contact", key),
        contact_tel=phone(chance, "s32.order_tel", key),
        due_before=chance.happens(0.004 * is_own, "s32.due_before", key),
        rechecked_before=chance.happens(0.012 * is_own, "s32.rechecked_before", key),
    )
    return written(
        """
        SELECT number AS instr_id, lead_no AS lead_id, title, level, code AS area_code, receiver AS main_unit,
               units_n::INTEGER AS units_n, issuer AS issuer_name, contact AS contact_name, contact_tel,
               '请' || receiver || '牵头办理，现场联系人' || contact || '（' || contact_tel || '）' AS content,
               begun_at AS created_at, CASE WHEN issued_at <= updated THEN issued_at END AS issued_at,
               CASE WHEN due_before THEN issued_at - INTERVAL 26 HOUR ELSE due_at END AS due_at,
               CASE WHEN finished_at <= updated THEN '办结' WHEN assessed_at <= updated THEN '反馈'
                    WHEN executed_at <= updated THEN '评估' WHEN issued_at <= updated THEN '执行'
                    WHEN reviewed_at <= updated THEN '发布' WHEN drafted_at <= updated THEN '审核' ELSE '制定'
               END AS stage,
               CASE WHEN finished_at <= updated THEN finished_at END AS finished_at,
               CASE WHEN rechecked_at <= updated
                    THEN CASE WHEN rechecked_before THEN finished_at - INTERVAL 50 HOUR ELSE rechecked_at END
               END AS rechecked_at,
               CASE WHEN rechecked_at <= updated THEN CASE WHEN is_passed THEN '是' ELSE '否' END END AS is_passed,
               updated AS updated_at, updated::DATE AS _day, number AS _key, is_old AS "!old_area_code",
               coalesce(due_before AND issued_at <= updated, false) AS "!due_before_issued",
               coalesce(rechecked_before AND rechecked_at <= updated, false) AS "!rechecked_before_finished"
        FROM version JOIN instruction ON instruction_i = i ORDER BY updated, i
        """,
        version=Columns(i=at, updated=updated),
        instruction=relation,
    )


# ---- steps -----------------------------------------------------------------------------------------------------------


def _step_rows(world: World, days: Days) -> Rows:
    return _steps_written(world, instructions(world, days.since(INSTRUCTION_LIFE)), days)


def _steps_written(world: World, own: Columns, days: Days, *, is_own: bool = True) -> Rows:
    steps = _steps(world, own)
    chance = world.chance
    order, seq = own["key"][steps["of"]], steps["seq"]
    skips = chance.happens(0.02 * is_own, "s32.skipped", order)
    steps = steps.with_columns(
        skipped=skips & (steps["stage"] == 1),
        after_skipped=skips & (steps["stage"] == 2),
        back_dated=chance.happens(0.011 * is_own, "s32.back_dated", order, seq),
        started_at=np.where(
            steps["started_at"] > own["last"][steps["of"]], np.datetime64("NaT", "s"), steps["started_at"]
        ),
    ).where(~(skips & (steps["stage"] == 1)))
    at, updated = versions(steps, ("started_at", "finished_at"), days)
    actor = (own["key"][steps["of"]] % 10**6, steps["seq"])
    return written(
        """
        SELECT instr_no || '-' || lpad(seq::VARCHAR, 2, '0') AS step_id, instr_no AS instr_id, seq::INTEGER AS seq_no,
               stage, unit AS actor_unit, actor AS actor_name, actor_tel, started_at,
               CASE WHEN finished_at <= updated
                    THEN CASE WHEN back_dated THEN started_at - INTERVAL 9 HOUR ELSE finished_at END END AS finished_at,
               CASE WHEN finished_at <= updated
                    THEN '经办人' || actor || '（' || actor_tel || '）已' || stage END AS opinion,
               updated AS updated_at, updated::DATE AS _day, step_id AS _key,
               after_skipped AS "!stage_skipped",
               coalesce(back_dated AND finished_at <= updated, false) AS "!back_dated"
        FROM version JOIN step ON step_i = i ORDER BY updated, i
        """,
        version=Columns(i=at, updated=updated),
        step=Columns(
            step_i=np.arange(steps.rows_n),
            instr_no=_numbered("ZL", own, "begun_at")[steps["of"]],
            stage=np.array(STAGES, dtype=object)[steps["stage"]],
            unit=steps["unit"],
            actor=person_name(chance, "s32.actor", *actor),
            actor_tel=phone(chance, "s32.actor_tel", *actor),
            **{name: steps[name] for name in ("seq", "started_at", "finished_at", "after_skipped", "back_dated")},
        ),
    )


def _steps(world: World, own: Columns) -> Columns:
    """All steps of these instructions: three before it is issued, one a unit, one of assessment, one a unit again."""
    unit = _units(world, own)
    n, centre = own.rows_n, np.full(own.rows_n, "指挥中心", dtype=object)
    whole, units_n = np.arange(n), own["units_n"]
    of, number, issued = unit["of"], unit["number"], own["issued_at"]
    unit_zh = np.array(UNITS, dtype=object)[unit["unit"]]
    assessed = own["assessed_at"]
    fed_back = assessed[of] + unit["feedback_s"].astype("timedelta64[s]")
    parts = [
        (whole, 0, np.zeros(n, np.int64) + 1, centre, own["begun_at"], own["drafted_at"]),
        (whole, 1, np.zeros(n, np.int64) + 2, centre, own["drafted_at"], own["reviewed_at"]),
        (whole, 2, np.zeros(n, np.int64) + 3, centre, own["reviewed_at"], issued),
        (of, 3, 4 + number, unit_zh, issued[of], unit["executed_at"]),
        (whole, 4, 4 + units_n, centre, own["executed_at"], assessed),
        (of, 5, 5 + units_n[of] + number, unit_zh, assessed[of], np.where(fed_back > own["last"][of],
         np.datetime64("NaT", "s"), fed_back)),
    ]  # fmt: skip
    made = Columns.together(
        Columns(of=of, stage=np.full(len(of), stage), seq=seq, unit=unit, started_at=begun, finished_at=done)
        for of, stage, seq, unit, begun, done in parts
    )
    return made.where(np.lexsort((made["seq"], made["of"])))


# ---- what the inbox took ---------------------------------------------------------------------------------------------


def answers(world: World, dataset: str, received: Sequence[Mapping[str, Any]], days: Days) -> pa.Table:
    """Rows of these days about the leads and work orders that the inbox took; columns as the dataset's own rows.

    Args:
        world: of which city.
        dataset: one of this source.
        received: what was taken, in the order it came; see `demo_city.systems.inbox.Received`.
        days: the days.
    """
    name = dataset.rpartition(".")[2]
    told = [one for one in received if one["kind"] == "lead"]
    own = received_leads(world, told)
    numbers = np.array([one["lead_id"] for one in told], dtype=object)
    if name == "lead":
        return _leads_written(world, own, days, numbers).table
    since = days.since(INSTRUCTION_LIFE)
    ordered = with_stages(
        world, Columns.together([_ordered(world, own, since, numbers), _work_orders(world, received, since)])
    )
    make = _instructions_written if name == "instruction" else _steps_written
    return make(world, ordered, days, is_own=False).table


def _work_orders(world: World, received: Sequence[Mapping[str, Any]], days: Days) -> Columns:
    """Work orders are instructions from the start; those of a known lead carry its number."""
    orders = [one for one in received if one["kind"] == "work_order"]
    own = received_leads(world, [{**one, "lead_id": f"work order {one['lead_id']}"} for one in orders])
    made = Columns(
        key=INBOX_ORDERS - INBOX_KEYS + own["key"],
        lead_no=np.array([one["lead_id"] for one in orders], dtype=object),
        title=np.array(["收件箱工单：" + one["model_id"] for one in orders], dtype=object),
        township_i=own["township_i"],
        level=own["severity"],
        begun_at=own["pushed_at"],
    )
    return made.where(days.holds(made["begun_at"]))


# ---- truth -----------------------------------------------------------------------------------------------------------


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    own, ordered = leads(world, days), instructions(world, days)
    test = world.chance.happens(0.002, "s32.test", own["key"])
    return {
        "lead": statement(
            """
            SELECT lead_no, model_id, pushed_at AS "at", pushed_at, accepted_at, verified_at, closed_at, due_at, result,
                   severity, subject_kind, subject, is_true, basis, is_handled,
                   CASE WHEN chain_no >= 0 THEN chain_no END AS chain_no, township_i::INTEGER AS township_i,
                   grid_i::INTEGER AS grid_i, pushed_at::DATE AS delivered_on, NOT test AS is_real
            FROM lead ORDER BY pushed_at, key
            """,
            lead=Columns(
                lead_no=_numbered("XS", own),
                model_id=np.array([one.id for one in MODELS], dtype=object)[own["model"]],
                result=np.where(np.isnat(own["verified_at"]), None, np.array(RESULTS, dtype=object)[own["verdict"]]),
                severity=np.array(SEVERITIES, dtype=object)[own["severity"]],
                subject_kind=own["subject"],
                subject=_subject_no(world, own),
                test=test,
                **{name: own[name] for name in ("key", "pushed_at", "accepted_at", "verified_at", "closed_at", "due_at",
                                                "is_true", "basis", "is_handled", "chain_no", "township_i", "grid_i")},
            ),
        ),
        "instruction": statement(
            """
            SELECT no, lead_no, begun_at, drafted_at, reviewed_at, issued_at, due_at, executed_at, assessed_at,
                   finished_at, rechecked_at, CASE WHEN rechecked_at IS NOT NULL THEN is_passed END AS is_passed,
                   units_n::INTEGER AS units_n, level, township_i::INTEGER AS township_i,
                   begun_at::DATE AS delivered_on, true AS is_real
            FROM instruction ORDER BY begun_at, key
            """,
            instruction=ordered.with_columns(
                no=_numbered("ZL", ordered, "begun_at"), level=np.array(SEVERITIES, dtype=object)[ordered["level"]]
            ),
        ),
    }  # fmt: skip


# ---- small things ----------------------------------------------------------------------------------------------------


def _numbered(prefix: str, of: Columns, at: str = "pushed_at") -> Any:
    """Numbers as the centre gives them: prefix, day, fifteen digits."""
    if not of.rows_n:
        return np.zeros(0, dtype=object)
    day = replace(of[at].astype("datetime64[D]").astype(str), "-", "")
    number = zfill(of["key"].astype(str), 15)
    return np.char.add(np.char.add(prefix, day), number).astype(object)


def _later(at: Any, hours: Any) -> Any:
    return at + np.rint(np.asarray(hours) * 3600).astype("timedelta64[s]")


_STAMP = "timestamp(0)"
SOURCE = Source(
    "S32",
    "指挥中心 线索与指令",
    (
        Dataset(
            "S32",
            "linlan.command.lead",
            "预警线索",
            Table(
                "lead",
                ("lead_id",),
                {
                    "lead_id": "varchar(64)",
                    **dict.fromkeys(
                        ("pushed_at", "due_at", "accepted_at", "verified_at", "closed_at", "updated_at"), _STAMP
                    ),
                },
                "PostgreSQL 14",
            ),
            _lead_rows,
            LEAD_DIRT,
        ),
        Dataset(
            "S32",
            "linlan.command.instruction",
            "指挥指令",
            Table(
                "instruction",
                ("instr_id",),
                {
                    "instr_id": "varchar(64)",
                    "units_n": "integer",
                    **dict.fromkeys(
                        ("created_at", "issued_at", "due_at", "finished_at", "rechecked_at", "updated_at"), _STAMP
                    ),
                },
                "PostgreSQL 14",
            ),
            _instruction_rows,
            INSTRUCTION_DIRT,
        ),
        Dataset(
            "S32",
            "linlan.command.step",
            "指令流转环节",
            Table(
                "instruction_step",
                ("step_id",),
                {
                    "step_id": "varchar(80)",
                    "seq_no": "integer",
                    **dict.fromkeys(("started_at", "finished_at", "updated_at"), _STAMP),
                },
                "PostgreSQL 14",
            ),
            _step_rows,
            STEP_DIRT,
        ),
    ),
    _events,
)
