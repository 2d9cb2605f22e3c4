"""The demo city's departments as real servers: what they hold, who may read it, how time passes, what is answered."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncssh
import duckdb
import httpx
import numpy as np
import psycopg
import pyarrow as pa
import pymysql
import pytest

from demo_city.days import Days
from demo_city.departments import datasets
from demo_city.departments.protocol import Api, Dataset, Files, Table
from demo_city.systems import DemoCity, running
from demo_city.systems.deliveries import end_of, fates_of, name_of
from demo_city.systems.drops import contents_of
from demo_city.systems.tables import newest
from lake.engine import extension_file

ONLY = ("S10", "S16", "S17", "S18", "S23", "S25", "S32")
"""Every technology once: MariaDB, both dialects, drop folder, PostgreSQL, S3, SFTP, and the source that answers."""
SEED, UNTIL, LENGTH = 11, date(2026, 6, 28), 6
LATER = UNTIL + timedelta(days=3)


def _city(home: Path, until: date = UNTIL, **more: Any) -> DemoCity:
    length = (until - UNTIL).days + LENGTH
    return DemoCity(home, seed=SEED, until=until, days=length, **({"only": ONLY} | more))


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoCity]:
    """The departments at the end of 28 June; tests run in order, and some let time pass."""
    with _city(tmp_path_factory.mktemp("city")) as made:
        yield made


def _own(kind: type, city: DemoCity) -> list[Dataset]:
    return [one for one in city.datasets if isinstance(one.system, kind)]


def _connection(city: DemoCity, dataset: Dataset) -> Any:
    """The lake's own account in a department's database."""
    address = urlsplit(city.connections[f"{dataset.department}_db"])
    if address.scheme == "mysql":
        return pymysql.connect(
            host="127.0.0.1", port=address.port, user=address.username, password=unquote(address.password or ""),
            database=address.path.strip("/"),
        )  # fmt: skip
    return psycopg.connect(address.geturl())


def _held(city: DemoCity, dataset: Dataset) -> list[tuple[Any, ...]]:
    """All rows of a table as texts, in order."""
    assert isinstance(dataset.system, Table)
    mark = "`" if "mysql" in city.connections[f"{dataset.department}_db"] else '"'
    with _connection(city, dataset) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {mark}{dataset.system.name}{mark}")
        return sorted(tuple(str(cell) for cell in row) for row in cursor.fetchall())


def _written(city: DemoCity, dataset: Dataset) -> pa.Table:
    return dataset.rows(city.world, Days(city.first, city.through)).table


def _pages(city: DemoCity, dataset: Dataset, size: int, **asked: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Every record of an API, page by page, and its last answer."""
    assert isinstance(dataset.system, Api)
    address = urlsplit(city.connections[f"{dataset.department}_api"])
    made: list[dict[str, Any]] = []
    with httpx.Client(
        base_url=f"http://127.0.0.1:{address.port}",
        headers={"Authorization": f"Bearer {unquote(address.password or '')}"},
    ) as client:
        number, token = 1, None
        while True:
            more = {"page": number} if dataset.system.dialect == "page" else {"pageToken": token} if token else {}
            answer = client.get(dataset.system.path, params={"page_size": size, **asked, **more})
            answer.raise_for_status()
            told = answer.json()
            made += told["items"]
            number, token = number + 1, told.get("nextPageToken")
            is_last = len(made) >= told["total"] if dataset.system.dialect == "page" else token is None
            if is_last:
                return made, told


@contextlib.asynccontextmanager
async def _sftp(city: DemoCity, department: str) -> AsyncIterator[asyncssh.SFTPClient]:
    """A department's account, the server's key checked."""
    address = urlsplit(city.connections[f"{department}_drop"])
    key = asyncssh.read_private_key(str(city.home / "ssh_host_key")).export_public_key().decode()
    known = asyncssh.import_known_hosts(f"[127.0.0.1]:{address.port} {key}")
    async with (
        asyncssh.connect(
            "127.0.0.1", address.port, username=department, password=unquote(address.password or ""), known_hosts=known
        ) as connection,
        connection.start_sftp_client() as sftp,
    ):
        yield sftp


