"""The next days of a daily count, with an interval, and how well that has worked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from lake.methods.baseline import Flags, Floats, seasonal_residuals

_WEEK = 7


@dataclass(frozen=True)
class Forecast:
    """The days ahead: mean, and the bounds of the interval, never below 0."""

    mean: Floats
    lower: Floats
    upper: Floats


Method: TypeAlias = Callable[[Floats, Flags, Flags, Flags, Flags], Forecast]
"""(values, is_holiday, is_makeup, holidays ahead, make-up days ahead) -> the days ahead."""


@dataclass(frozen=True)
class BackTest:
    """What a method would have said on earlier days, against what came.

    Attributes:
        mase: mean absolute error over that of the seasonal naive within the learning days; below 1 is better.
        naive_mase: the same of the seasonal naive forecast over the same days.
        smape: symmetric mean absolute percentage error, 0 to 2.
        covered: share of days inside the interval.
        n: days compared.
    """

    mase: float
    naive_mase: float
    smape: float
    covered: float
    n: int


def seasonal_naive(values: Floats, horizon: int, *, coverage_z: float = 1.2815515655446004) -> Forecast:
    """The same weekday of last week, with a normal interval from the errors it has made.

    Args:
        values: daily counts, oldest first; NaN where missing.
        horizon: days ahead.
        coverage_z: quantile of the standard normal; 1.28 for 80 %.

    Source: Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 5.2 and 5.5.
    """
    last = values[-_WEEK:].copy()
    for i in range(_WEEK):
        same = values[len(values) - _WEEK + i :: -_WEEK]
        known = same[~np.isnan(same)]
        last[i] = known[0] if known.size else 0.0
    mean = np.tile(last, horizon // _WEEK + 1)[:horizon]
    errors = values[_WEEK:] - values[:-_WEEK]
    sd = float(np.sqrt(np.nanmean(errors**2))) if np.any(~np.isnan(errors)) else 0.0
    half = coverage_z * sd * np.sqrt(np.arange(horizon) // _WEEK + 1)
    return Forecast(mean, np.maximum(mean - half, 0.0), mean + half)


def stl_ets(
    values: Floats,
    is_holiday: Flags,
    is_makeup: Flags,
    holiday_ahead: Flags,
    makeup_ahead: Flags,
    *,
    season_weeks: int = 35,
    outer_iterations: int = 5,
    coverage: float = 0.8,
) -> Forecast:
    """Robust STL takes out the week and the holidays, simple exponential smoothing carries on the level.

    The interval takes the errors one step ahead as they were: its half-width is the quantile `coverage` of their size,
    made larger by what the season may be wrong and by sqrt(1 + (h - 1) a^2) h days ahead; a few wild days do not widen
    it, and it is never narrower than that of a Poisson count.

    Args:
        values, is_holiday, is_makeup: days known, oldest first, see `baseline.seasonal_residuals`.
        holiday_ahead, makeup_ahead: days to forecast.
        season_weeks, outer_iterations: of STL.
        coverage: share of the days the interval is to hold.

    Source: Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 6.6 (STL with ETS), 7.7 (variance of
    ETS(A,N,N)) and 5.5 (intervals from residuals); Cleveland et al. (1990).
    """
    from scipy.special import ndtri

    parts = seasonal_residuals(
        values, is_holiday, is_makeup, season_weeks=season_weeks, outer_iterations=outer_iterations
    )
    horizon = len(holiday_ahead)
    usual = ~(is_holiday | is_makeup) & ~np.isnan(values)
    level = np.where(usual, values - parts.season, parts.trend)
    alpha, ahead, errors = smoothed(level)
    week = np.tile(parts.week, horizon // _WEEK + 1)[:horizon]
    factor = np.where(holiday_ahead, parts.holiday, np.where(makeup_ahead, parts.makeup, 1.0))
    mean = np.maximum(ahead + week, 0.0) * factor
    # Seven numbers of the season and a level were taken from the same days: errors look smaller than they will be.
    n = max(int(usual.sum()), _WEEK + 2)
    grown = np.sqrt(n / (n - _WEEK - 1) * (1 + _WEEK / n) * (1 + np.arange(horizon) * alpha**2))
    chance = float(ndtri((1 + coverage) / 2)) * np.sqrt(mean)
    half = np.maximum(float(np.quantile(np.abs(errors[usual]), coverage)) * grown, chance)
    return Forecast(mean, np.maximum(mean - half, 0.0), mean + half)


def smoothed(values: Floats) -> tuple[float, float, Floats]:
    """Simple exponential smoothing: the constant of least squared errors out of 0.01, 0.02 ... 0.99, the level after
    the last value, and the errors of the forecasts one step ahead.

    It begins at the mean of the first four weeks. A grid in place of an optimiser gives the same constant on every
    machine.

    Source: Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 8.1.
    """
    constants = np.arange(1, 100) / 100
    level = np.full(len(constants), float(values[: 4 * _WEEK].mean()))
    errors = np.empty((len(values), len(constants)))
    for i, value in enumerate(values):
        errors[i] = value - level
        level = level + constants * errors[i]
    best = int(np.argmin((errors**2).sum(axis=0)))
    return float(constants[best]), float(level[best]), errors[:, best]


def mase(actual: Floats, predicted: Floats, learned: Floats, *, period: int = _WEEK) -> float:
    """Mean absolute error over the mean absolute error of the seasonal naive method within the learning days.

    NaN where nothing can be compared or the learning days never change.

    Source: Hyndman & Koehler (2006), Int. J. Forecasting 22:679-688.
    """
    error = np.abs(actual - predicted)
    scale = np.abs(learned[period:] - learned[:-period])
    known, scales = error[~np.isnan(error)], scale[~np.isnan(scale)]
    if not known.size or not scales.size or not scales.mean():
        return float("nan")
    return float(known.mean() / scales.mean())


def smape(actual: Floats, predicted: Floats) -> float:
    """Mean of 2 |F - A| / (|A| + |F|), 0 where both are 0; between 0 and 2. NaN without a known value.

    Source: Makridakis (1993), Int. J. Forecasting 9:527-529.
    """
    known = ~np.isnan(actual)
    a, f = actual[known], predicted[known]
    if not a.size:
        return float("nan")
    total = np.abs(a) + np.abs(f)
    return float(np.mean(np.where(total > 0, 2 * np.abs(f - a) / np.where(total > 0, total, 1.0), 0.0)))


def back_test(
    values: Floats, is_holiday: Flags, is_makeup: Flags, method: Method, *, horizon: int, origins: int, least: int
) -> BackTest | None:
    """Rolling origin: forecast from a week earlier, two weeks earlier ..., each time out of what was known then.

    Args:
        values, is_holiday, is_makeup: the series.
        method: what to test.
        horizon: days ahead, and days between origins.
        origins: how many.
        least: days the first origin must have to learn from; earlier origins are left out.

    Source: Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 5.10.
    """
    rows: list[tuple[float, float, float, float, int]] = []
    for step in range(1, origins + 1):
        at = len(values) - step * horizon
        if at < least:
            break
        past, came = slice(0, at), slice(at, at + horizon)
        if np.isnan(values[came]).all():
            continue
        said = method(values[past], is_holiday[past], is_makeup[past], is_holiday[came], is_makeup[came])
        actual = values[came]
        known = ~np.isnan(actual)
        inside = (actual[known] >= said.lower[known]) & (actual[known] <= said.upper[known])
        naive = seasonal_naive(values[past], horizon)
        rows.append(
            (
                mase(actual, said.mean, values[past]),
                mase(actual, naive.mean, values[past]),
                smape(actual, said.mean),
                float(inside.mean()),
                int(known.sum()),
            )
        )
    if not rows:
        return None
    table = np.array(rows)
    n = table[:, 4]
    scaled, naive_scaled, symmetric, covered = (_weighed(table[:, i], n) for i in range(4))
    return BackTest(scaled, naive_scaled, symmetric, covered, int(n.sum()))


def _weighed(values: Floats, n: Floats) -> float:
    known = ~np.isnan(values)
    return float(np.average(values[known], weights=n[known])) if known.any() else float("nan")
