"""What Oracle, SQL Server and Dameng say differently: connecting, one instant, columns, values as text, their errors.

None of the three was at hand as a server when this was written: the statements are held against their text and a
parser, the drivers against a closed port, the way from a cursor to the file against PostgreSQL and MariaDB. See
docs/how-to/connect-a-database.md.
"""

from __future__ import annotations

import abc
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import SplitResult, parse_qsl, unquote

from lake.connectors.extraction import Clock, Reason, TableColumn
from lake.engine import quote_identifier, quote_literal
from lake.errors import SchemaDrift, SourceRefused, SourceUnavailable

CONNECT_TIMEOUT_S = 10

_RENEW = "have the credentials renewed and set the connection anew"
_GRANT = "have SELECT granted to the connection's user"
_WHERE = "correct the table in the contract, or ask the department where it went"
_WAIT = "look at the server and the network; the next run tries again"


class Dialect(abc.ABC):
    """One kind of database behind a DB-API driver.

    Attributes:
        driver: the driver's module.
        clocks: kinds a window may be cut by.
        as_text: how a kind is made text, ``{0}`` being the column; ``{0}`` alone where the driver hands it over as is.
        otherwise: the same for all other kinds.
        reasons: how messages of server and driver are sorted.
    """

    driver: ClassVar[str]
    clocks: ClassVar[Mapping[str, Clock]]
    as_text: ClassVar[Mapping[str, str]]
    otherwise: ClassVar[str]
    reasons: ClassVar[tuple[Reason, ...]]

    @abc.abstractmethod
    def connect(self, driver: Any, parts: SplitResult) -> Any:
        """A connection, with a limit to how long connecting may take."""

    @abc.abstractmethod
    def begin(self, connection: Any) -> tuple[str, ...]:
        """Set the session up and begin one instant of reading; gives what it cannot promise, a sentence each."""

    @abc.abstractmethod
    def columns(self, schema: str, table: str) -> str:
        """Query for name, type, whether it may be NULL (``Y``), place in the primary key, comment; in order.

        An empty schema is the login's own.
        """

    @abc.abstractmethod
    def moment(self, clock: Clock, at: datetime) -> str:
        """See `TableSource`."""

    def cursor(self, connection: Any) -> Any:
        """A cursor that streams."""
        return connection.cursor()

    def told(self, error: Exception) -> str:
        """What is sorted by `reasons`."""
        return str(error)

    def kind(self, type_: str) -> str:
        """A type without its arguments."""
        return re.sub(r"\s*\([^)]*\)", "", type_).strip().upper()

    def value(self, column: TableColumn) -> str:
        """See `TableSource`."""
        return self.as_text.get(column.kind, self.otherwise).format(quote_identifier(column.name))


