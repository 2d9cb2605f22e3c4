"""The city's health check by three parties, and how safe people feel: I20, I26 (S33)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from demo_city.truth.indicators.frame import Events, Figures, Frame, Part, day
from demo_city.truth.indicators.registry import indicator

_QUARTER = ("quarter",)
PUBLIC_MET = 72.0
"""Points of 100 that people of this city give on average to what is just at its target."""
Z = 1.959964


@indicator(
    "I20",
    Part(
        "I20",
        "met_rate",
        "体检达标率",
        "1",
        "Indicators whose third-party value meets the target / indicators.",
        windows=_QUARTER,
        variant="third",
    ),
    Part(
        "I20",
        "met_rate",
        "体检达标率（自评）",
        "1",
        "The same by what the unit says of itself.",
        windows=_QUARTER,
        variant="self",
    ),
    Part(
        "I20",
        "met_rate",
        "体检达标率（实际）",
        "1",
        "The same by what is so; no delivery tells it.",
        windows=_QUARTER,
        variant="true",
    ),
    Part(
        "I20",
        "self_bias",
        "与自检偏差",
        "1",
        "Mean over the indicators of (self − third) / third, its sign turned where less is better: above 0 the unit "
        "sees itself in too good a light. Indicators with third = 0 are left out.",
        windows=_QUARTER,
    ),
    Part(
        "I20",
        "agreement_rate",
        "三方一致率",
        "1",
        "Indicators on which self, third party and public agree whether the target is met (public: 72 points) / "
        "indicators.",
        windows=_QUARTER,
    ),
)
def check(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I20: targets met, bias of the self-assessment, agreement of three parties, over the indicators of a quarter.

    Each division has indicators of its own; a city's or county's value is not made of its townships'. Met: at most the
    target where less is better, else at least. Known: the quarter's workbook, if it had arrived. A row that is held
    back, or has no value of the third party, leaves a share over the others, which is not the one over all.
    """
    rows = frame.table(
        "health_check", "indicator", "scope", "period", "value", "self", "third", "public", "target", "is_lower_better"
    )
    windows = frame.windows("quarter")
    quarter = np.array(
        [f"{text[:4]}-{3 * int(text[-1]) - 2:02}" for text in rows["period"].astype(str)], "datetime64[M]"
    )
    at = windows.holding(quarter.astype("datetime64[D]"))
    codes = {code: number for number, code in enumerate(frame.divisions.codes.astype(str))}
    of = np.array([codes.get(code, -1) for code in rows["scope"].astype(str)], dtype=np.int64)
    inside = (at >= 0) & (of >= 0)
    arrived = frame.known_from("health_check", quarter.astype("datetime64[D]"))
    in_time = inside & (arrived <= windows.last[np.maximum(at, 0)]) if windows.n else inside
    less = rows["is_lower_better"].astype(bool)
    met = {
        name: np.where(less, rows[name] <= rows["target"], rows[name] >= rows["target"])
        for name in ("value", "self", "third")
    }
    public = rows["public"].astype(np.float64) >= PUBLIC_MET
    third = rows["third"].astype(np.float64)
    bias = np.divide(rows["self"] - third, third, out=np.full(len(third), np.nan), where=third != 0)
    bias = np.where(less, -bias, bias)
    agree = (met["self"] == met["third"]) & (met["third"] == public)

    def summed(values: Any, which: Any) -> Any:
        made = np.zeros((windows.n, frame.divisions.n))
        np.add.at(made, (at[which], of[which]), values[which].astype(np.float64))
        return made

    ones = np.ones(len(third))
    # Held back for its cell with a unit in it, a row tells nothing.
    told = Events(rows, of, arrived, np.zeros(len(third), bool))
    held = frame.without("health_check", "self", told).lost
    short = held | frame.without("health_check", "third", told).lost
    untold = {"met_rate:self": held, "met_rate:third": short, "self_bias": short, "agreement_rate": short}
    for name, values, there in (
        ("met_rate:third", met["third"], ones > 0),
        ("met_rate:self", met["self"], ones > 0),
        ("met_rate:true", met["value"], ones > 0),
        ("self_bias", np.nan_to_num(bias), ~np.isnan(bias)),
        ("agreement_rate", agree, ones > 0),
    ):
        lost = frame.everywhere(1.0) if name == "met_rate:true" else summed(untold[name], inside)
        frame.write(
            parts[name],
            windows,
            Figures(
                summed(values, inside & there),
                summed(values, in_time & there),
                summed(ones, inside & there),
                summed(ones, in_time & there),
                lost,
                reason="no party tells what is so" if name == "met_rate:true" else "cells are missing in the workbook",
            ),
        )


@indicator(
    "I26",
    *(
        Part("I26", name, title, "1", f"Weighted mean of the points (1 to 5) of {column}.", windows=_QUARTER)
        for name, title, column in (("safety", "安全感", "score"), ("satisfaction", "满意度", "satisfaction"))
    ),
    *(
        Part(
            "I26",
            f"{name}_{bound}",
            f"{title}区间{zh}",
            "1",
            f"{'Lower' if bound == 'low' else 'Upper'} bound of its 95 % interval.",
            windows=_QUARTER,
        )
        for name, title in (("safety", "安全感"), ("satisfaction", "满意度"))
        for bound, zh in (("low", "下限"), ("high", "上限"))
    ),
)
def survey(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I26: Σ w x / Σ w over the answers of a quarter, and its 95 % interval m ± 1.96 √(Σ w² (x − m)²) / Σ w.

    Answers of the sample, with their design weights; the interval is that of the sample, by linearisation, answers
    taken as independent. Known: the quarter's file, if it had arrived. Answers that an interviewer made up, weights
    that were not written down and points that the scale does not have are in no other file.
    """
    rows = frame.table("survey", "no", "at", "score", "satisfaction", "weight", "township_i")
    quarter = rows["at"].astype("datetime64[M]")
    quarter = (quarter - quarter.astype(np.int64) % 3).astype("datetime64[D]")
    arrived = frame.known_from("survey", quarter)
    answers = Events(rows, frame.divisions.leaf_of_township(rows["township_i"]), arrived, np.isnat(arrived))
    for column in ("score", "weight"):
        answers = frame.without("survey", column, answers)
    weight, on = rows["weight"].astype(np.float64), day(rows["at"])
    windows = frame.windows("quarter")
    lost = frame.tally(windows, on, answers.place, answers.lost.astype(float))
    for name, column in (("safety", "score"), ("satisfaction", "satisfaction")):
        points = rows[column].astype(np.float64)
        sums = [[
            frame.tally(windows, on, answers.place, amount, known)
            for amount in (weight, weight * points, weight**2, weight**2 * points, weight**2 * points**2)
        ] for known in (None, answers.known)]  # fmt: skip
        frame.write(parts[name], windows, Figures(sums[0][1], sums[1][1], sums[0][0], sums[1][0], lost))
        for bound, sign in (("low", -1.0), ("high", 1.0)):
            final, known = (_bound(*own, sign) for own in sums)
            frame.write(parts[f"{name}_{bound}"], windows, Figures(final, known, lost=lost))


def _bound(w: Any, wx: Any, w2: Any, w2x: Any, w2x2: Any, sign: float) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = wx / w
        spread = np.maximum(w2x2 - 2 * mean * w2x + mean**2 * w2, 0)
        return mean + sign * Z * np.sqrt(spread) / w
