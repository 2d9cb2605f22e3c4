"""Where a department's files lie and how they come here: one small interface, one file per way.

What is below the connection's folder has a path relative to it, its parts joined by ``/``. Errors are those of
`lake.errors` without dataset and day, which `FileSource` knows; they never tell a host, a user or the folder itself,
since a password with a forgotten ``%2F`` could hide in any of them.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import ClassVar, Literal, Self, cast
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from lake.errors import ContractError, SourceUnavailable

__all__ = ["BLOCK", "SCHEMES", "Entry", "Place", "Transport", "changed", "check_encoding", "is_a_name", "transport_to"]

BLOCK = 1 << 20
"""Bytes read at a time."""

SCHEMES = {
    "file": "local",
    "sftp": "sftp",
    "ftp": "ftp",
    "ftps": "ftp",
    "s3": "s3",
    "http": "http",
    "https": "http",
}
"""Scheme of a connection's URI → the file here that speaks it."""


@dataclass(frozen=True)
class Entry:
    """Something that lies below the folder.

    Attributes:
        path: below the connection's folder; bytes that are no text in the server's encoding are surrogates.
        kind: what it is; ``link`` where it is one and nobody followed it yet.
        size: bytes, where the server says it.
        version: changes when the file does: a time, an etag, whatever the server has.
        modified_at: time of the last change by the server's clock, where it says one.
    """

    path: str
    kind: Literal["file", "folder", "link", "other"]
    size: int | None = None
    version: str = ""
    modified_at: datetime | None = None

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Place:
    """A connection's URI, taken apart and decoded. Its repr tells the connection's name and scheme only.

    Attributes:
        connection: name of the connection, for messages.
        scheme: see `SCHEMES`.
        host, port, user, password: None where the URI has none; an empty password is one.
        path: the folder, with a leading ``/`` where there is one.
        options: what stands after the ``?``; each may be given several times.
    """

    connection: str
    scheme: str
    host: str | None = field(repr=False)
    port: int | None = field(repr=False)
    user: str | None = field(repr=False)
    password: str | None = field(repr=False)
    path: str = field(repr=False)
    options: dict[str, list[str]] = field(repr=False)

    @classmethod
    def of(cls, uri: str, connection: str) -> Place:
        """Take a URI apart.

        Raises:
            ContractError: it is none of a folder of files; the message does not quote it.
        """
        parts = urlsplit(uri)
        if parts.scheme not in SCHEMES:
            raise ContractError(
                f"connection {connection!r} is not a place of files",
                remedy=f"give it as one of {', '.join(f'{scheme}://' for scheme in SCHEMES)}",
            )
        try:
            port = parts.port
            options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        except ValueError:  # its words quote the URI
            raise _unreadable(connection) from None
        if parts.fragment or "@" in parts.path.partition("/")[0]:
            raise _unreadable(connection)
        collected: dict[str, list[str]] = {}
        for name, value in options:
            collected.setdefault(name, []).append(value)
        return cls(
            connection, parts.scheme, parts.hostname, port, _decoded(parts.username), _decoded(parts.password),
            _path_of(parts), collected,
        )  # fmt: skip

    def option(self, name: str, default: str | None = None) -> str | None:
        """The last value given for an option."""
        return self.options.get(name, [default])[-1]

    def wrong(self, problem: str, remedy: str) -> ContractError:
        """An error about the URI itself; it must not quote it."""
        return ContractError(f"connection {self.connection!r} {problem}", remedy=remedy)


class Transport(ABC):
    """One way to a folder. Use it as a context manager; reading and looking may be done by several threads at once.

    Attributes:
        options: what may stand after the ``?`` of its URI.
        reads_at_once: how many threads may read without being impolite.
        can_list: whether its lists tell all there is; otherwise files are asked for by name too.
    """

    options: ClassVar[frozenset[str]] = frozenset()
    reads_at_once: ClassVar[int] = 8
    can_list: ClassVar[bool] = True

    def __init__(self, place: Place, timeout_s: float) -> None:
        self.place, self.timeout_s = place, timeout_s
        if set(place.options) - self.options:
            known = ", ".join(sorted(self.options)) or "none"
            raise place.wrong(
                f"has an option that {place.scheme} does not know (known: {known})",
                "correct it; a ? in a user name or password is written %3F",
            )

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def open(self) -> None:
        """Connect.

        Raises:
            SourceUnavailable: no answer.
            SourceRefused: the server does not take the credentials, or we do not take the server.
        """

    def close(self) -> None:
        """Let go of connections."""
        return

    @abstractmethod
    def entries(self, folder: str, prefix: str = "") -> list[Entry] | None:
        """What lies directly in a folder, in no order; None when there is no such folder. "" is the folder itself.

        Args:
            folder: below the connection's folder.
            prefix: a hint: names that begin otherwise may be left out.
        """

    @abstractmethod
    def look(self, path: str) -> Entry | None:
        """One file or folder, links followed; None when there is none."""

    def follow(self, entry: Entry) -> Entry | None:
        """What an entry of kind ``link`` leads to, under the link's path.

        Raises:
            SourceRefused: it leads out of the folder.
        """
        return self.look(entry.path)

    @abstractmethod
    def read(self, entry: Entry) -> Iterator[bytes]:
        """The bytes of a file, in blocks.

        Raises:
            FileNotFoundError: it is gone.
            SourceUnavailable: the connection broke, or the file is not at its end what it was at its beginning.
            SourceRefused: it may not be read, or is no file.
        """


def transport_to(place: Place, timeout_s: float) -> Transport:
    """The way to a place, not connected yet.

    Raises:
        ContractError: the URI lacks something, or has an option too many.
    """
    room = importlib.import_module(f"{__name__}.{SCHEMES[place.scheme]}")
    return cast("type[Transport]", room.Way)(place, timeout_s)


def changed() -> SourceUnavailable:
    """A file was written to while it was copied."""
    return SourceUnavailable(
        "the file changed while it was copied", remedy="try again when the department has written it to its end"
    )


def check_encoding(place: Place) -> str:
    """The encoding of file names that a URI tells, UTF-8 where it tells none.

    Raises:
        ContractError: nobody knows it.
    """
    encoding = place.option("encoding") or "utf-8"
    try:
        "".encode(encoding)
    except LookupError:
        raise place.wrong("names an encoding nobody knows", "write utf-8 or gb18030") from None
    return encoding


def is_a_name(name: str) -> bool:
    """Whether a server's word for something in a folder is a plain name; what is not is not looked at."""
    return name not in ("", ".", "..") and "/" not in name and "\0" not in name


def _decoded(text: str | None) -> str | None:
    return None if text is None else unquote(text)


def _path_of(parts: SplitResult) -> str:
    return unquote(parts.path, errors="surrogateescape")


def _unreadable(connection: str) -> ContractError:
    return ContractError(
        f"the URI of connection {connection!r} cannot be read",
        remedy="percent-encode what is special in user name and password: / is %2F, # is %23, ? is %3F, @ is %40",
    )
