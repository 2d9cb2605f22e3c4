"""The resilience index of townships on a case worked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lake.methods import resilience_steps
from lake.methods.steps import Columns

GIVEN = {"tail": 0.0, "spread": 0.25, "draws": 50, "seed": 1, "coverage": 0.9, "floor": 0.01, "consistency": 0.1}


def amounts(robust: list[float], rapid: list[float]) -> Columns:
    """One item in each of two pillars, for three townships; rapidity is in days, so that less is better."""
    return {
        "item_key": np.array(["a"] * 3 + ["b"] * 3, dtype=object),
        "division_code": np.array(["t1", "t2", "t3"] * 2, dtype=object),
        "pillar": np.array(["robustness"] * 3 + ["rapidity"] * 3, dtype=object),
        "is_good": np.array([True] * 3 + [False] * 3),
        "value": np.array([*robust, *rapid]),
    }


def judgements(*pairs: tuple[str, str, float]) -> Columns:
    one, other, times = zip(*pairs, strict=True)
    return {
        "pillar": np.array(one, dtype=object),
        "other_pillar": np.array(other, dtype=object),
        "times": np.array(times, dtype=np.float64),
    }


def of_item(found: dict[str, Any], key: str, column: str) -> list[Any]:
    return [value for name, value in zip(found["item_key"], found[column], strict=True) if name == key]


def test_no_pillar_makes_up_wholly_for_another() -> None:
    # Robustness counts three times as much: 0.75 and 0.25. Scaled: 0.01, 0.505, 1 and 1, 0.505, 0.01. The first one
    # has 0.01 ** 0.75 = 0.0316, the third 0.01 ** 0.25 = 0.3162, and the even one is before both.
    found = resilience_steps.index(
        amounts([0, 5, 10], [0, 5, 10]), judgements(("robustness", "rapidity", 3.0)), GIVEN
    )  # fmt: skip
    assert of_item(found, "a", "index_score") == pytest.approx([3.16228, 50.5, 31.62278], abs=1e-4)
    assert of_item(found, "a", "rank_no") == [3, 1, 2]
    assert of_item(found, "b", "normalised") == [1, 0.5, 0]
    assert of_item(found, "b", "pillar_weight") == pytest.approx([0.25] * 3)
    assert of_item(found, "a", "pillar_score") == pytest.approx([1, 50.5, 100])


def test_what_is_not_known_is_middling_and_marked() -> None:
    found = resilience_steps.index(
        amounts([0, 5, 10], [0, np.nan, 10]), judgements(("robustness", "rapidity", 1.0)), GIVEN
    )
    assert of_item(found, "b", "is_imputed") == [False, True, False]
    assert of_item(found, "b", "normalised") == [1, 0.5, 0]


def test_judgements_that_contradict_themselves_are_refused() -> None:
    round_about = judgements(("a", "b", 5.0), ("b", "c", 5.0), ("c", "a", 5.0))
    with pytest.raises(ValueError, match="contradict"):
        resilience_steps.pillar_weights(round_about, ["a", "b", "c"], 0.1)


def test_of_nothing_there_is_no_index() -> None:
    empty = {name: column[:0] for name, column in amounts([0, 5, 10], [0, 5, 10]).items()}
    assert len(resilience_steps.index(empty, judgements(("robustness", "rapidity", 1.0)), GIVEN)["item_key"]) == 0
