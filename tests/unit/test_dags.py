"""The DAGs as Airflow reads them: their structure, their clocks and keys, what parsing them costs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from airflow_environment import AIRFLOW_ENVIRONMENT, ROOT

SNAPSHOT = Path(__file__).with_name("dag_structure.json")
NEW_YORK = ZoneInfo("America/New_York")
INGEST = {
    "ingest__queens__dcp__monthly",
    "ingest__queens__dot__daily",
    "ingest__queens__nyc311__daily",
    "ingest__queens__nypd__daily",
    "ingest__queens__weather__monthly",
}
DAG_IDS = INGEST | {"history", "marts", "briefs", "upkeep", "watch"}
HEAVY = ("duckdb", "pandas", "great_expectations", "dbt", "pyarrow", "pyiceberg", "httpx")
PARSE_SECONDS_PER_FILE = 1.5


@pytest.fixture(scope="module")
def dags() -> dict[str, Any]:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(ROOT / "dags"))
    assert bag.import_errors == {}
    return bag.dags


@pytest.fixture(scope="module")
def timetables(dags: dict[str, Any]) -> dict[str, Any]:
    from airflow.serialization.encoders import coerce_to_core_timetable

    return {dag_id: coerce_to_core_timetable(dag.timetable) for dag_id, dag in dags.items()}


def test_the_bag_holds_exactly_these_dags(dags: dict[str, Any]) -> None:
    assert set(dags) == DAG_IDS


def test_structure_is_the_committed_one(dags: dict[str, Any]) -> None:
    """After a change that is meant: `.venv/bin/python tests/unit/test_dags.py`, and review the diff."""
    assert structure(dags) == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


def test_the_readme_is_the_schedule(dags: dict[str, Any]) -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (.+?) \| (.+?) \| (.+?) \| (\w+) \|", (ROOT / "dags" / "README.md").read_text("utf-8"), re.M
    )
    in_readme = {name: (clock, key, tasks, pool) for name, clock, key, tasks, pool in rows}
    clocks = {"history": ("by hand", "none"), "briefs": ("after `marts`", "that of `marts`")}
    expected = {}
    for dag_id, dag in dags.items():
        timetable = dag.timetable
        clock, key = clocks.get(dag_id) or (f"`{timetable.expression}`", f"`{timetable.key_format}`")
        tasks = [task.task_id for task in dag.topological_sort()]
        expected[dag_id] = (clock, key, " → ".join(tasks), dag.tasks[-1].pool)
    assert in_readme == expected


@pytest.mark.parametrize(
    ("dag_id", "since", "expected"),
    [
        # Clocks go forward on Sunday 12 March 2023 at 02:00, back on Sunday 5 November 2023 at 02:00.
        ("marts", "2023-03-11", ["2023-03-10", "2023-03-11", "2023-03-12", "2023-03-13"]),
        ("ingest__queens__dot__daily", "2023-03-11", ["2023-03-10", "2023-03-11", "2023-03-12", "2023-03-13"]),
        ("ingest__queens__dot__daily", "2023-11-04", ["2023-11-03", "2023-11-04", "2023-11-05", "2023-11-06"]),
        ("ingest__queens__dot__daily", "2024-02-28", ["2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01"]),
        ("ingest__queens__dot__daily", "2022-12-31", ["2022-12-30", "2022-12-31", "2023-01-01", "2023-01-02"]),
        ("ingest__queens__weather__monthly", "2022-12-15", ["2022-12-01", "2023-01-01", "2023-02-01", "2023-03-01"]),
        ("ingest__queens__dcp__monthly", "2023-10-01", ["2023-09-01", "2023-10-01", "2023-11-01", "2023-12-01"]),
        ("upkeep", "2023-03-06", ["2023-03-04", "2023-03-11", "2023-03-18", "2023-03-25"]),
        ("watch", "2023-03-12", ["2023-03-11T23:30", "2023-03-12T00:00", "2023-03-12T00:30", "2023-03-12T01:00"]),
    ],
)
def test_the_clock_yields_the_key_of_the_period_before(
    timetables: dict[str, Any], dag_id: str, since: str, expected: list[str]
) -> None:
    ticks = list(scheduled(timetables[dag_id], date.fromisoformat(since), len(expected)))
    assert [key for _, key in ticks] == expected
    for at, key in ticks:
        if dag_id.endswith("daily") or dag_id == "marts":
            assert (at.astimezone(NEW_YORK).date() - date.fromisoformat(key)).days == 1
        if dag_id.endswith("monthly"):
            assert at.astimezone(NEW_YORK).day == 3


def test_every_cadence_has_a_clock_and_its_first_day_as_key() -> None:
    from airflow.serialization.encoders import coerce_to_core_timetable
    from citybrain_airflow.clock import INGEST, by_the_clock

    from lake.contracts.model import Cadence

    def of(cadence: Cadence, since: date) -> list[str]:
        cron, key_format = INGEST[cadence]
        timetable = coerce_to_core_timetable(by_the_clock(cron, "America/New_York", since, key_format)["schedule"])
        return [f"{at.astimezone(NEW_YORK):%m-%d} for {key}" for at, key in scheduled(timetable, since, 3)]

    assert set(INGEST) == set(Cadence)
    # 29 December 2025 is a Monday.
    assert of(Cadence.WEEKLY, date(2026, 1, 1)) == [
        "01-05 for 2025-12-29", "01-12 for 2026-01-05", "01-19 for 2026-01-12",
    ]  # fmt: skip
    assert of(Cadence.QUARTERLY, date(2025, 12, 1)) == [
        "01-05 for 2025-10-01", "04-05 for 2026-01-01", "07-05 for 2026-04-01",
    ]  # fmt: skip


def test_a_backfill_yields_each_key_of_the_range_once(timetables: dict[str, Any]) -> None:
    def keys(dag_id: str, first: datetime, last: datetime) -> list[str]:
        return [
            run.partition_key for run in timetables[dag_id].iter_partition_dagrun_infos(earliest=first, latest=last)
        ]

    march = (datetime(2023, 3, 10, tzinfo=UTC), datetime(2023, 3, 13, 23, 59, tzinfo=UTC))
    assert keys("ingest__queens__nypd__daily", *march) == ["2023-03-10", "2023-03-11", "2023-03-12", "2023-03-13"]
    winter = (datetime(2022, 11, 1, tzinfo=UTC), datetime(2023, 1, 31, 23, 59, tzinfo=UTC))
    assert keys("ingest__queens__weather__monthly", *winter) == ["2022-11-01", "2022-12-01", "2023-01-01"]


def test_a_monthly_key_is_the_first_of_the_month_and_nothing_else(timetables: dict[str, Any]) -> None:
    timetable = timetables["ingest__queens__weather__monthly"]
    assert timetable.resolve_partition_date("2023-03-01").astimezone(NEW_YORK).date() == date(2023, 3, 1)
    with pytest.raises(Exception, match="does not match"):
        timetable.resolve_partition_date("2023-03-03")


@pytest.mark.parametrize(("schedule", "ticks"), [("manual", False), ("", True)])
def test_with_the_manual_schedule_no_clock_ticks(monkeypatch: pytest.MonkeyPatch, schedule: str, ticks: bool) -> None:
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables.base import TimeRestriction
    from citybrain_airflow.clock import MARTS_DAILY, by_the_clock

    monkeypatch.setenv("CITYBRAIN_SCHEDULE", schedule)
    made = by_the_clock(MARTS_DAILY, "America/New_York", date(2020, 1, 1))
    timetable = coerce_to_core_timetable(made["schedule"])
    restriction = TimeRestriction(made["start_date"], made["end_date"], catchup=made["catchup"])
    assert (timetable.next_dagrun_info_v2(last_dagrun_info=None, restriction=restriction) is not None) == ticks
    # A run by hand keeps its key all the same.
    assert timetable.resolve_partition_date("2023-04-03").astimezone(NEW_YORK).date() == date(2023, 4, 3)


def test_serialising_twice_is_identical_and_parsing_is_light(tmp_path: Path) -> None:
    """Two processes with other hash seeds: what a set or a random name would change shows."""
    code = """
