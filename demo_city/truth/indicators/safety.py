"""Emergencies, deaths, response times, roads, fires: I05, I06, I12, I13, I14 (S04, S05, S06, S07, S19)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from demo_city.truth.indicators.frame import (
    ALL,
    Events,
    Figures,
    Frame,
    Part,
    day,
)
from demo_city.truth.indicators.registry import indicator

KINDS = {"12H": "道路交通事故", "12G": "火灾", "12F": "生产安全事故"}
"""Codes of the national classification under which emergencies are counted."""
LEVELS = {1: "特别重大", 2: "重大", 3: "较大", 4: "一般"}
DEATHS, INJURIES, LOSS = (3, 10, 30), (10, 50, 100), (1000, 5000, 10000)
"""From how many on an accident is 较大, 重大, 特别重大 (State Council Order 493, Art. 3; loss in 10,000 yuan)."""
EPDO = (9.5, 3.5, 1.0)
"""Weights of a fatal crash, one with injured, one with damage only."""
_SUM = (*ALL, "year")


def level(deaths: Any, injuries: Any, loss_wan: Any) -> Any:
    """1 (特别重大) to 4 (一般): the worst of deaths, injured and loss."""
    worst = np.maximum.reduce(
        [
            np.searchsorted(edges, np.nan_to_num(values.astype(np.float64)), side="right")
            for edges, values in ((DEATHS, deaths), (INJURIES, injuries), (LOSS, loss_wan))
        ]
    )
    return 4 - worst


def _crashes(frame: Frame) -> Events:
    own = frame.events("crash", "at", "deaths_first", "deaths_final", "corrected_on", "injuries", "road_i", "km")
    return _corrected(own, "deaths_final")


def _corrected(events: Events, deaths: str) -> Events:
    """With the deaths as first told where they are not corrected yet."""
    so_far = np.where(np.isnat(events["corrected_on"]), events["deaths_first"], events[deaths])
    return replace(events, columns=events.columns.with_columns(**{deaths: so_far}))


def _emergencies(frame: Frame) -> dict[str, tuple[Events, Any, Any, Any, Any]]:
    """By code: events, deaths as first told, deaths, injured, loss; of crashes those with a casualty."""
    crash = _crashes(frame)
    crash = crash.where((crash["deaths_final"] > 0) | (crash["deaths_first"] > 0) | (crash["injuries"] > 0))
    fire = frame.events("fire_alarm", "at", "is_fire", "deaths", "injuries", "loss_wan", "settled_on")
    fire = _settled(fire.where(fire["is_fire"].astype(bool)))
    accident = frame.events("accident", "at", "deaths", "deaths_first", "corrected_on", "injuries", "loss_wan")
    accident = _corrected(accident, "deaths")
    return {
        "12H": (crash, crash["deaths_first"], crash["deaths_final"], crash["injuries"], np.zeros(crash.n)),
        "12G": (fire, fire["deaths"], fire["deaths"], fire["injuries"], fire["loss_wan"]),
        "12F": (accident, accident["deaths_first"], accident["deaths"], accident["injuries"], accident["loss_wan"]),
    }


def _settled(fires: Events) -> Events:
    """With no loss where it is not settled yet."""
    loss = np.where(np.isnat(fires["settled_on"]), 0.0, np.nan_to_num(fires["loss_wan"].astype(np.float64)))
    return replace(fires, columns=fires.columns.with_columns(loss_wan=loss))


def _tally_deaths(frame: Frame, windows: Any, of: tuple[Events, Any, Any, Any, Any]) -> tuple[Any, Any, Any]:
    """Deaths final and as known at the cut-off, and events that are lost, per window and division."""
    events, first, final, _, _ = of
    on, final = events["at"], final.astype(np.float64)
    total = frame.tally(windows, on, events.place, final)
    known = frame.tally(windows, on, events.place, first.astype(np.float64), events.known)
    if "corrected_on" in events.columns:
        change = final - first.astype(np.float64)
        corrected = np.maximum(events.known, day(events["corrected_on"]))
        known = known + frame.tally(windows, on, events.place, change, corrected)
    return total, known, frame.tally(windows, on, events.place, events.lost.astype(float))


@indicator(
    "I05",
    *(
        Part("I05", name, f"{title}{what}", unit, f"{text} of class {code}.", windows=_SUM, variant=code)
        for code, title in KINDS.items()
        for name, what, unit, text in (
            ("events", "起数", "起", "Emergencies"),
            ("deaths", "死亡人数", "人", "Deaths (within 30 days, restated) in emergencies"),
            ("injured", "受伤人数", "人", "Injured in emergencies"),
        )
    ),
    *(
        Part(
            "I05",
            "events_by_level",
            f"{KINDS[code]}{name}起数",
            "起",
            f"Emergencies of class {code} of level {number}.",
            variant=f"{code}:{number}",
        )
        for code in KINDS
        for number, name in LEVELS.items()
    ),
)
def emergencies(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I05: emergencies, deaths, injured by class and level, by the time they happened.

    12H: crashes with a casualty (crash); 12G: fires (fire_alarm with is_fire); 12F: production accidents (accident).
    Deaths of crashes are restated within 30 days, those of accidents when the report is
    corrected: known with deaths_first until corrected_on. Level: the worst of
    deaths, injured (all of them taken as serious) and loss, by the bounds of Order 493.
    """
    for code, of in _emergencies(frame).items():
        events, _, final, injuries, loss = of
        frame.count(parts[f"events:{code}"], events, events["at"])
        frame.count(parts[f"injured:{code}"], events, events["at"], weight=injuries.astype(np.float64))
        for kind in _SUM:
            windows = frame.windows(kind)
            total, known, lost = _tally_deaths(frame, windows, of)
            frame.write(parts[f"deaths:{code}"], windows, Figures(total, known, lost=lost))
        graded = level(final, injuries, loss)
        for number in LEVELS:
            own = events.where(graded == number)
            frame.count(parts[f"events_by_level:{code}:{number}"], own, own["at"])


