"""Marts: pins, one dbt build in a private file, publication by a swapped link, questions on what is published.

`build` makes and tests, `publish` shows, `rollback` shows an earlier one again, `query` asks,
`export` writes an answer to a file. Readers open
``published/current/marts.duckdb`` and never see half a build.
"""

from lake.marts.build import Build, build, find_build
from lake.marts.export import export
from lake.marts.publish import publish, rollback
from lake.marts.query import Answer, query

__all__ = ["Answer", "Build", "build", "export", "find_build", "publish", "query", "rollback"]
