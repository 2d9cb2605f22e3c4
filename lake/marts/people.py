"""Persons do not stand in what every analyst reads: no column of a published file tells one person from another.

Personal columns leave admission as HMAC-SHA256, 64 hex digits, or not at all; keys of our own are MD5, 32. So a column
of persons is one whose values have that form, or whose name a contract gives to such a column. That holds for the
addresses of dwellings too, and a shop's may be its owner's home: no keyed hash of an address is published either, for
`dim_address` and `dim_entity` say by keys of our own what stands where. Core keeps what it cannot do without in the
build's file, in columns whose YAML says ``published: false``.
"""

from __future__ import annotations

from lake.contracts import load_contracts
from lake.contracts.model import Treatment
from lake.engine import quote_identifier
from lake.marts.query import query
from lake.settings import Settings

PLACES = frozenset({"address", "place"})
"""Purposes of keys that name a place, not somebody."""
_FORM = "^[0-9a-f]{64}$"


def personal_names(settings: Settings) -> set[str]:
    """Names that the city's contracts give to hashed columns that tell persons apart."""
    return {
        column.name
        for contract in load_contracts(settings)
        for column in contract.columns
        if column.treatment is Treatment.HMAC and column.purpose not in PLACES
    }


def person_columns(settings: Settings) -> list[str]:
    """Columns of the published file that hold keyed hashes, or are called like one of persons; empty is good.

    Raises:
        BuildFailed: nothing is published.
    """
    names = personal_names(settings)
    found = []
    columns: dict[str, list[str]] = {}
    for schema, table, column, kind in query(
        settings,
        "SELECT schema, name, column_name, data_type FROM about.columns WHERE schema <> 'about' ORDER BY ALL",
    ).rows:
        if column in names:
            found.append(f"{schema}.{table}.{column}")
        elif kind == "VARCHAR":
            columns.setdefault(f"{quote_identifier(schema)}.{quote_identifier(table)}", []).append(column)
    for at, texts in columns.items():
        asked = ", ".join(f"bool_or(regexp_matches({quote_identifier(text)}, '{_FORM}'))" for text in texts)
        (row,) = query(settings, f"SELECT {asked} FROM {at}").rows
        found += [f"{at.replace(chr(34), '')}.{text}" for text, is_hash in zip(texts, row, strict=True) if is_hash]
    return sorted(found)
