"""What the fault tests share: a process to be killed, and a town of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from forge import Forge
from town import Town


@pytest.fixture(scope="session")
def forge() -> Iterator[Forge]:
    made = Forge()
    yield made
    made.close()


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """Three datasets, contracts and suites written, nothing delivered."""
    return Town(tmp_path).found()
