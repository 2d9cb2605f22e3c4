"""What breaks its contract is held, told and kept; what is away or late leaves nothing behind; each can be mended."""

from __future__ import annotations

import gzip
import json

import pytest
from town import COLUMNS, CRASH, DEFECT, MONDAY, TUESDAY, WINDOW, Town, crashes, defects, rows, state
from typer.testing import CliRunner

from lake.contracts.model import Window
from lake.errors import ContractError, ContractViolation, PartitionHeld, SchemaDrift, SourceLate, SourceUnavailable
from lake.ledger import DECIDED, HELD, Ledger
from lake.load import accept_anyway, load, resume
from lake.reconcile import reconcile

DAY = Window(MONDAY, MONDAY)


def shown(town: Town, *arguments: str) -> str:
    """What the command line says."""
    from lake.cli import app

    result = CliRunner().invoke(app, list(arguments), env={**town.environment, "COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.output


def test_a_truncated_archive_is_held_listed_and_lost_nowhere(town: Town) -> None:
    town.write_contract(DEFECT, arguments={"pattern": "defect_{day:%Y%m%d}.csv.gz"})
    whole = gzip.compress(defects(*((n, f"t{n * 7919 % 1000}") for n in range(300))).encode())
    town.deliver("defect_20230306.csv.gz", whole[: len(whole) // 2])
    with pytest.raises(ContractViolation, match=r"dataset=town.road.defect day=2023-03-06.*archive.*Remedy"):
        load(DEFECT, DAY, town.settings)
    (account,) = reconcile(town.settings)
    assert account.unaccounted == 0
    assert 0 < account.held == account.delivered < 300
    (held,) = json.loads(shown(town, "quarantine", "show", DEFECT, "--json"))["deliveries"]
    assert (held["kind"], "archive" in held["cause"]) == ("DeliveryDamaged", True)
    assert held["delivery"] in shown(town, "quarantine", "show", DEFECT)

    town.deliver("defect_20230306.csv.gz", whole)
    assert load(DEFECT, DAY, town.settings).accepted == 300
    after = state(town.settings)
    assert (after["unaccounted"], after["rebuilt alike"]) == ([], True)


def test_an_empty_file_is_held_and_a_header_alone_is_a_day_without_records(town: Town) -> None:
    town.deliver("defect_20230306.csv", b"")
    with pytest.raises(ContractViolation, match="the file is empty, it has not even a header"):
        load(DEFECT, DAY, town.settings)
    assert [event.payload["kind"] for event in Ledger(town.settings).events(kind=HELD)] == ["DeliveryDamaged"]
    assert [partition.state for partition in Ledger(town.settings).partitions(DEFECT)] == ["held"]
    town.deliver("defect_20230306.csv", defects())
    assert load(DEFECT, DAY, town.settings).delivered == 0
    assert [partition.state for partition in Ledger(town.settings).partitions(DEFECT)] == ["committed"]


def test_a_day_that_is_missing_and_a_folder_that_is_away_leave_nothing(town: Town) -> None:
    town.remember()
    with pytest.raises(SourceLate, match="day=2023-03-06"):
        load(DEFECT, DAY, town.settings)
    town.drop.rename(town.base / "unmounted")
    with pytest.raises(SourceUnavailable):
        load(DEFECT, DAY, town.settings)
    assert Ledger(town.settings).events() == []
    assert not [path for path in town.settings.landing.rglob("*") if path.is_file() and path.suffix != ".lock"]


RENAMED = defects((1, "a"), (2, "b")).replace("Cost", "Costs")
ADDED = "Id,Title,Cost,Caller,Note,Ward\n1,a,1.50,555-0100,n,7\n2,b,1.50,555-0100,n,7\n"
REMOVED = "Id,Title,Cost,Caller\n1,a,1.50,555-0100\n2,b,1.50,555-0100\n"
RETYPED = "Id,Title,Cost,Caller,Note\n" + "".join(f"{n},a,cheap,555-0100,n\n" for n in range(5))


@pytest.mark.parametrize(
    ("content", "told", "columns", "expected"),
    [
        (RENAMED, "renamed 'Cost' to 'Costs'", {"cost": ("cost", "Costs", "DECIMAL(9,2)", "keep")}, 2),
        (ADDED, "added 'Ward'", {"ward": ("ward", "Ward", "INTEGER", "keep")}, 2),
        (REMOVED, "removed 'Note'", {"note": None}, 2),
        (RETYPED, "column was retyped", {"cost": ("cost_text", "Cost", "VARCHAR", "keep")}, 5),
    ],
    ids=["renamed", "added", "removed", "retyped"],
)  # fmt: skip
def test_changed_columns_are_held_until_a_new_version_of_the_contract_takes_them(
    town: Town, content: str, told: str, columns: dict[str, tuple[str, str, str, str] | None], expected: int
) -> None:
    town.deliver("defect_20230306.csv", defects((9, "before")))
    load(DEFECT, DAY, town.settings)
    town.deliver("defect_20230307.csv", content)
    tuesday = Window(TUESDAY, TUESDAY)
    for _ in range(2):  # tried again, it is held again, and that is no news
        with pytest.raises(SchemaDrift, match=told):
            load(DEFECT, tuesday, town.settings)
    (held,) = [event.payload for event in Ledger(town.settings).events(kind=HELD)]
    with pytest.raises(SchemaDrift):
        resume(DEFECT, held["delivery"], town.settings)
    assert [account.unaccounted for account in reconcile(town.settings)] == [0, 0]

    given = {column[0]: column for column in COLUMNS[DEFECT]} | columns
    kept = [column for column in given.values() if column is not None]
    numbers = {column[0]: n for n, column in enumerate(COLUMNS[DEFECT], 1)} | {"ward": 11, "cost_text": 12}
    town.write_contract(DEFECT, kept, version="2.0.0", valid_from="2023-03-07", field_ids=numbers)
    assert resume(DEFECT, held["delivery"], town.settings).outcome == "committed"
    assert load(DEFECT, tuesday, town.settings).outcome == "nothing_new"
    assert len(rows(town.settings, DEFECT)) == 1 + expected
    after = state(town.settings)
    assert (after["unaccounted"], after["rebuilt alike"]) == ([], True)


def test_a_load_takes_what_was_held_once_the_contract_does(town: Town) -> None:
    """Not only a replay: who loads the day again gets it by today's contract too, though its bytes are known."""
    town.deliver("defect_20230306.csv", RENAMED)
    with pytest.raises(SchemaDrift):
        load(DEFECT, DAY, town.settings)
    renamed = [("cost", "Costs", "DECIMAL(9,2)", "keep") if c[0] == "cost" else c for c in COLUMNS[DEFECT]]
    town.write_contract(DEFECT, renamed, version="1.1.0", valid_from="2023-03-01")
    assert load(DEFECT, DAY, town.settings).accepted == 2
    assert state(town.settings)["unaccounted"] == []


def test_a_range_over_two_versions_is_refused_with_the_two_ranges(town: Town) -> None:
    town.write_contract(DEFECT, version="2.0.0", valid_from=str(TUESDAY))
    with pytest.raises(ContractError, match=r"versions 1.0.0 and 2.0.0.* up to 2023-03-06 and from 2023-03-07"):
        load(DEFECT, WINDOW, town.settings)


EXPECTATION = {"owner": "Roads", "reason": "Thousands a day.", "reason_zh": "每日数千。"}
CRITICAL = {"id": "enough", "type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1000},
            "severity": "critical"} | EXPECTATION  # fmt: skip
PLACED = {"id": "placed", "type": "expect_column_values_to_not_be_null", "kwargs": {"column": "place"},
          "severity": "error"} | EXPECTATION  # fmt: skip


def test_what_fails_a_critical_check_waits_for_who_answers_for_it(town: Town) -> None:
    town.write_suite(CRASH, CRITICAL, PLACED)
    town.deliver("crash_20230306.csv", crashes(MONDAY, (1, "a"), (2, "")))
    with pytest.raises(PartitionHeld, match=r"critical check enough .*ask Roads.*quarantine accept") as told:
        load(CRASH, DAY, town.settings)
    assert (told.value.dataset, told.value.day) == (CRASH, MONDAY)
    assert rows(town.settings, CRASH) == []
    (hold,) = [event.payload for event in Ledger(town.settings).events(kind=HELD)]
    (account,) = reconcile(town.settings)
    assert (account.held, account.unaccounted) == (2, 0)

    result = accept_anyway(CRASH, hold["delivery"], "a holiday", "Li", town.settings)
    assert (result.outcome, result.accepted, result.quarantined) == ("committed", 1, 1)
    (decision,) = [event.payload for event in Ledger(town.settings).events(kind=DECIDED)]
    assert (decision["because"], decision["by"]) == ("a holiday", "Li")
    assert any("a holiday" in warning["reason"] for warning in result.warnings)
    assert json.loads(shown(town, "quarantine", "show", CRASH, "--json"))["deliveries"] == []
    after = state(town.settings)
    assert (after["unaccounted"], after["rebuilt alike"]) == ([], True)

    # A replay goes by today's suite: what an older one held back comes in.
    town.write_suite(CRASH)
    assert resume(CRASH, hold["delivery"], town.settings).accepted == 2
    after = state(town.settings)
    assert len(after[CRASH]) == 2
    assert after["quarantine of town.road.crash"] == []
    assert (after["unaccounted"], after["rebuilt alike"]) == ([], True)
