"""HTTP APIs that answer in JSON, page by page: whatever way of paging, of asking and of knowing us a department has."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pydantic

from lake.connectors.http_auth import Ask, Auth, address_of, as_text, at, authenticator_of
from lake.connectors.http_client import Answer, Client, Codes, NotThere, Patience, TooLarge, Transient, is_decimal
from lake.connectors.http_pages import Contradiction, PageArguments, Pages, Turn, path_of, placed
from lake.connectors.paths import name_of
from lake.connectors.protocol import Description, Fetched, FetchedFile, SourceColumn
from lake.contracts.model import Contract, Mode, Window
from lake.errors import CitybrainError, DeliveryDamaged, SourceLate, SourceRefused, SourceUnavailable
from lake.settings import Settings

DIGEST_ALGORITHM = "json-items-v1"
"""sha256 over the records of all pages in their order, each as JSON with sorted keys, no blanks, numbers as they were
spelled, and a comma; where the API is asked day by day, over the days' digests in hex, a line each. What an
envelope says beside the records (a time, a trace id) and where pages end do not count."""

_encoded = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_SECRET_NAME = re.compile(
    r"(?i)(^|[-_.])(authorization|cookie|token|secret|password|passwd|api[-_]?key|app[-_]?secret|access[-_]?key)$"
)
_DESCRIBED_DAYS = (1, 31, 366)
"""How many days a description asks for, one after the other, until there is a record."""


class HttpArguments(PageArguments):
    """Arguments of an API; those of its paging are `PageArguments`.

    A dotted way (``data.total``) leads into the answer; where keys hold dots it is a JSON pointer (``/@odata.count``).

    Attributes:
        path: path below the connection's address.
        method, send: GET, or POST with the parameters as ``json`` or ``form``; default ``query`` for GET.
        params: parameters that are always the same; in a JSON body they may be nested.
        query: parameters that stay in the URL when the others go into a body.
        headers: headers that are always the same. No secret stands in a contract.
        auth: how the source knows us; None = as the connection's address says.
        items_path: dotted way to the list of records; empty = the page is the list.
        total_field: dotted way to the number of records of the whole answer; None = the API does not say. Default:
            ``total`` for page and offset, None for the other ways of paging.
        sparse: keys without a value may be left out of a record; see `lake.connectors.json_files.ItemArguments`.
        null_is_empty: a page whose list of records is ``null`` or missing has none.
        first_day_param, last_day_param: names of the first and last day asked for; a snapshot is asked for without.
        day_param: name of the one day asked for, in place of these: the API is asked day by day.
        day_format: strftime pattern of days (of their first instant in the contract's zone), or ``epoch_s``,
            ``epoch_ms``.
        last_day_format: that of the last day, if another, such as ``%Y-%m-%d 23:59:59``.
        last_day_is_excluded: the API gives records before the last day and none of it.
        available_through_field: dotted way to the last day the source has, in an answer or in a 404.
        success_field, success_values: dotted way to the API's own code and its values, as text, when all is well.
        late_values, retry_values, token_values: of the same field: not published yet, try again, token not accepted.
        verify: how changes under our hands are looked for: ``first_page`` asks for it again after the last,
            ``twice`` reads all pages again, ``none`` trusts.
        attempts: how often a page is asked for before the source counts as unavailable.
        backoff_s: seconds before the second attempt; doubles. `Retry-After` goes before it.
        timeout_s: seconds without a byte after which an attempt has failed.
        page_timeout_s: seconds an attempt may take altogether.
        requests_per_second: how many requests are sent at most.
        page_limit_mb: megabytes of a page at most; it is parsed in memory, which takes about eight times as much.
    """

    path: str = pydantic.Field(pattern="^/")
    method: Literal["GET", "POST"] = "GET"
    send: Literal["query", "json", "form"] | None = None
    params: dict[str, Any] = pydantic.Field(default_factory=dict)
    query: dict[str, str | int] = pydantic.Field(default_factory=dict)
    headers: dict[str, str] = pydantic.Field(default_factory=dict)
    auth: Auth | None = None
    items_path: str = pydantic.Field(default="items", pattern=r"^([^.\[\]/]+(\.[^.\[\]/]+)*)?$")
    total_field: str | None = "total"
    sparse: bool = False
    null_is_empty: bool = False
    first_day_param: str | None = "from"
    last_day_param: str | None = "to"
    day_param: str | None = None
    day_format: str = "%Y-%m-%d"
    last_day_format: str | None = None
    last_day_is_excluded: bool = False
    available_through_field: str | None = "available_through"
    success_field: str | None = None
    success_values: tuple[str | int | bool, ...] = ()
    late_values: tuple[str | int, ...] = ()
    retry_values: tuple[str | int, ...] = ()
    token_values: tuple[str | int, ...] = ()
    verify: Literal["none", "first_page", "twice"] = "first_page"
    attempts: int = pydantic.Field(default=5, ge=1, le=20)
    backoff_s: float = pydantic.Field(default=0.5, ge=0)
    timeout_s: float = pydantic.Field(default=30.0, gt=0)
    page_timeout_s: float = pydantic.Field(default=300.0, gt=0)
    requests_per_second: float | None = pydantic.Field(default=None, gt=0)
    page_limit_mb: int = pydantic.Field(default=64, ge=1, le=1024)

    @property
    def sends(self) -> str:
        """Where the parameters go."""
        return self.send or ("query" if self.method == "GET" else "json")

    @property
    def total_way(self) -> str | None:
        """`total_field`, which cursors and links mostly come without."""
        if "total_field" in self.model_fields_set or self.paging in ("page", "offset"):
            return self.total_field
        return None


class _NotPublished(Exception):
    """The source does not have all of the days asked for."""

    def __init__(self, available_through: date | None) -> None:
        super().__init__()
        self.available_through = available_through


@dataclass(frozen=True)
class _Page:
    """One page as it came: its turn, its answer, its records."""

    turn: Turn
    answer: Answer
    items: list[Any]
    total: int | None
    through: date | None

    @cached_property
    def text(self) -> bytes:
        """The records as their digest takes them."""
        return _encoded(self.items)[1:-1].encode() + b"," if self.items else b""

    @cached_property
    def digest(self) -> str:
        """Of the records alone."""
        return hashlib.sha256(self.text).hexdigest()


@dataclass(frozen=True)
class _Reading:
    """All pages of a question, read once.

    Attributes:
        files: as they were landed.
        total: number of records the source states; None when it does not.
        last: last day the source has.
        pages: digest of each page's records.
        digest: of all of them; see `DIGEST_ALGORITHM`.
        is_doubtful: a record of one page came on the next one again.
    """

    files: tuple[FetchedFile, ...]
    total: int | None
    last: date
    pages: tuple[str, ...]
    digest: str
    is_doubtful: bool


class Source:
    """A paged API. Each page lands as the bytes of its body; a record is an item of its list."""

    Arguments = HttpArguments

    def __init__(self, contract: Contract, settings: Settings) -> None:
        self.arguments = HttpArguments.model_validate(contract.source.arguments)
        source = contract.source
        self._address = address_of(settings.connection(source.connection), source.connection, contract.dataset)
        self._zone = ZoneInfo(contract.zone)
        self._authenticator = authenticator_of(self.arguments.auth, self._address, contract.zone)
        self.url = self._address.url(self.arguments.path)

    @classmethod
    def check(cls, contract: Contract) -> list[str]:
        """An API is asked by the day, so windows do not overlap; arguments must fit together, and hold no secret."""
        arguments = HttpArguments.model_validate(contract.source.arguments)
        problems = [
            f"{name}: means something for text files only; leave it out"
            for name, default in (("encoding", "utf-8"), ("delimiter", ","), ("quote", '"'))
            if getattr(contract, name) != default
        ]
        if contract.overlap:
            problems.append("overlap: the API is asked for whole days; use recapture_days, or leave it out")
        asks_by_range = None not in (arguments.first_day_param, arguments.last_day_param)
        if contract.mode is not Mode.SNAPSHOT and not asks_by_range and arguments.day_param is None:
            problems.append(
                f"first_day_param, last_day_param: mode {contract.mode} asks by the day: give both, or day_param"
            )
        if arguments.day_param and arguments.model_fields_set & {"first_day_param", "last_day_param"}:
            problems.append("day_param: the API is asked day by day; leave out first_day_param and last_day_param")
        return problems + arguments.paging_problems() + _unfit(arguments)

    def describe(self, contract: Contract) -> Description:
        """The keys of the first page's records with their JSON types, those of inner objects by dotted ways."""
        today = datetime.now(UTC).astimezone(self._zone).date()
        last = today - timedelta(days=1 + contract.publication_lag_days)
        with _told_as_ours(contract, Window(last, last)), self._client() as client:
            asked, page = self._sample(client, contract, last)
        notes = []
        if contract.mode is not Mode.SNAPSHOT:
            notes.append(f"The first page of {asked} was looked at, {len(page.items)} records.")
        if page.total is None:
            notes.append("The API states no total: how many records there are is known only after the last page.")
        if any(not isinstance(item, dict) for item in page.items):
            notes.append("Some records are no JSON objects: they have no columns.")
        return Description(_columns(page.items), None, page.through, tuple(notes))

    def _sample(self, client: Client, contract: Contract, last: date) -> tuple[Window, _Page]:
        """A first page with records: of the last day, else of a month, else of a year before it."""
        found: tuple[Window, _Page] | None = None
        for days in _DESCRIBED_DAYS:
            for _ in range(2):  # a source that is behind says how far it is
                first = last if self.arguments.day_param else last - timedelta(days=days - 1)
                try:
                    found = Window(first, last), self._first_page(client, contract, Window(first, last))
                    break
                except _NotPublished as late:
                    if late.available_through is not None and late.available_through < last:
                        last = late.available_through
            if found and (found[1].items or contract.mode is Mode.SNAPSHOT):
                break
        if found is None:
            raise _late(contract, Window(last, last), None)
        return found

    def count(self, contract: Contract, window: Window) -> int | None:
        """The total, asked for with the smallest page; None where the API states none."""
        if self.arguments.total_way is None:
            return None
        counts: list[int] = []
        through: date | None = None
        with _told_as_ours(contract, window), self._client() as client:
            for asked in self._questions(window):
                try:
                    counts.append(self._counted(client, contract, asked))
                except _NotPublished as late:
                    through = late.available_through
        if not counts:
            raise _late(contract, window, through)
        return sum(counts)

    def _counted(self, client: Client, contract: Contract, asked: Window) -> int:
        try:
            return self._first_page(client, contract, asked, page_size=1).total or 0
        except _NotPublished as late:
            through = late.available_through
            if through is None or not asked.first <= through < asked.last:
                raise
        return self._counted(client, contract, Window(asked.first, through))

    def fetch(self, contract: Contract, window: Window, into: Path) -> Fetched:
        """Bring every page of the window, or nothing. Pages that contradict each other are read once more."""
        readings: list[_Reading] = []
        missing: list[date] = []
        through: date | None = None
        with _told_as_ours(contract, window), self._client() as client:
            for asked in self._questions(window):
                landed = sum(len(reading.files) for reading in readings)
                try:
                    reading = self._fetch_published(client, contract, asked, into, landed)
                except _NotPublished as late:
                    through = late.available_through
                    missing += asked.days()
                    continue
                readings.append(reading)
                missing += [day for day in asked.days() if day > reading.last]
        if not readings:
            raise _late(contract, window, through)
        files = tuple(file for reading in readings for file in reading.files)
        totals = [reading.total for reading in readings]
        total = None if None in totals else sum(each or 0 for each in totals)
        digest = readings[0].digest
        if self.arguments.day_param:
            digest = hashlib.sha256("".join(f"{reading.digest}\n" for reading in readings).encode()).hexdigest()
        return Fetched(files, total, digest, DIGEST_ALGORITHM, tuple(missing))

    def _questions(self, window: Window) -> list[Window]:
        """The window as the API can be asked for it: at once, or day by day."""
        return [Window(day, day) for day in window.days()] if self.arguments.day_param else [window]

    def _fetch_published(self, client: Client, contract: Contract, asked: Window, into: Path, landed: int) -> _Reading:
        try:
            return self._fetch_consistent(client, contract, asked, into, landed)
        except _NotPublished as late:
            through = late.available_through
            if through is None or not asked.first <= through < asked.last:
                raise
        # The source refuses a range whose end it does not have: take what it has.
        reading = self._fetch_consistent(client, contract, Window(asked.first, through), into, landed)
        return replace(reading, last=min(reading.last, through))

    def _fetch_consistent(self, client: Client, contract: Contract, asked: Window, into: Path, landed: int) -> _Reading:
        """Pages that belong together; a second try when they changed while they were read."""
        try:
            return self._fetch_verified(client, contract, asked, into, landed)
        except Contradiction:
            for file in sorted(into.iterdir())[landed:]:
                file.unlink()
        try:
            return self._fetch_verified(client, contract, asked, into, landed)
        except Contradiction as contradiction:
            raise DeliveryDamaged(
                f"the pages contradict each other, twice: {contradiction}",
                remedy="compare the contract's paging with the API's description; if it is right, ask the department "
                "whether it changes data while it is read",
                dataset=contract.dataset,
                day=asked.first,
            ) from None

    def _fetch_verified(self, client: Client, contract: Contract, asked: Window, into: Path, landed: int) -> _Reading:
        """Read, then look whether what was read still stands."""
        reading = self._read(client, contract, asked, into, landed)
        if len(reading.pages) < 2:
            return reading  # one answer is of one moment
        if self.arguments.verify == "twice" or reading.is_doubtful:
            # A record on two pages may be one that moved while another got lost, or a true double of the source: the
            # same pages a second time say that nothing moved.
            again = [page.digest for page in self._walk(client, contract, asked)]
            if again != list(reading.pages):
                raise Contradiction("read a second time the pages hold other records")
        elif self.arguments.verify == "first_page":
            first = self._first_page(client, contract, asked)
            if first.total != reading.total:
                raise Contradiction(f"the total went from {reading.total} to {first.total} while the pages were read")
            if first.digest != reading.pages[0]:
                raise Contradiction("the first page holds other records after the last was read")
        return reading

    def _read(self, client: Client, contract: Contract, asked: Window, into: Path, landed: int) -> _Reading:
        """Land every page of a question."""
        files: list[FetchedFile] = []
        pages: list[str] = []
        last, total, is_doubtful = asked.last, None, False
        before: set[bytes] = set()
        everything = hashlib.sha256()
        for page in self._walk(client, contract, asked):
            last, total = min(last, page.through or last), page.total
            if page.items and page.digest in pages:
                raise Contradiction(f"page {page.turn.number} is page {pages.index(page.digest) + 1} again")
            pages.append(page.digest)
            keys = _identities(page, contract)
            is_doubtful = is_doubtful or not keys.isdisjoint(before)
            before = keys
            everything.update(page.text)
            if page.answer.body:
                name = f"page-{landed + len(files) + 1:05d}.json"
                (into / name).write_bytes(page.answer.body)
                day = asked.first if self.arguments.day_param and contract.mode is not Mode.SNAPSHOT else None
                sha256 = hashlib.sha256(page.answer.body).hexdigest()
                files.append(FetchedFile(name, day, sha256, len(page.answer.body), len(page.items)))
        return _Reading(tuple(files), total, last, tuple(pages), everything.hexdigest(), is_doubtful)

    def _walk(self, client: Client, contract: Contract, asked: Window) -> Iterator[_Page]:
        """Every page of a question, one after the other; none is kept."""
        pages = Pages(self.arguments, self._address)
        turn: Turn | None = pages.first()
        total: int | None = None
        collected = 0
        while turn is not None:
            ask = self._ask(contract, asked, turn)
            page = self._page(client, contract, asked, ask, turn)
            if turn.number > 1 and page.total != total:
                raise Contradiction(f"the total went from {total} to {page.total}")
            total = page.total
            collected += len(page.items)
            yield page
            turn = pages.after(turn, ask, page.answer, page.items, collected=collected, total=total)
        if total is not None and collected != total:
            raise Contradiction(f"{collected} records came of the {total} stated")

    def _first_page(self, client: Client, contract: Contract, asked: Window, page_size: int | None = None) -> _Page:
        turn = Pages(self.arguments, self._address).first()
        if page_size is not None and self.arguments.page_size_param in turn.params:
            turn = replace(turn, params={**turn.params, self.arguments.page_size_param or "": page_size})
        return self._page(client, contract, asked, self._ask(contract, asked, turn), turn)

    def _page(self, client: Client, contract: Contract, asked: Window, ask: Ask, turn: Turn) -> _Page:
        try:
            answer = client.ask(ask, f"page {turn.number}")
        except TooLarge:
            raise DeliveryDamaged(
                f"page {turn.number} is larger than {self.arguments.page_limit_mb} MB",
                remedy="make page_size smaller in the contract, or page_limit_mb larger",
            ) from None
        except NotThere as not_there:
            raise self._of_not_there(not_there) from None
        through = _as_day(at(answer.page, self.arguments.available_through_field))
        if through is not None and contract.mode is not Mode.SNAPSHOT and through < asked.first:
            raise _NotPublished(through)
        total = self._total(answer, turn)
        items = at(answer.page, self.arguments.items_path)
        if items is None and (answer.page is None or total == 0 or self.arguments.null_is_empty):
            items = []
        if not isinstance(items, list):
            raise Contradiction(f"page {turn.number} holds no list of records")
        return _Page(turn, answer, items, total, through)

    def _total(self, answer: Answer, turn: Turn) -> int | None:
        if self.arguments.total_way is None:
            return None
        stated = 0 if answer.page is None else at(answer.page, self.arguments.total_way)
        if isinstance(stated, str) and re.fullmatch(r"\d{1,12}", stated):
            return int(stated)
        if not isinstance(stated, int) or isinstance(stated, bool):
            raise Contradiction(f"page {turn.number} states no total")
        return stated

    def _of_not_there(self, answer: NotThere) -> Exception:
        """Whether it is "not yet" or "no such thing"."""
        through = _as_day(at(answer.page, self.arguments.available_through_field))
        says_so = isinstance(answer.page, dict) and "not_published" in answer.page.values()
        if through is not None or says_so or answer.is_late:
            return _NotPublished(through)
        return SourceRefused(
            f"the source answers {path_of(self.url)} with status 404{answer.code}",
            remedy="compare path and arguments of the contract with the API's description",
        )

    def _ask(self, contract: Contract, asked: Window, turn: Turn) -> Ask:
        arguments = self.arguments
        if turn.url is not None:
            return Ask("GET", turn.url, headers=arguments.headers)
        in_url = {name: as_text(value) for name, value in arguments.query.items()}
        params = {**arguments.params, **self._days(contract, asked), **turn.params}
        if arguments.sends == "query":
            return Ask(
                arguments.method, self.url, {**in_url, **placed(params, nested=False)}, None, False, arguments.headers
            )
        body = placed(params, nested=arguments.sends == "json")
        return Ask(arguments.method, self.url, in_url, body, arguments.sends == "form", arguments.headers)

    def _days(self, contract: Contract, asked: Window) -> dict[str, Any]:
        """The days asked for, as the API spells them."""
        arguments = self.arguments
        if contract.mode is Mode.SNAPSHOT:
            return {}
        if arguments.day_param:
            return {arguments.day_param: self._spelled(asked.first, arguments.day_format)}
        last = asked.last + timedelta(days=1) if arguments.last_day_is_excluded else asked.last
        days = {
            arguments.first_day_param: self._spelled(asked.first, arguments.day_format),
            arguments.last_day_param: self._spelled(last, arguments.last_day_format or arguments.day_format),
        }
        return {name: day for name, day in days.items() if name}

    def _spelled(self, day: date, format_: str) -> str | int:
        instant = datetime.combine(day, time.min, self._zone)
        if format_ in ("epoch_s", "epoch_ms"):
            return int(instant.timestamp()) * (1000 if format_ == "epoch_ms" else 1)
        return instant.strftime(format_)

    def _client(self) -> Client:
        arguments = self.arguments
        patience = Patience(
            arguments.attempts,
            arguments.backoff_s,
            arguments.timeout_s,
            arguments.page_timeout_s,
            arguments.requests_per_second,
            arguments.page_limit_mb << 20,
        )
        codes = Codes(
            arguments.success_field,
            *(
                frozenset(str(value).lower() if isinstance(value, bool) else str(value) for value in values)
                for values in (
                    arguments.success_values,
                    arguments.late_values,
                    arguments.retry_values,
                    arguments.token_values,
                )
            ),
        )
        return Client(self._address, self._authenticator, patience, codes)


def _unfit(arguments: HttpArguments) -> list[str]:
    """Arguments that contradict each other."""
    problems = []
    if arguments.method == "GET" and arguments.sends != "query":
        problems.append(f"send: a GET has no body; write method: POST, or leave out send: {arguments.send}")
    if arguments.sends != "json" and any(isinstance(value, dict | list) for value in arguments.params.values()):
        problems.append("params: only a JSON body holds lists and mappings")
    if bool(arguments.success_field) != bool(arguments.success_values):
        problems.append("success_field, success_values: give both, or neither")
    if not arguments.success_field and (arguments.late_values or arguments.retry_values or arguments.token_values):
        problems.append("late_values, retry_values, token_values: they are values of success_field; name it")
    problems += [
        f"{where}: {name} looks like a secret; it belongs into the connection, and into the contract's auth by name"
        for where, names in (
            ("headers", arguments.headers), ("params", arguments.params), ("query", arguments.query),
        )
        for name in names
        if _SECRET_NAME.search(name)
    ]  # fmt: skip
    return problems


def _columns(items: list[Any]) -> tuple[SourceColumn, ...]:
    """Names and JSON types of records, in the order they are met."""
    kinds: dict[tuple[str, ...], set[str]] = {}
    seen: dict[tuple[str, ...], int] = {}
    records = [item for item in items if isinstance(item, dict)]
    for record in records:
        for way, kind in _leaves(record, ()):
            kinds.setdefault(way, set()).add(kind)
            seen[way] = seen.get(way, 0) + 1
    inner = {way[:depth] for way in kinds for depth in range(1, len(way))}
    return tuple(
        SourceColumn(
            name_of(way),
            " or ".join(sorted(found - {"null"})) or "null",
            "null" in found or seen[way] < len(records),
        )
        for way, found in kinds.items()
        if way not in inner  # an object that is null now and then
    )


def _leaves(record: dict[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    for name, value in record.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*above, name))
        else:
            yield (*above, name), _json_type(value)


def _json_type(value: Any) -> str:
    if is_decimal(value):
        return "number"
    for kind, name in (
        (bool, "boolean"),
        (int, "integer"),
        (float, "number"),
        (str, "string"),
        (list, "array"),
        (dict, "object"),
    ):
        if isinstance(value, kind):
            return name
    return "null"


def _identities(page: _Page, contract: Contract) -> set[Any]:
    """By what each record is the same as another: its key and its version, else all of it."""
    names = [column.source_name for column in contract.key]
    if contract.cursor is not None:
        names.append(contract.column(contract.cursor).source_name)
    if not contract.key:
        return set(map(_encoded, page.items))
    found: set[Any] = set()
    for item in page.items:
        values = tuple([at(item, name) for name in names])
        is_plain = all(isinstance(value, str | int) for value in values)
        found.add(values if is_plain else _encoded(item if None in values else values))
    return found


@contextmanager
def _told_as_ours(contract: Contract, window: Window) -> Iterator[None]:
    """Give errors of single requests the dataset and the day."""
    try:
        yield
    except Transient as error:
        raise SourceUnavailable(
            f"the source of connection {contract.source.connection!r} does not answer as it should: {error}",
            remedy="look at the source and the network; the next run tries again",
            dataset=contract.dataset,
            day=window.first,
        ) from None
    except Contradiction as error:
        raise DeliveryDamaged(
            f"the source's answer is not as the contract says: {error}",
            remedy="compare paging, items_path and total_field of the contract with the API's description",
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


def _as_day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None
