"""A real Airflow of one's own: `airflow standalone` on free loopback ports, tuned, started and stopped by the caller.

The demo and the end-to-end tests start the same one.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil

from samples.servers.program import free_port

LOOPBACK = "127.0.0.1"
START_SECONDS = 180.0
STOP_SECONDS = 5.0
POLL_SECONDS = 0.4
CONFLICT, SERVER_ERROR = 409, 500
FINISHED = ("success", "failed")
# A shell's background job ignores SIGINT, and so would Airflow as its child.
_LAUNCH = (
    "import os, signal; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execvp('airflow', ['airflow', 'standalone'])"
)


class AirflowStopped(RuntimeError):
    """Airflow ended, or did not come up in time; the message names its log."""


@dataclass(frozen=True)
class Run:
    """A run somebody asked for."""

    dag_id: str
    run_id: str
    partition_key: str | None = None

    @property
    def title(self) -> str:
        """DAG and key, for people."""
        return f"{self.dag_id} {self.partition_key}" if self.partition_key else self.dag_id


@dataclass(frozen=True)
class Finished:
    """A run that came to its end.

    Attributes:
        run: the run.
        state: ``success`` or ``failed``.
        seconds: from its start to its end.
        results: task id → what the task gave back.
        errors: task id → message of the error it failed with.
    """

    run: Run
    state: str
    seconds: float
    results: dict[str, Any]
    errors: dict[str, str]


class Standalone:
    """`airflow standalone`: scheduler, DAG processor, API server and triggerer on SQLite.

    Args:
        home: AIRFLOW_HOME; made when it is not there.
        root: the project, with ``dags/`` and ``plugins/``.
        environment: further variables, such as ``CITYBRAIN_HOME``.
    """

    def __init__(self, home: Path, root: Path, environment: Mapping[str, str]) -> None:
        self.home, self._root = home.resolve(), root.resolve()
        self._further = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self.address = ""

    @property
    def log(self) -> Path:
        """What all its processes print."""
        return self.home / "standalone.log"

    @property
    def _pid_file(self) -> Path:
        return self.home / "standalone.pid"

    @property
    def pid(self) -> int:
        """Process id, which is the id of its process group too."""
        if self._process is None:
            raise AirflowStopped("Airflow was not started")
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, dag_ids: Iterable[str], *, seconds: float = START_SECONDS) -> None:
        """Start it and wait until it is healthy, knows the DAGs and has its pools.

        Raises:
            AirflowStopped: it ended, or was not ready in time.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        self._take_home()
        self._bury_the_dead()
        port = free_port()
        self.address = f"http://{LOOPBACK}:{port}"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _LAUNCH],
                env=self._environment(port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.home,
                start_new_session=True,
            )
        born = psutil.Process(self._process.pid).create_time()
        self._pid_file.write_text(f"{self._process.pid} {born}", encoding="ascii")
        wanted = set(dag_ids)
        self._wait(lambda: self._is_healthy() and wanted <= self.known_dags(), seconds, f"to know {sorted(wanted)}")
        self.make_pools()

    def stop(self) -> None:
        """Ask it to stop, then end what is left: its executor may wait for ever (airflow#67870)."""
        if self._process is None:
            return
        family = _family(self._process.pid)
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        self._end(family)

    def kill(self) -> None:
        """End every process of it at once, as a power cut would."""
        if self._process is not None:
            self._end(_family(self._process.pid))

    def _end(self, family: list[psutil.Process]) -> None:
        """Kill processes; those of running tasks are in sessions of their own, where no signal to a group gets."""
        _kill(family)
        if self._process is not None:
            self._process.wait()
        self._process = None
        self._pid_file.unlink(missing_ok=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def call(self, method: str, path: str, body: Any = None, *, patience: float = 60.0) -> Any:
        """One request to the REST API; `path` begins after ``/api/v2``."""
        request = urllib.request.Request(
            f"{self.address}/api/v2{path}",
            method=method,
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=patience) as answer:
            return json.load(answer)

    def known_dags(self) -> set[str]:
        """Ids of the DAGs it has read."""
        try:
            return {dag["dag_id"] for dag in self.call("GET", "/dags?limit=200")["dags"]}
        except OSError:
            return set()

    def make_pools(self) -> None:
        """Make the pools of ``dags/pools.json``; a task whose pool is missing would wait for ever."""
        self._set_pools(json.loads((self._root / "dags" / "pools.json").read_text(encoding="utf-8")))

    @contextlib.contextmanager
    def still(self, pool: str) -> Iterator[None]:
        """No task of `pool` starts meanwhile.

        The API server writes its audit log in its event loop. On SQLite a request that does so while a task's own
        request holds the database waits for that one, which waits for the loop: both, and everybody else, for the whole
        minute of the time-out. Many runs are therefore asked for while nothing of them runs.
        """
        pools = json.loads((self._root / "dags" / "pools.json").read_text(encoding="utf-8"))
        self._set_pools({pool: {**pools[pool], "slots": 0}})
        try:
            yield
        finally:
            self._set_pools({pool: pools[pool]})

    def _set_pools(self, pools: Mapping[str, Any]) -> None:
        known = {pool["name"]: pool for pool in self.call("GET", "/pools")["pools"]}
        entities = [
            {"name": name, **pool} for name, pool in pools.items() if not pool.items() <= known.get(name, {}).items()
        ]
        if entities:
            action = {"action": "create", "action_on_existence": "overwrite", "entities": entities}
            self.call("PATCH", "/pools", {"actions": [action]})

    def trigger(self, dag_id: str, *, key: str | None = None, conf: Mapping[str, Any] | None = None) -> Run:
        """Ask for a run."""
        run = Run(dag_id, f"manual__{uuid.uuid4()}", key)
        body = {
            "dag_run_id": run.run_id, "logical_date": None, "partition_key": key, "conf": dict(conf or {}),
        }  # fmt: skip
        for attempts_left in (2, 1, 0):
            try:
                self.call("POST", f"/dags/{dag_id}/dagRuns", body)
                break
            except urllib.error.HTTPError as error:
                if error.code == CONFLICT:  # the attempt before got through, only its answer did not
                    break
                if error.code < SERVER_ERROR or not attempts_left:
                    raise
            except (TimeoutError, urllib.error.URLError):  # its database is locked now and then
                if not attempts_left:
                    raise
        return run

    def runs(self, dag_id: str, key: str | None = None) -> list[Run]:
        """Runs of a DAG, of one partition key when given."""
        answer = self.call("GET", f"/dags/{dag_id}/dagRuns?limit=100&order_by=-run_after")
        return [
            Run(dag_id, run["dag_run_id"], run["partition_key"])
            for run in answer["dag_runs"]
            if key is None or run["partition_key"] == key
        ]

    def wait_for(self, runs: Iterable[Run], *, seconds: float = 300.0) -> Iterator[Finished]:
        """Give each run as it finishes.

        Raises:
            AirflowStopped: Airflow ended, or the runs did not finish in time.
        """
        open_runs = {(run.dag_id, run.run_id): run for run in runs}
        until = time.monotonic() + seconds
        while open_runs:
            self._check_alive()
            if time.monotonic() > until:
                waiting = ", ".join(run.title for run in open_runs.values())
                raise AirflowStopped(f"not finished after {seconds:.0f} s: {waiting}; see {self.log}")
            time.sleep(POLL_SECONDS)
            newest: list[dict[str, Any]] = []
            with contextlib.suppress(urllib.error.URLError, TimeoutError):
                newest = self.call("GET", "/dags/~/dagRuns?limit=100&order_by=-id")["dag_runs"]
            for record in newest:
                run = open_runs.get((record["dag_id"], record["dag_run_id"]))
                if run is not None and record["state"] in FINISHED:
                    del open_runs[run.dag_id, run.run_id]
                    yield self._finished(run, record)

    def task_states(self, run: Run) -> dict[str, str | None]:
        """State of each task of a run."""
        answer = self.call("GET", f"/dags/{run.dag_id}/dagRuns/{_quoted(run.run_id)}/taskInstances")
        return {task["task_id"]: task["state"] for task in answer["task_instances"]}

    def task_log(self, run: Run, task_id: str, attempt: int) -> list[dict[str, Any]]:
        """Events of a task's log, one dictionary each."""
        path = f"/dags/{run.dag_id}/dagRuns/{_quoted(run.run_id)}/taskInstances/{task_id}/logs/{attempt}"
        content = self.call("GET", f"{path}?full_content=true")["content"]
        return [event for event in content if isinstance(event, dict)]

    def _finished(self, run: Run, record: Mapping[str, Any]) -> Finished:
        tasks = self.call("GET", f"/dags/{run.dag_id}/dagRuns/{_quoted(run.run_id)}/taskInstances")["task_instances"]
        errors = {
            task["task_id"]: self._error(run, task["task_id"], task["try_number"])
            for task in tasks
            if task["state"] == "failed"
        }
        results = {task["task_id"]: self._result(run, task["task_id"]) for task in tasks if task["state"] == "success"}
        return Finished(run, record["state"], float(record["duration"] or 0.0), results, errors)

    def _result(self, run: Run, task_id: str) -> Any:
        path = f"/dags/{run.dag_id}/dagRuns/{_quoted(run.run_id)}/taskInstances/{task_id}/xcomEntries/return_value"
        try:
            return self.call("GET", f"{path}?stringify=false")["value"]
        except urllib.error.HTTPError:  # a task that gives nothing back has no entry
            return None

    def _error(self, run: Run, task_id: str, attempt: int) -> str:
        messages = [
            cause["exc_value"]
            for event in self.task_log(run, task_id, attempt)
            for cause in (event.get("error_detail") or [])[:1]
            if cause.get("exc_value")
        ]
        return messages[-1] if messages else f"no message; see the logs under {self.home / 'logs'}"

    def _is_healthy(self) -> bool:
        try:
            health = self.call("GET", "/monitor/health", patience=5)
        except (OSError, ValueError):
            return False
        return all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor"))

    def _take_home(self) -> None:
        """One Airflow to a home; the system frees the lock even after kill -9."""
        lock = os.open(self.home / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise AirflowStopped(f"another Airflow runs in {self.home}; stop it first") from None
        self._lock = lock
        if self._pid_file.exists():  # whoever started the Airflow before was killed, and it lives on
            pid, born = self._pid_file.read_text(encoding="ascii").split()
            with contextlib.suppress(psutil.NoSuchProcess):
                if psutil.Process(int(pid)).create_time() == float(born):
                    _kill(_family(int(pid)))

    def _bury_the_dead(self) -> None:
        """Say that the scheduler before this one is no more, so that its tasks are taken up at once.

        After a kill the database still calls it running, and Airflow would believe that for half a minute and look
        again only after five.
        """
        database = self.home / "airflow.db"
        if not database.exists():
            return
        with (
            contextlib.suppress(sqlite3.OperationalError),  # killed before it had made its tables
            contextlib.closing(sqlite3.connect(database, timeout=60)) as connection,
            connection,
        ):
            connection.execute("UPDATE job SET state = 'failed' WHERE state = 'running'")

    def _wait(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        until = time.monotonic() + seconds
        while not done():
            self._check_alive()
            if time.monotonic() > until:
                raise AirflowStopped(f"Airflow did not come {what} within {seconds:.0f} s; see {self.log}")
            time.sleep(POLL_SECONDS)

    def _check_alive(self) -> None:
        if self._process is None or self._process.poll() is not None:
            raise AirflowStopped(f"Airflow ended; see {self.log}")

    def _environment(self, port: int) -> dict[str, str]:
        beside = Path(sys.executable).parent  # not resolved: the environment's own folder has the `airflow` command
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW__")},
            "PATH": f"{beside}{os.pathsep}{os.environ.get('PATH', '')}",
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home}/airflow.db?timeout=60",
            "AIRFLOW__CORE__DAGS_FOLDER": str(self._root / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(self._root / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__EXECUTOR": "citybrain_airflow.executor.WarmLocalExecutor",
            # No password, so nobody but this machine may reach it.
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__API__HOST": LOOPBACK,
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__BASE_URL": self.address,
            "AIRFLOW__API_AUTH__JWT_SECRET": self._jwt_secret(),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "15",
            # Files that did not change are not read again while the loads need the processor.
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
            # A machine under load answers late; five seconds, the default, cost a run its task.
            "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
            # What a killed Airflow was at is started again before the new one's API answers.
            "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "10",
            # How soon a task is started again that was killed from outside; our own errors say their own delay.
            "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "5",
            "DO_NOT_TRACK": "1",
            "GX_ANALYTICS_ENABLED": "False",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
            **self._further,
        }

    def _jwt_secret(self) -> str:
        """Generated once: the processes of one Airflow must agree, also after a restart."""
        path = self.home / "jwt_secret"
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(64))
        return path.read_text(encoding="ascii")


def _family(pid: int) -> list[psutil.Process]:
    """A process and all its descendants."""
    with contextlib.suppress(psutil.NoSuchProcess):
        head = psutil.Process(pid)
        return [head, *head.children(recursive=True)]
    return []


def _kill(processes: list[psutil.Process]) -> None:
    # Parents first, so that none of them starts another child.
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=STOP_SECONDS)


def _quoted(run_id: str) -> str:
    return urllib.parse.quote(run_id, safe="")
