"""Division shapes → pixels of a small map, and a place inside each for its name. No projection library, no tiles."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Ring = list[tuple[float, float]]
Polygon = list[Ring]
_GRID = 18
"""Points a side tried for a name's place."""


@dataclass(frozen=True)
class Shape:
    """A division on the map: polygons in pixels, and where its name goes."""

    polygons: list[Polygon]
    label: tuple[float, float]


def shapes_of(geometries: Mapping[str, str], width: float, height: float) -> dict[str, Shape]:
    """Fit GeoJSON geometries (degrees, WGS 84) into a box of pixels, north up, one scale both ways.

    An equirectangular projection around the middle latitude is true enough for a city.
    """
    degrees = {code: _polygons(json.loads(text)) for code, text in geometries.items() if text}
    points = [point for polygons in degrees.values() for polygon in polygons for point in polygon[0]]
    if not points:
        return {}
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    squeeze = math.cos(math.radians((south + north) / 2))
    scale = min(width / ((east - west) * squeeze), height / (north - south))
    left = (width - (east - west) * squeeze * scale) / 2
    top = (height - (north - south) * scale) / 2

    def pixel(point: tuple[float, float]) -> tuple[float, float]:
        return (
            round(left + (point[0] - west) * squeeze * scale, 1),
            round(top + (north - point[1]) * scale, 1),
        )

    shapes: dict[str, Shape] = {}
    for code, polygons in degrees.items():
        drawn = [[[pixel(point) for point in ring] for ring in polygon] for polygon in polygons]
        shapes[code] = Shape(drawn, _inside(max(drawn, key=lambda polygon: abs(_area(polygon[0])))))
    return shapes


def _polygons(geometry: dict[str, Any]) -> list[Polygon]:
    found = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    return [[[(float(x), float(y)) for x, y, *_ in ring] for ring in polygon] for polygon in found]


def _area(ring: Ring) -> float:
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1], strict=True)) / 2


def _inside(polygon: Polygon) -> tuple[float, float]:
    """The point of a grid that lies furthest inside; text is wide, so sideways room counts for less."""
    ring = polygon[0]
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    best, place = -1.0, (sum(xs) / len(xs), sum(ys) / len(ys))
    for column in range(1, _GRID):
        for row in range(1, _GRID):
            x = min(xs) + (max(xs) - min(xs)) * column / _GRID
            y = min(ys) + (max(ys) - min(ys)) * row / _GRID
            if _contains(polygon, x, y):
                room = min(_distance(ring, x, y) for ring in polygon)
                if room > best:
                    best, place = room, (round(x, 1), round(y, 1))
    return place


def _contains(polygon: Polygon, x: float, y: float) -> bool:
    crossings = 0
    for ring in polygon:
        for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1], strict=True):
            if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
                crossings += 1
    return crossings % 2 == 1


def _distance(ring: Ring, x: float, y: float) -> float:
    nearest = math.inf
    for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1], strict=True):
        dx, dy = (x2 - x1) / 2.5, y2 - y1
        px, py = (x - x1) / 2.5, y - y1
        length = dx * dx + dy * dy
        along = 0.0 if length == 0 else max(0.0, min(1.0, (px * dx + py * dy) / length))
        nearest = min(nearest, math.hypot(px - along * dx, py - along * dy))
    return nearest