def _files(folder: Path) -> dict[str, bytes]:
    """Everything that lies in the drops, by path."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths if "through" not in path.parts}


@pytest.mark.parametrize("days", [0, 2], ids=["loaded at once", "two days later"])
def test_tables_show_the_newest_version_of_each_key(city: DemoCity, days: int) -> None:
    city.advance(city.through + timedelta(days=days))
    for dataset in _own(Table, city):
        assert isinstance(dataset.system, Table)
        rows = _written(city, dataset)
        if not dataset.system.key:
            assert len(_held(city, dataset)) == rows.num_rows
            continue
        latest: dict[tuple[Any, ...], dict[str, Any]] = {}
        for row in rows.to_pylist():
            latest.pop(key := tuple(row[name] for name in dataset.system.key), None)
            if not row.get("_is_deleted"):
                latest[key] = row
        held = _held(city, dataset)
        assert len(held) == len(latest) > 0
        texts = {cell for row in held for cell in row}
        assert {row[dataset.system.key[0]] for row in latest.values()} <= texts


def test_a_row_taken_away_is_gone() -> None:
    rows = pa.table({"k": ["a", "b", "a", "c"], "v": [1, 2, 3, 4], "_is_deleted": [False, False, True, False]})
    assert newest(rows, ("k",)).to_pylist() == [
        {"k": "b", "v": 2, "_gone": False}, {"k": "a", "v": 3, "_gone": True}, {"k": "c", "v": 4, "_gone": False},
    ]  # fmt: skip


def test_the_lakes_accounts_read_their_own_tables_and_nothing_else(city: DemoCity) -> None:
    for dataset in _own(Table, city):
        for statement in (f"DELETE FROM {dataset.system.name}", "CREATE TABLE t (a integer)"):
            refused = pytest.raises((psycopg.errors.InsufficientPrivilege, pymysql.err.OperationalError))
            with _connection(city, dataset) as connection, connection.cursor() as cursor, refused:
                cursor.execute(statement)
    command = city.connections["command_db"]
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(command.replace("/command", "/hydrology").replace("//hydrology:", "//command:"))
    with psycopg.connect(command) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT * FROM clock.through")


def test_apis_give_every_record_once_in_both_dialects(city: DemoCity) -> None:
    dialects = set()
    for dataset in _own(Api, city):
        assert isinstance(dataset.system, Api)
        dialects.add(dataset.system.dialect)
        rows = _written(city, dataset)
        day = rows["_day"].to_pylist()
        first, last = city.first + timedelta(days=1), city.through - timedelta(days=1)
        expected = sum(first <= one <= last for one in day)
        found, told = _pages(city, dataset, 997, **{"from": str(first), "to": str(last)})
        assert len(found) == expected > 0
        assert told["available_through"] == str(city.through)
        exact, _ = _pages(city, dataset, expected, **{"from": str(first), "to": str(last)})
        assert exact == found, "pages of another size hold the same records in the same order"
        names = [name for name in rows.column_names if not name.startswith("_")]
        assert list(found[0]) == names
    assert dialects == {"page", "cursor"}


def test_apis_know_their_clients_and_their_days(city: DemoCity) -> None:
    dataset = next(one for one in _own(Api, city) if one.department == "weather")
    assert isinstance(dataset.system, Api)
    url = f"http://127.0.0.1:{city.http.port}{dataset.system.path}"
    bearer = {"Authorization": f"Bearer {city.http.tokens['weather']}"}
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, headers={"Authorization": f"Bearer {city.http.tokens['environment']}"}).status_code == 401
    tomorrow = httpx.get(url, headers=bearer, params={"from": str(city.through + timedelta(days=1))})
    assert (tomorrow.status_code, tomorrow.json()["available_through"]) == (404, str(city.through))
    assert httpx.get(url, headers=bearer, params={"from": "yesterday"}).status_code == 400
    assert httpx.get(url, headers=bearer, params={"page_size": "100000"}).status_code == 400


def test_drops_hold_the_files_that_are_due_and_no_other(city: DemoCity) -> None:
    ways = set()
    for dataset in _own(Files, city):
        assert isinstance(dataset.system, Files)
        ways.add(dataset.system.way)
        place = city.place.drops().of(dataset.system.way, dataset.department)
        fates = fates_of(city.world.chance, dataset, Days(city.first, city.through))
        there = [one for one in fates if one.delivered_on and one.delivered_on <= city.through]
        for day, content, _ in contents_of(city.world, dataset, there):
            assert (place / name_of(dataset.system, day)).read_bytes() == content
        for one in fates:
            if one not in there:
                assert not (place / name_of(dataset.system, one.day)).exists(), one
        assert all(end_of(dataset.system.every, one.day) <= city.through for one in there)
    assert ways == {"folder", "sftp", "s3"}


def test_sftp_gives_each_department_its_own_folder(city: DemoCity) -> None:
    names = sorted(path.name for path in (city.home / "files" / "sftp" / "finance" / "out").iterdir())

    async def look() -> tuple[list[str], bytes]:
        async with _sftp(city, "finance") as sftp:
            listed = sorted(str(name) for name in await sftp.listdir("/out") if not str(name).startswith("."))
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await sftp.remove(f"/out/{listed[0]}")
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await sftp.open("/out/new.csv", "wb")
            with pytest.raises(asyncssh.SFTPError):
                await sftp.listdir("/../weather")
            async with sftp.open(f"/out/{listed[0]}", "rb") as file:
                return listed, await file.read()

    listed, content = asyncio.run(look())
    assert listed == names
    assert content == (city.home / "files" / "sftp" / "finance" / "out" / names[0]).read_bytes()


def test_s3_serves_the_parquet_files(city: DemoCity) -> None:
    address = urlsplit(city.connections["transport_drop"])
    with duckdb.connect() as duck:
        duck.execute(f"LOAD '{extension_file('httpfs')}'")
        duck.execute(
            f"CREATE SECRET (TYPE s3, KEY_ID '{address.username}', SECRET '{unquote(address.password or '')}', "
            f"ENDPOINT '127.0.0.1:{address.port}', URL_STYLE 'path', USE_SSL false)"
        )
        files = duck.execute(f"SELECT file FROM glob('s3://{address.path.strip('/')}/**')").fetchall()
        rows = duck.execute(f"SELECT count(*) FROM read_parquet('{files[0][0]}')").fetchone()
    assert len(files) == len(list((city.home / "files" / "s3").rglob("*.parquet")))
    assert rows and rows[0] > 0


def test_the_inbox_is_answered_by_http_and_by_sftp(tmp_path: Path) -> None:
    with _city(tmp_path, only=("S25", "S32")) as city:
        _ask_and_be_answered(city)


def _ask_and_be_answered(city: DemoCity) -> None:
    flat, town = city.world.city.flat, city.world.city.township
    tomorrow = np.datetime64(city.through + timedelta(days=1))
    let = (flat["group_from"] < tomorrow) & (np.isnat(flat["group_to"]) | (flat["group_to"] > tomorrow + 60))
    true = np.flatnonzero(let)[:6]
    false = np.flatnonzero(np.isnat(flat["group_from"]))[:40]

    def lead(prefix: str, at: int) -> dict[str, Any]:
        code = str(town["code"][flat["township_i"][at]])
        subject = {"kind": "flat", "no": str(flat["flat_no"][at])}
        return {"lead_id": f"{prefix}-{at}", "model_id": "G04", "subject": subject, "township": code, "severity": "R"}

    url = f"http://127.0.0.1:{city.http.port}/inbox/housing"
    bearer = {"Authorization": f"Bearer {city.http.tokens['command']}"}
    assert httpx.post(url, json=[], headers=bearer).status_code == 404, "no such department is served"
    url = url.replace("housing", "command")
    assert httpx.post(url, json=[lead("true", int(true[0]))]).status_code == 401
    wrong = httpx.post(url, json={"lead_id": "x"}, headers=bearer)
    assert wrong.status_code == 422 and "does not fit" in wrong.json()["error"]
    sent = [lead("true", int(at)) for at in true]
    assert httpx.post(url, json=sent, headers=bearer).json() == {"accepted": len(true), "known": 0}
    again = [*sent[:1], {**lead("order", int(true[0])), "kind": "work_order"}]
    assert httpx.post(url, json=again, headers=bearer).json() == {"accepted": 1, "known": 1}

    async def drop() -> None:
        async with _sftp(city, "finance") as sftp:
            async with sftp.open("/inbox/leads.jsonl.part", "w") as file:
                await file.write("".join(json.dumps(lead("false", int(at))) + "\n" for at in false))
            await sftp.rename("/inbox/leads.jsonl.part", "/inbox/leads.jsonl")
            async with sftp.open("/inbox/broken.json", "w") as file:
                await file.write("{")

    asyncio.run(drop())
    city.advance(UNTIL + timedelta(days=1))
    first = _answers(city)
    assert len(first) == len(true) + len(false)
    assert {status for *_, status in first.values()} <= {"待签收", "已签收", "处置中", "已办结"}
    inbox = city.home / "files" / "sftp" / "finance" / "inbox"
    assert [path.name for path in inbox.glob("taken/*")] == ["leads.jsonl"]
    assert "no JSON" in (inbox / "refused" / "broken.json.why.txt").read_text()

    city.advance(UNTIL + timedelta(days=29))
    found = _answers(city)
    said = {name: [found[key][0] for key in found if key.startswith(name)] for name in ("true", "false")}
    assert said["true"].count("属实") >= len(true) / 2, "what is planted is mostly found"
    assert said["false"].count("不属实") >= len(false) / 2
    assert "属实" in said["false"], "and some report what is not"
    assert sum(status == "已办结" for *_, status in found.values()) > sum(
        status == "已办结" for *_, status in first.values()
    )
    with psycopg.connect(city.connections["command_db"]) as connection:
        stages = connection.execute(
            "SELECT s.stage FROM instruction_step s JOIN instruction i USING (instr_id) WHERE title LIKE '收件箱工单%'"
        ).fetchall()
    assert {"制定", "审核", "发布", "执行"} <= {stage for (stage,) in stages}


def _answers(city: DemoCity) -> dict[str, tuple[str, str]]:
    with psycopg.connect(city.connections["command_db"]) as connection:
        rows = connection.execute("SELECT lead_id, result, status FROM lead WHERE channel = '收件箱'")
        return {number: (result, status) for number, result, status in rows}


def test_time_that_passed_by_steps_is_time_that_passed_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the pieces and the number of processes: the same tables, records and files."""
    only = ("S17", "S25", "S32")
    made = []
    with _city(tmp_path / "steps", only=only) as stepped:
        stepped.advance(UNTIL + timedelta(days=1))
        stepped.advance(LATER)
        made.append(_everything(stepped))
    monkeypatch.setattr(running, "_MUCH", 0.0)
    with _city(tmp_path / "once", LATER, only=only, processes=2) as once:
        made.append(_everything(once))
    with _city(tmp_path / "once", LATER, only=only, say=pytest.fail) as again:
        made.append(_everything(again))
    for part in made[0]:
        assert made[0][part] == made[1][part] == made[2][part], part
    with pytest.raises(RuntimeError, match=r"another city: seed 11 \(asked: 12\)"):
        DemoCity(tmp_path / "once", seed=12, until=LATER, days=LENGTH + 3, only=only)


