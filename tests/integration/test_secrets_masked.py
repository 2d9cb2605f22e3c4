"""Credentials are told by nobody: every way to a source, a mail server or the lake's own store fails, and no byte of
what is printed, logged, raised or written has a piece of them, in whatever spelling.
"""

from __future__ import annotations

import base64
import dataclasses
import logging
import re
import socket
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import psycopg
import pytest
from faults import town as towns
from servers.ftp import FtpServer
from servers.http_api import Answer, HttpApi, Request
from servers.mail import MailServer
from servers.mariadb import mariadb
from servers.postgres import PostgresServer
from servers.receiver import Receiver
from servers.s3 import S3Server
from servers.sshd import PasswordSSH
from typer.testing import CliRunner

from lake import doctor
from lake.connectors import open_connector
from lake.contracts import contract_for, load_contracts
from lake.errors import ContractError
from lake.load import load_business_day
from lake.settings import PROJECT_ROOT, Settings
from lake.watch.ways import ways

DAY = date(2023, 3, 6)
SECRET = "zq7one/zq7two@zq7three#zq7four?zq7five&zq7six:zq7seven zq7eight%密"
"""Whatever part of it is told has the mark, also when a wrong spelling makes it host, port, path or fragment."""
MARK = "zq7"
WORD = quote(SECRET, safe="")


@dataclass(frozen=True)
class Case:
    """A dataset whose source does not let us in."""

    name: str
    connector: str
    uri: str
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def dataset(self) -> str:
        return f"town.case.{self.name}"


FILES = {"pattern": "x_{day:%Y%m}.csv", "timeout_s": 3}
HTTP = {"path": "/things", "attempts": 1, "timeout_s": 3, "verify": "none"}
SIGNED = {"scheme": "signature", "template": "{key}{timestamp}{secret}"}


def closed(port: int) -> list[Case]:
    """Every way, and nobody there."""
    at = f"127.0.0.1:{port}"
    table = {"table": "public.t"}
    return [
        Case("postgres", "postgres", f"postgresql://user:{WORD}@{at}/hall", table),
        Case("mysql", "mysql", f"mysql://user:{WORD}@{at}/hall", table),
        Case("oracle", "sql_database", f"oracle://user:{WORD}@{at}/hall", table),
        Case("mssql", "sql_database", f"mssql://user:{WORD}@{at}/hall", table),
        Case("dm", "sql_database", f"dm://user:{WORD}@{at}/hall", table),
        Case("sftp", "csv_files", f"sftp://user:{WORD}@{at}/d?host_key=SHA256%3A{'A' * 43}", FILES),
        Case("ftp", "csv_files", f"ftp://user:{WORD}@{at}/d", FILES),
        Case("s3", "csv_files", f"s3://KEY:{WORD}@{at}/bucket/d?scheme=http", FILES),
        Case("http_files", "csv_files", f"http://user:{WORD}@{at}/d", FILES),
        Case("http_proxy", "http_json", f"http://{at}/?proxy={quote(f'http://user:{WORD}@{at}', safe='')}", HTTP),
        *(
            Case(f"http_{auth['scheme']}", "http_json", f"http://user:{WORD}@{at}", HTTP | {"auth": auth})
            for auth in AUTHS
        ),
        Case("http_newline", "http_json", f"http://:{MARK}%0Anext@{at}", HTTP),
    ]


AUTHS: tuple[dict[str, str], ...] = (
    {"scheme": "basic"},
    {"scheme": "bearer"},
    {"scheme": "api_key", "param": "key"},
    {"scheme": "oauth2", "token_path": "/token"},
    {"scheme": "login", "token_path": "/token"},
    SIGNED,
)


