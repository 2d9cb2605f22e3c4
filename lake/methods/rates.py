"""Rates of small numbers: drawn to their neighbours' mean, or given with an interval."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]


def empirical_bayes(events: Floats, population: Floats) -> Floats:
    """Rates drawn to the overall rate, the more so the smaller the population.

    r_i = w_i x_i / n_i + (1 - w_i) m with w_i = s2 / (s2 + m / n_i); m is the overall rate and s2 the variance between
    areas beyond chance, by the method of moments. NaN without population; all are m where areas differ by chance only.

    Args:
        events: counts per area.
        population: at risk, same order.

    Returns:
        events per head, same order.

    Source: Marshall (1991), Applied Statistics 40:283-294, the global estimator; esda's Empirical_Bayes computes the
    same and is the reference of its test, which also holds Clayton & Kaldor's (1987) idea.
    """
    lived = population > 0
    rates = np.full(len(events), np.nan)
    if not lived.any():
        return rates
    x, n = events[lived], population[lived]
    mean = x.sum() / n.sum()
    variance = float((n * (x / n - mean) ** 2).sum() / n.sum() - mean / n.mean())
    between = max(variance, 0.0)
    if mean == 0:
        rates[lived] = 0.0
        return rates
    weight = between / (between + mean / n)
    rates[lived] = weight * (x / n) + (1 - weight) * mean
    return rates


def wilson(successes: Floats, trials: Floats, *, alpha: float = 0.05) -> tuple[Floats, Floats]:
    """Score interval of a proportion; it holds what it promises for few trials and shares near 0 or 1.

    Args:
        successes, trials: whole numbers, one pair per proportion; NaN bounds without trials.
        alpha: 1 - confidence.

    Source: Wilson (1927), JASA 22:209-212; computed by statsmodels.
    """
    from statsmodels.stats.proportion import proportion_confint

    tried = trials > 0
    low, high = np.full(len(trials), np.nan), np.full(len(trials), np.nan)
    if tried.any():
        low[tried], high[tried] = proportion_confint(successes[tried], trials[tried], alpha=alpha, method="wilson")
    return low, high
