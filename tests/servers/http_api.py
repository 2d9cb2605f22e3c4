"""A real HTTP server of a department: it pages its records in every way departments do, and knows its clients likewise.

It shares no code with the connector. Each way of paging is a path: ``/things /offset /cursor /header-cursor /scroll
/keyset /link /next-url /all``. Parameters come in the URL, a form or a JSON body, whatever the client sends.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote_plus, urlencode, urlsplit

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Request:
    """What a client sent.

    Attributes:
        params: of URL, form or JSON body together, as they were sent; names of inner members of a body are dotted.
    """

    method: str
    path: str
    query: dict[str, str]
    params: dict[str, Any]
    headers: dict[str, str]
    body: bytes


Guard = Callable[[Request], "Answer | None"]


def refusal(code: str = "unauthorized", status: int = 401) -> Answer:
    return status, {"WWW-Authenticate": "Bearer"}, json.dumps({"error": code}).encode()


def bearer(token: str) -> Guard:
    return lambda request: None if request.headers.get("authorization") == f"Bearer {token}" else refusal()


def basic(user: str, password: str) -> Guard:
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return lambda request: None if request.headers.get("authorization") == f"Basic {pair}" else refusal()


def header(name: str, value: str) -> Guard:
    return lambda request: None if request.headers.get(name.lower()) == value else refusal()


def parameter(name: str, value: str) -> Guard:
    return lambda request: None if request.query.get(name) == value else refusal()


@dataclass
class Tokens:
    """A token endpoint and the guard that knows its tokens: OAuth client credentials, or a login of the API's own.

    Attributes:
        client, secret: who may have one.
        life_s: stated life; the token itself is good until `revoke`.
        given: how many were given.
    """

    client: str
    secret: str
    life_s: int = 3600
    given: int = 0
    trouble: Callable[[], Answer | None] = lambda: None
    scopes: list[str] = field(default_factory=list)
    _good: str = ""

    def guard(self, request: Request) -> Answer | None:
        if request.path == "/oauth/token":
            return self.trouble() or self._oauth(request)
        if request.path == "/login":
            return self._login(request)
        given = request.headers.get("authorization", "").removeprefix("Bearer ") or request.headers.get("x-token", "")
        return None if self._good and given == self._good else refusal("invalid_token")

    def revoke(self) -> None:
        self._good = ""

    def _oauth(self, request: Request) -> Answer:
        pair = base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic ")).decode()
        by_header = [unquote_plus(part) for part in pair.split(":")] == [self.client, self.secret]
        by_form = (request.params.get("client_id"), request.params.get("client_secret")) == (self.client, self.secret)
        if request.params.get("grant_type") != "client_credentials" or not (by_header or by_form):
            return 400, {}, json.dumps({"error": "invalid_client", "error_description": "top secret"}).encode()
        self.scopes.append(request.params.get("scope", ""))
        return (
            200,
            {},
            json.dumps({"access_token": self._new(), "token_type": "Bearer", "expires_in": self.life_s}).encode(),
        )

    def _login(self, request: Request) -> Answer:
        if (request.params.get("appKey"), request.params.get("appSecret")) != (self.client, self.secret):
            return 200, {}, json.dumps({"code": 40001, "message": "top secret", "data": None}).encode()
        answer = {"code": 0, "data": {"token": self._new(), "expire": self.life_s}}
        return 200, {}, json.dumps(answer).encode()

    def _new(self) -> str:
        self.given += 1
        self._good = f"token-{self.given}"
        return self._good


@dataclass
class Signatures:
    """Guards that check a signature as gateways do: who, when (within `tolerance_s`), once, and what."""

    key: str
    secret: str
    tolerance_s: float = 300
    clock: Callable[[], float] = time.time
    nonces: set[str] = field(default_factory=set)

    def tif(self, request: Request) -> Answer | None:
        """``x-tif-signature = SHA256(timestamp + token + nonce + timestamp)``, upper hex; seconds."""
        stamp, nonce = request.headers.get("x-tif-timestamp", "0"), request.headers.get("x-tif-nonce", "")
        wanted = hashlib.sha256(f"{stamp}{self.secret}{nonce}{stamp}".encode()).hexdigest().upper()
        return self._judge(
            request.headers.get("x-tif-paasid"), float(stamp), nonce, request.headers.get("x-tif-signature"), wanted
        )

    def params_md5(self, request: Request) -> Answer | None:
        """``sign = MD5(a=1&b=2&key=SECRET)``, upper hex, sorted, no empty values; all among the parameters."""
        params = {name: str(value) for name, value in request.params.items()}
        text = "&".join(f"{n}={v}" for n, v in sorted(params.items()) if n != "sign" and v)
        wanted = hashlib.md5(f"{text}&key={self.secret}".encode()).hexdigest().upper()
        stamp = float(params.get("timestamp", "0")) / 1000
        return self._judge(params.get("appKey"), stamp, params.get("nonce", ""), params.get("sign"), wanted)

    def canonical(self, request: Request, algorithm: str = "sha256") -> Answer | None:
        """HMAC over method, path, sorted query, key, timestamp, nonce and the body's hash, a line each; base64."""
        stamp, nonce = request.headers.get("timestamp", "0"), request.headers.get("nonce", "")
        query = urlencode(sorted(request.query.items())).replace("+", "%20")
        text = "\n".join(
            [
                request.method,
                request.path,
                query,
                self.key,
                stamp,
                nonce,
                hashlib.new(algorithm, request.body).hexdigest(),
            ]
        )
        digest = hmac.new(self.secret.encode(), text.encode(), algorithm).digest()
        wanted = base64.b64encode(digest).decode()
        return self._judge(
            request.headers.get("appkey"), float(stamp) / 1000, nonce, request.headers.get("sign"), wanted
        )

    def _judge(self, key: str | None, stamp: float, nonce: str, sign: str | None, wanted: str) -> Answer | None:
        if key != self.key or sign != wanted:
            return refusal("bad_signature")
        if abs(self.clock() - stamp) > self.tolerance_s:
            return refusal("timestamp_expired")
        if not nonce or nonce in self.nonces:
            return refusal("nonce_reused")
        self.nonces.add(nonce)
        return None