def misspelled(port: int) -> list[Case]:
    """The password as a person writes it who never heard of percent-encoding, and worse."""
    at, table = f"127.0.0.1:{port}", {"table": "public.t"}
    raw = SECRET.replace(" ", "")
    digits = "8471/" + raw  # what stands before the slash looks like a port
    found = [
        (scheme, connector, arguments, f"{scheme}://user:{word}@{at}/hall")
        for scheme, connector, arguments in (
            ("postgresql", "postgres", table), ("mysql", "mysql", table), ("oracle", "sql_database", table),
            ("sftp", "csv_files", FILES), ("ftp", "csv_files", FILES), ("s3", "csv_files", FILES),
            ("https", "csv_files", FILES), ("http", "http_json", HTTP),
        )
        for word in (raw, digits, raw.replace("/", ""), raw.replace("/", "").replace("#", ""))
    ]  # fmt: skip
    found += [
        ("bare", "http_json", HTTP, raw),
        ("scheme", "postgres", table, f"{MARK}://{at}/x"),
        ("query", "http_json", HTTP, f"http://{at}/?api_key=a&{MARK}b=c"),
        ("option", "csv_files", FILES, f"ftp://{at}/d?{MARK}=1"),
        ("option", "mysql", table, f"mysql://{at}/d?{MARK}=1"),
        ("option", "postgres", table, f"postgresql://{at}/d?{MARK}=1"),
    ]
    return [
        Case(f"wrong{number}_{kind}", connector, uri, arguments)
        for number, (kind, connector, arguments, uri) in enumerate(found)
    ]


# ---- where nothing may be ------------------------------------------------------------------------------------------


_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")


def leaks(text: str) -> list[str]:
    """Places of a text that have a piece of the secret: as it is, percent-encoded, escaped, in base64 or hex."""
    found = []
    for spelling in (text, unquote(text), unquote(unquote(text))):
        found += [spelling[max(0, m.start() - 60) : m.end() + 20] for m in re.finditer(MARK, spelling, re.IGNORECASE)]
    for token in _BASE64.findall(text):
        for offset in range(4):
            piece = token[offset:].replace("-", "+").replace("_", "/").rstrip("=")
            decoded = base64.b64decode(piece + "=" * (-len(piece) % 4) if len(piece) % 4 != 1 else piece[:-1])
            if MARK.encode() in decoded.lower():
                found.append(token)
    if MARK.encode().hex() in text.lower():
        found.append("hex")
    return found


def test_every_spelling_is_found() -> None:
    pair = base64.b64encode(f"user:{SECRET}".encode()).decode()
    for text in (SECRET, WORD, quote(WORD, safe=""), pair, f"x{pair[5:]}", SECRET.encode().hex(), "HOST ZQ7ONE"):
        assert leaks(f"before {text} after"), text
    assert leaks("sha256 of it is a1b2c3, /tmp/some/path/of/a/file, QUJDREVGRw==") == []


@dataclass
class Told:
    """What is said in one test, whoever says it."""

    settings: Settings
    captured: pytest.CaptureFixture[str]
    log: pytest.LogCaptureFixture
    said: list[str] = field(default_factory=list)

    def run(self, *words: str) -> int:
        """A command; gives its exit status."""
        from lake.cli import app

        done = CliRunner().invoke(app, list(words), env=dict(self.settings.environment))
        self.said += [done.output]
        if done.exception is not None:
            self.error(done.exception)
        return getattr(done.exception, "exit_code", done.exit_code)

    def error(self, error: BaseException) -> None:
        """An error with whatever hangs on it."""
        seen: list[BaseException] = []
        waiting: list[BaseException | None] = [error]
        while waiting:
            if (each := waiting.pop()) is None or each in seen:
                continue
            seen.append(each)
            waiting += [each.__cause__, each.__context__]
            held = {name: value for name, value in vars(each).items() if name != "request"}
            self.said += [str(each), repr(each), repr(each.args), repr(held)]
        self.said += traceback.format_exception(error)

    def leaked(self) -> list[str]:
        files = [path for path in self.settings.home.rglob("*") if path.is_file()]
        written = [path.read_bytes().decode("latin-1") for path in files if not path.is_relative_to(self.settings.keys)]
        return leaks("\n".join([*self.said, self.log.text, *self.captured.readouterr(), *written, *map(str, files)]))


Making = Callable[..., Told]


