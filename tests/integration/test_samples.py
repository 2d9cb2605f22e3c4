"""The stand-in delivers the originals, whole and as they stood on the day of its clock, by real servers."""

from __future__ import annotations

import contextlib
import csv
import functools
import gzip
import hashlib
import io
import json
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import openpyxl
import psycopg
import pytest

from lake.settings import PROJECT_ROOT
from samples.serve import StandIn, originals
from samples.serve.collision_api import CollisionApi
from samples.serve.scout_drop import ScoutDrop
from samples.serve.weather_drop import WeatherDrop

LAST_DAY = date(2023, 4, 3)
NEW_YORK = ZoneInfo("America/New_York")

# The expectations are made with Python's own csv and datetime; the stand-in uses neither.


@functools.cache
def original_rows(archive: str, member: str) -> tuple[list[str], list[list[str]]]:
    with zipfile.ZipFile(originals.FOLDER / archive) as opened:
        header, *rows = csv.reader(io.StringIO(opened.read(member).decode(), newline=""))
    return header, rows


@functools.cache
def moment(text: str) -> datetime | None:
    return datetime.strptime(text, originals.LOCAL_TIME).replace(tzinfo=NEW_YORK) if text else None


def table_of(stand_in: StandIn) -> dict[int, tuple[object, ...]]:
    with psycopg.connect(stand_in.database.uri) as connection:
        rows = connection.execute(
            """SELECT unique_key, created_at, closed_at, status, updated_at, incident_address, latitude::text, bbl
            FROM public.service_request"""
        ).fetchall()
    return {row[0]: tuple(row[1:]) for row in rows}


def expected_table(through: date) -> dict[int, tuple[object, ...]]:
    """What the table must hold at the end of a day, row by row from the original."""
    header, rows = original_rows("311.csv.zip", "311.csv")
    table: dict[int, tuple[object, ...]] = {}
    for row in rows:
        cell = dict(zip(header, row, strict=True))
        created, closed, status = moment(cell["Created Date"]), moment(cell["Closed Date"]), cell["Status"]
        assert created is not None
        if created.date() > through:
            continue
        if closed and closed.date() > through:
            closed, status = None, "Open"
        table[int(cell["Unique Key"])] = (
            created,
            closed,
            status,
            max(created, closed) if closed else created,
            cell["Incident Address"] or None,
            cell["Latitude"] or None,
            cell["BBL"] or None,
        )
    return table


def lines_of(stand_in: StandIn, day: date) -> list[str]:
    content = gzip.decompress((stand_in.scout.drop.path / f"SCOUT_{day:%Y%m%d}.csv.gz").read_bytes())
    return content.decode().splitlines()


def folder_digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """Everything, up to the last day of the originals."""
    with StandIn(tmp_path_factory.mktemp("departments"), LAST_DAY, rate_per_second=500) as made:
        yield made


def get(stand_in: StandIn, **query: object) -> httpx.Response:
    address = httpx.URL(stand_in.connections["nypd_api"])
    return httpx.get(
        f"http://{address.host}:{address.port}/collisions",
        params={"from" if name == "first" else "to" if name == "last" else name: str(v) for name, v in query.items()},
        headers={"Authorization": f"Bearer {address.password}"},
    )


def test_the_database_holds_every_original_row_on_the_last_day(stand_in: StandIn) -> None:
    held = table_of(stand_in)
    assert len(held) == 52_519
    assert held == expected_table(LAST_DAY)


def test_the_reader_sees_the_table_and_not_the_past(stand_in: StandIn) -> None:
    with psycopg.connect(stand_in.database.uri) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT count(*) FROM original.service_request")
        connection.rollback()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM public.service_request")


def test_scout_files_add_up_to_the_original_line_by_line(stand_in: StandIn) -> None:
    with zipfile.ZipFile(originals.FOLDER / "SCOUT.csv.zip") as opened:
        header, *lines = opened.read("SCOUT.csv").decode().splitlines()
    days = list(originals.each_day(originals.FIRST_DAY, LAST_DAY))
    latest: dict[str, str] = {}
    delivered = 0
    for day in days:
        first, *rest = lines_of(stand_in, day)
        assert first == header
        delivered += len(rest)
        latest |= {line.split(",", 1)[0]: line for line in rest}
    assert len(days) == len(stand_in.scout.drop.names()) == 1_189
    assert len(latest) == 68_195
    assert sorted(latest.values()) == sorted(lines)
    # Each request that was closed on a later day than it was made comes twice.
    assert delivered == 68_195 + 53_064


