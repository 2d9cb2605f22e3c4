"""Places where crashes gather: weighed by harm, counted in windows along a road, freed from luck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]


def epdo(
    fatal: Floats,
    injury: Floats,
    damage: Floats,
    *,
    fatal_weight: float = 9.5,
    injury_weight: float = 3.5,
    damage_weight: float = 1.0,
) -> Floats:
    """Equivalent property damage only: crashes weighed by their worst outcome.

    Args:
        fatal, injury, damage: crashes by their worst outcome, per place.
        fatal_weight, injury_weight, damage_weight: a dated seed says them; the defaults are those used in China, the
            Highway Safety Manual's example has 542, 11 and 1.

    Source: AASHTO, Highway Safety Manual (2010), 4.4.2.4.
    """
    return fatal_weight * fatal + injury_weight * injury + damage_weight * damage


@dataclass(frozen=True)
class Window:
    """A stretch of a road: where it begins and ends in metres, crashes in it, and their weight."""

    starts_m: float
    ends_m: float
    crashes_n: int
    weight: float


def moving_window(stakes_m: Floats, weights: Floats, *, length_m: float = 500.0) -> list[Window]:
    """The heaviest windows of one road that do not overlap, heaviest first.

    A window slides from crash to crash: the heaviest stretch of a length always begins at one. Of windows that share a
    crash only the heaviest is kept; of equal ones the first along the road.

    Args:
        stakes_m: distance of each crash along the road, in metres.
        weights: of each crash, e.g. its EPDO.
        length_m: of the window, both ends included.

    Source: AASHTO, Highway Safety Manual (2010), 4.4.3 (sliding window, peak searching); 500 m is the local rule's.
    """
    order = np.argsort(stakes_m, kind="stable")
    at, heavy = stakes_m[order], weights[order]
    ends = np.searchsorted(at, at + length_m, side="right")
    total = np.r_[0.0, np.cumsum(heavy)]
    sums = total[ends] - total[: len(at)]
    taken = np.zeros(len(at), dtype=bool)
    found = []
    for start in sorted(range(len(at)), key=lambda i: (-round(float(sums[i]), 9), i)):
        inside = slice(start, int(ends[start]))
        if not taken[inside].any():
            taken[inside] = True
            last = float(at[int(ends[start]) - 1])
            found.append(Window(float(at[start]), last, int(ends[start]) - start, float(sums[start])))
    return found


def expected_crashes(
    observed: Floats, predicted: Floats, *, years: float, overdispersion: float
) -> tuple[Floats, Floats]:
    """Crashes per year to be expected at each place, and their standard deviation, by empirical Bayes.

    w = 1 / (1 + p y / phi); the estimate is w p + (1 - w) x / y. A place with few years leans on what places like it
    have, one with many on its own record.

    Args:
        observed: crashes of all years, x.
        predicted: crashes per year of places like it, p, by a safety performance function or their mean.
        years: y.
        overdispersion: phi of the negative binomial, variance = mean + mean^2 / phi, per place and year like p.

    Source: Hauer et al. (2002), Transportation Research Record 1784:126-131; Highway Safety Manual, part C, A.2.4.
    """
    weight = 1 / (1 + predicted * years / overdispersion)
    estimate = weight * predicted * years + (1 - weight) * observed
    return estimate / years, np.sqrt((1 - weight) * estimate) / years


def overdispersion_of(counts: Floats) -> float:
    """phi by the method of moments, mean^2 / (variance - mean); infinity where counts scatter no more than chance."""
    mean, variance = float(counts.mean()), float(counts.var(ddof=1)) if len(counts) > 1 else 0.0
    return mean**2 / (variance - mean) if variance > mean else float("inf")
