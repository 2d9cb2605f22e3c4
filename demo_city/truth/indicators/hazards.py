"""Hazards, equipment, gas, dust, the list of risks: I07, I08, I17, I19 (S07, S12, S13, S20)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from demo_city.truth.indicators.frame import Events, Figures, Frame, Part, day
from demo_city.truth.indicators.registry import indicator

OLD_DAYS = 90


def _hazards(frame: Frame) -> Events:
    return frame.events("hazard", "found_on", "due_on", "overdue_at", "closed_on", "is_major")


@indicator(
    "I07",
    Part("I07", "found", "新增隐患", "条", "Hazards with found_on in the window."),
    Part("I07", "found_major", "新增重大隐患", "条", "Those of them that are major."),
    Part(
        "I07",
        "closed_rate",
        "隐患整改率",
        "1",
        "Of the hazards found in the window the share ever closed; known: closed by the window's last day.",
    ),
    Part(
        "I07",
        "on_time_rate",
        "隐患按期整改率",
        "1",
        "Of the hazards with due_on in the window the share with closed_on ≤ due_on.",
    ),
)
def rectification(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I07: found ∈ W; closed / found ∈ W; closed ≤ due / due ∈ W. Final: closed by the last delivered day.

    Due on the day it was found is a form left as it was; the true term then shows only where the hazard still stands
    there as overdue, since the day before. One of which everything was told before the first delivered day is lost.
    """
    hazards = _hazards(frame)
    found, closed = hazards["found_on"], day(hazards["closed_on"])
    major = hazards["is_major"].astype(bool)
    frame.count(parts["found"], hazards, found)
    frame.count(parts["found_major"], hazards.where(major), found[major])
    frame.share(parts["closed_rate"], hazards, found, ~np.isnat(closed), known_hits=closed)
    due = day(hazards["due_on"])
    is_overdue = ~np.isnat(hazards["overdue_at"]) & np.isnat(closed)
    told = frame.without("hazard", "due_on", hazards)
    told = replace(told, lost=hazards.lost | (told.lost & ~is_overdue))
    frame.share(parts["on_time_rate"], told, due, closed <= due, known_hits=closed)


_STOCK = ("week", "month")


