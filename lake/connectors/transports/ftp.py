"""FTP and FTPS, passive. By ``ftplib``: fsspec's client takes any certificate and hides why a list is empty."""

from __future__ import annotations

import contextlib
import ftplib
import queue
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

from lake.connectors.transports import BLOCK, Entry, Place, Transport, changed, check_encoding, is_a_name
from lake.errors import CitybrainError, SourceRefused, SourceUnavailable

_UNIX = re.compile(r"([-dlbcps])[-rwxsStTl]{9}\S*\s+\d+\s+\S+\s+(?:\S+\s+)?(\d+)\s+(\w{3}\s+\d+\s+[\d:]+)\s(.+)")
_DOS = re.compile(r"(\d\d-\d\d-\d\d(?:\d\d)?\s+\d\d:\d\d(?:[AP]M)?)\s+(<DIR>|\d+)\s+(.+)")
_IMPLICIT_PORT = 990
_NO_SUCH_COMMAND = ("500", "501", "502", "504")


class Way(Transport):
    """``ftp://user:password@host[:port]/folder``, ``ftps://…`` with TLS; ``/~/folder`` is told from the user's home.

    TLS covers files and lists too, and the server's certificate must hold. It is asked for (``AUTH TLS``) unless the
    port is 990 or ``implicit=true``: then it is there from the first byte.

    Options:
        implicit: ``true`` for implicit TLS on another port than 990.
        encoding: of file names, ``utf-8`` unless told otherwise; ``gb18030`` is met.
        ca_file: certificates of the authority that signed the server's.
    """

    options = frozenset({"encoding", "ca_file", "implicit"})
    reads_at_once = 4
    """Each read has a connection of its own, and servers count those."""

    def __init__(self, place: Place, timeout_s: float) -> None:
        super().__init__(place, timeout_s)
        if not place.host:
            raise place.wrong("lacks its host", f"give it as {place.scheme}://user:password@host/folder")
        self._folder = place.path.removeprefix("/~/") if place.path.startswith("/~/") else place.path or "/"
        self._encoding = check_encoding(place)
        self._is_implicit = place.port == _IMPLICIT_PORT or place.option("implicit") == "true"
        self._free: queue.LifoQueue[ftplib.FTP] = queue.LifoQueue()
        self._has_mlsd = True

    def open(self) -> None:
        """Log in once, to see that we may."""
        with self._told():
            self._free.put(self._connected())

    def close(self) -> None:
        """Close what is open."""
        while not self._free.empty():
            self._free.get_nowait().close()

    def entries(self, folder: str, prefix: str = "") -> list[Entry] | None:
        """The list as the server gives it: by MLSD, else by LIST in the form of Unix or of DOS."""
        with self._connection() as server:
            try:
                found = self._listed(server, self._path(folder))
            except FileNotFoundError:
                return None
        return [
            replace(entry, path=f"{folder}/{entry.path}") if folder else entry
            for entry in found
            if is_a_name(entry.path)
        ]

    def look(self, path: str) -> Entry | None:
        """One file by SIZE and MDTM; a folder by going there."""
        with self._connection() as server:
            try:
                if not path:
                    home = server.pwd()
                    server.cwd(self._path(""))
                    server.cwd(home)
                    return Entry("", "folder")
                return self._seen(server, path)
            except FileNotFoundError:
                return None
            except ftplib.error_perm as error:
                if not _is_missing(error):
                    raise
                return None

    def follow(self, entry: Entry) -> Entry | None:
        """FTP does not say where a link leads to; the list does, and it must not lead upwards."""
        target = entry.version
        if target.startswith("/") or ".." in target.split("/"):
            raise SourceRefused(
                "the file is a link that leads out of the drop folder",
                remedy="let the department deliver the file itself",
            )
        return self.look(entry.path)

    def read(self, entry: Entry) -> Iterator[bytes]:
        """The bytes; that they are all is the server's word at the end, and the size before and after."""
        with self._connection() as server:
            before = self._seen(server, entry.path)
            if before is None:
                raise FileNotFoundError(entry.path)
            if entry.size not in (None, before.size) or (entry.version and not _is_same(entry.version, before.version)):
                raise changed()
            size = 0
            server.voidcmd("TYPE I")
            with server.transfercmd(f"RETR {self._path(entry.path)}") as data:
                while block := data.recv(BLOCK):
                    size += len(block)
                    yield block
                if isinstance(data, ssl.SSLSocket):
                    with contextlib.suppress(OSError):  # not every server says good-bye
                        data.unwrap()
            server.voidresp()
            after = self._seen(server, entry.path)
            if after is None or (after.size, after.version) != (before.size, before.version):
                raise changed()
            if after.size not in (None, size):
                raise changed()

    # ---- one connection ----------------------------------------------------------------------------------------------

    def _connected(self) -> ftplib.FTP:
        place = self.place
        if place.scheme == "ftps":
            # The name of the host in the certificate, and who signed it, are looked at.
            context = ssl.create_default_context(cafile=place.option("ca_file"))
            server: ftplib.FTP = _TLS(context, is_implicit=self._is_implicit, timeout=self.timeout_s)
        else:
            server = ftplib.FTP(timeout=self.timeout_s)  # noqa: S321 - what departments have
        server.encoding = "latin-1"  # bytes as they are: the encoding of names is ours to know
        try:
            server.connect(place.host or "", place.port or ftplib.FTP_PORT)
            server.login(self._wire(place.user or ""), self._wire(place.password or ""))
            if isinstance(server, ftplib.FTP_TLS):
                server.prot_p()
            if self._encoding in ("utf-8", "utf_8", "utf8"):
                with contextlib.suppress(ftplib.error_perm):
                    server.sendcmd("OPTS UTF8 ON")
        except BaseException:
            server.close()
            raise
        return server

    @contextlib.contextmanager
    def _connection(self) -> Iterator[ftplib.FTP]:
        """A connection that nobody else uses meanwhile; one in an unknown state is closed."""
        with self._told():
            try:
                server = self._free.get_nowait()
            except queue.Empty:
                server = self._connected()
            try:
                yield server
            except (FileNotFoundError, SourceRefused):
                self._free.put(server)
                raise
            except BaseException:
                server.close()
                raise
            self._free.put(server)

    def _seen(self, server: ftplib.FTP, path: str) -> Entry | None:
        """A file's size and time, as far as the server knows the words for them."""
        wire = self._path(path)
        server.voidcmd("TYPE I")
        try:
            size = server.size(wire)
        except ftplib.error_perm as error:
            if str(error)[:3] not in _NO_SUCH_COMMAND:
                return self._folder_or_none(server, path, error)
            size = None
        version, when = "", None
        try:
            version = server.sendcmd(f"MDTM {wire}")[4:].strip()
            when = _time_of(version)
        except ftplib.error_perm as error:
            if str(error)[:3] not in _NO_SUCH_COMMAND:
                return None
        if size is None and not version:
            name = path.rpartition("/")[2]
            listed = self._listed(server, self._path(path.rpartition("/")[0]))
            return next((entry for entry in listed if entry.path == name), None)
        return Entry(path, "file", size, version, when)

    def _folder_or_none(self, server: ftplib.FTP, path: str, error: ftplib.error_perm) -> Entry | None:
        """550 to SIZE: there is nothing, or no file, or we may not see it."""
        if "permission" in str(error).lower() or "denied" in str(error).lower():
            raise error
        home = server.pwd()
        try:
            server.cwd(self._path(path))
        except ftplib.error_perm:
            return None
        server.cwd(home)
        return Entry(path, "folder")

    def _listed(self, server: ftplib.FTP, wire: str) -> list[Entry]:
        """What lies in a folder, by name alone."""
        if self._has_mlsd:
            try:
                return [self._of_facts(name, facts) for name, facts in server.mlsd(wire)]
            except ftplib.error_perm as error:
                if str(error)[:3] not in _NO_SUCH_COMMAND:
                    raise _missing_or(error) from None
                self._has_mlsd = False
        home, lines = server.pwd(), list[str]()
        try:
            server.cwd(wire)  # LIST of a name with a space or a * is understood by few
        except ftplib.error_perm as error:
            raise _missing_or(error) from None
        try:
            server.retrlines("LIST", lines.append)
        except ftplib.error_perm as error:
            if not str(error).startswith("550"):  # how some say that a folder is empty
                raise
        finally:
            server.cwd(home)
        return [entry for line in lines if (entry := self._of_line(line)) is not None]

    def _of_facts(self, name: str, facts: dict[str, str]) -> Entry:
        kind = facts.get("type", "").lower()
        target = re.match(r"os\.unix=s(?:ym)?link:?(.*)", kind)
        version = facts.get("modify", "")
        if target:
            return Entry(self._name(name), "link", version=target[1] or "..")
        known = {"file": "file", "dir": "folder", "cdir": "folder", "pdir": "folder"}.get(kind, "other")
        size = int(facts["size"]) if facts.get("size", "").isdecimal() else None
        return Entry(self._name(name), known, size, version, _time_of(version))  # type: ignore[arg-type]

    def _of_line(self, line: str) -> Entry | None:
        """A line of LIST. Its time has no zone, often no year: it tells that a file changed, not when."""
        if unix := _UNIX.fullmatch(line):
            name, kind = unix[4], {"-": "file", "d": "folder", "l": "link"}.get(unix[1], "other")
            if kind == "link":
                name, _, target = name.partition(" -> ")
                return Entry(self._name(name), "link", version=target or "..")
            return Entry(self._name(name), kind, int(unix[2]))  # type: ignore[arg-type]
        if dos := _DOS.fullmatch(line):
            is_folder = dos[2] == "<DIR>"
            return Entry(self._name(dos[3]), "folder" if is_folder else "file", None if is_folder else int(dos[2]))
        return None

    def _path(self, path: str) -> str:
        """A path as it goes over the wire."""
        joined = f"{self._folder.rstrip('/')}/{path}" if path else self._folder or "."
        if "\r" in joined or "\n" in joined:
            raise FileNotFoundError
        return self._wire(joined)

    def _wire(self, text: str) -> str:
        return text.encode(self._encoding, "surrogateescape").decode("latin-1")

    def _name(self, wire: str) -> str:
        return wire.encode("latin-1").decode(self._encoding, "surrogateescape")

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Put whatever FTP says into our words; its own may quote what we said."""
        try:
            yield
        except (CitybrainError, FileNotFoundError):
            raise
        except ssl.SSLCertVerificationError:
            raise SourceRefused(
                f"the certificate of the server of connection {self.place.connection!r} does not hold",
                remedy="have it renewed, or name the authority that signed it as ca_file",
            ) from None
        except ftplib.error_perm as error:
            code = str(error)[:3]
            if code in ("530", "532"):
                raise SourceRefused(
                    f"the server of connection {self.place.connection!r} does not take user or password",
                    remedy="correct the connection",
                ) from None
            raise SourceRefused(
                f"the server of connection {self.place.connection!r} refuses ({code})",
                remedy="ask its operator for the right to list and read, and whether it wants ftps",
            ) from None
        except (TimeoutError, EOFError, ftplib.Error, OSError, ValueError) as error:
            what = (
                f"was silent for {self.timeout_s:g} s" if isinstance(error, TimeoutError)
                else f"says {str(error)[:3]}" if isinstance(error, ftplib.error_temp)
                else "cannot be reached, or broke the connection"
            )  # fmt: skip
            raise SourceUnavailable(
                f"the server of connection {self.place.connection!r} {what}",
                remedy="try again; if it stays so, ask its operator",
            ) from None


class _TLS(ftplib.FTP_TLS):
    """FTP over TLS as servers want it: from the first byte where the port says so, one session for all connections."""

    def __init__(self, context: ssl.SSLContext, *, is_implicit: bool, timeout: float) -> None:
        super().__init__(context=context, timeout=timeout)
        self._is_implicit = is_implicit

    def connect(self, host: str = "", port: int = 0, timeout: float = -999, source_address: Any = None) -> str:
        """Connect; with TLS at once on the port that means it."""
        if not self._is_implicit:
            return super().connect(host, port, timeout, source_address)
        self.host, self.port = host, port
        plain = socket.create_connection((host, port), self.timeout)
        self.af = plain.family
        self.sock = self.context.wrap_socket(plain, server_hostname=host)
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()
        return self.welcome

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """A data connection that goes on with the session of the control connection: vsftpd takes no other."""
        data, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321 - the base's base
        session = cast(ssl.SSLSocket, self.sock).session
        return self.context.wrap_socket(data, server_hostname=self.host, session=session), size


def _is_same(listed: str, told: str) -> bool:
    """Whether the time of a list and that of MDTM are one; some servers tell fractions in one of them only."""
    return not told or listed.partition(".")[0] == told.partition(".")[0]


def _is_missing(error: ftplib.error_perm) -> bool:
    said = str(error).lower()
    return said.startswith("550") and "denied" not in said and "permission" not in said


def _missing_or(error: ftplib.error_perm) -> Exception:
    return FileNotFoundError() if _is_missing(error) else error


def _time_of(text: str) -> datetime | None:
    """``YYYYMMDDHHMMSS[.sss]``, UTC by the standard."""
    with contextlib.suppress(ValueError):
        return datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return None
