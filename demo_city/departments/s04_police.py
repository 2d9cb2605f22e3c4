"""S04 public security: calls of 110 as the one-way gateway lets them out, without persons.

Numbers and places are hashes; the text of the call is there too and still has names and telephones in it, for nobody
cleans free text well. A call may be filed anew under another category when the case is known, and one incident is
reported by several callers, of which the system knows some.

Fraud has quarters in which it works, vice moves from street to street by the month, disputes come back to the same
houses. Table of events ``police_incident``: also ``same_event`` (the incident several calls are about), ``amount_wan``,
``building_i`` and ``grid_i``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.city.people import person_name, phone
from demo_city.columns import Columns
from demo_city.departments.protocol import Dataset, Drift, Files, Pattern, Rows, Source
from demo_city.departments.safety import (
    after,
    chained,
    drawn,
    keys,
    moment,
    nearby,
    old_codes,
    per_township,
    pick,
    statement,
    written,
)
from demo_city.systems import writers

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

CALLS = 2_830.0
"""With the second calls about one incident some three thousand a day."""
CATEGORIES: tuple[tuple[str, str, str, str, float], ...] = (
    ("刑事", "诈骗", "电信网络诈骗", "刷单返利诈骗", 1.5),
    ("刑事", "诈骗", "电信网络诈骗", "冒充客服诈骗", 1.0),
    ("刑事", "诈骗", "电信网络诈骗", "虚假投资诈骗", 0.9),
    ("刑事", "诈骗", "电信网络诈骗", "冒充公检法诈骗", 0.5),
    ("刑事", "诈骗", "电信网络诈骗", "虚假贷款诈骗", 0.6),
    ("刑事", "盗窃", "入户盗窃", "入户盗窃", 0.5),
    ("刑事", "盗窃", "盗窃车辆", "盗窃电动自行车", 2.2),
    ("刑事", "侵害人身", "故意伤害", "故意伤害", 0.2),
    ("治安", "黄赌毒", "赌博", "聚众赌博", 1.3),
    ("治安", "黄赌毒", "卖淫嫖娼", "卖淫嫖娼", 0.4),
    ("治安", "黄赌毒", "毒品", "吸食毒品", 0.2),
    ("治安", "侵害人身", "殴打他人", "殴打他人", 3.0),
    ("治安", "扰乱秩序", "噪声扰民", "生活噪声", 8.0),
    ("纠纷", "民间纠纷", "家庭纠纷", "夫妻纠纷", 6.5),
    ("纠纷", "民间纠纷", "邻里纠纷", "邻里纠纷", 4.0),
    ("纠纷", "经济纠纷", "消费纠纷", "消费纠纷", 6.0),
    ("纠纷", "经济纠纷", "债务纠纷", "债务纠纷", 3.0),
    ("纠纷", "劳资纠纷", "欠薪", "讨薪", 1.8),
    ("纠纷", "物业纠纷", "停车纠纷", "停车纠纷", 3.5),
    ("求助", "走失", "老人走失", "老人走失", 0.9),
    ("求助", "走失", "儿童走失", "儿童走失", 0.4),
    ("求助", "遗失", "财物遗失", "财物遗失", 9.0),
    ("求助", "其他求助", "开锁求助", "开锁求助", 4.0),
    ("求助", "其他求助", "生活求助", "生活求助", 14.0),
    ("交通", "交通警情", "交通事故", "轻微事故", 15.0),
    ("交通", "交通警情", "违法停车", "违法停车", 9.0),
    ("群体", "聚集", "聚集维权", "聚集维权", 0.02),
    ("灾害", "事故", "燃气泄漏", "疏散警戒", 0.02),
    ("其他", "骚扰", "无效报警", "无声电话", 2.6),
)
"""Four levels and weight."""
FRAUD, VICE, DISPUTE = range(5), range(8, 11), range(13, 19)
ASSAULT, QUARREL, GATHERING, GAS = 7, 14, 26, 27
FRAUD_OF_TOPIC = {"冒充客服诈骗": 1, "虚假投资诈骗": 2}
BECOMES = {21: 6, 16: 2, 11: 14, 14: 11, 15: 0, 23: 19, 12: 14, 5: 21}
"""Under what a call is filed when it turns out to be something else: a lost thing was stolen, a debt a fraud."""
REFILED = 0.13
"""Of calls of those categories: about five of a hundred of all."""
SECOND_CALL = 0.06
REFILED_WITHIN = 16

DIRT = (
    Pattern("grid_missing", "The operator chose no grid.", 0.08, "warning", "grid_there", "grid_id"),
    Pattern(
        "refiled_later", "Filed under another category by a later version.", 0.054, "corrected", None, "category_4"
    ),
    Pattern("second_call", "Another call about an incident that has a row already.", 0.084, "core", None, None),
    Pattern("old_area_code", "Area code from before a merger.", 0.012, "warning", "area_code_current", "area_code"),
    Pattern(
        "arrived_before_call", "Arrived before the call: the car's clock.", 0.005, "warning", "arrived_after_call",
        "arrived_at",
    ),
    Pattern("test_row", "A row that was typed to try the system.", 0.002, "quarantine", "not_a_test", "category_1"),
)  # fmt: skip


def incidents(world: World, days: Days) -> Columns:
    """Calls of these days, second calls included: where, when, what, and what it turned out to be."""
    return world.once(("s04.incidents", days), lambda: _incidents(world, days))


def _incidents(world: World, days: Days) -> Columns:
    chance, city = world.chance, world.city
    made = drawn(world, days, "s04.call", per_township(world, CALLS), world.life.rhythm("police", days).sum(axis=1))
    key = keys(made)
    kind = chance.choose([weight for *_, weight in CATEGORIES], "s04.kind", *key)
    made = made.with_columns(
        at=moment(made["day"], world.life.hours("police", made["day"], "s04.at", made["township_i"], made["n"])),
        kind=kind,
        building_i=_places(world, made, kind),
        is_chain=np.zeros(made.rows_n, bool),
    )
    made = made.with_columns(grid_i=city.building["grid_i"][made["building_i"]])
    steps = chained(
        world, days, "S04", ("event", "dispute_call", "gathering", "fraud", "gas_evacuation")
    )  # fmt: skip
    if steps.rows_n:
        made = Columns.together([made, _of_chains(world, steps, list(made))])
    made = made.where(np.lexsort((made["n"], made["township_i"], made["day"])))
    key = keys(made)
    into = np.arange(len(CATEGORIES))
    into[list(BECOMES)] = list(BECOMES.values())
    refiled = (into[made["kind"]] != made["kind"]) & chance.happens(REFILED, "s04.refiled", *key) & ~made["is_chain"]
    day = made["day"] + chance.integers(1, REFILED_WITHIN, "s04.refiled_on", *key)
    lng, lat = nearby(
        chance, city.grid["lng"][made["grid_i"]], city.grid["lat"][made["grid_i"]], 60.0, "s04.near", *key
    )  # fmt: skip
    is_fraud = np.isin(np.where(refiled, into[made["kind"]], made["kind"]), FRAUD)
    amount = np.round(chance.lognormal(1.4, 1.2, "s04.amount", *key), 2)
    made = made.with_columns(
        kind_final=np.where(refiled, into[made["kind"]], made["kind"]),
        refiled=refiled,
        refiled_at=moment(day, chance.integers(9 * 3600, 18 * 3600, "s04.refiled_at", *key)),
        arrived_at=after(made["at"], 1.5 + chance.lognormal(7.5, 0.45, "s04.arrived", *key)),
        closed_at=after(made["at"], 20 + chance.lognormal(48.0, 0.7, "s04.closed", *key)),
        amount_wan=np.where(is_fraud, amount, 0.0),
        lng=np.round(lng, 3),
        lat=np.round(lat, 3),
        is_test=chance.happens(0.002, "s04.test", *key) & ~made["is_chain"],
        first_n=made["n"],
    )
    return _called_twice(world, made)


def _places(world: World, made: Columns, kind: Any) -> Any:
    """A building for each call: what kind of call it is decides which ones are likely."""
    chance, city = world.chance, world.city
    building, grid = city.building, city.grid
    of_township, key, own = building["township_i"], building["key"], keys(made)
    people = 1.0 + building["flats_n"]
    at_home = pick(chance, of_township, made["township_i"], people, "s04.home", *own)
    quarter = chance.lognormal(1.0, 1.1, "s04.fraud_trait", grid["key"])[building["grid_i"]]
    robbed = pick(chance, of_township, made["township_i"], people * quarter, "s04.fraud_at", *own)
    # Heavy-tailed: a few houses have most of the quarrels.
    quarrels = pick(
        chance, of_township, made["township_i"], people * chance.lognormal(1.0, 1.5, "s04.quarrel_trait", key),
        "s04.quarrel_at", *own,
    )  # fmt: skip
    place = np.where(np.isin(kind, FRAUD), robbed, np.where(np.isin(kind, DISPUTE), quarrels, at_home))
    # Vice keeps to a few shops of the township, others every month.
    is_vice = np.isin(kind, VICE)
    month = made["day"].astype("datetime64[M]").astype(np.int64)
    haunt = pick(
        chance, of_township, made["township_i"], None, "s04.haunt", made["township_i"], month,
        chance.integers(0, 3, "s04.haunt_of", *own),
    )  # fmt: skip
    return np.where(is_vice & chance.happens(0.7, "s04.at_haunt", *own), haunt, place)


def _of_chains(world: World, steps: Columns, names: list[str]) -> Columns:
    chance, city = world.chance, world.city
    what = steps["what"].astype(str)
    of_grid = pick(
        chance, city.building["grid_i"], steps["grid_i"], None, "s04.chain_at", steps["chain_no"], steps["step_no"]
    )
    topic = np.array([FRAUD_OF_TOPIC.get(topic, 0) for topic in steps["topic"]], dtype=np.int64)
    is_fight = (what == "event") & (steps["kind"] == "dispute")
    kind = np.select(
        [what == "fraud", what == "dispute_call", what == "gas_evacuation", is_fight],
        [topic, np.full(len(topic), QUARREL), np.full(len(topic), GAS), np.full(len(topic), ASSAULT)],
        GATHERING,
    )
    made = steps.with_columns(
        at=steps["at"].astype("datetime64[s]"),
        kind=kind,
        # Not every grid has a house: then any of the township.
        building_i=np.where(
            steps["building_i"] >= 0, steps["building_i"],
            np.where(of_grid >= 0, of_grid, pick(
                chance, city.building["township_i"], steps["township_i"], None, "s04.chain_near", steps["chain_no"])),
        ),
        is_chain=np.ones(steps.rows_n, bool),
    )  # fmt: skip
    return Columns({name: made[name] for name in names})


def _called_twice(world: World, made: Columns) -> Columns:
    """The calls, and second calls about some of them a few minutes later, which are incidents to the system."""
    chance = world.chance
    again = np.flatnonzero(chance.happens(SECOND_CALL, "s04.again", *keys(made)) & ~made["is_test"])
    second = made.where(again)
    key = keys(second)
    late = chance.integers(60, 1500, "s04.again_after", *key).astype("timedelta64[s]")
    # They stay on the day of the first call, whose number they have.
    last = second["day"].astype("datetime64[s]") + np.timedelta64(86_399, "s")
    at = np.minimum(second["at"] + late, last)
    second = second.with_columns(
        n=-1 - second["n"],
        at=at,
        arrived_at=np.maximum(second["arrived_at"], at + np.timedelta64(60, "s")),
        closed_at=np.maximum(second["closed_at"], at + np.timedelta64(600, "s")),
        refiled=np.zeros(second.rows_n, bool),
        kind_final=second["kind"],
        amount_wan=np.zeros(second.rows_n),
    )
    both = Columns.together([made, second]).with_columns(
        is_second=np.concatenate([np.zeros(made.rows_n, bool), np.ones(second.rows_n, bool)])
    )
    key = keys(both)
    return both.with_columns(
        linked=both["is_second"] & chance.happens(0.6, "s04.linked", *key),
        linked_at=moment(both["day"] + 1, chance.integers(8 * 3600, 12 * 3600, "s04.linked_at", *key)),
    )


_NUMBERED = """
    SELECT *, md5('110' || township_i || '/' || strftime(day, '%Y%m%d') || '/' || n) AS id,
           md5('110' || township_i || '/' || strftime(day, '%Y%m%d') || '/' || first_n) AS first_id
