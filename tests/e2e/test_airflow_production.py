"""docker-compose.airflow.yml without containers: its own commands, settings, secrets and health checks as processes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import psutil
import psycopg
import pytest
from servers.postgres import PostgresServer
from servers.s3 import S3Server

from lake.contracts import contract_for
from lake.ledger import COMMITTED, Ledger
from lake.reconcile import reconcile
from lake.settings import PROJECT_ROOT, Settings
from lake.tables import Tables
from lake.warehouse import open_warehouse
from samples.airflow_standalone import Run, Standalone
from samples.serve import StandIn
from samples.servers.program import free_port

FIRST, UNTIL, TODAY = date(2023, 3, 27), date(2023, 4, 2), date(2023, 4, 3)
DATASETS = ["queens.dot.street_defect", "queens.nyc311.service_request"]
SERVICES = ("airflow-apiserver", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer")


class Production(Standalone):
    """The services of the compose file, each a process on this machine instead of a container.

    Args:
        folder: takes the secrets, the lake's home and logs.
        further: variables a container would get beside those of the file: the departments' connections.
    """

    def __init__(self, folder: Path, postgres: PostgresServer, s3: S3Server, further: Mapping[str, str]) -> None:
        super().__init__(folder / "airflow", PROJECT_ROOT, {})
        self.folder = folder
        self.secrets = folder / "secrets"
        subprocess.run(
            ["sh", "docker/make-secrets.sh", self.secrets], cwd=PROJECT_ROOT, check=True, capture_output=True
        )
        for name in ("airflow", "lake"):
            postgres.database(name)
            password = (self.secrets / f"{name}_database_password").read_text().strip()
            with psycopg.connect(postgres.address(), autocommit=True) as connection:
                connection.execute(
                    f"CREATE ROLE {name} LOGIN PASSWORD '{password}'; ALTER DATABASE {name} OWNER TO {name}"
                )
        for name, value in (("s3_key", s3.key), ("s3_secret", s3.secret)):
            (self.secrets / name).chmod(0o600)
            (self.secrets / name).write_text(value)
        ports = {name: free_port() for name in ("api", "scheduler", "logs", "triggers")}
        self.address = f"http://127.0.0.1:{ports['api']}"
        self._instead = {
            "http://airflow-apiserver:8080": self.address,
            "http://localhost:8080": self.address,
            "http://localhost:8974": f"http://127.0.0.1:{ports['scheduler']}",
            "http://s3:7070": s3.endpoint,
            "/run/secrets": str(self.secrets),
            "/opt/citybrain": str(PROJECT_ROOT),
            "/airflow/logs": str(self.home / "logs"),
        }
        for name in ("airflow", "lake"):
            file = self.secrets / f"{name}_database_uri"
            file.chmod(0o600)
            file.write_text(file.read_text().replace("@postgres:5432", f"@127.0.0.1:{postgres.port}"))
        told = subprocess.run(
            [Path(sys.executable).with_name("docker-compose"), "-f", "docker-compose.airflow.yml", "--env-file",
             ".env.example", "config", "--format", "json"],
            cwd=PROJECT_ROOT, env={"PATH": os.environ["PATH"], "HOME": str(folder), "SECRETS": str(self.secrets)},
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        self.services: dict[str, Any] = json.loads(told.stdout)["services"]
        self._ports, self._given = ports, dict(further)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._token = ""

    def environment_of(self, service: str) -> dict[str, str]:
        """What its container would get, and where things are here."""
        given = {name: self.here(value) for name, value in self.services[service]["environment"].items()}
        return {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(PROJECT_ROOT),
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT_ROOT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT_ROOT / "plugins"),
            **given,
            "CITYBRAIN_ROOT": str(PROJECT_ROOT),
            "CITYBRAIN_HOME": str(self.folder / "lake"),
            "CITYBRAIN_SCHEDULE": "manual",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(self._ports["scheduler"]),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(self._ports["logs"]),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(self._ports["triggers"]),
            **self._given,
        }

    def here(self, text: str) -> str:
        """What stands in the file, as it is on this machine."""
        for there, here in self._instead.items():
            text = text.replace(there, here)
        return text

    def initialise(self) -> None:
        """The service airflow-init."""
        done = self._run("airflow-init", self.services["airflow-init"]["command"])
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

    def up(self) -> None:
        """Start every service and wait until its own health check is content."""
        for name in SERVICES:
            self.start_one(name, name)
        self._process = self._processes["airflow-apiserver"]
        end = time.monotonic() + 180
        ill = list(SERVICES)
        while ill:
            assert time.monotonic() < end, f"not healthy: {ill}; see {self.folder}"
            ill = [name for name in ill if not self.is_healthy(name)]

    def start_one(self, service: str, name: str, **further: str) -> None:
        """Start a process of a service under a name of its own."""
        words = [self.here(word) for word in self.services[service]["command"]]
        if "--port" in words:
            words[words.index("--port") + 1] = str(self._ports["api"])
            words[words.index("--host") + 1] = "127.0.0.1"
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                words, env=self.environment_of(service) | further, cwd=self.home, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip

    def kill_one(self, name: str) -> None:
        """kill -9 a process and the tasks it runs, as its machine would with the power gone."""
        head = psutil.Process(self._processes[name].pid)
        for each in [head, *head.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        self._processes[name].wait()

    def is_healthy(self, name: str) -> bool:
        """Run the health check of the file."""
        kind, *words = self.services[name]["healthcheck"]["test"]
        command = (
            ["sh", "-c", words[0].replace("$$", "$")] if kind == "CMD-SHELL" else [self.here(word) for word in words]
        )
        return self._run(name, command).returncode == 0

    def log_in(self) -> None:
        """As the administrator whom airflow-init made."""
        body = {"username": "admin", "password": (self.secrets / "admin_password").read_text().strip()}
        request = urllib.request.Request(
            f"{self.address}/auth/token", data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            self._token = json.load(answer)["access_token"]

    def call(self, method: str, path: str, body: Any = None, *, patience: float = 60.0) -> Any:
        """One request to the REST API, with the administrator's token."""
        request = urllib.request.Request(
            f"{self.address}/api/v2{path}",
            method=method,
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=patience) as answer:
            return json.load(answer)

    def stop(self) -> None:
        """End every process."""
        family = []
        for process in self._processes.values():
            with contextlib.suppress(psutil.NoSuchProcess):
                head = psutil.Process(process.pid)
                family += [head, *head.children(recursive=True)]
        for each in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        for process in self._processes.values():
            process.wait()
        self._process = None

    def _run(self, service: str, command: list[str]) -> subprocess.CompletedProcess[str]:
        words = [self.here(word) for word in command]
        environment = {**self.environment_of(service), "HOSTNAME": os.uname().nodename}
        self.home.mkdir(parents=True, exist_ok=True)
        return subprocess.run(
            words, env=environment, cwd=self.home, capture_output=True, text=True, check=False, timeout=170
        )


