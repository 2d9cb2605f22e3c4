"""Leads that a register or events answer: what is overdue, missing, above its limit, let to a group."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from demo_city.columns import Columns
from demo_city.days import Days
from demo_city.truth.indicators.frame import Events, Frame, day
from demo_city.truth.indicators.health import alarms_of

if TYPE_CHECKING:
    from demo_city.world import World

MAJOR_DAYS, GENERAL_DAYS = 0, 7
GAS_WORST_DAYS, GAS_DAYS = 1, 30
CLOSED_DOORS = 3
DUST_LIMIT, DUST_HOURS, SILENT_HOURS = 150.0, 3, 24
MEDIATION_DAYS = 15
WORST_BRIDGES = 4
WORST_CLASS = 5
HOURS_OVER = 4
FLOODS = 2
EXPIRES_DAYS = 90
NEVER = np.datetime64("NaT", "D")

Find = Callable[["World", Days, Frame], Columns]
REGISTERED: dict[str, tuple[str, Find]] = {}
"""Models whose leads a register or the events answer: what makes them true, and what finds them."""


def registered(model: str, rule: str) -> Callable[[Find], Find]:
    """Register what finds the true leads of a model."""

    def register(find: Find) -> Find:
        REGISTERED[model] = (rule, find)
        return find

    return register


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


def runs(keys: Any, days: Any) -> tuple[Any, Any, Any]:
    """Days on end of each key: key, first and last day of each run; days may come in any order, once or twice."""
    order = np.lexsort((days, keys))
    keys, days = np.asarray(keys)[order], days[order]
    if not len(days):
        return keys, days, days
    new = np.r_[True, (keys[1:] != keys[:-1]) | (days[1:] - days[:-1] > np.timedelta64(1, "D"))]
    starts = np.flatnonzero(new)
    return keys[starts], days[starts], days[np.r_[starts[1:], len(days)] - 1]


def _of_days(kind: str, rows: Columns, id: str, on: Any, evidence: str, days: Days) -> Columns:
    """Leads of things on whose every day something is so."""
    names, at = np.unique(rows[id].astype(str), return_inverse=True)
    place = np.zeros(len(names), np.int64)
    place[at] = rows["township_i"]
    which, first, last = runs(at, day(on))
    still = np.where(last == np.datetime64(days.last), NEVER, last)
    return standing(kind, names[which], place[which], first, still, first, evidence)


def _sunday(on: Any) -> Any:
    """End of each day's week: when a weekly list is there."""
    return on + (6 - (on.astype(np.int64) + 3) % 7)


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


@registered("W057", "a cancelled firm's meter shows that it works on (events power_state, closed_active)")
def _closed_firms(world: World, days: Days, frame: Frame) -> Columns:
    return _power(frame, "closed_active", days)


@registered("W042", "a shop's or store's meter shows that people live in it (events power_state, live_in)")
def _live_in(world: World, days: Days, frame: Frame) -> Columns:
    return _power(frame, "live_in", days)


def _power(frame: Frame, what: str, days: Days) -> Columns:
    states = frame.table("power_state", "meter_no", "what", "from_on", "to_on", "township_i")
    own = states.where(states["what"].astype(str) == what)
    begins, ends = day(own["from_on"]), day(own["to_on"])
    ends = np.where(ends >= np.datetime64(days.last), NEVER, ends)
    return standing("meter", own["meter_no"].astype(str), own["township_i"], begins, ends, begins, "power_state")


def _equipment(frame: Frame) -> Columns:
    rows = frame.table(
        "equipment",
        "equip_code",
        "valid_from",
        "valid_until",
        "next_due_on",
        "is_in_use",
        "owner_cancelled_on",
        "signed_off_on",
        "township_i",
    )
    return rows.where(rows["is_in_use"].astype(bool))