def test_a_scout_request_is_open_in_the_file_of_its_first_day(stand_in: StandIn) -> None:
    header, rows = original_rows("SCOUT.csv.zip", "SCOUT.csv")
    day = date(2021, 7, 14)
    delivered = {row[0]: dict(zip(header, row, strict=True)) for row in csv.reader(lines_of(stand_in, day)[1:])}
    closing = {row[0] for row in rows if row[2] and moment(row[2]).date() == day}  # type: ignore[union-attr]
    made = {row[0]: row for row in rows if moment(row[1]).date() == day}  # type: ignore[union-attr]
    assert delivered.keys() == made.keys() | closing
    later = [key for key, row in made.items() if row[2] and key not in closing]
    assert later
    for key in later:
        assert (delivered[key]["Closed Date"], delivered[key]["Status"]) == ("", "Open")
        assert delivered[key]["Resolution Description"] in {"", *originals.OPEN_RESOLUTION.values()}
        assert delivered[key]["Incident Address"] == made[key][header.index("Incident Address")]


def test_the_api_delivers_every_collision_in_pages(stand_in: StandIn) -> None:
    header, rows = original_rows("Motor_Vehicle_Collisions_-_Crashes.csv.zip", "Motor_Vehicle_Collisions_-_Crashes.csv")
    items: list[dict[str, str | None]] = []
    while True:
        answer = get(
            stand_in, first="2020-01-01", last="2023-04-03", page=len(items) // 1000 + 1, page_size=1000
        ).json()
        items += answer["items"]
        if len(items) >= answer["total"] or not answer["items"]:
            break
    assert answer["total"] == len(items) == 62_634
    assert answer["available_through"] == "2023-03-31"
    keys = [int(item["collision_id"] or 0) for item in items]
    assert keys == sorted(keys)
    names = [name.lower().replace(" ", "_") for name in header]
    expected = {
        tuple(
            f"{v[6:]}-{v[:2]}-{v[3:5]}" if name == "crash_date" else v or None
            for name, v in zip(names, row, strict=True)
        )
        for row in rows
    }
    assert {tuple(item[name] for name in names) for item in items} == expected


def test_the_api_refuses_what_a_department_refuses(stand_in: StandIn) -> None:
    address = httpx.URL(stand_in.connections["nypd_api"])
    url = f"http://{address.host}:{address.port}/collisions?from=2023-03-01&to=2023-03-02"
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, headers={"Authorization": "Bearer wrong"}).status_code == 401
    late = get(stand_in, first="2023-04-01", last="2023-04-03")
    assert (late.status_code, late.json()) == (404, {"error": "not_published", "available_through": "2023-03-31"})
    assert get(stand_in, first="2023-03-01", last="2023-03-02", page_size=1001).status_code == 400
    assert get(stand_in, first="2023-03-02", last="2023-03-01").status_code == 400
    whole, cut = (get(stand_in, first="2023-03-31", last=last).json() for last in ("2023-03-31", "2023-04-03"))
    assert whole == cut
    assert whole["total"] > 0


