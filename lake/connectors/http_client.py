"""One request to an HTTP source with all the patience it deserves, and no more: attempts, pauses, limits, deadlines."""

from __future__ import annotations

import json
import logging
import random
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lake.connectors.http_auth import Address, Ask, Authenticator, at, told_code
from lake.errors import ContractError, SourceRefused, SourceUnavailable

if TYPE_CHECKING:
    import httpx
    from tenacity import RetryCallState

LONGEST_WAIT_S = 120.0
"""A server that asks for more patience than this is unavailable; the next run tries again."""
CLOCK_TOLERANCE_S = 60.0
"""A refusal by a server whose clock is further from ours than this may be about the clock."""


@dataclass(frozen=True)
class Patience:
    """How long and how often.

    Attributes:
        attempts: how often a page is asked for.
        backoff_s: seconds before the second attempt; doubles, and up to a quarter is added by chance.
        timeout_s: seconds without a byte after which an attempt has failed.
        deadline_s: seconds an attempt may take altogether.
        requests_per_second: how many requests are sent at most; None = as fast as they are answered.
        most_bytes: a body larger than this is not read to its end.
    """

    attempts: int
    backoff_s: float
    timeout_s: float
    deadline_s: float
    requests_per_second: float | None
    most_bytes: int


@dataclass(frozen=True)
class Codes:
    """What the API says in the body of an answer with status 200, beside its data.

    Attributes:
        field: dotted way to its code; None = a status is all it says.
        success: codes, as text, of an answer that is good; `late`: of days not published yet; `retry`: of trouble that
            passes; `token`: of a token that is no longer accepted. Any other means that the source refuses.
    """

    field: str | None = None
    success: frozenset[str] = frozenset()
    late: frozenset[str] = frozenset()
    retry: frozenset[str] = frozenset()
    token: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Answer:
    """What came back, and was good.

    Attributes:
        body: the bytes as they came, uncompressed.
        page: what they say; None for a status 204.
        headers: of the answer, names in lower case.
        next_link: target of the ``Link`` header of relation ``next``; None without one.
    """

    body: bytes = field(repr=False)
    page: Any = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    next_link: str | None = field(default=None, repr=False)


class Transient(Exception):
    """An attempt that is worth another one."""

    def __init__(self, cause: str, retry_after_s: float | None = None) -> None:
        super().__init__(cause)
        self.retry_after_s = retry_after_s


class NotThere(Exception):
    """A status 404, or a code that says "not yet": the page may say more."""

    def __init__(self, page: Any, code: str, is_late: bool) -> None:
        super().__init__()
        self.page, self.code, self.is_late = page, code, is_late


class TooLarge(Exception):
    """A body beyond the limit."""


