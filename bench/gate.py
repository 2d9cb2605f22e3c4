"""The gate and the row rules against one hand-written SQL statement and Great Expectations on pandas.

    python bench/gate.py --rows 10000000

Ten expectations over the same rows. Each contender runs in a process of its own, so that its peak memory is its own;
imports and the reading of the data are told apart from the work.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONTENDERS = ("sql", "ours", "pandas")
TITLES = {"sql": "one hand-written SQL", "ours": "gate + row rules", "pandas": "GX on pandas"}

EXPECTATIONS = [
    ("rows", "expect_table_row_count_to_be_between", {"min_value": 1}),
    ("key_present", "expect_column_values_to_not_be_null", {"column": "key"}),
    ("key_unique", "expect_column_values_to_be_unique", {"column": "key"}),
    ("agency_known", "expect_column_values_to_be_in_set", {"column": "agency", "value_set": ["DEP", "DOT", "HPD"]}),
    ("zip_digits", "expect_column_values_to_match_regex", {"column": "zip", "regex": r"^\d{5}$"}),
    ("zip_length", "expect_column_value_lengths_to_equal", {"column": "zip", "value": 5}),
    ("latitude", "expect_column_values_to_be_between", {"column": "latitude", "min_value": 40.5, "max_value": 41.0}),
    (
        "longitude",
        "expect_column_values_to_be_between",
        {"column": "longitude", "min_value": -74.0, "max_value": -73.6},
    ),
    ("status_known", "expect_column_values_to_not_be_in_set", {"column": "status", "value_set": ["?"]}),
    (
        "closed_after_created",
        "expect_column_pair_values_a_to_be_greater_than_b",
        {"column_A": "closed", "column_B": "created", "or_equal": True, "ignore_row_if": "either_value_is_missing"},
    ),
]
BY_HAND = r"""
    SELECT count(*),
           count(*) FILTER (WHERE key IS NULL),
           coalesce((SELECT sum(n) FROM (SELECT count(*) AS n FROM batch WHERE key IS NOT NULL GROUP BY key) WHERE n > 1), 0),
           count(*) FILTER (WHERE agency NOT IN ('DEP', 'DOT', 'HPD')),
           count(*) FILTER (WHERE NOT regexp_matches(zip, '^\d{5}$')),
           count(*) FILTER (WHERE length(zip) <> 5),
           count(*) FILTER (WHERE latitude NOT BETWEEN 40.5 AND 41.0),
           count(*) FILTER (WHERE longitude NOT BETWEEN -74.0 AND -73.6),
           count(*) FILTER (WHERE status IN ('?')),
           count(*) FILTER (WHERE closed < created)
    FROM batch
