"""S09 the petitions bureau: letters, visits, messages and calls of a day, as a workbook that a clerk exports.

The workbook has a title, counties as merged cells, and a footer with the clerk's name. Petitions of chains and
scenarios are among them; a chain's event is a crowd that comes in person.

Tables of events: ``petition`` (beside the agreed columns ``form is_repeat chain_no delivered_on``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.city.people import identity_number, person_name, phone
from demo_city.columns import Columns
from demo_city.departments.appeals.states import as_table, times
from demo_city.departments.appeals.worktime import DAY_S, days_since_1970
from demo_city.departments.protocol import Dataset, Drift, Files, Pattern, Rows, Source
from demo_city.departments.safety import drawn, per_township, pick, written
from demo_city.systems import writers
from demo_city.text import replace, zfill

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

A_DAY = 150.0
FORMS, FORM_WEIGHTS = ("网上信访", "来访", "来信", "电话"), (54, 21, 12, 13)
LEVELS, LEVEL_WEIGHTS = ("县", "市", "省", "京"), (52, 31, 14, 3)
MATTERS = (
    # matter, what it is about, weight
    ("城乡建设", "拆迁补偿", 14),
    ("劳动社保", "欠薪", 15),
    ("城乡建设", "物业矛盾", 13),
    ("教育", "学位分配", 6),
    ("农业农村", "征地补偿", 12),
    ("城乡建设", "停车收费", 3),
    ("城乡建设", "楼盘延期交付", 7),
    ("教育", "学区调整", 2),
    ("涉法涉诉", "判决执行", 12),
    ("生态环境", "化工园区", 3),
    ("城乡建设", "垃圾转运站选址", 2),
    ("金融", "投资受损", 4),
    ("社会保障", "低保待遇", 7),
)
CROWD, SPELLED, SERIAL = (18, 130), 0.07, 0.012

PATTERNS = (
    Pattern(
        "date_as_serial", "The date is the number that Excel keeps it as; it is read as the date it is.", SERIAL,
        "corrected", None, "registered_on",
    ),
    Pattern(
        "name_spelled_otherwise", "The petitioner's name is written with a blank, a title or a count of fellows.",
        SPELLED, "never", None, "petitioner_name",
    ),
)  # fmt: skip


def petitions(world: World, days: Days) -> Columns:
    """Every petition registered on the days: ``township_i at key_1 key_2 matter_i persons form_i level_i repeat``."""
    chance = world.chance
    rhythm = world.life.rhythm("appeal", days).sum(axis=1) * np.where(world.life.is_workday(days.array), 1.12, 0.6)
    of = drawn(world, days, "s09", per_township(world, A_DAY), rhythm)
    key = (of["township_i"] * 100_000 + of["n"], of["day"].astype(np.int64))
    second = chance.integers(8 * 3600, 17 * 3600, "s09.at", *key)
    own = Columns(
        township_i=of["township_i"],
        at=of["day"].astype(np.int64) * DAY_S + second,
        key_1=key[0],
        key_2=key[1],
        matter_i=chance.choose([weight for *_, weight in MATTERS], "s09.matter", *key),
        is_event=np.zeros(of.rows_n, bool),
        chain_no=np.full(of.rows_n, -1),
    )
    made = Columns.together([own, _planted(world).where(days.holds(_day(_planted(world))))])
    key = (made["key_1"], made["key_2"])
    alone = 1 + chance.poisson(0.35, "s09.persons", *key)
    persons = np.where(chance.happens(0.06, "s09.group", *key), chance.integers(5, 22, "s09.group.n", *key), alone)
    persons = np.where(made["is_event"], chance.integers(*CROWD, "s09.crowd", *key), persons)
    form = chance.choose(FORM_WEIGHTS, "s09.form", *key)
    level = chance.choose(LEVEL_WEIGHTS, "s09.level", *key)
    return made.with_columns(
        persons=persons,
        form_i=np.where(made["is_event"] | (persons >= 5), 1, form),
        level_i=np.where(made["is_event"], 1, level),
        is_repeat=chance.happens(0.28, "s09.repeat", *key) & ~made["is_event"],
    )


def _planted(world: World) -> Columns:
    return world.once("s09.planted", lambda: _plant(world))


def _plant(world: World) -> Columns:
    steps = world.life.precursors("S09")
    unknown = set(steps["what"]) - {"petition", "event"}
    if unknown:
        raise ValueError(f"S09 does not know how to record {sorted(unknown)}")
    names = [about for _, about, _ in MATTERS]
    # Investors of whatever platform come about their losses.
    matter = np.array([names.index(topic) if topic in names else names.index("投资受损") for topic in steps["topic"]])
    second = world.chance.integers(0, 60, "s09.planted", steps["chain_no"], steps["step_no"])
    return Columns(
        township_i=steps["township_i"].astype(np.int64),
        at=steps["at"].astype("datetime64[s]").astype(np.int64) + second,
        key_1=steps["chain_no"] * 10,
        key_2=steps["step_no"].astype(np.int64),
        matter_i=matter.astype(np.int64),
        is_event=steps["what"] == "event",
        chain_no=steps["chain_no"],
    )


def _day(of: Columns) -> Any:
    return days_since_1970(of["at"]).astype("datetime64[D]")


def _numbers(world: World, of: Columns) -> Any:
    day = replace(_day(of).astype(str), "-", "")
    code = np.array([text[3:] for text in world.city.township["code"]])[of["township_i"]]
    # By time within the township and the day.
    group = days_since_1970(of["at"]) * 256 + of["township_i"]
    order = np.lexsort((of["key_2"], of["key_1"], of["at"], group))
    ordered = group[order]
    serial = np.zeros(of.rows_n, np.int64)
    serial[order] = np.arange(of.rows_n) - np.searchsorted(ordered, ordered, "left") + 1
    return np.char.add(np.char.add(np.char.add("XF", day), code), zfill(serial.astype("U4"), 4)).astype(object)


def _rows(world: World, days: Days) -> Rows:
    chance, city, of = world.chance, world.city, petitions(world, days)
    key = (of["key_1"], of["key_2"])
    # People who come again are the same people.
    people = np.asarray(city.township["population"])[of["township_i"]]
    lot = chance.uniform("s09.person", *key)
    person = of["township_i"] * 10_000_000 + np.where(of["is_repeat"], lot**1.5 * 60, lot * people).astype(np.int64)
    serial = chance.happens(SERIAL, "s09.serial", *key)
    spelled = chance.happens(SPELLED, "s09.spelled", *key)
    building = np.maximum(pick(chance, city.building["township_i"], of["township_i"], None, "s09.home", *key), 0)
    day = _day(of)
    table = as_table(
        {
            "no": _numbers(world, of),
            "county": city.county["name_zh"][city.township["county_i"][of["township_i"]]],
            "order_no": city.county["order_no"][city.township["county_i"][of["township_i"]]],
            "town_code": city.township["code"][of["township_i"]],
            "town": city.township["name_zh"][of["township_i"]],
            "on_day": pa.array(day),
            "serial": (day - np.datetime64("1899-12-30")).astype(np.int64),
            "form": np.array(FORMS, dtype=object)[of["form_i"]],
            "name": person_name(chance, "s09.name", person),
            "tel": phone(chance, "s09.tel", person),
            "idno": identity_number(chance, "s09.idno", person),
            "address": city.building["address_zh"][building].astype(object),
            "persons": of["persons"],
            "is_repeat": of["is_repeat"],
            "level": np.array(LEVELS, dtype=object)[of["level_i"]],
            "matter": np.array([each for each, _, _ in MATTERS], dtype=object)[of["matter_i"]],
            "about": np.array([each for _, each, _ in MATTERS], dtype=object)[of["matter_i"]],
            "way": chance.integers(0, 4, "s09.spelled.how", *key),
            "moment": times(of["at"]),
            "!date_as_serial": serial,
            "!name_spelled_otherwise": spelled,
        }
    )
    return written(_SQL, seen=table)


_SQL = """
SELECT no AS 信访件编号, county AS 区县, town_code AS 镇街代码,
       CASE WHEN "!date_as_serial" THEN serial::VARCHAR ELSE strftime(on_day, '%Y-%m-%d') END AS 登记日期,
       form AS 信访形式,
       CASE WHEN NOT "!name_spelled_otherwise" THEN name
            WHEN way = 0 THEN name[1] || ' ' || name[2:] WHEN way = 1 THEN name[1] || '某'
            WHEN way = 2 THEN name || '等' || persons || '人' ELSE name || '（代）' END AS 信访人姓名,
       idno AS 身份证号, tel AS 联系电话, address AS 住址, persons::INTEGER AS 信访人数,
       CASE WHEN is_repeat THEN '重信重访' ELSE '初信初访' END AS 初重标志, level AS 级别,
       matter AS 内容分类, about AS 问题类型,
       name || '反映' || town || about || '问题，涉及' || persons || '人，要求尽快答复，'
       || '联系电话' || tel || '，身份证' || idno AS 反映内容,
       on_day AS _day, no AS _key, COLUMNS('^!.*')
