"""Loads a range of business days of some datasets: one commit for each version of a contract, in one process."""

from __future__ import annotations

from functools import partial

from airflow.sdk import DAG, Param, task
from citybrain_airflow.alerts import on_failure
from citybrain_airflow.city import city, contracts_on, first_days, task_settings
from citybrain_airflow.retries import POLICY, RETRIES

DATASETS = [contract.dataset for contract in city().contracts]


def load_days(params=None) -> dict:
    """Load the range the run's conf names."""
    from datetime import date

    from citybrain_airflow.work import load_history, log

    from lake.load import load_range

    settings = task_settings()
    first, last = date.fromisoformat(params["first"]), date.fromisoformat(params["last"])
    contracts = contracts_on(last, params["datasets"])
    load = partial(load_range, settings=settings, progress=log.info)
    return load_history(contracts, first, last, load, since=first_days(params["datasets"]))


with DAG(
    dag_id="history",
    description="Loads past business days; started by hand",
    tags=["ingest"],
    schedule=None,
    params={
        "datasets": Param(
            DATASETS, type="array", items={"type": "string", "enum": DATASETS}, minItems=1, description="Dataset ids"
        ),
        "first": Param(str(city().first_day), type="string", format="date", description="First business day"),
        "last": Param(str(city().first_day), type="string", format="date", description="Last business day"),
    },
):
    task(task_id="load_range", pool="sources", retries=RETRIES, retry_policy=POLICY, on_failure_callback=[on_failure])(
        load_days
    )()
