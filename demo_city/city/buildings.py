"""Roads, housing estates, buildings and flats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from demo_city.chance import Floats, Integers, repeated
from demo_city.city import layout, names
from demo_city.city.divisions import TOWNSHIP_KEY
from demo_city.columns import Columns
from demo_city.text import zfill

if TYPE_CHECKING:
    from demo_city.city.registers import City

HIGH, MIDDLE, LOW = 0, 1, 2
"""How a grid is built: towers, blocks of six floors, village houses."""
PEOPLE_PER_FLAT = 2.75
_TODAY_YEAR = 2025


def roads_of(city: City) -> Columns:
    """Roads: one that belongs to each grid, and main roads through each township; ``grid_i`` -1 for the latter."""
    chance, grids, townships = city.chance, city.grid, city.township
    active = city.active
    main_n = 2 + (townships["population"][active] // 25_000)
    at, main = repeated(main_n)
    township_i = np.concatenate([active[at], grids["township_i"]])
    number = np.concatenate([main, grids["key"] % TOWNSHIP_KEY + main_n[city.active_position[grids["township_i"]]]])
    grid_i = np.concatenate([np.full(len(at), -1), np.arange(grids.rows_n)])
    order = np.lexsort((number, township_i))
    township_i, number, grid_i = township_i[order], number[order], grid_i[order]
    key, is_main = township_i * TOWNSHIP_KEY + number, grid_i < 0
    # Steps through words × kinds, coprime to both: no name twice in a township.
    word = names.word(names.ROADS, township_i * 31 + number * 7)
    kind = np.where(is_main, 1, np.array([0, 2, 0, 3])[(number // len(names.ROADS) + number) % 4])
    turn = np.where(number >= 4 * len(names.ROADS), "新", "")
    side = np.array(["", "东", "西", "南", "北"], dtype=object)[(number // len(names.ROADS)) % 5]
    name = turn.astype(object) + word + side + names.word(names.ROAD_KINDS, kind)
    rectangle = np.where(is_main[:, None], city.rectangles["township"][township_i], city.rectangles["grid"][grid_i])
    x = rectangle[:, 0] + (rectangle[:, 2] - rectangle[:, 0]) * (0.2 + 0.6 * chance.uniform("road.x", key))
    y = rectangle[:, 1] + (rectangle[:, 3] - rectangle[:, 1]) * (0.2 + 0.6 * chance.uniform("road.y", key))
    lng, lat = layout.to_map(x, y)
    side_km = np.sqrt(np.where(is_main, townships["area_km2"][township_i], city.grid["area_km2"][grid_i]))
    return Columns(
        code=(townships["code"][township_i].astype(np.int64) * 10_000 + number).astype("U13").astype(object),
        name_zh=name,
        township_i=township_i,
        key=key,
        grid_i=grid_i,
        kind=np.where(is_main, "主干路", np.array(["次干路", "支路"])[(number % 3 > 0).astype(int)]).astype(object),
        length_km=np.maximum(side_km * (0.5 + 0.4 * chance.uniform("road.length", key)), 0.12).round(3),
        lng=lng.round(6),
        lat=lat.round(6),
        bearing=np.rint(180 * chance.uniform("road.bearing", key)).astype(np.int64),
    )


def forms_of(city: City) -> Integers:
    """How each grid is built (HIGH, MIDDLE, LOW): streets with towers, towns round their middle, villages outside."""
    grids, townships, chance = city.grid, city.township, city.chance
    of = grids["township_i"]
    is_core, is_urban = townships["is_core"][of], townships["is_urban"][of]
    is_central = ~city.village["is_rural"][grids["village_i"]] & ~is_urban
    shares = np.select(
        [is_core[:, None], is_urban[:, None], is_central[:, None]],
        [np.array([0.52, 0.46, 0.02]), np.array([0.40, 0.46, 0.14]), np.array([0.24, 0.62, 0.14])],
        np.array([0.0, 0.03, 0.97]),
    )
    form = chance.choose(shares, "grid.form", grids["key"])
    return np.where(grids["kind"] == "专属", MIDDLE, form)


def communities_of(city: City) -> Columns:
    """Housing estates: the towers or blocks of one grid."""
    chance, grids = city.chance, city.grid
    grid_i = np.flatnonzero((city.form < LOW) & (grids["kind"] != "专属") & (grids["population"] > 40))
    key, township_i = grids["key"][grid_i], grids["township_i"][grid_i]
    is_high = city.form[grid_i] == HIGH
    age = np.where(is_high, 4 + 17 * chance.uniform("estate.age", key), 12 + 33 * chance.uniform("estate.age", key))
    built = (_TODAY_YEAR - age).astype(np.int64)
    floors = np.where(
        is_high, chance.integers(11, 34, "estate.floors", key), chance.integers(5, 8, "estate.floors", key)
    )
    units = np.where(is_high, chance.integers(1, 3, "estate.units", key), chance.integers(2, 5, "estate.units", key))
    per_floor = np.where(is_high, chance.integers(2, 5, "estate.doors", key), 2)
    wanted = np.maximum(np.rint(grids["population"][grid_i] / (PEOPLE_PER_FLAT * 0.94)), 8).astype(np.int64)
    per_building = floors * units * per_floor
    buildings_n = np.maximum(np.rint(wanted / per_building), 1).astype(np.int64)
    floors = np.maximum(np.rint(wanted / (buildings_n * units * per_floor)), 3).astype(np.int64)
    floors = np.where(is_high, np.clip(floors, 8, 33), np.clip(floors, 3, 7))
    buildings_n = np.maximum(np.rint(wanted / (floors * units * per_floor)), 1).astype(np.int64)
    is_old = built < 2000
    managed = chance.happens(np.where(is_old, 0.55, 0.96), "estate.managed", key)
    firm = names.word(names.FIRMS, chance.integers(0, len(names.FIRMS), "estate.firm", key)) + "物业服务有限公司"
    # Two words of the list follow a step through it, so that a township seldom has a name twice.
    title = names.word(names.ESTATES, key * 13 + township_i) + np.where(
        is_old,
        names.word(names.ESTATE_KINDS_OLD, key // 3),
        names.word(names.ESTATE_KINDS_NEW, key // 2),
    )
    again = (key % TOWNSHIP_KEY) // len(names.ESTATES)
    phase = np.array(["", "二期", "三期", "四期", "东区", "西区"], dtype=object)[np.minimum(again, 5)]
    return Columns(
        community_id=np.char.add("C", grids["grid_id"][grid_i].astype("U15")).astype(object),
        name_zh=title + phase,
        grid_i=grid_i,
        township_i=township_i,
        key=key,
        built_year=built,
        buildings_n=buildings_n,
        households_n=buildings_n * floors * units * per_floor,
        property_firm_zh=np.where(managed, firm, "").astype(object),
        has_property_firm=managed,
        is_old=is_old,
        floors=floors,
        units_n=units,
        flats_per_floor=per_floor,
        is_high_rise=floors >= 10,
    )


def buildings_of(city: City) -> Columns:
    """Buildings, township by township: of estates, of villages (a group of houses is one), and other."""
    chance, grids, estates = city.chance, city.grid, city.community
    form, exclusive = city.form, grids["kind"] == "专属"
    of_estate, _ = repeated(estates["buildings_n"])
    low = np.flatnonzero((form == LOW) & ~exclusive & (grids["population"] > 0))
    houses = np.maximum(np.rint(grids["population"][low] / (PEOPLE_PER_FLAT * 0.94)), 1).astype(np.int64)
    groups_n = np.maximum(houses // 14, 1)
    of_low, group = repeated(groups_n)
    houses_n = houses[of_low] // groups_n[of_low] + (group < houses[of_low] % groups_n[of_low])
    parts = [
        _part(estates["grid_i"][of_estate], "住宅", of_estate),
        _part(low[of_low], "住宅", np.full(len(of_low), -1)),
    ]
    townships = city.township
    urban = townships["is_urban"][grids["township_i"]]
    central = ~city.village["is_rural"][grids["village_i"]]
    industrial = townships["is_industrial"][grids["township_i"]]
    crowd = np.sqrt(np.maximum(grids["population"], 30) / 900)
    others = {
        "商业": np.where(urban, 1.9, np.where(central, 2.2, 0.45)) * crowd + np.where(exclusive, 1.5, 0),
        "厂房": np.where(industrial, 7.0, np.where(urban, 0.35, 1.0)) * crowd + np.where(exclusive, 1.5, 0),
        "办公": np.where(urban, 0.6, np.where(central, 0.5, 0.08)) * crowd,
    }
    for kind, mean in others.items():
        at, _ = repeated(chance.poisson(mean, f"building.{kind}.n", grids["key"]))
        parts.append(_part(at, kind, np.full(len(at), -1)))
    parts.append(_part(city.school["grid_i"], "学校", np.full(city.school.rows_n, -1)))
    made = Columns.together(parts)
    houses_of = np.concatenate([np.zeros(len(of_estate), np.int64), houses_n])
    houses_of = np.concatenate([houses_of, np.zeros(made.rows_n - len(houses_of), np.int64)])
    order = np.argsort(made["grid_i"], kind="stable")
    made, houses_of = made.where(order), houses_of[order]
    grid_i, community_i, kind = made["grid_i"], made["community_i"], made["kind"]
    township_i = grids["township_i"][grid_i]
    number = np.arange(len(grid_i)) - np.searchsorted(township_i, township_i)
    key = township_i * TOWNSHIP_KEY + number
    estate = np.maximum(community_i, 0) if estates.rows_n else np.zeros(len(grid_i), np.int64)
    in_estate, is_home = community_i >= 0, kind == "住宅"

    def of_community(column: str, otherwise: Any) -> Any:
        return np.where(in_estate, estates[column][estate], otherwise) if estates.rows_n else otherwise

    height = chance.uniform("building.height", key)
    floors = np.select(
        [kind == "商业", kind == "厂房", kind == "办公", kind == "学校"],
        [1 + (height**2 * 6), 1 + (height**3 * 4), 2 + (height**3 * 24), 3 + height * 3],
        2 + height * 1.4,
    ).astype(np.int64)
    floors = of_community("floors", floors)
    units_n = of_community("units_n", np.where(is_home, houses_of, 1))
    flats_n = np.where(
        is_home, np.where(in_estate, floors * units_n * of_community("flats_per_floor", 1), houses_of), 0
    )
    age = 2 + 48 * chance.uniform("building.age", key) ** 1.3
    built = of_community("built_year", (_TODAY_YEAR - age).astype(np.int64))
    frail = np.clip((1995 - built) / 30, 0, 1) * (is_home | (kind == "厂房"))
    danger = np.array(["", "C", "D"], dtype=object)[
        chance.choose(np.column_stack([1 - 0.05 * frail, 0.04 * frail, 0.01 * frail]), "building.danger", key)
    ]
    rectangle = city.rectangles["grid"][grid_i]
    x = rectangle[:, 0] + (rectangle[:, 2] - rectangle[:, 0]) * (0.03 + 0.94 * chance.uniform("building.x", key))
    y = rectangle[:, 1] + (rectangle[:, 3] - rectangle[:, 1]) * (0.03 + 0.94 * chance.uniform("building.y", key))
    lng, lat = layout.to_map(x, y)
    road_i = _road_of(city, grid_i, township_i, key)
    house_no = _house_numbers(road_i, chance.integers(1, 3, "building.lot", key))
    text = zfill(number.astype("U5"), 5)
    return Columns(
        building_no=np.char.add(city.township["code"].astype("U9")[township_i], text).astype(object),
        community_i=community_i,
        grid_i=grid_i,
        township_i=township_i,
        key=key,
        road_i=road_i,
        house_no=house_no,
        lng=lng.round(6),
        lat=lat.round(6),
        floors=floors,
        units_n=units_n,
        flats_n=flats_n,
        built_year=built,
        kind=kind,
        is_high_rise=(floors >= 10) & is_home,
        danger=danger,
        estate_no=_running(community_i),
        address_zh=_addresses(city, grid_i, community_i, road_i, house_no, is_home),
    )


def flats_of(city: City) -> Columns:
    """Flats of all residential buildings, building by building, floor by floor."""
    chance, buildings = city.chance, city.building
    building_i, number = repeated(buildings["flats_n"])
    township_i = buildings["township_i"][building_i]
    first = np.concatenate([[0], np.cumsum(buildings["flats_n"])])
    before = first[np.searchsorted(buildings["township_i"], township_i)]
    key = township_i * TOWNSHIP_KEY + (np.arange(len(building_i)) - before)
    in_estate = buildings["community_i"][building_i] >= 0
    units = np.where(in_estate, buildings["units_n"][building_i], 1)
    doors = np.maximum(buildings["flats_n"][building_i] // (buildings["floors"][building_i] * units), 1)
    per_unit = buildings["floors"][building_i] * doors
    unit_no = np.where(in_estate, number // per_unit + 1, number + 1)
    floor = np.where(in_estate, number % per_unit // doors + 1, 1)
    room = np.where(in_estate, number % doors + 1, 1)
    urban = city.township["is_urban"][township_i]
    wealth_of = np.where(buildings["is_high_rise"], 0.58, 0.42) + 0.16 * chance.normal(
        "building.wealth", buildings["key"]
    )
    wealth = np.clip(wealth_of[building_i] + 0.1 * chance.normal("flat.wealth", key), 0, 1)
    rooms_n = np.where(in_estate, chance.choose([6, 36, 46, 12], "flat.rooms", key) + 1, 4 + number % 3)
    area = np.where(in_estate, 22 + 27 * rooms_n, 60 + 25 * rooms_n) * (0.85 + 0.3 * chance.uniform("flat.area", key))
    of_people = chance.choose([0.08, 0.15, 0.25, 0.25, 0.15, 0.08, 0.04], "flat.residents", key)
    elderly = (of_people == 1) & chance.happens(0.075, "flat.elderly", key)
    is_rental = ~elderly & (of_people > 0)
    is_rental &= chance.happens(np.where(urban, 0.16, np.where(in_estate, 0.07, 0.012)), "flat.rental", key)
    is_group = urban & in_estate & (rooms_n > 1) & ~elderly & chance.happens(0.0046, "flat.group", key)
    from_on = np.datetime64("2024-06-01") + chance.integers(0, 915, "flat.group.from", key)
    for_days = np.clip(chance.lognormal(260, 0.7, "flat.group.days", key), 75, 900).astype(np.int64)
    to_on = np.minimum(from_on + for_days, np.datetime64("2027-12-31"))
    none = np.datetime64("NaT", "D")
    return Columns(
        flat_no=buildings["building_no"].astype(np.int64)[building_i] * 10_000 + number + 1,
        building_i=building_i,
        township_i=township_i,
        key=key,
        unit_no=unit_no,
        floor=floor,
        room=room,
        area_m2=area.round(1),
        residents_n=of_people,
        rooms_n=rooms_n,
        is_rental=is_rental | is_group,
        elderly_alone=elderly,
        wealth=wealth.round(3),
        group_from=np.where(is_group, from_on, none),
        group_to=np.where(is_group, to_on, none),
    )


def _part(grid_i: Any, kind: str, community_i: Any) -> Columns:
    return Columns(grid_i=grid_i, community_i=community_i, kind=np.full(len(grid_i), kind, dtype=object))


def _running(positions: Integers) -> Integers:
    """1, 2, 3 … of each equal position, in order; 0 for -1."""
    order = np.argsort(positions, kind="stable")
    ordered = positions[order]
    numbers = np.empty(len(positions), np.int64)
    numbers[order] = np.arange(len(positions)) - np.searchsorted(ordered, ordered) + 1
    return np.where(positions < 0, 0, numbers)


def _road_of(city: City, grid_i: Integers, township_i: Integers, key: Any) -> Integers:
    """The building's road: most often its grid's, else one of the township's main roads or the next grid's."""
    own = city.road_of_grid[grid_i]
    starts = np.searchsorted(city.road["township_i"], np.arange(city.township.rows_n + 1))
    first, last = starts[township_i], starts[township_i + 1]
    uniform = city.chance.uniform("building.road", key)
    main_n = 2 + city.township["population"][township_i] // 25_000
    main = first + np.minimum((uniform - 0.8).clip(0) / 0.2 * main_n, main_n - 1).astype(np.int64)
    after = np.where(own + 1 < last, own + 1, own)
    return np.where(uniform < 0.6, own, np.where(uniform < 0.8, after, main))


def _house_numbers(road_i: Integers, lots: Integers) -> Integers:
    """Numbers that grow along each road, no number twice."""
    order = np.argsort(road_i, kind="stable")
    total = np.cumsum(lots[order])
    starts = np.searchsorted(road_i[order], road_i[order])
    numbers = np.empty(len(road_i), np.int64)
    numbers[order] = total - (total - lots[order])[starts]
    return numbers


def _addresses(city: City, grid_i: Any, community_i: Any, road_i: Any, house_no: Any, is_home: Any) -> Any:
    """Such as ``临澜市澜中区澜桥街道人民路12号澜庭花园3幢``, in villages ``…镇新华村5号``."""
    grids, townships = city.grid, city.township
    of = city.county["name_zh"][townships["county_i"]] + townships["name_zh"]
    village_i = grids["village_i"][grid_i]
    in_estate, is_village = community_i >= 0, is_home & (community_i < 0)
    number = house_no.astype("U6").astype(object) + "号"
    road = city.road["name_zh"][road_i] + number
    group = _running(np.where(is_village, village_i, -1)).astype("U6").astype(object) + "组"
    within = np.where(is_village, city.village["name_zh"][village_i] + group, road)
    if city.community.rows_n:
        estate = city.community["name_zh"][np.maximum(community_i, 0)]
        block = _running(community_i).astype("U4").astype(object) + "幢"
        within = np.where(in_estate, road + estate + block, within)
    return "临澜市" + of[grids["township_i"][grid_i]] + within


def spread(city: City, grid_i: Integers, stream: str, key: Any) -> tuple[Floats, Floats]:
    """Points anywhere within their grids: longitude and latitude, six decimals."""
    rectangle = city.rectangles["grid"][grid_i]
    x = rectangle[:, 0] + (rectangle[:, 2] - rectangle[:, 0]) * (0.03 + 0.94 * city.chance.uniform(f"{stream}.x", key))
    y = rectangle[:, 1] + (rectangle[:, 3] - rectangle[:, 1]) * (0.03 + 0.94 * city.chance.uniform(f"{stream}.y", key))
    lng, lat = layout.to_map(x, y)
    return lng.round(6), lat.round(6)
