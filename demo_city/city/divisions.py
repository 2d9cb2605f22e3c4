"""Counties, townships, villages and grids: names, codes, people, and which of them are delivered at a scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from demo_city.chance import Chance, Floats, Integers, repeated
from demo_city.city import layout, names
from demo_city.columns import Columns
from demo_city.text import zfill

TOWNSHIP_KEY = 1_000_000
"""A thing's ``key`` is its township's position times this, plus its running number there: the same at every scale."""
GRIDS_N, VILLAGES_N = 8_470, 2_005

_COUNTIES: tuple[tuple[str, str, str, str, int, tuple[int, int, int], str], ...] = (
    ("990113", "澜中区", "澜中", "区", 1_265_000, (12, 3, 4), "street"),
    ("990112", "望洲区", "望洲", "区", 1_130_000, (3, 10, 7), "street"),
    ("990114", "海湾区", "海湾", "区", 985_000, (3, 8, 7), "special"),
    ("990181", "启澜市", "启澜", "县级市", 960_000, (1, 11, 7), "town"),
    ("990182", "如川市", "如川", "县级市", 1_235_000, (3, 10, 6), "town"),
    ("990185", "安澜市", "安澜", "县级市", 870_000, (2, 8, 7), "special"),
    ("990123", "如海县", "如海", "县", 875_000, (1, 10, 8), "special"),
    ("990171", "临澜经济技术开发区", "开发区", "开发区", 380_000, (3, 0, 2), "street"),
)
"""Code, name, short name, kind, people, numbers of streets, towns and special areas, kind of the sample township."""
_SQUARES: dict[str, tuple[float, float, float, float]] = {
    "990182": (0.0, 0.0, 0.27, 0.52),
    "990185": (0.0, 0.52, 0.27, 1.0),
    "990113": (0.27, 0.0, 0.415, 0.36),
    "990171": (0.415, 0.0, 0.49, 0.36),
    "990112": (0.27, 0.36, 0.49, 0.70),
    "990123": (0.27, 0.70, 1.0, 1.0),
    "990114": (0.49, 0.0, 0.73, 0.70),
    "990181": (0.73, 0.0, 1.0, 0.70),
}
"""Each county's part of the unit square."""
FORMER: dict[str, tuple[str, ...]] = {
    "990113": ("990102", "990111"),
    "990114": ("990184",),
    "990185": ("990121",),
}
"""Codes that have gone: merged or renamed (中川区 and 北港区 into 澜中区; 海湾市; 安澜县)."""
FORMER_NAMES = {"990102": "中川区", "990111": "北港区", "990184": "海湾市", "990121": "安澜县"}
_MEDIAN_PEOPLE = {"street": 80_000.0, "town": 52_000.0, "special": 10_000.0}
_SPREAD = {"street": 0.42, "town": 0.45, "special": 0.75}
_PER_KM2 = {"street": 4_500.0, "town": 780.0, "special": 420.0}
_KIND_ZH = {"street": "街道", "town": "镇", "special": "特殊区域"}
_CODE = {"street": 0, "town": 100, "special": 400}
_INDUSTRIAL = ("园", "港", "科技城", "空港", "保税", "化工", "经济", "产业")
_FISHING = ("吕湾", "新材料", "渔", "港", "海上", "盐场", "垦区", "灯嘴", "海工", "海湾农场")


def townships_of(chance: Chance) -> Columns:
    """All 136 townships, county by county, streets before towns before special areas; without ``is_active``."""
    parts, given = [], {"street": 0, "town": 0, "special": 0}
    words = {"street": names.STREETS, "town": names.TOWNS, "special": names.SPECIAL}
    for county_i, (code, _, _, _, people, numbers, sample) in enumerate(_COUNTIES):
        kinds = np.repeat(np.array(["street", "town", "special"], dtype=object), numbers)
        number = np.concatenate([np.arange(n) for n in numbers])
        title = np.array([
            words[kind][given[kind] + n] + {"street": "街道", "town": "镇", "special": ""}[kind]
            for kind, n in zip(kinds, number, strict=True)
        ], dtype=object)  # fmt: skip
        is_sample = np.zeros(len(kinds), bool)
        is_sample[_sample_of(kinds, title, sample)] = True
        for of_kind, n in zip(given, numbers, strict=True):
            given[of_kind] += n
        suffix = np.array([_CODE[kind] for kind in kinds]) + number + 1
        former = FORMER.get(code, ())
        which = number * len(former) // np.repeat(np.maximum(numbers, 1), numbers)
        old = [f"{former[w]}{s:03d}" if former else "" for w, s in zip(which, suffix, strict=True)]
        parts.append(Columns(
            code=np.array([f"{code}{s:03d}" for s in suffix], dtype=object),
            name_zh=title,
            county_i=np.full(len(kinds), county_i),
            kind=kinds,
            population=_people(chance, county_i, kinds, is_sample, people),
            is_sample=is_sample,
            old_code=np.array(old, dtype=object),
        ))  # fmt: skip
    made = Columns.together(parts)
    kind, title = made["kind"], made["name_zh"]
    is_special = kind == "special"
    is_new = made["is_sample"] & (made["county_i"] == 7)
    is_capital = np.isin(made["county_i"], [0, 7])
    return made.with_columns(
        kind=np.array([_KIND_ZH[k] for k in kind], dtype=object),
        is_urban=(kind == "street") | (is_special & (made["county_i"] == 7)),
        is_core=(kind == "street") & is_capital,
        is_industrial=is_special & np.array([any(word in name for word in _INDUSTRIAL) for name in title]),
        per_km2=np.array([_PER_KM2[k] for k in kind]) * np.where(is_capital, np.where(is_new, 0.4, 2.3), 1.0),
    )


