"""Charts as SVG: grey and one accent, the last point labelled, every printed text out of the figure set.

Axes are drawn as texts of the figure set, not by Vega, so that a chart cannot print a number of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from lake.briefs.definition import Definition
from lake.briefs.figures import FigureSet
from lake.briefs.fonts import SANS, font_folder
from lake.briefs.geometry import Shape

WIDTH = 624
ACCENT, DARK, MIDDLE, LIGHT, PALE = "#9e2a2b", "#3d3d3d", "#8a8a8a", "#d9d9d9", "#efefef"
RAMP = ("#f8ebe8", "#edcac4", "#de9f97", "#cb6a62")
INK = "#222222"
MAP_SIZE = (560.0, 420.0)
_TEXT = 13
_LABEL_EVERY = 7


def draw(figure_set: FigureSet, definition: Definition, shapes: Mapping[str, Shape]) -> dict[str, str]:
    """SVG of each chart that the figure set has the numbers for and the shapes, by the chart's id."""
    edition = "city" if figure_set["scope"]["is_city"] else "division"
    series = {each["id"]: each for each in figure_set["series"]}
    rankings = {each["id"]: each for each in figure_set["rankings"]}
    drawn: dict[str, str] = {}
    for chart in definition.charts:
        if chart.scope not in ("all", edition):
            continue
        if chart.kind in ("trend", "weeks") and (found := series.get(chart.of)) and found["points"]:
            drawn[chart.id] = _svg(_trend(found) if chart.kind == "trend" else _weeks(found))
        elif chart.kind == "bars" and (ranked := rankings.get(chart.of)) and ranked["entries"]:
            drawn[chart.id] = _svg(_bars(ranked))
        elif chart.kind == "map" and (placed := rankings.get(chart.of)) and placed["entries"] and shapes:
            drawn[chart.id] = _svg(_map(placed, shapes))
    return drawn


def _trend(series: dict[str, Any]) -> Any:
    import altair as alt

    height, left, right, top, bottom = 140, 44, 74, 30, 26
    width = WIDTH - left - right
    points = series["points"]
    rows = [{"i": number, **point} for number, point in enumerate(points)]
    x, y = _scales(alt, len(points) - 1, series["ticks"][-1]["value"])
    known = [row for row in rows if row["value"] is not None]
    layers = [_ticks(alt, series["ticks"], y, width)]
    banded = [row for row in rows if row["low"] is not None]
    if banded:
        band = alt.Chart(alt.Data(values=banded))
        layers += [
            band.mark_area(color=LIGHT, opacity=0.75).encode(x=x, y=y("low"), y2="high:Q"),
            band.mark_line(color=MIDDLE, strokeDash=[3, 3], strokeWidth=1).encode(x=x, y=y("expected")),
        ]
    layers.append(alt.Chart(alt.Data(values=rows)).mark_line(color=DARK, strokeWidth=1.8).encode(x=x, y=y("value")))
    if known:
        last = alt.Chart(alt.Data(values=[{**known[-1], "t": f"{known[-1]['text']}{series['unit']}"}]))
        layers += [
            last.mark_point(color=ACCENT, filled=True, size=55, opacity=1).encode(x=x, y=y("value")),
            last.mark_text(color=ACCENT, font=SANS, fontSize=16, align="left", baseline="middle", dx=9).encode(
                x=x, y=y("value"), text="t:N"
            ),
        ]
    newest = len(points) - 1
    labelled = [row for row in rows if (newest - row["i"]) % _LABEL_EVERY == 0]
    layers.append(
        alt.Chart(alt.Data(values=labelled))
        .mark_text(color=MIDDLE, font=SANS, fontSize=_TEXT, baseline="top", dy=6)
        .encode(x=x, y=alt.value(height), text="label:N")
    )
    names = series["legend"] if banded else series["legend"][:1]
    layers += _legend(alt, [(names[0], DARK, "stroke"), *((name, LIGHT, "square") for name in names[1:])])
    if series["note"]:
        layers.append(_words(alt, series["note"], width, -18, "right", ACCENT))
    return _framed(alt, layers, width, height, left, right, top, bottom)


