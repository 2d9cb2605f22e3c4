"""What every level of tests shares: a home of its own, and nothing from the developer's environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.settings import PROJECT_ROOT, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An empty home of the city `queens` in a folder of the test's own."""
    made = Settings.from_environment({"CITYBRAIN_HOME": str(tmp_path / "home"), "CITYBRAIN_ROOT": str(PROJECT_ROOT)})
    made.make_home()
    return made
