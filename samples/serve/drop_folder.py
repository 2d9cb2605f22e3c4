"""A department's drop folder: files appear whole, are never written in place, and go when time is set back."""

from __future__ import annotations

import os
import uuid
from pathlib import Path


class DropFolder:
    """One folder that a department delivers files into.

    Args:
        path: the folder; made when it is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        for leftover in path.glob(".part-*"):
            leftover.unlink()

    @property
    def uri(self) -> str:
        """Address of the folder for a connection: ``file:///…``."""
        return self.path.as_uri()

    def names(self) -> set[str]:
        """Names of the files that are delivered."""
        return {entry.name for entry in os.scandir(self.path) if not entry.name.startswith(".part-")}

    def deliver(self, name: str, content: bytes) -> None:
        """Put a file, or put a corrected one in its place. A reader that has the old one open keeps it."""
        part = self.part()
        part.write_bytes(content)
        part.replace(self.path / name)

    def deliver_link(self, name: str, original: Path) -> None:
        """Deliver the same content under another name without storing it twice (a hard link: a regular file)."""
        part = self.part()
        part.hardlink_to(original)
        part.replace(self.path / name)

    def part(self) -> Path:
        """A name for a file that is still being written; `take` or `deliver` gives it its own."""
        return self.path / f".part-{uuid.uuid4().hex}"

    def take(self, part: Path, name: str) -> None:
        """Deliver a file that somebody wrote under the name that `part` gave."""
        part.replace(self.path / name)

    def withdraw(self, names: set[str]) -> None:
        """Remove files."""
        for name in names:
            (self.path / name).unlink(missing_ok=True)
