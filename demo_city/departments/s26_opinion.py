"""S26 the opinion desk: how much is written about which topic in which channel, a day; no author, no text.

A topic is about one matter in one township for a month. Chains and scenarios heat theirs up for three days at a time;
waves from outside the city carry the area 000000. The desk splits topics and merges them as it sees fit, and says
nothing.

Tables of events: ``opinion_day`` (``day township_i topic n negative_n heat chain_no delivered_on``, -1: outside; the
topics as they are, neither split nor merged).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from demo_city.columns import Columns
from demo_city.departments.appeals.states import as_table
from demo_city.departments.protocol import Api, Dataset, Pattern, Rows, Source
from demo_city.departments.safety import active_townships, statement, written

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

SUBJECTS = (
    "物业矛盾", "停车收费", "欠薪", "拆迁补偿", "学区调整", "夜间异味", "食品安全", "噪声扰民", "楼盘延期交付",
    "交通拥堵", "医疗服务", "消费维权", "电信诈骗", "征地补偿",
)  # fmt: skip
CHANNELS = ("微博", "微信公众号", "短视频", "本地论坛", "新闻客户端", "贴吧", "问政平台")
CHANNEL_SHARES = (5.0, 3.0, 8.0, 2.5, 1.8, 1.0, 0.7)
TALKED_OF = 0.38
"""Share of the subjects that are talked of in a township in a month."""
HEAT_DAYS = 3
SPLIT, MERGED, PERCENT = 0.07, 0.04, 0.008

PATTERNS = (
    Pattern(
        "topic_split", "The topic was split in the middle of a month: two numbers go on with its volume.", 0.065,
        "core", None, "topic_id",
    ),
    Pattern(
        "topic_merged", "Another topic was merged into this one: its number is gone, its volume is counted here.",
        0.016, "core", None, "topic_id",
    ),
    Pattern(
        "share_in_percent", "The share of negative posts is in percent and not between 0 and 1.", PERCENT, "warning",
        "negative_share_is_share", "negative_share",
    ),
)  # fmt: skip


def _usual(world: World, days: Days) -> Columns:
    """What is talked of by itself: a row for each day, topic and channel."""
    chance, township = world.chance, active_townships(world)
    day, subject, channel = days.array, np.arange(len(SUBJECTS)), np.arange(len(CHANNELS))
    month = day.astype("datetime64[M]").astype(np.int64)
    keys = (month[:, None, None], township[None, :, None], subject[None, None, :])
    d, t, s = np.nonzero(chance.happens(TALKED_OF, "s26.topic", *keys))
    people = np.asarray(world.city.township["population"], dtype=np.float64)[township]
    trait = chance.lognormal(1.0, 0.7, "s26.trait", month[d], township[t], s) * (people[t] / 57_000) ** 0.5
    wave = chance.lognormal(1.0, 0.45, "s26.wave", day[d], township[t], s)
    at = np.repeat(np.arange(len(d)), len(CHANNELS))
    channel = np.tile(channel, len(d))
    key = (day[d[at]], township[t[at]], s[at], channel)
    mean = np.array(CHANNEL_SHARES)[channel] * (trait * wave)[at] * 1.2
    lot = chance.uniform("s26.change", month[d], township[t], s)
    turn = 8 + np.floor(chance.uniform("s26.change.on", month[d], township[t], s) * 14).astype(np.int64)
    day_no = (day[d] - day[d].astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1
    changed = day_no >= turn
    # A topic is merged into the township's first of the month.
    first = np.full((days.length, len(township)), len(SUBJECTS))
    np.minimum.at(first, (d, t), s)
    return Columns(
        day=day[d[at]],
        township_i=township[t[at]],
        subject=np.array(SUBJECTS, dtype=object)[s[at]],
        subject_i=s[at],
        first_i=first[d, t][at],
        channel_i=channel,
        n=1 + chance.poisson(mean, "s26.n", *key),
        negative=np.clip(0.32 + 0.13 * chance.normal("s26.negative", *key), 0.03, 0.95),
        is_split=(changed & (lot < SPLIT))[at],
        is_merged=(changed & (lot > 1 - MERGED) & (first[d, t] != s))[at],
        chain_no=np.full(len(at), -1),
    )


def _heated(world: World, days: Days) -> Columns:
    """What chains and scenarios stir up."""
    chance = world.chance
    steps = world.life.precursors("S26", days.since(HEAT_DAYS - 1))
    unknown = set(steps["what"]) - {"topic_heat", "outside_wave"}
    if unknown:
        raise ValueError(f"S26 does not know how to record {sorted(unknown)}")
    at = np.repeat(np.arange(steps.rows_n), HEAT_DAYS * len(CHANNELS))
    after = np.tile(np.repeat(np.arange(HEAT_DAYS), len(CHANNELS)), steps.rows_n)
    channel = np.tile(np.arange(len(CHANNELS)), steps.rows_n * HEAT_DAYS)
    of = steps.where(at)
    key = (of["chain_no"], of["step_no"], after, channel)
    mean = np.array(CHANNEL_SHARES)[channel] * 9.0 * np.array([1.0, 0.6, 0.25])[after]
    made = Columns(
        day=of["at"].astype("datetime64[D]") + after,
        township_i=np.where(of["what"] == "outside_wave", -1, of["township_i"]).astype(np.int64),
        subject=of["topic"].astype(object),
        subject_i=np.full(of.rows_n, -1),
        first_i=np.full(of.rows_n, -1),
        channel_i=channel,
        n=1 + chance.poisson(mean, "s26.heat", *key),
        negative=np.clip(0.66 + 0.1 * chance.normal("s26.heat.negative", *key), 0.03, 0.97),
        is_split=np.zeros(of.rows_n, bool),
        is_merged=np.zeros(of.rows_n, bool),
        chain_no=of["chain_no"].astype(np.int64),
    )
    return made.where(days.holds(made["day"]))


def _said(world: World, days: Days) -> pa.Table:
    made = Columns.together([_usual(world, days), _heated(world, days)])
    return as_table({**made, "day": pa.array(made["day"])})


def _rows(world: World, days: Days) -> Rows:
    city = world.city
    whole = statement(
        """
        WITH halves AS (
            SELECT *, CASE WHEN is_split THEN unnest(['-1', '-2']) ELSE '' END AS half FROM said WHERE is_split
            UNION ALL SELECT *, '' FROM said WHERE NOT is_split),
        numbered AS (
            SELECT *, CASE WHEN half = '-1' THEN n - n * 2 // 5 WHEN half = '-2' THEN n * 2 // 5 ELSE n END AS part,
                   CASE WHEN chain_no >= 0 THEN 'H' || chain_no || '-' || (township_i + 1)
                        ELSE 'T' || strftime(day, '%Y%m') || lpad(township_i::VARCHAR, 3, '0')
                             || lpad((CASE WHEN is_merged THEN first_i ELSE subject_i END)::VARCHAR, 2, '0') || half
                   END AS topic_id,
                   CASE WHEN is_merged THEN [$subjects] [first_i + 1] ELSE subject END AS topic,
                   CASE WHEN chain_no >= 0 THEN chain_no * 256 + township_i + 1
                        ELSE (township_i * 100 + CASE WHEN is_merged THEN first_i ELSE subject_i END) * 4
                             + coalesce(try_cast(right(half, 1) AS BIGINT), 0) END AS number
            FROM halves)
        SELECT day, topic_id, first(topic) AS topic, first(number) AS number, township_i, channel_i,
               sum(part)::BIGINT AS n,
               sum(part * negative) / greatest(sum(part), 1) AS negative, bool_or(is_split) AS is_split,
               bool_or(is_merged) AS is_merged
        FROM numbered GROUP BY day, topic_id, township_i, channel_i HAVING sum(part) > 0
        ORDER BY day, topic_id, channel_i
        """.replace("$subjects", ", ".join(f"'{subject}'" for subject in SUBJECTS)),
        said=_said(world, days),
    )
    day = whole.column("day").to_numpy().astype("datetime64[D]")
    township = whole.column("township_i").to_numpy()
    number = whole.column("number").to_numpy()
    percent = world.chance.happens(PERCENT, "s26.percent", day, number, whole.column("channel_i").to_numpy())
    counties = city.county["code"][city.township["county_i"][np.maximum(township, 0)]]
    table = as_table(
        {
            **{name: whole.column(name) for name in whole.column_names},
            "area_code": np.where(township < 0, "000000", counties).astype(object),
            "town_code": np.where(township < 0, None, city.township["code"][np.maximum(township, 0)]),
            "channel": np.array(CHANNELS, dtype=object)[whole.column("channel_i").to_numpy()],
            "comments": whole.column("n").to_numpy() * 3 + number % 7,
            "percent": percent,
        }
    )
    return written(
        """
        SELECT strftime(day, '%Y%m%d') || '-' || topic_id || '-' || channel_i AS "recordId", day AS "statDay",
               topic_id AS "topicId", topic AS "topicName", channel, area_code AS "areaCode", town_code AS "townCode",
               n AS "postCount", comments::BIGINT AS "commentCount",
               round(CASE WHEN percent THEN 100 * negative ELSE negative END, 4) AS "negativeShare",
               (n * 10 + comments * 2)::BIGINT AS heat, day AS _day,
               strftime(day, '%Y%m%d') || '-' || topic_id || '-' || channel_i AS _key,
               is_split AS "!topic_split", is_merged AS "!topic_merged", percent AS "!share_in_percent"
        FROM seen ORDER BY _day, topic_id, channel_i
        """,
        seen=table,
    )


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    made = statement(
        """
        SELECT day, township_i::INTEGER AS township_i, subject AS topic, sum(n)::BIGINT AS n,
               round(sum(n * negative))::BIGINT AS negative_n, (sum(n) * 10)::BIGINT AS heat, chain_no,
               day AS delivered_on
        FROM said GROUP BY day, township_i, subject, chain_no ORDER BY day, township_i, topic, chain_no
        """,
        said=_said(world, days),
    )
    return {"opinion_day": made}


SOURCE = Source(
    "S26",
    "市委网信办 舆情聚合",
    (
        Dataset(
            "S26",
            "linlan.opinion.topic_day",
            "舆情话题日聚合",
            Api("/v2/opinion/topics", "cursor", "day"),
            _rows,
            PATTERNS,
        ),
    ),
    _events,
)
