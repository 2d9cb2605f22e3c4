"""Where events gather in space, and whether one brings the next."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Wholes: TypeAlias = npt.NDArray[np.int64]

HIGH_HIGH, LOW_HIGH, LOW_LOW, HIGH_LOW = 1, 2, 3, 4
"""Quadrants of local Moran: a cell and its neighbours."""


@dataclass(frozen=True)
class LocalStatistic:
    """One value per cell: z, its two-sided p, and for local Moran the quadrant of the cell (0 for Gi*)."""

    z: Floats
    p: Floats
    quadrant: Wholes


def cell_neighbours(x: Wholes, y: Wholes) -> Any:
    """Neighbours of square cells, corners included, as libpysal's weights; cells without one stay alone.

    Args:
        x, y: column and row of each cell; no cell twice.
    """
    from libpysal.weights import W

    at = {(int(a), int(b)): i for i, (a, b) in enumerate(zip(x, y, strict=True))}
    around = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]
    found = {i: [at[a + dx, b + dy] for dx, dy in around if (a + dx, b + dy) in at] for (a, b), i in at.items()}
    return W(found, silence_warnings=True)


def getis_ord(values: Floats, neighbours: Any) -> LocalStatistic:
    """Gi* of each cell: how far the sum over it and its neighbours is from what chance would give.

    Analytic z under randomisation, weights 1; above 0 a gathering of high values, below 0 of low ones. All 0 where all
    values are the same.

    Args:
        values: one number per cell; at least 30 cells for the normal approximation.
        neighbours: of `cell_neighbours`.

    Source: Ord & Getis (1995), Geographical Analysis 27:286-306; computed by esda.
    """
    from esda.getisord import G_Local

    n = len(values)
    if n < 2 or values.max() == values.min():
        return LocalStatistic(np.zeros(n), np.ones(n), np.zeros(n, dtype=np.int64))
    with _many_parts():
        found = G_Local(values, neighbours, transform="B", permutations=0, star=True)
    z = np.nan_to_num(np.asarray(found.Zs, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    return LocalStatistic(z, two_sided(z), np.zeros(n, dtype=np.int64))


def local_moran(values: Floats, neighbours: Any) -> LocalStatistic:
    """Local Moran of each cell: high among high (1), low among high (2), low among low (3), high among low (4).

    z from the analytic moments under conditional randomisation, so that the same cells give the same z. A cell without
    neighbours has z 0.

    Args:
        values: one number per cell.
        neighbours: of `cell_neighbours`.

    Source: Anselin (1995), Geographical Analysis 27:93-115; moments of Sokal et al. (1998); computed by esda.
    """
    from esda.moran import Moran_Local

    n = len(values)
    if n < 3 or values.max() == values.min():
        return LocalStatistic(np.zeros(n), np.ones(n), np.full(n, LOW_LOW, dtype=np.int64))
    with _many_parts():
        found = Moran_Local(values, neighbours, transformation="r", permutations=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (found.Is - found.EIc) / np.sqrt(found.VIc)
    z = np.nan_to_num(np.asarray(z, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    return LocalStatistic(z, two_sided(z), np.asarray(found.q, dtype=np.int64))


@contextmanager
def _many_parts() -> Iterator[None]:
    """A map of a city has several parts, and libpysal says so each time it makes weights."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The weights matrix is not fully connected")
        yield


def two_sided(z: Floats) -> Floats:
    """Chance of a standard normal at least so far from 0."""
    from scipy.special import erfc

    p: Floats = erfc(np.abs(z) / np.sqrt(2))
    return p


def false_discovery(p: Floats, *, alpha: float = 0.05) -> npt.NDArray[np.bool_]:
    """Which of many tests are significant when a share alpha of those found may be false.

    Source: Benjamini & Hochberg (1995), JRSS B 57:289-300.
    """
    order = np.argsort(p, kind="stable")
    under = np.flatnonzero(p[order] <= alpha * np.arange(1, len(p) + 1) / len(p))
    found = np.zeros(len(p), dtype=bool)
    if under.size:
        found[order[: under[-1] + 1]] = True
    return found


