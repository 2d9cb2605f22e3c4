"""HTTP APIs of every dialect: each record arrives once, whatever the paging; secrets go where they belong only."""

from __future__ import annotations

import dataclasses
import json
import logging
import re
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import pytest

from lake.admission.reading import read
from lake.connectors import check_arguments, open_connector
from lake.contracts.model import Column, Contract, Mode, Source, Window
from lake.errors import CitybrainError, ContractError, DeliveryDamaged, SourceLate, SourceRefused, SourceUnavailable
from lake.landing import Landed, deliveries, land
from lake.settings import PROJECT_ROOT, Settings
from tests.servers.http_api import Answer, Guard, HttpApi, Signatures, Tokens, basic, bearer, header, parameter
from tests.thing import THING

DAY = date(2023, 3, 27)
TODAY = Window(DAY, DAY)
TWO_DAYS = Window(DAY, DAY + timedelta(days=1))
SECRET = "s3cret /+?&=密"


def contract(mode: Mode = Mode.DAY, dataset: str = "queens.test.thing", /, **arguments: object) -> Contract:
    """A contract of ``{"id": …}`` with pages of three."""
    of_pages = {} if arguments.get("paging") == "none" else {"page_size": 3}
    given = {"path": "/v1/things", "backoff_s": 0.01, "verify": "none"} | of_pages | arguments
    return dataclasses.replace(
        THING,
        dataset=dataset,
        mode=mode,
        zone="Asia/Shanghai",
        source=Source("http_json", "api", given),
        columns=(Column("id", "id", "BIGINT", 1, key_position=1),),
        partition_column="id" if mode is Mode.DAY else None,
    )


def connected(settings: Settings, uri: str) -> Settings:
    return dataclasses.replace(settings, environment={"CITYBRAIN_CONN_API": uri})


@contextmanager
def api(settings: Settings, records: int | list[Any], guard: Guard | None = None) -> Iterator[tuple[HttpApi, Settings]]:
    """A server that wants a bearer token, and a home that knows it."""
    with HttpApi(records, guard=guard or bearer("s3cret-token")) as served:
        yield served, connected(settings, served.uri(":s3cret%2Dtoken"))


def ids(landed: Landed, way: str = "items") -> list[str]:
    pages = [json.loads(landed.path(file).read_bytes()) for file in landed.files]
    return [item["id"] for page in pages for item in (page[way] if way else page)]


def nothing_landed(lake: Settings) -> bool:
    return not [path for path in lake.landing.rglob("*") if path.is_file()]


