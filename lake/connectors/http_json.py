"""HTTP APIs that page through JSON: page numbers, a total, a bearer token, a rate limit."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pydantic

from lake.connectors.files import DIGEST_ALGORITHM, digest_of
from lake.connectors.protocol import Arguments, Fetched, FetchedFile
from lake.contracts.model import Contract, Mode, Window
from lake.errors import CitybrainError, ContractError, DeliveryDamaged, SourceLate, SourceRefused, SourceUnavailable
from lake.settings import Settings

if TYPE_CHECKING:
    import httpx
    from tenacity import RetryCallState

LONGEST_WAIT_S = 120.0
"""A server that asks for more patience than this is unavailable; the next run tries again."""
MOST_PAGE_BYTES = 256 << 20
"""A page is parsed in memory, so its size is bounded."""


class HttpArguments(Arguments):
    """Arguments of a paged API.

    Attributes:
        path: path below the connection's address.
        items_path: dotted way to the list of records; empty = the page is the list.
        total_field: dotted way to the number of records of the whole answer; None = pages are read up to an empty one.
        page_param, first_page: name of the page number and the number of the first page.
        page_size_param, page_size: name and number of records a page holds.
        first_day_param, last_day_param: names of the first and last day asked for, both included, ISO 8601; a
            snapshot is asked for without days.
        available_through_field: dotted way to the last day the source has, in an answer or in a 404.
        attempts: how often a page is asked for before the source counts as unavailable.
        backoff_s: seconds before the second attempt; doubles. `Retry-After` goes before it.
        timeout_s: seconds without a byte after which an attempt has failed.
    """

    path: str = pydantic.Field(pattern="^/")
    items_path: str = "items"
    total_field: str | None = "total"
    page_param: str = "page"
    first_page: int = 1
    page_size_param: str = "page_size"
    page_size: int = pydantic.Field(default=1000, ge=1)
    first_day_param: str | None = "from"
    last_day_param: str | None = "to"
    available_through_field: str | None = "available_through"
    attempts: int = pydantic.Field(default=5, ge=1, le=20)
    backoff_s: float = pydantic.Field(default=0.5, ge=0)
    timeout_s: float = pydantic.Field(default=30.0, gt=0)


class _Transient(Exception):
    """An attempt that is worth another one."""

    def __init__(self, cause: str, retry_after_s: float | None = None) -> None:
        super().__init__(cause)
        self.retry_after_s = retry_after_s


class _Inconsistent(Exception):
    """Pages that do not belong together: the data changed while it was read."""


class _NotPublished(Exception):
    """The source does not have all of the days asked for."""

    def __init__(self, available_through: date | None) -> None:
        super().__init__()
        self.available_through = available_through


class Source:
    """A paged API. Each page lands as the bytes of its body; a record is an item of its list."""

    Arguments = HttpArguments

    def __init__(self, contract: Contract, settings: Settings) -> None:
        self.arguments = HttpArguments.model_validate(contract.source.arguments)
        parts = urlsplit(settings.connection(contract.source.connection))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ContractError(
                f"connection {contract.source.connection!r} is not an HTTP address",
                remedy="give it as https://:TOKEN@host:port",
                dataset=contract.dataset,
            )
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        port = f":{parts.port}" if parts.port else ""
        self.url = f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}{self.arguments.path}"
        self._token = unquote(parts.password) if parts.password else None

    @classmethod
    def check(cls, contract: Contract) -> list[str]:
        """An API is asked by the day, so windows do not overlap."""
        arguments = HttpArguments.model_validate(contract.source.arguments)
        problems = [
            f"{name}: means something for text files only; leave it out"
            for name, default in (("encoding", "utf-8"), ("delimiter", ","), ("quote", '"'))
            if getattr(contract, name) != default
        ]
        if contract.overlap:
            problems.append("overlap: the API is asked for whole days; use recapture_days, or leave it out")
        if contract.mode is not Mode.SNAPSHOT and None in (arguments.first_day_param, arguments.last_day_param):
            problems.append(f"first_day_param, last_day_param: mode {contract.mode} asks by the day: give both")
        return problems

    def fetch(self, contract: Contract, window: Window, into: Path) -> Fetched:
        """Bring every page of the window, or nothing. Pages that contradict each other are read once more."""
        with _told_as_ours(contract, window), self._client() as client:
            try:
                return self._fetch_consistent(client, contract, window, window, into)
            except _NotPublished as late:
                through = late.available_through
                if through is None or not window.first <= through < window.last:
                    raise _late(contract, window, through) from None
            # The source refuses a range whose end it does not have: take what it has.
            try:
                return self._fetch_consistent(client, contract, window, Window(window.first, through), into)
            except _NotPublished as late:
                raise _late(contract, window, late.available_through) from None

    def _fetch_consistent(
        self, client: httpx.Client, contract: Contract, window: Window, asked: Window, into: Path
    ) -> Fetched:
        """Pages that belong together; a second try when they changed while they were read."""
        try:
            return self._fetch_pages(client, contract, window, asked, into)
        except _Inconsistent:
            _empty(into)
        try:
            return self._fetch_pages(client, contract, window, asked, into)
        except _Inconsistent as contradiction:
            raise DeliveryDamaged(
                f"the pages contradict each other, twice: {contradiction}",
                remedy="ask the department whether it changes data while it is read",
                dataset=contract.dataset,
                day=window.first,
            ) from None

    def _client(self) -> httpx.Client:
        import httpx

        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {self._token}"} if self._token else {})
        # Proxies and .netrc of the machine are not the contract's business.
        return httpx.Client(headers=headers, timeout=self.arguments.timeout_s, trust_env=False)

    def _fetch_pages(
        self, client: httpx.Client, contract: Contract, window: Window, asked: Window, into: Path
    ) -> Fetched:
        files: list[FetchedFile] = []
        total: int | None = None
        collected, last = 0, asked.last
        query = self._query(contract, asked)
        while True:
            body, page = self._page(client, query, self.arguments.first_page + len(files))
            through = _as_day(_at(page, self.arguments.available_through_field))
            if through is not None and contract.mode is not Mode.SNAPSHOT:
                if through < asked.first:
                    raise _NotPublished(through)
                last = min(last, through)
            items = _at(page, self.arguments.items_path)
            if not isinstance(items, list):
                raise _Inconsistent(f"page {len(files) + 1} holds no list of records")
            if self.arguments.total_field is not None:
                stated = _at(page, self.arguments.total_field)
                if not isinstance(stated, int) or isinstance(stated, bool):
                    raise _Inconsistent(f"page {len(files) + 1} states no total")
                if total is not None and stated != total:
                    raise _Inconsistent(f"the total went from {total} to {stated}")
                total = stated
            digest = hashlib.sha256(body).hexdigest()
            if items and files and digest == files[-1].sha256:
                raise _Inconsistent(f"page {len(files) + 1} is page {len(files)} again")
            name = f"page-{len(files) + 1:05d}.json"
            (into / name).write_bytes(body)
            files.append(FetchedFile(name, None, digest, len(body), len(items)))
            collected += len(items)
            if not items or (total is not None and collected >= total):
                break
        if total is not None and collected != total:
            raise _Inconsistent(f"{collected} records came of the {total} stated")
        missing = tuple(day for day in window.days() if day > last)
        return Fetched(tuple(files), total, digest_of(files), DIGEST_ALGORITHM, missing)

    def _query(self, contract: Contract, asked: Window) -> dict[str, str]:
        query = {self.arguments.page_size_param: str(self.arguments.page_size)}
        if contract.mode is not Mode.SNAPSHOT:
            query |= {
                name: day.isoformat()
                for name, day in (
                    (self.arguments.first_day_param, asked.first),
                    (self.arguments.last_day_param, asked.last),
                )
                if name
            }
        return query

    def _page(self, client: httpx.Client, query: dict[str, str], number: int) -> tuple[bytes, Any]:
        """Body of one page and what it says."""
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

        patient = Retrying(
            stop=stop_after_attempt(self.arguments.attempts),
            wait=self._wait,
            retry=retry_if_exception_type(_Transient),
            sleep=time.sleep,
            reraise=True,
        )
        return patient(self._attempt, client, query | {self.arguments.page_param: str(number)}, number)

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _Transient) and error.retry_after_s is not None:
            return error.retry_after_s
        return min(self.arguments.backoff_s * 2.0 ** (state.attempt_number - 1), LONGEST_WAIT_S)

    def _attempt(self, client: httpx.Client, query: dict[str, str], number: int) -> tuple[bytes, Any]:
        import httpx

        try:
            with client.stream("GET", self.url, params=query) as response:
                body = bytearray()
                for block in response.iter_bytes():
                    body += block
                    if len(body) > MOST_PAGE_BYTES:
                        raise _Inconsistent(f"page {number} is larger than {MOST_PAGE_BYTES >> 20} MB")
        except httpx.TimeoutException:
            raise _Transient(f"page {number}: no answer within {self.arguments.timeout_s:g} s") from None
        except httpx.TransportError as error:
            raise _Transient(f"page {number}: {_in_words(error)}") from None
        except httpx.DecodingError:
            raise _Transient(f"page {number}: the body's compression is damaged") from None
        self._judge(response, bytes(body), number)
        try:
            return bytes(body), json.loads(body)
        except (ValueError, RecursionError):
            raise _Transient(f"page {number}: the body is not JSON to its end") from None

    def _judge(self, response: httpx.Response, body: bytes, number: int) -> None:
        """Sort a status into: go on, try again, refused, late."""
        status = response.status_code
        if status == 200:
            return
        if status == 429 or status >= 500 or status == 408:
            after = _retry_after(response.headers.get("Retry-After"))
            if after is not None and after > LONGEST_WAIT_S:
                raise SourceUnavailable(
                    f"page {number}: status {status}, asked to come back in {after:.0f} s",
                    remedy="the next run tries again",
                )
            raise _Transient(f"page {number}: status {status}", after)
        if status == 404 and (late := self._not_published(body)):
            raise late
        if status in (401, 403):
            raise SourceRefused(f"the source refuses our token (status {status})", remedy="have the token renewed")
        raise SourceRefused(
            f"the source answers {_path_of(self.url)} with status {status}",
            remedy="compare path and arguments of the contract with the API's description",
        )

    def _not_published(self, body: bytes) -> _NotPublished | None:
        """Whether a 404 says "not yet" and not "no such thing"."""
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            return None
        if not isinstance(answer, dict):
            return None
        through = _as_day(_at(answer, self.arguments.available_through_field))
        if through is not None or "not_published" in answer.values():
            return _NotPublished(through)
        return None


def _path_of(url: str) -> str:
    """The path of a URL: what an error may show of it."""
    return urlsplit(url).path


@contextmanager
def _told_as_ours(contract: Contract, window: Window) -> Iterator[None]:
    """Give errors of single requests the dataset and the day."""
    try:
        yield
    except _Transient as error:
        raise SourceUnavailable(
            f"the source of connection {contract.source.connection!r} does not answer as it should: {error}",
            remedy="look at the source; the next run tries again",
            dataset=contract.dataset,
            day=window.first,
        ) from None
    except CitybrainError as error:
        if error.dataset is not None:
            raise
        raise type(error)(error.cause, remedy=error.remedy, dataset=contract.dataset, day=window.first) from None


def _late(contract: Contract, window: Window, through: date | None) -> SourceLate:
    known = f"the source has data through {through}" if through else "the source does not say how far its data goes"
    missing = window.first if through is None else max(window.first, through + timedelta(days=1))
    return SourceLate(
        f"the day is not published yet; {known}",
        remedy="wait for the department",
        dataset=contract.dataset,
        day=missing,
    )


def _at(page: Any, way: str | None) -> Any:
    """What lies at the end of a dotted way; None when there is no such thing."""
    if way is None:
        return None
    for step in way.split(".") if way else ():
        if not isinstance(page, dict):
            return None
        page = page.get(step)
    return page


def _as_day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None


def _retry_after(header: str | None) -> float | None:
    """Seconds to wait by a `Retry-After`, which is a number or a date."""
    if header is None:
        return None
    try:
        return max(float(header), 0.0)
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max((until - datetime.now(UTC)).total_seconds(), 0.0)


def _in_words(error: Exception) -> str:
    """An httpx error without addresses: its class name as words."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in type(error).__name__).strip()


def _empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