def test_too_many_requests_are_told_to_wait() -> None:
    api = CollisionApi(token="t", control_token="c", rate_per_second=2, on_advance=lambda day: None)
    api.start()
    try:
        url = f"http://127.0.0.1:{api.port}/collisions?from=2020-01-01&to=2020-01-01"
        answers = [httpx.get(url, headers={"Authorization": "Bearer t"}) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
        time.sleep(int(answers[-1].headers["Retry-After"]))
        assert httpx.get(url, headers={"Authorization": "Bearer t"}).status_code == 200
    finally:
        api.stop()


def test_a_page_goes_wrong_as_often_as_it_is_told(stand_in: StandIn) -> None:
    week = {"first": "2023-03-01", "last": "2023-03-07", "page_size": 50}
    stand_in.fail({"fail_page": 3, "status": 500, "times": 1}, {"fail_page": 4, "cut": True})
    assert [get(stand_in, **week, page=page).status_code for page in (1, 2, 3, 3)] == [200, 200, 500, 200]
    with pytest.raises(httpx.RemoteProtocolError):
        get(stand_in, **week, page=4)
    assert get(stand_in, **week, page=4).status_code == 200


def test_weather_comes_as_a_workbook_a_month_with_its_blank_rows(stand_in: StandIn) -> None:
    names = sorted(stand_in.weather.drop.names())
    assert (len(names), names[0], names[-1]) == (34, "weather_2020-01.xlsx", "weather_2022-10.xlsx")
    original = [
        line.split(",")
        for line in gzip.decompress((originals.FOLDER / "NYC_Weather_2016_2022.csv.gz").read_bytes())
        .decode()
        .splitlines()
    ]
    start = next(number for number, row in enumerate(original) if row[0] == "2022-10-01T00:00")
    workbook = openpyxl.load_workbook(stand_in.weather.drop.path / names[-1], read_only=True)
    header, *rows = workbook["hourly"].iter_rows(values_only=True)
    assert list(header) == original[0]
    assert len(rows) == len(original) - start == 456
    delivered = [[row[0], *map(float, row[1:])] if row and row[0] else None for row in rows]
    assert delivered == [[row[0], *map(float, row[1:])] if row[0] else None for row in original[start:]]
    assert delivered.count(None) == 24


def test_boundaries_come_every_month(stand_in: StandIn) -> None:
    names = sorted(stand_in.boundaries.drop.names())
    assert (len(names), names[-1]) == (40, "community_district_2023-04.geojson")
    content = (stand_in.boundaries.drop.path / names[0]).read_bytes()
    assert content == gzip.decompress((originals.FOLDER / "community_district.geojson.gz").read_bytes())
    assert len(json.loads(content)["features"]) == 59


def test_the_clock_runs_by_real_statements_and_a_new_start_sets_it_back(tmp_path: Path) -> None:
    early, later = date(2020, 3, 6), date(2020, 3, 10)  # the clocks of New York change in between
    with StandIn(tmp_path, early) as stand_in:
        assert table_of(stand_in) == expected_table(early)
        files = {path.name: folder_digest(path) for path in tmp_path.glob("*_drop")}
        assert max(files["dot_drop"]) == "SCOUT_20200306.csv.gz"
        assert max(files["weather_drop"]) == "weather_2020-02.xlsx"
        assert max(files["dcp_drop"]) == "community_district_2020-03.geojson"
        assert get(stand_in, first=early, last=later).json()["available_through"] == "2020-03-06"
        untouched = _physical_places(stand_in)

        stand_in.advance(later)
        assert table_of(stand_in) == expected_table(later)
        # Rows that nothing happened to were not written again.
        kept = _physical_places(stand_in)
        assert sum(kept[key] == place for key, place in untouched.items()) > len(untouched) * 0.8
        assert max(stand_in.scout.drop.names()) == "SCOUT_20200310.csv.gz"
        assert get(stand_in, first=early, last=later).json()["available_through"] == "2020-03-10"
        with pytest.raises(ValueError, match="does not run backwards"):
            stand_in.advance(early)
        connections = stand_in.connections

    with StandIn(tmp_path, early) as stand_in:
        assert table_of(stand_in) == expected_table(early)
        assert {path.name: folder_digest(path) for path in tmp_path.glob("*_drop")} == files
        assert stand_in.connections == connections


def _physical_places(stand_in: StandIn) -> dict[int, str]:
    with psycopg.connect(stand_in.database.uri) as connection:
        return dict(connection.execute("SELECT unique_key, ctid::text FROM public.service_request").fetchall())


def test_the_same_files_are_the_same_bytes(stand_in: StandIn, tmp_path: Path) -> None:
    through = date(2020, 2, 29)
    again = {"scout": tmp_path / "scout", "weather": tmp_path / "weather"}
    # In two steps, so that a file does not depend on what was written with it.
    for day in (date(2020, 2, 3), through):
        ScoutDrop(again["scout"]).set_clock(day)
        WeatherDrop(again["weather"]).set_clock(day)
    for name, held in (("scout", stand_in.scout.drop.path), ("weather", stand_in.weather.drop.path)):
        made = folder_digest(again[name])
        assert len(made) == {"scout": 60, "weather": 2}[name]
        assert made.items() <= folder_digest(held).items()


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts ``python -m samples.serve`` on a home of the test's own; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "samples.serve", *arguments, "--home", str(tmp_path / "home")]
        process = subprocess.Popen(words, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def test_the_command_serves_is_advanced_survives_a_kill_and_stops(
    command: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    note = home / "connections.json"

    def advance(day: str) -> tuple[int, str]:
        process = command("advance", "--through", day)
        out, err = process.communicate(timeout=60)
        return process.returncode, out + err

    assert advance("2020-01-05")[0] == 1  # nothing serves yet
    killed = command("--through", "2020-01-04")
    _wait_for(note.exists, killed)
    assert note.stat().st_mode & 0o777 == 0o600
    connections = json.loads(note.read_text())
    assert connections.keys() == {"nyc311_db", "dot_drop", "nypd_api", "weather_drop", "dcp_drop"}
    assert advance("2020-01-05") == (0, "through 2020-01-05\n")
    assert advance("2020-01-04")[0] == 1
    with pytest.raises(RuntimeError, match="another process serves"):
        StandIn(home, "2020-01-05")

    killed.kill()
    killed.communicate()
    note.unlink()
    served = command("--through", "2020-01-05")
    _wait_for(note.exists, served)
    assert json.loads(note.read_text()) == connections
    with psycopg.connect(connections["nyc311_db"]) as connection:
        row = connection.execute("SELECT count(*) FROM service_request").fetchone()
        assert row == (len(expected_table(date(2020, 1, 5))),)
    served.send_signal(signal.SIGTERM)
    out, err = served.communicate(timeout=30)
    assert (served.returncode, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == [*connections, "through"]
    assert not note.exists()
    assert not _answers(connections["nyc311_db"])


def test_no_server_outlives_its_stand_in(command: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    note = tmp_path / "home" / "connections.json"
    killed = command("--through", "2020-01-01")
    _wait_for(note.exists, killed)
    database = json.loads(note.read_text())["nyc311_db"]
    assert _answers(database)
    killed.kill()
    deadline = time.monotonic() + 20
    while _answers(database):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _answers(database: str) -> bool:
    with contextlib.suppress(psycopg.OperationalError):
        psycopg.connect(database, connect_timeout=2).close()
        return True
    return False


def _wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
