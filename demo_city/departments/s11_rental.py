"""S11: who is registered in which rented flat: the day's changes through the one-way gateway.

A place in a flat is taken by one person after another. Moving in is registered some days later, moving out too, when
at all; every flat is looked at again about every two months, and its people are sent again then. In a flat let by the
bed many short stays follow each other, of people of different households. Some landlords let dozens of flats.

Dirt: people who left and are still registered (ghosts), several spellings of one flat with house numbers of their own,
areas of 0 and 999, 1900-01-01, moved out before in, test rows, registrations taken back (tombstones; no dirt).

Truth: ``tenancy`` (tenancy_no, flat_i, moved_in_on, moved_out_on, is_group, township_i: stays that begin on these
days) and ``group_flat`` (flat_i, from_on, to_on, people_n, township_i: flats let by the bed on some of these days).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo_city.chance import repeated
from demo_city.city.codes import uscc
from demo_city.city.people import identity_number, person_name, phone
from demo_city.columns import Columns
from demo_city.days import BEGINS_ON
from demo_city.departments.panels import (
    area_codes,
    arrow,
    day_numbers,
    events_table,
    moments,
    old_code_pattern,
    put,
    rows_of,
    twice_pattern,
)
from demo_city.departments.protocol import Dataset, Files, Pattern, Rows, Source
from demo_city.departments.s14_power import flat_addresses
from demo_city.systems import writers
from demo_city.text import zfill

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

LOOKED_AT_EVERY = 60
GHOST, TAKEN_BACK = 0.25, 0.02
SPELLED = 0.15
ODD_AREA, IN_1900, OUT_BEFORE_IN, TEST = 0.03, 0.008, 0.03, 0.0008
OLD_RATE, TWICE_RATE = 0.02, 0.002
USES = ("住宅", "集体宿舍")
MOVED_IN, LEFT, LOOKED_AT, BACK = range(4)


def _places(world: World) -> Columns:
    """A person's place in a rented flat: who takes it changes with a period and a phase of its own."""
    return world.once("s11.places", lambda: _made(world))


def _made(world: World) -> Columns:
    chance, flat = world.chance, world.city.flat
    is_group = ~np.isnat(flat["group_from"])
    rented = np.flatnonzero(flat["is_rental"])
    key = np.asarray(flat["key"])[rented]
    beds = np.where(
        is_group[rented], chance.integers(7, 13, "s11.beds", key), np.maximum(flat["residents_n"][rented], 1)
    )
    at, running = repeated(beds)
    flat_i, key = rented[at], key[at]
    number = key * 100 + running
    grouped = is_group[flat_i]
    period = np.where(
        grouped,
        np.clip(chance.lognormal(75, 0.4, "s11.stay.group", number), 36, 200),
        np.clip(chance.lognormal(420, 0.5, "s11.stay", number), 120, 1400),
    ).astype(np.int64)
    started = np.where(grouped, day_numbers(np.where(grouped, flat["group_from"][flat_i], BEGINS_ON)), -2000)
    ends = np.where(grouped, day_numbers(np.where(grouped, flat["group_to"][flat_i], BEGINS_ON)), 10_000)
    phase = np.where(
        grouped, chance.integers(0, 25, "s11.phase.group", number), chance.integers(0, 1400, "s11.phase", number)
    )
    # Those who let many flats: a few names a township, for one flat in sixteen and most that are let by the bed.
    bulk = chance.happens(np.where(grouped, 0.7, 0.06), "s11.bulk", key)
    township_i = np.asarray(flat["township_i"])[flat_i]
    code = np.asarray(world.city.township["code"]).astype(np.int64)[township_i]
    landlord = np.where(bulk, code * 10 + chance.integers(0, 3, "s11.bulk.who", key), 10**12 + key)
    area, is_old = area_codes(world, township_i, key, "s11", OLD_RATE)
    odd_area = chance.happens(ODD_AREA, "s11.area", key)
    measured = np.asarray(flat["area_m2"])[flat_i]
    return Columns(
        number=number,
        flat_i=flat_i,
        flat_key=key,
        township_i=township_i,
        is_group=grouped,
        period=period,
        origin=started + phase,
        ends=ends,
        landlord=landlord,
        # Married couples and families share a household; beds do not.
        household=np.where(grouped, running + 1, 1 + (running >= 3)),
        is_filed=chance.happens(np.where(grouped, 0.12, 0.7), "s11.filed", key),
        is_old=is_old,
        odd_area=odd_area,
        area_m2=np.where(odd_area, np.where(key % 2 == 0, 0.0, 999.0), measured),
        area=area.astype(object),
    )


