"""Contracts that change: which version a day is loaded by, what a drift is told as, and what is written for it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import duckdb
import pytest
from town import AREA, COLUMNS, CRASH, DEFECT, MONDAY, MONTH, TUESDAY, WINDOW, Town, areas, defects, state

from lake.change import evolve, look
from lake.contracts import check, versions_of
from lake.contracts.model import Window
from lake.errors import ContractError, SchemaDrift
from lake.ledger import COMMITTED, Ledger
from lake.load import load, load_range, resume
from lake.marts.build import view_sql
from lake.marts.pins import _pinned_table
from lake.settings import Settings
from lake.tables import Tables, read_files_sql
from lake.upkeep import upkeep

WEDNESDAY = TUESDAY + timedelta(days=1)
WITH_WARD = "Id,Title,Cost,Caller,Note,Ward\n1,a,1.50,555-0100,n,7\n2,b,1.50,555-0100,n,8\n"


def write_second(town: Town, valid_from: date = TUESDAY) -> None:
    """Version 2.0.0 of the defects: with a ward, without a cost."""
    columns = [column for column in COLUMNS[DEFECT] if column[0] != "cost"] + [("ward", "Ward", "INTEGER", "keep")]
    numbers = {column[0]: number for number, column in enumerate(COLUMNS[DEFECT], 1)} | {"ward": 11}
    town.write_contract(DEFECT, columns, version="2.0.0", valid_from=str(valid_from), field_ids=numbers)


def second(*records: tuple[int, str, int]) -> str:
    return "Id,Title,Caller,Note,Ward\n" + "".join(f"{n},{title},555-0100,n,{ward}\n" for n, title, ward in records)


def current_fields(settings: Settings, dataset: str) -> list[str]:
    newest = versions_of(dataset, settings)[-1]
    return [field.name for field in Tables(settings)._load(newest).schema().fields if field.field_id < 1000]


def seen_by_marts(settings: Settings, dataset: str, columns: str) -> list[tuple[Any, ...]]:
    """Rows as the marts' view over the pinned files has them."""
    contract = versions_of(dataset, settings)[-1]
    table = _pinned_table(contract, Tables(settings).pin(contract), date(2023, 4, 1), {})
    with duckdb.connect() as duck:
        return duck.execute(f"SELECT {columns} FROM ({view_sql(table)}) ORDER BY ALL").fetchall()


def test_each_day_is_loaded_by_the_version_of_its_day_and_the_schema_never_goes_back(town: Town) -> None:
    write_second(town)
    town.deliver("defect_20230307.csv", second((2, "b", 7)))
    load(DEFECT, Window(TUESDAY, TUESDAY), town.settings)
    after_second = current_fields(town.settings, DEFECT)
    assert after_second == ["id", "title", "caller", "ward"]
    # The day before comes late, in the old layout: by the old version, in a range that spans both.
    town.deliver("defect_20230306.csv", defects((1, "a")))
    monday, tuesday = load_range(DEFECT, WINDOW, town.settings)
    assert [(r.window.first, r.outcome) for r in (monday, tuesday)] == [(MONDAY, "committed"), (TUESDAY, "nothing_new")]
    assert current_fields(town.settings, DEFECT) == after_second
    assert [r.outcome for r in load_range(DEFECT, WINDOW, town.settings)] == ["nothing_new"] * 2
    assert seen_by_marts(town.settings, DEFECT, "ds, id, ward") == [(MONDAY, 1, None), (TUESDAY, 2, 7)]
    versions = [event.payload["contract_version"] for event in Ledger(town.settings).events(kind="landed")]
    assert versions == ["2.0.0", "1.0.0"]
    after = state(town.settings)
    assert (after["unaccounted"], after["rebuilt alike"]) == ([], True)


