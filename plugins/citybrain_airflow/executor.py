"""An executor whose workers know the checks already.

A task is a fork of its worker. Importing Great Expectations takes four to six seconds of a processor, which thirty
departments a night would pay thirty times; here the scheduler imports it once and every fork has it. Our own modules
are not imported: a task runs the code that lies there when it starts.
"""

from __future__ import annotations

from airflow.executors.local_executor import LocalExecutor


class WarmLocalExecutor(LocalExecutor):
    """`LocalExecutor`, started with what loads need in memory. Nothing is opened or begun that a fork could break."""

    def start(self) -> None:
        """Import what is heavy, then start the workers."""
        import great_expectations  # noqa: F401
        import pyarrow.parquet  # noqa: F401
        import pyiceberg.catalog.sql  # noqa: F401

        super().start()
