"""Admission: read → type → treat → gate → stage. Every delivered record ends in exactly one place.

``admit`` takes a landed delivery and what the lake holds already, and gives staged Parquet files for one commit. The
same delivery and the same holdings give the same rows, counts and digests.
"""

from __future__ import annotations

import errno
import json
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from lake.admission import each_day, quarantine, row_rules
from lake.admission.gate import CheckResult, failed_critical, gate
from lake.admission.reading import read
from lake.admission.state import Admitted, Aside, DayCount, HeldContent, Warning_
from lake.admission.suites import Expectation, Severity, Suite, check_suite, read_suite
from lake.admission.typing import are_dated, type_and_treat
from lake.admission.versions import EMPTY_DAY, compare
from lake.boundary import boundary
from lake.contracts.drift import with_unknown
from lake.contracts.model import Contract, Mode, Window, period_of
from lake.engine import connect, quote_identifier, quote_literal
from lake.errors import CitybrainError, ContractViolation, PartitionHeld, SchemaDrift, StorageFull, Unaccounted
from lake.privacy import DIGEST, ensure_keys, set_keys
from lake.settings import Settings
from lake.tables import PROVENANCE_COLUMNS
from lake.warehouse import open_warehouse

if TYPE_CHECKING:
    from lake.connectors import FetchedFile
    from lake.landing import Landed

__all__ = [
    "Admitted",
    "Aside",
    "CheckResult",
    "DayCount",
    "Expectation",
    "HeldContent",
    "Severity",
    "Suite",
    "Warning_",
    "admit",
    "check_suite",
    "read_suite",
    "staging_folder",
    "workplace",
]

DAYS_ONE_BY_ONE = 8
"""So many days are written by a statement each, in parallel and in order; more by one statement, on one thread."""
REPORT = "checks.json"
"""The gate's report, in the landing folder of the delivery."""


def admit(
    landed: Landed,
    held: HeldContent,
    settings: Settings,
    *,
    parts: Sequence[Landed] = (),
    accept_anyway: str | None = None,
    suite: Suite | None = None,
    apart: bool = False,
) -> Admitted:
    """Make a landed delivery ready for the commit.

    Args:
        landed: the delivery.
        held: what the lake holds already.
        settings: the city's home.
        parts: the delivery cut where its layout changes, each part with its days, files and version of the contract;
            nothing = the whole of it by `landed.contract`.
        accept_anyway: why failed critical checks and retyped columns do not hold it this time; it goes into the
            warnings.
        suite: in place of the dataset's own.
        apart: of files that are each of a day of their own hold only those back that break the contract or fail a
            critical check; they are `Admitted.aside`, their days stay as they are, and the others go on.

    Raises:
        ContractError: contract or suite is wrong.
        DeliveryDamaged, SchemaDrift: the delivery as a whole breaks its contract. Nothing is staged.
        PartitionHeld: a critical check failed. The batch stays staged, the report is beside the landed bytes.
        Unaccounted: a record is in none of the three places, or in two. Nothing may be committed.
        StorageFull: the disk is full; nothing is staged.
    """
    shutil.rmtree(staging_folder(landed, settings), ignore_errors=True)
    (landed.folder / REPORT).unlink(missing_ok=True)
    checks: list[CheckResult] = []
    admitted: list[Admitted] = []
    written: list[Path] = []
    aside: list[Aside] = []
    first_error: CitybrainError | None = None
    left = list(parts or (landed,))
    while left:
        part = left.pop(0)
        own = read_suite(part.contract, settings) if suite is None else suite
        number = len(admitted) + 1
        checked = len(checks)
        has_others = bool(admitted or aside) or len({file.day for some in (part, *left) for file in some.files}) > 1
        alone = apart and has_others and are_dated(part)
        try:
            done, files = _admit_part(
                part, number, held, settings, suite=own, accept_anyway=accept_anyway, before=checks, apart=alone
            )
        except (ContractViolation, PartitionHeld) as error:
            if cut := _cut_where_columns_came(part, error):
                left = [*cut, *left]
                continue
            found = _set_aside(part, error, settings) if alone else []
            if not found:
                raise
            first_error = first_error or error
            del checks[checked:]
            shutil.rmtree(staging_folder(landed, settings) / f"part-{number}", ignore_errors=True)
            aside += found
            left = [*_without(part, found), *left]
            continue
        admitted.append(done)
        written += files
        held = replace(held, files=(*held.files, *map(str, done.staged)))  # a later part repeats none of it
    if not admitted and first_error is not None:
        raise first_error
    quarantine.put(written, landed.contract, landed.delivery, settings)
    boundary("admit.quarantined")
    return replace(_together(admitted), landed=landed, aside=tuple(sorted(aside, key=lambda one: (one.day, one.file))))


