"""Events that had precursors: what led to them, where, and how long before.

A chain is one event and the small things before it, at one place, each seen by one department: appeals and a blocked
fire lane before a fire, an overdue inspection before an accident. The rates are per 100,000 people and year, far above
those of any real city, so that a small cut of the city has enough of each kind to learn and to grade by; they are
assumptions of the demo city, not statistics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from demo_city.chance import repeated
from demo_city.columns import Columns
from demo_city.days import BEGINS_ON, ENDS_ON

if TYPE_CHECKING:
    from demo_city.world import World

EVENT = "event"
"""`what` of the step that is the event itself."""


@dataclass(frozen=True)
class Step:
    """One kind of precursor.

    Attributes:
        source: who sees it.
        what: what it is, as the source's module knows it.
        days: how long before the event, from (far) to (near).
        count: how many there are at most; at least one when it happens at all.
        probability: that the event has this precursor.
    """

    source: str
    what: str
    days: tuple[float, float]
    count: int = 1
    probability: float = 1.0


@dataclass(frozen=True)
class Kind:
    """One kind of chain.

    Attributes:
        name, title_zh: what the event is.
        per_100k: events a year per 100,000 people.
        place: ``building``, ``flat``, ``enterprise``, ``school`` or ``grid``.
        recorder: the source that records the event.
        steps: its precursors.
        hours: hours of the day in which the event may happen.
    """

    name: str
    title_zh: str
    per_100k: float
    place: str
    recorder: str
    steps: tuple[Step, ...]
    hours: tuple[int, int] = (0, 24)


KINDS: tuple[Kind, ...] = (
    Kind(
        "fire",
        "火灾",
        18.0,
        "building",
        "S06",
        (
            Step("S01", "fly_wire", (60, 5), 3, 0.6),
            Step("S01", "fire_lane_blocked", (45, 2), 2, 0.5),
            Step("S02", "fire_lane_blocked", (30, 2), 2, 0.5),
            Step("S29", "lift_alarm", (30, 1), 6, 0.5),
            Step("S14", "power_anomaly", (14, 1), 1, 0.4),
            Step("S06", "finding_open", (90, 20), 1, 0.4),
        ),
    ),
    Kind(
        "gas_explosion",
        "燃气爆燃",
        1.5,
        "flat",
        "S06",
        (
            Step("S13", "leak_alarm", (30, 1), 3, 0.9),
            Step("S01", "gas_smell", (20, 0.2), 3, 0.9),
            Step("S13", "hazard_unfixed", (120, 40), 1, 0.7),
        ),
    ),
    Kind(
        "industrial_accident",
        "生产安全事故",
        3.0,
        "enterprise",
        "S07",
        (
            Step("S07", "overdue_inspection", (120, 60), 1, 0.7),
            Step("S07", "overdue_hazard", (90, 20), 2, 0.8),
            Step("S07", "selfcheck_gap", (21, 8), 1, 0.5),
            Step("S01", "workplace_smell", (60, 5), 2, 0.5),
            Step("S02", "hazard_seen", (40, 5), 1, 0.4),
        ),
        (7, 22),
    ),
    Kind(
        "subsidence",
        "路面塌陷",
        2.5,
        "grid",
        "S03",
        (
            Step("S15", "pipe_leak", (50, 10), 2, 0.7),
            Step("S03", "road_crack", (40, 4), 2, 0.8),
            Step("S01", "road_crack", (35, 2), 3, 0.8),
        ),
    ),
    Kind(
        "food",
        "聚集性食源性事件",
        3.0,
        "enterprise",
        "S19",
        (
            Step("S20", "failed_check", (90, 20), 1, 0.5),
            Step("S20", "food_complaint", (6, 0.5), 4, 0.9),
            Step("S01", "food_complaint", (6, 0.5), 3, 0.8),
        ),
        (11, 23),
    ),
    Kind(
        "petition",
        "集体上访",
        4.0,
        "grid",
        "S09",
        (
            Step("S01", "petition_topic", (80, 3), 12, 1.0),
            Step("S10", "mediation_failed", (60, 15), 1, 0.7),
            Step("S09", "petition", (50, 8), 2, 0.7),
            Step("S26", "topic_heat", (14, 1), 3, 0.5),
        ),
        (8, 17),
    ),
    Kind(
        "investor",
        "投资受损群体聚集",
        0.8,
        "grid",
        "S04",
        (
            Step("S25", "clue", (150, 30), 3, 1.0),
            Step("S01", "investor_loss", (90, 3), 20, 1.0),
            Step("S26", "topic_heat", (40, 2), 5, 0.8),
            Step("S09", "petition", (60, 5), 3, 0.9),
        ),
        (8, 17),
    ),
    Kind(
        "crash_spot",
        "亡人交通事故",
        2.5,
        "grid",
        "S05",
        (Step("S05", "crash", (180, 3), 4, 1.0), Step("S01", "school_traffic", (120, 5), 2, 0.6)),
    ),
    Kind(
        "school_cluster",
        "学校聚集性疫情",
        5.0,
        "school",
        "S19",
        (Step("S22", "absence", (5, 1), 4, 1.0),),
        (9, 16),
    ),
    Kind(
        "elderly",
        "独居老人意外",
        6.0,
        "flat",
        "S19",
        (
            Step("S21", "visit_overdue", (20, 8), 1, 0.7),
            Step("S14", "zero_usage", (3, 2), 1, 0.7),
            Step("S29", "device_silent", (3, 1), 1, 0.5),
        ),
    ),
    Kind(
        "dispute",
        "纠纷激化",
        5.0,
        "building",
        "S04",
        (
            Step("S04", "dispute_call", (60, 2), 4, 1.0),
            Step("S10", "dispute_opened", (50, 5), 1, 0.6),
            Step("S01", "noise_night", (60, 3), 3, 0.5),
        ),
    ),
    Kind(
        "odour",
        "异味扰民",
        3.0,
        "enterprise",
        "S16",
        (Step("S01", "odour", (3, 0.2), 8, 1.0), Step("S02", "odour_seen", (3, 0.5), 1, 0.5)),
        (19, 24),
    ),
    Kind(
        "elevator",
        "电梯困人",
        4.0,
        "building",
        "S20",
        (Step("S01", "lift_fault", (60, 2), 4, 1.0),),
    ),
)
"""Every kind there is; a source's module must know each `what` that names it."""


