"""Leads of the command centre: which are pushed, which are true, and what the departments make of them.

A lead is *true* when something planted is behind it (a chain that ends in an event, a flat let to a group, a scenario),
or, for the many models about small everyday faults, by a draw of the model's own precision. Departments then sign for
it, look, and say what they found, with their noise: what is true is sometimes not found, what is not is reported as
"handled", some can never be verified, some lie for ever. Leads of the lake, taken by the inbox, go the same way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from demo_city.columns import Columns
from demo_city.days import BEGINS_ON, ENDS_ON, Days
from demo_city.departments.production import latest
from demo_city.departments.safety import drawn, per_township, pick

if TYPE_CHECKING:
    from demo_city.world import World

LONGEST_LIFE = 150
"""Days after which nothing happens to a lead any more."""
A_DAY = 500.0
"""Leads of small everyday things in the whole city on an average day; those of chains and group rentals come on top."""
DETECTED = 0.6
"""Share of chains and group rentals that some model sees."""
SEVERITIES = ("红", "橙", "黄", "蓝")
DUE_DAYS = np.array([2, 5, 10, 15])
SLOTS = np.array([5 * 3600 + 1800, 10 * 3600 + 1800, 14 * 3600 + 1800, 18 * 3600 + 1800])
"""Seconds of the day at which the models' results are handed over, four times a day."""
RESULTS = ("属实", "不属实", "无法核实")
REAL, FALSE, UNVERIFIABLE = range(3)
OF_TRUE = (0.86, 0.06, 0.08)
"""What departments say of a true lead."""
OF_FALSE = (0.07, 0.81, 0.12)
"""… and of a false one: the first is the false "handled"."""
NEVER_SIGNED, NEVER_VERIFIED, NEVER_CLOSED = 0.015, 0.04, 0.05
CHAIN_KEYS, FLAT_KEYS, INBOX_KEYS = 10**13, 2 * 10**13, 3 * 10**13
"""Leads of everyday things have keys below these; so no two leads share a key."""
AFTER_EVENT = 30
"""Days after a chain's event for which a lead about its place still counts as true."""