@registered("W063", "equipment in use is not inspected after its day (events equipment; the list is weekly)")
def _overdue_equipment(world: World, days: Days, frame: Frame) -> Columns:
    rows = _equipment(frame)
    begins, ends = day(rows["next_due_on"]) + 1, day(rows["valid_until"])
    ends = np.fmin(ends, day(rows["signed_off_on"]) - 1)
    late = ~(ends <= begins) & ~np.isnat(begins)
    rows, begins, ends = rows.where(late), begins[late], ends[late]
    return standing(
        "equipment", rows["equip_code"].astype(str), rows["township_i"], begins, ends - 1, _sunday(begins), "equipment"
    )


@registered("W065", "equipment is in use though the firm it belongs to is cancelled (events equipment)")
def _orphan_equipment(world: World, days: Days, frame: Frame) -> Columns:
    rows = _equipment(frame)
    rows = rows.where(~np.isnat(day(rows["owner_cancelled_on"])) & np.isnat(day(rows["signed_off_on"])))
    _, one = np.unique(rows["equip_code"].astype(str), return_index=True)
    rows = rows.where(one)
    begins = day(rows["owner_cancelled_on"])
    return standing(
        "equipment",
        rows["equip_code"].astype(str),
        rows["township_i"],
        begins,
        np.full(rows.rows_n, NEVER),
        _sunday(begins),
        "equipment",
    )


@registered("W068", "a gas hazard stays: of grade 1 more than a day, others more than 30 (events gas_check)")
def _gas_hazards(world: World, days: Days, frame: Frame) -> Columns:
    rows = frame.table("gas_check", "user_no", "checked_on", "hazard_level", "fixed_on", "township_i")
    rows = rows.where(rows["hazard_level"].astype(np.int64) > 0)
    found, fixed = day(rows["checked_on"]), day(rows["fixed_on"])
    begins = found + np.where(rows["hazard_level"] == 1, GAS_WORST_DAYS, GAS_DAYS) + 1
    late = ~(fixed < begins)
    rows, begins, fixed = rows.where(late), begins[late], fixed[late]
    return standing("user", rows["user_no"].astype(str), rows["township_i"], begins, fixed - 1, begins, "gas_check")


@registered("W069", "three visits on end found a gas user's door closed (events gas_check)")
def _closed_doors(world: World, days: Days, frame: Frame) -> Columns:
    rows = frame.table("gas_check", "user_no", "checked_on", "is_entered", "township_i")
    rows = rows.where(np.lexsort((day(rows["checked_on"]), rows["user_no"].astype(str))))
    user, on, closed = rows["user_no"].astype(str), day(rows["checked_on"]), ~rows["is_entered"].astype(bool)
    if not rows.rows_n:
        return standing("user", user, rows["township_i"], on, on, on, "gas_check")
    breaks = np.r_[True, (user[1:] != user[:-1]) | ~closed[:-1]]
    start = np.maximum.accumulate(np.where(breaks, np.arange(len(on)), 0))
    third = closed & (np.arange(len(on)) - start == CLOSED_DOORS - 1)
    # Until somebody is let in: the user's next row that is not a closed door.
    entered = np.where(closed, len(on), np.arange(len(on)))
    following = np.minimum.accumulate(entered[::-1])[::-1]
    until = np.full(len(on), NEVER)
    there = following < len(on)
    same = there & (user[np.minimum(following, len(on) - 1)] == user)
    until[same] = on[following[same]] - 1
    return standing("user", user[third], rows["township_i"][third], on[third], until[third], on[third], "gas_check")


@registered("W077", "a flood point is under water a second time in a year (events flood_point_event)")
def _flood_points(world: World, days: Days, frame: Frame) -> Columns:
    rows = frame.table("flood_point_event", "flood_point_no", "begins_at", "township_i")
    order = np.lexsort((rows["begins_at"], rows["flood_point_no"].astype(str)))
    rows = rows.where(order)
    on, point = day(rows["begins_at"]), rows["flood_point_no"].astype(str)
    year = on.astype("datetime64[Y]")
    _, first, number = np.unique(np.char.add(point, year.astype(str)), return_index=True, return_inverse=True)
    second = np.arange(len(on)) - first[number] == FLOODS - 1
    rows, on, year = rows.where(second), on[second], year[second]
    ends = (year + 1).astype("datetime64[D]") - 1
    return standing(
        "flood_point", rows["flood_point_no"].astype(str), rows["township_i"], on, ends, on, "flood_point_event"
    )


