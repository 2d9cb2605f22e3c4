"""One worker at a dataset at a time: a load, or the upkeep of its table."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from lake.contracts.model import Contract
from lake.errors import Busy
from lake.settings import Settings


@contextlib.contextmanager
def locked(contract: Contract, settings: Settings, patience_s: float, *, day: str | None = None) -> Iterator[None]:
    """Hold a dataset's lock on this host; the operating system frees the lock of a killed process.

    Raises:
        Busy: somebody else held it for longer than `patience_s` seconds.
    """
    import filelock

    path = settings.landing / contract.department / f".{contract.name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with filelock.FileLock(path, timeout=patience_s):
            yield
    except filelock.Timeout as error:
        raise Busy(
            "another load of this dataset, or upkeep of its table, is running",
            remedy=f"wait for it; {path.name} is freed when its process ends",
            dataset=contract.dataset,
            day=day,
        ) from error
