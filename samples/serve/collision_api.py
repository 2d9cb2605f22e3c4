"""Collisions: the police department's paged JSON API with a token, a page size and a rate limit."""

from __future__ import annotations

import functools
import heapq
import hmac
import json
import math
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from lake.engine import quote_identifier
from samples.serve import originals

ARCHIVE = "Motor_Vehicle_Collisions_-_Crashes.csv.zip"
MEMBER = "Motor_Vehicle_Collisions_-_Crashes.csv"
LAST_DAY = date(2023, 3, 31)
"""The series ends here, whatever the clock says."""

MAX_PAGE_SIZE = 1000


@dataclass
class Fault:
    """A page that goes wrong.

    Attributes:
        fail_page: number of the page; None for any.
        status: what it answers: 500, 429, 401 …
        times: how often, before it is well again.
        cut: break the connection in the middle of a good answer instead.
    """

    fail_page: int | None = None
    status: int = 500
    times: int = 1
    cut: bool = False


class CollisionApi:
    """``GET /collisions?from=2020-01-01&to=2020-01-31&page=1&page_size=1000`` on the loopback.

    It answers ``{"items": […], "total": 62634, "page": 1, "page_size": 1000, "available_through": "2023-03-31"}``,
    items ordered by ``collision_id``, every value a string or null. A range that reaches beyond ``available_through``
    is cut there; one that lies wholly beyond it is answered by 404.

    Args:
        token: what ``Authorization: Bearer`` must carry; 401 without it.
        rate_per_second: how many requests a second are answered; 429 with ``Retry-After`` above that.
        port: tried first, so that the address stays the same from start to start; 0 for any.
        control_token: for ``GET`` and ``POST /stand-in/clock``, which is no part of the department's API.
        on_advance: called with the day that is posted there; ValueError is answered by 409.
    """

    def __init__(
        self,
        *,
        token: str,
        rate_per_second: float = 20,
        port: int = 0,
        control_token: str,
        on_advance: Callable[[date], None],
    ) -> None:
        self.token = token
        self.control_token = control_token
        self.on_advance = on_advance
        self.through = originals.FIRST_DAY
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, int]] = []
        """Path and status of every request for collisions so far."""
        self._bucket = _TokenBucket(rate_per_second)
        self._lock = threading.Lock()
        self._items: dict[date, list[tuple[int, str]]] = {}
        self._select = functools.lru_cache(maxsize=8)(self._selected)
        self._server = _listen(port, self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def uri(self) -> str:
        """Address for the lake: ``http://:TOKEN@host:port``."""
        return f"http://:{self.token}@127.0.0.1:{self.port}"

    @property
    def available_through(self) -> date:
        """Last day with data."""
        return min(self.through, LAST_DAY)

    def start(self) -> None:
        """Read the original and start to answer."""
        self._items = _items_by_day()
        self._thread.start()

    def set_clock(self, through: date) -> None:
        """Publish every day up to `through`."""
        self.through = through

    def stop(self) -> None:
        """Stop answering."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def answer(self, query: dict[str, str], authorization: str) -> tuple[int, dict[str, str], str]:
        """Status, headers and body for one query."""
        if not _is_bearer(authorization, self.token):
            return 401, {"WWW-Authenticate": "Bearer"}, _error("unauthorized")
        if wait := self._bucket.take():
            return 429, {"Retry-After": str(math.ceil(wait))}, _error("rate_limit")
        try:
            first, last = date.fromisoformat(query["from"]), date.fromisoformat(query["to"])
            page, size = int(query.get("page", "1")), int(query.get("page_size", str(MAX_PAGE_SIZE)))
        except (KeyError, ValueError):
            return 400, {}, _error("bad_request", expected="from, to (YYYY-MM-DD), page, page_size")
        if first > last or page < 1 or not 1 <= size <= MAX_PAGE_SIZE:
            return 400, {}, _error("bad_request", expected=f"from <= to, page >= 1, page_size 1..{MAX_PAGE_SIZE}")
        until = self.available_through
        if first > until:
            return 404, {}, _error("not_published", available_through=until.isoformat())
        items = self._select(first, min(last, until))
        shown = ",".join(text for _, text in items[(page - 1) * size : page * size])
        return (
            200,
            {},
            f'{{"items":[{shown}],"total":{len(items)},"page":{page},"page_size":{size},"available_through":"{until}"}}',
        )

    def take_fault(self, page: int) -> Fault | None:
        """The fault that this page meets now, counted down."""
        with self._lock:
            for fault in self.faults:
                if fault.times > 0 and fault.fail_page in (None, page):
                    fault.times -= 1
                    return fault
        return None

    def _selected(self, first: date, last: date) -> list[tuple[int, str]]:
        days = (self._items.get(day, []) for day in originals.each_day(max(first, originals.FIRST_DAY), last))
        return list(heapq.merge(*days))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "stand-in"
    sys_version = ""
    timeout = 60
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        api = self.server.api
        address = urlsplit(self.path)
        if address.path == "/stand-in/clock":
            self._control(lambda: None)
            return
        if address.path != "/collisions":
            self._send(404, {}, _error("no_such_resource"))
            return
        query = {name: values[-1] for name, values in parse_qs(address.query, keep_blank_values=True).items()}
        status, headers, body = api.answer(query, self.headers.get("Authorization", ""))
        fault = api.take_fault(int(query.get("page", "1"))) if status == 200 else None
        if fault and not fault.cut:
            status, headers, body = fault.status, {"Retry-After": "1"} if fault.status == 429 else {}, _error("fault")
        api.requests.append((self.path, status))
        self._send(status, headers, body, cut=bool(fault and fault.cut))

    def do_POST(self) -> None:
        address = urlsplit(self.path)
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if address.path != "/stand-in/clock":
            self._send(404, {}, _error("no_such_resource"))
            return
        day = parse_qs(address.query).get("through", [""])[-1]
        self._control(lambda: self.server.api.on_advance(date.fromisoformat(day)))

    def _control(self, action: Callable[[], None]) -> None:
        api = self.server.api
        if not _is_bearer(self.headers.get("Authorization", ""), api.control_token):
            self._send(401, {"WWW-Authenticate": "Bearer"}, _error("unauthorized"))
            return
        try:
            action()
        except ValueError as error:
            self._send(409, {}, _error(str(error)))
        else:
            self._send(200, {}, json.dumps({"through": api.through.isoformat()}))

    def _send(self, status: int, headers: dict[str, str], body: str, *, cut: bool = False) -> None:
        content = body.encode()
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        if cut:
            content, self.close_connection = content[: len(content) // 2], True
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: whoever wants to know reads `CollisionApi.requests`."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    api: CollisionApi


class _TokenBucket:
    """Lets `rate` requests a second through, as many at once."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._level = rate
        self._at = time.monotonic()
        self._lock = threading.Lock()

    def take(self) -> float:
        """0 when the request may pass, else the seconds until one may."""
        with self._lock:
            now = time.monotonic()
            self._level = min(self.rate, self._level + (now - self._at) * self.rate)
            self._at = now
            if self._level < 1:
                return (1 - self._level) / self.rate
            self._level -= 1
            return 0.0


def _listen(port: int, api: CollisionApi) -> _Server:
    try:
        server = _Server(("127.0.0.1", port), _Handler)
    except OSError:
        server = _Server(("127.0.0.1", 0), _Handler)
    server.api = api
    return server


def _is_bearer(authorization: str, token: str) -> bool:
    return hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode())


def _error(kind: str, **more: str) -> str:
    return json.dumps({"error": kind} | more)


def _items_by_day() -> dict[date, list[tuple[int, str]]]:
    """For each day its collisions as (collision_id, JSON text), ordered by id."""
    with tempfile.TemporaryDirectory() as scratch, originals.open_duckdb() as duck:
        path = originals.unpack(ARCHIVE, MEMBER, Path(scratch))
        columns = originals.header_of(path)
        crash_on = "strptime(\"CRASH DATE\", '%m/%d/%Y')::DATE"
        fields = ", ".join(
            f"{quote_identifier(name.lower().replace(' ', '_'))} := "
            + (f"{crash_on}::VARCHAR" if name == "CRASH DATE" else quote_identifier(name))
            for name in columns
        )
        rows = duck.execute(
            f"""
            SELECT {crash_on}, list("COLLISION_ID"::BIGINT ORDER BY "COLLISION_ID"::BIGINT),
                list(to_json(struct_pack({fields}))::VARCHAR ORDER BY "COLLISION_ID"::BIGINT)
            FROM {originals.csv_relation(path, columns)} GROUP BY ALL
            """
        ).fetchall()
    return {day: list(zip(keys, texts, strict=True)) for day, keys, texts in rows}
