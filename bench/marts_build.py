"""What a build of the marts costs, on an empty lake, on a full one, and for one more day of a longer and longer history.

    python bench/marts_build.py                                        the fixed part alone
    python bench/marts_build.py --home DIR                             and of a city's home with data
    python bench/marts_build.py --tables DIR --scale 1 --days 90       and of a demo city made for it (`city_tables.py`)
    python bench/marts_build.py --tables DIR --days 90 --histories 30,60,90

`fixed` is the build of every model over tables without rows, parsing left out (it is kept while the project stays).
`bare` runs the compiled SQL of the models and data tests of the full build in DuckDB, in the same order, into a fresh
file that has the build's seeds and the tables of its Python steps. The goal is a build of at most `fixed` and one and
a half times `bare`; Python steps are told apart, for bare SQL has none. Each measure has a process of its own. Seconds
are the processors' unless they are named `clock`: on a busy machine only those say something. `recent_mb` is the part of the
published file that holds the last days of tables whose history lies beside it (`history_mb`): it grows for a month.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from city_tables import CityTables, period

from lake import marts
from lake.engine import connect, quote_identifier, quote_literal
from lake.marts import pins as pinning
from lake.marts import transform
from lake.marts.pins import Pins
from lake.settings import Settings

TOP = 10


@dataclass(frozen=True)
class Lake:
    """What is to be built from: a city's home, or the tables of a demo city; None: empty tables."""

    city: str
    home: str | None = None
    tables: str | None = None

    def pins(self, settings: Settings, as_of: date) -> Pins:
        """Pins as of a day."""
        if self.tables is not None:
            return CityTables(self._settings(self.tables)).pins(as_of)
        if self.home is not None:
            return pinning.collect(self._settings(self.home), as_of)
        return pinning.collect(settings, as_of)

    def _settings(self, home: str) -> Settings:
        return Settings.from_environment({"CITYBRAIN_CITY": self.city, "CITYBRAIN_HOME": home})


@dataclass
class Watch:
    """Processor and clock seconds of the parts of a build, and processor seconds of each of its nodes."""

    parts: dict[str, tuple[float, float]] = field(default_factory=dict)
    nodes: dict[str, float] = field(default_factory=dict)
    _begun: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Note what a part takes."""
        clock, processors = time.perf_counter(), time.process_time()
        yield
        before = self.parts.get(name, (0.0, 0.0))
        self.parts[name] = (before[0] + time.process_time() - processors, before[1] + time.perf_counter() - clock)

    @contextmanager
    def over_builds(self) -> Iterator[None]:
        """Look into the builds that are made within."""
        from dbt.cli.main import dbtRunner

        with ExitStack() as stack:
            for name in ("lay", "invoke", "broken_promises"):
                stack.enter_context(patch.object(transform, name, self._within(name, getattr(transform, name))))
            run_checks = transform.run_checks
            checks = self._within("run_checks", lambda duck, checks: list(run_checks(duck, checks)))
            stack.enter_context(patch.object(transform, "run_checks", checks))
            runner = lambda parsed: dbtRunner(manifest=parsed, callbacks=[self._told])  # noqa: E731
            stack.enter_context(patch.object(transform, "_runner", runner))
            yield

    def _within(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            with self.timed(name):
                return function(*arguments, **named)

        return call

    def _told(self, event: Any) -> None:
        """One node after the other is made, so that what the process took in between is the node's."""
        if event.info.name == "NodeStart":
            self._begun[event.data.node_info.unique_id] = time.process_time()
        elif event.info.name == "NodeFinished":
            node = event.data.node_info.unique_id
            self.nodes[node] = time.process_time() - self._begun.pop(node)


def main() -> None:
    """Run and print one JSON object a measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--city", default="linlan")
    parser.add_argument("--home", help="a city's home with data")
    parser.add_argument("--tables", help="home of a demo city's tables, made as far as they are not there")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--last", default="2026-07-01", help="the last of these days")
    parser.add_argument("--as-of", help="the day the full build speaks for, when it is not the last")
    parser.add_argument("--histories", default="", help="lengths in days of which one more day is measured")
    parser.add_argument("--only", default="fixed,full,bare", help="of these measures")
    parser.add_argument("--work", help="room for the builds; left out: one that is removed")
    given = parser.parse_args()
    first, last = period(date.fromisoformat(given.last), given.days)
    lake = Lake(given.city, given.home, given.tables)
    if given.tables:
        settings = Settings.from_environment({"CITYBRAIN_CITY": given.city, "CITYBRAIN_HOME": given.tables})
        for told in CityTables(settings, given.seed, given.scale).fill(first, last):
            report("tables", told)
    as_of = date.fromisoformat(given.as_of) if given.as_of else last
    with tempfile.TemporaryDirectory() as folder:
        work = given.work or folder
        only = given.only.split(",")
        if "fixed" in only:
            report("fixed", alone(fixed, work, given.city, as_of))
        if (given.home or given.tables) and "full" in only:
            report("full", alone(full, work, lake, as_of))
            if "bare" in only:
                report("bare", alone(bare, work, lake, as_of))
        for told in one_more_days(work, lake, first, [int(length) for length in given.histories.split(",") if length]):
            report("one more day", told)


def alone(measure: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """A measure in a process of its own, with the most memory that it took."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_with_peak, measure, arguments).result()