class Client:
    """Requests to one source. A context manager: its connections end with it."""

    def __init__(self, address: Address, authenticator: Authenticator, patience: Patience, codes: Codes) -> None:
        import httpx

        hush()
        self._address, self._authenticator = address, authenticator
        self._patience, self._codes = patience, codes
        self._sockets: list[socket.socket] = []
        self._last_sent = float("-inf")
        # Proxies and .netrc of the machine are not the contract's business.
        self._client = httpx.Client(
            headers={"Accept": "application/json", "User-Agent": "citybrain"},
            timeout=patience.timeout_s,
            trust_env=False,
            verify=_trust(address, is_encrypted=authenticator.is_encrypted),
            proxy=address.proxy,
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def ask(self, ask: Ask, what: str) -> Answer:
        """Send a request until it is answered well.

        Args:
            ask: the request; it is made known to the source here, anew for every attempt.
            what: what errors call it, such as ``page 3``.

        Raises:
            Transient: the last attempt failed too.
            NotThere: the source has no such thing, or not yet.
            TooLarge: the body is larger than the limit.
            SourceRefused, SourceUnavailable: without a dataset.
        """
        try:
            return self._patiently(ask, what, is_known=True)
        except _Refused as refusal:
            if not self._authenticator.renew():
                raise refusal.ours() from None
        try:
            return self._patiently(ask, what, is_known=True)
        except _Refused as refusal:
            raise refusal.ours() from None

    def _token(self, ask: Ask) -> Any:
        """Answer of a token endpoint."""
        try:
            return self._patiently(ask, "token", is_known=False).page
        except _Refused as refusal:
            raise refusal.ours() from None
        except NotThere:
            raise SourceRefused(
                f"there is no token endpoint at {urlsplit(ask.url).path}",
                remedy="correct it in the contract's `auth`",
            ) from None

    def _patiently(self, ask: Ask, what: str, *, is_known: bool) -> Answer:
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

        patient = Retrying(
            stop=stop_after_attempt(self._patience.attempts),
            wait=self._wait,
            retry=retry_if_exception_type(Transient),
            sleep=time.sleep,
            reraise=True,
        )
        return patient(self._attempt, ask, what, is_known)

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Transient) and error.retry_after_s is not None:
            return error.retry_after_s
        pause = min(self._patience.backoff_s * 2.0 ** (state.attempt_number - 1), LONGEST_WAIT_S)
        return pause * (1 + random.random() / 4)  # noqa: S311 - so that many loads do not come back at once

    def _attempt(self, ask: Ask, what: str, is_known: bool) -> Answer:
        import httpx

        # A token that has to be fetched is fetched by attempts of its own, not within this one.
        sent = self._authenticator.authenticated(ask, self._token) if is_known else ask
        self._pace()
        try:
            with self._deadline() as has_passed, self._client.stream(**self._request(sent)) as response:
                body = self._body(response)
        except httpx.TimeoutException:
            raise Transient(f"{what}: no answer within {self._patience.timeout_s:g} s") from None
        except httpx.TransportError as error:
            if has_passed():
                raise Transient(f"{what}: not answered to the end within {self._patience.deadline_s:g} s") from None
            _refuse_certificate(error)
            raise Transient(f"{what}: {_in_words(error)}") from None
        except httpx.DecodingError:
            raise Transient(f"{what}: the body's compression is damaged") from None
        except httpx.InvalidURL:
            raise SourceRefused(
                f"{what}: the address asked for is none", remedy="compare path and paging of the contract with the API"
            ) from None
        return self._judged(response, body, ask, what)

    def _request(self, ask: Ask) -> dict[str, Any]:
        import httpx

        headers = dict(ask.headers)
        if ask.body is not None:
            headers["Content-Type"] = (
                "application/x-www-form-urlencoded" if ask.is_form else "application/json; charset=utf-8"
            )
        for name, value in headers.items():
            if not (value.isascii() and value.isprintable() and value == value.strip()):
                raise ContractError(  # the libraries' own errors quote it
                    f"header {name} would have a value that no header may have",
                    remedy="correct user and password of the connection, or the headers of the contract: printable "
                    "ASCII only",
                )
        return {
            "method": ask.method,
            "url": httpx.URL(ask.url).copy_merge_params(ask.query),
            "headers": headers,
            "content": ask.content() or None,
            "extensions": {"trace": self._watch},
        }

    def _watch(self, event: str, details: Mapping[str, Any]) -> None:
        """Keep each connection's socket, for the deadline to shut."""
        if event == "connection.connect_tcp.complete":
            self._sockets.append(details["return_value"].get_extra_info("socket"))

    @contextmanager
    def _deadline(self) -> Iterator[Any]:
        """Shut the connection when an attempt takes too long: a byte a second would never be a time-out."""
        passed = threading.Event()

        def shut() -> None:
            passed.set()
            for connection in self._sockets:
                with suppress(OSError):  # TLS or not: the descriptor below it
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)

        timer = threading.Timer(self._patience.deadline_s, shut)
        timer.daemon = True
        timer.start()
        try:
            yield passed.is_set
        finally:
            timer.cancel()
            if passed.is_set():
                self._sockets.clear()

    def _body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        for block in response.iter_bytes():
            body += block
            if len(body) > self._patience.most_bytes:
                raise TooLarge
        return bytes(body)

    def _pace(self) -> None:
        if self._patience.requests_per_second:
            wait = self._last_sent + 1 / self._patience.requests_per_second - time.monotonic()
            if wait > 0:
                time.sleep(wait)
        self._last_sent = time.monotonic()

    def _judged(self, response: httpx.Response, body: bytes, ask: Ask, what: str) -> Answer:
        """Sort an answer into: good, try again, refused, not there."""
        status, page = response.status_code, parsed(body)
        if status in (200, 204) or (200 < status < 300 and page is not NO_JSON):
            if status == 204 and not body.strip():
                return Answer(b"", None, dict(response.headers), _next_of(response))
            if page is NO_JSON:
                raise Transient(f"{what}: the body is not JSON to its end")
            self._judge_code(page, response, what)
            return Answer(body, page, dict(response.headers), _next_of(response))
        code = told_code(at(page, self._codes.field) if self._codes.field else at(page, "error"))
        if status == 429 or status >= 500 or status == 408:
            after = retry_after(response.headers)
            if after is not None and after > LONGEST_WAIT_S:
                raise SourceUnavailable(
                    f"{what}: status {status}, asked to come back in {after:.0f} s",
                    remedy="the next run tries again",
                )
            raise Transient(f"{what}: status {status}", after)
        if status == 404:
            raise NotThere(None if page is NO_JSON else page, code, is_late=False)
        if status in (401, 403):
            raise _Refused(f"the source refuses our token (status {status}){code}", _clock_hint(response.headers))
        raise SourceRefused(
            f"the source answers {urlsplit(ask.url).path} with status {status}{code}",
            remedy="compare path and arguments of the contract with the API's description",
        )

    def _judge_code(self, page: Any, response: httpx.Response, what: str) -> None:
        if self._codes.field is None:
            return
        value = at(page, self._codes.field)
        code = str(value).lower() if isinstance(value, bool) else str(value)
        if value is not None and code in self._codes.success:
            return
        if code in self._codes.late:
            raise NotThere(page, told_code(value), is_late=True)
        if code in self._codes.retry:
            raise Transient(f"{what}: the API has trouble{told_code(value)}")
        if code in self._codes.token:
            raise _Refused(f"the source refuses our token{told_code(value)}", _clock_hint(response.headers))
        raise SourceRefused(
            f"{what}: the API says it did not work{told_code(value)}{_clock_hint(response.headers)}",
            remedy="look the code up in the API's description; what it means goes into the contract "
            "(late_values, retry_values, token_values)",
        )


