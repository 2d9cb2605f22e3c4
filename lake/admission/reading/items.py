"""JSON pages of an API, and GeoJSON: a record is an item of a list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from lake.admission.reading.relation import addresses_of, check_columns, control_character, damaged, file_table
from lake.engine import quote_identifier, quote_literal

if TYPE_CHECKING:
    from lake.landing import Landed


def read_pages(connection: duckdb.DuckDBPyConnection, landed: Landed, scratch: Path) -> None:
    """Make ``raw`` of the pages an API gave."""
    path = landed.contract.source.arguments.get("items_path", "items")
    prefix = "".join(f".{quote_identifier(part)}" for part in path.split(".") if part)
    _items(connection, landed, f"${prefix}", "$")
    names = [column.source_name for column in landed.contract.columns]
    _raw_of_items(connection, landed, [f"$.{quote_identifier(name)}" for name in names])


def read_geojson(connection: duckdb.DuckDBPyConnection, landed: Landed, scratch: Path) -> None:
    """Make ``raw`` of feature collections; the geometry stays GeoJSON text."""
    _items(connection, landed, "$.features", "$.properties", beside=("geometry",))
    _raw_of_items(
        connection,
        landed,
        [
            "$.geometry" if column.source_name == "geometry" else f"$.properties.{quote_identifier(column.source_name)}"
            for column in landed.contract.columns
        ],
    )


def _items(
    connection: duckdb.DuckDBPyConnection, landed: Landed, path: str, fields: str, beside: tuple[str, ...] = ()
) -> None:
    """Make the table ``items`` of (_file, _day, _record, item); refuse what is no JSON and unknown keys."""
    file_table(connection, addresses_of(landed))
    files = ", ".join(quote_literal(str(landed.folder / "files" / file.name)) for file in landed.files)
    connection.execute("CREATE TABLE items (_file VARCHAR, _day DATE, _record BIGINT, item JSON)")
    if not files:
        return
    pages = f"(SELECT parse_filename(filename) AS _file, content FROM read_text([{files}]))"
    try:
        kinds = connection.execute(
            f"SELECT _file, CASE WHEN json_valid(content) THEN coalesce(json_type(content, ?), '') END FROM {pages}",
            [path],
        ).fetchall()
        for name, kind in kinds:
            if kind is None:
                raise damaged(landed, name, "the page is not JSON to its end")
            if kind != "ARRAY":
                raise damaged(landed, name, f"the page has no list of records at {path}")
        connection.execute(
            f"INSERT INTO items SELECT _file, _day, unnest(range(1, len(found) + 1)), unnest(found) FROM "
            f"(SELECT _file, json_extract(content, ?) AS found FROM {pages}) JOIN landed_files USING (_file)",
            [f"{path}[*]"],
        )
    except duckdb.Error as error:
        raise damaged(landed, None, f"a page is not valid UTF-8 JSON ({type(error).__name__})") from None
    found = connection.execute(
        "SELECT DISTINCT unnest(json_keys(item, ?)) FROM items WHERE json_type(item, ?) = 'OBJECT'", [fields, fields]
    ).fetchall()
    if found:
        check_columns(landed, None, [*(row[0] for row in found), *beside], ordered=False)


def _raw_of_items(connection: duckdb.DuckDBPyConnection, landed: Landed, paths: list[str]) -> None:
    values = ", ".join(
        f"nullif(cells[{number}], '') AS {quote_identifier(column.name)}"
        for number, column in enumerate(landed.contract.columns, start=1)
    )
    listed = ", ".join(quote_literal(path) for path in paths)
    connection.execute(
        f"CREATE TABLE raw AS SELECT _file, _record, _day, CASE WHEN json_type(item) <> 'OBJECT' THEN 'not_an_object' "
        f"{control_character('array_to_string(cells, chr(9))')} END AS _problem, NULL::VARCHAR AS _text, {values} "
        f"FROM (SELECT *, json_extract_string(item, [{listed}]) AS cells FROM items)"
    )
    connection.execute("DROP TABLE items")
