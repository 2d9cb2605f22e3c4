"""A suite over the registers of several days in one batch: what it says of a register must hold of each of them.

Uniqueness is asked within the day. What is about a whole table (its size, a column's least, mean or number of values)
is asked of a view with one row a day, `DAYS`, by the expectation that a column's values lie between the same bounds.
Both are stock Great Expectations, and both say which days fail.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import duckdb

from lake.admission.suites import Expectation
from lake.engine import quote_identifier, quote_literal

DAYS = "batch_days"
"""The view with one row a day: ``ds``, and ``m<n>`` for the n-th expectation of the suite that is about the table."""

_MEASURES = {
    "expect_table_row_count_to_be_between": "count(*)",
    "expect_column_proportion_of_unique_values_to_be_between": "count(DISTINCT {0}) / count({0})",
    "expect_column_proportion_of_non_null_values_to_be_between": "count({0}) / count(*)",
    "expect_column_unique_value_count_to_be_between": "count(DISTINCT {0})",
    "expect_column_min_to_be_between": "min({0})",
    "expect_column_max_to_be_between": "max({0})",
    "expect_column_mean_to_be_between": "avg({0})",
    "expect_column_sum_to_be_between": "sum({0})",
}
_BOUNDS = ("min_value", "max_value", "strict_min", "strict_max")


def within_days(expectations: Iterable[Expectation]) -> list[Expectation]:
    """The suite with uniqueness asked within the day."""
    return [_unique_within(expectation) for expectation in expectations]


def of_days(connection: duckdb.DuckDBPyConnection, expectations: Iterable[Expectation]) -> dict[str, Expectation]:
    """Make the view `DAYS` over the view ``batch``.

    Returns:
        By id of the expectations that are about a table, what is asked of `DAYS` instead; those that say the same of
        one day and of many (columns, the values there may be) are left out.
    """
    measures, asked = [], {}
    for number, expectation in enumerate(expectations):
        found = _measure(expectation)
        if found is not None:
            sql, bounds = found
            measures.append(f"{sql} AS m{number}")
            asked[expectation.id] = replace(
                expectation,
                type="expect_column_values_to_be_between",
                kwargs={"column": f"m{number}", **bounds},
            )
    if measures:
        connection.execute(f"CREATE VIEW {DAYS} AS SELECT ds, {', '.join(measures)} FROM batch GROUP BY ds")
    return asked


def _unique_within(expectation: Expectation) -> Expectation:
    kwargs = dict(expectation.kwargs)
    if expectation.type == "expect_column_values_to_be_unique":
        columns = [kwargs.pop("column")]
    elif expectation.type == "expect_compound_columns_to_be_unique":
        columns = list(kwargs.pop("column_list"))
    else:
        return expectation
    # With the day among them never all are missing; a missing part equals nothing, so no row fails by it.
    return replace(
        expectation, type="expect_compound_columns_to_be_unique", kwargs=kwargs | {"column_list": [*columns, "ds"]}
    )


def _measure(expectation: Expectation) -> tuple[str, dict[str, Any]] | None:
    """SQL of what is measured of a day, and the bounds it has to keep."""
    kwargs = dict(expectation.kwargs)
    column = quote_identifier(str(kwargs.get("column", "")))
    if expectation.type == "expect_table_row_count_to_equal":
        return "count(*)", {"min_value": kwargs["value"], "max_value": kwargs["value"]}
    if expectation.type == "expect_column_distinct_values_to_contain_set":
        wanted = sorted({str(value) for value in kwargs["value_set"]})
        listed = ", ".join(quote_literal(value) for value in wanted) or "NULL"
        found = f"count(DISTINCT {column}::VARCHAR) FILTER (WHERE {column}::VARCHAR IN ({listed}))"
        return found, {"min_value": len(wanted)}
    if expectation.type not in _MEASURES:
        return None
    bounds = {name: kwargs[name] for name in _BOUNDS if name in kwargs}
    return _MEASURES[expectation.type].format(column), bounds