class Oracle(Dialect):
    """Oracle Database 12.1 and later by python-oracledb, thin: ``oracle://user:password@host:1521/service``."""

    driver = "oracledb"
    clocks: ClassVar = {
        "TIMESTAMP WITH TIME ZONE": Clock.INSTANT,
        "TIMESTAMP WITH LOCAL TIME ZONE": Clock.INSTANT,
        "TIMESTAMP": Clock.LOCAL,
        "DATE": Clock.LOCAL,
    }
    _LOCAL = """trim(to_char({0}, 'SYYYY-MM-DD"T"HH24:MI:SS.FF'))"""
    _PLAIN = "{0}"  # text, and what the driver hands over bit by bit: bytes as bytes, binary floats as floats
    as_text: ClassVar = {
        "NUMBER": "to_char({0}, 'TM9', 'NLS_NUMERIC_CHARACTERS=''.,''')",
        "FLOAT": "to_char({0}, 'TM9', 'NLS_NUMERIC_CHARACTERS=''.,''')",
        "DATE": """trim(to_char({0}, 'SYYYY-MM-DD"T"HH24:MI:SS'))""",
        "TIMESTAMP": _LOCAL,
        "TIMESTAMP WITH TIME ZONE": _LOCAL.format("sys_extract_utc({0})") + " || '+00'",
        "TIMESTAMP WITH LOCAL TIME ZONE": _LOCAL + " || '+00'",
        "CHAR": "rtrim({0}, ' ')",
        "NCHAR": "rtrim({0}, ' ')",
        "XMLTYPE": "xmlserialize(CONTENT {0} AS CLOB)",
        "JSON": "json_serialize({0} RETURNING CLOB)",
        "SDO_GEOMETRY": "sdo_util.to_wktgeometry({0})",
        **dict.fromkeys(("VARCHAR2", "NVARCHAR2", "CLOB", "NCLOB", "LONG"), _PLAIN),
        **dict.fromkeys(("RAW", "LONG RAW", "BLOB", "BINARY_FLOAT", "BINARY_DOUBLE"), _PLAIN),
    }
    otherwise = "to_char({0})"
    reasons: ClassVar = (
        (r"ORA-(01017|28000|28001|01045|28009)", SourceRefused, "{source}: the server refuses our user", _RENEW),
        (r"ORA-(12514|12505|12154)|DPY-6001|DPY-6003", SourceRefused, "{source}: the server does not know the service",
         "correct the connection"),
        (r"ORA-(01031|41900)", SourceRefused, "{source}: we may not read {table}", _GRANT),
        (r"ORA-(00942|04043)", SourceRefused, "{source}: there is no table {table}", _WHERE),
        (r"ORA-00904", SchemaDrift, "{table} lost a column while it was read", "load again to see which one"),
        (r"ORA-(01555|22924)", SourceUnavailable, "{source}: the server kept too little undo for a read this long",
         "load a smaller window, or ask for a larger undo retention"),
        (r"DPY-6005|DPY-6000|DPY-4011|DPY-1001|ORA-(12541|12170|12537|03113|03114|03135|01033|01034|01089|00018|00020)",
         SourceUnavailable, "{source}: the server does not answer", _WAIT),
    )  # fmt: skip

    def connect(self, driver: Any, parts: SplitResult) -> Any:
        """Thin: no client software of Oracle's is needed. A LOB comes as what it holds, not as a handle."""
        driver.defaults.fetch_lobs = False
        return driver.connect(
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            host=parts.hostname or "localhost",
            port=parts.port or 1521,
            service_name=unquote(parts.path.lstrip("/")),
            tcp_connect_timeout=CONNECT_TIMEOUT_S,
            expire_time=1,
            **dict(parse_qsl(parts.query)),
        )

    def begin(self, connection: Any) -> tuple[str, ...]:
        """A read-only transaction sees what was committed when it began, in every statement."""
        connection.outputtypehandler = None
        cursor = connection.cursor()
        cursor.execute("ALTER SESSION SET TIME_ZONE = '+00:00' NLS_CALENDAR = 'GREGORIAN' NLS_SORT = 'BINARY'")
        cursor.execute("SET TRANSACTION READ ONLY")
        return ()

    def columns(self, schema: str, table: str) -> str:
        """``all_tab_columns`` lists what we have a right to; a right to single columns Oracle does not know."""
        owner = quote_literal(schema) if schema else "sys_context('USERENV', 'CURRENT_SCHEMA')"
        return (
            "SELECT c.column_name, c.data_type || CASE WHEN c.data_type = 'NUMBER' AND c.data_precision IS NOT NULL "
            "THEN '(' || c.data_precision || ',' || c.data_scale || ')' WHEN c.char_length > 0 "
            "THEN '(' || c.char_length || ')' END, c.nullable, k.position, m.comments FROM all_tab_columns c "
            "LEFT JOIN all_col_comments m ON m.owner = c.owner AND m.table_name = c.table_name "
            "AND m.column_name = c.column_name LEFT JOIN (SELECT n.owner, n.table_name, p.column_name, p.position "
            "FROM all_constraints n JOIN all_cons_columns p ON p.owner = n.owner AND "
            "p.constraint_name = n.constraint_name WHERE n.constraint_type = 'P') k ON k.owner = c.owner "
            "AND k.table_name = c.table_name AND k.column_name = c.column_name "
            f"WHERE c.owner = {owner} AND c.table_name = {quote_literal(table)} ORDER BY c.column_id"
        )

    def moment(self, clock: Clock, at: datetime) -> str:
        """A DATE is compared with a TIMESTAMP as it is; the other way round an index would be of no use."""
        text = at.isoformat(" ")
        if clock is Clock.INSTANT:
            return f"TIMESTAMP {quote_literal(f'{text} +00:00')}"
        return f"to_date({quote_literal(text)}, 'YYYY-MM-DD HH24:MI:SS')"


