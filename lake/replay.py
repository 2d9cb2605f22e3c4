"""What today's contract and suite make of deliveries that were loaded before: compared first, committed on a word.

A replay reads the landed bytes, never the source. It brings no day back to what it was before a newer delivery.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from lake.admission import Admitted, admit
from lake.admission.keys import WITHDRAWALS
from lake.contracts import contract_for, versions_of
from lake.contracts.model import Contract, Window
from lake.engine import connect, quote_identifier, quote_literal
from lake.errors import ContractError, ContractViolation, PartitionHeld, told_when_full
from lake.landing import Landed, deliveries
from lake.ledger import Ledger
from lake.load import (
    Progress,
    decision_of,
    held_content,
    is_apart,
    loading,
    parts_of,
    past_days,
    readmit,
    settle,
    take_out,
    without_days,
)
from lake.settings import Settings
from lake.tables import PROVENANCE_COLUMNS, Tables, read_files_sql, table_columns


@dataclass(frozen=True)
class DayDiff:
    """One day of a delivery, as the lake holds it and as it would.

    Attributes:
        day: partition.
        before, after: rows.
        added, removed, changed: records that are accepted now, no longer, or with another content.
        columns: changed values by column; a column that is new counts where it has a value.
    """

    day: date
    before: int
    after: int
    added: int
    removed: int
    changed: int
    columns: dict[str, int] = field(default_factory=dict)

    @property
    def is_same(self) -> bool:
        """Nothing would change."""
        return not (self.added or self.removed or self.changed)


@dataclass(frozen=True)
class Replayed:
    """One delivery, judged anew.

    Attributes:
        delivery: its id.
        window: its days.
        versions: of the contract, as it would be admitted.
        days: the difference, day by day; nothing when it would be held.
        held: why it would be held, and so stays as it is; empty when it would not.
        reasons: records held back by reason, as they would be.
        is_committed: whether this was brought into the table.
    """

    delivery: str
    window: Window
    versions: tuple[str, ...]
    days: tuple[DayDiff, ...] = ()
    held: str = ""
    reasons: dict[str, int] = field(default_factory=dict)
    is_committed: bool = False

    @property
    def is_same(self) -> bool:
        """Nothing would change."""
        return all(day.is_same for day in self.days)

    def as_dict(self) -> dict[str, Any]:
        """The same, as JSON takes it."""
        return asdict(self) | {
            "window": str(self.window),
            "versions": list(self.versions),
            "days": [asdict(day) | {"day": str(day.day)} for day in self.days],
        }


def replay(
    dataset: str,
    window: Window,
    settings: Settings,
    *,
    commit: bool = False,
    because: str = "",
    by: str = "",
    progress: Progress | None = None,
) -> list[Replayed]:
    """Judge the kept deliveries of a range anew; what would change, and on a word, change it.

    Every delivery with a day in the range is taken whole, the oldest first; each sees what those before it would
    leave. Deliveries whose bytes were purged, and what a comparison of keys found, stay as they are.

    Args:
        dataset: dataset id.
        window: days.
        settings: the city's home.
        commit: bring the differences into the table, one commit a delivery. Killed and run again, it goes on.
        because, by: why and who; recorded with each delivery.
        progress: called with a line of text before each long step.

    Raises:
        ContractError: no such dataset, a commit without a reason, or contract and suite are wrong.
        Unaccounted: a record got lost on the way; that delivery was not committed.
        Busy: a load of the dataset is running.
    """
    say = progress or (lambda text: None)
    if commit and not because:
        raise ContractError("a replay changes what was known", remedy="say why: --because", dataset=dataset)
    contract = contract_for(dataset, window.last, settings)
    room = settings.staging / "tmp" / f"replay-{contract.department}-{contract.name}"
    with told_when_full(dataset=dataset, day=window.first), loading(contract, window, settings):
        settle(dataset, None, settings, say)
        shutil.rmtree(room, ignore_errors=True)
        try:
            scratch = _scratch(settings, room)
            files: tuple[str, ...] = tuple(file.path for file in Tables(settings).pin(contract).files)
            done = []
            for landed in _kept(dataset, window, settings):
                say(f"judging {dataset} {landed.window} anew, delivery {landed.delivery}")
                replayed, files = _judge(landed, files, settings, scratch)
                if commit and not replayed.is_same and not replayed.held:
                    readmit(landed, because, by, settings, say)
                    replayed = replace(replayed, is_committed=True)
                    files = tuple(file.path for file in Tables(settings).pin(contract).files)
                done.append(replayed)
            return done
        finally:
            shutil.rmtree(room, ignore_errors=True)


def _kept(dataset: str, window: Window, settings: Settings) -> list[Landed]:
    """Committed deliveries of the range whose bytes are there and of which a day still counts, oldest first."""
    ledger = Ledger(settings)
    return [
        landed
        for landed in deliveries(settings, dataset)
        if landed.window.first <= window.last
        and window.first <= landed.window.last
        and landed.has_bytes
        and landed.digest_algorithm != WITHDRAWALS
        and (landed.folder / "commit.json").exists()
        and not ({file.day for file in landed.files if file.day} or set(landed.window.days()))
        <= set(past_days(landed, ledger))
    ]


def _scratch(settings: Settings, room: Path) -> Settings:
    """A home beside the home, with its keys: nothing of the real one is written."""
    scratch = replace(settings, home=room)
    for folder in (scratch.staging, scratch.quarantine, scratch.data_docs):
        folder.mkdir(parents=True, mode=0o700)
    scratch.keys.symlink_to(settings.keys)
    return scratch


def _judge(
    landed: Landed, files: tuple[str, ...], settings: Settings, scratch: Settings
) -> tuple[Replayed, tuple[str, ...]]:
    """The difference one delivery would make, and the table's files as they would be then."""
    parts = parts_of(landed, settings)
    contract = parts[-1].contract
    versions = tuple(dict.fromkeys(part.contract.version for part in parts))
    folder = scratch.landing / landed.delivery
    folder.mkdir(parents=True)
    (folder / "files").symlink_to(landed.folder / "files")
    taken = take_out(landed, files, settings, scratch.home / "staying" / landed.delivery)
    held = held_content(contract, landed.window, settings, Tables(settings))
    reach = timedelta(days=-(-contract.overlap // timedelta(days=1)))
    near = {f"ds={day}" for day in Window(landed.window.first - reach, landed.window.last + reach).days()}
    held = replace(
        held,
        files=tuple(path for path in taken.instead_of(files) if path.rsplit("/", 2)[-2] in near),
        live_digests={},
    )
    try:
        admitted = admit(
            replace(landed, contract=contract, folder=folder),
            held,
            scratch,
            parts=[replace(part, folder=folder) for part in parts],
            accept_anyway=decision_of(landed.folder),
            apart=is_apart(landed.folder),
        )
    except (PartitionHeld, ContractViolation) as error:
        return Replayed(landed.delivery, landed.window, versions, held=error.cause), files
    admitted = without_days(admitted, past_days(landed, Ledger(settings)))
    old = taken.outgoing or _of_days(files, admitted)
    new = [str(path) for path in admitted.staged]
    days = _compare(landed, old, new, settings)
    replaced = {f"ds={day}" for day in admitted.replaced_days}
    rest = [path for path in taken.instead_of(files) if path.rsplit("/", 2)[-2] not in replaced]
    return Replayed(landed.delivery, landed.window, versions, days, reasons=admitted.reasons), (*rest, *new)


def _of_days(files: Sequence[str], admitted: Admitted) -> tuple[str, ...]:
    days = {f"ds={day.day}" for day in admitted.days}
    return tuple(path for path in files if path.rsplit("/", 2)[-2] in days)


def _compare(landed: Landed, old: Sequence[str], new: Sequence[str], settings: Settings) -> tuple[DayDiff, ...]:
    """Rows of the delivery by their address, which the landed bytes give them once and for all."""
    columns = _all_columns(versions_of(landed.contract.dataset, settings))
    names = [name for name, _, _ in columns]
    provenance = [column for column in PROVENANCE_COLUMNS if column[0] in ("ds", "_delivery", "_file", "_record")]
    withdrawn = [column for column in PROVENANCE_COLUMNS if column[0] == "_is_withdrawn"]
    read = [*provenance, *withdrawn, *columns]

    def rows(paths: Sequence[str]) -> str:
        if not paths:
            return (
                "SELECT "
                + ", ".join(f"NULL::{kind} AS {quote_identifier(name)}" for name, kind, _ in read)
                + " WHERE false"
            )
        return f"SELECT * FROM {read_files_sql(paths, read)} WHERE _delivery = {quote_literal(landed.delivery)}"

    compared = ["_is_withdrawn", *names]
    differs = {name: f"was.{quote_identifier(name)} IS DISTINCT FROM now.{quote_identifier(name)}" for name in compared}
    counted = ", ".join(
        f"count(*) FILTER (WHERE was._file IS NOT NULL AND now._file IS NOT NULL AND {test})"
        for test in differs.values()
    )
    with connect(settings, zone="UTC", reads=[*old, *new]) as duck:
        found = duck.execute(
            f"""
            SELECT coalesce(now.ds, was.ds) AS ds, count(was._file), count(now._file),
                   count(*) FILTER (WHERE was._file IS NULL), count(*) FILTER (WHERE now._file IS NULL),
                   count(*) FILTER (WHERE was._file IS NOT NULL AND now._file IS NOT NULL
                                    AND ({" OR ".join(differs.values())})), {counted}
            FROM ({rows(old)}) AS was FULL JOIN ({rows(new)}) AS now
              ON was.ds = now.ds AND was._file = now._file AND was._record = now._record
            GROUP BY ALL ORDER BY 1
            """
        ).fetchall()
    return tuple(
        DayDiff(day, before, after, added, removed, changed, {n: v for n, v in zip(compared, values, strict=True) if v})
        for day, before, after, added, removed, changed, *values in found
    )


def _all_columns(versions: Sequence[Contract]) -> list[tuple[str, str, int]]:
    """Every column any version keeps, by field id; the newest says name and type, an older one of that name its id."""
    found: dict[int, tuple[str, str, int]] = {}
    for version in versions:
        technical = {name for name, _, _ in PROVENANCE_COLUMNS}
        found |= {
            number: (name, kind, number) for name, kind, number in table_columns(version) if name not in technical
        }
    newest = {number for _, _, number in table_columns(versions[-1])}
    names = {name for number, (name, _, _) in found.items() if number in newest}
    return [
        (name if number in newest or name not in names else f"{name} (field {number})", kind, number)
        for number, (name, kind, _) in sorted(found.items())
    ]
