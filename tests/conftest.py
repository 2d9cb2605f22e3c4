"""What every level of tests shares: a home of its own, departments that answer, and one lake built once."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import filelock
import pytest

from lake.settings import PROJECT_ROOT, Settings
from samples.serve import StandIn

# Homes of tests share what dbt parsed; it is kept under the hash of the project, so nothing stale is ever read.
os.environ.setdefault("CITYBRAIN_PARSED", str(Path(tempfile.gettempdir()) / f"citybrain-parsed-{os.getuid()}"))

LAST_DAY = date(2023, 4, 3)
FIRST_DAY = date(2023, 1, 1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An empty home of the city `queens` in a folder of the test's own."""
    made = Settings.from_environment({"CITYBRAIN_HOME": str(tmp_path / "home"), "CITYBRAIN_ROOT": str(PROJECT_ROOT)})
    made.make_home()
    return made


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """The five departments of Queens at the end of the last day. Shared: leave it as it was."""
    with StandIn(tmp_path_factory.mktemp("departments"), LAST_DAY, rate_per_second=1000) as made:
        yield made


@pytest.fixture
def connected(settings: Settings, standin: StandIn) -> Settings:
    """An empty home that knows the departments' addresses."""
    return _connected(settings.home, standin)


@pytest.fixture(scope="session")
def queens(tmp_path_factory: pytest.TempPathFactory, worker_id: str, standin: StandIn) -> Settings:
    """Queens from New Year 2023 on: loaded, built, published, B01 and B02 issued for the borough. Shared: read only.

    The processes of one run share it too; each has departments of its own, with the same data.
    """
    room = tmp_path_factory.getbasetemp()
    room = room if worker_id == "master" else room.parent
    home = _connected(room / "queens", standin)
    with filelock.FileLock(room / "queens.lock"):
        if not (room / "queens.made").exists():
            _make_queens(home)
            (room / "queens.made").touch()
    return home


def _make_queens(home: Settings) -> None:
    from lake.briefs import issue
    from lake.contracts.model import Window
    from lake.load import load
    from lake.marts import build, publish
    from lake.upkeep import make_ready

    make_ready(home)
    for dataset, first, last in (
        ("queens.dcp.community_district", date(2023, 3, 1), date(2023, 3, 31)),
        ("queens.nyc311.service_request", FIRST_DAY, LAST_DAY),
        ("queens.dot.street_defect", FIRST_DAY, LAST_DAY),
        ("queens.nypd.collision", FIRST_DAY, date(2023, 3, 31)),
        ("queens.weather.hourly_weather", date(2022, 10, 1), date(2023, 3, 31)),
    ):
        load(dataset, Window(first, last), home)
    publish(build(home, LAST_DAY), home)
    for brief in ("B01", "B02"):
        issue(brief, LAST_DAY, home, scopes=["4"])


def _connected(home: Path, standin: StandIn) -> Settings:
    addresses = {f"CITYBRAIN_CONN_{name.upper()}": uri for name, uri in standin.connections.items()}
    return Settings.from_environment({"CITYBRAIN_HOME": str(home), "CITYBRAIN_ROOT": str(PROJECT_ROOT)} | addresses)
