"""Parquet copies of a published file, for readers that are not DuckDB: ``published/<build>/parquet/<schema>/<table>``.

They are made after readers have the file, so that nobody waits for them, and appear all at once. A table that has a
history is Parquet already, and whole there.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from lake.engine import connect, quote_identifier, quote_literal
from lake.errors import BuildFailed, told_when_full
from lake.marts import history
from lake.marts.publish import FILE
from lake.settings import Settings

FOLDER = "parquet"


def write_parquet(settings: Settings) -> Path:
    """Copy every table of the current build that has no history; gives the folder.

    A build that has its copies keeps them.

    Raises:
        BuildFailed: nothing is published.
    """
    from filelock import FileLock

    published = (settings.published / "current").resolve()
    if not (published / FILE).exists():
        raise BuildFailed("nothing is published yet", remedy="run `citybrain marts build --as-of DAY`")
    target = published / FOLDER
    with told_when_full(), FileLock(settings.home / "marts.lock"):
        if target.exists():
            return target
        incoming = published / f".incoming-{FOLDER}"
        shutil.rmtree(incoming, ignore_errors=True)
        with connect(settings, published / FILE, read_only=True) as duck:
            tables = duck.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal ORDER BY ALL"
            ).fetchall()
            for schema, table in tables:
                if (published / history.FOLDER / schema / table).exists():
                    continue
                file = incoming / schema / f"{table}.parquet"
                file.parent.mkdir(parents=True, exist_ok=True)
                duck.execute(
                    f"COPY {quote_identifier(schema)}.{quote_identifier(table)} TO {quote_literal(str(file))} "
                    "(FORMAT parquet, COMPRESSION zstd)"
                )
                file.chmod(0o444)
        incoming.replace(target)
    return target
