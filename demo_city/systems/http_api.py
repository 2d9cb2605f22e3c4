"""The departments' HTTP service: their APIs in two dialects, the inbox, and the clock of the demo city.

``GET <path>?from=2026-06-01&to=2026-06-30&page=1&page_size=1000`` with ``Authorization: Bearer TOKEN``; each department
has a token of its own. Without `from` and `to`: all records (APIs by update) or those of the last day.

    dialect page     {"items": […], "total": 62634, "page": 1, "page_size": 1000, "available_through": "2026-06-30"}
    dialect cursor   {"items": […], "nextPageToken": "…", "next_cursor": "…", "available_through": "2026-06-30"},
                     the next page by ``pageToken=…`` or ``cursor=…``; the last one has null there

A range that reaches beyond ``available_through`` is cut there; one that lies wholly beyond it is answered by 404. A
department's API by update gives a record on the day of its newest change and not on days of older ones.

    POST /inbox/<department>    leads and work orders, 202; see `demo_city.systems.inbox`
    GET /inbox                  their JSON schema
    GET, POST /demo/clock       how far time is; ``?through=2026-07-01`` lets it pass (the demo city's own token)
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from demo_city.departments.protocol import Api, Dataset
from demo_city.systems.inbox import SCHEMA
from demo_city.systems.records import Records
from samples.servers.program import free_port

MOST_RECORDS = 10_000
"""Records of a page at most."""


class HttpServer:
    """All departments' APIs on one port of the loopback.

    Args:
        apis: datasets with their records.
        tokens: bearer token of each department.
        control_token: of the clock.
        on_advance: called with the day that is posted there; ValueError is answered by 409.
        on_inbox: called with department and body; gives what it answers; ValueError is answered by 422.
        port: tried first, so that the address stays the same from start to start; 0 for any.
    """

    def __init__(
        self,
        apis: Iterable[tuple[Dataset, Records]],
        tokens: Mapping[str, str],
        *,
        control_token: str,
        on_advance: Callable[[date], None],
        on_inbox: Callable[[str, bytes], Mapping[str, int]],
        port: int = 0,
    ) -> None:
        self.tokens, self.port, self.through = dict(tokens), port, date.min
        self.requests = 0
        self._control_token, self._on_advance, self._on_inbox = control_token, on_advance, on_inbox
        routes = [Route(_api(dataset).path, self._answers(dataset, records)) for dataset, records in apis]
        routes += [
            Route("/inbox", _schema),
            Route("/inbox/{department}", self._take, methods=["POST"]),
            Route("/demo/clock", self._clock, methods=["GET", "POST"]),
        ]
        self._app = Starlette(routes=routes)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def uri(self, department: str) -> str:
        """The lake's address of a department's API."""
        return f"http://:{self.tokens[department]}@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start to answer."""
        for port in (self.port or free_port(), free_port(), free_port()):
            self.port = port
            config = uvicorn.Config(
                self._app, host="127.0.0.1", port=port, log_level="critical", access_log=False, lifespan="off"
            )
            self._server = uvicorn.Server(config)
            self._thread = threading.Thread(target=_run, args=(self._server,), daemon=True, name="demo city http")
            self._thread.start()
            while self._thread.is_alive() and not self._server.started:
                time.sleep(0.005)
            if self._server.started:
                return
        raise RuntimeError("the HTTP server does not start")

    def stop(self) -> None:
        """Stop answering."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = self._server.force_exit = True
            self._thread.join(10)
            self._server = self._thread = None

    def _answers(self, dataset: Dataset, records: Records) -> Callable[[Request], Any]:
        api, token = _api(dataset), self.tokens[dataset.department]

        async def answer(request: Request) -> Response:
            self.requests += 1
            if not _is_bearer(request, token):
                return _json(401, {"error": "unauthorized"}, {"WWW-Authenticate": "Bearer"})
            asked = request.query_params
            try:
                first, last = (date.fromisoformat(asked[name]) if name in asked else None for name in ("from", "to"))
                size = int(asked.get("page_size") or asked.get("pageSize") or 1000)
                cursor = asked.get("pageToken") or asked.get("cursor")
                at = _position(cursor) if api.dialect == "cursor" else (int(asked.get("page", "1")) - 1) * size
            except ValueError:
                return _json(400, {"error": "bad_request", "expected": "from, to (YYYY-MM-DD), page, page_size"})
            if at < 0 or not 1 <= size <= MOST_RECORDS or (first and last and first > last):
                return _json(400, {"error": "bad_request", "expected": f"from <= to, page_size 1..{MOST_RECORDS}"})
            until = self.through
            if first and first > until:
                return _json(404, {"error": "not_published", "available_through": str(until)})
            if first is None and last is None and api.by == "day":
                first = last = until
            found = records.select(first, min(last, until) if last else until)
            return _page(api.dialect, records, found, at, size, until)

        return answer

    async def _take(self, request: Request) -> Response:
        department = request.path_params["department"]
        token = self.tokens.get(department)
        if token is None:
            return _json(404, {"error": "no_such_department"})
        if not _is_bearer(request, token):
            return _json(401, {"error": "unauthorized"}, {"WWW-Authenticate": "Bearer"})
        body = await request.body()
        try:
            taken = await run_in_threadpool(self._on_inbox, department, body)
        except ValueError as error:
            return _json(422, {"error": str(error)})
        return _json(202, taken)

    async def _clock(self, request: Request) -> Response:
        if not _is_bearer(request, self._control_token):
            return _json(401, {"error": "unauthorized"}, {"WWW-Authenticate": "Bearer"})
        if request.method == "POST":
            try:
                day = date.fromisoformat(request.query_params.get("through", ""))
                await run_in_threadpool(self._on_advance, day)
            except ValueError as error:
                return _json(409, {"error": str(error)})
        return _json(200, {"through": str(self.through)})


async def _schema(request: Request) -> Response:
    return _json(200, SCHEMA)


def _page(dialect: str, records: Records, found: Any, at: int, size: int, until: date) -> Response:
    shown = records.text(np.asarray(found[at : at + size]))
    if dialect == "cursor":
        token = json.dumps(_token(at + size) if at + size < len(found) else None)
        tail = f'],"nextPageToken":{token},"next_cursor":{token},"available_through":"{until}"}}'
    else:
        page = at // size + 1
        tail = f'],"total":{len(found)},"page":{page},"page_size":{size},"available_through":"{until}"}}'
    return Response(b'{"items":[' + shown + tail.encode(), media_type="application/json")


def _run(server: uvicorn.Server) -> None:
    # A taken port makes uvicorn leave by SystemExit; the next port is tried then.
    try:
        server.run()
    except SystemExit:
        return


def _api(dataset: Dataset) -> Api:
    if not isinstance(dataset.system, Api):
        raise TypeError(f"{dataset.dataset} is no API")
    return dataset.system


def _token(position: int) -> str:
    return base64.urlsafe_b64encode(f"after:{position}".encode()).decode()


def _position(token: str | None) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("after:"))
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError("no such page token") from error


def _is_bearer(request: Request, token: str) -> bool:
    return hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode())


def _json(status: int, content: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    return Response(json.dumps(content), status, dict(headers or {}), "application/json")
