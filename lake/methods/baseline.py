"""What a daily count should have been, and whether it left its usual course.

Four questions, four methods: a single odd day of a busy series (`seasonal_residuals`: STL and a robust z), a single odd
day of a sparse one (`poisson_tail`), a small lasting shift (`ewma`), a lasting drift (`cusum`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]

NORMAL_MAD = 0.6745
"""Median absolute deviation of a standard normal variable (its upper quartile)."""
_WEEK = 7
_NEIGHBOUR_WEEKS = 4


@dataclass(frozen=True)
class Residuals:
    """A daily series taken apart.

    Attributes:
        expected: trend, season of the week and holiday effect, in the unit of the series, never below 0.
        trend, season: the two parts of STL, before holidays.
        z: robust z of what is left; NaN where a value is missing or the residuals do not scatter.
        level: the trend at the end of the series.
        week: season of the seven days that would follow, in their order.
        scatter: robust standard deviation of the residuals.
        holiday: factor by which a public holiday multiplies what the weekday would have; 1 without holidays.
        makeup: the same of a weekend day worked for a holiday.
    """

    expected: Floats
    trend: Floats
    season: Floats
    z: Floats
    level: float
    week: Floats
    scatter: float
    holiday: float
    makeup: float


def seasonal_residuals(
    values: Floats, is_holiday: Flags, is_makeup: Flags, *, season_weeks: int = 35, outer_iterations: int = 5
) -> Residuals:
    """Robust STL with a period of a week, holidays kept out of it and given a factor of their own.

    A missing, holiday or make-up day is filled for the fit by the median of the same weekday of the four weeks around.
    The factor of holidays is the median of observed over fitted; z is 0.6745 (r - median) / MAD.

    Args:
        values: one count per civil day, without gaps in days; NaN where the source was not in.
        is_holiday: public holidays.
        is_makeup: weekend days worked for a holiday.
        season_weeks: weeks over which the season of the week is smoothed, odd; long, so that noise is not taken for it.
        outer_iterations: rounds of robustness weights.

    Raises:
        ValueError: fewer than two whole weeks.

    Source: Cleveland et al. (1990), STL, J. Official Statistics 6:3-73 (statsmodels' port of the authors' code);
    Iglewicz & Hoaglin (1993) for the robust z.
    """
    from statsmodels.tsa.seasonal import STL

    if len(values) < 2 * _WEEK:
        raise ValueError(f"STL with a period of {_WEEK} needs {2 * _WEEK} days, not {len(values)}")
    is_special = is_holiday | is_makeup
    ordinary = np.where(is_special, np.nan, values)
    fit = STL(_filled(ordinary), period=_WEEK, seasonal=season_weeks, robust=True).fit(outer_iter=outer_iterations)
    trend, season = np.asarray(fit.trend, dtype=np.float64), np.asarray(fit.seasonal, dtype=np.float64)
    fitted = np.maximum(trend + season, 0.0)
    holiday, makeup = (_factor(values, fitted, chosen) for chosen in (is_holiday, is_makeup & ~is_holiday))
    expected = fitted * np.where(is_holiday, holiday, np.where(is_makeup, makeup, 1.0))
    left = values - expected
    usual = left[~is_special & ~np.isnan(left)]
    z = robust_z(left, usual)
    return Residuals(expected, trend, season, z, float(trend[-1]), season[-_WEEK:], mad_scatter(usual), holiday, makeup)


def robust_z(values: Floats, usual: Floats) -> Floats:
    """0.6745 (x - median) / MAD, both taken over the usual values; NaN when these do not scatter.

    Source: Iglewicz & Hoaglin (1993), How to Detect and Handle Outliers; above 3.5 counts as an outlier.
    """
    if not usual.size:
        return np.full(values.shape, np.nan)
    middle = float(np.median(usual))
    mad = float(np.median(np.abs(usual - middle)))
    return NORMAL_MAD * (values - middle) / mad if mad > 0 else np.full(values.shape, np.nan)


def mad_scatter(values: Floats) -> float:
    """Standard deviation by the median absolute deviation, MAD / 0.6745; 0 without values."""
    return float(np.median(np.abs(values - np.median(values)))) / NORMAL_MAD if values.size else 0.0


def ewma(values: Floats, *, mean: float, sd: float, weight: float = 0.2, width: float = 3.0) -> tuple[Floats, Floats]:
    """Exponentially weighted moving average and the half-width of its control limits at each step.

    z_t = w x_t + (1 - w) z_(t-1), z_0 = mean; limits mean +- L sd sqrt(w / (2 - w) (1 - (1 - w)^(2t))). A missing value
    (NaN) leaves the average as it was.

    Args:
        values: the series.
        mean, sd: of the process in control.
        weight: lambda, above 0 and at most 1.
        width: L, in standard deviations.

    Returns:
        the averages, and the half-widths; out of control where the average is farther from the mean.

    Source: NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.4.
    """
    averages, halves = np.empty(len(values)), np.empty(len(values))
    average, t = mean, 0
    for i, value in enumerate(values):
        if not np.isnan(value):
            average, t = weight * float(value) + (1 - weight) * average, t + 1
        averages[i] = average
        halves[i] = width * sd * np.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * t)))
    return averages, halves


def cusum(values: Floats, *, mean: float, sd: float, allowance: float = 0.5) -> tuple[Floats, Floats]:
    """Upper and lower cumulative sums in standard deviations; out of control above the decision interval h (usually 5).

    S+_t = max(0, S+_(t-1) + z_t - k), S-_t = max(0, S-_(t-1) - z_t - k) with z = (x - mean) / sd. A missing value (NaN)
    leaves both as they were.

    Args:
        values: the series.
        mean, sd: of the process in control; sd above 0.
        allowance: k, half of the shift to be found, in standard deviations.

    Raises:
        ValueError: sd is not above 0.

    Source: NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.3; Montgomery, Statistical Quality Control.
    """
    if sd <= 0:
        raise ValueError("a process without scatter has no cumulative sum in standard deviations")
    up, down = np.empty(len(values)), np.empty(len(values))
    high = low = 0.0
    for i, value in enumerate(values):
        if not np.isnan(value):
            z = (float(value) - mean) / sd
            high, low = max(0.0, high + z - allowance), max(0.0, low - z - allowance)
        up[i], down[i] = high, low
    return up, down


def poisson_tail(counts: Floats, expected: Floats) -> Floats:
    """P(X >= count) for X of Poisson with the expected mean; NaN where either is missing. A mean of 0 gives 1 or 0.

    Source: the exact test of one count, e.g. Garwood (1936), Biometrika 28:437-442.
    """
    from scipy.special import gammainc

    x, mu = np.broadcast_arrays(np.asarray(counts, dtype=np.float64), np.asarray(expected, dtype=np.float64))
    # P(X >= x) is the regularised incomplete gamma function P(x, mu).
    tail: Floats = np.where(x <= 0, 1.0, gammainc(np.maximum(x, 1e-300), np.maximum(mu, 0.0)))
    return np.where(np.isnan(x) | np.isnan(mu), np.nan, tail)


def _filled(values: Floats) -> Floats:
    """Gaps closed by the median of the same weekday in the weeks around, else of the whole series."""
    filled = values.copy()
    known = values[~np.isnan(values)]
    whole = float(np.median(known)) if known.size else 0.0
    for i in map(int, np.flatnonzero(np.isnan(values))):
        around = values[i % _WEEK :: _WEEK]
        week = i // _WEEK
        near = around[max(0, week - _NEIGHBOUR_WEEKS) : week + _NEIGHBOUR_WEEKS + 1]
        near = near[~np.isnan(near)]
        filled[i] = float(np.median(near)) if near.size else whole
    return filled


def _factor(values: Floats, fitted: Floats, chosen: Flags) -> float:
    usable: Any = chosen & ~np.isnan(values) & (fitted > 0)
    return float(np.median(values[usable] / fitted[usable])) if usable.any() else 1.0