def told(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(getattr(error, "__dict__", ""))


# ---- paging ----------------------------------------------------------------------------------------------------------

DIALECTS: dict[str, dict[str, object]] = {
    "page": {},
    "page without a total": {"total_field": None},
    "page, short page ends": {"total_field": None, "short_page_ends": True},
    "page, flag says more": {"total_field": None, "more_field": "has_more"},
    "offset": {"path": "/v1/offset", "paging": "offset"},
    "offset without a total": {"path": "/v1/offset", "paging": "offset", "total_field": None},
    "cursor": {"path": "/v1/cursor", "paging": "cursor"},
    "cursor and a total": {"path": "/v1/cursor", "paging": "cursor", "total_field": "total"},
    "cursor in a header": {"path": "/v1/header-cursor", "paging": "cursor", "cursor_header": "X-Next"},
    "scroll": {"path": "/v1/scroll", "paging": "cursor", "empty_page_ends": True},
    "keyset": {"path": "/v1/keyset", "paging": "keyset", "cursor_param": "after", "cursor_field": "id"},
    "link": {"path": "/v1/link", "paging": "link"},
    "next url": {"path": "/v1/next-url", "paging": "next_url"},
    "none": {"path": "/v1/all", "paging": "none", "total_field": "total"},
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_record_of_every_page_arrives(settings: Settings, dialect: str) -> None:
    with api(settings, 0) as (served, lake):
        for rows in (0, 1, 2, 3, 4, 6, 7):
            served.records, served.requests = [{"id": str(n)} for n in range(rows)], []
            landed = land(contract(**DIALECTS[dialect]), TWO_DAYS, lake)  # type: ignore[arg-type]
            assert ids(landed) == [str(n) for n in range(rows)], rows
            assert landed.delivered == rows
            first = served.queries[0]
            assert (first["from"], first["to"]) == ("2023-03-27", "2023-03-28")
            assert "page_size" not in first if dialect == "none" else first["page_size"] == "3"


@pytest.mark.parametrize(("rows", "pages"), [(0, 1), (1, 1), (3, 1), (4, 2), (6, 2), (7, 3)])
def test_no_page_is_asked_for_in_vain(settings: Settings, rows: int, pages: int) -> None:
    with api(settings, rows) as (served, lake):
        landed = land(contract(), TODAY, lake)
        assert (landed.control_total, len(served.requests)) == (rows, pages)
        assert [file.name for file in landed.files] == [f"page-{n:05d}.json" for n in range(1, pages + 1)]


def test_a_server_that_gives_less_than_it_is_asked_for_loses_nothing(settings: Settings) -> None:
    with api(settings, 7) as (served, lake):
        served.most = 2
        for dialect in ("page", "offset", "cursor", "link"):
            landed = land(contract(**DIALECTS[dialect]), TODAY, lake)  # type: ignore[arg-type]
            assert ids(landed) == [str(n) for n in range(7)], dialect


def test_names_of_one_s_own_and_a_first_page_0(settings: Settings) -> None:
    bodies = [b'[{"id": "1"}]', b"[]"]
    with api(settings, 0) as (served, lake):
        served.script = {n: (lambda n=n: (200, {}, bodies[n - 1])) for n in (1, 2)}  # type: ignore[misc]
        renamed = {
            "page_param": "p",
            "first_page": 0,
            "items_path": "",
            "total_field": None,
            "first_day_param": "since",
        }
        landed = land(contract(**renamed), TODAY, lake)  # type: ignore[arg-type]
        assert landed.delivered == 1
        assert served.queries[0] == {"p": "0", "page_size": "3", "since": "2023-03-27", "to": "2023-03-27"}
        assert served.queries[1]["p"] == "1"


@pytest.mark.parametrize(
    ("dialect", "answer"),
    [
        ("cursor", {"items": [{"id": "9"}], "next_cursor": "again"}),
        ("link", {"items": [{"id": "9"}]}),
        ("next url", {"items": [{"id": "9"}], "next": "/v1/next-url?at=again"}),
        ("keyset", {"items": [{"id": "9"}]}),
        ("page without a total", {"items": [{"id": "9"}]}),
    ],
)
def test_a_circle_is_left(settings: Settings, dialect: str, answer: dict[str, Any]) -> None:
    numbers = iter(range(10_000))

    def never_ending() -> Answer:
        more = {"trace": next(numbers)} | (answer if dialect == "page without a total" else {})
        record = (
            [{"id": answer["items"][0]["id"], "seen": more["trace"]}] if dialect != "page without a total" else None
        )
        body = answer | more | ({"items": record} if record else {})
        return 200, {"Link": '</v1/link?at=again>; rel="next"'}, json.dumps(body).encode()

    with api(settings, 0) as (served, lake), pytest.raises(DeliveryDamaged, match=r"read before|again"):
        served.script = dict.fromkeys(range(1, 100), never_ending)
        land(contract(**DIALECTS[dialect]), TODAY, lake)  # type: ignore[arg-type]
    assert len(served.requests) <= 6
    assert nothing_landed(lake)


@pytest.mark.parametrize(
    "link",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://127.0.0.1:{port}/v1/next-url",
        "http://127.0.0.1:1/v1/next-url",
        "//evil.example/x",
        "http://user:pw@127.0.0.1:{port}/x",
        "file:///etc/passwd",
    ],
)
def test_no_link_leads_to_another_server(settings: Settings, link: str) -> None:
    with api(settings, 5) as (served, lake):
        body = json.dumps({"items": [{"id": "1"}], "next": link.format(port=served.port)}).encode()
        served.script = {1: lambda: (200, {}, body)}
        with pytest.raises(SourceRefused, match="leads to another server") as error:
            land(contract(**DIALECTS["next url"]), TODAY, lake)  # type: ignore[arg-type]
        assert "meta-data" not in told(error.value)
        assert len(served.requests) == 1


def test_keys_with_dots_are_reached_by_a_pointer(settings: Settings) -> None:
    with api(settings, 7) as (served, lake):
        served.envelope = lambda parts: {
            "value": parts["items"], "@odata.count": parts["total"], "@odata.nextLink": parts["next"]
        }  # fmt: skip
        odata = {"next_field": "/@odata.nextLink", "total_field": "/@odata.count", "items_path": "value"}
        landed = land(contract(**DIALECTS["next url"] | odata), TODAY, lake)  # type: ignore[arg-type]
        assert (ids(landed, "value"), landed.control_total) == ([str(n) for n in range(7)], 7)


def test_inner_addresses_in_links_can_be_set_right(settings: Settings) -> None:
    def inner(parts: dict[str, Any]) -> dict[str, Any]:
        return parts | {"next": parts["next"] and parts["next"].replace("127.0.0.1", "10.0.0.1").replace("/v1", "/in")}

    with api(settings, 7) as (served, lake):
        served.envelope = inner
        landed = land(contract(**DIALECTS["next url"], rebase_links=True), TODAY, lake)  # type: ignore[arg-type]
        assert ids(landed) == [str(n) for n in range(7)]


# ---- asking ----------------------------------------------------------------------------------------------------------


def test_a_post_carries_its_parameters_in_a_json_body_or_a_form(settings: Settings) -> None:
    names = {"page_param": "paging.page", "page_size_param": "paging.size", "first_day_param": "filter.since"}
    fixed = {"params": {"filter": {"kinds": ["a", 1], "open": True}}, "query": {"v": 2}, "headers": {"X-Tenant": "t"}}
    with api(settings, 4) as (served, lake):
        landed = land(contract(method="POST", **names, **fixed), TODAY, lake)  # type: ignore[arg-type]
        assert ids(landed) == ["0", "1", "2", "3"]
        request = served.requests[1]
        assert json.loads(request.body) == {
            "filter": {"kinds": ["a", 1], "open": True, "since": "2023-03-27"},
            "to": "2023-03-27",
            "paging": {"size": 3, "page": 2},
        }
        assert (request.method, request.query, request.headers["x-tenant"]) == ("POST", {"v": "2"}, "t")
        land(contract(method="POST", send="form", params={"区": "南山 1&2"}), TODAY, lake)
        assert served.requests[-1].params["区"] == "南山 1&2"
        assert served.requests[-1].headers["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("arguments", "first", "last"),
    [
        ({"day_format": "%Y%m%d"}, "20230327", "20230328"),
        ({"day_format": "%Y-%m-%d 00:00:00", "last_day_format": "%Y-%m-%d 23:59:59"},
         "2023-03-27 00:00:00", "2023-03-28 23:59:59"),
        ({"day_format": "%Y-%m-%dT%H:%M:%S%z", "last_day_is_excluded": True},
         "2023-03-27T00:00:00+0800", "2023-03-29T00:00:00+0800"),
        ({"day_format": "epoch_ms", "last_day_is_excluded": True}, "1679846400000", "1680019200000"),
    ],
)  # fmt: skip
def test_days_are_asked_for_as_the_api_spells_them(
    settings: Settings, arguments: dict[str, object], first: str, last: str
) -> None:
    with api(settings, 1) as (served, lake):
        land(contract(**arguments), TWO_DAYS, lake)  # type: ignore[arg-type]
        assert (served.queries[0]["from"], served.queries[0]["to"]) == (first, last)


def test_an_api_that_knows_single_days_is_asked_day_by_day(settings: Settings) -> None:
    window = Window(DAY, DAY + timedelta(days=3))
    late = (404, {}, b'{"error": "not_published", "available_through": "2023-03-28"}')
    with api(settings, 4) as (served, lake):
        served.envelope = lambda parts: parts | {"total": str(parts["total"])}  # a number as text is a number
        served.script = {n: lambda: late for n in (5, 6)}
        landed = land(contract(day_param="on"), window, lake)
        days = ["2023-03-27", "2023-03-27", "2023-03-28", "2023-03-28", "2023-03-29", "2023-03-30"]
        assert [query["on"] for query in served.queries] == days
        assert [file.day for file in landed.files] == [DAY, DAY, TWO_DAYS.last, TWO_DAYS.last]
        assert (landed.delivered, landed.control_total) == (8, 8)
        assert landed.missing_days == (date(2023, 3, 29), date(2023, 3, 30))
        served.script = dict.fromkeys(range(7, 99), lambda: late)
        with pytest.raises(SourceLate, match="through 2023-03-28"):
            land(contract(day_param="on"), Window(date(2023, 3, 29), date(2023, 3, 30)), lake)


def test_what_the_api_says_in_its_body_counts(settings: Settings) -> None:
    codes = {
        "success_field": "code",
        "success_values": [0],
        "late_values": [1001],
        "retry_values": ["BUSY"],
        "token_values": [401],
        "items_path": "data.list",
        "total_field": "data.total",
    }

    def says(code: Any, data: Any = None) -> Callable[[], Answer]:
        return lambda: (200, {}, json.dumps({"code": code, "message": "王小明 13800138000", "data": data}).encode())

    with api(settings, 4) as (served, lake):
        served.envelope = lambda parts: {"code": 0, "data": {"list": parts["items"], "total": parts["total"]}}
        served.script = {2: says("BUSY")}
        assert land(contract(**codes), TODAY, lake).delivered == 4  # type: ignore[arg-type]
        for code, error, words in (
            (1001, SourceLate, "not published yet"),
            (401, SourceRefused, r"refuses our token \(code 401\)"),
            (500100, SourceRefused, r"says it did not work \(code 500100\)"),
            ("王小明 13800138000", SourceRefused, "says it did not work;|says it did not work[.]"),
            ("BUSY", SourceUnavailable, r"has trouble \(code BUSY\)"),
            (None, SourceRefused, "did not work"),
        ):
            served.script = dict.fromkeys(range(len(served.requests) + 1, 99), says(code))
            with pytest.raises(error, match=words) as refused:
                land(contract(**codes), TODAY, lake)  # type: ignore[arg-type]
            assert "1380013" not in told(refused.value)
        assert len(deliveries(lake, "queens.test.thing")) == 1


def test_an_empty_day_has_many_faces(settings: Settings) -> None:
    empty: list[tuple[Answer, dict[str, object]]] = [
        ((200, {}, b'{"items": [], "total": 0}'), {}),
        ((200, {}, b'{"items": null, "total": 0}'), {}),
        ((200, {}, b'{"total": 0}'), {}),
        ((200, {}, b'{"items": null}'), {"total_field": None, "null_is_empty": True}),
        ((204, {}, b""), {}),
    ]
    with api(settings, 0) as (served, lake):
        for number, (answer, arguments) in enumerate(empty, 1):
            served.script = {number: lambda answer=answer: answer}  # type: ignore[misc]
            landed = land(contract(**arguments), TODAY, lake)  # type: ignore[arg-type]
            assert landed.delivered == 0
            (lake.staging / "tmp").mkdir(exist_ok=True)
            with duckdb.connect() as connection:
                read(connection, landed, lake.staging / "tmp")
                assert connection.execute("SELECT count(*) FROM raw").fetchone() == (0,)
        served.script = {6: lambda: (200, {}, b'{"items": null}'), 7: lambda: (200, {}, b'{"items": null}')}
        with pytest.raises(DeliveryDamaged, match="holds no list of records"):
            land(contract(total_field=None), TODAY, lake)


# ---- who we are ------------------------------------------------------------------------------------------------------

KEY = "our-app"


def credentials(user: str = KEY) -> str:
    return f"{quote(user, safe='')}:{quote(SECRET, safe='')}"


TIF = {
    "scheme": "signature", "algorithm": "sha256", "template": "{timestamp}{secret}{nonce}{timestamp}",
    "encoding": "HEX", "timestamp": "epoch_s", "key_name": "x-tif-paasid", "timestamp_name": "x-tif-timestamp",
    "nonce_name": "x-tif-nonce", "sign_name": "x-tif-signature",
}  # fmt: skip
PARAMS_MD5 = {
    "scheme": "signature", "algorithm": "md5", "template": "{params}&key={secret}", "encoding": "HEX", "place": "params"
}  # fmt: skip
CANONICAL = {
    "scheme": "signature", "template": "{method}\n{path}\n{query}\n{key}\n{timestamp}\n{nonce}\n{body_sha256}",
    "encoding": "base64",
}  # fmt: skip
SM3 = CANONICAL | {"algorithm": "hmac-sm3", "template": CANONICAL["template"].replace("sha256", "sm3")}


def signatures() -> Signatures:
    return Signatures(KEY, SECRET)


SCHEMES: dict[str, tuple[Callable[[], Guard], dict[str, object]]] = {
    "basic by the address": (lambda: basic(KEY, SECRET), {}),
    "basic": (lambda: basic(KEY, SECRET), {"auth": {"scheme": "basic"}}),
    "bearer": (lambda: bearer("密".encode().hex()), {"auth": {"scheme": "bearer"}}),
    "key in a header": (
        lambda: header("X-Key", "k " + "a" * 8), {"auth": {"scheme": "api_key", "header": "X-Key", "prefix": "k "}}
    ),
    "key among the parameters": (lambda: parameter("ak", SECRET), {"auth": {"scheme": "api_key", "param": "ak"}}),
    "OAuth 2": (
        lambda: Tokens(KEY, SECRET).guard, {"auth": {"scheme": "oauth2", "token_path": "/oauth/token", "scope": "a b"}}
    ),
    "OAuth 2 by form": (
        lambda: Tokens(KEY, SECRET).guard,
        {"auth": {"scheme": "oauth2", "token_path": "/oauth/token", "client_auth": "post"}},
    ),
    "login": (
        lambda: Tokens(KEY, SECRET).guard,
        {"auth": {"scheme": "login", "token_path": "/login", "params": {"appKey": "{key}", "appSecret": "{secret}"},
                  "token_field": "data.token", "life_field": "data.expire", "header": "X-Token", "prefix": ""}},
    ),
    "signature over secret, time and nonce": (lambda: signatures().tif, {"auth": TIF}),
    "signature over the parameters": (lambda: signatures().params_md5, {"auth": PARAMS_MD5}),
    "signature over the request": (lambda: signatures().canonical, {"auth": CANONICAL}),
    "signature by SM3": (lambda: lambda request: signatures_sm3.canonical(request, "sm3"), {"auth": SM3}),
}  # fmt: skip
signatures_sm3 = Signatures(KEY, SECRET)
PASSWORDS = {"bearer": "密".encode().hex(), "key in a header": "a" * 8}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_source_knows_us_and_nobody_learns_how(
    settings: Settings, scheme: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    guard, arguments = SCHEMES[scheme]
    fixed = {"params": {"区": "a b+c/d", "empty": "", "z": 1}}
    secret = PASSWORDS.get(scheme, SECRET)
    with HttpApi(7, guard=guard()) as served:
        for more in ({}, {"method": "POST"}, {"method": "POST", "send": "form"}):
            lake = connected(settings, served.uri(http_uri(PASSWORDS.get(scheme))))
            assert ids(land(contract(**arguments, **fixed, **more), TODAY, lake)) == [str(n) for n in range(7)]  # type: ignore[arg-type]
        # Not that the server lets everybody in:
        wrong = connected(settings, served.uri(f"{KEY}:wr0ng"))
        with pytest.raises(SourceRefused) as refused:
            land(contract(**arguments), TODAY, wrong)  # type: ignore[arg-type]
        assert "wr0ng" not in told(refused.value)
        served.script = dict.fromkeys(range(len(served.requests) + 1, 999), lambda: (400, {}, b"{}"))
        with pytest.raises(SourceRefused) as refused:
            land(contract(**arguments), TODAY, lake)  # type: ignore[arg-type]
        seen = told(refused.value) + caplog.text + repr(open_connector(contract(**arguments), lake).__dict__)  # type: ignore[arg-type]
        assert secret not in seen
        assert quote(secret) not in seen
        assert "token-" not in seen
        # Their libraries tell whole addresses, key and signature included.
        assert not [record.name for record in caplog.records if record.name.startswith(("httpx", "httpcore"))]
    assert nothing_landed(wrong) or secret not in "".join(
        path.read_text() for path in lake.landing.rglob("*") if path.is_file()
    )


def http_uri(password: str | None) -> str:
    return f":{password}" if password else credentials()


def test_a_token_is_kept_for_its_life_and_renewed_once(settings: Settings) -> None:
    tokens = Tokens(KEY, SECRET)
    auth = {"auth": {"scheme": "oauth2", "token_path": "/oauth/token"}}
    with HttpApi(7, guard=tokens.guard) as served:
        lake = connected(settings, served.uri(credentials()))
        for _ in range(3):
            land(contract(**auth), TODAY, lake)  # type: ignore[arg-type]
        assert tokens.given == 1
        served.between = lambda pages: tokens.revoke() if pages == 11 else None  # in the middle of the fourth load
        land(contract(**auth), TODAY, lake)  # type: ignore[arg-type]
        assert tokens.given == 2
        tokens.life_s = 29  # too short to be kept
        tokens.revoke()
        land(contract(**auth), TODAY, lake)  # type: ignore[arg-type]
        assert tokens.given >= 4


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ((400, {}, b'{"error": "invalid_scope", "error_description": "s3cret"}'), SourceRefused, "code invalid_scope"),
        ((200, {}, b'{"error": "invalid_client"}'), SourceRefused, "gives no token .code invalid_client"),
        ((503, {}, b""), SourceUnavailable, "token: status 503"),
        ((200, {}, b"<html>"), SourceUnavailable, "token: the body is not JSON"),
        ((404, {}, b"{}"), SourceRefused, "no token endpoint at /oauth/token"),
    ],
)
def test_trouble_at_the_token_endpoint_is_told_as_such(
    settings: Settings, answer: Answer, error: type[CitybrainError], words: str
) -> None:
    tokens = Tokens(KEY, SECRET, trouble=lambda: answer)
    with HttpApi(1, guard=tokens.guard) as served, pytest.raises(error, match=words) as refused:
        land(
            contract(auth={"scheme": "oauth2", "token_path": "/oauth/token"}, attempts=2),
            TODAY,
            connected(settings, served.uri(credentials())),
        )
    assert "s3cret" not in told(refused.value)


