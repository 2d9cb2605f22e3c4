"""The demo city's registers: numbers nobody has, coordinates as surveyors and telephones write them, cuts by area."""

from __future__ import annotations

from datetime import date
from functools import cache

import duckdb
import numpy as np
import pytest

from demo_city import page
from demo_city.chance import Chance
from demo_city.city import City, codes, coordinates, layout, offices, people
from demo_city.city.divisions import numbers_of
from demo_city.columns import Columns
from demo_city.world import World
from lake.engine import extension_file
from lake.settings import PROJECT_ROOT

CHANCE = Chance(20_260_701)
MANY = np.arange(2_000)
BOX = (122.2, 31.2, 123.9, 32.3)
REGISTERS = (
    "village", "grid", "road", "community", "building", "flat", "enterprise", "school", "hospital", "care_home",
    "site", "flood_point", "bridge", "venue", "shelter", "fire_station", "junction",
)  # fmt: skip


@cache
def city(scale: float = 0.01, county: str | None = None) -> City:
    return City(CHANCE, scale, county)


def spatial() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"LOAD '{extension_file('spatial')}'")
    return connection


def test_identity_numbers_are_valid_and_nobodys() -> None:
    # GB 11643-1999 prints both of these.
    for example in ("11010519491231002X", "440524188001010014"):
        assert codes.identity_check(np.array([[int(place) for place in example[:17]]]))[0] == example[17]
    born = np.datetime64("1930-01-01") + MANY * 13
    male = MANY % 3 == 0
    made = codes.identity_number(CHANCE, "test", MANY, born_on=born, is_male=male)
    for text, day, is_male in zip(made[:300], born, male, strict=False):
        weighed = sum(int(place) * 2 ** (17 - number) for number, place in enumerate(text[:17]))
        assert (weighed + (10 if text[17] == "X" else int(text[17]))) % 11 == 1
        assert text[:2] == "99" and date(int(text[6:10]), int(text[10:12]), int(text[12:14])) == day.astype(object)
        assert int(text[16]) % 2 == is_male
    assert {text[17] for text in made} == set("0123456789X")


def test_credit_codes_are_valid_and_nobodys() -> None:
    # GB 32100-2015 prints this one; its inner number is GB 11714's.
    places = np.array([list("91350100M000100Y4")])
    assert codes.uscc_check(places)[0] == "3"
    made = codes.uscc(CHANCE, "test", MANY, region="990113", is_household=MANY % 2 == 0)
    signs = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    for text in [*made[:300], "91350100M000100Y43"]:
        weighed = sum(signs.index(sign) * 3**place for place, sign in enumerate(text[:17]))
        assert (weighed + signs.index(text[17])) % 31 == 0
        inner = [int(sign) if sign.isdigit() else ord(sign) - 55 for sign in text[8:16]]
        check = -sum(map(int.__mul__, inner, (3, 7, 9, 10, 5, 8, 4, 2))) % 11
        assert text[16] == ("X" if check == 10 else str(check))
    assert {text[:8] for text in made} == {"91990113", "92990113"} and len(set(made)) == len(MANY)


def test_telephones_and_plates_are_of_nowhere() -> None:
    telephones = people.phone(CHANCE, "test", MANY)
    assert {text[:3] for text in telephones} == {str(head) for head in (*range(100, 110), *range(120, 130))}
    assert {len(text) for text in telephones} == {11}
    assert all(text[0] == "澜" and len(text) == 7 for text in people.plate(CHANCE, "test", MANY))
    names = people.person_name(CHANCE, "test", MANY)
    assert {len(name) for name in names} == {2, 3} and {name[0] for name in names} <= set(people.SURNAMES)


def test_gcj02_moves_points_as_far_as_it_does() -> None:
    lng, lat = coordinates.to_gcj02(116.404, 39.915)  # the example everybody tests with
    assert (lng, lat) == pytest.approx((116.41024449916938, 39.91640428150164), abs=1e-12)
    east, north = np.meshgrid(np.linspace(BOX[0], BOX[2], 40), np.linspace(BOX[1], BOX[3], 40))
    moved = coordinates.distance_m(east, north, *coordinates.to_gcj02(east, north))
    assert moved.min() > 300 and moved.max() < 600


