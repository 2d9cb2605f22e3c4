"""S06 fire and rescue: calls of 119 and inspections of units.

A call becomes a row when the engines are back, and a fire another version when cause and loss are settled. Inspections
go to units by their importance; some inspectors never find anything, some enter a month's sheets in one minute of its
last day. A finding that chains need stays open until after the fire.

Stands for a SQL Server 2019.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.city.people import person_name, phone
from demo_city.columns import Columns
from demo_city.departments.protocol import Dataset, Pattern, Rows, Source, Table
from demo_city.departments.safety import (
    after,
    chained,
    drawn,
    keys,
    moment,
    numbered,
    old_codes,
    per_township,
    pick,
    severity_of,
    statement,
    written,
)
from demo_city.text import zfill

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

CALLS, INSPECTIONS = 35.0, 250.0
KINDS = ("火灾扑救", "抢险救援", "社会救助", "误报")
KIND_WEIGHTS = (0.40, 0.27, 0.25, 0.08)
FIRE = 0
CAUSES = ("电气故障", "用火不慎", "电动自行车充电", "遗留火种", "吸烟", "生产作业", "自燃", "放火", "原因不明")
CAUSE_WEIGHTS = (42.0, 20.0, 9.0, 11.0, 5.0, 5.0, 3.0, 0.5, 4.5)
SETTLED_WITHIN = 21
FINDINGS = (
    "疏散通道堵塞", "消防设施故障", "灭火器过期失效", "电气线路私拉乱接", "违规住人", "电动自行车违规停放充电",
    "常闭式防火门未关闭", "消防控制室无证上岗",
)  # fmt: skip
IDLE_IN, BULK_IN = 5, 4
"""One township in so many has an inspector who finds nothing; one who enters his sheets once a month."""
PER_INSPECTOR = 60_000
"""People for each inspector of a township beyond the first three."""
RECTIFIED_WITHIN = 80
UNIT_KINDS = {"危化": 20.0, "工业": 4.0, "餐饮": 3.0, "商铺": 1.0, "仓储": 6.0, "建筑": 1.0, "物流": 2.0, "养老": 15.0}

ALARM_DIRT = (
    Pattern(
        "loss_in_yuan", "The loss is in yuan, not in ten thousand yuan.", 0.015, "warning", "loss_plausible", "loss_wan"
    ),
    Pattern(
        "arrived_before_call", "The engine's clock is slow: it arrived before the call.", 0.008, "warning",
        "arrived_after_alarm", "arrived_at",
    ),
    Pattern("old_area_code", "Area code from before a merger.", 0.015, "warning", "area_code_current", "area_code"),
    Pattern("coordinates_zero", "Longitude and latitude are 0.", 0.012, "warning", "lng_in_city", "lng"),
    Pattern("test_row", "A row that was typed to try the system.", 0.006, "quarantine", "not_a_test", "kind"),
    Pattern("loss_unknown", "Cause and loss come with a later version.", 0.27, "corrected", None, "loss_wan"),
)  # fmt: skip
INSPECTION_DIRT = (
    Pattern("zero_finding", "Of an inspector who never finds anything.", 0.06, "core", None, "findings_n"),
    Pattern("bulk_entry", "Entered with a month's sheets in one minute.", 0.075, "core", None, "updated_at"),
    Pattern(
        "uscc_letter_o", "The social credit code was typed with O for 0.", 0.008, "warning", "uscc_well_formed", "uscc"
    ),
    Pattern(
        "due_before_inspection", "The term ends before the inspection: the year was typed wrong.", 0.004, "warning",
        "due_after_inspection", "due_on",
    ),
    Pattern("old_area_code", "Area code from before a merger.", 0.015, "warning", "area_code_current", "area_code"),
    Pattern("test_row", "A row that was typed to try the system.", 0.003, "quarantine", "not_a_test", "kind"),
)  # fmt: skip


def alarms(world: World, days: Days) -> Columns:
    """Calls of these days: place, kind, engines' times, harm and loss as settled in the end."""
    return world.once(("s06.alarms", days), lambda: _alarms(world, days))