def _stays(world: World, days: Days) -> Columns:
    """What is written on these days, by time: one row for each place and reason (see the constants), with its stay.

    A stay is the place's number and the number of the period; it begins at the period's first day and ends some days
    before its last.
    """
    chance, places = world.chance, _places(world)
    at_day = day_numbers(days.array)[:, None]
    period, origin = places["period"][None, :], places["origin"][None, :]
    nth = (at_day - origin) // period
    number = places["number"][None, :]
    vacant = 6 + (chance.uniform("s11.vacant", number, nth) * 18).astype(np.int64)
    delay = (chance.uniform("s11.delay", number, nth) ** 2 * 6).astype(np.int64)
    start = origin + nth * period
    end = np.minimum(start + period - vacant, places["ends"][None, :])
    real = (nth >= 0) & (start < places["ends"][None, :] - 10)
    # Three of four in beds are registered, almost all others.
    real &= chance.happens(np.where(places["is_group"], 0.78, 0.97)[None, :], "s11.registered", number, nth)
    ghost = chance.happens(GHOST, "s11.ghost", number, nth)
    back = chance.happens(TAKEN_BACK, "s11.back", number, nth)
    back_on = start + delay + 3 + (delay * 2)
    looked = (at_day + places["flat_key"][None, :] * 7) % LOOKED_AT_EVERY == 0
    parts = []
    for what, on in (
        (MOVED_IN, real & (at_day == start + delay)),
        (LEFT, real & ~ghost & ~back & (at_day == end + np.minimum(delay, 4))),
        (LOOKED_AT, real & ~back & looked & (at_day > start + delay) & (at_day < end)),
        (BACK, real & back & (at_day == back_on)),
    ):
        day, who = np.nonzero(on)
        parts.append(
            Columns(
                day=days.array[day],
                who=who,
                nth=nth[day, who],
                what=np.full(len(day), what),
                start=start[day, who],
                end=end[day, who],
                ghost=ghost[day, who],
            )
        )
    made = Columns.together(parts)
    second = 8 * 3600 + (
        chance.uniform("s11.second", places["number"][made["who"]], made["day"], made["what"]) * 32_000
    )
    made = made.with_columns(second=second.astype(np.int64))
    return made.where(np.lexsort((made["what"], places["number"][made["who"]], made["second"], made["day"])))


