"""Cities that came by `contract draft`: their samples load by the real path, every record in exactly one place."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from ruamel.yaml import YAML
from servers.mariadb import mariadb

from lake.contracts import load_contracts
from lake.contracts.city import check_city
from lake.contracts.model import Contract, Mode, Treatment, Window
from lake.engine import connect
from lake.load import load_range
from lake.marts.build import view_sql
from lake.marts.pins import collect
from lake.onboarding import Asked, draft, rehearse
from lake.onboarding.write import file_names
from lake.reconcile import reconcile
from lake.settings import PROJECT_ROOT, Settings
from samples.serve import StandIn

SAMPLES = PROJECT_ROOT / "samples"
LOADED: dict[str, tuple[str, Window, dict[str, int], int]] = {
    # Dataset: connection, window, outcome, months without a file.
    "beijing.environment.station_hour": (
        "environment_drop",
        Window(date(2013, 3, 1), date(2013, 3, 1)),
        {"delivered": 4416, "accepted": 4416, "quarantined": 0, "unchanged": 0},
        0,
    ),
    "newyork.nyc311.service_request": (
        "nyc311_drop",
        Window(date(2021, 9, 21), date(2021, 9, 21)),
        {"delivered": 7012, "accepted": 7012, "quarantined": 0, "unchanged": 0},
        0,
    ),
    "newyork.nypd.collision": (
        "nypd_drop",
        Window(date(2022, 1, 1), date(2023, 1, 31)),
        {"delivered": 14903, "accepted": 14903, "quarantined": 0, "unchanged": 0},
        11,
    ),
    "usa.epa.rmp_accident": (
        "epa_drop",
        Window(date(2023, 11, 1), date(2025, 4, 30)),
        {"delivered": 574, "accepted": 574, "quarantined": 0, "unchanged": 0},
        12,
    ),
    "usa.epa.rmp_facility": (
        "epa_drop",
        Window(date(2023, 7, 1), date(2025, 4, 30)),
        {"delivered": 571, "accepted": 571, "quarantined": 0, "unchanged": 0},
        15,
    ),
}


def home_of(city: str, home: Path) -> Settings:
    drops = {f"CITYBRAIN_CONN_{LOADED[d][0].upper()}": (SAMPLES / city).as_uri() for d in LOADED if d.startswith(city)}
    made = Settings.from_environment(
        {"CITYBRAIN_CITY": city, "CITYBRAIN_HOME": str(home), "CITYBRAIN_ROOT": str(PROJECT_ROOT), **drops}
    )
    made.make_home()
    return made


def lake_of(home: Settings) -> duckdb.DuckDBPyConnection:
    """The accepted tables as the marts see them."""
    duck = connect(home)
    duck.execute("CREATE SCHEMA lake")
    for name, table in collect(home, date(2025, 12, 31)).tables.items():
        duck.execute(f"CREATE VIEW lake.{name} AS {view_sql(table)}")
    return duck


def staged(contract: Contract, duck: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Columns and types the staging model gives, run as dbt would."""
    sql = Path(PROJECT_ROOT / file_names(contract.dataset, PROJECT_ROOT)["model"]).read_text(encoding="utf-8")
    rendered = re.sub(r"\{\{ source\('\w+', '(\w+)'\) \}\}", r"lake.\1", sql)
    return [(row[0], row[1].lower()) for row in duck.execute(f"DESCRIBE {rendered}").fetchall()]


def promised(contract: Contract) -> list[tuple[str, str]]:
    path = Path(PROJECT_ROOT / file_names(contract.dataset, PROJECT_ROOT)["properties"])
    document: Any = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    (model,) = document["models"]
    assert model["name"] == path.stem
    assert f"'{contract.city}'" in model["config"]["enabled"], "a model of one city must be off in all others"
    return [(column["name"], column["data_type"]) for column in model["columns"]]


@pytest.mark.parametrize("city", ["beijing", "newyork", "usa"])
def test_a_city_that_was_drafted_loads_and_accounts_for_every_record(city: str, tmp_path: Path) -> None:
    home = home_of(city, tmp_path / "home")
    assert check_city(PROJECT_ROOT / "contracts" / city / "city.yaml", "city.yaml") == []
    contracts = {contract.dataset: contract for contract in load_contracts(home)}
    assert set(contracts) == {dataset for dataset in LOADED if dataset.startswith(f"{city}.")}
    for dataset in contracts:
        _, window, outcome, missing = LOADED[dataset]
        results = load_range(dataset, window, home)
        for name, wanted in outcome.items():
            assert sum(getattr(result, name) for result in results) == wanted, f"{dataset}: {name}"
        assert sum(len(result.missing_days) for result in results) == missing
    rows = reconcile(home)
    assert [row for row in rows if row.unaccounted] == []
    assert sum(row.accepted for row in rows) == sum(LOADED[dataset][2]["accepted"] for dataset in contracts)
    duck = lake_of(home)
    for contract in contracts.values():
        assert staged(contract, duck) == promised(contract)


def contents(home: Path) -> dict[str, str]:
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in sorted(home.rglob("*"))
    }


def test_a_dry_run_tells_what_the_load_then_does_and_keeps_nothing(tmp_path: Path) -> None:
    home = home_of("newyork", tmp_path / "home")
    dataset, january = "newyork.nypd.collision", Window(date(2022, 1, 1), date(2022, 1, 31))
    load_contracts(home)  # has its cache
    before = contents(home.home)
    (told,) = rehearse(dataset, january, home)
    assert contents(home.home) == before, "on an empty lake"
    assert (told.outcome, told.known, told.files, told.accepted) == ("would_commit", False, 1, 7659)
    assert (len(told.changed_days), told.replaced_days) == (31, ())
    load_range(dataset, january, home)
    before = contents(home.home)
    (told,) = rehearse(dataset, january, home)
    assert (told.outcome, told.known, told.unchanged, told.changed_days) == ("nothing_new", True, 7659, ())
    (late,) = rehearse(dataset, Window(date(2022, 2, 1), date(2022, 2, 28)), home)
    assert (late.outcome, late.delivered, len(late.missing_days)) == ("late", 0, 28)
    assert contents(home.home) == before, "beside a lake that holds it already"


