"""Who is told, when, and after how long the next: ``contracts/<city>/care.yaml``, data like the city file beside it."""

from __future__ import annotations

import json
from datetime import datetime, time
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lake.contracts.documents import Mistake, Page, hold_against
from lake.contracts.reader import CARE_FILE
from lake.errors import ContractError
from lake.settings import Settings

DEPARTMENT = "department"
"""Among a level's addresses: those of the department that delivers the dataset."""

Address = Annotated[str, Field(pattern=r"^([^@\s]+@[^@\s]+|department)$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Level(_Strict):
    """Somebody who is told.

    Attributes:
        name: such as ``data_engineer``.
        after_hours: hours since the delivery was due, was held or a task failed.
        to: addresses; ``department`` stands for those of the dataset's department. Empty: those of the mail connection.
        in_quiet_hours: whether they are told at night as well; else at its end.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    after_hours: float = Field(ge=0)
    to: tuple[Address, ...] = ()
    in_quiet_hours: bool = False


class QuietHours(_Strict):
    """From the first clock time to the last, over midnight where the last is the smaller; city's zone."""

    first: time
    last: time

    def hold(self, at: datetime) -> bool:
        """Whether an instant, already in the city's zone, lies within."""
        now = at.time()
        if self.first <= self.last:
            return self.first <= now < self.last
        return now >= self.first or now < self.last


class Rules(_Strict):
    """The whole file.

    Attributes:
        levels: by `after_hours`; the first is told at once.
        departments: department → addresses of its contacts.
        quiet_hours: None = none.
        remind_after_hours: what lasts is told again after so many hours.
    """

    levels: tuple[Level, ...] = (Level(name="data_engineer", after_hours=0, in_quiet_hours=True),)
    departments: dict[str, tuple[Address, ...]] = Field(default_factory=dict)
    quiet_hours: QuietHours | None = None
    remind_after_hours: float = Field(default=24, gt=0)

    @model_validator(mode="after")
    def _levels_rise(self) -> Rules:
        hours = [level.after_hours for level in self.levels]
        if not hours or hours[0] != 0 or hours != sorted(set(hours)):
            raise ValueError("levels: the first is told after 0 hours, each other later than the one before")
        if len({level.name for level in self.levels}) < len(self.levels):
            raise ValueError("levels: two have the same name")
        return self

    def addresses(self, level: Level, department: str) -> tuple[str, ...]:
        """Whom a level's mail about a department's dataset goes to; empty = the connection's own recipients."""
        found: list[str] = []
        for address in level.to:
            found += self.departments.get(department, ()) if address == DEPARTMENT else (address,)
        return tuple(dict.fromkeys(found))


def load_rules(settings: Settings) -> Rules:
    """The city's rules; without a file the data engineer alone is told, at once, at the mail connection's recipients.

    Raises:
        ContractError: the file is wrong; the cause names file and line.
    """
    path = settings.root / "contracts" / settings.city / CARE_FILE
    if not path.is_file():
        return Rules()
    page = _page(path, f"contracts/{settings.city}/{CARE_FILE}")
    if page.mistakes:
        raise ContractError(
            "; ".join(f"{mistake.file}:{mistake.line}: {mistake.message}" for mistake in page.mistakes),
            remedy="run `citybrain contract check`, which says what to write",
        )
    return Rules.model_validate_json(json.dumps(page.plain()))


def check_rules(settings: Settings) -> list[Mistake]:
    """Every mistake of the city's rules; none where there is no file."""
    path = settings.root / "contracts" / settings.city / CARE_FILE
    return _page(path, f"contracts/{settings.city}/{CARE_FILE}").mistakes if path.is_file() else []


def _page(path: Path, shown: str) -> Page:
    page = Page.read(shown, path.read_bytes())
    if page.document is not None:
        hold_against(page, Rules)
    return page