from airflow.serialization.serialized_objects import DagSerialization
for dag in bag.dags.values():
    result["dags"][dag.dag_id] = json.dumps(DagSerialization.to_dict(dag), sort_keys=True)
"""
    first, second = (probe(code, PYTHONHASHSEED=seed, CITYBRAIN_HOME=str(tmp_path)) for seed in ("1", "2"))
    assert set(first["dags"]) == DAG_IDS
    for dag_id in DAG_IDS:
        assert first["dags"][dag_id] == second["dags"][dag_id], dag_id
    for measured in (first, second):
        assert measured["heavy"] == []
        assert set(measured["seconds"]) == {"ingest.py", "history.py", "marts.py", "briefs.py", "upkeep.py", "watch.py"}
        assert max(measured["seconds"].values()) < PARSE_SECONDS_PER_FILE, measured["seconds"]


@pytest.mark.parametrize(
    ("run", "day"),
    [
        ({"partition_key": "2023-04-03", "conf": {"day": "2020-01-01"}, "logical_date": None}, date(2023, 4, 3)),
        ({"partition_key": None, "conf": {"day": "2023-04-02"}, "logical_date": None}, date(2023, 4, 2)),
        # 02:00 in London is still the evening before in New York.
        ({"partition_key": None, "conf": None, "logical_date": datetime(2023, 4, 3, 1, tzinfo=UTC)}, date(2023, 4, 2)),
    ],
)
def test_the_day_of_a_run(run: dict[str, Any], day: date) -> None:
    from citybrain_airflow.clock import business_day

    assert business_day(SimpleNamespace(**run), "America/New_York") == day


def test_a_run_without_a_day_is_refused() -> None:
    from citybrain_airflow.clock import business_day

    with pytest.raises(ValueError, match="no day"):
        business_day(SimpleNamespace(partition_key=None, conf={}, logical_date=None), "UTC")


def test_every_pool_a_task_uses_is_in_the_pools_file(dags: dict[str, Any]) -> None:
    pools = set(json.loads((ROOT / "dags" / "pools.json").read_text(encoding="utf-8")))
    used = {task.pool for dag in dags.values() for task in dag.tasks} - {"default_pool"}
    assert used == pools


def structure(dags: dict[str, Any]) -> dict[str, Any]:
    """What a reviewer wants to see changed, and nothing that changes by itself."""
    return {dag_id: _structure_of(dags[dag_id]) for dag_id in sorted(dags)}


def _structure_of(dag: Any) -> dict[str, Any]:
    timetable = dag.timetable
    clock = {name: getattr(timetable, name, None) for name in ("expression", "run_offset", "key_format")}
    return {
        "timetable": type(timetable).__name__,
        **{name: value for name, value in clock.items() if value is not None},
        "zone": str(timetable.timezone) if hasattr(timetable, "timezone") else None,
        "start": str(dag.start_date) if dag.start_date else None,
        "catchup": dag.catchup,
        "params": sorted(dag.params),
        "tasks": {
            task.task_id: {
                "operator": type(task).__name__,
                "upstream": sorted(task.upstream_task_ids),
                "pool": task.pool,
                "retries": task.retries,
                "retry_policy": task.retry_policy is not None,
                "on_failure": [callback.__name__ for callback in task.on_failure_callback or []],
                "outlets": sorted(asset.name for asset in task.outlets),
            }
            for task in dag.topological_sort()
        },
    }


def scheduled(timetable: Any, since: date, number: int) -> Iterator[tuple[datetime, str]]:
    """The runs the scheduler would make from a day on: when, and with which key."""
    import pendulum
    from airflow.timetables.base import TimeRestriction

    earliest = pendulum.datetime(since.year, since.month, since.day, tz="America/New_York")
    last = None
    for _ in range(number):
        last = timetable.next_dagrun_info_v2(
            last_dagrun_info=last, restriction=TimeRestriction(earliest, None, catchup=True)
        )
        yield last.run_after, last.partition_key


def probe(code: str, **environment: str) -> dict[str, Any]:
    """Read the DAG files in a fresh interpreter as the DAG processor does, run `code`, give its `result`.

    Seconds are of the processor, not of the clock: other tests may keep the machine busy.
    """
    program = f"""
import json, pathlib, runpy, sys, time
from airflow.dag_processing.dagbag import DagBag
already = set(sys.modules)
result = {{"seconds": {{}}, "dags": {{}}}}
for path in sorted(pathlib.Path({str(ROOT / "dags")!r}).glob("*.py")):
    began = time.process_time()
    runpy.run_path(str(path))
    result["seconds"][path.name] = time.process_time() - began
result["heavy"] = sorted(set({HEAVY!r}) & (set(sys.modules) - already))
bag = DagBag(dag_folder={str(ROOT / "dags")!r})
{code}
print("RESULT" + json.dumps(result))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **AIRFLOW_ENVIRONMENT, "PYTHONPATH": str(ROOT / "plugins"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "RESULT" in done.stdout, done.stderr[-2000:]
    return json.loads(done.stdout.rsplit("RESULT", 1)[1])


if __name__ == "__main__":
    from airflow.dag_processing.dagbag import DagBag as _DagBag

    _made = structure(_DagBag(dag_folder=str(ROOT / "dags")).dags)
    SNAPSHOT.write_text(json.dumps(_made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{SNAPSHOT}: {len(_made)} DAGs")