def _weeks(series: dict[str, Any]) -> Any:
    import altair as alt

    height, left, right, top, bottom = 125, 44, 14, 34, 26
    width = WIDTH - left - right
    points = series["points"]
    rows = [
        {"i": number, **point, "c": ACCENT if number == len(points) - 1 else MIDDLE}
        for number, point in enumerate(points)
    ]
    step = width / max(len(points), 1)
    x, y = _scales(alt, len(points) - 0.5, series["ticks"][-1]["value"], low=-0.5)
    layers = [_ticks(alt, series["ticks"], y, width)]
    has_ghost = any(row["last_year"] is not None for row in rows)
    if has_ghost:
        ghosts = alt.Chart(alt.Data(values=[row for row in rows if row["last_year"] is not None]))
        layers.append(
            ghosts.mark_bar(color=LIGHT, size=step * 0.78).encode(x=x, y=y("last_year"), y2=alt.value(height))
        )
    known = alt.Chart(alt.Data(values=[row for row in rows if row["value"] is not None]))
    layers += [
        known.mark_bar(size=step * 0.42).encode(
            x=x, y=y("value"), y2=alt.value(height), color=alt.Color("c:N", scale=None)
        ),
        known.mark_text(font=SANS, fontSize=_TEXT, baseline="bottom", dy=-4).encode(
            x=x, y=y("value"), text="text:N", color=alt.Color("c:N", scale=None)
        ),
        alt.Chart(alt.Data(values=[row for row in rows if (len(rows) - 1 - row["i"]) % 2 == 0]))
        .mark_text(color=MIDDLE, font=SANS, fontSize=_TEXT, baseline="top", dy=6)
        .encode(x=x, y=alt.value(height), text="label:N"),
    ]
    names = series["legend"] if has_ghost else series["legend"][:1]
    layers += _legend(alt, [(names[0], MIDDLE, "square"), *((name, LIGHT, "square") for name in names[1:])])
    return _framed(alt, layers, width, height, left, right, top, bottom)


def _bars(ranking: dict[str, Any]) -> Any:
    import altair as alt

    row_height, left, right = 22, 178, 150
    entries = ranking["entries"]
    width, height = WIDTH - left - right, row_height * len(entries)
    highest = max(entry["value"] for entry in entries) or 1
    rows = [
        {
            "y": row_height * (number + 0.5),
            "name": entry["name"],
            "v": entry["value"],
            "t": f"{entry['text']}{ranking['unit']}",
            "change": entry["change"],
            "c": ACCENT if number == 0 else MIDDLE,
        }
        for number, entry in enumerate(entries)
    ]
    data = alt.Chart(alt.Data(values=rows))
    x = alt.X("v:Q", axis=None, scale=alt.Scale(domain=[0, highest], nice=False))
    y = alt.Y("y:Q", axis=None, scale=None)
    layers = [
        data.mark_bar(size=15).encode(x=x, x2=alt.value(0), y=y, color=alt.Color("c:N", scale=None)),
        data.mark_text(color=DARK, font=SANS, fontSize=_TEXT, align="right", baseline="middle", limit=left - 12).encode(
            x=alt.value(-8), y=y, text="name:N"
        ),
        data.mark_text(font=SANS, fontSize=_TEXT, align="left", baseline="middle", dx=6).encode(
            x=x, y=y, text="t:N", color=alt.Color("c:N", scale=None)
        ),
        data.mark_text(color=DARK, font=SANS, fontSize=_TEXT, align="right", baseline="middle").encode(
            x=alt.value(width + right - 6), y=y, text="change:N"
        ),
        _words(alt, "环比", width + right - 6, -10, "right", MIDDLE),
    ]
    return _framed(alt, layers, width, height, left, right, 22, 4)