def test_a_landed_delivery_over_two_versions_is_one_commit_by_both(town: Town) -> None:
    town.deliver("defect_20230306.csv", defects((1, "a"), (3, "c")) + "x,broken,1.50,555-0100,n\n")
    town.deliver("defect_20230307.csv", second((2, "b", 7)) + "y,broken,555-0100,n,7\n")
    with pytest.raises(SchemaDrift):
        load(DEFECT, WINDOW, town.settings)
    write_second(town)
    delivery = look_delivery(town)
    result = resume(DEFECT, delivery, town.settings)
    assert (result.outcome, result.delivered, result.accepted, result.quarantined) == ("committed", 5, 3, 2)
    assert len(Ledger(town.settings).events(kind=COMMITTED)) == 1
    assert seen_by_marts(town.settings, DEFECT, "ds, id, ward") == [
        (MONDAY, 1, None), (MONDAY, 3, None), (TUESDAY, 2, 7),
    ]  # fmt: skip
    again = resume(DEFECT, delivery, town.settings)
    assert (again.outcome, again.accepted) == ("nothing_new", 3)
    after = state(town.settings)
    assert (after["unaccounted"], after["rebuilt alike"], len(after[f"quarantine of {DEFECT}"])) == ([], True, 2)


def look_delivery(town: Town) -> str:
    return str(Ledger(town.settings).events(kind="held")[-1].payload["delivery"])


DATES = "Id,Day,Place\n" + "".join(f"{n},{number:02}/03/2023,x\n" for n, number in enumerate([6, 6, 6, 6]))
DRIFTS = [
    ("added", DEFECT, WITH_WARD, [("added", "compatible")], "1.1.0", ("id, ward", [(1, "7"), (2, "8")])),
    ("renamed", DEFECT, defects((1, "a")).replace("Cost", "Costs"), [("renamed", "needs decision")], "1.1.0",
     ("id, cost::VARCHAR", [(1, "1.50")])),
    ("removed", DEFECT, "Id,Title,Cost,Note\n1,a,1.50,n\n", [("removed", "needs decision")], "1.1.0",
     ("id, title", [(1, "a")])),
    ("reordered", DEFECT, "Title,Id,Cost,Caller,Note\na,1,1.50,555-0100,n\n", [("reordered", "compatible")], "1.0.1",
     ("id, title", [(1, "a")])),
    ("widened", DEFECT, defects(*((n, "a") for n in range(4))).replace("1.50", "12345678.50"),
     [("retyped", "compatible")], "1.1.0", ("count(DISTINCT cost), max(cost)::VARCHAR", [(1, "12345678.50")])),
    ("narrowed", DEFECT, defects(*((n, "a") for n in range(4))).replace("1.50", "cheap"),
     [("retyped", "breaking")], "2.0.0", ("count(*), max(cost)", [(4, "cheap")])),
    ("key renamed", DEFECT, defects((1, "a")).replace("Id,", "Ident,"), [("renamed", "breaking")], "2.0.0",
     ("id, title", [(1, "a")])),
    ("another date format", CRASH, DATES.replace("06/03", "26/03").replace("2023", "2023"), [("retyped", "breaking")],
     "2.0.0", None),
    ("two at once", DEFECT, "Ward,Id,Title,Cost,Note\n7,1,a,1.50,n\n",
     [("removed", "needs decision"), ("added", "compatible")], "1.1.0", ("id, ward", [(1, "7")])),
]  # fmt: skip


