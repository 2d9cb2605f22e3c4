"""Typing and treatment: the relation ``raw`` becomes the table ``typed``, a row for every physical record.

``typed`` has ``_file``, ``_record``, ``_day`` (partition day; for a record without one, its file's day, else the
window's first), ``_reasons`` (NULL = none), ``_unchanged``, ``_digest``, and the columns the lake keeps, cast to the
contract and treated. Columns that are dropped or hashed do not get past this point in any other form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb

from lake.contracts.drift import is_unknown
from lake.contracts.model import Column, Contract, Mode, Treatment, period_of
from lake.engine import quote_identifier, quote_literal
from lake.errors import ColumnsChanged, ContractError, SchemaDrift
from lake.privacy import digest_sql, hmac_sql

if TYPE_CHECKING:
    from lake.landing import Landed

RETYPED_SHARE = 0.20
"""More failing casts than this in a column mean that the column changed its type, not that cells are bad …"""
RETYPED_AT_LEAST = 3
"""… but two bad cells of a small delivery are still bad cells."""

DIGEST = "_digest"


def type_and_treat(
    connection: duckdb.DuckDBPyConnection, landed: Landed, *, accept_retyped: bool = False, by_file: bool = False
) -> None:
    """Make the table ``typed`` from ``raw``.

    Args:
        connection: holds ``raw``, and the privacy keys as variables.
        landed: the delivery.
        accept_retyped: quarantine cell by cell even where a whole column looks retyped.
        by_file: look at each file alone too: among many, one that was retyped would not stand out.

    Raises:
        SchemaDrift: more than a fifth of a column's values do not cast.
    """
    contract = landed.contract
    _check(contract)
    columns = contract.columns
    present = ", ".join(f"{_present(contract, c)} AS {_p(c)}" for c in columns)
    cast = ", ".join(f"{_cast(contract, c)} AS {_t(c)}" for c in columns)
    kept = ", ".join(f"{_treated(c)} AS {quote_identifier(c.name)}" for c in contract.kept)
    reasons = _reasons(landed)
    fine = " AND ".join(["_problem IS NULL", *(f"NOT {test}" for test, _ in reasons)])
    listed = ", ".join(f"CASE WHEN {test} THEN {quote_literal(reason)} END" for test, reason in reasons)
    window_first = f"DATE '{landed.window.first}'"
    connection.execute(
        f"""
        CREATE TABLE typed AS
        WITH present AS (SELECT _file, _record, _day AS _file_day, _problem, {_digest(contract)} AS {DIGEST}, {present}
                         FROM raw),
             cast_ AS (SELECT *, {cast} FROM present),
             placed AS (SELECT *, {_event_day(landed)} AS _event_day FROM cast_)
        SELECT _file, _record,
               CASE WHEN _problem IS NULL AND _event_day BETWEEN {window_first} AND DATE '{landed.window.last}'
                         AND _event_day NOT IN ({_left_out(landed) or "NULL::DATE"}) IS NOT false
                    THEN _event_day ELSE coalesce(_file_day, {window_first}) END AS _day,
               CASE WHEN {fine} THEN NULL
                    WHEN _problem IS NOT NULL THEN [_problem]
                    ELSE list_filter([{listed}], lambda reason: reason IS NOT NULL) END AS _reasons,
               false AS _unchanged, {_withdrawn(contract)} AS _withdrawn, {DIGEST}, {kept}
        FROM placed
        """
    )
    if accept_retyped:
        return
    if by_file:
        for address in _addresses_with_failing_casts(connection):
            _refuse_retyped(connection, landed, address)
    _refuse_retyped(connection, landed)


def _addresses_with_failing_casts(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(
        "SELECT DISTINCT _file FROM typed WHERE len(list_filter(_reasons, lambda r: starts_with(r, 'cast:'))) > 0 "
        "ORDER BY _file"
    ).fetchall()
    return [address for (address,) in rows]


def _check(contract: Contract) -> None:
    needed = [*(column.name for column in contract.key), contract.cursor, contract.partition_column]
    for name in needed:
        if name is not None and contract.column(name).treatment is Treatment.DROP:
            raise ContractError(
                "a key, cursor or partition column cannot be dropped",
                remedy="keep or hash it",
                dataset=contract.dataset,
                column=name,
            )


def _p(column: Column) -> str:
    return quote_identifier(f"p_{column.name}")


def _t(column: Column) -> str:
    return quote_identifier(f"t_{column.name}")


def _present(contract: Contract, column: Column) -> str:
    """The cell's text, NULL where it says that the value is missing."""
    cell = quote_identifier(column.name)
    if not contract.null_markers:
        return cell
    markers = ", ".join(quote_literal(marker) for marker in contract.null_markers)
    return f"CASE WHEN {cell} IN ({markers}) THEN NULL ELSE {cell} END"


