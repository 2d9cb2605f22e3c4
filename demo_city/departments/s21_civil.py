"""S21: the care list of old people, the whole of it every week.

People of 80 and more who live alone, and other old people of the city's flats, with the day of the last visit. The dead
stay on the list until somebody tells; of some the allowance was stopped. A visit that does not come is what precedes
some accidents.

Truth: ``elder`` (record_no, week_on, flat_i, is_alive, is_alone, last_visit_on, interval_days, township_i).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from demo_city.city.people import identity_number, person_name, phone
from demo_city.columns import Columns
from demo_city.days import BEGINS_ON
from demo_city.departments.panels import (
    Panel,
    area_codes,
    arrow,
    day_numbers,
    events_table,
    mondays,
    old_code_pattern,
    put,
    taken,
    twice_pattern,
)
from demo_city.departments.protocol import Dataset, Files, Pattern, Rows, Source
from demo_city.departments.s14_power import flat_addresses, position_of
from demo_city.systems import writers

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

KINDS = ("高龄独居", "高龄", "空巢", "低保")
INTERVALS = np.array([7, 30, 90])
LISTED_SHARE = 0.32
"""Of flats where two people or more live in their own four walls: one of them is on the list."""
DEATHS_A_YEAR = 0.055
MISSED = 0.05
WRONG_AGE, NEVER_1900, TEST, OLD_RATE, TWICE_RATE = 0.002, 0.004, 0.0005, 0.02, 0.0005


def _elders(world: World) -> Columns:
    return world.once("s21.elders", lambda: _made(world))


def _made(world: World) -> Columns:
    chance, city = world.chance, world.city
    flat, building, grid = city.flat, city.building, city.grid
    alone = np.asarray(flat["elderly_alone"])
    others = (np.asarray(flat["residents_n"]) >= 2) & ~np.asarray(flat["is_rental"])
    has = alone | (others & chance.happens(LISTED_SHARE, "s21.listed", flat["key"]))
    flat_i = np.flatnonzero(has)
    number, alone = np.asarray(flat["key"])[flat_i], alone[flat_i]
    building_i = np.asarray(flat["building_i"])[flat_i]
    township_i = np.asarray(flat["township_i"])[flat_i]
    kind = np.where(alone, 0, 1 + chance.choose([0.55, 0.3, 0.15], "s21.kind", number))
    age = np.where(kind <= 1, 80 + (14 * chance.uniform("s21.age", number) ** 2).astype(int), 62 + number % 18)
    level = np.where(alone, 0, np.where(chance.happens(0.4, "s21.level", number), 1, 2))
    born = np.datetime64("2025-07-01") - (age * 365.25 + chance.uniform("s21.born", number) * 365).astype(
        "timedelta64[D]"
    )
    # Deaths fall evenly; who will have an accident of a chain lives until then.
    waits = -np.log(1 - chance.uniform("s21.death", number)) / DEATHS_A_YEAR * 365
    died = np.datetime64(BEGINS_ON, "D") - 120 + np.minimum(waits, 30_000).astype(np.int64)
    chains = world.life.chains
    mine = position_of(flat_i, np.where(chains["kind"] == "elderly", chains["flat_i"], -2))
    in_chain = np.zeros(len(flat_i), bool)
    in_chain[mine[mine >= 0]] = True
    died = np.where(in_chain, np.datetime64("2099-01-01"), died)
    told_after = np.clip(chance.lognormal(45, 0.9, "s21.told", number), 5, 400).astype(np.int64)
    is_stopped = chance.happens(0.6, "s21.stopped", number)
    area, is_old = area_codes(world, township_i, number, "s21", OLD_RATE)
    drawn = chance.uniform("s21.fault", number)
    odd_age, never = drawn < WRONG_AGE, (drawn >= 0.3) & (drawn < 0.3 + NEVER_1900)
    test = (drawn >= 0.6) & (drawn < 0.6 + TEST)
    name, tel = person_name(chance, "s21.person", number), phone(chance, "s21.tel", number)
    family, family_tel = person_name(chance, "s21.family", number), phone(chance, "s21.family.tel", number)
    remark = np.where(
        chance.happens(0.15, "s21.remark", number),
        name + "行动不便，有事联系子女" + family + family_tel,
        None,
    )
    shown_age = np.where(odd_age, np.where(number % 2 == 0, 0, 199), age)
    return Columns(
        number=number,
        flat_i=flat_i,
        township_i=township_i,
        is_alone=alone,
        interval=INTERVALS[level],
        died_on=died,
        removed_on=died + told_after,
        stopped_on=np.where(is_stopped, died + 40, np.datetime64("2099-01-01")),
        is_old=is_old,
        odd_age=odd_age,
        never=never,
        test=test,
        record=arrow("GA" + number.astype("U12").astype(object)),
        name=arrow(name),
        identity=arrow(identity_number(chance, "s21.identity", number, born_on=born)),
        tel=arrow(tel),
        family=arrow(family),
        family_tel=arrow(family_tel),
        address=arrow(flat_addresses(world, flat_i)),
        flat_no=arrow(np.asarray(flat["flat_no"])[flat_i].astype("U20").astype(object)),
        area=arrow(area),
        grid=arrow(np.asarray(grid["grid_id"])[np.asarray(building["grid_i"])[building_i]]),
        age=arrow(shown_age),
        kind=arrow(np.where(test, "测试", np.array(KINDS, dtype=object)[kind])),
        alone=arrow(alone),
        level=arrow(np.array(["A", "B", "C"], dtype=object)[level]),
        visitor=arrow(np.where(alone, "社区网格", "养老服务中心").astype(object)),
        device=arrow(
            np.where(
                alone & chance.happens(0.6, "s21.device", number), "SB" + number.astype("U12").astype(object), None
            )
        ),
        remark=arrow(remark),
    )


def _visited(world: World, weeks: Any) -> Any:
    """Weeks × people: day of the last visit by the Sunday. Visits come every so many days; one in twenty is missed."""
    elders, sunday = _elders(world), day_numbers(weeks + 6)[:, None]
    every, number = elders["interval"][None, :], elders["number"][None, :]
    shift = elders["number"][None, :] % every
    cycle = (sunday - shift) // every
    last = np.full(cycle.shape, -1)
    for back in range(4, -1, -1):  # the latest visit that was made; after four missed ones somebody comes in any case
        made = ~world.chance.happens(MISSED, "s21.missed", number, cycle - back) | (back == 4)
        last = np.where(made, (cycle - back) * every + shift, last)
    day = np.datetime64(BEGINS_ON, "D") + last
    overdue = world.life.precursors("S21")
    unknown = set(overdue["what"]) - {"visit_overdue"}
    if unknown:
        raise ValueError(f"S21 does not know the precursors {sorted(unknown)}")
    chains = world.life.chains
    for flat_i, at, chain_no in zip(overdue["flat_i"], overdue["at"], overdue["chain_no"], strict=True):
        who = np.searchsorted(elders["flat_i"], flat_i)
        event = chains["event_at"][chains["chain_no"] == chain_no][0].astype("datetime64[D]")
        on = at.astype("datetime64[D]")
        # Overdue from this day on: the last visit was eight days before, and nobody came until the accident.
        weeks_of = (weeks + 6 >= on) & (weeks <= event)
        day[weeks_of, who] = np.minimum(day[weeks_of, who], on - 8)
    return day


def elder_rows(world: World, days: Days) -> Rows:
    """The list of each week."""
    elders, weeks = _elders(world), mondays(days)
    sunday = weeks + 6
    there = elders["removed_on"][None, :] > sunday[:, None]
    panel = Panel(elders["number"], weeks, world.chance, "s21", there=there.T, twice=TWICE_RATE)
    who, at = panel.who, panel.at
    visited = _visited(world, weeks)[at, who]
    died = elders["died_on"][who]
    on = sunday[at]
    is_dead = died <= on
    visited = np.where(is_dead, np.minimum(visited, died), visited)
    never = elders["never"][who]
    visited = np.where(never, np.datetime64("1900-01-01"), visited)
    stopped = is_dead & (elders["stopped_on"][who] <= on)
    own = taken(
        elders,
        who,
        {
            "BH": "record",
            "XM": "name",
            "SFZH": "identity",
            "LXDH": "tel",
            "JSXM": "family",
            "JSDH": "family_tel",
            "ZZ": "address",
            "DZBM": "flat_no",
            "XZQH": "area",
            "WGBM": "grid",
            "NL": "age",
            "LB": "kind",
            "DJ": "alone",
            "DJFJ": "level",
            "TFDW": "visitor",
            "SBBH": "device",
            "BZ": "remark",
        },
    )
    order = ("BH", "XM", "SFZH", "LXDH", "JSXM", "JSDH", "ZZ", "DZBM", "XZQH", "WGBM", "NL", "LB", "DJ", "DJFJ")
    columns = {
        **{name: own[name] for name in order},
        "ZJTF": visited,
        "TFDW": own["TFDW"],
        "SBBH": own["SBBH"],
        "TFJT": np.where(stopped, elders["stopped_on"][who], np.datetime64("NaT", "D")),
        "BZ": put(own["BZ"], stopped, "津贴已停发"),
    }
    flags = {
        "allowance_stopped": stopped,
        "deceased_unseen": is_dead & ~stopped,
        "wrong_age": elders["odd_age"][who],
        "visit_1900": never,
        "test_row": elders["test"][who],
        "old_area_code": elders["is_old"][who],
    }
    return panel.rows(columns, flags, ("BH",))


def events(world: World, days: Days) -> Mapping[str, pa.Table]:
    """See the module."""
    elders, weeks = _elders(world), mondays(days)
    sunday = weeks + 6
    there = elders["removed_on"][None, :] > sunday[:, None]
    at, who = np.nonzero(there)
    return {
        "elder": events_table(
            {
                **taken(elders, who, {"record_no": "record"}),
                "week_on": weeks[at],
                "flat_i": elders["flat_i"][who],
                "is_alive": elders["died_on"][who] > sunday[at],
                "is_alone": elders["is_alone"][who],
                "last_visit_on": _visited(world, weeks)[at, who],
                "interval_days": elders["interval"][who],
                "is_test": elders["test"][who],
                "township_i": elders["township_i"][who],
            }
        )
    }


SOURCE = Source(
    "S21",
    "民政局 老年人关爱",
    (
        Dataset(
            "S21",
            "linlan.civil.elder_care",
            "老年人关爱名册",
            Files("GAMC_{day:%Y%m%d}.csv", writers.csv(), every="week", late=0.04, missing=0.01),
            elder_rows,
            (
                Pattern(
                    "allowance_stopped",
                    "Somebody who died is still on the list, though the allowance was stopped.",
                    0.003,
                    "warning",
                    "alive_by_allowance",
                    "allowance_stopped_on",
                ),
                Pattern(
                    "deceased_unseen",
                    "Somebody who died is still on the list and nothing tells it.",
                    0.0055,
                    "never",
                    None,
                    "record_no",
                ),
                Pattern("wrong_age", "An age of 0 or 199.", WRONG_AGE, "warning", "age_of_a_person", "age"),
                Pattern(
                    "visit_1900",
                    "1900-01-01 stands for never visited.",
                    NEVER_1900,
                    "warning",
                    "visit_in_our_time",
                    "last_visit_on",
                ),
                Pattern("test_row", "A test row.", TEST, "quarantine", "not_a_test_row", "kind"),
                old_code_pattern(OLD_RATE),
                twice_pattern(TWICE_RATE),
            ),
        ),
    ),
    events,
)
