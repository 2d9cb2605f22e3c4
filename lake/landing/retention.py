"""How long bytes stay: after the contract's retention only counts and hashes are left of a delivery."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, time

from lake.contracts.model import Contract
from lake.landing.manifest import FILES, MANIFEST, Landed, read_landed, write_manifest
from lake.settings import Settings


def purge(settings: Settings, contract: Contract, before: date) -> list[Landed]:
    """Remove the bytes of deliveries that were landed before a day (00:00 UTC); manifests stay, with `purged_at`.

    A delivery that is in no table yet keeps its bytes, whether it waits for a decision or for the next load to finish
    what a killed one began: they are all there is of it.
    """
    limit = datetime.combine(before, time.min, UTC)
    purged = []
    for manifest in sorted((settings.landing / contract.department / contract.name).glob(f"*/{MANIFEST}")):
        landed = read_landed(manifest.parent)
        files = landed.folder / FILES
        is_waiting = not (landed.folder / "commit.json").exists() or (landed.folder / "admitting.json").exists()
        if landed.landed_at >= limit or is_waiting or not files.exists():
            continue
        if landed.purged_at is None:
            landed = replace(landed, purged_at=datetime.now(UTC))
            write_manifest(landed, landed.folder)  # first: a process killed here is finished by the next purge
        shutil.rmtree(files)
        purged.append(landed)
    return purged