def chains_of(world: World) -> tuple[Columns, Columns]:
    """All chains of the active townships, and their steps, events included.

    Returns:
        chains: ``chain_no kind event_at township_i grid_i building_i flat_i enterprise_i school_i severity``, in the
        order of kind, township and number; -1 where a place does not apply.
        steps: ``chain_no step_no source kind what at township_i grid_i building_i flat_i enterprise_i school_i``.
    """
    chance, city = world.chance, world.city
    active = np.flatnonzero(city.township["is_active"])
    people = city.township["population"][active]
    years = (np.datetime64(ENDS_ON) - np.datetime64(BEGINS_ON)).astype(int) / 365.25
    parts = [
        _chains_of_kind(world, kind, number, active, chance.poisson(
            kind.per_100k * people / 1e5 * years, f"chains.{kind.name}.n", active
        ))
        for number, kind in enumerate(KINDS)
    ]  # fmt: skip
    chains = Columns.together(part for part in parts if part.rows_n)
    return chains, _steps_of(world, chains)


def _chains_of_kind(world: World, kind: Kind, number: int, townships: Any, counts: Any) -> Columns:
    chance, city, stream = world.chance, world.city, f"chains.{kind.name}"
    which, running = repeated(counts)
    township = townships[which]
    keys = (township, running)
    days_n = (np.datetime64(ENDS_ON) - np.datetime64(BEGINS_ON)).astype(int)
    on = np.datetime64(BEGINS_ON, "D") + chance.integers(0, days_n, f"{stream}.day", *keys)
    low, high = kind.hours
    minute = chance.integers(low * 60, high * 60, f"{stream}.minute", *keys)
    if kind.name == "school_cluster":  # moved to the next day of a school term
        on = world.life.next_school_day(on)
    places = {name: np.full(len(township), -1) for name in ("grid", "building", "flat", "enterprise", "school")}
    places[kind.place], found = _place(world, kind, township, keys)
    for name, above in (("flat", "building"), ("building", "grid"), ("enterprise", "grid"), ("school", "grid")):
        at = places[name]
        known = (at >= 0) & (places[above] < 0)
        places[above] = np.where(known, getattr(city, name)[f"{above}_i"][np.maximum(at, 0)], places[above])
    chain_no = (number + 1) * 10_000_000 + township * 10_000 + running
    made = Columns(
        chain_no=chain_no,
        kind=np.full(len(township), kind.name, dtype=object),
        event_at=on.astype("datetime64[m]") + minute.astype("timedelta64[m]"),
        township_i=township,
        **{f"{name}_i": at for name, at in places.items()},
        severity=1 + chance.choose([0.75, 0.18, 0.06, 0.01], f"{stream}.severity", *keys),
    )
    return made.where(found)


