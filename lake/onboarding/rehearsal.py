"""What a load would do, found out by doing it beside the lake: land, admit and judge in a room that goes afterwards.

The real connector, contract, suite and keys are used, and what the table and the quarantine hold is read; nothing is
written to landing, quarantine, tables, ledger or pages.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from lake.admission import Admitted, HeldContent, admit
from lake.connectors import open_connector
from lake.contracts import spans
from lake.contracts.model import Contract, Mode, Window
from lake.errors import CitybrainError, ContractViolation, PartitionHeld, SchemaDrift, SourceLate
from lake.landing import delivery_folder, land
from lake.load import Progress, held_content, in_one_delivery, parts_of
from lake.settings import Settings
from lake.tables import Tables

FRESH = HeldContent(snapshot_id=None, files=(), quarantine_files=(), live_digests={})
"""What a lake holds that nothing was loaded into."""


@dataclass(frozen=True)
class Rehearsed:
    """What one delivery would come to.

    Attributes:
        dataset, window, version: what would be asked for, by which version of the contract.
        connector, connection, mode: how.
        outcome: ``would_commit``, ``nothing_new``, ``would_be_held``, or ``late`` where the source has nothing yet.
        known: whether a delivery of the same content was landed before.
        files, bytes: what the source gives.
        delivered, accepted, quarantined, unchanged: records; 0 where the delivery would be held as a whole.
        reasons: records that would be held back, by reason.
        warnings: checks of severity warning that fail: id, records, reason.
        changed_days: partitions that would be added to or replaced.
        replaced_days: those of them whose present content would go.
        missing_days: days the source has nothing for.
        first_day, last_day: what the source says it has altogether.
        notes: what it says besides.
        cause, remedy: why it would be held, or is late.
        drift: columns that changed, in words; empty when they are the contract's.
        held: files of a range that would be held while the others go in: `lake.admission.Aside.as_dict` of each.
    """

    dataset: str
    window: Window
    version: str
    connector: str
    connection: str
    mode: str
    outcome: str
    known: bool = False
    files: int = 0
    bytes: int = 0
    delivered: int = 0
    accepted: int = 0
    quarantined: int = 0
    unchanged: int = 0
    reasons: tuple[tuple[str, int], ...] = ()
    warnings: tuple[dict[str, Any], ...] = ()
    changed_days: tuple[date, ...] = ()
    replaced_days: tuple[date, ...] = ()
    missing_days: tuple[date, ...] = ()
    first_day: date | None = None
    last_day: date | None = None
    notes: tuple[str, ...] = ()
    cause: str = ""
    remedy: str = ""
    drift: str = ""
    held: tuple[dict[str, Any], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return self.__dict__ | {"window": str(self.window), "reasons": dict(self.reasons)}


def rehearse(dataset: str, window: Window, settings: Settings, *, progress: Progress | None = None) -> list[Rehearsed]:
    """What `lake.load.load_range` would do for a range, delivery by delivery.

    Raises:
        ContractError: contract or suite is wrong.
        SourceUnavailable, SourceRefused: see `lake.errors`.
        StorageFull: the room beside the lake found no place.
    """
    say = progress or (lambda text: None)
    found = []
    for contract, span in spans(dataset, window, settings):
        part, gone = in_one_delivery(contract, span)
        say(f"trying {dataset} {part} by contract {contract.version}")
        with _beside(settings) as away:
            told = _rehearse(contract, part, settings, away)
        found.append(replace(told, missing_days=(*gone, *told.missing_days)))
    return found


def _rehearse(contract: Contract, window: Window, settings: Settings, away: Settings) -> Rehearsed:
    told = Rehearsed(
        contract.dataset, window, contract.version, contract.source.connector, contract.source.connection,
        contract.mode.value, "late",
    )  # fmt: skip
    try:
        said = open_connector(contract, away).describe(contract)
        told = replace(told, first_day=said.first_day, last_day=said.last_day, notes=said.notes)
        landed = land(contract, window, away)
    except SourceLate as error:
        return replace(told, cause=error.cause, remedy=error.remedy, missing_days=tuple(window.days()))
    known = delivery_folder(settings, contract.dataset, landed.delivery)
    told = replace(
        told,
        known=(known / "manifest.json").exists(),
        files=len(landed.files),
        bytes=sum(file.bytes for file in landed.files),
        delivered=landed.delivered,
        missing_days=landed.missing_days,
    )
    if contract.mode is Mode.CHANGES and (known / "commit.json").exists():
        return replace(told, outcome="nothing_new", unchanged=landed.delivered)
    held = _held(contract, window, settings)
    try:
        admitted = admit(landed, held, away, parts=parts_of(landed, settings), apart=True)
    except (PartitionHeld, ContractViolation) as error:
        return _would_be_held(told, error)
    return _would_commit(told, admitted, held)


def _would_be_held(told: Rehearsed, error: CitybrainError) -> Rehearsed:
    drift = error.cause if isinstance(error, SchemaDrift) else ""
    return replace(told, outcome="would_be_held", cause=error.cause, remedy=error.remedy, drift=drift)


def _would_commit(told: Rehearsed, admitted: Admitted, held: HeldContent) -> Rehearsed:
    changed = tuple(day.day for day in admitted.days if day.accepted)
    return replace(
        told,
        outcome="would_commit" if changed or admitted.replaced_days else "nothing_new",
        accepted=sum(day.accepted for day in admitted.days),
        quarantined=sum(day.quarantined for day in admitted.days),
        unchanged=sum(day.unchanged for day in admitted.days),
        reasons=tuple(sorted(admitted.reasons.items())),
        warnings=tuple(warning.as_dict() for warning in admitted.warnings),
        changed_days=tuple(sorted({*changed, *admitted.replaced_days})),
        replaced_days=tuple(day for day in admitted.replaced_days if day in held.live_digests),
        held=tuple(file.as_dict() for file in admitted.aside),
    )


def _held(contract: Contract, window: Window, settings: Settings) -> HeldContent:
    """What the lake holds. A lake that nothing was loaded into has no catalog, and gets none by being looked at."""
    uri = settings.catalog_uri
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///").partition("?")[0]).exists():
        return FRESH
    return held_content(contract, window, settings, Tables(settings))


@contextmanager
def _beside(settings: Settings) -> Iterator[Settings]:
    """A home of its own inside the vault, with copies of the keys; it goes with all that is in it."""
    settings.staging.mkdir(mode=0o700, parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="rehearsal-", dir=settings.staging))
    try:
        away = replace(settings, home=home)
        if settings.bucket is None:
            away = replace(away, warehouse=f"file://{home}/tables")
        away.make_home()
        if settings.keys.is_dir():  # with other keys nothing would be found unchanged
            shutil.copytree(settings.keys, away.keys, dirs_exist_ok=True)
        yield away
    finally:
        shutil.rmtree(home, ignore_errors=True)
