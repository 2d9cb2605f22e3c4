"""Ranges of files: registers of many days in one delivery; a file that cannot be taken keeps out its own day only."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from admission_deliveries import contract

from lake.contracts.model import Cadence, Column, Contract, Mode, Source, Window, Withdrawal
from lake.errors import ContractViolation, SchemaDrift
from lake.ledger import COMMITTED, HELD, LANDED, Ledger, project
from lake.load import in_one_delivery, load, load_range, resume
from lake.onboarding.rehearsal import rehearse
from lake.reconcile import reconcile
from lake.settings import Settings
from lake.tables import Tables

MONDAY = date(2026, 3, 2)
COLUMNS = (
    Column("id", "Id", "BIGINT", 1, required=True, key_position=1),
    Column("title", "Title", "VARCHAR", 2),
    Column("cost", "Cost", "DECIMAL(9,2)", 3),
)
DATASET = "queens.dep.thing"
SUITE = """
- {id: one_each, type: expect_column_values_to_be_unique, kwargs: {column: id}, severity: critical, owner: Dep,
   reason: a register has each thing once, reason_zh: 唯一}
- {id: some, type: expect_table_row_count_to_be_between, kwargs: {min_value: 2, max_value: 4}, severity: critical,
   owner: Dep, reason: a register is never empty, reason_zh: 非空}
- {id: titled, type: expect_column_values_to_not_be_null, kwargs: {column: title}, severity: warning, owner: Dep,
   reason: a title is shown, reason_zh: 名称}