def _alarms(world: World, days: Days) -> Columns:
    chance, city = world.chance, world.city
    made = drawn(world, days, "s06.call", per_township(world, CALLS), world.life.rhythm("fire", days).sum(axis=1))
    key = keys(made)
    kind = chance.choose(KIND_WEIGHTS, "s06.kind", *key)
    lot = chance.uniform("s06.place", *key)
    enterprise = pick(
        chance, city.enterprise["township_i"], made["township_i"], 0.05 + city.enterprise["risk"], "s06.unit", *key
    )
    enterprise = np.where(lot < 0.3, enterprise, -1)
    building = pick(
        chance, city.building["township_i"], made["township_i"], 1.0 + city.building["flats_n"], "s06.building", *key
    )
    building = np.where(lot < 0.85, building, -1)
    building = np.where(enterprise >= 0, city.enterprise["building_i"][enterprise], building)
    grid = pick(chance, city.grid["township_i"], made["township_i"], city.grid["population"] + 1.0, "s06.grid", *key)
    grid = np.where(building >= 0, city.building["grid_i"][building], grid)
    grid = np.where(enterprise >= 0, city.enterprise["grid_i"][enterprise], grid)
    made = made.with_columns(
        at=moment(made["day"], world.life.hours("fire", made["day"], "s06.at", made["township_i"], made["n"])),
        chain_no=np.full(made.rows_n, -1),
        what=np.full(made.rows_n, "", dtype=object),
        grid_i=grid,
        building_i=building,
        enterprise_i=enterprise,
        kind=kind,
    )
    steps = chained(world, days, "S06", ("event", "gas_rescue"), ("finding_open",))
    if steps.rows_n:
        rescue = steps["what"] == "gas_rescue"
        steps = steps.with_columns(kind=np.where(rescue, 1, FIRE), at=steps["at"].astype("datetime64[s]"))
        made = Columns.together([made, Columns({name: steps[name] for name in made})])
    made = made.where(np.lexsort((made["n"], made["township_i"], made["day"])))
    return _harm(world, days, made)


def _harm(world: World, days: Days, made: Columns) -> Columns:
    chance, city, key = world.chance, world.city, keys(made)
    is_fire = made["kind"] == FIRE
    severity = severity_of(world, made["chain_no"])
    lot = chance.uniform("s06.harm", *key)
    deaths = np.where(is_fire & (lot < 0.005), 1, 0)
    deaths = np.where(severity == 2, (lot < 0.5).astype(int), deaths)
    deaths = np.where(
        severity == 3, 3 + (lot * 4).astype(int), np.where(severity == 4, 10 + (lot * 6).astype(int), deaths)
    )
    injuries = np.where(is_fire & (lot > 0.96), 1, 0) + np.where(
        severity > 1, severity * 2 - 3 + (lot * 3).astype(int), 0
    )
    loss = chance.lognormal(np.array([0.6, 0.9, 22.0, 160.0, 420.0])[np.maximum(severity, 0)], 1.1, "s06.loss", *key)
    hour = (made["at"] - made["at"].astype("datetime64[D]")).astype(np.int64) // 3600
    slow = np.where(np.isin(hour, [7, 8, 17, 18]), 1.2, 1.0) * np.where(
        np.asarray(city.township["is_urban"])[made["township_i"]], 1.0, 1.45
    )
    dispatched = after(made["at"], chance.lognormal(0.9, 0.25, "s06.dispatched", *key))
    housed = made["building_i"] >= 0
    lost = np.round(np.clip(loss, 0.02, 900.0), 2)
    return made.with_columns(
        alarm_no=numbered("HJ", made),
        lng=np.where(housed, city.building["lng"][made["building_i"]], city.grid["lng"][made["grid_i"]]),
        lat=np.where(housed, city.building["lat"][made["building_i"]], city.grid["lat"][made["grid_i"]]),
        dispatched_at=dispatched,
        arrived_at=after(dispatched, chance.lognormal(5.8 * slow, 0.38, "s06.arrived", *key)),
        closed_at=after(made["at"], 30 + chance.lognormal(55.0, 0.6, "s06.closed", *key)),
        cause=chance.choose(CAUSE_WEIGHTS, "s06.cause", *key),
        deaths=np.where(is_fire, deaths, 0),
        injuries=np.where(is_fire, injuries, 0),
        loss_wan=np.where(is_fire, lost, 0.0),
        is_test=(made["chain_no"] < 0) & ~is_fire & chance.happens(0.01, "s06.test", *key),
        settled_at=moment(
            made["day"] + chance.integers(3, SETTLED_WITHIN, "s06.settled", *key),
            chance.integers(9 * 3600, 17 * 3600, "s06.settled_at", *key),
        ),
    )


