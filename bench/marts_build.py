"""What a build of the marts costs: its fixed part on an empty lake, and on a full one against the same SQL run bare.

`fixed` is the build of every model over tables without rows, parsing left out (it is kept while the project stays) and
the steps in Python told apart. `bare` runs the compiled SQL of the same build in DuckDB, in the same order, into a fresh
file. The goal is a build of at most `fixed` and one and a half times `bare`. Seconds are of the clock and of the
processors: on a busy machine only the second say something.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from lake import marts
from lake.engine import connect, quote_identifier, quote_literal
from lake.marts import pins as pinning
from lake.marts import transform
from lake.marts.pins import Pins
from lake.settings import Settings

Seconds = dict[str, tuple[float, float]]


@contextmanager
def timed(seconds: Seconds, name: str) -> Iterator[None]:
    """Note seconds of the clock and of the processors."""
    clock, processors = time.perf_counter(), time.process_time()
    yield
    seconds[name] = (round(time.perf_counter() - clock, 2), round(time.process_time() - processors, 2))


def main() -> None:
    """Run and print one JSON object a measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--city", default="linlan")
    parser.add_argument("--home", help="a city's home with data; left out: the fixed part only")
    parser.add_argument("--as-of", default="2026-07-01")
    arguments = parser.parse_args()
    as_of = date.fromisoformat(arguments.as_of)
    with tempfile.TemporaryDirectory() as folder:
        environment = {"CITYBRAIN_CITY": arguments.city, "CITYBRAIN_HOME": f"{folder}/empty"}
        empty = Settings.from_environment(environment)
        empty.make_home()
        report("parse", _build(empty, pinning.collect(empty, as_of), publish=False)[1])
        # Another day, so that nothing of the first build is taken over but the parsed project.
        report("fixed", _build(empty, pinning.collect(empty, date(as_of.year + 1, 1, 1)), publish=True)[1])
        if arguments.home:
            full = Settings.from_environment({**environment, "CITYBRAIN_HOME": arguments.home})
            pins = pinning.collect(full, as_of)
            # The lake of that home, built in a home of our own that knows the parsed project.
            ours = replace(full, home=empty.home)
            build, seconds = _build(ours, pins, publish=True)
            report("full", seconds)
            report("bare", _bare(ours, pins, build, Path(folder) / "bare"))


def report(measure: str, figures: dict[str, Any]) -> None:
    """One line."""
    print(json.dumps({"measure": measure, **figures}, ensure_ascii=False), flush=True)


def _build(settings: Settings, pins: Pins, *, publish: bool) -> tuple[marts.Build, dict[str, Any]]:
    seconds: Seconds = {}
    with timed(seconds, "build"):
        build = marts.build(settings, pins.as_of, pins=pins)
    nodes = json.loads((build.folder / transform.LOG).read_text(encoding="utf-8"))["nodes"]
    if publish:
        with timed(seconds, "publish"):
            marts.publish(build, settings)
    kinds = Counter(node["node"].split(".")[0] for node in nodes)
    spent: Counter[str] = Counter()
    for node in nodes:
        spent[node["node"].split(".")[0]] += node["seconds"]
    slowest = sorted(nodes, key=lambda node: -node["seconds"])[:5]
    return build, {
        **{f"{name}_s": clock for name, (clock, _) in seconds.items()},
        **{f"{name}_cpu_s": processors for name, (_, processors) in seconds.items()},
        "nodes": dict(kinds),
        "spent_s": {kind: round(of, 2) for kind, of in spent.items()},
        "slowest_s": {node["node"].split(".")[-1]: node["seconds"] for node in slowest},
    }


def _bare(settings: Settings, pins: Pins, build: marts.Build, folder: Path) -> dict[str, Any]:
    """The compiled SQL of a build, in its order, in a fresh file that has the build's seeds and Python tables."""
    folder.mkdir()
    private = folder / transform.PRIVATE_FILE
    nodes = json.loads((build.folder / transform.LOG).read_text(encoding="utf-8"))["nodes"]
    parsed = transform.manifest(settings, pins, build.folder).nodes
    compiled = build.folder / "target" / "compiled"
    files = (file.path for table in pins.tables.values() for file in table.files)
    seconds: Counter[str] = Counter()
    with connect(settings, private, extensions=("spatial",), reads=files) as duck:
        duck.execute(f"ATTACH {quote_literal(str(build.folder / transform.PRIVATE_FILE))} AS made (READ_ONLY)")
        for schema in dict.fromkeys(["lake", *(node.schema for node in parsed.values())]):
            duck.execute(f"CREATE SCHEMA IF NOT EXISTS {quote_identifier(schema)}")
        for table, sql in duck.execute(
            "SELECT table_name, NULL FROM duckdb_tables() WHERE database_name = 'made' AND schema_name = 'lake' "
            "UNION ALL SELECT view_name, sql FROM duckdb_views() WHERE database_name = 'made' AND schema_name = 'lake'"
        ).fetchall():
            duck.execute(sql or f"CREATE TABLE lake.{quote_identifier(table)} AS FROM made.lake.{table}")
        for line in nodes:
            node = parsed.get(line["node"])
            if node is None or node.resource_type not in ("model", "seed"):
                continue
            at = f"{quote_identifier(node.schema)}.{quote_identifier(node.name)}"
            if node.resource_type == "seed" or node.language == "python":
                duck.execute(f"CREATE TABLE {at} AS FROM made.{at}")
                continue
            kind = "VIEW" if node.config.materialized == "view" else "TABLE"
            sql = (compiled / node.package_name / node.original_file_path).read_text(encoding="utf-8")
            begun = time.perf_counter()
            duck.execute(f"CREATE {kind} {at} AS {sql}")
            seconds[node.name] = time.perf_counter() - begun
    slowest = {name: round(of, 2) for name, of in seconds.most_common(5)}
    return {"models": len(seconds), "sql_s": round(seconds.total(), 2), "slowest_s": slowest}


if __name__ == "__main__":
    main()
