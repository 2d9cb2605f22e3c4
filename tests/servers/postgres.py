"""A real PostgreSQL server of a test's own: the wheel's, empty but for the databases asked for."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

import psycopg

from samples.servers.postgres import as_server, plain_environment

PASSWORD = "p@ss/word%3F"
QUOTED = "p%40ss%2Fword%253F"


class PostgresServer:
    """`postgres` on a free port of 127.0.0.1; durability is off, a kill of its clients is not.

    Attributes:
        folder: its data and log.
        port: known from `__enter__` on.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> PostgresServer:
        self.folder.mkdir(parents=True, mode=0o777, exist_ok=True)
        self.folder.chmod(0o777)
        password = self.folder / "password"
        password.write_text(PASSWORD)
        subprocess.run(
            [
                *as_server("initdb"), f"--pgdata={self.folder / 'data'}", "--username=postgres",
                f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync",
                "--no-instructions",
            ],
            env=plain_environment(), cwd=self.folder, check=True, capture_output=True,
        )  # fmt: skip
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it; again on the same port when it ran before."""
        if not self.port:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = int(probe.getsockname()[1])
        options = {"listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": "",
                   "max_connections": "60", "fsync": "off", "shared_buffers": "32MB"}  # fmt: skip
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*as_server("postgres"), "-D", str(self.folder / "data"), *settings],
                env=plain_environment(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.address(), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > end:
                    self.stop()
                    raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2000:]) from None
                time.sleep(0.02)

    def stop(self) -> None:
        """End it at once; clients get their connections cut."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(20)
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
            self._process = None

    def database(self, name: str) -> str:
        """Make a database, if it is not there, and give its URI for SQLAlchemy."""
        with psycopg.connect(self.address(), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
                connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
        return self.address(name).replace("postgresql://", "postgresql+psycopg2://")

    def address(self, database: str = "postgres") -> str:
        return f"postgresql://postgres:{QUOTED}@127.0.0.1:{self.port}/{database}"
