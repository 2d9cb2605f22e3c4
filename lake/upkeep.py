"""Keep the home ready, sound and small: set-up, examination, and what has to go.

Nothing goes that a kept build or an issued brief pins, and nothing that only a snapshot's properties could tell the
ledger: every commit is written down in its landing folder before its snapshot may expire.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from lake.contracts import load_contracts
from lake.contracts.model import Contract, Treatment
from lake.errors import Busy, told_when_full
from lake.landing import locked
from lake.landing import purge as purge_landed
from lake.landing import sweep as sweep_incoming
from lake.ledger import Ledger, landing_events
from lake.privacy import ensure_keys
from lake.settings import Settings
from lake.tables import Tables

COMPACT_AFTER = timedelta(days=62)
KEEP_SNAPSHOTS = 20
LOCK_PATIENCE_S = 600.0
BUSY_PATIENCE_S = 5.0
KEEP_BUILDS = 10
BUILD_TAKES_S = 4 * 3600.0
AHEAD = timedelta(days=45)
"""How much later than the newest data it may be before the clock is not believed: a month and its late delivery."""
VAULT_MODE = 0o700
_RECORDS = {"pins.json", "published.json"}


@dataclass(frozen=True)
class Upkept:
    """What upkeep did for one dataset."""

    dataset: str
    files_merged: int
    snapshots_expired: int
    files_purged: int
    deliveries_purged: int
    is_skipped: bool = False
    """A load held the dataset, and upkeep left it alone."""


def make_ready(settings: Settings) -> None:
    """Make rooms, keys (kept when they exist), catalog and ledger of a home."""
    settings.make_home()
    ensure_keys(settings, key_purposes(load_contracts(settings)))
    for contract in load_contracts(settings):
        Tables(settings).exists(contract)
    Ledger(settings).events(kind="landed")


def key_purposes(contracts: list[Contract]) -> list[str]:
    """Every purpose a key is needed for: those of hashed columns, and the content digest's."""
    hashed = {
        column.purpose or ""
        for contract in contracts
        for column in contract.columns
        if column.treatment is Treatment.HMAC
    }
    return [*sorted(hashed), "digest"]


def upkeep(
    settings: Settings,
    today: date,
    *,
    progress: Callable[[str], None] | None = None,
    older_than: timedelta = timedelta(hours=1),
) -> list[Upkept]:
    """Compact old months, expire snapshots, purge orphans and landed bytes past their retention, drop old builds.

    Args:
        settings: the city's home.
        today: what is old is old on this day; bytes past their retention go only as far as the data's own days bear
            it out, for a clock that is ahead by a year must not empty the vault.
        progress: called with a line of text before each dataset.
        older_than: files that nothing names go only at this age, for they may belong to a commit in progress.
    """
    say = progress or (lambda text: None)
    with told_when_full(), undisturbed(settings):
        sweep_incoming(settings)
        drop_old_builds(settings)
        pinned = set(pinned_files(settings))
        aged = min(today, _newest_day(settings) + AHEAD)
        done = []
        for contract in load_contracts(settings):
            try:
                with locked(contract, settings, BUSY_PATIENCE_S):
                    say(f"upkeep of {contract.dataset}")
                    done.append(_keep_up(settings, contract, today, aged, pinned, older_than))
            except Busy as busy:  # nothing of it is touched, for the next upkeep will come
                say(f"{contract.dataset} is left for next time: {busy.cause}")
                done.append(Upkept(contract.dataset, 0, 0, 0, 0, is_skipped=True))
        return done


def _keep_up(  # noqa: PLR0917
    settings: Settings, contract: Contract, today: date, aged: date, pinned: set[str], older_than: timedelta
) -> Upkept:
    tables = Tables(settings)
    merged = tables.compact(contract, before=today.replace(day=1) - COMPACT_AFTER)
    expired = tables.expire(contract, keep_last=KEEP_SNAPSHOTS, keep=_unrecorded_snapshots(settings, contract))
    purged = tables.purge(contract, pinned=pinned, older_than=older_than)
    landed = purge_landed(settings, contract, aged - timedelta(days=contract.retention_days))
    for delivery in landed:
        Ledger(settings).record(landing_events(delivery.folder))
    sweep_staged(settings, contract)
    return Upkept(contract.dataset, merged, expired, purged, len(landed))


