"""SCOUT: one gzipped CSV a day with the street defects that are new or were closed on that day."""

from __future__ import annotations

import gzip
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from lake.engine import quote_identifier, quote_literal
from samples.serve import originals
from samples.serve.drop_folder import DropFolder

ARCHIVE, MEMBER = "SCOUT.csv.zip", "SCOUT.csv"


class ScoutDrop:
    """The folder the scouts' office drops ``SCOUT_YYYYMMDD.csv.gz`` into.

    The file of a day holds, with the original header and the original text of every cell: each request created on that
    day (in its open state if it was closed on a later day) and each request closed on that day (as in the original). So
    what a file holds does not depend on the clock; the clock only says which files are there. A day without a request
    has a file with a header alone.
    """

    def __init__(self, folder: Path) -> None:
        self.drop = DropFolder(folder)

    def set_clock(self, through: date) -> None:
        """Have the files of every day up to `through`, and no later one."""
        wanted = {name_of(day): day for day in originals.each_day(originals.FIRST_DAY, through)}
        held = self.drop.names()
        self.drop.withdraw({name for name in held - wanted.keys() if name.startswith("SCOUT_")})
        missing = {name: day for name, day in wanted.items() if name not in held}
        if not missing:
            return
        header, lines = _lines_by_day(min(missing.values()), max(missing.values()))

        def deliver(name: str) -> None:
            text = header + lines.get(missing[name], "")
            # mtime 0: the same day is the same bytes, whenever it is written.
            self.drop.deliver(name, gzip.compress(text.encode(), compresslevel=6, mtime=0))

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(deliver, missing))


def name_of(day: date) -> str:
    """Name of a day's file."""
    return f"SCOUT_{day:%Y%m%d}.csv.gz"


def _lines_by_day(first: date, last: date) -> tuple[str, dict[date, str]]:
    """The header line, and for each day with rows its lines, each with its line end."""
    with tempfile.TemporaryDirectory() as scratch, originals.open_duckdb() as duck:
        path = originals.unpack(ARCHIVE, MEMBER, Path(scratch))
        columns = originals.header_of(path)
        duck.execute(
            f"""
            CREATE TEMP TABLE request AS
            SELECT *,
                strptime("Created Date", '{originals.LOCAL_TIME}') AS created_at,
                strptime("Closed Date", '{originals.LOCAL_TIME}') AS closed_at
            FROM {originals.csv_relation(path, columns)}
            """
        )
        open_text = "CASE Agency {} END".format(
            " ".join(
                f"WHEN {quote_literal(agency)} THEN {quote_literal(text)}"
                for agency, text in originals.OPEN_RESOLUTION.items()
            )
        )
        # The cells are quoted as the original quotes them: only where the text needs it.
        line = " || ',' || ".join(
            f"CASE WHEN contains({cell}, ',') OR contains({cell}, '\"') "
            f"THEN '\"' || replace({cell}, '\"', '\"\"') || '\"' ELSE coalesce({cell}, '') END"
            for cell in map(quote_identifier, columns)
        )
        # The days are put into the text: a Python parameter makes DuckDB import pandas, which takes 2 s.
        rows = duck.execute(
            f"""
            WITH version AS (
                SELECT created_at::DATE AS day, created_at AS happened_at, * REPLACE (
                    CASE WHEN later THEN NULL ELSE "Closed Date" END AS "Closed Date",
                    CASE WHEN later THEN 'Open' ELSE Status END AS Status,
                    CASE WHEN later THEN {open_text} ELSE "Resolution Description" END AS "Resolution Description")
                FROM (SELECT *, coalesce(closed_at::DATE > created_at::DATE, false) AS later FROM request)
                UNION ALL
                SELECT closed_at::DATE, closed_at, *, true FROM request WHERE closed_at::DATE > created_at::DATE
            )
            SELECT day, string_agg({line} || chr(10), '' ORDER BY happened_at, "Unique Key"::BIGINT)
            FROM version WHERE day BETWEEN DATE '{first}' AND DATE '{last}' GROUP BY day
            """
        ).fetchall()
    return ",".join(columns) + "\n", dict(rows)
