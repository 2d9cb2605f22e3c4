"""The gate before the commit: the suite run by stock Great Expectations on the typed and treated batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from lake.admission.suites import Expectation, Severity
from lake.errors import ContractError

HISTORY = 20
"""Pages of Data Docs kept beside the latest one; they do not scale, and the ledger has the history."""


@dataclass(frozen=True)
class CheckResult:
    """How one expectation came out; no value of a cell.

    Attributes:
        id, type, column, severity, reason, owner: of the expectation.
        success: whether it holds, `mostly` considered.
        failed_n: rows that fail; None when the check is about the table.
        checked_n: rows it was asked of; None likewise.
    """

    id: str
    type: str
    column: str | None
    severity: Severity
    success: bool
    failed_n: int | None
    checked_n: int | None
    reason: str
    owner: str

    def as_dict(self) -> dict[str, Any]:
        """The same, as JSON takes it."""
        return asdict(self)


def gate(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    expectations: Iterable[Expectation],
    *,
    dataset: str,
    delivery: str,
    pages: Path | None = None,
    by_day: Mapping[str, Expectation] | None = None,
) -> list[CheckResult]:
    """Run a suite by Great Expectations on a table or view that all cursors of the connection see.

    Args:
        connection: holds the batch.
        relation: its name.
        expectations: the suite.
        dataset, delivery: for messages and the page.
        pages: folder of the dataset's Data Docs; None for no page.
        by_day: by id, what is asked of the view `each_day.DAYS` in place of an expectation.

    Raises:
        ContractError: an expectation could not be asked (its type does not fit the column).
    """
    from lake.admission import each_day, gx_duckdb

    asked = list(expectations)
    if not asked:
        return []
    results = gx_duckdb.validate(connection, relation, [e for e in asked if e.id not in (by_day or {})])
    if by_day:
        of_days = zip(by_day, gx_duckdb.validate(connection, each_day.DAYS, by_day.values()), strict=True)
        of_rows = zip((e.id for e in asked if e.id not in by_day), results, strict=True)
        result_of = dict([*of_days, *of_rows])
        results = [result_of[expectation.id] for expectation in asked]
    checks = []
    for expectation, result in zip(asked, results, strict=True):
        if (kind := gx_duckdb.exception_kind(result)) is not None:
            raise ContractError(
                f"expectation {expectation.id!r} (line {expectation.line} of the suite) cannot be asked: {kind}",
                remedy="check that its type and arguments fit the column's type",
                dataset=dataset,
                column=expectation.column,
            )
        checks.append(_result(expectation, bool(result.success), result.result))
    if pages is not None:
        latest, kept = pages / "latest.html", pages / "history" / f"{delivery}.html"
        gx_duckdb.write_page(results, dataset, delivery, latest)
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(latest.read_bytes())
        _forget_oldest(kept.parent)
    return checks


def failed_critical(checks: Sequence[CheckResult]) -> list[CheckResult]:
    """The checks that hold a batch."""
    return [check for check in checks if check.severity is Severity.CRITICAL and not check.success]


def _result(expectation: Expectation, success: bool, counts: dict[str, Any]) -> CheckResult:
    failed_n: int | None = None
    checked_n: int | None = None
    if expectation.is_row_level:
        failed_n = int(counts.get("unexpected_count", 0))
        checked_n = int(counts.get("element_count", 0)) - int(counts.get("missing_count") or 0)
    return CheckResult(
        expectation.id,
        expectation.type,
        expectation.column,
        expectation.severity,
        success,
        failed_n,
        checked_n,
        expectation.reason,
        expectation.owner,
    )


def _forget_oldest(folder: Path) -> None:
    pages = sorted(folder.glob("*.html"), key=lambda page: (page.stat().st_mtime_ns, page.name))
    for page in pages[:-HISTORY]:
        page.unlink(missing_ok=True)