def _alarm_rows(world: World, days: Days) -> Rows:
    chance, city = world.chance, world.city
    made = alarms(world, days.since(SETTLED_WITHIN + 2))
    position = np.concatenate([np.arange(made.rows_n), np.flatnonzero(made["kind"] == FIRE)])
    is_settled = np.arange(len(position)) >= made.rows_n
    updated = np.where(is_settled, made["settled_at"][position], made["closed_at"][position])
    now = days.holds(updated)
    position, is_settled, updated = position[now], is_settled[now], updated[now]
    of = made.where(position)
    code, is_old = old_codes(world, "s06.old_code", 0.015, of["township_i"], *keys(of))
    unit, building = of["enterprise_i"], of["building_i"]
    near = (
        "临澜市" + np.asarray(city.township["name_zh"])[of["township_i"]] + city.grid["name_zh"][of["grid_i"]] + "附近"
    )
    address = np.where(building >= 0, city.building["address_zh"][building], near)
    address = np.where(unit >= 0, city.enterprise["address_zh"][unit], address)
    yuan = is_settled & (of["loss_wan"] >= 0.11) & chance.happens(0.06, "s06.yuan", *keys(of))
    slow_clock = chance.happens(0.008, "s06.slow_clock", *keys(of))
    return written(
        """
        SELECT alarm_no, "at" AS alarm_at, CASE WHEN is_test THEN '测试' ELSE kind END AS alarm_kind, address,
               grid_id, area_code, CASE WHEN zero THEN 0 ELSE round(lng, 6) END AS lng,
               CASE WHEN zero THEN 0 ELSE round(lat, 6) END AS lat, unit_uscc, unit_name,
               caller AS caller_name, phone AS caller_tel, dispatched_at,
               CASE WHEN slow_clock THEN "at" - INTERVAL 7 MINUTE ELSE arrived_at END AS arrived_at, closed_at,
               CASE WHEN NOT is_fire THEN NULL WHEN is_settled THEN cause ELSE '调查中' END AS cause,
               CASE WHEN NOT is_fire OR NOT is_settled THEN NULL WHEN yuan THEN round(loss_wan * 10000)
                    ELSE loss_wan END AS loss_wan,
               deaths AS deaths_n, injuries AS injuries_n, engines AS engines_n,
               caller || '报警称' || address || '发生' || CASE WHEN is_fire THEN '火情' ELSE '险情' END || '，联系电话'
                   || phone AS remark,
               CASE WHEN is_fire AND NOT is_settled THEN '已处置待定损' ELSE '已办结' END AS status,
               updated AS updated_at, updated::DATE AS _day, alarm_no AS _key, yuan AS "!loss_in_yuan",
               slow_clock AS "!arrived_before_call", is_old AS "!old_area_code", zero AS "!coordinates_zero",
               is_test AS "!test_row", is_fire AND NOT is_settled AS "!loss_unknown"
        FROM alarm ORDER BY updated, alarm_no
        """,
        alarm=Columns(
            {name: of[name] for name in ("alarm_no", "at", "lng", "lat", "dispatched_at", "arrived_at", "closed_at",
                                         "loss_wan", "deaths", "injuries", "is_test")}
        ).with_columns(
            kind=np.array(KINDS, dtype=object)[of["kind"]],
            is_fire=of["kind"] == FIRE,
            cause=np.array(CAUSES, dtype=object)[of["cause"]],
            address=address,
            grid_id=city.grid["grid_id"][of["grid_i"]],
            area_code=code,
            is_old=is_old,
            unit_uscc=_or_none(unit, city.enterprise["uscc"]),
            unit_name=_or_none(unit, city.enterprise["name_zh"]),
            caller=person_name(chance, "s06.caller", *keys(of)),
            phone=phone(chance, "s06.caller_tel", *keys(of)),
            engines=1 + chance.poisson(0.8, "s06.engines", *keys(of)),
            updated=updated,
            is_settled=is_settled,
            yuan=yuan,
            slow_clock=slow_clock,
            zero=chance.happens(0.012, "s06.zero", *keys(of)),
        ),
    )  # fmt: skip


