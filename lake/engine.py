"""The only maker of DuckDB connections: memory, threads, zone and extensions are set in one place."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path

import duckdb

from lake.errors import CitybrainError
from lake.settings import Settings

EXTENSIONS = ("postgres_scanner", "mysql_scanner", "spatial", "excel", "encodings", "httpfs")
"""Shipped as wheels, signature checked on LOAD; nothing is downloaded."""


def connect(
    settings: Settings,
    database: Path | str = ":memory:",
    *,
    read_only: bool = False,
    zone: str = "UTC",
    extensions: tuple[str, ...] = (),
    locked: bool = False,
    reads: Iterable[str] = (),
    reach: Path | None = None,
) -> duckdb.DuckDBPyConnection:
    """Open DuckDB with the limits of this machine.

    Args:
        settings: memory limit, threads, home (its ``staging/tmp`` takes what spills).
        database: file, or ``:memory:``.
        read_only: open the file without a write lock.
        zone: session time zone; SQL that needs a civil date names its zone all the same.
        extensions: names out of ``EXTENSIONS``.
        locked: no file, no network, no further settings: for SQL that people type.
        reads: files it is going to read; it learns to read the warehouse's bucket when one of them is there.
        reach: the one folder whose files a locked one may read all the same.
    """
    spill = settings.staging / "tmp"
    spill.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(
        str(database),
        read_only=read_only,
        config={
            "memory_limit": settings.memory_limit,
            "threads": settings.threads,
            "temp_directory": str(spill),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )
    for name in extensions:
        connection.execute(f"LOAD '{extension_file(name)}'")
    connection.execute(f"SET TimeZone = {quote_literal(zone)}")
    if any(path.startswith("s3://") for path in reads):
        open_bucket(connection, settings)
    if locked:
        if reach is not None:
            connection.execute(f"SET allowed_directories = [{quote_literal(str(reach))}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    return connection


def open_bucket(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Let a connection read the warehouse's bucket, and no other. Key and secret are in no SQL text.

    Files of the warehouse never change, so what DuckDB has read of one stays right as long as the connection lives.
    """
    if settings.bucket is None:
        return
    endpoint = settings.bucket.endpoint
    connection.execute(f"LOAD '{extension_file('httpfs')}'")
    connection.execute("SET allow_persistent_secrets = false")
    connection.execute("SET enable_http_metadata_cache = true")
    connection.execute("SET validate_external_file_cache = 'NO_VALIDATION'")
    options = {"KEY_ID": "$key", "SECRET": "$secret", "REGION": "$region", "SCOPE": "$scope"}
    values = {"key": settings.bucket.key, "secret": settings.bucket.secret, "region": settings.bucket.region,
              "scope": settings.warehouse}  # fmt: skip
    if endpoint:
        options |= {"ENDPOINT": "$endpoint", "USE_SSL": "$ssl", "URL_STYLE": "'path'"}
        values |= {"endpoint": endpoint.partition("://")[2], "ssl": str(endpoint.startswith("https")).lower()}
    listed = ", ".join(f"{name} {place}" for name, place in options.items())
    connection.execute(f"CREATE OR REPLACE SECRET warehouse (TYPE s3, {listed})", values)


def extension_file(name: str) -> Path:
    """Path of an extension inside its wheel."""
    package = importlib.util.find_spec(f"duckdb_extension_{name}")
    if package is None or package.origin is None:
        raise CitybrainError(f"DuckDB extension {name!r} is not installed", remedy="run `make env`")
    return next(Path(package.origin).parent.glob(f"extensions/v{duckdb.__version__}/{name}.duckdb_extension"))


def quote_identifier(name: str, mark: str = '"') -> str:
    """The one way an identifier gets into SQL text. MySQL's mark is the backtick."""
    return mark + name.replace(mark, mark * 2) + mark


def quote_literal(value: str) -> str:
    """The one way a string gets into SQL text where no parameter can stand."""
    return "'" + value.replace("'", "''") + "'"
