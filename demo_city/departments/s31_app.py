"""S31 the city's app 临澜百通: services that people use, and the stars they give.

Most stars are nobody's: three days after a service the system gives five for whoever said nothing, at the very second.

Tables of events: ``rating`` (beside the agreed columns ``rating_no service_no delivered_on``) and ``service``
(``service_no at finished_at item township_i delivered_on``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.city.people import person_name, phone
from demo_city.columns import Columns
from demo_city.departments.appeals.states import as_table, ends_of_days, first_days, times
from demo_city.departments.appeals.worktime import DAY_S, NEVER, days_since_1970, in_office
from demo_city.departments.protocol import Dataset, Pattern, Rows, Source, Table
from demo_city.departments.safety import drawn, per_township, written
from demo_city.text import replace, zfill

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

A_DAY = 60_000.0
LIFE_DAYS = 8
"""No service lasts longer."""
DEFAULT_AFTER_S = 3 * DAY_S
ITEMS = (
    # code, name, weight, share that an office has to look at
    ("A0101", "公交扫码乘车", 22, 0.0),
    ("A0102", "停车缴费", 12, 0.0),
    ("A0201", "水费缴纳", 6, 0.0),
    ("A0202", "电费缴纳", 7, 0.0),
    ("A0203", "燃气费缴纳", 5, 0.0),
    ("B0101", "社保查询", 8, 0.0),
    ("B0102", "社保转移接续", 1.5, 1.0),
    ("B0201", "公积金提取", 2.5, 0.8),
    ("B0301", "医保电子凭证", 9, 0.0),
    ("B0302", "异地就医备案", 1.5, 0.4),
    ("C0101", "医院预约挂号", 8, 0.0),
    ("C0201", "入学报名", 1.2, 1.0),
    ("C0301", "婚姻登记预约", 0.6, 0.3),
    ("D0101", "居住证办理", 1.2, 1.0),
    ("D0102", "身份证预约", 1.5, 0.5),
    ("D0201", "不动产查询", 1.8, 0.0),
    ("E0101", "营业执照申领", 0.7, 1.0),
    ("E0201", "惠企政策申报", 0.4, 1.0),
    ("F0101", "随手拍上报", 2.2, 1.0),
    ("F0201", "景区预约", 3, 0.0),
    ("F0301", "图书借阅", 2, 0.0),
    ("G0101", "高龄津贴申请", 0.3, 1.0),
    ("G0201", "法律援助申请", 0.2, 1.0),
)
CHANNELS = ("APP", "微信小程序", "支付宝小程序", "自助终端")
RATED, RATED_BY_SYSTEM = 0.075, 0.175
SCORE_WEIGHTS = (3.0, 2.5, 6.5, 22.0, 66.0)
COMMENTS = (
    "很方便",
    "办理速度快，点赞",
    "页面卡顿",
    "一直审核不通过，请联系我{t}",
    "材料反复退回，经办人态度差。{n}",
    "",
)
ZERO, FINISHED_FIRST = 0.002, 0.003

SERVICE_PATTERNS = (
    Pattern(
        "finished_first", "Finished before it was applied for: the clocks of two machines differ.", 0.0026, "warning",
        "finished_after_applied", "finished_at",
    ),
)  # fmt: skip
RATING_PATTERNS = (
    Pattern(
        "default_five_stars", "Nobody gave these five stars: the system did, after three days to the second.", 0.7,
        "core", None, "score",
    ),
    Pattern(
        "score_zero", "A score of 0, which the scale does not have.", 0.0006, "quarantine", "score_on_scale", "score"
    ),
)  # fmt: skip


def services(world: World, days: Days) -> Columns:
    """Every service applied for on the days: ``township_i day n item_i applied finished``."""
    chance = world.chance
    rhythm = 0.45 + 0.55 * world.life.rhythm("traffic", days).sum(axis=1)
    of = drawn(world, days, "s31", per_township(world, A_DAY), rhythm)
    key = (of["township_i"], of["day"], of["n"])
    applied = of["day"].astype(np.int64) * DAY_S + world.life.hours(
        "traffic", of["day"], "s31.at", of["township_i"], of["n"]
    )
    item = chance.choose([weight for _, _, weight, _ in ITEMS], "s31.item", *key)
    looked_at = chance.happens(np.array([share for *_, share in ITEMS])[item], "s31.office", *key)
    finished = applied + 5 + (90 * chance.uniform("s31.lasts", *key) ** 2).astype(np.int64)
    at = np.flatnonzero(looked_at)
    few = tuple(values[at] for values in key)
    lasts = np.minimum(chance.lognormal(1.1, 0.7, "s31.office.lasts", *few), 3.5) * DAY_S
    finished[at] = np.minimum(
        in_office(world, applied[at] + lasts.astype(np.int64), chance.uniform("s31.office.at", *few)),
        applied[at] + (LIFE_DAYS - 1) * DAY_S,
    )
    return of.with_columns(item_i=item, applied=applied, finished=finished)


def _service_numbers(world: World, of: Columns) -> Any:
    day = replace(of["day"].astype(str), "-", "")
    code = np.array([text[3:] for text in world.city.township["code"]])[of["township_i"]]
    return np.char.add(np.char.add(np.char.add("F", day), code), zfill(of["n"].astype("U6"), 6)).astype(object)


def _users(world: World, of: Columns) -> Any:
    people = np.asarray(world.city.township["population"])[of["township_i"]]
    lot = world.chance.uniform("s31.user", of["township_i"], of["day"], of["n"])
    return of["township_i"] * 10_000_000 + (lot**1.6 * people * 0.6).astype(np.int64)


def _service_rows(world: World, days: Days) -> Rows:
    chance = world.chance
    of = services(world, days.since(LIFE_DAYS))
    seen = ends_of_days(np.column_stack([of["applied"], of["finished"]]))
    seen = seen.where(days.holds(seen["day"].astype("datetime64[D]")))
    own = of.where(seen["case_i"])
    key = (own["township_i"], own["day"], own["n"])
    user, done = _users(world, own), seen["k"] == 1
    first = done & chance.happens(FINISHED_FIRST, "s31.first", *key)
    slip = chance.integers(30, 900, "s31.first.by", *key)
    table = as_table(
        {
            "service_no": _service_numbers(world, own),
            "item_i": own["item_i"],
            "channel": np.array(CHANNELS, dtype=object)[chance.choose((55, 27, 12, 6), "s31.channel", *key)],
            "user": user,
            "tel": phone(chance, "s31.user.tel", user),
            "town_code": world.city.township["code"][own["township_i"]],
            "apply_time": times(own["applied"]),
            "finish_time": times(np.where(done, np.where(first, own["applied"] - slip, own["finished"]), NEVER)),
            "failed": chance.happens(0.025, "s31.failed", *key),
            "done": done,
            "updated_at": times(seen["moment"]),
            "_day": pa.array(seen["day"].astype("datetime64[D]")),
            "!finished_first": first,
        }
    )
    items = Columns(
        item_i=np.arange(len(ITEMS)),
        item_code=np.array([code for code, *_ in ITEMS], dtype=object),
        item_name=np.array([name for _, name, *_ in ITEMS], dtype=object),
    )
    return written(
        """
        SELECT service_no, item_code, item_name, channel, 'U' || "user" AS user_id, tel AS user_phone, town_code,
               apply_time, finish_time,
               CASE WHEN NOT done THEN '办理中' WHEN failed THEN '不予办理' ELSE '办结' END AS result,
               updated_at, _day, service_no AS _key, "!finished_first"
        FROM seen JOIN items USING (item_i) ORDER BY _day, updated_at, service_no
        """,
        seen=table,
        items=items,
    )


def ratings(world: World, days: Days) -> Columns:
    """Every rating given on the days, clean: the services' columns, and ``at score is_default``."""
    chance = world.chance
    of = services(world, days.since(LIFE_DAYS + 5))
    key = (of["township_i"], of["day"], of["n"])
    lot = chance.uniform("s31.rated", *key)
    of, lot = of.where(lot < RATED + RATED_BY_SYSTEM), lot[lot < RATED + RATED_BY_SYSTEM]
    key = (of["township_i"], of["day"], of["n"])
    is_default = lot >= RATED
    late = np.minimum(chance.lognormal(1500, 1.6, "s31.rated.after", *key), 2.9 * DAY_S).astype(np.int64)
    score = 1 + chance.choose(SCORE_WEIGHTS, "s31.score", *key)
    made = of.with_columns(
        at=of["finished"] + np.where(is_default, DEFAULT_AFTER_S, late),
        score=np.where(is_default, 5, score),
        is_default=is_default,
    )
    return made.where(days.holds(days_since_1970(made["at"]).astype("datetime64[D]")))