class HttpApi:
    """The server. A context manager: it listens on a free port of 127.0.0.1.

    Args:
        records: what it has; an int stands for so many records ``{"id": "0"} …``.
        guard: answers a request that may not pass.
        most: the largest page it gives, whatever is asked for.
        envelope: makes the answer of a page's parts: items, total, and what leads to the next.
        certificate, key: files for TLS.

    Attributes:
        requests: every request so far, in order; those that a guard turned away included.
        script: answers a request in place of it, by the request's number from 1; None lets it through. An answer with
            a header ``cut`` breaks the connection in the middle of the body.
        between: called after every page that was served, with the number of pages so far.
        clock: of the ``Date`` header.
    """

    def __init__(
        self,
        records: int | list[Any],
        *,
        guard: Guard = lambda request: None,
        most: int = 1000,
        envelope: Callable[[dict[str, Any]], Any] = lambda parts: parts,
        certificate: Path | None = None,
        key: Path | None = None,
    ) -> None:
        self.records: list[Any] = [{"id": str(n)} for n in range(records)] if isinstance(records, int) else records
        self.guard, self.most, self.envelope = guard, most, envelope
        self.requests: list[Request] = []
        self.script: dict[int, Callable[[], Answer | None]] = {}
        self.between: Callable[[int], None] = lambda pages: None
        self.clock: Callable[[], float] = time.time
        self._pages = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> HttpApi:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def uri(self, credentials: str = "", port: int | None = None, more: str = "") -> str:
        """The lake's connection URI; through another port when a proxy stands between."""
        return f"{self.scheme}://{credentials}{'@' if credentials else ''}127.0.0.1:{port or self.port}{more}"

    @property
    def queries(self) -> list[dict[str, Any]]:
        """Parameters of every request so far."""
        return [request.params for request in self.requests]

    def answer(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            number = len(self.requests)
        if (scripted := self.script.get(number)) and (answer := scripted()):
            return answer
        if (refused := self.guard(request)) is not None:
            return refused
        answer = self._page(request)
        with self._lock:
            self._pages += 1
            self.between(self._pages)
        return answer

    def _page(self, request: Request) -> Answer:
        way = request.path.rsplit("/", 1)[-1]
        asked = request.params
        size = min(int(asked.get("page_size", asked.get("paging.size", 1000))), self.most)
        begin = {
            "things": lambda: (int(asked.get("page", asked.get("paging.page", 1))) - 1) * size,
            "offset": lambda: int(asked["offset"]),
            "cursor": lambda: _position(asked.get("cursor")),
            "header-cursor": lambda: _position(asked.get("cursor")),
            "scroll": lambda: self._scrolled(asked.get("cursor"), size),
            "keyset": lambda: next(
                (n for n, r in enumerate(self.records) if int(r["id"]) > int(asked.get("after", -1))), len(self.records)
            ),
            "link": lambda: _position(asked.get("at")),
            "next-url": lambda: _position(asked.get("at")),
            "all": lambda: 0,
        }.get(way)
        if begin is None:
            return 404, {}, b'{"error": "no_such_resource"}'
        start = begin()
        end = len(self.records) if way == "all" else start + size
        has_more = end < len(self.records)
        parts: dict[str, Any] = {"items": self.records[start:end], "total": len(self.records), "has_more": has_more}
        headers = {}
        here = f"{request.path}?{urlencode({**request.query, 'at': _token(end)})}"
        if way == "cursor":
            parts["next_cursor"] = _token(end) if has_more else None
        elif way == "header-cursor" and has_more:
            headers["X-Next"] = _token(end)
        elif way == "scroll":
            parts["next_cursor"] = "always-the-same"
        elif way == "link":
            links = ['</link>; rel="first"'] + ([f'<{here}>; title="a, b"; rel="next last"'] if has_more else [])
            headers["Link"] = ", ".join(links)
        elif way == "next-url":
            parts["next"] = f"http://{request.headers['host']}{here}" if has_more else None
        return 200, headers, json.dumps(self.envelope(parts), ensure_ascii=False).encode()

    def _scrolled(self, cursor: str | None, size: int) -> int:
        self._scroll = 0 if cursor is None else self._scroll + size
        return self._scroll


def _token(position: int) -> str:
    return base64.b64encode(f"+/position {position}".encode()).decode()


def _position(token: Any) -> int:
    return int(base64.b64decode(token).split()[-1]) if token else 0


def _flat(body: Any, prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in body.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found


def _handler(api: HttpApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60
        disable_nagle_algorithm = True
        wbufsize = 1 << 16

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            parts = urlsplit(self.path)
            query = {n: v[-1] for n, v in parse_qs(parts.query, keep_blank_values=True).items()}
            sent: dict[str, Any] = {}
            if "json" in self.headers.get("Content-Type", ""):
                sent = _flat(json.loads(body))
            elif body:
                sent = dict(parse_qsl(body.decode(), keep_blank_values=True))
            request = Request(
                self.command, parts.path, query, query | sent, {n.lower(): v for n, v in self.headers.items()}, body
            )
            self._send(*api.answer(request))

        do_POST = do_GET

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            headers = dict(headers)
            cut = headers.pop("cut", None)
            self.send_response_only(status)
            self.send_header("Date", self.date_time_string(api.clock()))
            for name, value in (
                {"Content-Type": "application/json", "Content-Length": str(len(body))} | headers
            ).items():
                self.send_header(name, value)
            with suppress(OSError):  # who waited for silence is gone
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if cut else body)
                self.wfile.flush()
            self.close_connection = self.close_connection or bool(cut)

        def log_message(self, format: str, *args: object) -> None: ...

    return Handler
