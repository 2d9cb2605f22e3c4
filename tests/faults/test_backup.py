"""Backups: taken while loads run or killed half-way, damaged, brought back elsewhere; what comes back is the home."""

from __future__ import annotations

import dataclasses
import shutil
import threading
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from forge import Forge
from town import AREA, CRASH, DEFECT, MONDAY, MONTH, TUESDAY, WINDOW, Town, areas, crashes, defects, rows

from lake.backup import Store, create, restore
from lake.contracts import load_contracts
from lake.contracts.model import Window
from lake.errors import Busy, CitybrainError, ContractError
from lake.ledger import Ledger
from lake.load import load, resume
from lake.reconcile import reconcile
from lake.settings import Settings
from lake.tables import Tables
from lake.upkeep import undisturbed, upkeep
from tests.servers.s3 import S3Server


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def lived_in(town: Town) -> Town:
    """All three modes, a record held back, a correction, and a delivery that broke its contract."""
    town.deliver("defect_20230306.csv", defects((1, "open"), (2, "open")) + "x,bad,1.50,555-0100,n\n")
    load(DEFECT, Window(MONDAY, MONDAY), town.settings)
    town.deliver("crash_20230306.csv", crashes(MONDAY, (1, "a")))
    town.deliver("crash_20230307.csv", crashes(TUESDAY, (2, "b")))
    load(CRASH, WINDOW, town.settings)
    town.deliver("crash_20230306.csv", crashes(MONDAY, (1, "a"), (3, "late")))
    load(CRASH, Window(MONDAY, MONDAY), town.settings)
    town.deliver("area_2023-03.geojson", areas((1, "north")))
    load(AREA, MONTH, town.settings)
    town.deliver("defect_20230307.csv", "Nummer,Titel\n1,renamed\n")
    with pytest.raises(CitybrainError):
        load(DEFECT, Window(TUESDAY, TUESDAY), town.settings)
    return town


def elsewhere(town: Town, name: str = "other") -> Settings:
    return Settings.from_environment(town.environment | {"CITYBRAIN_HOME": str(town.base / name)})


def content(settings: Settings) -> dict[str, Any]:
    """What must be the same in the home and in what is brought back."""
    return {
        "rows": {contract.dataset: rows(settings, contract.dataset) for contract in load_contracts(settings)},
        "events": Ledger(settings).events(),
        "unaccounted": [account for account in reconcile(settings) if account.unaccounted],
        "accounts": [account.as_dict() for account in reconcile(settings)],
    }


def test_a_home_comes_back_under_another_path_and_goes_on(lived_in: Town, store: Store, tmp_path: Path) -> None:
    before, keys = content(lived_in.settings), tmp_path / "keys"
    made = create(store.folder, lived_in.settings, keys=keys)
    assert {path.stat().st_mode & 0o777 for path in keys.glob("*.key")} == {0o600}
    assert {path.stat().st_mode & 0o077 for path in store.folder.rglob("*") if path.name != ".lock"} == {0}
    there = elsewhere(lived_in)
    done = restore(store.folder, there, keys=keys)
    assert (done.is_moved, done.without_keys, done.events_lost) == (True, (), 0)
    assert content(there) == before
    assert before["unaccounted"] == []
    assert Ledger(there).rebuild() == len(before["events"])
    assert Ledger(there).events() == before["events"]
    for room in (there.landing, there.quarantine, there.keys):
        assert {path.stat().st_mode & 0o777 for path in (room, *room.rglob("*")) if path.is_dir()} == {0o700}
    # Nothing points back at the home it came from.
    shutil.rmtree(lived_in.settings.home)
    assert content(there) == before
    assert load(CRASH, WINDOW, there).outcome == "nothing_new"
    lived_in.deliver("crash_20230307.csv", crashes(TUESDAY, (2, "b"), (4, "new")))
    assert load(CRASH, Window(TUESDAY, TUESDAY), there).accepted == 2
    upkeep(there, date(2023, 4, 1), older_than=timedelta(0))
    assert content(there)["unaccounted"] == []
    assert made.backup.files == done.backup.files


