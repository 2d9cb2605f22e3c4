"""Accepted tables made without landing and admission, for the tests of the marts.

They are made out of the Queens originals, or out of a lake that was loaded.

A case of SCOUT is an open version on the day it was found and its final version on the day it was closed; a case of
311 is its final version on its last day, as a history load leaves it.
"""

from __future__ import annotations

import gzip
import uuid
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb

from lake import marts
from lake.contracts import load_contracts
from lake.contracts.model import Contract, Mode
from lake.ledger import PartitionState
from lake.marts import transform
from lake.marts.build import readable_files, view_sql
from lake.marts.pins import Pins, collect, pin_tables
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


def replayed(settings: Settings, last: date) -> Any:
    """A DuckDB connection with the accepted tables of a loaded home up to a day, as views, to be delivered anew."""
    pins = collect(settings, last)
    duck = duckdb.connect()
    duck.execute("SET TimeZone = 'UTC'")
    files = readable_files(settings, pins)
    for name, table in pins.tables.items():
        duck.execute(f'CREATE VIEW "{name}" AS {view_sql(table, files[name])}')
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
        landed_at = datetime(2024, 1, 1, 6, tzinfo=UTC) + timedelta(minutes=self._deliveries)
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

    def correct(self, table: str, day: date, on: date) -> None:
        """A day comes again, corrected: of a third of its records every value is a neighbour's.

        A dataset of changes tells it on another day, as versions; any other replaces the day, and every fifth record is
        no longer in it.
        """
        contract = self.contracts[table]
        columns = [name for name, _, _ in table_columns(contract) if name[0] != "_" and name != "ds"]
        key = [column.name for column in contract.columns if column.key_position is not None] or columns
        order = ", ".join(f'"{name}"' for name in columns)
        told = ", ".join(
            f'"{name}"' if name in key else f'lead("{name}", 1, "{name}") OVER (ORDER BY {order}) AS "{name}"'
            for name in columns
        )
        part = "hash({}) % 15".format(", ".join(f'"{name}"' for name in key))
        rows = f"SELECT * FROM {table} WHERE ds = DATE '{day}'"
        corrected = f"SELECT {told}, DATE '{on}' AS ds FROM ({rows} AND {part} % 3 = 0)"
        if contract.mode is Mode.CHANGES:
            self.deliver(table, rows=corrected)
        else:
            corrected = corrected.replace(f"DATE '{on}' AS ds", "ds")
            kept = f"SELECT {order}, ds FROM ({rows} AND {part} % 3 <> 0 AND {part} % 5 <> 0)"
            self.deliver(table, rows=f"{corrected} UNION ALL {kept}", replace=True)

    def take_back(self, table: str, day: date, on: date) -> None:
        """A fifth of a day's records never were: marks that say nothing but which."""
        key = [column.name for column in self.contracts[table].columns if column.key_position is not None]
        told = ", ".join(
            f'"{name}"' if name in key else f'NULL AS "{name}"'
            for name, _, _ in table_columns(self.contracts[table])
            if name[0] != "_" and name != "ds"
        )
        part = "hash({}) % 5 = 0".format(", ".join(f'"{name}"' for name in key))
        rows = f"SELECT {told}, DATE '{on}' AS ds FROM {table} WHERE ds = DATE '{day}' AND {part}"
        self.deliver(table, rows=rows, withdrawn=True)

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


CARRIED = ("--select", "+config.materialized:incremental")
"""The models that the next build goes on from, and what they stand on. All else the next makes anew."""


def build_unchecked(settings: Settings, lake: SyntheticLake, as_of: date, *selected: str) -> marts.Build:
    """A build, or a part of one, that the next can go on from; its data tests are not asked and nothing is published.

    Corrections told by `SyntheticLake.correct` make rows that no department delivers.
    """

    def run(settings: Settings, pins: Pins, folder: Path, private: Path, *, with_seeds: bool) -> transform.Outcome:
        if with_seeds:
            transform.lay(settings, pins, folder, private)
        nodes = transform.invoke(settings, pins, folder, private, ["run", *selected])
        assert {str(node.status) for node in nodes} == {"success"}
        return transform.Outcome(len(nodes), 0, [])

    with patch.object(transform, "run", run):
        made = marts.build(settings, as_of, pins=lake.pins(as_of))
    current = settings.published / "current"
    current.unlink(missing_ok=True)
    current.symlink_to(made.build_id)
    return made


def elsewhere(settings: Settings, home: Path) -> Settings:
    """A home that has built nothing yet, over the same lake."""
    other = replace(settings, home=home)
    other.make_home()
    if not (other.home / "cache").exists():
        (other.home / "cache").symlink_to(settings.home / "cache")
    return other


def differences(one: marts.Build, other: marts.Build) -> dict[str, int]:
    """Rows that stand in one build and not in the other, by table of core and marts."""
    with duckdb.connect() as duck:
        duck.execute(f"ATTACH '{one.folder / 'build.duckdb'}' AS one (READ_ONLY)")
        duck.execute(f"ATTACH '{other.folder / 'build.duckdb'}' AS other (READ_ONLY)")
        tables = duck.execute(
            "SELECT DISTINCT schema_name || '.' || table_name FROM duckdb_tables() "
            "WHERE schema_name NOT IN ('staging', 'seeds', 'lake', 'main')"
        ).fetchall()
        found = {}
        for (table,) in tables:
            a, b = f"SELECT * FROM one.{table}", f"SELECT * FROM other.{table}"
            (n,) = duck.execute(
                f"SELECT count(*) FROM (({a} EXCEPT ALL {b}) UNION ALL ({b} EXCEPT ALL {a}))"
            ).fetchone() or (0,)
            found[table] = n
    assert len(found) >= 25, sorted(found)
    return {table: n for table, n in found.items() if n}


def carried(made: marts.Build) -> bool:
    """Whether a build went on from another."""
    return '"carried_from": null' not in (made.folder / "built.json").read_text()
