"""A stand-in for the departments: delivers the originals in ``samples/queens`` the way departments do.

Five deliveries, each by a server of its own kind: 311 from a PostgreSQL, SCOUT as daily CSV drops, collisions by a
paged HTTP API, weather as monthly Excel workbooks, boundaries as a monthly GeoJSON. All follow one clock, the last day
that is over in New York.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import secrets
import shutil
import threading
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from samples.serve import originals
from samples.serve.boundary_drop import BoundaryDrop
from samples.serve.collision_api import CollisionApi, Fault
from samples.serve.request_database import RequestDatabase
from samples.serve.scout_drop import ScoutDrop
from samples.serve.weather_drop import WeatherDrop
from samples.servers.home import as_day, lock_home, side_by_side, write_private

FORMAT = 1
"""Raised whenever the same originals are delivered differently: homes of an older number are made anew."""


class StandIn:
    """Five departments' deliveries, served from the moment this is made until `stop`.

    The content depends on `through` alone: whatever day the home held before, the same day delivers the same. What a
    test changed by hand (`database.execute`, `scout.drop.deliver` …) stays changed until the home is removed.

    Args:
        home: folder for the servers' data, kept from start to start (a second start is quick).
        through: the last day that is over, as a date or ``YYYY-MM-DD``.
        faults: pages of the collisions API that go wrong, such as ``{"fail_page": 3, "status": 500, "times": 1}``.
        rate_per_second: rate limit of the collisions API.
    """

    def __init__(
        self,
        home: Path | str,
        through: date | str,
        *,
        faults: Mapping[str, Any] | Sequence[Mapping[str, Any]] = (),
        rate_per_second: float = 20,
    ) -> None:
        self.home = Path(home).resolve()
        self.through = as_day(through)
        self._busy = threading.RLock()
        self.home.mkdir(parents=True, exist_ok=True)
        self._lock = lock_home(self.home)
        state = _state_of(self.home)
        self.database = RequestDatabase(
            self.home / "postgres",
            admin_password=state["admin_password"],
            reader_password=state["reader_password"],
            port=state["database_port"],
        )
        self.scout = ScoutDrop(self.home / "dot_drop")
        self.weather = WeatherDrop(self.home / "weather_drop")
        self.boundaries = BoundaryDrop(self.home / "dcp_drop")
        self.collisions = CollisionApi(
            token=state["token"],
            rate_per_second=rate_per_second,
            port=state["api_port"],
            control_token=state["control_token"],
            on_advance=self.advance,
        )
        self.fail(*([faults] if isinstance(faults, Mapping) else faults))
        atexit.register(self.stop)
        try:
            side_by_side(self.database.start, self.collisions.start, lambda: self._set_files(self.through))
            self.database.set_clock(self.through)
            self.collisions.set_clock(self.through)
            state |= {"database_port": self.database.port, "api_port": self.collisions.port}
            write_private(self.home / "state.json", state)
            write_private(self.home / "connections.json", self.connections)
        except BaseException:
            self.stop()
            raise

    @property
    def connections(self) -> dict[str, str]:
        """URI of each connection by its id; two of them hold secrets."""
        return {
            "nyc311_db": self.database.uri,
            "dot_drop": self.scout.drop.uri,
            "nypd_api": self.collisions.uri,
            "weather_drop": self.weather.drop.uri,
            "dcp_drop": self.boundaries.drop.uri,
        }

    def advance(self, day: date | str) -> None:
        """Let time pass until the end of `day`.

        Raises:
            ValueError: `day` lies before the clock; only a new stand-in can go back.
        """
        day = as_day(day)
        with self._busy:
            if day < self.through:
                raise ValueError(f"the clock is at {self.through} and does not run backwards")
            side_by_side(lambda: self.database.set_clock(day), lambda: self._set_files(day))
            self.collisions.set_clock(day)
            self.through = day

    def fail(self, *faults: Mapping[str, Any]) -> None:
        """Let pages of the collisions API go wrong from now on; see `Fault` for the names."""
        self.collisions.faults.extend(Fault(**fault) for fault in faults)

    def stop(self) -> None:
        """Stop every server. What is in the home stays."""
        atexit.unregister(self.stop)
        with self._busy:
            (self.home / "connections.json").unlink(missing_ok=True)
            self.collisions.stop()
            self.database.stop()
            with contextlib.suppress(OSError):
                os.close(self._lock)

    def _set_files(self, through: date) -> None:
        self.scout.set_clock(through)
        self.weather.set_clock(through)
        self.boundaries.set_clock(through)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _state_of(home: Path) -> dict[str, Any]:
    """Secrets and ports of this home, made once. What was made from other originals is thrown away."""
    content = f"{FORMAT}-{originals.digest()}"
    path = home / "state.json"
    state: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    if state.get("content") != content:
        for name in ("postgres", "dot_drop", "weather_drop", "dcp_drop"):
            shutil.rmtree(home / name, ignore_errors=True)
        secret = {
            name: secrets.token_urlsafe(24) for name in ("token", "control_token", "admin_password", "reader_password")
        }
        state = {"database_port": 0, "api_port": 0} | secret | state | {"content": content}
        write_private(path, state)
    return state
