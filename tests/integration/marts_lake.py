"""Accepted tables out of the Queens originals, made without landing and admission, for the tests of the marts.

A case of SCOUT is an open version on the day it was found and its final version on the day it was closed; a case of
311 is its final version on its last day, as a history load leaves it.
"""

from __future__ import annotations

import gzip
import uuid
import zipfile
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from lake.contracts import load_contracts
from lake.contracts.model import Contract
from lake.ledger import PartitionState
from lake.marts.pins import Pins, pin_tables
from lake.settings import Settings
from lake.tables import Pin, PinnedFile, table_columns

REQUESTS, DEFECTS = "nyc311__service_request", "dot__street_defect"
COLLISIONS, WEATHER, DISTRICTS = "nypd__collision", "weather__hourly_weather", "dcp__community_district"
FIRST, LAST = date(2022, 8, 1), date(2022, 10, 23)
"""Twelve weeks, Monday to Sunday; the weather ends within the last."""

_REQUEST = """
    SELECT "Unique Key"::BIGINT AS unique_key,
           timezone('America/New_York', strptime("Created Date", '%m/%d/%Y %I:%M:%S %p')) AS created_at,
           timezone('America/New_York', strptime("Closed Date", '%m/%d/%Y %I:%M:%S %p')) AS closed_at,
           "Agency" AS agency, "Agency Name" AS agency_name, "Complaint Type" AS complaint_type,
           "Descriptor" AS descriptor, "Incident Zip" AS incident_zip, sha256("Incident Address") AS incident_address,
           "City" AS city, "Status" AS status, sha256("BBL") AS bbl, "Borough" AS borough,
           "X Coordinate (State Plane)"::INTEGER AS x_coordinate_ft,
           "Y Coordinate (State Plane)"::INTEGER AS y_coordinate_ft,
           "Latitude"::DECIMAL(9, 6) AS latitude, "Longitude"::DECIMAL(9, 6) AS longitude,
           timezone('America/New_York', created_at)::DATE AS created_on,
           greatest(created_on, timezone('America/New_York', closed_at)::DATE) AS last_on
    FROM read_csv('{file}', all_varchar = true)
"""
_DISTRICT = """
    SELECT (feature -> 'properties' ->> 'boro_cd')::INTEGER AS boro_cd,
           feature -> 'properties' ->> 'borough' AS borough,
           (feature -> 'properties' ->> 'district_number')::INTEGER AS district_number,
           feature -> 'properties' ->> 'name' AS name,
           (feature -> 'properties' ->> 'shape_area')::DECIMAL(18, 3) AS shape_area_ft2,
           (feature -> 'properties' ->> 'shape_length')::DECIMAL(18, 3) AS shape_length_ft,
           (feature -> 'geometry')::VARCHAR AS geometry, DATE '2022-08-01' AS ds
    FROM (SELECT unnest(features) AS feature FROM read_json('{file}', columns = {{features: 'JSON[]'}}))
    WHERE boro_cd BETWEEN 401 AND 414
"""


def originals(samples: Path, scratch: Path, first: date = FIRST, last: date = LAST) -> Any:
    """A DuckDB connection with one typed table per accepted table, `ds` included, for a period."""
    for archive in samples.glob("*.zip"):
        with zipfile.ZipFile(archive) as packed:
            (member,) = [m for m in packed.namelist() if not m.startswith("__MACOSX") and m.endswith(".csv")]
            (scratch / archive.stem).write_bytes(packed.read(member))
    for packed_file in samples.glob("*.gz"):
        (scratch / packed_file.stem).write_bytes(gzip.decompress(packed_file.read_bytes()))
    duck = duckdb.connect()
    duck.execute("SET TimeZone = 'UTC'")
    within = f"ds BETWEEN DATE '{first}' AND DATE '{last}'"
    duck.execute(
        f"CREATE TABLE {REQUESTS} AS SELECT *, coalesce(greatest(created_at, closed_at), created_at) AS updated_at, "
        f"last_on AS ds FROM ({_REQUEST.format(file=scratch / '311.csv')}) WHERE created_on >= '{first}' AND {within}"
    )
    duck.execute(f"CREATE TABLE found AS {_REQUEST.format(file=scratch / 'SCOUT.csv')}")
    duck.execute(
        f"CREATE TABLE {DEFECTS} AS SELECT * FROM ("
        "SELECT * REPLACE (NULL::TIMESTAMPTZ AS closed_at, 'Open' AS status), created_on AS ds FROM found "
        "WHERE last_on > created_on UNION ALL SELECT *, last_on AS ds FROM found) "
        f"WHERE created_on >= '{first}' AND {within}"
    )
    duck.execute(
        f"""CREATE TABLE {COLLISIONS} AS
        SELECT "COLLISION_ID"::BIGINT AS collision_id, strptime("CRASH DATE", '%m/%d/%Y')::DATE AS crash_on,
               "CRASH TIME" AS crash_time, "BOROUGH" AS borough, "ZIP CODE" AS zip_code,
               "LATITUDE"::DECIMAL(9, 6) AS latitude, "LONGITUDE"::DECIMAL(9, 6) AS longitude,
               "ON STREET NAME" AS on_street_name, "CROSS STREET NAME" AS cross_street_name,
               "OFF STREET NAME" AS off_street_name, crash_on AS ds
        FROM read_csv('{scratch / "Motor_Vehicle_Collisions_-_Crashes.csv"}', all_varchar = true) WHERE {within}"""
    )
    duck.execute(
        f"""CREATE TABLE {WEATHER} AS
        SELECT timezone('UTC', strptime(time, '%Y-%m-%dT%H:%M')) AS observed_at,
               try_cast(t AS DECIMAL(5, 1)) AS temperature_c, try_cast(p AS DECIMAL(6, 1)) AS precipitation_mm,
               try_cast(r AS DECIMAL(6, 1)) AS rain_mm, try_cast(c0 AS INTEGER) AS cloudcover_pct,
               try_cast(c1 AS INTEGER) AS cloudcover_low_pct, try_cast(c2 AS INTEGER) AS cloudcover_mid_pct,
               try_cast(c3 AS INTEGER) AS cloudcover_high_pct, try_cast(w AS DECIMAL(5, 1)) AS windspeed_kmh,
               try_cast(d AS INTEGER) AS winddirection_deg, strptime(time, '%Y-%m-%dT%H:%M')::DATE AS ds
        FROM read_csv('{scratch / "NYC_Weather_2016_2022.csv"}', skip = 1, header = false, all_varchar = true,
             names = ['time', 't', 'p', 'r', 'c0', 'c1', 'c2', 'c3', 'w', 'd'])
        WHERE {within}"""
    )
    duck.execute(f"CREATE TABLE {DISTRICTS} AS {_DISTRICT.format(file=scratch / 'community_district.geojson')}")
    return duck


