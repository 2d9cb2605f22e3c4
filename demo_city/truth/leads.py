"""Which warnings of the model library are true in this city, from when, and from when they could have been seen.

A lead is *true* when what its model looks for is really so: an event that the world has planned follows from the signs,
or a register says it (a hazard is overdue, a flat is let to a group). Signs that fall together by chance are no truth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.columns import Columns
from demo_city.days import Days
from demo_city.truth.indicators.frame import Events, Frame, day
from demo_city.truth.schema import TABLES

if TYPE_CHECKING:
    from demo_city.world import World

RULES = """
A lead is true when what its model looks for is really so, and not only when its rule's numbers come together: signs
that fall together by chance make a false lead. `true_from_on` is the first day on which it is so, `detectable_from_on`
the first day by whose deliveries the model's rule could have seen it (weekly lists: the end of the week), which may be
after the event. Subjects are places, objects and units, never persons. A model whose leads depend on a choice the lake
makes (a baseline, a peer group, a forecast) has no definite answer; it is graded by the events that followed its leads,
which `chain` and `precursor` tell.
"""
NEVER = np.datetime64("NaT", "D")
WEEKLY = ("S21", "S25")
"""Sources that deliver once a week: a sign is there at the end of its week."""


@dataclass(frozen=True)
class Signs:
    """A model whose lead is true where a chain's signs come together.

    Attributes:
        kinds: of chains.
        signs: (source, what) that count.
        n: so many signs …
        within: … within so many days.
        subject: what the lead is about: ``building``, ``flat``, ``enterprise``, ``school``, ``grid``.
    """

    kinds: tuple[str, ...]
    signs: tuple[tuple[str, str], ...]
    n: int
    within: float
    subject: str


CHAINED: dict[str, Signs] = {
    "G17": Signs(("fire",), (("S29", "lift_alarm"),), 5, 30, "building"),
    "G18": Signs(("fire",), (("S01", "fly_wire"),), 2, 30, "building"),
    "W034": Signs(("crash_spot",), (("S05", "crash"),), 2, 60, "grid"),
    "W039": Signs(("fire",), (("S01", "fire_lane_blocked"), ("S02", "fire_lane_blocked")), 3, 30, "building"),
    "W051": Signs(("industrial_accident",), (("S07", "selfcheck_gap"),), 1, 1, "enterprise"),
    "W062": Signs(
        ("industrial_accident",),
        (("S07", "overdue_hazard"), ("S01", "workplace_smell"), ("S02", "hazard_seen")),
        2,
        90,
        "enterprise",
    ),
    "W064": Signs(("elevator",), (("S01", "lift_fault"),), 3, 90, "building"),
    "W066": Signs(("food",), (("S20", "food_complaint"), ("S01", "food_complaint")), 3, 7, "enterprise"),
    "W071": Signs(("gas_explosion",), (("S13", "leak_alarm"),), 2, 30, "building"),
    "W074": Signs(("subsidence",), (("S15", "pipe_leak"), ("S03", "road_crack"), ("S01", "road_crack")), 2, 60, "grid"),
    "W095": Signs(("odour",), (("S01", "odour"),), 5, 3, "enterprise"),
    "W100": Signs(("school_cluster",), (("S22", "absence"),), 1, 1, "school"),
    "W103": Signs(("elderly",), (("S21", "visit_overdue"),), 1, 1, "flat"),
    "W104": Signs(("elderly",), (("S29", "device_silent"),), 1, 1, "flat"),
    "W105": Signs(("elderly",), (("S14", "zero_usage"),), 1, 1, "flat"),
    "W111": Signs(("petition",), (("S01", "petition_topic"),), 5, 7, "grid"),
    "W116": Signs(
        ("petition",), (("S01", "petition_topic"), ("S10", "mediation_failed"), ("S09", "petition")), 3, 90, "grid"
    ),
    "W118": Signs(("dispute",), (("S04", "dispute_call"),), 3, 60, "building"),
    "W120": Signs(("investor",), (("S25", "clue"), ("S01", "investor_loss")), 10, 90, "grid"),
}
"""Models whose leads are true before the event of a chain; numbers as in the library."""

PLANTED: dict[str, tuple[str, ...]] = {
    "W112": ("mass_risk", "snowball", "gas_main", "transmission"),
    "W117": ("transmission", "snowball"),
    "W120": ("mass_risk",),
    "W122": ("resonance",),
    "W124": ("resonance", "transmission", "superposition", "snowball"),
}
"""Models whose leads are true while a scenario lasts, by its kinds."""

MAJOR_DAYS, GENERAL_DAYS = 0, 7
DUST_LIMIT_UGM3, DUST_HOURS = 150.0, 3
STALE_VISITS = 3
MEDIATION_DAYS = 15
GAS_DAYS, GAS_WORST_DAYS = 30, 1
COLUMNS = TABLES["lead"].arrow.names

Find = Callable[["World", Days, Frame], Columns]
REGISTERED: dict[str, tuple[str, Find]] = {}
"""Models whose leads a register or the events answer: what makes them true, and what finds them."""


def registered(model: str, rule: str) -> Callable[[Find], Find]:
    """Register what finds the true leads of a model."""

    def register(find: Find) -> Find:
        REGISTERED[model] = (rule, find)
        return find

    return register


def true_leads(world: World, days: Days, frame: Frame, models: Sequence[str] | None = None) -> pa.Table:
    """The table ``lead``: every true lead that is so on one of the days.

    Args:
        world: the city.
        days: the days.
        frame: has the events.
        models: of those that events and registers answer only these (tests); None = all. Chains and scenarios need
            no events.

    Raises:
        MissingEvents: a source does not give the events that answer a model.
    """
    parts = [_of_signs(world, model, signs) for model, signs in CHAINED.items()]
    parts += [_of_scenarios(world, model, kinds) for model, kinds in PLANTED.items()]
    for model, (_, find) in REGISTERED.items():
        if models is None or model in models:
            made = find(world, days, frame)
            parts.append(made.with_columns(model_id=np.full(made.rows_n, model, dtype=object)))
    tables = [_as_table(world, part) for part in parts if part.rows_n]
    whole = pa.concat_tables([TABLES["lead"].arrow.empty_table(), *tables])
    first, last = np.datetime64(days.first), np.datetime64(days.last)
    begins = whole["true_from_on"].to_numpy(zero_copy_only=False).astype("datetime64[D]")
    ends = whole["true_until_on"].to_numpy(zero_copy_only=False).astype("datetime64[D]")
    return whole.filter(pa.array((begins <= last) & ~(ends < first)))


def models() -> list[tuple[str, bool, str]]:
    """All 130 models: id, whether the world has an answer, and by what, or why not."""
    made = []
    for model in [*(f"G{number:02}" for number in range(1, 28)), *(f"W{number:03}" for number in range(28, 131))]:
        rules = []
        if model in CHAINED:
            of = CHAINED[model]
            rules.append(
                f"before the event of a chain ({', '.join(of.kinds)}): {of.n} or more of "
                f"{', '.join(f'{what} ({source})' for source, what in of.signs)} within {of.within:g} days at the "
                f"{of.subject} of the event"
            )
        if model in PLANTED:
            rules.append(f"while a scenario lasts ({', '.join(PLANTED[model])}), about its topic")
        if model in REGISTERED:
            rules.append(REGISTERED[model][0])
        if rules:
            made.append((model, True, "; ".join(rules) + "."))
        elif model.startswith("G"):
            made.append((model, True, "The flat, or a flat of the building, is let to a group: the rows of W130."))
        else:
            made.append((model, False, UNANSWERED.get(model, _BY_CHOICE)))
    return made


_BY_CHOICE = (
    "its leads depend on a baseline, a peer group or a clustering that the lake chooses; chain and precursor tell "
    "which events followed."
)
UNANSWERED: dict[str, str] = {
    "W048": "a forecast of weather and conduct; no event of the world follows from it.",
    "W078": "the readiness of pump stations is not simulated.",
    "W083": "no event of frozen pipes is planned in the world.",
    "W091": "a forecast; the days above the limit are I15.",
    "W126": "the list of risks and its owners are the lake's own decisions.",
}


def _of_signs(world: World, model: str, of: Signs) -> Columns:
    chains, steps = world.life.chains, world.life.steps
    pairs = {f"{source}|{what}" for source, what in of.signs}
    named = np.array([f"{source}|{what}" for source, what in zip(steps["source"], steps["what"], strict=True)])
    own = steps.where(
        np.isin(named, list(pairs)) & np.isin(steps["kind"], of.kinds) & np.isin(steps["chain_no"], chains["chain_no"])
    )
    own = own.where(np.lexsort((own["at"], own["chain_no"])))
    number, at = own["chain_no"], own["at"].astype("datetime64[s]")
    back = of.n - 1
    if own.rows_n <= back:
        return Columns()
    last = np.arange(back, own.rows_n)
    first = last - back
    near = (number[last] == number[first]) & ((at[last] - at[first]) <= np.timedelta64(int(of.within * 86400), "s"))
    last = last[near]
    _, which = np.unique(number[last], return_index=True)
    met = own.where(last[which])
    order = np.argsort(chains["chain_no"])
    chain = chains.where(order[np.searchsorted(chains["chain_no"][order], met["chain_no"])])
    on = day(met["at"])
    weekly = np.isin(met["source"], WEEKLY)
    sunday = on + (6 - (on.astype(np.int64) + 3) % 7)
    return Columns(
        model_id=np.full(met.rows_n, model, dtype=object),
        subject_kind=np.full(met.rows_n, of.subject, dtype=object),
        subject=_subject(world, of.subject, chain),
        township_i=chain["township_i"],
        true_from_on=on,
        detectable_from_on=np.where(weekly, sunday, on),
        true_until_on=day(chain["event_at"]),
        event_at=chain["event_at"].astype("datetime64[s]"),
        chain_no=chain["chain_no"],
        evidence=np.full(met.rows_n, ", ".join(sorted({what for _, what in of.signs})), dtype=object),
    )


_NUMBERS = {
    "building": "building_no",
    "flat": "flat_no",
    "enterprise": "uscc",
    "school": "school_no",
    "grid": "grid_id",
}


def _subject(world: World, kind: str, chain: Columns) -> Any:
    register, at = getattr(world.city, kind), chain[f"{kind}_i"]
    numbers = np.asarray(register[_NUMBERS[kind]])
    if not len(numbers):
        return np.full(len(at), None, dtype=object)
    return np.where(at >= 0, numbers[np.maximum(at, 0)].astype(str).astype(object), None)


def _of_scenarios(world: World, model: str, kinds: tuple[str, ...]) -> Columns:
    own = world.life.scenarios
    own = own.where(np.isin(own["kind"], kinds))
    n = own.rows_n
    return Columns(
        model_id=np.full(n, model, dtype=object),
        subject_kind=np.full(n, "topic", dtype=object),
        subject=np.where(own["topic_zh"] == "", own["title_zh"], own["topic_zh"]),
        township_i=own["township_i"],
        true_from_on=day(own["from_on"]),
        detectable_from_on=day(own["from_on"]),
        true_until_on=day(own["to_on"]),
        event_at=np.full(n, np.datetime64("NaT", "s")),
        chain_no=own["scenario_no"],
        evidence=own["kind"],
    )


def standing(kind: str, subject: Any, township_i: Any, begins: Any, ends: Any, seen: Any, evidence: str) -> Columns:
    """Leads that are true from a day to a day.

    Args:
        kind, subject: what they are about.
        township_i: where.
        begins, ends: first and last day on which it is so; NaT = still.
        seen: first day by whose deliveries it could be seen; NaT = never.
        evidence: table of events.
    """
    n = len(begins)
    return Columns(
        subject_kind=np.full(n, kind, dtype=object),
        subject=np.asarray(subject, dtype=object),
        township_i=np.asarray(township_i),
        true_from_on=day(begins),
        detectable_from_on=day(seen),
        true_until_on=day(ends),
        event_at=np.full(n, np.datetime64("NaT", "s")),
        chain_no=np.full(n, -1),
        evidence=np.full(n, evidence, dtype=object),
    )


def _later(left: Any, right: Any) -> Any:
    return np.where(np.isnat(left) | np.isnat(right), NEVER, np.maximum(left, right))


def overdue(events: Events, kind: str, id: str, due: Any, ends: Any, grace: Any, evidence: str) -> Columns:
    """Things not done by their day and some days of grace: from the day after until they are done."""
    begins = day(due) + grace + 1
    ends = day(ends)
    late = ~np.isnat(begins) & ~(ends < begins)
    return standing(
        kind,
        events[id][late].astype(str),
        events["township_i"][late],
        begins[late],
        ends[late] - 1,
        _later(begins, events.known)[late],
        evidence,
    )


@registered("W052", "a hazard is not closed after its day: major at once, others after 7 days (events hazard)")
def _hazards(world: World, days: Days, frame: Frame) -> Columns:
    hazards = frame.events("hazard", "hazard_no", "due_on", "closed_on", "is_major")
    grace = np.where(hazards["is_major"].astype(bool), MAJOR_DAYS, GENERAL_DAYS)
    return overdue(hazards, "hazard", "hazard_no", hazards["due_on"], hazards["closed_on"], grace, "hazard")


@registered("W113", "a case that was passed on is open after its deadline (events hotline_case)")
def _stuck_cases(world: World, days: Days, frame: Frame) -> Columns:
    cases = frame.events("hotline_case", "case_no", "deadline_at", "closed_at", "dispatched_at", "is_withdrawn")
    cases = cases.where(~np.isnat(cases["dispatched_at"]) & ~cases["is_withdrawn"].astype(bool))
    return overdue(cases, "case", "case_no", cases["deadline_at"], cases["closed_at"], 0, "hotline_case")


@registered("W130", "a flat is really let to a group (register of flats; G01 to G27 are true of the same flats)")
def _group_rentals(world: World, days: Days, frame: Frame) -> Columns:
    flat, building = world.city.flat, world.city.building
    own = flat.where(~np.isnat(flat["group_from"]))
    begins, ends = day(own["group_from"]), day(own["group_to"])
    return standing(
        "flat",
        own["flat_no"].astype(str),
        building["township_i"][own["building_i"]],
        begins,
        ends,
        np.maximum(begins, np.datetime64(days.first)),
        "flat",
    )


def _as_table(world: World, leads: Columns) -> pa.Table:
    codes = np.asarray(world.city.township["code"], dtype=object)
    at = np.asarray(leads["township_i"])
    named = np.where(at >= 0, codes[np.maximum(at, 0)], None)
    chain = pa.array(leads["chain_no"], mask=np.asarray(leads["chain_no"]) < 0)
    columns = {**leads, "township_code": named}
    schema = TABLES["lead"].arrow
    return pa.table(
        [
            chain.cast(field.type) if field.name == "chain_no" else pa.array(columns[field.name], field.type)
            for field in schema
        ],
        schema=schema,
    )
