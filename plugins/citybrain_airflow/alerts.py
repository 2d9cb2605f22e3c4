"""Airflow's side of the alerts: a task that failed for good, and a build that goes without something, are problems.

Who is told of them, by which way and how often is the lake's to say (`lake.watch`); this file hands them over.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from citybrain_airflow.city import task_settings
from citybrain_airflow.work import kind_of
from lake.errors import CitybrainError

log = logging.getLogger("citybrain.alerts")


def on_failure(context: Mapping[str, Any]) -> None:
    """Airflow's callback of a task that failed for good."""
    try:
        _hand_over(_problems_of(context))
    except Exception:  # alerting must never stand in the way of the error it tells of
        log.exception("the alert could not be made")


def tell_outstanding(outstanding: Sequence[str], dag_run: Any) -> None:
    """Tell that a day is built without datasets that were due; each is ``dataset day state``."""
    try:
        found = {dataset: (day, state) for dataset, day, state in (line.split() for line in outstanding)}
        problems = _arrivals(set(found))
        known = {problem.dataset for problem in problems}
        problems += [_without(dataset, *found[dataset]) for dataset in found if dataset not in known]
        _hand_over(problems)
    except Exception:
        log.exception("the alert could not be made")


def _problems_of(context: Mapping[str, Any]) -> list[Any]:
    """A late or held dataset is the very problem the watch sees, so that nobody is told of it twice."""
    from lake.watch import alerts

    error, task, run = context.get("exception"), context["ti"], context.get("dag_run")
    known = error if isinstance(error, CitybrainError) else None
    if known is not None and known.dataset and kind_of(known) != "failed" and (same := _arrivals({known.dataset})):
        return same
    key = getattr(run, "partition_key", None) or task.run_id
    return [alerts.failure(f"{task.dag_id}.{task.task_id}", key, error, datetime.now(UTC))]


def _arrivals(datasets: set[str]) -> list[Any]:
    from lake.watch import alerts

    _, problems = alerts.look(task_settings(), datetime.now(UTC))
    return [problem for problem in problems if problem.dataset in datasets and problem.kind in alerts.ARRIVALS]


def _without(dataset: str, day: str, state: str) -> Any:
    """A past day that is built without a dataset, which today is no news."""
    from lake.watch import alerts

    return alerts.Problem(
        key=f"without|{dataset}|{day}",
        kind=state,
        what=dataset,
        since=datetime.now(UTC),
        text=f"data of {day} is {state} at the deadline: the marts are built without it",
        text_zh=f"截止时 {day} 的数据{alerts.KINDS_ZH[state]}，本次构建不含该数据",
        remedy="load the day when it is there; the next build takes it in",
        command=f"citybrain load {dataset} --from {day}",
        dataset=dataset,
        department=dataset.split(".")[1],
        lasts=False,
    )


def _hand_over(problems: Sequence[Any]) -> None:
    from lake.watch import alerts

    told = alerts.tell(task_settings(), problems, datetime.now(UTC), is_whole=False)
    for failed in told.failed:
        log.error("the alert did not go out by %s", failed)