# id, subject, recipient, severity, kinds of chains (or `group`, or scenarios) that make it true
_MODELS = """
G01 flat 住建 黄 group|G02 flat 住建 黄 group|G03 flat 住建 蓝 group|G04 flat 公安 橙 group|G05 flat 公安 橙 group
G06 flat 公安 黄 group|G07 flat 住建 蓝 group|G08 building 住建 橙 group|G09 flat 公安 黄 group
G10 flat 住建 黄 group|G11 flat 住建 黄 group|G12 flat 住建 橙 group|G13 building 住建 蓝 group
G14 building 住建 蓝 group|G15 flat 住建 黄 group|G16 building 住建 黄 group,fire|G17 building 消防 橙 group,fire
G18 building 消防 橙 group,fire|G19 building 住建 橙 group|G20 flat 住建 黄 group|G21 flat 住建 红 group
G22 flat 住建 橙 group|G23 flat 住建 蓝 group|G24 flat 供电 黄 group|G25 flat 人社 橙 group|G26 flat 文旅 黄 group
G27 building 消防 红 group,fire|W028 grid 公安 橙 crash_spot|W029 grid 公安 黄 crash_spot
W030 grid 公安 橙 crash_spot|W031 enterprise 交通 橙 -|W032 enterprise 公安 黄 -|W033 grid 城管 黄 -
W034 grid 公安 橙 crash_spot|W035 grid 公安 黄 crash_spot|W036 grid 镇街 蓝 -|W037 grid 公安 橙 crash_spot
W038 building 消防 橙 fire|W039 building 消防 黄 fire|W040 building 消防 橙 fire|W041 enterprise 消防 黄 fire
W042 building 消防 橙 fire,group|W043 building 消防 黄 fire|W044 grid 水务 橙 fire|W045 building 消防 黄 fire
W046 grid 住建 蓝 -|W047 building 镇街 黄 fire|W048 grid 镇街 黄 -|W049 enterprise 应急 红 industrial_accident
W050 enterprise 应急 橙 industrial_accident|W051 enterprise 应急 橙 industrial_accident
W052 enterprise 应急 橙 industrial_accident|W053 grid 应急 黄 -|W054 grid 应急 蓝 -
W055 enterprise 应急 橙 industrial_accident|W056 enterprise 应急 橙 industrial_accident
W057 enterprise 应急 橙 industrial_accident|W058 enterprise 应急 黄 -|W059 enterprise 交通 橙 -|W060 grid 公安 红 -
W061 enterprise 应急 橙 industrial_accident|W062 enterprise 应急 红 industrial_accident
W063 building 市监 橙 elevator|W064 building 市监 橙 elevator|W065 building 市监 橙 elevator
W066 enterprise 市监 红 food|W067 enterprise 市监 黄 -|W068 flat 燃气 橙 gas_explosion
W069 flat 镇街 黄 gas_explosion|W070 grid 燃气 橙 gas_main|W071 building 燃气 橙 gas_explosion
W072 grid 燃气 黄 gas_main|W073 grid 水务 黄 -|W074 grid 城管 橙 subsidence|W075 grid 城管 橙 -|W076 grid 交通 橙 -
W077 grid 水务 橙 rainstorm|W078 grid 水务 橙 rainstorm|W079 grid 水利 红 rainstorm,typhoon
W080 grid 住建 橙 typhoon|W081 grid 镇街 红 rainstorm|W082 grid 民政 黄 heat_wave|W083 grid 水务 黄 -
W084 enterprise 住建 黄 -|W085 enterprise 住建 橙 -|W086 grid 城管 黄 -|W087 enterprise 住建 橙 -
W088 grid 城管 黄 -|W089 building 住建 红 -|W090 building 镇街 黄 -|W091 grid 生态 黄 -|W092 grid 生态 蓝 -
W093 grid 生态 橙 -|W094 enterprise 生态 橙 -|W095 enterprise 生态 黄 odour|W096 enterprise 生态 橙 -
W097 enterprise 生态 橙 -|W098 grid 资规 橙 -|W099 grid 卫健 橙 flu|W100 school 教育 黄 school_cluster
W101 grid 卫健 红 food|W102 flat 卫健 橙 gas_explosion|W103 flat 民政 橙 elderly|W104 flat 民政 黄 elderly
W105 flat 民政 红 elderly|W106 grid 民政 蓝 -|W107 enterprise 民政 橙 -|W108 school 教育 橙 -
W109 school 市监 橙 school_cluster|W110 grid 数据 黄 -|W111 grid 镇街 橙 petition,investor
W112 grid 数据 黄 mass_risk,snowball,gas_main,transmission|W113 grid 数据 黄 -|W114 grid 数据 黄 -
W115 enterprise 人社 橙 -|W116 grid 信访 橙 petition|W117 grid 信访 红 petition,transmission,snowball
W118 building 政法 橙 dispute|W119 building 司法 黄 dispute|W120 grid 金融 橙 investor,mass_risk
W121 grid 住建 橙 transmission|W122 grid 公安 橙 resonance|W123 grid 公安 黄 -
W124 grid 指挥 红 resonance,transmission,superposition,snowball|W125 grid 镇街 黄 -|W126 grid 指挥 橙 -
W127 grid 指挥 橙 -|W128 grid 应急 黄 -|W129 grid 应急 黄 -|W130 flat 住建 红 group
"""


@dataclass(frozen=True)
class Model:
    """One warning model.

    Attributes:
        id: ``G01`` … ``W130``.
        subject: what its leads are about: a register of the city.
        recipient: short name of the department that gets them.
        severity: position in `SEVERITIES`.
        causes: kinds of chains and scenarios, or ``group``, that make its leads true; none: everyday faults.
    """

    id: str
    subject: str
    recipient: str
    severity: int
    causes: tuple[str, ...]


def _model(words: Sequence[str]) -> Model:
    causes = () if words[4] == "-" else tuple(words[4].split(","))
    return Model(words[0], words[1], words[2], SEVERITIES.index(words[3]), causes)


MODELS: tuple[Model, ...] = tuple(
    _model(part.split()) for line in _MODELS.strip().splitlines() for part in line.split("|")
)
"""The library's 130 models, in its order."""
MODEL_NO: Mapping[str, int] = {model.id: number for number, model in enumerate(MODELS)}
SUBJECTS = ("grid", "building", "flat", "enterprise", "school")
NUMBER_OF = {
    "grid": "grid_id", "building": "building_no", "flat": "flat_no", "enterprise": "uscc", "school": "school_no",
}  # fmt: skip
"""Register → column with the number under which departments know the thing."""


