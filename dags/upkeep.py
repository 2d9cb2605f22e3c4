"""Keeps the lake small: merges old months' files, drops old snapshots, unnamed files, landed bytes past their time."""

from __future__ import annotations

from airflow.sdk import DAG, task
from citybrain_airflow.alerts import on_failure
from citybrain_airflow.city import city, task_settings
from citybrain_airflow.clock import UPKEEP_WEEKLY, business_day, by_the_clock
from citybrain_airflow.retries import POLICY


def upkeep(zone: str, dag_run=None) -> dict:
    """Keep up as of the run's day."""
    from citybrain_airflow.work import keep_up

    return keep_up(task_settings(), business_day(dag_run, zone))


with DAG(
    dag_id="upkeep",
    description="Compaction, expiry, purge",
    tags=["upkeep"],
    max_active_runs=1,
    **by_the_clock(UPKEEP_WEEKLY, city().zone, city().first_day),
):
    task(task_id="upkeep", pool="duckdb_writer", retries=3, retry_policy=POLICY, on_failure_callback=[on_failure])(
        upkeep
    )(city().zone)
