"""Indicators of a published build against the truth: right, rightly marked incomplete, wrong, not there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from lake.engine import connect
from lake.errors import BuildFailed
from lake.settings import Settings

TABLE = "overview.indicator_value"
TOLERANCE = 1e-9
"""Relative. The truth is computed in binary floating point, the lake's values are quotients of exact decimals."""
EXAMPLES = 3

_COMPARED = f"""
CREATE OR REPLACE TEMP TABLE compared AS
SELECT
    truth.indicator_id, truth.part, coalesce(truth.variant, '') AS variant, truth.window_kind, truth.first_on,
    truth.scope, truth.division_code, truth.value_final, told.value AS told, truth.is_recoverable,
    CASE
        WHEN told.indicator_id IS NULL THEN 'missing'
        WHEN truth.value_final IS NULL AND told.value IS NULL
            OR abs(truth.value_final - told.value) <= {TOLERANCE} * greatest(1, abs(truth.value_final))
            THEN CASE WHEN told.is_complete THEN 'right' ELSE 'cautious' END
        WHEN NOT told.is_complete THEN 'incomplete'
        ELSE 'wrong'
    END AS verdict
FROM indicator AS truth
LEFT JOIN told
    ON truth.indicator_id = told.indicator_id AND truth.part = told.part
    AND coalesce(truth.variant, '') = told.variant AND truth.window_kind = told.window_kind
    AND truth.first_on = told.first_on AND truth.scope = told.scope AND truth.division_code = told.division_code
"""


@dataclass(frozen=True)
class IndicatorLine:
    """Verdicts over all windows and divisions of one part of an indicator.

    Attributes:
        indicator_id, part, variant: as in the truth's document.
        values: how many the truth has.
        right: equal, and said to be complete.
        cautious: equal, though said to be incomplete.
        incomplete: different, and rightly said to be incomplete.
        wrong: different, said to be complete.
        wrong_unrecoverable: those of `wrong` that no reader of the deliveries could have known.
        missing: no such row.
        examples: of what is wrong: window, first day, division, true value, told value.
    """

    indicator_id: str
    part: str
    variant: str
    values: int
    right: int
    cautious: int
    incomplete: int
    wrong: int
    wrong_unrecoverable: int
    missing: int
    examples: Sequence[tuple[object, ...]]


def grade_indicators(truth: duckdb.DuckDBPyConnection, settings: Settings) -> list[IndicatorLine]:
    """Compare every value of I01 … I26 with the published one.

    Args:
        truth: the store, opened by `demo_city.truth.read_truth`.
        settings: the lake's.

    Raises:
        BuildFailed: nothing is published, or it has no indicators.
    """
    path = settings.published / "current" / "marts.duckdb"
    if not path.exists():
        raise BuildFailed("nothing is published", remedy="run `citybrain marts build` and `citybrain marts publish`")
    with connect(settings, path, read_only=True) as published:
        try:
            told = published.execute(
                "SELECT indicator_id, part, variant, window_kind, first_on, scope, division_code, value, is_complete "
                f"FROM {TABLE}"
            ).to_arrow_table()
        except duckdb.CatalogException as error:
            raise BuildFailed(
                f"the published build has no {TABLE}", remedy="build and publish the marts of this version"
            ) from error
    truth.register("told", told)
    truth.execute(_COMPARED)
    truth.unregister("told")
    rows = truth.execute(
        "SELECT indicator_id, part, variant, count(*), "
        + ", ".join(f"count(*) FILTER (verdict = '{v}')" for v in ("right", "cautious", "incomplete", "wrong"))
        + ", count(*) FILTER (verdict = 'wrong' AND NOT is_recoverable), count(*) FILTER (verdict = 'missing'), "
        f"list((window_kind, first_on::VARCHAR, division_code, value_final, told) ORDER BY first_on, division_code) "
        f"FILTER (verdict = 'wrong' AND is_recoverable)[:{EXAMPLES}] FROM compared GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return [IndicatorLine(*row[:-1], examples=row[-1] or []) for row in rows]