def _or_none(position: Any, texts: Any) -> Any:
    return np.where(position >= 0, np.asarray(texts)[position], None)


def inspections(world: World, days: Days) -> Columns:
    """Inspections of these days: of which unit, by which inspector, what was found and when it was put right."""
    return world.once(("s06.inspections", days), lambda: _inspections(world, days))


def _inspections(world: World, days: Days) -> Columns:
    chance, city = world.chance, world.city
    factor = np.where(world.life.is_workday(days.array), 1.38, 0.07)
    made = drawn(world, days, "s06.inspection", per_township(world, INSPECTIONS), factor)
    key = keys(made)
    register = city.enterprise
    weight = np.array([UNIT_KINDS.get(kind, 1.0) for kind in register["kind"]]) + 20.0 * register["is_key_fire_unit"]
    unit = pick(chance, register["township_i"], made["township_i"], weight, "s06.inspected", *key)
    made = made.with_columns(
        at=moment(made["day"], chance.integers(8 * 3600 + 1800, 16 * 3600 + 1800, "s06.inspected_at", *key)),
        chain_no=np.full(made.rows_n, -1),
        enterprise_i=unit,
        building_i=np.where(unit >= 0, register["building_i"][unit], -1),
        grid_i=register["grid_i"][unit],
    )
    made = made.where(made["enterprise_i"] >= 0)
    steps = chained(world, days, "S06", ("finding_open",), ("event", "gas_rescue"))
    if steps.rows_n:
        steps = steps.with_columns(at=steps["at"].astype("datetime64[s]"))
        made = Columns.together([made, Columns({name: steps[name] for name in made})])
    made = made.where(np.lexsort((made["n"], made["township_i"], made["day"])))
    key, is_chain = keys(made), made["chain_no"] >= 0
    per = 3 + np.asarray(city.township["population"])[made["township_i"]] // PER_INSPECTOR
    inspector = chance.integers(0, per, "s06.inspector", *key)
    # By turns, not by lot: a small cut of the city has some of them too.
    turn = made["township_i"] + chance.seed
    idle = (turn % IDLE_IN == 0) & (inspector == 0) & ~is_chain
    bulk = (turn % BULK_IN == 0) & (inspector == 1) & ~is_chain
    unit = made["enterprise_i"]
    risk = np.where(unit >= 0, register["risk"][unit], 0.5)
    found = np.where(is_chain, 2, np.where(idle, 0, chance.poisson(0.25 + 1.5 * risk, "s06.found", *key)))
    month_end = (made["day"].astype("datetime64[M]") + 1).astype("datetime64[D]") - 1
    entered = after(made["at"], chance.lognormal(70.0, 0.6, "s06.entered", *key))
    entered = np.where(
        bulk, moment(month_end, 17 * 3600 + 29 * 60 + chance.integers(0, 60, "s06.bulk_second", *key)), entered
    )
    due = made["day"] + np.where(chance.happens(0.3, "s06.long", *key), 30, 15)
    rectified = due + chance.integers(-10, 25, "s06.rectified", *key)
    never = chance.happens(0.08, "s06.never", *key) | is_chain
    rectified = np.where((found > 0) & ~never, np.maximum(rectified, made["day"] + 1), np.datetime64("NaT", "D"))
    # A sheet that is entered late is entered with what has been put right by then.
    return made.with_columns(
        inspection_no=numbered("JC", made),
        inspector=inspector,
        idle=idle,
        bulk=bulk,
        findings_n=found,
        finding=chance.integers(0, len(FINDINGS), "s06.finding", *key),
        due_on=np.where(found > 0, due, np.datetime64("NaT", "D")),
        rectified_on=rectified,
        entered_at=entered,
        rectified_at=moment(
            np.where(np.isnat(rectified), made["day"], np.maximum(rectified, entered.astype("datetime64[D]"))),
            17 * 3600 + 1800 + chance.integers(0, 5400, "s06.rectified_at", *key),
        ),
        is_test=chance.happens(0.004, "s06.inspection_test", *key) & (found == 0),
    )


