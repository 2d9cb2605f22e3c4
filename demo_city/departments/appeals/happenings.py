"""What happens that people appeal about, and which systems are told: the hotline, the grid, city management.

A happening has one topic and one place. Most come to one system only; of those that more than one system takes, an
eighth comes to a second one: hours later, in other words, some tens of metres away. `event` is the same in all of them.
Chains and scenarios of `demo_city.life` plant further records, and so do flats that really are group rentals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from demo_city.chance import repeated
from demo_city.columns import Columns
from demo_city.days import BEGINS_ON, ENDS_ON, Days
from demo_city.departments.appeals.topics import ASK, EVENING, HOURS, NUMBER, PETITION_TOPICS, TOPICS, numbers
from demo_city.departments.appeals.worktime import DAY_S, days_since_1970
from demo_city.departments.safety import active_townships, nearby

if TYPE_CHECKING:
    from demo_city.world import World

HOTLINE, GRID, CASE = 0, 1, 2
"""The systems."""
SOURCES = ("S01", "S02", "S03")
VOLUME = (0.64, 0.93, 0.78)
"""Happenings a day relative to the numbers of `topics`: reports by second systems and further callers come on top."""
RHYTHMS = ("appeal", "grid", "grid")
REPORTED_TWICE = 0.12
"""Share of the happenings that several systems take which a second system hears of."""
SPREAD_DAYS = 3
"""Until when after a happening it is still reported."""
MORE_CALLERS = 0.1
"""Further callers to the hotline about one happening, on average."""
MANY_CALLERS = {"noise_night": 0.25, "noise_site": 0.6, "odour": 0.9, "waterlogging": 0.5, "power_cut": 0.7,
                "water_pressure": 0.4, "lift_fault": 0.3, "fire_lane_blocked": 0.25}  # fmt: skip
NEARER_M = 28.0
"""By how much (metres, each direction) a second report of one happening lies off."""

WHAT = {
    HOTLINE: {
        "fly_wire": "fly_wire",
        "fire_lane_blocked": "fire_lane_blocked",
        "gas_smell": "gas_smell",
        "workplace_smell": "workplace_smell",
        "road_crack": "road_crack",
        "food_complaint": "food_complaint",
        "petition_topic": "",
        "investor_loss": "investor_loss",
        "school_traffic": "school_traffic",
        "noise_night": "noise_night",
        "odour": "odour",
        "lift_fault": "lift_fault",
        "fraud_consult": "fraud",
    },
    GRID: {"fire_lane_blocked": "fire_lane_blocked", "hazard_seen": "hazard", "odour_seen": "odour"},
    CASE: {"road_crack": "road_crack", "event": "road_crack"},
}
"""Topic of each `what` of chains and scenarios; empty: the topic they name themselves."""
RENTAL_TOPICS = {
    "group_rental": 0.45,
    "noise_night": 0.2,
    "leak_house": 0.12,
    "fly_wire": 0.13,
    "ebike_upstairs": 0.1,
}
"""What neighbours of a group rental complain about."""
RENTAL_EVERY_DAYS = 50.0
"""How often they do, while it lasts."""

_CHAIN, _SCENARIO, _RENTAL = 1 << 45, 1 << 46, 1 << 47
_FIRST_SCENARIO = 900_000_000
_PLACES = ("building_i", "flat_i", "enterprise_i", "school_i", "site_i", "flood_point_i")


def reports(world: World, days: Days, system: int) -> Columns:
    """What one system is told on the given days, in no order.

    Returns:
        ``event`` (number of the happening), ``n`` (number of the report within it), ``topic_i``, ``township_i``,
        ``grid_i building_i flat_i enterprise_i school_i site_i flood_point_i`` (-1: none), ``lng``, ``lat``, ``at``
        (seconds since 1970, local), ``chain_no`` (-1: by chance) and ``serial``, its number on its day in its township.
    """
    kept = world.once("appeals.reports", dict)
    if (days, system) not in kept:
        # Only the stretch last asked for is held: the sources ask for the same one after the other.
        for other in [key for key in kept if key[0] != days]:
            del kept[other]
        kept.update({(days, number): made for number, made in enumerate(_reports(world, days))})
    return kept[days, system]


def _reports(world: World, days: Days) -> list[Columns]:
    happened = _happened(world, days.since(SPREAD_DAYS))
    told = _told(world, happened)
    planted = [_planted(world, system) for system in range(len(SOURCES))]
    made = []
    for system in range(len(SOURCES)):
        own = Columns.together([told.where(told["system"] == system), planted[system]])
        del own["system"]
        on = days_since_1970(own["at"]).astype("datetime64[D]")
        own = own.where(days.holds(on))
        made.append(own.with_columns(serial=_serial(own)))
    return made


def _happened(world: World, days: Days) -> Columns:
    """Every happening of the days by chance, where it comes to first."""
    chance, city = world.chance, world.city
    township = active_townships(world)
    people = np.asarray(city.township["population"], dtype=np.float64)
    share = people[township] / people.sum()
    day = days.array
    parts = []
    for system in range(len(SOURCES)):
        rate = numbers(("hotline", "grid", "case")[system]) * VOLUME[system]
        topic = np.flatnonzero(rate)
        by_day = _by_day(world, days, RHYTHMS[system])[:, topic]
        trait = chance.lognormal(1.0, 0.22, "appeals.trait", township[:, None], topic[None, :])
        mean = by_day[:, None, :] * (share[:, None] * rate[topic][None, :] * trait)[None, :, :]
        keys = (day[:, None, None], township[None, :, None], topic[None, None, :])
        counts = chance.poisson(mean, f"appeals.n.{system}", *keys)
        at, running = repeated(counts)
        d, t, c = np.unravel_index(at, counts.shape)
        number = (day[d].astype(np.int64) - day_number(BEGINS_ON)) * 256 + township[t]
        parts.append(
            Columns(
                event=((number * 128 + topic[c]) * 4 + system) * 1024 + np.minimum(running, 1023),
                system=np.full(len(at), system),
                topic_i=topic[c],
                township_i=township[t],
                day=day[d],
            )
        )
    made = Columns.together(parts)
    made = made.with_columns(at=_when(world, made))
    del made["day"]
    return _placed(world, made)


def day_number(day: Any) -> int:
    """Days since 1970."""
    return int(np.datetime64(day, "D").astype(np.int64))


def _by_day(world: World, days: Days, rhythm: str) -> Any:
    """Days × topics: how many times the usual number."""
    weather = world.life.weather_daily(days)
    month = days.array.astype("datetime64[M]").astype(np.int64) % 12
    factor = (
        world.life.rhythm(rhythm, days).sum(axis=1)[:, None] * np.array([topic.months for topic in TOPICS])[:, month].T
    )
    more = 1 + np.outer(weather["rain_mm"] / 10, numbers("rain"))
    more += np.outer(np.maximum(weather["wind_max_ms"] - 8, 0), numbers("wind"))
    more += np.outer(np.maximum(weather["temp_max_c"] - 33, 0), numbers("heat"))
    more += np.outer(np.maximum(2 - weather["temp_min_c"], 0), numbers("cold"))
    factor *= more
    for kind, codes in {
        "flu": ("vaccine", "epidemic", "hospital"),
        "holiday_crowd": ("travel", "parking", "bus"),
    }.items():
        strength = 1 + 0.35 * (world.life.strength(kind, days) - 1)
        for code in codes:
            factor[:, NUMBER[code]] *= strength
    return factor


def _when(world: World, of: Columns) -> Any:
    """Moments: by the system's rhythm, or by the topic's own hours where people call about it."""
    chance = world.chance
    seconds = np.zeros(of.rows_n, np.int64)
    for system, rhythm in enumerate(RHYTHMS):
        own = of["system"] == system
        seconds[own] = world.life.hours(rhythm, of["day"][own], f"appeals.at.{system}", of["event"][own])
    for name, profile in HOURS.items():
        topics = [number for number, topic in enumerate(TOPICS) if topic.hours == name]
        own = np.isin(of["topic_i"], topics) & (of["system"] == HOTLINE)
        hour = chance.choose(profile, "appeals.hour", of["event"][own])
        seconds[own] = hour * 3600 + chance.integers(0, 3600, "appeals.second", of["event"][own])
    return of["day"].astype(np.int64) * DAY_S + seconds


def _placed(world: World, of: Columns) -> Columns:
    """The place of each happening: places of one topic lie thicker in some parts of a township than in others."""
    chance = world.chance
    at = {name: np.full(of.rows_n, -1) for name in _PLACES}
    kind = np.array([_pool_of(topic.code, topic.place) for topic in TOPICS], dtype=object)[of["topic_i"]]
    uniform = chance.uniform("appeals.place", of["event"])
    offset = chance.uniform("appeals.hot", of["township_i"], of["topic_i"])
    is_asked = np.array([topic.types is ASK for topic in TOPICS])[of["topic_i"]]
    thick = np.where(is_asked, uniform, uniform**2.2)
    # A building is there for all of them: that of the happening, or the one in front of which it is.
    at["building_i"] = _picked(world, "building", of["township_i"], thick, offset)
    for pool in sorted(set(kind)):
        own = kind == pool
        register = pool.split(":")[0]
        found = _picked(world, pool, of["township_i"][own], thick[own], offset[own])
        if register == "site":
            found = _active_site(world, found, of["at"][own])
        column = at[f"{register}_i"]
        column[own] = np.where(found >= 0, found, column[own])
    made = of.with_columns(**at)
    return _located(world, made, "appeals.near")


def _pool_of(code: str, place: str) -> str:
    if code in ("lift_fault", "falling_object"):
        return "building:high"
    if code in ("food_complaint", "fume", "noise_shop"):
        return "enterprise:food"
    if code in ("workplace_smell", "hazard", "equipment"):
        return "enterprise:works"
    return {"home": "building", "road": "building"}.get(place, place)


def _picked(world: World, pool: str, townships: Any, uniform: Any, offset: Any) -> Any:
    """A member of the pool in each township, or -1."""
    order, first, last = world.once(("appeals.pool", pool), lambda: _pool(world, pool))
    count = (last - first)[townships]
    at = np.mod(np.floor(offset * count) + np.floor(uniform * count), np.maximum(count, 1)).astype(np.int64)
    return np.where(
        count > 0, order[np.minimum(first[townships] + at, max(len(order) - 1, 0))] if len(order) else -1, -1
    )


def _pool(world: World, pool: str) -> tuple[Any, Any, Any]:
    """Positions of a register's members by township, and where each township begins and ends among them."""
    name, _, kind = pool.partition(":")
    register = getattr(world.city, name)
    grid = world.city.grid["township_i"]
    township = register["township_i"] if "township_i" in register else grid[register["grid_i"]]
    fits = np.arange(len(township))
    if pool == "building":
        fits = fits[np.isin(register["kind"], ["住宅", "商业"])]
    elif kind == "high":
        fits = fits[register["is_high_rise"].astype(bool)]
    elif kind == "food":
        fits = fits[register["kind"] == "餐饮"]
    elif kind == "works":
        fits = fits[np.isin(register["kind"], ["危化", "工业", "仓储"])]
    elif name == "enterprise":
        fits = fits[np.isin(register["kind"], ["商铺", "餐饮", "其他"])]
    order = fits[np.argsort(township[fits], kind="stable")]
    of = township[order]
    all_ = np.arange(world.city.township.rows_n)
    return order, np.searchsorted(of, all_, "left"), np.searchsorted(of, all_, "right")