def test_a_clock_that_is_wrong_is_told(settings: Settings) -> None:
    signed = Signatures(KEY, SECRET)
    with HttpApi(1, guard=signed.tif) as served:
        served.clock = signed.clock = lambda: datetime.now(UTC).timestamp() + 86_400
        with pytest.raises(SourceRefused, match=r"clock is 86[34]\d\d s behind the server's.*set this machine's clock"):
            land(contract(auth=TIF), TODAY, connected(settings, served.uri(credentials())))


def test_secrets_may_stand_in_the_query_of_the_connection(settings: Settings) -> None:
    with HttpApi(1, guard=basic(KEY, SECRET)) as served:
        lake = connected(settings, served.uri(more=f"/?app_key={KEY}&app_secret={quote(SECRET, safe='')}"))
        assert land(contract(), TODAY, lake).delivered == 1
    with pytest.raises(ContractError, match="has 1 parameters nobody reads") as error:
        land(contract(), TODAY, connected(settings, f"http://host/?sercet={KEY}"))
    assert KEY not in told(error.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"auth": {"scheme": "signature", "template": "{timestamp}", "algorithm": "md5"}}, "proves nothing"),
        ({"auth": {"scheme": "signature", "template": "{token}"}}, "no placeholder token"),
        ({"auth": {"scheme": "api_key"}}, "header or a param"),
        ({"auth": {"scheme": "oauth2"}}, "token_path or a token_url"),
        ({"auth": {"scheme": "kerberos"}}, "auth"),
        ({"headers": {"Authorization": "Bearer x"}}, "looks like a secret"),
        ({"params": {"app_secret": "x"}}, "looks like a secret"),
        ({"paging": "offset", "page_param": "p"}, "page_param: means nothing with paging offset"),
        ({"send": "json"}, "a GET has no body"),
        ({"params": {"a": [1]}}, "only a JSON body"),
        ({"success_field": "code"}, "give both"),
        ({"retry_values": [1]}, "values of success_field"),
        ({"day_param": "on", "first_day_param": "a"}, "day by day"),
        ({"last_day_param": None}, "asks by the day"),
        ({"cursor": "x"}, "cursor"),
    ],
)
def test_arguments_that_make_no_sense_are_named(arguments: dict[str, object], words: str) -> None:
    assert words in "; ".join(check_arguments(contract(**arguments)))  # type: ignore[arg-type]
    assert not check_arguments(contract())