def test_what_is_held_can_still_be_decided_and_what_lacks_its_bytes_says_so(lived_in: Town, store: Store) -> None:
    create(store.folder, lived_in.settings)
    there = elsewhere(lived_in)
    done = restore(store.folder, there)
    assert done.without_bytes == 4
    assert done.without_keys == ("caller", "digest")
    shutil.copytree(lived_in.settings.keys, there.keys, dirs_exist_ok=True)
    held = next(there.landing.glob("road/defect/*/held.json")).parent
    lived_in.write_contract(  # the renamed columns were meant
        DEFECT, [("id", "Nummer", "BIGINT", "keep"), ("title", "Titel", "VARCHAR", "keep")],
        version="2.0.0", valid_from=str(TUESDAY), field_ids={"id": 1, "title": 2},
    )  # fmt: skip
    assert resume(DEFECT, held.name, there).accepted == 1
    committed = next(path.parent.name for path in there.landing.glob("road/crash/*/commit.json"))
    with pytest.raises(ContractError, match="restored from a backup without them"):
        resume(CRASH, committed, there)


def test_with_the_landings_bytes_all_can_be_replayed(lived_in: Town, store: Store) -> None:
    create(store.folder, lived_in.settings, with_landing=True)
    there = elsewhere(lived_in)
    assert restore(store.folder, there).without_bytes == 0


def test_a_second_backup_costs_what_is_new(lived_in: Town, store: Store) -> None:
    first = create(store.folder, lived_in.settings)
    again = create(store.folder, lived_in.settings)
    assert (again.new_files, again.new_bytes, again.backup.files) == (0, 0, first.backup.files)
    lived_in.deliver("crash_20230308.csv", crashes(date(2023, 3, 8), (9, "new")))
    load(CRASH, Window(date(2023, 3, 8), date(2023, 3, 8)), lived_in.settings)
    third = create(store.folder, lived_in.settings)
    # A data file, a manifest, its list, the table's metadata; five records of the delivery; the ledger.
    assert 8 <= third.new_files <= 12
    assert store.prune(1) == (2, pytest.approx(0, abs=20_000))
    assert [backup.id for backup in store.backups()] == [third.backup.id]
    assert store.verify() == []
    restore(store.folder, elsewhere(lived_in))


@pytest.mark.parametrize("die_at", ["backup.object", "backup.taken", "backup.listed"])
def test_a_backup_that_is_killed_is_none_and_the_next_heals(
    lived_in: Town, store: Store, forge: Forge, die_at: str
) -> None:
    assert forge.run("back_up", lived_in.environment, str(store.folder), die_at=die_at).signal == 9
    assert store.backups() == []
    with pytest.raises(CitybrainError, match="no backup"):
        restore(store.folder, elsewhere(lived_in))
    create(store.folder, lived_in.settings)
    assert not list((store.folder / "incoming").iterdir())
    assert not list((store.folder / "backups").glob(".*"))
    assert store.verify() == []
    before = content(lived_in.settings)
    there = elsewhere(lived_in)
    restore(store.folder, there)
    assert content(there) == before


@pytest.mark.parametrize("die_at", ["restore.files", "restore.entered"])
def test_a_restore_that_is_killed_goes_on(lived_in: Town, store: Store, forge: Forge, die_at: str) -> None:
    before = content(lived_in.settings)
    create(store.folder, lived_in.settings)
    there = elsewhere(lived_in)
    environment = lived_in.environment | {"CITYBRAIN_HOME": str(there.home)}
    assert forge.run("bring_back", environment, str(store.folder), die_at=die_at).signal == 9
    assert (there.home / "restoring.json").exists()
    restore(store.folder, there)
    assert content(there) == before
    with pytest.raises(CitybrainError, match="not empty"):
        restore(store.folder, there)