def _active_site(world: World, site: Any, at: Any) -> Any:
    """-1 where nothing is built on the site on that day."""
    register = world.city.site
    on = days_since_1970(at).astype("datetime64[D]")
    if not len(register["from_on"]):
        return np.full(len(site), -1)
    is_active = (register["from_on"][site] <= on) & (on <= register["to_on"][site])
    return np.where((site >= 0) & is_active, site, -1)


def _located(world: World, of: Columns, stream: str) -> Columns:
    """With ``grid_i lng lat``: those of the most telling place, and some metres off."""
    city = world.city
    lng, lat, grid_i = np.zeros(of.rows_n), np.zeros(of.rows_n), np.full(of.rows_n, -1)
    for name in _PLACES:
        if name == "flat_i":
            continue
        register = getattr(city, name.removesuffix("_i"))
        own = of[name] >= 0
        place = of[name][own]
        lng[own], lat[own], grid_i[own] = register["lng"][place], register["lat"][place], register["grid_i"][place]
    key = (of["event"], of["n"]) if "n" in of else (of["event"],)
    lng, lat = nearby(world.chance, lng, lat, 9.0, stream, *key)
    return of.with_columns(lng=lng, lat=lat, grid_i=grid_i)


def _told(world: World, happened: Columns) -> Columns:
    """Each happening where it came to first, second systems, further callers."""
    chance = world.chance
    first = happened.with_columns(n=np.zeros(happened.rows_n, np.int64), chain_no=np.full(happened.rows_n, -1))
    taken = np.column_stack([numbers(name) > 0 for name in ("hotline", "grid", "case")])[happened["topic_i"]]
    taken[np.arange(happened.rows_n), happened["system"]] = False
    again = taken.any(axis=1) & chance.happens(REPORTED_TWICE, "appeals.again", happened["event"])
    second = first.where(again)
    second["system"] = chance.choose(taken[again] * np.array([1.0, 1.0, 0.7]), "appeals.again.where", second["event"])
    second["n"] = np.ones(second.rows_n, np.int64)
    second["at"] = _later(world, second, 5.0)
    mean = np.array([0.0 if t.types is ASK else MANY_CALLERS.get(t.code, MORE_CALLERS) for t in TOPICS])
    heard = first.where(first["system"] == HOTLINE)
    counts = np.minimum(chance.poisson(mean[heard["topic_i"]], "appeals.callers", heard["event"]), 8)
    which, running = repeated(counts)
    callers = heard.where(which)
    callers["n"] = running + 2
    callers["at"] = _later(world, callers, 1.5)
    more = Columns.together([second, callers])
    more["lng"], more["lat"] = nearby(
        chance, more["lng"], more["lat"], NEARER_M, "appeals.again.near", more["event"], more["n"]
    )
    return Columns.together([first, more])


