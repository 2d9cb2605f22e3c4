"""How good the data are: I25, from what was delivered and how dirty it was."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from demo_city.columns import Columns
from demo_city.truth.indicators.frame import Figures, Frame, Part, day
from demo_city.truth.indicators.registry import indicator

LINKS = ("area_code", "grid_id", "cell_id", "division_code", "uscc", "lng", "lat", "address_no", "site_no")
"""Columns by which a row is linked to a division, a grid or an enterprise."""
_CITY = ("city",)
LATER = "a delivery comes after the last day"
UNSEEN = (
    "rows were written over before the last day, or never delivered: who reads later does not know how many there were"
)


@indicator(
    "I25",
    Part(
        "I25",
        "timely_rate",
        "数据及时率",
        "1",
        "Deliveries there on the morning after the last day they speak for / deliveries due in the window.",
        scopes=_CITY,
    ),
    Part(
        "I25",
        "complete_rate",
        "数据完整率",
        "1",
        "Deliveries that ever came / deliveries due in the window.",
        scopes=_CITY,
    ),
    Part(
        "I25",
        "pass_rate",
        "数据通过率",
        "1",
        "Rows that no rule holds back / rows written in the window.",
        scopes=_CITY,
    ),
    Part(
        "I25",
        "linked_rate",
        "数据关联率",
        "1",
        "Rows whose columns of place, grid and credit code are all as they should be / rows written in the window.",
        scopes=_CITY,
    ),
)
def quality(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I25: timely, complete, passing, linked. Over all datasets; a delivery is a dataset's day (week, month, quarter).

    Tables and APIs are there every day. Rows are the versions written, by their day; those a pattern of caught_by
    ``quarantine`` touches do not pass; those a pattern with a column of `LINKS` touches are not linked. What a later
    version takes the place of within the days is seen by who reads every day only; so a share of what was written with
    such rows, or with a delivery that never came, is not recoverable. Nor is what comes after the last day.
    """
    promised, written, dirty = frame.deliveries, frame.written, frame.dirty
    leaf = frame.divisions.leaves_n - 1
    due, there = promised["ends_on"], promised["arrives_on"]
    on, rows = written["day"], written["rows_n"].astype(np.float64)
    after = there > np.datetime64(frame.days.last)
    absent = (np.isnat(there) | after).astype(np.float64)
    replaced = written["replaced_on"].astype("datetime64[D]")
    unseen = np.where(replaced <= np.datetime64(frame.days.last), rows, 0.0)
    held, unlinked = (
        _rows(dirty, which)
        for which in (dirty["caught_by"] == "quarantine", np.isin(dirty["column_name"].astype(str), LINKS))
    )
    for kind in parts["timely_rate"].windows:
        windows = frame.windows(kind)
        place = np.full(len(due), leaf)
        total = frame.tally(windows, due, place)
        for name, hits in (("timely_rate", there <= due), ("complete_rate", ~np.isnat(there))):
            came = frame.tally(windows, due, place, hits.astype(float))
            known = frame.tally(windows, due, place, hits.astype(float), there)
            late = frame.tally(windows, due, place, after.astype(float))
            frame.write(parts[name], windows, Figures(came, known, total, total, late, LATER))
        total = frame.tally(windows, on, np.full(len(on), leaf), rows)
        lost = frame.tally(windows, on, np.full(len(on), leaf), unseen) + frame.tally(windows, due, place, absent)
        for name, bad in (("pass_rate", held), ("linked_rate", unlinked)):
            good = total - frame.tally(windows, bad, np.full(len(bad), leaf))
            frame.write(parts[name], windows, Figures(good, good, total, total, lost, UNSEEN))


def _rows(dirty: Columns, which: np.ndarray) -> np.ndarray:
    """Days of the rows that some pattern touches, each row once."""
    own = dirty.where(which)
    if not own.rows_n:
        return day(own["day"])
    _, dataset = np.unique(own["dataset"].astype(str), return_inverse=True)
    keys = np.stack([dataset, day(own["day"]).astype(np.int64), own["row_no"].astype(np.int64)])
    _, first = np.unique(keys, axis=1, return_index=True)
    return day(own["day"])[first]
