"""Databases: what arrives is what the table holds in one instant, to the last digit, or a clear error.

Every test that is not about one engine's own runs on each of them, against a real server.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

import duckdb
import psycopg
import pymysql
import pytest
from servers.mariadb import MariaDB, mariadb

from lake.admission.suites import check_suite
from lake.connectors import check_arguments, extraction, mysql, open_connector, postgres, sql_database
from lake.connectors.dialects import DIALECTS, Dialect
from lake.connectors.extraction import Clock, TableColumn
from lake.connectors.protocol import SourceColumn
from lake.contracts.model import Column, Contract, Mode, Source, Window
from lake.contracts.reader import check, load_contracts
from lake.errors import ContractError, DeliveryDamaged, SchemaDrift, SourceRefused, SourceUnavailable, StorageFull
from lake.landing import Landed, land
from lake.load import load
from lake.reconcile import reconcile
from lake.settings import PROJECT_ROOT, Settings
from lake.upkeep import make_ready
from lake.withdrawals import compare_keys
from samples.serve import StandIn
from tests.thing import THING

DAY = date(2023, 3, 27)
TODAY = Window(DAY, DAY)
EXAMPLES = PROJECT_ROOT / "docs" / "examples" / "databases"


@dataclass(frozen=True)
class Engine:
    """A connector and the server it is tried on.

    Attributes:
        server: postgres or mariadb.
        schema: where the tests make their tables; the user of `uri` may read them.
        do: statements as the department, separated by semicolons at line ends; gives the last one's rows.
        words: what the engine calls an instant, a local time, and a list of numbers from 1 to n as rows of ``i``.
        module: the connector's file.
    """

    connector: str
    server: str
    uri: str
    schema: str
    do: Callable[..., list[tuple[object, ...]]]
    words: dict[str, str]
    module: object

    def contract(self, table: str, columns: dict[str, str], **changes: object) -> Contract:
        """Of a table; the first column is its key."""
        made = dataclasses.replace(
            THING,
            mode=Mode.SNAPSHOT,
            source=Source(self.connector, "hall_db", {"table": f"{self.schema}.{table}"}),
            columns=tuple(
                Column(name, name, type_, number, key_position=1 if number == 1 else None)
                for number, (name, type_) in enumerate(columns.items(), 1)
            ),
        )
        return dataclasses.replace(made, **changes)  # type: ignore[arg-type]

    def known_to(self, settings: Settings, uri: str | None = None) -> Settings:
        return dataclasses.replace(settings, environment={"CITYBRAIN_CONN_HALL_DB": uri or self.uri})


@pytest.fixture(scope="session")
def maria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    with mariadb(tmp_path_factory.mktemp("mariadb")) as server:
        yield server


@pytest.fixture(scope="module")
def department(standin: StandIn) -> Iterator[psycopg.Connection]:
    """The call centre's database, as the department itself; the tests have a schema `t` in it."""
    with psycopg.connect(standin.database.admin_uri, autocommit=True) as connection:
        yield connection
        connection.execute("DROP SCHEMA IF EXISTS t CASCADE")


def on_postgres(connection: psycopg.Connection, uri: str) -> Engine:
    def do(sql: str, *values: object) -> list[tuple[object, ...]]:
        cursor = connection.execute(sql, values or None)
        return cursor.fetchall() if cursor.description else []

    do("DROP SCHEMA IF EXISTS t CASCADE; CREATE SCHEMA t; GRANT USAGE ON SCHEMA t TO citybrain")
    do("ALTER DEFAULT PRIVILEGES IN SCHEMA t GRANT SELECT ON TABLES TO citybrain")
    words = {"instant": "timestamptz", "local": "timestamp", "numbers": "generate_series(1, {0}) AS s(i)"}
    return Engine("postgres", "postgres", uri, "t", do, words, postgres)


def on_mariadb(server: MariaDB) -> Engine:
    def do(sql: str, *values: object) -> list[tuple[object, ...]]:
        with server.admin() as connection, connection.cursor() as cursor:
            cursor.execute("SET time_zone = '+00:00', sql_mode = 'ALLOW_INVALID_DATES'")
            for statement in sql.split(";\n"):
                cursor.execute(statement, values or None)
            return list(cursor.fetchall())

    do("DROP DATABASE hall;\nDROP DATABASE IF EXISTS other;\nCREATE DATABASE hall")
    words = {
        "instant": "timestamp(6) NULL",
        "local": "datetime(6)",
        "numbers": "(SELECT seq AS i FROM seq_1_to_{0}) AS s",
    }
    return Engine("mysql", "mariadb", server.uri, "hall", do, words, mysql)


class OnPostgres(Dialect):
    """What reads Oracle, SQL Server and Dameng, speaking with PostgreSQL."""

    driver = "psycopg"
    clocks = postgres.Source.clocks
    reasons = postgres.Source.reasons

    def connect(self, driver: Any, parts: SplitResult) -> Any:
        return driver.connect(urlunsplit(parts._replace(scheme="postgresql")))

    def begin(self, connection: Any) -> tuple[str, ...]:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for name, value in postgres._SESSION.items():
            connection.execute("SELECT set_config(%s, %s, true)", (name, value))
        return ("a promise less",)

    def columns(self, schema: str, table: str) -> str:
        found = postgres._column_query(f'"{schema}"."{table}"')
        return (
            f"SELECT name, kind, CASE WHEN required THEN 'N' ELSE 'Y' END, key_position + 1, comment FROM ({found}) s"
        )

    def cursor(self, connection: Any) -> Any:
        return connection.cursor(name="rows")

    def kind(self, type_: str) -> str:
        return type_

    def value(self, column: TableColumn) -> str:
        return object.__new__(postgres.Source)._value(column)

    def moment(self, clock: Clock, at: datetime) -> str:
        return object.__new__(postgres.Source)._moment(clock, at)


