"""The Python steps over daily cases: rows of `case_day` in, rows of `method_case_baseline` and its sisters out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lake.methods.steps import Columns, Gathered, groups, recorded, single_thread

if TYPE_CHECKING:
    from lake.methods.baseline import Residuals

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
