"""Connectors against real servers: what arrives is what the source holds, to the last digit, or a clear error."""

from __future__ import annotations

import dataclasses
import gzip
import traceback
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import psycopg
import pytest

from lake.connectors import postgres
from lake.contracts.model import Cadence, Column, Contract, Mode, Source, Window, Withdrawal
from lake.contracts.reader import contract_for
from lake.errors import (
    DeliveryDamaged,
    SchemaDrift,
    SourceRefused,
    SourceUnavailable,
    StorageFull,
)
from lake.landing import Landed, land
from lake.settings import Settings
from samples.serve import StandIn

DAY = date(2023, 3, 27)
TODAY = Window(DAY, DAY)


def contract(source: Source, *columns: Column, **changes: object) -> Contract:
    made = Contract(
        dataset="queens.test.thing",
        version="1.0.0",
        valid_from=date(2020, 1, 1),
        title_zh="物",
        title_en="thing",
        owner="test",
        mode=Mode.SNAPSHOT,
        cadence=Cadence.DAILY,
        zone="America/New_York",
        source=source,
        columns=columns or (Column("id", "id", "BIGINT", 1, key_position=1),),
        withdrawal=Withdrawal.UNSEEN,
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def nothing_landed(lake: Settings) -> bool:
    return not [path for path in lake.landing.rglob("*") if path.is_file()]


# ---- the departments of Queens ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dataset", "window", "delivered", "missing"),
    [
        ("nyc311.service_request", Window(date(2020, 1, 1), date(2023, 4, 3)), 52_519, 0),
        ("nypd.collision", Window(date(2020, 1, 1), date(2023, 4, 3)), 62_634, 3),
        ("weather.hourly_weather", Window(date(2022, 9, 1), date(2022, 12, 31)), 720 + 432, 2),
        ("dcp.community_district", Window(date(2023, 4, 1), date(2023, 4, 30)), 59, 0),
    ],
)
def test_each_department_delivers_what_the_originals_hold(
    connected: Settings, dataset: str, window: Window, delivered: int, missing: int
) -> None:
    dataset = f"queens.{dataset}"
    landed = land(contract_for(dataset, window.first, connected), window, connected)
    assert (landed.delivered, len(landed.missing_days)) == (delivered, missing)
    assert not [file.problem for file in landed.files if file.problem]


def test_the_same_request_twice_is_one_delivery(connected: Settings) -> None:
    for dataset in ("nyc311.service_request", "nypd.collision"):
        day = Window(date(2023, 3, 30), date(2023, 3, 30))
        promised = contract_for(f"queens.{dataset}", day.first, connected)
        assert [land(promised, day, connected).is_new for _ in range(2)] == [True, False]


def test_scout_drops_land_byte_for_byte(connected: Settings, standin: StandIn) -> None:
    window = Window(date(2023, 3, 1), date(2023, 3, 31))
    landed = land(contract_for("queens.dot.street_defect", window.first, connected), window, connected)
    drop = Path(urlsplit(standin.connections["dot_drop"]).path)
    assert len(landed.files) + len(landed.missing_days) == 31
    for file in landed.files:
        delivered = (drop / file.name).read_bytes()
        assert landed.path(file).read_bytes() == delivered
        assert file.records == len(gzip.decompress(delivered).splitlines()) - 1


