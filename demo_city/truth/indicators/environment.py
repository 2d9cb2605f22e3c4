"""Air and water: I15, from the events ``air_hour`` and ``water_section_month`` (S16).

Breakpoints are those of the standards' own tables: HJ 633-2012 Table 1, in force to 2026-02-28, and HJ 633-2026 Table 3
from 2026-03-01.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from demo_city.truth.indicators.frame import Events, Figures, Frame, Part, day
from demo_city.truth.indicators.registry import indicator
from demo_city.truth.windows import Windows

IAQI = np.array([0, 50, 100, 150, 200, 300, 400, 500], np.float64)
_SAME = {
    "SO2": (0, 50, 150, 475, 800, 1600, 2100, 2620),
    "NO2": (0, 40, 80, 180, 280, 565, 750, 940),
    "CO": (0, 2, 4, 14, 24, 36, 48, 60),
}
BREAKPOINTS: dict[str, dict[str, tuple[float, ...]]] = {
    "HJ 633-2012": _SAME
    | {
        "O3": (0, 100, 160, 215, 265, 800),
        "O3_1h": (0, 160, 200, 300, 400, 800, 1000, 1200),
        "PM10": (0, 50, 150, 250, 350, 420, 500, 600),
        "PM2.5": (0, 35, 75, 115, 150, 250, 350, 500),
    },
    "HJ 633-2026": _SAME
    | {
        "O3": (0, 100, 160, 215, 265, 800),
        "PM10": (0, 50, 120, 250, 350, 420, 500, 600),
        "PM2.5": (0, 35, 60, 115, 150, 250, 350, 500),
    },
}
"""Standard: item: concentrations at the values of `IAQI`; daily means, O3 the largest 8-hour mean; CO in mg/m³."""
CHANGES_ON = np.datetime64("2026-03-01")
ITEMS = ("SO2", "NO2", "CO", "O3", "PM10", "PM2.5")
HOURS, HOURS_OF_8, MEANS_OF_8 = 20, 6, 14
"""Hours a daily mean needs, hours an 8-hour mean needs, 8-hour means a day needs (GB 3095, table of validity)."""
GOOD = 100.0
CLASS_GOOD = 3


def iaqi(concentration: Any, item: str, standard: str) -> Any:
    """Individual index of rounded concentrations, rounded up; NaN for none.

    Ozone's 8-hour mean above 800 µg/m³: 300 by HJ 633-2026, not computed by HJ 633-2012. Above the last breakpoint of
    the others: 500.
    """
    edges = np.array(BREAKPOINTS[standard][item], np.float64)
    rounded = np.round(concentration, 1 if item == "CO" else 0)
    index = np.interp(rounded, edges, IAQI[: len(edges)])
    if item == "O3" and standard == "HJ 633-2012":
        index = np.where(rounded > edges[-1], np.nan, index)
    # A quotient that is a whole number may come out a trifle above it; half a billionth is no concentration.
    return np.where(np.isnan(rounded), np.nan, np.ceil(index - 1e-9))


def aqi(concentrations: Mapping[str, Any], standard: str) -> tuple[Any, dict[str, Any]]:
    """Air quality index (1 to 500) and the individual indices; NaN where one of the six items is missing."""
    each = {
        item: iaqi(values, item, standard) for item, values in concentrations.items() if item in BREAKPOINTS[standard]
    }
    if "O3_1h" in each:  # the larger of the two tells of ozone
        each["O3"] = np.fmax(each["O3"], each.pop("O3_1h"))
    stacked = np.stack([each[item] for item in ITEMS])
    return np.maximum(stacked.max(axis=0), 1.0), each


_ITEM_ZH = {"SO2": "二氧化硫", "NO2": "二氧化氮", "CO": "一氧化碳", "O3": "臭氧", "PM10": "PM10", "PM2.5": "PM2.5"}
_WIDE = ("city", "county")


@indicator(
    "I15",
    Part(
        "I15",
        "aqi",
        "空气质量指数",
        "1",
        "AQI of the day by the standard in force on it.",
        windows=("day",),
        scopes=_WIDE,
    ),
    *(
        Part(
            "I15",
            "aqi",
            f"空气质量指数（{standard}）",
            "1",
            f"AQI of the day by {standard}, whatever its date.",
            windows=("day",),
            scopes=_WIDE,
            variant=standard,
        )
        for standard in BREAKPOINTS
    ),
    *(
        Part(
            "I15",
            "is_primary",
            f"首要污染物为{_ITEM_ZH[item]}",
            "1",
            f"1 when the AQI is above 50 and {item} has the largest individual index (ties: each), else 0.",
            windows=("day",),
            scopes=_WIDE,
            variant=item,
        )
        for item in ITEMS
    ),
    Part(
        "I15",
        "good_days_rate",
        "优良天数比率",
        "1",
        "Days with AQI ≤ 100 / days with an AQI.",
        windows=("month", "quarter", "year"),
        scopes=_WIDE,
    ),
    *(
        Part(
            "I15",
            "good_days_rate",
            f"优良天数比率（{standard}）",
            "1",
            f"The same, every day judged by {standard}.",
            windows=("month", "quarter", "year"),
            scopes=_WIDE,
            variant=standard,
        )
        for standard in BREAKPOINTS
    ),
    Part(
        "I15",
        "pm25",
        "PM2.5平均浓度",
        "µg/m³",
        "Mean of the daily means, not rounded.",
        windows=("day", "month", "quarter", "year"),
        scopes=_WIDE,
    ),
    Part(
        "I15",
        "water_good_rate",
        "水质优Ⅲ比例",
        "1",
        "Sections of class Ⅰ to Ⅲ / sections with a class in the month.",
        windows=("month",),
        scopes=("city", "county"),
    ),
)
def air(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I15: AQI by HJ 633-2012 to 2026-02-28 and by HJ 633-2026 from 2026-03-01; good days; PM2.5; water ≤ Ⅲ.

    A station's day: mean of its valid hours for SO2, NO2, CO, PM10, PM2.5 (20 hours or more); for O3 the largest of the
    8-hour means within the day, which end from 8:00 to 24:00 (each of 6 valid hours or more; 14 such means, or one
    above 160 µg/m³), and by the standard of 2012 also the largest hour. A division's day: the mean of its stations that
    have one, then rounded to whole µg/m³ (CO to 0.1 mg/m³), half to even; IAQI linear between breakpoints, rounded up;
    AQI the largest of six, none where an item is missing. No valid hours are those that the bureau's own review strikes
    out: a mark in place of a value, more of a part (PM2.5) than of the whole (PM10), and all of a day on which the
    instrument repeats its value. Known: by the hours that had arrived by the morning after
    the window.
    """
    hours = frame.events("air_hour", "station", "at", "item", "value", "is_valid", at="county_i", first_on="at")
    # Where -99 stands in place of a reading there was none, nor where the part is more than the whole.
    stuck = _all_day(hours, frame.without("air_hour", "at", hours).lost & ~hours.lost)
    is_read = ~frame.without("air_hour", "value", hours).lost & ~stuck
    hours = hours.where(hours["is_valid"].astype(bool) & is_read)
    days = frame.days.array
    final = _daily(frame, hours, days, np.ones(hours.n, bool))
    same_day = _daily(frame, hours, days, hours.known <= day(hours["at"]))
    every_day = frame.windows("day")
    lost = frame.tally(every_day, hours["at"], hours.place, hours.lost.astype(float))
    judged = _judged(final, days)
    known = _judged(same_day, days)
    for variant in ("", *BREAKPOINTS):
        name = f"aqi:{variant}" if variant else "aqi"
        frame.write(parts[name], every_day, Figures(judged[variant][0], known[variant][0], lost=lost))
    for item in ITEMS:
        frame.write(
            parts[f"is_primary:{item}"], every_day, Figures(_is_primary(judged[""], item), _is_primary(known[""], item))
        )
    frame.write(parts["pm25"], every_day, Figures(final["PM2.5"], same_day["PM2.5"], lost=lost))
    for kind in ("month", "quarter", "year"):
        _over_days(frame, parts, frame.windows(kind), hours, final, judged)
    _water(frame, parts["water_good_rate"])


