"""Which records of the table ``typed`` the lake holds already, and which contradict each other.

Marks ``_unchanged`` (same key and content already held, in the table, in the quarantine or earlier in the same
delivery) and adds the reason ``conflicting_versions`` (same key, other content, and no order between them).
Broken records are never compared within a delivery: each has its own address and its own reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from lake.admission.quarantine import delivery_of
from lake.admission.state import HeldContent
from lake.contracts.model import Contract, Mode, Withdrawal
from lake.engine import quote_identifier, quote_literal
from lake.tables import PROVENANCE_COLUMNS, read_files_sql

if TYPE_CHECKING:
    from lake.landing import Landed

CONFLICT = "conflicting_versions"
EMPTY_DAY = hashlib.md5(b"0", usedforsecurity=False).hexdigest()
"""Digest of a day the source has nothing of."""


def compare(connection: duckdb.DuckDBPyConnection, landed: Landed, held: HeldContent) -> dict[date, str]:
    """Mark what is unchanged or in conflict; gives the digest of each day's delivered content."""
    contract = landed.contract
    digests = day_digests(connection)
    _find_repeated_keys(connection, contract)
    if contract.mode is Mode.CHANGES:
        _changes_held_in_quarantine(connection, landed, held)
        if contract.cursor is None:
            _changes_by_delivery_day(connection, contract, held)
        else:
            _changes_by_cursor(connection, landed, held)
    else:
        same = [day for day, digest in digests.items() if held.live_digests.get(day) == digest]
        if same:
            connection.execute("UPDATE typed SET _unchanged = true WHERE _day IN (SELECT unnest(?::DATE[]))", [same])
        own = ["_day"] if contract.mode is Mode.SNAPSHOT else []  # a register has its keys on each of its days
        _repeated(connection, contract, [*own, "_digest"])
        _conflicting(connection, contract, own)
    connection.execute("DROP TABLE repeated")
    return digests


def day_digests(connection: duckdb.DuckDBPyConnection) -> dict[date, str]:
    """Digest of a day's records in any order: number of records, sums of the halves of their digests."""
    rows: list[tuple[date, str]] = connection.execute(
        "SELECT _day, md5(concat_ws(' ', count(*), sum(md5_number_upper(_digest)::HUGEINT), "
        "sum(md5_number_lower(_digest)::HUGEINT))) FROM typed GROUP BY _day ORDER BY _day"
    ).fetchall()
    return dict(rows)