# ---- trouble ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        (429, {"Retry-After": "0"}, b""),
        (429, {"Retry-After": "Mon, 01 Jan 2024 00:00:00 GMT"}, b""),
        (500, {}, b"<html>"),
        (503, {"Retry-After": "soon"}, b""),
        (200, {"cut": "1"}, b'{"items": [{"id": "3"}], "total": 4}'),
        (200, {}, b'{"items": [{"id": '),
        (200, {"Content-Encoding": "gzip"}, b"no gzip"),
    ],
)
def test_passing_trouble_is_waited_out(settings: Settings, trouble: Answer) -> None:
    with api(settings, 4) as (served, lake):
        served.script = {n: lambda: (trouble[0], dict(trouble[1]), trouble[2]) for n in (2, 3)}
        landed = land(contract(), TODAY, lake)
    assert (landed.delivered, len(served.requests)) == (4, 4)
    assert [query["page"] for query in served.queries] == ["1", "2", "2", "2"]


def test_retry_after_is_honoured(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("lake.connectors.http_client.time.sleep", slept.append)
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    with api(settings, 1) as (served, lake):
        served.script = {
            1: lambda: (429, {"Retry-After": "17"}, b""),
            2: lambda: (503, {"Retry-After": later}, b""),
            3: lambda: (500, {}, b""),
        }
        assert land(contract(backoff_s=2), TODAY, lake).delivered == 1
    assert slept[0] == 17
    assert 30 < slept[1] <= 40
    assert 8 <= slept[2] <= 10
    with api(settings, 1) as (served, lake), pytest.raises(SourceUnavailable, match="come back in 3600 s"):
        served.script = {1: lambda: (429, {"Retry-After": "3600"}, b"")}
        land(contract(), TODAY, lake)
    assert len(slept) == 3


def test_lasting_trouble_in_the_middle_leaves_nothing(settings: Settings) -> None:
    with api(settings, 9) as (served, lake):
        served.script = {n: lambda: (502, {}, b"secret row") for n in range(3, 20)}
        with pytest.raises(SourceUnavailable, match="page 3: status 502") as error:
            land(contract(attempts=4), TODAY, lake)
        assert len(served.requests) == 2 + 4
    assert (error.value.dataset, error.value.day) == ("queens.test.thing", DAY)
    assert "s3cret" not in told(error.value)
    assert nothing_landed(lake)
    assert not list((lake.landing / ".incoming").iterdir())


def test_a_server_that_is_away_or_silent_is_unavailable(settings: Settings) -> None:
    away = dataclasses.replace(settings, environment={"CITYBRAIN_CONN_API": "http://:s3cret@127.0.0.1:1"})
    with pytest.raises(SourceUnavailable, match="connect error"):
        land(contract(attempts=2), TODAY, away)
    silence = threading.Event()
    with api(settings, 1) as (served, lake):
        served.script = {1: lambda: silence.wait(5) and None}
        with pytest.raises(SourceUnavailable, match=r"no answer within 0\.2 s"):
            land(contract(attempts=1, timeout_s=0.2), TODAY, lake)
        silence.set()


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (401, b"{}", SourceRefused, "refuses our token"),
        (403, b"{}", SourceRefused, "refuses our token"),
        (404, b'{"error": "no_such_resource"}', SourceRefused, "answers /v1/things with status 404"),
        (400, b"{}", SourceRefused, "status 400"),
        (302, b"", SourceRefused, "status 302"),
        (404, b'{"error": "not_published"}', SourceLate, "does not say how far"),
        (404, b'{"error": "not_published", "available_through": "2023-03-25"}', SourceLate, "through 2023-03-25"),
        (200, b'{"items": [], "total": 0, "available_through": "2023-03-25"}', SourceLate, "through 2023-03-25"),
    ],
)
def test_refusals_and_days_not_published(
    settings: Settings, status: int, body: bytes, error: type[Exception], words: str
) -> None:
    with api(settings, 1) as (served, lake):
        served.script = dict.fromkeys(range(1, 9), lambda: (status, {}, body))
        with pytest.raises(error, match=words):
            land(contract(), TODAY, lake)
        assert len(served.requests) == 1
    assert nothing_landed(lake)


