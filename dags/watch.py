"""Looks at every dataset twice an hour, tells who has to be told, and passes the ledger's news on to who follows it."""

from __future__ import annotations

from airflow.sdk import DAG, task
from citybrain_airflow.city import city, task_settings
from citybrain_airflow.clock import MINUTE_KEY_FORMAT, WATCH, by_the_clock


def watch() -> dict:
    """Look now, whatever the run's key is: an old look is worth nothing."""
    from datetime import UTC, datetime

    from citybrain_airflow.work import watch_city

    return watch_city(task_settings(), datetime.now(UTC))


with DAG(
    dag_id="watch",
    description="Freshness, alerts, lineage, metrics",
    tags=["watch"],
    max_active_runs=1,
    **by_the_clock(WATCH, city().zone, city().first_day, MINUTE_KEY_FORMAT),
):
    task(task_id="watch", retries=0)(watch)()
