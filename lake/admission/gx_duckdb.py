"""Stock Great Expectations inside our DuckDB: the two places where it does not know DuckDB, and nothing else.

It closes the connection after each query unless the dialect is on a list of its own, and it has no regular expressions
and no LIKE for the dialect. Here it gets an engine on the database that holds the batch, kept open, and a dialect that
writes `regexp_matches`. Import this module late: Great Expectations takes seconds to import.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from lake.admission.suites import Expectation
from lake.engine import quote_literal

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

import sqlalchemy as sa
from duckdb_engine import ConnectionWrapper
from great_expectations.core.batch import Batch
from great_expectations.core.expectation_validation_result import (
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
)
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView
from great_expectations.validator.validator import Validator, calc_validation_statistics

WITHOUT_VALUES = {"result_format": "SUMMARY", "partial_unexpected_count": 0}
"""Counts, and not one value of a cell."""

_COUNTS = frozenset(
    {"element_count", "missing_count", "missing_percent", "unexpected_count", "unexpected_percent",
     "unexpected_percent_total", "unexpected_percent_nonmissing"}
)  # fmt: skip
_OBSERVED_IS_A_COUNT = frozenset(
    {"expect_table_row_count_to_be_between", "expect_table_row_count_to_equal", "expect_table_column_count_to_equal",
     "expect_column_proportion_of_unique_values_to_be_between", "expect_column_unique_value_count_to_be_between",
     "expect_column_proportion_of_non_null_values_to_be_between"}
)  # fmt: skip

_OUTSIDE = re.compile(r"<(?:link|script|img)\b[^>]*https?://[^>]*>(?:\s*</script>)?")
"""Styles, scripts and pictures the page would fetch from elsewhere: a page of ours asks nobody."""


class _Dialect:
    """What Great Expectations asks a dialect's module for."""

    name = "duckdb"


class _DialectModule:
    """Stands in for a dialect's module: of the dialects it knows, Dremio writes regexp_matches and LIKE as DuckDB does.

    duckdb-engine's own class would not do: it derives from PostgreSQL's, whose ``~`` means a full match in DuckDB.
    """

    dialect = _Dialect
    DremioDialect = _Dialect


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):  # type: ignore[misc]
    """Great Expectations' engine on a DuckDB connection of ours, which it neither closes nor reopens."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        # A cursor is a connection of its own to the same database: Great Expectations does not see the variables
        # of ours, where the privacy keys are. Its time zone is set again, a cursor starts with the machine's.
        zone: Any = connection.execute("SELECT current_setting('TimeZone')").fetchone()
        cursor = connection.cursor()
        cursor.execute(f"SET TimeZone = {quote_literal(zone[0])}")
        engine = sa.create_engine(
            "duckdb:///:memory:", creator=lambda: ConnectionWrapper(cursor), poolclass=sa.pool.StaticPool
        )
        self._kept: sa.Connection | None = None
        super().__init__(engine=engine, create_temp_table=False)
        self.dialect_module = _DialectModule

    @contextmanager
    def get_connection(self) -> Generator[sa.Connection, None, None]:
        """The one connection, left open."""
        if self._kept is None:
            self._kept = self.engine.connect()
        yield self._kept

    def release(self) -> None:
        """Close the cursor; the database stays open."""
        if self._kept is not None:
            self._kept.close()
        self.engine.dispose()


class _Quiet:
    """A data context as far as a validator needs one: no progress bars."""

    progress_bars: Mapping[str, bool] = {"globally": False, "metric_calculations": False}


def validate(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    expectations: Iterable[Expectation],
    result_format: Mapping[str, Any] | str | None = None,
) -> list[ExpectationValidationResult]:
    """Run expectations on a table or view of the connection's database, in their order.

    Args:
        connection: holds the batch; a temporary table would not be seen.
        relation: name of the table or view.
        expectations: of any supported type.
        result_format: Great Expectations' result format; without values by default.
    """
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)  # its tracebacks quote values
    engine = DuckDBExecutionEngine(connection)
    try:
        batch = Batch(data=SqlAlchemyBatchData(engine, table_name=relation, create_temp_table=False))
        engine.batch_manager.load_batch_list([batch])
        validator = Validator(
            execution_engine=engine, interactive_evaluation=False, batches=[batch], data_context=_Quiet()
        )
        configurations = [
            ExpectationConfiguration(
                type=expectation.type,
                kwargs=dict(expectation.kwargs),
                meta={"id": expectation.id, "severity": expectation.severity.value, "owner": expectation.owner},
            )
            for expectation in expectations
        ]
        results = validator.graph_validate(
            configurations,
            runtime_configuration={"catch_exceptions": True, "result_format": result_format or dict(WITHOUT_VALUES)},
        )
        return _in_order(configurations, results)
    finally:
        engine.release()


def _in_order(
    configurations: list[ExpectationConfiguration], results: list[ExpectationValidationResult]
) -> list[ExpectationValidationResult]:
    by_id = {result.expectation_config.meta["id"]: result for result in results}
    return [by_id[configuration.meta["id"]] for configuration in configurations]


def write_page(results: list[ExpectationValidationResult], name: str, delivery: str, target: Path) -> None:
    """One page of Data Docs: what was expected and how many rows hold it; no value of a cell.

    Args:
        results: of `validate`.
        name: dataset id, shown as the suite's name.
        delivery: delivery id, shown as the run's.
        target: HTML file.
    """
    bare = [_without_values(result) for result in results]
    statistics = calc_validation_statistics(bare)
    page = ValidationResultsPageRenderer().render(
        ExpectationSuiteValidationResult(
            results=bare,
            success=statistics.success,
            suite_name=name,
            statistics={
                "evaluated_expectations": statistics.evaluated_expectations,
                "successful_expectations": statistics.successful_expectations,
                "unsuccessful_expectations": statistics.unsuccessful_expectations,
                "success_percent": statistics.success_percent,
            },
            meta={"run_id": {"run_name": delivery, "run_time": ""}, "validation_time": ""},
        )
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_OUTSIDE.sub("", DefaultJinjaPageView().render(page)), encoding="utf-8")


def exception_kind(result: ExpectationValidationResult) -> str | None:
    """Class of the error that kept an expectation from being asked, without its text; None when it was asked."""
    info = result.exception_info or {}
    for found in [info, *(value for value in info.values() if isinstance(value, dict))]:
        if found.get("raised_exception"):
            return str(found.get("exception_message") or "Exception").split(":")[0].split("(")[0][:60]
    return None


def _without_values(result: ExpectationValidationResult) -> ExpectationValidationResult:
    kept = {name: value for name, value in result.result.items() if name in _COUNTS}
    if result.expectation_config.type in _OBSERVED_IS_A_COUNT and "observed_value" in result.result:
        kept["observed_value"] = result.result["observed_value"]
    return ExpectationValidationResult(
        success=result.success,
        expectation_config=result.expectation_config,
        result=kept,
        meta=result.meta,
        exception_info={"raised_exception": False, "exception_message": None, "exception_traceback": None},
    )