def leads(world: World, days: Days) -> Columns:
    """The leads of the centre's own models that are pushed on these days, in the order they are pushed.

    Returns:
        ``key model subject subject_i township_i grid_i building_i pushed_at severity is_true basis chain_no`` and the
        fate, see `with_fate`. `basis` says what is behind a true lead: ``chain``, ``group_rental``, ``condition``.
    """
    return latest(world, "s32.leads", days, lambda: _leads(world, days))


def _leads(world: World, days: Days) -> Columns:
    parts = [_everyday(world, days), _of_chains(world, days), _of_groups(world, days)]
    made = Columns.together(part for part in parts if part.rows_n)
    if not made.rows_n:
        return with_fate(world, parts[0])
    return with_fate(world, made.where(np.lexsort((made["key"], made["pushed_at"]))))


def with_fate(world: World, of: Columns) -> Columns:
    """The same leads with what becomes of them.

    Adds ``accepted_at verified_at closed_at`` (``datetime64[s]``, NaT = never), ``verdict`` (position in `RESULTS`),
    ``is_handled`` (whether what was found was really put right) and ``due_at``.
    """
    chance, key, pushed = world.chance, of["key"], of["pushed_at"]
    city, county, township = (load_at(world, group, pushed) for group in ("city", "county", "township"))
    hurry = np.array([0.35, 0.7, 1.0, 1.2])[of["severity"]]
    accepted = _later(pushed, chance.lognormal(5.0, 0.9, "s32.accepted", key) * city * hurry)
    accepted = _unless(accepted, chance.happens(NEVER_SIGNED, "s32.never_signed", key))
    verified = _later(accepted, chance.lognormal(52.0, 0.8, "s32.verified", key) * county * hurry)
    verified = _unless(verified, chance.happens(NEVER_VERIFIED, "s32.never_verified", key))
    weights = np.where(of["is_true"][:, None], np.array(OF_TRUE)[None, :], np.array(OF_FALSE)[None, :])
    verdict = chance.choose(weights, "s32.verdict", key) if len(key) else np.zeros(0, np.int64)
    closed = _later(verified, chance.lognormal(130.0, 0.7, "s32.closed", key) * township)
    closed = _unless(closed, chance.happens(NEVER_CLOSED, "s32.never_closed", key))
    # What was not found, or cannot be, is struck off when it is said.
    closed = np.where(verdict == REAL, closed, verified)
    last = pushed + np.timedelta64(LONGEST_LIFE - 2, "D")
    return of.with_columns(
        accepted_at=_unless(accepted, accepted > last),
        verified_at=_unless(verified, verified > last),
        closed_at=_unless(closed, closed > last),
        verdict=verdict,
        is_handled=of["is_true"] & (verdict == REAL) & chance.happens(0.9, "s32.handled", key),
        due_at=(pushed.astype("datetime64[D]") + DUE_DAYS[of["severity"]] + 1).astype("datetime64[s]") - 1,
    )


def received_leads(world: World, received: Sequence[Mapping[str, Any]]) -> Columns:
    """Leads that the inbox took, as `leads` gives its own, in the order they came.

    Args:
        world: of which city.
        received: for each ``lead_id``, ``model_id``, ``subject_kind``, ``subject_no``, ``township``, ``severity``
            (``R`` ``O`` ``Y`` ``B``), ``due`` (or None) and ``on`` (date: the day on which it is read).
    """
    city = world.city
    key = INBOX_KEYS + np.array([_hash(one["lead_id"]) for one in received], dtype=np.int64)
    model = np.array([MODEL_NO[one["model_id"]] for one in received], dtype=np.int64)
    on = np.array([one["on"] for one in received], dtype="datetime64[D]")
    kind = np.array([one["subject_kind"] for one in received], dtype=object)
    subject_i = np.array([_position(world, one["subject_kind"], one["subject_no"]) for one in received], dtype=np.int64)
    places = _places(world, kind, subject_i)
    code = np.asarray(city.township["code"])
    told = np.array([_first(code == one["township"]) for one in received], dtype=np.int64)
    basis, chain_no = _behind(world, model, kind, subject_i, places, on)
    condition = np.array([not MODELS[number].causes for number in model], dtype=bool)
    condition &= world.chance.uniform("s32.condition", key) < _precision(world)[model]
    basis = np.where((basis == "none") & condition, "condition", basis)
    made = Columns(
        key=key,
        model=model,
        subject=kind,
        subject_i=subject_i,
        township_i=np.where(places["township_i"] >= 0, places["township_i"], told),
        grid_i=places["grid_i"],
        building_i=places["building_i"],
        pushed_at=on.astype("datetime64[s]") + (SLOTS[0] + world.chance.integers(0, 1800, "s32.inbox_at", key)),
        severity=np.array(["ROYB".index(one["severity"]) for one in received], dtype=np.int64),
        is_true=basis != "none",
        basis=basis,
        chain_no=chain_no,
    )
    fate = with_fate(world, made)
    due = np.array([one["due"] or "NaT" for one in received], dtype="datetime64[D]")
    told_due = (due + 1).astype("datetime64[s]") - 1
    return fate.with_columns(due_at=np.where(np.isnat(due), fate["due_at"], told_due))


