"""What was held back, record by record, with all reasons: part of the vault, shown masked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from lake.contracts.model import Contract
from lake.engine import connect, quote_identifier, quote_literal
from lake.settings import Settings

UNCHANGED_SUFFIX = ".unchanged.parquet"
PART = "+"
"""Between a delivery's id and the number of its second and later parts."""


@dataclass(frozen=True)
class QuarantinedRecord:
    """One record held back.

    Attributes:
        dataset, day, delivery, file, record: where it is; the landed bytes have its content.
        reasons: everything that is wrong with it.
        cells: column name to text, when asked for; masked unless the caller may see the vault.
    """

    dataset: str
    day: date
    delivery: str
    file: str
    record: int
    reasons: tuple[str, ...]
    cells: dict[str, str | None]

    def as_dict(self) -> dict[str, Any]:
        """The same, as JSON takes it."""
        return asdict(self) | {"day": str(self.day), "reasons": list(self.reasons)}


def folder(contract: Contract, settings: Settings) -> Path:
    """Where a dataset's quarantine lies."""
    return settings.quarantine / contract.department / contract.name


def write(
    connection: duckdb.DuckDBPyConnection, contract: Contract, delivery: str, number: int, settings: Settings
) -> list[Path]:
    """Write the quarantined records of ``typed`` with their raw cells, and the addresses of the unchanged ones.

    A file with no row is not written. The files get their place, and those of an earlier admission go, by `put`.

    Args:
        number: of the delivery's part, from 1; parts have files of their own, for their columns may differ.
    """
    target = folder(contract, settings)
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    cells = ", ".join(
        f"raw.{quote_identifier(c.name)} AS {quote_identifier(f'raw_{c.name}')}" for c in contract.columns
    )
    # Few rows are quarantined, so their addresses are looked up first and the raw relation is read but once.
    held_back = (
        f"SELECT {quote_literal(delivery)} AS _delivery, typed._file, typed._record, typed._day AS day, "
        f"typed._reasons AS reasons, typed._digest, {cells} "
        "FROM (SELECT * FROM typed WHERE _reasons IS NOT NULL AND NOT _unchanged) AS typed "
        "JOIN raw ON raw._file = typed._file AND raw._record = typed._record ORDER BY typed._file, typed._record"
    )
    unchanged = (
        f"SELECT {quote_literal(delivery)} AS _delivery, _file, _record, _day AS day FROM typed WHERE _unchanged "
        "ORDER BY _file, _record"
    )
    stem = delivery if number == 1 else f"{delivery}{PART}{number}"
    written = []
    for name, condition, query in (
        (f"{stem}.parquet", "_reasons IS NOT NULL AND NOT _unchanged", held_back),
        (f"{stem}{UNCHANGED_SUFFIX}", "_unchanged", unchanged),
    ):
        if connection.execute(f"SELECT 1 FROM typed WHERE {condition} LIMIT 1").fetchone() is None:
            continue
        fresh = (target / name).with_suffix(".new")
        connection.execute(f"COPY ({query}) TO {quote_literal(str(fresh))} (FORMAT parquet, COMPRESSION zstd)")
        fresh.chmod(0o600)
        written.append(fresh)
    return written


def put(written: list[Path], contract: Contract, delivery: str, settings: Settings) -> None:
    """Let the files of an admission take the place of those of an earlier one of the same delivery."""
    places = {fresh: fresh.with_suffix(".parquet") for fresh in written}
    for path in folder(contract, settings).glob("*.parquet"):
        if delivery_of(path) == delivery and path not in places.values():
            path.unlink()
    for fresh, path in places.items():
        fresh.replace(path)


def delivery_of(path: Path) -> str:
    """The delivery whose records a file of the quarantine has."""
    return path.name.partition(".")[0].partition(PART)[0]


def show(
    settings: Settings,
    dataset: str,
    day: date | None = None,
    *,
    delivery: str | None = None,
    reveal: bool = False,
) -> list[QuarantinedRecord]:
    """Records held back, in the order of day and address.

    Args:
        settings: the city's home.
        dataset: dataset id.
        day, delivery: narrow it down.
        reveal: cells as delivered; otherwise only the shape of a cell is shown (letters as ``x``, digits as ``9``).
    """
    paths = _files(settings, dataset)
    if delivery is not None:
        paths = [path for path in paths if delivery_of(path) == delivery]
    if not paths:
        return []
    with connect(settings) as connection:
        relation = connection.execute(
            f"SELECT * FROM read_parquet({_listed(paths)}, union_by_name = true) "
            "WHERE ?::DATE IS NULL OR day = ?::DATE ORDER BY day, _delivery, _file, _record",
            [day, day],
        )
        names = [column[0] for column in relation.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in relation.fetchall()]
    return [
        QuarantinedRecord(
            dataset,
            row["day"],
            row["_delivery"],
            row["_file"],
            row["_record"],
            tuple(row["reasons"]),
            {
                name.removeprefix("raw_"): value if reveal else mask(value)
                for name, value in row.items()
                if name.startswith("raw_")
            },
        )
        for row in found
    ]


def reasons(settings: Settings, dataset: str) -> dict[str, int]:
    """How many records are held back for each reason."""
    paths = _files(settings, dataset)
    if not paths:
        return {}
    with connect(settings) as connection:
        return dict(
            connection.execute(
                "SELECT reason, count(*) FROM (SELECT unnest(reasons) AS reason "
                f"FROM read_parquet({_listed(paths)}, union_by_name = true)) GROUP BY reason ORDER BY reason"
            ).fetchall()
        )


def mask(value: str | None) -> str | None:
    """The shape of a cell: enough to see a shifted column or another date format, too little to see a person."""
    if value is None:
        return None
    shape = "".join("9" if c.isdigit() else "x" if c.isalpha() else c for c in value[:40])
    return shape + ("…" if len(value) > 40 else "")


def _files(settings: Settings, dataset: str) -> list[Path]:
    _, department, name = dataset.split(".")
    paths = sorted((settings.quarantine / department / name).glob("*.parquet"))
    return [path for path in paths if not path.name.endswith(UNCHANGED_SUFFIX)]


def _listed(paths: list[Path]) -> str:
    return "[" + ", ".join(quote_literal(str(path)) for path in paths) + "]"
