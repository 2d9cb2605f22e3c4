"""Marts: pins, one dbt build in a private file, publication by a swapped link, questions on what is published.

`build` makes and tests, `publish` shows, `rollback` shows an earlier one again, `query` asks. Readers open
``published/current/marts.duckdb`` and never see half a build.
"""

from lake.marts.build import Build, build, find_build
from lake.marts.publish import publish, rollback
from lake.marts.query import Answer, query

__all__ = ["Answer", "Build", "build", "find_build", "publish", "query", "rollback"]