class SqlServer(Dialect):
    """SQL Server 2016 and later by pymssql: ``mssql://user:password@host:1433/database``."""

    driver = "pymssql"
    clocks: ClassVar = {
        "DATETIMEOFFSET": Clock.INSTANT,
        "DATETIME2": Clock.LOCAL,
        "DATETIME": Clock.LOCAL,
        "SMALLDATETIME": Clock.LOCAL,
        "DATE": Clock.DAY,
    }
    _ISO, _TEXT, _SHAPE = "convert(varchar(40), {0}, 126)", "convert(nvarchar(max), {0})", "{0}.AsTextZM()"
    _BYTES = r"'\x' + lower(convert(varchar(max), convert(varbinary(max), {0}), 2))"
    as_text: ClassVar = {
        **dict.fromkeys(("TINYINT", "SMALLINT", "INT", "BIGINT"), "{0}"),
        **dict.fromkeys(("MONEY", "SMALLMONEY"), "convert(varchar(60), {0}, 2)"),
        **dict.fromkeys(("FLOAT", "REAL"), "convert(varchar(60), {0}, 3)"),  # 3: as many digits as bring it back
        **dict.fromkeys(("DATETIME", "SMALLDATETIME", "DATETIME2", "DATETIMEOFFSET"), _ISO),
        "DATE": "convert(varchar(10), {0}, 23)",
        "TIME": "convert(varchar(16), {0}, 121)",
        "CHAR": "rtrim(" + _TEXT + ")",
        "NCHAR": "rtrim(" + _TEXT + ")",
        **dict.fromkeys(("BINARY", "VARBINARY", "IMAGE", "TIMESTAMP", "ROWVERSION"), _BYTES),
        **dict.fromkeys(("GEOMETRY", "GEOGRAPHY"), _SHAPE),
        "HIERARCHYID": "{0}.ToString()",
    }
    otherwise = _TEXT
    reasons: ClassVar = (
        (r"#(18456|18452|18486|18487|18488)$", SourceRefused, "{source}: the server refuses our user or password",
         _RENEW),
        (r"#(4060|911|916)$", SourceRefused, "{source}: the server does not know the database, or does not let us in",
         "correct the connection, or have the user let in"),
        (r"#(229|230)$", SourceRefused, "{source}: we may not read {table}", _GRANT),
        (r"#208$", SourceRefused, "{source}: there is no table {table}", _WHERE),
        (r"#207$", SchemaDrift, "{table} lost a column while it was read", "load again to see which one"),
        (r"#(1205|3960|3961)$", SourceUnavailable, "{source}: the read ran into somebody's change of {table}", _WAIT),
        (r"#(20002|20003|20004|20006|20009|20047|10054|10928|40197|40501|40613)$", SourceUnavailable,
         "{source}: the server does not answer", _WAIT),
    )  # fmt: skip

    def connect(self, driver: Any, parts: SplitResult) -> Any:
        """Transactions are begun by us, after the isolation is chosen."""
        return driver.connect(
            server=parts.hostname or "localhost",
            port=str(parts.port or 1433),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            database=unquote(parts.path.lstrip("/")),
            login_timeout=CONNECT_TIMEOUT_S,
            charset="UTF-8",
            appname="citybrain",
            autocommit=True,
            **dict(parse_qsl(parts.query)),
        )

    def begin(self, connection: Any) -> tuple[str, ...]:
        """SNAPSHOT where the database allows it. Elsewhere count and rows are two reads; we lock nobody out."""
        cursor = connection.cursor()
        cursor.execute("SET QUOTED_IDENTIFIER ON; SET TEXTSIZE 2147483647; SET DATEFORMAT ymd; SET LANGUAGE us_english")
        cursor.execute("SELECT snapshot_isolation_state FROM sys.databases WHERE database_id = DB_ID()")
        allowed = cursor.fetchall() == [(1,)]
        cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {'SNAPSHOT' if allowed else 'READ COMMITTED'}")
        cursor.execute("BEGIN TRANSACTION")
        if allowed:
            return ()
        return (
            "the database does not allow snapshot isolation: rows and their count are read one after the other, and a "
            "load is refused when somebody wrote in between; ask for ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON",
        )

    def told(self, error: Exception) -> str:
        """Its number alone: the text is the server's, in any language."""
        number = error.args[0] if error.args else None
        return f"#{number[0] if isinstance(number, tuple) else number}"

    def columns(self, schema: str, table: str) -> str:
        """The system catalog, with the columns we may read and no other."""
        name = ".".join(quote_identifier(part) for part in (schema, table) if part)
        return (
            "SELECT c.name, coalesce(type_name(c.system_type_id), t.name) + CASE "
            "WHEN type_name(c.system_type_id) IN ('decimal', 'numeric') "
            "THEN concat('(', c.precision, ',', c.scale, ')') "
            "WHEN type_name(c.system_type_id) IN ('char', 'varchar', 'binary', 'varbinary', 'nchar', 'nvarchar') "
            "THEN concat('(', CASE WHEN c.max_length = -1 THEN 'max' WHEN type_name(c.system_type_id) LIKE 'n%' "
            "THEN cast(c.max_length / 2 AS varchar(9)) ELSE cast(c.max_length AS varchar(9)) END, ')') ELSE '' END, "
            "CASE WHEN c.is_nullable = 1 THEN 'Y' ELSE 'N' END, k.key_ordinal, cast(e.value AS nvarchar(4000)) "
            "FROM sys.columns c JOIN sys.types t ON t.user_type_id = c.user_type_id "
            "LEFT JOIN sys.indexes i ON i.object_id = c.object_id AND i.is_primary_key = 1 "
            "LEFT JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id "
            "AND k.column_id = c.column_id LEFT JOIN sys.extended_properties e ON e.class = 1 "
            "AND e.major_id = c.object_id AND e.minor_id = c.column_id AND e.name = 'MS_Description' "
            f"WHERE c.object_id = object_id(N{quote_literal(name)}) "
            f"AND has_perms_by_name(N{quote_literal(name)}, 'OBJECT', 'SELECT', c.name, 'COLUMN') = 1 "
            "ORDER BY c.column_id"
        )

    def moment(self, clock: Clock, at: datetime) -> str:
        """ISO 8601, which no setting of language or date format reads in another way."""
        if clock is Clock.DAY:
            return f"convert(date, {quote_literal(at.date().isoformat())}, 23)"
        if clock is Clock.INSTANT:
            return f"convert(datetimeoffset, {quote_literal(f'{at.isoformat()}+00:00')}, 126)"
        return f"convert(datetime2, {quote_literal(at.isoformat())}, 126)"


