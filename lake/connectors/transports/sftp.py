"""SFTP, by asyncssh behind fsspec's ``sshfs``. A server whose key is not known beforehand is not talked to."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import posixpath
import re
import stat
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lake.connectors.transports import BLOCK, Entry, Place, Transport, changed, check_encoding, is_a_name
from lake.errors import CitybrainError, SourceRefused, SourceUnavailable

if TYPE_CHECKING:
    import asyncssh

_Answer = TypeVar("_Answer")

_CHANNELS = 4
"""SFTP channels over the one connection, besides the two that sshfs keeps for a shell; OpenSSH allows ten."""


class Way(Transport):
    """``sftp://user[:password]@host[:port]/folder?host_key=…``; ``/~/folder`` is told from the user's home.

    Options:
        host_key: the server's key, ``ssh-ed25519 AAAA…``, ``AAAA…`` alone, or its fingerprint ``SHA256:…``; may be
            given several times.
        known_hosts: a file of OpenSSH's form, in place of ``host_key``; without either ``~/.ssh/known_hosts``.
        key_file, private_key: our own key, as a file or in full; the password is then tried too.
        passphrase: of that key.
        encoding: of file names, ``utf-8`` unless told otherwise; ``gb18030`` is met.
    """

    options = frozenset({"host_key", "known_hosts", "key_file", "private_key", "passphrase", "encoding"})

    def __init__(self, place: Place, timeout_s: float) -> None:
        super().__init__(place, timeout_s)
        if not place.host or not place.user:
            raise place.wrong("lacks host or user", "give it as sftp://user:password@host/folder?host_key=…")
        self._folder = place.path.removeprefix("/~/") if place.path.startswith("/~/") else place.path or "/"
        self._keys = [_HostKey.of(text, place) for text in place.options.get("host_key", [])]
        self._encoding = check_encoding(place)

    def open(self) -> None:
        """Connect, once the server has shown the key we expect."""
        import asyncssh
        from sshfs import SSHFileSystem

        shown: list[asyncssh.SSHKey] = []
        known = self._known_hosts()
        keys = self._keys

        class Client(asyncssh.SSHClient):
            """Keeps the key the server shows, and takes it when the URI names it."""

            def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
                shown.append(key)
                return any(trusted.is_of(key) for trusted in keys)

        with self._told(lambda: self._of_key(shown, known)):
            self._fs = SSHFileSystem(
                self.place.host,
                skip_instance_cache=True,
                max_sessions=_CHANNELS + 2,
                sftp_client_kwargs={
                    "path_encoding": self._encoding,
                    "path_errors": "surrogateescape",
                },
                timeout=4 * self.timeout_s,
                port=self.place.port or 22,
                username=self.place.user,
                password=self.place.password or None,
                client_keys=self._client_keys(),
                passphrase=self.place.option("passphrase"),
                client_factory=Client,
                known_hosts=([], [], []) if keys else known,
                server_host_key_algs=_algorithms(keys) if keys else (),
                config=None,
                agent_path=None,
                connect_timeout=self.timeout_s,
                login_timeout=self.timeout_s,
                keepalive_interval=max(self.timeout_s / 4, 1),
                keepalive_count_max=3,
            )
            # Told from the server's root: a link is judged by where it leads to.
            self._root = self._do(self._realpath(self._folder))

    def close(self) -> None:
        """Close the connection."""
        from fsspec.asyn import FSTimeoutError, sync

        if not hasattr(self, "_fs"):
            return
        with contextlib.suppress(Exception, FSTimeoutError):
            sync(self._fs.loop, self._fs._pool.close, timeout=5)
            sync(self._fs.loop, self._fs._stack.aclose, timeout=5)

    def entries(self, folder: str, prefix: str = "") -> list[Entry] | None:
        """All names with their sizes and times, in as many answers as the server wants to give."""
        try:
            with self._told():
                found = self._do(self._readdir(self._path(folder)))
        except FileNotFoundError:
            return None
        return [
            _entry(f"{folder}/{name}" if folder else name, attributes) for name, attributes in found if is_a_name(name)
        ]

    def look(self, path: str) -> Entry | None:
        """One file; a link is followed."""
        try:
            with self._told():
                entry = _entry(path, self._do(self._lstat(self._path(path))))
        except FileNotFoundError:
            return None
        return self.follow(entry) if entry.kind == "link" else entry

    def follow(self, entry: Entry) -> Entry | None:
        """What a link leads to, as the server resolves it."""
        try:
            with self._told():
                real = self._do(self._realpath(self._path(entry.path)))
                if not f"{real}/".startswith(f"{self._root.rstrip('/')}/"):
                    raise SourceRefused(
                        "the file is a link that leads out of the drop folder",
                        remedy="let the department deliver the file itself",
                    )
                return _entry(entry.path, self._do(self._stat(real)))
        except FileNotFoundError:
            return None

    def read(self, entry: Entry) -> Iterator[bytes]:
        """The bytes, several requests ahead; small files in one go."""
        with self._told():
            path = self._path(entry.path)
            if entry.size is not None and entry.size < BLOCK:
                content, after = self._do(self._whole(path, entry.size))
                if (len(content), after.version) != (entry.size, entry.version):
                    raise changed()
                if content:
                    yield content
                return
            file = self._do(self._open(path))
            try:
                size = 0
                while block := self._do(file.read(BLOCK)):
                    size += len(block)
                    yield block
                after = _entry(entry.path, self._do(file.stat()))
            finally:
                with contextlib.suppress(Exception):
                    self._do(file.close())
            if after.size != size or after.version != (entry.version or after.version):
                raise changed()

    # ---- on fsspec's event loop --------------------------------------------------------------------------------------

    def _do(self, work: Coroutine[Any, Any, _Answer]) -> _Answer:
        """Run a coroutine there and wait, though not for ever."""
        from fsspec.asyn import sync

        async def in_time() -> _Answer:
            async with asyncio.timeout(self.timeout_s):
                return await work

        answer: _Answer = sync(self._fs.loop, in_time)
        return answer

    async def _readdir(self, path: str) -> list[tuple[str, asyncssh.SFTPAttrs]]:
        async with self._fs._pool.get() as channel:
            return [(str(one.filename), one.attrs) async for one in channel.scandir(path)]

    async def _lstat(self, path: str) -> asyncssh.SFTPAttrs:
        async with self._fs._pool.get() as channel:
            attributes: asyncssh.SFTPAttrs = await channel.lstat(path)
            return attributes

    async def _stat(self, path: str) -> asyncssh.SFTPAttrs:
        async with self._fs._pool.get() as channel:
            attributes: asyncssh.SFTPAttrs = await channel.stat(path)
            return attributes

    async def _realpath(self, path: str) -> str:
        async with self._fs._pool.get() as channel:
            return str(await channel.realpath(path or "."))

    async def _open(self, path: str) -> Any:
        async with self._fs._pool.get() as channel:
            return await channel.open(path, "rb")

    async def _whole(self, path: str, size: int) -> tuple[bytes, Entry]:
        """All bytes of a small file, one more than expected if there are more, and what it is afterwards."""
        async with self._fs._pool.get() as channel, channel.open(path, "rb") as file:
            content = bytearray()
            while len(content) <= size and (block := await file.read(size + 1 - len(content))):
                content += block
                if len(content) == size:
                    break  # that it ends here is what its size says
            return bytes(content), _entry("", await file.stat())

    def _path(self, path: str) -> str:
        return posixpath.join(self._folder, path) if path else self._folder or "."

    # ---- keys --------------------------------------------------------------------------------------------------------

    def _known_hosts(self) -> Any:
        named = self.place.option("known_hosts")
        path = Path(named) if named else Path("~/.ssh/known_hosts").expanduser()
        try:
            return path.read_bytes() or ([], [], [])
        except OSError:
            if named:
                raise self.place.wrong("names a known_hosts file that cannot be read", "correct it") from None
            return ([], [], [])

    def _client_keys(self) -> list[Any] | None:
        import asyncssh

        key_file, private_key = self.place.option("key_file"), self.place.option("private_key")
        if not key_file and not private_key:
            return None
        try:
            text = Path(key_file).read_bytes() if key_file else (private_key or "").encode()
            return [asyncssh.import_private_key(text, self.place.option("passphrase"))]
        except (OSError, asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
            raise SourceRefused(
                f"the private key of connection {self.place.connection!r} cannot be read",
                remedy="correct key_file (or private_key) and passphrase",
            ) from None

    def _of_key(self, shown: list[asyncssh.SSHKey], known: Any) -> SourceRefused:
        """The server's key is not the one we expect: say which it showed."""
        import asyncssh

        if not shown:
            return SourceRefused(
                f"the server of connection {self.place.connection!r} shows a key that was revoked, or none we know",
                remedy="ask its operator for the key, and give it as host_key",
            )
        key = shown[-1]
        expected = bool(self._keys)
        if not expected and isinstance(known, bytes):
            try:
                matching = asyncssh.import_known_hosts(known.decode(errors="replace"))
                expected = any(matching.match(self.place.host or "", "", self.place.port or 22)[:2])
            except ValueError:
                return SourceRefused(
                    f"the known_hosts file of connection {self.place.connection!r} cannot be read", remedy="correct it"
                )
        how = "is not the one expected of it: somebody may be in between" if expected else "is not known"
        return SourceRefused(
            f"the key of the server of connection {self.place.connection!r} {how};"
            f" it showed {key.get_algorithm()} {key.get_fingerprint()}",
            remedy="ask its operator whether this is its key, by another way than the net; only then write it as"
            " host_key=<that fingerprint> into the connection",
        )

    @contextlib.contextmanager
    def _told(self, of_key: Callable[[], SourceRefused] | None = None) -> Iterator[None]:
        """Put whatever SSH says into our words."""
        import asyncssh
        from fsspec.asyn import FSTimeoutError

        try:
            yield
        except (CitybrainError, FileNotFoundError):
            raise
        except asyncssh.SFTPNoSuchFile:
            raise FileNotFoundError from None
        except asyncssh.HostKeyNotVerifiable:
            raise (of_key or (lambda: self._of_key([], None)))() from None
        except (asyncssh.SFTPPermissionDenied, asyncssh.SFTPWriteProtect):
            raise SourceRefused(
                "the file or folder may not be read", remedy="ask the server's operator for the right to read it"
            ) from None
        except (asyncssh.PermissionDenied, PermissionError):
            raise SourceRefused(
                f"the server of connection {self.place.connection!r} does not take user, password or key",
                remedy="correct the connection",
            ) from None
        except asyncssh.KeyExchangeFailed:
            raise SourceRefused(
                f"the server of connection {self.place.connection!r} and we have no cipher in common",
                remedy="have the server brought up to date",
            ) from None
        except (FSTimeoutError, TimeoutError):
            raise _away(self.place, f"was silent for {self.timeout_s:g} s") from None
        except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.ConnectionLost):
            raise _away(self.place, "broke the connection") from None
        except asyncssh.SFTPError as error:
            raise _away(self.place, f"reports an error ({type(error).__name__} {error.code})") from None
        except (asyncssh.Error, OSError, ValueError) as error:
            raise _away(self.place, f"cannot be reached ({type(error).__name__})") from None


