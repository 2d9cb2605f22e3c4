"""Weather: one Excel workbook a month, sheet ``hourly``."""

from __future__ import annotations

import gzip
import tempfile
from datetime import date
from pathlib import Path

from lake.engine import extension_file, quote_identifier, quote_literal
from samples.serve import originals
from samples.serve.drop_folder import DropFolder

ORIGINAL = "NYC_Weather_2016_2022.csv.gz"
LAST_MONTH = date(2022, 10, 1)
"""The series stops on 2022-10-19; that part of a month is delivered like a whole one, later months never come."""

SHEET = "hourly"


class WeatherDrop:
    """The folder the weather office drops ``weather_YYYY-MM.xlsx`` into once a month is over.

    First row: the original headers. The hour is text (``2020-01-01T00:00``), the measurements are numbers. Rows that
    are blank in the original are blank here, in the month of the row before them.
    """

    def __init__(self, folder: Path) -> None:
        self.drop = DropFolder(folder)

    def set_clock(self, through: date) -> None:
        """Have the workbooks of every month that is over at the end of `through`, and no later one."""
        months = originals.each_month(originals.FIRST_DAY, min(through, LAST_MONTH))
        wanted = {name_of(month): month for month in months if originals.last_day_of(month) <= through}
        held = self.drop.names()
        self.drop.withdraw({name for name in held - wanted.keys() if name.startswith("weather_")})
        missing = {name: month for name, month in wanted.items() if name not in held}
        if missing:
            self._write(missing)

    def _write(self, missing: dict[str, date]) -> None:
        with tempfile.TemporaryDirectory() as scratch, originals.open_duckdb() as duck:
            duck.execute(f"LOAD {quote_literal(str(extension_file('excel')))}")
            path = Path(scratch) / "weather.csv"
            path.write_bytes(gzip.decompress((originals.FOLDER / ORIGINAL).read_bytes()))
            columns = originals.header_of(path)
            hour, measurements = quote_identifier(columns[0]), [quote_identifier(name) for name in columns[1:]]
            duck.execute(
                f"""
                CREATE TEMP TABLE weather AS
                SELECT *, coalesce({hour}, lag({hour} IGNORE NULLS) OVER (ORDER BY line_no))[:7] AS month
                FROM (SELECT *, row_number() OVER () AS line_no FROM {originals.csv_relation(path, columns)})
                """
            )
            numbers = ", ".join(f"{name}::DOUBLE AS {name}" for name in measurements)
            for name, month in missing.items():
                # DuckDB's writer puts fixed times into the archive, so the same month is the same bytes.
                part = self.drop.part()
                duck.execute(
                    f"""
                    COPY (SELECT {hour}, {numbers} FROM weather WHERE month = '{month:%Y-%m}' ORDER BY line_no)
                    TO {quote_literal(str(part))} (FORMAT xlsx, HEADER true, SHEET {quote_literal(SHEET)})
                    """
                )
                self.drop.take(part, name)


def name_of(month: date) -> str:
    """Name of a month's workbook."""
    return f"weather_{month:%Y-%m}.xlsx"
