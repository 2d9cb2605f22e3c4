"""Slow and cut networks: whatever happens on the line, a load ends in time, leaves nothing half, and loses nothing."""

from __future__ import annotations

import dataclasses
import hashlib
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date

import psycopg
import pytest

from lake.contracts.model import Cadence, Column, Contract, Mode, Source, Window, Withdrawal
from lake.errors import SourceUnavailable
from lake.landing import land, sweep
from lake.landing.incoming import INCOMING
from lake.settings import Settings
from samples.serve import StandIn
from tests.servers.bad_network import BadNetwork, Trouble
from tests.servers.http_api import HttpApi
from tests.servers.mariadb import mariadb
from tests.servers.s3 import S3Server
from tests.servers.sshd import openssh

DAY = date(2023, 3, 27)
TODAY = Window(DAY, DAY)
ROWS = 20_000
PATIENCE_S = 0.6
"""How long a silent server is waited for in these tests; in production it is half a minute to a quarter of an hour."""
SOURCES = ("http_json", "postgres", "mysql", "sftp", "s3")


@dataclass(frozen=True)
class Line:
    """A source behind a bad network."""

    network: BadNetwork
    uri: str
    source: Source

    def contract(self, dataset: str, **arguments: object) -> Contract:
        source = dataclasses.replace(self.source, arguments=self.source.arguments | arguments)
        return Contract(
            dataset=dataset, version="1.0.0", valid_from=date(2020, 1, 1), title_zh="物", title_en="thing",
            owner="test", mode=Mode.SNAPSHOT, cadence=Cadence.DAILY, zone="America/New_York", source=source,
            columns=(Column("id", "id", "BIGINT", 1, key_position=1), Column("text", "text", "VARCHAR", 2)),
            withdrawal=Withdrawal.UNSEEN,
        )  # fmt: skip


@pytest.fixture(scope="module")
def lines(standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Line]]:
    """Each source with `ROWS` records of its own and a network before it."""
    folder = tmp_path_factory.mktemp("line")
    # What cannot be compressed, for some lines do: twice a hash.
    texts = [2 * hashlib.md5(str(n).encode()).hexdigest() for n in range(ROWS)]
    csv = "id,text\n" + "".join(f"{n},{text}\n" for n, text in enumerate(texts))
    made: dict[str, Line] = {}
    with ExitStack() as stack:

        def line(name: str, port: int, uri: str, connector: str, **arguments: object) -> None:
            network = stack.enter_context(BadNetwork(port))
            given = {"timeout_s": PATIENCE_S} | arguments
            made[name] = Line(network, uri.replace(f":{port}", f":{network.port}"), Source(connector, "line", given))

        api = stack.enter_context(HttpApi([{"id": n, "text": text} for n, text in enumerate(texts)], most=5000))
        line(
            "http_json", api.port, api.uri(), "http_json", path="/v1/things", page_size=5000, attempts=2, backoff_s=0.01
        )

        admin = stack.enter_context(psycopg.connect(standin.database.admin_uri, autocommit=True))
        admin.execute(
            "DROP SCHEMA IF EXISTS line CASCADE; CREATE SCHEMA line; GRANT USAGE ON SCHEMA line TO citybrain;"
            "CREATE TABLE line.thing AS SELECT i AS id, repeat(md5(i::text), 2) AS text "
            f"FROM generate_series(0, {ROWS - 1}) i;"
            "GRANT SELECT ON line.thing TO citybrain"
        )
        stack.callback(lambda: admin.execute("DROP SCHEMA line CASCADE"))
        port = int(psycopg.conninfo.conninfo_to_dict(standin.connections["nyc311_db"])["port"])
        line("postgres", port, standin.connections["nyc311_db"], "postgres", table="line.thing")

        (folder / "mariadb").mkdir()
        maria = stack.enter_context(mariadb(folder / "mariadb"))
        with maria.admin() as connection, connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TABLE thing AS SELECT seq AS id, repeat(md5(seq), 2) AS text FROM seq_0_to_{ROWS - 1}"
            )
        line("mysql", maria.port, maria.uri, "mysql", table="hall.thing")

        drop = folder / "drop"
        drop.mkdir()
        (drop / "thing-20230327.csv").write_text(csv)
        ssh = stack.enter_context(openssh(folder / "ssh"))
        line("sftp", ssh.port, ssh.uri(drop), "csv_files", pattern="thing-{day:%Y%m%d}.csv")

        s3 = stack.enter_context(S3Server(folder / "s3", bucket="drop"))
        (folder / "s3" / "drop" / "thing-20230327.csv").write_text(csv)
        line("s3", s3.port, s3.uri("drop"), "csv_files", pattern="thing-{day:%Y%m%d}.csv")
        yield made


