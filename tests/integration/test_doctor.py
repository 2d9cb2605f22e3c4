"""Each thing is broken in turn, and the doctor names it and says the remedy; nothing else is wrong."""

from __future__ import annotations

import dataclasses
import json
import shutil
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from lake import doctor
from lake.doctor import WRONG, Finding, examine
from lake.privacy import ensure_keys, key_marks
from lake.settings import PROJECT_ROOT, Settings
from lake.tables import Tables
from lake.upkeep import make_ready


@pytest.fixture
def home(connected: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A sound home whose departments answer. One extension stands for all, which take their time to load."""
    monkeypatch.setattr(doctor, "EXTENSIONS", ("excel",))
    make_ready(connected)
    return connected


def wrong(settings: Settings, *, offline: bool = True) -> list[Finding]:
    return [finding for finding in examine(settings, offline=offline) if finding.state == WRONG]


def changed(settings: Settings, **environment: str) -> Settings:
    return Settings.from_environment({**settings.environment, "CITYBRAIN_HOME": str(settings.home), **environment})


def test_a_sound_home_is_sound(home: Settings) -> None:
    assert wrong(home, offline=False) == []
    told = [finding.what for finding in examine(home)]
    assert "connection nyc311_db: lets us in" in " ".join(told)
    assert "clock: as the server of nypd_api has it" in told


def open_vault(home: Settings) -> Settings:
    home.landing.chmod(0o755)
    return home


def no_room(home: Settings) -> Settings:
    home.staging.rmdir() if not any(home.staging.iterdir()) else shutil.rmtree(home.staging)
    return home


def other_key(home: Settings) -> Settings:
    (home.keys / "digest.key").write_bytes(bytes(32))
    return home


def lost_key(home: Settings) -> Settings:
    (home.keys / "digest.key").unlink()
    return home


def readable_key(home: Settings) -> Settings:
    (home.keys / "digest.key").chmod(0o644)
    return home


def much_memory(home: Settings) -> Settings:
    return changed(home, CITYBRAIN_MEMORY_LIMIT="900TB")


def odd_memory(home: Settings) -> Settings:
    return changed(home, CITYBRAIN_MEMORY_LIMIT="much")


def no_catalog(home: Settings) -> Settings:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return changed(home, CITYBRAIN_CATALOG_URI=f"postgresql+psycopg2://u:p@127.0.0.1:{probe.getsockname()[1]}/lake")


def empty_catalog(home: Settings) -> Settings:
    return changed(home, CITYBRAIN_CATALOG_URI=f"sqlite:///{home.home}/other.db")


def wrong_contract(home: Settings) -> Settings:
    root = home.home / "root"
    shutil.copytree(PROJECT_ROOT / "contracts", root / "contracts")
    (root / "dbt_project").symlink_to(PROJECT_ROOT / "dbt_project")
    path = root / "contracts/queens/dot/street_defect.yaml"
    path.write_text(path.read_text().replace("mode, value: ", "moode, value: "))
    return changed(home, CITYBRAIN_ROOT=str(root))


def no_connection(home: Settings) -> Settings:
    return dataclasses.replace(
        home, environment={k: v for k, v in home.environment.items() if k != "CITYBRAIN_CONN_DOT_DROP"}
    )


def half_restored(home: Settings) -> Settings:
    (home.home / "restoring.json").write_text(json.dumps({"backup": "20230404T051500Z"}))
    return home


@pytest.mark.parametrize(
    ("break_it", "what", "remedy"),
    [
        (open_vault, "vault landing: open to others, mode 755", "chmod 700"),
        (no_room, "vault staging: missing", "citybrain setup"),
        (other_key, "key digest: fingerprint", "bring the right key back"),
        (lost_key, "key digest: missing; the lake was written with", "bring it back"),
        (readable_key, "key digest: others can read it", "chmod 600"),
        (much_memory, "memory limit 900TB is more than", "lower CITYBRAIN_MEMORY_LIMIT"),
        (odd_memory, "memory limit 'much'", "like 2GB"),
        (no_catalog, "catalog (postgresql): no answer", "CITYBRAIN_CATALOG_URI"),
        (empty_catalog, "catalog (sqlite): without", "citybrain setup"),
        (wrong_contract, "contracts: ", "citybrain contract check"),
        (no_connection, "connection dot_drop: not set", "CITYBRAIN_CONN_DOT_DROP"),
        (half_restored, "a restore of 20230404T051500Z did not end", "backup restore DIR --backup 20230404T051500Z"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_is_broken_is_named(
    home: Settings, break_it: Callable[[Settings], Settings], what: str, remedy: str
) -> None:
    ensure_keys(home, ["digest"])
    assert "digest" in key_marks(home)
    found = wrong(break_it(home))
    assert [finding.what.startswith(what) for finding in found][:1] == [True], found
    assert remedy in found[0].remedy
    assert len(found) == 1 or break_it in (no_room, no_catalog, odd_memory), found


def test_a_source_that_does_not_answer_or_refuses_us(home: Settings) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        asked = changed(
            home,
            CITYBRAIN_CONN_NYC311_DB=home.environment["CITYBRAIN_CONN_NYC311_DB"].replace("://", "://nobody:wrong@", 1)
            if "@" not in home.environment["CITYBRAIN_CONN_NYC311_DB"]
            else home.environment["CITYBRAIN_CONN_NYC311_DB"].replace("@", "x@", 1),
            CITYBRAIN_CONN_NYPD_API=f"http://127.0.0.1:{port}",
            CITYBRAIN_CONN_DOT_DROP="file:///nowhere/at/all",
        )
        found = {finding.what.split(": ")[0]: finding for finding in wrong(asked, offline=False)}
    assert set(found) == {"connection nyc311_db", "connection nypd_api", "connection dot_drop"}
    assert "does not answer (ConnectionRefusedError)" in found["connection nypd_api"].what
    assert "its folder cannot be read" in found["connection dot_drop"].what
    assert all(finding.remedy for finding in found.values())
    assert not any("wrong" in finding.what for finding in found.values())
    assert wrong(asked) == []  # offline


def test_little_room_and_few_inodes(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: SimpleNamespace(free=2**30))
    monkeypatch.setattr(doctor.os, "statvfs", lambda path: SimpleNamespace(f_files=1000, f_favail=10))
    assert [finding.what for finding in wrong(home)] == ["disk: 1.0 GiB free", "disk: 1% of the inodes free"]


def test_clocks_that_differ(home: Settings) -> None:
    (fine,) = doctor._skew("x", datetime.now(UTC) - timedelta(seconds=5))
    (off,) = doctor._skew("x", datetime.now(UTC) - timedelta(minutes=10))
    assert (fine.state, off.state, off.what) == ("ok", WRONG, "clock: 600 s apart from x")


def test_an_extension_that_does_not_load(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "EXTENSIONS", ("spatial", "nonsense"))
    (found,) = wrong(home)
    assert (found.what, found.remedy) == ("DuckDB extension nonsense does not load (CitybrainError)", "run `make env`")


def test_missing_pools(home: Settings) -> None:
    import sqlite3

    database = home.home / "airflow.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE slot_pool (pool TEXT)")
        connection.execute("INSERT INTO slot_pool VALUES ('sources')")
    (found,) = wrong(changed(home, AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{database}"))
    assert found.what == "pools: briefs, duckdb_writer missing"
    assert found.remedy == "airflow pools import dags/pools.json"


def test_a_tables_metadata_that_is_gone(home: Settings) -> None:
    from lake.contracts import load_contracts

    contract = load_contracts(home)[0]
    Tables(home)._load_or_create(contract)
    for path in (home.tables / "accepted" / contract.table / "metadata").iterdir():
        path.unlink()
    assert f"table {contract.table}: its metadata cannot be read" in wrong(home)[0].what


def test_what_belongs_to_somebody_else(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.os, "geteuid", lambda: 12345)
    (found,) = wrong(home)
    assert "belong to another user" in found.what
    assert "chown -R 12345" in found.remedy


def test_the_command_ends_with_one_when_something_is_wrong(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from lake.cli import app

    for name, value in home.environment.items():
        monkeypatch.setenv(name, value)
    assert CliRunner().invoke(app, ["doctor", "--offline"]).exit_code == 0
    (home.keys / "digest.key").chmod(0o644)
    done = CliRunner().invoke(app, ["doctor", "--offline", "--json"])
    assert done.exit_code == 1
    assert [each["what"] for each in json.loads(done.stdout) if each["state"] == "wrong"] == [
        "key digest: others can read it"
    ]
