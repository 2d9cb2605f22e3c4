"""Five in one, and the grids: I23, I24 (S02, S09, S16, S24, S30, S31, S34)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from demo_city.columns import Columns
from demo_city.truth.indicators.frame import Events, Figures, Frame, MissingEvents, Part, day
from demo_city.truth.indicators.registry import indicator

_ECONOMY = {
    "revenue": ("一般公共预算收入", "亿元", ("一般公共预算收入",), None),
    "tax_share": ("税收占一般公共预算收入比重", "1", ("税收收入",), "一般公共预算收入"),
    "tertiary_share": ("三产比重", "1", ("第三产业增加值",), "地区生产总值"),
    "rd_share": ("研发经费占比", "1", ("R&D经费支出",), "地区生产总值"),
    "green_cover": ("建成区绿化覆盖率", "%", ("建成区绿化覆盖率",), None),
}
_WIDE = ("city", "county")
HOURS_OVER = 4
"""Hours above the permit that make a day one of exceedance, whatever its mean."""
FINAL_AFTER = 2
"""Months after which a month's figures are final."""


@indicator(
    "I23",
    *(
        Part(
            "I23",
            name,
            title,
            unit,
            f"{over[0]} of the month" + (f" / {under} of the month." if under else ", the month alone, not cumulated."),
            windows=("month",),
            scopes=_WIDE,
        )
        for name, (title, unit, over, under) in _ECONOMY.items()
    ),
    Part(
        "I23",
        "party_coverage",
        "网格党组织覆盖率",
        "1",
        "Grids with a party organisation / grids, of the month's list.",
        windows=("month",),
    ),
    Part(
        "I23",
        "modules_up",
        "71模块可用率",
        "1",
        "Module-days with the module up (99 % of the day) / module-days.",
        scopes=("city",),
    ),
    Part("I23", "rating", "好差评平均分", "1", "Mean of the scores somebody really gave; default scores do not count."),
    Part(
        "I23",
        "emission_days_over",
        "企业超标排放日数",
        "厂·项·日",
        "Days on which an outlet's item was above its permit in the daily mean, or for 4 hours or more.",
    ),
    Part("I23", "petitions", "信访件数", "件", "Petitions by their time."),
)
def five_in_one(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I23: economic (revenue, tax, tertiary, R&D), political (party coverage), cultural (modules), social (ratings),
    ecological (green cover, emissions); I03 and I15 stand by themselves.

    Economy: single month's final figures (``econ_month``: value_final); known at the cut-off: the preliminary figure of
    the month's workbook, if that had arrived. The final figure comes two months later; of the last two months it is not
    delivered.
    """
    month = _econ(frame)
    windows = frame.windows("month")
    codes = {code: number for number, code in enumerate(frame.divisions.codes.astype(str))}
    number = np.array([codes.get(code, -1) for code in month["area_code"].astype(str)], dtype=np.int64)
    at = windows.holding(month["month"])
    arrived = frame.known_from("econ_month", month["month"])
    in_time = (at >= 0) & (arrived <= windows.last[np.maximum(at, 0)]) if windows.n else at >= 0
    tables: dict[str, Any] = {}
    told: dict[str, Any] = {}
    for item in {name for _, _, over, under in _ECONOMY.values() for name in (*over, under) if name}:
        own = (month["item_zh"].astype(str) == item) & (number >= 0) & (at >= 0)
        if not own.any() and windows.n:
            raise MissingEvents(f"the events 'econ_month' have no item {item}")
        for into, column, which in ((tables, "value_final", own), (told, "value_prelim", own & in_time)):
            values = np.full((windows.n, frame.divisions.n), np.nan)
            values[at[which], number[which]] = month[column].astype(np.float64)[which]
            into[item] = values
    last = frame.days.array[-1].astype("datetime64[M]")
    recent = np.repeat((windows.first.astype("datetime64[M]") > last - FINAL_AFTER)[:, None], frame.divisions.n, axis=1)
    for name, (_, _, over, under) in _ECONOMY.items():
        frame.write(
            parts[name],
            windows,
            Figures(
                tables[over[0]],
                told[over[0]],
                tables[under] if under else None,
                told[under] if under else None,
                recent,
                reason="the final figure is not delivered yet",
            ),
        )
    grids = frame.events("grid_party", "month", "grid_i", "has_party", at="", first_on="month")
    grids = Events(
        grids.columns,
        frame.divisions.leaf_of_township(frame.world.city.grid["township_i"][grids["grid_i"].astype(np.int64)]),
        grids.known,
        grids.lost,
    )
    frame.share(parts["party_coverage"], grids, day(grids["month"]), grids["has_party"].astype(bool))
    modules = frame.events("module_day", "day", "module_no", "is_up", at="", first_on="day")
    frame.share(parts["modules_up"], modules, modules["day"], modules["is_up"].astype(bool))
    ratings = frame.events("rating", "at", "score", "is_default", first_on="at")
    given = ratings.where(~ratings["is_default"].astype(bool))
    _mean(frame, parts["rating"], given, given["at"], given["score"].astype(np.float64))
    emissions = frame.events("emission_day", "day", "value", "limit", "hours_over_n", first_on="day")
    value, limit = emissions["value"].astype(np.float64), emissions["limit"].astype(np.float64)
    over_limit = emissions.where((value > limit) | (emissions["hours_over_n"] >= HOURS_OVER))
    frame.count(parts["emission_days_over"], over_limit, over_limit["day"])
    petitions = frame.events("petition", "at")
    frame.count(parts["petitions"], petitions, petitions["at"])


def _econ(frame: Frame) -> Columns:
    """The table ``econ_month`` with its period as a day; it lies at areas of its own, not at townships."""
    rows = frame.table("econ_month", "period", "area_code", "item_zh", "value_final", "value_prelim")
    text = rows["period"].astype(str)
    months = np.array([f"{period[:4]}-{period[-2:]}-01" for period in text], dtype="datetime64[D]")
    return rows.with_columns(month=months)


def _mean(frame: Frame, part: Part, events: Events, on: Any, value: Any) -> None:
    for kind in part.windows:
        windows = frame.windows(kind)
        frame.write(
            part,
            windows,
            Figures(
                frame.tally(windows, on, events.place, value),
                frame.tally(windows, on, events.place, value, events.known),
                frame.tally(windows, on, events.place),
                frame.tally(windows, on, events.place, None, events.known),
                frame.tally(windows, on, events.place, events.lost.astype(float)),
            ),
        )


def gini(values: Any) -> float:
    """Gini coefficient of some loads, 0 to 1; NaN for none or only zeros."""
    ordered = np.sort(np.asarray(values, np.float64))
    n, total = len(ordered), ordered.sum()
    if not n or not total:
        return float("nan")
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * total))


@indicator(
    "I24",
    Part("I24", "events_per_1k", "千人网格事件数", "件/千人", "Grid events found in the window × 1,000 / residents."),
    Part("I24", "valid_rate", "上报有效率", "1", "Valid events / events found in the window; test rows do not count."),
    Part(
        "I24",
        "load_gini",
        "网格负荷基尼系数",
        "1",
        "Gini coefficient of the events per grid, grids without any included.",
        windows=("week", "month"),
    ),
    Part("I24", "party_coverage", "网格党组织覆盖率", "1", "As in I23.", windows=("month",)),
)
def grids(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I24: events per resident, share of valid reports, Gini coefficient of the load over grids, party coverage."""
    events = frame.events("grid_event", "found_at", "grid_i", "is_valid", "is_test")
    events = events.where(~events["is_test"].astype(bool))
    on = events["found_at"]
    frame.per_people(parts["events_per_1k"], events, on, 1e3)
    frame.share(parts["valid_rate"], events, on, events["is_valid"].astype(bool))
    grid = frame.world.city.grid
    place = frame.divisions.leaf_of_township(grid["township_i"])
    number = events["grid_i"].astype(np.int64)
    for kind in parts["load_gini"].windows:
        windows = frame.windows(kind)
        at = windows.holding(on)
        made = [np.full((windows.n, frame.divisions.n), np.nan) for _ in range(2)]
        for table, which in (
            (0, at >= 0),
            (1, (at >= 0) & (events.known <= windows.last[np.maximum(at, 0)]) if windows.n else at >= 0),
        ):
            own_events = which & (number >= 0)
            cell = at[own_events] * grid.rows_n + number[own_events]
            loads = np.bincount(cell, minlength=windows.n * grid.rows_n)
            loads = loads.reshape(windows.n, grid.rows_n)
            for division in range(frame.divisions.n):
                own = loads[:, frame.divisions.within[place, division] > 0]
                made[table][:, division] = [gini(row) for row in own]
        lost = frame.tally(windows, on, events.place, events.lost.astype(float))
        frame.write(parts["load_gini"], windows, Figures(made[0], made[1], lost=lost))
    party = frame.table("grid_party", "month", "grid_i", "has_party")
    leaf = place[party["grid_i"].astype(np.int64)]
    windows = frame.windows("month")
    total = frame.tally(windows, party["month"], leaf)
    hits = frame.tally(windows, party["month"], leaf, party["has_party"].astype(np.float64))
    frame.write(parts["party_coverage"], windows, Figures(hits, hits, total, total))