"""
"""The gateway's hash of a call's number."""


def _rows(world: World, days: Days) -> Rows:
    chance, city = world.chance, world.city
    made = incidents(world, days.since(REFILED_WITHIN + 2))
    is_later = made["refiled"] | made["linked"]
    later = np.where(made["refiled"], made["refiled_at"], made["linked_at"])
    later = np.maximum(later, after(made["closed_at"], 30))
    position = np.concatenate([np.arange(made.rows_n), np.flatnonzero(is_later)])
    is_new = np.arange(len(position)) >= made.rows_n
    updated = np.where(is_new, later[position], made["closed_at"][position])
    now = days.holds(updated)
    position, is_new, updated = position[now], is_new[now], updated[now]
    of = made.where(position)
    key = keys(of)
    code, is_old = old_codes(world, "s04.old_code", 0.012, of["township_i"], *key)
    levels = [np.array([row[level] for row in CATEGORIES], dtype=object) for level in range(4)]
    kind = np.where(is_new, of["kind_final"], of["kind"])
    return written(
        f"""
        WITH named AS ({_NUMBERED} FROM incident)
        SELECT id AS "JJDBH_HASH", CASE WHEN is_new AND linked THEN first_id END AS "ZJDBH_HASH",
               strftime("at", '%Y-%m-%d %H:%M:%S') AS "BJSJ", CASE WHEN is_test THEN '测试' ELSE kind_1 END AS "BJLB",
               kind_2 AS "BJLX", kind_3 AS "BJXL", kind_4 AS "BJZL", disposal AS "CJJG",
               'GA' || substr(area_code, 1, 6) || lpad(township_i::VARCHAR, 3, '0') AS "GXDW", area_code AS "XZQH",
               CASE WHEN NOT no_grid THEN grid_id END AS "WGBH", md5('place/' || building_no) AS "DD_HASH",
               printf('%.3f', lng) AS "JD", printf('%.3f', lat) AS "WD",
               strftime(CASE WHEN early THEN "at" - INTERVAL 5 MINUTE ELSE arrived_at END, '%Y-%m-%d %H:%M:%S')
                   AS "DCSJ",
               strftime(closed_at, '%Y-%m-%d %H:%M:%S') AS "JSSJ",
               CASE WHEN amount_wan > 0 THEN printf('%.2f', amount_wan) END AS "SAJE",
               '报警人' || person || '（' || phone || '）称' || kind_4 || '，请求处理' AS "BJNR",
               strftime(updated, '%Y-%m-%d %H:%M:%S') AS "GXSJ",
               updated::DATE AS _day, id AS _key, no_grid AS "!grid_missing",
               refiled AND NOT is_new AS "!refiled_later",
               is_second AS "!second_call", is_old AS "!old_area_code", early AS "!arrived_before_call",
               is_test AS "!test_row"
        FROM named ORDER BY updated, id, is_new
        """,
        incident=Columns(
            {name: of[name] for name in ("township_i", "day", "n", "first_n", "at", "arrived_at", "closed_at", "lng",
                                         "lat", "amount_wan", "refiled", "linked", "is_second", "is_test")}
        ).with_columns(
            **{f"kind_{number + 1}": level[kind] for number, level in enumerate(levels)},
            disposal=np.array(["现场调解", "口头警告", "受理立案", "移交派出所", "无需处置"], dtype=object)[
                chance.choose([42, 16, 12, 20, 10], "s04.disposal", *key)
            ],
            area_code=code,
            is_old=is_old,
            grid_id=city.grid["grid_id"][of["grid_i"]],
            building_no=city.building["building_no"][of["building_i"]].astype(str).astype(object),
            person=person_name(chance, "s04.person", *key),
            phone=phone(chance, "s04.phone", *key),
            updated=updated,
            is_new=is_new,
            no_grid=chance.happens(0.08, "s04.no_grid", *key),
            early=chance.happens(0.005, "s04.early", *key),
        ),
    )  # fmt: skip


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    made = incidents(world, days)
    names = np.array([row[3] for row in CATEGORIES], dtype=object)
    classes = np.array([row[0] for row in CATEGORIES], dtype=object)
    ordinal = made["day"].astype(np.int64)
    return {
        "police_incident": statement(
            f"""
            WITH named AS ({_NUMBERED} FROM incident)
            SELECT id, "at", class, category, class_final, category_final,
                   CASE WHEN refiled THEN refiled_at::DATE END AS recategorised_on, arrived_at,
                   township_i::INTEGER AS township_i, grid_i::INTEGER AS grid_i, building_i::INTEGER AS building_i,
                   amount_wan, same_event, closed_at::DATE AS delivered_on, NOT is_test AND NOT is_second AS is_real
            FROM named ORDER BY "at", id
            """,
            incident=made.with_columns(
                category=names[made["kind"]],
                **{"class": classes[made["kind"]]},
                category_final=names[made["kind_final"]],
                class_final=classes[made["kind_final"]],
                same_event=(made["township_i"] * 100_000 + ordinal) * 100_000_000 + made["first_n"],
            ),
        )
    }


SOURCE = Source(
    "S04",
    "公安局 110接处警（脱敏）",
    (
        Dataset(
            "S04",
            "linlan.police.incident",
            "110警情",
            Files(
                "incident_{day:%Y%m%d}*.csv.gz", writers.csv(gz=True), way="folder", late=0.015, missing=0.003,
                double=0.01, drifts=(Drift(date(2026, 6, 16), added={"BYZD": "1"}),),
            ),
            _rows,
            DIRT,
        ),
    ),
    _events,
)  # fmt: skip