def _rating_rows(world: World, days: Days) -> Rows:
    chance, of = world.chance, ratings(world, days)
    key = (of["township_i"], of["day"], of["n"])
    user = _users(world, of)
    zero = ~of["is_default"] & chance.happens(ZERO, "s31.zero", *key)
    comment = chance.integers(0, len(COMMENTS), "s31.comment", *key)
    service = _service_numbers(world, of)
    table = as_table(
        {
            "service_no": service,
            "user": user,
            "name": person_name(chance, "s31.user.name", user),
            "tel": phone(chance, "s31.user.tel", user),
            "score": np.where(zero, 0, of["score"]),
            "comment": np.where(of["is_default"], None, np.array(COMMENTS, dtype=object)[comment]),
            "item_code": np.array([code for code, *_ in ITEMS], dtype=object)[of["item_i"]],
            "town_code": world.city.township["code"][of["township_i"]],
            "rate_time": times(of["at"]),
            "_day": pa.array(days_since_1970(of["at"]).astype("datetime64[D]")),
            "!default_five_stars": of["is_default"],
            "!score_zero": zero,
        }
    )
    return written(
        """
        SELECT 'R' || service_no[2:] AS rating_no, service_no, item_code, town_code, 'U' || "user" AS user_id,
               score::INTEGER AS score,
               nullif(replace(replace(comment, '{n}', name), '{t}', tel), '') AS comment,
               rate_time, rate_time AS updated_at, _day, 'R' || service_no[2:] AS _key, COLUMNS('^!.*')
        FROM seen ORDER BY _day, rate_time, rating_no
        """,
        seen=table,
    )


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    of, rated = services(world, days), ratings(world, days)
    delivered = first_days(ends_of_days(np.column_stack([of["applied"], of["finished"]])), of.rows_n)
    number = _service_numbers(world, rated)
    items = np.array([code for code, *_ in ITEMS], dtype=object)
    rating = as_table(
        {
            "rating_no": np.array(["R" + text[1:] for text in number], dtype=object),
            "service_no": number,
            "at": times(rated["at"]),
            "score": pa.array(rated["score"], pa.int32()),
            "township_i": rated["township_i"].astype(np.int32),
            "is_default": rated["is_default"],
            "delivered_on": pa.array(days_since_1970(rated["at"]).astype("datetime64[D]")),
        }
    )
    service = as_table(
        {
            "service_no": _service_numbers(world, of),
            "at": times(of["applied"]),
            "finished_at": times(of["finished"]),
            "item": items[of["item_i"]],
            "township_i": of["township_i"].astype(np.int32),
            "delivered_on": pa.array(delivered.astype("datetime64[D]")),
        }
    )
    return {
        "rating": rating.sort_by([("at", "ascending"), ("rating_no", "ascending")]),
        "service": service.sort_by([("at", "ascending"), ("service_no", "ascending")]),
    }


_SERVICE_TYPES = {
    "service_no": "varchar(24)",
    "apply_time": "timestamp(0)",
    "finish_time": "timestamp(0)",
    "updated_at": "timestamp(0)",
}
_RATING_TYPES = {
    "rating_no": "varchar(24)",
    "score": "integer",
    "rate_time": "timestamp(0)",
    "updated_at": "timestamp(0)",
}

SOURCE = Source(
    "S31",
    "市数据局 临澜百通与好差评",
    (
        Dataset(
            "S31",
            "linlan.app.service",
            "城市App服务",
            Table("app_service", ("service_no",), _SERVICE_TYPES, stands_for="MySQL 8", server="mariadb"),
            _service_rows,
            SERVICE_PATTERNS,
        ),
        Dataset(
            "S31",
            "linlan.app.rating",
            "好差评",
            Table("app_rating", ("rating_no",), _RATING_TYPES, stands_for="MySQL 8", server="mariadb"),
            _rating_rows,
            RATING_PATTERNS,
        ),
    ),
    _events,
)