def _cut_where_columns_came(part: Landed, error: CitybrainError) -> list[Landed]:
    """The part before the file with unknown columns, and the rest of it read with these in their places.

    Nothing where the contract does not let them stay in the landing, or where days cannot be told apart by files.
    """
    changed = error.changed if isinstance(error, SchemaDrift) else None
    contract = with_unknown(part.contract, changed) if changed is not None else None
    names = [file.name for file in part.files]
    at = (changed.file or "").partition("!")[0] if changed is not None else ""
    if contract is None or at not in names or contract.columns == part.contract.columns:
        return []
    number = names.index(at)
    if number == 0:
        return [replace(part, contract=contract)]
    day = part.files[number].day
    before, after = part.files[:number], part.files[number:]
    if day is None or not all(file.day and file.day < day for file in before):
        return []
    return [
        _some_files(part, Window(part.window.first, day - timedelta(days=1)), before),
        replace(_some_files(part, Window(day, part.window.last), after), contract=contract),
    ]


PROBE_FROM = 3
"""So many files set aside one after the other make each of the others be looked at alone, in one go."""


def _set_aside(part: Landed, error: CitybrainError, settings: Settings) -> list[Aside]:
    """What of a part is to be held back for an error; nothing where it tells no files.

    A day with several files goes with each of them.
    """
    at_fault = {address.partition("!")[0] for address in error.files}
    days: dict[date, CitybrainError] = {file.day: error for file in part.files if file.day and file.name in at_fault}
    if len(part.aside) + 1 >= PROBE_FROM and not isinstance(error, PartitionHeld):
        days = _probed(part, settings) | days
    return [
        Aside(
            file.day,
            file.name,
            file.records,
            type(days[file.day]).__name__,
            days[file.day].cause,
            days[file.day].remedy,
            _column_of(days[file.day]),
            _drift_of(days[file.day]),
        )
        for file in part.files
        if file.day in days
    ]


def _probed(part: Landed, settings: Settings) -> dict[date, CitybrainError]:
    """The days whose files cannot be read by the contract, each file looked at alone."""
    found: dict[date, CitybrainError] = {}
    for file in part.files:
        alone = _some_files(part, part.window, (file,))
        try:
            with workplace(alone, settings, ()) as (connection, scratch):
                read(connection, alone, scratch)
        except ContractViolation as error:
            if file.day and not _cut_where_columns_came(alone, error):
                found[file.day] = error
    return found


def _column_of(error: CitybrainError) -> str | None:
    """The column an error is about: of several that changed one, those first that the lake misses."""
    changed = error.changed if isinstance(error, SchemaDrift) else None
    if error.column or changed is None:
        return error.column
    gone = (*changed.removed, *(old for old, _ in changed.renamed), *(name for name, *_ in changed.retyped))
    return next(iter((*gone, *changed.added)), None)


def _drift_of(error: CitybrainError) -> dict[str, object] | None:
    changed = error.changed if isinstance(error, SchemaDrift) else None
    return None if changed is None else changed.as_dict()


def _without(part: Landed, aside: Sequence[Aside]) -> list[Landed]:
    """The part without the days that are set aside; nothing when none is left."""
    days = {one.day for one in aside}
    files = tuple(file for file in part.files if file.day not in days)
    return [replace(_some_files(part, part.window, files), aside=(*part.aside, *sorted(days)))] if files else []


def _some_files(part: Landed, window: Window, files: tuple[FetchedFile, ...]) -> Landed:
    return replace(
        part,
        window=window,
        files=files,
        delivered=sum(file.records for file in files),
        missing_days=tuple(day for day in part.missing_days if window.first <= day <= window.last),
    )