def versions(of: Columns, names: Sequence[str], days: Days) -> tuple[Any, Any]:
    """Which things changed on which of the days, and when they last did: one version per thing and day.

    Args:
        of: things with moments (``datetime64[s]``, NaT = never).
        names: the moments.
        days: the days.

    Returns:
        Position of the thing and the version's time, in the order of time.
    """
    moments = np.stack([of[name].astype("datetime64[s]") for name in names], axis=1)
    position = np.repeat(np.arange(len(moments)), len(names))
    moment = moments.ravel()
    now = ~np.isnat(moment) & days.holds(np.where(np.isnat(moment), np.datetime64("1970-01-01", "s"), moment))
    position, moment = position[now], moment[now]
    order = np.lexsort((moment, position))
    position, moment = position[order], moment[order]
    day = moment.astype("datetime64[D]")
    last = np.ones(len(day), bool)
    last[:-1] = (position[1:] != position[:-1]) | (day[1:] != day[:-1])
    position, moment = position[last], moment[last]
    order = np.lexsort((position, moment))
    return position[order], moment[order]


# ---- where leads come from -------------------------------------------------------------------------------------------


def _everyday(world: World, days: Days) -> Columns:
    chance, city = world.chance, world.city
    factor = 0.5 + 0.5 * world.life.rhythm("appeal", days).sum(axis=1)
    of = drawn(world, days, "s32.lead", per_township(world, A_DAY), factor)
    keys = (of["township_i"], of["day"], of["n"])
    model = chance.choose(_weights(world), "s32.model", *keys)
    kind = _subject_of()[model]
    subject_i = np.full(of.rows_n, -1)
    for name in SUBJECTS:
        own = kind == name
        owner = getattr(city, name)["township_i"]
        subject_i[own] = pick(chance, owner, of["township_i"][own], None, f"s32.{name}", *(k[own] for k in keys))
    places = _places(world, kind, subject_i)
    causes = np.array(["group" in one.causes for one in MODELS])[model]
    group = causes & (kind == "flat") & _is_let(world, subject_i, of["day"])
    condition = ~group & (chance.uniform("s32.condition", *keys) < _precision(world)[model])
    number = (of["day"].astype(np.int64) * 1000 + of["township_i"]) * 10_000 + of["n"]
    return Columns(
        key=number,
        model=model,
        subject=kind,
        subject_i=subject_i,
        township_i=of["township_i"],
        grid_i=places["grid_i"],
        building_i=places["building_i"],
        pushed_at=_handed_over(chance, of["day"], number),
        severity=_severity(world, model, number),
        is_true=group | condition,
        basis=np.where(group, "group_rental", np.where(condition, "condition", "none")).astype(object),
        chain_no=np.full(of.rows_n, -1),
    )


def _of_chains(world: World, days: Days) -> Columns:
    """Leads that some model raises between a chain's first sign and its event."""
    chance, chains = world.chance, world.life.chains
    first = _first_signs(world)
    number = chains["chain_no"]
    seen = chance.happens(DETECTED, "s32.chain", number) & ~np.isnat(first)
    share = 0.35 + 0.6 * chance.uniform("s32.chain_at", number)
    span = (chains["event_at"] - first).astype("timedelta64[m]").astype(np.float64)
    span = np.where(seen, span, 0.0)
    on = np.where(seen, first, chains["event_at"]) + np.rint(span * share).astype("timedelta64[m]")
    day = on.astype("datetime64[D]") + 1
    pushed = _handed_over(chance, day, number)
    model = np.full(len(number), -1)
    for kind in np.unique(chains["kind"]) if len(number) else ():
        able = np.array([at for at, one in enumerate(MODELS) if kind in one.causes], dtype=np.int64)
        own = chains["kind"] == kind
        if len(able):
            model[own] = able[chance.integers(0, len(able), "s32.chain_model", number[own])]
    subject = _subject_of()[model]
    subject_i = np.full(len(number), -1)
    for name in SUBJECTS:
        subject_i = np.where(subject == name, chains[f"{name}_i"], subject_i)
    fits = seen & (model >= 0) & (subject_i >= 0) & (pushed < chains["event_at"]) & days.holds(day)
    made = Columns(
        key=CHAIN_KEYS + number,
        model=model,
        subject=subject,
        subject_i=subject_i,
        township_i=chains["township_i"],
        grid_i=chains["grid_i"],
        building_i=chains["building_i"],
        pushed_at=pushed,
        severity=_severity(world, model, number),
        is_true=np.ones(len(number), bool),
        basis=np.full(len(number), "chain", dtype=object),
        chain_no=number,
    )
    return made.where(fits)


