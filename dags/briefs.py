"""Issues the briefs of a business day when its marts are published; conf can ask for others, or for another day."""

from __future__ import annotations

from airflow.sdk import DAG, PartitionedAssetTimetable, task
from citybrain_airflow.alerts import on_failure
from citybrain_airflow.city import city, marts_asset, task_settings
from citybrain_airflow.clock import business_day
from citybrain_airflow.retries import POLICY, RETRIES


def issue(zone: str, dag_run=None) -> dict:
    """Issue ``conf["briefs"]`` of ``conf["day"]``, else what the day of the run's key calls for."""
    from citybrain_airflow.work import issue_briefs

    return issue_briefs(task_settings(), business_day(dag_run, zone), (dag_run.conf or {}).get("briefs"))


with DAG(
    dag_id="briefs",
    description="Issues B01 of the day, and B02 when the day ends a week",
    tags=["briefs"],
    schedule=PartitionedAssetTimetable(assets=marts_asset(city().id)),
    catchup=False,
):
    task(task_id="issue", pool="briefs", retries=RETRIES, retry_policy=POLICY, on_failure_callback=[on_failure])(issue)(
        city().zone
    )
