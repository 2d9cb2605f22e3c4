"""Loads: what is asked for, what is refused, what is due; and an unfinished delivery hinders no other."""

from __future__ import annotations

import dataclasses
import errno
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from admission_deliveries import contract, csv, line

from lake.contracts.model import Cadence, Column, Contract, Mode, Window
from lake.errors import Busy, ContractError, StorageFull, StorageShut, Unaccounted, told_when_full
from lake.landing import deliveries
from lake.landing.retention import purge
from lake.ledger import COMMITTED, Ledger, PartitionState
from lake.load import (
    LoadResult,
    accept_anyway,
    due_days,
    find_landed,
    load,
    load_business_day,
    outstanding,
    resume,
)  # fmt: skip
from lake.reconcile import reconcile
from lake.settings import Settings

MONDAY = date(2023, 3, 6)
TUESDAY = MONDAY + timedelta(days=1)
WEEK = [MONDAY + timedelta(days=n) for n in range(7)]
BY_DAY = {
    "mode": Mode.DAY,
    "partition_column": "on_day",
    "columns": (Column("id", "Id", "BIGINT", 1, required=True, key_position=1), Column("on_day", "Day", "DATE", 2)),
}


@pytest.fixture
def lake(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """A home whose one dataset has the versions given, oldest first; its drop folder is `tmp_path / "drop"`."""

    def make(*versions: Contract) -> Settings:
        def holds_on(dataset: str, day: date, _: Settings) -> Contract:
            return [version for version in versions if version.valid_from <= day][-1]

        for room in ("lake.load", "lake.contracts.reader"):
            monkeypatch.setattr(f"{room}.contract_for", holds_on)
            monkeypatch.setattr(f"{room}.versions_of", lambda *_: versions)
        monkeypatch.setattr("lake.reconcile.load_contracts", lambda *_: [versions[-1]])
        suite = tmp_path / "root" / "expectations" / "queens" / "dep" / "thing.yaml"
        suite.parent.mkdir(parents=True)
        suite.write_text("[]")
        (tmp_path / "drop").mkdir()
        environment = {"CITYBRAIN_CONN_DROP": f"file://{tmp_path / 'drop'}"}
        return dataclasses.replace(settings, root=tmp_path / "root", environment=environment)

    return make


def drop(tmp_path: Path, day: date, content: bytes) -> None:
    (tmp_path / "drop" / f"drop_{day:%Y%m%d}.csv").write_bytes(content)


def test_a_range_over_two_versions_is_refused_before_the_source_is_asked(lake: Callable[..., Settings]) -> None:
    home = lake(contract(), contract(version="2.0.0", valid_from=TUESDAY))
    with pytest.raises(ContractError, match=r"1\.0\.0 and 2\.0\.0.*load up to 2023-03-06 and from 2023-03-07 sep"):
        load("queens.dep.thing", Window(MONDAY, TUESDAY), home)
    assert deliveries(home, "queens.dep.thing") == []


def test_what_was_not_landed_cannot_be_replayed(lake: Callable[..., Settings], tmp_path: Path) -> None:
    home = lake(contract())
    drop(tmp_path, MONDAY, csv(line(1)))
    delivery = load("queens.dep.thing", Window(MONDAY, MONDAY), home).delivery
    assert find_landed("queens.dep.thing", delivery, home).delivered == 1
    for name in ("2023-03-06-0000000000000000", "", "../thing/" + delivery, "."):
        with pytest.raises(ContractError, match=r"was landed.*quarantine show"):
            resume("queens.dep.thing", name, home)
        with pytest.raises(ContractError):
            accept_anyway("queens.dep.thing", name, "why", "who", home)
    assert purge(home, contract(), date(2100, 1, 1))
    with pytest.raises(ContractError, match=r"were purged on .*load the days again from the source"):
        resume("queens.dep.thing", delivery, home)


def test_a_recapture_fetches_days_that_were_loaded_and_no_others(lake: Callable[..., Settings], tmp_path: Path) -> None:
    made = contract(**BY_DAY, recapture_days=3, publication_lag_days=1, zone="UTC")
    home = lake(made)
    for day in WEEK:
        drop(tmp_path, day, f"Id,Day\n1,{day}\n".encode())

    def windows(results: list[LoadResult]) -> list[tuple[date, str]]:
        return [(result.window.first, result.outcome) for result in results]

    assert windows(load_business_day(made.dataset, WEEK[1], home)) == [(WEEK[0], "committed")]
    drop(tmp_path, WEEK[0], f"Id,Day\n1,{WEEK[0]}\n2,{WEEK[0]}\n".encode())
    assert windows(load_business_day(made.dataset, WEEK[3], home)) == [(WEEK[2], "committed"), (WEEK[0], "committed")]
    assert windows(load_business_day(made.dataset, WEEK[4], home)) == [
        (WEEK[3], "committed"), (WEEK[0], "nothing_new"), (WEEK[2], "nothing_new"),
    ]  # fmt: skip


def test_a_delivery_that_cannot_be_finished_hinders_no_other(
    lake: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, heard = lake(contract()), []
    drop(tmp_path, MONDAY, csv(line(1)))

    def lose(*_: object) -> None:
        raise Unaccounted("a record is nowhere", remedy="report it")

    with monkeypatch.context() as patch:
        patch.setattr("lake.admission._account", lose)
        with pytest.raises(Unaccounted):
            load("queens.dep.thing", Window(MONDAY, MONDAY), home)
    account = __import__("lake.admission", fromlist=["_account"])._account
    monkeypatch.setattr(
        "lake.admission._account",
        lambda connection, landed, digests: lose() if landed.window.first == MONDAY else account(
            connection, landed, digests
        ),
    )  # fmt: skip
    drop(tmp_path, TUESDAY, csv(line(2)))
    assert load("queens.dep.thing", Window(TUESDAY, TUESDAY), home, progress=heard.append).outcome == "committed"
    assert any("stays as it is" in text and "a record is nowhere" in text for text in heard)
    assert {row.day: row.unaccounted for row in reconcile(home)} == {MONDAY: 1, TUESDAY: 0}
    monkeypatch.undo()


def test_what_is_due_and_what_of_it_is_out() -> None:
    daily = contract(publication_lag_days=3)
    monthly = contract(cadence=Cadence.MONTHLY, dataset="queens.dep.monthly")
    snapshot = contract(cadence=Cadence.MONTHLY, mode=Mode.SNAPSHOT, dataset="queens.dep.snapshot")
    as_of = date(2023, 4, 3)
    assert due_days(daily, as_of) == [date(2023, 3, 31)]
    assert due_days(snapshot, as_of) == [date(2023, 3, 1)]
    assert len(due_days(monthly, as_of)) == 31

    def state(dataset: str, day: date, word: str) -> PartitionState:
        return PartitionState(dataset, day, word, 1, 1, 0, 0, "d", "at")

    states = [state(monthly.dataset, day, COMMITTED) for day in due_days(monthly, as_of)[:30]]
    states += [state(daily.dataset, date(2023, 3, 31), "held"), state(snapshot.dataset, date(2023, 3, 1), COMMITTED)]
    assert outstanding([daily, monthly, snapshot], as_of, states) == [
        (daily, date(2023, 3, 31), "held"), (monthly, date(2023, 3, 31), "late"),
    ]  # fmt: skip


class _Hidden(Exception):
    """SQLite's own error behind one of a rollback."""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, "x"), StorageFull),
        (OSError(errno.EDQUOT, "x"), StorageFull),
        (_Hidden("(sqlite3.OperationalError) database or disk is full"), StorageFull),
        (_Hidden("IO Error: Could not write: No space left on device"), StorageFull),
        (OSError(errno.EACCES, "x"), StorageShut),
        (OSError(errno.EROFS, "x"), StorageShut),
        (_Hidden("(sqlite3.OperationalError) attempt to write a readonly database"), StorageShut),
        (FileNotFoundError(errno.ENOENT, "x"), FileNotFoundError),
        (_Hidden("x"), _Hidden),
        (Busy("No space left in the queue", remedy="wait"), Busy),
    ],
)
def test_a_disk_that_is_full_or_shut_is_told_as_such_and_nothing_else_is(
    error: Exception, expected: type[Exception]
) -> None:
    with pytest.raises(expected) as told, told_when_full(dataset="queens.dep.thing", day=MONDAY):
        raise error
    if expected in (StorageFull, StorageShut):
        assert (told.value.dataset, told.value.day) == ("queens.dep.thing", MONDAY)
        with pytest.raises(expected), told_when_full():
            try:
                raise error
            except Exception:
                raise _Hidden("no such savepoint")  # noqa: B904 - as the library does it


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EACCES, "Permission denied", Path("/home/landing")),
        OSError(errno.EACCES, "Failed to open local file '/home/landing'. Detail: [errno 13]"),
    ],
)
def test_what_is_shut_is_named(error: OSError) -> None:
    with pytest.raises(StorageShut, match=r"^/home/landing is shut to us"), told_when_full():
        raise error


def test_the_ledger_is_caught_up_by_the_next_load(lake: Callable[..., Settings], tmp_path: Path) -> None:
    home = lake(contract())
    drop(tmp_path, MONDAY, csv(line(1)))
    load("queens.dep.thing", Window(MONDAY, MONDAY), home)
    kept = Ledger(home).events()
    with Ledger(home)._engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ops_events")
    assert load("queens.dep.thing", Window(MONDAY, MONDAY), home).outcome == "nothing_new"
    assert Ledger(home).events() == kept