def _map(ranking: dict[str, Any], shapes: Mapping[str, Shape]) -> Any:
    import altair as alt

    width, height = MAP_SIZE
    offset = (WIDTH - width) / 2 - 62
    classes = ranking["classes"]
    features, labels = [], []
    for entry in ranking["entries"]:
        shape = shapes.get(entry["key"])
        if shape is None:
            continue
        step = _class_of(entry, classes)
        features.append(
            {
                "type": "Feature",
                "properties": {"c": PALE if step is None else RAMP[step + len(RAMP) - len(classes)]},
                "geometry": {
                    "type": "MultiPolygon",
                    "coordinates": [
                        [[[x + offset, y] for x, y in ring] for ring in polygon] for polygon in shape.polygons
                    ],
                },
            }
        )
        x, y = shape.label
        labels.append({"x": x + offset, "y": y - 6, "t": entry["name"], "c": INK})
        labels.append({"x": x + offset, "y": y + 7, "t": entry["text"], "c": INK})
    keys = [
        {"y": 40 + 22 * number, "c": RAMP[number + len(RAMP) - len(classes)], "t": each["text"]}
        for number, each in enumerate(classes)
    ]
    keys.append({"y": 40 + 22 * len(classes), "c": PALE, "t": f"少于{ranking['map_min_text']}"})
    place = {"y": alt.Y("y:Q", axis=None, scale=None), "color": alt.Color("c:N", scale=None)}
    legend = alt.Chart(alt.Data(values=keys))
    layers = [
        alt.Chart(alt.Data(values=features))
        .mark_geoshape(stroke="#ffffff", strokeWidth=1)
        .encode(color=alt.Color("properties.c:N", scale=None))
        .project(type="identity", reflectY=False, scale=1, translate=[0, 0]),
        alt.Chart(alt.Data(values=labels))
        .mark_text(font=SANS, fontSize=11, baseline="middle")
        .encode(x=alt.X("x:Q", axis=None, scale=None), text="t:N", **place),
        legend.mark_point(shape="square", filled=True, size=170, opacity=1).encode(x=alt.value(WIDTH - 150), **place),
        legend.mark_text(color=DARK, font=SANS, fontSize=_TEXT, align="left", baseline="middle").encode(
            x=alt.value(WIDTH - 134), y=place["y"], text="t:N"
        ),
        _words(alt, "每平方公里件数", WIDTH - 157, 16, "left", MIDDLE),
    ]
    return _framed(alt, layers, WIDTH, int(height), 0, 0, 4, 4)


def _class_of(entry: dict[str, Any], classes: list[dict[str, Any]]) -> int | None:
    """Number of the density class a place falls into; None where too few cases are to be coloured."""
    if entry["density"] is None or not classes or entry["density"] < classes[0]["from"]:
        return None
    if not entry["is_coloured"]:
        return None
    return max(number for number, each in enumerate(classes) if entry["density"] >= each["from"])


def _scales(alt: Any, last: float, highest: float, low: float = 0) -> tuple[Any, Any]:
    x = alt.X("i:Q", axis=None, scale=alt.Scale(domain=[low, max(last, low + 1)], nice=False, zero=False))

    def y(name: str) -> Any:
        return alt.Y(f"{name}:Q", axis=None, scale=alt.Scale(domain=[0, highest], nice=False))

    return x, y


def _ticks(alt: Any, ticks: list[dict[str, Any]], y: Any, width: float) -> Any:
    data = alt.Chart(alt.Data(values=ticks))
    lines = data.mark_rule(color=PALE).encode(x=alt.value(0), x2=alt.value(width), y=y("value"))
    texts = data.mark_text(color=MIDDLE, font=SANS, fontSize=_TEXT, align="right", baseline="middle").encode(
        x=alt.value(-8), y=y("value"), text="text:N"
    )
    return lines + texts


def _legend(alt: Any, names: list[tuple[str, str, str]]) -> list[Any]:
    layers, x = [], 6
    for name, colour, shape in names:
        spot = alt.Chart(alt.Data(values=[{"t": name}]))
        layers += [
            spot.mark_point(
                shape=shape, filled=shape == "square", color=colour, size=130, opacity=1, strokeWidth=2
            ).encode(x=alt.value(x), y=alt.value(-18)),
            _words(alt, name, x + 12, -18, "left", DARK),
        ]
        x += 34 + _TEXT * len(name)
    return layers


def _words(alt: Any, text: str, x: float, y: float, align: str, colour: str) -> Any:
    return (
        alt.Chart(alt.Data(values=[{"t": text}]))
        .mark_text(color=colour, font=SANS, fontSize=_TEXT, align=align, baseline="middle")
        .encode(x=alt.value(x), y=alt.value(y), text="t:N")
    )


def _framed(
    alt: Any, layers: list[Any], width: float, height: float, left: int, right: int, top: int, bottom: int
) -> dict[str, Any]:
    chart = alt.layer(*layers).properties(
        width=width,
        height=height,
        padding={"left": left, "right": right, "top": top, "bottom": bottom},
        autosize=alt.AutoSizeParams(type="none"),
    )
    spec: dict[str, Any] = chart.configure_view(stroke=None).to_dict(validate=False)
    return spec


def _svg(spec: dict[str, Any]) -> str:
    import vl_convert

    _register_fonts()
    version = ".".join(spec["$schema"].rsplit("/v", 1)[1].split(".")[:2])
    svg: str = vl_convert.vegalite_to_svg(spec, vl_version=version)
    return svg


@cache
def _register_fonts() -> None:
    import vl_convert

    vl_convert.register_font_directory(str(font_folder()))
