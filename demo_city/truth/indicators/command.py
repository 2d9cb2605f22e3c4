"""Leads and instructions of the command centre: I09, I10, I11, I18 (S32)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from demo_city.truth.indicators.frame import Events, Figures, Frame, Part, day
from demo_city.truth.indicators.registry import indicator

CONFIRMED = "属实"
_WEEKS = ("week", "month")


def _leads(frame: Frame) -> Events:
    return frame.events(
        "lead", "lead_no", "model_id", "at", "pushed_at", "verified_at", "closed_at", "result", "chain_no"
    )


@indicator(
    "I09",
    Part("I09", "generated", "预警线索生成数", "条", "Leads with `at` in the window."),
    Part("I09", "pushed", "预警线索推送数", "条", "Leads with pushed_at in the window."),
    Part("I09", "verified", "预警线索核实数", "条", "Leads with verified_at in the window."),
    Part("I09", "confirmed", "预警线索查实数", "条", "Those of them with the result 属实."),
    Part("I09", "confirmed_rate", "查实率", "1", "confirmed / verified, both by verified_at in the window."),
    Part("I09", "verified_rate", "核实率", "1", "Of the leads pushed in the window the share ever verified."),
)
def funnel(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I09: leads generated, pushed, verified, confirmed; confirmed/verified; verified/pushed.

    As the command centre has them: what departments report, true or not. A lead that cannot be verified (无法核实) is
    verified, and not confirmed. Closed with a result that says nothing, or verified by a time before the lead was
    pushed: the last version does not tell the result, or the day; what it tells was written over, and only who read it
    in between knows.
    """
    leads = _leads(frame)
    verified = frame.without("lead", "verified_at", leads.where(~np.isnat(leads["verified_at"])))
    judged = frame.without("lead", "result", verified)
    on = verified["verified_at"]
    confirmed = verified["result"].astype(str) == CONFIRMED
    frame.count(parts["generated"], leads, leads["at"])
    frame.count(parts["pushed"], leads, leads["pushed_at"], known=day(leads["pushed_at"]))
    frame.count(parts["verified"], verified, on, known=day(on))
    frame.count(parts["confirmed"], judged.where(confirmed), on[confirmed], known=day(on)[confirmed])
    frame.share(parts["confirmed_rate"], judged, on, confirmed, known=day(on))
    pushed = leads["pushed_at"]
    frame.share(
        parts["verified_rate"], leads, pushed, ~np.isnat(leads["verified_at"]), known_hits=day(leads["verified_at"])
    )


