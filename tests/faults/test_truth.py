"""Late, corrected, withdrawn and returning records against tables written by hand; see ``truth/README.md``."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from ruamel.yaml import YAML
from town import DEFECT, Town, state

from lake.contracts import check, versions_of
from lake.contracts.model import Window
from lake.errors import ContractError, PartitionHeld
from lake.ledger import COMPARED, Ledger
from lake.load import load, resume
from lake.tables import Tables
from lake.withdrawals import compare_keys, is_due, load_and_compare, state_sql

TRUTH = Path(__file__).with_name("truth")
TYPES = {"id": "BIGINT", "changed_at": "TIMESTAMPTZ", "on_day": "DATE", "due_on": "DATE"}


def written(rows: list[list[Any]], columns: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue()


def set_up(town: Town, contract: dict[str, Any], columns: list[str]) -> None:
    town.write_contract(
        DEFECT,
        [(name, name, TYPES.get(name, "VARCHAR"), "keep") for name in columns],
        settings={"cadence": "daily"} | contract,
    )
    assert check(town.settings) == []


def said(town: Town, known_on: date | None = None) -> dict[int, str]:
    contract = versions_of(DEFECT, town.settings)[-1]
    files = [file.path for file in Tables(town.settings).pin(contract).files]
    if not files:
        return {}
    with duckdb.connect() as duck:
        sql = state_sql(contract, files, known_on)
        return dict(duck.execute(f"SELECT id, state FROM ({sql}) WHERE NOT _is_withdrawn ORDER BY id").fetchall())


@pytest.mark.parametrize("story", sorted(path.stem for path in TRUTH.glob("*.yaml")))
def test_the_lake_says_what_is_true_as_of_each_day(town: Town, story: str) -> None:
    truth = YAML(typ="safe").load((TRUTH / f"{story}.yaml").read_text(encoding="utf-8"))
    columns = truth["columns"]
    set_up(town, truth["contract"], columns)
    for number, step in enumerate(truth["steps"], start=1):
        day = step["day"]
        if "file" in step:
            town.deliver(f"defect_{day:%Y%m%d}.csv", written(step["file"], columns))
            load(DEFECT, Window(day, day), town.settings)
        if "keys" in step:
            town.deliver(f"keys_{day:%Y%m%d}.csv", written([[key] for key in step["keys"]], ["id"]))
            compare_keys(DEFECT, town.settings)
            assert compare_keys(DEFECT, town.settings).delivery is None, "what was found is found once"
        assert said(town) == step["then"], f"after step {number}"
    assert {day: said(town, day) for day in truth.get("known", {})} == truth.get("known", {})
    after = state(town.settings)
    assert (after["unaccounted"], after["rebuilt alike"]) == ([], True)


KEYS = {
    "mode": "changes",
    "withdrawal": "key_comparison",
    "keyComparison": {"every": "weekly", "arguments": {"pattern": "keys_{day:%Y%m%d}.csv"}},
}


def test_too_many_are_gone_only_on_a_persons_word(town: Town) -> None:
    set_up(town, KEYS, ["id", "state"])
    day = date(2023, 3, 6)
    town.deliver("defect_20230306.csv", written([[n, "open"] for n in range(40)], ["id", "state"]))
    town.deliver("keys_20230306.csv", written([[1]], ["id"]))
    with pytest.raises(ContractError, match="nothing was ever loaded"):
        compare_keys(DEFECT, town.settings)
    with pytest.raises(PartitionHeld, match=r"39 of 40 current records .* the 1 keys"):
        load_and_compare(DEFECT, day, town.settings)
    assert len(said(town)) == 40
    done = compare_keys(DEFECT, town.settings, because="the office was closed", by="who")
    assert (done.withdrawn, done.current, done.source, said(town)) == (39, 40, 1, {1: "open"})
    (event,) = Ledger(town.settings).events(kind=COMPARED)
    assert (event.payload["because"], event.payload["by"]) == ("the office was closed", "who")
    # It is true of its moment: a replay brings nothing twice.
    assert resume(DEFECT, str(done.delivery), town.settings).outcome == "nothing_new"
    assert state(town.settings)["unaccounted"] == []


def test_keys_are_compared_when_it_is_time_and_never_into_the_past(town: Town) -> None:
    set_up(town, KEYS, ["id", "state"])
    due = []
    for number in range(6, 16):
        day = date(2023, 3, number)
        town.deliver(f"defect_{day:%Y%m%d}.csv", written([[number, "open"]], ["id", "state"]))
        town.deliver(f"keys_{day:%Y%m%d}.csv", written([[n] for n in range(6, number + 1)], ["id"]))
        load(DEFECT, Window(day, day), town.settings)
        if is_due(versions_of(DEFECT, town.settings)[-1], day, town.settings):
            compare_keys(DEFECT, town.settings, day=day)
            due.append(number)
    assert due == [6, 13]
    assert not is_due(versions_of(DEFECT, town.settings)[-1], date(2023, 3, 1), town.settings)
    with pytest.raises(ContractError, match="would rewrite what was known since"):
        compare_keys(DEFECT, town.settings, day=date(2023, 3, 10))


def test_a_comparison_killed_anywhere_ends_as_one_that_was_not(town: Town, forge: Any) -> None:
    set_up(town, KEYS, ["id", "state"])
    day = date(2023, 3, 6)
    town.deliver("defect_20230306.csv", written([[1, "open"], [2, "open"]], ["id", "state"]))
    town.deliver("keys_20230306.csv", written([[1]], ["id"]))
    load(DEFECT, Window(day, day), town.settings)
    town.remember()
    compare_keys(DEFECT, town.settings)
    expected = said(town)
    for place in ("land.renamed", "commit.after", "ledger.before"):
        town.restore()
        assert forge.run("compare_keys", town.environment, DEFECT, die_at=place).signal == 9, place
        compare_keys(DEFECT, town.settings)
        assert said(town) == expected == {1: "open"}, place
        after = state(town.settings)
        assert (len(after[DEFECT]), after["unaccounted"], after["rebuilt alike"]) == (3, [], True), place


def test_content_that_came_back_after_a_killed_load_is_what_counts(town: Town, forge: Any) -> None:
    set_up(town, {"mode": "changes", "withdrawal": "unseen"}, ["id", "state"])
    day = date(2023, 3, 6)
    for number, known in enumerate(("open", "closed", "open")):
        town.deliver("defect_20230306.csv", written([[1, known]], ["id", "state"]))
        if number == 1:  # landed, and nothing more
            assert forge.run("load", town.environment, DEFECT, str(day), str(day), die_at="land.renamed").signal == 9
        else:
            load(DEFECT, Window(day, day), town.settings)
    assert said(town) == {1: "open"}
    assert state(town.settings)["unaccounted"] == []
