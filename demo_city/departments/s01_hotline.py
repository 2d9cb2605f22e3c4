"""S01 the 12345 hotline: its work orders, from the call to the visit afterwards.

More than half are answered at once. The others go to a department (some to a wrong one, which sends them back), wait in
its queue, are answered (many just before the deadline), closed, and the caller is asked; who is not content may have
the order opened again. A version is written on each day on which something changed.

Tables of events: ``hotline_case`` (one row per order, double entries included with ``is_real`` false). Beside the
agreed columns it has ``first_deadline_at first_closed_at first_visited_at first_satisfaction first_is_solved``: what it
was before it was opened again; ``revisited_at``: when the caller was asked again, whether or not anybody answered; and
``reopened_at withdrawn_at bounced_n is_direct chain_no``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.city.people import identity_number, person_name, phone
from demo_city.columns import Columns
from demo_city.days import BEGINS_ON, ENDS_ON, Days
from demo_city.departments.appeals.happenings import HOTLINE, reports
from demo_city.departments.appeals.states import as_table, ends_of_days, first_days, times
from demo_city.departments.appeals.topics import REQUEST_TYPES, TOPICS, numbers, text_table, topic_table
from demo_city.departments.appeals.worktime import (
    DAY_S,
    NEVER,
    after_workdays,
    by_day,
    days_since_1970,
    in_office,
)
from demo_city.departments.protocol import Dataset, Pattern, Rows, Source, Table
from demo_city.departments.safety import old_codes, written
from demo_city.text import replace, zfill

if TYPE_CHECKING:
    from demo_city.world import World

LIFE_DAYS = 60
"""No order changes later than so many days after its call."""
DIRECT_LIFE_DAYS = 6
"""… and none that was answered at once later than this."""
CHANNELS = ("电话", "微信", "APP", "网站", "110转办", "省平台", "领导信箱")
CHANNEL_WEIGHTS = (70, 12, 7, 4, 3, 3, 1)
TO_COUNTY = 0.42
"""Share of the dispatched orders that go to the county's government and not to an office of the city."""
DISPATCHED_SHARE = 0.74
"""Of what the topics say is dispatched and is not urgent: the rest an agent with the department's answers settles."""
LIMIT_WORKDAYS = (2, 5, 5, 7, 10, 5)
"""Workdays an office has, by request type."""
SATISFACTION = ("非常不满意", "不满意", "基本满意", "满意", "非常满意")
VISIT_RESULTS = ("成功", "无人接听", "拒绝评价")
(
    ACCEPTED, DISPATCHED, BOUNCED, BOUNCED_2, BOUNCED_3, DELAYED, REPLIED, CLOSED, VISITED,
    REOPENED, REPLIED_AGAIN, CLOSED_AGAIN, VISITED_AGAIN, WITHDRAWN,
) = range(14)  # fmt: skip
STATUS = (
    "已受理", "处理中", "退单重派", "退单重派", "退单重派", "延期处理", "待审核", "已办结", "已回访",
    "重办中", "待审核", "已办结", "已回访", "已撤单",
)  # fmt: skip
"""State after each moment of an order's life."""

OPENERS = ("来电人反映：", "市民反映，", "网友留言：", "来电人称，", "")
CLOSERS = (
    "。联系人{n}，电话{t}。",
    "。请相关部门尽快处理，回复{n}（{t}）。",
    "。来电人{n}，身份证号{i}，要求对个人信息保密。",
    "。此前已向社区反映，未解决。可联系{n}女士/先生{t}。",
    "，希望有关部门重视。{n} {t}",
    "。",
)
REPLIES = (
    "经核实，已安排工作人员联系{n}（{t}）并到现场处理，情况基本属实。",
    "您好，您反映的问题已收悉，我单位已处理完毕，已电话告知{n}。",
    "经与来电人{n}（{t}）沟通，问题正在协调推进中。",
    "现场查看未发现所述情况，已向来电人说明，来电人表示理解。",
)

OLD_CODE, ALIAS, GARBLED = 0.03, 0.12, 0.003
CLOSED_FIRST, NO_DEADLINE, TWICE, EMPTY_DATE, TWELVE, MERGED, LATE = 0.006, 0.015, 0.008, 0.006, 0.01, 0.25, 0.004
"""Chances of each slip where it can happen at all; the patterns say the share of all rows that follows."""

