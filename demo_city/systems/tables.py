"""The departments' tables: brought from day to day by the versions that were written, in one transaction each time.

A table shows the present only: a keyed row is written over, a row marked deleted goes. How far a table is lies in the
same database, beyond its reader's reach, and moves in the same transaction: who is killed in between goes on where he
was.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute

from demo_city.departments.protocol import Dataset, Table
from demo_city.systems import writers
from demo_city.systems.mariadb import admin_connection
from lake.engine import quote_identifier, quote_literal

_UPDATED = ("updated_at", "update_time", "gxsj")
"""Columns that get an index because readers ask by them."""


@dataclass(frozen=True)
class PostgresTables:
    """One department's database.

    Attributes:
        address: of the department's own role.
    """

    address: str

    def through(self, table: str) -> date | None:
        """Last day whose versions the table has; None: it is not there yet."""
        with psycopg.connect(self.address) as connection:
            connection.execute(_CLOCK)
            row = connection.execute("SELECT through FROM clock.through WHERE name = %s", (table,)).fetchone()
        return row[0] if row else None

    def put(self, dataset: Dataset, rows: pa.Table, through: date) -> None:
        """Apply versions, in the order they were written, up to the end of a day."""
        system = _table_of(dataset)
        shown = newest(rows, system.key)
        columns = [name for name in shown.column_names if name != "_gone"]
        name, listed = quote_identifier(system.name), ", ".join(map(quote_identifier, columns))
        with psycopg.connect(self.address) as connection:
            is_new = connection.execute("SELECT to_regclass(%s)", (name,)).fetchone() == (None,)
            if is_new:
                fields = [f"{quote_identifier(column)} {_pg_type(system.types, column)}" for column in columns]
                connection.execute(f"CREATE TABLE {name} ({', '.join(fields)})")
            kept = shown.filter(pa.compute.invert(shown["_gone"])) if system.key else shown
            target = name
            if not is_new and system.key:
                connection.execute(f"CREATE TEMP TABLE incoming (LIKE {name}) ON COMMIT DROP")
                _copy(connection, "incoming", listed, shown.select(columns))
                same = " AND ".join(f"t.{quote_identifier(key)} = i.{quote_identifier(key)}" for key in system.key)
                connection.execute("ANALYZE incoming")
                connection.execute(f"DELETE FROM {name} AS t USING incoming AS i WHERE {same}")
            _copy(connection, target, listed, kept.select(columns))
            if is_new:
                for index in _indexes(system, columns):
                    connection.execute(f"CREATE INDEX ON {name} ({', '.join(map(quote_identifier, index))})")
            connection.execute(
                "INSERT INTO clock.through VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET through = excluded.through",
                (system.name, through),
            )


@dataclass(frozen=True)
class MariaTables:
    """One department's database in the MariaDB.

    Attributes:
        port, password: of the server and its root.
        database: the department.
    """

    port: int
    password: str
    database: str

    def through(self, table: str) -> date | None:
        """Last day whose versions the table has; None: it is not there yet."""
        with admin_connection(self.port, self.password) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE IF NOT EXISTS demo_clock CHARACTER SET utf8mb4")
            cursor.execute(
                "CREATE TABLE IF NOT EXISTS demo_clock.through (name varchar(191) PRIMARY KEY, through date NOT NULL)"
            )
            cursor.execute("SELECT through FROM demo_clock.through WHERE name = %s", (f"{self.database}.{table}",))
            row: Any = cursor.fetchone()
        return row[0] if row else None

    def put(self, dataset: Dataset, rows: pa.Table, through: date) -> None:
        """Apply versions, in the order they were written, up to the end of a day."""
        system = _table_of(dataset)
        shown = newest(rows, system.key)
        columns = [name for name in shown.column_names if name != "_gone"]
        name, listed = _ticked(system.name), ", ".join(map(_ticked, columns))
        with admin_connection(self.port, self.password, self.database) as connection, connection.cursor() as cursor:
            cursor.execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'")
            cursor.execute("SHOW TABLES LIKE %s", (system.name.replace("_", r"\_"),))
            is_new = cursor.fetchone() is None
            if is_new:
                fields = [f"{_ticked(column)} {_maria_type(system, column)}" for column in columns]
                fields += [f"INDEX ({', '.join(map(_ticked, index))})" for index in _indexes(system, columns)]
                cursor.execute(f"CREATE TABLE {name} ({', '.join(fields)})")
            kept = shown.filter(pa.compute.invert(shown["_gone"])) if system.key else shown
            if not is_new and system.key:
                cursor.execute(f"CREATE TEMPORARY TABLE incoming LIKE {name}")
                _load(cursor, "incoming", listed, shown.select(columns))
                cursor.execute(f"DELETE t FROM {name} t JOIN incoming USING ({', '.join(map(_ticked, system.key))})")
            _load(cursor, name, listed, kept.select(columns))
            cursor.execute(
                "REPLACE INTO demo_clock.through VALUES (%s, %s)", (f"{self.database}.{system.name}", through)
            )
            connection.commit()


def newest(rows: pa.Table, key: tuple[str, ...]) -> pa.Table:
    """The last version of each key, in the order of the versions; without a key every row.

    The columns that begin with `_` are gone; ``_gone`` says of a keyed row that it is taken away.
    """
    gone = rows["_is_deleted"] if "_is_deleted" in rows.column_names else pa.array([False] * rows.num_rows, pa.bool_())
    shown = rows.select([name for name in rows.column_names if not name.startswith("_")]).append_column("_gone", gone)
    if not key or not rows.num_rows:
        return shown
    import duckdb

    with duckdb.connect(config={"threads": 1}) as duck:
        duck.register(
            "version", shown.select(list(key)).append_column("_row", pa.array(range(rows.num_rows), pa.int64()))
        )
        by = ", ".join(map(quote_identifier, key))
        last = duck.execute(f"SELECT max(_row) AS r FROM version GROUP BY {by} ORDER BY r").to_arrow_table().column(0)
    return shown if len(last) == rows.num_rows else shown.take(last)


_CLOCK = """
CREATE SCHEMA IF NOT EXISTS clock;
CREATE TABLE IF NOT EXISTS clock.through (name text PRIMARY KEY, through date NOT NULL)
"""


def _table_of(dataset: Dataset) -> Table:
    if not isinstance(dataset.system, Table):
        raise TypeError(f"{dataset.dataset} is no table")
    return dataset.system


def _indexes(system: Table, columns: list[str]) -> list[tuple[str, ...]]:
    asked = [(column,) for column in columns if column.lower() in _UPDATED]
    return [*([system.key] if system.key else []), *asked]


def _pg_type(types: Mapping[str, str], column: str) -> str:
    return types.get(column, "text")


def _maria_type(system: Table, column: str) -> str:
    """A text that is looked up needs a length."""
    found = system.types.get(column)
    if found is None:
        is_looked_up = column in system.key or column.lower() in _UPDATED
        return "varchar(128)" if is_looked_up else "text"
    # A MariaDB timestamp ends in 2038 and moves with the session's zone; the departments' clocks are plain.
    return found.replace("timestamp", "datetime", 1) if found.lower().startswith("timestamp") else found


_as_pg_copy = writers.csv(quoting="all")
_as_load_data = writers.csv(quoting="all", null="NULL")


def _copy(connection: psycopg.Connection[Any], table: str, columns: str, rows: pa.Table) -> None:
    content = _as_pg_copy(rows, date.min)
    with connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv, HEADER true)") as copy:
        for at in range(0, len(content), 1 << 20):
            copy.write(content[at : at + (1 << 20)])


def _load(cursor: Any, table: str, columns: str, rows: pa.Table) -> None:
    for number, field in enumerate(rows.schema):
        if pa.types.is_boolean(field.type):
            rows = rows.set_column(number, field.name, rows.column(number).cast(pa.int8()))
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(_as_load_data(rows, date.min))
        file.flush()
        cursor.execute(
            f"LOAD DATA LOCAL INFILE {quote_literal(file.name)} INTO TABLE {table} CHARACTER SET utf8mb4 "
            "FIELDS TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\n' IGNORE 1 LINES "
            f"({columns})"
        )
        if cursor.rowcount != rows.num_rows:
            raise RuntimeError(f"{table} took {cursor.rowcount} of {rows.num_rows} rows")


def _ticked(name: str) -> str:
    return quote_identifier(name, "`")
