"""Reader of landed files: every physical record gets an address, and what cannot be read is kept with its reason.

``read`` makes the relation ``raw`` in a DuckDB connection: ``_file``, ``_record``, ``_day`` (of the file, or NULL),
``_problem`` (why the record cannot be read, or NULL), ``_text`` (what a broken record holds, for its digest only) and
the contract's columns by lake name, all VARCHAR, empty text as NULL.

The address of a record of a text file is its line number, the header not counted; of a page, its index from 1; of a
workbook, its row below the header; of an extraction, its ``_record``. A record of a text file is one line.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import duckdb

from lake.admission.reading.relation import damaged

if TYPE_CHECKING:
    from lake.landing import Landed

    Reader = Callable[[duckdb.DuckDBPyConnection, Landed, Path], None]

READERS = {
    "csv_files": "text.read_text_files",
    "fixed_width_files": "fixed.read_fixed_width",
    "http_json": "items.read_pages",
    "json_files": "items.read_documents",
    "json_lines_files": "items.read_json_lines",
    "xml_files": "xml.read_xml",
    "shapefile_files": "shapes.read_shapefiles",
    "geojson_files": "items.read_geojson",
    "parquet_files": "parquet.read_parquet_files",
    "excel_files": "workbook.read_workbooks",
    "database": "extraction.read_extraction",
    "postgres": "extraction.read_extraction",
    "mysql": "extraction.read_extraction",
    "sql_database": "extraction.read_extraction",
}
"""Connector to its reader, ``<file of this folder>.<function>``: a line here is all a new connector needs."""


def read(connection: duckdb.DuckDBPyConnection, landed: Landed, scratch: Path) -> None:
    """Make the relation ``raw`` of a landed delivery.

    Args:
        connection: an in-memory database with the extension ``excel`` for workbooks.
        landed: the delivery.
        scratch: folder of the caller's for files that live as long as the connection.

    Raises:
        DeliveryDamaged: a file cannot be read to its end.
        SchemaDrift: columns are not the contract's.
    """
    for file in landed.files:
        if file.problem:
            raise damaged(landed, file.name, file.problem)
    _reader(landed.contract.source.connector)(connection, landed, scratch)


def _reader(connector: str) -> Reader:
    module, _, function = READERS[connector].partition(".")
    return cast("Reader", getattr(importlib.import_module(f"lake.admission.reading.{module}"), function))
