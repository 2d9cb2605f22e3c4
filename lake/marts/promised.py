"""Whether the tables of a build have the columns and types their YAML promises: one look at the catalogue for all."""

from __future__ import annotations

from typing import Any

from lake.engine import quote_literal


def broken_promises(duck: Any, manifest: Any) -> list[str]:
    """What differs, a line for each model: columns missing, not promised, or of another type; empty is good.

    Args:
        duck: connection to the build's file.
        manifest: the parsed project; models whose contract is not enforced promise nothing here.
    """
    nodes = {
        (node.schema, node.alias): node
        for node in manifest.nodes.values()
        if node.resource_type == "model" and node.config.contract.enforced
    }
    kinds = {str(column.data_type) for node in nodes.values() for column in node.columns.values()}
    written = ", ".join(f"typeof(CAST(NULL AS {kind}))" for kind in sorted(kinds))
    spelled = dict(zip(sorted(kinds), duck.execute(f"SELECT {written}").fetchone(), strict=True)) if kinds else {}
    schemas = ", ".join(quote_literal(schema) for schema in sorted({schema for schema, _ in nodes})) or "''"
    made: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, column, kind in duck.execute(
        "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() "
        f"WHERE database_name = current_database() AND schema_name IN ({schemas})"
    ).fetchall():
        made.setdefault((schema, table), {})[column] = kind
    found = []
    for (schema, name), node in sorted(nodes.items()):
        promised = {column.name: spelled[str(column.data_type)] for column in node.columns.values()}
        built = made.get((schema, name), {})
        odd = sorted(column for column in promised.keys() | built.keys() if promised.get(column) != built.get(column))
        if odd:
            told = ", ".join(f"{c} {built.get(c, 'missing')} (promised {promised.get(c, 'nothing')})" for c in odd[:5])
            found.append(f"model {name} is not what its YAML promises: {told}")
    return found