def _cast(contract: Contract, column: Column) -> str:
    found = cast_sql(_p(column), column.type, column.format, contract.zone)
    if found is None:
        raise ContractError(
            f"type {column.type} is not one the lake casts to",
            remedy="use VARCHAR, BIGINT, INTEGER, BOOLEAN, DATE, TIMESTAMPTZ, DECIMAL(p,s) or DOUBLE",
            dataset=contract.dataset,
            column=column.name,
        )
    return found


def cast_sql(text: str, type_: str, format_: str | None, zone: str) -> str | None:
    """SQL from a cell's text to a type, NULL where it does not fit. Stricter than TRY_CAST, which rounds 1.7 to 2.

    Args:
        text: SQL expression of the text, identifiers quoted.
        type_: DuckDB type as a contract names it.
        format_: strptime format of dates and times; None = ISO 8601.
        zone: IANA zone of times that name none.

    Returns:
        The expression, or None for a type the lake does not cast to.
    """
    base = type_.split("(", maxsplit=1)[0].upper()
    if base == "VARCHAR":
        return text
    if base in ("DATE", "TIMESTAMPTZ", "TIMESTAMP"):
        return _cast_time(text, base, format_, quote_literal(zone))
    whole = r"\s*[+-]?\d+(\.0*)?\s*"  # workbooks write 302 as 302.0
    pattern = {
        "BIGINT": whole,
        "INTEGER": whole,
        "SMALLINT": whole,
        "DECIMAL": r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*",
        "DOUBLE": r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*",
        "BOOLEAN": r"(?i)\s*(true|false|t|f|1|0)\s*",
    }.get(base)
    if pattern is None:
        return None
    return f"CASE WHEN regexp_full_match({text}, {quote_literal(pattern)}) THEN TRY_CAST({text} AS {type_}) END"


def _cast_time(text: str, base: str, format_: str | None, zone: str) -> str:
    if format_:
        moment = f"try_strptime(trim({text}), {quote_literal(format_)})"
        if base == "DATE":
            return f"{moment}::DATE"
        has_zone = "%z" in format_ or "%Z" in format_
        return moment if base == "TIMESTAMP" or has_zone else f"{moment} AT TIME ZONE {zone}"
    date_ = r"\d{4}-\d{2}-\d{2}"
    clock = r"[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?"
    if base == "DATE":
        return f"CASE WHEN regexp_full_match({text}, '\\s*{date_}\\s*') THEN TRY_CAST({text} AS DATE) END"
    offset = r"\s?(Z|z|[+-]\d{2}(:?\d{2})?)"
    local = f"CASE WHEN regexp_full_match({text}, '\\s*{date_}({clock})?\\s*') THEN TRY_CAST({text} AS TIMESTAMP)"
    if base == "TIMESTAMP":
        return f"{local} END"
    return (
        f"{local} AT TIME ZONE {zone} "
        f"WHEN regexp_full_match({text}, '\\s*{date_}{clock}{offset}\\s*') THEN TRY_CAST({text} AS TIMESTAMPTZ) END"
    )