def _admit_part(
    landed: Landed,
    number: int,
    held: HeldContent,
    settings: Settings,
    *,
    suite: Suite,
    accept_anyway: str | None,
    before: list[CheckResult],
    apart: bool,
) -> tuple[Admitted, list[Path]]:
    """A part of one layout; gives the quarantine's files too, which take their place when all parts are through."""
    contract = landed.contract
    held = replace(held, files=tuple(open_warehouse(settings).readable(held.files)))
    with workplace(landed, settings, held.files) as (connection, scratch):
        read(connection, landed, scratch)
        type_and_treat(connection, landed, accept_retyped=accept_anyway is not None, by_file=apart)
        digests = compare(connection, landed, _as_judged(landed, held))
        _mark_already_accepted(connection, landed, held)
        connection.execute(
            f"CREATE VIEW batch AS SELECT {_columns(contract)}, _day AS ds FROM typed "
            "WHERE _reasons IS NULL AND NOT _unchanged AND NOT _already AND NOT _withdrawn"
        )
        by_day: dict[str, Expectation] = {}
        if _has_registers_of_days(connection, contract):
            suite = replace(suite, expectations=tuple(each_day.within_days(suite.expectations)))
            by_day = each_day.of_days(connection, suite.expectations)
        checks = _check(connection, landed, suite, settings, by_day)
        before += checks
        _report(landed, before)
        if apart and accept_anyway is None:
            _hold_apart(connection, landed, suite, failed_critical(checks), by_day)
        warnings = _warnings(connection, suite, checks, accept_anyway, by_day)
        _apply_row_rules(connection, suite)
        days = _account(connection, landed, digests)
        staged = _stage(connection, landed, number, settings)
        boundary("admit.staged")
        if accept_anyway is None:
            _hold(landed, failed_critical(checks))
        files = quarantine.write(connection, contract, landed.delivery, number, settings)
        return Admitted(
            landed=landed,
            days=tuple(days),
            reasons=_reasons(connection),
            warnings=tuple(warnings),
            staged=tuple(staged),
            replaced_days=_replaced(contract, days, _as_judged(landed, held)),
            by=(contract,),
        ), files


def _together(parts: Sequence[Admitted]) -> Admitted:
    """One account of all parts, which have different days."""
    reasons: dict[str, int] = {}
    for part in parts:
        for reason, records in part.reasons.items():
            reasons[reason] = reasons.get(reason, 0) + records
    return replace(
        parts[-1],
        days=tuple(day for part in parts for day in part.days),
        reasons=reasons,
        warnings=tuple(warning for part in parts for warning in part.warnings),
        staged=tuple(path for part in parts for path in part.staged),
        replaced_days=tuple(day for part in parts for day in part.replaced_days),
        by=tuple(contract for part in parts for contract in part.by),
    )


