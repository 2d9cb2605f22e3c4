"""Which warnings of the model library are true in this city, from when, and from when they could have been seen.

A lead is *true* when what its model looks for is really so: an event that the world has planned follows from the signs,
or a register says it (a hazard is overdue, a flat is let to a group). Signs that fall together by chance are no truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.columns import Columns
from demo_city.days import Days
from demo_city.life import KINDS
from demo_city.truth.indicators.frame import Frame, day
from demo_city.truth.leads.registers import REGISTERED
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
    parts += [_of_places(world, model, subject, kinds) for model, (subject, kinds) in placed().items()]
    for model, (_, find) in REGISTERED.items():
        if models is None or model in models:
            made = find(world, days, frame)
            parts.append(made.with_columns(model_id=np.full(made.rows_n, model, dtype=object)))
    tables = [_as_table(world, part) for part in parts if part.rows_n]
    whole = pa.concat_tables([TABLES["lead"].arrow.empty_table(), *tables])
    first, last = np.datetime64(days.first), np.datetime64(days.last)
    begins, ends, seen = (
        whole[name].to_numpy(zero_copy_only=False).astype("datetime64[D]")
        for name in ("true_from_on", "true_until_on", "detectable_from_on")
    )
    # Nothing is seen before the first delivery, and what is over when its list comes is never seen.
    seen = np.where(np.isnat(seen), NEVER, np.maximum(seen, first))
    seen = np.where(seen > ends, NEVER, seen)
    at = whole.schema.get_field_index("detectable_from_on")
    whole = whole.set_column(at, "detectable_from_on", pa.array(seen, pa.date32()))
    return whole.filter(pa.array((begins <= last) & ~(ends < first)))


def models() -> list[tuple[str, bool, str]]:
    """All 130 models: id, whether the world has an answer, and by what, or why not."""
    made, near = [], placed()
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
        if model in near:
            subject, kinds = near[model]
            rules.append(
                f"from the first sign of a chain ({', '.join(kinds)}) to {AFTER_EVENT} days after its event, about its "
                f"{subject}"
            )
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
AFTER_EVENT = 30
"""Days after a chain's event for which a lead about its place still counts as true, as in the command centre."""


def placed() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Models that look for what chains are made of, without a count of signs: subject and kinds of chains.

    The command centre holds the same leads for true (`demo_city.departments.command_leads`).
    """
    from demo_city.departments.command_leads import MODELS

    kinds = {kind.name for kind in KINDS}
    found = {model.id: (model.subject, tuple(cause for cause in model.causes if cause in kinds)) for model in MODELS}
    taken = {*CHAINED, *PLANTED, *REGISTERED}
    return {
        model: (subject, causes)
        for model, (subject, causes) in found.items()
        if causes and model not in taken and not model.startswith("G")
    }


def _of_places(world: World, model: str, subject: str, kinds: tuple[str, ...]) -> Columns:
    chains, steps = world.life.chains, world.life.steps
    own = chains.where(np.isin(chains["kind"], kinds) & (chains[f"{subject}_i"] >= 0))
    if not own.rows_n:
        return Columns()
    order = np.lexsort((steps["at"], steps["chain_no"]))
    numbers = steps["chain_no"][order]
    begins = day(steps["at"][order][np.searchsorted(numbers, own["chain_no"])])
    n = own.rows_n
    return Columns(
        model_id=np.full(n, model, dtype=object),
        subject_kind=np.full(n, subject, dtype=object),
        subject=_subject(world, subject, own),
        township_i=own["township_i"],
        true_from_on=begins,
        detectable_from_on=begins,
        true_until_on=day(own["event_at"]) + AFTER_EVENT,
        event_at=own["event_at"].astype("datetime64[s]"),
        chain_no=own["chain_no"],
        evidence=own["kind"],
    )


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
