"""Accepted tables: what is committed is what is read, whoever else writes, and upkeep takes nothing that is needed."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from pathlib import Path

import pytest

from lake.contracts.model import Column, Contract, Mode
from lake.engine import connect
from lake.errors import Busy, ContractError
from lake.settings import Settings
from lake.tables import Pin, Tables, table_columns
from tests.thing import THING

CONTRACT = dataclasses.replace(
    THING,
    mode=Mode.DAY,
    columns=(Column("id", "ID", "BIGINT", 1, key_position=1), Column("phone", "PHONE", "VARCHAR", 2)),
)
MONDAY, TUESDAY = date(2023, 4, 3), date(2023, 4, 4)


def stage(settings: Settings, rows: dict[date, list[int]], contract: Contract = CONTRACT) -> list[Path]:
    """Parquet files as admission stages them."""
    files = []
    ids = ", ".join(f'"{name}": {number}' for name, _, number in table_columns(contract))
    columns = ", ".join(
        f"{'i' if c.name == 'id' else repr('555-0100')}::{c.lake_type} AS {c.name}" for c in contract.columns
    )
    with connect(settings) as duck:
        for day, numbers in rows.items():
            path = settings.staging / f"ds={day}" / f"{len(list(settings.staging.rglob('*')))}.parquet"
            path.parent.mkdir(exist_ok=True)
            duck.execute(
                f"COPY (SELECT {columns}, DATE '{day}' AS ds, 'd' AS _delivery, 'f' AS _file, i::BIGINT AS _record, "
                f"'x' AS _digest, TIMESTAMPTZ '2023-04-05' AS _landed_at, false AS _is_withdrawn "
                f"FROM unnest({numbers}) AS t(i)) "
                f"TO '{path}' (FORMAT parquet, FIELD_IDS {{{ids}}})"
            )
            files.append(path)
    return files


def ids_in(settings: Settings, pin: Pin) -> list[tuple[date, int]]:
    with connect(settings) as duck:
        files = [file.path for file in pin.files]
        return duck.execute("SELECT ds, id FROM read_parquet($1) ORDER BY 1, 2", [files]).fetchall() if files else []


def commit(settings: Settings, rows: dict[date, list[int]], *, replace: list[date], delivery: str = "a") -> int | None:
    tables = Tables(settings)
    return tables.commit(
        CONTRACT,
        stage(settings, rows),
        delivery=delivery,
        replace_days=replace,
        expected_snapshot=tables.snapshot_id(CONTRACT),
    ).snapshot_id


def test_a_redelivered_day_replaces_the_day_and_no_other_in_one_snapshot(settings: Settings) -> None:
    commit(settings, {MONDAY: [1, 2], TUESDAY: [3]}, replace=[MONDAY, TUESDAY])
    before = Tables(settings).pin(CONTRACT)
    commit(settings, {MONDAY: [1, 9]}, replace=[MONDAY], delivery="b")
    after = Tables(settings).pin(CONTRACT)
    assert ids_in(settings, after) == [(MONDAY, 1), (MONDAY, 9), (TUESDAY, 3)]
    assert {day for day in after.fingerprints if after.fingerprints[day] != before.fingerprints[day]} == {MONDAY}
    # A delete and an append would leave a snapshot between the two in which Monday is missing.
    assert len(Tables(settings)._load(CONTRACT).metadata.snapshots) == 2


def test_a_day_that_became_empty_is_gone(settings: Settings) -> None:
    commit(settings, {MONDAY: [1], TUESDAY: [3]}, replace=[])
    commit(settings, {}, replace=[MONDAY], delivery="b")
    assert ids_in(settings, Tables(settings).pin(CONTRACT)) == [(TUESDAY, 3)]


def test_a_commit_that_was_overtaken_is_refused_and_changes_nothing(settings: Settings) -> None:
    commit(settings, {MONDAY: [1]}, replace=[])
    seen = Tables(settings).snapshot_id(CONTRACT)
    commit(settings, {TUESDAY: [2]}, replace=[], delivery="b")
    with pytest.raises(Busy, match="run the load again"):
        Tables(settings).commit(
            CONTRACT, stage(settings, {MONDAY: [7]}), delivery="c", replace_days=[], expected_snapshot=seen
        )
    assert ids_in(settings, Tables(settings).pin(CONTRACT)) == [(MONDAY, 1), (TUESDAY, 2)]


def test_a_delivery_is_found_by_its_snapshot(settings: Settings) -> None:
    snapshot = commit(settings, {MONDAY: [1]}, replace=[], delivery="2023-04-03-abc")
    found = Tables(settings).find_delivery(CONTRACT, "2023-04-03-abc")
    assert found is not None
    assert found[0] == snapshot
    assert Tables(settings).find_delivery(CONTRACT, "2023-04-03-def") is None


def test_upkeep_keeps_what_is_pinned_and_removes_what_nothing_names(settings: Settings) -> None:
    commit(settings, {MONDAY: [1]}, replace=[])
    pinned = [file.path for file in Tables(settings).pin(CONTRACT).files]
    for number in range(3):
        commit(settings, {MONDAY: [number]}, replace=[MONDAY], delivery=str(number))
    orphan = Path(Tables(settings).location(CONTRACT)) / "data" / f"ds={MONDAY}" / "orphan.parquet"
    orphan.write_bytes(b"left by a killed load")
    tables = Tables(settings)
    assert tables.expire(CONTRACT, keep_last=1) == 3
    tables.purge(CONTRACT, pinned=pinned, older_than=timedelta(0))
    left = {str(path) for path in Path(tables.location(CONTRACT)).rglob("*.parquet")}
    assert left == {*pinned, *(file.path for file in tables.pin(CONTRACT).files)}
    assert ids_in(settings, tables.pin(CONTRACT)) == [(MONDAY, 2)]


def test_compaction_changes_files_and_no_row(settings: Settings) -> None:
    for number in range(3):
        commit(settings, {MONDAY: [number], TUESDAY: [number]}, replace=[], delivery=str(number))
    before = ids_in(settings, Tables(settings).pin(CONTRACT))
    assert Tables(settings).compact(CONTRACT, before=TUESDAY) == 2
    pin = Tables(settings).pin(CONTRACT)
    assert [file.day for file in pin.files] == [MONDAY, TUESDAY, TUESDAY, TUESDAY]
    assert ids_in(settings, pin) == before


def test_a_column_dropped_and_added_again_brings_no_old_value_back(settings: Settings) -> None:
    commit(settings, {MONDAY: [1]}, replace=[])
    without = dataclasses.replace(CONTRACT, version="2.0.0", columns=CONTRACT.columns[:1])
    again = dataclasses.replace(
        CONTRACT, version="3.0.0", columns=(CONTRACT.columns[0], Column("phone", "PHONE", "VARCHAR", 3))
    )
    tables = Tables(settings)
    for number, contract in enumerate((without, again)):
        tables.commit(
            contract, stage(settings, {TUESDAY: [number]}, contract), delivery=f"v{number}", replace_days=[],
            expected_snapshot=tables.snapshot_id(contract),
        )  # fmt: skip
    rows = tables._load(again).scan().to_arrow().sort_by("id").to_pylist()
    assert [(row["ds"], row["phone"]) for row in rows if row["ds"] == MONDAY] == [(MONDAY, None)]


def test_a_field_id_never_changes_its_type(settings: Settings) -> None:
    commit(settings, {MONDAY: [1]}, replace=[])
    retyped = dataclasses.replace(
        CONTRACT, version="2.0.0", columns=(CONTRACT.columns[0], Column("phone", "PHONE", "BIGINT", 2))
    )
    with pytest.raises(ContractError, match="new field id"):
        Tables(settings).commit(
            retyped, [], delivery="v2", replace_days=[], expected_snapshot=Tables(settings).snapshot_id(retyped)
        )


def test_a_type_may_widen_under_its_field_id(settings: Settings) -> None:
    narrow = dataclasses.replace(CONTRACT, columns=(Column("id", "ID", "INTEGER", 1, key_position=1),))
    wide = dataclasses.replace(CONTRACT, version="1.1.0", columns=CONTRACT.columns[:1])
    tables = Tables(settings)
    for number, contract in enumerate((narrow, wide)):
        tables.commit(
            contract, stage(settings, {MONDAY: [number]}, contract), delivery=f"v{number}", replace_days=[],
            expected_snapshot=tables.snapshot_id(contract),
        )  # fmt: skip
    assert ids_in(settings, tables.pin(wide)) == [(MONDAY, 0), (MONDAY, 1)]
