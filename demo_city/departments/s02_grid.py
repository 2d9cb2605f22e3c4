"""S02 the grid system: what grid workers find, where they patrolled, and the register of grids.

Most of what they find they settle themselves on the same day; the rest goes up to village, township or county. Some
workers type the day's finds in together just before they go home; some grids are not patrolled for days.

Tables of events: ``grid_event`` (test entries included with ``is_valid`` false; beside the agreed columns ``level
type_code is_test chain_no delivered_on``) and ``grid_patrol`` (``patrol_id grid_i started_at ended_at``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.chance import repeated
from demo_city.city.coordinates import to_gcj02
from demo_city.city.people import person_name, phone
from demo_city.columns import Columns
from demo_city.departments.appeals.happenings import GRID, reports
from demo_city.departments.appeals.states import as_table, ends_of_days, first_days, times
from demo_city.departments.appeals.topics import TOPICS, text_table, topic_table
from demo_city.departments.appeals.worktime import DAY_S, NEVER, days_since_1970, in_office
from demo_city.departments.protocol import Dataset, Pattern, Rows, Source, Table
from demo_city.departments.s01_hotline import LIFE_DAYS
from demo_city.departments.safety import written
from demo_city.text import replace, zfill

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

OWN_LIFE_DAYS = 30
"""No event changes later than so many days after it was found."""
REPORTED, ACCEPTED, FINISHED, VERIFIED = range(4)
STAGES = ("已上报", "处置中", "已办结", "已核查")
LEVELS = ("网格", "村社区", "镇街", "县区")
LEVEL_SHARES = (0.8, 0.11, 0.07, 0.02)
MEDIAN_HOURS = (1.5, 14.0, 52.0, 110.0)
"""Handling time by level."""
UNTRUE = 0.03
"""Share of the finds that turn out not to be so."""
PATROLS_A_DAY = {"综合": 2.75, "专属": 1.2, "微": 1.9}
"""By kind of grid, on a workday."""
DORMANT = 0.02
"""Share of the five-day stretches in which a grid is not patrolled at all."""
OLD_ID, GCJ_GRIDS, SWAPPED, ZERO, BULK, TEST, AGAIN = 0.1, 0.06, 0.004, 0.01, 0.055, 0.002, 0.003

EVENT_PATTERNS = (
    Pattern(
        "old_grid_id", "The grid's number is one from before the counties were merged.", 0.041, "warning",
        "grid_id_current", "grid_id",
    ),
    Pattern(
        "renumbered_grid", "The grid's number is one from before its village was divided anew.", 0.0018, "core", None,
        "grid_id",
    ),
    Pattern(
        "swapped_coordinates", "Longitude and latitude stand in each other's place.", SWAPPED, "warning",
        "longitude_in_city", "lng",
    ),
    Pattern("zero_coordinates", "No satellite: 0, 0 for a place.", ZERO, "warning", "longitude_in_city", "lng"),
    Pattern(
        "gcj02_coordinates", "Telephones of some grids send GCJ-02 instead of CGCS2000, some 500 m off.", GCJ_GRIDS,
        "core", None, "lng",
    ),
    Pattern(
        "bulk_entry", "A day's finds are typed in together at 17:29, and said to be found then.", 0.05, "core", None,
        "found_at",
    ),
    Pattern("test_row", "A test entry among the real ones.", 0.0015, "quarantine", "not_a_test", "title"),
)  # fmt: skip
PATROL_PATTERNS = (
    Pattern("sent_twice", "The telephone sent a patrol twice.", AGAIN, "unchanged"),
    Pattern(
        "no_track", "No satellite: the patrol has no length.", 0.012, "warning", "distance_positive", "distance_m"
    ),
    Pattern(
        "ended_first", "Ended before it began: the telephone's clock was set anew on the way.", 0.003, "warning",
        "ended_after_started", "ended_at",
    ),
)  # fmt: skip
REGISTER_PATTERNS = (
    Pattern(
        "population_missing", "No number of residents for a month, after a new count.", 0.008, "warning",
        "population_there", "population_n",
    ),
)  # fmt: skip


def finds(world: World, days: Days) -> Columns:
    """Everything found on the given days, clean; test entries included with ``is_test``.

    Returns:
        The reports' columns, and ``level is_untrue is_test moments``.
    """
    chance = world.chance
    of = reports(world, days, GRID)
    of = of.with_columns(is_test=np.zeros(of.rows_n, bool))
    tests = of.where(chance.happens(TEST, "s02.test", of["event"], of["n"]))
    tests = tests.with_columns(
        n=tests["n"] + 1_000_000, serial=tests["serial"] + 50_000, is_test=np.ones(tests.rows_n, bool)
    )
    of = Columns.together([of, tests])
    key = (of["event"], of["n"])
    level = np.where(of["is_test"], 0, chance.choose(LEVEL_SHARES, "s02.level", *key))
    reported = of["at"] + chance.integers(60, 2400, "s02.reported", *key)
    load = world.life.load("township", days)
    first = int(days.array[0].astype(np.int64))
    load = load[np.clip(days_since_1970(of["at"]) - first, 0, len(load) - 1)]
    hours = chance.lognormal(np.array(MEDIAN_HOURS)[level] * np.where(level > 0, load, 1.0), 0.8, "s02.hours", *key)
    hours = np.minimum(hours, 24.0 * 20)
    uniform = chance.uniform("s02.when", *key)
    moments = np.full((of.rows_n, 4), NEVER)
    moments[:, REPORTED] = reported
    accepted = reported + (600 + 9000 * uniform).astype(np.int64)
    moments[:, ACCEPTED] = np.where(level > 0, accepted, NEVER)
    start = np.where(level > 0, accepted, reported)
    done = start + (hours * 3600).astype(np.int64)
    moments[:, FINISHED] = np.where(level > 1, in_office(world, done, uniform), done)
    checked = (level > 0) & chance.happens(0.7, "s02.verified", *key)
    later = moments[:, FINISHED] + (3600 + 150_000 * uniform).astype(np.int64)
    moments[:, VERIFIED] = np.where(checked, later, NEVER)
    return of.with_columns(level=level, is_untrue=chance.happens(UNTRUE, "s02.untrue", *key), moments=moments)


def _bulk(world: World, of: Columns) -> Any:
    """Where an event was entered at 17:29 with others of its grid and day, and not when it was found."""
    grid = world.city.grid["key"][of["grid_i"]]
    lazy = world.chance.happens(BULK, "s02.bulk", grid, days_since_1970(of["at"]))
    return lazy & (np.mod(of["at"], DAY_S) < 17 * 3600) & ~of["is_test"]


def _event_rows(world: World, days: Days) -> Rows:
    chance, city = world.chance, world.city
    # The same stretch as the hotline asks for, so that what both are told is made once.
    of = finds(world, days.since(LIFE_DAYS))
    is_bulk = _bulk(world, of)
    second = chance.integers(0, 60, "s02.bulk.second", of["event"], of["n"])
    entered = days_since_1970(of["at"]) * DAY_S + 62_940 + second
    moments = of["moments"].copy()
    moments[is_bulk, REPORTED] = entered[is_bulk]
    # What was done before it was entered is entered with it.
    moments = np.where(moments < NEVER, np.maximum(moments, moments[:, [REPORTED]]), NEVER)
    of = of.with_columns(moments=moments, found=np.where(is_bulk, entered, of["at"]), is_bulk=is_bulk)
    seen = ends_of_days(of["moments"])
    seen = seen.where(days.holds(seen["day"].astype("datetime64[D]")))
    own = Columns({name: values[seen["case_i"]] for name, values in of.items()})
    shown = np.where(own["moments"] <= seen["moment"][:, None], own["moments"], NEVER)
    key = (own["event"], own["n"])

    grid = city.grid
    old = grid["old_grid_id"][own["grid_i"]]
    is_old = (old != "") & chance.happens(OLD_ID, "s02.old", *key)
    is_foreign = old.astype("U6") != grid["grid_id"][own["grid_i"]].astype("U6")
    lng, lat = own["lng"], own["lat"]
    month = days_since_1970(own["at"]).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    is_gcj = chance.happens(GCJ_GRIDS, "s02.telephone", grid["key"][own["grid_i"]], month)
    shifted = to_gcj02(lng, lat)
    lot = chance.uniform("s02.point", *key)
    is_zero, is_swapped = lot < ZERO, (lot >= ZERO) & (lot < ZERO + SWAPPED)
    is_gcj &= ~is_zero & ~is_swapped
    lng, lat = np.where(is_gcj, shifted[0], lng), np.where(is_gcj, shifted[1], lat)
    lng, lat = np.where(is_swapped, lat, lng), np.where(is_swapped, lng, lat)
    building = np.maximum(own["building_i"], 0)
    leader = grid["leader_i"][own["grid_i"]]
    resident = own["township_i"] * 10_000_000 + chance.integers(0, 1 << 20, "s02.resident", *key)
    table = as_table(
        {
            "topic_i": own["topic_i"],
            "text_no": chance.integers(0, 1 << 20, "s02.text", *key) % _text_n()[own["topic_i"]],
            "event_id": _numbers(world, own),
            "grid_id": np.where(is_old, old, grid["grid_id"][own["grid_i"]]),
            "reporter_id": np.char.add("W", leader.astype("U12")).astype(object),
            "reporter_name": person_name(chance, "s02.leader", leader),
            "reporter_phone": phone(chance, "s02.leader.tel", leader),
            "resident_name": person_name(chance, "s02.resident.name", resident),
            "resident_phone": phone(chance, "s02.resident.tel", resident),
            "with_resident": chance.happens(0.22, "s02.resident.there", *key),
            "found_time": times(own["found"]),
            "report_time": times(own["moments"][:, REPORTED]),
            "is_test": own["is_test"],
            "level": own["level"] + 1,
            "address": city.building["address_zh"][building].astype(object),
            "lng": np.where(is_zero, 0.0, lng).round(7),
            "lat": np.where(is_zero, 0.0, lat).round(7),
            "photos": np.where(own["is_test"], 0, chance.choose((8, 30, 32, 18, 8, 4), "s02.photos", *key)),
            "stage": np.array(STAGES, dtype=object)[seen["k"]],
            "accept_time": times(shown[:, ACCEPTED]),
            "finish_time": times(shown[:, FINISHED]),
            "is_untrue": own["is_untrue"] & (shown[:, FINISHED] < NEVER),
            "is_done": shown[:, FINISHED] < NEVER,
            "updated_at": times(seen["moment"]),
            "_day": pa.array(seen["day"].astype("datetime64[D]")),
            "!old_grid_id": is_old & is_foreign,
            "!renumbered_grid": is_old & ~is_foreign,
            "!swapped_coordinates": is_swapped,
            "!zero_coordinates": is_zero,
            "!gcj02_coordinates": is_gcj,
            "!bulk_entry": own["is_bulk"],
            "!test_row": own["is_test"],
        }
    )
    return written(_EVENT_SQL, seen=table, topics=topic_table(), texts=text_table())


_EVENT_SQL = """
SELECT event_id, grid_id, reporter_id, reporter_name, reporter_phone,
       CASE WHEN with_resident THEN resident_name END AS resident_name,
       CASE WHEN with_resident THEN resident_phone END AS resident_phone, found_time, report_time,
       CASE WHEN is_test THEN '测试事件' ELSE grid_name END AS title, grid_code AS type_code, grid_name AS type_name,
       level::INTEGER AS level,
       CASE WHEN is_test THEN '测试测试，请忽略'
            ELSE '网格员巡查发现' || replace(replace(text, '{p}', address), '{m}', '若干')
                 || CASE WHEN with_resident THEN '。当事人' || resident_name || '，电话' || resident_phone ELSE '。' END
       END AS content,
       address, lng, lat, photos::INTEGER AS photos, stage, accept_time, finish_time,
       CASE WHEN is_done THEN CASE WHEN is_untrue THEN '不属实' ELSE '属实' END END AS verify_result, updated_at, _day,
       event_id AS _key, COLUMNS('^!.*')