def test_a_range_ends_with_what_is_published(settings: Settings) -> None:
    window = Window(DAY, DAY + timedelta(days=3))
    refused = b'{"error": "not_published", "available_through": "2023-03-28"}'
    with api(settings, 2) as (served, lake):
        served.script = {1: lambda: (404, {}, refused)}
        landed = land(contract(), window, lake)
    assert served.queries[1]["to"] == "2023-03-28"
    assert landed.missing_days == (date(2023, 3, 29), date(2023, 3, 30))


def test_pages_that_contradict_each_other_are_read_once_more(settings: Settings) -> None:
    def page(total: int, *ids: int) -> Callable[[], Answer]:
        return lambda: (200, {}, json.dumps({"items": [{"id": str(n)} for n in ids], "total": total}).encode())

    contradictions: list[dict[int, Callable[[], Answer]]] = [
        {1: page(4, 0, 1, 2), 2: page(5, 3)},  # the total moved
        {1: page(4, 0, 1, 2), 2: page(4)},  # fewer than stated
        {1: page(2, 0, 1, 2)},  # more than stated
        {1: page(6, 0, 1, 2), 2: page(6, 0, 1, 2)},  # the page number is ignored
        {1: lambda: (200, {}, b'{"items": {"id": 1}, "total": 1}')},
        {1: lambda: (200, {}, b'{"items": [], "total": null}')},
    ]
    for once in contradictions:
        with api(settings, 4) as (served, lake):
            served.script = dict(once)
            assert land(contract(), TODAY, lake).delivered == 4
            assert len(served.requests) == len(once) + 2
        twice = once | {number + len(once): answer for number, answer in once.items()}
        with api(settings, 4) as (served, lake), pytest.raises(DeliveryDamaged, match="contradict each other"):
            served.script = dict(twice)
            land(dataclasses.replace(contract(), dataset="queens.test.other"), TODAY, lake)
    assert len(deliveries(settings, "queens.test.thing")) == 1
    assert not deliveries(settings, "queens.test.other")


