"""The city as data: zone, units, calendar and times. Read from ``contracts/<city>/city.yaml``."""

from __future__ import annotations

import json
from datetime import time
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from lake.contracts import cache
from lake.contracts.documents import Mistake, Page, hold_against
from lake.errors import ContractError
from lake.settings import Settings


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Code = Annotated[str, Field(pattern=r"^[0-9A-Z]+$")]
Title = Annotated[str, Field(min_length=1)]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("not an IANA zone such as America/New_York") from None
    return name


class BoundingBox(_Strict):
    """Corners in degrees, WGS 84; a point outside is a slip of the source."""

    west: float = Field(ge=-180, le=180)
    south: float = Field(ge=-90, le=90)
    east: float = Field(ge=-180, le=180)
    north: float = Field(ge=-90, le=90)

    @model_validator(mode="after")
    def _has_area(self) -> BoundingBox:
        if self.west >= self.east or self.south >= self.north:
            raise ValueError("west must be less than east, and south less than north")
        return self


class Division(_Strict):
    """An administrative unit.

    Attributes:
        code: as the marts carry it; text, since codes may begin with 0.
        level_no: 1 province, 2 city, 3 county or borough, 4 town or community district.
        name_zh, name_en: for headings.
        short_name_zh: for charts and sentences.
    """

    code: Code
    level_no: int = Field(ge=1, le=6)
    name_zh: Title
    name_en: Title
    short_name_zh: Title


class City(Division):
    """The whole city (its own division fields are those of the unit at the top) and what belongs to it.

    Attributes:
        city: id, the name of the folder.
        zone: IANA zone of civil dates and of the schedule.
        languages: of names, the briefs' language first.
        bounding_box: see there.
        week_start: first day of the week in reports.
        holiday_calendar: name of the calendar among the seeds.
        report_window: what a day means in a brief: ``natural_day`` 00:00 to 24:00, ``noon_noon`` 12:00 to 12:00.
        brief_due_at: local time of the day after the business day by which the brief is out.
        divisions: the units below, in the order of the briefs.
    """

    city: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    zone: Annotated[str, AfterValidator(_known_zone)]
    languages: tuple[Literal["zh", "en"], ...] = Field(min_length=1)
    bounding_box: BoundingBox
    week_start: Literal["monday", "saturday", "sunday"]
    holiday_calendar: Title
    report_window: Literal["natural_day", "noon_noon"]
    brief_due_at: time
    divisions: tuple[Division, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _codes_are_unique(self) -> City:
        codes = [self.code, *(division.code for division in self.divisions)]
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            raise ValueError(f"divisions: code {', '.join(twice)} is given twice")
        return self

    def division(self, code: str) -> Division:
        """The unit with this code, the whole city included; KeyError when there is none."""
        for division in (self, *self.divisions):
            if division.code == code:
                return division
        raise KeyError(code)


def load_city(settings: Settings) -> City:
    """The city of these settings.

    Raises:
        ContractError: the file is missing or wrong; the cause names file and line.
    """
    shown = f"contracts/{settings.city}/city.yaml"
    path = settings.root / shown
    key = cache.fingerprint({shown: path.read_bytes() if path.is_file() else b""})
    document = cache.recall(settings, "city", key)
    if document is None:
        page = _page(path, shown)
        if page.mistakes:
            raise ContractError(
                "; ".join(f"{mistake.file}:{mistake.line}: {mistake.message}" for mistake in page.mistakes),
                remedy="run `citybrain contract check`, which says what to write",
            )
        document = page.plain()
        cache.keep(settings, "city", key, document)
    return City.model_validate_json(json.dumps(document))


def check_city(path: Path, shown: str) -> list[Mistake]:
    """Every mistake of a city file; `shown` is the path to print."""
    return _page(path, shown).mistakes


def _page(path: Path, shown: str) -> Page:
    if not path.is_file():
        page = Page(shown)
        page.wrong(1, "the city file is missing", "set CITYBRAIN_CITY, or copy another city's file and change it")
        return page
    page = Page.read(shown, path.read_bytes())
    if page.document is not None:
        hold_against(page, City)
        if page.document.get("city") != path.parent.name:
            page.wrong(page.line(("city",)), "the city is not the name of its folder", f"write {path.parent.name}")
    return page