def _find_repeated_keys(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Keys that a delivery has more than once, in the table ``repeated``: all comparing within it is about these."""
    keys = ", ".join(quote_identifier(column.name) for column in contract.key)
    within = f"{keys}, _day" if contract.mode is Mode.SNAPSHOT else keys
    connection.execute(
        f"CREATE TEMP TABLE repeated AS SELECT DISTINCT {keys} FROM (SELECT {keys} FROM typed "
        f"WHERE {_complete(contract)} GROUP BY {within} HAVING count(*) > 1)"
    )


def _changes_by_cursor(connection: duckdb.DuckDBPyConnection, landed: Landed, held: HeldContent) -> None:
    """The cursor is part of the content: the same content is the same version, wherever it was seen."""
    contract = landed.contract
    if held.files:
        keys = ", ".join(quote_identifier(column.name) for column in contract.key)
        of_held = _of_held(contract, held.files)
        back = ""
        if contract.withdrawal is Withdrawal.KEY_COMPARISON:
            # What the comparison found gone and is there again is news, though its content is not.
            order = f"({quote_identifier(contract.cursor or '')}, ds, _landed_at, _record)"
            back = (
                f" AND ({keys}) NOT IN (SELECT ({keys}) FROM {of_held} SEMI JOIN typed USING ({keys}) GROUP BY {keys} "
                f"HAVING arg_max(coalesce(_is_withdrawn, false) AND _landed_at < {_instant(landed)}, {order}))"
            )
        connection.execute(f"UPDATE typed SET _unchanged = true WHERE _digest IN (SELECT _digest FROM {of_held}){back}")
    _repeated(connection, contract, ["_digest"])
    _conflicting(connection, contract, [contract.cursor or ""])


def _changes_by_delivery_day(connection: duckdb.DuckDBPyConnection, contract: Contract, held: HeldContent) -> None:
    """The day orders versions, so content is unchanged only if it equals the version just before it.

    A defect that is closed, opened and closed again has the same content on the first day and the third; the third
    is news all the same.
    """
    _repeated(connection, contract, ["_day", "_digest"])
    keys = ", ".join(quote_identifier(column.name) for column in contract.key)
    union = f"SELECT DISTINCT {keys}, _day, false AS is_held, _digest FROM typed WHERE {_complete(contract)}"
    if held.files:
        # Of several versions on one day the one landed last is what the lake holds; another may come back.
        union += (
            f" UNION ALL SELECT {keys}, ds, true, arg_max(_digest, (_landed_at, _delivery, _record)) "
            f"FROM {_of_held(contract, held.files)} SEMI JOIN typed USING ({keys}) GROUP BY {keys}, ds"
        )
    connection.execute(
        f"""
        CREATE TEMP TABLE versions AS {union};
        CREATE TEMP TABLE same AS
        WITH days AS (SELECT DISTINCT {keys}, _day FROM versions WHERE NOT is_held),
             previous AS (SELECT {keys}, days._day, max(versions._day) AS before
                          FROM days JOIN versions USING ({keys})
                          WHERE versions._day < days._day OR (versions._day = days._day AND versions.is_held)
                          GROUP BY ALL)
        SELECT DISTINCT {", ".join(f"previous.{quote_identifier(c.name)}" for c in contract.key)},
               previous._day, versions._digest
        FROM previous JOIN versions USING ({keys})
        WHERE versions._day = previous.before
          -- On the day itself only what is held counts. On an earlier day the delivery's own version, if it has one,
          -- is the newer: it is either the held one again or its correction.
          AND (CASE WHEN previous.before = previous._day THEN versions.is_held
                    ELSE NOT versions.is_held OR NOT EXISTS (
                        SELECT 1 FROM versions AS own WHERE NOT own.is_held AND own._day = previous.before
                        AND {" AND ".join(_equal("own", "previous", c.name) for c in contract.key)}) END);
        UPDATE typed SET _unchanged = true FROM same
        WHERE {" AND ".join(_equal("typed", "same", c.name) for c in contract.key)}
          AND typed._day = same._day AND typed._digest = same._digest;
        DROP TABLE versions; DROP TABLE same;
        """
    )
    _conflicting(connection, contract, ["_day"])


def _changes_held_in_quarantine(connection: duckdb.DuckDBPyConnection, landed: Landed, held: HeldContent) -> None:
    """A record held back before is not held back again. Without a cursor that is so only on the same day."""
    earlier = [path for path in held.quarantine_files if delivery_of(path) != landed.delivery]
    if not earlier:
        return
    same_day = " AND typed._day = held._day" if landed.contract.cursor is None else ""
    connection.execute(
        "UPDATE typed SET _unchanged = true FROM "
        f"(SELECT DISTINCT _digest, day AS _day FROM read_parquet({_listed(earlier)}, union_by_name = true)) AS held "
        f"WHERE typed._digest = held._digest{same_day}"
    )


def _repeated(connection: duckdb.DuckDBPyConnection, contract: Contract, same: list[str]) -> None:
    """Of exact duplicates in one delivery the first counts."""
    connection.execute(
        f"""
        UPDATE typed SET _unchanged = true WHERE rowid IN (
            SELECT id FROM (
                SELECT rowid AS id, row_number() OVER (PARTITION BY {", ".join(same)} ORDER BY _file, _record) AS nth
                FROM typed WHERE {_is_repeated(contract)})
            WHERE nth > 1)
        """
    )


def _conflicting(connection: duckdb.DuckDBPyConnection, contract: Contract, order: list[str]) -> None:
    columns = ", ".join(quote_identifier(name) for name in [*(column.name for column in contract.key), *order])
    candidates = f"_reasons IS NULL AND NOT _unchanged AND {_is_repeated(contract)}"
    connection.execute(
        f"""
        UPDATE typed SET _reasons = [{quote_literal(CONFLICT)}]
        WHERE {candidates} AND ({columns}) IN (
            SELECT ({columns}) FROM typed WHERE {candidates} GROUP BY {columns} HAVING count(DISTINCT _digest) > 1)
        """
    )


def _is_repeated(contract: Contract) -> str:
    keys = ", ".join(quote_identifier(column.name) for column in contract.key)
    return f"({keys}) IN (SELECT ({keys}) FROM repeated)"


def _complete(contract: Contract) -> str:
    """SQL: the record could be read and has its whole key."""
    return " AND ".join(f"{quote_identifier(column.name)} IS NOT NULL" for column in contract.key) or "true"


def _equal(left: str, right: str, name: str) -> str:
    column = quote_identifier(name)
    return f"{left}.{column} = {right}.{column}"


def _of_held(contract: Contract, files: Sequence[str]) -> str:
    """SQL: key, cursor and provenance of what the lake holds, found by field id whatever version wrote it."""
    ordering = [c for c in contract.kept if c.key_position or c.name == contract.cursor]
    columns = [(c.name, c.lake_type, c.field_id) for c in ordering] + list(PROVENANCE_COLUMNS)
    return read_files_sql(files, columns)


def _instant(landed: Landed) -> str:
    return f"TIMESTAMPTZ {quote_literal(landed.landed_at.isoformat())}"


def _listed(paths: Sequence[Path]) -> str:
    return "[" + ", ".join(quote_literal(str(path)) for path in paths) + "]"