def _place(world: World, kind: Kind, township: Any, keys: Any) -> tuple[Any, Any]:
    """A place of the kind within each township (position, or -1), and whether there is one."""
    city = world.city
    register = getattr(city, kind.place)
    fits = np.arange(register.rows_n)
    if kind.name == "gas_explosion":
        fits = fits[city.building["built_year"][register["building_i"]] < 2010]
    elif kind.name == "elderly":
        fits = fits[register["elderly_alone"]]
    elif kind.name == "industrial_accident":
        fits = fits[np.isin(register["kind"], ["危化", "工业", "仓储", "建筑"])]
    elif kind.name == "food":
        fits = fits[register["kind"] == "餐饮"]
    elif kind.name == "odour":
        fits = fits[np.isin(register["kind"], ["危化", "工业"])]
    elif kind.name == "elevator":
        fits = fits[register["is_high_rise"]]
    where = city.building["township_i"][register["building_i"]] if kind.place == "flat" else register["township_i"]
    of = where[fits]
    order = np.argsort(of, kind="stable")
    fits, of = fits[order], of[order]
    first, last = np.searchsorted(of, township, "left"), np.searchsorted(of, township, "right")
    pick = first + world.chance.integers(0, np.maximum(last - first, 1), f"chains.{kind.name}.place", *keys)
    found = last > first
    return np.where(found, fits[np.minimum(pick, max(len(fits) - 1, 0))] if len(fits) else -1, -1), found


def _steps_of(world: World, chains: Columns) -> Columns:
    chance = world.chance
    places = [name for name in chains if name.endswith("_i")]
    parts: list[Columns] = []
    for kind in KINDS:
        own = chains.where(chains["kind"] == kind.name)
        if not own.rows_n:
            continue
        parts.append(_step(own, places, kind, kind.recorder, EVENT, own["event_at"], np.zeros(own.rows_n, np.int64)))
        for number, step in enumerate(kind.steps, 1):
            stream = f"chains.{kind.name}.{step.source}.{step.what}"
            is_so = chance.happens(step.probability, stream, own["chain_no"])
            counts = np.where(is_so, chance.integers(1, step.count + 1, f"{stream}.n", own["chain_no"]), 0)
            which, running = repeated(counts)
            of = own.where(which)
            far, near = step.days
            lead = near + (far - near) * chance.uniform(f"{stream}.lead", of["chain_no"], running)
            at = of["event_at"] - np.rint(lead * 1440).astype("timedelta64[m]")
            parts.append(_step(of, places, kind, step.source, step.what, at, number * 100 + running))
    return Columns.together(parts)


def _step(of: Columns, places: list[str], kind: Kind, source: str, what: str, at: Any, number: Any) -> Columns:
    return Columns(
        chain_no=of["chain_no"],
        step_no=number,
        source=np.full(of.rows_n, source, dtype=object),
        kind=np.full(of.rows_n, kind.name, dtype=object),
        what=np.full(of.rows_n, what, dtype=object),
        at=at,
        **{name: of[name] for name in places},
    )