def _treated(column: Column) -> str:
    if column.treatment is Treatment.HMAC:
        return hmac_sql(f"{_t(column)}::VARCHAR", column.purpose or "")
    return _t(column)


def _withdrawn(contract: Contract) -> str:
    """SQL: the record says that it is withdrawn."""
    if contract.tombstone is None:
        return "false"
    values = ", ".join(quote_literal(value) for value in contract.tombstone.values)
    return f"coalesce(trim({_p(contract.column(contract.tombstone.column))}) IN ({values}), false)"


def _reasons(landed: Landed) -> list[tuple[str, str]]:
    """(SQL test, reason) of everything that can be wrong with a record that could be read."""
    contract = landed.contract
    key = {column.name for column in contract.key}
    tests = []
    for column in contract.columns:
        needed = column.required or column.name in key | {contract.cursor, contract.partition_column}
        if needed:
            # A tombstone says which record is gone; of what it was it need say nothing.
            is_named = column.name in key | {contract.cursor} or contract.tombstone is None
            but = "" if is_named else f" AND NOT {_withdrawn(contract)}"
            tests.append((f"({_p(column)} IS NULL{but})", f"missing:{column.name}"))
        if column.type != "VARCHAR":
            tests.append((f"({_p(column)} IS NOT NULL AND {_t(column)} IS NULL)", f"cast:{column.name}"))
    if contract.mode is Mode.DAY:
        within = f"_event_day BETWEEN DATE '{landed.window.first}' AND DATE '{landed.window.last}'"
        if left_out := _left_out(landed):
            within += f" AND _event_day NOT IN ({left_out})"
        tests.append((f"coalesce(NOT ({within}), false)", "outside_window"))
    return tests


def _left_out(landed: Landed) -> str:
    """SQL list of the days whose files are set aside: they stay as they are, whatever other files say about them."""
    periods = [period_of(landed.contract.cadence, day) for day in landed.aside]
    return ", ".join(f"DATE '{day}'" for day in sorted({day for period in periods for day in period.days()}))


def _event_day(landed: Landed) -> str:
    """The partition day of a record (see the module): NULL where it cannot be told."""
    contract, window = landed.contract, landed.window
    if contract.mode is Mode.SNAPSHOT:
        # Of registers by file each speaks for its own day; what is asked for or written over, for the window's first.
        return "_file_day" if are_dated(landed) else f"DATE '{window.first}'"
    if contract.mode is Mode.DAY:
        return _civil_date(contract, contract.column(contract.partition_column or ""))
    if any(file.day for file in landed.files):
        return "_file_day"
    if contract.cursor is None:
        return f"DATE '{window.first}'"
    # A change found in the overlap belongs to the delivery that found it; one younger than the window's last day
    # (the source's clock runs while we read) too.
    changed_on = _civil_date(contract, contract.column(contract.cursor))
    return f"least(greatest({changed_on}, DATE '{window.first}'), DATE '{window.last}')"


def are_dated(landed: Landed) -> bool:
    """Whether each file says which day it is of."""
    return bool(landed.files) and all(file.day for file in landed.files)


def _civil_date(contract: Contract, column: Column) -> str:
    if column.type == "TIMESTAMPTZ":
        return f"({_t(column)} AT TIME ZONE {quote_literal(contract.zone)})::DATE"
    return f"{_t(column)}::DATE"


def _digest(contract: Contract) -> str:
    """Keyed digest of a record's content: of its cells as delivered, or of the broken record's text.

    Columns the contract does not know are no part of it: they may come and go.
    """
    known = [column for column in contract.columns if not is_unknown(column)]
    cells = ", chr(31), ".join(f"coalesce({quote_identifier(column.name)}, chr(30))" for column in known)
    return (
        f"CASE WHEN _problem IS NULL THEN {digest_sql(f'concat({cells})')} "
        f"ELSE {digest_sql(f'concat(_problem, chr(29), coalesce(_text, concat({cells})))')} END"
    )