# ---- PostgreSQL ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def database(standin: StandIn) -> Iterator[psycopg.Connection]:
    """A schema `t` of the tests' own in the call centre's database, as the department itself."""
    with psycopg.connect(standin.database.admin_uri, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS t CASCADE; CREATE SCHEMA t; GRANT USAGE ON SCHEMA t TO citybrain")
        connection.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA t GRANT SELECT ON TABLES TO citybrain")
        yield connection
        connection.execute("DROP SCHEMA t CASCADE")


def table_contract(table: str, columns: dict[str, str], **changes: object) -> Contract:
    """A contract of a table; the first column is its key."""
    made = (
        Column(name, name, type_, number, key_position=1 if number == 1 else None)
        for number, (name, type_) in enumerate(columns.items(), 1)
    )
    return contract(Source("postgres", "nyc311_db", {"table": table}), *made, **changes)


def rows_of(landed: Landed) -> list[tuple[object, ...]]:
    file = str(landed.path(landed.files[0]))
    return duckdb.execute("SELECT COLUMNS(*)::VARCHAR FROM read_parquet(?) ORDER BY ALL", [file]).fetchall()


EXTREMES = {
    "smallint": ["-32768", "32767"],
    "integer": ["-2147483648", "2147483647"],
    "bigint": ["-9223372036854775808", "9223372036854775807"],
    "boolean": ["true", "false"],
    "numeric": ["NaN", "Infinity", "-Infinity", "12345678901234567890.123456789", "0.000000000000000000000000000001"],
    "numeric(38,10)": ["1234567890123456789012345678.0123456789", "-0.0000000001"],
    "real": ["NaN", "Infinity", "1e-45", "3.4028235e+38", "0.1"],
    "double precision": ["NaN", "-Infinity", "5e-324", "1.7976931348623157e+308", "0.1", "-0"],
    "money": ["-92233720368547758.08"],
    "text": ["", " ", "中文 🏙 e\u0301", "NULL", '"quoted"', "a\tb\nc\x1f\x1e", "x" * 100_000],
    "varchar(5)": ["00123", "  a  "],
    "char(5)": ["ab"],
    "name": ["pg_class"],
    "bytea": ["\\x00ff5c", "\\x"],
    "date": ["4713-01-01 BC", "5874897-12-31", "infinity", "-infinity", "2024-02-29"],
    "timestamptz": [
        "4713-01-01 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00", "infinity", "-infinity",
        "2023-03-12 06:59:59.999999+00", "2023-11-05 05:30:00+00", "2023-11-05 06:30:00+00",
    ],
    "timestamp": ["4713-01-01 00:00:00 BC", "294276-12-31 23:59:59.999999", "infinity", "2023-03-12 02:30:00"],
    "time": ["24:00:00", "00:00:00.000001"],
    "timetz": ["23:59:59.999999-15:59"],
    "interval": ["-178000000 years", "1 mon -1 day 00:00:00.000001"],
    "uuid": ["ffffffff-ffff-ffff-ffff-ffffffffffff"],
    "json": ['{"a" : 1.10, "a":2}'],
    "jsonb": ['{"a": 12345678901234567890.10}'],
    "inet": ["10.0.0.1/8", "::1"],
    "bit(3)": ["101"],
    "integer[]": ["{1,NULL,-3}", "{{1,2},{3,4}}"],
    "text[]": ['{"a,b",NULL,"NULL",""}'],
    "int4range": ["[1,10)", "empty"],
    "point": ["(1.5,-2.25)"],
    "tsvector": ["'a':1 'b':2"],
    "oid": ["4294967295"],
}  # fmt: skip


SPELLED_ANEW = {"money", "interval", "char(5)", "json", "timestamptz", "inet"}
"""Types that the server itself writes in another way than they were given to it."""


def test_every_type_arrives_to_the_last_digit(connected: Settings, database: psycopg.Connection) -> None:
    columns = ", ".join(f'"{type_}" {type_}' for type_ in EXTREMES)
    database.execute(f"CREATE TABLE t.extremes (id int PRIMARY KEY, {columns})")
    depth = max(len(values) for values in EXTREMES.values()) + 1  # the last row is NULL throughout
    for number in range(depth):
        given = [values[number] if number < len(values) else None for values in EXTREMES.values()]
        casts = ", ".join(f"%s::text::{type_}" for type_ in EXTREMES)
        database.execute(f"INSERT INTO t.extremes VALUES (%s, {casts})", (number, *given))
    landed = land(table_contract("t.extremes", dict.fromkeys(("id", *EXTREMES), "VARCHAR")), TODAY, connected)
    path = str(landed.path(landed.files[0]))
    assert duckdb.execute("SELECT _record, id FROM read_parquet(?)", [path]).fetchall() == [
        (number + 1, number) for number in range(depth)
    ]

    database.execute("SET timezone = 'UTC'; SET intervalstyle = 'iso_8601'")
    for type_, values in EXTREMES.items():
        found = [
            row[0]
            for row in duckdb.execute(f'SELECT "{type_}"::VARCHAR FROM read_parquet(?) ORDER BY id', [path]).fetchall()
        ]
        truth = [row[0] for row in database.execute(f'SELECT "{type_}"::text FROM t.extremes ORDER BY id').fetchall()]
        given = [*values, *[None] * (depth - len(values))]
        if type_.startswith("timestamp"):  # ISO 8601
            truth, given = ([text and text.replace(" ", "T", 1) for text in texts] for texts in (truth, given))
        assert found == truth, type_
        assert found == given or type_ in SPELLED_ANEW, type_


def test_times_do_not_depend_on_how_server_and_role_are_set(connected: Settings, database: psycopg.Connection) -> None:
    database.execute(
        "CREATE TABLE t.times (id int PRIMARY KEY, at timestamptz, d date, i interval, f float8, b bytea);"
        "INSERT INTO t.times VALUES (1, '2023-03-27 13:00-04', '2023-03-04', '1 day 2 h', 0.1::float4, '\\x00')"
    )
    columns = dict.fromkeys(("id", "at", "d", "i", "f", "b"), "VARCHAR")
    first = land(table_contract("t.times", columns), TODAY, connected)
    try:
        database.execute(
            "ALTER ROLE citybrain SET timezone = 'Asia/Shanghai'; ALTER ROLE citybrain SET datestyle = 'German, DMY';"
            "ALTER ROLE citybrain SET extra_float_digits = -5; ALTER ROLE citybrain SET bytea_output = 'escape';"
            "ALTER ROLE citybrain SET intervalstyle = 'sql_standard'"
        )
        assert land(table_contract("t.times", columns), TODAY, connected).delivery == first.delivery
    finally:
        database.execute("ALTER ROLE citybrain RESET ALL")
    assert rows_of(first)[0][2] == "2023-03-27T17:00:00+00"


def test_the_window_runs_from_local_midnight_to_local_midnight(
    connected: Settings, database: psycopg.Connection
) -> None:
    # On 2023-03-12 New York has 23 hours: midnight is 05:00 UTC before it and 04:00 UTC after it.
    instants = {
        1: "2023-03-12 04:59:59.999999",
        2: "2023-03-12 05:00:00",
        3: "2023-03-13 03:59:59.999999",
        4: "2023-03-13 04:00:00",
        5: "2023-03-10 05:00:00",
        6: "2023-03-10 04:59:59",
        7: None,
    }
    database.execute("CREATE TABLE t.edges (id int PRIMARY KEY, at timestamptz, at_local timestamp, on_day date)")
    for number, instant in instants.items():
        database.execute(
            "INSERT INTO t.edges SELECT %s, at, at AT TIME ZONE 'America/New_York', "
            "(at AT TIME ZONE 'America/New_York')::date FROM (SELECT %s::timestamp AT TIME ZONE 'UTC') v(at)",
            (number, instant),
        )
    columns = {"id": "BIGINT", "at": "TIMESTAMPTZ", "at_local": "TIMESTAMP", "on_day": "DATE"}
    window = Window(date(2023, 3, 12), date(2023, 3, 12))

    def ids(**changes: object) -> set[object]:
        landed = land(table_contract("t.edges", columns, **changes), window, connected)
        return {row[1] for row in rows_of(landed)}

    for name in ("at", "at_local", "on_day"):
        assert ids(mode=Mode.DAY, partition_column=name) == {"2", "3"}
        assert ids(mode=Mode.CHANGES, cursor=name) == {"2", "3"}
        assert ids(mode=Mode.CHANGES, cursor=name, overlap=timedelta(days=2)) == {"1", "2", "3", "5"}
    assert len(ids(mode=Mode.SNAPSHOT)) == 7
    with pytest.raises(SchemaDrift, match="cut by this column, which has the type int4"):
        ids(mode=Mode.CHANGES, cursor="id")


def test_count_and_rows_are_of_one_snapshot(
    connected: Settings, database: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.execute("CREATE TABLE t.busy AS SELECT i AS id FROM generate_series(1, 1000) i")
    copy, written = postgres._copy, []

    def copy_after_a_writer_committed(*arguments: object) -> None:
        database.execute("INSERT INTO t.busy VALUES (1001); DELETE FROM t.busy WHERE id < 10")
        written.append(database.execute("SELECT count(*) FROM t.busy").fetchone())
        copy(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(postgres, "_copy", copy_after_a_writer_committed)
    landed = land(table_contract("t.busy", {"id": "BIGINT"}), TODAY, connected)
    assert written == [(992,)]
    assert landed.delivered == landed.control_total == 1000
    assert sorted(int(str(row[1])) for row in rows_of(landed)) == list(range(1, 1001))


def test_rows_that_get_lost_on_the_way_are_noticed(
    connected: Settings, database: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.execute("CREATE TABLE t.lossy AS SELECT i AS id FROM generate_series(1, 10) i")
    copy = postgres._copy
    monkeypatch.setattr(postgres, "_copy", lambda c, select, to: copy(c, f"SELECT * FROM ({select}) s LIMIT 9", to))
    with pytest.raises(DeliveryDamaged, match="the server counts 10 rows, 9 arrived"):
        land(table_contract("t.lossy", {"id": "BIGINT"}), TODAY, connected)
    assert nothing_landed(connected)


def test_the_digest_is_of_the_content_and_of_nothing_else(connected: Settings, database: psycopg.Connection) -> None:
    columns = {"id": "BIGINT", "a": "VARCHAR", "b": "VARCHAR"}

    def digest(*rows: tuple[object, ...]) -> str:
        database.execute("DROP TABLE IF EXISTS t.same; CREATE TABLE t.same (id int, a text, b text)")
        for row in rows:
            database.execute("INSERT INTO t.same VALUES (%s, %s, %s)", row)
        return land(table_contract("t.same", columns), TODAY, connected).content_digest

    one, two = (1, "x", None), (2, "y", "z")
    assert digest(one, two) == digest(two, one)
    different = [
        digest(*rows)
        for rows in (
            [one],
            [one, one],
            [one, two],
            [(1, "x", "")],
            [(1, "", "x")],
            [(1, "x\x1f0", "")],
            [(1, "x", "\x1f0")],
            [(1, "x", "\x1f2")],
        )
    ]
    assert len(set(different)) == len(different)


def test_a_delivery_of_no_rows_is_a_delivery(connected: Settings, database: psycopg.Connection) -> None:
    database.execute("CREATE TABLE t.nothing (id int PRIMARY KEY, at timestamptz)")
    landed = land(table_contract("t.nothing", {"id": "BIGINT", "at": "TIMESTAMPTZ"}), TODAY, connected)
    assert (landed.delivered, rows_of(landed)) == (0, [])


@pytest.mark.parametrize(
    ("promised", "told"),
    [
        (("id", "note", "gone"), "missing: gone"),
        (("id",), "added: note"),
        (("id", "Note"), "missing: Note; added: note"),
    ],
)
def test_columns_that_are_not_the_contracts_are_named(
    connected: Settings, database: psycopg.Connection, promised: tuple[str, ...], told: str
) -> None:
    database.execute("CREATE TABLE IF NOT EXISTS t.drifted (id int, note text)")
    with pytest.raises(SchemaDrift, match=told) as drift:
        land(table_contract("t.drifted", dict.fromkeys(promised, "VARCHAR")), TODAY, connected)
    assert drift.value.column in told
    assert nothing_landed(connected)


def test_views_and_columns_we_may_not_read(connected: Settings, database: psycopg.Connection) -> None:
    database.execute(
        "CREATE TABLE t.people (id int, phone text); INSERT INTO t.people VALUES (1, '555-0100');"
        "REVOKE ALL ON t.people FROM citybrain; GRANT SELECT (id) ON t.people TO citybrain;"
        "CREATE MATERIALIZED VIEW t.counted AS SELECT count(*) AS id FROM t.people;"
        "CREATE TABLE t.closed (id int); REVOKE ALL ON t.closed FROM citybrain"
    )
    assert land(table_contract("t.people", {"id": "BIGINT"}), TODAY, connected).delivered == 1
    assert land(table_contract("t.counted", {"id": "BIGINT"}), TODAY, connected).delivered == 1
    with pytest.raises(SourceRefused, match="may read no column"):
        land(table_contract("t.closed", {"id": "BIGINT"}), TODAY, connected)
    with pytest.raises(SourceRefused, match=r"no table t\.unknown"):
        land(table_contract("t.unknown", {"id": "BIGINT"}), TODAY, connected)
    with pytest.raises(SourceRefused, match=r"no table other\.people"):
        land(table_contract("other.people", {"id": "BIGINT"}), TODAY, connected)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"password": "wr0ng' pass"}, SourceRefused),
        ({"user": "nobody_knows"}, SourceRefused),
        ({"dbname": "nothing"}, SourceRefused),
        ({"port": "1"}, SourceUnavailable),
        ({"host": "no-such-host.invalid"}, SourceUnavailable),
    ],
)
def test_no_error_tells_the_password(
    connected: Settings, standin: StandIn, change: dict[str, str], error: type[Exception]
) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(standin.connections["nyc311_db"]) | change
    password = str(parts["password"])
    uri = "postgresql://{user}:{secret}@{host}:{port}/{dbname}".format(
        secret=password.replace("'", "%27").replace(" ", "%20"), **{k: v for k, v in parts.items() if k != "password"}
    )
    lake = dataclasses.replace(connected, environment={"CITYBRAIN_CONN_NYC311_DB": uri})
    with pytest.raises(error) as told:
        land(table_contract("public.service_request", {"unique_key": "BIGINT"}), TODAY, lake)
    text = "".join(traceback.format_exception(told.value)) + repr(told.value.__dict__)
    assert password not in text
    assert "queens.test.thing" in str(told.value)
    assert nothing_landed(lake)


def test_a_server_that_dies_in_the_middle_leaves_nothing(connected: Settings, database: psycopg.Connection) -> None:
    database.execute(
        "CREATE VIEW t.dying AS SELECT i AS id, CASE WHEN i = 400000 THEN pg_terminate_backend(pg_backend_pid())::text "
        "ELSE repeat('x', 50) END AS x FROM generate_series(1, 500000) i"
    )
    with pytest.raises(SourceUnavailable) as told:
        land(table_contract("t.dying", {"id": "BIGINT", "x": "VARCHAR"}), TODAY, connected)
    assert "xxx" not in "".join(traceback.format_exception(told.value))
    assert nothing_landed(connected)


def test_a_full_disk_under_the_extraction_is_told_as_such(
    connected: Settings, database: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.execute("CREATE TABLE t.large AS SELECT i AS id, md5(i::text) AS x FROM generate_series(1, 200000) i")
    copy = postgres._copy
    monkeypatch.setattr(postgres, "_copy", lambda c, select, to: copy(c, select, Path("/dev/full")))
    with pytest.raises(StorageFull):
        land(table_contract("t.large", {"id": "BIGINT", "x": "VARCHAR"}), TODAY, connected)
    assert nothing_landed(connected)
