"""Departments' systems, one file per technology. A connector brings bytes and a second count; it interprets nothing.

Arguments of a contract's source: each file's ``Arguments``, all together in docs/reference/connectors.md.
"""

from __future__ import annotations

import importlib
from typing import cast

import pydantic

from lake.connectors.protocol import Arguments, Connector, Description, Fetched, FetchedFile, SourceColumn
from lake.contracts.model import Contract
from lake.errors import ContractError
from lake.settings import Settings

__all__ = [
    "CONNECTORS",
    "Arguments",
    "Connector",
    "Description",
    "Fetched",
    "FetchedFile",
    "SourceColumn",
    "check_arguments",
    "open_connector",
]

CONNECTORS = (
    "database",
    "postgres",
    "mysql",
    "sql_database",
    "http_json",
    "csv_files",
    "excel_files",
    "parquet_files",
    "fixed_width_files",
    "json_files",
    "json_lines_files",
    "xml_files",
    "geojson_files",
    "shapefile_files",
)


def open_connector(contract: Contract, settings: Settings) -> Connector:
    """The connector the contract names, its arguments checked; the source is not touched yet.

    Raises:
        ContractError: no such connector, arguments it does not take, or a connection nobody knows.
    """
    if problems := check_arguments(contract):
        raise ContractError(
            "; ".join(problems),
            remedy=f"correct the source in {contract.path or 'the contract'}",
            dataset=contract.dataset,
        )
    return _technology(contract.source.connector)(contract, settings)


def check_arguments(contract: Contract) -> list[str]:
    """What is wrong with the contract's source, one sentence each; empty when it can be opened. Touches no source."""
    name = contract.source.connector
    if name not in CONNECTORS:
        return [f"no connector named {name!r}; there are {', '.join(CONNECTORS)}"]
    technology = _technology(name)
    try:
        technology.Arguments.model_validate(contract.source.arguments)
    except pydantic.ValidationError as error:
        return [
            f"argument {'.'.join(str(part) for part in problem['loc']) or name}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False, include_context=False)
        ]
    return technology.check(contract)


def _technology(name: str) -> type[Connector]:
    return cast("type[Connector]", importlib.import_module(f"lake.connectors.{name}").Source)