def _inspection_rows(world: World, days: Days) -> Rows:
    chance, city = world.chance, world.city
    made = inspections(world, days.since(RECTIFIED_WITHIN))
    position = np.concatenate([np.arange(made.rows_n), np.flatnonzero(~np.isnat(made["rectified_on"]))])
    is_done = np.arange(len(position)) >= made.rows_n
    updated = np.where(is_done, made["rectified_at"][position], made["entered_at"][position])
    now = days.holds(updated)
    position, is_done, updated = position[now], is_done[now], updated[now]
    of = made.where(position)
    key, unit, building = keys(of), of["enterprise_i"], of["building_i"]
    code, is_old = old_codes(world, "s06.inspection.old", 0.015, of["township_i"], *key)
    has_unit = unit >= 0
    place = np.where(building >= 0, city.building["address_zh"][building], city.grid["name_zh"][of["grid_i"]])
    return written(
        """
        SELECT inspection_no, "at" AS inspected_at, CASE WHEN is_test THEN '测试' ELSE kind END AS inspection_kind,
               CASE WHEN letter_o THEN replace(uscc, '0', 'O') ELSE uscc END AS unit_uscc, unit_name,
               is_key_unit, address, grid_id, area_code, inspector_no, inspector AS inspector_name,
               contact AS contact_name, phone AS contact_tel, findings_n,
               CASE WHEN findings_n > 0 THEN finding END AS finding_kind,
               CASE WHEN typo THEN due_on - INTERVAL 1 YEAR ELSE due_on END::DATE AS due_on,
               CASE WHEN is_done THEN rectified_on END AS rectified_on,
               CASE WHEN findings_n = 0 THEN '合格' WHEN is_done THEN '已整改' ELSE '责令限期改正' END AS result,
               '检查' || coalesce(unit_name, address) || '，陪同人员' || contact || '（' || phone || '）'
                   || CASE WHEN findings_n > 0 THEN '，发现' || finding ELSE '，未发现隐患' END AS remark,
               updated AS updated_at, updated::DATE AS _day, inspection_no AS _key, idle AS "!zero_finding",
               bulk AND NOT is_done AS "!bulk_entry", letter_o AS "!uscc_letter_o", typo AS "!due_before_inspection",
               is_old AS "!old_area_code", is_test AS "!test_row"
        FROM inspection ORDER BY updated, inspection_no, is_done
        """,
        inspection=Columns(
            {name: of[name] for name in ("inspection_no", "at", "findings_n", "due_on", "rectified_on", "idle", "bulk",
                                         "is_test")}
        ).with_columns(
            kind=np.array(["双随机抽查", "重点单位检查", "专项检查", "举报核查"], dtype=object)[
                chance.choose([52, 22, 18, 8], "s06.inspection.kind", *key)
            ],
            uscc=_or_none(unit, city.enterprise["uscc"]),
            unit_name=np.where(has_unit, city.enterprise["name_zh"][unit], None),
            is_key_unit=has_unit & city.enterprise["is_key_fire_unit"][unit],
            address=np.where(has_unit, city.enterprise["address_zh"][unit], place),
            grid_id=city.grid["grid_id"][of["grid_i"]],
            area_code=code,
            is_old=is_old,
            inspector_no=_inspector_no(of),
            inspector=person_name(chance, "s06.inspector_name", of["township_i"], of["inspector"]),
            contact=person_name(chance, "s06.contact", *key),
            phone=phone(chance, "s06.contact_tel", *key),
            finding=np.array(FINDINGS, dtype=object)[of["finding"]],
            updated=updated,
            is_done=is_done,
            letter_o=has_unit & chance.happens(0.008, "s06.letter_o", *key),
            typo=(of["findings_n"] > 0) & chance.happens(0.009, "s06.typo", *key),
        ),
    )  # fmt: skip


