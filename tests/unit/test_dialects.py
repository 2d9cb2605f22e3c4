"""Oracle, SQL Server, Dameng without a server: what they are asked, word by word, and what becomes of their errors."""

from __future__ import annotations

import dataclasses
import socket
import sys
import traceback
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlglot

from lake.connectors import open_connector, sql_database
from lake.connectors.dialects import DIALECTS, Dialect
from lake.connectors.extraction import Clock, TableColumn
from lake.connectors.protocol import SourceColumn
from lake.contracts.model import Column, Contract, Source, Window
from lake.errors import CitybrainError, ContractError, DeliveryDamaged, SchemaDrift, SourceRefused, SourceUnavailable
from lake.settings import Settings
from tests.thing import THING

DAY = date(2023, 3, 12)
GRAMMAR = {"oracle": "oracle", "mssql": "tsql", "dm": "oracle"}
PORT = {"oracle": 1521, "mssql": 1433, "dm": 5236}


def contract() -> Contract:
    return dataclasses.replace(
        THING,
        source=Source("sql_database", "hall_db", {"table": "HALL.DOG"}),
        columns=(
            Column("id", "ID", "BIGINT", 1, key_position=1, required=True),
            Column("at", "MOVED", "TIMESTAMPTZ", 2, required=True),
        ),
        cursor="at",
        overlap=timedelta(hours=1),
    )


def column(dialect: Dialect, name: str, type_: str) -> TableColumn:
    return TableColumn(SourceColumn(name, type_), dialect.kind(type_))


VALUES = [
    ("oracle", "NUMBER(38,10)", """to_char("C", 'TM9', 'NLS_NUMERIC_CHARACTERS=''.,''')"""),
    ("oracle", "DATE", """trim(to_char("C", 'SYYYY-MM-DD"T"HH24:MI:SS'))"""),
    ("oracle", "TIMESTAMP(6)", """trim(to_char("C", 'SYYYY-MM-DD"T"HH24:MI:SS.FF'))"""),
    (
        "oracle",
        "TIMESTAMP(6) WITH TIME ZONE",
        """trim(to_char(sys_extract_utc("C"), 'SYYYY-MM-DD"T"HH24:MI:SS.FF')) || '+00'""",
    ),
    (
        "oracle",
        "TIMESTAMP(6) WITH LOCAL TIME ZONE",
        """trim(to_char("C", 'SYYYY-MM-DD"T"HH24:MI:SS.FF')) || '+00'""",
    ),
    ("oracle", "INTERVAL DAY(2) TO SECOND(6)", 'to_char("C")'),
    ("oracle", "CHAR(5)", """rtrim("C", ' ')"""),
    ("oracle", "CLOB", '"C"'),
    ("oracle", "BINARY_DOUBLE", '"C"'),
    ("mssql", "decimal(38,10)", 'convert(nvarchar(max), "C")'),
    ("mssql", "money", 'convert(varchar(60), "C", 2)'),
    ("mssql", "real", 'convert(varchar(60), "C", 3)'),
    ("mssql", "bigint", '"C"'),
    ("mssql", "datetime", 'convert(varchar(40), "C", 126)'),
    ("mssql", "datetimeoffset", 'convert(varchar(40), "C", 126)'),
    ("mssql", "date", 'convert(varchar(10), "C", 23)'),
    ("mssql", "varbinary(max)", r"""'\x' + lower(convert(varchar(max), convert(varbinary(max), "C"), 2))"""),
    ("mssql", "geography", '"C".AsTextZM()'),
    ("dm", "DEC", 'cast("C" AS VARCHAR(8188))'),
    ("dm", "TIMESTAMP(6)", """to_char("C", 'YYYY-MM-DD"T"HH24:MI:SS.FF6')"""),
    ("dm", "DATETIME(6) WITH TIME ZONE", """to_char("C", 'YYYY-MM-DD"T"HH24:MI:SS.FF6TZH:TZM')"""),
    (
        "dm",
        "DATE",
        """CASE WHEN "C" = trunc("C") THEN to_char("C", 'YYYY-MM-DD') """
        """ELSE to_char("C", 'YYYY-MM-DD"T"HH24:MI:SS') END""",
    ),
    ("dm", "CHAR(5)", """rtrim("C", ' ')"""),
]


@pytest.mark.parametrize(("scheme", "type_", "asked"), VALUES)
def test_each_type_is_asked_for_so_that_no_digit_changes(scheme: str, type_: str, asked: str) -> None:
    dialect = DIALECTS[scheme]()
    assert dialect.value(column(dialect, "C", type_)) == asked