@dataclass(frozen=True)
class NearRepeat:
    """Knox's test: pairs near in space and time, how many chance would give, their ratio, and p."""

    near_pairs: int
    expected_pairs: float
    ratio: float
    p: float


def knox(
    x: Floats, y: Floats, days: Floats, *, metres: float, within_days: float, permutations: int = 999, seed: int = 1964
) -> NearRepeat:
    """Whether events near in space are near in time more often than chance would have it.

    Times are dealt out anew over the places, so what is constant in either cannot matter.

    Args:
        x, y: places in metres, or in any unit `metres` is given in.
        days: times, or in any unit `within_days` is given in.
        metres, within_days: how near is near; both bounds included.
        permutations: of the times.
        seed: of the random numbers; the same seed, the same p.

    Returns:
        ratio NaN where chance expects no pair; p = (1 + permutations with as many pairs) / (1 + permutations).

    Source: Knox (1964), Applied Statistics 13:25-30; Johnson et al. (2007) for near repeats of crime.
    """
    from scipy.spatial import cKDTree

    if len(x) < 2:
        return NearRepeat(0, 0.0, float("nan"), 1.0)
    pairs = cKDTree(np.column_stack([x, y])).query_pairs(metres, output_type="ndarray")
    left, right = pairs[:, 0], pairs[:, 1]

    def near(times: Floats) -> int:
        return int(np.count_nonzero(np.abs(times[left] - times[right]) <= within_days))

    observed, random = near(days), np.random.default_rng(seed)
    drawn = np.array([near(random.permutation(days)) for _ in range(permutations)], dtype=np.int64)
    expected = float(drawn.mean())
    p = (1 + int((drawn >= observed).sum())) / (1 + permutations)
    return NearRepeat(observed, expected, observed / expected if expected else float("nan"), p)


@dataclass(frozen=True)
class Prediction:
    """How well chosen cells hold what came later: share of events in them, share of the area, and their quotient."""

    hit_rate: float
    area_share: float
    pai: float


def prediction_accuracy(scores: Floats, came: Floats, *, top_share: float, area: Floats | None = None) -> Prediction:
    """Predictive accuracy index of the cells with the highest scores.

    PAI = (hits / all events) / (area chosen / whole area); 1 is chance.

    Args:
        scores: per cell, what was predicted; of equal scores the earlier cell is chosen.
        came: per cell, the events that came.
        top_share: share of the cells chosen, rounded up.
        area: per cell; None = all the same.

    Source: Chainey, Tompson & Uhlig (2008), Security Journal 21:4-28.
    """
    size = np.ones(len(scores)) if area is None else area
    chosen = np.argsort(-scores, kind="stable")[: int(np.ceil(top_share * len(scores)))]
    hit = float(came[chosen].sum() / came.sum()) if came.sum() else float("nan")
    share = float(size[chosen].sum() / size.sum())
    return Prediction(hit, share, hit / share)


def kernel_density(x: Floats, y: Floats, at_x: Floats, at_y: Floats, *, bandwidth_m: float) -> Floats:
    """Events per km2 around given points, quartic kernel.

    Args:
        x, y: events, in metres.
        at_x, at_y: points, in metres.
        bandwidth_m: distance at which an event no longer counts.

    Source: Silverman (1986), 4.2; Chainey & Ratcliffe (2005) for maps of crime.
    """
    from scipy.spatial import cKDTree

    tree = cKDTree(np.column_stack([x, y]))
    density = np.zeros(len(at_x))
    for i, near in enumerate(tree.query_ball_point(np.column_stack([at_x, at_y]), bandwidth_m)):
        # In the order of the events: query_ball_point promises none, and sums of floats depend on it.
        events = np.sort(np.asarray(near, dtype=np.int64))
        u2 = ((x[events] - at_x[i]) ** 2 + (y[events] - at_y[i]) ** 2) / bandwidth_m**2
        density[i] = (3 / (np.pi * bandwidth_m**2) * (1 - np.minimum(u2, 1.0)) ** 2).sum() * 1e6
    return density
