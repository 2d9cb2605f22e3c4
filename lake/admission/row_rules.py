"""Row-level expectations compiled to SQL, so that each row that fails can be named. Great Expectations lists 200.

The semantics are Great Expectations' own: a missing value is not asked (except about being missing), a comparison that
comes to NULL is no failure, and every one of several equal values fails uniqueness. A test holds the counts of each
type against Great Expectations'.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import Any

import duckdb

from lake.admission.suites import Expectation, Severity
from lake.engine import quote_identifier, quote_literal


@dataclass(frozen=True)
class RowRule:
    """An expectation as SQL over one relation.

    Attributes:
        asked: condition of the rows it is asked of.
        fails: condition of the rows that fail; never NULL.
    """

    expectation: Expectation
    asked: str
    fails: str


@dataclass(frozen=True)
class RuleCount:
    """How an expectation came out: rows that fail out of rows asked."""

    expectation: Expectation
    failed_n: int
    checked_n: int

    @property
    def success(self) -> bool:
        """Whether it holds, `mostly` considered."""
        share = float(self.expectation.kwargs.get("mostly", 1.0))
        return self.failed_n == 0 or (share < 1.0 and self.checked_n - self.failed_n >= share * self.checked_n)


def compile_rule(expectation: Expectation, relation: str) -> RowRule:
    """SQL of a row-level expectation.

    Args:
        expectation: of a type in `suites.ROW_LEVEL`.
        relation: SQL name of the relation with the batch; uniqueness is looked up there.
    """
    kwargs = expectation.kwargs
    if "column_A" in kwargs:
        asked, holds = _pair(expectation.type, kwargs)
    elif "column_list" in kwargs:
        asked, holds = _many(expectation.type, kwargs, relation)
    else:
        asked, holds = _single(expectation.type, kwargs, relation)
    return RowRule(expectation, asked, f"(({asked}) AND coalesce(NOT ({holds}), false))")


def count(connection: duckdb.DuckDBPyConnection, expectations: Iterable[Expectation], relation: str) -> list[RuleCount]:
    """Failures of every row-level expectation over the relation, in one scan."""
    rules = [compile_rule(expectation, relation) for expectation in expectations if expectation.is_row_level]
    if not rules:
        return []
    measures = ", ".join(
        f"count(*) FILTER (WHERE {rule.fails}), count(*) FILTER (WHERE {rule.asked})" for rule in rules
    )
    row: Any = connection.execute(f"SELECT {measures} FROM {relation}").fetchone()
    return [RuleCount(rule.expectation, row[2 * n], row[2 * n + 1]) for n, rule in enumerate(rules)]


def count_by_day(
    connection: duckdb.DuckDBPyConnection, expectation: Expectation, relation: str
) -> list[tuple[date, int, int]]:
    """(day, rows that fail, rows asked) of the days with a failing row."""
    rule = compile_rule(expectation, relation)
    rows: list[tuple[date, int, int]] = connection.execute(
        f"SELECT ds, count(*) FILTER (WHERE {rule.fails}) AS failed, count(*) FILTER (WHERE {rule.asked}) "
        f"FROM {relation} GROUP BY ds HAVING failed > 0 ORDER BY ds"
    ).fetchall()
    return rows


def failing_files(
    connection: duckdb.DuckDBPyConnection, expectation: Expectation, relation: str, typed: str
) -> list[str]:
    """Addresses of the files that fail a row-level expectation each for itself, `mostly` considered.

    Args:
        connection: holds both relations.
        expectation: the expectation.
        relation: SQL name of the relation uniqueness is looked up in.
        typed: SQL name of the table the relation is a view of; it has the ``_file`` too.
    """
    rule = compile_rule(expectation, relation)
    rows: list[tuple[str, int, int]] = connection.execute(
        f"SELECT _file, count(*) FILTER (WHERE {rule.fails}) AS failed, count(*) FILTER (WHERE {rule.asked}) "
        f"FROM (SELECT *, _day AS ds FROM {typed} WHERE _reasons IS NULL AND NOT _unchanged AND NOT _already "
        "AND NOT _withdrawn) GROUP BY _file HAVING failed > 0 ORDER BY _file"
    ).fetchall()
    return [file for file, failed, asked in rows if not RuleCount(expectation, failed, asked).success]


def failing_sql(expectations: Iterable[Expectation], source: str, relation: str) -> str | None:
    """Query for the rows that fail expectations of severity error: ``_row`` and ``reasons``, a list of ``rule:<id>``.

    Args:
        expectations: a suite.
        source: SQL of what to read the rows from; it has their ``_row`` (a number) beside the columns.
        relation: SQL name of the relation uniqueness is looked up in.

    Returns:
        The query, or None when no expectation can quarantine a row.
    """
    rules = [
        compile_rule(expectation, relation)
        for expectation in expectations
        if expectation.is_row_level and expectation.severity is Severity.ERROR
    ]
    if not rules:
        return None
    # Flags first, lists for the few rows that fail: a list for each of ten million rows costs more than the rules.
    flags = ", ".join(f"{rule.fails} AS flag_{n}" for n, rule in enumerate(rules))
    cases = ", ".join(
        f"CASE WHEN flag_{n} THEN {quote_literal('rule:' + rule.expectation.id)} END" for n, rule in enumerate(rules)
    )
    return (
        f"SELECT _row, list_filter([{cases}], lambda reason: reason IS NOT NULL) AS reasons "
        f"FROM (SELECT _row, {flags} FROM {source}) WHERE {' OR '.join(f'flag_{n}' for n in range(len(rules)))}"
    )


def _single(type_: str, kwargs: Mapping[str, Any], relation: str) -> tuple[str, str]:  # noqa: PLR0911
    column = quote_identifier(kwargs["column"])
    present = f"{column} IS NOT NULL"
    match type_.removeprefix("expect_column_"):
        case "values_to_not_be_null":
            return "true", present
        case "values_to_be_null":
            return "true", f"{column} IS NULL"
        case "values_to_be_in_set":
            return present, f"{column} IN ({_list(kwargs['value_set'])})" if kwargs["value_set"] else "false"
        case "values_to_not_be_in_set":
            return present, f"{column} NOT IN ({_list(kwargs['value_set'])})" if kwargs["value_set"] else "true"
        case "values_to_be_between":
            return present, _between(column, kwargs)
        case "values_to_match_regex":
            return present, f"regexp_matches({column}, {quote_literal(kwargs['regex'])})"
        case "values_to_not_match_regex":
            return present, f"NOT regexp_matches({column}, {quote_literal(kwargs['regex'])})"
        case "values_to_match_like_pattern":
            return present, f"{column} LIKE {quote_literal(kwargs['like_pattern'])}"
        case "values_to_not_match_like_pattern":
            return present, f"{column} NOT LIKE {quote_literal(kwargs['like_pattern'])}"
        case "value_lengths_to_be_between":
            return present, _between(f"length({column})", kwargs)
        case "value_lengths_to_equal":
            return present, f"length({column}) = {_literal(kwargs['value'])}"
        case "values_to_be_unique":
            several = f"SELECT {column} FROM {relation} WHERE {present} GROUP BY {column} HAVING count(*) > 1"
            return present, f"{column} NOT IN ({several})"
    raise ValueError(type_)


def _pair(type_: str, kwargs: Mapping[str, Any]) -> tuple[str, str]:
    left, right = quote_identifier(kwargs["column_A"]), quote_identifier(kwargs["column_B"])
    asked = {
        "both_values_are_missing": f"NOT ({left} IS NULL AND {right} IS NULL)",
        "either_value_is_missing": f"NOT ({left} IS NULL OR {right} IS NULL)",
        "neither": "true",
    }[kwargs.get("ignore_row_if", "both_values_are_missing")]
    match type_:
        case "expect_column_pair_values_a_to_be_greater_than_b":
            if kwargs.get("or_equal", False):
                return asked, f"{left} >= {right} OR ({left} IS NULL AND {right} IS NULL)"
            return asked, f"{left} > {right}"
        case "expect_column_pair_values_to_be_equal":
            return asked, f"{left} = {right} AND NOT ({left} IS NULL OR {right} IS NULL)"
    raise ValueError(type_)


def _many(type_: str, kwargs: Mapping[str, Any], relation: str) -> tuple[str, str]:
    columns = [quote_identifier(name) for name in kwargs["column_list"]]
    missing = [f"{column} IS NULL" for column in columns]
    asked = {
        "all_values_are_missing": f"NOT ({' AND '.join(missing)})",
        "any_value_is_missing": f"NOT ({' OR '.join(missing)})",
        "never": "true",
    }[kwargs.get("ignore_row_if", "all_values_are_missing")]
    match type_:
        case "expect_compound_columns_to_be_unique":
            listed = ", ".join(columns)
            # A missing part equals nothing, so such a row fails nowhere, though it is asked.
            whole = " AND ".join(f"{column} IS NOT NULL" for column in columns)
            several = f"SELECT ({listed}) FROM {relation} WHERE {whole} GROUP BY {listed} HAVING count(*) > 1"
            return asked, f"({listed}) NOT IN ({several})"
        case "expect_select_column_values_to_be_unique_within_record":
            same = " OR ".join(f"{a} = {b} OR ({a} IS NULL AND {b} IS NULL)" for a, b in combinations(columns, 2))
            return asked, f"NOT ({same})"
        case "expect_multicolumn_sum_to_equal":
            return asked, f"{' + '.join(columns)} = {_literal(kwargs['sum_total'])}"
    raise ValueError(type_)


def _between(value: str, kwargs: Mapping[str, Any]) -> str:
    bounds = []
    if kwargs.get("min_value") is not None:
        bounds.append(f"{value} {'>' if kwargs.get('strict_min') else '>='} {_literal(kwargs['min_value'])}")
    if kwargs.get("max_value") is not None:
        bounds.append(f"{value} {'<' if kwargs.get('strict_max') else '<='} {_literal(kwargs['max_value'])}")
    return " AND ".join(bounds)


def _list(values: Iterable[Any]) -> str:
    return ", ".join(_literal(value) for value in values)


def _literal(value: Any) -> str:
    """A value of a suite as SQL; a number with a point is DOUBLE, as Great Expectations passes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"CAST({value!r} AS DOUBLE)"
    return quote_literal(str(value))
