"""A home of servers' data: held by one process at a time, with secrets that its owner alone may read."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any


def lock_home(home: Path) -> int:
    """Take the home for this process; released by the system even after kill -9.

    Raises:
        RuntimeError: another process holds it.
    """
    lock = os.open(home / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise RuntimeError(f"another process serves {home}; stop it first, or advance it") from None
    return lock


def write_private(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON that its owner alone may read, whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    part.replace(path)


def side_by_side(*tasks: Callable[[], Any]) -> None:
    """Run tasks at once and raise the first error."""
    with ThreadPoolExecutor(len(tasks)) as pool:
        for future in [pool.submit(task) for task in tasks]:
            future.result()


def as_day(day: date | str) -> date:
    """A date, also of its ISO text."""
    return date.fromisoformat(day) if isinstance(day, str) else day
