"""A process that has imported everything and runs each job in a fork of itself, which may be killed at any instant.

Importing takes seconds and a fork milliseconds, so a hundred kills cost what a hundred loads cost. The forge holds no
connection and no thread while it forks: a child is what a process of its own would be.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from lake.settings import PROJECT_ROOT, Settings


@dataclass(frozen=True)
class Ended:
    """How a job ended.

    Attributes:
        signal: the signal that killed it; None when it ended by itself.
        error, message: class and text of the error it raised; empty when it raised none.
        seconds: how long it ran.
        result: what it gave, as JSON has it.
    """

    signal: int | None
    error: str
    message: str
    seconds: float
    result: Any


class Forge:
    """Runs jobs: functions of this file, by name, with the settings of an environment."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT,
            env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)},  # the code under test, wherever it was installed from
        )  # fmt: skip

    def start(self, job: str, environment: Mapping[str, str], *arguments: Any, die_at: str = "", **limits: Any) -> None:
        """Begin a job; several may run at once.

        Args:
            job: name of a function below.
            environment: what its settings are made of.
            arguments: of the function.
            die_at: boundary at which it kills itself.
            limits: ``die_after_s``: seconds after which it is killed.
        """
        assert self._process.stdin is not None
        order = {"job": job, "environment": dict(environment), "arguments": arguments, "die_at": die_at, **limits}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def wait(self) -> Ended:
        """How the job that ended next did."""
        assert self._process.stdout is not None
        return Ended(**json.loads(self._process.stdout.readline()))

    def run(self, job: str, environment: Mapping[str, str], *arguments: Any, die_at: str = "", **limits: Any) -> Ended:
        """Begin a job and wait for its end."""
        self.start(job, environment, *arguments, die_at=die_at, **limits)
        return self.wait()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


# ---- jobs ------------------------------------------------------------------------------------------------------------


def load(settings: Settings, dataset: str, first: str, last: str) -> dict[str, Any]:
    from lake.contracts.model import Window
    from lake.load import load as load_window

    result = load_window(dataset, Window(date.fromisoformat(first), date.fromisoformat(last)), settings)
    return {"outcome": result.outcome, "delivery": result.delivery, "accepted": result.accepted}


def resume(settings: Settings, dataset: str, delivery: str) -> str:
    from lake.load import resume as replay

    return replay(dataset, delivery, settings).outcome


def compare_keys(settings: Settings, dataset: str) -> int:
    from lake.withdrawals import compare_keys as compare

    return compare(dataset, settings).withdrawn


def replay(settings: Settings, dataset: str, first: str, last: str) -> int:
    from lake.contracts.model import Window
    from lake.replay import replay as judge

    window = Window(date.fromisoformat(first), date.fromisoformat(last))
    return len(judge(dataset, window, settings, commit=True, because="killed", by="who"))


def publish(settings: Settings, as_of: str) -> str:
    from lake.marts import build
    from lake.marts import publish as show

    made = build(settings, date.fromisoformat(as_of))
    show(made, settings)
    return made.build_id


def issue(settings: Settings, brief: str, day: str, scope: str) -> list[str]:
    from lake.briefs import issue as issue_brief

    return [str(each.folder) for each in issue_brief(brief, date.fromisoformat(day), settings, scopes=[scope])]


def back_up(settings: Settings, folder: str) -> str:
    from pathlib import Path

    from lake.backup import create

    return create(Path(folder), settings).backup.id


def bring_back(settings: Settings, folder: str) -> str:
    from pathlib import Path

    from lake.backup import restore

    return restore(Path(folder), settings).backup.id


def run_full(settings: Settings, dataset: str, first: str, last: str, moment: str) -> dict[str, Any]:
    """Load on a small disk of its own that runs full at a boundary (``""``: from the start), then with room again."""
    import full_disk

    return full_disk.load_twice(settings, (dataset, first, last), moment)


def publish_full(settings: Settings, as_of: str, moment: str) -> dict[str, Any]:
    """Build and publish likewise."""
    import full_disk

    return full_disk.publish_twice(settings, as_of, moment)


def replay_full(settings: Settings, dataset: str, first: str, last: str, moment: str) -> dict[str, Any]:
    """Replay likewise."""
    import full_disk

    return full_disk.replay_twice(settings, (dataset, first, last), moment)


def back_up_full(settings: Settings, folder: str, moment: str) -> dict[str, Any]:
    """Take a backup to a folder on such a disk."""
    import full_disk

    return full_disk.back_up_twice(settings, folder, moment)


def issue_full(settings: Settings, brief: str, day: str, scope: str, moment: str) -> dict[str, Any]:
    """Issue a brief likewise."""
    import full_disk

    return full_disk.issue_twice(settings, (brief, day, scope), moment)


def export_full(settings: Settings, folder: str) -> dict[str, Any]:
    """Write an answer to a folder on such a disk."""
    import full_disk

    return full_disk.export_twice(settings, folder)


# ---- the other side --------------------------------------------------------------------------------------------------

_WARM = (
    "lake.load", "lake.upkeep", "lake.backup", "lake.marts", "lake.briefs", "lake.connectors.csv_files",
    "lake.connectors.geojson_files", "dbt.cli.main", "dbt.adapters.duckdb",
    "pyiceberg.catalog.sql", "pyiceberg.io.pyarrow", "pyarrow.parquet", "sqlalchemy", "filelock", "pydantic",
    "ruamel.yaml", "open_data_contract_standard.model", "pytz",
)  # fmt: skip


def _serve() -> None:
    for name in _WARM:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    answers = sys.stdout.fileno()
    for line in sys.stdin:
        order = json.loads(line)
        # The keeper times, kills and buries one child, so that the forge is free for the next order.
        if os.fork() == 0:
            _keep(order, answers)
            os._exit(0)
        while True:  # bury keepers that are done
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    break
            except ChildProcessError:
                break


def _keep(order: dict[str, Any], answers: int) -> None:
    reading, writing = os.pipe()
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _work(order, writing)
        os._exit(0)
    os.close(writing)
    status = _end_of(child, order.get("die_after_s"))
    with os.fdopen(reading, "rb") as pipe:
        told = json.loads(pipe.read() or b"{}")
    ended = {
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
        "error": told.get("error", ""),
        "message": told.get("message", ""),
        "seconds": time.monotonic() - started,
        "result": told.get("result"),
    }
    os.write(answers, (json.dumps(ended) + "\n").encode())


def _end_of(child: int, die_after_s: float | None) -> int:
    """Exit status of the child, killed after its time."""
    if die_after_s is None:
        return os.waitpid(child, 0)[1]
    time.sleep(die_after_s)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def _work(order: dict[str, Any], answer: int) -> None:
    os.environ.update(order["environment"])
    if order["die_at"]:
        os.environ["CITYBRAIN_DIE_AT"] = order["die_at"]
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    told: dict[str, Any]
    try:
        settings = Settings.from_environment(order["environment"])
        told = {"result": globals()[order["job"]](settings, *order["arguments"])}
    except BaseException as error:
        told = {"error": type(error).__name__, "message": str(error)}
    os.write(answer, json.dumps(told).encode())


if __name__ == "__main__":
    _serve()
