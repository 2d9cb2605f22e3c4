"""The two files that make a folder a delivery: ``manifest.json`` and the contract it was fetched by."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lake.connectors import FetchedFile
from lake.contracts.model import Contract, Window
from lake.errors import CitybrainError

if TYPE_CHECKING:
    import pydantic

MANIFEST = "manifest.json"
CONTRACT = "contract.json"
FILES = "files"


@dataclass(frozen=True)
class Landed:
    """A whole delivery in the landing.

    Attributes:
        contract: the contract it was fetched by; put a newer one in with ``dataclasses.replace`` to replay it.
        window: the business days asked for.
        delivery: its id, ``<first>[_<last>]-<16 hex of the content digest>``.
        folder: its folder; the bytes are in ``folder / "files" / file.name``.
        files: name, day, hash, size and second count of each file.
        delivered: sum of the second counts.
        missing_days: days of the window the source did not have.
        is_new: it was landed just now; False for one that was there already. That it is there does not mean that it
            was committed: that is what ``commit.json`` beside the manifest says.
        landed_at: when, UTC.
        content_digest, digest_algorithm: what the sameness of deliveries is judged by.
        control_total: number of records the source stated, or None.
        purged_at: when retention removed the bytes, or None.
        aside: days that an admission leaves out, for their files cannot be taken; never written down here.
    """

    contract: Contract
    window: Window
    delivery: str
    folder: Path
    files: tuple[FetchedFile, ...]
    delivered: int
    missing_days: tuple[date, ...]
    is_new: bool
    landed_at: datetime
    content_digest: str = ""
    digest_algorithm: str = ""
    control_total: int | None = None
    purged_at: datetime | None = None
    aside: tuple[date, ...] = ()

    def path(self, file: FetchedFile) -> Path:
        """Where the bytes of a file are."""
        return self.folder / FILES / file.name

    @property
    def has_bytes(self) -> bool:
        """Whether it can be admitted again: not after its retention, nor restored from a backup without bytes."""
        return self.purged_at is None and all(self.path(file).exists() for file in self.files)


def write_manifest(landed: Landed, folder: Path) -> None:
    """Write contract and manifest, the manifest last and whole, and have them on the disk."""
    write_durably(folder / CONTRACT, contract_to_json(landed.contract))
    manifest = {
        "dataset": landed.contract.dataset,
        "contract_version": landed.contract.version,
        "window": [landed.window.first.isoformat(), landed.window.last.isoformat()],
        "delivery": landed.delivery,
        "landed_at": landed.landed_at.isoformat(),
        "digest_algorithm": landed.digest_algorithm,
        "content_digest": landed.content_digest,
        "control_total": landed.control_total,
        "missing_days": [day.isoformat() for day in landed.missing_days],
        "delivered": landed.delivered,
        "files": [asdict(file) | {"day": file.day.isoformat() if file.day else None} for file in landed.files],
        "purged_at": landed.purged_at.isoformat() if landed.purged_at else None,
    }
    write_durably(folder / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode())


def read_landed(folder: Path) -> Landed:
    """The delivery in a folder, as it was landed.

    Raises:
        CitybrainError: the folder holds no whole delivery.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        contract = contract_from_json((folder / CONTRACT).read_bytes())
    except (OSError, ValueError) as error:
        raise CitybrainError(
            f"{folder.name} holds no readable manifest ({type(error).__name__})",
            remedy="restore the landing from its backup, or remove the folder and load again",
        ) from None
    first, last = (date.fromisoformat(day) for day in manifest["window"])
    return Landed(
        contract=contract,
        window=Window(first, last),
        delivery=manifest["delivery"],
        folder=folder,
        files=tuple(
            FetchedFile(**(file | {"day": date.fromisoformat(file["day"]) if file["day"] else None}))
            for file in manifest["files"]
        ),
        delivered=manifest["delivered"],
        missing_days=tuple(date.fromisoformat(day) for day in manifest["missing_days"]),
        is_new=False,
        landed_at=datetime.fromisoformat(manifest["landed_at"]),
        content_digest=manifest["content_digest"],
        digest_algorithm=manifest["digest_algorithm"],
        control_total=manifest["control_total"],
        purged_at=datetime.fromisoformat(manifest["purged_at"]) if manifest["purged_at"] else None,
    )


def contract_to_json(contract: Contract) -> bytes:
    """A contract, complete, as it lies beside the manifest."""
    return _contract_adapter().dump_json(contract, indent=1)


def contract_from_json(text: bytes | str) -> Contract:
    """The contract back; ValueError when the text is none."""
    return _contract_adapter().validate_json(text)


def write_durably(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, whatever happens to the machine."""
    new = path.with_name(f".{path.name}.new")
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.chmod(0o600)
    new.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@cache
def _contract_adapter() -> pydantic.TypeAdapter[Contract]:
    import pydantic

    return pydantic.TypeAdapter(Contract)