FROM seen ORDER BY _day, order_no, moment, no
"""


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    of = petitions(world, days)
    made = as_table(
        {
            "no": _numbers(world, of),
            "at": times(of["at"]),
            "persons": pa.array(of["persons"], pa.int32()),
            "level": np.array(LEVELS, dtype=object)[of["level_i"]],
            "township_i": of["township_i"].astype(np.int32),
            "topic": np.array([each for _, each, _ in MATTERS], dtype=object)[of["matter_i"]],
            "form": np.array(FORMS, dtype=object)[of["form_i"]],
            "is_repeat": of["is_repeat"],
            "chain_no": of["chain_no"],
            "delivered_on": pa.array(_day(of)),
        }
    )
    return {"petition": made.sort_by([("at", "ascending"), ("no", "ascending")])}


_WRITE = writers.excel(
    title="临澜市信访事项登记表（{day:%Y年%m月%d日}）",
    merged=("区县",),
    footer=("合计：{n} 件", "填表人：陈静 10512345678"),
)

SOURCE = Source(
    "S09",
    "市信访局 网上信访系统",
    (
        Dataset(
            "S09",
            "linlan.petition.petition",
            "信访事项",
            Files(
                "petition_{day:%Y%m%d}.xlsx",
                _WRITE,
                late=0.03,
                missing=0.008,
                double=0.01,
                drifts=(
                    Drift(date(2025, 11, 12), added={"备注": "补录"}),
                    Drift(date(2026, 6, 10), renamed={"信访人数": "人数"}),
                ),
            ),
            _rows,
            PATTERNS,
        ),
    ),
    _events,
)