@contextmanager
def workplace(
    landed: Landed, settings: Settings, reads: Iterable[str]
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A database in memory with the keys, and a folder for what does not fit; both end with the admission.

    Whatever DuckDB says is told by its class alone: its messages quote cells.
    """
    contract = landed.contract
    scratch = settings.staging / "tmp" / f"admission-{contract.department}-{contract.name}"
    shutil.rmtree(scratch, ignore_errors=True)  # of a process that was killed; the dataset's lock is ours
    scratch.mkdir(parents=True, mode=0o700)
    connection = connect(settings, zone="UTC", reads=reads)
    purposes = [DIGEST, *sorted({column.purpose for column in contract.columns if column.purpose})]
    try:
        ensure_keys(settings, purposes)
        set_keys(connection, settings, purposes)
        yield connection, scratch
    except (duckdb.Error, OSError) as error:
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        if full or (isinstance(error, duckdb.Error) and "No space left" in str(error)):
            shutil.rmtree(staging_folder(landed, settings), ignore_errors=True)
            raise StorageFull(
                "the disk is full; nothing of the delivery was staged",
                remedy="make room, then load again; the landed bytes are kept",
                dataset=contract.dataset,
                day=landed.window.first,
            ) from None
        if isinstance(error, OSError):
            raise
        raise CitybrainError(
            f"the database stopped the admission ({type(error).__name__})",
            remedy="more memory (CITYBRAIN_MEMORY_LIMIT) helps an OutOfMemoryException; the rest is a fault of ours",
            dataset=contract.dataset,
            day=landed.window.first,
        ) from None
    finally:
        connection.close()
        shutil.rmtree(scratch, ignore_errors=True)


def _as_judged(landed: Landed, held: HeldContent) -> HeldContent:
    """What is held, judged anew: a delivery that was committed before is replayed, so its days are not "the same"."""
    if not (landed.folder / "commit.json").exists():
        return held
    return replace(held, live_digests={})


def _mark_already_accepted(connection: duckdb.DuckDBPyConnection, landed: Landed, held: HeldContent) -> None:
    """Records this very delivery brought into the table before: accepted, but not staged a second time."""
    connection.execute("ALTER TABLE typed ADD COLUMN _already BOOLEAN DEFAULT false")
    if landed.contract.mode is not Mode.CHANGES or not held.files:
        return
    files = ", ".join(quote_literal(str(path)) for path in held.files)
    connection.execute(
        "UPDATE typed SET _already = true, _unchanged = false, _reasons = NULL FROM "
        f"(SELECT _file, _record FROM read_parquet([{files}], hive_partitioning = false, union_by_name = true) "
        "WHERE _delivery = ?) AS own WHERE typed._file = own._file AND typed._record = own._record",
        [landed.delivery],
    )


def _has_registers_of_days(connection: duckdb.DuckDBPyConnection, contract: Contract) -> bool:
    """Whether the batch holds the registers of several days."""
    if contract.mode is not Mode.SNAPSHOT:
        return False
    return len(connection.execute("SELECT DISTINCT ds FROM batch LIMIT 2").fetchall()) > 1


def _check(
    connection: duckdb.DuckDBPyConnection,
    landed: Landed,
    suite: Suite,
    settings: Settings,
    by_day: Mapping[str, Expectation],
) -> list[CheckResult]:
    """Run the gate, unless there is nothing to let through."""
    contract = landed.contract
    if not suite.expectations or connection.execute("SELECT 1 FROM batch LIMIT 1").fetchone() is None:
        return []
    return gate(
        connection,
        "batch",
        suite.expectations,
        dataset=contract.dataset,
        delivery=landed.delivery,
        pages=settings.data_docs / contract.department / contract.name,
        by_day=by_day,
    )


def _hold_apart(
    connection: duckdb.DuckDBPyConnection,
    landed: Landed,
    suite: Suite,
    failed: Sequence[CheckResult],
    by_day: Mapping[str, Expectation],
) -> None:
    """Hold the files that fail a critical check each for itself, where there are others.

    Raises:
        PartitionHeld: with these files.
    """
    asked = {expectation.id: expectation for expectation in suite.expectations}
    addresses: set[str] = set()
    for check in failed:
        if check.id in by_day:
            days = {day for day, *_ in row_rules.count_by_day(connection, by_day[check.id], each_day.DAYS)}
            addresses |= {file.name for file in landed.files if file.day in days}
        elif asked[check.id].is_row_level:
            addresses |= set(row_rules.failing_files(connection, asked[check.id], "batch", "typed"))
    if addresses:
        _hold(landed, failed, tuple(sorted(addresses)))


def _report(landed: Landed, checks: Sequence[CheckResult]) -> None:
    if checks:
        report = json.dumps([check.as_dict() for check in checks], ensure_ascii=False, indent=1)
        (landed.folder / REPORT).write_text(report, encoding="utf-8")


def _hold(landed: Landed, failed: Sequence[CheckResult], files: tuple[str, ...] = ()) -> None:
    if not failed:
        return
    told = "; ".join(
        f"{check.id}{f' on {check.column}' if check.column else ''}"
        f"{f' fails for {check.failed_n} of {check.checked_n} rows' if check.failed_n is not None else ' fails'}"
        f" ({check.reason})"
        for check in failed
    )
    error = PartitionHeld(
        f"critical check {told}",
        remedy=f"ask {', '.join(sorted({check.owner for check in failed}))}; then load a corrected delivery, or run "
        f"`citybrain quarantine accept {landed.contract.dataset} {landed.delivery} --because …`",
        dataset=landed.contract.dataset,
        day=landed.window.first,
        column=failed[0].column,
    )
    error.files = files
    raise error


def _warnings(
    connection: duckdb.DuckDBPyConnection,
    suite: Suite,
    checks: Sequence[CheckResult],
    accepted: str | None,
    by_day: Mapping[str, Expectation],
) -> list[Warning_]:
    """Failed checks that let the batch through: of severity warning, and critical ones somebody answers for."""
    result_of = {check.id: check for check in checks}
    found = []
    for expectation in suite.expectations:
        check = result_of.get(expectation.id)
        if check is None or check.success or expectation.severity is Severity.ERROR:
            continue
        reason = expectation.reason
        if expectation.severity is Severity.CRITICAL:
            reason += f" Accepted all the same: {accepted}"
        days: list[tuple[date | None, int | None, int | None]] = [(None, None, None)]
        if expectation.id in by_day:
            failing = row_rules.count_by_day(connection, by_day[expectation.id], each_day.DAYS)
            days = [(day, None, None) for day, *_ in failing]
        elif expectation.is_row_level:
            days = list(row_rules.count_by_day(connection, expectation, "batch"))
        found += [
            Warning_(
                expectation.id,
                expectation.type,
                expectation.column,
                failed_n,
                checked_n,
                reason,
                expectation.reason_zh,
                expectation.owner,
                day,
            )
            for day, failed_n, checked_n in days
        ]
    return found


def _apply_row_rules(connection: duckdb.DuckDBPyConnection, suite: Suite) -> None:
    """Quarantine the rows that fail an expectation of severity error, each with every rule it fails."""
    source = (
        "(SELECT *, rowid AS _row, _day AS ds FROM typed "
        "WHERE _reasons IS NULL AND NOT _unchanged AND NOT _already AND NOT _withdrawn)"
    )
    failing = row_rules.failing_sql(suite.expectations, source, "batch")
    if failing is None:
        return
    connection.execute(f"CREATE TEMP TABLE judged AS {failing}")
    connection.execute("UPDATE typed SET _reasons = judged.reasons FROM judged WHERE typed.rowid = judged._row")
    connection.execute("DROP TABLE judged")


def _account(connection: duckdb.DuckDBPyConnection, landed: Landed, digests: dict[date, str]) -> list[DayCount]:
    """Count by day and by file, and compare with the second count.

    Raises:
        Unaccounted: the two counts differ, or an address is there twice.
    """
    counted: dict[str, int] = dict(connection.execute("SELECT _file, count(*) FROM typed GROUP BY _file").fetchall())
    for file in landed.files:
        parts = [address for address in counted if address == file.name or address.startswith(f"{file.name}!")]
        found = sum(counted.pop(address) for address in parts)
        if found != file.records:
            raise _unaccounted(landed, f"{file.name} was read to {found} records, the second count says {file.records}")
    if counted:
        raise _unaccounted(landed, f"records of {len(counted)} files that the manifest does not name")
    addresses = connection.execute("SELECT count(*), count(DISTINCT (_file, _record)) FROM typed").fetchone()
    if addresses is None or addresses[0] != addresses[1] or addresses[0] != landed.delivered:
        raise _unaccounted(landed, f"{addresses} records and addresses, the manifest says {landed.delivered}")
    rows = {
        row[0]: row
        for row in connection.execute(
            "SELECT _day, count(*), count(*) FILTER (WHERE (_reasons IS NULL OR _already) AND NOT _unchanged), "
            "count(*) FILTER (WHERE _reasons IS NOT NULL AND NOT _already AND NOT _unchanged), "
            "count(*) FILTER (WHERE _unchanged) FROM typed GROUP BY _day"
        ).fetchall()
    }
    counts = []
    for day in sorted(set(rows) | set(_expected_days(landed))):
        _, delivered, accepted, quarantined, unchanged = rows.get(day, (day, 0, 0, 0, 0))
        counts.append(DayCount(day, delivered, accepted, quarantined, unchanged, digests.get(day, EMPTY_DAY)))
    return counts


def _expected_days(landed: Landed) -> list[date]:
    """Days the delivery speaks of, those without a record included."""
    if landed.contract.mode is Mode.SNAPSHOT:
        return sorted({file.day or landed.window.first for file in landed.files}) or [landed.window.first]
    if landed.contract.mode is Mode.CHANGES and any(file.day for file in landed.files):
        return [file.day for file in landed.files if file.day]
    # A missing delivery is named by the first day of its period.
    without = {*landed.missing_days, *landed.aside}
    return [day for day in landed.window.days() if period_of(landed.contract.cadence, day).first not in without]


def _stage(connection: duckdb.DuckDBPyConnection, landed: Landed, number: int, settings: Settings) -> list[Path]:
    """Write the accepted rows, one folder a day, as the Iceberg table takes them."""
    contract = landed.contract
    target = staging_folder(landed, settings) / f"part-{number}"
    accepted = "_reasons IS NULL AND NOT _unchanged AND NOT _already"
    if connection.execute(f"SELECT 1 FROM typed WHERE {accepted} LIMIT 1").fetchone() is None:
        return []
    target.mkdir(parents=True, mode=0o700, exist_ok=True)
    provenance = {
        "ds": "_day",
        "_delivery": quote_literal(landed.delivery),
        "_file": "_file",
        "_record": "_record",
        "_digest": "_digest",
        "_landed_at": f"TIMESTAMPTZ '{landed.landed_at.isoformat()}'",
        "_is_withdrawn": "_withdrawn",
    }
    own = ", ".join(
        f"CAST({provenance[name]} AS {type_}) AS {quote_identifier(name)}" for name, type_, _ in PROVENANCE_COLUMNS
    )
    ids = ", ".join(
        f"{quote_identifier(name)}: {number}"
        for name, number in [
            *((column.name, column.field_id) for column in contract.kept),
            *((name, number) for name, _, number in PROVENANCE_COLUMNS),
        ]
    )
    order = ", ".join(["_day", *(quote_identifier(column.name) for column in contract.key), "_file", "_record"])
    rows = f"SELECT {_columns(contract)}, {own} FROM typed WHERE {accepted}"
    options = f"FORMAT parquet, COMPRESSION zstd, FIELD_IDS {{{ids}}}"
    days = [row[0] for row in connection.execute(f"SELECT DISTINCT _day FROM typed WHERE {accepted}").fetchall()]
    if len(days) <= DAYS_ONE_BY_ONE:
        for day in days:
            part = target / f"ds={day}"
            part.mkdir()
            connection.execute(
                f"COPY ({rows} AND _day = DATE '{day}' ORDER BY {order}) "
                f"TO {quote_literal(str(part / f'{uuid.uuid4()}.parquet'))} ({options})"
            )
        return sorted(target.glob("ds=*/*.parquet"))
    # Many small files: with two threads each of them opens its own, writes are slower and not in order.
    connection.execute("SET threads = 1")
    connection.execute(
        f"COPY ({rows} ORDER BY {order}) TO {quote_literal(str(target))} "
        f"({options}, PARTITION_BY (ds), WRITE_PARTITION_COLUMNS true, FILENAME_PATTERN '{{uuid}}')"
    )
    connection.execute(f"SET threads = {settings.threads}")
    return sorted(target.glob("ds=*/*.parquet"))


def _columns(contract: Contract) -> str:
    """Kept columns, cast once more to what the table declares."""
    return ", ".join(
        f"CAST({quote_identifier(c.name)} AS {c.lake_type}) AS {quote_identifier(c.name)}" for c in contract.kept
    )


def _reasons(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    return dict(
        connection.execute(
            "SELECT reason, count(*) FROM (SELECT unnest(_reasons) AS reason FROM typed WHERE NOT _unchanged "
            "AND NOT _already) GROUP BY reason ORDER BY count(*) DESC, reason"
        ).fetchall()
    )


def _replaced(contract: Contract, days: Sequence[DayCount], held: HeldContent) -> tuple[date, ...]:
    """Days whose content is another than the table's; one the source now has nothing of goes out too."""
    if contract.mode is Mode.CHANGES:
        return ()
    return tuple(
        day.day
        for day in days
        if held.live_digests.get(day.day) != day.digest and (day.delivered or day.day in held.live_digests)
    )


def staging_folder(landed: Landed, settings: Settings) -> Path:
    """Where a delivery's batch waits for its commit."""
    return settings.staging / landed.contract.department / landed.contract.name / landed.delivery


def _unaccounted(landed: Landed, cause: str) -> Unaccounted:
    return Unaccounted(
        cause,
        remedy="nothing was committed, the landed bytes are kept; report it with the manifest, the fault is ours",
        dataset=landed.contract.dataset,
        day=landed.window.first,
    )
