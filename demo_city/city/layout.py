"""Where everything lies: a unit square cut by area, laid over the open sea by one bent sheet.

Counties, townships, villages and grids are rectangles of the unit square, each cut out of the one above it, so they
fill it and share their borders. The sheet that lays them over longitude and latitude is smooth, but drawn by straight
lines between the nodes of a lattice: a border is straight between two lattice lines, and therefore the same line
whoever draws it, at whatever level.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from demo_city.chance import Floats, Integers

LATTICE_N = 256
"""Cells of the lattice along one side: about 500 m."""
_EARTH_KM = 6371.007181
"""Radius of the sphere of the earth's surface."""


def cut(rectangle: Any, weights: Floats, wanted: Floats) -> Floats:
    """Cut a rectangle into pieces whose areas are as their weights.

    Args:
        rectangle: (x0, y0, x1, y1).
        weights: of the pieces.
        wanted: (n, 2) place within the rectangle, 0 to 1, near which each piece would like to lie.

    Returns:
        (n, 4) rectangles in the order of the weights.
    """
    pieces = np.empty((len(weights), 4))
    left: list[tuple[tuple[float, float, float, float], Integers]] = [(tuple(rectangle), np.arange(len(weights)))]
    while left:
        (x0, y0, x1, y1), which = left.pop()
        if len(which) == 1:
            pieces[which[0]] = (x0, y0, x1, y1)
            continue
        across = 0 if (x1 - x0) >= (y1 - y0) else 1
        order = which[np.argsort(wanted[which, across], kind="stable")]
        before = np.cumsum(weights[order])
        number = int(np.argmin(np.abs(before[:-1] - before[-1] / 2))) + 1
        share = before[number - 1] / before[-1]
        if across == 0:
            middle = x0 + (x1 - x0) * share
            left += [((x0, y0, middle, y1), order[:number]), ((middle, y0, x1, y1), order[number:])]
        else:
            middle = y0 + (y1 - y0) * share
            left += [((x0, y0, x1, middle), order[:number]), ((x0, middle, x1, y1), order[number:])]
    return pieces


def to_map(x: Any, y: Any) -> tuple[Floats, Floats]:
    """Longitude and latitude of points of the unit square."""
    x, y = np.asarray(x, dtype=np.float64) * LATTICE_N, np.asarray(y, dtype=np.float64) * LATTICE_N
    column = np.clip(x.astype(np.int64), 0, LATTICE_N - 1)
    row = np.clip(y.astype(np.int64), 0, LATTICE_N - 1)
    right, up = x - column, y - row
    found = []
    for node in _NODES:
        low = node[column, row] * (1 - right) + node[column + 1, row] * right
        high = node[column, row + 1] * (1 - right) + node[column + 1, row + 1] * right
        found.append(low * (1 - up) + high * up)
    return found[0], found[1]


def outline(rectangle: Any) -> Floats:
    """The border of a rectangle of the unit square as a closed ring of (lng, lat), against the clock."""
    x0, y0, x1, y1 = (float(side) for side in rectangle)
    across, along = _stops(x0, x1), _stops(y0, y1)
    x = np.concatenate([across[:-1], np.full(len(along) - 1, x1), across[:0:-1], np.full(len(along), x0)])
    y = np.concatenate([np.full(len(across) - 1, y0), along[:-1], np.full(len(across) - 1, y1), along[::-1]])
    return np.column_stack(to_map(x, y))


def area_km2(ring: Floats) -> float:
    """Area of a closed ring of (lng, lat) on the sphere (cylindrical equal-area projection)."""
    x = _EARTH_KM * np.radians(ring[:, 0] - 123.0)
    y = _EARTH_KM * (np.sin(np.radians(ring[:, 1])) - np.sin(np.radians(31.75)))
    return float(abs(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])) / 2)


def wkt(ring: Floats) -> str:
    """A closed ring as text, seven decimals (one centimetre)."""
    return "POLYGON((" + ", ".join(f"{lng:.7f} {lat:.7f}" for lng, lat in ring) + "))"


def _stops(low: float, high: float) -> Floats:
    """Both ends and the lattice lines between them."""
    first, last = np.floor(low * LATTICE_N) + 1, np.ceil(high * LATTICE_N) - 1
    return np.concatenate([[low], np.arange(first, last + 1) / LATTICE_N, [high]])


def _sheet() -> tuple[Floats, Floats]:
    """Longitude and latitude of the lattice's nodes: a tapering cape between a river and the sea, its borders bent."""
    side = np.arange(LATTICE_N + 1) / LATTICE_N
    x, y = np.meshgrid(side, side, indexing="ij")
    u, v = x.copy(), y.copy()
    for size, wave_x, wave_y, turn in _BENDS:
        u += size * np.sin(2 * np.pi * (wave_x * x + wave_y * y) + turn)
        v += size * np.sin(2 * np.pi * (wave_y * x - wave_x * y) + 1.7 * turn + 0.9)
    corners = _CORNERS
    lng = (1 - u) * (1 - v) * corners[0][0] + u * (1 - v) * corners[1][0] + (1 - u) * v * corners[2][0]
    lat = (1 - u) * (1 - v) * corners[0][1] + u * (1 - v) * corners[1][1] + (1 - u) * v * corners[2][1]
    lng, lat = lng + u * v * corners[3][0], lat + u * v * corners[3][1]
    return lng + 0.04 * np.sin(np.pi * v) * (u - 0.3), lat - 0.06 * np.sin(np.pi * u) * (1 - v) + 0.05 * u * (1 - u) * v


_CORNERS = ((122.32, 31.52), (123.74, 31.36), (122.42, 32.16), (123.50, 32.06))
"""South-west, south-east, north-west, north-east."""
_BENDS: Sequence[tuple[float, float, float, float]] = (
    (0.014, 0.9, 0.5, 0.3),
    (0.010, 1.3, -1.6, 2.1),
    (0.0050, 3.1, 2.2, 4.0),
    (0.0035, -4.3, 3.9, 1.1),
    (0.0016, 9.7, 6.1, 5.2),
    (0.0013, -8.3, 11.9, 0.7),
    (0.0006, 23.0, 17.0, 3.3),
    (0.0005, -19.0, 29.0, 2.4),
)
"""Size, waves along both sides, and turn of each bend; together far from folding the sheet."""
_NODES: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] = _sheet()