def _of_groups(world: World, days: Days) -> Columns:
    """Leads that some model raises while a flat is let to a group."""
    chance, flat = world.chance, world.city.flat
    let = np.flatnonzero(~np.isnat(flat["group_from"]))
    number = flat["key"][let]
    after = np.rint(chance.lognormal(35.0, 0.8, "s32.group_after", number)).astype(np.int64)
    day = np.maximum(flat["group_from"][let], np.datetime64(BEGINS_ON)) + after
    until = np.where(np.isnat(flat["group_to"][let]), np.datetime64(ENDS_ON), flat["group_to"][let])
    able = np.array([at for at, one in enumerate(MODELS) if one.causes == ("group",) and one.subject == "flat"])
    model = able[chance.integers(0, len(able), "s32.group_model", number)]
    building = flat["building_i"][let]
    fits = chance.happens(DETECTED, "s32.group", number) & (day <= until) & days.holds(day)
    made = Columns(
        key=FLAT_KEYS + number,
        model=model,
        subject=np.full(len(let), "flat", dtype=object),
        subject_i=let,
        township_i=flat["township_i"][let],
        grid_i=world.city.building["grid_i"][building],
        building_i=building,
        pushed_at=_handed_over(chance, day, number),
        severity=_severity(world, model, number),
        is_true=np.ones(len(let), bool),
        basis=np.full(len(let), "group_rental", dtype=object),
        chain_no=np.full(len(let), -1),
    )
    return made.where(fits)


def _behind(world: World, model: Any, kind: Any, subject_i: Any, places: Mapping[str, Any], on: Any) -> tuple[Any, Any]:
    """What is planted at these subjects on these days that their models look for, and the chain's number.

    A chain counts from the day before its first sign until 30 days after its event, at the subject itself; for a flat
    or a building also when the chain is in the same building. A scenario counts in its township while it lasts.
    """
    chains, scenarios, first = world.life.chains, world.life.scenarios, _first_signs(world)
    begins = np.where(np.isnat(first), chains["event_at"], first).astype("datetime64[D]") - 1
    ends = chains["event_at"].astype("datetime64[D]") + AFTER_EVENT
    basis = np.full(len(model), "none", dtype=object)
    chain_no = np.full(len(model), -1)
    for at, number in enumerate(model):
        causes, name = MODELS[number].causes, kind[at]
        place = places["building_i"][at] if name in ("flat", "building") else subject_i[at]
        column = "building_i" if name in ("flat", "building") else f"{name}_i"
        found = np.isin(chains["kind"], causes) & (chains[column] == place) & (begins <= on[at]) & (on[at] <= ends)
        if place >= 0 and found.any():
            basis[at], chain_no[at] = "chain", chains["chain_no"][_first(found)]
        elif "group" in causes and _is_group(world, name, subject_i[at], on[at]):
            basis[at] = "group_rental"
        else:
            there = (scenarios["township_i"] < 0) | (scenarios["township_i"] == places["township_i"][at])
            lasts = (scenarios["from_on"] <= on[at]) & (on[at] <= scenarios["to_on"])
            found = np.isin(scenarios["kind"], causes) & there & lasts
            if found.any():
                basis[at], chain_no[at] = "scenario", scenarios["scenario_no"][_first(found)]
    return basis, chain_no


# ---- small things ----------------------------------------------------------------------------------------------------


