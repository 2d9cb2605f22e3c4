"""The whole way under a real scheduler, on ten days of the real data, with Airflow killed in the middle of a load."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from lake.contracts import load_contracts
from lake.contracts.model import Window
from lake.engine import connect, quote_literal
from lake.ledger import Ledger
from lake.load import load, load_business_day
from lake.settings import PROJECT_ROOT, Settings
from lake.tables import Tables
from lake.upkeep import make_ready
from samples.airflow_standalone import Finished, Run, Standalone
from samples.serve import StandIn

FIRST, UNTIL, TODAY, LAST_MONTH = date(2023, 3, 24), date(2023, 4, 2), date(2023, 4, 3), date(2023, 3, 1)
CHANGES = ["queens.dot.street_defect", "queens.nyc311.service_request"]
CRASHES, WEATHER, BOUNDARIES = "queens.nypd.collision", "queens.weather.hourly_weather", "queens.dcp.community_district"
DAGS = ["history", "marts", "briefs", "upkeep", "ingest__queens__weather__monthly"]


@pytest.fixture
def departments(tmp_path: Path) -> Iterator[StandIn]:
    with StandIn(tmp_path / "departments", UNTIL, rate_per_second=500) as stand_in:
        yield stand_in


@pytest.fixture
def city(departments: StandIn, tmp_path: Path) -> Settings:
    return home_of(departments, tmp_path / "home")


@pytest.fixture
def reference(departments: StandIn, city: Settings, tmp_path: Path) -> Settings:
    """A second home with the same keys: what it holds was loaded by plain calls, one after the other."""
    shutil.copytree(city.keys, tmp_path / "reference" / "keys")
    return home_of(departments, tmp_path / "reference")


@pytest.fixture
def posted() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook: its address, and what it was sent."""
    received: list[dict[str, Any]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", received
    server.shutdown()
    server.server_close()


@pytest.fixture
def airflow(
    departments: StandIn, city: Settings, posted: tuple[str, list[dict[str, Any]]], tmp_path: Path
) -> Iterator[Standalone]:
    webhook = json.dumps({"conn_type": "http", "host": posted[0]})
    environment = {
        "CITYBRAIN_CITY": "queens",
        "CITYBRAIN_HOME": str(city.home),
        "CITYBRAIN_SCHEDULE": "manual",
        "AIRFLOW_CONN_CITYBRAIN_WEBHOOK": webhook,
        **{f"CITYBRAIN_CONN_{name.upper()}": uri for name, uri in departments.connections.items()},
    }
    with Standalone(tmp_path / "airflow", PROJECT_ROOT, environment) as made:
        yield made


@pytest.mark.timeout(600)
def test_a_killed_airflow_goes_on_where_it_was_and_the_day_gets_its_brief(
    airflow: Standalone,
    departments: StandIn,
    city: Settings,
    reference: Settings,
    posted: tuple[str, list[dict[str, Any]]],
) -> None:
    with ThreadPoolExecutor(1) as beside:
        plain = beside.submit(load_plainly, reference)
        airflow.start(DAGS)
        history = airflow.trigger(
            "history", conf={"datasets": [*CHANGES, CRASHES], "first": str(FIRST), "last": str(UNTIL)}
        )
        # In mid-load: at least one delivery has been put in place, the run is not over.
        until(lambda: any(city.landing.glob("*/*/*/manifest.json")))
        assert airflow.task_states(history) == {"load_range": "running"}
        killed = psutil.Process(airflow.pid).children(recursive=True)
        airflow.kill()
        _, alive = psutil.wait_procs(killed, timeout=10)
        assert alive == []
        plain.result()

    airflow.start(DAGS)
    boundaries = airflow.trigger("ingest__queens__dcp__monthly", key=str(LAST_MONTH))
    assert states(airflow, [history, boundaries]) == {"history": "success", "ingest__queens__dcp__monthly": "success"}
    assert held_by(city) == held_by(reference)

    # The next day. Weather of March never came: its deadline passed years ago, so nobody waits for it.
    departments.advance(TODAY)
    day = [airflow.trigger(f"ingest__queens__{name}__daily", key=str(TODAY)) for name in ("dot", "nyc311", "nypd")]
    weather = airflow.trigger("ingest__queens__weather__monthly", key=str(LAST_MONTH))
    finished = {result.run.dag_id: result for result in airflow.wait_for([*day, weather])}
    for run in day:
        assert finished[run.dag_id].state == "success", finished[run.dag_id].errors
    crashes = finished["ingest__queens__nypd__daily"].results["load"][CRASHES]
    assert crashes["outcome"] == "committed"
    late = finished["ingest__queens__weather__monthly"]
    assert late.state == "failed"
    for part in (f"dataset={WEATHER}", "day=2023-03-01", "late:", "it was due 2023-04-03 06:30", "Remedy:"):
        assert part in late.errors["load"]
    # Of this and of nothing else: the data engineer at once, further levels outside New York's quiet hours.
    told = [(alert["level"], problem["dataset"]) for alert in posted[1] for problem in alert["problems"]]
    assert told[0] == ("data_engineer", WEATHER)
    assert set(told) <= {(level, WEATHER) for level in ("data_engineer", "department", "head")}
    assert len(set(told)) == len(told)

    # The marts start the briefs of their key by themselves.
    (marts,) = airflow.wait_for([airflow.trigger("marts", key=str(TODAY))])
    assert marts.state == "success", marts.errors
    assert [line.split()[0] for line in marts.results["wait"]] == [WEATHER]
    assert marts.results["build_and_publish"]["outcome"] == "published"
    until(lambda: bool(airflow.runs("briefs", str(TODAY))))
    (briefs,) = airflow.wait_for(airflow.runs("briefs", str(TODAY)))
    assert briefs.state == "success", briefs.errors
    assert set(briefs.results["issue"]) == {"B01"}
    assert briefs.results["issue"]["B01"]["new"] > 0

    # All of it once more, with the same keys: nothing is new, and nothing has changed.
    before = held_by(city)
    again = {r.run.dag_id: r for r in airflow.wait_for([airflow.trigger(run.dag_id, key=str(TODAY)) for run in day])}
    (rebuilt,) = airflow.wait_for([airflow.trigger("marts", key=str(TODAY))])
    assert {counts["outcome"] for r in again.values() for counts in r.results["load"].values()} == {"nothing_new"}
    assert rebuilt.results["build_and_publish"]["outcome"] == "nothing_new"
    assert held_by(city) == before


def home_of(departments: StandIn, home: Path) -> Settings:
    connections = {f"CITYBRAIN_CONN_{name.upper()}": uri for name, uri in departments.connections.items()}
    settings = Settings.from_environment({"CITYBRAIN_HOME": str(home), **connections})
    make_ready(settings)
    return settings


def load_plainly(settings: Settings) -> None:
    for dataset in CHANGES:
        load(dataset, Window(FIRST, UNTIL), settings)
    load(CRASHES, Window(date(2023, 3, 21), date(2023, 3, 30)), settings)
    load_business_day(BOUNDARIES, LAST_MONTH, settings)


def held_by(settings: Settings) -> dict[str, Any]:
    """Per dataset: the ledger's counts, and the records of each partition but for the time they were landed at."""
    held: dict[str, Any] = {}
    for contract in load_contracts(settings):
        files = [file.path for file in Tables(settings).pin(contract).files]
        rows: list[Any] = []
        if files:
            paths = ", ".join(quote_literal(path) for path in files)
            with connect(settings) as duck:
                rows = duck.execute(
                    f"SELECT r.ds, hash(r), count(*) FROM (SELECT * EXCLUDE (_landed_at) "
                    f"FROM read_parquet([{paths}], hive_partitioning = false)) AS r GROUP BY ALL ORDER BY ALL"
                ).fetchall()
        counts = [
            (s.day, s.state, s.delivered, s.accepted, s.quarantined, s.unchanged)
            for s in Ledger(settings).partitions(contract.dataset)
        ]
        held[contract.dataset] = (counts, rows)
    return held


def states(airflow: Standalone, runs: list[Run]) -> dict[str, str]:
    finished: list[Finished] = list(airflow.wait_for(runs))
    for result in finished:
        assert result.state == "success", (result.run.title, result.errors)
    return {result.run.dag_id: result.state for result in finished}


def until(holds: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)
