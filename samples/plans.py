"""What the demo of each city does: who stands in for its departments, which days are loaded, what is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Protocol

from lake.contracts.model import Cadence, Contract
from lake.settings import Settings


class Departments(Protocol):
    """The running departments of a city."""

    @property
    def connections(self) -> Mapping[str, str]:
        """URI of each connection by its id."""

    def advance(self, day: date) -> None:
        """Let time pass until the end of `day`."""


@dataclass(frozen=True)
class Ask:
    """A DAG run to ask for.

    Attributes:
        dag_id: of the DAG.
        key: partition key, or nothing.
        conf: or the run's configuration.
        is_late: whether the department has nothing for that day, and the run must say so.
    """

    dag_id: str
    key: str | None = None
    conf: dict[str, Any] | None = None
    is_late: bool = False


@dataclass(frozen=True)
class Plan:
    """The demo of one city.

    Attributes:
        city: its id.
        said: what stands in for the departments, for people.
        first_day, history_until: the history that is loaded as one range.
        today: the day after it, which is loaded as every night.
        start: starts the departments in a folder, their clock at the end of the history.
        history: the runs that load the history, side by side.
        night: the runs that load `today`.
        briefs: the runs that issue what does not follow the marts by itself.
        query: what to try on the marts.
    """

    city: str
    said: str
    first_day: date
    history_until: date
    today: date
    start: Callable[[Path], AbstractContextManager[Departments]]
    history: Callable[[Settings], list[Ask]]
    night: Callable[[Settings], list[Ask]]
    query: str
    briefs: list[Ask] = field(default_factory=list)


def queens() -> Plan:
    """Real data of Queens, 2020 to 2023, by five stand-in servers."""
    first, until, today = date(2020, 1, 1), date(2023, 4, 2), date(2023, 4, 3)
    month = str(date(2023, 3, 1))

    def start(home: Path) -> AbstractContextManager[Departments]:
        from samples.serve import StandIn

        return StandIn(home, until, rate_per_second=200)

    def history(settings: Settings) -> list[Ask]:
        # Two processes for two cores, each with about half of the work.
        groups = (
            ["queens.nyc311.service_request", "queens.weather.hourly_weather"],
            ["queens.dot.street_defect", "queens.nypd.collision"],
        )
        return [*_ranges(groups, first, until), Ask("ingest__queens__dcp__monthly", month)]

    def night(settings: Settings) -> list[Ask]:
        daily = [Ask(f"ingest__queens__{department}__daily", str(today)) for department in ("nyc311", "dot", "nypd")]
        # The weather department stopped delivering in 2022.
        return [*daily, Ask("ingest__queens__weather__monthly", month, is_late=True)]

    return Plan(
        city="queens",
        said="PostgreSQL, HTTP, three drop folders",
        first_day=first,
        history_until=until,
        today=today,
        start=start,
        history=history,
        night=night,
        briefs=[Ask("briefs", conf={"briefs": ["B02"], "day": str(until)})],
        query="SELECT day_on, appeals_n, defects_n, crashes_n FROM overview.city_daily "
        "WHERE division_code = '4' ORDER BY day_on DESC LIMIT 7",
    )


def linlan(*, seed: int, scale: float, county: str | None, days: int) -> Plan:
    """The demo city: 35 departments' systems, invented, with known right answers.

    Args:
        seed: of the city.
        scale: share of it, 0 to 1.
        county: code of one county-level unit, or nothing for the whole city.
        days: of history, up to 2026-06-30.
    """
    until = date(2026, 6, 30)
    first, today = until - timedelta(days=days - 1), until + timedelta(days=1)
    sunday = until - timedelta(days=(until.weekday() + 1) % 7)

    def start(home: Path) -> AbstractContextManager[Departments]:
        from demo_city.systems import DemoCity

        return DemoCity(home, seed=seed, scale=scale, county=county, until=until, days=days)

    def history(settings: Settings) -> list[Ask]:
        return _ranges(_halves(_contracts(settings)), first, until)

    def night(settings: Settings) -> list[Ask]:
        daily = {one.department for one in _contracts(settings) if one.cadence is Cadence.DAILY}
        return [Ask(f"ingest__linlan__{department}__daily", str(today)) for department in sorted(daily)]

    return Plan(
        city="linlan",
        said="35 departments: PostgreSQL, MariaDB, HTTP, SFTP, S3, drop folders",
        first_day=first,
        history_until=until,
        today=today,
        start=start,
        history=history,
        night=night,
        briefs=[Ask("briefs", conf={"briefs": ["B02"], "day": str(sunday)})],
        query="SELECT day_on, appeals_n, defects_n, crashes_n FROM overview.city_daily "
        f"WHERE division_code = '{county or '990100'}' ORDER BY day_on DESC LIMIT 7",
    )


def _ranges(groups: Any, first: date, last: date) -> list[Ask]:
    return [Ask("history", conf={"datasets": list(group), "first": str(first), "last": str(last)}) for group in groups]


def _contracts(settings: Settings) -> list[Contract]:
    from lake.contracts import load_contracts

    return list(load_contracts(settings))


def _halves(contracts: list[Contract]) -> tuple[list[str], list[str]]:
    """Two processes for two cores: every second dataset, APIs first, since their pages take longest."""
    ordered = sorted(contracts, key=lambda one: (one.source.connector != "http_json", one.dataset))
    names = [contract.dataset for contract in ordered]
    return names[0::2], names[1::2]