def _all_day(hours: Events, which: Any) -> Any:
    """All hours of the days of a station and item some of which are of a mask."""
    names = np.char.add(hours["station"].astype(str), hours["item"].astype(str))
    _, number = np.unique(names, return_inverse=True)
    own = number.astype(np.int64) * 1_000_000 + day(hours["at"]).astype(np.int64)
    return np.isin(own, own[which])


def _daily(frame: Frame, hours: Events, days: Any, which: Any) -> dict[str, Any]:
    """Item: days × divisions, concentrations of the hours of a mask; not rounded."""
    hours = hours.where(which)
    names, station = np.unique(hours["station"].astype(str), return_inverse=True)
    place = np.full(len(names), frame.divisions.leaves_n - 1)
    place[station] = hours.place
    hour = hours["at"].astype("datetime64[h]").astype(np.int64) - days[0].astype("datetime64[h]").astype(np.int64)
    n, m = len(days) * 24, max(len(names), 1)
    inside = (hour >= 0) & (hour < n)
    item, value = hours["item"].astype(str), hours["value"].astype(np.float64)
    made: dict[str, Any] = {}
    for name in ITEMS:
        own = inside & (item == name)
        table = np.full((n, m), np.nan)
        table[hour[own], station[own]] = value[own]
        if name == "O3":
            of_stations = {"O3": _ozone(table), "O3_1h": _per_day(table, np.fmax.reduce, 1)}
        else:
            of_stations = {name: _per_day(table, _mean, HOURS)}
        made |= {key: _of_divisions(frame, values, place) for key, values in of_stations.items()}
    return made


def _mean(values: Any, axis: int) -> Any:
    there = ~np.isnan(values)
    counts = there.sum(axis=axis)
    return np.divide(
        np.where(there, values, 0).sum(axis=axis), counts, out=np.full(counts.shape, np.nan), where=counts > 0
    )


