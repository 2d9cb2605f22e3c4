"""Which marts count: graded by something outside themselves, and no column that says nothing.

A mart counts when its YAML says what its numbers are held against (``graded_by``), it has rows, and no column is
constant or more than 95 % NULL, unless the mart warns ``not_observed`` and names the column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lake.engine import quote_identifier
from lake.marts.models import NOT_OBSERVED
from lake.marts.query import query
from lake.settings import Settings

MOSTLY_NULL = 0.95
STAMPS = frozenset({"as_of_on"})
"""Columns that say which day a file speaks for: they are the same in every row, and meant to be."""


@dataclass(frozen=True)
class Verdict:
    """What came of one mart.

    Attributes:
        mart: ``schema.table``.
        row_n: rows.
        constant, mostly_null: columns that say nothing, excused ones included.
        excused: columns the mart names under ``not_observed``.
        graded_by: what its numbers are held against.
        why_not: empty when the mart counts.
    """

    mart: str
    row_n: int
    constant: tuple[str, ...]
    mostly_null: tuple[str, ...]
    excused: tuple[str, ...]
    graded_by: str
    why_not: tuple[str, ...]

    @property
    def counts(self) -> bool:
        """Whether the mart counts."""
        return not self.why_not


def count_marts(settings: Settings) -> list[Verdict]:
    """Look at every mart of the published file.

    Raises:
        BuildFailed: nothing is published.
    """
    marts = query(
        settings,
        "SELECT schema, name, row_n, coalesce(warnings, ''), coalesce(not_observed, ''), coalesce(graded_by, '') "
        "FROM about.models WHERE schema <> 'core' ORDER BY schema, name",
    ).rows
    columns: dict[tuple[str, str], list[str]] = {}
    for schema, name, column in query(settings, "SELECT schema, name, column_name FROM about.columns").rows:
        columns.setdefault((schema, name), []).append(column)
    found = []
    for schema, name, row_n, warnings, not_observed, graded_by in marts:
        constant, mostly_null = _silent(settings, schema, name, columns[schema, name]) if row_n > 1 else ([], [])
        excused = _split(not_observed) if NOT_OBSERVED in _split(warnings) else ()
        why = [f"{column} is constant" for column in constant if column not in (*excused, *STAMPS)]
        why += [f"{column} is mostly NULL" for column in mostly_null if column not in excused]
        if not row_n:
            why.append("no rows")
        if not graded_by:
            why.append("graded by nothing")
        found.append(
            Verdict(
                f"{schema}.{name}", row_n, tuple(constant), tuple(mostly_null), tuple(excused), graded_by, tuple(why)
            )
        )
    return found


def _silent(settings: Settings, schema: str, name: str, columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """Columns with one value (or none) in every row, and those that are NULL nearly everywhere."""
    asked = ", ".join(
        f"count({at}), min({at}) IS DISTINCT FROM max({at}) OR (count({at}) > 0 AND count({at}) < count(*))"
        for at in map(quote_identifier, columns)
    )
    (row,) = query(settings, f"SELECT count(*), {asked} FROM {quote_identifier(schema)}.{quote_identifier(name)}").rows
    rows, told = row[0], row[1:]
    constant, mostly_null = [], []
    for column, known, varies in zip(columns, told[0::2], told[1::2], strict=True):
        if known < (1 - MOSTLY_NULL) * rows:
            mostly_null.append(column)
        elif not varies:
            constant.append(column)
    return constant, mostly_null


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(", ") if part)
