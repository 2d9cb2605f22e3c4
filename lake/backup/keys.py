"""Keys, apart: copies by purpose and fingerprint in a folder of their own, never overwritten, never removed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from lake.errors import CitybrainError
from lake.privacy import KEY_BYTES, key_mark
from lake.settings import Settings


def put(settings: Settings, folder: Path) -> tuple[str, ...]:
    """Copy every key of the home; gives the purposes."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    purposes = []
    for path in sorted(settings.keys.glob("*.key")):
        key = path.read_bytes()
        target = folder / f"{settings.city}.{path.stem}.{key_mark(key)}.key"
        if not target.exists() or target.read_bytes() != key:
            half = target.with_suffix(".new")
            with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(key)
                file.flush()
                os.fsync(file.fileno())
            half.replace(target)
        target.chmod(0o600)
        purposes.append(path.stem)
    return tuple(purposes)


def find(city: str, marks: Mapping[str, str], folder: Path) -> dict[str, bytes]:
    """The keys with these fingerprints.

    Raises:
        CitybrainError: one is not there, or not what its name says.
    """
    found = {}
    for purpose, mark in marks.items():
        path = folder / f"{city}.{purpose}.{mark}.key"
        key = path.read_bytes() if path.exists() else b""
        if len(key) != KEY_BYTES or key_mark(key) != mark:
            raise CitybrainError(
                f"{folder} has not the key of purpose {purpose!r} with fingerprint {mark}",
                remedy="name the folder that `backup create --keys` was given, or restore without keys",
            )
        found[purpose] = key
    return found