def county_rectangles() -> Floats:
    """(8, 4) the counties' parts of the unit square."""
    return np.array([_SQUARES[code] for code, *_ in _COUNTIES])


def township_rectangles(chance: Chance, townships: Columns) -> Floats:
    """(136, 4) the townships' parts of the unit square: streets round the county's centre, ports and farms outside."""
    rectangles = np.empty((townships.rows_n, 4))
    for county_i, square in enumerate(county_rectangles()):
        own = np.flatnonzero(townships["county_i"] == county_i)
        angle = 2 * np.pi * chance.uniform("layout.township.angle", own)
        far = {"街道": (0.02, 0.12), "镇": (0.2, 0.5), "特殊区域": (0.3, 0.6)}
        low, high = np.array([far[kind] for kind in townships["kind"][own]]).T
        away = low + (high - low) * chance.uniform("layout.township.away", own)
        wanted = np.column_stack([0.5 + away * np.cos(angle), 0.5 + away * np.sin(angle)])
        seaward = np.array([any(word in name for word in _FISHING) for name in townships["name_zh"][own]])
        pull = np.where(townships["is_sample"][own[seaward]], 9.0, 2.0)[:, None]
        wanted[seaward] += pull * (np.array(_SEAWARD[county_i]) - 0.5)
        weights = townships["population"][own] / townships["per_km2"][own]
        rectangles[own] = layout.cut_round(square, weights, wanted, townships["kind"][own] == "街道")
    return rectangles


_SEAWARD = ((0.5, 0.0), (0.5, 0.5), (0.5, 0.0), (1.0, 0.6), (0.3, 0.0), (0.4, 1.0), (0.7, 1.0), (0.5, 0.0))
"""Where in each county's square water is near: the river in the south, the sea in the north and east."""


def counties_of(townships: Columns) -> Columns:
    """The eight county-level units."""
    middle = county_rectangles()
    lng, lat = layout.to_map((middle[:, 0] + middle[:, 2]) / 2, (middle[:, 1] + middle[:, 3]) / 2)
    people = np.bincount(townships["county_i"], weights=townships["population"]).astype(np.int64)
    code, name, short, kind = (np.array([c[place] for c in _COUNTIES], dtype=object) for place in range(4))
    return Columns(
        code=code,
        name_zh=name,
        short_zh=short,
        kind=kind,
        order_no=np.arange(len(code)) + 1,
        lng=lng.round(6),
        lat=lat.round(6),
        population=people,
        area_km2=np.array([layout.area_km2(layout.outline(r)) for r in middle]).round(4),
    )


def active_townships(townships: Columns, scale: float, county_i: int | None) -> Any:
    """Which townships are delivered: in each county those whose people together come nearest to `scale` of them.

    A county's sample township is among them where it fits, so that a larger scale keeps what scale 0.01 has. Of two
    choices equally near the one with fewer townships; at least one township of a county.
    """
    active = np.zeros(townships.rows_n, bool)
    for number in range(len(_COUNTIES)) if county_i is None else [county_i]:
        own = np.flatnonzero(townships["county_i"] == number)
        if scale >= 1:
            active[own] = True
            continue
        people, is_sample = townships["population"][own], townships["is_sample"][own]
        wanted, sample = scale * people.sum(), own[is_sample]
        if people[is_sample].sum() <= wanted:
            active[sample] = True
            wanted -= people[is_sample].sum()
            own, people = own[~is_sample], people[~is_sample]
        sums, counts = np.zeros(1), np.zeros(1)
        for of_one in people:  # every set of townships, a doubling for each of at most 20
            sums, counts = np.concatenate([sums, sums + of_one]), np.concatenate([counts, counts + 1])
        miss = np.abs(sums - wanted) + counts / 100
        if not active[sample].any():
            miss[0] = np.inf
        active[own[(int(np.argmin(miss)) >> np.arange(len(own))) & 1 == 1]] = True
    return active