def _later(world: World, of: Columns, median_h: float) -> Any:
    hours = world.chance.lognormal(median_h, 1.0, "appeals.lag", of["event"], of["n"])
    return of["at"] + np.minimum(hours * 3600, SPREAD_DAYS * DAY_S - DAY_S).astype(np.int64)


def _planted(world: World, system: int) -> Columns:
    """Records of chains, scenarios and group rentals, over the whole time of the city."""
    return world.once(("appeals.planted", system), lambda: _plant(world, system))


def _plant(world: World, system: int) -> Columns:
    chance = world.chance
    steps = world.life.precursors(SOURCES[system])
    unknown = set(steps["what"]) - set(WHAT[system])
    if unknown:
        raise ValueError(f"{SOURCES[system]} does not know how to record {sorted(unknown)}")
    codes = np.array([WHAT[system][what] for what in steps["what"]], dtype=object)
    named = np.array([PETITION_TOPICS.get(topic, "petition_other") for topic in steps["topic"]], dtype=object)
    topic = np.array([NUMBER[code or name] for code, name in zip(codes, named, strict=True)], dtype=np.int64)
    is_chain = steps["chain_no"] < _FIRST_SCENARIO
    event = np.where(
        is_chain,
        _CHAIN + steps["chain_no"] * 128 + topic,
        _SCENARIO + (steps["chain_no"] - _FIRST_SCENARIO) * (1 << 23) + steps["step_no"],
    )
    of_steps = Columns(
        event=event,
        system=np.full(steps.rows_n, system),
        topic_i=topic,
        township_i=steps["township_i"].astype(np.int64),
        at=steps["at"].astype("datetime64[s]").astype(np.int64),
        n=steps["step_no"].astype(np.int64),
        chain_no=steps["chain_no"],
        building_i=_building_in(world, steps),
        flat_i=steps["flat_i"].astype(np.int64),
        enterprise_i=steps["enterprise_i"].astype(np.int64),
        school_i=steps["school_i"].astype(np.int64),
        site_i=np.full(steps.rows_n, -1),
        flood_point_i=np.full(steps.rows_n, -1),
    )
    made = Columns.together([of_steps, _rentals(world)]) if system == HOTLINE else of_steps
    made["at"] = made["at"] + chance.integers(0, 60, "appeals.planted.second", made["event"], made["n"])
    order = ["event", "system", "topic_i", "township_i", "at", *_PLACES, "lng", "lat", "grid_i", "n", "chain_no"]
    located = _located(world, made, "appeals.planted.near")
    return Columns({name: located[name] for name in order})


