"""Diseases above their limit: I16, from the events ``disease_week`` (S19)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from demo_city.truth.indicators.frame import Figures, Frame, MissingEvents, Part
from demo_city.truth.indicators.registry import indicator

YEARS, HALF, EXCLUDED, LEAST_YEARS = 5, 3, 26, 3
Z, REWEIGHT, LEAST_CASES = 2.58, 2.58, 5
EARS_WEEKS, EARS_LAG, EARS_LIMIT = 7, 2, 3.0
WEEKS_IN_YEAR = 52


def farrington(counts: Any, at: int) -> tuple[float, float]:
    """Expected number and upper bound for week `at` of a series of weekly counts (Farrington 1996).

    Baseline: weeks within 3 of the same week in each of the last 5 years (as many as there are), none of the last 26.
    Quasi-Poisson ``log μ = α + βt``; the trend is dropped when it is not significant at 5 %, when the expected number
    would exceed every count of the baseline, or when the baseline has fewer than three years. Baseline weeks with an
    Anscombe residual s > 2.58 are weighted by s⁻² and the model is fitted again. Bound:
    ``U = μ (1 + (2/3) z √(τ/μ))^(3/2)``, ``τ = φ + Var(μ)/μ``, z = 2.58. No seasonal factor: the baseline is of the
    same season.

    Returns:
        (μ, U); NaN for both when there is no baseline of `LEAST_YEARS` years.
    """
    years = [k for k in range(1, YEARS + 1) if at - k * WEEKS_IN_YEAR - HALF >= 0]
    if len(years) < LEAST_YEARS:
        return np.nan, np.nan
    weeks = np.concatenate([np.arange(-HALF, HALF + 1) + at - k * WEEKS_IN_YEAR for k in years])
    weeks = np.unique(weeks[weeks < at - EXCLUDED])
    y, t = counts[weeks].astype(np.float64), weeks - float(at)
    if not y.sum():
        return 0.0, 0.0
    with_trend = _weighted_fit(y, t)
    expected, beta, beta_se = with_trend[0], with_trend[3], with_trend[4]
    if abs(beta) > 1.96 * beta_se and expected <= y.max():
        mu, phi, variance = with_trend[:3]
    else:
        mu, phi, variance, _, _ = _weighted_fit(y, None)
    tau = phi + variance / mu
    return mu, mu * (1 + 2 / 3 * Z * np.sqrt(tau / mu)) ** 1.5


def _weighted_fit(y: Any, t: Any) -> tuple[float, float, float, float, float]:
    """(μ at t = 0, φ, Var(μ), β, its standard error) after one reweighting."""
    design = np.ones((len(y), 1)) if t is None else np.column_stack([np.ones(len(y)), t])
    weights = np.ones(len(y))
    _, mu, phi, _, leverage = _fit(design, y, weights)
    # Anscombe residuals of a Poisson count, standardised.
    residual = 1.5 * (y ** (2 / 3) - mu ** (2 / 3)) / mu ** (1 / 6) / np.sqrt(phi * (1 - np.minimum(leverage, 0.999)))
    far = residual > REWEIGHT
    if far.any():
        weights = np.where(far, np.maximum(residual, 1e-9) ** -2.0, 1.0)
        weights *= len(y) / weights.sum()
    coefficients, _, phi, covariance, _ = _fit(design, y, weights)
    now = float(np.exp(coefficients[0]))
    slope, error = (0.0, np.inf) if t is None else (float(coefficients[1]), float(np.sqrt(covariance[1, 1])))
    return now, phi, now * now * float(covariance[0, 0]), slope, error


def _fit(design: Any, y: Any, weights: Any) -> tuple[Any, Any, float, Any, Any]:
    """Quasi-Poisson by iterated least squares: coefficients, means, dispersion (at least 1), covariance, leverage."""
    mu = np.maximum(y, 0.5)
    coefficients = np.zeros(design.shape[1])
    for _ in range(50):
        eta = np.log(mu)
        working = eta + (y - mu) / mu
        w = weights * mu
        information = design.T @ (design * w[:, None])
        fresh = np.linalg.pinv(information) @ (design.T @ (w * working))
        mu = np.exp(np.clip(design @ fresh, -30, 30))
        if np.allclose(fresh, coefficients, rtol=1e-10, atol=1e-10):
            break
        coefficients = fresh
    w = weights * mu
    inverse = np.linalg.pinv(design.T @ (design * w[:, None]))
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design) * w
    free = max(len(y) - design.shape[1], 1)
    phi = max(float((weights * (y - mu) ** 2 / mu).sum() / free), 1.0)
    return fresh, mu, phi, phi * inverse, leverage


def ears_c2(counts: Any, at: int) -> float:
    """EARS C2 for week `at`: (count − mean) / standard deviation of the 7 weeks that end 3 weeks before.

    The standard deviation has n − 1 and is at least 0.5, lest a run of zeros make of every case an alarm. NaN when the
    history is shorter.
    """
    end = at - EARS_LAG
    if end - EARS_WEEKS < 0:
        return np.nan
    baseline = counts[end - EARS_WEEKS : end].astype(np.float64)
    return float((counts[at] - baseline.mean()) / max(baseline.std(ddof=1), 0.5))


@indicator(
    "I16",
    Part(
        "I16",
        "signals",
        "传染病超限信号数",
        "种",
        "Diseases with an alarm in the week.",
        windows=("week",),
        scopes=("city",),
    ),
    Part(
        "I16",
        "cases",
        "法定传染病报告数",
        "例",
        "Cases by week of onset, all diseases.",
        windows=("week",),
        scopes=("city", "county"),
    ),
    Part(
        "I16",
        "signals_per_week",
        "超限周数",
        "周·种",
        "Alarms in the weeks that end in the month.",
        windows=("month",),
        scopes=("city",),
    ),
)
def diseases(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I16: diseases (city) with an alarm, per week of onset from Monday to Sunday.

    Alarm: Farrington's exceedance (y − μ)/(U − μ) ≥ 1 where three years of weeks lie before; else EARS C2 > 3, taken on
    weeks (baseline 7 weeks, lag 2). In both cases only with 5 cases or more in the last 4 weeks. Known: counts as last
    reported by the end of the week itself, every earlier week as reported by then. The city lives from 2024-01-01, so
    before 2027 it is EARS C2. Cases are counted where the report counts them, by county: no table has them by township.
    Some are reported weeks after their onset; a week of which some are not reported yet is not recoverable.
    """
    weeks = frame.events("disease_week", "disease", "week_on", "n_final", first_on="week_on")
    windows = frame.windows("week")
    week = weeks["week_on"].astype("datetime64[D]")
    names = np.unique(weeks["disease"].astype(str))
    if not len(names):
        raise MissingEvents("the events 'disease_week' are empty")
    start = week.min()
    n = int((week.max() - start).astype(int) // 7) + 1
    at = (week - start).astype(int) // 7
    which = np.searchsorted(names, weeks["disease"].astype(str))
    final = np.bincount(which * n + at, weeks["n_final"].astype(np.float64), len(names) * n).reshape(len(names), n)
    told = _as_told(weeks, which, at, len(names), n)
    alarms, known = np.zeros(windows.n), np.zeros(windows.n)
    for number, monday in enumerate(windows.first):
        now = int((monday - start).astype(int) // 7)
        if 0 <= now < n:
            alarms[number] = sum(_is_alarm(series, now) for series in final)
            known[number] = sum(_is_alarm(series, now) for series in told(now))
    history = (windows.first - frame.days.array[0]).astype(int) // 7 < EARS_WEEKS + EARS_LAG
    short = np.repeat(history[:, None], frame.divisions.n, axis=1)
    frame.write(
        parts["signals"],
        windows,
        Figures(alarms[:, None], known[:, None], lost=short, reason="the weeks before are not in what was delivered"),
    )
    months = frame.windows("month")
    ends = months.holding(windows.last)
    by_month = [np.bincount(ends[ends >= 0], values[ends >= 0], minlength=months.n) for values in (alarms, known)]
    short_month = np.bincount(ends[ends >= 0], history[ends >= 0], minlength=months.n)
    frame.write(
        parts["signals_per_week"],
        months,
        Figures(
            by_month[0][:, None],
            by_month[1][:, None],
            lost=np.repeat(short_month[:, None], frame.divisions.n, 1),
            reason="the weeks before are not in what was delivered",
        ),
    )
    first = weeks[_first_told(weeks)]
    # By the last day the report of so many weeks after this one has come.
    age = (frame.days.array[-1] - week).astype(int) // 7 - 1
    so_far = np.zeros(weeks.n)
    for k in range(sum(name.startswith("n_week") for name in weeks.columns)):
        so_far = np.where(age >= k, weeks[f"n_week{k}"].astype(np.float64), so_far)
    weeks = replace(weeks, lost=weeks.lost | (so_far < weeks["n_final"]))
    frame.count(
        parts["cases"], weeks, week, weight=weeks["n_final"].astype(np.float64), known_weight=first.astype(np.float64)
    )


def alarms_of(frame: Frame) -> tuple[Any, Any]:
    """Disease and Monday of every week with an alarm by the final counts, whatever was delivered."""
    weeks = frame.table("disease_week", "disease", "week_on", "n_final")
    if not weeks.rows_n:
        return np.zeros(0, dtype=object), np.zeros(0, "datetime64[D]")
    week = weeks["week_on"].astype("datetime64[D]")
    names, which = np.unique(weeks["disease"].astype(str), return_inverse=True)
    at, n = (week - week.min()).astype(int) // 7, int((week.max() - week.min()).astype(int) // 7) + 1
    counts = np.bincount(which * n + at, weeks["n_final"].astype(np.float64), len(names) * n).reshape(len(names), n)
    found = [
        (name, week.min() + 7 * now)
        for name, series in zip(names, counts, strict=True)
        for now in range(n)
        if _is_alarm(series, now)
    ]
    return np.array([name for name, _ in found], dtype=object), np.array([on for _, on in found], "datetime64[D]")


def _first_told(weeks: Any) -> str:
    named = sorted(name for name in weeks.columns if name.startswith("n_week"))
    if not named:
        raise MissingEvents("the events 'disease_week' do not say what was known after k weeks (n_week0, n_week1 …)")
    return named[0]


def _as_told(weeks: Any, which: Any, at: Any, diseases_n: int, weeks_n: int) -> Any:
    """Gives, for a week, all counts as they had been told by its end."""
    names = sorted((name for name in weeks.columns if name.startswith("n_week")), key=lambda name: int(name[6:]))
    _first_told(weeks)
    versions = np.stack(
        [np.bincount(which * weeks_n + at, weeks[name].astype(np.float64), diseases_n * weeks_n) for name in names]
    ).reshape(len(names), diseases_n, weeks_n)

    def told(now: int) -> Any:
        age = np.clip(now - np.arange(weeks_n), 0, len(names) - 1)
        return versions[age, :, np.arange(weeks_n)].T

    return told


def _is_alarm(counts: Any, now: int) -> bool:
    if counts[max(now - 3, 0) : now + 1].sum() < LEAST_CASES:
        return False
    mu, bound = farrington(counts, now)
    if np.isfinite(bound) and bound > mu:
        return bool((counts[now] - mu) / (bound - mu) >= 1)
    return bool(ears_c2(counts, now) > EARS_LIMIT)