def _with_peak(measure: Callable[..., dict[str, Any]], arguments: Sequence[Any]) -> dict[str, Any]:
    told = measure(*arguments)
    return {**told, "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)}


def report(measure: str, figures: dict[str, Any]) -> None:
    """One line."""
    print(json.dumps({"measure": measure, **figures}, ensure_ascii=False), flush=True)


def room(work: str, city: str, name: str) -> Settings:
    """A home for builds; all in one place know the parsed project."""
    environment = {
        "CITYBRAIN_CITY": city,
        "CITYBRAIN_HOME": f"{work}/{name}",
        "CITYBRAIN_PARSED": f"{work}/parsed",
    }
    settings = Settings.from_environment(environment)
    settings.make_home()
    return settings


def fixed(work: str, city: str, as_of: date) -> dict[str, Any]:
    """An empty lake; twice, so that the project is parsed when the second build begins."""
    settings = room(work, city, "empty")
    lake, watch = Lake(city), Watch()
    with watch.timed("parse_and_build"):
        marts.build(settings, as_of, pins=lake.pins(settings, as_of))
    # Another day, so that nothing of the first build is taken over but the parsed project.
    another = date(as_of.year + 1, 1, 1)
    told = _build(settings, lake.pins(settings, another))
    return {**told, "parse_s": round(watch.parts["parse_and_build"][0] - told["build_s"], 2)}


def full(work: str, lake: Lake, as_of: date) -> dict[str, Any]:
    """The lake as it is."""
    settings = room(work, lake.city, "full")
    pins = lake.pins(settings, as_of)
    _know(settings, pins)
    told = _build(settings, pins)
    # Days of which many tables have rows: the files of weeks and months are filed under their first day.
    tables_of = Counter(day for table in pins.tables.values() for day in table.fingerprints)
    length = sum(number * 2 > max(tables_of.values()) for number in tables_of.values())
    held = sum(file.records for table in pins.tables.values() for file in table.files)
    sizes = {name: told[name] for name in ("published_mb", "parquet_mb") if name in told}
    return {
        **told,
        "lake_rows": held,
        "days": length,
        "a_year": {name: round(size * 365 / length) for name, size in sizes.items()},
    }


def bare(work: str, lake: Lake, as_of: date) -> dict[str, Any]:
    """The compiled SQL of the full build, in its order."""
    settings = room(work, lake.city, "full")
    pins = lake.pins(settings, as_of)
    build = marts.find_build(settings, pins.build_id)
    folder = Path(work) / "bare"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    nodes = json.loads((build.folder / transform.LOG).read_text(encoding="utf-8"))["nodes"]
    parsed = transform.manifest(settings, pins, build.folder).nodes
    compiled = build.folder / "target" / "compiled"
    files = (file.path for table in pins.tables.values() for file in table.files)
    models: Counter[str] = Counter()
    tests: Counter[str] = Counter()
    with connect(settings, folder / transform.PRIVATE_FILE, extensions=("spatial",), reads=files) as duck:
        duck.execute(f"ATTACH {quote_literal(str(build.folder / transform.PRIVATE_FILE))} AS made (READ_ONLY)")
        for schema in dict.fromkeys(["lake", *(node.schema for node in parsed.values())]):
            duck.execute(f"CREATE SCHEMA IF NOT EXISTS {quote_identifier(schema)}")
        for table, sql in duck.execute(
            "SELECT table_name, NULL FROM duckdb_tables() WHERE database_name = 'made' AND schema_name = 'lake' "
            "UNION ALL SELECT view_name, sql FROM duckdb_views() WHERE database_name = 'made' AND schema_name = 'lake'"
        ).fetchall():
            duck.execute(sql or f"CREATE TABLE lake.{quote_identifier(table)} AS FROM made.lake.{table}")
        made = {node["node"] for node in nodes}
        for node in parsed.values():  # seeds are laid before dbt begins, so that no line tells of them
            if node.resource_type == "seed":
                at = f"{quote_identifier(node.schema)}.{quote_identifier(node.name)}"
                duck.execute(f"CREATE TABLE IF NOT EXISTS {at} AS FROM made.{at}")
        for line in nodes:
            node = parsed.get(line["node"])
            if node is None or node.resource_type != "model" or node.unique_id not in made:
                continue
            at = f"{quote_identifier(node.schema)}.{quote_identifier(node.name)}"
            if node.language == "python":
                duck.execute(f"CREATE TABLE {at} AS FROM made.{at}")
                continue
            kind = "VIEW" if node.config.materialized == "view" else "TABLE"
            sql = (compiled / node.package_name / node.original_file_path).read_text(encoding="utf-8")
            with _noted(models, node.name):
                duck.execute(f"CREATE {kind} {at} AS {sql}")
        for check in transform._checks(settings, pins, build.folder):
            with _noted(tests, check.name):
                duck.execute(f"SELECT {check.counted} FROM ({check.sql}\n) AS wrong").fetchone()
    shutil.rmtree(folder)
    return {
        "models": len(models),
        "models_s": round(models.total(), 2),
        "tests": len(tests),
        "tests_s": round(tests.total(), 2),
        "slowest_s": {name: round(of, 2) for name, of in models.most_common(TOP)},
        "slowest_tests_s": {name[:60]: round(of, 2) for name, of in tests.most_common(5)},
    }


def one_more_days(work: str, lake: Lake, first: date, lengths: Sequence[int]) -> Iterator[dict[str, Any]]:
    """The build of the last day of each of these histories, carried on from that of the day before."""
    for length in sorted(lengths):
        before, last = first + timedelta(days=length - 2), first + timedelta(days=length - 1)
        alone(carried, work, lake, before)
        yield {"history": length, **alone(carried, work, lake, last)}


def carried(work: str, lake: Lake, as_of: date) -> dict[str, Any]:
    """A build that goes on from the one that was published last."""
    settings = room(work, lake.city, "carried")
    pins = lake.pins(settings, as_of)
    _know(settings, pins)
    told = _build(settings, pins)
    for kept in (settings.builds, settings.published):  # the next one goes on from this one alone
        for older in kept.iterdir():
            if older.is_dir() and not older.is_symlink() and older.name != pins.build_id:
                shutil.rmtree(older)
    return told


def _know(settings: Settings, pins: Pins) -> None:
    """Parse the project and compile its data tests, which is kept as long as the project stays."""
    transform.manifest(settings, pins, settings.home)
    transform._checks(settings, pins, settings.home)


def _build(settings: Settings, pins: Pins) -> dict[str, Any]:
    """Build and publish; seconds by part, by kind of node, and of the nodes that take the longest."""
    watch = Watch()
    with watch.over_builds(), watch.timed("build"):
        build = marts.build(settings, pins.as_of, pins=pins)
    with watch.timed("publish"):
        published = marts.publish(build, settings)
    parsed = transform.manifest(settings, pins, build.folder).nodes
    kinds: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    for node, of in watch.nodes.items():
        known = parsed.get(node)
        is_model = known is not None and known.resource_type == "model"
        kind = "hooks" if not is_model else "python" if known.language == "python" else known.config.materialized
        kinds[kind] += of
        numbers[kind] += 1
    named: Counter[str] = Counter({node.rpartition(".")[2]: of for node, of in watch.nodes.items()})
    parts = {name: of for name, (of, _) in watch.parts.items()}
    record = json.loads((build.folder / "built.json").read_text(encoding="utf-8"))
    with connect(settings, published, read_only=True) as duck:
        rows = duck.execute("SELECT sum(estimated_size) FROM duckdb_tables()").fetchone()
        recent_mb = sum(
            _table_mb(duck, f"{schema}.{name}")
            for schema, name in duck.execute(
                "SELECT schema, name FROM about.models WHERE part_shown IS NOT NULL"
            ).fetchall()
        )
    return {
        "build_s": round(parts["build"], 2),
        "build_clock_s": round(watch.parts["build"][1], 2),
        "carried_from": record["carried_from"],
        "parts_s": {
            "seeds": round(parts.get("lay", 0.0), 2),
            "dbt": round(parts["invoke"] - sum(watch.nodes.values()), 2),
            **{name: round(of, 2) for name, of in sorted(kinds.items())},
            "tests": round(parts["run_checks"], 2),
            "rest": round(parts["build"] - parts.get("lay", 0.0) - parts["invoke"] - parts["run_checks"], 2),
        },
        "models": dict(numbers),
        "tests": record["tests"],
        "publish_s": round(parts["publish"], 2),
        "published_rows": rows[0],
        "published_mb": round(published.stat().st_size / 2**20, 1),
        "recent_mb": round(recent_mb, 1),
        "history_mb": round(sum(file.stat().st_size for file in published.parent.rglob("*.parquet")) / 2**20, 1),
        "private_mb": round((build.folder / transform.PRIVATE_FILE).stat().st_size / 2**20, 1),
        "slowest_s": {name: round(of, 2) for name, of in named.most_common(TOP)},
    }


def _table_mb(duck: Any, table: str) -> float:
    """What a table takes in its file; a block that it shares counts whole."""
    blocks = duck.execute(
        f"SELECT count(DISTINCT block) FROM (SELECT unnest(list_append(additional_block_ids, block_id)) AS block "
        f"FROM pragma_storage_info({quote_literal(table)})) WHERE block >= 0"
    ).fetchone()
    return int(blocks[0]) / 4 if blocks else 0.0


@contextmanager
def _noted(seconds: Counter[str], name: str) -> Iterator[None]:
    begun = time.process_time()
    yield
    seconds[name] += time.process_time() - begun


if __name__ == "__main__":
    main()
