"""Records a source deletes without a word: its keys against the lake's, and rows that say from when on they are gone.

A withdrawal is a row more, with the key's last content and ``_is_withdrawn``: what was known before stays as it was.
A key that is there again gets such a row too, with ``_is_withdrawn`` false.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from lake.admission.keys import FILE_NAME, WITHDRAWALS, read_keys
from lake.connectors import Fetched, FetchedFile, open_connector
from lake.contracts import contract_for
from lake.contracts.model import Contract, Mode, Window, Withdrawal
from lake.engine import connect, quote_identifier, quote_literal
from lake.errors import ContractError, PartitionHeld, told_when_full
from lake.landing import Landed, land, stamp
from lake.landing.manifest import write_durably
from lake.ledger import COMPARED, Ledger, compared_events
from lake.load import LoadResult, Progress, admit_and_commit, load_business_day, loading, settle
from lake.settings import Settings
from lake.tables import Pin, Tables, field_ids_sql, read_files_sql, table_columns

COMPARISONS = "comparisons.json"
ALWAYS_BELIEVED = 20
"""So many missing keys are withdrawn without a person's word, whatever their share."""
ORDER = "ds, _landed_at, _file, _record"
"""What orders versions of a record after its cursor, or alone."""


@dataclass(frozen=True)
class Compared:
    """What a comparison found.

    Attributes:
        dataset: dataset id.
        day: from which day on it is known.
        at: when the source was asked, ISO 8601.
        source: keys the source has.
        current: records the lake held as current.
        withdrawn: of these, missing at the source.
        returned: records the lake held as withdrawn that are at the source again.
        delivery: the delivery that brought this into the table; None when there was nothing to bring.
        because, by: who let more go than the contract believes, and why; empty where nobody had to.
    """

    dataset: str
    day: date
    at: str
    source: int
    current: int
    withdrawn: int
    returned: int
    delivery: str | None = None
    because: str = ""
    by: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The same, as JSON takes it."""
        return asdict(self) | {"day": str(self.day)}


def compare_keys(
    dataset: str,
    settings: Settings,
    *,
    day: date | None = None,
    because: str = "",
    by: str = "",
    progress: Progress | None = None,
) -> Compared:
    """Compare all keys of a source with the lake's current ones; what is missing is withdrawn from `day` on.

    Args:
        dataset: dataset id; its contract says withdrawal key_comparison.
        settings: the city's home.
        day: partition the withdrawals are written to; default: the newest the table has. Never an earlier one, for
            then the past would be rewritten.
        because, by: why more records may go than `KeyComparison.most_withdrawn` believes, and who says so.
        progress: called with a line of text before each long step.

    Raises:
        ContractError: the contract compares no keys, nothing was ever loaded, or the table has a later day.
        PartitionHeld: too many records would go; nothing was written.
        ContractViolation: the source's keys cannot be read.
        SourceUnavailable, SourceLate, SourceRefused: see `lake.errors`.
        Busy: a load of the dataset is running.
    """
    say = progress or (lambda text: None)
    tables = Tables(settings)
    contract = contract_for(dataset, day or date.max, settings)
    _check(contract, tables)
    window = Window(day or date.max, day or date.max)
    with told_when_full(dataset=dataset, day=day), loading(contract, window, settings):
        settle(dataset, None, settings, say)
        # First what the lake holds, then the source: what comes in between is at the source and misses nowhere.
        pin = tables.pin(contract)
        newest = max(file.day for file in pin.files)
        if day is not None and day < newest:
            raise ContractError(
                f"the table has days up to {newest}: withdrawals of {day} would rewrite what was known since",
                remedy=f"compare as of {newest}, or leave out the day",
                dataset=dataset,
                day=day,
            )
        day = day or newest
        at = stamp(settings, dataset).isoformat()
        say(f"asking {dataset} for its keys")
        room = settings.staging / "tmp" / f"keys-{contract.department}-{contract.name}"
        shutil.rmtree(room, ignore_errors=True)
        room.mkdir(parents=True, mode=0o700)
        try:
            source = _keys(contract, day, settings, room)
            found = _find(contract, pin, settings, room)
            done = Compared(dataset, day, at, source, found.current, found.withdrawn, found.returned)
            if not because:
                _refuse_too_many(contract, done)
            else:
                done = replace(done, because=because, by=by)
            if found.withdrawn + found.returned:
                say(f"{dataset}: {found.withdrawn} withdrawn, {found.returned} returned")
                landed = land(contract, Window(day, day), settings, connector=found)
                admit_and_commit(landed, settings, say)
                done = replace(done, delivery=landed.delivery)
        finally:
            shutil.rmtree(room, ignore_errors=True)
        _write_down(contract, done, settings)
    return done


def load_and_compare(
    dataset: str, business_day: date, settings: Settings, *, progress: Progress | None = None
) -> list[LoadResult]:
    """`lake.load.load_business_day`, and the comparison of keys where one is due."""
    results = load_business_day(dataset, business_day, settings, progress=progress)
    if is_due(contract_for(dataset, business_day, settings), business_day, settings):
        compare_keys(dataset, settings, day=business_day, progress=progress)
    return results


def is_due(contract: Contract, business_day: date, settings: Settings) -> bool:
    """Whether keys are to be compared after the load of a business day: not for a past one, and not too often."""
    if contract.key_comparison is None:
        return False
    pin = Tables(settings).pin(contract)
    if not pin.files or max(file.day for file in pin.files) > business_day:
        return False
    before = [
        date.fromisoformat(e.payload["day"]) for e in Ledger(settings).events(dataset=contract.dataset, kind=COMPARED)
    ]
    return not before or (business_day - max(before)).days >= contract.key_comparison.days


def state_sql(contract: Contract, files: Sequence[str], known_on: date | None = None) -> str:
    """SQL: one row a record as its last version has it, ``_is_withdrawn`` included, out of an accepted table's files.

    Args:
        contract: names, types and field ids of the columns; its mode says what the last version is.
        files: of the table, at least one.
        known_on: what was known at the end of this day (changes, snapshot); of event days only those up to it.
    """
    columns = table_columns(contract)
    names = ", ".join(quote_identifier(name) for name, _, _ in columns if name != "_is_withdrawn")
    keys = ", ".join(quote_identifier(column.name) for column in contract.key)
    order = {
        Mode.CHANGES: f"{quote_identifier(contract.cursor)} NULLS FIRST, {ORDER}" if contract.cursor else ORDER,
        Mode.DAY: "_landed_at, ds, _file, _record",
        Mode.SNAPSHOT: ORDER,
    }[contract.mode]
    rows = f"SELECT * FROM {read_files_sql(files, columns)}" + (f" WHERE ds <= DATE '{known_on}'" if known_on else "")
    if contract.mode is Mode.SNAPSHOT:
        rows = f"SELECT * FROM ({rows}) QUALIFY ds = max(ds) OVER ()"
    reverse = ", ".join(
        f"{term.removesuffix(' NULLS FIRST')} DESC{' NULLS LAST' if term.endswith('NULLS FIRST') else ''}"
        for term in order.split(", ")
    )
    return (
        f"SELECT {names}, coalesce(_is_withdrawn, false) AS _is_withdrawn FROM ({rows}) "
        f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {reverse}) = 1"
    )


@dataclass(frozen=True)
class _Found:
    """Rows that a comparison brings, in a file, to be landed like any delivery."""

    rows: Path
    current: int
    withdrawn: int
    returned: int
    snapshot: int | None

    def fetch(self, contract: Contract, window: Window, into: Path) -> Fetched:
        target = into / FILE_NAME
        shutil.copyfile(self.rows, target)
        with target.open("rb") as content:
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        file = FetchedFile(FILE_NAME, window.first, sha256, target.stat().st_size, self.withdrawn + self.returned)
        # The same keys may go, return and go again on one day: what the table held makes the difference.
        digest = hashlib.sha256(f"{self.snapshot} {sha256}".encode()).hexdigest()
        return Fetched((file,), None, digest, WITHDRAWALS)


def _check(contract: Contract, tables: Tables) -> None:
    if contract.withdrawal is not Withdrawal.KEY_COMPARISON:
        raise ContractError(
            f"withdrawals of {contract.dataset} are seen by {contract.withdrawal}, not by comparing keys",
            remedy="say `withdrawal: key_comparison` and `keyComparison` in the contract",
            dataset=contract.dataset,
        )
    if not tables.pin(contract).files:
        raise ContractError(
            "nothing was ever loaded, so nothing can be missing",
            remedy=f"load it first: citybrain load {contract.dataset} --from DAY",
            dataset=contract.dataset,
        )


def _keys(contract: Contract, day: date, settings: Settings, room: Path) -> int:
    """Keys of the source, treated, in ``keys.parquet``; gives their number."""
    files = room / "files"
    files.mkdir()
    assert contract.key_comparison is not None  # noqa: S101 - by `_check` and the contract's rules
    of_keys = replace(
        contract,
        mode=Mode.SNAPSHOT,
        withdrawal=Withdrawal.ABSENCE,
        columns=contract.key,
        cursor=None,
        tombstone=None,
        source=replace(contract.source, arguments=contract.source.arguments | contract.key_comparison.arguments),
    )
    window = Window(day, day)
    if contract.is_by_file:
        fetched = open_connector(of_keys, settings).fetch(of_keys, window, files)
        listed = fetched.files
    else:
        path = _asked(contract, settings, files)
        with connect(settings) as duck:
            row = duck.execute(f"SELECT count(*) FROM read_parquet({quote_literal(str(path))})").fetchone() or (0,)
        listed = (FetchedFile(path.name, day, "", path.stat().st_size, int(row[0])),)
    landed = Landed(
        contract=of_keys,
        window=window,
        delivery="keys",
        folder=room,
        files=listed,
        delivered=sum(file.records for file in listed),
        missing_days=(),
        is_new=True,
        landed_at=datetime.now(UTC),
    )
    return read_keys(landed, settings, room / "keys.parquet")


def _asked(contract: Contract, settings: Settings, into: Path) -> Path:
    source = open_connector(contract, settings)
    if not hasattr(source, "keys"):
        raise ContractError(
            f"connector {contract.source.connector} cannot be asked for its keys alone",
            remedy="say another `withdrawal`; unseen is an honest answer",
            dataset=contract.dataset,
        )
    path: Path = source.keys(contract, into)
    return path


def _find(contract: Contract, pin: Pin, settings: Settings, room: Path) -> _Found:
    """Write the rows of what is gone and what is back to ``rows.parquet``."""
    columns = table_columns(contract)
    paths = [file.path for file in pin.files]
    keys = ", ".join(quote_identifier(column.name) for column in contract.key)
    target = room / "rows.parquet"
    technical = {
        "_is_withdrawn": "NOT _is_withdrawn",
        "_record": f"row_number() OVER (ORDER BY {keys})",
        # Another content than the version's own: when the record is there again, that is news.
        "_digest": "CASE WHEN _is_withdrawn THEN _digest ELSE md5('withdrawn ' || _digest) END",
    }
    picked = ", ".join(
        f"CAST({technical.get(name, quote_identifier(name))} AS {kind}) AS {quote_identifier(name)}"
        for name, kind, _ in columns
    )
    with connect(settings, zone="UTC", reads=paths) as duck:
        duck.execute(f"CREATE TEMP TABLE state AS {state_sql(contract, paths)}")
        source = f"read_parquet({quote_literal(str(room / 'keys.parquet'))})"
        moved = (
            f"(SELECT * FROM state ANTI JOIN {source} USING ({keys}) WHERE NOT _is_withdrawn UNION ALL BY NAME "
            f"SELECT * FROM state SEMI JOIN {source} USING ({keys}) WHERE _is_withdrawn)"
        )
        duck.execute("SET threads = 1")
        duck.execute(
            f"COPY (SELECT {picked} FROM {moved} ORDER BY {keys}) TO {quote_literal(str(target))} "
            f"(FORMAT parquet, COMPRESSION zstd, {field_ids_sql(columns)})"
        )
        counts = duck.execute(
            "SELECT (SELECT count(*) FROM state WHERE NOT _is_withdrawn), count(*) FILTER (WHERE _is_withdrawn), "
            f"count(*) FILTER (WHERE NOT _is_withdrawn) FROM read_parquet({quote_literal(str(target))})"
        ).fetchone() or (0, 0, 0)
    return _Found(target, int(counts[0]), int(counts[1]), int(counts[2]), pin.snapshot_id)


def _refuse_too_many(contract: Contract, done: Compared) -> None:
    assert contract.key_comparison is not None  # noqa: S101 - by `_check` and the contract's rules
    share = contract.key_comparison.most_withdrawn
    if done.withdrawn > max(ALWAYS_BELIEVED, share * done.current) or (done.withdrawn and not done.source):
        raise PartitionHeld(
            f"{done.withdrawn} of {done.current} current records are not among the {done.source} keys of the source, "
            f"more than {share:.0%} are never believed: the list may have been cut off",
            remedy=f"ask the department; when it is so, `citybrain compare-keys {done.dataset} --because …`",
            dataset=done.dataset,
            day=done.day,
        )


def _write_down(contract: Contract, done: Compared, settings: Settings) -> None:
    path = settings.landing / contract.department / contract.name / COMPARISONS
    before = json.loads(path.read_text(encoding="utf-8"))["comparisons"] if path.exists() else []
    content = {"comparisons": [*before, done.as_dict()]}
    write_durably(path, json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True).encode())
    Ledger(settings).record(compared_events(path))