class _Refused(Exception):
    """The source does not accept what it knows us by."""

    def __init__(self, cause: str, hint: str) -> None:
        super().__init__()
        self._cause, self._hint = cause, hint

    def ours(self) -> SourceRefused:
        remedy = "set this machine's clock, then load again" if self._hint else "have the token renewed"
        return SourceRefused(f"{self._cause}{self._hint}", remedy=remedy)


NO_JSON = object()
"""What stands for a body that is not JSON to its end."""


class _Spelled(str):
    """A number with a point as the source spelled it: two spellings are two contents."""


def parsed(body: bytes) -> Any:
    """What a body says, numbers with a point spelled as they came; `NO_JSON` when it is none."""
    try:
        return json.loads(body, parse_float=_spelled)
    except (ValueError, RecursionError):
        return NO_JSON


def _spelled(text: str) -> _Spelled:
    return _Spelled(f"\0{text}")


def is_decimal(value: Any) -> bool:
    """Whether a value of a page is a number with a point or an exponent."""
    return isinstance(value, _Spelled)


def plain(value: Any) -> Any:
    """A value of a page as it may be sent back: its numbers in the source's own spelling."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    return str(value[1:]) if isinstance(value, _Spelled) else value


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by a ``Retry-After``, which is a number or a date: by the server's clock where it tells it."""
    header = headers.get("Retry-After")
    if header is None:
        return None
    if re.fullmatch(r"\d+(\.\d+)?", header.strip()):
        return float(header)
    until = _time_of(header)
    if until is None:
        return None
    now = _time_of(headers.get("Date")) or datetime.now(UTC)
    return max((until - now).total_seconds(), 0.0)


def _clock_hint(headers: Mapping[str, str]) -> str:
    """What to add to a refusal when server and machine disagree about the time."""
    theirs = _time_of(headers.get("Date"))
    if theirs is None:
        return ""
    off = (datetime.now(UTC) - theirs).total_seconds()
    if abs(off) <= CLOCK_TOLERANCE_S:
        return ""
    return f"; this machine's clock is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} the server's"


def _time_of(header: str | None) -> datetime | None:
    try:
        time_ = parsedate_to_datetime(header) if header else None
    except ValueError:
        return None
    return time_ if time_ is None or time_.tzinfo else time_.replace(tzinfo=UTC)


def _next_of(response: httpx.Response) -> str | None:
    """Target of the link header's relation ``next`` (RFC 8288)."""
    for link in response.links.values():
        if "next" in (link.get("rel") or "").lower().split():
            return link.get("url")
    return None


def _trust(address: Address, *, is_encrypted: bool) -> ssl.SSLContext:
    """Certificates believed: the usual ones, or the connection's own authority; and ours where the server asks."""
    import httpx

    if not is_encrypted:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # believes nobody; the usual ones take long to load
    try:
        context = ssl.create_default_context(cafile=address.ca_file) if address.ca_file else httpx.create_ssl_context()
        if address.client_cert:
            context.load_cert_chain(address.client_cert, address.client_key)
    except (OSError, ssl.SSLError) as error:
        raise ContractError(
            f"a certificate file of the connection cannot be used ({type(error).__name__})",
            remedy="correct ca_file, client_cert and client_key of the connection",
        ) from None
    return context


def _refuse_certificate(error: BaseException) -> None:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise SourceRefused(
                f"the server's certificate is not to be believed ({cause.verify_message})",
                remedy="if the department has an authority of its own, name its file as ca_file in the connection",
            ) from None
        cause = cause.__cause__ or cause.__context__


def _in_words(error: Exception) -> str:
    """An httpx error without addresses: its class name as words."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in type(error).__name__).strip()


def hush() -> None:
    """Keep the libraries' own logs from telling whole addresses, and with them keys and signatures."""
    for name in ("httpx", "httpcore", "authlib"):
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))
