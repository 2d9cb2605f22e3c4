"""What a lake shows of itself: the published schema ``about``, the quarantine, and how its contracts read keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from lake.contracts import load_contracts
from lake.contracts.model import Column, Contract
from lake.engine import connect, quote_identifier, quote_literal
from lake.errors import BuildFailed
from lake.settings import Settings

UNCHANGED = ".unchanged.parquet"


@dataclass(frozen=True)
class Day:
    """What ``about.counts`` says of one partition."""

    state: str
    delivered: int
    accepted: int
    quarantined: int
    unchanged: int


@dataclass(frozen=True)
class Product:
    """A published build and the quarantine beside it.

    Attributes:
        connection: has the table ``held`` (dataset, day, key, file, record, reasons), one row for each different record
            held back, and ``told`` (dataset, day, rule, failed_n): the checks of severity warning that failed.
        build_id, as_of: of the build.
        days: by dataset and day.
        contracts: by dataset.
    """

    connection: duckdb.DuckDBPyConnection
    build_id: str
    as_of: date
    days: Mapping[str, Mapping[date, Day]]
    contracts: Mapping[str, Contract]


def read_product(settings: Settings, connection: duckdb.DuckDBPyConnection) -> Product:
    """Read what the lake shows into a connection.

    Raises:
        BuildFailed: nothing is published.
    """
    path = settings.published / "current" / "marts.duckdb"
    if not path.exists():
        raise BuildFailed("nothing is published", remedy="run `citybrain marts build` and `citybrain marts publish`")
    with connect(settings, path, read_only=True) as published:
        build_id, as_of = published.execute("SELECT build_id, as_of FROM about.build").fetchone() or ("", date.min)
        counts = published.execute(
            "SELECT dataset, day, state, delivered, accepted, quarantined, unchanged FROM about.counts"
        ).fetchall()
        told = published.execute(
            "SELECT dataset, day, check_id AS rule, sum(failed_n)::BIGINT AS failed_n FROM about.warnings "
            "WHERE failed_n IS NOT NULL GROUP BY ALL"
        ).to_arrow_table()
    days: dict[str, dict[date, Day]] = {}
    for dataset, day, *rest in counts:
        days.setdefault(dataset, {})[day] = Day(*rest)
    connection.register("told_rows", told)
    connection.execute("CREATE OR REPLACE TABLE told AS SELECT * FROM told_rows")
    connection.unregister("told_rows")
    connection.execute(
        "CREATE OR REPLACE TABLE held (dataset VARCHAR, day DATE, key VARCHAR, file VARCHAR, record BIGINT, "
        "reasons VARCHAR[])"
    )
    contracts = {contract.dataset: contract for contract in load_contracts(settings)}
    for contract in contracts.values():
        _read_quarantine(settings, contract, connection)
    return Product(connection, build_id, as_of, days, contracts)


def comparable_key(contract: Contract, parts: list[str]) -> str:
    """SQL: key columns as one text in which the same key is the same text, however a cell of it is written."""
    written = [
        f"coalesce({_comparable(column, part, contract.zone)}, '')"
        for column, part in zip(contract.key, parts, strict=True)
    ]
    return f"concat_ws('|', {', '.join(written)})" if written else "''"


def _comparable(column: Column, cell: str, zone: str) -> str:
    formats = [quote_literal(column.format)] if column.format else []
    match column.type.partition("(")[0]:
        case "DATE":
            ways = [f"try_strptime({cell}, {form})::DATE" for form in formats] + [f"try_cast({cell} AS DATE)"]
            return f"coalesce({', '.join(f'{way}::VARCHAR' for way in ways)}, trim({cell}))"
        case "TIMESTAMPTZ":
            # A time with an offset becomes the city's civil time; one without is it already.
            ways = [f"try_strptime({cell}, {form})::TIMESTAMP" for form in formats if "%z" not in form]
            ways += [
                f"CASE WHEN regexp_matches({cell}, '(Z|[+-]\\d\\d:?(\\d\\d)?)$') AND {cell} LIKE '%:%' "
                f"THEN try_cast({cell} AS TIMESTAMPTZ) AT TIME ZONE {quote_literal(zone)} END",
                f"try_cast({cell} AS TIMESTAMP)",
            ]
            return f"coalesce(strftime(coalesce({', '.join(ways)}), '%Y-%m-%d %H:%M:%S'), trim({cell}))"
        case "BIGINT" | "INTEGER":
            return f"coalesce(try_cast({cell} AS BIGINT)::VARCHAR, trim({cell}))"
        case "DECIMAL" | "DOUBLE":
            return f"coalesce(try_cast({cell} AS DOUBLE)::VARCHAR, trim({cell}))"
        case _:
            return f"trim({cell})"


def _read_quarantine(settings: Settings, contract: Contract, connection: duckdb.DuckDBPyConnection) -> None:
    folder = settings.quarantine / contract.department / contract.name
    paths = [path for path in sorted(folder.glob("*.parquet")) if not path.name.endswith(UNCHANGED)]
    if not paths:
        return
    files = "[" + ", ".join(quote_literal(str(path)) for path in paths) + "]"
    source = f"read_parquet({files}, union_by_name = true)"
    there = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    cells = [
        quote_identifier(f"raw_{column.name}") if f"raw_{column.name}" in there else "NULL" for column in contract.key
    ]
    # A day that came again is held back again, with the same content: one record all the same.
    connection.execute(
        f"INSERT INTO held SELECT {quote_literal(contract.dataset)}, day, {comparable_key(contract, cells)}, _file, "
        f"_record, reasons FROM {source} QUALIFY row_number() OVER (PARTITION BY day, _digest ORDER BY _delivery, "
        "_file, _record) = 1"
    )


def truth_home(settings: Settings, given: Path | None) -> Path:
    """Where the demo city's own home is: as given, else beside the lake's."""
    return given if given is not None else settings.home.parent / f"{settings.home.name}_city"
