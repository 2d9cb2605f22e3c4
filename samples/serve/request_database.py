"""311: the call centre's PostgreSQL with one table of service requests, as they stand at the end of the clock's day."""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path

import psycopg

from lake.engine import quote_literal
from samples.serve import originals
from samples.servers.postgres import Cluster

ARCHIVE, MEMBER = "311.csv.zip", "311.csv"
DATABASE = "nyc311"
READER = "citybrain"
"""The role the lake connects with: it may read the one table and nothing else."""

# The department's past lies in a schema of its own that the reader has no right to. `original.state_at` says what the
# table holds at the end of a day; the clock is moved by the difference between two days, in ordinary statements, so
# that whoever extracts by `updated_at` meets what a live table does to it.
SCHEMA = """
CREATE SCHEMA original;
CREATE TABLE original.clock (through date NOT NULL);
CREATE TABLE public.service_request (
    unique_key bigint PRIMARY KEY, created_at timestamptz NOT NULL, closed_at timestamptz, agency text,
    agency_name text, complaint_type text, descriptor text, incident_zip text, incident_address text,
    street_name text, city text, status text, resolution_description text, bbl text, borough text,
    x_coordinate_ft integer, y_coordinate_ft integer, latitude numeric, longitude numeric, location text,
    updated_at timestamptz NOT NULL
);
CREATE TABLE original.service_request (
    LIKE public.service_request INCLUDING INDEXES, created_on date NOT NULL, closed_on date
);
COMMENT ON TABLE public.service_request IS 'One row per service request, as it stands now';
COMMENT ON COLUMN public.service_request.updated_at IS 'When the row was last written: at creation and at closing';
CREATE FUNCTION original.state_at(through date) RETURNS SETOF public.service_request LANGUAGE sql STABLE AS $$
    SELECT unique_key, created_at, CASE WHEN closed THEN closed_at END, agency, agency_name, complaint_type, descriptor,
        incident_zip, incident_address, street_name, city, CASE WHEN open THEN 'Open' ELSE status END,
        CASE WHEN open THEN {open_text} ELSE resolution_description END, bbl, borough, x_coordinate_ft, y_coordinate_ft,
        latitude, longitude, location, CASE WHEN closed THEN updated_at ELSE created_at END
    FROM original.service_request AS o,
        LATERAL (SELECT coalesce(closed_on <= through, false) AS closed, coalesce(closed_on > through, false) AS open)
    WHERE created_on <= through
$$;
CREATE ROLE {reader} LOGIN PASSWORD {reader_password};
"""

# The session's zone is New York, which the local times of the original are in.
LOAD = """
INSERT INTO original.service_request
SELECT *, greatest(created_at, closed_at), created_at::date, closed_at::date FROM (
    SELECT "Unique Key"::bigint AS unique_key, to_timestamp("Created Date", 'MM/DD/YYYY HH12:MI:SS AM') AS created_at,
        to_timestamp("Closed Date", 'MM/DD/YYYY HH12:MI:SS AM') AS closed_at, "Agency", "Agency Name", "Complaint Type",
        "Descriptor", "Incident Zip", "Incident Address", "Street Name", "City", "Status", "Resolution Description",
        "BBL", "Borough", "X Coordinate (State Plane)"::integer, "Y Coordinate (State Plane)"::integer,
        "Latitude"::numeric, "Longitude"::numeric, "Location"
    FROM raw) AS typed;
CREATE INDEX ON original.service_request (created_on);
CREATE INDEX ON original.service_request (closed_on);
CREATE INDEX ON public.service_request (updated_at);
GRANT SELECT ON public.service_request TO {reader};
"""