def tenancy_rows(world: World, days: Days) -> Rows:
    """The file of each day."""
    chance, places, city = world.chance, _places(world), world.city
    made = _stays(world, days)
    number = places["number"][made["who"]]
    twice = chance.happens(TWICE_RATE, "s11.twice", number, made["day"], made["what"])
    at = np.repeat(np.arange(made.rows_n), 1 + twice)
    again = np.concatenate([np.zeros(min(len(at), 1), bool), at[1:] == at[:-1]])
    made, number = made.where(at), number[at]
    own = places.where(made["who"])
    stay = (number, made["nth"])
    flat_i = own["flat_i"]
    flat, building = city.flat, city.building
    building_i = np.asarray(flat["building_i"])[flat_i]
    what = made["what"]
    first = np.datetime64(BEGINS_ON, "D")
    moved_in, moved_out = first + made["start"], first + made["end"]
    drawn = chance.uniform("s11.fault", *stay)
    in_1900 = drawn < IN_1900
    reversed_ = (what == LEFT) & (drawn >= 0.3) & (drawn < 0.3 + OUT_BEFORE_IN)
    test = (drawn >= 0.6) & (drawn < 0.6 + TEST)
    moved_out = np.where(reversed_, moved_in - 1 - number % 90, moved_out)
    reversed_ &= ~in_1900
    # One flat in several spellings, each with a house number of its own; the police's address base knows the first.
    spelling = np.where(
        chance.happens(SPELLED, "s11.spelled", *stay), 1 + chance.integers(0, 3, "s11.spelling", *stay), 0
    )
    address = _spelled(flat_addresses(world, flat_i), spelling)
    house = "H" + own["flat_key"].astype("U12").astype(object) + spelling.astype("U1").astype(object)
    tenant = person_name(chance, "s11.tenant", *stay)
    tenant_tel = phone(chance, "s11.tenant.tel", *stay)
    landlord = person_name(chance, "s11.landlord", own["landlord"])
    landlord_tel = phone(chance, "s11.landlord.tel", own["landlord"])
    noted = chance.happens(0.15, "s11.remark", *stay)
    remark = "房东" + landlord + "（" + landlord_tel + "）称" + tenant + "已入住，身份证已核"
    employed = chance.happens(np.where(own["is_group"], 0.5, 0.2), "s11.employed", *stay)
    # People in beds of one flat work for one labour agency.
    employer = np.where(own["is_group"], own["flat_key"] % 97, number % 7919)
    uscc_of = uscc(chance, "s11.employer", np.arange(7919))
    flat_no = np.asarray(flat["flat_no"])[flat_i].astype("U20").astype(object)
    letters = np.array(["A", "U", "U", "D"], dtype=object)
    columns = {
        "DJBH": ("DJ" + number.astype("U16").astype(object) + "-" + made["nth"].astype("U6").astype(object)),
        "CZLX": letters[what],
        "BGSJ": moments(made["day"], made["second"]),
        "FWBH": house,
        "BZDZBM": np.where(spelling > 0, None, flat_no),
        "LDBM": np.asarray(building["building_no"])[building_i],
        "SH": _room(world, flat_i, spelling),
        "DZ": address,
        "XZJDDM": own["area"],
        "FJS": np.asarray(flat["rooms_n"])[flat_i],
        "MJ": own["area_m2"],
        "FWYT": np.where(test, "测试", np.where(own["is_group"] & (number % 9 == 0), USES[1], USES[0])),
        "FDXM": landlord,
        "FDDH": landlord_tel,
        "FDSFZ": identity_number(chance, "s11.landlord.identity", own["landlord"]),
        "CZRXM": tenant,
        "CZRDH": tenant_tel,
        "CZRSFZ": identity_number(chance, "s11.tenant.identity", *stay),
        "HH": own["household"],
        "GZDW": np.where(employed, uscc_of[employer], None),
        "RZRQ": np.where(in_1900, np.datetime64("1900-01-01"), moved_in),
        "TZRQ": np.where(what == LEFT, moved_out, np.datetime64("NaT", "D")),
        "SFBA": own["is_filed"],
        "BZ": np.where(noted, remark, None),
    }
    flags = {
        "ghost": (what == MOVED_IN) & made["ghost"],
        "many_spellings": spelling > 0,
        "odd_area": own["odd_area"],
        "moved_in_1900": in_1900,
        "out_before_in": reversed_,
        "test_row": test,
        "old_area_code": own["is_old"],
    }
    # A row that takes a record back is asked for its number only: what else stands in it is nobody's mistake.
    is_told = letters[what] != "D"
    flags = {name: which & is_told for name, which in flags.items()}
    return rows_of(columns, flags, ("DJBH",), made["day"], again)