"""


def make_data(rows: int, path: Path) -> None:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(
            f"""
            COPY (
                SELECT i AS key,
                       (['DEP', 'DOT', 'HPD', 'XXX'])[1 + (hash(i) % 1000 > 0)::INT * (hash(i) % 3)::INT
                                                        + (hash(i) % 1000 = 0)::INT * 3] AS agency,
                       CASE WHEN hash(i, 1) % 500 = 0 THEN '1138' ELSE (11000 + hash(i, 2) % 700)::VARCHAR END AS zip,
                       CASE WHEN hash(i, 3) % 100 > 3 THEN 40.55 + (hash(i, 4) % 250000) / 1e6 END AS latitude,
                       CASE WHEN hash(i, 3) % 100 > 3 THEN -73.95 + (hash(i, 5) % 250000) / 1e6 END AS longitude,
                       (['Open', 'Closed', 'Pending'])[1 + (hash(i, 6) % 3)::INT] AS status,
                       TIMESTAMP '2020-01-01' + to_seconds((hash(i, 7) % 100000000)::BIGINT) AS created,
                       created + to_seconds((hash(i, 8) % 1000000)::BIGINT - 400) AS closed
                FROM range({rows}) r(i)
            ) TO '{path}' (FORMAT parquet)
            """
        )


def run_sql(path: Path) -> tuple[dict[str, float], list[int]]:
    import duckdb

    connection = duckdb.connect(config={"threads": 2})
    connection.execute(f"CREATE TABLE batch AS FROM read_parquet('{path}')")
    began = time.perf_counter()
    row = connection.execute(BY_HAND).fetchone()
    return {"work_s": time.perf_counter() - began}, [int(n) for n in row[1:]]


def run_ours(path: Path) -> tuple[dict[str, float], list[int]]:
    import duckdb

    from lake.admission import row_rules
    from lake.admission.gate import gate
    from lake.admission.suites import Expectation, Severity

    connection = duckdb.connect(config={"threads": 2})
    connection.execute(f"CREATE TABLE batch AS FROM read_parquet('{path}')")
    suite = [Expectation(name, type_, kwargs, Severity.ERROR, "bench", "") for name, type_, kwargs in EXPECTATIONS]
    began = time.perf_counter()
    from lake.admission import gx_duckdb  # noqa: F401

    imported = time.perf_counter()
    checks = gate(connection, "batch", suite, dataset="bench.bench.bench", delivery="bench")
    gated = time.perf_counter()
    failing = row_rules.failing_sql(suite, "(SELECT rowid AS _row, * FROM batch)", "batch")
    connection.execute(f"CREATE TABLE held AS {failing}")
    ruled = time.perf_counter()
    times = {
        "import_s": imported - began,
        "gate_s": gated - imported,
        "rules_s": ruled - gated,
        "work_s": ruled - imported,
    }
    counts = [check.failed_n for check in checks if check.failed_n is not None]
    assert sum(counts) == connection.execute("SELECT sum(len(reasons)) FROM held").fetchone()[0]
    return times, counts


def run_pandas(path: Path) -> tuple[dict[str, float], list[int]]:
    import logging
    import os

    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import pandas as pd

    frame = pd.read_parquet(path)
    began = time.perf_counter()
    import great_expectations as gx
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    imported = time.perf_counter()
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    batch = context.data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
    suite = gx.ExpectationSuite("s")
    for _, type_, kwargs in EXPECTATIONS:
        suite.add_expectation_configuration(ExpectationConfiguration(type=type_, kwargs=kwargs))
    form = {"result_format": "SUMMARY", "partial_unexpected_count": 0}
    result = batch.get_batch({"dataframe": frame}).validate(suite, result_format=form)
    times = {"import_s": imported - began, "work_s": time.perf_counter() - imported}
    return times, [r.result["unexpected_count"] for r in result.results if "unexpected_count" in r.result]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--json", action="store_true", help="machine-readable")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contender:
        times, counts = {"sql": run_sql, "ours": run_ours, "pandas": run_pandas}[arguments.contender](arguments.data)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"contender": arguments.contender, **times, "peak_mb": peak, "counts": counts}))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        make_data(arguments.rows, path)
        told = []
        for name in CONTENDERS:
            command = [sys.executable, __file__, "--contender", name, "--data", str(path)]
            told.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    counts = {tuple(sorted(result["counts"])) for result in told}
    if len(counts) != 1:
        raise SystemExit(f"the contenders disagree: {[result['counts'] for result in told]}")
    if arguments.json:
        print(json.dumps({"rows": arguments.rows, "results": told}, indent=1))
        return
    floor = told[0]["work_s"]
    print(f"{arguments.rows:,} rows x {len(EXPECTATIONS)} expectations; all count alike: {told[0]['counts']}")
    for result in told:
        parts = ", ".join(
            f"{name[:-2]} {result[name]:.1f} s" for name in ("import_s", "gate_s", "rules_s") if name in result
        )
        print(
            f"  {TITLES[result['contender']]:<22} {result['work_s']:6.2f} s  x{result['work_s'] / floor:5.2f}"
            f"  peak {result['peak_mb']:7.0f} MB{f'  ({parts})' if parts else ''}"
        )


if __name__ == "__main__":
    main()
