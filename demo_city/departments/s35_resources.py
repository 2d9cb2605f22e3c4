"""S35 natural resources and ocean bureau: boundaries of the divisions, patrol hits along river and coast.

Boundaries are those of `demo_city.city`, all 136 townships whatever the scale. Hits are places a patrol, a satellite or
a camera found: wharves nobody allowed, sand dredging, fishing in the closed season, rubbish, buildings on the shore.

Table of events: ``patrol_hit``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from demo_city.city.people import person_name, phone
from demo_city.columns import Columns
from demo_city.departments.production import (
    firsts_of_months,
    latest,
    mondays,
    of_rank,
    ordinal,
    stamps,
    through,
    written,
)
from demo_city.departments.protocol import Dataset, Files, Pattern, Rows, Source, no_dirt
from demo_city.departments.safety import drawn, keys, nearby, old_codes, per_township, pick
from demo_city.systems import writers
from demo_city.text import zfill

if TYPE_CHECKING:
    from demo_city.days import Days
    from demo_city.world import World

HITS_A_WEEK = 2000
KINDS = ("非法码头", "非法采砂", "违规捕捞", "岸线占用", "垃圾倾倒", "非法养殖")
MEANS = ("无人机巡查", "卫星遥感", "视频AI", "人工巡查")
RESULTS = ("待核查", "属实", "不属实", "已整改")
WATERSIDE = 3.0
"""How much more is found in a township by the water."""

HIT = (
    Pattern("invalid_polygon", "The outline crosses itself.", 0.02, "core", None, "geometry"),
    Pattern("no_geometry", "No outline at all.", 0.004, "quarantine", "geometry_present", "geometry"),
    Pattern("repeated", "The same hit twice in one file.", 0.025, "unchanged", None, None),
    Pattern("old_area_code", "Area code from before a merger.", 0.012, "warning", "area_code_valid", "area_code"),
    Pattern("area_in_mu", "Area in mu where square metres are asked.", 0.01, "core", None, "area_m2"),
    Pattern("test_row", "A hit drawn to try the application.", 0.003, "quarantine", "is_no_test", "hit_no"),
)  # fmt: skip


def _boundary_rows(world: World, days: Days) -> Rows:
    one = world.once("s35.boundaries", lambda: _boundaries(world))
    day = firsts_of_months(days)
    which = np.tile(np.arange(one.num_rows), len(day))
    table = one.take(pa.array(which)).append_column("_day", pa.array(np.repeat(day, one.num_rows)))
    return Rows(table, no_dirt())


def _boundaries(world: World) -> pa.Table:
    """City, counties, townships: a row each, as GeoJSON."""
    city = world.city
    county, township = city.county, city.township
    whole = "990100"
    code = [whole, *county["code"], *township["code"]]
    area = np.concatenate([[county["area_km2"].sum()], county["area_km2"], township["area_km2"]])
    rings = [*city.polygons("city"), *city.polygons("county"), *city.polygons("township")]
    return pa.table(
        {
            "XZQDM": pa.array(code, pa.string()),
            "XZQMC": pa.array(["临澜市", *county["name_zh"], *township["name_zh"]], pa.string()),
            "XZQJB": pa.array([2] + [3] * county.rows_n + [4] * township.rows_n, pa.int64()),
            "SJDM": pa.array(["990000", *[whole] * county.rows_n, *county["code"][township["county_i"]]], pa.string()),
            "MJ_KM2": pa.array(np.round(area, 4)),
            "geometry": pa.array(
                [json.dumps({"type": "Polygon", "coordinates": [np.round(ring, 7).tolist()]}) for ring in rings],
                pa.string(),
            ),
        }
    )


def hits(world: World, days: Days) -> Columns:
    """Hits of these days, clean: ``hit_no township_i day n lng lat kind means result size_m``."""
    return latest(world, "s35.hits", days, lambda: _hits(world, days))


def _hits(world: World, days: Days) -> Columns:
    chance, city = world.chance, world.city
    mean = per_township(world, HITS_A_WEEK / 7) * np.where(city.township["is_coastal"], WATERSIDE, 0.85)
    workday = world.life.is_workday(days.array)
    made = drawn(world, days, "s35.hit", mean, np.where(workday, 1.25, 0.45))
    key = keys(made)
    grid_i = pick(chance, city.grid["township_i"], made["township_i"], None, "s35.grid", *key)
    # What goes on at one place goes on for weeks: half of the hits lie near one of three spots of the township's month.
    month = made["day"].astype("datetime64[M]").astype(np.int64)
    spot = chance.integers(0, 3, "s35.spot", *key)
    again = chance.happens(0.5, "s35.again", *key)
    of_spot = pick(
        chance, city.grid["township_i"], made["township_i"], None, "s35.place", made["township_i"], month, spot
    )
    grid_i = np.where(again, of_spot, grid_i)
    lng, lat = nearby(chance, city.grid["lng"][grid_i], city.grid["lat"][grid_i], 180.0, "s35.near", *key)
    stamp = stamps(made["day"])
    code = city.township["code"][made["township_i"]]
    number = zfill(made["n"].astype("U4"), 4).astype(object)
    return made.with_columns(
        hit_no=("XC" + stamp + code + number).astype(object),
        grid_i=grid_i,
        lng=lng,
        lat=lat,
        kind=chance.choose([0.12, 0.1, 0.3, 0.16, 0.22, 0.1], "s35.kind", *key),
        means=chance.choose([0.3, 0.15, 0.35, 0.2], "s35.means", *key),
        result=chance.choose([0.35, 0.3, 0.25, 0.1], "s35.result", *key),
        size_m=chance.lognormal(22, 0.7, "s35.size", *key),
        is_test=chance.happens(0.003, "s35.test", *key),
    )


def _hit_rows(world: World, days: Days) -> Rows:
    chance = world.chance
    weeks = mondays(days)
    made = hits(world, through(days, 6))
    week = made["day"] - (ordinal(made["day"]) + 3) % 7
    made = made.with_columns(week=week).where(np.isin(week, weeks))
    key = keys(made)
    twice = chance.happens(0.026, "s35.twice", *key)
    made = Columns.together([
        made.with_columns(repeated=np.zeros(made.rows_n, bool)),
        made.where(twice).with_columns(repeated=np.ones(twice.sum(), bool)),
    ])  # fmt: skip
    made = made.where(np.lexsort((made["repeated"], made["n"], made["township_i"], made["day"])))
    key = keys(made)
    area, old = old_codes(world, "s35.area", 0.012, made["township_i"], *key)
    lot = chance.uniform("s35.dirt", *key)
    half = made["size_m"] / 2
    east, north = half / (111_320 * np.cos(np.radians(made["lat"]))), half / 110_940
    base = Columns(
        hit_no=made["hit_no"], test_row=made["is_test"], day=made["day"], week=made["week"], area=area,
        old_area_code=old,
        kind=of_rank(KINDS, made["kind"]), means=of_rank(MEANS, made["means"]), result=of_rank(RESULTS, made["result"]),
        checked_at=np.where(made["result"] > 0, made["day"], np.datetime64("NaT", "D")),
        size=np.round(made["size_m"] ** 2, 1), area_in_mu=lot < 0.01,
        invalid_polygon=(lot >= 0.01) & (lot < 0.03), no_geometry=(lot >= 0.03) & (lot < 0.034),
        west=made["lng"] - east, east=made["lng"] + east, south=made["lat"] - north, north=made["lat"] + north,
        person=person_name(chance, "s35.patroller", made["township_i"], made["n"] % 5),
        tel=phone(chance, "s35.patroller", made["township_i"], made["n"] % 5),
        repeated=made["repeated"],
    )  # fmt: skip
    return written(
        """
        WITH cut AS (SELECT b.*, round(b.west, 7) AS w, round(b.east, 7) AS o, round(b.south, 7) AS s,
                            round(b.north, 7) AS u,
                            CASE WHEN b.test_row THEN 'TEST' || b.hit_no ELSE b.hit_no END AS shown_no FROM b)
        SELECT b.shown_no AS "HIT_NO", b.day AS "FOUND_ON", b.area AS "AREA_CODE", b.kind AS "KIND", b.means AS "MEANS",
               CASE WHEN b.area_in_mu THEN round(b.size / 666.67, 4) ELSE b.size END AS "AREA_M2",
               b.result AS "RESULT", b.checked_at AS "CHECKED_ON", b.person AS "PATROLLER", b.tel AS "TEL",
               CASE WHEN b.no_geometry THEN NULL
                    WHEN b.invalid_polygon THEN printf(
                        '{"type":"Polygon","coordinates":[[[%.7f,%.7f],[%.7f,%.7f],[%.7f,%.7f],[%.7f,%.7f],[%.7f,%.7f]]]}',
                        b.w, b.s, b.o, b.u, b.o, b.s, b.w, b.u, b.w, b.s)
                    ELSE printf(
                        '{"type":"Polygon","coordinates":[[[%.7f,%.7f],[%.7f,%.7f],[%.7f,%.7f],[%.7f,%.7f],[%.7f,%.7f]]]}',
                        b.w, b.s, b.w, b.u, b.o, b.u, b.o, b.s, b.w, b.s) END AS "geometry",
               b.week AS _day, b.shown_no AS _key,
               b.invalid_polygon AS "!invalid_polygon", b.no_geometry AS "!no_geometry", b.repeated AS "!repeated",
               b.old_area_code AS "!old_area_code", b.area_in_mu AS "!area_in_mu",
               b.test_row AND NOT b.repeated AS "!test_row"
        FROM cut AS b
        """,
        b=base,
    )


def _events(world: World, days: Days) -> Mapping[str, pa.Table]:
    made = hits(world, days)
    return {
        "patrol_hit": Columns(
            hit_no=made["hit_no"], found_on=made["day"], kind=of_rank(KINDS, made["kind"]),
            means=of_rank(MEANS, made["means"]), is_so=np.isin(made["result"], [1, 3]), township_i=made["township_i"],
            grid_i=made["grid_i"], lng=made["lng"], lat=made["lat"], is_real=~made["is_test"],
        ).to_arrow()
    }  # fmt: skip


SOURCE = Source(
    "S35",
    "自然资源和规划局 行政区划、沿江沿海巡查",
    (
        Dataset(
            "S35", "linlan.resources.division_boundary", "行政区划边界",
            Files("division_boundary_{day:%Y%m}.geojson", writers.geojson(name="XZQ"), way="folder", every="month"),
            _boundary_rows,
        ),
        Dataset(
            "S35", "linlan.resources.patrol_hit", "沿江沿海巡查疑点图斑",
            Files(
                "patrol_hit_{day:%Y%m%d}.zip",
                writers.shapefile_zip(stem="patrol_{day:%Y%m%d}", encoding="gb18030", lengths={"HIT_NO": 40}),
                way="folder", every="week", late=0.04, double=0.02,
            ),
            _hit_rows, HIT,
        ),
    ),
    _events,
)  # fmt: skip
