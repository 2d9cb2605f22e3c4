"""MariaDB as a department runs it: a server of its own on a free port, gone with the block."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pymysql

READER, READER_PASSWORD = "citybrain", "re ad\\er'\" p?ss&#:@/%="
DATABASE = "hall"


@dataclass(frozen=True)
class MariaDB:
    """A running server with the database `hall`, which the user of `uri` may read.

    Attributes:
        port: on 127.0.0.1.
    """

    port: int

    @property
    def uri(self) -> str:
        """Address for the lake."""
        return f"mysql://{READER}:{quote(READER_PASSWORD, safe='')}@127.0.0.1:{self.port}/{DATABASE}"

    def admin(self) -> pymysql.Connection:
        """A connection as the department, which may do everything."""
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user="root", password="", database=DATABASE, autocommit=True
        )


@contextmanager
def mariadb(folder: Path) -> Iterator[MariaDB]:
    """Make a server's data in `folder`, start it, stop it at the end."""
    binary = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if binary is None:
        raise RuntimeError("mariadbd is not installed; run `make servers`")
    data, owner = folder / "data", ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", f"--datadir={data}", *owner,
         "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"],
        check=True, capture_output=True,
    )  # fmt: skip
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        server = MariaDB(int(probe.getsockname()[1]))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [binary, "--no-defaults", *owner, f"--datadir={data}", f"--port={server.port}", "--bind-address=127.0.0.1",
             f"--socket={folder / 's'}", f"--pid-file={folder / 'pid'}", "--skip-name-resolve", "--skip-log-bin",
             "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M", "--innodb-fast-shutdown=2",
             "--default-time-zone=-05:00", "--character-set-server=latin1", "--max-allowed-packet=64M"],
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        _make_ready(server, process, folder / "log")
        yield server
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _make_ready(server: MariaDB, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            connection = pymysql.connect(host="127.0.0.1", port=server.port, user="root", password="", autocommit=True)
            break
        except pymysql.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("MariaDB does not start: " + log.read_text(errors="replace")[-500:]) from None
            time.sleep(0.05)
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {DATABASE}")
        cursor.execute("CREATE USER %s@'%%' IDENTIFIED BY %s", (READER, READER_PASSWORD))
        cursor.execute(f"GRANT SELECT ON {DATABASE}.* TO %s@'%%'", (READER,))