@pytest.fixture
def told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Making]:  # fmt: skip
    """Makes a town of the cases; a log in which even the libraries tell everything."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(doctor, "EXTENSIONS", ())  # they take their time to load
    monkeypatch.syspath_prepend(str(PROJECT_ROOT / "plugins"))
    levels = {name: logging.getLogger(name).level for name in ("httpx", "httpcore")}
    for name in levels:
        logging.getLogger(name).setLevel(logging.NOTSET)

    def make(cases: list[Case], **more: str) -> Told:
        listed = {case.dataset: [("code", "code", "INTEGER", "keep")] for case in cases}
        monkeypatch.setattr(towns, "COLUMNS", listed)
        monkeypatch.setattr(
            towns,
            "SETTINGS",
            {
                case.dataset: {
                    "mode": "snapshot", "withdrawal": "absence", "cadence": "monthly", "connector": case.connector,
                    "arguments": case.arguments, "connection": case.name,
                }
                for case in cases
            },
        )  # fmt: skip
        town = towns.Town(tmp_path).found()
        for case in cases:
            town.write_contract(case.dataset, arguments=case.arguments, settings={"connection": case.name})
        connections = {f"CITYBRAIN_CONN_{case.name.upper()}": case.uri for case in cases}
        return Told(Settings.from_environment(town.environment | connections | more), capfd, caplog)

    yield make
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def ask_all(told: Told, cases: list[Case], by_command: Sequence[str] = ()) -> None:
    """Whatever touches a source: a task for all of them, commands for some; none of it succeeds."""
    for case in cases:
        if case.name in by_command:
            table = case.arguments.get("table")
            drafted = ["--table", table] if table else ["--pattern", str(FILES["pattern"])]
            if case.connector == "http_json":
                drafted = ["--connector", "http_json", "--set", "path=/things", "--set", "attempts=1"]
            assert told.run("load", case.dataset, "--from", str(DAY)) > 0, case
            assert told.run("load", case.dataset, "--from", str(DAY), "--dry-run") > 0, case
            assert told.run("contract", "draft", case.name, "--dataset", "town.new.thing", *drafted) > 0, case
        contract = contract_for(case.dataset, DAY, told.settings)
        try:
            connector = open_connector(contract, told.settings)
            told.said += [repr(connector), str(connector), repr(vars(connector).get("_place"))]
            told.said += [repr(vars(connector).get("_transport")), repr(vars(connector).get("_authenticator"))]
        except Exception as error:
            told.error(error)
    from citybrain_airflow import work

    contracts = load_contracts(told.settings)
    told.said += [repr(told.settings), str(told.settings), repr(contracts)]
    with pytest.raises(Exception) as failed:
        work.load_department(contracts, DAY, "UTC", lambda dataset, day: load_business_day(dataset, day, told.settings))
    told.error(failed.value)
    assert told.run("doctor") > 0
    told.run("doctor", "--json")


@pytest.fixture(scope="module")
def nobody() -> Iterator[int]:
    """A port that is taken and where nobody answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield int(probe.getsockname()[1])


def test_sources_that_do_not_answer(told: Making, nobody: int) -> None:
    cases = closed(nobody)
    made = told(cases)
    ask_all(made, cases, ["postgres", "http_signature"])
    assert made.leaked() == []


def test_addresses_that_cannot_be_taken_apart(told: Making, nobody: int) -> None:
    cases = misspelled(nobody)
    made = told(cases)
    ask_all(made, cases)
    assert made.leaked() == []


def test_sources_that_refuse_us_and_tell_what_we_said(told: Making, tmp_path: Path) -> None:
    """Real servers, wrong credentials; the HTTP one sends everything back that it was sent, and redirects with it."""

    def echo(request: Request) -> Answer:
        shown = f"{request.headers} {request.params} {request.body!r}"
        if "again" not in request.path and request.headers.get("x-turn") != "2":
            return 401, {"WWW-Authenticate": f'Basic realm="{SECRET[:6]}"'}, shown.encode()
        return 500, {}, shown.encode()

    with ExitStack() as stack:
        start = stack.enter_context
        (tmp_path / "served").mkdir()
        ssh = start(PasswordSSH(tmp_path / "served", "user", "right"))
        ftp = start(FtpServer(tmp_path / "served", "user", "right"))
        s3 = start(S3Server(tmp_path / "buckets", bucket="bucket"))
        api = start(HttpApi(3, guard=echo))
        maria = start(mariadb(tmp_path))
        postgres = start(PostgresServer(tmp_path / "postgres"))
        with psycopg.connect(postgres.address(), autocommit=True) as connection:
            connection.execute("CREATE ROLE reader LOGIN PASSWORD 'right'")
        table = {"table": "public.t"}
        cases = [
            Case("postgres", "postgres", f"postgresql://reader:{WORD}@127.0.0.1:{postgres.port}/postgres", table),
            Case("mysql", "mysql", f"mysql://root:{WORD}@127.0.0.1:{maria.port}/hall", {"table": "hall.t"}),
            Case("sftp", "csv_files", ssh.uri("/", password=SECRET), FILES),
            Case("ftp", "csv_files", ftp.uri("/", password=SECRET), FILES),
            Case("s3", "csv_files", f"s3://citybrain:{WORD}@127.0.0.1:{s3.port}/bucket/d?scheme=http", FILES),
            *(
                Case(f"http_{auth['scheme']}", "http_json", api.uri(f"user:{WORD}"), HTTP | {"auth": auth})
                for auth in AUTHS
            ),
        ]
        made = told(cases)
        ask_all(made, cases, ["mysql", "sftp", "http_oauth2"])
        assert len(api.requests) >= len(AUTHS)
    assert made.leaked() == []