def _everything(city: DemoCity) -> dict[str, Any]:
    made: dict[str, Any] = {one.dataset: _held(city, one) for one in _own(Table, city)}
    made |= {one.dataset: _pages(city, one, 5000, **{"from": str(city.first)})[0] for one in _own(Api, city)}
    return made | _files(city.home / "files")


def test_without_mariadb_its_tables_lie_in_the_postgresql_and_it_is_said_loudly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with _city(tmp_path, only=("S10",), maria=False) as city:
        assert "NO MARIADB" in capsys.readouterr().err
        assert city.connections["mediation_db"].startswith("postgresql://")
        assert _held(city, _own(Table, city)[0])


def test_the_command_serves_until_it_is_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lake.cli", "demo"]
    options = ["--home", str(tmp_path), "--days", "2", "--only", "S17,S32"]
    serving = subprocess.Popen([*command, "serve", *options], stdout=subprocess.PIPE, text=True)
    try:
        assert serving.stdout is not None
        for line in serving.stdout:
            if line.startswith("Ctrl-C"):
                break
        connections = tmp_path / "connections.json"
        assert connections.stat().st_mode & 0o777 == 0o600
        assert set(json.loads(connections.read_text())) == {"command_db", "weather_api", "weather_drop"}
        said = subprocess.run(
            [*command, "advance", "2026-07-01", "--home", str(tmp_path)], capture_output=True, text=True
        )
        assert "2026-07-01" in said.stdout, said.stderr
        server = int((tmp_path / "postgres" / "pid").read_text())
    finally:
        serving.send_signal(signal.SIGINT)
        assert serving.wait(20) == 0
    assert not connections.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)


def test_every_dataset_of_the_city_can_be_served() -> None:
    """Names, ways and servers fit together: one kind of database, API and drop for each department."""
    servers: dict[str, set[str]] = {}
    for dataset in datasets():
        system = dataset.system
        kind = "db" if isinstance(system, Table) else "api" if isinstance(system, Api) else "drop"
        servers.setdefault(f"{dataset.department}_{kind}", set()).add(
            system.server if isinstance(system, Table) else system.way if isinstance(system, Files) else "http"
        )
    assert {name: found for name, found in servers.items() if len(found) > 1} == {}
