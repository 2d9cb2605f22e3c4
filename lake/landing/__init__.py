"""The landing: what departments delivered, byte for byte, each delivery whole or not there at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from lake.boundary import boundary
from lake.connectors import Fetched, open_connector
from lake.contracts.model import Contract, Window
from lake.errors import DeliveryDamaged, StorageFull
from lake.landing.incoming import Incoming, sweep
from lake.landing.locking import locked
from lake.landing.manifest import FILES, MANIFEST, Landed, read_landed, sync_folder, write_manifest
from lake.landing.retention import purge
from lake.landing.stamps import stamp
from lake.settings import Settings

__all__ = ["Landed", "deliveries", "delivery_folder", "land", "locked", "purge", "read_landed", "stamp", "sweep"]


class Fetches(Protocol):
    """What can be landed: see `lake.connectors.Connector.fetch`."""

    def fetch(self, contract: Contract, window: Window, into: Path) -> Fetched:
        """Write the window's content into the empty folder `into`."""
        ...


_FULL = (errno.ENOSPC, errno.EDQUOT)


def land(
    contract: Contract,
    window: Window,
    settings: Settings,
    *,
    is_overtaken: Callable[[Landed], bool] = lambda known: False,
    connector: Fetches | None = None,
) -> Landed:
    """Bring what the source has for the window.

    The delivery is fetched into a folder of its own under ``.incoming`` and gets its place by one rename, so that a
    process killed at any instant leaves a whole delivery or none. The same content for the same window gets the same
    id: nothing is written then, and `Landed.is_new` is False.

    Args:
        contract: what to ask for, and where.
        window: the days.
        settings: the city's home.
        is_overtaken: asked of a delivery that has the same content; where it says yes, something else was delivered
            in between, and the content is news once more: it is landed as ``<id>-2``, ``-3`` and so on.
        connector: what to ask in place of the contract's own source.

    Raises:
        SourceUnavailable, SourceLate, SourceRefused: see the classes.
        SchemaDrift, DeliveryDamaged: the delivery breaks its contract as a whole.
        StorageFull: nothing of the delivery is left behind.
        ContractError: the contract's source makes no sense.
    """
    settings.make_home()
    source = connector or open_connector(contract, settings)
    sweep(settings)
    try:
        with Incoming(settings) as incoming:
            fetched = source.fetch(contract, window, incoming.folder / FILES)
            boundary("land.fetched")
            landed = _described(contract, window, fetched, settings)
            first, times = landed.delivery, 1
            while (landed.folder / MANIFEST).exists():
                known = read_landed(landed.folder)
                if not is_overtaken(known):
                    return known
                times += 1
                folder = landed.folder.with_name(f"{first}-{times}")
                landed = replace(landed, delivery=folder.name, folder=folder)
            _make_durable(incoming.folder / FILES)
            landed = replace(landed, landed_at=stamp(settings, contract.dataset))
            write_manifest(landed, incoming.folder)
            boundary("land.written")
            is_ours = _put_in_place(incoming.folder, landed.folder)
            boundary("land.renamed")
            return landed if is_ours else read_landed(landed.folder)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise StorageFull(
            "the disk is full; nothing of the delivery was kept",
            remedy=f"make room for {settings.landing.name}/ under the home folder, then load again",
            dataset=contract.dataset,
            day=window.first,
        ) from None


def deliveries(settings: Settings, dataset: str) -> list[Landed]:
    """Every delivery of a dataset, in the order they were landed."""
    _, department, name = dataset.split(".")
    folder = settings.landing / department / name
    found = [read_landed(manifest.parent) for manifest in folder.glob(f"*/{MANIFEST}")]
    return sorted(found, key=lambda landed: (landed.landed_at, landed.delivery))


def delivery_folder(settings: Settings, dataset: str, delivery: str) -> Path:
    """Where a delivery is, whether it is there or not."""
    _, department, name = dataset.split(".")
    return settings.landing / department / name / delivery


def _described(contract: Contract, window: Window, fetched: Fetched, settings: Settings) -> Landed:
    delivered = sum(file.records for file in fetched.files)
    if fetched.control_total is not None and fetched.control_total != delivered:
        raise DeliveryDamaged(
            f"the source states {fetched.control_total} records, {delivered} were counted",
            remedy="load again; if it stays so, ask the department",
            dataset=contract.dataset,
            day=window.first,
        )
    days = f"{window.first}" if window.first == window.last else f"{window.first}_{window.last}"
    delivery = f"{days}-{fetched.content_digest[:16]}"
    return Landed(
        contract=contract,
        window=window,
        delivery=delivery,
        folder=delivery_folder(settings, contract.dataset, delivery),
        files=fetched.files,
        delivered=delivered,
        missing_days=fetched.missing_days,
        is_new=True,
        landed_at=datetime.now(UTC),
        content_digest=fetched.content_digest,
        digest_algorithm=fetched.digest_algorithm,
        control_total=fetched.control_total,
    )


def _make_durable(files: Path) -> None:
    """Have the fetched bytes on the disk before anything says that they are there."""
    with ThreadPoolExecutor(8) as pool:  # many small files: the disk takes several at a time
        for _ in pool.map(_sync_file, sorted(files.iterdir())):
            pass
    sync_folder(files)


def _sync_file(path: Path) -> None:
    path.chmod(0o600)
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _put_in_place(incoming: Path, folder: Path) -> bool:
    """Give the delivery its place; False when another process just landed the same one."""
    for level in (folder.parent.parent, folder.parent):
        level.mkdir(mode=0o700, exist_ok=True)
    sync_folder(incoming)
    if folder.exists() and not (folder / MANIFEST).exists():
        shutil.rmtree(folder)  # no delivery, since those appear whole: somebody's leftovers
    try:
        incoming.rename(folder)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    sync_folder(folder.parent)
    return True