@indicator(
    "I10",
    Part(
        "I10",
        "lead_days_p50",
        "预警提前量",
        "d",
        "Median of the days from pushed_at to the chain's event, of the leads that came before it; by the event's day.",
        windows=("month", "quarter", "year"),
        scopes=("city",),
    ),
    Part(
        "I10",
        "events_warned_rate",
        "预警覆盖率",
        "1",
        "Of the chains' events in the window the share with a lead in the 30 days before.",
        windows=("month", "quarter", "year"),
        scopes=("city",),
    ),
)
def lead_time(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I10: median(event − lead) over leads of the command centre whose chain's event followed, by the day of the event.

    Which event follows from which lead, and which events had signs at all, is known from the world (chain_no). No
    department writes it down: a lead has no number of an event and an event none of a lead, and what happened later at
    the same place may as well be another fire. So nothing that is delivered tells it.
    """
    leads, chains = _leads(frame), frame.world.life.chains
    numbers = leads["chain_no"].astype(np.float64)
    order = np.argsort(chains["chain_no"])
    known = np.nan_to_num(numbers, nan=-1).astype(np.int64)
    at = np.minimum(np.searchsorted(chains["chain_no"][order], known), max(len(order) - 1, 0))
    is_chain = chains["chain_no"][order][at] == known if len(order) else np.zeros(leads.n, bool)
    event_at = np.full(leads.n, np.datetime64("NaT", "s"))
    event_at[is_chain] = chains["event_at"][order][at[is_chain]].astype("datetime64[s]")
    ahead = leads.where(event_at >= leads["pushed_at"])
    event_at, number = event_at[event_at >= leads["pushed_at"]], known[event_at >= leads["pushed_at"]]
    days = (event_at - ahead["pushed_at"]) / np.timedelta64(86400, "s")
    ahead = replace(ahead, lost=np.ones(ahead.n, bool))
    frame.quantile(_without(parts["lead_days_p50"], "year"), ahead, event_at, days, 0.5)
    own = chains.where(frame.days.holds(chains["event_at"]))
    warned = np.isin(own["chain_no"], number[days <= 30])
    place = frame.divisions.leaf_of_township(own["township_i"])
    on = day(own["event_at"])
    for kind in ("month", "quarter", "year"):
        windows = frame.windows(kind)
        total = frame.tally(windows, on, place)
        hits = frame.tally(windows, on, place, warned.astype(float))
        every = frame.everywhere(1.0)
        frame.write(parts["events_warned_rate"], windows, Figures(hits, hits, total, total, every, _UNLINKED))
    windows = frame.windows("year")
    medians = np.full((windows.n, frame.divisions.n), np.nan)
    for at_window, (first, last) in enumerate(zip(windows.first, windows.last, strict=True)):
        inside = (day(event_at) >= first) & (day(event_at) <= last)
        if inside.any():
            medians[at_window] = np.median(days[inside])
    frame.write(
        parts["lead_days_p50"], windows, Figures(medians, medians, lost=frame.everywhere(1.0), reason=_UNLINKED)
    )


_UNLINKED = "no department writes down which event a lead foretold"


def _without(part: Part, kind: str) -> Part:
    return replace(part, windows=tuple(one for one in part.windows if one != kind))


_STAGES = {
    "draft": ("拟稿", "begun_at", "drafted_at"),
    "review": ("审核", "drafted_at", "reviewed_at"),
    "issue": ("签发", "reviewed_at", "issued_at"),
    "execute": ("执行", "issued_at", "executed_at"),
    "assess": ("评估", "executed_at", "assessed_at"),
    "finish": ("办结", "assessed_at", "finished_at"),
}


@indicator(
    "I11",
    Part(
        "I11",
        "closed_loop_rate",
        "指令闭环率",
        "1",
        "Of the instructions with due_at in the window the share ever rechecked and passed.",
    ),
    Part("I11", "overdue", "超期指令", "件", "Instructions with due_at in the window, not finished by then."),
    *(
        Part(
            "I11",
            f"stage_p{share}",
            f"{title}环节时长{name}",
            "h",
            f"{share / 100:g} quantile of the hours from {begins} to {ends}, by {ends} in the window.",
            windows=_WEEKS,
            scopes=("city", "county"),
            variant=stage,
        )
        for stage, (title, begins, ends) in _STAGES.items()
        for share, name in ((50, "中位数"), (90, "九成"))
    ),
)
def instructions(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I11: closed with recheck passed / due ∈ W; overdue; hours of each of the six stages.

    Times are those on which things really happened; what the system shows may skip a stage or be dated back.
    """
    of = frame.events(
        "instruction",
        "due_at",
        "finished_at",
        "rechecked_at",
        "is_passed",
        *(name for _, *names in _STAGES.values() for name in names),
    )
    due = frame.without("instruction", "due_at", of.where(~np.isnat(of["due_at"])))
    # Passed: a flag where it was rechecked at all, nothing elsewhere.
    passed = np.array([flag is not None and flag == 1 for flag in due["is_passed"]]) & ~np.isnat(due["rechecked_at"])
    frame.share(parts["closed_loop_rate"], due, due["due_at"], passed, known_hits=day(due["rechecked_at"]))
    late = ~(due["finished_at"] <= due["due_at"])
    frame.count(parts["overdue"], due.where(late), due["due_at"][late])
    for stage, (_, begins, ends) in _STAGES.items():
        own = of.where(~np.isnat(of[begins]) & ~np.isnat(of[ends]))
        hours = (own[ends] - own[begins]) / np.timedelta64(3600, "s")
        for share in (50, 90):
            frame.quantile(parts[f"stage_p{share}:{stage}"], own, own[ends], hours, share / 100, day(own[ends]))


@indicator(
    "I18",
    Part(
        "I18",
        "open_leads",
        "群租线索存量",
        "条",
        "Leads of G01–G27 and W130 pushed by the window's last day and not closed by then.",
        windows=_WEEKS,
    ),
    Part(
        "I18", "confirmed", "群租线索查实", "条", "Those verified in the window with the result 属实.", windows=_WEEKS
    ),
    Part(
        "I18",
        "let_to_groups",
        "群租房实有",
        "套",
        "Flats really let to a group on the window's last day.",
        windows=_WEEKS,
    ),
    Part("I18", "cleared", "群租房清退", "套", "Flats whose letting to a group ended in the window.", windows=_WEEKS),
)
def group_rentals(frame: Frame, parts: Mapping[str, Part]) -> None:
    """I18: open, confirmed leads of group rental; flats really let to groups, and cleared (register of flats)."""
    leads = _leads(frame)
    model = leads["model_id"].astype(str)
    leads = leads.where(np.char.startswith(model, "G") | (model == "W130"))
    pushed, closed, on = (day(leads[name]) for name in ("pushed_at", "closed_at", "verified_at"))
    confirmed = (leads["result"].astype(str) == CONFIRMED) & ~np.isnat(on)
    before = pushed < frame.days.array[0]
    told = frame.without("lead", "verified_at", frame.without("lead", "result", leads.where(confirmed)))
    frame.count(parts["confirmed"], told, on[confirmed], known=on[confirmed])
    flat, building = frame.world.city.flat, frame.world.city.building
    own = flat.where(~np.isnat(flat["group_from"]))
    place = frame.divisions.leaf_of_township(building["township_i"][own["building_i"]])
    begins, ends = day(own["group_from"]), day(own["group_to"])
    all_lost = "only inspections would tell"
    for kind in _WEEKS:
        windows = frame.windows(kind)
        open_now = frame.stock(windows, pushed, closed, leads.place)
        lost = frame.stock(windows, pushed, closed, leads.place, before.astype(float))
        frame.write(
            parts["open_leads"],
            windows,
            Figures(open_now, open_now, lost=lost, reason="leads pushed before the first delivered day are still open"),
        )
        let, gone = frame.stock(windows, begins, ends, place), frame.tally(windows, ends, place)
        every = np.ones((windows.n, frame.divisions.n))
        frame.write(parts["let_to_groups"], windows, Figures(let, let, lost=every, reason=all_lost))
        frame.write(parts["cleared"], windows, Figures(gone, gone, lost=every, reason=all_lost))
