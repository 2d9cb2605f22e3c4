"""Departments for the integration tests: real servers, started once a session."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from lake.settings import Settings
from samples.serve import StandIn

LAST_DAY = date(2023, 4, 3)


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """The five departments of Queens at the end of the last day. Shared: leave it as it was."""
    with StandIn(tmp_path_factory.mktemp("departments"), LAST_DAY, rate_per_second=1000) as made:
        yield made


@pytest.fixture
def connected(settings: Settings, standin: StandIn) -> Settings:
    """An empty home that knows the departments' addresses."""
    addresses = {f"CITYBRAIN_CONN_{name.upper()}": uri for name, uri in standin.connections.items()}
    return Settings.from_environment(
        {"CITYBRAIN_HOME": str(settings.home), "CITYBRAIN_ROOT": str(settings.root)} | addresses
    )
