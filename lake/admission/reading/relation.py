"""What every reader needs: the table of landed files, the columns found against the contract's, the errors."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb

from lake.errors import DeliveryDamaged, SchemaDrift

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
    expected = [column.source_name for column in landed.contract.columns]
    if list(found) == expected or (not ordered and sorted(found) == sorted(expected)):
        return
    raise SchemaDrift(
        f"{f'{name}: ' if name else ''}columns are not the contract's: {_difference(expected, found)}",
        remedy="ask the department whether this stays; if so, write a new version of the contract with valid_from, "
        "then resume the delivery, which is kept as landed",
        dataset=landed.contract.dataset,
        day=landed.window.first,
    )


def _difference(expected: Sequence[str], found: Sequence[str]) -> str:
    """What changed, in words. Where hardly a name is known, it may be a record that stands there: no name is shown."""
    if sorted(found) == sorted(expected):
        return "the order of the columns changed"
    removed, added = [n for n in expected if n not in found], [n for n in found if n not in expected]
    if len(removed) * 2 > len(expected):
        return (
            f"only {len(expected) - len(removed)} of {len(expected)} names are there among {len(found)}; "
            "the header is missing, the delimiter another, or nearly all was renamed"
        )
    renamed = []
    for old in list(removed):
        close = difflib.get_close_matches(old, added, n=1, cutoff=0.5)
        same_place = found[expected.index(old)] if len(found) == len(expected) else None
        new = close[0] if close else same_place
        if new in added:
            renamed.append(f"{old!r} to {new[:60]!r}")
            removed.remove(old)
            added.remove(new)
    parts = [
        f"{word} {', '.join(names)}"
        for word, names in (
            ("renamed", renamed),
            ("removed", [repr(name) for name in removed]),
            ("added", [repr(name[:60]) for name in added]),
        )
        if names
    ]
    return "; ".join(parts) or "a column is there twice"


def damaged(landed: Landed, name: str | None, cause: str) -> DeliveryDamaged:
    """The error for a file that cannot be read to its end; None for the name where it is the whole delivery."""
    return DeliveryDamaged(
        f"{name}: {cause}" if name else cause,
        remedy="ask the department to deliver it again; what was landed is kept",
        dataset=landed.contract.dataset,
        day=landed.window.first,
    )


def number_of(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    """The one number a query gives."""
    row: Any = connection.execute(sql).fetchone()
    return int(row[0])