"""


class Lake:
    """A home with one dataset whose files lie in a drop folder."""

    def __init__(self, made: Contract, settings: Settings, folder: Path) -> None:
        self.contract, self.settings, self.folder = made, settings, folder

    def drop(self, day: date, *lines: str, header: str = "Id,Title,Cost") -> None:
        text = "\n".join([header, *lines]) + "\n" if header else ""
        (self.folder / f"drop_{day:%Y%m%d}.csv").write_text(text)

    def load(self, first: date, last: date) -> Any:
        (result,) = load_range(DATASET, Window(first, last), self.settings)
        return result

    def rows(self, columns: str = "ds, id, title") -> list[tuple[Any, ...]]:
        files = [file.path for file in Tables(self.settings).pin(self.contract).files]
        sql = f"SELECT {columns} FROM read_parquet(?, hive_partitioning = false, union_by_name = true) ORDER BY ALL"
        return duckdb.execute(sql, [files]).fetchall()

    def states(self) -> dict[date, str]:
        return {state.day: state.state for state in Ledger(self.settings).partitions(DATASET)}

    def assert_nothing_is_lost(self) -> None:
        assert {row.day: row.unaccounted for row in reconcile(self.settings) if row.unaccounted} == {}
        ledger = Ledger(self.settings)
        kept = {event.id: event.payload for event in ledger.events()}
        assert kept == {event.id: event.payload for event in project(self.settings)}


@pytest.fixture
def lake(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Lake]:
    def make(suite: str = "[]", **changes: Any) -> Lake:
        made = contract(columns=COLUMNS, zone="UTC", **changes)
        for room in ("lake.load", "lake.contracts.reader", "lake.admission.suites"):
            monkeypatch.setattr(f"{room}.contract_for", lambda *_: made, raising=False)
            monkeypatch.setattr(f"{room}.versions_of", lambda *_: [made])
        monkeypatch.setattr("lake.reconcile.load_contracts", lambda *_: [made])
        path = tmp_path / "root" / "expectations" / "queens" / "dep" / "thing.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(suite)
        folder = tmp_path / "drop"
        folder.mkdir()
        home = dataclasses.replace(
            settings, root=tmp_path / "root", environment={"CITYBRAIN_CONN_DROP": f"file://{folder}"}
        )
        home.make_home()
        return Lake(made, home, folder)

    return make


def week(number: int) -> date:
    return MONDAY + timedelta(weeks=number)


REGISTER = {"mode": Mode.SNAPSHOT, "cadence": Cadence.WEEKLY, "withdrawal": Withdrawal.ABSENCE}


def test_a_range_of_registers_is_one_delivery_and_each_replaces_its_own_day(lake: Callable[..., Lake]) -> None:
    here = lake(SUITE, **REGISTER)
    for number in (0, 1, 3, 4):  # the third never came
        here.drop(week(number), "1,a,1.50", f"2,b{number},2.50", "3,,3.50" if number == 1 else "4,d,3.50")
    result = here.load(week(0) + timedelta(days=2), week(4))  # from a Wednesday: registers are of whole weeks
    assert (result.window, result.outcome) == (Window(week(0), week(4) + timedelta(days=6)), "committed")
    assert (result.delivered, result.accepted, result.missing_days) == (12, 12, (week(2),))
    assert result.days_changed == (week(0), week(1), week(3), week(4))
    assert [event.kind for event in Ledger(here.settings).events(dataset=DATASET)] == [LANDED, COMMITTED]
    (warning,) = result.warnings
    assert (warning["id"], warning["day"], warning["failed_n"]) == ("titled", str(week(1)), 1)
    assert (week(1), 4, "d") not in here.rows() and (week(1), 3, None) in here.rows()

    assert here.load(week(0), week(4)).outcome == "nothing_new"
    here.drop(week(3), "1,a,1.50", "9,i,1.00")
    corrected = here.load(week(0), week(4))
    assert (corrected.days_changed, corrected.accepted, corrected.unchanged) == ((week(3),), 2, 9)
    assert [row for row in here.rows() if row[0] == week(3)] == [(week(3), 1, "a"), (week(3), 9, "i")]
    assert len(here.rows()) == 11
    here.assert_nothing_is_lost()


def test_what_a_suite_says_of_a_register_holds_of_each_of_a_range(lake: Callable[..., Lake]) -> None:
    here = lake(SUITE, **REGISTER)
    for number in range(4):
        here.drop(week(number), "1,a,1.50", "2,b,2.50")
    here.drop(week(1), "1,a,1.50")  # too few
    here.drop(week(2), *(f"{n},a,1.50" for n in range(5)))  # too many
    result = here.load(week(0), week(3))
    assert [(file["day"], file["kind"]) for file in result.held] == [
        (str(week(1)), "PartitionHeld"), (str(week(2)), "PartitionHeld"),
    ]  # fmt: skip
    assert all("critical check some" in file["cause"] for file in result.held)
    assert (result.delivered, result.accepted) == (4, 4)
    assert here.states() == {week(0): COMMITTED, week(1): HELD, week(2): HELD, week(3): COMMITTED}
    here.assert_nothing_is_lost()


def test_the_same_thing_twice_in_one_register_is_told_of_that_register(lake: Callable[..., Lake]) -> None:
    here = lake(**REGISTER)
    here.drop(week(0), "1,a,1.50", "1,a,1.50", "2,b,2.50")
    here.drop(week(1), "1,a,1.50", "2,b,2.50", "2,c,2.50")
    result = here.load(week(0), week(1))
    assert (result.accepted, result.unchanged, result.quarantined) == (3, 1, 2)
    assert result.reasons == {"conflicting_versions": 2}
    assert here.rows() == [(week(0), 1, "a"), (week(0), 2, "b"), (week(1), 1, "a")]
    here.assert_nothing_is_lost()


def test_a_table_has_no_past(lake: Callable[..., Lake]) -> None:
    span = Window(week(0), week(3) + timedelta(days=6))
    table = contract("postgres", **REGISTER)
    last, gone = in_one_delivery(table, span)
    assert (last, gone) == (Window(week(3), span.last), [week(0), week(1), week(2)])
    written_over = contract(arguments={"pattern": "register.csv"}, **REGISTER)
    assert in_one_delivery(written_over, span) == (last, gone)
    assert in_one_delivery(contract(**REGISTER), span) == (span, [])
    here = lake(**REGISTER, source=Source("csv_files", "drop", {"pattern": "register.csv"}))
    (here.folder / "register.csv").write_text("Id,Title,Cost\n1,a,1\n")
    result = here.load(week(0), week(3))
    assert (result.missing_days, result.days_changed) == ((week(0), week(1), week(2)), (week(3),))


# ---- a file that cannot be taken -------------------------------------------------------------------------------------

DAYS = [MONDAY + timedelta(days=n) for n in range(8)]
BAD = {
    DAYS[1]: ("SchemaDrift", "Cost"),  # renamed
    DAYS[2]: ("DeliveryDamaged", None),  # not even a header
    DAYS[4]: ("SchemaDrift", "cost"),  # retyped: a fifth of a few rows, lost among all
    DAYS[6]: ("SchemaDrift", "Ward"),  # added
}


def with_bad_days(here: Lake) -> None:
    for day in DAYS:
        here.drop(day, *(f"{n},{day:%d},1.50" for n in range(3)))
    here.drop(DAYS[1], "1,a,1.50", header="Id,Title,Costs")
    here.drop(DAYS[2], header="")
    here.drop(DAYS[4], "1,a,cheap", "2,b,dear", "3,c,dear", "4,d,1.50")
    here.drop(DAYS[6], "1,a,1.50,7", header="Id,Title,Cost,Ward")
    here.drop(DAYS[5], "1,a,cheap", "2,b,1.50", "3,c,1.50")  # a bad cell, and no more


@pytest.mark.parametrize("mode", [Mode.CHANGES, Mode.SNAPSHOT])
def test_bad_files_of_a_range_are_held_for_themselves(lake: Callable[..., Lake], mode: Mode) -> None:
    changes = {"mode": mode} | ({"withdrawal": Withdrawal.ABSENCE} if mode is Mode.SNAPSHOT else {})
    here = lake(**changes)
    with_bad_days(here)
    (would,) = rehearse(DATASET, Window(DAYS[0], DAYS[-1]), here.settings)
    result = here.load(DAYS[0], DAYS[-1])
    found = {date.fromisoformat(file["day"]): (file["kind"], file["column"]) for file in result.held}
    assert found == BAD and would.held == result.held
    assert all(file["remedy"] and file["file"] in file["cause"] for file in result.held)
    good = [day for day in DAYS if day not in BAD]
    assert {row[0] for row in here.rows()} == set(good)
    assert (result.delivered, result.quarantined, result.reasons) == (12, 1, {"cast:cost": 1})
    assert here.states() == {day: HELD if day in BAD else COMMITTED for day in DAYS}
    here.assert_nothing_is_lost()
    assert sum(row.held for row in reconcile(here.settings)) == 6
    again = here.load(DAYS[0], DAYS[-1])
    assert (again.outcome, again.held, again.delivered) == ("nothing_new", result.held, 12)

    # The department delivers one of them again: it is in, the others wait.
    here.drop(DAYS[1], "7,late,1.50")
    assert load(DATASET, Window(DAYS[1], DAYS[1]), here.settings).outcome == "committed"
    assert here.states()[DAYS[1]] == COMMITTED and here.states()[DAYS[2]] == HELD
    # A replay changes nothing of it, and does not bring the old file of that day back to mind.
    resume(DATASET, result.delivery, here.settings)
    assert (DAYS[1], 7, "late") in here.rows() and len({row[0] for row in here.rows()}) == 5
    here.assert_nothing_is_lost()


def test_a_day_that_was_in_stays_when_its_file_comes_again_damaged(lake: Callable[..., Lake]) -> None:
    here = lake(mode=Mode.DAY, partition_column="on_day")
    columns = (*COLUMNS, Column("on_day", "Day", "DATE", 4, required=True))
    object.__setattr__(here.contract, "columns", columns)
    for number, day in enumerate(DAYS[:4]):
        here.drop(day, f"{number},a,1.50,{day}", header="Id,Title,Cost,Day")
    here.load(DAYS[0], DAYS[3])
    before = here.rows("ds, id")
    here.drop(DAYS[1], "1,a,1.50", header="Id,Title,Cost")
    here.drop(DAYS[2], f"2,a,1.50,{DAYS[2]}", f"9,stray,1.50,{DAYS[1]}", header="Id,Title,Cost,Day")
    result = here.load(DAYS[0], DAYS[3])
    assert [file["day"] for file in result.held] == [str(DAYS[1])]
    assert (result.reasons, here.rows("ds, id")) == ({"outside_window": 1}, before)
    assert here.states()[DAYS[1]] == COMMITTED  # by what came first
    here.assert_nothing_is_lost()


def test_a_layout_that_changed_for_good_is_read_once_not_once_a_file(
    lake: Callable[..., Lake], monkeypatch: pytest.MonkeyPatch
) -> None:
    import lake.admission as room

    here, reads = lake(), []
    days = [MONDAY + timedelta(days=n) for n in range(30)]
    for day in days:
        header = "Id,Title,Cost" if day < days[10] else "Id,Title,Price"
        here.drop(day, "1,a,1.50" if day < days[10] else "2,a,1.50", header=header)
    read = room.read
    monkeypatch.setattr(room, "read", lambda *given: reads.append(len(given[1].files)) or read(*given))
    result = here.load(days[0], days[-1])
    assert len(result.held) == 20 and {row[0] for row in here.rows()} == {days[0]}  # the same content ever after
    assert sum(reads) < 5 * len(days)
    here.assert_nothing_is_lost()


def test_where_no_file_can_be_taken_the_delivery_is_held_as_ever(lake: Callable[..., Lake]) -> None:
    here = lake()
    for day in DAYS[:3]:
        here.drop(day, "1,a,1.50", header="Id,Title,Price")
    with pytest.raises(SchemaDrift):
        here.load(DAYS[0], DAYS[2])
    assert here.states() == dict.fromkeys(DAYS[:3], HELD)
    here.assert_nothing_is_lost()
    with pytest.raises(ContractViolation):  # and a load by hand of a window is one decision, as it was
        here.drop(DAYS[0], "1,a,1.50")
        load(DATASET, Window(DAYS[0], DAYS[2]), here.settings)
    assert not Tables(here.settings).pin(here.contract).files


@pytest.mark.parametrize("at", ["admit.recorded", "commit.done", "held.json"])
def test_killed_at_any_step_it_ends_the_same(
    lake: Callable[..., Lake], monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    class Killed(BaseException):
        """What no handler catches."""

    here = lake()
    with_bad_days(here)

    def kill(name: str) -> None:
        if name == at:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("lake.load.boundary", kill)
        if at == "held.json":
            patch.setattr("lake.load._hold_apart", lambda folder: kill("held.json"))
        with pytest.raises(Killed):
            here.load(DAYS[0], DAYS[-1])
    # Another day is loaded next; it finishes what was left.
    other = DAYS[-1] + timedelta(days=1)
    here.drop(other, "9,i,1.50")
    here.load(other, other)
    assert here.states() == {day: HELD if day in BAD else COMMITTED for day in DAYS} | {other: COMMITTED}
    result = here.load(DAYS[0], DAYS[-1])
    assert (result.outcome, len(result.held)) == ("nothing_new", 4)
    assert len(Ledger(here.settings).events(kind=HELD)) == 1
    here.assert_nothing_is_lost()
