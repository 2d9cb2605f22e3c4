"""The city this Airflow runs for: its zone, its departments' datasets, and its connections."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import groupby

from airflow.sdk import Asset

from citybrain_airflow.connections import uri_of
from lake.contracts.model import Cadence, Contract
from lake.settings import Settings, add_connection_resolver


@dataclass(frozen=True)
class City:
    """What the DAG files are made from.

    Attributes:
        id: such as ``queens``.
        zone: IANA zone of its calendar and clocks.
        contracts: the newest version of every contract, by dataset id.
    """

    id: str
    zone: str
    contracts: tuple[Contract, ...]

    @property
    def first_day(self) -> date:
        """First business day any contract applies to."""
        return min(contract.valid_from for contract in self.contracts)

    def departments(self) -> list[tuple[str, Cadence, list[str]]]:
        """Department, cadence and dataset ids of each group that one run loads."""
        ordered = sorted(self.contracts, key=_group)
        return [
            (department, Cadence(cadence), [contract.dataset for contract in group])
            for (department, cadence), group in groupby(ordered, key=_group)
        ]


@cache
def city() -> City:
    """The city of ``CITYBRAIN_CITY``, read once in a process."""
    from lake.contracts import load_contracts
    from lake.contracts.city import load_city

    settings = Settings.from_environment()
    return City(settings.city, load_city(settings).zone, tuple(load_contracts(settings)))


def contracts_on(day: date, datasets: list[str] | None = None) -> list[Contract]:
    """The versions of contracts that hold on a day, of some datasets, or of all that have one by then."""
    from lake.contracts import contract_for, load_contracts, versions_of

    settings = Settings.from_environment()
    if datasets is None:
        every = [contract.dataset for contract in load_contracts(settings)]
        datasets = [dataset for dataset in every if versions_of(dataset, settings)[0].valid_from <= day]
    return [contract_for(dataset, day, settings) for dataset in datasets]


def first_days(datasets: list[str]) -> dict[str, date]:
    """First day on which any version of each contract holds."""
    from lake.contracts import versions_of

    settings = Settings.from_environment()
    return {dataset: versions_of(dataset, settings)[0].valid_from for dataset in datasets}


def task_settings() -> Settings:
    """Settings of a task: the environment's, and Airflow's connections for what the environment does not know."""
    add_connection_resolver(airflow_connection)
    return Settings.from_environment()


def airflow_connection(name: str) -> str | None:
    """URI of an Airflow connection; asked lazily, inside the task, never at parse."""
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return uri_of(Connection.get(name))
    except AirflowNotFoundException:
        return None


def dataset_asset(dataset: str) -> Asset:
    """A dataset's accepted table, for lineage: what is loaded is the catalog's to say."""
    city_id, department, name = dataset.split(".")
    return Asset(name=dataset, uri=f"file:///lake/{city_id}/{department}__{name}", group="lake")


def marts_asset(city_id: str) -> Asset:
    """The published marts."""
    return Asset(name=f"{city_id}.marts", uri=f"file:///lake/{city_id}/published/marts.duckdb", group="lake")


def _group(contract: Contract) -> tuple[str, str]:
    return contract.department, contract.cadence.value
