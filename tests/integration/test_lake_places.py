"""The same pipeline on SQLite and a folder, and on PostgreSQL and S3: the same figures to the last cell."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from servers.postgres import PASSWORD, QUOTED, PostgresServer
from servers.s3 import S3Server

from lake.briefs import issue, trace, verify
from lake.contracts.model import Window
from lake.errors import StorageUnavailable
from lake.ledger import Ledger
from lake.load import load
from lake.marts import build, publish, query
from lake.marts.build import readable_files
from lake.marts.pins import read as pins_of
from lake.reconcile import reconcile
from lake.settings import PROJECT_ROOT, Settings
from lake.tables import Tables
from lake.upkeep import make_ready, upkeep
from samples.serve import StandIn

LAST = date(2023, 4, 3)
WINDOWS = {
    "queens.dcp.community_district": Window(date(2023, 3, 1), date(2023, 3, 31)),
    "queens.dot.street_defect": Window(date(2023, 3, 27), LAST),
    "queens.nyc311.service_request": Window(date(2023, 3, 27), LAST),
    "queens.nypd.collision": Window(date(2023, 3, 20), date(2023, 3, 31)),
}
PLACES = ("folder", "bucket")


@dataclass
class Servers:
    postgres: PostgresServer
    s3: S3Server


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    base = tmp_path_factory.mktemp("servers")
    with PostgresServer(base / "postgres") as postgres, S3Server(base / "s3", bucket="lake", folders_kept="5m") as s3:
        yield Servers(postgres, s3)


def home_of(place: str, home: Path, servers: Servers, standin: StandIn, **further: str) -> Settings:
    environment = {
        "CITYBRAIN_HOME": str(home),
        "CITYBRAIN_ROOT": str(PROJECT_ROOT),
        **{f"CITYBRAIN_CONN_{name.upper()}": uri for name, uri in standin.connections.items()},
        **further,
    }
    if place == "bucket":
        secret = home.with_name(f"{home.name}.secret")
        secret.write_text(f"{servers.s3.secret}\n")
        catalog = home.with_name(f"{home.name}.catalog")
        catalog.write_text(servers.postgres.database(home.name))
        environment |= {
            "CITYBRAIN_CATALOG_URI_FILE": str(catalog),
            "CITYBRAIN_WAREHOUSE": f"s3://lake/{home.name}",
            "CITYBRAIN_S3_ENDPOINT": servers.s3.endpoint,
            "CITYBRAIN_S3_KEY": servers.s3.key,
            "CITYBRAIN_S3_SECRET_FILE": str(secret),
        }
    return Settings.from_environment(environment)


@dataclass
class Ran:
    """What a whole pipeline came to."""

    settings: Settings
    loaded: dict[str, Any]
    again: set[str]
    accounts: list[dict[str, Any]]
    answer: list[tuple[Any, ...]]
    figures: dict[str, Any]
    differences: list[Any]
    upkept: list[tuple[str, int, int, int]]
    marts: Path
    build_id: str


def run_pipeline(settings: Settings) -> Ran:
    loaded = {dataset: load(dataset, window, settings) for dataset, window in WINDOWS.items()}
    accounts = [account.as_dict() for account in reconcile(settings)]
    built = build(settings, LAST)
    marts = publish(built, settings)
    answer = query(settings, "SELECT * FROM overview.city_daily ORDER BY ALL").rows
    (issued,) = issue("B01", LAST, settings, scopes=["4"])
    differences = verify(settings, issued.folder)
    again = {load(dataset, window, settings).outcome for dataset, window in WINDOWS.items()}
    done = upkeep(settings, LAST + timedelta(days=120), older_than=timedelta(0))
    figures = json.loads((issued.folder / "figures.json").read_text())
    return Ran(
        settings,
        {
            each.dataset: (each.outcome, each.delivered, each.accepted, each.quarantined, len(each.days_changed))
            for each in loaded.values()
        },
        again,
        accounts,
        answer,
        {name: value for name, value in figures.items() if name not in ("build_id", "issued_at")},
        differences,
        [(each.dataset, each.files_merged, each.files_purged, each.deliveries_purged) for each in done],
        marts,
        built.build_id,
    )


@pytest.fixture(scope="module")
def ran(servers: Servers, standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    base = tmp_path_factory.mktemp("places")
    found = {}
    for place in PLACES:
        # Room for some copies only, so that dbt reads both ways.
        settings = home_of(place, base / place, servers, standin, CITYBRAIN_CACHE_LIMIT="300KB")
        if place != PLACES[0]:  # the same keys make the same hashes
            shutil.copytree(base / PLACES[0] / "keys", settings.keys)
        make_ready(settings)
        found[place] = run_pipeline(settings)
    return found


@pytest.mark.parametrize("place", PLACES)
def test_every_record_is_accounted_for_and_nothing_is_new_twice(ran: dict[str, Ran], place: str) -> None:
    mine = ran[place]
    assert {outcome for outcome, *_ in mine.loaded.values()} == {"committed"}
    assert mine.again == {"nothing_new"}
    assert [account for account in mine.accounts if account["unaccounted"]] == []
    assert mine.differences == []
    assert mine.answer


def test_marts_briefs_and_accounts_are_the_same_cell_by_cell(ran: dict[str, Ran]) -> None:
    folder, bucket = (ran[place] for place in PLACES)
    assert bucket.loaded == folder.loaded
    assert bucket.accounts == folder.accounts
    assert bucket.figures == folder.figures
    assert bucket.upkept == folder.upkept
    with duckdb.connect() as duck:
        duck.execute(f"ATTACH '{folder.marts}' AS a (READ_ONLY); ATTACH '{bucket.marts}' AS b (READ_ONLY)")
        tables = {
            name: duck.execute(
                "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = ? "
                "AND schema_name <> 'about' ORDER BY 1",
                [name],
            ).fetchall()
            for name in ("a", "b")
        }
        assert tables["a"] == tables["b"]
        assert len(tables["a"]) > 10
        differing = {
            table: duck.execute(
                f"SELECT count(*) FROM ((FROM a.{table} EXCEPT ALL FROM b.{table}) "
                f"UNION ALL (FROM b.{table} EXCEPT ALL FROM a.{table}))"
            ).fetchone()
            for (table,) in tables["a"]
        }
        assert set(differing.values()) == {(0,)}, differing
        assert duck.execute("SELECT count(*) FROM a.overview.city_daily").fetchone() != (0,)


def test_what_is_pinned_is_in_the_bucket_and_a_trace_names_it(ran: dict[str, Ran], servers: Servers) -> None:
    settings = ran["bucket"].settings
    (folder,) = settings.issues.glob("B01/*/4/issue-1")
    figure = json.loads((folder / "figures.json").read_text())["figures"][0]["id"]
    files = trace(settings, folder, figure).files
    assert files
    assert all((servers.s3.folder / file.path.removeprefix("s3://")).is_file() for file in files)
    assert not any(settings.tables.rglob("*.parquet"))


def test_no_secret_is_in_any_file_of_the_home(ran: dict[str, Ran], servers: Servers) -> None:
    settings = ran["bucket"].settings
    assert servers.s3.secret not in repr(settings)
    assert QUOTED not in repr(settings)
    secrets = [text.encode() for text in (servers.s3.secret, PASSWORD, QUOTED)]
    found = [
        path for path in settings.home.rglob("*")
        if path.is_file() and any(secret in path.read_bytes() for secret in secrets)
    ]  # fmt: skip
    assert found == []
    metadata = servers.s3.folder / "lake" / settings.home.name
    assert not any(secret in path.read_bytes() for path in metadata.rglob("*.json") for secret in secrets)


def test_some_files_were_read_from_copies_and_some_in_the_bucket(ran: dict[str, Ran]) -> None:
    settings = ran["bucket"].settings
    pins = pins_of(settings.builds / ran["bucket"].build_id)
    assert pins is not None
    read = [path for of_table in readable_files(settings, pins).values() for path in of_table]
    assert {path.startswith("s3://") for path in read} == {True, False}


def test_what_is_away_is_told_without_a_secret_and_nothing_is_lost(
    servers: Servers, standin: StandIn, tmp_path: Path
) -> None:
    home = tmp_path / "away"
    settings = home_of("bucket", home, servers, standin)
    make_ready(settings)
    dataset, window = "queens.dot.street_defect", Window(date(2023, 3, 6), date(2023, 3, 8))
    servers.s3.stop()
    try:
        with pytest.raises(StorageUnavailable, match="the store of the accepted tables") as store:
            load(dataset, window, settings)
    finally:
        servers.s3.start()
    servers.postgres.stop()
    try:
        with pytest.raises(StorageUnavailable, match="the database of catalog and ledger") as database:
            load(dataset, window, settings)
    finally:
        servers.postgres.start()
    assert not any(text in f"{store.value} {database.value}" for text in (servers.s3.secret, PASSWORD, QUOTED))
    assert load(dataset, window, settings).outcome == "committed"
    assert [account.unaccounted for account in reconcile(settings, dataset)] == [0, 0, 0]
    assert len([e for e in Ledger(settings).events(dataset=dataset) if e.kind == "landed"]) == 1
    assert Tables(settings).names()
