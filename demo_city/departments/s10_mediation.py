"""S10 mediation centres: disputes from registration to agreement, failure or follow-up.

Tables of events: ``dispute`` (beside the agreed columns ``kind planned_at chain_no delivered_on``; `planned_at` is when
a failed mediation got a plan, null when it never did).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.city.people import identity_number, person_name, phone
from demo_city.columns import Columns
from demo_city.departments.appeals.states import as_table, ends_of_days, first_days, times
from demo_city.departments.appeals.worktime import DAY_S, NEVER, days_since_1970, in_office
from demo_city.departments.protocol import Dataset, Pattern, Rows, Source, Table
from demo_city.departments.safety import drawn, old_codes, per_township, pick, written
from demo_city.text import replace, zfill

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

A_DAY = 290.0
LIFE_DAYS = 60
KINDS, KIND_WEIGHTS = (
    ("婚姻家庭", "邻里", "劳动争议", "物业", "损害赔偿", "合同债务", "征地拆迁", "医疗"),
    (19, 22, 15, 14, 12, 11, 4, 3),
)
SOURCES = ("群众申请", "12345转办", "公安移送", "法院委派", "网格排查")
RESULTS = ("调解成功", "调解失败", "终止调解", "引导诉讼")
RESULT_WEIGHTS = (90.5, 4.5, 2.5, 2.5)
OPENED, MEDIATING, CLOSED, PLANNED = range(4)
STATUS = ("已登记", "调解中", "已结案", "已跟进")
WORDS, CLOSED_FIRST, OLD_CODE = 0.16, 0.006, 0.03

PATTERNS = (
    Pattern(
        "amount_in_words", "The sum is told in words, such as 约3万.", 0.07, "warning", "amount_is_number",
        "amount_text",
    ),
    Pattern(
        "closed_first", "Closed before it was registered, by a slip in the date.", 0.0027, "warning",
        "closed_after_opened", "closed_at",
    ),
    Pattern(
        "old_area_code", "The area code is one from before the counties were merged or renamed.", OLD_CODE, "warning",
        "area_code_current", "area_code",
    ),
)  # fmt: skip


def disputes(world: World, days: Days) -> Columns:
    """Every dispute registered on the days: ``township_i key_1 key_2 opened kind_i result_i moments chain_no``."""
    chance = world.chance
    rhythm = world.life.rhythm("appeal", days).sum(axis=1) * np.where(world.life.is_workday(days.array), 1.15, 0.5)
    of = drawn(world, days, "s10", per_township(world, A_DAY), rhythm)
    key = (of["township_i"] * 100_000 + of["n"], of["day"].astype(np.int64))
    own = Columns(
        township_i=of["township_i"],
        building_i=pick(chance, world.city.building["township_i"], of["township_i"], None, "s10.place", *key),
        opened=of["day"].astype(np.int64) * DAY_S + chance.integers(8 * 3600, 18 * 3600, "s10.at", *key),
        key_1=key[0],
        key_2=key[1],
        closes=np.full(of.rows_n, NEVER),
        chain_no=np.full(of.rows_n, -1),
    )
    planted = world.once("s10.planted", lambda: _plant(world))
    made = Columns.together([own, planted.where(days.holds(_day(planted["opened"])))])
    key = (made["key_1"], made["key_2"])
    fails = made["closes"] < NEVER
    begun = in_office(
        world, made["opened"] + chance.integers(3600, 3 * DAY_S, "s10.begun", *key), chance.uniform("s10.u", *key)
    )
    lasts = np.minimum(chance.lognormal(5.5, 0.8, "s10.lasts", *key), 30) * DAY_S
    closed = in_office(world, begun + lasts.astype(np.int64), chance.uniform("s10.v", *key))
    begun = np.where(fails, np.minimum(begun, (made["opened"] + made["closes"]) // 2), begun)
    closed = np.where(fails, made["closes"], closed)
    result = np.where(fails, 1, chance.choose(RESULT_WEIGHTS, "s10.result", *key))
    planned = (result == 1) & ~fails & chance.happens(0.7, "s10.planned", *key)
    plan_at = closed + chance.integers(DAY_S, 14 * DAY_S, "s10.plan.at", *key)
    moments = np.column_stack([made["opened"], begun, closed, np.where(planned, plan_at, NEVER)])
    return made.with_columns(
        kind_i=chance.choose(KIND_WEIGHTS, "s10.kind", *key), result_i=result, moments=moments
    )  # fmt: skip


def _plant(world: World) -> Columns:
    """Disputes of chains: one that is opened, or one that is registered some days before it fails."""
    steps = world.life.precursors("S10")
    unknown = set(steps["what"]) - {"mediation_failed", "dispute_opened"}
    if unknown:
        raise ValueError(f"S10 does not know how to record {sorted(unknown)}")
    chance, key = world.chance, (steps["chain_no"] * 10, steps["step_no"].astype(np.int64))
    at = steps["at"].astype("datetime64[s]").astype(np.int64)
    failed = steps["what"] == "mediation_failed"
    before = chance.integers(4 * DAY_S, 12 * DAY_S, "s10.planted", *key)
    building = world.city.building
    near = pick(chance, building["grid_i"], steps["grid_i"].astype(np.int64), None, "s10.planted.place", *key)
    return Columns(
        township_i=steps["township_i"].astype(np.int64),
        building_i=np.where(steps["building_i"] >= 0, steps["building_i"], near).astype(np.int64),
        opened=np.where(failed, at - before, at),
        key_1=key[0],
        key_2=key[1],
        closes=np.where(failed, at, NEVER),
        chain_no=steps["chain_no"],
    )


def _day(seconds: Any) -> Any:
    return days_since_1970(seconds).astype("datetime64[D]")


def _numbers(world: World, of: Columns) -> Any:
    """Dispute numbers: day, the township's six last digits, the number of its day there; planted ones from 900 on."""
    day = replace(_day(of["opened"]).astype(str), "-", "")
    code = np.array([text[3:] for text in world.city.township["code"]])[of["township_i"]]
    planted = of["chain_no"] >= 0
    # Chains are rare: the last digits of chain and step tell two of one day and township apart.
    tail = np.where(planted, 500_000 + (of["key_1"] // 10 * 131 + of["key_2"]) % 500_000, of["key_1"] % 100_000)
    return np.char.add(np.char.add(np.char.add("TJ", day), code), zfill(tail.astype("U6"), 6)).astype(object)


def _rows(world: World, days: Days) -> Rows:
    chance, city = world.chance, world.city
    of = disputes(world, days.since(LIFE_DAYS))
    seen = ends_of_days(of["moments"])
    seen = seen.where(days.holds(seen["day"].astype("datetime64[D]")))
    own = Columns({name: values[seen["case_i"]] for name, values in of.items()})
    shown = np.where(own["moments"] <= seen["moment"][:, None], own["moments"], NEVER)
    key = (own["key_1"], own["key_2"])
    area, is_old = old_codes(world, "s10.old_code", OLD_CODE, own["township_i"], *key)
    closed = shown[:, CLOSED]
    closed_first = (closed < NEVER) & chance.happens(CLOSED_FIRST, "s10.closed_first", *key)
    slip = chance.integers(DAY_S, 40 * DAY_S, "s10.closed_first.by", *key)
    has_sum = chance.happens(0.44, "s10.sum", *key)
    in_words = has_sum & chance.happens(WORDS, "s10.words", *key)
    amount = chance.lognormal(21_000, 1.2, "s10.amount", *key).astype(np.int64) // 100 * 100 + 500
    first, second = own["key_1"] * 4096 + own["key_2"], own["key_1"] * 4096 + own["key_2"] + 7_777_777_777_777
    building = np.maximum(own["building_i"], 0)
    table = as_table(
        {
            "dispute_id": _numbers(world, own),
            "org": city.township["name_zh"][own["township_i"]],
            "kind": np.array(KINDS, dtype=object)[own["kind_i"]],
            "source": np.array(SOURCES, dtype=object)[chance.choose((40, 18, 17, 9, 16), "s10.source", *key)],
            "parties": 2 + chance.poisson(0.25, "s10.parties", *key),
            "name_a": person_name(chance, "s10.name", first),
            "idno_a": identity_number(chance, "s10.idno", first),
            "tel_a": phone(chance, "s10.tel", first),
            "name_b": person_name(chance, "s10.name", second),
            "idno_b": identity_number(chance, "s10.idno", second),
            "address": city.building["address_zh"][building].astype(object),
            "area_code": area,
            "has_sum": has_sum,
            "amount": amount,
            "way": chance.integers(0, 4, "s10.words.how", *key),
            "opened": times(shown[:, OPENED]),
            "begun": times(shown[:, MEDIATING]),
            "closed": times(np.where(closed_first, own["opened"] - slip, closed)),
            "is_closed": closed < NEVER,
            "planned": times(shown[:, PLANNED]),
            "result": np.array(RESULTS, dtype=object)[own["result_i"]],
            "status": np.array(STATUS, dtype=object)[seen["k"]],
            "mediator": person_name(chance, "s10.mediator", own["township_i"], own["key_1"] % 5),
            "updated_at": times(seen["moment"]),
            "_day": pa.array(seen["day"].astype("datetime64[D]")),
            "!amount_in_words": in_words,
            "!closed_first": closed_first,
            "!old_area_code": is_old,
        }
    )
    return written(_SQL, seen=table)


_SQL = """
SELECT dispute_id, org || '人民调解委员会' AS org_name, kind, source, parties::INTEGER AS parties_n,
       name_a AS party_a_name, idno_a AS party_a_idno, tel_a AS party_a_tel, name_b AS party_b_name,
       idno_b AS party_b_idno, address, area_code,
       CASE WHEN NOT has_sum THEN NULL WHEN NOT "!amount_in_words" THEN amount::VARCHAR
            WHEN way = 0 THEN '约' || greatest(round(amount / 10000), 1)::INTEGER || '万'
            WHEN way = 1 THEN amount || '元左右' WHEN way = 2 THEN greatest(amount // 10000, 1) || '万余元'
            ELSE '若干' END AS amount,
       name_a || '与' || name_b || '因' || kind || '纠纷申请调解，联系电话' || tel_a
       || '，住址' || address AS description,
       opened AS accept_time, begun AS mediate_time, CASE WHEN is_closed THEN result END AS result,
       closed AS close_time, planned AS plan_time, mediator AS mediator_name, status, updated_at, _day,
       dispute_id AS _key, COLUMNS('^!.*')
FROM seen ORDER BY _day, updated_at, dispute_id
"""


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    of = disputes(world, days)
    made = as_table(
        {
            "no": _numbers(world, of),
            "at": times(of["opened"]),
            "result": np.array(RESULTS, dtype=object)[of["result_i"]],
            "closed_at": times(of["moments"][:, CLOSED]),
            "planned_at": times(of["moments"][:, PLANNED]),
            "kind": np.array(KINDS, dtype=object)[of["kind_i"]],
            "township_i": of["township_i"].astype(np.int32),
            "chain_no": of["chain_no"],
            "delivered_on": pa.array(first_days(ends_of_days(of["moments"]), of.rows_n).astype("datetime64[D]")),
        }
    )
    return {"dispute": made.sort_by([("at", "ascending"), ("no", "ascending")])}


_TYPES = {
    "dispute_id": "varchar(24)",
    "parties_n": "integer",
    "accept_time": "timestamp(0)",
    "mediate_time": "timestamp(0)",
    "close_time": "timestamp(0)",
    "plan_time": "timestamp(0)",
    "updated_at": "timestamp(0)",
}

SOURCE = Source(
    "S10",
    "市司法局、综治中心 矛盾纠纷调解系统",
    (
        Dataset(
            "S10",
            "linlan.mediation.dispute",
            "矛盾纠纷",
            Table("dispute", ("dispute_id",), _TYPES, stands_for="MySQL 5.7", server="mariadb"),
            _rows,
            PATTERNS,
        ),
    ),
    _events,
)
