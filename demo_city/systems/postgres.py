"""The departments' PostgreSQL: one server, a database and a read-only login for each department.

It also stands in for Oracle and SQL Server: the same tables, so that a contract's connection can be switched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import psycopg

from lake.engine import quote_identifier, quote_literal
from samples.servers.postgres import Cluster

OPTIONS = {
    "max_connections": "60",
    "shared_buffers": "128MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "timezone": "Asia/Shanghai",
}


class PostgresServer(Cluster):
    """The departments' server; see `Cluster` for its arguments."""

    def __init__(self, folder: Path, admin_password: str, port: int = 0) -> None:
        super().__init__(folder, admin_password, port, OPTIONS)

    def make_databases(self, passwords: Mapping[str, str], city: Iterable[str] = ()) -> None:
        """A database and a login for each department, where there are none yet.

        Args:
            passwords: of each login, by department. The login may read its own department's tables and nothing else.
            city: departments whose login may also read the others' (none as a rule).
        """
        with psycopg.connect(self.admin_uri("postgres"), autocommit=True) as connection:
            there = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
            for department, password in passwords.items():
                if department in there:
                    continue
                name = quote_identifier(department)
                connection.execute(
                    f"DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = {quote_literal(department)}) "
                    f"THEN CREATE ROLE {name} LOGIN; END IF; END $$"
                )
                connection.execute(f"ALTER ROLE {name} LOGIN PASSWORD {quote_literal(password)}")
                connection.execute(f"CREATE DATABASE {name} STRATEGY = file_copy")
        for department in passwords.keys() - there:
            with psycopg.connect(self.admin_uri(department)) as connection:
                name = quote_identifier(department)
                connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
                connection.execute(f"GRANT CONNECT ON DATABASE {name} TO {name}")
                connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
                connection.execute(f"GRANT USAGE ON SCHEMA public TO {name}")
                connection.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {name}")
