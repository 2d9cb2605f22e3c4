"""The city: every register, made when first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import duckdb
import numpy as np

from demo_city.chance import Chance, Floats, Integers
from demo_city.city import buildings, divisions, layout, offices, places
from demo_city.columns import Columns

REGISTERS = (
    "county", "township", "village", "grid", "road", "community", "building", "flat", "enterprise", "school",
    "hospital", "care_home", "site", "flood_point", "bridge", "venue", "shelter", "fire_station", "junction",
    "department", "hotline_line",
)  # fmt: skip
"""All registers, in the order in which they build on each other."""


class City:
    """What stands still in Linlan.

    Every register is a `Columns`, an attribute of this object, and a view of `connect`. County and township hold all
    there are; the others those of the active townships, in the order of their townships. ``<register>_i`` is a
    position in a register and differs from scale to scale; ``key`` is the township's position times 1,000,000 plus
    a running number there, the same at every scale: draw by `key`, join by position.

    Args:
        chance: the numbers of the seed.
        scale: share of each county's people that is delivered, in whole townships.
        county_code: only townships of this county-level unit.

    Raises:
        ValueError: the scale is not in (0, 1], or there is no such county.
    """

    def __init__(self, chance: Chance, scale: float = 0.01, county_code: str | None = None) -> None:
        if not 0 < scale <= 1:
            raise ValueError(f"a scale lies above 0 and is at most 1; got {scale}")
        self.chance, self.scale = chance, scale
        if county_code is not None and county_code not in self.county["code"]:
            raise ValueError(f"{county_code!r} is no county of the demo city: {', '.join(self.county['code'])}")
        self.county_i = None if county_code is None else int(np.flatnonzero(self.county["code"] == county_code)[0])
        self._arrow: dict[str, Any] = {}

    # Divisions

    @cached_property
    def county(self) -> Columns:
        """``code name_zh short_zh kind order_no lng lat population area_km2``."""
        return divisions.counties_of(self._townships)

    @cached_property
    def township(self) -> Columns:
        """``code name_zh county_i kind is_urban is_core is_industrial is_coastal is_sample population area_km2 lng lat
        is_active old_code``.

        All 136. `is_core`: street of the inner city; `is_sample`: the township that is there at scale 0.01;
        `old_code`: nine digits from before the county's merger, empty where nothing changed.
        """
        made = self._townships
        square = self._township_rectangles
        outlines = [layout.outline(rectangle) for rectangle in square]
        lng, lat = layout.to_map((square[:, 0] + square[:, 2]) / 2, (square[:, 1] + square[:, 3]) / 2)
        by_sea = (square[:, 3] > 1 - 1e-9) & (square[:, 0] > 0.35) | (square[:, 2] > 1 - 1e-9)
        by_estuary = (square[:, 1] < 1e-9) & (square[:, 2] > 0.5)
        return made.with_columns(
            area_km2=np.array([layout.area_km2(ring) for ring in outlines]).round(6),
            lng=lng.round(6),
            lat=lat.round(6),
            is_coastal=by_sea | by_estuary,
            is_active=divisions.active_townships(made, self.scale, self.county_i),
        )

    @cached_property
    def village(self) -> Columns:
        """``code name_zh township_i key is_rural``."""
        return divisions.villages_of(self.township, self._numbers[0])

    @cached_property
    def grid(self) -> Columns:
        """``grid_id name_zh village_i township_i key kind lng lat area_km2 population households floating elderly80
        has_party full_time_n volunteer_n old_grid_id leader_i``.

        `kind` is 综合, 专属 (a market, a park, works: hardly anybody lives there) or 微.
        """
        square = self.rectangles["grid"]
        lng, lat = layout.to_map((square[:, 0] + square[:, 2]) / 2, (square[:, 1] + square[:, 3]) / 2)
        area = np.array([layout.area_km2(layout.outline(rectangle)) for rectangle in square])
        return self._grids.with_columns(lng=lng.round(6), lat=lat.round(6), area_km2=area.round(6))

    @cached_property
    def active(self) -> Integers:
        """Positions of the active townships."""
        return np.flatnonzero(self.township["is_active"])

    @cached_property
    def active_position(self) -> Integers:
        """For each township its place among the active ones, -1 for the others."""
        places_of = np.full(self.township.rows_n, -1)
        places_of[self.active] = np.arange(len(self.active))
        return places_of

    @cached_property
    def rectangles(self) -> dict[str, Floats]:
        """Parts of the unit square by level: ``county township village grid``; see `layout`."""
        of_villages, of_grids = divisions.grid_rectangles(
            self.chance, self.township, self.village, self._grids, self._township_rectangles
        )
        return {
            "county": divisions.county_rectangles(),
            "township": self._township_rectangles,
            "village": of_villages,
            "grid": of_grids,
        }

    def polygons(self, level: str) -> list[Floats]:
        """Closed rings of (lng, lat) of the ``city``, or of each ``county``, ``township``, ``village`` or ``grid``.

        In the order of the register. Units of one level share their borders and fill the unit above.
        """
        return [layout.outline(rectangle) for rectangle in self._squares(level)]

    def polygons_wkt(self, level: str) -> Any:
        """`polygons` as well-known text, seven decimals."""
        return np.array([layout.wkt(ring) for ring in self.polygons(level)], dtype=object)

    # Streets and buildings

    @cached_property
    def road(self) -> Columns:
        """``code name_zh township_i key grid_i(-1: main road) kind length_km lng lat bearing(degrees from north)``."""
        return buildings.roads_of(self)

    @cached_property
    def road_of_grid(self) -> Integers:
        """Position of each grid's own road."""
        own = np.flatnonzero(self.road["grid_i"] >= 0)
        places_of = np.empty(self.grid.rows_n, np.int64)
        places_of[self.road["grid_i"][own]] = own
        return places_of

    @cached_property
    def form(self) -> Integers:
        """How each grid is built: 0 towers, 1 blocks, 2 village houses."""
        return buildings.forms_of(self)

    @cached_property
    def community(self) -> Columns:
        """``community_id name_zh grid_i township_i key built_year buildings_n households_n property_firm_zh
        has_property_firm is_old floors units_n flats_per_floor is_high_rise``."""
        return buildings.communities_of(self)

    @cached_property
    def building(self) -> Columns:
        """``building_no community_i grid_i township_i key road_i house_no lng lat floors units_n flats_n built_year
        kind is_high_rise danger estate_no address_zh``.

        A village's building is a group of up to some 27 houses, each a unit with one flat.
        """
        return buildings.buildings_of(self)

    @cached_property
    def flat(self) -> Columns:
        """``flat_no(int64 of 18 digits) building_i township_i key unit_no floor room area_m2 residents_n rooms_n
        is_rental elderly_alone wealth group_from group_to``."""
        return buildings.flats_of(self)

    # Places

    @cached_property
    def enterprise(self) -> Columns:
        """``uscc name_zh industry kind building_i grid_i township_i key lng lat staff_n founded_on cancelled_on
        licence_until risk chem_zh is_key_fire_unit address_zh``."""
        return places.enterprises_of(self)

    @cached_property
    def school(self) -> Columns:
        """``school_no name_zh level grid_i township_i key lng lat pupils_n classes_n``."""
        return places.schools_of(self)

    @cached_property
    def hospital(self) -> Columns:
        """``hospital_no name_zh level grid_i township_i key lng lat beds_n``."""
        return places.hospitals_of(self)

    @cached_property
    def care_home(self) -> Columns:
        """``care_home_no name_zh grid_i township_i key lng lat beds_n``."""
        return places.care_homes_of(self)

    @cached_property
    def site(self) -> Columns:
        """``site_no name_zh grid_i township_i key lng lat from_on to_on is_large has_dust_device area_m2
        builder_zh``."""
        return places.sites_of(self)

    @cached_property
    def flood_point(self) -> Columns:
        """``flood_point_no name_zh grid_i township_i key lng lat depth_trait``."""
        return places.flood_points_of(self)

    @cached_property
    def bridge(self) -> Columns:
        """``bridge_no name_zh road_i township_i key grade built_year length_m lng lat``."""
        return places.bridges_of(self)

    @cached_property
    def venue(self) -> Columns:
        """``venue_no name_zh kind capacity grid_i township_i key lng lat``; 30 at scale 1."""
        return places.venues_of(self)

    @cached_property
    def shelter(self) -> Columns:
        """``shelter_no name_zh class area_m2 capacity is_indoor grid_i township_i key lng lat``."""
        return places.shelters_of(self)

    @cached_property
    def fire_station(self) -> Columns:
        """``fire_station_no name_zh grid_i township_i key lng lat``."""
        return places.fire_stations_of(self)

    @cached_property
    def junction(self) -> Columns:
        """``junction_no name_zh road_i township_i key lng lat danger has_signal``."""
        return places.junctions_of(self)

    # Offices

    @cached_property
    def department(self) -> Columns:
        """``department_key name_zh aliases(list) level is_hotline_member lines_n``: 65."""
        return offices.departments()

    @cached_property
    def hotline_line(self) -> Columns:
        """``line_no name_zh department_key``: 94."""
        return offices.hotline_lines()

    # In SQL

    def connect(self, threads: int = 1, registers: tuple[str, ...] = REGISTERS) -> duckdb.DuckDBPyConnection:
        """A DuckDB whose views are the registers, with their positions as ``<register>_i``, and macros of addresses.

        ``address_of_building(building_i)`` and ``address_of_flat(flat_i)`` look one up; in a query that has joined
        the views already, ``flat_address(address_zh, unit_no, floor, room, in_estate)`` is the same without a look-up.

        Args:
            threads: of DuckDB.
            registers: only these, when flats and enterprises are not wanted.
        """
        connection = duckdb.connect(config={"threads": threads, "autoinstall_known_extensions": "false"})
        connection.execute("SET TimeZone = 'Asia/Shanghai'; SET preserve_insertion_order = true")
        for name in registers:
            connection.register(name, self.arrow(name))
        if "building" in registers:
            connection.execute(_ADDRESS_OF_BUILDING)
        if "building" in registers and "flat" in registers:
            connection.execute(_FLAT_ADDRESS + _ADDRESS_OF_FLAT)
        return connection

    def arrow(self, register: str) -> Any:
        """A register as an Arrow table, with ``<register>_i``."""
        if register not in self._arrow:
            columns: Columns = getattr(self, register)
            numbered = Columns({f"{register}_i": np.arange(columns.rows_n), **columns})
            self._arrow[register] = numbered.to_arrow()
        return self._arrow[register]

    def address_of_building(self, building_i: Any) -> Any:
        """Addresses of buildings, such as ``临澜市澜中区澜桥街道人民路12号澜庭花园3幢``."""
        return self.building["address_zh"][building_i]

    def address_of_flat(self, flat_i: Any) -> Any:
        """Addresses of flats: the building's, unit and room; a village house has a number only."""
        flats = self.flat.where(np.asarray(flat_i))
        estate = self.building["community_i"][flats["building_i"]] >= 0
        unit = flats["unit_no"].astype("U4").astype(object)
        room = (flats["floor"] * 100 + flats["room"]).astype("U5").astype(object)
        within = np.where(estate, unit + "单元" + room + "室", unit + "号").astype(object)
        return self.building["address_zh"][flats["building_i"]] + within

    @cached_property
    def _townships(self) -> Columns:
        return divisions.townships_of(self.chance)

    @cached_property
    def _township_rectangles(self) -> Floats:
        return divisions.township_rectangles(self.chance, self._townships)

    @cached_property
    def _numbers(self) -> tuple[Integers, Integers]:
        return divisions.numbers_of(self._townships)

    @cached_property
    def _grids(self) -> Columns:
        return divisions.grids_of(self.chance, self.township, self.village, *self._numbers)

    def _squares(self, level: str) -> Floats:
        if level == "city":
            return np.array([[0.0, 0.0, 1.0, 1.0]])
        if level == "county":
            return divisions.county_rectangles()
        return self._township_rectangles if level == "township" else self.rectangles[level]


_ADDRESS_OF_BUILDING = """
CREATE MACRO address_of_building(i) AS (SELECT b.address_zh FROM building AS b WHERE b.building_i = i);
"""
_FLAT_ADDRESS = """
CREATE MACRO flat_address(address_zh, unit_no, floor, room, in_estate) AS
    address_zh || unit_no || CASE WHEN in_estate THEN '单元' || (floor * 100 + room) || '室' ELSE '号' END;
"""
_ADDRESS_OF_FLAT = """
CREATE MACRO address_of_flat(i) AS (
    SELECT flat_address(b.address_zh, f.unit_no, f.floor, f.room, b.community_i >= 0)
    FROM flat AS f JOIN building AS b ON b.building_i = f.building_i WHERE f.flat_i = i);
"""
