"""Indices made of many indicators, in the steps of the OECD/JRC handbook: normalise, weigh, add up, doubt.

Source of the whole: OECD/JRC (2008), Handbook on Constructing Composite Indicators.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Wholes: TypeAlias = npt.NDArray[np.int64]

RANDOM_INDEX = {3: 0.58, 4: 0.90, 5: 1.12, 6: 1.24, 7: 1.32, 8: 1.41, 9: 1.45, 10: 1.49}
"""Saaty's mean consistency index of random matrices, by size."""


def min_max(values: Floats, *, is_good: bool = True, tail: float = 0.01) -> Floats:
    """0 at the 1st percentile, 1 at the 99th, cut off beyond; turned around where more is worse.

    All 0.5 where every value is the same; a missing value (NaN) stays missing.

    Args:
        values: one indicator of all units.
        is_good: more is better.
        tail: share cut off on either side, so that one odd unit does not press all others together.
    """
    low, high = np.nanquantile(values, [tail, 1 - tail]) if not np.isnan(values).all() else (0.0, 0.0)
    if high <= low:
        return np.where(np.isnan(values), np.nan, 0.5)
    scaled = np.clip((values - low) / (high - low), 0.0, 1.0)
    return scaled if is_good else 1.0 - scaled


def entropy_weights(matrix: Floats) -> Floats:
    """Weight of each indicator by how much it tells units apart: 1 - entropy of its shares.

    Args:
        matrix: units by indicators, nothing below 0, two units or more.

    Raises:
        ValueError: a negative value, fewer than two units, or no indicator that tells units apart.

    Source: Shannon (1948); Zeleny (1982). 0 ln 0 counts as 0.
    """
    if matrix.shape[0] < 2 or (matrix < 0).any():
        raise ValueError("entropy weights need two units or more and no negative value")
    total = matrix.sum(axis=0)
    share = np.divide(matrix, total, out=np.full_like(matrix, 1 / matrix.shape[0]), where=total > 0)
    logs = np.log(share, out=np.zeros_like(share), where=share > 0)
    spread = 1 + (share * logs).sum(axis=0) / np.log(matrix.shape[0])
    spread = np.where(np.abs(spread) < 1e-12, 0.0, spread)
    if spread.sum() <= 0:
        raise ValueError("no indicator tells the units apart")
    weights: Floats = spread / spread.sum()
    return weights


def ahp_weights(judgements: Floats) -> tuple[Floats, float]:
    """Weights out of pairwise judgements, and the consistency ratio; judgements with a ratio of 0.1 or more contradict
    themselves.

    Args:
        judgements: positive reciprocal matrix, how many times row matters more than column; 1 to 10 rows.

    Raises:
        ValueError: not square, not reciprocal, or too large.

    Source: Saaty (1980), The Analytic Hierarchy Process: principal eigenvector, CI = (lambda - n) / (n - 1).
    """
    n = judgements.shape[0]
    if judgements.shape != (n, n) or n > max(RANDOM_INDEX):
        raise ValueError("pairwise judgements are a square matrix of up to 10 rows")
    if not np.allclose(judgements * judgements.T, 1.0):
        raise ValueError("pairwise judgements must be reciprocal: a over b is 1 / (b over a)")
    values, vectors = np.linalg.eig(judgements)
    first = int(np.argmax(values.real))
    weights: Floats = np.abs(vectors[:, first].real)
    weights = weights / weights.sum()
    if n not in RANDOM_INDEX:
        return weights, 0.0
    return weights, float((values[first].real - n) / (n - 1) / RANDOM_INDEX[n])


def topsis(matrix: Floats, weights: Floats, is_good: npt.NDArray[np.bool_]) -> Floats:
    """Closeness of each unit to the best of all and distance from the worst, 0 to 1.

    Args:
        matrix: units by indicators.
        weights: one per indicator.
        is_good: per indicator, more is better.

    Source: Hwang & Yoon (1981), Multiple Attribute Decision Making; vector normalisation.
    """
    norm = np.sqrt((matrix**2).sum(axis=0))
    weighed = np.divide(matrix, norm, out=np.zeros_like(matrix), where=norm > 0) * weights
    high, low = weighed.max(axis=0), weighed.min(axis=0)
    best, worst = np.where(is_good, high, low), np.where(is_good, low, high)
    to_best = np.sqrt(((weighed - best) ** 2).sum(axis=1))
    to_worst = np.sqrt(((weighed - worst) ** 2).sum(axis=1))
    both = to_best + to_worst
    closeness: Floats = np.divide(to_worst, both, out=np.full(len(both), 0.5), where=both > 0)
    return closeness


def aggregate(normalised: Floats, weights: Floats, pillars: Wholes, pillar_weights: Floats) -> Floats:
    """Weighted mean within a pillar, weighted geometric mean across pillars: no pillar makes up wholly for another.

    Args:
        normalised: units by indicators, 0 to 1.
        weights: per indicator; those of a pillar are scaled to sum to 1.
        pillars: per indicator the number of its pillar, from 0.
        pillar_weights: per pillar, scaled to sum to 1.
    """
    scores = np.empty((normalised.shape[0], len(pillar_weights)))
    for pillar in range(len(pillar_weights)):
        own = pillars == pillar
        scores[:, pillar] = normalised[:, own] @ (weights[own] / weights[own].sum())
    share = pillar_weights / pillar_weights.sum()
    with np.errstate(divide="ignore"):
        combined: Floats = np.exp((np.log(scores) * share).sum(axis=1))
    return combined


def ranks(scores: Floats) -> Wholes:
    """1 for the highest; equal scores share the better rank."""
    better: Wholes = (scores[None, :] > scores[:, None]).sum(axis=1)
    return 1 + better


def rank_intervals(
    normalised: Floats,
    weights: Floats,
    pillars: Wholes,
    pillar_weights: Floats,
    *,
    spread: float = 0.25,
    draws: int = 1000,
    seed: int = 20080101,
    coverage: float = 0.9,
) -> tuple[Wholes, Wholes]:
    """How far a rank hangs on the weights: its lowest and highest over random weights around the given ones.

    Args:
        normalised, weights, pillars, pillar_weights: as for `aggregate`.
        spread: each weight is drawn evenly from its own value less and more this share.
        draws: how often.
        seed: of the random numbers; the same seed, the same intervals.
        coverage: share of the draws the interval holds.

    Returns:
        best and worst rank of every unit.

    Source: OECD/JRC (2008), step 7, uncertainty and sensitivity; Saisana et al. (2005), JRSS A 168:307-323.
    """
    random = np.random.default_rng(seed)
    found = np.empty((draws, normalised.shape[0]), dtype=np.int64)
    for i in range(draws):
        drawn = weights * random.uniform(1 - spread, 1 + spread, len(weights))
        drawn_pillars = pillar_weights * random.uniform(1 - spread, 1 + spread, len(pillar_weights))
        # Rounded: ties must not be decided by the last digit.
        found[i] = ranks(np.round(aggregate(normalised, drawn, pillars, drawn_pillars), 9))
    tail = (1 - coverage) / 2
    best = np.quantile(found, tail, axis=0, method="lower").astype(np.int64)
    worst = np.quantile(found, 1 - tail, axis=0, method="higher").astype(np.int64)
    return best, worst