@registered("W079", "the highest level of a day reaches the station's warning level (events level_day)")
def _levels(world: World, days: Days, frame: Frame) -> Columns:
    rows = frame.table("level_day", "day", "station", "level_max_m", "warning_m", "township_i")
    rows = rows.where(rows["level_max_m"].astype(np.float64) >= rows["warning_m"].astype(np.float64))
    return _of_days("station", rows, "station", rows["day"], "level_day", days)


@registered("W084", "three hours or more of a day with dust above 150 µg/m³ at a site (events dust_hour)")
def _dust(world: World, days: Days, frame: Frame) -> Columns:
    rows = _dust_rows(frame)
    over = rows.where((rows["pm10"].astype(np.float64) > DUST_LIMIT) & rows["is_reported"].astype(bool))
    return _of_days("site", _enough(over, DUST_HOURS), "site_no", _enough(over, DUST_HOURS)["day"], "dust_hour", days)


@registered("W085", "a site's dust device is silent for a whole day (events dust_hour)")
def _silent_dust(world: World, days: Days, frame: Frame) -> Columns:
    rows = _dust_rows(frame)
    silent = _enough(rows.where(~rows["is_reported"].astype(bool)), SILENT_HOURS)
    return _of_days("site", silent, "site_no", silent["day"], "dust_hour", days)


def _dust_rows(frame: Frame) -> Columns:
    rows = frame.table("dust_hour", "site_no", "at", "pm10", "is_reported", "township_i")
    return rows.with_columns(day=day(rows["at"]))


def _enough(rows: Columns, least: int) -> Columns:
    """One row for each site and day with so many hours."""
    keys = np.char.add(rows["site_no"].astype(str), np.datetime_as_string(rows["day"])) if rows.rows_n else np.array([])
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    return rows.where(first[counts >= least])


@registered("W076", "a bridge is found to be of grade 4 or 5 (events bridge_grade)")
def _bridges(world: World, days: Days, frame: Frame) -> Columns:
    rows = frame.table("bridge_grade", "bridge_no", "inspected_on", "grade")
    rows = rows.where(rows["grade"].astype(np.int64) >= WORST_BRIDGES)
    on = day(rows["inspected_on"])
    return standing(
        "bridge",
        rows["bridge_no"].astype(str),
        np.full(rows.rows_n, -1),
        on,
        np.full(rows.rows_n, NEVER),
        on,
        "bridge_grade",
    )


@registered("W089", "people live in a building of grade D (registers of buildings and flats)")
def _dangerous(world: World, days: Days, frame: Frame) -> Columns:
    building, flat = world.city.building, world.city.flat
    lived_in = np.bincount(flat["building_i"], flat["residents_n"], minlength=building.rows_n) > 0
    own = building.where((building["danger"] == "D") & lived_in)
    n = own.rows_n
    first = np.full(n, np.datetime64(days.first, "D"))
    return standing(
        "building", own["building_no"].astype(str), own["township_i"], first, np.full(n, NEVER), first, "building"
    )


@registered(
    "W093", "a river section's class is worse than the month before, or worse than V (events water_section_month)"
)
def _sections(world: World, days: Days, frame: Frame) -> Columns:
    rows = frame.table("water_section_month", "section", "month", "class", "township_i")
    rows = rows.where(np.lexsort((rows["month"], rows["section"].astype(str))))
    name, number = rows["section"].astype(str), rows["class"].astype(np.float64)
    same = np.r_[False, name[1:] == name[:-1]] if rows.rows_n else np.zeros(0, bool)
    worse = same & np.r_[False, number[1:] > number[:-1]] if rows.rows_n else same
    rows = rows.where(worse | (number > WORST_CLASS))
    ends = (rows["month"].astype("datetime64[M]") + 1).astype("datetime64[D]") - 1
    return standing(
        "section",
        rows["section"].astype(str),
        rows["township_i"],
        day(rows["month"]),
        ends,
        ends,
        "water_section_month",
    )