def villages_of(townships: Columns, villages_n: Integers) -> Columns:
    """Villages and neighbourhoods of the active townships."""
    active = np.flatnonzero(townships["is_active"])
    at, number = repeated(villages_n[active])
    township_i = active[at]
    is_rural = ~townships["is_urban"][township_i] & (number >= np.maximum(villages_n[township_i] // 4, 1))
    suffix = np.where(is_rural, 200, 1) + number
    # A step coprime to the list's length visits every word before one comes again.
    title = names.word(names.VILLAGES, township_i * 37 + number * 7) + np.where(is_rural, "村", "社区").astype(object)
    rank = number // len(names.VILLAGES)
    title = np.where(rank > 0, "新" + title, title)
    return Columns(
        code=(townships["code"][township_i].astype(np.int64) * 1000 + suffix).astype("U12").astype(object),
        name_zh=title.astype(object),
        township_i=township_i,
        key=township_i * TOWNSHIP_KEY + number,
        is_rural=is_rural,
    )


def grids_of(chance: Chance, townships: Columns, villages: Columns, villages_n: Integers, grids_n: Integers) -> Columns:
    """Grids of the active townships, village by village; without what their rectangles say (place and area)."""
    active = np.flatnonzero(townships["is_active"])
    at, number = repeated(grids_n[active])
    township_i = active[at]
    key = township_i * TOWNSHIP_KEY + number
    in_township = number * villages_n[township_i] // grids_n[township_i]
    first_village = np.cumsum(villages_n[active]) - villages_n[active]
    village_i = first_village[at] + in_township
    begins = np.r_[True, village_i[1:] != village_i[:-1]]
    starts = np.flatnonzero(begins)
    in_village = np.arange(len(at)) - starts[np.cumsum(begins) - 1]
    kind = np.array(["综合", "专属", "微"], dtype=object)[chance.choose([86, 8, 6], "grid.kind", key)]
    kind[begins] = "综合"
    weight = np.exp(0.32 * chance.normal("grid.people", key))
    weight *= np.where(kind == "专属", 0.08, np.where(kind == "微", 0.5, 1.0))
    people = _shared(weight, at, townships["population"][active])
    grid_id = (villages["code"][village_i].astype(np.int64) * 1000 + in_village + 1).astype("U15").astype(object)
    old = townships["old_code"][township_i]
    renumbered = (old == "") & chance.happens(0.03, "grid.renumbered", key)
    before = np.where(renumbered, townships["code"][township_i], old).astype(object)
    village_before = zfill((900 - in_township).astype("U3"), 3).astype(object)
    number_before = zfill((in_village + 1).astype("U3"), 3).astype(object)
    old_id = np.where(before == "", "", before + village_before + number_before)
    urban = townships["is_urban"][township_i]
    households = np.maximum(np.rint(people / (2.35 + 0.5 * chance.uniform("grid.household", key))), 0).astype(np.int64)
    floating = np.where(urban, 0.22, 0.06) * np.exp(0.6 * chance.normal("grid.floating", key))
    aged = np.where(urban, 0.036, 0.058) * np.exp(0.3 * chance.normal("grid.aged", key))
    return Columns(
        grid_id=grid_id,
        name_zh=villages["name_zh"][village_i]
        + "第"
        + (in_village + 1).astype("U3").astype(object)
        + np.where(kind == "微", "微网格", np.where(kind == "专属", "专属网格", "网格")).astype(object),
        village_i=village_i,
        township_i=township_i,
        key=key,
        kind=kind,
        population=people,
        households=households,
        floating=np.minimum(np.rint(people * floating), people).astype(np.int64),
        elderly80=np.rint(people * aged).astype(np.int64),
        has_party=chance.happens(np.where(kind == "专属", 0.8, 0.965), "grid.party", key),
        full_time_n=1 + chance.happens(0.12, "grid.full_time", key),
        volunteer_n=1 + chance.poisson(2.2, "grid.volunteers", key),
        old_grid_id=old_id.astype(object),
        leader_i=key,
    )


def grid_rectangles(
    chance: Chance, townships: Columns, villages: Columns, grids: Columns, township_rectangles: Floats
) -> tuple[Floats, Floats]:
    """((villages, 4), (grids, 4)) their parts of the unit square, dense in the middle of each township."""
    of_villages, of_grids = np.empty((villages.rows_n, 4)), np.empty((grids.rows_n, 4))
    place = np.column_stack([chance.uniform("layout.x", grids["key"]), chance.uniform("layout.y", grids["key"])])
    of_village = np.column_stack(
        [chance.uniform("layout.village.x", villages["key"]), chance.uniform("layout.village.y", villages["key"])]
    )
    central = ~villages["is_rural"] & ~townships["is_urban"][villages["township_i"]]
    of_village[central] = 0.5 + 0.12 * (of_village[central] - 0.5)
    # A town's own neighbourhoods are four times as dense as its villages, an exclusive grid as large as any.
    weights = (grids["population"] + np.where(grids["kind"] == "专属", 500.0, 60.0)) / np.where(
        central[grids["village_i"]], 4.0, 1.0
    )
    village_weights = np.bincount(grids["village_i"], weights=weights, minlength=villages.rows_n)
    village_ends = np.searchsorted(villages["township_i"], np.arange(townships.rows_n + 1))
    grid_ends = np.searchsorted(grids["village_i"], np.arange(villages.rows_n + 1))
    for township_i in np.flatnonzero(townships["is_active"]):
        own = slice(village_ends[township_i], village_ends[township_i + 1])
        of_villages[own] = layout.cut_round(
            township_rectangles[township_i], village_weights[own], of_village[own], central[own]
        )
    for village_i in range(villages.rows_n):
        own = slice(grid_ends[village_i], grid_ends[village_i + 1])
        of_grids[own] = layout.cut(of_villages[village_i], weights[own], place[own])
    return of_villages, of_grids


def numbers_of(townships: Columns) -> tuple[Integers, Integers]:
    """Numbers of villages and of grids of every township: 2,005 and 8,470 together, by people."""
    people = townships["population"].astype(np.float64)
    grids_n = _apportioned(people, GRIDS_N, 4)
    return np.minimum(_apportioned(grids_n**0.95, VILLAGES_N, 2), grids_n), grids_n


def _sample_of(kinds: Any, titles: Any, sample: str) -> int:
    """The small township that stands for a county at scale 0.01: for coasts and industry one that has them."""
    own = np.flatnonzero(kinds == sample)
    if sample != "special":
        return int(own[-1] if sample == "street" else own[0])
    for words in (("化工", "新材料", "港区", "工业园"), ("园",)):
        for position in own:
            if any(word in titles[position] for word in words):
                return int(position)
    return int(own[0])


def _people(chance: Chance, county_i: int, kinds: Any, is_sample: Any, total: int) -> Integers:
    """People of a county's townships: heavy-tailed, 3,000 to 180,000, the sample township a hundredth of the county."""
    number = np.arange(len(kinds))
    median, spread = np.array([_MEDIAN_PEOPLE[k] for k in kinds]), np.array([_SPREAD[k] for k in kinds])
    people = median * np.exp(spread * chance.normal("township.people", county_i, number))
    sample = round(total / 100)
    for _ in range(60):
        others = ~is_sample
        people[others] *= (total - sample) / people[others].sum()
        people[others] = np.clip(people[others], 3_000, 179_000)
    people[is_sample] = sample
    whole = np.rint(people).astype(np.int64)
    whole[np.argmax(np.where(whole < 170_000, whole, 0))] += total - whole.sum()
    return whole


def _apportioned(weights: Any, total: int, least: int) -> Integers:
    """Whole numbers with this total as the weights are (largest remainders), none below `least`."""
    numbers = np.full(len(weights), least, np.int64)
    share = weights / weights.sum() * (total - least * len(weights))
    numbers += np.floor(share).astype(np.int64)
    rest = np.argsort(np.floor(share) - share, kind="stable")[: total - int(numbers.sum())]
    numbers[rest] += 1
    return numbers


def _shared(weights: Floats, groups: Integers, totals: Integers) -> Integers:
    """Each group's total shared among its members as their weights are; whole numbers that add up."""
    shared = np.empty(len(weights), np.int64)
    ends = np.searchsorted(groups, np.arange(len(totals) + 1))
    for group, total in enumerate(totals):  # one running sum each: their rounding must not know of the other groups
        own = slice(ends[group], ends[group + 1])
        upto = np.cumsum(weights[own])
        shared[own] = np.diff(np.rint(upto / upto[-1] * total).astype(np.int64), prepend=0)
    return shared