def test_changes_under_our_hands_are_noticed(settings: Settings) -> None:
    """While pages are read a record goes and another comes: the total is the same, one record would be lost."""

    def moves(api_: HttpApi) -> Callable[[int], None]:
        def between(pages: int) -> None:
            if pages == 2:
                api_.records = [*api_.records[1:], {"id": "99"}]

        return between

    def shown(api_: HttpApi) -> list[str]:
        return [record["id"] for record in api_.records]

    for verify in ("first_page", "twice"):
        with api(settings, 9) as (served, lake):
            served.between = moves(served)
            assert ids(land(contract(verify=verify), TODAY, lake)) == shown(served), verify
    with api(settings, 9) as (served, lake):  # deep in the pages only reading twice finds it
        lost = [{"id": n} for n in "012346789"] + [{"id": "99"}]
        served.between = lambda pages: setattr(served, "records", lost) if pages == 2 else None
        served.records.append({"id": "98"})
        assert ids(land(contract(verify="twice"), TODAY, lake)) == [record["id"] for record in lost]


def test_a_record_that_moved_to_the_next_page_is_noticed(settings: Settings) -> None:
    with api(settings, 7) as (served, lake):
        ahead = [{"id": "-1"}, *served.records[:6]]
        served.between = lambda pages: setattr(served, "records", ahead) if pages == 1 else None
        assert ids(land(contract(), TODAY, lake)) == [record["id"] for record in ahead]
    with api(settings, [{"id": n} for n in "1122234"]) as (served, lake):  # doubles of the source's own
        landed = land(contract(), TODAY, lake)
        assert ids(landed) == list("1122234")
        assert len(served.requests) == 2 * 3