@registered("W094", "an outlet is above its permit in the daily mean, or for 4 hours or more (events emission_day)")
def _emissions(world: World, days: Days, frame: Frame) -> Columns:
    rows = frame.table("emission_day", "outlet_no", "day", "value", "limit", "hours_over_n", "township_i")
    over = rows["value"].astype(np.float64) > rows["limit"].astype(np.float64)
    rows = rows.where(over | (rows["hours_over_n"].astype(np.int64) >= HOURS_OVER))
    return _of_days("outlet", rows, "outlet_no", rows["day"], "emission_day", days)


@registered("W099", "a disease is above its limit in a week, as in I16 (events disease_week)")
def _diseases(world: World, days: Days, frame: Frame) -> Columns:
    names, mondays = alarms_of(frame)
    return standing("disease", names, np.full(len(names), -1), mondays, mondays + 6, mondays + 6, "disease_week")


@registered("W119", "a mediation has failed and 15 days later nobody has planned what next (events dispute)")
def _mediations(world: World, days: Days, frame: Frame) -> Columns:
    rows = frame.table("dispute", "no", "result", "closed_at", "planned_at", "township_i")
    rows = rows.where(rows["result"].astype(str) == "调解失败")
    begins, ends = day(rows["closed_at"]) + MEDIATION_DAYS + 1, day(rows["planned_at"]) - 1
    late = ~np.isnat(begins) & ~(ends < begins)
    rows, begins, ends = rows.where(late), begins[late], ends[late]
    return standing("dispute", rows["no"].astype(str), rows["township_i"], begins, ends, begins, "dispute")


@registered("W127", "an instruction is not finished on its day (events instruction)")
def _stalled(world: World, days: Days, frame: Frame) -> Columns:
    orders = frame.events("instruction", "no", "due_at", "finished_at")
    orders = orders.where(~np.isnat(orders["due_at"]))
    return overdue(orders, "instruction", "no", orders["due_at"], orders["finished_at"], 0, "instruction")


@registered("W128", "a plan in force is past its review, or a cell has no plan in force on any day (events plan)")
def _plans(world: World, days: Days, frame: Frame) -> Columns:
    plan = frame.table(
        "plan", "plan_no", "event_code", "level", "area_code", "valid_from", "valid_until", "review_due_on"
    )
    cell = frame.table("plan_cell", "event_code", "level", "area_code")
    begins = np.maximum(day(plan["review_due_on"]) + 1, day(plan["valid_from"]))
    ends = day(plan["valid_until"]) - 1
    late = ~np.isnat(begins) & ~(ends < begins)
    old = standing(
        "plan",
        plan["plan_no"][late].astype(str),
        np.full(late.sum(), -1),
        begins[late],
        ends[late],
        begins[late],
        "plan",
    )
    first, last = np.datetime64(days.first), np.datetime64(days.last)
    stood = (day(plan["valid_from"]) <= last) & ~(day(plan["valid_until"]) <= first)
    has = {*_cells(plan.where(stood))}
    names = np.array([name for name in _cells(cell) if name not in has], dtype=object)
    n = len(names)
    empty = standing(
        "cell", names, np.full(n, -1), np.full(n, first), np.full(n, NEVER), np.full(n, first), "plan_cell"
    )
    return Columns.together([old, empty])


def _cells(rows: Columns) -> list[str]:
    return [
        f"{code}|{number}|{area}"
        for code, number, area in zip(rows["event_code"], rows["level"], rows["area_code"], strict=True)
    ]


@registered("W129", "a stock line is below its minimum, or within 90 days of its end or past it (events stock)")
def _stocks(world: World, days: Days, frame: Frame) -> Columns:
    rows = frame.table("stock", "stock_no", "day", "qty", "min_qty", "expires_on", "township_i")
    on = day(rows["day"])
    left = (day(rows["expires_on"]) - on).astype(np.float64)
    soon = ~np.isnat(day(rows["expires_on"])) & (left < EXPIRES_DAYS)
    low = rows["qty"].astype(np.float64) < rows["min_qty"].astype(np.float64)
    rows = rows.where(low | soon)
    return _of_days("stock", rows, "stock_no", rows["day"], "stock", days)
