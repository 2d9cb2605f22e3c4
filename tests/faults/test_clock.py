"""The machine's clock jumps: what came last stays last, nothing goes that is still wanted, and the ledger agrees."""

from __future__ import annotations

import os
import shutil
import time
from datetime import UTC, date, datetime, timedelta

import pytest
from test_corrections import latest
from town import CRASH, DEFECT, MONDAY, TUESDAY, Town, crashes, defects, rows, state
from wrong_clock import wrong_clock

from lake import upkeep as upkeeping
from lake.contracts.model import Window
from lake.errors import ContractError
from lake.landing import deliveries, stamp
from lake.landing.stamps import STAMPS
from lake.ledger import COMMITTED, LANDED, Ledger
from lake.load import load, resume
from lake.upkeep import upkeep

DAY = Window(MONDAY, MONDAY)
DAY_BACK = timedelta(days=-1)
JUMPS = [
    (DAY_BACK, timedelta(0)),  # set back a day, and right again
    (timedelta(days=-9000), timedelta(days=-9000)),  # the battery is flat
    (timedelta(days=400), DAY_BACK),  # far ahead, then a day behind
]


@pytest.mark.parametrize(("off", "then"), JUMPS)
def test_the_last_version_wins_whatever_the_clock_says(town: Town, off: timedelta, then: timedelta) -> None:
    steps = [("a", timedelta(0)), ("b", off), ("a", off), ("c", then)]
    for title, jump in steps:
        town.deliver("defect_20230306.csv", defects((1, title), (2, "same")))
        town.deliver("crash_20230306.csv", crashes(MONDAY, (1, title)))
        with wrong_clock(jump):
            assert load(DEFECT, DAY, town.settings).outcome == "committed"
            assert load(CRASH, DAY, town.settings).outcome == "committed"
            if title == "c":
                assert load(DEFECT, DAY, town.settings).outcome == "nothing_new"
                assert load(CRASH, DAY, town.settings).outcome == "nothing_new"
        assert latest(town) == {1: title, 2: "same"}
        assert [row[3] for row in rows(town.settings, CRASH)] == [title]
    ledger = Ledger(town.settings)
    for dataset in (DEFECT, CRASH):
        landed = [landed.delivery for landed in deliveries(town.settings, dataset)]
        for kind in (LANDED, COMMITTED):
            told = [event.subject.partition("/")[2] for event in ledger.events(dataset=dataset, kind=kind)]
            assert list(dict.fromkeys(told)) == landed
    after = state(town.settings)
    assert (after["unaccounted"], after["rebuilt alike"]) == ([], True)


def test_a_newer_delivery_is_not_undone_by_replaying_an_older_one(town: Town) -> None:
    for title, jump in (("a", timedelta(0)), ("b", DAY_BACK)):
        town.deliver("crash_20230306.csv", crashes(MONDAY, (1, title)))
        with wrong_clock(jump):
            load(CRASH, DAY, town.settings)
    old, new = (landed.delivery for landed in deliveries(town.settings, CRASH))
    with pytest.raises(ContractError, match=f"{new}, which is newer"):
        resume(CRASH, old, town.settings)
    assert [row[3] for row in rows(town.settings, CRASH)] == ["b"]


def test_times_go_on_from_what_the_files_tell_when_their_memory_is_lost(town: Town) -> None:
    town.deliver("crash_20230306.csv", crashes(MONDAY, (1, "a")))
    with wrong_clock(timedelta(days=30)):
        load(CRASH, DAY, town.settings)
    newest = Ledger(town.settings).events(dataset=CRASH, kind=COMMITTED)[-1].at
    shutil.rmtree(town.settings.landing / STAMPS)
    assert stamp(town.settings, CRASH).isoformat() > newest
    assert stamp(town.settings, CRASH) < stamp(town.settings, CRASH)
    later = datetime.now(UTC) + timedelta(days=300)
    assert stamp(town.settings, CRASH, later) == later


def test_a_clock_that_is_ahead_empties_no_vault(town: Town) -> None:
    for day in (MONDAY, TUESDAY):
        town.deliver(f"crash_{day:%Y%m%d}.csv", crashes(day, (1, "a")))
    with wrong_clock(datetime(2023, 3, 8, tzinfo=UTC) - datetime.now(UTC)):
        load(CRASH, DAY, town.settings)
        load(CRASH, Window(TUESDAY, TUESDAY), town.settings)
    kept = deliveries(town.settings, CRASH)
    with wrong_clock(timedelta(days=3000)):
        upkeep(town.settings, date(2033, 3, 8))
    assert all(landed.path(file).exists() for landed in kept for file in landed.files)
    assert state(town.settings)["unaccounted"] == []


def test_a_build_in_progress_under_a_clock_that_was_set_back_stays(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeeping, "KEEP_BUILDS", 1)
    now = time.time()
    for name, age_days in (("old", 3), ("newest", -1), ("in-progress", 0)):
        folder = town.settings.builds / name
        folder.mkdir(parents=True)
        (folder / "work.duckdb").touch()
        os.utime(folder, (now - age_days * 86_400,) * 2)
    upkeep(town.settings, date(2023, 4, 1))
    assert sorted(path.name for path in town.settings.builds.iterdir()) == ["in-progress", "newest"]