def test_those_who_are_told_of_alerts(told: Making, nobody: int) -> None:
    made = told([Case("drop", "csv_files", "file:///nowhere", FILES)])
    with MailServer(user="lake", password="right") as mail, Receiver(500) as refusing, Receiver(204) as taking:
        for smtp, hook in (
            (f"smtp://lake:{WORD}@127.0.0.1:{nobody}/?from=a@b.example&to=c@d.example&tls=off",
             f"http://:{WORD}@127.0.0.1:{nobody}/send?key={WORD}"),
            (f"smtp://lake:{WORD}@127.0.0.1:{mail.port}/?from=a@b.example&to=c@d.example&tls=off",
             f"{refusing.url}?key={WORD}#wecom"),
            (f"smtp://lake:{SECRET}@127.0.0.1:{mail.port}/?from=a@b.example&to=c@d.example",
             f"http://:{SECRET}@127.0.0.1/send"),
            (f"smtp://lake:{WORD}@127.0.0.1:{mail.port}/?from=a@b.example&to=c@d.example&tls=off",
             f"{taking.url}?key={WORD}#wecom"),
        ):  # fmt: skip
            environment = {
                **made.settings.environment,
                "CITYBRAIN_CONN_CITYBRAIN_SMTP": smtp,
                "CITYBRAIN_CONN_CITYBRAIN_WEBHOOK": hook,
            }
            made.settings = dataclasses.replace(made.settings, environment=environment)
            assert made.run("alert", "test") > 0
            made.run("alert", "check")
            made.run("doctor")
            try:
                made.said += map(repr, ways(made.settings))
            except Exception as error:
                made.error(error)
    assert made.leaked() == []


def test_the_lakes_own_store_and_catalog(told: Making, nobody: int, tmp_path: Path) -> None:
    bucket = {
        "CITYBRAIN_WAREHOUSE": "s3://lake/town",
        "CITYBRAIN_S3_ENDPOINT": f"http://127.0.0.1:{nobody}",
        "CITYBRAIN_S3_KEY": "KEY",
        "CITYBRAIN_S3_SECRET": SECRET,
    }
    made = told([Case("drop", "csv_files", f"file://{tmp_path}", FILES)])
    (tmp_path / "x_202303.csv").write_text("code\n1\n")
    for more in (
        bucket,
        {"CITYBRAIN_CATALOG_URI": f"postgresql+psycopg2://user:{WORD}@127.0.0.1:{nobody}/lake"},
        {"CITYBRAIN_CATALOG_URI": f"postgresql+psycopg2://user:{SECRET}@127.0.0.1:{nobody}/lake"},
        {"CITYBRAIN_CATALOG_URI": f"postgresql+psycopg2://user:{WORD}@127.0.0.1:{MARK}/lake"},
        {"CITYBRAIN_CATALOG_URI": SECRET},
    ):
        environment = {**made.settings.environment, **more}
        try:
            made.settings = Settings.from_environment(environment)
        except ContractError as error:
            made.error(error)
            made.settings = dataclasses.replace(made.settings, environment=environment)
        made.said += [repr(made.settings), repr(made.settings.bucket)]
        for words in (
            ["load", "town.case.drop", "--from", str(DAY)], ["load", "town.case.drop", "--from", str(DAY), "--dry-run"],
            ["reconcile"], ["ledger", "rebuild"], ["backup", "create", str(tmp_path / "store")], ["doctor"],
            ["marts", "build", "--as-of", str(DAY)], ["setup"],
        ):  # fmt: skip
            made.run(*words)
    assert made.leaked() == []
