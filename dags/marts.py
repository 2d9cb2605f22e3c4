"""Builds and publishes the marts of a business day, once its due partitions are in or the deadline has passed."""

from __future__ import annotations

from airflow.sdk import DAG, task
from citybrain_airflow.alerts import on_failure, tell_outstanding
from citybrain_airflow.city import city, marts_asset, task_settings
from citybrain_airflow.clock import MARTS_DAILY, business_day, by_the_clock
from citybrain_airflow.due import DuePartitionsSensor
from citybrain_airflow.retries import POLICY, RETRIES


def build_and_publish(zone: str, outstanding: list[str], dag_run=None) -> dict:
    """Build as of the run's day and swap it in; nothing happens when the same pins were built before."""
    from citybrain_airflow.work import build_marts

    day = business_day(dag_run, zone)
    tell_outstanding(outstanding, dag_run)
    return {**build_marts(task_settings(), day), "outstanding": outstanding}


with DAG(
    dag_id="marts",
    description="Builds and publishes marts.duckdb",
    tags=["marts"],
    max_active_runs=4,
    **by_the_clock(MARTS_DAILY, city().zone, city().first_day),
):
    wait = DuePartitionsSensor(task_id="wait", zone=city().zone, retries=2, on_failure_callback=[on_failure])
    task(
        task_id="build_and_publish",
        pool="duckdb_writer",
        outlets=[marts_asset(city().id)],
        retries=RETRIES,
        retry_policy=POLICY,
        on_failure_callback=[on_failure],
    )(build_and_publish)(city().zone, wait.output)