def _per_day(table: Any, reduce: Any, least: int) -> Any:
    """Hours × stations reduced to days × stations; NaN for days with fewer than `least` hours."""
    blocks = table.reshape(-1, 24, table.shape[1])
    enough = (~np.isnan(blocks)).sum(axis=1) >= least
    return np.where(enough, reduce(blocks, axis=1), np.nan)


def _ozone(table: Any) -> Any:
    """Largest 8-hour mean of each day, of hours 0–7 to hours 16–23: hours × stations as days × stations."""
    blocks = table.reshape(-1, 24, table.shape[1])
    there = ~np.isnan(blocks)
    zero = np.zeros((len(blocks), 1, table.shape[1]))
    sums = np.concatenate([zero, np.cumsum(np.where(there, blocks, 0), axis=1)], axis=1)
    counts = np.concatenate([zero, np.cumsum(there, axis=1)], axis=1)
    n = counts[:, 8:] - counts[:, :-8]
    means = np.divide(sums[:, 8:] - sums[:, :-8], n, out=np.full(n.shape, np.nan), where=n >= HOURS_OF_8)
    largest = np.fmax.reduce(means, axis=1)
    return np.where(((~np.isnan(means)).sum(axis=1) >= MEANS_OF_8) | (largest > 160), largest, np.nan)


def _of_divisions(frame: Frame, values: Any, place: Any) -> Any:
    """Days × stations as means over the stations of each division."""
    member = frame.divisions.within[place]
    if not len(place):
        return np.full((len(values), frame.divisions.n), np.nan)
    there = ~np.isnan(values)
    total, counts = np.where(there, values, 0) @ member, there @ member
    return np.divide(total, counts, out=np.full(total.shape, np.nan), where=counts > 0)


def _judged(concentrations: Mapping[str, Any], days: Any) -> dict[str, tuple[Any, dict[str, Any]]]:
    """By standard, and under no name by the one in force on the day: AQI and individual indices."""
    made = {standard: aqi(concentrations, standard) for standard in BREAKPOINTS}
    old, new = made["HJ 633-2012"], made["HJ 633-2026"]
    is_new = (days >= CHANGES_ON)[:, None]
    return made | {
        "": (np.where(is_new, new[0], old[0]), {item: np.where(is_new, new[1][item], old[1][item]) for item in ITEMS})
    }


def _is_primary(judged: tuple[Any, dict[str, Any]], item: str) -> Any:
    index, each = judged
    largest = np.stack([each[name] for name in ITEMS]).max(axis=0)
    return np.where(np.isnan(index), np.nan, (index > 50) & (each[item] == largest))


def _over_days(
    frame: Frame,
    parts: Mapping[str, Part],
    windows: Windows,
    hours: Events,
    final: Mapping[str, Any],
    judged: Mapping[str, tuple[Any, dict[str, Any]]],
) -> None:
    """Good days and PM2.5 over longer windows. Hours that came after the cut-off change the last days only."""
    days, n = frame.days.array, (windows.n, frame.divisions.n)
    good = {variant: [np.zeros(n) for _ in range(4)] for variant in ("", *BREAKPOINTS)}
    dust = [np.zeros(n) for _ in range(4)]
    lost = frame.tally(windows, hours["at"], hours.place, hours.lost.astype(float))
    for number, (first, last) in enumerate(zip(windows.first, windows.last, strict=True)):
        inside = (days >= first) & (days <= last)
        on = day(hours["at"])
        late = (on >= first) & (on <= last) & ~(hours.known <= last)
        values, index = final, judged
        if late.any():
            span = (on >= first) & (on <= last) & ~late
            cut = _daily(frame, hours, days[inside], span)
            values = {item: _placed(cut[item], inside, len(days)) for item in cut}
            index = _judged(values, days)
        for variant in good:
            for at, judgement in ((0, judged), (2, index)):
                rows = judgement[variant][0][inside]
                good[variant][at][number] = (rows <= GOOD).sum(axis=0)
                good[variant][at + 1][number] = (~np.isnan(rows)).sum(axis=0)
        for at, source in ((0, final), (2, values)):
            rows = source["PM2.5"][inside]
            dust[at][number] = np.nansum(rows, axis=0)
            dust[at + 1][number] = (~np.isnan(rows)).sum(axis=0)
    for variant, (a, b, c, d) in good.items():
        name = f"good_days_rate:{variant}" if variant else "good_days_rate"
        frame.write(parts[name], windows, Figures(a, c, b, d, lost))
    frame.write(parts["pm25"], windows, Figures(dust[0], dust[2], dust[1], dust[3], lost))


def _placed(values: Any, inside: Any, n: int) -> Any:
    made = np.full((n, values.shape[1]), np.nan)
    made[inside] = values
    return made


def _water(frame: Frame, part: Part) -> None:
    sections = frame.events("water_section_month", "month", "section", "class", first_on="month")
    number = sections["class"].astype(np.float64)
    sections, number = sections.where(~np.isnan(number)), number[~np.isnan(number)]
    frame.share(part, sections, sections["month"].astype("datetime64[D]"), number <= CLASS_GOOD)
