"""The same again, corrections, corrections taken back, and several loads at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from forge import Forge
from town import CRASH, DEFECT, MONDAY, TUESDAY, WINDOW, Town, crashes, defects, rows, state

from lake.contracts.model import Window
from lake.errors import Busy, ContractError
from lake.landing import deliveries
from lake.load import load, resume
from lake.tables import Tables

DAY = Window(MONDAY, MONDAY)


def test_the_same_delivery_twice_is_nothing(town: Town) -> None:
    town.deliver("defect_20230306.csv", defects((1, "open"), (1, "open")))
    assert load(DEFECT, DAY, town.settings).outcome == "committed"
    before = Tables(town.settings).pin(deliveries(town.settings, DEFECT)[0].contract)
    again = load(DEFECT, DAY, town.settings)
    assert (again.outcome, again.delivered, again.unchanged) == ("nothing_new", 2, 2)
    after = Tables(town.settings).pin(deliveries(town.settings, DEFECT)[0].contract)
    assert (after.snapshot_id, len(deliveries(town.settings, DEFECT))) == (before.snapshot_id, 1)
    assert state(town.settings)["unaccounted"] == []
    assert not list(town.settings.staging.glob("road/*/*"))  # a batch that is committed leaves not even its folder


def latest(town: Town) -> dict[int, str]:
    """Title of each defect as its last version has it: by delivery day, then by the time of landing."""
    landed_at = {landed.delivery: landed.landed_at for landed in deliveries(town.settings, DEFECT)}
    versions = sorted((ds, landed_at[delivery], number, title) for ds, number, title, _, _, delivery, *_ in
                      rows(town.settings, DEFECT))  # fmt: skip
    return {number: title for _, _, number, title in versions}


def test_a_correction_that_is_taken_back_ends_as_it_began(town: Town) -> None:
    """The third delivery has the bytes of the first: by its content alone it would be nothing new."""
    for title, outcome in (("a", "committed"), ("b", "committed"), ("a", "committed"), ("a", "nothing_new"),
                           ("b", "committed"), ("a", "committed"), ("a", "nothing_new")):  # fmt: skip
        town.deliver("defect_20230306.csv", defects((1, title), (2, "same")))
        assert load(DEFECT, DAY, town.settings).outcome == outcome
        assert latest(town) == {1: title, 2: "same"}
    after = state(town.settings)
    assert len(after[DEFECT]) == 2 + 4
    assert (after["unaccounted"], after["rebuilt alike"]) == ([], True)


def test_a_day_that_was_corrected_and_comes_again_differs_from_its_last_version(town: Town) -> None:
    town.deliver("defect_20230306.csv", defects((1, "a")))
    load(DEFECT, DAY, town.settings)
    town.deliver("defect_20230306.csv", defects((1, "b")))
    load(DEFECT, DAY, town.settings)
    town.deliver("defect_20230307.csv", defects((1, "a")))
    assert load(DEFECT, WINDOW, town.settings).accepted == 1
    assert latest(town) == {1: "a"}


def test_a_redelivered_day_takes_the_place_of_the_day_and_back(town: Town) -> None:
    one, other = crashes(MONDAY, (1, "a"), (2, "b")), crashes(MONDAY, (2, "c"))
    town.deliver("crash_20230307.csv", crashes(TUESDAY, (9, "z")))
    for content, expected in ((one, ["a", "b"]), (other, ["c"]), (one, ["a", "b"]), (crashes(MONDAY), [])):
        town.deliver("crash_20230306.csv", content)
        load(CRASH, WINDOW, town.settings)
        assert [row[3] for row in rows(town.settings, CRASH)] == [*expected, "z"]
        after = state(town.settings)
        assert (after["unaccounted"], after["rebuilt alike"]) == ([], True)


def test_a_replay_does_not_bring_a_day_back_to_what_it_was(town: Town) -> None:
    town.deliver("crash_20230306.csv", crashes(MONDAY, (1, "old")))
    old = load(CRASH, DAY, town.settings).delivery
    town.deliver("crash_20230306.csv", crashes(MONDAY, (1, "new")))
    load(CRASH, DAY, town.settings)
    with pytest.raises(ContractError, match=r"newer, has taken the place .* load 2023-03-06 again"):
        resume(CRASH, old, town.settings)
    assert [row[3] for row in rows(town.settings, CRASH)] == ["new"]


def test_loads_at_once(town: Town, forge: Forge) -> None:
    """Two of one dataset wait for each other; two of different ones share the catalog."""
    town.deliver("defect_20230306.csv", defects(*((n, "x") for n in range(200))))
    town.deliver("defect_20230307.csv", defects((1, "y")))
    town.deliver("crash_20230306.csv", crashes(MONDAY, (1, "a")))
    jobs = [(DEFECT, MONDAY, TUESDAY), (DEFECT, MONDAY, TUESDAY), (DEFECT, TUESDAY, TUESDAY), (CRASH, MONDAY, MONDAY)]
    for dataset, first, last in jobs:
        forge.start("load", town.environment, dataset, str(first), str(last))
    ended = [forge.wait() for _ in jobs]
    assert [each.error for each in ended] == ["", "", "", ""], ended
    after = state(town.settings)
    assert len(after[CRASH]) == 1
    assert len({row[1] for row in after[DEFECT]}) == 200
    assert latest(town)[1] == "y"
    assert (after["unaccounted"], after["rebuilt alike"]) == ([], True)


def test_who_waits_too_long_for_the_other_is_told(town: Town) -> None:
    from filelock import FileLock

    town.deliver("defect_20230306.csv", defects((1, "x")))
    impatient = replace(town.settings, environment={**town.environment, "CITYBRAIN_LOCK_PATIENCE_S": "0.1"})
    (town.settings.landing / "road").mkdir()
    with FileLock(town.settings.landing / "road" / ".defect.lock"), pytest.raises(Busy, match="another load") as told:
        load(DEFECT, DAY, impatient)
    assert (told.value.dataset, told.value.day) == (DEFECT, str(DAY))


@pytest.mark.parametrize("moment", ["admit.recorded", "commit.before"])
def test_a_writer_on_another_host_is_noticed(town: Town, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """A lock of this host says nothing to another; the catalog does, up to the last instant."""
    town.deliver("defect_20230306.csv", defects((1, "mine")))
    town.deliver("defect_20230307.csv", defects((2, "theirs")))
    others = [Window(TUESDAY, TUESDAY)]

    def meanwhile(name: str) -> None:
        if name == moment and others:
            window = others.pop()
            with monkeypatch.context() as patch:
                patch.setattr("filelock.FileLock.__enter__", lambda lock: lock)
                patch.setattr("filelock.FileLock.__exit__", lambda *_: None)
                load(DEFECT, window, town.settings)

    for room in ("lake.load", "lake.tables"):
        monkeypatch.setattr(f"{room}.boundary", meanwhile)
    with pytest.raises(Busy, match="run the load again"):
        load(DEFECT, DAY, town.settings)
    load(DEFECT, DAY, town.settings)
    after = state(town.settings)
    assert sorted(row[2] for row in after[DEFECT]) == ["mine", "theirs"]
    assert (after["unaccounted"], after["rebuilt alike"]) == ([], True)


def test_history_over_what_is_there_adds_what_is_missing(town: Town) -> None:
    town.deliver("defect_20230306.csv", defects((1, "a")))
    town.deliver("defect_20230308.csv", defects((1, "c")))
    load(DEFECT, DAY, town.settings)
    range_ = load(DEFECT, Window(MONDAY, date(2023, 3, 8)), town.settings)
    assert (range_.accepted, range_.unchanged, range_.missing_days) == (1, 1, (TUESDAY,))
    assert latest(town) == {1: "c"}
    assert state(town.settings)["unaccounted"] == []