@pytest.fixture
def production(tmp_path: Path) -> Iterator[Production]:
    with (
        StandIn(tmp_path / "departments", UNTIL, rate_per_second=500) as departments,
        PostgresServer(tmp_path / "postgres") as postgres,
        S3Server(tmp_path / "s3", bucket="lake", folders_kept="5m") as s3,
    ):
        connections = {f"CITYBRAIN_CONN_{name.upper()}": uri for name, uri in departments.connections.items()}
        made = Production(tmp_path, postgres, s3, connections)
        try:
            yield made
        finally:
            made.stop()


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_compose_files_own_commands_bring_a_day_from_the_departments_to_the_brief(production: Production) -> None:
    production.initialise()
    production.up()

    # Nobody gets in without a password, whatever he asks for.
    with pytest.raises(urllib.error.HTTPError) as refused:
        production.call("GET", "/dags")
    assert refused.value.code == 401
    production.log_in()
    until_known(production, {"history", "marts", "briefs", "ingest__queens__dot__daily"})
    assert {pool["name"] for pool in production.call("GET", "/pools")["pools"]} >= {
        "sources",
        "duckdb_writer",
        "briefs",
    }

    history = production.trigger("history", conf={"datasets": DATASETS, "first": str(FIRST), "last": str(UNTIL)})
    boundaries = production.trigger("ingest__queens__dcp__monthly", key="2023-03-01")
    for finished in production.wait_for([history, boundaries], seconds=400):
        assert finished.state == "success", (finished.run.title, finished.errors)
    (marts,) = production.wait_for([production.trigger("marts", key=str(UNTIL))], seconds=300)
    assert marts.state == "success", marts.errors
    assert marts.results["build_and_publish"]["outcome"] == "published"
    briefs = briefs_of(production)
    (issued,) = production.wait_for([briefs], seconds=300)
    assert issued.state == "success", issued.errors
    assert issued.results["issue"]["B01"]["new"] > 0

    # What the tasks made is in PostgreSQL and in the bucket, and the home tells nobody the keys to them.
    environment = production.environment_of("airflow-scheduler")
    settings = Settings.from_environment(environment)
    accounts = reconcile(settings)
    assert accounts
    assert [account for account in accounts if account.unaccounted] == []
    assert not any(settings.tables.rglob("*.parquet"))
    secrets = [
        (production.secrets / name).read_text().strip().encode()
        for name in ("lake_database_password", "airflow_database_password", "s3_secret", "fernet_key", "jwt_secret")
    ]
    told = [
        path
        for folder in (settings.home, production.home / "logs")
        for path in folder.rglob("*")
        if path.is_file() and any(secret in path.read_bytes() for secret in secrets)
    ]
    assert told == []
    assert all(production.is_healthy(name) for name in SERVICES)
    for process in psutil.Process(production.pid).children(recursive=True):
        process.kill()
    production._processes["airflow-apiserver"].kill()
    production._processes["airflow-apiserver"].wait()
    assert not production.is_healthy("airflow-apiserver")


