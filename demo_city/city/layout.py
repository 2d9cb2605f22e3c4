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
ASPECT = 1.75
"""Width of the unit square to its height, once it lies on the map."""
_LIKE = 6.0
"""Sizes that differ by less are alike."""
_EARTH_KM = 6371.007181
"""Radius of the sphere of the earth's surface."""


def cut(rectangle: Any, weights: Floats, wanted: Floats) -> Floats:
    """Cut a rectangle into pieces whose areas are as their weights.

    Pieces of like size are cut by place; where sizes differ much the large are cut from the small first, or a small
    piece would become a sliver along a large one.

    Args:
        rectangle: (x0, y0, x1, y1).
        weights: of the pieces.
        wanted: (n, 2) place within the rectangle, 0 to 1, near which each piece would like to lie.

    Returns:
        (n, 4) rectangles in the order of the weights.
    """
    pieces = np.empty((len(weights), 4))
    left: list[tuple[Floats, Integers]] = [(np.asarray(rectangle, dtype=np.float64), np.arange(len(weights)))]
    while left:
        part, which = left.pop()
        if not len(which):
            continue
        if len(which) == 1:
            pieces[which[0]] = part
            continue
        across = 0 if (part[2] - part[0]) * ASPECT >= part[3] - part[1] else 1
        sizes = weights[which]
        by = -sizes if sizes.max() > _LIKE * sizes.min() else wanted[which, across]
        order = which[np.argsort(by, kind="stable")]
        before = np.cumsum(weights[order])
        number = int(np.argmin(np.abs(before[:-1] - before[-1] / 2))) + 1
        first, second = order[:number], order[number:]
        if wanted[first, across].mean() > wanted[second, across].mean():
            first, second = second, first
        middle = part[across] + (part[across + 2] - part[across]) * (weights[first].sum() / before[-1])
        low, high = part.copy(), part.copy()
        low[across + 2] = high[across] = middle
        left += [(low, first), (high, second)]
    return pieces


def cut_round(rectangle: Any, weights: Floats, wanted: Floats, is_core: Any) -> Floats:
    """`cut`, with some pieces together in the middle and the others round them.

    Of wider and narrower middles it takes the one whose middle and pieces are least long.
    """
    core, outer = np.flatnonzero(is_core), np.flatnonzero(~np.asarray(is_core))
    if not len(core) or len(outer) < 3:
        return cut(rectangle, weights, wanted)
    tries = [_round(rectangle, weights, wanted, core, outer, wide) for wide in (1.0, 0.75, 1.3, 1.7, 2.5, 3.5)]

    def worst(pieces: Floats) -> float:
        middle = np.concatenate([pieces[core, :2].min(axis=0), pieces[core, 2:].max(axis=0)])
        return max(float(_lengths(pieces).max()), 2 * float(_lengths(middle[None])[0]))

    return min(tries, key=worst)


def _lengths(pieces: Floats) -> Floats:
    """Longer to shorter side of each rectangle."""
    ratio = (pieces[:, 2] - pieces[:, 0]) * ASPECT / (pieces[:, 3] - pieces[:, 1])
    return np.maximum(ratio, 1 / ratio)


def _round(rectangle: Any, weights: Floats, wanted: Floats, core: Integers, outer: Integers, wide: float) -> Floats:
    """West and east of the middle first, then south and north; the middle `wide` times as wide as a square one."""
    x0, y0, x1, y1 = (float(side) for side in rectangle)
    share = weights / weights.sum()
    aspect = (x1 - x0) * ASPECT / (y1 - y0)
    beside = (1 - min(wide * float(np.sqrt(share[core].sum() / aspect)), 0.9)) / 2
    eastward = outer[np.argsort(wanted[outer, 0], kind="stable")]
    upto = np.cumsum(share[eastward])
    west_n = int(np.argmin(np.abs(upto - beside))) + 1
    east_n = len(outer) - 1 - int(np.argmin(np.abs(upto[-1] - upto[:-1] - beside)))
    west_n, east_n = min(west_n, len(outer) - 1), min(east_n, len(outer) - west_n)
    west, east = eastward[:west_n], eastward[len(eastward) - east_n :]
    between = eastward[west_n : len(eastward) - east_n]
    between = between[np.argsort(wanted[between, 1], kind="stable")]
    halves = np.abs(np.cumsum(share[between]) - share[between].sum() / 2)
    south_n = int(np.argmin(halves)) + 1 if len(between) else 0
    if min(share[between[:south_n]].sum(), share[between[south_n:]].sum()) < share[between].sum() / 4:
        south_n = len(between)  # a thin band would be all there is on one side
    south, north = between[:south_n], between[south_n:]
    left, right = x0 + (x1 - x0) * share[west].sum(), x1 - (x1 - x0) * share[east].sum()
    inner = (y1 - y0) / (share[core].sum() + share[between].sum())
    low, high = y0 + inner * share[south].sum(), y1 - inner * share[north].sum()
    pieces = np.empty((len(weights), 4))
    for which, part in (
        (west, (x0, y0, left, y1)),
        (east, (right, y0, x1, y1)),
        (south, (left, y0, right, low)),
        (north, (left, high, right, y1)),
        (core, (left, low, right, high)),
    ):
        pieces[which] = cut(part, weights[which], wanted[which])
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
    lng, lat = np.zeros_like(u), np.zeros_like(u)
    for (east, north), share in zip(_CORNERS, ((1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v), strict=True):
        lng += share * east
        lat += share * north
    for at_u, at_v, wide_u, wide_v, east, north in _COAST:
        near = np.exp(-(((u - at_u) / wide_u) ** 2) - ((v - at_v) / wide_v) ** 2)
        lng, lat = lng + east * near, lat + north * near
    return lng, lat


_CORNERS = ((122.36, 31.56), (123.68, 31.34), (122.44, 32.13), (123.42, 32.05))
"""South-west, south-east, north-west, north-east."""
_COAST: Sequence[tuple[float, float, float, float, float, float]] = (
    (1.00, 0.38, 0.35, 0.24, 0.12, 0.02),
    (0.98, 1.00, 0.30, 0.24, 0.07, 0.05),
    (0.86, 1.02, 0.14, 0.24, 0.00, -0.06),
    (0.52, 1.00, 0.22, 0.30, 0.00, 0.08),
    (0.22, 0.00, 0.20, 0.30, 0.00, -0.07),
    (0.50, -0.02, 0.14, 0.25, 0.00, 0.03),
    (0.74, 0.00, 0.22, 0.28, 0.00, -0.06),
    (0.00, 0.55, 0.25, 0.25, -0.07, 0.00),
    (1.00, 0.05, 0.20, 0.14, -0.04, 0.00),
)
"""Capes and bays: where, how wide both ways, how far east and north, in degrees."""
_BENDS: Sequence[tuple[float, float, float, float]] = (
    (0.017, 0.9, 0.5, 0.3),
    (0.011, 1.3, -1.6, 2.1),
    (0.0068, 3.1, 2.2, 4.0),
    (0.0043, -4.3, 3.9, 1.1),
    (0.0023, 9.7, 6.1, 5.2),
    (0.0018, -8.3, 11.9, 0.7),
    (0.0009, 23.0, 17.0, 3.3),
    (0.0008, -19.0, 29.0, 2.4),
)
"""Size, waves along both sides, and turn of each bend; together far from folding the sheet."""
_NODES: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] = _sheet()
