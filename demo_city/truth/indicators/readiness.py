"""Plans, drills, stocks, shelters: I21, I22 (S08)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from demo_city.truth.indicators.frame import Events, Figures, Frame, Part, day
from demo_city.truth.indicators.registry import indicator

_ENDS = ("month", "quarter")
_WIDE = ("city", "county")
NEAR_M = 1000.0
SOON_DAYS = 90


def _at_areas(frame: Frame, table: str, *needed: str) -> Events:
    """Rows placed by their area code; what the registers say they say every day."""
    rows = frame.table(table, "area_code", *needed)
    never_late = np.full(rows.rows_n, frame.days.array[0])
    return Events(rows, frame.divisions.leaf_of_code(rows["area_code"]), never_late, np.zeros(rows.rows_n, bool))


@indicator(
    "I21",
    Part(
        "I21",
        "plan_coverage",
        "预案覆盖率",
        "1",
        "Cells (event, level, division) with a plan in force on the window's last day / cells there should be.",
        windows=_ENDS,
        scopes=_WIDE,
    ),
    Part(
        "I21",
        "plans_overdue",
        "超期未修订预案",
        "个",
        "Plans in force on the window's last day whose review was due before it.",
        windows=_ENDS,
        scopes=_WIDE,
    ),
    Part(
        "I21",
        "drill_rate",
        "演练完成率",
        "1",
        "Of the drills planned in the window the share ever held.",
        windows=_ENDS,
        scopes=_WIDE,
    ),
    Part(
        "I21",
        "drill_fixed_rate",
        "演练问题整改率",
        "1",
        "Of the issues of drills held in the window the share ever fixed.",
        windows=_ENDS,
        scopes=_WIDE,
    ),
)
def plans(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I21: cells with a plan in force / cells; plans overdue for review; drills held / planned; issues fixed / found.

    A plan is in force from valid_from until before valid_until. A county's cells are its own; the city's value holds
    the cells of the city and of all counties. Known: a drill held, an issue fixed, by the window's last day.
    """
    plan = _at_areas(frame, "plan", "event_code", "level", "valid_from", "valid_until", "review_due_on")
    cell = _at_areas(frame, "plan_cell", "event_code", "level")
    of_plan, of_cell = (
        np.array(
            [
                f"{code}|{number}|{area}"
                for code, number, area in zip(of["event_code"], of["level"], of["area_code"], strict=True)
            ]
        )
        for of in (plan, cell)
    )
    begins, ends, due = (day(plan[name]) for name in ("valid_from", "valid_until", "review_due_on"))
    drill = _at_areas(frame, "drill", "planned_on", "held_on", "issues_n", "fixed_n", "fixed_on")
    held, fixed = day(drill["held_on"]), day(drill["fixed_on"])
    took_place = ~np.isnat(held)
    own = drill.where(took_place)
    for kind in _ENDS:
        windows = frame.windows(kind)
        covered, late, cells = np.zeros((3, windows.n, frame.divisions.leaves_n))
        for number, last in enumerate(windows.last):
            now = (begins <= last) & ~(ends <= last)
            covered[number] = np.bincount(
                cell.place, np.isin(of_cell, of_plan[now]), minlength=frame.divisions.leaves_n
            )
            cells[number] = np.bincount(cell.place, minlength=frame.divisions.leaves_n)
            late[number] = np.bincount(plan.place[now & (due < last)], minlength=frame.divisions.leaves_n)
        covered, cells, late = (frame.divisions.up(values) for values in (covered, cells, late))
        frame.write(parts["plan_coverage"], windows, Figures(covered, covered, cells, cells))
        frame.write(parts["plans_overdue"], windows, Figures(late, late))
        planned, hits = drill["planned_on"], took_place.astype(float)
        total = frame.tally(windows, planned, drill.place)
        frame.write(
            parts["drill_rate"],
            windows,
            Figures(
                frame.tally(windows, planned, drill.place, hits),
                frame.tally(windows, planned, drill.place, hits, held),
                total,
                total,
            ),
        )
        issues = own["issues_n"].astype(np.float64)
        done = np.where(np.isnat(fixed[took_place]), 0.0, own["fixed_n"].astype(np.float64))
        total = frame.tally(windows, own["held_on"], own.place, issues)
        known = frame.tally(windows, own["held_on"], own.place, done, fixed[took_place])
        frame.write(
            parts["drill_fixed_rate"],
            windows,
            Figures(frame.tally(windows, own["held_on"], own.place, done), known, total, total),
        )