@indicator(
    "I08",
    Part(
        "I08",
        "open",
        "隐患存量",
        "条",
        "Hazards found by the window's last day and not closed by then.",
        windows=_STOCK,
    ),
    Part("I08", "open_old", "库龄超90日隐患", "条", "Those of them found more than 90 days before.", windows=_STOCK),
    Part(
        "I08",
        "age_p50",
        "隐患库龄中位数",
        "d",
        "Median of the days from found_on to the window's last day.",
        windows=_STOCK,
    ),
    Part("I08", "age_p90", "隐患库龄九成", "d", "0.9 quantile of the same.", windows=_STOCK),
)
def stock(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I08: hazards open at the end of the window and their age.

    Hazards found up to 240 days before the first delivered day are in the stock as long as they are open; a stock with
    one whose last change lies before the delivered days is not recoverable.
    """
    hazards = _hazards(frame)
    found, closed = day(hazards["found_on"]), day(hazards["closed_on"])
    before = hazards.lost | (hazards.known < frame.days.array[0])
    for kind in _STOCK:
        windows = frame.windows(kind)
        shape = (windows.n, frame.divisions.n)
        final = {name: np.zeros(shape) for name in parts}
        known = {name: np.zeros(shape) for name in parts}
        lost = np.zeros(shape)
        for number, last in enumerate(windows.last):
            there = (found <= last) & ~(closed <= last)
            for made, which in ((final, there), (known, there & (hazards.known <= last))):
                age = (last - found[which]).astype(np.float64)
                place = hazards.place[which]
                made["open"][number] = _sum(frame, place)
                made["open_old"][number] = _sum(frame, place[age > OLD_DAYS])
                for name, share in (("age_p50", 0.5), ("age_p90", 0.9)):
                    made[name][number] = _quantile(frame, place, age, share)
            lost[number] = _sum(frame, hazards.place[there & before])
        for name, part in parts.items():
            frame.write(
                part,
                windows,
                Figures(
                    final[name],
                    known[name],
                    lost=lost,
                    reason="hazards found before the first delivered day, or never delivered, are still open",
                ),
            )


def _sum(frame: Frame, place: Any) -> Any:
    return frame.divisions.up(np.bincount(place, minlength=frame.divisions.leaves_n).astype(np.float64))


def _quantile(frame: Frame, place: Any, value: Any, share: float) -> Any:
    made = np.full(frame.divisions.n, np.nan)
    for division in range(frame.divisions.n):
        own = value[frame.divisions.within[place, division] > 0]
        if len(own):
            made[division] = np.quantile(own, share)
    return made


COLOURS = {
    "red": ("红", 100.0, np.inf),
    "orange": ("橙", 50.0, 100.0),
    "yellow": ("黄", 10.0, 50.0),
    "blue": ("蓝", -np.inf, 10.0),
}
"""Colour: Chinese, R from, R below (GB 18218: levels one to four)."""


@indicator(
    "I19",
    Part("I19", "risks", "风险总数", "项", "Sources on the list on the window's last day.", windows=_STOCK),
    *(
        Part(
            "I19",
            "risks",
            f"{title}色风险数",
            "项",
            f"Those with {low:g} ≤ R < {high:g}.",
            windows=_STOCK,
            variant=name,
        )
        for name, (title, low, high) in COLOURS.items()
    ),
    Part(
        "I19",
        "added",
        "新增风险",
        "项",
        "On the list on the window's last day, not on the day before the window.",
        windows=_STOCK,
    ),
    Part(
        "I19", "removed", "销号风险", "项", "On it on the day before the window, not on its last day.", windows=_STOCK
    ),
    Part("I19", "raised", "升级风险", "项", "On it on both days, with a worse colour on the last.", windows=_STOCK),
    Part("I19", "lowered", "降级风险", "项", "On it on both days, with a milder colour on the last.", windows=_STOCK),
)
def risks(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I19: the list of risks, of which the simulated world grades one kind: major hazard sources by R of GB 18218-2018.

    Events ``major_hazard_day``: a source is on the list on a day that has a row for it. Colour by R of that day: red
    R ≥ 100, orange from 50, yellow from 10, blue below. Risks that the lake grades itself (LEC, LS, city level) come
    from its own decisions, and so does the completeness of the list's elements (要素完整率): the world has no truth
    for them.
    """
    rows = frame.events("major_hazard_day", "source_no", "day", "r", first_on="day")
    names, which = np.unique(rows["source_no"].astype(str), return_inverse=True)
    place = np.zeros(len(names), np.int64)
    place[which] = rows.place
    days = frame.days.array
    n = len(days)
    at = (day(rows["day"]) - days[0]).astype(int)
    inside = (at >= 0) & (at < n)
    grade = np.zeros((n, len(names)), np.int64)  # 0 = not on the list, 1 blue … 4 red
    r = rows["r"].astype(np.float64)
    grade[at[inside], which[inside]] = 1 + np.searchsorted((10.0, 50.0, 100.0), r[inside], side="right")
    for kind in _STOCK:
        windows = frame.windows(kind)
        last = (windows.last - days[0]).astype(int)
        before = (windows.first - days[0]).astype(int) - 1
        now, then = grade[last], grade[np.maximum(before, 0)]
        first = np.repeat((before < 0)[:, None], frame.divisions.n, axis=1)
        found = {
            "risks": now > 0,
            **{f"risks:{name}": now == level for level, name in zip((4, 3, 2, 1), COLOURS, strict=True)},
            "added": (now > 0) & (then == 0),
            "removed": (now == 0) & (then > 0),
            "raised": (now > then) & (then > 0),
            "lowered": (now < then) & (now > 0),
        }
        for name, flags in found.items():
            leaves = np.zeros((windows.n, frame.divisions.leaves_n))
            np.add.at(leaves.T, place, flags.T.astype(np.float64))
            values = frame.divisions.up(leaves)
            lost = None if name.startswith("risks") else first
            frame.write(
                parts[name],
                windows,
                Figures(values, values, lost=lost, reason="the day before the window is not delivered"),
            )


PM10_LIMIT = 150.0
"""Hourly mean of a building site's dust above which the hour counts, µg/m³."""
_YEAR_DAYS = 365


@indicator(
    "I17",
    Part(
        "I17",
        "equipment_overdue_rate",
        "特种设备超期率",
        "1",
        "Equipment in use whose next inspection was due before the window's last day / equipment in use on it.",
        windows=_STOCK,
    ),
    Part(
        "I17",
        "gas_coverage",
        "燃气入户安检覆盖率",
        "1",
        "Gas users checked within the 365 days up to the window's last day / gas users.",
        windows=("month",),
    ),
    Part(
        "I17",
        "dust_hours",
        "工地扬尘超标时数",
        "h",
        "Hours of building sites with a mean PM10 above 150 µg/m³ as measured and reported.",
    ),
)
def overdue(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I17: overdue / equipment in use; gas users checked in a year / users; hours of dust above 150 µg/m³.

    Equipment: events ``equipment``, one row per piece and round, from its inspection (valid_from) to the day before the
    next (valid_until); a piece of a firm that is gone is in use until it is signed off. The list is weekly, so known is
    the state of the last Sunday. Where the list does not say when the next inspection is due, a reader can only count
    the term from the last one, which may have been early or late; where that leads to another answer the share is not
    recoverable. Gas: a visit counts when somebody was let in (is_entered), not "到访不遇"; the users are the register
    of the six companies. The year before a window is not wholly delivered unless the history is that long; then the
    value is not recoverable. Nor are hours of dust of a device that repeats one value, or tells milligrams, in which
    150.4 µg/m³ are 0.150.
    """
    pieces = frame.events(
        "equipment",
        "equip_code",
        "next_due_on",
        "valid_from",
        "valid_until",
        "is_in_use",
        "cycle_days",
        "signed_off_on",
        first_on="valid_from",
    )
    pieces = frame.without("equipment", "next_due_on", pieces.where(pieces["is_in_use"].astype(bool)))
    begins, ends, due = day(pieces["valid_from"]), day(pieces["valid_until"]), day(pieces["next_due_on"])
    gone, counted_from_last = day(pieces["signed_off_on"]), begins + pieces["cycle_days"]
    for kind in _STOCK:
        windows = frame.windows(kind)
        sundays = windows.last - (windows.last.astype(np.int64) + 4) % 7
        late, there, late_known, there_known, lost = np.zeros((5, windows.n, frame.divisions.n))
        for at, (last, sunday) in enumerate(zip(windows.last, sundays, strict=True)):
            for on, of_late, of_all in ((last, late, there), (sunday, late_known, there_known)):
                now = (begins <= on) & (on <= ends) & ~(gone <= on)
                of_all[at] = _sum(frame, pieces.place[now])
                of_late[at] = _sum(frame, pieces.place[now & (due < on)])
            now = (begins <= last) & (last <= ends) & ~(gone <= last)
            misled = pieces.lost & ((due < last) != (counted_from_last < last))
            lost[at] = _sum(frame, pieces.place[now & misled])
        frame.write(
            parts["equipment_overdue_rate"],
            windows,
            Figures(late, late_known, there, there_known, lost, "the list does not say when an inspection is due"),
        )
    _gas_coverage(frame, parts["gas_coverage"])
    hours = frame.events("dust_hour", "at", "pm10", "is_reported", first_on="at")
    hours = hours.where(hours["is_reported"].astype(bool))
    pm10 = hours["pm10"].astype(np.float64)
    misled = frame.without("dust_hour", "pm10", hours).lost & ((np.round(pm10) > PM10_LIMIT) != (pm10 > PM10_LIMIT))
    hours = replace(hours, lost=frame.without("dust_hour", "at", hours).lost | misled)
    frame.count(parts["dust_hours"], hours, hours["at"], weight=(pm10 > PM10_LIMIT).astype(np.float64))


def _gas_coverage(frame: Frame, part: Part) -> None:
    from demo_city.departments.s13_gas import users

    checks = frame.events("gas_check", "user_no", "checked_on", "is_entered", first_on="checked_on")
    checks = checks.where(checks["is_entered"].astype(bool))
    on = day(checks["checked_on"])
    leaves = frame.divisions.leaf_of_township(users(frame.world)["township_i"])
    all_users = _sum(frame, leaves)
    windows = frame.windows("month")
    seen = np.zeros((windows.n, frame.divisions.n))
    short = np.zeros((windows.n, frame.divisions.n))
    for number, last in enumerate(windows.last):
        inside = (on <= last) & (on > last - _YEAR_DAYS)
        _, first = np.unique(checks["user_no"][inside].astype(str), return_index=True)
        seen[number] = _sum(frame, checks.place[inside][first])
        short[number] = last - _YEAR_DAYS + 1 < frame.days.array[0]
    people = np.tile(all_users, (windows.n, 1))
    frame.write(
        part,
        windows,
        Figures(seen, seen, people, people, short, reason="the year up to the window is not wholly delivered"),
    )