class _HostKey:
    """A server's key as a URI names it: whole, or by its fingerprint."""

    def __init__(self, blob: bytes, fingerprint: str, algorithm: str) -> None:
        self._blob, self._fingerprint, self.algorithm = blob, fingerprint, algorithm

    @classmethod
    def of(cls, text: str, place: Place) -> _HostKey:
        """Read ``ssh-ed25519 AAAA… [comment]``, ``AAAA…`` or ``SHA256:…``; a space may have come as a plus."""
        if text.startswith(("SHA256:", "SHA256%3A")):
            return cls(b"", "SHA256:" + text[7:].strip().replace(" ", "+").rstrip("="), "")
        found = re.search(r"AAAA\S+(?: \S+)*", text)
        words = found[0].split(" ") if found else []
        for number in range(1, len(words) + 1):  # in a query a + is a space: what that cut belongs together
            with contextlib.suppress(binascii.Error, ValueError):
                blob = base64.b64decode("+".join(words[:number]), validate=True)
                if fields := _fields(blob):
                    return cls(blob, "", fields[0].decode("ascii"))
        raise place.wrong(
            "has a host_key that is none", "write host_key=SHA256:… or host_key=ssh-ed25519%20AAAA…, with %2B for a +"
        )

    def is_of(self, key: asyncssh.SSHKey) -> bool:
        """Whether a server showed this key."""
        if self._fingerprint:
            return bool(key.get_fingerprint() == self._fingerprint)
        return bool(key.public_data == self._blob)


