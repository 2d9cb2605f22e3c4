"""Times that only go forward, dataset by dataset, whatever the machine's clock does.

What was landed, held, decided and committed is ordered by its time: the last version of a record wins, and a day
belongs to the delivery that was committed last. A clock that is set back would turn that round. So a time is given out
here: the clock's, or a microsecond after the last one given where the clock is not past that.
"""

from __future__ import annotations

import fcntl
import json
import os
from datetime import UTC, datetime, timedelta

from lake.landing.manifest import MANIFEST, read_landed, write_durably
from lake.settings import Settings

STAMPS = ".stamps"
"""Folder in the landing: the last time given out, a file per dataset. Without it the manifests tell."""
_LISTS = (
    ("commit.json", "commits", "committed_at"),
    ("holds.json", "holds", "at"),
    ("decision.json", "decisions", "at"),
)


def stamp(settings: Settings, dataset: str, at: datetime | None = None) -> datetime:
    """A time after every other that was given out for the dataset.

    Args:
        settings: the city's home.
        dataset: dataset id.
        at: the time it should be; None = now.
    """
    room = settings.landing / STAMPS
    room.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted = at or datetime.now(UTC)
    lock = os.open(room / f"{dataset}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        last = last_stamp(settings, dataset)
        given = wanted if last is None or wanted > last else last + timedelta(microseconds=1)
        write_durably(room / dataset, given.isoformat().encode())
    finally:
        os.close(lock)
    return given


def last_stamp(settings: Settings, dataset: str) -> datetime | None:
    """The last time given out; None for a dataset that never had one."""
    try:
        return datetime.fromisoformat((settings.landing / STAMPS / dataset).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return _of_files(settings, dataset)


def _of_files(settings: Settings, dataset: str) -> datetime | None:
    """The newest time any file of the dataset's deliveries tells of: for a home from before, or from a backup."""
    _, department, name = dataset.split(".")
    times: list[datetime] = []
    for manifest in (settings.landing / department / name).glob(f"*/{MANIFEST}"):
        times.append(read_landed(manifest.parent).landed_at)
        for file, key, field in _LISTS:
            if (path := manifest.with_name(file)).exists():
                times += [datetime.fromisoformat(each[field]) for each in json.loads(path.read_bytes())[key]]
    return max(times, default=None)
