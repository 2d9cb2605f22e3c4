"""Marts: pins, one dbt build in a private file, publication by a swapped link, questions on what is published.

`build` makes and tests, `publish` shows, `rollback` shows an earlier one again, `query` asks,
`export` writes an answer to a file, `write_parquet` copies all. Readers open
``published/current/marts.duckdb`` and never see half a build.
"""

from lake.marts.build import Build, build, find_build
from lake.marts.cookbook import ask_cookbook, cookbook_failures
from lake.marts.counting import Verdict, count_marts
from lake.marts.examples import Asked, ask_examples, example_failures
from lake.marts.export import export
from lake.marts.parquet import write_parquet
from lake.marts.pins import newest_day
from lake.marts.publish import publish, rollback
from lake.marts.query import Answer, query

__all__ = [
    "Answer", "Asked", "Build", "Verdict", "ask_cookbook", "ask_examples", "build", "cookbook_failures", "count_marts",
    "example_failures", "export", "find_build", "newest_day", "publish", "query", "rollback", "write_parquet",
]  # fmt: skip