def _refuse_retyped(connection: duckdb.DuckDBPyConnection, landed: Landed, address: str | None = None) -> None:
    """A column most of whose cells fail to cast changed at the source: nothing of the delivery, or file, is taken."""
    here = "" if address is None else f" AND _file = {quote_literal(address)}"
    failing: list[tuple[str, int]] = connection.execute(
        f"SELECT reason, count(*) FROM (SELECT unnest(_reasons) AS reason FROM typed WHERE true{here}) "
        "WHERE starts_with(reason, 'cast:') GROUP BY reason ORDER BY reason"
    ).fetchall()
    for reason, failed in failing:
        if failed < RETYPED_AT_LEAST:
            continue
        column = landed.contract.column(reason.removeprefix("cast:"))
        row: Any = connection.execute(
            f"SELECT count(*) FROM raw WHERE _problem IS NULL AND {_present(landed.contract, column)} IS NOT NULL{here}"
        ).fetchone()
        if failed > RETYPED_SHARE * row[0]:
            place = f"{address}: " if address else ""
            raise SchemaDrift(
                f"{place}{failed} of {row[0]} values do not fit {column.type}: the column was retyped",
                remedy="ask the department; then `citybrain contract evolve` writes the next version of the contract "
                "and the delivery can be replayed, or accept it with a reason, which quarantines these records",
                dataset=landed.contract.dataset,
                day=landed.window.first,
                column=column.name,
            ).with_changes(
                ColumnsChanged(
                    retyped=((column.source_name, column.type, _fitting(connection, landed, column, here)),),
                    file=address,
                )
            )


def _fitting(connection: duckdb.DuckDBPyConnection, landed: Landed, column: Column, here: str) -> str:
    """The nearest type, or ``TYPE with format``, that every value of a column fits; text fits always."""
    contract = landed.contract
    cell = _present(contract, column)
    for type_, format_ in _candidates(column):
        cast = cast_sql(cell, type_, format_, contract.zone)
        # A cast to DECIMAL rounds what has more decimals: such a type does not fit.
        scale = int(type_.rstrip(")").rpartition(",")[2]) if type_.startswith("DECIMAL") else None
        exact = "" if scale is None else rf" OR regexp_matches({cell}, '\.\d{{{scale + 1},}}|[eE]')"
        row = connection.execute(
            f"SELECT 1 FROM raw WHERE _problem IS NULL AND {cell} IS NOT NULL AND ({cast} IS NULL{exact}){here} LIMIT 1"
        ).fetchone()
        if row is None:
            return f"{type_} with {format_}" if format_ else type_
    return "VARCHAR"


def _candidates(column: Column) -> list[tuple[str, str | None]]:
    """Types and formats near a column's, those that keep its field id first."""
    base = column.type.split("(", maxsplit=1)[0]
    if base in ("DATE", "TIMESTAMPTZ"):
        days = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y年%m月%d日")
        clocks = ("", *(f" {clock}" for clock in ("%H:%M:%S", "%H:%M", "%I:%M:%S %p")))
        moments = [f"{day}{clock}" for day in days for clock in (clocks if base == "TIMESTAMPTZ" else ("",))]
        iso: list[tuple[str, str | None]] = [(base, None)] if column.format else []
        return [*iso, *((base, moment) for moment in moments if moment != column.format)]
    if base == "INTEGER":
        return [("BIGINT", None), ("DECIMAL(38,9)", None)]
    if base == "DECIMAL":
        return [(f"DECIMAL(38,{column.type.rstrip(')').rpartition(',')[2].strip()})", None), ("DECIMAL(38,9)", None)]
    return [("DECIMAL(38,9)", None)] if base == "BIGINT" else []