def test_damage_is_named_and_never_restored(lived_in: Town, store: Store) -> None:
    create(store.folder, lived_in.settings)
    entries = {entry.name: entry for entry in store.entries(store.backup())}
    flipped = next(name for name in entries if name.startswith("tables/") and name.endswith(".parquet"))
    gone = next(name for name in entries if name.startswith("landing/") and name.endswith("manifest.json"))
    path = store.object(entries[flipped].sha256)
    bytes_ = bytearray(path.read_bytes())
    bytes_[len(bytes_) // 2] ^= 1
    path.write_bytes(bytes_)
    assert [(damage.name, damage.kind) for damage in store.verify()] == [(flipped, "changed")]
    assert store.verify(quick=True) == []
    with pytest.raises(CitybrainError, match=f"{flipped} is changed in the store"):
        restore(store.folder, elsewhere(lived_in))
    assert Tables(elsewhere(lived_in)).names() == []
    store.object(entries[gone].sha256).unlink()
    assert {(damage.name, damage.kind) for damage in store.verify()} == {(flipped, "changed"), (gone, "missing")}
    with pytest.raises(CitybrainError, match=f"the first {gone}"):
        restore(store.folder, elsewhere(lived_in, "third"))
    # The home still has both: with the flipped one out of the way the next backup is whole again.
    path.unlink()
    create(store.folder, lived_in.settings)
    assert store.verify() == []


def test_a_damaged_list_of_files_is_told(lived_in: Town, store: Store) -> None:
    made = create(store.folder, lived_in.settings).backup
    (store.folder / "backups" / made.id / "files.jsonl.gz").write_bytes(b"x")
    assert [damage.kind for damage in store.verify()] == ["unlisted"]
    with pytest.raises(CitybrainError, match="list of files"):
        restore(store.folder, elsewhere(lived_in))


def test_a_backup_taken_while_loads_commit_fits_together(town: Town, store: Store, forge: Forge) -> None:
    days = [MONDAY + timedelta(days=n) for n in range(4)]
    for day in days:
        numbers = range(day.day * 100, day.day * 100 + 20)
        town.deliver(f"crash_{day:%Y%m%d}.csv", crashes(day, *((n, "x") for n in numbers)))
        town.deliver(f"defect_{day:%Y%m%d}.csv", defects(*((n, "x") for n in numbers)))
    load(CRASH, Window(MONDAY, MONDAY), town.settings)
    ended = threading.Event()

    def work() -> None:
        for day in days:
            for dataset in (CRASH, DEFECT):
                assert forge.run("load", town.environment, dataset, str(day), str(day)).error == ""
        ended.set()

    worker = threading.Thread(target=work)
    worker.start()
    taken = []
    while not ended.is_set():
        taken.append(create(store.folder, town.settings).backup)
    worker.join()
    states = set()
    for number, backup in enumerate({taken[0].id: taken[0], taken[-1].id: taken[-1]}.values()):
        there = elsewhere(town, f"back{number}")
        assert restore(store.folder, there, which=backup.id).events_lost == 0
        shutil.copytree(town.settings.keys, there.keys, dirs_exist_ok=True)
        states.add(len(rows(there, CRASH)))
        for dataset in (CRASH, DEFECT):
            load(dataset, Window(days[0], days[-1]), there)  # what was under way is brought to its end
        assert [account for account in reconcile(there) if account.unaccounted] == []
        assert len(rows(there, CRASH)) == 20 * len(days)
    assert len(states) > 1, "the backups were all of the same moment"


def test_wrong_targets_are_refused(lived_in: Town, store: Store, tmp_path: Path) -> None:
    settings = lived_in.settings
    with pytest.raises(CitybrainError, match="goes when the home goes"):
        create(settings.home / "backup", settings)
    for keys in (store.folder, store.folder / "keys", settings.home / "k"):
        with pytest.raises(CitybrainError, match="the keys would lie with"):
            create(store.folder, settings, keys=keys)
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "letter.txt").touch()
    with pytest.raises(CitybrainError, match="not a store of backups"):
        create(tmp_path / "else", settings)
    create(store.folder, settings, keys=tmp_path / "keys")
    with pytest.raises(CitybrainError, match="the home is not empty"):
        restore(store.folder, settings)
    with pytest.raises(CitybrainError, match="has not the key of purpose 'caller'"):
        restore(store.folder, elsewhere(lived_in), keys=tmp_path)
    with undisturbed(settings), pytest.raises(Busy, match="upkeep, a backup or a restore"):
        create(store.folder, _impatient(settings))