SOON = {
    # Of a scheduler that is gone the others know after this, and take its tasks up.
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
}
SECOND = "second-scheduler"


@pytest.mark.long
@pytest.mark.timeout(900)
def test_two_schedulers_load_every_partition_once_also_when_one_dies(production: Production) -> None:
    production._given |= SOON
    production.initialise()
    production.up()
    second = {
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
    }
    production.start_one("airflow-scheduler", SECOND, **second)
    production.log_in()
    until_known(production, {"ingest__queens__dot__daily", "ingest__queens__nyc311__daily"})
    until_alive(production, 2)
    settings = Settings.from_environment(production.environment_of("airflow-scheduler"))

    # Day after day is asked for until the second has a task in its hands; then it dies, and two days more are asked.
    def ask(day: date) -> list[Run]:
        return [production.trigger(f"ingest__queens__{name}__daily", key=str(day)) for name in ("dot", "nyc311")]

    (job,) = asked(production, "SELECT max(id) FROM job WHERE job_type = 'SchedulerJob'")
    days, runs = [UNTIL - timedelta(days=n) for n in range(25)], []
    running = f"SELECT count(*) FROM task_instance WHERE state = 'running' AND queued_by_job_id = {job}"
    for number, day in enumerate(days):
        runs += ask(day)
        if number >= 2 and until(lambda: asked(production, running) != (0,), 8):
            break
    production.kill_one(SECOND)
    assert asked(production, running) != (0,), "it had nothing in its hands"
    days = days[: number + 3]
    runs += ask(days[-2]) + ask(days[-1])
    production.start_one("airflow-scheduler", SECOND, **second)
    for finished in production.wait_for(runs, seconds=600):
        assert finished.state == "success", (finished.run.title, finished.errors)
    until_alive(production, 2)

    for dataset in DATASETS:
        events = Ledger(settings).events(dataset=dataset, kind=COMMITTED)
        assert len({event.payload["delivery"] for event in events}) == len(events), dataset
        accounts = [account for account in reconcile(settings) if account.dataset == dataset]
        assert len(accounts) == len(days)
        assert [account for account in accounts if account.unaccounted] == []
        contract = contract_for(dataset, FIRST, settings)
        files = open_warehouse(settings).readable(file.path for file in Tables(settings).pin(contract).files)
        with duckdb.connect() as connection:
            rows, addresses, partitions = connection.execute(
                "SELECT count(*), count(DISTINCT (_delivery, _file, _record)), count(DISTINCT ds) "
                "FROM read_parquet(?, hive_partitioning = false, union_by_name = true)",
                [files],
            ).fetchone()
        assert rows == addresses == sum(account.accepted for account in accounts)
        assert partitions == sum(account.accepted > 0 for account in accounts) > 3


def asked(production: Production, sql: str) -> tuple[Any, ...]:
    """One row of Airflow's own database."""
    uri = (production.secrets / "airflow_database_uri").read_text().strip()
    with psycopg.connect(f"postgresql://{uri.partition('://')[2]}") as connection:
        row: tuple[Any, ...] = connection.execute(sql).fetchone()
    return row


def until(is_so: Callable[[], bool], seconds: float) -> bool:
    """Wait until something is so; whether it was in time."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def until_alive(production: Production, number: int) -> None:
    """Wait until so many schedulers beat in the metadata database."""
    beating = (
        "SELECT count(*) FROM job WHERE job_type = 'SchedulerJob' AND state = 'running' "
        "AND latest_heartbeat > now() - interval '10 seconds'"
    )
    assert until(lambda: asked(production, beating) == (number,), 120)


def until_known(production: Production, wanted: set[str]) -> None:
    end = time.monotonic() + 180
    while not wanted <= production.known_dags():
        assert time.monotonic() < end, production.known_dags()
        time.sleep(1)


def briefs_of(production: Production) -> Run:
    end = time.monotonic() + 120
    while True:
        if runs := production.runs("briefs", str(UNTIL)):
            return runs[0]
        assert time.monotonic() < end
        time.sleep(1)
