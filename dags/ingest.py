"""One DAG per department and cadence, made from the contracts: a run loads one business day of all its datasets."""

from __future__ import annotations

from functools import partial

from airflow.sdk import DAG, task
from citybrain_airflow.alerts import on_failure
from citybrain_airflow.city import city, contracts_on, dataset_asset, task_settings
from citybrain_airflow.clock import INGEST, business_day, by_the_clock
from citybrain_airflow.retries import POLICY, RETRIES


def load(datasets: list[str], zone: str, dag_run=None, outlet_events=None) -> dict:
    """Load the run's day; the counts of each dataset go along with its asset."""
    from citybrain_airflow.work import load_department, log

    from lake.withdrawals import load_and_compare

    day = business_day(dag_run, zone)
    settings = task_settings()
    load_one = partial(load_and_compare, settings=settings, progress=log.info)
    counts = load_department(contracts_on(day, datasets), day, zone, load_one)
    for dataset, of_dataset in counts.items():
        outlet_events[dataset_asset(dataset)].extra = of_dataset
    return counts


for department, cadence, datasets in city().departments():
    cron, key_format = INGEST[cadence]
    with DAG(
        dag_id=f"ingest__{city().id}__{department}__{cadence.value}",
        description=f"Loads {', '.join(datasets)}",
        tags=["ingest", department],
        **by_the_clock(cron, city().zone, city().first_day, key_format),
    ):
        task(
            task_id="load",
            pool="sources",
            outlets=[dataset_asset(dataset) for dataset in datasets],
            retries=RETRIES,
            retry_policy=POLICY,
            on_failure_callback=[on_failure],
        )(load)(datasets, city().zone)