PATTERNS = (
    Pattern(
        "old_area_code", "The area code is one from before the counties were merged or renamed.", 0.03, "warning",
        "area_code_current", "area_code",
    ),
    Pattern(
        "department_alias", "The department is written by another of its names.", 0.116, "warning",
        "department_known", "main_department",
    ),
    Pattern(
        "close_before_create", "Closed before it was called, by a slip in the date.", 0.0049, "warning",
        "closed_after_call", "closed_at",
    ),
    Pattern("deadline_missing", "Dispatched without a deadline.", 0.009, "core", None, "deadline_at"),
    Pattern("double_entry", "The same call was typed in twice, under two numbers.", 0.008, "core", None, "order_no"),
    Pattern("mojibake", "Texts are bytes of GBK read as Latin-1.", 0.003, "warning", "category_readable", "category3"),
    Pattern(
        "null_as_1900", "A missing reply is written 1900-01-01.", 0.0015, "warning", "replied_in_our_time",
        "replied_at",
    ),
    Pattern(
        "twelve_hour_clock", "The time of acceptance lacks its PM.", 0.007, "warning", "accepted_after_call",
        "accepted_at",
    ),
    Pattern(
        "merged_co_departments", "All departments that help stand in one cell.", 0.0193, "warning",
        "co_department_single", "co_department",
    ),
    Pattern(
        "reopened_number", "A closed order is open again under its number: its closing time has gone away.", 0.0067,
        "corrected", None, "closed_at",
    ),
    Pattern("late_row", "Written to the table one or two days after its time of change.", 0.003, "corrected"),
)  # fmt: skip


def orders(world: World, days: Days, direct_since: Days | None = None) -> Columns:
    """Orders called in on the given days, with everything that ever happens to them, clean.

    Args:
        world: of which city.
        days: days of the calls.
        direct_since: of orders answered at once only those of these days.

    Returns:
        The reports' columns, and ``key`` (their draws' second key), ``order_no``, ``is_real``, ``type_i channel_i
        is_direct caller department_i bounces success success_again score score_again is_solved is_solved_again``
        ``deadline deadline_delayed deadline_again``, and ``moments`` (rows × 14, seconds since 1970, NEVER where it
        does not happen).
    """
    chance = world.chance
    of = reports(world, days, HOTLINE)
    share = 1 - (1 - numbers("direct")) * np.where(numbers("urgent") > 0, 1.0, DISPATCHED_SHARE)
    of = of.with_columns(is_direct=chance.happens(share[of["topic_i"]], "s01.direct", of["event"], of["n"]))
    if direct_since is not None:
        recent = direct_since.holds(days_since_1970(of["at"]).astype("datetime64[D]"))
        of = of.where(~of["is_direct"] | recent)
    of = of.with_columns(is_real=np.ones(of.rows_n, bool), call=of["at"], key=of["n"], caller=_callers(world, of))
    twice = of.where(chance.happens(TWICE, "s01.twice", of["event"], of["n"]))
    twice["call"] = twice["at"] + chance.integers(40, 400, "s01.twice.lag", twice["event"], twice["n"])
    # A call at midnight may be typed in again on the next day: the number is that of the first.
    twice["serial"], twice["key"] = twice["serial"] + 50_000, twice["key"] + 1_000_000
    twice["is_real"] = np.zeros(twice.rows_n, bool)
    return _handled(world, Columns.together([of, twice]))


def _callers(world: World, of: Columns) -> Any:
    """Number of each caller, some of whom call again and again."""
    chance, key = world.chance, (of["event"], of["n"])
    people = np.asarray(world.city.township["population"])[of["township_i"]]
    lot = chance.uniform("s01.caller", *key)
    often = chance.happens(0.1, "s01.caller.often", *key)
    return of["township_i"] * 10_000_000 + np.where(often, lot**1.4 * 45, 100 + lot * people * 0.3).astype(np.int64)


