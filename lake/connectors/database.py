"""A table of whichever database the connection leads to: PostgreSQL, MySQL, MariaDB, Oracle, SQL Server or Dameng.

The contract says what is asked; the scheme of the connection's address says who answers. A department that moves from
one database to another changes its connection, and no contract.
"""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, cast
from urllib.parse import urlsplit

from lake.connectors.extraction import TableArguments, TableSource
from lake.connectors.protocol import Description, Fetched
from lake.contracts.model import Contract, Window
from lake.errors import ContractError
from lake.settings import Settings

ENGINES = {
    "postgres": "postgres", "postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql",
    "oracle": "sql_database", "mssql": "sql_database", "dm": "sql_database",
}  # fmt: skip
"""Scheme of a connection's address → connector that reads it."""

IN_CAPITALS = frozenset({"oracle", "dm"})
"""Schemes of servers that write a name in capitals which was not quoted when it was given."""


class Source:
    """One table or view. A record is a row; the second count is the server's ``count(*)`` in the rows' snapshot.

    Values arrive as the engine's own connector brings them. A table's name in small letters is an ordinary name: on
    Oracle and Dameng, which write ordinary names in capitals, it stands for the name in capitals. All other names, and
    those of columns, are taken as they are written.
    """

    Arguments: ClassVar[type[TableArguments]] = TableArguments

    def __init__(self, contract: Contract, settings: Settings) -> None:
        scheme = urlsplit(settings.connection(contract.source.connection)).scheme
        if scheme not in ENGINES:
            raise ContractError(
                f"connection {contract.source.connection!r} is not an address of a database we know",
                remedy="give it as <scheme>://user:password@host:port/database with one of " + ", ".join(ENGINES),
                dataset=contract.dataset,
            )
        module = importlib.import_module(f"lake.connectors.{ENGINES[scheme]}")
        self._engine = cast("TableSource[Any]", module.Source(_spelled(contract, scheme), settings))

    @classmethod
    def check(cls, contract: Contract) -> list[str]:
        """What every database asks of a contract."""
        return TableSource.check(contract)

    def describe(self, contract: Contract) -> Description:
        """See `TableSource`."""
        return self._engine.describe(contract)

    def count(self, contract: Contract, window: Window) -> int:
        """See `TableSource`."""
        return self._engine.count(contract, window)

    def fetch(self, contract: Contract, window: Window, into: Path) -> Fetched:
        """See `TableSource`."""
        return self._engine.fetch(contract, window, into)

    def keys(self, contract: Contract, into: Path) -> Path:
        """See `TableSource`."""
        return self._engine.keys(contract, into)


def _spelled(contract: Contract, scheme: str) -> Contract:
    """The contract with the table's name as the server has it."""
    table = str(contract.source.arguments.get("table", ""))
    if scheme not in IN_CAPITALS or table != table.lower():
        return contract
    arguments = {**contract.source.arguments, "table": table.upper()}
    return replace(contract, source=replace(contract.source, arguments=arguments))