WINDOWS = {
    ("oracle", "TIMESTAMP(6) WITH TIME ZONE"): (
        "TIMESTAMP '2023-03-12 04:00:00 +00:00'",
        "TIMESTAMP '2023-03-13 04:00:00 +00:00'",
    ),
    ("oracle", "DATE"): (
        "to_date('2023-03-11 23:00:00', 'YYYY-MM-DD HH24:MI:SS')",
        "to_date('2023-03-13 00:00:00', 'YYYY-MM-DD HH24:MI:SS')",
    ),
    ("mssql", "datetimeoffset"): (
        "convert(datetimeoffset, '2023-03-12T04:00:00+00:00', 126)",
        "convert(datetimeoffset, '2023-03-13T04:00:00+00:00', 126)",
    ),
    ("mssql", "datetime2"): (
        "convert(datetime2, '2023-03-11T23:00:00', 126)",
        "convert(datetime2, '2023-03-13T00:00:00', 126)",
    ),
    ("mssql", "date"): ("convert(date, '2023-03-11', 23)", "convert(date, '2023-03-13', 23)"),
    ("dm", "TIMESTAMP(6) WITH TIME ZONE"): (
        "TIMESTAMP '2023-03-12 04:00:00 +00:00'",
        "TIMESTAMP '2023-03-13 04:00:00 +00:00'",
    ),
    ("dm", "DATE"): ("DATE '2023-03-11'", "DATE '2023-03-13'"),
}


class Recorded:
    """A driver that takes down what it is asked and answers from a list."""

    class Error(Exception):
        """As PEP 249 has it."""

    def __init__(self, *answers: list[tuple[Any, ...]]) -> None:
        self.asked: list[str] = []
        self.ended: list[str] = []
        self.answers = list(answers)
        self.defaults = SimpleNamespace(fetch_lobs=True)
        self.description = [("ID",), ("MOVED",)]

    def connect(self, **given: Any) -> Recorded:
        self.given = given
        return self

    def cursor(self) -> Recorded:
        return self

    def execute(self, sql: str) -> None:
        self.asked.append(sql)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.answers.pop(0)

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        return self.answers.pop(0)

    def rollback(self) -> None:
        self.ended.append("rollback")

    def close(self) -> None:
        self.ended.append("close")