def _room(world: World, flat_i: Any, spelling: Any) -> Any:
    """Staircase and room as different clerks write them."""
    flat = world.city.flat
    unit, floor, room = (np.asarray(flat[name])[flat_i].astype("U3") for name in ("unit_no", "floor", "room"))
    door = floor.astype(object) + zfill(room, 2).astype(object)
    unit = unit.astype(object)
    return np.where(
        spelling == 1,
        unit + "-" + door + "室",
        np.where(
            spelling == 3, door + "室", np.where(spelling == 2, unit + "单元" + door, unit + "单元" + door + "室")
        ),
    )


def _spelled(address: Any, spelling: Any) -> Any:
    """Addresses as different clerks write them."""
    texts = arrow(address)
    for number, (old, new) in enumerate((("单元", "-"), ("临澜市", ""), ("幢", "号楼")), 1):
        texts = put(texts, spelling == number, pc.replace_substring(texts, old, new))
    return texts


def events(world: World, days: Days) -> Mapping[str, pa.Table]:
    """See the module."""
    places, flat = _places(world), world.city.flat
    day = day_numbers(days.array)
    nth, since = np.divmod(day[:, None] - places["origin"][None, :], places["period"][None, :])
    at, who = np.nonzero((since == 0) & (nth >= 0) & (day[:, None] < places["ends"][None, :] - 10))
    nth, number = nth[at, who], places["number"][who]
    vacant = 6 + (world.chance.uniform("s11.vacant", number, nth) * 18).astype(np.int64)
    end = np.minimum(day[at] + places["period"][who] - vacant, places["ends"][who])
    group = np.flatnonzero((flat["group_from"] <= days.array[-1]) & (flat["group_to"] > days.array[0]))
    beds = np.bincount(places["flat_i"], minlength=flat.rows_n)
    first = np.datetime64(BEGINS_ON, "D")
    return {
        "tenancy": events_table(
            {
                "tenancy_no": "DJ" + number.astype("U16").astype(object) + "-" + nth.astype("U6").astype(object),
                "flat_i": places["flat_i"][who],
                "moved_in_on": days.array[at],
                "moved_out_on": first + end,
                "is_group": places["is_group"][who],
                "township_i": places["township_i"][who],
            }
        ),
        "group_flat": events_table(
            {
                "flat_i": group,
                "from_on": flat["group_from"][group],
                "to_on": flat["group_to"][group],
                "people_n": beds[group],
                "township_i": np.asarray(flat["township_i"])[group],
            }
        ),
    }


SOURCE = Source(
    "S11",
    "公安局 住建局 出租房屋与流动人口",
    (
        Dataset(
            "S11",
            "linlan.rental.tenancy",
            "出租房屋与流动人口登记",
            Files(
                "CZF_BG_{day:%Y%m%d}.csv.gz", writers.csv(gz=True), way="folder", late=0.01, missing=0.003, double=0.005
            ),
            tenancy_rows,
            (
                Pattern(
                    "ghost",
                    "Who moves in here will leave and stay registered.",
                    0.03,
                    "never",
                    None,
                    "moved_out_on",
                ),
                Pattern(
                    "many_spellings",
                    "The flat is spelled in another way and has another house number.",
                    SPELLED,
                    "warning",
                    "flat_resolved",
                    "flat_no",
                ),
                Pattern("odd_area", "An area of 0 or 999.", ODD_AREA, "warning", "area_is_measured", "area_m2"),
                Pattern(
                    "moved_in_1900",
                    "1900-01-01 stands for a day nobody wrote down.",
                    IN_1900,
                    "warning",
                    "moved_in_in_our_time",
                    "moved_in_on",
                ),
                Pattern(
                    "out_before_in",
                    "Moved out before moving in.",
                    0.003,
                    "warning",
                    "out_after_in",
                    "moved_out_on",
                ),
                Pattern("test_row", "A test row.", TEST, "quarantine", "not_a_test_row", "use_kind"),
                old_code_pattern(OLD_RATE),
                twice_pattern(TWICE_RATE),
            ),
        ),
    ),
    events,
)
