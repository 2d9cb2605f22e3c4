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
from lake.engine import quote_identifier, quote_literal
from lake.marts.query import query
from lake.settings import Settings

PLACES = frozenset({"address", "place"})
"""Purposes of keys that name a place, not somebody."""
_LENGTH = 64
_FORM = f"^[0-9a-f]{{{_LENGTH}}}$"


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
    # One question for all of them: to open the file costs more than to look into most of its tables.
    looked = [
        f"SELECT unnest([{', '.join(_told(at, text) for text in texts)}]) AS found FROM {at}"
        for at, texts in columns.items()
    ]
    if looked:
        asked = " UNION ALL ".join(looked)
        found += [at for (at,) in query(settings, f"SELECT found FROM ({asked}) WHERE found IS NOT NULL").rows]
    return sorted(found)


def _told(at: str, text: str) -> str:
    column = quote_identifier(text)
    has_form = f"bool_or(length({column}) = {_LENGTH} AND regexp_matches({column}, '{_FORM}'))"
    return f"CASE WHEN {has_form} THEN {quote_literal(f'{at}.{text}'.replace(chr(34), ''))} END"