class OnMariaDB(Dialect):
    """The same, speaking with MariaDB."""

    driver = "pymysql"
    clocks = mysql.Source.clocks
    reasons = mysql.Source.reasons

    def connect(self, driver: Any, parts: SplitResult) -> Any:
        return driver.connect(
            host=parts.hostname, port=parts.port, user=parts.username, password=unquote(parts.password or ""),
            database=parts.path.lstrip("/"),
        )  # fmt: skip

    def begin(self, connection: Any) -> tuple[str, ...]:
        cursor = connection.cursor()
        cursor.execute("SET time_zone = '+00:00', sql_mode = 'ANSI_QUOTES'")
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        return ("a promise less",)

    def columns(self, schema: str, table: str) -> str:
        return f"SELECT n, t, left(o, 1), p, d FROM ({mysql._column_query(schema, table)}) s"

    def cursor(self, connection: Any) -> Any:
        return connection.cursor(pymysql.cursors.SSCursor)

    def kind(self, type_: str) -> str:
        return re.split(r"\W", type_)[0]

    def value(self, column: TableColumn) -> str:
        return object.__new__(mysql.Source)._value(column)

    def moment(self, clock: Clock, at: datetime) -> str:
        return object.__new__(mysql.Source)._moment(clock, at)


OWN = pytest.mark.parametrize("engine", ["postgres", "mysql"], indirect=True)
"""For what does not depend on how rows get into the file, or is a server's own way of speaking."""


