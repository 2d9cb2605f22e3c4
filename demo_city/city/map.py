"""The picture of the demo city: its counties and townships, how dense its grids are.

``python -m demo_city.city.map [PNG]`` draws it anew (``docs/images/demo-city.png`` without a path).
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import altair
import numpy as np
import vl_convert
from PIL import Image

from demo_city.chance import Chance, Floats
from demo_city.city import City
from lake.briefs.fonts import SANS, font_folder

PICTURE = Path("docs/images/demo-city.png")
_WIDTH, _HEIGHT, _MARGIN, _HEAD = 1500, 1030, 46, 92
_EDGES = (150, 400, 1_000, 2_500, 6_000, 12_000)
_FILLS = ("#f3eee2", "#ebdfc5", "#e5c998", "#dda669", "#cd7a4b", "#ad4b3b", "#7a2a33")
_SEA, _SHORE, _INK, _FAINT, _ACCENT, _STAMP = "#e9f0f3", "#d5e3e9", "#3d3431", "#7d736c", "#0f6a75", "#b3261e"


def draw(seed: int = 1, to: Path = PICTURE) -> Path:
    """Draw the whole city of a seed as PNG.

    Args:
        seed: as everywhere.
        to: the file to write.
    """
    city = City(Chance(seed), scale=1)
    placed = _Paper(city)
    layers = [
        *_water(city, placed),
        _grids(city, placed),
        _lines(placed, city.polygons("township"), "#ffffff", 0.7),
        _lines(placed, city.polygons("county"), _INK, 1.5),
        *_samples(city, placed),
        *_names(city, placed),
        *_frame(placed),
    ]
    chart = (
        altair.layer(*layers)
        .properties(width=_WIDTH, height=_HEIGHT, background=_SEA, padding=0)
        .configure_view(stroke=None)
        .configure(font=SANS)
    )
    vl_convert.register_font_directory(str(font_folder()))
    picture = vl_convert.vegalite_to_png(json.dumps(chart.to_dict(validate=False)), scale=1.0, ppi=72)
    # 200 colours are as good to the eye and a third of the bytes.
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(200, dither=Image.Dither.NONE).save(to, optimize=True)
    return to


class _Paper:
    """Longitude and latitude to points of the picture, equally scaled both ways."""

    def __init__(self, city: City) -> None:
        shore = city.polygons("city")[0]
        self._stretch = float(np.cos(np.radians(31.76)))
        wide, high = np.ptp(shore[:, 0]) * self._stretch, np.ptp(shore[:, 1])
        self.per_degree = min((_WIDTH - 2 * _MARGIN) / wide, (_HEIGHT - _HEAD - 2 * _MARGIN) / high)
        left = (_WIDTH - wide * self.per_degree) / 2
        top = _HEAD + (_HEIGHT - _HEAD - high * self.per_degree) / 2
        self._west, self._north, self._left, self._top = shore[:, 0].min(), shore[:, 1].max(), left, top

    def __call__(self, ring: Floats) -> Floats:
        x = self._left + (ring[:, 0] - self._west) * self._stretch * self.per_degree
        return np.column_stack([x, self._top + (self._north - ring[:, 1]) * self.per_degree]).round(2)


def _shapes(placed: _Paper, rings: list[Floats], **of: Any) -> altair.Data:
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [placed(ring).tolist()]},
            **{name: values[number] for name, values in of.items()},
        }
        for number, ring in enumerate(rings)
    ]
    return altair.Data(values=features)


def _geo(data: altair.Data, **mark: Any) -> altair.Chart:
    return altair.Chart(data).mark_geoshape(**mark).project(type="identity", scale=1, translate=(0, 0))


def _lines(placed: _Paper, rings: list[Floats], colour: str, width: float, **mark: Any) -> altair.Chart:
    return _geo(_shapes(placed, rings), filled=False, stroke=colour, strokeWidth=width, strokeJoin="round", **mark)


def _water(city: City, placed: _Paper) -> list[altair.Chart]:
    shore = city.polygons("city")
    bands = [_lines(placed, shore, colour, width) for colour, width in (("#e1ebf0", 46), (_SHORE, 26), ("#c6d8e0", 10))]
    sea = [
        {"x": 1365, "y": 330, "text": "澜　海"},
        {"x": 905, "y": 985, "text": "澜　江　口"},
    ]
    return [*bands, _text(sea, 21, "#8fb0bd", italic=True)]


def _grids(city: City, placed: _Paper) -> altair.Chart:
    grids = city.grid
    density = grids["population"] / grids["area_km2"]
    level = np.searchsorted(_EDGES, density, side="right").tolist()
    fills = altair.Color("level:O").scale(domain=list(range(len(_FILLS))), range=list(_FILLS)).legend(None)
    data = _shapes(placed, city.polygons("grid"), level=level)
    # A hair of the fill's own colour closes the gaps between neighbours.
    return _geo(data, strokeWidth=0.35).encode(fill=fills, stroke=fills)


def _samples(city: City, placed: _Paper) -> list[altair.Chart]:
    townships = city.township
    own = np.flatnonzero(townships["is_sample"])
    rings = city.polygons("township")
    places = placed(np.column_stack([townships["lng"][own], townships["lat"][own]]))
    names = [
        {"x": float(x), "y": float(y) + 21, "text": str(name)}
        for (x, y), name in zip(places, townships["name_zh"][own], strict=True)
    ]
    marks = altair.Chart(altair.Data(values=[{"x": float(x), "y": float(y)} for x, y in places])).mark_point(
        shape="circle", size=300, stroke=_ACCENT, strokeWidth=1.6, filled=False
    )
    return [
        _lines(placed, [rings[i] for i in own], _ACCENT, 2.0),
        _placed(marks),
        *_haloed(names, 12.5, _ACCENT, weight=500),
    ]


def _names(city: City, placed: _Paper) -> list[altair.Chart]:
    counties = city.county
    places = placed(np.column_stack([counties["lng"], counties["lat"]]))
    rows = [
        {"x": float(x) + _ASIDE.get(code, (0, 0))[0], "y": float(y) + _ASIDE.get(code, (0, 0))[1], "text": str(short)}
        for (x, y), code, short in zip(places, counties["code"], counties["short_zh"], strict=True)
    ]
    below = [
        {"x": row["x"], "y": row["y"] + 23, "text": f"{code} · {people / 10_000:.0f} 万人"}
        for row, code, people in zip(rows, counties["code"], counties["population"], strict=True)
    ]
    return [*_haloed(rows, 25, _INK, weight=700), *_haloed(below, 13, _INK)]


_ASIDE: dict[str, tuple[float, float]] = {
    "990113": (2, -66),
    "990112": (-64, -72),
    "990114": (-30, -118),
    "990181": (0, -60),
    "990171": (-2, -84),
    "990123": (-110, -40),
    "990185": (34, -28),
    "990182": (-40, -84),
}
"""Moves names off what they would hide."""


def _frame(placed: _Paper) -> list[altair.Chart]:
    title = [{"x": _MARGIN, "y": 52, "text": "临澜市"}]
    subtitle = [
        {
            "x": _MARGIN + 124,
            "y": 43,
            "text": "虚构城市 · 8 个县级单元 · 136 个乡镇级单元 · 2,005 个村（社区） · 8,470 个网格 · 770 万人",
        },
        {
            "x": _MARGIN + 124,
            "y": 64,
            "text": "Linlan, an invented city on open sea. Circled: the eight townships of the 0.01 cut.",
        },
    ]
    stamp = [{"x": _WIDTH - _MARGIN - 85, "y": 54, "text": "演示数据"}]
    box = altair.Chart(
        altair.Data(values=[{"x": _WIDTH - _MARGIN - 170, "x2": _WIDTH - _MARGIN, "y": 26, "y2": 82}])
    ).mark_rect(filled=False, stroke=_STAMP, strokeWidth=2.5, cornerRadius=4)
    return [
        _text(title, 38, _INK, weight=700, align="left"),
        _text(subtitle, 15, _FAINT, align="left"),
        _placed(box).encode(x2="x2:Q", y2="y2:Q"),
        _text(stamp, 31, _STAMP, weight=700),
        *_legend(placed),
    ]


def _legend(placed: _Paper) -> list[altair.Chart]:
    left, top, wide, high = _MARGIN, _HEIGHT - 92, 62, 15
    boxes = [
        {"x": left + n * wide, "x2": left + (n + 1) * wide, "y": top, "y2": top + high, "level": n}
        for n in range(len(_FILLS))
    ]
    fills = altair.Color("level:O").scale(domain=list(range(len(_FILLS))), range=list(_FILLS)).legend(None)
    edges = [{"x": left + (n + 1) * wide, "y": top + high + 13, "text": f"{edge:,}"} for n, edge in enumerate(_EDGES)]
    head = [{"x": left, "y": top - 14, "text": "网格人口密度（人/平方千米）"}]
    ten_km = 10 / 111.195 * placed.per_degree
    rule = [{"x": left, "x2": left + ten_km, "y": top + 54, "y2": top + 57}]
    length = [{"x": left + ten_km + 10, "y": top + 56, "text": "10 km"}]
    return [
        _placed(altair.Chart(altair.Data(values=boxes)).mark_rect()).encode(x2="x2:Q", y2="y2:Q", color=fills),
        _placed(altair.Chart(altair.Data(values=rule)).mark_rect(color=_INK)).encode(x2="x2:Q", y2="y2:Q"),
        _text(edges, 11.5, _FAINT),
        _text(head, 13, _INK, align="left"),
        _text(length, 12, _INK, align="left"),
    ]


def _placed(chart: altair.Chart) -> altair.Chart:
    return chart.encode(x=altair.X("x:Q", scale=None, axis=None), y=altair.Y("y:Q", scale=None, axis=None))


def _text(rows: list[dict[str, Any]], size: float, colour: str, *, italic: bool = False, **mark: Any) -> altair.Chart:
    mark = {"align": "center", "baseline": "middle", "font": SANS, **mark}
    if "weight" in mark:
        mark["fontWeight"] = mark.pop("weight")
    style = "italic" if italic else "normal"
    chart = altair.Chart(altair.Data(values=rows)).mark_text(fontSize=size, color=colour, fontStyle=style, **mark)
    return _placed(chart).encode(text="text:N")


def _haloed(rows: list[dict[str, Any]], size: float, colour: str, **mark: Any) -> list[altair.Chart]:
    halo = {"stroke": "#fffdf8", "strokeWidth": 3.2, "strokeJoin": "round", "strokeOpacity": 0.85, "fill": "#fffdf8"}
    return [_text(rows, size, "#fffdf8", **mark, **halo), _text(rows, size, colour, **mark)]


if __name__ == "__main__":
    print(draw(to=Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE))
