"""Reconciliation sees what is lost and what is doubled, wherever it happened and whatever the ledger says."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest
from admission_deliveries import contract, csv, line

from lake.contracts.model import Contract, Window
from lake.ledger import Ledger
from lake.load import load
from lake.reconcile import reconcile
from lake.settings import Settings
from lake.tables import Tables

MONDAY, TUESDAY = date(2023, 3, 6), date(2023, 3, 7)


@pytest.fixture
def loaded(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Settings, Contract]:
    """Two days: on Monday two accepted, one quarantined, one unchanged; on Tuesday one accepted."""
    made = contract()
    for room in ("lake.load", "lake.reconcile"):
        monkeypatch.setattr(f"{room}.contract_for", lambda *_: made, raising=False)
        monkeypatch.setattr(f"{room}.versions_of", lambda *_: (made,), raising=False)
        monkeypatch.setattr(f"{room}.load_contracts", lambda *_: [made], raising=False)
    monkeypatch.setattr("lake.load.spans", lambda dataset, window, settings: [(made, window)])
    suite = tmp_path / "root" / "expectations" / "queens" / "dep" / "thing.yaml"
    suite.parent.mkdir(parents=True)
    suite.write_text("[]")
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "drop_20230306.csv").write_bytes(csv(line(1), line(2), line(2), "bad"))
    (drop / "drop_20230307.csv").write_bytes(csv(line(3)))
    home = dataclasses.replace(settings, root=tmp_path / "root", environment={"CITYBRAIN_CONN_DROP": f"file://{drop}"})
    load(made.dataset, Window(MONDAY, TUESDAY), home)
    return home, made


def parquet(settings: Settings, made: Contract, day: date) -> Path:
    (file,) = [file.path for file in Tables(settings).pin(made).files if file.day == day]
    return Path(file)


def rewritten(path: Path, select: str) -> None:
    fresh = path.with_suffix(".fresh")
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({select.format(path=path)}) TO '{fresh}' (FORMAT parquet)")
    fresh.replace(path)


def remove_a_row(settings: Settings, made: Contract) -> None:
    rewritten(parquet(settings, made, MONDAY), "SELECT * FROM '{path}' WHERE id <> 1")


def remove_a_file(settings: Settings, made: Contract) -> None:
    parquet(settings, made, TUESDAY).unlink()


def double_a_row(settings: Settings, made: Contract) -> None:
    rewritten(parquet(settings, made, MONDAY), "FROM '{path}' UNION ALL (FROM '{path}' LIMIT 1)")


def double_one_and_remove_another(settings: Settings, made: Contract) -> None:
    rewritten(parquet(settings, made, MONDAY), "FROM '{path}' WHERE id = 1 UNION ALL FROM '{path}' WHERE id = 1")


def remove_the_quarantine(settings: Settings, made: Contract) -> None:
    for path in (settings.quarantine / "dep" / "thing").glob("*[!d].parquet"):
        path.unlink()


def remove_the_unchanged(settings: Settings, made: Contract) -> None:
    for path in (settings.quarantine / "dep" / "thing").glob("*.unchanged.parquet"):
        path.unlink()


def forget_the_commit(settings: Settings, made: Contract) -> None:
    (path,) = (settings.landing / "dep" / "thing").glob("*/commit.json")
    path.unlink()


@pytest.mark.parametrize(
    ("harm", "unaccounted"),
    [
        (remove_a_row, {MONDAY: 1}),
        (remove_a_file, {TUESDAY: 1}),
        (double_a_row, {MONDAY: -1}),
        (double_one_and_remove_another, {MONDAY: 1}),
        (remove_the_quarantine, {MONDAY: 1}),
        (remove_the_unchanged, {MONDAY: 1}),
    ],
)
def test_every_harm_is_seen_on_its_day(
    loaded: tuple[Settings, Contract], harm: Callable[[Settings, Contract], None], unaccounted: dict[date, int]
) -> None:
    settings, made = loaded
    found = {row.day: (row.delivered, row.accepted, row.quarantined, row.unchanged) for row in reconcile(settings)}
    assert found == {MONDAY: (4, 2, 1, 1), TUESDAY: (1, 1, 0, 0)}
    assert [row.unaccounted for row in reconcile(settings)] == [0, 0]
    harm(settings, made)
    assert {row.day: row.unaccounted for row in reconcile(settings) if row.unaccounted} == unaccounted


def test_a_commit_that_nobody_wrote_down_is_seen(loaded: tuple[Settings, Contract]) -> None:
    forget_the_commit(*loaded)
    assert any(row.unaccounted for row in reconcile(loaded[0]))


def test_a_delivery_that_was_landed_and_never_admitted_is_seen(loaded: tuple[Settings, Contract]) -> None:
    settings, _ = loaded
    (folder,) = [path.parent for path in (settings.landing / "dep" / "thing").glob("*/manifest.json")]
    other = folder.with_name("2023-03-09-0000000000000000")
    shutil.copytree(folder, other)
    for name in ("commit.json", "admission.json"):
        (other / name).unlink()
    text = (other / "manifest.json").read_text().replace(folder.name, other.name)
    (other / "manifest.json").write_text(text)
    assert {row.day: row.unaccounted for row in reconcile(settings) if row.unaccounted} == {MONDAY: 5}


def test_the_account_does_not_rest_on_the_ledger(loaded: tuple[Settings, Contract]) -> None:
    settings, _ = loaded
    before = reconcile(settings)
    ledger = Ledger(settings)
    with ledger._engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ops_events")
    assert reconcile(settings) == before
