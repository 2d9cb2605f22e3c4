"""A real OpenSSH server as the user who runs the tests, and one with passwords, which OpenSSH gives to root only."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import asyncssh

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class OpenSSH:
    """`sshd` on a free port of 127.0.0.1, with one user key and no passwords.

    Attributes:
        folder: where its keys and its log lie; what is served is the machine's file system.
        user: whoever runs the tests.
        user_key: file of the private key that it takes.
        host_key: its public key, ``ssh-ed25519 AAAA…``.
        fingerprint: of that key, ``SHA256:…``.
    """

    def __init__(self, folder: Path) -> None:
        if SSHD is None:
            raise RuntimeError("there is no sshd: run `make servers`")
        self.folder = folder
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self.port = 0

    def __enter__(self) -> OpenSSH:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.user_key = self.folder / "user_key"
        self.new_host_key()
        _key(self.user_key)
        (self.folder / "authorized_keys").write_bytes(self.user_key.with_suffix(".pub").read_bytes())
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def new_host_key(self) -> None:
        """Make its key anew, as a reinstalled server has one; start it again for it to show."""
        key = _key(self.folder / "host_key")
        self.host_key = key.export_public_key().decode().strip()
        self.fingerprint = key.get_fingerprint()

    def uri(self, folder: Path | str, *, host_key: str | None = "", **options: str) -> str:
        """The lake's connection URI of a folder, its key included unless `host_key` is another or None."""
        told = {"key_file": str(self.user_key)} | options
        if host_key is not None:
            told["host_key"] = host_key or self.host_key
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in told.items())
        return f"sftp://{quote(self.user)}@127.0.0.1:{self.port}{quote(str(folder))}?{query}"

    def start(self) -> None:
        """Start it, on the port it had."""
        self.port = self.port or _free_port()
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        settings = {
            "Port": self.port, "ListenAddress": "127.0.0.1", "HostKey": self.folder / "host_key", "PidFile": "none",
            "AuthorizedKeysFile": self.folder / "authorized_keys", "StrictModes": "no", "UsePAM": "no",
            "PasswordAuthentication": "no", "KbdInteractiveAuthentication": "no", "PermitRootLogin": "yes",
            "Subsystem": "sftp internal-sftp", "MaxStartups": "100",
        }  # fmt: skip
        config = self.folder / "sshd_config"
        config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [SSHD, "-D", "-e", "-f", str(config)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                if connection.recv(4) == b"SSH-":
                    return
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"sshd did not start: {(self.folder / 'log').read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Kill it and the sessions it has: clients see their connections break."""
        import psutil

        if self._process.poll() is None:
            with contextlib.suppress(psutil.NoSuchProcess):
                for child in psutil.Process(self._process.pid).children(recursive=True):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        child.kill()
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()


class PasswordSSH:
    """An SFTP server with a user and a password, by asyncssh: OpenSSH checks passwords for root only.

    Attributes:
        host_key: its public key. fingerprint: of that.
    """

    def __init__(self, folder: Path, user: str, password: str) -> None:
        self.folder, self.user, self.password = folder, user, password

    def __enter__(self) -> PasswordSSH:
        key = asyncssh.generate_private_key("ssh-ed25519")
        self.host_key = key.export_public_key().decode().strip()
        self.fingerprint = key.get_fingerprint()
        outer = self

        class Server(asyncssh.SSHServer):
            def begin_auth(self, username: str) -> bool:
                return True

            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                return (username, password) == (outer.user, outer.password)

        class Served(asyncssh.SFTPServer):
            def __init__(self, channel: asyncssh.SSHServerChannel) -> None:
                super().__init__(channel, chroot=os.fsencode(outer.folder))

        started = threading.Event()

        def run() -> None:
            self._loop = asyncio.new_event_loop()
            self._acceptor = self._loop.run_until_complete(
                asyncssh.listen("127.0.0.1", 0, server_factory=Server, server_host_keys=[key], sftp_factory=Served)
            )
            self.port = self._acceptor.get_port()
            started.set()
            self._loop.run_forever()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        if not started.wait(20):
            raise RuntimeError("the SFTP server with passwords did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._acceptor.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def uri(self, folder: str, *, password: str | None = None, host_key: str = "") -> str:
        """The lake's connection URI of a folder below the served one."""
        word = quote(self.password if password is None else password, safe="")
        key = quote(host_key or self.host_key, safe="")
        return f"sftp://{quote(self.user, safe='')}:{word}@127.0.0.1:{self.port}{quote(folder)}?host_key={key}"


@contextlib.contextmanager
def openssh(folder: Path) -> Iterator[OpenSSH]:
    """`OpenSSH` for a fixture that yields."""
    with OpenSSH(folder) as server:
        yield server


def _key(path: Path) -> asyncssh.SSHKey:
    key = asyncssh.generate_private_key("ssh-ed25519")
    path.unlink(missing_ok=True)
    key.write_private_key(str(path))
    path.chmod(0o600)
    key.write_public_key(str(path.with_suffix(".pub")))
    return key


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
