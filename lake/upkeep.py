"""Keep the home ready, sound and small: set-up, examination, and what has to go.

Nothing goes that a kept build or an issued brief pins, and nothing that only a snapshot's properties could tell the
ledger: every commit is written down in its landing folder before its snapshot may expire.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from lake.contracts import load_contracts
from lake.contracts.city import load_city
from lake.contracts.model import Contract, Treatment
from lake.engine import EXTENSIONS, connect
from lake.errors import CitybrainError
from lake.landing import purge as purge_landed
from lake.landing import sweep as sweep_incoming
from lake.ledger import Ledger
from lake.privacy import ensure_keys
from lake.settings import Settings
from lake.tables import Tables

COMPACT_AFTER = timedelta(days=62)
KEEP_SNAPSHOTS = 20
KEEP_BUILDS = 10
VAULT_MODE = 0o700


@dataclass(frozen=True)
class Upkept:
    """What upkeep did for one dataset."""

    dataset: str
    files_merged: int
    snapshots_expired: int
    files_purged: int
    deliveries_purged: int


@dataclass(frozen=True)
class Finding:
    """One thing `examine` looked at."""

    what: str
    is_ok: bool
    remedy: str = ""


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


def upkeep(settings: Settings, today: date, *, progress: Callable[[str], None] | None = None) -> list[Upkept]:
    """Compact old months, expire snapshots, purge orphans and landed bytes past their retention, drop old builds."""
    say = progress or (lambda text: None)
    sweep_incoming(settings)
    drop_old_builds(settings)
    pinned = set(pinned_files(settings))
    tables, done = Tables(settings), []
    for contract in load_contracts(settings):
        say(f"upkeep of {contract.dataset}")
        merged = tables.compact(contract, before=today.replace(day=1) - COMPACT_AFTER)
        expired = tables.expire(contract, keep_last=KEEP_SNAPSHOTS, keep=_unrecorded_snapshots(settings, contract))
        purged = tables.purge(contract, pinned=pinned)
        landed = len(purge_landed(settings, contract, today - timedelta(days=contract.retention_days)))
        done.append(Upkept(contract.dataset, merged, expired, purged, landed))
    return done


def pinned_files(settings: Settings) -> Iterator[str]:
    """Every data file that a kept build or an issued brief was made from."""
    for pins in settings.builds.glob("*/pins.json"):
        for table in json.loads(pins.read_text(encoding="utf-8"))["tables"].values():
            for file in table["files"]:
                yield file["path"]


def drop_old_builds(settings: Settings) -> int:
    """Remove the working files of builds that are neither published nor among the newest.

    The pins of a build that a brief was issued from stay; of the others nothing does.
    """
    current = settings.published / "current"
    kept = {current.readlink().name} if current.is_symlink() else set()
    issued = {
        json.loads(path.read_text(encoding="utf-8")).get("build_id")
        for path in settings.issues.glob("*/*/*/issue-*/manifest.json")
    }
    folders = sorted((f for f in settings.builds.glob("*") if f.is_dir()), key=lambda f: f.stat().st_mtime)
    gone = 0
    for folder in folders[:-KEEP_BUILDS]:
        if folder.name in kept:
            continue
        gone += 1
        if folder.name in issued:
            for path in folder.iterdir():
                if path.name not in ("pins.json", "published.json"):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        else:
            shutil.rmtree(folder)
            shutil.rmtree(settings.published / folder.name, ignore_errors=True)
    return gone


def examine(settings: Settings) -> list[Finding]:
    """Look at the set-up as a person would who is called at night."""
    return [
        _contracts_are_sound(settings),
        _extensions_load(settings),
        *(_vault_is_closed(room) for room in (settings.landing, settings.quarantine, settings.staging, settings.keys)),
        *_connections_are_known(settings),
        _disk_has_room(settings),
    ]


def _contracts_are_sound(settings: Settings) -> Finding:
    try:
        load_city(settings)
        number = len(load_contracts(settings))
    except CitybrainError as error:
        return Finding("contracts", False, str(error))
    return Finding(f"contracts: {number}", number > 0, "write a contract under contracts/<city>/<department>/")


def _extensions_load(settings: Settings) -> Finding:
    try:
        connect(settings, extensions=EXTENSIONS).close()
    except Exception as error:
        return Finding("DuckDB extensions", False, f"run `make env` ({type(error).__name__})")
    return Finding("DuckDB extensions", True)


def _vault_is_closed(room: Path) -> Finding:
    return Finding(
        f"vault {room.name}", room.is_dir() and room.stat().st_mode & 0o777 == VAULT_MODE, f"chmod 700 {room}"
    )


def _connections_are_known(settings: Settings) -> Iterator[Finding]:
    for name in sorted({contract.source.connection for contract in load_contracts(settings)}):
        try:
            settings.connection(name)
        except CitybrainError as error:
            yield Finding(f"connection {name}", False, error.remedy)
        else:
            yield Finding(f"connection {name}", True)


def _disk_has_room(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.home).free
    return Finding(f"disk: {free // 2**30} GiB free", free > 2 * 2**30, "free at least 2 GiB")


def _unrecorded_snapshots(settings: Settings, contract: Contract) -> list[int]:
    """Snapshots whose delivery has no commit record yet: a killed load will still need them."""
    folder = settings.landing / contract.department / contract.name
    tables, unrecorded = Tables(settings), []
    for manifest in folder.glob("*/manifest.json"):
        if not manifest.with_name("commit.json").exists():
            found = tables.find_delivery(contract, manifest.parent.name)
            if found is not None:
                unrecorded.append(found[0])
    return unrecorded
