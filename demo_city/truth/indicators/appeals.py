"""Appeals to the hotline 12345: I01 to I04, from the events ``hotline_case`` (S01)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from demo_city.truth.indicators.frame import Events, Figures, Frame, Part, day, wilson
from demo_city.truth.indicators.registry import indicator

CASE = "hotline_case"


def _so_far(frame: Frame) -> Events:
    """The cases as they stand at the end of the last delivered day.

    One that is opened again only later has its first deadline, closing and visit; one whose caller is asked again only
    later, or then did not answer, the first visit; one that is withdrawn later is not withdrawn.
    """
    cases = frame.events(
        CASE,
        "accepted_at",
        "dispatched_at",
        "deadline_at",
        "first_deadline_at",
        "closed_at",
        "first_closed_at",
        "reopened_at",
        "visited_at",
        "satisfaction",
        "is_solved",
        "first_visited_at",
        "first_satisfaction",
        "first_is_solved",
        "revisited_at",
        "is_withdrawn",
        "withdrawn_at",
    )
    is_again, is_last = ~np.isnat(cases["reopened_at"]), ~np.isnat(cases["visited_at"])
    made = {name: np.where(is_again, cases[name], cases[f"first_{name}"]) for name in ("deadline_at", "closed_at")}
    made |= {
        name: np.where(is_last, cases[name], cases[f"first_{name}"]).astype(kind)
        for name, kind in (("visited_at", "datetime64[s]"), ("satisfaction", float), ("is_solved", float))
    }
    made["is_withdrawn"] = cases["is_withdrawn"].astype(bool) & ~np.isnat(cases["withdrawn_at"])
    return replace(cases, columns=cases.columns.with_columns(**made))


@indicator(
    "I01",
    Part("I01", "accepted", "受理诉求量", "件", "Cases with accepted_at in the window."),
    Part("I01", "accepted_per_10k", "万人诉求量", "件/万人", "Accepted cases × 10,000 / residents."),
)
def accepted(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I01: appeals accepted. count(cases with accepted_at ∈ W); the place is the township the case is about."""
    cases = frame.events(CASE, "accepted_at")
    frame.count(parts["accepted"], cases, cases["accepted_at"])
    frame.per_people(parts["accepted_per_10k"], cases, cases["accepted_at"], 1e4)


