"""Whether a count of a disease is more than its past explains.

With three years of weeks or more: Farrington flexible (`farrington`). With less: EARS C1, C2, C3 (`ears`), which know
no season and look back nine periods at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]

_WEEKS_IN_YEAR = 365.25 / 7
_EARS_BASELINE = 7
_EARS_LAG = 2
_SMALLEST_TREND_YEARS = 3
LEAST_SD = 0.5
"""Smallest standard deviation EARS believes: seven equal counts are no certainty."""


@dataclass(frozen=True)
class Signal:
    """A week against its past.

    Attributes:
        expected: mean by the model, in cases.
        upper: bound that chance exceeds with probability alpha.
        score: (observed - expected) / (upper - expected); an excess from 1 on.
        dispersion: of the quasi-Poisson model, at least 1.
        has_trend: the trend was kept.
        is_alarm: score at least 1, and enough cases in the last weeks.
    """

    expected: float
    upper: float
    score: float
    dispersion: float
    has_trend: bool
    is_alarm: bool


def farrington(
    counts: Floats,
    *,
    years: int = 5,
    half_window: int = 3,
    periods: int = 10,
    excluded: int = 26,
    residual_limit: float = 2.58,
    z: float = 2.5758293035489004,
    least_cases: int = 5,
    least_weeks: int = 4,
) -> Signal | None:
    """The newest week of a weekly series against the same season of earlier years.

    A quasi-Poisson regression with log link, a linear trend and a season of ten levels over the weeks from
    `years` before, without the newest `excluded`; fitted twice, the second time with weeks of a large Anscombe residual
    down-weighted by its inverse square. The trend is dropped where it predicts more than was ever seen, and with
    fewer than three years. The bound is that of the 2/3 power transformation.

    Args:
        counts: weekly cases, oldest first, the week in question last; NaN where a week is missing.
        years: b, years looked back.
        half_window: w, weeks on either side of the same week of an earlier year.
        periods: levels of the season; the window is one of them.
        excluded: newest weeks left out, lest an outbreak be its own baseline.
        residual_limit: Anscombe residual above which a week counts less.
        z: quantile of the standard normal for 1 - alpha.
        least_cases, least_weeks: no alarm below so many cases in so many weeks.

    Returns:
        None where the series is too short for `years`, the newest week is missing, or nothing ever happened.

    Source: Noufaily et al. (2013), Statistics in Medicine 32:1206-1222; Farrington et al. (1996), JRSS A 159:547-563;
    as described for the R package surveillance by Salmon et al. (2016), J. Stat. Software 70(10).
    """
    now = len(counts) - 1
    reference = [now - round(i * _WEEKS_IN_YEAR) for i in range(years + 1)]
    if reference[-1] - half_window < 0 or np.isnan(counts[now]):
        return None
    level = season(reference, half_window, periods, len(counts))
    level[max(0, now - excluded) :] = -1
    used = np.flatnonzero((level >= 0) & ~np.isnan(counts))
    response = counts[used]
    if not response.sum():
        return None
    dummies = (level[used, None] == np.arange(1, periods)[None, :]).astype(np.float64)
    dummies = dummies[:, dummies.any(axis=0)]
    time = (used - used[0]).astype(np.float64)
    first, has_trend = None, years >= _SMALLEST_TREND_YEARS
    if has_trend:
        first = _fit(response, np.column_stack([np.ones(len(used)), dummies, time]), residual_limit)
        at = np.r_[1.0, np.zeros(dummies.shape[1]), float(now - used[0])]
        has_trend = first is not None and float(np.exp(at @ first.params)) <= float(response.max())
    if not has_trend:
        first = _fit(response, np.column_stack([np.ones(len(used)), dummies]), residual_limit)
        at = np.r_[1.0, np.zeros(dummies.shape[1])]
    if first is None:
        return None
    mean = float(np.exp(at @ first.params))
    error = mean * float(np.sqrt(at @ first.cov_params() @ at))
    dispersion = max(float(first.scale), 1.0)
    upper = upper_bound(mean, error, dispersion, z)
    score = (float(counts[now]) - mean) / (upper - mean)
    recent = float(np.nansum(counts[-least_weeks:]))
    return Signal(mean, upper, score, dispersion, has_trend, score >= 1 and recent >= least_cases)


def season(reference: list[int], half_window: int, periods: int, n: int) -> npt.NDArray[np.int64]:
    """Level of the season of every week: 0 in the windows around the reference weeks, 1 to periods - 1 between them,
    -1 before the first window.

    Args:
        reference: index of the week in question and of the same week of each earlier year.
        half_window: weeks on either side.
        periods: levels.
        n: weeks.
    """
    level = np.full(n, -1, dtype=np.int64)
    for later, earlier in pairwise(reference):
        between = np.arange(earlier + half_window + 1, later - half_window)
        for number, block in enumerate(np.array_split(between, periods - 1), start=1):
            level[block] = number
    for week in reference:
        level[max(0, week - half_window) : week + half_window + 1] = 0
    return level


def upper_bound(mean: float, error: float, dispersion: float, z: float) -> float:
    """mean (1 + 2/3 z sqrt(tau / mean))^(3/2) with tau = dispersion + error^2 / mean.

    Args:
        mean: expected count, above 0.
        error: standard error of the mean.
        dispersion: of the quasi-Poisson model.
        z: quantile of the standard normal.
    """
    tau = dispersion + error**2 / mean
    return float(mean * (1 + 2 / 3 * z * np.sqrt(tau / mean)) ** 1.5)


def anscombe_weights(residuals: Floats, limit: float) -> Floats:
    """1 / s^2 where a standardised Anscombe residual s is above the limit, else 1; scaled so that they sum to n."""
    raw = np.where(residuals > limit, np.maximum(residuals, limit if limit > 0 else 1e-12) ** -2.0, 1.0)
    weights: Floats = raw * len(raw) / raw.sum()
    return weights


def _fit(response: Floats, design: Floats, limit: float) -> Any:
    """Quasi-Poisson regression, reweighted once; None where it does not converge."""
    from statsmodels.genmod.families import Poisson
    from statsmodels.genmod.generalized_linear_model import GLM

    first = GLM(response, design, family=Poisson()).fit(scale="X2")
    if not first.converged:
        return None
    leverage = np.clip(first.get_hat_matrix_diag(), 0.0, 1.0 - 1e-9)
    mu = np.asarray(first.fittedvalues)
    residuals = 1.5 * (response ** (2 / 3) * mu ** (-1 / 6) - np.sqrt(mu))
    residuals = residuals / np.sqrt(max(float(first.scale), 1.0) * (1 - leverage))
    weights = anscombe_weights(residuals, limit)
    second = GLM(response, design, family=Poisson(), var_weights=weights).fit(scale="X2")
    return second if second.converged else None


def ears(counts: Floats, *, least_sd: float = LEAST_SD) -> tuple[Floats, Floats, Floats]:
    """C1, C2 and C3 of every period, in standard deviations; NaN where the baseline is not whole.

    C1: (y - mean) / sd over the seven periods before. C2: over the seven that end two periods earlier, lest a slow
    rise be its own baseline. C3: sum of max(0, C2 - 1) over this period and the two before. C1 and C2 signal above 3,
    C3 above 2.

    Args:
        counts: cases of each day (or week), oldest first; NaN where missing.
        least_sd: smallest standard deviation that is believed.

    Source: Hutwagner et al. (2003), J. Urban Health 80:i89-i96; Salmon et al. (2016) for C3.
    """
    n = len(counts)
    c1, c2, c3 = (np.full(n, np.nan) for _ in range(3))
    for lag, into in ((0, c1), (_EARS_LAG, c2)):
        for t in range(_EARS_BASELINE + lag, n):
            base = counts[t - lag - _EARS_BASELINE : t - lag]
            into[t] = (counts[t] - base.mean()) / max(float(base.std(ddof=1)), least_sd)
    for t in range(_EARS_BASELINE + 2 * _EARS_LAG, n):
        c3[t] = np.maximum(0.0, c2[t - 2 : t + 1] - 1).sum()
    return c1, c2, c3
