"""The Python steps over daily cases: rows of `case_day` in, rows of `method_case_baseline` and its sisters out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from lake.methods.steps import Columns, Gathered, groups, recorded, single_thread

if TYPE_CHECKING:
    from lake.methods.baseline import Residuals
    from lake.methods.forecast import Method

_SERIES = ("source_system", "topic_zh", "division_code")


def baseline(days: Columns, given: Mapping[str, float]) -> dict[str, Any]:
    """Expectation, robust z, exact tail and control charts of the newest days of every series.

    STL over the whole history gives each day's expectation and z. The charts look for shifts, which STL's trend would
    follow: their mean and scatter come from the days before the reported ones only.

    Args:
        days: rows of `case_day`, sorted by series and day.
        given: `reported_days`, `least_days`, `least_per_day`, `stl_outer_iterations`, `z_limit`, `least_n`,
            `poisson_alpha`, `ewma_lambda`, `ewma_l`, `cusum_k`, `cusum_h`.
    """
    found = Gathered(
        *_SERIES, "day_on", "cases_n", "expected_n", "residual_z", "poisson_p", "ewma_n", "ewma_limit_n", "cusum_sd",
        "is_spike", "is_rare", "is_ewma_out", "is_cusum_out",
    )  # fmt: skip
    if len(days["day_on"]):
        with single_thread():
            _each_series(days, given, found)
    return found.table(parameters=recorded("case_baseline", given, "numpy", "scipy", "statsmodels"))


def _each_series(days: Columns, given: Mapping[str, float], found: Gathered) -> None:
    from lake.methods import baseline as methods

    reported, least = int(given["reported_days"]), int(given["least_days"])
    for series, rows in groups(days, _SERIES):
        values = days["cases_n"][rows].astype(np.float64)
        if len(values) < least:
            continue
        is_holiday, is_makeup = days["is_holiday"][rows].astype(bool), days["is_makeup_workday"][rows].astype(bool)
        shown = slice(len(values) - reported, len(values))
        before = slice(0, len(values) - reported)
        if np.nanmean(values) >= given["least_per_day"]:
            weeks, rounds = int(given["stl_season_weeks"]), int(given["stl_outer_iterations"])
            whole, usual = (
                methods.seasonal_residuals(
                    values[part], is_holiday[part], is_makeup[part], season_weeks=weeks, outer_iterations=rounds
                )
                for part in (slice(None), before)
            )
            expected, z = whole.expected[shown], whole.z[shown]
            ahead = _ahead(usual, is_holiday[shown], is_makeup[shown])
            # A count scatters at least as chance does; few weeks of small counts can look smoother than that.
            scatter = max(usual.scatter, float(np.sqrt(max(usual.level, 0.0))))
        else:
            expected = ahead = np.full(reported, np.nanmean(values[before]))
            z, scatter = np.full(reported, np.nan), 0.0
        counts = values[shown]
        tail = methods.poisson_tail(counts, expected)
        left = counts - ahead
        if scatter > 0:
            average, half = methods.ewma(left, mean=0.0, sd=scatter, weight=given["ewma_lambda"], width=given["ewma_l"])
            up, _ = methods.cusum(left, mean=0.0, sd=scatter, allowance=given["cusum_k"])
        else:
            average, half, up = (np.full(reported, np.nan) for _ in range(3))
        found.add(
            reported,
            **dict(zip(_SERIES, series, strict=True)),
            day_on=days["day_on"][rows][shown],
            cases_n=counts,
            expected_n=expected,
            residual_z=z,
            poisson_p=tail,
            ewma_n=average,
            ewma_limit_n=half,
            cusum_sd=up,
            is_spike=(z > given["z_limit"]) & (counts >= given["least_n"]),
            is_rare=tail < given["poisson_alpha"],
            is_ewma_out=average > half,
            is_cusum_out=up > given["cusum_h"],
        )


def _ahead(usual: Residuals, is_holiday: npt.NDArray[np.bool_], is_makeup: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """What the days after a series would have if nothing changed: its last level, its week, its holidays."""
    n = len(is_holiday)
    week = np.tile(usual.week, n // len(usual.week) + 1)[:n]
    factor = np.where(is_holiday, usual.holiday, np.where(is_makeup, usual.makeup, 1.0))
    ahead: npt.NDArray[Any] = np.maximum(usual.level + week, 0.0) * factor
    return ahead


def ahead(days: Columns, calendar: Columns, given: Mapping[str, float]) -> dict[str, Any]:
    """The next days of every source and division; rows of `method_case_forecast`.

    Args:
        days: rows of `case_day`, sorted by source, division, topic and day.
        calendar: `date_on`, `is_holiday`, `is_makeup_workday`; a day it does not have counts as ordinary.
        given: `horizon_days`, `least_days`, `coverage`, `stl_season_weeks`, `stl_outer_iterations`.
    """
    found = Gathered(
        "source_system", "division_code", "day_on", "horizon_days", "expected_n", "lower_n", "upper_n", "is_holiday"
    )
    horizon = int(given["horizon_days"])
    special = [set(calendar["date_on"][calendar[name]].tolist()) for name in ("is_holiday", "is_makeup_workday")]
    with single_thread():
        for series, (values, is_holiday, is_makeup, last) in _totals(days):
            if len(values) < given["least_days"]:
                continue
            coming = last + np.arange(1, horizon + 1)
            flags = [np.array([day in days_off for day in coming.tolist()]) for days_off in special]
            said = _method(given)(values, is_holiday, is_makeup, *flags)
            found.add(
                horizon,
                **dict(zip(("source_system", "division_code"), series, strict=True)),
                day_on=coming,
                horizon_days=np.arange(1, horizon + 1),
                expected_n=said.mean,
                lower_n=said.lower,
                upper_n=said.upper,
                is_holiday=flags[0],
            )
    return found.table(parameters=recorded("forecast", given, "numpy", "statsmodels"))


def tested(days: Columns, given: Mapping[str, float]) -> dict[str, Any]:
    """How well the forecasts would have done on earlier weeks; rows of `method_forecast_backtest`.

    Args:
        days: rows of `case_day`, sorted by source, division, topic and day.
        given: those of `ahead`, and `origins`.
    """
    from lake.methods import forecast

    found = Gathered(
        "source_system", "division_code", "days_n", "mase", "naive_mase", "smape_pct", "covered_pct",
        "is_better_than_naive",
    )  # fmt: skip
    with single_thread():
        for series, (values, is_holiday, is_makeup, _) in _totals(days):
            test = forecast.back_test(
                values,
                is_holiday,
                is_makeup,
                _method(given),
                horizon=int(given["horizon_days"]),
                origins=int(given["origins"]),
                least=int(given["least_days"]),
            )
            if test is None:
                continue
            found.add(
                1,
                **dict(zip(("source_system", "division_code"), series, strict=True)),
                days_n=test.n,
                mase=test.mase,
                naive_mase=test.naive_mase,
                smape_pct=100 * test.smape,
                covered_pct=100 * test.covered,
                is_better_than_naive=bool(test.mase < test.naive_mase),
            )
    return found.table(parameters=recorded("forecast", given, "numpy", "statsmodels"))


_Total: TypeAlias = "tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.bool_], np.datetime64]"


def _totals(days: Columns) -> Iterator[tuple[tuple[Any, ...], _Total]]:
    """Cases of all topics of a source and division, day by day: values, holidays, make-up days, and the last day."""
    for series, rows in groups(days, ("source_system", "division_code")):
        on = days["day_on"][rows]
        n = len(np.unique(on))
        # Every topic has every day.
        values = days["cases_n"][rows].astype(np.float64).reshape(-1, n).sum(axis=0)
        is_holiday, is_makeup = (days[name][rows][:n].astype(bool) for name in ("is_holiday", "is_makeup_workday"))
        known = np.flatnonzero(~np.isnan(values))
        if not known.size:
            continue
        # Days that are not in yet at the end are what is to be forecast.
        end = int(known[-1]) + 1
        yield series, (values[:end], is_holiday[:end], is_makeup[:end], on[end - 1])


def _method(given: Mapping[str, float]) -> Method:
    from lake.methods import forecast

    return partial(
        forecast.stl_ets,
        season_weeks=int(given["stl_season_weeks"]),
        outer_iterations=int(given["stl_outer_iterations"]),
        coverage=given["coverage"],
    )
