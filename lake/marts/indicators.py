"""Two versions of an indicator over the published file: what the new definition would have said of every window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from lake.errors import CitybrainError
from lake.marts.query import Answer, query
from lake.settings import Settings


class VersionMissing(CitybrainError):
    """The catalogue has not the versions that were asked for, or the city has no catalogue."""

    exit_code = 2


@dataclass(frozen=True)
class Version:
    """A version of an indicator as the catalogue has it.

    Attributes:
        version: its number.
        name_zh, formula, std_no, change_zh: as in `core.dim_indicator`.
        part, variant: what of `overview.indicator_value` is its headline.
        valid_from: first day it holds.
        valid_to: first day it no longer holds; None while it does.
    """

    version: int
    name_zh: str
    formula: str
    std_no: str
    change_zh: str | None
    part: str
    variant: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True)
class Window:
    """One window of one division by both definitions; None where one has nothing to say."""

    first_on: date
    last_on: date
    division_code: str
    old: float | None
    new: float | None

    @property
    def difference(self) -> float | None:
        """New less old."""
        return None if self.old is None or self.new is None else self.new - self.old


@dataclass(frozen=True)
class Backcast:
    """Both versions over the same windows, the valid range of neither regarded."""

    indicator_id: str
    old: Version
    new: Version
    windows: list[Window]


def catalogue(settings: Settings) -> Answer:
    """Every indicator of the published catalogue and its versions.

    Raises:
        VersionMissing: the city has no catalogue.
        BuildFailed: nothing is published.
    """
    return _of_catalogue(
        settings,
        "SELECT indicator_id, version, name_zh, formula, unit, std_no, valid_from_on, valid_to_on "
        "FROM core.dim_indicator ORDER BY indicator_id, version",
    )


def versions(settings: Settings, indicator_id: str) -> list[Version]:
    """Versions of an indicator that the published file can compute, oldest first.

    Raises:
        VersionMissing: the city has no catalogue.
        BuildFailed: nothing is published.
    """
    rows = _of_catalogue(
        settings,
        "SELECT version, name_zh, formula, std_no, change_zh, part, variant, valid_from_on, valid_to_on "
        f"FROM core.dim_indicator WHERE indicator_id = {_text(indicator_id)} AND part IS NOT NULL ORDER BY version",
    ).rows
    return [Version(*row) for row in rows]


def backcast(
    settings: Settings,
    indicator_id: str,
    *,
    old: int | None = None,
    new: int | None = None,
    window_kind: str = "month",
    scope: str = "city",
) -> Backcast:
    """Values of two versions of an indicator over every published window; without numbers the newest two.

    Raises:
        VersionMissing: the catalogue has not both versions.
        BuildFailed: nothing is published.
    """
    known = versions(settings, indicator_id)
    have = ", ".join(str(one.version) for one in known) or "none"
    if len(known) < 2 and (old is None or new is None):
        raise VersionMissing(
            f"there are no two versions of {indicator_id} that can be computed (have: {have})",
            remedy="a new version is a row of dbt_project/seeds/std/indicator.csv; `citybrain marts build` then",
        )
    first = _of(known, known[-2].version if old is None else old, indicator_id, have)
    second = _of(known, known[-1].version if new is None else new, indicator_id, have)
    where = f"indicator_id = {_text(indicator_id)} AND window_kind = {_text(window_kind)} AND scope = {_text(scope)}"
    rows = query(
        settings,
        f"SELECT first_on, last_on, division_code, before.value, after.value "
        f"FROM (FROM overview.indicator_value WHERE {where} AND {_headline(first)}) AS before "
        f"FULL JOIN (FROM overview.indicator_value WHERE {where} AND {_headline(second)}) AS after "
        "USING (first_on, last_on, division_code) ORDER BY first_on, division_code",
    ).rows
    return Backcast(indicator_id, first, second, [Window(*row) for row in rows])


def _of_catalogue(settings: Settings, sql: str) -> Answer:
    is_there = "SELECT 1 FROM information_schema.tables WHERE table_schema = 'core' AND table_name = 'dim_indicator'"
    if not query(settings, is_there).rows:
        raise VersionMissing(
            f"the published marts of {settings.city!r} have no catalogue of indicators",
            remedy="a city whose departments feed none of the indicators has none; see `about.models` for what it has",
        )
    return query(settings, sql)


def _of(known: list[Version], number: int, indicator_id: str, have: str) -> Version:
    for one in known:
        if one.version == number:
            return one
    raise VersionMissing(
        f"{indicator_id} has no version {number} (have: {have})", remedy="name versions of `citybrain indicator list`"
    )


def _headline(version: Version) -> str:
    return f"part = {_text(version.part)} AND variant = {_text(version.variant)}"


def _text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"