class Dameng(Dialect):
    """Dameng DM8 by dmPython: ``dm://user:password@host:5236``. Its dialect for SQLAlchemy does not load with 2.1."""

    driver = "dmPython"
    clocks: ClassVar = {
        "TIMESTAMP WITH TIME ZONE": Clock.INSTANT,
        "DATETIME WITH TIME ZONE": Clock.INSTANT,
        "TIMESTAMP": Clock.LOCAL,
        "DATETIME": Clock.LOCAL,
        "DATE": Clock.DAY,
    }
    _LOCAL = """to_char({0}, 'YYYY-MM-DD"T"HH24:MI:SS.FF6')"""
    _ZONED = """to_char({0}, 'YYYY-MM-DD"T"HH24:MI:SS.FF6TZH:TZM')"""
    as_text: ClassVar = {
        **dict.fromkeys(("TINYINT", "BYTE", "SMALLINT", "INT", "INTEGER", "BIGINT", "BIT"), "{0}"),
        **dict.fromkeys(("REAL", "FLOAT", "DOUBLE", "DOUBLE PRECISION"), "{0}"),
        **dict.fromkeys(("VARCHAR", "VARCHAR2", "NVARCHAR", "NVARCHAR2", "CLOB", "TEXT", "LONGVARCHAR", "LONG"), "{0}"),
        **dict.fromkeys(("BINARY", "VARBINARY", "RAW", "BLOB", "IMAGE", "LONGVARBINARY"), "{0}"),
        **dict.fromkeys(("CHAR", "CHARACTER", "NCHAR"), "rtrim({0}, ' ')"),
        **dict.fromkeys(("TIMESTAMP", "DATETIME"), _LOCAL),
        **dict.fromkeys(("TIMESTAMP WITH TIME ZONE", "DATETIME WITH TIME ZONE"), _ZONED),
        # In Oracle's mode a DATE has a time of day.
        "DATE": "CASE WHEN {0} = trunc({0}) THEN to_char({0}, 'YYYY-MM-DD') "
        """ELSE to_char({0}, 'YYYY-MM-DD"T"HH24:MI:SS') END""",
    }
    otherwise = "cast({0} AS VARCHAR(8188))"
    reasons: ClassVar = (
        (r"CODE:-(2501|2502|2503|2504|2507|6001|70068)\b", SourceRefused, "{source}: the server refuses our user",
         _RENEW),
        (r"CODE:-(5504|5505|5506|5507|5515|2112)\b", SourceRefused, "{source}: we may not read {table}", _GRANT),
        (r"CODE:-(2106|2103|2104)\b", SourceRefused, "{source}: there is no table {table}", _WHERE),
        (r"CODE:-(2111|2207)\b", SchemaDrift, "{table} lost a column while it was read", "load again to see which one"),
        (r"CODE:-(70028|70019|70025|6007|6010|6002|2508)\b", SourceUnavailable, "{source}: the server does not answer",
         _WAIT),
    )  # fmt: skip

    def connect(self, driver: Any, parts: SplitResult) -> Any:
        """Times on the wall of UTC, whatever the machine's zone."""
        return driver.connect(
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            server=parts.hostname or "localhost",
            port=parts.port or 5236,
            login_timeout=CONNECT_TIMEOUT_S,
            autoCommit=False,
            app_name="citybrain",
        )

    def begin(self, connection: Any) -> tuple[str, ...]:
        """SERIALIZABLE reads what was committed when the transaction began; READ ONLY alone would not."""
        cursor = connection.cursor()
        cursor.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        return ()

    def columns(self, schema: str, table: str) -> str:
        """Dameng keeps Oracle's views of its catalog."""
        return Oracle().columns(schema, table)

    def moment(self, clock: Clock, at: datetime) -> str:
        """Standard literals."""
        if clock is Clock.DAY:
            return f"DATE {quote_literal(at.date().isoformat())}"
        zone = " +00:00" if clock is Clock.INSTANT else ""
        return f"TIMESTAMP {quote_literal(at.isoformat(' ') + zone)}"


DIALECTS: dict[str, type[Dialect]] = {"oracle": Oracle, "mssql": SqlServer, "dm": Dameng}
"""Scheme of a connection's address to what speaks with it."""