def _newest_day(settings: Settings) -> date:
    """Newest day the city has data of: no clock of this machine makes a source have data of days to come."""
    return max((state.day for state in Ledger(settings).partitions()), default=date(1970, 1, 1))


@contextlib.contextmanager
def undisturbed(settings: Settings) -> Iterator[None]:
    """Nothing goes meanwhile: upkeep on the one side, a backup or a restore on the other, wait for each other.

    Raises:
        Busy: the other did not end in time.
    """
    from filelock import FileLock, Timeout

    patience = float(settings.environment.get("CITYBRAIN_LOCK_PATIENCE_S", LOCK_PATIENCE_S))
    try:
        with FileLock(settings.home / "upkeep.lock", timeout=patience):
            yield
    except Timeout as error:
        raise Busy(
            "upkeep, a backup or a restore of this home is running",
            remedy="wait for it; upkeep.lock is freed when its process ends",
        ) from error


def sweep_staged(settings: Settings, contract: Contract) -> int:
    """Remove what is left of batches whose delivery is committed; a held one keeps its batch. Gives how many went."""
    landing = settings.landing / contract.department / contract.name
    gone = 0
    for batch in (settings.staging / contract.department / contract.name).glob("*"):
        folder = landing / batch.name
        is_wanted = any((folder / name).exists() for name in ("held.json", "admitting.json"))
        if (folder / "commit.json").exists() and not is_wanted:
            shutil.rmtree(batch)
            gone += 1
    return gone


def pinned_files(settings: Settings) -> Iterator[str]:
    """Every data file that a kept build or an issued brief was made from."""
    for pins in settings.builds.glob("*/pins.json"):
        for table in json.loads(pins.read_text(encoding="utf-8"))["tables"].values():
            for file in table["files"]:
                yield file["path"]


def drop_old_builds(settings: Settings) -> int:
    """Remove the working files of builds that are neither published nor among the newest.

    The pins of a build that a brief was issued from stay; of the others only the record that they were published,
    for the ledger is made again from these.
    """
    current = settings.published / "current"
    kept = {current.readlink().name} if current.is_symlink() else set()
    issued = {
        json.loads(path.read_text(encoding="utf-8")).get("build_id")
        for path in settings.issues.glob("*/*/*/issue-*/manifest.json")
    }
    # What was dropped before has no pins or nothing else than records, and counts neither as old nor as new.
    folders = sorted(
        (f for f in settings.builds.glob("*") if f.is_dir() and {p.name for p in f.iterdir()} - _RECORDS),
        key=lambda f: f.stat().st_mtime,
    )
    dropped = [folder for folder in folders[:-KEEP_BUILDS] if folder.name not in kept and not _is_being_made(folder)]
    for folder in dropped:
        stays = _RECORDS if folder.name in issued else {"published.json"}
        for path in folder.iterdir():
            if path.name not in stays:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not any(folder.iterdir()):
            folder.rmdir()
        if folder.name not in issued:
            shutil.rmtree(settings.published / folder.name, ignore_errors=True)
    return len(dropped)


def _is_being_made(folder: Path) -> bool:
    """Whether a build may be in progress: a clock that was set back makes it look older than all before it."""
    age_s = abs(time.time() - folder.stat().st_mtime)
    return not (folder / "published.json").exists() and age_s < BUILD_TAKES_S


def _unrecorded_snapshots(settings: Settings, contract: Contract) -> list[int]:
    """Snapshots whose delivery has no commit record yet: a killed load will still need them."""
    folder = settings.landing / contract.department / contract.name
    tables, unrecorded = Tables(settings), []
    for manifest in folder.glob("*/manifest.json"):
        if not manifest.with_name("commit.json").exists() or manifest.with_name("admitting.json").exists():
            found = tables.find_delivery(contract, manifest.parent.name)
            if found is not None:
                unrecorded.append(found[0])
    return unrecorded