@indicator(
    "I22",
    Part(
        "I22",
        "below_minimum",
        "低于最低库存项",
        "项",
        "Stock lines with qty < min_qty on the window's last day.",
        windows=("week", "month"),
        scopes=_WIDE,
    ),
    Part(
        "I22",
        "expiring",
        "临期物资项",
        "项",
        "Stock lines that expire within 90 days of the window's last day and have not expired on it.",
        windows=("week", "month"),
        scopes=_WIDE,
    ),
    Part(
        "I22",
        "expired",
        "过期在库物资项",
        "项",
        "Stock lines that have expired by the window's last day.",
        windows=("week", "month"),
        scopes=_WIDE,
    ),
    Part(
        "I22",
        "shelter_m2_per_head",
        "人均有效避难面积",
        "m²/人",
        "Area of the shelters / residents.",
        windows=("month",),
    ),
    Part(
        "I22",
        "shelter_1km_rate",
        "避难场所1公里覆盖率",
        "1",
        "Residents of grids whose centre lies within 1 km of a shelter / residents of grids.",
        windows=("month",),
    ),
)
def stocks(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I22: stock lines below their minimum, expiring, expired; shelters' area per head, and residents within 1 km."""
    stock = _at_areas(frame, "stock", "stock_no", "day", "qty", "min_qty", "expires_on")
    on, expires = day(stock["day"]), day(stock["expires_on"])
    low = stock["qty"].astype(np.float64) < stock["min_qty"].astype(np.float64)
    for kind in ("week", "month"):
        windows = frame.windows(kind)
        ends = np.isin(on, windows.last)
        lines, on_end, until = stock.where(ends), on[ends], expires[ends]
        left = (until - on_end).astype(np.float64)
        left[np.isnat(until)] = np.inf
        for name, which in (
            ("below_minimum", low[ends]),
            ("expiring", (left >= 0) & (left < SOON_DAYS)),
            ("expired", left < 0),
        ):
            counts = frame.tally(windows, on_end, lines.place, which.astype(float))
            frame.write(parts[name], windows, Figures(counts, counts))
    shelters = frame.table("shelter", "shelter_no", "area_m2", "township_i", "lng", "lat")
    _, one = np.unique(shelters["shelter_no"].astype(str), return_index=True)
    shelters = shelters.where(np.sort(one))
    leaves = frame.divisions.leaf_of_township(shelters["township_i"])
    area = frame.divisions.up(np.bincount(leaves, shelters["area_m2"], minlength=frame.divisions.leaves_n))
    grid = frame.world.city.grid
    place, people = frame.divisions.leaf_of_township(grid["township_i"]), grid["population"].astype(np.float64)
    near = _near(grid["lng"], grid["lat"], shelters["lng"], shelters["lat"])
    every = frame.divisions.up(np.bincount(place, people, minlength=frame.divisions.leaves_n))
    within = frame.divisions.up(np.bincount(place, people * near, minlength=frame.divisions.leaves_n))
    windows = frame.windows("month")
    for name, over, under in (
        ("shelter_m2_per_head", area, frame.divisions.population),
        ("shelter_1km_rate", within, every),
    ):
        values = [np.tile(row, (windows.n, 1)) for row in (over, under)]
        frame.write(parts[name], windows, Figures(values[0], values[0], values[1], values[1]))


def _near(lng: np.ndarray, lat: np.ndarray, to_lng: np.ndarray, to_lat: np.ndarray) -> np.ndarray:
    """Which points have another within 1 km, as the crow flies."""
    from scipy.spatial import cKDTree

    if not len(to_lng):
        return np.zeros(len(lng), bool)
    # Flat over a city: degrees as metres at its middle latitude.
    scale = np.array([111_320 * np.cos(np.radians(float(np.mean(to_lat)))), 110_940])
    tree = cKDTree(np.column_stack([to_lng, to_lat]).astype(np.float64) * scale)
    distance, _ = tree.query(np.column_stack([lng, lat]).astype(np.float64) * scale)
    return distance <= NEAR_M
