"""Charts as SVG: grey and one accent, the last point labelled, every printed text out of the figure set.

Positions are reckoned here in pixels and all charts are marks on one canvas, for two reasons: Vega draws no axis, so a
chart cannot print a number of its own; and Altair builds the canvas once, not once a chart (which took 0.2 s each).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from lake.briefs.definition import Definition
from lake.briefs.figures import FigureSet
from lake.briefs.fonts import SANS, font_folder
from lake.briefs.geometry import Shape

WIDTH = 624
MAP_SIZE = (560.0, 520.0)
ACCENT, INK, DARK, MIDDLE, LIGHT, PALE = "#9e2a2b", "#222222", "#3d3d3d", "#8a8a8a", "#d9d9d9", "#efefef"
RAMP = ("#f8ebe8", "#edcac4", "#de9f97", "#cb6a62")
_TEXT, _SMALL, _LARGE = 13, 11, 16
_LABEL_EVERY = 7
_ALIGNMENTS = ("left", "center", "right")

Row = dict[str, Any]


@dataclass
class Marks:
    """What is drawn, in pixels from the top left; later lists lie over earlier ones."""

    places: list[Row] = field(default_factory=list)
    rules: list[Row] = field(default_factory=list)
    areas: list[Row] = field(default_factory=list)
    bars: list[Row] = field(default_factory=list)
    dashes: list[Row] = field(default_factory=list)
    lines: list[Row] = field(default_factory=list)
    dots: list[Row] = field(default_factory=list)
    left: list[Row] = field(default_factory=list)
    center: list[Row] = field(default_factory=list)
    right: list[Row] = field(default_factory=list)

    def words(
        self, text: str, x: float, y: float, align: str = "left", *, colour: str = DARK, size: int = _TEXT
    ) -> None:
        """Text whose middle line is at `y`."""
        getattr(self, align).append({"x": x, "y": y, "t": text, "c": colour, "s": size})

    def bar(self, x: float, x2: float, y: float, y2: float, colour: str) -> None:
        """A filled box."""
        self.bars.append({"x": x, "x2": x2, "y": y, "y2": y2, "c": colour})

    def legend(self, names: list[tuple[str, str, bool]], y: float, x: float) -> None:
        """Names beside their colour: a box, or a stroke."""
        for name, colour, is_box in names:
            half = 6 if is_box else 1
            self.bar(x, x + (12 if is_box else 14), y - half, y + half, colour)
            self.words(name, x + 20, y)
            x += 42 + _TEXT * len(name)


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
            drawn[chart.id] = _trend(found) if chart.kind == "trend" else _weeks(found)
        elif chart.kind == "bars" and (ranked := rankings.get(chart.of)) and ranked["entries"]:
            drawn[chart.id] = _bars(ranked)
        elif chart.kind == "map" and (placed := rankings.get(chart.of)) and placed["entries"] and shapes:
            drawn[chart.id] = _map(placed, shapes)
    return drawn


def _trend(series: dict[str, Any]) -> str:
    left, right, top, bottom, height = 44.0, WIDTH - 74.0, 32.0, 172.0, 198
    points, marks = series["points"], Marks()
    highest = float(series["ticks"][-1]["value"])

    def x(number: int) -> float:
        return left + (right - left) * number / max(len(points) - 1, 1)

    def y(value: float) -> float:
        return bottom - (bottom - top) * value / highest

    _ticks(marks, series, left, right, y)
    run = 0
    for number, point in enumerate(points):
        if point["low"] is not None:
            marks.areas.append({"x": x(number), "y": y(point["low"]), "y2": y(point["high"])})
            marks.dashes.append({"x": x(number), "y": y(point["expected"])})
        if point["value"] is None:
            run += 1  # a day without a number breaks the line; it is not drawn through
        else:
            marks.lines.append({"x": x(number), "y": y(point["value"]), "run": run})
        if (len(points) - 1 - number) % _LABEL_EVERY == 0:
            marks.words(point["label"], x(number), bottom + 14, "center", colour=MIDDLE)
    known = [number for number, point in enumerate(points) if point["value"] is not None]
    if known:
        last = points[known[-1]]
        marks.dots.append({"x": x(known[-1]), "y": y(last["value"]), "c": ACCENT})
        marks.words(
            f"{last['text']}{series['unit']}", x(known[-1]) + 9, y(last["value"]), "left", colour=ACCENT, size=_LARGE
        )
    band = [(name, LIGHT, True) for name in series["legend"][1:]] if marks.areas else []
    marks.legend([(series["legend"][0], DARK, False), *band], 12, left)
    if series["note"]:
        marks.words(series["note"], right, 12, "right", colour=ACCENT)
    return _svg(marks, height)


def _weeks(series: dict[str, Any]) -> str:
    left, right, top, bottom, height = 44.0, WIDTH - 14.0, 42.0, 160.0, 186
    points, marks = series["points"], Marks()
    highest = float(series["ticks"][-1]["value"])
    step = (right - left) / len(points)

    def y(value: float) -> float:
        return bottom - (bottom - top) * value / highest

    _ticks(marks, series, left, right, y)
    for number, point in enumerate(points):
        middle = left + step * (number + 0.5)
        is_last = number == len(points) - 1
        if point["last_year"] is not None:
            marks.bar(middle - step * 0.39, middle + step * 0.39, y(point["last_year"]), bottom, LIGHT)
        if point["value"] is not None:
            colour = ACCENT if is_last else MIDDLE
            marks.bar(middle - step * 0.21, middle + step * 0.21, y(point["value"]), bottom, colour)
            marks.words(point["text"], middle, y(point["value"]) - 9, "center", colour=ACCENT if is_last else DARK)
        if (len(points) - 1 - number) % 2 == 0:
            marks.words(point["label"], middle, bottom + 14, "center", colour=MIDDLE)
    has_ghost = any(point["last_year"] is not None for point in points)
    ghost = [(name, LIGHT, True) for name in series["legend"][1:]] if has_ghost else []
    marks.legend([(series["legend"][0], MIDDLE, True), *ghost], 12, left)
    return _svg(marks, height)


def _bars(ranking: dict[str, Any]) -> str:
    left, right, top, row = 178.0, WIDTH - 150.0, 24.0, 22.0
    entries, marks = ranking["entries"], Marks()
    highest = max(entry["value"] for entry in entries) or 1
    marks.words("环比", WIDTH - 6.0, 10, "right", colour=MIDDLE)
    for number, entry in enumerate(entries):
        middle, colour = top + row * (number + 0.5), ACCENT if number == 0 else MIDDLE
        end = left + (right - left) * entry["value"] / highest
        marks.bar(left, end, middle - 7, middle + 7, colour)
        marks.words(entry["name"], left - 8, middle, "right")
        marks.words(f"{entry['text']}{ranking['unit']}", end + 6, middle, "left", colour=colour)
        marks.words(entry["change"], WIDTH - 6.0, middle, "right")
    return _svg(marks, int(top + row * len(entries)) + 4)


def _map(ranking: dict[str, Any], shapes: Mapping[str, Shape]) -> str:
    marks, offset = Marks(), (WIDTH - MAP_SIZE[0]) / 2 - 70
    classes = ranking["classes"]
    ramp = RAMP[len(RAMP) - len(classes) :]
    for entry in ranking["entries"]:
        shape = shapes.get(entry["key"])
        if shape is None:
            continue
        step = _class_of(entry, classes)
        moved = [[[[x + offset, y + 4] for x, y in ring] for ring in polygon] for polygon in shape.polygons]
        marks.places.append(
            {
                "type": "Feature",
                "properties": {"c": PALE if step is None else ramp[step]},
                "geometry": {"type": "MultiPolygon", "coordinates": moved},
            }
        )
        x, y = shape.label
        marks.words(entry["name"], x + offset, y - 2, "center", colour=INK, size=_SMALL)
        marks.words(entry["text"], x + offset, y + 11, "center", colour=INK, size=_SMALL)
    keys = [(colour, each["text"]) for colour, each in zip(ramp, classes, strict=True)]
    keys.append((PALE, f"少于{ranking['map_min_text']}"))
    edge = WIDTH - 157.0
    marks.words("每平方公里件数", edge, 16, "left", colour=MIDDLE)
    for number, (colour, text) in enumerate(keys):
        middle = 40.0 + 22 * number
        marks.bar(edge, edge + 13, middle - 6.5, middle + 6.5, colour)
        marks.words(text, edge + 23, middle)
    return _svg(marks, int(MAP_SIZE[1]) + 8)


def _class_of(entry: dict[str, Any], classes: list[dict[str, Any]]) -> int | None:
    """Number of the density class a place falls into; None where too few cases are to be coloured."""
    if entry["density"] is None or not entry["is_coloured"] or not classes:
        return None
    return max(number for number, each in enumerate(classes) if entry["density"] >= each["from"])


def _ticks(marks: Marks, series: dict[str, Any], left: float, right: float, y: Any) -> None:
    for tick in series["ticks"]:
        marks.rules.append({"x": left, "x2": right, "y": y(tick["value"])})
        marks.words(tick["text"], left - 8, y(tick["value"]), "right", colour=MIDDLE)


def _svg(marks: Marks, height: int) -> str:
    import vl_convert

    _register_fonts()
    spec = copy.copy(_canvas())
    spec["height"] = height
    spec["datasets"] = vars(marks)
    version = ".".join(spec["$schema"].rsplit("/v", 1)[1].split(".")[:2])
    svg: str = vl_convert.vegalite_to_svg(spec, vl_version=version)
    return svg


@cache
def _canvas() -> dict[str, Any]:
    """Vega-Lite for `Marks`: one layer a list, pixels as they are, nothing scaled and no axis."""
    import altair as alt

    def at(name: str) -> Any:
        return alt.Chart(alt.NamedData(name=name))

    x = alt.X("x:Q", axis=None, scale=None)
    y = alt.Y("y:Q", axis=None, scale=None)
    colour = alt.Color("c:N", scale=None)
    layers = [
        at("places")
        .mark_geoshape(stroke="#ffffff", strokeWidth=1)
        .encode(color=alt.Color("properties.c:N", scale=None))
        .project(type="identity", reflectY=False, scale=1, translate=[0, 0]),
        at("rules").mark_rule(color=PALE).encode(x=x, x2="x2:Q", y=y),
        at("areas").mark_area(color=LIGHT, opacity=0.75).encode(x=x, y=y, y2="y2:Q"),
        at("bars").mark_rect().encode(x=x, x2="x2:Q", y=y, y2="y2:Q", color=colour),
        at("dashes").mark_line(color=MIDDLE, strokeDash=[3, 3], strokeWidth=1).encode(x=x, y=y),
        at("lines").mark_line(color=DARK, strokeWidth=1.8).encode(x=x, y=y, detail="run:N"),
        at("dots").mark_point(filled=True, size=55, opacity=1).encode(x=x, y=y, color=colour),
    ]
    layers += [
        at(align)
        .mark_text(font=SANS, align=align, baseline="middle")
        .encode(x=x, y=y, text="t:N", color=colour, size=alt.Size("s:Q", scale=None))
        for align in _ALIGNMENTS
    ]
    chart = alt.layer(*layers).properties(width=WIDTH, height=0, padding=0, autosize=alt.AutoSizeParams(type="none"))
    spec: dict[str, Any] = chart.configure_view(stroke=None).to_dict(validate=False)
    return spec


@cache
def _register_fonts() -> None:
    import vl_convert

    vl_convert.register_font_directory(str(font_folder()))