@pytest.mark.parametrize(
    ("dataset", "content", "told", "version", "seen"), [d[1:] for d in DRIFTS], ids=[d[0] for d in DRIFTS]
)
def test_a_drift_is_weighed_written_down_and_loaded(
    town: Town,
    dataset: str,
    content: str,
    told: list[tuple[str, str]],
    version: str,
    seen: tuple[str, list[Any]] | None,
) -> None:
    name = dataset.rpartition(".")[2]
    town.deliver(f"{name}_20230306.csv", content)
    with pytest.raises(SchemaDrift):
        load(dataset, Window(MONDAY, MONDAY), town.settings)
    found = look(dataset, town.settings)
    assert [(change.kind, change.weight) for change in found.changes] == told
    assert (found.delivery, found.day, found.version) == (look_delivery(town), MONDAY, version)
    written = evolve(dataset, town.settings)
    assert (written.version, written.valid_from) == (version, MONDAY)
    assert check(town.settings) == []
    assert [v.version for v in versions_of(dataset, town.settings)] == ["1.0.0", version]
    with pytest.raises(ContractError, match=r"has the columns of|itself valid from"):
        evolve(dataset, town.settings)
    if seen is not None:
        assert resume(dataset, look_delivery(town), town.settings).outcome == "committed"
        assert seen_by_marts(town.settings, dataset, seen[0]) == seen[1]
        assert state(town.settings)["unaccounted"] == []


def test_keys_of_features_are_a_layout_too(town: Town) -> None:
    town.deliver("area_2023-03.geojson", areas((1, "x")).replace('"name"', '"names"'))
    with pytest.raises(SchemaDrift):
        load(AREA, Window(date(2023, 3, 1), date(2023, 3, 31)), town.settings)
    assert [(c.kind, c.weight, c.column) for c in look(AREA, town.settings).changes] == [
        ("renamed", "needs decision", "name")
    ]
    evolve(AREA, town.settings)
    resume(AREA, look_delivery(town), town.settings)
    assert seen_by_marts(town.settings, AREA, "code, name") == [(1, "x")]


def test_what_no_machine_can_decide_is_left_to_a_person(town: Town) -> None:
    contract = (town.base / "root/contracts/town/road/defect.yaml").read_bytes()
    for content, told in (
        ("Title,Cost,Caller,Note\na,1.50,555-0100,n\n", "key, cursor, partition"),
        ("a;b;c\n1;2;3\n", "hardly a column is known"),
    ):
        town.deliver("defect_20230306.csv", content)
        with pytest.raises(SchemaDrift):
            load(DEFECT, Window(MONDAY, MONDAY), town.settings)
        with pytest.raises(ContractError, match=told):
            evolve(DEFECT, town.settings, look_delivery(town))
    assert (town.base / "root/contracts/town/road/defect.yaml").read_bytes() == contract
    assert not list((town.base / "root/contracts/town/road").glob("defect@*"))


def test_columns_nobody_asked_for_stay_in_the_landing_where_the_contract_says_so(town: Town) -> None:
    path = town.base / "root/contracts/town/road/defect.yaml"
    own = '{"property": "additionalColumns", "value": "keep_in_landing"}, {"property": "mode"'
    path.write_text(path.read_text().replace('{\n   "property": "mode"', own, 1))
    assert "keep_in_landing" in path.read_text()
    town.deliver("defect_20230306.csv", defects((1, "a")))
    town.deliver(
        "defect_20230307.csv", "Ward,Id,Title,Cost,Caller,Note\n7,1,a,1.50,555-0100,n\n7,2,b,1.5x,555-0100,n\n"
    )
    town.deliver("defect_20230308.csv", defects((3, "c")))
    result = load(DEFECT, Window(MONDAY, WEDNESDAY), town.settings)
    # The ward is no part of the content: defect 1 is unchanged. What is quarantined keeps all its cells.
    assert (result.accepted, result.unchanged, result.quarantined) == (2, 1, 1)
    assert seen_by_marts(town.settings, DEFECT, "ds, id, title") == [(MONDAY, 1, "a"), (WEDNESDAY, 3, "c")]
    assert state(town.settings)["unaccounted"] == []
    # Renamed is not added: that holds it all the same.
    town.deliver("defect_20230309.csv", WITH_WARD.replace("Cost", "Price"))
    with pytest.raises(SchemaDrift):
        load(DEFECT, Window(date(2023, 3, 9), date(2023, 3, 9)), town.settings)


