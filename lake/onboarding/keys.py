"""Which columns name a record: one, two or three that no two different records share; more where need be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import duckdb

from lake.admission.typing import cast_sql
from lake.engine import quote_identifier
from lake.onboarding.profile import ColumnProfile

_MOST_CANDIDATES = 14
_SAMPLE = 20_000
_KEY_WORDS = ("key", "id", "no", "number", "code", "uuid", "guid", "seq")


@dataclass(frozen=True)
class Key:
    """What was found.

    Attributes:
        columns: names in order.
        clashing: records that share the key with another one of other content; 0 for a key that holds.
        alternatives: other sets of columns that hold as well.
    """

    columns: tuple[str, ...]
    clashing: int
    alternatives: tuple[tuple[str, ...], ...] = ()


def find_key(
    duck: duckdb.DuckDBPyConnection, columns: Sequence[ColumnProfile], zone: str, first: Sequence[str] = ()
) -> Key:
    """The key of the sample. Values are compared as the lake will hold them: two texts may be one number.

    Args:
        duck: connection with ``seen``; full duplicates count once.
        columns: those that may be part of a key: never missing, kept.
        zone: of times that name none.
        first: columns the source says are its key, or that go before others.
    """
    if not columns:
        return Key((), 0)
    listed = ", ".join(f"{_cast(column, zone)} AS {quote_identifier(column.name)}" for column in columns)
    every = _cells(duck)
    duck.execute(
        f"CREATE OR REPLACE TEMP TABLE different AS SELECT DISTINCT ON ({every}) {listed} FROM seen "
        "WHERE _problem IS NULL"
    )
    rows = _one(duck, "SELECT count(*) FROM different")
    duck.execute(f"CREATE OR REPLACE TEMP TABLE few AS SELECT * FROM different LIMIT {_SAMPLE}")
    some = _one(duck, "SELECT count(*) FROM few")
    if first and all(name in {column.name for column in columns} for name in first) and _holds(duck, first, some, rows):
        return Key(tuple(first), 0)
    ranked = sorted(columns, key=lambda column: _rank(column, columns))
    singles = [column.name for column in ranked if column.distinct >= rows and _holds(duck, [column.name], some, rows)]
    if singles:
        return Key((singles[0],), 0, tuple((name,) for name in singles[1:4]))
    candidates = ranked[:_MOST_CANDIDATES]
    for size in (2, 3):
        found: list[tuple[str, ...]] = []
        for chosen in combinations(candidates, size):
            product = 1
            for column in chosen:
                product *= column.distinct
            names = [column.name for column in chosen]
            if product >= rows and _holds(duck, names, some, rows):
                found.append(tuple(names))
            if len(found) == 4:
                break
        if found:
            order = [column.name for column in columns]
            return Key(tuple(sorted(found[0], key=order.index)), 0, tuple(found[1:]))
    return _grown(duck, ranked, columns, rows)


def _grown(
    duck: duckdb.DuckDBPyConnection, ranked: Sequence[ColumnProfile], columns: Sequence[ColumnProfile], rows: int
) -> Key:
    """Column by column the one that tells most records apart, until all are or none helps."""
    chosen: list[str] = []
    told, left = 0, [column.name for column in ranked]
    while left and told < rows:
        counts = [(_distinct(duck, "different", [*chosen, name]), name) for name in left]
        best, name = max(counts, key=lambda pair: pair[0])
        if best <= told and chosen:
            break
        chosen.append(name)
        left.remove(name)
        told = best
    order = [column.name for column in columns]
    # What came first may have become needless by what came later.
    for name in list(chosen):
        fewer = [other for other in chosen if other != name]
        if fewer and _distinct(duck, "different", fewer) == told:
            chosen = fewer
    return Key(tuple(sorted(chosen, key=order.index)), 0 if told == rows else _clashing(duck, chosen))


def _clashing(duck: duckdb.DuckDBPyConnection, key: Sequence[str]) -> int:
    """Records that share these columns with another one of other content."""
    listed = ", ".join(quote_identifier(name) for name in key)
    return _one(
        duck,
        f"SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM different GROUP BY {listed} HAVING count(*) > 1)",
    )


def _cast(column: ColumnProfile, zone: str) -> str:
    """The value as the lake holds it; text where the type is none the lake casts to."""
    return cast_sql(quote_identifier(column.name), column.type, column.format, zone) or quote_identifier(column.name)


def _rank(column: ColumnProfile, columns: Sequence[ColumnProfile]) -> tuple[int, int]:
    """Names of keys before others, measures last, else the source's order."""
    words = set(column.name.split("_"))
    place = next(number for number, other in enumerate(columns) if other.name == column.name)
    if words & set(_KEY_WORDS):
        weight = 0
    elif column.is_time:
        weight = 1
    elif column.type in ("VARCHAR", "BIGINT", "BOOLEAN") and column.mean_length <= 40:
        weight = 2
    elif column.type == "VARCHAR":
        weight = 3
    else:
        weight = 4
    return weight, place


def _holds(duck: duckdb.DuckDBPyConnection, names: Sequence[str], some: int, rows: int) -> bool:
    """Whether no two records share these columns; one pair in a part of them is proof enough that they do."""
    return _distinct(duck, "few", names) == some and (some == rows or _distinct(duck, "different", names) == rows)


def _distinct(duck: duckdb.DuckDBPyConnection, table: str, names: Sequence[str]) -> int:
    listed = ", ".join(quote_identifier(name) for name in names)
    return _one(duck, f"SELECT count(*) FROM (SELECT DISTINCT {listed} FROM {table})")


def _cells(duck: duckdb.DuckDBPyConnection) -> str:
    names = [row[0] for row in duck.execute("DESCRIBE seen").fetchall() if row[0] not in _ADDRESS]
    return ", ".join(quote_identifier(name) for name in names)


_ADDRESS = ("_file", "_record", "_day", "_problem")


def _one(duck: duckdb.DuckDBPyConnection, sql: str) -> int:
    row: Any = duck.execute(sql).fetchone()
    return int(row[0] or 0)