FROM seen JOIN topics USING (topic_i) JOIN texts USING (topic_i, text_no)
ORDER BY _day, updated_at, event_id
"""


def _text_n() -> Any:
    return np.array([len(topic.texts) for topic in TOPICS])


def _numbers(world: World, of: Columns) -> Any:
    """Event numbers: G, day, the township's six last digits, the number of its day there."""
    day = replace(days_since_1970(of["at"]).astype("datetime64[D]").astype(str), "-", "")
    code = np.array([text[3:] for text in world.city.township["code"]])[of["township_i"]]
    serial = zfill(of["serial"].astype("U5"), 5)
    return np.char.add(np.char.add(np.char.add("G", day), code), serial).astype(object)


def _patrols(world: World, days: Days) -> Columns:
    """Every patrol of the days: ``grid_i key day n start length_s distance_m points visits problems``."""
    chance, grid = world.chance, world.city.grid
    day = days.array
    factor = world.life.rhythm("grid", days).sum(axis=1)
    usual = np.array([PATROLS_A_DAY[kind] for kind in grid["kind"]])
    key = grid["key"]
    asleep = chance.happens(DORMANT, "s02.dormant", (day.astype(np.int64) // 5)[:, None], key[None, :])
    mean = np.where(asleep, 0.0, np.minimum(factor, 1.3)[:, None] * usual[None, :])
    counts = chance.poisson(mean, "s02.patrols", day[:, None], key[None, :])
    at, n = repeated(counts)
    d, g = np.unravel_index(at, counts.shape)
    draw = (day[d], key[g], n)
    length = np.clip(chance.lognormal(2900, 0.5, "s02.patrol.length", *draw), 300, 14_000).astype(np.int64)
    start = world.life.hours("grid", day[d], "s02.patrol.at", key[g], n)
    return Columns(
        grid_i=g,
        day=day[d],
        n=n,
        key=key[g],
        start=day[d].astype(np.int64) * DAY_S + start,
        length=length,
        distance=(length * (0.55 + 0.35 * chance.uniform("s02.patrol.speed", *draw))).astype(np.int64),
        visits=chance.poisson(1.3, "s02.patrol.visits", *draw),
        problems=chance.poisson(0.5, "s02.patrol.problems", *draw),
    )


def _patrol_rows(world: World, days: Days) -> Rows:
    chance, made = world.chance, _patrols(world, days)
    draw = (made["day"], made["key"], made["n"])
    no_track = chance.happens(0.012, "s02.patrol.no_track", *draw)
    ended_first = chance.happens(0.003, "s02.patrol.ended_first", *draw)
    end = made["start"] + np.where(ended_first, -made["length"], made["length"])
    leader = world.city.grid["leader_i"][made["grid_i"]]
    table = as_table(
        {
            "patrol_id": _patrol_ids(world, made),
            "grid_id": world.city.grid["grid_id"][made["grid_i"]],
            "worker_id": np.char.add("W", leader.astype("U12")).astype(object),
            "worker_name": person_name(chance, "s02.leader", leader),
            "start_time": times(made["start"]),
            "end_time": times(end),
            "distance_m": np.where(no_track, 0, made["distance"]),
            "points_n": np.where(no_track, 0, made["length"] // 30),
            "visits_n": made["visits"],
            "problems_n": made["problems"],
            "_day": pa.array(made["day"]),
            "!no_track": no_track,
            "!ended_first": ended_first,
            "twice": chance.happens(AGAIN, "s02.patrol.twice", *draw),
        }
    )
    return written(
        """
        SELECT patrol_id, grid_id, worker_id, worker_name, start_time, end_time, distance_m::INTEGER AS distance_m,
               points_n::INTEGER AS points_n, visits_n::INTEGER AS visits_n, problems_n::INTEGER AS problems_n, _day,
               patrol_id AS _key, "!no_track", "!ended_first", nth = 1 AS "!sent_twice"
        FROM seen, (VALUES (0), (1)) AS times(nth) WHERE nth = 0 OR twice ORDER BY _day, start_time, patrol_id, nth
        """,
        seen=table,
    )


def _patrol_ids(world: World, of: Columns) -> Any:
    day = replace(of["day"].astype(str), "-", "")
    grid = world.city.grid["grid_id"].astype("U15")[of["grid_i"]]
    return np.char.add(np.char.add(np.char.add("P", day), grid), zfill(of["n"].astype("U2"), 2)).astype(object)


def _register_rows(world: World, days: Days) -> Rows:
    chance, city = world.chance, world.city
    grid = city.grid
    day = np.repeat(days.array, grid.rows_n)
    at = np.tile(np.arange(grid.rows_n), days.length)
    month = day.astype("datetime64[M]").astype(np.int64)
    missing = chance.happens(0.008, "s02.register.population", month, grid["key"][at])
    own = grid.where(at)
    township = city.township["code"][own["township_i"]]
    table = as_table(
        {
            "grid_id": own["grid_id"],
            "grid_name": own["name_zh"],
            "grid_kind": own["kind"],
            "town_code": township,
            "village_code": city.village["code"][own["village_i"]],
            "area_km2": own["area_km2"].round(4),
            "population": pa.array(own["population"].astype(np.int64), pa.int32(), mask=missing),
            "households": pa.array(own["households"].astype(np.int64), pa.int32()),
            "floating": pa.array(own["floating"].astype(np.int64), pa.int32()),
            "elderly80": pa.array(own["elderly80"].astype(np.int64), pa.int32()),
            "party_flag": np.where(own["has_party"], "1", "0"),
            "full_time_n": pa.array(own["full_time_n"].astype(np.int64), pa.int32()),
            "volunteer_n": pa.array(own["volunteer_n"].astype(np.int64), pa.int32()),
            "leader_id": np.char.add("W", own["leader_i"].astype("U12")).astype(object),
            "leader_name": person_name(chance, "s02.leader", own["leader_i"]),
            "leader_phone": phone(chance, "s02.leader.tel", own["leader_i"]),
            "lng": own["lng"],
            "lat": own["lat"],
            "_day": pa.array(day),
            "!population_missing": missing,
        }
    )
    return written("SELECT *, grid_id AS _key FROM seen ORDER BY _day, grid_id", seen=table)


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    of = finds(world, days)
    codes = np.array([topic.code for topic in TOPICS], dtype=object)
    grid_codes = np.array([topic.grid_code for topic in TOPICS], dtype=object)
    made = as_table(
        {
            "event_id": _numbers(world, of),
            "found_at": times(of["at"]),
            "finished_at": times(of["moments"][:, FINISHED]),
            "township_i": of["township_i"].astype(np.int32),
            "grid_i": of["grid_i"],
            "category": codes[of["topic_i"]],
            "type_code": grid_codes[of["topic_i"]],
            "level": pa.array(of["level"] + 1, pa.int32()),
            "same_event": of["event"],
            "is_valid": ~of["is_test"] & ~of["is_untrue"],
            "is_test": of["is_test"],
            "chain_no": of["chain_no"],
            "delivered_on": pa.array(_delivered(world, of)),
        }
    )
    patrols = _patrols(world, days)
    return {
        "grid_event": made.sort_by([("found_at", "ascending"), ("event_id", "ascending")]),
        "grid_patrol": as_table(
            {
                "patrol_id": _patrol_ids(world, patrols),
                "grid_i": patrols["grid_i"],
                "township_i": world.city.grid["township_i"][patrols["grid_i"]].astype(np.int32),
                "started_at": times(patrols["start"]),
                "ended_at": times(patrols["start"] + patrols["length"]),
                "delivered_on": pa.array(patrols["day"]),
            }
        ),
    }


def _delivered(world: World, of: Columns) -> Any:
    """The day whose delivery first has an event: typed in late in the day or not, it is that of its report."""
    bulk = _bulk(world, of)
    moments = of["moments"].copy()
    moments[bulk, REPORTED] = days_since_1970(of["at"][bulk]) * DAY_S + 62_940
    return first_days(ends_of_days(moments), of.rows_n).astype("datetime64[D]")


_EVENT_TYPES = {
    "event_id": "varchar(24)",
    "found_time": "timestamp(0)",
    "report_time": "timestamp(0)",
    "level": "integer",
    "lng": "numeric(11,7)",
    "lat": "numeric(11,7)",
    "photos": "integer",
    "accept_time": "timestamp(0)",
    "finish_time": "timestamp(0)",
    "updated_at": "timestamp(0)",
}
_PATROL_TYPES = {
    "start_time": "timestamp(0)",
    "end_time": "timestamp(0)",
    "distance_m": "integer",
    "points_n": "integer",
    "visits_n": "integer",
    "problems_n": "integer",
}
_REGISTER_TYPES = {
    "grid_id": "varchar(20)",
    "area_km2": "numeric(10,4)",
    "population": "integer",
    "households": "integer",
    "floating": "integer",
    "elderly80": "integer",
    "full_time_n": "integer",
    "volunteer_n": "integer",
    "lng": "numeric(9,6)",
    "lat": "numeric(9,6)",
}

SOURCE = Source(
    "S02",
    "市委政法委 全要素网格系统",
    (
        Dataset(
            "S02",
            "linlan.grid.event",
            "网格事件",
            Table("grid_event", ("event_id",), _EVENT_TYPES, stands_for="MySQL 5.7", server="mariadb"),
            _event_rows,
            EVENT_PATTERNS,
        ),
        Dataset(
            "S02",
            "linlan.grid.patrol",
            "网格巡查记录",
            Table("grid_patrol", (), _PATROL_TYPES, stands_for="MySQL 5.7", server="mariadb"),
            _patrol_rows,
            PATROL_PATTERNS,
        ),
        Dataset(
            "S02",
            "linlan.grid.grid_register",
            "网格台账",
            Table("grid_register", ("grid_id",), _REGISTER_TYPES, stands_for="MySQL 5.7", server="mariadb"),
            _register_rows,
            REGISTER_PATTERNS,
        ),
    ),
    _events,
)