def _inspector_no(of: Columns) -> Any:
    place, number = zfill(of["township_i"].astype(str), 3), zfill(of["inspector"].astype(str), 2)
    return np.char.add(np.char.add("XF99", place), number).astype(object)


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    return {
        "fire_alarm": statement(
            """
            SELECT alarm_no, "at", arrived_at, kind = 0 AS is_fire, deaths, injuries, loss_wan,
                   township_i::INTEGER AS township_i, enterprise_i::INTEGER AS enterprise_i,
                   building_i::INTEGER AS building_i, chain_no, closed_at::DATE AS delivered_on,
                   CASE WHEN kind = 0 THEN settled_at::DATE END AS settled_on, NOT is_test AS is_real
            FROM alarm ORDER BY "at", alarm_no
            """,
            alarm=Columns({name: values for name, values in alarms(world, days).items() if name != "what"}),
        ),
        "inspection": statement(
            """
            SELECT 'S06' AS dept, inspection_no, "at", township_i::INTEGER AS township_i,
                   enterprise_i::INTEGER AS enterprise_i, findings_n, due_on, rectified_on, idle AS is_idle_inspector,
                   entered_at::DATE AS delivered_on, NOT is_test AS is_real
            FROM inspection ORDER BY "at", inspection_no
            """,
            inspection=inspections(world, days),
        ),
    }


_TIMES = {name: "timestamp(0)" for name in ("alarm_at", "dispatched_at", "arrived_at", "closed_at", "updated_at")}
SOURCE = Source(
    "S06",
    "消防救援支队 119接警与消防监督",
    (
        Dataset(
            "S06",
            "linlan.fire.alarm",
            "119接处警",
            Table(
                "fire_alarm", ("alarm_no",),
                {"alarm_no": "varchar(40)", **_TIMES, "lng": "numeric(9,6)", "lat": "numeric(9,6)",
                 "loss_wan": "numeric(14,2)", "deaths_n": "integer", "injuries_n": "integer", "engines_n": "integer"},
                "SQL Server 2019",
            ),
            _alarm_rows,
            ALARM_DIRT,
        ),
        Dataset(
            "S06",
            "linlan.fire.inspection",
            "消防监督检查",
            Table(
                "fire_inspection", ("inspection_no",),
                {"inspection_no": "varchar(40)", "inspected_at": "timestamp(0)", "updated_at": "timestamp(0)",
                 "is_key_unit": "boolean", "findings_n": "integer", "due_on": "date", "rectified_on": "date"},
                "SQL Server 2019",
            ),
            _inspection_rows,
            INSPECTION_DIRT,
        ),
    ),
    _events,
)  # fmt: skip
