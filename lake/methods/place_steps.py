"""The Python steps over places: rows of `event_cell`, `event_point` and `event_division` in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lake.methods.steps import Columns, Gathered, groups, recorded, single_thread

_CELL = ("kind", "cell_x", "cell_y", "division_code", "latitude", "longitude", "events_n")


def hot_cells(cells: Columns, given: Mapping[str, float]) -> dict[str, Any]:
    """Gi* and local Moran of every kind over all cells; rows of `method_hotspot_grid`.

    Args:
        cells: rows of `event_cell`, sorted by kind and cell; every kind has the same cells.
        given: `alpha`, `least_cells`.
    """
    from lake.methods import hotspots

    found = Gathered(*_CELL, "gi_z", "is_hot", "moran_z", "moran_quadrant", "is_cluster")
    neighbours: Any = None
    with single_thread():
        for _, rows in groups(cells, ("kind",)):
            if rows.stop - rows.start < given["least_cells"]:
                continue
            if neighbours is None:
                neighbours = hotspots.cell_neighbours(cells["cell_x"][rows], cells["cell_y"][rows])
            events = cells["events_n"][rows].astype(np.float64)
            gi = hotspots.getis_ord(events, neighbours)
            moran = hotspots.local_moran(events, neighbours)
            is_hot = hotspots.false_discovery(gi.p, alpha=given["alpha"]) & (gi.z > 0)
            is_cluster = hotspots.false_discovery(moran.p, alpha=given["alpha"]) & (moran.z > 0)
            is_cluster &= moran.quadrant == hotspots.HIGH_HIGH
            shown = (events > 0) | is_hot
            found.add(
                int(shown.sum()),
                **{name: cells[name][rows][shown] for name in _CELL},
                gi_z=gi.z[shown],
                is_hot=is_hot[shown],
                moran_z=moran.z[shown],
                moran_quadrant=moran.quadrant[shown],
                is_cluster=is_cluster[shown],
            )
    return found.table(parameters=recorded("hotspot", given, "esda", "libpysal", "numpy"))


def near_repeats(points: Columns, given: Mapping[str, float]) -> dict[str, Any]:
    """Knox's test of every kind; rows of `method_near_repeat`.

    Args:
        points: rows of `event_point`, sorted by kind and key.
        given: `metres`, `within_days`, `permutations`, `seed`, `alpha`, `least_ratio`.
    """
    from lake.methods import hotspots

    found = Gathered(
        "kind", "events_n", "near_pairs_n", "expected_pairs_n", "ratio", "p_value", "is_near_repeat"
    )  # fmt: skip
    for (kind,), rows in groups(points, ("kind",)):
        test = hotspots.knox(
            points["x_m"][rows].astype(np.float64),
            points["y_m"][rows].astype(np.float64),
            points["day_on"][rows].astype(np.int64).astype(np.float64),
            metres=given["metres"],
            within_days=given["within_days"],
            permutations=int(given["permutations"]),
            seed=int(given["seed"]),
        )
        found.add(
            1,
            kind=kind,
            events_n=rows.stop - rows.start,
            near_pairs_n=test.near_pairs,
            expected_pairs_n=test.expected_pairs,
            ratio=test.ratio,
            p_value=test.p,
            is_near_repeat=test.p < given["alpha"] and test.ratio >= given["least_ratio"],
        )
    return found.table(parameters=recorded("near_repeat", given, "numpy", "scipy"))


def drawn_rates(counts: Columns, given: Mapping[str, float]) -> dict[str, Any]:
    """Rates per 1,000 residents, as counted and by empirical Bayes; rows of `method_rate_eb`.

    Args:
        counts: rows of `event_division`, sorted by kind and division.
        given: recorded only; the window is the SQL's.
    """
    from lake.methods import rates
    from lake.methods.composite import ranks

    found = Gathered("kind", "division_code", "events_n", "residents_n", "rate_1k", "eb_rate_1k", "rank_no")
    for (kind,), rows in groups(counts, ("kind",)):
        events, residents = (counts[name][rows].astype(np.float64) for name in ("events_n", "residents_n"))
        drawn = rates.empirical_bayes(events, residents)
        found.add(
            len(events),
            kind=kind,
            division_code=counts["division_code"][rows],
            events_n=counts["events_n"][rows],
            residents_n=counts["residents_n"][rows],
            rate_1k=1000 * events / residents,
            eb_rate_1k=1000 * drawn,
            # Ranked as printed, so that what looks equal ranks equal.
            rank_no=ranks(np.round(1000 * drawn, 4)),
        )
    return found.table(parameters=recorded("rate_eb", given, "numpy"))