def test_a_dry_run_shows_why_a_delivery_would_be_held(tmp_path: Path) -> None:
    home = home_of("newyork", tmp_path / "home")
    drop = tmp_path / "drop" / "nyc_all_boroughs_2022_01"
    drop.mkdir(parents=True)
    original = SAMPLES / "newyork/nyc_all_boroughs_2022_01/nyc_mv_collisions_202201.csv.gz"
    header, *lines = gzip.decompress(original.read_bytes()).decode().splitlines()[:50]
    content = "\n".join([header.replace("BOROUGH", "BORO"), *lines]) + "\n"
    (drop / original.name).write_bytes(gzip.compress(content.encode()))
    home = replace(home, environment={**home.environment, "CITYBRAIN_CONN_NYPD_DROP": (tmp_path / "drop").as_uri()})
    (told,) = rehearse("newyork.nypd.collision", Window(date(2022, 1, 1), date(2022, 1, 31)), home)
    assert told.outcome == "would_be_held" and "BORO" in told.drift and told.remedy
    assert not list(home.landing.rglob("manifest.json"))


def test_a_database_is_drafted_from_what_it_says_and_loads(
    standin: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL: key, types and cursor from its own description, people from its newest rows; then the draft loads."""
    monkeypatch.setattr("lake.onboarding.table.SAMPLE_RECORDS", 5000)
    made = Settings.from_environment(
        {
            "CITYBRAIN_CITY": "town",
            "CITYBRAIN_HOME": str(tmp_path / "home"),
            "CITYBRAIN_ROOT": str(tmp_path / "root"),
            "CITYBRAIN_CONN_CALLS": standin.connections["nyc311_db"],
        }
    )
    asked = Asked(
        "town.hotline.request", "calls", connection="calls", zone="America/New_York",
        arguments={"table": "public.service_request"},
    )  # fmt: skip
    drafted = draft(asked, made)
    contract = drafted.verdict.contract
    assert drafted.mistakes == ()
    assert 1000 < drafted.sample.records <= 5000 and not drafted.sample.is_whole
    assert (contract.source.connector, contract.mode, contract.cursor) == ("postgres", Mode.CHANGES, "updated_at")
    assert [column.name for column in contract.key] == ["unique_key"]
    hidden = {column.name for column in contract.columns if column.treatment is not Treatment.KEEP}
    assert hidden == {"incident_address", "resolution_description"}
    day = date(2023, 4, 3)
    (result,) = load_range("town.hotline.request", Window(day, day), made)
    assert (result.accepted > 0, result.quarantined) == (True, 0)
    assert [row for row in reconcile(made) if row.unaccounted] == []


@pytest.mark.parametrize("city", ["beijing", "newyork", "usa"])
def test_the_samples_are_the_bytes_they_were(city: str) -> None:
    lines = (SAMPLES / city / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    told = dict(reversed(line.split("  ", 1)) for line in lines)
    found = {
        str(path.relative_to(SAMPLES / city)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (SAMPLES / city).rglob("*")
        if path.is_file() and path.name not in ("README.md", "SHA256SUMS")
    }
    assert found == told


def test_mariadb_is_drafted_too(tmp_path: Path) -> None:
    """Key, types and cursor by the server's words; telephones by their form."""
    with mariadb(tmp_path / "server") as server:
        with server.admin() as connection, connection.cursor() as cursor:
            cursor.execute(
                "CREATE TABLE call_log (no BIGINT PRIMARY KEY, dialled VARCHAR(20) NOT NULL, cost DECIMAL(9,2), "
                "code CHAR(5) NOT NULL, updated_at DATETIME NOT NULL COMMENT '更新时间')"
            )
            cursor.executemany(
                "INSERT INTO call_log VALUES (%s, %s, %s, %s, %s)",
                [(n, f"13{n:09}", n / 4, f"{n:05}", f"2024-01-{1 + n % 28:02} 08:00:00") for n in range(1, 201)],
            )
        made = Settings.from_environment(
            {
                "CITYBRAIN_CITY": "town",
                "CITYBRAIN_HOME": str(tmp_path / "home"),
                "CITYBRAIN_ROOT": str(tmp_path / "root"),
                "CITYBRAIN_CONN_CALLS": server.uri,
            }
        )
        drafted = draft(
            Asked("town.hotline.call", "calls", connection="calls", arguments={"table": "hall.call_log"}), made
        )
        contract = drafted.verdict.contract
        assert drafted.mistakes == ()
        assert [(c.name, c.type, c.treatment.value) for c in contract.columns] == [
            ("no", "BIGINT", "keep"),
            ("dialled", "VARCHAR", "hmac"),
            ("cost", "DECIMAL(9,2)", "keep"),
            ("code", "VARCHAR", "keep"),
            ("updated_at", "TIMESTAMPTZ", "keep"),
        ]
        assert contract.column("updated_at").title_zh == "更新时间"
        assert (contract.cursor, [column.name for column in contract.key]) == ("updated_at", ["no"])
        results = load_range("town.hotline.call", Window(contract.valid_from, date(2024, 1, 31)), made)
        assert sum(result.accepted for result in results) == 200
        assert [row for row in reconcile(made) if row.unaccounted] == []