def _first_signs(world: World) -> Any:
    """When each chain's first sign was, in the order of the chains; NaT without one."""

    def make() -> Any:
        chains, steps = world.life.chains, world.life.steps
        own = steps.where(np.isin(steps["chain_no"], chains["chain_no"]) & (steps["what"] != "event"))
        made = np.full(chains.rows_n, np.datetime64("NaT", "m"))
        order = np.argsort(chains["chain_no"])
        number, at = np.unique(own["chain_no"], return_index=True)  # the steps are in the order of time
        made[order[np.searchsorted(chains["chain_no"][order], number)]] = own["at"][at]
        return made

    return world.once("s32.first_signs", make)


def _is_let(world: World, flat_i: Any, on: Any) -> Any:
    """Whether these flats are let to a group on these days."""
    flat, at = world.city.flat, np.maximum(flat_i, 0)
    if not flat.rows_n:
        return np.zeros(len(flat_i), bool)
    begins, ends = flat["group_from"][at], flat["group_to"][at]
    return (flat_i >= 0) & (begins <= on) & (np.isnat(ends) | (on <= ends))


def _is_group(world: World, kind: str, subject_i: int, on: Any) -> bool:
    if kind == "flat":
        return bool(_is_let(world, np.array([subject_i]), np.array([on]))[0])
    if kind == "building" and subject_i >= 0:
        flats = np.flatnonzero(world.city.flat["building_i"] == subject_i)
        return bool(_is_let(world, flats, np.full(len(flats), on)).any())
    return False


def _places(world: World, kind: Any, subject_i: Any) -> dict[str, Any]:
    """Township, grid and building of subjects; -1 where it has none."""
    city = world.city
    made = {name: np.full(len(subject_i), -1) for name in ("township_i", "grid_i", "building_i")}
    for name in SUBJECTS:
        own = (kind == name) & (subject_i >= 0)
        at = subject_i[own]
        building = city.flat["building_i"][at] if name == "flat" else at if name == "building" else None
        if name == "enterprise":
            building = city.enterprise["building_i"][at]
        if building is not None:
            made["building_i"][own] = building
        of, at = ("building", building) if name == "flat" else (name, at)
        made["grid_i"][own] = at if of == "grid" else getattr(city, of)["grid_i"][at]
        made["township_i"][own] = getattr(city, of)["township_i"][at]
    return made


def _position(world: World, kind: str, number: str) -> int:
    """Position of a thing in its register by the number under which departments know it; -1: no such thing."""
    register = getattr(world.city, kind)[NUMBER_OF[kind]]
    if register.dtype.kind == "i":
        return _first(register == int(number)) if number.isdigit() else -1
    return _first(register == number)


def _first(found: Any) -> int:
    at = np.flatnonzero(found)
    return int(at[0]) if len(at) else -1


def _hash(text: str) -> int:
    """A number of a text, below ten billions of thousands, the same everywhere."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") % 10**13


def _subject_of() -> Any:
    return np.array([one.subject for one in MODELS], dtype=object)


def _weights(world: World) -> Any:
    """How often each model strikes: a few make most of the leads."""
    return world.chance.lognormal(1.0, 0.9, "s32.model_weight", np.arange(len(MODELS)))


def _precision(world: World) -> Any:
    """Share of each model's everyday leads that are true."""
    return 0.2 + 0.6 * world.chance.uniform("s32.model_precision", np.arange(len(MODELS)))


def _severity(world: World, model: Any, key: Any) -> Any:
    """The model's severity, now and then one step lower."""
    own = np.array([one.severity for one in MODELS])[model]
    return np.minimum(own + world.chance.happens(0.2, "s32.severity", key), len(SEVERITIES) - 1)


def _handed_over(chance: Any, day: Any, key: Any) -> Any:
    slot = SLOTS[chance.choose([70, 12, 10, 8], "s32.slot", key)]
    second = chance.integers(0, 900, "s32.second", key)
    return np.asarray(day).astype("datetime64[D]").astype("datetime64[s]") + (slot + second).astype("timedelta64[s]")


def load_at(world: World, group: str, at: Any) -> Any:
    """By what factor the group's work takes longer on the days of these times."""
    whole = world.life.load(group, Days(BEGINS_ON, ENDS_ON))
    position = (at.astype("datetime64[D]") - np.datetime64(BEGINS_ON)).astype(np.int64)
    return whole[np.clip(position, 0, len(whole) - 1)]


def _later(at: Any, hours: Any) -> Any:
    return at + np.rint(np.asarray(hours) * 3600).astype("timedelta64[s]")


def _unless(at: Any, which: Any) -> Any:
    return np.where(which, np.datetime64("NaT", "s"), at)
