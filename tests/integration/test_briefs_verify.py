# ruff: noqa: E501 - SQL and shapes read better in their own lines
"""A headline figure comes out of the pinned files as it does out of the marts, and a wrong one is found (invariant 9)."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb
import pytest

from lake import briefs
from lake.errors import BriefRefused
from lake.marts.pins import PinnedColumn, PinnedDayFile, PinnedTable, Pins
from lake.settings import Settings

DAY = date(2023, 4, 3)
CASE = {
    "unique_key": "BIGINT", "created_at": "TIMESTAMPTZ", "closed_at": "TIMESTAMPTZ", "latitude": "DECIMAL(9,6)",
    "longitude": "DECIMAL(9,6)", "updated_at": "TIMESTAMPTZ", "ds": "DATE", "_delivery": "VARCHAR", "_record": "BIGINT",
}  # fmt: skip
CRASH = {"collision_id": "BIGINT", "crash_on": "DATE", "latitude": "DECIMAL(9,6)", "longitude": "DECIMAL(9,6)"}
PLACE = {"boro_cd": "INTEGER", "geometry": "VARCHAR", "ds": "DATE"}
# District 401 is the square west of -73.85; the borough counts also what lies in no district.
ROWS = {
    "nyc311__service_request": (CASE, """
        SELECT n, TIMESTAMPTZ '2023-04-03 04:00:00+00' + to_minutes(n * 10), NULL, 40.65,
          CASE WHEN n <= 30 THEN -73.88 END, TIMESTAMPTZ '2023-04-03 12:00:00+00', DATE '2023-04-03', 'd1', n
        FROM range(1, 54) AS s(n)
        -- a later version of a case moves it to the day before; evening in New York is the next day in UTC
        UNION ALL SELECT 53, TIMESTAMPTZ '2023-04-03 03:59:00+00', NULL, 40.65, -73.88, TIMESTAMPTZ '2023-04-03 13:00:00+00',
          DATE '2023-04-03', 'd1', 54
        UNION ALL SELECT 99, TIMESTAMPTZ '2023-04-04 03:59:00+00', NULL, 40.65, -73.80, TIMESTAMPTZ '2023-04-04 03:59:00+00',
          DATE '2023-04-03', 'd1', 55"""),
    "dot__street_defect": (CASE, """
        SELECT n, TIMESTAMPTZ '2023-04-03 15:00:00+00', NULL, 40.65, -73.88, NULL, DATE '2023-04-03', 'd1', n
        FROM range(1, 46) AS s(n)"""),
    "nypd__collision": (CRASH, "SELECT n, DATE '2023-03-31', 40.65, -73.88 FROM range(1, 29) AS s(n)"),
    "dcp__community_district": (PLACE, """
        SELECT 401, '{"type":"Polygon","coordinates":[[[-73.9,40.6],[-73.85,40.6],[-73.85,40.7],[-73.9,40.7],[-73.9,40.6]]]}',
          DATE '2023-03-01'"""),
}  # fmt: skip
DATASETS = {
    "nyc311__service_request": "queens.nyc311.service_request",
    "dot__street_defect": "queens.dot.street_defect",
    "nypd__collision": "queens.nypd.collision",
    "dcp__community_district": "queens.dcp.community_district",
}
MARTS = {"4": (53, 45, 28), "401": (30, 45, 28)}


@pytest.fixture
def home(settings: Settings) -> Settings:
    """Accepted files, a build that pins them, and marts that say the same."""
    from briefs_city import publish

    tables = {}
    for name, (columns, sql) in ROWS.items():
        path = settings.tables / f"{name}.parquet"
        ids = {column: number for number, column in enumerate(columns, 1)}
        cast = ", ".join(f'CAST(column{i} AS {kind}) AS "{column}"' for i, (column, kind) in enumerate(columns.items()))
        renamed = f"({sql}) AS t({', '.join(f'column{i}' for i in range(len(columns)))})"
        fields = ", ".join(f'"{column}": {number}' for column, number in ids.items())
        with duckdb.connect() as connection:
            connection.execute(
                f"COPY (SELECT {cast} FROM {renamed}) TO '{path}' (FORMAT parquet, FIELD_IDS {{{fields}}})"
            )
            (records,) = connection.execute(f"SELECT count(*) FROM '{path}'").fetchone() or (0,)
        tables[name] = PinnedTable(
            dataset=DATASETS[name],
            department=DATASETS[name].split(".")[1],
            title_zh=name,
            is_gapless=False,
            due_on=DAY,
            snapshot_id=1,
            columns=tuple(PinnedColumn(column, kind, ids[column]) for column, kind in columns.items()),
            files=(PinnedDayFile(str(path), DAY, records),),
            fingerprints={DAY: "x"},
        )
    pins = Pins(DAY, "queens", "America/New_York", tables, (), "s", "c")
    folder = settings.builds / "b1"
    folder.mkdir()
    (folder / "pins.json").write_text(json.dumps(pins.to_json()))
    updates = [
        f"UPDATE overview.city_daily SET appeals_n = {appeals}, defects_n = {defects}, "
        f"crashes_n = CASE WHEN day_on = DATE '2023-03-31' THEN {crashes} ELSE crashes_n END "
        f"WHERE division_code = '{code}' AND day_on >= DATE '2023-03-31'"
        for code, (appeals, defects, crashes) in MARTS.items()
    ]
    publish(settings, name="b1", tweak="; ".join(updates))
    return settings


def test_headlines_come_out_of_the_files_again(home: Settings) -> None:
    for issue in briefs.issue("B01", DAY, home, scopes=["4", "401"]):
        assert briefs.verify(home, issue.folder) == []


def test_a_mart_that_counts_wrongly_is_found(home: Settings) -> None:
    file = home.published / "b1" / "marts.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "UPDATE overview.city_daily SET defects_n = defects_n + 1 "
            "WHERE division_code = '4' AND day_on = DATE '2023-04-03'"
        )
    (issue,) = briefs.issue("B01", DAY, home, scopes=["4"])
    assert briefs.verify(home, issue.folder) == [briefs.Difference("defects", 46, 45.0)]


def test_a_number_is_traced_to_its_query_build_and_files(home: Settings) -> None:
    (issue,) = briefs.issue("B01", DAY, home, scopes=["4"])
    trace = briefs.trace(home, issue.folder, "appeals")
    assert (trace.value, trace.text, trace.build_id, trace.tables) == (53, "53件", "b1", ("nyc311__service_request",))
    with duckdb.connect(str(home.published / "b1" / "marts.duckdb"), read_only=True) as connection:
        assert connection.execute(trace.sql).fetchall() == [(53,)]
    assert [Path(file.path).name for file in trace.files] == ["nyc311__service_request.parquet"]
    assert "role.hotline" in trace.check_sql and "2023-04-03" in trace.check_sql
    by_id = briefs.trace(home, issue.folder.relative_to(home.issues).as_posix(), "appeals")
    assert by_id == trace and json.dumps(by_id.as_dict())
    with pytest.raises(BriefRefused, match=r"no figure 'beauty'.*it has: appeals"):
        briefs.trace(home, issue.folder, "beauty")
    (home.builds / "b1" / "pins.json").unlink()
    with pytest.raises(BriefRefused, match="pins of build b1 are gone"):
        briefs.verify(home, issue.folder)
