"""From one page of an API to the next: page numbers, offsets, cursors, the last record's key, links.

`PageArguments` is the part of a contract's arguments that says which; `Pages` walks by them. Whatever the API answers,
a walk ends: a page, a cursor or a link that comes a second time is a contradiction, and there is a most of pages.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import pydantic

from lake.connectors.http_auth import Address, Ask, as_text, at
from lake.connectors.http_client import Answer, plain
from lake.connectors.protocol import Arguments
from lake.errors import SourceRefused

MOST_PAGES = 99_999

Paging = Literal["page", "offset", "cursor", "keyset", "link", "next_url", "none"]
_OF_PAGING: dict[str, frozenset[str]] = {
    "page": frozenset({"page_param", "first_page", "pages_field", "page_size_param", "page_size", "short_page_ends"}),
    "offset": frozenset({"offset_param", "first_offset", "page_size_param", "page_size", "short_page_ends"}),
    "cursor": frozenset(
        {"cursor_param", "cursor_field", "cursor_header", "page_size_param", "page_size", "empty_page_ends"}
    ),
    "keyset": frozenset({"cursor_param", "cursor_field", "page_size_param", "page_size", "short_page_ends"}),
    "link": frozenset({"page_size_param", "page_size", "rebase_links", "empty_page_ends"}),
    "next_url": frozenset({"next_field", "page_size_param", "page_size", "rebase_links", "empty_page_ends"}),
    "none": frozenset(),
}


class Contradiction(Exception):
    """Pages that do not belong together: the data changed while it was read, or the paging is not as agreed."""


class PageArguments(Arguments):
    """How an API is paged.

    Attributes:
        paging: ``page`` (page number), ``offset`` (records to pass over), ``cursor`` (a token of the answer goes into
            the next request), ``keyset`` (a field of the last record does), ``link`` (``Link`` header, RFC 8288),
            ``next_url`` (address of the next page in the body), ``none`` (one page is all).
        page_param, first_page: name of the page number and the number of the first page.
        pages_field: dotted way to the number of pages, for APIs that give no total of records.
        offset_param, first_offset: name of the offset and that of the first record.
        cursor_param: name of the cursor in the next request; in a JSON body a dotted way.
        cursor_field, cursor_header: where the answer has the cursor, in its body (dotted way) or in a header; of
            ``keyset`` the dotted way in a record.
        next_field: dotted way to the address of the next page.
        rebase_links: take the parameters of a link only and ask the contract's own path: for APIs behind a gateway
            whose links carry an inner address. Otherwise a link to another server is refused.
        page_size_param, page_size: name and number of records a page holds; a name of None sends none.
        more_field: dotted way to a flag that says whether more pages follow.
        short_page_ends: a page of fewer records than `page_size` is the last, so no empty one is asked for. Not for
            APIs that may give less than they are asked for.
        empty_page_ends: the API gives a cursor or link for ever, and ends with an empty page (``scroll`` does).
    """

    paging: Paging = "page"
    page_param: str = "page"
    first_page: int = 1
    pages_field: str | None = None
    offset_param: str = "offset"
    first_offset: int = 0
    cursor_param: str = "cursor"
    cursor_field: str = "next_cursor"
    cursor_header: str | None = None
    next_field: str = "next"
    rebase_links: bool = False
    page_size_param: str | None = "page_size"
    page_size: int = pydantic.Field(default=1000, ge=1)
    more_field: str | None = None
    short_page_ends: bool = False
    empty_page_ends: bool = False

    def paging_problems(self) -> list[str]:
        """Arguments that mean nothing in this way of paging."""
        of_any = frozenset().union(*_OF_PAGING.values())
        given = self.model_fields_set & (of_any - _OF_PAGING[self.paging])
        return [f"{name}: means nothing with paging {self.paging}; leave it out" for name in sorted(given)]


@dataclass(frozen=True)
class Turn:
    """What the next request differs in.

    Attributes:
        number: of the page, from 1.
        params: parameters of it alone.
        url: its whole address; None = the API's path with all parameters.
    """

    number: int
    params: Mapping[str, Any] = field(default_factory=dict)
    url: str | None = None


class Pages:
    """One walk through the pages of one question."""

    def __init__(self, arguments: PageArguments, address: Address) -> None:
        self._arguments, self._address = arguments, address
        self._seen: set[bytes] = set()

    def first(self) -> Turn:
        """The first page."""
        arguments = self._arguments
        params: dict[str, Any] = {}
        if arguments.page_size_param and arguments.paging != "none":
            params[arguments.page_size_param] = arguments.page_size
        if arguments.paging == "page":
            params[arguments.page_param] = arguments.first_page
        elif arguments.paging == "offset":
            params[arguments.offset_param] = arguments.first_offset
        return Turn(1, params)

    def after(
        self, turn: Turn, ask: Ask, answer: Answer, items: list[Any], *, collected: int, total: int | None
    ) -> Turn | None:
        """The page after this one; None when it was the last.

        Args:
            turn: the page that came.
            ask: the request it came for.
            answer: with it.
            items: its records.
            collected: number of records of all pages so far.
            total: number of records there are, where the API says so.

        Raises:
            Contradiction: the same cursor or link a second time, or too many pages.
            SourceRefused: the next link leads to another server.
        """
        arguments = self._arguments
        if turn.number >= MOST_PAGES:
            raise Contradiction(f"the pages do not end: {MOST_PAGES} were read")
        if arguments.paging == "none" or self._says_last(answer, turn):
            return None
        if arguments.paging in ("page", "offset", "keyset"):
            is_short = arguments.short_page_ends and len(items) < arguments.page_size
            if not items or is_short or (total is not None and collected >= total):
                return None
        elif arguments.empty_page_ends and not items:
            return None
        following = self._following(turn, ask, answer, items, collected)
        if following is not None:
            self._remember(following)
        return following

    def _following(self, turn: Turn, ask: Ask, answer: Answer, items: list[Any], collected: int) -> Turn | None:
        arguments, number = self._arguments, turn.number + 1
        if arguments.paging == "page":
            return Turn(number, {**turn.params, arguments.page_param: arguments.first_page + turn.number})
        if arguments.paging == "offset":
            return Turn(number, {**turn.params, arguments.offset_param: arguments.first_offset + collected})
        if arguments.paging in ("cursor", "keyset"):
            cursor = self._cursor(answer, items)
            return (
                None if cursor in (None, "", False) else Turn(number, {**turn.params, arguments.cursor_param: cursor})
            )
        link = answer.next_link if arguments.paging == "link" else at(answer.page, arguments.next_field)
        if link in (None, "", False):
            return None
        if not isinstance(link, str):
            raise Contradiction(f"the next link of page {turn.number} is no address")
        return Turn(number, {}, self._own(link, ask.url))

    def _cursor(self, answer: Answer, items: list[Any]) -> Any:
        arguments = self._arguments
        if arguments.paging == "keyset":
            cursor = plain(at(items[-1], arguments.cursor_field))
            if cursor is None:
                raise Contradiction(f"the last record of a page has no {arguments.cursor_field}")
            return cursor
        if arguments.cursor_header:
            return answer.headers.get(arguments.cursor_header.lower())
        return plain(at(answer.page, arguments.cursor_field))

    def _own(self, link: str, base: str) -> str:
        """The link as an address of the connection's own server: no other gets our token, nor any request of ours."""
        import httpx

        try:
            target = httpx.URL(base).join(link)
        except (httpx.InvalidURL, ValueError):
            raise Contradiction("a next link is no address") from None
        if self._arguments.rebase_links:
            return str(httpx.URL(base).copy_with(query=target.query))
        own = httpx.URL(self._address.origin)
        if _origin_of(target) != _origin_of(own) or target.userinfo:
            raise SourceRefused(
                "the API's next link leads to another server than the connection's",
                remedy="if that is its own inner address, set `rebase_links` in the contract; else ask the department",
            )
        return str(target.copy_with(fragment=None))

    def _says_last(self, answer: Answer, turn: Turn) -> bool:
        if self._arguments.more_field:
            more = at(answer.page, self._arguments.more_field)
            if not isinstance(more, bool) and str(more).lower() not in ("true", "false", "0", "1"):
                raise Contradiction(f"page {turn.number} does not say whether more pages follow")
            return str(more).lower() in ("false", "0")
        if self._arguments.pages_field and self._arguments.paging == "page":
            pages = at(answer.page, self._arguments.pages_field)
            if not isinstance(pages, int) or isinstance(pages, bool):
                raise Contradiction(f"page {turn.number} does not say how many pages there are")
            return turn.number >= pages
        return False

    def _remember(self, turn: Turn) -> None:
        """A cursor or a link that came before would lead in a circle; one of a scroll is always the same."""
        if self._arguments.empty_page_ends and self._arguments.paging == "cursor":
            return
        what = turn.url or json.dumps(turn.params, sort_keys=True, default=str)
        digest = hashlib.sha256(what.encode()).digest()
        if digest in self._seen:
            raise Contradiction(f"after page {turn.number - 1} the API leads back to a page that was read before")
        self._seen.add(digest)


def _origin_of(url: Any) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


def placed(params: Mapping[str, Any], *, nested: bool) -> dict[str, Any]:
    """Parameters as they are sent: in a JSON body a dotted name is a way into it; elsewhere all is text."""
    if not nested:
        return {name: as_text(value) for name, value in params.items()}
    body: dict[str, Any] = {}
    for name, value in params.items():
        *way, last = name.split(".")
        place = body
        for step in way:
            inner = place.get(step)
            place[step] = dict(inner) if isinstance(inner, dict) else {}
            place = place[step]
        place[last] = value
    return body


def path_of(url: str) -> str:
    """The path of a URL: what an error may show of it."""
    return urlsplit(url).path
