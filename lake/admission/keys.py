"""What a comparison of keys works with: the source's keys treated as the lake's are, and the withdrawals it found."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from lake.admission import staging_folder, workplace
from lake.admission.reading import read
from lake.admission.state import Admitted, DayCount
from lake.admission.typing import type_and_treat
from lake.boundary import boundary
from lake.engine import quote_identifier, quote_literal
from lake.errors import ContractViolation, Unaccounted
from lake.settings import Settings
from lake.tables import PROVENANCE_COLUMNS, field_ids_sql, read_files_sql, table_columns

if TYPE_CHECKING:
    from lake.landing import Landed

WITHDRAWALS = "withdrawals-v1"
"""Name of the digest of a delivery that a comparison made: such a delivery has rows as the table takes them."""
FILE_NAME = "withdrawals.parquet"


def read_keys(landed: Landed, settings: Settings, target: Path) -> int:
    """Write the keys of a delivery of keys, cast and treated as in the lake, to a Parquet file; gives their number.

    Args:
        landed: files with nothing but the key columns, by a contract of nothing but these.
        settings: the city's home.
        target: the file to write, with the key's lake names.

    Raises:
        ContractViolation: a record has no whole key, so that nobody can say what is withdrawn.
        Unaccounted: the second count says otherwise.
        The errors of `lake.admission.admit` about files that cannot be read.
    """
    contract = landed.contract
    with workplace(landed, settings, ()) as (connection, scratch):
        read(connection, landed, scratch)
        type_and_treat(connection, landed, accept_retyped=True)
        row = connection.execute("SELECT count(*), count(_reasons) FROM typed").fetchone() or (0, 0)
        if row[0] != landed.delivered:
            raise Unaccounted(
                f"{row[0]} keys were read, the second count says {landed.delivered}",
                remedy="nothing was withdrawn; report it, the fault is ours",
                dataset=contract.dataset,
                day=landed.window.first,
            )
        if row[1]:
            raise ContractViolation(
                f"{row[1]} of {row[0]} keys cannot be read: nobody can say what they stand for",
                remedy="ask the department for a list of whole keys",
                dataset=contract.dataset,
                day=landed.window.first,
            )
        keys = ", ".join(quote_identifier(column.name) for column in contract.key)
        connection.execute(
            f"COPY (SELECT DISTINCT {keys} FROM typed) "
            f"TO {quote_literal(str(target))} (FORMAT parquet, COMPRESSION zstd)"
        )
    return int(row[0])


def admit_withdrawals(landed: Landed, settings: Settings) -> Admitted:
    """Make what a comparison found ready for the commit: every row is accepted, for it comes out of the table."""
    contract, day = landed.contract, landed.window.first
    columns = table_columns(contract)
    own = {
        "ds": f"DATE '{day}'",
        "_delivery": quote_literal(landed.delivery),
        "_file": quote_literal(FILE_NAME),
        "_landed_at": f"TIMESTAMPTZ '{landed.landed_at.isoformat()}'",
    }
    technical = {name for name, _, _ in PROVENANCE_COLUMNS}
    picked = ", ".join(
        f"CAST({own.get(name, quote_identifier(name)) if name in technical else quote_identifier(name)} AS {kind}) "
        f"AS {quote_identifier(name)}"
        for name, kind, _ in columns
    )
    folder = staging_folder(landed, settings)
    shutil.rmtree(folder, ignore_errors=True)
    part = folder / f"ds={day}"
    part.mkdir(parents=True, mode=0o700)
    path = part / f"{uuid.uuid4()}.parquet"
    source = read_files_sql([str(landed.folder / "files" / FILE_NAME)], columns)
    with workplace(landed, settings, ()) as (connection, _):
        connection.execute(
            f"COPY (SELECT {picked} FROM {source} ORDER BY _record) TO {quote_literal(str(path))} "
            f"(FORMAT parquet, COMPRESSION zstd, {field_ids_sql(columns)})"
        )
        row = connection.execute(
            "SELECT count(*), md5(string_agg(_digest, ' ' ORDER BY _record)) "
            f"FROM read_parquet({quote_literal(str(path))})"
        ).fetchone() or (0, "")
    if row[0] != landed.delivered:
        raise Unaccounted(
            f"{row[0]} withdrawals were staged, {landed.delivered} were found",
            remedy="nothing was committed; report it, the fault is ours",
            dataset=contract.dataset,
            day=day,
        )
    boundary("admit.staged")
    return Admitted(
        landed=landed,
        days=(DayCount(day, row[0], row[0], 0, 0, row[1]),),
        reasons={},
        warnings=(),
        staged=(path,),
        replaced_days=(),
        by=(contract,),
    )