def _fields(blob: bytes) -> list[bytes]:
    """The fields a public key is made of, each after its length; none where it is no key, or cut."""
    fields, at = [], 0
    while at < len(blob):
        size = int.from_bytes(blob[at : at + 4])
        fields.append(blob[at + 4 : at + 4 + size])
        at += 4 + size
    return fields if at == len(blob) and len(fields) > 1 else []


def _algorithms(keys: list[_HostKey]) -> Any:
    """What to ask the server for, so that it shows the key we know and not another of its own."""
    names = [key.algorithm for key in keys]
    if not all(names):
        return ()
    rsa = ["rsa-sha2-512", "rsa-sha2-256"]
    return [name for named in dict.fromkeys(names) for name in (rsa if named == "ssh-rsa" else [named])]


def _entry(path: str, attributes: asyncssh.SFTPAttrs) -> Entry:
    mode = attributes.permissions or 0
    kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    kind = kinds.get(stat.S_IFMT(mode), "other") if stat.S_IFMT(mode) else "file"
    when = datetime.fromtimestamp(attributes.mtime, UTC) if attributes.mtime is not None else None
    version = "" if attributes.mtime is None else f"{attributes.mtime}.{attributes.mtime_ns or 0}"
    return Entry(path, kind, attributes.size, version, when)  # type: ignore[arg-type]


def _away(place: Place, what: str) -> SourceUnavailable:
    return SourceUnavailable(
        f"the server of connection {place.connection!r} {what}", remedy="try again; if it stays so, ask its operator"
    )
