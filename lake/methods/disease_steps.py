"""The Python step over weekly cases of diseases: rows of `disease_count` in, rows of `method_disease_signal` out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from lake.methods import outbreak
from lake.methods.steps import Columns, Gathered, groups, recorded, single_thread

_WEEKS_IN_YEAR = 52.18
_EARS_BASELINE, _EARS_LAG = 7, 2


def signals(weeks: Columns, given: Mapping[str, float]) -> dict[str, Any]:
    """The newest weeks of every disease and division against their past.

    Farrington looks back as many of `years` as the series has; with fewer than `least_years` EARS C2 judges.

    Args:
        weeks: rows of `disease_count`, sorted by disease, division and week; every series has the same weeks.
        given: `years`, `least_years`, `half_window`, `periods`, `excluded`, `residual_limit`, `z`, `ears_limit`,
            `least_cases`, `least_weeks`, `reported_weeks`.
    """
    found = Gathered(
        "disease_key", "division_code", "week_on", "cases_n", "method", "expected_n", "upper_n", "score", "ears_c1",
        "ears_c2", "ears_c3", "is_signal",
    )  # fmt: skip
    with single_thread():
        for (disease, division), rows in groups(weeks, ("disease_key", "division_code")):
            counts = weeks["cases_n"][rows].astype(np.float64)
            c1, c2, c3 = outbreak.ears(counts)
            for at in range(max(0, len(counts) - int(given["reported_weeks"])), len(counts)):
                judged = _by_farrington(counts[: at + 1], given) or _by_ears(counts[: at + 1], given)
                found.add(
                    1,
                    disease_key=disease,
                    division_code=division,
                    week_on=weeks["week_on"][rows][at : at + 1],
                    cases_n=int(counts[at]),
                    ears_c1=float(c1[at]),
                    ears_c2=float(c2[at]),
                    ears_c3=float(c3[at]),
                    **judged,
                )
    return found.table(parameters=recorded("disease_signal", given, "numpy", "statsmodels"))


def _by_farrington(counts: npt.NDArray[np.float64], given: Mapping[str, float]) -> dict[str, Any] | None:
    weeks = len(counts) - 1 - int(given["half_window"])
    years = min(int(given["years"]), int(weeks // _WEEKS_IN_YEAR))
    if years < given["least_years"]:
        return None
    signal = outbreak.farrington(
        counts,
        years=years,
        half_window=int(given["half_window"]),
        periods=int(given["periods"]),
        excluded=int(given["excluded"]),
        residual_limit=given["residual_limit"],
        z=given["z"],
        least_cases=int(given["least_cases"]),
        least_weeks=int(given["least_weeks"]),
    )
    if signal is None:
        return None
    return {
        "method": "farrington",
        "expected_n": signal.expected,
        "upper_n": signal.upper,
        "score": signal.score,
        "is_signal": signal.is_alarm,
    }


def _by_ears(counts: npt.NDArray[np.float64], given: Mapping[str, float]) -> dict[str, Any]:
    _, c2, _ = outbreak.ears(counts[-(_EARS_BASELINE + 2 * _EARS_LAG + 1) :])
    if np.isnan(c2[-1]):
        none = float("nan")
        return {"method": "none", "expected_n": none, "upper_n": none, "score": none, "is_signal": False}
    base = counts[-_EARS_BASELINE - _EARS_LAG - 1 : -_EARS_LAG - 1]
    expected, limit = float(base.mean()), given["ears_limit"]
    deviation = max(float(base.std(ddof=1)), outbreak.LEAST_SD)
    enough = counts[-int(given["least_weeks"]) :].sum() >= given["least_cases"]
    return {
        "method": "ears",
        "expected_n": expected,
        "upper_n": expected + limit * deviation,
        "score": float(c2[-1]) / limit,
        "is_signal": bool(c2[-1] >= limit and enough),
    }
