"""The departments' MariaDB: one server, a database and a read-only login for each department."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pymysql

from lake.engine import quote_identifier
from samples.servers.program import Program, free_port

_SEARCHED = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec")


class MariaServer:
    """A MariaDB server of the loopback.

    Args:
        folder: where its data and its log are kept.
        admin_password: of the departments' own user, ``root``.
        port: tried first, so that the address stays the same from start to start; 0 for any.
    """

    def __init__(self, folder: Path, admin_password: str, port: int = 0) -> None:
        self.folder, self.port = folder, port
        self._admin_password = admin_password
        self._program = Program(folder)

    @staticmethod
    def is_installed() -> bool:
        """Whether this machine has one."""
        return _binary("mariadbd") is not None and _binary("mariadb-install-db") is not None

    def start(self) -> None:
        """Start the server, making its data first if there is none."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._program.end_leftover()
        data = self.folder / "data"
        if not data.exists():
            self._make(data)
        for port in (self.port or free_port(), free_port(), free_port()):
            self.port = port
            if self._program.start(self._command(data), self._is_ready, within_s=60):
                self._set_password()
                return
        raise RuntimeError(f"MariaDB does not start: {self._program.last_words()}")

    def stop(self) -> None:
        """Stop the server; it writes everything first."""
        self._program.stop()

    def admin(self, database: str | None = None) -> pymysql.Connection[Any]:
        """A connection as the departments themselves, who may write."""
        return admin_connection(self.port, self._admin_password, database)

    def make_databases(self, passwords: Mapping[str, str]) -> None:
        """A database and a login that may read it for each department, where there are none yet."""
        with self.admin() as connection, connection.cursor() as cursor:
            for department, password in passwords.items():
                name = quote_identifier(department, "`")
                cursor.execute(f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb4")
                cursor.execute("CREATE USER IF NOT EXISTS %s@'%%' IDENTIFIED BY %s", (department, password))
                cursor.execute(f"GRANT SELECT ON {name}.* TO %s@'%%'", (department,))

    def _command(self, data: Path) -> list[str]:
        return [
            str(_binary("mariadbd")), "--no-defaults", *_owner(), f"--datadir={data}", f"--port={self.port}",
            "--bind-address=127.0.0.1", "--socket=", f"--pid-file={self.folder / 'server.pid'}", "--skip-name-resolve",
            "--skip-log-bin", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=128M",
            "--innodb-log-file-size=64M", "--innodb-doublewrite=0", "--local-infile=1",
            "--default-time-zone=+08:00", "--character-set-server=utf8mb4", "--max-allowed-packet=64M",
        ]  # fmt: skip

    def _is_ready(self) -> bool:
        for password in (self._admin_password, ""):
            with contextlib.suppress(pymysql.Error):
                admin_connection(self.port, password).close()
                return True
        return False

    def _set_password(self) -> None:
        """A server made anew has none."""
        with contextlib.suppress(pymysql.Error):
            self.admin().close()
            return
        with admin_connection(self.port, "") as connection, connection.cursor() as cursor:
            here = ("localhost", "127.0.0.1", "::1")
            cursor.execute(
                "DELETE FROM mysql.global_priv WHERE user = '' OR (user = 'root' AND host NOT IN %s)", (here,)
            )
            cursor.execute("FLUSH PRIVILEGES")
            cursor.execute("SELECT host FROM mysql.global_priv WHERE user = 'root'")
            for (host,) in cursor.fetchall():
                cursor.execute("ALTER USER root@%s IDENTIFIED BY %s", (host, self._admin_password))

    def _make(self, data: Path) -> None:
        """Make the data beside its place and move it there when it is whole."""
        making = self.folder / "making"
        shutil.rmtree(making, ignore_errors=True)
        subprocess.run(
            [str(_binary("mariadb-install-db")), "--no-defaults", f"--datadir={making}", *_owner(),
             "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"],
            check=True, capture_output=True, cwd=self.folder,
        )  # fmt: skip
        making.rename(data)


def admin_connection(port: int, password: str, database: str | None = None) -> pymysql.Connection[Any]:
    """A connection as the departments themselves; its statements come with it or not at all (`commit`)."""
    return pymysql.connect(
        host="127.0.0.1", port=port, user="root", password=password, database=database, local_infile=True
    )


def _binary(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *_SEARCHED]))


def _owner() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []
