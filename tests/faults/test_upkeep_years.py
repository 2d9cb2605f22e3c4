"""A year of daily commits with upkeep in between: nothing grows, nothing is left over, nothing pinned goes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from town import DEFECT, Town, defects

import lake.upkeep as room
from lake.contracts import load_contracts
from lake.contracts.model import Contract, Window
from lake.ledger import Ledger
from lake.load import load
from lake.reconcile import reconcile
from lake.settings import Settings
from lake.tables import Tables, table_columns
from lake.upkeep import pinned_files, upkeep

FIRST = date(2022, 1, 3)
RECORDS = 5


def contract_of(settings: Settings) -> Contract:
    return next(contract for contract in load_contracts(settings) if contract.dataset == DEFECT)


def commit_day(town: Town, day: date) -> None:
    """What a load ends with, without what comes before: a file of the day, and every fifth day a late one."""
    settings, contract = town.settings, contract_of(town.settings)
    tables = Tables(settings)
    held = table_columns(contract)
    ids = ", ".join(f'"{name}": {number}' for name, _, number in held)
    for back in (0, 1) if day.day % 5 == 0 else (0,):
        ds = day - timedelta(days=back)
        staged = settings.staging / "year" / f"ds={ds}" / f"{uuid.uuid4()}.parquet"
        staged.parent.mkdir(parents=True, exist_ok=True)
        given = {"id": "i", "ds": f"'{ds}'", "_delivery": f"'{day}'", "_file": "'f'", "_record": "i",
                 "_landed_at": f"'{day}'"}  # fmt: skip
        cells = ", ".join(f"{given.get(name, 'NULL')}::{kind} AS {name}" for name, kind, _ in held)
        with duckdb.connect() as duck:
            duck.execute(
                f"COPY (SELECT {cells} FROM range({RECORDS}) r(i)) TO '{staged}' (FORMAT parquet, FIELD_IDS {{{ids}}})"
            )
        tables.commit(
            contract, [staged], delivery=f"{day}-{back}", replace_days=[],
            expected_snapshot=tables.snapshot_id(contract),
        )  # fmt: skip


def load_day(town: Town, day: date) -> None:
    """All of it: landing, admission, commit, ledger; every fifth day the day before comes with a correction."""
    late = [(day - timedelta(days=1), "late")] if day.day % 5 == 0 else []
    for each, title in [*late, (day, "open")]:
        base = (each - FIRST).days * 100
        town.deliver(f"defect_{each:%Y%m%d}.csv", defects(*((base + n, title) for n in range(RECORDS))))
        load(DEFECT, Window(each, each), town.settings)


def keep_build(settings: Settings, name: str, *, is_issued: bool = False) -> tuple[list[str], int]:
    """Pin the table as a build does, and perhaps issue a brief from it; gives the pinned files and their records."""
    pin = Tables(settings).pin(contract_of(settings))
    files = [file.path for file in pin.files]
    folder = settings.builds / name
    folder.mkdir(parents=True)
    (folder / "pins.json").write_text(json.dumps({"tables": {"t": {"files": [{"path": path} for path in files]}}}))
    (folder / "build.duckdb").touch()
    if is_issued:
        issue = settings.issues / "B01" / name[:10] / "4" / "issue-1"
        issue.mkdir(parents=True)
        told = {"build_id": name, "issued_at": f"{name[:10]}T05:00:00+00:00"}
        (issue / "manifest.json").write_text(json.dumps(told))
    return files, sum(file.records for file in pin.files)


def cost(settings: Settings) -> dict[str, int]:
    """What a commit and a plan have to read and write, beside the day itself."""
    tables, contract = Tables(settings), contract_of(settings)
    table = tables._load(contract)
    snapshot = table.current_snapshot()
    metadata = Path(table.metadata_location.removeprefix("file://"))
    return {
        "manifests": len(snapshot.manifests(table.io)),
        "snapshots": len(table.metadata.snapshots),
        "metadata bytes": metadata.stat().st_size,
        "metadata files": sum(1 for _ in metadata.parent.iterdir()),
    }


def grown(costs: list[dict[str, int]], name: str) -> float:
    """Peak of the last commits against that of the first, which the first rounds of upkeep are part of."""
    window = max(10, len(costs) // 8)
    settled = costs[len(costs) // 4 :]
    return max(each[name] for each in settled[-window:]) / max(each[name] for each in settled[:window])


@pytest.fixture
def short_lived(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the cut a table ages faster: merged after ten days, six snapshots kept."""
    monkeypatch.setattr(room, "COMPACT_AFTER", timedelta(days=10))
    monkeypatch.setattr(room, "KEEP_SNAPSHOTS", 6)


def test_sixty_days_of_commits_with_upkeep(town: Town, short_lived: None) -> None:
    live_through(town, 60, commit_day)


@pytest.mark.long
def test_a_year_of_loads_with_upkeep(town: Town) -> None:
    live_through(town, 400, load_day)
    assert [account for account in reconcile(town.settings) if account.unaccounted] == []
    # The issues were put there by hand, so the ledger learns of them only now; it has lost nothing and made nothing up.
    ledger = Ledger(town.settings)
    before = {(event.kind, event.subject) for event in ledger.events()}
    ledger.rebuild()
    after = {(event.kind, event.subject) for event in ledger.events()}
    assert before - after == set()
    assert {kind for kind, _ in after - before} == {"issued"}


def live_through(town: Town, days: int, live: Callable[[Town, date], None]) -> None:
    settings, costs, done = town.settings, [], []
    pinned: dict[str, tuple[list[str], int]] = {}
    for number in range(days):
        day = FIRST + timedelta(days=number)
        live(town, day)
        costs.append(cost(settings))
        if number in (20, days // 2):
            pinned[str(day)] = keep_build(settings, f"{day}-issued", is_issued=True)
        elif number % 7 == 0:
            keep_build(settings, f"{day}-build")
        if number % 10 == 9:
            done += upkeep(settings, day, older_than=timedelta(0))
    last = FIRST + timedelta(days=days - 1)
    done += [each for each in upkeep(settings, last, older_than=timedelta(0)) if each.dataset == DEFECT]

    assert {name: round(grown(costs, name), 2) for name in costs[0] if grown(costs, name) > 1.25} == {}
    assert sum(each.files_merged for each in done) > 0
    assert sum(each.files_purged for each in done) > days

    tables, contract = Tables(settings), contract_of(settings)
    named = tables.named_files(tables.metadata_location(contract.table))
    needed = {path.removeprefix("file://") for path, is_needed in named.items() if is_needed}
    kept = {path.removeprefix("file://") for path in named} | set(pinned_files(settings))
    there = {str(path) for path in (settings.tables / "accepted" / contract.table).rglob("*") if path.is_file()}
    assert there - kept == set(), "files that nothing names"
    assert (needed | set(pinned_files(settings))) - there == set(), "files that are named and gone"

    for files, records in pinned.values():  # what briefs were issued from is there, though most was merged since
        assert duckdb.sql(f"SELECT count(*) FROM read_parquet({files})").fetchone() == (records,)
    pin = tables.pin(contract)
    assert sum(file.records for file in pin.files) == sum(RECORDS for _ in range(len(costs))) + RECORDS * sum(
        (FIRST + timedelta(days=n)).day % 5 == 0 for n in range(days)
    )
    assert not any(each.is_skipped for each in done)
