"""HTTP and HTTPS, by fsspec's client. Files are asked for by name; where the server shows a list, that is read."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, unquote, urljoin, urlsplit

from lake.connectors.transports import BLOCK, Entry, Place, Transport, changed, is_a_name
from lake.errors import CitybrainError, SourceRefused, SourceUnavailable

if TYPE_CHECKING:
    import aiohttp

_Answer = TypeVar("_Answer")

_GONE = (404, 410)
_NO_HEAD = (405, 501)
_LONGEST_LIST = 64 << 20


class Way(Transport):
    """``https://[user:password@]host[:port]/folder``; with one word before the ``@`` it is a bearer token.

    An answer of another server, which a redirect led to, is refused. Bytes are taken as they are stored: nothing is
    unpacked on the way.

    Options:
        ca_file: certificates of the authority that signed the server's.
    """

    options = frozenset({"ca_file"})
    can_list = False

    def __init__(self, place: Place, timeout_s: float) -> None:
        super().__init__(place, timeout_s)
        if not place.host:
            raise place.wrong("lacks its host", f"give it as {place.scheme}://user:password@host/folder")
        host = f"[{place.host}]" if ":" in place.host else place.host
        self._root = f"{place.scheme}://{host}{f':{place.port}' if place.port else ''}{_quoted(place.path)}".rstrip("/")

    def open(self) -> None:
        """Make a client; HTTP knows no connection."""
        import ssl

        import aiohttp
        from fsspec.implementations.http import HTTPFileSystem

        headers, auth = {"Accept-Encoding": "identity"}, None
        user, password = self.place.user, self.place.password
        if user and password is not None:
            auth = aiohttp.BasicAuth(user, password, encoding="utf-8")
        elif user or password:
            headers["Authorization"] = f"Bearer {user or password}"
        try:
            trusted = ssl.create_default_context(cafile=self.place.option("ca_file"))
        except OSError:
            raise self.place.wrong("names a ca_file that cannot be read", "correct it") from None
        self._fs = HTTPFileSystem(
            skip_instance_cache=True,
            encoded=True,
            client_kwargs={
                "headers": headers,
                "auth": auth,
                "auto_decompress": False,
                "timeout": aiohttp.ClientTimeout(total=None, sock_connect=self.timeout_s, sock_read=self.timeout_s),
            },
            ssl=trusted,
        )

    def close(self) -> None:
        """Close the client's connections."""
        from fsspec.asyn import sync

        if hasattr(self, "_fs") and self._fs._session is not None:
            with contextlib.suppress(Exception):
                sync(self._fs.loop, self._fs._session.close, timeout=5)

    def entries(self, folder: str, prefix: str = "") -> list[Entry] | None:
        """Links of the folder's page that lead right below it; None where the server shows no page of links."""
        url = f"{self._root}/{_quoted(folder)}/" if folder else f"{self._root}/"
        with self._told():
            try:
                page = self._do(self._page(url))
            except FileNotFoundError:
                return None
            except SourceRefused:
                if folder or self.place.user or self.place.password:
                    raise
                return None  # many servers show files but forbid the list
        if page is None:
            return None
        links = _Links()
        links.feed(page)
        found: dict[str, Entry] = {}
        for link in links.found:
            target = urljoin(url, link)
            if not target.startswith(url) or "?" in target:
                continue
            rest = target.removeprefix(url).partition("#")[0]
            name = unquote(rest.removesuffix("/"), errors="surrogateescape")
            if is_a_name(name):
                path = f"{folder}/{name}" if folder else name
                found[name] = Entry(path, "folder" if rest.endswith("/") else "file")
        return list(found.values())

    def look(self, path: str) -> Entry | None:
        """What the server says of a file without sending it."""
        if not path:
            return Entry("", "folder")
        try:
            with self._told():
                return self._do(self._head(path))
        except FileNotFoundError:
            return None

    def read(self, entry: Entry) -> Iterator[bytes]:
        """The bytes; afterwards the server is asked whether the file is still what it was when it began."""
        with self._told():
            answer = self._do(self._get(self._url(entry.path)))
            try:
                told = _entry_of(entry.path, answer)
                if entry.version and told.version != entry.version:
                    raise changed()
                size = 0
                while block := self._do(answer.content.read(BLOCK)):
                    size += len(block)
                    yield block
            finally:
                answer.close()
            if told.size is not None and size != told.size:
                raise SourceUnavailable("the server sent less than it said", remedy="try again")
            after = self._do(self._head(entry.path))
            if (after.version, after.size or size) != (told.version, size) and after.version:
                raise changed()

    # ---- on fsspec's event loop --------------------------------------------------------------------------------------

    def _do(self, work: Coroutine[Any, Any, _Answer]) -> _Answer:
        from fsspec.asyn import sync

        async def in_time() -> _Answer:
            async with asyncio.timeout(4 * self.timeout_s):
                return await work

        answer: _Answer = sync(self._fs.loop, in_time)
        return answer

    async def _get(self, url: str) -> aiohttp.ClientResponse:
        session = await self._fs.set_session()
        answer: aiohttp.ClientResponse = await session.get(self._fs.encode_url(url), **self._fs.kwargs)
        try:
            self._judge(answer)
        except BaseException:
            answer.close()
            raise
        return answer

    async def _head(self, path: str) -> Entry:
        session = await self._fs.set_session()
        async with session.head(
            self._fs.encode_url(self._url(path)), allow_redirects=True, **self._fs.kwargs
        ) as answer:
            if answer.status not in _NO_HEAD:
                self._judge(answer)
                return _entry_of(path, answer)
        asked = await self._get(self._url(path))
        asked.close()
        return _entry_of(path, asked)

    async def _page(self, url: str) -> str | None:
        answer = await self._get(url)
        try:
            if answer.content_type != "text/html":
                return None
            page = bytearray()
            async for block in answer.content.iter_chunked(BLOCK):
                page += block
                if len(page) > _LONGEST_LIST:
                    raise SourceUnavailable(
                        f"the list of files is longer than {_LONGEST_LIST >> 20} MB",
                        remedy="have the files put into folders by day, or name them without * and ?",
                    )
            return bytes(page).decode(answer.charset or "utf-8", errors="replace")
        finally:
            answer.close()

    def _judge(self, answer: aiohttp.ClientResponse) -> None:
        """Raise unless the answer is what was asked for, from whom it was asked."""
        ours = urlsplit(self._root)
        if (answer.url.scheme, answer.url.raw_host, answer.url.port) != (
            ours.scheme, (ours.hostname or "").lower(), ours.port or {"http": 80, "https": 443}[ours.scheme]
        ):  # fmt: skip
            raise SourceRefused(
                f"the server of connection {self.place.connection!r} sends us to another server",
                remedy="give the address it leads to, if that one is the department's",
            )
        if answer.status in _GONE:
            raise FileNotFoundError
        if answer.status in (401, 403, 407):
            raise SourceRefused(
                f"the server of connection {self.place.connection!r} does not let us in ({answer.status})",
                remedy="correct user, password or token, or ask for the right to read",
            )
        if answer.status != 200:
            kind = SourceUnavailable if answer.status >= 500 or answer.status in (408, 425, 429) else SourceRefused
            raise kind(
                f"the server of connection {self.place.connection!r} answers {answer.status}",
                remedy="try again; if it stays so, ask its operator",
            )

    def _url(self, path: str) -> str:
        return f"{self._root}/{_quoted(path)}"

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Put whatever the client says into our words; its own may quote the address."""
        import aiohttp

        try:
            yield
        except (CitybrainError, FileNotFoundError):
            raise
        except aiohttp.ClientConnectorCertificateError:
            raise SourceRefused(
                f"the certificate of the server of connection {self.place.connection!r} does not hold",
                remedy="have it renewed, or name the authority that signed it as ca_file",
            ) from None
        except aiohttp.TooManyRedirects:
            raise SourceRefused(
                f"the server of connection {self.place.connection!r} redirects us in a circle",
                remedy="correct the address",
            ) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            what = (
                f"was silent for {self.timeout_s:g} s" if isinstance(error, TimeoutError)
                else "cannot be reached, or broke the connection"
            )  # fmt: skip
            raise SourceUnavailable(
                f"the server of connection {self.place.connection!r} {what}",
                remedy="try again; if it stays so, ask its operator",
            ) from None


class _Links(HTMLParser):
    """Collects where the links of a page lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Only ``<a href>`` counts."""
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def _entry_of(path: str, answer: aiohttp.ClientResponse) -> Entry:
    """What the head of an answer says of a file. Without etag or time its size is all there is to see it change."""
    headers = answer.headers
    size = int(headers["Content-Length"]) if headers.get("Content-Length", "").isdecimal() else None
    told = headers.get("Last-Modified", "")
    when = None
    with contextlib.suppress(ValueError, TypeError):
        when = parsedate_to_datetime(told)
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
    etag = headers.get("ETag", "").removeprefix("W/")
    version = f"{etag} {told}".strip() or f"{'' if size is None else size}"
    return Entry(path, "file", size, version, when if isinstance(when, datetime) else None)


def _quoted(path: str) -> str:
    return quote(path.encode(errors="surrogateescape"), safe="/")
