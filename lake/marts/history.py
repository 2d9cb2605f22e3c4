"""All rows of the tables of which `marts.duckdb` holds the last days alone: Parquet beside it, a file a month.

They lie in ``published/<build>/history/<schema>/<table>/<month>.parquet``. A month that the publication before has with
the same rows is linked, not written again: a day costs the disk the months it touches, however long the history is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from lake.engine import quote_identifier, quote_literal
from lake.marts.models import Model, Recent

FOLDER = "history"
_DIGEST = "rows_digest"


def write(duck: Any, target: Path, shown: Sequence[Model], earlier: Path | None) -> None:
    """Write the history of every table that has one.

    Args:
        duck: a connection with the build's file attached as ``private``.
        target: folder of the publication that is being made.
        shown: tables that readers see.
        earlier: folder of the publication before; None for the first.
    """
    for model in shown:
        if model.recent is None:
            continue
        place = Path(FOLDER, model.schema, model.name)
        (target / place).mkdir(parents=True)
        filed = _filed(model, model.recent)
        for month, digest in _months(duck, filed):
            file = target / place / f"{month}.parquet"
            before = earlier / place / file.name if earlier else None
            if before is not None and before.exists() and _digest_of(duck, before) == digest:
                _link(before, file)
            else:
                _write_month(duck, filed, month, digest, file)


def attach(duck: Any, published: Path) -> None:
    """Let a connection ask the histories of a publication, as ``history.<schema>.<table>``."""
    duck.execute(f"ATTACH ':memory:' AS {FOLDER} (READ_WRITE)")
    for folder in sorted(published.glob(f"{FOLDER}/*/*")):
        schema = f"{FOLDER}.{quote_identifier(folder.parent.name)}"
        files = quote_literal(f"{folder}/*.parquet")
        duck.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        duck.execute(f"CREATE VIEW {schema}.{quote_identifier(folder.name)} AS SELECT * FROM read_parquet({files})")


def part_shown(model: Model, as_of: date) -> str | None:
    """What `marts.duckdb` holds of a table, in words; None: all of it."""
    if model.recent is None:
        return None
    where = f"{FOLDER}/{model.schema}/{model.name}/*.parquet"
    since = f"{model.recent.by} after {model.recent.after(as_of)}, or NULL"
    return f"rows with {since}; all of them lie beside this file in {where}"


def _filed(model: Model, recent: Recent) -> str:
    """Its rows as readers see them, behind the month they are filed in and the moment that says so."""
    by = recent.month_of or recent.by
    month = f"coalesce(strftime({by}, '%Y-%m'), 'undated')"
    return f"SELECT {month} AS filed_in, {by} AS filed_by, {model.shown} FROM private.{model.at}"


def _months(duck: Any, filed: str) -> list[tuple[str, str]]:
    """Months there are rows of, each with a digest of them that no order changes."""
    columns = duck.execute(f"SELECT column_name, column_type FROM (DESCRIBE {filed})").fetchall()
    # `hash` is one version's of DuckDB: with the next the months are written once more.
    version = duck.execute("SELECT version()").fetchone()
    counted = duck.execute(
        f"SELECT filed_in, count(*), sum(CAST(hash(told) AS HUGEINT)) FROM ({filed}) AS told "
        "GROUP BY filed_in ORDER BY filed_in"
    ).fetchall()
    # Without any row there is a file all the same: it says what the columns are.
    return [
        (month, hashlib.sha256(repr((version, columns, row_n, total)).encode()).hexdigest())
        for month, row_n, total in counted or [("none", 0, 0)]
    ]


def _write_month(duck: Any, filed: str, month: str, digest: str, file: Path) -> None:
    # In the order of time: a reader who asks for a week skips the rest of the file.
    duck.execute(
        "COPY (SELECT * EXCLUDE (filed_in, filed_by) FROM "
        f"(SELECT * FROM ({filed}) WHERE filed_in = {quote_literal(month)} ORDER BY ALL)) "
        f"TO {quote_literal(str(file))} "
        f"(FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{_DIGEST}: {quote_literal(digest)}}})"
    )
    file.chmod(0o444)
    with file.open("rb") as written:
        os.fsync(written.fileno())


def _digest_of(duck: Any, file: Path) -> str | None:
    found = duck.execute(
        f"SELECT decode(value) FROM parquet_kv_metadata({quote_literal(str(file))}) WHERE decode(key) = '{_DIGEST}'"
    ).fetchone()
    return str(found[0]) if found else None


def _link(before: Path, file: Path) -> None:
    try:
        file.hardlink_to(before)
    except OSError:  # a file system without links
        shutil.copy2(before, file)