def test_what_stands_beside_the_records_makes_no_delivery_new(settings: Settings) -> None:
    traces = iter(range(99))
    with api(settings, 4) as (served, lake):
        served.envelope = lambda parts: {"trace": next(traces), **parts}
        landed = [land(contract(verify=verify), TODAY, lake) for verify in ("none", "first_page", "twice")]
        assert [each.is_new for each in landed] == [True, False, False]
        digests = set()
        for spelled in (b"1", b"1.0", b"1.00", b'"1"'):
            body = b'{"items": [{"id": ' + spelled + b'}], "total": 1}'
            served.script = {len(served.requests) + 1: lambda body=body: (200, {}, body)}  # type: ignore[misc]
            digests.add(land(contract(), TODAY, lake).content_digest)
        assert len(digests) == 4


def test_a_page_is_bounded_in_size_and_time(settings: Settings) -> None:
    with api(settings, [{"id": "1", "text": "x" * (1 << 20)}]) as (served, lake):
        with pytest.raises(DeliveryDamaged, match="page 1 is larger than 1 MB"):
            land(contract(page_limit_mb=1), TODAY, lake)
        assert len(served.requests) == 1


def test_requests_are_paced(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("lake.connectors.http_client.time.sleep", slept.append)
    with api(settings, 9) as (_, lake):
        land(contract(requests_per_second=2), TODAY, lake)
    assert len(slept) == 2
    assert all(0.3 < pause <= 0.5 for pause in slept)


def test_certificates_are_checked(settings: Settings, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    with HttpApi(4, certificate=certificate, key=key) as served:
        with pytest.raises(SourceRefused, match=r"certificate is not to be believed .*ca_file") as error:
            land(contract(), TODAY, connected(settings, served.uri()))
        assert len(served.requests) == 0, told(error.value)
        assert land(contract(), TODAY, connected(settings, served.uri(more=f"?ca_file={certificate}"))).delivered == 4
        with pytest.raises(ContractError, match="certificate file"):
            land(contract(), TODAY, connected(settings, served.uri(more="?ca_file=/nowhere")))


def self_signed(folder: Path) -> tuple[Path, Path]:
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "department")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


# ---- what the source says about itself -------------------------------------------------------------------------------


def test_a_description_names_keys_and_types(settings: Settings) -> None:
    records = [
        {"id": 1, "name": None, "place": {"lat": 1.5, "road": {"name": "x"}}, "tags": [1], "ok": True},
        {"id": 2, "name": "n", "place": {"lat": 2}, "tags": [], "extra": {}},
    ]
    draft = dataclasses.replace(contract(), columns=(), partition_column=None)
    with api(settings, records) as (served, lake):
        served.envelope = lambda parts: parts | {"available_through": "2023-03-28"}
        served.script = {1: lambda: (404, {}, b'{"error": "not_published", "available_through": "2023-03-28"}')}
        found = open_connector(draft, lake).describe(draft)
        assert [(column.name, column.type, column.is_nullable) for column in found.columns] == [
            ("id", "integer", False),
            ("name", "string", True),
            ("place.lat", "integer or number", False),
            ("place.road.name", "string", True),
            ("tags", "array", False),
            ("ok", "boolean", True),
            ("extra", "object", True),
        ]
        assert found.last_day == date(2023, 3, 28)
        assert served.queries[1]["to"] == "2023-03-28"


def test_a_count_is_asked_for_with_the_smallest_page(settings: Settings) -> None:
    with api(settings, 4711) as (served, lake):
        connector = open_connector(contract(), lake)
        assert connector.count(contract(), TWO_DAYS) == 4711
        assert served.queries[0]["page_size"] == "1"
        assert len(served.requests) == 1
        late = b'{"error": "not_published", "available_through": "2023-03-27"}'
        served.script = {2: lambda: (404, {}, late), 4: lambda: (404, {}, late)}
        assert connector.count(contract(), TWO_DAYS) == 4711
        assert served.queries[2]["to"] == "2023-03-27"
        with pytest.raises(SourceLate, match="through 2023-03-27"):
            connector.count(contract(), Window(TWO_DAYS.last, TWO_DAYS.last))
    cursors = contract(path="/v1/cursor", paging="cursor")
    assert open_connector(cursors, lake).count(cursors, TODAY) is None


# ---- what the guide shows --------------------------------------------------------------------------------------------


def test_every_example_of_the_guide_can_be_opened() -> None:
    from ruamel.yaml import YAML

    guide = (PROJECT_ROOT / "docs/how-to/connect-an-api.md").read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    assert len(examples) >= 10
    for example in examples:
        bare = dataclasses.replace(contract(), source=Source("http_json", "api", YAML(typ="safe").load(example)))
        assert check_arguments(bare) == [], example
