"""The grade of indicators on four hand-written values: each verdict once."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from demo_city.grade.indicators import IndicatorLine, grade_indicators
from lake.errors import BuildFailed
from lake.settings import Settings

TRUE = """
CREATE TABLE indicator AS SELECT 'I01' AS indicator_id,
    'accepted' AS part, NULL::VARCHAR AS variant, 'day' AS window_kind,
    first_on, 'city' AS scope, '990100' AS division_code, value_final, is_recoverable
FROM (VALUES (DATE '2026-05-01', 3.0, true), (DATE '2026-05-02', 4.0, false), (DATE '2026-05-03', 5.0, true),
    (DATE '2026-05-04', 6.0, false), (DATE '2026-05-05', 7.0, true), (DATE '2026-05-06', NULL, true))
    AS t(first_on, value_final, is_recoverable)
"""
TOLD = """
CREATE SCHEMA overview; CREATE TABLE overview.indicator_value AS
SELECT 'I01' AS indicator_id, 'accepted' AS part, '' AS variant, 'day' AS window_kind, first_on, 'city' AS scope,
    '990100' AS division_code, value, is_complete
FROM (VALUES (DATE '2026-05-01', 3.0, true), (DATE '2026-05-02', 1.0, false), (DATE '2026-05-03', 4.0, true),
    (DATE '2026-05-04', 5.0, true), (DATE '2026-05-06', NULL, false)) AS t(first_on, value, is_complete)
"""


def lake_with(room: Path, sql: str) -> Settings:
    settings = Settings.from_environment({"CITYBRAIN_HOME": str(room), "CITYBRAIN_CITY": "linlan"})
    folder = settings.published / "current"
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "marts.duckdb")) as file:
        file.execute(sql)
    return settings


def test_each_value_gets_its_verdict(tmp_path: Path) -> None:
    with duckdb.connect() as truth:
        truth.execute(TRUE)
        (line,) = grade_indicators(truth, lake_with(tmp_path, TOLD))
    assert line == IndicatorLine(
        "I01", "accepted", "", 6, right=1, cautious=1, incomplete=1, wrong=2, wrong_unrecoverable=1, missing=1,
        examples=[("day", "2026-05-03", "990100", 5.0, 4.0)],
    )  # fmt: skip


def test_a_build_without_indicators_is_refused(tmp_path: Path) -> None:
    with duckdb.connect() as truth, pytest.raises(BuildFailed, match=r"no overview\.indicator_value"):
        truth.execute(TRUE)
        grade_indicators(truth, lake_with(tmp_path, "CREATE TABLE nothing (i INTEGER)"))
