"""The one reader of the published marts in this room: read-only, nothing outside the file, values as Decimal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from lake.briefs.windows import Holiday
from lake.engine import connect, quote_literal
from lake.errors import BriefRefused
from lake.settings import Settings

_PARAMETER = re.compile(r"\$([a-z_]+)")
Parameters = dict[str, str | date | int]


@dataclass(frozen=True)
class Division:
    """A place a brief is for."""

    code: str
    name_zh: str
    short_name_zh: str
    level_no: int
    parent_code: str | None

    @property
    def is_city(self) -> bool:
        """True for the root of the divisions."""
        return self.parent_code is None


@dataclass(frozen=True)
class Freshness:
    """How far a source has come, as the build saw it.

    Attributes:
        last_day_on: last day it has; None = nothing at all.
        due_day_on: last day it should have.
        state: as the marts say, such as ``on_time``, ``late``, ``held``.
    """

    dataset: str
    title_zh: str
    last_day_on: date | None
    due_day_on: date | None
    state: str

    @property
    def is_late(self) -> bool:
        """Not there when it was due."""
        return self.due_day_on is not None and (self.last_day_on is None or self.last_day_on < self.due_day_on)


@dataclass
class Published:
    """An open published build.

    Attributes:
        build_id, as_of: of the build.
        divisions: by code, in the order of the city's protocol.
        freshness: by dataset.
    """

    connection: Any
    path: Path
    build_id: str
    as_of: date
    divisions: dict[str, Division]
    freshness: dict[str, Freshness]
    _rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    _holidays: dict[date, Holiday] = field(default_factory=dict)

    @classmethod
    def open(cls, settings: Settings, build_id: str | None = None) -> Published:
        """Open the current build, or a kept one by its id.

        Raises:
            BriefRefused: nothing is published, or the build is no longer kept.
        """
        folder = settings.published / (build_id or "current")
        path = folder.resolve() / "marts.duckdb"
        if not path.is_file():
            raise BriefRefused(
                f"no published marts at {folder.name}", remedy="run `citybrain marts build --as-of DAY` first"
            )
        connection = connect(settings, path, read_only=True, locked=True)
        name, as_of = connection.execute("SELECT build_id, as_of FROM about.build").fetchone() or ("", date.min)
        divisions = connection.execute(
            "SELECT division_code, name_zh, coalesce(short_name_zh, name_zh), level_no, parent_code"
            " FROM core.dim_admin_division WHERE valid_to_on IS NULL ORDER BY level_no, order_no, division_code"
        ).fetchall()
        freshness = connection.execute(
            "SELECT dataset, title_zh, last_day_on, due_day_on, state FROM about.freshness"
        ).fetchall()
        published = cls(
            connection,
            path,
            name,
            as_of,
            {row[0]: Division(*row) for row in divisions},
            {row[0]: Freshness(*row) for row in freshness},
        )
        published._holidays = {
            row[0]: Holiday(row[1], row[2])
            for row in connection.execute(
                "SELECT date_on, holiday_name_zh, holiday_day_no FROM core.dim_date WHERE is_holiday"
            ).fetchall()
        }
        return published

    def close(self) -> None:
        """Let the file go."""
        self.connection.close()

    def rows(self, sql: str, parameters: Parameters) -> list[tuple[Any, ...]]:
        """Rows of a definition's SQL; the same question is asked once."""
        text = with_literals(sql, parameters)
        if text not in self._rows:
            self._rows[text] = [
                tuple(cell if not isinstance(cell, int) or isinstance(cell, bool) else Decimal(cell) for cell in row)
                for row in self.connection.execute(text).fetchall()
            ]
        return self._rows[text]

    def value(self, sql: str, parameters: Parameters) -> tuple[bool, Decimal | None]:
        """A single value: whether there is a row at all, and what stands in it."""
        rows = self.rows(sql, parameters)
        if not rows:
            return False, None
        cell = rows[0][0]
        return True, None if cell is None else Decimal(str(cell))

    def holiday_of(self, day: date) -> Holiday | None:
        """The day's place in a holiday block, if it is in one."""
        return self._holidays.get(day)

    def find_holiday(self, year: int, holiday: Holiday) -> date | None:
        """The day of a year that holds the same place in the same holiday."""
        return next((day for day, each in sorted(self._holidays.items()) if day.year == year and each == holiday), None)

    def holidays_in(self, first: date, last: date) -> tuple[str, ...]:
        """Names of the holidays a window touches."""
        names = [each.name_zh for day, each in sorted(self._holidays.items()) if first <= day <= last]
        return tuple(dict.fromkeys(names))


def with_literals(sql: str, parameters: Parameters) -> str:
    """The SQL as an analyst may run it: each ``$parameter`` as a literal."""

    def literal(match: re.Match[str]) -> str:
        value = parameters[match.group(1)]
        if isinstance(value, date):
            return f"DATE {quote_literal(value.isoformat())}"
        return str(value) if isinstance(value, int) else quote_literal(value)

    return _PARAMETER.sub(literal, " ".join(sql.split()))


def decimals_of(cells: Sequence[Any]) -> list[Decimal | None]:
    """Cells of a row as exact numbers."""
    return [None if cell is None else Decimal(str(cell)) for cell in cells]