@pytest.mark.parametrize(("zone", "epsg"), [(41, 4529), (40, 4528)])
def test_projected_metres_are_those_of_proj(zone: int, epsg: int) -> None:
    number = np.arange(300)
    lng, lat = BOX[0] + (BOX[2] - BOX[0]) * number / 300, BOX[1] + (BOX[3] - BOX[1]) * (number * 7 % 300) / 300
    points = spatial()
    points.register("point", Columns(lng=lng, lat=lat).to_arrow())
    shape = f"ST_Transform(ST_Point(lng, lat), 'EPSG:4490', 'EPSG:{epsg}', always_xy := true)"
    found = points.sql(f"SELECT ST_X({shape}) AS x, ST_Y({shape}) AS y FROM point").fetchnumpy()
    x, y = coordinates.to_cgcs2000_zone(lng, lat, zone)
    assert np.abs(x - found["x"]).max() < 0.001 and np.abs(y - found["y"]).max() < 0.001
    assert (x // 1_000_000 == zone).all()


def test_the_whole_city_is_as_large_as_it_says() -> None:
    township = city().township
    kinds = zip(*np.unique(township["kind"], return_counts=True), strict=True)
    assert dict(kinds) == {"街道": 28, "镇": 60, "特殊区域": 48}
    assert township["population"].sum() == 7_700_000
    assert township["population"].min() >= 3_000 and township["population"].max() <= 180_000
    villages_n, grids_n = numbers_of(township)
    assert (villages_n.sum(), grids_n.sum()) == (2_005, 8_470)
    assert all(code.startswith("99") for code in [*township["code"], *city().county["code"]])
    old = township["old_code"][township["old_code"] != ""]
    assert {code[:6] for code in old} == {"990102", "990111", "990184", "990121"} and len(set(old)) == len(old)
    departments, lines = offices.departments(), offices.hotline_lines()
    assert (departments.rows_n, lines.rows_n, departments["lines_n"].sum()) == (65, 94, 94)


def test_a_scale_takes_whole_townships_and_nothing_else_changes() -> None:
    small, large, county = city(), city(0.03), city(0.05, "990113")
    for here in (small, large):
        delivered = here.township.where(here.active)
        people_of = np.bincount(delivered["county_i"], weights=delivered["population"])
        assert people_of == pytest.approx(here.county["population"] * here.scale, rel=0.15)
        assert people_of.sum() == pytest.approx(7_700_000 * here.scale, rel=0.03)
    for other in (large, county):
        shared = np.intersect1d(small.active, other.active)
        assert len(shared) >= 1, "a larger scale keeps what a smaller one has"
        for name in REGISTERS:
            ours, theirs = getattr(small, name), getattr(other, name)
            ours, theirs = (rows.where(np.isin(rows["township_i"], shared)) for rows in (ours, theirs))
            assert ours.rows_n == theirs.rows_n > 0, name
            for column in set(ours) - {c for c in ours if c.endswith("_i") and c != "township_i"}:
                np.testing.assert_array_equal(ours[column], theirs[column], f"{name}.{column}")
    assert set(county.township["county_i"][county.active]) == {0}
    with pytest.raises(ValueError, match="no county"):
        City(CHANCE, 0.01, "990102")


def test_neighbours_share_their_borders() -> None:
    here, sheet = city(), spatial()
    lng, lat = layout._NODES
    assert BOX[0] < lng.min() and lng.max() < BOX[2] and BOX[1] < lat.min() and lat.max() < BOX[3]
    turned = np.diff(lng, axis=0)[:, :-1] * np.diff(lat, axis=1)[:-1]
    turned -= np.diff(lng, axis=1)[:-1] * np.diff(lat, axis=0)[:, :-1]
    assert (turned > 0).all(), "the sheet is folded"
    area_of = np.bincount(here.township["county_i"], weights=here.township["area_km2"])
    assert area_of == pytest.approx(here.county["area_km2"], rel=1e-6)
    in_grids = np.bincount(here.grid["township_i"], weights=here.grid["area_km2"], minlength=136)[here.active]
    assert in_grids == pytest.approx(here.township["area_km2"][here.active], rel=1e-5)
    sheet.register("t", here.township.with_columns(wkt=here.polygons_wkt("township")).to_arrow())
    joined = sheet.sql("SELECT ST_Area(ST_Union_Agg(s)), sum(ST_Area(s)), bool_and(ST_IsValid(s)) FROM "
                       "(SELECT ST_GeomFromText(wkt) AS s FROM t)").fetchone()  # fmt: skip
    assert joined is not None and joined[2] and joined[0] == pytest.approx(joined[1], rel=1e-6)


def test_everything_lies_in_its_grid() -> None:
    here, sheet = city(), spatial()
    polygons = here.polygons_wkt("grid")
    sheet.register("grid", here.grid.with_columns(i=np.arange(len(polygons)), wkt=polygons).to_arrow())
    sheet.execute("CREATE TABLE shape AS SELECT i, ST_GeomFromText(wkt) AS s FROM grid")
    for name in ("building", "enterprise", "school", "flood_point"):
        rows = getattr(here, name)
        sheet.register("place", rows.to_arrow())
        off = "ST_Distance(s, ST_Point(lng, lat)) > 1e-6"
        outside = sheet.sql(f"SELECT count(*) FROM place JOIN shape ON i = grid_i WHERE {off}").fetchone()
        assert outside == (0,), name
        assert (here.grid["township_i"][rows["grid_i"]] == rows["township_i"]).all()


def test_every_urban_township_has_group_rentals() -> None:
    here = city(0.03)
    flat, urban = here.flat, here.township["is_urban"]
    is_group = ~np.isnat(flat["group_from"])
    numbers = np.bincount(flat["township_i"][is_group], minlength=136)
    assert (numbers[here.active][urban[here.active]] >= 3).all() and not numbers[~urban].any()
    assert 0.003 < is_group.sum() / urban[flat["township_i"]].sum() < 0.005
    assert (flat["group_from"][is_group] < flat["group_to"][is_group]).all() and flat["is_rental"][is_group].all()
    assert 2.3 < flat["residents_n"].mean() < 3.0 and flat["residents_n"].sum() == pytest.approx(
        here.township["population"][here.active].sum(), rel=0.05
    )


def test_sql_sees_the_registers_by_position() -> None:
    here = city()
    connection = here.connect()
    for name in ("county", "township", *REGISTERS, "department", "hotline_line"):
        numbers = connection.sql(f"SELECT count(*), min({name}_i), max({name}_i) FROM {name}").fetchone()
        rows_n = getattr(here, name).rows_n
        assert numbers == (rows_n, 0, rows_n - 1)
    picked = np.arange(0, here.flat.rows_n, 997)
    connection.register("picked", here.flat.where(picked).with_columns(flat_i=picked).to_arrow())
    said = connection.sql("SELECT address_of_flat(flat_i), address_of_building(building_i) FROM picked ORDER BY flat_i")
    flats, buildings = zip(*said.fetchall(), strict=True)
    np.testing.assert_array_equal(flats, here.address_of_flat(picked))
    np.testing.assert_array_equal(buildings, here.address_of_building(here.flat["building_i"][picked]))
    assert len(set(here.building["address_zh"])) == here.building.rows_n, "two buildings have one address"
    assert any("单元" in address for address in flats) and any(address.endswith("号") for address in flats)


def test_the_page_says_what_is_there() -> None:
    text, world = (PROJECT_ROOT / page.PAGE).read_text(encoding="utf-8"), World()
    for part in (page.counties(world), page.scenarios(), page.chains(world)):
        assert part in text, "run python -m demo_city.page"
