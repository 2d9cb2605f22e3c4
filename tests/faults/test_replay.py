"""Deliveries judged anew by today's contract and suite: the difference first, then, on a word, the commit."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from forge import Forge
from town import COLUMNS, CRASH, DEFECT, MONDAY, TUESDAY, WINDOW, Town, crashes, defects, rows, state

from lake.contracts import versions_of
from lake.contracts.model import Window
from lake.errors import ContractError
from lake.landing import purge
from lake.ledger import DECIDED, Ledger
from lake.load import load
from lake.replay import replay
from lake.upkeep import upkeep

NO_B = {
    "id": "no_b",
    "type": "expect_column_values_to_not_be_in_set",
    "kwargs": {"column": "title", "value_set": ["b"]},
    "severity": "error",
    "owner": "Roads",
    "reason": "b is none",
}


def keep_the_note(town: Town) -> None:
    """A version from Monday on that keeps what the first one dropped."""
    columns = [(*column[:3], "keep" if column[0] == "note" else column[3]) for column in COLUMNS[DEFECT]]
    town.write_contract(DEFECT, columns, version="2.0.0", valid_from=str(MONDAY))


def shown(town: Town, dataset: str, window: Window = WINDOW, **how: Any) -> list[tuple[Any, ...]]:
    return [
        (
            str(replayed.window),
            [(d.day, d.added, d.removed, d.changed, d.columns) for d in replayed.days if not d.is_same],
        )
        for replayed in replay(dataset, window, town.settings, **how)
    ]


def test_a_replay_is_compared_before_it_is_committed(town: Town) -> None:
    town.deliver("defect_20230306.csv", defects((1, "a"), (2, "b"), (3, "c")))
    town.deliver("defect_20230307.csv", defects((1, "a"), (4, "b")))
    load(DEFECT, Window(MONDAY, MONDAY), town.settings)
    load(DEFECT, Window(TUESDAY, TUESDAY), town.settings)
    assert shown(town, DEFECT) == [(str(MONDAY), []), (str(TUESDAY), [])]
    town.write_suite(DEFECT, NO_B)
    keep_the_note(town)
    before = state(town.settings)
    expected = [
        (str(MONDAY), [(MONDAY, 0, 1, 2, {"note": 2})]),
        (str(TUESDAY), [(TUESDAY, 0, 1, 1, {"note": 1})]),
    ]
    assert shown(town, DEFECT) == expected
    assert {name: value for name, value in state(town.settings).items() if name != "files"} == {
        name: value for name, value in before.items() if name != "files"
    }, "to look changes nothing"
    with pytest.raises(ContractError, match="--because"):
        replay(DEFECT, WINDOW, town.settings, commit=True)
    assert shown(town, DEFECT, commit=True, because="the note is wanted", by="who") == expected
    assert [row[1] for row in rows(town.settings, DEFECT)] == [1, 3, 1]
    decided = [event.payload for event in Ledger(town.settings).events(kind=DECIDED)]
    assert [(d["kind"], d["because"], d["by"]) for d in decided] == [("replay", "the note is wanted", "who")] * 2
    assert shown(town, DEFECT, commit=True, because="again") == [(str(MONDAY), []), (str(TUESDAY), [])]
    after = state(town.settings)
    assert (after["unaccounted"], after["rebuilt alike"]) == ([], True)
    assert [(r["delivery"][:10], r["reasons"]) for r in after[f"quarantine of {DEFECT}"]] == [
        (str(MONDAY), ["rule:no_b"]), (str(TUESDAY), ["rule:no_b"]),
    ]  # fmt: skip
    assert load(DEFECT, WINDOW, town.settings).accepted == 0


def test_a_replay_brings_no_corrected_day_back(town: Town) -> None:
    town.deliver("crash_20230306.csv", crashes(MONDAY, (1, "old")))
    town.deliver("crash_20230307.csv", crashes(TUESDAY, (2, "b"), (3, "x")))
    load(CRASH, WINDOW, town.settings)
    town.deliver("crash_20230306.csv", crashes(MONDAY, (1, "new"), (4, "x")))
    load(CRASH, Window(MONDAY, MONDAY), town.settings)
    town.write_suite(CRASH, NO_B | {"kwargs": {"column": "place", "value_set": ["x"]}})
    expected = [
        (str(WINDOW), [(TUESDAY, 0, 1, 0, {})]),
        (str(Window(MONDAY, MONDAY)), [(MONDAY, 0, 1, 0, {})]),
    ]
    assert shown(town, CRASH) == expected
    assert shown(town, CRASH, commit=True, because="x is none") == expected
    assert [(row[1], row[3]) for row in rows(town.settings, CRASH)] == [(1, "new"), (2, "b")]
    assert [days for _, days in shown(town, CRASH)] == [[], []]
    after = state(town.settings)
    assert (after["unaccounted"], after["rebuilt alike"]) == ([], True)


def test_content_that_came_back_is_not_undone_by_a_replay(town: Town) -> None:
    day = Window(MONDAY, MONDAY)
    for place in ("north", "south", "north"):
        town.deliver("crash_20230306.csv", crashes(MONDAY, (1, place)))
        load(CRASH, day, town.settings)
    before = rows(town.settings, CRASH)
    assert all(each.is_same for each in replay(CRASH, day, town.settings, commit=True, because="a test", by="who"))
    assert rows(town.settings, CRASH) == before
    assert [row[3] for row in before] == ["north"]


def test_what_another_delivery_brought_stays_though_it_lies_in_the_same_file(town: Town) -> None:
    town.deliver("defect_20230306.csv", defects((1, "a"), (2, "b")))
    load(DEFECT, Window(MONDAY, MONDAY), town.settings)
    # Its bytes are gone; what it brought can be judged no more.
    assert purge(town.settings, versions_of(DEFECT, town.settings)[-1], date.today() + timedelta(days=2))
    Ledger(town.settings).rebuild()
    town.deliver("defect_20230306.csv", defects((1, "a"), (5, "b"), (6, "c")))
    load(DEFECT, Window(MONDAY, MONDAY), town.settings)
    assert upkeep(town.settings, date(2023, 6, 1), older_than=timedelta(0))
    town.write_suite(DEFECT, NO_B)
    assert shown(town, DEFECT, commit=True, because="b is none") == [(str(MONDAY), [(MONDAY, 0, 1, 0, {})])]
    assert [row[1] for row in rows(town.settings, DEFECT)] == [1, 2, 6]
    after = state(town.settings)
    assert (after["unaccounted"], after["rebuilt alike"]) == ([], True)


def test_what_would_be_held_stays_as_it_is(town: Town) -> None:
    town.deliver("defect_20230306.csv", defects((1, "a"), (2, "b")))
    load(DEFECT, Window(MONDAY, MONDAY), town.settings)
    town.write_suite(DEFECT, NO_B | {"severity": "critical"})
    (replayed,) = replay(DEFECT, WINDOW, town.settings, commit=True, because="why not")
    assert "no_b on title fails" in replayed.held and not replayed.is_committed
    assert len(rows(town.settings, DEFECT)) == 2
    assert state(town.settings)["unaccounted"] == []


def test_a_replay_killed_anywhere_ends_as_one_that_was_not(town: Town, forge: Forge) -> None:
    town.deliver("defect_20230306.csv", defects((1, "a"), (2, "b"), (3, "c")))
    load(DEFECT, Window(MONDAY, MONDAY), town.settings)
    town.write_suite(DEFECT, NO_B)
    town.remember()
    for place in ("admit.quarantined", "commit.after", "ledger.before"):
        town.restore()
        ended = forge.run("replay", town.environment, DEFECT, str(MONDAY), str(TUESDAY), die_at=place)
        assert ended.signal == 9, (place, ended)
        shown(town, DEFECT, commit=True, because="killed")
        after = state(town.settings)
        assert ([row[1] for row in after[DEFECT]], len(after[f"quarantine of {DEFECT}"])) == ([1, 3], 1), place
        assert (after["unaccounted"], after["rebuilt alike"]) == ([], True), place
