"""The demo city as its engineers have it: its departments' systems and a lake that loaded them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

from marts_lake import SyntheticLake, replayed

from demo_city.systems import DemoCity
from lake.contracts import load_contracts
from lake.contracts.model import Mode, Window
from lake.errors import CitybrainError
from lake.load import load_range
from lake.settings import PROJECT_ROOT, Settings
from lake.upkeep import make_ready

UNTIL = date(2026, 6, 30)
SEED = 23
"""Not the demo's: whatever holds here was not tuned to it."""
TAKEN_BACK = ("hotline__work_order", "rental__tenancy")
"""Tables whose departments say of a record that it never was."""


@dataclass
class Linlan:
    """A lake of the demo city and what refused to be loaded."""

    settings: Settings
    departments: DemoCity
    refused: dict[str, CitybrainError] = field(default_factory=dict)


@contextmanager
def loaded(room: Path, days: int) -> Iterator[Linlan]:
    """Days of the smallest cut there is, one township of one county, all datasets loaded."""
    with DemoCity(room / "departments", seed=SEED, scale=0.001, county="990171", until=UNTIL, days=days) as city:
        settings = Settings.from_environment({
            "CITYBRAIN_CITY": "linlan", "CITYBRAIN_HOME": str(room / "home"), "CITYBRAIN_ROOT": str(PROJECT_ROOT),
            **city.environment,
        })  # fmt: skip
        make_ready(settings)
        made = Linlan(settings, city)
        for contract in load_contracts(settings):
            try:
                load_range(contract.dataset, Window(UNTIL - timedelta(days=days - 1), UNTIL), settings)
            except CitybrainError as error:
                made.refused[contract.dataset] = error
        yield made


class Story:
    """A loaded lake told anew, day by day, as badly as departments can.

    At any time a third of the tables are late, for up to four days, and then come newest day first. Every day one table
    in five corrects the day before, one in thirteen loses a day that it delivered, and work orders and tenancies of the
    day before are taken back.

    Attributes:
        settings: of a home that builds the marts of what was told.
        lake: what was told.
        told_to: the last day of it.
    """

    def __init__(self, loaded: Settings, home: Path, first: date) -> None:
        """Everything up to a day, as one history."""
        self.settings = replace(loaded, home=home, warehouse=f"file://{home}/tables", cache=home / "cache")
        self.settings.make_home()
        self.lake = SyntheticLake(self.settings, replayed(loaded, UNTIL))
        self.told_to = first
        self._held: dict[str, list[date]] = {table: [] for table in self.lake.contracts}
        for table in self._held:
            self.lake.deliver(table, f"ds <= DATE '{first}'")

    def next_day(self) -> date:
        """Tell one day more; gives it."""
        before, self.told_to = self.told_to, self.told_to + timedelta(days=1)
        for number, (table, held) in enumerate(self._held.items(), self.told_to.toordinal()):
            held.append(self.told_to)
            if number % 11 >= 4 and number % 7 != 0:
                self._tell(table)
            if number % 5 == 0 and before not in held:
                self.lake.correct(table, before, on=self.told_to)
            if number % 13 == 0 and self.lake.contracts[table].mode is not Mode.CHANGES:
                self.lake.withdraw(table, before - timedelta(days=2))
            if table in TAKEN_BACK and before not in held:
                self.lake.take_back(table, before, on=self.told_to)
        return self.told_to

    def finish(self) -> None:
        """Tell whatever was held back."""
        for table in self._held:
            self._tell(table)

    def _tell(self, table: str) -> None:
        """What was held back of a table, the newest day first."""
        for day in reversed(self._held[table]):
            self.lake.deliver(table, f"ds = DATE '{day}'")
        self._held[table].clear()
