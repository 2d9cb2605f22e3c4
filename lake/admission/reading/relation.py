"""What every reader needs: the table of landed files, the columns found against the contract's, the errors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb

from lake.contracts import drift
from lake.errors import DeliveryDamaged

if TYPE_CHECKING:
    from lake.landing import Landed


def control_character(text: str) -> str:
    """Branches of a CASE for what the digest's separators and C readers could not bear."""
    return (
        f"WHEN contains({text}, chr(0)) THEN 'nul_byte' "
        f"WHEN contains({text}, chr(31)) OR contains({text}, chr(30)) THEN 'control_character'"
    )


def file_table(connection: duckdb.DuckDBPyConnection, addresses: Sequence[tuple[str, date | None]]) -> None:
    """Make the table ``landed_files`` of (_file_no from 0, _file, _day): files, or members of archives."""
    connection.execute("CREATE TABLE landed_files (_file_no INTEGER, _file VARCHAR, _day DATE)")
    if addresses:
        connection.execute(
            "INSERT INTO landed_files SELECT unnest(?::INTEGER[]), unnest(?::VARCHAR[]), unnest(?::DATE[])",
            [list(range(len(addresses))), [address for address, _ in addresses], [day for _, day in addresses]],
        )


def addresses_of(landed: Landed) -> list[tuple[str, date | None]]:
    """Address and day of each landed file, for formats that are not packed."""
    return [(file.name, file.day) for file in landed.files]


def check_columns(landed: Landed, name: str | None, found: Sequence[str], *, ordered: bool) -> None:
    """Refuse columns that are not the contract's.

    Raises:
        SchemaDrift: with what was renamed, removed and added.
    """
    changed = drift.compare(landed.contract, [(column, "") for column in found], ordered=ordered, file=name)
    # Where columns are found by their place, the delivery has to be read by the contract with the others put in.
    if changed is not None and (ordered or not drift.is_kept_in_landing(landed.contract, changed)):
        raise drift.refusal(landed.contract, changed, found, landed.window.first)


def damaged(landed: Landed, name: str | None, cause: str) -> DeliveryDamaged:
    """The error for a file that cannot be read to its end; None for the name where it is the whole delivery."""
    error = DeliveryDamaged(
        f"{name}: {cause}" if name else cause,
        remedy="ask the department to deliver it again; what was landed is kept",
        dataset=landed.contract.dataset,
        day=landed.window.first,
    )
    error.files = (name,) if name else ()
    return error


def number_of(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    """The one number a query gives."""
    row: Any = connection.execute(sql).fetchone()
    return int(row[0])
