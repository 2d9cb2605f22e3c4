"""What dbt's own connection to a build's private file has to know: how the accepted tables are reached."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

from lake.engine import open_bucket
from lake.settings import Settings

_of_this_build: list[Settings] = []


@contextlib.contextmanager
def reading_for(settings: Settings) -> Iterator[None]:
    """While it lasts, connections that dbt opens in this process read the warehouse of these settings.

    A list, not a context variable: dbt opens them in threads of its own.
    """
    _of_this_build.append(settings)
    try:
        yield
    finally:
        _of_this_build.pop()


class Plugin(BasePlugin):  # type: ignore[misc]
    """Named in profiles.yml; dbt-duckdb wants this very name."""

    def configure_connection(self, connection: Any) -> None:
        """Called once, when dbt opens the file."""
        if _of_this_build:
            open_bucket(connection, _of_this_build[-1])
