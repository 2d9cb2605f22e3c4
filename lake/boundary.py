"""Named points at which a fault test may kill the process, as the power failing there would.

``CITYBRAIN_DIE_AT=land.renamed`` in the environment makes the process end itself with SIGKILL when it gets to that
point: no handler runs, nothing is flushed. Without the variable a boundary costs one look-up.
"""

from __future__ import annotations

import os
import signal

VARIABLE = "CITYBRAIN_DIE_AT"


def boundary(name: str) -> None:
    """Say that the process is at the point `name`, such as ``land.fetched`` or ``commit.before``."""
    if os.environ.get(VARIABLE) == name:
        os.kill(os.getpid(), signal.SIGKILL)