def _handled(world: World, of: Columns) -> Columns:
    chance, key = world.chance, (of["event"], of["key"])
    topic, direct = of["topic_i"], of["is_direct"]
    urgent = numbers("urgent")[topic].astype(bool)
    type_i = chance.choose(np.array([t.types for t in TOPICS])[topic], "s01.type", *key)
    channel_i = chance.choose(CHANNEL_WEIGHTS, "s01.channel", *key)
    to_county = ~direct & chance.happens(TO_COUNTY, "s01.county", *key)
    load = np.where(to_county, _load(world, "county", of["call"]), _load(world, "city", of["call"]))
    trait = 0.3 * chance.normal("s01.office", np.where(to_county, 1000 + of["township_i"], topic))
    uniform = {name: chance.uniform(f"s01.{name}", *key) for name in ("accept", "dispatch", "reply", "close", "visit")}

    moments = np.full((of.rows_n, 14), NEVER)
    phoned = channel_i == 0
    waits = np.where(phoned, 40 + 560 * uniform["accept"], 300 + 15_000 * uniform["accept"] ** 3)
    accepted = of["call"] + waits.astype(np.int64)
    dispatched = _by_daylight(
        accepted + np.minimum(chance.lognormal(2400, 0.9, "s01.dispatch.after", *key), 70_000).astype(np.int64),
        urgent,
        uniform["dispatch"],
    )
    bounces = np.zeros(of.rows_n, np.int64)
    start = dispatched
    moments[:, ACCEPTED] = accepted
    moments[:, DISPATCHED] = np.where(direct, NEVER, dispatched)
    for number, share in enumerate((0.085, 0.22, 0.3)):
        again = ~direct & ~urgent & (bounces == number) & chance.happens(share, f"s01.bounce.{number}", *key)
        lag = np.minimum(chance.lognormal(0.45 * load, 0.6, f"s01.bounce.lag.{number}", *key), 2.5) * DAY_S
        back = in_office(world, start + lag.astype(np.int64), uniform["dispatch"])
        moments[:, BOUNCED + number] = np.where(again, back, NEVER)
        start = np.where(again, back, start)
        bounces += again
    deadline = np.where(urgent, dispatched + DAY_S, after_workdays(world, dispatched, np.array(LIMIT_WORKDAYS)[type_i]))
    worked = chance.lognormal(numbers("workdays")[topic] * load * np.exp(trait), 0.7, "s01.work", *key) * 1.2 * DAY_S
    ready = start + np.minimum(worked, 22 * DAY_S).astype(np.int64)
    closed = np.where(urgent, ready, in_office(world, ready, uniform["close"]))
    delayed = (closed > deadline) & ~urgent & (type_i >= 2) & chance.happens(0.3, "s01.delay", *key)
    delay_at = deadline - (1800 + 30_000 * uniform["reply"]).astype(np.int64)
    longer = after_workdays(world, deadline, 5)
    closed = np.where(delayed, np.maximum(closed, deadline + 3600), closed)
    until = np.where(delayed, longer, deadline)
    # Who is late hurries: most of what would miss the deadline is closed in the last hours before it.
    hurried = (closed > until) & (until > start + 7200) & chance.happens(0.9, "s01.hurry", *key)
    closed = np.where(hurried, until - (300 + (until - start - 6000).clip(0, 25_000) * uniform["close"]), closed)
    closed = closed.astype(np.int64)
    review = (900 + 12_000 * uniform["reply"]).astype(np.int64)
    replied = np.maximum(closed - review, start + (closed - start) // 2)
    delayed &= (delay_at > start) & (delay_at < replied)
    quick = accepted + (60 + 840 * uniform["reply"]).astype(np.int64)
    closed, replied = np.where(direct, quick, closed), np.where(direct, quick, replied)
    moments[:, DELAYED] = np.where(delayed & ~direct, delay_at, NEVER)
    moments[:, REPLIED], moments[:, CLOSED] = replied, closed
    asked = chance.happens(np.where(direct, 0.16, 0.84), "s01.visited", *key)
    visited = _next_days(closed, uniform["visit"], chance.uniform("s01.visit.hour", *key))
    moments[:, VISITED] = np.where(asked, visited, NEVER)

    success = chance.choose((74, 17, 9), "s01.visit.result", *key)
    late = ~direct & (closed > until)
    feeling = 1.75 - 1.9 * numbers("hard")[topic] - 0.6 * late - 0.3 * bounces - trait
    feeling = feeling + chance.normal("s01.feeling", *key)
    score, is_solved = _judged(world, feeling, "s01.solved", key)
    bad = asked & (success == 0) & (~is_solved | (score <= 2)) & ~direct
    reopened = bad & chance.happens(0.45, "s01.reopen", *key)
    reopened_at = visited + (600 + 80_000 * uniform["accept"]).astype(np.int64)
    again = np.minimum(chance.lognormal(2.2 * load, 0.6, "s01.again", *key), 12) * DAY_S
    deadline_again = after_workdays(world, reopened_at, 5)
    closed_again = in_office(world, reopened_at + again.astype(np.int64), uniform["dispatch"])
    hurried = (closed_again > deadline_again) & chance.happens(0.8, "s01.hurry.again", *key)
    closed_again = np.where(hurried, deadline_again - (600 + 20_000 * uniform["reply"]).astype(np.int64), closed_again)
    closed_again = np.maximum(closed_again, reopened_at + 3600)
    visited_again = _next_days(closed_again, uniform["accept"], uniform["close"])
    asked_again = chance.happens(0.9, "s01.visited.again", *key)
    moments[:, REOPENED] = np.where(reopened, reopened_at, NEVER)
    moments[:, REPLIED_AGAIN] = np.where(reopened, closed_again - 1200, NEVER)
    moments[:, CLOSED_AGAIN] = np.where(reopened, closed_again, NEVER)
    moments[:, VISITED_AGAIN] = np.where(reopened & asked_again, visited_again, NEVER)
    score_again, solved_again = _judged(
        world, feeling + 1.1 + 0.5 * chance.normal("s01.feeling.again", *key), "s01.solved.again", key
    )
    withdrawn = ~direct & chance.happens(0.02, "s01.withdrawn", *key)
    withdrawn_at = accepted + (600 + 72_000 * uniform["visit"]).astype(np.int64)
    withdrawn &= withdrawn_at < moments[:, REPLIED]
    gone = withdrawn[:, None] & (moments > withdrawn_at[:, None])
    moments[gone] = NEVER
    moments[:, WITHDRAWN] = np.where(withdrawn, withdrawn_at, NEVER)
    return of.with_columns(
        type_i=type_i,
        channel_i=channel_i,
        department_i=_departments(world, of, to_county),
        bounces=bounces,
        success=success,
        success_again=chance.choose((80, 14, 6), "s01.visit.result.again", *key),
        score=score,
        is_solved=is_solved,
        score_again=score_again,
        is_solved_again=solved_again,
        deadline=deadline.astype(np.int64),
        deadline_delayed=longer,
        deadline_again=deadline_again,
        moments=moments,
    )


def _load(world: World, group: str, moments: Any) -> Any:
    return by_day(world, world.life.load(group, Days(BEGINS_ON, ENDS_ON)), moments)


def _by_daylight(moments: Any, urgent: Any, uniform: Any) -> Any:
    """Between 7:30 and 21:00, else the next morning; urgent ones at once."""
    second = np.mod(moments, DAY_S)
    morning = moments - second + (8 * 3600 + 5400 * uniform).astype(np.int64)
    moved = np.where(second < 27_000, morning, np.where(second > 75_600, morning + DAY_S, moments))
    return np.where(urgent, moments, moved)


def _next_days(moments: Any, days: Any, hour: Any) -> Any:
    """One to three days later, between 9 and 20 o'clock."""
    day = days_since_1970(moments) + 1 + np.floor(3 * days**1.5).astype(np.int64)
    return day * DAY_S + (9 * 3600 + 11 * 3600 * hour).astype(np.int64)


def _judged(world: World, feeling: Any, stream: str, key: Any) -> tuple[Any, Any]:
    """Score 1 to 5, and whether the caller calls it solved."""
    score = 1 + np.digitize(feeling, [-1.0, -0.35, 0.3, 1.1])
    share = np.array([0.0, 0.1, 0.28, 0.86, 0.97, 0.985])[score]
    return score, world.chance.happens(share, stream, *key)


def _departments(world: World, of: Columns, to_county: Any) -> Any:
    """Position of the department that handles each order in the end."""
    key = list(world.city.department["department_key"])
    own = np.array([key.index(topic.department) for topic in TOPICS])[of["topic_i"]]
    counties = np.array([key.index(f"county_{code}") for code in world.city.county["code"]])
    county = counties[world.city.township["county_i"][of["township_i"]]]
    return np.where(of["is_direct"], key.index("data_bureau"), np.where(to_county, county, own))


def versions(of: Columns, world: World) -> Columns:
    """What `ends_of_days` gives for orders; some come late: then ``day`` is later than the moment, and ``is_late``."""
    seen = ends_of_days(of["moments"])
    key = (of["event"][seen["case_i"]], of["key"][seen["case_i"]], seen["k"])
    lag = 1 + world.chance.integers(0, 2, "s01.late.days", *key)
    # A row that is overtaken by its own next version would never be seen.
    late = world.chance.happens(LATE, "s01.late", *key) & (seen["next_day"] > seen["day"] + lag)
    return seen.with_columns(day=seen["day"] + late * lag, is_late=late)


def _rows(world: World, days: Days) -> Rows:
    of = orders(world, days.since(LIFE_DAYS), days.since(DIRECT_LIFE_DAYS))
    seen = versions(of, world)
    seen = seen.where(days.holds(seen["day"].astype("datetime64[D]")))
    at = seen["case_i"]
    moments, moment = of["moments"][at], seen["moment"]
    own = Columns({name: values[at] for name, values in of.items() if name != "moments"})
    shown = moments <= moment[:, None]
    again = shown[:, REOPENED]
    chance, key = world.chance, (own["event"], own["key"])

    def time(first: int, second: int) -> Any:
        return np.where(again, np.where(shown[:, second], moments[:, second], NEVER), np.where(
            shown[:, first], moments[:, first], NEVER))  # fmt: skip

    replied, closed = time(REPLIED, REPLIED_AGAIN), time(CLOSED, CLOSED_AGAIN)
    asked_again, asked = shown[:, VISITED_AGAIN], shown[:, VISITED]
    visited = np.where(asked_again, moments[:, VISITED_AGAIN], np.where(asked, moments[:, VISITED], NEVER))
    result = np.where(asked_again, own["success_again"], np.where(asked, own["success"], -1))
    new_answer = asked_again & (own["success_again"] == 0)
    answered = new_answer | (asked & (own["success"] == 0))
    bounced = shown[:, BOUNCED : BOUNCED_3 + 1].sum(axis=1)
    dispatched = np.where(shown[:, DISPATCHED], moments[:, DISPATCHED], NEVER)
    deadline = np.where(
        again, own["deadline_again"], np.where(shown[:, DELAYED], own["deadline_delayed"], own["deadline"])
    )
    deadline = np.where(dispatched < NEVER, deadline, NEVER)

    area, is_old = old_codes(world, "s01.old_code", OLD_CODE, own["township_i"], *key)
    level = chance.choose((0.25, 0.6, 0.15), "s01.area.level", *key)
    village = world.city.village["code"][world.city.grid["village_i"][own["grid_i"]]]
    code = np.where(level == 0, area.astype("U6"), np.where((level == 2) & ~is_old, village, area))
    department, is_alias = _written_department(world, own, bounced, dispatched)
    garbled = chance.happens(GARBLED, "s01.garbled", *key)
    accepted = moments[:, ACCEPTED]
    afternoon = np.mod(accepted, DAY_S) >= 43_200
    by_twelve = afternoon & chance.happens(TWELVE, "s01.twelve", *key)
    closed_first = (closed < NEVER) & chance.happens(CLOSED_FIRST, "s01.closed_first", *key)
    slip = 3600 + chance.integers(0, 30 * DAY_S, "s01.closed_first.by", *key)
    no_deadline = (deadline < NEVER) & chance.happens(NO_DEADLINE, "s01.no_deadline", *key)
    as_1900 = (replied >= NEVER) & chance.happens(EMPTY_DATE, "s01.1900", *key)
    co, is_merged = _helpers(world, own, dispatched)
    has_point = chance.happens(0.9, "s01.point", *key)
    address, place = _places(world, own)
    year_1900 = int(np.datetime64("1900-01-01", "s").astype(np.int64))
    table = as_table(
        {
            "topic_i": own["topic_i"],
            "text_no": chance.integers(0, 1 << 20, "s01.text", *key) % _text_n()[own["topic_i"]],
            "order_no": _numbers(world, own),
            "channel": np.array(CHANNELS, dtype=object)[own["channel_i"]],
            "call_time": times(own["call"]),
            "accept_time": times(accepted - by_twelve * 43_200),
            "req_type": np.array(REQUEST_TYPES, dtype=object)[own["type_i"]],
            "opener": np.array(OPENERS, dtype=object)[chance.integers(0, len(OPENERS), "s01.opener", *key)],
            "closer": np.array(CLOSERS, dtype=object)[chance.choose((30, 20, 6, 12, 12, 20), "s01.closer", *key)],
            "reply": np.array(REPLIES, dtype=object)[chance.integers(0, len(REPLIES), "s01.reply.text", *key)],
            "name": person_name(chance, "s01.person", own["caller"]),
            "tel": phone(chance, "s01.person.tel", own["caller"]),
            "idno": identity_number(chance, "s01.person.id", own["caller"]),
            "has_idno": chance.happens(0.09, "s01.idno", *key),
            "amount": chance.lognormal(18_000, 0.9, "s01.amount", *key).astype(np.int64) // 100 * 100,
            "address": address,
            "place": place,
            "area_code": code,
            "lng": pa.array(own["lng"].round(6), mask=~has_point),
            "lat": pa.array(own["lat"].round(6), mask=~has_point),
            "main_dept": pa.array(department, pa.string()),
            "co_dept": pa.array(co, pa.string()),
            "direct_flag": np.where(own["is_direct"], "1", "0"),
            "dispatch_time": times(dispatched),
            "return_n": pa.array(bounced, pa.int32()),
            "deadline": times(np.where(no_deadline, NEVER, deadline)),
            "delay_flag": np.where(shown[:, DELAYED], "1", "0"),
            "reply_time": times(np.where(as_1900, year_1900, replied)),
            "is_replied": replied < NEVER,
            "close_time": times(np.where(closed_first, own["call"] - slip, closed)),
            "visit_time": times(visited),
            "visit_result": pa.array(np.array(VISIT_RESULTS, dtype=object)[result], mask=result < 0),
            "solved": pa.array(
                np.where(np.where(new_answer, own["is_solved_again"], own["is_solved"]), "1", "0"), mask=~answered
            ),
            "satisfy": pa.array(
                np.array(SATISFACTION, dtype=object)[np.where(new_answer, own["score_again"], own["score"]) - 1],
                mask=~answered,
            ),
            "reopen_n": pa.array(again.astype(np.int64), pa.int32()),
            "status": np.array(STATUS, dtype=object)[seen["k"]],
            "updated_at": times(moment),
            "_day": pa.array(seen["day"].astype("datetime64[D]")),
            "garbled": garbled,
            "!old_area_code": is_old,
            "!department_alias": is_alias,
            "!close_before_create": closed_first,
            "!deadline_missing": no_deadline,
            "!double_entry": ~own["is_real"],
            "!mojibake": garbled,
            "!null_as_1900": as_1900,
            "!twelve_hour_clock": by_twelve,
            "!merged_co_departments": is_merged,
            "!reopened_number": seen["k"] == REOPENED,
            "!late_row": seen["is_late"],
        }
    )
    return written(_SQL, seen=table, topics=topic_table(), texts=text_table())


_SQL = """
WITH said AS (
    SELECT s.*, t.cat1, t.cat2, t.cat3, t.cat3_garbled, t.text_garbled,
           replace(replace(x.text, '{p}', s.place), '{m}', s.amount::VARCHAR) AS text
    FROM seen AS s JOIN topics AS t USING (topic_i) JOIN texts AS x USING (topic_i, text_no))
SELECT order_no, channel, call_time, accept_time, req_type, cat1, cat2,
       CASE WHEN garbled THEN cat3_garbled ELSE cat3 END AS cat3,
       CASE WHEN garbled THEN text_garbled
            ELSE opener || text || replace(replace(replace(closer, '{n}', name), '{t}', tel), '{i}', idno)
       END AS content,
       name AS caller_name, tel AS caller_tel, CASE WHEN has_idno THEN idno END AS caller_idno, address, area_code,
       lng, lat, main_dept, co_dept, direct_flag, dispatch_time, return_n, deadline, delay_flag, reply_time,
       CASE WHEN is_replied THEN replace(replace(reply, '{n}', name), '{t}', tel) END AS reply_text,
       close_time, visit_time, visit_result, solved, satisfy, reopen_n, status, updated_at, _day, order_no AS _key,
       COLUMNS('^!.*')
FROM said ORDER BY _day, updated_at, order_no
"""


def _text_n() -> Any:
    return np.array([len(topic.texts) for topic in TOPICS])


def _numbers(world: World, of: Columns) -> Any:
    """Order numbers: day, the township's six last digits, the number of its day there."""
    day = days_since_1970(of["at"]).astype("datetime64[D]").astype(str)
    day = replace(day, "-", "")
    code = np.array([text[3:] for text in world.city.township["code"]])[of["township_i"]]
    serial = zfill(of["serial"].astype("U5"), 5)
    return np.char.add(np.char.add(day, code), serial).astype(object)


def _written_department(world: World, of: Columns, bounced: Any, dispatched: Any) -> tuple[Any, Any]:
    """The department as it stands in the order, None before it is dispatched; where it is another of its names."""
    chance, key = world.chance, (of["event"], of["key"])
    register = world.city.department
    keys = list(register["department_key"])
    width = max(len(topic.others) for topic in TOPICS)
    asked = np.array([
        [keys.index(topic.others[place % len(topic.others)] if topic.others else "grid") for place in range(width)]
        for topic in TOPICS
    ])  # fmt: skip
    lot = chance.integers(0, width, "s01.wrong", *key)
    wrong = asked[of["topic_i"], (lot + bounced) % width]
    department = np.where(bounced < of["bounces"], wrong, of["department_i"])
    known = of["is_direct"] | (dispatched < NEVER)
    is_alias = known & chance.happens(ALIAS, "s01.alias", *key)
    names = register["name_zh"].astype(object)
    width = max(len(aliases) for aliases in register["aliases"])
    others = np.array([[list(a)[place % len(a)] for place in range(width)] for a in register["aliases"]], dtype=object)
    alias = others[department, chance.integers(0, width, "s01.alias.which", *key)]
    return np.where(known, np.where(is_alias, alias, names[department]), None), is_alias


def _helpers(world: World, of: Columns, dispatched: Any) -> tuple[Any, Any]:
    """Departments that help, None where there are none; where several stand in one cell."""
    chance, key = world.chance, (of["event"], of["key"])
    names = dict(zip(world.city.department["department_key"], world.city.department["name_zh"], strict=True))
    first = np.array([names[t.others[0]] if t.others else names["grid"] for t in TOPICS], dtype=object)[of["topic_i"]]
    second = np.array([names[t.others[1]] if len(t.others) > 1 else names["approval"] for t in TOPICS], dtype=object)
    has = (dispatched < NEVER) & chance.happens(0.13, "s01.co", *key)
    merged = has & chance.happens(MERGED, "s01.co.merged", *key)
    mark = np.array(["、", ",", ";", "/", "，"], dtype=object)[chance.integers(0, 5, "s01.co.mark", *key)]
    return np.where(merged, first + mark + second[of["topic_i"]], np.where(has, first, None)), merged


def _places(world: World, of: Columns) -> tuple[Any, Any]:
    """Address of the matter, and the place as a caller names it."""
    chance, city, key = world.chance, world.city, (of["event"], of["key"])
    building = np.maximum(of["building_i"], 0)
    address = city.building["address_zh"][building].astype(object)
    room = chance.integers(1, 4, "s01.unit", *key).astype("U1").astype(object) + "单元"
    floor = 1 + chance.integers(0, city.building["floors"][building], "s01.floor", *key)
    room = room + (floor * 100 + chance.integers(1, 4, "s01.room", *key)).astype("U4").astype(object) + "室"
    estate = (city.building["community_i"][building] >= 0) & chance.happens(0.4, "s01.with_room", *key)
    lot = chance.uniform("s01.spelling", *key)
    short = np.array([text.removeprefix("临澜市") for text in address], dtype=object)
    full = np.where(lot < 0.5, address, short) + np.where(estate, room, "").astype(object)
    is_road = np.array([topic.place in ("road", "flood_point") for topic in TOPICS])[of["topic_i"]]
    road = city.road["name_zh"][city.building["road_i"][building]].astype(object)
    road = road + city.building["house_no"][building].astype("U5").astype(object) + "号附近"
    place = np.where(is_road, road, short)
    for name, ending in (("enterprise", ""), ("school", ""), ("site", "工地"), ("flood_point", "")):
        own = of[f"{name}_i"] >= 0
        if own.any():
            named = getattr(city, name)["name_zh"].astype(object)[of[f"{name}_i"][own]] + ending
            place[own], full[own] = named, full[own] + "（" + named + "）"
    return full, place


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    of = orders(world, days)
    delivered = first_days(versions(of, world), of.rows_n)
    moments = of["moments"]
    reopened = moments[:, REOPENED] < NEVER
    second = (moments[:, VISITED_AGAIN] < NEVER) & (of["success_again"] == 0)
    first_answered = (moments[:, VISITED] < NEVER) & (of["success"] == 0)
    answered = second | first_answered
    delayed = np.where(moments[:, DELAYED] < NEVER, of["deadline_delayed"], of["deadline"])
    is_dispatched = moments[:, DISPATCHED] < NEVER
    codes = np.array([topic.code for topic in TOPICS], dtype=object)
    made = as_table(
        {
            "case_no": _numbers(world, of),
            "created_at": times(of["call"]),
            "accepted_at": times(moments[:, ACCEPTED]),
            "dispatched_at": times(moments[:, DISPATCHED]),
            "deadline_at": times(np.where(is_dispatched, np.where(reopened, of["deadline_again"], delayed), NEVER)),
            "first_deadline_at": times(np.where(is_dispatched, delayed, NEVER)),
            "closed_at": times(np.where(reopened, moments[:, CLOSED_AGAIN], moments[:, CLOSED])),
            "first_closed_at": times(moments[:, CLOSED]),
            "reopened_at": times(moments[:, REOPENED]),
            "first_visited_at": times(moments[:, VISITED]),
            "first_satisfaction": pa.array(of["score"], pa.int32(), mask=~first_answered),
            "first_is_solved": pa.array(of["is_solved"], mask=~first_answered),
            "revisited_at": times(moments[:, VISITED_AGAIN]),
            "visited_at": times(np.where(second, moments[:, VISITED_AGAIN], moments[:, VISITED])),
            "satisfaction": pa.array(np.where(second, of["score_again"], of["score"]), pa.int32(), mask=~answered),
            "is_solved": pa.array(np.where(second, of["is_solved_again"], of["is_solved"]), mask=~answered),
            "township_i": of["township_i"].astype(np.int32),
            "category": codes[of["topic_i"]],
            "department_key": world.city.department["department_key"][of["department_i"]],
            "same_event": of["event"],
            "is_withdrawn": moments[:, WITHDRAWN] < NEVER,
            "withdrawn_at": times(moments[:, WITHDRAWN]),
            "reopened_n": pa.array(reopened.astype(np.int64), pa.int32()),
            "bounced_n": pa.array(of["bounces"], pa.int32()),
            "is_direct": of["is_direct"],
            "is_real": of["is_real"],
            "chain_no": of["chain_no"],
            "delivered_on": pa.array(delivered.astype("datetime64[D]")),
        }
    )
    return {"hotline_case": made.sort_by([("created_at", "ascending"), ("case_no", "ascending")])}


_TYPES = {
    "order_no": "varchar(20)",
    "call_time": "timestamp(0)",
    "accept_time": "timestamp(0)",
    "lng": "numeric(9,6)",
    "lat": "numeric(9,6)",
    "dispatch_time": "timestamp(0)",
    "return_n": "integer",
    "deadline": "timestamp(0)",
    "reply_time": "timestamp(0)",
    "close_time": "timestamp(0)",
    "visit_time": "timestamp(0)",
    "reopen_n": "integer",
    "updated_at": "timestamp(0)",
}

SOURCE = Source(
    "S01",
    "市数据局 12345热线工单系统",
    (
        Dataset(
            "S01",
            "linlan.hotline.work_order",
            "12345热线工单",
            Table("work_order", ("order_no",), _TYPES, stands_for="Oracle 12c"),
            _rows,
            PATTERNS,
        ),
    ),
    _events,
)