@indicator(
    "I02",
    Part("I02", "dispatched", "派发工单", "件", "Cases accepted in the window that were passed on to a department."),
    Part("I02", "dispatch_rate", "工单派发率", "1", "Of the cases accepted in the window the share passed on (HL13)."),
    Part(
        "I02",
        "direct_rate",
        "直接解答率",
        "1",
        "Of the cases accepted in the window the share answered at once (HL03); known when the case is closed.",
    ),
)
def dispatched(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I02: dispatched, and direct/accepted. Both over the cohort accepted ∈ W, whenever the dispatch was."""
    cases = frame.events(CASE, "accepted_at", "dispatched_at", "closed_at", "is_direct")
    on, sent = cases["accepted_at"], day(cases["dispatched_at"])
    was_sent = ~np.isnat(sent)
    frame.count(parts["dispatched"], cases.where(was_sent), on[was_sent], known=sent[was_sent])
    frame.share(parts["dispatch_rate"], cases, on, was_sent, known_hits=np.where(was_sent, sent, day(on)))
    frame.share(parts["direct_rate"], cases, on, cases["is_direct"].astype(bool), known_hits=day(cases["closed_at"]))


@indicator(
    "I03",
    Part(
        "I03",
        "on_time_rate",
        "按时办结率",
        "1",
        "Of the cases with deadline_at in the window, passed on and not withdrawn, the share with closed_at ≤ "
        "deadline_at (HL04); never of the cases created in it.",
    ),
    Part("I03", "due", "到期应办结", "件", "The denominator of on_time_rate."),
)
def on_time(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I03: closed ≤ deadline / due ∈ W. Due: passed on, not withdrawn, deadline_at ∈ W, closed or not.

    A case that is opened again is due by its new deadline; where that is not written down, no rule says it, as it does
    of a first one. As known at the cut-off, one that was opened again only later is due by its first deadline, closed
    by its first closing.
    """
    cases = _so_far(frame)
    untold = frame.without(CASE, "deadline_at", cases).lost & ~np.isnat(cases["reopened_at"])
    cases = replace(cases, lost=cases.lost | untold)
    is_due = ~np.isnat(cases["dispatched_at"]) & ~np.isnat(cases["deadline_at"]) & ~cases["is_withdrawn"].astype(bool)
    due = cases.where(is_due)
    in_time, first_in_time = due["closed_at"] <= due["deadline_at"], due["first_closed_at"] <= due["first_deadline_at"]
    again = due.where(~np.isnat(due["reopened_at"]))
    first_in_time = first_in_time[~np.isnat(due["reopened_at"])]
    for kind in parts["on_time_rate"].windows:
        windows = frame.windows(kind)
        at = windows.holding(again["first_deadline_at"])
        # Of these nobody knew yet that they would be opened again.
        first = (at >= 0) & (day(again["reopened_at"]) > windows.last[np.maximum(at, 0)]) if windows.n else at >= 0
        was_due = again.where(first)
        total = frame.tally(windows, due["deadline_at"], due.place)
        hits = frame.tally(windows, due["deadline_at"], due.place, in_time.astype(float))
        known_total = frame.tally(windows, due["deadline_at"], due.place, None, due.known)
        known_hits = frame.tally(windows, due["deadline_at"], due.place, in_time.astype(float), due.known)
        known_total = known_total + frame.tally(
            windows, was_due["first_deadline_at"], was_due.place, None, was_due.known
        )
        known_hits = known_hits + frame.tally(
            windows, was_due["first_deadline_at"], was_due.place, first_in_time[first].astype(float), was_due.known
        )
        lost = frame.tally(windows, due["deadline_at"], due.place, due.lost.astype(float))
        frame.write(parts["on_time_rate"], windows, Figures(hits, known_hits, total, known_total, lost))
        frame.write(parts["due"], windows, Figures(total, known_total, lost=lost))


_VISITED = "of the effective visits (visited_at in the window, satisfaction given)"


@indicator(
    "I04",
    Part(
        "I04",
        "satisfaction_rate",
        "综合满意率",
        "1",
        f"(4 or 5 points + 0.9 × 3 points) {_VISITED} (HL06).",
        variant="weighted",
    ),
    Part("I04", "satisfaction_rate", "综合满意率", "1", f"3 points or more {_VISITED} (HL06).", variant="plain"),
    Part(
        "I04", "satisfaction_low", "满意率区间下限", "1", "Lower bound of the 95 % Wilson interval of the plain rate."
    ),
    Part("I04", "satisfaction_high", "满意率区间上限", "1", "Upper bound of the same."),
    Part("I04", "solved_rate", "解决率", "1", f"is_solved {_VISITED} (HL07)."),
    Part(
        "I04",
        "visited_rate",
        "参评率",
        "1",
        "Of the cases passed on, not withdrawn and closed in the window the share that was ever visited effectively.",
    ),
)
def satisfaction(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I04: satisfied, solved / effective visits with visited_at ∈ W; effective visits / visits due with closed_at ∈ W.

    A case that was opened again counts with its last closing and its last visit at which somebody answered, known from
    then on. Where nobody did the second time, the order keeps the answer and loses the day on which it was given: only
    who read it in between knows the day, and the window is not recoverable.
    Points: 5 and 4 are satisfied (满意), 3 is basically satisfied (基本满意), 2 and 1 are not.
    """
    cases = _so_far(frame)
    written_over = ~np.isnat(cases["revisited_at"]) & (cases["visited_at"] < cases["revisited_at"])
    points = cases["satisfaction"].astype(np.float64)
    is_effective = ~np.isnat(cases["visited_at"]) & ~np.isnan(points)
    visited = replace(cases, lost=cases.lost | written_over).where(is_effective)
    on, points = visited["visited_at"], points[is_effective]
    weighted = np.where(points >= 4, 1.0, np.where(points >= 3, 0.9, 0.0))
    frame.share(parts["satisfaction_rate:weighted"], visited, on, weighted, known=day(on))
    frame.share(parts["satisfaction_rate:plain"], visited, on, points >= 3, known=day(on))
    known = np.maximum(visited.known, day(on))
    for kind in parts["satisfaction_low"].windows:
        windows = frame.windows(kind)
        lost = frame.tally(windows, on, visited.place, visited.lost.astype(float))
        final = [frame.tally(windows, on, visited.place, weight) for weight in ((points >= 3).astype(float), None)]
        at_cut = [frame.tally(windows, on, visited.place, w, known) for w in ((points >= 3).astype(float), None)]
        for name, bound, bound_known in zip(
            ("satisfaction_low", "satisfaction_high"), wilson(*final), wilson(*at_cut), strict=True
        ):
            frame.write(parts[name], windows, Figures(bound, bound_known, lost=lost))
    frame.share(parts["solved_rate"], visited, on, visited["is_solved"] > 0, known=day(on))
    is_due = ~np.isnat(cases["closed_at"]) & ~np.isnat(cases["dispatched_at"]) & ~cases["is_withdrawn"].astype(bool)
    closed = cases.where(is_due)
    frame.share(
        parts["visited_rate"],
        closed,
        closed["closed_at"],
        is_effective[is_due],
        known_hits=day(closed["visited_at"]),
        known=day(closed["closed_at"]),
    )