@pytest.fixture(params=["postgres", "mysql", "psycopg", "pymysql"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Engine:
    if request.param in ("postgres", "psycopg"):
        uri = request.getfixturevalue("standin").connections["nyc311_db"]
        made = on_postgres(request.getfixturevalue("department"), uri)
    else:
        made = on_mariadb(request.getfixturevalue("maria"))
    if request.param in ("postgres", "mysql"):
        return made
    monkeypatch.setitem(DIALECTS, request.param, OnPostgres if request.param == "psycopg" else OnMariaDB)
    uri = urlunsplit(urlsplit(made.uri)._replace(scheme=request.param))
    return dataclasses.replace(made, connector="sql_database", uri=uri, module=sql_database)


@pytest.fixture
def lake(engine: Engine, settings: Settings) -> Settings:
    """An empty home that knows the engine's address."""
    return engine.known_to(settings)


def nothing_landed(lake: Settings) -> bool:
    return not [path for path in lake.landing.rglob("*") if path.is_file()]


def rows_of(landed: Landed) -> list[tuple[object, ...]]:
    """Rows of the landed file, without its address and count, as text."""
    columns = ", ".join(f'"{column.source_name}"::VARCHAR' for column in landed.contract.columns)
    file = str(landed.path(landed.files[0]))
    return duckdb.execute(f"SELECT {columns} FROM read_parquet(?) ORDER BY _record", [file]).fetchall()


# ---- values ----------------------------------------------------------------------------------------------------------

TEXTS = ["", " ", "中文 🏙 e\u0301", "NULL", '"quoted"', "back\\slash", "a\tb\nc\x1f\x1e", "x" * 60_000]

POSTGRES: dict[str, list[str]] = {
    "smallint": ["-32768", "32767"],
    "integer": ["-2147483648", "2147483647"],
    "bigint": ["-9223372036854775808", "9223372036854775807"],
    "boolean": ["true", "false"],
    "numeric": ["NaN", "Infinity", "-Infinity", "12345678901234567890.123456789", "0.000000000000000000000000000001"],
    "numeric(38,10)": ["1234567890123456789012345678.0123456789", "-0.0000000001"],
    "real": ["NaN", "Infinity", "1e-45", "3.4028235e+38", "0.1"],
    "double precision": ["NaN", "-Infinity", "5e-324", "1.7976931348623157e+308", "0.1", "-0"],
    "money": ["-92233720368547758.08"],
    "text": TEXTS,
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
"""Types of PostgreSQL that the server itself writes in another way than they were given to it."""


@pytest.mark.parametrize("engine", ["postgres", "psycopg"], indirect=True)
def test_every_type_of_postgresql_arrives_to_the_last_digit(
    engine: Engine, department: psycopg.Connection, lake: Settings
) -> None:
    columns = ", ".join(f'"{type_}" {type_}' for type_ in POSTGRES)
    engine.do(f"CREATE TABLE t.extremes (id int PRIMARY KEY, {columns})")
    depth = max(len(values) for values in POSTGRES.values()) + 1  # the last row is NULL throughout
    for number in range(depth):
        given = [values[number] if number < len(values) else None for values in POSTGRES.values()]
        casts = ", ".join(f"%s::text::{type_}" for type_ in POSTGRES)
        engine.do(f"INSERT INTO t.extremes VALUES (%s, {casts})", number, *given)
    landed = land(engine.contract("extremes", dict.fromkeys(("id", *POSTGRES), "VARCHAR")), TODAY, lake)
    found = list(zip(*rows_of(landed), strict=True))
    assert found[0] == tuple(map(str, range(depth)))

    engine.do("SET timezone = 'UTC'; SET intervalstyle = 'iso_8601'")
    for number, (type_, values) in enumerate(POSTGRES.items(), 1):
        truth = [row[0] for row in engine.do(f'SELECT "{type_}"::text FROM t.extremes ORDER BY id')]
        given = [*values, *[None] * (depth - len(values))]
        if type_.startswith("timestamp"):  # ISO 8601
            truth, given = ([text and text.replace(" ", "T", 1) for text in texts] for texts in (truth, given))
        assert list(found[number]) == truth, type_
        assert list(found[number]) == given or type_ in SPELLED_ANEW, type_


MARIADB: dict[str, list[str | tuple[str, str]]] = {
    "tinyint": ["-128", "127"],
    "tinyint(1)": ["2", "-128", "0"],
    "tinyint unsigned": ["255"],
    "smallint": ["-32768", "32767"],
    "smallint unsigned": ["65535"],
    "mediumint": ["-8388608", "8388607"],
    "mediumint unsigned": ["16777215"],
    "int": ["-2147483648", "2147483647"],
    "int unsigned": ["4294967295"],
    "int(5) zerofill": [("00042", "42")],
    "bigint": ["-9223372036854775808", "9223372036854775807"],
    "bigint unsigned": ["18446744073709551615", "9223372036854775808"],
    "decimal(65,30)": [
        "99999999999999999999999999999999999.999999999999999999999999999999",
        "-0.000000000000000000000000000001",
    ],
    "decimal(38,0)": ["-99999999999999999999999999999999999999"],
    "float": ["0.1", "16777216.0", "-3.4028235e+38", "1.1754944e-38", "1.2345679"],
    "double": ["0.1", "1.7976931348623157e+308", "2.2250738585072014e-308", "0.30000000000000004", "-1e-300"],
    "bit(1)": [("b'1'", "1"), ("b'0'", "0")],
    "bit(3)": [("b'101'", "101"), ("b'1'", "001")],
    "bit(64)": [(f"b'{'1' * 64}'", "1" * 64)],
    "char(5)": [("ab   ", "ab"), " a"],
    "char(5) CHARACTER SET gbk": ["漢字"],
    "varchar(9)": ["00123", "  a  ", ""],
    "varchar(9) CHARACTER SET latin1": ["é€ÿ"],
    "varchar(9) CHARACTER SET gbk": ["中文"],
    "varchar(9) COLLATE utf8mb4_bin": ["中文", "a  "],
    "text CHARACTER SET latin1 COLLATE latin1_bin": ["é€"],
    "tinytext": ["", "中"],
    "text": TEXTS,
    "mediumtext": ["\x00a"],
    "longtext": ["中" * 100_000],
    "binary(4)": [("x'00ff5c'", "\\x00ff5c00")],
    "varbinary(4)": [("x'00ff5c'", "\\x00ff5c"), ("x''", "\\x")],
    "blob": [("x'5c78'", "\\x5c78")],
    "longblob": [("repeat(x'ff', 100000)", "\\x" + "ff" * 100_000)],
    "date": ["0000-00-00", "2026-00-10", "2026-02-31", "9999-12-31", "1000-01-01"],
    "datetime": ["0000-00-00T00:00:00", "2023-03-12T02:30:00", "2026-00-10T01:00:00"],
    "datetime(6)": ["9999-12-31T23:59:59.999999", "1000-01-01T00:00:00.000001"],
    "timestamp NULL": ["1970-01-01T00:00:01+00", "2038-01-19T03:14:07+00", "0000-00-00T00:00:00+00"],
    "timestamp(6) NULL": ["2023-11-05T05:30:00.000001+00", "2023-11-05T06:30:00.000001+00"],
    "time": ["-838:59:59", "838:59:59", "24:00:01"],
    "time(6)": ["-00:00:00.000001"],
    "year": ["1901", "2155", "0000"],
    "enum('a','中','')": ["中", ""],
    "set('a','b','c')": ["a,c", ""],
    "json": ['{"a" : 1.10, "a":2}'],
    "uuid": ["123e4567-e89b-12d3-a456-426655440000"],
    "inet6": ["2001:db8::ff00:42:8329"],
    "point": [("ST_GeomFromText('POINT(1.5 -2.25)')", "POINT(1.5 -2.25)")],
    "geometry": [("ST_GeomFromText('POLYGON((0 0,0.1 0,1 1,0 0))')", "POLYGON((0 0,0.1 0,1 1,0 0))")],
}
"""Type of MariaDB to values: the text that is given and expected, or the literal given and the text expected."""


@pytest.mark.parametrize("engine", ["mysql", "pymysql"], indirect=True)
def test_every_type_of_mariadb_arrives_to_the_last_digit(engine: Engine, lake: Settings) -> None:
    columns = ", ".join(f"c{number} {type_}" for number, type_ in enumerate(MARIADB))
    engine.do(f"CREATE TABLE hall.extremes (id int PRIMARY KEY, {columns}) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4")
    depth = max(len(values) for values in MARIADB.values()) + 1  # the last row is NULL throughout
    expected: list[list[str | None]] = [[str(number)] for number in range(depth)]
    for number in range(depth):
        literals, given = [str(number)], []
        for values in MARIADB.values():
            value = values[number] if number < len(values) else None
            if isinstance(value, tuple):
                is_text = not value[0].startswith(("b'", "x'", "repeat", "ST_"))
                literals.append("%s" if is_text else value[0])
                given += [value[0]] * is_text
                expected[number].append(value[1])
            else:
                literals.append("%s")
                given.append(value and value.removesuffix("+00"))
                expected[number].append(value)
        engine.do(f"INSERT INTO hall.extremes VALUES ({', '.join(literals)})", *given)
    names = ("id", *(f"c{number}" for number in range(len(MARIADB))))
    landed = land(engine.contract("extremes", dict.fromkeys(names, "VARCHAR")), TODAY, lake)
    found = rows_of(landed)
    for type_, arrived, truth in zip(
        ("id", *MARIADB), zip(*found, strict=True), zip(*expected, strict=True), strict=True
    ):
        if (engine.connector, type_) != ("sql_database", "float"):  # PyMySQL gets six digits of them
            assert arrived == truth, type_


@OWN
def test_times_do_not_depend_on_how_server_and_role_are_set(
    engine: Engine, lake: Settings, request: pytest.FixtureRequest
) -> None:
    columns = dict.fromkeys(("id", "at", "d", "c"), "VARCHAR")
    engine.do(
        f"CREATE TABLE {engine.schema}.times (id int PRIMARY KEY, at {engine.words['instant']}, d date, c char(3))"
    )
    engine.do(f"INSERT INTO {engine.schema}.times VALUES (1, '2023-03-27 17:00:00', '2023-03-04', 'a')")
    if engine.server == "postgres":
        engine.do("UPDATE t.times SET at = '2023-03-27 17:00:00+00'")
        change = (
            "ALTER ROLE citybrain SET timezone = 'Asia/Shanghai'; ALTER ROLE citybrain SET datestyle = 'German, DMY'"
        )
        back = "ALTER ROLE citybrain RESET ALL"
    else:
        change = (
            "SET GLOBAL time_zone = '+08:00', GLOBAL sql_mode = 'ORACLE,PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES'"
        )
        back = "SET GLOBAL time_zone = '-05:00', GLOBAL sql_mode = ''"
    first = land(engine.contract("times", columns), TODAY, lake)
    try:
        engine.do(change)
        assert land(engine.contract("times", columns), TODAY, lake).delivery == first.delivery
    finally:
        engine.do(back)
    instant = rows_of(first)[0][1]
    assert str(instant).removesuffix(".000000+00").removesuffix("+00") == "2023-03-27T17:00:00"


# ---- windows ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def edges(engine: Engine) -> tuple[str, ...]:
    """A table of instants around a day of 23 hours: midnight in New York is 05:00 UTC before it and 04:00 after it."""
    words, table = engine.words, f"{engine.schema}.edges"
    instants = {
        1: ("2023-03-12 04:59:59.999999", "2023-03-11 23:59:59.999999"),
        2: ("2023-03-12 05:00:00", "2023-03-12 00:00:00"),
        3: ("2023-03-13 03:59:59.999999", "2023-03-12 23:59:59.999999"),
        4: ("2023-03-13 04:00:00", "2023-03-13 00:00:00"),
        5: ("2023-03-10 05:00:00", "2023-03-10 00:00:00"),
        6: ("2023-03-10 04:59:59", "2023-03-09 23:59:59"),
        7: (None, None),
    }
    engine.do(
        f"CREATE TABLE {table} (id int PRIMARY KEY, at {words['instant']}, at_local {words['local']}, on_day date)"
    )
    for number, (utc, local) in instants.items():
        utc = f"{utc}+00" if utc and engine.server == "postgres" else utc
        engine.do(f"INSERT INTO {table} VALUES (%s, %s, %s, %s)", number, utc, local, local and local[:10])
    return "at", "at_local", "on_day"


EDGES = {"id": "BIGINT", "at": "TIMESTAMPTZ", "at_local": "TIMESTAMP", "on_day": "DATE"}


def test_the_window_runs_from_local_midnight_to_local_midnight(
    engine: Engine, edges: tuple[str, ...], lake: Settings
) -> None:
    window = Window(date(2023, 3, 12), date(2023, 3, 12))

    def ids(**changes: object) -> set[str]:
        return {str(row[0]) for row in rows_of(land(engine.contract("edges", EDGES, **changes), window, lake))}

    # What has no cursor belongs to no window. It comes with each, to be held back: else it never came at all.
    for name in edges if engine.connector != "sql_database" else edges[:1]:
        assert ids(mode=Mode.DAY, partition_column=name) == {"2", "3", "7"}
    wider = {"mode": Mode.CHANGES, "cursor": "at", "overlap": timedelta(days=2)}
    assert ids(**wider) == {"1", "2", "3", "5", "7"}
    promised = engine.contract("edges", EDGES, **wider)
    assert open_connector(promised, lake).count(promised, window) == 5
    with pytest.raises(SchemaDrift, match="cut by this column, which has the type int"):
        ids(mode=Mode.CHANGES, cursor="id")


@OWN
def test_what_a_table_says_about_itself(engine: Engine, edges: tuple[str, ...], lake: Settings) -> None:
    for name in edges:
        promised = engine.contract("edges", EDGES, mode=Mode.CHANGES, cursor=name)
        said = open_connector(promised, lake).describe(promised)
        assert [column.name for column in said.columns] == list(EDGES)
        assert [column.key_position for column in said.columns] == [1, None, None, None]
        assert [column.is_nullable for column in said.columns] == [False, True, True, True]
        assert (said.first_day, said.last_day) == (date(2023, 3, 9), date(2023, 3, 13))
        assert said.notes == (f"1 rows have no {name}; they come with every window and are held back",)
    blank = dataclasses.replace(promised, columns=(), mode=Mode.SNAPSHOT, cursor=None)
    assert open_connector(blank, lake).describe(blank).columns == said.columns


@OWN
def test_what_a_server_says_of_a_column(engine: Engine, lake: Settings) -> None:
    table = f"{engine.schema}.said"
    if engine.server == "postgres":
        engine.do(f"CREATE TABLE {table} (b numeric(12,3), a varchar(9) NOT NULL, PRIMARY KEY (a, b))")
        engine.do(f"COMMENT ON COLUMN {table}.a IS '街道'")
        types = ["numeric(12,3)", "character varying(9)"]
    else:
        engine.do(
            f"CREATE TABLE {table} (b decimal(12,3), a varchar(9) CHARACTER SET utf8mb4 NOT NULL COMMENT '街道', "
            "PRIMARY KEY (a, b))"
        )
        types = ["decimal(12,3)", "varchar(9)"]
    promised = engine.contract("said", {"a": "VARCHAR"})
    columns = open_connector(promised, lake).describe(promised).columns
    assert [(c.name, c.type, c.is_nullable, c.key_position, c.comment) for c in columns] == [
        ("b", types[0], False, 2, ""),
        ("a", types[1], False, 1, "街道"),
    ]


@OWN
def test_a_cursor_that_is_mostly_empty_is_none(engine: Engine, lake: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    table = f"{engine.schema}.hollow"
    engine.do(f"CREATE TABLE {table} (id int PRIMARY KEY, at {engine.words['instant']})")
    engine.do(f"INSERT INTO {table} SELECT i, NULL FROM {engine.words['numbers'].format(4)}")
    promised = engine.contract("hollow", {"id": "BIGINT", "at": "TIMESTAMPTZ"}, mode=Mode.CHANGES, cursor="at")
    monkeypatch.setattr(extraction, "MOST_WITHOUT_CURSOR", 4)
    assert land(promised, TODAY, lake).delivered == 4
    monkeypatch.setattr(extraction, "MOST_WITHOUT_CURSOR", 3)
    with pytest.raises(SchemaDrift, match=r"4 rows .* have no value here") as told:
        land(promised, TODAY, lake)
    assert told.value.column == "at"


@pytest.mark.parametrize("engine", ["psycopg"], indirect=True)
def test_what_a_server_cannot_promise_is_said(engine: Engine, lake: Settings) -> None:
    engine.do("CREATE TABLE t.plain (id int PRIMARY KEY)")
    promised = engine.contract("plain", {"id": "BIGINT"})
    said = open_connector(promised, lake).describe(promised)
    assert [(column.name, column.key_position, column.is_nullable) for column in said.columns] == [("id", 1, False)]
    assert said.notes == ("a promise less",)


@pytest.mark.parametrize("engine", ["mysql"], indirect=True)
def test_a_row_without_a_cursor_is_held_back_once_and_let_in_when_it_has_one(
    engine: Engine, settings: Settings
) -> None:
    lake = Settings.from_environment(
        {"CITYBRAIN_HOME": str(settings.home), "CITYBRAIN_ROOT": str(EXAMPLES), "CITYBRAIN_CITY": "example",
         "CITYBRAIN_CONN_PERMIT_DB": engine.uri}
    )  # fmt: skip
    make_ready(lake)
    engine.do(
        "CREATE TABLE hall.permit (id bigint PRIMARY KEY, updated_at timestamp NULL, state text, fee decimal(18,2), "
        "applicant text)"
    )
    engine.do(
        "INSERT INTO hall.permit SELECT seq, IF(seq > 4, NULL, '2024-03-01 16:00:00' + INTERVAL seq * 6 HOUR), 'open', "
        "seq / 4, 'A' FROM seq_1_to_6"
    )

    def came(day: int) -> tuple[int, int, int, int, dict[str, int]]:
        result = load("example.mysql.permit", Window(date(2024, 3, day), date(2024, 3, day)), lake)
        return result.delivered, result.accepted, result.quarantined, result.unchanged, result.reasons

    # Days of Shanghai begin at 16:00 UTC; a window reaches back by an hour.
    assert came(2) == (5, 3, 2, 0, {"missing:updated_at": 2})
    assert came(3) == (3, 1, 0, 2, {})
    engine.do("UPDATE hall.permit SET updated_at = '2024-03-03 20:00:00' WHERE id = 5")
    assert came(4) == (2, 1, 0, 1, {})


def test_the_examples_of_contracts_are_well_written(settings: Settings) -> None:
    example = dataclasses.replace(settings, root=EXAMPLES, city="example")
    assert check(example) == []
    contracts = load_contracts(example)
    assert [contract.name for contract in contracts] == ["permit"] * 5
    assert [problem for contract in contracts for problem in check_arguments(contract)] == []
    assert [problem for contract in contracts for problem in check_suite(contract, example)] == []


@pytest.mark.parametrize("engine", ["mysql"], indirect=True)
def test_the_date_that_is_none_comes_with_every_window(engine: Engine, lake: Settings) -> None:
    engine.do("CREATE TABLE hall.zero (id int PRIMARY KEY, at datetime)")
    engine.do("INSERT INTO hall.zero VALUES (1, '0000-00-00'), (2, '2023-03-27'), (3, '2023-03-28')")
    promised = engine.contract("zero", {"id": "BIGINT", "at": "TIMESTAMP"}, mode=Mode.CHANGES, cursor="at")
    assert [row[0] for row in rows_of(land(promised, TODAY, lake))] == ["1", "2"]


# ---- one instant -----------------------------------------------------------------------------------------------------


def test_count_and_rows_are_of_one_snapshot(engine: Engine, lake: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    table = f"{engine.schema}.busy"
    engine.do(f"CREATE TABLE {table} AS SELECT i AS id FROM {engine.words['numbers'].format(1000)}")
    copy, written = engine.module._copy, []  # type: ignore[attr-defined]

    def write() -> None:
        engine.do(f"DELETE FROM {table} WHERE id < 10")
        engine.do(f"INSERT INTO {table} VALUES (1001)")
        written.append(engine.do(f"SELECT count(*) FROM {table}"))

    def copy_after_a_writer_committed(*arguments: object) -> None:
        write()
        copy(*arguments)

    if engine.connector == "mysql":
        # One statement: while it reads it is made to wait, and meanwhile a writer commits.
        engine.do(f"ALTER TABLE {table} ADD PRIMARY KEY (id)")
        engine.do(
            "CREATE VIEW hall.slow AS SELECT id, CASE WHEN id IN (1, 500) THEN sleep(0.5) ELSE 0 END AS s "
            "FROM hall.busy"
        )
        writer = threading.Timer(0.75, write)
        copies = engine.module

        def copy_while_a_writer_commits(*arguments: object) -> None:
            writer.start()
            copy(*arguments)
            writer.join()

        monkeypatch.setattr(copies, "_copy", copy_while_a_writer_commits)
        landed = land(engine.contract("slow", {"id": "BIGINT", "s": "BIGINT"}), TODAY, lake)
    else:
        monkeypatch.setattr(engine.module, "_copy", copy_after_a_writer_committed)
        landed = land(engine.contract("busy", {"id": "BIGINT"}), TODAY, lake)
    assert [tuple(rows[0]) for rows in written] == [(992,)]
    assert landed.delivered == landed.control_total == 1000
    assert [int(str(row[0])) for row in rows_of(landed)] == list(range(1, 1001))


def test_rows_that_get_lost_on_the_way_are_noticed(
    engine: Engine, lake: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine.do(f"CREATE TABLE {engine.schema}.lossy AS SELECT i AS id FROM {engine.words['numbers'].format(10)}")
    copy = engine.module._copy  # type: ignore[attr-defined]
    monkeypatch.setattr(
        engine.module, "_copy", lambda c, select, to: copy(c, f"SELECT * FROM ({select}) s LIMIT 9", to)
    )
    promised = engine.contract("lossy", {"id": "BIGINT"})
    with pytest.raises(DeliveryDamaged, match="the server counts 10 rows, 9 arrived"):
        land(promised, TODAY, lake)
    with pytest.raises(DeliveryDamaged, match="the server counts 10 rows, 9 arrived"):
        open_connector(promised, lake).keys(promised, tmp_path)  # type: ignore[attr-defined]
    assert nothing_landed(lake)


def test_keys_are_all_the_table_holds_whatever_the_window(engine: Engine, lake: Settings, tmp_path: Path) -> None:
    table = f"{engine.schema}.keyed"
    engine.do(f"CREATE TABLE {table} (a varchar(9), b decimal(9,2), at {engine.words['instant']}, x int)")
    engine.do(f"INSERT INTO {table} (a, b, x) VALUES ('02', 1.50, 1), ('02', 1.25, 2), ('1', 3, 3)")
    promised = engine.contract(
        "keyed",
        {"a": "VARCHAR", "b": "DECIMAL(9,2)", "at": "TIMESTAMPTZ", "x": "BIGINT"},
        mode=Mode.CHANGES,
        cursor="at",
    )
    promised = dataclasses.replace(
        promised,
        columns=tuple(dataclasses.replace(c, key_position={"b": 1, "a": 2}.get(c.name)) for c in promised.columns),
    )
    path = open_connector(promised, lake).keys(promised, tmp_path)  # type: ignore[attr-defined]
    assert duckdb.execute("SELECT _record, b, a FROM read_parquet(?)", [str(path)]).fetchall() == [
        (1, "1.25", "02"),
        (2, "1.50", "02"),
        (3, "3.00", "1"),
    ]


def permits(engine: Engine, settings: Settings, root: Path, *more: str) -> tuple[str, Settings]:
    """The example contract of permits on a table of the tests', and the lake that knows it; `more` are properties."""
    shutil.copytree(EXAMPLES, root)
    path = root / "contracts" / "example" / engine.connector / "permit.yaml"
    text = re.sub(r"table: \w+\.permit", f"table: {engine.schema}.permit", path.read_text())
    path.write_text(text.replace("customProperties:\n", "\n  ".join(["customProperties:", *more]) + "\n", 1))
    engine.do(
        f"CREATE TABLE {engine.schema}.permit (id bigint PRIMARY KEY, updated_at {engine.words['instant']}, "
        "state varchar(9), fee decimal(18,2), applicant varchar(9))"
    )
    lake = Settings.from_environment(
        {"CITYBRAIN_HOME": str(settings.home), "CITYBRAIN_ROOT": str(root), "CITYBRAIN_CITY": "example",
         "CITYBRAIN_CONN_PERMIT_DB": engine.uri}
    )  # fmt: skip
    make_ready(lake)
    return f"example.{engine.connector}.permit", lake


@OWN
def test_a_row_deleted_at_the_source_is_withdrawn_by_its_keys(
    engine: Engine, settings: Settings, tmp_path: Path
) -> None:
    dataset, lake = permits(engine, settings, tmp_path / "root")
    table = f"{engine.schema}.permit"
    rows = ", ".join(f"({n}, '2024-03-01 20:00:0{n}', 'open', {n}.5, 'A')" for n in range(1, 5))
    engine.do(f"INSERT INTO {table} VALUES {rows}")
    load(dataset, Window(date(2024, 3, 2), date(2024, 3, 2)), lake)

    def compared() -> tuple[int, int, int, int]:
        found = compare_keys(dataset, lake)
        return found.source, found.current, found.withdrawn, found.returned

    assert compared() == (4, 4, 0, 0)
    engine.do(f"DELETE FROM {table} WHERE id = 3")
    assert compared() == (3, 4, 1, 0)
    assert compared() == (3, 3, 0, 0)
    engine.do(f"INSERT INTO {table} VALUES (3, '2023-01-01 00:00:00', 'open', 1, 'A')")
    assert compared() == (4, 3, 0, 1)
    assert [each for each in reconcile(lake) if each.unaccounted] == []


@OWN
def test_columns_nobody_asked_for_stay_in_the_landing_where_the_contract_says_so(
    engine: Engine, settings: Settings, tmp_path: Path
) -> None:
    kept = "- {property: additionalColumns, value: keep_in_landing}"
    dataset, lake = permits(engine, settings, tmp_path / "root", kept)
    engine.do(f"ALTER TABLE {engine.schema}.permit ADD ward int")
    engine.do(f"INSERT INTO {engine.schema}.permit VALUES (1, '2024-03-01 20:00:00', 'open', 1, 'A', 7)")
    result = load(dataset, Window(date(2024, 3, 2), date(2024, 3, 2)), lake)
    assert (result.delivered, result.accepted) == (1, 1)
    (landed,) = lake.landing.glob("*/*/*/files/rows.parquet")
    assert duckdb.execute("SELECT ward::VARCHAR FROM read_parquet(?)", [str(landed)]).fetchall() == [("7",)]
    (table,) = lake.tables.glob("**/data/*/*.parquet")
    assert "ward" not in duckdb.execute("DESCRIBE FROM read_parquet(?)", [str(table)]).fetchdf().column_name.to_list()


def test_a_department_changes_its_database_and_the_contract_stays(
    request: pytest.FixtureRequest, settings: Settings, tmp_path: Path
) -> None:
    """One contract, the table named without a schema; only the connection is another."""
    uri = request.getfixturevalue("standin").connections["nyc311_db"]
    hall = on_postgres(request.getfixturevalue("department"), uri)

    def read(columns: str, file: Path) -> list[tuple[object, ...]]:
        return duckdb.execute(f"SELECT {columns} FROM read_parquet(?)", [str(file)]).fetchall()

    found = []
    for engine in (
        dataclasses.replace(hall, uri=f"{hall.uri}{'&' if '?' in hall.uri else '?'}options=-csearch_path%3Dt"),
        on_mariadb(request.getfixturevalue("maria")),
    ):
        mark, charset = ('"', "") if engine.server == "postgres" else ("`", " CHARACTER SET utf8mb4")
        columns = f"id int PRIMARY KEY, {mark}MOVED{mark} date, name varchar(20){charset}"
        engine.do(f"CREATE TABLE {engine.schema}.dog ({columns})")
        engine.do(f"INSERT INTO {engine.schema}.dog VALUES (1, '2023-03-27', '旺财'), (2, '2023-03-26', 'Rex')")
        made = engine.contract("dog", {"id": "BIGINT", "MOVED": "DATE", "name": "VARCHAR"})
        contract = dataclasses.replace(
            made,
            source=Source("database", "hall_db", {"table": "dog"}),
            mode=Mode.DAY,
            partition_column="MOVED",
        )
        lake = engine.known_to(settings)
        into = tmp_path / engine.server
        into.mkdir()
        source = open_connector(contract, lake)
        said = source.describe(contract)
        fetched = source.fetch(contract, TODAY, into)
        found.append(
            (
                [(column.name, column.key_position) for column in said.columns],
                (said.first_day, said.last_day, source.count(contract, TODAY)),
                (fetched.content_digest, read('_record, id, "MOVED"::VARCHAR, name', into / "rows.parquet")),
                read("_record, id", source.keys(contract, into)),
            )
        )
    assert found[0] == found[1]
    assert found[0][1:] == (
        (date(2023, 3, 26), DAY, 1),
        (found[0][2][0], [(1, 1, "2023-03-27", "旺财")]),
        [(1, 1), (2, 2)],
    )


@OWN
def test_a_cursor_that_is_gone_is_a_drift_for_the_count_too(engine: Engine, lake: Settings) -> None:
    engine.do(f"CREATE TABLE {engine.schema}.cursorless (id int)")
    promised = engine.contract("cursorless", {"id": "BIGINT", "at": "TIMESTAMPTZ"}, mode=Mode.CHANGES, cursor="at")
    with pytest.raises(SchemaDrift, match="missing: at"):
        open_connector(promised, lake).count(promised, TODAY)


def test_the_digest_is_of_the_content_and_of_nothing_else(settings: Settings, tmp_path: Path) -> None:
    columns = [TableColumn(SourceColumn(name), "text") for name in ("id", "a", "b")]

    def digest(*rows: tuple[object, ...]) -> str:
        with duckdb.connect() as connection:
            connection.execute("CREATE TABLE t (id INTEGER, a VARCHAR, b VARCHAR)")
            connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
            connection.execute(f"COPY t TO '{tmp_path}/rows.parquet'")
        counted, made = extraction._digest(settings, columns, tmp_path / "rows.parquet")
        assert counted == len(rows)
        return made

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


def test_a_delivery_of_no_rows_is_a_delivery(engine: Engine, lake: Settings) -> None:
    engine.do(f"CREATE TABLE {engine.schema}.nothing (id int PRIMARY KEY, at {engine.words['instant']})")
    landed = land(engine.contract("nothing", {"id": "BIGINT", "at": "TIMESTAMPTZ"}), TODAY, lake)
    assert (landed.delivered, rows_of(landed)) == (0, [])


# ---- errors ----------------------------------------------------------------------------------------------------------


@OWN
@pytest.mark.parametrize(
    ("promised", "told"),
    [
        (("id", "note", "gone"), "missing: gone"),
        (("id",), "added: note"),
        (("id", "Note"), "missing: Note; added: note"),
    ],
)
def test_columns_that_are_not_the_contracts_are_named(
    engine: Engine, lake: Settings, promised: tuple[str, ...], told: str
) -> None:
    engine.do(f"CREATE TABLE {engine.schema}.drifted (id int, note text)")
    with pytest.raises(SchemaDrift, match=told) as drift:
        land(engine.contract("drifted", dict.fromkeys(promised, "VARCHAR")), TODAY, lake)
    assert drift.value.column in told
    assert nothing_landed(lake)


@OWN
def test_views_and_columns_we_may_not_read(engine: Engine, lake: Settings, request: pytest.FixtureRequest) -> None:
    if engine.server == "postgres":
        engine.do(
            "CREATE TABLE t.people (id int, phone text); INSERT INTO t.people VALUES (1, '555-0100');"
            "REVOKE ALL ON t.people FROM citybrain; GRANT SELECT (id) ON t.people TO citybrain;"
            "CREATE MATERIALIZED VIEW t.counted AS SELECT count(*) AS id FROM t.people;"
            "CREATE TABLE t.closed (id int); REVOKE ALL ON t.closed FROM citybrain"
        )
        refused = "may read no column"
    else:
        engine.do(
            "CREATE DATABASE other;\nCREATE TABLE other.people (id int, phone text);\n"
            "INSERT INTO other.people VALUES (1, '555-0100');\nCREATE TABLE other.closed (id int);\n"
            "GRANT SELECT (id) ON other.people TO citybrain@'%';\n"
            "CREATE VIEW hall.counted AS SELECT count(*) AS id FROM other.people"
        )
        refused = "may read no column"
    schema = "t" if engine.server == "postgres" else "other"

    def delivered(table: str, schema: str) -> int:
        return land(dataclasses.replace(engine, schema=schema).contract(table, {"id": "BIGINT"}), TODAY, lake).delivered

    assert delivered("people", schema) == 1
    assert delivered("counted", engine.schema) == 1
    with pytest.raises(SourceRefused, match=refused):
        delivered("closed", schema)
    for table, where in (("unknown", engine.schema), ("people", "elsewhere")):
        with pytest.raises(SourceRefused, match=rf"no table {where}\.{table}"):
            delivered(table, where)


@OWN
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"password": "wr0ng' \\\"pass"}, SourceRefused),
        ({"user": "nobody_knows"}, SourceRefused),
        ({"dbname": "nothing"}, SourceRefused),
        ({"port": "1"}, SourceUnavailable),
        ({"host": "no-such-host.invalid"}, SourceUnavailable),
        ({"scheme": "gopher"}, ContractError),
    ],
)
def test_no_error_tells_the_password(
    engine: Engine, settings: Settings, change: dict[str, str], error: type[Exception]
) -> None:
    engine.do(f"CREATE TABLE {engine.schema}.plain (id int PRIMARY KEY)")
    parts = urlsplit(engine.uri)
    given = {
        "scheme": parts.scheme, "user": parts.username, "password": unquote(parts.password or ""),
        "host": parts.hostname, "port": str(parts.port), "dbname": parts.path.lstrip("/"),
    } | change  # fmt: skip
    uri = "{scheme}://{user}:{secret}@{host}:{port}/{dbname}".format(
        secret=quote(str(given["password"]), safe=""), **given
    )
    lake = engine.known_to(settings, uri)
    with pytest.raises(error) as told:
        land(engine.contract("plain", {"id": "BIGINT"}), TODAY, lake)
    text = "".join(traceback.format_exception(told.value)) + repr(told.value.__dict__)
    assert str(given["password"]) not in text
    assert quote(str(given["password"])) not in text
    assert "queens.test.thing" in str(told.value)
    assert nothing_landed(lake)


@pytest.mark.parametrize("engine", ["postgres", "mysql", "psycopg"], indirect=True)
def test_a_server_that_dies_in_the_middle_leaves_nothing(engine: Engine, lake: Settings) -> None:
    if engine.server == "postgres":
        engine.do(
            "CREATE VIEW t.dying AS SELECT i AS id, CASE WHEN i = 400000 THEN "
            "pg_terminate_backend(pg_backend_pid())::text ELSE repeat('x', 50) END AS x "
            "FROM generate_series(1, 500000) i"
        )
        killer = None
    else:
        engine.do(
            "CREATE VIEW hall.dying AS SELECT seq AS id, CASE WHEN seq = 200000 THEN sleep(3) "
            "ELSE repeat('x', 50) END AS x FROM seq_1_to_300000"
        )

        def kill() -> None:
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                for (number,) in engine.do(
                    "SELECT id FROM information_schema.processlist WHERE user = 'citybrain' AND state = 'User sleep'"
                ):
                    engine.do(f"KILL CONNECTION {number}")
                    return
                time.sleep(0.02)

        killer = threading.Thread(target=kill)
        killer.start()
    with pytest.raises(SourceUnavailable) as told:
        land(engine.contract("dying", {"id": "BIGINT", "x": "VARCHAR"}), TODAY, lake)
    if killer is not None:
        killer.join()
    assert "xxx" not in "".join(traceback.format_exception(told.value))
    assert nothing_landed(lake)


def test_a_full_disk_under_the_extraction_is_told_as_such(
    engine: Engine, lake: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = "md5(i::text)" if engine.server == "postgres" else "md5(i)"
    engine.do(
        f"CREATE TABLE {engine.schema}.large AS SELECT i AS id, {hashed} AS x FROM "
        + engine.words["numbers"].format(200000)
    )
    copy = engine.module._copy  # type: ignore[attr-defined]
    monkeypatch.setattr(engine.module, "_copy", lambda c, select, to: copy(c, select, Path("/dev/full")))
    with pytest.raises(StorageFull):
        land(engine.contract("large", {"id": "BIGINT", "x": "VARCHAR"}), TODAY, lake)
    assert nothing_landed(lake)