class SyntheticLake:
    """Accepted tables of one home, filled by hand; gives pins as `lake.marts.pins.collect` would."""

    def __init__(self, settings: Settings, source: Any) -> None:
        self.settings, self.source = settings, source
        self.contracts: dict[str, Contract] = {contract.table: contract for contract in load_contracts(settings)}
        self.files: dict[str, list[PinnedFile]] = {table: [] for table in self.contracts}
        self._deliveries = 0

    def deliver(
        self,
        table: str,
        where: str = "true",
        *,
        rows: str | None = None,
        replace: bool = False,
        withdrawn: bool = False,
    ) -> list[date]:
        """Add rows of the originals (or of a SELECT of its own) as one delivery; gives the days it holds.

        Args:
            table: accepted table.
            where: which rows of the originals.
            rows: a SELECT with the table's columns and `ds`, in place of the originals.
            replace: the days of the delivery replace what the table holds of them.
            withdrawn: the rows say that their records are withdrawn.
        """
        self._deliveries += 1
        delivery = f"delivery-{self._deliveries:03}"
        landed_at = datetime(2024, 1, 1, 6, self._deliveries % 60, tzinfo=UTC)
        columns = table_columns(self.contracts[table])
        picked = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind, _ in columns if name[0] != "_")
        ids = ", ".join(f'"{name}": {number}' for name, _, number in columns)
        folder = self.settings.tables / "accepted" / table / "data" / delivery
        folder.mkdir(parents=True)
        self.source.execute(
            f"COPY (SELECT {picked}, '{delivery}' AS _delivery, '{delivery}.csv' AS _file, "
            f"row_number() OVER (ORDER BY ds) AS _record, md5('{delivery}') AS _digest, "
            f"TIMESTAMPTZ '{landed_at}' AS _landed_at, {withdrawn} AS _is_withdrawn "
            f"FROM ({rows or f'SELECT * FROM {table}'}) WHERE {where}) "
            f"TO '{folder}' (FORMAT parquet, PARTITION_BY (ds), WRITE_PARTITION_COLUMNS true, FIELD_IDS {{{ids}}})"
        )
        made = []
        for path in sorted(folder.rglob("*.parquet")):
            named = path.rename(path.with_name(f"{uuid.uuid4()}.parquet"))
            (n,) = self.source.execute(f"SELECT count(*) FROM read_parquet('{named}')").fetchone()
            made.append(PinnedFile(str(named), date.fromisoformat(named.parent.name[3:]), n))
        days = sorted({file.day for file in made})
        kept = [file for file in self.files[table] if not (replace and file.day in days)]
        self.files[table] = sorted([*kept, *made], key=lambda file: (file.day, file.path))
        return days

    def withdraw(self, table: str, day: date) -> None:
        """Take a whole day out of a table."""
        self.files[table] = [file for file in self.files[table] if file.day != day]

    def pins(self, as_of: date, states: Iterable[PartitionState] = ()) -> Pins:
        """What the tables hold now."""
        pinned = [
            (contract, Pin(table, len(self.files[table]) or None, tuple(self.files[table])))
            for table, contract in self.contracts.items()
        ]
        return pin_tables(self.settings, as_of, pinned, list(states))
