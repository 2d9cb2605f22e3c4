"""kill -9 of loads whose tables are in a bucket and whose catalog is in PostgreSQL: the same promise as on one disk."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from forge import Forge
from servers.postgres import PostgresServer
from servers.s3 import S3Server
from town import CRASH, DEFECT, MONDAY, TUESDAY, Town, crashes, defects, rows, state

from lake.contracts.model import Window
from lake.load import load
from lake.settings import Settings
from lake.upkeep import upkeep
from lake.warehouse import open_warehouse

RANDOM = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{6,}")


@dataclasses.dataclass(frozen=True)
class BucketTown(Town):
    """A town whose tables are not in its home."""

    lake: tuple[tuple[str, str], ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | dict(self.lake) | {"CITYBRAIN_CACHE": str(self.base / "copies")}


Founded = Callable[[str], BucketTown]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Founded]:
    base = tmp_path_factory.mktemp("servers")
    with PostgresServer(base / "postgres") as postgres, S3Server(base / "s3", bucket="lake", folders_kept="5m") as s3:
        homes: list[Path] = []

        def make(name: str) -> BucketTown:
            lake = {
                "CITYBRAIN_CATALOG_URI": postgres.database(name),
                "CITYBRAIN_WAREHOUSE": f"s3://lake/{name}",
                "CITYBRAIN_S3_ENDPOINT": s3.endpoint,
                "CITYBRAIN_S3_KEY": s3.key,
                "CITYBRAIN_S3_SECRET": s3.secret,
            }
            town = BucketTown(tmp_path_factory.mktemp(name), tuple(lake.items()))
            if homes:  # the same keys make the same digests
                shutil.copytree(homes[0] / "keys", town.settings.keys)
            homes.append(town.found().settings.home)
            return town

        yield make


def corrected(town: BucketTown, forge: Forge, die_at: str = "") -> dict[str, Any]:
    """Something is loaded, then a correction of it, killed at a boundary and run again; what is left."""
    arguments = (CRASH, str(MONDAY), str(TUESDAY))
    town.deliver("crash_20230306.csv", crashes(MONDAY, (1, "a"), (2, "b")))
    town.deliver("crash_20230307.csv", crashes(TUESDAY, (3, "c")))
    assert forge.run("load", town.environment, *arguments).error == ""
    town.deliver("crash_20230306.csv", crashes(MONDAY, (1, "a"), (4, "d")) + "5,2023-03-0x,e\n")
    if die_at:
        assert forge.run("load", town.environment, *arguments, die_at=die_at).signal == signal.SIGKILL
    ended = forge.run("load", town.environment, *arguments)
    assert ended.error == "", ended.message
    return {**state(town.settings), "objects": objects(town)}


def objects(town: BucketTown) -> Counter[str]:
    """Every object of the warehouse, what is random in its name left out."""
    warehouse = open_warehouse(town.settings)
    return Counter(
        RANDOM.sub("#", stored.path.removeprefix(warehouse.root)) for stored in warehouse.listed(warehouse.root)
    )


@pytest.fixture(scope="module")
def expected(found: Founded, forge: Forge) -> dict[str, Any]:
    after = corrected(found("quiet"), forge)
    assert after["rebuilt alike"] is True
    assert after["unaccounted"] == []
    # The corrected file, and the one before it, which a kept snapshot names.
    assert after["objects"]["/accepted/road__crash/data/ds=2023-03-06/#.parquet"] == 2
    return after


@pytest.mark.parametrize("boundary", ["commit.files_moved", "commit.before", "commit.after"])
def test_a_load_killed_at_a_boundary_leaves_nothing_behind(
    found: Founded, forge: Forge, expected: dict[str, Any], boundary: str
) -> None:
    after = corrected(found(f"killed_{boundary.replace('.', '_')}"), forge, boundary)
    # A killed commit may have written metadata that Iceberg itself forgets only after ten more commits.
    data = {key: number for key, number in after.pop("objects").items() if "/data/" in key}
    assert data == {key: number for key, number in expected["objects"].items() if "/data/" in key}
    assert after == {key: value for key, value in expected.items() if key != "objects"}


def test_upkeep_merges_and_purges_in_the_bucket(found: Founded) -> None:
    town = found("merged")
    for number in range(3):
        town.deliver("defect_20230306.csv", defects((number, "open"), (9, f"seen {number}")))
        load(DEFECT, Window(MONDAY, MONDAY), town.settings)
    before = rows(town.settings, DEFECT)
    (done,) = [
        each for each in upkeep(town.settings, date(2023, 7, 1), older_than=timedelta(0)) if each.dataset == DEFECT
    ]
    assert done.files_merged == 2
    assert done.files_purged == 0  # what was merged is still named by kept snapshots
    assert sorted(rows(town.settings, DEFECT)) == sorted(before)
    stray = town.base / "stray.parquet"
    stray.write_bytes(b"left by a killed load")
    warehouse = open_warehouse(town.settings)
    warehouse.bring_in([(stray, f"{warehouse.root}/accepted/road__defect/data/ds=2023-03-06/stray.parquet")])
    (kept,) = [each for each in upkeep(town.settings, date(2023, 7, 1)) if each.dataset == DEFECT]
    assert kept.files_purged == 0  # it may belong to a commit in progress
    (purged,) = [
        each for each in upkeep(town.settings, date(2023, 7, 1), older_than=timedelta(0)) if each.dataset == DEFECT
    ]
    assert purged.files_purged == 1
    assert sorted(rows(town.settings, DEFECT)) == sorted(before)


def test_copies_make_room_for_newer_ones_but_not_while_they_are_read(found: Founded, tmp_path: Path) -> None:
    town = found("copies")
    settings = dataclasses.replace(town.settings, cache=tmp_path / "copies", cache_limit=250_000)
    warehouse, root = open_warehouse(settings), town.settings.warehouse
    paths = [f"{root}/accepted/t/data/ds=2023-03-0{n}/{n}.parquet" for n in (1, 2, 3)]
    for path in paths:
        (tmp_path / "new").write_bytes(path[-9:].encode() * 11_112)
        warehouse.bring_in([(tmp_path / "new", path)])
    assert warehouse.missing([*paths, f"{root}/accepted/t/data/ds=2023-03-01/4.parquet"]) == {
        f"{root}/accepted/t/data/ds=2023-03-01/4.parquet"
    }
    first = warehouse.readable(paths[:2])
    assert [Path(path).read_bytes()[:9] for path in first] == [path[-9:].encode() for path in paths[:2]]
    (third,) = warehouse.readable(paths[2:])
    (fourth,) = warehouse.readable([f"{root}/accepted/t/data/ds=2023-03-01/4.parquet"])
    assert fourth.startswith("s3://")  # who reads it will be told
    # Full by now. What was asked for this morning goes for what is asked for next; what is being read stays.
    assert not third.startswith("s3://")
    morning = time.time() - 7 * 3600
    os.utime(first[0], (morning, morning))
    (tmp_path / "new").write_bytes(b"x" * 100_000)
    warehouse.bring_in([(tmp_path / "new", f"{root}/accepted/t/data/ds=2023-03-05/5.parquet")])
    (fifth,) = warehouse.readable([f"{root}/accepted/t/data/ds=2023-03-05/5.parquet"])
    assert Path(fifth).stat().st_size == 100_000
    assert [Path(path).exists() for path in first] == [False, True]
    assert warehouse.readable([f"{root}/accepted/t/data/ds=2023-03-01/1.parquet"]) == [paths[0]]  # no room left


def test_a_bucket_is_backed_up_and_restored_to_another_place_or_to_a_folder(found: Founded, tmp_path: Path) -> None:
    from lake.backup import create, restore

    town = found("backed_up")
    town.deliver("crash_20230306.csv", crashes(MONDAY, (1, "a"), (2, "b")))
    load(CRASH, Window(MONDAY, MONDAY), town.settings)
    before = rows(town.settings, CRASH)
    create(tmp_path / "backup", town.settings, keys=tmp_path / "keys")
    elsewhere = dict(town.lake) | {"CITYBRAIN_WAREHOUSE": "s3://lake/restored/below"}
    elsewhere["CITYBRAIN_CATALOG_URI"] = f"sqlite:///{tmp_path}/catalog.db"
    folder = {"CITYBRAIN_CATALOG_URI": f"sqlite:///{tmp_path}/folder.db"}
    for number, lake in enumerate((elsewhere, folder)):
        of_town = {name: value for name, value in town.environment.items() if name not in dict(town.lake)}
        home = {"CITYBRAIN_HOME": str(tmp_path / f"home{number}"), "CITYBRAIN_CACHE": str(tmp_path / f"copies{number}")}
        there = Settings.from_environment(of_town | home | lake)
        restore(tmp_path / "backup", there, keys=tmp_path / "keys")
        assert rows(there, CRASH) == before
        assert load(CRASH, Window(MONDAY, MONDAY), there).outcome == "nothing_new"