def test_a_key_that_is_not_the_one_of_before_is_told(lived_in: Town) -> None:
    """Nothing may be hashed with it: no new hash would meet an old one, and nobody would notice."""
    key = lived_in.settings.keys / "caller.key"
    right = key.read_bytes()
    key.write_bytes(bytes(32))
    lived_in.deliver("defect_20230306.csv", defects((7, "open")))
    with pytest.raises(CitybrainError, match="the lake was written with"):
        load(DEFECT, Window(MONDAY, MONDAY), lived_in.settings)
    key.unlink()
    from lake.upkeep import make_ready

    with pytest.raises(CitybrainError, match="bring it back"):
        make_ready(lived_in.settings)
    assert not key.exists()
    key.write_bytes(right)
    key.chmod(0o600)
    assert load(DEFECT, Window(MONDAY, MONDAY), lived_in.settings).accepted == 1


def test_upkeep_leaves_a_dataset_alone_that_is_being_loaded(lived_in: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    from lake import upkeep as room
    from lake.landing import locked

    monkeypatch.setattr(room, "BUSY_PATIENCE_S", 0.1)
    contract = next(contract for contract in load_contracts(lived_in.settings) if contract.dataset == CRASH)
    said: list[str] = []
    with locked(contract, lived_in.settings, 1):
        done = upkeep(lived_in.settings, date(2023, 4, 1), progress=said.append)
    assert [each.dataset for each in done if each.is_skipped] == [CRASH]
    assert [line for line in said if CRASH in line] == [
        f"{CRASH} is left for next time: another load of this dataset, or upkeep of its table, is running"
    ]


def _impatient(settings: Settings) -> Settings:
    return dataclasses.replace(settings, environment={**settings.environment, "CITYBRAIN_LOCK_PATIENCE_S": "0.1"})


def test_a_lake_in_a_bucket_comes_back_in_a_folder_and_the_other_way_round(
    lived_in: Town, store: Store, tmp_path: Path
) -> None:
    before = content(lived_in.settings)
    create(store.folder, lived_in.settings)
    with S3Server(tmp_path / "s3", bucket="lake", folders_kept="5m") as server:
        bucket = {
            "CITYBRAIN_WAREHOUSE": "s3://lake/town",
            "CITYBRAIN_S3_ENDPOINT": server.endpoint,
            "CITYBRAIN_S3_KEY": server.key,
            "CITYBRAIN_S3_SECRET": server.secret,
        }
        in_bucket = Settings.from_environment(
            lived_in.environment | {"CITYBRAIN_HOME": str(tmp_path / "in_bucket")} | bucket
        )
        restore(store.folder, in_bucket)
        assert content(in_bucket) == before
        assert any((tmp_path / "s3" / "lake" / "town").rglob("*.parquet"))
        assert not any(in_bucket.tables.rglob("*.parquet"))
        again = create(store.folder, in_bucket).backup
        assert again.warehouse == "s3://lake/town"
        back = elsewhere(lived_in, "back")
        assert restore(store.folder, back, which=again.id).is_moved
    assert content(back) == before  # the bucket is gone