def test_keys_nobody_asked_for_stay_in_the_landing_where_the_contract_says_so(town: Town) -> None:
    path = town.base / "root/contracts/town/plan/area.yaml"
    own = '{"property": "additionalColumns", "value": "keep_in_landing"}, {"property": "mode"'
    path.write_text(path.read_text().replace('{\n   "property": "mode"', own, 1))
    content = areas((1, "x"), (2, "y")).replace('"name": "y"', '"name": "y", "ward": {"no": 7}')
    town.deliver("area_2023-03.geojson", content)
    assert load(AREA, MONTH, town.settings).accepted == 2
    assert seen_by_marts(town.settings, AREA, "code, name") == [(1, "x"), (2, "y")]
    (landed,) = town.settings.landing.glob("*/area/*/files/*.geojson")
    assert landed.read_text() == content
    assert state(town.settings)["unaccounted"] == []


def test_a_column_dropped_and_taken_up_again_brings_nothing_back(town: Town) -> None:
    """Neither in the marts' view, nor after the files of the day were merged."""
    without = [column for column in COLUMNS[DEFECT] if column[0] != "title"]
    numbers = {column[0]: number for number, column in enumerate(COLUMNS[DEFECT], 1)}
    town.deliver("defect_20230306.csv", defects((1, "old"), (2, "old")))
    load(DEFECT, Window(MONDAY, MONDAY), town.settings)
    town.deliver("defect_20230306.csv", defects((1, "older")))
    load(DEFECT, Window(MONDAY, MONDAY), town.settings)
    town.write_contract(DEFECT, without, version="2.0.0", valid_from="2023-03-05", field_ids=numbers)
    town.write_contract(DEFECT, version="3.0.0", valid_from="2023-03-06", field_ids=numbers | {"title": 21})
    path = town.base / "root/contracts/town/road/defect.yaml"
    path.with_name("defect@1.0.0.yaml").rename(path.with_name("defect@2.0.0.yaml"))
    assert [m.message for m in check(town.settings) if "dropped" in m.message] == []
    town.deliver("defect_20230306.csv", defects((1, "new")))
    load(DEFECT, Window(MONDAY, MONDAY), town.settings)
    expected = [(1, None), (1, None), (1, "new"), (2, None)]
    assert sorted(seen_by_marts(town.settings, DEFECT, "id, title"), key=str) == sorted(expected, key=str)
    upkeep(town.settings, date(2023, 6, 1), older_than=timedelta(0))
    assert sorted(seen_by_marts(town.settings, DEFECT, "id, title"), key=str) == sorted(expected, key=str)
    # What the first version had is not lost either: it lies under its own field id, which nobody reads.
    newest = versions_of(DEFECT, town.settings)[-1]
    kept = read_files_sql([file.path for file in Tables(town.settings).pin(newest).files], [("t", "VARCHAR", 2)])
    with duckdb.connect() as duck:
        assert duck.execute(f"SELECT t FROM {kept} WHERE t IS NOT NULL ORDER BY t").fetchall() == [
            ("old",), ("old",), ("older",),
        ]  # fmt: skip


def test_an_id_that_was_dropped_is_not_taken_up_again(town: Town) -> None:
    numbers = {column[0]: number for number, column in enumerate(COLUMNS[DEFECT], 1)}
    without = [column for column in COLUMNS[DEFECT] if column[0] != "title"]
    path = town.base / "root/contracts/town/road/defect.yaml"
    town.write_contract(DEFECT, without, version="2.0.0", valid_from="2021-01-01", field_ids=numbers)
    path.rename(path.with_name("defect@2.0.0.yaml"))
    town.write_contract(DEFECT, version="1.0.0")
    path.write_text(
        path.read_text().replace('"version": "1.0.0"', '"version": "3.0.0"').replace("2020-01-01", "2022-01-01")
    )
    assert [m.message for m in check(town.settings)] == ["field id 2 was dropped by an earlier version"]