def _building_in(world: World, steps: Columns) -> Any:
    """The step's building; else one in its grid, for a chain always the same."""
    building = world.city.building
    order = world.once("appeals.by_grid", lambda: np.argsort(building["grid_i"], kind="stable"))
    of = building["grid_i"][order]
    first, last = np.searchsorted(of, steps["grid_i"], "left"), np.searchsorted(of, steps["grid_i"], "right")
    key = np.where(steps["chain_no"] < _FIRST_SCENARIO, 0, steps["step_no"])
    at = first + world.chance.integers(0, np.maximum(last - first, 1), "appeals.planted.at", steps["chain_no"], key)
    found = np.where(last > first, order[np.minimum(at, len(order) - 1)], -1)
    return np.where(steps["building_i"] >= 0, steps["building_i"], found).astype(np.int64)


def _rentals(world: World) -> Columns:
    """What neighbours of real group rentals say to the hotline."""
    chance, flat = world.chance, world.city.flat
    flat_i = np.flatnonzero(~np.isnat(flat["group_from"]))
    building_i = np.asarray(flat["building_i"])[flat_i].astype(np.int64)
    township, key = flat["township_i"][flat_i].astype(np.int64), flat["key"][flat_i]
    first = np.maximum(flat["group_from"][flat_i], np.datetime64(BEGINS_ON))
    last = np.where(np.isnat(flat["group_to"][flat_i]), np.datetime64(ENDS_ON), flat["group_to"][flat_i])
    length = np.maximum((last - first).astype("timedelta64[D]").astype(np.int64), 0)
    counts = chance.poisson(length / RENTAL_EVERY_DAYS, "appeals.rental", key)
    which, running = repeated(counts)
    key, nth = key[which], running
    second = chance.uniform("appeals.rental.at", key, nth) * length[which] * DAY_S
    codes = np.array([NUMBER[code] for code in RENTAL_TOPICS])
    topic = codes[chance.choose(list(RENTAL_TOPICS.values()), "appeals.rental.topic", key, nth)]
    hour = chance.choose(HOURS[EVENING], "appeals.rental.hour", key, nth) * 3600
    day = days_since_1970(first.astype("datetime64[s]").astype(np.int64)[which] + second.astype(np.int64))
    none = np.full(len(which), -1)
    return Columns(
        event=_RENTAL + key * 128 + topic,
        system=np.full(len(which), HOTLINE),
        topic_i=topic,
        township_i=township[which],
        at=day * DAY_S + hour + chance.integers(0, 3540, "appeals.rental.second", key, nth),
        n=nth,
        chain_no=none,
        building_i=building_i[which],
        flat_i=flat_i[which],
        enterprise_i=none,
        school_i=none,
        site_i=none,
        flood_point_i=none,
    )


def _serial(of: Columns) -> Any:
    """Number of each report on its day in its township, by time, from 1."""
    group = days_since_1970(of["at"]) * 256 + of["township_i"]
    order = np.lexsort((of["n"], of["event"], of["at"], group))
    ordered = group[order]
    begins = np.concatenate([[True], ordered[1:] != ordered[:-1]]) if len(ordered) else np.zeros(0, bool)
    starts = np.maximum.accumulate(np.where(begins, np.arange(len(ordered)), 0)) if len(ordered) else ordered
    serial = np.zeros(of.rows_n, np.int64)
    serial[order] = np.arange(len(ordered)) - starts + 1
    return serial
