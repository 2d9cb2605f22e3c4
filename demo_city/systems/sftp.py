"""The departments' SFTP server: an account for each, who sees its own folder: ``out`` to read, ``inbox`` to write."""

from __future__ import annotations

import asyncio
import hmac
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import asyncssh

OUT, INBOX = "out", "inbox"
_READS = 0x0001
"""SSH_FXF_READ: the only flag of an opening that writes nothing."""


class SftpServer:
    """asyncssh on a port of the loopback.

    Args:
        folder: a sub folder for each department.
        key_file: the server's key, made when it is missing.
        passwords: of the accounts, by department.
        port: tried first, so that the address stays the same from start to start; 0 for any.
    """

    def __init__(self, folder: Path, key_file: Path, passwords: Mapping[str, str], port: int = 0) -> None:
        self.folder, self.port = folder, port
        self._passwords = dict(passwords)
        if not key_file.exists():
            made = asyncssh.generate_private_key("ssh-ed25519")
            made.write_private_key(str(key_file))
            key_file.chmod(0o600)
        self._key = asyncssh.read_private_key(str(key_file))
        self._thread: threading.Thread | None = None

    @property
    def fingerprint(self) -> str:
        """Of the server's key."""
        return str(self._key.get_fingerprint())

    def uri(self, department: str, folder: str = OUT) -> str:
        """The lake's address of a department's folder."""
        password, key = (quote(word, safe="") for word in (self._passwords[department], self.fingerprint))
        return f"sftp://{department}:{password}@127.0.0.1:{self.port}/{folder}?host_key={key}"

    def start(self) -> None:
        """Start to answer."""
        for department in self._passwords:
            for name in (OUT, INBOX):
                (self.folder / department / name).mkdir(parents=True, exist_ok=True)
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True, name="demo city sftp")
        self._thread.start()
        if not started.wait(20) or not self.port:
            raise RuntimeError("the SFTP server does not start")

    def stop(self) -> None:
        """Stop answering."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(10)
            self._thread = None

    def _run(self, started: threading.Event) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            runner.run(self._serve(started))

    async def _serve(self, started: threading.Event) -> None:
        self._ended = asyncio.Event()
        passwords, folder = self._passwords, self.folder

        class Account(asyncssh.SSHServer):
            def begin_auth(self, username: str) -> bool:
                return True

            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                expected = passwords.get(username, "")
                return bool(expected) and hmac.compare_digest(password.encode(), expected.encode())

        class Served(_Folder):
            def __init__(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
                super().__init__(channel, chroot=os.fsencode(folder / str(channel.get_extra_info("username"))))

        options = {"server_factory": Account, "server_host_keys": [self._key], "sftp_factory": Served}
        try:
            acceptor = await asyncssh.listen("127.0.0.1", self.port, **options)
        except OSError:
            acceptor = await asyncssh.listen("127.0.0.1", 0, **options)
        self.port = acceptor.get_port()
        started.set()
        await self._ended.wait()
        acceptor.close()


class _Folder(asyncssh.SFTPServer):
    """A department's folder: everything may be read, written is below ``inbox`` only."""

    def _allow(self, path: bytes) -> None:
        if not os.path.normpath(b"/" + path.lstrip(b"/")).startswith(b"/" + INBOX.encode() + b"/"):
            raise asyncssh.SFTPPermissionDenied("only inbox can be written")

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if pflags & ~_READS:
            self._allow(path)
        return super().open(path, pflags, attrs)

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: asyncssh.SFTPAttrs) -> object:
        self._allow(path)
        return super().open56(path, desired_access, flags, attrs)

    def remove(self, path: bytes) -> object:
        self._allow(path)
        return super().remove(path)

    def rename(self, oldpath: bytes, newpath: bytes) -> object:
        self._allow(oldpath)
        self._allow(newpath)
        return super().rename(oldpath, newpath)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> object:
        self._allow(oldpath)
        self._allow(newpath)
        return super().posix_rename(oldpath, newpath)

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> object:
        self._allow(path)
        return super().mkdir(path, attrs)

    def rmdir(self, path: bytes) -> object:
        self._allow(path)
        return super().rmdir(path)

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> object:
        self._allow(path)
        return super().setstat(path, attrs)

    def symlink(self, oldpath: bytes, newpath: bytes) -> object:
        raise asyncssh.SFTPPermissionDenied("no links here")

    def link(self, oldpath: bytes, newpath: bytes) -> object:
        raise asyncssh.SFTPPermissionDenied("no links here")