@pytest.fixture
def connected(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    uri = f"{request.param}://us%40er:s3cret%2F@db.example:{PORT[request.param]}/sales"
    return dataclasses.replace(settings, environment={"CITYBRAIN_CONN_HALL_DB": uri})


@pytest.mark.parametrize(
    ("connected", "scheme", "type_"), [(scheme, scheme, type_) for scheme, type_ in WINDOWS], indirect=["connected"]
)
def test_what_a_server_is_asked_in_an_extraction(
    connected: Settings, scheme: str, type_: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    columns = [("ID", "bigint", "N", 1, None), ("MOVED", type_, "Y", None, "moved")]
    state = [[(0,)]] if scheme == "mssql" else []
    driver = Recorded(*state, columns, [(2,)], [("1", "2023"), ("2", None)], [])
    monkeypatch.setitem(sys.modules, DIALECTS[scheme].driver, driver)  # type: ignore[arg-type]
    fetched = open_connector(contract(), connected).fetch(contract(), Window(DAY, DAY), tmp_path)
    assert fetched.control_total == fetched.files[0].records == 2
    assert pq.read_table(tmp_path / "rows.parquet").to_pylist() == [
        {"_record": 1, "ID": "1", "MOVED": "2023"},
        {"_record": 2, "ID": "2", "MOVED": None},
    ]
    begin, end = WINDOWS[scheme, type_]
    rest = f'FROM "HALL"."DOG" WHERE ("MOVED" >= {begin} AND "MOVED" < {end} OR "MOVED" IS NULL)'
    dialect = DIALECTS[scheme]()
    id_, moved = (dialect.value(column(dialect, *named)) for named in (("ID", "bigint"), ("MOVED", type_)))
    assert driver.asked[-2:] == [
        f"SELECT count(*) AS n {rest}",
        f'SELECT {id_} AS "ID", {moved} AS "MOVED" {rest} ORDER BY "ID"',
    ]
    for sql in driver.asked[-3:]:
        sqlglot.parse_one(sql, read=GRAMMAR[scheme])
    assert (
        driver.asked[: len(driver.asked) - 3]
        == {
            "oracle": [
                "ALTER SESSION SET TIME_ZONE = '+00:00' NLS_CALENDAR = 'GREGORIAN' NLS_SORT = 'BINARY'",
                "SET TRANSACTION READ ONLY",
            ],
            "mssql": [
                "SET QUOTED_IDENTIFIER ON; SET TEXTSIZE 2147483647; SET DATEFORMAT ymd; SET LANGUAGE us_english",
                "SELECT snapshot_isolation_state FROM sys.databases WHERE database_id = DB_ID()",
                "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
                "BEGIN TRANSACTION",
            ],
            "dm": ["SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"],
        }[scheme]
    )
    assert (driver.given["user"], driver.given["password"]) == ("us@er", "s3cret/")
    assert driver.ended[-2:] == ["rollback", "close"]


def test_sql_server_reads_a_snapshot_where_it_may() -> None:
    allowed, refused = Recorded([(1,)]), Recorded([(0,)])
    assert DIALECTS["mssql"]().begin(allowed) == ()
    assert "SET TRANSACTION ISOLATION LEVEL SNAPSHOT" in allowed.asked
    assert "ALLOW_SNAPSHOT_ISOLATION" in DIALECTS["mssql"]().begin(refused)[0]


def test_every_question_is_one_sentence_of_its_language() -> None:
    for scheme, made in DIALECTS.items():
        dialect = made()
        sqlglot.parse_one(dialect.columns("H'A\"LL", "D]OG"), read=GRAMMAR[scheme])
        for kind in (*dialect.as_text, "ANYTHING"):
            value = dialect.value(TableColumn(SourceColumn('a"b'), kind))
            sql = f"SELECT {value} AS v FROM t s"
            assert '"a""b"' in sql
            if kind not in ("XMLTYPE", "JSON"):  # whose functions the parser does not know
                sqlglot.parse_one(sql, read=GRAMMAR[scheme])
        for clock in set(dialect.clocks.values()):
            literal = dialect.moment(clock, datetime(2023, 3, 12, 5))
            sqlglot.parse_one(f"SELECT {literal} AS v FROM t", read=GRAMMAR[scheme])
        assert Clock.DAY not in dialect.clocks.values() or "05" not in dialect.moment(
            Clock.DAY, datetime(2023, 3, 12, 5)
        )


# ---- errors ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can have it meanwhile
        yield int(taken.getsockname()[1])


@pytest.mark.parametrize("scheme", DIALECTS)
def test_a_server_that_is_not_there_is_unavailable(scheme: str, settings: Settings, closed_port: int) -> None:
    uri = f"{scheme}://us:s3cret@127.0.0.1:{closed_port}/sales"
    lake = dataclasses.replace(settings, environment={"CITYBRAIN_CONN_HALL_DB": uri})
    with pytest.raises(SourceUnavailable, match="the server does not answer") as told:
        open_connector(contract(), lake).describe(contract())
    assert "s3cret" not in "".join(traceback.format_exception(told.value))


@pytest.mark.parametrize("connected", DIALECTS, indirect=True)
def test_a_driver_that_is_not_installed_is_named(connected: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for dialect in DIALECTS.values():
        monkeypatch.setitem(sys.modules, dialect.driver, None)  # type: ignore[arg-type]
    with pytest.raises(CitybrainError, match=r"driver \w+ is not installed.*extra `drivers`"):
        open_connector(contract(), connected).count(contract(), Window(DAY, DAY))


ERRORS = [
    ("oracle", ("ORA-01017: invalid username/password; logon denied",), SourceRefused),
    ("oracle", ('ORA-00942: table or view "A"."B" does not exist',), SourceRefused),
    ("oracle", ('DPY-6001: Service "x" is not registered with the listener',), SourceRefused),
    ("oracle", ('ORA-00904: "B": invalid identifier',), SchemaDrift),
    ("oracle", ("ORA-01555: snapshot too old",), SourceUnavailable),
    ("oracle", ("DPY-4011: the database or network closed the connection",), SourceUnavailable),
    ("mssql", ((18456, b"Login failed for user"),), SourceRefused),
    ("mssql", (208, b"Invalid object name"), SourceRefused),
    ("mssql", (229, b"The SELECT permission was denied"), SourceRefused),
    ("mssql", (207, b"Invalid column name"), SchemaDrift),
    ("mssql", (245, b"Conversion failed when converting 208"), SourceUnavailable),
    ("dm", ("[CODE:-2501]用户名或密码错误",), SourceRefused),
    ("dm", ("[CODE:-2106]无效的表或视图名[DOG]",), SourceRefused),
    ("dm", ("[CODE:-5504]没有[DOG]对象的查询权限",), SourceRefused),
    ("dm", ("[CODE:-6007]网络通信异常",), SourceUnavailable),
]


@pytest.mark.parametrize(
    ("connected", "given", "error"), [(scheme, given, error) for scheme, given, error in ERRORS], indirect=["connected"]
)
def test_errors_are_sorted_by_their_number_and_never_quoted(
    connected: Settings, given: tuple[Any, ...], error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = Recorded()
    scheme = connected.environment["CITYBRAIN_CONN_HALL_DB"].partition(":")[0]
    monkeypatch.setitem(sys.modules, DIALECTS[scheme].driver, driver)  # type: ignore[arg-type]

    def fail(**_: Any) -> None:
        raise Recorded.Error(*given)

    driver.connect = fail  # type: ignore[method-assign,assignment]
    with pytest.raises(error) as told:
        open_connector(contract(), connected).count(contract(), Window(DAY, DAY))
    for part in given[-1:]:
        text = part[-1] if isinstance(part, tuple) else part
        assert (text.decode() if isinstance(text, bytes) else text) not in "".join(
            traceback.format_exception(told.value)
        )


# ---- values and memory -----------------------------------------------------------------------------------------------


def test_only_what_has_one_text_becomes_text() -> None:
    lob = SimpleNamespace(read=lambda: b"\x00\xff")
    given = [True, 0, -7, 0.1, 1e300, float("nan"), b"\x5c", "text", lob]
    assert [sql_database._text(cell, "c") for cell in given] == [
        "true", "0", "-7", "0.1", "1e+300", "nan", "\\x5c", "text", "\\x00ff",
    ]  # fmt: skip
    with pytest.raises(DeliveryDamaged, match="hands over datetime") as told:
        sql_database._text(datetime(2023, 3, 12), "born")
    assert told.value.column == "born"


@pytest.mark.parametrize(("width", "most"), [(10, 20_000), (100_000, 500)])
def test_few_wide_rows_are_asked_for_at_once(width: int, most: int) -> None:
    import pyarrow as pa

    sizes = []

    class Wide:
        left = 30_000 if width == 10 else 2_000

        def fetchmany(self, size: int) -> list[tuple[str]]:
            sizes.append(size)
            size, self.left = min(size, self.left), self.left - min(size, self.left)
            return [("x" * width,)] * size

    schema = pa.schema([("_record", pa.int64()), ("x", pa.string())])
    batches = list(sql_database._batches(Wide(), schema))
    assert max(sizes) == most
    assert sizes[0] == sql_database.FIRST_ROWS
    assert all(batch.nbytes < 2 * sql_database.BATCH_BYTES for batch in batches[1:])
    records = [n for batch in batches for n in batch.column(0).to_pylist()]
    assert records == list(range(1, len(records) + 1))


# ---- whichever database the connection leads to ----------------------------------------------------------------------


@pytest.mark.parametrize("connected", DIALECTS, indirect=True)
def test_a_table_without_a_schema_is_the_logins_own(
    connected: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scheme = connected.environment["CITYBRAIN_CONN_HALL_DB"].partition(":")[0]
    told = [("ID", "bigint", "N", 1, None), ("MOVED", "date", "Y", None, None)]
    driver = Recorded(*([[(0,)]] if scheme == "mssql" else []), told, [(0,)], [])
    monkeypatch.setitem(sys.modules, DIALECTS[scheme].driver, driver)  # type: ignore[arg-type]
    asked = dataclasses.replace(contract(), source=Source("database", "hall_db", {"table": "dog"}))
    open_connector(asked, connected).fetch(asked, Window(DAY, DAY), tmp_path)
    columns, counted = driver.asked[-3:-1]
    name = "dog" if scheme == "mssql" else "DOG"  # small letters are an ordinary name
    assert f'FROM "{name}" WHERE' in counted
    if scheme == "mssql":
        assert "object_id(N'\"dog\"')" in columns
    else:
        assert "c.owner = sys_context('USERENV', 'CURRENT_SCHEMA') AND c.table_name = 'DOG'" in columns
    sqlglot.parse_one(columns, read=GRAMMAR[scheme])


def test_an_address_of_no_database_is_told(settings: Settings) -> None:
    asked = dataclasses.replace(contract(), source=Source("database", "hall_db", {"table": "dog"}))
    lake = dataclasses.replace(settings, environment={"CITYBRAIN_CONN_HALL_DB": "sftp://us:s3cret@db.example/x"})
    with pytest.raises(ContractError, match="is not an address of a database we know") as told:
        open_connector(asked, lake)
    assert "s3cret" not in str(told.value)
