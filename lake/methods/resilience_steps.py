"""The Python step of the resilience index: rows of `resilience_amount` and `resilience_judgement` in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lake.methods.steps import Columns, Floats, Gathered, groups, recorded, single_thread

_COLUMNS = (
    "division_code",
    "item_key",
    "pillar",
    "value",
    "is_imputed",
    "normalised",
    "entropy_weight",
    "item_weight",
    "pillar_weight",
    "consistency_ratio",
    "pillar_score",
    "index_score",
    "rank_no",
    "rank_best_no",
    "rank_worst_no",
)


def pillar_weights(judgements: Columns, pillars: list[str], limit: float) -> tuple[Floats, float]:
    """Weights of the pillars out of their judged pairs, and the consistency ratio.

    Args:
        judgements: `pillar`, `other_pillar`, `times`; the reverse of a pair is derived, an unjudged pair is even.
        pillars: in the order of the weights.
        limit: ratio from which judgements contradict themselves.

    Raises:
        ValueError: the judgements contradict themselves.
    """
    from lake.methods.composite import ahp_weights

    place = {pillar: i for i, pillar in enumerate(pillars)}
    matrix = np.ones((len(pillars), len(pillars)))
    for one, other, times in zip(judgements["pillar"], judgements["other_pillar"], judgements["times"], strict=True):
        if one in place and other in place:
            matrix[place[one], place[other]] = times
            matrix[place[other], place[one]] = 1 / times
    weights, ratio = ahp_weights(matrix)
    if ratio >= limit:
        raise ValueError(f"the judgements of the pillars contradict themselves: consistency ratio {ratio:.3f}")
    return weights, ratio


def index(amounts: Columns, judgements: Columns, given: Mapping[str, float]) -> dict[str, Any]:
    """The index of every township, its pillars and its items; rows of `method_resilience_index`.

    Items are scaled between the 1st and the 99th percentile, weighed within their pillar by how much they tell
    townships apart (entropy), and added up; pillars are weighed by judgement (AHP) and multiplied, so that none makes
    up wholly for another. A missing value is taken for middling and marked; with one township there is nothing to
    compare and no row.

    Args:
        amounts: `item_key`, `division_code`, `pillar`, `is_good`, `value`, sorted by item and division; every item has
            the same divisions.
        judgements: of pairs of pillars.
        given: `tail`, `spread`, `draws`, `seed`, `coverage`, `floor`, `consistency`.

    Source: OECD/JRC (2008), Handbook on Constructing Composite Indicators; Bruneau et al. (2003) for the pillars.
    """
    from lake.methods import composite

    found = Gathered(*_COLUMNS)
    items = [(str(key), rows) for (key,), rows in groups(amounts, ("item_key",))]
    if items and len(amounts["division_code"]) // len(items) >= 2:
        with single_thread():
            divisions = amounts["division_code"][items[0][1]]
            n = len(divisions)
            values = np.column_stack([amounts["value"][rows].astype(np.float64) for _, rows in items])
            # An item nobody has says nothing: all are in the middle.
            is_missing = np.isnan(values)
            normalised = np.column_stack(
                [
                    composite.min_max(values[:, i], is_good=bool(amounts["is_good"][rows.start]), tail=given["tail"])
                    for i, (_, rows) in enumerate(items)
                ]
            )
            normalised = np.where(is_missing, 0.5, normalised)
            scaled = given["floor"] + (1 - given["floor"]) * normalised
            names = [str(amounts["pillar"][rows.start]) for _, rows in items]
            pillars = sorted(set(names))
            number = np.array([pillars.index(name) for name in names], dtype=np.int64)
            entropy = np.empty(len(items))
            for pillar in range(len(pillars)):
                own = number == pillar
                told = scaled[:, own]
                is_flat = (told == told[0]).all()
                entropy[own] = 1 / own.sum() if is_flat else composite.entropy_weights(told)
            judged, ratio = pillar_weights(judgements, pillars, given["consistency"])
            # Half what tells townships apart, half even: an item that is the same everywhere still counts.
            even = np.array([1 / (number == pillar).sum() for pillar in number])
            weights = (entropy + even) / 2
            shares = [weights * (number == p) / weights[number == p].sum() for p in range(len(pillars))]
            scores = scaled @ np.column_stack(shares)
            total = np.round(composite.aggregate(scaled, weights, number, judged), 9)
            best, worst = composite.rank_intervals(
                scaled,
                weights,
                number,
                judged,
                spread=given["spread"],
                draws=int(given["draws"]),
                seed=int(given["seed"]),
                coverage=given["coverage"],
            )
            rank = composite.ranks(total)
            for i, (key, _) in enumerate(items):
                found.add(
                    n,
                    division_code=divisions,
                    item_key=key,
                    pillar=names[i],
                    value=values[:, i],
                    is_imputed=is_missing[:, i],
                    normalised=normalised[:, i],
                    entropy_weight=float(entropy[i]),
                    item_weight=float(weights[i]),
                    pillar_weight=float(judged[number[i]]),
                    consistency_ratio=ratio,
                    pillar_score=100 * scores[:, number[i]],
                    index_score=100 * total,
                    rank_no=rank,
                    rank_best_no=np.minimum(best, rank),
                    rank_worst_no=np.maximum(worst, rank),
                )
    return found.table(parameters=recorded("resilience_index", given, "numpy"))