@indicator(
    "I06",
    Part(
        "I06",
        "deaths_per_100k",
        "亡人事故十万人口死亡率",
        "人/10万人",
        "Deaths in emergencies of all classes of I05 × 100,000 / residents, over twelve months.",
        windows=("year",),
        scopes=("city", "county"),
    ),
)
def death_rate(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I06: deaths × 10⁵ / residents, rolling twelve months up to the end of each month; deaths as in I05."""
    windows = frame.windows("year")
    total = known = lost = 0.0
    for of in _emergencies(frame).values():
        own = _tally_deaths(frame, windows, of)
        total, known, lost = total + own[0], known + own[1], lost + own[2]
    people = np.tile(frame.divisions.population, (windows.n, 1))
    frame.write(parts["deaths_per_100k"], windows, Figures(total, known, people, people, lost, factor=1e5))


_CALLS = {
    "fire": ("119", "fire_alarm", "at"),
    "ems": ("120", "ems_call", "at"),
    "police": ("110", "police_incident", "at"),
}


@indicator(
    "I12",
    *(
        Part(
            "I12",
            f"response_p{share}",
            f"{number}响应时间{title}",
            "min",
            f"{share / 100:g} quantile of the minutes from {at} to arrived_at of {table} with {at} in the window; "
            "calls nobody arrived at are left out.",
            windows=("week", "month"),
            variant=name,
        )
        for name, (number, table, at) in _CALLS.items()
        for share, title in ((50, "中位数"), (90, "九成"))
    ),
)
def response(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I12: median and p90 of arrived_at − at in minutes, per window by `at`, for 119, 120 and 110.

    Where nobody pressed the button on arrival, or a clock was wrong, no delivery tells when they arrived: a quantile
    over such a call is not recoverable.
    """
    for name, (_, table, at) in _CALLS.items():
        calls = frame.without(table, "arrived_at", frame.events(table, at, "arrived_at"))
        calls = calls.where(~np.isnat(calls["arrived_at"]))
        minutes = (calls["arrived_at"] - calls[at]) / np.timedelta64(60, "s")
        for share in (50, 90):
            frame.quantile(
                parts[f"response_p{share}:{name}"], calls, calls[at], minutes, share / 100, day(calls["arrived_at"])
            )


WINDOW_M = 500.0


@indicator(
    "I13",
    Part(
        "I13",
        "deaths_per_10k_vehicles",
        "万车死亡率",
        "人/万车",
        "Deaths in crashes (restated) × 10,000 / motor vehicles registered at the window's end, over twelve months.",
        windows=("year",),
        scopes=("city", "county"),
    ),
    Part(
        "I13",
        "epdo",
        "EPDO",
        "1",
        "9.5 × fatal crashes + 3.5 × crashes with injured + 1 × the others.",
        windows=("week", "month", "year"),
    ),
    Part(
        "I13",
        "black_spots",
        "事故黑点数",
        "个",
        "Places on a road whose 500 m hold, within twelve months, two crashes with 3 or more deaths, or three fatal "
        "crashes, or five with casualties; of windows that overlap the one with the highest EPDO counts.",
        windows=("year",),
        scopes=("city",),
        variant="city",
    ),
    Part(
        "I13",
        "black_spots",
        "事故多发点数",
        "个",
        "The same for five crashes of any kind.",
        windows=("year",),
        scopes=("city",),
        variant="county",
    ),
)
def roads(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I13: deaths × 10⁴ / vehicles; EPDO = 9.5 F + 3.5 I + 1 P; black spots.

    Black spots by the one official rule that was read (a prefecture's, three years, 市级 (b), (c), (d) and 县级), over
    twelve months, since no longer history is delivered. Criterion (a), an unsafe road factor, is left out: no source
    tells of such a factor. A crash lies on its road at its position along it; a window begins at each crash and takes
    the crashes of the next 500 m. Deaths are the restated ones; known: the first ones until they are corrected.
    """
    crashes = _crashes(frame)
    final, first = crashes["deaths_final"].astype(np.float64), crashes["deaths_first"].astype(np.float64)
    injured = crashes["injuries"] > 0
    corrected = np.maximum(crashes.known, day(crashes["corrected_on"]))

    def weight(deaths: Any) -> Any:
        return np.where(deaths > 0, EPDO[0], np.where(injured, EPDO[1], EPDO[2]))

    for kind in parts["epdo"].windows:
        windows = frame.windows(kind)
        known = frame.tally(windows, crashes["at"], crashes.place, weight(first), crashes.known)
        known += frame.tally(windows, crashes["at"], crashes.place, weight(final) - weight(first), corrected)
        frame.write(
            parts["epdo"],
            windows,
            Figures(
                frame.tally(windows, crashes["at"], crashes.place, weight(final)),
                known,
                lost=frame.tally(windows, crashes["at"], crashes.place, crashes.lost.astype(float)),
            ),
        )
    windows = frame.windows("year")
    vehicles = frame.events("vehicle_month", "month", "vehicles_n", first_on="month")
    # A year ends with a month; the register of that month is the fleet.
    at_end = vehicles["month"].astype("datetime64[M]")[None, :] == windows.last.astype("datetime64[M]")[:, None]
    fleet = np.zeros((windows.n, frame.divisions.leaves_n))
    for number, now in enumerate(at_end):
        fleet[number] = np.bincount(vehicles.place, vehicles["vehicles_n"] * now, minlength=frame.divisions.leaves_n)
    fleet = frame.divisions.up(fleet)
    total, known_deaths, lost = _tally_deaths(frame, windows, (crashes, first, final, None, None))
    frame.write(parts["deaths_per_10k_vehicles"], windows, Figures(total, known_deaths, fleet, fleet, lost, factor=1e4))
    if not windows.n:
        return
    along = crashes["km"].astype(np.float64) * 1000
    for variant, rule in (("city", _is_city_spot), ("county", _is_county_spot)):
        numbers = []
        for begins, ends in zip(windows.first, windows.last, strict=True):
            on = day(crashes["at"])
            inside = (on >= begins) & (on <= ends)
            known_now = inside & (crashes.known <= ends)
            told = np.where(corrected <= ends, final, first)
            numbers.append(
                [
                    _spots(crashes["road_i"][which], along[which], deaths[which], injured[which], rule)
                    for which, deaths in ((inside, final), (known_now, told))
                ]
            )
        found = np.array(numbers, np.float64)
        frame.write(parts[f"black_spots:{variant}"], windows, Figures(found[:, :1], found[:, 1:], lost=lost))


def _is_city_spot(deaths: Any, injured: Any, first: Any, last: Any) -> Any:
    many = np.r_[0, np.cumsum(deaths >= 3)]
    fatal = np.r_[0, np.cumsum(deaths > 0)]
    hurt = np.r_[0, np.cumsum((deaths > 0) | injured)]
    return (many[last] - many[first] >= 2) | (fatal[last] - fatal[first] >= 3) | (hurt[last] - hurt[first] >= 5)


def _is_county_spot(deaths: Any, injured: Any, first: Any, last: Any) -> Any:
    return last - first >= 5


def _spots(road: Any, along: Any, deaths: Any, injured: Any, rule: Any) -> int:
    """How many places there are: windows of 500 m that fulfil the rule, without those that overlap a worse one."""
    order = np.lexsort((along, road))
    road, along, deaths, injured = road[order], along[order], deaths[order], injured[order]
    # Roads are laid one behind the other, further apart than a window, so that one search serves all.
    _, number = np.unique(road, return_inverse=True)
    line = along + number * 1e7
    first = np.arange(len(line))
    last = np.searchsorted(line, line + WINDOW_M, side="right")
    fits = np.flatnonzero((road >= 0) & rule(deaths, injured, first, last)) if len(line) else np.zeros(0, np.int64)
    worth = np.r_[0, np.cumsum(np.where(deaths > 0, EPDO[0], np.where(injured, EPDO[1], EPDO[2])))]
    taken: list[float] = []
    for start in sorted(fits, key=lambda at: (-(worth[last[at]] - worth[at]), at)):
        if all(abs(line[start] - other) > WINDOW_M for other in taken):
            taken.append(float(line[start]))
    return len(taken)


@indicator(
    "I14",
    Part("I14", "fires", "火灾起数", "起", "Fires by the time of the alarm."),
    Part("I14", "deaths", "火灾死亡", "人", "Deaths in them."),
    Part("I14", "loss_wan", "火灾直接财产损失", "万元", "Direct loss in 10,000 yuan."),
    Part(
        "I14",
        "fires_per_10k",
        "万人火灾率",
        "起/万人",
        "Fires × 10,000 / residents, over twelve months.",
        windows=("year",),
    ),
)
def fires(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I14: fires (fire_alarm with is_fire), deaths, loss in 万元, by `at`; fires × 10⁴ / residents over a year.

    The loss is that of the report on the cause, which is settled some weeks after the fire; until then it is none.
    """
    events = frame.events("fire_alarm", "at", "is_fire", "deaths", "loss_wan", "settled_on")
    events = _settled(events.where(events["is_fire"].astype(bool)))
    frame.count(parts["fires"], events, events["at"])
    frame.count(parts["deaths"], events, events["at"], weight=events["deaths"].astype(np.float64))
    frame.count(parts["loss_wan"], events, events["at"], weight=np.nan_to_num(events["loss_wan"].astype(np.float64)))
    frame.per_people(parts["fires_per_10k"], events, events["at"], 1e4)