TROUBLES = {
    "refused": Trouble("refuse"),
    "silent from the start": Trouble("silence"),
    "silent in the middle": Trouble("silence", after=150_000),
    "cut in the middle": Trouble("cut", after=150_000),
    "reset in the middle": Trouble("reset", after=150_000),
}


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("name", SOURCES)
def test_a_bad_line_ends_in_time_and_loses_nothing(
    settings: Settings, lines: dict[str, Line], name: str, trouble: str
) -> None:
    line = lines[name]
    lake = dataclasses.replace(settings, environment={"CITYBRAIN_CONN_LINE": line.uri})
    contract = line.contract(f"queens.test.{name}")
    line.network.trouble = TROUBLES[trouble]
    began = time.monotonic()
    try:
        with pytest.raises(SourceUnavailable) as error:
            land(contract, TODAY, lake)
    finally:
        line.network.trouble = Trouble()
    assert time.monotonic() - began < 20
    told = error.value
    assert (told.dataset, told.day) == (f"queens.test.{name}", DAY)
    assert len(told.remedy) > 20
    assert hashlib.md5(b"0").hexdigest() not in "".join(traceback.format_exception(told))
    sweep(lake)
    assert not [path for path in lake.landing.rglob("*") if path.is_file()]
    assert not list((lake.landing / INCOMING).iterdir())

    landed = land(line.contract(f"queens.test.{name}", timeout_s=30), TODAY, lake)
    assert (landed.delivered, landed.is_new) == (ROWS, True)


@pytest.mark.parametrize("name", SOURCES)
def test_a_slow_line_is_no_cut_one(settings: Settings, lines: dict[str, Line], name: str) -> None:
    line = lines[name]
    lake = dataclasses.replace(settings, environment={"CITYBRAIN_CONN_LINE": line.uri})
    line.network.trouble = Trouble("delay", seconds=0.02)
    try:
        assert land(line.contract(f"queens.test.{name}", timeout_s=5), TODAY, lake).delivered == ROWS
    finally:
        line.network.trouble = Trouble()


def test_an_api_that_gives_a_byte_now_and_then_is_left(settings: Settings, lines: dict[str, Line]) -> None:
    line = lines["http_json"]
    lake = dataclasses.replace(settings, environment={"CITYBRAIN_CONN_LINE": line.uri})
    for after in (0, 100_000):  # from the first byte of the headers on, and in the middle of a body
        line.network.trouble = Trouble("trickle", rate=40, after=after)
        began = time.monotonic()
        try:
            with pytest.raises(SourceUnavailable, match=r"not answered to the end within 0\.4 s"):
                land(line.contract("queens.test.http_json", page_timeout_s=0.4), TODAY, lake)
        finally:
            line.network.trouble = Trouble()
        assert time.monotonic() - began < 10
    assert land(line.contract("queens.test.http_json", timeout_s=30), TODAY, lake).delivered == ROWS


def test_one_bad_moment_does_not_cost_the_load(settings: Settings, lines: dict[str, Line]) -> None:
    line = lines["http_json"]
    lake = dataclasses.replace(settings, environment={"CITYBRAIN_CONN_LINE": line.uri})
    for does in ("silence", "cut", "reset"):
        line.network.trouble = Trouble(does, after=700_000, times=1)
        before = line.network.connections
        try:
            assert land(line.contract(f"queens.test.{does}"), TODAY, lake).delivered == ROWS
        finally:
            line.network.trouble = Trouble()
        assert line.network.connections - before == 2