class RequestDatabase:
    """A PostgreSQL server on the loopback, run from the wheel's binaries, with its data in `folder`.

    Args:
        folder: where its data and its log are kept.
        admin_password: for the department's own role, ``postgres``.
        reader_password: for the role that `uri` names.
        port: tried first, so that the address stays the same from start to start; 0 for any.
    """

    def __init__(self, folder: Path, *, admin_password: str, reader_password: str, port: int = 0) -> None:
        options = {"max_connections": "40", "shared_buffers": "64MB", "timezone": originals.ZONE}
        self._cluster = Cluster(folder, admin_password, port, options)
        self._reader_password = reader_password

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._cluster.port

    @property
    def uri(self) -> str:
        """Address for the lake: ``postgresql://…``."""
        return f"postgresql://{READER}:{self._reader_password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def admin_uri(self) -> str:
        """Address for the department itself, which may write."""
        return self._cluster.admin_uri(DATABASE)

    def start(self) -> None:
        """Start the server, making its data first if there is none."""
        self._cluster.start()
        self._load_once()

    def set_clock(self, through: date) -> None:
        """Let the table hold the state at the end of `through`: by the difference, or anew when time is set back."""
        with psycopg.connect(self.admin_uri) as connection:
            row = connection.execute("SELECT through FROM original.clock FOR UPDATE").fetchone()
            held = row[0] if row else None
            if held == through:
                return
            if held is None or held > through:
                connection.execute("TRUNCATE public.service_request, original.clock")
                connection.execute("INSERT INTO public.service_request SELECT * FROM original.state_at(%s)", (through,))
                connection.execute("INSERT INTO original.clock VALUES (%s)", (through,))
                connection.execute("ANALYZE public.service_request")
                return
            connection.execute(
                """
                UPDATE public.service_request AS held
                SET closed_at = now.closed_at, status = now.status, updated_at = now.updated_at,
                    resolution_description = now.resolution_description
                FROM original.state_at(%(through)s) AS now JOIN original.service_request AS o USING (unique_key)
                WHERE held.unique_key = o.unique_key AND o.created_on <= %(held)s
                    AND o.closed_on > %(held)s AND o.closed_on <= %(through)s
                """,
                {"held": held, "through": through},
            )
            connection.execute(
                """
                INSERT INTO public.service_request
                SELECT now.* FROM original.state_at(%(through)s) AS now
                JOIN original.service_request AS o USING (unique_key) WHERE o.created_on > %(held)s
                """,
                {"held": held, "through": through},
            )
            connection.execute("UPDATE original.clock SET through = %s", (through,))

    def execute(self, statement: str) -> None:
        """Do something to the database as the department: a correction, a new column, a dropped table."""
        with psycopg.connect(self.admin_uri) as connection:
            connection.execute(statement)

    def stop(self) -> None:
        """Stop the server; it writes everything first."""
        self._cluster.stop()

    def _load_once(self) -> None:
        with psycopg.connect(self._cluster.admin_uri(), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE}")
        with psycopg.connect(self.admin_uri) as connection:
            if connection.execute("SELECT to_regclass('original.clock')").fetchone() != (None,):
                return
            open_text = "CASE agency {} END".format(
                " ".join(
                    f"WHEN {quote_literal(agency)} THEN {quote_literal(text)}"
                    for agency, text in originals.OPEN_RESOLUTION.items()
                )
            )
            names = {"reader": READER, "reader_password": quote_literal(self._reader_password), "open_text": open_text}
            connection.execute(SCHEMA.format(**names))
            with zipfile.ZipFile(originals.FOLDER / ARCHIVE) as archive, archive.open(MEMBER) as file:
                header = file.readline().decode().rstrip("\n").split(",")
                columns = ", ".join(f'"{name}" text' for name in header)
                connection.execute(f"CREATE TEMP TABLE raw ({columns}) ON COMMIT DROP")
                with connection.cursor().copy("COPY raw FROM STDIN (FORMAT csv)") as copy:
                    while block := file.read(1 << 20):
                        copy.write(block)
            connection.execute(LOAD.format(**names))
            connection.execute("ANALYZE original.service_request")
